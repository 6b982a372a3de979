"""From coarse to fine: every image as a hierarchy of regions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, is_number
from ..imaging import Channels, PlaneLayout, Scaling, as_planes
from ..progress import Progress, Steps, run_steps
from .graph import RegionGraph
from .tree import MergeTree

if TYPE_CHECKING:
    from ..backbones.compact import Compact


@dataclass(frozen=True)
class PlaneHierarchy:
    """The finest regions of a plane, and the tree in which they merge."""

    graph: RegionGraph
    tree: MergeTree

    @classmethod
    def of(cls, plane: NDArray[np.float32], network: Compact) -> PlaneHierarchy:
        """Find them in a plane (h, w, c) in [0, 1]."""
        from .merging import merge_tree
        from .watershed import fine_regions

        maps = network.maps(plane)
        graph = RegionGraph.of(fine_regions(maps.boundary, plane), maps.boundary)
        return cls(graph, merge_tree(graph, maps, plane))

    def labels(self, groups: NDArray[np.int32]) -> NDArray[np.int32]:
        """Numbers from 1 for all pixels, (h, w), of the groups of regions (n,)."""
        return (groups + np.int32(1))[self.graph.labels]

    @cached_property
    def boundaries(self) -> NDArray[np.float32]:
        """The level at which each pixel and the next one, to the right or below, become one."""
        labels = self.graph.labels
        result = np.zeros(labels.shape, np.float32)
        for here, there in (
            ((slice(None), slice(-1)), (slice(None), slice(1, None))),
            ((slice(-1), slice(None)), (slice(1, None), slice(None))),
        ):
            differ = labels[here] != labels[there]
            nodes = self.tree.common(labels[here][differ], labels[there][differ])
            view = result[here]
            view[differ] = np.maximum(view[differ], self.tree.levels[nodes])
        return result


class Hierarchy:
    """Nested regions of an image, of each plane of a stack, or of several images.

    Made by `granularity`. Each plane has its own regions: in two planes the same number means
    nothing.

    Parameters
    ----------
    planes
        One of every plane.
    layout
        Of the images as they were given.
    """

    def __init__(self, planes: Sequence[PlaneHierarchy], layout: PlaneLayout) -> None:
        self.planes = list(planes)
        self._layout = layout

    def labels(self, level: float | None = None, *, n_regions: int | None = None) -> Any:
        """Regions at one granularity; give one of the two.

        Regions of a finer granularity are parts of those of a coarser one.

        Parameters
        ----------
        level
            0 to 1: regions merge if what parts them is a boundary with a probability below this.
            0 gives the finest regions, 1 one region, higher ones fewer and larger. A level means
            the same in every image.
        n_regions
            How many regions every plane shall have, at least 1. A plane with fewer than that has
            its finest regions.

        Returns
        -------
        int32 array (h, w), (n, h, w) for a stack, or a list of them for a list of images
            Numbers from 1 in every plane.

        Raises
        ------
        InputError
            If both or none are given, or they are out of range.
        """
        if (level is None) == (n_regions is None):
            raise InputError(
                "Labels need a granularity: give either level, 0 to 1, or n_regions, 1 or more."
            )
        if level is not None:
            if not is_number(level) or not 0 <= level <= 1:
                raise InputError(
                    f"The level {level!r} cannot be used. Give a number from 0, the finest "
                    f"regions, to 1, one region."
                )
            cuts = [plane.tree.cut(float(level)) for plane in self.planes]
        else:
            if n_regions is None or not is_number(n_regions, whole=True) or n_regions < 1:
                raise InputError(
                    f"{n_regions!r} regions cannot be made. Give a whole number, 1 or more."
                )
            cuts = [plane.tree.cut_number(int(n_regions)) for plane in self.planes]
        return self._layout.pixels_as_given(
            [plane.labels(groups) for plane, groups in zip(self.planes, cuts, strict=True)]
        )

    def boundaries(self) -> Any:
        """The ultrametric contour map: where regions end, and up to which level.

        Returns
        -------
        float32 array, shaped as `labels`
            0 inside of the finest regions; on the last pixel before another region the largest
            `level` at which it is still another. Thresholded, it gives the outlines of
            ``labels(level)``.
        """
        return self._layout.pixels_as_given([plane.boundaries for plane in self.planes])

    def n_regions(self, level: float) -> list[int]:
        """How many regions each plane has at a level."""
        return [int(plane.tree.cut(level).max()) + 1 for plane in self.planes]


def granularity(
    image: Any,
    *,
    axes: str | Sequence[str | None] | None = None,
    channels: Channels = None,
    scaling: Scaling = "stack",
    device: str | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Hierarchy:
    """Find the regions of an image and how they nest, from the finest to one.

    Boundaries, and what belongs together, are seen by the embedded network; then regions merge
    over the least probable boundary, one after the other. Nothing is downloaded.

    Parameters
    ----------
    image
        An image, a stack, or a list of images. dtype bool, integer or float.
    axes
        A letter for each dimension ("YX", "YXC", "TYX", "ZCYX" …). Without it a 2-D array is "YX"
        and anything else is an error. Of several images one for all, or a list.
    channels
        Indices of the channels to use, "all" or "composite". Default: all.
    scaling
        How intensities become 0 to 1: "stack", "plane", "dtype" or contrast limits (low, high).
    device
        Where the network computes, for example "cpu" or "cuda". Default: the fastest there is.
    progress
        Called with a `Progress` before every plane and at the end.

    Returns
    -------
    Hierarchy
        Whose `labels` are made in milliseconds at any granularity.

    Raises
    ------
    InputError
        If the input is no image, or the axes, channels or limits do not fit it.
    """
    steps = granularity_steps(image, axes=axes, channels=channels, scaling=scaling, device=device)
    return run_steps(steps, progress)


def granularity_steps(
    image: Any,
    *,
    axes: str | Sequence[str | None] | None = None,
    channels: Channels = None,
    scaling: Scaling = "stack",
    device: str | None = None,
) -> Steps[Hierarchy]:
    """`granularity` as a generator of progress, which may be closed to cancel."""
    planes = as_planes(image, axes=axes, channels=channels, scaling=scaling)
    from ..backbones.compact import Compact

    network = Compact(device=device)
    found = []
    for i in range(len(planes)):
        yield Progress("regions", i, len(planes))
        found.append(PlaneHierarchy.of(planes[i], network))
    yield Progress("regions", len(planes), len(planes))
    return Hierarchy(found, PlaneLayout(planes.shapes, 1, planes.stacks, planes.is_list))
