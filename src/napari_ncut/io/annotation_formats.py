"""The registry of annotation formats: what each keeps, and what writes and reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import InputError
from .annotations import Annotations, as_planes
from .class_masks import (
    Writers,
    class_mask_writers,
    color_mask_writers,
    find_class_masks,
    find_color_masks,
    read_masks,
    stem_of_mask,
)
from .coco import write_coco
from .coco_reading import read_coco
from .geojson import read_geojson, write_geojson
from .imagej_rois import read_rois, write_rois
from .labels import read_labels, write_labels


@dataclass(frozen=True)
class AnnotationFormat:
    """A format as data.

    Attributes
    ----------
    name, title, text : str
        How users call it, its name in a window, and what it is in a line.
    suffix : str
        Behind the image's stem; "" where there is a file for every class.
    endings : tuple of str
        Of files that can be read.
    stacks : bool
        Whether it keeps several planes.
    keeps : tuple of str
        Of "numbers", "names", "colors" and "instances" those that come back.
    writers : function of a folder, a stem and `Annotations`
        Gives for every file what writes it.
    read : function of a path and a shape or None
        The path is a file; of formats with a file for every class a folder, or one of its files.
    joins : bool
        Whether one file may hold many images; see `export_together`.
    """

    name: str
    title: str
    text: str
    suffix: str
    endings: tuple[str, ...]
    stacks: bool
    keeps: tuple[str, ...]
    writers: Callable[[Path, str, Annotations], Writers]
    read: Callable[..., Annotations]
    joins: bool = False


# ---------------------------------------------------------------------------------- label maps


def label_writers(
    folder: Path, stem: str, annotations: Annotations, *, suffix: str, axes: str | None = None
) -> Writers:
    """What writes a label map."""
    write = partial(
        write_labels,
        labels=annotations.labels,
        axes=axes,
        classes=annotations.names,
        colors=annotations.colors,
    )
    return {folder / f"{stem}{suffix}": write}


def _read_labels(path: Path, shape: Any = None, *, stem: str | None = None) -> Annotations:
    labels, names, colors = read_labels(path)
    return Annotations.of(labels, names, colors)


# --------------------------------------------------------------------------- a file for all of it


def _coco_writers(folder: Path, stem: str, annotations: Annotations) -> Writers:
    return {folder / f"{stem}_coco.json": partial(write_many_coco, named={stem: annotations})}


def write_many_coco(path: Path, named: Mapping[str, Annotations]) -> None:
    """Write annotations of several images, by their names, as one COCO JSON."""
    sets: dict[str, Any] = {}
    names: dict[int, str] = {}
    colors: dict[int, str] = {}
    for name, own in named.items():
        n_planes, *_ = as_planes(own.labels.shape, "COCO JSON")
        for plane, mask_set in enumerate(coco_sets(own)):
            sets[name if n_planes == 1 else f"{name}[{plane}]"] = mask_set
        names |= own.names
        colors |= own.colors
    write_coco(path, sets, names, colors)


def coco_sets(annotations: Annotations) -> list[Any]:
    """Things of every plane as masks with their class, as `write_coco` takes them."""
    from ..sam.mask_set import MaskSet

    sets = []
    for objects, classes in annotations.objects():
        masks = MaskSet.of_labels(objects)
        masks.columns["class"] = classes[1:]
        sets.append(masks)
    return sets


def _read_coco(path: Path, shape: Any = None, *, stem: str | None = None) -> Annotations:
    return read_coco(path, shape, image=stem)


def _geojson_writers(folder: Path, stem: str, annotations: Annotations) -> Writers:
    return {folder / f"{stem}.geojson": partial(write_geojson, annotations=annotations)}


def _read_geojson(path: Path, shape: Any = None, *, stem: str | None = None) -> Annotations:
    return read_geojson(path, shape)


def _roi_writers(folder: Path, stem: str, annotations: Annotations) -> Writers:
    return {folder / f"{stem}_rois.zip": partial(write_rois, annotations=annotations)}


def _read_rois(path: Path, shape: Any = None, *, stem: str | None = None) -> Annotations:
    return read_rois(path, shape)


# -------------------------------------------------------------------------- a file for every class


def _read_class_masks(path: Path, shape: Any = None, *, stem: str | None = None) -> Annotations:
    if path.is_dir():
        masks = find_class_masks(path, _needed(path, stem))
        if not masks:
            raise InputError(f"{path} has no masks called {stem}_CLASS.png. Choose another folder.")
        return read_masks(list(masks.values()), list(masks), [None] * len(masks), shape)
    name = path.stem
    own = stem is not None and name.startswith(f"{stem}_")
    return read_masks([path], [name[len(stem or "") + 1 :] if own else name], [None], shape)


def _read_color_masks(path: Path, shape: Any = None, *, stem: str | None = None) -> Annotations:
    folder = path if path.is_dir() else path.parent
    # One mask stands for all of its image: icas writes a file for every color.
    wanted = _needed(path, stem) if path.is_dir() else stem_of_mask(path)
    masks = find_color_masks(folder, wanted)
    if not masks:
        raise InputError(
            f"{folder} has no masks called {wanted}_mask_(R:…,G:…,B:…).png. Choose another folder."
        )
    return read_masks(list(masks.values()), list(masks), list(masks), shape)


def _needed(path: Path, stem: str | None) -> str:
    if stem is None:
        raise InputError(f"{path} is a folder. Say by its name which image's masks are meant.")
    return stem


FORMATS: dict[str, AnnotationFormat] = {
    entry.name: entry
    for entry in (
        AnnotationFormat(
            "label-tiff",
            "Label TIFF",
            "one file of numbers, of planes and stacks",
            "_labels.tif",
            (".tif", ".tiff"),
            True,
            ("numbers", "names", "colors"),
            partial(label_writers, suffix="_labels.tif"),
            _read_labels,
        ),
        AnnotationFormat(
            "label-png",
            "Label PNG",
            "one picture of numbers",
            "_labels.png",
            (".png",),
            False,
            ("numbers", "names", "colors"),
            partial(label_writers, suffix="_labels.png"),
            _read_labels,
        ),
        AnnotationFormat(
            "masks",
            "A mask for every class",
            "a black and white picture for every class",
            "",
            (),
            False,
            ("names",),
            class_mask_writers,
            _read_class_masks,
        ),
        AnnotationFormat(
            "coco",
            "COCO JSON",
            "run lengths of single things; polygons are read, too",
            "_coco.json",
            (".json",),
            True,
            ("numbers", "names", "colors", "instances"),
            _coco_writers,
            _read_coco,
            joins=True,
        ),
        AnnotationFormat(
            "imagej",
            "ImageJ ROIs",
            "outlines of single things for the ROI Manager",
            "_rois.zip",
            (".zip", ".roi"),
            True,
            ("numbers", "names", "colors", "instances"),
            _roi_writers,
            _read_rois,
        ),
        AnnotationFormat(
            "geojson",
            "QuPath GeoJSON",
            "polygons of single things, with holes",
            ".geojson",
            (".geojson",),
            True,
            ("numbers", "names", "colors", "instances"),
            _geojson_writers,
            _read_geojson,
        ),
        AnnotationFormat(
            "icas",
            "icas masks",
            "a black and white picture for every color: STEM_mask_(R:…,G:…,B:…).png",
            "",
            (),
            False,
            ("colors",),
            color_mask_writers,
            _read_color_masks,
        ),
        AnnotationFormat(
            "icas-windows",
            "icas masks, names for Windows",
            "the same, called STEM_mask_(R-…,G-…,B-…).png",
            "",
            (),
            False,
            ("colors",),
            partial(color_mask_writers, windows=True),
            _read_color_masks,
        ),
    )
}


def annotation_formats() -> dict[str, AnnotationFormat]:
    """All formats by name."""
    return dict(FORMATS)
