"""Things that hide one another, as in photographs, and patchworks of textures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from .degradation import degrade
from .fills import color, fill
from .scene import Scene, smooth_noise
from .shapes import (
    Field,
    Patch,
    blob,
    branches,
    partition,
    polygon,
    sausage,
    superellipse,
    tidy,
)


@dataclass(frozen=True)
class _Look:
    """A surface: two colors, and which field mixes them."""

    colors: NDArray[np.float32]
    bank: int
    strength: float


@dataclass(frozen=True)
class _Light:
    """Where the light comes from in an image, and how hard shades, shadows and rims are."""

    direction: NDArray[np.float64]
    shading: float
    shadow: float
    rim: float


class _Canvas:
    """An image under way, with the numbers of the parts and things that are seen."""

    def __init__(
        self, image: NDArray[np.float32], parts: NDArray[np.int32], banks: list[Field]
    ) -> None:
        self.image, self.banks = image, banks
        self.parts, self.things = parts.copy(), parts.copy()
        self.kinds = np.zeros(parts.shape, np.uint8)
        self.numbers = count(int(parts.max()) + 1)

    def texture(self, patch: Patch, bank: int, start: NDArray[np.intp]) -> Field:
        """A piece of a bank; `start` moves it so that two things of one look differ."""
        field = self.banks[bank]
        sizes = patch.level.shape
        at = [int(s) % (f - n + 1) for s, f, n in zip(start, field.shape, sizes, strict=True)]
        return field[at[0] : at[0] + sizes[0], at[1] : at[1] + sizes[1]]


def objects(random: np.random.Generator, shape: tuple[int, int]) -> Scene:
    """Things of all sizes that hide one another, of several parts or one, some of one kind."""
    vividness = random.choice([0.15, 0.35, 0.7])
    banks = [fill(random, shape) for _ in range(random.integers(2, 5))]
    parts, image = _ground(random, shape, banks, vividness)
    canvas = _Canvas(image, parts, banks)
    turn = random.uniform(0, 2 * np.pi)
    light = _Light(
        np.array([np.sin(turn), np.cos(turn)]),
        random.uniform(0, 0.35),
        random.uniform(0, 0.5) * float(random.integers(0, 2)),
        random.uniform(-0.3, 0.5) * float(random.integers(0, 2)),
    )
    side = min(shape)
    salient = random.random() < 0.25
    smallest = random.uniform(0.015, 0.05) * side
    largest = (0.15 if salient else random.uniform(0.15, 0.4)) * side
    # Power law of sizes: as many pixels in small things as in large ones, or fewer in small.
    power = random.uniform(1.2, 2.5)
    budget = shape[0] * shape[1] * float(np.exp(random.uniform(np.log(0.3), np.log(2.0))))
    sizes: list[float] = []
    while budget > 0 and len(sizes) < 110:
        quantile = random.uniform(0, 1)
        ends = smallest**-power, largest**-power
        sizes.append(float((ends[0] + quantile * (ends[1] - ends[0])) ** (-1 / power)))
        budget -= 2 * sizes[-1] ** 2
    looks = [_look(random, len(banks), vividness) for _ in range(random.integers(2, 9))]
    kinds = [
        (_look(random, len(banks), vividness), _maker(random))
        for _ in range(random.choice([0, 1, 2, 3]))
    ]
    for size in sizes:
        center = (random.uniform(0, shape[0]), random.uniform(0, shape[1]))
        if kinds and size < 0.2 * side and random.random() < 0.5:
            kind = int(random.integers(0, len(kinds)))
            look, make = kinds[kind]
            patch = make(random, shape, center, size)
            if patch is not None:
                _put(random, canvas, [(patch, look)], light, kind=kind + 1)
            continue
        look = looks[random.integers(0, len(looks))]
        if random.random() < 0.5:
            look = _look(random, len(banks), vividness)
        _put(random, canvas, _thing(random, shape, center, size, look, canvas), light)
    if salient:
        # Hard to tell from the ground by its color, which it takes from there.
        center = (shape[0] * random.uniform(0.3, 0.7), shape[1] * random.uniform(0.3, 0.7))
        look = _look(random, len(banks), vividness)
        near = canvas.image[int(center[0]), int(center[1])]
        look = _Look(0.6 * near + 0.4 * look.colors, look.bank, look.strength)
        size = side * random.uniform(0.2, 0.4)
        _put(random, canvas, _thing(random, shape, center, size, look, canvas), light)
    image = np.clip(canvas.image, 0, 1)
    if random.random() < 0.1:
        image = image @ np.array([0.3, 0.59, 0.11], np.float32)
    segmentations = [tidy(canvas.parts, 16)]
    if (canvas.parts != canvas.things).any():
        segmentations.append(tidy(canvas.things, 16))
    return Scene(_gently(random, image), np.stack(segmentations), canvas.kinds)


def _gently(random: np.random.Generator, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Degraded as microscopes do in a third of the images, else with a little noise only."""
    if random.random() < 0.33:
        return degrade(random, image)
    noise = random.standard_normal(image.shape, dtype=np.float32)
    return np.clip(image + np.float32(random.uniform(0, 0.02)) * noise, 0, 1)


def _ground(
    random: np.random.Generator, shape: tuple[int, int], banks: list[Field], vividness: float
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """A textured ground, often under a sky, lighter or darker to one side."""
    parts = np.ones(shape, np.int32)
    rows = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, shape[1], dtype=np.float32)[None]
    height = rows + np.float32(random.normal(0, 0.05)) * columns
    bands = int(random.choice([1, 1, 2, 3]))
    for horizon in random.uniform(0.2, 0.8, bands - 1):
        ridge = smooth_noise(random, (1, shape[1]), random.uniform(15, 120))
        parts += height > horizon + random.uniform(0, 0.05) * ridge
    image = np.empty((*shape, 3), np.float32)
    for band in np.unique(parts):
        look = _look(random, len(banks), vividness)
        where = parts == band
        mix = 0.5 + 0.5 * look.strength * banks[look.bank] * random.uniform(0.2, 1)
        mix = mix + random.uniform(-0.8, 0.8) * (height - 0.5)
        image[where] = look.colors[0] + mix[where][:, None] * (look.colors[1] - look.colors[0])
    return parts, image


def _look(random: np.random.Generator, banks: int, vividness: float) -> _Look:
    base = color(random, vividness=vividness)
    # Two tones of one material, seldom two quite different colors.
    other = color(random, vividness=vividness)
    near = random.uniform(0.5, 0.9) if random.random() < 0.8 else 0.2
    second = near * np.clip(base * random.uniform(0.5, 1.6), 0, 1) + (1 - near) * other
    strength = float(random.choice([0.1, 0.5, 1.0]))
    return _Look(
        np.stack([base, second]).astype(np.float32), int(random.integers(0, banks)), strength
    )


_Maker = Callable[[np.random.Generator, tuple[int, int], tuple[float, float], float], Patch | None]


def _maker(random: np.random.Generator) -> _Maker:
    """A way to make shapes that are alike, such as the leaves of one tree."""
    kind = random.integers(0, 6)
    elongation = float(1 + random.exponential(0.7))
    roughness = random.uniform(0, 0.45)
    number = int(random.integers(3, 7))

    def make(
        random: np.random.Generator,
        shape: tuple[int, int],
        center: tuple[float, float],
        size: float,
    ) -> Patch | None:
        if kind == 0:
            return polygon(random, shape, center, size, corners=number)
        if kind == 1:
            return superellipse(random, shape, center, size, elongation=elongation)
        if kind == 2:
            return branches(random, shape, center, 1.4 * size, arms=number)
        if kind == 3:
            long = 2 + 2 * elongation
            return sausage(random, shape, center, 0.7 * size, 0.35 * long * size, bend=0.5)
        return blob(random, shape, center, size, elongation=elongation, roughness=roughness)

    return make


def _thing(
    random: np.random.Generator,
    shape: tuple[int, int],
    center: tuple[float, float],
    size: float,
    look: _Look,
    canvas: _Canvas,
) -> list[tuple[Patch, _Look]]:
    """The parts of a thing, the hindmost first: often one, else up to four."""
    body = _maker(random)(random, shape, center, size)
    if body is None:
        return []
    found = [(body, look)]
    if size < 8 or random.random() < 0.5:
        return found
    number = int(random.integers(1, 4))
    way = random.integers(0, 3)
    turn = random.uniform(0, 2 * np.pi)
    for part in range(number):
        other = _look(random, len(canvas.banks), 0.4)
        if way == 0:
            # Cut by a line, a part is what lies beyond it.
            rows = np.arange(body.window[0].start, body.window[0].stop, dtype=np.float32)[:, None]
            columns = np.arange(body.window[1].start, body.window[1].stop, dtype=np.float32)[None]
            beyond = np.sin(turn) * (rows - center[0]) + np.cos(turn) * (columns - center[1])
            line = (part / number - 0.3) * size
            bent = beyond + 0.08 * size * smooth_noise(random, beyond.shape, size)
            level = np.maximum(body.level, 1 - (bent - line) / np.float32(body.radius))
            found.append((Patch(body.window, level.astype(np.float32), body.radius), other))
            continue
        angle = turn + part * random.uniform(1, 2.5)
        # Ahead of the body as a head or a leg, or upon it as a spot or a window.
        away = size * (random.uniform(0.9, 1.2) if way == 1 else random.uniform(0, 0.5))
        place = (center[0] + away * np.sin(angle), center[1] + away * np.cos(angle))
        small = size * (random.uniform(0.3, 0.6) if way == 1 else random.uniform(0.2, 0.4))
        piece = _maker(random)(random, shape, place, small)
        if piece is not None:
            found.append((piece, other))
    return found


def _put(
    random: np.random.Generator,
    canvas: _Canvas,
    thing: list[tuple[Patch, _Look]],
    light: _Light,
    *,
    kind: int = 0,
) -> None:
    """Draw a thing over what is there."""
    number = next(canvas.numbers)
    start = random.integers(0, 10_000, 2)
    softness = random.uniform(0.8, 2)
    tone = np.float32(random.uniform(0.75, 1.25))
    for patch, look in thing:
        inside = patch.inside
        if not inside.any():
            continue
        # Parts lie in one plane; only the whole casts a shadow.
        if light.shadow and patch is thing[0][0]:
            _shade(canvas, patch, light)
        mix = 0.5 + 0.5 * look.strength * canvas.texture(patch, look.bank, start)
        # In place, as these arrays take most of the time.
        surface = mix[..., None] * (tone * (look.colors[1] - look.colors[0]))
        surface += tone * look.colors[0]
        if light.shading:
            # As if it bulged: lit where it faces the light, dark at the far rim.
            size = [side / 2 for side in patch.level.shape]
            rows = (np.arange(patch.level.shape[0], dtype=np.float32) / size[0] - 1)[:, None]
            columns = (np.arange(patch.level.shape[1], dtype=np.float32) / size[1] - 1)[None]
            facing = rows * np.float32(light.direction[0])
            facing = facing + columns * np.float32(light.direction[1])
            surface *= 1 - np.float32(light.shading) * facing[..., None]
        window = canvas.image[patch.window]
        if light.rim:
            # Else two things of one look that overlap would be one.
            edge = np.maximum((patch.level - 1) * np.float32(patch.radius / 3) + 1, 0)
            surface *= 1 - np.float32(light.rim) * np.minimum(edge, 1)[..., None]
        surface -= window
        surface *= patch.cover(softness)[..., None]
        window += surface
        canvas.parts[patch.window][inside] = next(canvas.numbers)
        canvas.things[patch.window][inside] = number
        canvas.kinds[patch.window][inside] = kind


def _shade(canvas: _Canvas, patch: Patch, light: _Light) -> None:
    """A soft shadow on what lies behind, away from the light."""
    moved = []
    for part, step in zip(patch.window, light.direction, strict=True):
        far = round(float(step) * (1.5 + 0.12 * patch.radius))
        moved.append((part.start + far, part.stop + far))
    shape = canvas.parts.shape
    starts = [max(0, start) for start, _ in moved]
    stops = [min(side, stop) for (_, stop), side in zip(moved, shape, strict=True)]
    if starts[0] >= stops[0] or starts[1] >= stops[1]:
        return
    level = patch.level[
        starts[0] - moved[0][0] : stops[0] - moved[0][0],
        starts[1] - moved[1][0] : stops[1] - moved[1][0],
    ]
    soft = max(2.0, 0.3 * patch.radius)
    dark = np.clip((1 - level) * patch.radius / soft, 0, 1)
    canvas.image[starts[0] : stops[0], starts[1] : stops[1]] *= (
        1 - np.float32(light.shadow) * dark[..., None]
    )


def textures(random: np.random.Generator, shape: tuple[int, int]) -> Scene:
    """A patchwork of smooth regions, often equal in their mean gray, each of one texture."""
    regions = _regions(random, shape)
    number = int(regions.max())
    kinds = int(random.integers(2, max(3, min(number, 6) + 1)))
    classes = random.integers(1, kinds + 1, number + 1)
    classes[1 : min(kinds, number) + 1] = np.arange(1, min(kinds, number) + 1)
    classes[1:] = random.permutation(classes[1:])
    kind = classes[regions].astype(np.uint8)
    colored = random.random() < 0.5
    channels = 3 if colored else 1
    # By texture alone, by shade too, or by both and color.
    apart = random.choice([0.0, 0.0, 0.04, 0.12])
    vividness = random.choice([0.0, 0.15, 0.5])
    contrast = random.uniform(0.06, 0.22)
    gray = random.uniform(0.3, 0.7)
    image = np.empty((*shape, channels), np.float32)
    seen: list[NDArray[np.float64]] = []
    for name in np.unique(kind):
        where = kind == name
        mean = gray + apart * random.normal() + 0.1 * vividness * random.normal(size=channels)
        along = 1 + vividness * random.normal(size=channels)
        # Two textures that nobody could tell apart would make a border that nobody sees.
        for _ in range(4):
            field = contrast * random.uniform(0.7, 1.4) * fill(random, shape)
            statistics = _statistics(field)
            if all(np.abs(statistics - other).max() > 0.6 for other in seen):
                break
        seen.append(statistics)
        image[where] = mean + field[where][:, None] * along
    image = np.clip(image, 0, 1)
    image = image if colored else image[..., 0]
    # Neighbors of one texture look like one region.
    segments = tidy(kind, 40)
    image = _gently(random, image) if colored else degrade(random, image)
    return Scene(image, segments[None], kind)


def _statistics(field: Field) -> NDArray[np.float64]:
    """Logarithms of how strongly a texture varies, over some steps in four directions."""
    # Of pixels two by two, as blur and noise hide what is finer.
    field = field[:192, :192]
    field = field[: field.shape[0] // 2 * 2, : field.shape[1] // 2 * 2]
    field = field[::2] + field[1::2]
    field = (field[:, ::2] + field[:, 1::2]) * np.float32(0.25)
    found = [field.var()]
    for step in (1, 3):
        found += [
            np.square(field[step:] - field[:-step]).mean(),
            np.square(field[:, step:] - field[:, :-step]).mean(),
            np.square(field[step:, step:] - field[:-step, :-step]).mean(),
            np.square(field[step:, :-step] - field[:-step, step:]).mean(),
        ]
    # Below some contrast all look flat.
    return np.log(np.array(found, float) + 4e-4)


def _spread(random: np.random.Generator, levels: int) -> NDArray[np.float64]:
    """Quantiles that cut a field in levels of not too different areas."""
    shares = np.cumsum(random.uniform(0.3, 1, levels))
    return shares[:-1] / shares[-1]


def _regions(random: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.int32]:
    side = min(shape)
    if random.random() < 0.5:
        return partition(
            random,
            shape,
            scale=side * random.uniform(0.22, 0.5),
            unevenness=random.uniform(0, 0.8),
            elongation=random.uniform(1, 2),
            warp=random.uniform(0, 0.4),
        )
    levels = int(random.integers(2, 5))
    field = smooth_noise(random, shape, side * random.uniform(0.08, 0.3))
    field = field + 0.1 * smooth_noise(random, shape, side * 0.03)
    cuts = np.quantile(field, _spread(random, levels))
    return tidy(np.digitize(field, cuts), int(0.004 * shape[0] * shape[1]) + 1)
