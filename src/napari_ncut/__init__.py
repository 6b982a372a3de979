"""napari-ncut: click once, segment everything like it.

The public, headless API. Nothing heavy is imported until it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._lazy import lazy_exports

if TYPE_CHECKING:
    from .backbones import FeatureMaps as FeatureMaps
    from .backbones import backbone_entry as backbone_entry
    from .backbones import extract_features as extract_features
    from .backbones import list_backbones as list_backbones
    from .backbones import list_networks as list_networks
    from .backbones import load_backbone as load_backbone
    from .classic import GrabCut as GrabCut
    from .classic import classic_methods as classic_methods
    from .classic import grabcut as grabcut
    from .classic import preview_steps as preview_steps
    from .classic import segment_classic as segment_classic
    from .datasets import evaluate as evaluate
    from .errors import InputError as InputError
    from .folders import ImageFolder as ImageFolder
    from .io import Annotations as Annotations
    from .io import annotation_formats as annotation_formats
    from .io import export_annotations as export_annotations
    from .io import import_annotations as import_annotations
    from .io import read_image as read_image
    from .io import read_images as read_images
    from .io import read_labels as read_labels
    from .io import read_points as read_points
    from .io import write_coco as write_coco
    from .io import write_labels as write_labels
    from .measuring import Comparison as Comparison
    from .measuring import MeasureTable as MeasureTable
    from .measuring import compare_labels as compare_labels
    from .measuring import measure_labels as measure_labels
    from .measuring import measure_segments as measure_segments
    from .measuring import size_histogram as size_histogram
    from .measuring import summarize as summarize
    from .objects import Localization as Localization
    from .objects import Parts as Parts
    from .objects import concepts as concepts
    from .objects import localize as localize
    from .objects import parts as parts
    from .painting import Painting as Painting
    from .prompts import Box as Box
    from .prompts import Mask as Mask
    from .prompts import Polygon as Polygon
    from .prompts import PromptSegmenter as PromptSegmenter
    from .prompts import Prototypes as Prototypes
    from .prompts import Scribble as Scribble
    from .prompts import get_mask as get_mask
    from .prompts import label_instances as label_instances
    from .regions import Hierarchy as Hierarchy
    from .regions import granularity as granularity
    from .sam import MaskSet as MaskSet
    from .sam import SamAnswer as SamAnswer
    from .sam import SamSegmenter as SamSegmenter
    from .sam import SemanticClasses as SemanticClasses
    from .sam import automatic_masks as automatic_masks
    from .sam import cluster_curve as cluster_curve
    from .sam import list_sam_models as list_sam_models
    from .sam import semantic_classes as semantic_classes
    from .spectral import Embedding as Embedding
    from .spectral import NCut as NCut
    from .spectral import eigenvector_colors as eigenvector_colors
    from .spectral import embed as embed
    from .superpixels import segment_superpixels as segment_superpixels
    from .superpixels import superpixel_methods as superpixel_methods
    from .templates import Template as Template
    from .templates import find_copies as find_copies
    from .templates import paint_copies as paint_copies
    from .weights import ModelStore as ModelStore

_HOMES = {
    "Annotations": "io",
    "Box": "prompts",
    "Comparison": "measuring",
    "Embedding": "spectral",
    "FeatureMaps": "backbones",
    "GrabCut": "classic",
    "Hierarchy": "regions",
    "ImageFolder": "folders",
    "InputError": "errors",
    "Localization": "objects",
    "Mask": "prompts",
    "MaskSet": "sam",
    "MeasureTable": "measuring",
    "ModelStore": "weights",
    "NCut": "spectral",
    "Painting": "painting",
    "Parts": "objects",
    "Polygon": "prompts",
    "PromptSegmenter": "prompts",
    "Prototypes": "prompts",
    "SamAnswer": "sam",
    "SamSegmenter": "sam",
    "Scribble": "prompts",
    "SemanticClasses": "sam",
    "Template": "templates",
    "annotation_formats": "io",
    "automatic_masks": "sam",
    "backbone_entry": "backbones",
    "classic_methods": "classic",
    "cluster_curve": "sam",
    "compare_labels": "measuring",
    "concepts": "objects",
    "eigenvector_colors": "spectral",
    "embed": "spectral",
    "evaluate": "datasets",
    "export_annotations": "io",
    "extract_features": "backbones",
    "find_copies": "templates",
    "get_mask": "prompts",
    "grabcut": "classic",
    "granularity": "regions",
    "import_annotations": "io",
    "label_instances": "prompts",
    "list_backbones": "backbones",
    "list_networks": "backbones",
    "list_sam_models": "sam",
    "load_backbone": "backbones",
    "localize": "objects",
    "measure_labels": "measuring",
    "measure_segments": "measuring",
    "paint_copies": "templates",
    "parts": "objects",
    "preview_steps": "classic",
    "read_image": "io",
    "read_images": "io",
    "read_labels": "io",
    "read_points": "io",
    "segment_classic": "classic",
    "segment_superpixels": "superpixels",
    "semantic_classes": "sam",
    "size_histogram": "measuring",
    "summarize": "measuring",
    "superpixel_methods": "superpixels",
    "write_coco": "io",
    "write_labels": "io",
}

__all__ = ["__version__", *_HOMES]


_from_home, __dir__ = lazy_exports(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("napari-ncut")
    return _from_home(name)
