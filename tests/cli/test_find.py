"""`napari-ncut keep` and `find`: clicks of one image, found in others."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import napari_ncut as ncut

from .conftest import blobs


@pytest.fixture
def kept(tmp_path: Path, image: Path, points: Path, call: Callable) -> Path:
    call("keep", image, "-p", points, "-o", tmp_path / "kept.npz")
    return tmp_path / "kept.npz"


def test_what_was_clicked_is_found_in_other_images(tmp_path: Path, kept: Path, call: Callable):
    folder = tmp_path / "others"
    folder.mkdir()
    Image.fromarray(blobs(seed=1)).save(folder / "full.png")
    Image.fromarray(np.full((44, 48), 40, np.uint8)).save(folder / "none.png")
    call("find", kept, folder, "-o", tmp_path / "out", "--scaling", "dtype")
    expected = ncut.Prototypes.load(kept).apply([blobs(seed=1)], scaling="dtype")
    found = ncut.read_image(tmp_path / "out" / "full_classes.tif").data
    np.testing.assert_array_equal(found, expected.masks[0])
    assert ncut.read_image(tmp_path / "out" / "none_classes.tif").data.shape == (44, 48)
    with (tmp_path / "out" / "confidence.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["image"], row["class"]) for row in rows] == [("full.png", "1"), ("none.png", "1")]
    assert float(rows[0]["confidence"]) == pytest.approx(float(expected.confidence[0, 0]), abs=1e-6)
    for row in rows:
        assert row["found"] == str(int(float(row["confidence"]) >= 0.5))


def test_what_cannot_be_used_is_refused(
    tmp_path: Path, image: Path, points: Path, kept: Path, refuse: Callable
):
    assert ".npz" in refuse("keep", image, "-p", points, "-o", tmp_path / "kept.txt")
    assert "exists already" in refuse("keep", image, "-p", points, "-o", kept)
    assert "no prototypes" in refuse("find", image, image, "-o", tmp_path / "out")
    nothing = tmp_path / "nothing.csv"
    nothing.write_text("index,axis-0,axis-1,positive,class\n0,12,14,0,1\n")
    assert "positive" in refuse("keep", image, "-p", nothing, "-o", tmp_path / "other.npz")
