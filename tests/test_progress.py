from __future__ import annotations

import pytest

from napari_ncut.progress import Progress, run_steps


def counting(log):
    try:
        for done in range(3):
            yield Progress("counting", done, 3)
            log.append(done)
    finally:
        log.append("closed")
    return 42


def test_steps_are_reported_and_the_result_returned():
    seen = []
    assert run_steps(counting([]), seen.append) == 42
    assert [step.fraction for step in seen] == pytest.approx([0, 1 / 3, 2 / 3])
    assert run_steps(counting([])) == 42


def test_an_exception_in_the_report_ends_the_work():
    log = []

    def report(step):
        if step.done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_steps(counting(log), report)
    assert log == [0, "closed"]


def test_nothing_to_do_is_done():
    assert Progress("nothing", 0, 0).fraction == 1
