"""The masks of the moment: computed plane by plane beside the window, shown as they come."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from ..progress import Progress
from .live import PlaneResult, Request, live_steps
from .preview import Preview
from .workers import Job

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from .classes import ClassList
    from .session import Prepared

# Planes that are computed ahead while the user looks: beyond this many pixels only what is on
# screen is, and the rest when it is scrolled to or accepted.
_PIXELS_AHEAD = 2**27


class LiveMasks(QObject):
    """Previews of masks and of heat, and the job that fills them.

    Parameters
    ----------
    viewer
        Where they are shown.
    classes
        Whose colors masks have.
    above
        Gives the layer below which they are put.
    follow
        Called with every new layer, to bind keys.
    parent
        The widget that they belong to.

    Signals
    -------
    advanced()
        The first masks are shown, or the last.
    measured()
        There are new `measures`.
    scored(int, object)
        A plane, and what is thought of each thing in it.

    Attributes
    ----------
    masks, heat : Preview or None
        Their layers, None where nothing is prepared.
    measures : dict
        Of each plane that is complete, what its masks measure: that comes last.
    latency : float or None
        Seconds from the question to the first masks, once they are there.
    """

    advanced = Signal()
    measured = Signal()
    scored = Signal(int, object)

    def __init__(
        self,
        viewer: ViewerModel,
        classes: ClassList,
        above: Callable[[], Layer | None],
        follow: Callable[[Layer], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._classes = viewer, classes
        self._above, self._follow = above, follow
        self._prepared: Prepared | None = None
        self.masks: Preview | None = None
        self.heat: Preview | None = None
        self.measures: dict[int, list[Any]] = {}
        self.latency: float | None = None
        self._started = 0.0
        self._job = Job(self)
        self._job.stepped.connect(self._on_step)
        self._job.finished.connect(lambda _: self.advanced.emit())

    # ------------------------------------------------------------------------------ what there is

    @property
    def busy(self) -> bool:
        """Whether masks that were asked for are not there yet."""
        return self._job.busy

    @property
    def n_done(self) -> int:
        """Planes whose masks are up to date."""
        return 0 if self.masks is None else len(self.masks.done)

    def known(self) -> dict[int, NDArray]:
        """The planes that are up to date."""
        return {} if self.masks is None else self.masks.known()

    def held(self, layer: Layer) -> bool:
        """Whether a layer, possibly deleted by now, is or was one of the previews."""
        return any(preview.held(layer) for preview in self._previews)

    @property
    def _previews(self) -> list[Preview]:
        return [preview for preview in (self.masks, self.heat) if preview is not None]

    # --------------------------------------------------------------------------------- questions

    def use(self, prepared: Prepared | None) -> None:
        """Show masks of other images, or of none, from now on."""
        self._job.cancel()
        self.remove()
        self._prepared = prepared
        self.masks = self.heat = None
        if prepared is not None:
            self.masks = Preview(self._viewer, prepared, "preview", self._follow)
            self.heat = Preview(self._viewer, prepared, "heat", self._follow)

    def forget(self) -> None:
        """What is shown is out of date, and waiting begins; it stays until it is computed anew."""
        self._started, self.latency = time.perf_counter(), None
        self.measures.clear()
        for preview in self._previews:
            preview.forget()

    def missing(self) -> list[int]:
        """Planes that are to be computed, those on screen first; the rest where it is not much."""
        prepared = self._prepared
        if prepared is None:
            return []
        first = [p for p in prepared.visible_planes(self._viewer) if p not in self.measures]
        layout = prepared.embedding.layout
        if first and sum(h * w for h, w in layout.shapes) > _PIXELS_AHEAD:
            return first
        return first + [p for p in range(len(layout)) if p not in self.measures and p not in first]

    def ask(self, request: Request, planes: list[int]) -> None:
        """Compute planes in this order; what was asked before is stale."""
        prepared = self._prepared
        if prepared is None or not planes:
            self._job.cancel()
        else:
            self._job.start(lambda: live_steps(prepared, request, planes))

    def cancel(self) -> None:
        """Ask for nothing more."""
        self._job.cancel()

    def clear(self) -> None:
        """Nothing is asked: empty all layers."""
        self._job.cancel()
        self.forget()
        for preview in self._previews:
            preview.clear()

    def remove(self) -> None:
        """Take all layers out of the viewer."""
        for preview in self._previews:
            preview.remove()

    def remove_heat(self) -> None:
        """Take the heat out of the viewer; masks stay."""
        if self.heat is not None:
            self.heat.remove()

    def recolor(self) -> None:
        """Show masks in the colors that classes have now."""
        if self.masks is not None:
            self.masks.recolor(self._classes)

    def release(self) -> None:
        """Let go of everything; the previews are taken out of the viewer."""
        self._job.close()
        self.remove()
        self._prepared = self.masks = self.heat = None

    # ------------------------------------------------------------------------------------ answers

    def _on_step(self, result: PlaneResult | Progress) -> None:
        if self.masks is None or self.heat is None or isinstance(result, Progress):
            return
        if result.labels is not None:
            self.masks.show(result.plane, result.labels, self._above(), self._classes)
            if self.latency is None:
                self.latency = time.perf_counter() - self._started
                self.advanced.emit()
        if result.heat is not None:
            self.heat.show(result.plane, result.heat, self._above(), self._classes)
        if result.scores is not None:
            self.scored.emit(result.plane, result.scores)
        if result.measures is not None:
            self.measures[result.plane] = result.measures
            self.measured.emit()
