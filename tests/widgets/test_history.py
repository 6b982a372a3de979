"""Commands are done, undone and done again, whole or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels

from napari_ncut.progress import Progress
from napari_ncut.widgets.history import (
    Change,
    Group,
    History,
    PlaneEdit,
    SmallEdit,
    plane_difference,
)


def change(values: list, before, after) -> Change:
    return Change("value", values.append, before, after)


class Slow:
    """A command that takes a thread."""

    name = "slow"

    def __init__(self, log, fail=False):
        self.log, self.fail = log, fail

    def redo(self):
        yield Progress("slow", 0, 1)
        if self.fail:
            raise ValueError("no luck")
        self.log.append("slow")

    def undo(self):
        yield Progress("slow", 0, 1)
        self.log.append("slow back")


def wait(qtbot, history):
    qtbot.waitUntil(lambda: not history.replaying, timeout=10_000)


def test_parts_are_undone_in_reverse(qtbot):
    history, values = History(), []
    history.perform(Group("both", [change(values, 0, 1), change(values, 10, 11)]))
    history.undo()
    history.redo()
    assert values == [1, 11, 10, 0, 1, 11]
    assert history.can_undo and not history.can_redo


def test_what_follows_a_long_part_runs_in_the_window_s_thread(qtbot):
    import threading

    history, threads = History(), []
    note = Change("note", lambda _: threads.append(threading.current_thread()), 0, 1)
    history.perform(Group("both", [Slow([]), note]))
    assert history.replaying
    wait(qtbot, history)
    assert threads == [threading.main_thread()]


def test_a_failed_command_has_changed_nothing_and_is_not_remembered(qtbot):
    history, values, told = History(), [], []
    history.perform(
        Group("both", [change(values, "before", "after"), Slow([], fail=True)]), told.append
    )
    wait(qtbot, history)
    assert values == ["after", "before"] and told == [False]
    assert not history.can_undo and not history.can_redo


def test_a_locked_history_undoes_nothing(qtbot):
    history, values = History(), []
    history.perform(change(values, 0, 1))
    history.lock("busy")
    history.undo()
    assert values == [1] and history.can_undo
    history.lock("")
    history.undo()
    assert values == [1, 0]


def test_a_new_command_ends_redo(qtbot):
    history, values = History(), []
    history.perform(change(values, 0, 1))
    history.undo()
    history.perform(change(values, 0, 2))
    assert not history.can_redo


def test_a_stroke_undone_elsewhere_is_not_undone_twice(qtbot):
    history, layer = History(), Labels(np.zeros((9, 9), np.uint8))
    history.follow(layer)
    layer.paint((2, 2), 1)
    first = layer.data.copy()
    layer.paint((6, 6), 2)
    layer.undo()
    history.undo()
    np.testing.assert_array_equal(layer.data, first)
    history.undo()
    assert not layer.data.any()


def test_writing_what_is_there_already_undoes_nothing_else(qtbot):
    history, layer = History(), Labels(np.zeros((9, 9), np.uint8))
    history.follow(layer)
    layer.paint((2, 2), 1)
    painted = layer.data.copy()
    where = np.nonzero(painted)
    history.perform(SmallEdit(layer, where, painted[where]))
    history.undo()
    np.testing.assert_array_equal(layer.data, painted)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_differences_turn_planes_into_one_another(qtbot, dtype):
    generator = np.random.default_rng(0)
    before, after = generator.integers(0, 99, (2, 3, 5, 7)).astype(dtype)
    layer = Labels(before.copy())
    edit = PlaneEdit(layer, [(i, plane_difference(before[i], after[i])) for i in range(3)])
    history = History()
    history.perform(edit)
    wait(qtbot, history)
    np.testing.assert_array_equal(layer.data, after)
    history.undo()
    wait(qtbot, history)
    np.testing.assert_array_equal(layer.data, before)
