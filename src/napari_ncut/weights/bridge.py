"""Work that reports by calling back, turned into a generator of progress."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Event, Thread
from typing import TypeVar

from ..progress import Progress, Steps

T = TypeVar("T")

# Seconds between two steps, so that whoever drives the generator may stop it even while the work
# itself hangs, and that a fast work does not flood a window with steps.
PERIOD = 0.1
# Seconds that a stopped work gets to end by itself.
PATIENCE = 1.0


class Stopped(BaseException):
    """Raised inside the work when nobody waits for it any more."""


def steps_of_thread(
    work: Callable[[Callable[[Progress], None]], T], *, first: Progress
) -> Steps[T]:
    """Run `work` in a thread and yield what it reported last, ten times a second.

    When the generator is closed, the work's next report raises `Stopped` in it. The work gets a
    second to end; one that hangs longer goes on in the background until its next report.

    Parameters
    ----------
    work
        Called with a function to report to.
    first
        The step before any report.

    Returns
    -------
    T
        What `work` returns. What it raises is raised here.
    """
    latest = first
    stopped = Event()
    outcome: Future[T] = Future()

    def report(step: Progress) -> None:
        nonlocal latest
        if stopped.is_set():
            raise Stopped
        latest = step

    def run() -> None:
        try:
            outcome.set_result(work(report))
        except BaseException as error:  # noqa: BLE001 - raised again by outcome.result()
            outcome.set_exception(error)

    # A daemon: a work that hangs must not keep the program from ending.
    thread = Thread(target=run, name=f"napari-ncut {first.stage}", daemon=True)
    yield first
    thread.start()
    try:
        while not wait([outcome], timeout=PERIOD).done:
            yield latest
        yield latest
    finally:
        stopped.set()
        thread.join(PATIENCE)
    return outcome.result()
