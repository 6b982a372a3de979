"""The dock widget "Measure": segments as a table, classes in short, sizes, comparisons."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_info
from qtpy.QtWidgets import QFileDialog

from ..errors import InputError
from .history import Change, history_of
from .layers import unwrap
from .measure_compare import compare_steps, why_not
from .measure_panel import MeasurePanel
from .measure_steps import Measured, layer_features, measure_steps
from .panels import SCRIPT_TIP, allow
from .segment_clicks import SegmentClicks
from .underlying import LabelsFrame
from .workers import Job, tell

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

    from ..measuring import Comparison, MeasureTable

_RUN_TIP = (
    "Measure every segment. The table is shown below and noted in the layer (Labels.features),\n"
    "as one step of undo."
)
_COMPARE_TIP = "Compare the labels chosen above with these."
_NOTHING = "Nothing was measured yet."
_FILTER = "Tables (*.csv)"
# Screen pixels below which a segment is hard to see.
_VISIBLE = 30
_CHANGED = "The labels have changed since. Measure again to see it here."


class MeasureWidget(MeasurePanel):
    """Measures the segments of a Labels layer.

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
        self._measured: Measured | None = None
        self._followed: Callable[[], None] = lambda: None
        self._clicks = SegmentClicks(self._on_segment_clicked, lambda: True)
        self._job = Job(self)
        self._connect()
        self._refresh()

    def _connect(self) -> None:
        self._job.stepped.connect(self.show_progress)
        self._job.busy_changed.connect(self._on_busy)
        self._job.cancelled.connect(lambda: self._tell("Cancelled; nothing was changed."))
        self._job.failed.connect(self._tell)
        self.on_release(
            self._job.close,
            self.input.release,
            self.compare.other.release,
            self._clicks.release,
            lambda: self._followed(),
        )
        self.input.changed.connect(self._refresh)
        self.compare.changed.connect(self._refresh)
        self.run_button.clicked.connect(lambda: self.run())
        self.compare.button.clicked.connect(lambda: self.run_comparison())
        self.cancel_button.clicked.connect(lambda: self._job.cancel())
        self.undo_button.clicked.connect(lambda: self._history.undo())
        self.redo_button.clicked.connect(lambda: self._history.redo())
        self.export_button.clicked.connect(lambda: self._export("segments"))
        self.export_classes_button.clicked.connect(lambda: self._export("classes"))
        self.compare.export_button.clicked.connect(lambda: self._export("comparison"))
        self.script_button.clicked.connect(lambda: self.copy_script())
        self.table.chosen.connect(self.show_segment)
        self.sizes.property.chosen.connect(lambda _: self._draw_sizes())
        self.sizes.bins.valueChanged.connect(lambda _: self._draw_sizes())
        self.sizes.logarithmic.toggled.connect(lambda _: self._draw_sizes())
        self.follow(self._history.changed, self._refresh)
        self.follow(self._viewer.layers.events.removed, self._on_removed)

    # ----------------------------------------------------------------------------------- settings

    @property
    def measured(self) -> Measured | None:
        """What the tables show, None for nothing."""
        return self._measured

    def _refresh(self, *_: Any) -> None:
        """Show what would be done, or why it cannot be."""
        if self._job.busy:
            return
        reason = self.input.why_not()
        allow(self.run_button, reason, _RUN_TIP)
        allow(self.compare.button, why_not(self.compare, self.input.labels.value), _COMPARE_TIP)
        for button, what in (
            (self.export_button, "segments"),
            (self.export_classes_button, "classes"),
        ):
            tip = f"Write the table of {what} as a CSV file"
            allow(button, "" if self._measured else _NOTHING, tip)
        allow(self.script_button, reason, SCRIPT_TIP)
        idle = not self._history.replaying
        self.undo_button.setEnabled(idle and self._history.can_undo)
        self.redo_button.setEnabled(idle and self._history.can_redo)
        self.message.setText(reason or self._told)

    def _tell(self, text: str) -> None:
        """What stays below the panel until something else happens."""
        self._told = text
        self._refresh()

    # ---------------------------------------------------------------------------------------- run

    def run(self) -> None:
        """Measure in a thread; tables are shown when it is done."""
        try:
            request = self.input.request()
        except InputError as error:
            self.message.setText(str(error))
            return
        self._job.start(lambda: measure_steps(request), self._on_measured)

    def run_comparison(self) -> None:
        """Compare in a thread; figures are shown when it is done."""
        labels, other = self.input.labels.value, self.compare.other.value
        if why_not(self.compare, labels):
            return
        try:
            request = self.input.request()
            names = dict(request.options["class_names"])
            others = LabelsFrame.of(labels).labels_of(other)
        except InputError as error:
            self._tell(str(error))
            return
        iou, tolerance = round(self.compare.iou.value(), 4), self.compare.tolerance.value()
        self._job.start(
            lambda: compare_steps(request, others, names, iou, tolerance),
            partial(self._on_compared, weakref.ref(labels), weakref.ref(other)),
        )

    def _on_busy(self, busy: bool) -> None:
        self.progress.setVisible(busy)
        self.progress.setMaximum(0)
        for button in (
            self.run_button,
            self.compare.button,
            self.undo_button,
            self.redo_button,
        ):
            button.setEnabled(not busy)
        self.cancel_button.setEnabled(busy)
        if not busy:
            self._refresh()

    # ------------------------------------------------------------------------------------ results

    def _on_measured(self, measured: Measured) -> None:
        layer = measured.request.layer
        if layer is None or layer not in self._viewer.layers:
            show_info("The labels were deleted meanwhile; what was measured is not shown.")
            self._tell("")
            return
        self._show(measured)
        before = layer.features.copy()
        after = layer_features(measured, before)
        self._history.follow(layer)
        self._history.perform(
            Change("measure", partial(_set_features, weakref.ref(layer)), before, after)
        )
        self._tell(measured.describe())

    def _show(self, measured: Measured | None) -> None:
        """Show other results; None for none."""
        self._followed()
        self._measured = measured
        layer = None if measured is None else measured.request.layer
        self._clicks.watch([] if layer is None else [layer])
        if measured is None or layer is None:
            self.table.show_table(None)
            self.summary.show_table(None)
            self.sizes.property.set_choices([], None)
            self._draw_sizes()
            return
        colors = _colors_of(layer)
        column = "label" if measured.pieces is None else "class"
        self.table.show_table(measured.table, colors, column)
        pieces = measured.pieces is not None
        self.summary.show_table(
            measured.summary, colors if pieces else None, "class" if pieces else ""
        )
        table = measured.table
        before = self.sizes.property.value
        names = table.numeric
        wanted = before if before in names else table.size
        self.sizes.property.set_choices([(table.heading(n), n) for n in names], wanted)
        self._draw_sizes()
        self._follow_layer(layer)

    def _follow_layer(self, layer: Labels) -> None:
        """Tell when what the tables show is no longer so."""
        events = [layer.events.paint, layer.events.data]
        if hasattr(layer.events, "labels_update"):
            events.append(layer.events.labels_update)

        def on_change(event: Any = None) -> None:
            if self._told != _CHANGED:
                self._tell(_CHANGED)

        def release() -> None:
            for event in events:
                event.disconnect(on_change)
            self._followed = lambda: None

        for event in events:
            event.connect(on_change)
        self._followed = release

    def _on_removed(self, event: Any = None) -> None:
        measured = self._measured
        if measured is not None and measured.request.layer not in self._viewer.layers:
            self._show(None)
            self._told = ""
        self._refresh()

    def _draw_sizes(self) -> None:
        """Draw the histogram anew."""
        measured, name = self._measured, self.sizes.property.value
        if measured is None or name is None:
            self.sizes.plot.show_histogram(None)
            return
        from ..measuring import size_histogram

        logarithmic = self.sizes.logarithmic.isChecked()
        found = size_histogram(
            measured.table, name, bins=self.sizes.bins.value() or "auto", logarithmic=logarithmic
        )
        title = measured.table.heading(name)
        self.sizes.plot.show_histogram(found, title, logarithmic=logarithmic)
        self._mark_size(self.table.current)

    def _mark_size(self, row: int | None) -> None:
        name, measured = self.sizes.property.value, self._measured
        if row is None or measured is None or name is None:
            self.sizes.plot.mark(None)
        else:
            self.sizes.plot.mark(float(measured.table[name][row]))

    def _on_compared(
        self, labels: weakref.ref[Labels], other: weakref.ref[Labels], found: Comparison
    ) -> None:
        if any(one() is None or one() not in self._viewer.layers for one in (labels, other)):
            show_info("A layer was deleted meanwhile; the comparison is not shown.")
            self._tell("")
            return
        self.compare.show_comparison(found)
        figures = found.figures
        self._tell(
            f"IoU {figures['iou']:.3f}, Dice {figures['dice']:.3f}; {figures['matched']:,} of "
            f"{figures['objects']:,} things match."
        )

    # ---------------------------------------------------------------------------------- selecting

    def show_segment(self, row: int) -> None:
        """Select the label of a row of the table in the layer, and move the view to it."""
        measured = self._measured
        place = None if measured is None else measured.place_of(row)
        if measured is None or place is None:
            return
        layer = measured.request.layer
        assert layer is not None  # there is a place
        layer.selected_label = measured.label_of(row)
        # Its controls show the label then, and clicks on it find rows.
        self._viewer.layers.selection.active = layer
        world = np.asarray(layer.data_to_world(place), dtype=float)
        dims = self._viewer.dims
        first = dims.ndim - layer.ndim
        full = np.array(dims.point, dtype=float)
        full[first:] = world
        hidden = [i for i in range(first, dims.ndim) if i not in dims.displayed]
        if hidden:
            dims.set_point(hidden, [full[i] for i in hidden])
        shown = [full[i] for i in dims.displayed]
        # Where napari keeps the camera depends on its version.
        camera = getattr(self._viewer, "scene", self._viewer).camera
        camera.center = (0.0, *shown) if len(shown) == 2 else tuple(shown)
        # As wide on the screen as can be seen; the view comes nearer, but never goes away.
        width = measured.width_of(row)
        if width * camera.zoom < _VISIBLE:
            camera.zoom = 2 * _VISIBLE / width
        self._mark_size(row)

    def _on_segment_clicked(self, layer: Labels, world: Any) -> None:
        measured = self._measured
        if measured is None or layer is not measured.request.layer:
            return
        place = np.asarray(layer.world_to_data(np.asarray(world)[-layer.ndim :]), dtype=float)
        row = measured.row_at(place)
        if row is not None:
            self.table.select(row)
            layer.selected_label = measured.label_of(row)
            self._mark_size(row)

    # -------------------------------------------------------------------------------------- export

    def _export(self, which: str) -> None:
        layer = self.input.labels.value
        stem = _file_stem(self._measured.request.name if self._measured else str(layer))
        name = f"{stem}_{which}.csv"
        # The dialog itself asks before it replaces a file.
        chosen, _ = QFileDialog.getSaveFileName(self, f"Export {which}", name, _FILTER)
        if chosen:
            path = Path(chosen)
            self.export(path if path.suffix else path.with_suffix(".csv"), which)

    def export(self, path: Path, which: str = "segments") -> None:
        """Write the table of "segments" or "classes", or the "comparison", to a CSV file."""
        measured = self._measured
        tables: dict[str, MeasureTable | Comparison | None] = {
            "segments": measured.table if measured else None,
            "classes": measured.summary if measured else None,
            "comparison": self.compare.found,
        }
        table = tables[which]
        if table is None:
            return
        try:
            table.to_csv(path)
        except (InputError, OSError) as error:
            tell(InputError(f"{path} could not be written ({error}). Choose another place."))
            return
        self._tell(f"Written: {path}")

    def copy_script(self) -> None:
        """Copy a script that measures the same."""
        from .measure_script import script_of
        from .scripts import copy_to_clipboard

        try:
            request = self.input.request()
        except InputError as error:
            self._tell(str(error))
            return
        copy_to_clipboard(script_of(request, **self.input.source_layers()))


def _set_features(reference: weakref.ref[Labels], features: Any) -> None:
    if (layer := reference()) is not None:
        layer.features = features


def _colors_of(layer: Labels) -> Callable[[int], Any]:
    reference = weakref.ref(layer)

    def color(label: int) -> Any:
        there = reference()
        return None if there is None or not label else there.get_color(label)

    return color


def _file_stem(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name).strip("._") or "labels"
