"""Small independent computations on several cores at once, and who gets the cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

T = TypeVar("T")


def all_of(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """What jobs return, each with one thread for its products of matrices.

    For jobs of some milliseconds in numpy, which lets others run meanwhile.

    Parameters
    ----------
    jobs
        Functions without arguments that do not depend on each other.

    Returns
    -------
    list
        Their results, in the order of jobs.
    """
    with one_blas_thread():
        if len(jobs) < 2:
            return [job() for job in jobs]
        with ThreadPoolExecutor(min(len(jobs), os.cpu_count() or 1)) as pool:
            return list(pool.map(lambda job: job(), jobs))


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Meanwhile NumPy's and SciPy's linear algebra computes in the thread that asks for it alone.

    Its threads wait for work by spinning: those that share a product of small matrices wait for
    each other longer than they compute, and for some ten milliseconds after it they wait for more
    to do, on cores that others need. Best around all of a computation of milliseconds, not only
    around what it does side by side.

    The limit is one of the process. Several threads may be in here: it ends with the last of them.
    """
    _limit.enter()
    try:
        yield
    finally:
        _limit.leave()


class _Limit:
    """One thread for linear algebra, as long as anybody wants it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._lifting = ExitStack()

    def enter(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._lifting.enter_context(_libraries().limit(limits=1, user_api="blas"))
            self._inside += 1

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._lifting.close()


_limit = _Limit()


@cache
def _libraries() -> ThreadpoolController:
    """The loaded libraries that have threads of their own; finding them takes 15 ms."""
    import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
