"""Clicks and strokes → masks."""

from .conditioned import ConditionedCut
from .instances import label_instances
from .methods import METHODS
from .parameters import ANSWERS, MODES, NORMALIZATIONS
from .prototypes import Prototypes
from .segmenter import PromptSegmenter
from .strokes import Box, Mask, Polygon, Scribble, Stroke
from .things import PlaneThings, ThingScores
from .tutorial import get_mask

__all__ = [
    "ANSWERS",
    "METHODS",
    "MODES",
    "NORMALIZATIONS",
    "Box",
    "ConditionedCut",
    "Mask",
    "PlaneThings",
    "Polygon",
    "PromptSegmenter",
    "Prototypes",
    "Scribble",
    "Stroke",
    "ThingScores",
    "get_mask",
    "label_instances",
]
