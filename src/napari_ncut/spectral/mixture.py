"""Color and place of a cell beside its features, so that they count in the affinity, too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..backbones.filterbank import perceptual
from ..backbones.preparation import column_moments
from ..errors import InputError, is_number
from ..imaging import PlaneLayout, Planes, block_mean

_TINY = 1e-20


@dataclass(frozen=True)
class Mixture:
    """Columns that are added to prepared features before a cut.

    With an RBF of all columns the affinity is the product of those of features, color and place
    (Shi & Malik, "Normalized Cuts and Image Segmentation", PAMI 2000, section 3).

    Attributes
    ----------
    color : float
        What a cell's mean color (Lab in units of the lightness range, or channels 0 to 1) is
        multiplied by; 0 leaves it out.
    place : float
        What its row and column in the plane, in pixels, are multiplied by; 0 leaves them out.
    """

    color: float
    place: float

    @classmethod
    def fit(
        cls,
        features: NDArray[np.float32],
        planes: Planes,
        layout: PlaneLayout,
        color_weight: float,
        position_weight: float,
    ) -> tuple[Mixture, NDArray[np.float32]]:
        """Choose the factors, so that a weight of 1 counts as much as the features.

        Returns
        -------
        The mixture, and its columns (n_nodes, c) for these planes.
        """
        whole = cls(float(color_weight > 0), float(position_weight > 0))
        columns = whole.columns(planes, layout)
        total = float(column_moments(features)[1].sum())
        variance = column_moments(columns)[1]
        n_color = columns.shape[1] - 2 * (position_weight > 0)
        parts = (slice(0, n_color), slice(n_color, None))
        factors = []
        for weight, part in zip((color_weight, position_weight), parts, strict=True):
            spread = float(variance[part].sum())
            # What does not vary keeps its columns, of nearly 0: further images have as many.
            factor = (weight * total / spread) ** 0.5 if spread > 0 else 0.0
            factors.append(max(factor, _TINY) if weight > 0 else 0.0)
            columns[:, part] *= np.float32(factors[-1])
        return cls(*factors), columns

    def columns(self, planes: Planes, layout: PlaneLayout) -> NDArray[np.float32]:
        """The columns (n_nodes, c) for planes laid out like this."""
        parts = []
        if self.color > 0:
            cells = [
                block_mean(perceptual(planes[i]), layout.stride).reshape(-1, planes[i].shape[-1])
                * np.float32(self.color)
                for i in range(len(planes))
            ]
            parts.append(np.concatenate(cells))
        if self.place > 0:
            places = [np.moveaxis(np.indices(grid), 0, -1).reshape(-1, 2) for grid in layout.grids]
            factor = np.float32(self.place * layout.stride)
            parts.append(np.concatenate(places).astype(np.float32) * factor)
        return np.concatenate(parts, axis=1)


def check_weights(color_weight: object, position_weight: object, affinity: object) -> None:
    """Raise an `InputError` unless color and place can count by such weights."""
    for name, weight in (("color_weight", color_weight), ("position_weight", position_weight)):
        if not is_number(weight) or weight < 0:  # type: ignore[operator]
            raise InputError(
                f"{name} {weight!r} cannot be used. Give a number from 0, which leaves it out; 1 "
                f"counts as much as the features."
            )
    if (color_weight or position_weight) and affinity not in ("rbf", "neighbors"):
        raise InputError(
            'color_weight and position_weight add up distances, which affinity="cosine" and '
            'functions do not have. Give affinity="rbf", with preparation="l2" where directions '
            "of features should count."
        )
