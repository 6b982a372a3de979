"""The classic methods: thresholds, edges, region growing, GrabCut and their like."""

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .grabcut_inputs import Mark as Mark
    from .grabcut_iterations import GrabCut as GrabCut
    from .grabcut_iterations import grabcut as grabcut

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "GrabCut": "grabcut_iterations",
        "Mark": "grabcut_inputs",
        "grabcut": "grabcut_iterations",
    },
)
