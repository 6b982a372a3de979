"""What instruments do to an image: blur, uneven light, noise, stripes, contrast, compression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .scene import smooth_noise


def degrade(random: np.random.Generator, image: NDArray[np.floating]) -> NDArray[np.float32]:
    """A random mix of what instruments do, mild enough that a person still sees what is there.

    Parameters
    ----------
    random
        Where all chance comes from.
    image
        (h, w) or (h, w, 3), 0 to 1.

    Returns
    -------
    NDArray[np.float32]
        Of the same shape, 0 to 1.
    """
    image = np.asarray(image, np.float32)
    if random.random() < 0.8:
        # small blurs are common, large ones rare
        image = _blur(image, sigma=float(random.exponential(0.5)) + 0.2)
    if random.random() < 0.5:
        image = _uneven_light(random, image)
    image = _contrast(random, image)
    if random.random() < 0.12:
        image = _stripes(random, image)
    image = _noise(random, image)
    if random.random() < 0.07:
        image = 1 - image
    if random.random() < 0.07:
        image = _compress(image, step=float(random.uniform(0.02, 0.07)))
    return np.ascontiguousarray(np.clip(image, 0, 1), np.float32)


def _over_colors(field: NDArray[np.float32], image: NDArray[np.float32]) -> NDArray[np.float32]:
    return field if image.ndim == 2 else field[..., None]


def _blur(image: NDArray[np.float32], *, sigma: float) -> NDArray[np.float32]:
    sigma = min(sigma, 1.6)
    return ndimage.gaussian_filter(image, (sigma, sigma, 0)[: image.ndim], truncate=3)


def _uneven_light(random: np.random.Generator, image: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = image.shape[:2]
    light = np.zeros((height, width), np.float32)
    if random.random() < 0.6:
        scale = random.uniform(0.2, 0.6) * max(height, width)
        light += random.uniform(0.02, 0.1) * smooth_noise(random, (height, width), scale)
    if random.random() < 0.4:
        y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        x = np.linspace(-1, 1, width, dtype=np.float32)[None]
        center_y, center_x = random.uniform(-0.4, 0.4, 2).astype(np.float32)
        light -= random.uniform(0.05, 0.2) * ((y - center_y) ** 2 + (x - center_x) ** 2)
    return (image * _over_colors(np.exp(light), image)).astype(np.float32)


def _contrast(random: np.random.Generator, image: NDArray[np.float32]) -> NDArray[np.float32]:
    gamma = float(np.exp(random.normal(0, 0.2)))
    image = np.clip(image, 0, 1) ** np.float32(gamma)
    contrast = np.float32(random.uniform(0.6, 1.15))
    middle = np.float32(image.mean())
    image = (image - middle) * contrast + middle
    # brighter or darker, but not so much that parts turn all black or all white
    low, high = np.quantile(image[::4, ::4], [0.02, 0.98])
    shift = np.clip(random.normal(0, 0.08), min(-low, 0), max(1 - high, 0))
    return image + np.float32(shift)


def _stripes(random: np.random.Generator, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lines of a scan, or the curtains that an ion beam leaves."""
    height, width = image.shape[:2]
    vertical = random.random() < 0.5
    length, across = (height, width) if vertical else (width, height)
    lines = random.standard_normal(across, dtype=np.float32)
    lines = ndimage.gaussian_filter1d(lines, random.uniform(0.3, 3))
    lines = lines / (lines.std() + 1e-6)
    field = np.repeat(lines[None], length, axis=0)
    if random.random() < 0.5:
        # curtains begin and end on the way
        fade = 0.5 + 0.5 * smooth_noise(random, (length, across), length / 3)
        field = field * np.clip(fade, 0, 1.5)
    field = field if vertical else field.T
    return (image + random.uniform(0.01, 0.04) * _over_colors(field, image)).astype(np.float32)


def _noise(random: np.random.Generator, image: NDArray[np.float32]) -> NDArray[np.float32]:
    size = image.shape
    # no more than what there is to see bears
    most = 0.008 + 0.6 * float(image[::2, ::2].std())
    strength = np.float32(min(random.exponential(0.025), 0.09, most))
    noise = random.standard_normal(size, dtype=np.float32)
    if random.random() < 0.3:
        # detectors slower than the scan, and demosaicing, smear the noise over neighbors
        sigma = random.uniform(0.4, 1.0)
        noise = ndimage.gaussian_filter(noise, (sigma, sigma, 0)[: len(size)], truncate=3)
        noise /= noise.std() + 1e-6
    image = image + strength * noise
    if random.random() < 0.4:
        # counted electrons or photons: their noise grows with the root of the light, and beyond a
        # few dozen a normal law tells the same as Poisson's, much sooner
        counts = np.float32(np.exp(random.uniform(np.log(80), np.log(2000))))
        deviation = np.minimum(np.sqrt(np.clip(image, 0, 1) / counts), np.float32(most))
        image = image + deviation * random.standard_normal(size, dtype=np.float32)
    return image


def _compress(image: NDArray[np.float32], *, step: float) -> NDArray[np.float32]:
    """What JPEG leaves: blocks of 8 x 8 pixels whose finer waves are rounded more coarsely."""
    from scipy.fft import dctn, idctn

    height, width = image.shape[:2]
    edges = [(0, -height % 8), (0, -width % 8), (0, 0)][: image.ndim]
    padded = np.pad(image, edges, mode="edge")
    rows, columns = padded.shape[0] // 8, padded.shape[1] // 8
    blocks = padded.reshape(rows, 8, columns, 8, -1)
    waves = dctn(blocks, axes=(1, 3), norm="ortho")
    frequency = np.arange(8, dtype=np.float32)
    steps = step * (1 + 0.5 * np.add.outer(frequency, frequency))[None, :, None, :, None]
    coarse = idctn(np.rint(waves / steps) * steps, axes=(1, 3), norm="ortho")
    return coarse.reshape(padded.shape)[:height, :width].astype(np.float32)
