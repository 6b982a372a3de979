"""The finest regions: basins of a boundary map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Width in pixels of the Gaussian that takes noise out of a map, and of the one after which what is
# lowest begins a region: sharp edges, and still no region for every ripple.
_NOISE = 0.7
_SMOOTHING = 1.2
# How much the image's own edges count beside the boundaries: where the network sees none, regions
# still follow what there is to see, and small things have regions of their own.
_OWN_EDGES = 0.5


def fine_regions(
    boundary: NDArray[np.float32],
    plane: NDArray[np.float32] | None = None,
    *,
    smoothing: float = 1.0,
) -> NDArray[np.int32]:
    """Basins of a boundary map, with edges where it is highest.

    Parameters
    ----------
    boundary
        (h, w), probability of a boundary, 0 to 1.
    plane
        (h, w, c), the image, whose own edges count beside it.
    smoothing
        Factor on the widths of smoothing; less gives more and smaller regions.

    Returns
    -------
    int32 (h, w)
        Regions from 0, each connected, in the order of their first pixels.
    """
    from scipy.ndimage import gaussian_filter, label, minimum_filter
    from skimage.segmentation import watershed

    height = flooded_height(boundary, plane)
    smooth = gaussian_filter(height, _SMOOTHING * smoothing, mode="nearest")
    lowest, _ = label(smooth == minimum_filter(smooth, 3, mode="nearest"), np.ones((3, 3)))
    basins = watershed(gaussian_filter(height, _NOISE * smoothing, mode="nearest"), lowest).ravel()
    # Numbered by first pixel, so that the same regions have the same numbers anywhere.
    _, first, inverse = np.unique(basins, return_index=True, return_inverse=True)
    order = np.empty(len(first), np.int32)
    order[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return order[inverse].reshape(height.shape)


def flooded_height(
    boundary: NDArray[np.float32], plane: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """What is flooded, (h, w): boundaries, and the image's own edges beside them."""
    from scipy.ndimage import gaussian_gradient_magnitude

    height = np.array(boundary, dtype=np.float32)
    if plane is not None:
        edges = np.max(
            [
                gaussian_gradient_magnitude(plane[..., i], 1.0, mode="nearest")
                for i in range(plane.shape[-1])
            ],
            axis=0,
        )
        # In units of the plane's own edges, so that low contrast is followed as well.
        strong = np.percentile(edges[::2, ::2], 95) + 1e-6
        height += _OWN_EDGES * np.minimum(edges / strong, 1.5)
    return height
