"""Parts and concepts: the same number is the same part everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_ncut import InputError, concepts, load_backbone, parts
from napari_ncut.object_metrics import adjusted_rand_index

RED, BLUE, GROUND = (200, 50, 40), (50, 70, 200), (120, 150, 110)


def two_halves(turned: bool, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A disk of two colors, side by side; and 1 where it is red, 2 where blue."""
    random = np.random.RandomState(seed)
    rows, columns = np.indices((64, 72))
    truth = np.where(np.hypot(rows - 32, columns - 36) < 24, 1 + (columns >= 36), 0)
    if turned:
        truth[truth > 0] = 3 - truth[truth > 0]
    colors = np.array([GROUND, RED, BLUE])[truth] + 5 * random.randn(64, 72, 3)
    return colors.clip(0, 255).astype(np.uint8), truth


@pytest.fixture(scope="module")
def pair():
    return [two_halves(False, 0), two_halves(True, 1)]


@pytest.fixture(scope="module")
def backbone():
    return load_backbone("compact", stride=4, device="cpu")


def test_parts_are_the_same_in_both_images(pair, backbone):
    images, truth = zip(*pair, strict=True)
    found = parts(
        list(images), 2, masks=[t > 0 for t in truth], axes="YXC", backbone=backbone,
        position_weight=0,
    )  # fmt: skip
    both, true = (np.concatenate([x.ravel() for x in maps]) for maps in (found.labels, truth))
    assert_array_equal(both > 0, true > 0)
    assert adjusted_rand_index(both[true > 0], true[true > 0]) > 0.8
    assert found.n_parts == 2
    np.testing.assert_allclose(found.shares.sum(axis=1), 1)


def test_objects_are_looked_for_where_none_are_given(pair, backbone):
    image, truth = pair[0]
    found = parts(image, 2, axes="YXC", backbone=backbone)
    assert ((found.labels > 0) == (truth > 0)).mean() > 0.9


def test_concepts_cover_everything(pair, backbone):
    images, truth = zip(*pair, strict=True)
    found = concepts(list(images), 3, axes="YXC", backbone=backbone)
    both, true = (np.concatenate([x.ravel() for x in maps]) for maps in (found.labels, truth))
    assert both.min() == 1
    assert adjusted_rand_index(both, true) > 0.8
    # The ground is the most of it.
    assert found.labels[0][0, 0] == 1


def test_no_object_no_parts(pair, backbone):
    image, truth = pair[0]
    found = parts(image, 3, masks=np.zeros_like(truth), axes="YXC", backbone=backbone)
    assert not found.labels.any()
    assert found.n_parts == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"n_parts": 0}, "parts"),
        ({"position_weight": -1}, "position_weight"),
        ({"random_state": -1}, "random_state"),
        ({"masks": np.ones((3, 4))}, "shape"),
    ],
)
def test_refused(options, told, pair):
    with pytest.raises(InputError, match=told):
        parts(pair[0][0], axes="YXC", **options)
