"""How well one label map agrees with another: pixels of classes, things, boundaries, partitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, check_choice, is_number
from ..metrics import boundary_shares, overlaps
from ..object_metrics import match_shares, matched_pairs
from ..progress import Progress, Steps, run_steps
from .blocks import Blocks, as_labels
from .owners import Classes
from .pieces import connected_pieces
from .scene import Scene, renumbered
from .segments import THINGS, Things

# Over which average precisions are averaged, as in COCO.
THRESHOLDS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))


@dataclass(frozen=True)
class Figure:
    """What a figure is called in a window, and what it tells."""

    title: str
    text: str


FIGURES: dict[str, Figure] = {
    "iou": Figure("IoU", "pixels: intersection over union, mean over classes"),
    "dice": Figure("Dice", "pixels: twice the intersection over both sizes, mean over classes"),
    "accuracy": Figure("Accuracy", "pixels: share whose class agrees, none being a class, too"),
    "objects": Figure("Things", "how many there are"),
    "other_objects": Figure("Things, other", "how many there are in the other labels"),
    "matched": Figure("Matched", "pairs of things whose IoU is enough"),
    "precision": Figure("Precision", "share of things that match one of the other labels"),
    "recall": Figure("Recall", "share of the other labels' things that are matched"),
    "f1": Figure("F1", "harmonic mean of precision and recall"),
    "ap": Figure("AP", "average precision: matched over matched, missed and found in vain"),
    "ap_mean": Figure("AP 0.50–0.95", "average precision, mean over IoUs from 0.50 to 0.95"),
    "matched_iou": Figure("IoU of matches", "mean IoU of matched things"),
    "panoptic_quality": Figure("Panoptic quality", "F1 times the mean IoU of matched things"),
    "boundary_f": Figure("Boundary F", "harmonic mean of the two boundary shares"),
    "boundary_precision": Figure(
        "Boundary precision", "share of boundary pixels near one of the other labels"
    ),
    "boundary_recall": Figure(
        "Boundary recall", "share of the other labels' boundary pixels near one"
    ),
    "covering": Figure("Covering", "how well the best regions cover those of the other labels"),
    "rand_index": Figure(
        "Rand index", "share of pairs of pixels on whose belonging together both agree"
    ),
    "variation_of_information": Figure(
        "Variation of information", "bits that each tells and the other does not; 0 is best"
    ),
}


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `compare_labels` tells.

    Attributes
    ----------
    figures : dict
        By name; `napari_ncut.measuring.comparing.FIGURES` says what they are. Shares from 0 to 1,
        1 for what is equal, but for counts and the variation of information.
    classes : dict of arrays
        A row for every class: "class", "class_name" where names are known, "pixels",
        "other_pixels", "iou", "dice", "precision", "recall".
    thresholds : dict of arrays
        A row for every IoU from 0.50 to 0.95: "iou", "matched", "precision", "recall", "f1", "ap".
    """

    figures: dict[str, float]
    classes: dict[str, NDArray] = field(repr=False)
    thresholds: dict[str, NDArray] = field(repr=False)

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write the figures as a CSV, a row each with what it tells; whole or not at all."""
        from ..io import write_table

        rows = [[name, value, FIGURES[name].text] for name, value in self.figures.items()]
        write_table(Path(path), ["figure", "value", "meaning"], rows)


def compare_labels(
    labels: ArrayLike,
    other: ArrayLike,
    *,
    axes: str | None = None,
    things: Things = "labels",
    volumes: bool = False,
    iou: float = 0.5,
    tolerance: float = 2.0,
    classes: Mapping[int, int] | ArrayLike | None = None,
    other_classes: Mapping[int, int] | ArrayLike | None = None,
    class_names: Mapping[int, str] | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Comparison:
    """Compare labels with others, such as those that somebody drew.

    Parameters
    ----------
    labels, other
        bool masks or whole numbers from 0, of one shape. Precision is of `labels`, recall of
        `other`, which is taken for the truth.
    axes
        A letter for each dimension. Without it a 2-D array is "YX".
    things
        What one thing is: "labels", every label, in every plane by itself; or "pieces", every
        connected piece, where labels are classes.
    volumes
        Whether things go on through the planes of a volume, along Z.
    iou
        Intersection over union from which on two things match, above 0 and up to 1.
    tolerance
        How far boundaries may lie apart, in pixels.
    classes, other_classes
        What class each label is of; see `measure_segments`. Things of different classes never
        match. Without them all labels are of one class; with pieces, labels are the classes.
    class_names
        Names of classes.
    progress
        Called with every `Progress`; an exception raised in it ends the work.

    Returns
    -------
    Comparison
        Things are counted over all planes; boundaries and partitions are means over planes.

    Raises
    ------
    InputError
        If shapes differ, or the input cannot be used.

    Notes
    -----
    Matches are chosen so that there are as many as can be, and of those the best. Where both are
    empty they are equal, and all shares are 1.
    """
    steps = compare_labels_steps(
        labels,
        other,
        axes=axes,
        things=things,
        volumes=volumes,
        iou=iou,
        tolerance=tolerance,
        classes=classes,
        other_classes=other_classes,
        class_names=class_names,
    )
    return run_steps(steps, progress)


def compare_labels_steps(
    labels: ArrayLike,
    other: ArrayLike,
    *,
    axes: str | None = None,
    things: Things = "labels",
    volumes: bool = False,
    iou: float = 0.5,
    tolerance: float = 2.0,
    classes: Mapping[int, int] | ArrayLike | None = None,
    other_classes: Mapping[int, int] | ArrayLike | None = None,
    class_names: Mapping[int, str] | None = None,
) -> Steps[Comparison]:
    """`compare_labels` as a generator of progress; input is checked before the first step."""
    one, two = as_labels(labels), as_labels(other)
    check_choice("kind of things", things, THINGS)
    if tuple(one.shape) != tuple(two.shape):
        raise InputError(
            f"Labels of shape {tuple(one.shape)} cannot be compared with others of shape "
            f"{tuple(two.shape)}. Give label maps of one shape."
        )
    blocks = Blocks.of(tuple(one.shape), axes, volumes=volumes)
    if not is_number(iou) or not 0 < iou <= 1:
        raise InputError(f"The IoU {iou!r} cannot be used. Give a number above 0 and up to 1.")
    if not is_number(tolerance) or tolerance < 0:
        raise InputError(f"The tolerance {tolerance!r} cannot be used. Give pixels, from 0.")
    if things == "pieces" and (classes is not None or other_classes is not None):
        raise InputError("Of connected pieces the labels are the classes. Leave classes out.")
    known = (Classes.of(classes, blocks), Classes.of(other_classes, blocks))
    if (known[0] is None) != (known[1] is None):
        raise InputError("Classes were given of one side alone. Give them of both, or of none.")
    return _compared(one, two, blocks, things, known, iou, tolerance, dict(class_names or {}))


@dataclass(frozen=True, eq=False)
class _Side:
    """Things of one plane: numbers from 1, and the class of each, with 0 for none in front."""

    numbers: NDArray
    classes: NDArray

    @classmethod
    def of(cls, labels: NDArray, things: str, known: Classes | None, block: int) -> _Side:
        if things == "pieces":
            numbers, own = connected_pieces(labels)
        else:
            numbers, values = renumbered(labels)
            own = np.ones(len(values), np.int64)
            if known is not None:
                scene = Scene(numbers, len(values), (1.0,) * numbers.ndim)
                own = known.of_segments(scene, values, block)
        return cls(numbers, np.concatenate([[0], own]).astype(np.int64))


def _compared(
    one: Any,
    two: Any,
    blocks: Blocks,
    things: str,
    known: tuple[Classes | None, Classes | None],
    iou: float,
    tolerance: float,
    names: dict[int, str],
) -> Steps[Comparison]:
    confusions: list[NDArray] = []
    pairs: list[NDArray] = []
    totals = np.zeros(2, np.int64)
    of_plane: list[tuple[float, ...]] = []
    for i in range(len(blocks)):
        yield Progress("comparing", i, len(blocks))
        raw = [blocks.labels(side, i) for side in (one, two)]
        sides = [_Side.of(own, things, k, i) for own, k in zip(raw, known, strict=True)]
        shared = overlaps(sides[0].numbers, sides[1].numbers)
        row, column = shared.rows[shared.row], shared.columns[shared.column]
        own, others = sides[0].classes[row], sides[1].classes[column]
        confusions.append(np.stack([own, others, shared.counts]))
        match = (row > 0) & (column > 0) & (own == others)
        pairs.append(
            np.stack([row[match] + totals[0], column[match] + totals[1], shared.ious[match]])
        )
        totals += [len(side.classes) - 1 for side in sides]
        precision, recall = next(boundary_shares(sides[0].numbers, sides[1].numbers, tolerance))
        of_plane.append(
            (
                2 * precision * recall / max(precision + recall, 1e-12),
                precision,
                recall,
                shared.covering(),
                shared.rand_index(),
                shared.variation_of_information(),
            )
        )
    classes = _of_classes(np.concatenate(confusions, axis=1), names)
    row, column, ious = np.concatenate(pairs, axis=1)
    matches = _Matches(row.astype(np.int64), column.astype(np.int64), ious, *totals.tolist())
    figures = {
        "iou": _mean(classes["iou"]),
        "dice": _mean(classes["dice"]),
        "accuracy": _accuracy(np.concatenate(confusions, axis=1)),
        **matches.figures(iou),
    }
    plane_names = ("boundary_f", "boundary_precision", "boundary_recall", "covering",
                   "rand_index", "variation_of_information")  # fmt: skip
    figures |= dict(zip(plane_names, np.mean(of_plane, axis=0).tolist(), strict=True))
    figures["ap_mean"] = float(np.mean(matches.thresholds()["ap"]))
    return Comparison({name: figures[name] for name in FIGURES}, classes, matches.thresholds())


@dataclass(frozen=True, eq=False)
class _Matches:
    """Pairs of things of one class that overlap, over all planes."""

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    ious: NDArray[np.float64]
    n_found: int
    n_true: int

    def figures(self, iou: float) -> dict[str, float]:
        chosen = matched_pairs(self.row, self.column, self.ious, iou)
        shares = match_shares(len(chosen), self.n_found, self.n_true)
        none = self.n_found == self.n_true == 0
        mean = _mean(self.ious[chosen]) if len(chosen) or none else 0.0
        return {
            "objects": self.n_found,
            "other_objects": self.n_true,
            "matched": len(chosen),
            **shares,
            "matched_iou": mean,
            "panoptic_quality": shares["f1"] * mean,
        }

    def thresholds(self) -> dict[str, NDArray]:
        rows = []
        for threshold in THRESHOLDS:
            n = len(matched_pairs(self.row, self.column, self.ious, threshold))
            shares = match_shares(n, self.n_found, self.n_true)
            rows.append({"iou": threshold, "matched": n, **shares})
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _of_classes(confusion: NDArray, names: Mapping[int, str]) -> dict[str, NDArray]:
    """Agreement of every class that either side has."""
    own, others = confusion[:2].astype(np.int64)
    counts = confusion[2]
    classes = np.unique(np.concatenate([own, others]))
    classes = classes[classes != 0]
    n = len(classes) + 1

    def amounts(of: NDArray, weights: NDArray) -> NDArray[np.float64]:
        place = np.where(of == 0, 0, np.searchsorted(classes, of) + 1)
        return np.bincount(place, weights=weights, minlength=n)[1:].astype(np.float64)

    pixels, other_pixels = amounts(own, counts), amounts(others, counts)
    both = amounts(own, np.where(own == others, counts, 0))
    result: dict[str, NDArray] = {"class": classes}
    if names:
        texts = [names.get(int(one), "") for one in classes]
        result["class_name"] = np.array(texts, dtype=object)
    return result | {
        "pixels": pixels.astype(np.int64),
        "other_pixels": other_pixels.astype(np.int64),
        "iou": both / (pixels + other_pixels - both),
        "dice": 2 * both / (pixels + other_pixels),
        "precision": np.divide(both, pixels, out=np.zeros_like(both), where=pixels > 0),
        "recall": np.divide(both, other_pixels, out=np.zeros_like(both), where=other_pixels > 0),
    }


def _accuracy(confusion: NDArray) -> float:
    own, others, counts = confusion
    return float(counts[own == others].sum() / counts.sum())


def _mean(values: NDArray) -> float:
    """The mean; 1 of nothing, where both are empty and so equal."""
    return float(values.mean()) if len(values) else 1.0
