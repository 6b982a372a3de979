"""Feature maps → eigenvectors."""

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .colors import eigenvector_colors as eigenvector_colors
    from .discretize import Discretization as Discretization
    from .eigengap import suggest_groups as suggest_groups
    from .embedding import Embedding as Embedding
    from .hierarchy import GroupHierarchy as GroupHierarchy
    from .ncut import DisconnectedWarning as DisconnectedWarning
    from .ncut import NCut as NCut
    from .ncut import SpectrumWarning as SpectrumWarning
    from .palette import Palette as Palette
    from .pipeline import embed as embed
    from .pipeline import embed_steps as embed_steps

# scikit-learn stands behind most of these, and half a second behind its import.
__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Discretization": "discretize",
        "DisconnectedWarning": "ncut",
        "Embedding": "embedding",
        "GroupHierarchy": "hierarchy",
        "NCut": "ncut",
        "Palette": "palette",
        "SpectrumWarning": "ncut",
        "eigenvector_colors": "colors",
        "suggest_groups": "eigengap",
        "embed": "pipeline",
        "embed_steps": "pipeline",
    },
)
