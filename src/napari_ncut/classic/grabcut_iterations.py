"""GrabCut: a rectangle or a few strokes, and iterations that sharpen what they mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..declared import missing_because
from ..errors import InputError, is_number
from ..imaging import Channels, Scaling, as_planes
from ..progress import Progress, Steps, run_steps
from .grabcut_inputs import Mark, checked_marks, eight_bits, pixels_of, sides_of
from .grabcut_part import (
    BGD,
    FGD,
    PROBABLY_BGD,
    PROBABLY_FGD,
    Models,
    cut,
    models_of,
    models_of_middle,
)
from .pieces import label_pieces

REQUIRES = ("cv2", "classic")


@dataclass(frozen=True, eq=False)
class _Part:
    """What is cut by itself: the surroundings of a box, or all of the image.

    Attributes
    ----------
    box : tuple of int
        First and last row and column + 1 of what may be foreground; () of all of the image.
    window : (slice, slice)
        Of the image.
    foreground : bool array
        In the window, as it was cut last.
    models : Models or None
        None before the first cut.
    """

    box: tuple[int, ...]
    window: tuple[slice, slice]
    foreground: NDArray[np.bool_]
    models: Models | None = None


@dataclass(frozen=True, eq=False)
class GrabCutState:
    """Everything that iterations have found and are to go on from; never changed."""

    parts: tuple[_Part, ...] = ()
    marks: NDArray[np.uint8] | None = None
    seen: NDArray[np.uint8] | None = None


class GrabCut:
    """GrabCut of one plane: set once, iterate many times.

    Within every box, colors of foreground and background are learned in turns with a boundary that
    parts them where the image has edges. Boxes are cut one by one and put together. Without a box,
    marks of both foreground and background begin.

    Parameters
    ----------
    image
        One plane, gray, RGB or of channels (mixed to a color). dtype bool, integer or float.
    axes
        A letter for each dimension ("YX", "YXC", "CYX"); a 2-D array is "YX" without.
    channels, scaling
        As in `napari_ncut.segment_superpixels`. Colors have eight bits: intensities between the
        1st and the 99.8th percentile are told apart, unless `scaling` gives limits.
    margin
        How much of the image around a box tells of the background, in sides of the box; more
        tells of more of it and takes longer. None for all of the image.

    Attributes
    ----------
    shape : (int, int)

    Raises
    ------
    InputError
        If it is not one plane, or OpenCV is missing (extra ``classic``).

    Notes
    -----
    Rother, Kolmogorov and Blake, "GrabCut", SIGGRAPH 2004; OpenCV. Boxes (with their margin) of
    more than half a million pixels are cut on a coarser grid, and then in full along the boundary.

    Where things like that in a box lie around it, too, GrabCut often finds nothing but background.
    Colors of the middle of the box and of its corners begin then, and a round that would lose all
    that a box holds is not made.
    """

    def __init__(
        self,
        image: Any,
        *,
        axes: str | None = None,
        channels: Channels = None,
        scaling: Scaling = "stack",
        margin: float | None = 4.0,
    ) -> None:
        planes = as_planes(image, axes=axes, channels=channels, scaling=scaling)
        if len(planes) != 1:
            raise InputError(
                f"GrabCut works in one plane, but {len(planes)} were given. Choose one, for "
                f"example image[0]."
            )
        self._begin(planes[0], margin)

    @classmethod
    def of_plane(cls, plane: NDArray[np.float32], *, margin: float | None = 4.0) -> GrabCut:
        """GrabCut of a plane (h, w, c) in [0, 1], as `napari_ncut.imaging.as_planes` gives it."""
        cutter = cls.__new__(cls)
        cutter._begin(plane, margin)
        return cutter

    def _begin(self, plane: NDArray[np.float32], margin: float | None) -> None:
        missing = missing_because("GrabCut", REQUIRES)
        if missing:
            raise InputError(missing)
        if margin is not None and (not is_number(margin) or margin < 0):
            raise InputError(
                f"A margin of {margin!r} cannot be used. Give a number from 0, or None."
            )
        self._image = eight_bits(plane)
        self._margin = margin
        self._state = GrabCutState()

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self._image.shape[0], self._image.shape[1]

    @property
    def state(self) -> GrabCutState:
        """Where it stands; set it to one of before to go back there."""
        return self._state

    @state.setter
    def state(self, state: GrabCutState) -> None:
        self._state = state

    def set_boxes(self, boxes: ArrayLike | None) -> None:
        """Say around what to cut.

        Parameters
        ----------
        boxes
            (n, 4) rows of (row, column, row, column) in pixels, as of `napari_ncut.Box`: all pixels
            whose middles lie within may be foreground, those around are background. Those that
            were set before go on from where they are. None or no rows for none.

        Raises
        ------
        InputError
            If one has no area, or does not touch the image.
        """
        kept = {part.box: part for part in self._state.parts if part.box}
        spans = [] if boxes is None else pixels_of(boxes, self.shape)
        self._state = replace(
            self._state, parts=tuple(kept.get(box) or self._part(box) for box in spans)
        )

    def set_marks(self, marks: ArrayLike | None) -> None:
        """Say of single pixels what they are.

        Parameters
        ----------
        marks
            Whole numbers (h, w) of `Mark`: 0 nothing, 1 foreground, 2 background, 3 probably
            foreground, 4 probably background. What is certain stays so; what is probable is a new
            start that iterations may change again. None for none.

        Raises
        ------
        InputError
            If they have another shape or other numbers.
        """
        self._state = replace(
            self._state, marks=None if marks is None else checked_marks(marks, self.shape)
        )

    def iterate(self, n: int = 1) -> NDArray[np.bool_]:
        """Learn colors and cut, `n` times; gives the mask.

        Raises
        ------
        InputError
            If nothing says what is foreground, or nothing what is background.
        """
        return run_steps(self.iterate_steps(n))

    def iterate_steps(self, n: int = 1) -> Steps[NDArray[np.bool_]]:
        """`iterate` as a generator of progress; closed before its end, nothing has changed."""
        if not is_number(n, whole=True) or n < 1:
            raise InputError(f"{n!r} iterations cannot be made. Give a whole number from 1.")
        state = self._begun()
        total = n * len(state.parts)
        for i in range(n):
            parts = []
            for j, part in enumerate(state.parts):
                yield Progress("cutting", i * len(state.parts) + j, total)
                parts.append((yield from self._cut_steps(part, state)))
            state = replace(state, parts=tuple(parts), seen=state.marks)
        yield Progress("cutting", total, total)
        self._state = state
        return self.mask

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Where the foreground is, (h, w), after the last iteration; nowhere before the first."""
        mask = np.zeros(self.shape, dtype=bool)
        for part in self._state.parts:
            if part.models is not None:
                mask[part.window] |= part.foreground
        marks = self._state.seen
        if marks is not None:
            mask[marks == Mark.FOREGROUND] = True
            mask[marks == Mark.BACKGROUND] = False
        return mask

    def segments(self, *, background: bool = True) -> NDArray[np.int32]:
        """Connected pieces (by sides of pixels) as labels (h, w).

        Pieces of the foreground have the first numbers, from 1; those of the background follow,
        or are 0 with ``background=False``. Before the first iteration all is background.
        """
        return label_pieces(self.mask, background=background)

    # -------------------------------------------------------------------------------------- inside

    def _part(self, box: tuple[int, ...]) -> _Part:
        height, width = self.shape
        top, left, bottom, right = box or (0, 0, height, width)
        around = (
            (height, width)
            if self._margin is None
            # A little of the background is needed around the thinnest box, too.
            else (
                max(int(np.ceil(self._margin * (bottom - top))), 8),
                max(int(np.ceil(self._margin * (right - left))), 8),
            )
        )
        window = (
            slice(max(top - around[0], 0), min(bottom + around[0], height)),
            slice(max(left - around[1], 0), min(right + around[1], width)),
        )
        foreground = np.zeros(self.shape, dtype=bool)[window]
        if box:
            foreground[self._inside(box, window)] = True
        return _Part(box, window, foreground)

    @staticmethod
    def _inside(box: tuple[int, ...], window: tuple[slice, slice]) -> tuple[slice, slice]:
        """A box within a window."""
        rows, columns = window[0].start, window[1].start
        return slice(box[0] - rows, box[2] - rows), slice(box[1] - columns, box[3] - columns)

    def _begun(self) -> GrabCutState:
        """The state with at least one part; an `InputError` if nothing says what to cut."""
        state = self._state
        if any(part.box for part in state.parts):
            return state
        given = set() if state.marks is None else set(np.unique(state.marks).tolist())
        for name, sure, probable in (
            ("foreground", Mark.FOREGROUND, Mark.PROBABLY_FOREGROUND),
            ("background", Mark.BACKGROUND, Mark.PROBABLY_BACKGROUND),
        ):
            if not given & {sure, probable}:
                raise InputError(
                    f"Nothing says what is {name}. Draw a box around the foreground, or mark some "
                    f"pixels of both foreground and background."
                )
        return state if state.parts else replace(state, parts=(self._part(()),))

    def _cut_steps(self, part: _Part, state: GrabCutState) -> Steps[_Part]:
        image, mask = self._image[part.window], self._numbers(part, state)
        marked = None if state.marks is None else state.marks[part.window]
        is_foreground = (mask == FGD) | (mask == PROBABLY_FGD)
        if not is_foreground.any():
            # Nothing is left of it: only new marks can bring it back.
            return replace(part, foreground=is_foreground, models=part.models or _nothing(image))
        if is_foreground.all():
            raise InputError(
                "A box covers all of the image, so that nothing says what is background. Draw it "
                "with some background around, or mark background."
            )
        models, learn = part.models, True
        if models is None and not part.box:
            # What is not marked is unknown: the first cut knows the colors of marks alone.
            assert marked is not None
            sides = sides_of(marked)
            models, learn = models_of(image[sides[0]], image[sides[1]]), False
        elif models is not None and not part.foreground.any():
            models = None
        found = yield from _driven(image, mask, models, learn)
        is_open = (mask == PROBABLY_FGD) | (mask == PROBABLY_BGD)
        if part.box and is_open.any() and not (found[0] & is_open).any():
            # Whoever draws a box means something in it: a round that loses it is not made.
            if part.models is not None:
                return part
            middle = models_of_middle(image, mask, self._inside(part.box, part.window))
            if middle is not None:
                found = yield from _driven(image, mask, middle, False)
        return replace(part, foreground=found[0], models=found[1])

    def _numbers(self, part: _Part, state: GrabCutState) -> NDArray[np.uint8]:
        """OpenCV's numbers: where it stands, as far as boxes and marks leave it open."""
        mask = np.where(part.foreground, PROBABLY_FGD, PROBABLY_BGD).astype(np.uint8)
        marked = None if state.marks is None else state.marks[part.window]
        if part.box:
            outside = np.ones(mask.shape, dtype=bool)
            outside[self._inside(part.box, part.window)] = False
            if marked is not None:
                # Whoever calls something probable leaves it open, outside of the box, too.
                outside &= marked < Mark.PROBABLY_FOREGROUND
            mask[outside] = BGD
        if marked is not None:
            seen = state.seen
            new = np.ones(mask.shape, bool) if seen is None else marked != seen[part.window]
            if part.models is None:
                new[:] = True
            mask[new & (marked == Mark.PROBABLY_FOREGROUND)] = PROBABLY_FGD
            mask[new & (marked == Mark.PROBABLY_BACKGROUND)] = PROBABLY_BGD
            mask[marked == Mark.FOREGROUND] = FGD
            mask[marked == Mark.BACKGROUND] = BGD
        return mask


def grabcut(
    image: Any,
    *,
    axes: str | None = None,
    boxes: ArrayLike | None = None,
    marks: ArrayLike | None = None,
    iterations: int = 5,
    channels: Channels = None,
    scaling: Scaling = "stack",
    margin: float | None = 4.0,
    progress: Callable[[Progress], object] | None = None,
) -> NDArray[np.bool_]:
    """Part the foreground in boxes, or that of marks, from the background.

    Parameters
    ----------
    image, axes, channels, scaling, margin
        One plane; as of `GrabCut`.
    boxes
        (n, 4) rows of (row, column, row, column) in pixels; each is cut by itself.
    marks
        Whole numbers (h, w) of `Mark`. Needed without boxes.
    iterations
        More follows colors further; three to ten are usual.
    progress
        Called with a `Progress` before every cut and at the end.

    Returns
    -------
    bool array (h, w)
        True in the foreground.

    Raises
    ------
    InputError
        If nothing says what is foreground, or nothing what is background, or boxes or marks do not
        fit the image.
    """
    cutter = GrabCut(image, axes=axes, channels=channels, scaling=scaling, margin=margin)
    cutter.set_boxes(boxes)
    cutter.set_marks(marks)
    return run_steps(cutter.iterate_steps(iterations), progress)


def _driven(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], models: Models | None, learn: bool
) -> Steps[tuple[NDArray[np.bool_], Models]]:
    """A cut as steps."""
    for result in cut(image, mask, models, learn=learn):
        if result is not None:
            return result
        yield Progress("boundary", 0, 1)
    raise AssertionError("a cut ends with its result")


def _nothing(image: NDArray[np.uint8]) -> Models:
    """Colors of a part that is all background."""
    colors = image.reshape(-1, 3)
    return models_of(colors, colors)
