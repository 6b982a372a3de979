"""When clicks were made: late ones correct little.

Whoever clicks has seen the answer to all clicks before, and chose what was most wrong in it. So
what lies far from a late click was right already, and no earlier click lies in what it is about.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Numbers that tell of a click's place in its history.
N_HISTORY = 2
# Those of a click before which there were none.
FIRST = np.array([0.0, np.inf])


def histories(
    pixels: NDArray[np.int64],
    counts: NDArray[np.bool_],
    *,
    n_drawn: int = 0,
) -> NDArray[np.float64]:
    """How many clicks came before each, and how far away the nearest of those is (n, 2).

    Parameters
    ----------
    pixels : int array (n, 3)
        (plane, row, column), in the order of clicking.
    counts : bool array (n,)
        Which clicks are for or against the same thing; no others count.
    n_drawn
        The first ones stand for what was drawn: all of them came at once.

    Returns
    -------
    float64 array (n, 2)
        Earlier clicks, those drawn being one; pixels to the nearest in the same plane, infinite
        without any. `FIRST` of what was drawn, and of clicks that do not count: whoever made those
        was not looking at an answer for this thing.
    """
    from scipy.spatial.distance import cdist

    n = len(pixels)
    drawn = np.arange(n) < n_drawn
    answering = counts & ~drawn
    n_before: NDArray[np.int64] = np.cumsum(answering) - answering + (counts & drawn).any()
    earlier = np.tri(n, k=-1, dtype=bool) & counts & (pixels[:, :1] == pixels[:, 0])
    apart = np.where(earlier, cdist(pixels[:, 1:], pixels[:, 1:]), np.inf)
    found = np.stack([n_before, apart.min(axis=1, initial=np.inf)], axis=1)
    return np.where(answering[:, np.newaxis], found, FIRST)


def history_features(history: NDArray[np.float64], n_pixels: int) -> NDArray[np.float32]:
    """Histories (…, 2) as the click network takes them, in a plane of so many pixels."""
    earlier, room = history[..., 0], np.minimum(history[..., 1], np.sqrt(n_pixels))
    return np.stack([np.log1p(earlier) / 3, np.log1p(room) / 5], axis=-1).astype(np.float32)
