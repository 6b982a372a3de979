"""Accepting masks: computed beside the window, written as one step that undo takes back."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info
from qtpy.QtCore import QObject, Signal

from .classes import ClassList
from .history import Group, History
from .live import Accepted, AcceptOptions, Request, accept_steps
from .outputs import finish_output, make_output, output_fits
from .strokes_watch import AllPrompts
from .workers import Job, tell

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels
    from numpy.typing import NDArray

    from .session import Prepared


@dataclass
class _Order:
    """What is being accepted, where to."""

    prepared: Prepared
    request: Request
    prompts: tuple[list[Any], list[Any]] | None
    targets: list[tuple[int, Labels]]
    made: list[Labels]
    options: AcceptOptions
    painted: bool = False


class Acceptance(QObject):
    """Writes masks into output layers, one acceptance at a time.

    Parameters
    ----------
    viewer, history, classes, watch
        Of the widget.

    Signals
    -------
    busy_changed(bool)
    done(object)
        The output layers that were written; [] if it came to nothing.
    """

    busy_changed = Signal(bool)
    done = Signal(object)

    def __init__(
        self,
        viewer: ViewerModel,
        history: History,
        classes: ClassList,
        watch: AllPrompts,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._history = history
        self._classes = classes
        self._watch = watch
        self._order: _Order | None = None
        # Outputs that were made for images, to be written to again.
        self._outputs: weakref.WeakKeyDictionary[Image, weakref.ref[Labels]] = (
            weakref.WeakKeyDictionary()
        )
        self._job = Job(self)
        self._job.finished.connect(self._write)
        self._job.failed.connect(lambda _: self._end(False))
        self._job.cancelled.connect(lambda: self._end(False))

    @property
    def busy(self) -> bool:
        """Whether masks are being computed for, or written to outputs."""
        return self._order is not None

    def start(
        self,
        prepared: Prepared,
        request: Request,
        known: dict[int, NDArray],
        chosen: Labels | None,
        options: AcceptOptions,
        *,
        above: Any,
        keep: bool,
    ) -> None:
        """Accept what a request gives.

        Parameters
        ----------
        prepared, request
            What was asked of what.
        known
            Label maps of planes that were computed already.
        chosen
            The output layer; None for new ones.
        options
            How masks become labels.
        above
            The layer below which new ones are put.
        keep
            Whether the prompts stay.
        """
        try:
            targets, made = self._targets(prepared, request, chosen, options.instances, above)
        except ValueError as error:
            tell(error)
            return
        prompts = None if keep else self._watch.contents()
        order = _Order(prepared, request, prompts, targets, made, options)
        self._order = order
        # Not `editable`: setting it makes napari forget what was painted before.
        for _, layer in targets:
            self._history.follow(layer)
            layer.events.paint.connect(self._on_paint)
        self._history.lock("Still accepting; one moment.")
        self.busy_changed.emit(True)
        self._compute(order, known)

    def _compute(self, order: _Order, known: dict[int, NDArray]) -> None:
        self._job.start(
            lambda: accept_steps(order.prepared, order.request, known, order.targets, order.options)
        )

    def _on_paint(self, event: Any = None) -> None:
        if self._order is not None:
            self._order.painted = True

    def cancel(self) -> None:
        """Stop, and leave everything as it was. What is being written already is finished."""
        self._job.cancel()

    def release(self) -> None:
        """The widget goes away."""
        self._job.close()
        if self._order is not None and not self._history.replaying:
            self._put_away(False)

    def _targets(
        self,
        prepared: Prepared,
        request: Request,
        chosen: Labels | None,
        instances: bool,
        above: Any,
    ) -> tuple[list[tuple[int, Labels]], list[Labels]]:
        """The output of every image, and which of them are new."""
        targets: list[tuple[int, Labels]] = []
        made: list[Labels] = []
        # One layer cannot hold two images, even where they lie on one another.
        owner = self._owner(prepared, chosen)
        for number, source in enumerate(prepared.sources):
            if source.layer is None or source.layer not in self._viewer.layers:
                continue
            before = self._output_of(source.layer) if chosen is not None else None
            if number == owner:
                target = chosen
            elif before not in (None, chosen) and output_fits(before, prepared, number):
                target = before
            else:
                target = make_output(
                    self._viewer, prepared, number, self._classes, instances, above, request.labels
                )
                made.append(target)
            targets.append((number, target))
        return targets, made

    def _output_of(self, image: Image) -> Labels | None:
        reference = self._outputs.get(image)
        layer = reference() if reference is not None else None
        return layer if layer in self._viewer.layers else None

    def _owner(self, prepared: Prepared, chosen: Labels | None) -> int | None:
        """Number of the image whose masks go to the chosen layer."""
        if chosen is None or chosen not in self._viewer.layers:
            return None
        fitting = [
            number
            for number, source in enumerate(prepared.sources)
            if source.layer is not None and output_fits(chosen, prepared, number)
        ]
        for number in fitting:
            if self._output_of(prepared.sources[number].layer) is chosen:
                return number
        return fitting[0] if fitting else None

    def _write(self, results: list[Accepted]) -> None:
        order = self._order
        if order is None:
            return
        if order.painted:
            # What changes was computed against what the output held before that stroke.
            order.painted = False
            self._compute(order, {})
            return
        group = Group("accept")
        written = []
        for (number, layer), accepted in zip(order.targets, results, strict=True):
            if layer not in self._viewer.layers:
                continue
            written.append((number, layer))
            if accepted.command is not None:
                group.commands.append(accepted.command)
                group.commands += finish_output(
                    layer, order.prepared, number, order.request, accepted, self._classes
                )
        if not written:
            show_info("The output was deleted meanwhile, so nothing was accepted.")
            self._end(False)
            return
        if not group.commands:
            show_info("Nothing changed: the output holds these masks already.")
        for number, layer in written:
            source = order.prepared.sources[number]
            if source.layer is not None:
                self._outputs[source.layer] = weakref.ref(layer)
        if order.prompts is not None:
            group.commands += self._watch.emptied(order.prompts)
        self._history.lock("")
        if group.commands:
            self._history.perform(group, then=self._end)
        else:
            self._end(True)

    def _end(self, success: bool) -> None:
        if self._order is None:
            return
        layers = [layer for _, layer in self._order.targets] if success else []
        self._put_away(success)
        self.busy_changed.emit(False)
        self.done.emit([layer for layer in layers if layer in self._viewer.layers])

    def _put_away(self, success: bool) -> None:
        order, self._order = self._order, None
        assert order is not None
        self._history.lock("")
        for _, layer in order.targets:
            layer.events.paint.disconnect(self._on_paint)
        for layer in order.made:
            if not success and layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
