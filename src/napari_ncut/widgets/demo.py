"""The window that the demo opens: image, both widgets, prompts in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import prompts_layer
from .features import FeaturesWidget
from .points import PointsWidget
from .session import session_of

if TYPE_CHECKING:
    from napari.layers import Points


def prepare_demo(
    viewer: Any,
    image: NDArray,
    points: ArrayLike,
    positive: ArrayLike,
    classes: ArrayLike,
    class_names: dict[int, str],
    *,
    embed: Mapping[str, Any] | None = None,
    predict: Mapping[str, Any] | None = None,
) -> tuple[FeaturesWidget, PointsWidget]:
    """Add an image and both widgets to a viewer; clicks appear when the eigenvectors are there.

    Parameters
    ----------
    viewer
        A napari viewer.
    image
        What to segment: (h, w, 3), RGB.
    points, positive, classes
        Clicks: (n, ndim) in pixels, signs, classes.
    class_names
        Label → name.
    embed, predict
        Arguments of `napari_ncut.embed` and `PromptSegmenter.predict` that the widgets shall show.
    """
    session = session_of(viewer)
    session.classes.ensure(sorted(class_names), class_names)
    for label, title in class_names.items():
        session.classes.rename(label, title)
    viewer.add_image(image, name="immunohistochemistry", rgb=True)
    features = FeaturesWidget(viewer)
    segment = PointsWidget(viewer)
    features.backbone.set_options(embed or {})
    segment.controls.set_options(predict or {})
    first = viewer.window.add_dock_widget(features, name="NCUT features", area="right")
    second = viewer.window.add_dock_widget(
        segment, name="Segment by points", area="right", tabify=True
    )
    first.raise_()

    def place(prepared: Any) -> None:
        session.prepared_changed.disconnect(place)
        layer = segment.points
        if layer is None or len(layer.data):
            return
        place_clicks(layer, points, positive, classes)
        second.raise_()

    session.prepared_changed.connect(place)
    features.run()
    return features, segment


def place_clicks(layer: Points, points: ArrayLike, positive: ArrayLike, classes: ArrayLike) -> None:
    """Put clicks into a prompts layer, in place of those that it has."""
    rows = np.asarray(points, dtype=float).reshape(-1, layer.ndim)
    table = layer.feature_defaults.iloc[[0] * len(rows)].reset_index(drop=True)
    table[prompts_layer.POSITIVE] = np.asarray(positive, dtype=bool)
    table[prompts_layer.CLASS] = np.asarray(classes, dtype=int)
    prompts_layer.restore(layer, prompts_layer.Prompts(rows, table))


def open_demo(
    image: NDArray,
    points: ArrayLike,
    positive: ArrayLike,
    classes: ArrayLike,
    class_names: dict[int, str],
    **settings: Mapping[str, Any],
) -> None:
    """Open a viewer with the demo (see `prepare_demo`) and return when it is closed."""
    import napari

    viewer = napari.Viewer(title="napari-ncut demo")
    prepare_demo(viewer, image, points, positive, classes, class_names, **settings)
    napari.run()
