"""What automatic masks can be told, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, is_number, regular_array

# More layers of crops than this run the image encoder over a thousand times.
_MOST_LAYERS = 4


@dataclass(frozen=True)
class MaskOptions:
    """Options of `automatic_masks`, called as segment-anything's generator calls them."""

    points_per_side: int | None = 32
    points_per_batch: int = 64
    pred_iou_thresh: float = 0.88
    stability_score_thresh: float = 0.95
    stability_score_offset: float = 1.0
    box_nms_thresh: float = 0.7
    crop_n_layers: int = 0
    crop_nms_thresh: float = 0.7
    crop_overlap_ratio: float = 512 / 1500
    crop_n_points_downscale_factor: int = 1
    point_grids: Sequence[ArrayLike] | None = None
    min_mask_region_area: int = 0
    min_persistence: float = 0.1

    def check(self) -> None:
        """Raise an `InputError` unless all can be used."""
        for name in ("points_per_batch", "crop_n_points_downscale_factor"):
            self._whole(name, 1)
        self._whole("crop_n_layers", 0, _MOST_LAYERS)
        for name in ("pred_iou_thresh", "stability_score_thresh", "stability_score_offset"):
            self._number(name, "a number")
        for name in ("box_nms_thresh", "crop_nms_thresh", "min_persistence"):
            self._number(name, "a number from 0 to 1", 0, 1)
        self._number("crop_overlap_ratio", "a number from 0 to below 1", 0, np.nextafter(1, 0))
        self._number("min_mask_region_area", "0 or more pixels", 0)
        if (self.points_per_side is None) == (self.point_grids is None):
            raise InputError(
                "Points come either from points_per_side or from point_grids. Give one of them, "
                "and None for the other."
            )
        if self.points_per_side is not None:
            self._whole("points_per_side", 1)
        self.grids()

    def grids(self) -> list[NDArray[np.float64]]:
        """Points (n, 2) as (x, y) in shares of a crop's width and height, of every layer."""
        n_layers = self.crop_n_layers + 1
        if self.point_grids is None:
            sides = [
                int((self.points_per_side or 1) / self.crop_n_points_downscale_factor**layer)
                for layer in range(n_layers)
            ]
            if not all(sides):
                raise InputError(
                    f"{self.points_per_side} points per side, divided by "
                    f"{self.crop_n_points_downscale_factor} in each of {self.crop_n_layers} layers "
                    f"of crops, leave none. Give more points or a smaller factor."
                )
            return [_grid(side) for side in sides]
        if len(self.point_grids) < n_layers:
            raise InputError(
                f"{len(self.point_grids)} point grids were given, but the image and "
                f"{self.crop_n_layers} layers of crops need {n_layers}. Give one for each."
            )
        return [_checked_grid(grid) for grid in self.point_grids[:n_layers]]

    def _whole(self, name: str, least: int, most: int | None = None) -> None:
        given = getattr(self, name)
        fits = is_number(given, whole=True) and given >= least and (most is None or given <= most)
        if not fits:
            upper = "" if most is None else f" to {most}"
            raise InputError(
                f"{name}={given!r} cannot be used. Give a whole number from {least}{upper}."
            )

    def _number(self, name: str, what: str, least: float = -np.inf, most: float = np.inf) -> None:
        given = getattr(self, name)
        if not is_number(given) or not least <= given <= most:
            raise InputError(f"{name}={given!r} cannot be used. Give {what}.")


def _grid(side: int) -> NDArray[np.float64]:
    """Points in the middles of side × side equal fields, row by row."""
    along = np.linspace(1 / (2 * side), 1 - 1 / (2 * side), side)
    return np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)


def _checked_grid(grid: ArrayLike) -> NDArray[np.float64]:
    points = regular_array("A point grid", grid)
    if (
        points.ndim != 2
        or points.shape[1] != 2
        or not len(points)
        or points.dtype.kind not in "iuf"
    ):
        raise InputError(
            f"A point grid of shape {points.shape} cannot be used. Give rows (x, y) in shares of "
            f"width and height, from 0 to 1."
        )
    if not ((points >= 0) & (points <= 1)).all():
        raise InputError(
            "A point grid has points outside of the image. Give (x, y) in shares of width and "
            "height, from 0 to 1."
        )
    return points.astype(np.float64)
