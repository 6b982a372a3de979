"""What the benchmark of granularity calls nested."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.granularity import is_nested


@pytest.mark.parametrize(
    ("settings", "nested"),
    [
        ([[0, 1, 2, 3], [0, 0, 1, 2], [0, 0, 1, 1]], True),
        # Numbers do not matter, only what is together.
        ([[5, 1, 2, 9], [7, 7, 0, 0]], True),
        # 1 and 2 were together, and are not any more.
        ([[0, 1, 1, 2], [0, 0, 1, 1]], False),
    ],
)
def test_nested(settings: list[list[int]], nested: bool):
    assert is_nested(np.array(settings)) == nested
