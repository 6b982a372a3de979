"""Parts and concepts: one cut of the regions of many images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, is_number
from ..imaging import Channels, PlaneLayout, Planes, Scaling, as_planes
from ..progress import Progress, Steps, run_steps
from .scene import Matrix, ObjectScene, Pieces

if TYPE_CHECKING:
    from ..backbones import Backbone

# Regions that a plane's objects are cut in, about, and of a plane at most.
_REGIONS, _MOST_REGIONS = 80, 500
# How much each description counts: features, the embedding of kinds, color.
_WEIGHTS = (1.0, 1.0, 0.5)
# Of the features' own directions so many count alike; the others are noise.
_DIRECTIONS = 16


@dataclass(frozen=True, eq=False)
class Parts:
    """Groups of regions that are the same everywhere; made by `parts` and `concepts`.

    Attributes
    ----------
    planes : list of int32 arrays (h, w)
        Parts from 1, the largest over all planes first; 0 where there is no object.
    layout : PlaneLayout
        Of the images as they were given.
    """

    planes: list[NDArray[np.int32]]
    layout: PlaneLayout

    @property
    def labels(self) -> Any:
        """Label maps (h, w), (n, h, w) for a stack, or a list of them for a list of images."""
        return self.layout.pixels_as_given(self.planes)

    @property
    def n_parts(self) -> int:
        """How many there are."""
        return max((int(plane.max(initial=0)) for plane in self.planes), default=0)

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of each plane's objects that is each part, (n planes, n parts)."""
        counts = np.stack(
            [np.bincount(plane.ravel(), minlength=self.n_parts + 1)[1:] for plane in self.planes]
        )
        return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def parts(
    images: Any,
    n_parts: int = 4,
    *,
    masks: Any = None,
    axes: str | Sequence[str | None] | None = None,
    backbone: str | Backbone = "compact",
    position_weight: float = 0.5,
    channels: Channels = None,
    scaling: Scaling = "stack",
    stride: int | None = None,
    device: str | None = None,
    random_state: int = 0,
    progress: Callable[[Progress], object] | None = None,
) -> Parts:
    """Cut objects in parts, jointly: part 3 is the same part in every image.

    Parameters
    ----------
    images, axes, channels, scaling
        See `napari_ncut.imaging.as_planes`. All planes are cut jointly.
    n_parts
        How many; there are fewer where the objects have fewer regions.
    masks
        Where the objects are, bool or labels shaped as the images without channels. Default: what
        `localize` finds; planes in which it finds nothing have no parts.
    backbone
        What computes features, beside the embedding of kinds and colors.
    position_weight
        How much the place of a region in its object counts: 0 not at all, 1 as much as features.
        More gives parts that lie together, and parts head from tail.
    stride
        Pixels per cell of the feature grid.
    device
        Where to compute.
    random_state
        Same input, same state: same parts.
    progress
        Called with a `Progress` as it goes.

    Returns
    -------
    Parts

    Raises
    ------
    InputError
        If anything given cannot be used; nothing has been computed then.
    """
    steps = parts_steps(
        images,
        n_parts,
        masks=masks,
        axes=axes,
        backbone=backbone,
        position_weight=position_weight,
        channels=channels,
        scaling=scaling,
        stride=stride,
        device=device,
        random_state=random_state,
    )
    return run_steps(steps, progress)


def concepts(
    images: Any,
    n_concepts: int = 8,
    *,
    axes: str | Sequence[str | None] | None = None,
    backbone: str | Backbone = "compact",
    channels: Channels = None,
    scaling: Scaling = "stack",
    stride: int | None = None,
    device: str | None = None,
    random_state: int = 0,
    progress: Callable[[Progress], object] | None = None,
) -> Parts:
    """What a set of images is made of: `parts` of everything, wherever it lies.

    `n_concepts` says how many; all else is as for `parts`.
    """
    steps = concepts_steps(
        images,
        n_concepts,
        axes=axes,
        backbone=backbone,
        channels=channels,
        scaling=scaling,
        stride=stride,
        device=device,
        random_state=random_state,
    )
    return run_steps(steps, progress)


def concepts_steps(images: Any, n_concepts: int = 8, **options: Any) -> Steps[Parts]:
    """`concepts` as a generator of progress, which may be closed to cancel."""
    return parts_steps(images, n_concepts, everywhere=True, position_weight=0.0, **options)


def parts_steps(
    images: Any,
    n_parts: int = 4,
    *,
    masks: Any = None,
    everywhere: bool = False,
    axes: str | Sequence[str | None] | None = None,
    backbone: str | Backbone = "compact",
    position_weight: float = 0.5,
    channels: Channels = None,
    scaling: Scaling = "stack",
    stride: int | None = None,
    device: str | None = None,
    random_state: int = 0,
) -> Steps[Parts]:
    """`parts` as a generator of progress; `everywhere` takes whole planes for objects."""
    from ..backbones.compact import Compact
    from .finding import localize_steps, ready_backbone, scene_of

    _check(n_parts, position_weight, random_state)
    planes = as_planes(images, axes=axes, channels=channels, scaling=scaling)
    given = None if masks is None else masks_of_planes(planes, masks)
    yield Progress("weights", 0, 1)
    ready = ready_backbone(planes, backbone, stride, device, {})
    if everywhere:
        given = [np.ones(shape, bool) for shape in planes.shapes]
    if given is None:
        found = yield from localize_steps(
            images, axes=axes, backbone=ready, channels=channels, scaling=scaling, device=device
        )
        given = [one.mask for one in found]
    network = Compact(device=device)
    described: list[_Described] = []
    for i, mask in enumerate(given):
        yield Progress("regions", i, len(planes))
        described.append(_Described.of(scene_of(planes, i, ready, network), mask))
    layout = PlaneLayout(planes.shapes, 1, planes.stacks, planes.is_list)
    labels = yield from _grouped(described, int(n_parts), float(position_weight), random_state)
    return Parts(labels, layout)


@dataclass(frozen=True, eq=False)
class _Described:
    """Regions of a plane's objects, with what describes them.

    ``regions`` (h, w) numbers them from 0, −1 where there is no object; blocks are (n, d).
    """

    regions: NDArray[np.int64]
    blocks: tuple[Matrix, ...]
    places: Matrix

    @classmethod
    def of(cls, scene: ObjectScene, mask: NDArray[np.bool_]) -> _Described:
        share = float(mask.mean())
        n_regions = int(min(_REGIONS / max(share, 1e-3), _MOST_REGIONS))
        pieces = scene.pieces(n_regions)
        labels = pieces.graph.labels
        inside = np.bincount(labels[mask], minlength=len(pieces))
        kept = inside > 0
        numbers = np.where(kept, np.cumsum(kept) - 1, -1)
        regions = np.where(mask, numbers[labels], -1)
        rows = np.flatnonzero(kept)
        blocks = (pieces.features[rows], pieces.kind[rows], pieces.color[rows])
        return cls(regions, blocks, _places(pieces, mask)[rows])


def _places(pieces: Pieces, mask: NDArray[np.bool_]) -> Matrix:
    """Where in their object regions lie: rows and columns in units of its deviation, (n, 2)."""
    from scipy.ndimage import label

    objects, n = label(mask, np.ones((3, 3)))
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return np.zeros((len(pieces), 2), np.float32)
    number, region = objects[rows, columns] - 1, pieces.graph.labels[rows, columns]
    counts = np.bincount(number, minlength=n)
    result = np.zeros((len(pieces), 2), np.float32)
    for axis, values in enumerate((rows, columns)):
        mean = np.bincount(number, values, n) / counts
        away = values - mean[number]
        deviation = np.sqrt(np.bincount(number, away**2, n) / counts) + 1
        sums = np.bincount(region, away / deviation[number], len(pieces))
        result[:, axis] = sums / np.maximum(np.bincount(region, minlength=len(pieces)), 1)
    return result


def _grouped(
    described: Sequence[_Described], n_parts: int, position_weight: float, random_state: int
) -> Steps[list[NDArray[np.int32]]]:
    """One cut of all regions of all planes, and its groups as label maps."""
    from ..spectral import NCut
    from ..spectral.discretize import discretize

    counts = [len(one.places) for one in described]
    n_nodes = sum(counts)
    if n_nodes == 0:
        return [np.zeros(one.regions.shape, np.int32) for one in described]
    blocks = [np.concatenate(rows) for rows in zip(*(d.blocks for d in described), strict=True)]
    columns = [weight * _in_units(block) for weight, block in zip(_WEIGHTS, blocks, strict=True)]
    columns.append(position_weight * _in_units(np.concatenate([d.places for d in described])))
    nodes = np.concatenate(columns, axis=1).astype(np.float32)
    k = min(n_parts, n_nodes)
    if k < 2:
        groups = np.ones(n_nodes, np.int32)
    else:
        cut = NCut(k, random_state=random_state, device="cpu")
        vectors = yield from cut.fit_steps(nodes, spare_core=True)
        groups = discretize(vectors, k, random_state=random_state)
    areas = np.concatenate(
        [
            np.bincount(d.regions[d.regions >= 0], minlength=n)
            for d, n in zip(described, counts, strict=True)
        ]
    )
    numbered = _by_area(groups, areas)
    maps, first = [], 0
    for one, n in zip(described, counts, strict=True):
        numbers = np.append(numbered[first : first + n], 0)
        maps.append(numbers[one.regions].astype(np.int32))
        first += n
    return maps


def _in_units(rows: NDArray) -> NDArray[np.float64]:
    """Principal directions of rows (n, d), the first few alike, at a mean square of 1 in all."""
    centered = rows.astype(np.float64) - rows.mean(axis=0)
    if len(rows) < 2 or float(np.square(centered).sum()) < 1e-8 * len(rows):
        return np.zeros((len(rows), 1))
    values, axes = np.linalg.eigh(centered.T @ centered / len(rows))
    kept = np.flatnonzero(values > 1e-3 * values[-1])[-_DIRECTIONS:]
    # Between the directions' own variance and none: whitened by half.
    scores = centered @ axes[:, kept] / values[kept] ** 0.25
    largest = np.take_along_axis(scores, np.abs(scores).argmax(axis=0)[np.newaxis], axis=0)
    scores = scores * np.where(largest < 0, -1, 1)
    units: NDArray[np.float64] = scores / np.sqrt(np.square(scores).sum(axis=1).mean())
    return units


def _by_area(groups: NDArray, areas: NDArray) -> NDArray[np.int64]:
    """Groups from 1, that of the most pixels first."""
    names, numbers = np.unique(groups, return_inverse=True)
    order = np.argsort(-np.bincount(numbers, areas, len(names)), kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(1, len(order) + 1)
    return rank[numbers]


def masks_of_planes(planes: Planes, masks: Any) -> list[NDArray[np.bool_]]:
    """Where objects are, one (h, w) for every plane, of masks shaped as the images.

    Raises
    ------
    InputError
        If they have other shapes.
    """
    several = list(masks) if planes.is_list else [masks]
    found: list[NDArray[np.bool_]] = []
    first = 0
    if len(several) != len(planes.stacks):
        raise InputError(
            f"{len(several)} masks were given for {len(planes.stacks)} images. Give one for each."
        )
    for number, (mask, stack) in enumerate(zip(several, planes.stacks, strict=True)):
        n = int(np.prod(stack)) if stack else 1
        shapes = planes.shapes[first : first + n]
        given = np.asarray(mask)
        if given.shape != (*stack, *shapes[0]):
            raise InputError(
                f"The mask of image {number} (counted from 0) has shape {given.shape}, but its "
                f"planes have {(*stack, *shapes[0])}. Give a mask of that shape."
            )
        found += list(given.reshape(n, *shapes[0]) != 0)
        first += n
    return found


def _check(n_parts: int, position_weight: float, random_state: int) -> None:
    if not is_number(n_parts, whole=True) or n_parts < 1:
        raise InputError(f"{n_parts!r} parts cannot be made. Give a whole number from 1.")
    if not is_number(position_weight) or position_weight < 0:
        raise InputError(
            f"position_weight {position_weight!r} cannot be used. Give a number from 0, which "
            f"leaves it out; 1 counts as much as features."
        )
    if not is_number(random_state, whole=True) or not 0 <= random_state < 2**32:
        raise InputError(
            f"random_state {random_state!r} cannot be used. Give a whole number from 0 to "
            f"{2**32 - 1}."
        )
