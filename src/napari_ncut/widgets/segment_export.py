"""Segments and classes as files: label TIFFs, COCO's JSON and a table, all of them or none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..io import mask_table, write_coco, write_labels, write_table, write_together
from ..progress import Progress, Steps
from .segment_layers import SegmentLayers, block_of, instance_block
from .segments import Segments

if TYPE_CHECKING:
    from ..sam.mask_set import MaskSet

# What files of all of several images are called.
_ALL = "all"


def export_paths(segments: Segments, folder: Path) -> dict[str, Path]:
    """Which files are written.

    "instances 0", "classes 0" (once there are any) and so on for every image, "table",
    "document".
    """
    stems = _stems([image.source.name for image in segments.images])
    paths = {}
    for number, stem in enumerate(stems):
        paths[f"instances {number}"] = folder / f"{stem}_instances.tif"
        if segments.state is not None:
            paths[f"classes {number}"] = folder / f"{stem}_classes.tif"
    shared = stems[0] if len(stems) == 1 else _ALL
    return paths | {
        "table": folder / f"{shared}_masks.csv",
        "document": folder / f"{shared}_masks.json",
    }


def export_steps(segments: Segments, folder: Path) -> Callable[[], Steps[list[Path]]]:
    """What writes the segments as they are now: its steps may run in a thread.

    Label maps are those of the layers, with what was painted on them; of a layer that was deleted,
    and in the table and COCO's JSON, they are the masks and classes that were found and edited.
    """
    paths = export_paths(segments, folder)
    state, masks = segments.state, segments.masks
    layers: dict[str, NDArray] = {}
    for image in segments.images:
        for kind, layer in (("instances", image.instances), ("classes", image.classes)):
            if layer is not None and layer.data.shape == image.source.shape:
                # A copy: the user goes on painting while it is written.
                layers[f"{kind} {image.number}"] = np.array(layer.data)

    def steps() -> Steps[list[Path]]:
        writers: dict[Path, Callable[[Path], Any]] = {}
        for image in segments.images:
            yield Progress("writing", image.number, len(segments.images))
            own = masks[image.planes.start : image.planes.stop]
            for kind in ("instances", "classes"):
                name = f"{kind} {image.number}"
                if name not in paths:
                    continue
                block = layers.get(name)
                if block is None and kind == "instances":
                    block = instance_block(image.source, own, image.first_mask)
                elif block is None and state is not None:
                    block = block_of(image.source, state.planes(image.planes))
                assert block is not None  # classes are named where there is a state
                writers[paths[name]] = _label_writer(image, block)
        named = _named(segments, masks if state is None else state.found.mask_sets())
        if state is None:
            columns, rows = mask_table(named)
        else:
            table = state.found.features()
            names = [image.source.name for image in segments.images]
            table["image"] = np.array([names[i] for i in table["image"]], dtype=object)
            if len(names) == 1:
                del table["image"]
            columns = list(table)
            rows = [list(row) for row in zip(*(v.tolist() for v in table.values()), strict=True)]
        writers[paths["table"]] = partial(write_table, columns=columns, rows=rows)
        categories = None if state is None else state.found.names
        writers[paths["document"]] = partial(write_coco, named_sets=named, categories=categories)
        return write_together(writers)

    return steps


def _label_writer(image: SegmentLayers, block: NDArray) -> Callable[[Path], Any]:
    source = image.source
    maps = [source.plane_in(block, i) for i in range(source.n_planes)]
    shaped = np.stack(maps).reshape(*source.stack_shape, *maps[0].shape)
    stack = "".join(name for name in source.names if name not in "CYX")
    return partial(write_labels, labels=shaped, axes=f"{stack}YX")


def _named(segments: Segments, masks: tuple[MaskSet, ...]) -> dict[str, MaskSet]:
    """What every plane is called: the image, and where it has several, their number from 0."""
    names = _different([image.source.name for image in segments.images])
    return {
        name if len(image.planes) == 1 else f"{name}[{i}]": masks[plane]
        for image, name in zip(segments.images, names, strict=True)
        for i, plane in enumerate(image.planes)
    }


def _stems(names: list[str]) -> list[str]:
    """Names for files, all different, also where case does not count."""
    plain = [re.sub(r"[^\w.-]+", "_", name).strip("._") or "image" for name in names]
    return list(_different(plain))


def _different(names: list[str]) -> Iterator[str]:
    taken: set[str] = set()
    for wanted in names:
        name, number = wanted, 2
        while name.casefold() in taken:
            name, number = f"{wanted}-{number}", number + 1
        taken.add(name.casefold())
        yield name
