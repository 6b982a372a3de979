"""What the widget "Measure" runs in its thread, and how its result finds back to the layer."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..measuring import MeasureTable
from ..progress import Progress, Steps
from .layers import data_to_world
from .underlying import LabelsFrame

if TYPE_CHECKING:
    from napari.layers import Labels

    from ..measuring.blocks import Blocks

_MIDDLE = ("centroid_depth", "centroid_row", "centroid_column")


@dataclass(frozen=True, eq=False)
class MeasureRequest:
    """What is to be measured, read from the window.

    Attributes
    ----------
    frame : LabelsFrame
        The layer and its axes.
    options : dict
        Keyword arguments of `measure_segments`, but for the image.
    channels : dict of arrays
        Name → intensities, shaped as the labels; may be lazy.
    images, classes : lists of layers
        What these and the classes come from, for scripts.
    """

    reference: weakref.ref[Labels]
    name: str
    frame_axes: str
    kept: tuple[int, ...]
    labels: Any = field(repr=False)
    options: dict[str, Any]
    channels: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(
        cls, frame: LabelsFrame, options: dict[str, Any], channels: Mapping[str, Any]
    ) -> MeasureRequest:
        """Of a layer as it is now; it is held weakly."""
        layer = frame.layer
        return cls(
            weakref.ref(layer), str(layer.name), frame.axes, frame.kept, frame.data, options,
            channels,
        )  # fmt: skip

    @property
    def layer(self) -> Labels | None:
        """The layer, None once it is gone."""
        return self.reference()

    @property
    def blocks(self) -> Blocks:
        """How the labels fall into planes or volumes."""
        from ..measuring.blocks import Blocks

        return Blocks.of(tuple(self.labels.shape), self.frame_axes, volumes=self.options["volumes"])


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured in a layer.

    Attributes
    ----------
    request : MeasureRequest
    table, summary : MeasureTable
    middles : float64 array (n, dimensions of a plane or volume)
        Of each segment, in pixels.
    pieces : int array or None
        Numbers of the connected pieces, shaped as the labels, where these are the segments.
    """

    request: MeasureRequest
    table: MeasureTable
    summary: MeasureTable
    middles: NDArray[np.float64] = field(repr=False)
    pieces: NDArray[np.int32] | None = field(repr=False, default=None)

    def describe(self) -> str:
        """What was found in a sentence, for the user."""
        table, n = self.table, len(self.table)
        if not n:
            return "There is no segment: all labels are 0."
        size = table[table.size]
        things = "1 segment" if n == 1 else f"{n:,} segments"
        unit = f"{table.unit}{'²' if table.n_dims == 2 else '³'}"
        return (
            f"{things}; median {table.size} {np.median(size):,.4g} {unit}; they cover "
            f"{size.sum() / table.extent:.1%} of the image."
        )

    def place_of(self, row: int) -> NDArray[np.float64] | None:
        """Middle of a segment in the layer's data coordinates; None once the layer is gone."""
        layer, blocks = self.request.layer, self.request.blocks
        if layer is None:
            return None
        number = int(self.table["stack" if blocks.volumes else "plane"][row])
        index = np.zeros(len(blocks.axes.names))
        if blocks.stack:
            index[list(blocks.stack)] = np.unravel_index(number, blocks.stack_shape)
        index[list(blocks.own)] = self.middles[row]
        place = np.zeros(layer.ndim)
        place[list(self.request.kept)] = index
        return place

    def width_of(self, row: int) -> float:
        """Diameter of a circle or ball as large as a segment, in world coordinates."""
        layer, blocks = self.request.layer, self.request.blocks
        if layer is None:
            return 1.0
        own = [self.request.kept[i] for i in blocks.own]
        side = float(np.linalg.norm(data_to_world(layer)[0], axis=0)[own].prod())
        pixels = self.table[self.table.size][row] / np.prod(
            self.request.options["spacing"][-blocks.n_dims :]
        )
        return float((pixels * side) ** (1 / blocks.n_dims))

    def label_of(self, row: int) -> int:
        """The label that a segment has in the layer."""
        name = "label" if self.pieces is None else "class"
        return int(self.table[name][row])

    def row_at(self, data_point: NDArray[np.float64]) -> int | None:
        """The segment at a place in the layer's data coordinates; None where none is."""
        blocks = self.request.blocks
        index = np.rint(np.asarray(data_point)[list(self.request.kept)]).astype(int)
        if (index < 0).any() or (index >= blocks.axes.shape).any():
            return None
        shown = self.request.labels if self.pieces is None else self.pieces
        label = int(np.asarray(shown[tuple(index.tolist())]))
        rows = self.table["label"] == label
        if blocks.stack and self.pieces is None:
            number = np.ravel_multi_index(index[list(blocks.stack)].tolist(), blocks.stack_shape)
            rows &= self.table["stack" if blocks.volumes else "plane"] == number
        found = np.flatnonzero(rows)
        return int(found[0]) if label and len(found) else None


def measure_steps(request: MeasureRequest) -> Steps[Measured]:
    """Measure what was asked for; libraries are imported here, in the thread."""
    yield Progress("loading", 0, 1)
    from ..measuring import measure_segments_steps, summarize
    from ..measuring.pieces import pieces_steps

    blocks, labels, pieces = request.blocks, request.labels, None
    options = {**request.options, "things": "labels"}
    if request.options["things"] == "pieces":
        pieces, of_piece = yield from pieces_steps(labels, blocks)
        labels, options["classes"] = pieces, of_piece
    wanted = list(options.pop("properties"))
    middle = _MIDDLE[-blocks.n_dims :]
    table = yield from measure_segments_steps(
        labels,
        request.channels or None,
        axes=request.frame_axes,
        properties=[*wanted, *middle],
        **options,
    )
    spacing = options["spacing"][-blocks.n_dims :]
    middles = np.stack([table[name] for name in middle], axis=1) / spacing
    shown = _only(table, wanted, middle)
    return Measured(request, shown, summarize(table), middles, pieces)


def _only(table: MeasureTable, wanted: list[str], middle: tuple[str, ...]) -> MeasureTable:
    """The table without the middles, unless they were asked for."""
    if "place" in wanted:
        return table
    columns = {
        name: values
        for name, values in table.columns.items()
        if name not in middle or name in wanted
    }
    return MeasureTable(columns, table.unit, table.n_dims, table.extent, table.class_names)


def layer_features(measured: Measured, before: Any) -> Any:
    """The table of a layer: a row for every label, beside what others have noted there.

    Of connected pieces, whose labels are classes, it is the summary.
    """
    import pandas as pd

    table = measured.table if measured.pieces is None else measured.summary
    index = table["label" if measured.pieces is None else "class"]
    columns: dict[str, Any] = {"index": index}
    columns |= {name: v for name, v in table.columns.items() if name not in ("label",)}
    new = pd.DataFrame(columns)
    if "index" not in before or not len(before):
        return new
    theirs = [name for name in before.columns if name not in new.columns]
    unique = before.drop_duplicates("index").set_index("index")[theirs]
    for name in theirs:
        new[name] = unique[name].reindex(index).to_numpy()
    return new
