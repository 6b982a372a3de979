"""What the rest of this package segments with."""

from __future__ import annotations

from typing import Any

from ...declared import Parameter
from ...segmenters import SegmenterEntry
from .shared import COMMON, FINE, HERE, PARTS, WHOLE, smallest

_NETWORKS: dict[str, Any] = {**COMMON, "group": "Networks", "by_torch": True}

ENTRIES: tuple[SegmenterEntry, ...] = (
    SegmenterEntry(
        name="compact-tree",
        title="Boundary map",
        text="regions that the embedded network's boundaries enclose",
        run=f"{HERE}.ours:compact_tree",
        parameters={
            "level": Parameter(
                **FINE,
                default=0.3,
                label="Level",
                tooltip="Probability that a boundary must have to part regions; more gives fewer, "
                "larger regions.",
            ),
        },
        # The next two use what it has computed.
        seconds=1.2,
        source="Our boundary map and merge tree",
        **_NETWORKS,
    ),
    SegmenterEntry(
        name="ncut",
        title="Normalized cut",
        text="groups of pixels whose deep features are alike",
        run=f"{HERE}.ours:ncut",
        parameters={
            "groups": Parameter(
                **WHOLE,
                default=8,
                low=2,
                high=100,
                label="Groups",
                tooltip="How many kinds are told apart.",
            ),
            "backbone": Parameter(
                str,
                "compact",
                label="Features",
                tooltip="What computes the features, by name; “compact” needs no download.",
            ),
            **PARTS,
        },
        seconds=2.7,
        source="Shi and Malik, Normalized cuts and image segmentation, TPAMI 2000; our NCut",
        **_NETWORKS,
    ),
    SegmenterEntry(
        name="sam",
        title="Automatic masks",
        text="all things and their parts, the smaller ones on top, and what lies between",
        run=f"{HERE}.ours:sam",
        ready=f"{HERE}.ours:sam_is_ready",
        parameters={
            "model": Parameter(
                str,
                "compact",
                label="Model",
                tooltip="“compact” proposes regions that last while the image is merged, without "
                "weights; or a model of SAM by name, such as sam:vit_b, whose weights are "
                "installed.",
            ),
            "points_per_side": Parameter(
                **WHOLE,
                default=32,
                low=1,
                high=128,
                label="Points",
                tooltip="Of SAM: asked at so many points along each side; more finds smaller "
                "things in time that grows with the square.",
            ),
            "smallest": smallest(0, "are no masks"),
        },
        seconds=2.6,
        source="Kirillov et al., Segment anything, 2023; without weights proposals of our merge "
        "tree",
        **_NETWORKS,
    ),
)
