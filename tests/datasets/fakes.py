"""Tiny data sets in the layouts of the real ones: a bright disk on dark in every image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat

SHAPE = (56, 72)
# Row, column and radius of the disk in each image; boxes are (top, left, bottom, right).
DISKS = {"one": (26, 30, 13), "two": (30, 44, 14)}


def disk(name: str) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    row, column, radius = DISKS[name]
    random = np.random.RandomState(row)
    mask = np.hypot(np.arange(SHAPE[0])[:, None] - row, np.arange(SHAPE[1]) - column) < radius
    image = np.where(mask[..., None], (200, 170, 60), (40, 60, 90)) + 4 * random.randn(*SHAPE, 3)
    return image.clip(0, 255).astype(np.uint8), mask


def box(name: str) -> tuple[int, int, int, int]:
    row, column, radius = DISKS[name]
    return row - radius + 1, column - radius + 1, row + radius, column + radius


def save(path: Path, array: NDArray, mode: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(array)
    if mode == "P":
        picture = Image.fromarray(array, mode="L").convert("P")
        picture.putdata(array.ravel().tolist())
    picture.save(path)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def saliency(root: Path, images: str, masks: str) -> None:
    for name in DISKS:
        image, mask = disk(name)
        save(root / images / f"{name}.jpg", image)
        # Gray at an edge is no object: only what is brighter than half counts.
        gray = np.where(mask, 255, 0).astype(np.uint8)
        gray[0] = 100
        save(root / masks / f"{name}.png", gray)


def voc(root: Path, year: str) -> None:
    home = root / "VOCdevkit" / f"VOC{year}"
    write(home / "ImageSets/Main/trainval.txt", "one\ntwo\n")
    for name in DISKS:
        image, mask = disk(name)
        save(home / "JPEGImages" / f"{name}.jpg", image)
        top, left, bottom, right = box(name)
        # VOC counts from 1, ends included.
        sides = {"ymin": top + 1, "xmin": left + 1, "ymax": bottom, "xmax": right}
        ends = "".join(f"<{side}>{value}</{side}>" for side, value in sides.items())
        hard = (
            "<object><difficult>1</difficult><bndbox><ymin>1</ymin><xmin>1</xmin><ymax>3</ymax>"
            "<xmax>3</xmax></bndbox></object>"
        )
        thing = f"<object><difficult>0</difficult><bndbox>{ends}</bndbox></object>"
        write(home / "Annotations" / f"{name}.xml", f"<annotation>{thing}{hard}</annotation>")
        numbers = np.where(mask, 1, 0).astype(np.uint8)
        numbers[-1] = 255
        save(home / "SegmentationObject" / f"{name}.png", numbers)


def cub(root: Path) -> None:
    home = root / "CUB_200_2011"
    lists: dict[str, list[str]] = {name: [] for name in ("images", "split", "boxes", "parts")}
    for number, name in enumerate(DISKS, 1):
        image, mask = disk(name)
        save(home / "images" / "001.Disk" / f"{name}.jpg", image)
        save(
            home / "segmentations" / "001.Disk" / f"{name}.png",
            np.where(mask, 255, 0).astype(np.uint8),
        )
        top, left, bottom, right = box(name)
        row, column, radius = DISKS[name]
        lists["images"].append(f"{number} 001.Disk/{name}.jpg")
        lists["split"].append(f"{number} 0")
        lists["boxes"].append(f"{number} {left}.0 {top}.0 {right - left}.0 {bottom - top}.0")
        lists["parts"] += [
            f"{number} 1 {column} {row} 1",
            f"{number} 2 {column + radius - 3} {row} 1",
            f"{number} 3 0 0 0",
        ]
    write(home / "images.txt", "\n".join(lists["images"]))
    write(home / "train_test_split.txt", "\n".join(lists["split"]))
    write(home / "bounding_boxes.txt", "\n".join(lists["boxes"]))
    write(home / "parts/part_locs.txt", "\n".join(lists["parts"]))


def bsds(root: Path) -> None:
    for name in DISKS:
        image, mask = disk(name)
        save(root / "BSDS500/data/images/test" / f"{name}.jpg", image)
        truth = np.empty((1, 2), object)
        for i in range(2):
            # The second annotator has split the background.
            labels = mask.astype(np.uint16) + 1
            if i:
                labels[: SHAPE[0] // 2][~mask[: SHAPE[0] // 2]] = 3
            truth[0, i] = np.array([[(labels,)]], [("Segmentation", object)])
        target = root / "BSDS500/data/groundTruth/test" / f"{name}.mat"
        target.parent.mkdir(parents=True, exist_ok=True)
        savemat(target, {"groundTruth": truth})


def labels(root: Path) -> None:
    for name in DISKS:
        image, mask = disk(name)
        save(root / "images" / f"{name}.png", image)
        save(root / "labels" / f"{name}.png", mask.astype(np.uint8))


MAKERS: dict[str, Callable[[Path], None]] = {
    "bsds500": bsds,
    "voc2007": lambda root: voc(root, "2007"),
    "voc2012": lambda root: voc(root, "2012"),
    "cub": cub,
    "ecssd": lambda root: saliency(root, "images", "ground_truth_mask"),
    "duts": lambda root: saliency(root, "DUTS-TE-Image", "DUTS-TE-Mask"),
    "dut-omron": lambda root: saliency(root, "DUT-OMRON-image", "pixelwiseGT-new-PNG"),
    "folder": lambda root: saliency(root, "images", "masks"),
    "labels": labels,
}
