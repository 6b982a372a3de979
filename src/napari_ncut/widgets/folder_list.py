"""The list of a folder's images: thumbnails, and marks of what is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QRect, QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QImage, QPainter, QPen, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem

from .workers import Job, once_after

if TYPE_CHECKING:
    from ..folders import ImageFolder
    from .folder_pages import LayerPages

SIZE = 72
# Color and sign of every state; also what is said of it.
MARKS = {
    "done": ("#009e73", "✓", "done"),
    "saved": ("#56b4e9", "•", "saved, not marked as done"),
    "draft": ("#e69f00", "✎", "unsaved work, kept as a draft"),
    "unreadable": ("#d55e00", "✗", "cannot be read"),
}


class FolderList(QListWidget):
    """Images under each other; thumbnails come while one looks, those on screen first.

    Signals
    -------
    asked(int)
        The user wants an image.
    """

    asked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setIconSize(QSize(SIZE, SIZE))
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setMinimumHeight(4 * (SIZE + 6))
        self.setToolTip("Click an image to go to it; what is unsaved is kept as a draft.")
        self._folder: ImageFolder | LayerPages | None = None
        self._pictures: dict[int, QPixmap | None] = {}
        self._states: list[str] = []
        self._filling = False
        self._job = Job(self)
        self._job.stepped.connect(self._on_thumbnail)
        self._soon = once_after(100, self._fetch, self)
        self.verticalScrollBar().valueChanged.connect(lambda _: self._soon.start())
        self.currentRowChanged.connect(self._on_row)

    @property
    def busy(self) -> bool:
        """Whether thumbnails are on their way."""
        return self._job.busy or self._soon.isActive()

    def close_job(self) -> None:
        """Fetch no more thumbnails."""
        self._soon.stop()
        self._job.close()

    def show_folder(self, folder: ImageFolder | LayerPages | None) -> None:
        """Show another folder."""
        self._folder = folder
        self._pictures = {}
        self._filling = True
        self.clear()
        blank = _blank()
        for i in range(0 if folder is None else len(folder)):
            assert folder is not None
            item = QListWidgetItem(QIcon(blank), folder.title(i))
            item.setSizeHint(QSize(SIZE, SIZE + 6))
            self.addItem(item)
        self._states = [""] * self.count()
        self._filling = False
        self.refresh()
        self._soon.start()

    def show_current(self, number: int) -> None:
        """Select an image without asking for it."""
        self._filling = True
        self.setCurrentRow(number)
        self._filling = False

    def refresh(self) -> None:
        """Show states as they are now."""
        if self._folder is None:
            return
        for i in range(self.count()):
            state = self._folder.state(i)
            if state == self._states[i]:
                continue
            self._states[i] = state
            self._draw(i)

    def _draw(self, i: int) -> None:
        assert self._folder is not None
        state, name = self._states[i], self._folder.title(i)
        item = self.item(i)
        item.setIcon(_icon(_marked(self._pictures.get(i), state)))
        _, _, told = MARKS.get(state, ("", "", ""))
        item.setText(f"{name}\n{told}" if told else name)
        item.setToolTip(self._folder.unreadable.get(i, f"{name}: {told or 'not begun'}"))

    def _on_row(self, row: int) -> None:
        if row >= 0 and not self._filling:
            self.asked.emit(row)

    def _fetch(self) -> None:
        """Thumbnails that are missing, from the first on screen on."""
        if self._folder is None:
            return
        first = max(self.indexAt(self.viewport().rect().topLeft()).row(), 0)
        order = [*range(first, self.count()), *range(first)]
        missing = [i for i in order if i not in self._pictures]
        folder = self._folder
        if missing:
            self._job.start(lambda: folder.thumbnails(missing, size=SIZE))

    def _on_thumbnail(self, step: tuple[int, Any]) -> None:
        number, picture = step
        if number < self.count():
            self._pictures[number] = None if picture is None else _pixmap(picture)
            self._draw(number)


def _pixmap(picture: np.ndarray) -> QPixmap:
    """A thumbnail in the middle of a square."""
    data = np.ascontiguousarray(picture)
    height, width = data.shape[:2]
    image = QImage(data.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    square = _blank()
    painter = QPainter(square)
    painter.drawImage((SIZE - width) // 2, (SIZE - height) // 2, image)
    painter.end()
    return square


def _blank() -> QPixmap:
    square = QPixmap(SIZE, SIZE)
    square.fill(Qt.GlobalColor.transparent)
    return square


def _icon(pixmap: QPixmap) -> QIcon:
    icon = QIcon(pixmap)
    # Without a picture of its own a selected one would be tinted.
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon


def _marked(picture: QPixmap | None, state: str) -> QPixmap:
    """A thumbnail with the sign of a state in its corner."""
    square = QPixmap(_blank() if picture is None else picture)
    if state not in MARKS:
        return square
    color, sign, _ = MARKS[state]
    painter = QPainter(square)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    badge = QRect(SIZE - 24, SIZE - 24, 22, 22)
    painter.setBrush(QColor(color))
    painter.setPen(QPen(QColor("white"), 1.5))
    painter.drawEllipse(badge)
    font = painter.font()
    font.setBold(True)
    font.setPixelSize(14)
    painter.setFont(font)
    painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, sign)
    painter.end()
    return square
