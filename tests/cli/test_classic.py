"""The command `classic`, and the page that is made of its registry."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from typer.testing import CliRunner

from napari_ncut import classic_methods, segment_classic
from napari_ncut.cli import app

from .conftest import blobs

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_label_maps_of_images(call: Callable, image: Path, tmp_path: Path):
    other = tmp_path / "stack.tif"
    tifffile.imwrite(other, np.stack([blobs(), blobs(seed=1)]))
    result = call(
        "classic", "otsu", image, other, "-o", tmp_path / "out", "--axes", ",ZYX",
        "--param", "smooth=1.5", "--param", "connected=false",
    )  # fmt: skip
    paths = [tmp_path / "out" / name for name in ("blobs_otsu.tif", "stack_otsu.tif")]
    assert result.stdout.split() == list(map(str, paths))
    expected = segment_classic(blobs(), method="otsu", smooth=1.5, connected=False)
    np.testing.assert_array_equal(tifffile.imread(paths[0]), expected)
    assert tifffile.imread(paths[1]).shape == (2, 40, 50)
    assert "1 segments; 0 is background" in result.stderr


def test_presets_and_what_counts_before_them(call: Callable, image: Path, tmp_path: Path):
    call("classic", "graph", image, "-o", tmp_path, "--preset", "icas", "--param", "min_size=5")
    expected = segment_classic(blobs(), method="graph", k=15, min_size=5)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "blobs_graph.tif"), expected)


def test_refusals(refuse: Callable, image: Path, tmp_path: Path):
    out = tmp_path / "out"
    assert "Did you mean 'otsu'" in refuse("classic", "otzu", image, "-o", out)
    told = refuse("classic", "otsu", image, "-o", out, "--param", "level=3")
    assert "polarity, smooth, connected, smallest" in told
    told = refuse("classic", "otsu", image, "-o", out, "--param", "smooth")
    assert "--param 'smooth'" in told and "NAME=VALUE" in told
    assert "Give a number" in refuse("classic", "otsu", image, "-o", out, "--param", "smooth=a")
    told = refuse("classic", "kmeans", image, "-o", out, "--preset", "icaz")
    assert "Did you mean 'icas'" in told
    (tmp_path / "blobs_otsu.tif").write_bytes(b"mine")
    assert "--overwrite" in refuse("classic", "otsu", image, "-o", tmp_path)


def test_list_has_every_method_and_parameter():
    told = CliRunner().invoke(app, ["classic", "--list"]).stdout
    for entry in classic_methods().values():
        assert f"\n{entry.name}\n" in told and entry.title in told
        for name in entry.parameters:
            assert f"\n    {name} (" in told


def test_help_has_examples():
    result = CliRunner().invoke(app, ["classic", "--help"])
    assert result.exit_code == 0
    assert "napari-ncut classic otsu" in result.output.partition("Examples")[2]


def test_page_is_current():
    script = runpy.run_path(str(DOCS / "make_segmenters.py"))
    page = (DOCS / "segmenters.md").read_text(encoding="utf-8")
    assert page == script["with_methods"](page), "run: python docs/make_segmenters.py"
