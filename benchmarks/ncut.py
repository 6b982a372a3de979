"""The cut against ncut-pytorch and scikit-learn: time, error, residual and memory by size.

    python -m benchmarks.ncut [--sizes 1000 …] [--features filters network] [--without exact …]
                              [--plot FILE.png]

Nodes are rows of features of the BSDS500 validation images, drawn at random: 32 filter responses,
or the 512 of SqueezeNet's last layer. The bandwidth is the peer's own ("smooth") or half of √Σ
variances ("sharp", where clusters separate). `error` is the mean sin² of the principal angles
between the 20 eigenvectors found and those of a converged Lanczos solution in the same process; of
larger graphs `residual` is the worst ‖Su − λu‖ of the 20, unit columns, λ = uᵀSu. scikit-learn
leaves out the affinity of a node with itself; its error is taken against that matrix. Methods take
turns, medians are shown. Memory is the rise of the peak in a process of its own.

Needs the data sets that the environment variable NAPARI_NCUT_DATA points at, and ncut-pytorch 3.2.0
in .peers (`make peer`).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from .backbones import _peak

K = 20
PEER = Path(".peers/ncut-pytorch-3.2.0")
SIZES = {
    "filters": (1000, 2000, 4096, 8192, 8200, 20_000, 100_000, 392_040, 1_000_000),
    "network": (1000, 4096, 8192, 8200, 20_000, 100_000),
}
LARGEST_REFERENCE = 20_000
LARGEST_RESIDUAL = 100_000
LARGEST_SKLEARN = 4096
# Of 512 features every product of 100,000 nodes takes half a minute.
LARGEST_EXACT = {"filters": 100_000, "network": 20_000}
REPEATS = 4
Method = Callable[[NDArray[np.float32], float], NDArray]


# --------------------------------------------------------------------------------------- features


def images(n: int) -> list[NDArray]:
    from skimage.io import imread

    root = os.environ.get("NAPARI_NCUT_DATA")
    if not root:
        sys.exit("Set NAPARI_NCUT_DATA to the folder of data sets.")
    files = sorted((Path(root) / "data/bsds500/images/val").glob("*"))
    chosen = np.linspace(0, len(files) - 1, n).round().astype(int)
    return [imread(files[i])[..., :3] for i in chosen]


def filter_features(n_nodes: int) -> NDArray[np.float32]:
    """Lab at four Gaussian scales, and gradient, its size, Laplacian and deviation of L at each."""
    from scipy.ndimage import gaussian_filter, gaussian_laplace
    from skimage.color import rgb2lab

    step = 4 if n_nodes <= 392_040 else 2
    rows = []
    for image in images(40):
        lab = rgb2lab(image).astype(np.float32)
        light = lab[..., 0]
        maps = []
        for scale in (1, 2, 4, 8):
            smooth = gaussian_filter(lab, (scale, scale, 0))
            down, across = np.gradient(smooth[..., 0])
            mean = gaussian_filter(light, scale)
            variance = gaussian_filter(light * light, scale) - mean * mean
            maps += [smooth[..., 0], smooth[..., 1], smooth[..., 2], down, across]
            maps += [np.hypot(down, across), gaussian_laplace(light, scale)]
            maps += [np.sqrt(np.clip(variance, 0, None))]
        rows.append(np.stack(maps, axis=-1)[::step, ::step].reshape(-1, 32))
    features = np.concatenate(rows)
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    return features.astype(np.float32)


def network_features(n_nodes: int) -> NDArray[np.float32]:
    from napari_ncut import extract_features

    weights = Path(os.environ.get("NAPARI_NCUT_DATA", "")) / "models/squeezenet1_0_imagenet"
    return extract_features(
        images(44),
        "torchvision:squeezenet1_0",
        axes="YXC",
        checkpoint=weights / "squeezenet1_0_fp16.npz",
        stride=8,
        layer=-1,
    ).values


FEATURES = {"filters": filter_features, "network": network_features}


def nodes(kind: str, n_nodes: int, folder: Path) -> NDArray[np.float32]:
    """The first rows of a fixed random order."""
    large = kind == "filters" and n_nodes > 392_040
    file = folder / f"{kind}{'_large' * large}.npy"
    if not file.exists():
        features = FEATURES[kind](n_nodes)
        np.random.RandomState(0).shuffle(features)
        np.save(file, features)
    return np.ascontiguousarray(np.load(file, mmap_mode="r")[:n_nodes])


def bandwidths(x: NDArray[np.float32]) -> dict[str, float]:
    import torch
    from ncut_pytorch.utils.sigma import find_sigma

    torch.manual_seed(0)
    smooth = float(find_sigma(torch.from_numpy(x)))
    return {"smooth": smooth, "sharp": float(np.sqrt(x.var(axis=0).sum()) / 2)}


# ---------------------------------------------------------------------------------------- methods


def ours(accuracy: str, **numbers: int) -> Method:
    """Of an accuracy as it is, or with other numbers behind its name."""

    def run(x: NDArray[np.float32], sigma: float) -> NDArray:
        from unittest.mock import patch

        from napari_ncut import NCut
        from napari_ncut.spectral.names import ACCURACIES

        with patch.dict(ACCURACIES, {accuracy: replace(ACCURACIES[accuracy], **numbers)}):
            return NCut(K, bandwidth=sigma, accuracy=accuracy).fit_transform(x)

    return run


def peer(**options: int) -> Method:
    def run(x: NDArray[np.float32], sigma: float) -> NDArray:
        import torch
        from ncut_pytorch.ncuts.ncut_nystrom import ncut_fn

        torch.manual_seed(0)
        return ncut_fn(torch.from_numpy(x), n_eig=K, sigma=sigma, **options)[0].numpy()

    return run


def scikit_learn(x: NDArray[np.float32], sigma: float) -> NDArray:
    from sklearn.manifold import SpectralEmbedding

    model = SpectralEmbedding(K - 1, affinity="rbf", gamma=1 / (2 * sigma**2), random_state=0)
    found = model.fit_transform(x)
    # It gives D^-½u without the first one, of the matrix without its diagonal.
    root = np.sqrt(model.affinity_matrix_.sum(axis=1) - 1)[:, np.newaxis]
    return np.concatenate([root, found * root], axis=1)


METHODS: dict[str, tuple[Method, float]] = {
    "ncut-pytorch 3.2.0": (peer(), float("inf")),
    "fast": (ours("fast"), float("inf")),
    "balanced": (ours("balanced"), float("inf")),
    "exact": (ours("exact"), float("inf")),
    "scikit-learn": (scikit_learn, LARGEST_SKLEARN),
}
# What the peer does with smaller and larger samples, and `fast` with a larger one: curves of time
# against residual.
CURVE = {
    f"ncut-pytorch, n_sample {n:,}": (peer(n_sample=n, n_sample_max_ratio=1), float("inf"))
    for n in (2560, 5120, 20480)
}
CURVE["fast, sample 4,096"] = (ours("fast", sampled=4096), float("inf"))


# ---------------------------------------------------------------------------------------- measures


def affinities(x: NDArray[np.float32], sigma: float) -> Callable[[int, int], NDArray]:
    import torch

    scaled = torch.from_numpy(x).double() / (sigma * 2**0.5)
    scaled = (scaled - scaled.mean(0)).float()
    squares = (scaled * scaled).sum(1)

    def rows(first: int, last: int) -> torch.Tensor:
        block = torch.addmm(squares, scaled[first:last], scaled.T, alpha=-2)
        block.add_(squares[first:last, None]).clamp_(min=0).neg_().exp_()
        block[range(last - first), range(first, last)] = 1
        return block

    return rows


def reference(x: NDArray[np.float32], sigma: float, *, diagonal: bool = True) -> NDArray:
    """Converged Lanczos vectors of all pairs, the trivial one taken away and put in front."""
    import torch
    from scipy.sparse.linalg import LinearOperator, eigsh

    n, rows = len(x), affinities(x, sigma)
    matrix = torch.cat([rows(i, min(i + 1024, n)) for i in range(0, n, 1024)])
    if not diagonal:
        matrix.fill_diagonal_(0)
    degrees = matrix.sum(1, dtype=torch.float64).clamp_(min=1e-12)
    root = degrees.rsqrt().float()
    trivial = (degrees.sqrt() / degrees.sqrt().norm()).numpy()

    def times(vector: NDArray) -> NDArray:
        v = torch.from_numpy(vector.ravel().astype(np.float32))
        product = (root * (matrix @ (root * v))).numpy().astype(np.float64)
        return product - trivial * (trivial @ vector.ravel())

    operator = LinearOperator(matrix.shape, matvec=times, dtype=np.float64)
    start = np.random.RandomState(0).randn(n)
    values, vectors = eigsh(operator, k=K + 10, ncv=110, which="LA", tol=1e-6, v0=start)
    order = np.argsort(-values)[: K - 1]
    return np.concatenate([trivial[:, np.newaxis], vectors[:, order]], axis=1)


def error(found: NDArray, true: NDArray) -> float:
    """Mean sin² of the principal angles between two spaces."""
    a, b = (np.linalg.qr(v.astype(np.float64))[0] for v in (found, true))
    cosines = np.linalg.svd(a.T @ b, compute_uv=False)
    return float(np.mean(1 - np.clip(cosines, 0, 1) ** 2))


def residuals(x: NDArray, sigma: float, found: dict[str, NDArray]) -> dict[str, float]:
    """Worst residual of each method's columns, from two passes over all pairs."""
    import torch

    n, rows = len(x), affinities(x, sigma)
    blocks = [(i, min(i + 512, n)) for i in range(0, n, 512)]
    degrees = torch.cat([rows(*block).sum(1, dtype=torch.float64) for block in blocks])
    root = degrees.rsqrt().float()[:, None]
    units = {name: v / np.linalg.norm(v, axis=0) for name, v in found.items()}
    stacked = root * torch.from_numpy(np.concatenate(list(units.values()), 1)).float()
    product = torch.cat([rows(*block) @ stacked for block in blocks]) * root
    result = {}
    for i, (name, unit) in enumerate(units.items()):
        image = product[:, i * K : (i + 1) * K].numpy()
        rest = image - unit * (unit * image).sum(axis=0)
        result[name] = float(np.linalg.norm(rest, axis=0).max())
    return result


def memory(kind: str, n_nodes: int, name: str, sigma: float, folder: Path) -> float:
    """Bytes by which one run raises the peak of a fresh process."""
    task = [kind, str(n_nodes), name, repr(sigma), str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.ncut", "--peak", *task],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def print_peak(kind: str, n_nodes: str, name: str, sigma: str, folder: str) -> None:
    method = METHODS[name][0]
    method(nodes(kind, 600, Path(folder)), float(sigma))  # what libraries take is not the method's
    x = nodes(kind, int(n_nodes), Path(folder))
    before = _peak()
    method(x, float(sigma))
    print(_peak() - before)


# ------------------------------------------------------------------------------------------- tables


def chosen(kind: str, n_nodes: int, without: list[str]) -> dict[str, Method]:
    methods = {**METHODS, **(CURVE if n_nodes == LARGEST_RESIDUAL else {})}
    sizes = {name: largest for name, (_, largest) in methods.items()}
    sizes["exact"] = LARGEST_EXACT[kind]
    return {
        name: method
        for name, (method, _) in methods.items()
        if n_nodes <= sizes[name] and name not in without
    }


def compare(
    kind: str, n_nodes: int, folder: Path, with_memory: bool, without: list[str]
) -> list[dict]:
    x = nodes(kind, n_nodes, folder)
    results = []
    for regime, sigma in bandwidths(x).items():
        methods = chosen(kind, n_nodes, without)
        seconds: dict[str, list[float]] = {name: [] for name in methods}
        found = {}
        for turn in range(REPEATS if n_nodes <= LARGEST_REFERENCE else 2):
            for name, method in methods.items():
                if name in ("exact", "scikit-learn") and turn > (n_nodes <= 4096):
                    continue
                start = time.perf_counter()
                found[name] = method(x, sigma)
                seconds[name].append(time.perf_counter() - start)
        # The first turn also warms caches up.
        medians = {n: statistics.median(s[1:] or s) for n, s in seconds.items()}
        measured: dict[str, float] = {}
        if n_nodes <= LARGEST_REFERENCE:
            true = reference(x, sigma)
            measured = {name: error(v, true) for name, v in found.items()}
            if "scikit-learn" in found:
                bare = reference(x, sigma, diagonal=False)
                measured["scikit-learn"] = error(found["scikit-learn"], bare)
        elif n_nodes <= LARGEST_RESIDUAL:
            measured = residuals(x, sigma, found)
        for name in methods:
            results.append(
                {
                    "features": kind,
                    "nodes": n_nodes,
                    "regime": regime,
                    "method": name,
                    "seconds": medians[name],
                    "ratio": medians[name] / medians["ncut-pytorch 3.2.0"],
                    "error": measured.get(name) if n_nodes <= LARGEST_REFERENCE else None,
                    "residual": measured.get(name) if n_nodes > LARGEST_REFERENCE else None,
                    "memory": memory(kind, n_nodes, name, sigma, folder)
                    if with_memory and regime == "smooth" and name in METHODS
                    else None,
                }
            )
    return results


def show(results: list[dict]) -> None:
    table = Table(
        *("features", "nodes", "regime", "method", "s", "× peer", "error", "residual", "peak MB")
    )
    for r in results:
        table.add_row(
            r["features"],
            f"{r['nodes']:,}",
            r["regime"],
            r["method"],
            f"{r['seconds']:.3f}",
            f"{r['ratio']:.2f}",
            "" if r["error"] is None else f"{r['error']:.1e}",
            "" if r["residual"] is None else f"{r['residual']:.1e}",
            "" if r["memory"] is None else f"{r['memory'] / 1e6:.0f}",
        )
    Console(width=130).print(table)


def plot(results: list[dict], path: Path) -> None:
    """Time against error up to 20,000 nodes, by regime and features, one line per method."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    colors = {"ncut-pytorch 3.2.0": "#b0413e", "scikit-learn": "#8a8a8a"}
    colors |= {"fast": "#7fb3d5", "balanced": "#2874a6", "exact": "#1b2631"}
    kinds = list(dict.fromkeys(r["features"] for r in results))
    figure, axes = plt.subplots(
        len(kinds), 2, figsize=(9, 3.6 * len(kinds)), sharey=True, squeeze=False
    )
    titles = {"filters": "32 filter responses", "network": "512 features of SqueezeNet"}
    for row, kind in zip(axes, kinds, strict=True):
        for panel, regime in zip(row, ("smooth", "sharp"), strict=True):
            for method, color in colors.items():
                points = [
                    (r["seconds"], max(r["error"], 1e-14), r["nodes"])
                    for r in results
                    if (r["features"], r["regime"], r["method"]) == (kind, regime, method)
                    and r["error"] is not None
                ]
                if not points:
                    continue
                seconds, errors, sizes = zip(*points, strict=True)
                areas = [8 + n / 250 for n in sizes]
                panel.plot(seconds, errors, color=color, lw=1, alpha=0.6)
                panel.scatter(seconds, errors, s=areas, color=color, label=method)
            panel.set(xscale="log", yscale="log", title=f"{titles[kind]}, {regime}")
            panel.grid(alpha=0.2)
            panel.set_xlabel("seconds (larger dots: more nodes, 1,000 to 20,000)")
        row[0].set_ylabel("error (mean sin²)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    legend = figure.legend(handles, labels, loc="upper center", ncols=5, frameon=False)
    for handle in legend.legend_handles:
        handle.set_sizes([40])
    figure.tight_layout(rect=(0, 0, 1, 0.95))
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+")
    parser.add_argument("--features", nargs="+", choices=list(FEATURES), default=list(FEATURES))
    parser.add_argument("--without", nargs="+", choices=list(METHODS), default=[])
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--plot", type=Path, help="PNG to draw time against error into")
    parser.add_argument("--json", type=Path, help="file to keep results in, and to go on from")
    parser.add_argument("--peak", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not PEER.exists():
        sys.exit(f"{PEER} is missing: make peer")
    sys.path.insert(0, str(PEER))
    warnings.simplefilter("ignore")
    if options.peak:
        print_peak(*options.peak)
        return
    kept = options.json and options.json.exists()
    results: list[dict] = json.loads(options.json.read_text()) if kept else []
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.features:
            for n_nodes in options.sizes or SIZES[kind]:
                if any((r["features"], r["nodes"]) == (kind, n_nodes) for r in results):
                    continue
                new = compare(kind, n_nodes, Path(folder), not options.no_memory, options.without)
                show(new)
                results += new
                if options.json:
                    options.json.write_text(json.dumps(results, indent=1))
    show(results)
    if options.plot:
        plot(results, options.plot)


if __name__ == "__main__":
    main()
