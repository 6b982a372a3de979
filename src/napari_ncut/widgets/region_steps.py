"""What runs beside the window for "Superpixels & granularity"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, Steps
from .label_edit import key_in_layer
from .layers import block_in

if TYPE_CHECKING:
    from napari.layers import Labels

    from ..regions.cuts import Cut
    from ..regions.hierarchy import PlaneHierarchy
    from .layers import Source
    from .reading import Reading


@dataclass(frozen=True, eq=False)
class FoundPlane:
    """Regions of one plane."""

    plane: int
    hierarchy: PlaneHierarchy = field(repr=False)


def find_steps(reading: Reading, first: int) -> Iterator[Progress | FoundPlane]:
    """Regions of every plane, `first` and those around it before others; torch is imported here."""
    # The first step is shown before anything heavy is loaded.
    yield Progress("loading", 0, 1)
    from ..imaging import as_planes
    from ..regions.hierarchy import plane_steps

    planes = as_planes(
        reading.images(), axes=reading.axes, channels=reading.channels, scaling=reading.scaling
    )
    order = sorted(range(len(planes)), key=lambda plane: (abs(plane - first), plane))
    for step in plane_steps(planes, order):
        yield step if isinstance(step, Progress) else FoundPlane(*step)


@dataclass(frozen=True, eq=False)
class BoundPlane:
    """Regions of a plane under what was painted on it.

    Attributes
    ----------
    digest : bytes
        Of what was painted.
    found, hierarchy : PlaneHierarchy
        Without and under it.
    """

    digest: bytes
    found: PlaneHierarchy = field(repr=False)
    hierarchy: PlaneHierarchy = field(repr=False)


def bind_steps(
    found: Mapping[int, PlaneHierarchy],
    layer: Labels,
    source: Source,
    known: Mapping[int, BoundPlane],
) -> Steps[dict[int, BoundPlane]]:
    """What regions become under the labels of a layer: the planes on which something is painted.

    Planes on which nothing has changed stay as they are in `known`.
    """
    bound = {}
    data = block_in(layer, source)
    for done, plane in enumerate(found):
        yield Progress("painted labels", done, len(found))
        painted = np.array(source.plane_in(data, plane))
        if not painted.any():
            continue
        digest = blake2b(painted.tobytes()).digest()
        before = known.get(plane)
        if before is not None and before.digest == digest and before.found is found[plane]:
            bound[plane] = before
        else:
            bound[plane] = BoundPlane(digest, found[plane], found[plane].constrained(painted))
    return bound


@dataclass(frozen=True, eq=False)
class Kept:
    """A level, ready to be a layer.

    Attributes
    ----------
    data : int32 array
        Numbers, covering the whole image.
    features : table or None
        Of a single plane: number and area of every region.
    n_regions : list of int
        Of every plane.
    """

    data: NDArray[np.int32]
    features: Any
    n_regions: list[int]


def keep_steps(cuts: list[tuple[PlaneHierarchy, Cut]], source: Source) -> Steps[Kept]:
    """Numbers of all planes as an array for a new layer."""
    import pandas as pd

    pixels = []
    for plane, (hierarchy, cut) in enumerate(cuts):
        yield Progress("labels", plane, len(cuts))
        pixels.append(hierarchy.pixels(cut))
    data = whole_block(source, pixels)
    features = None
    if len(cuts) == 1:
        cut = cuts[0][1]
        table = {"index": cut.tree.numbers[cut.nodes], "area": cut.areas.astype(np.int64)}
        features = pd.DataFrame(table).sort_values("index", ignore_index=True)
    return Kept(data, features, [len(cut) for _, cut in cuts])


def whole_block(source: Source, planes: Iterable[NDArray[np.int32]]) -> NDArray[np.int32]:
    """Label maps (h, w) of all planes that were read, in an array that covers the whole image."""
    data = np.zeros(source.whole_shape(), np.int32)
    rows_first = source.names.index("Y") < source.names.index("X")
    for i, plane in enumerate(planes):
        # In an array of the whole image the block begins where it was read.
        data[key_in_layer(source, i, source.starts)] = plane if rows_first else plane.T
    return data
