"""How the cut is made, chosen in the window: what `embed` is given, and what a script says."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

import napari_ncut as ncut
from napari_ncut.spectral.names import ACCURACIES, AFFINITIES
from napari_ncut.widgets.feature_controls import _DEFAULTS, CutControls


@pytest.fixture
def controls(qtbot):
    panel = CutControls()
    qtbot.addWidget(panel.native)
    return panel


def test_defaults_are_those_of_embed_and_are_left_out(controls):
    parameters = inspect.signature(ncut.embed).parameters
    for name, default in _DEFAULTS.items():
        assert parameters[name].default == default
    given = controls.options()
    assert set(given) == {"affinity", "bandwidth", "affinity_gamma", "accuracy"}
    for name, value in given.items():
        assert parameters[name].default == value


def test_every_affinity_and_accuracy_is_offered(controls):
    assert list(controls.affinity.choices) == list(AFFINITIES)
    assert list(controls.accuracy.choices) == list(ACCURACIES)
    for name, entry in ACCURACIES.items():
        assert f"{name}: {entry.text}" in controls.accuracy.tooltip


def test_what_does_nothing_is_disabled(controls):
    def enabled():
        names = ("bandwidth", "gamma", "n_neighbors", "contour_strength", "accuracy")
        return {name for name in names if getattr(controls, name).enabled}

    assert enabled() == {"gamma", "accuracy"}
    controls.affinity.value = "neighbors"
    assert enabled() == {"gamma", "n_neighbors"}
    controls.auto.value = False
    assert enabled() == {"bandwidth", "n_neighbors"}
    controls.affinity.value = "cosine"
    assert enabled() == {"gamma", "accuracy"}
    controls.contours.value = True
    assert enabled() == {"gamma", "n_neighbors", "contour_strength"}


def test_only_what_acts_is_given(controls):
    controls.n_neighbors.value = 12
    controls.contour_strength.value = 4.0
    assert set(controls.options()) == {"affinity", "bandwidth", "affinity_gamma", "accuracy"}
    controls.affinity.value = "neighbors"
    assert controls.options()["n_neighbors"] == 12
    assert "contour_strength" not in controls.options()
    controls.affinity.value = "rbf"
    controls.contours.value = True
    given = controls.options()
    assert given["contours"] == "auto" and given["contour_strength"] == 4.0
    controls.color_weight.value = 0.5
    controls.position_weight.value = 2.0
    given = controls.options()
    assert given["color_weight"] == 0.5 and given["position_weight"] == 2.0


def test_options_are_what_embed_takes(controls):
    controls.affinity.value = "neighbors"
    controls.contours.value = True
    controls.n_neighbors.value = 8
    controls.color_weight.value = controls.position_weight.value = 0.5
    controls.contour_strength.value = 2.0
    assert set(controls.options()) <= set(inspect.signature(ncut.embed).parameters)


def weigh(cut):
    cut.color_weight.value = 0.5
    cut.position_weight.value = 1.5


def join(cut):
    cut.affinity.value = "neighbors"
    cut.n_neighbors.value = 16


def respect(cut):
    cut.contours.value = True
    cut.contour_strength.value = 2.0


@pytest.mark.parametrize(
    ("choose", "given"),
    [
        (weigh, {"color_weight": 0.5, "position_weight": 1.5}),
        (join, {"affinity": "neighbors", "n_neighbors": 16}),
        (respect, {"contours": "auto", "contour_strength": 2.0}),
    ],
)
def test_the_cut_is_made_as_chosen_and_the_script_makes_it_again(bench, tmp_path, choose, given):
    import tifffile

    # A ramp, so that the graph of nearest neighbors holds together.
    noise = np.random.default_rng(0).integers(0, 30, (48, 64))
    image = (noise + 3 * np.arange(64)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "image.tif", image)
    opened = bench()
    opened.viewer.open(tmp_path / "image.tif", plugin="napari")
    choose(opened.features.cut)
    opened.prepare()
    embedding = opened.segment._prepared.embedding
    for name, value in given.items():
        assert embedding.recipe[name] == value
    opened.segment.copy_script()
    script = QApplication.clipboard().text()
    for name, value in given.items():
        assert f'{name}="{value}"' in script or f"{name}={value}" in script
    for default in set(_DEFAULTS) - set(given):
        assert f"{default}=" not in script
    names = {}
    exec(compile(script, "script", "exec"), names)  # it is what is tested
    np.testing.assert_array_equal(names["embedding"].vectors, embedding.vectors)
    assert opened.messages("error") == []
