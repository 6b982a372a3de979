"""The losses of superpixel sampling networks (Jampani et al. 2018)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..superpixels.soft import SoftAssignment

# Of a mixture that has none of the true segment; 1e-6 would let single pixels rule.
_LEAST_SHARE = 1e-4


def reconstruction_loss(found: SoftAssignment, segmentations: NDArray[np.int32]) -> Tensor:
    """Cross-entropy of segments mixed to superpixels and back, over all annotators.

    Parameters
    ----------
    found
        Of one plane.
    segmentations
        (annotators, h, w) of any numbers.
    """
    grid = found.grid
    numbers, first = [], 0
    for one in segmentations:
        unique, inverse = np.unique(one, return_inverse=True)
        numbers.append(inverse.ravel() + first)
        first += len(unique)
    ids = torch.from_numpy(np.stack(numbers, axis=-1))[None].to(grid.pixels.device)
    arranged = grid.arranged(ids)
    # Segments of all annotators side by side: one product serves them all.
    drawn = found.centers.new_zeros(*arranged.shape[:3], first).scatter_(3, arranged, 1.0)
    mixed = found.spread(found.pooled(drawn)).gather(3, arranged)
    return -mixed[grid.inside[None]].clamp_min(_LEAST_SHARE).log().mean()


def compactness_loss(found: SoftAssignment) -> Tensor:
    """Mean squared distance, in pixels, of pixels to the middle of their superpixel."""
    grid = found.grid
    flat = torch.arange(grid.shape[0] * grid.shape[1], device=grid.pixels.device)
    place = torch.stack([flat // grid.shape[1], flat % grid.shape[1]], dim=-1).float()
    arranged = grid.arranged(place[None])
    middles = found.pooled(arranged)[:, grid.candidates]
    best = found.hard()[..., None].expand(-1, -1, -1, 2)
    apart = arranged - middles.gather(2, best)
    return apart.square().sum(dim=-1)[grid.inside[None]].mean()
