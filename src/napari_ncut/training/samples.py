"""What may be trained on: images with their segments and kinds, read once and kept in memory."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .synthesis import KINDS, synthesize

# Of BSDS500's training images, sorted, those that only settings are chosen on.
SET_ASIDE = 40
# Rows of the nuclei's index before these are for evaluation.
FIRST_NUCLEI = 30
# Every so many-th image of nuclei is for choosing, too.
NUCLEI_ASIDE = 12
FOLDERS = ("bsds500", "dsb2018", "stardist_samples")


@dataclass(frozen=True)
class Sample:
    """An image to train on.

    Attributes
    ----------
    name, source
        Its own, and that of the data it is from.
    image : uint8 array (h, w, 3)
    segmentations : int32 array (n, h, w)
        A partition by each annotator, or from parts to things.
    classes : uint8 array (h, w)
        Kinds, 1 and up; 0 where nobody said.
    """

    name: str
    source: str
    image: NDArray[np.uint8]
    segmentations: NDArray[np.int32]
    classes: NDArray[np.uint8]


def read_samples(
    data: Path,
    *,
    aside: bool = False,
    synthesized: int = 60,
    shape: tuple[int, int] = (320, 320),
    seed: int = 0,
    folders: Sequence[str] = FOLDERS,
    workers: int = 1,
) -> dict[str, list[Sample]]:
    """Samples by source, from a folder with bsds500, dsb2018 and stardist_samples.

    Parameters
    ----------
    data
        The folder.
    aside
        Those set aside for choosing settings, instead of those to train on.
    synthesized, shape
        Images of each synthesized kind, and their size in pixels.
    seed
        Of synthesized images.
    folders
        Those of the folders that are read.
    workers
        Processes that synthesize.

    Raises
    ------
    InputError
        If a folder is missing.
    """
    readers: dict[str, Callable[[Path, bool], Iterator[Sample]]] = {
        "bsds500": _natural,
        "dsb2018": _nuclei,
        "stardist_samples": _stardist,
    }
    samples = {}
    for folder in folders:
        if not (data / folder).is_dir():
            raise InputError(f"There is no folder {data / folder}. Give the folder that holds it.")
        samples[folder] = list(readers[folder](data / folder, aside))
    samples["synthesized"] = _synthesized(synthesized, seed + 10_000 * aside, shape, workers)
    return {source: found for source, found in samples.items() if found}


def _natural(folder: Path, aside: bool) -> Iterator[Sample]:
    import imageio.v3 as imageio

    paths = sorted((folder / "images" / "train").glob("*.jpg"))
    for path in paths[-SET_ASIDE:] if aside else paths[:-SET_ASIDE]:
        segments = np.load(folder / "segmentations" / "train" / f"{path.stem}.npz")["segs"]
        image = imageio.imread(path)
        none = np.zeros(image.shape[:2], np.uint8)
        yield Sample(path.stem, "bsds500", image, segments.astype(np.int32), none)


def _nuclei(folder: Path, aside: bool) -> Iterator[Sample]:
    import imageio.v3 as imageio

    with (folder / "index.csv").open(encoding="utf-8") as file:
        names = [Path(row["name"]).stem for row in csv.DictReader(file)][FIRST_NUCLEI:]
    for i, name in enumerate(names):
        if (i % NUCLEI_ASIDE == 0) == aside:
            labels = imageio.imread(folder / "labels" / f"{name}.png")
            yield _of_instances(
                name, "dsb2018", imageio.imread(folder / "images" / f"{name}.png"), labels
            )


def _stardist(folder: Path, aside: bool) -> Iterator[Sample]:
    import tifffile

    if not aside:
        image = tifffile.imread(folder / "img2d.tif").astype(np.float32)
        low, high = np.percentile(image, (0.5, 99.8))
        gray = np.clip((image - low) / (high - low), 0, 1) * 255
        labels = tifffile.imread(folder / "mask2d.tif")
        yield _of_instances("img2d", "stardist_samples", gray.astype(np.uint8), labels)


def _synthesized(n: int, seed: int, shape: tuple[int, int], workers: int) -> list[Sample]:
    wanted = [(kind, i, seed + i, shape) for kind in KINDS for i in range(n)]
    if workers < 2 or not wanted:
        return [_synthetic(*one) for one in wanted]
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(_synthetic, *zip(*wanted, strict=True), chunksize=4))


def _synthetic(kind: str, number: int, seed: int, shape: tuple[int, int]) -> Sample:
    scene = synthesize(kind, seed=seed, shape=shape)
    image = _color((scene.image * 255).astype(np.uint8))
    name = f"{kind} {number}"
    return Sample(name, "synthesized", image, scene.segmentations, scene.classes)


def _of_instances(name: str, source: str, image: NDArray, labels: NDArray) -> Sample:
    """Things on a background, which are one kind and another."""
    segments = labels.astype(np.int32) + 1
    classes = (1 + (labels > 0)).astype(np.uint8)
    return Sample(name, source, _color(image), segments[np.newaxis], classes)


def _color(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(image[..., np.newaxis], 3, axis=-1) if image.ndim == 2 else image[..., :3]


# -------------------------------------------------------------------------------------- partitions

# Of a folder of the user's own, every so many-th image is set aside.
_OWN_ASIDE = 8


def read_partitions(data: Path | None, *, aside: bool = False) -> list[Sample]:
    """Images with partitions to learn superpixels from.

    Parameters
    ----------
    data
        BSDS500 (images/train, segmentations/train), a folder that holds it as bsds500, or one with
        images and labels, label images of the same names; None for $NAPARI_NCUT_DATA/data.
    aside
        Those set aside for choosing, instead of those to train on.

    Raises
    ------
    InputError
        If nothing of this is there.
    """
    if data is None:
        root = os.environ.get("NAPARI_NCUT_DATA")
        if not root:
            raise InputError(
                "No data was given. Give --data with the folder of BSDS500, or with a folder that "
                "holds images and labels."
            )
        data = Path(root) / "data"
    for folder in (data, data / "bsds500"):
        if (folder / "segmentations" / "train").is_dir():
            return list(_natural(folder, aside))
    if (data / "images").is_dir() and (data / "labels").is_dir():
        return list(_own(data, aside))
    raise InputError(
        f"{data} holds nothing to train on. Give a folder with images/train and "
        f"segmentations/train (BSDS500), or with images and labels: label images of the same "
        f"names."
    )


def _own(folder: Path, aside: bool) -> Iterator[Sample]:
    """Images of a folder with label images of the same names."""
    from ..imaging import as_planes
    from ..io import read_image, read_images

    images = read_images(folder / "images")
    for number, image in enumerate(images):
        if (number % _OWN_ASIDE == _OWN_ASIDE - 1) != aside:
            continue
        found = sorted((folder / "labels").glob(f"{image.path.stem}.*"))
        if not found:
            raise InputError(
                f"There are no labels for {image.path.name} in {folder / 'labels'}. Add a label "
                f"image called {image.path.stem}.tif, or move the image away."
            )
        plane = as_planes(image.data, axes=image.axes)[0]
        labels = np.asarray(read_image(found[0]).data)
        if labels.shape != plane.shape[:2] or labels.dtype.kind not in "iub":
            raise InputError(
                f"{found[0].name} has {' × '.join(map(str, labels.shape))} numbers of dtype "
                f"{labels.dtype}, but {image.path.name} has {' × '.join(map(str, plane.shape[:2]))}"
                f" pixels. Give a label image of that size."
            )
        color = plane if plane.shape[-1] == 3 else plane.mean(axis=-1, keepdims=True)
        none = np.zeros(labels.shape, np.uint8)
        yield Sample(
            image.path.stem,
            "own",
            _color(np.rint(np.broadcast_to(color, (*labels.shape, 3)) * 255).astype(np.uint8)),
            labels[np.newaxis].astype(np.int32),
            none,
        )
