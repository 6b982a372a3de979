"""Regions as prompts: the one under the cursor painted into a Labels layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from ..errors import InputError
from .history import Group, History
from .label_edit import LabelEdit, key_in_layer
from .layers import free_name, unwrap
from .outputs import layer_added, output_fits

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from .layers import Source
    from .region_view import RegionView


def paint_region(
    viewer: ViewerModel,
    history: History,
    view: RegionView,
    world: Any,
    target: Labels | None,
    label: int,
) -> tuple[Labels, int] | None:
    """Paint the region at a place in the window, as one step of the history.

    Parameters
    ----------
    viewer, history
        Where.
    view
        Whose regions.
    world
        The place.
    target
        The layer to paint into; None for a new one.
    label
        What to paint; 0 erases.

    Returns
    -------
    (Labels, int) or None
        The layer, and how many pixels changed; None off the image.

    Raises
    ------
    InputError
        If the layer does not lie on the image, or its type does not hold the label.
    """
    where = view.region_at(world)
    if where is None:
        return None
    plane, region = where
    source = view.images.sources[0]
    group = Group("paint region")
    if target is None:
        target = new_labels(viewer, source, "painted regions")
        group.commands.append(layer_added(viewer, target, None))
    elif not output_fits(target, view.reading):
        raise InputError(
            f"“{target.name}” does not lie on “{source.name}” pixel by pixel. Choose another "
            f"Labels layer, or a new one."
        )
    if label > np.iinfo(target.data.dtype).max:
        raise InputError(
            f"“{target.name}” holds no label {label}. Choose a smaller one, or convert the layer "
            f"to a larger type."
        )
    numbers = view.cut(plane).numbers
    mask = (numbers == numbers[region])[view.hierarchy(plane).graph.labels]
    mask = mask if source.names.index("Y") < source.names.index("X") else mask.T
    whole = target.data.shape == source.whole_shape()
    key = key_in_layer(source, plane, source.starts if whole else np.zeros_like(source.starts))
    edit = LabelEdit(target)
    before = np.asarray(target.data[key])
    edit.add(key, before, np.where(mask, label, before))
    command = edit.command()
    if command is not None:
        group.commands.append(command)
        history.follow(target)
        history.perform(group)
    return target, edit.n_changed


def new_labels(viewer: ViewerModel, source: Source, kind: str) -> Labels:
    """An empty layer that covers an image, not yet in the viewer."""
    image = source.layer
    if image is None:
        raise InputError(f"The image “{source.name}” is gone, so nothing can be laid on it.")
    layer = Labels(
        np.zeros(source.whole_shape(), np.int32),
        name=free_name(viewer, f"{image.name} {kind}"),
        opacity=0.6,
        **source.spatial(whole=True),
    )
    layer.metadata["napari_ncut"] = {"role": kind}
    return unwrap(layer)
