"""Finding things: every method on an image with one thing, on noise, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_ncut import InputError, load_backbone, localize
from napari_ncut.backbones import BACKBONES
from napari_ncut.backbones.compact import Compact
from napari_ncut.imaging import as_planes
from napari_ncut.object_metrics import box_iou, mask_iou, matched_objects
from napari_ncut.objects import METHODS
from napari_ncut.objects.finding import ready_backbone, scene_of
from napari_ncut.objects.frame import inside_frame
from napari_ncut.objects.localization import apart, things
from napari_ncut.objects.scene import ObjectScene
from napari_ncut.progress import run_steps

FEW = {"deepcut": {"n_epochs": 60, "n_regions": 60}}


@pytest.fixture(scope="module")
def backbone():
    return load_backbone("compact", stride=8, device="cpu")


@pytest.fixture(scope="module")
def filters():
    """Colors and edges: what the rules of papers find by them can be foreseen."""
    return load_backbone("filterbank", stride=4, device="cpu")


@pytest.mark.parametrize("method", list(METHODS))
def test_every_method_finds_a_disk(method: str, disk, filters):
    image, mask = disk
    found = localize(
        image, axes="YXC", method=method, backbone=filters, min_confidence=0, **FEW.get(method, {})
    )[0]
    assert mask_iou(found.mask, mask) > 0.8
    assert box_iou(found.boxes[:1], [[20, 32, 57, 69]]).max() > 0.75
    assert found.soft.shape == mask.shape
    assert found.soft.min() >= 0
    assert found.soft.max() <= 1


def test_default_ends_where_the_image_does(disk):
    image, mask = disk
    found = localize(image, axes="YXC")[0]
    assert found.found
    assert found.confidence == found.confidences[0] > 0.5
    assert mask_iou(found.mask, mask) > 0.93


def test_frames_are_left_out(disk):
    image, mask = disk
    framed = np.full((92, 110, 3), 255, np.uint8)
    framed[5:85, 8:104] = image
    found = localize(framed, axes="YXC")[0]
    bare = localize(image, axes="YXC")[0]
    assert found.mask.shape == (92, 110)
    assert mask_iou(found.mask[5:85, 8:104], mask) > 0.93
    # Up to the two lines that may be taken for the frame's blurred edge.
    assert np.abs(found.boxes[0] - (bare.boxes[0] + [5, 8, 5, 8])).max() <= 2
    rows, columns = inside_frame(framed.astype(np.float32) / 255)
    assert 5 <= rows.start <= 7
    assert 102 <= columns.stop <= 104


def test_dark_ground_is_no_frame(two_disks):
    plane = np.zeros((60, 70, 1), np.float32)
    plane[5:40, 6:50] = 0.7
    assert inside_frame(plane) == (slice(0, 60), slice(0, 70))


def test_nothing_in_noise(noise):
    found = localize(noise)[0]
    assert not found.found
    assert not found.mask.any()
    assert found.boxes.shape == (0, 4)
    assert found.confidence < 0.5


def test_constant_image_has_nothing():
    found = localize(np.full((40, 50), 7, np.uint8))[0]
    assert not found.found
    assert np.isfinite(found.soft).all()


def test_several_things_are_numbered_from_the_surest(two_disks, backbone):
    image, labels = two_disks
    found = localize(image, backbone=backbone)[0]
    assert len(found) == 2
    assert (np.diff(found.confidences) <= 0).all()
    assert matched_objects(found.labels, labels).min() > 0.85
    for number, box in enumerate(found.boxes, 1):
        rows, columns = np.nonzero(found.labels == number)
        assert_array_equal(box, [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1])
    one = localize(image, backbone=backbone, n_objects=1)[0]
    assert_array_equal(one.mask, found.labels == 1)


def test_maskcut_goes_on_after_the_first(two_disks, filters):
    image, labels = two_disks
    once = localize(image, method="maskcut", backbone=filters, n_cuts=1, min_confidence=0)[0]
    thrice = localize(image, method="maskcut", backbone=filters, n_cuts=3, min_confidence=0)[0]
    assert (matched_objects(thrice.labels, labels) > 0.5).all()
    assert len(once) <= len(thrice)


def test_same_again(disk, backbone):
    image, _ = disk
    options = {
        "axes": "YXC", "method": "deepcut", "backbone": backbone, "n_epochs": 10, "n_regions": 40,
    }  # fmt: skip
    first, second = (localize(image, **options)[0] for _ in range(2))
    assert_array_equal(first.soft, second.soft)
    other = localize(image, **options, random_state=1)[0]
    assert not np.array_equal(first.soft, other.soft)


def test_auto_asks_its_own_features_beside_those_of_another_backbone(disk, filters):
    """The mean of what it says of both."""
    image, _ = disk
    both, own = (
        localize(image, axes="YXC", backbone=one, refine=False, min_confidence=0)[0].soft
        for one in (filters, "compact")
    )
    planes = as_planes(image, axes="YXC")
    scene = scene_of(planes, 0, filters, Compact(device="cpu"))
    (alone,) = run_steps(METHODS["auto"].steps()(scene))
    np.testing.assert_allclose(both, (own + alone.soft) / 2, atol=1e-6)
    assert np.abs(own - alone.soft).max() > 1e-3


def test_stacks_and_lists(disk, noise, backbone):
    gray = disk[0][..., 0]
    stack = localize(np.stack([gray, noise]), axes="TYX", backbone=backbone)
    assert stack.masks.shape == (2, 80, 96)
    assert stack.labels.dtype == np.int32
    several = localize([gray, noise[:64]], backbone=backbone)
    assert [mask.shape for mask in several.masks] == [(80, 96), (64, 96)]
    assert len(several.boxes) == len(several.confidence) == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"method": "magic"}, "deep_spectral"),
        ({"tau": 0.2}, "n_regions"),
        ({"method": "tokencut", "tau": "high"}, "tau"),
        ({"min_confidence": 2}, "min_confidence"),
        ({"n_objects": 0}, "n_objects|objects"),
        ({"min_area": -1}, "min_area"),
        ({"n_regions": 1}, "n_regions"),
    ],
)
def test_refused(options, told, noise):
    with pytest.raises(InputError, match=told):
        localize(noise, **options)


def test_options_beside_a_loaded_backbone_are_refused(noise, backbone):
    with pytest.raises(InputError, match="loaded backbone"):
        localize(noise, backbone=backbone, stride=8)


def test_a_foreground_is_cut_at_several_heights(backbone):
    plane = np.zeros((40, 80, 3), np.float32)
    scene = ObjectScene(plane, np.zeros((5, 10, 1), np.float32), 8, Compact(device="cpu"))
    soft = np.zeros((40, 80), np.float32)
    soft[10:30, 10:70] = 0.4
    soft[10:30, 10:30] = soft[10:30, 50:70] = 0.9
    assert [int(m.sum()) for m in things(scene, [soft], cuts=(0.5,))] == [400, 400]
    # What is the same at two heights is there once.
    cut = things(scene, [soft], cuts=(0.5, 0.7, 0.3))
    assert [int(m.sum()) for m in cut] == [400, 400, 1200]
    # A later map does not have what an earlier one took.
    left, _, both = cut
    later = things(scene, [left.astype(np.float32), both.astype(np.float32)], cuts=(0.5,))
    assert [int(m.sum()) for m in later] == [400, 800]


def test_of_things_on_each_other_the_first_is_taken():
    whole, part, beside, corner = (np.zeros((20, 40), bool) for _ in range(4))
    whole[:, :20] = part[5:10, 5:10] = beside[:, 20:] = True
    # One pixel of twenty is common: that is hardly on the whole.
    corner[0, 19:39] = True
    masks = [whole, part, beside, corner]
    assert apart(masks, np.array([0, 1, 2])).tolist() == [0, 2]
    assert apart(masks, np.array([1, 0, 2])).tolist() == [1, 2]
    assert apart(masks, np.array([0, 3])).tolist() == [0, 3]
    assert apart([], np.zeros(0, int)).tolist() == []


def test_features_of_things_are_those_that_suit_them():
    # The command line names every option, None where nothing was said.
    planes = as_planes(np.random.RandomState(0).rand(64, 64).astype(np.float32))
    for options in ({}, {"node": None, "layer": None}):
        ready = ready_backbone(planes, "compact", 8, None, options)
        assert ready.options["node"] == BACKBONES["compact"].object_node == "pyramid"
    assert ready_backbone(planes, "compact", 8, None, {"node": "kind"}).options["node"] == "kind"
    assert ready_backbone(planes, "filterbank", 8, None, {}).options["node"] == "all"
