"""The command `templates`."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_ncut.cli.templates import MEASURES
from napari_ncut.templates import Template, find_copies, paint_copies, scoring

from .conftest import blobs


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """One of the two discs, cut out, with some ground around it."""
    path = tmp_path / "template.png"
    part = blobs()[3:22, 5:24].copy()
    Image.fromarray(part).save(path)
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_measures_are_those_of_the_registry():
    assert tuple(MEASURES.split("|")) == tuple(scoring.MEASURES)


def test_places_and_labels(call: Callable, image: Path, template: Path, tmp_path: Path):
    segment = tmp_path / "segment.png"
    disc = np.hypot(*(np.indices((19, 19)) - 9)) < 7
    Image.fromarray((disc * 3).astype(np.uint8)).save(segment)
    out = tmp_path / "out"
    result = call(
        "templates", image, "-t", template, "--segment", segment, "-o", out,
        "--threshold", 0.8, "--rotations", "0:360:90", "--scales", "1",
    )  # fmt: skip
    assert result.stdout.split() == [str(out / "blobs_copies.tif"), str(out / "matches.csv")]
    rows = rows_of(out / "matches.csv")
    assert [row["image"] for row in rows] == ["blobs.png"] * 2
    assert [(float(r["row"]), float(r["column"])) for r in rows] == [(12, 14), (28, 36)]
    expected = Template.from_files(template, segment=segment)
    found = find_copies(blobs(), expected, threshold=0.8, rotations=range(0, 360, 90))
    labels = tifffile.imread(out / "blobs_copies.tif")
    np.testing.assert_array_equal(labels, paint_copies(expected, found, (40, 50)))
    assert set(np.unique(labels)) == {0, 3}
    assert "2 copies, the best with a score of 1.00" in result.stderr


def test_best_alone_instances_and_stacks(call: Callable, template: Path, tmp_path: Path):
    stack = np.stack([blobs(), blobs()[:, ::-1]])
    tifffile.imwrite(tmp_path / "stack.tif", stack, metadata={"axes": "ZYX"})
    call("templates", tmp_path / "stack.tif", "-t", template, "-o", tmp_path / "out", "--instances")
    rows = rows_of(tmp_path / "out" / "matches.csv")
    assert [row["plane"] for row in rows] == ["0", "1"]
    labels = tifffile.imread(tmp_path / "out" / "stack_copies.tif")
    assert labels.shape == stack.shape
    assert [set(np.unique(plane)) for plane in labels] == [{0, 1}, {0, 2}]


def test_several_templates(call: Callable, image: Path, template: Path, tmp_path: Path):
    call(
        "templates", image, "-t", template, "-t", image, "-o", tmp_path / "out",
        "--measure", "difference", "--scales", "0.9:1.1:0.1", "--threshold", 0.99,
    )  # fmt: skip
    rows = rows_of(tmp_path / "out" / "matches.csv")
    assert ("1", "1.0") in [(row["template"], row["score"]) for row in rows]


def test_refusals(refuse: Callable, image: Path, template: Path, tmp_path: Path):
    given = ("templates", image, "-o", tmp_path / "out", "-t", template)
    assert "FROM:TO:STEP" in refuse(*given, "--rotations", "a")
    assert "FROM:TO:STEP" in refuse(*given, "--rotations", "0:360:0")
    assert "FROM:TO:STEP" in refuse(*given, "--scales", "2:1:1")
    assert "2 templates and 1 files of --mask" in refuse(*given, "-t", template, "--mask", template)
    assert "from -1 to 1" in refuse(*given, "--threshold", 3)
    assert "same size" in refuse(*given, "--attention", image)
    assert "no file" in refuse(*given, "--segment", tmp_path / "none.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "matches.csv").write_text("mine")
    assert "--overwrite" in refuse(*given)
