"""What runs beside the window for "Segment": segments of planes, thumbnails of all methods."""

from __future__ import annotations

import weakref
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, Steps
from .label_edit import LabelEdit, PlaneKey, key_in_layer
from .roles import note

if TYPE_CHECKING:
    from napari.layers import Labels

    from .history import Command
    from .layers import Source
    from .reading import Reading

# What a preview looks at has at most so many pixels.
MOST_PIXELS = 250_000
THUMBNAIL = 180
# So strong are colors of segments over the image.
_STRENGTH = 0.4


@dataclass(frozen=True, eq=False)
class Segmented:
    """Segments of the planes that were read.

    Attributes
    ----------
    planes : list of int32 arrays (h, w)
    write : Command or None
        What writes them into the layer of segments that there is; None if there is none, or
        nothing changes.
    """

    planes: list[NDArray[np.int32]] = field(repr=False)
    write: Command | None = None

    def describe(self) -> str:
        """How many segments there are, for the user."""
        counts = [int(plane.max(initial=0)) for plane in self.planes]
        least, most = min(counts), max(counts)
        if not most:
            return "No segments: nothing stands out. Try other settings, or another method."
        told = f"{most:,}" if least == most else f"{least:,} to {most:,}"
        where = "" if len(counts) == 1 else f" in each of {len(counts)} planes"
        return f"{told} segment{'' if most == 1 else 's'}{where}."


def segment_steps(
    reading: Reading, options: Mapping[str, Any], layer: Labels | None
) -> Steps[Segmented]:
    """Segments of every plane, and the command that writes them into a layer, if there is one."""
    yield Progress("loading", 0, 1)
    from ..classic import segment_classic_steps

    found = yield from segment_classic_steps(
        reading.images(),
        axes=reading.axes,
        channels=reading.channels,
        scaling=as_meant(reading.scaling),
        **options,
    )
    planes = list(found.reshape(-1, *found.shape[-2:]))
    if layer is None:
        return Segmented(planes)
    yield Progress("labels", 0, 1)
    edit = LabelEdit(layer)
    for i, plane in enumerate(planes):
        key, whole = whole_plane(reading.sources[0], i, plane)
        edit.add(key, np.asarray(layer.data[key]), whole)
    return Segmented(planes, edit.command())


def as_meant(scaling: Any) -> Any:
    """The usual scaling leaves 8 bits as they are, as in `segment_classic`."""
    return None if isinstance(scaling, str) and scaling == "stack" else scaling


def whole_plane(
    source: Source, plane: int, labels: NDArray[np.int32]
) -> tuple[PlaneKey, NDArray[np.int32]]:
    """Where a plane lies in a layer that covers the image, and all of it: 0 around what was read.

    Numbers are of this run alone, so none of an earlier one may stay beside them.
    """
    key = key_in_layer(source, plane, source.starts)
    shape = source.whole_shape()
    whole = np.zeros([n for n, place in zip(shape, key, strict=True) if isinstance(place, slice)])
    whole = whole.astype(np.int32)
    rows_first = source.names.index("Y") < source.names.index("X")
    inside = tuple(place for place in key if isinstance(place, slice))
    whole[inside] = labels if rows_first else labels.T
    full = tuple(
        slice(0, n) if isinstance(place, slice) else place
        for n, place in zip(shape, key, strict=True)
    )
    return full, whole


def whole_image(source: Source, planes: list[NDArray[np.int32]]) -> NDArray[np.int32]:
    """Segments in an array that covers the image; 0 where nothing was read."""
    data = np.zeros(source.whole_shape(), np.int32)
    for i, plane in enumerate(planes):
        key, whole = whole_plane(source, i, plane)
        data[key] = whole
    return data


def show_notes(reference: weakref.ref[Labels], noted: tuple[dict[str, Any], Any]) -> None:
    """Let a layer of segments tell what made them, with a table of their own."""
    layer = reference()
    if layer is not None:
        segmenter, features = noted
        note(layer, segmenter=segmenter)
        layer.features = features


# --------------------------------------------------------------------------------------- previews


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """What a method makes of the view.

    Attributes
    ----------
    method : str
    picture : uint8 array (h, w, 3) or None
        The image with its segments; None where there is no answer.
    text : str
        How many segments in how much time, or why there are none.
    """

    method: str
    picture: NDArray[np.uint8] | None = field(repr=False)
    text: str


def preview_steps(
    reading: Reading, settings: Mapping[str, Mapping[str, Any]]
) -> Generator[Progress | Thumbnail, None, float]:
    """A thumbnail of every method, each as it finishes; returns how many times it was reduced."""
    yield Progress("loading", 0, 1)
    from ..classic.preview import preview_methods, reduced, task_previews
    from ..classic.segment import classic_planes
    from ..segmenters import plane_task

    planes = classic_planes(
        reading.images(),
        axes=reading.axes,
        channels=reading.channels,
        scaling=as_meant(reading.scaling),
    )
    task, factor = reduced(plane_task(planes, 0), MOST_PIXELS)
    methods = preview_methods(settings)
    background = picture_of(task.image)
    previews = task_previews(task, methods, factor=factor, settings=settings)
    try:
        for done, preview in enumerate(previews, start=1):
            picture = None
            text = preview.reason
            if preview.labels is not None:
                picture = overlaid(background, preview.labels)
                text = f"{preview.n_segments:,} · {preview.seconds:.1f} s"
            yield Thumbnail(preview.method, picture, text)
            yield Progress("methods", done, len(methods))
    finally:
        previews.close()
    return factor


def picture_of(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A plane (h, w, c) in [0, 1] as (h', w', 3) of the size of a thumbnail."""
    from ..imaging import block_mean
    from ..imaging.channels import composite

    small = block_mean(image, _step(image.shape[:2]))
    if small.shape[-1] == 1:
        small = np.repeat(small, 3, axis=-1)
    elif small.shape[-1] != 3:
        small = composite(small)
    # Of dim images something shall be seen, too.
    brightest = max(float(np.quantile(small, 0.995)), 1e-6)
    return (np.clip(small / brightest, 0, 1) * 255).astype(np.uint8)


def overlaid(picture: NDArray[np.uint8], labels: NDArray[np.int32]) -> NDArray[np.uint8]:
    """A picture with segments in colors and their borders in light."""
    step = _step(labels.shape)
    small = labels[step // 2 :: step, step // 2 :: step]
    rows, columns = np.minimum(small.shape, picture.shape[:2])
    small, result = small[:rows, :columns], picture[:rows, :columns].astype(np.float32)
    shown = small > 0
    colors = _colors(int(labels.max(initial=0)))
    result[shown] = (1 - _STRENGTH) * result[shown] + _STRENGTH * colors[small[shown]]
    border = np.zeros(small.shape, bool)
    border[:, 1:] |= small[:, 1:] != small[:, :-1]
    border[1:] |= small[1:] != small[:-1]
    result[border] = (result[border] + 255) / 2
    return np.ascontiguousarray(result.astype(np.uint8))


def _step(shape: tuple[int, ...]) -> int:
    return max(1, round(max(shape) / THUMBNAIL))


def _colors(n: int) -> NDArray[np.float32]:
    """Colors (n + 1, 3) of 0 to 255 in which neighbors in number differ most."""
    turns = np.arange(n + 1) * 0.618034
    waves = turns[:, np.newaxis] + np.array([0, 1 / 3, 2 / 3])
    return (127.5 + 127.5 * np.cos(2 * np.pi * waves)).astype(np.float32)
