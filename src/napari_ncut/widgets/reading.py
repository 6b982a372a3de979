"""From the settings of the features widget to arrays: which layers, levels, regions, channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backbones import BackboneEntry
from ..backbones.extract import choose_stride
from ..errors import InputError
from ..imaging import PlaneLayout
from .layers import Region, Source, data_to_world, describe_source, level_by_size, level_data

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
        As `napari_ncut.embed` takes them.
    """

    sources: list[Source]
    channel_layers: list[Source]
    axes: str
    channels: Any
    scaling: Any

    def images(self) -> Any:
        """The arrays, lazily where layers are lazy: one, or a list."""
        arrays = [source.array() for source in self.sources]
        if self.channel_layers:
            further = [source.array() for source in self.channel_layers]
            return _stack([arrays[0], *further])
        return arrays[0] if len(arrays) == 1 else arrays

    def layout(self, entry: BackboneEntry) -> PlaneLayout:
        """Where the feature grid will lie; reads nothing."""
        shapes = tuple(
            (int(s.sizes[s.names.index("Y")]), int(s.sizes[s.names.index("X")]))
            for s in self.sources
            for _ in range(s.n_planes)
        )
        stacks = tuple(source.stack_shape for source in self.sources)
        return PlaneLayout(
            shapes, entry.stride or choose_stride(shapes), stacks, is_list=len(stacks) > 1
        )

    def describe(self) -> str:
        """One line on what is read, for the user to check."""
        source = self.sources[0]
        sizes = ", ".join(
            f"{name} {source.axes.shape[i] if name in 'CS' else source.sizes[i]}"
            for i, name in enumerate(source.axes.names)
        )
        if self.channel_layers:
            sizes = f"C {1 + len(self.channel_layers)}, {sizes}"
        more = f" and {len(self.sources) - 1} more image(s)" if len(self.sources) > 1 else ""
        level = f" (level {source.level})" if source.level else ""
        return f"{sizes}{level}{more}"


def _stack(arrays: list[Any]) -> Any:
    """Channels in front, lazily if any is lazy."""
    if all(isinstance(array, np.ndarray) for array in arrays):
        return np.stack(arrays)
    import dask.array

    return dask.array.stack([dask.array.asarray(array) for array in arrays])


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
    scaling: str,
) -> Reading:
    """Check settings and say what they read; an `InputError` says what is wrong with them."""
    if not layers:
        raise InputError("Check an Image layer above (or open an image first).")
    sources = []
    for layer in layers:
        chosen = (
            level_by_size(layer)
            if level < 0 or not layer.multiscale
            else min(level, len(layer.data) - 1)
        )
        whole = describe_source(layer, axes=axes or None, level=chosen)
        sources.append(
            describe_source(
                layer,
                axes=axes or None,
                level=chosen,
                region=_region(layer, whole, region, shapes),
                position=_current_position(viewer, whole) if current_plane else None,
            )
        )
    limits: Any = scaling
    if scaling == "limits":
        limits = _contrast_limits(layers, combine)
    if combine == "channels" and len(sources) > 1:
        return _as_channels(sources, limits)
    return Reading(sources, [], sources[0].axes.names, channels, limits)


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


def _contrast_limits(layers: list[Image], combine: str) -> Any:
    limits = [tuple(float(v) for v in layer.contrast_limits) for layer in layers]
    if combine == "channels" and len(layers) > 1:
        return limits
    if len(set(limits)) > 1:
        raise InputError(
            "The checked layers have different contrast limits. "
            "Make them equal, or scale by percentiles."
        )
    return limits[0]


def _current_position(viewer: ViewerModel, source: Source) -> dict[int, int]:
    plane = source.visible_plane(viewer)
    if plane is None:
        raise InputError(
            "The sliders show no plane of this image. Move them onto it, or choose all planes."
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
                "The image is not in view. Move the view onto it, or choose the whole plane."
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
