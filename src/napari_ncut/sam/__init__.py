"""Masks of the Segment Anything Model: by prompts, or of everything there is, and in classes."""

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .answer import SamAnswer as SamAnswer
    from .automatic import automatic_masks as automatic_masks
    from .automatic import automatic_masks_steps as automatic_masks_steps
    from .classes import SemanticClasses as SemanticClasses
    from .clusterers import CLUSTERERS as CLUSTERERS
    from .clusterers import cluster as cluster
    from .curve import ClusterCurve as ClusterCurve
    from .curve import cluster_curve as cluster_curve
    from .descriptors import Descriptors as Descriptors
    from .loading import list_sam_models as list_sam_models
    from .mask_set import MaskSet as MaskSet
    from .merges import merge_curve as merge_curve
    from .models import SamModels as SamModels
    from .nearest import NearestClass as NearestClass
    from .options import MaskOptions as MaskOptions
    from .pooling import DESCRIPTORS as DESCRIPTORS
    from .pooling import pool_features as pool_features
    from .segmenter import SamSegmenter as SamSegmenter
    from .semantic import semantic_classes as semantic_classes
    from .semantic import semantic_classes_steps as semantic_classes_steps

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "CLUSTERERS": "clusterers",
        "DESCRIPTORS": "pooling",
        "ClusterCurve": "curve",
        "Descriptors": "descriptors",
        "MaskOptions": "options",
        "MaskSet": "mask_set",
        "NearestClass": "nearest",
        "SamAnswer": "answer",
        "SamModels": "models",
        "SamSegmenter": "segmenter",
        "SemanticClasses": "classes",
        "automatic_masks": "automatic",
        "automatic_masks_steps": "automatic",
        "cluster": "clusterers",
        "cluster_curve": "curve",
        "list_sam_models": "loading",
        "merge_curve": "merges",
        "pool_features": "pooling",
        "semantic_classes": "semantic",
        "semantic_classes_steps": "semantic",
    },
)
