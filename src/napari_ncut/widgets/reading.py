"""From the settings of the features widget to arrays: which layers, levels, regions, channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backbones import BackboneEntry
from ..backbones.entry import Layers
from ..errors import InputError
from ..imaging import PlaneLayout, once_if_alike
from ..imaging.intensity import is_of_each_image, plain_scaling
from ..imaging.several import for_each_image
from .layers import (
    Region,
    Source,
    data_to_world,
    default_axes,
    describe_source,
    level_by_size,
    level_data,
)

# Images that are described one by one before the rest is only counted.
_DESCRIBED = 4

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Shapes


@dataclass(frozen=True, eq=False)
class Reading:
    """What is read of which layers.

    Attributes
    ----------
    sources : list of Source
        One per image.
    channel_layers : list of Source
        The further channels, where checked layers are channels of one image.
    axes, channels, scaling
        As `napari_ncut.embed` takes them: axes and scaling are lists where images differ.
    """

    sources: list[Source]
    channel_layers: list[Source]
    axes: str | list[str]
    channels: Any
    scaling: Any

    def images(self) -> Any:
        """The arrays, lazily where layers are lazy: one, or a list."""
        arrays = [source.array() for source in self.sources]
        if self.channel_layers:
            further = [source.array() for source in self.channel_layers]
            return _stack([arrays[0], *further])
        return arrays[0] if len(arrays) == 1 else arrays

    def only(self, numbers: Sequence[int]) -> Reading:
        """The same of some of the images."""
        n = len(self.sources)
        axes = for_each_image("axes", self.axes, n)
        scaling = self.scaling
        if is_of_each_image(plain_scaling(scaling)):
            own = [scaling[i] for i in numbers]
            # Of a lone image a pair is meant, and not a pair for each of several channels.
            scaling = own[0] if len(own) == 1 else own
        return replace(
            self,
            sources=[self.sources[i] for i in numbers],
            axes=once_if_alike([axes[i] for i in numbers]),
            scaling=scaling,
        )

    def layout(
        self, entry: BackboneEntry, layer: Layers = None, stride: int | None = None
    ) -> PlaneLayout:
        """Where the feature grid will lie; reads nothing."""
        shapes = tuple(
            (int(s.sizes[s.names.index("Y")]), int(s.sizes[s.names.index("X")]))
            for s in self.sources
            for _ in range(s.n_planes)
        )
        stacks = tuple(source.stack_shape for source in self.sources)
        chosen = entry.choose_stride(shapes, layer, stride)
        return PlaneLayout(shapes, chosen, stacks, is_list=len(stacks) > 1)

    def describe(self) -> str:
        """What is read, for the user to check: a line, or one for each of several images."""
        if len(self.sources) == 1:
            return self._sizes(self.sources[0])
        lines = [f"{source.name}: {self._sizes(source)}" for source in self.sources[:_DESCRIBED]]
        more = len(self.sources) - len(lines)
        return "\n".join([*lines, f"and {more} more image(s)"] if more else lines)

    def _sizes(self, source: Source) -> str:
        sizes = ", ".join(
            f"{name} {source.axes.shape[i] if name in 'CS' else source.sizes[i]}"
            for i, name in enumerate(source.axes.names)
        )
        channels = f"C {1 + len(self.channel_layers)}, " if self.channel_layers else ""
        level = f" (level {source.level})" if source.level else ""
        return f"{channels}{sizes}{level}"


def _stack(arrays: list[Any]) -> Any:
    """Channels in front, lazily if any is lazy."""
    if all(isinstance(array, np.ndarray) for array in arrays):
        return np.stack(arrays)
    import dask.array

    return dask.array.stack([dask.array.asarray(array) for array in arrays])


def layer_axes(layers: list[Image], axes: str) -> list[str]:
    """Axes of every layer, where `axes` were given for the first.

    They hold for layers that without them would be taken for the same as the first; each other
    kind (RGB among gray, a stack among single planes) keeps its own.
    """
    usual = [default_axes(layer) for layer in layers]
    return [axes or own if own == usual[0] else own for own in usual]


def read_settings(
    viewer: ViewerModel,
    layers: list[Image],
    *,
    axes: str,
    combine: str,
    channels: Any,
    level: int,
    region: str,
    shapes: Shapes | None,
    current_plane: bool,
    scaling: Any,
) -> Reading:
    """Check settings and say what they read; an `InputError` says what is wrong with them."""
    if not layers:
        raise InputError("Check an Image layer above (or open an image first).")
    as_channels = combine == "channels" and len(layers) > 1
    every = [axes] * len(layers) if as_channels else layer_axes(layers, axes)
    sources = []
    for layer, own in zip(layers, every, strict=True):
        chosen = (
            level_by_size(layer)
            if level < 0 or not layer.multiscale
            else min(level, len(layer.data) - 1)
        )
        whole = describe_source(layer, axes=own or None, level=chosen)
        sources.append(
            describe_source(
                layer,
                axes=own or None,
                level=chosen,
                region=_region(layer, whole, region, shapes),
                position=_current_position(viewer, whole) if current_plane else None,
            )
        )
    limits = [[float(v) for v in layer.contrast_limits] for layer in layers]
    if as_channels:
        return _as_channels(sources, limits if scaling == "limits" else scaling)
    if scaling == "limits":
        # As a list of pairs, so that it is of this image and not of a channel of all.
        scaling = limits[0] if len(layers) == 1 else [[pair] for pair in limits]
    names = once_if_alike([source.axes.names for source in sources])
    return Reading(sources, [], names, channels, scaling)


def _as_channels(sources: list[Source], scaling: Any) -> Reading:
    first = sources[0]
    if "S" in first.axes.names or "C" in first.axes.names:
        raise InputError("Layers that are channels must not have channels or colors themselves.")
    for other in sources[1:]:
        if other.shape != first.shape:
            raise InputError(
                f"Channels must have the same shape, but {first.name!r} has {first.shape} and "
                f"{other.name!r} has {other.shape}."
            )
    return Reading([first], sources[1:], "C" + first.axes.names, None, scaling)


def _current_position(viewer: ViewerModel, source: Source) -> dict[int, int]:
    plane = source.visible_plane(viewer)
    if plane is None:
        raise InputError(
            f"The sliders show no plane of {source.name!r}. "
            f"Move them onto it, or choose all planes."
        )
    place = np.unravel_index(plane, source.stack_shape) if source.stack_shape else ()
    dims = [i for i, name in enumerate(source.names) if name not in "CYX"]
    return {dim: int(index) for dim, index in zip(dims, place, strict=True)}


def _region(layer: Image, source: Source, kind: str, shapes: Shapes | None) -> Region | None:
    """The chosen rectangle in pixels of the source's level."""
    if kind == "plane":
        return None
    dims = [source.names.index("Y"), source.names.index("X")]
    if kind == "view":
        corners = np.asarray(layer.corner_pixels, dtype=float)[:, dims]
        if layer.multiscale:
            shown = (
                np.array(level_data(layer, 0).shape)[dims]
                / np.array(level_data(layer, layer.data_level).shape)[dims]
            )
            corners = (corners + 0.5) * shown - 0.5
        corners = (corners + 0.5) / source.factors[dims] - 0.5
        if not (corners[1] > corners[0]).all():
            raise InputError(
                f"{source.name!r} is not in view. Move the view onto it, or choose the whole plane."
            )
    else:
        corners = _shape_corners(layer, source, shapes)
    low, high = np.floor(corners[0] + 0.5).astype(int), np.ceil(corners[1] + 0.5).astype(int)
    return Region((int(low[0]), int(high[0])), (int(low[1]), int(high[1])))


def _shape_corners(layer: Image, source: Source, shapes: Shapes | None) -> Any:
    if shapes is None or not len(shapes.data):
        raise InputError(
            "Draw a rectangle in a Shapes layer over the image, and choose that layer."
        )
    number = max(shapes.selected_data, default=len(shapes.data) - 1)
    vertices = np.asarray(shapes.data[number], dtype=float)
    matrix, offset = data_to_world(shapes)
    world = vertices @ matrix.T + offset
    matrix, offset = data_to_world(layer)
    rows, columns = source.names.index("Y"), source.names.index("X")
    # Only rows and columns count: the shape may have been drawn with fewer dimensions.
    n = min(world.shape[1], layer.ndim)
    full = np.tile(offset, (len(world), 1))
    full[:, -n:] = world[:, -n:]
    data = np.linalg.solve(matrix, (full - offset).T).T[:, [rows, columns]]
    pixels = (data + 0.5) / source.factors[[rows, columns]] - 0.5
    return np.stack([pixels.min(axis=0), pixels.max(axis=0)])
