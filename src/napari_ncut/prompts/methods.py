"""How clicks become a margin per class on the feature grid: the registry of prompt methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import check_choice
from .cut_method import CutMethod
from .margins import GridResult, PromptMethod
from .parameters import NORMALIZATIONS, Normalization, PromptParameters
from .tutorial_method import TutorialMethod

if TYPE_CHECKING:
    from ..spectral.embedding import Embedding

__all__ = [
    "METHODS",
    "NORMALIZATIONS",
    "GridResult",
    "MethodEntry",
    "Normalization",
    "PromptMethod",
    "PromptParameters",
    "prompt_method",
]


@dataclass(frozen=True)
class MethodEntry:
    """A prompt method: what it does, in a line, and what makes it for an embedding."""

    text: str
    make: Callable[[Embedding], PromptMethod]


_REGISTRY: dict[str, MethodEntry] = {
    "tutorial": MethodEntry(
        "the NCUT tutorial's rule: what is like a clicked cell", TutorialMethod
    ),
    "cut": MethodEntry("a cut in two groups, led by all clicks together", CutMethod),
}
METHODS: dict[str, str] = {name: entry.text for name, entry in _REGISTRY.items()}
# What "auto" stands for.
BEST_METHOD = "tutorial"


def prompt_method(name: str) -> MethodEntry:
    """The method of that name, or the best there is for "auto"."""
    return _REGISTRY[
        BEST_METHOD if name == "auto" else check_choice("method", name, ["auto", *METHODS])
    ]
