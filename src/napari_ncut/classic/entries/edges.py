"""Edges that are closed to regions."""

from __future__ import annotations

from typing import Any

from ...declared import Parameter
from ...segmenters import SegmenterEntry
from .shared import COMMON, FINE, FLOAT, HERE, WHOLE, smallest, smooth

_EDGE: dict[str, Any] = {**COMMON, "group": "Edges", "zero": "edge"}
_CLOSING = {
    "close": Parameter(
        **WHOLE,
        default=1,
        high=20,
        pixels=1,
        label="Close gaps",
        tooltip="Pixels to each side within which gaps in edges are closed; more lets fewer "
        "regions leak into each other.",
    ),
    "grow": Parameter(
        **WHOLE,
        default=1,
        high=50,
        pixels=1,
        label="Grow",
        tooltip="Pixels by which regions then grow over edges; more leaves thinner edges.",
    ),
    "smallest": smallest(0, "become part of the edges"),
}


def _strength(label: str = "Strength") -> Parameter:
    return Parameter(
        **FINE,
        default=None,
        label=label,
        tooltip="0 to 1: weaker edges part nothing. Chosen by Otsu's rule if not given; lower "
        "gives more and smaller regions.",
    )


ENTRIES: tuple[SegmenterEntry, ...] = (
    SegmenterEntry(
        name="sobel",
        title="Sobel",
        text="what strong gradients enclose",
        run=f"{HERE}.edges:sobel",
        parameters={"threshold": _strength(), "smooth": smooth(1.0), **_CLOSING},
        seconds=0.1,
        source="Sobel's operator; scikit-image",
        **_EDGE,
    ),
    SegmenterEntry(
        name="scharr",
        title="Scharr",
        text="what strong gradients enclose, the same in all directions",
        run=f"{HERE}.edges:scharr",
        parameters={"threshold": _strength(), "smooth": smooth(1.0), **_CLOSING},
        seconds=0.1,
        source="Scharr's operator; scikit-image",
        **_EDGE,
    ),
    SegmenterEntry(
        name="canny",
        title="Canny",
        text="what thin edges enclose, weak ones where they go on from strong ones",
        run=f"{HERE}.edges:canny",
        parameters={
            "sigma": Parameter(
                **FLOAT,
                default=1.0,
                low=0.1,
                high=20.0,
                pixels=1,
                label="Smoothing",
                tooltip="Width of a Gaussian, in pixels; more follows coarser edges alone.",
            ),
            "low": Parameter(
                **FINE,
                default=None,
                label="Low level",
                tooltip="Of gradients that go on from strong ones; 0.1 if not given. Lower closes "
                "more regions.",
            ),
            "high": Parameter(
                **FINE,
                default=None,
                label="High level",
                tooltip="Of gradients that are edges by themselves; 0.2 if not given. Lower gives "
                "more edges.",
            ),
            **_CLOSING,
        },
        seconds=0.1,
        source="Canny, A computational approach to edge detection, 1986; scikit-image",
        **_EDGE,
    ),
    SegmenterEntry(
        name="log",
        title="Laplacian of Gaussian",
        text="what the zero crossings of a Laplacian enclose: edges that are closed by themselves",
        run=f"{HERE}.edges:log",
        parameters={
            "sigma": Parameter(
                **FLOAT,
                default=2.0,
                low=0.3,
                high=50.0,
                pixels=1,
                label="Width",
                tooltip="Of the Gaussian, in pixels; more follows coarser edges alone.",
            ),
            "threshold": Parameter(
                kind=float,
                default=None,
                step=0.001,
                label="Steepness",
                tooltip="Crossings that are less steep part nothing; lower gives more and smaller "
                "regions. Chosen by Otsu's rule if not given.",
            ),
            **_CLOSING,
        },
        seconds=0.1,
        source="Marr and Hildreth, Theory of edge detection, 1980; SciPy",
        **_EDGE,
    ),
    SegmenterEntry(
        name="icas-edges",
        title="Edges without noise",
        text="gradients after a bilateral filter and non-local means, as icas finds edges",
        run=f"{HERE}.edges:icas_edges",
        requires=("cv2", "classic"),
        parameters={
            "edge_th": Parameter(
                kind=float,
                default=60.0,
                high=255.0,
                step=5.0,
                label="Strength",
                tooltip="Of 255, the strongest edge of the image: weaker edges part nothing. Lower "
                "gives more and smaller regions.",
            ),
            "d": Parameter(
                **WHOLE,
                default=7,
                low=1,
                high=25,
                label="Bilateral width",
                tooltip="Pixels of the bilateral filter; more is smoother and slower.",
            ),
            "sigma_color": Parameter(
                kind=float,
                default=100.0,
                low=0.1,
                high=255.0,
                step=5.0,
                label="Bilateral colors",
                tooltip="How different colors are that are smoothed together, of 255.",
            ),
            "sigma_space": Parameter(
                kind=float,
                default=100.0,
                low=0.1,
                high=255.0,
                step=5.0,
                label="Bilateral reach",
                tooltip="How far pixels count; more is smoother.",
            ),
            "template": Parameter(
                **WHOLE,
                default=7,
                low=1,
                high=21,
                label="Patch",
                tooltip="Pixels of a side of the patches that non-local means compare; odd.",
            ),
            "search": Parameter(
                **WHOLE,
                default=21,
                low=1,
                high=61,
                label="Search",
                tooltip="Pixels of a side within which like patches are looked for; odd. Takes "
                "time with its square.",
            ),
            "h": Parameter(
                kind=float,
                default=10.0,
                low=0.1,
                high=100.0,
                step=1.0,
                label="Noise of brightness",
                tooltip="How much noise is taken out, of 255; more loses faint detail.",
            ),
            "h_color": Parameter(
                kind=float,
                default=10.0,
                low=0.1,
                high=100.0,
                step=1.0,
                label="Noise of color",
                tooltip="The same for colors.",
            ),
            **_CLOSING,
        },
        presets={"icas": {}},
        seconds=0.7,
        source="The recipe of icas; Tomasi and Manduchi, Bilateral filtering, 1998; Buades et al., "
        "Non-local means denoising, 2011; OpenCV",
        **_EDGE,
    ),
)
