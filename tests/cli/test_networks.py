"""Networks on the command line: weights of one's own, variants, and what is told before a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from napari_ncut import Embedding, embed

NAME = "timm:resnet18"
SMALL = {"layers": [1, 1, 1, 1], "channels": [8, 8, 16, 16], "stem_width": 8}


@pytest.fixture(autouse=True)
def _empty_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NAPARI_NCUT_MODELS", str(tmp_path / "models"))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, np.random.default_rng(0).integers(0, 255, (64, 96), dtype=np.uint8))
    return path


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A file of random weights for a small variant of a network."""
    import timm

    torch.manual_seed(0)
    path = tmp_path / "small.pth"
    torch.save(timm.create_model("resnet18", num_classes=0, **SMALL).state_dict(), path)
    return path


def test_weights_and_a_variant_of_ones_own(call: Callable, image: Path, weights: Path):
    output = image.with_name("image.npz")
    call(
        "embed", image, "-o", output, "--backbone", NAME, "--checkpoint", weights,
        "--architecture", json.dumps(SMALL), "--layer", "1,3", "--stride", 8,
        "--input-normalization", "inception", "--preparation", "standardize",
        "--batch-size", 2, "--components", 4,
    )  # fmt: skip
    found = Embedding.load(output)
    expected = embed(
        tifffile.imread(image),
        backbone=NAME,
        checkpoint=weights,
        architecture=SMALL,
        layer=[1, 3],
        stride=8,
        normalization="inception",
        preparation="standardize",
        n_components=4,
    )
    assert found.layout.grids == ((8, 12),)
    np.testing.assert_allclose(found.vectors, expected.vectors, atol=1e-5)
    assert found.recipe["checkpoint"] == str(weights)


def test_what_is_not_installed_is_told_with_the_remedy(refuse: Callable, image: Path):
    told = refuse("embed", image, "-o", image.with_name("out.npz"), "--backbone", "sam:vit_b")
    for part in ("375 MB", "Apache-2.0", "napari-ncut models download sam:vit_b", "models"):
        assert part in told


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--architecture", "{"], "JSON object"),
        (["--architecture", "[1]"], "JSON object"),
        (["--architecture", '{"colour": 1}'], "cannot build"),
        (["--refine", "dens"], "Did you mean 'dense'"),
        (["--preparation", "l1"], "--preparation"),
        (["--precision", "int8"], "--precision"),
        (["--input-normalization", "imgenet"], "Did you mean 'imagenet'"),
        (["--stride", "5"], "Stride 5"),
        (["--layer", "7"], "Layer 7"),
        (["--node", "attn"], "node of timm:resnet18"),
    ],
)
def test_options_that_do_not_fit_are_explained(
    refuse: Callable, image: Path, weights: Path, options: list[str], message: str
):
    small = [] if "--architecture" in options else ["--architecture", json.dumps(SMALL)]
    told = refuse(
        "embed", image, "-o", image.with_name("out.npz"), "--backbone", NAME,
        "--checkpoint", weights, *small, *options,
    )  # fmt: skip
    assert message in told


def test_long_runs_are_told_before(
    call: Callable, image: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("napari_ncut.cli.inputs._WORTH_TELLING", 0)
    result = call(
        "embed", image, "-o", image.with_name("out.npz"), "--backbone", NAME,
        "--checkpoint", weights, "--architecture", json.dumps(SMALL),
    )  # fmt: skip
    assert "timm:resnet18: about 1 s, " in result.stderr


def test_any_network_is_told_about_by_its_name(call: Callable, refuse: Callable):
    told = call("backbones", "timm:resnet18", "torchvision:vgg16").stdout
    assert "Layers: 0: stage 0 (1/2), 1: stage 1 (1/4)" in told
    assert "12: features.12" not in told  # long lists are cut
    assert "Installed: no" in told
    assert "Did you mean" in refuse("backbones", "timm:resnet81")


def test_networks_of_a_family_are_named(call: Callable, refuse: Callable):
    names = call("backbones", "--family", "torchvision", "--contains", "n:resnet1").stdout.split()
    assert names == ["torchvision:resnet101", "torchvision:resnet152", "torchvision:resnet18"]
    assert "sam:vit_b_lm" in call("backbones", "--family", "sam").stdout.split()
    assert "Did you mean 'timm'" in refuse("backbones", "--family", "tim")
