"""Arrays in: axes, channels, dtype → float planes; and back from feature grids to pixels."""

from .axes import Axes, parse_axes
from .channels import Channels
from .intensity import DEFAULT_PERCENTILES, Scaling
from .layout import PlaneLayout
from .planes import Planes, as_planes
from .resample import GuidedUpsampler, block_mean, enlarge
from .several import for_each_image, once_if_alike

__all__ = [
    "DEFAULT_PERCENTILES",
    "Axes",
    "Channels",
    "GuidedUpsampler",
    "PlaneLayout",
    "Planes",
    "Scaling",
    "as_planes",
    "block_mean",
    "enlarge",
    "for_each_image",
    "once_if_alike",
    "parse_axes",
]
