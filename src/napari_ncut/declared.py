"""What registries declare: parameters, and packages that an entry needs.

Windows and the command line are made from it, so nothing here imports anything heavy.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import InputError, check_choice, is_number


@dataclass(frozen=True)
class Parameter:
    """What a user may set of an entry of a registry.

    Attributes
    ----------
    kind
        float, int, bool or str.
    default
        None where it is chosen by the data.
    low, high, step
        Sensible range of a slider; values below `low` are refused.
    choices
        Of text.
    label, tooltip
        For people.
    pixels
        Power of the side of a pixel that values count: 1 for lengths in pixels, 2 for areas, 0 for
        all else. An image at half its size needs lengths half as large.
    """

    kind: type
    default: Any
    low: float = 0.0
    high: float = 1.0
    step: float = 1.0
    choices: tuple[str, ...] = ()
    label: str = ""
    tooltip: str = ""
    pixels: int = 0

    def checked(self, name: str, given: Any) -> Any:
        """`given`, if it can be used; an `InputError` if not."""
        if self.kind is str and self.choices:
            return check_choice(name, given, self.choices)
        if given is None and self.default is None:
            return None
        if self.kind is str:
            return str(given)
        if self.kind is bool:
            if given not in (True, False):
                raise InputError(f"{name} {given!r} cannot be used. Give True or False.")
            return bool(given)
        whole = self.kind is int
        if not is_number(given, whole=whole) or given < self.low:
            number = "whole number" if whole else "number"
            chosen = ", or None to have it chosen" if self.default is None else ""
            raise InputError(
                f"{name} {given!r} cannot be used. Give a {number} from {self.low:g}{chosen}."
            )
        return self.kind(given)


def resized_parameters(
    parameters: Mapping[str, Parameter], values: Mapping[str, Any], factor: float
) -> dict[str, Any]:
    """Values for an image whose sides are `factor` times as long: lengths and areas follow."""
    found = dict(values)
    for name, parameter in parameters.items():
        value = values.get(name)
        if parameter.pixels and value:
            # What was not zero stays above it, and nothing falls below what is allowed.
            least = max(parameter.low, 1 if parameter.kind is int else 0)
            value = max(value * factor**parameter.pixels, least)
            found[name] = round(value) if parameter.kind is int else value
    return found


def checked_parameters(
    what: str, parameters: Mapping[str, Parameter], given: Mapping[str, Any]
) -> dict[str, Any]:
    """All parameters of the entry called `what`, those that are not given by default.

    Raises
    ------
    InputError
        If it has no such parameter, or a value cannot be used.
    """
    for name in given:
        if not parameters:
            raise InputError(f"{what} has no parameters, so {name} cannot be set. Leave it out.")
        check_choice(f"parameter of {what}", name, parameters)
    return {
        name: parameter.checked(name, given.get(name, parameter.default))
        for name, parameter in parameters.items()
    }


def missing_because(name: str, requires: tuple[str, str] | tuple[()]) -> str:
    """Why `name` cannot be used here, with the remedy; "" if it can.

    Parameters
    ----------
    name
        For the message.
    requires
        What is imported, and the extra of this package that brings it; () for nothing. Of a package
        with a dot in it, ``"cv2.ximgproc"``, the first part alone is looked for without importing.
    """
    if not requires or importlib.util.find_spec(requires[0].partition(".")[0]):
        return ""
    package = requires[0].partition(".")[0]
    return f"{name} needs {package}: pip install 'napari-ncut[{requires[1]}]'"
