"""Thresholds."""

from __future__ import annotations

from typing import Any

from ...declared import Parameter
from ...segmenters import SegmenterEntry
from .shared import COMMON, FINE, HERE, PARTS, POLARITY, THINGS, WHOLE, smooth

_THRESHOLD: dict[str, Any] = {**COMMON, "group": "Thresholds", "zero": "background"}
_USUAL = {"polarity": POLARITY, "smooth": smooth(0.0), **THINGS}
_AUTOMATIC = "chosen by the two levels that part three classes of brightness best, if not given"

ENTRIES: tuple[SegmenterEntry, ...] = (
    SegmenterEntry(
        name="otsu",
        title="Otsu",
        text="what is beyond the level that parts two classes of brightness best",
        run=f"{HERE}.thresholds:otsu",
        parameters=_USUAL,
        source="Otsu, A threshold selection method from gray-level histograms, 1979; scikit-image",
        **_THRESHOLD,
    ),
    SegmenterEntry(
        name="threshold",
        title="Fixed level",
        text="what is beyond a level of your own",
        run=f"{HERE}.thresholds:threshold",
        parameters={
            "level": Parameter(
                **FINE,
                default=0.5,
                label="Level",
                tooltip="Between black, 0, and white, 1; of images of 8 bits 0.5 is 127.5. Higher "
                "leaves less of what is bright.",
            ),
            **_USUAL,
        },
        source="S = 1 where I > T",
        **_THRESHOLD,
    ),
    SegmenterEntry(
        name="li",
        title="Li",
        text="what is beyond the level of least cross-entropy; good where things are small",
        run=f"{HERE}.thresholds:li",
        parameters=_USUAL,
        source="Li and Lee, Minimum cross entropy thresholding, 1993; scikit-image",
        **_THRESHOLD,
    ),
    SegmenterEntry(
        name="yen",
        title="Yen",
        text="what is beyond the level of most correlation; strict, for the brightest things",
        run=f"{HERE}.thresholds:yen",
        parameters=_USUAL,
        source="Yen et al., A new criterion for automatic multilevel thresholding, 1995; "
        "scikit-image",
        **_THRESHOLD,
    ),
    SegmenterEntry(
        name="triangle",
        title="Triangle",
        text="what is beyond the foot of the histogram's peak; good where most is background",
        run=f"{HERE}.thresholds:triangle",
        parameters=_USUAL,
        source="Zack et al., Automatic measurement of sister chromatid exchange frequency, 1977; "
        "scikit-image",
        **_THRESHOLD,
    ),
    SegmenterEntry(
        name="multi-otsu",
        title="Multi-Otsu",
        text="several classes of brightness, the first the darkest",
        run=f"{HERE}.thresholds:multi_otsu",
        parameters={
            "classes": Parameter(
                **WHOLE,
                default=3,
                low=2,
                high=5,
                label="Classes",
                tooltip="How many steps of brightness are told apart, 2 to 5.",
            ),
            "smooth": smooth(0.0),
            **PARTS,
        },
        source="Liao et al., A fast algorithm for multilevel thresholding, 2001; scikit-image",
        **{**_THRESHOLD, "zero": ""},
    ),
    SegmenterEntry(
        name="local",
        title="Local",
        text="what is brighter or darker than its surroundings, where light is uneven",
        run=f"{HERE}.thresholds:local",
        parameters={
            "block": Parameter(
                **WHOLE,
                default=51,
                low=3,
                high=1001,
                pixels=1,
                label="Surroundings",
                tooltip="Pixels of a side of what is compared with; more than a thing is large.",
            ),
            "weights": Parameter(
                str,
                "gaussian",
                choices=("gaussian", "mean", "median"),
                label="Compared with",
                tooltip="A mean that counts what is near more, a plain mean, or the median.",
            ),
            "contrast": Parameter(
                **FINE,
                default=0.0,
                low=-1.0,
                label="Contrast",
                tooltip="By how much of the way from black to white things differ at least; more "
                "leaves out noise on even ground.",
            ),
            **_USUAL,
        },
        seconds=0.1,
        source="Local mean or median; scikit-image",
        **_THRESHOLD,
    ),
    SegmenterEntry(
        name="hysteresis",
        title="Hysteresis",
        text="what is beyond a near level and hangs together with something beyond a far one",
        run=f"{HERE}.thresholds:hysteresis",
        parameters={
            "low": Parameter(
                **FINE,
                default=None,
                label="Low level",
                tooltip=f"0 to 1; {_AUTOMATIC}. Lower lets bright things reach further.",
            ),
            "high": Parameter(
                **FINE,
                default=None,
                label="High level",
                tooltip=f"0 to 1; {_AUTOMATIC}. Higher leaves fewer bright things.",
            ),
            **_USUAL,
        },
        seconds=0.1,
        source="Canny, A computational approach to edge detection, 1986; scikit-image",
        **_THRESHOLD,
    ),
)
