"""Crops of training images as other instruments, magnifications and settings would give them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .samples import Sample
from .synthesis.scene import smooth_noise


@dataclass(frozen=True)
class Crop:
    """A square of an image: float32 (side, side, 3), int32 (n, side, side), uint8 (side, side)."""

    image: NDArray[np.float32]
    segmentations: NDArray[np.int32]
    classes: NDArray[np.uint8]


def random_crop(
    random: np.random.Generator,
    sample: Sample,
    side: int,
    *,
    scales: tuple[float, float] = (0.6, 1.7),
    annotators: int = 5,
) -> Crop:
    """A crop at a random scale, turned, mirrored, and with other light."""
    height, width = sample.image.shape[:2]
    scale = np.exp(random.uniform(*np.log(scales)))
    # A plane smaller than the crop is enlarged rather than filled up.
    scale = max(scale, (side + 1) / min(height, width))
    span = side / scale
    top, left = random.uniform(0, height - span), random.uniform(0, width - span)
    rows = top + (np.arange(side) + 0.5) * span / side - 0.5
    columns = left + (np.arange(side) + 0.5) * span / side - 0.5
    image = _resampled(sample.image, rows, columns, scale)
    nearest = np.ix_(
        np.clip(np.rint(rows).astype(int), 0, height - 1),
        np.clip(np.rint(columns).astype(int), 0, width - 1),
    )
    chosen = random.permutation(len(sample.segmentations))[:annotators]
    segmentations = np.stack([sample.segmentations[i][nearest] for i in chosen])
    classes = sample.classes[nearest]
    turns, mirrored = int(random.integers(4)), random.random() < 0.5
    image = np.rot90(image, turns)
    segmentations = np.rot90(segmentations, turns, axes=(1, 2))
    classes = np.rot90(classes, turns)
    if mirrored:
        image, segmentations, classes = image[:, ::-1], segmentations[..., ::-1], classes[:, ::-1]
    return Crop(
        other_light(random, image),
        np.ascontiguousarray(segmentations),
        np.ascontiguousarray(classes),
    )


def _resampled(
    image: NDArray[np.uint8], rows: NDArray, columns: NDArray, scale: float
) -> NDArray[np.float32]:
    """Bilinear samples at rows and columns, blurred first where that reduces."""
    top, left = max(0, int(rows[0]) - 4), max(0, int(columns[0]) - 4)
    part = image[top : int(rows[-1]) + 5, left : int(columns[-1]) + 5].astype(np.float32) / 255
    if scale < 1:
        sigma = 0.5 * (1 / scale**2 - 1) ** 0.5
        part = ndimage.gaussian_filter(part, (sigma, sigma, 0), mode="nearest", truncate=2)
    for axis, at in ((0, rows - top), (1, columns - left)):
        at = np.clip(at, 0, part.shape[axis] - 1.001) if part.shape[axis] > 1 else at * 0
        low = at.astype(int)
        share = (at - low).astype(np.float32)
        share = share.reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        after = np.minimum(low + 1, part.shape[axis] - 1)
        part = np.take(part, low, axis) * (1 - share) + np.take(part, after, axis) * share
    return part.astype(np.float32, copy=False)


def other_light(random: np.random.Generator, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The image (h, w, 3), 0 to 1, in gray, inverted, flat, noisy, blurred or unevenly lit."""
    image = np.array(image, dtype=np.float32)
    shape = (image.shape[0], image.shape[1])
    if random.random() < 0.35:
        mix = random.dirichlet((2, 3, 1)).astype(np.float32)
        image = np.repeat((image @ mix)[..., np.newaxis], 3, axis=-1)
    elif random.random() < 0.5:
        image *= random.uniform(0.75, 1.25, 3).astype(np.float32)
        if random.random() < 0.15:
            image = image[..., random.permutation(3)]
    if random.random() < 0.2:
        image = 1 - image
    if random.random() < 0.5:
        image = np.clip(image, 0, 1) ** np.float32(np.exp(random.normal(0, 0.35)))
    contrast = np.exp(random.normal(-0.1, 0.35)) if random.random() < 0.8 else 0.25
    middle = image.mean()
    image = (image - middle) * np.float32(min(contrast, 1.6)) + middle
    image += np.float32(random.normal(0, 0.08))
    if random.random() < 0.2:
        light = smooth_noise(random, shape, random.uniform(40, 120))
        image *= 1 + np.float32(random.uniform(0.05, 0.25)) * light[..., np.newaxis]
    if random.random() < 0.2:
        sigma = random.uniform(0.4, 1.4)
        image = ndimage.gaussian_filter(image, (sigma, sigma, 0), mode="nearest", truncate=2.5)
    if random.random() < 0.4:
        layers = 1 if random.random() < 0.5 else 3
        noise = random.standard_normal((*shape, layers), dtype=np.float32)
        image += np.float32(np.exp(random.uniform(*np.log((0.008, 0.09))))) * noise
    return np.clip(image, 0, 1)
