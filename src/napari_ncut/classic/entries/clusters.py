"""Clusters of pixels and superpixels, and graphs."""

from __future__ import annotations

from typing import Any

from ...declared import Parameter
from ...segmenters import SegmenterEntry
from .shared import COMMON, FLOAT, HERE, OPENCV, PARTS, WHOLE

_CLUSTERS: dict[str, Any] = {**COMMON, "group": "Clusters and superpixels"}
_GRAPHS: dict[str, Any] = {**COMMON, "group": "Graphs"}
_CLUSTER_COUNT = Parameter(
    **WHOLE,
    default=15,
    low=1,
    high=200,
    label="Clusters",
    tooltip="How many kinds of color and place there are; more tells finer ones apart.",
)
_REGION_SIZE = Parameter(
    **WHOLE,
    default=40,
    low=4,
    high=1000,
    pixels=1,
    label="Size",
    tooltip="Pixels of a side of a superpixel.",
)
_RULER = Parameter(
    kind=float,
    default=30.0,
    low=0.1,
    high=200.0,
    step=5.0,
    label="Compactness",
    tooltip="How much place counts beside color; more makes rounder superpixels.",
)
_SIGMA = Parameter(
    **FLOAT,
    default=0.5,
    high=10.0,
    pixels=1,
    label="Smoothing",
    tooltip="Width of a Gaussian, in pixels, that takes noise out first.",
)
_MIN_SIZE = Parameter(
    **WHOLE,
    default=100,
    low=1,
    high=1_000_000,
    pixels=2,
    label="Smallest",
    tooltip="Pixels that a segment has at least.",
)

ENTRIES: tuple[SegmenterEntry, ...] = (
    SegmenterEntry(
        name="kmeans",
        title="k-means",
        text="clusters of color and place",
        run=f"{HERE}.clusters:kmeans",
        parameters={
            "k": _CLUSTER_COUNT,
            "color_importance": Parameter(
                **FLOAT,
                default=5.0,
                low=0.01,
                high=100.0,
                label="Color",
                tooltip="How much color, 0 to 255, counts beside place, in pixels; more lets "
                "clusters spread over the image.",
            ),
            **PARTS,
        },
        presets={"icas": {"smallest": 0}},
        seconds=0.4,
        source="k-means of (R, G, B, row, column); scikit-learn",
        **_CLUSTERS,
    ),
    SegmenterEntry(
        name="mslic",
        title="MSLIC",
        text="superpixels that are small where there is much to see",
        run=f"{HERE}.clusters:mslic",
        requires=OPENCV,
        parameters={"region_size": _REGION_SIZE, "ruler": _RULER},
        presets={"icas": {}},
        seconds=0.7,
        reduced=2,
        source="Liu et al., Manifold SLIC, CVPR 2016; OpenCV",
        **{**_CLUSTERS, "keeps_order": False},
    ),
    SegmenterEntry(
        name="slickmeans",
        title="k-means of superpixels",
        text="clusters of MSLIC superpixels by mean color and place",
        run=f"{HERE}.clusters:slickmeans",
        requires=OPENCV,
        parameters={
            "k": _CLUSTER_COUNT,
            "color_importance": Parameter(
                **FLOAT,
                default=1.0,
                low=0.01,
                high=100.0,
                label="Color",
                tooltip="How much color (CIELAB of 8 bits) counts beside place, in pixels; more "
                "lets clusters spread over the image.",
            ),
            "region_size": _REGION_SIZE,
            "ruler": _RULER,
            **PARTS,
        },
        presets={"icas": {"smallest": 0}},
        seconds=1.4,
        reduced=2,
        source="Superpixels by Liu et al., 2016, clustered by k-means; OpenCV, scikit-learn",
        **_CLUSTERS,
    ),
    SegmenterEntry(
        name="quickshift",
        title="Quickshift",
        text="every pixel joins the nearest where color and place are denser",
        run=f"{HERE}.clusters:quickshift",
        parameters={
            "max_dist": Parameter(
                kind=float,
                default=100.0,
                low=0.1,
                high=1000.0,
                step=5.0,
                label="Reach",
                tooltip="How far a pixel may join; more gives fewer segments.",
            ),
            "ratio": Parameter(
                **FLOAT,
                default=0.5,
                label="Color",
                tooltip="How much color counts beside place, 0 to 1.",
            ),
            "kernel_size": Parameter(
                **FLOAT,
                default=3.0,
                low=0.5,
                high=20.0,
                label="Width",
                tooltip="Of the estimate of density, in pixels; more gives fewer segments, in time "
                "that grows with its square.",
            ),
            "sigma": Parameter(
                **FLOAT,
                default=0.0,
                high=10.0,
                pixels=1,
                label="Smoothing",
                tooltip=_SIGMA.tooltip,
            ),
        },
        presets={"icas": {}},
        seconds=1.8,
        reduced=2,
        source="Vedaldi and Soatto, Quick shift and kernel methods for mode seeking, ECCV 2008; "
        "scikit-image",
        **_CLUSTERS,
    ),
    SegmenterEntry(
        name="felzenszwalb",
        title="Felzenszwalb",
        text="regions whose edges exceed what varies within them",
        run=f"{HERE}.clusters:felzenszwalb",
        parameters={
            "scale": Parameter(
                kind=float,
                default=100.0,
                low=0.01,
                high=10_000.0,
                step=10.0,
                label="Scale",
                tooltip="More gives fewer, larger segments.",
            ),
            "sigma": _SIGMA,
            "min_size": _MIN_SIZE,
        },
        presets={"icas": {}},
        seconds=0.6,
        source="Felzenszwalb and Huttenlocher, Efficient graph-based image segmentation, IJCV "
        "2004; scikit-image",
        **_GRAPHS,
    ),
    SegmenterEntry(
        name="graph",
        title="Graph segmentation",
        text="the same rule as OpenCV computes it",
        run=f"{HERE}.clusters:graph",
        requires=OPENCV,
        parameters={
            "sigma": _SIGMA,
            "k": Parameter(
                kind=float,
                default=300.0,
                low=0.01,
                high=10_000.0,
                step=10.0,
                label="Scale",
                tooltip="More gives fewer, larger segments.",
            ),
            "min_size": _MIN_SIZE,
        },
        presets={"icas": {"k": 15.0}},
        seconds=0.2,
        source="Felzenszwalb and Huttenlocher, 2004; OpenCV",
        **_GRAPHS,
    ),
)
