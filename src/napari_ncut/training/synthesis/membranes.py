"""Brain tissue under the electron microscope: neurites, their membranes, mitochondria."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .degradation import degrade
from .scene import Scene, relabeled, smooth_noise
from .shapes import Field, blob, distance_to_border, offsets, partition, sausage, tidy

CYTOPLASM, MEMBRANE, MITOCHONDRION = 1, 2, 3


def membranes(random: np.random.Generator, shape: tuple[int, int]) -> Scene:
    """Neurites with dark membranes, mitochondria and vesicles."""
    from scipy import ndimage

    width = random.uniform(2, 5.5)
    cells = _neurites(random, shape, smallest=5 * width + 14)
    slow = smooth_noise(random, shape, random.uniform(25, 50))
    local = width * (1 + 0.12 * slow)
    cells, distance = _rounded(cells, local, random.uniform(1, 3))
    count = int(cells.max())
    cytoplasm = random.uniform(0.5, 0.8)
    dark = cytoplasm - random.uniform(0.25, 0.5)
    tones = (cytoplasm + random.uniform(0.01, 0.1) * random.normal(size=count + 1)).astype(
        np.float32
    )
    image = tones[cells]
    image += random.uniform(0.01, 0.06) * smooth_noise(random, shape, random.uniform(1, 2.5))
    # Filaments and reticulum: the crests of a noise field.
    crests = np.abs(smooth_noise(random, shape, random.uniform(4, 9)))
    image -= random.uniform(0, 0.15) * np.clip(1 - 4 * crests, 0, 1)
    mitochondria = np.zeros(shape, np.int32)
    room = (distance - local / 2).astype(np.float32)
    _add_mitochondria(random, image, cells, room, mitochondria, (dark, cytoplasm))
    free = (mitochondria == 0) & (room > 3)
    _add_vesicles(random, image, free, dark)
    # Cut aslant, a membrane is a wide pale band.
    aslant = np.clip(slow - 1.2, 0, 1)
    broad = local * (1 + random.uniform(0, 1.5) * aslant)
    cover = np.clip((broad / 2 - distance + 0.5) / (1 + 2 * aslant), 0, 1) * (1 - 0.45 * aslant)
    depth = dark + 0.04 * smooth_noise(random, shape, 3)
    image = image * (1 - cover) + depth * cover
    _add_synapses(random, image, distance, dark)
    image = ndimage.gaussian_filter(image, random.uniform(0.3, 1.0))
    classes = np.full(shape, CYTOPLASM, np.uint8)
    classes[distance < local / 2 + 0.5] = MEMBRANE
    classes[mitochondria > 0] = MITOCHONDRION
    fine = tidy(np.where(mitochondria > 0, count + mitochondria, cells))
    image = degrade(random, np.clip(image, 0, 1).astype(np.float32))
    return Scene(image, np.stack([fine, relabeled(cells)]), classes)


def _neurites(
    random: np.random.Generator, shape: tuple[int, int], *, smallest: float
) -> NDArray[np.int32]:
    """Small cells, some of them joined to large or long ones."""
    scale = float(np.exp(random.uniform(np.log(smallest), np.log(80))))
    cells = partition(
        random,
        shape,
        scale=scale,
        unevenness=random.uniform(0.2, 0.7),
        elongation=min(float(1 + random.exponential(0.7)), 3.0),
        warp=random.uniform(0.25, 0.5),
    )
    pairs = np.concatenate(
        [
            np.stack([cells[:-1].ravel(), cells[1:].ravel()], 1),
            np.stack([cells[:, :-1].ravel(), cells[:, 1:].ravel()], 1),
        ]
    )
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    many = int(cells.max()) + 1
    pairs = np.stack(np.divmod(np.unique(pairs.min(1) * many + pairs.max(1)), many), 1)
    new = np.arange(many)
    part = random.uniform(0, 0.15)
    for one, two in pairs[random.uniform(size=len(pairs)) < part]:
        if len(np.unique(new[1:])) > 3:
            new[new == new[one]] = new[two]
    return relabeled(new[cells])


def _rounded(
    cells: NDArray[np.int32], width: Field, corner: float
) -> tuple[NDArray[np.int32], Field]:
    """Cells without sharp corners and slivers, and the distance from their membranes' middle."""
    from scipy import ndimage

    distance = distance_to_border(cells)
    reach = width / 2 + corner
    core = distance > reach
    if not core.any():
        return cells, distance
    # What a disk reaches that stays within the cell is the cell; the rest is membrane.
    away, nearest = ndimage.distance_transform_edt(~core, return_indices=True)
    distance = np.where(core, distance, np.maximum(reach - away, 0)).astype(np.float32)
    pieces = relabeled((cells * (distance > width / 2)).astype(np.int32))
    return relabeled(pieces[nearest[0], nearest[1]]), distance


def _add_mitochondria(
    random: np.random.Generator,
    image: Field,
    cells: NDArray[np.int32],
    room: Field,
    mitochondria: NDArray[np.int32],
    tones: tuple[float, float],
) -> None:
    """Drawn where they fit.

    `room` is the distance from the membranes, `tones` are those of membranes and cytoplasm.
    """
    shape = (image.shape[0], image.shape[1])
    places = np.argwhere(room > random.uniform(5, 9))
    if not len(places):
        return
    unit = random.uniform(0.6, 1.3)
    dark = tones[0]
    interior = dark + random.uniform(0.2, 0.6) * (tones[1] - dark)
    grain = smooth_noise(random, shape, 1.5)
    wanted = int(random.integers(0, 14) * shape[0] * shape[1] / 320**2) + 1
    for number, place in enumerate(places[random.integers(0, len(places), wanted)], start=1):
        width = unit * random.uniform(12, 30)
        center = (float(place[0]), float(place[1]))
        long = width * random.uniform(1, 3)
        patch = sausage(random, shape, center, width, long, bend=0.35)
        if patch is None:
            continue
        window = patch.window
        # A cell's own membrane hems its mitochondria.
        depth = np.minimum((1 - patch.level) * patch.radius, room[window] - 2)
        depth = depth + 0.6 * smooth_noise(random, (depth.shape[0], depth.shape[1]), 8)
        same = cells[window] == cells[tuple(place)]
        inside = (depth > 0) & same & (mitochondria[window] == 0)
        if inside.sum() < 80:
            continue
        pieces = relabeled(inside.astype(np.int32))
        here = pieces[place[0] - window[0].start, place[1] - window[1].start]
        inside &= pieces == here
        if inside.sum() < 80 or depth[inside].max() < 4:
            continue
        rows = np.arange(window[0].start, window[0].stop, dtype=np.float32)[:, None]
        columns = np.arange(window[1].start, window[1].stop, dtype=np.float32)[None]
        turn = random.uniform(0, np.pi)
        phase = rows * np.sin(turn) + columns * np.cos(turn)
        phase = phase + 3 * smooth_noise(random, (depth.shape[0], depth.shape[1]), 10)
        cristae = np.sin(phase * (2 * np.pi / random.uniform(4, 8)))
        tone = interior + random.normal(0, 0.03) + 0.03 * grain[window]
        tone = tone + random.uniform(0.02, 0.1) * cristae * np.clip(depth / 3 - 0.6, 0, 1)
        # Two membranes and the gap between them.
        tone = tone + 0.08 * np.exp(-((depth - 2.6) ** 2)) - 0.1 * np.exp(-((depth - 4.5) ** 2))
        tone = np.where(depth < 1.8, dark + 0.02, tone)
        cover = np.clip(depth + 0.5, 0, 1) * inside
        image[window] = image[window] * (1 - cover) + tone * cover
        mitochondria[window][inside] = number


def _add_vesicles(
    random: np.random.Generator, image: Field, free: NDArray[np.bool_], dark: float
) -> None:
    """Swarms of small rings, in the cytoplasm only."""
    shape = (image.shape[0], image.shape[1])
    places = np.argwhere(free)
    if not len(places) or random.random() < 0.25:
        return
    radius = random.uniform(1.8, 3.5)
    filled = random.uniform(-0.1, 0.1)
    for swarm in places[random.integers(0, len(places), random.integers(1, 8))]:
        spread = random.uniform(5, 18)
        for _ in range(random.integers(3, 25)):
            place = swarm + random.normal(0, spread, 2)
            at = int(place[0]), int(place[1])
            if not (0 <= at[0] < shape[0] and 0 <= at[1] < shape[1] and free[at]):
                continue
            found = offsets(shape, (float(place[0]), float(place[1])), radius + 2)
            if found is None:
                continue
            away = np.hypot(found[1], found[2])
            ring = np.exp(-(((away - radius) / 0.8) ** 2)) * free[found[0]]
            image[found[0]] += ring * (dark - image[found[0]]) * 0.8
            image[found[0]] += filled * (away < radius - 0.5) * free[found[0]]


def _add_synapses(random: np.random.Generator, image: Field, distance: Field, dark: float) -> None:
    """Membranes thick and dark for a short way."""
    shape = (image.shape[0], image.shape[1])
    places = np.argwhere(distance < 1)
    if not len(places):
        return
    for place in places[random.integers(0, len(places), random.integers(0, 7))]:
        reach = random.uniform(6, 14)
        patch = blob(random, shape, (float(place[0]), float(place[1])), reach)
        if patch is None:
            continue
        near = np.exp(-((distance[patch.window] / random.uniform(2.5, 5)) ** 2))
        cover = near * patch.cover(4) * random.uniform(0.5, 0.9)
        image[patch.window] += cover * (dark - 0.05 - image[patch.window])
