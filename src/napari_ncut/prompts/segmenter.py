"""Set once, ask many: clicks on an embedding become masks at full resolution."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, is_number
from ..imaging import GuidedUpsampler
from ..progress import Steps
from .clicks import Clicks, check_clicks
from .doubt import most_doubtful
from .drawn import Drawn, read_strokes
from .margins import PlaneAnswer, PromptMethod
from .methods import MethodEntry, prompt_method
from .objects import keep_clicked_objects
from .parameters import Mode, Normalization, PromptParameters
from .region_method import RegionMethod
from .strokes import Stroke, check_strokes
from .tutorial import check_area, small_components

if TYPE_CHECKING:
    from ..spectral import Embedding

# Upsamplers hold a gray plane each; these many planes are clicked back and forth between.
_KEPT_UPSAMPLERS = 16


class PromptSegmenter:
    """Turns positive and negative clicks of one class or several into masks.

    Parameters
    ----------
    embedding
        What `napari_ncut.embed` returned.

    Notes
    -----
    Everything that does not depend on the prompts is computed once and everything that depends on
    one click (with "cut": on the clicks of one class) is remembered, so that adding a click, moving
    a threshold or changing a class costs milliseconds. Safe to call from several threads; calls
    wait for each other.
    """

    def __init__(self, embedding: Embedding) -> None:
        if not hasattr(embedding, "unit_vectors"):
            raise InputError(
                f"An Embedding is needed, but a {type(embedding).__name__} was given. "
                f"Make one first: PromptSegmenter(napari_ncut.embed(image))."
            )
        self.embedding = embedding
        self._methods: dict[MethodEntry, PromptMethod] = {}
        self._read: Drawn | None = None
        self._upsamplers: OrderedDict[int, GuidedUpsampler] = OrderedDict()
        self._lock = Lock()

    def predict(
        self,
        points: ArrayLike = (),
        positive: ArrayLike | None = None,
        *,
        classes: ArrayLike | None = None,
        strokes: Sequence[Stroke] = (),
        mode: Literal["similar", "object"] = "similar",
        method: str = "auto",
        threshold: float | None = None,
        negative_threshold: float | None = None,
        gamma: float | None = None,
        min_area: int = 0,
        normalization: Normalization = "stack",
        denoise_area_th: int | None = None,
        planes: Sequence[int] | None = None,
        return_scores: bool = False,
    ) -> Any:
        """Masks of what was clicked.

        Parameters
        ----------
        points
            (n, 2) rows (row, column) for one plane, (n, 3) rows (plane, row, column) otherwise, in
            pixels. Planes count over all images that were embedded together.
        positive
            bool (n,): True for "things like this", False for "not this". Default: all True.
        classes
            int (n,), 1 and up: classes compete for every pixel. A negative point counts against its
            class, with class 0 against all.
        strokes
            What was drawn: `Box`, `Polygon`, `Scribble` and `Mask`, beside points or alone. They
            are turned into clicks, so every method knows them; points have the last word.
        mode
            "similar": all things like those clicked, in every plane; "object": only the connected
            things that were clicked (connected through neighboring planes of a stack, too).
        method
            "regions": all evidence at once, on regions of the embedded network (see
            `RegionMethod`), which needs the images; "tutorial": the NCUT tutorial's rule; "cut": a
            cut in two groups for each class, led by all its clicks together (see
            `ConditionedCut`); with the first and the last, positive clicks of other classes count
            as negative ones. "auto": "regions", or "tutorial" where an embedding was saved without
            its images.
        threshold
            For positive clicks. Higher gives smaller masks. Default: .5 for a class with one click,
            .7 with several; with "regions" a probability of .5; with "cut" where the two groups
            part (.5 at gamma 1).
        negative_threshold
            For negative clicks. Higher takes less away. Default .99. With "tutorial" only.
        gamma
            Contrast of the likeness. Higher gives smaller masks; with "cut" where there is a
            threshold. Default 1.
        min_area
            Connected pieces of fewer image pixels are dropped, unless they were clicked.
        normalization
            "stack" judges likeness relative to all planes and images together, "plane" to each
            plane alone, "absolute" by the cosine itself, so that a mask may be empty. Unused by
            "cut", which cuts all planes and images together.
        denoise_area_th
            Pieces of one click's mask of fewer grid cells are dropped. Default: the tutorial's 3
            for a single click, 8 for several, 10 beside negative ones; 3 with "cut".
        planes
            Only these planes, in this order: the result is a list of (h, w) then.
        return_scores
            Also return the likeness to the positive clicks.

        Returns
        -------
        mask
            Without `classes` bool, with `classes`, or strokes of a class, an integer label map
            (0 = none): (h, w) for one
            plane, (n, h, w), or a list. A clicked pixel always ends on its click's side.
        scores
            Only with `return_scores`: float32, 0 to 1, of the same shape; with `classes` one such
            map per class with positive clicks, ascending, on a leading axis (of every list item).

        Raises
        ------
        InputError
            If points lie outside the images, or anything else cannot be used.
        """
        entry = prompt_method(method, has_images=self.embedding.planes is not None)
        parameters = PromptParameters(
            threshold, negative_threshold, gamma, normalization, denoise_area_th, mode
        )
        parameters.check()
        check_area("min_area", min_area, "pixels")
        layout = self.embedding.layout
        clicks = check_clicks(layout, points, positive, classes)
        drawn = self._drawn(check_strokes(strokes), mode)
        clicks = drawn.before(clicks, layout)
        as_mask = classes is None and all(stroke.label is None for stroke in strokes)
        wanted = range(len(layout)) if planes is None else _check_planes(planes, len(layout))
        with self._lock:
            results = self._answers(entry, clicks, parameters, wanted)
            label_maps, score_maps = [], []
            for plane in wanted:
                labels, scores = self._full_resolution(
                    plane, results.get(plane), clicks, drawn, min_area, return_scores
                )
                label_maps.append(labels.astype(bool) if as_mask else labels)
                if scores is not None:
                    score_maps.append(scores[0] if as_mask else scores)
        if planes is not None:
            return (label_maps, score_maps) if return_scores else label_maps
        masks = layout.pixels_as_given(label_maps)
        if not return_scores:
            return masks
        return masks, _scores_as_given(
            layout.pixels_as_given(score_maps), layout.stacks, layout.is_list, as_mask
        )

    def where_next(
        self,
        points: ArrayLike,
        positive: ArrayLike | None = None,
        *,
        classes: ArrayLike | None = None,
        mode: Mode = "similar",
        method: str = "auto",
        planes: Sequence[int] | None = None,
    ) -> tuple[int, int, int] | None:
        """Where a further click would tell most: the middle of what is most in doubt.

        Parameters
        ----------
        points, positive, classes, mode, method
            As for `predict`.
        planes
            Look at these only. Default: all.

        Returns
        -------
        (plane, row, column) in pixels, or None without a positive click, or where nothing is in
        doubt.
        """
        layout = self.embedding.layout
        clicks = check_clicks(layout, points, positive, classes)
        entry = prompt_method(method, has_images=self.embedding.planes is not None)
        parameters = PromptParameters(mode=mode)
        parameters.check()
        wanted = range(len(layout)) if planes is None else _check_planes(planes, len(layout))
        with self._lock:
            answers = self._answers(entry, clicks, parameters, wanted)
            maps = {
                plane: answers[plane].doubt_map(partial(self._upsampler, plane))
                for plane in wanted
                if plane in answers
            }
        return most_doubtful(maps, clicks.pixels)

    def boundaries(self, planes: Sequence[int] | None = None) -> list[NDArray[np.float32]]:
        """Probability, 0 to 1, of a boundary at every pixel (h, w) of planes, as `compact` sees it.

        What `label_instances` parts things by.

        Raises
        ------
        InputError
            If the embedding was saved without its images.
        """
        from ..backbones.compact import Compact

        images = self.embedding.planes
        if images is None:
            raise InputError(
                "Boundaries are seen in the images, but this embedding was saved without them. "
                "Save with images=True, or embed the images again."
            )
        wanted = range(len(images)) if planes is None else _check_planes(planes, len(images))
        network = Compact()
        return [network.maps(images[plane]).boundary for plane in wanted]

    def _answers(
        self,
        entry: MethodEntry,
        clicks: Clicks,
        parameters: PromptParameters,
        wanted: Sequence[int],
    ) -> dict[int, Any]:
        """The method's answers for planes, none without a positive click."""
        if not clicks.labels:
            return {}
        layout = self.embedding.layout
        on_plane = self._method(entry).prepare(clicks, parameters)
        connects = parameters.mode == "object" and not entry.knows_objects
        answers: dict[int, Any] = {
            p: on_plane(p) for p in (range(len(layout)) if connects else wanted)
        }
        if connects:
            keep_clicked_objects(layout, clicks, answers)
        return answers

    def _drawn(self, strokes: tuple[Stroke, ...], mode: Mode) -> Drawn:
        """What strokes say, read once while other prompts, sliders and planes change."""
        read = self._read
        known = () if read is None else tuple(stroke for stroke, _ in read.strokes)
        if read is None or read.mode != mode or known != strokes:
            read = self._read = read_strokes(self.embedding.layout, strokes, mode)
        return read

    def ready_steps(self, planes: Sequence[int] | None = None) -> Steps[None]:
        """Prepare planes for clicks with the method "auto", as a generator of progress.

        Without it the first click on a plane takes as long as this does. Default: all planes, as
        many as are kept.
        """
        n_planes = len(self.embedding.layout)
        method = self.method("auto")
        if isinstance(method, RegionMethod):
            wanted = range(n_planes) if planes is None else _check_planes(planes, n_planes)
            yield from method.ready_steps(wanted)

    def method(self, name: str) -> PromptMethod:
        """The method of that name for these images."""
        return self._method(prompt_method(name, has_images=self.embedding.planes is not None))

    def _method(self, entry: MethodEntry) -> PromptMethod:
        if entry not in self._methods:
            self._methods[entry] = entry.make(self.embedding)
        return self._methods[entry]

    def _full_resolution(
        self,
        plane: int,
        result: PlaneAnswer | None,
        clicks: Clicks,
        drawn: Drawn,
        min_area: int,
        with_scores: bool,
    ) -> tuple[NDArray, NDArray[np.float32] | None]:
        shape = self.embedding.layout.shapes[plane]
        classes = clicks.labels
        dtype = np.min_scalar_type(max(classes, default=1))
        if result is None:
            empty = (
                np.zeros((max(1, len(classes)), *shape), dtype=np.float32) if with_scores else None
            )
            return np.zeros(shape, dtype=dtype), empty
        upsampler = partial(self._upsampler, plane)
        labels = result.class_map(classes, dtype, upsampler)
        drawn.hold(labels, plane)
        _hold_clicked_pixels(labels, clicks, plane)
        drawn.limit(labels, clicks, plane)
        if min_area > 1:
            _drop_small(labels, clicks, plane, min_area)
        if drawn.strokes:
            drawn.hold(labels, plane)
            _hold_clicked_pixels(labels, clicks, plane)
        scores = result.heat_map(upsampler) if with_scores else None
        return labels, scores

    def _upsampler(self, plane: int) -> GuidedUpsampler:
        if plane not in self._upsamplers:
            self._upsamplers[plane] = self.embedding.upsampler(plane)
            if len(self._upsamplers) > _KEPT_UPSAMPLERS:
                self._upsamplers.popitem(last=False)
        self._upsamplers.move_to_end(plane)
        return self._upsamplers[plane]


def _check_planes(planes: Sequence[int], n_planes: int) -> Sequence[int]:
    wanted = list(planes) if isinstance(planes, Iterable) else [planes]
    for plane in wanted:
        if not is_number(plane, whole=True) or not 0 <= plane < n_planes:
            raise InputError(
                f"There is no plane {plane!r}. Give a list of whole numbers from 0 to "
                f"{n_planes - 1}, the planes that were embedded."
            )
    return [int(plane) for plane in wanted]


def _hold_clicked_pixels(labels: NDArray, clicks: Clicks, plane: int) -> None:
    """Put every clicked pixel on its click's side, in place; a later click wins."""
    for i in np.flatnonzero(clicks.pixels[:, 0] == plane):
        pixel = (clicks.pixels[i, 1], clicks.pixels[i, 2])
        if clicks.positive[i]:
            labels[pixel] = clicks.classes[i]
        elif clicks.classes[i] in (0, labels[pixel]):
            labels[pixel] = 0


def _drop_small(labels: NDArray, clicks: Clicks, plane: int, min_area: int) -> None:
    here = clicks.positive & (clicks.pixels[:, 0] == plane)
    for label in clicks.labels:
        own = clicks.pixels[here & (clicks.classes == label)]
        small = small_components(labels == label, min_area, keep=(own[:, 1], own[:, 2]))
        labels[small] = 0


def _scores_as_given(scores: Any, stacks: tuple, is_list: bool, as_mask: bool) -> Any:
    """Bring the class axis of scores, which comes after a stack's planes, to the front."""
    if as_mask:
        return scores
    if is_list:
        return [
            s if stack == () else np.moveaxis(s, 1, 0)
            for s, stack in zip(scores, stacks, strict=True)
        ]
    return scores if stacks[0] == () else np.moveaxis(scores, 1, 0)
