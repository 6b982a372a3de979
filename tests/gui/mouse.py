"""Real mouse and key events on the canvas of a viewer."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

NONE, CONTROL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
LEFT, RIGHT, UP = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.NoButton


class Hands:
    """What a user does on the canvas; to be mixed into what a test works with.

    It needs `viewer`, `qtbot`, `wait()`, and `layer`, in whose pixels places are told.
    """

    viewer: Any
    qtbot: Any

    def wait(self) -> None:
        """Until nothing is computed or written."""
        raise NotImplementedError

    @property
    def layer(self) -> Any:
        raise NotImplementedError

    @property
    def canvas(self) -> Any:
        return self.viewer.window._qt_viewer.canvas.native

    def place(self, pixel: Any) -> QPoint:
        """Where a pixel of the layer is on the canvas."""
        layer = self.layer
        world = np.asarray(layer.data_to_world(pixel))[-2:]
        camera = getattr(self.viewer, "scene", self.viewer).camera
        row, column = (world - np.asarray(camera.center)[-2:]) * camera.zoom
        return QPoint(
            round(self.canvas.width() / 2 + column), round(self.canvas.height() / 2 + row)
        )

    def send(self, kind: Any, pixel: Any, button: Any, buttons: Any, modifier: Any) -> None:
        at = self.place(pixel)
        event = QMouseEvent(
            kind, QPointF(at), QPointF(self.canvas.mapToGlobal(at)), button, buttons, modifier
        )
        QApplication.sendEvent(self.canvas, event)
        # The canvas hears of moves after a while only.
        self.qtbot.wait(8)

    def drag(self, *path: Any, button: Any = LEFT, modifier: Any = NONE, steps: int = 4) -> None:
        self.send(QEvent.Type.MouseButtonPress, path[0], button, button, modifier)
        for start, stop in pairwise(path):
            for share in np.linspace(0, 1, steps + 1)[1:]:
                between = (1 - share) * np.array(start) + share * np.array(stop)
                self.send(QEvent.Type.MouseMove, between, UP, button, modifier)
            # Moves that follow each other within a frame may be taken for one: not at a corner.
            QTest.qWait(25)
            self.send(QEvent.Type.MouseMove, stop, UP, button, modifier)
        self.send(QEvent.Type.MouseButtonRelease, path[-1], button, UP, modifier)
        self.wait()

    click = drag

    def double_click(self, pixel: Any) -> None:
        self.click(pixel)
        self.send(QEvent.Type.MouseButtonDblClick, pixel, LEFT, LEFT, NONE)
        self.send(QEvent.Type.MouseButtonRelease, pixel, LEFT, UP, NONE)
        self.wait()

    def press(self, key: Any, modifier: Any = NONE) -> None:
        QTest.keyClick(self.canvas, key, modifier)
        self.wait()
