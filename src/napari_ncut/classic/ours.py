"""What the rest of this package segments with, under the same face."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..segmenters import Task
from .images import is_flat
from .numbering import numbered_parts

if TYPE_CHECKING:
    from ..sam import SamSegmenter

COMPACT = "compact"


def compact_tree(task: Task, *, level: float) -> NDArray:
    """Regions of the embedded network's boundaries at one level of their merging."""
    from ..backbones.compact import Compact
    from ..regions.cuts import Cut
    from ..regions.hierarchy import PlaneHierarchy

    hierarchy = PlaneHierarchy.of(task.image, Compact(device=task.device))
    return hierarchy.pixels(Cut.by(hierarchy.tree, "level", level))


def ncut(task: Task, *, groups: int, backbone: str, **numbering: Any) -> NDArray:
    """Groups of a normalized cut, with edges that follow the image."""
    from ..spectral import embed
    from ..spectral.ncut import SpectrumWarning

    if is_flat(task.image):
        return np.ones(task.shape, np.int32)
    image, axes = as_given(task)
    with warnings.catch_warnings():
        # Of an image with less to tell apart there are fewer groups.
        warnings.simplefilter("ignore", SpectrumWarning)
        embedding = embed(
            image,
            axes=axes,
            scaling="dtype",
            backbone=backbone,
            n_components=groups,
            device=task.device,
        )
    n_groups = min(groups, embedding.n_components)
    (grid,) = embedding.kway(n_groups)
    upsampler = embedding.upsampler(0)
    shares = (grid == np.arange(1, n_groups + 1)[:, np.newaxis, np.newaxis]).astype(np.float32)
    pixels = np.empty(task.shape, np.int32)
    for rows, band in upsampler.bands(shares):
        pixels[rows] = band.argmax(axis=0)
    return numbered_parts(pixels, **numbering)


def sam(task: Task, *, model: str, points_per_side: int, smallest: int) -> NDArray:
    """All masks, the smaller ones on top, and the pieces of what is in none."""
    from ..sam import automatic_masks

    image, axes = as_given(task)
    masks = automatic_masks(
        image,
        model if model == COMPACT else _loaded(model, task.device),
        axes=axes,
        scaling="dtype",
        points_per_side=points_per_side,
        min_mask_region_area=smallest,
        device=task.device,
    )
    labels = masks.labels()
    rest = numbered_parts(labels == 0)
    return np.where(labels > 0, labels, rest + len(masks))


@lru_cache(maxsize=1)
def _loaded(model: str, device: str | None) -> SamSegmenter:
    """A model for all planes of a stack, and for what is segmented next."""
    from ..sam import SamSegmenter

    return SamSegmenter(model, device=device)


def sam_is_ready(*, model: str, **_: Any) -> bool:
    """Whether it goes without weights that take long to load and to use."""
    return model == COMPACT


def as_given(task: Task) -> tuple[NDArray[np.float32], str]:
    """The plane as the public functions take it, with its axes."""
    if task.is_color:
        return task.image, "YXS"
    return np.ascontiguousarray(np.moveaxis(task.image, -1, 0)), "CYX"
