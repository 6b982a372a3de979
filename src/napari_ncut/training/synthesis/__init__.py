"""Synthesized images of materials, cells and textures, with their truth, to train on.

Each family is one module with functions ``(random, shape) -> Scene``; `KINDS` names them all.
"""

from __future__ import annotations

import importlib

import numpy as np

from ...errors import check_choice
from .scene import Scene

__all__ = ["KINDS", "Scene", "synthesize"]

# Names of images and the "module:function" that makes them.
KINDS: dict[str, str] = {
    "grains": "materials:grains",
    "precipitates": "materials:precipitates",
    "particles": "particles:particles",
    "layers": "sections:layers",
    "melt pools": "sections:melt_pools",
    "fluorescence": "cells:fluorescence",
    "stained cells": "cells:stained",
    "membranes": "membranes:membranes",
    "objects": "leaves:objects",
    "textures": "leaves:textures",
}


def synthesize(kind: str, *, seed: int = 0, shape: tuple[int, int] = (320, 320)) -> Scene:
    """An image of that kind, with noise, blur and uneven light; the same for the same seed.

    Parameters
    ----------
    kind
        One of `KINDS`.
    seed
        Of everything random in it.
    shape
        (h, w) in pixels.

    Raises
    ------
    InputError
        If there is no such kind.
    """
    module, function = KINDS[check_choice("kind of image", kind, KINDS)].split(":")
    random = np.random.default_rng([list(KINDS).index(kind), seed])
    make = getattr(importlib.import_module(f".{module}", __package__), function)
    scene: Scene = make(random, shape)
    return scene
