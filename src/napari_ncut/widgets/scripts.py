"""What was done in the window, as a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.utils.notifications import show_info
from qtpy.QtWidgets import QApplication

from ..imaging import for_each_image
from ..recipes import ImageSource, embedding_script, function_script, segment_script

if TYPE_CHECKING:
    from collections.abc import Mapping
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


def function_script_of(
    reading: Reading, function: str, given: Mapping[str, Any], what: str, **further: Any
) -> str:
    """A Python script that calls a function of the public API with what is read of one image.

    Parameters
    ----------
    reading
        Of one image.
    function, given
        Its name in `napari_ncut`, and its arguments but for those that say what is read.
    what
        What its labels are, for the name of the file that they are written to.
    further
        See `recipes.function_script`.
    """
    axes = for_each_image("axes", reading.axes, 1)[0]
    read = {"channels": reading.channels, "scaling": reading.scaling}
    return function_script(
        _image_source(reading.sources[0], axes),
        function,
        {**read, **given},
        output=f"{reading.sources[0].name} {what}.tif",
        **further,
    )


def copy_to_clipboard(script: str) -> None:
    """Put a script on the clipboard, and tell."""
    QApplication.clipboard().setText(script)
    show_info("The script is on the clipboard.")


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
