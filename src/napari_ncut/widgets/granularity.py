"""The dock widget "Superpixels & granularity": regions from the finest to objects."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info

from ..errors import InputError
from .granularity_panel import GranularityPanel
from .history import history_of
from .keys import bind_weakly, bind_wheel_weakly
from .layers import unwrap
from .painted_constraints import PaintedConstraints, constraints_layer
from .panels import SCRIPT_TIP, allow
from .preview import add_below
from .region_keeping import ResultLayers
from .region_paint import paint_region
from .region_steps import FoundPlane, find_steps
from .region_view import Chosen, RegionView
from .segment_clicks import SegmentClicks
from .workers import Job, once_after, tell

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

# Milliseconds that the slider rests before planes that are not on screen follow.
_REST = 150
# The granularity that regions are shown at first: boundaries of this probability part them.
_FIRST_LEVEL = 0.3
_NO_REGIONS = "There are no regions yet: find regions first."
_BUSY = "One moment."
_RUN_TIP = (
    "Find the finest regions and how they merge, in a thread; the plane on screen comes first."
)
_KEEP_TIP = (
    "Add a Labels layer with the regions as they are now; as many levels as you like. One step of\n"
    "undo. Key: Enter on the preview."
)


class GranularityWidget(GranularityPanel):
    """Finds regions, and shows them at any granularity while a slider moves.

    Parameters
    ----------
    napari_viewer
        The viewer, given by napari.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        self._viewer = unwrap(napari_viewer)
        super().__init__(self._viewer)
        self.history = history_of(self._viewer)
        self.view: RegionView | None = None
        # Of the run that is on its way; it takes the place of `view` with its first plane.
        self._arriving: RegionView | None = None
        self._told = ""
        # Layers painted on whose wheel moves the slider.
        self._turned: weakref.WeakSet[Labels] = weakref.WeakSet()
        self._job = Job(self)
        self.results = ResultLayers(self._viewer, self)
        # One relabeling for all that the slider has moved since the last.
        self._soon = once_after(0, self._relabel, self)
        self._others = once_after(_REST, self._show_others, self)
        self.painted = PaintedConstraints(self._viewer, lambda: self.view, self)
        self._mouse = SegmentClicks(self._on_click, lambda: self.click_mode is not None)
        self._connect()
        self._refresh()

    def _connect(self) -> None:
        for job in (self._job, self.results.job):
            job.stepped.connect(self._on_step)
            job.busy_changed.connect(self._on_busy)
            job.failed.connect(self._tell)
            job.cancelled.connect(lambda: self._tell("Cancelled; what was found stays."))
            self.on_release(job.close)
        self._job.finished.connect(self._on_all_found)
        self.results.added.connect(lambda layer: self._tell(f"Added “{layer.name}”."))
        self.painted.obeyed.connect(self._on_obeyed)
        self.painted.told.connect(self._tell)
        self.on_release(
            self.input.release,
            self.constraints.release,
            self.target.release,
            self._forget,
            self.painted.release,
        )
        self.input.changed.connect(self._refresh)
        self.run_button.clicked.connect(lambda: self.run())
        self.cancel_button.clicked.connect(lambda: self.cancel())
        self.level.changed.connect(self._on_level)
        self.outlines.toggled.connect(self._on_outlines)
        self.clicks.buttonToggled.connect(self._on_click_button)
        self.reset_button.clicked.connect(lambda: self._on_level())
        self.keep_button.clicked.connect(lambda: self.keep())
        self.constraints.chosen.connect(self._on_constraints)
        self.new_constraints.clicked.connect(lambda: self.add_constraints())
        self.superpixels.run_button.clicked.connect(lambda: self.make_superpixels())
        self.superpixels.script_button.clicked.connect(lambda: self.copy_superpixel_script())
        self.script_button.clicked.connect(lambda: self.copy_script())
        self.undo_button.clicked.connect(lambda: self.history.undo())
        self.redo_button.clicked.connect(lambda: self.history.redo())
        self.follow(self.history.changed, self._on_history)
        self.follow(self._viewer.dims.events.current_step, self._on_plane)
        self.follow(self._viewer.dims.events.ndisplay, self._on_plane)
        self.follow(self._viewer.layers.events.removed, self._on_removed)

    @property
    def busy(self) -> bool:
        """Whether anything is being computed, or yet to be shown."""
        waits = self._soon.isActive() or self._others.isActive() or self.painted.busy
        return waits or self._job.busy or self.results.busy or self.history.replaying

    # ------------------------------------------------------------------------------- find regions

    def run(self) -> None:
        """Find the regions of the image in a thread; they appear plane by plane."""
        reason = self.input.why_not()
        if reason:
            self.message.setText(reason)
            return
        reading = self.input.reading()
        first = reading.sources[0].visible_plane(self._viewer) or 0
        chosen = Chosen(str(self.level.kind.value), self.level.value)
        self._arriving = RegionView(self._viewer, self.history, reading, chosen, self._adopt)
        self._arriving.outlines = self.outlines.isChecked()
        self._job.start(lambda: find_steps(reading, first))

    def cancel(self) -> None:
        """Stop what is computed."""
        self._job.cancel()
        self.results.job.cancel()

    def _on_step(self, step: Any) -> None:
        if isinstance(step, FoundPlane):
            self._on_found(step)
            return
        self.show_progress(step)

    def _on_found(self, found: FoundPlane) -> None:
        """The regions of one more plane: the first one takes the place of what was shown."""
        view = self._arriving
        assert view is not None
        image = view.images.sources[0].layer
        if image is None or image not in self._viewer.layers:
            self._job.cancel()
            show_info("The image was deleted meanwhile; its regions are not shown.")
            return
        view.found[found.plane] = found.hierarchy
        if view is not self.view:
            self._show_first(view, found)
        else:
            self.level.offer(view.extent())
            view.show(found.plane)
        self._tell_level()

    def _show_first(self, view: RegionView, found: FoundPlane) -> None:
        known = self.view is not None and self.view.images.name == view.images.name
        self._forget()
        self.view = view
        view.shown.append(self._on_taken_back)
        kind = str(self.level.kind.value)
        if not known:
            # Whoever has chosen a granularity of this image keeps it.
            tree = found.hierarchy.tree
            n_regions = len(tree) - tree.n_merges(level=_FIRST_LEVEL)
            start = {"n_regions": n_regions, "level": _FIRST_LEVEL}
            self.level.offer(view.extent())
            self.level.show_value(kind, start.get(kind, self.level.value))
        self.level.offer(view.extent())
        view.choose(kind, self.level.value)
        view.show(found.plane)
        self._viewer.layers.selection.active = view.layer
        self.painted.bind()
        self._refresh()

    def _on_all_found(self, _: Any = None) -> None:
        self._tell("")
        if self.view is not None and len(self.view.found) > 1:
            self.painted.bind()

    def _adopt(self, layer: Labels) -> None:
        """Keys and clicks for the layer that shows regions."""
        self.history.follow(layer)
        keys = {"Enter": self.keep, "F": self._finer, "C": self._coarser, "P": self._paint_here}
        for key, act in keys.items():
            bind_weakly(layer, key, act)
        bind_wheel_weakly(layer, "Shift", self._turn)
        self._mouse.watch([layer])

    def _turn(self, notches: float) -> None:
        if self.view is not None:
            self.level.turn(-notches)

    def _forget(self) -> None:
        """Show no regions any more."""
        view, self.view = self.view, None
        self._mouse.release()
        for timer in (self._soon, self._others):
            timer.stop()
        if view is not None:
            view.remove()

    # ------------------------------------------------------------------------------- granularity

    def _on_level(self) -> None:
        """The slider moved: relabel as soon as the window has nothing else to do."""
        if self.view is not None:
            self._soon.start()

    def _relabel(self) -> None:
        self._soon.stop()
        if self.view is not None:
            self.view.choose(str(self.level.kind.value), self.level.value)
            self._show_now()

    def _show_now(self) -> None:
        """The plane on screen at once, all others when nothing happens for a while."""
        self._on_plane()
        if self.view is not None and self.view.stale():
            self._others.start(_REST)

    def _show_others(self) -> None:
        view = self.view
        if view is not None and (planes := view.stale()):
            view.show(planes[0])
            if len(planes) > 1:
                self._others.start(0)

    def _on_plane(self, event: Any = None) -> None:
        view = self.view
        if view is not None and (plane := view.visible_plane()) is not None:
            view.show(plane)
        self._tell_level()

    def _on_taken_back(self) -> None:
        """Undo and redo show another granularity."""
        assert self.view is not None
        self.level.show_value(self.view.chosen.kind, self.view.chosen.value)
        self._show_now()

    def _on_outlines(self, on: bool) -> None:
        if self.view is not None:
            self.view.show_as(outlines=on)

    def _tell_level(self) -> None:
        """Say how many regions there are on screen, and how large."""
        view = self.view
        plane = None if view is None else view.visible_plane()
        if view is None or plane is None:
            self.told_level.setText("")
        else:
            self.told_level.setText(view.describe(plane))
        local = view is not None and view.n_local > 0
        allow(
            self.reset_button,
            "" if local else "Nothing was made finer or coarser in places.",
            "Forget what was made finer or coarser in places; one step of undo",
        )

    # ------------------------------------------------------------------------------ in one place

    def _on_click_button(self, button: Any, on: bool) -> None:
        if on and self.view is not None and self.view.layer is not None:
            # Clicks count on the layer of regions.
            self._viewer.layers.selection.active = self.view.layer

    def _on_click(self, layer: Labels, world: Any) -> None:
        mode = self.click_mode or "paint"
        if mode == "paint":
            self.paint(world)
        else:
            self.step(world, finer=mode == "finer")

    def _finer(self) -> None:
        self.step(self._viewer.cursor.position, finer=True)

    def _coarser(self) -> None:
        self.step(self._viewer.cursor.position, finer=False)

    def _paint_here(self) -> None:
        self.paint(self._viewer.cursor.position)

    def step(self, world: Any, *, finer: bool) -> None:
        """Finer or coarser at a place in the window."""
        if self._soon.isActive():
            self._relabel()
        changed = None if self.view is None else self.view.step(world, finer=finer)
        if changed:
            self._show_now()
        elif changed is not None:
            show_info(
                "This is one of the finest regions; it cannot be parted further."
                if finer
                else "There is nothing left that this region may merge with."
            )

    def paint(self, world: Any) -> None:
        """Paint the region at a place into the chosen layer."""
        if self.view is None or self.history.replaying:
            return
        if self._soon.isActive():
            self._relabel()
        target, label = self.target.value, self.label.value()
        try:
            done = paint_region(self._viewer, self.history, self.view, world, target, label)
        except InputError as error:
            tell(error)
            return
        if done is not None:
            layer, n_pixels = done
            if target is None:
                self.target.value = layer
            self._tell(f"{n_pixels:,} pixels painted with label {label} in “{layer.name}”.")

    # ------------------------------------------------------------------------------ painted labels

    def add_constraints(self) -> None:
        """Add a layer to paint constraints on, ready to be painted on."""
        try:
            reading = self.input.reading() if self.view is None else self.view.reading
            layer = constraints_layer(self._viewer, reading.sources[0])
        except InputError as error:
            tell(error)
            return
        add_below(self._viewer, layer, None)
        layer.mode = "paint"
        self._viewer.layers.selection.active = layer
        self.constraints.value = layer

    def _on_constraints(self, layer: Labels | None) -> None:
        # While one paints letters are napari's own, such as F to fill.
        if layer is not None and layer not in self._turned:
            self._turned.add(layer)
            bind_wheel_weakly(layer, "Shift", self._turn)
        self.painted.watch(layer)

    def _on_obeyed(self, view: RegionView) -> None:
        self.level.offer(view.extent())
        self._show_now()

    # ------------------------------------------------------------------------------------- results

    def keep(self) -> None:
        """Store the regions as they are now in a new Labels layer."""
        view = self.view
        if view is None or self.results.busy:
            return
        if not view.complete:
            show_info("Not all planes have regions yet; wait for them, or find them again.")
            return
        if self._soon.isActive():
            self._relabel()
        self.results.keep(view)

    def make_superpixels(self) -> None:
        """Superpixels by the chosen method in a new Labels layer."""
        if self.results.busy:
            return
        try:
            reading = self.input.reading()
        except InputError as error:
            tell(error)
            return
        controls = self.superpixels
        self.results.make_superpixels(reading, controls.options(), controls.title)

    def copy_script(self) -> None:
        """Copy a script that finds these regions at this granularity."""
        from .scripts import copy_to_clipboard, function_script_of

        if (view := self.view) is None:
            return
        kind, value = view.chosen.kind, view.chosen.value
        lines = [f"labels = regions.labels({kind}={int(value) if value == int(value) else value})"]
        if view.chosen.local or view.bound:
            lines.insert(0, "# What was changed in places, or painted, is not repeated here.")
        script = function_script_of(
            view.reading,
            "granularity",
            {},
            "regions",
            target="regions",
            further=lines,
            labels="labels",
        )
        copy_to_clipboard(script)

    def copy_superpixel_script(self) -> None:
        """Copy a script that makes superpixels by the chosen method."""
        from .scripts import copy_to_clipboard, function_script_of

        try:
            reading = self.input.reading()
        except InputError as error:
            tell(error)
            return
        options = self.superpixels.options()
        copy_to_clipboard(
            function_script_of(
                reading,
                "segment_superpixels",
                options,
                "superpixels",
                defaults=self.superpixels.defaults(),
            )
        )

    # ------------------------------------------------------------------------------------ what is

    def _on_removed(self, event: Any) -> None:
        view, gone = self.view, unwrap(event.value)
        if view is not None and view.images.sources[0].layer in (None, gone):
            self._job.cancel()
            self._forget()
        self._refresh()

    def _on_history(self) -> None:
        # Of undone strokes nobody else tells.
        self.painted.renew()
        self._refresh()

    def _on_busy(self, _: bool = False) -> None:
        busy = self._job.busy or self.results.busy
        self.progress.setVisible(busy)
        self.progress.setMaximum(0)
        self.cancel_button.setEnabled(busy)
        self._refresh()

    def _refresh(self, *_: Any) -> None:
        """Show what would be done, or why it cannot be."""
        unreadable = self.input.why_not()
        busy = self._job.busy or self.results.busy
        none = _NO_REGIONS if self.view is None else ""
        allow(self.run_button, unreadable or (_BUSY if busy else ""), _RUN_TIP)
        allow(self.script_button, none, SCRIPT_TIP)
        allow(self.keep_button, none or (_BUSY if self.results.busy else ""), _KEEP_TIP)
        self.superpixels.allow(unreadable or (_BUSY if busy else ""))
        self.level.setEnabled(not none)
        for name, button in self.click_buttons.items():
            allow(button, none, self.click_tips[name])
        self._tell_level()
        self.undo_button.setEnabled(self.history.can_undo and not self.history.replaying)
        self.redo_button.setEnabled(self.history.can_redo and not self.history.replaying)
        if not busy:
            self.message.setText(unreadable or self._told)

    def _tell(self, text: str) -> None:
        """What stays below the panel until something else happens."""
        self._told = text
        self._refresh()
