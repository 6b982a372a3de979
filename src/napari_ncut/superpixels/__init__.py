"""Superpixels: small connected pieces of an image that its edges do not cross."""

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .segment import segment_superpixels as segment_superpixels
    from .segment import segment_superpixels_steps as segment_superpixels_steps
    from .segment import superpixel_methods as superpixel_methods

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "segment_superpixels": "segment",
        "segment_superpixels_steps": "segment",
        "superpixel_methods": "segment",
    },
)
