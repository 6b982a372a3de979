"""Templates in the window: one painted thing, further copies of it found and painted alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.notifications import show_info
from numpy.typing import NDArray

from ..errors import InputError
from .history import Group, History
from .keys import bind_weakly
from .layers import block_in, unwrap
from .outputs import layer_added
from .panels import allow, show_step
from .region_paint import new_labels
from .roles import PAINTED, note
from .shapes_area import area_of_shape
from .template_controls import TemplateControls
from .template_preview import CopiesPreview
from .template_steps import FoundCopies, Painted, find_steps, load_steps, paint_steps, take_steps
from .workers import Job, tell

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ..templates import Template
    from .layers import Source
    from .reading import Reading

_FIND_TIP = (
    "Compare the template with every place of the image, in a thread; the score can be chosen\n"
    "afterwards, without computing anything anew."
)
_PAINT_TIP = (
    "Paint the template's segment over all copies that are outlined. One step of undo.\n"
    "Key: Enter on the outlines; Esc drops them"
)
_CLASS_TIP = "Take the largest painted thing of the selected class as the template"
_CURSOR_TIP = "Take the painted thing that the cursor was last on. Key: T"
_SHAPE_TIP = "Take the selected (or last) shape, with all that is painted in it"


class TemplatePanel(TemplateControls):
    """Finds copies of something painted, as a section of a widget.

    Whoever shows it may bind a key to `take_under_cursor`.

    Parameters
    ----------
    viewer, history
        Where.
    reading
        What is read of which image; an `InputError` with the reason if nothing can be.
    painted
        The Labels layer that is painted on, which lies on the image; None if there is none yet.
    current_class
        The label that is painted with.
    adorn
        Gives a new painted layer the names and colors of the classes.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        history: History,
        reading: Callable[[], Reading],
        painted: Callable[[], Labels | None],
        current_class: Callable[[], int],
        adorn: Callable[[Labels], None] = lambda _: None,
    ) -> None:
        self._viewer = unwrap(viewer)
        super().__init__(self._viewer)
        self._history = history
        self._reading = reading
        self._painted = painted
        self._class = current_class
        self._adorn = adorn
        self.template: Template | None = None
        self.found: FoundCopies | None = None
        self._preview: CopiesPreview | None = None
        self._found_in: Reading | None = None
        self._job = Job(self)
        self._connect()
        self.refresh()

    def _connect(self) -> None:
        self._job.stepped.connect(lambda step: show_step(step, self.progress, self.message))
        self._job.busy_changed.connect(self._on_busy)
        self._job.cancelled.connect(lambda: self.message.setText("Cancelled; nothing is changed."))
        self._job.failed.connect(self.message.setText)
        self.class_button.clicked.connect(lambda: self.take_class())
        self.cursor_button.clicked.connect(lambda: self.take_under_cursor())
        self.shape_button.clicked.connect(lambda: self.take_shape())
        self.files.asked.connect(self.take_files)
        self.find_button.clicked.connect(lambda: self.find())
        self.cancel_button.clicked.connect(lambda: self._job.cancel())
        self.score.changed.connect(self._show)
        self.best_only.toggled.connect(lambda _: self._show())
        self.paint_button.clicked.connect(lambda: self.paint())
        self.shapes.chosen.connect(lambda _: self.refresh())
        self._viewer.layers.events.removed.connect(self._on_removed)

    @property
    def busy(self) -> bool:
        """Whether it is looking for copies, or a step is being written."""
        return self._job.busy or self._history.replaying

    def release(self) -> None:
        """Stop, take the outlines away, and let go of the viewer."""
        self._job.close()
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        self.drop()
        self.shapes.release()

    def refresh(self) -> None:
        """Show what can be done; to be called when image, painted layer or class are others."""
        layer = self._painted()
        if layer is not None:
            self._history.follow(layer)
        if self._job.busy:
            return
        reason = self._why_not()
        nothing = "" if layer is not None else "Paint one copy first."
        allow(self.class_button, reason or nothing, _CLASS_TIP)
        allow(self.cursor_button, reason or nothing, _CURSOR_TIP)
        no_shape = "" if self.shapes.value is not None else "Choose a Shapes layer beside it."
        allow(self.shape_button, reason or nothing or no_shape, _SHAPE_TIP)
        no_template = "" if self.template is not None else "Take a template first."
        allow(self.find_button, reason or no_template, _FIND_TIP)
        n_chosen = len(self._chosen())
        allow(self.paint_button, "" if n_chosen else "There are no copies to paint.", _PAINT_TIP)

    def _why_not(self) -> str:
        try:
            source = self._reading().sources[0]
        except InputError as error:
            self.all_planes.setVisible(False)
            return str(error)
        self.all_planes.setVisible(source.n_planes > 1)
        if self._found_in is not None and self._found_in.sources[0].layer is not source.layer:
            # What is painted now is of another image; the template stays.
            self.drop()
            self.message.setText("")
        return ""

    # ---------------------------------------------------------------------------------- a template

    def take_class(self) -> None:
        """The largest painted thing of the selected class."""
        self._take("from_painted", label=self._class())

    def take_under_cursor(self) -> None:
        """The painted thing under the cursor."""
        reading = self._reading_or_tell()
        if reading is None:
            return
        at = _pixel_under(self._viewer, reading.sources[0])
        if at is None:
            self._refuse("The cursor is not on the image. Point at a painted thing, and press T.")
            return
        self._take("from_painted", at=at)

    def take_shape(self) -> None:
        """What is painted in the selected (or last) shape."""
        shapes, reading = self.shapes.value, self._reading_or_tell()
        if shapes is None or reading is None:
            return
        try:
            area = area_of_shape(shapes, reading.sources[0], self._viewer)
        except InputError as error:
            self._refuse(str(error))
            return
        self._take("from_area", area=area)

    def take_files(self, paths: dict[str, Any]) -> None:
        """A template of image files."""
        if paths["template"] is None:
            self._refuse("Choose the file of the template; the other three may be left out.")
            return

        self._job.start(lambda: load_steps(paths), self._on_template)
        # Without a segment of its own the class that is selected is what is meant.
        self.in_class.setChecked(paths["segment"] is None)

    def _take(self, maker: str, **what: Any) -> None:
        """Make a template of the plane on screen, by one of its makers, in a thread."""
        reading, layer = self._reading_or_tell(), self._painted()
        if reading is None or self.busy:
            return
        source = reading.sources[0]
        plane = source.visible_plane(self._viewer)
        if layer is None or plane is None:
            self._refuse("Paint one copy first." if layer is None else "The sliders show no plane.")
            return
        try:
            painted = np.array(source.plane_in(block_in(layer, source), plane))
        except InputError as error:
            self._refuse(str(error))
            return
        self.in_class.setChecked(False)
        self._job.start(lambda: take_steps(reading, plane, painted, maker, what), self._on_template)

    def _on_template(self, template: Template) -> None:
        self.template = template
        self.drop()
        self.show_template(template)
        self.message.setText("")
        self.refresh()

    # -------------------------------------------------------------------------------------- copies

    def find(self) -> None:
        """Look for copies in a thread; they are outlined when it is done."""
        reading, template = self._reading_or_tell(), self.template
        if reading is None or template is None or self.busy:
            return
        source = reading.sources[0]
        plane = source.visible_plane(self._viewer)
        every = self.all_planes.isChecked() and source.n_planes > 1
        if plane is None and not every:
            self._refuse("The sliders show no plane. Move them onto one, or look in all planes.")
            return
        planes = list(range(source.n_planes)) if every else [plane or 0]
        options = {
            "rotations": self.turns.value,
            "scales": self.sizes.value,
            "max_overlap": round(self.overlap.value(), 4),
            "measure": self.measure.value,
        }
        self._job.start(
            lambda: find_steps(reading, planes, template, options),
            lambda found: self._on_found(found, reading),
        )

    def _on_found(self, found: FoundCopies, reading: Reading) -> None:
        image = reading.sources[0].layer
        if image is None or image not in self._viewer.layers:
            show_info("The image was deleted meanwhile; what was found in it is not shown.")
            return
        self.drop()
        self.found, self._found_in = found, reading
        self._preview = CopiesPreview(self._viewer, reading.sources[0], found)
        layer = self._preview.layer
        if layer is not None:
            self._history.follow(layer)
            bind_weakly(layer, "Enter", self.paint)
            bind_weakly(layer, "Escape", self.reject)
            # Enter and Esc are the next that one wants to press.
            self._viewer.layers.selection.active = layer
        self._show()

    def reject(self) -> None:
        """Drop the outlines, and go on with what is painted."""
        self.drop()
        self.message.setText("")
        self._go_on(self._painted())
        self.refresh()

    def _go_on(self, layer: Labels | None) -> None:
        """Select a layer whose keys are wanted next."""
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.selection.active = layer

    def drop(self) -> None:
        """Show no copies any more."""
        preview, self._preview = self._preview, None
        self.found = self._found_in = None
        if preview is not None:
            preview.drop()

    def _chosen(self) -> NDArray[np.int64]:
        """Numbers of the copies that are outlined, from 1."""
        if self.found is None:
            return np.empty(0, np.int64)
        return self.found.chosen(self.score.value, best_only=self.best_only.isChecked())

    def _show(self) -> None:
        """The score is another one."""
        self.score.setEnabled(not self.best_only.isChecked())
        if self.found is None:
            return
        chosen = self._chosen()
        if self._preview is not None:
            self._preview.show(chosen)
        best = f"; the best has a score of {self.found.matches.scores[0]:.3f}" if len(
            self.found.matches) else ""  # fmt: skip
        copies = "copy" if len(chosen) == 1 else "copies"
        self.message.setText(f"{len(chosen):,} {copies}{best}.")
        self.refresh()

    def paint(self) -> None:
        """Paint the segment over the copies that are outlined, as one step of undo."""
        found, reading, chosen = self.found, self._found_in, self._chosen()
        if found is None or reading is None or not len(chosen) or self.busy:
            return
        source = reading.sources[0]
        target, is_new = self._painted(), False
        try:
            if target is None:
                target, is_new = new_labels(self._viewer, source, PAINTED), True
                note(target, role=PAINTED)
                self._adorn(target)
            block_in(target, source)  # refuses what does not lie on what was read
            template = found.template
            if self.in_class.isChecked():
                template = template.with_label(self._class())
        except InputError as error:
            self._refuse(str(error))
            return
        matches, keep = found.matches.where(chosen - 1), self.keep_painted.isChecked()
        self._job.start(
            lambda: paint_steps(template, matches, source, target, keep),
            lambda painted: self._on_painted(painted, target, is_new, len(chosen)),
        )

    def _on_painted(self, painted: Painted, target: Labels, is_new: bool, n_copies: int) -> None:
        if not is_new and target not in self._viewer.layers:
            show_info("The painted layer was deleted meanwhile; nothing was painted.")
            return
        if not painted.still_fits(target):
            # Someone painted on it meanwhile.
            self.paint()
            return
        self.drop()
        if painted.command is not None:
            added = [layer_added(self._viewer, target, None)] if is_new else []
            self._history.follow(target)
            self._history.perform(Group("paint copies", [*added, painted.command]))
        self._go_on(self._painted())
        copies = "copy" if n_copies == 1 else "copies"
        self.message.setText(f"Painted {n_copies:,} {copies}, {painted.n_changed:,} pixels.")
        self.refresh()

    # -------------------------------------------------------------------------------------- inside

    def _reading_or_tell(self) -> Reading | None:
        try:
            return self._reading()
        except InputError as error:
            self._refuse(str(error))
            return None

    def _refuse(self, reason: str) -> None:
        self.message.setText(reason)
        tell(InputError(reason))

    def _on_removed(self, event: Any = None) -> None:
        """Outlines that were deleted stay so, and those of a deleted image go."""
        source = None if self._found_in is None else self._found_in.sources[0]
        gone = source is not None and source.layer not in self._viewer.layers
        if self._preview is not None and (gone or self._preview.layer is None):
            self.drop()
            self.message.setText("")
        self.refresh()

    def _on_busy(self, busy: bool) -> None:
        self.progress.setVisible(busy)
        self.progress.setMaximum(0)
        self.cancel_button.setVisible(busy)
        for button in (
            self.class_button, self.cursor_button, self.shape_button, self.find_button,
            self.paint_button, self.files.load_button,
        ):  # fmt: skip
            button.setEnabled(not busy)
        if not busy:
            self.refresh()


def _pixel_under(viewer: ViewerModel, source: Source) -> tuple[float, float] | None:
    """Row and column of what was read under the cursor, None off it."""
    layer = source.layer
    if layer is None:
        return None
    world = np.asarray(viewer.cursor.position, dtype=float)[-layer.ndim :]
    (place,), (inside,) = source.pixels_of(np.atleast_2d(layer.world_to_data(world)))
    return (float(place[1]), float(place[2])) if inside else None
