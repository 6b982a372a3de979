"""Segments of the images that come next: which method, how far ahead, and the thread."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import groupby
from typing import Any

from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QCheckBox, QSpinBox, QVBoxLayout, QWidget

from ..errors import InputError
from ..folders import ImageFolder
from ..progress import Progress
from ..segmenters import KINDS, SegmenterEntry, segmenters
from .choices import GroupedChoice
from .declared import DeclaredControls
from .panels import labeled_grid
from .workers import Job, once_after, tell

_MOST = 100_000
_REACH, _MOST_REACH = 2, 10
# Milliseconds that settings rest before segments are made by them.
_REST = 400


class SegmenterControls(QWidget):
    """A segmenter of the registry with its parameters, and how far ahead it goes.

    Signals
    -------
    changed()
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        entries = [
            entry
            for kind in KINDS
            for entry in segmenters(kind).values()
            if not entry.unavailable_because
        ]
        self.ahead = QCheckBox("Make segments ahead")
        self.ahead.setChecked(True)
        self.ahead.setToolTip(
            "Segment the image, and those around it while you paint, in a thread. Images that\n"
            "have segments of their own, saved or in a draft, keep them."
        )
        self.method = GroupedChoice("")
        self.method.set_groups(
            [
                (title, [(entry.title, entry) for entry in group])
                for title, group in groupby(entries, _heading)
            ]
        )
        self.number = QSpinBox()
        self.number.setRange(1, _MOST)
        self.number.setGroupSeparatorShown(True)
        self.number.setKeyboardTracking(False)
        self.reach = QSpinBox()
        self.reach.setRange(0, _MOST_REACH)
        self.reach.setValue(_REACH)
        self.reach.setToolTip(
            "How many images before and after the one shown are segmented ahead; 0: it alone."
        )
        # Made when first asked for: there are many methods.
        self._controls: dict[tuple[str, str], DeclaredControls] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.ahead)
        self._grid = labeled_grid(
            [("Method", self.method), ("Number", self.number), ("Ahead", self.reach)]
        )
        layout.addLayout(self._grid)
        self.ahead.toggled.connect(lambda _: self._on_changed())
        self.method.chosen.connect(lambda _: self._on_method())
        self.number.valueChanged.connect(lambda _: self.changed.emit())
        self.reach.valueChanged.connect(lambda _: self.changed.emit())
        self._on_method()

    @property
    def entry(self) -> SegmenterEntry:
        """The method that is chosen."""
        entry: SegmenterEntry = self.method.value
        return entry

    def choose(self, name: str, kind: str) -> None:
        """Choose a method."""
        self.method.value = segmenters(kind)[name]

    @property
    def n_segments(self) -> int | None:
        """How many to ask for; None of a method that finds the number itself."""
        return None if self.entry.counts == "never" else self.number.value()

    def parameters(self) -> dict[str, Any]:
        """Values of the method's parameters."""
        return self._controls[_id(self.entry)].values()

    def noted(self) -> dict[str, Any]:
        """What layers of segments are noted to be made by."""
        counted = {} if self.n_segments is None else {"n_segments": self.n_segments}
        return {"method": self.entry.name, **counted, **self.parameters()}

    def key(self) -> Hashable:
        """What tells segments of these settings from others."""
        parameters = sorted((name, repr(value)) for name, value in self.parameters().items())
        return _id(self.entry), self.n_segments, tuple(parameters)

    def _on_method(self) -> None:
        entry = self.entry
        if _id(entry) not in self._controls:
            controls = self._controls[_id(entry)] = DeclaredControls(entry.parameters)
            controls.changed.connect(self.changed)
            self.layout().addWidget(controls)
        for which, controls in self._controls.items():
            controls.setVisible(which == _id(entry))
        self.method.setToolTip(f"How segments are made. {entry.title}: {entry.text}")
        counted = entry.counts != "never"
        for column in (0, 1):
            self._grid.itemAtPosition(1, column).widget().setVisible(counted)
        if counted and self.number.value() == self.number.minimum():
            self.number.setValue(entry.default_count or self.number.minimum())
        self.number.setToolTip(f"Segments in every plane; this method {entry.count_text}.")
        self._on_changed()

    def _on_changed(self) -> None:
        on = self.ahead.isChecked()
        for widget in (self.method, self.number, self.reach, *self._controls.values()):
            widget.setEnabled(on)
        self.changed.emit()


def _id(entry: SegmenterEntry) -> tuple[str, str]:
    """What tells methods apart: names are of a kind."""
    return entry.kind, entry.name


def _heading(entry: SegmenterEntry) -> str:
    title = KINDS[entry.kind].title
    return f"{title}: {entry.group.lower()}" if entry.group else title


class SegmentAhead(QObject):
    """Keeps segments of the image that is shown and of those around it at hand.

    Signals
    -------
    found(int, object)
        Number of an image, and its segments by the settings of the moment.
    told(str)
        What is being done, "" when it is.
    """

    found = Signal(int, object)
    told = Signal(str)

    def __init__(self, controls: SegmenterControls, parent: QObject) -> None:
        super().__init__(parent)
        from ..folders import SegmentCache

        self._controls = controls
        self._cache = SegmentCache()
        self._folder: ImageFolder | None = None
        self._number = 0
        self._job = Job(self)
        self._job.stepped.connect(self._on_step)
        self._job.finished.connect(lambda _: self.told.emit(""))
        self._soon = once_after(_REST, self._start, self)
        controls.changed.connect(self._soon.start)

    @property
    def busy(self) -> bool:
        """Whether segments are being made, or about to be."""
        return self._job.busy or self._soon.isActive()

    def close(self) -> None:
        """Make none any more."""
        self._soon.stop()
        self._job.close()

    def go_to(self, folder: ImageFolder | None, number: int = 0) -> None:
        """Segment around another image; what was being made for others is dropped."""
        if folder is not self._folder:
            from ..folders import SegmentCache

            self._cache = SegmentCache()
        self._folder, self._number = folder, number
        self._start()

    def known(self, number: int) -> NDArray | None:
        """Segments of an image by the settings of the moment, None if they are not made yet."""
        on = self._controls.ahead.isChecked()
        return self._cache.get((self._controls.key(), number)) if on else None

    def _start(self) -> None:
        self._soon.stop()
        self._job.cancel()
        folder, number, controls = self._folder, self._number, self._controls
        if folder is None or not controls.ahead.isChecked():
            self.told.emit("")
            return
        if (known := self.known(number)) is not None:
            self.found.emit(number, known)
        from ..folders import segment_ahead_steps, segmenter

        try:
            segment = segmenter(
                controls.entry.name,
                controls.parameters(),
                kind=controls.entry.kind,
                n_segments=controls.n_segments,
            )
        except InputError as error:
            tell(error)
            return
        key, reach, cache = controls.key(), controls.reach.value(), self._cache
        self._job.start(
            lambda: segment_ahead_steps(folder, number, segment, reach=reach, key=key, cache=cache)
        )

    def _on_step(self, step: Any) -> None:
        if isinstance(step, Progress):
            if step.stage.startswith("segments of"):
                self.told.emit("Making segments …")
        elif step.segments is not None:
            self.found.emit(step.number, step.segments)
        elif step.number == self._number:
            self.told.emit(step.reason)
