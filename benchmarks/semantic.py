"""How well masks sort into classes: every descriptor and clusterer against a plain recipe.

    NAPARI_NCUT_DATA=… python -m benchmarks.semantic [--images 3] [--each] [--choosing]
        [--sets camvid …] [--descriptors compact …] [--json FILE]

Masks are the regions of `granularity` at its default level for classes, the same for all. All
images of a set are sorted together, so that a class must mean the same in all of them; with
``--each`` every image by itself. The recipe to beat is that of a notebook that clusters SAM's
automatic masks: DBSCAN with eps .06, 8 neighbors and cosine on plain averages of an embedding, here
of the embedded network's features, and of its kinds. Nobody is told how many classes there are, but
for the lines with “k given”.

purity
    Share of masks whose class is mostly of their true class. One class each would be pure.
ARI
    Adjusted Rand index of masks: 0 by chance, 1 for the same classes.
mIoU
    Intersection over union of pixels, mean over true classes, after the best one-to-one matching.

The true class of a mask is what most of its pixels are; masks on ground that nobody labelled do not
count. Noise is a class like any other. With ``--choosing`` of the images that settings were chosen
by: nuclei that may be trained on and synthesized images; no image is in both.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

from benchmarks.click_sets import DSB_EVALUATION, dsb_images, evenly
from napari_ncut import extract_features, semantic_classes
from napari_ncut.sam import CLUSTERERS, MaskSet, SemanticClasses
from napari_ncut.sam.given_masks import LEVEL

SYNTHESIZED_SEED = 10_000
RECIPES = {
    "pyramid": "recipe: plain averages, DBSCAN .06, 8, cosine",
    "kind": "recipe: plain averages of kinds",
}
DESCRIPTORS = ("compact", "kind", "plain", "eigenvectors", "filterbank")


@dataclass(frozen=True)
class Example:
    """An image with its true classes (h, w), from 1; 0 is not labelled."""

    name: str
    image: NDArray
    truth: NDArray[np.int64]


# -------------------------------------------------------------------------------------------- sets


def paired(images: list[Path], folder: Path, n: int, ignored: int = -1) -> Iterator[Example]:
    for file in evenly(images, n):
        labels = imageio.imread(folder / f"{file.stem}.png").astype(np.int64)
        yield Example(file.stem, imageio.imread(file), np.where(labels == ignored, 0, labels + 1))


def dsb(rows: slice) -> Callable[[Path, int], Iterator[Example]]:
    def examples(data: Path, n: int) -> Iterator[Example]:
        for one in paired(dsb_images(data, rows), data / "dsb2018/labels", n):
            yield Example(one.name, one.image, (one.truth > 1) + 1)

    return examples


def superalloy(data: Path, n: int) -> Iterator[Example]:
    folder = data / "nasa_superalloy"
    return paired(sorted((folder / "images").iterdir()), folder / "labels", n)


def camvid(data: Path, n: int) -> Iterator[Example]:
    folder = data / "camvid"
    return paired(sorted((folder / "images").iterdir()), folder / "labels", n, ignored=11)


def wbc(data: Path, n: int) -> Iterator[Example]:
    for file in evenly(sorted((data / "wbc").glob("dataset?/images/*.png")), n):
        masks = imageio.imread(file.parents[1] / "masks" / file.name)
        yield Example(file.stem, imageio.imread(file), np.digitize(masks, [64, 192]) + 1)


def stardist(data: Path, n: int) -> Iterator[Example]:
    folder = data / "stardist_samples"
    labels = imageio.imread(folder / "mask2d.tif")
    yield Example("img2d", imageio.imread(folder / "img2d.tif"), (labels > 0) + 1)


def synthesized(kind: str) -> Callable[[Path, int], Iterator[Example]]:
    def examples(data: Path, n: int) -> Iterator[Example]:
        from napari_ncut.training.synthesis import synthesize

        for i in range(n):
            scene = synthesize(kind, seed=SYNTHESIZED_SEED + i, shape=(256, 320))
            yield Example(f"{kind} {i}", scene.image, scene.classes.astype(np.int64))

    return examples


REPORTED: dict[str, Callable[[Path, int], Iterator[Example]]] = {
    "dsb2018": dsb(slice(DSB_EVALUATION)),
    "nasa_superalloy": superalloy,
    "camvid": camvid,
    "wbc": wbc,
}
CHOSEN_BY: dict[str, Callable[[Path, int], Iterator[Example]]] = {
    "dsb2018 train": dsb(slice(DSB_EVALUATION, None)),
    "stardist": stardist,
    # Of these the classes are the same in every image.
    **{
        kind: synthesized(kind)
        for kind in ("precipitates", "particles", "fluorescence", "stained cells", "membranes")
    },
}


# ----------------------------------------------------------------------------------------- methods


def plain(
    images: list[NDArray], masks: list[MaskSet], axes: list[str], node: str
) -> SemanticClasses:
    features = extract_features(images, "compact", axes=axes, node=node)
    return semantic_classes(images, masks, axes=axes, descriptor=features, whiten=False)


def sorted_by(
    examples: list[Example], masks: list[MaskSet], descriptor: str
) -> Iterator[tuple[str, SemanticClasses]]:
    """Every clusterer on one descriptor, and the recipe on plain ones."""
    images = [example.image for example in examples]
    axes = ["YXC" if image.ndim == 3 else "YX" for image in images]
    n_classes = len(np.setdiff1d(np.concatenate([np.unique(e.truth) for e in examples]), [0]))
    if descriptor == "plain":
        preset = CLUSTERERS["dbscan"].presets["sam-notebook"]
        described = plain(images, masks, axes, "kind")
        yield RECIPES["kind"], described.recluster("dbscan", **preset)
        described = plain(images, masks, axes, "pyramid")
        yield RECIPES["pyramid"], described.recluster("dbscan", **preset)
    else:
        described = semantic_classes(images, masks, axes=axes, descriptor=descriptor)
    for name, entry in CLUSTERERS.items():
        yield f"{descriptor}, {name}", described.recluster(name)
        if entry.counts:
            title = f"{descriptor}, {name}, k given"
            yield title, described.recluster(name, n_classes=n_classes)


# ----------------------------------------------------------------------------------------- scoring


def scores(found: SemanticClasses, examples: list[Example]) -> NDArray[np.float64]:
    """Purity, ARI, mIoU, and the number of classes."""
    size = max(int(example.truth.max()) for example in examples) + 1
    counts = []
    for masks, example in zip(found.masks, examples, strict=True):
        pixels = masks.membership().astype(np.float64)
        one_hot = np.eye(size)[example.truth.ravel()]
        counts.append(pixels @ one_hot)
    inside = np.concatenate(counts)
    known = inside[:, 0] * 2 < inside.sum(axis=1)
    truth, classes = inside[known, 1:].argmax(axis=1), found.classes[known]
    shared = np.zeros((classes.max(initial=0) + 1, size))
    np.add.at(shared, (classes, truth), 1)
    purity = shared.max(axis=1).sum() / max(known.sum(), 1)
    return np.array(
        [purity, adjusted_rand_score(truth, classes), matched(found, examples, size),
         len(found.numbers)]
    )  # fmt: skip


def matched(found: SemanticClasses, examples: list[Example], size: int) -> float:
    table = np.zeros((max(found.numbers, default=0) + 1, size))
    for labels, example in zip(found.labels, examples, strict=True):
        np.add.at(table, (labels.ravel(), example.truth.ravel()), 1)
    table = table[:, 1:]
    table = table[:, table.sum(axis=0) > 0]
    union = table.sum(axis=1, keepdims=True) + table.sum(axis=0) - table
    iou = np.divide(table, union, out=np.zeros_like(table), where=union > 0)
    return float(iou[linear_sum_assignment(-iou)].sum() / table.shape[1])


def figures(
    examples: list[Example], descriptors: list[str]
) -> tuple[dict[str, NDArray[np.float64]], dict[str, float]]:
    """Scores of every method, and seconds of every descriptor with all of its clusterers."""
    images = [example.image for example in examples]
    axes = ["YXC" if image.ndim == 3 else "YX" for image in images]
    masks = list(semantic_classes(images, axes=axes, descriptor="kind", level=LEVEL).masks)
    found, seconds = {}, {}
    for descriptor in descriptors:
        start = time.perf_counter()
        for name, classes in sorted_by(examples, masks, descriptor):
            found[name] = scores(classes, examples)
        seconds[descriptor] = time.perf_counter() - start
    return found, seconds


def report(found: dict[str, dict[str, NDArray]], title: str) -> Table:
    """A line for every method, best mean first; the recipes on top."""
    table = Table(title=title, title_justify="left")
    table.add_column("descriptor, clusterer")
    for name in (*found, "mean"):
        table.add_column(name, justify="right")
    methods = list(next(iter(found.values())))
    means = {m: np.mean([found[s][m] for s in found], axis=0) for m in methods}
    order = sorted(methods, key=lambda m: (m not in RECIPES.values(), -means[m][:3].mean()))
    for method in order:
        cells = [*(found[name][method] for name in found), means[method]]
        table.add_row(
            method, *(f"{p:.2f} {a:.2f} {i:.2f} ({n:.0f})" for p, a, i, n in cells)
        )  # fmt: skip
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=3, help="of every set, evenly spread")
    parser.add_argument("--each", action="store_true", help="sort every image by itself")
    parser.add_argument("--choosing", action="store_true", help="the images to choose by")
    parser.add_argument("--sets", nargs="+", choices=[*REPORTED, *CHOSEN_BY])
    parser.add_argument("--descriptors", nargs="+", choices=DESCRIPTORS, default=DESCRIPTORS)
    parser.add_argument("--json", type=Path, help="writes figures here")
    options = parser.parse_args()
    console = Console(width=260)
    root = os.environ.get("NAPARI_NCUT_DATA")
    if not root:
        console.print("NAPARI_NCUT_DATA is not set; this benchmark needs its folder data.")
        return 0
    sets = CHOSEN_BY if options.choosing else REPORTED
    found: dict[str, dict[str, NDArray]] = {}
    for name in options.sets or sets:
        examples = list({**REPORTED, **CHOSEN_BY}[name](Path(root) / "data", options.images))
        parts = [[example] for example in examples] if options.each else [examples]
        measured = [figures(part, list(options.descriptors)) for part in parts]
        methods = measured[0][0]
        found[name] = {m: np.mean([one[m] for one, _ in measured], axis=0) for m in methods}
        told = {d: sum(s[d] for _, s in measured) for d in options.descriptors}
        console.print(f"{name}: " + ", ".join(f"{d} {s:.1f} s" for d, s in told.items()))
    how = "each by itself" if options.each else "all of a set together"
    console.print(report(found, f"Purity, ARI, mIoU (classes); {options.images} images, {how}"))
    if options.json:
        plain = {name: {m: s.tolist() for m, s in of.items()} for name, of in found.items()}
        options.json.write_text(json.dumps(plain, indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
