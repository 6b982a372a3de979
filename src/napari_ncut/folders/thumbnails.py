"""Small pictures of images, without reading more of a file than they need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..imaging import parse_axes
from ..io import ImageFile
from ..io.images import read_contents, with_axes

# Bytes of a file up to which it is simply read.
_SMALL = 16 * 2**20
# Pixels of a compressed page beyond which none is decoded for a thumbnail.
_MOST_DECODED = 100 * 2**20
_PERCENTILES = (0.5, 99.5)


def thumbnail_steps(
    files: Sequence[Path], order: Iterable[int], *, size: int = 96
) -> Iterator[tuple[int, NDArray[np.uint8] | None]]:
    """The thumbnail of every image, in the order given; None of one that cannot be read.

    Parameters
    ----------
    files
        All images.
    order
        Numbers of those wanted.
    size
        Longer side in pixels.
    """
    for i in order:
        try:
            yield i, thumbnail(files[i], size=size)
        except InputError:
            yield i, None


def thumbnail(path: str | Path, *, size: int = 96) -> NDArray[np.uint8]:
    """A small picture (h, w, 3) of an image, its middle plane of a stack.

    Of large TIFF files a coarse level, or some rows of one page are read; of zarr and npy some rows
    and columns; JPEG is decoded coarsely.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    try:
        if suffix in (".jpg", ".jpeg"):
            plane = _of_jpeg(path, size)
        elif suffix in (".tif", ".tiff", ".btf", ".tf8") and path.stat().st_size > _SMALL:
            plane = _of_large_tiff(path, size)
        else:
            plane = _of_image(path, size)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error}).") from error
    return small_picture(plane, size)


def _of_image(path: Path, size: int) -> NDArray:
    """A coarse middle plane, (h, w) or (h, w, c)."""
    data, axes = read_contents(path)
    # Of an array without names of its axes the last two are the likeliest rows and columns.
    guessed = axes or ("TZC"[-(data.ndim - 2) :] if data.ndim > 2 else "") + "YX"
    image: ImageFile = with_axes(path, data, guessed[-data.ndim :])
    parsed = parse_axes(image.axes, image.data.shape)
    step = max(1, min(parsed.shape[parsed.names.index(n)] for n in "YX") // size)
    key: list[Any] = []
    left = []
    for name, n in zip(parsed.names, parsed.shape, strict=True):
        if name in "YX":
            key.append(slice(None, None, step))
        else:
            key.append(slice(None) if name in "CS" else n // 2)
        if name in "CSYX":
            left.append(name)
    plane = np.asarray(image.data[tuple(key)])
    order = [left.index("Y"), left.index("X"), *(i for i, n in enumerate(left) if n in "CS")]
    return plane.transpose(order)


def _of_jpeg(path: Path, size: int) -> NDArray:
    from PIL import Image

    with Image.open(path) as file:
        file.draft(None, (size, size))
        return np.asarray(file.convert("L" if file.mode == "L" else "RGB"))


def _of_large_tiff(path: Path, size: int) -> NDArray:
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            levels = file.series[0].levels
            fine = [one for one in levels if min(one.shape[-2:]) >= size or one is levels[0]]
            level = fine[-1]
            page = level.pages[len(level.pages) // 2]
            assert page is not None  # a series has pages
            page = page.aspage()
            shape = page.shape
            rows = 0 if len(shape) == 2 or shape[-1] <= 4 else 1
            whole: NDArray
            if page.is_memmappable and page.dtype is not None:
                dtype = page.dtype.newbyteorder(file.byteorder)
                whole = np.memmap(path, dtype, "r", page.dataoffsets[0], shape)
            elif np.prod(shape) <= _MOST_DECODED:
                whole = page.asarray()
            else:
                raise InputError(f"{path} is too large for a thumbnail: it has no coarse levels.")
            step = max(1, min(shape[rows : rows + 2]) // size)
            key = (slice(None),) * rows + (slice(None, None, step),) * 2
            plane = np.array(whole[key])
            return np.moveaxis(plane, 0, -1) if rows else plane
    except (ValueError, IndexError, AttributeError, tifffile.TiffFileError) as error:
        raise InputError(f"{path} cannot be read as TIFF ({error}).") from error


def small_picture(plane: NDArray, size: int) -> NDArray[np.uint8]:
    """A plane (h, w) or (h, w, c) as a picture (h, w, 3) whose longer side is `size` at most."""
    from PIL import Image

    color = plane.ndim == 3 and plane.shape[-1] in (3, 4)
    if plane.ndim == 3:
        plane = plane[..., :3] if color else plane.mean(axis=-1, dtype=float)
    if plane.dtype != np.uint8 or not color:
        values: NDArray = plane.astype(np.float32)
        finite = values[np.isfinite(values)]
        low, high = np.percentile(finite, _PERCENTILES) if finite.size else (0, 0)
        # What is the same everywhere is gray, what is no number black.
        values = (values - low) / (high - low) if high > low else values * 0 + 0.5
        values = np.nan_to_num(values, nan=0)
        plane = (values.clip(0, 1) * 255).astype(np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(plane))
    picture.thumbnail((size, size), Image.Resampling.BOX)
    return np.asarray(picture.convert("RGB"))
