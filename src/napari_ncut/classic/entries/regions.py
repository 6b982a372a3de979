"""Regions that grow, and watersheds."""

from __future__ import annotations

from typing import Any

from ...declared import Parameter
from ...segmenters import SegmenterEntry
from .shared import (
    COMMON,
    FINE,
    FLOAT,
    HERE,
    POLARITY,
    WHOLE,
    smallest,
    smooth,
)

_GROWING: dict[str, Any] = {**COMMON, "group": "Growing"}
_WATERSHED: dict[str, Any] = {**COMMON, "group": "Watershed"}
_TO_NEIGHBOR = "join the neighbor that they share most with"

ENTRIES: tuple[SegmenterEntry, ...] = (
    SegmenterEntry(
        name="region-growing",
        title="Region growing",
        text="regions take in neighbors that differ from their mean by less than a tolerance",
        run=f"{HERE}.growing:region_growing",
        parameters={
            "tolerance": Parameter(
                **FINE,
                default=0.1,
                low=0.001,
                label="Tolerance",
                tooltip="How far a pixel may be from the mean, of the way from black to white; "
                "more gives fewer, larger regions.",
            ),
            "spacing": Parameter(
                **WHOLE,
                default=32,
                low=1,
                high=1000,
                pixels=1,
                label="Seeds every",
                tooltip="Pixels between seeds; where nothing grows to, seeds lie more densely.",
            ),
            "smallest": smallest(20, _TO_NEIGHBOR),
        },
        seconds=1.3,
        source="|I(p) − mean(R)| < T; Adams and Bischof, Seeded region growing, TPAMI 1994",
        **_GROWING,
    ),
    SegmenterEntry(
        name="flood",
        title="Flood",
        text="what can be walked through by small steps is one segment",
        run=f"{HERE}.growing:flood",
        parameters={
            "tolerance": Parameter(
                kind=float,
                default=0.02,
                step=0.005,
                label="Tolerance",
                tooltip="The highest step from pixel to pixel, of the way from black to white; "
                "more gives fewer, larger segments.",
            ),
            "smallest": smallest(20, _TO_NEIGHBOR),
        },
        seconds=0.5,
        source="Flood fill with a floating range, of all pixels at once: quasi-flat zones (Meyer, "
        "1998); SciPy",
        **_GROWING,
    ),
    SegmenterEntry(
        name="watershed",
        title="Watershed of distance",
        text="things beyond Otsu's level, parted at their waists",
        run=f"{HERE}.watersheds:distance",
        parameters={
            "markers": Parameter(
                str,
                "h-maxima",
                choices=("h-maxima", "peaks"),
                label="One thing for each",
                tooltip="h-maxima: top that stands out by a height. peaks: highest place within a "
                "distance.",
            ),
            "depth": Parameter(
                **FLOAT,
                default=1.0,
                low=0.01,
                high=50.0,
                pixels=1,
                label="Height",
                tooltip="Of h-maxima: how much narrower a waist is, in pixels, than what it parts; "
                "more parts less.",
            ),
            "min_distance": Parameter(
                **WHOLE,
                default=7,
                low=1,
                high=500,
                pixels=1,
                label="Distance",
                tooltip="Of peaks: pixels between the middles of things; more parts less.",
            ),
            "polarity": POLARITY,
            "smooth": smooth(1.0),
            "smallest": smallest(0, "become background"),
        },
        seconds=0.3,
        source="Vincent and Soille, Watersheds in digital spaces, 1991; scikit-image",
        **{**_WATERSHED, "zero": "background"},
    ),
    SegmenterEntry(
        name="watershed-gradient",
        title="Watershed of gradient",
        text="basins of the gradient, which end at edges",
        run=f"{HERE}.watersheds:gradient",
        parameters={
            "depth": Parameter(
                kind=float,
                default=0.02,
                step=0.005,
                label="Depth",
                tooltip="Shallower basins join others; more gives fewer, larger segments.",
            ),
            "smooth": smooth(1.0),
            "smallest": smallest(0, _TO_NEIGHBOR),
        },
        seconds=0.3,
        source="Beucher and Meyer, The morphological approach to segmentation, 1993; scikit-image",
        **_WATERSHED,
    ),
)
