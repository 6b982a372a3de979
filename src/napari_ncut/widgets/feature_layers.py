"""Layers that show eigenvectors: as colors, and one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .layers import Source, free_name, shear_matrix

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from .session import Prepared


def add_colors(viewer: ViewerModel, prepared: Prepared) -> None:
    """Add one RGB layer per image, on the feature grid, laid on the image."""
    from ..spectral import eigenvector_colors

    embedding = prepared.embedding
    colors = (eigenvector_colors(embedding.vectors) * 255 + 0.5).astype(np.uint8)
    for number, source in enumerate(prepared.sources):
        if source.layer is None or source.layer not in viewer.layers:
            continue
        name = f"{source.layer.name} eigenvectors"
        block = _grid_block(prepared, number, source, colors)
        spatial = source.spatial(stride=embedding.stride)
        _remove_old(viewer, name, "colors")
        viewer.add_image(
            block,
            rgb=True,
            name=free_name(viewer, name),
            interpolation2d="linear",
            opacity=0.6,
            # From the start, so that nobody takes the new layer for an image to be cut.
            metadata={"napari_ncut": {"role": "colors", "recipe": dict(embedding.recipe)}},
            **spatial,
        )


def add_eigenvectors(viewer: ViewerModel, prepared: Prepared) -> None:
    """Add one layer per image with all eigenvectors along a slider of their own."""
    embedding = prepared.embedding
    for number, source in enumerate(prepared.sources):
        if source.layer is None or source.layer not in viewer.layers:
            continue
        name = f"{source.layer.name} each eigenvector"
        block = np.moveaxis(_grid_block(prepared, number, source, embedding.vectors), -1, 0)
        _remove_old(viewer, name, "eigenvectors")
        viewer.add_image(
            np.ascontiguousarray(block),
            name=free_name(viewer, name),
            visible=False,
            metadata={"napari_ncut": {"role": "eigenvectors", "recipe": dict(embedding.recipe)}},
            **_with_leading_axis(source, source.spatial(stride=embedding.stride)),
        )


def _grid_block(prepared: Prepared, number: int, source: Source, values: NDArray) -> NDArray:
    """Values over all nodes (n_nodes, c) as an array with the layer's dimensions, and c behind."""
    layout = prepared.embedding.layout
    planes = prepared.planes_of(number)
    rows, columns = layout.grids[planes.start]
    shape = tuple(
        {"Y": rows, "X": columns}.get(name, size)
        for name, size in zip(source.names, source.shape, strict=True)
    )
    block = np.empty((*shape, values.shape[-1]), dtype=values.dtype)
    transposed = source.names.index("Y") > source.names.index("X")
    for place, plane in enumerate(planes):
        grid = layout.grid_of(values, plane)
        block[source.plane_key(place)] = grid.swapaxes(0, 1) if transposed else grid
    return block


def _remove_old(viewer: ViewerModel, name: str, role: str) -> None:
    """A new cut replaces the picture of the old one."""
    for layer in list(viewer.layers):
        if layer.name == name and layer.metadata.get("napari_ncut", {}).get("role") == role:
            viewer.layers.remove(layer)


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
