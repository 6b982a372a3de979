"""What the dock widget "Image folder" consists of, and how it is laid out."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
)

from ..io import annotation_formats
from .choices import RunChoice
from .folder_ahead import SegmenterControls
from .folder_list import FolderList
from .panels import WorkingWidget


class PathField(QLineEdit):
    """A path, typed, pasted or dropped.

    Signals
    -------
    given(str)
    """

    given = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setPlaceholderText("Drop a folder here, or type its path")
        self.setToolTip("The folder of images. Enter opens it; a folder may be dropped here.")
        self.setAcceptDrops(True)
        self.returnPressed.connect(lambda: self.given.emit(self.text()))

    def dragEnterEvent(self, event) -> None:
        """Take folders."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()
        else:
            super().dragEnterEvent(event)

    def dropEvent(self, event) -> None:
        """Open what was dropped."""
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.setText(paths[0])
            self.given.emit(paths[0])
        else:
            super().dropEvent(event)


class FolderPanel(WorkingWidget):
    """The controls of "Image folder", not yet connected to anything."""

    def __init__(self) -> None:
        super().__init__()
        self.path = PathField()
        self.open_button = QPushButton("Open folder …")
        self.open_button.setToolTip("Choose a folder of images.")
        self.images = FolderList()
        self.counts = QLabel()
        self.skip_done = QCheckBox("Skip done")
        self.skip_done.setToolTip("Next and previous pass over images that are done.")
        self.previous_button = QPushButton("◀ Previous")
        self.next_button = QPushButton("Next ▶")
        self.save_button = QPushButton("Save and next")
        self.done_button = QPushButton("Mark as done")
        self.segmenter = SegmenterControls()
        self.format = RunChoice(
            "\n".join(f"{entry.title}: {entry.text}." for entry in annotation_formats().values())
        )
        formats = annotation_formats()
        self.format.set_choices(
            [(entry.title, name) for name, entry in formats.items()], next(iter(formats))
        )
        self.export_button = QPushButton("Export this …")
        self.export_all_button = QPushButton("Export all …")
        self.import_button = QPushButton("Import …")
        self._lay_out()

    def _lay_out(self) -> None:
        folder = QVBoxLayout()
        folder.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        row.addWidget(self.path, stretch=1)
        row.addWidget(self.open_button)
        folder.addLayout(row)
        folder.addWidget(self.images)
        row = QHBoxLayout()
        row.addWidget(self.counts, stretch=1)
        row.addWidget(self.skip_done)
        folder.addLayout(row)
        moves = QGridLayout()
        moves.addWidget(self.previous_button, 0, 0)
        moves.addWidget(self.next_button, 0, 1)
        moves.addWidget(self.save_button, 1, 0)
        moves.addWidget(self.done_button, 1, 1)
        folder.addLayout(moves)
        files = QVBoxLayout()
        files.setContentsMargins(0, 0, 0, 0)
        files.addWidget(self.format)
        row = QHBoxLayout()
        for button in (self.export_button, self.export_all_button, self.import_button):
            row.addWidget(button)
        files.addLayout(row)
        bottom = QHBoxLayout()
        bottom.addWidget(self.undo_button)
        bottom.addWidget(self.redo_button)
        bottom.addWidget(self.cancel_button)
        self.lay_out(
            {"1  Images": folder, "2  Segments": self.segmenter, "3  Other formats": files},
            (self.message, self.progress, bottom),
        )
        # What is free is the list's.
        box = self.images.parentWidget()
        box.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
