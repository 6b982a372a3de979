"""The trained click network, computed with sparse matrices that are made once for a plane."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .evidence import PlaneEvidence

Matrix = NDArray[np.float32]

MODE_NUMBERS = {"similar": 0, "object": 1}


@dataclass(frozen=True)
class PlaneMixing:
    """Who hears whom in a plane, which no click changes.

    Attributes
    ----------
    own : float32 array (n, N_OWN)
    near : list of sparse arrays (n, n)
        For every round, how much each region hears of its neighbors; rows sum to 1.
    groups : list of (int array (n,), sparse array (n_groups, n))
        Of every level: the group of each region, and the means of groups.
    """

    own: Matrix
    near: list[sparse.csr_array]
    groups: list[tuple[NDArray[np.int64], sparse.csr_array]]


class ClickModel:
    """`ClickNetwork` with its trained weights, for use: the same numbers, many times faster.

    Parameters
    ----------
    path
        File of weights; default: those that come with the package.
    """

    def __init__(self, path: Path | None = None) -> None:
        from safetensors.numpy import load_file

        weights = load_file(path or weights_path())
        self._weights = {name: value.astype(np.float32) for name, value in weights.items()}
        self._rounds = sum(name.startswith("rounds.") for name in weights) // 4

    def mixing(self, evidence: PlaneEvidence) -> PlaneMixing:
        """What of a plane no click changes."""
        from .surroundings import edge_features, group_numbers

        graph = evidence.regions.graph
        n = len(graph)
        features = edge_features(evidence)
        one, other = graph.edges.T
        rows, columns = np.concatenate([one, other]), np.concatenate([other, one])
        near = []
        for i in range(self._rounds):
            logits = self._layers(f"near.{i}", features)[:, 0]
            weights = np.exp(np.clip(logits, -6, 6))
            matrix = sparse.coo_array(
                (np.concatenate([weights, weights]), (rows, columns)), shape=(n, n)
            ).tocsr()
            totals = np.maximum(matrix.sum(axis=1), 1e-6)
            near.append((sparse.diags_array(1 / totals) @ matrix).astype(np.float32).tocsr())
        groups = []
        for numbers in group_numbers(evidence):
            areas = np.bincount(numbers, graph.areas)
            entries = (graph.areas / areas[numbers], (numbers, np.arange(n)))
            means = sparse.coo_array(entries, shape=(len(areas), n)).tocsr().astype(np.float32)
            groups.append((numbers, means))
        return PlaneMixing(evidence.own(), near, groups)

    def hear(self, pair: Matrix, positive: bool, mode: int) -> Matrix:
        """What a click's features (n, features) are taken for (n, hidden)."""
        return np.maximum(self._layers(f"look.{2 * mode + positive}", pair), 0)

    def pool(self, heard: list[Matrix], positive: bool, mode: int) -> Matrix:
        """Many clicks as one (n, 2 × hidden): the largest, and the mean by weight."""
        stack = np.stack(heard)
        name = f"attention.{2 * mode + positive}"
        logits = stack @ self._weights[f"{name}.weight"][0]
        weights = np.exp(logits - logits.max(axis=0))
        weights /= weights.sum(axis=0)
        mean = np.einsum("cn,cnh->nh", weights, stack)
        return np.concatenate([stack.max(axis=0), mean], axis=1)

    def logits(
        self,
        positive: Matrix,
        negative: Matrix | None,
        counts: tuple[int, int],
        mode: int,
        mixing: PlaneMixing,
        guesses: Matrix,
    ) -> Matrix:
        """Logits (n,) of "belongs to what was clicked" from pooled clicks."""
        n = len(positive)
        if negative is None:
            negative = np.zeros_like(positive)
        counted = [counts[0] ** 0.5 / 3, counts[1] ** 0.5 / 3, float(counts[1] > 0), float(mode)]
        known = np.broadcast_to(np.array(counted, np.float32), (n, 4))
        state = np.concatenate([positive, negative, mixing.own, guesses, known], axis=1)
        state = np.maximum(self._layers("join", state), 0)
        for i, near in enumerate(mixing.near):
            heard = [state, near @ state]
            heard += [(means @ state)[numbers] for numbers, means in mixing.groups]
            thought = self._layers(f"rounds.{i}", np.concatenate([*heard, mixing.own], axis=1))
            state = np.maximum(state + thought, 0)
        answer: Matrix = self._linear("answer", np.concatenate([state, guesses], axis=1))[:, 0]
        return answer

    def _layers(self, name: str, rows: Matrix) -> Matrix:
        """Two linear layers with a rectifier between them."""
        return self._linear(f"{name}.2", np.maximum(self._linear(f"{name}.0", rows), 0))

    def _linear(self, name: str, rows: Matrix) -> Matrix:
        result: Matrix = rows @ self._weights[f"{name}.weight"].T
        result += self._weights[f"{name}.bias"]
        return result


def weights_path() -> Path:
    """The file of weights that comes with the package."""
    return Path(str(files("napari_ncut.prompts"))) / "clicks.safetensors"


@cache
def click_model() -> ClickModel:
    """The model that comes with the package."""
    return ClickModel()
