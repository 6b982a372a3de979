"""What `segment` does: check everything, then compute, then write everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
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
    check_label_format,
    check_outputs,
    read_points,
    write_labels,
    write_table,
    write_together,
)
from ..progress import Progress
from ..prompts import PromptSegmenter, label_instances, measure_labels
from ..prompts.clicks import check_clicks
from ..prompts.methods import PromptParameters, prompt_method
from ..prompts.segmenter import MODES
from ..spectral import Embedding, embed
from .inputs import as_given, image_names, output_stems, plan, planes_of, read_images

SUFFIXES = {"tiff": ".tif", "png": ".png"}


@dataclass(frozen=True)
class Job:
    """Images, points and parameters that fit each other."""

    images: list[ImageFile]
    points: AssignedPoints
    layout: PlaneLayout
    embedding: Embedding | None
    embed_parameters: dict[str, Any]
    prompt_parameters: dict[str, Any]

    @property
    def class_numbers(self) -> list[int]:
        """Classes that have a positive point, ascending; [1] for a mask."""
        if self.points.classes is None:
            return [1]
        return [int(c) for c in np.unique(self.points.classes[self.points.positive])]

    def run(self, progress: Callable[[Progress], object] | None = None) -> list[NDArray]:
        """Label maps of the images, each (h, w) or with the image's T and Z axes before that."""
        embedding = self.embedding
        if embedding is None:
            embedding = embed(
                as_given(self.images),
                axes=self.images[0].axes,
                progress=progress,
                **self.embed_parameters,
            )
        planes = PromptSegmenter(embedding).predict(
            self.points.points,
            self.points.positive,
            classes=self.points.classes,
            planes=range(len(self.layout)),
            **self.prompt_parameters,
        )
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
) -> Job:
    """Read and check everything; an `InputError` unless the job can be done."""
    check_choice("mode", prompt_parameters["mode"], MODES)
    prompt_method(prompt_parameters["method"])
    names = ("threshold", "negative_threshold", "gamma", "normalization")
    PromptParameters(**{name: prompt_parameters[name] for name in names}).check()
    matrix = None if transform is None else read_transform(transform)
    images = read_images(image_paths, axes)
    tables = [read_points(path, transform=matrix) for path in point_paths]
    points = assign_points(tables, images)
    if not points.positive.any():
        raise InputError(
            "There is no positive point, so there is nothing to segment. Give at least one row "
            "whose column `positive` is 1."
        )
    if embedding is None:
        loaded, layout = None, plan(images, embed_parameters)
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
    return Job(images, points, layout, loaded, embed_parameters, prompt_parameters)


def _fitting_embedding(path: Path, images: Sequence[ImageFile]) -> Embedding:
    embedding = Embedding.load(path)
    recipe = embedding.recipe
    planes = as_planes(
        as_given(images),
        axes=images[0].axes,
        channels=recipe["channels"],
        scaling=recipe["scaling"],
    )
    if planes.shapes != embedding.layout.shapes or planes.stacks != embedding.layout.stacks:
        raise InputError(
            f"{path} was made for {_sizes(embedding.layout.shapes)}, but the images have "
            f"{_sizes(planes.shapes)}. Give the same images in the same order, or embed them again."
        )
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


@dataclass(frozen=True)
class Results:
    """Which files are written, and where."""

    folder: Path
    file_format: str = "tiff"
    classes: bool = True
    instances: bool = False
    split: bool = False
    pixel_size: str = "1"

    def check(self, job: Job, *, overwrite: bool) -> None:
        """Raise an `InputError` unless all can be written."""
        check_choice("format", self.file_format, SUFFIXES)
        _pixel_size(self.pixel_size)
        if self.split and not self.instances:
            raise InputError("--split splits instances. Add --instances, or leave it out.")
        paths = self.paths(job)
        for kind in ("classes", "instances"):
            for path, stack in zip(paths.get(kind, []), job.layout.stacks, strict=False):
                check_label_format(path, len(stack) + 2)
        check_outputs([path for some in paths.values() for path in some], overwrite=overwrite)

    def paths(self, job: Job) -> dict[str, list[Path]]:
        """The files of each kind, one for each image where they are label maps."""
        suffix = SUFFIXES[self.file_format]
        stems = output_stems([image.path for image in job.images])
        kinds = [kind for kind in ("classes", "instances") if getattr(self, kind)]
        return {
            **{kind: [self.folder / f"{s}_{kind}{suffix}" for s in stems] for kind in kinds},
            "table": [self.folder / "measurements.csv"],
        }

    def write(self, job: Job, labels: Sequence[NDArray]) -> list[Path]:
        """Write all files, or none."""
        paths = self.paths(job)
        names = image_names([image.path for image in job.images])
        writers: dict[Path, Callable[[Path], object]] = {}
        rows: list[list[object]] = []
        for i, (image, found) in enumerate(zip(job.images, labels, strict=True)):
            parsed = parse_axes(image.axes, image.data.shape)
            stack = "".join(parsed.names[axis] for axis in parsed.stack)
            counts = None
            if self.classes:
                writers[paths["classes"][i]] = partial(
                    write_labels, labels=found, axes=f"{stack}YX"
                )
            if self.instances:
                things, classes = number_instances(found, stack, split=self.split)
                counts = np.bincount(classes[1:], minlength=max(job.class_numbers) + 1)
                writers[paths["instances"][i]] = partial(
                    write_labels, labels=things, axes=f"{stack}YX"
                )
            rows += self._measurements(job, names[i], found, counts)
        columns = ["image", "class", "name", "count", "pixels", "area", "fraction"]
        if not job.points.class_names:
            columns.remove("name")
        writers[paths["table"][0]] = partial(write_table, columns=columns, rows=rows)
        return write_together(writers)

    def _measurements(
        self, job: Job, name: str, labels: NDArray, counts: NDArray | None
    ) -> list[list[object]]:
        """A row for every class of the points, also where an image has none of it."""
        planes = labels.reshape(-1, *labels.shape[-2:])
        measured = {
            m.label: m for m in measure_labels(planes, pixel_size=_pixel_size(self.pixel_size))
        }
        rows: list[list[object]] = []
        for number in job.class_numbers:
            m = measured.get(number)
            row: list[object] = [name, number]
            if job.points.class_names:
                row.append(job.points.class_names[number])
            if m is None:
                row += [0, 0, 0.0, 0.0]
            else:
                count = m.count if counts is None else int(counts[number])
                row += [count, m.pixels, m.area, m.fraction]
            rows.append(row)
        return rows


def number_instances(
    labels: NDArray, stack: str, *, split: bool
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """`label_instances` of (…, h, w) whose leading axes are `stack`: joined through Z alone."""
    shape = labels.shape
    if "Z" not in stack:
        planes = labels.reshape(-1, *shape[-2:])
        things, classes = label_instances(planes, split=split)
        return things.reshape(shape), classes
    depth = stack.index("Z")
    volumes = np.moveaxis(labels, depth, -3)
    result = np.zeros(volumes.shape, dtype=np.int32)
    flat = result.reshape(-1, *volumes.shape[-3:])
    all_classes = [np.zeros(1, dtype=np.int64)]
    n_things = 0
    for i, volume in enumerate(volumes.reshape(flat.shape)):
        things, classes = label_instances(volume, split=split, through_planes=True)
        flat[i] = np.where(things > 0, things + n_things, 0)
        n_things += len(classes) - 1
        all_classes.append(classes[1:])
    return np.moveaxis(result, -3, depth), np.concatenate(all_classes)


def _pixel_size(text: str) -> tuple[float, float]:
    try:
        sizes = [float(part) for part in text.split(",")]
    except ValueError:
        sizes = []
    if len(sizes) not in (1, 2) or not all(np.isfinite(s) and s > 0 for s in sizes):
        raise InputError(
            f"The pixel size {text!r} cannot be used. Give one number above 0, or HEIGHT,WIDTH."
        )
    return sizes[0], sizes[-1]
