"""Reading layers and writing layers: one helper so that every output lies on its source."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..backbones.entry import CELLS_PER_PLANE
from ..errors import InputError
from ..imaging import Axes, parse_axes

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer

# A level of a pyramid is taken whose planes have at most this many pixels: what a feature grid of
# the usual size still resolves at a stride of 8.
PIXELS_PER_PLANE = CELLS_PER_PLANE * 64
DEFAULT_AXES = {2: "YX", 3: "ZYX", 4: "TZYX", 5: "TZCYX"}


T = TypeVar("T")


def unwrap(thing: T) -> T:
    """The viewer or layer itself, where napari handed out a proxy.

    A weak reference to a proxy, which is made anew at every access, would be dead at once.
    """
    return getattr(thing, "__wrapped__", thing)


def free_name(viewer: ViewerModel, wanted: str) -> str:
    """`wanted`, or with a number behind it where a layer of that name exists."""
    taken = {layer.name for layer in viewer.layers}
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted} {number}", number + 1
    return name


def data_to_world(layer: Layer) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Matrix and offset of a layer's affine from data to world coordinates."""
    ndim = layer.ndim
    offset = np.asarray(layer.data_to_world(np.zeros(ndim)), dtype=float)
    columns = [np.asarray(layer.data_to_world(unit), dtype=float) - offset for unit in np.eye(ndim)]
    return np.stack(columns, axis=1), offset


def level_data(layer: Image, level: int) -> Any:
    """The layer's array, or that of one level of its pyramid."""
    return layer.data[level] if layer.multiscale else layer.data


def level_by_size(layer: Image) -> int:
    """The finest level of a pyramid whose planes are of workable size (0 without a pyramid)."""
    if not layer.multiscale:
        return 0
    rows, columns = (-3, -2) if layer.rgb else (-2, -1)
    for level, data in enumerate(layer.data):
        if data.shape[rows] * data.shape[columns] <= PIXELS_PER_PLANE:
            return level
    return len(layer.data) - 1


def default_axes(layer: Image | Labels) -> str:
    """Axes of a layer as its axis labels say, or as napari users mean them without labels.

    Never from sizes; the widget shows them beside the shape, to be corrected.
    """
    labels = [str(label).upper() for label in getattr(layer, "axis_labels", ())]
    letters = set(labels)
    names = DEFAULT_AXES.get(layer.ndim, "")
    # napari's own labels, "-2" and "-1", are no names.
    if len(labels) == len(letters) == layer.ndim and {"Y", "X"} <= letters <= set("TZCYX"):
        names = "".join(labels)
    if getattr(layer, "rgb", False):
        return "" if "C" in names or not names else names + "S"
    return names


@dataclass(frozen=True)
class Region:
    """A rectangle of pixels of the chosen level: rows and columns as (start, stop)."""

    rows: tuple[int, int]
    columns: tuple[int, int]


@dataclass(frozen=True)
class Source:
    """What was read of a layer, and where that lies in it.

    Attributes
    ----------
    layer : Image
        Held weakly: users delete layers.
    name : str
        Its name when it was read.
    axes : Axes
        Of the whole array of the level that was read.
    level : int
        Of the pyramid, 0 without one.
    factors : array (ndim,)
        Pixels of the layer's own data per pixel of the level, per dimension of the layer.
    starts, sizes : int arrays (ndim,)
        The block that was read, in pixels of the level; channel axes have size 1.
    channel_counts : int array (ndim,)
        Number of channels in the dimension that counts them, 1 in all others.
    """

    reference: weakref.ref[Image] = field(repr=False)
    name: str
    axes: Axes
    level: int
    factors: NDArray[np.float64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    channel_counts: NDArray[np.int64]

    @property
    def layer(self) -> Image | None:
        """The layer, None once it is gone."""
        return self.reference()

    @property
    def names(self) -> str:
        """The axes of the layer's dimensions, without color samples."""
        return self.axes.names.replace("S", "")

    @property
    def _stack(self) -> list[int]:
        return [i for i, name in enumerate(self.names) if name not in "CYX"]

    @property
    def stack_shape(self) -> tuple[int, ...]:
        """Sizes of the axes that count planes."""
        return tuple(int(self.sizes[i]) for i in self._stack)

    @property
    def n_planes(self) -> int:
        """Number of planes read."""
        return int(np.prod(self.stack_shape, dtype=int))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an output that lies on the block: the layer's dimensions, channels of size 1."""
        return tuple(int(size) for size in self.sizes)

    @property
    def _rows_columns(self) -> tuple[int, int]:
        return self.names.index("Y"), self.names.index("X")

    def array(self) -> Any:
        """The block that was read, lazily where the layer is lazy; axes as in `axes`."""
        layer = self.layer
        if layer is None:
            raise InputError(f"The layer {self.name!r} is gone. Add it again, or choose another.")
        data = level_data(layer, self.level)
        key = [slice(int(a), int(a + n)) for a, n in zip(self.starts, self.sizes, strict=True)]
        for i, count in enumerate(self.channel_counts):
            if count > 1 or self.names[i] == "C":
                key[i] = slice(None)
        if all(
            k == slice(None) or (k.start == 0 and k.stop >= n)
            for k, n in zip(key, data.shape, strict=False)
        ):
            return data
        if not isinstance(data, np.ndarray) and not hasattr(data, "compute"):
            # Slicing a zarr array reads it; dask keeps it lazy.
            import dask.array

            data = dask.array.from_array(data)
        return data[tuple(key)]

    def index_expression(self) -> str:
        """The block as a Python slicing expression, "" for everything."""
        parts = []
        for i, size in enumerate(self.axes.shape):
            if i >= len(self.sizes) or self.names[i] == "C" or self.sizes[i] == size:
                parts.append(":")
            else:
                parts.append(f"{self.starts[i]}:{self.starts[i] + self.sizes[i]}")
        return "" if set(parts) == {":"} else f"[{', '.join(parts)}]"

    def plane_key(self, plane: int) -> tuple[int | slice, ...]:
        """Index of one plane in an array of `shape`."""
        place = iter(np.unravel_index(plane, self.stack_shape) if self._stack else ())
        return tuple(
            slice(None) if name in "YX" else (0 if name == "C" else int(next(place)))
            for name in self.names
        )

    def plane_in(self, array: NDArray, plane: int) -> NDArray:
        """View of one plane (h, w) of an array of `shape`; rows first, however the axes lie."""
        view = array[self.plane_key(plane)]
        rows, columns = self._rows_columns
        return view if rows < columns else view.T

    def pixels_of(
        self, data_points: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The layer's data coordinates (n, ndim) as (plane, row, column), and which lie inside."""
        # A point without coordinates lies nowhere.
        data_points = np.nan_to_num(data_points, nan=-1e9, posinf=-1e9, neginf=-1e9)
        pixels = (data_points + 0.5) / self.factors - 0.5 - self.starts
        whole = np.floor(pixels + 0.5)
        checked = np.array([name != "C" for name in self.names])
        inside = ((whole >= 0) & (whole < self.sizes))[:, checked].all(axis=1)
        planes = np.zeros(len(pixels))
        if self._stack:
            place = np.clip(whole[:, self._stack], 0, np.array(self.stack_shape) - 1).astype(int)
            planes = np.ravel_multi_index(tuple(place.T), self.stack_shape).astype(float)
        rows, columns = self._rows_columns
        return np.column_stack([planes, pixels[:, rows], pixels[:, columns]]), inside

    def data_of(self, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rows (plane, row, column) as the layer's data coordinates (n, ndim)."""
        places = np.zeros((len(pixels), len(self.names)))
        if self._stack:
            planes = np.asarray(pixels)[:, 0].astype(int)
            places[:, self._stack] = np.stack(np.unravel_index(planes, self.stack_shape), axis=1)
        places[:, list(self._rows_columns)] = np.asarray(pixels)[:, 1:]
        return (places + self.starts + 0.5) * self.factors - 0.5

    def visible_plane(self, viewer: ViewerModel) -> int | None:
        """The plane under the viewer's sliders, None if none or many are shown."""
        layer = self.layer
        if layer is None:
            return None
        first = viewer.dims.ndim - layer.ndim
        displayed = {dim - first for dim in viewer.dims.displayed}
        if first < 0 or not displayed <= set(self._rows_columns):
            return None
        point = np.array(layer.world_to_data(viewer.dims.point[first:]), dtype=float)
        # Rows and columns do not choose the plane; the view may have been moved off the image.
        for dim in self._rows_columns:
            point[dim] = (self.starts[dim] + 0.5) * self.factors[dim] - 0.5
        (pixel,), (inside,) = self.pixels_of(point[np.newaxis])
        return int(pixel[0]) if inside else None

    def spatial(self, *, stride: int = 1, whole: bool = False) -> dict[str, Any]:
        """Keyword arguments that lay an output on the source.

        Parameters
        ----------
        stride
            Pixels of the block per pixel of the output, along rows and columns.
        whole
            Whether the output covers the whole level rather than the block that was read.
        """
        layer = self.layer
        if layer is None:
            raise InputError(f"The layer {self.name!r} is gone, so nothing can be laid on it.")
        factors = self.factors.copy()
        starts = np.zeros(len(factors)) if whole else self.starts.astype(float)
        offset = (starts + 0.5) * factors - 0.5
        for dim in self._rows_columns:
            factors[dim] *= stride
            offset[dim] += self.factors[dim] * (stride - 1) / 2
        # One output slice stands for all channels: it is as thick as they are together.
        factors = factors * self.channel_counts
        offset = offset + (self.channel_counts - 1) / 2
        return lay_on(layer, factors, offset)

    def whole_shape(self) -> tuple[int, ...]:
        """Shape of an output that covers the whole level."""
        sizes = [
            1 if name == "C" else size
            for name, size in zip(self.names, self.axes.shape, strict=False)
        ]
        return tuple(int(size) for size in sizes)


def lay_on(
    layer: Layer, factors: NDArray[np.float64], offset: NDArray[np.float64]
) -> dict[str, Any]:
    """Transform of an output whose pixel p lies at `factors`·p + `offset` in a layer's data."""
    scale = np.asarray(layer.scale, dtype=float)
    # napari's own order: translate + rotate · shear · scale, then the affine.
    linear = np.asarray(layer.rotate) @ shear_matrix(layer) @ np.diag(scale)
    result: dict[str, Any] = {
        "scale": scale * factors,
        "translate": np.asarray(layer.translate, dtype=float) + linear @ offset,
        "rotate": layer.rotate,
        "shear": layer.shear,
        "affine": layer.affine,
    }
    for name in ("units", "axis_labels"):
        if hasattr(layer, name):
            result[name] = getattr(layer, name)
    return result


def shear_matrix(layer: Layer) -> NDArray[np.float64]:
    """A layer's shear as a matrix; napari stores the upper triangle, row by row, or a matrix."""
    shear = np.asarray(layer.shear, dtype=float)
    if shear.ndim == 2:
        return shear
    matrix = np.eye(layer.ndim)
    matrix[np.triu_indices(layer.ndim, 1)] = shear
    return matrix


def describe_source(
    layer: Image,
    *,
    axes: str | None = None,
    level: int | None = None,
    region: Region | None = None,
    position: dict[int, int] | None = None,
) -> Source:
    """Say what is read of an Image layer.

    Parameters
    ----------
    layer
        The layer: 2-D or more, RGB or not, a pyramid or not, numpy, dask or zarr.
    axes
        Its axes; default `default_axes`.
    level
        Level of a pyramid; default `level_by_size`.
    region
        Rectangle in pixels of that level; default everything.
    position
        Dimension → index of planes to keep, for dimensions that count planes; default all planes.

    Raises
    ------
    InputError
        If axes and layer do not fit, or nothing is left.
    """
    level = level_by_size(layer) if level is None else level
    shape = tuple(int(n) for n in level_data(layer, level).shape)
    parsed = parse_axes(axes or default_axes(layer) or None, shape)
    if bool(layer.rgb) != ("S" in parsed.names):
        fact, remedy = ("is", "End them with S") if layer.rgb else ("is not", "Use C for channels")
        raise InputError(
            f"Layer {layer.name!r} {fact} shown as RGB, but its axes were given as {parsed.names}. "
            f"{remedy}."
        )
    names = parsed.names.replace("S", "")
    full = np.array(shape[: layer.ndim], dtype=np.int64)
    factors = np.ones(layer.ndim)
    if layer.multiscale:
        factors = np.asarray(level_data(layer, 0).shape[: layer.ndim], dtype=float) / full
    starts, sizes = np.zeros(layer.ndim, dtype=np.int64), full.copy()
    if region is not None:
        for name, (start, stop) in (("Y", region.rows), ("X", region.columns)):
            dim = names.index(name)
            start, stop = max(0, start), min(int(full[dim]), stop)
            if stop <= start:
                raise InputError(
                    f"The chosen region does not touch the image {layer.name!r}. "
                    f"Move it over the image."
                )
            starts[dim], sizes[dim] = start, stop - start
    for dim, index in (position or {}).items():
        starts[dim], sizes[dim] = index, 1
    channel_counts = np.array(
        [n if name == "C" else 1 for name, n in zip(names, full, strict=True)]
    )
    sizes = np.where([name == "C" for name in names], 1, sizes)
    return Source(
        weakref.ref(unwrap(layer)),
        layer.name,
        parsed,
        level,
        factors,
        starts,
        sizes,
        channel_counts,
    )


def block_in(layer: Labels, source: Source) -> Any:
    """What of a Labels layer lies on the block that was read, shaped as `Source.shape`.

    Raises
    ------
    InputError
        If the layer has neither the size of the block nor that of the whole image.
    """
    data = layer.data[0] if layer.multiscale else layer.data
    if tuple(data.shape) == source.shape:
        return data
    if tuple(data.shape) != source.whole_shape():
        raise InputError(
            f"{layer.name!r} has another size than what is read of {source.name!r}. Choose a layer "
            f"that lies on it pixel by pixel."
        )
    places = zip(source.starts, source.sizes, source.names, strict=True)
    key = tuple(
        slice(0 if n == "C" else int(a), None if n == "C" else int(a + s)) for a, s, n in places
    )
    return data[key]
