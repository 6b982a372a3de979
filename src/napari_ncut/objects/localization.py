"""What was found in a plane, and in all planes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..imaging import PlaneLayout
from ..sam.mask_set import MaskSet
from .confidence import confidences
from .found import Candidate
from .refine import refined
from .scene import Matrix, ObjectScene

# Fewer pixels are no thing, if nobody says otherwise: a share of the plane, and a number.
_SMALLEST_SHARE, _SMALLEST = 2e-4, 9
# Soft foregrounds are cut at each of these; of things that lie on each other the surest is taken.
CUTS = (0.5, 0.3, 0.4, 0.6, 0.7, 0.8)
# Share of the smaller of two things that both may have in common.
_COMMON = 0.1


@dataclass(frozen=True, eq=False)
class PlaneObjects:
    """The things of one plane.

    Attributes
    ----------
    objects : MaskSet
        The surest first, with the column "confidence" (n,), 0 to 1: how likely it is a thing that
        people would point at. Empty where nothing is sure enough.
    soft : float32 array (h, w)
        How likely each pixel is of the foreground, 0 to 1.
    confidence : float
        Of the surest thing that there is, also where it was left out; 0 where there was none.
    """

    objects: MaskSet
    soft: Matrix
    confidence: float

    @classmethod
    def of(
        cls,
        scene: ObjectScene,
        candidates: Sequence[Candidate],
        *,
        refine: bool,
        split: bool,
        n_objects: int | None,
        min_confidence: float,
        min_area: int,
    ) -> PlaneObjects:
        """Refine, part and judge what a method found."""
        maps = [refined(scene.hierarchy, c.soft) if refine else c.soft for c in candidates]
        soft = np.max(maps, axis=0) if maps else np.zeros(scene.shape, np.float32)
        masks = things(scene, maps, split=split, min_area=min_area)
        sure = confidences(scene, soft, masks)
        order = apart(masks, np.argsort(-sure, kind="stable"))
        kept = order[sure[order] >= min_confidence][:n_objects]
        found = MaskSet.of([masks[i] for i in kept], scene.shape, {"confidence": sure[kept]})
        return cls(found, soft, float(sure.max(initial=0)))

    def within(self, shape: tuple[int, int], part: tuple[slice, slice]) -> PlaneObjects:
        """The same in a larger plane (h, w), of which this is a part."""
        if self.soft.shape == tuple(shape):
            return self
        top, left = part[0].start, part[1].start
        soft = np.zeros(shape, np.float32)
        soft[part] = self.soft
        boxes = self.objects.boxes + np.array([top, left, top, left])
        moved = MaskSet(shape, boxes, self.objects.crops, self.objects.columns)
        return PlaneObjects(moved, soft, self.confidence)

    def __len__(self) -> int:
        return len(self.objects)

    @property
    def found(self) -> bool:
        """Whether there is anything."""
        return len(self.objects) > 0

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Pixels (h, w) of any of the things."""
        return self.labels > 0

    @cached_property
    def labels(self) -> NDArray[np.int32]:
        """Things as numbers from 1, the surest first; 0 where there is none. (h, w)."""
        return self.objects.labels()

    @property
    def boxes(self) -> NDArray[np.int64]:
        """Top, left, bottom and right of every thing, the last two exclusive, (n, 4)."""
        return self.objects.boxes

    @property
    def confidences(self) -> NDArray[np.float32]:
        """Of every thing, (n,), descending."""
        return np.asarray(self.objects.columns["confidence"], np.float32)


def things(
    scene: ObjectScene,
    maps: Sequence[Matrix],
    *,
    split: bool = False,
    min_area: int = 0,
    cuts: Sequence[float] = CUTS,
) -> list[NDArray[np.bool_]]:
    """What is connected in each soft foreground above any of `cuts`; some lie in each other.

    A thing may hang together with another above one, and fall in pieces above the next.
    """
    from ..prompts.instances import label_instances

    edges = scene.network.maps(scene.plane).boundary if split else None
    least = max(min_area, _SMALLEST, int(_SMALLEST_SHARE * scene.shape[0] * scene.shape[1]))
    masks: list[NDArray[np.bool_]] = []
    known: set[bytes] = set()
    taken = np.zeros(scene.shape, bool)
    for soft in maps:
        # What an earlier map has is no longer there.
        left = np.where(taken, 0, soft)
        taken |= soft >= 0.5
        for cut in cuts:
            labels, classes = label_instances(
                left >= cut, split=split, boundaries=edges, min_area=least
            )
            for number in range(1, len(classes)):
                mask = labels == number
                packed = np.packbits(mask).tobytes()
                if packed not in known:
                    known.add(packed)
                    masks.append(mask)
    return masks


def apart(masks: Sequence[NDArray[np.bool_]], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of masks in an order those that hardly lie on one before: their numbers, in that order."""
    if not len(order):
        return order
    taken = np.zeros(masks[0].shape, np.int32)
    sizes = [0]
    kept = []
    for i in order:
        size = int(masks[i].sum())
        common = np.bincount(taken[masks[i]], minlength=len(sizes))[1:]
        if (common > _COMMON * np.minimum(sizes[1:], size)).any():
            continue
        taken[masks[i] & (taken == 0)] = len(sizes)
        sizes.append(size)
        kept.append(i)
    return np.array(kept, np.int64)


class Localization(Sequence[PlaneObjects]):
    """The things of all planes, in their order; made by `localize`.

    Parameters
    ----------
    planes
        One for every plane.
    layout
        Of the images as they were given.
    """

    def __init__(self, planes: Sequence[PlaneObjects], layout: PlaneLayout) -> None:
        self._planes = list(planes)
        self._layout = layout

    def __len__(self) -> int:
        return len(self._planes)

    def __getitem__(self, index: Any) -> Any:
        return self._planes[index]

    def __iter__(self) -> Iterator[PlaneObjects]:
        return iter(self._planes)

    @property
    def masks(self) -> Any:
        """Foregrounds, bool: (h, w), (n, h, w) for a stack, or a list of them for a list."""
        return self._layout.pixels_as_given([plane.mask for plane in self._planes])

    @property
    def labels(self) -> Any:
        """Things as numbers from 1 in every plane, int32, shaped as `masks`."""
        return self._layout.pixels_as_given([plane.labels for plane in self._planes])

    @property
    def soft(self) -> Any:
        """How likely each pixel is of the foreground, float32, shaped as `masks`."""
        return self._layout.pixels_as_given([plane.soft for plane in self._planes])

    @property
    def boxes(self) -> list[NDArray[np.int64]]:
        """Boxes of every plane, (n, 4) each."""
        return [plane.boxes for plane in self._planes]

    @property
    def confidence(self) -> list[float]:
        """Of every plane's surest thing, also where it was left out."""
        return [plane.confidence for plane in self._planes]
