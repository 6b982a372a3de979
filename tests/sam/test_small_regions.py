"""Specks and pinholes: removed within boxes as on the whole plane."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ncut import MaskSet
from napari_ncut.sam.small_regions import without_small_regions


def removed(mask: np.ndarray, least: float) -> tuple[np.ndarray, bool]:
    """The mask after removal, whole again."""
    masks = MaskSet.of([mask])
    crop, box, changed = without_small_regions(
        masks.crops[0], tuple(masks.boxes[0].tolist()), mask.shape, least
    )
    whole = np.zeros(mask.shape, bool)
    whole[box[0] : box[2], box[1] : box[3]] = crop
    return whole, changed


def test_a_hole_and_a_speck():
    mask = np.zeros((12, 12), bool)
    mask[2:8, 2:8] = True
    solid = mask.copy()
    mask[4, 4] = False
    mask[10, 10] = True
    found, changed = removed(mask, 2)
    np.testing.assert_array_equal(found, solid)
    assert changed
    found, changed = removed(mask, 1)
    np.testing.assert_array_equal(found, mask)
    assert not changed


def test_the_largest_speck_stays():
    mask = np.zeros((9, 9), bool)
    mask[1, 1] = mask[5, 5:8] = True
    found, changed = removed(mask, 50)
    assert np.argwhere(found).tolist() == [[5, 5], [5, 6], [5, 7]] and changed


def test_what_a_mask_leaves_of_the_plane_may_be_a_hole():
    mask = np.ones((9, 9), bool)
    mask[:, 8] = False
    assert removed(mask, 10)[0].all()
    assert not removed(mask, 9)[1]


@pytest.mark.parametrize("least", [1, 3, 10, 40, 1000])
@pytest.mark.parametrize("density", [0.0, 0.3, 0.6, 0.95, 1.0])
def test_the_same_as_segment_anything(least, density):
    pytest.importorskip("cv2", reason="the authors' function needs OpenCV")
    from segment_anything.utils.amg import remove_small_regions

    random = np.random.default_rng(0)
    for _ in range(10):
        mask = random.random((14, 17)) < density
        top, left = random.integers(0, 8, 2)
        mask[: int(top)] = mask[:, : int(left)] = False
        expected, filled = remove_small_regions(mask, least, "holes")
        expected, dropped = remove_small_regions(expected, least, "islands")
        found, changed = removed(mask, least)
        # Of several largest pieces either may stay.
        if dropped and found.sum() == expected.sum():
            continue
        np.testing.assert_array_equal(found, expected)
        assert changed == (filled or dropped)
