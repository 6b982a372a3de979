"""Images with their truth for the benchmark of clicks: sets to report on and sets to choose by.

`REPORTED` are evaluation only. Anything about a method may be chosen on `CHOSEN_BY` alone; no image
is in both. Of every set some images are taken, evenly spread over the names in their order.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray

Mode = Literal["similar", "object"]
Pair = tuple[NDArray, NDArray[np.bool_]]
DSB_EVALUATION = 30
# The last images of the sorted training split are those set aside for choosing.
BSDS_CHOICE = 40
SYNTHESIZED_SHAPE = (384, 512)
SYNTHESIZED_SEED = 10_000


@dataclass(frozen=True)
class Task:
    """One thing to segment.

    Attributes
    ----------
    name
        Of the image, and of the thing where an image has several.
    mode
        Whether all things like it are wanted or it alone.
    load
        Gives the image (h, w) or (h, w, 3) and what to segment in it, bool (h, w).
    """

    name: str
    mode: Mode
    load: Callable[[], Pair]


def evenly(things: list, n: int) -> list:
    """At most `n` of them, the first and the last included."""
    n = min(n, len(things))
    return [things[i] for i in np.linspace(0, len(things) - 1, n).round().astype(int)]


# ------------------------------------------------------------------------------ choosing one thing


def nearest_to_middle(labels: NDArray, smallest: float, largest: float) -> list[NDArray[np.bool_]]:
    """Connected pieces of equal labels, 0 left out, from the image's middle outwards.

    Only pieces of `smallest` to `largest` of the image's area. The one that the middle lies in
    comes first, then those whose nearest pixel is nearest to it; of equally near ones the first in
    reading order.
    """
    from skimage.measure import label, regionprops

    pieces = label(labels, background=0, connectivity=1)
    middle = (np.array(labels.shape) - 1) / 2
    inside = [
        (float(((region.coords - middle) ** 2).sum(axis=1).min()), region.label)
        for region in regionprops(pieces)
        if smallest <= region.area / labels.size <= largest
    ]
    return [pieces == number for _, number in sorted(inside)]


def human_regions(segmentations: NDArray) -> list[NDArray[np.bool_]]:
    """Of the first annotator who drew any of 3 to 60 % of the area, from the middle outwards."""
    for segmentation in segmentations:
        regions = nearest_to_middle(segmentation, 0.03, 0.6)
        if regions:
            return regions
    return []


def repeated_class(segments: NDArray, classes: NDArray) -> NDArray[np.bool_] | None:
    """All of the class that most segments belong to, where there are at least two of it.

    Not of one that covers nearly everything: nothing would be left to tell it from.
    """
    counts = np.zeros(int(classes.max()) + 1, dtype=int)
    for number in np.unique(segments):
        share = np.bincount(classes[segments == number], minlength=len(counts))
        if 2 * share.max() > share.sum():
            counts[share.argmax()] += 1
    counts[0] = 0
    counts[np.bincount(classes.ravel()) > 0.9 * classes.size] = 0
    return classes == counts.argmax() if counts.max() > 1 else None


# ------------------------------------------------------------------------------------------ readers


def read_pair(image: Path, labels: Path, wanted: Callable[[NDArray], NDArray]) -> Pair:
    return imageio.imread(image), wanted(imageio.imread(labels))


def foreground(labels: NDArray) -> NDArray[np.bool_]:
    return labels > 0


def first_label(labels: NDArray) -> NDArray[np.bool_]:
    return labels == 1


def brightest(labels: NDArray) -> NDArray[np.bool_]:
    return labels == 255


def central_nucleus(labels: NDArray) -> NDArray[np.bool_]:
    # Drawn masks may have stray pixels; those are no nuclei.
    return nearest_to_middle(labels, 20 / labels.size, 1)[0]


def read_region(image: Path, segmentations: Path, number: int) -> Pair:
    with np.load(segmentations) as file:
        return imageio.imread(image)[..., :3], human_regions(file["segs"])[number]


def pairs(
    images: list[Path], folder: Path, wanted: Callable[[NDArray], NDArray], mode: Mode, n: int
) -> list[Task]:
    return [
        Task(file.stem, mode, partial(read_pair, file, folder / f"{file.stem}.png", wanted))
        for file in evenly(sorted(images), n)
    ]


# ------------------------------------------------------------------------------------ to report on


def folder_pairs(
    name: str, images: str, masks: str, wanted: Callable[[NDArray], NDArray], mode: Mode
) -> Callable[[Path, int], list[Task]]:
    def tasks(data: Path, n: int) -> list[Task]:
        return pairs(list((data / name / images).iterdir()), data / name / masks, wanted, mode, n)

    return tasks


def dsb_images(data: Path, rows: slice) -> list[Path]:
    folder = data / "dsb2018"
    with (folder / "index.csv").open() as file:
        names = [row["name"] for row in csv.DictReader(file)]
    return [folder / "images" / f"{Path(name).stem}.png" for name in names[rows]]


def dsb(data: Path, n: int) -> list[Task]:
    images = dsb_images(data, slice(DSB_EVALUATION))
    return pairs(images, data / "dsb2018/labels", foreground, "similar", n)


def wbc(data: Path, n: int) -> list[Task]:
    images = sorted((data / "wbc").glob("dataset?/images/*.png"))
    return [
        Task(
            f"{file.parents[1].name}/{file.stem}",
            "object",
            partial(read_pair, file, file.parents[1] / "masks" / file.name, brightest),
        )
        for file in evenly(images, n)
    ]


def davis(data: Path, n: int) -> list[Task]:
    frames = [
        min((folder / "frames").iterdir())
        for folder in sorted((data / "davis2016").iterdir())
        if folder.is_dir()
    ]
    return [
        Task(
            file.parents[1].name,
            "object",
            partial(read_pair, file, file.parents[1] / "masks" / f"{file.stem}.png", foreground),
        )
        for file in evenly(frames, n)
    ]


def bsds_tasks(data: Path, part: str, images: list[Path], n_regions: int) -> Iterator[Task]:
    for file in images:
        segmentations = data / "bsds500/segmentations" / part / f"{file.stem}.npz"
        with np.load(segmentations) as content:
            n_there = len(human_regions(content["segs"]))
        for number in range(min(n_regions, n_there)):
            name = file.stem + f" {number + 1}" * (n_regions > 1)
            yield Task(name, "object", partial(read_region, file, segmentations, number))


def bsds(data: Path, n: int) -> list[Task]:
    images = evenly(sorted((data / "bsds500/images/val").glob("*.jpg")), n)
    return list(bsds_tasks(data, "val", images, 1))


# ------------------------------------------------------------------------------------ to choose by


def bsds_choice(data: Path, n: int) -> list[Task]:
    """Two regions of each of at most twelve images."""
    images = sorted((data / "bsds500/images/train").glob("*.jpg"))[-BSDS_CHOICE:]
    return list(bsds_tasks(data, "train", evenly(images, min(n, 12)), 2))


def dsb_choice(mode: Mode, data: Path, n: int) -> list[Task]:
    images = dsb_images(data, slice(DSB_EVALUATION, None, 12))
    wanted = foreground if mode == "similar" else central_nucleus
    return pairs(images, data / "dsb2018/labels", wanted, mode, n)


def stardist(mode: Mode, data: Path, n: int) -> list[Task]:
    folder = data / "stardist_samples"
    wanted = foreground if mode == "similar" else central_nucleus
    return [
        Task("img2d", mode, partial(read_pair, folder / "img2d.tif", folder / "mask2d.tif", wanted))
    ][:n]


def synthesized(mode: Mode, data: Path, n: int) -> list[Task]:
    """Two of each kind, as far as they have something of the mode; `n` kinds."""
    del data
    from napari_ncut.training import synthesis

    tasks = []
    for kind in evenly(list(synthesis.KINDS), n):
        for i in range(2):
            try:
                scene = synthesis.synthesize(
                    kind, seed=SYNTHESIZED_SEED + i, shape=SYNTHESIZED_SHAPE
                )
            except ModuleNotFoundError as error:
                print(f"No synthesized {kind}: {error}")
                break
            segments = scene.segmentations[-1]
            truth: NDArray[np.bool_] | None
            if mode == "similar":
                truth = repeated_class(segments, scene.classes)
            else:
                truth = next(iter(nearest_to_middle(segments, 0.01, 0.5)), None)
            if truth is not None:
                pair = (scene.image, truth)
                tasks.append(Task(f"{kind} {i}", mode, lambda pair=pair: pair))
    return tasks


Set = Callable[[Path, int], list[Task]]
REPORTED: dict[str, Set] = {
    "dsb2018": dsb,
    "nasa_superalloy": folder_pairs("nasa_superalloy", "images", "labels", foreground, "similar"),
    "nasa_meltpool": folder_pairs("nasa_meltpool", "images", "labels", foreground, "similar"),
    "nasa_ebc": folder_pairs("nasa_ebc", "images", "labels", first_label, "similar"),
    "vnc_em": folder_pairs("vnc_em", "raw", "mitochondria", foreground, "similar"),
    "wbc": wbc,
    "weizmann_horses": folder_pairs("weizmann_horses", "images", "masks", foreground, "object"),
    "davis2016": davis,
    "bsds500": bsds,
}
CHOSEN_BY: dict[str, Set] = {
    "bsds500 train": bsds_choice,
    "dsb2018 similar": partial(dsb_choice, "similar"),
    "dsb2018 object": partial(dsb_choice, "object"),
    "stardist similar": partial(stardist, "similar"),
    "stardist object": partial(stardist, "object"),
    "synthesized similar": partial(synthesized, "similar"),
    "synthesized object": partial(synthesized, "object"),
}
