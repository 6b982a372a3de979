"""Texts such as "eps=.4" as values of declared parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import InputError, check_choice

if TYPE_CHECKING:
    from ..sam.clusterers import Parameter


def parsed_settings(
    settings: Sequence[str], parameters: Mapping[str, Parameter], what: str, example: str
) -> dict[str, Any]:
    """Values by name, of ``--set NAME=VALUE``; whether they are in range is checked elsewhere.

    Parameters
    ----------
    settings
        As they were given.
    parameters
        Those that there are.
    what, example
        For messages: whose parameters they are, and a setting that would do.
    """
    given: dict[str, Any] = {}
    for text in settings:
        name, found, value = text.partition("=")
        if not found:
            raise InputError(f"--set {text!r} cannot be used. Give NAME=VALUE, such as {example}.")
        check_choice(f"parameter of {what}", name.strip(), parameters)
        kind = parameters[name.strip()].kind
        try:
            given[name.strip()] = kind(value.strip())
        except ValueError:
            number = "whole number" if kind is int else "number"
            raise InputError(f"--set {text!r} cannot be used. Give a {number}.") from None
    return given
