"""Set once, ask many: clicks on an embedding become masks at full resolution."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..imaging import Channels, Scaling
from ..progress import Steps
from .asked import Asked, Upsamplers
from .clicks import check_clicks
from .doubt import most_doubtful
from .drawn import Drawn, read_strokes
from .images import BareImages
from .instances import label_instances
from .margins import PromptMethod
from .methods import MethodEntry, prompt_method
from .objects import keep_clicked_objects
from .parameters import Answer, Mode, Normalization, PromptParameters
from .pixels import check_planes, scores_as_given
from .strokes import Stroke, check_strokes
from .things import PlaneThings
from .tutorial import check_area

if TYPE_CHECKING:
    from ..sam import SamModels, SamSegmenter
    from ..spectral import Embedding


class PromptSegmenter:
    """Turns positive and negative clicks of one class or several into masks.

    Parameters
    ----------
    embedding
        What `napari_ncut.embed` returned. With images alone, see `of_images`.
    sam_models
        What loads models for the method "sam"; share one to load and look once.

    Notes
    -----
    Everything that does not depend on the prompts is computed once and everything that depends on
    one click (with "cut": on the clicks of one class) is remembered, so that adding a click, moving
    a threshold or changing a class costs milliseconds. Safe to call from several threads; calls
    wait for each other.
    """

    def __init__(
        self, embedding: Embedding | BareImages, *, sam_models: SamModels | None = None
    ) -> None:
        from ..sam import SamModels

        self.has_embedding = hasattr(embedding, "unit_vectors")
        if not self.has_embedding and not isinstance(embedding, BareImages):
            raise InputError(
                f"An Embedding is needed, but a {type(embedding).__name__} was given. "
                f"Make one first: PromptSegmenter(napari_ncut.embed(image)); or, for the method "
                f'"sam" alone, PromptSegmenter.of_images(image).'
            )
        # What a method asks of it that needs no embedding, images alone have as well.
        self.embedding = cast("Embedding", embedding)
        self.sam_models = SamModels() if sam_models is None else sam_models
        self._methods: dict[MethodEntry, PromptMethod] = {}
        self._read: Drawn | None = None
        self._upsamplers = Upsamplers(self.embedding)
        self._lock = Lock()

    @classmethod
    def of_images(
        cls,
        images: Any,
        axes: str | Sequence[str | None] | None = None,
        *,
        channels: Channels = None,
        scaling: Scaling = "stack",
        sam_models: SamModels | None = None,
    ) -> PromptSegmenter:
        """A segmenter of images that are not embedded, for the method "sam". Takes no time.

        Parameters
        ----------
        images, axes, channels, scaling
            As for `napari_ncut.embed`. Scaled as usual, images of 8 bits are shown to SAM as they
            are.
        sam_models
            See above.
        """
        images = BareImages.of(images, axes=axes, channels=channels, scaling=scaling)
        return cls(images, sam_models=sam_models)

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
        model: str | SamSegmenter = "sam:vit_b",
        checkpoint: str | Path | None = None,
        answer: Answer = "best",
        each_point: bool = False,
        planes: Sequence[int] | None = None,
        return_scores: bool = False,
    ) -> Any:
        """Masks of what was clicked.

        Parameters
        ----------
        points
            (n, 2) rows (row, column) for one plane, (n, 3) rows (plane, row, column) otherwise, in
            pixels. Planes count over all images that were embedded together. In the order of
            clicking: "auto" takes later ones for corrections of the answer to those before.
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
            as negative ones. "sam": the Segment Anything Model, which answers in the plane of the
            prompts, and needs its weights but no embedding (see `SamMethod` and `things_on`). Of
            the other parameters it takes `threshold`, `min_area` and those that are named after
            it. "auto": "regions", "tutorial" where an embedding was saved without its images, and
            "sam" of images alone.
        threshold
            For positive clicks. Higher gives smaller masks. Default: .5 for a class with one click,
            .7 with several; with "regions" a probability of .5; with "cut" where the two groups
            part (.5 at gamma 1), with "sam" a probability of .5.
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
        model, checkpoint
            Of "sam": which network; see `SamSegmenter`. One that is loaded may be given as `model`.
        answer
            Of "sam": "best", which it thinks best itself; or by size "whole", "part" or "subpart".
        each_point
            Of "sam": whether every positive point (or scribble) is about a thing of its own, rather
            than all of a class about one. Boxes and outlines always are.
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
        options = {
            "threshold": threshold,
            "negative_threshold": negative_threshold,
            "gamma": gamma,
            "normalization": normalization,
            "denoise_area_th": denoise_area_th,
            "mode": mode,
            "model": model,
            "checkpoint": checkpoint,
            "answer": answer,
            "each_point": each_point,
        }
        asked = self._asked(method, points, positive, classes, strokes, options)
        check_area("min_area", min_area, "pixels")
        layout = self.embedding.layout
        as_mask = classes is None and all(stroke.label is None for stroke in strokes)
        wanted = range(len(layout)) if planes is None else check_planes(planes, len(layout))
        with self._lock:
            results = self._answers(asked, wanted)
            label_maps, score_maps = [], []
            for plane in wanted:
                labels, scores = self._pixels(asked, plane, results, min_area, return_scores)
                label_maps.append(labels.astype(bool) if as_mask else labels)
                if scores is not None:
                    score_maps.append(scores[0] if as_mask else scores)
        if planes is not None:
            return (label_maps, score_maps) if return_scores else label_maps
        masks = layout.pixels_as_given(label_maps)
        if not return_scores:
            return masks
        return masks, scores_as_given(
            layout.pixels_as_given(score_maps), layout.stacks, layout.is_list, as_mask
        )

    def things(
        self,
        points: ArrayLike = (),
        positive: ArrayLike | None = None,
        *,
        classes: ArrayLike | None = None,
        strokes: Sequence[Stroke] = (),
        method: str = "auto",
        min_area: int = 0,
        planes: Sequence[int] | None = None,
        **options: Any,
    ) -> list[PlaneThings]:
        """The masks of `predict` thing by thing, plane by plane.

        With "sam" every thing that was asked about is one, with scores of the answers; with other
        methods every connected piece.

        Parameters
        ----------
        points, positive, classes, strokes, method, min_area, planes, options
            As for `predict`. Default of `planes`: all.
        """
        check_area("min_area", min_area, "pixels")
        asked = self._asked(method, points, positive, classes, strokes, options)
        n_planes = len(self.embedding.layout)
        wanted = range(n_planes) if planes is None else check_planes(planes, n_planes)
        found = []
        with self._lock:
            results = self._answers(asked, wanted)
            for plane in wanted:
                result = results.get(plane)
                labels, _ = self._pixels(asked, plane, results, min_area)
                if result is not None and asked.entry.asks_about_things:
                    found.append(result.numbered(labels))
                else:
                    found.append(PlaneThings(*label_instances(labels)))
        return found

    def where_next(
        self,
        points: ArrayLike = (),
        positive: ArrayLike | None = None,
        *,
        classes: ArrayLike | None = None,
        strokes: Sequence[Stroke] = (),
        mode: Mode = "similar",
        method: str = "auto",
        planes: Sequence[int] | None = None,
        **options: Any,
    ) -> tuple[int, int, int] | None:
        """Where a further click would tell most: the middle of what is most in doubt.

        Parameters
        ----------
        points, positive, classes, strokes, mode, method, options
            As for `predict`.
        planes
            Look at these only. Default: all.

        Returns
        -------
        (plane, row, column) in pixels, or None without a positive prompt, or where nothing is in
        doubt.
        """
        layout = self.embedding.layout
        asked = self._asked(method, points, positive, classes, strokes, {**options, "mode": mode})
        wanted = range(len(layout)) if planes is None else check_planes(planes, len(layout))
        with self._lock:
            answers = self._answers(asked, wanted)
            maps = {
                plane: answers[plane].doubt_map(self._upsamplers.of(plane))
                for plane in wanted
                if plane in answers
            }
        return most_doubtful(maps, asked.clicks.pixels)

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
        wanted = range(len(images)) if planes is None else check_planes(planes, len(images))
        network = Compact()
        return [network.maps(images[plane]).boundary for plane in wanted]

    def _asked(
        self,
        method: str,
        points: ArrayLike,
        positive: ArrayLike | None,
        classes: ArrayLike | None,
        strokes: Sequence[Stroke],
        options: dict[str, Any],
    ) -> Asked:
        """Everything that was given, checked and read."""
        entry = self._entry(method)
        unknown = options.keys() - PromptParameters.__dataclass_fields__.keys()
        if unknown:
            raise InputError(
                f"There is no option {min(unknown)!r}. Choose from: "
                f"{', '.join(PromptParameters.__dataclass_fields__)}."
            )
        parameters = PromptParameters(**options)
        parameters.check()
        layout = self.embedding.layout
        clicks = check_clicks(layout, points, positive, classes)
        drawn = self._drawn(check_strokes(strokes), parameters.mode)
        return Asked(entry, drawn.before(clicks, layout), drawn, parameters)

    def _entry(self, method: str) -> MethodEntry:
        return prompt_method(
            method,
            has_images=self.embedding.planes is not None,
            has_embedding=self.has_embedding,
        )

    def _answers(self, asked: Asked, wanted: Sequence[int]) -> dict[int, Any]:
        """The method's answers for planes, none without a positive click."""
        clicks, parameters, entry = asked.clicks, asked.parameters, asked.entry
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

    def _pixels(
        self,
        asked: Asked,
        plane: int,
        answers: dict[int, Any],
        min_area: int,
        with_scores: bool = False,
    ) -> tuple[NDArray, NDArray[np.float32] | None]:
        return asked.pixels(
            plane,
            self.embedding.layout.shapes[plane],
            answers.get(plane),
            self._upsamplers.of(plane),
            min_area=min_area,
            with_scores=with_scores,
        )

    def _drawn(self, strokes: tuple[Stroke, ...], mode: Mode) -> Drawn:
        """What strokes say, read once while other prompts, sliders and planes change."""
        read = self._read
        known = () if read is None else tuple(stroke for stroke, _ in read.strokes)
        if read is None or read.mode != mode or known != strokes:
            read = self._read = read_strokes(self.embedding.layout, strokes, mode)
        return read

    def ready_steps(
        self, planes: Sequence[int] | None = None, method: str = "auto", **options: Any
    ) -> Steps[None]:
        """Prepare planes for clicks with a method, as a generator of progress.

        Without it the first click on a plane takes as long as this does. Default: all planes, as
        many as are kept.

        Parameters
        ----------
        planes, method, options
            As for `predict`; of the options "sam" needs to know the model.
        """
        n_planes = len(self.embedding.layout)
        wanted = range(n_planes) if planes is None else check_planes(planes, n_planes)
        yield from self.method(method).ready_steps(wanted, PromptParameters(**options))

    def is_ready(self, plane: int, method: str = "auto", **options: Any) -> bool:
        """Whether clicks on a plane are answered at once, without what `ready_steps` does.

        Of "sam" alone that is worth asking; other methods take moments.
        """
        return self.method(method).is_ready(plane, PromptParameters(**options))

    def method(self, name: str) -> PromptMethod:
        """The method of that name for these images."""
        return self._method(self._entry(name))

    def _method(self, entry: MethodEntry) -> PromptMethod:
        if entry not in self._methods:
            self._methods[entry] = entry.make(self.embedding, self.sam_models)
        return self._methods[entry]
