"""Image files in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError

_TIFF = {".tif", ".tiff"}
# Letters that tifffile gives to axes and what they mean here: I and Q are "some sequence".
_TIFF_AXES = str.maketrans({"I": "T", "Q": "T", "R": "T"})


@dataclass(frozen=True)
class ImageFile:
    """An image as it lies in a file.

    Attributes
    ----------
    data : array
    axes : str
        As the file tells them.
    path : Path
    """

    data: Any
    axes: str
    path: Path


def read_image(path: str | Path, *, axes: str | None = None) -> ImageFile:
    """Read an image file: TIFF (stacks, channels), PNG, JPEG and whatever imageio knows, ``.npy``.

    Parameters
    ----------
    path
        The file.
    axes
        What its dimensions are, where the file does not say or says it wrongly.

    Raises
    ------
    InputError
        If there is no such file or it holds no image.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"There is no file {path}. Check the path (and quotes around spaces).")
    if path.is_dir():
        raise InputError(f"{path} is a folder. Give image files, for example {path}/*.tif.")
    try:
        data, found = _read(path)
    except InputError:
        raise
    except Exception as error:  # readers raise whatever their libraries do
        raise InputError(
            f"{path} could not be read as an image ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no reason given'}). "
            f"Give TIFF, PNG, JPEG or npy files."
        ) from error
    from ..imaging import parse_axes

    if axes is None and found is None:
        found = {2: "YX"}.get(np.ndim(data))
    parsed = parse_axes(axes or found, data.shape)
    return ImageFile(data, parsed.names, path)


def _read(path: Path) -> tuple[Any, str | None]:
    suffix = path.suffix.lower()
    if suffix in _TIFF:
        return _read_tiff(path)
    if suffix == ".npy":
        return np.load(path, mmap_mode="r", allow_pickle=False), None
    import imageio.v3 as imageio

    data = np.asarray(imageio.imread(path))
    # What a photo format stores last are samples; two of them are gray and alpha.
    if data.ndim == 3 and data.shape[-1] == 2:
        return data[..., 0], "YX"
    return data, {2: "YX", 3: "YXS", 4: "TYXS"}.get(data.ndim)


def _read_tiff(path: Path) -> tuple[Any, str | None]:
    import tifffile

    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        axes = series.axes.translate(_TIFF_AXES)
        data = series.asarray()
    single = [
        i
        for i, (name, size) in enumerate(zip(axes, data.shape, strict=True))
        if size == 1 and name not in "YX"
    ]
    data = data.squeeze(tuple(single))
    axes = "".join(name for i, name in enumerate(axes) if i not in single)
    return data, axes if len(set(axes)) == len(axes) and set(axes) <= set("TZCSYX") else None
