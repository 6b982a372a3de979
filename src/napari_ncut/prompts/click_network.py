"""A small network on the graph of regions: what clicks say of each becomes one answer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .click_history import N_HISTORY
from .evidence import N_GUESS, N_OWN, PAIR_FEATURES
from .surroundings import GROUP_LEVELS, N_EDGE

_HIDDEN = 24
# Rounds in which regions hear what their neighbors, and what the things they are part of, think.
_ROUNDS = 2


@dataclass(frozen=True)
class Surroundings:
    """How regions of a plane hang together.

    Attributes
    ----------
    own : Tensor (n, N_OWN)
        What is known of each without clicks.
    edges : Tensor (2, m)
        Pairs that touch, in both directions.
    edge_features : Tensor (m, N_EDGE)
    groups : list of Tensors (n,)
        Groups at each of `GROUP_LEVELS`, numbered from 0.
    areas : Tensor (n,)
        Pixels of each.
    """

    own: Tensor
    edges: Tensor
    edge_features: Tensor
    groups: list[Tensor]
    areas: Tensor


class ClickNetwork(nn.Module):
    """Logits of "belongs to what was clicked" of all regions of a plane.

    Every click is looked at by itself and then all of one sign together (as in PointNet, Qi et al.
    2017), so that their number and order are free; regions then exchange messages with those that
    they touch, and with their groups in the merge tree.
    """

    def __init__(self) -> None:
        super().__init__()
        width = _HIDDEN
        n_heard = len(PAIR_FEATURES) + N_HISTORY
        # Modes and signs have layers of their own: [mode × 2 + sign].
        self.look = nn.ModuleList(
            nn.Sequential(nn.Linear(n_heard, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
            for _ in range(4)
        )
        self.attention = nn.ModuleList(nn.Linear(width, 1) for _ in range(4))
        self.join = nn.Sequential(
            nn.Linear(4 * width + N_OWN + N_GUESS + 4, 2 * width),
            nn.ReLU(),
            nn.Linear(2 * width, width),
            nn.ReLU(),
        )
        self.near = nn.ModuleList(
            nn.Sequential(nn.Linear(N_EDGE, 8), nn.ReLU(), nn.Linear(8, 1)) for _ in range(_ROUNDS)
        )
        n_groups = len(GROUP_LEVELS)
        self.rounds = nn.ModuleList(
            nn.Sequential(
                nn.Linear((2 + n_groups) * width + N_OWN, 2 * width),
                nn.ReLU(),
                nn.Linear(2 * width, width),
            )
            for _ in range(_ROUNDS)
        )
        self.answer = nn.Linear(width + N_GUESS, 1)

    def hear(self, pairs: Tensor, history: Tensor, positive: bool, mode: int) -> Tensor:
        """What clicks (…, n, features) of one sign are taken for: (…, n, hidden).

        `history` (…, N_HISTORY) has their `history_features`.
        """
        columns = history[..., None, :].expand(*pairs.shape[:-1], N_HISTORY)
        heard: Tensor = self.look[2 * mode + positive](torch.cat([pairs, columns], dim=-1))
        return heard

    def pool(self, heard: Tensor, positive: bool, mode: int) -> Tensor:
        """Many clicks' (c, …, n, hidden) as one (…, n, 2 × hidden): the largest, and by weight."""
        weights = self.attention[2 * mode + positive](heard).softmax(dim=0)
        return torch.cat([heard.amax(dim=0), (weights * heard).sum(dim=0)], dim=-1)

    def forward(
        self,
        positive: Tensor,
        negative: Tensor | None,
        counts: tuple[int, int],
        mode: int,
        around: Surroundings,
        guesses: Tensor,
    ) -> Tensor:
        """Logits (…, n) from pooled clicks (…, n, 2 × hidden); `negative` None without any."""
        if negative is None:
            negative = torch.zeros_like(positive)
        lead = positive.shape[:-1]
        known = torch.tensor(
            [counts[0] ** 0.5 / 3, counts[1] ** 0.5 / 3, float(counts[1] > 0), float(mode)],
            dtype=positive.dtype,
            device=positive.device,
        )
        own = around.own.expand(*lead, N_OWN)
        state = self.join(
            torch.cat([positive, negative, own, guesses, known.expand(*lead, 4)], dim=-1)
        )
        for near, think in zip(self.near, self.rounds, strict=True):
            heard = [state, self._from_neighbors(state, near, around)]
            heard += [_from_group(state, group, around.areas) for group in around.groups]
            state = functional.relu(state + think(torch.cat([*heard, own], dim=-1)))
        logits: Tensor = self.answer(torch.cat([state, guesses], dim=-1))[..., 0]
        return logits

    @staticmethod
    def _from_neighbors(state: Tensor, near: nn.Module, around: Surroundings) -> Tensor:
        source, target = around.edges
        weights = near(around.edge_features).clamp(-6, 6).exp()
        total = torch.zeros(state.shape[-2], 1, dtype=state.dtype, device=state.device)
        total.index_add_(0, target, weights)
        messages = torch.zeros_like(state)
        messages.index_add_(state.dim() - 2, target, state.index_select(-2, source) * weights)
        return messages / total.clamp_min(1e-6)


def _from_group(state: Tensor, group: Tensor, areas: Tensor) -> Tensor:
    """The mean of each region's group, by area."""
    n_groups = int(group.max()) + 1
    weights = areas[:, None]
    total = torch.zeros(n_groups, 1, dtype=state.dtype, device=state.device)
    total.index_add_(0, group, weights)
    sums = torch.zeros(*state.shape[:-2], n_groups, state.shape[-1], dtype=state.dtype)
    sums.index_add_(state.dim() - 2, group, state * weights)
    return (sums / total).index_select(-2, group)
