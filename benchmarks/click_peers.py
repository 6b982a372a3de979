"""Methods that turn clicks into a mask: ours and those of other programs, behind one interface.

A method has ``prepare(image)`` and ``predict(points, positive, mode)``, which returns a bool mask
(h, w); points are (n, 2) rows (row, column). `METHODS` makes each of them from a `Source`, the
features that it may need.

What the peers do beside their published rule:

- A click is a disc of radius 2; the last one wins, and the clicked pixel is its click's anyway.
- In the mode "object" only 4-connected pieces with a positive click stay.
- The forests, without a negative click, keep what is nearer to the clicked pixels, in features of
  zero mean and unit deviation, than Otsu's threshold of all such distances.
- The random walker takes the border of the image as background while there is no negative click;
  as `walker_border` always.
- GrabCut takes a disc around positive clicks, a tenth of the image's shorter side in radius, as
  probable foreground, and everything else that is not clicked as probable background.
- The random walker and GrabCut get images of more than 512 pixels a side at half the resolution,
  for time; the walker's equations are solved directly, for time, too.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_ncut import PromptSegmenter, embed, extract_features
from napari_ncut.backbones import load_backbone
from napari_ncut.imaging import GuidedUpsampler, as_planes

from .click_sets import Mode

Points = NDArray[np.int64]
Signs = NDArray[np.bool_]
Mask = NDArray[np.bool_]
RADIUS = 2
LARGEST_SIDE = 512
SIGMAS = (0.7, 1.0, 1.6, 3.5, 5.0, 10.0)
# Rows that a forest looks at together: they stay in the processor's cache.
BLOCK = 32_768
RANDOM_NETWORK = "torchvision:squeezenet1_0"


class Method(Protocol):
    def prepare(self, image: NDArray) -> None: ...

    def predict(self, points: Points, positive: Signs, mode: Mode) -> Mask: ...


# ------------------------------------------------------------------------------- what clicks share


def axes_of(image: NDArray) -> str:
    return "YX" if image.ndim == 2 else "YXC"


def disc(shape: tuple[int, ...], point: NDArray, radius: float) -> Mask:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - point[0]) ** 2 + (columns - point[1]) ** 2 <= radius**2


def seeds(shape: tuple[int, ...], points: Points, positive: Signs) -> NDArray[np.uint8]:
    """1 in the discs of positive clicks, 2 in those of negative ones, 0 elsewhere."""
    labels = np.zeros(shape, dtype=np.uint8)
    numbers = np.where(positive, 1, 2)
    for point, number in zip(points, numbers, strict=True):
        labels[disc(shape, point, RADIUS)] = number
    labels[tuple(points.T)] = numbers
    return labels


def clicked_pieces(mask: Mask, points: Points, positive: Signs) -> Mask:
    """The 4-connected pieces that hold a positive click."""
    pieces, _ = ndimage.label(mask)
    wanted = pieces[tuple(points[positive].T)]
    return np.isin(pieces, wanted[wanted > 0])


def in_mode(mask: Mask, points: Points, positive: Signs, mode: Mode) -> Mask:
    return clicked_pieces(mask, points, positive) if mode == "object" else mask


def reduced(image: NDArray) -> tuple[NDArray, int]:
    """At half the resolution where a side is too long, and by how much."""
    step = 2 if max(image.shape[:2]) > LARGEST_SIDE else 1
    if step == 1:
        return image, 1
    from skimage.transform import downscale_local_mean

    return downscale_local_mean(image, (2, 2, 1)[: image.ndim]).astype(np.float32), 2


def enlarged(mask: Mask, step: int, shape: tuple[int, ...]) -> Mask:
    return mask.repeat(step, axis=0).repeat(step, axis=1)[: shape[0], : shape[1]]


def unit_range(image: NDArray) -> NDArray[np.float32]:
    """0 to 1, from the smallest to the largest value."""
    low, high = float(image.min()), float(image.max())
    return ((image.astype(np.float32) - low) / max(high - low, 1e-12)).astype(np.float32)


# --------------------------------------------------------------------------------------------- ours


@dataclass
class Source:
    """Features of a backbone, shared by the methods that take turns with one image.

    Parameters
    ----------
    backbone
        As for `napari_ncut.embed`, or "random": the network `RANDOM_NETWORK`, untrained.
    options
        Of `load_backbone`, such as ``{"checkpoint": file}``.
    embedding_options
        Of `embed`, such as ``{"n_components": 50}``.
    """

    backbone: str = "filterbank"
    options: dict[str, Any] = field(default_factory=dict)
    embedding_options: dict[str, Any] = field(default_factory=dict)
    _loaded: Any = field(default=None, repr=False)
    _image: Any = field(default=None, repr=False)
    _embedding: Any = field(default=None, repr=False)
    _seconds: float = 0.0

    def load(self) -> Any:
        if self._loaded is None:
            if self.backbone == "random":
                self._loaded = untrained_network()
            else:
                self._loaded = load_backbone(self.backbone, **self.options)
        return self._loaded

    def embedding(self, image: NDArray) -> tuple[Any, float]:
        """The image's embedding, and the seconds that it took when it was made."""
        backbone = self.load()
        if self._image is not image:
            start = time.perf_counter()
            self._embedding = embed(
                image, axes=axes_of(image), backbone=backbone, **self.embedding_options
            )
            self._seconds = time.perf_counter() - start
            self._image = image
        return self._embedding, self._seconds


def untrained_network() -> Any:
    import torch
    import torchvision

    with torch.random.fork_rng(devices=[]), tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        network = torchvision.models.get_model(RANDOM_NETWORK.partition(":")[2], weights=None)
        file = Path(folder) / "untrained.pth"
        torch.save(network.state_dict(), file)
        return load_backbone(RANDOM_NETWORK, checkpoint=file)


class Ours:
    """`PromptSegmenter` with one of its methods."""

    def __init__(self, source: Source, method: str = "auto", **settings: Any) -> None:
        self.source = source
        self.settings = {"method": method, **settings}
        self.preparation_seconds = 0.0

    def prepare(self, image: NDArray) -> None:
        embedding, self.preparation_seconds = self.source.embedding(image)
        self.segmenter = PromptSegmenter(embedding)

    def predict(self, points: Points, positive: Signs, mode: Mode) -> Mask:
        return self.segmenter.predict(points, positive, mode=mode, **self.settings)


# ------------------------------------------------------------------------------------------ forests


def filter_features(image: NDArray) -> NDArray[np.float32]:
    """The pixel features of ilastik (h, w, n): eight at each of six scales, of every channel."""
    from skimage.feature import hessian_matrix_eigvals, structure_tensor_eigenvalues

    def smooth(plane: NDArray, sigma: float, order: tuple[int, int] = (0, 0)) -> NDArray:
        return ndimage.gaussian_filter(plane, sigma, order=order, mode="reflect")

    maps: list[NDArray] = []
    for channel in np.moveaxis(np.atleast_3d(unit_range(image)), -1, 0):
        for sigma in SIGMAS:
            # ilastik's factors: the tensor's derivatives at half its scale, the other Gaussian of
            # the difference at two thirds.
            down, across = (smooth(channel, 0.5 * sigma, order) for order in ((1, 0), (0, 1)))
            tensor = [
                smooth(a * b, sigma) for a, b in ((down, down), (down, across), (across,) * 2)
            ]
            hessian = [smooth(channel, sigma, order) for order in ((2, 0), (1, 1), (0, 2))]
            gaussian = smooth(channel, sigma)
            maps += [
                gaussian,
                hessian[0] + hessian[2],
                np.hypot(smooth(channel, sigma, (1, 0)), smooth(channel, sigma, (0, 1))),
                gaussian - smooth(channel, 0.66 * sigma),
                *structure_tensor_eigenvalues(tensor),
                *hessian_matrix_eigvals(hessian),
            ]
    return np.stack(maps, axis=-1).astype(np.float32)


class Forest:
    """A random forest of the clicked pixels' features, in the manner of ilastik."""

    def prepare(self, image: NDArray) -> None:
        self.shape = image.shape[:2]
        self._set_features(filter_features(image))

    def _set_features(self, maps: NDArray[np.float32]) -> None:
        self.grid = maps.shape[:2]
        features = maps.reshape(-1, maps.shape[-1])
        deviations = features.std(axis=0)
        # Trees do not mind; distances do.
        self.features = (features - features.mean(axis=0)) / np.where(deviations > 0, deviations, 1)

    def predict(self, points: Points, positive: Signs, mode: Mode) -> Mask:
        labels = seeds(self.shape, points, positive)
        margin = self._margin(self._cells(labels == 1), self._cells(labels == 2))
        mask = self._full_resolution(margin.reshape(self.grid))
        return in_mode(mask, points, positive, mode)

    def _cells(self, pixels: Mask) -> NDArray[np.int64]:
        """Rows of the features of those pixels."""
        return np.flatnonzero(pixels)

    def _full_resolution(self, margin: NDArray[np.float32]) -> Mask:
        return margin > 0

    def _margin(self, things: NDArray, others: NDArray) -> NDArray[np.float32]:
        """Above 0 where a pixel is of the thing."""
        if len(others) == 0:
            from skimage.filters import threshold_otsu

            distances = self._distances(np.unique(things))
            return (threshold_otsu(distances) - distances).astype(np.float32)
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(100, n_jobs=1, random_state=0)
        rows = np.concatenate([things, others])
        forest.fit(self.features[rows], np.arange(len(rows)) < len(things))
        return np.concatenate(
            [forest.predict_proba(block)[:, 1].astype(np.float32) - 0.5 for block in self._blocks()]
        )

    def _distances(self, rows: NDArray) -> NDArray[np.float32]:
        from scipy.spatial import KDTree

        tree = KDTree(self.features[rows])
        return np.concatenate([tree.query(block)[0].astype(np.float32) for block in self._blocks()])

    def _blocks(self) -> list[NDArray[np.float32]]:
        return [self.features[i : i + BLOCK] for i in range(0, len(self.features), BLOCK)]


class FeatureForest(Forest):
    """The same forest on a backbone's features, enlarged along the image's edges as our masks."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def prepare(self, image: NDArray) -> None:
        self.shape = image.shape[:2]
        maps = extract_features(image, self.source.load(), axes=axes_of(image))
        self.stride = maps.stride
        plane = as_planes(image, axes=axes_of(image))[0]
        self.upsampler = GuidedUpsampler(plane, self.stride)
        self._set_features(maps.maps[0])

    def _cells(self, pixels: Mask) -> NDArray[np.int64]:
        cells = np.argwhere(pixels) // self.stride
        return np.ravel_multi_index(tuple(cells.T), self.grid)

    def _full_resolution(self, margin: NDArray[np.float32]) -> Mask:
        return self.upsampler(margin[np.newaxis])[0] > 0


# ------------------------------------------------------------------------------ graphs of pixels


class RandomWalker:
    """The random walker of scikit-image (Grady 2006), beta 130.

    Solved directly, which at this beta takes a tenth of the time of conjugate gradients.

    Parameters
    ----------
    keep_border
        Whether the image's border stays background once there are negative clicks.
    """

    def __init__(self, keep_border: bool = False) -> None:
        self.keep_border = keep_border

    def prepare(self, image: NDArray) -> None:
        self.shape = image.shape[:2]
        small, self.step = reduced(image)
        self.image = unit_range(small)

    def predict(self, points: Points, positive: Signs, mode: Mode) -> Mask:
        from skimage.segmentation import random_walker

        labels = seeds(self.image.shape[:2], points // self.step, positive)
        if self.keep_border or not (labels == 2).any():
            border = np.ones(labels.shape, dtype=bool)
            border[1:-1, 1:-1] = False
            labels[border & (labels == 0)] = 2
        with warnings.catch_warnings():
            # It recommends other solvers.
            warnings.simplefilter("ignore")
            found = random_walker(
                self.image,
                labels,
                beta=130,
                mode="bf",
                channel_axis=-1 if self.image.ndim == 3 else None,
            )
        return in_mode(enlarged(found == 1, self.step, self.shape), points, positive, mode)


class GrabCut:
    """OpenCV's GrabCut (Rother 2004), five rounds from the clicks."""

    def prepare(self, image: NDArray) -> None:
        self.shape = image.shape[:2]
        small, self.step = reduced(image)
        colors = (255 * unit_range(small)).round().astype(np.uint8)
        self.image = np.ascontiguousarray(
            colors if colors.ndim == 3 else np.repeat(colors[..., np.newaxis], 3, axis=2)
        )

    def predict(self, points: Points, positive: Signs, mode: Mode) -> Mask:
        import cv2

        shape = self.image.shape[:2]
        clicked = points // self.step
        labels = np.full(shape, cv2.GC_PR_BGD, dtype=np.uint8)
        for point in clicked[positive]:
            labels[disc(shape, point, min(shape) / 10)] = cv2.GC_PR_FGD
        sure = seeds(shape, clicked, positive)
        labels[sure == 1] = cv2.GC_FGD
        labels[sure == 2] = cv2.GC_BGD
        cv2.setRNGSeed(0)
        models = np.zeros((2, 1, 65))
        cv2.grabCut(self.image, labels, None, models[0], models[1], 5, cv2.GC_INIT_WITH_MASK)
        mask = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
        return in_mode(enlarged(mask, self.step, self.shape), points, positive, mode)


# ----------------------------------------------------------------------------------------- registry


@dataclass(frozen=True)
class Entry:
    """A method: what it is, in a few words, how it is made, and what it depends on."""

    title: str
    make: Callable[[Source], Method]
    uses_backbone: bool = False
    library: str | None = None


METHODS: dict[str, Entry] = {
    "ours": Entry("napari-ncut", lambda source: Ours(source), True),
    "tutorial": Entry("NCUT tutorial's rule", lambda source: Ours(source, "tutorial"), True),
    "cut": Entry("click-NCUT", lambda source: Ours(source, "cut"), True),
    "forest": Entry("random forest", lambda source: Forest()),
    "feature_forest": Entry("random forest, same features", FeatureForest, True),
    "walker": Entry("random walker", lambda source: RandomWalker()),
    "walker_border": Entry(
        "random walker, border always", lambda source: RandomWalker(keep_border=True)
    ),
    "grabcut": Entry("GrabCut", lambda source: GrabCut(), library="cv2"),
}
