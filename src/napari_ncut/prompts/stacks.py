"""Which planes of stacks are neighbors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def neighbors(stacks: Sequence[tuple[int, ...]], plane: int) -> list[int]:
    """Planes one step from a plane along any axis of its own stack, ascending."""
    first = 0
    for stack in stacks:
        n_planes = int(np.prod(stack))
        if plane < first + n_planes:
            break
        first += n_planes
    place = np.unravel_index(plane - first, stack) if stack else ()
    found = []
    for axis, size in enumerate(stack):
        for step in (-1, 1):
            moved = list(place)
            moved[axis] += step
            if 0 <= moved[axis] < size:
                found.append(first + int(np.ravel_multi_index(moved, stack)))
    return sorted(found)


def hops(stacks: Sequence[tuple[int, ...]], planes: NDArray) -> dict[int, int]:
    """Steps from the nearest of some planes to every plane that can be reached from them."""
    steps = dict.fromkeys((int(plane) for plane in np.unique(planes)), 0)
    front = list(steps)
    while front:
        reached = []
        for plane in front:
            for beside in neighbors(stacks, plane):
                if beside not in steps:
                    steps[beside] = steps[plane] + 1
                    reached.append(beside)
        front = reached
    return steps


def way_to(stacks: Sequence[tuple[int, ...]], steps: dict[int, int], plane: int) -> list[int]:
    """Planes on the shortest ways to a plane from those without a step, it itself last."""
    found, front = {plane}, [plane]
    while front:
        front = [
            beside
            for on_way in front
            for beside in neighbors(stacks, on_way)
            if steps[beside] < steps[on_way] and beside not in found
        ]
        found.update(front)
    return sorted(found, key=lambda p: (steps[p], p))
