"""The dock widget "Find objects": what an image is of, without a click."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info
from qtpy.QtWidgets import QPushButton

from ..progress import Progress
from .history import history_of
from .layers import unwrap
from .object_layers import (
    FoundObjects,
    LayerSwap,
    mask_of,
    object_layers,
    object_steps,
    part_layer,
    part_steps,
)
from .objects_panel import ObjectsPanel
from .outputs import output_fits
from .workers import Job, percent

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels, Layer

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
        self._arrive: Callable[[Any], None] = lambda _: None
        self._job = Job(self)
        self._connect()
        self._refresh()

    def _connect(self) -> None:
        self._job.stepped.connect(self._on_progress)
        self._job.finished.connect(lambda result: self._arrive(result))
        self._job.busy_changed.connect(self._on_busy)
        self._job.cancelled.connect(lambda: self._tell("Cancelled; nothing was changed."))
        self._job.failed.connect(self._tell)
        self.on_release(self._job.close, self.input.release)
        self.input.changed.connect(self._refresh)
        self.method.changed.connect(self._refresh)
        self.run_button.clicked.connect(lambda: self.run())
        self.parts_button.clicked.connect(lambda: self.cut_in_parts())
        self.cancel_button.clicked.connect(lambda: self._job.cancel())
        self.undo_button.clicked.connect(lambda: self._history.undo())
        self.redo_button.clicked.connect(lambda: self._history.redo())
        self.follow(self._history.changed, self._refresh)
        self.follow(self._viewer.layers.events.removed, self._refresh)
        self.follow(self._viewer.dims.events.current_step, self._refresh)

    # ----------------------------------------------------------------------------------- settings

    @property
    def objects_layer(self) -> Labels | None:
        """The layer of things of the chosen image, None if there is none."""
        return next(iter(self._layers_of(self.input.image.value, "objects")), None)

    @property
    def parts_layer(self) -> Labels | None:
        """The layer of parts of the chosen image, None if there is none."""
        return next(iter(self._layers_of(self.input.image.value, "parts")), None)

    def _layers_of(self, image: Layer | None, kind: str) -> list[Any]:
        made = self._made.get(image, {}) if image is not None else {}
        layers = [reference() for reference in made.get(kind, [])]
        return [one for one in layers if one is not None and one in self._viewer.layers]

    def _refresh(self, *_: Any) -> None:
        """Show what would be done, or why it cannot be."""
        if self._job.busy:
            return
        reason = self.input.why_not()
        _allow(self.run_button, reason, _FIND_TIP)
        _allow(self.parts_button, reason or self._why_no_parts(), _PARTS_TIP)
        idle = not self._history.replaying
        self.undo_button.setEnabled(idle and self._history.can_undo)
        self.redo_button.setEnabled(idle and self._history.can_redo)
        self.message.setText(reason or self._told)

    def _why_no_parts(self) -> str:
        layer = self.objects_layer
        if layer is None:
            return _NO_OBJECTS
        reading = self.input.reading()
        on_block = tuple(layer.data.shape) == reading.sources[0].shape
        if not on_block or not output_fits(layer, reading):
            return "What is read is not what objects were found in. Find objects again."
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
        self._start(
            lambda: object_steps(reading, options),
            lambda result: self._on_objects(result, reading, boxes, options["min_confidence"]),
        )

    def cut_in_parts(self) -> None:
        """Cut things in parts in a thread; a layer is added when it is done."""
        layer = self.objects_layer
        if layer is None or self._why_no_parts():
            return
        reading = self.input.reading()
        masks = mask_of(layer, reading.sources[0])
        options = {
            "n_parts": self.n_parts.value(),
            "position_weight": round(self.position.value(), 4),
            "backbone": self.method.backbone.value,
        }
        self._start(
            lambda: part_steps(reading, masks, options),
            lambda result: self._on_parts(result, reading),
        )

    def _start(self, steps: Callable[[], Any], arrive: Callable[[Any], None]) -> None:
        self._arrive = arrive
        self._job.start(steps)

    def _on_progress(self, step: Progress) -> None:
        self.progress.setMaximum(max(step.total, 1) if step.total > 1 else 0)
        self.progress.setValue(step.done)
        self.message.setText(percent(step))

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
        if not self._still_there(reading):
            return
        layers: list[Layer] = []
        if any(plane.found for plane in result.found):
            layers = object_layers(self._viewer, source, result, boxes=boxes)
        # Parts are of the things of before.
        old = self._layers_of(source.layer, "objects") + self._layers_of(source.layer, "parts")
        self._show("find objects", source.layer, old, {"objects": layers, "parts": []})
        self._tell(result.describe(min_confidence))

    def _on_parts(self, result: Any, reading: Reading) -> None:
        parts, labels = result
        source = reading.sources[0]
        if not self._still_there(reading):
            return
        layer = part_layer(self._viewer, source, labels)
        self._show(
            "cut in parts", source.layer, self._layers_of(source.layer, "parts"), {"parts": [layer]}
        )
        objects = self.objects_layer
        if objects is not None and not objects.contour:
            # Two fillings on one another would mix their colors.
            objects.contour = 2
        self._tell(f"{parts.n_parts} parts.")

    def _still_there(self, reading: Reading) -> bool:
        layer = reading.sources[0].layer
        if layer is None or layer not in self._viewer.layers:
            show_info("The image was deleted meanwhile; what was found in it is not shown.")
            return False
        return True

    def _show(self, name: str, image: Any, old: list[Layer], new: dict[str, list[Layer]]) -> None:
        """Put layers in the place of others, as one step of undo."""
        coming = [unwrap(layer) for layers in new.values() for layer in layers]
        if not old and not coming:
            return
        kept = dict(self._made.get(image, {}))
        for kind, layers in new.items():
            # Those of before come back with undo: all that were ever made are remembered.
            kept[kind] = kept.get(kind, []) + [weakref.ref(unwrap(layer)) for layer in layers]
        self._made[image] = kept
        for layer in coming:
            self._history.follow(layer)
        self._history.perform(LayerSwap(name, self._viewer, old, coming))


def _allow(button: QPushButton, reason: str, tip: str) -> None:
    button.setEnabled(not reason)
    button.setToolTip(reason or tip)
