"""How long a preview of all classic methods takes: a quarter of a megapixel of a photograph.

    python -m benchmarks.classic_preview [--side N] [--json FILE]

Seconds from the call to each result, as a user waits for them, in a process that has imported
nothing yet, and the seconds of processors that all of it took. Bounds, on two cores that nobody
else uses: the first result within 1 s, all within 10 s.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

SIDE = 500
FIRST, ALL = 1.0, 10.0


def measured(side: int) -> dict[str, Any]:
    from skimage import data

    from napari_ncut import preview_steps

    image = data.astronaut()[:side, :side]
    begin, used = time.perf_counter(), time.process_time()
    rows = [
        (preview.method, time.perf_counter() - begin, preview.seconds, preview.n_segments)
        for preview in preview_steps(image, axes="YXC")
    ]
    return {
        "pixels": image.shape[0] * image.shape[1],
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "first": rows[0][1],
        "all": rows[-1][1],
        "processor": time.process_time() - used,
        "methods": rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--side", type=int, default=SIDE)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = measured(options.side)
    table = Table(title=f"{found['pixels']:,} pixels, {found['cores']} cores", title_justify="left")
    for heading in ("method", "after s", "took s", "segments"):
        table.add_column(heading, justify="left" if heading == "method" else "right")
    for name, after, took, n_segments in found["methods"]:
        table.add_row(name, f"{after:.2f}", f"{took:.2f}", f"{n_segments:,}")
    console = Console()
    console.print(table)
    console.print(
        f"first after {found['first']:.2f} s (bound {FIRST:g}), all after {found['all']:.1f} s "
        f"(bound {ALL:g}), {found['processor']:.1f} s of processors; load {found['load']:.1f}"
    )
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
