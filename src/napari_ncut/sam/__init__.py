"""Masks of the Segment Anything Model: by prompts, or of everything there is."""

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .mask_set import MaskSet as MaskSet

__getattr__, __dir__ = lazy_exports(__name__, {"MaskSet": "mask_set"})
