"""SAM as a prompt method: a mask for every thing that is pointed at or drawn around."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..cache import ContentCache
from ..errors import InputError
from ..imaging import GuidedUpsampler
from ..progress import Progress, Steps, run_steps
from .clicks import Clicks
from .parameters import PromptParameters
from .things import PlaneThings, Thing, ThingScores, things_on

if TYPE_CHECKING:
    from ..sam import MaskSet, SamAnswer, SamModels, SamSegmenter
    from ..sam.segmenter import Look
    from ..spectral import Embedding
    from .images import BareImages

# Looks take 4 to 17 MB, answers 1 MB.
_LOOKS_BYTES = 2**28
_ANSWERS_BYTES = 2**27
_MASKS_BYTES = 2**27


class SamMethod:
    """The Segment Anything Model, asked about every thing on its own, in the plane of the prompts.

    Boxes are given to it as boxes, polygons and masks as a mask and the box around it, points and
    scribbles as points; see `things_on` for which belong together. Where things overlap, the
    smaller one lies on top. What was seen of a plane, and every answer, is kept, so that a further
    click costs one question.

    Parameters
    ----------
    subject
        Images, embedded or not; SAM needs nothing but them.
    models
        What loads networks.
    """

    def __init__(self, subject: Embedding | BareImages, models: SamModels) -> None:
        from ..sam.rgb import as_sam_sees

        if subject.planes is None:
            raise InputError(
                'The method "sam" looks at the images, but this embedding was saved without them. '
                "Save with images=True, or embed the images again."
            )
        self._planes = as_sam_sees(subject.planes)
        self._models = models
        self._looks: ContentCache[Look] = ContentCache(_LOOKS_BYTES, lambda look: look.size)
        self._answers: ContentCache[_Answered] = ContentCache(
            _ANSWERS_BYTES, lambda one: one.answer.logits.nbytes // one.n
        )
        self._masks: ContentCache[MaskSet] = ContentCache(
            _MASKS_BYTES, lambda one: sum(crop.nbytes for crop in one.crops)
        )

    def ready_steps(self, planes: Sequence[int], parameters: PromptParameters) -> Steps[None]:
        """Load the network, and look at planes that it has not seen, with progress."""
        for i, plane in enumerate(planes):
            if len(planes) > 1:
                yield Progress("planes", i, len(planes))
            yield from self._look_steps(plane, parameters)

    def is_ready(self, plane: int, parameters: PromptParameters) -> bool:
        """Whether questions about a plane are answered at once."""
        return (
            self._models.known(parameters.model, parameters.checkpoint) is not None
            and self._looks.known((plane, _model_key(parameters))) is not None
        )

    def prepare(self, clicks: Clicks, parameters: PromptParameters) -> Callable[[int], SamPlane]:
        """Nothing that concerns all planes; questions are asked plane by plane."""
        return partial(self._plane, clicks, parameters)

    def _look_steps(
        self, plane: int, parameters: PromptParameters
    ) -> Steps[tuple[SamSegmenter, Look]]:
        from ..sam.rgb import rgb

        segmenter = yield from self._models.load_steps(parameters.model, parameters.checkpoint)
        key = (plane, _model_key(parameters))
        look = self._looks.known(key)
        if look is None:
            seen = yield from segmenter.look_steps(rgb(self._planes[plane]))
            look = self._looks.get(key, lambda: seen)
        return segmenter, look

    def _plane(self, clicks: Clicks, parameters: PromptParameters, plane: int) -> SamPlane:
        things = things_on(clicks, plane, each_point=parameters.each_point)
        shape = self._planes.shapes[plane]
        if not things:
            return SamPlane(shape, clicks.labels, (), (), parameters, self._masks)
        segmenter, look = run_steps(self._look_steps(plane, parameters))
        begin = (plane, _model_key(parameters))
        keys = [(*begin, *thing.question) for thing in things]
        known = {key: self._answers.known(key) for key in keys}
        new = {key: t for key, t in zip(keys, things, strict=True) if known[key] is None}
        answers = {key: one for key, one in known.items() if one is not None}
        for key, one in _asked(segmenter, look, new).items():
            answers[key] = self._answers.get(key, partial(_itself, one))
        asked = tuple((key, answers[key]) for key in keys)
        return SamPlane(shape, clicks.labels, tuple(things), asked, parameters, self._masks)


@dataclass(frozen=True, eq=False)
class _Answered:
    """The answer about one of n things that were asked about together."""

    answer: SamAnswer
    thing: int = 0
    n: int = 1


def _itself(one: _Answered) -> _Answered:
    return one


def _model_key(parameters: PromptParameters) -> Hashable:
    from ..sam.models import model_key

    return model_key(parameters.model, parameters.checkpoint)


def _asked(
    segmenter: SamSegmenter, look: Look, things: dict[tuple, Thing]
) -> dict[tuple, _Answered]:
    """Answers about things: of those that are mere boxes all at once."""
    found: dict[tuple, _Answered] = {}
    boxes = {
        key: thing.box
        for key, thing in things.items()
        if thing.box is not None and thing.outline is None and not len(thing.pixels)
    }
    if len(boxes) > 1:
        answer = segmenter.ask(look, boxes=np.array(list(boxes.values())))
        found = {key: _Answered(answer, i, len(boxes)) for i, key in enumerate(boxes)}
    for key, thing in things.items():
        if key in found:
            continue
        outline = thing.whole_outline(look.frame.shape)
        answer = segmenter.ask(
            look,
            thing.pixels if len(thing.pixels) else None,
            thing.positive if len(thing.pixels) else None,
            boxes=thing.box,
            mask=None if outline is None else segmenter.as_prompt(look, outline),
        )
        found[key] = _Answered(answer)
    return found


@dataclass(frozen=True, eq=False)
class SamPlane:
    """SAM's answers about the things on one plane; a `PlaneAnswer`."""

    shape: tuple[int, int]
    classes: list[int]
    things: tuple[Thing, ...]
    answered: tuple[tuple[Hashable, _Answered], ...]
    parameters: PromptParameters
    kept: ContentCache[MaskSet]

    @cached_property
    def masks(self) -> MaskSet:
        """The chosen answer about every thing."""
        from ..sam.mask_set import MaskSet

        sets = []
        for i, (key, one) in enumerate(self.answered):
            which = self._which(i)
            mask_key = (key, which, self.parameters.threshold)
            sets.append(self.kept.get(mask_key, partial(self._mask, i, which, one)))
        return MaskSet.joined(sets) if sets else MaskSet.of([], self.shape)

    @property
    def scores(self) -> tuple[ThingScores, ...]:
        """What the network thinks of its answers about every thing."""
        told = []
        for i, (_, one) in enumerate(self.answered):
            scores = one.answer.scores.reshape(one.n, -1)[one.thing]
            order = one.answer.order.reshape(one.n, -1)[one.thing].tolist()
            told.append(
                ThingScores(
                    self.things[i].label,
                    tuple(float(scores[place]) for place in order),
                    order.index(self._which(i)),
                )
            )
        return tuple(told)

    def class_map(
        self, classes: list[int], dtype: np.dtype, upsampler: Callable[[], GuidedUpsampler]
    ) -> NDArray:
        """See `PlaneAnswer`."""
        return self.masks.labels([thing.label for thing in self.things]).astype(dtype)

    def heat_map(self, upsampler: Callable[[], GuidedUpsampler]) -> NDArray[np.float32]:
        """See `PlaneAnswer`: how probable it is that a pixel belongs to a thing of a class."""
        heat = np.zeros((len(self.classes), *self.shape), np.float32)
        for i, thing in enumerate(self.things):
            own = heat[self.classes.index(thing.label)]
            np.maximum(own, self._probability(i), out=own)
        return heat

    def doubt_map(self, upsampler: Callable[[], GuidedUpsampler]) -> NDArray[np.float32]:
        """See `PlaneAnswer`."""
        best = np.zeros(self.shape, np.float32)
        for i in range(len(self.things)):
            np.maximum(best, self._probability(i), out=best)
        doubt: NDArray[np.float32] = 1 - np.abs(2 * best - 1)
        return doubt

    def numbered(self, labels: NDArray) -> PlaneThings:
        """The things of the final class map (h, w)."""
        return PlaneThings.of_masks(labels, self.masks, self.scores)

    def _which(self, i: int) -> int:
        one = self.answered[i][1]
        return one.answer.number_of(self.parameters.answer, one.thing)

    def _mask(self, i: int, which: int, one: _Answered) -> MaskSet:
        from ..sam.mask_set import MaskSet

        mask = one.answer.pixel_logits(which, one.thing) > self._cut(one)
        self.things[i].hold(mask)
        return MaskSet.of([mask], self.shape)

    def _cut(self, one: _Answered) -> float:
        """The logit above which a pixel is mask."""
        threshold = self.parameters.threshold
        if threshold is None:
            return one.answer.threshold
        with np.errstate(divide="ignore"):
            share = np.clip(np.float64(threshold), 0, 1)
            return float(np.log(share) - np.log1p(-share))

    def _probability(self, i: int) -> NDArray[np.float32]:
        from scipy.special import expit

        one = self.answered[i][1]
        found: NDArray[np.float32] = expit(one.answer.pixel_logits(self._which(i), one.thing))
        return found
