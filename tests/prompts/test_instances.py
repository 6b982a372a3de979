from __future__ import annotations

import numpy as np
import pytest
from skimage.draw import disk

from napari_ncut import label_instances
from napari_ncut.errors import InputError


def drawn(text: str) -> np.ndarray:
    return np.array([[int(c) for c in line] for line in text.split()])


def touching_discs() -> np.ndarray:
    mask = np.zeros((40, 60), bool)
    for center in ((20, 20), (20, 37)):
        mask[disk(center, 10)] = True
    return mask


def test_connected_pixels_are_one_thing():
    instances, classes = label_instances(drawn("11000 11000 00100 00000 10001").astype(bool))
    np.testing.assert_array_equal(instances, drawn("11000 11000 00100 00000 20003"))
    assert instances.dtype == np.int32
    assert classes.tolist() == [0, 1, 1, 1]


def test_touching_classes_never_join():
    instances, classes = label_instances(drawn("5577 5577 0005"))
    np.testing.assert_array_equal(instances, drawn("1133 1133 0002"))
    assert classes.tolist() == [0, 5, 5, 7]


def test_small_things_are_dropped_and_numbers_stay_without_gaps():
    instances, classes = label_instances(drawn("11011 11000 00000 10222"), min_area=3)
    np.testing.assert_array_equal(instances, drawn("11000 11000 00000 00222"))
    assert classes.tolist() == [0, 1, 2]


def test_two_touching_discs_are_split_into_two():
    mask = touching_discs()
    together, _ = label_instances(mask)
    assert together.max() == 1
    apart, classes = label_instances(mask, split=True)
    np.testing.assert_array_equal(apart > 0, mask)
    assert classes.tolist() == [0, 1, 1]
    assert len(np.unique(apart[:, :25][mask[:, :25]])) == 1
    assert len(np.unique(apart[:, 33:][mask[:, 33:]])) == 1
    assert apart[20, 20] != apart[20, 37]


def test_things_part_at_boundaries_without_a_neck():
    mask = np.zeros((40, 60), bool)
    mask[10:30, 5:55] = True
    edges = np.zeros(mask.shape, np.float32)
    edges[:, 29:31] = 0.9
    apart, classes = label_instances(mask, split=True, boundaries=edges, min_distance=15)
    np.testing.assert_array_equal(apart > 0, mask)
    assert classes.tolist() == [0, 1, 1]
    assert len(np.unique(apart[10:30, 5:29])) == len(np.unique(apart[10:30, 31:55])) == 1
    whole, _ = label_instances(mask, split=True, min_distance=30)
    assert whole.max() == 1
    with pytest.raises(InputError, match="one number for every pixel"):
        label_instances(mask, split=True, boundaries=edges[1:])


def test_splitting_loses_no_thing_however_small():
    mask = touching_discs()
    mask[0, 0] = mask[38, 58] = True
    instances, classes = label_instances(mask, split=True)
    np.testing.assert_array_equal(instances > 0, mask)
    assert len(classes) == 5


def test_a_larger_distance_splits_less():
    assert len(label_instances(touching_discs(), split=True, min_distance=30)[1]) == 2


def test_planes_stand_alone_or_join():
    stack = np.stack([drawn("110 000 003"), drawn("110 000 300"), drawn("000 000 000")])
    alone, classes = label_instances(stack)
    assert classes.tolist() == [0, 1, 3, 1, 3]
    assert alone[0, 0, 0] != alone[1, 0, 0]
    joined, classes = label_instances(stack, through_planes=True)
    assert classes.tolist() == [0, 1, 3, 3]
    assert joined[0, 0, 0] == joined[1, 0, 0] == 1


def test_an_empty_map_has_no_things():
    instances, classes = label_instances(np.zeros((3, 4), int), split=True)
    assert not instances.any()
    assert classes.tolist() == [0]


@pytest.mark.parametrize(
    "labels", [np.zeros(3, int), np.zeros((3, 3)), np.zeros((2, 2, 2, 2), int)]
)
def test_what_is_no_label_map_is_refused(labels):
    with pytest.raises(InputError, match="are needed"):
        label_instances(labels)
