"""The command `embed`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options as o
from .report import progress_bar, reported, written

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..imaging import PlaneLayout


@reported
def embed_command(
    images: o.Images,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE.npz", help="File to write."),
    ],
    colors: Annotated[
        bool,
        typer.Option(
            "--colors", help="Also write a PNG of eigenvector colors for every image and plane."
        ),
    ] = False,
    overwrite: o.Overwrite = False,
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
    bandwidth: o.Bandwidth = None,
    gamma: o.Gamma = None,
    accuracy: o.Accuracy = None,
    device: o.Device = None,
    seed: o.Seed = None,
) -> None:
    """Compute features and eigenvectors of images, jointly, and keep them in one file.

    The file is read by [bold]segment --embedding[/bold], by the widgets, and in Python by
    napari_ncut.Embedding.load.

    [bold]Examples[/bold]

        napari-ncut embed tissue.png -o tissue.npz --colors

        napari-ncut embed stack.tif -o stack.npz --axes ZYX --components 20

        napari-ncut embed day1.tif day2.tif -o days.npz --limits 100 4000

        napari-ncut embed folder -o all.npz
    """
    from ..errors import InputError
    from ..io import check_outputs, write_together
    from ..spectral import eigenvector_colors
    from ..spectral import embed as compute
    from .inputs import as_given, check_apart, plan, read_inputs

    if output.suffix.lower() != ".npz":
        raise InputError(f"The output {output} does not end in .npz. Call it {output.stem}.npz.")
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
        bandwidth=bandwidth,
        affinity_gamma=gamma,
        accuracy=accuracy,
        device=device,
        random_state=seed,
    )
    if colors:
        check_apart(images, output.parent)
    files = read_inputs(images, axes)
    layout, parameters = plan(files, parameters)
    pictures = color_paths(output, [file.path for file in files], layout) if colors else []
    check_outputs([output, *pictures], overwrite=overwrite)
    with progress_bar() as progress:
        embedding = compute(**as_given(files), progress=progress, **parameters)
    writers: dict[Path, Callable[[Path], object]] = {output: embedding.save}
    if pictures:
        # Chosen over all planes together, so that colors mean the same in each.
        rgb = eigenvector_colors(embedding.vectors)
        for plane, picture in enumerate(pictures):
            writers[picture] = color_writer(rgb, embedding.layout, plane)
    written(write_together(writers))


def color_paths(output: Path, images: list[Path], layout: PlaneLayout) -> list[Path]:
    """One PNG for every plane: named after output and image, and numbered in stacks."""
    from .inputs import output_stems, planes_of

    paths = []
    for stem, planes in zip(output_stems(images), planes_of(layout), strict=True):
        name = output.stem if output.stem == stem else f"{output.stem}_{stem}"
        digits = len(str(len(planes) - 1))
        for i in range(len(planes)):
            number = f"_{i:0{digits}d}" if len(planes) > 1 else ""
            paths.append(output.with_name(f"{name}{number}_colors.png"))
    return paths


def color_writer(
    colors: NDArray[np.float32], layout: PlaneLayout, plane: int
) -> Callable[[Path], None]:
    """Make a function that writes the colors of a plane as PNG, at the size of the image."""
    from .pictures import as_bytes, enlarged, save_picture

    cells = layout.grid_of(colors, plane)
    return lambda path: save_picture(
        path, as_bytes(enlarged(cells, layout.stride, layout.shapes[plane]))
    )
