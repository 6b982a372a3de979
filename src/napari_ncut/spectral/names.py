"""Names that may be chosen, without the libraries behind them: widgets open without torch."""

from __future__ import annotations

AFFINITIES: dict[str, str] = {
    "rbf": "exp(−d² / 2σ²) of the Euclidean distance d: similar values",
    "cosine": "exp(−(1 − cos) / γ): similar directions, whatever the length",
}

# Largest graph solved exactly, and number of landmarks beyond it. On two cores a graph of 4,096
# nodes takes under a second, its 4,096² affinities 128 MB.
ACCURACIES: dict[str, tuple[float, int]] = {
    "fast": (2048, 512),
    "balanced": (4096, 1024),
    "exact": (float("inf"), 0),
}

DISCRETIZATIONS: dict[str, str] = {
    "cluster_qr": "pivoted QR: one eigenvector per group, in one step",
    "rotation": "eigenvectors turned until groups lie along them; slower, closer to the best cut",
    "kmeans": "spherical k-means: any number of groups from any number of eigenvectors",
}

COLORINGS: dict[str, str] = {
    "pca": "three principal axes: fastest; hues keep the large-scale order",
    "tsne": "t-SNE of 800 nodes, the others between these: small differences show",
    "umap": "UMAP of 800 nodes, the others between these: groups stand apart; needs umap-learn",
}
