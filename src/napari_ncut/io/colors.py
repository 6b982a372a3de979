"""Colors of classes, as texts such as "#e69f00" and as red, green and blue."""

from __future__ import annotations

import re

from ..errors import InputError

# Okabe & Ito's palette for color-blind readers, without black and in an order that starts with
# what stands out on gray and on stained images; then Tol's "bright" ones.
PALETTE = (
    "#e69f00", "#56b4e9", "#cc79a7", "#009e73", "#f0e442", "#d55e00", "#0072b2",
    "#aa3377", "#66ccee", "#ccbb44", "#ee6677", "#228833",
)  # fmt: skip


def default_color(label: int) -> str:
    """The color of a class that was given none."""
    return PALETTE[(label - 1) % len(PALETTE)]


def as_rgb(color: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of "#rrggbb"."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        raise InputError(f"The color {color!r} cannot be used. Give it as #rrggbb: #e69f00.")
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def as_hex(red: int, green: int, blue: int) -> str:
    """The text of a color."""
    return f"#{red:02x}{green:02x}{blue:02x}"
