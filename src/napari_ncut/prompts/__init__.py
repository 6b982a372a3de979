"""Clicks → masks."""

from .conditioned import ConditionedCut
from .instances import ClassMeasure, label_instances, measure_labels
from .methods import METHODS
from .parameters import MODES, NORMALIZATIONS
from .segmenter import PromptSegmenter
from .tutorial import get_mask

__all__ = [
    "METHODS",
    "MODES",
    "NORMALIZATIONS",
    "ClassMeasure",
    "ConditionedCut",
    "PromptSegmenter",
    "get_mask",
    "label_instances",
    "measure_labels",
]
