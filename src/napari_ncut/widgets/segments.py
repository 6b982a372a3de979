"""Masks of images that were read together, and every edit of their classes as a command."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from numpy.typing import NDArray

from ..errors import InputError
from ..progress import Progress, Steps
from .history import Change, Group
from .label_edit import LabelEdit
from .segment_layers import SegmentLayers, instance_block
from .segment_state import SegmentState

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ..sam.mask_set import MaskSet
    from .layers import Source
    from .reading import Reading


class Segments:
    """The masks of one or several images, the layers that show them, and their classes once found.

    Parameters
    ----------
    viewer
        Where the layers are.
    reading
        What was read of which images.
    masks
        Of every plane, image after image.
    instances
        `instance_blocks` of them.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        reading: Reading,
        masks: tuple[MaskSet, ...],
        instances: Sequence[NDArray],
    ) -> None:
        self.reading = reading
        self.masks = masks
        self.state: SegmentState | None = None
        # Who shows them; called after every change.
        self.shown: list[Callable[[], None]] = []
        self._version = 0
        self.images = [
            SegmentLayers(viewer, source, number, own, first_plane, first_mask, block)
            for (number, source, own, first_plane, first_mask), block in zip(
                _images_of(reading.sources, masks), instances, strict=True
            )
        ]

    @property
    def layers(self) -> list[Labels]:
        """Those of all images that there are."""
        return [layer for image in self.images for layer in image.both]

    @property
    def classes_layers(self) -> list[Labels]:
        """The layers of classes that there are."""
        return [image.classes for image in self.images if image.classes is not None]

    @property
    def name(self) -> str:
        """The image, or the first of several and how many more."""
        more = len(self.images) - 1
        return self.images[0].source.name + (f" and {more} more" if more else "")

    @property
    def version(self) -> int:
        """Grows with every edit and every stroke painted on the classes."""
        return self._version

    def shown_by(self, layer: Any) -> SegmentLayers | None:
        """The image whose segments or classes a layer shows, None if it is another layer."""
        return next((image for image in self.images if layer in image.both), None)

    def segment_at(self, layer: Labels, world: Any) -> int | None:
        """Number of the mask at a place of a layer, in world coordinates; None where none is."""
        image = self.shown_by(layer)
        return None if image is None else image.segment_at(layer, world)

    def blocks(self, state: SegmentState) -> list[NDArray]:
        """Class label maps of every image."""
        return [image.block(state) for image in self.images]

    def show_first(self, state: SegmentState, blocks: Sequence[NDArray]) -> None:
        """Show classes where no layer shows any yet; `blocks` of all images."""
        for image, block in zip(self.images, blocks, strict=True):
            if image.both:
                image.add_classes(block, state.colors(), self._on_paint)
        self.show(state)

    def complete(self) -> None:
        """Add the layers of classes that somebody has deleted; images without any layer stay so."""
        state = self.state
        lacking = [image for image in self.images if image.both and image.classes is None]
        if state is None or not lacking:
            return
        for image in lacking:
            image.add_classes(image.block(state), state.colors(), self._on_paint)
        self.show(state)

    def show(self, state: SegmentState) -> None:
        """Take over a state: tables and colors of all layers; pixels are written by commands."""
        self.state = state
        self._version += 1
        table = state.found.features()
        for image in self.images:
            image.show(state, table)
        for shown in list(self.shown):
            shown()

    def edit_steps(self, name: str, after: SegmentState) -> Steps[Group]:
        """The command that leads from the present state to another, as a generator.

        Only pixels that change are written, so that what was painted elsewhere stays.
        """
        before = self.state
        if before is None:
            raise InputError("There are no classes yet. Find them first.")
        group = Group(name)
        done = 0
        for image in self.images:
            layer = image.classes
            if layer is None:
                continue
            edit = LabelEdit(layer)
            for change in image.changes(layer, before, after):
                yield Progress("labels", done, len(self.masks))
                done += 1
                edit.add(*change)
            command = edit.command()
            if command is not None:
                group.commands.append(command)
        written = [weakref.ref(layer) for layer in self.classes_layers]
        group.commands.append(Change(name, partial(self._show_with, written), before, after))
        return group

    # -------------------------------------------------------------------------------------- inside

    def _show_with(self, written: list[weakref.ref[Labels]], state: SegmentState) -> None:
        """Show a state whose pixels were written to these layers."""
        known, before = [reference() for reference in written], self.state
        for image in self.images:
            layer = image.classes
            if layer is None or before is None or any(layer is one for one in known):
                continue
            # The layer that the command was made for was deleted, and this one made since.
            for key, _, wanted in image.changes(layer, before, state):
                layer.data[key] = wanted
            layer.refresh()
        self.show(state)

    def _on_paint(self, event: Any = None) -> None:
        self._version += 1


def instance_blocks(sources: Sequence[Source], masks: Sequence[MaskSet]) -> list[NDArray]:
    """Arrays of all images in which every mask has a number of its own, from 1 to their number."""
    return [
        instance_block(source, own, first_mask)
        for _, source, own, _, first_mask in _images_of(sources, masks)
    ]


def _images_of(
    sources: Sequence[Source], masks: Sequence[MaskSet]
) -> list[tuple[int, Source, Sequence[MaskSet], int, int]]:
    """Number, source, masks, and how many planes and masks lie before, of every image."""
    found = []
    first_plane = first_mask = 0
    for number, source in enumerate(sources):
        own = masks[first_plane : first_plane + source.n_planes]
        found.append((number, source, own, first_plane, first_mask))
        first_plane += len(own)
        first_mask += sum(len(one) for one in own)
    return found
