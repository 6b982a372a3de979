"""What is measured in masks: feature maps averaged over the pixels that they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..errors import InputError, check_choice
from ..imaging import PlaneLayout, Planes
from ..progress import Progress, Steps
from .mask_set import MaskSet

if TYPE_CHECKING:
    from ..backbones import Backbone, FeatureMaps
    from ..spectral import Embedding

Matrix = NDArray[np.float32]

DESCRIPTORS: dict[str, str] = {
    "compact": "kinds and features of the embedded network: needs nothing, knows what is alike",
    "kind": "the embedded network's kinds alone: few numbers, trained to tell kinds apart",
    "eigenvectors": "eigenvectors of the cut of the embedded network's kinds",
}
# Eigenvectors that describe a mask.
_N_EIGENVECTORS = 20


@dataclass(frozen=True)
class Block:
    """Columns of descriptors that come from one place.

    Attributes
    ----------
    name : str
    values : float32 array (n, d)
        Means over every mask; 0 of a mask without pixels.
    unit : float
        The distance at which two things are as likely of one kind as not, if that is known: such
        columns are not whitened. 0 where it is not.
    """

    name: str
    values: Matrix
    unit: float = 0.0


@dataclass(frozen=True)
class Pooled:
    """What was measured in masks, before it is brought to comparable units.

    Attributes
    ----------
    blocks : tuple of Block
    areas : int64 array (n,)
        Pixels.
    colors : float32 array (n, c)
        Mean Lab color in units of the lightness range, or mean of the channels.
    """

    blocks: tuple[Block, ...] = field(repr=False)
    areas: NDArray[np.int64] = field(repr=False)
    colors: Matrix = field(repr=False)

    def __len__(self) -> int:
        return len(self.areas)

    def rows(self, chosen: NDArray) -> Pooled:
        """Those of given numbers, or where a bool array is True."""
        blocks = [Block(b.name, b.values[chosen], b.unit) for b in self.blocks]
        return Pooled(tuple(blocks), self.areas[chosen], self.colors[chosen])


def cell_shares(masks: MaskSet, stride: int) -> sparse.csr_array:
    """The share of every mask's pixels in every cell, rows first: (n, cells), rows summing to 1.

    Every pixel counts once, so that a mask smaller than a cell has that cell's features, and cells
    that it only touches count little. A mask without pixels has a row of zeros.
    """
    height, width = masks.shape
    grid = -(-height // stride), -(-width // stride)
    pixels = masks.membership()
    rows, columns = np.divmod(pixels.indices, width)
    cells = (rows // stride) * grid[1] + columns // stride
    counts = sparse.csr_array(
        (np.ones(len(cells)), cells, pixels.indptr), shape=(len(masks), grid[0] * grid[1])
    )
    counts.sum_duplicates()
    lengths = np.diff(counts.indptr)
    counts.data /= np.repeat(np.maximum(masks.areas, 1), lengths)
    return counts


def pool_features(maps: Matrix, masks: MaskSet, stride: int) -> Matrix:
    """Mean over every mask of the features of its pixels.

    Parameters
    ----------
    maps
        Features (ceil(h / stride), ceil(w / stride), d) of the masks' plane (h, w).
    masks
        n masks.
    stride
        Pixels per cell of the maps.

    Returns
    -------
    float32 array (n, d)
        Equal to the mean over pixels of the map enlarged to them by repetition; 0 of a mask
        without pixels.

    Raises
    ------
    InputError
        If the maps are not of that plane.
    """
    height, width = masks.shape
    grid = (-(-height // stride), -(-width // stride))
    if maps.shape[:2] != grid:
        raise InputError(
            f"Maps of {maps.shape[0]} × {maps.shape[1]} cells do not fit masks of {height} × "
            f"{width} pixels at a stride of {stride}, which takes {grid[0]} × {grid[1]}. Give "
            f"features of the same plane."
        )
    flat = maps.reshape(grid[0] * grid[1], maps.shape[-1])
    return (cell_shares(masks, stride) @ flat).astype(np.float32)


# ----------------------------------------------------------------------------------------- pooling


def pooled_steps(
    planes: Planes,
    masks: Sequence[MaskSet],
    descriptor: str | Backbone | FeatureMaps | Embedding,
    *,
    device: str | None = None,
    random_state: int = 0,
) -> Steps[Pooled]:
    """Measure masks, plane after plane, as a generator of progress.

    Parameters
    ----------
    planes, masks
        Planes and the masks of each.
    descriptor
        What `ready_descriptor` gave.
    device
        Where networks compute.
    random_state
        Of eigenvectors.
    """
    blocks: tuple[Block, ...]
    if isinstance(descriptor, str) and descriptor in ("compact", "kind"):
        blocks = yield from _compact_steps(planes, masks, descriptor, device)
    elif isinstance(descriptor, str) and descriptor == "eigenvectors":
        embedding = yield from _cut_steps(planes, device, random_state)
        blocks = _eigenvector_blocks(embedding, masks)
    elif _is_embedding(descriptor):
        blocks = _eigenvector_blocks(descriptor, masks)
    else:
        features = yield from _feature_steps(planes, descriptor)
        blocks = (_block("features", features.values, features.layout, masks),)
    areas = np.concatenate([one.areas for one in masks])
    return Pooled(blocks, areas, _colors(planes, masks))


def _compact_steps(
    planes: Planes, masks: Sequence[MaskSet], descriptor: str, device: str | None
) -> Steps[tuple[Block, ...]]:
    from ..backbones.compact import PYRAMID_STRIDES, Compact

    network = Compact(device=device)
    kinds, pyramids, unit = [], [], 1.0
    for i, one in enumerate(masks):
        yield Progress("descriptors", i, len(masks))
        maps = network.maps(planes[i])
        unit = float(maps.offsets[1]) ** 0.5
        kinds.append(pool_features(maps.kind, one, 2))
        if descriptor == "compact":
            levels = zip(maps.pyramid, PYRAMID_STRIDES, strict=True)
            pooled = [pool_features(level, one, stride) for level, stride in levels]
            pyramids.append(np.concatenate(pooled, axis=1))
    yield Progress("descriptors", len(masks), len(masks))
    blocks = [Block("kind", np.concatenate(kinds), unit)]
    if pyramids:
        blocks.append(Block("pyramid", np.concatenate(pyramids)))
    return tuple(blocks)


def _cut_steps(planes: Planes, device: str | None, random_state: int) -> Steps[Embedding]:
    """The cut of the planes as they are read already: in [0, 1], channels last.

    Of the embedding of kinds: that of boundaries would sort masks by where they lie.
    """
    from ..spectral.pipeline import embed_steps

    images = [planes[i] for i in range(len(planes))]
    return (
        yield from embed_steps(
            images,
            axes="YXC",
            channels="all",
            scaling=(0.0, 1.0),
            node="kind",
            n_components=_N_EIGENVECTORS,
            accuracy="fast",
            device=device,
            random_state=random_state,
        )
    )


def _eigenvector_blocks(embedding: Embedding, masks: Sequence[MaskSet]) -> tuple[Block, ...]:
    # Unit rows, since the length of a node's row tells of its degree and not of what it is.
    return (_block("eigenvectors", embedding.unit_vectors, embedding.layout, masks),)


def _feature_steps(planes: Planes, descriptor: Any) -> Steps[FeatureMaps]:
    from ..backbones import FeatureMaps
    from ..backbones.extract import extract_steps

    if isinstance(descriptor, FeatureMaps):
        return descriptor
    features: FeatureMaps = yield from extract_steps(planes, descriptor)
    return features


def _block(name: str, values: Matrix, layout: PlaneLayout, masks: Sequence[MaskSet]) -> Block:
    pooled = [
        pool_features(layout.grid_of(values, i), one, layout.stride) for i, one in enumerate(masks)
    ]
    return Block(name, np.concatenate(pooled))


def _check_layout(layout: PlaneLayout, planes: Planes) -> None:
    if layout.shapes != planes.shapes:
        raise InputError(
            f"The descriptor was computed for planes of {list(layout.shapes)} pixels, but the "
            f"images have {list(planes.shapes)}. Give features of the same images."
        )


def _colors(planes: Planes, masks: Sequence[MaskSet]) -> Matrix:
    from ..backbones.filterbank import perceptual

    pooled = [pool_features(perceptual(planes[i]), one, 1) for i, one in enumerate(masks)]
    return np.concatenate(pooled)


def _is_embedding(descriptor: Any) -> TypeGuard[Embedding]:
    # By what it has, since its module brings scikit-learn along.
    return hasattr(descriptor, "unit_vectors")


def ready_descriptor(
    descriptor: str | Backbone | FeatureMaps | Embedding, planes: Planes, device: str | None = None
) -> str | Backbone | FeatureMaps | Embedding:
    """A descriptor that can be used: of names that are no `DESCRIPTORS` the backbone, loaded.

    Raises
    ------
    InputError
        If there is no such descriptor, its weights are missing, or it is of other images.
    """
    from ..backbones import FeatureMaps, backbone_entry, list_backbones, load_backbone

    if isinstance(descriptor, str):
        if descriptor in DESCRIPTORS:
            return descriptor
        if ":" not in descriptor:
            check_choice("descriptor", descriptor, [*DESCRIPTORS, *list_backbones()])
        backbone_entry(descriptor)
        return load_backbone(descriptor, device=device)
    if isinstance(descriptor, FeatureMaps) or _is_embedding(descriptor):
        _check_layout(descriptor.layout, planes)
    elif not hasattr(descriptor, "features"):
        raise InputError(
            f"The descriptor {descriptor!r} cannot be used. Give one of: "
            f"{', '.join([*DESCRIPTORS, *list_backbones()])}; or features, an embedding or a "
            f"backbone."
        )
    return descriptor
