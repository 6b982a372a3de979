"""The command `convert`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from . import options as o
from .report import reported, say, written

if TYPE_CHECKING:
    from ..io import Annotations

FORMATS = "label-tiff|label-png|masks|coco|imagej|geojson|icas|icas-windows"
# What names of our own files end in, which is no part of the image's name.
_ENDINGS = ("_labels", "_painted", "_classes", "_coco", "_rois")


@reported
def convert_command(
    labels: Annotated[
        list[Path],
        typer.Argument(
            metavar="LABELS",
            help="Files in any of the formats, or folders of them. Of masks of icas one stands for "
            "all of its image.",
            show_default=False,
        ),
    ],
    output: o.ResultsFolder,
    to: Annotated[
        str, typer.Option("--to", metavar=FORMATS, help="What to write.", show_default=False)
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="FORMAT", help="What is read. Default: by the names of the files."
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Names of the classes 1, 2, 3 …, or of some: nucleus,debris or 2=debris,7=pore.",
            show_default=False,
        ),
    ] = None,
    colors: Annotated[
        str | None,
        typer.Option(
            metavar="COLORS",
            help="Their colors: #e69f00,#56b4e9 or 2=#56b4e9. Default: those of the files.",
            show_default=False,
        ),
    ] = None,
    things: Annotated[
        bool,
        typer.Option(
            "--things",
            help="Numbers of the label maps are single things of one class, not classes.",
        ),
    ] = False,
    size: Annotated[
        tuple[int, int] | None,
        typer.Option(
            metavar="HEIGHT WIDTH",
            help="Of the images, for outlines, which tell none. Default: as far as they go.",
            show_default=False,
        ),
    ] = None,
    overwrite: o.Overwrite = False,
) -> None:
    """Turn annotations from one format into another.

    Label maps (TIFF, PNG), a mask for every class, COCO JSON, ImageJ ROIs, QuPath GeoJSON, masks of
    icas. Without instances, what hangs together of a class is a thing.

    [bold]Examples[/bold]

        napari-ncut convert tissue_labels.tif --to geojson -o qupath --classes nucleus,stroma

        napari-ncut convert images_segmented --to coco -o coco

        napari-ncut convert "cells_mask_(R:255,G:0,B:0).png" --to label-png -o labels
    """
    from ..errors import check_choice
    from ..io import annotation_formats, check_outputs, write_together
    from ..io.annotations import Annotations

    formats = annotation_formats()
    entry = formats[check_choice("format", to, formats)]
    names, given_colors = _numbered(classes, "--classes"), _numbered(colors, "--colors")
    writers: dict[Path, object] = {}
    for stem, found in _read(labels, source, size):
        if things:
            name = {1: names.get(1, "thing")}
            one = Annotations.of((found.labels > 0).astype(int), name, given_colors, found.labels)
        else:
            one = Annotations.of(
                found.labels, found.names | names, found.colors | given_colors, found.instances
            )
        if one.labels.ndim > 2 and not entry.stacks:
            raise InputError(f"{stem}: {entry.title} holds one plane, but this is a stack.")
        own = entry.writers(output, stem, one)
        twice = next((path for path in own if path in writers), None)
        if twice is not None:
            raise InputError(f"Two results would be called {twice}. Convert them one by one.")
        writers |= own
    check_outputs(writers, overwrite=overwrite)
    written(write_together(writers))  # type: ignore[arg-type]
    if not writers:
        say("No class is painted, so there is nothing to write.", stderr=True)


def _read(
    paths: Sequence[Path], source: str | None, size: tuple[int, int] | None
) -> Iterator[tuple[str, Annotations]]:
    """Stem and annotations of every image, in the order of the files."""
    from ..io import import_annotations
    from ..io.class_masks import stem_of_mask
    from ..io.coco_reading import coco_names
    from ..io.exchange import guess_format

    done: set[tuple[Path, str]] = set()
    for path in _files(paths):
        if not path.exists():
            raise InputError(f"There is no file {path}. Check the path (and quotes around spaces).")
        format = source or guess_format(path)
        if format == "coco":
            for name in coco_names(path):
                yield Path(name).stem, import_annotations(path, stem=name)
            continue
        if format.startswith("icas"):
            if (path.parent, stem_of_mask(path)) in done:
                continue
            done.add((path.parent, stem_of_mask(path)))
        outlines = format in ("imagej", "geojson")
        found = import_annotations(path, size if outlines else None, format=format)
        yield _stem(stem_of_mask(path)), found


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """Files as they are given, and those of folders whose endings are known."""
    from ..io import annotation_formats, natural_key

    endings = {ending for one in annotation_formats().values() for ending in one.endings}
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(path.iterdir(), key=lambda one: natural_key(one.name))
        found = [
            one
            for one in inside
            if one.suffix.lower() in endings
            and not one.name.startswith(".")
            # Beside painted classes lie segments, and what is known of the folder.
            and not one.stem.endswith("_segments")
            and one.name != "napari-ncut.json"
        ]
        if not found:
            raise InputError(
                f"The folder {path} has no annotations. Give files that end in "
                f"{', '.join(sorted(endings))}."
            )
        yield from found


def _stem(stem: str) -> str:
    return next((stem[: -len(end)] for end in _ENDINGS if stem.endswith(end)), stem)


def _numbered(text: str | None, option: str) -> dict[int, str]:
    """Texts of classes by number: ``a,b`` counts from 1, ``3=a`` says it."""
    found: dict[int, str] = {}
    for i, part in enumerate(text.split(",") if text else [], start=1):
        number, sign, value = part.strip().rpartition("=")
        if not value or (sign and not number.strip().isdigit()) or number.strip() == "0":
            raise InputError(
                f"{option} {text!r} cannot be used. Give texts with commas between them, or each "
                f"with its number: 2=debris."
            )
        found[int(number) if sign else i] = value.strip()
    return found
