"""Finding what an image is of, without a click: ours and the papers' rules on the same features.

    NAPARI_NCUT_DATA=… python -m benchmarks.objects [--images 20] [--backbones compact …]
        [--sets weizmann_horses …] [--methods auto …] [--json FILE]

Images with one thing in each, at most 480 pixels wide or high: horses of weizmann_horses, the first
frames of davis2016, the cells of wbc. Nothing was trained on them or chosen by them. Rules of the
papers are written here anew, straight from their text, on the very features that `localize` gets;
their foregrounds are enlarged by nearest neighbors.

CorLoc
    Share of images whose one box overlaps the true one (the box of the largest connected thing) by
    an IoU of 0.5 or more.
IoU
    Mean over images of the masks' intersection over union.
max F
    Fβ, β² = 0.3, at the best threshold for all images. Rules give one mask, ours a soft one.

The networks that were trained on ImageNet saw a million labels: theirs are supervised features.
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
from typing import Any

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.linalg import eigh
from scipy.ndimage import label

from benchmarks.click_sets import evenly
from napari_ncut import load_backbone
from napari_ncut import object_metrics as om
from napari_ncut.backbones.catalog import COMPACT
from napari_ncut.imaging import as_planes
from napari_ncut.objects import METHODS, localize
from napari_ncut.objects.finding import scene_of

_LARGEST = 480
Pair = tuple[NDArray, NDArray[np.bool_]]
Rule = Callable[[NDArray[np.float64], tuple[int, int]], NDArray[np.bool_]]


@dataclass(frozen=True)
class Features:
    """A backbone as it is loaded here."""

    name: str
    text: str
    file: str = ""
    options: tuple[tuple[str, Any], ...] = ()

    def load(self, root: Path) -> Any:
        options = dict(self.options)
        if self.file:
            options["checkpoint"] = root / "models" / self.file
        return load_backbone(self.name, device="cpu", **options)


BACKBONES = {
    "compact": Features(
        "compact",
        "ours, not trained on classes",
        options=(("stride", 8), ("node", COMPACT.object_node)),
    ),
    "squeezenet": Features(
        "torchvision:squeezenet1_0",
        "supervised: ImageNet's classes",
        "squeezenet1_0_imagenet/squeezenet1_0_fp16.npz",
        (("normalization", "caffe"), ("stride", 8), ("layer", -1)),
    ),
    "mobilenetv2": Features(
        "timm:mobilenetv2_100",
        "supervised: ImageNet's classes",
        "mobilenetv2_imagenet/mobilenetv2_1.0_int8.npz",
        (
            ("normalization", "inception"),
            ("architecture", {"num_classes": 1001, "pad_type": "same"}),
            ("stride", 8),
        ),
    ),
}


# --------------------------------------------------------------------------------------------- sets


def horses(root: Path) -> list[tuple[Path, Path]]:
    folder = root / "data/weizmann_horses"
    images = sorted((folder / "images").iterdir())
    return [(path, folder / "masks" / f"{path.stem}.png") for path in images]


def first_frames(root: Path) -> list[tuple[Path, Path]]:
    pairs = []
    for sequence in sorted((root / "data/davis2016").iterdir()):
        if sequence.is_dir():
            first = sorted((sequence / "frames").iterdir())[0]
            pairs.append((first, sequence / "masks" / f"{first.stem}.png"))
    return pairs


def cells(root: Path) -> list[tuple[Path, Path]]:
    pairs = []
    for part in ("dataset1", "dataset2"):
        folder = root / "data/wbc" / part
        pairs += [
            (path, folder / "masks" / path.name) for path in sorted((folder / "images").iterdir())
        ]
    return pairs


SETS = {"weizmann_horses": horses, "davis2016": first_frames, "wbc": cells}


def read(pair: tuple[Path, Path]) -> Pair:
    """Image and mask, reduced to 480 pixels: the rules' eigenproblems are dense."""
    from skimage.transform import resize

    image, mask = imageio.imread(pair[0])[..., :3], imageio.imread(pair[1])
    mask = (mask if mask.ndim == 2 else mask[..., 0]) > 0
    factor = _LARGEST / max(mask.shape)
    if factor < 1:
        shape = tuple(round(side * factor) for side in mask.shape)
        image = resize(image, shape, anti_aliasing=True, preserve_range=True).astype(np.uint8)
        mask = resize(mask.astype(float), shape) > 0.5
    return image, mask


# -------------------------------------------------------------------------------------------- rules


def second_vector(affinity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the generalized problem (D − W) v = λ D v."""
    degrees = np.diag(affinity.sum(axis=1))
    return eigh(degrees - affinity, degrees, subset_by_index=[1, 1])[1][:, 0]


def unit(features: NDArray[np.float64]) -> NDArray[np.float64]:
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)


def deep_spectral(features: NDArray[np.float64], grid: tuple[int, int]) -> NDArray[np.bool_]:
    """Positive affinities; where the second eigenvector is positive; turned if that is the most."""
    rows = unit(features)
    affinity = np.maximum(rows @ rows.T, 0)
    foreground = second_vector(affinity / affinity.max()) > 0
    if 0.5 < foreground.mean() < 1:
        foreground = ~foreground
    return foreground.reshape(grid)


def tokencut(features: NDArray[np.float64], grid: tuple[int, int]) -> NDArray[np.bool_]:
    """Joined above a cosine of 0.2; split at the mean; what holds the largest entry."""
    rows = unit(features)
    affinity = np.where(rows @ rows.T > 0.2, 1.0, 1e-5)
    vector = second_vector(affinity)
    foreground = vector > vector.mean()
    peak = int(np.abs(vector).argmax())
    if not foreground[peak]:
        foreground = ~foreground
    pieces = label(foreground.reshape(grid))[0]
    return pieces == pieces.ravel()[peak]


def lost(features: NDArray[np.float64], grid: tuple[int, int]) -> NDArray[np.bool_]:
    """Seed of the lowest degree, grown by the 100 lowest ones that are alike to it."""
    alike = features @ features.T
    degrees = (alike > 0).sum(axis=1)
    order = np.argsort(degrees, kind="stable")
    seed, lonely = int(order[0]), order[:100]
    foreground = alike[lonely[alike[seed, lonely] > 0]].sum(axis=0) > 0
    foreground[seed] = True
    pieces = label(foreground.reshape(grid))[0]
    return pieces == pieces.ravel()[seed]


def centered(rule: Rule) -> Rule:
    """A rule on features whose mean over the image was taken away."""
    return lambda features, grid: rule(features - features.mean(axis=0), grid)


RULES: dict[str, Rule] = {
    "rule: Deep Spectral": deep_spectral,
    "rule: TokenCut": tokencut,
    "rule: LOST": lost,
    # Networks other than transformers have no negative cosines: the rules as they might do best.
    "rule: Deep Spectral, centered": centered(deep_spectral),
    "rule: TokenCut, centered": centered(tokencut),
    "rule: LOST, centered": centered(lost),
}


# ----------------------------------------------------------------------------------------- measures


def box_of(mask: NDArray[np.bool_]) -> list[int] | None:
    """Of the largest connected piece."""
    pieces, n = label(mask, np.ones((3, 3)))
    if not n:
        return None
    largest = np.bincount(pieces.ravel())[1:].argmax() + 1
    rows, columns = (np.flatnonzero((pieces == largest).any(axis=axis)) for axis in (1, 0))
    return [int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1]


@dataclass
class Answers:
    """What a method gave for the images of a set, as it goes."""

    boxes: list
    overlaps: list
    curves: list
    seconds: list

    @classmethod
    def none(cls) -> Answers:
        return cls([], [], [], [])

    def add(self, box: Any, mask: NDArray, soft: NDArray, truth: NDArray, seconds: float) -> None:
        true_box = box_of(truth)
        hit = box is not None and om.box_iou([box], [true_box]).max() >= 0.5
        self.boxes.append(hit)
        self.overlaps.append(om.mask_iou(mask, truth))
        self.curves.append(om.f_beta_curve(soft, truth))
        self.seconds.append(seconds)

    def figures(self) -> dict[str, float]:
        return {
            "images": len(self.boxes),
            "CorLoc": float(np.mean(self.boxes)),
            "IoU": float(np.mean(self.overlaps)),
            "max F": float(np.mean(self.curves, axis=0).max()),
            "seconds": float(np.median(self.seconds)),
        }


def measure(
    pairs: list[tuple[Path, Path]], backbone: Any, methods: list[str], rules: list[str]
) -> dict[str, dict[str, float]]:
    """Figures of every method on the images of a set."""
    from napari_ncut.backbones.compact import Compact

    found: dict[str, Answers] = {name: Answers.none() for name in [*methods, *rules]}
    for image, truth in map(read, pairs):
        planes = as_planes(image, axes="YXC")
        scene = scene_of(planes, 0, backbone, Compact(device="cpu"))
        features = scene.grid.reshape(-1, scene.grid.shape[-1]).astype(np.float64)
        for name in rules:
            start = time.perf_counter()
            cells = RULES[name](features, scene.grid.shape[:2])
            large = np.repeat(np.repeat(cells, scene.stride, 0), scene.stride, 1)
            mask = large[: truth.shape[0], : truth.shape[1]]
            seconds = time.perf_counter() - start
            found[name].add(box_of(mask), mask, mask, truth, seconds)
        for name in methods:
            start = time.perf_counter()
            ours = localize(image, axes="YXC", method=name, backbone=backbone, min_confidence=0)[0]
            seconds = time.perf_counter() - start
            box = ours.boxes[0] if ours.found else None
            found[name].add(box, ours.mask, np.clip(ours.soft, 0, 1), truth, seconds)
    return {name: answers.figures() for name, answers in found.items()}


def rows_of(results: list[dict]) -> Iterator[list[str]]:
    for r in results:
        yield [
            r["set"],
            r["backbone"],
            r["method"],
            str(r["images"]),
            *(f"{r[name]:.3f}" for name in ("CorLoc", "IoU", "max F")),
            f"{r['seconds']:.2f}",
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=10**6, help="of every set, at most")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--backbones", nargs="+", choices=list(BACKBONES), default=list(BACKBONES))
    parser.add_argument("--methods", nargs="*", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--rules", nargs="*", choices=list(RULES), default=list(RULES))
    parser.add_argument("--json", type=Path, help="file to keep results in")
    options = parser.parse_args()
    if not os.environ.get("NAPARI_NCUT_DATA"):
        sys.exit("Set NAPARI_NCUT_DATA to the folder of data sets.")
    root = Path(os.environ["NAPARI_NCUT_DATA"])
    results: list[dict] = []
    for set_name in options.sets:
        pairs = evenly(SETS[set_name](root), options.images)
        for backbone in options.backbones:
            ready = BACKBONES[backbone].load(root)
            found = measure(pairs, ready, options.methods, options.rules)
            for method, figures in found.items():
                results.append({"set": set_name, "backbone": backbone, "method": method, **figures})
            Console(width=120).print(f"{set_name}, {backbone}: {found}")
            if options.json:
                options.json.write_text(json.dumps(results, indent=1))
    table = Table("set", "features", "method", "images", "CorLoc", "IoU", "max F", "s")
    for row in rows_of(results):
        table.add_row(*row)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
