"""What the dock widget "Paint segments" consists of, and how it is laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLayout,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from ..errors import InputError
from ..painting.class_operations import CLASS_OPERATIONS
from .choices import LayerChoice, RunChoice
from .classes import ClassList, ClassTable
from .declared import DeclaredControls
from .image_input import ImageInput
from .outputs import output_fits
from .paint_tools import TOOLS
from .panels import WorkingWidget, labeled_grid, titled
from .roles import PAINTED, SEGMENTS, lies_on, role_of

if TYPE_CHECKING:
    from napari.components import ViewerModel

NEW = "a new layer"
_METHODS = {"Boundary map": "compact", "SLIC": "slic"}
_COLUMNS = 2
_MAKE_TIP = (
    "Part the image in small pieces that its edges do not cross, in a thread. They become a\n"
    "Labels layer whose segments can be painted."
)


class PaintPanel(WorkingWidget):
    """The controls of "Paint segments", not yet connected to anything.

    Parameters
    ----------
    viewer
        Whose layers are offered.
    classes
        What can be painted.
    """

    tool_chosen = Signal(str)

    def __init__(self, viewer: ViewerModel, classes: ClassList) -> None:
        super().__init__()
        self.input = ImageInput(viewer, "The image that is painted on.")
        self.segments = LayerChoice(
            viewer,
            Labels,
            "What can be painted: any Labels layer that lies on the image pixel by pixel, such as\n"
            "superpixels, regions, or results of prompts.",
            none="none",
            fits=self._can_be_segments,
        )
        self.painted = LayerChoice(
            viewer,
            Labels,
            "Where classes are painted. A new layer is added with the first stroke.",
            none=NEW,
            fits=self._can_be_painted,
        )
        self.method = RunChoice("How segments are made")
        self.method.set_choices(list(_METHODS.items()), "compact")
        self.number = QSpinBox()
        self.number.setRange(2, 100_000)
        self.number.setValue(1000)
        self.number.setSingleStep(100)
        self.number.setGroupSeparatorShown(True)
        self.number.setKeyboardTracking(False)
        self.number.setToolTip("Segments in every plane; more makes them smaller")
        self.make_button = QPushButton("Make segments")
        self.make_tip = _MAKE_TIP
        self.table = ClassTable(classes)
        # Counts and areas are another widget's.
        for column in (2, 3):
            self.table.table.setColumnHidden(column, True)
        self.tools: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        # Not exclusive as Qt means it: all may be up.
        self._group.setExclusive(False)
        for name, tool in TOOLS.items():
            button = QPushButton(f"{tool.title}  [{tool.key}]")
            button.setCheckable(True)
            button.setToolTip(tool.tooltip)
            button.clicked.connect(lambda on, name=name: self.tool_chosen.emit(name if on else ""))
            self._group.addButton(button)
            self.tools[name] = button
        self.size = QSpinBox()
        self.size.setRange(1, 1000)
        self.size.setValue(20)
        self.size.setSuffix(" px")
        self.size.setToolTip("Diameter of the brushes and erasers. Keys: [ and ]")
        self.rule = RunChoice("Which segments the snap brush paints")
        self.rule.set_choices(
            [("all that it touches", "touched"), ("those mostly covered", "inside")], "touched"
        )
        self.lasso_by = RunChoice("What the lasso paints")
        self.lasso_by.set_choices(
            [("segments mostly inside", "segments"), ("pixels", "pixels")], "segments"
        )
        self.planes = RunChoice(
            "Of a stack: whether tools stay in the plane on screen, or go through all planes that\n"
            "a segment is in, and operations of a class through the whole volume."
        )
        self.planes.set_choices([("this plane", False), ("all planes", True)], False)
        self.boundaries = QCheckBox("boundaries of segments  [S]")
        self.boundaries.setChecked(True)
        self.boundaries.setToolTip("Show where segments end")
        self.one_color = QCheckBox("boundaries in one color")
        self.one_color.setChecked(True)
        self.one_color.setToolTip("Or each segment's in a color of its own, as napari has them")
        self.shows_painted = QCheckBox("what is painted  [H]")
        self.shows_painted.setChecked(True)
        self.shows_painted.setToolTip("Hide it to see the image below")
        self.operations: dict[str, QPushButton] = {}
        self.tips: dict[str, str] = {}
        self.amounts: dict[str, DeclaredControls] = {}
        for name, operation in CLASS_OPERATIONS.items():
            self.operations[name] = QPushButton(operation.title)
            self.tips[name] = f"{operation.text} One step of undo."
            self.amounts[name] = DeclaredControls(operation.parameters)
        self.over = QCheckBox("may paint over other classes")
        self.over.setToolTip("Whether growing, smoothing and filling holes may take from others")
        self.reset_class = QPushButton("Erase class")
        self.reset_class.setToolTip("Erase all that is painted with the current class")
        self.reset_all = QPushButton("Erase all")
        self.reset_all.setToolTip("Erase all that is painted; segments stay as they are")
        self._lay_out()

    # -------------------------------------------------------------------------------------- values

    @property
    def radius(self) -> float:
        """Of the snap brush, in pixels."""
        return self.size.value() / 2

    @property
    def through(self) -> bool:
        """Whether tools go through all planes."""
        return bool(self.planes.value) and self.planes.isEnabled()

    def show_tool(self, name: str) -> None:
        """Show which tool is chosen; "" for none."""
        for other, button in self.tools.items():
            button.setChecked(other == name)

    def add_section(self, title: str, content: QWidget | QLayout) -> None:
        """Add a titled section at the end of the panel.

        This is where other tools for painting find their place; what they need of the widget are
        its `image`, `segments_layer`, `painted_layer`, `current_class` and `paint_mask`.
        """
        layout = self._scrolled.widget().layout()
        # Before the stretch that keeps sections together.
        layout.insertWidget(layout.count() - 1, titled(title, content))

    def lies_on_image(self, layer: Labels) -> bool:
        """Whether labels cover the image pixel by pixel, or all its channels as one plane."""
        image = self.input.image.value
        if image is None or layer.multiscale:
            return False
        if lies_on(layer, image):
            return True
        try:
            return output_fits(layer, self.input.reading())
        except InputError:
            return False

    def _can_be_segments(self, layer: Labels) -> bool:
        return role_of(layer) != PAINTED and self.lies_on_image(layer)

    def _can_be_painted(self, layer: Labels) -> bool:
        segments = self.segments.value
        if role_of(layer) == SEGMENTS or layer is segments:
            return False
        like = segments is None or layer.data.shape == segments.data.shape
        return like and self.lies_on_image(layer)

    # -------------------------------------------------------------------------------------- layout

    def _lay_out(self) -> None:
        layers = QVBoxLayout()
        layers.addWidget(self.input)
        rows = [("Segments", self.segments), ("Painted in", self.painted)]
        layers.addLayout(labeled_grid(rows))
        make = QHBoxLayout()
        make.addWidget(self.make_button)
        make.addWidget(self.number, 1)
        layers.addLayout(make)
        layers.addLayout(labeled_grid([("made by", self.method)]))
        tools = QGridLayout()
        for i, button in enumerate(self.tools.values()):
            tools.addWidget(button, i // _COLUMNS, i % _COLUMNS)
        tool_box = QVBoxLayout()
        tool_box.addLayout(tools)
        settings = [("Brush size", self.size), ("Snap brush", self.rule), ("Lasso", self.lasso_by)]
        self._grid = labeled_grid([*settings, ("Planes", self.planes)])
        tool_box.addLayout(self._grid)
        shown = QVBoxLayout()
        shown.addWidget(self.boundaries)
        shown.addWidget(self.one_color)
        shown.addWidget(self.shows_painted)
        changes = QGridLayout()
        changes.setColumnStretch(1, 1)
        for row, name in enumerate(self.operations):
            changes.addWidget(self.operations[name], row, 0)
            changes.addWidget(self.amounts[name], row, 1)
        resets = QHBoxLayout()
        resets.addWidget(self.reset_class)
        resets.addWidget(self.reset_all)
        class_box = QVBoxLayout()
        class_box.addLayout(changes)
        class_box.addWidget(self.over)
        class_box.addLayout(resets)
        steps = QHBoxLayout()
        steps.addWidget(self.undo_button)
        steps.addWidget(self.redo_button)
        self.sections: dict[str, QWidget | QLayout] = {
            "1  Image and segments": layers,
            "2  Classes": self.table,
            "3  Paint": tool_box,
            "Show": shown,
            "All of the current class": class_box,
        }
        self._scrolled = self.lay_out(
            self.sections, (self.message, self.progress, steps, self.cancel_button)
        )

    def show_planes(self, on: bool) -> None:
        """Offer a choice of planes, or not: a single plane has none."""
        row = self._grid.getItemPosition(self._grid.indexOf(self.planes))[0]
        self.planes.setEnabled(on)
        self.planes.setVisible(on)
        self._grid.itemAtPosition(row, 0).widget().setVisible(on)
