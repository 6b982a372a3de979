"""What a user may set of a prompt method."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..errors import InputError, check_choice, is_number
from .tutorial import check_area

if TYPE_CHECKING:
    from ..sam import SamSegmenter

Normalization = Literal["stack", "plane", "absolute"]
Mode = Literal["similar", "object"]
Answer = Literal["best", "whole", "part", "subpart"]
ANSWERS: dict[str, str] = {
    "best": "the answer that SAM itself thinks best",
    "whole": "the largest of its three answers",
    "part": "the one between",
    "subpart": "the smallest",
}
MODES: dict[str, str] = {
    "similar": "all things like those clicked, in every plane and image",
    "object": "only the connected things that were clicked",
}
NORMALIZATIONS: dict[str, str] = {
    "stack": "relative to all planes and images together, as in the tutorial",
    "plane": "relative to each plane alone: every plane gets some mask",
    "absolute": "by the cosine itself: the same everywhere, a mask may be empty",
}


@dataclass(frozen=True)
class PromptParameters:
    """What a user may set; None leaves it to the method."""

    threshold: float | None = None
    negative_threshold: float | None = None
    gamma: float | None = None
    normalization: Normalization = "stack"
    denoise_area_th: int | None = None
    mode: Mode = "similar"
    model: str | SamSegmenter = "sam:vit_b"
    checkpoint: str | Path | None = None
    answer: Answer = "best"
    each_point: bool = False

    def check(self) -> None:
        """Raise an `InputError` unless all can be used."""
        check_choice("mode", self.mode, MODES)
        check_choice("normalization", self.normalization, NORMALIZATIONS)
        check_choice("answer", self.answer, ANSWERS)
        for name in ("threshold", "negative_threshold"):
            value = getattr(self, name)
            if value is not None and not is_number(value):
                raise InputError(
                    f"{name} {value!r} cannot be used. Give a number, usually 0 to 1; higher gives "
                    f"a smaller mask."
                )
        if self.gamma is not None and not (is_number(self.gamma) and self.gamma > 0):
            raise InputError(
                f"gamma {self.gamma!r} cannot be used. Give a number above 0; higher gives a "
                f"smaller mask."
            )
        if self.denoise_area_th is not None:
            check_area("denoise_area_th", self.denoise_area_th, "grid cells")
