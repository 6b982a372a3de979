"""Crops of training images as other instruments, magnifications and settings would give them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .samples import Sample
from .synthesis.scene import smooth_noise

# Share of crops with light other than their own; of those turned by less than a right angle; and
# the spread of the logarithm of the ratio of their sides.
_OTHER_LIGHT = 0.8
_TURNED = 0.5
_STRETCH = 0.12


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
    """A crop at a random scale, turned, stretched, mirrored, and mostly with other light."""
    height, width = sample.image.shape[:2]
    scale = np.exp(random.uniform(*np.log(scales)))
    # A plane smaller than the crop is enlarged rather than filled up.
    scale = max(scale, (side + 1) / min(height, width))
    places = _places(random, (height, width), side, scale)
    image = _resampled(sample.image, places, scale)
    rows, columns = np.rint(places).astype(int)
    chosen = random.permutation(len(sample.segmentations))[:annotators]
    segmentations = np.stack([sample.segmentations[i][rows, columns] for i in chosen])
    classes = sample.classes[rows, columns]
    turns, mirrored = int(random.integers(4)), random.random() < 0.5
    image = np.rot90(image, turns)
    segmentations = np.rot90(segmentations, turns, axes=(1, 2))
    classes = np.rot90(classes, turns)
    if mirrored:
        image, segmentations, classes = image[:, ::-1], segmentations[..., ::-1], classes[:, ::-1]
    return Crop(
        other_light(random, image) if random.random() < _OTHER_LIGHT else np.array(image),
        np.ascontiguousarray(segmentations),
        np.ascontiguousarray(classes),
    )


def _places(
    random: np.random.Generator, shape: tuple[int, int], side: int, scale: float
) -> NDArray[np.float32]:
    """Rows and columns (2, side, side) in an image of the pixels of a crop, none outside."""
    angle = random.uniform(-np.pi / 4, np.pi / 4) if random.random() < _TURNED else 0.0
    stretch = np.exp(random.normal(0, _STRETCH) * np.array([0.5, -0.5]))
    cosine, sine = np.cos(angle), np.sin(angle)
    to_image = np.array([[cosine, -sine], [sine, cosine]]) * stretch / scale
    reach = np.abs(to_image).sum(axis=1) * side / 2
    low, high = (
        np.minimum(reach, np.array(shape) / 2),
        np.maximum(shape - reach, np.array(shape) / 2),
    )
    center = random.uniform(low, high) - 0.5
    steps = np.arange(side) + 0.5 - side / 2
    places = (
        center[:, np.newaxis, np.newaxis]
        + to_image[:, :1, np.newaxis] * steps[:, np.newaxis]
        + to_image[:, 1:, np.newaxis] * steps
    )
    last = np.array(shape)[:, np.newaxis, np.newaxis] - 1.0
    # Corners that stick out see the image mirrored at its border.
    places = last - np.abs(last - np.abs(places))
    return np.clip(places, 0, last).astype(np.float32)


def _resampled(
    image: NDArray[np.uint8], places: NDArray[np.float32], scale: float
) -> NDArray[np.float32]:
    """Bilinear samples at rows and columns (2, h, w), blurred first where that reduces."""
    size = np.array(image.shape[:2])
    top, left = np.maximum(places.min(axis=(1, 2)).astype(int) - 4, 0)
    bottom, right = np.minimum(places.max(axis=(1, 2)).astype(int) + 5, size)
    part = image[top:bottom, left:right].astype(np.float32) / 255
    if scale < 1:
        sigma = 0.5 * (1 / scale**2 - 1) ** 0.5
        part = ndimage.gaussian_filter(part, (sigma, sigma, 0), mode="nearest", truncate=2)
    within = places - np.array([top, left], np.float32)[:, np.newaxis, np.newaxis]
    whole = np.array(part.shape[:2])[:, np.newaxis, np.newaxis]
    low = np.clip(within.astype(int), 0, np.maximum(whole - 2, 0))
    share = np.clip(within - low, 0, 1).astype(np.float32)[..., np.newaxis]
    high = np.minimum(low + 1, whole - 1)
    result: NDArray[np.float32] = (
        part[low[0], low[1]] * (1 - share[0]) + part[high[0], low[1]] * share[0]
    ) * (1 - share[1]) + (
        part[low[0], high[1]] * (1 - share[0]) + part[high[0], high[1]] * share[0]
    ) * share[1]
    return result


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
