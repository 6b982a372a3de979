from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label as connected

from napari_ncut import PromptSegmenter, embed, get_mask
from napari_ncut.errors import InputError

EIGHT = np.ones((3, 3))


def discs(centers, radius=6, shape=(48, 64), level=200):
    rows, columns = np.indices(shape)
    image = np.full(shape, 40.0)
    for row, column in centers:
        image[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = level
    return image + np.random.default_rng(0).normal(0, 2, shape)


CENTERS = [(12, 14), (12, 46), (35, 30)]
DISCS = discs(CENTERS)


class Tutorial(PromptSegmenter):
    """Answers by the tutorial's rule, whose results can be worked out by hand."""

    def predict(self, *arguments, **options):
        return super().predict(*arguments, **{"method": "tutorial", **options})


@pytest.fixture(scope="module")
def on_discs() -> PromptSegmenter:
    return Tutorial(embed(DISCS, backbone="filterbank", n_components=4, node="color", layer=0))


# ------------------------------------------------------------------------ what a person expects


def test_one_click_finds_all_alike(on_discs):
    mask = on_discs.predict([CENTERS[0]])
    assert mask.dtype == bool
    truth = DISCS > 120
    # The tutorial's threshold of one click leaves out the blurred rims.
    assert not (mask & ~truth).any()
    assert mask.sum() > truth.sum() / 2
    assert connected(mask)[1] == 3


def test_mode_object_keeps_what_was_clicked(on_discs):
    everything = on_discs.predict([CENTERS[0]])
    alone = on_discs.predict([CENTERS[0]], mode="object")
    components, _ = connected(everything, EIGHT)
    np.testing.assert_array_equal(alone, components == components[CENTERS[0]])
    two = on_discs.predict([CENTERS[0], CENTERS[2]], mode="object")
    assert connected(two, EIGHT)[1] == 2


def test_classes_share_the_image(on_discs):
    labels = on_discs.predict([CENTERS[0], (40, 5)], classes=[7, 300])
    assert labels.dtype == np.uint16
    assert np.unique(labels).tolist() in ([7, 300], [0, 7, 300])
    assert all(labels[center] == 7 for center in CENTERS)
    assert labels[24, 32] == labels[0, 0] == 300


def test_a_negative_click_takes_away(on_discs):
    with_ground = on_discs.predict([CENTERS[0], (40, 5)])
    assert with_ground[24, 32]
    without = on_discs.predict([CENTERS[0], (40, 5), (24, 32)], [True, True, False])
    assert without.sum() < with_ground.sum()
    assert without[CENTERS[0]]
    assert not without[24, 32]


def test_a_negative_click_counts_against_its_class_or_all(on_discs):
    points, positive = [CENTERS[0], (40, 5), (24, 32)], [1, 1, 0]
    against_discs = on_discs.predict(points, positive, classes=[1, 2, 1])
    assert against_discs[24, 32] == 2
    assert on_discs.predict(points, positive, classes=[1, 2, 2])[24, 32] in (0, 1)
    assert on_discs.predict(points, positive, classes=[1, 2, 0])[24, 32] == 0


def test_no_points_give_an_empty_mask(on_discs, synthetic):
    mask = on_discs.predict([])
    assert mask.shape == DISCS.shape
    assert not mask.any()
    assert not on_discs.predict([], classes=[]).any()
    assert not on_discs.predict([(3, 3)], [False]).any()
    stack = Tutorial(synthetic((8, 9), n_planes=3))
    mask, scores = stack.predict(np.empty((0, 3)), return_scores=True)
    assert mask.shape == scores.shape == (3, 8, 9)


# ---------------------------------------------------------------------------- the tutorial's rule


def composed(vectors, clicks, positives, negatives, gamma=1.0):
    """OR of positives AND NOT OR of negatives, and where a segmenter may differ from it."""
    threshold, area = (0.5, 3) if len(positives) == 1 else (0.7, 8)
    if negatives:
        threshold, area = 0.7, 10
    grid = vectors.shape[:-1]
    inside, outside, own = (np.zeros(grid, bool) for _ in range(3))
    for i in positives:
        prompt = vectors[clicks[i]]
        inside |= get_mask(vectors, prompt, threshold, gamma, True, area) > 0
        raw = get_mask(vectors, prompt, threshold, gamma, False)[clicks[i][0]]
        component = connected(raw, EIGHT)[0]
        mine = component == component[clicks[i][1:]]
        if component[clicks[i][1:]] and mine.sum() < area:
            own[clicks[i][0]] |= mine
    for j in negatives:
        outside |= get_mask(vectors, vectors[clicks[j]], 0.99, gamma, False) > 0
    for click in clicks:
        own[click] = True
    return inside & ~outside, own


@pytest.mark.parametrize("sigma", [1, 3], ids=["rough", "smooth"])
@pytest.mark.parametrize("n_positive", [1, 3])
@pytest.mark.parametrize("n_negative", [0, 2])
@pytest.mark.parametrize("gamma", [0.5, 1.0])
def test_masks_are_composed_of_the_tutorials(synthetic, sigma, n_positive, n_negative, gamma):
    embedding = synthetic((50, 70), n_planes=4, sigma=sigma, seed=n_positive + 10 * n_negative)
    clicks = [(0, 5, 9), (3, 40, 60), (1, 20, 33), (2, 8, 50), (0, 44, 3)]
    positives, negatives = list(range(n_positive)), list(range(3, 3 + n_negative))
    used = [clicks[i] for i in positives + negatives]
    signs = [True] * n_positive + [False] * n_negative
    mask = Tutorial(embedding).predict(used, signs, gamma=gamma)
    expected, own = composed(
        embedding.eigenvectors, used, positives, list(range(n_positive, len(used))), gamma
    )
    assert 0 < expected.sum() < expected.size
    np.testing.assert_array_equal(mask[~own], expected[~own])
    assert np.count_nonzero(own) < 60


def test_higher_thresholds_and_gammas_give_subsets(synthetic):
    segmenter = Tutorial(synthetic((40, 50), n_planes=2, seed=5))
    points = [(0, 10, 10), (1, 30, 40)]
    for name, values in (("threshold", (0.1, 0.4, 0.7, 0.95)), ("gamma", (0.3, 1, 2, 4))):
        for normalization in ("stack", "plane", "absolute"):
            masks = [
                segmenter.predict(
                    points, denoise_area_th=0, normalization=normalization, **{name: value}
                )
                for value in values
            ]
            assert masks[0].sum() > masks[-1].sum()
            for larger, smaller in itertools.pairwise(masks):
                assert not (smaller & ~larger).any()


def test_normalizations_differ_where_they_say(synthetic):
    embedding = synthetic((30, 40), n_planes=2, seed=6)
    vectors = embedding.vectors.copy()
    half = len(vectors) // 2
    # Nothing on the second plane is like anything on the first.
    vectors[:half, 4:], vectors[half:, :4] = 0, 0
    other = type(embedding)(**{**vars(embedding), "vectors": vectors})
    segmenter = Tutorial(other)

    def on_planes(normalization, **options):
        masks = segmenter.predict([(0, 10, 10)], normalization=normalization, **options)
        return masks.any(axis=(1, 2)).tolist()

    assert on_planes("absolute") == [True, False]
    assert on_planes("absolute", threshold=1.5) == [True, False]  # the clicked pixel alone
    # By itself the second plane is even, and even planes are judged by the cosine.
    assert on_planes("plane") == [True, False]
    own = segmenter.predict([(0, 10, 10)], normalization="plane", denoise_area_th=0)[0]
    one = get_mask(other.eigenvectors[0], other.eigenvectors[0, 10, 10], denoise=False)
    np.testing.assert_array_equal(own, one)


# ------------------------------------------------------------------------------------ guarantees


@st.composite
def clicks(draw):
    n = draw(st.integers(1, 8))
    numbers = st.integers(0, 3)
    rows = [
        (draw(st.integers(0, 1)), draw(st.integers(0, 20)), draw(st.integers(0, 28)))
        for _ in range(n)
    ]
    positive = [draw(st.booleans()) for _ in range(n)]
    classes = [draw(numbers) or int(sign) for sign in positive]
    return rows, positive, classes


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    clicks=clicks(),
    mode=st.sampled_from(["similar", "object"]),
    min_area=st.sampled_from([0, 30]),
    normalization=st.sampled_from(["stack", "plane", "absolute"]),
    stride=st.sampled_from([1, 2, 4]),
)
def test_a_clicked_pixel_is_on_its_side(synthetic, clicks, mode, min_area, normalization, stride):
    rows, positive, classes = clicks
    embedding = synthetic((21, 29), n_planes=2, stride=stride, sigma=1, guided=True)
    labels = Tutorial(embedding).predict(
        rows, positive, classes=classes, mode=mode, min_area=min_area, normalization=normalization
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


def test_asking_for_some_planes_gives_those_of_all(synthetic):
    segmenter = Tutorial(synthetic((25, 33), n_planes=4, stride=2, guided=True))
    points, classes = [(0, 3, 3), (2, 20, 20), (3, 10, 30)], [1, 2, 1]
    for mode in ("similar", "object"):
        whole, scores = segmenter.predict(points, classes=classes, mode=mode, return_scores=True)
        some, some_scores = segmenter.predict(
            points, classes=classes, mode=mode, planes=[3, 1], return_scores=True
        )
        for got, plane in zip(some, (3, 1), strict=True):
            np.testing.assert_array_equal(got, whole[plane])
        np.testing.assert_array_equal(some_scores[0], scores[:, 3])


def test_the_order_of_questions_does_not_matter(synthetic):
    embedding = synthetic((25, 33), stride=2, guided=True)
    first = Tutorial(embedding)
    a = first.predict([(5, 5)], gamma=2)
    first.predict([(20, 30), (5, 5)], [True, False], classes=[2, 0])
    np.testing.assert_array_equal(first.predict([(5, 5)], gamma=2), a)
    np.testing.assert_array_equal(Tutorial(embedding).predict([(5, 5)], gamma=2), a)


def test_objects_connect_through_the_planes_of_a_stack_only():
    volume = np.stack([discs([c]) for c in (CENTERS[0], CENTERS[0], CENTERS[1])])
    options = {"backbone": "filterbank", "n_components": 3, "node": "color", "layer": 0}
    in_stack = Tutorial(embed(volume, axes="ZYX", **options))
    masks = in_stack.predict([(0, *CENTERS[0])], mode="object")
    assert masks.any(axis=(1, 2)).tolist() == [True, True, False]
    in_list = Tutorial(embed(list(volume), **options))
    masks = in_list.predict([(0, *CENTERS[0])], mode="object")
    assert [m.any() for m in masks] == [True, False, False]


def test_min_area_drops_pieces_unless_clicked():
    image = discs([CENTERS[0]], radius=8) + discs([(35, 46)], radius=4) - 40
    segmenter = Tutorial(embed(image, backbone="filterbank", n_components=3, node="color", layer=0))
    assert segmenter.predict([CENTERS[0]])[35, 46]
    mask = segmenter.predict([CENTERS[0]], min_area=100)
    assert mask[CENTERS[0]]
    assert not mask[35, 46]
    assert segmenter.predict([(35, 46)], min_area=100)[35, 46]


def test_scores_have_the_shape_of_the_masks(synthetic):
    stack = Tutorial(synthetic((10, 12), n_planes=3, stride=2, guided=True))
    points = [(0, 3, 3), (2, 8, 8)]
    mask, scores = stack.predict(points, return_scores=True)
    assert scores.shape == mask.shape
    assert scores.dtype == np.float32
    assert 0 <= scores.min() <= scores.max() <= 1
    assert stack.predict(points, classes=[2, 5], return_scores=True)[1].shape == (2, 3, 10, 12)
    single = Tutorial(synthetic((10, 12)))
    assert single.predict([(1, 1)], return_scores=True)[1].shape == (10, 12)
    scores = single.predict([(1, 1)], classes=[3], return_scores=True)[1]
    assert scores.shape == (1, 10, 12)
    assert scores[0, 1, 1] == 1


def test_images_of_different_sizes():
    images = [DISCS, DISCS[:30, :40]]
    segmenter = Tutorial(
        embed(images, backbone="filterbank", n_components=4, node="color", layer=0, stride=2)
    )
    masks, scores = segmenter.predict(
        [(0, *CENTERS[0]), (0, 40, 5)], classes=[1, 2], return_scores=True
    )
    assert [m.shape for m in masks] == [(48, 64), (30, 40)]
    assert [s.shape for s in scores] == [(2, 48, 64), (2, 30, 40)]
    # A click in one image finds the alike disc in the other.
    assert masks[1][12, 14] == 1


def test_a_constant_image_gives_an_answer():
    with pytest.warns(UserWarning, match="carry information"):
        segmenter = Tutorial(embed(np.full((20, 30), 5.0), backbone="filterbank", n_components=3))
    assert segmenter.predict([(3, 3)]).all()


def test_one_pixel():
    assert Tutorial(embed([[4]])).predict([(0, 0)]).tolist() == [[True]]


@pytest.mark.parametrize(
    ("points", "options", "message"),
    [
        ([(48, 0)], {}, "row 48, column 0 of a plane of 48 × 64 pixels"),
        ([(0, 0, 0, 0)], {}, "Points have shape"),
        ([(0, np.nan)], {}, "NaN"),
        ([(1, 0, 0)], {}, "plane 1 of 1"),
        ([(0, 0)], {"positive": [True, False]}, "`positive` has shape"),
        ([(0, 0)], {"positive": [0.5]}, "True for a positive"),
        ([(0, 0)], {"positive": ["yes"]}, "True for a positive"),
        ([(0, 0)], {"classes": [1, 2]}, "`classes` has shape"),
        ([(0, 0)], {"classes": [1.5]}, "Give whole numbers"),
        ([(0, 0)], {"classes": [np.nan]}, "Give whole numbers"),
        ([(0, 0)], {"classes": ["cell"]}, "Give whole numbers"),
        ([(0, 0)], {"classes": [0]}, "must be 1 or more"),
        ([(0, 0)], {"classes": [-1], "positive": [False]}, "must be 1 or more"),
        ([(0, 0)], {"mode": "things"}, "Unknown mode 'things'"),
        ([(0, 0)], {"method": "tutrial"}, "Did you mean 'tutorial'"),
        ([(0, 0)], {"normalization": "image"}, "Unknown normalization"),
        ([(0, 0)], {"threshold": np.nan}, "threshold nan"),
        ([(0, 0)], {"negative_threshold": np.inf}, "negative_threshold inf"),
        ([(0, 0)], {"gamma": 0}, "gamma 0"),
        ([(0, 0)], {"planes": [1]}, "There is no plane 1"),
    ],
)
def test_what_cannot_be_used_is_explained(on_discs, points, options, message):
    with pytest.raises(InputError, match=message):
        on_discs.predict(points, **options)


def test_clicks_mean_the_same_together_and_one_after_the_other():
    image = np.random.default_rng(3).random((90, 110))
    embedding = embed(image, n_components=20, stride=1)
    points = np.random.default_rng(4).integers(0, 90, (9, 2))
    together = Tutorial(embedding).predict(points, return_scores=True)[1]
    segmenter = Tutorial(embedding)
    for n in range(1, 10):
        scores = segmenter.predict(points[:n], return_scores=True)[1]
    np.testing.assert_array_equal(scores, together)
