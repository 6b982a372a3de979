"""DeepCut: a graph network trained on the very plane that it cuts.

Aflalo et al., DeepCut: unsupervised segmentation using graph neural networks clustering, 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, Steps
from .found import Candidate
from .scene import IMAGE, Matrix, ObjectScene

if TYPE_CHECKING:
    from torch import Tensor

_CONVOLVED, _HIDDEN = 64, 32
_DROPOUT, _RATE, _DECAY, _MOMENTS = 0.25, 1e-3, 1e-2, (0.9, 0.999)
# Steps between two looks at whether to go on.
_REPORTED = 20


def deepcut_steps(
    scene: ObjectScene,
    *,
    n_regions: int = 200,
    n_groups: int = 2,
    n_epochs: int = 200,
    random_state: int = 0,
    center: str = IMAGE,
) -> Steps[list[Candidate]]:
    """Groups that minimize the normalized cut of regions, by a network of one plane.

    With more groups than two the one with most of the plane's border is the background, and each
    other one is of the foreground.
    """
    pieces = scene.pieces(n_regions)
    features = pieces.unit_features(centered=center == IMAGE)
    shares = yield from _trained(features, n_groups, n_epochs, random_state)
    background = (pieces.contact @ shares).argmax()
    likely = 1 - shares[:, background]
    return [Candidate.of_regions(pieces.graph.labels, likely)]


def _trained(unit: Matrix, n_groups: int, n_epochs: int, seed: int) -> Steps[Matrix]:
    """Shares (n, groups) of every region in each group, rows adding up to 1."""
    import torch

    features = torch.from_numpy(unit)
    affinity = (features @ features.T).clamp_(min=0)
    affinity /= affinity.max().clamp_(min=1e-12)
    root = affinity.sum(dim=1).clamp_(min=1e-12).rsqrt()
    spread = root[:, None] * affinity * root
    random = torch.Generator().manual_seed(int(seed))
    weights = _weights(features.shape[1], n_groups, random)
    parameters = [tensor.requires_grad_() for tensor in weights]
    moments = [(torch.zeros_like(w), torch.zeros_like(w)) for w in weights]
    for epoch in range(n_epochs):
        if epoch % _REPORTED == 0:
            yield Progress("network", epoch, n_epochs)
        loss = cut_loss(_shares(features, spread, parameters, random), affinity)
        _step(parameters, torch.autograd.grad(loss, parameters), moments, epoch + 1)
    yield Progress("network", n_epochs, n_epochs)
    with torch.no_grad():
        found: NDArray[np.float32] = _shares(features, spread, parameters, None).numpy()
    return found


def cut_loss(shares: Tensor, affinity: Tensor) -> Tensor:
    """The relaxed normalized cut of shares (n, k), and how far groups are from equally large.

    −tr(SᵀAS) / tr(SᵀDS) + ‖SᵀS / ‖SᵀS‖ − I / √k‖: −1 for separate groups of equal size.
    """
    import torch

    n_groups = shares.shape[1]
    degrees = affinity.sum(dim=1)
    within = (shares * (affinity @ shares)).sum()
    whole = (degrees[:, None] * shares.square()).sum()
    products = shares.T @ shares
    even = torch.eye(n_groups) / n_groups**0.5
    return -within / whole + torch.linalg.norm(products / torch.linalg.norm(products) - even)


def _step(
    weights: list[Tensor],
    slopes: Sequence[Tensor],
    moments: list[tuple[Tensor, Tensor]],
    number: int,
) -> None:
    """One step of AdamW (Loshchilov and Hutter, 2019), in place.

    That of torch would first load its compiler, which takes longer than a whole training here.
    """
    import torch

    first, second = _MOMENTS
    with torch.no_grad():
        for weight, slope, (mean, square) in zip(weights, slopes, moments, strict=True):
            mean.mul_(first).add_(slope, alpha=1 - first)
            square.mul_(second).addcmul_(slope, slope, value=1 - second)
            scale = (square / (1 - second**number)).sqrt_().add_(1e-8)
            weight.mul_(1 - _RATE * _DECAY)
            weight.addcdiv_(mean, scale, value=-_RATE / (1 - first**number))


def _weights(n_features: int, n_groups: int, random: Any) -> list[Tensor]:
    """A graph convolution and two layers, uniform as torch begins linear ones."""
    import torch

    sizes = [(n_features, _CONVOLVED), (_CONVOLVED, _HIDDEN), (_HIDDEN, n_groups)]
    weights = []
    for fan_in, fan_out in sizes:
        bound = fan_in**-0.5
        weights.append((torch.rand(fan_in, fan_out, generator=random) * 2 - 1) * bound)
        weights.append(torch.zeros(fan_out))
    return weights


def _shares(features: Tensor, spread: Tensor, weights: list[Tensor], random: Any) -> Tensor:
    """The network; dropout where there is a generator for it."""
    import torch
    from torch.nn import functional

    hidden = functional.elu(spread @ (features @ weights[0]) + weights[1])
    hidden = functional.elu(hidden @ weights[2] + weights[3])
    if random is not None:
        kept = torch.rand(hidden.shape, generator=random) >= _DROPOUT
        hidden = hidden * kept / (1 - _DROPOUT)
    return (hidden @ weights[4] + weights[5]).softmax(dim=1)
