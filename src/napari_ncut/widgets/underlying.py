"""What of other layers lies under a Labels layer, pixel by pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .layers import data_to_world, default_axes, unwrap

if TYPE_CHECKING:
    from napari.layers import Image, Labels, Layer

# Share of a pixel by which places may differ.
_NEAR = 1e-3
_COLORS = ("red", "green", "blue")


@dataclass(frozen=True, eq=False)
class LabelsFrame:
    """The dimensions of a Labels layer that hold labels.

    A dimension of a single slice that is named C is none: outputs on images with channels have one.

    Attributes
    ----------
    layer : Labels
    kept : tuple of int
        Dimensions of the layer that are left.
    axes : str
        A letter for each of them.
    """

    layer: Labels
    kept: tuple[int, ...]
    axes: str

    @classmethod
    def of(cls, layer: Labels) -> LabelsFrame:
        """Of a layer; an `InputError` if it has more dimensions than there are names for."""
        layer = unwrap(layer)
        names = default_axes(layer)
        if not names:
            raise InputError(
                f"{layer.name!r} has {layer.ndim} dimensions; 2 to 5 can be measured. Give its "
                f"axes names: T, Z, C, Y, X."
            )
        shape = _finest(layer).shape
        kept = tuple(i for i, n in enumerate(names) if not (n == "C" and shape[i] == 1))
        axes = "".join(names[i] for i in kept)
        if "C" in axes:
            raise InputError(
                f"{layer.name!r} has labels for each of several channels, which cannot be measured "
                f"together. Name its axes otherwise, such as T for the first."
            )
        return cls(layer, kept, axes)

    @property
    def data(self) -> Any:
        """The labels, lazily where the layer is lazy."""
        return self.without_channels(_finest(self.layer))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the labels."""
        whole = _finest(self.layer).shape
        return tuple(int(whole[i]) for i in self.kept)

    def without_channels(self, data: Any) -> Any:
        """Data shaped as the layer's, with the dimensions that are kept."""
        key = tuple(slice(None) if i in self.kept else 0 for i in range(self.layer.ndim))
        return data if len(self.kept) == self.layer.ndim else data[key]

    def place(self, index: tuple[float, ...]) -> NDArray[np.float64]:
        """Data coordinates of the layer of a place in the kept dimensions."""
        place = np.zeros(self.layer.ndim)
        place[list(self.kept)] = index
        return place

    def pixel_size(self) -> tuple[tuple[float, float, float], str]:
        """Size of a pixel (depth, height, width) in world coordinates, and its unit.

        Sides in other units than the columns are converted; without units it is "px" where all
        sides are 1, else "units".
        """
        layer = self.layer
        matrix, _ = data_to_world(layer)
        lengths = np.linalg.norm(matrix, axis=0)
        units = list(getattr(layer, "units", ()) or ())
        names = {n: self.kept[i] for i, n in enumerate(self.axes)}
        if len(units) == layer.ndim:
            last = units[names["X"]]
            for name in "ZY":
                if name in names and units[names[name]].is_compatible_with(last):
                    factor = (1 * units[names[name]]).to(last).magnitude
                    lengths[names[name]] *= float(factor)
            unit = f"{last:~P}"
        else:
            unit = "px"
        sides = tuple(float(lengths[names[n]]) if n in names else 1.0 for n in "ZYX")
        if unit in ("px", "pixel", ""):
            unit = "px" if np.allclose(sides, 1) else "units"
        return (sides[0], sides[1], sides[2]), unit

    # ----------------------------------------------------------------------------- other layers

    def labels_of(self, other: Labels) -> Any:
        """The labels of another layer under these, shaped as them."""
        (found,) = self._under(other).values()
        return found

    def channels_of(self, image: Image) -> dict[str, Any]:
        """The channels of an image under these labels, each shaped as them, lazily.

        Returns
        -------
        dict
            By name: "" of a single channel, colors, else numbers from 0.

        Raises
        ------
        InputError
            If the labels do not lie on the image, or on a level of its pyramid, pixel by pixel.
        """
        return self._under(image)

    def _under(self, other: Any) -> dict[str, Any]:
        spread = self._channel_dims(other)
        own = [i for i in range(other.ndim) if i not in spread]
        same = other.ndim == self.layer.ndim
        kept = [i for i in self.kept if not (same and i in spread)]
        levels = list(other.data) if other.multiscale else [other.data]
        if len(own) != len(kept):
            raise self._apart(other)
        shape = np.array([self.shape[self.kept.index(i)] for i in kept])
        matrix, offset = (_part(part, kept) for part in data_to_world(self.layer))
        its_matrix, its_offset = (_part(part, own) for part in data_to_world(other))
        first = np.array(levels[0].shape[: other.ndim])[own]
        for level in levels:
            sizes = np.array(level.shape[: other.ndim])[own]
            factors = first / sizes
            if not np.allclose(matrix, its_matrix * factors, rtol=_NEAR, atol=1e-9):
                continue
            start = (np.linalg.solve(its_matrix, offset - its_offset) + 0.5) / factors - 0.5
            whole = np.rint(start).astype(int)
            inside = (whole >= 0).all() and (whole + shape <= sizes).all()
            if np.abs(start - whole).max() < _NEAR * max(1.0, np.abs(start).max()) and inside:
                key: list[Any] = [slice(None)] * level.ndim
                for i, begin, size in zip(own, whole.tolist(), shape.tolist(), strict=True):
                    key[i] = slice(begin, begin + size)
                return _channels(other, level, key, spread, [i for i in self.kept if same])
        raise self._apart(other)

    def _channel_dims(self, other: Any) -> list[int]:
        """Dimensions of another layer that count channels, of which these labels have none.

        Or a single slice that is as thick as all of them: so outputs lie on images with channels.
        """
        shape, mine = _finest(other).shape, _finest(self.layer).shape
        if other.ndim == self.layer.ndim:
            thick, its = (
                np.linalg.norm(data_to_world(one)[0], axis=0) for one in (self.layer, other)
            )
            return [
                i
                for i in range(other.ndim)
                if i not in self.kept
                or (mine[i] == 1 < shape[i] and np.isclose(thick[i], its[i] * shape[i]))
            ]
        names = default_axes(other).replace("S", "")
        if other.ndim == len(self.kept) + 1:
            return [names.index("C")] if "C" in names else [0]
        return []

    def _apart(self, other: Layer) -> InputError:
        return InputError(
            f"{other.name!r} does not lie under {self.layer.name!r} pixel by pixel. Choose another "
            f"layer, or give both the same size, scale and place."
        )


def _channels(
    other: Any, level: Any, key: list[Any], spread: list[int], single: list[int]
) -> dict[str, Any]:
    """The part of a level at `key`, of every channel; those in `single` stay as a slice."""
    if not hasattr(level, "compute") and not isinstance(level, np.ndarray):
        # Slicing a zarr array reads it; dask keeps it lazy.
        import dask.array

        level = dask.array.from_array(level)
    if getattr(other, "rgb", False):
        return {name: level[(*key[:-1], i)] for i, name in enumerate(_COLORS)}
    if not spread:
        return {"": level[tuple(key)]}
    first, count = spread[0], int(level.shape[spread[0]])
    channels = {}
    for c in range(count):
        for i in spread:
            place = c if i == first else 0
            key[i] = slice(place, place + 1) if i in single else place
        channels[str(c) if count > 1 else ""] = level[tuple(key)]
    return channels


def _finest(layer: Any) -> Any:
    return layer.data[0] if layer.multiscale else layer.data


def _part(array: NDArray, dims: Any) -> NDArray:
    """Rows, and of a matrix columns, of some dimensions."""
    dims = list(dims)
    return array[dims] if array.ndim == 1 else array[np.ix_(dims, dims)]
