"""Annotations as GeoJSON, as QuPath reads and writes it: polygons with holes, classes, colors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .annotations import Annotations, as_planes, numbered_classes, paint_objects
from .atomic import replace_when_written
from .coco_reading import read_json
from .colors import as_hex, as_rgb, default_color
from .outlines import Outline, fill_outlines, trace_outlines

# Of annotations without a classification.
_UNCLASSIFIED = "unclassified"


def geojson_document(annotations: Annotations) -> dict[str, Any]:
    """A feature for every thing: a polygon along the edges of its pixels, with its holes.

    Coordinates are (x, y) in pixels from the corner of the first one, as QuPath has them; planes of
    a stack are its z-slices. The number of a class is kept in "metadata".
    """
    n_planes, *_ = as_planes(annotations.labels.shape, "GeoJSON")
    features = []
    for plane, (objects, classes) in enumerate(annotations.objects()):
        for number, outlines in outlines_of_objects(objects):
            label = int(classes[number])
            polygons = [[_closed(ring) for ring in (o.outer, *o.holes)] for o in outlines]
            geometry: dict[str, Any] = (
                {"type": "Polygon", "coordinates": polygons[0]}
                if len(polygons) == 1
                else {"type": "MultiPolygon", "coordinates": polygons}
            )
            if n_planes > 1:
                geometry["plane"] = {"c": -1, "z": plane, "t": 0}
            features.append(
                {
                    "type": "Feature",
                    "geometry": geometry,
                    "properties": {
                        "objectType": "annotation",
                        "classification": {
                            "name": annotations.names[label],
                            "color": list(as_rgb(annotations.colors[label])),
                        },
                        "metadata": {"label": str(label)},
                    },
                }
            )
    return {"type": "FeatureCollection", "features": features}


def write_geojson(path: str | Path, annotations: Annotations) -> None:
    """Write annotations, whole or not at all; see `geojson_document`."""
    document = geojson_document(annotations)
    with replace_when_written(Path(path)) as partial:
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        partial.write_text(text + "\n", encoding="utf-8")


def outlines_of_objects(objects: NDArray) -> list[tuple[int, list[Outline]]]:
    """The outlines of all pieces of every thing, by its number."""
    from skimage.measure import label

    pieces = label(objects, connectivity=1, background=0)
    of_piece = np.zeros(int(pieces.max()) + 1, np.int64)
    of_piece[pieces] = objects
    found: dict[int, list[Outline]] = {}
    for outline in trace_outlines(pieces):
        found.setdefault(int(of_piece[outline.number]), []).append(outline)
    return sorted(found.items())


def read_geojson(path: str | Path, shape: Sequence[int] | None = None) -> Annotations:
    """Read polygons and multipolygons as pixels whose middle lies within them.

    Parameters
    ----------
    path
        A collection of features, a list of them, or one.
    shape
        (h, w) or (n, h, w) of the image; default: as far as polygons go.
    """
    path = Path(path)
    features = _features(read_json(path), path)
    rings: list[NDArray] = []
    of_ring: list[int] = []
    objects: list[int] = []
    planes: list[int] = []
    found: list[tuple[str, int, str]] = []
    for number, feature in enumerate(features):
        try:
            polygons, plane = _polygons(feature)
            for polygon in polygons:
                rings += [np.asarray(ring, float)[:, :2] for ring in polygon]
                of_ring += [len(objects)] * len(polygon)
                objects.append(len(planes))
            found.append(_class_of(feature))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: feature {number} cannot be read ({error}).") from error
        planes.append(plane)
    drawn = np.asarray(planes, np.int64)[np.asarray(objects, np.int64)]
    return paint_rings(path, rings, of_ring, objects, drawn, found, shape)


def paint_rings(
    path: Path,
    rings: list[NDArray],
    of_ring: list[int],
    objects: list[int],
    planes: NDArray[np.int64],
    found: list[tuple[str, int, str]],
    shape: Sequence[int] | None,
) -> Annotations:
    """Annotations from polygons.

    Parameters
    ----------
    path
        For messages.
    rings, of_ring
        Corners, and the polygon of each ring.
    objects, planes
        Of every polygon: the thing it is part of, and its plane; −1 stands for all planes.
    found
        Of every thing the name of its class, its number (0 if it is not told) and color ("").
    shape
        As `read_geojson` takes it.
    """
    if shape is None:
        far = np.concatenate([np.zeros((1, 2)), *rings]).max(axis=0)
        size = max(1, int(np.ceil(far[1]))), max(1, int(np.ceil(far[0])))
        deepest = int(planes.max(initial=0))
        shape = (deepest + 1, *size) if deepest else size
    n_planes, *size_of_plane = as_planes(shape, "A file of outlines")
    height, width = size_of_plane
    if planes.max(initial=0) >= n_planes:
        raise InputError(
            f"{path}: something lies in plane {int(planes.max()) + 1}, but the image has "
            f"{n_planes}. Choose the file of this image."
        )
    pixels, polygons = fill_outlines(rings, np.asarray(of_ring, np.int64), (height, width))
    everywhere = planes[polygons] < 0
    if everywhere.any():
        own, copies = pixels[everywhere], np.arange(n_planes)
        shift = np.repeat(copies * height * width, len(own))
        pixels = np.concatenate(
            [
                pixels[~everywhere] + planes[polygons[~everywhere]] * height * width,
                np.tile(own, n_planes) + shift,
            ]
        )
        polygons = np.concatenate([polygons[~everywhere], np.tile(polygons[everywhere], n_planes)])
    else:
        pixels = pixels + planes[polygons] * height * width
    numbers, colors = _numbers(found)
    labels, things = paint_objects(
        pixels,
        np.asarray(objects, np.int64)[polygons],
        [numbers[name] for name, *_ in found],
        tuple(shape),
    )
    names = {label: name for name, label in numbers.items()}
    return Annotations(labels, names, {n: colors.get(n, default_color(n)) for n in names}, things)


def _numbers(found: list[tuple[str, int, str]]) -> tuple[dict[str, int], dict[int, str]]:
    """Number of every class name, and the colors that are told."""
    told: dict[int, str] = {}
    for name, label, _ in found:
        if label > 0 and name not in told.values():
            told.setdefault(label, name)
    numbers = numbered_classes((name for name, *_ in found), told)
    return numbers, {numbers[name]: color for name, _, color in found if color}


def _features(document: Any, path: Path) -> list[Any]:
    if isinstance(document, dict):
        document = document.get("features", [document])
    whole = isinstance(document, list) and all(
        isinstance(one, dict) and "geometry" in one for one in document
    )
    if not whole:
        raise InputError(
            f"{path} is no GeoJSON of features. Export annotations from QuPath as a "
            f"FeatureCollection."
        )
    return list(document)


def _polygons(feature: dict[str, Any]) -> tuple[list[Any], int]:
    """Polygons of a feature, each a list of rings, and its plane; none of points and lines."""
    geometry = feature["geometry"] or {}
    of_type = {"Polygon": lambda c: [c], "MultiPolygon": list}.get(str(geometry.get("type")))
    plane = geometry.get("plane") or {}
    deep = int(plane.get("z", 0)) or int(plane.get("t", 0))
    return ([] if of_type is None else of_type(geometry["coordinates"])), deep


def _class_of(feature: dict[str, Any]) -> tuple[str, int, str]:
    properties = feature.get("properties") or {}
    classification = properties.get("classification") or {}
    name = str(classification.get("name") or _UNCLASSIFIED)
    color = classification.get("color")
    packed = classification.get("colorRGB")
    text = ""
    if color is not None:
        text = as_hex(*(int(part) & 255 for part in color[:3]))
    elif packed is not None:
        text = as_hex(int(packed) >> 16 & 255, int(packed) >> 8 & 255, int(packed) & 255)
    label = (properties.get("metadata") or {}).get("label", "")
    return name, int(label) if str(label).isdigit() else 0, text


def _closed(ring: NDArray) -> list[list[int]]:
    points: list[list[int]] = ring.tolist()
    return [*points, points[0]]
