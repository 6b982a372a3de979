"""Cross-sections: stacks of coatings, and the melt pools of additive manufacturing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .degradation import degrade
from .materials import (
    Random,
    Shape,
    border_distance,
    levels,
    log_uniform,
    pitted,
    scratched,
    streaks,
    tidied,
    turned,
    warped,
)
from .scene import Scene, relabeled, smooth_noise

# Kinds of layer in the order of their class, from 1, with the gray levels that are usual.
LAYERS: dict[str, tuple[float, float]] = {
    "resin": (0.03, 0.25),
    "porous": (0.4, 0.75),
    "oxide": (0.2, 0.6),
    "columnar": (0.4, 0.8),
    "metal": (0.55, 0.9),
    "mottled": (0.35, 0.8),
}


def layers(random: Random, shape: Shape) -> Scene:
    """A cross-section of a coating: three to six wavy layers, each with a texture of its own."""
    kinds = _stack(random)
    depth, level, tilt = _depth(random, shape)
    bounds = _interfaces(random, shape, kinds, depth, level)
    index = np.zeros(shape, np.int64)
    for bound in bounds:
        index += depth > bound
    gray = _grays(random, kinds)
    image = np.zeros(shape, np.float32)
    for number, kind in enumerate(kinds):
        here = index == number
        image[here] = gray[number] + _texture(random, shape, kind, tilt)[here]
    if random.random() < 0.3:
        # a bright or dark line along interfaces, where edges charge
        line = np.exp(-((border_distance(index) / random.uniform(0.7, 1.6)) ** 2))
        image += random.uniform(-0.2, 0.2) * line
    if random.random() < 0.4:
        image = _cracked(random, image, depth, level, bounds)
    if random.random() < 0.15:
        image = scratched(random, image)

    # pieces cut off by the rough of an interface are of the layer that they lie in
    pieces = tidied(relabeled(index), smallest=max(20, shape[0] * shape[1] // 2000))
    votes = np.zeros((pieces.max() + 1, len(kinds)), np.int64)
    np.add.at(votes, (pieces.ravel(), index.ravel()), 1)
    numbers = np.array([list(LAYERS).index(kind) + 1 for kind in kinds])
    kind_of = numbers[votes.argmax(axis=1)]
    return Scene(
        degrade(random, np.clip(image, 0, 1)), pieces[None], kind_of[pieces].astype(np.uint8)
    )


def _stack(random: Random) -> list[str]:
    """Kinds from the outside in: mostly resin, a coat, an oxide, what is under it."""
    kinds = ["resin"] if random.random() < 0.75 else []
    kinds.append(str(random.choice(["porous", "columnar", "mottled", "metal"])))
    if random.random() < 0.85:
        kinds.append("oxide")
    if random.random() < 0.5:
        kinds.append(str(random.choice(["metal", "mottled", "porous"])))
    kinds.append(str(random.choice(["metal", "mottled"])))
    if len(kinds) < 3:
        kinds.insert(1, "oxide")
    return kinds


def _depth(random: Random, shape: Shape) -> tuple[NDArray, NDArray, float]:
    """Coordinates through the stack, 0 to 1 of the image, and along it; and the stack's angle."""
    tilt = random.normal(0, 0.06) if random.random() < 0.8 else random.uniform(0, 2 * np.pi)
    if random.random() < 0.15:
        tilt += np.pi
    rough = random.uniform(0, 2.5)
    y, x = warped(random, shape, amplitude=rough, scale=random.uniform(3, 10))
    along, across = turned(y, x, tilt)
    return across - across.min(), along - along.min(), float(tilt)


def _interfaces(
    random: Random, shape: Shape, kinds: list[str], depth: NDArray, level: NDArray
) -> list[NDArray]:
    """Where each layer ends, per pixel, each one below the one before it."""
    total = float(depth.max())
    unit = min(shape) / 320
    thin = {"oxide": (8 * unit, 60 * unit)}
    thick = np.array(
        [log_uniform(random, *thin.get(kind, (0.12 * total, 0.4 * total))) for kind in kinds]
    )
    fixed = np.array([kind in thin for kind in kinds])
    rest = max(total - thick[fixed].sum(), 0.4 * total)
    thick[~fixed] *= rest / thick[~fixed].sum()
    length = int(np.ceil(level.max())) + 2
    columns = np.clip(level.astype(np.intp), 0, length - 1)
    wave = total * log_uniform(random, 0.003, 0.04)
    scale = random.uniform(0.1, 0.5) * length
    bound = np.zeros(length, np.float32)
    shared = wave * _wave(random, length, scale)
    bounds = []
    for thickness, is_thin in zip(thick[:-1], fixed, strict=False):
        # each interface follows the one before it, more or less
        most = 0.3 if is_thin else 0.15
        own = np.clip(1 + random.uniform(0.02, most) * _wave(random, length, scale), 0.4, 2)
        bound = bound + thickness * own
        fine = random.uniform(0, 1.5) * _wave(random, length, random.uniform(2, 8))
        bounds.append((bound + shared + fine)[columns])
    return bounds


def _wave(random: Random, length: int, scale: float) -> NDArray[np.float32]:
    return smooth_noise(random, (8, length), max(scale, 1))[4]


def _grays(random: Random, kinds: list[str]) -> list[float]:
    """A usual gray level for each layer that differs from that of the layer before."""
    apart = random.uniform(0.08, 0.2)
    grays: list[float] = []
    for kind in kinds:
        low, high = LAYERS[kind]
        tries = random.uniform(low, high, 12)
        gray = tries[0]
        if grays:
            away = np.abs(tries - grays[-1])
            gray = tries[np.argmax(away > apart)] if (away > apart).any() else tries[away.argmax()]
        grays.append(float(gray))
    return grays


def _texture(random: Random, shape: Shape, kind: str, tilt: float) -> NDArray[np.float32]:
    if kind == "porous":
        pores = smooth_noise(random, shape, random.uniform(1.5, 5)) > random.uniform(1.1, 2.2)
        splats = streaks(random, shape, tilt, along=15, across=3)
        return (random.uniform(0, 0.03) * splats - random.uniform(0.15, 0.4) * pores).astype(
            np.float32
        )
    if kind == "columnar":
        width = random.uniform(3, 10)
        columns = streaks(random, shape, tilt + np.pi / 2, along=80, across=width)
        return np.float32(random.uniform(0.03, 0.08)) * columns
    if kind == "mottled":
        field = smooth_noise(random, shape, random.uniform(2, 8))
        if random.random() < 0.5:
            # around the gray of the layer, so that neither phase looks like the next layer
            spots = field > random.uniform(0, 1.2)
            return np.float32(random.uniform(0.06, 0.16)) * (spots - np.float32(spots.mean()))
        return np.float32(random.uniform(0.02, 0.06)) * field
    strength = random.uniform(0.005, 0.03)
    return np.float32(strength) * smooth_noise(random, shape, random.uniform(1, 12))


def _cracked(
    random: Random, image: NDArray, depth: NDArray, level: NDArray, bounds: list[NDArray]
) -> NDArray:
    """Thin dark cracks, across a layer or along an interface, that are no segments."""
    wander = smooth_noise(random, (image.shape[0], image.shape[1]), 12)
    edges = [np.zeros_like(depth), *bounds, np.full_like(depth, depth.max())]
    for _ in range(int(random.integers(1, 5))):
        width, strength = random.uniform(0.5, 1.3), random.uniform(0.15, 0.5)
        number = int(random.integers(1, len(edges)))
        if random.random() < 0.7:
            at = random.uniform(0, level.max())
            distance = level - at + random.uniform(0, 3) * wander
            part = (depth > edges[number - 1]) & (depth < edges[number])
        else:
            start = random.uniform(-0.3, 0.8) * level.max()
            distance = depth - edges[number - 1] - random.uniform(1, 4) + wander
            part = (level > start) & (level < start + random.uniform(0.2, 0.8) * level.max())
        image = image * (1 - strength * np.exp(-((distance / width) ** 2)) * part)
    return image


@dataclass(frozen=True)
class _Build:
    """How the pools of an image lie: 0 is what was there before, later ones have higher numbers."""

    pools: NDArray[np.int32]
    last: NDArray[np.bool_]  # the row at the surface; nowhere if the surface is not in the image
    outside: NDArray[np.bool_]


def melt_pools(random: Random, shape: Shape) -> Scene:
    """A cross-section of an additively manufactured part: rows of overlapping melt pools."""
    build = _build(random, shape)
    pools = build.pools
    if build.last.any() and random.random() < 0.35:
        # the rows below have grown together, as after heat treatment
        pools = np.where(build.last, pools, 0)
    labels = np.where(build.outside, pools.max() + 1, pools)
    parts = tidied(relabeled(labels), smallest=max(16, labels.size // 4000))
    # 1 pool, 2 outside, 3 what was there before or has grown together; by most of each part
    kinds = np.where(build.outside, 1, np.where(pools > 0, 0, 2))
    votes = np.bincount(3 * parts.ravel() + kinds.ravel(), minlength=3 * (parts.max() + 1))
    classes = (votes.reshape(-1, 3).argmax(axis=1) + 1)[parts].astype(np.uint8)

    image = _show_pools(random, parts, classes)
    partitions = [parts]
    if classes.min() != classes.max():
        partitions.append(tidied(relabeled(classes), smallest=1))
    return Scene(degrade(random, np.clip(image, 0, 1)), np.stack(partitions), classes)


def _build(random: Random, shape: Shape) -> _Build:
    height, width = shape
    hatch = min(log_uniform(random, 32, 120), width / 2.5)
    step = max(hatch * random.uniform(0.3, 0.6), 10)
    deep = step * random.uniform(1.3, 2.2)
    slope = random.normal(0, 0.03)
    wobble = random.uniform(0.3, 1.5)
    y, x = warped(random, shape, amplitude=wobble, scale=random.uniform(8, 25))
    y += np.float32(slope) * x
    margin = int(5 * wobble + abs(slope) * width) + 2
    seen = random.random() < 0.55
    top = height * random.uniform(0.08, 0.45) if seen else -2 * deep
    bottom = height + deep
    if random.random() < 0.3:
        # a substrate, or but one row of tracks on it
        bottom = max(height * random.uniform(0.4, 0.85), top + 1.01 * step)
    pools = np.zeros(shape, np.int32)
    count = 0
    for surface in np.arange(top, bottom, step)[::-1]:
        # rows are turned against each other, so that their pools are cut at other angles
        spacing = hatch * random.uniform(0.8, 1.4)
        first = count + 1
        centers = np.arange(-random.uniform(0, spacing), width + spacing, spacing)
        for center in centers[:: random.choice([-1, 1])]:
            count += 1
            half = spacing * random.uniform(0.6, 0.8)
            rows = slice(
                *np.clip(
                    [surface - step - margin, surface + 1.3 * deep + margin], 0, height
                ).astype(int)
            )
            columns = slice(
                *np.clip([center - half - margin, center + half + margin], 0, width).astype(int)
            )
            across = np.abs(x[rows, columns] - center) / half
            floor = surface + deep * random.uniform(0.8, 1.2) * (
                1 - across ** random.uniform(1.6, 2.5)
            )
            here = (y[rows, columns] < floor) & (across < 1)
            pools[rows, columns][here] = count
    none = np.zeros(shape, bool)
    if not seen:
        return _Build(pools, none, none)
    # beads stand out of the surface
    bead = np.abs(np.sin(np.pi * (x - centers[0] - spacing / 2) / spacing))
    outside = y < top - random.uniform(0, 0.25) * step * bead
    return _Build(pools, (pools >= first) & ~outside, outside)


def _show_pools(random: Random, parts: NDArray, classes: NDArray[np.uint8]) -> NDArray:
    shape = parts.shape[0], parts.shape[1]
    count = int(parts.max()) + 1
    gray, before = levels(random, 2, apart=0.06)
    sign = -1 if random.random() < 0.65 else 1
    if sign < 0:
        # dark lines need something to be darker than
        gray = max(gray, 0.3)
    own = random.normal(0, random.uniform(0, 0.04), count)
    image = (gray + own[parts]).astype(np.float32)
    image[classes == 3] += before - gray
    outside = classes == 2

    # dendrites grow toward the middle of a pool, in each one along another direction
    angles = (np.pi / 2 + random.normal(0, random.uniform(0.2, 0.8), count)).astype(np.float32)
    grown = streaks(
        random, shape, angles[parts], along=random.uniform(10, 40), across=random.uniform(1.5, 4)
    )
    texture = random.uniform(0.01, 0.05)
    image += np.float32(texture) * grown
    if random.random() < 0.5:
        image += np.float32(random.uniform(0.01, 0.03)) * smooth_noise(random, shape, 3)

    distance = border_distance(parts)
    line = np.exp(-((distance / random.uniform(0.7, 2.2)) ** 2))
    line *= np.clip(0.9 + 0.25 * smooth_noise(random, shape, 20), 0.4, 1.3)
    # what the texture hides nobody could draw
    image += sign * (random.uniform(0.07, 0.2) + 1.5 * texture) * line
    if random.random() < 0.3:
        # beside its line a pool was heated, and etches differently
        image += random.uniform(-0.08, 0.08) * np.exp(-distance / random.uniform(4, 9))
    if random.random() < 0.4:
        image = pitted(random, image, most=30)
    if random.random() < 0.15:
        image = scratched(random, image)
    resin = random.uniform(0.02, 0.2) if random.random() < 0.85 else random.uniform(0.8, 0.95)
    if abs(resin - gray) < 0.12:
        resin = max(gray - 0.15, 0.02)
    image[outside] = resin + 0.02 * smooth_noise(random, shape, 2)[outside]
    return image
