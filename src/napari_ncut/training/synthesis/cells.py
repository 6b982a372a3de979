"""Cells under the light microscope: fluorescent nuclei, stained tissue, blood."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .degradation import degrade
from .scene import Scene, smooth_noise
from .shapes import Field, Patch, blob, tidy

BACKGROUND, NUCLEUS, CYTOPLASM, RED_CELL, STROMA, PLATELET = 1, 2, 3, 4, 5, 6


def fluorescence(random: np.random.Generator, shape: tuple[int, int]) -> Scene:
    """Fluorescent nuclei, alone and in clusters, some out of focus, over a dim haze."""
    from scipy import ndimage

    radius = float(np.exp(random.uniform(np.log(5), np.log(28))))
    light = np.zeros(shape, np.float32)
    segments = np.zeros(shape, np.int32)
    grain = smooth_noise(random, shape, max(2.0, radius * random.uniform(0.12, 0.4)))
    roughness = random.uniform(0.05, 0.22)
    # Dyes that bleach and cells in many phases: within a picture the brightness varies manyfold.
    spread = random.uniform(0.1, 0.6)
    rim = random.uniform(1.5, 6)
    depth = random.uniform(0.05, 0.3)
    centers = _clustered(random, shape, radius)
    haze = random.uniform(0.02, 0.3) if random.random() < 0.6 else 0.0
    cytoplasm = np.zeros(shape, np.float32)
    for number, center in enumerate(centers, start=1):
        size = radius * float(np.exp(random.normal(0, 0.2)))
        patch = blob(
            random,
            shape,
            center,
            size,
            elongation=random.uniform(1, 1.9),
            roughness=roughness,
            margin=size * 0.8 if haze else 3,
        )
        if patch is None:
            continue
        brightness = float(np.exp(random.normal(-0.3, spread)))
        if haze:
            glow = np.exp(-1.2 * np.maximum(patch.level - 0.7, 0) ** 2 * 4)
            np.maximum(cytoplasm[patch.window], glow * brightness, out=cytoplasm[patch.window])
        inside = patch.inside
        before = segments[patch.window]
        if inside.sum() < 12 or (before[inside] > 0).mean() > 0.35:
            continue
        profile = 1 - 0.45 * np.clip(patch.level, 0, 1.3) ** rim
        texture = 1 + depth * grain[patch.window]
        for _ in range(random.integers(0, 4)):
            # Nucleoli take no dye, chromocenters much.
            spot = np.array(center) + random.normal(0, size * 0.35, 2)
            rows = np.arange(patch.window[0].start, patch.window[0].stop)[:, None] - spot[0]
            columns = np.arange(patch.window[1].start, patch.window[1].stop)[None] - spot[1]
            near = np.exp(-(rows**2 + columns**2) / (2 * (0.14 * size) ** 2))
            texture = texture + random.choice([-0.3, 0.3]) * near
        new = (brightness * profile * texture * patch.cover(1.5)).astype(np.float32)
        # Where two overlap their light adds, though the upper hides some of the lower.
        under = light[patch.window]
        light[patch.window] = new + under * (1 - 0.7 * patch.cover(1.5))
        before[inside] = number
    top = max(float(np.quantile(light[segments > 0], 0.9)), 0.2) if (segments > 0).any() else 1.0
    image = light / top + haze * cytoplasm * (1 + 0.3 * smooth_noise(random, shape, 4))
    image += _out_of_focus(random, shape, radius)
    base = random.uniform(0, 0.3)
    image += base * (1 + 0.3 * smooth_noise(random, shape, random.uniform(60, 200)))
    image = ndimage.gaussian_filter(image, random.uniform(0.3, 1.5))
    # A camera's range is seldom filled: faint pictures, and others that saturate.
    low, high = random.uniform(0, 0.15), random.uniform(0.5, 1.1)
    image = low + (high - low) * image / (1 + base)
    nuclei = segments > 0
    segments = tidy(segments)
    # Scraps may have been joined to the background, hence classes from the final segments.
    classes = np.where(_majority(segments, nuclei), NUCLEUS, BACKGROUND)
    return Scene(degrade(random, np.clip(image, 0, 1)), segments[None], classes.astype(np.uint8))


def _majority(segments: NDArray[np.int32], marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Segments more than half of whose pixels are marked."""
    sizes = np.bincount(segments.ravel())
    share = np.bincount(segments.ravel(), marked.ravel().astype(float)) / np.maximum(sizes, 1)
    chosen: NDArray[np.bool_] = (share > 0.5)[segments]
    return chosen


def _clustered(
    random: np.random.Generator, shape: tuple[int, int], radius: float
) -> list[tuple[float, float]]:
    """Centers of nuclei, partly in clusters."""
    area = shape[0] * shape[1]
    count = area / (np.pi * radius**2) * np.exp(random.uniform(np.log(0.04), np.log(0.6)))
    count = int(np.clip(count, 3, 260))
    clusters = random.uniform(0, shape, (max(1, int(count / random.uniform(2, 12))), 2))
    near = clusters[random.integers(0, len(clusters), count)]
    near = near + random.normal(0, radius * random.uniform(1.2, 3), (count, 2))
    alone = random.uniform(0, shape, (count, 2))
    together = random.uniform(size=count) < random.choice([0.1, 0.5, 0.9])
    centers = np.where(together[:, None], near, alone)
    return [(float(row), float(column)) for row, column in centers]


def _out_of_focus(random: np.random.Generator, shape: tuple[int, int], radius: float) -> Field:
    """Light of nuclei above and below the plane, and of small debris within it."""
    from scipy import ndimage

    light = np.zeros(shape, np.float32)
    if random.random() < 0.5:
        for _ in range(random.integers(1, 8)):
            center = (random.uniform(0, shape[0]), random.uniform(0, shape[1]))
            patch = blob(random, shape, center, radius, elongation=1.4)
            if patch is not None:
                light[patch.window] += random.uniform(0.08, 0.35) * patch.cover(radius / 2)
        light = ndimage.gaussian_filter(light, radius * random.uniform(0.3, 0.7))
    if random.random() < 0.4:
        count = random.integers(2, 25)
        spots = np.zeros(shape, np.float32)
        at = random.integers(0, shape[0], count), random.integers(0, shape[1], count)
        spots[at] = random.uniform(1, 5, count)
        light += ndimage.gaussian_filter(spots, random.uniform(0.6, 1.2))
    return light


def stained(random: np.random.Generator, shape: tuple[int, int]) -> Scene:
    """Stained tissue in pink and purple, or a smear of blood."""
    return _tissue(random, shape) if random.random() < 0.5 else _smear(random, shape)


def _dyed(
    random: np.random.Generator, amounts: list[tuple[Field, tuple[float, float, float]]]
) -> NDArray[np.float32]:
    """What light is left after dyes, each with its amount and what it takes of red, green, blue."""
    absorbed = np.zeros((*amounts[0][0].shape, 3), np.float32)
    for amount, dye in amounts:
        colors = np.array(dye) * np.exp(random.normal(0, 0.12, 3))
        absorbed += np.maximum(amount, 0)[..., None] * colors.astype(np.float32)
    lamp = random.uniform(0.82, 0.98) * np.exp(random.normal(0, 0.03, 3))
    if random.random() < 0.25:
        # A lamp without white balance.
        lamp = lamp * np.array([1.0, random.uniform(0.88, 1), random.uniform(0.7, 0.95)])
    image = lamp.astype(np.float32) * np.exp(-absorbed)
    return np.clip(image, 0, 1)


def _gently(random: np.random.Generator, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Degraded half of the time, else with a little noise only."""
    if random.random() < 0.5:
        return degrade(random, image)
    noise = random.standard_normal(image.shape, dtype=np.float32)
    return np.clip(image + np.float32(random.uniform(0, 0.02)) * noise, 0, 1)


def _tissue(random: np.random.Generator, shape: tuple[int, int]) -> Scene:
    radius = float(np.exp(random.uniform(np.log(4), np.log(15))))
    # Fibers: noise looked up along warped, stretched coordinates.
    stretch = random.uniform(3, 9)
    waves = smooth_noise(random, shape, random.uniform(30, 90))
    rows = np.arange(shape[0])[:, None] + 12 * waves
    columns = np.arange(shape[1])[None] / stretch + 0 * waves
    fibers = smooth_noise(random, shape, random.uniform(1.5, 4))
    fibers = fibers[rows.astype(int) % shape[0], columns.astype(int) % shape[1]]
    clouds = smooth_noise(random, shape, random.uniform(15, 60))
    strength = random.uniform(0.4, 0.9)
    pink = strength * (1 + random.uniform(0.05, 0.25) * fibers + random.uniform(0, 0.2) * clouds)
    purple = random.uniform(0.02, 0.25) * (1 + 0.4 * clouds)
    gaps = np.zeros(shape, bool)
    if random.random() < 0.7:
        field = smooth_noise(random, shape, random.uniform(12, 60))
        field += 0.25 * smooth_noise(random, shape, 6)
        gaps = field > random.uniform(0.9, 1.9)
    segments = np.zeros(shape, np.int32)
    grain = smooth_noise(random, shape, max(1.5, radius * 0.25))
    area = shape[0] * shape[1]
    count = int(np.clip(area / (np.pi * radius**2) * random.choice([0.1, 0.25, 0.45, 0.7]), 5, 400))
    # Crowded in glands, rare between them.
    crowd = smooth_noise(random, shape, random.uniform(20, 80))
    darkness = random.uniform(0.5, 1.3)
    spread, slender = random.uniform(0.05, 0.35), random.random() < 0.4
    fading = random.uniform(1.0, 2.5)
    for number in range(2, count + 2):
        at = random.integers(0, shape[0]), random.integers(0, shape[1])
        if gaps[at] or crowd[at] < random.normal(0, 1.0):
            continue
        turn = float(waves[at]) * 0.4 + random.normal(0, 0.3) if slender else None
        patch = blob(
            random,
            shape,
            (float(at[0]), float(at[1])),
            radius * float(np.exp(random.normal(0, 0.18))),
            elongation=random.uniform(1.8, 4) if slender else random.uniform(1, 1.8),
            angle=turn,
            roughness=0.25,
        )
        if patch is None:
            continue
        inside = patch.inside & ~gaps[patch.window]
        before = segments[patch.window]
        if inside.sum() < 12 or (before[inside] > 0).mean() > 0.3:
            continue
        # Vesicular nuclei are pale inside a dark rim, others dark throughout.
        pale = random.uniform(0, 0.5) * random.integers(0, 2)
        level = np.clip(patch.level, 0, 1)
        strongest = darkness * float(np.exp(random.normal(0, spread)))
        amount = strongest * (1 - pale * (1 - level**4)) * (1 + 0.2 * grain[patch.window])
        cover = patch.cover(fading)
        window = purple[patch.window]
        window[...] = window * (1 - cover) + amount * cover
        before[inside] = number
    segments[gaps] = 1
    nuclei = segments > 1
    inside_gap = gaps[..., None]
    image = _dyed(random, [(pink, (0.12, 0.75, 0.35)), (purple, (0.85, 1.05, 0.5))])
    white = np.float32(random.uniform(0.86, 0.97)) + 0.008 * fibers[..., None]
    image = np.where(inside_gap, white, image).astype(np.float32)
    parts = tidy(segments, max(12, int(radius)))
    classes = np.full(shape, STROMA, np.uint8)
    classes[_majority(parts, nuclei)] = NUCLEUS
    classes[_majority(parts, gaps)] = BACKGROUND
    levels = [parts]
    if gaps.any():
        levels.append(tidy(classes == BACKGROUND, 30))
    return Scene(_gently(random, image), np.stack(levels), classes)


def _smear(random: np.random.Generator, shape: tuple[int, int]) -> Scene:
    """Blood: many red cells, a few white ones, platelets."""
    radius = float(np.exp(random.uniform(np.log(9), np.log(32))))
    red, blue = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    parts, cells = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    kinds = np.full(shape, BACKGROUND, np.uint8)
    middle = random.choice([0.0, 0.4, 0.8])
    amount = random.uniform(0.3, 0.8)
    softness = random.uniform(1, 2.5)
    area = shape[0] * shape[1]
    count = int(area / (np.pi * radius**2) * random.choice([0.15, 0.4, 0.8, 1.2]))
    for number in range(2, max(count, 4) + 2):
        size = radius * float(np.exp(random.normal(0, 0.08)))
        patch = blob(
            random,
            shape,
            (random.uniform(0, shape[0]), random.uniform(0, shape[1])),
            size,
            elongation=float(1 + random.exponential(0.1)),
            roughness=random.uniform(0.02, 0.12),
        )
        if patch is None or (cells[patch.window][patch.inside] > 1).mean() > 0.15:
            continue
        level = np.clip(patch.level, 0, 1)
        # Discs that are thinner in the middle; where two overlap both take light.
        thick = 1 - middle * random.uniform(0.6, 1) * np.exp(-((level / 0.45) ** 2))
        thick = thick * (1 + 0.15 * level**6)
        red[patch.window] += amount * random.uniform(0.85, 1.15) * thick * patch.cover(softness)
        for target, value in ((parts, number), (cells, number), (kinds, RED_CELL)):
            target[patch.window][patch.inside] = value
    number = count + 10
    whites = int(random.choice([1, 1, 2, 3, 5]))
    for _ in range(whites):
        number += 2
        _white_cell(random, shape, radius, number, red, blue, parts, cells, kinds)
    for _ in range(random.integers(0, 6)):
        number += 1
        center = (random.uniform(0, shape[0]), random.uniform(0, shape[1]))
        patch = blob(random, shape, center, radius * random.uniform(0.2, 0.35), roughness=0.4)
        if patch is None or (parts[patch.window][patch.inside] > 0).any():
            continue
        blue[patch.window] += random.uniform(0.3, 0.7) * patch.cover(1.5)
        for target, value in ((parts, number), (cells, number), (kinds, PLATELET)):
            target[patch.window][patch.inside] = value
    plasma = random.uniform(0, 0.12) * (1 + 0.3 * smooth_noise(random, shape, 80))
    mottle = 1 + 0.04 * smooth_noise(random, shape, 3)
    tint = float(random.uniform(0, 1))
    blood = (0.08 + 0.1 * tint, 0.8, 0.75 - 0.35 * tint)
    stain = (0.95, 1.25 - 0.15 * tint, 0.25 + 0.25 * tint)
    dyes = [((red + plasma) * mottle, blood), (blue * mottle, stain)]
    image = _dyed(random, dyes)
    parts, cells = tidy(parts, 20), tidy(cells, 20)
    return Scene(_gently(random, image), np.stack([parts, cells]), kinds)


def _white_cell(
    random: np.random.Generator,
    shape: tuple[int, int],
    radius: float,
    number: int,
    red: Field,
    blue: Field,
    parts: NDArray[np.int32],
    cells: NDArray[np.int32],
    kinds: NDArray[np.uint8],
) -> None:
    """Drawn over what is there: its cytoplasm, granules, and a nucleus of one to four lobes."""
    size = radius * random.uniform(1.1, 2.1)
    margin = min(size, 0.3 * min(shape))
    center = (
        random.uniform(margin, shape[0] - margin),
        random.uniform(margin, shape[1] - margin),
    )
    body = blob(random, shape, center, size, elongation=random.uniform(1, 1.25), roughness=0.12)
    if body is None:
        return
    window = body.window
    lobes = int(random.integers(1, 5))
    # A lymphocyte's one nucleus nearly fills it.
    part = random.uniform(0.55, 0.88) if lobes == 1 else random.uniform(0.32, 0.45)
    turn = random.uniform(0, 2 * np.pi)
    room = (body.level.shape[0], body.level.shape[1])
    level = np.full(room, 9, np.float32)
    for lobe in range(lobes):
        away = (0.0 if lobes == 1 else random.uniform(0.38, 0.5)) * size
        angle = turn + lobe * random.uniform(1.1, 1.7)
        place = (center[0] + away * np.sin(angle), center[1] + away * np.cos(angle))
        one = blob(random, shape, place, part * size, elongation=1.25, roughness=0.25)
        if one is not None:
            _lower(level, body, one)
    nucleus = Patch(window, np.maximum(level, body.level / 0.95), part * size)
    cover, core = body.cover(1.5), nucleus.cover(1.8)
    grain = smooth_noise(random, room, max(1.5, size * 0.06))
    pale = random.uniform(0.12, 0.4) * (1 + random.uniform(0.05, 0.4) * grain)
    dark = random.uniform(0.8, 1.5) * (1 + 0.1 * grain)
    rosy = random.uniform(0.02, 0.3) if random.random() < 0.5 else 0.03
    blue[window] = blue[window] * (1 - cover) + cover * (pale * (1 - core) + dark * core)
    red[window] = red[window] * (1 - cover) + cover * rosy
    for target, values in (
        (parts, (number, number + 1)),
        (cells, (number, number)),
        (kinds, (CYTOPLASM, NUCLEUS)),
    ):
        target[window][body.inside] = values[0]
        target[window][nucleus.inside & body.inside] = values[1]


def _lower(level: Field, body: Patch, other: Patch) -> None:
    """The lesser of two levels, where the other's window lies in the body's."""
    ours, theirs = [], []
    for one, two in zip(body.window, other.window, strict=True):
        start, stop = max(one.start, two.start), min(one.stop, two.stop)
        if start >= stop:
            return
        ours.append(slice(start - one.start, stop - one.start))
        theirs.append(slice(start - two.start, stop - two.start))
    target = level[ours[0], ours[1]]
    np.minimum(target, other.level[theirs[0], theirs[1]], out=target)
