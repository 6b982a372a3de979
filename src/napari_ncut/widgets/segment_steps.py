"""What runs beside the window for "Masks and classes": masks, classes, and the curve."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..progress import Progress, Steps
from ..sam.automatic import COMPACT, automatic_masks_steps
from .history import Group
from .segments import Segments, SegmentState, block_of, instance_block

if TYPE_CHECKING:
    from napari.layers import Labels

    from ..sam.classes import SemanticClasses
    from ..sam.curve import ClusterCurve
    from ..sam.mask_set import MaskSet
    from .layers import Source
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
    block : array or None
        Label maps for a new layer.
    command : Group or None
        What leads to them from the classes of before.
    version : int
        Of the segments that the command was made for.
    """

    state: SegmentState
    block: NDArray | None
    command: Group | None
    version: int


def mask_steps(
    reading: Reading, model: str, options: dict[str, Any], checkpoint: Any = None
) -> Steps[tuple[tuple[MaskSet, ...], NDArray]]:
    """Masks of every plane, and the array that shows them; torch is imported here, in the thread.

    Parameters
    ----------
    reading
        Of one image.
    model, options
        As `automatic_masks` takes them.
    checkpoint
        File of weights for SAM in place of those installed.
    """
    # The first step is shown before anything heavy is loaded.
    yield Progress("loading", 0, 1)
    looker: Any = model
    if checkpoint is not None:
        from ..sam.segmenter import SamSegmenter

        looker = SamSegmenter(model, checkpoint=checkpoint)
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
    return masks, instance_block(reading.sources[0], masks)


def label_steps(reading: Reading, layer: Labels) -> Steps[tuple[tuple[MaskSet, ...], NDArray]]:
    """The labels of a layer as masks, every label of every plane one."""
    from ..sam.mask_set import MaskSet

    source = reading.sources[0]
    data = _block(layer, source)
    masks = []
    for plane in range(source.n_planes):
        yield Progress("masks", plane, source.n_planes)
        labels = np.asarray(source.plane_in(data, plane))
        if labels.size and labels.min() < 0:
            raise InputError(
                f"{layer.name!r} has labels below 0, which are no masks. Choose a layer whose "
                f"labels are 0 where there is nothing, and above where there is a mask."
            )
        masks.append(MaskSet.of_labels(labels))
    return tuple(masks), instance_block(source, tuple(masks))


def _block(layer: Labels, source: Source) -> Any:
    data = layer.data[0] if layer.multiscale else layer.data
    if tuple(data.shape) == source.shape:
        return data
    if tuple(data.shape) != source.whole_shape():
        raise InputError(
            f"{layer.name!r} has another size than what is read of {source.name!r}. Choose a layer "
            f"that lies on it pixel by pixel."
        )
    places = zip(source.starts, source.sizes, source.names, strict=True)
    key = tuple(
        slice(0 if n == "C" else int(a), None if n == "C" else int(a + s)) for a, s, n in places
    )
    return data[key]


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
    yield Progress("labels", 0, 1)
    version, before = segments.version, segments.state
    after = SegmentState(found, settings.description)
    if before is None or segments.classes_layer is None:
        return FoundClasses(after, block_of(segments.source, after.planes()), None, version)
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
