"""The one exception that means "the input cannot be used", and how it reads."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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
