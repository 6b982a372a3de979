"""The registry of annotation formats, and everything that annotations are read and written by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, check_choice
from .annotations import Annotations, as_planes, numbered_classes
from .atomic import check_outputs, write_together
from .class_masks import (
    Writers,
    class_mask_writers,
    color_mask_writers,
    color_of_mask,
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


def export_annotations(
    folder: str | Path,
    labels: ArrayLike,
    *,
    stem: str,
    format: str = "label-tiff",
    classes: Mapping[int, str] | None = None,
    colors: Mapping[int, str] | None = None,
    instances: ArrayLike | None = None,
    axes: str | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write annotations in one of the formats of `annotation_formats`, all files or none.

    Parameters
    ----------
    folder
        Where to; it is made if it is missing.
    labels
        Class of every pixel, whole numbers (h, w) or, where the format keeps stacks, (n, h, w).
    stem
        Name of the image, without its ending: the files' names begin with it.
    format
        Name of a format.
    classes, colors
        Label → name, label → "#rrggbb"; also of classes that are not painted.
    instances
        Numbers of single things, of the same shape. Default: what hangs together of a class is a
        thing.
    axes
        Of a label TIFF: letters T, Z, Y, X; see `write_labels`.
    overwrite
        Whether files that are there may be replaced.

    Returns
    -------
    list of Path
        The files. Of formats with a file for every class none if there are no classes.

    Raises
    ------
    InputError
        If anything does not fit the format, or the files cannot be written.
    """
    entry = FORMATS[check_choice("format", format, FORMATS)]
    annotations = Annotations.of(labels, classes, colors, instances)
    if annotations.labels.ndim > 2 and not entry.stacks:
        raise InputError(
            f"{entry.title} holds one plane, but the labels have the shape "
            f"{annotations.labels.shape}. Choose one of: "
            f"{', '.join(name for name, one in FORMATS.items() if one.stacks)}."
        )
    if axes is not None and format == "label-tiff":
        writers = _label_writers(Path(folder), stem, annotations, suffix=entry.suffix, axes=axes)
    else:
        writers = entry.writers(Path(folder), stem, annotations)
    check_outputs(writers, overwrite=overwrite)
    return write_together(writers)


def import_annotations(
    path: str | Path,
    shape: Sequence[int] | None = None,
    *,
    format: str | None = None,
    classes: Mapping[int, str] | None = None,
    colors: Mapping[int, str] | None = None,
    stem: str | None = None,
) -> Annotations:
    """Read annotations that `export_annotations`, or another program, has written.

    Parameters
    ----------
    path
        The file. Of masks, of which there is one for every class: the folder that they lie in (then
        `stem` is needed), or a single one.
    shape
        Of the image, without channels; default: as the file says, or as far as outlines go.
    format
        Name of a format; default: by the file.
    classes, colors
        Known classes. One of the same name gets the same number, in masks of icas one of the same
        color; others get numbers that are free.
    stem
        Name of the image without its ending: which of several in the file or folder is meant.

    Returns
    -------
    Annotations
        labels, names, colors, and instances where the format keeps them.

    Raises
    ------
    InputError
        If there is no such file, it is of another format, or of an image of another size.
    """
    path = Path(path)
    entry = FORMATS[check_choice("format", format or guess_format(path, stem), FORMATS)]
    if not path.exists():
        raise InputError(f"There is no file {path}. Check the path (and quotes around spaces).")
    found = entry.read(path, shape, stem=stem)
    if shape is not None and found.labels.shape != tuple(shape):
        raise InputError(
            f"{path} has the shape {found.labels.shape}, but the image {tuple(shape)}. Choose the "
            f"file of this image."
        )
    if "names" not in entry.keeps and classes and colors:
        by_color = {colors[n].lower(): name for n, name in classes.items() if n in colors}
        names = {n: by_color.get(found.colors[n], name) for n, name in found.names.items()}
        found = Annotations(found.labels, names, found.colors, found.instances)
    return found if classes is None else renumbered(found, classes, colors or {})


def find_annotations(folder: Path, stem: str, among: Iterable[str] = ()) -> tuple[str, Path] | None:
    """What there is of an image in a folder: the format and its file, or the folder itself.

    Parameters
    ----------
    among
        Stems of all images, by which masks of ``a_b`` are told from those of ``a``.
    """
    for name, entry in FORMATS.items():
        path = folder / f"{stem}{entry.suffix}"
        if entry.suffix and path.is_file():
            return name, path
    if find_color_masks(folder, stem):
        return "icas", folder
    return ("masks", folder) if find_class_masks(folder, stem, among) else None


def renumbered(
    found: Annotations, classes: Mapping[int, str], colors: Mapping[int, str]
) -> Annotations:
    """The same with the numbers (and colors) that known classes of the same names have."""
    known = {int(n): name for n, name in classes.items()}
    for label, name in found.names.items():
        # Whoever is new keeps its number where that is free.
        if name not in known.values() and label not in known:
            known[label] = name
    numbers = numbered_classes(found.names.values(), known)
    table = np.zeros(max(found.names, default=0) + 1, np.int32)
    for label, name in found.names.items():
        table[label] = numbers[name]
    names = {numbers[name]: name for name in found.names.values()}
    own = {numbers[name]: found.colors[label] for label, name in found.names.items()}
    given = {n: color for n, color in colors.items() if n in names}
    return Annotations(table[found.labels], names, own | given, found.instances)


def guess_format(path: str | Path, stem: str | None = None) -> str:
    """The format that a file or folder seems to have, by its name."""
    path = Path(path)
    if path.is_dir():
        return "icas" if stem is not None and find_color_masks(path, stem) else "masks"
    if color_of_mask(path) is not None:
        return "icas"
    for name, entry in FORMATS.items():
        if path.suffix.lower() in entry.endings:
            return name
    endings = sorted({ending for entry in FORMATS.values() for ending in entry.endings})
    raise InputError(
        f"What {path} holds cannot be told by its name. Give a file that ends in "
        f"{', '.join(endings)}, or say its format."
    )


# ---------------------------------------------------------------------------------- label maps


def _label_writers(
    folder: Path, stem: str, annotations: Annotations, *, suffix: str, axes: str | None = None
) -> Writers:
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
    return {folder / f"{stem}_coco.json": partial(_write_coco, named={stem: annotations})}


def _write_coco(path: Path, named: Mapping[str, Annotations]) -> None:
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


def write_as(path: Path, annotations: Annotations, format: str) -> None:
    """Write annotations to a file of any name, in a format that has one file for all classes."""
    single = [name for name, entry in FORMATS.items() if entry.suffix]
    entry = FORMATS[check_choice("format", format, single)]
    ((_, write),) = entry.writers(path.parent, path.stem, annotations).items()
    write(path)


def export_together(
    folder: Path,
    named: Mapping[str, Annotations],
    *,
    stem: str,
    format: str = "coco",
    overwrite: bool = False,
) -> list[Path]:
    """Write annotations of many images, which share their classes, into one file.

    Parameters
    ----------
    named
        Name of every image, and its annotations.
    stem
        Name of the file.
    """
    entry = FORMATS[check_choice("format", format, [n for n, e in FORMATS.items() if e.joins])]
    path = folder / f"{stem}{entry.suffix}"
    check_outputs([path], overwrite=overwrite)
    return write_together({path: partial(_write_coco, named=named)})


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
            partial(_label_writers, suffix="_labels.tif"),
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
            partial(_label_writers, suffix="_labels.png"),
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
