"""Whether masks follow the image's edges: guided enlargement against plain bilinear.

Run with ``python -m benchmarks.edges``; it needs the data sets that ``NAPARI_NCUT_DATA`` points at.
Every ground-truth mask is brought to the feature grid, as the side of each cell on which most of
it lies, and enlarged again: what differs from the mask then is the enlargement's doing alone. The
figure is the share of pixels on the right side among those within one stride of the true boundary.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.ndimage import distance_transform_edt

from napari_ncut import read_image
from napari_ncut.imaging import GuidedUpsampler, as_planes, block_mean, enlarge

STRIDES = (2, 4, 8)
# Folders of images and of their masks that parameters may be chosen on, and those that only tell
# how the choice does on other images. Of dsb2018 the list says which rows are which.
CHOICE = {
    "dsb2018": ("images", "labels"),
    "stardist_samples": ("img2d.tif", "mask2d.tif"),
    "bsds500": ("images/train", "segmentations/train"),
}
REPORT = {
    "nasa_superalloy": ("images", "labels"),
    "nasa_ebc": ("images", "labels"),
    "weizmann_horses": ("images", "masks"),
    "wbc": ("dataset1/images", "dataset1/masks"),
}
DSB_EVALUATION = 30
# The last images of the sorted training split are those set aside for choosing.
BSDS_CHOICE = 40
Enlarge = Callable[[NDArray[np.float32], NDArray[np.float32], int], NDArray[np.float32]]


def bilinear(
    plane: NDArray[np.float32], margin: NDArray[np.float32], stride: int
) -> NDArray[np.float32]:
    return enlarge(margin[..., np.newaxis], stride, plane.shape[:2])[..., 0]


def guided(**parameters: float) -> Enlarge:
    def enlarged(
        plane: NDArray[np.float32], margin: NDArray[np.float32], stride: int
    ) -> NDArray[np.float32]:
        return GuidedUpsampler(plane, stride, **parameters)(margin[np.newaxis])[0]

    return enlarged


def examples(folder: Path, images: str, labels: str, n: int) -> Iterator[tuple[NDArray, NDArray]]:
    """Planes (h, w, c) and their masks, evenly chosen."""
    sources = [folder / images]
    if sources[0].is_dir():
        sources = sorted(path for path in sources[0].iterdir() if path.suffix != ".md")
    if (folder / "index.csv").is_file():
        with (folder / "index.csv").open() as file:
            names = [row["name"] for row in csv.DictReader(file)][DSB_EVALUATION:]
        sources = [folder / images / f"{name}.png" for name in names]
    if folder.name == "bsds500":
        sources = sources[-BSDS_CHOICE:]
    chosen = np.unique(np.linspace(0, len(sources) - 1, min(n, len(sources))).astype(int))
    for i in chosen:
        path = sources[i]
        target = folder / labels
        if target.is_dir():
            target = next(iter(sorted(target.glob(f"{path.stem}.*"))), target)
        if not target.is_file():
            continue
        image, mask = read_image(path), read_mask(target)
        plane = as_planes(image.data, axes=image.axes)[0]
        if mask.shape == plane.shape[:2] and 0 < mask.mean() < 1:
            yield plane, mask


def read_mask(path: Path) -> NDArray[np.bool_]:
    """What is not 0 in a label map; of several annotators' regions the first one's largest."""
    if path.suffix == ".npz":
        with np.load(path) as stored:
            regions = stored["segs"][0]
        return regions == np.bincount(regions.ravel()).argmax()
    found = np.asarray(read_image(path).data)
    return (found if found.ndim == 2 else found.max(axis=-1)) > 0


def accuracy(plane: NDArray, mask: NDArray[np.bool_], stride: int, enlarge_by: Enlarge) -> float:
    """Share of pixels on the right side, within one stride of the true boundary."""
    share = block_mean(mask.astype(np.float32), stride)
    margin = np.where(share > 0.5, np.float32(1), np.float32(-1))
    inside = enlarge_by(plane, margin, stride) > 0
    near = np.where(mask, distance_transform_edt(mask), distance_transform_edt(~mask)) <= stride
    return float((inside == mask)[near].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=12, help="images of each set")
    parser.add_argument("--choose", action="store_true", help="compare widths of the smoothing")
    options = parser.parse_args()
    root = os.environ.get("NAPARI_NCUT_DATA")
    if not root:
        print("NAPARI_NCUT_DATA is not set: there is no ground truth to compare with.")
        return
    methods: dict[str, Enlarge] = {"bilinear": bilinear, "guided": guided()}
    sets = {**CHOICE, **REPORT}
    if options.choose:
        methods = {f"noise {width}": guided(noise=width) for width in (0.0, 0.5, 0.7, 1.0, 1.5)}
        sets = CHOICE
    table = Table(title="pixels near the true boundary on the right side, %")
    for heading in ("set", "images", "stride", *methods):
        table.add_column(heading, justify="left" if heading == "set" else "right")
    for name, (images, labels) in sets.items():
        folder = Path(root) / "data" / name
        pairs = list(examples(folder, images, labels, options.images))
        for stride in STRIDES:
            means = [
                np.mean([accuracy(plane, mask, stride, method) for plane, mask in pairs])
                for method in methods.values()
            ]
            shown = [f"{100 * mean:.1f}" for mean in means]
            table.add_row(name, str(len(pairs)), str(stride), *shown)
    Console().print(table)


if __name__ == "__main__":
    main()
