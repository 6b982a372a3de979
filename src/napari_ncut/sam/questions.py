"""What SAM is asked about an image, checked: points, boxes, and masks to refine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, regular_array


def check_points(
    points: ArrayLike | None, positive: ArrayLike | None, shape: tuple[int, int]
) -> tuple[NDArray[np.float64] | None, NDArray[np.int32] | None]:
    """Points (n, 2) and signs (n,) of 1 and 0."""
    if points is None or np.size(regular_array("Points", points)) == 0:
        if positive is not None and np.size(positive):
            raise InputError("Signs were given without points. Give a point for each.")
        return None, None
    places = regular_array("Points", points)
    if places.ndim != 2 or places.shape[1] != 2 or places.dtype.kind not in "biuf":
        raise InputError(
            f"Points of shape {places.shape} and dtype {places.dtype} cannot be used. Give rows "
            f"(row, column) in pixels."
        )
    places = places.astype(np.float64)
    outside = ~_inside(places, shape)
    if outside.any():
        raise InputError(
            f"The point {places[outside][0].tolist()} lies outside the image of {shape[0]} × "
            f"{shape[1]} pixels. Give (row, column), counted from 0."
        )
    if positive is None:
        return places, np.ones(len(places), np.int32)
    signs = regular_array("Signs", positive)
    if signs.shape != (len(places),) or signs.dtype.kind not in "biuf":
        raise InputError(
            f"Signs of shape {signs.shape} were given for {len(places)} points. Give True or False "
            f"for each."
        )
    if not np.isin(signs, (0, 1)).all():
        raise InputError(f"Signs {signs.tolist()} cannot be used. Give True or False for each.")
    return places, signs.astype(np.int32)


def check_boxes(
    boxes: ArrayLike | None, shape: tuple[int, int]
) -> tuple[NDArray[np.float64], bool]:
    """Boxes (n, 4), and whether they are of several things."""
    if boxes is None:
        return np.zeros((0, 4)), False
    given = regular_array("Boxes", boxes)
    if given.ndim not in (1, 2) or given.shape[-1:] != (4,) or given.dtype.kind not in "biuf":
        raise InputError(
            f"Boxes of shape {given.shape} and dtype {given.dtype} cannot be used. Give "
            f"(top, left, bottom, right) in pixels, or rows of that."
        )
    corners = given.reshape(-1, 4).astype(np.float64)
    if not len(corners):
        raise InputError("There are no boxes. Give at least one, or leave them out.")
    height, width = shape
    wrong = ~(
        np.isfinite(corners).all(axis=1)
        & (corners[:, 0] < corners[:, 2])
        & (corners[:, 1] < corners[:, 3])
        & (corners[:, 0] < height)
        & (corners[:, 1] < width)
        & (corners[:, 2] > 0)
        & (corners[:, 3] > 0)
    )
    if wrong.any():
        raise InputError(
            f"The box {corners[wrong][0].tolist()} is empty or lies outside the image of "
            f"{height} × {width} pixels. Give (top, left, bottom, right) with top < bottom and "
            f"left < right."
        )
    return corners, given.ndim == 2


def check_mask(mask: ArrayLike, n: int, side: int) -> NDArray[np.float32]:
    """Logits (n, 1, s, s)."""
    given = regular_array("The mask", mask)
    if given.shape not in {(side, side), (1, side, side), (n, side, side)} or (
        given.ndim == 2 and n > 1
    ):
        wanted = f"({side}, {side})" if n == 1 else f"({n}, {side}, {side}), one for each box"
        raise InputError(
            f"A mask of shape {given.shape} cannot be refined. Give the logits of an earlier "
            f"answer, {wanted}: answer.best_logits."
        )
    if given.dtype.kind != "f" or not np.isfinite(given).all():
        raise InputError(
            f"A mask of dtype {given.dtype} cannot be refined. Give the logits of an earlier "
            f"answer, which are finite floats: answer.best_logits."
        )
    return given.astype(np.float32).reshape(-1, 1, side, side)


def _inside(places: NDArray[np.float64], shape: Sequence[int]) -> NDArray[np.bool_]:
    """Which points lie on pixels, whose middles have whole coordinates."""
    with np.errstate(invalid="ignore"):
        inside = (places >= -0.5) & (places < np.array(shape, np.float64) - 0.5)
    return np.asarray(inside.all(axis=1))
