"""Where everything lies: planes, their feature grids, and the flat list of nodes behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, regular_array


def whole_pixels(points: NDArray) -> NDArray[np.int64]:
    """The pixels in which finite points lie: pixel i reaches from i − ½ to i + ½."""
    # Beyond any image, and within the integers.
    return np.floor(np.clip(points, -(2.0**60), 2.0**60) + 0.5).astype(np.int64)


@dataclass(frozen=True)
class PlaneLayout:
    """The one place that converts between pixels, grid cells and nodes.

    A grid cell (r, c) covers the pixels [r·stride, (r+1)·stride) × [c·stride, (c+1)·stride) of its
    plane; the last row and column may be cut by the image's border. Nodes are the cells of all
    planes in order, rows first: the row stride of a plane is its grid *width*.

    Attributes
    ----------
    shapes : tuple of (height, width)
        Of every plane, in pixels.
    stride : int
        Pixels per cell, along rows and columns alike.
    stacks : tuple of tuple of int
        For every image its stack axes' sizes, () for a single plane.
    is_list : bool
        Whether results are lists, one item per image.
    """

    shapes: tuple[tuple[int, int], ...]
    stride: int
    stacks: tuple[tuple[int, ...], ...]
    is_list: bool

    def __len__(self) -> int:
        return len(self.shapes)

    @cached_property
    def grids(self) -> tuple[tuple[int, int], ...]:
        """(rows, columns) of every plane's feature grid."""
        s = self.stride
        return tuple((-(-h // s), -(-w // s)) for h, w in self.shapes)

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """First node of every plane, and the number of nodes at the end."""
        return np.concatenate([[0], np.cumsum([r * c for r, c in self.grids])]).astype(np.int64)

    @property
    def n_nodes(self) -> int:
        """Number of nodes over all planes."""
        return int(self.offsets[-1])

    def nodes_of(self, plane: int) -> slice:
        """The nodes of one plane."""
        return slice(int(self.offsets[plane]), int(self.offsets[plane + 1]))

    def grid_of(self, values: NDArray, plane: int) -> NDArray:
        """One plane (rows, columns, …) out of values over all nodes (n_nodes, …)."""
        return values[self.nodes_of(plane)].reshape(*self.grids[plane], *values.shape[1:])

    def grids_as_given(self, values: NDArray) -> Any:
        """Values over all nodes (n_nodes, …) in the shape of the images.

        For one array (n, rows, columns, …); for a list of images a list of (rows, columns, …), or
        (n, rows, columns, …) for the stacks in it.
        """
        if not self.is_list:
            return values.reshape(len(self), *self.grids[0], *values.shape[1:])
        planes = [self.grid_of(values, i) for i in range(len(self))]
        return self._as_list(planes)

    def pixels_as_given(self, planes: Sequence[NDArray]) -> Any:
        """Full-resolution planes in the shape of the images: (h, w), (n, h, w), or a list."""
        if not self.is_list:
            return planes[0] if self.stacks[0] == () else np.stack(planes)
        return self._as_list(planes)

    def _as_list(self, planes: Sequence[NDArray]) -> list[NDArray]:
        result, first = [], 0
        for stack in self.stacks:
            if stack == ():
                result.append(planes[first])
                first += 1
            else:
                n_planes = int(np.prod(stack))
                result.append(np.stack(planes[first : first + n_planes]))
                first += n_planes
        return result

    def planes_of_pixels(self, what: str, given: Any) -> list[NDArray]:
        """The way back from `pixels_as_given`: the plane (h, w) of every plane.

        Raises
        ------
        InputError
            If shapes are others, or the number of images is; `what` names them.
        """
        images = list(given) if self.is_list else [given]
        if len(images) != len(self.stacks):
            raise InputError(
                f"{what} of {len(images)} image(s) cannot be used with {len(self.stacks)}. Give a "
                f"list with those of every image."
            )
        result: list[NDArray] = []
        for image, stack in zip(images, self.stacks, strict=True):
            array = regular_array(what, image)
            n_planes = int(np.prod(stack, dtype=int))
            height, width = self.shapes[len(result)]
            wanted = (height, width) if stack == () else (n_planes, height, width)
            if array.shape not in (wanted, (*stack, height, width)):
                raise InputError(f"{what} have shape {array.shape}; {wanted} is needed.")
            result += list(array.reshape(n_planes, height, width))
        return result

    def as_pixels(self, points: ArrayLike) -> NDArray[np.int64]:
        """Points in pixel coordinates to whole (plane, row, column).

        Parameters
        ----------
        points
            (n, 2) rows (row, column) where there is one plane, (n, 3) rows (plane, row, column)
            otherwise. The middle of the first pixel is (0, 0), so pixel i reaches from i − ½ to
            i + ½.

        Returns
        -------
        int array (n, 3)
            May lie outside; see `contains`.

        Raises
        ------
        InputError
            If the points have another shape or are not finite.
        """
        given = regular_array("The points", points)
        if given.size == 0:
            return np.empty((0, 3), dtype=np.int64)
        if given.dtype.kind not in "iuf":
            raise InputError(
                f"Points of dtype {given.dtype} cannot be used. Give rows and columns in pixels."
            )
        accepted = (2, 3) if len(self) == 1 else (3,)
        if given.ndim != 2 or given.shape[1] not in accepted:
            wanted = (
                "(n, 2) rows (row, column)"
                if len(self) == 1
                else "(n, 3) rows (plane, row, column)"
            )
            raise InputError(
                f"Points have shape {given.shape}; {len(self)} plane(s) need {wanted} in pixels."
            )
        if not np.isfinite(given).all():
            raise InputError("Points contain NaN or infinite coordinates. Remove those rows.")
        if given.shape[1] == 2:
            given = np.column_stack([np.zeros(len(given)), given])
        return whole_pixels(given)

    def contains(self, pixels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which whole (plane, row, column) lie inside the images."""
        plane, row, column = pixels.T
        known = (plane >= 0) & (plane < len(self))
        sizes = np.array(self.shapes)[np.where(known, plane, 0)]
        return known & (row >= 0) & (row < sizes[:, 0]) & (column >= 0) & (column < sizes[:, 1])

    def pixels_inside(self, points: ArrayLike) -> NDArray[np.int64]:
        """`as_pixels`, with an `InputError` if a point lies outside the images."""
        pixels = self.as_pixels(points)
        outside = np.flatnonzero(~self.contains(pixels))
        if len(outside):
            first = int(outside[0])
            plane, row, column = (int(v) for v in pixels[first])
            where = f"plane {plane} of {len(self)}"
            if 0 <= plane < len(self):
                height, width = self.shapes[plane]
                where = f"row {row}, column {column} of a plane of {height} × {width} pixels"
            raise InputError(
                f"{len(outside)} point(s) lie outside the images, the first is point {first} "
                f"({where}). Remove them, or check that rows come before columns."
            )
        return pixels

    def node_at(self, pixels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Node under each whole (plane, row, column); all must lie inside."""
        plane, row, column = pixels.T
        widths = np.array([columns for _, columns in self.grids])[plane]
        return self.offsets[plane] + (row // self.stride) * widths + column // self.stride

    def to_json(self) -> dict[str, Any]:
        """The layout as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> PlaneLayout:
        """The layout that `to_json` wrote."""
        return cls(
            shapes=tuple((int(h), int(w)) for h, w in data["shapes"]),
            stride=int(data["stride"]),
            stacks=tuple(tuple(int(n) for n in stack) for stack in data["stacks"]),
            is_list=bool(data["is_list"]),
        )
