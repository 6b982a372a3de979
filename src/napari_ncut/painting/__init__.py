"""Painting by segments: fill, cut, merge and more, as edits that can be undone."""

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .class_operations import CLASS_OPERATIONS as CLASS_OPERATIONS
    from .edits import Edit as Edit
    from .painting import Painting as Painting

__getattr__, __dir__ = lazy_exports(
    __name__,
    {"CLASS_OPERATIONS": "class_operations", "Edit": "edits", "Painting": "painting"},
)
