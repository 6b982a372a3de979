"""What was annotated in an image: classes, their names and colors, and single things."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .colors import default_color


@dataclass(frozen=True, eq=False)
class Annotations:
    """Classes painted on an image.

    Attributes
    ----------
    labels : int32 array (h, w), or with planes before
        The class of every pixel, 0 for none.
    names, colors : dict
        Of classes: label → name, label → "#rrggbb". Those that nothing is painted of may be there.
    instances : int32 array, or None
        Numbers of things from 1, 0 for none; None where the file tells only classes.
    """

    labels: NDArray[np.int32] = field(repr=False)
    names: dict[int, str] = field(default_factory=dict)
    colors: dict[int, str] = field(default_factory=dict)
    instances: NDArray[np.int32] | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        labels: ArrayLike,
        classes: Mapping[int, str] | None = None,
        colors: Mapping[int, str] | None = None,
        instances: ArrayLike | None = None,
    ) -> Annotations:
        """Checked; classes without a name are called "class 3", those without a color get one."""
        data = _whole("labels", labels)
        things = None if instances is None else _whole("instances", instances)
        if things is not None and things.shape != data.shape:
            raise InputError(
                f"Labels have shape {data.shape}, but instances {things.shape}. Give maps of one "
                f"image."
            )
        if data.ndim < 2:
            raise InputError(f"Labels of shape {data.shape} are no image. Give rows and columns.")
        numbers = [int(n) for n in np.unique(data) if n]
        given = {int(label): str(name) for label, name in (classes or {}).items()}
        if any(label < 1 for label in given):
            raise InputError("Classes are numbered from 1. 0 is what is not painted.")
        names = {n: given.get(n, f"class {n}") for n in sorted({*numbers, *given})}
        own = {int(label): str(color) for label, color in (colors or {}).items()}
        return cls(data, names, {n: own.get(n, default_color(n)) for n in names}, things)

    @property
    def planes(self) -> NDArray[np.int32]:
        """Labels (n, h, w)."""
        return self.labels.reshape(-1, *self.labels.shape[-2:])

    def objects(self) -> list[tuple[NDArray[np.int32], NDArray[np.int64]]]:
        """Of every plane numbers of its things from 1, (h, w), and the class of each number.

        Without instances a thing is what hangs together of a class, by sides of pixels; one
        instance of two classes is two things. The class of number 0 is 0.
        """
        things = None if self.instances is None else self.instances.reshape(self.planes.shape)
        return [
            _objects(labels, None if things is None else things[i])
            for i, labels in enumerate(self.planes)
        ]


def _whole(what: str, given: ArrayLike) -> NDArray[np.int32]:
    data = np.asarray(given)
    if data.dtype.kind not in "biu" or data.size == 0:
        raise InputError(
            f"The {what} have shape {data.shape} and dtype {data.dtype}. Give whole numbers from 0."
        )
    if data.min() < 0 or data.max() > np.iinfo(np.int32).max:
        raise InputError(
            f"The {what} go from {data.min()} to {data.max()}. Give numbers from 0 to 2³¹ − 1."
        )
    return data.astype(np.int32, copy=False)


def _objects(
    labels: NDArray[np.int32], things: NDArray[np.int32] | None
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    from skimage.measure import label

    if things is None or not things.any():
        found = label(labels, connectivity=1, background=0).astype(np.int32)
    else:
        inside = (labels > 0) & (things > 0)
        # Numbers of things first: where each has one class, the order stays theirs.
        both = things[inside].astype(np.int64) << 32 | labels[inside]
        values, inverse = np.unique(both, return_inverse=True)
        rest = label(np.where(things > 0, 0, labels), connectivity=1, background=0)
        found = np.where(rest > 0, rest + len(values), 0).astype(np.int32)
        found[inside] = inverse + 1
    classes = np.zeros(int(found.max()) + 1, np.int64)
    classes[found] = labels
    return found, classes


def paint_objects(
    pixels: NDArray[np.int64],
    objects: NDArray[np.int64],
    classes: Sequence[int] | NDArray,
    shape: tuple[int, ...],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Class and number (from 1) of what lies at every pixel; of what overlaps the smaller is seen.

    Parameters
    ----------
    pixels, objects
        Flat indices of pixels, and the object (from 0) that each belongs to.
    classes
        Of every object.
    shape
        Of the maps.
    """
    areas = np.bincount(objects, minlength=len(classes))
    order = np.argsort(-areas[objects], kind="stable")
    things = np.zeros(int(np.prod(shape)), np.int32)
    things[pixels[order]] = objects[order] + 1
    of_class = np.append(0, np.asarray(classes, np.int64)).astype(np.int32)
    things = things.reshape(shape)
    return of_class[things], things


def numbered_classes(
    found: Iterable[str], known: Mapping[int, str] | None = None
) -> dict[str, int]:
    """A number for every class name: that of a known class, or the next that is free."""
    numbers = {name: int(label) for label, name in (known or {}).items()}
    for name in found:
        if name not in numbers:
            numbers[name] = max(numbers.values(), default=0) + 1
    return numbers


def as_planes(shape: Sequence[int], what: str) -> tuple[int, int, int]:
    """Number of planes, rows and columns of a plane or a stack; an `InputError` for others."""
    sizes = tuple(int(size) for size in shape)
    if len(sizes) not in (2, 3) or min(sizes, default=0) < 1:
        raise InputError(
            f"{what} keeps planes and stacks, (h, w) or (n, h, w), but the shape is {sizes}. Write "
            f"label TIFF instead."
        )
    return (1, *sizes) if len(sizes) == 2 else sizes  # type: ignore[return-value]
