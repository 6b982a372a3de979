"""The command `demo`: the main job on a real image, every stage as a picture."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .report import progress_bar, reported, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Clicks in pixels: (row, column), sign, class. Class 0 counts against every class.
CLICKS: tuple[tuple[tuple[int, int], bool, int], ...] = (
    ((120, 110), True, 1),
    ((60, 400), True, 1),
    ((230, 230), True, 1),
    ((400, 70), True, 1),
    ((356, 125), True, 1),
    ((426, 212), True, 2),
    ((307, 442), True, 2),
    ((279, 297), True, 2),
    ((371, 419), True, 2),
    ((358, 189), True, 2),
    ((385, 310), False, 2),
    ((427, 242), False, 2),
    ((316, 401), False, 2),
    ((260, 316), False, 2),
    ((325, 20), False, 0),
    ((135, 350), False, 0),
    ((300, 180), False, 0),
    ((340, 460), False, 0),
)
CLASS_NAMES = {1: "stained epithelium", 2: "stroma nuclei"}
EMBED: dict[str, Any] = {"axes": "YXC", "backbone": "compact", "n_components": 10}
PREDICT: dict[str, Any] = {"min_area": 30}


@reported
def demo_command(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder for the results.")
    ] = Path("demo-output"),
    viewer: Annotated[
        bool,
        typer.Option(
            "--viewer/--no-viewer", help="Open napari afterwards, where there is a display."
        ),
    ] = True,
) -> None:
    """Segment a sample image by a few clicks, and show every stage.

    The image is scikit-image's immunohistochemistry: colon tissue whose epithelium is stained
    brown. Pictures, label map, points and measurements are written to a folder, replacing those of
    an earlier run; then napari opens with the image, the widgets and the clicks in place.

    [bold]Examples[/bold]

        napari-ncut demo

        napari-ncut demo --no-viewer --output /tmp/demo
    """
    import numpy as np

    from ..io import check_outputs, write_together
    from ..samples import immunohistochemistry

    image = immunohistochemistry()[0][0]
    points = np.array([place for place, _, _ in CLICKS], dtype=float)
    positive = np.array([sign for _, sign, _ in CLICKS])
    classes = np.array([number for _, _, number in CLICKS])
    check_outputs([output / name for name in FILES], overwrite=True)
    writers = stages(image, points, positive, classes)
    write_together({output / name: write for name, write in writers.items()})
    for name, what in FILES.items():
        say(f"{output / name}: {what}")
    if viewer:
        # Ctrl+C in the terminal is one way to close the window; all is written by now.
        with suppress(KeyboardInterrupt):
            _show(image, points, positive, classes)


FILES = {
    "1_clicks.png": "the image, with the clicks drawn in",
    "2_eigenvectors.png": "eigenvectors as colors: alike tissue, alike color",
    "3_likeness_epithelium.png": "likeness to the clicks on stained epithelium",
    "4_likeness_nuclei.png": "likeness to the clicks on stroma nuclei",
    "5_masks.png": "the masks over the image",
    "classes.tif": "the masks as a label map",
    "points.csv": "the clicks, as napari-ncut segment and napari read them",
    "measurements.csv": "what the classes amount to",
}


def stages(
    image: NDArray, points: NDArray, positive: NDArray[np.bool_], classes: NDArray[np.int64]
) -> dict[str, Callable[[Path], object]]:
    """Do the job; what writes each of `FILES`."""
    from ..io import PointsTable, write_labels, write_points, write_table
    from ..measuring import measure_labels
    from ..prompts import PromptSegmenter
    from ..spectral import embed
    from . import pictures

    with progress_bar() as progress:
        embedding = embed(image, progress=progress, **EMBED)
    labels, heat = PromptSegmenter(embedding).predict(
        points, positive, classes=classes, return_scores=True, **PREDICT
    )
    entries = [(name, pictures.class_color(number)) for number, name in CLASS_NAMES.items()]
    clicked = pictures.clicks_picture(image, points, positive, classes)
    cells = pictures.enlarged(embedding.colors()[0], embedding.stride, labels.shape)
    table = PointsTable(points, positive, classes, CLASS_NAMES)
    rows = [
        (m.label, CLASS_NAMES[m.label], m.count, m.pixels, m.fraction)
        for m in measure_labels(labels)
    ]
    drawn = {
        "1_clicks.png": pictures.with_legend(clicked, [*entries, ("not this", (90, 90, 90))]),
        "2_eigenvectors.png": pictures.as_bytes(cells),
        "3_likeness_epithelium.png": pictures.heat_picture(heat[0]),
        "4_likeness_nuclei.png": pictures.heat_picture(heat[1]),
        "5_masks.png": pictures.with_legend(pictures.masks_picture(image, labels), entries),
    }
    return {
        **{name: partial(pictures.save_picture, picture=p) for name, p in drawn.items()},
        "classes.tif": partial(write_labels, labels=labels),
        "points.csv": partial(write_points, table=table),
        "measurements.csv": partial(
            write_table, columns=("class", "name", "count", "pixels", "fraction"), rows=rows
        ),
    }


def _show(image: NDArray, points: NDArray, positive: NDArray, classes: NDArray) -> None:
    from ..errors import InputError

    if not has_display():
        say("There is no display, so napari is not opened.", stderr=True)
        return
    try:
        import napari  # type: ignore[import-untyped] # noqa: F401
        import qtpy.QtWidgets  # noqa: F401 - a Qt binding that is there but broken shows here
    except ImportError as error:
        # qtpy's own error for a missing binding is an ImportError, too.
        raise InputError(
            f"napari cannot open a window ({error}). Install it with a Qt binding: "
            f"pip install 'napari[pyqt6]'. The files above were written."
        ) from error
    from ..widgets.demo import open_demo

    open_demo(image, points, positive, classes, CLASS_NAMES, embed=EMBED, predict=PREDICT)


def has_display() -> bool:
    """Whether windows can be opened."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
