"""Masks in classes as results: label maps, tables, how well masks fit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..imaging import PlaneLayout
from .class_table import class_table
from .clusterers import DEFAULT_CLUSTERER
from .descriptors import Description, Descriptors
from .mask_set import MaskSet


@dataclass(frozen=True)
class Remainder:
    """Connected pieces of what is in no mask, which get the nearest class."""

    masks: tuple[MaskSet, ...] = field(repr=False)
    descriptors: Descriptors = field(repr=False)


@dataclass(frozen=True, eq=False)
class ClassResults:
    """What `SemanticClasses` knows and tells; its attributes are described there."""

    masks: tuple[MaskSet, ...] = field(repr=False)
    layout: PlaneLayout = field(repr=False)
    classes: NDArray[np.int32]
    descriptors: Descriptors = field(repr=False)
    names: dict[int, str]
    noise: int | None = None
    clusterer: str = DEFAULT_CLUSTERER
    parameters: dict[str, Any] = field(default_factory=dict)
    remainder: Remainder | None = field(default=None, repr=False)
    description: Description | None = field(default=None, repr=False)
    colors: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.classes)

    # ------------------------------------------------------------------------------------- results

    @property
    def numbers(self) -> list[int]:
        """Numbers of all classes that have masks, ascending, the noise group among them."""
        return [int(number) for number in np.unique(self.classes) if number]

    @cached_property
    def labels(self) -> Any:
        """Class label maps, int32: (h, w), (n, h, w) for a stack, or a list for a list of images.

        0 is no mask. Where masks overlap the smaller one counts, as in `MaskSet.labels`. With a
        remainder, what is in no mask has the class whose mean descriptor is nearest.
        """
        return self.layout.pixels_as_given(self.plane_labels())

    def plane_labels(self, planes: Iterable[int] | None = None) -> list[NDArray[np.int32]]:
        """`labels` as maps (h, w) of planes, counted over all images; by default of all of them."""
        chosen = range(len(self.masks)) if planes is None else planes
        classes = self._of_planes(self.classes)
        maps = []
        for i in chosen:
            plane = self.masks[i].labels(classes[i])
            if self.remainder is not None:
                filled = self.remainder.masks[i].labels(self._remainder_classes[i])
                np.copyto(plane, filled, where=plane == 0)
            maps.append(plane)
        return maps

    @cached_property
    def instances(self) -> Any:
        """Label maps in which every mask has a number of its own, shaped as `labels`.

        Mask i, plane after plane, has the number i + 1: the same is nowhere twice. A mask that
        smaller ones cover entirely does not show.
        """
        numbers = np.arange(1, len(self) + 1)
        return self.layout.pixels_as_given(
            [
                masks.labels(own)
                for masks, own in zip(self.masks, self._of_planes(numbers), strict=True)
            ]
        )

    @cached_property
    def planes(self) -> NDArray[np.int64]:
        """The plane that every mask lies in (n,)."""
        return np.repeat(np.arange(len(self.masks)), [len(one) for one in self.masks])

    @cached_property
    def areas(self) -> NDArray[np.int64]:
        """Pixels of every mask (n,)."""
        return np.concatenate([one.areas for one in self.masks])

    @cached_property
    def fit(self) -> NDArray[np.float32]:
        """How well every mask fits its class (n,): 1 well, 0 as well another, −1 badly.

        The silhouette by distances to the classes' means. 1 where there is one class; 0 of noise.
        """
        result = np.zeros(len(self), np.float32)
        numbers, means = self._means()
        if not len(numbers):
            return result
        inside = np.isin(self.classes, numbers)
        if len(numbers) < 2:
            result[inside] = 1
            return result
        distances = _distances(self.descriptors.values[inside], means)
        own = np.searchsorted(numbers, self.classes[inside])
        rows = np.arange(len(own))
        to_own = distances[rows, own].copy()
        distances[rows, own] = np.inf
        to_other = distances.min(axis=1)
        result[inside] = (to_other - to_own) / np.maximum(np.maximum(to_other, to_own), 1e-12)
        return result

    def features(self, image: int | None = None, *, n_components: int = 3) -> dict[str, NDArray]:
        """A table of all masks, for a Labels layer's ``features`` and for CSV.

        Parameters
        ----------
        image
            Only masks of that image of a list, counted from 0.
        n_components
            How many principal components of the descriptors it has.

        Returns
        -------
        dict of arrays (n,)
            "index" (the number in `instances`), "image", "plane" (within the image), "class",
            "name", "score" (of the mask; NaN where none is known), "fit", "area", "row", "column"
            (of the box's middle), "component 1" and so on.
        """
        return class_table(self, image, n_components)

    def mask_sets(self) -> tuple[MaskSet, ...]:
        """Masks of every plane with columns "class" and "index", for export."""
        columns = zip(
            self.masks,
            self._of_planes(self.classes),
            self._of_planes(np.arange(1, len(self) + 1)),
            strict=True,
        )
        return tuple(
            masks.with_columns(**{"class": classes, "index": index})
            for masks, classes, index in columns
        )

    # -------------------------------------------------------------------------------------- inside

    def _of_planes(self, values: NDArray) -> list[NDArray]:
        return _per_plane(self.masks, values)

    def _means(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Numbers of the classes that are no noise, and their mean descriptors."""
        numbers = np.array([n for n in self.numbers if n != self.noise], dtype=np.int64)
        sums = np.zeros((len(numbers), self.descriptors.values.shape[1]))
        inside = np.isin(self.classes, numbers)
        own = np.searchsorted(numbers, self.classes[inside])
        np.add.at(sums, own, self.descriptors.values[inside])
        return numbers, sums / np.bincount(own, minlength=len(numbers))[:, np.newaxis]

    @cached_property
    def _remainder_classes(self) -> list[NDArray[np.int64]]:
        """Class of every piece of the remainder, plane by plane."""
        assert self.remainder is not None  # asked by the caller
        numbers, means = self._means()
        rows = self.remainder.descriptors.values
        if len(numbers):
            found = numbers[_distances(rows, means).argmin(axis=1)]
        else:
            found = np.full(len(rows), self.noise or 0, np.int64)
        return _per_plane(self.remainder.masks, found)


def _per_plane(masks: tuple[MaskSet, ...], values: NDArray) -> list[NDArray]:
    return np.split(values, np.cumsum([len(one) for one in masks])[:-1])


def _distances(rows: NDArray, others: NDArray) -> NDArray[np.float64]:
    from scipy.spatial.distance import cdist

    found: NDArray[np.float64] = cdist(rows, others)
    return found
