"""Small pieces that the dock widgets are laid out with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import (
    QComboBox,
    QGridLayout,
    QGroupBox,
    QLabel,
    QLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from ..progress import Progress
from .workers import percent

_WIDTH = 330


def narrow_scroll(content: QWidget) -> QScrollArea:
    """Scroll content up and down only: combo boxes give way, so that nothing is cut at the side."""
    for box in content.findChildren(QComboBox):
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(8)
        box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    content.layout().setContentsMargins(4, 4, 4, 4)
    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QScrollArea.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setMinimumWidth(_WIDTH)
    scroll.setWidget(content)
    return scroll


def labeled_grid(rows: list[tuple[str, QWidget]]) -> QGridLayout:
    """Widgets under each other, each with a label before it."""
    layout = QGridLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setColumnStretch(1, 1)
    for row, (label, widget) in enumerate(rows):
        text = QLabel(label)
        text.setToolTip(widget.toolTip())
        layout.addWidget(text, row, 0)
        layout.addWidget(widget, row, 1)
    return layout


def titled(title: str, content: QWidget | QLayout) -> QGroupBox:
    """Content in a box with a title."""
    box = QGroupBox(title)
    layout = QVBoxLayout(box)
    layout.setContentsMargins(6, 10, 6, 6)
    _add(layout, content)
    return box


def folded(title: str, content: QWidget | QLayout) -> QCollapsible:
    """Content under a title that unfolds it."""
    section = QCollapsible(title)
    if isinstance(content, QLayout):
        content.setContentsMargins(0, 0, 0, 0)
        holder = QWidget()
        holder.setLayout(content)
        content = holder
    section.addWidget(content)
    section.layout().setContentsMargins(0, 0, 0, 0)
    return section


def _add(layout: QVBoxLayout, part: QWidget | QLayout) -> None:
    if isinstance(part, QWidget):
        layout.addWidget(part)
    else:
        layout.addLayout(part)


def allow(button: QPushButton, reason: str, tooltip: str) -> None:
    """Enable a button, or disable it and say why."""
    button.setEnabled(not reason)
    button.setToolTip(reason or tooltip)


SCRIPT_TIP = "Copy a script that does the same to the clipboard"


def script_button() -> QPushButton:
    """The button that copies what is set as Python."""
    button = QPushButton("Copy as Python")
    button.setToolTip(SCRIPT_TIP)
    return button


class DockedWidget(QWidget):
    """A widget of a viewer that lets go of everything when it is closed.

    napari takes a closed dock's widget out of it, without a close event; a viewer that closes
    destroys it. Whichever comes first, what `on_release` was given is called once.
    """

    def __init__(self) -> None:
        super().__init__()
        self._releases: list[Callable[[], Any]] = []
        self._was_docked = False
        self.destroyed.connect(partial(_call_all, self._releases))

    def lay_out(
        self, sections: Mapping[str, QWidget | QLayout], below: Iterable[QWidget | QLayout]
    ) -> QScrollArea:
        """Titled sections in a scroll, and below it what is always seen."""
        inner = QWidget()
        layout = QVBoxLayout(inner)
        for title, content in sections.items():
            layout.addWidget(titled(title, content))
        layout.addStretch()
        scroll = narrow_scroll(inner)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 6, 4)
        for part in (scroll, *below):
            _add(outer, part)
        return scroll

    def on_release(self, *functions: Callable[[], Any]) -> None:
        """Call these when the widget goes, the last ones first."""
        self._releases.extend(functions)

    def follow(self, emitter: Any, function: Callable[..., Any]) -> None:
        """Connect one of napari's events, or a signal, until the widget goes."""
        emitter.connect(function)
        self.on_release(partial(emitter.disconnect, function))

    def release(self) -> None:
        """Stop what runs, and let go of the viewer, its layers and what widgets share."""
        _call_all(self._releases)

    def closeEvent(self, event: Any) -> None:
        """Let go of everything."""
        self.release()
        super().closeEvent(event)

    def changeEvent(self, event: Any) -> None:
        """Let go of everything when taken out of the dock."""
        if event.type() == QEvent.Type.ParentChange:
            docked = self.parent() is not None
            if self._was_docked and not docked:
                self.release()
                # Without a parent it would be destroyed by whichever thread collects garbage next,
                # and Qt allows the window's thread only.
                self.deleteLater()
            self._was_docked = docked
        super().changeEvent(event)


class WorkingWidget(DockedWidget):
    """One that works in a thread and whose steps can be undone: what all of these show below."""

    def __init__(self) -> None:
        super().__init__()
        self.undo_button = QPushButton("Undo  [Ctrl+Z]")
        self.undo_button.setToolTip("Take the last step back. Key: Ctrl+Z on one of our layers")
        self.redo_button = QPushButton("Redo  [Ctrl+Shift+Z]")
        self.redo_button.setToolTip("Do it again. Key: Ctrl+Shift+Z on one of our layers")
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.progress = QProgressBar()
        self.progress.setVisible(False)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip("Stop what is computed; nothing is changed then")
        self.cancel_button.setEnabled(False)
        self.script_button = script_button()

    def show_progress(self, step: Progress) -> None:
        """Show how far the work is."""
        show_step(step, self.progress, self.message)


def show_step(step: Progress, bar: QProgressBar, message: QLabel) -> None:
    """Show how far work is: in a bar, which runs to and fro where nobody knows, and in words."""
    bar.setMaximum(step.total if step.total > 1 else 0)
    bar.setValue(step.done)
    message.setText(percent(step))


def _call_all(functions: list[Callable[[], Any]], *_: Any) -> None:
    while functions:
        try:
            functions.pop()()
        except (RuntimeError, TypeError):
            # Qt deleted the sender or the receiver already, and the connection with it.
            continue
