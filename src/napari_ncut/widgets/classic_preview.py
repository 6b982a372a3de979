"""The window in which all methods are seen beside each other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import (
    QDialog,
    QGridLayout,
    QLabel,
    QProgressBar,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..classic import classic_methods
from .classic_steps import THUMBNAIL

if TYPE_CHECKING:
    from ..segmenters import SegmenterEntry
    from .classic_steps import Thumbnail

_COLUMNS = 6


class PreviewDialog(QDialog):
    """A thumbnail for every method, filled as results come; a click chooses.

    Parameters
    ----------
    parent
        The widget that it belongs to.

    Signals
    -------
    chosen(str)
        The name of a method.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setWindowTitle("All methods on the current view")
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.progress = QProgressBar()
        self.tiles: dict[str, QToolButton] = {}
        inner = QWidget()
        grid = QGridLayout(inner)
        for place, entry in enumerate(classic_methods().values()):
            tile = _tile(entry)
            tile.clicked.connect(partial(self.chosen.emit, entry.name))
            self.tiles[entry.name] = tile
            grid.addWidget(tile, place // _COLUMNS, place % _COLUMNS)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        layout = QVBoxLayout(self)
        layout.addWidget(self.message)
        layout.addWidget(scroll)
        layout.addWidget(self.progress)
        self.resize(_COLUMNS * (THUMBNAIL + 24) + 60, 780)

    def begin(self, text: str) -> None:
        """Empty all tiles: other thumbnails are coming."""
        self.message.setText(text)
        for name, tile in self.tiles.items():
            tile.setIcon(QIcon())
            tile.setText(f"{classic_methods()[name].title}\n…")
        self.progress.setRange(0, 0)
        self.progress.setVisible(True)

    def show_thumbnail(self, found: Thumbnail) -> None:
        """Fill a tile."""
        tile, title = self.tiles[found.method], classic_methods()[found.method].title
        if found.picture is None:
            tile.setText(f"{title}\nno answer")
            tile.setToolTip(found.text)
            return
        height, width = found.picture.shape[:2]
        kind = QImage.Format.Format_RGB888
        picture = QImage(found.picture.tobytes(), width, height, 3 * width, kind)
        tile.setIcon(QIcon(QPixmap.fromImage(picture)))
        tile.setText(f"{title}\n{found.text}")

    def end(self, text: str) -> None:
        """Nothing more will come."""
        self.message.setText(text)
        self.progress.setVisible(False)
        for name, tile in self.tiles.items():
            if tile.icon().isNull() and tile.text().endswith("…"):
                tile.setText(f"{classic_methods()[name].title}\nnot shown")


def _tile(entry: SegmenterEntry) -> QToolButton:
    tile = QToolButton()
    tile.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
    tile.setIconSize(QSize(THUMBNAIL, THUMBNAIL))
    tile.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    tile.setText(entry.title)
    told = f"{entry.group}: {entry.text}.\nA click segments by this method."
    tile.setToolTip(entry.unavailable_because or told)
    tile.setEnabled(not entry.unavailable_because)
    return tile
