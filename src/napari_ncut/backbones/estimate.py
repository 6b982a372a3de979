"""What a run will take, before it is started."""

from __future__ import annotations

from dataclasses import dataclass

from ..imaging import PlaneLayout
from .registry import BackboneEntry

# Measured on two cores (benchmarks/estimates.py): a cut of a small graph, and of every further
# node through 1,024 landmarks. Other machines differ by a factor, which the caller may learn.
_SMALL_CUT = 0.4
_SMALL_NODES = 4096
_PER_NODE = 1.8e-5
_FEATURES = 32


@dataclass(frozen=True)
class Estimate:
    """Rough cost of a run: seconds on two CPU cores, and bytes of memory at its peak."""

    seconds: float
    memory: float

    def scaled(self, pace: float) -> Estimate:
        """The same at another pace: seconds times `pace`."""
        return Estimate(self.seconds * pace, self.memory)

    @property
    def text(self) -> str:
        """For people: rounded, since it is rough."""
        seconds = self.seconds
        time = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
        if seconds < 1:
            time = "1 s"
        return f"about {time}, {max(self.memory / 1e9, 0.1):.1f} GB"


def estimate_run(layout: PlaneLayout, entry: BackboneEntry, n_components: int) -> Estimate:
    """Estimate features and cut of images laid out like this."""
    pixels = sum(height * width for height, width in layout.shapes)
    nodes = layout.n_nodes
    cut = _SMALL_CUT if nodes <= _SMALL_NODES else _SMALL_CUT + _PER_NODE * nodes
    largest = max(height * width for height, width in layout.shapes)
    # Features, eigenvectors (and their unit rows), blocks of affinities, filters of one plane.
    memory = nodes * 4 * (_FEATURES + 2 * n_components) + 4e8 + largest * 4 * 40
    return Estimate(seconds=pixels / 1e6 * entry.seconds_per_megapixel + cut, memory=memory)
