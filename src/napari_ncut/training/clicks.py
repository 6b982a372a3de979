"""Train the click network on the regions of `compact`, with simulated clicks.

    python -m napari_ncut.training.clicks --data FOLDER -o FOLDER [--start FILE]

Crops of the images that `compact` was trained on are described once; then tasks are drawn from them
and a robot clicks, sees the answer, and corrects it, as RITM (Sofiiuk et al. 2022) trains its
network: what is learned from are the states that its own answers lead to. A run that was stopped
goes on where its last checkpoint left it.
"""

from __future__ import annotations

import csv
import json
import logging
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor, nn

from ..backbones.compact import Compact
from ..io.atomic import replace_when_written
from ..prompts.click_network import ClickNetwork
from ..prompts.evidence import PlaneEvidence
from .augmentation import Crop, random_crop
from .click_session import Session, iou, loss_of
from .click_tasks import Scene, clicks_elsewhere, describe_plane, robot_click, scattered_clicks
from .memory import keep_memory
from .optimizers import Stateful, adamw, load_checkpoint, one_cycle, save_checkpoint
from .samples import Sample, read_samples

log = logging.getLogger(__name__)

# Pixels of a crop's side, and how often each is taken: few clicks must tell of large planes, too.
_SIDES = {320: 0.65, 512: 0.25, 768: 0.1}
# Images are enlarged by no more than that for a large crop.
_ENLARGED = 1.7
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
# Synthesized images of each kind.
_SYNTHESIZED = 26
# Weight decay; clicks after which the log tells the IoU aside.
_DECAY = 1e-4
_SHOWN = (1, 3, 5, 10)
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
            scenes.append(Scene.of(evidence, crop.segmentations, crop.classes))
            if len(scenes) % 50 == 0:
                log.info("%d of %d scenes described", len(scenes), len(jobs))
    return scenes


def _described(
    sample: Sample, checkpoint: Path | None, seed: tuple[int, ...]
) -> tuple[PlaneEvidence, Crop]:
    torch.set_num_threads(1)
    random = np.random.default_rng(seed)
    sides = {n: w for n, w in _SIDES.items() if n <= _ENLARGED * min(sample.image.shape[:2])}
    # What is smaller than any of them must do for the smallest.
    sides = sides or {min(_SIDES): 1.0}
    side = int(random.choice(list(sides), p=np.array([*sides.values()]) / sum(sides.values())))
    crop = random_crop(random, sample, side, scales=_SCALES)
    return describe_plane(crop.image, Compact(checkpoint=checkpoint)), crop


class Run:
    """A run of training: what there is to save, and how a step is made."""

    def __init__(self, settings: Settings, network: ClickNetwork | None = None) -> None:
        self.settings, self.step = settings, 0
        self.network = network or ClickNetwork()
        self.average = torch.optim.swa_utils.AveragedModel(
            self.network,
            multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(settings.average),
        )
        self.optimizer = adamw(self.network.parameters(), settings.rate, _DECAY)
        self.schedule = one_cycle(self.optimizer, settings.rate, settings.steps, rising=0.1)
        self._parts: dict[str, Stateful] = {
            "network": self.network,
            "average": self.average,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
        }

    def begin(self, weights: dict[str, Tensor]) -> None:
        """Begin from weights of an earlier run."""
        for network in (self.network, self.average.module):
            network.load_state_dict(weights)

    def learn(self, scenes: Sequence[Scene]) -> float | None:
        """Click at random things in a random scene and learn from every state.

        The loss; None where there is nothing to click.
        """
        random = np.random.default_rng([self.settings.seed, self.step, 3])
        scene = scenes[int(random.integers(len(scenes)))]
        losses: list[Tensor] = []
        weights: list[float] = []
        for task in islice(scene.tasks(random), self.settings.tasks):
            far = task.mode == 0 and random.random() < _ELSEWHERE
            session = Session(scene, task, self.network, far, far and random.random() < _STRANGE)
            for loss, weight in self._clicked(session, random):
                losses.append(loss)
                weights.append(weight)
        # What scenes remember of clicks is of no use to others.
        scene.evidence.forget_clicks()
        found = None
        if losses:
            shares = torch.tensor(weights) / sum(weights)
            loss = (torch.stack(losses) * shares).sum()
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            self.optimizer.step()
            self.average.update_parameters(self.network)
            found = float(loss.detach())
        self.schedule.step()
        self.step += 1
        return found

    def _clicked(
        self, session: Session, random: np.random.Generator
    ) -> Iterator[tuple[Tensor, float]]:
        """The loss of every state to learn from, and how much it counts."""
        task = session.task
        answer = np.zeros_like(task.mask)
        if random.random() < _OTHERS:
            for place in clicks_elsewhere(random, task.mask):
                session.click(place, False, for_another=True)
        planned: list[tuple[int, int]] = []
        if task.mode == 0 and random.random() < _SCATTERED:
            planned = scattered_clicks(random, task.mask)
        for i in range(int(random.integers(2, self.settings.clicks + 1))):
            found = (planned.pop(), True) if planned else robot_click(random, answer, task.mask)
            if found is None:
                return
            session.click(*found)
            learned = i < _ALL_OF or random.random() < _LATE
            with torch.set_grad_enabled(learned):
                logits = session.logits()
            if learned:
                # Everybody makes the first clicks, only some the later ones.
                weight = (i + 1) ** -0.5 / (1 if i < _ALL_OF else _LATE)
                yield loss_of(logits, task, session.scene.around.areas), weight
            answer = session.answer(logits)

    @property
    def averaged(self) -> ClickNetwork:
        """The network with the moving average of its weights."""
        network = self.average.module
        assert isinstance(network, ClickNetwork)
        return network.eval()

    def save(self, path: Path) -> None:
        """Write everything that it takes to go on."""
        save_checkpoint(path, self.step, self._parts)

    def load(self, path: Path) -> None:
        """Go on where `save` left off."""
        self.step = load_checkpoint(path, self._parts)

    def export(self, path: Path) -> None:
        """Write the averaged weights in half precision, as the package reads them."""
        from safetensors.torch import save_file

        weights = self.average.module.state_dict()
        with replace_when_written(path) as file:
            save_file({name: value.half().contiguous() for name, value in weights.items()}, file)


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
            scene.evidence.forget_clicks()
            found[("similar", "object")[task.mode]].append(curve)
    return {mode: np.mean(curves, axis=0).tolist() for mode, curves in found.items() if curves}


def main(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of weights and log.")],
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
    every: Annotated[int, typer.Option(help="Steps between checkpoints.")] = 500,
    workers: Annotated[int, typer.Option(min=1, help="Processes that describe scenes.")] = 2,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
) -> None:
    """Train the click network, or go on where the last run into the same folder was stopped."""
    from safetensors.torch import load_file

    keep_memory()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    data = data or Path(os.environ.get("NAPARI_NCUT_DATA", ".")) / "data"
    settings = Settings(steps=steps, rate=rate, seed=seed)
    output.mkdir(parents=True, exist_ok=True)
    (output / "settings.json").write_text(json.dumps(asdict(settings), indent=2), encoding="utf-8")
    torch.manual_seed(seed)
    run = Run(settings)
    if start is not None:
        run.begin(load_file(start))
    kept = output / "checkpoint.pt"
    if kept.exists():
        run.load(kept)
        log.info("going on from step %d", run.step)
    counts = {source: max(2, round(n * share)) for source, n in _SCENES.items()}
    largest = (max(_SIDES),) * 2
    samples = read_samples(
        data, synthesized=_SYNTHESIZED, shape=largest, seed=seed, workers=workers
    )
    scenes = scenes_of(samples, counts, checkpoint, seed, workers=workers)
    samples = read_samples(data, aside=True, synthesized=3, shape=largest, seed=seed)
    held = {source: 1 + n // 8 for source, n in counts.items()}
    aside = scenes_of(samples, held, checkpoint, 1, workers=workers)
    since, told = time.perf_counter(), []
    while run.step < settings.steps:
        told.append(run.learn(scenes))
        if run.step % every == 0 or run.step == settings.steps:
            loss = float(np.mean([one for one in told if one is not None]))
            curves = judge(run.averaged, aside)
            shown = [curves[mode][n - 1] for mode in curves for n in _SHOWN]
            with (output / "log.csv").open("a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow([run.step, *(f"{v:.4f}" for v in (loss, *shown))])
            seconds = (time.perf_counter() - since) / len(told)
            log.info("%d: %.3f s a step, loss %.4f, aside %s", run.step, seconds, loss, curves)
            run.save(kept)
            run.export(output / "clicks.safetensors")
            since, told = time.perf_counter(), []


if __name__ == "__main__":
    typer.run(main)
