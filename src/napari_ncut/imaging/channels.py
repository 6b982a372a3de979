"""Choosing and mixing channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, is_number

Channels = int | Sequence[int] | Literal["all", "composite"] | None

# Additive colors in the order in which microscopists' viewers hand them out (napari's own order
# for up to three channels starts with magenta and green, too): distinct also for color-blind eyes.
COMPOSITE_COLORS = np.array(
    [[1, 0, 1], [0, 1, 0], [0, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 1]], dtype=np.float32
)


def selected_channels(channels: Channels | str, n_channels: int, is_color: bool) -> list[int]:
    """Indices of the channels that are read, for an image of `n_channels` channels.

    Color keeps its three samples (alpha is dropped) unless `channels` says otherwise.
    """
    if channels is None or channels == "composite":
        return list(range(3 if is_color else n_channels))
    if channels == "all":
        return list(range(n_channels))
    if isinstance(channels, str):
        raise InputError(
            f"Unknown channels {channels!r}. Give an index, several indices, "
            f'"all" or "composite" (an RGB mixture of all channels).'
        )
    wanted = list(channels) if isinstance(channels, Iterable) else [channels]
    bad = [c for c in wanted if not is_number(c, whole=True) or not -n_channels <= c < n_channels]
    if bad or not wanted:
        accepted = f"indices from 0 to {n_channels - 1}" if n_channels > 1 else "0 or leave it out"
        raise InputError(
            f"Channels {channels!r} were asked for, but the image has {n_channels}. "
            f"Give {accepted}."
        )
    return [int(c) % n_channels for c in wanted]


def composite(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mix channels in [0, 1], (h, w, c), to RGB in [0, 1], (h, w, 3), by adding colors."""
    n_channels = plane.shape[-1]
    colors = COMPOSITE_COLORS[np.arange(n_channels) % len(COMPOSITE_COLORS)]
    return np.minimum(plane @ colors, np.float32(1))
