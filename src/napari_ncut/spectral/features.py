"""Features of images as a cut takes them: prepared, and again for further images."""

from __future__ import annotations

from typing import Any

from ..backbones import Backbone, FeatureMaps, backbone_entry, load_backbone
from ..backbones.extract import extract_steps
from ..backbones.preparation import Preparation
from ..backbones.registry import backbone_options
from ..errors import InputError
from ..imaging import Planes
from ..progress import run_steps


def new_features(planes: Planes, backbone: Backbone, preparation: Preparation) -> FeatureMaps:
    """Features of further images, prepared as those of a fitted embedding were."""
    features = run_steps(extract_steps(planes, backbone))
    if features.values.shape[1] != len(preparation.mean):
        raise InputError(
            f"These images give {features.values.shape[1]} features per node, those of the "
            f"embedding gave {len(preparation.mean)}. Give images with the same number of channels."
        )
    preparation.apply(features.values)
    return features


def load_recipe_backbone(recipe: dict[str, Any], stride: int) -> Backbone:
    """The backbone of an embedding's recipe, at the stride that it had."""
    options = {name: recipe[name] for name in backbone_options() if name in recipe}
    options["stride"] = stride
    # Where the recipe was computed is no part of what it says.
    options.pop("device", None)
    return load_backbone(recipe["backbone"], **options)


def preparation_kind(backbone: Backbone) -> str:
    """How a backbone's features are prepared; one of the user's own says it by `preparation`."""
    own = getattr(backbone, "preparation", None)
    return own if own is not None else backbone_entry(backbone.name).preparation
