"""Networks of torchvision for classification and segmentation, by any of their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError, check_choice
from ...weights import WeightsFile
from ..cost import count_cost
from ..entry import BackboneEntry
from ..normalization import NORMALIZATIONS, Normalization
from ..taps import BLOCK, NODE_TYPES, as_map, project
from .loading import load_weights

if TYPE_CHECKING:
    from torch import Tensor

_PREFIX = "torchvision:"
# One page tells about all of them.
_PAGE = "https://docs.pytorch.org/vision/stable/models.html"
_HEADS = ("classifier.", "fc.", "head.", "heads.", "aux", "AuxLogits.", "avgpool.",
    "norm.", "permute.", "dropout.")  # fmt: skip
# Containers whose parts are the layers that people mean.
_TRUNKS = ("features", "layers", "trunk_output", "backbone")
_TRIAL = 256


class _Enough(Exception):
    """Ends a forward pass once all that was asked for is recorded."""


class ConvolutionalNetwork:
    """A network whose layers are modules that give maps, in order."""

    padding = "mirror"
    n_channels = 3

    def __init__(self, model: Any, layers: Sequence[tuple[str, bool]], unit: int) -> None:
        self.module = model
        self.normalization = NORMALIZATIONS["imagenet"]
        self.unit = unit
        self._layers = layers

    def maps(self, batch: Tensor, layers: Sequence[int], node: str) -> list[Tensor]:
        """Maps (n, d, rows, columns) of some layers; see `Network`."""
        recorded: dict[int, Any] = {}

        def record(layer: int) -> Any:
            def hook(module: Any, args: Any, output: Tensor) -> None:
                # A copy: activations that work in place would change what was recorded.
                recorded[layer] = output.clone()
                if len(recorded) == len(layers):
                    raise _Enough

            return hook

        handles = [
            self.module.get_submodule(self._layers[layer][0]).register_forward_hook(record(layer))
            for layer in layers
        ]
        try:
            self.module(batch)
        except _Enough:
            pass
        finally:
            for handle in handles:
                handle.remove()
        return [
            recorded[layer].permute(0, 3, 1, 2) if self._layers[layer][1] else recorded[layer]
            for layer in layers
        ]

    def densify(self, stride: int) -> bool:
        """Never: there are no patches; see `Network`."""
        return False


class TransformerNetwork:
    """torchvision's VisionTransformer, freed from its fixed size of images."""

    padding = "mirror"
    n_channels = 3

    def __init__(self, model: Any) -> None:
        self.module = model
        self.normalization = NORMALIZATIONS["imagenet"]
        self.unit = int(model.patch_size)
        self._stride = self.unit

    def maps(self, batch: Tensor, layers: Sequence[int], node: str) -> list[Tensor]:
        """Maps (n, d, rows, columns) of some layers; see `Network`."""
        import torch
        from timm.layers import resample_abs_pos_embed  # type: ignore[attr-defined]

        model = self.module
        patches = model.conv_proj(batch)
        rows, columns = patches.shape[2:]
        tokens = patches.flatten(2).transpose(1, 2)
        tokens = torch.cat([model.class_token.expand(len(tokens), -1, -1), tokens], dim=1)
        tokens = tokens + resample_abs_pos_embed(
            model.encoder.pos_embedding, [rows, columns], num_prefix_tokens=1
        )
        found = {}
        for i, block in enumerate(list(model.encoder.layers)[: max(layers) + 1]):
            normed = block.ln_1(tokens)
            attended = block.self_attention(normed, normed, normed, need_weights=False)[0]
            between = tokens + attended
            mixed = block.mlp(block.ln_2(between))
            tokens = between + mixed
            if i in layers:
                nodes = {"block": tokens, "attn": attended, "mlp": mixed}
                found[i] = (
                    nodes[node] if node in nodes else project(block.self_attention, normed, node)
                )
        return [as_map(found[layer], rows, columns) for layer in layers]

    def densify(self, stride: int) -> bool:
        """Let the patches overlap; see `Network`."""
        self.module.conv_proj.stride = (stride, stride)
        return True


def names() -> list[str]:
    """Names of all networks of torchvision that take single images."""
    import torchvision.models as models

    return [
        f"{_PREFIX}{name}"
        for name in models.list_models(module=models)
        + models.list_models(module=models.segmentation)
    ]


def build(name: str, architecture: Mapping[str, Any]) -> Any:
    """A network of torchvision with random weights."""
    import torchvision.models as models

    options = {"weights": None, **architecture}
    if f"{_PREFIX}{name}" in names() and name in models.list_models(module=models.segmentation):
        options["weights_backbone"] = None
    if name in ("googlenet", "inception_v3"):
        # Their own initialization takes minutes; weights replace it anyway.
        options.setdefault("init_weights", False)
    try:
        return models.get_model(name, **options).eval()
    except NotImplementedError:
        raise
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise InputError(
            f"torchvision cannot build {name!r} with {dict(architecture)!r}: {error}. Leave the "
            f"architecture out, or see torchvision's documentation for what it takes."
        ) from error


def _outline(name: str, architecture: Mapping[str, Any]) -> Any:
    """A network on the device "meta": shapes only, at no cost."""
    import torch

    try:
        with torch.device("meta"):
            return build(name, architecture)
    except NotImplementedError:
        # Some look at numbers while they are built.
        return build(name, architecture).to("meta")


def describe(name: str, architecture: Mapping[str, Any] | None = None) -> BackboneEntry:
    """What there is to know about a network of torchvision; its weights are not touched.

    Raises
    ------
    InputError
        If torchvision has no network of that name, or none whose features lie on a grid.
    """
    bare = check_choice(
        "network of torchvision",
        name.removeprefix(_PREFIX),
        [known.removeprefix(_PREFIX) for known in names()],
    )
    model = _outline(bare, architecture or {})
    network, labels, strides = _readable(name, model)
    transformer = isinstance(network, TransformerNetwork)
    nodes = tuple(NODE_TYPES) if transformer else (BLOCK,)
    weights = _weights(bare, model)
    return BackboneEntry(
        name=name,
        title=bare,
        summary=f"{type(model).__name__} of torchvision.",
        builder="napari_ncut.backbones.network:NetworkBackbone",
        layers=labels,
        nodes={node: NODE_TYPES[node] for node in nodes},
        strides=strides,
        weights=weights,
        license=weights.license if weights else "BSD-3-Clause",
        source=_PAGE,
        cost=count_cost(
            lambda image: network.maps(image, [len(labels) - 1], BLOCK),
            max(1, round(512 / network.unit)) * network.unit,
        ),
    )


def load(
    entry: BackboneEntry, weights: Path, *, architecture: Mapping[str, Any]
) -> ConvolutionalNetwork | TransformerNetwork:
    """The network of an entry with the weights of a file."""
    bare = entry.name.removeprefix(_PREFIX)
    model = build(bare, architecture)
    load_weights(
        model, entry, weights, optional=lambda key: key.startswith(_HEADS), convert=_renamed
    )
    network = _readable(entry.name, _outline(bare, architecture))[0]
    network.module = model
    network.normalization = _normalization(bare)
    return network


def _readable(
    name: str, model: Any
) -> tuple[ConvolutionalNetwork | TransformerNetwork, tuple[str, ...], tuple[int, ...]]:
    """A network on the device "meta" made readable, labels of its layers and their strides."""
    import torch
    from torchvision.models import VisionTransformer

    if isinstance(model, VisionTransformer):
        depth = len(model.encoder.layers)
        labels = tuple(f"block {i}" for i in range(depth))
        return TransformerNetwork(model), labels, (int(model.patch_size),) * depth
    # Sizes of two images that differ in rows alone and in columns alone: what follows them are
    # rows and columns of a map, what does not are channels.
    shapes: list[dict[str, tuple[int, ...]]] = []
    for rows, columns in ((_TRIAL, _TRIAL), (2 * _TRIAL, _TRIAL), (_TRIAL, 2 * _TRIAL)):
        try:
            with torch.no_grad():
                shapes.append(_shapes(model, torch.empty(1, 3, rows, columns, device="meta")))
        except (AssertionError, RuntimeError, ValueError, TypeError) as error:
            raise InputError(
                f"{name} does not take images of {rows} × {columns} pixels ({error}). Choose a "
                f"network that takes any size; the same one may be had through timm."
            ) from error
    square, tall, wide = shapes
    layers: list[tuple[str, bool]] = []
    names: list[str] = []
    strides: list[int] = []
    for path, shape in square.items():
        if len(shape) != 4:
            continue
        follows = [
            [a > 1.5 * b for a, b in zip(other[path], shape, strict=True)] for other in (tall, wide)
        ]
        if follows == [[False, False, True, False], [False, False, False, True]]:
            last = False
        elif follows == [[False, True, False, False], [False, False, True, False]]:
            last = True
        else:
            continue
        rows = 1 if last else 2
        # From the difference of two sizes: what borders cost is in both.
        stride = round(_TRIAL / (tall[path][rows] - shape[rows]))
        layers.append((path, last))
        names.append(f"{path} (1/{stride})")
        strides.append(stride)
    if not layers:
        raise InputError(
            f"{name} has no layers that give maps, so it cannot be a backbone. Choose another."
        )
    network = ConvolutionalNetwork(model, layers, max(strides))
    return network, tuple(names), tuple(strides)


def _shapes(model: Any, image: Tensor) -> dict[str, tuple[int, ...]]:
    """Shapes of what the candidates for layers give, in the order in which they run."""
    found: dict[str, tuple[int, ...]] = {}

    def record(path: str) -> Any:
        def hook(module: Any, args: Any, output: Any) -> None:
            if hasattr(output, "shape"):
                found[path] = tuple(output.shape)

        return hook

    handles = [module.register_forward_hook(record(path)) for path, module in _candidates(model)]
    try:
        model(image)
    finally:
        for handle in handles:
            handle.remove()
    return found


def _candidates(model: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Modules that may be layers: the network's own parts, and those of its trunk."""
    for name, module in model.named_children():
        path = f"{above}{name}"
        if name in _TRUNKS:
            yield from _candidates(module, f"{path}.")
        elif not f"{path}.".startswith(_HEADS):
            yield path, module


def _enum(name: str) -> Any:
    import torchvision.models as models

    found = models.get_model_weights(name)
    return getattr(found, "IMAGENET1K_V1", None) or found.DEFAULT if len(found) else None


def _weights(name: str, model: Any) -> WeightsFile | None:
    """The file of pretrained weights: the first release, which segments best."""
    weights = _enum(name)
    if weights is None:
        return None
    file = weights.url.rpartition("/")[2]
    digest = re.search(r"-([0-9a-f]{8,})\.", file)
    return WeightsFile(
        name=file,
        url=weights.url,
        size=4 * sum(p.numel() for p in model.parameters()),
        license=weights.meta.get("license", "BSD-3-Clause (code); trained on ImageNet"),
        source=_PAGE,
        hash=f"sha256:{digest[1]}" if digest else "",
        # torch.hub.load_state_dict_from_url: a file name ends with digits of its SHA-256
        hash_source="https://docs.pytorch.org/docs/stable/hub.html" if digest else "",
    )


def _normalization(name: str) -> Normalization:
    weights = _enum(name)
    preset = weights.transforms() if weights is not None else None
    if preset is None or not hasattr(preset, "mean"):
        return NORMALIZATIONS["imagenet"]
    return Normalization(tuple(preset.mean), tuple(preset.std))


def _renamed(tensors: dict[str, Any]) -> dict[str, Any]:
    """Names of densely connected networks as torchvision has had them since 0.3."""
    pattern = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.((?:[12])\..*)$")
    return {pattern.sub(r"\1\2", key): value for key, value in tensors.items()}
