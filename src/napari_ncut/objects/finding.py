"""Where the things are, without being told what they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, is_number
from ..imaging import Channels, PlaneLayout, Planes, Scaling, as_planes
from ..progress import Progress, Steps, run_steps
from .frame import inside_frame
from .localization import Localization, PlaneObjects
from .methods import DEFAULT_METHOD, METHODS, check_method

if TYPE_CHECKING:
    from ..backbones import Backbone
    from .scene import ObjectScene

# Below this confidence there is said to be nothing: chosen on training images and their backgrounds
# (`training/objects.py`).
MIN_CONFIDENCE = 0.5
# Whose features "auto" was fitted on.
_OWN = "compact"
# Cells of a plane's grid of which methods that compare all pairs have at most so many.
_MOST_CELLS = 3600
_STRIDES = (4, 8, 16, 32, 64, 128)


def localize(
    images: Any,
    *,
    axes: str | Sequence[str | None] | None = None,
    method: str = DEFAULT_METHOD,
    backbone: str | Backbone = "compact",
    n_objects: int | None = None,
    min_confidence: float = MIN_CONFIDENCE,
    min_area: int = 0,
    refine: bool = True,
    split: bool = False,
    channels: Channels = None,
    scaling: Scaling = "stack",
    stride: int | None = None,
    device: str | None = None,
    progress: Callable[[Progress], object] | None = None,
    **options: Any,
) -> Localization:
    """Find what an image is of: a foreground mask, the things in it, boxes and confidence.

    Nothing has to be clicked or named. Each plane is looked at on its own; where nothing is sure
    enough there is nothing in the result, and the confidence says how sure the best guess was. A
    frame of one color around a plane is left out.

    Parameters
    ----------
    images, axes, channels, scaling
        See `napari_ncut.imaging.as_planes`.
    method
        One of `napari_ncut.objects.METHODS`: "auto" puts all evidence together; "deep_spectral",
        "deepcut", "tokencut", "maskcut" and "lost" are those of the papers.
    backbone
        What computes features: a name, or what `load_backbone` made. Boundaries and regions are
        always those of "compact", whose features "auto" asks beside those of another backbone.
    n_objects
        At most so many things, the surest ones; None gives all.
    min_confidence
        0 to 1. Things that are less sure are left out; 0 leaves out none, so that there always is
        an answer.
    min_area
        In pixels: smaller things are left out.
    refine
        Let the foreground end where the image does: each pixel asks the regions that it is part of,
        from fine to coarse. Without it cells become pixels by interpolation.
    split
        Part things that touch, where a boundary or a waist is between them.
    stride
        Pixels per cell of the feature grid. Default: the network's own; of "compact" and
        "filterbank" the finest power of two for which cells of a plane are no more than 3,600.
    device
        Where to compute.
    progress
        Called with a `Progress` as it goes.
    **options
        Of the method, such as ``n_regions`` or ``tau`` (see `METHODS`), and of `load_backbone`,
        where `backbone` is a name: layer, node, checkpoint …

    Returns
    -------
    Localization
        A `PlaneObjects` for every plane.

    Raises
    ------
    InputError
        If anything given cannot be used; nothing has been computed then.
    """
    steps = localize_steps(
        images,
        axes=axes,
        method=method,
        backbone=backbone,
        n_objects=n_objects,
        min_confidence=min_confidence,
        min_area=min_area,
        refine=refine,
        split=split,
        channels=channels,
        scaling=scaling,
        stride=stride,
        device=device,
        **options,
    )
    return run_steps(steps, progress)


def localize_steps(
    images: Any,
    *,
    axes: str | Sequence[str | None] | None = None,
    method: str = DEFAULT_METHOD,
    backbone: str | Backbone = "compact",
    n_objects: int | None = None,
    min_confidence: float = MIN_CONFIDENCE,
    min_area: int = 0,
    refine: bool = True,
    split: bool = False,
    channels: Channels = None,
    scaling: Scaling = "stack",
    stride: int | None = None,
    device: str | None = None,
    **options: Any,
) -> Steps[Localization]:
    """`localize` as a generator of progress, which may be closed to cancel."""
    own, of_backbone = _sorted_options(method, options)
    parameters = check_method(method, own)
    _check(n_objects, min_confidence, min_area)
    planes = as_planes(images, axes=axes, channels=channels, scaling=scaling)
    yield Progress("weights", 0, 1)
    ready = ready_backbone(planes, backbone, stride, device, of_backbone)
    beside = None if ready.name == _OWN else ready_backbone(planes, _OWN, None, device, {})
    network = _compact(device)
    run = METHODS[method].steps()
    found: list[PlaneObjects] = []
    for i in range(len(planes)):
        yield Progress("planes", i, len(planes))
        part = inside_frame(planes[i])
        scene = scene_of(planes, i, ready, network, part)
        if beside is not None:
            scene = replace(scene, own=partial(scene_of, planes, i, beside, network, part))
        if METHODS[method].on_grid:
            _check_cells(scene)
        candidates = yield from run(scene, **parameters)
        found.append(
            PlaneObjects.of(
                scene,
                candidates,
                refine=refine,
                split=split,
                n_objects=n_objects,
                min_confidence=min_confidence,
                min_area=min_area,
            ).within(planes.shapes[i], part)
        )
    yield Progress("planes", len(planes), len(planes))
    layout = PlaneLayout(planes.shapes, 1, planes.stacks, planes.is_list)
    return Localization(found, layout)


def scene_of(
    planes: Planes,
    number: int,
    backbone: Backbone,
    network: Any,
    part: tuple[slice, slice] = (slice(None), slice(None)),
) -> ObjectScene:
    """A plane, or a part of it, with its prepared features."""
    from ..backbones.extract import plan_layout
    from ..backbones.preparation import Preparation
    from ..spectral.features import preparation_kind
    from .scene import ObjectScene

    plane = np.ascontiguousarray(planes[number][part])
    stride = plan_layout(planes, backbone).stride
    features = backbone.features([plane], stride)[0]
    rows = features.reshape(-1, features.shape[-1])
    Preparation.fit(preparation_kind(backbone), rows).apply(rows)
    return ObjectScene(plane, rows.reshape(features.shape), stride, network)


def ready_backbone(
    planes: Planes,
    backbone: str | Backbone,
    stride: int | None,
    device: str | None,
    options: dict[str, Any],
) -> Backbone:
    """The backbone, loaded, with a grid that all pairs of cells can be compared on."""
    from ..backbones import backbone_entry, load_backbone

    if not isinstance(backbone, str):
        if options or stride is not None:
            given = ", ".join([*options, *(["stride"] if stride is not None else [])])
            raise InputError(
                f"{given} cannot be given beside a loaded backbone, which has its own. Give them "
                f"to load_backbone, or give the backbone's name."
            )
        return backbone
    entry = backbone_entry(backbone)
    if options.get("node") is None:
        options = {**options, "node": entry.object_node}
    if stride is None and entry.native_stride() is None:
        stride = _fitting_stride(planes.shapes)
    return load_backbone(backbone, stride=stride, device=device, **options)


def _fitting_stride(shapes: Sequence[tuple[int, int]]) -> int:
    """The finest power of two that gives no plane more cells than can all be compared."""
    for stride in _STRIDES:
        if max(-(-h // stride) * -(-w // stride) for h, w in shapes) <= _MOST_CELLS:
            return stride
    return _STRIDES[-1]


def _check_cells(scene: ObjectScene) -> None:
    cells = scene.grid.shape[0] * scene.grid.shape[1]
    if cells > 4 * _MOST_CELLS:
        raise InputError(
            f"A grid of {cells:,} cells is too large for a method that compares all pairs of them. "
            f"Give a larger stride than {scene.stride}, or choose method='auto'."
        )


def _sorted_options(method: str, options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of the method, and those of the backbone."""
    from ..backbones.registry import backbone_options

    of_backbone = {name: value for name, value in options.items() if name in backbone_options()}
    return {n: v for n, v in options.items() if n not in of_backbone}, of_backbone


def _check(n_objects: int | None, min_confidence: float, min_area: int) -> None:
    if n_objects is not None and (not is_number(n_objects, whole=True) or n_objects < 1):
        raise InputError(
            f"{n_objects!r} objects cannot be looked for. Give a whole number from 1, or None for "
            f"all."
        )
    if not is_number(min_confidence) or not 0 <= min_confidence <= 1:
        raise InputError(
            f"min_confidence {min_confidence!r} cannot be used. Give a number from 0, which always "
            f"gives an answer, to 1."
        )
    if not is_number(min_area) or min_area < 0:
        raise InputError(f"min_area {min_area!r} cannot be used. Give 0 or more pixels.")


def _compact(device: str | None) -> Any:
    from ..backbones.compact import Compact

    return Compact(device=device)
