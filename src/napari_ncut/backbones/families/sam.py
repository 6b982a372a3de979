"""Image encoders of the Segment Anything Model, from files of the format of its authors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError, check_choice
from ..entry import BackboneEntry
from ..normalization import NORMALIZATIONS
from ..taps import NODE_TYPES, as_map, tapped
from .loading import load_weights

if TYPE_CHECKING:
    from torch import Tensor

_PREFIX = "sam:"
_PART = "image_encoder."

# What segment_anything's build_sam.py gives its three encoders (Kirillov et al. 2023, ViTDet).
ENCODERS: Mapping[str, Mapping[str, Any]] = {
    "vit_b": {
        "embed_dim": 768, "depth": 12, "num_heads": 12, "global_attn_indexes": (2, 5, 8, 11)
    },
    "vit_l": {
        "embed_dim": 1024, "depth": 24, "num_heads": 16, "global_attn_indexes": (5, 11, 17, 23)
    },
    "vit_h": {
        "embed_dim": 1280, "depth": 32, "num_heads": 16, "global_attn_indexes": (7, 15, 23, 31)
    },
}  # fmt: skip


class SamNetwork:
    """The image encoder of SAM, whose blocks can be read."""

    # Its authors pad with zeros, after normalization, to the right and below.
    padding = "zero"

    def __init__(self, encoder: Any) -> None:
        self.module = encoder
        self.unit = encoder.img_size
        self.n_channels = encoder.patch_embed.proj.in_channels
        self.normalization = NORMALIZATIONS["imagenet"].for_channels(self.n_channels)

    def maps(self, batch: Tensor, layers: Sequence[int], node: str) -> list[Tensor]:
        """Maps (n, d, rows, columns) of some layers; see `Network`."""
        encoder = self.module
        blocks = list(encoder.blocks)[: max(layers) + 1]
        with tapped(blocks, layers, node) as recorded:
            stream = encoder.patch_embed(batch)
            if encoder.pos_embed is not None:
                stream = stream + encoder.pos_embed
            rows, columns = stream.shape[1:3]
            for block in blocks:
                stream = block(stream)
        return [as_map(tokens, rows, columns) for tokens in recorded]

    def densify(self, stride: int) -> bool:
        """Never: its number of patches is fixed; see `Network`."""
        return False


def names() -> list[str]:
    """Names of all encoders, fine-tuned ones among them."""
    from ..catalog import ENTRIES

    return [entry.name for entry in ENTRIES if entry.name.startswith(_PREFIX)]


def build(name: str, architecture: Mapping[str, Any]) -> Any:
    """An image encoder with random weights.

    Parameters
    ----------
    name
        One of `names()`; "vit_b_lm" has the architecture of "vit_b".
    architecture
        Arguments of segment_anything's ImageEncoderViT, in place of those of the name.
    """
    from functools import partial

    import torch
    from segment_anything.modeling import ImageEncoderViT

    kind = name.removeprefix(_PREFIX)[:5]
    options: dict[str, Any] = {
        "img_size": 1024,
        "patch_size": 16,
        "mlp_ratio": 4,
        "norm_layer": partial(torch.nn.LayerNorm, eps=1e-6),
        "qkv_bias": True,
        "use_rel_pos": True,
        "window_size": 14,
        "out_chans": 256,
        **ENCODERS[kind],
        **architecture,
    }
    try:
        return ImageEncoderViT(**options).eval()
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"No encoder of SAM can be built with {dict(architecture)!r}: {error}. Give arguments "
            f"of segment_anything's ImageEncoderViT."
        ) from error


def describe(name: str, architecture: Mapping[str, Any] | None = None) -> BackboneEntry:
    """What there is to know about an encoder; with an architecture of one's own, about that."""
    from dataclasses import replace

    import torch

    from ..catalog import ENTRIES
    from ..cost import count_cost

    known = {entry.name: entry for entry in ENTRIES}
    entry = known[check_choice("encoder of SAM", name, names())]
    if not architecture:
        return entry
    with torch.device("meta"):
        network = SamNetwork(build(name, architecture))
    depth, patch = len(network.module.blocks), network.module.patch_embed.proj.stride[0]
    return replace(
        entry,
        layers=tuple(f"block {i}" for i in range(depth)),
        nodes={node: NODE_TYPES[node] for node in entry.nodes},
        strides=(patch,) * depth,
        canvas=network.unit,
        cost=count_cost(
            lambda image: network.maps(
                image[:, :1].expand(-1, network.n_channels, -1, -1), [depth - 1], "block"
            ),
            network.unit,
            fixed=True,
        ),
    )


def load(entry: BackboneEntry, weights: Path, *, architecture: Mapping[str, Any]) -> SamNetwork:
    """The encoder of an entry with the weights of a file."""
    encoder = build(entry.name, architecture)
    load_weights(
        encoder,
        entry,
        weights,
        # What mixes the last block into 256 channels for SAM's own decoder.
        optional=lambda key: key.startswith("neck."),
        convert=_encoder_only,
    )
    return SamNetwork(encoder)


def _encoder_only(tensors: dict[str, Any]) -> dict[str, Any]:
    """The image encoder out of a whole SAM; a file of the encoder alone is taken as it is."""
    for prefix in (_PART, f"sam.{_PART}"):
        part = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
        if part:
            return part
    return tensors
