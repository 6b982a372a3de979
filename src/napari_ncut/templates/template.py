"""What is looked for: an image of it, where to compare, and what to paint over its copies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, is_number, regular_array
from ..imaging import Channels
from .reading import lone_plane

# The rim of a painted thing that is compared, too, as a share of the thing's width: how it stands
# out from what is around it tells more than an even inside.
_RIM_SHARE = 0.15
_LEAST_RIM = 2


@dataclass(frozen=True, eq=False)
class Template:
    """Something whose copies are to be found.

    Made by `from_arrays`, `from_files`, `from_painted` or `from_area`.

    Attributes
    ----------
    image : float64 array (h, w, c)
        What it looks like; intensities of integers are shares of the range of their dtype.
    attention : bool array (h, w)
        Where it is compared.
    segment : int32 array (h, w)
        Labels that are painted over a copy.
    mask : bool array (h, w)
        Which of them are.
    """

    image: NDArray[np.float64]
    attention: NDArray[np.bool_]
    segment: NDArray[np.int32]
    mask: NDArray[np.bool_]

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.image.shape[0], self.image.shape[1]

    @classmethod
    def from_arrays(
        cls,
        template: ArrayLike,
        attention: ArrayLike | None = None,
        segment: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        *,
        axes: str | None = None,
        channels: Channels = None,
    ) -> Template:
        """A template of images, as icas takes them.

        Parameters
        ----------
        template
            What is looked for: one plane, gray, RGB (alpha is dropped) or of channels.
        attention
            (h, w), or with colors: it is compared where this is not 0. Default: everywhere but in
            the black area at its border.
        segment
            Labels (h, w) to paint; of an image in colors each color is a label, from 1 in the order
            in which they come, and black is 0. Default: 1 where it is compared.
        mask
            (h, w), or with colors: pixels of `segment` that are painted, those that are not 0.
            Default: all that are not black.
        axes, channels
            Of `template`; a 2-D array is "YX" without.

        Raises
        ------
        InputError
            If they do not fit each other, or there is nothing to compare or to paint.
        """
        image = lone_plane("template", template, axes, channels)
        shape = image.shape[:2]
        finite = np.asarray(np.isfinite(image).all(axis=-1))
        where = (
            _without_black_border(image)
            if attention is None
            else _not_zero("attention", attention, shape)
        )
        labels = where.astype(np.int32) if segment is None else _labels(segment, shape)
        painted = labels > 0 if mask is None else _not_zero("mask", mask, shape)
        return cls(
            np.where(finite[..., None], image, 0.0), where & finite, labels, painted
        )._checked()

    @classmethod
    def from_files(
        cls,
        template: str | Path,
        attention: str | Path | None = None,
        segment: str | Path | None = None,
        mask: str | Path | None = None,
        *,
        axes: str | None = None,
        channels: Channels = None,
    ) -> Template:
        """A template of image files: `from_arrays` of what they hold.

        Parameters
        ----------
        template, attention, segment, mask
            Files, of one size; all but the first may be left out.
        axes, channels
            Of the first, where its file does not tell axes.
        """
        from ..io import read_image

        first = read_image(template, axes=axes)
        others = [
            None if path is None else np.asarray(read_image(path).data)
            for path in (attention, segment, mask)
        ]
        return cls.from_arrays(first.data, *others, axes=first.axes, channels=channels)

    @classmethod
    def from_painted(
        cls,
        image: Any,
        painted: ArrayLike,
        *,
        at: tuple[float, float] | None = None,
        label: int | None = None,
        axes: str | None = None,
        channels: Channels = None,
        rim: int | None = None,
    ) -> Template:
        """A template of a thing that is painted.

        It is compared over the thing and a rim around it; its label is what is painted on copies.

        Parameters
        ----------
        image
            One plane.
        painted
            Labels (h, w), 0 where nothing is painted.
        at
            (row, column) of a pixel of the thing: all that hangs together with it, by sides of
            pixels of the same label.
        label
            Which label, in place of `at`: its largest connected piece.
        axes, channels
            Of `image`.
        rim
            Pixels around the thing that are compared, too. Default: some 15% of its width.

        Raises
        ------
        InputError
            If nothing is painted there.
        """
        from scipy.ndimage import label as connected

        labels = _painted(painted)
        if (at is None) == (label is None):
            raise InputError("Say which painted thing is meant: give one of `at` and `label`.")
        if at is not None:
            row, column = (int(np.floor(place + 0.5)) for place in at)
            inside = 0 <= row < labels.shape[0] and 0 <= column < labels.shape[1]
            label = int(labels[row, column]) if inside else 0
            if not label:
                raise InputError(
                    f"Nothing is painted at row {row}, column {column}. Give a pixel of the thing."
                )
            pieces, _ = connected(labels == label)
            chosen = pieces == pieces[row, column]
        else:
            pieces, n_pieces = connected(labels == label)
            if not n_pieces or label == 0:
                raise InputError(f"Nothing is painted with label {label}. Paint one copy first.")
            chosen = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
        grown = _with_rim(chosen, rim)
        return cls.from_area(
            image, np.where(chosen, labels, 0), grown, axes=axes, channels=channels
        )

    @classmethod
    def from_area(
        cls,
        image: Any,
        painted: ArrayLike,
        area: ArrayLike,
        *,
        axes: str | None = None,
        channels: Channels = None,
    ) -> Template:
        """A template of an area, with whatever is painted in it.

        Parameters
        ----------
        image
            One plane.
        painted
            Labels (h, w), 0 where nothing is painted.
        area
            bool (h, w): where it is compared.
        axes, channels
            Of `image`.

        Raises
        ------
        InputError
            If nothing is painted in the area.
        """
        plane = lone_plane("image", image, axes, channels)
        labels, where = _painted(painted), np.asarray(area, dtype=bool)
        if labels.shape != plane.shape[:2] or where.shape != labels.shape:
            raise InputError(
                f"The image has {plane.shape[:2]} pixels, but what is painted {labels.shape} and "
                f"the area {where.shape}. Give all of one size."
            )
        if not (labels[where] > 0).any():
            raise InputError("Nothing is painted in that area. Paint one copy first.")
        window = bounds_of(where)
        part = plane[window]
        finite = np.asarray(np.isfinite(part).all(axis=-1))
        return cls(
            np.where(finite[..., None], part, 0.0),
            where[window] & finite,
            labels[window],
            (labels[window] > 0) & where[window],
        )._checked()

    def with_label(self, label: int) -> Template:
        """The same, whose copies are painted with one label."""
        if not is_number(label, whole=True) or label < 1:
            raise InputError(f"Label {label!r} cannot be painted. Give a whole number from 1.")
        return Template(
            self.image, self.attention, np.where(self.mask, label, 0).astype(np.int32), self.mask
        )

    def _checked(self) -> Template:
        if not self.attention.any():
            raise InputError(
                "There is nothing to compare: the template is black, or its attention is 0 "
                "everywhere. Give a template that shows something."
            )
        if not (self.mask & (self.segment > 0)).any():
            raise InputError(
                "There is nothing to paint: the segment or its mask is 0 everywhere. Give a "
                "segment that has a label."
            )
        return Template(self.image, self.attention, self.segment, self.mask & (self.segment > 0))


def _without_black_border(image: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Everywhere but in what is black and hangs together with the border."""
    from scipy.ndimage import label

    black = ~np.nan_to_num(image).any(axis=-1)
    pieces, _ = label(np.pad(black, 1, constant_values=True))
    outside: NDArray[np.bool_] = pieces[1:-1, 1:-1] == pieces[0, 0]
    return ~outside


def _not_zero(what: str, given: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    array = _fitting(what, given, shape)
    # Alpha says nothing: a black pixel that is opaque is black.
    return np.asarray(array != 0 if array.ndim == 2 else (array[..., :3] != 0).any(axis=-1))


def _labels(segment: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.int32]:
    array = _fitting("segment", segment, shape)
    if array.ndim == 2:
        if array.dtype.kind not in "biu" or array.min() < 0:
            raise InputError(
                f"A segment of dtype {array.dtype} cannot be painted. Give whole numbers from 0, "
                f"or an image in colors."
            )
        return array.astype(np.int32)
    colors, first, inverse = np.unique(
        array[..., :3].reshape(-1, array[..., :3].shape[-1]),
        axis=0,
        return_index=True,
        return_inverse=True,
    )
    is_color = colors.any(axis=1)
    numbers = np.zeros(len(colors), np.int32)
    order = np.argsort(np.where(is_color, first, len(inverse)), kind="stable")
    numbers[order] = np.arange(1, len(colors) + 1)
    numbers[~is_color] = 0
    return numbers[inverse.ravel()].reshape(shape)


def _fitting(what: str, given: ArrayLike, shape: tuple[int, ...]) -> NDArray:
    array = regular_array(f"The {what}", given)
    if array.shape[:2] != shape or array.ndim not in (2, 3):
        raise InputError(
            f"The {what} has the shape {array.shape}, but the template has {shape[0]} × {shape[1]} "
            f"pixels. Give one of the same size."
        )
    return array


def _painted(painted: ArrayLike) -> NDArray[np.int32]:
    labels = regular_array("What is painted", painted)
    if labels.ndim != 2 or labels.dtype.kind not in "biu":
        raise InputError(
            f"Painted labels of shape {labels.shape} and dtype {labels.dtype} cannot be used. Give "
            f"whole numbers (h, w)."
        )
    return labels.astype(np.int32)


def _with_rim(chosen: NDArray[np.bool_], rim: int | None) -> NDArray[np.bool_]:
    """A thing grown by its rim."""
    from scipy.ndimage import distance_transform_edt

    if rim is None:
        rim = max(_LEAST_RIM, round(_RIM_SHARE * float(chosen.sum()) ** 0.5))
    if not is_number(rim, whole=True) or rim < 0:
        raise InputError(f"A rim of {rim!r} pixels cannot be used. Give a whole number from 0.")
    rows, columns = bounds_of(chosen)
    window = (
        slice(max(rows.start - rim, 0), rows.stop + rim),
        slice(max(columns.start - rim, 0), columns.stop + rim),
    )
    grown = np.zeros_like(chosen)
    grown[window] = distance_transform_edt(~chosen[window]) <= rim
    return grown


def bounds_of(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The smallest window around all that is true; something has to be."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
