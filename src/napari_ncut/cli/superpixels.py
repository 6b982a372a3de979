"""The command `superpixels`."""

from __future__ import annotations

from typing import Annotated

import typer

from . import options as o
from .report import reported, say

METHODS = "compact|ssn|slic|slic-zero|compact-watershed|felzenszwalb|quickshift|seeds|lsc|mslic"


@reported
def superpixels_command(
    images: o.ImagesApart,
    output: o.ResultsFolder,
    superpixel_method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar=METHODS,
            help="compact: basins of the embedded network's boundaries, merged. ssn: learned "
            "features. The last three need OpenCV: pip install 'napari-ncut\\[classic]'.",
        ),
    ] = "compact",
    number: Annotated[
        int | None,
        typer.Option(
            "--number",
            "-n",
            help="How many superpixels in every plane: exactly of compact and compact-watershed, "
            "about of others; felzenszwalb and quickshift find it themselves. Default: 200.",
            show_default=False,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A parameter of the method, such as compactness=20 of slic or scale=100 of "
            "felzenszwalb. A wrong name lists them all.",
            show_default=False,
        ),
    ] = None,
    supervoxels: Annotated[
        bool,
        typer.Option(
            "--supervoxels",
            help="Go on through the planes of a volume, along Z (slic, slic-zero, "
            "compact-watershed).",
        ),
    ] = False,
    spacing: Annotated[
        tuple[float, float, float] | None,
        typer.Option(
            metavar="DEPTH HEIGHT WIDTH",
            help="Size of a voxel, for supervoxels. Default: equal sides.",
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
    """Part images in superpixels: small connected pieces that their edges do not cross.

    Writes a label map (TIFF) for each image. Every plane is numbered anew, from 1.

    [bold]Examples[/bold]

        napari-ncut superpixels tissue.png -o results --number 400

        napari-ncut superpixels folder -o results --method slic --set compactness=20

        napari-ncut superpixels volume.tif -o results --axes ZYX --method slic --supervoxels
    """
    from ..segmenters import segmenter_entry
    from ..superpixels.segment import KIND, segment_superpixels_steps
    from .label_maps import write_label_maps
    from .settings import declared_settings

    entry = segmenter_entry(superpixel_method, KIND)
    parameters = declared_settings(entry.name, entry.parameters, settings or [])
    shared = o.embed_parameters(
        limits=limits,
        layer=None,
        channels=channels,
        bandwidth=None,
        scaling=scaling,
        device=device,
    )
    told = write_label_maps(
        segment_superpixels_steps,
        images,
        output,
        "superpixels",
        axes=axes,
        overwrite=overwrite,
        method=superpixel_method,
        n_segments=number,
        supervoxels=supervoxels,
        spacing=spacing,
        **shared,
        **parameters,
    )
    say(f"{told} superpixels; {entry.name} {entry.count_text}.", stderr=True)
