"""Layers that show eigenvectors: as colors, and one by one."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import ComboBox, Container
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from ..errors import InputError
from ..progress import Progress, Steps
from ..spectral.names import COLORINGS
from .layers import Source, free_name, shear_matrix
from .workers import Job

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from ..spectral import Embedding
    from .session import Prepared

Grid = NDArray[np.float32]

_TITLES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}


@dataclass(frozen=True, eq=False)
class NodeColors:
    """Colors of the nodes of an embedding.

    Attributes
    ----------
    values : float32 array (n_nodes, 3)
        RGB, 0 to 1.
    before : list of arrays (rows, columns, 3) or None
        For each plane the colors that its hues were turned to.
    problem : str
        Why they are not by the method that was asked for, "" if they are.
    """

    values: NDArray[np.float32] = field(repr=False)
    before: list[Grid | None] = field(repr=False)
    problem: str = ""


def color_steps(
    embedding: Embedding, method: Any, before: Sequence[Grid | None], *, or_else: Any = None
) -> Steps[NodeColors]:
    """Color the nodes of an embedding, as a generator.

    Parameters
    ----------
    embedding
        Whose eigenvectors.
    method
        Of `eigenvector_colors`.
    before
        Colors (rows, columns, 3) that planes had before; None for those that are new.
    or_else
        Method to take where that one cannot be had; without it that is an error.
    """
    from ..spectral import eigenvector_colors

    yield Progress("colors", 0, 1)
    before, problem = list(before), ""
    reference = _reference(embedding, before)
    try:
        values = eigenvector_colors(embedding.vectors, method=method, reference=reference)
    except InputError as error:
        if or_else is None:
            raise
        values = eigenvector_colors(embedding.vectors, method=or_else, reference=reference)
        problem = str(error)
    return NodeColors(values, before, problem)


def _reference(embedding: Embedding, before: Sequence[Grid | None]) -> Grid | None:
    """Colors (n_nodes, 3) that nodes had before, NaN where they are new; None if all are."""
    layout = embedding.layout
    reference = np.full((layout.n_nodes, 3), np.nan, dtype=np.float32)
    for plane, colors in enumerate(before):
        if colors is not None:
            resized = _resized(colors, *layout.grids[plane])
            reference[layout.nodes_of(plane)] = resized.reshape(-1, 3)
    return None if np.isnan(reference).all() else reference


def _resized(colors: Grid, rows: int, columns: int) -> Grid:
    """Colors of the same place on another grid: those of the nearest cells.

    A cut of more images often has a coarser one.
    """
    height, width = colors.shape[:2]
    row = (np.arange(rows) + 0.5) * height / rows
    column = (np.arange(columns) + 0.5) * width / columns
    return colors[np.ix_(row.astype(int), column.astype(int))]


class ColorChoice(Container):
    """How eigenvectors become colors."""

    def __init__(self) -> None:
        self.choice = ComboBox(
            label="Colors",
            choices=[(_TITLES.get(name, name), name) for name in COLORINGS],
            value="pca",
            tooltip="How eigenvectors become colors; alike places get alike colors.\n"
            + "\n".join(f"{_TITLES.get(name, name)}: {text}" for name, text in COLORINGS.items()),
        )
        super().__init__(widgets=[self.choice], labels=True)
        self.margins = (0, 0, 0, 0)
        self._kept = self.method

    @property
    def method(self) -> str:
        """One of `COLORINGS`."""
        return str(self.choice.value)

    def keep(self) -> None:
        """What is chosen is shown: that is what `take_back` goes back to."""
        self._kept = self.method

    def take_back(self, method: str | None = None) -> None:
        """Choose a method (default: the one that is shown), without telling anybody."""
        with self.choice.changed.blocked():
            self.choice.value = method or self._kept


class ColorLayers(QObject):
    """One RGB layer per image that shows eigenvectors, on the feature grid, laid on the image.

    Images keep their hues when others join or leave the cut. A cut of the same images as before
    is colored anew: what it shows does not depend on what was tried first.

    Signals
    -------
    recolored()
        What `recolor` was asked for is shown.
    failed(str)
        Why it cannot be; the user has been told.
    """

    recolored = Signal()
    failed = Signal(str)

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._colors: weakref.WeakKeyDictionary[Prepared, NodeColors] = weakref.WeakKeyDictionary()
        # What is shown, plane by plane: the next cut may go by it.
        self._planes: weakref.WeakKeyDictionary[Image, dict[Any, Grid]] = (
            weakref.WeakKeyDictionary()
        )
        self._shown: set[Any] = set()
        self._recolored: Prepared | None = None
        self._job = Job(self)
        self._job.finished.connect(self._on_colors)
        self._job.failed.connect(self.failed)
        self.release = self._job.close

    def of(self, prepared: Prepared) -> NDArray[np.float32] | None:
        """Colors (n_nodes, 3) that an embedding is shown in, None if it is not."""
        colors = self._colors.get(prepared)
        return None if colors is None else colors.values

    def before(self, sources: Sequence[Source]) -> list[Grid | None]:
        """The colors that each plane of a cut to come has now, see `color_steps`."""
        planes = [(source, key) for source in sources for key in _plane_keys(source)]
        if {(id(source.layer), key) for source, key in planes} == self._shown:
            return [None] * len(planes)
        return [
            None if source.layer is None else self._planes.get(source.layer, {}).get(key)
            for source, key in planes
        ]

    def show(self, prepared: Prepared, colors: NodeColors) -> None:
        """Add the layers of a new cut; they replace those of an old one of the same images."""
        self._job.cancel()
        self._recolored = None
        self._write(prepared, colors, in_place=False)

    def recolor(self, prepared: Prepared, method: str) -> None:
        """Show a cut in other colors, computed in a thread."""
        earlier = self._colors.get(prepared)
        before = [] if earlier is None else earlier.before
        self._recolored = prepared
        self._job.start(lambda: color_steps(prepared.embedding, method, before))

    def _on_colors(self, colors: NodeColors) -> None:
        prepared, self._recolored = self._recolored, None
        assert prepared is not None
        self._write(prepared, colors, in_place=True)
        self.recolored.emit()

    def _write(self, prepared: Prepared, colors: NodeColors, *, in_place: bool) -> None:
        embedding = prepared.embedding
        self._colors[prepared] = colors
        self._shown = set()
        bytes_ = (colors.values * 255 + 0.5).astype(np.uint8)
        for number, source in enumerate(prepared.sources):
            if source.layer is None or source.layer not in self._viewer.layers:
                continue
            keys = _plane_keys(source)
            self._shown |= {(id(source.layer), key) for key in keys}
            self._planes[source.layer] = {
                key: embedding.layout.grid_of(colors.values, plane)
                for key, plane in zip(keys, prepared.planes_of(number), strict=True)
            }
            name = f"{source.layer.name} eigenvectors"
            block = grid_block(prepared, number, bytes_)
            old = _find(self._viewer, name, "colors")
            if in_place and old is not None and old.data.shape == block.shape:
                old.data = block
                old.visible = True
                continue
            self._add(source, name, block, embedding, old)

    def _add(
        self, source: Source, name: str, block: NDArray, embedding: Embedding, old: Any
    ) -> None:
        if old is not None:
            self._viewer.layers.remove(old)
        self._viewer.add_image(
            block,
            rgb=True,
            name=free_name(self._viewer, name),
            interpolation2d="linear",
            opacity=0.6,
            # From the start, so that nobody takes the new layer for an image to be cut.
            metadata={"napari_ncut": {"role": "colors", "recipe": dict(embedding.recipe)}},
            **source.spatial(stride=embedding.stride),
        )


def _plane_keys(source: Source) -> list[Any]:
    """What each plane of a source is in its layer: level, place in the stack, rows, columns."""
    return [
        (
            source.level,
            *(
                (int(start), int(size)) if isinstance(index, slice) else int(start) + index
                for index, start, size in zip(
                    source.plane_key(place), source.starts, source.sizes, strict=True
                )
            ),
        )
        for place in range(source.n_planes)
    ]


def add_eigenvectors(viewer: ViewerModel, prepared: Prepared) -> None:
    """Add one layer per image with all eigenvectors along a slider of their own."""
    embedding = prepared.embedding
    for number, source in enumerate(prepared.sources):
        if source.layer is None or source.layer not in viewer.layers:
            continue
        name = f"{source.layer.name} each eigenvector"
        block = np.moveaxis(grid_block(prepared, number, embedding.vectors), -1, 0)
        if (old := _find(viewer, name, "eigenvectors")) is not None:
            viewer.layers.remove(old)
        viewer.add_image(
            np.ascontiguousarray(block),
            name=free_name(viewer, name),
            visible=False,
            metadata={"napari_ncut": {"role": "eigenvectors", "recipe": dict(embedding.recipe)}},
            **_with_leading_axis(source, source.spatial(stride=embedding.stride)),
        )


def grid_block(prepared: Prepared, number: int, values: NDArray) -> NDArray:
    """Values over all nodes (n_nodes, …) of one source: the layer's dimensions, and … behind."""
    layout, source = prepared.embedding.layout, prepared.sources[number]
    planes = prepared.planes_of(number)
    rows, columns = layout.grids[planes.start]
    shape = tuple(
        {"Y": rows, "X": columns}.get(name, size)
        for name, size in zip(source.names, source.shape, strict=True)
    )
    block = np.empty((*shape, *values.shape[1:]), dtype=values.dtype)
    transposed = source.names.index("Y") > source.names.index("X")
    for place, plane in enumerate(planes):
        grid = layout.grid_of(values, plane)
        block[source.plane_key(place)] = grid.swapaxes(0, 1) if transposed else grid
    return block


def _find(viewer: ViewerModel, name: str, role: str) -> Any:
    """The picture of an old cut that a new one replaces, None if there is none."""
    for layer in viewer.layers:
        if layer.name == name and layer.metadata.get("napari_ncut", {}).get("role") == role:
            return layer
    return None


def _with_leading_axis(source: Source, spatial: dict[str, Any]) -> dict[str, Any]:
    """A transform with one more dimension in front, which it leaves alone."""
    layer = source.layer
    assert layer is not None
    n = layer.ndim

    def pad(matrix: NDArray) -> NDArray:
        padded = np.eye(len(matrix) + 1)
        padded[1:, 1:] = matrix
        return padded

    result = {
        "scale": np.concatenate([[1.0], spatial["scale"]]),
        "translate": np.concatenate([[0.0], spatial["translate"]]),
        "rotate": pad(np.asarray(spatial["rotate"])) if n > 1 else spatial["rotate"],
        "shear": pad(shear_matrix(layer)),
        "affine": pad(np.asarray(spatial["affine"])),
    }
    if "units" in spatial:
        result["units"] = ("pixel", *spatial["units"])
        result["axis_labels"] = ("eigenvector", *spatial["axis_labels"])
    return result
