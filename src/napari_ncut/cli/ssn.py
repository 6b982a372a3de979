"""The commands `ssn …`: training superpixel sampling networks, and superpixels by them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as o
from .report import reported, say, written
from .superpixels import superpixels_command

_SOURCE = "Features"
_TRAINING = "Training"

ssn_app = typer.Typer(
    name="ssn",
    help="Superpixel sampling networks: train one, and part images by it.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@ssn_app.command("train")
@reported
def train_command(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FOLDER", help="Folder of weights and log."),
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="BSDS500 (images/train, segmentations/train), a folder that holds bsds500, or one "
            "with images and labels: label images of the same names. Default: "
            "$NAPARI_NCUT_DATA/data.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        str,
        typer.Option(
            metavar="compact|deep|pixels|backbone",
            help="Where features come from: the embedded network, a small network of its own, "
            "color and place alone, or --backbone.",
            rich_help_panel=_SOURCE,
        ),
    ] = "compact",
    backbone: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Any backbone, such as timm:vit_small_patch16_224.dino with --node k.",
            rich_help_panel=_SOURCE,
            show_default=False,
        ),
    ] = None,
    layer: o.Layer = None,
    node: o.Node = None,
    checkpoint: o.Checkpoint = None,
    architecture: o.Architecture = None,
    trainable: Annotated[
        str,
        typer.Option(
            metavar="head|last-N|all",
            help="Which weights move: those on top of the features, also the last N blocks of the "
            "backbone, or all of it.",
            rich_help_panel=_TRAINING,
        ),
    ] = "head",
    steps: Annotated[
        int, typer.Option(min=1, help="Steps of training.", rich_help_panel=_TRAINING)
    ] = 400,
    crops: Annotated[
        int, typer.Option(min=1, help="Crops of a step.", rich_help_panel=_TRAINING)
    ] = 3,
    side: Annotated[
        int, typer.Option(min=16, help="Pixels of a crop's side.", rich_help_panel=_TRAINING)
    ] = 160,
    rate: Annotated[
        float, typer.Option(help="The largest learning rate.", rich_help_panel=_TRAINING)
    ] = 1.5e-3,
    compactness: Annotated[
        float,
        typer.Option(
            min=0,
            help="Weight of the loss that makes superpixels compact.",
            rich_help_panel=_TRAINING,
        ),
    ] = 1e-5,
    start: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Weights of an earlier run to begin from.",
            rich_help_panel=_TRAINING,
            show_default=False,
        ),
    ] = None,
    every: Annotated[
        int, typer.Option(min=1, help="Steps between checkpoints.", rich_help_panel=_TRAINING)
    ] = 100,
    most: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Images to train on, at most: fewer for a trial.",
            rich_help_panel=_TRAINING,
            show_default=False,
        ),
    ] = None,
    device: o.Device = None,
    seed: Annotated[int, typer.Option(help="Of everything random.", rich_help_panel=_TRAINING)] = 0,
) -> None:
    """Train a superpixel sampling network, or go on where the last run was stopped.

    Writes the best weights by the accuracy on images set aside (ssn.safetensors), the last state
    (checkpoint.safetensors), log.csv and settings.json.

    [bold]Examples[/bold]

        napari-ncut ssn train --data bsds500 -o runs/ssn

        napari-ncut ssn train --data mine -o runs/mine --source deep --steps 5000

        napari-ncut ssn train -o runs/dino --backbone timm:vit_small_patch16_224.dino --node k
    """
    from ..devices import choose_device
    from ..errors import InputError
    from ..superpixels.ssn_network import SsnSettings
    from ..superpixels.ssn_sources import source_of
    from ..training.memory import keep_memory
    from ..training.samples import read_partitions
    from ..training.ssn import Settings, train

    if backbone is not None and source == "compact":
        source = "backbone"
    if (source == "backbone") != (backbone is not None):
        raise InputError("--source backbone and --backbone NAME go together. Give both, or none.")
    keep_memory()
    device = choose_device(device)
    given = o.embed_parameters(
        limits=None, layer=layer, channels=None, bandwidth=None, architecture=architecture
    )
    wanted = SsnSettings(
        source=source,
        backbone=backbone,
        layer=given.get("layer"),
        node=node,
        architecture=given.get("architecture"),
        checkpoint=None if checkpoint is None else str(checkpoint.resolve()),
    )
    samples = read_partitions(data)[:most]
    aside = read_partitions(data, aside=True)
    settings = Settings(
        steps=steps,
        crops=crops,
        side=side,
        rate=rate,
        compactness=compactness,
        trainable=trainable,
        seed=seed,
    )
    best = train(
        settings,
        source_of(wanted, device),
        samples,
        aside,
        output,
        every=every,
        device=device,
        start=start,
        told=lambda row: say(row, stderr=True),
    )
    written([best, output / "log.csv"])


@ssn_app.command("infer")
@reported
def infer_command(
    images: o.ImagesApart,
    output: o.ResultsFolder,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Weights that [bold]ssn train[/bold] wrote, or “pixels” for color and place "
            "alone. Default: those that come with the package.",
            show_default=False,
        ),
    ] = None,
    number: Annotated[
        int | None,
        typer.Option(
            "--number", "-n", help="About how many superpixels. Default: 200.", show_default=False
        ),
    ] = None,
    iterations: Annotated[
        int | None,
        typer.Option(help="How often pixels are assigned anew. Default: 10.", show_default=False),
    ] = None,
    compactness: Annotated[
        float | None,
        typer.Option(
            help="How much place counts; more makes rounder superpixels. Default: 1.",
            show_default=False,
        ),
    ] = None,
    overwrite: o.Overwrite = False,
    axes: o.Axes = None,
    channels: o.Channels = None,
    scaling: o.Scaling = None,
    limits: o.Limits = None,
    device: o.Device = None,
) -> None:
    """Part images in superpixels by a trained network: `superpixels --method ssn`.

    [bold]Example[/bold]

        napari-ncut ssn infer folder -o results --checkpoint runs/ssn/ssn.safetensors -n 400
    """
    given = {"checkpoint": checkpoint, "iterations": iterations, "compactness": compactness}
    superpixels_command(
        images=images,
        output=output,
        superpixel_method="ssn",
        number=number,
        settings=[f"{name}={value}" for name, value in given.items() if value is not None],
        overwrite=overwrite,
        axes=axes,
        channels=channels,
        scaling=scaling,
        limits=limits,
        device=device,
    )
