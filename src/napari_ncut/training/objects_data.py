"""Images with things in them that are known, and images with nothing, to learn evidence from.

Of BSDS500's training images those below, chosen by eye: in them the segments that hardly touch the
border of the image are what the picture is of. Nuclei, and stardist's sample, with their labels.
With nothing in them pieces of their backgrounds, and synthesized textures. Synthesized blobs on
textures, since simple things are things as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .samples import Sample
from .synthesis.degradation import degrade
from .synthesis.fills import color, fill
from .synthesis.shapes import blob

# Names of BSDS500's training images in which `things_mask` finds what the picture is of.
CLEAR = frozenset(
    {
        100075, 100080, 103041, 104022, 105019, 105053, 106025, 108041, 108073, 113044, 124084,
        126039, 130034, 134008, 135069, 147021, 15088, 16052, 112082, 155060, 161062, 172032,
        173036, 187029, 187039, 181079, 188063, 207056, 216066, 227040, 227046, 23084, 23025,
        238011, 24004, 24063, 242078, 249061, 253036, 268002, 271031, 28075, 293029, 299091,
        309004, 310007, 311068, 314016, 317080, 326038, 353013, 247085, 271008, 368016, 41004,
        41025, 42044, 42078, 43070, 43083, 46076, 48055, 54005, 55075, 56028, 60079, 61060, 66075,
        67079, 71046, 80099, 8049, 87065, 92059, 94079,
    }
)  # fmt: skip
# Shares of a segment's outline that may lie on the image's border, and of the image's area; pixels
# of a side of the image that are no more than a corner.
_BORDER, _LARGEST, _CORNER = 0.2, 0.6, 8
# Further views of each photograph; pixels of a window of nuclei; textures; things on textures.
_CROPS, _WINDOW, _TEXTURES, _BLOBS = 1, 320, 40, 40
# Of a strip without a thing the share of the image, and pixels across.
_STRIP, _NARROWEST = 0.15, 48


@dataclass(frozen=True)
class Subject:
    """An image and how likely each pixel is of a thing, 0 to 1: all 0 where there is none."""

    name: str
    image: NDArray[np.uint8]
    mask: NDArray[np.float32]


def things_mask(segmentation: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Segments (h, w) that hardly touch the border of the image."""
    n = int(segmentation.max()) + 1
    sides = [segmentation[0], segmentation[-1], segmentation[:, 0], segmentation[:, -1]]
    counts = np.array([np.bincount(side, minlength=n) for side in sides])
    outline = counts.sum(axis=0).astype(float)
    for axis in (0, 1):
        last = segmentation.shape[axis]
        spans = ((0, last - 1), (1, last))
        one, other = (np.take(segmentation, range(*span), axis) for span in spans)
        differ = one != other
        outline += np.bincount(one[differ], minlength=n) + np.bincount(other[differ], minlength=n)
    areas = np.bincount(segmentation.ravel(), minlength=n)
    chosen = counts.sum(axis=0) / np.maximum(outline, 1) < _BORDER
    chosen &= ((counts > _CORNER).sum(axis=0) <= 1) & (areas < _LARGEST * segmentation.size)
    mask: NDArray[np.bool_] = chosen[segmentation]
    return mask


def subjects(samples: dict[str, list[Sample]], *, seed: int = 0) -> list[Subject]:
    """All there is to learn from, of samples by source; the same for the same seed."""
    random = np.random.default_rng(seed)
    natural = [one for one in samples.get("bsds500", []) if int(one.name) in CLEAR]
    found = []
    for sample in natural:
        masks = [things_mask(one) for one in sample.segmentations]
        subject = Subject(sample.name, sample.image, np.mean(masks, axis=0, dtype=np.float32))
        found += [subject, *(cropped(random, subject) for _ in range(_CROPS))]
        found += background(random, subject)
    for source in ("dsb2018", "stardist_samples"):
        for sample in samples.get(source, []):
            mask = (sample.classes == sample.classes.max()).astype(np.float32)
            whole = Subject(sample.name, sample.image, mask)
            found.append(window(random, whole, _WINDOW))
            found += background(random, whole)
    found += [texture(random, i) for i in range(_TEXTURES)]
    return found + [blobs(random, i) for i in range(_BLOBS)]


def cropped(random: np.random.Generator, subject: Subject) -> Subject:
    """A part of an image that has all of its thing in it, at another size."""
    inside = np.argwhere(subject.mask > 0.5)
    spans = []
    for axis in (0, 1):
        first, last = int(inside[:, axis].min()), int(inside[:, axis].max()) + 1
        low = random.integers(0, first + 1)
        spans.append(slice(int(low), int(random.integers(last, subject.mask.shape[axis] + 1))))
    scale = float(np.exp(random.uniform(np.log(0.6), np.log(1.2))))
    return resized(subject, (spans[0], spans[1]), scale)


def window(random: np.random.Generator, subject: Subject, side: int) -> Subject:
    """A square of an image, or all of a smaller one."""
    starts = [int(random.integers(0, max(n - side, 0) + 1)) for n in subject.mask.shape]
    rows, columns = (slice(start, start + side) for start in starts)
    return resized(subject, (rows, columns))


def background(random: np.random.Generator, subject: Subject) -> list[Subject]:
    """The largest strip at a side of the image in which there is nothing, if it is large enough."""
    inside = np.argwhere(subject.mask > 0.1)
    if not len(inside):
        return []
    height, width = subject.mask.shape
    (top, left), (bottom, right) = inside.min(axis=0), inside.max(axis=0) + 1
    everything = slice(None)
    strips = [
        (slice(0, top), everything, top * width),
        (slice(bottom, height), everything, (height - bottom) * width),
        (everything, slice(0, left), left * height),
        (everything, slice(right, width), (width - right) * height),
    ]
    rows, columns, area = max(strips, key=lambda strip: strip[2])
    part = subject.mask[rows, columns]
    if area < _STRIP * height * width or min(part.shape) < _NARROWEST:
        return []
    scale = float(np.exp(random.uniform(0, np.log(1.6))))
    return [resized(subject, (rows, columns), scale, name=f"background of {subject.name}")]


def texture(random: np.random.Generator, number: int) -> Subject:
    """One texture, blurred and noisy as images are: nothing in it."""
    shape = tuple(int(n) for n in random.integers(160, 320, 2))
    base, other = color(random), color(random)
    field = fill(random, (shape[0], shape[1]))[..., np.newaxis]
    clean = np.clip(base + field * (other - base) * random.uniform(0, 0.4), 0, 1)
    image = degrade(random, clean)
    empty = np.zeros((shape[0], shape[1]), np.float32)
    return Subject(f"texture {number}", (image * 255).astype(np.uint8), empty)


def blobs(random: np.random.Generator, number: int) -> Subject:
    """One or two smooth things of one texture on another: simpler than any photograph."""
    height, width = (int(n) for n in random.integers(80, 320, 2))
    shape, side = (height, width), min(height, width)
    colors = np.stack([color(random), color(random)])
    grounds = [
        colors[i] + 0.3 * random.random() * (fill(random, shape)[..., np.newaxis] - 0.5)
        for i in (0, 1)
    ]
    cover = np.zeros(shape, np.float32)
    for _ in range(int(random.integers(1, 3))):
        center = (height * random.uniform(0.25, 0.75), width * random.uniform(0.25, 0.75))
        radius = side * random.uniform(0.12, 0.3)
        patch = blob(random, shape, center, radius, elongation=random.uniform(1, 2))
        assert patch is not None  # its middle is in the image
        cover[patch.window] = np.maximum(cover[patch.window], patch.cover())
    mixed = grounds[0] + cover[..., np.newaxis] * (grounds[1] - grounds[0])
    image = degrade(random, np.clip(mixed, 0, 1))
    return Subject(f"blobs {number}", (image * 255).astype(np.uint8), cover)


def resized(
    subject: Subject, part: tuple[slice, slice], scale: float = 1.0, name: str | None = None
) -> Subject:
    """A part of an image at another size."""
    from skimage.transform import resize

    image, mask = subject.image[part], subject.mask[part]
    if scale != 1:
        shape = [max(int(n * scale), 32) for n in mask.shape]
        image = resize(image, shape, anti_aliasing=scale < 1, preserve_range=True).astype(np.uint8)
        mask = resize(mask, shape, anti_aliasing=scale < 1).astype(np.float32)
    return Subject(name or subject.name, image, mask)
