"""`napari-ncut embed --groups` writes the groups of the functions, at the size of the images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import napari_ncut as ncut

from .conftest import EMBEDDING, blobs


def at_full_size(cells: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Cells of two pixels, as `EMBEDDING` makes them."""
    return np.kron(cells, np.ones((2, 2), cells.dtype))[: shape[0], : shape[1]]


def test_nested_groups_of_one_image(tmp_path: Path, image: Path, call: Callable):
    result = call("embed", image, "-o", tmp_path / "e.npz", *EMBEDDING, "--groups", 7)
    embedding = ncut.embed(blobs(), n_components=5, stride=2)
    cells = embedding.hierarchy().labels(7).reshape(20, 25)
    found = ncut.read_image(tmp_path / "e_blobs_groups.tif")
    assert (found.axes, found.data.dtype) == ("YX", np.uint8)
    np.testing.assert_array_equal(found.data, at_full_size(cells, (40, 50)))
    assert found.data.max() == 7
    assert result.stdout.splitlines() == [
        str(tmp_path / name) for name in ("e.npz", "e_blobs_groups.tif")
    ]
    assert result.stderr == ""


@pytest.mark.parametrize("grouping", ["cluster_qr", "rotation", "kmeans"])
def test_groups_found_otherwise(tmp_path: Path, image: Path, call: Callable, grouping: str):
    call(
        *("embed", image, "-o", tmp_path / "blobs.npz", *EMBEDDING),
        *("--groups", 3, "--grouping", grouping, "--seed", 4),
    )
    embedding = ncut.embed(blobs(), n_components=5, stride=2, random_state=4)
    cells = embedding.kway(3, method=grouping, random_state=4)[0]
    found = ncut.read_image(tmp_path / "blobs_groups.tif").data
    np.testing.assert_array_equal(found, at_full_size(cells, (40, 50)))


def test_a_group_has_one_number_in_all_images(tmp_path: Path, image: Path, call: Callable):
    stack = np.stack([blobs(41, 51, seed=i) for i in range(2)])
    tifffile.imwrite(tmp_path / "s.tif", stack, photometric="minisblack", metadata={"axes": "ZYX"})
    for method in ("nested", "kmeans"):
        call(
            *("embed", image, tmp_path / "s.tif", "-o", tmp_path / f"{method}.npz", *EMBEDDING),
            *("--groups", 2, "--grouping", method, "--backbone", "filterbank"),
        )
        single = ncut.read_image(tmp_path / f"{method}_blobs_groups.tif")
        double = ncut.read_image(tmp_path / f"{method}_s_groups.tif")
        assert (single.axes, double.axes) == ("YX", "ZYX")
        assert (single.data.shape, double.data.shape) == ((40, 50), (2, 41, 51))
        for labels in (single.data, *double.data):
            discs = labels[(12, 28), (14, 36)]
            assert (discs == 2).all()  # the smaller group
            assert (labels == 2).mean() < 0.3


def test_the_number_that_eigenvalues_suggest(tmp_path: Path, image: Path, call: Callable):
    result = call("embed", image, "-o", tmp_path / "e.npz", *EMBEDDING, "--groups", "auto")
    first, *others = ncut.Embedding.load(tmp_path / "e.npz").suggest_groups()
    assert tifffile.imread(tmp_path / "e_blobs_groups.tif").max() == first
    assert result.stderr == (
        f"{first} groups, the number that the eigenvalues suggest first. "
        f"Then they suggest {' and '.join(map(str, others))}.\n"
    )


def test_fewer_groups_than_asked_for_are_told(tmp_path: Path, call: Callable):
    image = np.zeros((20, 20), np.uint8)
    image[:, 10:] = 200
    Image.fromarray(image).save(tmp_path / "halves.png")
    arguments = ("--components", 3, "--groups", 250, "--backbone", "filterbank")
    result = call("embed", tmp_path / "halves.png", "-o", tmp_path / "e.npz", *arguments)
    found = tifffile.imread(tmp_path / "e_halves_groups.tif")
    assert f"Only {found.max()} of 250 groups" in result.stderr


def test_nothing_suggested(
    tmp_path: Path, image: Path, refuse: Callable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ncut.Embedding, "suggest_groups", lambda self: [])
    arguments = ("embed", image, "-o", tmp_path / "new" / "e.npz", *EMBEDDING)
    assert "Give --groups a number" in refuse(*arguments, "--groups", "auto")


WRONG = {
    "word": (["--groups", "many"], "whole number from 1, or auto"),
    "none": (["--groups", "0"], "whole number from 1, or auto"),
    "part": (["--groups", "2.5"], "whole number from 1, or auto"),
    "beyond the cells": (["--groups", "501"], "1 to 500"),
    "beyond the eigenvectors": (
        ["--groups", "6", "--grouping", "cluster_qr"],
        "more --components, or --grouping nested",
    ),
    "too few eigenvectors": (["--groups", "auto", "--components", "2"], "--components of 3"),
    "grouping": (["--groups", "2", "--grouping", "nestd"], "Did you mean 'nested'"),
    "grouping alone": (["--grouping", "kmeans"], "Add --groups"),
}


@pytest.mark.usefixtures("uncomputed")
@pytest.mark.parametrize(("options", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_is_refused_before_anything_is_computed(
    tmp_path: Path, image: Path, refuse: Callable, options: list[str], said: str
):
    arguments = ("embed", image, "-o", tmp_path / "new" / "e.npz", *EMBEDDING)
    assert said in refuse(*arguments, *options)


def test_groups_are_not_overwritten_nor_written_among_images(
    tmp_path: Path, image: Path, call: Callable, refuse: Callable
):
    arguments = ("embed", image, "-o", tmp_path / "e.npz", *EMBEDDING, "--groups", 2)
    (tmp_path / "e_blobs_groups.tif").write_text("mine")
    said = refuse(*arguments)
    assert "e_blobs_groups.tif exists already" in said and "--overwrite" in said
    call(*arguments, "--overwrite")
    assert tifffile.imread(tmp_path / "e_blobs_groups.tif").max() == 2
    folder = tmp_path / "images"
    folder.mkdir()
    image.rename(folder / "blobs.png")
    said = refuse("embed", folder, "-o", folder / "e.npz", *EMBEDDING, "--groups", 2)
    assert "among the images" in said
