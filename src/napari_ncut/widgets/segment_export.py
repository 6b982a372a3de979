"""Segments and classes as files: label TIFFs, COCO's JSON and a table, all of them or none."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..io import mask_table, write_coco, write_labels, write_table, write_together
from ..progress import Progress, Steps
from ..sam.mask_set import MaskSet
from .segments import Segments


def export_paths(segments: Segments, folder: Path) -> dict[str, Path]:
    """Which files are written: "instances", "classes" (once there are any), "table", "document"."""
    stem = re.sub(r"[^\w.-]+", "_", segments.source.name).strip("._") or "image"
    paths = {"instances": folder / f"{stem}_instances.tif"}
    if segments.state is not None:
        paths["classes"] = folder / f"{stem}_classes.tif"
    return paths | {
        "table": folder / f"{stem}_masks.csv",
        "document": folder / f"{stem}_masks.json",
    }


def export_steps(segments: Segments, folder: Path) -> Callable[[], Steps[list[Path]]]:
    """What writes the segments as they are now: its steps may run in a thread.

    Label maps are those of the layers, with what was painted on them; of a layer that was deleted,
    and in the table and COCO's JSON, they are the masks and classes that were found and edited.
    """
    paths = export_paths(segments, folder)
    state, source, masks = segments.state, segments.source, segments.masks
    layers: dict[str, NDArray] = {}
    for kind, layer in (
        ("instances", segments.instances_layer),
        ("classes", segments.classes_layer),
    ):
        if layer is not None and layer.data.shape == source.shape:
            # A copy: the user goes on painting while it is written.
            layers[kind] = np.array(layer.data)

    def steps() -> Steps[list[Path]]:
        yield Progress("writing", 0, 1)
        first = np.cumsum([0, *(len(one) for one in masks)])
        planes = {
            "instances": lambda: [
                one.labels(np.arange(n + 1, n + len(one) + 1))
                for one, n in zip(masks, first.tolist(), strict=False)
            ],
            "classes": lambda: [] if state is None else state.planes(),
        }
        writers: dict[Path, Callable[[Path], Any]] = {}
        stack = "".join(name for name in source.names if name not in "CYX")
        for kind in ("instances", "classes"):
            if kind in paths:
                maps = (
                    [source.plane_in(layers[kind], i) for i in range(source.n_planes)]
                    if kind in layers
                    else planes[kind]()
                )
                shaped = np.stack(maps).reshape(*source.stack_shape, *maps[0].shape)
                writers[paths[kind]] = partial(write_labels, labels=shaped, axes=f"{stack}YX")
        named = _named(source.name, masks if state is None else state.found.mask_sets())
        if state is None:
            columns, rows = mask_table(named)
        else:
            table = state.found.features()
            del table["image"]
            columns = list(table)
            rows = [list(row) for row in zip(*(v.tolist() for v in table.values()), strict=True)]
        writers[paths["table"]] = partial(write_table, columns=columns, rows=rows)
        names = None if state is None else state.found.names
        writers[paths["document"]] = partial(write_coco, named_sets=named, categories=names)
        return write_together(writers)

    return steps


def _named(name: str, masks: tuple[MaskSet, ...]) -> dict[str, MaskSet]:
    """What every plane is called: the image, and where it has several, their number from 0."""
    return {name if len(masks) == 1 else f"{name}[{i}]": one for i, one in enumerate(masks)}
