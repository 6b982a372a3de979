"""The command `templates`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from . import options as o
from .report import progress_bar, reported, say, written

if TYPE_CHECKING:
    from ..io import ImageFile
    from ..templates import Template

MEASURES = "correlation|difference"
# Angles, or sizes.
_MOST = 3600


@reported
def templates_command(
    images: o.ImagesApart,
    output: o.ResultsFolder,
    template: Annotated[
        list[Path],
        typer.Option(
            "--template",
            "-t",
            metavar="FILE",
            help="Image of what is looked for. Several: the best counts at every place.",
            show_default=False,
        ),
    ],
    attention: Annotated[
        list[Path] | None,
        typer.Option(
            "--attention",
            metavar="FILE",
            help="Where the template is compared: what is not black. Default: everywhere but in "
            "the black area at its border. Of several templates one for each, as of the next two.",
            show_default=False,
        ),
    ] = None,
    segment: Annotated[
        list[Path] | None,
        typer.Option(
            "--segment",
            metavar="FILE",
            help="What is painted over copies: labels, or an image in which every color is one. "
            "Default: label 1 where it is compared.",
            show_default=False,
        ),
    ] = None,
    mask: Annotated[
        list[Path] | None,
        typer.Option(
            "--mask",
            metavar="FILE",
            help="Which pixels of the segment are painted. Default: those that are not black.",
            show_default=False,
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Least score of a copy, −1 to 1; higher finds fewer, surer ones. Default: the "
            "best place of every plane alone.",
            show_default=False,
        ),
    ] = None,
    rotations: Annotated[
        str,
        typer.Option(
            metavar="DEGREES",
            help="Angles at which copies may lie, counterclockwise: 0,90 or FROM:TO:STEP, such as "
            "0:360:15.",
        ),
    ] = "0",
    scales: Annotated[
        str,
        typer.Option(metavar="FACTORS", help="Sizes of copies, such as 0.9,1,1.1 or FROM:TO:STEP."),
    ] = "1",
    max_overlap: Annotated[
        float, typer.Option(help="Share of a copy that may lie on better ones, 0 to 1.")
    ] = 0.3,
    measure: Annotated[
        str,
        typer.Option(
            metavar=MEASURES,
            help="correlation: the pattern counts, whatever the brightness and contrast. "
            "difference: brightness and color count, too.",
        ),
    ] = "correlation",
    instances: Annotated[
        bool,
        typer.Option("--instances", help="Give every copy a number of its own, the best one 1."),
    ] = False,
    overwrite: o.Overwrite = False,
    axes: o.Axes = None,
    channels: o.Channels = None,
) -> None:
    """Find copies of a template in images, and paint its segment over each.

    Writes a label map (TIFF) of each image, and all places with their scores as `matches.csv`.

    [bold]Examples[/bold]

        napari-ncut templates plate.png -t cell.png -o results --threshold 0.7

        napari-ncut templates folder -t grain.png -o results --threshold 0.6 --rotations 0:360:15
    """
    from ..io import check_outputs, write_table, write_together
    from ..progress import run_steps
    from ..templates import Matches, find_copies_steps, paint_copies
    from ..templates.matches import COLUMNS
    from .inputs import check_apart, image_names, label_writer, output_stems, read_inputs

    angles, factors = _numbers("--rotations", rotations), _numbers("--scales", scales)
    shared = o.embed_parameters(limits=None, layer=None, channels=channels, bandwidth=None)
    templates = _templates(template, attention, segment, mask)
    check_apart(images, output)
    files = read_inputs(images, axes)
    paths = [output / f"{s}_copies.tif" for s in output_stems([f.path for f in files])]
    table = output / "matches.csv"
    check_outputs([*paths, table], overwrite=overwrite)
    found: list[Matches] = []
    writers: dict[Path, Callable[[Path], object]] = {}
    with progress_bar() as progress:
        for path, file in zip(paths, files, strict=True):
            steps = find_copies_steps(
                file.data,
                templates,
                axes=file.axes,
                rotations=angles,
                scales=factors,
                threshold=threshold,
                max_overlap=max_overlap,
                measure=measure,
                **shared,
            )
            matches = run_steps(steps, progress)
            labels = paint_copies(templates, matches, _shape(file), instances=instances)
            found.append(matches)
            writers[path] = label_writer(file, labels)
    names = image_names([file.path for file in files])
    rows = [
        (name, *row)
        for name, matches in zip(names, found, strict=True)
        for row in matches.rows_of_table()
    ]
    writers[table] = partial(write_table, columns=("image", *COLUMNS), rows=rows)
    written(write_together(writers))
    n_found = sum(map(len, found))
    best = max((float(m.scores.max()) for m in found if len(m)), default=None)
    told = "" if best is None else f", the best with a score of {best:.2f}"
    say(f"{n_found} {'copy' if n_found == 1 else 'copies'}{told}.", stderr=True)


def _templates(
    templates: list[Path],
    attention: list[Path] | None,
    segment: list[Path] | None,
    mask: list[Path] | None,
) -> list[Template]:
    from ..templates import Template

    others: list[list[Path | None]] = []
    for name, given in (("--attention", attention), ("--segment", segment), ("--mask", mask)):
        if given and len(given) != len(templates):
            raise InputError(
                f"{len(templates)} templates and {len(given)} files of {name} were given. Give one "
                f"for each template, in the same order, or none."
            )
        others.append([*given] if given else [None] * len(templates))
    return [Template.from_files(*own) for own in zip(templates, *others, strict=True)]


def _numbers(name: str, text: str) -> list[float]:
    """Numbers with commas between, or FROM:TO:STEP, where TO itself is left out if it is met."""
    import numpy as np

    try:
        if ":" in text:
            first, last, step = (float(part) for part in text.split(":"))
            # A full turn is no turn; sizes may end where they are told to.
            end = last if name == "--rotations" else last + step * 1e-6
            values = np.arange(first, end, step).tolist()
        else:
            values = [float(part) for part in text.split(",")]
    except (ValueError, ZeroDivisionError):
        values = []
    if not values or len(values) > _MOST:
        raise InputError(
            f"{name} {text!r} cannot be used. Give numbers with commas between them, or "
            f"FROM:TO:STEP, such as 0:360:15; at most {_MOST}."
        )
    return values


def _shape(file: ImageFile) -> tuple[int, ...]:
    from ..imaging import parse_axes

    parsed = parse_axes(file.axes, file.data.shape)
    return (parsed.n_planes, *parsed.plane_shape)
