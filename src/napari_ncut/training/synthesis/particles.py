"""Micrographs of particles, fibers and pores, alone, heaped and one over the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .degradation import degrade
from .materials import log_uniform, streaks, tidied, turned
from .scene import Scene, smooth_noise

# How far inside each pixel is, in pixels and negative outside, and which facet it is on; of
# coordinates along and across and the half of the size.
Outline = Callable[[np.random.Generator, NDArray, NDArray, float], tuple[NDArray, NDArray]]


@dataclass(frozen=True)
class _Look:
    """What the particles of one kind have in common."""

    outline: Outline
    reach: float  # how many halves of its size a particle extends from its center
    gray: float
    spread: float
    shade: str
    size: float
    deviation: float


def _disc(
    random: np.random.Generator, along: NDArray, across: NDArray, half: float
) -> tuple[NDArray, NDArray]:
    return half - np.hypot(along, across), across / half


def _ellipse(
    random: np.random.Generator, along: NDArray, across: NDArray, half: float
) -> tuple[NDArray, NDArray]:
    aspect = np.float32(random.uniform(1.2, 2.5))
    return (half - np.hypot(along, across * aspect)) / np.sqrt(aspect), across * aspect / half


def _rod(
    random: np.random.Generator, along: NDArray, across: NDArray, half: float
) -> tuple[NDArray, NDArray]:
    thick = half * random.uniform(0.2, 0.4)
    beyond = np.maximum(np.abs(along) - (half - thick), 0)
    return thick - np.hypot(beyond, across), across / thick


def _fiber(
    random: np.random.Generator, along: NDArray, across: NDArray, half: float
) -> tuple[NDArray, NDArray]:
    thick = max(1.2, half * random.uniform(0.03, 0.1))
    bend = random.normal(0, 0.15) / half
    bent = across - bend * along**2
    # steep ends would otherwise be thinner than the middle
    bent = bent / np.sqrt(1 + (2 * bend * along) ** 2)
    return np.minimum(thick - np.abs(bent), half - np.abs(along)), bent / thick


def _polygon(
    random: np.random.Generator, along: NDArray, across: NDArray, half: float
) -> tuple[NDArray, NDArray]:
    sides = int(random.integers(3, 9))
    angles = np.arange(sides) * 2 * np.pi / sides + random.uniform(-0.3, 0.3, sides)
    offsets = half * random.uniform(0.5, 0.8, sides)
    inside = np.stack(
        [
            offset - along * np.float32(np.cos(angle)) - across * np.float32(np.sin(angle))
            for angle, offset in zip(angles, offsets, strict=True)
        ]
    )
    # a flat top within the flanks
    facets = random.uniform(-1, 1, sides + 1).astype(np.float32)[np.argmin(inside, axis=0)]
    depth = inside.min(axis=0)
    return depth, np.where(depth > 0.3 * half, 0.3, facets)


def _blob(
    random: np.random.Generator, along: NDArray, across: NDArray, half: float
) -> tuple[NDArray, NDArray]:
    angle = np.arctan2(across, along)
    radius = np.full_like(along, 0.75)
    for waves in range(2, 6):
        radius += random.normal(0, 0.15 / waves) * np.cos(waves * angle + random.uniform(0, 6))
    return half * radius - np.hypot(along, across), across / half


# Shapes: their outline, how far they reach, and their share.
OUTLINES: dict[str, tuple[Outline, float, float]] = {
    "disc": (_disc, 1.0, 0.25),
    "ellipse": (_ellipse, 1.0, 0.15),
    "rod": (_rod, 1.0, 0.12),
    "polygon": (_polygon, 1.6, 0.2),
    "blob": (_blob, 1.3, 0.18),
    "fiber": (_fiber, 1.2, 0.1),
}
SHADES = ["flat", "sphere", "edge", "facets", "edge and sphere"]


def particles(random: np.random.Generator, shape: tuple[int, int]) -> Scene:
    """Particles of one or two kinds before a background, or pores in a body."""
    pores = random.random() < 0.15
    ground = random.uniform(0.5, 0.85) if pores else random.uniform(0.08, 0.7)
    image = np.float32(ground) + _ground(random, shape)
    segments = np.ones(shape, np.int32)
    classes = np.ones(shape, np.uint8)
    looks = [_look(random, shape, ground, pores)]
    if random.random() < 0.35:
        looks.append(_look(random, shape, ground, pores))
    overlap = float(random.choice([0.02, 0.15, 0.6], p=[0.4, 0.3, 0.3]))
    light = random.uniform(0, 2 * np.pi)
    wanted = random.uniform(0.05, 0.55) * segments.size
    covered = 0
    for number, center in enumerate(_centers(random, shape, looks[0].size), start=2):
        kind = int(random.integers(len(looks)))
        pixels, drawn = _draw(random, looks[kind], shape, center, light)
        window = segments[pixels]
        inside = ~np.isnan(drawn)
        area = int(inside.sum())
        if area < 6 or (window[inside] > 1).mean() > overlap:
            continue
        window[inside] = number
        classes[pixels][inside] = kind + 2
        image[pixels][inside] = drawn[inside]
        covered += area
        if covered > wanted:
            break

    # of some particles little more than nothing shows under others: theirs it is then
    lost = (np.bincount(segments.ravel()) < 6)[segments]
    if lost.any():
        near = ndimage.distance_transform_edt(lost, return_distances=False, return_indices=True)
        segments, classes = segments[tuple(near)], classes[tuple(near)]
    if not pores and random.random() < 0.4:
        image = _with_halo(random, image, segments > 1)
    parts = tidied(segments, smallest=1)
    return Scene(degrade(random, np.clip(image, 0, 1)), parts[None], classes)


def _ground(random: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
    """What a background adds: nothing, stains, grain, the pores of a filter, or brush marks."""
    look = random.choice(["even", "stains", "grain", "filter", "brushed"], p=[0.4, *[0.15] * 4])
    strength = np.float32(random.uniform(0.01, 0.05))
    if look == "stains":
        return strength * smooth_noise(random, shape, random.uniform(10, 50))
    if look == "grain":
        return strength * smooth_noise(random, shape, random.uniform(1.5, 4))
    if look == "filter":
        spots = smooth_noise(random, shape, random.uniform(2, 5)) > random.uniform(1.2, 2)
        return -2 * strength * spots.astype(np.float32)
    if look == "brushed":
        return strength * streaks(random, shape, random.uniform(0, np.pi), along=60, across=2)
    return np.zeros(shape, np.float32)


def _look(random: np.random.Generator, shape: tuple[int, int], ground: float, pores: bool) -> _Look:
    shares = np.array([share for _, _, share in OUTLINES.values()])
    outline, reach, _ = OUTLINES[str(random.choice(list(OUTLINES), p=shares))]
    apart = log_uniform(random, 0.12, 0.5)
    brighter = not pores and (random.random() < 0.7 or ground - apart < 0.03)
    if ground + apart > 0.97:
        brighter = False
    size = min(log_uniform(random, 8, 60), min(shape) / 3)
    if outline is _fiber:
        size = min(4 * size, max(shape) / 1.5)
    return _Look(
        outline=outline,
        reach=reach,
        gray=float(np.clip(ground + (apart if brighter else -apart), 0.03, 0.97)),
        spread=float(random.uniform(0, 0.05)),
        shade=str(random.choice(["flat", "edge"] if pores else SHADES)),
        size=size,
        deviation=float(random.uniform(0.05, 0.5)),
    )


def _centers(random: np.random.Generator, shape: tuple[int, int], size: float) -> NDArray:
    """Centers all over the image, or in heaps."""
    count = int(min(400, 20 + 1.5 * shape[0] * shape[1] / size**2))
    centers = random.uniform(-0.03, 1.03, (count, 2)) * shape
    if random.random() < 0.4:
        heaps = random.uniform(0, 1, (int(random.integers(1, 7)), 2)) * shape
        spread = size * random.uniform(0.8, 2.5)
        heaped = heaps[random.integers(0, len(heaps), count)]
        heaped = heaped + random.normal(0, spread, (count, 2))
        centers = np.where(random.random((count, 1)) < 0.85, heaped, centers)
    return centers


def _draw(
    random: np.random.Generator,
    look: _Look,
    shape: tuple[int, int],
    center: NDArray,
    light: float,
) -> tuple[tuple[slice, slice], NDArray[np.float32]]:
    """The window of a particle and its gray levels there, NaN outside of it."""
    half = max(look.size / 2 * random.lognormal(0, look.deviation), 1.6)
    half = min(half, 0.4 * max(shape))
    reach = half * look.reach + 1
    top, left = np.maximum(center - reach, 0).astype(int)
    bottom, right = np.minimum(center + reach + 1, shape).astype(int)
    window = slice(top, max(bottom, top)), slice(left, max(right, left))
    y, x = np.ogrid[window]
    y, x = (y - center[0]).astype(np.float32), (x - center[1]).astype(np.float32)
    if y.size == 0 or x.size == 0:
        return window, np.full((y.size, x.size), np.nan, np.float32)
    depth, flank = look.outline(random, *turned(y, x, random.uniform(0, np.pi)), half)
    gray = np.full(depth.shape, look.gray + random.normal(0, look.spread), np.float32)
    if "sphere" in look.shade:
        # bright where the surface faces the light
        toward = (np.cos(light) * x + np.sin(light) * y) / half
        bulge = np.sqrt(np.clip(depth / max(float(depth.max()), 1), 0, 1))
        gray *= 0.65 + 0.35 * bulge + 0.25 * toward
    if "edge" in look.shade:
        gray += 0.25 * np.exp(-np.maximum(depth, 0) / max(1.0, 0.1 * half))
    if look.shade == "facets":
        gray += 0.12 * np.clip(flank, -1, 1)
    if look.shade in ("flat", "facets"):
        # without a line nobody would see which of two is in front
        gray -= 0.15 * np.exp(-((np.maximum(depth, 0) / 0.9) ** 2))
    return window, np.where(depth > 0, np.clip(gray, 0, 1), np.nan).astype(np.float32)


def _with_halo(
    random: np.random.Generator, image: NDArray[np.float32], inside: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """The background darker next to particles, whose bodies keep electrons from the detector."""
    near = ndimage.gaussian_filter(inside.astype(np.float32), random.uniform(2, 6))
    shadow = np.float32(random.uniform(0.1, 0.35)) * image * near
    return np.where(inside, image, image - shadow)
