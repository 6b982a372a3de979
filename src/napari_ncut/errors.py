"""The one exception that means "the input cannot be used", and how it reads."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from math import isfinite
from numbers import Integral, Real
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class InputError(ValueError):
    """Input that cannot be used.

    The message says what was given, what is accepted and what to do. The command line turns it
    into one paragraph and exit code 2, the widgets into a notification.
    """


def check_choice(what: str, given: object, accepted: Iterable[str]) -> str:
    """Return `given` if it is one of `accepted`, else raise an `InputError` that lists them."""
    names = list(accepted)
    if isinstance(given, str) and given in names:
        return given
    close = difflib.get_close_matches(str(given), names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise InputError(f"Unknown {what} {given!r}. Choose one of: {', '.join(names)}.{hint}")


def is_number(given: object, *, whole: bool = False) -> bool:
    """Whether this is a finite number of Python or numpy; a bool is none."""
    if isinstance(given, bool) or not isinstance(given, Integral if whole else Real):
        return False
    return whole or isfinite(float(given))


def regular_array(what: str, given: ArrayLike) -> NDArray:
    """`given` as an array; an `InputError` if its rows have different lengths."""
    import numpy as np

    try:
        return np.asarray(given)
    except ValueError as error:
        raise InputError(
            f"{what} cannot be made one array. Give rows that all have the same length."
        ) from error


def real_matrix(what: str, form: str, flatten: str, given: ArrayLike) -> NDArray:
    """`given` as a real array of two dimensions that has entries; an `InputError` if it is none.

    Parameters
    ----------
    what, form, flatten
        For the message: what it is ("Nodes"), of which form ("(n nodes, d features)"), and how one
        of another form is brought to it.
    """
    array = regular_array(f"The {what.lower()}", given)
    if array.ndim != 2 or array.size == 0:
        raise InputError(
            f"{what} have shape {array.shape}; an array {form} is needed. Flatten {flatten}."
        )
    if array.dtype.kind not in "biuf":
        raise InputError(f"{what} of dtype {array.dtype} cannot be used. Give real numbers.")
    return array
