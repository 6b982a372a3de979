"""Outlines of blobs, polygons and sausages in windows of an image, and partitions of the plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .scene import relabeled, smooth_noise

Field = NDArray[np.float32]


@dataclass(frozen=True)
class Patch:
    """A shape in its window of an image.

    Attributes
    ----------
    window : two slices
        Where in the image.
    level : float32 array
        0 at the center, 1 on the outline, more outside.
    radius : float
        Pixels from level 0 to level 1, about.
    """

    window: tuple[slice, slice]
    level: Field
    radius: float

    @property
    def inside(self) -> NDArray[np.bool_]:
        """What the outline encloses."""
        return self.level < 1

    def cover(self, softness: float = 1.0) -> Field:
        """1 inside, 0 outside, with an edge `softness` pixels wide."""
        return np.clip((1 - self.level) * (self.radius / softness) + 0.5, 0, 1)


def offsets(
    shape: tuple[int, int], center: tuple[float, float], reach: float
) -> tuple[tuple[slice, slice], Field, Field] | None:
    """The window `reach` pixels around a center, and in it the rows and columns from the center.

    None where no pixel of the image lies in it.
    """
    starts = [max(0, int(c - reach)) for c in center]
    stops = [min(side, int(c + reach) + 2) for c, side in zip(center, shape, strict=True)]
    if starts[0] >= stops[0] or starts[1] >= stops[1]:
        return None
    rows = np.arange(starts[0], stops[0], dtype=np.float32)[:, None] - np.float32(center[0])
    columns = np.arange(starts[1], stops[1], dtype=np.float32)[None] - np.float32(center[1])
    return (slice(starts[0], stops[0]), slice(starts[1], stops[1])), rows, columns


def turned(rows: Field, columns: Field, angle: float) -> tuple[Field, Field]:
    """Coordinates along and across a direction."""
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return cosine * columns + sine * rows, cosine * rows - sine * columns


def blob(
    random: np.random.Generator,
    shape: tuple[int, int],
    center: tuple[float, float],
    radius: float,
    *,
    elongation: float = 1.0,
    angle: float | None = None,
    roughness: float = 0.15,
    margin: float = 3.0,
) -> Patch | None:
    """A smoothly deformed ellipse of about that mean radius."""
    stretch = float(np.sqrt(elongation))
    angle = random.uniform(0, np.pi) if angle is None else angle
    orders = np.arange(2, 7)
    sizes = 1.3 * roughness * random.normal(size=5) / orders**1.5
    phases = random.uniform(0, 2 * np.pi, 5)
    found = offsets(shape, center, radius * stretch * (1 + np.abs(sizes).sum()) + margin)
    if found is None:
        return None
    along, across = turned(found[1], found[2], angle)
    along, across = along / (radius * stretch), across / (radius / stretch)
    # The outline as a table over angles: cosines of every pixel would cost more than all else.
    turns = np.linspace(-np.pi, np.pi, 1025)
    outline = 1 + (sizes * np.cos(orders * turns[:, None] + phases)).sum(1)
    outline = np.maximum(outline, 0.3).astype(np.float32)
    place = (np.arctan2(across, along) + np.float32(np.pi)) * np.float32(512 / np.pi)
    level = np.hypot(along, across) / outline[np.minimum(place.astype(np.intp), 1023)]
    return Patch(found[0], level.astype(np.float32), radius / stretch)


def sausage(
    random: np.random.Generator,
    shape: tuple[int, int],
    center: tuple[float, float],
    width: float,
    length: float,
    *,
    angle: float | None = None,
    bend: float = 0.4,
    margin: float = 3.0,
) -> Patch | None:
    """A bent bar with round ends; `bend` is how far its middle leaves the chord, over length."""
    found = offsets(shape, center, (length + width) / 2 + margin)
    if found is None:
        return None
    along, across = turned(found[1], found[2], random.uniform(0, np.pi) if angle is None else angle)
    half = max((length - width) / 2, 1e-3)
    curve = random.uniform(-bend, bend) / max(half, width)
    across = across - np.float32(curve) * (along**2 - half**2 / 2)
    level = np.hypot(np.maximum(np.abs(along) - half, 0), across) / (width / 2)
    return Patch(found[0], level.astype(np.float32), width / 2)


def polygon(
    random: np.random.Generator,
    shape: tuple[int, int],
    center: tuple[float, float],
    radius: float,
    *,
    corners: int = 4,
    margin: float = 3.0,
) -> Patch | None:
    """A convex polygon whose sides lie at about `radius` from its center."""
    found = offsets(shape, center, radius * 1.6 + margin)
    if found is None:
        return None
    spread = np.pi / corners * 0.35
    sides = np.arange(corners) * 2 * np.pi / corners + random.uniform(0, 2 * np.pi)
    sides = sides + random.uniform(-spread, spread, corners)
    far = radius * random.uniform(0.65, 1.0, corners)
    # The corners of a triangle would reach out of the window, hence the circle.
    level = np.hypot(found[1], found[2]) / np.float32(radius * 1.6)
    for side, distance in zip(sides, far, strict=True):
        level = np.maximum(level, turned(found[1], found[2], side)[0] / np.float32(distance))
    return Patch(found[0], level.astype(np.float32), radius * 0.8)


def superellipse(
    random: np.random.Generator,
    shape: tuple[int, int],
    center: tuple[float, float],
    radius: float,
    *,
    elongation: float = 1.0,
    margin: float = 3.0,
) -> Patch | None:
    """Between a diamond and a rectangle with round corners."""
    stretch = float(np.sqrt(elongation))
    found = offsets(shape, center, radius * stretch * 1.42 + margin)
    if found is None:
        return None
    along, across = turned(found[1], found[2], random.uniform(0, np.pi))
    power = np.float32(random.choice([1.2, 2.0, 3.0, 5.0, 9.0]))
    sides = np.abs(along) / (radius * stretch), np.abs(across) / (radius / stretch)
    level = (sides[0] ** power + sides[1] ** power) ** (1 / power)
    return Patch(found[0], level.astype(np.float32), radius / stretch)


def branches(
    random: np.random.Generator,
    shape: tuple[int, int],
    center: tuple[float, float],
    radius: float,
    *,
    arms: int = 4,
    margin: float = 3.0,
) -> Patch | None:
    """Arms of their own lengths from one center."""
    found = offsets(shape, center, radius + margin)
    if found is None:
        return None
    width = radius * random.uniform(0.1, 0.28)
    turns = np.arange(arms) * 2 * np.pi / arms + random.uniform(0, 2 * np.pi)
    level = np.hypot(found[1], found[2]) / np.float32(width * random.uniform(1, 2))
    for turn in turns + random.normal(0, 0.25, arms):
        length = radius * random.uniform(0.5, 1.0)
        along, across = turned(found[1], found[2], turn)
        across = across - np.float32(random.uniform(-0.5, 0.5) / radius) * along**2
        # Arms become thinner to their ends.
        thin = width * (1 - 0.6 * np.clip(along / length, 0, 1))
        beyond = np.maximum(np.maximum(-along, along - (length - width)), 0)
        level = np.minimum(level, np.hypot(beyond, across) / thin)
    return Patch(found[0], level.astype(np.float32), width)


def partition(
    random: np.random.Generator,
    shape: tuple[int, int],
    *,
    scale: float,
    unevenness: float = 0.5,
    elongation: float = 1.0,
    warp: float = 0.4,
) -> NDArray[np.int32]:
    """Warped Voronoi cells some `scale` pixels wide, numbered from 1.

    A larger `unevenness` gives small cells beside large ones; `warp` bends their sides by up to
    about that part of the scale.
    """
    from scipy import ndimage

    # The cells are made on a plane around the image, which the warped image then looks up.
    side = int(np.hypot(*shape) + 2 * scale)
    tall = int(side / elongation) + 8
    candidates = max(3, int(4 * side * tall * elongation / scale**2))
    points = np.stack([random.integers(0, tall, candidates), random.integers(0, side, candidates)])
    density = smooth_noise(random, (tall, side), max(8.0, 2.5 * scale))
    wanted = np.exp(1.2 * unevenness * density[points[0], points[1]])
    keep = random.uniform(size=candidates) < 0.25 * wanted
    keep[:3] = True
    seeds = np.zeros((tall, side), np.int32)
    seeds[points[0][keep], points[1][keep]] = np.arange(1, keep.sum() + 1)
    nearest = ndimage.distance_transform_edt(
        seeds == 0, return_distances=False, return_indices=True
    )
    cells = seeds[nearest[0], nearest[1]]
    rows = np.arange(shape[0], dtype=np.float32)[:, None] - shape[0] / 2
    columns = np.arange(shape[1], dtype=np.float32)[None] - shape[1] / 2
    for size, amount in ((1.5 * scale, 0.7 * warp), (0.5 * scale, 0.25 * warp)):
        shift = amount * scale * smooth_noise(random, shape, max(size, 3))
        # Seen from the opposite corner, a second field for the price of one.
        rows, columns = rows + shift, columns + shift[::-1, ::-1]
    along, across = turned(rows, columns, random.uniform(0, np.pi))
    at_row = np.clip(across / elongation + tall / 2, 0, tall - 1).astype(np.intp)
    at_column = np.clip(along + side / 2, 0, side - 1).astype(np.intp)
    return tidy(cells[at_row, at_column], max(6, int(0.02 * scale**2 / elongation)))


def tidy(segments: NDArray, minimum: int = 12) -> NDArray[np.int32]:
    """Connected pieces, numbered from 1; those smaller than `minimum` go to the nearest other."""
    from scipy import ndimage

    # Of booleans, `label` would leave the false ones out.
    pieces = relabeled(np.asarray(segments, np.int32))
    small = np.bincount(pieces.ravel()) < minimum
    # No piece has the number 0.
    small[0] = False
    if not small.any() or small[1:].all():
        return pieces
    _, nearest = ndimage.distance_transform_edt(small[pieces], return_indices=True)
    return relabeled(pieces[nearest[0], nearest[1]])


def distance_to_border(segments: NDArray) -> Field:
    """Pixels from the nearest pixel of another segment, half a pixel at the border itself."""
    from scipy import ndimage

    border = np.zeros(segments.shape, bool)
    border[:-1] |= segments[:-1] != segments[1:]
    border[:, :-1] |= segments[:, :-1] != segments[:, 1:]
    if not border.any():
        return np.full(segments.shape, np.inf, np.float32)
    distance: Field = ndimage.distance_transform_edt(~border).astype(np.float32)
    return distance
