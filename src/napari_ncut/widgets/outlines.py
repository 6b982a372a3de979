"""How thick outlines are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .layers import Source


def contour_of(source: Source) -> int:
    """Thickness of outlines, in pixels, at which a whole plane on screen still shows them."""
    side = min(int(source.sizes[source.names.index(name)]) for name in "YX")
    return int(np.clip(round(side / 250), 1, 12))
