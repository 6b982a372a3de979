"""What the next click would give, shown while the cursor moves; and where to click next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Points
from qtpy.QtCore import QObject, QTimer, Signal

from ..progress import Progress, Steps
from .layers import free_name, lay_on, unwrap
from .live import PlaneResult, Request
from .preview import Preview, add_below
from .workers import Job

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image
    from numpy.typing import NDArray

    from .classes import ClassList
    from .layers import Source
    from .session import Prepared

# Milliseconds that the cursor must rest: less, and every place on its way would be asked about.
_REST = 60
_CONTOUR = 2
# Which options say what is asked; others say how much of the answer is shown.
_ASKED = ("mode", "method", "model", "checkpoint", "answer", "each_point")


@dataclass(frozen=True, eq=False)
class Question:
    """What a click would ask, and of which plane."""

    prepared: Prepared
    request: Request
    plane: int


class Hover(QObject):
    """Shows the mask that a click under the cursor would give, in a layer of its own.

    Parameters
    ----------
    viewer, classes
        Where it is shown, and in which colors.
    ask
        What a click at a position in the world would ask; None where it would ask nothing.
    waits
        Whether something more urgent is being computed.

    Signals
    -------
    failed(str)
        Why nothing can be shown; the user has been told.
    """

    failed = Signal(str)

    def __init__(
        self,
        viewer: ViewerModel,
        classes: ClassList,
        ask: Callable[[NDArray[np.float64]], Question | None],
        waits: Callable[[], bool],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._classes, self._ask, self._waits = viewer, classes, ask, waits
        self._preview: Preview | None = None
        self._prepared: Prepared | None = None
        self._position: tuple[float, ...] | None = None
        self._on = self._released = self._showing = False
        self._job = Job(self)
        self._job.stepped.connect(self._show)
        self._job.failed.connect(self.failed)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST)
        self._timer.timeout.connect(self._look)

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._timer.isActive() or self._job.busy

    def switch(self, on: bool) -> None:
        """Begin or end to follow the cursor."""
        if on == self._on or (on and self._released):
            return
        self._on = on
        viewer = self._viewer
        followed = (
            (viewer.events.mouse_over_canvas, self._on_canvas),
            (viewer.layers.selection.events.active, self.renew),
            (viewer.dims.events.current_step, self.renew),
            (viewer.dims.events.ndisplay, self.renew),
        )
        if on:
            viewer.mouse_move_callbacks.append(self._moved)
            for emitter, function in followed:
                emitter.connect(function)
            return
        if self._moved in viewer.mouse_move_callbacks:
            viewer.mouse_move_callbacks.remove(self._moved)
        for emitter, function in followed:
            emitter.disconnect(function)
        self.forget()

    def clear(self) -> None:
        """Show nothing until the cursor moves again."""
        if self._on:
            self._position = None
            self._empty()

    def forget(self) -> None:
        """Take the layer away, too: other images are clicked on, or nothing is to be shown."""
        self._position = None
        self._empty()
        preview, self._preview, self._prepared = self._preview, None, None
        if preview is not None:
            preview.remove()

    def release(self) -> None:
        """Let go of the viewer, for good."""
        self._released = True
        self.switch(False)
        self._job.close()

    def renew(self, event: Any = None) -> None:
        """Ask again at the same place: a click there would mean something else now."""
        # The selection jumps while our own layer is added.
        if self._on and self._position is not None and not self._showing:
            self._timer.start()

    def _moved(self, viewer: Any, event: Any) -> None:
        self._position = tuple(event.position)
        self._timer.start()

    def _on_canvas(self, event: Any = None) -> None:
        if not self._viewer.mouse_over_canvas:
            self.clear()

    def _empty(self) -> None:
        self._timer.stop()
        self._job.cancel()
        if self._preview is not None:
            self._preview.clear()

    def _look(self) -> None:
        if self._position is None:
            return
        if self._waits():
            self._timer.start()
            return
        dims = self._viewer.dims
        world = np.array(dims.point, dtype=float)
        # Sliders may have moved since the cursor did.
        shown = [dim for dim in dims.displayed if dim < len(self._position)]
        world[shown] = np.asarray(self._position)[shown]
        question = self._ask(world) if dims.ndisplay == 2 else None
        if question is None:
            self._empty()
            return
        if question.prepared is not self._prepared:
            position = self._position
            self.forget()
            self._position = position
            self._prepared = question.prepared
            self._preview = Preview(self._viewer, question.prepared, "hover", lambda layer: None)
        self._job.start(lambda: _hover_steps(question))

    def _show(self, result: PlaneResult) -> None:
        if self._preview is None or result.labels is None:
            return
        if self._preview.done - {result.plane}:
            # Only one plane has the cursor on it.
            self._preview.clear()
        self._showing = True
        self._preview.show(result.plane, result.labels, None, self._classes)
        self._showing = False
        for layer in self._preview.layers:
            if layer.contour != _CONTOUR:
                layer.contour, layer.opacity = _CONTOUR, 0.9


def question_at(
    world: NDArray[np.float64],
    prepared: Prepared,
    viewer: ViewerModel,
    asked: Request,
    *,
    positive: bool,
    label: int,
    image: str | None = None,
) -> Question | None:
    """What one more click at a place in the world would ask.

    Parameters
    ----------
    world
        (ndim,), of the viewer.
    prepared, viewer
        Where is clicked.
    asked
        What was clicked and drawn so far.
    positive, label
        What the click would mean.
    image
        Name of the image that it would be on, where several lie on one another.

    Returns
    -------
    Question or None
        None off all images, and where the answer is nothing without a positive prompt.
    """
    names = None if image is None else np.array([image])
    (place,), (inside,) = prepared.locate_world(world[np.newaxis], viewer, names)
    if not inside:
        return None
    request = replace(
        asked,
        points=np.vstack([asked.points, place]),
        positive=np.append(asked.positive, positive),
        classes=np.append(asked.classes, label),
        heat_label=None,
    )
    return Question(prepared, request, int(place[0])) if request.labels else None


def _hover_steps(question: Question) -> Iterator[PlaneResult]:
    labels = question.request.predict(question.prepared.segmenter, question.plane)
    yield PlaneResult(question.plane, labels=labels)


class NextPlace(QObject):
    """Shows where a click would tell most: a ring in a layer of its own, brought into view.

    Parameters
    ----------
    viewer
        Where it is shown.

    Signals
    -------
    told(object)
        The place (plane, row, column), or None where nothing is in doubt.
    failed(str)
        Why none can be told; the user has been told that.
    """

    told = Signal(object)
    failed = Signal(str)

    def __init__(self, viewer: ViewerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layer: Points | None = None
        self._prepared: Prepared | None = None
        self._job = Job(self)
        self._job.finished.connect(self._show)
        self._job.failed.connect(self.failed)

    @property
    def busy(self) -> bool:
        """Whether the place is still being looked for."""
        return self._job.busy

    @property
    def layer(self) -> Points | None:
        """The ring, None while there is none."""
        shown = self._layer is not None and self._layer in self._viewer.layers
        return self._layer if shown else None

    def find(self, prepared: Prepared, request: Request) -> None:
        """Look for the place, on the planes that are on screen first."""
        self._prepared = prepared
        first = prepared.visible_planes(self._viewer)
        rest = [plane for plane in range(len(prepared.embedding.layout)) if plane not in first]
        self._job.start(lambda: _next_steps(prepared, request, [*first, *rest]))

    def clear(self) -> None:
        """Take the ring away, and look no further."""
        self._job.cancel()
        self._prepared = None
        layer, self._layer = self.layer, None
        if layer is not None:
            self._viewer.layers.remove(layer)

    def release(self) -> None:
        """Let go of the viewer, for good."""
        self.clear()
        self._job.close()

    def _show(self, place: tuple[int, int, int] | None) -> None:
        prepared = self._prepared
        self.clear()
        if place is not None and prepared is not None:
            number = int(np.searchsorted(prepared.first_planes, place[0], side="right")) - 1
            here = (place[0] - int(prepared.first_planes[number]), *place[1:])
            self._show_ring(prepared.sources[number], here)
        self.told.emit(place)

    def _show_ring(self, source: Source, place: tuple[int, int, int]) -> None:
        image, viewer = source.layer, self._viewer
        if image is None:
            return
        (data,) = source.data_of(np.array([place], dtype=float))
        first = viewer.dims.ndim - image.ndim
        channels = [dim for dim, name in enumerate(source.names) if name == "C"]
        data[channels] = np.asarray(image.world_to_data(viewer.dims.point[first:]))[channels]
        rows, columns = source.names.index("Y"), source.names.index("X")
        side = min(
            source.sizes[rows] * source.factors[rows],
            source.sizes[columns] * source.factors[columns],
        )
        layer = Points(
            data[np.newaxis],
            name=free_name(viewer, "where next?"),
            symbol="disc",
            size=float(np.clip(side / 12, 6, 200)),
            face_color="transparent",
            border_color="yellow",
            border_width=0.12,
            **lay_on(image, np.ones(image.ndim), np.zeros(image.ndim)),
        )
        layer.editable = False
        layer.metadata["napari_ncut"] = {"role": "hint"}
        add_below(viewer, layer, None)
        self._layer = unwrap(layer)
        world = np.array(viewer.dims.point, dtype=float)
        world[first:] = image.data_to_world(data)
        for dim in viewer.dims.not_displayed:
            viewer.dims.set_point(dim, world[dim])
        if _is_seen(image, data, (rows, columns)):
            return
        # Where napari keeps the camera depends on its version.
        camera = getattr(viewer, "scene", viewer).camera
        camera.center = (*camera.center[:-2], *world[list(viewer.dims.displayed[-2:])])


def _is_seen(image: Image, data: NDArray[np.float64], dims: tuple[int, int]) -> bool:
    """Whether a place of an image is within the canvas already; of pyramids that is not known."""
    first, last = image.corner_pixels
    return not image.multiscale and all(first[dim] < data[dim] < last[dim] for dim in dims)


def _next_steps(
    prepared: Prepared, request: Request, planes: list[int]
) -> Steps[tuple[int, int, int] | None]:
    """Look plane by plane, until one is in doubt."""
    request = replace(request, options={k: v for k, v in request.options.items() if k in _ASKED})
    for done, plane in enumerate(planes):
        yield Progress("looking", done, len(planes))
        place = request.where_next(prepared.segmenter, plane)
        if place is not None:
            return place
    return None
