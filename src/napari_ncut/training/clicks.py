"""Train the click network on the regions of `compact`, with simulated clicks.

    python -m napari_ncut.training.clicks --data FOLDER -o FILE

Crops of the images that `compact` was trained on are described once; then tasks are drawn from them
and a robot clicks, sees the answer, and corrects it, as RITM (Sofiiuk et al. 2022) trains its
network: what is learned from are the states that its own answers lead to.
"""

from __future__ import annotations

import logging
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ..backbones.compact import Compact
from ..io.atomic import replace_when_written
from ..prompts.click_history import FIRST, histories, history_features
from ..prompts.click_network import ClickNetwork
from ..prompts.evidence import (
    N_ALIKE,
    PAIR_FEATURES,
    ClickPlace,
    PlaneEvidence,
    click_depth,
    elsewhere,
)
from ..prompts.region_answer import nearest_sides
from .augmentation import Crop, random_crop
from .click_tasks import (
    COARSE,
    Scene,
    Task,
    clicked_things,
    clicks_elsewhere,
    describe_plane,
    robot_click,
    scattered_clicks,
    tensor,
)
from .memory import keep_memory
from .samples import Sample, read_samples

log = logging.getLogger(__name__)

# Pixels of a crop's side, and how often each is taken: few clicks must tell of large planes, too.
_SIDES = {320: 0.75, 512: 0.25}
_SCALES = (0.7, 1.5)
# Scenes from each source.
_SCENES = {"bsds500": 240, "dsb2018": 110, "stardist_samples": 10, "synthesized": 260}
# How often clicks of kinds count as made in another plane, and how often without eigenvectors that
# both planes share.
_ELSEWHERE, _STRANGE = 0.25, 0.5
# How often other things have been clicked before.
_OTHERS = 0.15
# How often several things of a kind are clicked first, whatever the answer to each.
_SCATTERED = 0.2
# Learned from: answers to all of the first clicks, and to such a share of the later ones.
_ALL_OF, _LATE = 3, 0.4


@dataclass(frozen=True)
class Settings:
    """Of a run of training.

    Attributes
    ----------
    steps
        How many, each with some tasks in one scene.
    tasks, clicks
        Tasks of a step, and at most so many clicks of each.
    rate
        The largest learning rate of the one-cycle schedule.
    average
        Of the moving average of weights that is kept.
    seed
        Of everything random.
    """

    steps: int = 3_000
    tasks: int = 3
    clicks: int = 18
    rate: float = 3e-3
    average: float = 0.99
    seed: int = 0


def scenes_of(
    samples: dict[str, list[Sample]],
    counts: dict[str, int],
    checkpoint: Path | None,
    seed: int,
    *,
    workers: int = 2,
) -> list[Scene]:
    """Described crops, so many of each source, made in several processes."""
    jobs = []
    for source, found in samples.items():
        for i in range(counts.get(source, 0)):
            # All images once before any of them twice.
            sample = found[(i * 7919) % len(found)]
            jobs.append((sample, checkpoint, (seed, len(source), i)))
    scenes = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for evidence, crop in pool.map(_described, *zip(*jobs, strict=True), chunksize=4):
            scenes.append(Scene.of(evidence, crop))
            if len(scenes) % 50 == 0:
                log.info("%d of %d scenes described", len(scenes), len(jobs))
    return scenes


def _described(
    sample: Sample, checkpoint: Path | None, seed: tuple[int, ...]
) -> tuple[PlaneEvidence, Crop]:
    torch.set_num_threads(1)
    random = np.random.default_rng(seed)
    side = int(random.choice(list(_SIDES), p=list(_SIDES.values())))
    crop = random_crop(random, sample, side, scales=_SCALES)
    return describe_plane(crop.image, Compact(checkpoint=checkpoint)), crop


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


def learn(network: ClickNetwork, scenes: list[Scene], settings: Settings) -> None:
    """Click at random things in random scenes and learn from every state.

    In the end the network has the moving average of its weights.
    """
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.rate, total_steps=settings.steps, pct_start=0.1
    )
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(settings.average)
    )
    total: list[float] = []
    for step in range(settings.steps):
        random = np.random.default_rng([settings.seed, step, 3])
        scene = scenes[random.integers(len(scenes))]
        losses, weights = [], []
        for task in islice(scene.tasks(random), settings.tasks):
            far = task.mode == 0 and random.random() < _ELSEWHERE
            session = Session(scene, task, network, far, far and random.random() < _STRANGE)
            answer = np.zeros_like(task.mask)
            if random.random() < _OTHERS:
                for place in clicks_elsewhere(random, task.mask):
                    session.click(place, False, for_another=True)
            planned: list[tuple[int, int]] = []
            if task.mode == 0 and random.random() < _SCATTERED:
                planned = scattered_clicks(random, task.mask)
            for i in range(int(random.integers(2, settings.clicks + 1))):
                found = (planned.pop(), True) if planned else robot_click(random, answer, task.mask)
                if found is None:
                    break
                session.click(*found)
                learned = i < _ALL_OF or random.random() < _LATE
                with torch.set_grad_enabled(learned):
                    logits = session.logits()
                if learned:
                    losses.append(loss_of(logits, task, scene.around.areas))
                    # Everybody makes the first clicks, only some the later ones.
                    weights.append((i + 1) ** -0.5 / (1 if i < _ALL_OF else _LATE))
                answer = session.answer(logits)
        if losses:
            shares = torch.tensor(weights) / sum(weights)
            loss = (torch.stack(losses) * shares).sum()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            average.update_parameters(network)
            total.append(float(loss.detach()))
        schedule.step()
        if (step + 1) % 200 == 0:
            log.info("%d: loss %.4f", step + 1, np.mean(total))
            total.clear()
    network.load_state_dict(average.module.state_dict())


def judge(
    network: ClickNetwork, scenes: list[Scene], *, clicks: int = 14
) -> dict[str, list[float]]:
    """Mean IoU after each click of a careful robot, by mode, on crops not learned from."""
    found: dict[str, list[list[float]]] = {"similar": [], "object": []}
    for number, scene in enumerate(scenes):
        random = np.random.default_rng([number, 4])
        for task in islice(scene.tasks(random), 2):
            session = Session(scene, task, network)
            answer, curve = np.zeros_like(task.mask), []
            for _ in range(clicks):
                place = robot_click(random, answer, task.mask, sloppy=0)
                if place is not None:
                    session.click(*place)
                    with torch.inference_mode():
                        answer = session.answer(session.logits())
                curve.append(iou(answer, task.mask))
            found[("similar", "object")[task.mode]].append(curve)
    return {mode: np.mean(curves, axis=0).tolist() for mode, curves in found.items() if curves}


def main(
    output: Annotated[Path, typer.Option("-o", "--output", help="File of weights to write.")],
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with bsds500, dsb2018, stardist_samples.", show_default=False),
    ] = None,
    steps: Annotated[int, typer.Option(help="Steps of training.")] = Settings.steps,
    rate: Annotated[float, typer.Option(help="The largest learning rate.")] = Settings.rate,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Weights of compact.", show_default=False)
    ] = None,
    share: Annotated[float, typer.Option(help="Of the scenes: fewer for a trial.")] = 1.0,
    start: Annotated[
        Path | None, typer.Option(help="Weights to begin from.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
) -> None:
    """Train the click network."""
    from safetensors.torch import load_file, save_file

    keep_memory()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    data = data or Path(os.environ.get("NAPARI_NCUT_DATA", ".")) / "data"
    torch.manual_seed(seed)
    counts = {source: max(2, round(n * share)) for source, n in _SCENES.items()}
    largest = (max(_SIDES),) * 2
    samples = read_samples(data, synthesized=26, shape=largest, seed=seed)
    scenes = scenes_of(samples, counts, checkpoint, seed)
    held = {source: 1 + n // 8 for source, n in counts.items()}
    samples = read_samples(data, aside=True, synthesized=3, shape=largest, seed=seed)
    aside = scenes_of(samples, held, checkpoint, 1)
    network = ClickNetwork()
    if start is not None:
        network.load_state_dict(load_file(start))
    learn(network, scenes, Settings(steps=steps, rate=rate, seed=seed))
    log.info("aside: %s", judge(network.eval(), aside))
    with replace_when_written(output) as file:
        save_file({n: w.half().contiguous() for n, w in network.state_dict().items()}, file)


if __name__ == "__main__":
    typer.run(main)
