"""The trained click network, computed with sparse matrices that are made once for a plane."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .evidence import N_GUESS, N_OWN, PlaneEvidence
from .surroundings import GROUP_LEVELS

Matrix = NDArray[np.float32]

MODE_NUMBERS = {"similar": 0, "object": 1}


@dataclass(frozen=True)
class PlaneMixing:
    """Who hears whom in a plane, which no click changes.

    Attributes
    ----------
    near : list of sparse arrays (n, n)
        For every round, how much each region hears of its neighbors; rows sum to 1.
    groups : list of (int array (n,), sparse array (n_groups, n))
        Of every level: the group of each region, and the means of groups.
    begun : float32 array (n, hidden)
        What regions are by themselves, as the layer that joins all takes it.
    thought : list of float32 arrays (n, hidden)
        The same for the layer of every round.
    """

    near: list[sparse.csr_array]
    groups: list[tuple[NDArray[np.int64], sparse.csr_array]]
    begun: Matrix
    thought: list[Matrix]


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
        # The inputs of these layers lie side by side in the network. Here each goes through its own
        # part of the weights: nothing is copied, and what no click changes goes through once.
        width = len(self._weights["join.2.bias"])
        self._joining = self._split("join", [2 * width, 2 * width, N_OWN, N_GUESS])
        n_heard = 2 + len(GROUP_LEVELS)
        self._thinking = [
            self._split(f"rounds.{i}", n_heard * [width]) for i in range(self._rounds)
        ]

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
        own = evidence.own()
        begun = own @ self._joining[2]
        return PlaneMixing(near, groups, begun, [own @ parts[-1] for parts in self._thinking])

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
        counted = [counts[0] ** 0.5 / 3, counts[1] ** 0.5 / 3, float(counts[1] > 0), float(mode)]
        liked, disliked, _, guessed, known = self._joining
        hidden = positive @ liked
        if negative is not None:
            hidden += negative @ disliked
        hidden += guesses @ guessed
        hidden += mixing.begun
        hidden += np.array(counted, np.float32) @ known
        state = np.maximum(self._finished("join", hidden), 0)
        for i, (near, parts) in enumerate(zip(mixing.near, self._thinking, strict=True)):
            by_itself, around, *in_groups, _ = parts
            hidden = state @ by_itself
            hidden += (near @ state) @ around
            for (numbers, means), part in zip(mixing.groups, in_groups, strict=True):
                hidden += ((means @ state) @ part)[numbers]
            hidden += mixing.thought[i]
            state = np.maximum(state + self._finished(f"rounds.{i}", hidden), 0)
        answer: Matrix = self._linear("answer", np.concatenate([state, guesses], axis=1))[:, 0]
        return answer

    def _split(self, name: str, widths: list[int]) -> list[Matrix]:
        """The first layer's weights for each of its inputs, of these widths and what is left."""
        return np.split(self._weights[f"{name}.0.weight"].T, np.cumsum(widths))

    def _finished(self, name: str, hidden: Matrix) -> Matrix:
        """Two layers, of which the first has been multiplied."""
        hidden += self._weights[f"{name}.0.bias"]
        return self._linear(f"{name}.2", np.maximum(hidden, 0, out=hidden))

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
