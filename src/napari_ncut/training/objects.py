"""Fit what tells things from what is around them, and how sure a found thing is.

    python -m napari_ncut.training.objects --data FOLDER [-o FILE] [--log FOLDER]

Learned from the training images of `objects_data`; scored on those that are set aside. Takes half
an hour on two cores, most of it for looking at the images.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from ..backbones.compact import Compact
from ..imaging import as_planes
from ..io.atomic import replace_when_written
from ..object_metrics import box_iou, mask_iou
from ..objects.confidence import mask_evidence
from ..objects.evidence import evidence
from ..objects.finding import ready_backbone, scene_of
from ..objects.judging import Perceptron
from ..objects.localization import things
from ..objects.refine import refined
from ..objects.scene import ObjectScene
from .objects_data import Subject, subjects
from .perceptrons import Curve, Fit, fit_perceptron
from .samples import read_samples

log = logging.getLogger(__name__)

Array = NDArray[np.float32]

_STRIDE = 8
# Many numbers tell of few images: by cross-validation more dropout and decay than is usual.
REGIONS = Fit(24, 400, 1024, rate=1e-2, decay=0.3, dropout=0.3, networks=5)
# Few numbers of things need less of both.
MASKS = replace(REGIONS, decay=0.1, dropout=0.1)
# How much images of a kind count: photographs of things, nuclei, images with nothing.
_SHARES = {"things": 0.55, "many": 0.3, "nothing": 0.15}
# A truth with more things than this is one of many.
_MANY = 8
_FOLDS = 3
# A found thing is right from this overlap on.
_RIGHT = 0.5


@dataclass(frozen=True, eq=False)
class Seen:
    """An image that has been looked at: its scene, evidence, and what is true of every region."""

    subject: Subject
    scene: ObjectScene
    labels: NDArray[np.int32]
    evidence: Array
    targets: Array
    areas: Array

    @classmethod
    def of(cls, subject: Subject, network: Compact, backbone: str = "compact") -> Seen:
        """Look at an image."""
        planes = as_planes(subject.image, axes="YXC" if subject.image.ndim == 3 else "YX")
        scene = scene_of(planes, 0, ready_backbone(planes, backbone, _STRIDE, None, {}), network)
        pieces = scene.pieces()
        targets = pieces.graph.means(subject.mask[..., np.newaxis].astype(np.float32))[:, 0]
        return cls(
            subject, scene, pieces.graph.labels, evidence(pieces), targets, pieces.graph.areas
        )

    @property
    def kind(self) -> str:
        """One of `_SHARES`."""
        from scipy.ndimage import label

        n_things = int(label(self.subject.mask > 0.5)[1])
        return "nothing" if not n_things else "many" if n_things > _MANY else "things"


def fit_regions(seen: Sequence[Seen], *, seed: int = 0, curve: Curve | None = None) -> Perceptron:
    """How likely a region is part of a thing."""
    counts = {kind: sum(one.kind == kind for one in seen) for kind in _SHARES}
    weights = [
        np.sqrt(one.areas / one.areas.sum())
        / np.sqrt(one.areas / one.areas.sum()).sum()
        * _SHARES[one.kind]
        / counts[one.kind]
        for one in seen
    ]
    return fit_perceptron(
        np.concatenate([one.evidence for one in seen]),
        np.concatenate([one.targets for one in seen]),
        np.concatenate(weights),
        REGIONS,
        seed=seed,
        curve=curve,
        name="regions",
    )


def found_things(seen: Seen, model: Perceptron) -> tuple[Array, list[NDArray[np.bool_]]]:
    """The soft foreground, and the things in it, as `localize` finds them."""
    soft = model.probabilities(seen.evidence)[seen.labels]
    soft = refined(seen.scene.hierarchy, soft)
    return soft, things(seen.scene, [soft])


def fit_masks(seen: Sequence[Seen], *, seed: int = 0, curve: Curve | None = None) -> Perceptron:
    """How sure a thing is, of things found by models that have not seen the image."""
    rows, targets, weights = [], [], []
    groups = np.array([hash_of(one.subject.name) % _FOLDS for one in seen])
    for fold in range(_FOLDS):
        model = fit_regions([s for s, g in zip(seen, groups, strict=True) if g != fold], seed=seed)
        for one in (s for s, g in zip(seen, groups, strict=True) if g == fold):
            soft, masks = found_things(one, model)
            if not masks:
                continue
            rows.append(mask_evidence(one.scene, soft, masks))
            targets.append(are_right(masks, one.subject.mask))
            weights.append(np.full(len(masks), 1 / np.sqrt(len(masks)), np.float32))
    return fit_perceptron(
        np.concatenate(rows),
        np.concatenate(targets),
        np.concatenate(weights),
        MASKS,
        seed=seed,
        curve=curve,
        name="masks",
    )


def are_right(masks: Sequence[NDArray[np.bool_]], truth: Array) -> Array:
    """Whether each mask overlaps a connected thing of the truth by an IoU of a half or more."""
    from scipy.ndimage import label

    true, n = label(truth >= 0.5)
    sizes = np.bincount(true.ravel(), minlength=n + 1)
    right = []
    for mask in masks:
        common = np.bincount(true[mask], minlength=n + 1)
        union = mask.sum() + sizes - common
        right.append(n > 0 and bool((common / union)[1:].max() >= _RIGHT))
    return np.array(right, np.float32)


def hash_of(name: str) -> int:
    """A number of a name: views of one image are in one fold."""
    return sum(ord(letter) * (i + 1) for i, letter in enumerate(name.split()[-1]))


def report(seen: Sequence[Seen], regions: Perceptron, masks: Perceptron) -> dict[str, float]:
    """IoU and CorLoc on images of a thing, and what is found where there is nothing."""
    from ..objects.finding import MIN_CONFIDENCE

    overlaps, hits, sure, false = [], [], [], []
    for one in seen:
        soft, found = found_things(one, regions)
        confidence = np.zeros(0, np.float32)
        if found:
            confidence = masks.probabilities(mask_evidence(one.scene, soft, found))
        best = float(confidence.max(initial=0))
        if one.kind == "nothing":
            false.append(best >= MIN_CONFIDENCE)
            continue
        truth = one.subject.mask >= 0.5
        overlaps.append(mask_iou(soft >= 0.5, truth))
        if one.kind == "things":
            sure.append(best >= MIN_CONFIDENCE)
            box = _box(found[int(np.argmax(confidence))]) if found else [0, 0, 0, 0]
            hits.append(box_iou([box], _boxes(truth)).max() >= 0.5)
    return {
        "IoU": float(np.mean(overlaps)),
        "CorLoc": float(np.mean(hits)),
        "found": float(np.mean(sure)),
        "found where nothing is": float(np.mean(false)) if false else float("nan"),
    }


def _box(mask: NDArray[np.bool_]) -> list[int]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return [int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1]


def _boxes(truth: NDArray[np.bool_]) -> list[list[int]]:
    from scipy.ndimage import label

    labels, n = label(truth, np.ones((3, 3)))
    return [_box(labels == i) for i in range(1, n + 1)]


def main(
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with bsds500, dsb2018, stardist_samples.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file to write.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Weights of the network; default: the package's.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--log", help="Folder for the curves, settings and figures.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
) -> None:
    """Fit the models by which things are found and judged."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    data = data or Path(os.environ.get("NAPARI_NCUT_DATA", ".")) / "data"
    network = Compact(checkpoint=checkpoint)
    looked: dict[bool, list[Seen]] = {}
    for aside in (False, True):
        samples = read_samples(data, aside=aside, synthesized=0)
        looked[aside] = []
        for subject in subjects(samples, seed=seed + aside):
            looked[aside].append(Seen.of(subject, network))
            if len(looked[aside]) % 50 == 0:
                log.info("%d images looked at", len(looked[aside]))
    curve: Curve = []
    regions = fit_regions(looked[False], seed=seed, curve=curve)
    masks = fit_masks(looked[False], seed=seed, curve=curve)
    figures = {
        "aside" if aside else "trained on": {"images": len(found)} | report(found, regions, masks)
        for aside, found in looked.items()
    }
    log.info("%s", figures)
    target = output or Path(__file__).parents[1] / "objects" / "evidence.json"
    document = {"regions": regions.to_json(), "masks": masks.to_json()}
    with replace_when_written(target) as path:
        path.write_text(_text(document), encoding="utf-8")
    if folder is not None:
        _write_log(folder, curve, figures, seed)


def _write_log(folder: Path, curve: Curve, figures: dict[str, dict[str, float]], seed: int) -> None:
    """Write ``objects.csv``, the losses, and ``objects.json``, the settings and figures."""
    settings = {
        "regions": asdict(REGIONS),
        "masks": asdict(MASKS),
        "shares": _SHARES,
        "folds": _FOLDS,
        "seed": seed,
    }
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"{name},{step},{loss:.4f}" for name, step, loss in curve]
    document = {"training": settings, "figures": figures}
    for name, text in (
        ("objects.csv", "\n".join(["model,step,loss", *rows]) + "\n"),
        ("objects.json", json.dumps(document, indent=2) + "\n"),
    ):
        with replace_when_written(folder / name) as path:
            path.write_text(text, encoding="utf-8")


def _text(document: dict[str, dict[str, list]]) -> str:
    """JSON with a line for each array."""
    models = []
    for name, arrays in document.items():
        rows = [f'"{key}": {json.dumps(v, separators=(",", ":"))}' for key, v in arrays.items()]
        models.append(f'"{name}": {{\n' + ",\n".join(rows) + "\n}")
    return "{\n" + ",\n".join(models) + "\n}\n"


if __name__ == "__main__":
    typer.run(main)
