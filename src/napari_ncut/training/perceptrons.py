"""Perceptrons of one hidden layer, as the package keeps them in JSON: fitted to weighted rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..objects.judging import Perceptron

Array = NDArray[np.float32]

# Model, step, and mean loss of the steps since the last.
Curve = list[tuple[str, int, float]]

# Steps from one row of a curve to the next.
_EVERY = 20


@dataclass(frozen=True)
class Fit:
    """How a model is fitted.

    Attributes
    ----------
    hidden
        Numbers of the hidden layer of each network.
    steps, batch
        How many, and rows of each, drawn as often as they weigh.
    rate, decay, dropout
        The largest learning rate of the one-cycle schedule; weight decay; share of numbers and of
        hidden ones that are left out.
    networks
        Whose mean is the model. They differ by chance alone: in what they have learned by heart
        they do not agree.
    """

    hidden: int
    steps: int
    batch: int
    rate: float
    decay: float
    dropout: float = 0.0
    networks: int = 1


def fit_perceptron(
    rows: Array,
    targets: Array,
    weights: Array | NDArray[np.float64],
    how: Fit,
    *,
    seed: int = 0,
    curve: Curve | None = None,
    name: str = "",
) -> Perceptron:
    """A perceptron of rows (n, d) for targets (n,), 0 to 1, that count by weights (n,).

    Losses of the first network go to a `curve`, under a name.
    """
    share = weights / weights.sum()
    mean = (share @ rows).astype(np.float32)
    scale = np.sqrt(share @ np.square(rows - mean)).astype(np.float32) + np.float32(1e-3)
    standard = np.clip((rows - mean) / scale, -4, 4).astype(np.float32)
    parts = []
    for i in range(how.networks):
        part, losses = _network(standard, targets, np.cumsum(share), how, seed + i)
        parts.append(part)
        if curve is not None and i == 0:
            ends = range(_EVERY, how.steps + 1, _EVERY)
            curve += [(name, end, float(np.mean(losses[end - _EVERY : end]))) for end in ends]
    hidden, bias, output, last = zip(*parts, strict=True)
    return Perceptron(
        mean,
        scale,
        np.concatenate(hidden, axis=1),
        np.concatenate(bias),
        (np.concatenate([*output, [np.sum(last)]]) / how.networks).astype(np.float32),
    )


def _network(
    standard: Array,
    targets: Array,
    cumulated: NDArray[np.floating],
    how: Fit,
    seed: int,
) -> tuple[tuple[Array, Array, Array, np.float32], list[float]]:
    """Weights and biases of one network, and the loss of every step."""
    import torch

    from .optimizers import adamw, one_cycle

    torch.manual_seed(seed)
    rows, truth = torch.from_numpy(standard), torch.from_numpy(targets.astype(np.float32))
    layers = torch.nn.Sequential(
        torch.nn.Dropout(how.dropout),
        torch.nn.Linear(rows.shape[1], how.hidden),
        torch.nn.Tanh(),
        torch.nn.Dropout(how.dropout),
        torch.nn.Linear(how.hidden, 1),
    )
    optimizer = adamw(layers.parameters(), how.rate, how.decay)
    schedule = one_cycle(optimizer, how.rate, how.steps)
    random = np.random.default_rng(seed)
    losses: list[float] = []
    for _ in range(how.steps):
        chosen = np.searchsorted(cumulated, random.random(how.batch) * cumulated[-1])
        logits = layers(rows[chosen])[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth[chosen])
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        torch.autograd.backward([loss])
        optimizer.step()
        schedule.step()
    hidden, bias, output, last = (part.detach().numpy() for part in layers.parameters())
    return (hidden.T.copy(), bias, output[0], last[0]), losses
