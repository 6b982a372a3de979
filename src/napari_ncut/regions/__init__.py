"""Regions of an image and how they nest."""

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .cuts import Cut as Cut
    from .hierarchy import Hierarchy as Hierarchy
    from .hierarchy import granularity as granularity
    from .hierarchy import granularity_steps as granularity_steps
    from .tree import MergeTree as MergeTree

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Cut": "cuts",
        "Hierarchy": "hierarchy",
        "MergeTree": "tree",
        "granularity": "hierarchy",
        "granularity_steps": "hierarchy",
    },
)
