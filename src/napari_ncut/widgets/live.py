"""What runs beside the window while the user clicks: masks plane by plane, and their acceptance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..measuring import ClassMeasure, measure_labels
from ..progress import Progress, Steps
from ..prompts import PlaneThings, PromptSegmenter, Stroke, ThingScores, label_instances
from .history import Command
from .label_edit import LabelEdit, key_in_layer
from .layers import Source
from .session import Prepared

if TYPE_CHECKING:
    from napari.layers import Labels


@dataclass(frozen=True, eq=False)
class Request:
    """What is asked: clicks on an embedding, and how to read them.

    Attributes
    ----------
    points : float array (n, 3)
        (plane, row, column) of the embedding.
    positive, classes : arrays (n,)
    options : dict
        Further arguments of `PromptSegmenter.predict`.
    heat_label : int or None
        Class whose likeness is wanted, too.
    strokes : tuple of Stroke
        What was drawn.
    """

    points: NDArray[np.float64]
    positive: NDArray[np.bool_]
    classes: NDArray[np.int64]
    options: dict[str, Any] = field(default_factory=dict)
    heat_label: int | None = None
    strokes: tuple[Stroke, ...] = ()

    @property
    def labels(self) -> list[int]:
        """The classes that have a positive prompt, ascending."""
        drawn = {stroke.number for stroke in self.strokes if stroke.positive}
        return sorted(drawn | {int(label) for label in self.classes[self.positive]})

    @property
    def planes(self) -> set[int]:
        """The planes that have a prompt."""
        return {stroke.plane for stroke in self.strokes} | {int(p) for p in self.points[:, 0]}

    @property
    def about_things(self) -> bool:
        """Whether it is asked of a method that answers thing by thing, plane by plane."""
        return about_things(self.options)

    def waits_for(self, segmenter: PromptSegmenter, plane: int) -> bool:
        """Whether a plane must be looked at first, which takes seconds."""
        asks = self.about_things and plane in self.planes
        return asks and not segmenter.is_ready(plane, **looking_options(self.options))

    def ready_steps(self, segmenter: PromptSegmenter, plane: int) -> Steps[None]:
        """Look at a plane, if it must be looked at first."""
        if self.waits_for(segmenter, plane):
            yield from segmenter.ready_steps([plane], **looking_options(self.options))

    def things(self, segmenter: PromptSegmenter, plane: int) -> PlaneThings:
        """The things of one plane, each with a number, and what is thought of them."""
        (found,) = segmenter.things(
            self.points,
            self.positive,
            classes=self.classes,
            strokes=self.strokes,
            planes=[plane],
            **self.options,
        )
        return found

    def where_next(self, segmenter: PromptSegmenter, plane: int) -> tuple[int, int, int] | None:
        """Where on a plane a further click would tell most."""
        return segmenter.where_next(
            self.points,
            self.positive,
            classes=self.classes,
            strokes=self.strokes,
            planes=[plane],
            **self.options,
        )

    def predict(self, segmenter: PromptSegmenter, plane: int) -> NDArray:
        """Label map (h, w) of one plane."""
        (labels,) = segmenter.predict(
            self.points,
            self.positive,
            classes=self.classes,
            strokes=self.strokes,
            planes=[plane],
            **self.options,
        )
        return labels

    def heat(self, segmenter: PromptSegmenter, plane: int) -> NDArray[np.float32]:
        """Likeness (h, w) of one plane to the clicks of the wanted class (or of any)."""
        _, (scores,) = segmenter.predict(
            self.points,
            self.positive,
            classes=self.classes,
            strokes=self.strokes,
            planes=[plane],
            return_scores=True,
            **self.options,
        )
        if self.heat_label in self.labels:
            return scores[self.labels.index(self.heat_label)]
        return scores.max(axis=0)


def about_things(options: dict[str, Any]) -> bool:
    """Whether options are those of a method that answers thing by thing."""
    return options.get("method") == "sam"


def looking_options(options: dict[str, Any]) -> dict[str, Any]:
    """Those of the options that say what is to look at an image."""
    return {name: options[name] for name in ("method", "model", "checkpoint") if name in options}


@dataclass(frozen=True, eq=False)
class PlaneResult:
    """One part of the answer for one plane."""

    plane: int
    labels: NDArray | None = None
    heat: NDArray[np.float32] | None = None
    measures: list[ClassMeasure] | None = None
    scores: tuple[ThingScores, ...] | None = None


def live_steps(
    prepared: Prepared, request: Request, planes: Sequence[int]
) -> Iterator[PlaneResult | Progress]:
    """Answer plane by plane in the order given; the mask of each first, then what can wait."""
    for plane in planes:
        yield from request.ready_steps(prepared.segmenter, plane)
        labels = request.predict(prepared.segmenter, plane)
        yield PlaneResult(plane, labels=labels)
        if request.heat_label is not None:
            yield PlaneResult(plane, heat=request.heat(prepared.segmenter, plane))
        if request.about_things and plane in request.planes:
            yield PlaneResult(plane, scores=request.things(prepared.segmenter, plane).scores)
        yield PlaneResult(plane, measures=measure_labels(labels))


@dataclass(frozen=True)
class AcceptOptions:
    """How masks become labels: see the widget's tooltips."""

    instances: bool = False
    split: bool = False
    protect: bool = False


@dataclass(eq=False)
class Accepted:
    """What is to be written into one output layer, and what it holds."""

    command: Command | None
    n_changed: int
    instance_classes: NDArray[np.int64] | None = None
    # Of every instance, where the method tells how sure it is.
    scores: NDArray[np.float64] | None = None
    first_instance: int = 1


def accept_steps(
    prepared: Prepared,
    request: Request,
    known: dict[int, NDArray],
    targets: list[tuple[int, Labels]],
    options: AcceptOptions,
) -> Steps[list[Accepted]]:
    """Compute what accepting writes, without writing it.

    Parameters
    ----------
    prepared, request
        What was asked of what.
    known
        Label maps of planes that were computed already.
    targets
        (number of a source, its output layer).
    options
        How masks become labels.
    """
    results = []
    total = sum(prepared.sources[number].n_planes for number, _ in targets)
    done = 0
    for number, layer in targets:
        source = prepared.sources[number]
        maps = []
        for plane in prepared.planes_of(number):
            yield Progress("masks", done, total)
            done += 1
            yield from request.ready_steps(prepared.segmenter, plane)
            maps.append(_map_of(prepared, request, known, plane, options))
        result = Accepted(None, 0)
        if options.instances and request.about_things:
            values, result.instance_classes, result.scores = _joined(maps)
        else:
            values = np.stack(maps)
        yield Progress("labels", 0, 1)
        if options.instances and not request.about_things:
            edges = None
            if options.split:
                edges = np.stack(prepared.segmenter.boundaries(prepared.planes_of(number)))
            values, result.instance_classes = _instances(source, values, options.split, edges)
        if options.instances:
            result.first_instance = _largest_label(layer) + 1
            values = np.where(values > 0, values + (result.first_instance - 1), 0)
        _check_fits(layer, values)
        result.command, result.n_changed = yield from _edit_steps(
            layer, source, values, options.protect
        )
        results.append(result)
    return results


def _map_of(
    prepared: Prepared,
    request: Request,
    known: dict[int, NDArray],
    plane: int,
    options: AcceptOptions,
) -> Any:
    """The class map of a plane; or its things, where they are wanted and told apart."""
    if options.instances and request.about_things:
        return request.things(prepared.segmenter, plane)
    return known[plane] if plane in known else request.predict(prepared.segmenter, plane)


def _joined(
    planes: list[PlaneThings],
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]:
    """Things of planes, numbered through: maps (n, h, w), classes (k + 1,) and scores (k,)."""
    counts = np.array([len(one.classes) - 1 for one in planes])
    firsts = np.cumsum(counts) - counts
    maps = [
        np.where(one.numbers > 0, one.numbers + first, 0)
        for one, first in zip(planes, firsts, strict=True)
    ]
    classes = np.concatenate([np.zeros(1, np.int64), *(one.classes[1:] for one in planes)])
    scores = np.array([thing.score for one in planes for thing in one.scores], np.float64)
    return np.stack(maps).astype(np.int32), classes, scores


def _instances(
    source: Source, values: NDArray, split: bool, edges: NDArray | None = None
) -> tuple[NDArray, NDArray[np.int64]]:
    """Number the things in label maps (n, h, w): through the planes of depth, not of time."""
    through = "Z" in source.names and source.n_planes > 1
    depth = source.stack_shape[-1] if through and source.stack_shape else 1
    if through and [name for name in source.names if name in "TZ"][-1] != "Z":
        through, depth = False, 1
    classes, parts = [np.zeros(1, np.int64)], []
    count = 0
    shape = (-1, depth, *values.shape[1:])
    for i, volume in enumerate(values.reshape(shape)):
        numbers, of_class = label_instances(
            volume,
            split=split,
            boundaries=None if edges is None else edges.reshape(shape)[i],
            through_planes=through,
        )
        parts.append(np.where(numbers > 0, numbers + count, 0))
        classes.append(of_class[1:])
        count += len(of_class) - 1
    return np.concatenate(parts).reshape(values.shape), np.concatenate(classes)


def _largest_label(layer: Labels) -> int:
    data = layer.data
    if isinstance(data, np.ndarray):
        return int(data.max(initial=0))
    # A lazy array is read plane by plane.
    planes = (np.asarray(data[index]) for index in np.ndindex(data.shape[:-2]))
    return max((int(plane.max(initial=0)) for plane in planes), default=0)


def _check_fits(layer: Labels, values: NDArray) -> None:
    most = np.iinfo(layer.data.dtype).max
    if values.max(initial=0) > most:
        raise InputError(
            f"The layer {layer.name!r} holds labels up to {most}, but {values.max()} are needed. "
            f"Convert it to a larger type (right-click the layer ▸ Convert data type), or choose a "
            f"new layer."
        )


def _edit_steps(
    layer: Labels, source: Source, values: NDArray, protect: bool
) -> Steps[tuple[Command | None, int]]:
    """The command that writes label maps (n, h, w) into a layer where they are not 0."""
    origin = (
        source.starts if layer.data.shape == source.whole_shape() else np.zeros_like(source.starts)
    )
    edit = LabelEdit(layer)
    for plane, new in enumerate(values):
        yield Progress("labels", plane, len(values))
        key = key_in_layer(source, plane, origin)
        before = np.asarray(layer.data[key])
        new = new if source.names.index("Y") < source.names.index("X") else new.T
        written = (new > 0) & (before == 0) if protect else new > 0
        edit.add(key, before, np.where(written, new, before))
    return edit.command(), edit.n_changed
