"""The command `measure`: tables of label images, classes, comparisons."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from napari_ncut import compare_labels, measure_segments, summarize
from napari_ncut.cli import app
from napari_ncut.cli.measure import GROUPS
from napari_ncut.measuring import GROUPS as REGISTRY

from .conftest import blobs

CELLS = (np.arange(1, 3)[:, None] + np.array([0, 2, 4])).repeat(20, 0).repeat(10, 1)
CELLS[:, ::10] = 0


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Labels of two images, the images, and other labels."""
    for name in ("labels", "images", "drawn", "classes"):
        (tmp_path / name).mkdir()
    for i in range(2):
        labels = np.roll(CELLS, i, axis=0).astype(np.uint8)
        Image.fromarray(labels).save(tmp_path / "labels" / f"{i}.png")
        tifffile.imwrite(tmp_path / "images" / f"{i}.tif", blobs(40, 30, seed=i))
        Image.fromarray(np.roll(labels, 2, axis=1)).save(tmp_path / "drawn" / f"{i}.png")
        Image.fromarray((labels > 3).astype(np.uint8) + 1).save(tmp_path / "classes" / f"{i}.png")
    return tmp_path


def test_groups_are_those_of_the_registry():
    assert GROUPS.split("|") == [*REGISTRY]


def test_a_table_for_each_image(call: Callable, folders: Path):
    result = call(
        "measure", folders / "labels", "-i", folders / "images", "-o", folders / "out",
        "--spacing", "0.5,2", "--unit", "nm",
    )  # fmt: skip
    paths = [folders / "out" / f"{i}_segments.csv" for i in range(2)]
    assert result.stdout.split() == [str(path) for path in paths]
    assert "12 segments in 2 image(s)" in result.stderr
    rows = read(paths[0])
    wanted = measure_segments(CELLS, blobs(40, 30), spacing=(0.5, 2))
    assert list(rows[0]) == [*wanted.columns, "unit"]
    for name, values in wanted.columns.items():
        np.testing.assert_allclose([float(row[name]) for row in rows], values)
    assert {row["unit"] for row in rows} == {"nm"}


def test_one_table_of_all_and_classes(call: Callable, folders: Path):
    out = folders / "all.csv"
    call(
        "measure", folders / "labels", "-o", out, "--measure", "size,circularity", "--by", "both",
        "--classes", folders / "classes",
    )  # fmt: skip
    rows = read(out)
    assert [row["file"] for row in rows] == ["0.png"] * 6 + ["1.png"] * 6
    assert "circularity" in rows[0] and "perimeter" not in rows[0]
    classes = read(folders / "all_classes.csv")
    assert [(row["file"], row["class"]) for row in classes] == [
        ("0.png", "1"), ("0.png", "2"), ("1.png", "1"), ("1.png", "2"),
    ]  # fmt: skip
    wanted = summarize(measure_segments(CELLS, classes=(CELLS > 3) + 1))
    assert [float(row["area"]) for row in classes[:2]] == wanted["area"].tolist()


def test_classes_alone(call: Callable, folders: Path):
    out = folders / "all.csv"
    result = call(
        "measure", folders / "labels" / "0.png", "-o", out, "--things", "pieces", "--by", "class"
    )
    assert result.stdout.split() == [str(out)]
    assert [row["count"] for row in read(out)] == ["1"] * 6


def test_volumes(call: Callable, tmp_path: Path):
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, np.stack([CELLS] * 3).astype(np.uint8), metadata={"axes": "ZYX"},
                     photometric="minisblack")  # fmt: skip
    call("measure", path, "-o", tmp_path, "--axes", "ZYX", "--volumes", "--spacing", "2,1,1")
    rows = read(tmp_path / "stack_segments.csv")
    assert [float(row["volume"]) for row in rows] == [20 * 9 * 3 * 2] * 6


def test_comparison(call: Callable, folders: Path):
    result = call("measure", folders / "labels", "-o", folders, "--compare", folders / "drawn")
    rows = read(folders / "comparison.csv")
    wanted = compare_labels(CELLS, np.roll(CELLS, 2, axis=1)).figures
    assert list(rows[0]) == ["file", *wanted]
    for name, value in wanted.items():
        assert float(rows[0][name]) == pytest.approx(value)
    assert "boundary_f" in result.stderr


def test_refusals(refuse: Callable, folders: Path):
    labels, out = folders / "labels", folders / "out"
    told = refuse("measure", labels, "-o", out, "-i", folders / "images" / "0.tif")
    assert "1 image(s) for 2 label image(s)" in told
    assert "labels, pieces" in refuse("measure", labels, "-o", out, "--things", "parts")
    assert "segment, class, both" in refuse("measure", labels, "-o", out, "--by", "name")
    assert "such as 0.25" in refuse("measure", labels, "-o", out, "--spacing", "a")
    assert "Did you mean 'size'" in refuse("measure", labels, "-o", out, "--measure", "sizes")
    assert "ends in .csv" in refuse("measure", labels, "-o", folders / "all.xlsx")
    (folders / "there.csv").write_text("")
    assert "--overwrite" in refuse("measure", labels, "-o", folders / "there.csv")
    color = folders / "color.png"
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(color)
    assert "no label image" in refuse("measure", color, "-o", out)


def test_help_has_examples():
    result = CliRunner().invoke(app, ["measure", "--help"])
    assert result.exit_code == 0
    assert "napari-ncut measure" in result.output.partition("Example")[2]
