"""Foreground and background by energies over the whole plane."""

from __future__ import annotations

from typing import Any

from ...declared import Parameter
from ...segmenters import SegmenterEntry
from .shared import COMMON, FINE, HERE, PARTS, POLARITY, THINGS, WHOLE, smooth

_FOREGROUND: dict[str, Any] = {**COMMON, "group": "Foreground", "zero": "background"}
_MU = Parameter(
    **FINE,
    default=0.25,
    low=0.0,
    high=2.0,
    label="Smoothness",
    tooltip="How much the length of the border counts; more gives rounder, larger pieces.",
)


def _rounds(default: int) -> Parameter:
    return Parameter(
        **WHOLE,
        default=default,
        low=1,
        high=1000,
        label="Rounds",
        tooltip="At most so many; it ends before when nothing moves.",
    )


ENTRIES: tuple[SegmenterEntry, ...] = (
    SegmenterEntry(
        name="chan-vese",
        title="Chan–Vese",
        text="two phases of even brightness with a short border between them",
        run=f"{HERE}.foregrounds:chan_vese",
        parameters={
            "mu": _MU,
            "rounds": _rounds(100),
            "polarity": POLARITY,
            "smooth": smooth(0.0),
            **THINGS,
        },
        seconds=0.8,
        reduced=2,
        source="Chan and Vese, Active contours without edges, 2001; scikit-image",
        **_FOREGROUND,
    ),
    SegmenterEntry(
        name="chan-vese-bins",
        title="Chan–Vese in steps",
        text="the level set of Chan–Vese cut into steps",
        run=f"{HERE}.foregrounds:chan_vese_bins",
        parameters={
            "bins": Parameter(
                **WHOLE,
                default=20,
                low=1,
                high=256,
                label="Steps",
                tooltip="In how many steps of equal height the level set is cut.",
            ),
            "mu": _MU,
            "lambda1": Parameter(
                **FINE,
                default=2.0,
                low=0.0,
                high=10.0,
                label="Evenness inside",
                tooltip="How even one phase shall be.",
            ),
            "lambda2": Parameter(
                **FINE,
                default=1.0,
                low=0.0,
                high=10.0,
                label="Evenness outside",
                tooltip="How even the other one shall be.",
            ),
            "rounds": _rounds(100),
            **PARTS,
        },
        presets={"icas": {"smallest": 0}},
        seconds=0.8,
        reduced=2,
        source="The bins of icas; Chan and Vese, 2001; scikit-image",
        **{**_FOREGROUND, "zero": ""},
    ),
    SegmenterEntry(
        name="random-walker",
        title="Random walker",
        text="whether a walker from a pixel first meets what is surely bright or surely dark",
        run=f"{HERE}.foregrounds:random_walker",
        parameters={
            "sure": Parameter(
                **FINE,
                default=0.5,
                low=0.01,
                label="Sure",
                tooltip="Share of each side of Otsu's level that is taken for granted; less leaves "
                "more to the walk.",
            ),
            "beta": Parameter(
                kind=float,
                default=130.0,
                low=0.0,
                high=10_000.0,
                step=10.0,
                label="Edges",
                tooltip="How hard it is to walk over an edge; more follows edges better.",
            ),
            "polarity": POLARITY,
            "smooth": smooth(0.0),
            **THINGS,
        },
        seconds=0.5,
        source="Grady, Random walks for image segmentation, TPAMI 2006; scikit-image",
        **_FOREGROUND,
    ),
    SegmenterEntry(
        name="grabcut",
        title="GrabCut",
        text="what differs in color from the image's margin",
        run=f"{HERE}.foregrounds:grabcut",
        requires=("cv2", "classic"),
        parameters={
            "margin": Parameter(
                **FINE,
                default=0.05,
                low=0.0,
                high=0.45,
                label="Margin",
                tooltip="Share of each side that is surely background, at every border.",
            ),
            "rounds": Parameter(
                **WHOLE,
                default=5,
                low=1,
                high=50,
                label="Rounds",
                tooltip="How often colors are learned anew.",
            ),
            **THINGS,
        },
        seconds=2.2,
        reduced=2,
        source="Rother et al., GrabCut, 2004; OpenCV",
        **_FOREGROUND,
    ),
)
