"""Classic segmenters: thresholds, edges, watersheds, clusters, GrabCut and their like."""

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .grabcut_inputs import Mark as Mark
    from .grabcut_iterations import GrabCut as GrabCut
    from .grabcut_iterations import grabcut as grabcut
    from .preview import Preview as Preview
    from .preview import preview_steps as preview_steps
    from .segment import classic_methods as classic_methods
    from .segment import segment_classic as segment_classic
    from .segment import segment_classic_steps as segment_classic_steps

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "GrabCut": "grabcut_iterations",
        "Mark": "grabcut_inputs",
        "Preview": "preview",
        "classic_methods": "segment",
        "grabcut": "grabcut_iterations",
        "preview_steps": "preview",
        "segment_classic": "segment",
        "segment_classic_steps": "segment",
    },
)
