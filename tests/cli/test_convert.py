"""The command `convert`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_ncut.cli.convert import FORMATS
from napari_ncut.io import (
    annotation_formats,
    export_annotations,
    import_annotations,
    read_labels,
    write_labels,
)

LABELS = np.zeros((9, 14), np.uint8)
LABELS[1:5, 2:6] = 1
LABELS[5:9, 6:14] = 2


def test_formats_are_those_of_the_registry():
    assert tuple(FORMATS.split("|")) == tuple(annotation_formats())


@pytest.mark.parametrize("to", ["label-png", "coco", "imagej", "geojson"])
def test_there_and_back(to: str, call: Callable, tmp_path: Path):
    write_labels(tmp_path / "a_labels.tif", LABELS)
    result = call(
        "convert", tmp_path / "a_labels.tif", "--to", to, "-o", tmp_path / "out",
        "--classes", "Zelle,2=Pore", "--colors", "#102030,#405060",
    )  # fmt: skip
    (path,) = (tmp_path / "out").iterdir()
    assert result.stdout.splitlines() == [str(path)]
    call("convert", path, "--to", "label-tiff", "-o", tmp_path / "back", "--size", 9, 14)
    labels, names, colors = read_labels(tmp_path / "back" / "a_labels.tif")
    np.testing.assert_array_equal(labels, LABELS)
    assert names == {1: "Zelle", 2: "Pore"} and colors == {1: "#102030", 2: "#405060"}


def test_masks_of_icas(call: Callable, tmp_path: Path):
    colors = {1: "#ff0000", 2: "#0000ff"}
    export_annotations(tmp_path / "in", LABELS, stem="a", format="icas", colors=colors)
    call("convert", tmp_path / "in", "--to", "label-png", "-o", tmp_path / "out")
    (path,) = (tmp_path / "out").iterdir()
    labels, _, found = read_labels(path)
    # In the order of their names: blue before red.
    np.testing.assert_array_equal(labels, np.array([0, 2, 1])[LABELS])
    assert found == {1: "#0000ff", 2: "#ff0000"}


def test_numbers_that_are_things(call: Callable, tmp_path: Path):
    write_labels(tmp_path / "a.tif", LABELS)
    call(
        "convert", tmp_path / "a.tif", "--to", "coco", "-o", tmp_path, "--things",
        "--classes", "nucleus",
    )  # fmt: skip
    found = import_annotations(tmp_path / "a_coco.json")
    np.testing.assert_array_equal(found.instances, LABELS)
    assert found.names == {1: "nucleus"}


def test_refusals(refuse: Callable, tmp_path: Path):
    write_labels(tmp_path / "a.tif", np.stack([LABELS] * 2))
    out = tmp_path / "out"
    assert "Did you mean" in refuse("convert", tmp_path / "a.tif", "--to", "geojso", "-o", out)
    assert "a stack" in refuse("convert", tmp_path / "a.tif", "--to", "masks", "-o", out)
    assert "no file" in refuse("convert", tmp_path / "b.tif", "--to", "masks", "-o", out)
    told = refuse("convert", tmp_path / "a.tif", "--to", "coco", "-o", out, "--classes", "x=y")
    assert "2=debris" in told
    twice = (tmp_path / "a.tif", tmp_path / "a.tif")
    assert "Two results" in refuse("convert", *twice, "--to", "coco", "-o", out)
    (tmp_path / "empty").mkdir()
    assert "no annotations" in refuse("convert", tmp_path / "empty", "--to", "coco", "-o", out)
