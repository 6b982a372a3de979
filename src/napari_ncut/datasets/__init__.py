"""Data sets with a truth: how their folders lie, reading them, and figures on them."""

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .catalog import DATASETS as DATASETS
    from .catalog import dataset_records as dataset_records
    from .records import Example as Example
    from .records import Record as Record
    from .records import read_record as read_record
    from .tasks import TASKS as TASKS
    from .tasks import evaluate as evaluate

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "DATASETS": "catalog",
        "TASKS": "tasks",
        "Example": "records",
        "Record": "records",
        "dataset_records": "catalog",
        "evaluate": "tasks",
        "read_record": "records",
    },
)
