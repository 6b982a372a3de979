"""Image → feature maps."""

from .extract import FeatureMaps, extract_features
from .registry import (
    BACKBONES,
    Backbone,
    BackboneEntry,
    backbone_entry,
    list_backbones,
    load_backbone,
)

__all__ = [
    "BACKBONES",
    "Backbone",
    "BackboneEntry",
    "FeatureMaps",
    "backbone_entry",
    "extract_features",
    "list_backbones",
    "load_backbone",
]
