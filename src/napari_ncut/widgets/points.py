"""The dock widget "Segment by points": clicks become masks while the user watches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Layer, Points
from napari.utils.notifications import show_info
from qtpy.QtCore import QTimer

from . import prompts_layer, strokes_layer
from .accepting import Acceptance
from .amounts import amounts
from .asking import PromptLayers, read_prompts
from .history import Group, history_of
from .hover import Hover, NextPlace, Question, question_at
from .keys import ShiftDigits, bind_between_shapes, bind_weakly
from .layers import unwrap
from .live import AcceptOptions, Request
from .live_masks import LiveMasks
from .next_click import NextClick
from .outputs import output_fits
from .points_panel import PointsPanel
from .points_status import Status
from .prompts_watch import PromptsWatch
from .sam_flow import SamFlow
from .session import Prepared, session_of
from .strokes_watch import AllPrompts, StrokesWatch

if TYPE_CHECKING:
    from napari.components import ViewerModel


class PointsWidget(PointsPanel):
    """Turns the points of a prompts layer into masks in Labels layers, live.

    Parameters
    ----------
    napari_viewer
        The viewer, given by napari.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        self._viewer = unwrap(napari_viewer)
        self._session = session_of(self._viewer)
        self._history = history_of(self._viewer)
        self._classes = self._session.classes
        self._prepared: Prepared | None = None
        self._request: Request | None = None
        # All prompts, also where none of them is positive yet.
        self._given: Request | None = None
        self._outside = 0
        self._told = ""
        self._looked = ""
        self._unreadable = ""
        super().__init__(self._viewer, self._classes, self._fits)
        self._next = NextClick(
            self.points_choice, self.shapes_choice, self.scribbles_choice, self._classes
        )
        self._live = LiveMasks(self._viewer, self._classes, lambda: self._above, self._bind, self)
        self._watch = PromptsWatch(self._viewer, self._history, self._classes, self)
        self._strokes = StrokesWatch(self._classes, self)
        self._prompts = AllPrompts(self._watch, self._strokes)
        self._acceptance = Acceptance(
            self._viewer, self._history, self._classes, self._prompts, self
        )
        self._digits = ShiftDigits(self._viewer, self._is_ours, self._choose_class, self)
        self._sam = SamFlow(self._viewer, self._session, self)
        self._hover = Hover(
            self._viewer, self._classes, self._question_at, self._is_computing, self
        )
        self._next_place = NextPlace(self._viewer, self)
        self._connect()
        for layer in self._viewer.layers:
            if layer.metadata.get("napari_ncut", {}).get("role") in ("classes", "instances"):
                self._bind(layer)
        self._on_prepared(self._session.prepared[-1] if self._session.prepared else None)

    def _connect(self) -> None:
        self.run_choice.chosen.connect(self._use)
        self.points_choice.chosen.connect(self._on_points_chosen)
        self.negative_choice.chosen.connect(self._on_points_chosen)
        self.shapes_choice.chosen.connect(self._on_strokes_chosen)
        self.scribbles_choice.chosen.connect(self._on_strokes_chosen)
        self.new_shapes_button.clicked.connect(lambda: self.add_shapes())
        self.new_scribbles_button.clicked.connect(lambda: self.add_scribbles())
        self.image_choice.chosen.connect(self._on_image_chosen)
        self.sign_button.clicked.connect(lambda: self.flip_sign())
        self.hover_box.toggled.connect(self._hover.switch)
        self.next_button.clicked.connect(lambda: self.show_next_place())
        # Else the next move of the cursor would fail as well, and tell that, too.
        self._hover.failed.connect(lambda _: self.hover_box.setChecked(False))
        self._next_place.told.connect(self._on_next_place)
        self._next_place.failed.connect(lambda _: self._tell(""))
        self.controls.changed.connect(lambda *_: self.update_masks())
        self.output_controls.heat.changed.connect(lambda *_: self._on_heat())
        self.accept_button.clicked.connect(lambda: self.accept())
        self.reject_button.clicked.connect(lambda: self.reject())
        self.undo_button.clicked.connect(lambda: self._history.undo())
        self.redo_button.clicked.connect(lambda: self._history.redo())
        self.script_button.clicked.connect(lambda: self.copy_script())
        self._sam.changed.connect(self.update_masks)
        self._sam.ready.connect(self._go_on)
        self._sam.told.connect(self._on_looking)
        self._watch.changed.connect(self.update_masks)
        self._strokes.changed.connect(self.update_masks)
        self._live.advanced.connect(self._show_status)
        self._live.measured.connect(self._show_amounts)
        self._live.scored.connect(self._sam.keep_scores)
        self._acceptance.busy_changed.connect(lambda _: self._show_buttons())
        self._acceptance.done.connect(self._on_accepted)
        self.on_release(
            self._live.release,
            self._watch.release,
            self._strokes.release,
            self._acceptance.release,
            self._digits.release,
            self._hover.release,
            self._next_place.release,
            self._sam.release,
        )
        self.follow(self._session.prepared_changed, self._on_prepared)
        self.follow(self._classes.changed, self._on_classes)
        self.follow(self._classes.current_changed, self._on_current_class)
        self.follow(self._history.changed, self._show_buttons)
        self.follow(self._viewer.dims.events.current_step, self._on_slice)
        self.follow(self._viewer.dims.events.ndisplay, self._on_slice)
        self.follow(self._viewer.layers.events.removed, self._on_removed)

    def release(self) -> None:
        """Let go of everything; the prompts stay, the previews of their masks go."""
        super().release()
        self._request = self._given = self._prepared = None
        self.run_choice.set_choices([], None)

    # ------------------------------------------------------------------------- what is worked on

    @property
    def _above(self) -> Layer | None:
        """The lowest layer of prompts, below which masks are put."""
        chosen = (self.points, self.shapes_choice.value, self.scribbles_choice.value)
        own = [layer for layer in self._viewer.layers if unwrap(layer) in chosen]
        return unwrap(own[0]) if own else None

    @property
    def points(self) -> Points | None:
        """The prompts layer."""
        return self.points_choice.value

    def _on_prepared(self, prepared: Prepared | None) -> None:
        """An image was prepared, or all images of one are gone."""
        runs = self._session.prepared
        self.run_choice.set_choices([(run.name, run) for run in runs], prepared)
        self._use(prepared)

    def _use(self, prepared: Prepared | None) -> None:
        if prepared is self._prepared:
            self._show_sign()
            self._show_image_choice()
            self._show_status()
            return
        self._live.use(prepared)
        self._hover.forget()
        self._prepared = prepared
        sources = prepared.sources if prepared is not None else []
        self.image_choice.set_choices(
            [(s.name, s.name) for s in sources], sources[0].name if sources else None
        )
        self._show_image_choice()
        self.output_choice.refresh()
        self._adopt_points()
        self._sam.use(prepared)
        self.update_masks()

    def _show_image_choice(self) -> None:
        several = self._prepared is not None and len(self._prepared.sources) > 1
        for widget in (self.image_choice, self._image_label):
            widget.setVisible(several)

    def _fits(self, layer: Any) -> bool:
        return self._prepared is not None and output_fits(layer, self._prepared)

    def _on_points_chosen(self, _: Any = None) -> None:
        self._adopt_points()
        self.update_masks()

    def _adopt_points(self) -> None:
        """Give the chosen Points layers their columns, keys and colors, and watch them."""
        chosen = [self.points, self.negative_choice.value]
        layers = [layer for layer in dict.fromkeys(chosen) if layer is not None]
        if self.points is not None:
            prompts_layer.adopt(self.points, self._classes, image=self.image_choice.value_if_many)
            labels = np.unique(prompts_layer.read_classes(self.points))
            self._classes.ensure([int(label) for label in labels])
        for layer in layers:
            self._bind(layer)
        self._watch.watch(layers)
        self._show_sign()

    def _on_strokes_chosen(self, _: Any = None) -> None:
        """Watch the chosen layers of strokes, and give Shapes the columns."""
        shapes, scribbles = self.shapes_choice.value, self.scribbles_choice.value
        if shapes is not None:
            prompts_layer.adopt(shapes, self._classes, image=self.image_choice.value_if_many)
            bind_weakly(shapes, "W", self.next_answer)
            bind_between_shapes(shapes, {"Enter": self.accept, "Escape": self.reject})
        if scribbles is not None:
            # Its painting is undone with our keys, but Enter and Esc are those of its polygons.
            self._history.follow(scribbles)
        self._strokes.watch([layer for layer in (shapes, scribbles) if layer is not None])
        self._next.renew()
        self.update_masks()

    def add_shapes(self) -> None:
        """Add a Shapes layer on the image, and choose it."""
        self._add_strokes(strokes_layer.add_shapes_layer, self.shapes_choice)

    def add_scribbles(self) -> None:
        """Add a Labels layer on the image, and choose it."""
        self._add_strokes(strokes_layer.add_scribbles_layer, self.scribbles_choice)

    def _add_strokes(self, add: Any, choice: Any) -> None:
        if self._prepared is None:
            show_info("Compute features first: strokes lie on the image.")
            return
        choice.value = unwrap(add(self._viewer, self._prepared.sources, self._classes))

    def _bind(self, layer: Any) -> None:
        """Bind our keys on one of our own layers."""
        self._history.follow(layer)
        for key, action in {
            "T": self.flip_sign,
            "U": self.show_next_place,
            "W": self.next_answer,
            "Enter": self.accept,
            "Escape": self.reject,
        }.items():
            bind_weakly(layer, key, action)

    def _is_ours(self, layer: Any) -> bool:
        """Whether our keys count on a layer."""
        return self._history.follows(layer)

    def _choose_class(self, digit: int) -> None:
        self._classes.choose(digit)

    # --------------------------------------------------------------------------- what users change

    def flip_sign(self) -> None:
        """Let the next click mean the opposite."""
        self._next.flip()
        self._show_sign()
        self._hover.renew()

    def next_answer(self) -> None:
        """Show the next of SAM's answers: best, whole, part, subpart."""
        if self._sam.chosen:
            self.sam.next_answer()
        else:
            show_info("Whole, part and subpart are answers of SAM: choose it under “Method”.")

    def _show_sign(self) -> None:
        self.sign_button.setText(
            "●  like this (positive)   [T]"
            if self._next.positive
            else "✕  not this (negative)   [T]"
        )

    def _on_current_class(self, label: int) -> None:
        self._next.choose_class(label)
        self._hover.renew()
        if self.output_controls.heat.value:
            self.update_masks()

    def _on_classes(self) -> None:
        self._watch.paint()
        self._strokes.paint()
        self._live.recolor()

    def _on_image_chosen(self, name: str | None) -> None:
        if self._next.layers and name is not None and self._prepared is not None:
            self._next.choose_image(name)
            for source in self._prepared.sources:
                if source.layer is not None:
                    source.layer.visible = source.name == name

    def _on_heat(self) -> None:
        if not self.output_controls.heat.value:
            self._live.remove_heat()
        self.update_masks()

    def _on_slice(self, event: Any = None) -> None:
        """Show the plane scrolled to next, if it is not there yet."""
        if self._prepared is None or self._request is None:
            return
        self._sam.show_scores()
        if not set(self._prepared.visible_planes(self._viewer)) <= self._live.measures.keys():
            self._start(self._request)

    def _on_removed(self, event: Any) -> None:
        gone = unwrap(event.value)
        if self._live.held(gone):
            # Not before napari has finished with the removal.
            QTimer.singleShot(0, self.update_masks)

    # ------------------------------------------------------------------------------------- masks

    def read_request(self) -> tuple[Request | None, int]:
        """What the prompts ask now (None without a positive one), and how many are on no image."""
        given, outside = self._read_prompts()
        return given if given is not None and given.labels else None, outside

    def _read_prompts(self) -> tuple[Request | None, int]:
        """What all prompts say, and how many are on no image."""
        if self._prepared is None:
            return None, 0
        layers = PromptLayers(
            self.points,
            self.negative_choice.value,
            self.shapes_choice.value,
            self.scribbles_choice.value,
        )
        heat = self._classes.current if self.output_controls.heat.value else None
        asked = read_prompts(self._prepared, self._viewer, layers, self._sam.options(), heat)
        self._unreadable = asked.unreadable
        return asked.request, asked.outside

    def update_masks(self) -> None:
        """Ask anew; what was asked before is stale."""
        if self._acceptance.busy:
            # What is being accepted must not change; `_on_accepted` asks again.
            return
        self._given, self._outside = self._read_prompts()
        request = self._given if self._given is not None and self._given.labels else None
        if self._sam.why_not():
            request = None
        self._request, self._told = request, ""
        self._hover.clear()
        self._next_place.clear()
        self._sam.forget_scores()
        if request is None or self._prepared is None:
            self._live.clear()
            self._show_amounts()
            self._show_status()
            return
        self._classes.ensure(request.labels)
        self._uncover(self._prepared)
        self._live.forget()
        self._start(request)

    def _uncover(self, prepared: Prepared) -> None:
        """With the first click, take the eigenvectors' colors off: masks need the view."""
        if prepared.uncovered:
            return
        prepared.uncovered = True
        for layer in self._viewer.layers:
            if layer.metadata.get("napari_ncut", {}).get("role") == "colors":
                layer.visible = False

    def _start(self, request: Request) -> None:
        assert self._prepared is not None  # something was asked about it
        planes = self._sam.wait(self._prepared, request, self._live.missing())
        self._live.ask(request, planes)
        self._show_buttons()

    def _go_on(self) -> None:
        """What had to be looked at has been."""
        if self._request is not None and not self._acceptance.busy:
            self._start(self._request)

    def _on_looking(self, text: str) -> None:
        self._looked = text
        self._show_status()

    # ------------------------------------------------------------------------------ the next click

    def _is_computing(self) -> bool:
        """Whether masks that were really asked for are not there yet."""
        return self._live.busy or self._acceptance.busy or self._history.replaying

    def _question_at(self, world: np.ndarray) -> Question | None:
        """What the next click would ask, if it were made there."""
        active = unwrap(self._viewer.layers.selection.active)
        if self._prepared is None or self._given is None or self.points is None:
            return None
        if active is not self.points:
            return None
        question = question_at(
            world,
            self._prepared,
            self._viewer,
            self._given,
            positive=self._next.positive,
            label=self._classes.current,
            image=self.image_choice.value_if_many,
        )
        segmenter = self._prepared.segmenter
        # Planes are looked at for clicks, not for what might become one.
        waits = question is not None and question.request.waits_for(segmenter, question.plane)
        return None if waits or self._sam.why_not() else question

    def show_next_place(self) -> None:
        """Show where a further click would tell most."""
        if self._viewer.dims.ndisplay == 3:
            show_info("Switch to 2D first (Ctrl+Y): clicks are not read in the 3D view.")
        elif self._prepared is None or self._request is None:
            show_info("Click on something first: then there are places in doubt.")
        elif not self._acceptance.busy:
            self._next_place.clear()
            self._next_place.find(self._prepared, self._request)
            self._tell("looking for the next place")

    def _on_next_place(self, place: tuple[int, int, int] | None) -> None:
        self._tell("nothing is in doubt" if place is None else "click in the ring")

    def _tell(self, text: str) -> None:
        self._told = text
        self._show_status()

    # --------------------------------------------------------------------------- accept and reject

    def accept(self) -> None:
        """Write the masks into the output layers; one step that undo takes back."""
        if self._acceptance.busy or self._history.replaying:
            show_info("Still accepting; one moment.")
            return
        self._watch.settle()
        prepared, request = self._prepared, self._request
        if prepared is None or request is None:
            show_info("Nothing to accept: click on something first.")
            return
        known = self._live.known()
        self._live.cancel()
        self._sam.stop()
        controls = self.output_controls
        self._acceptance.start(
            prepared,
            request,
            known,
            self.output_choice.value,
            AcceptOptions(controls.kind.value, controls.split.value, controls.protect.value),
            above=self._above,
            keep=controls.keep.value,
        )

    def _on_accepted(self, outputs: list[Any]) -> None:
        for layer in outputs:
            self._bind(layer)
        if outputs and self.output_choice.value is None:
            self.output_choice.value = outputs[0]
        self.update_masks()

    def reject(self) -> None:
        """Drop the clicks; undo brings them back. While something is accepted, stop that."""
        if self._acceptance.busy:
            self._acceptance.cancel()
            return
        self._watch.settle()
        commands = self._prompts.emptied()
        if commands and not self._history.replaying:
            self._history.perform(Group("reject", commands))

    def copy_script(self) -> None:
        """Copy a script that repeats what is seen."""
        from .scripts import copy_to_clipboard, script_of

        request, _ = self.read_request()
        if self._prepared is None:
            show_info("Nothing to copy yet: compute features first.")
            return
        copy_to_clipboard(script_of(self._prepared, request))

    # ------------------------------------------------------------------------------------- display

    def _show_amounts(self) -> None:
        self.class_table.show_amounts(amounts(self._live.measures.values(), self._prepared))

    def _show_status(self) -> None:
        prepared = self._prepared
        status = Status(
            is_prepared=prepared is not None,
            has_points=self.points is not None,
            hindrance=self._sam.why_not() if prepared is not None else "",
            request=self._request,
            latency=self._live.latency,
            done=self._live.n_done,
            total=len(prepared.embedding.layout) if prepared is not None else 0,
            told=self._told,
            looked=self._looked,
            outside=self._outside,
            has_strokes=bool(self._strokes.layers),
            unreadable=self._unreadable,
        )
        self.status.setText(status.text())
        self._show_buttons()

    def _show_buttons(self) -> None:
        busy = self._acceptance.busy
        self.accept_button.setEnabled(self._request is not None and not busy)
        self.next_button.setEnabled(self._request is not None and not busy)
        n_points = 0 if self.points is None else len(self.points.data)
        drawn = self._request is not None and self._request.strokes
        self.reject_button.setEnabled((n_points > 0 or bool(drawn)) and not busy)
        self.undo_button.setEnabled(self._history.can_undo and not busy)
        self.redo_button.setEnabled(self._history.can_redo and not busy)
        self.script_button.setEnabled(self._prepared is not None)
