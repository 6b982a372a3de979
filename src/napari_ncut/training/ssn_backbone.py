"""A backbone that is trained together with a superpixel network: which of its weights move."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from ..backbones.tensors import gather
from ..errors import InputError
from ..superpixels.ssn_sources import BackboneSource, Source, scaled


class TrainedBackbone:
    """The last parts of a network, or all, with gradients.

    Parameters
    ----------
    source
        A `BackboneSource` of a network.
    trainable
        "last-1", "last-2" … for so many of the parts that the layer is made by, or "all".

    Raises
    ------
    InputError
        If the source is no network, or has no such parts.
    """

    def __init__(self, source: Source, trainable: str) -> None:
        network = getattr(getattr(source, "backbone", None), "network", None)
        if not isinstance(source, BackboneSource) or network is None:
            raise InputError(
                f'trainable={trainable!r} is of a backbone that is a network, such as "timm:…". '
                f'Give the source "backbone" with one, or trainable="head".'
            )
        self._source, self._network = source, network
        # What a run over a crop would show and `BackboneSource.maps` would not: one layer, one map.
        self._entry, self._layers = source.backbone._entry, source.backbone._layers
        if len(self._layers) != 1:
            raise InputError(
                f"{source.backbone.name} gives {len(self._layers)} layers, but one alone can be "
                f'trained. Give one, or trainable="head".'
            )
        self._parts = self._chosen(trainable)
        for part in self._parts:
            part.requires_grad_(True)

    def _chosen(self, trainable: str) -> list[nn.Module]:
        module = self._network.module
        if trainable == "all":
            return [module]
        word, _, number = trainable.partition("-")
        if word != "last" or not number.isdigit() or int(number) < 1:
            raise InputError(
                f"trainable {trainable!r} cannot be used. Give head, last-1, last-2 … or all."
            )
        return parts_of(module, self._layers[0])[-int(number) :]

    def parameters(self) -> Iterator[nn.Parameter]:
        """Those that are trained."""
        for part in self._parts:
            yield from part.parameters()

    def maps(self, batch: Tensor) -> Tensor:
        """The layer's map (n, d, rows, columns) of a batch (n, 3, h, w) in [0, 1]."""
        height, width = batch.shape[2:]
        own = self._entry.strides[self._layers[0]]
        if self._source.stride != own:
            raise InputError(
                f"{self._source.backbone.name} is used at a stride of {self._source.stride} "
                f"pixels, its layer's own is {own}. Leave the stride out."
            )
        unit, canvas = self._network.unit, self._entry.canvas
        if canvas and max(height, width) > canvas:
            raise InputError(
                f"Crops of {height} × {width} pixels do not fit the {canvas} that "
                f"{self._source.backbone.name} takes. Give --side {canvas} or less."
            )
        size = [canvas or -(-n // unit) * unit for n in (height, width)]
        given = self._network.normalization(gather(batch, (0, size[0]), (0, size[1])))
        (found,) = self._network.maps(given, self._layers, self._source.backbone._node)
        result: Tensor = scaled(found[..., : -(-height // own), : -(-width // own)], axis=1)
        return result

    def state(self) -> dict[str, Tensor]:
        """Weights and buffers of the parts that are trained, by their names in the network."""
        trained = {id(p) for p in self.parameters()}
        named: dict[str, Any] = dict(self._network.module.named_parameters())
        return {name: value.detach() for name, value in named.items() if id(value) in trained}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take over what `state` gave."""
        self._network.module.load_state_dict(state, strict=False)


def parts_of(module: nn.Module, layer: int) -> list[nn.Module]:
    """The parts of a network up to a layer that have weights, in the order of computing.

    Blocks of a transformer, or else the largest sequence of parts that there is.
    """
    blocks = getattr(module, "blocks", None)
    if isinstance(blocks, nn.Sequential | nn.ModuleList):
        return list(blocks)[: layer + 1]
    sequences = [list(one.children()) for one in module.modules() if isinstance(one, nn.Sequential)]
    own = [list(module.children())]
    parts = max([*own, *sequences], key=len)
    return [part for part in parts if any(True for _ in part.parameters())]
