"""Regions with maps made by hand."""

from __future__ import annotations

import numpy as np

from napari_ncut.backbones.compact import PlaneMaps
from napari_ncut.regions.graph import RegionGraph


def quarters() -> tuple[RegionGraph, PlaneMaps, np.ndarray]:
    """Four squares, with a strong boundary between left and right and a weak one else."""
    labels = np.kron(np.array([[0, 1], [2, 3]], np.int32), np.ones((16, 16), np.int32))
    boundary = np.zeros(labels.shape, np.float32)
    boundary[16] = 0.2
    boundary[:, 16] = 0.9
    segment = np.zeros((16, 16, 24), np.float32)
    segment[:, 8:, 0] = 2
    plane = np.full((*labels.shape, 1), 0.3, np.float32)
    plane[:, 16:] = 0.8
    maps = PlaneMaps(boundary, segment, segment[..., :16], (), (2.0, 2.0))
    return RegionGraph.of(labels, boundary), maps, plane


def many(seed: int = 0) -> tuple[RegionGraph, PlaneMaps, np.ndarray]:
    """A mosaic with random maps."""
    random = np.random.RandomState(seed)
    labels = np.kron(np.arange(108, dtype=np.int32).reshape(9, 12), np.ones((4, 5), np.int32))
    boundary = random.rand(*labels.shape).astype(np.float32)
    segment, kind = (random.rand(18, 30, d).astype(np.float32) for d in (24, 16))
    plane = random.rand(*labels.shape, 3).astype(np.float32)
    return RegionGraph.of(labels, boundary), PlaneMaps(boundary, segment, kind, (), (2, 2)), plane
