"""A thing being clicked by a robot, and what is lost where the click network's answer is wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..prompts.click_history import FIRST, histories, history_features
from ..prompts.click_network import ClickNetwork
from ..prompts.evidence import N_ALIKE, PAIR_FEATURES, ClickPlace, click_depth, elsewhere
from ..prompts.region_answer import nearest_sides
from .click_tasks import COARSE, Scene, Task, clicked_things, tensor


@dataclass
class Session:
    """One task being clicked."""

    scene: Scene
    task: Task
    network: ClickNetwork
    far: bool = False
    strange: bool = False

    def __post_init__(self) -> None:
        self.clicks: list[tuple[tuple[int, int], bool]] = []
        self._heard: dict[bool, list[Tensor]] = {True: [], False: []}
        self._places: list[ClickPlace] = []
        self._counts: list[bool] = []

    def click(self, place: tuple[int, int], positive: bool, *, for_another: bool = False) -> None:
        """Add a click at a pixel of the robot's grid.

        Those for another thing that is wanted beside this one are negative, and not in answer to
        anything.
        """
        self.clicks.append((place, positive))
        self._counts.append(not for_another)
        evidence, region = self.scene.evidence, int(self.scene.coarse[place])
        # The robot looks at some of the pixels only; the network sees where it clicked.
        row, column = (COARSE * at for at in place)
        depth = click_depth(evidence.regions.graph.labels, row, column)
        pair, found = evidence.of_click(region, depth), evidence.click_place(region)
        self._places.append(replace(found, place=None) if self.far else found)
        if self.far:
            pair = np.concatenate([pair[:, :N_ALIKE], elsewhere(pair[:, N_ALIKE:])], axis=1)
        if self.strange:
            pair = pair.copy()
            pair[:, PAIR_FEATURES.index("eigenvector cosine")] = 0
        history = torch.from_numpy(self._history())
        heard = self.network.hear(tensor(pair), history, positive, self.task.mode)
        self._heard[positive].append(heard)

    def _history(self) -> NDArray[np.float32]:
        """Of the last click."""
        pixels = np.array([(0, COARSE * row, COARSE * column) for (row, column), _ in self.clicks])
        when = histories(pixels, np.array(self._counts))[-1]
        if self.far:
            when[1] = FIRST[1]
        return history_features(when, self.scene.evidence.regions.graph.labels.size)

    def logits(self) -> Tensor:
        """Of all regions."""
        inside, outside = (
            self.network.pool(torch.stack(heard), positive, self.task.mode) if heard else None
            for positive, heard in self._heard.items()
        )
        if inside is None:
            assert outside is not None  # there is a click
            inside = torch.zeros_like(outside)
        counts = (len(self._heard[True]), len(self._heard[False]))
        guesses = self.scene.evidence.guesses(self._places, [sign for _, sign in self.clicks])
        return self.network(
            inside, outside, counts, self.task.mode, self.scene.around, tensor(guesses)
        )

    def answer(self, logits: Tensor) -> NDArray[np.bool_]:
        """The mask on the robot's grid, with clicks on their side, as `RegionAnswer.hold` does."""
        inside = (logits.detach() > 0).numpy()
        mask, edges = inside[self.scene.coarse], []
        sides: dict[int, dict[tuple[int, int], bool]] = {}
        for place, positive in self.clicks:
            row, column = place
            beside = (
                mask[max(row - 1, 0) : row + 2, column],
                mask[row, max(column - 1, 0) : column + 2],
            )
            if mask[place] != positive and (np.concatenate(beside) == positive).any():
                edges.append((place, positive))
            else:
                region = int(self.scene.coarse[place])
                inside[region] = positive
                sides.setdefault(region, {})[place] = positive
        mask = inside[self.scene.coarse]
        for region, clicks in sides.items():
            if len(set(clicks.values())) > 1:
                places = np.argwhere(self.scene.coarse == region)
                signs = np.array(list(clicks.values()))
                mask[tuple(places.T)] = nearest_sides(places, np.array(list(clicks)), signs)
        for place, positive in edges:
            mask[place] = positive
        if self.task.mode == 1:
            mask = clicked_things(mask, [place for place, positive in self.clicks if positive])
        return mask


def loss_of(logits: Tensor, task: Task, areas: Tensor) -> Tensor:
    """Cross-entropy by area, and one minus the IoU."""
    share = torch.from_numpy(task.share)
    weights = areas / areas.sum()
    inside = (share * weights).sum().clamp(0.02, 0.98)
    # Small things weigh more than their area, less than all else together.
    balance = share * (0.5 / inside).sqrt() + (1 - share) * (0.5 / (1 - inside)).sqrt()
    entropy = functional.binary_cross_entropy_with_logits(logits, share, reduction="none")
    probability = logits.sigmoid()
    both = (probability * share * weights).sum()
    either = ((probability + share - probability * share) * weights).sum()
    return (entropy * weights * balance).sum() + 0.5 * (1 - both / either.clamp_min(1e-6))


def iou(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks."""
    return float((mask & truth).sum() / max((mask | truth).sum(), 1))
