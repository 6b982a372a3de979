"""The command `granularity`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options as o
from .report import progress_bar, reported, say, written

if TYPE_CHECKING:
    from ..io import ImageFile
    from ..regions import Hierarchy


@reported
def granularity_command(
    images: o.ImagesApart,
    output: o.ResultsFolder,
    level: Annotated[
        list[float] | None,
        typer.Option(
            "--level",
            "-l",
            help="0 the finest regions, 1 one region; means the same in every image. May be given "
            "several times.",
            show_default=False,
        ),
    ] = None,
    regions: Annotated[
        list[int] | None,
        typer.Option(
            "--regions",
            "-n",
            help="How many regions every plane is to have. May be given several times.",
            show_default=False,
        ),
    ] = None,
    boundaries: Annotated[
        bool,
        typer.Option(
            "--boundaries",
            help="Write the map of boundaries as well: on the last pixel before another region "
            "the highest level at which it is still another.",
        ),
    ] = False,
    overwrite: o.Overwrite = False,
    axes: o.Axes = None,
    channels: o.Channels = None,
    scaling: o.Scaling = None,
    limits: o.Limits = None,
    device: o.Device = None,
) -> None:
    """Cut images in regions, from fine to coarse; those of a finer level lie within coarser ones.

    Writes a label map (TIFF) for each image and each --level or --regions.

    [bold]Examples[/bold]

        napari-ncut granularity grains.tif -o results --level 0.3 --level 0.6

        napari-ncut granularity folder -o out --regions 200 --boundaries
    """
    from ..errors import InputError
    from ..io import check_outputs, write_together
    from ..progress import run_steps
    from ..regions import granularity_steps
    from .inputs import as_given, check_apart, read_inputs

    if not level and not regions and not boundaries:
        raise InputError("A granularity is needed: give --level, 0 to 1, or --regions, 1 or more.")
    wanted: dict[str, dict[str, Any]] = {
        **{f"level{value:g}": {"level": value} for value in level or []},
        **{f"regions{n}": {"n_regions": n} for n in regions or []},
    }
    _check(level or [], regions or [])
    check_apart(images, output)
    files = read_inputs(images, axes)
    paths = _paths(output, files, [*wanted, *(["boundaries"] if boundaries else [])])
    check_outputs([path for of_image in paths for path in of_image.values()], overwrite=overwrite)
    given = as_given(files)
    shared = o.embed_parameters(
        limits=limits, layer=None, channels=channels, bandwidth=None, scaling=scaling, device=device
    )
    with progress_bar() as progress:
        steps = granularity_steps(given["images"], axes=given["axes"], **shared)
        found = run_steps(steps, progress)
    written(write_together(_writers(found, files, paths, wanted, boundaries)))
    for name, choice in wanted.items():
        if "level" in choice:
            counts = found.n_regions(choice["level"])
            say(f"{name}: {sum(counts)} regions in {len(counts)} planes.", stderr=True)


def _check(levels: Sequence[float], counts: Sequence[int]) -> None:
    """Before anything is computed; the messages are those of `Hierarchy.labels`."""
    from ..errors import InputError

    for level in levels:
        if not 0 <= level <= 1:
            raise InputError(
                f"The level {level!r} cannot be used. Give a number from 0, the finest regions, to "
                f"1, one region."
            )
    for n in counts:
        if n < 1:
            raise InputError(f"{n!r} regions cannot be made. Give a whole number, 1 or more.")


def _paths(folder: Path, files: Sequence[ImageFile], kinds: Sequence[str]) -> list[dict[str, Path]]:
    from .inputs import output_stems

    stems = output_stems([file.path for file in files])
    return [{kind: folder / f"{stem}_{kind}.tif" for kind in kinds} for stem in stems]


def _writers(
    found: Hierarchy,
    files: Sequence[ImageFile],
    paths: Sequence[dict[str, Path]],
    wanted: dict[str, dict[str, Any]],
    boundaries: bool,
) -> dict[Path, Callable[[Path], object]]:
    from .inputs import label_writer

    maps: dict[str, Any] = {kind: found.labels(**choice) for kind, choice in wanted.items()}
    writers: dict[Path, Callable[[Path], object]] = {}
    for kind, labels in maps.items():
        several = labels if len(files) > 1 else [labels]
        for file, own, one in zip(files, paths, several, strict=True):
            writers[own[kind]] = label_writer(file, one)
    if boundaries:
        contours = found.boundaries()
        several = contours if len(files) > 1 else [contours]
        for own, one in zip(paths, several, strict=True):
            writers[own["boundaries"]] = _picture_writer(one)
    return writers


def _picture_writer(values: Any) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        import tifffile

        tifffile.imwrite(path, values, compression="zlib")

    return write
