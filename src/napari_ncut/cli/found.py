"""What `localize`, `objects` and `parts` write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..io import ImageFile, check_outputs, write_coco, write_table, write_together
from ..objects.joint import Parts
from ..objects.localization import Localization
from .inputs import label_writer, output_stems, plane_names

# Planes without a thing that are named before they are only counted.
_NAMED = 5


@dataclass(frozen=True)
class ObjectFiles:
    """Files of things, and of which images."""

    files: tuple[ImageFile, ...]
    maps: tuple[Path, ...]
    table: Path
    document: Path

    @classmethod
    def of(cls, folder: Path, files: Sequence[ImageFile]) -> ObjectFiles:
        """Files in a folder, named after the images."""
        stems = output_stems([file.path for file in files])
        return cls(
            tuple(files),
            tuple(folder / f"{stem}_objects.tif" for stem in stems),
            folder / "objects.csv",
            folder / "objects.json",
        )

    def check(self, *, overwrite: bool) -> None:
        """Raise an `InputError` unless all can be written."""
        check_outputs([*self.maps, self.table, self.document], overwrite=overwrite)

    def write(self, found: Localization) -> list[Path]:
        """Write all files, or none."""
        names = plane_names(self.files)
        writers = _maps(self.files, self.maps, found.labels)
        rows: list[list[object]] = []
        for name, plane in zip(names, found, strict=True):
            for i, (box, sure) in enumerate(zip(plane.boxes, plane.confidences, strict=True)):
                area = int(plane.objects.areas[i])
                rows.append([name, i + 1, *box.tolist(), area, round(float(sure), 4)])
        columns = ["image", "object", "top", "left", "bottom", "right", "area", "confidence"]
        writers[self.table] = partial(write_table, columns=columns, rows=rows)
        sets = dict(zip(names, (plane.objects for plane in found), strict=True))
        writers[self.document] = partial(write_coco, named_sets=sets)
        return write_together(writers)

    def told(self, found: Localization) -> list[str]:
        """How much was found, and where there is nothing."""
        names = plane_names(self.files)
        n_things = sum(len(plane) for plane in found)
        lines = [f"{n_things} things in {len(found)} planes."]
        empty = [
            f"Nothing here: {name} (the best guess has a confidence of {plane.confidence:.2f})."
            for name, plane in zip(names, found, strict=True)
            if not plane.found
        ]
        more = [f"Nothing in {len(empty) - _NAMED} more."] if len(empty) > _NAMED else []
        return [*lines, *empty[:_NAMED], *more]


@dataclass(frozen=True)
class PartFiles:
    """Files of parts, and of which images."""

    files: tuple[ImageFile, ...]
    maps: tuple[Path, ...]
    table: Path

    @classmethod
    def of(cls, folder: Path, files: Sequence[ImageFile]) -> PartFiles:
        """Files in a folder, named after the images."""
        stems = output_stems([file.path for file in files])
        return cls(
            tuple(files),
            tuple(folder / f"{stem}_parts.tif" for stem in stems),
            folder / "parts.csv",
        )

    def check(self, *, overwrite: bool) -> None:
        """Raise an `InputError` unless all can be written."""
        check_outputs([*self.maps, self.table], overwrite=overwrite)

    def write(self, found: Parts) -> list[Path]:
        """Write all files, or none."""
        writers = _maps(self.files, self.maps, found.labels)
        columns = ["image", *(f"part {i + 1}" for i in range(found.n_parts))]
        rows: list[list[object]] = [
            [name, *(round(float(share), 4) for share in shares)]
            for name, shares in zip(plane_names(self.files), found.shares, strict=True)
        ]
        writers[self.table] = partial(write_table, columns=columns, rows=rows)
        return write_together(writers)


def _maps(
    files: Sequence[ImageFile], paths: Sequence[Path], labels: Any
) -> dict[Path, Callable[[Path], object]]:
    several = labels if len(files) > 1 else [labels]
    return {
        path: label_writer(file, one) for path, file, one in zip(paths, files, several, strict=True)
    }
