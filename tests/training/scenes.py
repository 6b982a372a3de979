"""Two tiny scenes to learn from."""

from __future__ import annotations

import numpy as np

from napari_ncut.training.augmentation import Crop
from napari_ncut.training.synthesis import synthesize


def crops() -> list[Crop]:
    found = []
    for seed in (1, 2):
        scene = synthesize("grains", seed=seed, shape=(96, 112))
        image = np.atleast_3d(scene.image).astype(np.float32)
        image = np.broadcast_to(image, (*image.shape[:2], 3)).copy()
        found.append(Crop(image, scene.segmentations, scene.classes))
    return found
