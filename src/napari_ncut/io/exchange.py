"""Annotations out and in, in any format of the registry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, check_choice
from .annotation_formats import FORMATS, label_writers, write_many_coco
from .annotations import Annotations, numbered_classes
from .atomic import check_outputs, write_together
from .class_masks import color_of_mask, find_class_masks, find_color_masks


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
        writers = label_writers(Path(folder), stem, annotations, suffix=entry.suffix, axes=axes)
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
    return write_together({path: partial(write_many_coco, named=named)})


def write_as(path: Path, annotations: Annotations, format: str) -> None:
    """Write annotations to a file of any name, in a format that has one file for all classes."""
    single = [name for name, entry in FORMATS.items() if entry.suffix]
    entry = FORMATS[check_choice("format", format, single)]
    ((_, write),) = entry.writers(path.parent, path.stem, annotations).items()
    write(path)


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
