"""What superpixel methods there are, as data."""

from __future__ import annotations

from typing import Any

from ..declared import Parameter
from ..segmenters import SegmenterEntry

_FLOAT: dict[str, Any] = {"kind": float, "step": 0.1}
_WHOLE: dict[str, Any] = {"kind": int, "step": 1}
_HERE = "napari_ncut.superpixels"
_OPENCV: tuple[str, str] = ("cv2.ximgproc", "classic")

_SIGMA = Parameter(
    **_FLOAT,
    default=0.0,
    high=5.0,
    label="Smoothing",
    tooltip="Width of a Gaussian, in pixels, that takes noise out first; more follows fewer "
    "small edges.",
)
_ROUNDS = Parameter(
    **_WHOLE,
    default=10,
    low=1,
    high=50,
    label="Rounds",
    tooltip="How often pixels are assigned anew; more follows edges better and takes longer.",
)

ENTRIES: tuple[SegmenterEntry, ...] = (
    SegmenterEntry(
        name="compact",
        title="Boundary map",
        text="regions of the embedded network's boundaries, the least important ones merged",
        run=f"{_HERE}.compact_method:compact",
        counts="exact",
        parameters={
            "evenness": Parameter(
                **_FLOAT,
                default=1.25,
                high=2.0,
                label="Evenness",
                tooltip="How much size counts when regions merge: 0 by boundaries alone, with "
                "large and tiny regions side by side; more makes them of like size.",
            ),
        },
        source="Watershed and merging of our boundary map",
    ),
    SegmenterEntry(
        name="ssn",
        title="SSN",
        text="soft k-means in features that were learned for it",
        run=f"{_HERE}.ssn_method:ssn",
        parameters={
            "iterations": Parameter(
                **_WHOLE,
                default=10,
                low=1,
                high=30,
                label="Rounds",
                tooltip="How often pixels are assigned anew; more lets superpixels move further.",
            ),
            "compactness": Parameter(
                **_FLOAT,
                default=1.0,
                high=10.0,
                label="Compactness",
                tooltip="How much place counts: 1 as learned, more makes rounder superpixels.",
            ),
            "checkpoint": Parameter(
                str,
                None,
                label="Weights",
                tooltip="File of weights of your own training, or “pixels” for color and place "
                "alone. Default: those that come with the package.",
            ),
        },
        source="Jampani et al., Superpixel Sampling Networks, ECCV 2018",
    ),
    SegmenterEntry(
        name="slic",
        title="SLIC",
        text="k-means of color and place",
        run=f"{_HERE}.skimage_methods:slic",
        volumes=True,
        parameters={
            "compactness": Parameter(
                **_FLOAT,
                default=10.0,
                low=0.001,
                high=100.0,
                label="Compactness",
                tooltip="How much place counts beside color; more makes squarer superpixels. Try "
                "powers of ten.",
            ),
            "rounds": _ROUNDS,
            "sigma": _SIGMA,
        },
        source="Achanta et al., SLIC superpixels, TPAMI 2012; scikit-image",
    ),
    SegmenterEntry(
        name="slic-zero",
        title="SLIC-zero",
        text="SLIC that chooses the compactness of every superpixel by itself",
        run=f"{_HERE}.skimage_methods:slic_zero",
        volumes=True,
        parameters={"rounds": _ROUNDS, "sigma": _SIGMA},
        source="Achanta et al., SLIC superpixels (SLICO), TPAMI 2012; scikit-image",
    ),
    SegmenterEntry(
        name="compact-watershed",
        title="Compact watershed",
        text="edges flooded from evenly spread markers",
        run=f"{_HERE}.skimage_methods:compact_watershed",
        counts="exact",
        volumes=True,
        parameters={
            "compactness": Parameter(
                kind=float,
                default=0.001,
                high=1.0,
                step=0.001,
                label="Compactness",
                tooltip="How much the distance from the marker counts beside edges; 0 follows "
                "edges alone. Try powers of ten.",
            ),
            "sigma": _SIGMA,
        },
        source="Neubert and Protzel, Compact watershed and preemptive SLIC, ICPR 2014; "
        "scikit-image",
    ),
    SegmenterEntry(
        name="felzenszwalb",
        title="Felzenszwalb",
        text="regions whose edges exceed what varies within them; of any size",
        run=f"{_HERE}.skimage_methods:felzenszwalb",
        counts="never",
        default_count=None,
        finer=("scale", -1),
        parameters={
            "scale": Parameter(
                kind=float,
                default=50.0,
                low=0.01,
                high=1000.0,
                step=10.0,
                label="Scale",
                tooltip="Larger makes fewer, larger regions.",
            ),
            "sigma": Parameter(
                **_FLOAT, default=0.8, high=5.0, label="Smoothing", tooltip=_SIGMA.tooltip
            ),
            "min_size": Parameter(
                **_WHOLE,
                default=20,
                low=1,
                high=10_000,
                label="Smallest",
                tooltip="Pixels that a region has at least.",
            ),
        },
        source="Felzenszwalb and Huttenlocher, Efficient graph-based image segmentation, IJCV "
        "2004; scikit-image",
    ),
    SegmenterEntry(
        name="quickshift",
        title="Quickshift",
        text="every pixel joins the nearest where color and place are denser",
        run=f"{_HERE}.skimage_methods:quickshift",
        counts="never",
        default_count=None,
        finer=("max_dist", -1),
        parameters={
            "kernel_size": Parameter(
                **_FLOAT,
                default=3.0,
                low=0.5,
                high=20.0,
                label="Width",
                tooltip="Of the estimate of density, in pixels; larger makes fewer superpixels, in "
                "time that grows with its square.",
            ),
            "max_dist": Parameter(
                kind=float,
                default=8.0,
                low=0.1,
                high=100.0,
                step=1.0,
                label="Reach",
                tooltip="How far a pixel may join; larger makes fewer superpixels.",
            ),
            "ratio": Parameter(
                **_FLOAT,
                default=0.5,
                high=1.0,
                label="Color",
                tooltip="How much color counts beside place, 0 to 1.",
            ),
            "sigma": _SIGMA,
        },
        source="Vedaldi and Soatto, Quick shift and kernel methods for mode seeking, ECCV 2008; "
        "scikit-image",
    ),
    SegmenterEntry(
        name="seeds",
        title="SEEDS",
        text="a grid whose boundaries move, block by block, to where colors are of one kind",
        run=f"{_HERE}.opencv_methods:seeds",
        requires=_OPENCV,
        parameters={
            "rounds": _ROUNDS,
            "levels": Parameter(
                **_WHOLE,
                default=4,
                low=1,
                high=10,
                label="Levels",
                tooltip="Of blocks, each half as large; more follows edges better.",
            ),
            "prior": Parameter(
                **_WHOLE,
                default=2,
                high=5,
                label="Smoothness",
                tooltip="Of boundaries, 0 to 5; more is smoother.",
            ),
            "bins": Parameter(
                **_WHOLE,
                default=5,
                low=2,
                high=16,
                label="Colors",
                tooltip="Steps of every channel that are told apart.",
            ),
        },
        source="Van den Bergh et al., SEEDS, ECCV 2012; OpenCV",
    ),
    SegmenterEntry(
        name="lsc",
        title="LSC",
        text="k-means in a space in which it cuts like a normalized cut",
        run=f"{_HERE}.opencv_methods:lsc",
        requires=_OPENCV,
        parameters={
            "rounds": _ROUNDS,
            "ratio": Parameter(
                kind=float,
                default=0.075,
                low=0.001,
                high=1.0,
                step=0.005,
                label="Compactness",
                tooltip="How much place counts beside color; more makes rounder superpixels.",
            ),
        },
        source="Li and Chen, Superpixel segmentation using linear spectral clustering, CVPR 2015; "
        "OpenCV",
    ),
    SegmenterEntry(
        name="mslic",
        title="MSLIC",
        text="SLIC with small superpixels where there is much to see",
        run=f"{_HERE}.opencv_methods:mslic",
        requires=_OPENCV,
        parameters={
            "rounds": _ROUNDS,
            "ruler": Parameter(
                kind=float,
                default=10.0,
                low=0.1,
                high=100.0,
                step=1.0,
                label="Compactness",
                tooltip="How much place counts beside color; more makes rounder superpixels.",
            ),
        },
        source="Liu et al., Manifold SLIC, CVPR 2016; OpenCV",
    ),
)
