"""Micrographs of polycrystals and of precipitates, and what all images of materials share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .degradation import degrade
from .scene import Scene, relabeled, smooth_noise

Random = np.random.Generator
Shape = tuple[int, int]

# Borders of grains, and how often each look of them is drawn.
BORDERS = {"dark": 0.4, "bright": 0.15, "groove": 0.2, "none": 0.25}


def log_uniform(random: Random, low: float, high: float) -> float:
    """A number between the two, every doubling of it as likely as any other."""
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def coordinates(shape: Shape) -> tuple[NDArray, NDArray]:
    """Rows and columns of all pixels, float32."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return y, x


def warped(
    random: Random, shape: Shape, *, amplitude: float, scale: float
) -> tuple[NDArray, NDArray]:
    """Rows and columns displaced by some `amplitude` pixels, so that lines drawn in them wobble."""
    y, x = coordinates(shape)
    y += np.float32(amplitude) * smooth_noise(random, shape, scale)
    x += np.float32(amplitude) * smooth_noise(random, shape, scale)
    return y, x


def turned(y: NDArray, x: NDArray, angle: float | NDArray) -> tuple[NDArray, NDArray]:
    """Coordinates along and across a direction, `angle` radians from the rows."""
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    if isinstance(angle, np.ndarray):
        cosine, sine = np.cos(angle), np.sin(angle)
    return cosine * x + sine * y, cosine * y - sine * x


def scattered(random: Random, y: NDArray, x: NDArray, *, pitch: float, jitter: float) -> NDArray:
    """Points (n, 2) of a jittered square grid over all that the coordinates reach, and beyond."""
    rows = np.arange(y.min() - pitch, y.max() + 2 * pitch, pitch)
    columns = np.arange(x.min() - pitch, x.max() + 2 * pitch, pitch)
    points = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
    # half a random step of the whole grid, else all images would share their corner
    shift = random.uniform(-0.5, 0.5, 2) * pitch
    return points + shift + random.uniform(-jitter, jitter, points.shape) * pitch


def nearest(y: NDArray, x: NDArray, points: NDArray, *, norm: float = 2) -> NDArray[np.int64]:
    """Which of the points, (n, 2), or (n, 3) with heights, is nearest to each pixel.

    With heights the cells are those of a power diagram: the higher the point, the smaller its cell.
    """
    from scipy.spatial import cKDTree

    tree = cKDTree(points)

    def ask(rows: NDArray, columns: NDArray) -> NDArray[np.int64]:
        query = np.zeros((rows.size, points.shape[1]))
        query[:, 0], query[:, 1] = rows.ravel(), columns.ravel()
        return tree.query(query, p=norm)[1].reshape(rows.shape)

    # where the corners of a block agree, so do the pixels in it: most need not be asked about
    step = 3
    coarse = ask(y[::step, ::step], x[::step, ::step])
    sure = np.zeros(coarse.shape, bool)
    corner = coarse[:-1, :-1]
    sure[:-1, :-1] = (
        (corner == coarse[1:, :-1]) & (corner == coarse[:-1, 1:]) & (corner == coarse[1:, 1:])
    )
    of_rows, of_columns = (np.arange(side) // step for side in y.shape)
    cells = coarse[of_rows[:, None], of_columns]
    unsure = ~sure[of_rows[:, None], of_columns]
    cells[unsure] = ask(y[unsure], x[unsure])
    return cells


def tidied(segments: NDArray, *, smallest: int) -> NDArray[np.int32]:
    """Numbered from 1 without gaps; segments of fewer pixels go to their nearest neighbors."""
    sizes = np.bincount(segments.ravel())
    small = sizes < smallest
    if small[sizes > 0].all():
        small[np.argmax(sizes)] = False
    lost = small[segments]
    if lost.any():
        near = ndimage.distance_transform_edt(lost, return_distances=False, return_indices=True)
        segments = segments[tuple(near)]
    numbers = np.zeros(len(sizes), np.int32)
    kept = (sizes > 0) & ~small
    numbers[kept] = np.arange(1, kept.sum() + 1)
    return numbers[segments]


def border_distance(segments: NDArray) -> NDArray[np.float32]:
    """How many pixels each one is from the nearest border of two segments."""
    border = np.zeros(segments.shape, bool)
    border[1:] |= segments[1:] != segments[:-1]
    border[:, 1:] |= segments[:, 1:] != segments[:, :-1]
    if not border.any():
        return np.full(segments.shape, max(segments.shape), np.float32)
    return ndimage.distance_transform_edt(~border).astype(np.float32)


def streaks(
    random: Random, shape: Shape, angle: float | NDArray, *, along: float, across: float
) -> NDArray[np.float32]:
    """Noise drawn out along a direction, one for all or one per pixel, of about unit deviation."""
    along_it, across_it = turned(*coordinates(shape), angle)
    table = random.standard_normal((64, 128), dtype=np.float32)
    field = ndimage.map_coordinates(
        table, [along_it / along, across_it / across], order=1, mode="grid-wrap"
    )
    return (1.5 * field).astype(np.float32)


def pitted(random: Random, image: NDArray, *, most: int = 60) -> NDArray:
    """The image with small dark pits, or bright specks, that are no segments."""
    dots = np.zeros(image.shape, np.float32)
    count = int(random.integers(3, most))
    rows, columns = (random.integers(0, side, count) for side in image.shape)
    dots[rows, columns] = random.uniform(0.3, 1, count)
    sigma = random.uniform(0.6, 1.5)
    dots = ndimage.gaussian_filter(dots, sigma) * (2 * np.pi * sigma**2)
    sign = -1 if random.random() < 0.8 else 1
    return image + sign * random.uniform(0.1, 0.35) * np.minimum(dots, 1)


def scratched(random: Random, image: NDArray) -> NDArray:
    """The image with a few straight scratches of the polish, that are no segments."""
    shape = image.shape[0], image.shape[1]
    main = random.uniform(0, np.pi)
    for _ in range(int(random.integers(1, 6))):
        along, across = turned(*coordinates(shape), main + random.normal(0, 0.2))
        off = random.uniform(across.min(), across.max())
        start = random.uniform(along.min(), along.max())
        end = start + random.uniform(0.2, 1.5) * max(shape)
        line = np.exp(-(((across - off) / random.uniform(0.5, 1.0)) ** 2))
        line *= (along > start) & (along < end)
        image = image + random.choice([-1, 1]) * random.uniform(0.05, 0.18) * line
    return image


def levels(random: Random, count: int, *, apart: float) -> NDArray[np.float64]:
    """Gray levels between 0.15 and 0.85 in random order, at least `apart` from each other."""
    free = max(0.7 - apart * (count - 1), 0)
    cuts = np.sort(random.uniform(0, free, count))
    return random.permutation(0.15 + cuts + apart * np.arange(count))


def grains(random: Random, shape: Shape) -> Scene:
    """A polished or etched polycrystal: grains, sometimes of several phases, sometimes twinned."""
    size = min(log_uniform(random, 14, 90), min(shape) / 3)
    cells = _cells(random, shape, size)
    crystals, parents = cells, np.arange(cells.max() + 1)
    if random.random() < 0.25 and size > 20:
        crystals, parents = _twinned(random, cells, size)
    phases = _phases(random, cells.max() + 1)

    border = str(random.choice(list(BORDERS), p=list(BORDERS.values())))
    contrast = float(random.choice([0, 0.03, 0.08, 0.15]))
    if border == "none":
        contrast = float(random.uniform(0.1, 0.2))
    n_phases = len(np.unique(phases))
    gray = levels(random, n_phases, apart=0.15 if n_phases > 1 else 0)
    gray_of = gray[phases[parents]] + contrast * random.uniform(-1.7, 1.7, len(parents))
    image = _within(gray_of)[crystals].astype(np.float32)
    if random.random() < 0.3:
        image += random.uniform(0.01, 0.04) * smooth_noise(random, shape, size / 2)
    if random.random() < 0.2:
        image += _lamellae(random, crystals, phases[parents] == 0)
    tint: NDArray | None = None
    if contrast > 0.05 and n_phases == 1 and random.random() < 0.25:
        # orientations as colors, the way diffraction maps and polarized light show them
        tint = random.uniform(0.1, 1, (len(parents), 3)).astype(np.float32)[crystals]
    image += _borders(random, crystals, border, faint=contrast > 0.05)
    if random.random() < 0.25:
        image = scratched(random, image)
    if random.random() < 0.3:
        image = pitted(random, image)
    if tint is not None:
        image = tint * np.clip(image + 0.5 - image.mean(), 0, None)[..., None] * 1.6
    elif random.random() < 0.15:
        image = image[..., None] * random.uniform(0.75, 1.1, 3).astype(np.float32)

    # twins are told from their grains only where gray tells them, or a line
    partitions = [crystals] if crystals is cells else [crystals, cells]
    return Scene(
        degrade(random, np.clip(image, 0, 1)),
        np.stack(partitions).astype(np.int32),
        (phases[parents[crystals]] + 1).astype(np.uint8),
    )


def _within(grays: NDArray) -> NDArray:
    """Gray levels brought into what is neither black nor white, so that none become equal."""
    low, high = min(float(grays.min()), 0.06), max(float(grays.max()), 0.94)
    return 0.06 + 0.88 * (grays - low) / (high - low)


def _cells(random: Random, shape: Shape, size: float) -> NDArray[np.int32]:
    wobble = size * random.uniform(0.0, 0.06)
    y, x = warped(random, shape, amplitude=wobble, scale=size * random.uniform(0.3, 0.8))
    along, across = turned(y, x, random.uniform(0, np.pi))
    if random.random() < 0.3:
        # rolled metal
        stretch = np.float32(np.sqrt(random.uniform(1.3, 3)))
        along, across = along / stretch, across * stretch
    sites = scattered(random, along, across, pitch=size, jitter=random.uniform(0.3, 0.9))
    weights = random.uniform(0, random.uniform(0, 1), len(sites))
    if random.random() < 0.2:
        # a few grains have outgrown the others
        weights[random.random(len(sites)) < 0.08] += random.uniform(1, 4)
    heights = size * np.sqrt(weights.max() - weights)
    cells = nearest(along, across, np.column_stack([sites, heights]))
    return tidied(relabeled(cells), smallest=12)


def _twinned(
    random: Random, cells: NDArray[np.int32], size: float
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Grains cut by parallel bands; and which grain each piece is of."""
    count = int(cells.max()) + 1
    share = random.uniform(0.15, 0.6)
    angles = random.uniform(0, np.pi, count).astype(np.float32)
    periods = (np.maximum(size * random.uniform(0.5, 2, count), 14)).astype(np.float32)
    widths = (random.uniform(0.2, 0.4, count) * (random.random(count) < share)).astype(np.float32)
    across = turned(*coordinates((cells.shape[0], cells.shape[1])), angles[cells])[1]
    position = (across / periods[cells]) % 1
    banded = np.where(position < widths[cells], cells + count, cells)
    crystals = tidied(relabeled(banded), smallest=15)
    parents = np.zeros(crystals.max() + 1, np.int64)
    parents[crystals.ravel()] = cells.ravel()
    return crystals, parents


def _phases(random: Random, count: int) -> NDArray[np.int64]:
    n_phases = int(random.choice([1, 2, 3], p=[0.55, 0.3, 0.15]))
    shares = random.dirichlet(np.full(n_phases, 2.0))
    phases = random.choice(n_phases, count, p=shares)
    return np.unique(phases, return_inverse=True)[1]


def _lamellae(random: Random, crystals: NDArray, striped: NDArray) -> NDArray[np.float32]:
    """Thin plates, as of pearlite, turned differently in each grain of one phase."""
    angles = random.uniform(0, np.pi, len(striped)).astype(np.float32)
    shape = crystals.shape[0], crystals.shape[1]
    across = turned(*coordinates(shape), angles[crystals])[1]
    across += smooth_noise(random, shape, 25)
    period = random.uniform(3.5, 7)
    waves = np.sin(across * np.float32(2 * np.pi / period)) * striped[crystals]
    return (random.uniform(0.03, 0.1) * waves).astype(np.float32)


def _borders(random: Random, segments: NDArray, look: str, *, faint: bool) -> NDArray[np.float32]:
    """What lines between segments add to an image; `faint` where gray tells the segments too."""
    shape = segments.shape[0], segments.shape[1]
    if look == "none":
        return np.zeros(shape, np.float32)
    distance = border_distance(segments)
    line = np.exp(-((distance / random.uniform(0.6, 2.5)) ** 2))
    strength = random.uniform(0.05 if faint else 0.12, 0.4)
    if random.random() < 0.5:
        # etching takes some borders more than others
        line *= np.clip(0.85 + 0.25 * smooth_noise(random, shape, 30), 0.3, 1.2)
    if look == "bright":
        return (strength * line).astype(np.float32)
    if look == "dark":
        return (-strength * line).astype(np.float32)
    # a groove lit from one side: one flank bright, the other dark
    shift = [float(step) for step in random.choice([-1.0, 1.0], 2) * random.uniform(0.8, 1.8, 2)]
    relief = ndimage.shift(line, shift, order=1, mode="nearest") - line
    return (strength * (relief - 0.3 * line)).astype(np.float32)


def precipitates(random: Random, shape: Shape) -> Scene:
    """Cuboids of a superalloy, large ones dense between thin channels, small ones within these."""
    size = min(log_uniform(random, 11, 60), min(shape) / 3)
    angle = random.uniform(0, np.pi / 2)
    power = float(random.uniform(2.2, 6))
    large = _cuboids(random, shape, size, angle, power)
    small = np.zeros(shape, bool)
    if random.random() < 0.75:
        small = _sprinkled(random, large, angle, power)
    inside = large | small

    pieces = tidied(relabeled(inside), smallest=4)
    # a piece is precipitate or matrix as its pixels say, also after the smallest have gone
    of = np.zeros(pieces.max() + 1, np.int64)
    np.add.at(of, pieces.ravel(), np.where(inside.ravel(), 1, -1))
    inside = of[pieces] > 0
    one_matrix = tidied(np.where(inside, pieces + 1, 1), smallest=1)
    image = _show_precipitates(random, inside, large, pieces)
    return Scene(
        degrade(random, np.clip(image, 0, 1)),
        np.stack([pieces, one_matrix]).astype(np.int32),
        (1 + inside).astype(np.uint8),
    )


def _cuboids(
    random: Random, shape: Shape, size: float, angle: float, power: float
) -> NDArray[np.bool_]:
    """Superellipses along one lattice, grown until they cover the share that was drawn."""
    y, x = warped(random, shape, amplitude=size * random.uniform(0.01, 0.07), scale=size * 0.5)
    along, across = turned(y, x, angle)
    sites = scattered(random, along, across, pitch=size, jitter=random.uniform(0.1, 0.4))
    sites = sites[random.random(len(sites)) > random.uniform(0, 0.2)]
    # the largest norm makes cells whose sides follow the lattice
    cell = nearest(along, across, sites, norm=np.inf)
    sides = random.lognormal(0, random.uniform(0.05, 0.25), (len(sites), 2)).astype(np.float32)
    points = sites.astype(np.float32)
    rows = np.abs(along - points[cell, 0]) / sides[cell, 0]
    columns = np.abs(across - points[cell, 1]) / sides[cell, 1]
    radius = (rows**power + columns**power) ** np.float32(1 / power)
    channel = random.uniform(0.5, 0.5 + 0.06 * size)
    radius[border_distance(cell) <= channel] = np.inf
    share = min(random.uniform(0.3, 0.65), 0.97 * float(np.isfinite(radius).mean()))
    grown = radius < np.quantile(radius, share)
    # corners that two cells cut are rounded as those that the superellipse makes
    smooth = ndimage.gaussian_filter(grown.astype(np.float32), max(0.8, 0.04 * size))
    return smooth > 0.5


def _sprinkled(
    random: Random, large: NDArray[np.bool_], angle: float, power: float
) -> NDArray[np.bool_]:
    """Small precipitates, of 2 to 6 pixels, with some room to each other and to the large ones."""
    room = ndimage.distance_transform_edt(~large)
    count = int(large.size * log_uniform(random, 0.002, 0.012))
    rows, columns = (random.integers(0, side, count) for side in large.shape)
    radii = random.uniform(1.2, random.uniform(1.5, 3), count)
    fits = room[rows, columns] > radii + 1.2
    rows, columns, radii = rows[fits], columns[fits], radii[fits]
    radius_at = np.zeros(large.shape, np.float32)
    radius_at[rows, columns] = radii
    if not len(rows):
        return np.zeros(large.shape, bool)
    near = ndimage.distance_transform_edt(
        radius_at == 0, return_distances=False, return_indices=True
    )
    y, x = coordinates((large.shape[0], large.shape[1]))
    down, right = (y - near[0]).astype(np.float32), (x - near[1]).astype(np.float32)
    along, across = turned(down, right, angle)
    distance = (np.abs(along) ** power + np.abs(across) ** power) ** (1 / power)
    return (distance <= radius_at[tuple(near)]) & (room > 1)


def _show_precipitates(
    random: Random, inside: NDArray[np.bool_], large: NDArray[np.bool_], pieces: NDArray
) -> NDArray:
    shape = inside.shape[0], inside.shape[1]
    matrix, gray = levels(random, 2, apart=log_uniform(random, 0.12, 0.5))
    own = random.normal(0, random.uniform(0, 0.04), int(pieces.max()) + 1)
    image = np.where(inside, gray + own[pieces], matrix).astype(np.float32)
    if random.random() < 0.3:
        # small ones are seen less well than large ones, as the beam is wider than they are deep
        image[inside & ~large] += (matrix - gray) * random.uniform(0.1, 0.25)
    soft = ndimage.gaussian_filter(inside.astype(np.float32), 0.6)
    if random.random() < 0.35:
        rim = ndimage.gaussian_filter(soft, random.uniform(0.8, 1.6))
        rim = 4 * rim * (1 - rim)
        sign = 1 if random.random() < 0.8 else -1
        image += sign * random.uniform(0.08, 0.3) * rim**2
    if random.random() < 0.35:
        # relief that the etchant left, lit from one side
        down, right = np.gradient(ndimage.gaussian_filter(soft, 1.0))
        light = random.uniform(0, 2 * np.pi)
        image += random.uniform(0.2, 0.6) * (np.cos(light) * right + np.sin(light) * down)
    if random.random() < 0.6:
        texture = smooth_noise(random, shape, random.uniform(1.5, 5))
        where = ~inside if random.random() < 0.5 else np.ones_like(inside)
        image += random.uniform(0.01, 0.05) * texture * where
    if random.random() < 0.2:
        image = pitted(random, image, most=25)
    return image
