"""The library of trees, loaded when it is first needed."""

from __future__ import annotations

import warnings
from typing import Any


def load_higra() -> Any:
    """`higra`; its docstrings hold escapes that Python warns of when it first compiles them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        import higra
    return higra
