"""What the widgets of one viewer share: the images that were prepared, and the classes."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from ..sam import SamModels
from .classes import ClassList
from .layers import Source, data_to_world, unwrap

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Points

    from ..prompts import PromptSegmenter
    from ..spectral import Embedding


@dataclass(eq=False)
class OnImages:
    """What was read of layers, plane after plane, and where that lies in the window.

    Attributes
    ----------
    sources : list of Source
        One for each image, in the order of their planes.
    """

    sources: list[Source]

    def __post_init__(self) -> None:
        counts = [source.n_planes for source in self.sources]
        self.first_planes = np.concatenate([[0], np.cumsum(counts)])

    @property
    def name(self) -> str:
        """What to call it: its images."""
        names = [source.layer.name if source.layer else source.name for source in self.sources]
        return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"

    def planes_of(self, number: int) -> range:
        """The planes of one source."""
        return range(int(self.first_planes[number]), int(self.first_planes[number + 1]))

    def visible_planes(self, viewer: ViewerModel) -> list[int]:
        """The planes that are on screen, of visible images first."""
        shown, hidden = [], []
        for number, source in enumerate(self.sources):
            layer, plane = source.layer, source.visible_plane(viewer)
            if layer is not None and plane is not None:
                (shown if layer.visible else hidden).append(int(self.first_planes[number]) + plane)
        return shown + hidden

    def locate(
        self, points: Points, viewer: ViewerModel, images: NDArray | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Points of a layer as (plane, row, column), and which lie on an image.

        Parameters
        ----------
        points
            Any Points layer; coordinates go through the world. Where it has fewer dimensions than
            the image, the sliders fill in the rest.
        viewer
            Whose sliders.
        images
            Name of the image of each point, which counts where several lie on one another;
            without it, or off that image, a point belongs to the first image that it lies on.
        """
        data = np.asarray(points.data, dtype=float)
        if not len(data):
            return np.zeros((0, 3)), np.zeros(0, dtype=bool)
        matrix, offset = data_to_world(points)
        return self.locate_world(data @ matrix.T + offset, viewer, images)

    def locate_world(
        self, world: NDArray[np.float64], viewer: ViewerModel, images: NDArray | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """World coordinates as `locate` has those of points."""
        result = np.zeros((len(world), 3))
        found = np.zeros(len(world), dtype=bool)
        places = [self._in_source(source, world, viewer) for source in self.sources]
        named = [
            np.zeros(len(world), dtype=bool) if images is None else inside & (images == source.name)
            for source, (_, inside) in zip(self.sources, places, strict=True)
        ]
        for belonging in (named, [inside for _, inside in places]):
            for number, mine in enumerate(belonging):
                new = mine & ~found
                result[new] = places[number][0][new] + [int(self.first_planes[number]), 0, 0]
                found |= new
        return result, found

    def _in_source(
        self, source: Source, world: NDArray[np.float64], viewer: ViewerModel
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """World coordinates as (plane, row, column) of one image, and which lie on it."""
        in_layer = self.in_layer(source, world, viewer)
        if in_layer is None:
            return np.zeros((len(world), 3)), np.zeros(len(world), dtype=bool)
        return source.pixels_of(in_layer)

    def in_layer(
        self, source: Source, world: NDArray[np.float64], viewer: ViewerModel
    ) -> NDArray[np.float64] | None:
        """World coordinates as data coordinates of one image's layer; None if that is gone."""
        layer = source.layer
        if layer is None:
            return None
        missing = layer.ndim - world.shape[1]
        if missing > 0:
            first = viewer.dims.ndim - layer.ndim
            sliders = np.asarray(viewer.dims.point)[first : first + missing]
            world = np.column_stack([np.tile(sliders, (len(world), 1)), world])
        to_world, origin = data_to_world(layer)
        in_layer: NDArray[np.float64] = np.linalg.solve(
            to_world, (world[:, -layer.ndim :] - origin).T
        ).T
        return in_layer


@dataclass(eq=False)
class Prepared(OnImages):
    """What can be prompted, and the layers it was made of.

    Attributes
    ----------
    segmenter : PromptSegmenter
        Of an embedding, or of bare images.
    uncovered : bool
        Whether the colors of its eigenvectors have been taken off the image.
    """

    segmenter: PromptSegmenter
    uncovered: bool = False

    @property
    def is_bare(self) -> bool:
        """Whether there is no embedding, only images: SAM alone can be asked."""
        return not self.segmenter.has_embedding

    @property
    def embedding(self) -> Embedding:
        """What is clicked on; of bare images all that is known without computing anything."""
        return self.segmenter.embedding

    @property
    def name(self) -> str:
        """What to call it: its images."""
        return f"{super().name} (SAM only)" if self.is_bare else super().name


class Session(QObject):
    """What the widgets of one viewer share; made by `session_of`.

    Signals
    -------
    prepared_changed(object)
        An embedding was added or dropped; the one to show now, or None.
    """

    prepared_changed = Signal(object)

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.prepared: list[Prepared] = []
        self.sam_models = SamModels()
        self.classes = ClassList()
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def embedded(self) -> list[Prepared]:
        """Those of what was prepared that have an embedding."""
        return [prepared for prepared in self.prepared if not prepared.is_bare]

    def add(self, prepared: Prepared) -> None:
        """Add an embedding; it replaces one of the same images."""
        layers = {id(source.layer) for source in prepared.sources}
        self.prepared = [
            old for old in self.prepared if {id(source.layer) for source in old.sources} != layers
        ]
        self.prepared.append(prepared)
        self.prepared_changed.emit(prepared)

    def _on_removed(self, event: Any) -> None:
        """Drop embeddings whose images have all been deleted."""
        gone = unwrap(event.value)
        kept = [
            prepared
            for prepared in self.prepared
            if any(source.layer not in (None, gone) for source in prepared.sources)
        ]
        if len(kept) < len(self.prepared):
            self.prepared = kept
            self.prepared_changed.emit(kept[-1] if kept else None)


_SESSIONS: weakref.WeakKeyDictionary[ViewerModel, Session] = weakref.WeakKeyDictionary()


def session_of(viewer: ViewerModel) -> Session:
    """The session of a viewer, made when first asked for."""
    viewer = unwrap(viewer)
    if viewer not in _SESSIONS:
        _SESSIONS[viewer] = Session(viewer)
    return _SESSIONS[viewer]
