"""Many image files in: a folder, or a list of files and folders."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError
from .images import IMAGE_ENDINGS, ImageFile, is_zarr, read_contents, with_axes

# Names of skipped files that a warning lists before it only counts.
_NAMED = 5


def read_images(
    paths: str | os.PathLike | Iterable[str | os.PathLike],
    *,
    axes: str | Sequence[str | None] | None = None,
) -> list[ImageFile]:
    """Read the images of a folder, or of a list of files and folders.

    Of a folder all images are read whose ending is known (``.tif``, ``.png``, ``.jpg``, ``.npy``
    …; zarr folders count as images), in natural order: ``img2`` before ``img10``. Hidden files are
    skipped, and so is, with a warning, what is no image or cannot be read. Folders in it are not
    looked into. Files that are named themselves stay in their order, and are read or refused.

    Parameters
    ----------
    paths
        A folder, a file, or several of both.
    axes
        What the dimensions are, where the files do not say or say it wrongly: one text for all, or
        a list with one item (or None) per image that is read; see `read_image`.

    Returns
    -------
    list of ImageFile
        For `embed`: ``embed([i.data for i in images], axes=[i.axes for i in images])``.

    Raises
    ------
    InputError
        If a folder has no image, a named file is none, or axes are not known or do not fit.
    """
    from ..imaging import for_each_image

    given = [paths] if isinstance(paths, str | os.PathLike) else paths
    contents: list[tuple[Path, Any, str | None]] = []
    for path in map(Path, given):
        if path.is_dir() and not is_zarr(path):
            contents += _read_folder(path)
        else:
            contents.append((path, *read_contents(path)))
    if not contents:
        raise InputError("No image was given. Give at least one file, or a folder.")
    return [
        with_axes(path, data, told or found)
        for (path, data, found), told in zip(
            contents, for_each_image("axes", axes, len(contents)), strict=True
        )
    ]


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Sorts names as people do: numbers by their value, and upper and lower case alike."""
    parts = re.split(r"(\d+)", name.casefold())
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name


def _read_folder(folder: Path) -> list[tuple[Path, Any, str | None]]:
    try:
        inside = sorted(folder.iterdir(), key=lambda path: natural_key(path.name))
    except OSError as error:
        raise InputError(
            f"The folder {folder} cannot be opened ({error.strerror}). Check who may read it."
        ) from error
    contents, others = [], []
    for path in inside:
        if path.name.startswith(".") or (path.is_dir() and not is_zarr(path)):
            continue
        if path.suffix.lower() not in IMAGE_ENDINGS and not path.is_dir():
            others.append(path.name)
            continue
        try:
            contents.append((path, *read_contents(path)))
        except InputError as error:
            warnings.warn(f"Skipped: {error}", stacklevel=3)
    if others:
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        warnings.warn(
            f"Skipped in the folder {folder}, as they do not end like images: "
            f"{', '.join(others[:_NAMED])}{more}.",
            stacklevel=3,
        )
    if not contents:
        raise InputError(
            f"The folder {folder} has no image that can be read. Give a folder with files that end "
            f"in {', '.join(sorted(IMAGE_ENDINGS))}, or with zarr arrays; folders in it are not "
            f"looked into."
        )
    return contents
