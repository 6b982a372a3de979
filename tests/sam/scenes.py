"""Tiny images with two kinds of things, and their masks."""

from __future__ import annotations

import numpy as np

from napari_ncut.sam import MaskSet

SHAPE = (96, 120)
# Middles of things: those of even numbers are dark discs, the others bright squares.
PLACES = [(row, column) for row in (16, 48, 80) for column in (16, 48, 80, 104)]


def two_kinds(dtype: type = np.uint8, seed: int = 0) -> tuple[np.ndarray, MaskSet, np.ndarray]:
    """Image (h, w), masks, and the kind of each mask, 0 or 1."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices(SHAPE)
    image = 120 + 3 * random.standard_normal(SHAPE)
    masks, kinds = [], []
    for i, (row, column) in enumerate(PLACES):
        if i % 2:
            mask = (abs(rows - row) < 8) & (abs(columns - column) < 8)
            image[mask] += 90
        else:
            mask = np.hypot(rows - row, columns - column) < 9
            image[mask] -= 90
        masks.append(mask)
        kinds.append(i % 2)
    scale = 255 if dtype == np.uint16 else 1
    return (image.clip(0, 255) * scale).astype(dtype), MaskSet.of(masks), np.array(kinds)


def purity(classes: np.ndarray, kinds: np.ndarray) -> float:
    """Share of masks whose class is mostly of their kind."""
    counts = np.zeros((classes.max() + 1, kinds.max() + 1))
    np.add.at(counts, (classes, kinds), 1)
    return float(counts.max(axis=1).sum() / len(kinds))
