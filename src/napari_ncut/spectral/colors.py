"""Eigenvectors as colors."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .palette import Coloring, Palette
from .palette import unit_rows as unit_rows


def eigenvector_colors(
    array: ArrayLike,
    *,
    method: Coloring = "pca",
    quantile: float = 0.95,
    reference: ArrayLike | None = None,
    random_state: int = 0,
) -> NDArray[np.float32]:
    """Show eigenvectors as RGB: alike nodes get alike colors.

    Rows are brought to unit length (so that colors follow the cosine that prompts use), laid out in
    three dimensions, and each dimension stretched to the middle of its distribution. The same
    eigenvectors always give the same colors, whatever their signs and however they are turned
    within the space that they span. To color images that come later alike, keep a `Palette`.

    Parameters
    ----------
    array
        Eigenvectors (…, k), of one image or of many together.
    method
        "pca": the three principal axes; fastest, and hues keep the large-scale order. "tsne" and
        "umap": a layout of 800 nodes by their neighbors, all others between these; what is
        different gets different colors even if the difference is small or lies in later
        eigenvectors. Their hues are turned to those of "pca". "umap" needs the package umap-learn.
        With less than ten different nodes all are "pca".
    quantile
        Share of nodes, above 0.5 and up to 1, on either side of which colors saturate; lower is
        more colorful.
    reference
        Colors (…, 3) that nodes had before, of an earlier cut say, 0 to 1, NaN for nodes that are
        new: hues are turned and stretched to these as a whole, so that what is like before keeps
        its hue as well as that allows. Default: none; less than four known nodes count as none.
    random_state
        Seed of the choice of nodes laid out.

    Returns
    -------
    float32 array (…, 3), 0 to 1; 0.5 where nothing differs

    Raises
    ------
    InputError
        If the input cannot be used, or "umap" is not installed.
    """
    palette = Palette.fit(
        array, method=method, quantile=quantile, reference=reference, random_state=random_state
    )
    return palette(array)
