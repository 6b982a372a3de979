"""What the panel of templates consists of, and how it is laid out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Shapes
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from ..templates.scoring import MEASURES
from .choices import LayerChoice, RunChoice
from .panels import folded, labeled_grid

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from ..templates import Template

# Places with lower scores are never shown: they are like anything.
LOWEST_SCORE = 0.2
_FIRST_SCORE = 0.7
_STEPS = 1000
_PICTURE = 72
_TURNS = (
    ("as it is", (0,)),
    ("half turns", (0, 180)),
    ("quarter turns", (0, 90, 180, 270)),
    ("every 30°", tuple(range(0, 360, 30))),
    ("every 15°", tuple(range(0, 360, 15))),
    ("every 5°", tuple(range(0, 360, 5))),
)
_SIZES = (
    ("the same", (1.0,)),
    ("90 to 110%", (0.9, 1.0, 1.1)),
    ("70 to 140%", (0.71, 0.79, 0.89, 1.0, 1.12, 1.26, 1.41)),
    ("50 to 200%", (0.5, 0.59, 0.71, 0.84, 1.0, 1.19, 1.41, 1.68, 2.0)),
)
_FILES = {
    "template": "Image of what is looked for",
    "attention": "Where it is compared: what is not black. Without it, all but black at its border",
    "segment": "What is painted: labels, or colors. Without it, where it is compared",
    "mask": "Which pixels of that are painted. Without it, what is not black",
}


class ScoreSlider(QWidget):
    """The least score of a copy, by a slider and as a number.

    Signals
    -------
    changed()
        Whoever moves it.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        tooltip = (
            "Copies that are less like the template are not shown, and not painted.\n"
            "Nothing is computed again: move it until the outlines are right."
        )
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(round(LOWEST_SCORE * _STEPS), _STEPS)
        self.number = QDoubleSpinBox()
        self.number.setRange(LOWEST_SCORE, 1)
        self.number.setDecimals(3)
        self.number.setSingleStep(0.01)
        self.number.setKeyboardTracking(False)
        for part in (self.slider, self.number, self):
            part.setToolTip(tooltip)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.slider, 1)
        row.addWidget(self.number)
        self.value = _FIRST_SCORE
        self.slider.valueChanged.connect(self._on_slider)
        self.number.valueChanged.connect(self._on_number)

    @property
    def value(self) -> float:
        """The least score."""
        return float(self.number.value())

    @value.setter
    def value(self, score: float) -> None:
        self.number.setValue(score)
        self.slider.setValue(round(score * _STEPS))

    def _on_slider(self, steps: int) -> None:
        if steps != round(self.value * _STEPS):
            self.number.setValue(steps / _STEPS)

    def _on_number(self, score: float) -> None:
        self.slider.setValue(round(score * _STEPS))
        self.changed.emit()


class TemplateFiles(QWidget):
    """Image files of a template: one has to be given, three may be.

    Signals
    -------
    asked(object)
        Their paths by name, in the order of `Template.from_files`; None for those left out.
    """

    asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.lines = {name: QLineEdit() for name in _FILES}
        rows = []
        for name, line in self.lines.items():
            line.setToolTip(_FILES[name])
            line.setPlaceholderText("a file" if name == "template" else "none")
            row = QWidget()
            row.setToolTip(_FILES[name])
            inner = QHBoxLayout(row)
            inner.setContentsMargins(0, 0, 0, 0)
            button = QPushButton("…")
            button.setFixedWidth(28)
            button.setToolTip(f"Choose the file: {_FILES[name][0].lower()}{_FILES[name][1:]}")
            button.clicked.connect(lambda _=False, name=name: self._choose(name))
            inner.addWidget(line, 1)
            inner.addWidget(button)
            rows.append((name.capitalize(), row))
        self.load_button = QPushButton("Load")
        self.load_button.setToolTip("Take these files as the template")
        self.load_button.clicked.connect(lambda: self.asked.emit(self.paths()))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(labeled_grid(rows))
        layout.addWidget(self.load_button)

    def paths(self) -> dict[str, Path | None]:
        """What is given, by name."""
        texts = {name: line.text().strip() for name, line in self.lines.items()}
        return {name: Path(text) if text else None for name, text in texts.items()}

    def _choose(self, name: str) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, f"{name.capitalize()} of a template")
        if chosen:
            self.lines[name].setText(chosen)


class TemplateControls(QWidget):
    """Where a template comes from, how copies are found and painted; not yet connected.

    Parameters
    ----------
    viewer
        Whose Shapes layers are offered.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._make_source(viewer)
        self._make_search()
        self._make_result()
        self._lay_out()
        self.show_template(None)

    def _make_source(self, viewer: ViewerModel) -> None:
        self.class_button = QPushButton("Selected class")
        self.cursor_button = QPushButton("Under cursor  [T]")
        self.shapes = LayerChoice(
            viewer,
            Shapes,
            "Its selected (or last) shape is the template, with all that is painted in it.",
            none="no shape",
        )
        self.shape_button = QPushButton("In shape")
        self.files = TemplateFiles()
        self.picture = QLabel()
        self.picture.setFixedSize(_PICTURE, _PICTURE)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.about = QLabel()
        self.about.setWordWrap(True)

    def _make_search(self) -> None:
        self.measure = RunChoice(
            "How alike is measured.\n"
            + "\n".join(f"{entry.title}: {entry.text}" for entry in MEASURES.values())
        )
        self.measure.set_choices(
            [(entry.title, name) for name, entry in MEASURES.items()], "correlation"
        )
        self.turns = RunChoice(
            "Angles at which copies may lie. More find more and take longer, in proportion."
        )
        self.turns.set_choices(list(_TURNS), _TURNS[0][1])
        self.sizes = RunChoice("Sizes of copies. More take longer, in proportion.")
        self.sizes.set_choices(list(_SIZES), _SIZES[0][1])
        self.overlap = QDoubleSpinBox()
        self.overlap.setRange(0, 1)
        self.overlap.setSingleStep(0.05)
        self.overlap.setValue(0.3)
        self.overlap.setKeyboardTracking(False)
        self.overlap.setToolTip(
            "Share of a copy that may lie on better ones. More lets things lie closer."
        )
        self.all_planes = QCheckBox("All planes")
        self.all_planes.setToolTip("Look in all planes of the stack, not only in the one on screen")
        self.find_button = QPushButton("Find copies")

    def _make_result(self) -> None:
        self.score = ScoreSlider()
        self.best_only = QCheckBox("The best place alone")
        self.best_only.setToolTip(f"In every plane, if its score is at least {LOWEST_SCORE}")
        self.keep_painted = QCheckBox("Not over what is painted")
        self.keep_painted.setChecked(True)
        self.keep_painted.setToolTip("Leave pixels as they are that have a class already")
        self.in_class = QCheckBox("In the selected class")
        self.in_class.setToolTip(
            "Paint the class that is selected then, in place of the template's own"
        )
        self.paint_button = QPushButton("Paint them")
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.progress = QProgressBar()
        self.progress.setVisible(False)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip("Stop; nothing is changed then")
        self.cancel_button.setVisible(False)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(_row(self.class_button, self.cursor_button))
        layout.addLayout(_row(self.shapes, self.shape_button))
        layout.addWidget(folded("From files", self.files))
        layout.addLayout(_row(self.picture, self.about))
        layout.addLayout(labeled_grid([("Turned", self.turns), ("Size", self.sizes)]))
        more = QWidget()
        inner = QVBoxLayout(more)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addLayout(labeled_grid([("Alike in", self.measure), ("Overlap", self.overlap)]))
        inner.addWidget(self.keep_painted)
        inner.addWidget(self.in_class)
        layout.addWidget(folded("More", more))
        layout.addWidget(self.all_planes)
        layout.addLayout(_row(self.find_button, self.cancel_button))
        layout.addLayout(labeled_grid([("Score", self.score)]))
        layout.addWidget(self.best_only)
        layout.addWidget(self.paint_button)
        layout.addWidget(self.message)
        layout.addWidget(self.progress)

    def show_template(self, template: Template | None) -> None:
        """Show what is looked for."""
        if template is None:
            self.picture.clear()
            self.picture.setVisible(False)
            self.about.setText("No template yet: paint one thing, and take it.")
            return
        self.picture.setVisible(True)
        self.picture.setPixmap(_pixmap(picture_of(template)))
        labels = np.unique(template.segment[template.mask])
        told = f"label {labels[0]}" if len(labels) == 1 else f"{len(labels)} labels"
        height, width = template.shape
        self.about.setText(f"{height} × {width} pixels, paints {told}.")


def picture_of(template: Template) -> NDArray[np.uint8]:
    """A template as RGB (h, w, 3): dimmed where it is not compared, its outline in orange."""
    from scipy.ndimage import binary_erosion

    image = template.image[..., :3] if template.image.shape[-1] >= 3 else template.image[..., :1]
    known = image[template.attention]
    low, high = float(known.min()), float(known.max())
    scaled = np.clip((image - low) / (high - low if high > low else 1.0), 0, 1)
    rgb = np.broadcast_to(scaled, (*scaled.shape[:2], 3)).copy()
    rgb[~template.attention] *= 0.3
    rgb[template.mask & ~binary_erosion(template.mask)] = (1.0, 0.69, 0.0)
    return np.ascontiguousarray(np.rint(rgb * 255).astype(np.uint8))


def _pixmap(rgb: NDArray[np.uint8]) -> QPixmap:
    height, width = rgb.shape[:2]
    image = QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image).scaled(_PICTURE, _PICTURE, Qt.AspectRatioMode.KeepAspectRatio)


def _row(*parts: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    for part in parts:
        row.addWidget(part)
    return row
