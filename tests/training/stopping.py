"""A run that is stopped from outside."""

from __future__ import annotations

from typing import Any

import pytest


def stop_once(monkeypatch: pytest.MonkeyPatch, run_class: Any, at: int) -> list[int]:
    """Interrupt the first run before that step; the steps that all runs make, -1 for the stop."""
    learn, steps_made = run_class.learn, []

    def until_stopped(run: Any, given: Any) -> Any:
        if run.step == at and -1 not in steps_made:
            steps_made.append(-1)
            raise KeyboardInterrupt
        steps_made.append(run.step)
        return learn(run, given)

    monkeypatch.setattr(run_class, "learn", until_stopped)
    return steps_made
