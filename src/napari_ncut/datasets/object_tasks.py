"""Measuring things, foregrounds and parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import object_metrics as om
from ..objects import PlaneObjects, localize_steps
from ..progress import Progress, Steps, run_steps
from .reading import Reading
from .records import Example
from .tasks import Outcome

_MATCHED = 0.5


def localize_task(reading: Reading, **options: Any) -> Steps[Outcome]:
    """The surest box against boxes of the truth."""
    rows: list[dict[str, Any]] = []
    for i, example in enumerate(reading):
        yield Progress("images", i, len(reading))
        if not len(example.boxes):
            reading.skip(example.name, "it has no true box")
            continue
        # There always is an answer: whether it is right is what is measured.
        found = _found(example, {"n_objects": 1, "min_confidence": 0, **options})
        overlap = om.box_iou(found.boxes[:1], example.boxes).max(initial=0)
        rows.append({"image": example.name, "box IoU": float(overlap)})
    overlaps = [row["box IoU"] for row in rows]
    figures = {
        "CorLoc": _mean([overlap >= _MATCHED for overlap in overlaps]),
        "box IoU": _mean(overlaps),
    }
    return Outcome(figures, rows)


def saliency_task(reading: Reading, **options: Any) -> Steps[Outcome]:
    """The foreground against a mask."""
    rows, curves = [], []
    for i, example in enumerate(reading):
        yield Progress("images", i, len(reading))
        if example.mask is None:
            reading.skip(example.name, "it has no true mask")
            continue
        found = _found(example, {"min_confidence": 0, **options})
        curves.append(om.f_beta_curve(np.clip(found.soft, 0, 1), example.mask))
        rows.append(
            {
                "image": example.name,
                "IoU": om.mask_iou(found.mask, example.mask),
                "accuracy": om.accuracy(found.mask, example.mask),
            }
        )
    figures = {
        "IoU": _mean([row["IoU"] for row in rows]),
        "max F": float(np.mean(curves, axis=0).max()) if curves else float("nan"),
        "accuracy": _mean([row["accuracy"] for row in rows]),
    }
    return Outcome(figures, rows)


def objects_task(reading: Reading, **options: Any) -> Steps[Outcome]:
    """Every object against those of a label image."""
    rows, overlaps = [], []
    n_found = 0
    for i, example in enumerate(reading):
        yield Progress("images", i, len(reading))
        if example.objects is None:
            reading.skip(example.name, "its objects have no masks")
            continue
        found = _found(example, options)
        best = om.matched_objects(found.labels, example.objects)
        overlaps.append(best)
        n_found += len(found)
        rows.append(
            {
                "image": example.name,
                "objects": len(best),
                "found": len(found),
                "matched": int((best >= _MATCHED).sum()),
            }
        )
    everything = np.concatenate(overlaps) if overlaps else np.zeros(0)
    n_matched = int((everything >= _MATCHED).sum())
    figures = {
        "recall": n_matched / max(len(everything), 1),
        "precision": n_matched / max(n_found, 1),
        "F1": 2 * n_matched / max(len(everything) + n_found, 1),
        "IoU": _mean(everything),
    }
    return Outcome(figures, rows)


def parts_task(reading: Reading, *, in_truth: bool = False, **options: Any) -> Steps[Outcome]:
    """Parts, jointly over all images, at points of true parts, or at pixels of labeled ones.

    With `in_truth` parts are looked for in true masks rather than in what is found.
    """
    from ..objects import parts_steps

    examples = list(_with_parts(reading))
    if not examples:
        return Outcome({}, [])
    masks = None
    if in_truth:
        masks = [np.ones(e.image.shape[:2], bool) if e.mask is None else e.mask for e in examples]
    found = yield from parts_steps(
        [e.image for e in examples], masks=masks, axes=[e.axes for e in examples], **options
    )
    rows, ours, truth = [], [], []
    for example, labels in zip(examples, found.labels, strict=True):
        one, true = _at_truth(example, labels)
        ours.append(one)
        truth.append(true)
        rows.append(
            {
                "image": example.name,
                "points": len(one),
                "NMI": om.normalized_mutual_information(one, true),
            }
        )
    flat = np.concatenate(ours), np.concatenate(truth)
    figures = {
        "NMI": om.normalized_mutual_information(*flat),
        "ARI": om.adjusted_rand_index(*flat),
    }
    return Outcome(figures, rows)


def _with_parts(reading: Reading) -> Iterator[Example]:
    for example in reading:
        known = example.objects is not None and bool((example.objects > 0).any())
        if len(example.points) or known:
            yield example
        else:
            reading.skip(example.name, "it has neither points on parts nor labels of them")


def _at_truth(example: Example, labels: Any) -> tuple[Any, Any]:
    """Found and true parts of every point, or of every pixel that has a true one."""
    if len(example.points):
        shape = np.array(labels.shape) - 1
        return om.labels_at(labels, np.clip(example.points, 0, shape)), example.parts
    assert example.objects is not None  # `_with_parts` has seen it
    where = example.objects > 0
    return labels[where], example.objects[where]


def _found(example: Example, options: dict[str, Any]) -> PlaneObjects:
    """What is found in one image; its own progress is none of the whole."""
    found: PlaneObjects = run_steps(localize_steps(example.image, axes=example.axes, **options))[0]
    return found


def _mean(values: Any) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
