"""Work in a thread, driven as a generator."""

from __future__ import annotations

import threading
import time

import pytest

from napari_ncut.progress import Progress, run_steps
from napari_ncut.weights import bridge

FIRST = Progress("work", 0, 10)


def test_result_and_last_report():
    def work(report):
        for i in range(11):
            report(Progress("work", i, 10))
        return "done"

    steps = []
    assert run_steps(bridge.steps_of_thread(work, first=FIRST), steps.append) == "done"
    assert (steps[0], steps[-1]) == (FIRST, Progress("work", 10, 10))


def test_what_the_work_raises_is_raised_here():
    def work(report):
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        run_steps(bridge.steps_of_thread(work, first=FIRST))


def test_nothing_runs_before_the_second_step():
    started = threading.Event()
    steps = bridge.steps_of_thread(lambda report: started.set(), first=FIRST)
    next(steps)
    steps.close()
    assert not started.is_set()


def test_work_that_hangs_still_gives_steps():
    go_on = threading.Event()
    steps = bridge.steps_of_thread(lambda report: go_on.wait(10), first=FIRST)
    assert [next(steps) for _ in range(3)] == [FIRST] * 3
    go_on.set()
    assert run_steps(steps) is True


def test_closing_ends_the_work():
    ended = threading.Event()

    def work(report):
        try:
            while True:
                report(FIRST)
                time.sleep(0.01)
        finally:
            ended.set()

    steps = bridge.steps_of_thread(work, first=FIRST)
    next(steps)
    next(steps)
    steps.close()
    assert ended.is_set()


def test_closing_does_not_wait_for_work_that_hangs(monkeypatch):
    monkeypatch.setattr(bridge, "PATIENCE", 0.05)
    go_on = threading.Event()
    steps = bridge.steps_of_thread(lambda report: go_on.wait(10), first=FIRST)
    next(steps)
    next(steps)
    begin = time.monotonic()
    steps.close()
    assert time.monotonic() - begin < 2
    go_on.set()
