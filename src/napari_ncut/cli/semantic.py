"""The command `semantic`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as o
from .report import progress_bar, reported, say, written

_MASKS = "Masks"
_CLASSES = "Classes"
_STORED = "Classes of other images"


@reported
def semantic_command(
    images: o.ImagesApart,
    output: o.ResultsFolder,
    masks: Annotated[
        list[Path] | None,
        typer.Option(
            "--masks",
            "-m",
            metavar="FILE",
            help="Label image of masks, of the size of the image: every number above 0 is one. One "
            "for each image in the same order. Default: regions of the embedded network.",
            rich_help_panel=_MASKS,
            show_default=False,
        ),
    ] = None,
    level: Annotated[
        float | None,
        typer.Option(
            help="Of regions, where no masks are given: 0 the finest, 1 one region. Default: .35.",
            rich_help_panel=_MASKS,
            show_default=False,
        ),
    ] = None,
    descriptor: Annotated[
        str,
        typer.Option(
            metavar="compact|kind|eigenvectors|BACKBONE",
            help="What masks are compared by: the embedded network's kinds and features, kinds "
            "alone, eigenvectors, or features of any backbone, such as sam:vit_b.",
            rich_help_panel=_CLASSES,
        ),
    ] = "compact",
    clusterer: Annotated[
        str,
        typer.Option(
            metavar="agglomerative|ncut|kmeans|hdbscan|dbscan",
            help="How alike masks become classes. The last two leave out what is alike to few: "
            "noise, a group of its own.",
            rich_help_panel=_CLASSES,
        ),
    ] = "agglomerative",
    classes: Annotated[
        int | None,
        typer.Option(
            help="How many classes; not of hdbscan and dbscan. Default: chosen by the data.",
            rich_help_panel=_CLASSES,
            show_default=False,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A parameter of the clusterer: distance and linkage of agglomerative, "
            "affinity_gamma and discretization of ncut, n_init of kmeans, min_cluster_size and "
            "min_samples of hdbscan, eps, min_samples and metric of dbscan.",
            rich_help_panel=_CLASSES,
            show_default=False,
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="sam-notebook",
            help="Values that somebody found good. sam-notebook: dbscan with eps .06, 8 neighbors "
            "and cosine.",
            rich_help_panel=_CLASSES,
            show_default=False,
        ),
    ] = None,
    whiten: Annotated[
        bool,
        typer.Option(
            help="Bring features to like variance over all masks.", rich_help_panel=_CLASSES
        ),
    ] = True,
    size_weight: Annotated[
        float,
        typer.Option(
            help="How much area counts beside: at 1 a factor of four as much as another kind.",
            rich_help_panel=_CLASSES,
        ),
    ] = 0.0,
    mask_color_weight: Annotated[
        float,
        typer.Option(
            "--color-weight",
            help="How much mean color counts beside: at 1 a quarter of the range of lightness as "
            "much as another kind.",
            rich_help_panel=_CLASSES,
        ),
    ] = 0.0,
    remainder: Annotated[
        bool,
        typer.Option(
            "--remainder",
            help="Give what is in no mask the nearest class, so that label maps have no gaps.",
            rich_help_panel=_CLASSES,
        ),
    ] = False,
    load_classes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz",
            help="Give masks the classes of a file that --save-classes wrote, or none of them: "
            "nothing is clustered, and a class means the same as there.",
            rich_help_panel=_STORED,
            show_default=False,
        ),
    ] = None,
    save_classes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz",
            help="Write masks, classes and what they mean to a file, for other images.",
            rich_help_panel=_STORED,
            show_default=False,
        ),
    ] = None,
    overwrite: o.Overwrite = False,
    axes: o.Axes = None,
    channels: o.Channels = None,
    scaling: o.Scaling = None,
    limits: o.Limits = None,
    device: o.Device = None,
    seed: o.Seed = None,
) -> None:
    """Sort masks into classes: what looks alike is one class, the same in all images.

    Writes for each image a label map of classes and one of instances (TIFF), and for all of them
    classes.csv, with a row for every mask, and classes.json, COCO's format.

    [bold]Examples[/bold]

        napari-ncut semantic tissue.png -o results

        napari-ncut semantic a.tif b.tif -m a_masks.tif -m b_masks.tif -o out --classes 3

        napari-ncut semantic folder -o out --clusterer dbscan --set eps=.4 --remainder

        napari-ncut semantic day1.tif -o out1 --save-classes cells.npz

        napari-ncut semantic day2.tif -o out2 --load-classes cells.npz
    """
    from ..progress import run_steps
    from .inputs import as_given, check_apart, read_inputs
    from .sorting import ClassFiles, class_source, mask_arguments

    source = class_source(
        load_classes,
        clusterer=clusterer,
        preset=preset,
        settings=settings or [],
        n_classes=classes,
        descriptor=descriptor,
        whiten=whiten,
        size_weight=size_weight,
        color_weight=mask_color_weight,
    )
    check_apart(images, output)
    files = read_inputs(images, axes)
    results = ClassFiles.of(output, files, save_classes)
    results.check(overwrite=overwrite)
    given = as_given(files)
    shared = o.embed_parameters(
        limits=limits,
        layer=None,
        channels=channels,
        bandwidth=None,
        scaling=scaling,
        device=device,
        random_state=seed if load_classes is None else None,
    )
    if level is not None:
        shared["level"] = level
    steps = source(
        given["images"],
        mask_arguments(masks, files, level),
        axes=given["axes"],
        remainder=remainder,
        **shared,
    )
    with progress_bar() as progress:
        found = run_steps(steps, progress)
    written(results.write(found))
    noise = found.names.get(found.noise or 0)
    groups = len(found.numbers) - (noise is not None)
    told = f"{len(found)} masks in {groups} classes"
    if noise is not None:
        told += f"; {int((found.classes == found.noise).sum())} are noise, group {found.noise}"
    say(f"{told}.", stderr=True)
