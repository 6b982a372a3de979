"""Texts such as "eps=.4" as values of declared parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..declared import Parameter
from ..errors import InputError, check_choice

_WORDS = {"true": True, "false": False, "1": True, "0": False}
_WANTED = {int: "a whole number", bool: "true or false"}


def declared_settings(
    what: str,
    parameters: Mapping[str, Parameter],
    settings: Sequence[str],
    *,
    example: str = "eps=.4",
    option: str = "--set",
) -> dict[str, Any]:
    """Values by name, of ``NAME=VALUE``; whether they are in range is checked elsewhere.

    Parameters
    ----------
    what
        Whose parameters they are, for messages.
    parameters
        Those that there are.
    settings
        As they were given.
    example
        A setting that would do, for messages.
    option
        By which they are given, for messages.
    """
    given: dict[str, Any] = {}
    for text in settings:
        name, found, value = (part.strip() for part in text.partition("="))
        if not found:
            raise InputError(
                f"{option} {text!r} cannot be used. Give NAME=VALUE, such as {example}."
            )
        if not parameters:
            raise InputError(f"{what} has no parameters, so {option} {text!r} cannot be used.")
        check_choice(f"parameter of {what}", name, parameters)
        kind = parameters[name].kind
        try:
            given[name] = _WORDS[value.lower()] if kind is bool else kind(value)
        except (ValueError, KeyError):
            wanted = _WANTED.get(kind, "a number")
            raise InputError(f"{option} {text!r} cannot be used. Give {wanted}.") from None
    return given
