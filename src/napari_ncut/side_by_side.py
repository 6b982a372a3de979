"""Small independent computations on several cores at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

T = TypeVar("T")


def all_of(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """What jobs return, each with one thread for its products of matrices.

    For jobs of some milliseconds in numpy, which lets others run meanwhile. Threads that share a
    product of small matrices wait for each other longer than they compute.

    Parameters
    ----------
    jobs
        Functions without arguments that do not depend on each other.

    Returns
    -------
    list
        Their results, in the order of jobs.
    """
    with _libraries().limit(limits=1, user_api="blas"):
        if len(jobs) < 2:
            return [job() for job in jobs]
        with ThreadPoolExecutor(min(len(jobs), os.cpu_count() or 1)) as pool:
            return list(pool.map(lambda job: job(), jobs))


@cache
def _libraries() -> ThreadpoolController:
    """The loaded libraries that have threads of their own; finding them takes 15 ms."""
    import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
