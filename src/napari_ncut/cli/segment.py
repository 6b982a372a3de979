"""The command `segment`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as o
from .report import progress_bar, reported, say, written

_PROMPTS = "Prompts"
_RESULT = "Results"


@reported
def segment_command(
    images: o.Images,
    output: o.ResultsFolder,
    points: Annotated[
        list[Path] | None,
        typer.Option(
            "--points",
            "-p",
            metavar="FILE.csv",
            help="Points as napari saves them: columns axis-0, axis-1 …, and optionally positive, "
            "class, image. One file for all images, or one for each in the same order.",
            show_default=False,
        ),
    ] = None,
    scribbles: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Label image of scribbles on the first image, of its size: label n is class n, "
            "255 is “not this”. All that is painted ends up on its side.",
            show_default=False,
        ),
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Boxes: columns row0, column0, row1, column1 in pixels, and optionally plane "
            "(over all images, from 0), class, positive.",
            show_default=False,
        ),
    ] = None,
    embedding: Annotated[
        Path | None,
        typer.Option(metavar="FILE.npz", help="Use what the command embed kept for these images."),
    ] = None,
    overwrite: o.Overwrite = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="For positive points; higher gives smaller masks. Default: .5 for a class with "
            "one point, .7 with several.",
            rich_help_panel=_PROMPTS,
            show_default=False,
        ),
    ] = None,
    negative_threshold: Annotated[
        float | None,
        typer.Option(
            help="For negative points; higher takes less away. Default: .99.",
            rich_help_panel=_PROMPTS,
            show_default=False,
        ),
    ] = None,
    prompt_gamma: Annotated[
        float | None,
        typer.Option(
            help="Contrast of the likeness; higher gives smaller masks. Default: 1.",
            rich_help_panel=_PROMPTS,
            show_default=False,
        ),
    ] = None,
    min_area: Annotated[
        int,
        typer.Option(
            min=0, help="Drop pieces of fewer pixels, unless clicked.", rich_help_panel=_PROMPTS
        ),
    ] = 0,
    normalization: Annotated[
        str,
        typer.Option(
            metavar="stack|plane|absolute",
            help="Judge likeness relative to all images together, to each plane alone, or by the "
            "cosine itself.",
            rich_help_panel=_PROMPTS,
        ),
    ] = "stack",
    mode: Annotated[
        str,
        typer.Option(
            metavar="similar|object",
            help="All things like those clicked, or only the connected things clicked.",
            rich_help_panel=_PROMPTS,
        ),
    ] = "similar",
    method: Annotated[
        str,
        typer.Option(
            metavar="auto|regions|tutorial|cut",
            help="How points become masks: regions, by all evidence at once; tutorial, by what is "
            "like a clicked cell (the NCUT tutorial's rule); cut, by a cut in two groups that all "
            "points lead together. auto: regions where the images are at hand.",
            rich_help_panel=_PROMPTS,
        ),
    ] = "auto",
    transform: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|'a,b,c;d,e,f;0,0,1'",
            help="Affine from the coordinates of the points to pixels, where their layer had a "
            "scale or translation: rows with ; between, or a text or npy file.",
            rich_help_panel=_PROMPTS,
            show_default=False,
        ),
    ] = None,
    file_format: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="tiff|png",
            help="Of label maps; png for single planes only.",
            rich_help_panel=_RESULT,
        ),
    ] = "tiff",
    classes: Annotated[
        bool,
        typer.Option(
            help="Write label maps of classes (a mask is class 1).", rich_help_panel=_RESULT
        ),
    ] = True,
    instances: Annotated[
        bool,
        typer.Option(
            "--instances",
            help="Write label maps in which every connected thing has a number of its own, "
            "connected through planes where the axes have Z.",
            rich_help_panel=_RESULT,
        ),
    ] = False,
    split: Annotated[
        bool,
        typer.Option(
            "--split", help="Split instances that touch (watershed).", rich_help_panel=_RESULT
        ),
    ] = False,
    pixel_size: Annotated[
        str,
        typer.Option(
            metavar="SIZE|HEIGHT,WIDTH",
            help="Of a pixel, for areas in measurements.csv.",
            rich_help_panel=_RESULT,
        ),
    ] = "1",
    axes: o.Axes = None,
    backbone: o.Backbone = None,
    layer: o.Layer = None,
    node: o.Node = None,
    checkpoint: o.Checkpoint = None,
    stride: o.Stride = None,
    refine: o.Refine = None,
    preparation: o.Preparation = None,
    input_normalization: o.InputNormalization = None,
    architecture: o.Architecture = None,
    precision: o.Precision = None,
    batch_size: o.BatchSize = None,
    channels: o.Channels = None,
    scaling: o.Scaling = None,
    limits: o.Limits = None,
    components: o.Components = None,
    affinity: o.Affinity = None,
    neighbors: o.Neighbors = None,
    bandwidth: o.Bandwidth = None,
    gamma: o.Gamma = None,
    color_weight: o.ColorWeight = None,
    position_weight: o.PositionWeight = None,
    contours: o.Contours = False,
    contour_strength: o.ContourStrength = None,
    contour_radius: o.ContourRadius = None,
    accuracy: o.Accuracy = None,
    memory: o.Memory = None,
    device: o.Device = None,
    seed: o.Seed = None,
) -> None:
    """Segment images by points: everything like the positive ones, nothing like the negative ones.

    Writes label maps and measurements.csv. Points of one file belong to the image that their column
    image names; or, where they have one coordinate more than an image needs, to the image of that
    number (from 0); or else to the first image, and the joint cut carries them to the others.

    [bold]Examples[/bold]

        napari-ncut segment tissue.png --points points.csv -o results

        napari-ncut segment *.tif -p first.csv -o out --instances --split

        napari-ncut segment folder -p points.csv -o results

        napari-ncut segment a.tif b.tif -p a.csv -p b.csv -o out --axes ZYX

        napari-ncut segment a.png -p a.csv -o out --embedding a.npz
    """
    from .inputs import check_apart
    from .results import Results
    from .segmenting import prepare

    check_apart(images, output)
    parameters = o.embed_parameters(
        backbone=backbone,
        layer=layer,
        node=node,
        checkpoint=checkpoint,
        stride=stride,
        refine=refine,
        preparation=preparation,
        input_normalization=input_normalization,
        architecture=architecture,
        precision=precision,
        batch_size=batch_size,
        channels=channels,
        scaling=scaling,
        limits=limits,
        n_components=components,
        affinity=affinity,
        n_neighbors=neighbors,
        bandwidth=bandwidth,
        affinity_gamma=gamma,
        color_weight=color_weight,
        position_weight=position_weight,
        contours=contours,
        contour_strength=contour_strength,
        contour_radius=contour_radius,
        accuracy=accuracy,
        memory=memory,
        device=device,
        random_state=seed,
    )
    job = prepare(
        images,
        points or [],
        boxes=boxes,
        scribbles=scribbles,
        axes=axes,
        transform=transform,
        embedding=embedding,
        embed_parameters=parameters,
        prompt_parameters={
            "threshold": threshold,
            "negative_threshold": negative_threshold,
            "gamma": prompt_gamma,
            "min_area": min_area,
            "normalization": normalization,
            "mode": mode,
            "method": method,
        },
    )
    results = Results(
        folder=output,
        file_format=file_format,
        classes=classes,
        instances=instances,
        split=split,
        pixel_size=pixel_size,
    )
    results.check(job, overwrite=overwrite)
    if job.points.note:
        say(job.points.note, stderr=True)
    with progress_bar() as progress:
        answer = job.run(progress)
    written(results.write(job, answer))
