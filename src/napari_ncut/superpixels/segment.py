"""The public function: images in, superpixels out, by any method of the registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import InputError, is_number
from ..imaging import Channels, PlaneLayout, Scaling, as_planes
from ..progress import Progress, Steps, run_steps
from ..segmenters import SegmenterEntry, segmentation_steps, segmenter_entry, segmenters

KIND = "superpixels"


def superpixel_methods() -> dict[str, SegmenterEntry]:
    """What is known of every method of `segment_superpixels`, by name, the default first."""
    return segmenters(KIND)


def segment_superpixels(
    image: Any,
    *,
    axes: str | Sequence[str | None] | None = None,
    method: str = "compact",
    n_segments: int | None = None,
    supervoxels: bool = False,
    spacing: Sequence[float] | None = None,
    channels: Channels = None,
    scaling: Scaling = "stack",
    device: str | None = None,
    progress: Callable[[Progress], object] | None = None,
    **parameters: Any,
) -> Any:
    """Part an image in superpixels: small connected pieces that its edges do not cross.

    Parameters
    ----------
    image
        An image, a stack, or a list of images. dtype bool, integer or float.
    axes
        A letter for each dimension ("YX", "YXC", "TYX", "ZCYX" …). Without it a 2-D array is "YX"
        and anything else is an error. Of several images one for all, or a list.
    method
        One of `superpixel_methods()`: "compact", "ssn", "slic", "slic-zero", "compact-watershed",
        "felzenszwalb", "quickshift", "seeds", "lsc", "mslic". The last three need the extra
        `classic`.
    n_segments
        How many superpixels in every plane (volume). "compact" and "compact-watershed" make exactly
        as many, the others about; "felzenszwalb" and "quickshift" find the number themselves and
        take none. Default: 200.
    supervoxels
        Whether superpixels go on through the planes of a volume, along Z. Of "slic", "slic-zero"
        and "compact-watershed"; else, and along T, planes are segmented one by one.
    spacing
        Size of a voxel (depth, height, width) in any unit, for supervoxels. Default: equal sides.
    channels
        Indices of the channels to use, "all" or "composite". Default: all.
    scaling
        How intensities become 0 to 1: "stack", "plane", "dtype" or contrast limits (low, high).
    device
        Where networks compute, for example "cpu" or "cuda". Default: the fastest there is.
    progress
        Called with a `Progress` before every plane (volume) and at the end.
    **parameters
        Of the method; its entry says which there are, what they do and their defaults.

    Returns
    -------
    int32 array (h, w), (n, h, w) for a stack, or a list of them for a list of images
        Numbers from 1 without gaps, each one connected piece (by sides of pixels). Every plane is
        numbered anew, with supervoxels every volume.

    Raises
    ------
    InputError
        If the input is no image, or anything given does not fit it or the method, or a package
        for the method is missing.
    """
    steps = segment_superpixels_steps(
        image,
        axes=axes,
        method=method,
        n_segments=n_segments,
        supervoxels=supervoxels,
        spacing=spacing,
        channels=channels,
        scaling=scaling,
        device=device,
        **parameters,
    )
    return run_steps(steps, progress)


def segment_superpixels_steps(
    image: Any,
    *,
    axes: str | Sequence[str | None] | None = None,
    method: str = "compact",
    n_segments: int | None = None,
    supervoxels: bool = False,
    spacing: Sequence[float] | None = None,
    channels: Channels = None,
    scaling: Scaling = "stack",
    device: str | None = None,
    **parameters: Any,
) -> Steps[Any]:
    """`segment_superpixels` as a generator of progress, which may be closed to cancel."""
    entry = segmenter_entry(method, KIND)
    given = entry.checked(parameters)
    sides = checked_spacing(spacing, supervoxels)
    planes = as_planes(image, axes=axes, channels=channels, scaling=scaling)
    found = yield from segmentation_steps(
        planes,
        entry,
        given,
        n_segments=n_segments,
        volumes=supervoxels,
        spacing=sides,
        device=device,
    )
    return PlaneLayout(planes.shapes, 1, planes.stacks, planes.is_list).pixels_as_given(found)


def checked_spacing(spacing: Sequence[float] | None, supervoxels: bool) -> tuple[float, ...]:
    """Sides of a voxel, the smallest of them 1; () of planes."""
    if spacing is None:
        return (1.0, 1.0, 1.0) if supervoxels else ()
    if not supervoxels:
        raise InputError("spacing is of supervoxels. Give supervoxels=True, or leave it out.")
    sides = list(spacing) if isinstance(spacing, Sequence | np.ndarray) else []
    if len(sides) != 3 or not all(is_number(side) and side > 0 for side in sides):
        raise InputError(
            f"The spacing {spacing!r} cannot be used. Give three numbers above 0: depth, height "
            f"and width of a voxel."
        )
    return tuple(float(side) / min(map(float, sides)) for side in sides)
