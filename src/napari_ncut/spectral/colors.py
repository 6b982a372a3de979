"""Eigenvectors as colors."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, is_number, regular_array

# The principal axes of fifty thousand nodes are those of all, to what an eye can see.
_MAX_NODES = 50_000


def eigenvector_colors(array: ArrayLike, *, quantile: float = 0.95) -> NDArray[np.float32]:
    """Show eigenvectors as RGB: alike nodes get alike colors.

    Rows are brought to unit length (so that colors follow the cosine that prompts use), turned to
    their three principal axes, and each axis stretched to the middle of its distribution. The same
    eigenvectors always give the same colors.

    Parameters
    ----------
    array
        Eigenvectors (…, k), of one image or of many together.
    quantile
        Share of nodes on either side of which colors saturate; lower is more colorful.

    Returns
    -------
    float32 array (…, 3), 0 to 1
    """
    given = regular_array("The eigenvectors", array)
    if given.ndim < 2 or given.size == 0:
        raise InputError(f"Eigenvectors have shape {given.shape}; (…, k) is needed.")
    if given.dtype.kind not in "biuf" or not np.isfinite(given).all():
        raise InputError(f"Eigenvectors of dtype {given.dtype} are not all finite real numbers.")
    vectors = given.astype(np.float32, copy=False)
    if not is_number(quantile) or not 0.5 < quantile <= 1:
        raise InputError(
            f"Quantile {quantile!r} cannot be used. Give a number above 0.5 and up to 1."
        )
    rows = vectors.reshape(-1, vectors.shape[-1])
    rows = unit_rows(rows)
    sample = rows[:: max(1, -(-len(rows) // _MAX_NODES))].astype(np.float64)
    sample_mean = sample.mean(axis=0)
    centered = sample - sample_mean
    values, axes = np.linalg.eigh(centered.T @ centered)
    order = np.argsort(values)[::-1][:3]
    axes = axes[:, order] * (values[order] > 1e-10 * len(sample))
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    axes = axes * np.where(largest < 0, -1, 1)
    axes = np.pad(axes, ((0, 0), (0, 3 - axes.shape[1])))
    low, high = np.quantile(centered @ axes, [1 - quantile, quantile], axis=0)
    flat = high - low <= 1e-6
    colors = ((rows - sample_mean) @ axes - low) / np.where(flat, 1, high - low)
    colors = np.where(flat, 0.5, np.clip(colors, 0, 1)).astype(np.float32)
    return colors.reshape(*vectors.shape[:-1], 3)


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows (n, k) brought to unit length; rows of zeros stay."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = np.divide(vectors, np.where(length > 0, length, 1))
    return unit
