"""What intensities segments have, in every channel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, Steps
from .properties import OF_CHANNEL
from .scene import Scene


def intensities(scene: Scene, wanted: Sequence[str]) -> Steps[dict[str, NDArray]]:
    """Mean, lowest, highest and standard deviation; what is not finite counts nowhere.

    A segment without any finite intensity has NaN. Of an image of one channel without a name the
    columns have the names of the properties, else those of the channels behind them.
    """
    result: dict[str, NDArray] = {}
    for i, (channel, read) in enumerate(scene.channels.items()):
        yield Progress("intensities", i, len(scene.channels))
        measured = _of_channel(scene, read())
        end = f"{OF_CHANNEL}{channel}" if channel else ""
        result |= {f"{name}{end}": measured[name] for name in wanted}
    return result


def _of_channel(scene: Scene, channel: NDArray) -> dict[str, NDArray]:
    values = np.asarray(channel).ravel()[scene.inside].astype(np.float64)
    owner, n = scene.owner, scene.n
    finite = np.isfinite(values)
    if not finite.all():
        values, owner = values[finite], owner[finite]
    counts = np.bincount(owner, minlength=n)
    some = np.where(counts > 0, counts, np.nan)
    mean = np.bincount(owner, weights=values, minlength=n) / some
    lowest, highest = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(lowest, owner, values)
    np.maximum.at(highest, owner, values)
    squares = np.bincount(owner, weights=np.square(values - mean[owner]), minlength=n)
    return {
        "intensity_mean": mean,
        "intensity_min": np.where(counts > 0, lowest, np.nan),
        "intensity_max": np.where(counts > 0, highest, np.nan),
        "intensity_std": np.sqrt(squares / some),
    }
