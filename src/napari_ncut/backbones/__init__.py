"""Image → feature maps."""

from .entry import BackboneEntry
from .extract import FeatureMaps, extract_features
from .families import FAMILIES
from .registry import (
    BACKBONES,
    Backbone,
    backbone_entry,
    list_backbones,
    list_networks,
    load_backbone,
)

__all__ = [
    "BACKBONES",
    "FAMILIES",
    "Backbone",
    "BackboneEntry",
    "FeatureMaps",
    "backbone_entry",
    "extract_features",
    "list_backbones",
    "list_networks",
    "load_backbone",
]
