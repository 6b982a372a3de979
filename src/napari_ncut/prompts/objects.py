"""Only the connected things that were clicked, through the planes of a stack."""

from __future__ import annotations

import numpy as np

from ..imaging import PlaneLayout
from .clicks import Clicks
from .margins import GridResult


def keep_clicked_objects(
    layout: PlaneLayout, clicks: Clicks, results: dict[int, GridResult]
) -> None:
    """Push everything outside that is not connected to a positive click of its class, in place."""
    from scipy.ndimage import generate_binary_structure, label

    first = 0
    for stack in layout.stacks:
        n_planes = int(np.prod(stack))
        planes = range(first, first + n_planes)
        first += n_planes
        cells = clicks.pixels // np.array([1, layout.stride, layout.stride])
        for k, number in enumerate(clicks.labels):
            margins = np.stack([results[p].margins[k] for p in planes])
            volume = (margins > 0).reshape(*stack, *margins.shape[1:])
            structure = generate_binary_structure(volume.ndim, min(2, volume.ndim))
            components = label(volume, structure)[0].reshape(margins.shape)
            mine = clicks.positive & (clicks.classes == number)
            mine &= (cells[:, 0] >= planes.start) & (cells[:, 0] < planes.stop)
            clicked = components[cells[mine, 0] - planes.start, cells[mine, 1], cells[mine, 2]]
            outside = ~np.isin(components, clicked[clicked > 0]) & (margins > 0)
            for p, away in zip(planes, outside, strict=True):
                results[p].margins[k][away] *= -1
