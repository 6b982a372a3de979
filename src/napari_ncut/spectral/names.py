"""Names that may be chosen, without the libraries behind them: widgets open without torch."""

from __future__ import annotations

from dataclasses import dataclass

AFFINITIES: dict[str, str] = {
    "rbf": "exp(−d² / 2σ²) of the Euclidean distance d: similar values",
    "cosine": "exp(−(1 − cos) / γ): similar directions, whatever the length",
    "neighbors": "rbf among nearest neighbors only: chains of alike nodes hold together",
}


@dataclass(frozen=True)
class Accuracy:
    """How far a cut is solved, by the number of its nodes.

    Attributes
    ----------
    text : str
        What it means, for people.
    double : int
        Nodes up to which all pairs are solved in double precision.
    pairs : float
        Nodes up to which all pairs are solved in single precision.
    smooth_pairs : int
        The same where the affinity is smooth: sharp ones take longer, and samples do well there.
    tolerance : float
        Of these: about the sine of the largest angle between true and found eigenvectors.
    landmarks : int
        Most landmarks that stand for the nodes of a larger graph, where they miss little.
    missed : float
        How little, see `choose_landmarks`.
    sampled : int
        Nodes of the weighted sample that is solved in their place, where they miss more.
    """

    text: str
    double: int
    pairs: float
    smooth_pairs: int
    tolerance: float
    landmarks: int = 0
    missed: float = 0.0
    sampled: int = 0


ACCURACIES: dict[str, Accuracy] = {
    "fast": Accuracy("error below 0.02", 512, 4096, 8192, 0.05, 512, 4.0, 2048),
    "balanced": Accuracy("error below 0.01", 1536, 8192, 8192, 0.02, 1024, 1.0, 6144),
    "exact": Accuracy("residuals below 1e-4", 4096, float("inf"), 0, 1e-4),
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
