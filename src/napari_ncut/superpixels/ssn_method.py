"""SSN as a method of the registry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..segmenters import Task


def ssn(
    task: Task, *, iterations: int, compactness: float, checkpoint: str | None
) -> NDArray[np.int32]:
    """Superpixels by the network of the package, or of a file."""
    from .ssn import load_ssn

    assert task.n_segments is not None  # its entry counts
    return load_ssn(checkpoint, task.device).labels(
        task.image,
        task.n_segments,
        is_color=task.is_color,
        iterations=iterations,
        compactness=compactness,
    )
