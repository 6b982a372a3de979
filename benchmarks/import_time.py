"""How long ``import napari_ncut`` takes in a fresh interpreter, against our bound.

Run with ``python -m benchmarks.import_time``.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

REPETITIONS = 10
BOUND = 0.3
CODE = """
import time
start = time.perf_counter()
import napari_ncut
print(time.perf_counter() - start)
"""


def seconds() -> list[float]:
    times = []
    for _ in range(REPETITIONS):
        run = subprocess.run(
            [sys.executable, "-c", CODE], capture_output=True, text=True, check=True
        )
        times.append(float(run.stdout))
    return times


def main() -> None:
    times = seconds()
    median = statistics.median(times)
    print(
        f"import napari_ncut: median {median:.3f} s of {len(times)} "
        f"({min(times):.3f}–{max(times):.3f} s), bound {BOUND} s, {os.cpu_count()} cores: "
        f"{'ok' if median <= BOUND else 'too slow'}"
    )


if __name__ == "__main__":
    main()
