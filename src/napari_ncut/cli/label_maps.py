"""From images to a label map of each: what commands of segmenters share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .report import progress_bar, written


def write_label_maps(
    steps: Callable[..., Any],
    images: Sequence[Path],
    output: Path,
    name: str,
    *,
    axes: str | None,
    overwrite: bool,
    **given: Any,
) -> str:
    """Segment images and write a label map (TIFF) of each, all or none.

    Parameters
    ----------
    steps
        A segmenter as a generator of progress, which takes images, axes, and all else that is
        given.
    images, output
        Files and folders, and the folder for results.
    name
        Of what is written, behind the name of the image.
    axes, overwrite
        As the commands take them.
    given
        For `steps`.

    Returns
    -------
    str
        How many labels there are in an image: "12", or "12 to 40".
    """
    from ..io import check_outputs, write_together
    from ..progress import run_steps
    from .inputs import as_given, check_apart, label_writer, output_stems, read_inputs

    check_apart(images, output)
    files = read_inputs(images, axes)
    paths = [output / f"{stem}_{name}.tif" for stem in output_stems([f.path for f in files])]
    check_outputs(paths, overwrite=overwrite)
    read = as_given(files)
    with progress_bar() as progress:
        found = run_steps(steps(read["images"], axes=read["axes"], **given), progress)
    labels = found if len(files) > 1 else [found]
    writers: dict[Path, Callable[[Path], object]] = {
        path: label_writer(file, one) for path, file, one in zip(paths, files, labels, strict=True)
    }
    written(write_together(writers))
    counts = [int(one.max()) for one in labels]
    fewest, most = min(counts), max(counts)
    return f"{fewest}" if fewest == most else f"{fewest} to {most}"
