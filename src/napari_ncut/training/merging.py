"""Fit how regions merge: what is a boundary that people would draw, and how probable it is.

    python -m napari_ncut.training.merging --data FOLDER [-o FILE] [--checkpoint FILE]

Fitted on BSDS500's first 160 training images, nuclei and synthesized images, at all stages of the
merging that the fit of the round before gives; calibrated on the images that are set aside, on
which it is scored as well. The merging of an image may change a lot by a little: the model is the
mean of those of several seeds. Takes ten minutes for each.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from scipy import sparse

from ..backbones.compact import Compact, PlaneMaps
from ..imaging import as_planes
from ..metrics import contingency, table_covering
from ..regions.graph import RegionGraph
from ..regions.merging import MergeModel, Merging, merge_tree, stages
from ..regions.tree import MergeTree
from ..regions.watershed import fine_regions
from .perceptrons import Fit, fit_perceptron
from .samples import Sample, read_samples

log = logging.getLogger(__name__)

Array = NDArray[np.float32]

# Of each source that has more, this many images; evenly spread.
_MOST = 160
# How much each source counts for the fit.
_SHARES = {"bsds500": 0.7, "dsb2018": 0.1, "synthesized": 0.2}
FIT = Fit(16, 2000, 4096, rate=2e-2, decay=1e-3)
# Power of the smaller region's area by which an edge counts.
_BY_AREA = 0.35
_ROUNDS = 4
_LEVELS = np.linspace(0.01, 0.99, 99)
_KNOTS = 24


@dataclass(frozen=True)
class Scene:
    """An image's finest regions, and what each has in common with what people drew."""

    graph: RegionGraph
    maps: PlaneMaps
    plane: Array
    tables: list[NDArray[np.float64]]

    @classmethod
    def of(cls, plane: Array, maps: PlaneMaps, segmentations: NDArray[np.int32]) -> Scene:
        """Compare the regions of a plane with segmentations (n, h, w)."""
        graph = RegionGraph.of(fine_regions(maps.boundary, plane), maps.boundary)
        # Features of finer stages are not needed here, and large.
        maps = replace(maps, pyramid=())
        return cls(graph, maps, plane, [contingency(graph.labels, one) for one in segmentations])


@dataclass(frozen=True)
class Examples:
    """Features of edges (m, d), shares of people who drew them (m,), and weights (m,)."""

    features: Array
    targets: Array
    weights: Array


def examples(scene: Scene, model: MergeModel) -> Examples:
    """All edges at all stages of merging."""
    tables, parts = scene.tables, []
    for stage in stages(Merging.of(scene.graph, scene.maps, scene.plane), model):
        drawn = apart(tables, stage.merging.edges)
        # Long boundaries of large regions count more, since there are far fewer of them.
        areas = stage.merging.areas[stage.merging.edges].min(axis=1)
        weights = np.sqrt(stage.merging.lengths) * areas**_BY_AREA
        parts.append((stage.features, drawn, weights.astype(np.float32)))
        tables = [grouped(table, stage.groups) for table in tables]
    features, targets, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Examples(features, targets, weights)


def apart(tables: Sequence[NDArray[np.float64]], edges: NDArray) -> Array:
    """Share of annotators in whose segmentations most of both regions is not of one segment."""
    segments = np.stack([table.argmax(axis=1) for table in tables])
    differ: Array = (segments[:, edges[:, 0]] != segments[:, edges[:, 1]]).mean(
        axis=0, dtype=np.float32
    )
    return differ


def grouped(table: NDArray[np.float64], groups: NDArray) -> NDArray[np.float64]:
    """The table when regions (rows) are merged."""
    n = len(groups)
    members = sparse.csr_array((np.ones(n), (groups, np.arange(n))))
    merged: NDArray[np.float64] = members @ table
    return merged


def first_model(features: Array) -> MergeModel:
    """Merge by the boundary map alone."""
    mean, scale = np.zeros(features.shape[1], np.float32), np.ones(features.shape[1], np.float32)
    hidden = np.zeros((features.shape[1], 1), np.float32)
    hidden[0] = 0.1
    ends = np.array([0, 1], np.float32)
    return MergeModel(
        mean, scale, hidden, np.zeros(1, np.float32), np.array([10, 0], np.float32), ends, ends
    )


def fit(
    by_source: dict[str, list[Examples]], *, seed: int = 0, steps: int = FIT.steps
) -> MergeModel:
    """A model of examples by source; its calibration is still to come."""
    shares = []
    for source, found in by_source.items():
        weights = np.concatenate([one.weights / one.weights.sum() for one in found])
        shares.append(weights / weights.sum() * _SHARES.get(source, 0.1))
    everything = [one for found in by_source.values() for one in found]
    model = fit_perceptron(
        np.concatenate([one.features for one in everything]),
        np.concatenate([one.targets for one in everything]),
        np.concatenate(shares),
        replace(FIT, steps=steps),
        seed=seed,
    )
    ends = np.array([0, 1], np.float32)
    return MergeModel(model.mean, model.scale, model.hidden, model.bias, model.output, ends, ends)


def mean_of(*models: MergeModel) -> MergeModel:
    """The model whose logits are the mean of those of several."""
    first, n = models[0], len(models)
    hidden, bias, output = [], [], []
    for one in models:
        # As if features were standardized as those of the first are.
        stretch = first.scale / one.scale
        hidden.append(stretch[:, np.newaxis] * one.hidden)
        bias.append(one.bias + (first.mean - one.mean) / one.scale @ one.hidden)
        output.append(one.output[:-1] / n)
    last = sum(one.output[-1:] for one in models) / n
    return replace(
        first,
        hidden=np.concatenate(hidden, axis=1),
        bias=np.concatenate(bias),
        output=np.concatenate([*output, last]),
    )


def calibrate(model: MergeModel, scenes: Sequence[Scene]) -> MergeModel:
    """Let levels be the share of the sides of pixels at them that people drew."""
    from sklearn.isotonic import IsotonicRegression

    plain = replace(model, strengths=np.array([0, 1]), levels=np.array([0, 1]))
    strengths, targets, weights = [], [], []
    for scene in scenes:
        tree = merge_tree(scene.graph, scene.maps, scene.plane, model=plain)
        edges = scene.graph.edges
        strengths.append(tree.levels[tree.common(*edges.T)])
        targets.append(apart(scene.tables, edges))
        weights.append(scene.graph.lengths / scene.graph.lengths.sum())
    x, y, w = (np.concatenate(part) for part in (strengths, targets, weights))
    # Averages of equal weight first: single sides of pixels would make levels steps.
    order = np.argsort(x)
    bins = np.minimum(np.cumsum(w[order]) / w.sum() * _KNOTS, _KNOTS - 1).astype(int)
    _, bins = np.unique(bins, return_inverse=True)
    size, at, drawn = (np.bincount(bins, part[order]) for part in (w, w * x, w * y))
    centers = at / size
    levels = IsotonicRegression().fit(centers, drawn / size, size).predict(centers)
    _, block = np.unique(levels, return_inverse=True)
    weight, at, drawn = (np.bincount(block, part) for part in (size, at, size * levels))
    knots, levels = np.pad(at / weight, 1), np.pad(drawn / weight, 1)
    knots[-1] = levels[-1] = 1
    return replace(model, strengths=knots.astype(np.float32), levels=levels.astype(np.float32))


def scores(scene: Scene, tree: MergeTree, levels: NDArray = _LEVELS) -> NDArray[np.float64]:
    """Covering at every level."""
    together = np.concatenate(scene.tables, axis=1)
    ends = np.cumsum([table.shape[1] for table in scene.tables])[:-1]
    result = []
    for level in levels:
        merged = grouped(together, tree.cut(float(level)))
        result.append(np.mean([table_covering(t) for t in np.split(merged, ends, axis=1)]))
    return np.array(result)


def report(scenes: Sequence[Scene], model: MergeModel) -> tuple[float, float, float]:
    """Covering at the best level for all, the level, and covering at the best of each image."""
    trees = [merge_tree(s.graph, s.maps, s.plane, model=model) for s in scenes]
    found = np.array([scores(s, tree) for s, tree in zip(scenes, trees, strict=True)])
    means = found.mean(axis=0)
    return float(means.max()), float(_LEVELS[means.argmax()]), float(found.max(axis=1).mean())


def scenes_of(samples: Sequence[Sample], network: Compact) -> Iterator[Scene]:
    """As `granularity` would see them."""
    for sample in samples:
        plane = as_planes(sample.image, axes="YXC")[0]
        yield Scene.of(plane, network.maps(plane), sample.segmentations)


def train(
    scenes: dict[str, list[Scene]], aside: Sequence[Scene], *, rounds: int = _ROUNDS, seed: int = 0
) -> MergeModel:
    """Fit in rounds, on stages that the models of the two rounds before make; keep the best.

    Those of two rounds together merge better than each of them: what they have learned by chance
    is not the same. The calibration is still to come.
    """
    any_scene = next(iter(scenes.values()))[0]
    start = Merging.of(any_scene.graph, any_scene.maps, any_scene.plane)
    model = first_model(start.features())
    before: dict[str, list[Examples]] = {}
    best: tuple[float, MergeModel | None] = (0.0, None)
    for number in range(rounds):
        found = {
            source: [examples(scene, model) for scene in of_source]
            for source, of_source in scenes.items()
        }
        last = model
        model = fit({source: found[source] + before.get(source, []) for source in found}, seed=seed)
        before = found
        both = mean_of(last, model) if number else model
        at_one, level, at_each = report(aside, both)
        log.info("%d: aside, covering %.4f at level %.2f, %.4f", number, at_one, level, at_each)
        best = max(best, (at_one + at_each, both), key=lambda pair: pair[0])
    assert best[1] is not None  # there is a round at least
    return best[1]


def main(
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with bsds500, dsb2018, stardist_samples.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file to write.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Weights of the network; default: the package's.")
    ] = None,
    most: Annotated[int, typer.Option(help="Images of every source, at most.")] = _MOST,
    seeds: Annotated[
        list[int],
        typer.Option("--seed", help="Of everything random; the mean of several is taken."),
    ] = [5, 1],  # noqa: B006
) -> None:
    """Fit the model by which regions merge."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    data = data or Path(os.environ.get("NAPARI_NCUT_DATA", ".")) / "data"
    network = Compact(checkpoint=checkpoint)
    scenes = {}
    for source, samples in read_samples(data, synthesized=8).items():
        places = np.linspace(0, len(samples) - 1, min(most, len(samples))).astype(int)
        scenes[source] = list(scenes_of([samples[i] for i in places], network))
        log.info("%d images of %s", len(scenes[source]), source)
    aside = read_samples(data, aside=True, synthesized=0)["bsds500"]
    held = list(scenes_of(aside, network))
    model = calibrate(mean_of(*(train(scenes, held, seed=seed) for seed in seeds)), held)
    log.info("calibrated: aside, covering %.4f at level %.2f, %.4f", *report(held, model))
    target = output or Path(__file__).parents[1] / "regions" / "merging.json"
    target.write_text(model.to_json(), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
