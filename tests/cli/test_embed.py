"""`napari-ncut embed` keeps exactly what `embed` gives."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import napari_ncut as ncut

from .conftest import EMBEDDING, blobs


def test_one_image(tmp_path: Path, image: Path, call: Callable):
    result = call("embed", image, "-o", tmp_path / "new" / "e.npz", "--colors", *EMBEDDING)
    expected = ncut.embed(blobs(), n_components=5, stride=2)
    found = ncut.Embedding.load(tmp_path / "new" / "e.npz")
    np.testing.assert_array_equal(found.vectors, expected.vectors)
    assert result.stdout.splitlines() == [
        str(tmp_path / "new" / name) for name in ("e.npz", "e_blobs_colors.png")
    ]
    colors = np.asarray(Image.open(tmp_path / "new" / "e_blobs_colors.png"))
    cells = (expected.colors()[0] * 255 + 0.5).astype(np.uint8)
    np.testing.assert_array_equal(colors, np.kron(cells, np.ones((2, 2, 1), np.uint8)))


def test_colors_of_every_plane_at_the_size_of_the_image(tmp_path: Path, call: Callable):
    stack = np.stack([blobs(41, 51, seed=i) for i in range(2)])
    tifffile.imwrite(tmp_path / "s.tif", stack, photometric="minisblack")
    call("embed", tmp_path / "s.tif", "-o", tmp_path / "s.npz", "--colors", "--stride", 4)
    for name in ("s_0_colors.png", "s_1_colors.png"):
        assert Image.open(tmp_path / name).size == (51, 41)


GRAPHS = {
    "neighbors": (
        ["--affinity", "neighbors", "--neighbors", "12", "--accuracy", "exact", "--memory", "1"],
        {"affinity": "neighbors", "n_neighbors": 12, "accuracy": "exact", "memory": 1.0},
    ),
    "color and place": (
        ["--color-weight", "0.5", "--position-weight", "0.25"],
        {"color_weight": 0.5, "position_weight": 0.25},
    ),
    "contours": (
        ["--contours", "--contour-strength", "2", "--contour-radius", "3", "--neighbors", "12"],
        {"contours": "auto", "contour_strength": 2, "contour_radius": 3, "n_neighbors": 12},
    ),
    "no contours": (["--no-contours"], {}),
}


@pytest.mark.parametrize(("options", "parameters"), GRAPHS.values(), ids=GRAPHS.keys())
def test_options_of_the_graph(
    tmp_path: Path, image: Path, call: Callable, options: list[str], parameters: dict
):
    call("embed", image, "-o", tmp_path / "e.npz", *EMBEDDING, *options)
    expected = ncut.embed(blobs(), n_components=5, stride=2, **parameters)
    found = ncut.Embedding.load(tmp_path / "e.npz")
    np.testing.assert_array_equal(found.vectors, expected.vectors)
    assert {name: found.recipe[name] for name in parameters} == parameters
    plain = ncut.embed(blobs(), n_components=5, stride=2)
    assert np.allclose(found.vectors, plain.vectors) == (not parameters)


def test_coloring(tmp_path: Path, image: Path, call: Callable):
    arguments = ("--colors", "--coloring", "tsne", "--seed", 2)
    call("embed", image, "-o", tmp_path / "e.npz", *EMBEDDING, *arguments)
    expected = ncut.embed(blobs(), n_components=5, stride=2, random_state=2)
    colors = expected.colors(method="tsne", random_state=2)[0]
    shown = np.asarray(Image.open(tmp_path / "e_blobs_colors.png"))
    np.testing.assert_array_equal(shown[::2, ::2], (colors * 255 + 0.5).astype(np.uint8))


@pytest.mark.usefixtures("uncomputed")
def test_coloring_by_what_is_not_installed(
    tmp_path: Path, image: Path, refuse: Callable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "umap", None)
    arguments = ("embed", image, "-o", tmp_path / "e.npz", "--colors", "--coloring", "umap")
    assert "pip install" in refuse(*arguments)


def test_several_images_jointly(tmp_path: Path, image: Path, call: Callable):
    Image.fromarray(blobs(30, 60, seed=1)).save(tmp_path / "other.png")
    call("embed", image, tmp_path / "other.png", "-o", tmp_path / "e.npz", *EMBEDDING)
    expected = ncut.embed([blobs(), blobs(30, 60, seed=1)], n_components=5, stride=2)
    found = ncut.Embedding.load(tmp_path / "e.npz")
    np.testing.assert_array_equal(found.vectors, expected.vectors)
    assert found.layout == expected.layout


def test_a_folder_and_a_file_with_axes_of_their_own(tmp_path: Path, image: Path, call: Callable):
    stack = np.stack([blobs(30, 60, seed=i) for i in range(2)])
    folder = tmp_path / "stacks"
    folder.mkdir()
    np.save(folder / "s.npy", stack)
    call(
        *("embed", image, folder, "-o", tmp_path / "e.npz", "--axes", ",TYX", "--colors"),
        *EMBEDDING,
    )
    expected = ncut.embed([blobs(), stack], axes=["YX", "TYX"], n_components=5, stride=2)
    found = ncut.Embedding.load(tmp_path / "e.npz")
    np.testing.assert_array_equal(found.vectors, expected.vectors)
    assert found.recipe["axes"] == ["YX", "TYX"]
    pictures = sorted(path.name for path in tmp_path.glob("*_colors.png"))
    assert pictures == ["e_blobs_colors.png", "e_s_0_colors.png", "e_s_1_colors.png"]
    (tmp_path / "p.csv").write_text("axis-0,axis-1,image\n12,14,blobs\n")
    call(
        *("segment", image, folder, "-p", tmp_path / "p.csv", "-o", tmp_path / "out"),
        *("--axes", ",TYX", "--embedding", tmp_path / "e.npz"),
    )
    assert ncut.read_image(tmp_path / "out" / "s_classes.tif").axes == "TYX"


def test_what_is_refused(tmp_path: Path, image: Path, call: Callable, refuse: Callable):
    assert ".npz" in refuse("embed", image, "-o", tmp_path / "e.tif")
    assert "filterbank" in refuse("embed", image, "-o", tmp_path / "e.npz", "--backbone", "vgg")
    assert "There is no file" in refuse("embed", tmp_path / "none.png", "-o", tmp_path / "e.npz")
    call("embed", image, "-o", tmp_path / "e.npz", *EMBEDDING)
    assert "--overwrite" in refuse("embed", image, "-o", tmp_path / "e.npz")
    call("embed", image, "-o", tmp_path / "e.npz", *EMBEDDING, "--overwrite")
    assert "Add --colors" in refuse("embed", image, "-o", tmp_path / "f.npz", "--coloring", "tsne")
    said = refuse("embed", image, "-o", tmp_path / "f.npz", "--colors", "--coloring", "tsn")
    assert "Did you mean 'tsne'" in said
