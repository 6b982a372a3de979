"""The Points layer that holds prompts: columns for sign and class, colors that follow them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.colormaps.standardize_color import transform_color
from numpy.typing import NDArray

from .classes import ClassList
from .layers import Source, data_to_world, free_name, lay_on

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Image, Points

POSITIVE, CLASS, IMAGE = "positive", "class", "image"
# The layer's marks say the sign without color, too: some eyes need that.
_SYMBOLS = {True: "disc", False: "x"}


@dataclass(frozen=True, eq=False)
class Prompts:
    """The contents of a prompts layer at one moment."""

    data: NDArray[np.float64]
    features: pd.DataFrame

    def same_as(self, other: Prompts) -> bool:
        """Whether another moment's contents are equal."""
        return np.array_equal(self.data, other.data) and self.features.equals(other.features)

    def without(self, used: Prompts) -> Prompts:
        """What is left when the rows of an earlier moment are taken away.

        Rows are told apart by their number and place: points are added at the end. Where one of
        `used` was moved or deleted meanwhile, nothing is taken away.
        """
        n_used = len(used.data)
        if not np.array_equal(self.data[:n_used], used.data):
            return self
        return Prompts(self.data[n_used:], self.features.iloc[n_used:].reset_index(drop=True))


def base_layer(sources: list[Source]) -> Image:
    """The image that a prompts layer lies on: the first of those with most dimensions.

    A click tells all coordinates then, also on a stack among single planes.
    """
    layers = [source.layer for source in sources if source.layer is not None]
    return max(layers, key=lambda layer: layer.ndim)


def add_prompts_layer(viewer: ViewerModel, sources: list[Source], classes: ClassList) -> Points:
    """Add an empty prompts layer on `base_layer`, ready for clicks."""
    layer = base_layer(sources)
    source = next(source for source in sources if source.layer is layer)
    rows, columns = source.names.index("Y"), source.names.index("X")
    kwargs = lay_on(layer, np.ones(layer.ndim), np.zeros(layer.ndim))
    side = min(
        source.sizes[rows] * source.factors[rows], source.sizes[columns] * source.factors[columns]
    )
    points = viewer.add_points(
        np.empty((0, layer.ndim)),
        name=free_name(viewer, f"{layer.name} prompts"),
        size=float(np.clip(side / 50, 3, 60)),
        border_width=0.15,
        # A click on one slice is seen on its neighbors, too, as long as it is near.
        out_of_slice_display=False,
        features=_empty_features(len(sources) > 1),
        metadata={"napari_ncut": {"role": "prompts"}},
        **kwargs,
    )
    adopt(points, classes, image=sources[0].name if len(sources) > 1 else None)
    return points


def bring_prompts_layer(viewer: ViewerModel, sources: list[Source], classes: ClassList) -> Points:
    """The prompts layer of images, on top and ready for clicks; made if there is none.

    Clicks outlive a new cut.
    """
    points = _prompts_layer_of(viewer, sources)
    if points is None:
        points = add_prompts_layer(viewer, sources, classes)
    viewer.layers.move(viewer.layers.index(points), len(viewer.layers))
    viewer.layers.selection.active = points
    if viewer.dims.ndisplay == 2:
        points.mode = "add"
    return points


def _prompts_layer_of(viewer: ViewerModel, sources: list[Source]) -> Points | None:
    image = base_layer(sources)
    name = f"{image.name} prompts"
    for layer in viewer.layers:
        ours = layer.metadata.get("napari_ncut", {}).get("role") == "prompts"
        if ours and layer.name == name and layer.ndim == image.ndim:
            mine, its = data_to_world(layer), data_to_world(image)
            if all(np.allclose(a, b) for a, b in zip(mine, its, strict=True)):
                return layer
    return None


def _empty_features(with_image: bool) -> dict[str, NDArray]:
    features: dict[str, NDArray] = {
        POSITIVE: np.empty(0, dtype=bool),
        CLASS: np.empty(0, dtype=int),
    }
    if with_image:
        features[IMAGE] = np.empty(0, dtype=object)
    return features


def adopt(points: Points, classes: ClassList, *, image: str | None = None) -> None:
    """Make sure that a Points layer has the columns, without losing others."""
    features = points.features.copy()
    changed = False
    defaults: dict[str, Any] = {POSITIVE: True, CLASS: classes.current}
    if image is not None:
        defaults[IMAGE] = image
    for column, default in defaults.items():
        if column not in features:
            features[column] = np.full(len(points.data), default)
            changed = True
    if changed:
        points.features = features
    set_defaults(points, positive=True, label=classes.current, image=image)


def set_defaults(
    points: Points,
    *,
    positive: bool | None = None,
    label: int | None = None,
    image: str | None = None,
) -> None:
    """Say what the next click means; None leaves it as it is."""
    defaults = points.feature_defaults.copy()
    for column, value in ((POSITIVE, positive), (CLASS, label), (IMAGE, image)):
        if value is not None:
            defaults[column] = value
    points.feature_defaults = defaults


def next_sign(points: Points) -> bool:
    """Whether the next click is positive."""
    defaults = points.feature_defaults
    return bool(defaults[POSITIVE].iloc[0]) if POSITIVE in defaults else True


def read_signs(points: Points) -> NDArray[np.bool_]:
    """Sign of every point; positive where there is no column. Text is read as in points files."""
    if POSITIVE not in points.features:
        return np.ones(len(points.data), dtype=bool)
    column = points.features[POSITIVE].to_numpy()
    if column.dtype == object:
        words = [str(value).strip().lower() for value in column]
        return np.array(
            [word not in ("false", "0", "0.0", "negative", "-", "no") for word in words], dtype=bool
        )
    return np.nan_to_num(column.astype(float), nan=1.0) > 0


def read_classes(points: Points, default: int = 1) -> NDArray[np.int64]:
    """Class of every point; `default` where there is no column or no number."""
    if CLASS not in points.features:
        return np.full(len(points.data), default, dtype=np.int64)
    import pandas as pd

    numbers = pd.to_numeric(points.features[CLASS], errors="coerce").fillna(default)
    return numbers.to_numpy().astype(np.int64)


def read_images(points: Points) -> NDArray | None:
    """Image of every point, None where there is no such column."""
    if IMAGE not in points.features:
        return None
    return points.features[IMAGE].fillna("").astype(str).to_numpy()


def snapshot(points: Points) -> Prompts:
    """The layer's contents now."""
    return Prompts(np.array(points.data), points.features.copy())


def restore(points: Points, prompts: Prompts) -> None:
    """Bring the layer's contents back."""
    defaults = points.feature_defaults.copy()
    with points.events.data.blocker(), points.events.features.blocker():
        points.selected_data = set()
        points.data = prompts.data
        points.features = prompts.features.reset_index(drop=True)
        # An empty table would make napari forget what the next click means.
        if set(points.features.columns) <= set(defaults.columns):
            points.feature_defaults = defaults[list(points.features.columns)]
    points.events.features()


def paint(points: Points, classes: ClassList) -> None:
    """Let colors and marks follow the columns: class color, filled disc or dark cross by sign."""
    n_points = len(points.data)
    if not n_points:
        return
    signs, labels = read_signs(points), read_classes(points)
    known = {entry.label: transform_color(entry.color)[0] for entry in classes.entries}
    gray = transform_color("gray")[0]
    colors = np.array([known.get(int(label), gray) for label in labels])
    white, black = np.ones(4), np.array([0, 0, 0, 1.0])
    face = np.where(signs[:, np.newaxis], colors, black)
    border = np.where(signs[:, np.newaxis], white, colors)
    symbols = np.array([_SYMBOLS[bool(sign)] for sign in signs], dtype=object)
    # Each of these draws the layer anew, which a dragged point need not wait for.
    for name, wanted in (("face_color", face), ("border_color", border)):
        if not np.allclose(getattr(points, name), wanted):
            setattr(points, name, wanted)
    if [str(symbol) for symbol in points.symbol] != list(symbols):
        points.symbol = symbols
