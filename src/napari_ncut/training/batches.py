"""Crops as a network is given them, and what its maps of them are compared with.

All of it is drawn in processes beside training: a step on a graphics processor takes less time than
its crops do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from .augmentation import Crop, random_crop
from .samples import Sample

# Share of the crops of a batch that each source gives.
SHARES = {"bsds500": 0.45, "synthesized": 0.4, "dsb2018": 0.13, "stardist_samples": 0.02}
# Crops have a kind to learn when so many pixels have one.
_FEWEST_KNOWN = 100
# Batches that each process has ready.
_AHEAD = 3


@dataclass(frozen=True)
class Drawing:
    """How crops and pairs are drawn.

    Attributes
    ----------
    batches
        Crops of a batch and pixels of their sides: each batch has one of these, at random.
    pairs, reach
        Pairs of pixels compared in a crop, and the largest distance of two of one segment.
    seed
        Of everything random.
    """

    batches: tuple[tuple[int, int], ...]
    pairs: int
    reach: float
    seed: int


@dataclass(frozen=True)
class _Tensors:
    """Tensors that move together."""

    def to(self, device: str | torch.device, *, non_blocking: bool = True) -> Any:
        """The same on a device, copied while it computes if they are pinned."""
        return self._each("to", device, non_blocking=non_blocking)

    def pin_memory(self) -> Any:
        """The same where it can be copied from while a device computes."""
        return self._each("pin_memory")

    def clone(self) -> Any:
        """Copies in memory of their own."""
        return self._each("clone")

    def tensors(self) -> Iterator[Tensor]:
        """All of them, one by one."""
        for field in fields(self):
            one = getattr(self, field.name)
            yield from one.tensors() if isinstance(one, _Tensors) else (one,)

    def _each(self, act: str, *args: Any, **kwargs: Any) -> Any:
        ones = (getattr(self, field.name) for field in fields(self))
        return type(self)(*(getattr(one, act)(*args, **kwargs) for one in ones))


@dataclass(frozen=True)
class Pairs(_Tensors):
    """Pairs of pixels of n crops, as cells of maps of half the resolution.

    Attributes
    ----------
    start, end : int64 Tensors (n, k)
        Numbers of cells, row by row.
    same : float32 Tensor (n, k)
        How far both are the same, 0 to 1.
    weights : float32 Tensor (n, k)
        Of each pair, 1 on average; 0 all over a crop of which nobody knows.
    """

    start: Tensor
    end: Tensor
    same: Tensor
    weights: Tensor


@dataclass(frozen=True)
class Batch(_Tensors):
    """Crops of one size.

    Attributes
    ----------
    images : float32 Tensor (n, 3, side, side)
        In [0, 1], channels last in memory.
    boundary : float32 Tensor (n, side, side)
        Share of people who draw a boundary there.
    segment, kind
        Pairs of one segment or not, and of one kind or not.
    """

    images: Tensor
    boundary: Tensor
    segment: Pairs
    kind: Pairs


class Batches(Dataset[Batch]):
    """The batch of every step, which depends on the number of the step alone."""

    def __init__(self, samples: dict[str, list[Sample]], drawing: Drawing, n_steps: int) -> None:
        self.samples, self.drawing, self.n_steps = samples, drawing, n_steps

    def __len__(self) -> int:
        return self.n_steps

    def __getitem__(self, step: int) -> Batch:
        random = np.random.default_rng([self.drawing.seed, step])
        crops = self._crops(random)
        return Batch(
            as_input(crops),
            torch.from_numpy(np.stack([boundary_share(crop.segmentations) for crop in crops])),
            _stacked([segment_pairs(random, crop, self.drawing) for crop in crops]),
            _stacked([kind_pairs(random, crop, self.drawing) for crop in crops]),
        )

    def _crops(self, random: np.random.Generator) -> list[Crop]:
        sources = list(self.samples)
        shares = np.array([SHARES[source] for source in sources])
        n_crops, side = self.drawing.batches[random.integers(len(self.drawing.batches))]
        crops = []
        for source in random.choice(sources, n_crops, p=shares / shares.sum()):
            of_source = self.samples[str(source)]
            crops.append(random_crop(random, of_source[random.integers(len(of_source))], side))
        return crops


def drawn(batches: Batches, first: int, *, workers: int, pinned: bool = False) -> Iterable[Batch]:
    """Batches from the first step on, by so many processes; 0 for none beside this one."""
    return DataLoader(
        batches,
        batch_size=None,
        sampler=range(first, len(batches)),
        num_workers=workers,
        prefetch_factor=_AHEAD if workers else None,
        pin_memory=pinned,
    )


def as_input(crops: Sequence[Crop]) -> Tensor:
    """Images of crops as the network takes them."""
    images = torch.from_numpy(np.stack([crop.image for crop in crops]))
    return images.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def boundary_share(segmentations: NDArray[np.int32]) -> NDArray[np.float32]:
    """Share of segmentations (n, h, w) with a boundary at or beside each pixel (h, w)."""
    edges = np.zeros(segmentations.shape, dtype=bool)
    across = segmentations[:, 1:] != segmentations[:, :-1]
    along = segmentations[..., 1:] != segmentations[..., :-1]
    edges[:, 1:] |= across
    edges[:, :-1] |= across
    edges[..., 1:] |= along
    edges[..., :-1] |= along
    return edges.mean(axis=0, dtype=np.float32)


def segment_pairs(random: np.random.Generator, crop: Crop, drawing: Drawing) -> Pairs:
    """Pairs at all distances, and the share of people to whom they are of one segment."""
    side = crop.classes.shape[0]
    n = drawing.pairs
    start = random.integers(0, side, (n, 2))
    radius = np.exp(random.uniform(math.log(2), math.log(drawing.reach), n))
    angle = random.uniform(0, 2 * np.pi, n)
    step = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    end = np.clip(np.rint(start + step).astype(int), 0, side - 1)
    segments = crop.segmentations
    same = segments[:, start[:, 0], start[:, 1]] == segments[:, end[:, 0], end[:, 1]]
    return _pairs(side, start, end, same.mean(axis=0), np.ones(n))


def kind_pairs(random: np.random.Generator, crop: Crop, drawing: Drawing) -> Pairs:
    """Pairs anywhere, those of one kind and of two weighing the same in all."""
    side = crop.classes.shape[0]
    known = np.argwhere(crop.classes > 0)
    if len(known) < _FEWEST_KNOWN:
        nowhere = np.zeros((drawing.pairs, 2), int)
        return _pairs(side, nowhere, nowhere, np.zeros(len(nowhere)), np.zeros(len(nowhere)))
    start, end = (known[random.integers(0, len(known), drawing.pairs)] for _ in range(2))
    same = crop.classes[start[:, 0], start[:, 1]] == crop.classes[end[:, 0], end[:, 1]]
    share = np.clip(same.mean(), 0.05, 0.95)
    weights = np.where(same, 0.5 / share, 0.5 / (1 - share))
    # One kind alone tells nothing.
    return _pairs(side, start, end, same, weights * (not same.all()))


def _pairs(side: int, start: NDArray, end: NDArray, same: NDArray, weights: NDArray) -> Pairs:
    cells = (torch.from_numpy(one // 2 @ np.array([side // 2, 1])) for one in (start, end))
    numbers = (torch.from_numpy(one.astype(np.float32)) for one in (same, weights))
    return Pairs(*cells, *numbers)


def _stacked(pairs: list[Pairs]) -> Pairs:
    return Pairs(*(torch.stack([getattr(p, f.name) for p in pairs]) for f in fields(Pairs)))
