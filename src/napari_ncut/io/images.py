"""Image files in."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

_TIFF = {".tif", ".tiff", ".btf", ".tf8", ".lsm", ".stk"}
_PICTURES = {".png", ".jpg", ".jpeg", ".jp2", ".webp", ".gif", ".bmp", ".pgm", ".ppm", ".tga"}
# By these an image is known among other files; a file that is named is read whatever it ends in.
IMAGE_ENDINGS = frozenset({*_TIFF, *_PICTURES, ".npy"})
# Letters that tifffile gives to axes and what they mean here: I, Q and R are "some sequence".
_TIFF_AXES = str.maketrans({"I": "T", "Q": "T", "R": "T"})
_MEANS_COLOR = {"RGB", "YCBCR", "PALETTE", "CIELAB"}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageFile:
    """An image as it lies in a file.

    Attributes
    ----------
    data : array
        In memory, or read when it is asked for (``.npy`` and zarr).
    axes : str
        As the file tells them.
    path : Path
    """

    data: Any
    axes: str
    path: Path


def read_image(path: str | Path, *, axes: str | None = None) -> ImageFile:
    """Read an image file.

    TIFF (ImageJ and OME stacks, LSM), PNG, JPEG, GIF and whatever else Pillow and imageio know,
    ``.npy``, and folders of zarr arrays (of an OME-Zarr image the finest level).

    Parameters
    ----------
    path
        The file.
    axes
        What its dimensions are, where the file does not say or says it wrongly. Dimensions of size
        1 of a TIFF, other than Y and X, are dropped first.

    Raises
    ------
    InputError
        If there is no such file, it holds no image, or its axes are not known.
    """
    path = Path(path)
    data, found = read_contents(path)
    return with_axes(path, data, axes or found)


def read_contents(path: Path) -> tuple[Any, str | None]:
    """The array in an image file, and its axes where the file tells them.

    Raises
    ------
    InputError
        If there is no such file, or it holds no image.
    """
    if not path.exists():
        raise InputError(f"There is no file {path}. Check the path (and quotes around spaces).")
    if path.is_dir() and not is_zarr(path):
        raise InputError(f"{path} is a folder. Give one file, or use read_images for all in it.")
    try:
        with warnings.catch_warnings():
            # What a reader grumbles about is of no use to someone who gets the image.
            warnings.simplefilter("ignore")
            return _read(path)
    except InputError:
        raise
    except Exception as error:  # readers raise whatever their libraries do
        reason = str(error).strip().splitlines()
        raise InputError(
            f"{path} could not be read as an image ({type(error).__name__}: "
            f"{reason[0] if reason else 'no reason given'}). Give TIFF, PNG, JPEG, npy or zarr."
        ) from error


def with_axes(path: Path, data: Any, axes: str | None) -> ImageFile:
    """What `read_contents` read, with its axes; an `InputError` unless they are known and fit."""
    from ..imaging import parse_axes

    try:
        return ImageFile(data, parse_axes(axes, data.shape).names, path)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _read(path: Path) -> tuple[Any, str | None]:
    if path.is_dir():
        return _read_zarr(path)
    suffix = path.suffix.lower()
    if suffix in _TIFF:
        return _read_tiff(path)
    if suffix == ".npy":
        return np.load(path, mmap_mode="r", allow_pickle=False), None
    from PIL import UnidentifiedImageError

    try:
        return _read_with_pillow(path)
    except UnidentifiedImageError:
        import imageio.v3 as imageio

        try:
            # As bytes: of a path that it cannot read imageio leaves the file open.
            data = np.asarray(imageio.imread(path.read_bytes(), extension=suffix or ".png"))
        except OSError as error:  # what imageio says is of its plugins
            raise InputError(
                f"{path} could not be read as an image: its content is in no image format known "
                f"here. Give TIFF, PNG, JPEG, npy or zarr."
            ) from error
        return data, {2: "YX", 3: "YXS", 4: "TYXS"}.get(data.ndim)


# -------------------------------------------------------------------------------------------- TIFF


def _read_tiff(path: Path) -> tuple[Any, str | None]:
    import tifffile

    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        axes = series.axes.translate(_TIFF_AXES)
        photometric = getattr(series.keyframe.photometric, "name", "")
        kinds = {(one.shape, one.dtype, one.axes) for one in file.series}
        # Pages written one by one count as images of their own, but are a stack to whoever did it.
        pages = file.series if len(kinds) == 1 and "T" not in axes else [series]
        if len(pages) < len(file.series):
            _log.warning("%s holds %d images; the first is read.", path, len(file.series))
        try:
            data = series.asarray()
            if len(pages) > 1:
                data = np.stack([data, *(page.asarray() for page in pages[1:])])
                axes = f"T{axes}"
        except ValueError as error:
            # LZW and JPEG inside TIFF need a package that tifffile leaves to its users; Pillow
            # brings decoders of its own.
            if "imagecodecs" not in str(error):
                raise
            data = _decode_with_pillow(path, series.shape, series.dtype, error)
    single = [
        i
        for i, (name, size) in enumerate(zip(axes, data.shape, strict=True))
        if size == 1 and name not in "YX"
    ]
    data = data.squeeze(tuple(single))
    axes = "".join(name for i, name in enumerate(axes) if i not in single)
    if "S" in axes and "C" not in axes:
        n_samples = data.shape[axes.index("S")]
        if n_samples == 2 and photometric.startswith("MINIS"):
            data = data.take(0, axis=axes.index("S"))  # gray and alpha
            axes = axes.replace("S", "")
        elif n_samples not in (3, 4) or photometric not in _MEANS_COLOR:
            axes = axes.replace("S", "C")
    return data, axes if len(set(axes)) == len(axes) and set(axes) <= set("TZCSYX") else None


def _decode_with_pillow(
    path: Path, shape: tuple[int, ...], dtype: np.dtype, reason: ValueError
) -> NDArray:
    from PIL import Image, ImageSequence, UnidentifiedImageError

    try:
        with Image.open(path) as file:
            pages = [np.asarray(page) for page in ImageSequence.Iterator(file)]
        data = np.stack(pages)
    except (UnidentifiedImageError, OSError, ValueError):
        data = np.empty(0)
    if data.size != np.prod(shape) or data.dtype != dtype:
        raise InputError(
            f"{path} is compressed in a way that needs one more package ({reason}). "
            f"Install it with: pip install imagecodecs. "
            f"Or save the image uncompressed or with zlib (deflate)."
        ) from reason
    return data.reshape(shape)


# --------------------------------------------------------------------------- PNG, JPEG, GIF, BMP …


def _read_with_pillow(path: Path) -> tuple[NDArray, str]:
    from PIL import Image, ImageSequence

    with Image.open(path) as file:
        frames = [_samples(frame) for frame in ImageSequence.Iterator(file)]
    if len({frame.ndim for frame in frames}) > 1:
        frames = [f if f.ndim == 3 else np.repeat(f[..., np.newaxis], 3, -1) for f in frames]
    if len({frame.shape[2:] for frame in frames}) > 1:
        frames = [frame[..., :3] for frame in frames]
    if len({frame.shape for frame in frames}) > 1:
        # A photograph with its thumbnail, or icons of several sizes: not a sequence.
        frames = frames[:1]
    axes = "YX" if frames[0].ndim == 2 else "YXS"
    return (frames[0], axes) if len(frames) == 1 else (np.stack(frames), f"T{axes}")


def _samples(frame: Any) -> NDArray:
    """One Pillow image as gray (h, w) or color (h, w, 3 or 4), in its own depth."""
    mode = frame.mode
    if mode in ("LA", "La"):
        frame = frame.getchannel(0)
    elif mode in ("P", "PA"):
        frame = frame.convert("RGBA" if "transparency" in frame.info or mode == "PA" else "RGB")
    elif mode not in ("1", "L", "I", "F", "RGB", "RGBA") and not mode.startswith("I;16"):
        frame = frame.convert("RGB")  # CMYK, YCbCr, Lab, HSV
    return np.array(frame)


# -------------------------------------------------------------------------------------------- zarr


def is_zarr(folder: Path) -> bool:
    """Whether a folder is a zarr array or group."""
    return any((folder / name).exists() for name in ("zarr.json", ".zarray", ".zgroup"))


def _read_zarr(folder: Path) -> tuple[Any, str | None]:
    """Open a zarr array, or the finest level of an OME-Zarr image; nothing is read yet."""
    import zarr

    opened: Any = zarr.open(str(folder), mode="r")
    if hasattr(opened, "shape"):
        return opened, _zarr_dimensions(opened)
    attributes = dict(opened.attrs)
    scales = attributes.get("ome", attributes).get("multiscales")
    if scales:
        return opened[scales[0]["datasets"][0]["path"]], _ome_axes(scales[0])
    names = sorted(name for name, _ in opened.arrays())
    if len(names) == 1:
        return opened[names[0]], _zarr_dimensions(opened[names[0]])
    inside = f"the arrays {', '.join(names)}" if names else "no array at its top level"
    raise InputError(
        f"{folder} is a zarr group with {inside} and is no OME-Zarr image. "
        f"Give the folder of one array, for example {folder / (names[0] if names else '0')}."
    )


def _zarr_dimensions(array: Any) -> str | None:
    names = getattr(array.metadata, "dimension_names", None) if hasattr(array, "metadata") else None
    return _as_letters(names)


def _ome_axes(scale: dict[str, Any]) -> str | None:
    axes = scale.get("axes")
    if axes is None:
        return "TCZYX"  # versions 0.1 and 0.2 know no others
    return _as_letters([axis["name"] if isinstance(axis, dict) else axis for axis in axes])


def _as_letters(names: Any) -> str | None:
    """Names of dimensions as letters, None unless all of them are known."""
    if not names or not all(isinstance(name, str) for name in names):
        return None
    letters = [name[:1].upper() for name in names]
    plain = all(name.upper() in ("T", "C", "Z", "Y", "X", "TIME", "CHANNEL") for name in names)
    return "".join(letters) if plain else None
