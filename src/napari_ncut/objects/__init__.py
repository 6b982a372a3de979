"""Where things are, and which parts they have, without being told what they are."""

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .finding import localize as localize
    from .finding import localize_steps as localize_steps
    from .joint import Parts as Parts
    from .joint import concepts as concepts
    from .joint import concepts_steps as concepts_steps
    from .joint import parts as parts
    from .joint import parts_steps as parts_steps
    from .localization import Localization as Localization
    from .localization import PlaneObjects as PlaneObjects
    from .methods import METHODS as METHODS

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "METHODS": "methods",
        "Localization": "localization",
        "Parts": "joint",
        "PlaneObjects": "localization",
        "concepts": "joint",
        "concepts_steps": "joint",
        "localize": "finding",
        "localize_steps": "finding",
        "parts": "joint",
        "parts_steps": "joint",
    },
)
