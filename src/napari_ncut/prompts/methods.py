"""How clicks become a margin per class on the feature grid: the registry of prompt methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import check_choice
from .cut_method import CutMethod
from .margins import GridResult, PromptMethod
from .parameters import NORMALIZATIONS, Normalization, PromptParameters
from .region_method import RegionMethod
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
    # Whether it connects clicked objects itself.
    knows_objects: bool = False
    needs_images: bool = False


_REGISTRY: dict[str, MethodEntry] = {
    "regions": MethodEntry(
        "regions of the embedded network, judged by all evidence at once",
        RegionMethod,
        knows_objects=True,
        needs_images=True,
    ),
    "tutorial": MethodEntry(
        "the NCUT tutorial's rule: what is like a clicked cell", TutorialMethod
    ),
    "cut": MethodEntry("a cut in two groups, led by all clicks together", CutMethod),
}
# What "auto" stands for where the images are there.
BEST_METHOD = next(iter(_REGISTRY))
METHODS: dict[str, str] = {name: entry.text for name, entry in _REGISTRY.items()}


def prompt_method(name: str, *, has_images: bool = True) -> MethodEntry:
    """The method of that name; for "auto" the first that needs no more than there is."""
    if name == "auto":
        return next(e for e in _REGISTRY.values() if has_images or not e.needs_images)
    return _REGISTRY[check_choice("method", name, ["auto", *METHODS])]
