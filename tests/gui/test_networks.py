"""Networks in the features widget: chosen, named, with weights of one's own."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from napari_ncut.widgets.backbone_controls import ANOTHER

from .conftest import halves

DINO = "timm:vit_small_patch16_224.dino"
SQUEEZENET = "torchvision:squeezenet1_0"


@pytest.fixture(autouse=True)
def _empty_store(monkeypatch, tmp_path):
    monkeypatch.setenv("NAPARI_NCUT_MODELS", str(tmp_path / "models"))


@pytest.fixture(scope="module")
def squeezenet(tmp_path_factory):
    """A file of random weights of a SqueezeNet."""
    import torchvision

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "squeezenet.pth"
    torch.save(torchvision.models.squeezenet1_0(weights=None).state_dict(), path)
    return path


def texts(combo) -> list[str]:
    return [combo.native.itemText(i) for i in range(combo.native.count())]


def test_what_is_not_installed_cannot_be_run_and_is_shown_among_the_models(bench):
    features = bench(halves()).features
    features.backbone.backbone.value = DINO
    assert not features.run_button.isEnabled()
    assert "DINO ViT-S/16 is not installed (87 MB, license: apache-2.0)" in features.message.text()
    assert features.models_section.isExpanded()
    assert features.models.table.currentItem().text(0) == "DINO ViT-S/16"
    features.backbone.backbone.value = "filterbank"
    assert features.run_button.isEnabled()


def test_controls_follow_the_network(bench):
    controls = bench(halves()).features.backbone
    controls.backbone.value = DINO
    assert controls.layer.value == "block 11"
    assert texts(controls.node) == ["block", "attn", "mlp", "q", "k", "v"]
    assert texts(controls.stride) == [
        "automatic", "4 px (16 passes)", "8 px (4 passes)", "16 px",
        "32 px (reduced)", "64 px (reduced)",
    ]  # fmt: skip
    controls.backbone.value = "timm:convnext_tiny.fb_in22k"
    assert controls.layer.value == "stage 2 (1/16)"
    assert texts(controls.layer)[0] == "stage 0 (1/4)"
    assert texts(controls.node) == ["block"]
    controls.layer.value = "stage 0 (1/4)"
    assert texts(controls.stride)[1] == "1 px (16 passes)"
    controls.backbone.value = "filterbank"
    assert texts(controls.stride)[1:3] == ["1 px", "2 px"]
    assert not controls.network.checkpoint.enabled
    assert set(controls.options()) == {"backbone", "layer", "node", "stride", "n_components"}


def test_layers_are_offered_where_they_matter(bench):
    controls = bench(halves()).features.backbone
    controls.backbone.value = "compact"
    assert controls.node.value == "kind"
    assert not controls.layer.enabled
    controls.node.value = "pyramid"
    assert controls.layer.enabled
    controls.layer.value = "cells ≤ 4 px"
    kept = controls.options()
    controls.node.value = "segment"
    assert not controls.layer.enabled
    assert controls.layer.value == "cells ≤ 16 px"
    controls.set_options(kept)
    assert controls.options() == kept
    controls.backbone.value = DINO
    assert controls.layer.enabled


def test_another_network_is_found_by_its_name(bench, qtbot):
    opened = bench(halves())
    controls, message = opened.features.backbone, opened.features.message
    controls.backbone.value = ANOTHER
    assert not opened.features.run_button.isEnabled()
    assert "Type the name of a network" in message.text()
    for name, answer in (("timm:resnet81", "Did you mean"), ("resnet18", "Unknown backbone")):
        controls.another.value = name
        controls.another.native.editingFinished.emit()
        qtbot.waitUntil(lambda answer=answer: answer in message.text(), timeout=60_000)
        assert controls.entry is None
    controls.another.value = "timm:resnet18"
    controls.another.native.editingFinished.emit()
    opened.wait(lambda: controls.entry is not None)
    assert texts(controls.layer)[-1] == "stage 4 (1/32)"
    assert "resnet18 is not installed" in message.text()
    assert opened.features.models.table.currentItem().text(0) == "resnet18"


def test_weights_of_ones_own_run_the_whole_job(bench, squeezenet):
    opened = bench(halves())
    features = opened.features
    features.backbone.backbone.value = SQUEEZENET
    features.backbone.network.checkpoint.value = squeezenet
    features.backbone.network.normalization.value = "caffe"
    features.backbone.network.layers.value = "3, 6"
    features.backbone.stride.value = 4
    assert features.run_button.isEnabled(), features.message.text()
    opened.prepare()
    (prepared,) = opened.segment._session.prepared
    recipe = prepared.embedding.recipe
    assert recipe["layer"] == [3, 6]
    assert (recipe["stride"], prepared.embedding.stride) == (4, 4)
    assert recipe["checkpoint"] == str(squeezenet)
    assert recipe["normalization"] == "caffe"
    opened.points.add([32, 8])
    opened.wait(lambda: opened.preview is not None and opened.preview.data.any())
    assert opened.preview.data[32, 8]


@pytest.mark.parametrize("text", ["3, 99", "last", "3 4"])
def test_layers_that_there_are_not_are_explained(bench, squeezenet, text):
    features = bench(halves()).features
    features.backbone.backbone.value = SQUEEZENET
    features.backbone.network.checkpoint.value = squeezenet
    features.backbone.network.layers.value = text
    assert not features.run_button.isEnabled()
    assert "squeezenet1_0" in features.message.text()
    features.backbone.network.layers.value = ""
    assert features.run_button.isEnabled()


def test_weights_that_do_not_fit_are_told_and_nothing_is_lost(bench, tmp_path):
    path = tmp_path / "other.pth"
    torch.save({"conv.weight": torch.zeros(3)}, path)
    opened = bench(halves())
    names = [layer.name for layer in opened.viewer.layers]
    features = opened.features
    features.backbone.backbone.value = SQUEEZENET
    features.backbone.network.checkpoint.value = path
    features.run()
    opened.wait(lambda: bool(opened.messages()))
    assert "does not fit the network" in opened.messages()[-1]
    assert [layer.name for layer in opened.viewer.layers] == names
    opened.wait(features.run_button.isEnabled)


# Where a window draws with Mesa's software renderer, as the virtual display does, triton's LLVM
# would end the process; in one of its own, since this one may have imported it before.
WINDOW_FIRST = """
import napari, numpy as np
from qtpy.QtWidgets import QApplication
viewer = napari.Viewer(show=True)
viewer.add_image(np.zeros((8, 8)))
QApplication.processEvents()
from napari_ncut.backbones import backbone_entry
print(len(backbone_entry("torchvision:resnet18").layers))
viewer.close()
"""


@pytest.mark.slow
def test_a_network_may_be_loaded_after_the_window_has_drawn():
    done = subprocess.run([sys.executable, "-c", WINDOW_FIRST], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("8")


def test_choices_outlive_docking(bench):
    controls = bench(halves()).features.backbone
    assert texts(controls.layer)[-1] == controls.layer.value == "σ ≤ 8 px"
    controls.reset_choices()
    assert texts(controls.node)[0] == controls.node.value == "all"
    controls.set_options({"backbone": "filterbank", "layer": 2, "n_components": 7})
    assert (controls.layer.value, controls.n_components.value) == ("σ ≤ 4 px", 7)
