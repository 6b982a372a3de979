"""The command `evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options as o
from .report import progress_bar, reported, say, written

if TYPE_CHECKING:
    from ..datasets.tasks import Outcome

# Tasks that look for things, and so take a method and its parameters.
_FINDING = ("localize", "saliency", "objects")


@reported
def evaluate_command(
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK",
            help="localize (CorLoc), saliency (IoU, max F, accuracy), objects (recall, precision), "
            "parts (NMI, ARI), segmentation (covering, PRI, VoI at all levels), superpixels.",
            show_default=False,
        ),
    ],
    dataset: Annotated[
        str,
        typer.Option(
            metavar="bsds500|voc2007|voc2012|cub|ecssd|duts|dut-omron|folder|labels",
            help="The data set. folder: images and masks of your own; labels: images and labels.",
        ),
    ],
    root: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER", help="Where it lies: the folder with its parts, or one above it."
        ),
    ],
    split: Annotated[
        str | None,
        typer.Option(
            help="Such as test, val, train or trainval. Default: what is reported in papers.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            help="So many images, spread evenly over the set. Default: all.", show_default=False
        ),
    ] = None,
    on_error: Annotated[
        str,
        typer.Option(
            metavar="skip|refuse",
            help="What happens to an image that cannot be read, or whose truth has another size: "
            "it is left out and named, or all ends there.",
        ),
    ] = "skip",
    no_hard: Annotated[
        bool,
        typer.Option("--no-hard", help="Leave out boxes that VOC marks as difficult or truncated."),
    ] = False,
    method: Annotated[
        str | None,
        typer.Option(
            metavar="auto|deep_spectral|deepcut|tokencut|maskcut|lost",
            help="How things are found, for localize, saliency and objects. Default: auto.",
            show_default=False,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A parameter of the method; n_parts and in_truth (1: in the true masks) of parts; "
            "n_segments of superpixels.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.csv",
            help="Write the figures of every image, a row each.",
            show_default=False,
        ),
    ] = None,
    overwrite: o.Overwrite = False,
    backbone: o.Backbone = None,
    layer: o.Layer = None,
    stride: o.Stride = None,
    checkpoint: o.Checkpoint = None,
    device: o.Device = None,
) -> None:
    """Measure how well a task is done on a data set that you have.

    Prints the figures of all images; what was left out, and why, is told at the end.

    [bold]Examples[/bold]

        napari-ncut evaluate saliency --dataset ecssd --root data/ECSSD-data

        napari-ncut evaluate localize --dataset voc2012 --root VOCdevkit --method lost --limit 500

        napari-ncut evaluate segmentation --dataset bsds500 --root BSDS500 --split val -o all.csv
    """
    from ..datasets.tasks import evaluate_steps
    from ..io import check_outputs
    from ..progress import run_steps

    if output is not None:
        check_outputs([output], overwrite=overwrite)
    given = _options(task, method, settings or [])
    given |= o.embed_parameters(
        limits=None, layer=layer, channels=None, bandwidth=None,
        backbone=backbone, stride=stride, checkpoint=checkpoint, device=device,
    )  # fmt: skip
    _check_of_use(task, given)
    steps = evaluate_steps(
        task,
        dataset,
        root,
        split=split,
        limit=limit,
        on_error=on_error,
        hard=not no_hard,
        **given,
    )
    with progress_bar() as progress:
        outcome = run_steps(steps, progress)
    _show(task, outcome)
    if output is not None:
        written([_write(output, outcome)])


def _options(task: str, method: str | None, settings: list[str]) -> dict[str, Any]:
    from ..datasets.tasks import TASKS
    from ..errors import InputError, check_choice
    from ..objects.methods import METHODS
    from .settings import declared_settings

    check_choice("task", task, TASKS)
    if task in _FINDING:
        name = check_choice("--method", method or "auto", METHODS)
        return {
            "method": name,
            **declared_settings(name, METHODS[name].parameters, settings, example="n_regions=100"),
        }
    if method is not None:
        raise InputError(f"{task} has no --method. Leave it out.")
    given = declared_settings(task, TASKS[task].parameters, settings, example="n_parts=4")
    if "in_truth" in given:
        given["in_truth"] = bool(given["in_truth"])
    return given


def _check_of_use(task: str, given: dict[str, Any]) -> None:
    from ..errors import InputError

    useless = {"segmentation", "superpixels"} & {task}
    names = [n for n in ("backbone", "layer", "stride", "checkpoint") if n in given]
    if task == "parts":
        useless, names = {task}, [n for n in ("layer", "checkpoint") if n in given]
    if useless and names:
        raise InputError(f"--{names[0]} is of no use for {task}. Leave it out.")


def _show(task: str, outcome: Outcome) -> None:
    from rich.table import Table

    from ..datasets.tasks import TASKS
    from .report import console

    table = Table("figure", "value", "what it is", box=None)
    for name, value in outcome.figures.items():
        table.add_row(name, f"{value:.4f}", TASKS[task].figures.get(name, ""))
    console().print(table)
    say(f"{len(outcome.rows)} images.", stderr=True)
    if outcome.summary:
        say(outcome.summary, stderr=True)


def _write(path: Path, outcome: Outcome) -> Path:
    from ..io import write_table

    columns = list(outcome.rows[0])
    write_table(path, columns, [[row[name] for name in columns] for row in outcome.rows])
    return path
