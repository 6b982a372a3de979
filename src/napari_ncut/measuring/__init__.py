"""Labels → tables: sizes, shapes and intensities of segments, amounts of classes, comparisons."""

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .amounts import ClassMeasure as ClassMeasure
    from .amounts import measure_labels as measure_labels
    from .comparing import Comparison as Comparison
    from .comparing import compare_labels as compare_labels
    from .comparing import compare_labels_steps as compare_labels_steps
    from .properties import GROUPS as GROUPS
    from .properties import PROPERTIES as PROPERTIES
    from .segments import measure_segments as measure_segments
    from .segments import measure_segments_steps as measure_segments_steps
    from .summary import Histogram as Histogram
    from .summary import size_histogram as size_histogram
    from .summary import summarize as summarize
    from .table import MeasureTable as MeasureTable

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "GROUPS": "properties",
        "PROPERTIES": "properties",
        "ClassMeasure": "amounts",
        "Comparison": "comparing",
        "Histogram": "summary",
        "MeasureTable": "table",
        "compare_labels": "comparing",
        "compare_labels_steps": "comparing",
        "measure_labels": "amounts",
        "measure_segments": "segments",
        "measure_segments_steps": "segments",
        "size_histogram": "summary",
        "summarize": "summary",
    },
)
