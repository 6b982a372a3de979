"""How many clicks it takes: our masks and those of other programs, clicked by a robot user.

    NAPARI_NCUT_DATA=… python -m benchmarks.clicks [--sets dsb2018 …] [--methods ours forest …]
        [--backbone NAME] [--json FILE] [--plot FILE.png] [--resume FILE.json]

The robot (see `benchmarks.robot`) clicks the middle of the largest error, at most 20 times. NoC85
is the number of clicks at which the intersection over union (IoU) with the truth first is .85, 20
where it never is; `edges` is the F of boundaries within 2 pixels. Nine sets of at most 12 images
each are reported on: nuclei, precipitates, melt pools, oxide layers and mitochondria, where all of
a kind are wanted ("similar"); and nuclei of white blood cells, horses, the moving object of a
video's first frame and regions that people drew in photographs (of the first annotator, the one at
the image's middle), where one thing is wanted ("object"). With ``--choosing`` there are other
images: parameters may be chosen on those only. What the peers do is told in
`benchmarks.click_peers`. Averages are over sets.

To try a method of one's own in Python::

    from benchmarks.clicks import average, run_set
    results = run_set("dsb2018", {"mine": method}, n_images=4)
    print(average(results))

where ``method`` has ``prepare(image)`` and ``predict(points, positive, mode)``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from . import click_sets
from .click_peers import METHODS, Method, Source
from .click_sets import Task
from .robot import CLICKS, TARGET, number_of_clicks, use

SETS = {**click_sets.REPORTED, **click_sets.CHOSEN_BY}
N_REPORTED = 12
N_CHOSEN_BY = 20
SHOWN = (1, 3, 5, 10)


@dataclass(frozen=True)
class Result:
    """A method's clicks in one image; `iou`, `edges` after each, `click_seconds` their median."""

    set: str
    image: str
    mode: str
    method: str
    features: str | None
    iou: list[float]
    edges: list[float]
    clicks: list[list[int]]
    click_seconds: float
    preparation_seconds: float

    def noc(self, n_clicks: int) -> int:
        return number_of_clicks(self.iou[:n_clicks])


@dataclass(frozen=True)
class Average:
    """Means over the images of a set (times: medians), or over sets."""

    noc: float
    iou: list[float]
    edges: list[float]
    click_seconds: float
    preparation_seconds: float


# ---------------------------------------------------------------------------------------- running


def data_folder() -> Path:
    root = os.environ.get("NAPARI_NCUT_DATA")
    if not root:
        sys.exit("Set NAPARI_NCUT_DATA to the folder of data sets.")
    return Path(root) / "data"


def run_task(
    task: Task,
    methods: Mapping[str, Method],
    *,
    set_name: str = "",
    n_clicks: int = CLICKS,
    features: Mapping[str, str] | None = None,
) -> Iterator[Result]:
    """All methods on one thing; the image is read once."""
    image, truth = task.load()
    for name, method in methods.items():
        start = time.perf_counter()
        method.prepare(image)
        seconds = time.perf_counter() - start
        # What several methods share was computed for the first of them.
        seconds = getattr(method, "preparation_seconds", seconds)
        session = use(partial(method.predict, mode=task.mode), truth, n_clicks)
        yield Result(
            set_name,
            task.name,
            task.mode,
            name,
            (features or {}).get(name),
            [round(value, 4) for value in session.iou],
            [round(value, 4) for value in session.edges],
            [[c.row, c.column, int(c.positive)] for c in session.clicks],
            round(statistics.median(session.seconds or [0.0]), 4),
            round(seconds, 3),
        )


def run_set(
    set_name: str,
    methods: Mapping[str, Method],
    *,
    n_images: int | None = None,
    n_clicks: int = CLICKS,
) -> list[Result]:
    """One of `SETS` with methods of your own; of fewer images with `n_images`."""
    tasks = SETS[set_name](data_folder(), images_of(set_name, n_images))
    return [
        result
        for task in tasks
        for result in run_task(task, methods, set_name=set_name, n_clicks=n_clicks)
    ]


def images_of(set_name: str, n_images: int | None) -> int:
    if n_images is not None:
        return n_images
    return N_REPORTED if set_name in click_sets.REPORTED else N_CHOSEN_BY


class Runner:
    """Runs what earlier results do not hold yet."""

    def __init__(
        self, names: Sequence[str], source: Source, earlier: list[Result], n_clicks: int
    ) -> None:
        described = json.dumps([source.backbone, source.options, source.embedding_options])
        self.features = {name: described for name in names if METHODS[name].uses_backbone}
        self.methods = {name: METHODS[name].make(source) for name in names}
        self.n_clicks = n_clicks
        self._earlier = {
            self._key(r.set, r.image, r.mode, r.method, r.features): r for r in earlier
        }

    @staticmethod
    def _key(*parts: str | None) -> tuple[str | None, ...]:
        return parts

    def known(self, set_name: str, task: Task, method: str) -> Result | None:
        key = self._key(set_name, task.name, task.mode, method, self.features.get(method))
        result = self._earlier.get(key)
        return result if result is not None and len(result.iou) >= self.n_clicks else None

    def task(self, set_name: str, task: Task) -> list[Result]:
        known = {name: self.known(set_name, task, name) for name in self.methods}
        results = {name: result for name, result in known.items() if result is not None}
        missing = {name: m for name, m in self.methods.items() if name not in results}
        if missing:
            new = run_task(
                task,
                missing,
                set_name=set_name,
                n_clicks=self.n_clicks,
                features=self.features,
            )
            results.update((result.method, result) for result in new)
        return [results[name] for name in self.methods]


def read_results(file: Path) -> list[Result]:
    return [Result(**fields) for fields in json.loads(file.read_text(encoding="utf-8"))["results"]]


def write_results(file: Path, results: list[Result]) -> None:
    content = {"target": TARGET, "results": [asdict(result) for result in results]}
    unfinished = file.with_name(file.name + ".part")
    unfinished.write_text(json.dumps(content), encoding="utf-8")
    unfinished.replace(file)


# ----------------------------------------------------------------------------------------- figures


def average(results: Sequence[Result], n_clicks: int = CLICKS) -> Average:
    """Over the images of one method and set."""
    return Average(
        float(np.mean([result.noc(n_clicks) for result in results])),
        np.mean([result.iou[:n_clicks] for result in results], axis=0).tolist(),
        np.mean([result.edges[:n_clicks] for result in results], axis=0).tolist(),
        statistics.median(result.click_seconds for result in results),
        statistics.median(result.preparation_seconds for result in results),
    )


def averages(results: Sequence[Result], n_clicks: int) -> dict[str, dict[str, Average]]:
    """By set and method, both in the order in which they came."""
    groups: dict[str, dict[str, list[Result]]] = {}
    for result in results:
        groups.setdefault(result.set, {}).setdefault(result.method, []).append(result)
    return {
        name: {method: average(group, n_clicks) for method, group in methods.items()}
        for name, methods in groups.items()
    }


def over_sets(found: Mapping[str, Mapping[str, Average]]) -> dict[str, Average]:
    """Every set counts the same, however many images it has."""
    methods = dict.fromkeys(name for of_set in found.values() for name in of_set)
    result = {}
    for method in methods:
        sets = [of_set[method] for of_set in found.values() if method in of_set]
        result[method] = Average(
            float(np.mean([a.noc for a in sets])),
            np.mean([a.iou for a in sets], axis=0).tolist(),
            np.mean([a.edges for a in sets], axis=0).tolist(),
            statistics.median(a.click_seconds for a in sets),
            statistics.median(a.preparation_seconds for a in sets),
        )
    return result


def shortfalls(
    found: Mapping[str, Mapping[str, Average]], ours: str
) -> dict[str, tuple[float, str]]:
    """By set, how many clicks more than the best peer ours takes (below 0: fewer), and the peer."""
    result = {}
    for name, of_set in found.items():
        peers = {method: a.noc for method, a in of_set.items() if method != ours}
        if ours in of_set and peers:
            best = min(peers, key=peers.__getitem__)
            result[name] = (of_set[ours].noc - peers[best], best)
    return result


def table_of(title: str, by_method: Mapping[str, Average], ours: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("method")
    shown = [n for n in SHOWN if n <= len(next(iter(by_method.values())).iou)]
    headings = (*(f"IoU {n}" for n in shown), f"edges {shown[-1]}", "ms a click", "s before")
    for heading in ("NoC85", *headings):
        table.add_column(heading, justify="right")
    fewest = min(a.noc for a in by_method.values())
    for method, a in by_method.items():
        label = METHODS[method].title if method in METHODS else method
        noc = f"[bold]{a.noc:.1f}[/bold]" if a.noc <= fewest + 1e-9 else f"{a.noc:.1f}"
        table.add_row(
            f"{label} ({method})",
            noc,
            *(f"{a.iou[n - 1]:.3f}" for n in shown),
            f"{a.edges[shown[-1] - 1]:.3f}",
            f"{1000 * a.click_seconds:.0f}",
            f"{a.preparation_seconds:.2f}",
            style="cyan" if method == ours else None,
        )
    return table


def report(results: Sequence[Result], n_clicks: int, ours: str, console: Console) -> None:
    found = averages(results, n_clicks)
    for name, by_method in found.items():
        images = {(r.image, r.mode) for r in results if r.set == name}
        mode = "/".join(sorted({mode for _, mode in images}))
        console.print(table_of(f"{name} ({mode}), {len(images)} tasks", by_method, ours))
    if not found:
        return
    # A method that was not run everywhere would be averaged over other sets than the rest.
    everywhere = {
        name: {m: a for m, a in of_set.items() if all(m in other for other in found.values())}
        for name, of_set in found.items()
    }
    means = over_sets(everywhere)
    if means:
        console.print(table_of(f"mean over {len(found)} sets", means, ours))
    short = shortfalls(found, ours)
    if not short:
        return
    # Where nobody gets there all are as good, which says nothing for any of them.
    reached = [name for name in short if min(a.noc for a in found[name].values()) < n_clicks]
    best = [name for name in reached if short[name][0] <= 1e-9]
    worst = max(short, key=lambda name: short[name][0])
    clicks, peer = short[worst]
    console.print(
        f"{ours} takes the fewest clicks, or as few as the best peer, in {len(best)} of "
        f"{len(reached)} sets in which any method reaches {TARGET} before the last click"
        f"{': ' * bool(best)}{', '.join(best)}."
    )
    console.print(
        f"Largest shortfall: {clicks:+.1f} clicks against {peer} in {worst}."
        if clicks > 1e-9
        else "No shortfall in any set."
    )


def plot(results: Sequence[Result], n_clicks: int, file: Path) -> None:
    """IoU over clicks, one panel a set."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    found = averages(results, n_clicks)
    n_columns = min(3, len(found))
    n_rows = -(-len(found) // n_columns)
    figure = Figure(figsize=(4 * n_columns, 2.8 * n_rows), layout="constrained")
    axes = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True)
    methods = list(dict.fromkeys(result.method for result in results))
    for panel in axes.flat[len(found) :]:
        panel.set_axis_off()
    lines = {}
    for panel, (name, by_method) in zip(axes.flat, found.items(), strict=False):
        for method, a in by_method.items():
            lines[method] = panel.plot(
                range(1, n_clicks + 1), a.iou, color=f"C{methods.index(method)}", linewidth=1.4
            )[0]
        panel.axhline(TARGET, color="0.7", linewidth=0.8, zorder=0)
        panel.set_title(name, fontsize=10)
        panel.set_ylim(0, 1)
    for panel in axes[:, 0]:
        panel.set_ylabel("IoU")
    for panel in axes[-1]:
        panel.set_xlabel("clicks")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    titles = [METHODS[m].title if m in METHODS else m for m in methods]
    figure.legend(
        [lines[m] for m in methods], titles, loc="outside lower center", ncols=4, frameon=False
    )
    figure.savefig(file, dpi=150)


# -------------------------------------------------------------------------------------------- main


def available(names: Sequence[str], say: Callable[[str], object]) -> list[str]:
    usable = []
    for name in names:
        library = METHODS[name].library
        if library and find_spec(library) is None:
            say(f"{name} is left out: it needs {library} (pip install 'napari-ncut[classic]').")
        else:
            usable.append(name)
    return usable


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=SETS, metavar="SET", help=", ".join(SETS))
    parser.add_argument("--choosing", action="store_true", help="the sets to choose by")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--images", type=int, help="of every set; default 12, to choose by 20")
    parser.add_argument("--clicks", type=int, default=CLICKS)
    parser.add_argument(
        "--backbone", default="filterbank", help="a name, or random: an untrained network"
    )
    parser.add_argument("--checkpoint", help="file of the backbone's weights")
    parser.add_argument("--components", type=int, default=30, help="eigenvectors")
    parser.add_argument("--ours", default="ours", help="the method that peers are compared with")
    parser.add_argument("--json", type=Path, help="writes results here, after every image")
    parser.add_argument("--plot", type=Path, help="writes curves here")
    parser.add_argument("--resume", type=Path, nargs="+", default=[], help="earlier results")
    parser.add_argument(
        "--fresh",
        nargs="*",
        choices=METHODS,
        default=["ours"],
        help="methods whose earlier results are not taken; default: ours",
    )
    return parser.parse_args()


def main() -> int:
    options = arguments()
    console = Console(width=120)
    if not os.environ.get("NAPARI_NCUT_DATA"):
        console.print("NAPARI_NCUT_DATA is not set; this benchmark needs its folder data.")
        return 0
    group = click_sets.CHOSEN_BY if options.choosing else click_sets.REPORTED
    names = available(options.methods, console.print)
    source = Source(
        options.backbone,
        {"checkpoint": options.checkpoint} if options.checkpoint else {},
        {"n_components": options.components},
    )
    earlier = [
        result
        for file in options.resume
        for result in read_results(file)
        if result.method not in options.fresh
    ]
    runner = Runner(names, source, earlier, options.clicks)
    results: list[Result] = []
    for set_name in options.sets or group:
        tasks = SETS[set_name](data_folder(), images_of(set_name, options.images))
        for number, task in enumerate(tasks, start=1):
            found = runner.task(set_name, task)
            results += found
            said = ", ".join(f"{r.method} {r.noc(options.clicks)}" for r in found)
            console.print(f"{set_name} {number}/{len(tasks)} {task.name}: {said}", style="dim")
            if options.json:
                write_results(options.json, results)
    report(results, options.clicks, options.ours, console)
    if options.plot:
        plot(results, options.clicks, options.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
