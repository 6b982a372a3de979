"""The layers of `compact`, our own small network: boundaries, pixel embeddings, features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

# Channels from full resolution to a sixteenth of it; a stage's blocks, by their dilations.
# The finest has none, the next has one: there they cost most and tell least.
WIDTHS = (16, 32, 64, 128, 128)
DILATIONS = ((), (1,), (1, 1, 1), (1, 1, 1, 2), (1, 2, 4, 1, 2, 4, 1, 2))
# Channels of the maps that go back up, from a half to a sixteenth of the resolution.
PYRAMID = (32, 64, 64, 96)
# Dimensions of the two embeddings, in each of the two octaves.
SEGMENT_DIMENSIONS = 24
KIND_DIMENSIONS = 16
# Pixels of a cell of the coarsest stage, seen at half the resolution: sides are multiples of it.
COARSEST = 32


@dataclass(frozen=True)
class CompactMaps:
    """What the network says of images (n, 3, h, w).

    Attributes
    ----------
    boundary : Tensor (n, 1, h, w)
        Logit of a boundary between segments at each pixel.
    segment, kind : Tensor (n, 2d, h/2, w/2)
        Embeddings: the nearer two pixels, the likelier they are of one segment, or of one kind.
        The first half is that of the resolution given, the second that of half of it.
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
        # A new block changes nothing: a trained network can be made deeper and trained on.
        nn.init.zeros_(self.second.normalization.get_parameter("weight"))

    def forward(self, x: Tensor) -> Tensor:
        # In place, as of large images new memory costs more than the sum.
        return self.second(self.first(x).relu_()).add_(x).relu_()


class _Stage(nn.Module):
    """A convolution that may reduce, and blocks."""

    def __init__(self, inputs: int, outputs: int, stride: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.enter = _Convolution(inputs, outputs, stride=stride)
        self.blocks = nn.Sequential(*(_Block(outputs, dilation) for dilation in dilations))

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.enter(x).relu_())


class CompactNetwork(nn.Module):
    """Five stages down to a sixteenth of the resolution, and a feature pyramid back up.

    The image is seen twice with the same weights: at half its resolution first, whose maps the
    second look is given, and at its own. Large things are small in the first.

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
        # From the maps of the octave above, whose cells are as large as those one level up.
        self.octave = nn.ModuleList(
            nn.Conv2d(above, here, 1, bias=False) for above, here in pairwise(PYRAMID)
        )
        self.smooth = nn.ModuleList(_Convolution(width, width) for width in PYRAMID[:-1])
        self.embeddings = nn.Conv2d(PYRAMID[0], SEGMENT_DIMENSIONS + KIND_DIMENSIONS, 1)
        edge = WIDTHS[0] + 16
        self.to_edge = nn.Conv2d(PYRAMID[0], 16, 1, bias=False)
        self.edge = _Convolution(edge, 16)
        self.boundary = nn.Conv2d(16, 1, 1)
        # How much the boundaries of both octaves count.
        self.octaves = nn.Parameter(torch.tensor([0.5, 0.5]))
        # Probability of one segment, of one kind: sigmoid of these less the squared distance.
        self.offsets = nn.Parameter(torch.tensor([2.0, 2.0]))
        for weight in self.octave.parameters():
            # At first both looks are the same network's.
            nn.init.zeros_(weight)

    def forward(self, images: Tensor) -> CompactMaps:
        """Maps of images (n, 3, h, w) in [0, 1], h and w multiples of 32."""
        x = (images - 0.5) * 4
        coarse = self._look(functional.avg_pool2d(x, 2), None)
        fine = self._look(x, coarse.pyramid)
        embedded = [
            torch.cat([here, _enlarged(above)], dim=1) * 0.5**0.5
            for here, above in ((fine.segment, coarse.segment), (fine.kind, coarse.kind))
        ]
        return CompactMaps(
            boundary=self.octaves[0] * fine.boundary + self.octaves[1] * _enlarged(coarse.boundary),
            segment=embedded[0],
            kind=embedded[1],
            pyramid=fine.pyramid,
        )

    def _look(self, x: Tensor, above: tuple[Tensor, ...] | None) -> CompactMaps:
        """Maps at one resolution, with those of half of it if there are any."""
        down = []
        for stage in self.stages:
            x = stage(x)
            down.append(x)
        sums = [lateral(one) for lateral, one in zip(self.lateral, down[1:], strict=True)]
        if above is not None:
            for level, (layer, map_) in enumerate(zip(self.octave, above, strict=False), start=1):
                sums[level] = sums[level] + layer(map_)
        maps = [sums[-1].relu_()]
        for level in (2, 1, 0):
            sum_ = _enlarged(self.down[level](maps[0])).add_(sums[level]).relu_()
            maps.insert(0, self.smooth[level](sum_).relu_())
        embedded = self.embeddings(maps[0])
        edge = torch.cat([down[0], _enlarged(self.to_edge(maps[0]))], dim=1)
        return CompactMaps(
            boundary=self.boundary(self.edge(edge).relu_()),
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

    def unfold(self, folded: dict[str, Tensor], images: Tensor) -> CompactNetwork:
        """Take over the weights of a folded network, and normalize as these images ask for.

        On them (n, 3, h, w) both networks give the same; what `folded` lacks stays as it is.
        """
        own = {name: value for name, value in folded.items() if name in self.state_dict()}
        self.load_state_dict(own, strict=False)
        hooks = []
        for name, module in self.named_modules():
            bias = folded.get(f"{name}.convolution.bias")
            if isinstance(module, _Convolution) and bias is not None:
                hooks.append(module.convolution.register_forward_hook(_keeping(module, bias)))
        self.eval()
        with torch.no_grad():
            self._look((images - 0.5) * 4, None)
        for hook in hooks:
            hook.remove()
        return self


def _keeping(module: _Convolution, bias: Tensor) -> Callable[[nn.Module, object, Tensor], None]:
    """A hook that makes normalization do nothing but add `bias` to what passes now."""

    def hook(_: nn.Module, __: object, passing: Tensor) -> None:
        normalization = module.normalization
        assert isinstance(normalization, nn.BatchNorm2d)  # a network that is not folded
        variance, mean = torch.var_mean(passing, dim=(0, 2, 3))
        normalization.load_state_dict(
            {
                "running_mean": mean,
                "running_var": variance,
                "weight": (variance + normalization.eps).sqrt(),
                "bias": mean + bias,
            },
            strict=False,
        )

    return hook


def _enlarged(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
