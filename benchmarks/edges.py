"""Whether masks follow the image's edges: guided enlargement against plain bilinear.

Run with ``python -m benchmarks.edges``; it needs the data sets that ``NAPARI_NCUT_DATA`` points at.
Every ground-truth mask is brought to the feature grid, as the side of each cell on which most of
it lies, and enlarged again: what differs from the mask then is the enlargement's doing alone. The
figure is the share of pixels on the right side among those within one stride of the true boundary.
"""

from __future__ import annotations

import argparse
import os
import sys
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
# Folders of images and of their label maps. The guide's smoothing was chosen with a look at most of
# them, so these figures describe it; they are no test on images that it has not seen.
SETS = {
    "dsb2018": ("images", "labels"),
    "stardist_samples": ("img2d.tif", "mask2d.tif"),
    "nasa_superalloy": ("images", "labels"),
    "nasa_ebc": ("images", "labels"),
    "weizmann_horses": ("images", "masks"),
    "wbc": ("dataset1/images", "dataset1/masks"),
}
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
    chosen = np.unique(np.linspace(0, len(sources) - 1, min(n, len(sources))).astype(int))
    for i in chosen:
        path = sources[i]
        target = folder / labels
        if target.is_dir():
            target = next(iter(sorted(target.glob(f"{path.stem}.*"))), target)
        if not target.is_file():
            continue
        image, found = read_image(path), np.asarray(read_image(target).data)
        mask = (found if found.ndim == 2 else found.max(axis=-1)) > 0
        plane = as_planes(image.data, axes=image.axes)[0]
        if mask.shape == plane.shape[:2] and 0 < mask.mean() < 1:
            yield plane, mask


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
    options = parser.parse_args()
    root = os.environ.get("NAPARI_NCUT_DATA")
    if not root:
        sys.exit("NAPARI_NCUT_DATA is not set: there is no ground truth to compare with.")
    methods = {"bilinear": bilinear, "guided": guided()}
    table = Table(title="pixels near the true boundary on the right side, %")
    for heading in ("set", "images", "stride", *methods):
        table.add_column(heading, justify="left" if heading == "set" else "right")
    for name, (images, labels) in SETS.items():
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
