"""Families of networks. Each module describes one by name, and loads it.

describe(name, architecture) -> BackboneEntry
    What there is to know about a network, without its weights.
load(entry, weights, *, architecture) -> Network
    The network with the weights of a file.
names() -> list of str
    All there are.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from .llvm import keep_llvm_apart

FAMILIES: Mapping[str, str] = {
    "sam": "image encoders of the Segment Anything Model and its fine-tunes",
    "timm": "any vision transformer or convolutional network of timm",
    "torchvision": "any network of torchvision for classification or segmentation",
}


def family_of(name: str) -> Any:
    """The module of a family, by its name or that of a network in it: "timm:resnet18"."""
    keep_llvm_apart()
    return importlib.import_module(f"{__package__}.{name.partition(':')[0]}")
