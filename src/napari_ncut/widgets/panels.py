"""Small pieces that both dock widgets are laid out with."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QGridLayout,
    QGroupBox,
    QLabel,
    QLayout,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from .workers import Job

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
    if isinstance(content, QWidget):
        layout.addWidget(content)
    else:
        layout.addLayout(content)
    return box


def stop_jobs(*jobs: Job, **_: Any) -> None:
    """Close jobs of a widget that goes away."""
    for job in jobs:
        try:
            job.close()
        except RuntimeError:  # Qt deleted the job with its widget already
            continue
