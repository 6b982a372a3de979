"""Levels of regions that are kept as layers."""

from __future__ import annotations

from napari.components import ViewerModel
from napari.layers import Labels

from ..errors import InputError
from .layers import free_name, unwrap
from .region_steps import Kept
from .region_view import Chosen, RegionView, show_outlines

# How the value of a granularity is written in the name of a layer.
_TITLES = {
    "n_regions": "regions of {value:g}",
    "level": "regions at level {value:g}",
    "size": "regions of {value:g} px",
}


def kept_layer(viewer: ViewerModel, view: RegionView, chosen: Chosen, kept: Kept) -> Labels:
    """A layer with a level, not yet in the viewer, that knows what it is.

    Raises
    ------
    InputError
        If the image is gone.
    """
    source = view.images.sources[0]
    if source.layer is None or source.layer not in viewer.layers:
        raise InputError(f"The image “{source.name}” was deleted; its regions are not kept.")
    name = free_name(viewer, f"{source.layer.name} {_title(chosen, kept)}")
    layer = Labels(kept.data, name=name, **source.spatial(whole=True))
    show_outlines(layer, view.outlines)
    if kept.features is not None:
        layer.features = kept.features
    layer.metadata["napari_ncut"] = {
        "role": "regions",
        "image": source.name,
        "granularity": {chosen.kind: chosen.value},
        "changed_in_places": bool(chosen.local),
        "painted_labels": bool(view.bound),
    }
    return unwrap(layer)


def _title(chosen: Chosen, kept: Kept) -> str:
    if chosen.kind == "n_regions" and len(set(kept.n_regions)) == 1:
        return "1 region" if kept.n_regions[0] == 1 else f"{kept.n_regions[0]} regions"
    return _TITLES[chosen.kind].format(value=chosen.value)
