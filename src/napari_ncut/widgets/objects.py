"""The dock widget "Find objects": what an image is of, without a click."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.notifications import show_info

from ..errors import InputError
from .history import Change, Command, Group, history_of
from .layers import unwrap
from .object_layers import (
    Boxes,
    FoundObjects,
    LayerSwap,
    box_layer,
    mask_of,
    object_layer,
    object_steps,
    part_layer,
    part_steps,
    show_boxes,
)
from .objects_panel import ObjectsPanel
from .outputs import output_fits
from .panels import SCRIPT_TIP, allow
from .workers import Job

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from .layers import Source
    from .reading import Reading

_FIND_TIP = (
    "Find things in the image; they become a layer of labels, and their boxes one of shapes.\n"
    "Found again, new layers take the place of the old ones. One step of undo."
)
_PARTS_TIP = (
    "Cut the things found in parts, jointly over all planes: part 3 is the same part in each.\n"
    "What you have painted or erased in the layer of things counts."
)
_NO_OBJECTS = "There are no objects of this image yet: find objects first."


class ObjectsWidget(ObjectsPanel):
    """Finds things in an image, and their parts.

    Parameters
    ----------
    napari_viewer
        The viewer, given by napari.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        self._viewer = unwrap(napari_viewer)
        super().__init__(self._viewer)
        self._history = history_of(self._viewer)
        self._told = ""
        # Layers that a run made: image → kind → layers. All weakly: users delete layers.
        self._made: weakref.WeakKeyDictionary[Layer, dict[str, list[weakref.ref[Layer]]]] = (
            weakref.WeakKeyDictionary()
        )
        self._job = Job(self)
        self._connect()
        self._refresh()

    def _connect(self) -> None:
        self._job.stepped.connect(self.show_progress)
        self._job.busy_changed.connect(self._on_busy)
        self._job.cancelled.connect(lambda: self._tell("Cancelled; nothing was changed."))
        self._job.failed.connect(self._tell)
        self.on_release(self._job.close, self.input.release)
        self.input.changed.connect(self._refresh)
        self.method.changed.connect(self._refresh)
        self.together.toggled.connect(self._refresh)
        self.run_button.clicked.connect(lambda: self.run())
        self.parts_button.clicked.connect(lambda: self.cut_in_parts())
        self.cancel_button.clicked.connect(lambda: self._job.cancel())
        self.script_button.clicked.connect(lambda: self.copy_script())
        self.undo_button.clicked.connect(lambda: self._history.undo())
        self.redo_button.clicked.connect(lambda: self._history.redo())
        self.follow(self._history.changed, self._refresh)
        self.follow(self._viewer.layers.events.removed, self._refresh)
        self.follow(self._viewer.dims.events.current_step, self._refresh)

    # ----------------------------------------------------------------------------------- settings

    @property
    def objects_layer(self) -> Labels | None:
        """The layer of things of the chosen image, None if there is none."""
        return self._objects_of(self.input.image.value)

    @property
    def parts_layer(self) -> Labels | None:
        """The layer of parts of the chosen image, None if there is none."""
        return next(iter(self._layers_of(self.input.image.value, "parts")), None)

    def _objects_of(self, image: Layer | None) -> Labels | None:
        layers = self._layers_of(image, "objects")
        return next((one for one in layers if isinstance(one, Labels)), None)

    def _parts_reading(self) -> Reading:
        """What is cut in parts: the chosen image, and others with objects if that is wanted."""
        others = [
            layer
            for layer in self._viewer.layers
            if layer in self._made
            and layer is not self.input.image.value
            and self._objects_of(layer) is not None
        ]
        return self.input.reading(also=others if self.together.isChecked() else ())

    def _layers_of(self, image: Layer | None, kind: str) -> list[Any]:
        made = self._made.get(image, {}) if image is not None else {}
        layers = [reference() for reference in made.get(kind, [])]
        return [one for one in layers if one is not None and one in self._viewer.layers]

    def _refresh(self, *_: Any) -> None:
        """Show what would be done, or why it cannot be."""
        if self._job.busy:
            return
        reason = self.input.why_not()
        allow(self.run_button, reason, _FIND_TIP)
        allow(self.script_button, reason, SCRIPT_TIP)
        allow(self.parts_button, reason or self._why_no_parts(), _PARTS_TIP)
        idle = not self._history.replaying
        self.undo_button.setEnabled(idle and self._history.can_undo)
        self.redo_button.setEnabled(idle and self._history.can_redo)
        self.message.setText(reason or self._told)

    def _why_no_parts(self) -> str:
        if self.objects_layer is None:
            return _NO_OBJECTS
        try:
            reading = self._parts_reading()
        except InputError as error:
            return str(error)
        for i, source in enumerate(reading.sources):
            layer = self._objects_of(source.layer)
            on_block = layer is not None and tuple(layer.data.shape) == source.shape
            if not on_block or not output_fits(layer, reading, i):
                return (
                    f"What is read of “{source.name}” is not what objects were found in. Find "
                    f"objects again."
                )
        return ""

    def _tell(self, text: str) -> None:
        """What stays below the panel until something else happens."""
        self._told = text
        self._refresh()

    # ---------------------------------------------------------------------------------------- run

    def run(self) -> None:
        """Find things in a thread; layers are added when it is done."""
        reason = self.input.why_not()
        if reason:
            self.message.setText(reason)
            return
        reading, options = self.input.reading(), self.method.options()
        boxes = self.method.boxes.isChecked()
        self._job.start(
            lambda: object_steps(reading, options),
            lambda result: self._on_objects(result, reading, boxes, options["min_confidence"]),
        )

    def copy_script(self) -> None:
        """Copy a script that finds things with these settings."""
        from .scripts import copy_to_clipboard, function_script_of

        script = function_script_of(
            self.input.reading(),
            "localize",
            self.method.options(),
            "objects",
            target="found",
            labels="found.labels",
        )
        copy_to_clipboard(script)

    def cut_in_parts(self) -> None:
        """Cut things in parts in a thread; a layer is added when it is done."""
        if self._why_no_parts():
            return
        reading = self._parts_reading()
        layers = [self._objects_of(source.layer) for source in reading.sources]
        masks = [
            mask_of(layer, source)
            for layer, source in zip(layers, reading.sources, strict=True)
            if layer is not None
        ]
        options = {
            "n_parts": self.n_parts.value(),
            "position_weight": round(self.position.value(), 4),
            "backbone": self.method.backbone.value,
        }
        self._job.start(
            lambda: part_steps(reading, masks, options),
            lambda result: self._on_parts(result, reading),
        )

    def _on_busy(self, busy: bool) -> None:
        self.progress.setVisible(busy)
        self.progress.setMaximum(0)
        for button in (self.run_button, self.parts_button, self.undo_button, self.redo_button):
            button.setEnabled(not busy)
        self.cancel_button.setEnabled(busy)
        if not busy:
            self._refresh()

    def _on_objects(
        self, result: FoundObjects, reading: Reading, boxes: bool, min_confidence: float
    ) -> None:
        source = reading.sources[0]
        if not self._is_there(source):
            return
        found = any(plane.found for plane in result.found)
        layers: list[Layer] = [object_layer(self._viewer, source, result)] if found else []
        # Parts are of the things of before.
        command = self._swap("find objects", source.layer, ["objects", "parts"], "objects", layers)
        command.commands += self._box_commands(source, result, wanted=boxes and found)
        if command.commands:
            self._history.perform(command)
        self._tell(result.describe(min_confidence))

    def _on_parts(self, result: Any, reading: Reading) -> None:
        parts, blocks = result
        command, n_shown = Group("cut in parts"), 0
        for source, labels in zip(reading.sources, blocks, strict=True):
            if not self._is_there(source):
                continue
            n_shown += 1
            layer = part_layer(self._viewer, source, labels)
            command.commands += self._swap(
                "cut in parts", source.layer, ["parts"], "parts", [layer]
            ).commands
            objects = self._objects_of(source.layer)
            if objects is not None and not objects.contour:
                # Two fillings on one another would mix their colors.
                objects.contour = 2
        if command.commands:
            self._history.perform(command)
            of = f" in {n_shown} images" if n_shown > 1 else ""
            self._tell(f"{parts.n_parts} parts{of}.")

    def _is_there(self, source: Source) -> bool:
        if source.layer is None or source.layer not in self._viewer.layers:
            show_info(
                f"The image “{source.name}” was deleted meanwhile; what was found in it is not "
                f"shown."
            )
            return False
        return True

    def _swap(
        self, name: str, image: Any, gone: list[str], kind: str, coming: list[Layer]
    ) -> Group:
        """Layers in the place of those of some kinds, as one step of undo; empty if nothing is."""
        old = [(one, layer) for one in gone for layer in self._layers_of(image, one)]
        if not old and not coming:
            return Group(name)
        reference = weakref.ref(image)

        def remember(made: str, layer: Layer) -> None:
            if (of := reference()) is not None:
                self._remember(of, made, layer)
            self._history.follow(layer)

        new = [(kind, layer) for layer in coming]
        return Group(name, [LayerSwap(name, self._viewer, old, new, remember)])

    def _remember(self, image: Any, kind: str, layer: Layer) -> None:
        kinds = self._made.setdefault(image, {})
        kinds[kind] = [*kinds.get(kind, []), weakref.ref(layer)]

    def _box_commands(self, source: Source, result: FoundObjects, *, wanted: bool) -> list[Command]:
        """What shows boxes in the image's layer of them, which is added when it is first needed."""
        layer = next(iter(self._layers_of(source.layer, "boxes")), None)
        if layer is None and not wanted:
            return []
        fits = layer is not None and layer.ndim == len(source.names)
        if not fits or not np.allclose(layer.translate, source.spatial()["translate"]):
            layer = unwrap(box_layer(self._viewer, source))
            self._viewer.layers.append(layer)
            self._remember(source.layer, "boxes", layer)
            self._history.follow(layer)
        before = Boxes.on(layer)
        after = Boxes.of(source, result.found) if wanted else Boxes()
        if not before.corners and not after.corners:
            return []
        return [Change("boxes", partial(show_boxes, weakref.ref(layer)), before, after)]
