"""Vision transformers and convolutional networks of timm, by any of their names."""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ...weights import WeightsFile
from ..cost import count_cost
from ..entry import BackboneEntry
from ..normalization import Normalization
from ..taps import BLOCK, NODE_TYPES, as_map, nodes_of, tapped
from .loading import load_weights

if TYPE_CHECKING:
    from torch import Tensor

_PREFIX = "timm:"
# Numbers of a classifier, which features do without; timm names them alike in all its networks.
_HEADS = ("head.", "head_dist.", "fc.", "classifier.", "fc_norm.", "attn_pool.", "norm.", "aux_")


class TimmNetwork:
    """A network of timm whose layers can be read."""

    padding = "mirror"

    def __init__(self, model: Any, canvas: int = 0) -> None:
        self.module = model
        config = model.pretrained_cfg
        self.normalization = Normalization(tuple(config["mean"]), tuple(config["std"]))
        self.n_channels = int(config["input_size"][0])
        self.unit = canvas or unit_of(model)
        self._blocks = blocks_of(model)
        takes = inspect.signature(model.forward_intermediates).parameters
        self._options = {
            name: value
            for name, value in {"stop_early": True, "output_fmt": "NCHW", "norm": False}.items()
            if name in takes
        }

    def maps(self, batch: Tensor, layers: Sequence[int], node: str) -> list[Tensor]:
        """Maps (n, d, rows, columns) of some layers; see `Network`."""
        tap = [] if node == BLOCK else layers
        with tapped(self._blocks, tap, node) as recorded:
            maps = self.module.forward_intermediates(
                batch, indices=sorted(layers), intermediates_only=True, **self._options
            )
        found = dict(zip(sorted(layers), maps, strict=True))
        if node == BLOCK:
            return [found[layer] for layer in layers]
        return [
            as_map(tokens, *found[layer].shape[2:])
            for layer, tokens in zip(layers, recorded, strict=True)
        ]

    def densify(self, stride: int) -> bool:
        """Let the patches overlap; see `Network`."""
        embed: Any = getattr(self.module, "patch_embed", None)
        step = getattr(getattr(embed, "proj", None), "stride", None)
        # Not where stages follow, or convolutions come before: patches are not the cells there.
        if not self._blocks or step != (self.unit, self.unit):
            return False
        if not getattr(self.module, "dynamic_img_size", False):
            return False
        patch = embed.patch_size
        embed.proj.stride = (stride, stride)
        embed.dynamic_feat_size = lambda size: tuple(
            (n - p) // stride + 1 for n, p in zip(size, patch, strict=True)
        )
        return True


def names() -> list[str]:
    """Names of all networks that timm knows, with those of their weights."""
    import timm

    known = {*timm.list_models(), *timm.list_pretrained()}
    return [f"{_PREFIX}{name}" for name in sorted(known)]


def build(name: str, architecture: Mapping[str, Any]) -> Any:
    """A network of timm without its classifier, which takes images of any size if it can."""
    import timm

    options = {"num_classes": 0, "pretrained": False, **architecture}
    model: Any
    try:
        try:
            model = timm.create_model(name, dynamic_img_size=True, **options)
        except TypeError:
            # Only transformers with a grid of position embeddings know the option.
            model = timm.create_model(name, **options)
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise InputError(
            f"timm cannot build {name!r} with {dict(architecture)!r}: {error}. "
            f"Leave the architecture out, or see the network's page for what it takes."
        ) from error
    model.pretrained_cfg = _as_built(model.pretrained_cfg, architecture)
    return model.eval().requires_grad_(False)


def _as_built(config: Mapping[str, Any], architecture: Mapping[str, Any]) -> dict[str, Any]:
    """What timm states of the released network, for one with other channels or another size."""
    channels, *size = config["input_size"]
    channels = int(architecture.get("in_chans", channels))
    side = architecture.get("img_size", size)
    size = [side, side] if isinstance(side, int) else list(side)
    own = Normalization(tuple(config["mean"]), tuple(config["std"])).for_channels(channels)
    return {**config, "input_size": (channels, *size), "mean": own.mean, "std": own.std}


def describe(name: str, architecture: Mapping[str, Any] | None = None) -> BackboneEntry:
    """What there is to know about a network of timm; its weights are not touched.

    Raises
    ------
    InputError
        If timm has no network of that name, or none whose features lie on a grid.
    """
    import timm
    import torch

    bare = _known(name)
    with torch.device("meta"):
        model = build(bare, architecture or {})
    if not hasattr(model, "forward_intermediates"):
        raise InputError(
            f"{name} of timm {timm.__version__} does not tell its intermediate features. Choose "
            f"another network, or a newer timm."
        )
    config = model.pretrained_cfg
    canvas = 0 if _takes_any_size(model) else int(max(config["input_size"][1:]))
    network = TimmNetwork(model, canvas)
    reductions = [int(info["reduction"]) for info in _feature_info(model)]
    nodes = _nodes(network, canvas, len(reductions))
    layers = tuple(
        f"block {i}" if network._blocks else f"stage {i} (1/{reduction})"
        for i, reduction in enumerate(reductions)
    )
    return BackboneEntry(
        name=name,
        title=bare,
        summary=f"{type(model).__name__} of timm.",
        builder="napari_ncut.backbones.network:NetworkBackbone",
        layers=layers,
        nodes={node: NODE_TYPES[node] for node in nodes},
        strides=tuple(reductions),
        canvas=canvas,
        weights=_weights(bare, model),
        license=config.get("license") or "not stated",
        source=_page(config),
        cost=count_cost(
            lambda image: network.maps(
                image[:, :1].expand(-1, network.n_channels, -1, -1), [len(reductions) - 1], BLOCK
            ),
            canvas or _side(network.unit),
            fixed=bool(canvas),
        ),
    )


def load(entry: BackboneEntry, weights: Path, *, architecture: Mapping[str, Any]) -> TimmNetwork:
    """The network of an entry with the weights of a file."""
    model = build(entry.name.removeprefix(_PREFIX), architecture)
    load_weights(
        model,
        entry,
        weights,
        optional=lambda key: key.startswith(_HEADS),
        convert=lambda tensors: _converted(model, tensors),
    )
    return TimmNetwork(model, entry.canvas)


def blocks_of(model: Any) -> list[Any]:
    """The blocks of a plain transformer, one for each of its layers; none of other networks."""
    blocks = list(getattr(model, "blocks", ()))
    reductions = [info["reduction"] for info in _feature_info(model)]
    # Some networks call their stages blocks.
    return blocks if len(blocks) == len(reductions) and len(set(reductions)) == 1 else []


def unit_of(model: Any) -> int:
    """What rows and columns of an image must be multiples of."""
    return max(int(info["reduction"]) for info in _feature_info(model))


def _feature_info(model: Any) -> Sequence[Mapping[str, Any]]:
    info = model.feature_info
    return info if isinstance(info, list) else info.info


def _side(unit: int) -> int:
    """Pixels of a square to try a network with: a multiple of what it takes, near 512."""
    return max(1, round(512 / unit)) * unit


def _takes_any_size(model: Any) -> bool:
    """Whether features follow the size and shape of the image."""
    import torch

    unit = unit_of(model)
    n_channels = int(model.pretrained_cfg["input_size"][0])
    rows, columns = _side(unit), _side(unit) + 2 * unit
    image = torch.empty(1, n_channels, rows, columns, device="meta")
    try:
        with torch.no_grad():
            maps = model.forward_intermediates(image, intermediates_only=True)
    except (AssertionError, RuntimeError, ValueError):
        return False
    last = _feature_info(model)[-1]["reduction"]
    grid = maps[-1].shape[2:]
    return abs(grid[0] - rows / last) <= 2 and grid[1] - grid[0] == 2 * unit // last


def _nodes(network: TimmNetwork, canvas: int, n_layers: int) -> tuple[str, ...]:
    """The node types that can be read from every layer of a network on the device "meta"."""
    import torch

    if not network._blocks:
        return (BLOCK,)
    side = canvas or _side(network.unit)
    image = torch.empty(1, network.n_channels, side, side, device="meta")
    found = []
    for node in nodes_of(network._blocks):
        try:
            with torch.no_grad():
                network.maps(image, list(range(n_layers)), node)
        except (RuntimeError, AttributeError, TypeError, ValueError):
            continue  # not laid out as a map: this node type is not offered
        found.append(node)
    return tuple(found)


def _known(name: str) -> str:
    """The name as timm has it; an `InputError` with names like it if timm has none such."""
    import timm

    bare = name.removeprefix(_PREFIX)
    architecture, _, tag = bare.partition(".")
    if timm.is_model(architecture) and (
        not tag or bare in timm.list_pretrained(f"{architecture}.*")
    ):
        return bare
    known = timm.list_pretrained(f"{architecture}.*") if tag else []
    known = known or difflib.get_close_matches(bare, [n[len(_PREFIX) :] for n in names()], 5, 0.3)
    hint = f" Did you mean: {', '.join(known)}?" if known else ""
    raise InputError(
        f"timm {timm.__version__} has no network {bare!r}.{hint} All names: "
        f"python -c 'import timm; print(timm.list_pretrained())'"
    )


def _weights(name: str, model: Any) -> WeightsFile | None:
    """The file of pretrained weights; None for a network that has none."""
    import timm

    config = timm.models.get_pretrained_cfg(name)
    if config is None or not config.has_weights:
        return None
    # The classifier, which we do without, is in the file, too: this is about its size.
    size = 4 * sum(p.numel() for p in model.parameters())
    tag = f"{config.architecture}.{config.tag}" if config.tag else config.architecture
    if config.hf_hub_id:
        file = config.hf_hub_filename or "model.safetensors"
        url = f"https://huggingface.co/{config.hf_hub_id}/resolve/main/{file}"
        name = f"{tag}{Path(file).suffix}"
    else:
        url = str(config.url)
        name = f"{tag}{Path(url).suffix}"
    return WeightsFile(
        name=name,
        url=url,
        size=size,
        license=config.license or "not stated",
        source=_page(config.to_dict()),
    )


def _page(config: Mapping[str, Any]) -> str:
    hub = config.get("hf_hub_id")
    return f"https://huggingface.co/{hub}" if hub else config.get("origin_url") or "timm"


def _converted(model: Any, tensors: dict[str, Any]) -> dict[str, Any]:
    """Names as timm's networks have them: each module of timm knows the files of its authors."""
    convert = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    if convert is None:
        return tensors
    try:
        result: dict[str, Any] = convert(tensors, model)
    except (KeyError, RuntimeError, AttributeError, AssertionError, TypeError, ValueError):
        # Not a file that timm would convert: the account of names says what does not fit.
        return tensors
    return result
