"""`Job`: one job at a time beside the window, whose results reach whom they were asked for."""

from __future__ import annotations

from threading import Event
from typing import Any

import pytest
from qtpy.QtCore import QCoreApplication, QThread

from napari_ncut.errors import InputError
from napari_ncut.progress import Progress, Steps
from napari_ncut.widgets.workers import Job

TIMEOUT = 10_000


@pytest.fixture
def job(qtbot: Any) -> Any:
    job = Job()
    yield job
    job.close()
    qtbot.waitUntil(lambda: job._worker is None, timeout=TIMEOUT)


def steps(result: str, hold: Event | None = None) -> Steps[str]:
    yield Progress("works", 0, 1)
    if hold is not None:
        hold.wait(TIMEOUT / 1000)
    yield Progress("works", 1, 1)
    return result


def test_a_result_arrives_in_the_windows_thread_before_the_end_is_told(job, qtbot):
    told: list[Any] = []
    job.finished.connect(lambda result: told.append(("finished", result)))

    def then(result: str) -> None:
        window = QCoreApplication.instance().thread()
        told.append((result, QThread.currentThread() == window, job.busy))

    job.start(lambda: steps("one"), then)
    assert job.busy
    qtbot.waitUntil(lambda: len(told) == 2, timeout=TIMEOUT)
    assert told == [("one", True, False), ("finished", "one")]


def test_of_two_jobs_only_the_newer_ones_result_arrives_where_it_was_wanted(job, qtbot):
    hold, arrived = Event(), []
    job.start(lambda: steps("old", hold), lambda result: arrived.append(("first", result)))
    job.start(lambda: steps("new"), lambda result: arrived.append(("second", result)))
    hold.set()
    qtbot.waitUntil(lambda: not job.busy, timeout=TIMEOUT)
    assert arrived == [("second", "new")]


def test_nothing_arrives_of_what_was_cancelled_or_failed(job, qtbot, monkeypatch):
    monkeypatch.setattr("napari_ncut.widgets.workers.show_warning", lambda text: None)
    hold, arrived, failed = Event(), [], []
    job.failed.connect(failed.append)
    job.start(lambda: steps("late", hold), arrived.append)
    job.cancel()
    hold.set()
    qtbot.waitUntil(lambda: job._worker is None, timeout=TIMEOUT)

    def fails() -> Steps[str]:
        yield Progress("works", 0, 1)
        raise InputError("no")

    job.start(fails, arrived.append)
    qtbot.waitUntil(lambda: bool(failed), timeout=TIMEOUT)
    assert failed == ["no"] and not arrived
