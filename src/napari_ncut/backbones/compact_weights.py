"""How the weights of `compact` lie in their file: large kernels in a byte a number, others in two.

A kernel that is kept in bytes has a scale for each of its outputs beside it (as in post-training
quantization by channels: Jacob et al., Quantization and training of neural networks for efficient
integer-arithmetic-only inference, 2018). The network computes with numbers of four bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..weights.checkpoints import read_checkpoint

if TYPE_CHECKING:
    from torch import Tensor


# Kernels of at least so many numbers are kept in bytes: the small ones save nothing, and those
# that make boundaries and embeddings are small.
_LARGE = 2**13
_SCALE = ".scale"


def weights_path() -> Path:
    """The file of weights that comes with the package."""
    return Path(str(files("napari_ncut.backbones"))) / "compact.safetensors"


def pack(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a file holds of the weights of a folded network."""
    import torch

    packed = {}
    for name, value in weights.items():
        value = value.detach().cpu()
        if value.ndim == 4 and value.numel() >= _LARGE:
            # In the precision in which they are kept, so that reading divides by the same.
            scale = (value.abs().amax(dim=(1, 2, 3)).clamp_min(1e-6) / 127).half()
            steps = (value / scale.float()[:, None, None, None]).round().clamp(-127, 127)
            packed[name], packed[name + _SCALE] = steps.to(torch.int8).contiguous(), scale
        else:
            packed[name] = value.half().contiguous()
    return packed


def unpack(packed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights, float32, of what `pack` made."""
    weights = {}
    for name, value in packed.items():
        if name.endswith(_SCALE):
            continue
        scale = packed.get(name + _SCALE)
        weights[name] = value.float()
        if scale is not None:
            weights[name] *= scale.float()[:, None, None, None]
    return weights


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Weights of a folded network, float32, from a file that training wrote.

    Raises
    ------
    InputError
        If the file is missing, broken, or holds no weights by name.
    """
    found = read_checkpoint(path)
    if not isinstance(found, Mapping):
        raise InputError(
            f"{path} holds layers without names. Give a file that the training of compact wrote."
        )
    return unpack(found)
