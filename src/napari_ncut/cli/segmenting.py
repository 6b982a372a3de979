"""What `segment` does before it writes: check everything, then compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, check_choice
from ..imaging import PlaneLayout, as_planes, parse_axes
from ..io import (
    AssignedPoints,
    ImageFile,
    assign_points,
    read_points,
)
from ..io.strokes import read_boxes, read_scribbles
from ..progress import Progress
from ..prompts import PromptSegmenter, Stroke
from ..prompts.clicks import check_clicks
from ..prompts.drawn import read_strokes
from ..prompts.methods import PromptParameters, prompt_method
from ..prompts.parameters import MODES
from ..spectral import Embedding, embed
from .inputs import as_given, plan, planes_of, read_inputs

_NO_POINTS = AssignedPoints(np.empty((0, 3)), np.empty(0, dtype=bool), None)


@dataclass(frozen=True)
class Answer:
    """What a job finds in its images, each (h, w) or with the image's T and Z axes before that.

    Attributes
    ----------
    labels
        Classes.
    boundaries
        Asked for probabilities of a boundary, 0 to 1, which split things.
    """

    labels: list[NDArray]
    boundaries: Callable[[], list[NDArray]]


@dataclass(frozen=True)
class Job:
    """Images, points and parameters that fit each other."""

    images: list[ImageFile]
    points: AssignedPoints
    layout: PlaneLayout
    embedding: Embedding | None
    embed_parameters: dict[str, Any]
    prompt_parameters: dict[str, Any]
    strokes: tuple[Stroke, ...] = ()

    @property
    def class_numbers(self) -> list[int]:
        """Classes that have a positive prompt, ascending; [1] for a mask."""
        numbers = {stroke.number for stroke in self.strokes if stroke.positive}
        if self.points.classes is not None:
            numbers |= {int(c) for c in self.points.classes[self.points.positive]}
        elif self.points.positive.any():
            numbers.add(1)
        return sorted(numbers)

    def run(self, progress: Callable[[Progress], object] | None = None) -> Answer:
        """Label maps of the images."""
        embedding = self.embedding
        if embedding is None:
            embedding = embed(**as_given(self.images), progress=progress, **self.embed_parameters)
        segmenter = PromptSegmenter(embedding)
        planes = segmenter.predict(
            self.points.points,
            self.points.positive,
            classes=self.points.classes,
            strokes=self.strokes,
            planes=range(len(self.layout)),
            **self.prompt_parameters,
        )
        return Answer(self._of_images(planes), lambda: self._of_images(segmenter.boundaries()))

    def _of_images(self, planes: Sequence[NDArray]) -> list[NDArray]:
        return [
            np.stack([planes[i] for i in own]).reshape(*stack, *planes[own[0]].shape)
            for own, stack in zip(planes_of(self.layout), self.layout.stacks, strict=True)
        ]


def prepare(
    image_paths: Sequence[Path],
    point_paths: Sequence[Path],
    *,
    axes: str | None,
    transform: str | None,
    embedding: Path | None,
    embed_parameters: dict[str, Any],
    prompt_parameters: dict[str, Any],
    boxes: Path | None = None,
    scribbles: Path | None = None,
) -> Job:
    """Read and check everything; an `InputError` unless the job can be done."""
    check_choice("mode", prompt_parameters["mode"], MODES)
    prompt_method(prompt_parameters["method"])
    names = ("threshold", "negative_threshold", "gamma", "normalization")
    PromptParameters(**{name: prompt_parameters[name] for name in names}).check()
    matrix = None if transform is None else read_transform(transform)
    images = read_inputs(image_paths, axes)
    tables = [read_points(path, transform=matrix) for path in point_paths]
    points = _NO_POINTS
    if not tables and boxes is None and scribbles is None:
        raise InputError("Nothing says what to segment. Give --points, --boxes or --scribbles.")
    if tables:
        points = assign_points(tables, images)
    strokes = (
        *([] if boxes is None else read_boxes(boxes)),
        *([] if scribbles is None else read_scribbles(scribbles, images[0])),
    )
    if not points.positive.any() and not any(stroke.positive for stroke in strokes):
        raise InputError(
            "There is no positive point, so there is nothing to segment. Give at least one row "
            "whose column `positive` is 1, or a positive box or scribble."
        )
    if embedding is None:
        loaded = None
        layout, embed_parameters = plan(images, embed_parameters)
    else:
        if embed_parameters:
            given = ", ".join(sorted(embed_parameters))
            raise InputError(
                f"--embedding brings its own parameters, but more were given ({given}). "
                f"Leave these out, or leave --embedding out."
            )
        loaded = _fitting_embedding(embedding, images)
        layout = loaded.layout
    check_clicks(layout, points.points, points.positive, points.classes)
    read_strokes(layout, strokes, prompt_parameters["mode"])
    return Job(images, points, layout, loaded, embed_parameters, prompt_parameters, strokes)


def _fitting_embedding(path: Path, images: Sequence[ImageFile]) -> Embedding:
    embedding = Embedding.load(path)
    axes = [parse_axes(image.axes, image.data.shape) for image in images]
    shapes = tuple(one.plane_shape for one in axes for _ in range(one.n_planes))
    if (shapes, tuple(one.stack_shape for one in axes)) != (
        embedding.layout.shapes,
        embedding.layout.stacks,
    ):
        raise InputError(
            f"{path} was made for {_sizes(embedding.layout.shapes)}, but the images have "
            f"{_sizes(shapes)}. Give the same images in the same order, or embed them again."
        )
    recipe = embedding.recipe
    planes = as_planes(**as_given(images), channels=recipe["channels"], scaling=recipe["scaling"])
    # The file keeps planes at eight bits at most; the images themselves are here.
    return replace(embedding, planes=planes)


def _sizes(shapes: Sequence[tuple[int, int]]) -> str:
    kinds = ", ".join(f"{h} × {w}" for h, w in dict.fromkeys(shapes))
    return f"{len(shapes)} plane(s) of {kinds} pixels"


def read_transform(given: str) -> NDArray[np.float64]:
    """An affine matrix: rows separated by ; and numbers by commas or spaces, or a file of it."""
    path = Path(given)
    try:
        if path.suffix.lower() == ".npy":
            return np.asarray(np.load(path, allow_pickle=False), dtype=np.float64)
        if ";" in given:
            rows = given.split(";")
        else:
            text = path.read_text(encoding="utf-8-sig")
            rows = text.replace(";", "\n").splitlines()
        return np.array(
            [[float(v) for v in row.replace(",", " ").split()] for row in rows if row.strip()]
        )
    except (OSError, ValueError) as error:
        raise InputError(
            f"The transform {given!r} cannot be used ({error}). "
            f"Give rows such as '2,0,0;0,2,0;0,0,1', or a text or npy file of that matrix."
        ) from error
