"""What the dock widget "Superpixels & granularity" consists of, and how it is laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Labels
from qtpy.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from .choices import LayerChoice
from .granularity_slider import GranularitySlider
from .image_input import ImageInput
from .panels import WorkingWidget, labeled_grid
from .superpixel_controls import SuperpixelControls

if TYPE_CHECKING:
    from napari.components import ViewerModel

# What a click on a region does while the button is pressed: name → text, tooltip.
CLICKS: dict[str, tuple[str, str]] = {
    "finer": (
        "Finer here  [F]",
        "While pressed, a click on a region parts it. Key, at any time: F over the region.",
    ),
    "coarser": (
        "Coarser here  [C]",
        (
            "While pressed, a click on a region merges it with what it merges with next.\n"
            "Key, at any time: C over the region."
        ),
    ),
    "paint": (
        "Paint region by clicking  [P]",
        (
            "While pressed, a click paints the region, as it is now, into the Labels layer below.\n"
            "Key, at any time: P over the region."
        ),
    ),
}
_MOST_LABEL = 2**31 - 1


class GranularityPanel(WorkingWidget):
    """The controls of "Superpixels & granularity", not yet connected to anything.

    Parameters
    ----------
    viewer
        Whose layers are offered.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.input = ImageInput(viewer, "The image whose regions are to be found.")
        self.run_button = QPushButton("Find regions")
        self.level = GranularitySlider()
        self.told_level = QLabel()
        self.told_level.setWordWrap(True)
        self.outlines = QCheckBox("outlines only")
        self.outlines.setToolTip("Show where regions end, rather than fill them with colors")
        self.click_buttons: dict[str, QPushButton] = {}
        self.click_tips: dict[str, str] = {}
        self.clicks = QButtonGroup(self)
        # Not exclusive as Qt means it: all may be up.
        self.clicks.setExclusive(False)
        self.clicks.buttonToggled.connect(self._release_others)
        for name, (text, tooltip) in CLICKS.items():
            button = QPushButton(text)
            button.setCheckable(True)
            button.setToolTip(tooltip)
            self.clicks.addButton(button)
            self.click_buttons[name] = button
            self.click_tips[name] = tooltip
        self.reset_button = QPushButton("Same everywhere")
        self.reset_button.setToolTip("Forget what was made finer or coarser in places")
        self.keep_button = QPushButton("Keep as layer  [Enter]")
        self.constraints = LayerChoice(
            viewer,
            Labels,
            "What is painted with one label is one region at every granularity, and no region\n"
            "ever holds two labels. Regions follow while you paint.",
            none="nothing",
        )
        self.new_constraints = QPushButton("New layer to paint on")
        self.new_constraints.setToolTip(
            "Adds a Labels layer. Paint a short line on each thing, with a label of its own:\n"
            "M takes the next one."
        )
        self.target = LayerChoice(viewer, Labels, "Where regions are painted.", none="a new layer")
        self.label = QSpinBox()
        self.label.setRange(0, _MOST_LABEL)
        self.label.setValue(1)
        self.label.setToolTip("The label that regions are painted with; 0 erases")
        self.superpixels = SuperpixelControls()
        self.script_button.setText("Copy regions as Python")
        self.cancel_button.setToolTip("Stop what is computed; regions that were found stay")
        self._lay_out()

    @property
    def click_mode(self) -> str | None:
        """What a click does, one of `CLICKS`; None while no button is pressed."""
        pressed = [name for name, button in self.click_buttons.items() if button.isChecked()]
        return pressed[0] if pressed else None

    def _release_others(self, button: QAbstractButton, on: bool) -> None:
        """Only one of the buttons is pressed at a time."""
        for other in self.click_buttons.values():
            if on and other is not button:
                other.setChecked(False)

    def _lay_out(self) -> None:
        regions = QVBoxLayout()
        regions.addWidget(self.input)
        regions.addWidget(self.run_button)
        level = QVBoxLayout()
        level.addWidget(self.level)
        level.addWidget(self.told_level)
        level.addWidget(self.outlines)
        places = QGridLayout()
        places.addWidget(self.click_buttons["finer"], 0, 0)
        places.addWidget(self.click_buttons["coarser"], 0, 1)
        places.addWidget(self.reset_button, 1, 0)
        places.addWidget(self.keep_button, 1, 1)
        level.addLayout(places)
        painted = QVBoxLayout()
        painted.addLayout(labeled_grid([("Painted in", self.constraints)]))
        painted.addWidget(self.new_constraints)
        use = QVBoxLayout()
        use.addLayout(labeled_grid([("Into", self.target), ("Label", self.label)]))
        use.addWidget(self.click_buttons["paint"])
        steps = QHBoxLayout()
        steps.addWidget(self.undo_button)
        steps.addWidget(self.redo_button)
        last = QHBoxLayout()
        last.addWidget(self.script_button)
        last.addWidget(self.cancel_button)
        self.sections: dict[str, QWidget | QLayout] = {
            "1  Regions": regions,
            "2  Granularity": level,
            "Apart and together, by painting": painted,
            "Paint with regions": use,
            "Superpixels by other methods": self.superpixels,
        }
        self.lay_out(self.sections, (self.message, self.progress, steps, last))
