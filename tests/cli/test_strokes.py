"""`napari-ncut segment` with boxes and scribbles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

import napari_ncut as ncut

from .conftest import EMBEDDING, blobs

SIMPLE = (*EMBEDDING, "--backbone", "filterbank", "--method", "tutorial")


def segmenter() -> ncut.PromptSegmenter:
    return ncut.PromptSegmenter(
        ncut.embed(blobs(), n_components=5, stride=2, backbone="filterbank")
    )


def test_boxes_and_scribbles(tmp_path: Path, image: Path, call: Callable):
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("row0,column0,row1,column1,class,positive\n4,6,20,22,2,1\n30,2,38,10,,0\n")
    painted = np.zeros((40, 50), dtype=np.uint8)
    painted[28, 32:40], painted[2, 2:30] = 1, 255
    tifffile.imwrite(tmp_path / "scribbles.tif", painted)
    call(
        *("segment", image, "-o", tmp_path / "out", "--boxes", boxes, "--mode", "object"),
        *("--scribbles", tmp_path / "scribbles.tif", *SIMPLE),
    )
    expected = segmenter().predict(
        strokes=[
            ncut.Box(4, 6, 20, 22, label=2),
            ncut.Box(30, 2, 38, 10, label=0, positive=False),
            *ncut.Scribble.from_labels(painted, negative=255),
        ],
        mode="object",
        method="tutorial",
    )
    found = ncut.read_image(tmp_path / "out" / "blobs_classes.tif").data
    np.testing.assert_array_equal(found, expected)
    assert set(np.unique(found)) == {0, 1, 2}


def test_boxes_beside_points(tmp_path: Path, image: Path, points: Path, call: Callable):
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("row0,column0,row1,column1\n20,28,36,44\n")
    call("segment", image, "-p", points, "-o", tmp_path / "out", "--boxes", boxes, *SIMPLE)
    expected = segmenter().predict(
        [[12, 14], [2, 2]], [True, False], classes=[1, 1],
        strokes=[ncut.Box(20, 28, 36, 44)], method="tutorial",
    )  # fmt: skip
    found = ncut.read_image(tmp_path / "out" / "blobs_classes.tif").data
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "text, hint",
    [
        ("row0,column0,row1\n1,2,3\n", "column1"),
        ("row0,column0,row1,column1\n", "at least one box"),
        ("row0,column0,row1,column1\n1,2,x,4\n", "'x'"),
        ("row0,column0,row1,column1\n1,2,1,4\n", "no area"),
        ("row0,column0,row1,column1\n100,2,200,4\n", "outside"),
        ("row0,column0,row1,column1,plane\n1,2,5,4,3\n", "plane 3"),
        ("row0,column0,row1,column1,class\n1,2,5,4,cell\n", "'cell'"),
        ("row0,column0,row1,column1,positive\n1,2,5,4,0\n", "no positive point"),
    ],
)
def test_boxes_that_cannot_be_used(tmp_path: Path, image: Path, refuse: Callable, text, hint):
    boxes = tmp_path / "boxes.csv"
    boxes.write_text(text)
    said = refuse("segment", image, "-o", tmp_path / "out", "--boxes", boxes, *SIMPLE)
    assert hint in " ".join(said.split())


def test_scribbles_of_another_size(tmp_path: Path, image: Path, refuse: Callable):
    tifffile.imwrite(tmp_path / "scribbles.tif", np.ones((4, 5), np.uint8))
    said = refuse(
        "segment", image, "-o", tmp_path / "out", "--scribbles", tmp_path / "scribbles.tif", *SIMPLE
    )
    assert "same size" in " ".join(said.split())


def test_nothing_to_go_by(tmp_path: Path, image: Path, refuse: Callable):
    said = refuse("segment", image, "-o", tmp_path / "out", *SIMPLE)
    assert "--boxes" in said
