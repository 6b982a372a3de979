"""Where copies were found, as a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

COLUMNS = ("plane", "row", "column", "angle", "scale", "score", "template")


@dataclass(frozen=True, eq=False)
class Matches:
    """Copies, the best of every plane first; attributes are columns with an entry for each.

    Attributes
    ----------
    planes : int64 array (n,)
        Of a stack, from 0.
    rows, columns : float64 arrays (n,)
        The middle of the copy, in pixels; halves where a template has an even number of them.
    angles : float64 array (n,)
        By which the template was turned, in degrees counterclockwise as one sees it.
    scales : float64 array (n,)
        By which it was enlarged.
    scores : float64 array (n,)
        How alike they are, −1 to 1; 1 is the same, and 0 is as like as unlike.
    templates : int64 array (n,)
        Of several templates, from 0.
    """

    planes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    rows: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    columns: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    angles: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    scales: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    scores: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    templates: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.scores)

    def where(self, chosen: NDArray) -> Matches:
        """Some of them, by a bool or an index array."""
        return Matches(**{one.name: getattr(self, one.name)[chosen] for one in fields(self)})

    def above(self, threshold: float) -> Matches:
        """Those whose score is at least that: what would have been found with it."""
        return self.where(self.scores >= threshold)

    def on_plane(self, plane: int) -> Matches:
        """Those of one plane."""
        return self.where(self.planes == plane)

    def rows_of_table(self) -> Iterator[tuple[float, ...]]:
        """Rows in the order of `COLUMNS`."""
        arrays = (getattr(self, f"{name}s") for name in COLUMNS)
        return zip(*(array.tolist() for array in arrays), strict=True)

    @classmethod
    def joined(cls, some: list[Matches]) -> Matches:
        """Several tables under each other."""
        return cls(
            **{
                one.name: np.concatenate([getattr(m, one.name) for m in (cls(), *some)])
                for one in fields(cls)
            }
        )
