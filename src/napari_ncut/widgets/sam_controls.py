"""Controls of SAM: which model, which of its answers, and what it thinks of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from magicgui.widgets import FileEdit
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ..backbones import BACKBONES, BackboneEntry
from ..prompts import ANSWERS, ThingScores
from ..sam.loading import list_sam_models
from .choices import RunChoice
from .downloading import DownloadBar
from .panels import labeled_grid

_FOLDER = "transformers:"


class SamControls(QWidget):
    """Model and answers of the prompt method "sam".

    Signals
    -------
    changed()
        Something else is asked, or can be asked now.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.model = RunChoice(
            "The network. SAM in three sizes, the larger the better and slower; micro-sam's,\n"
            "trained for light and electron microscopy; or SAM 2 and others in a folder of the\n"
            "package transformers."
        )
        folder = ("a folder of transformers (SAM 2 …)", _FOLDER)
        self.model.set_choices([*sam_choices(), folder], list_sam_models()[0])
        self.checkpoint = weights_edit()
        self.folder = FileEdit(
            mode="d", nullable=True, tooltip="A folder with config.json and model.safetensors."
        )
        self.download = DownloadBar("choose a file under “Own weights”")
        self.answer = QComboBox()
        for i, (name, text) in enumerate(ANSWERS.items()):
            self.answer.addItem(name, name)
            self.answer.setItemData(i, text, Qt.ItemDataRole.ToolTipRole)
        self.answer.setToolTip(
            "Which of SAM's three answers is shown, for all things alike. Key: W goes on."
        )
        self.next_button = QPushButton("Next  [W]")
        self.next_button.setToolTip("Best, whole, part, subpart, and again. Key: W")
        self.each_point = QCheckBox("each click a thing of its own")
        self.each_point.setToolTip(
            "Off: all positive clicks of a class (on a plane, outside of boxes) are on one thing.\n"
            "On: every one is on a thing of its own; negative ones count for all of them."
        )
        self.scores = QLabel()
        self.scores.setWordWrap(True)
        self.scores.setToolTip(
            "How well SAM thinks that each of its answers covers a thing (predicted IoU), for the\n"
            "thing that was asked about last on this plane; the one that is shown is bold."
        )
        self._build()
        self._on_model()
        self.show_scores(())

    def _build(self) -> None:
        answer = QWidget()
        row = QHBoxLayout(answer)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.answer, 1)
        row.addWidget(self.next_button)
        rows = labeled_grid(
            [
                ("Model", self.model),
                ("Own weights", self.checkpoint.native),
                ("Folder", self.folder.native),
            ]
        )
        self._own_label, self._folder_label = (rows.itemAtPosition(i, 0).widget() for i in (1, 2))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(rows)
        layout.addWidget(self.download)
        layout.addLayout(labeled_grid([("Answer", answer)]))
        layout.addWidget(self.scores)
        layout.addWidget(self.each_point)
        self.model.chosen.connect(self._on_model)
        self.checkpoint.changed.connect(lambda _: self._on_model())
        self.folder.changed.connect(lambda _: self._on_model())
        self.download.changed.connect(self.changed)
        self.answer.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.next_button.clicked.connect(lambda: self.next_answer())
        self.each_point.toggled.connect(lambda _: self.changed.emit())

    def release(self) -> None:
        """Stop a download."""
        self.download.release()

    @property
    def entry(self) -> BackboneEntry | None:
        """What is known of the chosen model; None of a folder."""
        return BACKBONES.get(str(self.model.value))

    @property
    def _own(self) -> Path | None:
        return None if self.entry is None else chosen_path(self.checkpoint)

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `PromptSegmenter.predict`."""
        model, own = str(self.model.value), self._own
        if self.entry is None:
            model += str(chosen_path(self.folder) or "")
        options = {"model": model, "answer": str(self.answer.currentData())}
        given = {} if own is None else {"checkpoint": own}
        return {**options, **given, "each_point": self.each_point.isChecked()}

    def set_options(self, options: dict[str, Any]) -> None:
        """Show what `options` would return; what is not named stays."""
        model = options.get("model")
        if isinstance(model, str) and model.startswith(_FOLDER):
            self.model.value = _FOLDER
            self.folder.value = model.removeprefix(_FOLDER)
        elif model is not None:
            self.model.value = model
        if options.get("checkpoint") is not None:
            self.checkpoint.value = options["checkpoint"]
        if "answer" in options:
            self.answer.setCurrentIndex(self.answer.findData(options["answer"]))
        if "each_point" in options:
            self.each_point.setChecked(bool(options["each_point"]))

    def why_not(self) -> str:
        """Why nothing can be asked yet, "" if it can be."""
        if self.entry is None:
            return (
                "" if chosen_path(self.folder) else "Choose the folder of a model under “Folder”."
            )
        return "" if self._own is not None else self.download.why()

    def next_answer(self) -> None:
        """Show the next of SAM's answers."""
        self.answer.setCurrentIndex((self.answer.currentIndex() + 1) % self.answer.count())

    def show_scores(self, things: Sequence[ThingScores]) -> None:
        """Show what is thought of the answers about the last of things."""
        if not things:
            self.scores.setText("Whole, part and subpart get scores once something is clicked.")
            return
        last = things[-1]
        names = list(ANSWERS)[1 : 1 + len(last.scores)]
        texts = [
            f"<b>{name} {score:.2f}</b>" if i == last.chosen else f"{name} {score:.2f}"
            for i, (name, score) in enumerate(zip(names, last.scores, strict=True))
        ]
        begin = f"Last of {len(things)} things: " if len(things) > 1 else ""
        self.scores.setText(begin + " · ".join(texts))

    def _on_model(self, _: Any = None) -> None:
        is_folder = self.entry is None
        for part in (self.folder.native, self._folder_label):
            part.setVisible(is_folder)
        for part in (self.checkpoint.native, self._own_label):
            part.setVisible(not is_folder)
        self.download.offer(None if self._own is not None else self.entry)
        self.changed.emit()


def sam_choices() -> list[tuple[str, str]]:
    """Texts and names of the models that are known, with their sizes."""
    return [
        (f"{entry.title} ({entry.readable_size})", name)
        for name in list_sam_models()
        if (entry := BACKBONES.get(name)) is not None
    ]


def weights_edit() -> FileEdit:
    """Where a file of weights is chosen."""
    return FileEdit(
        mode="r",
        filter="*.pth *.pt *.ckpt *.bin *.safetensors",
        nullable=True,
        tooltip="A file of weights of your own, in place of those installed. Nothing in it is\n"
        "executed.",
    )


def chosen_path(edit: FileEdit) -> Path | None:
    """The path in an edit, None if it is empty."""
    path = edit.value
    return Path(path) if path is not None and str(path) not in ("", ".") else None
