"""Stored classes for masks of other images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..imaging import Channels, PlaneLayout, Scaling, as_planes
from ..progress import Progress, Steps
from .class_results import Remainder
from .classes import NOISE, SemanticClasses
from .given_masks import LEVEL
from .measuring import measured_steps
from .nearest import NearestClass
from .pooling import ready_descriptor


def apply_steps(
    known: SemanticClasses,
    images: Any,
    masks: Any = None,
    *,
    axes: str | Sequence[str | None] | None = None,
    descriptor: Any = None,
    remainder: bool = False,
    level: float = LEVEL,
    channels: Channels = None,
    scaling: Scaling = "stack",
    device: str | None = None,
) -> Steps[SemanticClasses]:
    """`SemanticClasses.apply` as a generator of progress, which may be closed to cancel."""
    description = known.description
    nearest = NearestClass.of(known.descriptors, known.classes, known.noise)
    if not len(nearest.numbers):
        raise InputError("There is no class but noise, so nothing can be found again.")
    if description is None or (descriptor is None and description.descriptor is None):
        raise InputError(
            "The classes were found by features that were given, and are not known by name. Give "
            "the same ones of the other images as `descriptor`."
        )
    chosen: Any = description.descriptor if descriptor is None else descriptor
    if chosen == "eigenvectors":
        raise InputError(
            "Eigenvectors belong to the images that were cut together, so classes found by them "
            "mean nothing in others. Find the classes by another descriptor, or in all images at "
            "once."
        )
    planes = as_planes(images, axes=axes, channels=channels, scaling=scaling)
    # Gray images go with colors, as they do in a list.
    planes = planes.with_channels(description.n_channels)
    ready = ready_descriptor(chosen, planes, device)
    measured = yield from measured_steps(
        planes, masks, ready, remainder=remainder, level=level, device=device
    )
    yield Progress("classes", 0, 1)
    described = description.space(measured.own)
    if described.names != known.descriptors.names:
        raise InputError(
            "The masks were described by other numbers than the classes. Compare by the same "
            "descriptor, and give images of the same channels."
        )
    classes = np.where(measured.own.areas > 0, nearest(described), 0)
    names, noise = dict(known.names), known.noise
    if (classes < 0).any() and noise is None:
        noise = max(names) + 1
        names[noise] = NOISE
    classes[classes < 0] = noise or 0
    rest = None
    if measured.rest is not None:
        rest = Remainder(measured.pieces, description.space(measured.rest))
    found = SemanticClasses(
        measured.masks,
        PlaneLayout(planes.shapes, 1, planes.stacks, planes.is_list),
        classes.astype(np.int32),
        described,
        names,
        noise,
        known.clusterer,
        dict(known.parameters),
        rest,
        description,
        dict(known.colors),
    )
    yield Progress("classes", 1, 1)
    return found
