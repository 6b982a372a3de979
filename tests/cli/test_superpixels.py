"""The commands `superpixels` and `ssn`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_ncut import segment_superpixels, superpixel_methods
from napari_ncut.cli import app
from napari_ncut.cli.superpixels import METHODS

from .conftest import blobs


def test_methods_are_those_of_the_registry():
    assert tuple(METHODS.split("|")) == tuple(superpixel_methods())


def test_label_maps_of_images(call: Callable, image: Path, tmp_path: Path):
    result = call(
        "superpixels", image, "-o", tmp_path / "out", "--method", "slic", "-n", 20,
        "--set", "compactness=30", "--set", "rounds=5",
    )  # fmt: skip
    path = tmp_path / "out" / "blobs_superpixels.tif"
    assert result.stdout.split() == [str(path)]
    labels = tifffile.imread(path)
    expected = segment_superpixels(blobs(), method="slic", n_segments=20, compactness=30, rounds=5)
    np.testing.assert_array_equal(labels, expected)
    assert f"{labels.max()} superpixels" in result.stderr and "about" in result.stderr


def test_stacks_and_supervoxels(call: Callable, tmp_path: Path):
    path = tmp_path / "volume.tif"
    volume = np.stack([blobs()] * 4)
    tifffile.imwrite(path, volume)
    call(
        "superpixels", path, "-o", tmp_path / "a", "--axes", "ZYX", "-n", 12,
        "--method", "compact-watershed", "--supervoxels", "--spacing", 2, 1, 1,
    )  # fmt: skip
    labels = tifffile.imread(tmp_path / "a" / "volume_superpixels.tif")
    assert labels.shape == volume.shape and labels.max() == 12


def test_refusals(refuse: Callable, image: Path, tmp_path: Path):
    out = tmp_path / "out"
    assert "Did you mean 'slic'" in refuse("superpixels", image, "-o", out, "--method", "slick")
    told = refuse("superpixels", image, "-o", out, "--method", "slic", "--set", "scale=3")
    assert "compactness, rounds, sigma" in told
    assert "NAME=VALUE" in refuse("superpixels", image, "-o", out, "--set", "evenness")
    told = refuse("superpixels", image, "-o", out, "--set", "evenness=a")
    assert "Give a number" in told
    assert "1 to 2000" in refuse("superpixels", image, "-o", out, "-n", 10**6)
    assert "ssn train" in refuse("ssn", "infer", image, "-o", out, "--checkpoint", image)
    assert "go together" in refuse("ssn", "train", "-o", out, "--source", "backbone")
    assert "nothing to train on" in refuse("ssn", "train", "-o", out, "--data", tmp_path)


@pytest.mark.parametrize("command", ["superpixels", "ssn train", "ssn infer"])
def test_help_has_examples(command: str):
    result = CliRunner().invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert f"napari-ncut {command}" in result.output.partition("Example")[2]


def test_train_and_infer(call: Callable, tmp_path: Path):
    for kind in ("images", "labels"):
        (tmp_path / "mine" / kind).mkdir(parents=True)
    for i in range(8):
        one = blobs(seed=i)
        tifffile.imwrite(tmp_path / "mine" / "images" / f"{i}.tif", one)
        tifffile.imwrite(tmp_path / "mine" / "labels" / f"{i}.tif", (one > 90).astype(np.uint8))
    arguments = ("--source", "deep", "--steps", 2, "--crops", 1, "--side", 32, "--every", 1)
    run = tmp_path / "run"
    result = call("ssn", "train", "--data", tmp_path / "mine", "-o", run, *arguments)
    assert result.stdout.split() == [str(run / "ssn.safetensors"), str(run / "log.csv")]
    assert "2 of 2: losses" in result.stderr
    call(
        "ssn", "infer", tmp_path / "mine" / "images" / "0.tif", "-o", tmp_path / "out", "-n", 9,
        "--checkpoint", run / "ssn.safetensors", "--iterations", 3,
    )  # fmt: skip
    labels = tifffile.imread(tmp_path / "out" / "0_superpixels.tif")
    assert labels.shape == (40, 50) and 4 <= labels.max() <= 18
