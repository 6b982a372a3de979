"""Data sets in the layouts that they are published in: what is read, and what is missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_ncut import InputError
from napari_ncut.datasets import DATASETS, dataset_records, read_record

from .fakes import MAKERS, SHAPE, box, disk


def test_every_data_set_has_a_test():
    assert set(MAKERS) == set(DATASETS)


@pytest.mark.parametrize("name", list(DATASETS))
def test_read(name: str, roots: dict[str, Path]):
    records = dataset_records(name, roots[name])
    assert [record.name for record in records] == ["one", "two"]
    example = read_record(records[0])
    assert example.image.shape == (*SHAPE, 3)
    assert example.axes == "YXC"
    tasks = DATASETS[name].tasks
    if "saliency" in tasks:
        assert_array_equal(example.mask, disk("one")[1])
    if "localize" in tasks:
        assert_array_equal(example.boxes[0], box("one"))
    if name == "bsds500":
        assert example.segmentations.shape == (2, *SHAPE)
        assert example.segmentations[1].max() == 3
    if name.startswith("voc"):
        assert_array_equal(
            example.objects > 0, disk("one")[1] & (np.arange(SHAPE[0]) < SHAPE[0] - 1)[:, None]
        )
        assert len(example.boxes) == 2
        assert len(read_record(records[0], hard=False).boxes) == 1


def test_points_are_row_and_column(roots: dict[str, Path]):
    example = read_record(dataset_records("cub", roots["cub"])[0])
    assert_array_equal(example.points, [[26, 30], [26, 40]])
    assert_array_equal(example.parts, [1, 2])
    with pytest.raises(InputError, match="split"):
        dataset_records("cub", roots["cub"], "val")
    assert dataset_records("cub", roots["cub"], "train") == []


@pytest.mark.parametrize("name", list(DATASETS))
def test_missing_folder_is_named(name: str, roots: dict[str, Path], tmp_path: Path):
    with pytest.raises(InputError, match="no folder"):
        dataset_records(name, tmp_path / "nowhere")
    root = tmp_path / "copy"
    shutil.copytree(roots[name], root)
    missing = {"bsds500": "groundTruth", "cub": "images.txt", "labels": "labels"}
    wanted = missing.get(name) or next(
        part
        for part in DATASETS[name].layout
        if "mask" in part.lower() or part in ("pixelwiseGT-new-PNG", "Annotations")
    )
    for path in list(root.rglob(wanted)):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    with pytest.raises(InputError, match=wanted):
        dataset_records(name, root)


def test_unknown_data_set():
    with pytest.raises(InputError, match="ecssd"):
        dataset_records("ECSD", ".")


def test_our_own_form_of_segmentations(tmp_path: Path):
    segments = np.ones((3, *SHAPE), np.uint8)
    (tmp_path / "images/val").mkdir(parents=True)
    (tmp_path / "segmentations/val").mkdir(parents=True)
    from PIL import Image

    Image.fromarray(disk("one")[0]).save(tmp_path / "images/val/one.jpg")
    np.savez(tmp_path / "segmentations/val/one.npz", segs=segments)
    (record,) = dataset_records("bsds500", tmp_path, "val")
    assert read_record(record).segmentations.shape == (3, *SHAPE)
