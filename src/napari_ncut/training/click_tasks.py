"""What the click network is trained on: regions of crops, things to be clicked, and who clicks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from ..backbones.compact import Compact
from ..backbones.preparation import Preparation
from ..prompts.click_network import Surroundings
from ..prompts.evidence import DEEP_DIMENSIONS, PlaneEvidence, Whitening
from ..prompts.surroundings import surroundings
from ..regions.plane import PlaneRegions
from ..spectral.colors import unit_rows
from ..spectral.ncut import NCut

# The robot looks at every so many-th pixel.
COARSE = 2
# How often, where nobody said what is of one kind, several segments are wanted together, and how
# many: things that only look alike to whoever wants them, such as an organelle in a cell, are told
# apart by many clicks.
_TOGETHER, _MOST_TOGETHER = 0.15, 5
# How often that part of a thing is wanted which looks other than the rest, as a cell's nucleus; how
# much of what is seen in it must be told by which part it is; and the least share of each.
_PARTED, _TWO_LOOKS, _LEAST_PART = 0.2, 0.8, 0.15
# Of what regions look like, lightness and both opponent colors.
_COLORS = (0, 7, 8)
# Share of a crop above which nothing is worth clicking.
_LARGEST = 0.8


@dataclass(frozen=True)
class Task:
    """Something to be clicked in a scene.

    Attributes
    ----------
    share : float32 array (n,)
        Share of every region that belongs to it.
    mask : bool array
        Which of the pixels that the robot looks at do.
    mode : int
        0 for all alike, 1 for one thing.
    """

    share: NDArray[np.float32]
    mask: NDArray[np.bool_]
    mode: int


@dataclass
class Scene:
    """A crop, described for clicks."""

    evidence: PlaneEvidence
    around: Surroundings
    coarse: NDArray[np.int32]
    segmentations: NDArray[np.uint16]
    classes: NDArray[np.uint8]

    @classmethod
    def of(
        cls, evidence: PlaneEvidence, segmentations: NDArray, classes: NDArray[np.uint8]
    ) -> Scene:
        """A crop's truth with what `describe_plane` says of it."""
        coarse = np.ascontiguousarray(evidence.regions.graph.labels[::COARSE, ::COARSE])
        # Numbers from 0 take half the memory, and a scene is kept for all of a run.
        numbers = np.stack([np.unique(one, return_inverse=True)[1] for one in segmentations])
        small = numbers.reshape(segmentations.shape).astype(np.uint16)
        return cls(evidence, surroundings(evidence), coarse, small, classes)

    def tasks(self, random: np.random.Generator) -> Iterator[Task]:
        """Things to be clicked, at random, without end; none if there is nothing."""
        classes = self.classes
        pixels = classes.size
        kinds = [
            number
            for number, area in enumerate(np.bincount(classes.ravel()))
            if number and 0.004 * pixels < area < _LARGEST * pixels
        ]
        things = self._things
        if not kinds and not things:
            return
        # Between one by one and by area: most things are small, most clicks are for larger ones.
        weights = np.sqrt([area for *_, area in things])
        while True:
            if kinds and (not things or random.random() < 0.5):
                mask, mode = classes == random.choice(kinds), 0
            elif self._parts and random.random() < _PARTED:
                thing, parts = self._parts[random.integers(len(self._parts))]
                mask, mode = thing & parts[random.integers(2)][self._labels], 1
            else:
                annotator, number, _ = things[random.choice(len(things), p=weights / weights.sum())]
                segments, mode = self.segmentations[annotator], 1
                mask = segments == number
                if not kinds and random.random() < _TOGETHER:
                    others = [n for a, n, _ in things if a == annotator]
                    more = random.choice(others, random.integers(1, _MOST_TOGETHER))
                    together = mask | np.isin(segments, more)
                    if together.mean() < _LARGEST:
                        mask, mode = together, 0
            graph = self.evidence.regions.graph
            inside = np.bincount(self._labels.ravel(), mask.ravel(), len(graph))
            share = (inside / graph.areas).astype(np.float32)
            yield Task(share, mask[::COARSE, ::COARSE], mode)

    @property
    def _labels(self) -> NDArray[np.int32]:
        return self.evidence.regions.graph.labels

    @cached_property
    def _things(self) -> list[tuple[int, int, int]]:
        """Annotator, number and area of every segment that is worth clicking."""
        pixels = self.classes.size
        return [
            (annotator, number, area)
            for annotator, segments in enumerate(self.segmentations)
            for number, area in enumerate(np.bincount(segments.ravel()))
            if 0.002 * pixels < area < 0.7 * pixels
        ]

    @cached_property
    def _parts(self) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
        """Things (h, w) of two looks, and which regions have each of them (2, n)."""
        graph = self.evidence.regions.graph
        found = []
        for annotator, number, _ in self._things:
            thing = self.segmentations[annotator] == number
            areas = np.bincount(graph.labels[thing], minlength=len(graph))
            inside = np.flatnonzero(areas > 0.5 * graph.areas)
            sides = two_looks(self.evidence.regions.look[inside][:, _COLORS], areas[inside])
            if sides is not None:
                parts = np.zeros((2, len(graph)), bool)
                parts[0, inside[sides]] = parts[1, inside[~sides]] = True
                found.append((thing, parts))
        return found


def two_looks(rows: NDArray[np.float32], areas: NDArray[np.integer]) -> NDArray[np.bool_] | None:
    """Which of the two looks each region (n, d) has; None if they do not fall in two.

    Cut where Otsu (1979) would along the first principal direction.
    """
    if len(rows) < 4:
        return None
    shares = areas / areas.sum()
    centered = rows - shares @ rows
    values = centered @ np.linalg.eigh((centered.T * shares) @ centered)[1][:, -1]
    order = np.argsort(values)
    below = np.cumsum(shares[order])[:-1]
    sums = np.cumsum((shares * values)[order])[:-1]
    # Sums of both sides are opposite: the values have no mean.
    between = np.square(sums) / np.maximum(below * (1 - below), 1e-9)
    between[(below < _LEAST_PART) | (below > 1 - _LEAST_PART)] = 0
    best = int(between.argmax())
    if between[best] < _TWO_LOOKS * max(float(shares @ np.square(values)), 1e-9):
        return None
    sides = np.zeros(len(rows), bool)
    sides[order[: best + 1]] = True
    return sides


def robot_click(
    random: np.random.Generator,
    answer: NDArray[np.bool_],
    truth: NDArray[np.bool_],
    *,
    sloppy: float = 0.25,
) -> tuple[tuple[int, int], bool] | None:
    """Where to click next, and whether on a miss: the middle of the largest wrong piece.

    With probability `sloppy` anywhere in a piece, as people do. None if nothing is wrong.
    """
    best, found, sign = 0, None, True
    for wrong, is_miss in ((truth & ~answer, True), (answer & ~truth, False)):
        pieces, n = ndimage.label(wrong)
        if n:
            areas = np.bincount(pieces.ravel())
            areas[0] = 0
            if areas.max() > best:
                best, found, sign = int(areas.max()), pieces == areas.argmax(), is_miss
    if found is None:
        return None
    if random.random() < sloppy:
        places = np.argwhere(found)
        row, column = places[random.integers(len(places))]
    else:
        depth = ndimage.distance_transform_edt(np.pad(found, 1))[1:-1, 1:-1]
        row, column = np.unravel_index(depth.argmax(), depth.shape)
    return (int(row), int(column)), sign


def scattered_clicks(
    random: np.random.Generator, truth: NDArray[np.bool_]
) -> list[tuple[int, int]]:
    """A place in each of two or three pieces of what is wanted, or in all if there are fewer.

    So people begin who want all of a kind: they know before the first answer what they mean.
    """
    pieces, n = ndimage.label(truth)
    chosen = random.permutation(n)[: random.integers(2, 4)] + 1
    places = [np.argwhere(pieces == piece) for piece in chosen]
    found = [of[random.integers(len(of))] for of in places]
    return [(int(row), int(column)) for row, column in found]


def clicks_elsewhere(
    random: np.random.Generator, truth: NDArray[np.bool_]
) -> list[tuple[int, int]]:
    """One to three places outside of what is wanted, as clicks for other things are."""
    places = np.argwhere(~truth)
    if not len(places):
        return []
    chosen = places[random.integers(len(places), size=random.integers(1, 4))]
    return [(int(row), int(column)) for row, column in chosen]


def clicked_things(answer: NDArray[np.bool_], clicks: list[tuple[int, int]]) -> NDArray[np.bool_]:
    """The connected pieces of an answer that hold one of the clicks."""
    pieces, _ = ndimage.label(answer)
    chosen = np.unique([pieces[click] for click in clicks])
    return np.isin(pieces, chosen[chosen > 0])


def describe_plane(plane: NDArray[np.float32], network: Compact) -> PlaneEvidence:
    """Evidence of one plane (h, w, c), with a cut of its own."""
    maps = network.maps(plane)
    regions = PlaneRegions.of(plane, maps)
    features = network.grid_features(maps, 4, plane.shape[:2])
    nodes = features.reshape(-1, features.shape[-1])
    Preparation.fit("l2", nodes).apply(nodes)
    vectors = NCut(min(20, len(nodes)), accuracy="fast").fit_transform(nodes)
    rows = unit_rows(vectors).reshape(*features.shape[:2], -1)
    areas = regions.graph.areas
    return PlaneEvidence.of(
        regions,
        Whitening.fit(regions.look, areas, regions.look.shape[1]),
        Whitening.fit(regions.deep, areas, DEEP_DIMENSIONS),
        regions.graph.means(rows, 4),
    )


def tensor(rows: NDArray[np.float32]) -> torch.Tensor:
    """Rows as the network takes them."""
    return torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float32))
