"""Getting weights from a window: size and license first, then progress, or why it failed."""

from __future__ import annotations

from html import escape
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ..backbones import BackboneEntry
from ..progress import Progress
from ..weights import ModelStore
from .workers import Job

# Legible on a dark and on a light background: Qt's own is for light ones only.
_LINK = "#3f86d8"
# Progress bars count in 32 bits, files may have more bytes than that.
_BAR_STEPS = 1000


class DownloadBar(QWidget):
    """A button that gets the weights of a network; invisible where nothing is missing.

    Parameters
    ----------
    otherwise
        What can be done instead, as the end of a sentence: "choose a file under …".

    Signals
    -------
    changed()
        It is installed now.
    """

    changed = Signal()

    def __init__(self, otherwise: str) -> None:
        super().__init__()
        self._otherwise = otherwise
        self._entry: BackboneEntry | None = None
        self._downloading: BackboneEntry | None = None
        self._job = Job(self)
        self.text = wrapping_label()
        self.button = QPushButton("Download…")
        self.button.setToolTip("Get it from the internet; size and license are shown first")
        self.progress = QProgressBar()
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip("Stop; nothing is left of it")
        row = QHBoxLayout()
        for widget in (self.button, self.progress, self.cancel_button):
            row.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        layout.addLayout(row)
        self.button.clicked.connect(lambda: self.download())
        self.cancel_button.clicked.connect(lambda: self._job.cancel())
        self._job.stepped.connect(lambda step: show_bytes(self.progress, step))
        self._job.finished.connect(lambda _: self._on_arrived())
        self._job.failed.connect(lambda reason: self._show(reason))
        self._job.cancelled.connect(lambda: self._show("Cancelled; nothing was changed."))
        self._job.busy_changed.connect(lambda _: self._show())
        self.offer(None)

    @property
    def missing(self) -> bool:
        """Whether what is offered still has to be downloaded."""
        entry = self._entry
        return entry is not None and not entry.unavailable_because and not is_installed(entry)

    def offer(self, entry: BackboneEntry | None) -> None:
        """Offer this network, unless it is installed; None hides everything."""
        self._entry = entry
        self._show()

    def why(self) -> str:
        """Why the network cannot be used, "" if it can be."""
        entry = self._entry
        if entry is None or not (entry.unavailable_because or self.missing):
            return ""
        if entry.unavailable_because or entry.weights is None:
            return entry.unavailable_because
        license = entry.weights.license
        return (
            f"{entry.title} is not installed ({entry.readable_size}, license: {license}). "
            f"Download it, or {self._otherwise}."
        )

    def download(self) -> None:
        """Ask, and download what is offered."""
        entry, store = self._entry, ModelStore()
        if entry is None or entry.weights is None or self._job.busy or not self.missing:
            return
        if agreed_to_download(self, entry, store):
            file = entry.weights
            self._downloading = entry
            self.progress.setRange(0, 0)
            self._job.start(lambda: store.download_steps(file, name=entry.name))

    def release(self) -> None:
        """Stop what runs, for good."""
        self._job.close()

    def _on_arrived(self) -> None:
        self._downloading = None
        self._show()
        self.changed.emit()

    def _show(self, told: str = "") -> None:
        busy, missing = self._job.busy, self.missing
        downloading = self._downloading if busy else self._entry
        if busy and downloading is not None:
            told = f"Downloading {downloading.title}."
        self.text.setText(breakable(told))
        self.text.setVisible(bool(told))
        if self._entry is not None:
            self.button.setText(f"Download {self._entry.title} ({self._entry.readable_size})…")
        self.button.setVisible(missing and not busy)
        self.progress.setVisible(busy)
        self.cancel_button.setVisible(busy)
        self.setVisible(busy or missing or bool(told))


def agreed_to_download(parent: QWidget, entry: BackboneEntry, store: ModelStore) -> bool:
    """Whether the user, who is shown size, license, source and place, wants a network's weights."""
    file = entry.weights
    assert file is not None
    facts = {
        "Size": file.readable_size,
        "License": breakable(file.license),
        "Source": link(file.source, file.source),
        "To": breakable(str(store.path(file))),
    }
    return agreed(parent, "Download", f"Download {entry.title}?", facts)


def agreed(parent: QWidget, action: str, question: str, facts: dict[str, str]) -> bool:
    """Whether the user presses the button `action`, which is not the default."""
    box = QMessageBox(QMessageBox.Icon.Question, action, question, parent=parent)
    box.setInformativeText("<br>".join(f"{what}: {text}" for what, text in facts.items()))
    agree = box.addButton(action, QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.exec()
    box.deleteLater()
    return box.clickedButton() is agree


def show_bytes(bar: QProgressBar, step: Any) -> None:
    """Show on a progress bar how much of a file has arrived."""
    if step.total <= 1:
        return
    bar.setRange(0, _BAR_STEPS)
    bar.setValue(round(step.fraction * _BAR_STEPS))
    bar.setFormat(megabytes(step))


def wrapping_label(text: str = "") -> QLabel:
    """A label that takes the width there is, whatever its text."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def link(url: str, text: str) -> str:
    """A link as HTML that is legible on dark and light backgrounds."""
    return f'<a href="{escape(url)}" style="color: {_LINK}">{breakable(text)}</a>'


def breakable(text: str) -> str:
    """Text as HTML in which paths and addresses may go on in the next line."""
    for sign in "/\\_-.:":
        text = text.replace(sign, f"{sign}\u200b")
    return escape(text)


def megabytes(step: Progress) -> str:
    """How much of a file has arrived."""
    digits = 0 if step.total >= 1e7 else 1
    return f"{step.done / 1e6:.{digits}f} of {step.total / 1e6:.{digits}f} MB"


def is_installed(entry: BackboneEntry) -> bool:
    """Whether nothing has to be downloaded for it."""
    return entry.weights is None or ModelStore().state(entry.weights) != "missing"
