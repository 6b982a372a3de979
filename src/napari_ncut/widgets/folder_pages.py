"""Images that are in the window already, as a list: planes of a stack, or layers."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from numpy.typing import NDArray

from ..errors import InputError
from ..folders.thumbnails import small_picture
from .choices import own_layers
from .folder_classes import paint_classes
from .layers import Source, data_to_world, describe_source, free_name, unwrap
from .roles import PAINTED, labels_on, note, notes_of

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from .classes import ClassList
    from .history import History


class LayerPages:
    """The planes of the selected stack, or else all images of a viewer, one after another.

    Nothing is moved: of a stack the sliders go on, of several layers one is visible at a time.
    Marks of what is done are notes in the layers.

    Parameters
    ----------
    viewer
        Whose layers.

    Raises
    ------
    InputError
        If there are no images.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = unwrap(viewer)
        images = [one for one in own_layers(self._viewer, Image) if isinstance(one, Image)]
        if not images:
            raise InputError("There is no Image layer. Open images first, or open a folder.")
        chosen = self._viewer.layers.selection.active
        first = unwrap(chosen) if isinstance(chosen, Image) else images[-1]
        source = describe_source(first, level=None)
        if source.n_planes > 1:
            self._pages = [(source, plane) for plane in range(source.n_planes)]
        else:
            sources = [describe_source(one) for one in images]
            self._pages = [(one, 0) for one in sources if one.n_planes == 1]
        self.unreadable: dict[int, str] = {}
        # Images of one size lie on one another, and so does what is painted on them.
        self._painted: weakref.WeakKeyDictionary[Image, weakref.ref[Labels]] = (
            weakref.WeakKeyDictionary()
        )
        for image in {source.layer for source, _ in self._pages if source.layer is not None}:
            self._remember(image)

    def __len__(self) -> int:
        return len(self._pages)

    def title(self, i: int) -> str:
        """What a page is called."""
        source, plane = self._pages[i]
        if source.n_planes == 1:
            return source.name
        place = np.unravel_index(plane, source.stack_shape)
        names = [name for name in source.names if name not in "CYX"]
        at = ", ".join(f"{name} {int(n)}" for name, n in zip(names, place, strict=True))
        return f"{source.name}: {at}"

    def state(self, i: int) -> str:
        """Whether a page is done, or cannot be shown any more."""
        if self.image(i) is None:
            self.unreadable[i] = "The layer was deleted."
            return "unreadable"
        return "done" if self.is_done(i) else ""

    def is_done(self, i: int) -> bool:
        """Whether a page is marked as done."""
        image = self.image(i)
        return image is not None and self._pages[i][1] in notes_of(image).get("done", [])

    @property
    def n_done(self) -> int:
        """How many are done."""
        return sum(self.is_done(i) for i in range(len(self)))

    def mark(self, i: int, *, done: bool) -> None:
        """Mark a page as done, or as not done."""
        image, plane = self.image(i), self._pages[i][1]
        if image is not None:
            marks = set(notes_of(image).get("done", [])) - {plane}
            note(image, done=sorted(marks | ({plane} if done else set())))

    def image(self, i: int) -> Image | None:
        """The layer of a page, None once it is deleted."""
        layer = self._pages[i][0].layer
        return layer if layer is not None and layer in self._viewer.layers else None

    def painted(self, i: int) -> Labels | None:
        """What classes are painted on over a page."""
        image = self.image(i)
        painted = None if image is None or image not in self._painted else self._painted[image]()
        return painted if painted is not None and painted in self._viewer.layers else None

    def _remember(self, image: Image) -> None:
        """Find what is painted on an image: where several are, that which is called after it."""
        found = labels_on(self._viewer, image, PAINTED)
        taken = [reference() for reference in self._painted.values()]
        own = [one for one in found if one.name == f"{image.name} painted"]
        alone = [one for one in found if one not in taken and not one.name.endswith(" painted")]
        for one in [*own, *alone][:1]:
            self._painted[image] = weakref.ref(one)

    def show(self, i: int, classes: ClassList, history: History) -> None:
        """Show a page, with a layer to paint on."""
        source, plane = self._pages[i]
        image = self.image(i)
        if image is None:
            return
        painted = self.painted(i)
        if painted is None:
            data = np.zeros(source.whole_shape(), np.int32)
            name = free_name(self._viewer, f"{image.name} painted")
            painted = Labels(data, name=name, opacity=0.5, **source.spatial(whole=True))
            note(painted, role=PAINTED)
            paint_classes(painted, classes)
            self._viewer.layers.append(painted)
            self._painted[image] = weakref.ref(painted)
        # Widgets that paint take the topmost.
        layers = self._viewer.layers
        layers.move(layers.index(painted), len(layers))
        if source.n_planes > 1:
            self._slide(source, plane)
        else:
            self._show_only(image, painted)
        history.follow(painted)
        self._viewer.layers.selection.active = painted

    def thumbnails(
        self, order: Iterable[int], *, size: int
    ) -> Iterator[tuple[int, NDArray[np.uint8] | None]]:
        """Small pictures of pages, in the order given."""
        for i in order:
            source, plane = self._pages[i]
            yield i, None if source.layer is None else _small(source, plane, size)

    def _slide(self, source: Source, plane: int) -> None:
        layer = source.layer
        assert layer is not None  # it was just looked for
        (data,) = source.data_of(np.array([[plane, 0.0, 0.0]]))
        matrix, offset = data_to_world(layer)
        world = matrix @ data + offset
        first = self._viewer.dims.ndim - layer.ndim
        for dim, name in enumerate(source.names):
            if name not in "CYX":
                self._viewer.dims.set_point(first + dim, float(world[dim]))

    def _show_only(self, image: Image, painted: Labels) -> None:
        """Let one image and what is painted on it be visible, and no other page."""
        for i in range(len(self)):
            page, own = self.image(i), self.painted(i)
            if page is not None:
                page.visible = page is image
            if own is not None:
                own.visible = own is painted


def _small(source: Source, plane: int, size: int) -> NDArray[np.uint8]:
    data: Any = source.array()
    place = iter(np.unravel_index(plane, source.stack_shape) if source.stack_shape else ())
    rows, columns = (source.sizes[source.names.index(name)] for name in "YX")
    step = max(1, int(min(rows, columns)) // size)
    key = tuple(
        slice(None, None, step) if n in "YX" else slice(None) if n in "CS" else int(next(place))
        for n in source.axes.names
    )
    left = [name for name in source.axes.names if name in "CSYX"]
    order = [left.index("Y"), left.index("X"), *(i for i, n in enumerate(left) if n in "CS")]
    return small_picture(np.asarray(data[key]).transpose(order), size)
