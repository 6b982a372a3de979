"""Masks of the Segment Anything Model: by prompts, or of everything there is."""

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .answer import SamAnswer as SamAnswer
    from .automatic import automatic_masks as automatic_masks
    from .automatic import automatic_masks_steps as automatic_masks_steps
    from .loading import list_sam_models as list_sam_models
    from .mask_set import MaskSet as MaskSet
    from .options import MaskOptions as MaskOptions
    from .segmenter import SamSegmenter as SamSegmenter

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "MaskOptions": "options",
        "MaskSet": "mask_set",
        "SamAnswer": "answer",
        "SamSegmenter": "segmenter",
        "automatic_masks": "automatic",
        "automatic_masks_steps": "automatic",
        "list_sam_models": "loading",
    },
)
