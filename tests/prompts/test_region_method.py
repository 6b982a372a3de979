"""Clicks on regions: evidence, the click network, and masks of things and kinds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_ncut import Embedding, PromptSegmenter, embed
from napari_ncut.errors import InputError
from napari_ncut.prompts.click_history import histories, history_features
from napari_ncut.prompts.click_model import MODE_NUMBERS, ClickModel, click_model, weights_path
from napari_ncut.prompts.click_network import ClickNetwork
from napari_ncut.prompts.doubt import most_doubtful
from napari_ncut.prompts.evidence import N_ALIKE, PAIR_FEATURES
from napari_ncut.prompts.parameters import PromptParameters
from napari_ncut.prompts.prototypes import Prototypes
from napari_ncut.prompts.region_method import RegionMethod
from napari_ncut.prompts.surroundings import surroundings

CENTERS = ((30, 34), (34, 112), (92, 40), (88, 120))


def discs(n: int = 4, *, seed: int = 0, light: float = 0.75) -> np.ndarray:
    """Bright discs on a dark, noisy ground."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices((124, 156))
    image = 0.25 + 0.03 * random.standard_normal((124, 156))
    for row, column in CENTERS[:n]:
        image[np.hypot(rows - row, columns - column) < 17] += light - 0.25
    return image.clip(0, 1)


def truth(*numbers: int) -> np.ndarray:
    rows, columns = np.indices((124, 156))
    return np.any(
        [np.hypot(rows - CENTERS[i][0], columns - CENTERS[i][1]) < 17 for i in numbers], axis=0
    )


def iou(mask: np.ndarray, wanted: np.ndarray) -> float:
    return (mask & wanted).sum() / (mask | wanted).sum()


@pytest.fixture(scope="module")
def segmenter() -> PromptSegmenter:
    return PromptSegmenter(embed(discs(), n_components=8, scaling="dtype"))


def test_one_click_finds_all_alike_or_just_the_thing(segmenter):
    similar = segmenter.predict([CENTERS[0]])
    assert iou(similar, truth(0, 1, 2, 3)) > 0.85
    thing = segmenter.predict([CENTERS[1]], mode="object")
    assert iou(thing, truth(1)) > 0.85


def test_two_things_clicked_are_two_things(segmenter):
    both = segmenter.predict([CENTERS[0], CENTERS[3]], mode="object")
    assert iou(both, truth(0, 3)) > 0.8


def test_clicked_pixels_are_on_their_side(segmenter):
    random = np.random.default_rng(1)
    points = random.integers(0, (124, 156), (12, 2))
    positive = random.random(12) < 0.5
    positive[0] = True
    for mode in ("similar", "object"):
        mask = segmenter.predict(points, positive, mode=mode)
        assert mask.dtype == bool and mask.shape == (124, 156)
        np.testing.assert_array_equal(mask[points[:, 0], points[:, 1]], positive)


def test_two_clicks_of_both_signs_in_one_region_part_it(segmenter):
    evidence = segmenter.method("regions").evidence(0)
    labels = evidence.regions.graph.labels
    region = np.bincount(labels.ravel()).argmax()
    places = np.argwhere(labels == region)
    one, other = places[0], places[-1]
    mask = segmenter.predict([one, other], [True, False])
    assert mask[tuple(one)] and not mask[tuple(other)]
    inside = mask[labels == region]
    assert inside.any() and not inside.all()


def test_classes_compete(segmenter):
    labels = segmenter.predict([CENTERS[0], (62, 78)], classes=[2, 5])
    assert set(np.unique(labels)) <= {0, 2, 5}
    assert iou(labels == 2, truth(0, 1, 2, 3)) > 0.8
    assert (labels == 5).mean() > 0.4


def test_a_higher_threshold_gives_less(segmenter):
    areas = [
        segmenter.predict([CENTERS[0]], threshold=threshold).sum()
        for threshold in (0.05, 0.5, 0.95)
    ]
    assert areas[0] >= areas[1] >= areas[2]
    mask, scores = segmenter.predict([CENTERS[0]], return_scores=True)
    assert scores.shape == mask.shape and scores.dtype == np.float32
    assert scores[truth(0)].mean() > 0.5 > scores[~truth(0, 1, 2, 3)].mean()


def test_same_clicks_same_masks(segmenter):
    again = PromptSegmenter(embed(discs(), n_components=8, scaling="dtype"))
    points, signs = [CENTERS[0], (62, 78)], [True, False]
    np.testing.assert_array_equal(segmenter.predict(points, signs), again.predict(points, signs))


def test_later_clicks_correct_the_answer_to_earlier_ones(segmenter):
    # In one disc, for it and against it.
    points, signs = np.array([CENTERS[0], (38, 42)]), np.array([True, False])
    _, forth = segmenter.predict(points, signs, mode="object", return_scores=True)
    _, back = segmenter.predict(points[::-1], signs[::-1], mode="object", return_scores=True)
    assert np.abs(forth - back).max() > 0.3


def test_clicks_of_one_class_do_not_hang_on_when_others_were_clicked(segmenter):
    # What was clicked first is a matter of each class: clicks of another one answer another mask.
    points = np.array([CENTERS[0], (62, 78), CENTERS[1]])
    classes, other = np.array([1, 2, 1]), [0, 2, 1]
    masks, scores = segmenter.predict(points, classes=classes, return_scores=True)
    again, likely = segmenter.predict(points[other], classes=classes[other], return_scores=True)
    np.testing.assert_array_equal(masks, again)
    np.testing.assert_allclose(scores, likely, atol=1e-5)


def test_the_shorter_path_tells_which_click_a_region_belongs_to(segmenter):
    evidence = segmenter.method("regions").evidence(0)
    labels = evidence.regions.graph.labels
    disc, ground = (int(labels[place]) for place in (CENTERS[0], (62, 78)))
    places = [evidence.click_place(region) for region in (disc, ground)]
    both = evidence.guesses(places, [True, False])[:, 3]
    assert both[disc] > 0.9 and both[ground] < -0.9
    swapped = evidence.guesses(places, [False, True])[:, 3]
    np.testing.assert_allclose(swapped, -both, atol=1e-6)
    # Without a negative click nothing is nearer to one.
    assert (evidence.guesses(places[:1], [True])[:, 3] >= 0).all()


def test_no_positive_click_gives_nothing(segmenter):
    assert not segmenter.predict([(3, 3)], [False]).any()
    assert not segmenter.predict(np.zeros((0, 2))).any()


def test_planes_of_a_stack_and_images_of_several_sizes():
    stack = np.stack([discs(4), discs(3, seed=1)])
    masks = PromptSegmenter(embed(stack, axes="ZYX", n_components=8)).predict([(0, *CENTERS[0])])
    assert masks.shape == stack.shape
    assert iou(masks[1], truth(0, 1, 2)) > 0.7
    images = [discs(4), discs(2, seed=2)[:100]]
    segmenter = PromptSegmenter(embed(images, n_components=8))
    masks = segmenter.predict([(0, *CENTERS[0])])
    assert [mask.shape for mask in masks] == [(124, 156), (100, 156)]
    assert iou(masks[1], truth(0, 1)[:100]) > 0.7
    # In mode "object" another image has nothing that hangs together with what was clicked.
    masks = segmenter.predict([(0, *CENTERS[0])], mode="object")
    assert iou(masks[0], truth(0)) > 0.8 and not masks[1].any()


def test_an_object_goes_on_through_the_planes_of_a_stack():
    stack = np.stack([discs(2), discs(2, seed=1), discs(2, seed=2), discs(0, seed=3)])
    segmenter = PromptSegmenter(embed(stack, axes="ZYX", n_components=8))
    masks = segmenter.predict([(0, *CENTERS[0])], mode="object")
    for plane in range(3):
        assert iou(masks[plane], truth(0)) > 0.7
    assert masks[3].mean() < 0.02


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (9, 7), (40, 41, 3)])
def test_images_of_any_size(shape):
    image = np.random.default_rng(0).random(shape)
    axes = "YXC" if len(shape) == 3 else "YX"
    mask = PromptSegmenter(embed(image, axes=axes, n_components=4)).predict([(0, 0)])
    assert mask.shape == shape[:2] and mask[0, 0]


@pytest.mark.parametrize("value", [0, 0.5])
def test_a_constant_image_gives_an_answer(value):
    segmenter = PromptSegmenter(embed(np.full((40, 50), value), n_components=4))
    for mode in ("similar", "object"):
        assert segmenter.predict([(20, 20)], mode=mode)[20, 20]


def test_features_of_other_backbones_are_used():
    segmenter = PromptSegmenter(embed(discs(), backbone="filterbank", n_components=8))
    assert iou(segmenter.predict([CENTERS[0]]), truth(0, 1, 2, 3)) > 0.8


def test_without_images_the_tutorial_answers(segmenter, tmp_path):
    segmenter.embedding.save(tmp_path / "one.npz", images=False)
    bare = PromptSegmenter(Embedding.load(tmp_path / "one.npz"))
    np.testing.assert_array_equal(
        bare.predict([CENTERS[0]]), bare.predict([CENTERS[0]], method="tutorial")
    )
    with pytest.raises(InputError, match="without them"):
        bare.predict([CENTERS[0]], method="regions")


# ------------------------------------------------------------------------------------- the network


@pytest.mark.parametrize("path", [weights_path(mode) for mode in (0, 1)], ids=lambda p: p.stem)
def test_the_model_gives_what_the_network_gives(segmenter, path):
    from safetensors.torch import load_file

    network = ClickNetwork()
    network.load_state_dict({k: v.float() for k, v in load_file(path).items()})
    model, evidence = ClickModel(path), segmenter.method("regions").evidence(0)
    mixing, around = model.mixing(evidence), surroundings(evidence)
    labels = evidence.regions.graph.labels
    clicked = (*CENTERS[:3], (62, 78))
    pixels = np.array([(0, *place) for place in clicked])
    history = history_features(histories(pixels, np.ones(4, bool)), labels.size)
    pairs = [
        (evidence.of_click(int(labels[place])), row)
        for place, row in zip(clicked, history, strict=True)
    ]
    for mode in (0, 1):
        for negatives in ([], pairs[2:]):
            ours, theirs = [], []
            for chosen, sign in ((pairs[:2], True), (negatives, False)):
                ours.append([model.hear(pair, row, sign, mode) for pair, row in chosen])
                tensors = [
                    network.hear(torch.from_numpy(pair), torch.from_numpy(row), sign, mode)
                    for pair, row in chosen
                ]
                theirs.append(network.pool(torch.stack(tensors), sign, mode) if tensors else None)
            counts = (2, len(negatives))
            places = [evidence.click_place(int(labels[place])) for place in CENTERS[:2]]
            guesses = evidence.guesses(places, [True, True])
            with torch.inference_mode():
                expected = network(
                    theirs[0], theirs[1], counts, mode, around, torch.from_numpy(guesses)
                )
            logits = model.logits(ours[0], ours[1], mode, mixing, guesses)
            np.testing.assert_allclose(logits, expected.numpy(), atol=1e-3)


def test_each_mode_has_weights_of_its_own():
    similar, alone = (
        click_model(mode) for mode in (MODE_NUMBERS["similar"], MODE_NUMBERS["object"])
    )
    assert similar is click_model(0) and alone is click_model(1)
    one, other = (weights_path(mode).read_bytes() for mode in (0, 1))
    assert one != other
    assert all(weights_path(mode).stat().st_size < 100_000 for mode in (0, 1))


def test_evidence_of_a_click(segmenter):
    evidence = segmenter.method("regions").evidence(0)
    labels = evidence.regions.graph.labels
    region = int(labels[CENTERS[0]])
    told = evidence.of_click(region)
    assert told.shape == (len(evidence), len(PAIR_FEATURES)) and np.isfinite(told).all()
    values = dict(zip(PAIR_FEATURES, told[region], strict=True))
    assert values["kind distance"] == values["path"] == values["level"] == 0
    assert values["eigenvector cosine"] == pytest.approx(1, abs=1e-3)
    # The other discs are alike and elsewhere; the ground is neither.
    other, ground = int(labels[CENTERS[1]]), int(labels[62, 78])
    column = PAIR_FEATURES.index("lightness difference")
    assert told[other, column] < told[ground, column]
    far = evidence.of_click_elsewhere(evidence.description(region))
    np.testing.assert_allclose(far[:, :N_ALIKE], told[:, :N_ALIKE], atol=1e-5)
    assert (far[:, -1] == 1).all()


def test_getting_ready_reports_and_is_done_once(segmenter):
    fresh = PromptSegmenter(embed(np.stack([discs(), discs(2)]), axes="ZYX", n_components=4))
    assert isinstance(fresh.method("auto"), RegionMethod)
    assert [(step.done, step.total) for step in fresh.ready_steps()] == [(0, 2), (1, 2)]
    assert list(fresh.ready_steps()) == []


# ------------------------------------------------------------------------------- other questions


@pytest.mark.parametrize(("free", "kept"), [(None, 1), (1e3, 1), (1e9, 3)])
def test_of_a_large_memory_more_planes_are_kept(monkeypatch, free, kept):
    """As many pixels as fit into a share of what is free, and never less than some."""
    from napari_ncut.prompts import region_method

    monkeypatch.setattr(region_method, "_KEPT_PIXELS", 124 * 156)
    monkeypatch.setattr(region_method, "free_memory", lambda device: free)
    stack = np.stack([discs(seed=i) for i in range(3)])
    asked = PromptSegmenter(embed(stack, axes="ZYX", n_components=4, scaling="dtype"))
    for plane in range(3):
        asked.predict([(plane, *CENTERS[0])], planes=[plane])
    method = asked.method("regions")
    # The one that was asked for last is the last to be forgotten.
    looked = [list(method.ready_steps([plane], PromptParameters())) for plane in (2, 1, 0)]
    assert sum(not steps for steps in looked) == kept


def test_where_next_is_in_doubt_and_not_where_was_clicked(segmenter):
    doubt = np.zeros((60, 80), np.float32)
    doubt[20:30, 50:60] = 0.9
    doubt[40:50, 10:20] = 0.8
    clicked = np.array([[0, 25, 55]])
    assert most_doubtful({0: doubt}, clicked[:0]) == (
        0,
        pytest.approx(24, abs=1),
        pytest.approx(54, abs=1),
    )
    assert most_doubtful({0: doubt * 0.1}, clicked) is None
    doubt[20:30, 50:60] = 0.1
    assert most_doubtful({0: doubt}, clicked)[1:] == (
        pytest.approx(44, abs=1),
        pytest.approx(14, abs=1),
    )
    place = segmenter.where_next([CENTERS[0]])
    if place is not None:
        assert place[0] == 0
        assert np.hypot(place[1] - CENTERS[0][0], place[2] - CENTERS[0][1]) > 3
    assert segmenter.where_next(np.zeros((0, 2))) is None


def test_prototypes_find_the_same_in_other_images(segmenter, tmp_path):
    prototypes = Prototypes.of(segmenter, [CENTERS[0], (62, 78)], [True, False])
    prototypes.save(tmp_path / "discs.npz")
    again = Prototypes.load(tmp_path / "discs.npz")
    found = again.apply([discs(3, seed=5), discs(0, seed=6)], scaling="dtype")
    assert iou(found.masks[0] > 0, truth(0, 1, 2)) > 0.7
    assert found.confidence[0, 0] > 0.5 > found.confidence[1, 0]
    assert not found.masks[1].any()
    assert found.classes == [1]


def test_prototypes_say_what_is_wrong(segmenter, tmp_path):
    with pytest.raises(InputError, match="positive"):
        Prototypes.of(segmenter, [CENTERS[0]], [False])
    Prototypes.of(segmenter, [CENTERS[0]]).save(tmp_path / "whole.npz")
    half = (tmp_path / "whole.npz").read_bytes()[:500]
    for content in (b"nothing", b"", half):
        (tmp_path / "other.npz").write_bytes(content)
        with pytest.raises(InputError, match="no prototypes"):
            Prototypes.load(tmp_path / "other.npz")
