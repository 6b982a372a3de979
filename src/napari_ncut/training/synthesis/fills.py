"""Textures of surfaces: noise of many colors, stripes, dots, checks, waves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .scene import smooth_noise
from .shapes import Field, turned


def normalized(field: NDArray) -> Field:
    """Of zero mean and unit deviation."""
    field = field - field.mean()
    return (field / (field.std() + 1e-6)).astype(np.float32)


def _spectral(random: np.random.Generator, shape: tuple[int, int], gain: Callable) -> Field:
    """Noise whose waves have the strength that `gain` gives (cycles per pixel down, across)."""
    from scipy import fft

    down = fft.fftfreq(shape[0]).astype(np.float32)[:, None]
    across = fft.rfftfreq(shape[1]).astype(np.float32)[None]
    white = fft.rfft2(random.standard_normal(shape, dtype=np.float32))
    return normalized(fft.irfft2(white * gain(down, across), s=shape))


def power_noise(random: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Noise whose strength falls with a power of the frequency, faster in one direction."""
    exponent = random.uniform(0.3, 2.2)
    squeeze = float(np.exp(abs(random.normal(0, 0.7))))
    angle = random.uniform(0, np.pi)
    # Slow waves would change the mean gray from place to place.
    slowest = 1 / random.uniform(12, 60)

    def gain(down: Field, across: Field) -> Field:
        one, two = turned(down, across, angle)
        frequency = np.hypot(one * squeeze, two / squeeze)
        return (frequency**2 + slowest**2) ** np.float32(-exponent / 2)

    return _spectral(random, shape, gain)


def gabor_noise(random: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Noise of about one wavelength and one direction, or of one wavelength only."""
    frequency = 1 / np.exp(random.uniform(np.log(3.5), np.log(22)))
    angle = random.uniform(0, np.pi)
    band = frequency * random.uniform(0.1, 0.4)
    round_ = random.random() < 0.3

    def gain(down: Field, across: Field) -> Field:
        if round_:
            ring = (np.hypot(down, across) - frequency) / band
            return np.exp(-(ring**2))
        one, two = turned(down, across, angle)
        return np.exp(-(((np.abs(one) - frequency) / band) ** 2) - (two / band) ** 2)

    return _spectral(random, shape, gain)


def _lattice(
    random: np.random.Generator, shape: tuple[int, int], period: float
) -> tuple[Field, Field]:
    """Turned, bent coordinates in units of a period."""
    rows = np.arange(shape[0], dtype=np.float32)[:, None]
    columns = np.arange(shape[1], dtype=np.float32)[None]
    along, across = turned(rows, columns, random.uniform(0, np.pi))
    bend = float(random.choice([0.0, 0.1, 0.3])) * smooth_noise(random, shape, 6 * period)
    return along / np.float32(period) + bend, across / np.float32(period) + bend


def stripes(random: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Soft or sharp stripes, straight or bent."""
    along, _ = _lattice(random, shape, np.exp(random.uniform(np.log(4), np.log(26))))
    sharpness = float(np.exp(random.uniform(-0.5, 2)))
    return normalized(np.tanh(sharpness * (np.sin(2 * np.pi * along) + random.uniform(-0.6, 0.6))))


def dots(random: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Round dots on a lattice, or spots strewn at random."""
    period = np.exp(random.uniform(np.log(6), np.log(26)))
    if random.random() < 0.5:
        field = smooth_noise(random, shape, period / 4)
        return normalized(np.tanh(4 * (field - random.uniform(0.3, 1.3))))
    along, across = _lattice(random, shape, period)
    waves = np.sin(2 * np.pi * along) + np.sin(2 * np.pi * across)
    return normalized(np.tanh(4 * (waves - random.uniform(0, 1.1))))


def checks(random: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Checks, bricks or a grid of lines."""
    along, across = _lattice(random, shape, np.exp(random.uniform(np.log(7), np.log(30))))
    kind = random.integers(0, 3)
    if kind == 0:
        return normalized(np.tanh(8 * np.sin(2 * np.pi * along) * np.sin(2 * np.pi * across)))
    if kind == 1:
        across = (across + 0.5 * (np.floor(along) % 2)).astype(np.float32)
        along = along * np.float32(random.uniform(0.5, 1))
    joints = np.minimum(np.abs(along % 1 - 0.5), np.abs(across % 1 - 0.5))
    return normalized(np.clip(joints * 12, 0, 1) + 0.1 * smooth_noise(random, shape, 2))


def creases(random: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Ridges such as of bark, fur and cloth."""
    field = power_noise(random, shape)
    return normalized(np.abs(field) ** 0.7)


def flat(random: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Almost nothing: slow shades."""
    return 0.12 * smooth_noise(random, shape, random.uniform(20, 120))


# Of fields of zero mean and unit deviation (`flat` less).
FILLS: dict[str, Callable[[np.random.Generator, tuple[int, int]], Field]] = {
    "power noise": power_noise,
    "gabor noise": gabor_noise,
    "stripes": stripes,
    "dots": dots,
    "checks": checks,
    "creases": creases,
    "flat": flat,
}


def fill(random: np.random.Generator, shape: tuple[int, int]) -> Field:
    """One of `FILLS`, noise more often than what people made."""
    names = list(FILLS)
    weights = np.array([5, 2, 1.5, 1.5, 1, 2, 1])
    return FILLS[names[random.choice(len(names), p=weights / weights.sum())]](random, shape)


def color(random: np.random.Generator, *, vividness: float = 0.5) -> NDArray[np.float32]:
    """Red, green, blue; gray for a `vividness` of 0."""
    gray = random.uniform(0.1, 0.9)
    away = random.normal(0, 0.25, 3) * vividness * random.choice([0.3, 1.0, 1.6])
    return np.clip(gray + away - away.mean(), 0.02, 0.98).astype(np.float32)
