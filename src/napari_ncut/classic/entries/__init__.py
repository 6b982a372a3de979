"""What classic methods there are, as data: a module for each kind of them."""

from __future__ import annotations

from ...segmenters import SegmenterEntry
from . import clusters, edges, foregrounds, ours, regions, thresholds

ENTRIES: tuple[SegmenterEntry, ...] = (
    *thresholds.ENTRIES,
    *edges.ENTRIES,
    *regions.ENTRIES,
    *clusters.ENTRIES,
    *foregrounds.ENTRIES,
    *ours.ENTRIES,
)
