"""The data sets that can be evaluated on: the registry, as data."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import check_choice
from .records import Record


@dataclass(frozen=True)
class DatasetEntry:
    """A data set as data: the command line, docs and tests are made from this.

    Attributes
    ----------
    title, text : str
        Its name, and what it has in a line.
    layout : tuple of str
        The files and folders that are looked for, below the folder given or in one below it.
    where : str
        Where it is to be had, and who made it.
    splits : tuple of str
        The first is the default.
    tasks : tuple of str
        What it has a truth for.
    function : str
        "module:function" of this package, ``(root, split)`` → records.
    """

    title: str
    text: str
    layout: tuple[str, ...]
    where: str
    splits: tuple[str, ...]
    tasks: tuple[str, ...]
    function: str

    def records(self, root: Path, split: str) -> list[Record]:
        """Its images; an `InputError` that says what is missing."""
        module, name = self.function.split(":")
        find: Callable[[Path, str], list[Record]] = getattr(
            importlib.import_module(f".{module}", __package__), name
        )
        return find(root, split)


_FOREGROUND = ("saliency", "localize")

DATASETS: dict[str, DatasetEntry] = {
    "bsds500": DatasetEntry(
        "BSDS500",
        "natural images with partitions by several people",
        ("images/SPLIT/*.jpg", "groundTruth/SPLIT/*.mat or segmentations/SPLIT/*.npz"),
        "Arbeláez et al. 2011; Berkeley's page on contour detection and image segmentation",
        ("test", "val", "train"),
        ("segmentation", "superpixels"),
        "layouts:bsds500",
    ),
    "voc2007": DatasetEntry(
        "PASCAL VOC 2007",
        "photographs with boxes of 20 classes, some with masks of every object",
        ("JPEGImages", "Annotations", "ImageSets/Main/SPLIT.txt", "SegmentationObject"),
        "Everingham et al. 2010; host.robots.ox.ac.uk/pascal/VOC/voc2007",
        ("trainval", "train", "val", "test"),
        ("localize", "objects"),
        "layouts:voc2007",
    ),
    "voc2012": DatasetEntry(
        "PASCAL VOC 2012",
        "the same, more",
        ("JPEGImages", "Annotations", "ImageSets/Main/SPLIT.txt", "SegmentationObject"),
        "Everingham et al. 2015; host.robots.ox.ac.uk/pascal/VOC/voc2012",
        ("trainval", "train", "val"),
        ("localize", "objects"),
        "layouts:voc2012",
    ),
    "cub": DatasetEntry(
        "CUB-200-2011",
        "one bird each, with box, mask and points on its parts",
        (
            "images.txt",
            "images",
            "train_test_split.txt",
            "bounding_boxes.txt",
            "parts/part_locs.txt",
            "segmentations",
        ),
        "Wah et al. 2011; vision.caltech.edu/datasets/cub_200_2011",
        ("test", "train"),
        (*_FOREGROUND, "parts"),
        "layouts:cub",
    ),
    "ecssd": DatasetEntry(
        "ECSSD",
        "salient objects on structured backgrounds",
        ("images", "ground_truth_mask"),
        "Shi et al. 2016; cse.cuhk.edu.hk/leojia/projects/hsaliency",
        ("all",),
        _FOREGROUND,
        "layouts:ecssd",
    ),
    "duts": DatasetEntry(
        "DUTS",
        "salient objects, to train on and to test",
        ("DUTS-TE-Image", "DUTS-TE-Mask", "DUTS-TR-Image", "DUTS-TR-Mask"),
        "Wang et al. 2017; saliencydetection.net/duts",
        ("test", "train"),
        _FOREGROUND,
        "layouts:duts",
    ),
    "dut-omron": DatasetEntry(
        "DUT-OMRON",
        "salient objects, hard ones",
        ("DUT-OMRON-image", "pixelwiseGT-new-PNG"),
        "Yang et al. 2013; saliencydetection.net/dut-omron",
        ("all",),
        _FOREGROUND,
        "layouts:dut_omron",
    ),
    "folder": DatasetEntry(
        "Images and masks",
        "a folder of your own: masks of the foreground",
        ("images", "masks"),
        "",
        ("all",),
        _FOREGROUND,
        "layouts:plain",
    ),
    "labels": DatasetEntry(
        "Images and labels",
        "a folder of your own: label images, a number for every object, region or part",
        ("images", "labels"),
        "",
        ("all",),
        (*_FOREGROUND, "objects", "segmentation", "superpixels", "parts"),
        "layouts:labeled",
    ),
}


def dataset_records(dataset: str, root: str | Path, split: str | None = None) -> list[Record]:
    """The images of a data set.

    Parameters
    ----------
    dataset
        One of `DATASETS`.
    root
        The folder that holds it; folders below are looked into as its own documentation lays them.
    split
        One of the entry's `splits`. Default: the first.

    Raises
    ------
    InputError
        If there is no such data set, or something of it is missing, which is named.
    """
    entry = DATASETS[check_choice("data set", dataset, DATASETS)]
    chosen = entry.splits[0] if split is None else check_choice("split", split, entry.splits)
    return entry.records(Path(root).expanduser(), chosen)
