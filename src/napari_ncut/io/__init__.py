"""Files in and out."""

from .annotation_formats import AnnotationFormat, annotation_formats
from .annotations import Annotations
from .assign import AssignedPoints, assign_points
from .atomic import check_outputs, replace_when_written, write_together
from .coco import coco_document, write_coco
from .coco_reading import read_coco
from .exchange import export_annotations, import_annotations
from .folders import natural_key, read_images
from .images import ImageFile, read_image
from .labels import check_label_format, read_labels, write_labels
from .mask_table import mask_table
from .points import PointsTable, apply_affine, read_points, write_points
from .tables import write_table

__all__ = [
    "AnnotationFormat",
    "Annotations",
    "AssignedPoints",
    "ImageFile",
    "PointsTable",
    "annotation_formats",
    "apply_affine",
    "assign_points",
    "check_label_format",
    "check_outputs",
    "coco_document",
    "export_annotations",
    "import_annotations",
    "mask_table",
    "natural_key",
    "read_coco",
    "read_image",
    "read_images",
    "read_labels",
    "read_points",
    "replace_when_written",
    "write_coco",
    "write_labels",
    "write_points",
    "write_table",
    "write_together",
]
