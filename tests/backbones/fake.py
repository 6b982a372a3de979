"""A network whose features are known without a network: means over patches."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from napari_ncut.backbones import BackboneEntry
from napari_ncut.backbones.network import NetworkBackbone
from napari_ncut.backbones.normalization import NORMALIZATIONS

PATCH = 16


class Means:
    """Means of patches of 16 pixels, as a network of a family.

    Attributes
    ----------
    most : int
        Pixels of a batch, of all images together, that it has memory for, by kind of device.
    error : Exception
        What it raises beyond.
    batches : list of (n, rows, columns)
        What it was given, in order.
    """

    normalization = NORMALIZATIONS["none"]
    n_channels = 3

    def __init__(self, *, padding: str = "mirror", unit: int = PATCH) -> None:
        self.module = torch.nn.Identity()
        self.padding = padding
        self.unit = unit
        self.stride = PATCH
        self.most: dict[str, int] = {}
        self.error: Exception = torch.OutOfMemoryError("CUDA out of memory")
        self.batches: list[tuple[int, int, int]] = []
        self.device = "cpu"

    def maps(self, batch: torch.Tensor, layers: Any, node: str) -> list[torch.Tensor]:
        n, _, rows, columns = batch.shape
        self.batches.append((n, rows, columns))
        if n * rows * columns > self.most.get(self.device, 10**9):
            raise self.error
        return [F.avg_pool2d(batch, PATCH, self.stride) for _ in layers]

    def densify(self, stride: int) -> bool:
        self.stride = stride
        return True


def backbone_of(
    network: Means,
    monkeypatch: pytest.MonkeyPatch,
    *,
    canvas: int = 0,
    fits_canvas: bool = False,
    **options: Any,
) -> NetworkBackbone:
    """A network as a backbone, as `load_backbone` would make it."""
    family = SimpleNamespace(load=lambda entry, weights, *, architecture: network)
    monkeypatch.setattr("napari_ncut.backbones.network.family_of", lambda name: family)
    monkeypatch.setattr("napari_ncut.backbones.network.weights_of", lambda entry, file: file)
    entry = BackboneEntry(
        name="fake:means",
        summary="",
        title="Means",
        builder="",
        layers=("patches",),
        nodes={"block": ""},
        strides=(PATCH,),
        canvas=canvas,
        fits_canvas=fits_canvas,
    )
    return NetworkBackbone(entry, layers=(0,), node="block", device="cpu", **options)
