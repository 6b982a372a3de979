"""Strokes as lines of Python that make them again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .strokes import Box, Mask, Polygon, Scribble, Stroke


def stroke_lines(strokes: Sequence[Stroke]) -> list[str]:
    """Lines that set `strokes`, with `np` and `ncut` imported; maps as runs of pixels in rows."""
    before: list[str] = []
    entries = []
    for i, stroke in enumerate(strokes):
        arguments = [*_shape(stroke, i, before), f"plane={stroke.plane}"]
        if stroke.label is not None:
            arguments.append(f"label={int(stroke.label)}")
        if not stroke.positive:
            arguments.append("positive=False")
        entries.append(f"    ncut.{type(stroke).__name__}({', '.join(arguments)}),")
    return [*before, "strokes = [", *entries, "]"]


def _shape(stroke: Stroke, i: int, before: list[str]) -> list[str]:
    if isinstance(stroke, Box):
        corners = (stroke.row0, stroke.column0, stroke.row1, stroke.column1)
        return [_number(value) for value in corners]
    if isinstance(stroke, Polygon):
        return [_rows(np.asarray(stroke.vertices))]
    assert isinstance(stroke, Scribble | Mask)
    pixels = np.asarray(stroke.pixels)
    if pixels.dtype != bool:
        return [_rows(pixels)]
    name = f"drawn_{i}"
    runs = ", ".join(f"({row}, {start}, {stop})" for row, start, stop in _runs(pixels))
    before += [
        f"{name} = np.zeros({pixels.shape}, dtype=bool)",
        f"for row, start, stop in [{runs}]:",
        f"    {name}[row, start:stop] = True",
    ]
    return [name]


def _number(value: float) -> str:
    return repr(int(value)) if float(value).is_integer() else repr(float(value))


def _rows(rows: NDArray[np.float64]) -> str:
    return f"[{', '.join(f'({_number(row)}, {_number(column)})' for row, column in rows)}]"


def _runs(pixels: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """(row, first column, column after the last) of all runs of true pixels."""
    steps = np.diff(pixels.astype(np.int8), axis=1, prepend=0, append=0)
    rows, starts = np.nonzero(steps == 1)
    _, stops = np.nonzero(steps == -1)
    return [(int(r), int(a), int(b)) for r, a, b in zip(rows, starts, stops, strict=True)]
