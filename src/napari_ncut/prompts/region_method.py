"""All evidence at once, on regions: the method that knows what things are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..cache import ContentCache
from ..devices import free_memory
from ..errors import InputError
from ..progress import Progress, Steps
from ..side_by_side import all_of, one_blas_thread
from .click_history import FIRST, histories, history_features
from .click_model import MODE_NUMBERS, Heard, PlaneMixing, click_model
from .clicks import Clicks
from .evidence import DEEP_DIMENSIONS, ClickPlace, PlaneEvidence, Whitening, click_depth
from .margins import AlwaysReady
from .parameters import Mode, PromptParameters
from .region_answer import RegionAnswer
from .stacks import hops, neighbors, way_to

if TYPE_CHECKING:
    from ..regions.plane import PlaneRegions
    from ..spectral.embedding import Embedding

Matrix = NDArray[np.float32]
# A plane, and what of it no click changes, for the modes that were asked for.
_Described = tuple[PlaneEvidence, dict[int, PlaneMixing]]

# Planes that tell what is usual in a set of images.
_PLANES_OF_WHITENING = 4
# Pixels of planes whose regions are kept, at least, and of a large memory so much of what is free.
# A description takes some 30 bytes a pixel, and as much again what many clicks say. Large stacks
# gain by it: a plane that was forgotten is looked at anew with every click, which takes a second.
_KEPT_PIXELS, _BYTES_A_PIXEL, _SHARE_OF_FREE = 2**25, 64, 0.25
# What clicks say of planes, kept while clicks come and go.
_KEPT_BYTES = 2**28
# Answers for a class in a plane that are kept.
_KEPT_HEATS = 256
# Beyond it nothing changes any more, and the numbers would end.
_LARGEST_GAMMA = 1e30
# Share of a region that must lie on the thing in the plane before, and how alike it must be, for
# the thing to go on there.
_OVERLAP, _LIKENESS = 0.5, 0.2


class RegionMethod(AlwaysReady):
    """Clicks on the regions of `compact`, judged by a small network that was trained with clicks.

    Every click tells of every region how alike it is (embedding of kinds, look, features of the
    network, eigenvectors), and, in its own plane, how near (embedding of segments, boundaries on
    the way, the merge tree, distance). `ClickNetwork` weighs all clicks of a class together, those
    of both signs; regions hear their neighbors and the groups that they are part of.

    Parameters
    ----------
    embedding
        With its images.
    """

    def __init__(self, embedding: Embedding) -> None:
        if embedding.planes is None:
            raise InputError(
                'The method "regions" looks at the images, but this embedding was saved without '
                'them. Give method="tutorial", or save with images=True.'
            )
        self._embedding = embedding
        self._described: OrderedDict[int, _Described] = OrderedDict()
        self._regions: OrderedDict[int, tuple[PlaneRegions, Matrix]] = OrderedDict()
        self._heard: ContentCache[Heard] = ContentCache(_KEPT_BYTES, lambda heard: heard.nbytes)
        self._heats: OrderedDict[tuple, Matrix] = OrderedDict()
        self._whitening: tuple[Whitening, Whitening] | None = None
        free = free_memory("cpu") or 0.0
        self._kept_pixels = max(_KEPT_PIXELS, int(_SHARE_OF_FREE * free / _BYTES_A_PIXEL))

    # ---------------------------------------------------------------------------------- preparing

    def ready_steps(self, planes: Sequence[int], parameters: PromptParameters) -> Steps[None]:
        """Describe planes that are not described yet, as many as are kept, with progress."""
        shapes = self._embedding.layout.shapes
        pixels = np.cumsum([shapes[plane][0] * shapes[plane][1] for plane in planes])
        kept = [p for p, size in zip(planes, pixels, strict=True) if size <= self._kept_pixels]
        missing = [plane for plane in kept if plane not in self._described]
        for i, plane in enumerate(missing):
            yield Progress("regions", i, len(missing))
            self._mixing(plane, MODE_NUMBERS[parameters.mode])

    def evidence(self, plane: int) -> PlaneEvidence:
        """What is known of the regions of a plane."""
        return self._evidence(plane)[0]

    def _evidence(self, plane: int) -> _Described:
        if plane not in self._described:
            look, deep = self.whitenings()
            regions, eigenvectors = self._plane_regions(plane)
            self._regions.pop(plane, None)
            evidence = PlaneEvidence.of(regions, look, deep, eigenvectors)
            self._described[plane] = evidence, {}
            self._forget()
        self._described.move_to_end(plane)
        return self._described[plane]

    def _mixing(self, plane: int, mode: int) -> PlaneMixing:
        evidence, mixings = self._evidence(plane)
        if mode not in mixings:
            mixings[mode] = click_model(mode).mixing(evidence)
        return mixings[mode]

    def _forget(self) -> None:
        shapes = self._embedding.layout.shapes
        while sum(shapes[p][0] * shapes[p][1] for p in self._described) > self._kept_pixels:
            if len(self._described) == 1:
                return
            self._described.popitem(last=False)

    def whitenings(self) -> tuple[Whitening, Whitening]:
        """Whitening by planes spread over the set, so that all planes are described alike."""
        if self._whitening is None:
            n_planes = len(self._embedding.layout)
            spread = np.linspace(0, n_planes - 1, min(n_planes, _PLANES_OF_WHITENING))
            chosen = [self._plane_regions(int(plane))[0] for plane in np.rint(spread)]
            areas = np.concatenate([regions.graph.areas for regions in chosen])
            look, deep = (
                np.concatenate([getattr(regions, name) for regions in chosen])
                for name in ("look", "deep")
            )
            self._whitening = (
                Whitening.fit(look, areas, look.shape[1]),
                Whitening.fit(deep, areas, DEEP_DIMENSIONS),
            )
        return self._whitening

    def _plane_regions(self, plane: int) -> tuple[PlaneRegions, Matrix]:
        if plane not in self._regions:
            assert self._embedding.planes is not None  # checked at the beginning
            image = self._embedding.planes[plane]
            regions = _regions_of(image)
            layout = self._embedding.layout
            rows = self._embedding.unit_vectors[layout.nodes_of(plane)]
            rows = rows.reshape(*layout.grids[plane], rows.shape[1])
            self._regions[plane] = regions, regions.graph.means(rows, layout.stride)
        return self._regions[plane]

    # ---------------------------------------------------------------------------------- answering

    def prepare(
        self, clicks: Clicks, parameters: PromptParameters
    ) -> Callable[[int], RegionAnswer]:
        """Nothing that concerns all planes; answers come from the clicks, plane by plane."""
        return partial(self._answer, clicks, parameters)

    def _answer(self, clicks: Clicks, parameters: PromptParameters, plane: int) -> RegionAnswer:
        gamma = min(1.0 if parameters.gamma is None else parameters.gamma, _LARGEST_GAMMA)
        cut = 0.5 if parameters.threshold is None else parameters.threshold
        # Looking at a plane takes seconds, on all cores: it comes before.
        evidence = self.evidence(plane)
        with one_blas_thread():
            heats = [
                heat ** np.float32(gamma)
                for heat in self._heats_of(clicks, clicks.labels, plane, parameters.mode)
            ]
        answer = RegionAnswer(evidence.regions.graph, np.stack(heats), cut)
        answer.hold(clicks, plane)
        if parameters.mode == "object":
            answer.keep_clicked(clicks, plane)
        return answer

    def _heats_of(
        self, clicks: Clicks, labels: Sequence[int], plane: int, mode: Mode
    ) -> list[Matrix]:
        """Probabilities (n,) that regions of a plane belong to each of these classes."""
        found: dict[int, Matrix] = {}
        asked: dict[int, tuple[tuple, Callable[[], Matrix]]] = {}
        for label in labels:
            positive = clicks.positive_of(label)
            negative = np.concatenate([clicks.negative_of(label), _of_others(clicks, label)])
            about = clicks.about(label)
            if mode == "object":
                # One thing: what was clicked in other planes reaches this one through those
                # between.
                here = clicks.pixels[:, 0] == plane
                if not here[positive].any():
                    found[label] = self._carried(clicks, label, plane)
                    continue
                positive, negative = positive[here[positive]], negative[here[negative]]
                about &= here
            when = histories(clicks.pixels, about, n_drawn=clicks.n_drawn)
            given = (clicks.pixels, when)
            sides = (array[side].tobytes() for array in given for side in (positive, negative))
            key = (*sides, plane, mode)
            if key in self._heats:
                self._heats.move_to_end(key)
                found[label] = self._heats[key]
            else:
                question = self._question(clicks, positive, negative, when, plane, mode)
                asked[label] = key, question
        answers = all_of([question for _, question in asked.values()])
        for (label, (key, _)), logits in zip(asked.items(), answers, strict=True):
            found[label] = self._heats[key] = probability(logits)
        while len(self._heats) > _KEPT_HEATS:
            self._heats.popitem(last=False)
        return [found[label] for label in labels]

    def _question(
        self,
        clicks: Clicks,
        positive: NDArray[np.int64],
        negative: NDArray[np.int64],
        when: NDArray[np.float64],
        plane: int,
        mode: Mode,
    ) -> Callable[[], Matrix]:
        """What gives logits (n,) of regions of a plane, from clicks of these numbers."""
        number = MODE_NUMBERS[mode]
        heard = [
            [self._heard_click(clicks, int(i), when[i], plane, sign, number) for i in side]
            for sign, side in ((True, positive), (False, negative))
        ]
        evidence, mixing = self.evidence(plane), self._mixing(plane, number)
        chosen = np.concatenate([positive, negative])
        places = [self._place(clicks, int(i), plane) for i in chosen]

        def logits() -> Matrix:
            inside, outside = ([hear() for hear in side] for side in heard)
            guesses = evidence.guesses(places, np.isin(chosen, positive))
            return click_model(number).logits(inside, outside, number, mixing, guesses)

        return logits

    def _heat(self, clicks: Clicks, label: int, plane: int, mode: Mode) -> Matrix:
        return self._heats_of(clicks, [label], plane, mode)[0]

    def _carried(self, clicks: Clicks, label: int, plane: int) -> Matrix:
        """Probability (n,) that regions belong to a thing that was clicked in other planes.

        A region does where it lies on what belongs to it one plane nearer to the click, and looks
        like it. Things do not jump over planes.
        """
        stacks = self._embedding.layout.stacks
        steps = hops(stacks, clicks.pixels[clicks.positive_of(label), 0])
        if plane not in steps:
            return np.zeros(len(self.evidence(plane)), np.float32)
        own = _against_all(clicks, label)
        heat = np.zeros(0, np.float32)
        masks: dict[int, NDArray[np.bool_]] = {}
        for on_way in way_to(stacks, steps, plane):
            graph = self.evidence(on_way).regions.graph
            if steps[on_way] == 0:
                heat = self._heat(clicks, label, on_way, "object")
            else:
                nearer = [masks[p] for p in neighbors(stacks, on_way) if p in masks]
                below = np.logical_or.reduce(nearer)
                overlap = np.bincount(graph.labels.ravel(), below.ravel(), len(graph))
                alike = self._heat(clicks, label, on_way, "similar")
                belongs = (overlap > _OVERLAP * graph.areas) & (alike > _LIKENESS)
                heat = np.where(belongs, np.maximum(alike, 0.6), np.minimum(alike, 0.4))
            if on_way != plane:
                answer = RegionAnswer(graph, heat[np.newaxis], 0.5)
                answer.hold(own, on_way)
                answer.keep_clicked(own, on_way)
                masks[on_way] = answer.class_map([label], np.dtype(np.int64)) == label
        return heat

    def under(self, clicks: Clicks, i: int) -> dict[str, Matrix]:
        """What is under a click."""
        of_plane, row, column = (int(place) for place in clicks.pixels[i])
        evidence = self._evidence(of_plane)[0]
        return evidence.description(int(evidence.regions.graph.labels[row, column]))

    def _place(self, clicks: Clicks, i: int, plane: int) -> ClickPlace:
        """A click as seen from a plane."""
        of_plane, row, column = (int(place) for place in clicks.pixels[i])
        evidence = self.evidence(of_plane)
        found = evidence.click_place(int(evidence.regions.graph.labels[row, column]))
        return found if plane == of_plane else replace(found, place=None)

    def _heard_click(
        self,
        clicks: Clicks,
        i: int,
        when: NDArray[np.float64],
        plane: int,
        positive: bool,
        mode: int,
    ) -> Callable[[], Heard]:
        """What gives what click `i` with its history says of the regions of a plane."""
        of_plane, row, column = (int(place) for place in clicks.pixels[i])
        source = self._evidence(of_plane)[0]
        labels = source.regions.graph.labels
        region, depth = int(labels[row, column]), click_depth(labels, row, column)
        if plane != of_plane:
            # Distances to other clicks are those of its own plane.
            when = np.array([when[0], FIRST[1]])
        key = (of_plane, region, depth, when.tobytes(), plane, positive, mode)
        if (known := self._heard.known(key)) is not None:
            return lambda: known
        evidence = self._evidence(plane)[0]
        # All classes hear of a click: what is the same for all of them is found before they do.
        pair = (
            evidence.of_click(region, depth)
            if plane == of_plane
            else evidence.of_click_elsewhere(source.description(region))
        )
        history = history_features(when, evidence.regions.graph.labels.size)
        hear = partial(click_model(mode).hear, pair, history, positive, mode)
        return partial(self._heard.get, key, hear)


def describe(plane: Matrix, look: Whitening, deep: Whitening) -> PlaneEvidence:
    """Evidence of a plane (h, w, c) that was not cut with others: without eigenvectors."""
    regions = _regions_of(plane)
    return PlaneEvidence.of(regions, look, deep, np.zeros((len(regions.graph), 1), np.float32))


def probability(logits: Matrix) -> Matrix:
    """Of logits, without overflow."""
    return (1 / (1 + np.exp(-np.clip(logits, -30, 30)))).astype(np.float32)


def _regions_of(plane: Matrix) -> PlaneRegions:
    from ..backbones.compact import Compact
    from ..regions.plane import PlaneRegions

    return PlaneRegions.of(plane, Compact().maps(plane))


def _against_all(clicks: Clicks, label: int) -> Clicks:
    """The clicks that concern one class, those of other classes as negative ones of its own."""
    chosen = np.sort(
        np.concatenate(
            [clicks.positive_of(label), clicks.negative_of(label), _of_others(clicks, label)]
        )
    )
    positive = clicks.positive[chosen] & (clicks.classes[chosen] == label)
    classes = np.full(len(chosen), label, dtype=np.int64)
    return Clicks(clicks.pixels[chosen], clicks.nodes[chosen], positive, classes)


def _of_others(clicks: Clicks, label: int) -> NDArray[np.int64]:
    """Positive clicks of other classes, which count against this one."""
    return np.flatnonzero(clicks.positive & (clicks.classes != label))
