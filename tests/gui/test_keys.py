"""Keys, as Qt sends them to the canvas."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication

from napari_ncut.widgets.keys import digit_of

SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


def test_t_flips_the_sign_of_the_next_click(prepared, press):
    bench = prepared()
    press(bench, Qt.Key.Key_T, layer=bench.points)
    assert "negative" in bench.segment.sign_button.text()
    bench.click([30, 50])
    press(bench, Qt.Key.Key_T, layer=bench.points)
    bench.click([30, 10])
    assert bench.points.features["positive"].tolist() == [False, True]
    assert bench.preview.data[30, 50] == 0 and bench.preview.data[30, 10] == 1


@pytest.mark.parametrize(
    ("key", "digit"),
    [
        (Qt.Key.Key_Exclam, 1),  # what Shift+1 is on an American keyboard
        (Qt.Key.Key_At, 2),
        (Qt.Key.Key_ParenLeft, 9),
        (Qt.Key.Key_3, 3),  # what it is on a French one
    ],
)
def test_shift_and_digit_choose_the_class_of_the_next_click(prepared, press, key, digit):
    bench = prepared()
    press(bench, key, SHIFT, layer=bench.points)
    assert bench.segment._classes.current == digit
    bench.click([30, 50])
    assert bench.points.features["class"].tolist() == [digit]
    assert bench.preview.data[30, 50] == digit


@pytest.mark.skipif(sys.platform != "linux", reason="codes of keys differ between systems")
def test_the_place_of_a_key_says_its_digit_whatever_it_writes():
    """On a German keyboard, Shift+2 writes a quotation mark and Shift+3 a section sign."""
    none = Qt.KeyboardModifier.NoModifier
    for code, key, digit in [(11, Qt.Key.Key_QuoteDbl, 2), (12, Qt.Key.Key_section, 3)]:
        event = QKeyEvent(QEvent.Type.KeyPress, key, none, code, 0x22, 0)
        assert digit_of(event) == digit
    # The key beside the zero writes "(" with Shift on some keyboards, and is no digit.
    event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_ParenLeft, none, 20, 0x28, 0)
    assert digit_of(event) is None


def test_on_other_layers_the_keys_are_napari_s(prepared, press):
    bench = prepared()
    bench.click([30, 50])
    image = bench.viewer.layers["image"]
    for key, modifiers in [(Qt.Key.Key_Exclam, SHIFT), (Qt.Key.Key_T, None)]:
        press(bench, key, modifiers, layer=image)
    assert bench.segment._classes.current == 1
    assert "positive" in bench.segment.sign_button.text()


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_enter_accepts(prepared, press, key):
    bench = prepared()
    bench.click([30, 50])
    mask = bench.preview.data.copy()
    press(bench, key, layer=bench.points)
    bench.wait(lambda: bench.segment.output_choice.value is not None)
    bench.wait(bench.settled)
    np.testing.assert_array_equal(bench.segment.output_choice.value.data, mask)


def test_escape_rejects(prepared, press):
    bench = prepared()
    bench.click([30, 50])
    press(bench, Qt.Key.Key_Escape, layer=bench.points)
    assert not len(bench.points.data) and not bench.preview.data.any()


def test_a_click_with_the_mouse_is_a_prompt(prepared, qtbot):
    bench = prepared(show=True)
    canvas = bench.viewer.__wrapped__.window._qt_viewer.canvas.native
    bench.viewer.reset_view()
    qtbot.wait(200)
    middle = canvas.rect().center()
    QApplication.setActiveWindow(canvas.window())
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=middle)
    bench.wait(lambda: len(bench.points.data) == 1)
    bench.wait(bench.settled)
    row, column = np.round(bench.points.data[0]).astype(int)
    assert 24 <= row < 40 and 24 <= column < 40
    assert bench.preview.data[row, column] == 1
