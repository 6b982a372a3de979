"""What runs beside the window for "Masks and classes": masks, classes, and the curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..progress import Progress, Steps
from ..sam.automatic import COMPACT, automatic_masks_steps
from .history import Group
from .layers import block_in
from .segment_state import SegmentState
from .segments import Segments, instance_blocks

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Labels

    from ..sam import SamModels
    from ..sam.classes import SemanticClasses
    from ..sam.curve import ClusterCurve
    from ..sam.mask_set import MaskSet
    from .reading import Reading


@dataclass(frozen=True)
class ClassSettings:
    """How classes are found.

    Attributes
    ----------
    description : dict
        What masks are compared by, as `semantic_classes` takes it: "descriptor", "whiten",
        "size_weight", "color_weight", "remainder".
    clusterer : str
    n_classes : int or None
    parameters : dict
        Of the clusterer.
    """

    description: dict[str, Any]
    clusterer: str
    n_classes: int | None
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class FoundClasses:
    """Classes, made ready to be shown.

    Attributes
    ----------
    state : SegmentState
    blocks : list of arrays or None
        Label maps for new layers, one of every image, where none shows any classes yet.
    command : Group or None
        What leads to them from the classes of before.
    version : int
        Of the segments that the command was made for.
    """

    state: SegmentState
    blocks: list[NDArray] | None
    command: Group | None
    version: int


# Masks of every plane, and for each image the array that shows its own.
FoundMasks = tuple[tuple["MaskSet", ...], list[NDArray]]


def mask_steps(
    reading: Reading,
    model: str,
    options: dict[str, Any],
    checkpoint: Any = None,
    models: SamModels | None = None,
) -> Steps[FoundMasks]:
    """Masks of every plane, and arrays that show them; torch is imported here, in the thread.

    Parameters
    ----------
    reading
        Of one or several images.
    model, options
        As `automatic_masks` takes them.
    checkpoint
        File of weights for SAM in place of those installed.
    models
        What loads SAMs; of one that other widgets share, what was seen is shared, too.
    """
    # The first step is shown before anything heavy is loaded.
    yield Progress("loading", 0, 1)
    looker: Any = model
    if model != COMPACT:
        from ..sam import SamModels

        looker = yield from (models or SamModels()).load_steps(model, checkpoint)
    # SAM was trained on pictures of 8 bits as they are; only what the user chose is scaled for it.
    usual = model != COMPACT and reading.scaling == "stack"
    found = yield from automatic_masks_steps(
        reading.images(),
        looker,
        axes=reading.axes,
        channels=reading.channels,
        scaling=None if usual else reading.scaling,
        **options,
    )
    masks = tuple(found) if isinstance(found, list) else (found,)
    return masks, instance_blocks(reading.sources, masks)


def label_steps(reading: Reading, layers: Sequence[Labels]) -> Steps[FoundMasks]:
    """The labels of a layer for each image as masks, every label of every plane one."""
    from ..sam.mask_set import MaskSet

    masks: list[MaskSet] = []
    total = sum(source.n_planes for source in reading.sources)
    for source, layer in zip(reading.sources, layers, strict=True):
        data = block_in(layer, source)
        for plane in range(source.n_planes):
            yield Progress("masks", len(masks), total)
            labels = np.asarray(source.plane_in(data, plane))
            if labels.size and labels.min() < 0:
                raise InputError(
                    f"{layer.name!r} has labels below 0, which are no masks. Choose a layer whose "
                    f"labels are 0 where there is nothing, and above where there is a mask."
                )
            masks.append(MaskSet.of_labels(labels))
    return tuple(masks), instance_blocks(reading.sources, masks)


def class_steps(
    segments: Segments, settings: ClassSettings, *, known: SemanticClasses | None
) -> Steps[FoundClasses]:
    """Classes of masks.

    Parameters
    ----------
    segments
        The masks.
    settings
        How.
    known
        Classes whose descriptors are still right; None to describe the masks anew.
    """
    from ..sam.semantic import semantic_classes_steps

    if known is not None:
        yield Progress("classes", 0, 1)
        found = known.recluster(
            settings.clusterer, n_classes=settings.n_classes, **settings.parameters
        )
    else:
        yield Progress("loading", 0, 1)
        reading = segments.reading
        found = yield from semantic_classes_steps(
            reading.images(),
            list(segments.masks),
            axes=reading.axes,
            channels=reading.channels,
            scaling=reading.scaling,
            clusterer=settings.clusterer,
            n_classes=settings.n_classes,
            **settings.description,
            **settings.parameters,
        )
    return (yield from _ready_steps(segments, SegmentState(found, settings.description)))


def stored_class_steps(segments: Segments, path: Path, *, remainder: bool) -> Steps[FoundClasses]:
    """The classes of a file for these masks; those that are like none of them are noise.

    Parameters
    ----------
    segments
        The masks.
    path
        What `SemanticClasses.save` wrote.
    remainder
        Whether what is in no mask gets the nearest class.
    """
    from ..sam.applying import apply_steps
    from ..sam.classes import SemanticClasses

    yield Progress("loading", 0, 1)
    reading = segments.reading
    found = yield from apply_steps(
        SemanticClasses.load(path),
        reading.images(),
        list(segments.masks),
        axes=reading.axes,
        channels=reading.channels,
        scaling=reading.scaling,
        remainder=remainder,
    )
    return (yield from _ready_steps(segments, SegmentState(found, {"file": path.name})))


def save_class_steps(segments: Segments, path: Path) -> Steps[Path]:
    """Write masks, classes and colors as they are now to a file, for other images."""
    state = segments.state
    if state is None:
        raise InputError("There are no classes yet. Find them first.")
    yield Progress("writing", 0, 1)
    state.colored().save(path)
    return path


def _ready_steps(segments: Segments, after: SegmentState) -> Steps[FoundClasses]:
    """What shows a state: maps for new layers, or a command that changes those that there are."""
    yield Progress("labels", 0, 1)
    version = segments.version
    if segments.state is None or not segments.classes_layers:
        return FoundClasses(after, segments.blocks(after), None, version)
    command = yield from segments.edit_steps("cluster again", after)
    return FoundClasses(after, None, command, version)


def curve_steps(
    found: SemanticClasses, clusterer: str, parameters: dict[str, Any]
) -> Steps[ClusterCurve | None]:
    """The curve from which the distance of a clusterer is chosen; None of one without distance."""
    if clusterer not in DISTANCES:
        return None
    yield Progress("curve", 0, 1)
    rows = found.descriptors
    if (found.areas == 0).any():
        from ..sam.descriptors import Descriptors

        rows = Descriptors(rows.values[found.areas > 0], rows.names, rows.calibrated)
    if clusterer == "dbscan":
        from ..sam.curve import cluster_curve

        return cluster_curve(
            rows, min_samples=parameters["min_samples"], metric=parameters["metric"]
        )
    from ..sam.merges import merge_curve

    return merge_curve(rows, linkage=parameters["linkage"])


# The parameter of a clusterer that the curve is of.
DISTANCES = {"agglomerative": "distance", "dbscan": "eps"}
