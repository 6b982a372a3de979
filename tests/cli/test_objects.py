"""The commands that find things, parts and regions, and that measure."""

from __future__ import annotations

import csv
import inspect
import json
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from napari_ncut.cli import app, evaluate, objects
from napari_ncut.datasets import DATASETS, TASKS
from napari_ncut.objects import METHODS


def run(*arguments: object) -> object:
    return CliRunner().invoke(app, [str(part) for part in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disk, and noise; with the disk's mask."""
    root = tmp_path_factory.mktemp("images")
    random = np.random.RandomState(0)
    mask = np.hypot(np.arange(64)[:, None] - 30, np.arange(80) - 42) < 16
    disk = np.where(mask, 190, 60) + 5 * random.randn(64, 80)
    (root / "images").mkdir()
    (root / "masks").mkdir()
    Image.fromarray(disk.clip(0, 255).astype(np.uint8)).save(root / "images/disk.png")
    Image.fromarray((mask * 255).astype(np.uint8)).save(root / "masks/disk.png")
    noise = 120 + 8 * random.randn(64, 80)
    Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(root / "noise.png")
    return root


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_localize(folder: Path, tmp_path: Path):
    result = run("localize", folder / "images/disk.png", folder / "noise.png", "-o", tmp_path)
    assert result.exit_code == 0, result.output
    found = tifffile.imread(tmp_path / "disk_objects.tif")
    assert found.shape == (64, 80)
    assert set(np.unique(found)) == {0, 1}
    assert not tifffile.imread(tmp_path / "noise_objects.tif").any()
    (row,) = rows_of(tmp_path / "objects.csv")
    assert row["image"] == "disk.png"
    assert abs(int(row["top"]) - 15) <= 2
    assert float(row["confidence"]) > 0.5
    assert "Nothing here: noise.png" in result.output
    assert len(json.loads((tmp_path / "objects.json").read_text())["annotations"]) == 1


def test_objects_with_parameters(folder: Path, tmp_path: Path):
    image = folder / "images/disk.png"
    options = ("--method", "tokencut", "--set", "tau=.5", "--min-confidence", 0)
    result = run("objects", image, "-o", tmp_path, *options)
    assert result.exit_code == 0, result.output
    again = run("objects", image, "-o", tmp_path, *options)
    assert again.exit_code == 2
    assert "--overwrite" in again.output


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("localize", "--method", "magic"), "deep_spectral"),
        (("objects", "--set", "tau=.5"), "n_regions"),
        (("objects", "--set", "n_regions=many"), "whole number"),
        (("parts", "--everything", "--position-weight", "1"), "--everything"),
        (("granularity",), "--level"),
        (("granularity", "--level", "2"), "from 0"),
    ],
)
def test_refused(command: tuple, told: str, folder: Path, tmp_path: Path):
    result = run(*command, folder / "images/disk.png", "-o", tmp_path)
    assert result.exit_code == 2
    assert told in result.output
    assert not list(tmp_path.iterdir())


def test_parts(folder: Path, tmp_path: Path):
    image, mask = folder / "images/disk.png", folder / "masks/disk.png"
    result = run("parts", image, "-m", mask, "-o", tmp_path, "--parts", 2)
    assert result.exit_code == 0, result.output
    labels = tifffile.imread(tmp_path / "disk_parts.tif")
    np.testing.assert_array_equal(labels > 0, np.asarray(Image.open(mask)) > 0)
    (row,) = rows_of(tmp_path / "parts.csv")
    assert float(row["part 1"]) >= float(row["part 2"]) > 0


def test_granularity(folder: Path, tmp_path: Path):
    image = folder / "images/disk.png"
    result = run("granularity", image, "-o", tmp_path, "-l", 0, "-l", 0.5, "-n", 3, "--boundaries")
    assert result.exit_code == 0, result.output
    fine, coarse, three = (
        tifffile.imread(tmp_path / f"disk_{kind}.tif")
        for kind in ("level0", "level0.5", "regions3")
    )
    assert three.max() == 3
    # Every fine region lies in one coarse region.
    assert len(np.unique(fine)) == len(np.unique(fine.astype(np.int64) * 10_000 + coarse))
    assert tifffile.imread(tmp_path / "disk_boundaries.tif").max() <= 1


def test_evaluate(folder: Path, tmp_path: Path):
    table = tmp_path / "all.csv"
    result = run("evaluate", "saliency", "--dataset", "folder", "--root", folder, "-o", table)
    assert result.exit_code == 0, result.output
    assert "max F" in result.output
    (row,) = rows_of(table)
    assert float(row["IoU"]) > 0.85
    nowhere = run("evaluate", "saliency", "--dataset", "ecssd", "--root", folder)
    assert nowhere.exit_code == 2
    assert "ground_truth_mask" in nowhere.output
    useless = run(
        "evaluate",
        "segmentation",
        "--dataset",
        "bsds500",
        "--root",
        folder,
        "--backbone",
        "compact",
    )
    assert useless.exit_code == 2
    assert "--backbone" in useless.output


def test_options_name_what_the_registries_have():
    assert get_args(objects.Method)[1].metavar.split("|") == list(METHODS)
    options = inspect.signature(evaluate.evaluate_command).parameters
    declared = {
        name: get_args(get_type_hints(evaluate.evaluate_command, include_extras=True)[name])[1]
        for name in ("task", "dataset", "method")
    }
    assert set(declared) <= set(options)
    assert declared["method"].metavar.split("|") == list(METHODS)
    assert declared["dataset"].metavar.split("|") == list(DATASETS)
    assert all(name in declared["task"].help for name in TASKS)
