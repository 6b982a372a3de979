"""Train a superpixel sampling network.

    python -m napari_ncut.training.ssn --data FOLDER -o FOLDER [--source compact]

The losses are those of Jampani et al. 2018: what people drew, mixed by the soft superpixels and
back, shall come out as it was, and superpixels shall be compact. All annotators of a crop are
asked. A run that was stopped goes on where its last checkpoint left it. `napari-ncut ssn train` is
the same.
"""

from __future__ import annotations

import csv
import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import InputError
from ..io.atomic import replace_when_written
from ..metrics import achievable_accuracy
from ..superpixels.soft import SoftGrid
from ..superpixels.ssn import Ssn, as_batch, read_ssn, write_ssn
from ..superpixels.ssn_network import SsnNetwork
from ..superpixels.ssn_sources import Source
from .optimizers import adamw, one_cycle
from .samples import Sample
from .ssn_backbone import TrainedBackbone
from .ssn_losses import compactness_loss, reconstruction_loss
from .ssn_scenes import Image, Scene

log = logging.getLogger(__name__)

# Superpixels of images set aside by which the best weights are chosen, and those images.
_COUNTS = (150, 500)
_JUDGED = 6
# Cells of every image that the principal components of maps are taken of.
_CELLS = 2_000


@dataclass(frozen=True)
class Settings:
    """Of a run of training.

    Attributes
    ----------
    steps
        How many.
    crops, side
        Crops of a step, and pixels of their sides, rounded down to whole cells of the source.
    areas
        Pixels of a superpixel, from and to: drawn anew for every crop.
    iterations
        Of soft k-means.
    rate
        The largest learning rate of the one-cycle schedule.
    backbone_rate
        The share of it for weights of a backbone.
    compactness
        Weight of the second loss; more makes superpixels rounder.
    average
        Of the moving average of weights that is kept.
    trainable
        "head", "last-1", "last-2" … or "all" of the backbone's blocks.
    seed
        Of everything random.
    """

    steps: int = 400
    crops: int = 3
    side: int = 160
    areas: tuple[float, float] = (160.0, 1600.0)
    iterations: int = 5
    rate: float = 1.5e-3
    backbone_rate: float = 0.02
    compactness: float = 1e-5
    average: float = 0.99
    trainable: str = "head"
    seed: int = 0


class Run:
    """A run of training: what there is to save, and how a step is made."""

    def __init__(
        self, settings: Settings, source: Source, device: str = "cpu", start: Path | None = None
    ) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.source, self.device = settings, source, device
        self.step, self.best = 0, 0.0
        self.network = SsnNetwork(source.settings).to(device)
        self.backbone: TrainedBackbone | None = None
        if settings.trainable != "head":
            self.backbone = TrainedBackbone(source, settings.trainable)
        if start is not None:
            self._start_from(start)
        groups: list[dict[str, Any]] = [{"params": list(self.network.parameters())}]
        rates = [settings.rate]
        if self.backbone is not None:
            groups.append({"params": list(self.backbone.parameters())})
            rates.append(settings.rate * settings.backbone_rate)
        self.optimizer = adamw(groups, settings.rate)
        self.schedule = one_cycle(self.optimizer, rates, settings.steps, rising=0.15)
        self.average = {name: value.clone() for name, value in self.network.state_dict().items()}

    def _start_from(self, path: Path) -> None:
        network, of_backbone = read_ssn(path)
        if replace(network.settings, trained="") != replace(self.source.settings, trained=""):
            raise InputError(
                f"{path} is of another source ({network.settings.to_json()}). Begin from one of "
                f"the same, or without."
            )
        self.network.load_state_dict(network.state_dict())
        if self.backbone is not None:
            self.backbone.load(of_backbone)

    def begin(self, scenes: Sequence[Scene]) -> None:
        """Let the network begin with the source's maps themselves, where they are frozen."""
        strides = [stride for _, stride in self.source.settings.maps]
        coarse = [i for i, stride in enumerate(strides) if stride > 1 and scenes[0].maps]
        if not self.source.gain or not coarse:
            return
        chosen = min(coarse, key=lambda i: strides[i])
        random = np.random.default_rng(self.settings.seed)
        cells = []
        for scene in scenes:
            flat = scene.maps[chosen].reshape(-1, scene.maps[chosen].shape[-1])
            cells.append(flat[random.integers(len(flat), size=min(_CELLS, len(flat)))])
        found = torch.from_numpy(np.concatenate(cells).astype(np.float32)).to(self.device)
        self.network.start_from(found, self.source.gain)
        self.average = {name: value.clone() for name, value in self.network.state_dict().items()}

    def learn(self, scenes: Sequence[Scene]) -> dict[str, float]:
        """Make one step on random crops of scenes; both losses."""
        random = np.random.default_rng([self.settings.seed, self.step, 5])
        strides = [stride for _, stride in self.source.settings.maps]
        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        sums = np.zeros(2)
        for _ in range(self.settings.crops):
            scene = scenes[int(random.integers(len(scenes)))]
            crop = scene.crop(random, self.settings.side, strides)
            area = np.exp(random.uniform(*np.log(self.settings.areas)))
            height, width = crop.color.shape[:2]
            grid = SoftGrid.of((height, width), max(2, round(height * width / area)), self.device)
            found = self.network(
                as_batch(crop.color, self.device), self._maps(crop), grid, self.settings.iterations
            )
            parts = reconstruction_loss(found, crop.segmentations), compactness_loss(found)
            loss = parts[0] + self.settings.compactness * parts[1]
            (loss / self.settings.crops).backward()
            sums += [float(part.detach()) for part in parts]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        if self.backbone is not None:
            nn.utils.clip_grad_norm_(self.backbone.parameters(), 1.0)
        self.optimizer.step()
        self.schedule.step()
        self.step += 1
        # Early weights must not stay in the average.
        keep = min(self.settings.average, self.step / (self.step + 10))
        for name, value in self.network.state_dict().items():
            self.average[name].lerp_(value, 1 - keep)
        return dict(zip(("reconstruction", "compactness"), sums / self.settings.crops, strict=True))

    def _maps(self, crop: Scene) -> list[Tensor]:
        if self.backbone is not None:
            return [self.backbone.maps(as_batch(crop.plane, self.device))]
        return [as_batch(one, self.device) for one in crop.maps]

    def averaged(self) -> SsnNetwork:
        """The network with the averaged weights."""
        network = SsnNetwork(self.source.settings)
        network.load_state_dict(self.average)
        return network.to(self.device)

    def judge(self, scenes: Sequence[Scene], counts: Sequence[int] = _COUNTS) -> float:
        """Mean exact ASA of the averaged weights on scenes, at numbers of superpixels."""
        ssn = Ssn(self.averaged(), self.source, self.device)
        figures = []
        for scene in scenes:
            maps = [one.astype(np.float32) for one in scene.maps] if scene.maps else None
            figures += [_accuracy(ssn, scene, maps, count) for count in counts]
        return float(np.mean(figures))

    # ------------------------------------------------------------------------------------- files

    def save(self, path: Path) -> None:
        """Write everything that it takes to go on, as safetensors."""
        from safetensors.torch import save_file

        tensors = {f"network.{n}": v for n, v in self.network.state_dict().items()}
        tensors |= {f"average.{n}": v for n, v in self.average.items()}
        if self.backbone is not None:
            tensors |= {f"backbone.{n}": v for n, v in self.backbone.state().items()}
        state = self.optimizer.state_dict()
        for i, of_parameter in state["state"].items():
            tensors |= {f"optimizer.{i}.{n}": torch.as_tensor(v) for n, v in of_parameter.items()}
        plain = {
            "step": self.step,
            "best": self.best,
            "groups": state["param_groups"],
            "schedule": {k: v for k, v in self.schedule.state_dict().items() if _is_plain(v)},
        }
        contiguous = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        with replace_when_written(path) as file:
            save_file(contiguous, file, metadata={"run": json.dumps(plain)})

    def load(self, path: Path) -> None:
        """Go on where `save` left off."""
        from safetensors import safe_open

        with safe_open(str(path), "pt") as file:
            plain = json.loads(file.metadata()["run"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118

        def part(prefix: str) -> dict[str, Tensor]:
            return {n.removeprefix(prefix): v for n, v in tensors.items() if n.startswith(prefix)}

        self.step, self.best = plain["step"], plain["best"]
        self.network.load_state_dict(part("network."))
        self.average = {n: v.to(self.device) for n, v in part("average.").items()}
        if self.backbone is not None:
            self.backbone.load(part("backbone."))
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in part("optimizer.").items():
            number, _, key = name.partition(".")
            state.setdefault(int(number), {})[key] = value
        self.optimizer.load_state_dict({"state": state, "param_groups": plain["groups"]})
        self.schedule.load_state_dict(plain["schedule"])

    def export(self, path: Path) -> None:
        """Write the averaged weights in half precision, as `segment_superpixels` reads them."""
        trained = None if self.backbone is None else self.backbone.state()
        with replace_when_written(path) as file:
            write_ssn(file, self.averaged(), trained)


def _accuracy(ssn: Ssn, scene: Scene, maps: list[Image] | None, count: int) -> float:
    """Exact ASA at `count` superpixels, between two runs that have a few more and less.

    What makes fewer pieces than asked for would look worse than it is.
    """
    asked, points = count, []
    for _ in range(2):
        labels = ssn.labels(scene.plane, asked, maps=maps)
        found = int(labels.max())
        points.append((np.log(found), achievable_accuracy(labels, scene.segmentations)))
        asked = max(2, round(asked * count / found))
    (x0, y0), (x1, y1) = points
    if abs(x1 - x0) < 0.02:
        return y1
    return float(y1 + (y1 - y0) / (x1 - x0) * (np.log(count) - x1))


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str | list)


def train(
    settings: Settings,
    source: Source,
    samples: Iterable[Sample],
    aside: Iterable[Sample],
    output: Path,
    *,
    every: int = 200,
    device: str = "cpu",
    start: Path | None = None,
    told: Callable[[str], object] | None = None,
) -> Path:
    """Train, or go on where the last run into the same folder was stopped.

    Parameters
    ----------
    settings, source, device
        Of the run.
    samples, aside
        Images with segmentations to train on, and those to choose the best weights by.
    output
        Folder for ``ssn.safetensors`` (the best weights), ``checkpoint.safetensors``, ``log.csv``
        and ``settings.json``.
    every
        Steps between checkpoints.
    start
        Weights of an earlier run to begin from.
    told
        Called with a line about every checkpoint.

    Returns
    -------
    Path
        Of the best weights.
    """
    output.mkdir(parents=True, exist_ok=True)
    run = Run(settings, source, device, start)
    described = {"training": asdict(settings), "network": asdict(source.settings)}
    (output / "settings.json").write_text(json.dumps(described, indent=2), encoding="utf-8")
    frozen = run.backbone is None
    scenes = [Scene.of(sample, source, frozen=frozen) for sample in samples]
    held = [Scene.of(sample, source, frozen=frozen) for sample in _spread(list(aside), _JUDGED)]
    log.info("%d images to train on, %d aside", len(scenes), len(held))
    if start is None:
        run.begin(scenes)
    checkpoint, best = output / "checkpoint.safetensors", output / "ssn.safetensors"
    if checkpoint.exists():
        run.load(checkpoint)
        log.info("going on from step %d", run.step)
    elif not (output / "log.csv").exists():
        (output / "log.csv").write_text("step,reconstruction,compactness,aside ASA,seconds\n")
    since, sums = time.perf_counter(), np.zeros(2)
    first = run.step
    while run.step < settings.steps:
        sums += list(run.learn(scenes).values())
        if run.step % every == 0 or run.step == settings.steps:
            losses = sums / (run.step - first)
            figure = run.judge(held) if held else 0.0
            seconds = time.perf_counter() - since
            with (output / "log.csv").open("a", newline="", encoding="utf-8") as file:
                row = [*(f"{v:.4f}" for v in (*losses, figure)), f"{seconds:.0f}"]
                csv.writer(file).writerow([run.step, *row])
            if told is not None:
                told(
                    f"{run.step} of {settings.steps}: losses {losses[0]:.4f} and {losses[1]:.1f}, "
                    f"aside ASA {figure:.4f}"
                )
            if figure >= run.best or not best.exists():
                run.best = max(figure, run.best)
                run.export(best)
            run.save(checkpoint)
            since, sums, first = time.perf_counter(), np.zeros(2), run.step
    return best


def _spread(samples: list[Sample], most: int) -> list[Sample]:
    """So many of them, evenly spread."""
    places = np.linspace(0, len(samples) - 1, min(most, len(samples))).astype(int)
    return [samples[i] for i in places]


if __name__ == "__main__":
    import typer

    from ..cli.ssn import train_command

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    typer.run(train_command)
