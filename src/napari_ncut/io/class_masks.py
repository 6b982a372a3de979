"""One picture for every class, white where it is painted: by the class's name, or as icas does."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .annotations import Annotations
from .atomic import replace_when_written
from .colors import as_hex, as_rgb, default_color
from .images import read_contents

# icas writes colons, which Windows forbids in names; it means the same with hyphens.
_OF_COLOR = re.compile(r"(?P<stem>.*)_mask_\(R[:-](\d+),G[:-](\d+),B[:-](\d+)\)\.png", re.DOTALL)
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
# What other files beside them are called: those are no classes.
RESERVED = ("labels", "classes", "instances", "painted", "segments", "superpixels")

Writers = dict[Path, Callable[[Path], object]]


def class_mask_writers(folder: Path, stem: str, annotations: Annotations) -> Writers:
    """What writes ``<stem>_<class>.png`` for every class, also for those that are not painted."""
    paths: Writers = {}
    taken: dict[str, str] = {}
    for label, name in annotations.names.items():
        plain = _FORBIDDEN.sub("_", name).rstrip(". ") or f"class {label}"
        other = taken.setdefault(plain.casefold(), name)
        if other != name:
            raise InputError(
                f"The masks of the classes {other!r} and {name!r} would be called alike. Rename "
                f"one of them."
            )
        if plain.casefold() in RESERVED or plain.startswith("mask_("):
            raise InputError(
                f"A class called {name!r} would be taken for another kind of file. Rename it."
            )
        paths[folder / f"{stem}_{plain}.png"] = partial(_write_mask, annotations.labels == label)
    return paths


def color_mask_writers(
    folder: Path, stem: str, annotations: Annotations, *, windows: bool | None = None
) -> Writers:
    """What writes ``<stem>_mask_(R:r,G:g,B:b).png`` for every class, as icas does.

    Parameters
    ----------
    windows
        Whether to write ``(R-r,G-g,B-b)``, which Windows allows; default: on Windows.
    """
    sign = "-" if (os.name == "nt" if windows is None else windows) else ":"
    paths: Writers = {}
    taken: dict[str, str] = {}
    for label, name in annotations.names.items():
        color = annotations.colors[label].lower()
        if taken.setdefault(color, name) != name:
            raise InputError(
                f"The classes {taken[color]!r} and {name!r} have one color, which is all that icas "
                f"tells classes by. Give one of them another."
            )
        red, green, blue = as_rgb(color)
        of_color = f"(R{sign}{red},G{sign}{green},B{sign}{blue})"
        path = folder / f"{stem}_mask_{of_color}.png"
        paths[path] = partial(_write_mask, annotations.labels == label)
    return paths


def find_class_masks(folder: Path, stem: str, among: Iterable[str] = ()) -> dict[str, Path]:
    """Masks ``<stem>_<class>.png`` in a folder, by class.

    Parameters
    ----------
    among
        Stems of all images: a file belongs to the longest that its name begins with, so that
        ``a_b_cell.png`` is of the image ``a_b``, and not of ``a``.
    """
    longer = tuple(f"{other}_" for other in among if other.startswith(f"{stem}_"))
    found = {}
    for path in _pictures(folder):
        name = path.stem
        own = name.startswith(f"{stem}_") and not name.startswith(longer)
        of_class = name[len(stem) + 1 :]
        if own and of_class.casefold() not in RESERVED and not _OF_COLOR.fullmatch(path.name):
            found[of_class] = path
    return found


def find_color_masks(folder: Path, stem: str) -> dict[str, Path]:
    """Masks as icas writes them in a folder, by color ("#rrggbb")."""
    found = {}
    for path in _pictures(folder):
        match = _OF_COLOR.fullmatch(path.name)
        if match and match["stem"] == stem:
            color = color_of_mask(path)
            if color is not None:
                found[color] = path
    return found


def color_of_mask(path: Path) -> str | None:
    """The color that a mask's name tells, None if it is not called as icas does."""
    match = _OF_COLOR.fullmatch(path.name)
    if match is None:
        return None
    red, green, blue = (int(part) for part in match.groups()[1:])
    return as_hex(red, green, blue) if max(red, green, blue) <= 255 else None


def stem_of_mask(path: Path) -> str:
    """The image's name in that of a mask of icas."""
    match = _OF_COLOR.fullmatch(path.name)
    return path.stem if match is None else match["stem"]


def read_masks(
    paths: Sequence[Path],
    names: Sequence[str],
    colors: Sequence[str | None],
    shape: Sequence[int] | None = None,
) -> Annotations:
    """One class for every picture, numbered in their order; of what overlaps the last is seen.

    Parameters
    ----------
    paths, names, colors
        Of every class its picture, its name, and its color if it is known.
    shape
        (h, w) of the image; default: of the first picture.
    """
    labels: NDArray[np.int32] | None = None if shape is None else np.zeros(tuple(shape), np.int32)
    for label, path in enumerate(paths, start=1):
        mask = _read_mask(path)
        if labels is None:
            labels = np.zeros(mask.shape, np.int32)
        if mask.shape != labels.shape:
            raise InputError(
                f"{path} has the size {mask.shape}, but {labels.shape} is needed. Choose the masks "
                f"of this image."
            )
        labels[mask] = label
    if labels is None:
        raise InputError("No mask was given. Choose at least one file.")
    known = {n: color or default_color(n) for n, color in enumerate(colors, start=1)}
    return Annotations(labels, dict(enumerate(names, start=1)), known)


def _pictures(folder: Path) -> list[Path]:
    from .folders import natural_key

    try:
        inside = [path for path in folder.iterdir() if path.suffix.lower() == ".png"]
    except OSError:
        return []
    shown = [path for path in inside if not path.name.startswith(".")]
    return sorted(shown, key=lambda path: natural_key(path.name))


def _read_mask(path: Path) -> NDArray[np.bool_]:
    data, _ = read_contents(path)
    mask = np.asarray(data)
    if mask.ndim == 3 and mask.shape[-1] in (3, 4):
        mask = mask[..., :3].max(axis=-1)
    if mask.ndim != 2:
        raise InputError(f"{path} has the shape {mask.shape}, but a mask is one plane.")
    # Programs that smooth or compress leave grays; what is nearer to white is painted.
    return mask > 0 if mask.dtype == bool or mask.max() <= 1 else mask > np.iinfo(np.uint8).max // 2


def _write_mask(mask: NDArray[np.bool_], path: Path) -> None:
    from PIL import Image

    if mask.ndim != 2:
        raise InputError(
            f"A picture holds one plane, but the labels have the shape {mask.shape}. Write label "
            f"TIFF instead."
        )
    with replace_when_written(path) as partial_path:
        Image.fromarray(mask.astype(np.uint8) * 255).save(partial_path)
