"""The trained click network, computed with sparse matrices that are made once for a plane."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .evidence import N_GUESS, N_OWN, PAIR_FEATURES, PlaneEvidence
from .surroundings import GROUP_LEVELS

Matrix = NDArray[np.float32]

MODE_NUMBERS = {"similar": 0, "object": 1}

# Beyond it the weight of a click would leave single precision.
_MOST_ATTENTION = 60.0
# Memory of more than so many times what is needed is given back.
_MOST_SPARE = 4


@dataclass(frozen=True)
class PlaneMixing:
    """Who hears whom in a plane, which no click changes.

    Attributes
    ----------
    near : list of sparse arrays (n, n)
        For every round, how much each region hears of its neighbors; rows sum to 1.
    groups : list of (int array (m,), sparse array (n_groups, m))
        Of every level: the group of each of the groups of the level before, and means over them.
        Of the first level, of each region.
    begun : float32 array (hidden, n)
        What regions are by themselves, as the layer that joins all takes it, with its bias.
    thought : list of float32 arrays (n, hidden)
        The same for the layer of every round, whose regions are rows.
    """

    near: list[sparse.csr_array]
    groups: list[tuple[NDArray[np.int64], sparse.csr_array]]
    begun: Matrix
    thought: list[Matrix]


@dataclass(frozen=True)
class Heard:
    """What one click says of the regions of a plane.

    Attributes
    ----------
    rows : float32 array (hidden, n)
        What it is taken for.
    weights : float32 array (n,)
        How much it counts among all clicks of its sign.
    weighted : float32 array (hidden, n)
        Both multiplied.
    """

    rows: Matrix
    weights: Matrix
    weighted: Matrix

    @property
    def nbytes(self) -> int:
        """Its size in memory."""
        return self.rows.nbytes + self.weights.nbytes + self.weighted.nbytes


class ClickModel:
    """`ClickNetwork` with its trained weights, for use: the same numbers, many times faster.

    Of clicks a column is a region, so that what is done to all regions runs along the memory. From
    where regions hear each other on it is a row, so that all of a neighbor lies side by side.

    Parameters
    ----------
    path
        File of weights.
    """

    def __init__(self, path: Path) -> None:
        from safetensors.numpy import load_file

        weights = load_file(path)
        self._weights = {name: value.astype(np.float32) for name, value in weights.items()}
        self._rounds = sum(name.startswith("rounds.") for name in weights) // 4
        # The inputs of these layers lie side by side in the network. Here what no click changes
        # goes through its own part of the weights once.
        self._width = width = len(self._weights["join.2.bias"])
        liked, disliked, own, guessed, known = self._split(
            "join", [2 * width, 2 * width, N_OWN, N_GUESS]
        )
        self._joining = np.concatenate([liked, disliked, guessed], axis=1)
        self._begin, self._counting = own, known
        self._scratch = _Scratch([4 * width + N_GUESS, 2 * width, 2 * width, width, width])
        n_heard = 2 + len(GROUP_LEVELS)
        self._thinking = [
            self._split(f"rounds.{i}", n_heard * [width]) for i in range(self._rounds)
        ]

    def mixing(self, evidence: PlaneEvidence) -> PlaneMixing:
        """What of a plane no click changes."""
        from .surroundings import edge_features, group_numbers

        graph = evidence.regions.graph
        n = len(graph)
        features = edge_features(evidence).T
        one, other = graph.edges.T
        rows, columns = np.concatenate([one, other]), np.concatenate([other, one])
        near = []
        for i in range(self._rounds):
            logits = self._layers(f"near.{i}", features)[0]
            weights = np.exp(np.clip(logits, -6, 6))
            matrix = sparse.coo_array(
                (np.concatenate([weights, weights]), (rows, columns)), shape=(n, n)
            ).tocsr()
            totals = np.maximum(matrix.sum(axis=1), 1e-6)
            near.append((sparse.diags_array(1 / totals) @ matrix).astype(np.float32).tocsr())
        own = evidence.own().T
        return PlaneMixing(
            near,
            _nested(group_numbers(evidence), graph.areas),
            self._begin @ own + self._bias("join.0"),
            [
                np.ascontiguousarray((parts[-1] @ own + self._bias(f"rounds.{i}.0")).T)
                for i, parts in enumerate(self._thinking)
            ],
        )

    def hear(self, pair: Matrix, history: Matrix, positive: bool, mode: int) -> Heard:
        """What a click is taken for, by its features (n, features) and `history_features`."""
        name = f"look.{2 * mode + positive}"
        of_pair, of_history = self._split(name, [len(PAIR_FEATURES)])
        looked = of_pair @ pair.T
        looked += self._bias(f"{name}.0") + (of_history @ history)[:, np.newaxis]
        rows = _rectify(self._finished(name, looked))
        # Its bias is the same for all clicks, whose weights are shares in the end.
        attention = self._weights[f"attention.{2 * mode + positive}.weight"][0] @ rows
        weights = np.exp(np.clip(attention, -_MOST_ATTENTION, _MOST_ATTENTION))
        return Heard(rows, weights, rows * weights)

    def logits(
        self,
        positive: Sequence[Heard],
        negative: Sequence[Heard],
        mode: int,
        mixing: PlaneMixing,
        guesses: Matrix,
    ) -> Matrix:
        """Logits (n,) of "belongs to what was clicked", of clicks and `guesses` (n, N_GUESS)."""
        width, n = self._width, len(guesses)
        with self._scratch.borrowed(n) as scratch:
            joined, hidden, more, state, step = scratch
            for i, clicks in enumerate((positive, negative)):
                _pool(clicks, joined[2 * width * i : 2 * width * (i + 1)])
            joined[4 * width :] = guesses.T
            counts = len(positive), len(negative)
            known = [counts[0] ** 0.5 / 3, counts[1] ** 0.5 / 3, float(counts[1] > 0), float(mode)]
            np.matmul(self._joining, joined, out=hidden)
            hidden += mixing.begun
            hidden += (self._counting @ np.array(known, np.float32))[:, np.newaxis]
            _rectify(self._finished("join", hidden, state))
            rows, steps = (array.reshape(n, -1) for array in (step, state))
            rows[:] = state.T
            self._think(rows, mixing, hidden.reshape(n, -1), more.reshape(n, -1), steps)
            answer = self._weights["answer.weight"][0]
            logits: Matrix = rows @ answer[:width] + answer[width:] @ joined[4 * width :]
        logits += self._weights["answer.bias"][0]
        return logits

    def _think(
        self, state: Matrix, mixing: PlaneMixing, hidden: Matrix, more: Matrix, step: Matrix
    ) -> None:
        """Let regions hear each other, which changes `state` (n, hidden); the rest is scratch."""
        for i, (near, parts) in enumerate(zip(mixing.near, self._thinking, strict=True)):
            by_itself, around, *in_groups, _ = parts
            np.matmul(state, by_itself.T, out=hidden)
            hidden += np.matmul(near @ state, around.T, out=more)
            hidden += _from_groups(state, mixing.groups, in_groups, more)
            hidden += mixing.thought[i]
            np.matmul(_rectify(hidden), self._weights[f"rounds.{i}.2.weight"].T, out=step)
            state += step
            state += self._weights[f"rounds.{i}.2.bias"]
            _rectify(state)

    def _split(self, name: str, widths: list[int]) -> list[Matrix]:
        """The first layer's weights for each of its inputs, of these widths and what is left."""
        return np.split(self._weights[f"{name}.0.weight"], np.cumsum(widths), axis=1)

    def _bias(self, name: str) -> Matrix:
        return self._weights[f"{name}.bias"][:, np.newaxis]

    def _finished(self, name: str, hidden: Matrix, out: Matrix | None = None) -> Matrix:
        """Two layers, of which the first has been computed."""
        return self._linear(f"{name}.2", _rectify(hidden), out)

    def _layers(self, name: str, columns: Matrix) -> Matrix:
        """Two linear layers with a rectifier between them."""
        return self._finished(name, self._linear(f"{name}.0", columns))

    def _linear(self, name: str, columns: Matrix, out: Matrix | None = None) -> Matrix:
        result = np.matmul(self._weights[f"{name}.weight"], columns, out=out)
        result += self._bias(name)
        return result


class _Scratch:
    """Memory that questions write into, one after the other.

    Asking the system for some megabytes takes as long as computing what they are for.

    Parameters
    ----------
    heights
        Rows of each of the arrays that a question needs.
    """

    def __init__(self, heights: Sequence[int]) -> None:
        self._ends = np.cumsum(heights)
        self._spare: deque[Matrix] = deque(maxlen=os.cpu_count())

    @contextmanager
    def borrowed(self, n: int) -> Iterator[list[Matrix]]:
        """Arrays (height, n) that nobody else has meanwhile; what they hold is arbitrary."""
        try:
            memory = self._spare.pop()
        except IndexError:
            memory = np.empty(0, np.float32)
        size = int(self._ends[-1]) * n
        if not size <= len(memory) <= _MOST_SPARE * size:
            memory = np.zeros(size, np.float32)
        yield np.split(memory[:size].reshape(-1, n), self._ends[:-1])
        self._spare.append(memory)


def _rectify(array: Matrix) -> Matrix:
    """A contiguous array (m, n) with 0 in place of what is below, written into it."""
    # With a long row of zeros numpy takes a quarter of the time that it takes with the number.
    rows = array.reshape(sorted(array.shape))
    np.maximum(rows, np.broadcast_to(np.zeros(rows.shape[1], np.float32), rows.shape), out=rows)
    return array


def _pool(clicks: Sequence[Heard], out: Matrix) -> None:
    """Write many clicks as one (2 × hidden, n): the largest, and the mean by weight."""
    if not clicks:
        out[:] = 0
        return
    largest, mean = np.split(out, 2)
    total = np.zeros_like(clicks[0].weights)
    mean[:] = 0
    # What clicks are taken for is never below 0.
    largest[:] = 0
    for click in clicks:
        np.maximum(largest, click.rows, out=largest)
        mean += click.weighted
        total += click.weights
    mean /= total


def _nested(
    levels: list[NDArray[np.int64]], areas: Matrix
) -> list[tuple[NDArray[np.int64], sparse.csr_array]]:
    """Groups of regions (n,) of ascending levels, each as groups of the one before."""
    found = []
    before, sizes = np.arange(len(areas)), areas.astype(np.float64)
    for numbers in levels:
        own = np.empty(len(sizes), np.int64)
        own[before] = numbers
        totals = np.bincount(own, sizes).astype(np.float64)
        entries = (sizes / totals[own], (own, np.arange(len(sizes))))
        means = sparse.coo_array(entries, shape=(len(totals), len(sizes))).tocsr()
        found.append((own, means.astype(np.float32)))
        before, sizes = numbers, totals
    return found


def _from_groups(
    rows: Matrix,
    groups: list[tuple[NDArray[np.int64], sparse.csr_array]],
    parts: list[Matrix],
    out: Matrix,
) -> Matrix:
    """What regions (n, hidden) hear from the groups that they are in, as `out` (n, outputs)."""
    means = []
    for _, of_groups in groups:
        rows = of_groups @ rows
        means.append(rows)
    # From the coarsest down: what a group hears its parts hear, too.
    heard: Matrix | float = 0.0
    for (numbers, _), part, mean in reversed(list(zip(groups, parts, means, strict=True))[1:]):
        heard = (mean @ part.T + heard)[numbers]
    finest: Matrix = means[0] @ parts[0].T + heard
    # All numbers are those of groups; "clip" spares the check, and a copy.
    return np.take(finest, groups[0][0], axis=0, out=out, mode="clip")


def weights_path(mode: int) -> Path:
    """The file of weights that comes with the package, for one of `MODE_NUMBERS`.

    One file would do: the network knows the mode. But what it learns of one mode moves the other's
    answers, too, and is not always good for them.
    """
    (name,) = (name for name, number in MODE_NUMBERS.items() if number == mode)
    return Path(str(files("napari_ncut.prompts"))) / f"clicks-{name}.safetensors"


@cache
def click_model(mode: int) -> ClickModel:
    """The model that comes with the package, for one of `MODE_NUMBERS`."""
    return ClickModel(weights_path(mode))
