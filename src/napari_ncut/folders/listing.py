"""What lies in a folder, and what the files of its images are called."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..io import natural_key, read_labels
from ..io.images import IMAGE_ENDINGS, is_zarr


def images_in(folder: Path) -> list[Path]:
    """Paths of all images of a folder, in natural order; none of them is opened."""
    try:
        with os.scandir(folder) as inside:
            entries = [(one.name, one.is_dir()) for one in inside if not one.name.startswith(".")]
    except OSError as error:
        raise InputError(
            f"The folder {folder} cannot be opened ({error.strerror}). Check the path, and who may "
            f"read it."
        ) from error
    files = [
        folder / name
        for name, is_folder in sorted(entries, key=lambda entry: natural_key(entry[0]))
        if (is_zarr(folder / name) if is_folder else Path(name).suffix.lower() in IMAGE_ENDINGS)
    ]
    if not files:
        raise InputError(
            f"The folder {folder} has no image. Give one with files that end in "
            f"{', '.join(sorted(IMAGE_ENDINGS))}, or with zarr arrays; folders in it are not "
            f"looked into."
        )
    return files


def remove(path: Path) -> None:
    """Remove a file if it is there; an `InputError` if it cannot be."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path} could not be removed ({error.strerror}). Remove it.") from error


def names_in(folder: Path) -> set[str]:
    """Names of all that lies in a folder; none if it is not there."""
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


def different_stems(files: Sequence[Path], known: Mapping[str, str]) -> list[str]:
    """What the files of every image are called: different, and as they were called before."""
    plain = [_plain_stem(path) for path in files]
    counts: dict[str, int] = {}
    for stem in plain:
        counts[stem.casefold()] = counts.get(stem.casefold(), 0) + 1
    taken = {known[path.name].casefold() for path in files if path.name in known}
    stems = []
    for path, stem in zip(files, plain, strict=True):
        if path.name in known:
            stems.append(known[path.name])
            continue
        shared = counts[stem.casefold()] > 1 or stem.casefold() in taken
        wanted = name = path.name if shared else stem
        number = 2
        while name.casefold() in taken:
            name, number = f"{wanted}-{number}", number + 1
        taken.add(name.casefold())
        stems.append(name)
    return stems


def _plain_stem(path: Path) -> str:
    """Name of an image without what tells its format."""
    stem = path.stem
    return stem[:-4] if stem.lower().endswith(".ome") and len(stem) > 4 else stem


def read_map(path: Path, shape: tuple[int, ...]) -> NDArray[np.int32]:
    """A label map of an image of this shape; an `InputError` if it has another."""
    labels, *_ = read_labels(path)
    # Axes of size 1 are dropped by whoever reads TIFF.
    if labels.size == np.prod(shape) and labels.shape[-2:] == shape[-2:]:
        labels = labels.reshape(shape)
    if labels.shape != shape:
        raise InputError(
            f"{path} has the shape {labels.shape}, but its image {shape}: the image was replaced "
            f"by another. Move the file away to start anew."
        )
    return labels.astype(np.int32)
