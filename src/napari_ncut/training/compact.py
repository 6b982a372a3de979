"""Train the embedded network `compact` from nothing.

    python -m napari_ncut.training.compact --data FOLDER -o FOLDER [--start FILE]

FOLDER holds bsds500, dsb2018 and stardist_samples; further images are synthesized. A run that was
stopped goes on where its last checkpoint left it, and gives the same as one that was not. With
`--start` training begins from weights as an earlier run wrote them, rather than from random ones.

On two cores a step of four crops takes some .3 s; on a large graphics processor one of 48 takes
some .03 s (`--device cuda --crops 48`), and all of it ten minutes.
"""

from __future__ import annotations

import csv
import json
import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor, nn
from torch.nn import functional

from ..backbones.compact_network import CompactMaps, CompactNetwork
from ..backbones.compact_weights import pack, read_weights
from ..devices import choose_device
from ..errors import InputError
from ..io.atomic import replace_when_written
from .batches import Batch, Batches, Drawing, Pairs, drawn
from .memory import keep_memory
from .optimizers import Stateful, adamw, load_checkpoint, one_cycle, save_checkpoint
from .replay import Replay
from .samples import Sample, read_samples

log = logging.getLogger(__name__)

_Several = tuple[Tensor, ...] | list[Tensor]

# Batches of images set aside that a run is judged by, and crops that tell how to normalize.
_HELD = 24
_TO_NORMALIZE = 32


@dataclass(frozen=True)
class Settings:
    """Of a run of training.

    Attributes
    ----------
    steps
        How many.
    crops
        Of a step, of 224 pixels to a side; every other step, at random, has half as many of 320.
    rate, decay
        The largest learning rate of the one-cycle schedule; weight decay.
    average
        Of the moving average of weights that is kept.
    pairs, reach
        Pairs of pixels compared in a crop, and the largest distance of two of one segment.
    synthesized
        Images of each synthesized kind.
    seed
        Of everything random.
    """

    steps: int = 14_000
    crops: int = 4
    rate: float = 4e-3
    decay: float = 1e-3
    average: float = 0.998
    pairs: int = 4_000
    reach: float = 160.0
    synthesized: int = 80
    seed: int = 0

    @property
    def drawing(self) -> Drawing:
        """How its crops are drawn."""
        sides = ((self.crops, 224), (self.crops // 2, 320))
        return Drawing(sides, self.pairs, self.reach, self.seed)


# ------------------------------------------------------------------------------------------ losses


def boundary_loss(logits: Tensor, share: Tensor) -> Tensor:
    """Cross-entropy in which boundaries and all else weigh the same (Xie & Tu, HED, 2015)."""
    positive = share.mean(dim=(1, 2), keepdim=True).clamp(0.02, 0.5)
    # Their geometric mean with even weights: boundaries stay thin.
    weight = share * (0.5 / positive).sqrt() + (1 - share) * (0.5 / (1 - positive)).sqrt()
    return functional.binary_cross_entropy_with_logits(logits, share, weight)


def pair_loss(embedded: Tensor, offset: Tensor, pairs: Pairs) -> Tensor:
    """Cross-entropy of "the same" by the distance of embeddings (n, d, h/2, w/2).

    The mean over those crops of which something is known.
    """
    flat = embedded.flatten(2)
    first, second = (
        flat.gather(2, cells[:, None].expand(-1, flat.shape[1], -1))
        for cells in (pairs.start, pairs.end)
    )
    logits = offset - (first - second).square().sum(1)
    of_crop = functional.binary_cross_entropy_with_logits(
        logits, pairs.same, pairs.weights, reduction="none"
    ).mean(1)
    return of_crop.sum() / (pairs.weights > 0).any(1).sum().clamp_min(1)


def losses(maps: CompactMaps, offsets: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Each part of the loss, averaged over the crops that have it."""
    return {
        "boundary": boundary_loss(maps.boundary[:, 0].float(), batch.boundary),
        "segment": pair_loss(maps.segment.float(), offsets[0], batch.segment),
        "kind": pair_loss(maps.kind.float(), offsets[1], batch.kind),
    }


# ---------------------------------------------------------------------------------------- training


class Run:
    """A run of training: what there is to save, and how a step is made."""

    def __init__(
        self,
        settings: Settings,
        start: dict[str, Tensor] | None = None,
        images: Tensor | None = None,
        device: str = "cpu",
    ) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.device = settings, device
        self.step = 0
        network = CompactNetwork()
        if start is not None:
            assert images is not None  # they tell how to normalize
            network.unfold(start, images)
        self.network = network.to(device).to(memory_format=torch.channels_last)
        self.average = torch.optim.swa_utils.AveragedModel(
            self.network, multi_avg_fn=_moving_average(settings.average), use_buffers=True
        )
        on_cuda = torch.device(device).type == "cuda"
        self.optimizer = adamw(
            self.network.parameters(), settings.rate, settings.decay, fused=on_cuda
        )
        self._gradients = self._computed
        if on_cuda:
            self._gradients = Replay(self._computed, self.network.parameters())
        self.schedule = one_cycle(
            self.optimizer, settings.rate, settings.steps, rising=0.15, momentum=False
        )
        self._parts: dict[str, Stateful] = {
            "network": self.network,
            "average": self.average,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
        }

    def learn(self, batch: Batch) -> dict[str, Tensor]:
        """Make one step; the parts of its loss."""
        self.network.train()
        # They stay where they are: a recording writes there.
        self.optimizer.zero_grad(set_to_none=False)
        parts = self._gradients(batch.to(self.device))
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimizer.step()
        self.schedule.step()
        self.average.update_parameters(self.network)
        self.step += 1
        return parts

    def _computed(self, batch: Batch) -> dict[str, Tensor]:
        """Add the gradients of a batch to those there are; the parts of its loss."""
        with torch.autocast(torch.device(self.device).type, torch.bfloat16):
            maps = self.network(batch.images)
        parts = losses(maps, self.network.offsets, batch)
        torch.stack(list(parts.values())).sum().backward()
        return {name: part.detach() for name, part in parts.items()}

    def validate(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Parts of the loss of the averaged weights, over crops of images set aside."""
        self.average.eval()
        found = []
        with torch.inference_mode():
            offsets = self.average.get_parameter("module.offsets")
            for batch in batches:
                there = batch.to(self.device)
                found.append(losses(self.average(there.images), offsets, there))
        return {name: float(np.mean([float(p[name]) for p in found])) for name in found[0]}

    def save(self, path: Path) -> None:
        """Write everything that it takes to go on."""
        save_checkpoint(path, self.step, self._parts)

    def load(self, path: Path) -> None:
        """Go on where `save` left off."""
        self.step = load_checkpoint(path, self._parts, self.device)

    def export(self, path: Path, start: dict[str, Tensor] | None = None, mix: float = 1) -> None:
        """Write the averaged weights, folded and packed, as the package reads them.

        Those it began from are mixed in if they are given, see `mixed`.
        """
        from safetensors.torch import save_file

        network = CompactNetwork()
        state = self.average.module.state_dict()
        network.load_state_dict({name: value.cpu() for name, value in state.items()})
        weights = network.fold().state_dict()
        with replace_when_written(path) as file:
            save_file(pack(weights if start is None else mixed(start, weights, mix)), file)


def _moving_average(decay: float) -> Callable[[_Several, _Several, object], None]:
    """Of weights and of statistics.

    Numbers of steps are taken over at once, since averaging each costs several small operations.
    """

    @torch.no_grad()
    def update(averages: _Several, news: _Several, _: object) -> None:
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, news, 1 - decay)
        else:
            torch._foreach_copy_(averages, news)

    return update


def mixed(start: dict[str, Tensor], end: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Folded weights on the way from where a run began to where it ended, such a share of it.

    They generalize better than both (Wortsman et al., Robust fine-tuning of zero-shot models,
    2022). Of a block that the beginning lacks, the second convolution was zero there.
    """
    return {
        name: share * value
        + (1 - share) * start.get(name, 0 * value if ".second." in name else value)
        for name, value in end.items()
    }


def main(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of checkpoints and log.")],
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with bsds500, dsb2018, stardist_samples.", show_default=False),
    ] = None,
    steps: Annotated[int, typer.Option(help="Steps of a few crops.")] = Settings.steps,
    rate: Annotated[float, typer.Option(help="The largest learning rate.")] = Settings.rate,
    start: Annotated[
        Path | None, typer.Option(help="Weights to begin from, as a run before wrote them.")
    ] = None,
    mix: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Share of what was learned in what is written; the rest is the start's.",
        ),
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = Settings.seed,
    crops: Annotated[
        int, typer.Option(min=2, help="Crops a step of 224 pixels; half as many of 320.")
    ] = Settings.crops,
    synthesized: Annotated[
        int, typer.Option(help="Synthesized images of each kind.")
    ] = Settings.synthesized,
    every: Annotated[int, typer.Option(help="Steps between checkpoints.")] = 500,
    device: Annotated[str, typer.Option(help="What computes: cpu, cuda, or auto.")] = "auto",
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes that draw crops; else one a processor.")
    ] = None,
) -> None:
    """Train `compact`, or go on where the last run into the same folder was stopped."""
    keep_memory()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    data = data or Path(os.environ.get("NAPARI_NCUT_DATA", ".")) / "data"
    settings = Settings(steps, crops, rate, seed=seed, synthesized=synthesized)
    device = choose_device(device)
    workers = (os.cpu_count() or 1) if workers is None else workers
    output.mkdir(parents=True, exist_ok=True)
    (output / "settings.json").write_text(json.dumps(asdict(settings), indent=2), encoding="utf-8")
    samples = read_samples(data, synthesized=synthesized, seed=seed, workers=workers)
    log.info("read %s", {source: len(found) for source, found in samples.items()})
    aside = read_samples(data, aside=True, synthesized=min(4, synthesized), seed=seed)
    held = Batches(aside, replace(Settings(), seed=seed + 1).drawing, _HELD)
    validation = [held[step] for step in range(len(held))]
    begun, images = _beginning(start, samples, settings)
    run = Run(settings, begun, images, device)
    checkpoint = output / "checkpoint.pt"
    if checkpoint.exists():
        run.load(checkpoint)
        log.info("going on from step %d", run.step)
    batches = Batches(samples, settings.drawing, settings.steps)
    ready = drawn(batches, run.step, workers=workers, pinned=device.startswith("cuda"))
    started, told = time.perf_counter(), []
    with (output / "log.csv").open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        for batch in ready:
            told.append(run.learn(batch))
            if run.step % every == 0 or run.step == settings.steps:
                learned = {n: float(sum(t[n] for t in told)) / len(told) for n in told[0]}
                held_out = run.validate(validation)
                row = [run.step, *learned.values(), *held_out.values()]
                writer.writerow([f"{value:.4f}" if value % 1 else value for value in row])
                file.flush()
                seconds = (time.perf_counter() - started) / len(told)
                log.info("%d: %.3f s a step, %s, aside %s", run.step, seconds, learned, held_out)
                run.save(checkpoint)
                run.export(output / "compact.safetensors", begun, mix)
                started, told = time.perf_counter(), []


def _beginning(
    start: Path | None, samples: dict[str, list[Sample]], settings: Settings
) -> tuple[dict[str, Tensor] | None, Tensor | None]:
    """Weights to begin from, and crops of one size that tell how to normalize with them."""
    if start is None:
        return None, None
    weights = read_weights(start)
    foreign = sorted(weights.keys() - CompactNetwork().fold().state_dict().keys())
    if foreign or "boundary.weight" not in weights:
        raise InputError(
            f"{start} is not of this network: {foreign[0] if foreign else 'boundary.weight'} is "
            f"{'unknown' if foreign else 'missing'}. Give weights that this command wrote."
        )
    some = replace(settings.drawing, batches=((_TO_NORMALIZE, 224),))
    return weights, Batches(samples, some, 1)[0].images


if __name__ == "__main__":
    typer.run(main)
