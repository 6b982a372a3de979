"""Planes to tensors and back: channels, borders that go on mirrored, cells read from maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..imaging.channels import composite
from .geometry import mirrored, sampling

if TYPE_CHECKING:
    from torch import Tensor

Image = NDArray[np.float32]


def match_channels(plane: Image, n_channels: int) -> Image:
    """A plane with as many channels as the network takes."""
    given = plane.shape[-1]
    if given == n_channels:
        return plane
    if n_channels == 1:
        return plane.mean(axis=-1, keepdims=True)
    if given == 1:
        return np.repeat(plane, n_channels, axis=-1)
    if n_channels == 3:
        # Two channels, or four and more: mixed as a viewer shows them.
        return composite(plane)
    raise InputError(
        f"The network takes {n_channels} channels, but the images have {given}. "
        f"Choose {n_channels} channels, or one."
    )


def gather(batch: Tensor, down: tuple[int, int], across: tuple[int, int]) -> Tensor:
    """The pixels `down` × `across` of a batch (n, c, h, w), which goes on mirrored beyond."""
    import torch

    for axis, (first, last) in ((2, down), (3, across)):
        size = batch.shape[axis]
        if (first, last) != (0, size):
            index = torch.from_numpy(mirrored(first, last, size)).to(batch.device)
            batch = batch.index_select(axis, index)
    return batch


def sample(values: Tensor, axis: int, own: int, n_wanted: int, stride: int, size: int) -> Tensor:
    """Read `n_wanted` cells of `stride` along an axis of a map whose cells are `own` pixels."""
    import torch

    found = sampling(values.shape[axis], own, n_wanted, stride, size)
    if found is None:
        return values
    lower = torch.from_numpy(found[0]).to(values.device)
    share = torch.from_numpy(found[1]).to(values.device, values.dtype)
    share = share.view(-1, 1) if axis == 2 else share
    low = values.index_select(axis, lower)
    if values.shape[axis] == 1:
        return low
    return torch.lerp(low, values.index_select(axis, lower + 1), share)
