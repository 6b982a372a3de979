"""`napari-ncut semantic` writes what `semantic_classes` finds, or says why not."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

import napari_ncut as ncut
from napari_ncut.cli import app
from napari_ncut.sam import CLUSTERERS, DESCRIPTORS

from .conftest import blobs


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """Four squares, of which two hold a disc."""
    labels = np.zeros((40, 50), np.uint8)
    for i, (row, column) in enumerate([(12, 14), (28, 36), (12, 36), (28, 14)], start=1):
        labels[row - 5 : row + 6, column - 5 : column + 6] = i
    Image.fromarray(labels).save(tmp_path / "blobs_masks.png")
    return tmp_path / "blobs_masks.png"


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "classes.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_masks_of_one_image(tmp_path: Path, image: Path, masks: Path, call: Callable):
    out = tmp_path / "out"
    result = call("semantic", image, "-m", masks, "-o", out, "--classes", 2)
    found = ncut.semantic_classes(blobs(), np.asarray(Image.open(masks)), n_classes=2)
    classes, instances = (ncut.read_image(out / f"blobs_{n}.tif") for n in ("classes", "instances"))
    np.testing.assert_array_equal(classes.data, found.labels)
    np.testing.assert_array_equal(instances.data, found.instances)
    assert (classes.axes, classes.data.dtype) == ("YX", np.uint8)
    assert classes.data[12, 14] == classes.data[28, 36] != classes.data[12, 36]
    rows = rows_of(out)
    assert [row["image"] for row in rows] == ["blobs.png"] * 4
    assert [int(row["class"]) for row in rows] == found.classes.tolist()
    assert [float(row["component 1"]) for row in rows] == pytest.approx(
        found.features()["component 1"].tolist()
    )
    document = json.loads((out / "classes.json").read_text())
    assert [a["category_id"] for a in document["annotations"]] == found.classes.tolist()
    assert [c["name"] for c in document["categories"]] == ["class 1", "class 2"]
    assert result.stdout.splitlines() == [
        str(out / name)
        for name in ("blobs_classes.tif", "blobs_instances.tif", "classes.csv", "classes.json")
    ]
    assert result.stderr == "4 masks in 2 classes.\n"


def test_regions_of_images_and_stacks(tmp_path: Path, image: Path, call: Callable):
    stack = np.stack([blobs(41, 51, seed=i) for i in range(2)])
    tifffile.imwrite(tmp_path / "s.tif", stack, photometric="minisblack", metadata={"axes": "ZYX"})
    out = tmp_path / "out"
    call("semantic", image, tmp_path / "s.tif", "-o", out, "--remainder", "--level", 0.3)
    single, double = (ncut.read_image(out / f"{n}_classes.tif") for n in ("blobs", "s"))
    assert (single.axes, double.axes) == ("YX", "ZYX")
    assert double.data.shape == (2, 41, 51)
    discs = {single.data[12, 14], *double.data[:, 12, 14]}
    assert len(discs) == 1 and single.data[0, 0] not in discs
    names = [one["file_name"] for one in json.loads((out / "classes.json").read_text())["images"]]
    assert names == ["blobs.png", "s.tif:0", "s.tif:1"]


def test_masks_of_a_stack(tmp_path: Path, call: Callable):
    stack = np.stack([blobs(seed=i) for i in range(2)])
    tifffile.imwrite(tmp_path / "s.tif", stack, photometric="minisblack", metadata={"axes": "ZYX"})
    tifffile.imwrite(tmp_path / "m.tif", (stack > 90).astype(np.uint8), photometric="minisblack")
    call("semantic", tmp_path / "s.tif", "-m", tmp_path / "m.tif", "-o", tmp_path / "out")
    assert len(rows_of(tmp_path / "out")) == 2


def test_a_preset_and_settings(tmp_path: Path, image: Path, masks: Path, call: Callable):
    arguments = ("semantic", image, "-m", masks)
    result = call(*arguments, "-o", tmp_path / "a", "--preset", "sam-notebook")
    assert "4 masks in 0 classes; 4 are noise, group 1." in result.stderr
    call(*arguments, "-o", tmp_path / "b", "--preset", "sam-notebook", "--set", "min_samples=1")
    assert {row["name"] for row in rows_of(tmp_path / "b")} >= {"class 1"}


def test_classes_of_one_image_for_the_next(
    tmp_path: Path, image: Path, masks: Path, call: Callable
):
    stored = tmp_path / "kept" / "classes.npz"
    arguments = ("semantic", image, "-m", masks, "-o")
    shown = call(*arguments, tmp_path / "a", "--classes", 2, "--save-classes", stored)
    assert shown.stdout.splitlines()[-1] == str(stored)
    known = ncut.SemanticClasses.load(stored)
    assert [int(row["class"]) for row in rows_of(tmp_path / "a")] == known.classes.tolist()
    Image.fromarray(blobs(seed=1)).save(tmp_path / "next.png")
    shown = call(
        "semantic", tmp_path / "next.png", "-m", masks, "-o", tmp_path / "b",
        "--load-classes", stored,
    )  # fmt: skip
    rows = [int(row["class"]) for row in rows_of(tmp_path / "b")]
    found = known.apply(blobs(seed=1), np.asarray(Image.open(masks)))
    assert rows == found.classes.tolist()
    # What looks otherwise than all of them is none.
    nothing = np.random.default_rng(0).integers(0, 255, (40, 50, 3)).astype(np.uint8)
    Image.fromarray(nothing).save(tmp_path / "noise.png")
    shown = call(
        "semantic", tmp_path / "noise.png", "-m", masks, "-o", tmp_path / "c",
        "--load-classes", stored,
    )  # fmt: skip
    assert "are noise, group 3" in shown.stderr


def test_stored_classes_bring_their_own_settings(
    tmp_path: Path, image: Path, masks: Path, call: Callable, refuse: Callable
):
    stored = tmp_path / "classes.npz"
    arguments = ("semantic", image, "-m", masks, "-o", tmp_path / "out", "--load-classes", stored)
    assert "There is no file" in refuse(*arguments)
    stored.write_bytes(b"PK half")
    assert "holds no classes" in refuse(*arguments)
    for options, name in (
        (["--classes", "2"], "--classes"),
        (["--clusterer", "kmeans"], "--clusterer"),
        (["--set", "distance=1"], "--set"),
        (["--no-whiten"], "--no-whiten"),
        (["--descriptor", "kind"], "--descriptor"),
    ):
        assert name in refuse(*arguments, *options)
    said = refuse(*arguments[:6], "--save-classes", tmp_path / "classes.txt")
    assert "classes.npz" in said
    assert "exists already" in refuse(*arguments[:6], "--save-classes", stored)
    assert stored.read_bytes() == b"PK half" and not (tmp_path / "out").exists()


def test_help_names_every_choice():
    shown = CliRunner().invoke(app, ["semantic", "--help"], env={"COLUMNS": "400"}).stdout
    for name in [*CLUSTERERS, *DESCRIPTORS]:
        assert name in shown
    for entry in CLUSTERERS.values():
        assert all(name in shown for name in [*entry.parameters, *entry.presets])


def test_images_with_nothing_and_one_mask_only(tmp_path: Path, image: Path, call: Callable):
    labels = np.zeros((40, 50), np.uint8)
    Image.fromarray(labels).save(tmp_path / "nothing.png")
    labels[5:20, 5:20] = 7
    Image.fromarray(labels).save(tmp_path / "one.png")
    shown = call("semantic", image, "-m", tmp_path / "nothing.png", "-o", tmp_path / "a")
    assert shown.stderr == "0 masks in 0 classes.\n" and rows_of(tmp_path / "a") == []
    assert not ncut.read_image(tmp_path / "a" / "blobs_classes.tif").data.any()
    shown = call("semantic", image, "-m", tmp_path / "one.png", "-o", tmp_path / "b")
    assert shown.stderr == "1 masks in 1 classes.\n"
    assert [row["name"] for row in rows_of(tmp_path / "b")] == ["class 1"]


def test_missing_weights_are_told(
    tmp_path: Path, image: Path, masks: Path, refuse: Callable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("NAPARI_NCUT_MODELS", str(tmp_path / "models"))
    arguments = ("semantic", image, "-m", masks, "-o", tmp_path / "out")
    said = refuse(*arguments, "--descriptor", "sam:vit_b")
    assert "sam:vit_b" in said and not (tmp_path / "out").exists()


WRONG = {
    "clusterer": (["--clusterer", "dbscn"], "Did you mean 'dbscan'"),
    "preset": (["--preset", "sam"], "sam-notebook"),
    "descriptor": (["--descriptor", "compct"], "Did you mean 'compact'"),
    "setting": (["--set", "distance"], "NAME=VALUE"),
    "unknown setting": (["--set", "eps=1"], "parameter of agglomerative"),
    "no number": (["--set", "distance=far"], "Give a number"),
    "out of range": (["--set", "distance=-1"], "from 0"),
    "classes": (["--classes", "0"], "whole number from 1"),
    "classes of dbscan": (["--clusterer", "dbscan", "--classes", "2"], "finds the number"),
    "level beside masks": (["--level", "0.3"], "Leave one of them out"),
    "weight": (["--size-weight", "-1"], "size_weight"),
    "missing": (["-m", "none.png"], "Give --masks once for every image"),
}


@pytest.mark.parametrize(("options", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_is_refused(
    tmp_path: Path, image: Path, masks: Path, refuse: Callable, options: list[str], said: str
):
    arguments = ("semantic", image, "-m", masks, "-o", tmp_path / "out")
    assert said in refuse(*arguments, *options)


def test_masks_of_another_size(tmp_path: Path, image: Path, refuse: Callable):
    Image.fromarray(np.ones((5, 5), np.uint8)).save(tmp_path / "small.png")
    said = refuse("semantic", image, "-m", tmp_path / "small.png", "-o", tmp_path / "out")
    assert "5 × 5" in said and "40 × 50" in said


def test_nothing_is_overwritten(tmp_path: Path, image: Path, masks: Path, refuse: Callable):
    (tmp_path / "classes.csv").write_text("mine")
    said = refuse("semantic", image, "-m", masks, "-o", tmp_path)
    assert "classes.csv exists already" in said
