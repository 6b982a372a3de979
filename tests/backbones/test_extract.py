from __future__ import annotations

import numpy as np
import pytest

from napari_ncut.backbones import extract_features, load_backbone
from napari_ncut.backbones.entry import workable_stride
from napari_ncut.errors import InputError

NOISE = np.random.default_rng(0).random((3, 12, 20)).astype(np.float32)


def test_planes_follow_each_other():
    whole = extract_features(NOISE, axes="TYX", scaling=(0, 1))
    assert whole.maps.shape == (3, 12, 20, whole.values.shape[1])
    assert whole.stride == 1
    last = extract_features(NOISE[2], scaling=(0, 1))
    np.testing.assert_array_equal(whole.maps[2], last.maps[0])


def test_a_list_gives_a_list():
    maps = extract_features([NOISE[0], NOISE[1, :5]]).maps
    assert [m.shape[:2] for m in maps] == [(12, 20), (5, 20)]


def test_batches_do_not_matter_and_progress_is_told():
    told = []
    together = extract_features(NOISE, axes="ZYX", batch_size=2, progress=told.append)
    np.testing.assert_array_equal(together.values, extract_features(NOISE, axes="ZYX").values)
    assert [(step.done, step.total) for step in told] == [(0, 3), (2, 3), (3, 3)]


def test_a_loaded_backbone_keeps_its_stride():
    assert extract_features(NOISE[0], load_backbone("filterbank", stride=4)).maps.shape[1:3] == (
        3,
        5,
    )


@pytest.mark.parametrize(
    ("shapes", "stride"),
    [
        (((256, 256),), 1),
        (((257, 256),), 2),
        (((1024, 1024),), 4),
        (((2048, 2048),), 8),
        (((256, 256),) * 100, 2),
    ],
)
def test_the_stride_keeps_grids_workable(shapes, stride):
    assert workable_stride(shapes) == stride


def test_options_go_to_a_backbone_that_is_named():
    image = np.random.default_rng(0).random((16, 24))
    named = extract_features(image, "filterbank", layer=0, node="edge", stride=4)
    loaded = load_backbone("filterbank", layer=0, node="edge", stride=4)
    np.testing.assert_array_equal(named.values, extract_features(image, loaded).values)
    with pytest.raises(InputError, match="layer cannot be given beside a loaded backbone"):
        extract_features(image, loaded, layer=1)


def test_features_are_prepared_as_asked():
    image = np.random.default_rng(0).random((16, 24))
    raw = extract_features(image, "filterbank").values
    unit = extract_features(image, "filterbank", preparation="l2").values
    np.testing.assert_allclose(unit, raw / np.linalg.norm(raw, axis=1, keepdims=True), atol=1e-6)
    standard = extract_features(image, "filterbank", preparation="standardize").values
    np.testing.assert_allclose(standard.std(axis=0), 1, atol=1e-4)
    with pytest.raises(InputError, match="Unknown preparation"):
        extract_features(image, preparation="l1")
