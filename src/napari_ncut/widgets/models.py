"""The section "Models": which weights are installed, and getting, checking and removing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, QUrl, Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..backbones import BACKBONES, BackboneEntry
from ..errors import InputError
from ..progress import Progress, Steps
from ..weights import (
    ModelsFolder,
    ModelStore,
    Verification,
    WeightsFile,
    models_folder,
    set_models_folder,
)
from ..weights.folder import VARIABLE
from .downloading import (
    agreed,
    agreed_to_download,
    breakable,
    link,
    show_bytes,
    wrapping_label,
)
from .workers import Job, tell

_ROWS = 7

_MARKS = {"missing": "", "unverified": "✓", "verified": "✓✓", "damaged": "✗"}
_LEGEND = """✓ installed
✓✓ installed and verified: exactly what its authors published
✗ damaged: not the file it should be"""

_DOWNLOAD = "Get it from the internet; size and license are shown first"
_VERIFY = "Read the whole file and compare its hash; takes seconds"
_REMOVE = "Delete the file, after asking"
_RESET = "Keep models in the default folder again; nothing is moved"


class ModelsPanel(QWidget):
    """Lists the weights of backbones, and downloads, verifies and removes them.

    Nothing is downloaded or read as a whole before a button is pressed.

    Signals
    -------
    changed()
        What is installed, or in which folder, is not what it was.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries: dict[str, BackboneEntry] = {}
        self._folder: ModelsFolder | None = None  # while the settings cannot be read
        self._problem = ""
        self._states: dict[WeightsFile, str] = {}
        # Found by reading them: of the same size as the right ones, records would not tell.
        self._damaged: set[WeightsFile] = set()
        self._job = Job(self)
        self._build()
        for entry in BACKBONES.values():
            self._add(entry)
        self.table.setCurrentItem(self.table.topLevelItem(0))
        self.refresh()
        self.table.currentItemChanged.connect(lambda *_: self._on_selected())
        self._job.stepped.connect(self._on_step)
        self._job.failed.connect(lambda _: self._say("That failed; nothing was changed."))
        self._job.cancelled.connect(lambda: self._say("Cancelled; nothing was changed."))
        self._job.busy_changed.connect(lambda _: self._on_busy())

    # ------------------------------------------------------------------------------------ layout

    def _build(self) -> None:
        self.table = QTreeWidget()
        self.table.setHeaderLabels(["Model", "Size", "Here"])
        self.table.setRootIsDecorated(False)
        self.table.setUniformRowHeights(True)
        header = self.table.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.headerItem().setToolTip(2, _LEGEND)
        self.detail = wrapping_label()
        self.detail.setTextFormat(Qt.TextFormat.RichText)
        self.detail.setOpenExternalLinks(True)
        self.detail.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.message = wrapping_label()
        self.message.setVisible(False)
        self.progress = QProgressBar()
        self.cancel_button = _button("Cancel", "Stop; nothing is left of it", self._job.cancel)
        self.download_button = _button("Download…", "", self.download)
        self.verify_button = _button("Verify", "", self.verify)
        self.remove_button = _button("Remove…", "", self.remove)
        self.folder_button = _button("Folder…", "", self.choose_folder)
        self.reset_button = _button("Default folder", _RESET, self.reset_folder)
        self.folder_note = wrapping_label(f"{VARIABLE} in the environment sets the models folder.")

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        layout.addWidget(self.detail)
        layout.addLayout(_row(self.download_button, self.verify_button, self.remove_button))
        layout.addLayout(_row(self.progress, self.cancel_button))
        layout.addWidget(self.message)
        layout.addLayout(_row(self.folder_button, self.reset_button))
        layout.addWidget(self.folder_note)
        self._on_busy()

    # ----------------------------------------------------------------------------------- entries

    def select(self, name: str) -> None:
        """Select a backbone by its name; one that needs no download is passed over."""
        for item in self._items():
            if _name(item) == name:
                self.table.setCurrentItem(item)

    def add_entry(self, entry: BackboneEntry) -> None:
        """List a backbone from outside of the catalog, too, and select it."""
        if entry.name not in self._entries:
            self._add(entry)
            self.refresh()
        self.select(entry.name)

    def _add(self, entry: BackboneEntry) -> None:
        file = entry.weights
        if file is None:
            return
        self._entries[entry.name] = entry
        item = QTreeWidgetItem([entry.title, file.readable_size])
        item.setData(0, Qt.ItemDataRole.UserRole, entry.name)
        item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        about = (entry.name, entry.summary, f"License: {file.license}", f"Source: {file.source}")
        item.setToolTip(0, "\n".join(about))
        item.setToolTip(1, "\n".join(about))
        item.setToolTip(2, _LEGEND)
        self.table.addTopLevelItem(item)

    def _items(self) -> Iterator[QTreeWidgetItem]:
        for row in range(self.table.topLevelItemCount()):
            yield self.table.topLevelItem(row)

    @property
    def _selected(self) -> BackboneEntry | None:
        item = self.table.currentItem()
        return None if item is None else self._entries[_name(item)]

    # -------------------------------------------------------------------------------------- shown

    def showEvent(self, event: Any) -> None:
        """Notice files that were put into the folder by hand."""
        super().showEvent(event)
        # Only now does it have the style of its window.
        rows = _ROWS * self.table.sizeHintForRow(0) + 2 * self.table.frameWidth()
        self.table.setFixedHeight(self.table.header().sizeHint().height() + rows)
        self.table.scrollToItem(self.table.currentItem())
        self.refresh()

    def refresh(self) -> None:
        """Show what is installed now, and tell if it is not what it was."""
        folder, states = self._folder, self._states
        try:
            self._folder, self._problem = models_folder(), ""
            files = [entry.weights for entry in self._entries.values()]
            self._states = {file: self._state(file) for file in files}
        except (InputError, OSError) as error:
            self._folder, self._problem, self._states = None, str(error), {}
        for item in self._items():
            file = self._entries[_name(item)].weights
            item.setText(2, _MARKS[self._states.get(file, "missing")])
        self._describe()
        self._enable()
        if folder != self._folder or any(self._states.get(f) != was for f, was in states.items()):
            self.changed.emit()

    @property
    def _store(self) -> ModelStore:
        return ModelStore(self._folder.path)

    def _state(self, file: WeightsFile) -> str:
        state = self._store.state(file)
        if state == "missing":
            self._damaged.discard(file)
        return "damaged" if file in self._damaged else state

    def _on_selected(self) -> None:
        self._say("")
        self._describe()
        self._enable()

    def _describe(self) -> None:
        """Tell about the selected model, or why nothing can be told."""
        entry = self._selected
        if self._folder is None or entry is None:
            self.detail.setText(breakable(self._problem))
            return
        file, path = entry.weights, self._store.path(entry.weights)
        folder = QUrl.fromLocalFile(str(path.parent)).toString()
        place = link(folder, str(path)) if path.parent.is_dir() else breakable(str(path))
        lines = (
            f"<b>{breakable(entry.title)}</b>",
            breakable(entry.summary),
            f"{file.readable_size} · {breakable(file.license)}",
            f"Name: {breakable(entry.name)}",
            f"Source: {link(file.source, file.source)}",
            f"{self._state_in_words(file)}: {place}",
        )
        self.detail.setText("<br>".join(lines))

    def _state_in_words(self, file: WeightsFile) -> str:
        why = "not checked yet" if file.hash else "no source states its hash"
        return {
            "missing": "Not installed; would lie at",
            "unverified": f"Installed, unverified ({why})",
            "verified": "Installed, verified",
            "damaged": "Damaged; download it again",
        }[self._states[file]]

    def _enable(self) -> None:
        """Let buttons be pressed that can do something, and say of the others why they cannot."""
        idle, entry, folder = not self._job.busy, self._selected, self._folder
        state = None if entry is None else self._states.get(entry.weights)
        here = state not in (None, "missing")
        for button, useful, tip, why_not in (
            (self.download_button, state in ("missing", "damaged"), _DOWNLOAD, "It is installed"),
            (self.verify_button, here, _VERIFY, "It is not installed"),
            (self.remove_button, here, _REMOVE, "It is not installed"),
        ):
            button.setEnabled(useful and idle)
            button.setToolTip(tip if useful else why_not)
        fixed = folder is not None and VARIABLE in folder.set_by
        free = idle and folder is not None and not fixed
        self.folder_button.setEnabled(free)
        self.folder_button.setToolTip("" if folder is None else f"Now {folder.path}")
        self.reset_button.setEnabled(free and folder.set_by != "default")
        self.folder_note.setVisible(fixed)

    def _say(self, text: str) -> None:
        self.message.setText(breakable(text))
        self.message.setVisible(bool(text))

    # ----------------------------------------------------------------------------------- actions

    def download(self) -> None:
        """Ask, and download the selected model, where its button can be pressed."""
        if not self.download_button.isEnabled():
            return
        entry, file, store = self._selected, self._selected.weights, self._store
        if agreed_to_download(self, entry, store):
            self._start(
                lambda: store.download_steps(file, name=entry.name),
                lambda _: self._on_downloaded(entry),
            )

    def _on_downloaded(self, entry: BackboneEntry) -> None:
        self._damaged.discard(entry.weights)
        self._say(f"{entry.title} is installed.")
        self.refresh()

    def verify(self) -> None:
        """Read the file of the selected model as a whole and tell whether it is right."""
        if not self.verify_button.isEnabled():
            return
        entry, file, store = self._selected, self._selected.weights, self._store

        def steps() -> Steps[Verification]:
            yield Progress("verify", 0, 1)
            return store.verify(file, name=entry.name)

        self._start(steps, lambda found: self._on_verified(file, found))

    def _on_verified(self, file: WeightsFile, found: Verification) -> None:
        if found.ok:
            self._damaged.discard(file)
            self._say(found.message)
        else:
            self._damaged.add(file)
            tell(InputError(found.message))
        self.refresh()

    def remove(self) -> None:
        """Ask, and delete the file of the selected model, for all that use it."""
        if not self.remove_button.isEnabled():
            return
        entry, file, store = self._selected, self._selected.weights, self._store
        facts = {"File": breakable(str(store.path(file)))}
        sharing = [one.title for one in self._entries.values() if one.weights == file]
        if len(sharing) > 1:
            facts["Used by"] = breakable(", ".join(sharing))
        if not agreed(self, "Remove", f"Remove {entry.title}?", facts):
            return
        try:
            store.remove(file)
        except InputError as error:
            tell(error)
        self._say("")
        self.refresh()

    def choose_folder(self) -> None:
        """Ask for another models folder, where the environment does not set it."""
        if not self.folder_button.isEnabled():
            return
        now = self._folder.path
        start = next(folder for folder in (now, *now.parents) if folder.is_dir())
        chosen = QFileDialog.getExistingDirectory(self, "Folder for models", str(start))
        if chosen:
            self._set_folder(Path(chosen))

    def reset_folder(self) -> None:
        """Go back to the default models folder."""
        self._set_folder(None)

    def _set_folder(self, path: Path | None) -> None:
        try:
            set_models_folder(path)
        except InputError as error:
            tell(error)
        self._damaged.clear()
        self._say("")
        self.refresh()

    # -------------------------------------------------------------------------------------- jobs

    def release(self) -> None:
        """Stop what runs, for good."""
        self._job.close()

    def _start(self, make_steps: Callable[[], Steps[Any]], then: Callable[[Any], None]) -> None:
        self._say("")
        self.progress.setRange(0, 0)
        self._job.start(make_steps, then)

    def _on_step(self, step: Progress) -> None:
        show_bytes(self.progress, step)

    def _on_busy(self) -> None:
        self.progress.setVisible(self._job.busy)
        self.cancel_button.setVisible(self._job.busy)
        self._enable()


# ---------------------------------------------------------------------------------------- pieces


def _button(text: str, tooltip: str, pressed: Callable[[], None]) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    button.clicked.connect(lambda: pressed())
    return button


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget)
    return row


def _name(item: QTreeWidgetItem) -> str:
    return str(item.data(0, Qt.ItemDataRole.UserRole))
