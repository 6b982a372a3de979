"""Templates: further copies of something, found by what it looks like, and painted alike."""

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .finding import find_copies as find_copies
    from .finding import find_copies_steps as find_copies_steps
    from .matches import Matches as Matches
    from .painting import paint_copies as paint_copies
    from .template import Template as Template

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Matches": "matches",
        "Template": "template",
        "find_copies": "finding",
        "find_copies_steps": "finding",
        "paint_copies": "painting",
    },
)
