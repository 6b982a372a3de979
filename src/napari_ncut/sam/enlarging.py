"""Logits of a network's small maps → pixels of the image, whole or only where there is something.

A map of 256 × 256 becomes the canvas, what pads the canvas is cut off, and the rest becomes the
image, bilinearly both times, as the authors of SAM do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .frame import Frame

if TYPE_CHECKING:
    from torch import Tensor


def enlarged(logits: Tensor, frame: Frame) -> Tensor:
    """Logits (n, s, s) of the canvas as (n, h, w) of the image."""
    import torch.nn.functional as F

    maps = logits[None]
    if not frame.direct:
        canvas = (frame.side, frame.side)
        maps = F.interpolate(maps, canvas, mode="bilinear", align_corners=False)
        maps = maps[..., : frame.size[0], : frame.size[1]]
    return F.interpolate(maps, frame.shape, mode="bilinear", align_corners=False)[0]


@dataclass(frozen=True)
class Span:
    """Some consecutive places along an axis."""

    first: int
    last: int

    def __len__(self) -> int:
        return max(0, self.last - self.first)


def spans_above(logits: Tensor, least: float) -> list[tuple[Span, Span] | None]:
    """Rows and columns of every map (n, s, s) beyond which nothing is above `least`.

    One place more on each side, so that whatever is interpolated beyond is below as well; None
    where nothing is above.
    """
    import torch

    if not len(logits):
        return []
    above = logits > least
    # All maps at once: on a GPU every question of a single one would wait for it.
    edges = []
    for axis in (2, 1):
        some = above.any(dim=axis).to(torch.uint8)
        n = some.shape[1]
        edges += [some.argmax(dim=1), n - some.flip(1).argmax(dim=1), some.amax(dim=1).long()]
    top, bottom, there, left, right, _ = torch.stack(edges).cpu().numpy()
    height, width = logits.shape[1:]
    return [
        (
            Span(max(0, int(top[i]) - 1), min(height, int(bottom[i]) + 1)),
            Span(max(0, int(left[i]) - 1), min(width, int(right[i]) + 1)),
        )
        if there[i]
        else None
        for i in range(len(logits))
    ]


def enlarged_part(
    logits: Tensor, rows: Span, columns: Span, frame: Frame
) -> tuple[tuple[int, int], Tensor] | None:
    """What `enlarged` makes of part of a map (s, s): where it begins in the image, and logits.

    Beyond that part the image has what is along its edges, or less. None if all of it is padding.
    """
    import torch.nn.functional as F

    part = logits[rows.first : rows.last, columns.first : columns.last]
    source = (logits.shape[0], logits.shape[1])
    if not frame.direct:
        # A whole multiple, so that places of the part are those that they are of the whole.
        factor = frame.side // logits.shape[0]
        part = F.interpolate(
            part[None, None], scale_factor=factor, mode="bilinear", align_corners=False
        )[0, 0]
        rows, columns = (
            Span(span.first * factor, min(span.last * factor, covered))
            for span, covered in zip((rows, columns), frame.size, strict=True)
        )
        if not len(rows) or not len(columns):
            return None
        part = part[: len(rows), : len(columns)]
        source = frame.size
    axes = [0, 1] if frame.shape[0] <= source[0] else [1, 0]
    starts = [rows.first, columns.first]
    for axis in axes:
        starts[axis], part = _resampled(
            part, axis, (rows, columns)[axis], source[axis], frame.shape[axis]
        )
    return (starts[0], starts[1]), part


def _resampled(
    part: Tensor, axis: int, span: Span, n_source: int, n_target: int
) -> tuple[int, Tensor]:
    """Places along an axis, of `n_source`, as they are of `n_target`: the first, and values."""
    import torch

    if n_source == n_target:
        return span.first, part
    start, lower, upper, share = _sampling(span, n_source, n_target)
    low, high = (
        part.index_select(axis, torch.from_numpy(index).to(part.device)) for index in (lower, upper)
    )
    weight = torch.from_numpy(share).to(part.device)
    weight = weight[:, None] if axis == 0 else weight
    return start, low * (1 - weight) + high * weight


def _sampling(
    span: Span, n_source: int, n_target: int
) -> tuple[int, NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """The first target place that a span of the source reaches, and how to read all of them.

    In single precision throughout, as torch interpolates.
    """
    scale = np.float32(n_source) / np.float32(n_target)
    start = 0 if span.first == 0 else int((span.first - 0.5) / scale - 0.5)
    stop = n_target if span.last == n_source else int((span.last + 0.5) / scale - 0.5) + 2
    start, stop = max(0, start), min(n_target, stop)
    places = scale * (np.arange(start, stop, dtype=np.float32) + np.float32(0.5))
    places = np.maximum(places - np.float32(0.5), np.float32(0))
    lower = places.astype(np.int64)
    share = np.minimum(places - lower.astype(np.float32), np.float32(1))
    upper = np.minimum(lower + 1, n_source - 1)
    inside = (np.clip(index - span.first, 0, len(span) - 1) for index in (lower, upper))
    return start, *inside, share
