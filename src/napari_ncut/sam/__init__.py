"""Masks of the Segment Anything Model: by prompts, or of everything there is, and in classes."""

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .classes import SemanticClasses as SemanticClasses
    from .clusterers import CLUSTERERS as CLUSTERERS
    from .clusterers import cluster as cluster
    from .curve import ClusterCurve as ClusterCurve
    from .curve import cluster_curve as cluster_curve
    from .descriptors import Descriptors as Descriptors
    from .mask_set import MaskSet as MaskSet
    from .pooling import DESCRIPTORS as DESCRIPTORS
    from .pooling import pool_features as pool_features
    from .semantic import semantic_classes as semantic_classes
    from .semantic import semantic_classes_steps as semantic_classes_steps

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "CLUSTERERS": "clusterers",
        "DESCRIPTORS": "pooling",
        "ClusterCurve": "curve",
        "Descriptors": "descriptors",
        "MaskSet": "mask_set",
        "SemanticClasses": "classes",
        "cluster": "clusterers",
        "cluster_curve": "curve",
        "pool_features": "pooling",
        "semantic_classes": "semantic",
        "semantic_classes_steps": "semantic",
    },
)
