"""Folders of images that are annotated one after another: what there is, what is done, drafts."""

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .ahead import SegmentCache as SegmentCache
    from .ahead import Segmented as Segmented
    from .ahead import segment_ahead as segment_ahead
    from .ahead import segment_ahead_steps as segment_ahead_steps
    from .ahead import segmenter as segmenter
    from .image_folder import ImageFolder as ImageFolder
    from .thumbnails import thumbnail as thumbnail
    from .thumbnails import thumbnail_steps as thumbnail_steps
    from .work import Work as Work

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "ImageFolder": "image_folder",
        "SegmentCache": "ahead",
        "Segmented": "ahead",
        "Work": "work",
        "segment_ahead": "ahead",
        "segment_ahead_steps": "ahead",
        "segmenter": "ahead",
        "thumbnail": "thumbnails",
        "thumbnail_steps": "thumbnails",
    },
)
