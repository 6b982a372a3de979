"""What the recommended networks take: seconds and peak memory per megapixel.

    python -m benchmarks.backbones [--side 512] [--repeats 3] [--device cpu] [NAME ...]

Every network runs with random weights (they cost as much as trained ones) over one RGB image, in a
process of its own so that peaks of memory do not mix. `estimated` is what `estimate_run` says of
the features' share before a run; its speed comes from here.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import numpy as np
from rich.console import Console
from rich.table import Table


def measure(name: str, side: int, repeats: int, device: str | None) -> dict[str, float]:
    """Seconds and bytes of one network; run in a fresh process."""
    import torch

    from napari_ncut.backbones import backbone_entry, load_backbone
    from napari_ncut.backbones.estimate import estimate_run
    from napari_ncut.imaging import PlaneLayout

    entry = backbone_entry(name)
    plane = np.random.default_rng(0).random((side, side, 3), dtype=np.float32)
    family = f"napari_ncut.backbones.families.{name.partition(':')[0]}.load_weights"
    with ExitStack() as without_weights:
        if entry.weights is not None:
            without_weights.enter_context(mock.patch(family))
            without_weights.enter_context(mock.patch("napari_ncut.backbones.network.weights_of"))
        backbone = load_backbone(name, device=device)
    layout = PlaneLayout((plane.shape[:2],), entry.choose_stride([plane.shape[:2]]), ((),), False)
    used = getattr(backbone, "device", "cpu")
    gpu = used.startswith("cuda")
    before = _peak()
    if gpu:
        torch.cuda.reset_peak_memory_stats()
    if not entry.fits_canvas:  # there every run is as long as any other
        backbone.features([plane[:64, :64]], layout.stride)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        backbone.features([plane], layout.stride)
        seconds.append(time.perf_counter() - start)
        if sum(seconds) > 20:
            break
    memory = torch.cuda.max_memory_allocated() if gpu else _peak() - before
    whole = estimate_run(layout, entry, 10, device=used)
    nothing = estimate_run(layout, backbone_entry("filterbank"), 10)
    filters = backbone_entry("filterbank").seconds_per_megapixel * side**2 / 1e6
    return {
        "seconds": statistics.median(seconds),
        "memory": float(memory),
        "estimated": whole.seconds - (nothing.seconds - filters),
        "gpu": float(gpu),
    }


def _peak() -> int:
    """Most memory that this process ever held, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage says begins with the parent's
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    from napari_ncut.backbones import BACKBONES

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="networks; default: all that are recommended")
    parser.add_argument("--side", type=int, default=512, help="pixels of the square image")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default=None)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.names[0], given.side, given.repeats, given.device)))
        return
    megapixels = given.side**2 / 1e6
    import torch

    table = Table(
        title=f"{given.side} × {given.side} pixels, {torch.get_num_threads()} threads"
        + (f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "")
    )
    for title in ("backbone", "s / Mpx", "GB / Mpx", "estimated / measured"):
        table.add_column(title, justify="left" if title == "backbone" else "right")
    for name in given.names or BACKBONES:
        options = [f"--side={given.side}", f"--repeats={given.repeats}"]
        options += [f"--device={given.device}"] if given.device else []
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.backbones", "--one", *options, name],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            table.add_row(name, "failed", done.stderr.strip().splitlines()[-1][:60], "")
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        fixed = " (any size)" if name.startswith("sam:") else ""
        scale = 1.0 if fixed else megapixels
        table.add_row(
            name + fixed,
            f"{found['seconds'] / scale:.2f}",
            f"{found['memory'] / 1e9 / scale:.2f}",
            f"{found['estimated'] / found['seconds']:.2f}",
        )
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
