"""Annotations as regions of interest of ImageJ: one file, or a zip as its ROI Manager saves."""

from __future__ import annotations

import json
import re
import struct
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .annotations import Annotations, as_planes
from .atomic import replace_when_written
from .colors import as_hex, as_rgb
from .geojson import outlines_of_objects, paint_rings
from .outlines import Outline

if TYPE_CHECKING:
    from roifile import ImagejRoi

# How the class is written among the properties of a region, which ImageJ keeps.
_PROPERTY = "napari-ncut class"
_UNNAMED = "roi"
_MAX_GROUP = 255
_MAX_POINTS = 2**16 - 1
# Moves of a path: to its beginning, on in a line, back to the beginning.
_MOVE, _LINE, _CLOSE = 0, 1, 4


def write_rois(path: str | Path, annotations: Annotations) -> None:
    """Write a region for every thing into a zip, whole or not at all.

    Its group is the number of its class (up to 255), its stroke has the class's color, its position
    is its plane. Things with holes or of several pieces become composite regions.
    """
    n_planes, *_ = as_planes(annotations.labels.shape, "ImageJ's ROIs")
    with (
        replace_when_written(Path(path)) as partial,
        zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        count = 0
        for plane, (objects, classes) in enumerate(annotations.objects()):
            for number, outlines in outlines_of_objects(objects):
                count += 1
                label = int(classes[number])
                roi = _roi(outlines, annotations.names[label], label, count)
                roi.stroke_color = bytes([255, *as_rgb(annotations.colors[label])])
                roi.position = plane + 1 if n_planes > 1 else 0
                # A fixed date: the same annotations make the same file.
                entry = zipfile.ZipInfo(f"{count:05d}.roi")
                archive.writestr(entry, roi.tobytes(), zipfile.ZIP_DEFLATED)


def _roi(outlines: list[Outline], name: str, label: int, count: int) -> ImagejRoi:
    from roifile import ROI_TYPE, ImagejRoi

    first = outlines[0]
    simple = len(outlines) == 1 and not first.holes and len(first.outer) <= _MAX_POINTS
    roi = ImagejRoi.frompoints(first.outer) if simple else ImagejRoi()
    if simple:
        # By default a freehand line, whose points ImageJ takes for middles of pixels.
        roi.roitype = ROI_TYPE.TRACED
    else:
        rings = [ring for outline in outlines for ring in (outline.outer, *outline.holes)]
        points = np.concatenate(rings)
        roi.roitype = ROI_TYPE.RECT
        roi.left, roi.top = (int(n) for n in points.min(axis=0))
        roi.right, roi.bottom = (int(n) for n in points.max(axis=0))
        roi.multi_coordinates = np.concatenate([_path(ring) for ring in rings])
        roi.shape_roi_size = len(roi.multi_coordinates)
    # Letters that take two units of UTF-16 would be counted once.
    plain = "".join(letter if ord(letter) < 2**16 else "?" for letter in name)
    roi.name = f"{plain} {count}"
    roi.group = label if label <= _MAX_GROUP else 0
    roi.props = f"{_PROPERTY}: {json.dumps({'label': label, 'name': name})}\n"
    return roi


def _path(ring: NDArray) -> NDArray[np.float32]:
    moves = np.column_stack([np.full(len(ring), _LINE), ring]).astype(np.float32)
    moves[0, 0] = _MOVE
    return np.append(moves.ravel(), np.float32(_CLOSE))


def read_rois(path: str | Path, shape: Sequence[int] | None = None) -> Annotations:
    """Read regions as pixels whose middle lies within them; points and lines are left out.

    Parameters
    ----------
    path
        ``.roi`` or ``.zip``.
    shape
        (h, w) or (n, h, w) of the image; default: as far as regions go. A region without a
        position lies in all planes.

    Of regions that were not written here the class is the group, or else "roi".
    """
    path = Path(path)
    rings: list[NDArray] = []
    objects: list[int] = []
    planes: list[int] = []
    found: list[tuple[str, int, str]] = []
    n_left_out = 0
    for roi in _all_rois(path):
        own = _rings(roi)
        if not own:
            n_left_out += 1
            continue
        objects += [len(found)] * len(own)
        rings += own
        place = max(roi.position, 0) or max(roi.z_position, 0) or max(roi.t_position, 0)
        planes.append(place - 1 if shape is None or len(shape) > 2 else 0)
        name, label = _class_of(roi)
        color = as_hex(*roi.stroke_color[1:]) if roi.stroke_color[0] else ""
        found.append((name, label, color))
    if n_left_out:
        warnings.warn(
            f"{path}: {n_left_out} region(s) without an area (points, lines) were left out.",
            stacklevel=2,
        )
    # A composite region is one polygon of all its rings, so that holes stay holes.
    drawn = np.asarray(planes, np.int64)
    return paint_rings(path, rings, objects, list(range(len(found))), drawn, found, shape)


def is_rois(path: str | Path) -> bool:
    """Whether a file is a region, or a zip of nothing else."""
    path = Path(path)
    if path.suffix.lower() == ".roi":
        return True
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    return bool(names) and all(name.lower().endswith(".roi") for name in names)


def _all_rois(path: Path) -> list[ImagejRoi]:
    from roifile import ImagejRoi

    try:
        if path.suffix.lower() == ".roi":
            return [ImagejRoi.frombytes(path.read_bytes())]
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith(".roi")]
            return [ImagejRoi.frombytes(archive.read(name)) for name in names]
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}). Check the path.") from error
    except (ValueError, IndexError, struct.error, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} holds no regions of ImageJ ({error}). Save them from its ROI Manager."
        ) from error


def _rings(roi: ImagejRoi) -> list[NDArray]:
    """Corners of what a region encloses, (x, y); none where it encloses nothing."""
    from roifile import ROI_TYPE

    areas = {ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED, ROI_TYPE.RECT, ROI_TYPE.OVAL}
    if roi.roitype not in areas:
        return []
    rings = [np.asarray(ring, float).reshape(-1, 2) for ring in roi.coordinates(multi=True)]
    return [ring for ring in rings if len(ring) > 2]


def _class_of(roi: ImagejRoi) -> tuple[str, int]:
    told = re.search(rf"^{_PROPERTY}: (.*)$", roi.props or "", re.MULTILINE)
    if told:
        try:
            kept = json.loads(told[1])
            return str(kept["name"]), int(kept["label"])
        except (ValueError, KeyError, TypeError):
            return _UNNAMED, 0
    return (f"group {roi.group}", int(roi.group)) if roi.group else (_UNNAMED, 0)
