"""Train the embedded network `compact` from nothing.

    python -m napari_ncut.training.compact --data FOLDER -o FOLDER [--start FILE]

FOLDER holds bsds500, dsb2018 and stardist_samples; further images are synthesized. A run that was
stopped goes on where its last checkpoint left it, and gives the same as one that was not. With
`--start` training begins from weights as an earlier run wrote them, rather than from random ones.
"""

from __future__ import annotations

import csv
import json
import logging
import math
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ..backbones.compact_network import CompactMaps, CompactNetwork
from ..backbones.compact_weights import pack, read_weights
from ..errors import InputError
from ..io.atomic import replace_when_written
from .augmentation import Crop, random_crop
from .memory import keep_memory
from .samples import Sample, read_samples

log = logging.getLogger(__name__)

# Share of the crops of a batch that each source gives.
SHARES = {"bsds500": 0.45, "synthesized": 0.4, "dsb2018": 0.13, "stardist_samples": 0.02}


@dataclass(frozen=True)
class Settings:
    """Of a run of training.

    Attributes
    ----------
    steps
        How many.
    batches
        Crops a step and pixels of their sides: each step has one of these, at random.
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
    batches: tuple[tuple[int, int], ...] = ((4, 224), (2, 320))
    rate: float = 4e-3
    decay: float = 1e-3
    average: float = 0.998
    pairs: int = 4_000
    reach: float = 160.0
    synthesized: int = 80
    seed: int = 0


# ------------------------------------------------------------------------------------------- data


def batches(
    samples: dict[str, list[Sample]], settings: Settings, first: int
) -> Iterator[list[Crop]]:
    """Crops of each step from the first on; a step's depend on its number alone."""
    sources = list(samples)
    shares = np.array([SHARES[source] for source in sources])

    def crops(step: int) -> list[Crop]:
        random = np.random.default_rng([settings.seed, step])
        found = []
        n_crops, side = settings.batches[random.integers(len(settings.batches))]
        for source in random.choice(sources, n_crops, p=shares / shares.sum()):
            of_source = samples[str(source)]
            sample = of_source[random.integers(len(of_source))]
            found.append(random_crop(random, sample, side))
        return found

    with ThreadPoolExecutor(2) as pool:
        ahead = [pool.submit(crops, first + i) for i in range(4)]
        for step in range(first, settings.steps):
            ready = ahead.pop(0).result()
            ahead.append(pool.submit(crops, step + 4))
            yield ready
        for future in ahead:
            future.cancel()


def boundary_share(segmentations: NDArray[np.int32]) -> NDArray[np.float32]:
    """Share of segmentations (n, h, w) with a boundary at or beside each pixel (h, w)."""
    edges = np.zeros(segmentations.shape, dtype=bool)
    across = segmentations[:, 1:] != segmentations[:, :-1]
    along = segmentations[..., 1:] != segmentations[..., :-1]
    edges[:, 1:] |= across
    edges[:, :-1] |= across
    edges[..., 1:] |= along
    edges[..., :-1] |= along
    return edges.mean(axis=0, dtype=np.float32)


# ------------------------------------------------------------------------------------------ losses


def boundary_loss(logits: Tensor, share: Tensor) -> Tensor:
    """Cross-entropy in which boundaries and all else weigh the same (Xie & Tu, HED, 2015)."""
    positive = share.mean(dim=(1, 2), keepdim=True).clamp(0.02, 0.5)
    # Their geometric mean with even weights: boundaries stay thin.
    weight = share * (0.5 / positive).sqrt() + (1 - share) * (0.5 / (1 - positive)).sqrt()
    return functional.binary_cross_entropy_with_logits(logits, share, weight)


def segment_loss(
    random: np.random.Generator, embedded: Tensor, offset: Tensor, crop: Crop, settings: Settings
) -> Tensor:
    """Cross-entropy of "same segment" by the distance of pairs, against the share of annotators."""
    side = crop.classes.shape[0]
    n = settings.pairs
    start = random.integers(0, side, (n, 2))
    radius = np.exp(random.uniform(math.log(2), math.log(settings.reach), n))
    angle = random.uniform(0, 2 * np.pi, n)
    step = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    end = np.clip(np.rint(start + step).astype(int), 0, side - 1)
    segments = crop.segmentations
    same = segments[:, start[:, 0], start[:, 1]] == segments[:, end[:, 0], end[:, 1]]
    return _pair_loss(embedded, offset, start, end, same.mean(axis=0, dtype=np.float32))


def kind_loss(
    random: np.random.Generator, embedded: Tensor, offset: Tensor, crop: Crop, settings: Settings
) -> Tensor | None:
    """Cross-entropy of "same kind" of pairs anywhere; None without kinds to tell apart."""
    known = np.argwhere(crop.classes > 0)
    if len(known) < 100:
        return None
    start, end = (known[random.integers(0, len(known), settings.pairs)] for _ in range(2))
    same = crop.classes[start[:, 0], start[:, 1]] == crop.classes[end[:, 0], end[:, 1]]
    if same.all():
        return None
    share = np.clip(same.mean(), 0.05, 0.95)
    weights = np.where(same, 0.5 / share, 0.5 / (1 - share)).astype(np.float32)
    return _pair_loss(embedded, offset, start, end, same.astype(np.float32), weights)


def _pair_loss(
    embedded: Tensor,
    offset: Tensor,
    start: NDArray,
    end: NDArray,
    same: NDArray[np.float32],
    weights: NDArray[np.float32] | None = None,
) -> Tensor:
    # Embeddings (d, h/2, w/2) of pixels are those of the cell that holds them.
    at = [torch.from_numpy(pixels // 2).unbind(1) for pixels in (start, end)]
    first, second = (embedded[:, rows, columns] for rows, columns in at)
    logits = offset - (first - second).square().sum(0)
    return functional.binary_cross_entropy_with_logits(
        logits,
        torch.from_numpy(same),
        None if weights is None else torch.from_numpy(weights),
    )


def losses(
    random: np.random.Generator,
    maps: CompactMaps,
    offsets: Tensor,
    crops: list[Crop],
    settings: Settings,
) -> dict[str, Tensor]:
    """Each part of the loss, averaged over the crops that have it."""
    shares = torch.from_numpy(np.stack([boundary_share(crop.segmentations) for crop in crops]))
    segment = [
        segment_loss(random, embedded, offsets[0], crop, settings)
        for embedded, crop in zip(maps.segment.float(), crops, strict=True)
    ]
    kind = [
        kind_loss(random, embedded, offsets[1], crop, settings)
        for embedded, crop in zip(maps.kind.float(), crops, strict=True)
    ]
    told = [loss for loss in kind if loss is not None]
    return {
        "boundary": boundary_loss(maps.boundary[:, 0].float(), shares),
        "segment": torch.stack(segment).mean(),
        "kind": torch.stack(told).mean() if told else torch.zeros(()),
    }


# ---------------------------------------------------------------------------------------- training


def as_input(crops: list[Crop]) -> Tensor:
    """Images of crops as the network takes them."""
    images = torch.from_numpy(np.stack([crop.image for crop in crops]))
    return images.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


class Run:
    """A run of training: what there is to save, and how a step is made."""

    def __init__(
        self,
        settings: Settings,
        start: dict[str, Tensor] | None = None,
        images: Tensor | None = None,
    ) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.step = 0
        network = CompactNetwork()
        if start is not None:
            assert images is not None  # they tell how to normalize
            network.unfold(start, images)
        self.network = network.to(memory_format=torch.channels_last)
        self.average = torch.optim.swa_utils.AveragedModel(
            self.network,
            multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(settings.average),
            use_buffers=True,
        )
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=settings.rate, weight_decay=settings.decay
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, settings.rate, total_steps=settings.steps, pct_start=0.15
        )

    def learn(self, crops: list[Crop]) -> dict[str, float]:
        """Make one step; the parts of its loss."""
        random = np.random.default_rng([self.settings.seed, self.step, 1])
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16):
            maps = self.network(as_input(crops))
        parts = losses(random, maps, self.network.offsets, crops, self.settings)
        self.optimizer.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimizer.step()
        self.schedule.step()
        self.average.update_parameters(self.network)
        self.step += 1
        return {name: float(part.detach()) for name, part in parts.items()}

    def validate(self, batches: list[list[Crop]]) -> dict[str, float]:
        """Parts of the loss of the averaged weights, over crops of images set aside."""
        self.average.eval()
        found = []
        with torch.inference_mode():
            for i, crops in enumerate(batches):
                random = np.random.default_rng([self.settings.seed, i, 2])
                maps = self.average(as_input(crops))
                offsets = self.average.get_parameter("module.offsets")
                parts = losses(random, maps, offsets, crops, self.settings)
                found.append({name: float(part) for name, part in parts.items()})
        return {name: float(np.mean([parts[name] for parts in found])) for name in found[0]}

    def save(self, path: Path) -> None:
        """Write everything that it takes to go on."""
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
        }
        with replace_when_written(path) as file:
            torch.save(state, file)

    def load(self, path: Path) -> None:
        """Go on where `save` left off."""
        state = torch.load(path, weights_only=True)
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])

    def export(self, path: Path, start: dict[str, Tensor] | None = None, mix: float = 1) -> None:
        """Write the averaged weights, folded and packed, as the package reads them.

        Those it began from are mixed in if they are given, see `mixed`.
        """
        from safetensors.torch import save_file

        network = CompactNetwork()
        network.load_state_dict(self.average.module.state_dict())
        weights = network.fold().state_dict()
        with replace_when_written(path) as file:
            save_file(pack(weights if start is None else mixed(start, weights, mix)), file)


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
    synthesized: Annotated[
        int, typer.Option(help="Synthesized images of each kind.")
    ] = Settings.synthesized,
    every: Annotated[int, typer.Option(help="Steps between checkpoints.")] = 500,
) -> None:
    """Train `compact`, or go on where the last run into the same folder was stopped."""
    keep_memory()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    data = data or Path(os.environ.get("NAPARI_NCUT_DATA", ".")) / "data"
    settings = Settings(steps=steps, rate=rate, seed=seed, synthesized=synthesized)
    output.mkdir(parents=True, exist_ok=True)
    (output / "settings.json").write_text(json.dumps(asdict(settings), indent=2), encoding="utf-8")
    samples = read_samples(data, synthesized=synthesized, seed=seed)
    log.info("read %s", {source: len(found) for source, found in samples.items()})
    aside = read_samples(data, aside=True, synthesized=min(4, synthesized), seed=seed)
    held = Settings(steps=24, seed=seed + 1, synthesized=synthesized)
    validation = list(batches(aside, held, 0))
    begun, images = _beginning(start, samples, settings)
    run = Run(settings, begun, images)
    checkpoint = output / "checkpoint.pt"
    if checkpoint.exists():
        run.load(checkpoint)
        log.info("going on from step %d", run.step)
    started, sums = time.perf_counter(), dict.fromkeys(("boundary", "segment", "kind"), 0.0)
    with (output / "log.csv").open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        for crops in batches(samples, settings, run.step):
            for name, value in run.learn(crops).items():
                sums[name] += value / every
            if run.step % every == 0 or run.step == settings.steps:
                held_out = run.validate(validation)
                row = [run.step, *sums.values(), *held_out.values()]
                writer.writerow([f"{value:.4f}" if value % 1 else value for value in row])
                file.flush()
                seconds = (time.perf_counter() - started) / every
                log.info("%d: %.3f s a step, %s, aside %s", run.step, seconds, sums, held_out)
                run.save(checkpoint)
                run.export(output / "compact.safetensors", begun, mix)
                started, sums = time.perf_counter(), dict.fromkeys(sums, 0.0)


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
    crops = batches(samples, replace(settings, steps=1, batches=((32, 224),)), 0)
    return weights, as_input(next(crops))


if __name__ == "__main__":
    typer.run(main)
