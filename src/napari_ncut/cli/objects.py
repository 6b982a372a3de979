"""The commands `localize`, `objects` and `parts`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from . import options as o
from .report import progress_bar, reported, say, written

_OBJECTS = "Objects"

Method = Annotated[
    str,
    typer.Option(
        metavar="auto|deep_spectral|deepcut|tokencut|maskcut|lost",
        help="How things are found: auto puts all evidence together; the others are rules of "
        "papers.",
        rich_help_panel=_OBJECTS,
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A parameter of the method: n_regions of auto, deep_spectral and deepcut, n_groups, "
        "n_epochs and random_state of deepcut, tau of tokencut and maskcut, n_cuts of maskcut, "
        "n_seeds of lost.",
        rich_help_panel=_OBJECTS,
        show_default=False,
    ),
]
MinConfidence = Annotated[
    float | None,
    typer.Option(
        help="0 to 1: what is less sure is left out, so that there may be nothing; 0 always gives "
        "an answer. Default: 0.5.",
        rich_help_panel=_OBJECTS,
        show_default=False,
    ),
]
MinArea = Annotated[
    int,
    typer.Option(min=0, help="Pixels: smaller things are left out.", rich_help_panel=_OBJECTS),
]
RefineEdges = Annotated[
    bool,
    typer.Option(
        "--refine/--no-refine",
        help="Let things end where the image does.",
        rich_help_panel=_OBJECTS,
    ),
]
Split = Annotated[
    bool,
    typer.Option(
        "--split",
        help="Part things that touch, where a boundary or a waist is between them.",
        rich_help_panel=_OBJECTS,
    ),
]


@reported
def localize_command(
    images: o.ImagesApart,
    output: o.ResultsFolder,
    method: Method = "auto",
    settings: Settings = None,
    min_confidence: MinConfidence = None,
    refine: RefineEdges = True,
    overwrite: o.Overwrite = False,
    axes: o.Axes = None,
    backbone: o.Backbone = None,
    layer: o.Layer = None,
    node: o.Node = None,
    stride: o.Stride = None,
    checkpoint: o.Checkpoint = None,
    channels: o.Channels = None,
    scaling: o.Scaling = None,
    limits: o.Limits = None,
    device: o.Device = None,
) -> None:
    """Find the one thing that an image is of: mask, box and confidence.

    Writes for each image a label map, 1 on the thing (TIFF), and for all of them objects.csv with
    boxes and confidences, and objects.json, COCO's format. An image in which nothing is sure enough
    has an empty map, and its best confidence is told.

    [bold]Examples[/bold]

        napari-ncut localize horse.jpg -o results

        napari-ncut localize folder -o out --method tokencut --set tau=.2 --min-confidence 0
    """
    _find(
        images,
        output,
        overwrite=overwrite,
        axes=axes,
        settings=settings,
        n_objects=1,
        method=method,
        min_confidence=min_confidence,
        refine=refine,
        shared={
            "backbone": backbone, "layer": layer, "node": node, "stride": stride,
            "checkpoint": checkpoint, "channels": channels, "scaling": scaling, "limits": limits,
            "device": device,
        },
    )  # fmt: skip


@reported
def objects_command(
    images: o.ImagesApart,
    output: o.ResultsFolder,
    method: Method = "auto",
    settings: Settings = None,
    most: Annotated[
        int | None,
        typer.Option(
            help="At most so many things, the surest ones. Default: all.",
            rich_help_panel=_OBJECTS,
            show_default=False,
        ),
    ] = None,
    min_confidence: MinConfidence = None,
    min_area: MinArea = 0,
    split: Split = False,
    refine: RefineEdges = True,
    overwrite: o.Overwrite = False,
    axes: o.Axes = None,
    backbone: o.Backbone = None,
    layer: o.Layer = None,
    node: o.Node = None,
    stride: o.Stride = None,
    checkpoint: o.Checkpoint = None,
    channels: o.Channels = None,
    scaling: o.Scaling = None,
    limits: o.Limits = None,
    device: o.Device = None,
) -> None:
    """Find all things in an image, each with a number, box and confidence.

    Writes for each image a label map of things, the surest first (TIFF), and for all of them
    objects.csv with boxes and confidences, and objects.json, COCO's format.

    [bold]Examples[/bold]

        napari-ncut objects nuclei.tif -o results --split

        napari-ncut objects folder -o out --method maskcut --set n_cuts=5
    """
    _find(
        images,
        output,
        overwrite=overwrite,
        axes=axes,
        settings=settings,
        n_objects=most,
        method=method,
        min_confidence=min_confidence,
        min_area=min_area,
        split=split,
        refine=refine,
        shared={
            "backbone": backbone, "layer": layer, "node": node, "stride": stride,
            "checkpoint": checkpoint, "channels": channels, "scaling": scaling, "limits": limits,
            "device": device,
        },
    )  # fmt: skip


@reported
def parts_command(
    images: o.ImagesApart,
    output: o.ResultsFolder,
    parts: Annotated[
        int | None,
        typer.Option(help="How many parts. Default: 4, of everything 8.", show_default=False),
    ] = None,
    masks: Annotated[
        list[Path] | None,
        typer.Option(
            "--masks",
            "-m",
            metavar="FILE",
            help="Label image of where the objects are, above 0. One for each image in the same "
            "order. Default: what is found in them.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--everything",
            help="Cut whole images rather than the objects in them: what the set is made of.",
        ),
    ] = False,
    position_weight: Annotated[
        float | None,
        typer.Option(
            help="How much the place in its object counts beside features. Default: 0.5.",
            show_default=False,
        ),
    ] = None,
    overwrite: o.Overwrite = False,
    axes: o.Axes = None,
    backbone: o.Backbone = None,
    stride: o.Stride = None,
    channels: o.Channels = None,
    scaling: o.Scaling = None,
    limits: o.Limits = None,
    device: o.Device = None,
    seed: o.Seed = None,
) -> None:
    """Cut the objects of many images in parts, jointly: part 3 is the same part in all of them.

    Writes for each image a label map of parts (TIFF), and parts.csv: how much of each image's
    objects each part is.

    [bold]Examples[/bold]

        napari-ncut parts horses -o results --parts 5

        napari-ncut parts folder -o out --everything --parts 8
    """
    from ..errors import InputError
    from ..objects.joint import concepts_steps, parts_steps
    from ..progress import run_steps
    from .found import PartFiles
    from .inputs import as_given, check_apart, read_inputs
    from .sorting import mask_arguments

    if everything and (masks or position_weight is not None):
        raise InputError(
            "--everything has no objects, so --masks and --position-weight cannot be used with it. "
            "Leave them out."
        )
    check_apart(images, output)
    files = read_inputs(images, axes)
    results = PartFiles.of(output, files)
    results.check(overwrite=overwrite)
    given = as_given(files)
    shared = _shared(
        {
            "backbone": backbone, "stride": stride, "channels": channels, "scaling": scaling,
            "limits": limits, "device": device, "random_state": seed,
        }
    )  # fmt: skip
    if everything:
        steps = concepts_steps(given["images"], parts or 8, axes=given["axes"], **shared)
    else:
        if position_weight is not None:
            shared["position_weight"] = position_weight
        steps = parts_steps(
            given["images"],
            parts or 4,
            masks=mask_arguments(masks, files, None),
            axes=given["axes"],
            **shared,
        )
    with progress_bar() as progress:
        found = run_steps(steps, progress)
    written(results.write(found))
    say(f"{found.n_parts} parts in {len(found.planes)} planes.", stderr=True)


def _find(
    images: list[Path],
    output: Path,
    *,
    overwrite: bool,
    axes: str | None,
    settings: list[str] | None,
    method: str,
    min_confidence: float | None,
    shared: dict[str, Any],
    **given: Any,
) -> None:
    from ..errors import check_choice
    from ..objects.finding import localize_steps
    from ..objects.methods import METHODS
    from ..progress import run_steps
    from .found import ObjectFiles
    from .inputs import as_given, check_apart, read_inputs
    from .settings import declared_settings

    entry = METHODS[check_choice("--method", method, METHODS)]
    parameters = declared_settings(
        method, entry.parameters, settings or [], example="n_regions=100"
    )
    if min_confidence is not None:
        given["min_confidence"] = min_confidence
    check_apart(images, output)
    files = read_inputs(images, axes)
    results = ObjectFiles.of(output, files)
    results.check(overwrite=overwrite)
    source = as_given(files)
    steps = localize_steps(
        source["images"],
        axes=source["axes"],
        method=method,
        **given,
        **parameters,
        **_shared(shared),
    )
    with progress_bar() as progress:
        found = run_steps(steps, progress)
    written(results.write(found))
    for line in results.told(found):
        say(line, stderr=True)


def _shared(given: dict[str, Any]) -> dict[str, Any]:
    """Options of reading and of the backbone as keyword arguments."""
    layer, channels = given.pop("layer", None), given.pop("channels", None)
    return o.embed_parameters(layer=layer, channels=channels, bandwidth=None, **given)
