"""Long work as a generator of progress: whoever drives it may stop at any step."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """One step of long work: `done` of `total` units of the stage named `stage`."""

    stage: str
    done: int
    total: int

    @property
    def fraction(self) -> float:
        """Share of this stage that is done, 0 to 1."""
        return self.done / self.total if self.total else 1.0


Steps = Generator[Progress, None, T]


def run_steps(steps: Steps[T], report: Callable[[Progress], object] | None = None) -> T:
    """Drive a generator of progress to its end and return its result.

    Parameters
    ----------
    steps
        Generator that yields `Progress` and returns the result.
    report
        Called with every `Progress`. An exception raised in it ends the work; this is how a
        caller without threads cancels.
    """
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        if report is not None:
            try:
                report(step)
            except BaseException:
                steps.close()
                raise
