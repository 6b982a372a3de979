"""Input that makes no sense is refused in words; nothing else is ever raised, warned of, or NaN."""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import napari_ncut as ncut
from napari_ncut.spectral import DisconnectedWarning, SpectrumWarning

IMAGE = np.random.default_rng(0).integers(0, 255, (40, 50)).astype(np.uint8)
NODES = np.random.default_rng(1).standard_normal((50, 4))


@pytest.fixture(scope="module")
def embedding():
    return ncut.embed(IMAGE, n_components=8, stride=2)


@pytest.fixture(scope="module")
def segmenter(embedding):
    return ncut.PromptSegmenter(embedding)


@pytest.mark.parametrize(
    "points",
    [
        [[1e300, 5]], [[-1e300, 5]], [[np.nan, 5]], [[np.inf, 5]], [[1, 2], [3]], [["a", "b"]],
        None, [[1j, 2]], 3, [3, 4], [[1, 3, 4]], [[True, False]], [[2**62, 1]], [[10**30, 1]],
        np.array([[2**63, 1]], np.uint64), [[40, 0]], [[0, 49.5]], [[-0.51, 0]],
    ],
)  # fmt: skip
def test_points_that_are_nowhere(segmenter, points):
    with pytest.raises(ncut.InputError):
        segmenter.predict(points)


@pytest.mark.parametrize(
    "arguments",
    [
        {"positive": ["yes"]}, {"positive": [np.nan]}, {"positive": [1, 1]}, {"positive": [None]},
        {"positive": [2]}, {"positive": True}, {"positive": [[1], [1, 2]]},
        {"classes": [0]}, {"classes": [-1]}, {"classes": [2**31]}, {"classes": [1e300]},
        {"classes": ["a"]}, {"classes": [1.5]}, {"classes": [np.nan]}, {"classes": [[1], [2, 3]]},
        {"threshold": "a"}, {"threshold": np.nan}, {"threshold": [0.1]},
        {"negative_threshold": np.inf}, {"gamma": 0}, {"gamma": -1}, {"gamma": "x"},
        {"min_area": -1}, {"min_area": np.nan}, {"min_area": "a"}, {"min_area": None},
        {"denoise_area_th": "a"}, {"denoise_area_th": -1}, {"denoise_area_th": np.nan},
        {"planes": ["a"]}, {"planes": [0.5]}, {"planes": 5}, {"planes": [-1]}, {"planes": [1]},
        {"mode": None}, {"method": 3}, {"normalization": "plain"},
    ],
    ids=str,
)  # fmt: skip
def test_questions_that_cannot_be_answered(segmenter, arguments):
    with pytest.raises(ncut.InputError):
        segmenter.predict([[1, 1]], **arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"n_components": 0}, {"n_components": 2.5}, {"n_components": True}, {"n_components": None},
        {"accuracy": None}, {"accuracy": 1}, {"affinity": None}, {"bandwidth": None},
        {"bandwidth": [1]}, {"bandwidth": 1e-300}, {"bandwidth": np.nan}, {"affinity_gamma": "x"},
        {"affinity_gamma": None}, {"affinity_gamma": 1e-300}, {"random_state": -1},
        {"random_state": None}, {"random_state": "a"}, {"random_state": 2**40}, {"device": "gpu"},
        {"device": 3}, {"device": "meta"}, {"batch_size": 0}, {"batch_size": -1},
        {"batch_size": "a"}, {"stride": 3}, {"stride": True}, {"stride": "a"}, {"layer": 1.5},
        {"backbone": None}, {"backbone": 3}, {"axes": 3}, {"channels": 1.0}, {"channels": True},
        {"channels": {}}, {"channels": [[0]]}, {"scaling": None}, {"scaling": 5},
        {"scaling": (0, 1e39)}, {"scaling": np.array([255, 0])},
    ],
    ids=str,
)  # fmt: skip
def test_embeddings_that_cannot_be_had(arguments):
    with pytest.raises(ncut.InputError):
        ncut.embed(IMAGE, **arguments)


@pytest.mark.parametrize(
    "image",
    [
        None, "a.png", 5, {}, [], [[1, 2], [3]], [IMAGE, None], [IMAGE, IMAGE[None]],
        (x for x in [IMAGE]), np.ones((4, 4), complex), np.array([[1, None]], object),
        np.full((5, 5), np.inf, np.float16), np.empty((0, 5)),
    ],
    ids=lambda image: type(image).__name__,
)  # fmt: skip
def test_what_is_no_image(image):
    with pytest.raises(ncut.InputError):
        ncut.embed(image)


@pytest.mark.parametrize(
    "ask",
    [
        partial(ncut.NCut(2).fit, [[1, 2], [3]]),
        partial(ncut.NCut(2).fit, NODES * np.nan),
        partial(ncut.NCut(2).fit, NODES * 1e200),
        partial(ncut.NCut(2).fit, NODES.astype(object)),
        partial(ncut.NCut(60).fit, NODES),
        partial(ncut.NCut(2).transform, NODES),
        partial(ncut.eigenvector_colors, np.full((3, 3, 2), np.nan)),
        partial(ncut.eigenvector_colors, np.empty((0, 3))),
        partial(ncut.eigenvector_colors, np.ones((3, 3, 2)), quantile="a"),
        partial(ncut.get_mask, np.ones((3, 3, 2)), [1, 1], gamma=0),
        partial(ncut.get_mask, np.ones((3, 3, 2)), [1, 1], threshold="a"),
        partial(ncut.get_mask, np.ones((3, 3, 2)), [1, 1], denoise_area_th="a"),
        partial(ncut.get_mask, [["a"]], [0]),
        partial(ncut.measure_labels, IMAGE, pixel_size=("a", 1)),
        partial(ncut.measure_labels, IMAGE, pixel_size=2),
        partial(ncut.measure_labels, IMAGE, pixel_size=(0, 1)),
        partial(ncut.label_instances, IMAGE, min_area=np.nan),
        partial(ncut.label_instances, IMAGE, min_area="a"),
        partial(ncut.label_instances, IMAGE, split=True, min_distance=0),
        partial(ncut.PromptSegmenter, IMAGE),
    ],
)
def test_other_functions_refuse_in_words_too(ask):
    with pytest.raises(ncut.InputError):
        ask()


@pytest.mark.parametrize(
    "accuracy, n_nodes, most", [("balanced", 65_536, 1024), ("fast", 10_000, 1024)]
)
def test_more_eigenvectors_than_landmarks_are_refused_before_anything_is_computed(
    accuracy, n_nodes, most
):
    with pytest.raises(ncut.InputError, match=f"at most {most}"):
        ncut.NCut(most + 1, accuracy=accuracy).check_size(n_nodes)
    ncut.NCut(most, accuracy=accuracy).check_size(n_nodes)
    side = int(n_nodes**0.5)
    with pytest.raises(ncut.InputError, match=f"at most {most}"):
        ncut.embed(np.zeros((side, side)), n_components=10**9, accuracy=accuracy, stride=1)


def test_exact_cuts_of_large_graphs_have_a_quarter_of_their_eigenvectors():
    with pytest.raises(ncut.InputError, match="memory"):
        ncut.NCut(10_000, accuracy="exact").check_size(20_000)


def test_masked_pixels_count_as_nan():
    masked = np.ma.masked_less(IMAGE, 100)
    expected = np.where(IMAGE < 100, np.nan, IMAGE)
    ours, plain = (ncut.embed(image, n_components=4).vectors for image in (masked, expected))
    np.testing.assert_array_equal(ours, plain)


def test_labels_of_any_size_are_measured():
    (measure,) = ncut.measure_labels(np.full((4, 4), 2**40))
    assert (measure.label, measure.pixels) == (2**40, 16)


def test_a_narrow_bandwidth_leaves_no_node_without_neighbors():
    nodes = np.random.default_rng(0).standard_normal((5000, 8)).astype(np.float32)
    with pytest.warns(DisconnectedWarning, match="parts that are not connected"):
        vectors = ncut.NCut(5, accuracy="fast", affinity_gamma=0.01).fit_transform(nodes)
    assert np.isfinite(vectors).all()


SIZE = st.sampled_from([1, 2, 3, 5, 7, 13, 31, 33])
AXES = st.sampled_from(["YX", "YXC", "CYX", "TYX", "XY", "YXS", "ZCYX", "TZCYX", "CZYX", "XYZ"])
DTYPES = ["bool", "u1", "u2", "i2", "i4", "i8", "u8", "f2", "f4", "f8", ">u2", ">f4"]


@st.composite
def images(draw):
    """Arrays of any axes, dtype and size, with holes and without contrast."""
    axes = draw(AXES)
    sizes = {"Y": SIZE, "X": SIZE, "S": st.sampled_from([3, 4])}
    shape = tuple(draw(sizes.get(name, st.integers(1, 4))) for name in axes)
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if dtype.kind != "f":
        image = (random.random(shape) * draw(st.sampled_from([2, 200, 0]))).astype(dtype)
        return image, axes
    scales = [1.0, 1e-3, 1e3] + ([1e300, 1e-300] if dtype.itemsize == 8 else [])
    image = (random.standard_normal(shape) * draw(st.sampled_from(scales))).astype(dtype)
    holes = random.random(shape) < draw(st.sampled_from([0, 0.3, 1]))
    image[holes] = draw(st.sampled_from([np.nan, np.inf, -np.inf, 0]))
    return image, axes


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_image_and_question_gets_a_sensible_answer_or_a_refusal(data):
    image, axes = data.draw(images())
    parameters = data.draw(
        st.fixed_dictionaries(
            {
                "n_components": st.sampled_from([1, 2, 10, 1000]),
                "channels": st.sampled_from([None, 0, -1, [1, 0], "all", "composite"]),
                "scaling": st.sampled_from(["stack", "plane", "dtype", (0, 1), (-5.0, 1e9)]),
                "accuracy": st.sampled_from(["fast", "balanced", "exact"]),
                "affinity": st.sampled_from(["rbf", "cosine"]),
                "affinity_gamma": st.sampled_from([1, 1e-6, 1e9]),
                "stride": st.sampled_from([None, 1, 2, 64]),
            }
        )
    )
    question = data.draw(
        st.fixed_dictionaries(
            {
                "mode": st.sampled_from(["similar", "object"]),
                "threshold": st.sampled_from([None, 0, 0.5, 1, -3, 1e308]),
                "negative_threshold": st.sampled_from([None, 0, 1, -1e308]),
                "gamma": st.sampled_from([None, 0.3, 1000, 1e-300, 1e300]),
                "min_area": st.sampled_from([0, 5, 10**30]),
                "normalization": st.sampled_from(["stack", "plane", "absolute"]),
            }
        )
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", SpectrumWarning)
        warnings.simplefilter("ignore", DisconnectedWarning)
        try:
            embedding = ncut.embed(image, axes=axes, **parameters)
        except ncut.InputError:
            return
        shapes = embedding.layout.shapes
        plane = data.draw(st.integers(0, len(shapes) - 1))
        height, width = shapes[plane]
        places = st.tuples(st.integers(0, height - 1), st.integers(0, width - 1))
        clicks = data.draw(st.lists(places, min_size=1, max_size=5))
        points = [[plane, *click] for click in clicks]
        positive = data.draw(st.lists(st.booleans(), min_size=len(points), max_size=len(points)))
        segmenter = ncut.PromptSegmenter(embedding)
        mask, scores = segmenter.predict(points, positive, return_scores=True, **question)
        again = ncut.PromptSegmenter(embedding).predict(
            points, positive, planes=[plane], **question
        )
    assert np.isfinite(embedding.vectors).all() and (np.diff(embedding.eigenvalues) <= 1e-9).all()
    assert np.isfinite(scores).all() and scores.min() >= 0 and scores.max() <= 1
    own = mask if mask.ndim == 2 else mask[plane]
    assert own.shape == (height, width)
    np.testing.assert_array_equal(again[0], own)
    for click, sign in dict(zip(clicks, positive, strict=True)).items():
        assert own[click] == sign
