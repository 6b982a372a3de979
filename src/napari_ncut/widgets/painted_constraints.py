"""Labels that keep regions apart and together, followed while they are painted."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from .history import history_of
from .outputs import output_fits
from .region_paint import new_labels
from .region_steps import BoundPlane, bind_steps
from .region_view import RegionView
from .workers import Job, once_after

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

    from .layers import Source

# Milliseconds that the brush must rest.
_REST = 250
# A new brush is this share of the smaller side of the image.
_BRUSH_SHARE = 80


class PaintedConstraints(QObject):
    """Makes the regions of a view obey what is painted on a layer, in a thread.

    Parameters
    ----------
    viewer
        Whose history tells of undone strokes.
    view
        What is to obey; None while there is nothing.
    parent
        The widget.

    Signals
    -------
    obeyed(object)
        The `RegionView` that obeys now.
    told(str)
        Why what is painted is not obeyed.
    """

    obeyed = Signal(object)
    told = Signal(str)

    def __init__(
        self, viewer: ViewerModel, view: Callable[[], RegionView | None], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._view = view
        self._history = history_of(viewer)
        self._layer: Callable[[], Labels | None] = lambda: None
        # What was painted, so that planes stay as they are where nothing was since.
        self._known: dict[int, BoundPlane] = {}
        self._job = Job(self)
        self._job.finished.connect(self._on_bound)
        self._job.failed.connect(self.told)
        self._soon = once_after(_REST, self.bind, self)

    @property
    def busy(self) -> bool:
        """Whether regions are yet to follow."""
        return self._soon.isActive() or self._job.busy

    def watch(self, layer: Labels | None) -> None:
        """Follow what is painted on another layer, or on none."""
        before = self._layer()
        if before is not None:
            before.events.paint.disconnect(self.renew)
            before.events.data.disconnect(self.renew)
        self._layer = (lambda: None) if layer is None else weakref.ref(layer)
        if layer is not None:
            self._history.follow(layer)
            layer.events.paint.connect(self.renew)
            layer.events.data.connect(self.renew)
        self.bind()

    def renew(self, event: Any = None) -> None:
        """What is painted has changed, or may have."""
        if self._layer() is not None:
            self._soon.start()

    def bind(self) -> None:
        """Make regions obey what is painted now."""
        view, layer = self._view(), self._layer()
        self._soon.stop()
        if view is None:
            return
        if layer is None:
            self._job.cancel()
            if view.bound:
                self._on_bound((view, {}))
            return
        if not output_fits(layer, view.reading):
            self.told.emit(
                f"“{layer.name}” does not lie on “{view.images.name}” pixel by pixel, so what is "
                f"painted on it is not obeyed."
            )
            return
        found, source, known = dict(view.found), view.images.sources[0], self._known

        def steps() -> Any:
            return view, (yield from bind_steps(found, layer, source, known))

        self._job.start(steps)

    def release(self) -> None:
        """Let go of the layer, for good."""
        self._job.close()
        self.watch(None)

    def _on_bound(self, result: Any) -> None:
        view, self._known = result
        bound = {plane: known.hierarchy for plane, known in self._known.items()}
        now = {plane: id(hierarchy) for plane, hierarchy in view.bound.items()}
        changed = now != {plane: id(hierarchy) for plane, hierarchy in bound.items()}
        if view is self._view() and changed:
            view.bind(bound)
            self.obeyed.emit(view)


def constraints_layer(viewer: ViewerModel, source: Source) -> Labels:
    """A new layer over an image, not yet in the viewer, with a brush of a fit size."""
    layer = new_labels(viewer, source, "apart and together")
    sides = [source.sizes[source.names.index(name)] for name in "YX"]
    layer.brush_size = max(3, round(min(sides) / _BRUSH_SHARE))
    return layer
