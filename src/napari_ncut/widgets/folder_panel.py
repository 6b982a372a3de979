"""What the dock widget "Image folder" consists of, and how it is laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from .panels import WorkingWidget, allow

if TYPE_CHECKING:
    from ..folders import ImageFolder
    from .folder_pages import LayerPages


NO_FOLDER = "Open a folder of images first."
_SAVE_TIP = (
    "Save what is painted and the segments, mark the image as done and go to the next.\n"
    "Key: Shift+S on our layers"
)
_PAGES_TIP = (
    "Mark it as done and go to the next; these layers are saved by File ▸ Save, or exported.\n"
    "Key: Shift+S on our layers"
)
_NEXT_TIP = "Go to the next image; what is unsaved is kept as a draft. Key: N on our layers"
_PREVIOUS_TIP = "Go back; what is unsaved is kept as a draft. Key: Shift+N on our layers"
_DONE_TIP = "Mark this image as done, or as not done, without saving."


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
        self.layers_button = QPushButton("Images of this window")
        self.layers_button.setToolTip(
            "Go through the planes of the selected stack, or else through all Image layers."
        )
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
        folder.addWidget(self.layers_button)
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

    def show_state(
        self, listed: ImageFolder | LayerPages | None, number: int | None, *, in_folder: bool
    ) -> str:
        """Enable buttons, or say why not; why nothing can be done with the image shown, if so."""
        none = NO_FOLDER if listed is None else ""
        nothing = none or ("" if number is not None else "No image is shown.")
        allow(self.next_button, none, _NEXT_TIP)
        allow(self.previous_button, none, _PREVIOUS_TIP)
        allow(self.save_button, nothing, _SAVE_TIP if in_folder or none else _PAGES_TIP)
        self.save_button.setText("Save and next" if in_folder or none else "Done and next")
        allow(self.done_button, nothing, _DONE_TIP)
        done = listed is not None and number is not None and listed.is_done(number)
        self.done_button.setText("Mark as not done" if done else "Mark as done")
        self.counts.setText("" if listed is None else f"{listed.n_done} of {len(listed)} done")
        return nothing
