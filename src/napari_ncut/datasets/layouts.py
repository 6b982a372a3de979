"""How the folders of data sets lie, and finding the images in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from .records import Record

_PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp")


def bsds500(root: Path, split: str) -> list[Record]:
    """``images/SPLIT/*.jpg`` and ``groundTruth/SPLIT/*.mat`` or ``segmentations/SPLIT/*.npz``."""
    home = folder(root, ["", "data", "BSDS500/data", "BSR/BSDS500/data"], ["images"], "BSDS500")
    images = pictures(home / "images" / split)
    homes = [home / name / split for name in ("groundTruth", "segmentations")]
    truth = next((path for path in homes if path.is_dir()), None)
    if truth is None:
        raise InputError(
            f"BSDS500 is not complete in {home}: groundTruth/{split} (or segmentations/{split}) is "
            f"missing. Give the folder that holds images and groundTruth, or one above it."
        )
    return [
        Record(path.stem, path, segmentations=beside(path, truth, (".mat", ".npz")))
        for path in images
    ]


def voc2007(root: Path, split: str) -> list[Record]:
    """VOC's folders, of 2007."""
    return _voc(root, split, "VOC2007")


def voc2012(root: Path, split: str) -> list[Record]:
    """VOC's folders, of 2012."""
    return _voc(root, split, "VOC2012")


def _voc(root: Path, split: str, year: str) -> list[Record]:
    """``JPEGImages``, ``Annotations``, ``ImageSets/Main/SPLIT.txt``, ``SegmentationObject``."""
    parents = ["", year, f"VOCdevkit/{year}", f"{year.lower()}trainval/VOCdevkit/{year}"]
    home = folder(root, parents, ["JPEGImages", "Annotations"], year)
    listed = home / "ImageSets" / "Main" / f"{split}.txt"
    names = [line.split()[0] for line in lines(listed)]
    objects = home / "SegmentationObject"
    return [
        Record(
            name,
            home / "JPEGImages" / f"{name}.jpg",
            # Few of the images have been segmented.
            objects=picture if (picture := objects / f"{name}.png").exists() else None,
            annotation=home / "Annotations" / f"{name}.xml",
        )
        for name in names
    ]


def cub(root: Path, split: str) -> list[Record]:
    """``images.txt``, ``train_test_split.txt``, ``bounding_boxes.txt``, ``parts``, and pictures.

    Segmentations, which come apart from the rest, lie in ``segmentations`` as images do.
    """
    parents = ["", "CUB_200_2011", "CUB/CUB_200_2011"]
    home = folder(root, parents, ["images", "images.txt"], "CUB-200-2011")
    paths = {line.split()[0]: line.split()[1] for line in lines(home / "images.txt")}
    training = {
        line.split()[0]: line.split()[1] == "1" for line in lines(home / "train_test_split.txt")
    }
    boxes = {
        number: values for number, *values in map(str.split, lines(home / "bounding_boxes.txt"))
    }
    points: dict[str, list[tuple[float, float, int]]] = {}
    for number, part, x, y, visible in map(str.split, lines(home / "parts" / "part_locs.txt")):
        if visible == "1":
            points.setdefault(number, []).append((float(y), float(x), int(part)))
    records = []
    for number, path in paths.items():
        if training[number] != (split == "train"):
            continue
        left, top, width, height = (float(value) for value in boxes[number])
        known = np.array(points.get(number, []), np.float64).reshape(-1, 3)
        mask = home / "segmentations" / Path(path).with_suffix(".png")
        records.append(
            Record(
                Path(path).stem,
                home / "images" / path,
                mask=mask if mask.exists() else None,
                boxes=np.array([[top, left, top + height, left + width]]),
                points=known[:, :2],
                parts=known[:, 2].astype(np.int64),
            )
        )
    return records


def ecssd(root: Path, split: str) -> list[Record]:
    """``images/*.jpg`` and ``ground_truth_mask/*.png``."""
    home = folder(root, ["", "ECSSD-data", "ECSSD"], ["images", "ground_truth_mask"], "ECSSD")
    return masked(home / "images", home / "ground_truth_mask")


def duts(root: Path, split: str) -> list[Record]:
    """``DUTS-TE-Image`` and ``DUTS-TE-Mask``; ``DUTS-TR-…`` of the training images."""
    part = {"test": "DUTS-TE", "train": "DUTS-TR"}[split]
    wanted = [f"{part}-Image", f"{part}-Mask"]
    home = folder(root, ["", "DUTS", part, f"DUTS/{part}"], wanted, "DUTS")
    return masked(home / wanted[0], home / wanted[1])


def dut_omron(root: Path, split: str) -> list[Record]:
    """``DUT-OMRON-image`` and ``pixelwiseGT-new-PNG``."""
    wanted = ["DUT-OMRON-image", "pixelwiseGT-new-PNG"]
    home = folder(root, ["", "DUT-OMRON"], wanted, "DUT-OMRON")
    return masked(home / wanted[0], home / wanted[1])


def plain(root: Path, split: str) -> list[Record]:
    """``images`` and ``masks`` with files of the same names; every number of a mask an object."""
    home = folder(root, [""], ["images", "masks"], "A folder of images and masks")
    return [
        Record(record.name, record.image, mask=record.mask)
        for record in masked(home / "images", home / "masks")
    ]


def labeled(root: Path, split: str) -> list[Record]:
    """``images`` and ``labels`` with files of the same names; every number from 1 is an object."""
    home = folder(root, [""], ["images", "labels"], "A folder of images and labels")
    return [
        Record(record.name, record.image, objects=record.mask)
        for record in masked(home / "images", home / "labels")
    ]


# -------------------------------------------------------------------------------------------- tools


def folder(root: Path, parents: Sequence[str], wanted: Sequence[str], what: str) -> Path:
    """The first of `parents` below `root` that has all that is wanted.

    Raises
    ------
    InputError
        That says what is missing where.
    """
    if not root.is_dir():
        raise InputError(f"There is no folder {root}. Give --root the folder that holds {what}.")
    for parent in parents:
        if all((root / parent / name).exists() for name in wanted):
            return root / parent
    near = next((root / p for p in parents if (root / p / wanted[0]).exists()), root)
    missing = [name for name in wanted if not (near / name).exists()]
    raise InputError(
        f"{what} is not complete in {near}: {', '.join(missing)} is missing. {what} has "
        f"{', '.join(wanted)} in one folder; give the folder that holds them, or one above it."
    )


def pictures(home: Path) -> list[Path]:
    """The images in a folder, in natural order."""
    from ..io import natural_key

    if not home.is_dir():
        raise InputError(f"There is no folder {home}. Check --root and --split.")
    found = [path for path in home.iterdir() if path.suffix.lower() in _PICTURES]
    if not found:
        raise InputError(f"The folder {home} has no images ({', '.join(_PICTURES)}).")
    return sorted(found, key=lambda path: natural_key(path.name))


def masked(images: Path, masks: Path) -> list[Record]:
    """Images with the masks of the same names."""
    return [Record(path.stem, path, mask=beside(path, masks, _MASKS)) for path in pictures(images)]


_MASKS = (".png", ".tif", ".tiff", ".bmp", ".jpg")


def beside(image: Path, home: Path, endings: Iterable[str]) -> Path:
    """The file of an image's name in another folder; its first ending where there is none."""
    candidates = [home / f"{image.stem}{ending}" for ending in endings]
    return next((path for path in candidates if path.exists()), candidates[0])


def lines(path: Path) -> list[str]:
    """Lines of a text file that have something in them."""
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise InputError(
            f"{path} is missing or cannot be read. It belongs to the data set; check --root and "
            f"--split."
        ) from error
