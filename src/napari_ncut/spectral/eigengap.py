"""How many groups a spectrum suggests."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, is_number, regular_array

# Share of the second eigenvalue below which eigenvalues count as nothing, gradually.
_FLOOR_SHARE = 0.01
# Eigenvalues as close as this are equal to what single precision leaves of them.
_ROUNDING = 1e-6


def suggest_groups(
    eigenvalues: ArrayLike, *, smallest: int = 2, largest: int | None = None, n: int = 3
) -> list[int]:
    """Numbers of groups after which the eigenvalues fall most, the most telling first.

    k groups that are far apart have k large eigenvalues, so that λ_k − λ_{k+1} stands out (von
    Luxburg, "A tutorial on spectral clustering", Statistics and Computing 2007, section 8.3). There
    the kernel is narrow and the k large ones are near 1. With a wide kernel, like that of the
    automatic bandwidth, all but the first may be a few hundredths, and the largest difference is
    between the first few whatever the groups. So gaps count as shares of what they fall from:
    (λ_k − λ_{k+1}) / (λ_k + λ_2 / 100), the last term so that eigenvalues next to nothing do not
    count. For narrow kernels the order is nearly that of the plain gaps.

    Parameters
    ----------
    eigenvalues
        Descending (k,), the trivial first one included. Zeros at the end mean that the graph has no
        further dimensions: the fall to them counts, among them nothing does.
    smallest, largest
        Fewest and most groups to suggest; by default from 2 to all that the eigenvalues tell of.
        What follows the last one is not known, so that k eigenvalues tell of k − 1 groups at most.
    n
        Most numbers to return.

    Returns
    -------
    list of int
        Up to `n` numbers of groups, the largest gap first (of equals the fewest groups). Empty
        where nothing can be told: too few eigenvalues, or all of them equal. A spectrum that falls
        evenly has no number of its own; then the first is `smallest` or close to it.

    Raises
    ------
    InputError
        If the eigenvalues are no descending finite numbers of at most 1, the others are no whole
        numbers from 1, or largest is below smallest.
    """
    _check_whole("smallest", smallest, 1)
    _check_whole("n", n, 1)
    values = check_eigenvalues(eigenvalues)
    most = len(values) - 1
    if largest is not None:
        _check_whole("largest", largest, smallest)
        most = min(int(largest), most)
    if most < smallest:
        return []
    # Eigenvalues below 0, of kernels that allow them, tell of no groups.
    values = np.maximum(values, 0)
    falls = values[:-1] - values[1:]
    shares = np.where(falls > _ROUNDING, falls, 0) / (values[:-1] + _FLOOR_SHARE * values[1] + 1e-9)
    candidates = np.arange(smallest, most + 1)
    # Rounding must not decide among equals.
    by_share = np.argsort(-shares[candidates - 1].round(6), kind="stable")
    return [int(k) for k in candidates[by_share] if shares[k - 1] > 0][: int(n)]


def _check_whole(name: str, given: int, least: int) -> None:
    if not is_number(given, whole=True) or given < least:
        raise InputError(f"{name} {given!r} cannot be used. Give a whole number from {least}.")


def check_eigenvalues(eigenvalues: ArrayLike) -> NDArray[np.float64]:
    """Eigenvalues as an array (k,); an `InputError` if they cannot be those of a cut."""
    given = regular_array("The eigenvalues", eigenvalues)
    if given.ndim != 1 or (given.dtype.kind not in "iuf" and given.size):
        raise InputError(
            f"Eigenvalues of shape {given.shape} and dtype {given.dtype} cannot be used. Give a "
            f"list of real numbers."
        )
    values = given.astype(np.float64)
    if not np.isfinite(values).all() or (values > 1 + _ROUNDING).any():
        raise InputError(
            "Eigenvalues must be finite and at most 1, like those of NCut. Give its eigenvalues_."
        )
    if (np.diff(values) > _ROUNDING).any():
        raise InputError("Eigenvalues must be descending, the trivial 1 first. Sort them.")
    return values
