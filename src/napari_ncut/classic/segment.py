"""The public function: images in, segments out, by any method of the registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..imaging import Channels, PlaneLayout, Planes, Scaling, as_planes
from ..progress import Progress, Steps, run_steps
from ..segmenters import SegmenterEntry, segmentation_steps, segmenter_entry, segmenters

KIND = "classic"


def classic_methods() -> dict[str, SegmenterEntry]:
    """What is known of every method of `segment_classic`, by name, the default first."""
    return segmenters(KIND)


def segment_classic(
    image: Any,
    *,
    axes: str | Sequence[str | None] | None = None,
    method: str = "otsu",
    preset: str = "",
    channels: Channels = None,
    scaling: Scaling | None = None,
    device: str | None = None,
    progress: Callable[[Progress], object] | None = None,
    **parameters: Any,
) -> Any:
    """Segment an image by a classic method, such as a threshold, edges, a watershed or clusters.

    Parameters
    ----------
    image
        An image, a stack, or a list of images. dtype bool, integer or float. Color is segmented as
        color where the method can, else by its luminance.
    axes
        A letter for each dimension ("YX", "YXC", "TYX", "ZCYX" …). Without it a 2-D array is "YX"
        and anything else is an error. Of several images one for all, or a list.
    method
        One of `classic_methods()`, such as "otsu", "canny", "watershed", "kmeans" or "grabcut".
    preset
        Name of values of its parameters that belong together, such as "icas"; those given below
        count before. Default: none.
    channels
        Indices of the channels to use, "all" or "composite". Default: all.
    scaling
        How intensities become 0 to 1: "stack", "plane", "dtype" or contrast limits (low, high).
        Levels and tolerances count in that range. Default: 8 bits as they are, others by
        percentiles of the stack.
    device
        Where networks compute, for example "cpu" or "cuda". Default: the fastest there is.
    progress
        Called with a `Progress` before every plane and at the end.
    **parameters
        Of the method; its entry says which there are, what they do and their defaults.

    Returns
    -------
    int32 array (h, w), (n, h, w) for a stack, or a list of them for a list of images
        Numbers from 1 without gaps. 0 is background or edge where the entry's `zero` says so, and
        does not occur otherwise. Every plane is numbered anew.

    Raises
    ------
    InputError
        If the input is no image, or anything given does not fit it or the method, or a package
        for the method is missing.
    """
    steps = segment_classic_steps(
        image,
        axes=axes,
        method=method,
        preset=preset,
        channels=channels,
        scaling=scaling,
        device=device,
        **parameters,
    )
    return run_steps(steps, progress)


def segment_classic_steps(
    image: Any,
    *,
    axes: str | Sequence[str | None] | None = None,
    method: str = "otsu",
    preset: str = "",
    channels: Channels = None,
    scaling: Scaling | None = None,
    device: str | None = None,
    **parameters: Any,
) -> Steps[Any]:
    """`segment_classic` as a generator of progress, which may be closed to cancel."""
    entry = segmenter_entry(method, KIND)
    given = entry.checked({**entry.preset(preset), **parameters})
    planes = classic_planes(image, axes=axes, channels=channels, scaling=scaling)
    found = yield from segmentation_steps(planes, entry, given, device=device)
    return PlaneLayout(planes.shapes, 1, planes.stacks, planes.is_list).pixels_as_given(found)


def classic_planes(
    image: Any,
    *,
    axes: str | Sequence[str | None] | None,
    channels: Channels,
    scaling: Scaling | None,
) -> Planes:
    """The planes of images, of which 8 bits keep their values unless `scaling` says otherwise."""
    planes = as_planes(image, axes=axes, channels=channels, scaling=scaling or "stack")
    if scaling is not None:
        return planes
    return planes.with_scalings(
        "dtype" if source.data.dtype in ("uint8", "bool") else "stack" for source in planes.sources
    )
