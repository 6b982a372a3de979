"""Things by a cut of regions: Deep Spectral's rule, and ours."""

from __future__ import annotations

import numpy as np

from ..progress import Progress, Steps
from .cut import cut_vectors
from .evidence import evidence
from .found import Candidate
from .judging import evidence_model
from .scene import IMAGE, N_REGIONS, ObjectScene


def auto_steps(scene: ObjectScene, *, n_regions: int = N_REGIONS) -> Steps[list[Candidate]]:
    """All evidence at once: contrast, closedness, place and the cut of regions.

    Numbers of every region at three levels of the merge tree (`evidence`), judged by a small model.
    It was fitted on features of `compact`: of other features it says about the same, and the mean
    with what it says of its own leans less on either.
    """
    scenes = [scene] if scene.own is None else [scene, scene.own()]
    likely = []
    for number, one in enumerate(scenes):
        yield Progress("regions", number, len(scenes))
        # Regions hang on the plane alone: they are the same for all.
        pieces = one.pieces(n_regions)
        likely.append(evidence_model().probabilities(evidence(pieces)))
    return [Candidate.of_regions(pieces.graph.labels, np.mean(likely, axis=0))]


def deep_spectral_steps(
    scene: ObjectScene, *, n_regions: int = 100, center: str = IMAGE
) -> Steps[list[Candidate]]:
    """The sign of the second eigenvector over regions (Melas-Kyriazi et al., 2022; SuperCuts).

    Regions are joined by the cosine of their mean features, as far as it is positive; the side with
    fewer of them is the foreground.
    """
    yield Progress("cut", 0, 1)
    pieces = scene.pieces(n_regions)
    features = pieces.unit_features(centered=center == IMAGE)
    affinity = np.maximum(features @ features.T, 0)
    if len(pieces) < 2:
        return [Candidate.of_regions(pieces.graph.labels, np.ones(len(pieces)))]
    foreground = cut_vectors(affinity, 2)[:, 1] > 0
    if 0.5 < foreground.mean() < 1:
        foreground = ~foreground
    return [Candidate.of_regions(pieces.graph.labels, foreground)]
