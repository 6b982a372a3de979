"""Things on the feature grid: TokenCut's cut, MaskCut's loop of cuts, and LOST's seeds.

All look at which cells are alike, by the cosine of their features. Transformers' features have
cosines around 0 for things that have nothing in common; those of other networks do not, so that
fixed thresholds see one thing in everything. So the plane's mean is taken away first, and without
one given the threshold is chosen by the cosines of the plane themselves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, Steps
from .cut import cut_vectors
from .found import Candidate
from .scene import IMAGE, Matrix, ObjectScene, unit_rows

# What two cells that are not alike have in common, so that the graph is connected.
_NONE = 1e-5
# MaskCut drops cuts that repeat one before, or are too small to be a thing.
_REPEATED, _SMALLEST = 0.5, 0.01
# Corners of the plane in a thing from which on it is taken for what is around it.
_CORNERS = 3


def tokencut_steps(
    scene: ObjectScene, *, tau: float | None = None, center: str = IMAGE
) -> Steps[list[Candidate]]:
    """One thing by one cut (Wang et al., TokenCut, 2022).

    Cells are joined if they are alike; the second eigenvector is split at its mean; the thing is on
    the side of the largest entry, connected with it.
    """
    yield Progress("cut", 0, 1)
    foreground, vector = _bipartition(_joined(scene, tau, center))
    return [_connected(scene, foreground, vector)]


def maskcut_steps(
    scene: ObjectScene, *, tau: float | None = None, n_cuts: int = 3, center: str = IMAGE
) -> Steps[list[Candidate]]:
    """Several things, one cut after the other (Wang et al., CutLER, 2023).

    What a cut has found is taken out of the graph before the next. A cut whose thing holds three
    corners of the plane is turned around; one that repeats an earlier one, or is tiny, is dropped.
    """
    rows, columns = scene.grid.shape[:2]
    joined = _joined(scene, tau, center)
    taken = np.zeros(len(joined), bool)
    found: list[Candidate] = []
    for i in range(n_cuts):
        yield Progress("cuts", i, n_cuts)
        left = np.where(taken, _NONE, joined)
        left[taken] = _NONE
        foreground, vector = _bipartition(left)
        cells = foreground.reshape(rows, columns)
        corners = cells[[0, 0, -1, -1], [0, -1, 0, -1]].sum()
        if corners >= _CORNERS or not foreground[np.abs(vector).argmax()]:
            foreground, vector = ~foreground, -vector
        foreground &= ~taken
        if not foreground.any():
            break
        candidate = _connected(scene, foreground, np.where(taken, -np.inf, vector))
        new = candidate.cells.ravel() > 0
        repeats = [_overlap(new, before.cells.ravel() > 0) > _REPEATED for before in found]
        if not any(repeats) and new.mean() > _SMALLEST:
            found.append(candidate)
        taken |= new
        if taken.mean() > 1 - _SMALLEST:
            break
    return found


def lost_steps(
    scene: ObjectScene, *, n_seeds: int = 100, center: str = IMAGE
) -> Steps[list[Candidate]]:
    """One thing grown from a seed (Siméoni et al., LOST, 2021).

    The seed is the cell that is alike to the fewest. Of the `n_seeds` loneliest cells those alike
    to it join in, and the thing is what is alike to all of these together, connected with the seed.
    """
    yield Progress("cut", 0, 1)
    features = scene.rows(centered=center == IMAGE).astype(np.float64)
    alike = features @ features.T
    degrees = (alike > 0).sum(axis=1)
    order = np.argsort(degrees, kind="stable")
    seed = int(order[0])
    lonely = order[: max(1, min(n_seeds, len(order)))]
    joining = lonely[alike[seed, lonely] > 0]
    scores = alike[joining].sum(axis=0)
    foreground = scores > 0
    foreground[seed] = True
    scores[seed] = scores.max() + 1
    return [_connected(scene, foreground, scores)]


def _joined(scene: ObjectScene, tau: float | None, center: str) -> Matrix:
    """Which cells are alike: 1, or next to nothing; (n, n)."""
    unit = unit_rows(scene.rows(centered=center == IMAGE))
    cosines = unit @ unit.T
    if tau is None:
        tau = _threshold(cosines)
    return np.where(cosines > tau, np.float32(1), np.float32(_NONE))


def _threshold(cosines: Matrix) -> float:
    """What parts the cosines of a plane best in two groups (Otsu 1979)."""
    from skimage.filters import threshold_otsu

    step = max(1, cosines.size // 1_000_000)
    sample = cosines.ravel()[::step]
    return float(threshold_otsu(sample)) if float(np.ptp(sample)) > 1e-6 else float(sample[0])


def _bipartition(affinity: Matrix) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """The side of the second eigenvector on which its largest entry is, and the vector."""
    if len(affinity) < 2:
        return np.ones(len(affinity), bool), np.ones(len(affinity))
    vector = cut_vectors(affinity, 2)[:, 1]
    foreground = vector > vector.mean()
    if not foreground[np.abs(vector).argmax()]:
        foreground, vector = ~foreground, -vector
    return foreground, vector


def _connected(scene: ObjectScene, foreground: NDArray[np.bool_], scores: NDArray) -> Candidate:
    """The connected cells of a foreground around the highest score."""
    from scipy.ndimage import label

    shape = scene.grid.shape[:2]
    pieces, _ = label(foreground.reshape(shape))
    peak = int(np.where(foreground, scores, -np.inf).argmax())
    return Candidate.of_cells(scene, pieces == pieces.ravel()[peak])


def _overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Intersection over union."""
    return float((one & other).sum() / max((one | other).sum(), 1))
