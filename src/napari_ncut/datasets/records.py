"""What a data set has of an image, and reading it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

# Masks are pictures whose gray at edges comes from resizing: the object is what is brighter than
# half, not what is not black.
_HALF = 0.5
# Numbers of VOC's pictures that mean "do not count".
_IGNORED = 255


@dataclass(frozen=True)
class Record:
    """One image of a data set and where its truth lies; None where there is none of a kind.

    Attributes
    ----------
    name : str
        Unique in its data set.
    image : Path
    mask : Path
        Picture of the foreground, black where it is not.
    objects : Path
        Picture of numbers, one for each object, 0 for none, 255 for "do not count".
    segmentations : Path
        ``.npz`` with `segs` (n, h, w), or BSDS500's ``.mat``: a partition by each annotator.
    annotation : Path
        VOC's XML of boxes.
    boxes : float array (n, 4)
        Top, left, bottom, right, the last two exclusive.
    points, parts : float array (n, 2), int array (n,)
        Row and column of points in the middle of parts, and the number of the part of each.
    """

    name: str
    image: Path
    mask: Path | None = None
    objects: Path | None = None
    segmentations: Path | None = None
    annotation: Path | None = None
    boxes: NDArray[np.float64] | None = None
    points: NDArray[np.float64] | None = None
    parts: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Example:
    """A record, read. What was not asked for, or is not there, is empty.

    Attributes
    ----------
    name : str
    image : uint8 or uint16 array (h, w) or (h, w, 3)
    axes : str
        "YX" or "YXC".
    mask : bool array (h, w), or None
    objects : int array (h, w), or None
    segmentations : int array (n, h, w), or None
    boxes : float array (n, 4)
    points, parts : float array (n, 2), int array (n,)
    """

    name: str
    image: NDArray
    axes: str
    mask: NDArray[np.bool_] | None = None
    objects: NDArray[np.int64] | None = None
    segmentations: NDArray[np.int64] | None = None
    boxes: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 4)))
    points: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))
    parts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


def read_record(record: Record, *, hard: bool = True) -> Example:
    """Read an image and all its truth.

    Parameters
    ----------
    record
        What to read.
    hard
        Whether boxes count that VOC marks as difficult or truncated.

    Raises
    ------
    InputError
        That names the file: it is missing, cannot be read, or has another size than the image.
    """
    from ..io import read_image

    found = read_image(record.image)
    image, axes = np.asarray(found.data), found.axes
    if axes not in ("YX", "YXC", "YXS"):
        raise InputError(f"{record.image} has axes {axes}; an image of one plane is needed.")
    image = image[..., :3] if image.ndim == 3 else image
    shape = (image.shape[0], image.shape[1])
    mask = None if record.mask is None else read_mask(record.mask, shape)
    objects = None if record.objects is None else _objects(record.objects, shape)
    boxes = record.boxes
    if record.annotation is not None:
        boxes = voc_boxes(record.annotation, hard=hard)
    elif boxes is None:
        boxes = _boxes_of(mask, objects)
    segmentations = None
    if record.segmentations is not None:
        segmentations = read_segmentations(record.segmentations, shape)
    empty = Example(record.name, image, "YX")
    return Example(
        record.name,
        image,
        "YX" if image.ndim == 2 else "YXC",
        mask if mask is not None or objects is None else objects > 0,
        objects,
        segmentations,
        boxes,
        empty.points if record.points is None else record.points,
        empty.parts if record.parts is None else record.parts,
    )


def read_mask(path: Path, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The foreground (h, w) in a picture: what is brighter than half of its range."""
    picture = _numbers(path, shape)
    if picture.dtype == bool:
        return picture
    highest = np.iinfo(picture.dtype).max if picture.dtype.kind in "iu" else 1.0
    if picture.dtype.kind in "iu" and 0 < picture.max() <= 1:
        highest = 1
    mask: NDArray[np.bool_] = picture > _HALF * highest
    return mask


def _objects(path: Path, shape: tuple[int, int]) -> NDArray[np.int64]:
    numbers = _numbers(path, shape).astype(np.int64)
    return np.where(numbers == _IGNORED, 0, numbers) if path.suffix == ".png" else numbers


def _numbers(path: Path, shape: tuple[int, int]) -> NDArray:
    """A picture as it lies in its file: of one with a palette the numbers, not the colors."""
    if path.suffix.lower() in (".png", ".gif", ".bmp"):
        from PIL import Image, UnidentifiedImageError

        try:
            with Image.open(path) as opened:
                palette = opened.mode == "P"
                picture = np.asarray(
                    opened if palette or opened.mode != "RGBA" else opened.convert("RGB")
                )
        except (OSError, UnidentifiedImageError, SyntaxError) as error:
            raise InputError(f"{path} cannot be read as an image ({error}).") from error
    else:
        from ..io import read_image

        picture = np.asarray(read_image(path).data)
    if picture.ndim == 3:
        picture = picture[..., 0]
    check_size(path, picture.shape, shape)
    return picture


def check_size(path: Path, found: tuple[int, ...], wanted: tuple[int, int]) -> None:
    """Raise an `InputError` that names the file unless it has the size of its image."""
    if tuple(found) != tuple(wanted):
        raise InputError(
            f"{path} has {' × '.join(map(str, found))} pixels, but its image has {wanted[0]} × "
            f"{wanted[1]}."
        )


def read_segmentations(path: Path, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Partitions (n, h, w), one by each annotator, of BSDS500's own files or of ``.npz``."""
    try:
        if path.suffix == ".mat":
            from scipy.io import loadmat

            truth = loadmat(path)["groundTruth"]
            segments = np.stack([one["Segmentation"][0, 0] for one in truth.ravel()])
        else:
            with np.load(path, allow_pickle=False) as opened:
                segments = opened["segs"]
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"{path} has no segmentations that can be read ({error}).") from error
    check_size(path, segments.shape[1:], shape)
    return segments.astype(np.int64)


def voc_boxes(path: Path, *, hard: bool = True) -> NDArray[np.float64]:
    """Boxes (n, 4) of VOC's XML, whose pixels count from 1 and whose ends are inclusive."""
    # A parser of the standard library that follows no references out of the file.
    from xml.etree import ElementTree

    try:
        root = ElementTree.parse(path).getroot()
        rows = []
        for thing in root.iter("object"):
            if not hard and any(thing.findtext(n, "0") == "1" for n in ("difficult", "truncated")):
                continue
            box = thing.find("bndbox")
            if box is None:
                continue
            top, left, bottom, right = (
                float(box.findtext(name, "nan")) for name in ("ymin", "xmin", "ymax", "xmax")
            )
            rows.append([top - 1, left - 1, bottom, right])
    except (OSError, ElementTree.ParseError, ValueError) as error:
        raise InputError(f"{path} cannot be read as VOC's annotation ({error}).") from error
    boxes = np.array(rows, np.float64).reshape(-1, 4)
    if not np.isfinite(boxes).all():
        raise InputError(f"{path} has a box without all of xmin, ymin, xmax and ymax.")
    return boxes


def _boxes_of(
    mask: NDArray[np.bool_] | None, objects: NDArray[np.int64] | None
) -> NDArray[np.float64]:
    """Boxes of objects, or of what is connected in a mask."""
    from scipy.ndimage import find_objects, label

    if objects is None:
        if mask is None:
            return np.zeros((0, 4))
        objects = label(mask, np.ones((3, 3)))[0]
    numbers = np.unique(objects[objects > 0], return_inverse=True)[1]
    compact = np.zeros(objects.shape, np.int64)
    compact[objects > 0] = numbers + 1
    places = find_objects(compact)
    rows = [[p[0].start, p[1].start, p[0].stop, p[1].stop] for p in places]
    return np.array(rows, np.float64).reshape(-1, 4)
