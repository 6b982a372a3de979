"""The Labels layers that accepted masks go to, and what they tell about themselves."""

from __future__ import annotations

import weakref
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap

from .classes import ClassList
from .history import Change, Command
from .layers import data_to_world, free_name, unwrap
from .live import Accepted, Request
from .preview import add_below

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from .reading import Reading
    from .session import Prepared


def output_fits(layer: Labels, prepared: Prepared | Reading, number: int | None = None) -> bool:
    """Whether a Labels layer lies pixel on pixel on an image (any, or that of one source)."""
    for i, source in enumerate(prepared.sources):
        if number not in (None, i) or source.layer is None or layer.ndim != source.layer.ndim:
            continue
        for whole, shape in ((True, source.whole_shape()), (False, source.shape)):
            if tuple(layer.data.shape) == shape and _same_place(layer, source.spatial(whole=whole)):
                return True
    return False


def _same_place(layer: Layer, spatial: dict[str, Any]) -> bool:
    probe = Labels(np.zeros((1,) * layer.ndim, dtype=np.uint8), **spatial)
    return all(
        np.allclose(mine, its, atol=1e-6)
        for mine, its in zip(data_to_world(layer), data_to_world(probe), strict=True)
    )


def make_output(
    viewer: ViewerModel,
    prepared: Prepared,
    number: int,
    classes: ClassList,
    instances: bool,
    above: Layer | None,
    labels: list[int],
) -> Labels:
    """Add an empty output layer for these classes, or for instances, that covers the whole image.

    Of a pyramid it covers the level that was read.
    """
    source = prepared.sources[number]
    kind = "instances" if instances else "classes"
    small = not instances and max(labels, default=1) <= np.iinfo(np.uint8).max
    dtype = np.uint8 if small else np.int32
    # Zeros cost no memory until they are written on, so a large image is no hindrance.
    data = np.zeros(source.whole_shape(), dtype=dtype)
    name = free_name(viewer, f"{source.layer.name} {kind}")
    layer = Labels(data, name=name, opacity=0.6, **source.spatial(whole=True))
    if not instances:
        layer.colormap = DirectLabelColormap(color_dict=classes.color_dict())
        classes.changed.connect(partial(_recolor, weakref.ref(layer), classes))
    layer.metadata["napari_ncut"] = {"role": kind}
    add_below(viewer, layer, above)
    return unwrap(layer)


def layer_added(viewer: ViewerModel, layer: Layer, above: Layer | None) -> Change:
    """The command that adds a layer, below `above` or on top of all; undone, it is taken away."""
    layer, references = unwrap(layer), (weakref.ref(viewer), weakref.ref(above) if above else None)

    def show(shown: bool) -> None:
        there = references[0]()
        if there is None or (layer in there.layers) == shown:
            return
        if shown:
            add_below(there, layer, references[1]() if references[1] else None)
        else:
            there.layers.remove(layer)

    return Change("new layer", show, False, True)


def layer_taken(viewer: ViewerModel, layer: Layer) -> Change:
    """The command that takes a layer away; undone, it is where it was."""
    place = viewer.layers.index(unwrap(layer))
    above = viewer.layers[place + 1] if place + 1 < len(viewer.layers) else None
    added = layer_added(viewer, layer, above)
    return Change("layer taken away", added.apply, True, False)


def _recolor(reference: weakref.ref[Labels], classes: ClassList) -> None:
    if (layer := reference()) is not None:
        layer.colormap = DirectLabelColormap(color_dict=classes.color_dict())


def finish_output(
    layer: Labels,
    prepared: Prepared,
    number: int,
    request: Request,
    accepted: Accepted,
    classes: ClassList,
) -> list[Command]:
    """Commands that note in the layer what its labels mean and how they were made."""
    ours = dict(layer.metadata.get("napari_ncut", {}))
    noted = {
        **ours,
        "classes": classes.names,
        "accepted": [*ours.get("accepted", []), provenance(prepared, request)],
    }
    commands: list[Command] = [Change("note", partial(_note, weakref.ref(layer)), ours, noted)]
    if accepted.instance_classes is not None:
        before = layer.features.copy()
        commands.append(
            Change(
                "table",
                partial(_set_features, weakref.ref(layer)),
                before,
                _with_instances(before, accepted, classes),
            )
        )
    return commands


def provenance(prepared: Prepared, request: Request) -> dict[str, Any]:
    """What a result was made with, as plain data."""
    return {
        "recipe": dict(prepared.embedding.recipe),
        "images": [source.name for source in prepared.sources],
        "points": request.points.tolist(),
        "positive": request.positive.tolist(),
        "classes": request.classes.tolist(),
        "options": {k: _plain(v) for k, v in request.options.items()},
    }


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, PurePath) else value


def _with_instances(before: Any, accepted: Accepted, classes: ClassList) -> Any:
    """The features table with one row more for every new instance."""
    import pandas as pd

    of_class = accepted.instance_classes[1:]
    names = classes.names
    columns = {
        "index": np.arange(len(of_class)) + accepted.first_instance,
        "class": of_class,
        "class_name": [names.get(int(label), "") for label in of_class],
    }
    if accepted.scores is not None:
        columns["score"] = accepted.scores
    new = pd.DataFrame(columns)
    if not len(before) or "index" not in before:
        return new
    return pd.concat([before, new], ignore_index=True)


def _note(reference: weakref.ref[Labels], noted: dict[str, Any]) -> None:
    if (layer := reference()) is not None:
        layer.metadata["napari_ncut"] = noted


def _set_features(reference: weakref.ref[Labels], features: Any) -> None:
    if (layer := reference()) is not None:
        layer.features = features
