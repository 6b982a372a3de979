"""From images to feature maps."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, is_number
from ..imaging import Channels, PlaneLayout, Planes, Scaling, as_planes
from ..progress import Progress, Steps, run_steps
from ..scratch import empty_within
from .entry import workable_stride
from .preparation import Preparation, Preparations, check_preparation
from .registry import Backbone, load_backbone


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


def plan_layout(planes: Planes, backbone: Backbone) -> PlaneLayout:
    """The layout that features of `planes` through `backbone` will have."""
    own = getattr(backbone, "stride_for", None)
    stride = own(planes.shapes) if own else backbone.stride or workable_stride(planes.shapes)
    return PlaneLayout(
        shapes=planes.shapes, stride=stride, stacks=planes.stacks, is_list=planes.is_list
    )


def extract_steps(
    planes: Planes,
    backbone: Backbone,
    batch_size: int | None = None,
    *,
    budget: float = float("inf"),
) -> Steps[FeatureMaps]:
    """`extract_features` as a generator of progress, one step per pass over a batch of planes.

    Features beyond `budget` bytes go to a temporary file.
    """
    if batch_size is not None and (not is_number(batch_size, whole=True) or batch_size < 1):
        raise InputError(f"batch_size {batch_size!r} cannot be used. Give a whole number from 1.")
    layout = plan_layout(planes, backbone)
    stride = layout.stride
    if batch_size is None:
        suits = getattr(backbone, "batch_size_for", None)
        batch_size = suits(layout.shapes, stride) if suits else 1
    passes = backbone.passes(stride, layout.shapes) if hasattr(backbone, "passes") else 1
    total, done = len(planes) * passes, 0
    values: NDArray[np.float32] | None = None
    for first in range(0, len(planes), batch_size):
        yield Progress("features", done, total)
        batch = planes[first : first + batch_size]
        if hasattr(backbone, "feature_steps"):
            steps = backbone.feature_steps(batch, stride)
            maps = yield from _counted(steps, done, total)
        else:
            maps = backbone.features(batch, stride)
        done += len(batch) * passes
        for plane, features in enumerate(maps, first):
            if values is None:
                # Filled in place: a list to concatenate would need twice the memory.
                shape = (layout.n_nodes, features.shape[-1])
                values = empty_within(shape, np.float32, budget)
            values[layout.nodes_of(plane)] = features.reshape(-1, features.shape[-1])
    yield Progress("features", total, total)
    assert values is not None  # a sequence of planes is never empty
    return FeatureMaps(values, layout)


def _counted(steps: Generator[int, None, list[Any]], done: int, total: int) -> Steps[list[Any]]:
    """Steps that say how many planes each is for, as progress."""
    while True:
        try:
            planes = next(steps)
        except StopIteration as end:
            result: list[Any] = end.value
            return result
        yield Progress("features", min(done, total), total)
        done += planes


def extract_features(
    images: Any,
    backbone: str | Backbone = "compact",
    *,
    axes: str | Sequence[str | None] | None = None,
    channels: Channels = None,
    scaling: Scaling = "stack",
    batch_size: int | None = None,
    preparation: Preparations = "none",
    progress: Callable[[Progress], object] | None = None,
    **options: Any,
) -> FeatureMaps:
    """Compute feature maps of one image or many.

    Parameters
    ----------
    images, axes, channels, scaling
        As for `napari_ncut.imaging.as_planes`: an array or a list of arrays.
    backbone
        A name, or what `load_backbone` made.
    batch_size
        Planes handed to the backbone at once. Default: as many as suit it; memory that is too
        small for them shows, and fewer are tried.
    preparation
        "none" for features as the network gives them; "l2" for unit length at every cell, as a
        cut of a network's features takes them; "standardize" for zero mean and unit deviation of
        every feature over all cells.
    progress
        Called with a `Progress` before every batch.
    **options
        Of `load_backbone`, where `backbone` is a name: layer, node, checkpoint, device, stride …

    Returns
    -------
    FeatureMaps
        float32 features on a grid of `stride` pixels.

    Raises
    ------
    InputError
        If anything given cannot be used; nothing has been computed then.
    """
    check_preparation(preparation)
    if options and not isinstance(backbone, str):
        raise InputError(
            f"{', '.join(options)} cannot be given beside a loaded backbone, which has its own. "
            f"Give them to load_backbone, or give the backbone's name."
        )
    planes = as_planes(images, axes=axes, channels=channels, scaling=scaling)
    ready = load_backbone(backbone, **options) if isinstance(backbone, str) else backbone
    features = run_steps(extract_steps(planes, ready, batch_size), progress)
    Preparation.fit(preparation, features.values).apply(features.values)
    return features
