"""Feature maps → eigenvectors."""

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .colors import eigenvector_colors as eigenvector_colors
    from .embedding import Embedding as Embedding
    from .ncut import NCut as NCut
    from .ncut import SpectrumWarning as SpectrumWarning
    from .pipeline import embed as embed
    from .pipeline import embed_steps as embed_steps

# scikit-learn stands behind most of these, and half a second behind its import.
__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Embedding": "embedding",
        "NCut": "ncut",
        "SpectrumWarning": "ncut",
        "eigenvector_colors": "colors",
        "embed": "pipeline",
        "embed_steps": "pipeline",
    },
)
