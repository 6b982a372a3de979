"""Masks as rows of comparable numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, is_number
from .pooling import Matrix, Pooled

# Dimensions that are kept of features after whitening, and how many masks each takes: among as
# many dimensions as masks all would be equally far apart.
_DIMENSIONS = 24
_MASKS_PER_DIMENSION = 4
# What features count beside columns whose unit is known. Chosen, like the threshold of clusters, on
# synthesized images and nuclei that networks may be trained on.
_BESIDE = 0.45
# Differences that count 1 at a weight of 1: areas by a factor of four, and Lab colors by a quarter
# of the range of lightness.
_SIZE = float(np.log(4))
_COLOR = 0.25
# Variances below this share of the mean square are rounding, which must not be whitened up.
_CONSTANT = 1e-10


@dataclass(frozen=True)
class Descriptors:
    """Masks as rows of comparable numbers.

    Attributes
    ----------
    values : float32 array (n, d)
        Never NaN; 0 of a mask without pixels.
    names : tuple of str
        Of the columns.
    calibrated : bool
        Whether a distance of 1 means "as likely of one kind as not".
    """

    values: Matrix = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    calibrated: bool = False

    def __len__(self) -> int:
        return len(self.values)

    def components(self, n: int = 3) -> Matrix:
        """The `n` principal components (n masks, n), for tables and plots; 0 where there are less.

        Of each the entry that is largest in size is positive, so that they are the same every time.
        """
        result = np.zeros((len(self.values), n), np.float32)
        if len(self.values) < 2:
            return result
        centered = self.values.astype(np.float64)
        centered -= centered.mean(axis=0)
        axes = np.linalg.eigh(centered.T @ centered)[1][:, ::-1][:, :n]
        scores = centered @ axes
        largest = np.take_along_axis(scores, np.abs(scores).argmax(axis=0)[np.newaxis], axis=0)
        result[:, : scores.shape[1]] = scores * np.where(largest < 0, -1, 1)
        return result


@dataclass(frozen=True)
class DescriptorSpace:
    """How measured masks become descriptors: fitted to some, used for those and others.

    Attributes
    ----------
    maps : tuple of (mean, matrix)
        Of every block.
    size, color : float
        What the logarithm of the area, and the color, are multiplied by; 0 leaves them out.
    """

    maps: tuple[tuple[NDArray, NDArray], ...] = field(repr=False)
    size: float
    color: float

    @classmethod
    def fit(
        cls, pooled: Pooled, *, whiten: bool, size_weight: float, color_weight: float
    ) -> DescriptorSpace:
        """Choose units for masks that have pixels."""
        calibrated = any(block.unit for block in pooled.blocks)
        maps = []
        for block in pooled.blocks:
            values = block.values.astype(np.float64)
            if block.unit:
                mean, matrix = _mean(values), np.eye(values.shape[1]) / block.unit
            else:
                mean, matrix = _units(values, whiten)
                matrix = matrix * (_BESIDE if calibrated else 1.0)
            # As they are, directions count, too, and they are about 0.
            maps.append((mean if whiten else np.zeros_like(mean), matrix))
        return cls(tuple(maps), size_weight / _SIZE, color_weight / _COLOR)

    def __call__(self, pooled: Pooled) -> Descriptors:
        """Descriptors of measured masks; an `InputError` if something else was measured."""
        measured = [block.values.shape[1] for block in pooled.blocks]
        wanted = [len(mean) for mean, _ in self.maps]
        if measured != wanted:
            raise InputError(
                f"The masks were measured by {measured} numbers, the classes by {wanted}. Compare "
                f"by the same descriptor, and give images of the same channels."
            )
        empty = pooled.areas == 0
        parts, names = [], []
        for (mean, matrix), block in zip(self.maps, pooled.blocks, strict=True):
            parts.append((block.values - mean) @ matrix)
            names += [f"{block.name} {i + 1}" for i in range(matrix.shape[1])]
        if self.size:
            parts.append(np.log(np.maximum(pooled.areas, 1))[:, np.newaxis] * self.size)
            names.append("size")
        if self.color:
            parts.append(pooled.colors * self.color)
            names += [f"color {i + 1}" for i in range(pooled.colors.shape[1])]
        values = np.concatenate(parts, axis=1).astype(np.float32)
        values[empty] = 0
        calibrated = any(block.unit for block in pooled.blocks)
        return Descriptors(values, tuple(names), calibrated)


@dataclass(frozen=True)
class Description:
    """What masks were compared by, so that others can be compared with them.

    Attributes
    ----------
    descriptor : str or None
        The name of it; None where features or an embedding were given.
    space : DescriptorSpace
    n_channels : int
        Of the images: those of one channel are repeated to as many.
    """

    descriptor: str | None
    space: DescriptorSpace = field(repr=False)
    n_channels: int = 1


def _units(values: NDArray[np.float64], whiten: bool) -> tuple[NDArray, NDArray]:
    """A mean and a matrix that bring features (n, d) to a total variance, or size, of about 1."""
    from ..prompts.evidence import Whitening

    n, d = values.shape
    mean = _mean(values)
    square = float(np.square(values).sum() / max(n, 1))
    if not whiten:
        return mean, np.eye(d) / (square**0.5 or 1.0)
    variance = float(np.square(values - mean).sum() / max(n, 1))
    dimensions = min(_DIMENSIONS, d, max(n // _MASKS_PER_DIMENSION, 2))
    if variance <= _CONSTANT * square or n < 2:
        return mean, np.zeros((d, dimensions))
    # Rescaled, since its ridge has an absolute floor.
    scale = variance**0.5
    scaled = ((values - mean) / scale).astype(np.float32)
    found = Whitening.fit(scaled, np.ones(n, np.float32), dimensions)
    return mean, found.matrix / (scale * dimensions**0.5)


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of rows, 0 where there are none."""
    total: NDArray[np.float64] = values.sum(axis=0)
    return total / max(len(values), 1)


def check_weight(name: str, weight: object) -> None:
    """Raise an `InputError` unless columns can count by such a weight."""
    if not is_number(weight) or weight < 0:  # type: ignore[operator]
        raise InputError(
            f"{name} {weight!r} cannot be used. Give a number from 0, which leaves it out; 1 "
            f"counts about as much as the features."
        )
