"""The commands `keep` and `find`: clicks of one image, for all others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from . import options as o
from .report import progress_bar, reported, say, written


@reported
def keep_command(
    image: Annotated[
        Path,
        typer.Argument(metavar="IMAGE", help="The image that was clicked.", show_default=False),
    ],
    points: Annotated[
        Path,
        typer.Option(
            "--points",
            "-p",
            metavar="FILE.csv",
            help="Points as napari saves them: columns axis-0, axis-1 …, and optional columns "
            "positive and class.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.npz", help="File to write.")
    ],
    overwrite: o.Overwrite = False,
    axes: o.Axes = None,
    channels: o.Channels = None,
    scaling: o.Scaling = None,
) -> None:
    """Keep what clicks mean in a small file, to find it in other images with [bold]find[/bold].

    [bold]Example[/bold]

        napari-ncut keep cells.tif --points clicks.csv -o cells.npz
    """
    from ..errors import InputError
    from ..io import assign_points, check_outputs, read_points
    from ..prompts import PromptSegmenter, Prototypes
    from ..spectral import embed
    from .inputs import as_given, read_inputs

    if output.suffix.lower() != ".npz":
        raise InputError(f"The output {output} does not end in .npz. Call it {output.stem}.npz.")
    images = read_inputs([image], axes)
    clicks = assign_points([read_points(points)], images)
    check_outputs([output], overwrite=overwrite)
    given = o.embed_parameters(
        limits=None, layer=None, channels=channels, bandwidth=None, scaling=scaling
    )
    with progress_bar() as progress:
        # What is kept has no eigenvectors in it: few of them will do.
        embedding = embed(**as_given(images), n_components=2, progress=progress, **given)
        kept = Prototypes.of(
            PromptSegmenter(embedding), clicks.points, clicks.positive, classes=clicks.classes
        )
    kept.save(output)
    written([output])


@reported
def find_command(
    prototypes: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.npz", help="What [bold]keep[/bold] wrote.", show_default=False
        ),
    ],
    images: o.Images,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FOLDER", help="Folder to write into."),
    ],
    overwrite: o.Overwrite = False,
    axes: o.Axes = None,
    channels: o.Channels = None,
    scaling: o.Scaling = None,
) -> None:
    """Find in further images what was clicked in one: a label map (TIFF) for each, and a table.

    The table says how sure it is for every plane and class. Below .5 there is nothing, and the mask
    stays empty.

    [bold]Example[/bold]

        napari-ncut find cells.npz folder -o results
    """
    from functools import partial

    from ..imaging import parse_axes
    from ..io import check_outputs, write_labels, write_table, write_together
    from ..progress import run_steps
    from ..prompts import Prototypes
    from .inputs import as_given, check_apart, image_names, output_stems, read_inputs

    kept = Prototypes.load(prototypes)
    check_apart(images, output)
    files = read_inputs(images, axes)
    paths = [file.path for file in files]
    maps = [output / f"{stem}_classes.tif" for stem in output_stems(paths)]
    table = output / "confidence.csv"
    check_outputs([*maps, table], overwrite=overwrite)
    given = o.embed_parameters(
        limits=None, layer=None, channels=channels, bandwidth=None, scaling=scaling
    )
    with progress_bar() as progress:
        found = run_steps(kept.apply_steps(**as_given(files), **given), progress)
    masks = found.masks if len(files) > 1 else [found.masks]
    rows: list[list[object]] = []
    writers: dict[Path, Callable[[Path], object]] = {}
    sure = iter(found.confidence)
    for name, file, path, mask in zip(image_names(paths), files, maps, masks, strict=True):
        parsed = parse_axes(file.axes, file.data.shape)
        stack = "".join(parsed.names[axis] for axis in parsed.stack)
        writers[path] = partial(write_labels, labels=mask, axes=f"{stack}YX")
        for plane in range(parsed.n_planes):
            of_plane = zip(found.classes, next(sure), strict=True)
            rows += [[name, plane, label, float(s), int(s >= 0.5)] for label, s in of_plane]
    columns = ["image", "plane", "class", "confidence", "found"]
    writers[table] = partial(write_table, columns=columns, rows=rows)
    written(write_together(writers))
    n_empty = int((found.confidence < 0.5).all(axis=1).sum())
    if n_empty:
        say(f"{n_empty} of {len(found.confidence)} planes hold nothing like it.", stderr=True)
