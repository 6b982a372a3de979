"""How well hierarchies of regions agree with what people drew in photographs (BSDS500).

    NAPARI_NCUT_DATA=… python -m benchmarks.segmentation_bsds [--choosing] [--images N]
        [--methods ours felzenszwalb …] [--checkpoint FILE] [--json FILE]

Of the 100 images of the validation split, or with ``--choosing`` of the 40 training images that are
set aside, each with the partitions of four to nine people. Every method gives partitions at many
settings: ours at 99 levels, felzenszwalb at 14 scales, the merging of superpixels by mean color at
99 thresholds. As in Arbeláez et al. 2011:

covering
    Intersection over union of every region that somebody drew and the region that overlaps it
    best, averaged by area over the regions of all people.
PRI
    Probabilistic Rand index: share of pairs of pixels on which partition and people agree.
VoI
    Variation of information in bits, less is better.

ODS is with the one setting that is best for the set, OIS with the best of each image; each figure
has its own best. Coverings of a set are averaged by area, the others over images. Images of the
test split are not used.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import sparse

from napari_ncut.metrics import (
    contingency,
    table_covering,
    table_rand_index,
    table_variation,
)

# The last of the sorted training images are those set aside.
SET_ASIDE = 40
LEVELS = np.linspace(0.01, 0.99, 99)
FELZENSZWALB_SCALES = np.geomspace(10, 5000, 14)
COLOR_THRESHOLDS = np.geomspace(1, 120, 99)

# Finest regions (h, w) from 0, and for every setting the group of each (settings, n).
Partitions = tuple[NDArray, NDArray]
Method = Callable[[NDArray, str | None], Iterator[Partitions]]


@dataclass(frozen=True)
class Figures:
    """Of one method; `setting` is the number of the setting that is best for covering."""

    covering_ods: float
    covering_ois: float
    pri_ods: float
    pri_ois: float
    voi_ods: float
    voi_ois: float
    setting: int
    seconds: float


# ----------------------------------------------------------------------------------------- methods


def ours(image: NDArray, checkpoint: str | None) -> Iterator[Partitions]:
    from napari_ncut.backbones.compact import Compact
    from napari_ncut.imaging import as_planes
    from napari_ncut.regions.hierarchy import PlaneHierarchy

    found = PlaneHierarchy.of(as_planes(image, axes="YXC")[0], Compact(checkpoint=checkpoint))
    yield found.graph.labels, np.stack([found.tree.cut(float(level)) for level in LEVELS])


def felzenszwalb(image: NDArray, _: str | None) -> Iterator[Partitions]:
    from skimage.segmentation import felzenszwalb as segment

    for scale in FELZENSZWALB_SCALES:
        labels = segment(image, scale=scale, sigma=0.8, min_size=max(20, int(scale)))
        yield labels, np.arange(labels.max() + 1)[np.newaxis]


def merged_colors(image: NDArray, _: str | None) -> Iterator[Partitions]:
    from skimage.color import rgb2lab
    from skimage.graph import cut_threshold, rag_mean_color
    from skimage.segmentation import slic

    labels = slic(image, n_segments=600, compactness=10, start_label=0)
    graph = rag_mean_color(rgb2lab(image), labels)
    groups = []
    for threshold in COLOR_THRESHOLDS:
        merged = cut_threshold(labels, graph, threshold, in_place=False)
        of_region = np.zeros(labels.max() + 1, int)
        of_region[labels] = merged
        groups.append(of_region)
    yield labels, np.stack(groups)


METHODS: dict[str, tuple[str, Method]] = {
    "ours": ("granularity", ours),
    "felzenszwalb": ("Felzenszwalb and Huttenlocher (scikit-image)", felzenszwalb),
    "colors": ("SLIC merged by mean color (scikit-image)", merged_colors),
}


# ----------------------------------------------------------------------------------------- scoring


def images(folder: Path, choosing: bool, n_images: int | None) -> Iterator[tuple[NDArray, NDArray]]:
    """Images with segmentations (n, h, w)."""
    split = "train" if choosing else "val"
    paths = sorted((folder / "images" / split).glob("*.jpg"))
    paths = paths[-SET_ASIDE:] if choosing else paths
    if n_images is not None and n_images < len(paths):
        paths = [paths[i] for i in np.linspace(0, len(paths) - 1, n_images).astype(int)]
    for path in paths:
        segments = np.load(folder / "segmentations" / split / f"{path.stem}.npz")["segs"]
        yield imageio.imread(path), segments


def scored(partitions: Iterator[Partitions], truths: NDArray) -> NDArray[np.float64]:
    """(settings, 3): covering, PRI and VoI, means over people."""
    result = []
    for labels, settings in partitions:
        tables = [contingency(labels, truth) for truth in truths]
        ends = np.cumsum([table.shape[1] for table in tables])[:-1]
        together = np.concatenate(tables, axis=1)
        numbers = np.unique(labels)
        for groups in settings:
            _, rows = np.unique(groups[numbers], return_inverse=True)
            members = sparse.csr_array((np.ones(len(rows)), (rows, np.arange(len(rows)))))
            merged = np.split(members @ together, ends, axis=1)
            result.append(
                [
                    np.mean([metric(table) for table in merged])
                    for metric in (table_covering, table_rand_index, table_variation)
                ]
            )
    return np.array(result)


def figures(scores: NDArray, weights: NDArray, seconds: float) -> Figures:
    """Of scores (images, settings, 3) and the area of what people drew in every image."""
    share = (weights / weights.sum())[:, np.newaxis]
    covering, pri, voi = np.moveaxis(scores, -1, 0)
    over_set = (covering * share).sum(axis=0)
    return Figures(
        float(over_set.max()),
        float(covering.max(axis=1) @ share[:, 0]),
        float(pri.mean(axis=0).max()),
        float(pri.max(axis=1).mean()),
        float(voi.mean(axis=0).min()),
        float(voi.min(axis=1).mean()),
        int(over_set.argmax()),
        seconds,
    )


def compared(name: str, read: list[tuple[NDArray, NDArray]], checkpoint: str | None) -> Figures:
    """Figures of one method on images with what people drew."""
    weights = np.array([truths.size for _, truths in read], float)
    scores, seconds = [], 0.0
    for image, truths in read:
        start = time.perf_counter()
        partitions = list(METHODS[name][1](image, checkpoint))
        seconds += time.perf_counter() - start
        scores.append(scored(iter(partitions), truths))
    return figures(np.stack(scores), weights, seconds / len(read))


def table_of(found: dict[str, Figures], title: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("method")
    for heading in ("covering ODS", "OIS", "PRI ODS", "OIS", "VoI ODS", "OIS", "s an image"):
        table.add_column(heading, justify="right")
    for name, f in found.items():
        values = (f.covering_ods, f.covering_ois, f.pri_ods, f.pri_ois, f.voi_ods, f.voi_ois)
        table.add_row(METHODS[name][0], *(f"{v:.3f}" for v in values), f"{f.seconds:.2f}")
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--choosing", action="store_true", help="the images to choose by")
    parser.add_argument("--images", type=int, help="so many of them, evenly spread")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--checkpoint", help="other weights of the network of ours")
    parser.add_argument("--json", type=Path, help="writes figures here")
    options = parser.parse_args()
    console = Console(width=120)
    root = os.environ.get("NAPARI_NCUT_DATA")
    if not root:
        console.print("NAPARI_NCUT_DATA is not set; this benchmark needs its folder data.")
        return 0
    read = list(images(Path(root) / "data" / "bsds500", options.choosing, options.images))
    found = {name: compared(name, read, options.checkpoint) for name in options.methods}
    split = "training images set aside" if options.choosing else "validation images"
    console.print(table_of(found, f"BSDS500, {len(read)} {split}"))
    if options.json:
        told = {name: asdict(f) for name, f in found.items()}
        options.json.write_text(json.dumps(told, indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
