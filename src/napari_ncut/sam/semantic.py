"""From masks to classes: what looks alike is one class, in all images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..imaging import Channels, PlaneLayout, Scaling, as_planes
from ..progress import Progress, Steps, run_steps
from .class_results import Remainder
from .classes import SemanticClasses
from .clusterers import DEFAULT_CLUSTERER, check_clusterer
from .descriptors import Description, DescriptorSpace, check_weight
from .given_masks import LEVEL, masks_of_planes
from .measuring import check_level, measured_steps
from .pooling import ready_descriptor

if TYPE_CHECKING:
    from ..backbones import Backbone, FeatureMaps
    from ..spectral import Embedding


def semantic_classes(
    images: Any,
    masks: Any = None,
    *,
    axes: str | Sequence[str | None] | None = None,
    descriptor: str | Backbone | FeatureMaps | Embedding = "compact",
    clusterer: str = DEFAULT_CLUSTERER,
    n_classes: int | None = None,
    whiten: bool = True,
    size_weight: float = 0.0,
    color_weight: float = 0.0,
    remainder: bool = False,
    level: float = LEVEL,
    channels: Channels = None,
    scaling: Scaling = "stack",
    device: str | None = None,
    random_state: int = 0,
    progress: Callable[[Progress], object] | None = None,
    **parameters: Any,
) -> SemanticClasses:
    """Sort masks into classes by what they show, jointly over all images.

    Parameters
    ----------
    images
        An image, a stack, or a list of images, see `napari_ncut.imaging.as_planes`.
    masks
        A `MaskSet`, one for every plane, or label maps shaped as the images without channels.
        Default: regions of `granularity` at `level`, which cover everything.
    axes, channels, scaling
        See `as_planes`.
    descriptor
        What masks are compared by: "compact" (the embedded network's kinds and features), "kind",
        "eigenvectors", the name of a backbone such as "sam:vit_b", a backbone, or `FeatureMaps` or
        an `Embedding` of these images. Every pixel of a mask counts once, however small it is.
    clusterer
        One of `napari_ncut.sam.CLUSTERERS`: "agglomerative", "ncut", "kmeans", "hdbscan", "dbscan".
    n_classes
        How many classes; None leaves it to the data. Not of "dbscan" and "hdbscan".
    whiten
        Bring features to like variance in all directions over all masks, so that what all share
        does not count. What distances of kinds mean is known: they are left as they are.
    size_weight, color_weight
        How much area and mean color count beside: at 1 a factor of four in area, or a quarter of
        the range of lightness, as much as being of another kind.
    remainder
        Give what is in no mask the nearest class, so that label maps have no gaps. Connected
        pieces of it are described like masks.
    level
        Of regions, 0 to 1, where no masks are given: higher gives fewer and larger ones.
    device
        Where networks compute.
    random_state
        Same input, same state: same classes.
    progress
        Called with a `Progress` as it goes.
    **parameters
        Of the clusterer, such as ``distance`` of "agglomerative", or ``eps``, ``min_samples`` and
        ``metric`` of "dbscan".

    Returns
    -------
    SemanticClasses

    Raises
    ------
    InputError
        If anything given cannot be used; nothing has been computed then.
    """
    steps = semantic_classes_steps(
        images,
        masks,
        axes=axes,
        descriptor=descriptor,
        clusterer=clusterer,
        n_classes=n_classes,
        whiten=whiten,
        size_weight=size_weight,
        color_weight=color_weight,
        remainder=remainder,
        level=level,
        channels=channels,
        scaling=scaling,
        device=device,
        random_state=random_state,
        **parameters,
    )
    return run_steps(steps, progress)


def semantic_classes_steps(
    images: Any,
    masks: Any = None,
    *,
    axes: str | Sequence[str | None] | None = None,
    descriptor: str | Backbone | FeatureMaps | Embedding = "compact",
    clusterer: str = DEFAULT_CLUSTERER,
    n_classes: int | None = None,
    whiten: bool = True,
    size_weight: float = 0.0,
    color_weight: float = 0.0,
    remainder: bool = False,
    level: float = LEVEL,
    channels: Channels = None,
    scaling: Scaling = "stack",
    device: str | None = None,
    random_state: int = 0,
    **parameters: Any,
) -> Steps[SemanticClasses]:
    """`semantic_classes` as a generator of progress, which may be closed to cancel."""
    check_clusterer(clusterer, n_classes, parameters, random_state)
    check_weight("size_weight", size_weight)
    check_weight("color_weight", color_weight)
    check_level(level)
    planes = as_planes(images, axes=axes, channels=channels, scaling=scaling)
    sets = None if masks is None else masks_of_planes(planes, masks)
    ready = ready_descriptor(descriptor, planes, device)
    measured = yield from measured_steps(
        planes,
        sets,
        ready,
        remainder=remainder,
        level=level,
        device=device,
        random_state=random_state,
    )
    yield Progress("classes", 0, 1)
    own, rest = measured.own, measured.rest
    space = DescriptorSpace.fit(
        own.rows(own.areas > 0),
        whiten=whiten,
        size_weight=float(size_weight),
        color_weight=float(color_weight),
    )
    found = SemanticClasses.found(
        measured.masks,
        PlaneLayout(planes.shapes, 1, planes.stacks, planes.is_list),
        space(own),
        remainder=None if rest is None else Remainder(measured.pieces, space(rest)),
        description=Description(
            descriptor if isinstance(descriptor, str) else None, space, planes.n_channels
        ),
        clusterer=clusterer,
        n_classes=n_classes,
        random_state=random_state,
        **parameters,
    )
    yield Progress("classes", 1, 1)
    return found
