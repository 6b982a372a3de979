"""Declared parameters: what may be set, and packages that are missing."""

from __future__ import annotations

import pytest

from napari_ncut.declared import Parameter, checked_parameters, missing_because
from napari_ncut.errors import InputError

PARAMETERS = {
    "width": Parameter(float, 0.5, low=0.1, high=2.0, step=0.1, label="Width"),
    "number": Parameter(int, None, low=1, high=9, label="Number"),
    "kind": Parameter(str, "a", choices=("a", "b"), label="Kind"),
    "file": Parameter(str, None, label="File"),
    "whole": Parameter(bool, True, label="Whole"),
}


def test_values_are_checked():
    defaults = {name: p.default for name, p in PARAMETERS.items()}
    assert checked_parameters("it", PARAMETERS, {}) == defaults
    given = {"width": 1, "number": 3, "kind": "b", "file": "x", "whole": False}
    assert checked_parameters("it", PARAMETERS, given) == given
    for wrong, message in [
        ({"width": 0}, "a number from 0.1"),
        ({"number": 2.5}, "whole number from 1, or None"),
        ({"kind": "c"}, "Choose one of: a, b"),
        ({"whole": "yes"}, "True or False"),
        ({"with": 1}, "Did you mean 'width'"),
    ]:
        with pytest.raises(InputError, match=message):
            checked_parameters("it", PARAMETERS, wrong)
    with pytest.raises(InputError, match="has no parameters"):
        checked_parameters("it", {}, {"width": 1})


def test_what_is_missing_is_told():
    assert missing_because("it", ()) == missing_because("it", ("json", "some")) == ""
    told = missing_because("it", ("none_such.part", "some"))
    assert told == "it needs none_such: pip install 'napari-ncut[some]'"
