"""What every backbone of the registry must do."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ncut.backbones import BACKBONES, load_backbone

CASES = [
    pytest.param(name, layer, node, id=f"{name}-{layer}-{node}")
    for name, entry in BACKBONES.items()
    if not entry.unavailable_because and entry.size == 0
    for layer in range(len(entry.layers))
    for node in entry.nodes
]
SHAPES = [(32, 32), (19, 45), (1, 12), (1, 1)]


@pytest.mark.parametrize(("name", "layer", "node"), CASES)
def test_features_of_any_plane(name, layer, node):
    entry = BACKBONES[name]
    generator = np.random.default_rng(0)
    for n_channels in (1, 3, 5) if entry.channels is None else (entry.channels,):
        planes = [generator.random((*s, n_channels), dtype=np.float32) for s in SHAPES]
        for stride in (1, 2, 8):
            backbone = load_backbone(name, layer=layer, node=node)
            features = backbone.features(planes, stride)
            for (height, width), maps, plane in zip(SHAPES, features, planes, strict=True):
                assert maps.shape[:2] == (-(-height // stride), -(-width // stride))
                assert maps.dtype == np.float32
                assert np.isfinite(maps).all()
                (alone,) = load_backbone(name, layer=layer, node=node).features([plane], stride)
                np.testing.assert_array_equal(alone, maps)
            assert len({maps.shape[2] for maps in features}) == 1
