"""All the masks that there are in an image, without being asked about any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import ArrayLike

from ..errors import InputError
from ..imaging import Channels, Planes, Scaling
from ..progress import Progress, Steps, run_steps
from .mask_set import MaskSet
from .options import MaskOptions
from .segmenter import SamSegmenter

# Proposals of the embedded network, for which no file of SAM's weights is needed.
COMPACT = "compact"


def automatic_masks(
    image: Any,
    model: str | SamSegmenter = COMPACT,
    *,
    axes: str | Sequence[str | None] | None = None,
    channels: Channels = None,
    scaling: Scaling | None = None,
    points_per_side: int | None = 32,
    points_per_batch: int = 64,
    pred_iou_thresh: float = 0.88,
    stability_score_thresh: float = 0.95,
    stability_score_offset: float = 1.0,
    box_nms_thresh: float = 0.7,
    crop_n_layers: int = 0,
    crop_nms_thresh: float = 0.7,
    crop_overlap_ratio: float = 512 / 1500,
    crop_n_points_downscale_factor: int = 1,
    point_grids: Sequence[ArrayLike] | None = None,
    min_mask_region_area: int = 0,
    min_persistence: float = 0.1,
    device: str | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Any:
    """Find all things in an image, wholes and parts of them, as masks that may overlap.

    Parameters
    ----------
    image
        An image, a stack, or a list of images. dtype bool, integer or float.
    model
        "compact": regions of the embedded network that last while the image is merged from fine to
        coarse; no download, and seconds. Or one of `list_sam_models()`, whose weights must be
        installed; or a `SamSegmenter`, which keeps what it saw of the image.
    axes
        A letter for each dimension ("YX", "YXC", "TYX", "ZCYX" …). Without it a 2-D array is "YX"
        and anything else is an error. Of several images one for all, or a list.
    channels
        Indices of the channels to use, "all" or "composite". Default: all.
    scaling
        How intensities become 0 to 1; see `as_planes`. Default: by percentiles; for SAM, images of
        8 bits as they are.
    points_per_side
        SAM is asked at so many points along each side. More finds smaller things, in time that
        grows with the square.
    points_per_batch
        At most so many points at once. More takes more memory; fewer are taken where it is short.
    pred_iou_thresh
        Drop masks whose quality SAM itself predicts to be no better. Higher gives fewer masks.
    stability_score_thresh
        Drop masks that change more than that, as an IoU, when the threshold of their logits moves
        by ``stability_score_offset``. Higher gives fewer masks.
    stability_score_offset
        See above; higher is stricter.
    box_nms_thresh
        Of masks whose boxes overlap by an IoU above it only the best is kept. Higher gives more
        near-duplicates.
    crop_n_layers
        Look again at 2 × 2 overlapping crops, 4 × 4 …, for things that are small in the whole.
        Each crop takes as long as the image.
    crop_nms_thresh
        The same as ``box_nms_thresh``, between crops.
    crop_overlap_ratio
        How much crops overlap, as a share of the shorter side.
    crop_n_points_downscale_factor
        Points per side are divided by it in each layer of crops.
    point_grids
        Points of your own in place of ``points_per_side`` (None then): for the image and every
        layer of crops (n, 2) rows (x, y) in shares of width and height.
    min_mask_region_area
        Fill holes and drop pieces of masks of fewer pixels. With "compact": the smallest mask, 16
        if it is less.
    min_persistence
        With "compact": for what span of granularity, 0 to 1, a region must last. Higher gives fewer
        masks.
    device
        "cpu", "cuda" or "mps". Default: the best there is.
    progress
        Called with a `Progress` before every step.

    Returns
    -------
    MaskSet, or a list of one for every plane of a stack or of several images
        With the columns "stability_score", "level" (0 whole, 1 part, 2 subpart) and "point" (row,
        column). Of SAM also "predicted_iou" and "crop_box" (top, left, bottom, right), and a level
        by which of SAM's three answers a mask is, which are mostly the subpart, part and whole. Of
        "compact" also "boundary_level"; its stability is the span for which a region lasts, its
        levels are how regions are nested.

    Raises
    ------
    InputError
        If the image or an option cannot be used, or weights are missing.

    Notes
    -----
    With SAM the masks are those of segment-anything's `SamAutomaticMaskGenerator` with the same
    options (Kirillov et al., Segment Anything, 2023).
    """
    steps = automatic_masks_steps(
        image,
        model,
        axes=axes,
        channels=channels,
        scaling=scaling,
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
        point_grids=point_grids,
        min_mask_region_area=min_mask_region_area,
        min_persistence=min_persistence,
        device=device,
    )
    return run_steps(steps, progress)


def automatic_masks_steps(
    image: Any,
    model: str | SamSegmenter = COMPACT,
    *,
    axes: str | Sequence[str | None] | None = None,
    channels: Channels = None,
    scaling: Scaling | None = None,
    device: str | None = None,
    **options: Any,
) -> Steps[Any]:
    """`automatic_masks` as a generator of progress, which may be closed to cancel.

    Everything is checked before the first step; steps of several planes follow each other.
    """
    unknown = options.keys() - MaskOptions.__dataclass_fields__.keys()
    if unknown:
        raise InputError(
            f"There is no option {sorted(unknown)[0]!r}. Choose from: "
            f"{', '.join(MaskOptions.__dataclass_fields__)}."
        )
    chosen = MaskOptions(**options)
    chosen.check()
    planes, segmenter = _prepared(image, model, axes, channels, scaling, device)
    return _steps(planes, segmenter, chosen, device)


def _prepared(
    image: Any,
    model: str | SamSegmenter,
    axes: str | Sequence[str | None] | None,
    channels: Channels,
    scaling: Scaling | None,
    device: str | None,
) -> tuple[Planes, SamSegmenter | None]:
    """Planes, and what looks at them; no segmenter for "compact"."""
    from ..imaging import as_planes
    from .loading import list_sam_models
    from .rgb import planes_for_sam

    if model == COMPACT:
        scaling = "stack" if scaling is None else scaling
        return as_planes(image, axes=axes, channels=channels, scaling=scaling), None
    # The image first: it is looked at in no time, while weights take seconds.
    planes = planes_for_sam(image, axes=axes, channels=channels, scaling=scaling)
    if isinstance(model, SamSegmenter):
        return planes, model
    if not isinstance(model, str) or not model.startswith("transformers:"):
        from ..errors import check_choice

        check_choice("model", model, [COMPACT, *list_sam_models()])
    return planes, SamSegmenter(model, device=device)


def _steps(
    planes: Planes, segmenter: SamSegmenter | None, options: MaskOptions, device: str | None
) -> Steps[Any]:
    from ..regions.hierarchy import PlaneHierarchy
    from .generator import plane_masks_steps
    from .proposals import hierarchy_masks
    from .rgb import rgb

    found: list[MaskSet] = []
    if segmenter is None:
        from ..backbones.compact import Compact

        network = Compact(device=device)
        for i in range(len(planes)):
            yield Progress("masks", i, len(planes))
            found.append(hierarchy_masks(PlaneHierarchy.of(planes[i], network), options))
        yield Progress("masks", len(planes), len(planes))
    else:
        for i in range(len(planes)):
            if len(planes) > 1:
                yield Progress("planes", i, len(planes))
            found.append((yield from plane_masks_steps(rgb(planes[i]), segmenter, options)))
    return found if planes.is_list or planes.stacks[0] else found[0]
