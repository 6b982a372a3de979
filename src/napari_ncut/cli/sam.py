"""The commands `sam …`: masks of everything in images, and masks of what prompts point at."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options as o
from .report import progress_bar, reported, say, written

if TYPE_CHECKING:
    from ..io import ImageFile
    from ..sam import MaskSet

_FILTERS = "Which masks"
_POINTS = "Points and crops"

sam_app = typer.Typer(
    name="sam",
    help="Masks by the Segment Anything Model: of everything, or of what is pointed at.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Checkpoint = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Weights of your own: any SAM in the format of its authors, of any size.",
        show_default=False,
    ),
]


@sam_app.command("masks")
@reported
def masks_command(
    images: o.ImagesApart,
    output: o.ResultsFolder,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="compact (no download), sam:vit_b, sam:vit_l, sam:vit_h, micro-sam's "
            "sam:vit_b_lm …, or transformers:FOLDER. Default: compact, or with --checkpoint SAM.",
            show_default=False,
        ),
    ] = None,
    checkpoint: Checkpoint = None,
    overwrite: o.Overwrite = False,
    pred_iou_thresh: Annotated[
        float,
        typer.Option(help="Least quality that SAM itself predicts.", rich_help_panel=_FILTERS),
    ] = 0.88,
    stability_score_thresh: Annotated[
        float,
        typer.Option(
            help="Least IoU of a mask with itself at a stricter and a looser threshold.",
            rich_help_panel=_FILTERS,
        ),
    ] = 0.95,
    stability_score_offset: Annotated[
        float,
        typer.Option(help="How much stricter and looser.", rich_help_panel=_FILTERS),
    ] = 1.0,
    box_nms_thresh: Annotated[
        float,
        typer.Option(
            help="Of masks whose boxes overlap by an IoU above it, the best is kept.",
            rich_help_panel=_FILTERS,
        ),
    ] = 0.7,
    min_mask_region_area: Annotated[
        int,
        typer.Option(
            help="Fill holes and drop pieces of fewer pixels; with compact: the smallest mask.",
            rich_help_panel=_FILTERS,
        ),
    ] = 0,
    min_persistence: Annotated[
        float,
        typer.Option(
            help="With compact: for what span of granularity, 0 to 1, a region must last.",
            rich_help_panel=_FILTERS,
        ),
    ] = 0.1,
    points_per_side: Annotated[
        int,
        typer.Option(help="Points asked about along each side.", rich_help_panel=_POINTS),
    ] = 32,
    points_per_batch: Annotated[
        int, typer.Option(help="Most points at once.", rich_help_panel=_POINTS)
    ] = 64,
    crop_n_layers: Annotated[
        int,
        typer.Option(
            help="Look again at 2 × 2 overlapping crops, 4 × 4 …", rich_help_panel=_POINTS
        ),
    ] = 0,
    crop_nms_thresh: Annotated[
        float,
        typer.Option(help="As --box-nms-thresh, between crops.", rich_help_panel=_POINTS),
    ] = 0.7,
    crop_overlap_ratio: Annotated[
        float,
        typer.Option(
            help="How much crops overlap, of the shorter side.",
            rich_help_panel=_POINTS,
            show_default="512/1500",
        ),
    ] = 512 / 1500,
    crop_n_points_downscale_factor: Annotated[
        int,
        typer.Option(
            help="Points per side are divided by it in each layer of crops.",
            rich_help_panel=_POINTS,
        ),
    ] = 1,
    axes: o.Axes = None,
    channels: o.Channels = None,
    scaling: o.Scaling = None,
    device: o.Device = None,
) -> None:
    """Find all things in images, wholes and parts: masks that may overlap.

    Writes for every image a label map, NAME_masks.tif, in which the smaller of two masks lies on
    top; and of all images masks.json (COCO, run lengths) and masks.csv, which keep overlaps, with
    scores. Planes of a stack are called NAME:0, NAME:1 … there.

    [bold]Examples[/bold]

        napari-ncut sam masks cells.tif -o results

        napari-ncut sam masks folder -o results --model sam:vit_b --crop-n-layers 1

        napari-ncut sam masks cells.tif -o results --checkpoint sam_vit_b_01ec64.pth
    """
    from ..imaging import parse_axes
    from ..io import check_outputs, mask_table, write_coco, write_table, write_together
    from ..progress import run_steps
    from ..sam import SamSegmenter, automatic_masks_steps
    from .inputs import as_given, check_apart, output_stems, plane_names, read_inputs

    check_apart(images, output)
    files = read_inputs(images, axes)
    maps = [output / f"{stem}_masks.tif" for stem in output_stems([file.path for file in files])]
    document, table = output / "masks.json", output / "masks.csv"
    check_outputs([*maps, document, table], overwrite=overwrite)
    given = as_given(files)
    looks: Any = model or "compact"
    if checkpoint is not None:
        looks = SamSegmenter(_sam_name(model), checkpoint=checkpoint, device=device)
    steps = automatic_masks_steps(
        given["images"],
        looks,
        axes=given["axes"],
        **_image_parameters(channels, scaling),
        device=device,
        points_per_side=points_per_side,
        points_per_batch=points_per_batch,
        pred_iou_thresh=pred_iou_thresh,
        stability_score_thresh=stability_score_thresh,
        stability_score_offset=stability_score_offset,
        box_nms_thresh=box_nms_thresh,
        crop_n_layers=crop_n_layers,
        crop_nms_thresh=crop_nms_thresh,
        crop_overlap_ratio=crop_overlap_ratio,
        crop_n_points_downscale_factor=crop_n_points_downscale_factor,
        min_mask_region_area=min_mask_region_area,
        min_persistence=min_persistence,
    )
    with progress_bar() as progress:
        found = run_steps(steps, progress)
    sets: list[MaskSet] = found if isinstance(found, list) else [found]
    named = dict(zip(plane_names(files), sets, strict=True))
    writers: dict[Path, Callable[[Path], object]] = {}
    rest = iter(sets)
    for path, file in zip(maps, files, strict=True):
        own = list(islice(rest, parse_axes(file.axes, file.data.shape).n_planes))
        writers[path] = partial(_write_labels, file=file, sets=own)
    writers[document] = partial(write_coco, named_sets=named)
    columns, rows = mask_table(named)
    writers[table] = partial(write_table, columns=columns, rows=rows)
    written(write_together(writers))
    say(f"{sum(map(len, sets))} masks in {len(sets)} planes.", stderr=True)


@sam_app.command("prompt")
@reported
def prompt_command(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="The image.", show_default=False)],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="Label map to write: .tif or .png."),
    ],
    points: Annotated[
        Path | None,
        typer.Option(
            "--points",
            "-p",
            metavar="FILE.csv",
            help="Points as napari saves them: columns axis-0, axis-1, and optionally positive and "
            "class. All of a class are about one thing; negative ones of class 0 about all.",
            show_default=False,
        ),
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Boxes: columns row0, column0, row1, column1 in pixels. Each is a thing of its "
            "own; with points there must be one.",
            show_default=False,
        ),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(
            metavar="WORDS",
            help="Find all things that words name, where the model knows words (SAM 3).",
            show_default=False,
        ),
    ] = None,
    least: Annotated[
        float,
        typer.Option(min=0, max=1, help="With --text: how probable a thing must be."),
    ] = 0.5,
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="sam:vit_b, sam:vit_l, sam:vit_h, micro-sam's sam:vit_b_lm …, or "
            "transformers:FOLDER.",
        ),
    ] = "sam:vit_b",
    checkpoint: Checkpoint = None,
    answer: Annotated[
        str,
        typer.Option(
            metavar="best|whole|part|subpart",
            help="Which of SAM's answers: the one that it thinks best, or by their size.",
        ),
    ] = "best",
    plane: Annotated[int, typer.Option(min=0, help="Of a stack, which plane, from 0.")] = 0,
    overwrite: o.Overwrite = False,
    axes: o.Axes = None,
    channels: o.Channels = None,
    scaling: o.Scaling = None,
    device: o.Device = None,
) -> None:
    """Segment what points and boxes are on, and write a label map.

    A class of points is a label; boxes are numbered from 1 in the order of the file, things that
    words name from the surest on.

    [bold]Examples[/bold]

        napari-ncut sam prompt cells.tif --points clicks.csv -o mask.tif

        napari-ncut sam prompt cells.tif --boxes boxes.csv -o cells_labels.tif --model sam:vit_b_lm

        napari-ncut sam prompt cells.tif --text "round cell" -o cells_labels.tif \
--model transformers:sam3
    """
    from ..errors import InputError, check_choice
    from ..io import check_label_format, check_outputs, read_points, write_labels
    from ..io.strokes import read_boxes
    from ..progress import run_steps
    from ..sam import SamSegmenter
    from ..sam.answer import ANSWERS
    from ..sam.rgb import planes_for_sam, rgb
    from .inputs import read_inputs
    from .sam_answers import check_prompts, corners_of, label_map, named

    check_choice("answer", answer, ANSWERS)
    check_label_format(output, 2)
    (file, *others) = read_inputs([image], axes)
    if others:
        raise InputError(f"{image} holds {1 + len(others)} images. Give one of them.")
    planes = planes_for_sam(file.data, axes=file.axes, **_image_parameters(channels, scaling))
    if plane >= len(planes):
        raise InputError(
            f"{image} has no plane {plane}. Give --plane 0 to {len(planes) - 1}."
            if len(planes) > 1
            else f"{image} has a single plane. Leave --plane out."
        )
    clicks = None if points is None else read_points(points)
    corners = None if boxes is None else [corners_of(box) for box in read_boxes(boxes)]
    check_prompts(clicks, corners, text)
    check_outputs([output], overwrite=overwrite)
    segmenter = SamSegmenter(model, checkpoint=checkpoint, device=device)
    with progress_bar() as progress:
        run_steps(segmenter.set_rgb_steps(rgb(planes[plane])), progress)
    if text is None:
        labels, scores = label_map(segmenter, clicks, corners, answer)
    else:
        labels, scores = named(segmenter, text, least)
    write_labels(output, labels)
    written([output])
    said = ", ".join(f"{label}: {score:.2f}" for label, score in scores.items())
    kind = "Predicted IoU" if text is None else "Probability"
    say(f"{kind} of label {said}." if said else f"There is no {text!r}.", stderr=True)


def _sam_name(model: str | None) -> str:
    """The model whose place a checkpoint takes."""
    from ..errors import InputError

    if model == "compact":
        raise InputError(
            "compact brings its own weights, so --checkpoint cannot be used with it. Leave one out."
        )
    return model or "sam:vit_b"


def _image_parameters(channels: str | None, scaling: str | None) -> dict[str, Any]:
    return o.embed_parameters(
        limits=None, layer=None, channels=channels, bandwidth=None, scaling=scaling
    )


def _write_labels(path: Path, *, file: ImageFile, sets: list[MaskSet]) -> None:
    """Draw the masks of an image no sooner than they are written: label maps are large."""
    import numpy as np

    from .inputs import label_writer

    label_writer(file, np.stack([masks.labels() for masks in sets]))(path)
