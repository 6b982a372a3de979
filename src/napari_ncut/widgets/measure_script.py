"""What the widget "Measure" did, as a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..recipes import ImageSource, measure_script

if TYPE_CHECKING:
    from napari.layers import Labels

    from .measure_steps import MeasureRequest


def script_of(request: MeasureRequest, *, images: list[Any], classes: Labels | None) -> str:
    """A Python script that measures what was asked for.

    Parameters
    ----------
    request
        As it was read from the window.
    images, classes
        The layers that intensities and classes come from; None for classes of the layer itself.
    """
    shape = tuple(int(n) for n in request.labels.shape)
    unknown = ImageSource(None, request.frame_axes, shape=shape)
    sources = dict.fromkeys(request.channels, unknown)
    if len(images) == len(sources) == 1:
        sources = {name: _source(images[0], request) for name in sources}
    options = dict(request.options)
    map_of_classes = None
    if classes is not None:
        options.pop("classes")
        map_of_classes = _source(classes, request)
    if request.options["volumes"] is False:
        options["spacing"] = request.options["spacing"][1:]
    return measure_script(_source(request.layer, request), sources, options, classes=map_of_classes)


def _source(layer: Any, request: MeasureRequest) -> ImageSource:
    path = getattr(getattr(layer, "source", None), "path", None)
    shape = tuple(int(n) for n in request.labels.shape)
    # Of a crop, or of a level of a pyramid, the file holds more.
    whole = not getattr(layer, "multiscale", False) and tuple(layer.data.shape) == shape
    return ImageSource(str(path) if path and whole else None, request.frame_axes, shape=shape)
