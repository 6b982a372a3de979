"""From coarse to fine: every image as a hierarchy of regions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..cache import ContentCache, content_key
from ..errors import InputError
from ..imaging import Channels, PlaneLayout, Planes, Scaling, as_planes
from ..progress import Progress, Steps, run_steps
from .cuts import Cut, check_granularity
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
        """Find them in a plane (h, w, c) in [0, 1].

        Those of the last few planes are kept: regions, things and masks of all are made of them.
        """
        key = (content_key(plane), network.weights)
        return _KEPT.get(key, lambda: cls._found(plane, network))

    @classmethod
    def _found(cls, plane: NDArray[np.float32], network: Compact) -> PlaneHierarchy:
        from .views import viewed_tree
        from .watershed import fine_regions

        maps = network.maps(plane)
        graph = RegionGraph.of(fine_regions(maps.boundary, plane), maps.boundary)
        return cls(graph, viewed_tree(graph, maps, plane, network))

    def labels(self, groups: NDArray[np.int32]) -> NDArray[np.int32]:
        """Numbers from 1 for all pixels, (h, w), of the groups of regions (n,)."""
        return (groups + np.int32(1))[self.graph.labels]

    def pixels(self, cut: Cut, out: NDArray | None = None) -> NDArray[np.int32]:
        """The numbers of a cut for all pixels, (h, w), written to `out` if that is given."""
        # Every number of a region is one; "clip" spares the check, and the copy that goes with it.
        return np.take(cut.numbers, self.graph.labels, out=out, mode="clip")

    def constrained(self, painted: NDArray) -> PlaneHierarchy:
        """One that obeys painted labels (h, w), see `Hierarchy.constrained`."""
        from .constraints import constrained

        return constrained(self, painted)

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


# Of planes as large as those that are looked at several times, some thirty.
_KEPT: ContentCache[PlaneHierarchy] = ContentCache(
    # Labels, and with the trees and boundaries that may come to them as much twice again.
    2**27,
    lambda one: 3 * one.graph.labels.nbytes,
)


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

    def labels(
        self,
        level: float | Sequence[float] | None = None,
        *,
        n_regions: int | Sequence[int] | None = None,
        size: float | Sequence[float] | None = None,
    ) -> Any:
        """Regions at one granularity, or at several; give one of the three.

        Regions of a finer granularity are parts of those of a coarser one of the same kind.

        Parameters
        ----------
        level
            0 to 1: regions merge if what parts them is a boundary with a probability below this.
            0 gives the finest regions, 1 one region, higher ones fewer and larger. A level means
            the same in every image.
        n_regions
            How many regions every plane shall have, at least 1. A plane with fewer than that has
            its finest regions.
        size
            How many pixels a region shall have: regions are as near to that as can be, whatever
            the boundaries, so that they have like sizes everywhere (`cuts.by_size`).

        Returns
        -------
        int32 array (h, w), (n, h, w) for a stack, or a list of them for a list of images
            Numbers from 1 in every plane, for `level` and `n_regions` without gaps. A region has
            the number of its largest part: what is the same at two granularities keeps its number,
            and so its color. Where several values were given, a list with one of these for each.

        Raises
        ------
        InputError
            If not exactly one is given, or it is out of range.
        """
        given = {"level": level, "n_regions": n_regions, "size": size}
        asked = {name: value for name, value in given.items() if value is not None}
        if len(asked) != 1:
            raise InputError(
                "Labels need one granularity: give either level, 0 to 1, or n_regions, 1 or more, "
                "or size, in pixels."
            )
        ((name, values),) = asked.items()
        several = isinstance(values, Sequence | np.ndarray) and not isinstance(values, str)
        wanted: list[Any] = list(values) if several else [values]  # type: ignore[arg-type]
        for value in wanted:
            check_granularity(name, value)
        maps = [self._labels(name, value) for value in wanted]
        return maps if several else maps[0]

    def _labels(self, granularity: str, value: float) -> Any:
        return self._layout.pixels_as_given(
            [plane.pixels(Cut.by(plane.tree, granularity, value)) for plane in self.planes]
        )

    def constrained(self, painted: Any) -> Hierarchy:
        """The hierarchy that obeys labels somebody painted.

        What is painted with one label is one region at every granularity, and no region ever holds
        two labels; where a finest region would, it is parted. All else merges as before, and where
        it could merge with two labels, with that one to which the boundary is less probable
        (`regions/constraints.py` has the rule and its sources).

        Parameters
        ----------
        painted
            Whole numbers shaped as `labels`, 0 where nothing is painted. In every plane labels
            stand for themselves.

        Raises
        ------
        InputError
            If they have another shape, or are no whole numbers.
        """
        maps = self._layout.planes_of_pixels("Painted labels", painted)
        for i, one in enumerate(maps):
            if one.dtype.kind not in "iub":
                raise InputError(
                    f"Painted labels of dtype {one.dtype} cannot be used (plane {i}). Give whole "
                    f"numbers, 0 where nothing is painted."
                )
        planes = [plane.constrained(one) for plane, one in zip(self.planes, maps, strict=True)]
        return Hierarchy(planes, self._layout)

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
        return [len(Cut.by(plane.tree, "level", level)) for plane in self.planes]


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
    found = []
    for step in plane_steps(planes, range(len(planes)), device):
        if isinstance(step, Progress):
            yield step
        else:
            found.append(step[1])
    return Hierarchy(found, PlaneLayout(planes.shapes, 1, planes.stacks, planes.is_list))


def plane_steps(
    planes: Planes, order: Iterable[int], device: str | None = None
) -> Iterator[Progress | tuple[int, PlaneHierarchy]]:
    """Find planes in a chosen order: progress before each, and (its number, what is found).

    Parameters
    ----------
    planes
        Of images.
    order
        Numbers of planes.
    device
        As `granularity` takes it.
    """
    from ..backbones.compact import Compact

    network = Compact(device=device)
    wanted = list(order)
    for done, plane in enumerate(wanted):
        yield Progress("regions", done, len(wanted))
        yield plane, PlaneHierarchy.of(planes[plane], network)
    yield Progress("regions", len(wanted), len(wanted))
