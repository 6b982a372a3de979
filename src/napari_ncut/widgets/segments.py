"""Masks of an image and their classes as two layers, and every edit of them as a command."""

from __future__ import annotations

import colorsys
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from ..errors import InputError
from ..progress import Progress, Steps
from .classes import PALETTE
from .history import Change, Group
from .label_edit import LabelEdit, PlaneKey, key_in_layer
from .layers import free_name, lay_on, unwrap
from .preview import add_below

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ..sam.classes import SemanticClasses
    from ..sam.mask_set import MaskSet
    from .layers import Source
    from .reading import Reading

_NOISE_COLOR = "#9a9a9a"
# Beyond the palette hues follow each other by the golden ratio, so that neighbors differ.
_GOLDEN = 0.618034
_OPACITY = 0.6


def class_color(number: int) -> str:
    """The color that a class has by its number: always the same."""
    if number <= len(PALETTE):
        return PALETTE[number - 1]
    further = number - len(PALETTE)
    red, green, blue = colorsys.hsv_to_rgb(
        further * _GOLDEN % 1, 0.5 + 0.2 * (further % 3), 0.95 - 0.15 * (further % 2)
    )
    return "#" + "".join(f"{round(part * 255):02x}" for part in (red, green, blue))


@dataclass(frozen=True, eq=False)
class SegmentState:
    """What an edit changes; it never changes itself, so that undo is to show an earlier one.

    Attributes
    ----------
    found : SemanticClasses
    description : dict
        What the masks were compared by, see `ClassSettings`.
    recolored : dict
        Colors of classes that the user chose.
    """

    found: SemanticClasses = field(repr=False)
    description: Mapping[str, Any] = field(default_factory=dict)
    recolored: Mapping[int, str] = field(default_factory=dict)

    def color(self, number: int) -> str:
        """Color of a class."""
        if number in self.recolored:
            return self.recolored[number]
        return _NOISE_COLOR if number == self.found.noise else class_color(number)

    def colors(self) -> dict[int | None, str]:
        """For a direct label colormap; what is no class is transparent."""
        own: dict[int | None, str] = {number: self.color(number) for number in self.found.names}
        return {None: "transparent", 0: "transparent"} | own

    def edited(self, found: SemanticClasses) -> SegmentState:
        """The same with other classes; colors of those that are gone are forgotten."""
        kept = {n: color for n, color in self.recolored.items() if n in found.names}
        return replace(self, found=found, recolored=kept)

    def with_color(self, number: int, color: str) -> SegmentState:
        """The same with another color of a class."""
        return replace(self, recolored={**self.recolored, number: color})

    def describe(self) -> str:
        """How many segments and classes there are, for the user."""
        found = self.found
        groups = len([number for number in found.numbers if number != found.noise])
        classes = "1 class" if groups == 1 else f"{groups} classes"
        noise = 0 if found.noise is None else int((found.classes == found.noise).sum())
        told = f"{len(found):,} segments in {classes}"
        return f"{told}; {noise:,} are noise." if noise else f"{told}."

    def planes(self) -> list[NDArray[np.int32]]:
        """Class label maps (h, w) of all planes."""
        found = self.found
        if found.remainder is not None:
            shape = found.masks[0].shape
            return list(np.asarray(found.labels).reshape(-1, *shape))
        return [self.plane(i) for i in range(len(found.masks))]

    def plane(self, i: int) -> NDArray[np.int32]:
        """Class label map of one plane without its remainder."""
        return self.found.masks[i].labels(self.found.classes[self.found.planes == i])


class Segments:
    """The masks of one image, the layers that show them, and their classes once they are found.

    Parameters
    ----------
    viewer
        Where the layers are.
    reading
        What was read of one image.
    masks
        Of every plane.
    instances
        `instance_block` of them.
    """

    def __init__(
        self, viewer: ViewerModel, reading: Reading, masks: tuple[MaskSet, ...], instances: NDArray
    ) -> None:
        self._viewer = viewer
        self.reading = reading
        self.masks = masks
        self.state: SegmentState | None = None
        # Who shows them; called after every change.
        self.shown: list[Callable[[], None]] = []
        self._classes: weakref.ref[Labels] | None = None
        self._version = 0
        layer = self._add("instances", instances)
        self._instances = weakref.ref(layer)
        layer.features = mask_features(masks)

    @property
    def source(self) -> Source:
        """Where the masks lie in their image."""
        return self.reading.sources[0]

    @property
    def instances_layer(self) -> Labels | None:
        """The layer of instances, None once it is deleted."""
        return self._alive(self._instances)

    @property
    def classes_layer(self) -> Labels | None:
        """The layer of classes, None before there are classes and once it is deleted."""
        return self._alive(self._classes)

    @property
    def layers(self) -> list[Labels]:
        """Those of both that there are."""
        return [one for one in (self.instances_layer, self.classes_layer) if one is not None]

    @property
    def version(self) -> int:
        """Grows with every edit and every stroke painted on the classes."""
        return self._version

    def show_first(self, state: SegmentState, block: NDArray) -> None:
        """Show classes where no layer shows any yet.

        Parameters
        ----------
        state
            The classes.
        block
            `class_block` of them.
        """
        instances = self.instances_layer
        layer = self._add("classes", block, below=instances)
        if instances is not None and not instances.contour:
            # Two fillings on one another would mix their colors.
            instances.contour = 1
        layer.colormap = DirectLabelColormap(color_dict=state.colors())
        layer.events.paint.connect(self._on_paint)
        self._classes = weakref.ref(layer)
        self.show(state)

    def show(self, state: SegmentState) -> None:
        """Take over a state: tables and colors of both layers; pixels are written by commands."""
        self.state = state
        self._version += 1
        classes, instances = self.classes_layer, self.instances_layer
        if classes is not None:
            classes.colormap = DirectLabelColormap(color_dict=state.colors())
            classes.features = class_features(state.found)
            ours = classes.metadata.get("napari_ncut", {})
            classes.metadata["napari_ncut"] = {**ours, "classes": dict(state.found.names)}
        if instances is not None:
            instances.features = _beside_others(instance_features(state.found), instances.features)
        for shown in list(self.shown):
            shown()

    def edit_steps(self, name: str, after: SegmentState) -> Steps[Group]:
        """The command that leads from the present state to another, as a generator.

        Only pixels that change are written, so that what was painted elsewhere stays.
        """
        before, layer = self.state, self.classes_layer
        if before is None:
            raise InputError("There are no classes yet. Find them first.")
        group = Group(name)
        if layer is not None:
            edit = LabelEdit(layer)
            for done, change in enumerate(self._changes(layer, before, after)):
                yield Progress("labels", done, len(self.masks))
                edit.add(*change)
            command = edit.command()
            if command is not None:
                group.commands.append(command)
        show = partial(self._show_with, None if layer is None else weakref.ref(layer))
        group.commands.append(Change(name, show, before, after))
        return group

    def _changes(
        self, layer: Labels, before: SegmentState, after: SegmentState
    ) -> Iterator[tuple[PlaneKey, NDArray, NDArray]]:
        """Where in the layer planes lie that change, what they hold, and what they are to hold."""
        if layer.data.shape != self.source.shape:
            return
        whole = before.found.remainder is not None or after.found.remainder is not None
        maps = (before.planes(), after.planes()) if whole else None
        origin = np.zeros_like(self.source.starts)
        for plane in _changed_planes(before, after):
            old = before.plane(plane) if maps is None else maps[0][plane]
            new = after.plane(plane) if maps is None else maps[1][plane]
            if not self._rows_first:
                old, new = old.T, new.T
            key = key_in_layer(self.source, plane, origin)
            current = np.asarray(layer.data[key])
            yield key, current, np.where(old != new, new, current)

    def _show_with(self, written: weakref.ref[Labels] | None, state: SegmentState) -> None:
        """Show a state whose pixels were written to a layer, or to none."""
        layer, before = self.classes_layer, self.state
        if layer is not None and before is not None and (written is None or written() is not layer):
            # The layer that the command was made for was deleted, and this one made since.
            for key, _, wanted in self._changes(layer, before, state):
                layer.data[key] = wanted
            layer.refresh()
        self.show(state)

    def segment_at(self, layer: Labels, world: Any) -> int | None:
        """Number of the mask at a place in world coordinates, None where there is none.

        Parameters
        ----------
        layer
            One of the two layers.
        world
            Of the canvas.
        """
        place = np.asarray(layer.world_to_data(world), dtype=float)
        pixel = np.floor(place + 0.5).astype(int)
        if ((pixel < 0) | (pixel >= self.source.shape)).any():
            return None
        names = self.source.names
        stack = [int(pixel[i]) for i, name in enumerate(names) if name not in "CYX"]
        plane = int(np.ravel_multi_index(stack, self.source.stack_shape)) if stack else 0
        row, column = int(pixel[names.index("Y")]), int(pixel[names.index("X")])
        masks = self.masks[plane]
        top, left, bottom, right = masks.boxes.T.reshape(4, -1)
        near = (top <= row) & (row < bottom) & (left <= column) & (column < right)
        holding = [
            i
            for i in np.flatnonzero(near).tolist()
            if masks.crops[i][row - int(top[i]), column - int(left[i])]
        ]
        if not holding:
            return None
        first = sum(len(one) for one in self.masks[:plane])
        # The smallest lies on top, the first of equal ones.
        return first + min(holding, key=lambda i: (int(masks.areas[i]), i)) + 1

    # -------------------------------------------------------------------------------------- inside

    @property
    def _rows_first(self) -> bool:
        return self.source.names.index("Y") < self.source.names.index("X")

    def _on_paint(self, event: Any = None) -> None:
        self._version += 1

    def _alive(self, reference: weakref.ref[Labels] | None) -> Labels | None:
        layer = None if reference is None else reference()
        return layer if layer is not None and layer in self._viewer.layers else None

    def _add(self, kind: str, data: NDArray, below: Labels | None = None) -> Labels:
        image = self.source.layer
        name = free_name(
            self._viewer, f"{self.source.name if image is None else image.name} {kind}"
        )
        layer = Labels(data, name=name, opacity=_OPACITY, **self._spatial())
        layer.metadata["napari_ncut"] = {"role": kind}
        add_below(self._viewer, layer, below)
        return unwrap(layer)

    def _spatial(self) -> dict[str, Any]:
        """Where the image lies; once it is deleted, where the layer of instances does."""
        if self.source.layer is not None:
            return self.source.spatial()
        other = self.instances_layer
        if other is None:
            return {}
        return lay_on(other, np.ones(other.ndim), np.zeros(other.ndim))


# ---------------------------------------------------------------------------------- arrays, tables


def block_of(source: Source, planes: list[NDArray]) -> NDArray[np.int32]:
    """Label maps (h, w) of all planes as one array that lies on the block that was read."""
    data = np.zeros(source.shape, np.int32)
    for i, plane in enumerate(planes):
        source.plane_in(data, i)[...] = plane
    return data


def instance_block(source: Source, masks: tuple[MaskSet, ...]) -> NDArray[np.int32]:
    """Every mask by a number of its own, from 1, plane after plane; smaller ones on top."""
    first, planes = 1, []
    for one in masks:
        planes.append(one.labels(np.arange(first, first + len(one))))
        first += len(one)
    return block_of(source, planes)


def mask_features(masks: tuple[MaskSet, ...]) -> Any:
    """What is known of masks before they have classes, as a table."""
    import pandas as pd

    n = sum(len(one) for one in masks)
    columns: dict[str, Any] = {
        "index": np.arange(1, n + 1),
        "plane": np.repeat(np.arange(len(masks)), [len(one) for one in masks]),
        "score": np.concatenate([score_of(one) for one in masks]),
        "area": np.concatenate([one.areas for one in masks]),
    }
    return pd.DataFrame(columns)


def score_of(masks: MaskSet) -> NDArray[np.float64]:
    """How good each mask is said to be, by SAM or by how long its region lasts; NaN if unknown."""
    for name in ("score", "predicted_iou", "stability_score"):
        if name in masks.columns:
            return np.asarray(masks.columns[name], dtype=np.float64)
    return np.full(len(masks), np.nan)


def instance_features(found: SemanticClasses) -> Any:
    """What is known of masks in classes, as a table."""
    import pandas as pd

    table = found.features()
    del table["image"]
    return pd.DataFrame(table)


def class_features(found: SemanticClasses) -> Any:
    """Name, count and area of every class, as a table."""
    import pandas as pd

    rows = [(number, found.names[number], *amount_of(found, number)) for number in found.numbers]
    return pd.DataFrame(rows, columns=["index", "name", "count", "area"])


def amount_of(found: SemanticClasses, number: int) -> tuple[int, int]:
    """How many masks a class has, and their pixels."""
    inside = found.classes == number
    return int(inside.sum()), int(found.areas[inside].sum())


def _beside_others(table: Any, before: Any) -> Any:
    """A table with the columns that others have added to the one before, such as clusters."""
    if len(before) == len(table):
        for name in before.columns:
            if name not in table.columns:
                table[name] = before[name].to_numpy()
    return table


def _changed_planes(before: SegmentState, after: SegmentState) -> list[int]:
    """Planes in which any mask changes its class; all where what is in no mask has one, too."""
    if before.found.remainder is not None or after.found.remainder is not None:
        return list(range(len(after.found.masks)))
    changed = before.found.classes != after.found.classes
    return [int(plane) for plane in np.unique(after.found.planes[changed])]
