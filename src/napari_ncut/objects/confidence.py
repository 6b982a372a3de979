"""How sure it is that a mask is a thing that people would point at.

By what can be seen of the plane alone, not by a backbone's features: it means the same for all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .judging import confidence_model
from .scene import Matrix, ObjectScene, lab

# Pixels around a mask that are compared with it, as a share of the plane's shorter side.
_RING = 0.04
MASK_EVIDENCE = (
    "foreground inside",
    "foreground around",
    "foreground anywhere",
    "highest foreground",
    "area",
    "border",
    "outline",
    "boundary inside",
    "color contrast",
    "texture",
)


def confidences(
    scene: ObjectScene, soft: Matrix, masks: Sequence[NDArray[np.bool_]]
) -> NDArray[np.float32]:
    """0 to 1 for every mask (h, w) of a plane."""
    if not masks:
        return np.zeros(0, np.float32)
    return confidence_model().probabilities(mask_evidence(scene, soft, masks))


def mask_evidence(scene: ObjectScene, soft: Matrix, masks: Sequence[NDArray[np.bool_]]) -> Matrix:
    """Numbers of every mask, (n, len(`MASK_EVIDENCE`))."""
    from scipy.ndimage import binary_dilation, gaussian_filter, generate_binary_structure

    boundary = gaussian_filter(scene.network.maps(scene.plane).boundary, 1.0, mode="nearest")
    color = lab(scene.plane) / 100
    noise = float(np.sqrt(np.mean(np.square(color - gaussian_filter(color, (2, 2, 0))).sum(-1))))
    width = max(2, round(_RING * min(scene.shape)))
    # Strengths and colors are looked at around the mask alone, which is all that is near it.
    rows = []
    for mask in masks:
        window = _around(mask, 2 * width)
        inside = mask[window]
        cross = generate_binary_structure(2, 1)
        edge = binary_dilation(inside, cross) & binary_dilation(~inside, cross)
        ring = binary_dilation(inside, cross, iterations=width) & ~inside
        ring = ring if ring.any() else ~inside
        rows.append(
            [
                soft[mask].mean(),
                _mean(soft[window], ring),
                soft.mean(),
                soft.max(),
                np.sqrt(mask.mean()),
                _border_share(mask),
                _mean(boundary[window], edge),
                _mean(boundary[window], inside & ~edge),
                np.linalg.norm(_mean(color[window], inside) - _mean(color[window], ring)),
                noise,
            ]
        )
    return np.array(rows, np.float32)


def _around(mask: NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return (
        slice(max(rows[0] - margin, 0), rows[-1] + 1 + margin),
        slice(max(columns[0] - margin, 0), columns[-1] + 1 + margin),
    )


def _mean(values: NDArray, where: NDArray[np.bool_]) -> NDArray:
    chosen = values[where]
    return chosen.mean(axis=0) if len(chosen) else np.zeros(values.shape[2:], np.float32)


def _border_share(mask: NDArray[np.bool_]) -> float:
    """How much of the plane's border is in the mask."""
    sides = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    return float(sides.mean())
