"""Keys on our own layers: bound without keeping the widget alive, and Shift with a digit."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, Qt

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer, Shapes

_BY_VERTICES = ("add_polygon", "add_polygon_lasso", "add_polyline", "add_path")
_SHIFTED = "!@#$%^&*("
_MAC_DIGITS = {18: 1, 19: 2, 20: 3, 21: 4, 23: 5, 22: 6, 26: 7, 28: 8, 25: 9}


def bind_weakly(layer: Layer, key: str, action: Callable[[], None]) -> None:
    """Bind a method on a layer; once its object is gone, the key does nothing."""
    reference = weakref.WeakMethod(action)

    def act(_: Any) -> None:
        if (method := reference()) is not None:
            method()

    layer.bind_key(key, act, overwrite=True)


def bind_between_shapes(shapes: Shapes, actions: Mapping[str, Callable[[], None]]) -> None:
    """Bind methods on a Shapes layer, but not while vertices are put one by one.

    The keys that accept and reject are those that end a polygon or a path there.
    """

    def renew(event: Any = None) -> None:
        for key, action in actions_by_key.items():
            method = action()
            if str(shapes.mode) in _BY_VERTICES or method is None:
                shapes.bind_key(key, None)
            else:
                bind_weakly(shapes, key, method)

    actions_by_key = {key: weakref.WeakMethod(action) for key, action in actions.items()}
    shapes.events.mode.connect(renew)
    renew()


def bind_wheel_weakly(layer: Layer, modifier: str, action: Callable[[float], None]) -> None:
    """Call a method with the notches that the wheel is turned, up above 0, with a modifier held."""
    reference = weakref.WeakMethod(action)

    def turn(_: Any, event: Any) -> None:
        method = reference()
        if method is not None and modifier in event.modifiers:
            # Some systems turn a wheel with Shift sideways; both ways mean the same here.
            method(float(sum(event.delta)))

    layer.mouse_wheel_callbacks.append(turn)


class ShiftDigits(QObject):
    """Watches a viewer's canvas for Shift with a digit.

    napari hands on the character that the key writes, such as "!", and takes the Shift away; which
    character that is depends on the keyboard. The key itself says which digit is printed on it.

    Parameters
    ----------
    viewer
        Whose canvas; one without a window has none.
    wanted
        Whether a layer is one on which the keys count.
    choose
        Called with the digit, 1 to 9.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        wanted: Callable[[Layer], bool],
        choose: Callable[[int], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._wanted = wanted
        self._choose = choose
        # No public name leads to the canvas. Without it the keys are missing, nothing else: classes
        # can still be chosen in the table.
        qt_viewer = getattr(getattr(viewer, "window", None), "_qt_viewer", None)
        self._canvas = None if qt_viewer is None else qt_viewer.canvas.native
        if self._canvas is not None:
            self._canvas.installEventFilter(self)

    def release(self) -> None:
        """Watch no longer."""
        if self._canvas is not None:
            self._canvas.removeEventFilter(self)
            self._canvas = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the key if it is ours."""
        if event.type() != QEvent.Type.KeyPress:
            return False
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.GroupSwitchModifier
        if modifiers != Qt.KeyboardModifier.ShiftModifier:
            return False
        digit = digit_of(event)
        active = self._viewer.layers.selection.active
        if digit is None or active is None or not self._wanted(active):
            return False
        self._choose(digit)
        return True


def digit_of(event: Any) -> int | None:
    """The digit on the key of a key event, 1 to 9; None for all other keys."""
    if sys.platform == "darwin":
        digit = _MAC_DIGITS.get(event.nativeVirtualKey()) if event.nativeVirtualKey() else None
    elif sys.platform == "win32":
        digit = event.nativeVirtualKey() - ord("0")
    else:
        digit = event.nativeScanCode() - 9
    if digit is not None and 1 <= digit <= 9:
        return digit
    # Keys sent by programs have no codes of hardware.
    if event.nativeScanCode() or event.nativeVirtualKey():
        return None
    key = event.key()
    if ord("1") <= key <= ord("9"):
        return key - ord("0")
    return 1 + _SHIFTED.index(chr(key)) if key < 128 and chr(key) in _SHIFTED else None
