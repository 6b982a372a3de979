"""Superpixel sampling networks: from a file of weights and a plane to labels."""

from __future__ import annotations

import logging
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..backbones.tensors import match_channels
from ..devices import choose_device
from ..errors import InputError
from .connectivity import connected_pieces
from .soft import SoftGrid
from .ssn_network import COLOR_SCALE, SsnNetwork, SsnSettings
from .ssn_sources import PixelSource, Source, source_of

log = logging.getLogger(__name__)

Image = NDArray[np.float32]

# Pieces with less than this share of the pixels of a superpixel join a neighbor.
SMALLEST = 0.15
# What the settings are called in a file of weights, and what stands before a backbone's weights.
_SETTINGS, _OF_BACKBONE = "ssn", "backbone."


class Ssn:
    """A network, its source, and how a plane becomes superpixels.

    Parameters
    ----------
    network
        In evaluation mode.
    source
        Of its maps.
    device
        Where the head and soft k-means compute.
    """

    def __init__(self, network: SsnNetwork, source: Source, device: str = "cpu") -> None:
        self.network = network.to(device).eval()
        self.source = source
        self.device = device

    def labels(
        self,
        plane: Image,
        n_segments: int,
        *,
        is_color: bool = True,
        iterations: int = 10,
        compactness: float = 1.0,
        maps: list[Image] | None = None,
    ) -> NDArray[np.int32]:
        """About `n_segments` connected superpixels of a plane (h, w, c), from 1.

        `maps` are those of the source, where they are at hand.
        """
        if maps is None:
            maps = self.source.maps(plane)
        grid = SoftGrid.of((plane.shape[0], plane.shape[1]), n_segments, self.device)
        color = as_batch(scaled_color(plane, is_color, self.network.settings), self.device)
        with torch.inference_mode():
            found = self.network(
                color, [as_batch(one, self.device) for one in maps], grid, iterations, compactness
            )
            hard = found.labels()[0].cpu().numpy()
        return connected_pieces(hard, SMALLEST * grid.spacing**2)


def scaled_color(plane: Image, is_color: bool, settings: SsnSettings) -> Image:
    """Colors (h, w, c) as the network takes them.

    CIELAB of color; a gray image, and other channels mixed, have its lightness alone. Of the source
    "pixels", to which every channel is welcome, they stay apart.
    """
    from skimage.color import rgb2lab

    if not is_color and settings.source == "pixels":
        return plane * np.float32(100 * COLOR_SCALE)
    if plane.shape[-1] == 1:
        return np.repeat(plane, 3, -1) * np.array([100 * COLOR_SCALE, 0, 0], np.float32)
    return (rgb2lab(match_channels(plane, 3)) * COLOR_SCALE).astype(np.float32)


def as_batch(values: NDArray, device: str) -> Tensor:
    """An array (h, w, d) as a batch of one."""
    tensor = torch.from_numpy(np.ascontiguousarray(values)).permute(2, 0, 1)[None]
    return tensor.to(device, torch.float32)


# ------------------------------------------------------------------------------------------- files


def weights_path() -> Path:
    """The file of weights that comes with the package."""
    return Path(str(files("napari_ncut.superpixels"))) / "ssn.safetensors"


def tensors_of(network: SsnNetwork, backbone: dict[str, Tensor] | None = None) -> dict[str, Tensor]:
    """What a file of weights holds: the network, and what was trained of its backbone."""
    own = dict(network.state_dict())
    return own | {f"{_OF_BACKBONE}{name}": value for name, value in (backbone or {}).items()}


def write_ssn(path: Path, network: SsnNetwork, backbone: dict[str, Tensor] | None = None) -> None:
    """Write weights in half precision, with all that it takes to use them."""
    from safetensors.torch import save_file

    tensors = tensors_of(network, backbone)
    halved = {name: value.detach().cpu().half().contiguous() for name, value in tensors.items()}
    save_file(halved, path, metadata={_SETTINGS: network.settings.to_json()})


def read_ssn(path: str | Path) -> tuple[SsnNetwork, dict[str, Tensor]]:
    """The network of a file, and weights of its backbone that were trained with it.

    Raises
    ------
    InputError
        If there is no such file, or it is none of `napari-ncut ssn train`.
    """
    from safetensors import SafetensorError, safe_open

    tensors: dict[str, Tensor] = {}
    try:
        with safe_open(str(path), "pt") as file:
            text = (file.metadata() or {}).get(_SETTINGS)
            if text is not None:
                tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{path} cannot be read as weights of an SSN ({error}). Give the .safetensors file "
            f"that `napari-ncut ssn train` wrote."
        ) from error
    if text is None:
        raise InputError(
            f"{path} holds no SSN: it does not say what it was trained on. Give the .safetensors "
            f"file that `napari-ncut ssn train` wrote."
        )
    network = SsnNetwork(SsnSettings.from_json(text))
    of_backbone = {
        name.removeprefix(_OF_BACKBONE): value
        for name, value in tensors.items()
        if name.startswith(_OF_BACKBONE)
    }
    network.load_state_dict(
        {name: v for name, v in tensors.items() if not name.startswith(_OF_BACKBONE)}
    )
    return network, of_backbone


def load_ssn(checkpoint: str | None = None, device: str | None = None) -> Ssn:
    """An SSN that is ready: that of the package, that of a file, or "pixels" for color alone.

    The last two are kept; a file that changed is read anew.
    """
    device = choose_device(device)
    if checkpoint == "pixels":
        source = PixelSource()
        return Ssn(SsnNetwork(source.settings), source, device)
    path = weights_path() if checkpoint is None else Path(checkpoint)
    return _loaded(str(path), path.stat().st_mtime_ns if path.exists() else 0, device)


@lru_cache(maxsize=2)
def _loaded(path: str, stamp: int, device: str) -> Ssn:
    network, of_backbone = read_ssn(path)
    source: Any = source_of(network.settings, device)
    if of_backbone:
        source.module.load_state_dict(of_backbone, strict=False)
    if source.settings.trained != network.settings.trained:
        log.warning(
            "%s was trained on other weights of %s than those in use: its superpixels may be "
            "worse. Train it anew: napari-ncut ssn train",
            path,
            network.settings.source,
        )
    return Ssn(network, source, device)
