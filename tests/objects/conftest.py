"""Small images with one thing, several, or none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray


@pytest.fixture(scope="session")
def disk() -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A red disk on noisy green, and where it is."""
    random = np.random.RandomState(0)
    rows, columns = np.indices((80, 96))
    mask = np.hypot(rows - 38, columns - 50) < 19
    image = np.array([60, 130, 70]) + 6 * random.randn(80, 96, 3)
    image[mask] = np.array([190, 60, 50]) + 6 * random.randn(int(mask.sum()), 3)
    return image.clip(0, 255).astype(np.uint8), mask


@pytest.fixture(scope="session")
def noise() -> NDArray[np.uint8]:
    """Gray noise: nothing is in it."""
    random = np.random.RandomState(1)
    return (120 + 8 * random.randn(80, 96)).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def two_disks() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Two bright disks on dark, numbered from left to right."""
    random = np.random.RandomState(2)
    rows, columns = np.indices((80, 112))
    labels = np.zeros((80, 112), int)
    labels[np.hypot(rows - 40, columns - 28) < 14] = 1
    labels[np.hypot(rows - 38, columns - 82) < 17] = 2
    image = np.where(labels > 0, 190, 40) + 5 * random.randn(80, 112)
    return image.clip(0, 255).astype(np.uint8), labels
