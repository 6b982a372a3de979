"""The layers of `compact`, our own small network: boundaries, pixel embeddings, features."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

# Channels from full resolution to a sixteenth of it; a stage's blocks, by their dilations.
# The finest two have no blocks: there they cost most and tell least.
WIDTHS = (16, 32, 64, 128, 128)
DILATIONS = ((), (), (1, 1), (1, 1), (1, 2, 4))
# Channels of the maps that go back up, from a half to a sixteenth of the resolution.
PYRAMID = (32, 64, 64, 96)
# Dimensions of the two embeddings.
SEGMENT_DIMENSIONS = 24
KIND_DIMENSIONS = 16
# Sides are filled up to whole cells of the coarsest stage.
COARSEST = 16


@dataclass(frozen=True)
class CompactMaps:
    """What the network says of images (n, 3, h, w).

    Attributes
    ----------
    boundary : Tensor (n, 1, h, w)
        Logit of a boundary between segments at each pixel.
    segment, kind : Tensor (n, d, h/2, w/2)
        Embeddings: the nearer two pixels, the likelier they are of one segment, or of one kind.
    pyramid : tuple of Tensors
        Features at 1/2, 1/4, 1/8 and 1/16 of the resolution.
    """

    boundary: Tensor
    segment: Tensor
    kind: Tensor
    pyramid: tuple[Tensor, ...]


class _Convolution(nn.Module):
    """A convolution with batch normalization, which `fold` makes part of the convolution."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False)
        self.normalization: nn.Module = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.normalization(self.convolution(x))

    def fold(self) -> None:
        if isinstance(self.normalization, nn.BatchNorm2d):
            self.convolution = fuse_conv_bn_eval(self.convolution, self.normalization)
            self.normalization = nn.Identity()


class _Block(nn.Module):
    """Two convolutions, added to what they were given."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.first = _Convolution(width, width, dilation=dilation)
        self.second = _Convolution(width, width, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(functional.relu(self.first(x))))


class _Stage(nn.Module):
    """A convolution that may reduce, and blocks."""

    def __init__(self, inputs: int, outputs: int, stride: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.enter = _Convolution(inputs, outputs, stride=stride)
        self.blocks = nn.Sequential(*(_Block(outputs, dilation) for dilation in dilations))

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(functional.relu(self.enter(x)))


class CompactNetwork(nn.Module):
    """Five stages down to a sixteenth of the resolution, and a feature pyramid back up.

    Nothing in it looks at the whole image (no attention, no global pooling), so that tiles give
    what the whole gives, away from their borders.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            _Stage(before, width, 1 if before == 3 else 2, dilations)
            for before, width, dilations in zip((3, *WIDTHS), WIDTHS, DILATIONS, strict=False)
        )
        self.lateral = nn.ModuleList(
            nn.Conv2d(width, up, 1) for width, up in zip(WIDTHS[1:], PYRAMID, strict=True)
        )
        self.down = nn.ModuleList(
            nn.Conv2d(coarse, fine, 1, bias=False) for fine, coarse in pairwise(PYRAMID)
        )
        self.smooth = nn.ModuleList(_Convolution(width, width) for width in PYRAMID[:-1])
        self.embeddings = nn.Conv2d(PYRAMID[0], SEGMENT_DIMENSIONS + KIND_DIMENSIONS, 1)
        edge = WIDTHS[0] + 16
        self.to_edge = nn.Conv2d(PYRAMID[0], 16, 1, bias=False)
        self.edge = _Convolution(edge, 16)
        self.boundary = nn.Conv2d(16, 1, 1)
        # Probability of one segment, of one kind: sigmoid of these less the squared distance.
        self.offsets = nn.Parameter(torch.tensor([2.0, 2.0]))

    def forward(self, images: Tensor) -> CompactMaps:
        """Maps of images (n, 3, h, w) in [0, 1], h and w multiples of 16."""
        x = (images - 0.5) * 4
        down = []
        for stage in self.stages:
            x = stage(x)
            down.append(x)
        maps = [functional.relu(self.lateral[-1](down[-1]))]
        for level in (2, 1, 0):
            above = _enlarged(self.down[level](maps[0]))
            sum_ = functional.relu(self.lateral[level](down[level + 1]) + above)
            maps.insert(0, functional.relu(self.smooth[level](sum_)))
        embedded = self.embeddings(maps[0])
        edge = torch.cat([down[0], _enlarged(self.to_edge(maps[0]))], dim=1)
        return CompactMaps(
            boundary=self.boundary(functional.relu(self.edge(edge))),
            segment=embedded[:, :SEGMENT_DIMENSIONS],
            kind=embedded[:, SEGMENT_DIMENSIONS:],
            pyramid=tuple(maps),
        )

    def fold(self) -> CompactNetwork:
        """The same without batch normalization, which becomes part of the convolutions."""
        self.eval()
        for module in self.modules():
            if isinstance(module, _Convolution):
                module.fold()
        return self


def _enlarged(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
