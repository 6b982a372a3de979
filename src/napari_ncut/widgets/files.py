"""napari's own File menu: annotations of other programs in and out of Labels layers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap

from ..io import Annotations, import_annotations
from ..io.class_masks import color_of_mask
from ..io.coco_reading import coco_names, is_coco
from ..io.colors import as_hex
from ..io.exchange import guess_format, write_as
from ..io.imagej_rois import is_rois
from .roles import PAINTED

LayerData = tuple[Any, dict[str, Any], str]

# Whether a file that is called like one of ours is one: others' .json and .zip are left to others.
_CHECKS: dict[str, Callable[[Path], bool]] = {
    ".json": is_coco,
    ".zip": is_rois,
    ".roi": is_rois,
    ".geojson": lambda path: True,
    ".png": lambda path: color_of_mask(path) is not None,
}
_OPACITY = 0.5


def get_reader(path: str | list[str]) -> Callable[[Any], list[LayerData]] | None:
    """What reads a file, for napari; None of files that are not ours."""
    if not isinstance(path, str) or not Path(path).is_file():
        return None
    check = _CHECKS.get(Path(path).suffix.lower())
    return read_annotations if check is not None and check(Path(path)) else None


def read_annotations(path: str) -> list[LayerData]:
    """A Labels layer of classes for every image in a file."""
    file = Path(path)
    if guess_format(file) != "coco":
        return [_layer(import_annotations(file), file.stem)]
    return [
        _layer(import_annotations(file, stem=name), Path(name).stem) for name in coco_names(file)
    ]


def _layer(found: Annotations, name: str) -> LayerData:
    colors: dict[int | None, str] = {None: "transparent", 0: "transparent", **found.colors}
    return (
        found.labels,
        {
            "name": name,
            "opacity": _OPACITY,
            "colormap": DirectLabelColormap(color_dict=colors),
            "metadata": {"napari_ncut": {"role": PAINTED, "classes": found.names}},
        },
        "labels",
    )


def write_geojson(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write a Labels layer as QuPath's GeoJSON."""
    return _write("geojson", path, data, attributes)


def write_coco(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write a Labels layer as COCO's JSON."""
    return _write("coco", path, data, attributes)


def write_rois(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write a Labels layer as a zip of ImageJ's regions."""
    return _write("imagej", path, data, attributes)


def _write(name: str, path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    labels = np.asarray(data[0] if attributes.get("multiscale") else data)
    write_as(Path(path), _annotations(labels, attributes), name)
    return [path]


def _annotations(labels: np.ndarray, attributes: dict[str, Any]) -> Annotations:
    """Classes of a layer that has some; else its labels are things, of the layer's name."""
    names = (attributes.get("metadata") or {}).get("napari_ncut", {}).get("classes")
    table = attributes.get("features")
    if names is None or (table is not None and {"index", "class"} <= set(table)):
        of_class = np.ones(int(labels.max(initial=0)) + 1, np.int64)
        if table is not None and {"index", "class"} <= set(table):
            known = table["index"].to_numpy(int)
            inside = known < len(of_class)
            of_class[known[inside]] = table["class"].to_numpy(int)[inside]
        of_class[0] = 0
        default = {1: str(attributes.get("name", "label"))}
        return Annotations.of(of_class[labels], names or default, None, labels)
    told = getattr(attributes.get("colormap"), "color_dict", {})
    colors = {
        label: as_hex(*np.round(np.asarray(told[label])[:3] * 255).astype(int).tolist())
        for label in names
        if label in told
    }
    return Annotations.of(labels, names, colors)
