"""The command `embed`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from . import options as o
from .report import progress_bar, reported, say, written

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..imaging import PlaneLayout
    from ..spectral.palette import Coloring


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
    coloring: Annotated[
        str | None,
        typer.Option(
            metavar="pca|tsne|umap",
            help="How eigenvectors become colors: by their three principal axes (fastest, large "
            "differences show), or by a layout of neighbors in which small differences show, too; "
            "umap needs umap-learn. Default: pca.",
            show_default=False,
        ),
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER|auto",
            help="Also write a label map (TIFF) for every image, with the cells in so many groups, "
            "the same over all images; auto takes the number that the eigenvalues suggest.",
            show_default=False,
        ),
    ] = None,
    grouping: Annotated[
        str | None,
        typer.Option(
            metavar="nested|cluster_qr|rotation|kmeans",
            help="How groups are found. nested: more groups split those of fewer, by all "
            "eigenvectors. By as many eigenvectors as groups: cluster_qr, in one step; rotation, "
            "slower and closer to the best cut; kmeans. Default: nested.",
            show_default=False,
        ),
    ] = None,
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
    """Compute features and eigenvectors of images, jointly, and keep them in one file.

    The file is read by [bold]segment --embedding[/bold], by the widgets, and in Python by
    napari_ncut.Embedding.load.

    [bold]Examples[/bold]

        napari-ncut embed tissue.png -o tissue.npz --colors

        napari-ncut embed tissue.png -o tissue.npz --groups auto --contours

        napari-ncut embed stack.tif -o stack.npz --axes ZYX --components 20

        napari-ncut embed day1.tif day2.tif -o days.npz --limits 100 4000

        napari-ncut embed folder -o all.npz
    """
    from ..errors import InputError
    from ..io import check_outputs, write_together
    from ..spectral import eigenvector_colors
    from ..spectral import embed as compute
    from .groups import Grouping, group_paths, group_writers
    from .inputs import as_given, check_apart, plan, read_inputs, with_defaults

    if output.suffix.lower() != ".npz":
        raise InputError(f"The output {output} does not end in .npz. Call it {output.stem}.npz.")
    coloring = check_coloring(coloring, colors=colors)
    wanted = Grouping.of(groups, grouping, seed)
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
    if colors or wanted:
        check_apart(images, output.parent)
    files = read_inputs(images, axes)
    layout, parameters = plan(files, parameters)
    paths = [file.path for file in files]
    pictures = color_paths(output, paths, layout) if colors else []
    maps = group_paths(output, paths) if wanted else []
    if wanted:
        wanted.check(layout, with_defaults(parameters)["n_components"])
    check_outputs([output, *pictures, *maps], overwrite=overwrite)
    with progress_bar() as progress:
        embedding = compute(**as_given(files), progress=progress, **parameters)
    writers: dict[Path, Callable[[Path], object]] = {output: embedding.save}
    if pictures:
        # Chosen over all planes together, so that colors mean the same in each.
        rgb = eigenvector_colors(embedding.vectors, method=coloring, random_state=seed or 0)
        for plane, picture in enumerate(pictures):
            writers[picture] = color_writer(rgb, embedding.layout, plane)
    if wanted:
        labels, told = wanted.find(embedding)
        writers |= group_writers(maps, files, embedding.layout, labels)
        for line in told:
            say(line, stderr=True)
    written(write_together(writers))


def check_coloring(given: str | None, *, colors: bool) -> Coloring:
    """The coloring to use; an `InputError` unless it can be, before anything is computed."""
    from importlib.util import find_spec

    import numpy as np

    from ..errors import InputError, check_choice
    from ..spectral import eigenvector_colors

    if given is None:
        return "pca"
    check_choice("--coloring", given, o.CHOICES["coloring"])
    if not colors:
        raise InputError("--coloring is of colors. Add --colors, or leave it out.")
    if given == "umap" and find_spec("umap") is None:
        # Any few colors: the function says what is missing and how to get it.
        eigenvector_colors(np.eye(20), method="umap")
    return cast("Coloring", given)


def color_paths(output: Path, images: list[Path], layout: PlaneLayout) -> list[Path]:
    """One PNG for every plane: named after output and image, and numbered in stacks."""
    from .inputs import names_beside, planes_of

    paths = []
    for name, planes in zip(names_beside(output, images), planes_of(layout), strict=True):
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
