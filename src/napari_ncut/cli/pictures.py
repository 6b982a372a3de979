"""Pictures of results: colors, heat, masks and clicks over an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

Picture = NDArray[np.uint8]

# Okabe & Ito's palette, told apart with any color vision ("Color Universal Design", 2008), in an
# order in which the first stand out from tissue.
CLASS_COLORS = np.array(
    [[230, 159, 0], [0, 114, 178], [0, 158, 115], [204, 121, 167], [86, 180, 233], [213, 94, 0]],
    dtype=np.float32,
)
# Dark violet over red to pale yellow: lightness rises evenly, so that gray print keeps the order.
_HEAT = np.array(
    [[0, 0, 4], [66, 10, 104], [147, 38, 103], [221, 81, 58], [252, 165, 10], [252, 255, 164]],
    dtype=np.float32,
)


def as_bytes(image: ArrayLike) -> Picture:
    """Values 0 to 1 as bytes."""
    return (np.clip(np.asarray(image), 0, 1) * 255 + 0.5).astype(np.uint8)


def enlarged(grid: NDArray, stride: int, shape: tuple[int, int]) -> NDArray:
    """Cells of `stride` pixels as squares of them, (h, w, …)."""
    return np.repeat(np.repeat(grid, stride, axis=0), stride, axis=1)[: shape[0], : shape[1]]


def heat_picture(heat: NDArray[np.float32]) -> Picture:
    """Values 0 to 1 in colors from dark violet to pale yellow."""
    steps = np.linspace(0, 1, len(_HEAT))
    channels = [np.interp(heat, steps, _HEAT[:, c]) for c in range(3)]
    return (np.stack(channels, axis=-1) + 0.5).astype(np.uint8)


def class_color(number: int) -> NDArray[np.float32]:
    """Color of a class (1, 2, …), 0 to 255."""
    return CLASS_COLORS[(number - 1) % len(CLASS_COLORS)]


def masks_picture(
    image: Picture, labels: NDArray, *, opacity: float = 0.45, outline: bool = True
) -> Picture:
    """Draw a label map over an RGB image, in class colors with outlines."""
    from skimage.segmentation import find_boundaries

    result = image.astype(np.float32)
    for number in np.unique(labels[labels > 0]):
        inside = labels == number
        color = class_color(int(number))
        result[inside] = (1 - opacity) * result[inside] + opacity * color
        if outline:
            result[find_boundaries(inside, mode="inner")] = color
    return (result + 0.5).astype(np.uint8)


def clicks_picture(
    image: Picture, points: ArrayLike, positive: ArrayLike, classes: ArrayLike, *, radius: int = 7
) -> Picture:
    """Draw clicks over an RGB image: discs in class colors, plus or minus in them.

    Negative clicks against every class (class 0) are gray.
    """
    from PIL import Image, ImageDraw

    picture = Image.fromarray(image)
    draw = ImageDraw.Draw(picture)
    for (row, column), sign, number in zip(
        np.asarray(points), np.asarray(positive), np.asarray(classes), strict=True
    ):
        fill = (90, 90, 90) if number == 0 else tuple(int(v) for v in class_color(int(number)))
        box = (column - radius, row - radius, column + radius, row + radius)
        draw.ellipse(box, fill=fill, outline="white" if sign else "black", width=2)
        arm = radius - 4
        ink = "white"
        draw.line((column - arm, row, column + arm, row), fill=ink, width=2)
        if sign:
            draw.line((column, row - arm, column, row + arm), fill=ink, width=2)
    return np.asarray(picture)


def with_legend(picture: Picture, entries: Sequence[tuple[str, ArrayLike]]) -> Picture:
    """Add a white strip below, with a square of color and a text for every entry."""
    from PIL import Image, ImageDraw, ImageFont

    height = 28
    height_before, width = picture.shape[:2]
    canvas = Image.new("RGB", (width, height_before + height), "white")
    canvas.paste(Image.fromarray(picture), (0, 0))
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=14)
    left = 8.0
    for text, color in entries:
        top = height_before + 8
        fill = tuple(int(v) for v in np.asarray(color))
        draw.rectangle((left, top, left + 12, top + 12), fill=fill)
        draw.text((left + 18, top - 3), text, fill="black", font=font)
        left += 18 + draw.textlength(text, font=font) + 16
    return np.asarray(canvas)


def save_picture(path: Path, picture: Picture) -> None:
    """Write an RGB picture as PNG."""
    from PIL import Image

    Image.fromarray(picture).save(path, format="PNG")
