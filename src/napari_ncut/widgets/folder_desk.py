"""The layers of one image of a folder: made, taken away, and brought back as they were."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels, Layer
from numpy.typing import NDArray

from ..folders.work import label_axes, plane_first
from ..progress import Progress, Steps
from .folder_classes import paint_classes
from .history import History, PutAside
from .layers import free_name, unwrap
from .roles import PAINTED, SEGMENTS, labels_on, note, role_of

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ..folders import ImageFolder, Work
    from ..io import ImageFile
    from .classes import ClassList
    from .folder_writer import Task

# Images that are put aside, and what their labels may take together.
_MAX_ASIDE, _MAX_ASIDE_BYTES = 6, 512 * 2**20
_OPACITY = {PAINTED: 0.5, SEGMENTS: 0.6}


@dataclass(frozen=True, eq=False)
class Opened:
    """An image that was read, and what was done on it."""

    number: int
    image: ImageFile = field(repr=False)
    work: Work = field(repr=False)


def open_steps(folder: ImageFolder, number: int, kept: Task | None) -> Steps[Opened]:
    """Read an image and the work on it; `kept` is work that is not on the disk."""
    yield Progress("reading", 0, 1)
    from ..folders import Work

    image = folder.read(number)
    if kept is None:
        return Opened(number, image, folder.load(number, image))
    segments = None if kept.segments is None else kept.segments.copy()
    return Opened(number, image, Work(kept.painted.copy(), segments, "draft"))


class Desk:
    """Layers of one image in a viewer: its channels, what can be painted, what is painted.

    Labels belong to it by their role, whoever made them.

    Parameters
    ----------
    viewer
        Where they lie.
    opened
        The image, and the work on it.
    classes
        Their names and colors.
    """

    def __init__(self, viewer: ViewerModel, opened: Opened, classes: ClassList) -> None:
        self._viewer = unwrap(viewer)
        self.number = opened.number
        self.axes = label_axes(opened.image)
        self._stem = opened.image.path.name
        arrays, color = plane_first(opened.image)
        several = len(arrays) > 1
        # So that sliders are called by what they move through.
        self._named = {"axis_labels": tuple(self.axes.lower())} if len(self.axes) > 2 else {}
        self.images = [
            Image(
                array,
                name=f"{self._stem} {i}" if several else self._stem,
                rgb=color,
                **self._named,
                blending="additive" if several and i else "translucent_no_depth",
                **({"colormap": _CHANNEL_COLORS[i % len(_CHANNEL_COLORS)]} if several else {}),
            )
            for i, array in enumerate(arrays)
        ]
        shape = arrays[0].shape[:-1] if color else arrays[0].shape
        painted = opened.work.painted
        self._labels: list[Layer] = []
        # What is on the disk as a draft or saved, and what is saved; None if that is not known.
        self._baseline = {PAINTED: _digest(painted), SEGMENTS: _digest(opened.work.segments)}
        is_draft = opened.work.origin == "draft"
        self._saved: dict[str, bytes] | None = None if is_draft else dict(self._baseline)
        if opened.work.segments is not None:
            self._labels.append(self._segments_layer(opened.work.segments))
        data = np.zeros(shape, np.int32) if painted is None else painted
        classes.ensure([int(n) for n in np.unique(data) if n])
        layer = Labels(data, name=f"{self._stem} painted", opacity=_OPACITY[PAINTED], **self._named)
        note(layer, role=PAINTED, file=self._stem)
        paint_classes(layer, classes)
        self._labels.append(layer)
        self.steps: PutAside | None = None
        # Segments that were made here, as they were made; those alone may be made anew.
        self._made: Callable[[], Labels | None] = lambda: None
        self._as_made = b""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the labels."""
        image = self.images[0]
        return tuple(image.data.shape[: image.ndim])

    @property
    def layers(self) -> list[Layer]:
        """All layers of it that are in the viewer, from below."""
        own = [*self.images, *self.labels(PAINTED), *self.labels(SEGMENTS)]
        return [layer for layer in map(unwrap, self._viewer.layers) if layer in own]

    @property
    def nbytes(self) -> int:
        """What its labels take while it is put aside."""
        return sum(layer.data.nbytes for layer in self._labels if hasattr(layer.data, "nbytes"))

    def labels(self, role: str) -> list[Labels]:
        """Labels of it in the viewer, the topmost first."""
        there = self._viewer.layers
        image = next((one for one in self.images if one in there), None)
        if image is not None:
            return labels_on(self._viewer, image, role)
        # Whoever deleted the image has not deleted what was painted on it.
        return [one for one in self._labels if one in there and role_of(one) == role]

    @property
    def painted(self) -> Labels | None:
        """What classes are painted on; None if the user has deleted it."""
        return next(iter(self.labels(PAINTED)), None)

    @property
    def segments(self) -> Labels | None:
        """What can be painted; None if there is none."""
        return next(iter(self.labels(SEGMENTS)), None)

    def show(self, place: int, history: History) -> None:
        """Add all layers to the viewer, the lowest at a place in its list."""
        for i, layer in enumerate([*self.images, *self._labels]):
            layer.name = free_name(self._viewer, layer.name)
            self._viewer.layers.insert(place + i, layer)
            history.follow(layer)
        if self.steps is not None:
            history.bring_back(self.steps)
            self.steps = None
        painted = self.painted
        if painted is not None:
            self._viewer.layers.selection.active = painted

    def put_aside(self, history: History) -> int:
        """Take all layers out of the viewer; where the lowest of them was."""
        there = self.layers
        self._labels = [layer for layer in there if layer not in self.images]
        place = min((self._viewer.layers.index(one) for one in there), default=0)
        self.steps = history.put_aside()
        for layer in there:
            self._viewer.layers.remove(layer)
        return place

    def add_segments(
        self, segments: NDArray[np.int32], segmenter: dict[str, Any], history: History
    ) -> None:
        """Show segments that were made ahead, unless there are some of the user's own.

        Parameters
        ----------
        segments
            Of the image.
        segmenter
            The method with its parameters, to be noted.
        history
            What follows the layer.
        """
        painted, there = self.painted, self.segments
        if painted is None or segments.shape != self.shape:
            return
        if there is None:
            layer = self._segments_layer(segments)
            note(layer, segmenter=segmenter)
            layer.name = free_name(self._viewer, layer.name)
            active = self._viewer.layers.selection.active
            self._viewer.layers.insert(self._viewer.layers.index(painted), layer)
            self._viewer.layers.selection.active = active
            self._labels.append(layer)
            history.follow(layer)
            self._made = weakref.ref(unwrap(layer))
        elif there is self._made() and _digest(np.asarray(there.data)) == self._as_made:
            there.data = segments
            note(there, segmenter=segmenter)
        else:
            return
        # Nobody's work: it is no reason for a draft.
        self._as_made = self._baseline[SEGMENTS] = _digest(segments)
        if self._saved is not None:
            self._saved[SEGMENTS] = self._baseline[SEGMENTS]

    def _segments_layer(self, segments: NDArray[np.int32]) -> Labels:
        name = f"{self._stem} segments"
        layer = Labels(segments, name=name, opacity=_OPACITY[SEGMENTS], **self._named)
        layer.contour = 1
        note(layer, role=SEGMENTS, file=self._stem)
        return layer

    # ------------------------------------------------------------------------------ what is unsaved

    def is_changed(self, gone: Labels | None = None) -> bool:
        """Whether anything differs from what is on the disk, as a draft or saved.

        Parameters
        ----------
        gone
            What was painted on, if it has just been deleted.
        """
        painted = gone or self.painted
        return painted is not None and self._digests(painted) != self._baseline

    def is_as_saved(self) -> bool:
        """Whether all is as it was saved last, or as it was found."""
        return self._saved is not None and self._digests(self.painted) == self._saved

    def note_written(self, *, saved: bool, gone: Labels | None = None) -> None:
        """What is there now is on its way to the disk."""
        self._baseline = self._digests(gone or self.painted)
        if saved:
            self._saved = dict(self._baseline)

    def note_unwritten(self) -> None:
        """It did not get there."""
        self._baseline, self._saved = {}, None

    def maps(
        self, gone: Labels | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.int32] | None] | None:
        """Copies of what is painted and of the segments; None if there is nothing to paint on."""
        painted, segments = gone or self.painted, self._any_segments()
        if painted is None:
            return None
        copied = None if segments is None else np.array(segments.data, np.int32)
        if copied is not None and not copied.any():
            copied = None
        return np.array(painted.data, np.int32), copied

    def _any_segments(self) -> Labels | None:
        """The segments, also those that were just deleted with all else: the window may close."""
        own = [one for one in self._labels if role_of(one) == SEGMENTS]
        return self.segments or (own[-1] if own and self.painted is None else None)

    def _digests(self, painted: Labels | None) -> dict[str, bytes]:
        found = {PAINTED: painted, SEGMENTS: self._any_segments()}
        return {
            role: _digest(None if layer is None else np.asarray(layer.data))
            for role, layer in found.items()
        }


class Aside(dict[int, Desk]):
    """Images that were left, with their layers and steps of undo; those left last."""

    def keep(self, desk: Desk) -> None:
        """Put one aside; what was left longest ago may go for it."""
        self[desk.number] = desk
        while len(self) > _MAX_ASIDE or sum(one.nbytes for one in self.values()) > _MAX_ASIDE_BYTES:
            self.pop(next(iter(self)))


# Channels of one image, added to each other.
_CHANNEL_COLORS = ("green", "magenta", "cyan", "yellow", "red", "blue")


def _digest(labels: NDArray | None) -> bytes:
    """Tells label maps apart; nothing is the same as none painted."""
    import xxhash

    if labels is None or not labels.any():
        return b""
    # Widgets may store other integers than we gave.
    return xxhash.xxh3_128(np.ascontiguousarray(labels, np.int32).data).digest()
