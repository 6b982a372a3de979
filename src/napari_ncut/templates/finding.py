"""Finding copies: scores of all places, their peaks, and none on top of a better one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, check_choice, is_number
from ..imaging import Channels, as_planes
from ..progress import Progress, Steps, run_steps
from .matches import Matches
from .painting import window_of
from .reading import read_plane, with_channels_of
from .scoring import MEASURES, ScoreMap, score_steps
from .template import Template
from .turning import Variant, variants_of

# Peaks that are looked at in a plane, the best ones. An image of ten million pixels holds no more
# copies of anything that can be recognized.
_MOST_PEAKS = 20_000


def find_copies(
    image: Any,
    template: Template | Sequence[Template] | ArrayLike,
    *,
    axes: str | None = None,
    channels: Channels = None,
    attention: ArrayLike | None = None,
    rotations: Sequence[float] = (0.0,),
    scales: Sequence[float] = (1.0,),
    threshold: float | None = None,
    max_overlap: float = 0.3,
    measure: str = "correlation",
    progress: Callable[[Progress], object] | None = None,
) -> Matches:
    """Find copies of a template in an image.

    Parameters
    ----------
    image
        An image or a stack, whose planes are searched one by one. dtype bool, integer or float;
        nothing is found where it is not finite.
    template
        What is looked for; or several, of which the best counts at every place; or an array (h, w),
        or (h, w, c) as the planes of the image.
    axes, channels
        Of the image; as of `napari_ncut.segment_superpixels`.
    attention
        Of a template that is an array: where it is compared. Default: everywhere but in the black
        area at its border.
    rotations
        Angles, in degrees counterclockwise as one sees it, at which copies may lie. Steps as wide
        as one diameter turns a pixel or two at the edge are fine enough: 5 to 15 for most things.
    scales
        Factors by which copies may be larger or smaller.
    threshold
        Least score, −1 to 1. Higher finds fewer, surer ones. None for the best place of every plane
        alone.
    max_overlap
        Share of a copy that may lie on better ones, 0 to 1. Higher lets things lie closer.
    measure
        "correlation": the pattern counts, whatever the brightness and contrast; a score of 0 on
        even ground. "difference": brightness and color count, too.
    progress
        Called with a `Progress` before every piece of work and at the end.

    Returns
    -------
    Matches
        The best of every plane first.

    Raises
    ------
    InputError
        If template and image do not fit, or a parameter cannot be used.

    Notes
    -----
    Scores are exact, by Fourier transforms (Lewis, "Fast normalized cross-correlation", 1995, with
    a mask). Copies have to lie wholly in the image.
    """
    steps = find_copies_steps(
        image,
        template,
        axes=axes,
        channels=channels,
        attention=attention,
        rotations=rotations,
        scales=scales,
        threshold=threshold,
        max_overlap=max_overlap,
        measure=measure,
    )
    return run_steps(steps, progress)


def find_copies_steps(
    image: Any,
    template: Template | Sequence[Template] | ArrayLike,
    *,
    axes: str | None = None,
    channels: Channels = None,
    attention: ArrayLike | None = None,
    rotations: Sequence[float] = (0.0,),
    scales: Sequence[float] = (1.0,),
    threshold: float | None = None,
    max_overlap: float = 0.3,
    measure: str = "correlation",
) -> Steps[Matches]:
    """`find_copies` as a generator of progress, which may be closed to cancel."""
    chosen = MEASURES[check_choice("measure", measure, MEASURES)]
    if threshold is not None:
        _check_share("threshold", threshold, -1)
    _check_share("max_overlap", max_overlap, 0)
    planes = as_planes(image, axes=axes, channels=channels)
    if planes.is_list:
        raise InputError("Copies are found in one image, but a list was given. Give them singly.")
    templates = _templates(template, attention)
    variants = variants_of(
        [_with_channels(one, planes.n_channels) for one in templates], rotations, scales
    )
    for variant in variants:
        chosen.check(variant)
    _check_fits(variants, planes.shapes)
    found = []
    for index in range(len(planes)):
        scores: Any = None
        for scores in score_steps(read_plane(planes, index), variants, chosen):
            if isinstance(scores, tuple):
                done, total = scores
                yield Progress("comparing", index * total + done, len(planes) * total)
        found.append(_peaks(scores, variants, index, threshold, max_overlap))
    yield Progress("comparing", 1, 1)
    return Matches.joined(found)


def _check_share(name: str, value: float, low: float) -> None:
    if not is_number(value) or not low <= value <= 1:
        raise InputError(f"{name} {value!r} cannot be used. Give a number from {low} to 1.")


def _templates(given: Any, attention: ArrayLike | None) -> list[Template]:
    several = list(given) if isinstance(given, list | tuple) else [given]
    if several and all(isinstance(one, Template) for one in several):
        if attention is not None:
            raise InputError(
                "attention is of a template that is an array. A Template has its own: leave it out."
            )
        return several
    array = np.asarray(given)
    return [Template.from_arrays(array, attention, axes="YX" if array.ndim == 2 else "YXC")]


def _with_channels(template: Template, n_channels: int) -> Template:
    image = with_channels_of(template.image, n_channels)
    return Template(image, template.attention, template.segment, template.mask)


def _check_fits(variants: Sequence[Variant], shapes: Sequence[tuple[int, int]]) -> None:
    smallest = np.min([variant.shape for variant in variants], axis=0)
    if not any((smallest <= np.array(shape)).all() for shape in shapes):
        raise InputError(
            f"The template, {smallest[0]} × {smallest[1]} pixels, is larger than the image, "
            f"{shapes[0][0]} × {shapes[0][1]}. Give a smaller one, or scales below 1."
        )


def _peaks(
    score_map: ScoreMap,
    variants: Sequence[Variant],
    plane: int,
    threshold: float | None,
    max_overlap: float,
) -> Matches:
    """The best place, or all peaks above a threshold, of which none lies on a better one."""
    from scipy.ndimage import maximum_filter

    scores = score_map.scores
    if threshold is None:
        place = np.unravel_index(int(np.argmax(scores)), scores.shape)
        found = _table(score_map, variants, plane, *(np.array([axis]) for axis in place))
        return found.where(np.isfinite(found.scores))
    peaks = (scores >= threshold) & np.isfinite(scores)
    peaks &= scores == maximum_filter(scores, 3)
    rows, columns = np.nonzero(peaks)
    order = np.argsort(-scores[rows, columns], kind="stable")[:_MOST_PEAKS]
    table = _table(score_map, variants, plane, rows[order], columns[order])
    of_peaks = score_map.variants[rows[order], columns[order]]
    return table.where(_apart(table, [variants[i] for i in of_peaks], scores.shape, max_overlap))


def _apart(
    matches: Matches, variants: Sequence[Variant], shape: tuple[int, ...], max_overlap: float
) -> NDArray[np.bool_]:
    """Which copies, the best first, do not lie on better ones that are kept."""
    taken = np.zeros(shape, dtype=bool)
    kept = np.zeros(len(matches), dtype=bool)
    for i, variant in enumerate(variants):
        window, own = window_of(variant.size, matches.rows[i], matches.columns[i], shape)
        mask, there = variant.mask[own], taken[window]
        if np.count_nonzero(there & mask) <= max_overlap * np.count_nonzero(mask):
            kept[i] = True
            there |= mask
    return kept


def _table(
    score_map: ScoreMap, variants: Sequence[Variant], plane: int, rows: NDArray, columns: NDArray
) -> Matches:
    """Places of a map as matches."""
    numbers = score_map.variants[rows, columns]
    used = [variants[i] for i in numbers]
    # The map has a score at the middle pixel of what is compared.
    shifts = np.array([np.array(v.middle) - np.array(v.shape) // 2 for v in used]).reshape(-1, 2)
    return Matches(
        np.full(len(rows), plane, np.int64),
        rows + shifts[:, 0],
        columns + shifts[:, 1],
        np.array([variant.angle for variant in used], float),
        np.array([variant.scale for variant in used], float),
        score_map.scores[rows, columns].astype(np.float64),
        np.array([variant.template for variant in used], np.int64),
    )
