"""What was done in the window, as a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..imaging import for_each_image
from ..recipes import ImageSource, classic_script, embedding_script, segment_script
from .classic_steps import as_meant

if TYPE_CHECKING:
    from typing import Any

    from .layers import Source
    from .live import Request
    from .reading import Reading
    from .session import Prepared


def script_of(prepared: Prepared, request: Request | None) -> str:
    """A Python script that repeats an embedding and, where there are clicks, the masks."""
    recipe = prepared.embedding.recipe
    every = for_each_image("axes", recipe["axes"], len(prepared.sources))
    images = [
        _image_source(source, axes) for source, axes in zip(prepared.sources, every, strict=True)
    ]
    given = images[0] if len(images) == 1 else images
    if request is None:
        return embedding_script(given, recipe)
    points = request.points[:, 1:] if len(prepared.embedding.layout) == 1 else request.points
    outputs = [f"{source.name} classes.tif" for source in prepared.sources]
    return segment_script(
        given,
        recipe,
        points,
        request.positive,
        request.classes,
        request.options,
        outputs[0] if len(outputs) == 1 else outputs,
        strokes=request.strokes,
    )


def classic_script_of(reading: Reading, options: dict[str, Any]) -> str:
    """A Python script that segments what is read of an image, `options` as in the window."""
    source = reading.sources[0]
    scaling = as_meant(reading.scaling)
    given = {"channels": reading.channels, "scaling": scaling, **options}
    return classic_script(
        _image_source(source, str(reading.axes)), given, f"{source.name} segments.tif"
    )


def _image_source(source: Source, axes: str) -> ImageSource:
    layer = source.layer
    path = getattr(getattr(layer, "source", None), "path", None)
    # Channels that were layers of their own, and levels of a pyramid, are not what a file opens as.
    if axes != source.axes.names or source.level:
        path = None
    shape = tuple(
        int(source.axes.shape[i] if name in "CS" else source.sizes[i])
        for i, name in enumerate(source.axes.names)
    )
    if axes != source.axes.names:
        shape = ()
    return ImageSource(
        path=None if path is None else str(path),
        axes=axes,
        index=source.index_expression() or None if path is not None else None,
        shape=shape or None,
        file_axes=axes if path is not None else None,
    )
