"""The layers of a superpixel sampling network: features in which soft k-means finds superpixels."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .soft import SoftAssignment, SoftGrid, soft_superpixels

# How color (CIELAB) and place (in sides of a superpixel) count in the beginning, as published.
COLOR_SCALE, PLACE_SCALE = 0.26, 2.5
# Channels and strides of the maps of the deep source's own small network.
DEEP = ((16, 1), (24, 2), (32, 4))


@dataclass(frozen=True)
class SsnSettings:
    """What a network is made of; its file of weights says it.

    Attributes
    ----------
    source : str
        Where features come from: "pixels", "deep", "compact" or "backbone".
    maps : tuple of (channels, stride)
        The maps that the source gives.
    dimensions : int
        Features learned beside color and place; 0 for those two alone.
    width, fine_width : int
        Channels of hidden layers on maps, and at full resolution.
    backbone, layer, node, architecture, checkpoint
        Of the source "backbone", as `load_backbone` takes them.
    trained : str
        A digest of the weights that the features were trained on; "" where it does not matter.
    """

    source: str = "pixels"
    maps: tuple[tuple[int, int], ...] = ()
    dimensions: int = 0
    width: int = 32
    fine_width: int = 16
    backbone: str | None = None
    layer: Any = None
    node: str | None = None
    architecture: Any = None
    checkpoint: str | None = None
    trained: str = ""

    @property
    def stride(self) -> int:
        """Of the coarsest map: crops begin and end at multiples of it."""
        return max((stride for _, stride in self.maps), default=1)

    def to_json(self) -> str:
        """All of it as text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> SsnSettings:
        """What `to_json` wrote."""
        given = json.loads(text)
        given["maps"] = tuple((int(c), int(s)) for c, s in given["maps"])
        return cls(**given)


class SsnNetwork(nn.Module):
    """A head on the maps of a source, and the weights of color and place.

    Maps are brought together from coarse to fine; what is learned stands beside color and place,
    so that a network that has learned nothing yet makes superpixels by these two.
    """

    def __init__(self, settings: SsnSettings) -> None:
        super().__init__()
        self.settings = settings
        self.weights = nn.Parameter(torch.zeros(2))
        self.trunk: nn.Module | None = _Trunk() if settings.source == "deep" else None
        self.levels: nn.ModuleList | None = None
        if settings.dimensions:
            self._add_head()

    def _add_head(self) -> None:
        settings = self.settings
        by_stride: dict[int, int] = {}
        for channels, stride in settings.maps:
            by_stride[stride] = by_stride.get(stride, 0) + channels
        self._strides = sorted((s for s in by_stride if s > 1), reverse=True)
        self.levels = nn.ModuleList(
            _Level(by_stride[stride], settings.width) for stride in self._strides
        )
        fine = settings.fine_width
        self.down = nn.Conv2d(settings.width, fine, 1) if self._strides else None
        inputs = by_stride.get(1, 0) + 3 + (fine if self._strides else 0)
        self.fine = nn.Conv2d(inputs, fine, 3, padding=1)
        self.output = nn.Conv2d(2 * fine if self._strides else fine, settings.dimensions, 1)
        # What was learned begins near nothing, beside color and place.
        nn.init.normal_(self.output.weight, std=0.02)
        assert self.output.bias is not None  # layers have one
        nn.init.zeros_(self.output.bias)
        # The maps themselves, without hidden layers between; see `start_from`.
        self.shortcut: nn.Conv2d | None = None
        if self._strides:
            finest = by_stride[self._strides[-1]]
            self.shortcut = nn.Conv2d(finest, settings.dimensions, 1, bias=False)
            nn.init.zeros_(self.shortcut.weight)

    def start_from(self, cells: Tensor, gain: float) -> None:
        """Let what is learned begin with the principal components of the finest coarse map.

        Parameters
        ----------
        cells
            Features (n, d) of the first map of the finest stride above 1.
        gain
            How much they count; color and place count half as much then.
        """
        assert self.shortcut is not None  # there is such a map
        centered = cells - cells.mean(dim=0)
        _, axes = torch.linalg.eigh(centered.T @ centered)
        axes = axes.flip(1)[:, : self.settings.dimensions]
        with torch.no_grad():
            self.shortcut.weight[: axes.shape[1], : len(axes), 0, 0] = gain * axes.T
            self.weights.fill_(math.log(0.5))

    def learned(self, color: Tensor, maps: Sequence[Tensor]) -> Tensor:
        """Learned features (n, d, h, w) of scaled CIELAB (n, 3, h, w) and the source's maps."""
        assert self.levels is not None  # there is a head where there is something learned
        if self.trunk is not None:
            maps = self.trunk(color)
        strides = [stride for _, stride in self.settings.maps]
        found = {
            stride: torch.cat([one for _, one in of_stride], dim=1)
            for stride, of_stride in groupby(
                sorted(zip(strides, maps, strict=True), key=lambda pair: pair[0]),
                key=lambda pair: pair[0],
            )
        }
        x, at = None, 0
        for level, stride in zip(self.levels, self._strides, strict=True):
            above = None if x is None else enlarged(x, at // stride, found[stride].shape[2:])
            x, at = level(found[stride], above), stride
        parts = [color * 0.1]
        if 1 in found:
            parts.append(found[1])
        if x is not None and self.down is not None:
            coarse = enlarged(self.down(x), at, color.shape[2:])
            hidden = functional.relu(self.fine(torch.cat([*parts, coarse], dim=1)))
            assert self.shortcut is not None  # there is a map above full resolution
            direct = enlarged(self.shortcut(found[at]), at, color.shape[2:])
            return self.output(torch.cat([hidden, coarse], dim=1)) + direct
        return self.output(functional.relu(self.fine(torch.cat(parts, dim=1))))

    def features(
        self, color: Tensor, maps: Sequence[Tensor], grid: SoftGrid, compactness: float = 1.0
    ) -> Tensor:
        """All features (n, h · w, d), row by row.

        Parameters
        ----------
        color
            CIELAB (n, 3, h, w) times `COLOR_SCALE`; of source "pixels" any number of channels.
        maps
            Of the source, (n, d, ceil(h / stride), ceil(w / stride)).
        grid
            Of the superpixels: place counts in their sides.
        compactness
            Factor on the weight of place.
        """
        weights = self.weights.exp()
        place = places(grid.shape, color) * (weights[1] * compactness * PLACE_SCALE / grid.spacing)
        parts = [color * weights[0], place.expand(len(color), -1, -1, -1)]
        if self.levels is not None:
            parts.append(self.learned(color, maps))
        return torch.cat(parts, dim=1).flatten(2).transpose(1, 2)

    def forward(
        self,
        color: Tensor,
        maps: Sequence[Tensor],
        grid: SoftGrid,
        iterations: int = 10,
        compactness: float = 1.0,
    ) -> SoftAssignment:
        """Soft superpixels of planes; see `features`."""
        return soft_superpixels(self.features(color, maps, grid, compactness), grid, iterations)


class _Level(nn.Module):
    """Maps of one stride, and what comes from coarser ones, to hidden features."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(inputs, width, 1)
        self.mix = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, maps: Tensor, above: Tensor | None) -> Tensor:
        x = self.enter(maps)
        x = x if above is None else x + above
        return x + functional.relu(self.mix(functional.relu(x)))


class _Trunk(nn.Module):
    """The small convolutional network of the source "deep": maps at 1, 1/2 and 1/4."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList()
        before = 3
        for channels, _ in DEEP:
            self.stages.append(
                nn.Sequential(
                    nn.Conv2d(before, channels, 3, padding=1),
                    nn.ReLU(),
                    nn.Conv2d(channels, channels, 3, padding=1),
                    nn.ReLU(),
                )
            )
            before = channels

    def forward(self, color: Tensor) -> list[Tensor]:
        maps = []
        x = color * 0.1
        for i, stage in enumerate(self.stages):
            # An odd last row or column is a cell of its own, as everywhere.
            x = stage(functional.avg_pool2d(x, 2, ceil_mode=True) if i else x)
            maps.append(x)
        return maps


def enlarged(maps: Tensor, factor: int, shape: Sequence[int]) -> Tensor:
    """Maps (n, d, rows, columns) bilinearly to cells `factor` times finer, cut to `shape`.

    Cells cover `factor` pixels from their first one on, also where the last one is incomplete.
    """
    if factor > 1:
        maps = functional.interpolate(
            maps, scale_factor=factor, mode="bilinear", align_corners=False
        )
    return maps[..., : shape[0], : shape[1]]


def places(shape: tuple[int, int], like: Tensor) -> Tensor:
    """Row and column of every pixel, (1, 2, h, w), from the middle of the plane."""
    axes = [torch.arange(n, dtype=like.dtype, device=like.device) - (n - 1) / 2 for n in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))[None]
