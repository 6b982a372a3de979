"""What `segment` writes: label maps of classes and instances, and their measurements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, check_choice
from ..io import check_label_format, check_outputs, write_table, write_together
from ..measuring import measure_labels
from ..prompts import label_instances
from .inputs import image_names, label_writer, output_stems, stack_axes
from .segmenting import Answer, Job

SUFFIXES = {"tiff": ".tif", "png": ".png"}


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
        dtype = np.min_scalar_type(max(job.class_numbers))
        for kind in ("classes", "instances"):
            for path, stack in zip(paths.get(kind, []), job.layout.stacks, strict=False):
                check_label_format(path, len(stack) + 2, dtype if kind == "classes" else None)
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

    def write(self, job: Job, answer: Answer) -> list[Path]:
        """Write all files, or none."""
        edges = answer.boundaries() if self.split else [None] * len(answer.labels)
        paths = self.paths(job)
        names = image_names([image.path for image in job.images])
        writers: dict[Path, Callable[[Path], object]] = {}
        rows: list[list[object]] = []
        for i, (image, found) in enumerate(zip(job.images, answer.labels, strict=True)):
            counts = None
            if self.classes:
                writers[paths["classes"][i]] = label_writer(image, found)
            if self.instances:
                things, classes = number_instances(found, stack_axes(image), self.split, edges[i])
                counts = {n: int(np.count_nonzero(classes == n)) for n in job.class_numbers}
                writers[paths["instances"][i]] = label_writer(image, things)
            rows += self._measurements(job, names[i], found, counts)
        columns = ["image", "class", "name", "count", "pixels", "area", "fraction"]
        if not job.points.class_names:
            columns.remove("name")
        writers[paths["table"][0]] = partial(write_table, columns=columns, rows=rows)
        return write_together(writers)

    def _measurements(
        self, job: Job, name: str, labels: NDArray, counts: dict[int, int] | None
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
                row.append(job.points.class_names.get(number, number))
            if m is None:
                row += [0, 0, 0.0, 0.0]
            else:
                count = m.count if counts is None else counts[number]
                row += [count, m.pixels, m.area, m.fraction]
            rows.append(row)
        return rows


def number_instances(
    labels: NDArray, stack: str, split: bool = False, boundaries: NDArray | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """`label_instances` of (…, h, w) whose leading axes are `stack`: joined through Z alone."""
    shape = labels.shape
    if "Z" not in stack:
        planes, edges = (_reshaped(maps, (-1, *shape[-2:])) for maps in (labels, boundaries))
        assert planes is not None  # labels are given
        things, classes = label_instances(planes, split=split, boundaries=edges)
        return things.reshape(shape), classes
    depth = stack.index("Z")
    volumes = np.moveaxis(labels, depth, -3)
    turned = None if boundaries is None else np.moveaxis(boundaries, depth, -3)
    result = np.zeros(volumes.shape, dtype=np.int32)
    flat = result.reshape(-1, *volumes.shape[-3:])
    edges = _reshaped(turned, flat.shape)
    all_classes = [np.zeros(1, dtype=np.int64)]
    n_things = 0
    for i, volume in enumerate(volumes.reshape(flat.shape)):
        things, classes = label_instances(
            volume,
            split=split,
            boundaries=None if edges is None else edges[i],
            through_planes=True,
        )
        flat[i] = np.where(things > 0, things + n_things, 0)
        n_things += len(classes) - 1
        all_classes.append(classes[1:])
    return np.moveaxis(result, -3, depth), np.concatenate(all_classes)


def _reshaped(maps: NDArray | None, shape: tuple[int, ...]) -> NDArray | None:
    return None if maps is None else maps.reshape(shape)


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
