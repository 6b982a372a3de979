"""What backbones there are: widget, command line, docs and tests are made from this."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, check_choice
from .catalog import ENTRIES
from .entry import BackboneEntry, Layers
from .families import FAMILIES, family_of
from .network import Refine
from .normalization import parse_normalization


class Backbone(Protocol):
    """Turns planes into feature maps.

    Attributes
    ----------
    name : str
        Name in the registry.
    stride : int or None
        Pixels per cell of the feature grid; None if it is chosen by the size of the images.
    options : dict
        What `load_backbone` needs to make the same backbone again (plain data).

    A backbone may also have ``preparation`` (see `BackboneEntry`), and what the networks here have:
    ``stride_for``, ``batch_size_for``, ``passes`` and ``feature_steps``.
    """

    name: str
    stride: int | None
    options: dict[str, Any]

    def features(self, planes: list[NDArray[np.float32]], stride: int) -> list[NDArray[np.float32]]:
        """Feature maps (rows, columns, d) of planes (h, w, c) in [0, 1]."""
        ...


BACKBONES: dict[str, BackboneEntry] = {entry.name: entry for entry in ENTRIES}


def list_backbones() -> list[str]:
    """Names of the recommended backbones, the default first.

    Beyond these, any network of timm or torchvision is one, as "timm:name" or "torchvision:name";
    `list_networks` names them. `backbone_entry` tells about one.
    """
    return list(BACKBONES)


def list_networks(family: str) -> list[str]:
    """Names of all networks of a family: "timm", "torchvision" or "sam"."""
    return list(family_of(check_choice("family", family, FAMILIES)).names())


def backbone_entry(name: str) -> BackboneEntry:
    """What there is to know about a backbone; an `InputError` if there is none of that name.

    Names outside of `list_backbones` import the library of their family, which takes seconds.
    """
    if name in BACKBONES:
        return BACKBONES[name]
    if isinstance(name, str) and name.partition(":")[0] in FAMILIES and ":" in name:
        return _described(name, "{}")
    families = "".join(f', or "{family}:" and a name of it' for family in ("timm", "torchvision"))
    try:
        check_choice("backbone", name, BACKBONES)
    except InputError as error:
        raise InputError(f"{error} Or give any network by its name{families}.") from None
    raise AssertionError("a known backbone was not found")


@cache
def _described(name: str, architecture: str) -> BackboneEntry:
    entry: BackboneEntry = family_of(name).describe(name, json.loads(architecture))
    return entry


def load_backbone(
    name: str,
    *,
    layer: Layers = None,
    node: str | None = None,
    checkpoint: str | Path | None = None,
    device: str | None = None,
    stride: int | None = None,
    refine: Refine | None = None,
    precision: str | None = None,
    normalization: Any = None,
    architecture: Mapping[str, Any] | None = None,
) -> Backbone:
    """Make a backbone ready for use. Nothing is downloaded.

    Parameters
    ----------
    name
        One of `list_backbones()`, or "timm:…" or "torchvision:…" with any name of theirs.
    layer
        Which layer: an index (negative counts from the end) or its label. Several, as a list or as
        text "3, 7, 11", are concatenated. Default: the last (of convolutional networks, the last
        whose cells are at most 16 pixels wide). A later layer sees a larger surrounding and tells
        more of what things are than of where they end.
    node
        Which of the entry's node types. Default: its first.
    checkpoint
        File of weights to use in place of those installed: a state dict (.pth, .pt, read without
        executing anything), safetensors, or npz.
    device
        "cpu", "cuda", "mps"; default: the best there is.
    stride
        Pixels per feature-grid cell. Of networks: their own, a multiple (the image is reduced), or
        a whole fraction of it (see `refine`). Default: the network's own, coarser for images whose
        grid would be unwieldy; without weights, a power of two chosen by the size of the images.
    refine
        How a stride finer than the network's own is reached: "shift" runs over the image several
        times, shifted by parts of a cell, and interleaves; "dense" lets patches overlap, which
        takes vision transformers, and time that grows with the square of the number of cells.
        Default: "shift".
    precision
        "float32", "float16", "bfloat16", or "auto": half precision on CUDA, else float32.
        Default: "auto".
    normalization
        What the network expects of intensities: "imagenet", "inception", "clip", "caffe", "none",
        or (mean, std) in units of the range [0, 1]. Default: as it was trained.
    architecture
        Arguments for the library that builds the network, for weights of a variant of it, such as
        ``{"num_classes": 10}`` or ``{"img_size": 512}``.

    Raises
    ------
    InputError
        If anything given does not fit, a dependency is missing, or the weights are not installed
        or not the right ones.
    """
    entry = backbone_entry(name)
    if entry.unavailable_because:
        raise InputError(entry.unavailable_because)
    if architecture:
        entry = _described(name, _plain_architecture(name, architecture))
    given = {
        "checkpoint": None if checkpoint is None else str(checkpoint),
        "refine": refine,
        "precision": precision,
        "normalization": normalization,
        "architecture": None if not architecture else dict(architecture),
    }
    given = {option: value for option, value in given.items() if value is not None}
    foreign = [option for option in given if option not in entry.own_options]
    if foreign and name.partition(":")[0] not in FAMILIES:
        raise InputError(
            f"{name} has no such option, so {foreign[0]}={given[foreign[0]]!r} cannot be used. "
            f"Leave it out."
        )
    if "normalization" in given:
        n_channels = given.get("architecture", {}).get("in_chans", 3)
        given["normalization"] = parse_normalization(normalization, n_channels)
    layers = entry.layer_indices(layer)
    node = check_choice(
        f"node of {name}", entry.default_node if node is None else node, entry.nodes
    )
    if not entry.has_layers(node) and layers != (entry.default_layer,):
        raise InputError(
            f"The node {node} of {name} is the same at every layer, so layer={layer!r} cannot be "
            f"used. Leave it out, or choose the node {' or '.join(entry.layered or ())}."
        )
    entry.check_stride(stride, layers)
    module, function = entry.builder.split(":")
    builder = getattr(importlib.import_module(module), function)
    backbone: Backbone = builder(
        entry, layers=layers, node=node, device=device, stride=stride, **given
    )
    if "normalization" in given:
        given["normalization"] = normalization
    backbone.options = {
        "layer": layers[0] if len(layers) == 1 else list(layers),
        "node": node,
        "stride": stride,
        **given,
    }
    return backbone


def backbone_options() -> list[str]:
    """Names of the options of `load_backbone`."""
    return [name for name in inspect.signature(load_backbone).parameters if name != "name"]


def _plain_architecture(name: str, architecture: Mapping[str, Any]) -> str:
    if name.partition(":")[0] not in FAMILIES:
        raise InputError(f"{name} is no network, so architecture cannot be used. Leave it out.")
    try:
        return json.dumps(dict(architecture), sort_keys=True)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"The architecture {architecture!r} cannot be used. Give a mapping of names to numbers "
            f"and texts, such as {{'depth': 6}}."
        ) from error
