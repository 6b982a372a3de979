"""What the widget "Segment by points" says below its buttons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .live import Request

_NOT_PREPARED = (
    "Compute features first: Plugins ▸ NCUT segmentation ▸ NCUT features. Or press + beside "
    "“Prepared” to ask SAM, which needs none."
)
_NO_POINTS = "Add or choose a Points layer for the clicks."
_NO_CLICK = "Click on something in the image (points layer in “add” mode, key 2)."


@dataclass(frozen=True)
class Status:
    """How far things are.

    Attributes
    ----------
    is_prepared, has_points
        Whether there is an image to ask about, and a layer to click in.
    hindrance
        Why nothing can be asked, "" if it can.
    request
        What is asked; None without a positive prompt.
    latency
        Seconds from the prompt to its mask; None while it is not there.
    done, total
        Planes with masks, and all.
    told, looked
        What was said last, and what is being looked at.
    outside
        Points and shapes on no image.
    has_strokes
        Whether some of them may be shapes.
    unreadable
        What of the prompts could not be read.
    """

    is_prepared: bool
    has_points: bool
    hindrance: str
    request: Request | None
    latency: float | None
    done: int
    total: int
    told: str
    looked: str
    outside: int
    has_strokes: bool
    unreadable: str

    def text(self) -> str:
        """All of it in a line, what matters most first."""
        parts = [self._hindered() or self._asked(), self.looked]
        if self.outside:
            drawn = " or shape(s)" if self.has_strokes else ""
            parts.append(f"{self.outside} point(s){drawn} lie on no image and are ignored")
        return " · ".join(part for part in (*parts, self.unreadable) if part)

    def _hindered(self) -> str:
        if not self.is_prepared:
            return _NOT_PREPARED
        if self.hindrance or self.request is not None:
            return self.hindrance
        return _NO_CLICK if self.has_points else _NO_POINTS

    def _asked(self) -> str:
        assert self.request is not None
        counts = ((len(self.request.points), "click"), (len(self.request.strokes), "stroke"))
        parts = [", ".join(f"{n} {word}{'s' if n > 1 else ''}" for n, word in counts if n)]
        if self.latency is not None:
            parts.append(f"{1000 * self.latency:.0f} ms")
        if self.total > 1:
            parts.append(f"{self.done} of {self.total} planes")
        return " · ".join(part for part in (*parts, self.told) if part)
