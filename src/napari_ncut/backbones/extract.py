"""From images to feature maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, is_number
from ..imaging import Channels, PlaneLayout, Planes, Scaling, as_planes
from ..progress import Progress, Steps, run_steps
from .registry import Backbone, load_backbone

# A grid of 256 × 256 cells keeps a one-megapixel plane at a stride of 4 pixels, cut in seconds and
# prompted in milliseconds; two million nodes keep the eigenvectors of a long stack within 250 MB.
CELLS_PER_PLANE = 2**16
CELLS_IN_ALL = 2**21


@dataclass(frozen=True)
class FeatureMaps:
    """Feature maps of one or many images.

    Attributes
    ----------
    values : float32 array (n_nodes, d)
        Features of all nodes, plane after plane.
    layout : PlaneLayout
        Where the nodes lie.
    """

    values: NDArray[np.float32]
    layout: PlaneLayout

    @property
    def maps(self) -> Any:
        """Feature maps in the shape of the images: (n, rows, columns, d), or a list for a list."""
        return self.layout.grids_as_given(self.values)

    @property
    def stride(self) -> int:
        """Pixels per cell of the feature grid."""
        return self.layout.stride


def choose_stride(shapes: tuple[tuple[int, int], ...]) -> int:
    """The finest power of two for which the feature grids of planes (h, w) stay workable."""
    stride = 1
    while True:
        cells = [-(-h // stride) * -(-w // stride) for h, w in shapes]
        if max(cells) <= CELLS_PER_PLANE and sum(cells) <= CELLS_IN_ALL:
            return stride
        stride *= 2


def plan_layout(planes: Planes, backbone: Backbone) -> PlaneLayout:
    """The layout that features of `planes` through `backbone` will have."""
    stride = backbone.stride or choose_stride(planes.shapes)
    return PlaneLayout(
        shapes=planes.shapes, stride=stride, stacks=planes.stacks, is_list=planes.is_list
    )


def extract_steps(planes: Planes, backbone: Backbone, batch_size: int = 1) -> Steps[FeatureMaps]:
    """`extract_features` as a generator of progress, one step per batch of planes."""
    if not is_number(batch_size, whole=True) or batch_size < 1:
        raise InputError(f"batch_size {batch_size!r} cannot be used. Give a whole number from 1.")
    layout = plan_layout(planes, backbone)
    values: NDArray[np.float32] | None = None
    for first in range(0, len(planes), batch_size):
        yield Progress("features", first, len(planes))
        batch = planes[first : first + batch_size]
        for plane, features in enumerate(backbone.features(batch, layout.stride), first):
            if values is None:
                # Filled in place: a list to concatenate would need twice the memory.
                values = np.empty((layout.n_nodes, features.shape[-1]), dtype=np.float32)
            values[layout.nodes_of(plane)] = features.reshape(-1, features.shape[-1])
    yield Progress("features", len(planes), len(planes))
    assert values is not None  # a sequence of planes is never empty
    return FeatureMaps(values, layout)


def extract_features(
    images: Any,
    backbone: str | Backbone = "filterbank",
    *,
    axes: str | None = None,
    channels: Channels = None,
    scaling: Scaling = "stack",
    batch_size: int = 1,
    progress: Callable[[Progress], object] | None = None,
) -> FeatureMaps:
    """Compute feature maps of one image or many.

    Parameters
    ----------
    images, axes, channels, scaling
        As for `napari_ncut.imaging.as_planes`: an array or a list of arrays.
    backbone
        A name, or what `load_backbone` made.
    batch_size
        Planes handed to the backbone at once.
    progress
        Called with a `Progress` before every batch.

    Returns
    -------
    FeatureMaps
        float32 features on a grid of `stride` pixels.
    """
    planes = as_planes(images, axes=axes, channels=channels, scaling=scaling)
    ready = load_backbone(backbone) if isinstance(backbone, str) else backbone
    return run_steps(extract_steps(planes, ready, batch_size), progress)
