"""How clicks become a margin per class on the feature grid: the registry of prompt methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import InputError, check_choice
from .cut_method import CutMethod
from .margins import GridResult, PromptMethod
from .parameters import NORMALIZATIONS, Normalization, PromptParameters
from .region_method import RegionMethod
from .sam_method import SamMethod
from .tutorial_method import TutorialMethod

if TYPE_CHECKING:
    from ..sam import SamModels

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
    """A prompt method: what it does, in a line, and what makes it for an embedding.

    Attributes
    ----------
    text : str
    make : callable
        Of an embedding, or of images alone where it `needs_embedding` not, and of what loads SAMs.
    knows_objects : bool
        Whether it connects clicked objects itself.
    needs_images, needs_embedding : bool
        What it looks at.
    asks_about_things : bool
        Whether it reads strokes itself, and answers thing by thing, with scores.
    """

    text: str
    make: Callable[[Any, SamModels], PromptMethod]
    knows_objects: bool = False
    needs_images: bool = False
    needs_embedding: bool = True
    asks_about_things: bool = False


_REGISTRY: dict[str, MethodEntry] = {
    "regions": MethodEntry(
        "regions of the embedded network, judged by all evidence at once",
        lambda embedding, _: RegionMethod(embedding),
        knows_objects=True,
        needs_images=True,
    ),
    "tutorial": MethodEntry(
        "the NCUT tutorial's rule: what is like a clicked cell",
        lambda embedding, _: TutorialMethod(embedding),
    ),
    "cut": MethodEntry(
        "a cut in two groups, led by all clicks together", lambda embedding, _: CutMethod(embedding)
    ),
    "sam": MethodEntry(
        "the Segment Anything Model: the thing that is pointed at; needs weights, but no features",
        SamMethod,
        knows_objects=True,
        needs_images=True,
        needs_embedding=False,
        asks_about_things=True,
    ),
}
# What "auto" stands for where the images are there, embedded.
BEST_METHOD = next(iter(_REGISTRY))
METHODS: dict[str, str] = {name: entry.text for name, entry in _REGISTRY.items()}
# Those that are asked about an embedding.
EMBEDDED_METHODS = tuple(name for name, entry in _REGISTRY.items() if entry.needs_embedding)


def prompt_method(name: str, *, has_images: bool = True, has_embedding: bool = True) -> MethodEntry:
    """The method of that name; for "auto" the first that needs no more than there is.

    Raises
    ------
    InputError
        If there is none of that name, or it needs an embedding, and there is none.
    """
    if name == "auto":
        return next(
            entry
            for entry in _REGISTRY.values()
            if (has_images or not entry.needs_images)
            and (has_embedding or not entry.needs_embedding)
        )
    entry = _REGISTRY[check_choice("method", name, ["auto", *METHODS])]
    if entry.needs_embedding and not has_embedding:
        without = [key for key, other in _REGISTRY.items() if not other.needs_embedding]
        raise InputError(
            f"The method {name!r} needs an embedding, but there are only images. Make one: "
            f"PromptSegmenter(napari_ncut.embed(image)), or give method={without[0]!r}."
        )
    return entry
