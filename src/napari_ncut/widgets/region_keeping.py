"""Levels of regions, and superpixels, that become layers of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from ..errors import InputError
from .history import history_of
from .layers import free_name, unwrap
from .outputs import layer_added
from .region_steps import Kept, keep_steps
from .region_view import Chosen, RegionView, show_outlines
from .superpixel_controls import superpixel_steps
from .workers import Job, tell

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from .layers import Source
    from .reading import Reading

# How the value of a granularity is written in the name of a layer.
_TITLES = {
    "n_regions": "regions of {value:g}",
    "level": "regions at level {value:g}",
    "size": "regions of {value:g} px",
}


class ResultLayers(QObject):
    """Makes Labels layers in a thread; each is one step of the history.

    Parameters
    ----------
    viewer
        Where they are added.
    parent
        The widget.

    Signals
    -------
    added(object)
        A layer.
    """

    added = Signal(object)

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._history = history_of(viewer)
        self._make: Callable[[Kept], Labels] | None = None
        self._above: Layer | None = None
        self.job = Job(self)
        self.job.finished.connect(self._on_kept)

    @property
    def busy(self) -> bool:
        """Whether one is being made."""
        return self.job.busy

    def keep(self, view: RegionView) -> None:
        """The level that a view shows."""
        source, chosen = view.images.sources[0], view.chosen
        cuts = [(view.hierarchy(plane), view.cut(plane)) for plane in range(source.n_planes)]
        self._make = lambda kept: kept_layer(self._viewer, view, chosen, kept)
        self._above = view.layer
        self.job.start(lambda: keep_steps(cuts, source))

    def make_superpixels(self, reading: Reading, options: dict[str, Any], title: str) -> None:
        """Superpixels of an image; `options` as `segment_superpixels` takes them."""
        source, notes = reading.sources[0], {"role": "superpixels", **options}

        def make(kept: Kept) -> Labels:
            name = f"{title} {max(kept.n_regions)}"
            layer = labels_layer(self._viewer, source, kept, name, notes)
            show_outlines(layer, True)
            return layer

        self._make, self._above = make, None
        self.job.start(lambda: superpixel_steps(reading, options))

    def _on_kept(self, kept: Kept) -> None:
        assert self._make is not None
        try:
            layer = self._make(kept)
        except InputError as error:
            tell(error)
            return
        self._history.follow(layer)
        self._history.perform(layer_added(self._viewer, layer, self._above))
        self.added.emit(layer)


def kept_layer(viewer: ViewerModel, view: RegionView, chosen: Chosen, kept: Kept) -> Labels:
    """A layer with a level, not yet in the viewer, that knows what it is."""
    notes = {
        "role": "regions",
        "granularity": {chosen.kind: chosen.value},
        "changed_in_places": bool(chosen.local),
        "painted_labels": bool(view.bound),
    }
    layer = labels_layer(viewer, view.images.sources[0], kept, _title(chosen, kept), notes)
    show_outlines(layer, view.outlines)
    return layer


def labels_layer(
    viewer: ViewerModel, source: Source, kept: Kept, title: str, notes: dict[str, Any]
) -> Labels:
    """A layer that covers an image, not yet in the viewer, with notes in its metadata.

    Raises
    ------
    InputError
        If the image is gone.
    """
    image = source.layer
    if image is None or image not in viewer.layers:
        raise InputError(f"The image “{source.name}” was deleted; what was made of it is not kept.")
    name = free_name(viewer, f"{image.name} {title}")
    layer = Labels(kept.data, name=name, opacity=0.5, **source.spatial(whole=True))
    if kept.features is not None:
        layer.features = kept.features
    layer.metadata["napari_ncut"] = {"image": source.name, **notes}
    return unwrap(layer)


def _title(chosen: Chosen, kept: Kept) -> str:
    if chosen.kind == "n_regions" and len(set(kept.n_regions)) == 1:
        return "1 region" if kept.n_regions[0] == 1 else f"{kept.n_regions[0]} regions"
    return _TITLES[chosen.kind].format(value=chosen.value)
