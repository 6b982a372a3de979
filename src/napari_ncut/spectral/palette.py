"""What color an eigenvector row has, kept, so that rows to come get the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from ..errors import InputError, check_choice, is_number, regular_array
from .layouts import LAYOUTS, pick_landmarks, place_between, principal_axes
from .names import COLORINGS

Coloring = Literal["pca", "tsne", "umap"]

# The principal axes of fifty thousand nodes are those of all, to what an eye can see.
_MAX_NODES = 50_000
_N_LANDMARKS = 800
# With fewer different rows there are no neighborhoods to lay out.
_FEWEST_LANDMARKS = 10
# With fewer nodes of known color there is no turn to find.
_FEWEST_KNOWN = 4
_SMALLEST_SPREAD = 0.02

# Products with few columns take longer the more threads wait for each other.
_in_one_thread = threadpool_limits.wrap(limits=1, user_api="blas")


@dataclass(frozen=True, eq=False)
class Palette:
    """Colors of eigenvectors: the same row always has the same color.

    Made by `Palette.fit`. Call it with eigenvectors of the same cut, of images that were added
    since (`Embedding.transform`), and they get the colors of what they are like.

    Attributes
    ----------
    method : str
        "pca", "tsne" or "umap": how colors were laid out. "pca" also where another one was asked
        for but rows differ too little to be laid out.
    anchors : float32 array (m, k)
        Unit rows: landmarks; for "pca" the three principal axes.
    colors : float32 array (m, 3)
        What they add to a color; beyond 0 to 1, since colors saturate.
    offset : float32 array (3,)
        Added to every color.
    """

    method: str
    anchors: NDArray[np.float32] = field(repr=False)
    colors: NDArray[np.float32] = field(repr=False)
    offset: NDArray[np.float32] = field(repr=False)

    @classmethod
    @_in_one_thread
    def fit(
        cls,
        vectors: ArrayLike,
        *,
        method: Coloring = "pca",
        quantile: float = 0.95,
        reference: ArrayLike | None = None,
        random_state: int = 0,
    ) -> Palette:
        """Choose colors for eigenvectors (…, k); parameters and errors of `eigenvector_colors`."""
        given = checked_vectors(vectors)
        check_choice("method of coloring", method, COLORINGS)
        if not is_number(quantile) or not 0.5 < quantile <= 1:
            raise InputError(
                f"Quantile {quantile!r} cannot be used. Give a number above 0.5 and up to 1."
            )
        if not is_number(random_state, whole=True) or not 0 <= random_state < 2**32:
            raise InputError(
                f"random_state {random_state!r} cannot be used. Give a whole number from 0 to "
                f"{2**32 - 1}: the same one gives the same result."
            )
        known = None if reference is None else _checked_reference(reference, given.shape[:-1])
        rows = unit_rows(given.reshape(-1, given.shape[-1]))
        sample = _every(rows, _MAX_NODES)
        mean, axes = principal_axes(sample)
        palette = cls._linear(axes, -mean @ axes)._stretched(sample, quantile)
        kept = None if known is None else _known(rows, known)
        if kept is not None:
            palette = palette._agreeing(*kept)
        if method == "pca":
            return palette
        landmarks = pick_landmarks(rows, _N_LANDMARKS, random_state)
        if len(landmarks) < _FEWEST_LANDMARKS:
            return palette
        start = palette._unclipped(landmarks).astype(np.float64)
        positions = LAYOUTS[method](landmarks, start - start.mean(axis=0), random_state)
        laid_out = cls(method, landmarks, positions.astype(np.float32), np.zeros(3, np.float32))
        sample = _every(rows, _MAX_NODES // 4)
        turn = _turn_between(laid_out._unclipped(sample), palette(sample))
        laid_out = laid_out._changed(turn, np.ones(3), np.zeros(3))._stretched(sample, quantile)
        return laid_out if kept is None else laid_out._agreeing(*kept)

    @_in_one_thread
    def __call__(self, vectors: ArrayLike) -> NDArray[np.float32]:
        """Colors of eigenvectors.

        Parameters
        ----------
        vectors
            Eigenvectors (…, k) of the cut that the palette was made for.

        Returns
        -------
        float32 array (…, 3), 0 to 1

        Raises
        ------
        InputError
            If they are not finite real numbers, or not as many as the palette was made for.
        """
        given = checked_vectors(vectors)
        if given.shape[-1] != self.anchors.shape[1]:
            raise InputError(
                f"These nodes have {given.shape[-1]} eigenvectors, those of the palette "
                f"{self.anchors.shape[1]}. Give eigenvectors of the cut that it was made for."
            )
        colors = self._unclipped(unit_rows(given.reshape(-1, given.shape[-1])))
        return np.clip(colors, 0, 1, out=colors).reshape(*given.shape[:-1], 3)

    def to_arrays(self) -> dict[str, NDArray]:
        """Plain arrays by name, as `numpy.savez` takes them without pickle; see `from_arrays`."""
        return {
            "method": np.array(self.method),
            "anchors": self.anchors,
            "colors": self.colors,
            "offset": self.offset,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray]) -> Palette:
        """Make the palette that `to_arrays` wrote; an `InputError` if it did not write these."""
        try:
            method = str(arrays["method"])
            anchors, colors, offset = (
                np.asarray(arrays[name], dtype=np.float32)
                for name in ("anchors", "colors", "offset")
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"These arrays are no palette ({error}). Give those that Palette.to_arrays() wrote."
            ) from error
        whole = all(np.isfinite(array).all() for array in (anchors, colors, offset))
        fit = anchors.ndim == 2 and colors.shape == (len(anchors), 3) and offset.shape == (3,)
        if method not in COLORINGS or not whole or not fit or not anchors.size:
            raise InputError(
                f"These arrays are no palette (method {method!r}, shapes {anchors.shape}, "
                f"{colors.shape}, {offset.shape}). Give those that Palette.to_arrays() wrote."
            )
        return cls(method, anchors, colors, offset)

    @classmethod
    def _linear(cls, axes: NDArray, offset: NDArray) -> Palette:
        ours = np.eye(3, dtype=np.float32)
        return cls("pca", axes.T.astype(np.float32), ours, offset.astype(np.float32))

    def _unclipped(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Colors (n, 3) of unit rows (n, k), before they saturate."""
        if self.method == "pca":
            colors = rows @ (self.anchors.T @ self.colors)
        else:
            colors = place_between(rows, self.anchors, self.colors)
        colors += self.offset
        return colors

    def _changed(self, turn: NDArray, gain: NDArray, shift: NDArray) -> Palette:
        """Turn the colors of this palette by (3, 3), then stretch and shift each channel."""
        colors = (self.colors @ turn * gain).astype(np.float32)
        offset = (self.offset @ turn * gain + shift).astype(np.float32)
        return Palette(self.method, self.anchors, colors, offset)

    def _stretched(self, rows: NDArray[np.float32], quantile: float) -> Palette:
        """Bring the middle of each channel's distribution to 0 to 1."""
        colors = self._unclipped(rows)
        low, high = np.quantile(colors.astype(np.float64), [1 - quantile, quantile], axis=0)
        flat = high - low <= 1e-6
        gain = np.where(flat, 0, 1 / np.where(flat, 1, high - low))
        return self._changed(np.eye(3), gain, np.where(flat, 0.5, -low * gain))

    def _agreeing(self, rows: NDArray[np.float32], known: NDArray[np.float64]) -> Palette:
        """Turn and stretch to the colors (n, 3) that rows (n, k) had before."""
        ours = self._unclipped(rows)
        turn, gain, shift = _agreement(ours.astype(np.float64), known)
        return self._changed(turn, gain, shift)


def checked_vectors(array: ArrayLike) -> NDArray[np.float32]:
    """Eigenvectors (…, k) as float32; an `InputError` if they are none."""
    given = regular_array("The eigenvectors", array)
    if given.ndim < 2 or given.size == 0:
        raise InputError(f"Eigenvectors have shape {given.shape}; (…, k) is needed.")
    if given.dtype.kind not in "biuf" or not np.isfinite(given).all():
        raise InputError(f"Eigenvectors of dtype {given.dtype} are not all finite real numbers.")
    if given.dtype.kind == "f" and given.dtype.itemsize > 2:
        # Squares of what is huge or tiny leave float32; only the direction of a row counts.
        largest = max(given.max(), -given.min())
        if not 1e-12 < largest < 1e12:
            peaks = np.abs(given).max(axis=-1, keepdims=True)
            given = given / np.where(peaks > 0, peaks, 1)
    return given.astype(np.float32, copy=False)


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows (n, k) brought to unit length; rows of zeros stay."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = np.divide(vectors, np.where(length > 0, length, 1))
    return unit


def _every(rows: NDArray, most: int) -> NDArray:
    """Evenly taken rows, at most so many."""
    return rows[:: max(1, -(-len(rows) // most))]


def _checked_reference(reference: ArrayLike, shape: tuple[int, ...]) -> NDArray:
    given = regular_array("The reference colors", reference)
    if given.shape != (*shape, 3):
        raise InputError(
            f"Reference colors have shape {given.shape}; {(*shape, 3)} is needed: one color per "
            f"node, NaN where a node is new."
        )
    if given.dtype.kind != "f":
        raise InputError(
            f"Reference colors of dtype {given.dtype} cannot be used. Give floats from 0 to 1, NaN "
            f"where a node is new."
        )
    known = given[np.isfinite(given) | np.isinf(given)]
    if known.size and (known.min() < 0 or known.max() > 1):
        raise InputError(
            f"Reference colors go from {known.min():g} to {known.max():g}. Give floats from 0 to "
            f"1, NaN where a node is new."
        )
    return given.reshape(-1, 3)


def _known(
    rows: NDArray[np.float32], reference: NDArray
) -> tuple[NDArray[np.float32], NDArray[np.float64]] | None:
    """Rows (n, k) and colors (n, 3) of nodes whose color is known; None if too few are."""
    is_known = ~np.isnan(reference).any(axis=1)
    if np.count_nonzero(is_known) < _FEWEST_KNOWN:
        return None
    return (
        _every(rows[is_known], _MAX_NODES // 4),
        _every(reference[is_known], _MAX_NODES // 4).astype(np.float64),
    )


def _turn_between(positions: NDArray, target: NDArray) -> NDArray[np.float64]:
    """The rotation or reflection (3, 3) that brings positions (n, 3) nearest to a target (n, 3).

    Orthogonal Procrustes: Schönemann, Psychometrika 1966.
    """
    positions = positions.astype(np.float64)
    positions = positions - positions.mean(axis=0)
    overlap = positions.T @ (target - target.mean(axis=0))
    # What does not tell a direction stays as it is.
    left, _, right = np.linalg.svd(overlap + 1e-6 * len(positions) * np.eye(3))
    turn: NDArray[np.float64] = left @ right
    return turn


def _agreement(
    ours: NDArray[np.float64], known: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Turn (3, 3), gain (3,) and shift (3,) that bring our colors (n, 3) nearest to known ones.

    From nodes whose known color is not saturated, where there are enough: only these say how far
    they lie from the middle.
    """
    inside = ((known > 0) & (known < 1)).all(axis=1)
    if np.count_nonzero(inside) >= max(_FEWEST_KNOWN, len(known) // 10):
        ours, known = ours[inside], known[inside]
    centered, wanted = ours - ours.mean(axis=0), known - known.mean(axis=0)
    spread = np.maximum(wanted.std(axis=0), _SMALLEST_SPREAD)
    turn = _turn_between(centered, wanted)
    for _ in range(20):
        # Turn and stretch depend on each other. Equal spreads, for a regression would fade colors.
        turned = np.maximum((centered @ turn).std(axis=0), 1e-6)
        turn = _turn_between(centered, wanted * (turned / spread))
    turned = (centered @ turn).std(axis=0)
    # Nodes that were all alike tell no stretch, and both are colors: none is far from 1.
    tells = (spread > _SMALLEST_SPREAD) & (turned > 1e-6)
    gain = np.where(tells, np.clip(spread / np.maximum(turned, 1e-6), 0.25, 4), 1)
    return turn, gain, known.mean(axis=0) - ours.mean(axis=0) @ turn * gain
