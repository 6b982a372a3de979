"""A widget that holds one panel as a section, as the widgets of the package do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari_ncut.widgets.history import history_of
from napari_ncut.widgets.image_input import ImageInput
from napari_ncut.widgets.panels import DockedWidget


class Section(DockedWidget):
    """An image to choose, and a panel below it.

    Parameters
    ----------
    viewer
        Of the widget.
    make
        Called with viewer, history and what tells of the reading; gives the panel.
    """

    def __init__(self, viewer: Any, make: Callable[..., Any]) -> None:
        super().__init__()
        self.viewer = getattr(viewer, "__wrapped__", viewer)
        self.history = history_of(viewer)
        self.input = ImageInput(viewer, "An image.")
        self.panel = make(viewer, self.history, self.input.reading)
        self.input.changed.connect(self.panel.refresh)
        self.lay_out({"Image": self.input, "Panel": self.panel}, ())
        self.on_release(self.input.release, self.panel.release)

    def wait(self, qtbot: Any) -> None:
        """Until nothing is computed or written."""
        qtbot.waitUntil(lambda: not self.panel.busy, timeout=20_000)
