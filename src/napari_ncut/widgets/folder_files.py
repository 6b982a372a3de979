"""Other formats of "Image folder": what is exported and imported, in a thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from napari.utils.notifications import show_info
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QFileDialog, QMessageBox

from ..io import annotation_formats, export_annotations, import_annotations
from ..progress import Progress, Steps
from .folder_classes import classes_on
from .label_edit import LabelEdit
from .panels import allow
from .workers import Job, percent

if TYPE_CHECKING:
    from napari.layers import Labels

    from ..io import Annotations
    from .folder import FolderWidget

_EXPORT_TIP = "Write what is painted on this image in the chosen format into a folder."
_EXPORT_ALL_TIP = "Write what is saved of all images in the chosen format into a folder."
_IMPORT_TIP = (
    "Paint what a file of any of these formats holds onto this image, in the place of what is\n"
    "painted. One step of undo."
)


class FolderFiles(QObject):
    """Exports and imports of the widget that it belongs to."""

    def __init__(self, widget: FolderWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._job = Job(self)
        self._job.stepped.connect(self._on_step)
        self._job.busy_changed.connect(self._on_busy)
        self._job.failed.connect(widget._tell)
        self._job.cancelled.connect(lambda: widget._tell("Cancelled; what was written stays."))
        widget.export_button.clicked.connect(lambda: self._ask_export(self.export))
        widget.export_all_button.clicked.connect(lambda: self._ask_export(self.export_all))
        widget.import_button.clicked.connect(lambda: self._ask_import())

    @property
    def busy(self) -> bool:
        """Whether files are being written or read."""
        return self._job.busy

    def cancel(self) -> None:
        """Stop between two files."""
        self._job.cancel()

    def close(self) -> None:
        """Stop for good."""
        self._job.close()

    def refresh(self, reason: str, *, in_folder: bool) -> None:
        """Allow buttons, or say why not."""
        alone = "" if in_folder else "Layers are exported one by one."
        allow(self._widget.export_button, reason, _EXPORT_TIP)
        allow(self._widget.export_all_button, reason or alone, _EXPORT_ALL_TIP)
        allow(self._widget.import_button, reason, _IMPORT_TIP)

    # -------------------------------------------------------------------------------------- export

    def export(self, folder: str | Path, *, overwrite: bool = False) -> None:
        """Write what is painted on the image shown."""
        painted, stem = self._widget.painted, self._widget.stem
        if painted is None:
            return
        names, colors = classes_on(painted)
        labels = np.array(painted.data)
        name, axes = str(self._widget.format.value), self._widget.axes

        def steps() -> Steps[int]:
            yield Progress("writing", 0, 1)
            paths = export_annotations(
                folder, labels, stem=stem, format=name, classes=names, colors=colors,
                axes=axes if name == "label-tiff" else None, overwrite=overwrite,
            )  # fmt: skip
            return len(paths)

        self._job.start(steps, lambda n: self._widget._tell(f"{n} file(s) written to {folder}."))

    def export_all(self, folder: str | Path, *, overwrite: bool = False) -> None:
        """Write what is saved of all images."""
        images = self._widget.folder
        if images is None:
            return
        name = str(self._widget.format.value)

        def steps() -> Steps[int]:
            paths = yield from images.export_steps(folder, format=name, overwrite=overwrite)
            return len(paths)

        self._job.start(steps, lambda n: self._widget._tell(f"{n} file(s) written to {folder}."))

    def _ask_export(self, export: Callable[..., None]) -> None:
        chosen = QFileDialog.getExistingDirectory(self._widget, "Folder for the files")
        if not chosen:
            return
        images = self._widget.folder
        stems = [images.stem(i) for i in range(len(images))] if images else [self._widget.stem]
        begins = tuple(f"{stem}{mark}" for stem in stems for mark in "_.")
        there = any(path.name.startswith(begins) for path in Path(chosen).iterdir())
        question = "Some files of these images are there already. Replace those of this format?"
        yes = QMessageBox.StandardButton.Yes
        if there and QMessageBox.question(self._widget, "Export", question) != yes:
            return
        export(chosen, overwrite=there)

    # -------------------------------------------------------------------------------------- import

    def import_file(self, path: str | Path) -> None:
        """Paint what a file holds onto the image shown, as one step of undo."""
        painted, stem = self._widget.painted, self._widget.stem
        if painted is None:
            return
        names, colors = classes_on(painted)
        shape = tuple(painted.data.shape)

        def steps() -> Steps[Annotations]:
            yield Progress("reading", 0, 1)
            return import_annotations(path, shape, classes=names, colors=colors, stem=stem)

        self._job.start(steps, lambda found: self._on_imported(painted, found, Path(path).name))

    def _ask_import(self) -> None:
        endings = sorted({e for one in annotation_formats().values() for e in one.endings})
        images = self._widget.folder
        chosen, _ = QFileDialog.getOpenFileName(
            self._widget,
            "Annotations",
            "" if images is None else str(images.results.parent),
            f"Annotations ({' '.join(f'*{ending}' for ending in endings)});;All files (*)",
        )
        if chosen:
            self.import_file(chosen)

    def _on_imported(self, layer: Labels, found: Annotations, name: str) -> None:
        if self._widget.painted is not layer:
            show_info("Another image is shown by now; nothing was imported.")
            return
        classes = self._widget.classes
        new = [label for label in found.names if label not in classes.labels]
        classes.ensure(new, found.names)
        for label in new:
            classes.recolor(label, found.colors[label])
        edit = LabelEdit(layer)
        for place in np.ndindex(found.labels.shape[:-2]):
            key = (*place, *(slice(0, size) for size in found.labels.shape[-2:]))
            edit.add(key, np.asarray(layer.data[key]), found.labels[key])
        command = edit.command()
        if command is not None:
            command.name = "import"
            self._widget.history.perform(command)
        self._widget._tell(
            f"{name}: {len(found.names)} class(es), {edit.n_changed:,} pixels changed."
        )

    # --------------------------------------------------------------------------------------- thread

    def _on_step(self, step: Progress) -> None:
        self._widget.progress.setMaximum(step.total if step.total > 1 else 0)
        self._widget.progress.setValue(step.done)
        self._widget.message.setText(percent(step))

    def _on_busy(self, busy: bool) -> None:
        self._widget.progress.setVisible(busy)
        self._widget.cancel_button.setEnabled(busy)
