"""Feature maps → eigenvectors."""

from .colors import eigenvector_colors
from .embedding import Embedding
from .ncut import NCut, SpectrumWarning
from .pipeline import embed, embed_steps

__all__ = ["Embedding", "NCut", "SpectrumWarning", "eigenvector_colors", "embed", "embed_steps"]
