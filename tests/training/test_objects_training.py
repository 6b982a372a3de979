"""What tells things from their surroundings is learned, and what was done is written down."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from napari_ncut.training import objects
from napari_ncut.training.perceptrons import Curve, Fit, fit_perceptron

HOW = Fit(8, 400, 1024, rate=1e-2, decay=0.3, dropout=0.3)


def separable(n: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose first number alone decides."""
    rows = np.random.default_rng(0).standard_normal((n, 5)).astype(np.float32)
    return rows, (rows[:, 0] > 0.3).astype(np.float32)


def test_a_model_learns_what_can_be_told_and_its_curve_falls():
    rows, targets = separable()
    curve: Curve = []
    weights = np.ones(len(rows), np.float32)
    model = fit_perceptron(rows, targets, weights, HOW, curve=curve, name="regions")
    assert ((model.probabilities(rows) > 0.5) == targets).mean() > 0.95
    assert [step for _, step, _ in curve] == list(range(20, 401, 20))
    assert curve[-1][2] < 0.5 * curve[0][2]
    again = fit_perceptron(rows, targets, weights, HOW)
    np.testing.assert_array_equal(model.probabilities(rows), again.probabilities(rows))


def test_rows_count_by_their_weights():
    rows, targets = separable()
    # Those of weight 0 say the opposite of all others.
    both = np.concatenate([rows, rows]), np.concatenate([targets, 1 - targets])
    weights = np.repeat([1.0, 0.0], len(rows)).astype(np.float32)
    model = fit_perceptron(*both, weights, HOW)
    assert ((model.probabilities(rows) > 0.5) == targets).mean() > 0.95


def test_of_several_networks_it_is_the_mean_of_their_logits():
    rows, targets = separable(200)
    weights, how = np.ones(len(rows), np.float32), replace(HOW, steps=30)

    def logits(found):
        shares = found.probabilities(rows).astype(float)
        return np.log(shares / (1 - shares))

    each = [logits(fit_perceptron(rows, targets, weights, how, seed=seed)) for seed in (4, 5, 6)]
    together = fit_perceptron(rows, targets, weights, replace(how, networks=3), seed=4)
    assert not np.allclose(each[0], each[1], atol=0.01)
    np.testing.assert_allclose(logits(together), np.mean(each, axis=0), atol=1e-4)


def test_a_mask_is_right_where_it_covers_half_of_one_thing_and_itself():
    truth = np.zeros((20, 30), np.float32)
    truth[2:12, 2:12] = truth[2:12, 18:28] = 1
    good, half, both = (np.zeros((20, 30), bool) for _ in range(3))
    good[2:12, 2:9] = True
    half[2:12, 2:6] = True
    both[2:12, 2:28] = True
    found = objects.are_right([good, half, both], truth)
    np.testing.assert_array_equal(found, [1, 0, 0])
    np.testing.assert_array_equal(objects.are_right([good], np.zeros_like(truth)), [0])


def test_the_log_holds_curves_settings_and_figures(tmp_path):
    curve: Curve = [("regions", 20, 0.61234), ("masks", 20, 0.5)]
    objects._write_log(tmp_path / "log", curve, {"aside": {"IoU": 0.5, "images": 3}}, 7)
    lines = (tmp_path / "log" / "objects.csv").read_text(encoding="utf-8").splitlines()
    assert lines == ["model,step,loss", "regions,20,0.6123", "masks,20,0.5000"]
    told = json.loads((tmp_path / "log" / "objects.json").read_text(encoding="utf-8"))
    assert told["figures"]["aside"]["IoU"] == pytest.approx(0.5)
    assert (
        told["training"]["seed"] == 7
        and told["training"]["regions"]["steps"] == objects.REGIONS.steps
    )
