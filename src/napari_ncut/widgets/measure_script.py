"""What the widget "Measure" did, as a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..recipes import ImageSource, measure_script
from .layers import default_axes

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
    image: ImageSource | dict[str, ImageSource] = {
        name: ImageSource(None, request.frame_axes, shape=shape) for name in request.channels
    }
    if len(images) == 1 and (axes := _image_axes(images[0], request)):
        image = _source(images[0], request, axes)
    options = dict(request.options)
    map_of_classes = None
    if classes is not None:
        options.pop("classes")
        map_of_classes = _source(classes, request)
    if request.options["volumes"] is False:
        options["spacing"] = request.options["spacing"][1:]
    return measure_script(_source(request.layer, request), image, options, classes=map_of_classes)


def _image_axes(image: Any, request: MeasureRequest) -> str:
    """Axes of an image whose channels are measured; "" where they are not told by its layer."""
    own = "" if image.multiscale else default_axes(image)
    rest = [i for i, name in enumerate(own) if name not in "CS"]
    # Of labels on a crop the script would need to know where it lies.
    same = [image.data.shape[i] for i in rest] == list(request.labels.shape)
    return own if same and "".join(own[i] for i in rest) == request.frame_axes else ""


def _source(layer: Any, request: MeasureRequest, axes: str = "") -> ImageSource:
    path = getattr(getattr(layer, "source", None), "path", None)
    shape = tuple(int(n) for n in request.labels.shape)
    # Of a crop, or of a level of a pyramid, the file holds more.
    whole = not layer.multiscale and (bool(axes) or tuple(layer.data.shape) == shape)
    shown = tuple(int(n) for n in layer.data.shape) if axes else shape
    return ImageSource(
        str(path) if path and whole else None, axes or request.frame_axes, shape=shown
    )
