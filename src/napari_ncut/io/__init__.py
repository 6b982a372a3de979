"""Files in and out."""

from .atomic import replace_when_written
from .images import ImageFile, read_image
from .points import PointsTable, apply_affine, read_points

__all__ = [
    "ImageFile",
    "PointsTable",
    "apply_affine",
    "read_image",
    "read_points",
    "replace_when_written",
]
