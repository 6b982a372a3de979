"""A folder of images beside a folder of what was painted on them."""

from __future__ import annotations

import itertools
import os
import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..io import (
    ImageFile,
    annotation_formats,
    export_annotations,
    import_annotations,
    read_image,
    read_labels,
    write_labels,
    write_together,
)
from ..io.annotations import Annotations
from ..io.colors import default_color
from ..io.exchange import export_together, find_annotations, renumbered
from ..progress import Progress, Steps, run_steps
from .listing import different_stems, images_in, names_in, read_map, remove
from .notes import FolderNotes
from .thumbnails import thumbnail_steps
from .work import Work, label_shape

State = Literal["", "draft", "saved", "done", "unreadable"]

_PAINTED, _SEGMENTS = "_painted.tif", "_segments.tif"
_DRAFTS = ".drafts"


class ImageFolder:
    """The images of a folder, in natural order, and what is known of each.

    What is painted lies in a folder beside it, ``<folder>_segmented``, as icas calls it: for every
    image ``<stem>_painted.tif`` and ``<stem>_segments.tif``, for all of them ``napari-ncut.json``
    with classes and marks; drafts of unsaved work in ``.drafts``. Nothing is written before
    something is saved. Of images that share a stem the whole file name stands for it.

    Parameters
    ----------
    path
        The folder. Folders in it are not looked into; zarr arrays count as images.
    results
        Where label maps go; default: ``<folder>_segmented`` beside it.
    axes
        What the dimensions of images are whose files do not say.

    Attributes
    ----------
    path, results : Path
    files : list of Path
    unreadable : dict
        Number of an image → why it could not be read.

    Raises
    ------
    InputError
        If there is no such folder, it has no image, or its notes cannot be understood.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        *,
        results: str | os.PathLike | None = None,
        axes: str | None = None,
    ) -> None:
        self.path = Path(path).expanduser().absolute()
        self.results = (
            self.path.with_name(f"{self.path.name}_segmented")
            if results is None
            else Path(results).expanduser().absolute()
        )
        self._axes = axes
        self.files = images_in(self.path)
        self.unreadable: dict[int, str] = {}
        self._notes = FolderNotes.read(self.results)
        # Images whose names are in the file of notes by now.
        self._noted = set(self._notes.stems)
        self._stems = different_stems(self.files, self._notes.stems)
        # Written by whoever saves, in a thread, and by the window's classes and marks.
        self._lock = threading.RLock()
        self._sorted_stems = sorted(self._stems)
        self._look()

    def _look(self) -> None:
        """Look once at what lies there, so that no state needs another look."""
        self._saved = names_in(self.results)
        self._sorted = sorted(self._saved)
        self._drafts = names_in(self.results / _DRAFTS)

    def __len__(self) -> int:
        return len(self.files)

    def stem(self, i: int) -> str:
        """What the files of an image are called."""
        return self._stems[i]

    def title(self, i: int) -> str:
        """File name of an image."""
        return self.files[i].name

    def thumbnails(
        self, order: Iterable[int], *, size: int = 96
    ) -> Iterator[tuple[int, NDArray[np.uint8] | None]]:
        """Small pictures of images, in the order given; see `thumbnail_steps`."""
        return thumbnail_steps(self.files, order, size=size)

    def number_of(self, name: str) -> int | None:
        """The number of the image of a file name, None if there is none."""
        return next((i for i, path in enumerate(self.files) if path.name == name), None)

    @property
    def names(self) -> dict[int, str]:
        """Classes: label → name."""
        return dict(self._notes.names)

    @property
    def colors(self) -> dict[int, str]:
        """Classes: label → "#rrggbb"."""
        return dict(self._notes.colors)

    # ------------------------------------------------------------------------------------- states

    def state(self, i: int) -> State:
        """What is known of an image: unreadable, with a draft, done, saved, or "" for nothing."""
        if i in self.unreadable:
            return "unreadable"
        if self.has_draft(i):
            return "draft"
        if self.is_done(i):
            return "done"
        return "saved" if self._has_files(i) else ""

    def is_done(self, i: int) -> bool:
        """Whether an image is marked as done."""
        return self.files[i].name in self._notes.done

    def has_draft(self, i: int) -> bool:
        """Whether there is work on an image that was not saved."""
        return f"{self._stems[i]}{_PAINTED}" in self._drafts

    def has_work(self, i: int) -> bool:
        """Whether an image has segments already, saved or as a draft."""
        name = f"{self._stems[i]}{_SEGMENTS}"
        return name in (self._drafts if self.has_draft(i) else self._saved)

    def _has_files(self, i: int) -> bool:
        """Whether anything beside segments lies there of an image, in whatever format."""
        stem = self._stems[i]
        if f"{stem}{_PAINTED}" in self._saved or f"{stem}.geojson" in self._saved:
            return True
        names = self._sorted
        for name in names[bisect_left(names, f"{stem}_") :]:
            if not name.startswith(f"{stem}_"):
                return False
            of_another = any(name.startswith(f"{other}_") for other in self._stems_after(i))
            if not of_another and not name.endswith(_SEGMENTS):
                return True
        return False

    def _stems_after(self, i: int) -> list[str]:
        """Stems that begin with that of an image and go on."""
        first = bisect_left(self._sorted_stems, f"{self._stems[i]}_")
        longer = itertools.takewhile(
            lambda stem: stem.startswith(f"{self._stems[i]}_"), self._sorted_stems[first:]
        )
        return list(longer)

    @property
    def n_done(self) -> int:
        """How many images are done."""
        return sum(self.is_done(i) for i in range(len(self)))

    def mark(self, i: int, *, done: bool) -> None:
        """Mark an image as done, or as not done."""
        with self._lock:
            self._note(i)
            (self._notes.done.add if done else self._notes.done.discard)(self.files[i].name)
            self._write_notes()

    def set_classes(self, names: Mapping[int, str], colors: Mapping[int, str]) -> None:
        """Keep names and colors of classes, in the window and with what is saved next."""
        with self._lock:
            given = {int(label): str(name) for label, name in names.items()}
            own = {label: str(colors.get(label, default_color(label))) for label in given}
            if (given, own) == (self._notes.names, self._notes.colors):
                return
            self._notes.names, self._notes.colors = given, own
            if self.results.is_dir():
                self._write_notes()

    # ---------------------------------------------------------------------------------- in and out

    def read(self, i: int) -> ImageFile:
        """Read an image; of one that cannot be read the reason is kept in `unreadable`."""
        try:
            try:
                image = read_image(self.files[i])
            except InputError:
                if self._axes is None:
                    raise
                image = read_image(self.files[i], axes=self._axes)
            label_shape(image)
        except InputError as error:
            if not self.path.is_dir():
                raise InputError(
                    f"The folder {self.path} is gone. Bring it back, then choose the image again; "
                    f"unsaved work is kept."
                ) from error
            self.unreadable[i] = str(error)
            raise
        self.unreadable.pop(i, None)
        return image

    def load(self, i: int, image: ImageFile) -> Work:
        """What was done on an image: its draft, what was saved, or masks of any known format.

        Raises
        ------
        InputError
            If what is there cannot be read, or is of an image of another size.
        """
        shape, stem = label_shape(image), self._stems[i]
        for folder, has, origin in (
            (self.results / _DRAFTS, self.has_draft(i), "draft"),
            (self.results, f"{stem}{_PAINTED}" in self._saved, "saved"),
        ):
            if has:
                painted = read_map(folder / f"{stem}{_PAINTED}", shape)
                path = folder / f"{stem}{_SEGMENTS}"
                segments = read_map(path, shape) if path.exists() else None
                return Work(painted, segments, origin)
        found = find_annotations(self.results, stem, self._stems) if self._saved else None
        if found is None:
            return Work()
        name, path = found
        annotations = import_annotations(
            path, shape, format=name, classes=self.names, colors=self.colors, stem=stem
        )
        return Work(self.adopt(annotations), None, name)

    def adopt(self, annotations: Annotations) -> NDArray[np.int32]:
        """Labels of annotations by this folder's classes; new ones become classes of it."""
        with self._lock:
            own = renumbered(annotations, self.names, self.colors)
            new = {n: name for n, name in own.names.items() if n not in self._notes.names}
            self._notes.names = self._notes.names | new
            self._notes.colors = self._notes.colors | {n: own.colors[n] for n in new}
            return own.labels

    def save(
        self,
        i: int,
        painted: NDArray,
        segments: NDArray | None = None,
        *,
        axes: str | None = None,
        done: bool = True,
    ) -> None:
        """Save work on an image, all files or none, and drop its draft.

        Parameters
        ----------
        i
            Number of the image.
        painted, segments
            Label maps, shaped as the image without channels. Without segments those saved before
            are removed.
        axes
            Letters of their axes; see `napari_ncut.io.write_labels`.
        done
            Whether the image is done with it.
        """
        self._write(self.results, i, painted, segments, axes)
        with self._lock:
            self._look()
            if done:
                self._notes.done.add(self.files[i].name)
            self._write_notes()
            self.drop_draft(i)

    def save_draft(
        self, i: int, painted: NDArray, segments: NDArray | None = None, *, axes: str | None = None
    ) -> None:
        """Keep unsaved work on an image, so that it survives whatever happens."""
        folder = self.results / _DRAFTS
        self._write(folder, i, painted, segments, axes)
        with self._lock:
            self._drafts = names_in(folder)
            if self.files[i].name not in self._noted:
                self._write_notes()

    def load_draft(self, i: int, image: ImageFile) -> Work | None:
        """Unsaved work on an image, None if there is none."""
        return self.load(i, image) if self.has_draft(i) else None

    def drop_draft(self, i: int) -> None:
        """Forget unsaved work on an image."""
        with self._lock:
            folder = self.results / _DRAFTS
            for suffix in (_PAINTED, _SEGMENTS):
                remove(folder / f"{self._stems[i]}{suffix}")
            self._drafts = names_in(folder)
            if folder.is_dir() and not self._drafts:
                # Something of others may lie there, hidden.
                try:
                    folder.rmdir()
                except OSError:
                    return

    def export_steps(
        self, folder: str | os.PathLike, *, format: str, overwrite: bool = False
    ) -> Steps[list[Path]]:
        """Write what is saved of all images in an annotation format, image after image.

        Images of which nothing is saved are left out. Of formats that hold several images there is
        one file for all of them, called as the folder.

        Returns
        -------
        list of Path
            What was written.
        """
        paths = [self.results / f"{stem}{_PAINTED}" for stem in self._stems]
        numbers = [i for i, path in enumerate(paths) if path.name in self._saved]
        together: dict[str, Annotations] = {}
        written: list[Path] = []
        for done, i in enumerate(numbers):
            yield Progress("writing", done, len(numbers))
            labels, *_ = read_labels(paths[i])
            if annotation_formats()[format].joins:
                together[self.files[i].name] = Annotations.of(labels, self.names, self.colors)
                continue
            written += export_annotations(
                Path(folder),
                labels,
                stem=self._stems[i],
                format=format,
                classes=self.names,
                colors=self.colors,
                overwrite=overwrite,
            )
        if together:
            written += export_together(
                Path(folder), together, stem=self.path.name, format=format, overwrite=overwrite
            )
        return written

    def export(
        self, folder: str | os.PathLike, *, format: str, overwrite: bool = False
    ) -> list[Path]:
        """`export_steps` to their end."""
        return run_steps(self.export_steps(folder, format=format, overwrite=overwrite))

    def _write(
        self,
        folder: Path,
        i: int,
        painted: NDArray,
        segments: NDArray | None,
        axes: str | None,
    ) -> None:
        # Outside of the lock: the window must not wait for files.
        stem = self._stems[i]
        names, colors = self.names, self.colors
        maps = partial(write_labels, labels=painted, axes=axes, classes=names, colors=colors)
        writers = {folder / f"{stem}{_PAINTED}": maps}
        further = folder / f"{stem}{_SEGMENTS}"
        if segments is not None:
            writers[further] = partial(write_labels, labels=segments, axes=axes)
        write_together(writers)
        if segments is None:
            remove(further)
        with self._lock:
            self._note(i)

    def _note(self, i: int) -> None:
        self._notes.stems.setdefault(self.files[i].name, self._stems[i])

    def _write_notes(self) -> None:
        try:
            self.results.mkdir(exist_ok=True)
            self._notes.write(self.results)
            self._noted = set(self._notes.stems)
        except OSError as error:
            raise InputError(
                f"{self.results} could not be written to ({error.strerror or error}). Make room "
                f"there, or choose another folder for results."
            ) from error
