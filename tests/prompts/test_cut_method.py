from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label as connected

from napari_ncut import PromptSegmenter, embed
from napari_ncut.prompts import METHODS, ConditionedCut

from .test_segmenter import CENTERS, DISCS, clicks, discs


@pytest.fixture(scope="module")
def on_discs() -> PromptSegmenter:
    return PromptSegmenter(
        embed(DISCS, backbone="filterbank", n_components=4, node="color", layer=0)
    )


def test_methods_are_described():
    assert list(METHODS) == ["regions", "tutorial", "cut", "sam"]
    assert all(METHODS.values())


def test_names_are_known_without_torch():
    code = "import sys; from napari_ncut.prompts import METHODS; print('torch' in sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "False"


def test_one_click_finds_all_alike(on_discs):
    truth = DISCS > 120
    mask = on_discs.predict([CENTERS[0]], method="cut")
    assert mask.dtype == bool
    assert connected(mask)[1] == 3
    assert (mask & truth).sum() / (mask | truth).sum() > 0.8
    ground = on_discs.predict([(40, 5)], method="cut")
    assert (ground & ~truth).sum() / (ground | ~truth).sum() > 0.9


def test_mode_object_keeps_what_was_clicked(on_discs):
    everything = on_discs.predict([CENTERS[0]], method="cut")
    alone = on_discs.predict([CENTERS[0]], method="cut", mode="object")
    components, _ = connected(everything, np.ones((3, 3)))
    np.testing.assert_array_equal(alone, components == components[CENTERS[0]])


def test_classes_compete(on_discs):
    labels = on_discs.predict([CENTERS[0], (40, 5)], classes=[7, 300], method="cut")
    assert labels.dtype == np.uint16
    assert all(labels[center] == 7 for center in CENTERS)
    assert labels[24, 32] == labels[0, 0] == 300


def test_positive_clicks_of_other_classes_count_as_negative(on_discs):
    points = [CENTERS[0], (40, 5)]
    _, as_classes = on_discs.predict(points, classes=[1, 2], method="cut", return_scores=True)
    _, as_negative = on_discs.predict(points, [1, 0], method="cut", return_scores=True)
    np.testing.assert_array_equal(as_classes[0], as_negative)


def test_negative_clicks_alone_select_nothing(on_discs):
    assert not on_discs.predict([(3, 3)], [False], method="cut").any()
    assert not on_discs.predict([], method="cut").any()
    # The last click in a cell is the one that counts.
    assert not on_discs.predict([(3, 3), (3, 3)], [True, False], method="cut").any()
    assert on_discs.predict([(3, 3), (3, 3)], [False, True], method="cut").any()


def test_duplicates_change_nothing(on_discs):
    once = on_discs.predict([CENTERS[0], (40, 5)], [1, 0], method="cut", return_scores=True)
    many = on_discs.predict(
        [CENTERS[0], (40, 5), (40, 5), CENTERS[0]], [1, 0, 0, 1], method="cut", return_scores=True
    )
    np.testing.assert_array_equal(many, once)


def test_higher_thresholds_and_gammas_give_subsets(synthetic):
    segmenter = PromptSegmenter(synthetic((40, 50), n_planes=2, seed=5))
    points = [(0, 10, 10), (1, 30, 40)]
    for name, values in (
        ("threshold", (-1, 0.1, 0.4, 0.5, 0.7, 0.95, 2)),
        ("gamma", (1e-9, 0.3, 1, 2, 4, 1e9)),
    ):
        masks = [
            segmenter.predict(
                points, method="cut", denoise_area_th=0, **{"threshold": 0.5, name: value}
            )
            for value in values
        ]
        sizes = [mask.sum() for mask in masks]
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[0] == masks[0].size
        assert sizes[-1] == 2
    default = segmenter.predict(points, method="cut")
    np.testing.assert_array_equal(segmenter.predict(points, method="cut", threshold=0.5), default)
    np.testing.assert_array_equal(segmenter.predict(points, method="cut", gamma=0.3), default)


def test_the_mask_is_where_heat_exceeds_the_threshold(synthetic):
    segmenter = PromptSegmenter(synthetic((15, 22), n_planes=3, seed=2))
    mask, heat = segmenter.predict(
        [(1, 5, 20)], method="cut", threshold=0.6, gamma=1.3, denoise_area_th=0, return_scores=True
    )
    assert heat.dtype == np.float32
    assert 0 <= heat.min() < heat.max() <= 1
    other = np.ones(mask.shape, bool)
    other[1, 5, 20] = False
    np.testing.assert_array_equal(mask[other], heat[other] > 0.6)


def test_small_components_are_dropped_unless_clicked(synthetic):
    segmenter = PromptSegmenter(synthetic((30, 40), sigma=0.7, seed=1))
    raw = segmenter.predict([(5, 5)], method="cut", denoise_area_th=0)
    clean = segmenter.predict([(5, 5)], method="cut", denoise_area_th=20)
    components, _ = connected(raw, np.ones((3, 3)))
    areas = np.bincount(components.ravel())
    kept = (components > 0) & ((areas >= 20) | (np.arange(len(areas)) == components[5, 5]))[
        components
    ]
    assert clean.sum() < raw.sum()
    np.testing.assert_array_equal(clean, kept)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    clicks=clicks(),
    mode=st.sampled_from(["similar", "object"]),
    min_area=st.sampled_from([0, 30]),
    stride=st.sampled_from([1, 2, 4]),
)
def test_a_clicked_pixel_is_on_its_side(synthetic, clicks, mode, min_area, stride):
    rows, positive, classes = clicks
    embedding = synthetic((21, 29), n_planes=2, stride=stride, sigma=1, guided=True)
    labels = PromptSegmenter(embedding).predict(
        rows, positive, classes=classes, method="cut", mode=mode, min_area=min_area
    )
    assert labels.shape == (2, 21, 29)
    if any(positive):
        last = {row: i for i, row in enumerate(rows)}
        for row, i in last.items():
            if positive[i]:
                assert labels[row] == classes[i]
            else:
                assert labels[row] != (classes[i] or labels.max() + 1)
                assert classes[i] or labels[row] == 0


def test_planes_and_images_are_cut_together():
    images = [DISCS, DISCS[:30, :40]]
    segmenter = PromptSegmenter(
        embed(images, backbone="filterbank", n_components=4, node="color", layer=0, stride=2)
    )
    points, classes = [(0, *CENTERS[0]), (1, 29, 3)], [1, 2]
    masks, scores = segmenter.predict(points, classes=classes, method="cut", return_scores=True)
    assert [m.shape for m in masks] == [(48, 64), (30, 40)]
    assert [s.shape for s in scores] == [(2, 48, 64), (2, 30, 40)]
    assert masks[1][12, 14] == masks[0][35, 30] == 1
    assert masks[0][24, 32] == 2
    (second,) = segmenter.predict(points, classes=classes, method="cut", planes=[1])
    np.testing.assert_array_equal(second, masks[1])


def test_a_cut_is_solved_once_for_all_planes_and_settings(synthetic, monkeypatch):
    solved = []
    fit = ConditionedCut.fit_leading
    monkeypatch.setattr(
        ConditionedCut, "fit_leading", lambda self, *a: solved.append(1) or fit(self, *a)
    )
    segmenter = PromptSegmenter(synthetic((15, 22), n_planes=4))
    points = [(0, 3, 3), (2, 10, 20), (3, 5, 5)]
    segmenter.predict(points, classes=[1, 2, 1], method="cut")
    assert len(solved) == 2
    for options in ({"gamma": 2}, {"threshold": 0.7}, {"planes": [1]}, {"mode": "object"}):
        segmenter.predict(points, classes=[1, 2, 1], method="cut", **options)
    segmenter.predict(points[::-1], classes=[1, 2, 1], method="cut")
    assert len(solved) == 2


def test_a_sample_stands_for_many_nodes(monkeypatch):
    images = [DISCS, discs([(20, 20), (30, 50)])]
    embedding = embed(images, backbone="filterbank", n_components=4, node="color", layer=0)
    points, classes = [(0, *CENTERS[0]), (1, 45, 3)], [1, 2]
    exact = PromptSegmenter(embedding).predict(points, classes=classes, method="cut")
    monkeypatch.setattr("napari_ncut.prompts.cut_method._FITTED_NODES", 2000)
    segmenter = PromptSegmenter(embedding)
    masks = segmenter.predict(points, classes=classes, method="cut")
    assert np.mean(np.stack(masks) != np.stack(exact)) < 0.01
    (second,) = segmenter.predict(points, classes=classes, method="cut", planes=[1])
    np.testing.assert_array_equal(second, masks[1])


def test_clicks_mean_the_same_together_and_one_after_the_other():
    embedding = embed(np.random.default_rng(3).random((90, 110)), n_components=20, stride=1)
    points = np.random.default_rng(4).integers(0, 90, (6, 2))
    positive = [True, False, True, True, False, True]
    together = PromptSegmenter(embedding).predict(
        points, positive, method="cut", return_scores=True
    )[1]
    segmenter = PromptSegmenter(embedding)
    for n in range(1, 7):
        scores = segmenter.predict(points[:n], positive[:n], method="cut", return_scores=True)[1]
        segmenter.predict(points[:n], positive[:n])
    np.testing.assert_array_equal(scores, together)


def test_a_constant_image_gives_an_answer():
    with pytest.warns(UserWarning, match="carry information"):
        segmenter = PromptSegmenter(
            embed(np.full((15, 22), 5.0), backbone="filterbank", n_components=3)
        )
    assert segmenter.predict([(3, 3)], method="cut").all()
    mask = segmenter.predict([(3, 3), (9, 20)], [True, False], method="cut")
    assert mask[3, 3]
    assert not mask[9, 20]


def test_one_pixel():
    assert PromptSegmenter(embed([[4]])).predict([(0, 0)], method="cut").tolist() == [[True]]
