"""Clicks and strokes → masks."""

from .conditioned import ConditionedCut
from .instances import ClassMeasure, label_instances, measure_labels
from .methods import METHODS
from .parameters import MODES, NORMALIZATIONS
from .prototypes import Prototypes
from .segmenter import PromptSegmenter
from .strokes import Box, Mask, Polygon, Scribble, Stroke
from .tutorial import get_mask

__all__ = [
    "METHODS",
    "MODES",
    "NORMALIZATIONS",
    "Box",
    "ClassMeasure",
    "ConditionedCut",
    "Mask",
    "Polygon",
    "PromptSegmenter",
    "Prototypes",
    "Scribble",
    "Stroke",
    "get_mask",
    "label_instances",
    "measure_labels",
]
