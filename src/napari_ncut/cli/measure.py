"""The command `measure`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError
from . import options as o
from .report import progress_bar, reported, say, written

if TYPE_CHECKING:
    from ..io import ImageFile
    from ..measuring import Comparison, MeasureTable
    from ..progress import Progress

GROUPS = "size|place|shape|outline|hull|intensity"
_COMPARING = "Comparing"


@reported
def measure_command(
    labels: Annotated[
        list[Path],
        typer.Argument(
            metavar="LABELS",
            help="Label images or masks, or folders of them: 0 is none.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER|FILE.csv",
            help="A folder for a table of each image, or one file for the tables of all.",
            show_default=False,
        ),
    ],
    images: Annotated[
        list[Path] | None,
        typer.Option(
            "--images",
            "-i",
            metavar="IMAGES",
            help="What intensities are measured in: one for each label image, in the same order, "
            "or a folder of them.",
            show_default=False,
        ),
    ] = None,
    measured: Annotated[
        str | None,
        typer.Option(
            "--measure",
            metavar=GROUPS,
            help="What is measured, with commas between: groups or single columns, such as "
            "size,circularity. Default: all but hull, which takes a millisecond for every segment.",
            show_default=False,
        ),
    ] = None,
    things: Annotated[
        str,
        typer.Option(
            metavar="labels|pieces",
            help="What one segment is: every label, or every connected piece, where labels are "
            "classes.",
        ),
    ] = "labels",
    classes: Annotated[
        list[Path] | None,
        typer.Option(
            "--classes",
            metavar="LABELS",
            help="Label images of classes, one for each label image: a segment has the class of "
            "most of its pixels.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            metavar="segment|class|both",
            help="A row for every segment, or for every class: counts, sizes, shares.",
        ),
    ] = "segment",
    spacing: Annotated[
        str,
        typer.Option(
            metavar="NUMBER|HEIGHT,WIDTH|DEPTH,HEIGHT,WIDTH", help="Size of a pixel in your unit."
        ),
    ] = "1",
    unit: Annotated[str, typer.Option(help="What the spacing is given in, such as µm.")] = "px",
    volumes: Annotated[
        bool, typer.Option("--volumes", help="Segments go on through the planes of a volume.")
    ] = False,
    compare: Annotated[
        list[Path] | None,
        typer.Option(
            "--compare",
            metavar="LABELS",
            help="Other labels of the same images, such as drawn ones, to compare with.",
            rich_help_panel=_COMPARING,
            show_default=False,
        ),
    ] = None,
    iou: Annotated[
        float,
        typer.Option(
            help="Intersection over union from which on two things match.",
            rich_help_panel=_COMPARING,
        ),
    ] = 0.5,
    tolerance: Annotated[
        float,
        typer.Option(
            help="How far boundaries may lie apart, in pixels.", rich_help_panel=_COMPARING
        ),
    ] = 2.0,
    axes: o.Axes = None,
    overwrite: o.Overwrite = False,
) -> None:
    """Measure every segment of label images: size, place, shape, outline, intensity.

    Into a folder it writes NAME_segments.csv for each image, classes.csv with --by class or both,
    and comparison.csv with --compare; into one file all images together, with a column that names
    them, and the others beside it.

    [bold]Examples[/bold]

        napari-ncut measure masks -o tables --images images --spacing 0.25 --unit µm

        napari-ncut measure cells.tif -o cells.csv --things pieces --by both

        napari-ncut measure found -o tables --compare drawn
    """
    from ..errors import check_choice
    from ..io import check_outputs, write_together
    from .inputs import image_names, read_inputs

    check_choice("--by", by, ("segment", "class", "both"))
    files = read_inputs(labels, axes)
    beside = {
        option: _beside(option, paths, files, axes)
        for option, paths in (("--images", images), ("--classes", classes), ("--compare", compare))
    }
    paths = _outputs(output, [file.path for file in files], by, has_others=compare is not None)
    check_outputs(paths.values(), overwrite=overwrite)
    options = {
        "things": things,
        "volumes": volumes,
        "spacing": _spacing(spacing),
        "unit": unit,
        "properties": None if measured is None else [m.strip() for m in measured.split(",")],
    }
    names = image_names([file.path for file in files])
    with progress_bar() as progress:
        tables = {
            name: _measured(file, image, of_class, options, progress)
            for name, file, image, of_class in zip(
                names, files, beside["--images"], beside["--classes"], strict=True
            )
        }
        compared = {
            name: _compared(file, other, {"iou": iou, "tolerance": tolerance,
                                          "things": things, "volumes": volumes}, progress)
            for name, file, other in zip(names, files, beside["--compare"], strict=True)
            if other is not None
        }  # fmt: skip
    written(write_together(_writers(paths, tables, compared)))
    counts = [len(table) for table in tables.values()]
    say(f"{sum(counts)} segments in {len(counts)} image(s).", stderr=True)
    if compared:
        _show(compared)


def _beside(
    option: str, paths: list[Path] | None, files: list[ImageFile], axes: str | None
) -> list[Any]:
    """What was given for each label image, None for nothing."""
    from .inputs import read_inputs

    if not paths:
        return [None] * len(files)
    found = read_inputs(paths, axes if option != "--images" else None)
    if len(found) != len(files):
        raise InputError(
            f"{option} has {len(found)} image(s) for {len(files)} label image(s). Give one for "
            f"each, in the same order."
        )
    return list(found)


def _outputs(output: Path, files: list[Path], by: str, *, has_others: bool) -> dict[str, Path]:
    """Files by what they hold: "segments" or "segments NAME", "classes", "comparison"."""
    from .inputs import image_names, output_stems

    joint = output.suffix.lower() == ".csv"
    if not joint and output.suffix and not output.is_dir():
        raise InputError(f"{output} cannot be written. Give a folder, or a file that ends in .csv.")
    folder, stem = (output.parent, f"{output.stem}_") if joint else (output, "")
    paths: dict[str, Path] = {}
    if by != "class" and joint:
        paths["segments"] = output
    elif by != "class":
        for name, own in zip(image_names(files), output_stems(files), strict=True):
            paths[f"segments {name}"] = folder / f"{own}_segments.csv"
    if by != "segment":
        alone = joint and by == "class"
        paths["classes"] = output if alone else folder / f"{stem}classes.csv"
    if has_others:
        paths["comparison"] = folder / f"{stem}comparison.csv"
    return paths


def _spacing(text: str) -> Any:
    """What --spacing says, as `measure_segments` takes it."""
    try:
        sizes = [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            f"--spacing {text!r} cannot be used. Give numbers, such as 0.25 or 2,0.5,0.5."
        ) from None
    return sizes[0] if len(sizes) == 1 else sizes


def _measured(
    file: ImageFile,
    image: ImageFile | None,
    of_class: ImageFile | None,
    options: Mapping[str, Any],
    progress: Callable[[Progress], object] | None,
) -> MeasureTable:
    from ..measuring import measure_segments

    try:
        return measure_segments(
            _labels_of(file),
            None if image is None else image.data,
            axes=file.axes if image is None else image.axes,
            classes=None if of_class is None else _labels_of(of_class),
            progress=progress,
            **options,
        )
    except InputError as error:
        raise InputError(f"{file.path}: {error}") from error


def _compared(
    file: ImageFile,
    other: ImageFile,
    options: Mapping[str, Any],
    progress: Callable[[Progress], object] | None,
) -> Comparison:
    from ..measuring import compare_labels

    try:
        return compare_labels(
            _labels_of(file), _labels_of(other), axes=file.axes, progress=progress, **options
        )
    except InputError as error:
        raise InputError(f"{file.path}: {error}") from error


def _labels_of(file: ImageFile) -> Any:
    if set(file.axes) & set("CS"):
        raise InputError(
            f"{file.path} has the axes {file.axes}: it is an image with channels or colors, and no "
            f"label image. Give one number for each pixel."
        )
    return file.data


def _writers(
    paths: Mapping[str, Path],
    tables: Mapping[str, MeasureTable],
    compared: Mapping[str, Comparison],
) -> dict[Path, Callable[[Path], object]]:
    from ..io import write_table
    from ..measuring import summarize
    from ..measuring.table import joined

    writers: dict[Path, Callable[[Path], object]] = {}
    for kind, path in paths.items():
        if kind == "segments":
            writers[path] = joined(tables).to_csv
        elif kind == "classes":
            writers[path] = joined({n: summarize(t) for n, t in tables.items()}).to_csv
        elif kind == "comparison":
            figures = {name: found.figures for name, found in compared.items()}
            columns = ["file", *next(iter(figures.values()))]
            rows = [[name, *one.values()] for name, one in figures.items()]
            writers[path] = partial(write_table, columns=columns, rows=rows)
        else:
            writers[path] = tables[kind.partition(" ")[2]].to_csv
    return writers


def _show(compared: Mapping[str, Comparison]) -> None:
    """Print means of the figures over images."""
    from rich.table import Table

    from ..measuring.comparing import FIGURES
    from .report import console

    table = Table("figure", "mean", "what it is", box=None)
    for name, figure in FIGURES.items():
        values = [one.figures[name] for one in compared.values()]
        table.add_row(name, f"{sum(values) / len(values):.4f}", figure.text)
    console(stderr=True).print(table)
