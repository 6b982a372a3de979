"""What can be measured on a data set: the registry of tasks."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..declared import Parameter
from ..errors import InputError, check_choice, is_number
from ..progress import Progress, Steps, run_steps
from ..superpixels import superpixel_methods
from .catalog import DATASETS, dataset_records
from .reading import ON_ERROR, Reading


@dataclass(frozen=True)
class TaskEntry:
    """A task as data: the command line, docs and tests are made from this.

    Attributes
    ----------
    text : str
        What is measured, in a line.
    figures : dict of str
        Name of every figure → what it means.
    function : str
        "module:function" of this package, ``(Reading, **options)`` → a generator of progress that
        returns an `Outcome`.
    parameters : dict of Parameter
        Of the task itself; those that look for things take options of `localize`.
    """

    text: str
    figures: Mapping[str, str]
    function: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    def steps(self) -> Callable[..., Steps[Outcome]]:
        """The function."""
        module, name = self.function.split(":")
        found: Callable[..., Steps[Outcome]] = getattr(
            importlib.import_module(f".{module}", __package__), name
        )
        return found


@dataclass(frozen=True)
class Outcome:
    """Figures of a task on a data set.

    Attributes
    ----------
    figures : dict of float
        Of all images together.
    rows : list of dict
        Of every image that was measured: "image", its name, and numbers.
    skipped : dict of str
        Images that were left out → why.
    summary : str
        What was left out, in a few lines; "" if nothing was.
    """

    figures: dict[str, float]
    rows: list[dict[str, Any]] = field(repr=False)
    skipped: dict[str, str] = field(default_factory=dict)
    summary: str = ""


TASKS: dict[str, TaskEntry] = {
    "localize": TaskEntry(
        "the surest box of every image",
        {
            "CorLoc": "share of images whose box overlaps a true one by an IoU of 0.5 or more",
            "box IoU": "mean over images of the IoU with the true box that it overlaps best",
        },
        "object_tasks:localize_task",
    ),
    "saliency": TaskEntry(
        "the foreground",
        {
            "IoU": "mean over images of the intersection over union of the masks",
            "max F": "largest over thresholds of the mean Fβ of the soft foreground, β² = 0.3",
            "accuracy": "mean share of pixels that are right",
        },
        "object_tasks:saliency_task",
    ),
    "objects": TaskEntry(
        "every object on its own",
        {
            "recall": "share of true objects matched with an IoU of 0.5 or more",
            "precision": "share of found objects matched with an IoU of 0.5 or more",
            "F1": "harmonic mean of both",
            "IoU": "mean over true objects of the IoU with their match",
        },
        "object_tasks:objects_task",
    ),
    "parts": TaskEntry(
        "parts of the objects, jointly over all images",
        {
            "NMI": "normalized mutual information of found and true parts, at points or pixels",
            "ARI": "adjusted Rand index of the same",
        },
        "object_tasks:parts_task",
        {
            "n_parts": Parameter(int, 4, low=1, high=50, label="Parts", tooltip="How many."),
            "in_truth": Parameter(
                int,
                0,
                low=0,
                high=1,
                label="In true masks",
                tooltip="1: parts of true objects rather than of those found.",
            ),
        },
    ),
    "segmentation": TaskEntry(
        "partitions at all levels of granularity",
        {
            "covering ODS": "covering at the level that is best for all images",
            "covering OIS": "covering at the level that is best for each",
            "PRI": "probabilistic Rand index, at the best level for all images",
            "VoI": "variation of information in bits, at the best level for all images",
        },
        "partition_tasks:segmentation_task",
    ),
    "superpixels": TaskEntry(
        "partitions in a number of small regions",
        {
            "regions": "mean number of regions",
            "boundary F": "harmonic mean of boundary precision and recall within 2 pixels",
            "achievable accuracy": "ASA: share of pixels right if regions got their best label",
            "boundary recall": "share of true boundary pixels within 2 pixels of one found",
            "boundary precision": "share of found boundary pixels within 2 pixels of a true one",
            "undersegmentation error": "share of pixels that leak over true boundaries",
        },
        "partition_tasks:superpixels_task",
        {
            "method": Parameter(
                str,
                "compact",
                choices=tuple(superpixel_methods()),
                label="Method",
                tooltip="What makes them; see `superpixel_methods`.",
            ),
            "n_segments": Parameter(
                int, 200, low=1, high=100_000, label="Segments", tooltip="How many, about."
            ),
        },
    ),
}


def evaluate(
    task: str,
    dataset: str,
    root: str | Path,
    *,
    split: str | None = None,
    limit: int | None = None,
    on_error: str = "skip",
    hard: bool = True,
    progress: Callable[[Progress], object] | None = None,
    **options: Any,
) -> Outcome:
    """Measure a task on a data set.

    Parameters
    ----------
    task
        One of `TASKS`.
    dataset, root, split
        See `dataset_records`.
    limit
        So many images, spread evenly over the data set. Default: all.
    on_error
        "skip" leaves out what cannot be read or fits nothing, and says so; "refuse" stops there.
    hard
        Whether boxes count that VOC marks as difficult or truncated.
    progress
        Called with a `Progress` before every image.
    **options
        Of what is measured: of `napari_ncut.localize` (method, backbone …) for localize, saliency
        and objects; of `napari_ncut.parts` for parts; ``method`` and ``n_segments`` of
        `napari_ncut.segment_superpixels` for superpixels.

    Returns
    -------
    Outcome

    Raises
    ------
    InputError
        If the data set is not complete, has no truth for the task, or no image could be measured.
    """
    steps = evaluate_steps(
        task, dataset, root, split=split, limit=limit, on_error=on_error, hard=hard, **options
    )
    return run_steps(steps, progress)


def evaluate_steps(
    task: str,
    dataset: str,
    root: str | Path,
    *,
    split: str | None = None,
    limit: int | None = None,
    on_error: str = "skip",
    hard: bool = True,
    **options: Any,
) -> Steps[Outcome]:
    """`evaluate` as a generator of progress, which may be closed to cancel."""
    entry = TASKS[check_choice("task", task, TASKS)]
    check_choice("data set", dataset, DATASETS)
    check_choice("on_error", on_error, ON_ERROR)
    if task not in DATASETS[dataset].tasks:
        fitting = [name for name, other in DATASETS.items() if task in other.tasks]
        raise InputError(
            f"{DATASETS[dataset].title} has no truth for {task}. Choose one of its tasks, "
            f"{', '.join(DATASETS[dataset].tasks)}, or a data set that has: {', '.join(fitting)}."
        )
    if limit is not None and (not is_number(limit, whole=True) or limit < 1):
        raise InputError(f"{limit!r} images cannot be measured. Give a whole number from 1.")
    records = dataset_records(dataset, root, split)
    if limit is not None and limit < len(records):
        chosen = np.linspace(0, len(records) - 1, limit).round().astype(int)
        records = [records[i] for i in chosen]
    reading = Reading(records, on_error, hard)
    outcome = yield from entry.steps()(reading, **options)
    if not outcome.rows:
        raise InputError(f"No image could be measured. {reading.summary()}")
    return Outcome(outcome.figures, outcome.rows, dict(reading.skipped), reading.summary())
