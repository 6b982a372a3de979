"""The dock widget "Segment by points": clicks become masks while the user watches."""

from __future__ import annotations

import time
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Points
from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QApplication,
    QGridLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from . import prompts_layer
from .choices import LayerChoice, RunChoice
from .classes import ClassTable
from .controls import OutputControls, PromptControls
from .history import Change, Group, history_of
from .layers import unwrap
from .live import Accepted, AcceptOptions, PlaneResult, Request, accept_steps, live_steps
from .outputs import finish_output, make_output, output_fits
from .panels import labeled_grid, narrow_scroll, stop_jobs, titled
from .preview import Preview
from .session import Prepared, session_of
from .workers import Job, tell

if TYPE_CHECKING:
    from napari.components import ViewerModel

# Planes that are computed ahead while the user looks: beyond this many pixels only what is on
# screen is, and the rest when it is scrolled to or accepted.
_PIXELS_AHEAD = 2**27
# A drag or a burst of clicks within this time is one step of undo.
_SETTLE_MS = 250


class PointsWidget(QWidget):
    """Turns the points of a prompts layer into masks in Labels layers, live.

    Parameters
    ----------
    napari_viewer
        The viewer, given by napari.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = unwrap(napari_viewer)
        self._session = session_of(self._viewer)
        self._history = history_of(self._viewer)
        self._classes = self._session.classes
        self._job = Job(self)
        self._accepting = Job(self)
        self._prepared: Prepared | None = None
        self._masks: Preview | None = None
        self._heat: Preview | None = None
        self._request: Request | None = None
        self._followed: weakref.WeakSet[Points] = weakref.WeakSet()
        self._settled: prompts_layer.Prompts | None = None
        self._seen: list[prompts_layer.Prompts] = []
        self._measures: dict[int, list[Any]] = {}
        self._started = 0.0
        self._writing = False
        self._build()
        self._connect()
        self._on_prepared(self._session.prepared[-1] if self._session.prepared else None)

    # ------------------------------------------------------------------------------------ layout

    def _build(self) -> None:
        self.run_choice = RunChoice("The prepared image or images that clicks are read on.")
        self.points_choice = LayerChoice(
            self._viewer,
            Points,
            "Points layer with the columns `positive` and `class`; colors follow them.",
        )
        self.negative_choice = LayerChoice(
            self._viewer, Points, "A second Points layer whose points are all negative, if you like two layers.",
            none="none (signs are in the column)",
        )  # fmt: skip
        self.image_choice = RunChoice(
            "The image that the next click is on, where several lie on one another."
        )
        self.sign_button = QPushButton()
        self.sign_button.setToolTip("Whether the next click says “like this” or “not this”. Key: T")
        self.class_table = ClassTable(self._classes)
        self.controls = PromptControls()
        self.output_controls = OutputControls()
        self.output_choice = LayerChoice(
            self._viewer, Labels, "Where accepted masks go.", none="new Labels layer",
            fits=lambda layer: self._prepared is not None and output_fits(layer, self._prepared),
        )  # fmt: skip
        self.accept_button = QPushButton("Accept  [Enter]")
        self.reject_button = QPushButton("Reject  [Esc]")
        self.undo_button = QPushButton("Undo  [Ctrl+Z]")
        self.redo_button = QPushButton("Redo  [Ctrl+Shift+Z]")
        self.script_button = QPushButton("Copy as Python")
        self.script_button.setToolTip("Copy a script that repeats what you see, to the clipboard")
        self.status = QLabel()
        self.status.setWordWrap(True)

        clicks = labeled_grid(
            [
                ("Prepared", self.run_choice),
                ("Prompts", self.points_choice),
                ("Negative points", self.negative_choice),
                ("Click on", self.image_choice),
                ("Next click", self.sign_button),
            ]
        )
        self._image_label = clicks.itemAtPosition(3, 0).widget()
        buttons = QGridLayout()
        buttons.addWidget(self.accept_button, 0, 0)
        buttons.addWidget(self.reject_button, 0, 1)
        buttons.addWidget(self.undo_button, 1, 0)
        buttons.addWidget(self.redo_button, 1, 1)
        output = QVBoxLayout()
        output.addLayout(labeled_grid([("Into", self.output_choice)]))
        output.addWidget(self.output_controls.native)
        inner = QWidget()
        layout = QVBoxLayout(inner)
        layout.addWidget(titled("Clicks", clicks))
        layout.addWidget(titled("Classes", self.class_table))
        layout.addWidget(titled("Mask", self.controls.native))
        layout.addWidget(titled("Result", output))
        layout.addStretch()
        scroll = narrow_scroll(inner)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)
        outer.addLayout(buttons)
        outer.addWidget(self.script_button)
        outer.addWidget(self.status)

    def _connect(self) -> None:
        self._session.prepared_changed.connect(self._on_prepared)
        self.run_choice.chosen.connect(self._use)
        self.points_choice.chosen.connect(self._on_points_chosen)
        self.negative_choice.chosen.connect(self._on_points_chosen)
        self.image_choice.chosen.connect(self._on_image_chosen)
        self.sign_button.clicked.connect(lambda: self.flip_sign())
        self._classes.changed.connect(self._on_classes)
        self._classes.current_changed.connect(self._on_current_class)
        self.controls.changed.connect(lambda *_: self.update_masks())
        self.output_controls.heat.changed.connect(lambda *_: self._on_heat())
        self.accept_button.clicked.connect(lambda: self.accept())
        self.reject_button.clicked.connect(lambda: self.reject())
        self.undo_button.clicked.connect(lambda: self._history.undo())
        self.redo_button.clicked.connect(lambda: self._history.redo())
        self.script_button.clicked.connect(lambda: self.copy_script())
        self._job.stepped.connect(self._on_step)
        self._job.finished.connect(lambda _: self._show_status())
        self._accepting.finished.connect(self._on_accepted)
        self._accepting.busy_changed.connect(lambda _: self._show_buttons())
        self._history.changed.connect(self._show_buttons)
        self._history.before_undo.append(self._settle)
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.timeout.connect(self._settle)
        self._viewer.dims.events.current_step.connect(self._on_slice)
        self._viewer.dims.events.ndisplay.connect(self._on_slice)
        self._viewer.layers.events.removed.connect(self._on_removed)
        self.destroyed.connect(partial(stop_jobs, self._job, self._accepting))

    def closeEvent(self, event: Any) -> None:
        """Stop what runs, and let go of the viewer's events."""
        stop_jobs(self._job, self._accepting)
        self._viewer.dims.events.current_step.disconnect(self._on_slice)
        self._viewer.dims.events.ndisplay.disconnect(self._on_slice)
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        super().closeEvent(event)

    # ------------------------------------------------------------------------- what is worked on

    @property
    def points(self) -> Points | None:
        """The prompts layer."""
        return self.points_choice.value

    def _point_layers(self) -> list[Points]:
        """The prompts layer and, where there is one, the layer of negative points."""
        return [layer for layer in (self.points, self.negative_choice.value) if layer is not None]

    def _on_prepared(self, prepared: Prepared | None) -> None:
        """An image was prepared, or all images of one are gone."""
        runs = self._session.prepared
        self.run_choice.set_choices([(run.name, run) for run in runs], prepared)
        self._use(prepared)

    def _use(self, prepared: Prepared | None) -> None:
        if prepared is self._prepared:
            self._show_status()
            return
        self._job.cancel()
        for preview in (self._masks, self._heat):
            if preview is not None:
                preview.remove()
        self._prepared = prepared
        self._masks = self._heat = None
        if prepared is not None:
            self._masks = Preview(self._viewer, prepared, "preview", self._bind)
            self._heat = Preview(self._viewer, prepared, "heat", self._bind)
        sources = prepared.sources if prepared is not None else []
        self.image_choice.set_choices(
            [(s.name, s.name) for s in sources], sources[0].name if sources else None
        )
        for widget in (self.image_choice, self._image_label):
            widget.setVisible(len(sources) > 1)
        self.output_choice.refresh()
        self._adopt_points()
        self.update_masks()

    def _on_points_chosen(self, _: Any = None) -> None:
        self._adopt_points()
        self.update_masks()

    def _adopt_points(self) -> None:
        """Give the chosen Points layers their columns, keys and colors, and watch them."""
        for points in self._point_layers():
            if points is self.points:
                prompts_layer.adopt(points, self._classes, image=self.image_choice.value_if_many)
                self._classes.ensure(
                    [int(c) for c in np.unique(prompts_layer.read_classes(points))]
                )
            self._bind(points)
            if points not in self._followed:
                self._followed.add(points)
                points.events.data.connect(self._on_points_event)
                points.events.features.connect(self._on_points_event)
            prompts_layer.paint(points, self._classes)
        self._seen = [prompts_layer.snapshot(points) for points in self._point_layers()]
        self._settled = prompts_layer.snapshot(self.points) if self.points is not None else None
        self._show_sign()

    def _bind(self, layer: Any) -> None:
        """Bind our keys on one of our own layers."""
        self._history.follow(layer)
        for key, action in {
            "T": self.flip_sign,
            "Enter": self.accept,
            "Escape": self.reject,
            **{f"Shift-{digit}": partial(self._choose_class, digit) for digit in range(1, 10)},
        }.items():
            layer.bind_key(key, lambda _, act=action: act(), overwrite=True)

    def _choose_class(self, digit: int) -> None:
        self._classes.choose(digit)

    # --------------------------------------------------------------------------- what users change

    def _on_points_event(self, event: Any = None) -> None:
        if self._writing or event is None:
            return
        action = str(getattr(event, "action", "changed"))
        if action in ("adding", "removing", "changing"):
            return
        if action == "added" and self._viewer.dims.ndisplay == 3:
            self._refuse_in_3d()
            return
        # Adding one point makes napari tell three times; what has been read is not read again.
        seen = [prompts_layer.snapshot(points) for points in self._point_layers()]
        if len(seen) == len(self._seen) and all(a.same_as(b) for a, b in zip(seen, self._seen, strict=True)):
            return
        self._seen = seen
        self.update_masks()
        self._paint_points()
        if not self._history.replaying:
            self._settling.start(_SETTLE_MS)

    def _refuse_in_3d(self) -> None:
        """In the 3-D view a click does not say on which plane it is."""
        if self._settled is not None and self.points is not None:
            self._writing = True
            prompts_layer.restore(self.points, self._settled)
            self._writing = False
            self._paint_points()
        show_warning("Clicks are not read in the 3D view. Switch to 2D (Ctrl+Y), then click.")

    def _paint_points(self) -> None:
        self._writing = True
        for points in self._point_layers():
            prompts_layer.paint(points, self._classes)
        self._writing = False

    def _settle(self) -> None:
        """Remember changed prompts as one step of undo."""
        self._settling.stop()
        points = self.points
        if points is None or self._settled is None:
            return
        now = prompts_layer.snapshot(points)
        if not now.same_as(self._settled):
            self._history.push(
                Change(
                    "points", partial(self._restore_points, weakref.ref(points)), self._settled, now
                )
            )
            self._settled = now

    def _restore_points(
        self, reference: weakref.ref[Points], prompts: prompts_layer.Prompts
    ) -> None:
        points = reference()
        if points is None:
            return
        self._writing = True
        prompts_layer.restore(points, prompts)
        self._writing = False
        self._settled = prompts_layer.snapshot(points)
        self._seen = [prompts_layer.snapshot(layer) for layer in self._point_layers()]
        self.update_masks()
        self._paint_points()

    def flip_sign(self) -> None:
        """Let the next click mean the opposite."""
        if self.points is not None:
            prompts_layer.set_defaults(
                self.points, positive=not prompts_layer.next_sign(self.points)
            )
            self._show_sign()

    def _show_sign(self) -> None:
        positive = self.points is None or prompts_layer.next_sign(self.points)
        self.sign_button.setText(
            "●  like this (positive)   [T]" if positive else "✕  not this (negative)   [T]"
        )

    def _on_current_class(self, label: int) -> None:
        if self.points is not None:
            prompts_layer.set_defaults(self.points, label=label)
        if self.output_controls.heat.value:
            self.update_masks()

    def _on_classes(self) -> None:
        self._paint_points()
        if self._masks is not None:
            self._masks.recolor(self._classes)

    def _on_image_chosen(self, name: str | None) -> None:
        if self.points is not None and name is not None and self._prepared is not None:
            prompts_layer.set_defaults(self.points, image=name)
            for source in self._prepared.sources:
                if source.layer is not None:
                    source.layer.visible = source.name == name

    def _on_heat(self) -> None:
        if self._heat is not None and not self.output_controls.heat.value:
            self._heat.remove()
        self.update_masks()

    def _on_slice(self, event: Any = None) -> None:
        """Show the plane scrolled to next, if it is not there yet."""
        if self._prepared is None or self._request is None or self._masks is None:
            return
        if not set(self._prepared.visible_planes(self._viewer)) <= self._masks.done:
            self._start(self._request)

    def _on_removed(self, event: Any) -> None:
        gone = unwrap(event.value)
        if gone is self.points or (self._masks is not None and gone in self._masks.layers):
            QTimer.singleShot(0, self.update_masks)

    # ------------------------------------------------------------------------------------- masks

    def read_request(self) -> tuple[Request | None, int]:
        """What the points ask now (None without a positive one), and how many lie on no image."""
        points, prepared = self.points, self._prepared
        if points is None or prepared is None:
            return None, 0
        places, inside = prepared.locate(points, self._viewer, prompts_layer.read_images(points))
        signs, labels = prompts_layer.read_signs(points), prompts_layer.read_classes(points)
        negative = self.negative_choice.value
        if negative is not None and negative is not points:
            more, more_inside = prepared.locate(
                negative, self._viewer, prompts_layer.read_images(negative)
            )
            places, inside = np.vstack([places, more]), np.concatenate([inside, more_inside])
            signs = np.concatenate([signs, np.zeros(len(more), dtype=bool)])
            labels = np.concatenate([labels, prompts_layer.read_classes(negative, default=0)])
        # Class 0 is no class: such a point, made by hand in the table, counts for none.
        usable = inside & ((labels > 0) | ~signs)
        outside = int(np.count_nonzero(~inside))
        if not (signs & usable).any():
            return None, outside
        heat = self._classes.current if self.output_controls.heat.value else None
        return (
            Request(
                places[usable],
                signs[usable],
                labels[usable],
                self.controls.options(),
                heat_label=heat,
            ),
            outside,
        )

    def update_masks(self) -> None:
        """Ask anew; what was asked before is stale."""
        if self._accepting.busy:
            return
        self._started = time.perf_counter()
        request, self._outside = self.read_request()
        self._request = request
        self._measures.clear()
        if request is None or self._masks is None or self._heat is None:
            self._job.cancel()
            for preview in (self._masks, self._heat):
                if preview is not None:
                    preview.clear()
            self._show_amounts()
            self._show_status()
            return
        self._classes.ensure(request.labels)
        self._uncover(self._prepared)
        self._masks.forget()
        self._heat.forget()
        self._masks.realign()
        self._start(request)

    def _uncover(self, prepared: Prepared | None) -> None:
        """With the first click, take the eigenvectors' colors off the image: masks need the view."""
        if prepared is None or prepared.uncovered:
            return
        prepared.uncovered = True
        for layer in self._viewer.layers:
            if layer.metadata.get("napari_ncut", {}).get("role") == "colors":
                layer.visible = False

    def _start(self, request: Request) -> None:
        prepared, masks = self._prepared, self._masks
        assert prepared is not None and masks is not None
        first = [
            plane for plane in prepared.visible_planes(self._viewer) if plane not in masks.done
        ]
        order = list(first)
        layout = prepared.embedding.layout
        if not first or sum(h * w for h, w in layout.shapes) <= _PIXELS_AHEAD:
            order += [p for p in range(len(layout)) if p not in masks.done and p not in first]
        self._job.start(lambda: live_steps(prepared, request, order))
        self._show_buttons()

    def _on_step(self, result: PlaneResult) -> None:
        if self._masks is None or self._heat is None:
            return
        if result.labels is not None:
            self._masks.show(result.plane, result.labels, self.points, self._classes)
            if len(self._masks.done) == 1:
                self._latency = time.perf_counter() - self._started
                self._show_status()
        if result.heat is not None:
            self._heat.show(result.plane, result.heat, self.points, self._classes)
        if result.measures is not None:
            self._measures[result.plane] = result.measures
            self._show_amounts()

    # --------------------------------------------------------------------------- accept and reject

    def accept(self) -> None:
        """Write the masks into the output layers; one step that undo takes back."""
        self._settle()
        prepared, masks, request = self._prepared, self._masks, self._request
        if prepared is None or masks is None or request is None:
            show_info("Nothing to accept: click on something first.")
            return
        if self._accepting.busy or self._history.replaying:
            return
        known = masks.known()
        self._job.cancel()
        options = AcceptOptions(
            instances=bool(self.output_controls.kind.value),
            split=self.output_controls.split.value,
            protect=self.output_controls.protect.value,
        )
        try:
            chosen = self.output_choice.value
            self._targets = [
                (number, chosen if chosen is not None and output_fits(chosen, prepared, number) else
                 make_output(self._viewer, prepared, number, self._classes, options.instances, self.points))
                for number, source in enumerate(prepared.sources) if source.layer is not None
            ]  # fmt: skip
        except ValueError as error:
            tell(error)
            return
        for _, layer in self._targets:
            self._bind(layer)
        targets = self._targets
        self._accepting.start(lambda: accept_steps(prepared, request, known, targets, options))

    def _on_accepted(self, results: list[Accepted]) -> None:
        prepared, request, points = self._prepared, self._request, self.points
        if prepared is None or request is None:
            return
        group = Group("accept")
        for (number, layer), accepted in zip(self._targets, results, strict=True):
            if layer not in self._viewer.layers or accepted.command is None:
                continue
            group.commands.append(accepted.command)
            group.commands += finish_output(
                layer, prepared, number, request, accepted, self._classes
            )
        if points is not None and not self.output_controls.keep.value:
            before = prompts_layer.snapshot(points)
            empty = prompts_layer.Prompts(before.data[:0], before.features.iloc[:0])
            group.commands.append(
                Change("points", partial(self._restore_points, weakref.ref(points)), before, empty)
            )
        n_changed = sum(accepted.n_changed for accepted in results)
        if not n_changed:
            show_info("Nothing changed: the output holds these masks already.")
        if len(self._targets) == 1 and self.output_choice.value is None:
            self.output_choice.value = self._targets[0][1]
        self._history.perform(group, then=self._show_buttons)

    def reject(self) -> None:
        """Drop the clicks and what they gave; undo brings them back."""
        self._settle()
        points = self.points
        if points is None or not len(points.data):
            return
        before = prompts_layer.snapshot(points)
        empty = prompts_layer.Prompts(before.data[:0], before.features.iloc[:0])
        restore = partial(self._restore_points, weakref.ref(points))
        self._history.perform(Change("points", restore, before, empty))

    def copy_script(self) -> None:
        """Copy a script that repeats what is seen."""
        from .scripts import script_of

        request, _ = self.read_request()
        if self._prepared is None:
            show_info("Nothing to copy yet: compute features first.")
            return
        QApplication.clipboard().setText(script_of(self._prepared, request))
        show_info("The script is on the clipboard.")

    # ------------------------------------------------------------------------------------- display

    def _show_amounts(self) -> None:
        totals: dict[int, list[int]] = {}
        for measures in self._measures.values():
            for measure in measures:
                count, pixels = totals.setdefault(measure.label, [0, 0])
                totals[measure.label] = [count + measure.count, pixels + measure.pixels]
        size, unit = self._pixel_area()
        self.class_table.show_amounts(
            {
                label: (f"{count}", f"{pixels * size:,.6g} {unit}")
                for label, (count, pixels) in totals.items()
            }
        )

    def _pixel_area(self) -> tuple[float, str]:
        """Area of a pixel, and its unit, of the first image."""
        prepared = self._prepared
        layer = prepared.sources[0].layer if prepared is not None else None
        if layer is None:
            return 1.0, "px"
        source = prepared.sources[0]
        dims = [source.names.index("Y"), source.names.index("X")]
        units = (
            [f"{layer.units[dim]:~P}" for dim in dims] if hasattr(layer, "units") else ["px", "px"]
        )
        if units[0] != units[1] or units[0] in ("px", "pixel"):
            return 1.0, "px"
        return float(np.prod(np.asarray(layer.scale)[dims] * source.factors[dims])), f"{units[0]}²"

    def _show_status(self) -> None:
        if self._prepared is None:
            text = "Compute features first: Plugins ▸ NCUT segmentation ▸ NCUT features."
        elif self.points is None:
            text = "Add or choose a Points layer for the clicks."
        elif self._request is None:
            text = "Click on something in the image (points layer in “add” mode, key 2)."
        else:
            done, total = (
                len(self._masks.done) if self._masks else 0,
                len(self._prepared.embedding.layout),
            )
            text = f"{len(self._request.points)} clicks"
            text += f" · {1000 * self._latency:.0f} ms" if hasattr(self, "_latency") else ""
            text += f" · {done} of {total} planes" if total > 1 else ""
        if getattr(self, "_outside", 0):
            text += f" · {self._outside} point(s) lie on no image and are ignored"
        self.status.setText(text)
        self._show_buttons()

    def _show_buttons(self) -> None:
        busy = self._accepting.busy
        self.accept_button.setEnabled(self._request is not None and not busy)
        self.reject_button.setEnabled(
            self.points is not None and len(self.points.data) > 0 and not busy
        )
        self.undo_button.setEnabled(self._history.can_undo and not busy)
        self.redo_button.setEnabled(self._history.can_redo and not busy)
        self.script_button.setEnabled(self._prepared is not None)
