"""The tools of "Paint segments", as data: buttons, keys, docs and mouse follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# drag: acts along the way. stroke, lasso: when the button is released. corners: a line of clicks.
# own: napari's own mode.
Gesture = Literal["drag", "stroke", "lasso", "corners", "click", "own"]


@dataclass(frozen=True)
class Tool:
    """What the mouse does while its button is pressed.

    Attributes
    ----------
    title, key, tooltip
        On the button; the key of napari's that chooses it; what it does.
    gesture
        How it is used.
    needs_segments
        Whether there have to be segments.
    needs_class
        Whether it paints, rather than erases or changes segments.
    """

    title: str
    key: str
    tooltip: str
    gesture: Gesture
    needs_segments: bool = True
    needs_class: bool = False


TOOLS: dict[str, Tool] = {
    "fill": Tool(
        "Fill",
        "F",
        (
            "Click a segment to paint it with the current class, or drag over many.\n"
            "With Ctrl held, or with the right button, they are erased."
        ),
        "drag",
        needs_class=True,
    ),
    "unfill": Tool("Unfill", "U", "Click a segment to erase it, or drag over many.", "drag"),
    "brush": Tool(
        "Snap brush",
        "B",
        (
            "A disk that paints whole segments on its way: all that it touches, or those that it\n"
            "mostly covers. Its size: [ and ]."
        ),
        "drag",
        needs_class=True,
    ),
    "eraser": Tool(
        "Snap eraser",
        "E",
        "A disk that erases whole segments on its way. Its size: [ and ].",
        "drag",
    ),
    "paint": Tool(
        "Free brush",
        "P",
        "napari's own brush, on the painted layer, in the current class: pixels, not segments.",
        "own",
        needs_segments=False,
        needs_class=True,
    ),
    "erase": Tool(
        "Free eraser",
        "R",
        "napari's own eraser, on the painted layer: pixels, not segments.",
        "own",
        needs_segments=False,
    ),
    "lasso": Tool(
        "Lasso",
        "L",
        (
            "Drag around what is to be painted: segments that mostly lie within, or pixels.\n"
            "With Ctrl held, or with the right button, it is erased."
        ),
        "lasso",
        needs_segments=False,
        needs_class=True,
    ),
    "merge": Tool(
        "Merge",
        "J",
        (
            "Drag from segment to segment: all that the line touches become one, together with\n"
            "the edge between them. What is painted stays."
        ),
        "stroke",
    ),
    "cut": Tool(
        "Cut",
        "K",
        (
            "Click the corners of a line; Enter or a double click cuts along it, Esc drops it,\n"
            "Backspace takes the last corner back. Segments that it crosses are parted, and no\n"
            "pixel is lost. A line that ends within a segment does not part it."
        ),
        "corners",
    ),
    "pick": Tool(
        "Pick class",
        "I",
        "Click what is painted to make its class the current one. Key: I over it, at any time.",
        "click",
        needs_segments=False,
    ),
}
