"""Features of images as a cut takes them: prepared, and again for further images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backbones import Backbone, FeatureMaps, backbone_entry, load_backbone
from ..backbones.extract import extract_steps
from ..backbones.preparation import Preparation
from ..backbones.registry import backbone_options
from ..errors import InputError
from ..imaging import Planes
from ..progress import run_steps
from ..scratch import empty_within
from .mixture import Mixture


def new_features(
    planes: Planes, backbone: Backbone, preparation: Preparation, mixture: Mixture | None = None
) -> FeatureMaps:
    """Features of further images, prepared as those of a fitted embedding were."""
    features = run_steps(extract_steps(planes, backbone))
    if features.values.shape[1] != len(preparation.mean):
        raise InputError(
            f"These images give {features.values.shape[1]} features per node, those of the "
            f"embedding gave {len(preparation.mean)}. Give images with the same number of channels."
        )
    preparation.apply(features.values)
    if mixture is not None:
        columns = mixture.columns(planes, features.layout)
        nodes = beside(features.values, columns, float("inf"))
        features = FeatureMaps(nodes, features.layout)
    return features


def beside(features: NDArray, columns: NDArray, budget: float) -> NDArray:
    """Features (n, d) and further columns (n, c) as one array, on disk beyond `budget` bytes."""
    n_features = features.shape[1]
    joined = empty_within((len(features), n_features + columns.shape[1]), np.float32, budget)
    joined[:, :n_features] = features
    joined[:, n_features:] = columns
    return joined


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
