"""The finest regions: basins of a boundary map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Width in pixels of the Gaussian that takes the smallest basins out of a boundary map.
_SMOOTHING = 1.0
# How much the image's own edges count beside the boundaries: where the network sees none, regions
# still follow what there is to see, and small things have regions of their own.
_OWN_EDGES = 0.5


def fine_regions(
    boundary: NDArray[np.float32], plane: NDArray[np.float32] | None = None
) -> NDArray[np.int32]:
    """Basins of a boundary map, with edges where it is highest.

    Parameters
    ----------
    boundary
        (h, w), probability of a boundary, 0 to 1.
    plane
        (h, w, c), the image, whose own edges count beside it.

    Returns
    -------
    int32 (h, w)
        Regions from 0, each connected, in the order of their first pixels.
    """
    import higra
    from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude

    height = gaussian_filter(boundary, _SMOOTHING, mode="nearest")
    if plane is not None:
        edges = np.max(
            [
                gaussian_gradient_magnitude(plane[..., i], _SMOOTHING, mode="nearest")
                for i in range(plane.shape[-1])
            ],
            axis=0,
        )
        # In units of the plane's own edges, so that low contrast is followed as well.
        strong = np.percentile(edges[::2, ::2], 95) + 1e-6
        height += _OWN_EDGES * np.minimum(edges / strong, 1.5)
    if height.size == 1:
        return np.zeros(height.shape, np.int32)
    graph = higra.get_4_adjacency_graph(height.shape)
    weights = higra.weight_graph(graph, height, higra.WeightFunction.mean)
    basins = higra.labelisation_watershed(graph, weights).ravel()
    # Numbered by first pixel, so that the same regions have the same numbers anywhere.
    _, first, inverse = np.unique(basins, return_index=True, return_inverse=True)
    order = np.empty(len(first), np.int32)
    order[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return order[inverse].reshape(height.shape)
