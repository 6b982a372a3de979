"""Classes of masks: what is alike, odd images, forms of masks, and edits."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import napari_ncut as ncut
from napari_ncut import InputError, MaskSet, semantic_classes
from napari_ncut.sam import CLUSTERERS, semantic_classes_steps
from napari_ncut.sam.classes import SemanticClasses

from .scenes import SHAPE, purity, two_kinds

IMAGE, MASKS, KINDS = two_kinds()


@pytest.fixture(scope="module")
def classes() -> SemanticClasses:
    return semantic_classes(IMAGE, MASKS)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_two_kinds_of_things(dtype: type):
    image, masks, kinds = two_kinds(dtype)
    found = semantic_classes(image, masks)
    assert found.numbers == [1, 2]
    assert purity(found.classes, kinds) == 1
    # The discs are larger.
    assert (found.classes[kinds == 0] == 1).all()
    assert found.names == {1: "class 1", 2: "class 2"}
    assert found.noise is None


@pytest.mark.parametrize("clusterer", CLUSTERERS)
@pytest.mark.parametrize("descriptor", ["compact", "kind", "eigenvectors", "filterbank"])
def test_every_descriptor_and_clusterer(descriptor: str, clusterer: str):
    n = 2 if CLUSTERERS[clusterer].counts else None
    found = semantic_classes(IMAGE, MASKS, descriptor=descriptor, clusterer=clusterer, n_classes=n)
    assert purity(found.classes, KINDS) > 0.9
    # Twelve classes of one mask each would be pure, too.
    assert len(found.numbers) == n or (n is None and len(found.numbers) <= 4)


def test_results_by_hand(classes: SemanticClasses):
    labels, instances = classes.labels, classes.instances
    assert labels.dtype == instances.dtype == np.int32
    assert labels.shape == instances.shape == SHAPE
    assert_array_equal(labels, MASKS.labels(classes.classes))
    assert_array_equal(instances, MASKS.labels())
    table = classes.features()
    assert all(len(column) == len(MASKS) for column in table.values())
    assert_array_equal(table["index"], np.arange(1, 13))
    assert_array_equal(table["class"], classes.classes)
    assert_array_equal(table["area"], MASKS.areas)
    assert np.isnan(table["score"]).all()
    assert_allclose(table["row"][:4], 16)
    assert (table["fit"] > 0.5).all()
    assert {"image", "plane", "name", "component 3"} <= table.keys()
    (exported,) = classes.mask_sets()
    assert_array_equal(exported.columns["class"], classes.classes)


def test_scores_of_masks_are_kept():
    masks = MASKS.with_columns(predicted_iou=np.linspace(0, 1, 12))
    found = semantic_classes(IMAGE, masks, descriptor="filterbank")
    assert_allclose(found.features()["score"], np.linspace(0, 1, 12))


def test_the_smaller_mask_lies_on_top():
    large = np.zeros(SHAPE, bool)
    large[2:60, 2:60] = True
    masks = MaskSet.joined([MaskSet.of([large]), MaskSet(*_parts(MASKS))])
    found = semantic_classes(IMAGE, masks)
    small = found.instances[16, 16]
    assert small == 2
    assert found.labels[16, 16] == found.classes[1]
    assert found.labels[3, 3] == found.classes[0]


def _parts(masks: MaskSet) -> tuple:
    return masks.shape, masks.boxes, masks.crops


def test_deterministic(classes: SemanticClasses):
    again = semantic_classes(IMAGE, MASKS)
    assert_array_equal(again.classes, classes.classes)
    assert_array_equal(again.descriptors.values, classes.descriptors.values)
    assert_array_equal(again.features()["component 1"], classes.features()["component 1"])


@pytest.mark.parametrize("clusterer", CLUSTERERS)
def test_reclustered_is_as_from_scratch(classes: SemanticClasses, clusterer: str):
    again = classes.recluster(clusterer, random_state=3)
    scratch = semantic_classes(IMAGE, MASKS, clusterer=clusterer, random_state=3)
    assert_array_equal(again.classes, scratch.classes)
    assert again.names == scratch.names
    assert again.noise == scratch.noise
    assert again.parameters == scratch.parameters
    assert again.descriptors is classes.descriptors


# -------------------------------------------------------------------------------------- odd images


@pytest.mark.parametrize("image", [np.zeros((30, 40)), np.full((9, 9), np.nan), np.ones((1, 1))])
def test_an_image_with_nothing(image: np.ndarray):
    try:
        found = semantic_classes(image, remainder=True)
    except InputError as error:
        assert "finite" in str(error) or "NaN" in str(error)
        return
    assert found.labels.shape == image.shape
    assert found.numbers == [1]


def test_no_mask_at_all():
    masks = MaskSet.of([], SHAPE)
    for remainder in (False, True):
        found = semantic_classes(IMAGE, masks, remainder=remainder, size_weight=1.0)
        assert not found.labels.any() and not found.instances.any()
        assert found.numbers == [] and len(found.features()["class"]) == 0
    assert found.recluster("ncut").numbers == []


@pytest.mark.parametrize("clusterer", CLUSTERERS)
def test_one_mask_only(clusterer: str):
    found = semantic_classes(IMAGE, MASKS.select([0]), clusterer=clusterer, remainder=True)
    assert found.numbers == [1]
    assert (found.labels == 1).all()
    alone = clusterer == "dbscan"
    assert found.noise == (1 if alone else None)
    assert np.isfinite(found.descriptors.values).all()


def test_all_masks_of_one_class():
    found = semantic_classes(IMAGE, MASKS.select(KINDS == 0))
    assert found.numbers == [1]
    assert (found.fit == 1).all()


def test_a_mask_without_pixels_has_no_class():
    masks = MaskSet.of([*MASKS, np.zeros(SHAPE, bool)])
    found = semantic_classes(IMAGE, masks)
    assert found.classes[-1] == 0
    assert found.numbers == [1, 2]


def test_two_thousand_masks():
    tiles = np.kron(np.arange(1, 2001).reshape(40, 50), np.ones((3, 3), int))
    image = np.where(tiles % 2, 60, 200).astype(np.uint8)
    start = time.perf_counter()
    found = semantic_classes(image, tiles, descriptor="filterbank", clusterer="kmeans", n_classes=2)
    again = found.recluster("dbscan").recluster("ncut", n_classes=3)
    assert len(again) == 2000 and again.instances.max() == 2000
    assert purity(found.classes, (np.arange(2000) + 1) % 2) > 0.95
    # As anybody calls it, and for the next image.
    known = semantic_classes(image, tiles)
    assert len(known) == 2000 and known.numbers and known.labels.shape == image.shape
    assert len(known.apply(image[::-1], tiles)) == 2000
    assert time.perf_counter() - start < 60


@pytest.mark.parametrize("kind", ["gray of 16 bits", "color", "color of 16 bits", "stack"])
def test_images_of_many_kinds_have_the_same_classes(kind: str):
    image, masks, axes = IMAGE, [MASKS], None
    if "16 bits" in kind:
        image = image.astype(np.uint16) * 200 + 300
    if "color" in kind:
        image, axes = np.stack([image] * 3, axis=-1), "YXC"
    if kind == "stack":
        image, masks, axes = np.stack([image, image]), [MASKS, MASKS], "ZYX"
    found = semantic_classes(image, masks, axes=axes)
    assert found.numbers == [1, 2]
    assert purity(found.classes, np.tile(KINDS, len(masks))) == 1


# -------------------------------------------------------------------------------------- many images


def test_a_class_means_the_same_in_all_images():
    other, masks, kinds = two_kinds(seed=1)
    color = np.stack([other[:90]] * 3, axis=-1)
    cropped = MaskSet.of(masks.stack()[:8, :90])
    found = semantic_classes([IMAGE, color], [MASKS, cropped], axes=["YX", "YXC"])
    assert [part.shape for part in found.labels] == [SHAPE, (90, 120)]
    assert purity(found.classes, np.concatenate([KINDS, kinds[:8]])) == 1
    assert found.numbers == [1, 2]
    table = found.features(1)
    assert_array_equal(table["index"], np.arange(13, 21))
    assert (table["image"] == 1).all() and (table["plane"] == 0).all()
    assert found.instances[1].max() == 20


def test_a_stack_by_label_maps():
    stack = np.stack([IMAGE, two_kinds(seed=2)[0]])
    labels = np.stack([MASKS.labels(), MASKS.labels()])
    found = semantic_classes(stack, labels, axes="ZYX")
    assert found.labels.shape == (2, *SHAPE)
    assert purity(found.classes, np.concatenate([KINDS, KINDS])) == 1
    assert_array_equal(found.features()["plane"], np.repeat([0, 1], 12))
    sets = semantic_classes(stack, [MASKS, MASKS], axes="ZYX")
    assert_array_equal(sets.classes, found.classes)


def test_two_stack_axes_are_planes_in_order():
    stack = np.stack([IMAGE[:40, :60]] * 4).reshape(2, 2, 40, 60)
    labels = np.stack([MASKS.labels()[:40, :60]] * 4)
    found = semantic_classes(stack, labels.reshape(stack.shape), axes="TZYX", descriptor="kind")
    assert found.labels.shape == (4, 40, 60)
    again = semantic_classes(stack, labels, axes="TZYX", descriptor="kind")
    assert_array_equal(again.instances, found.instances)
    assert found.features()["plane"].max() == 3


def test_automatic_masks_are_taken_as_they_come():
    for image, axes in ((IMAGE, None), (np.stack([IMAGE, IMAGE]), "TYX")):
        masks = ncut.automatic_masks(image, axes=axes)
        found = semantic_classes(image, masks, axes=axes)
        assert found.labels.shape == image.shape
        assert np.isfinite(found.features()["score"]).all()


def test_without_masks_regions_are_sorted():
    told = []
    found = semantic_classes(IMAGE, progress=told.append)
    assert (found.labels > 0).all()
    assert found.labels[16, 16] != found.labels[0, 0]
    assert {"regions", "descriptors", "classes"} <= {step.stage for step in told}


def test_cancelled_work_ends():
    steps = semantic_classes_steps(IMAGE, MASKS)
    next(steps)
    steps.close()


def test_the_remainder_gets_the_nearest_class():
    found = semantic_classes(IMAGE, MASKS.select(np.arange(11)), remainder=True)
    labels = found.labels
    assert (labels > 0).all()
    assert_array_equal(labels[MASKS.mask(0)], found.classes[0])
    assert (found.instances == 0).any()
    # The last thing, a bright square, is a part of the remainder, which is one piece.
    assert len(np.unique(labels[MASKS.select(np.arange(11)).labels() == 0])) == 1


# ------------------------------------------------------------------------------------------- edits


def test_merge_split_move_rename(classes: SemanticClasses):
    named = classes.rename(2, " squares ")
    assert named.names == {1: "class 1", 2: "squares"}
    moved = named.move([1, 3], 2)
    assert (moved.classes[[0, 2]] == 2).all()
    fresh = named.move(5)
    assert fresh.classes[4] == 3 and fresh.names[3] == "class 3"
    merged = fresh.merge([2, 3])
    assert merged.names == {1: "class 1", 2: "squares"} and merged.classes[4] == 2
    parts = merged.split(2, 2)
    assert parts.numbers == [1, 2, 3]
    # A thing that does not belong is parted from the others.
    assert (parts.classes == parts.classes[4]).sum() == 1
    # Nothing that was there changed.
    assert classes.names == {1: "class 1", 2: "class 2"}
    assert purity(classes.classes, KINDS) == 1


def test_classes_without_masks_go(classes: SemanticClasses):
    assert classes.move(np.flatnonzero(KINDS) + 1, 1).names == {1: "class 1"}


def test_noise_is_a_group_of_its_own():
    found = semantic_classes(IMAGE, MASKS, clusterer="dbscan", eps=1e-6)
    assert found.noise == 1 and found.names == {1: "noise"}
    assert (found.labels > 0).any() and not found.fit.any()
    some = semantic_classes(IMAGE, MASKS).recluster("dbscan", eps=0.3, min_samples=2)
    if some.noise is not None:
        assert some.noise == max(some.numbers)
    parts = found.split(1, 2)
    assert parts.noise is None and parts.names == {1: "class 1", 2: "class 2"}
    kept = found.move(1)
    assert kept.noise == 1 and kept.merge([1, 2]).names == {2: "class 2"}
    assert kept.merge([1, 2]).noise is None


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda c: c.merge([1]), "two classes or more"),
        (lambda c: c.merge([1, 7]), "no class 7"),
        (lambda c: c.split(1, 1), "from 2 to 6"),
        (lambda c: c.split(1, 7), "from 2 to 6"),
        (lambda c: c.split(True), "no class True"),
        (lambda c: c.move(0, 1), "from 1 to 12"),
        (lambda c: c.move([], 1), "from 1 to 12"),
        (lambda c: c.move(1.5, 1), "from 1 to 12"),
        (lambda c: c.move(1, 9), "no class 9"),
        (lambda c: c.rename(1, "  "), "Give a text"),
        (lambda c: c.recluster("nothing"), "Unknown clusterer"),
    ],
)
def test_edits_that_cannot_be(classes: SemanticClasses, edit, said: str):
    with pytest.raises(InputError, match=said):
        edit(classes)


# ----------------------------------------------------------------------------------------- refused

SMALL = MaskSet.of(np.ones((1, 5, 5)))
WRONG = [
    ({"masks": SMALL}, "5 × 5 pixels"),
    ({"masks": [MASKS, MASKS]}, "2 planes were given for 1"),
    ({"masks": np.zeros((5, 5), int)}, "for an image of 96 × 120"),
    ({"masks": np.zeros(SHAPE)}, "dtype float64"),
    ({"masks": np.full(SHAPE, -1)}, "below 0"),
    ({"masks": "masks.tif"}, "MaskSet for every plane"),
    ({"descriptor": "compct"}, "Did you mean 'compact'"),
    ({"descriptor": 3}, "cannot be used"),
    ({"size_weight": -1}, "size_weight"),
    ({"color_weight": np.nan}, "color_weight"),
    ({"level": 2}, "level 2"),
    ({"n_classes": 2.5}, "whole number"),
    ({"linkage": "avg"}, "linkage"),
    ({"eps": 1.0}, "parameter of agglomerative"),
    ({"axes": "ZYX"}, "ZYX"),
]


@pytest.mark.parametrize(("given", "said"), WRONG, ids=[str(i) for i in range(len(WRONG))])
def test_what_is_refused(given: dict, said: str):
    with pytest.raises(InputError, match=said):
        semantic_classes(IMAGE, **{"masks": MASKS, **given})


def test_missing_weights_are_told_before_anything_is_computed(monkeypatch, tmp_path):
    monkeypatch.setenv("NAPARI_NCUT_MODELS", str(tmp_path))
    monkeypatch.setattr("napari_ncut.sam.measuring.region_steps", None)
    with pytest.raises(InputError, match="sam:vit_b"):
        semantic_classes(IMAGE, descriptor="sam:vit_b")


def test_masks_of_another_number_of_images():
    with pytest.raises(InputError, match="1 images were given for 2"):
        semantic_classes([IMAGE, IMAGE], [MASKS.labels()])
    with pytest.raises(InputError, match="2 images are needed"):
        semantic_classes([IMAGE, IMAGE], MASKS.labels())


def test_public_names():
    assert {"semantic_classes", "SemanticClasses", "cluster_curve", "MaskSet"} <= set(ncut.__all__)
