"""What the next click would give, shown while the cursor moves; and where to click next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Points
from qtpy.QtCore import QObject, Signal
from superqt.utils import qdebounced

from ..progress import Progress, Steps
from .layers import data_to_world, free_name, unwrap
from .live import PlaneResult, Request
from .preview import Preview
from .workers import Job

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from .classes import ClassList
    from .session import Prepared

# Milliseconds that the cursor must rest: less, and every place on its way would be asked about.
_REST = 60


class Hover(QObject):
    """Shows the mask that a click under the cursor would give, in a layer of its own.

    Parameters
    ----------
    viewer, classes
        Where it is shown, and in which colors.
    ask
        What a click at a position in the world would ask: its request and plane, or None.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        classes: ClassList,
        ask: Callable[[Any], tuple[Prepared, Request, int] | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._classes, self._ask = viewer, classes, ask
        self._preview: Preview | None = None
        self._prepared: Prepared | None = None
        self._on = False
        self._job = Job(self)
        self._job.stepped.connect(self._show)
        self._later = qdebounced(self._look, timeout=_REST)

    def switch(self, on: bool) -> None:
        """Begin or end to follow the cursor."""
        if on == self._on:
            return
        self._on = on
        callbacks = self._viewer.mouse_move_callbacks
        if on:
            callbacks.append(self._moved)
        else:
            if self._moved in callbacks:
                callbacks.remove(self._moved)
            self.clear()

    def clear(self) -> None:
        """Take what is shown away, until the cursor moves again."""
        self._later.cancel()
        self._job.cancel()
        if self._preview is not None:
            self._preview.remove()

    def release(self) -> None:
        """Let go of the viewer."""
        self.switch(False)
        self._job.close()

    def _moved(self, viewer: Any, event: Any) -> None:
        self._position = tuple(event.position)
        self._later()

    def _look(self) -> None:
        asked = self._ask(self._position) if self._on else None
        if asked is None:
            self.clear()
            return
        prepared, request, plane = asked
        if prepared is not self._prepared or self._preview is None:
            self.clear()
            self._prepared = prepared
            self._preview = Preview(self._viewer, prepared, "hover", lambda layer: None)
        self._job.start(lambda: _hover_steps(prepared, request, plane))

    def _show(self, result: PlaneResult) -> None:
        if self._preview is None or result.labels is None:
            return
        self._preview.show(result.plane, result.labels, None, self._classes)
        for layer in self._preview.layers:
            layer.contour, layer.opacity = 2, 0.9


def _hover_steps(prepared: Prepared, request: Request, plane: int) -> Iterator[PlaneResult]:
    yield PlaneResult(plane, labels=request.predict(prepared.segmenter, plane))


def with_click(request: Request | None, place: Any, positive: bool, label: int) -> Request:
    """A request with one more click, at (plane, row, column) of the embedding."""
    if request is None:
        return Request(np.array([place], float), np.array([positive]), np.array([label]))
    return replace(
        request,
        points=np.vstack([request.points, place]),
        positive=np.append(request.positive, positive),
        classes=np.append(request.classes, label),
        heat_label=None,
    )


class NextPlace(QObject):
    """Shows where a click would tell most: a ring in a layer of its own, and the view goes there.

    Parameters
    ----------
    viewer
        Where it is shown.

    Signals
    -------
    told(object)
        The place (plane, row, column), or None where nothing is in doubt.
    """

    told = Signal(object)

    def __init__(self, viewer: ViewerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layer: Points | None = None
        self._prepared: Prepared | None = None
        self._job = Job(self)
        self._job.finished.connect(self._show)

    def find(self, prepared: Prepared, request: Request) -> None:
        """Look for the place, in the planes that are on screen first."""
        self._prepared = prepared
        planes = prepared.visible_planes(self._viewer) or [0]
        self._job.start(lambda: _next_steps(prepared, request, planes))

    def clear(self) -> None:
        """Take the ring away."""
        if self._layer is not None and self._layer in self._viewer.layers:
            self._viewer.layers.remove(self._layer)
        self._layer = None

    def release(self) -> None:
        """Let go of the viewer."""
        self._job.close()
        self.clear()

    def _show(self, place: tuple[int, int, int] | None) -> None:
        self.clear()
        self.told.emit(place)
        prepared = self._prepared
        if place is None or prepared is None:
            return
        number = int(np.searchsorted(prepared.first_planes, place[0], side="right")) - 1
        source = prepared.sources[number]
        image = source.layer
        if image is None:
            return
        data = source.data_of(np.array([[place[0] - prepared.first_planes[number], *place[1:]]]))
        matrix, offset = data_to_world(image)
        world = data @ matrix.T + offset
        extent = np.ptp(np.asarray(image.extent.world), axis=0)[-2:]
        active = self._viewer.layers.selection.active
        self._layer = Points(
            world,
            name=free_name(self._viewer, "where next?"),
            symbol="ring",
            size=float(max(extent)) / 25,
            face_color="yellow",
            border_color="yellow",
            opacity=0.9,
        )
        self._layer.editable = False
        self._layer.metadata["napari_ncut"] = {"role": "hint"}
        self._viewer.add_layer(unwrap(self._layer))
        if active is not None:
            self._viewer.layers.selection.active = active
        first = self._viewer.dims.ndim - world.shape[1]
        for axis, value in enumerate(world[0][:-2]):
            self._viewer.dims.set_point(first + axis, value)
        center = list(self._viewer.camera.center)
        center[-2:] = world[0][-2:]
        self._viewer.camera.center = tuple(center)


def _next_steps(
    prepared: Prepared, request: Request, planes: list[int]
) -> Steps[tuple[int, int, int] | None]:
    yield Progress("looking", 0, 1)
    options = {k: v for k, v in request.options.items() if k in ("mode", "method")}
    return prepared.segmenter.where_next(
        request.points, request.positive, classes=request.classes, planes=planes, **options
    )
