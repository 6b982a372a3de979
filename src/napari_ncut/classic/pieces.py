"""Connected pieces of a mask and of what is around it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def label_pieces(mask: NDArray[np.bool_], *, background: bool = True) -> NDArray[np.int32]:
    """Connected pieces of a mask (by sides of pixels), from 1, and then of what is around it."""
    from scipy.ndimage import label

    pieces: NDArray[np.int32]
    pieces, n_pieces = label(mask, output=np.int32)
    if background:
        rest, _ = label(~mask, output=np.int32)
        pieces[~mask] = rest[~mask] + n_pieces
    return pieces
