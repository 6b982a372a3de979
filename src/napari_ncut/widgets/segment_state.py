"""What an edit of segments changes: their classes, and how those look."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .classes import PALETTE

if TYPE_CHECKING:
    from ..sam.classes import SemanticClasses

_NOISE_COLOR = "#9a9a9a"
# Beyond the palette hues follow each other by the golden ratio, so that neighbors differ.
_GOLDEN = 0.618034


def class_color(number: int) -> str:
    """The color that a class has by its number: always the same."""
    if number <= len(PALETTE):
        return PALETTE[number - 1]
    further = number - len(PALETTE)
    red, green, blue = colorsys.hsv_to_rgb(
        further * _GOLDEN % 1, 0.5 + 0.2 * (further % 3), 0.95 - 0.15 * (further % 2)
    )
    return "#" + "".join(f"{round(part * 255):02x}" for part in (red, green, blue))


@dataclass(frozen=True, eq=False)
class SegmentState:
    """What an edit changes; it never changes itself, so that undo is to show an earlier one.

    Attributes
    ----------
    found : SemanticClasses
        Of all images that were read together.
    description : dict
        What the masks were compared by, see `ClassSettings`.
    """

    found: SemanticClasses = field(repr=False)
    description: Mapping[str, Any] = field(default_factory=dict)

    def color(self, number: int) -> str:
        """Color of a class."""
        if number in self.found.colors:
            return self.found.colors[number]
        return _NOISE_COLOR if number == self.found.noise else class_color(number)

    def colors(self) -> dict[int | None, str]:
        """For a direct label colormap; what is no class is transparent."""
        own: dict[int | None, str] = {number: self.color(number) for number in self.found.names}
        return {None: "transparent", 0: "transparent"} | own

    def edited(self, found: SemanticClasses) -> SegmentState:
        """The same with other classes."""
        return replace(self, found=found)

    def colored(self) -> SemanticClasses:
        """The classes with all colors that they are shown in, to be kept in a file."""
        return replace(self.found, colors={n: self.color(n) for n in self.found.names})

    def describe(self) -> str:
        """How many segments and classes there are, for the user."""
        found = self.found
        groups = len([number for number in found.numbers if number != found.noise])
        classes = "1 class" if groups == 1 else f"{groups} classes"
        noise = 0 if found.noise is None else int((found.classes == found.noise).sum())
        images = len(found.layout.stacks)
        told = f"{len(found):,} segments in {classes}"
        told += f", in {images} images" if images > 1 else ""
        return f"{told}; {noise:,} are noise." if noise else f"{told}."

    def planes(self, chosen: Iterable[int] | None = None) -> list[NDArray[np.int32]]:
        """Class label maps (h, w) of planes, by default of all."""
        return self.found.plane_labels(chosen)


def changed_planes(before: SegmentState, after: SegmentState) -> list[int]:
    """Planes in which any mask changes its class; all where what is in no mask has one, too."""
    if before.found.remainder is not None or after.found.remainder is not None:
        return list(range(len(after.found.masks)))
    changed = before.found.classes != after.found.classes
    return [int(plane) for plane in np.unique(after.found.planes[changed])]
