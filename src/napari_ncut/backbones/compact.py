"""`compact`: our own small network, whose weights come with the package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cache import ContentCache, content_key
from ..errors import InputError
from ..imaging import block_mean, enlarge
from .compact_weights import read_weights, weights_path
from .entry import BackboneEntry
from .geometry import mirrored

Image = NDArray[np.float32]

# Pixels of a side of what the network sees at once, and those at its borders that are not used:
# about 1 GB of memory, and so much context that little hangs on more of it.
_TILE = 2048
_MARGIN = 256
# Mirrored pixels around a plane, at least and at most: without them the borders of the plane would
# show in all maps. Larger planes have fewer, so that none has much more to be looked at for them,
# and small ones no more than they are large.
_BORDER = (64, 128)
_BORDER_AREA = 2**16
# The coarsest cells, on which all tiles begin.
_COARSEST = 32

# Of maps that are kept: those of five megapixels, of 137.5 bytes a pixel.
_KEPT_BYTES = 5 * 2**20 * 137.5

# Maps of each node, finest first: what they are called, and pixels of a cell.
PYRAMID_STRIDES = (2, 4, 8, 16)


@dataclass(frozen=True)
class PlaneMaps:
    """What the network says of a plane (h, w).

    Attributes
    ----------
    boundary : float32 array (h, w)
        Probability, 0 to 1, of a boundary between segments. See `regions` for calibrated ones.
    segment, kind : float32 array (ceil(h/2), ceil(w/2), d)
        Embeddings: two pixels at a squared distance s are of one segment, of one kind, with
        probability sigmoid(offset - s). Half of the numbers are from the plane at half its
        resolution.
    pyramid : tuple of float32 arrays (ceil(h/s), ceil(w/s), d)
        Features at strides s of 2, 4, 8 and 16 pixels.
    offsets : (float, float)
        Of `segment` and `kind`.
    """

    boundary: Image
    segment: Image
    kind: Image
    pyramid: tuple[Image, ...]
    offsets: tuple[float, float]

    @property
    def size(self) -> int:
        """Bytes of all maps."""
        maps = (self.boundary, self.segment, self.kind, *self.pyramid)
        return sum(one.nbytes for one in maps)


class Compact:
    """The embedded network as a backbone, and as the source of boundaries and embeddings.

    Parameters
    ----------
    entry
        The registry's entry; None for maps alone.
    layers
        One of 0 to 3: of node "pyramid" the levels up to it are concatenated; embeddings have no
        levels.
    node
        "kind", "segment" or "pyramid".
    stride
        Pixels per cell or None.
    checkpoint
        Weights of another training in place of those that come with the package.
    device
        Where to compute.

    Attributes
    ----------
    weights : (str, str)
        Their file and the device: what is made with the same ones is the same.
    """

    name = "compact"

    def __init__(
        self,
        entry: BackboneEntry | None = None,
        *,
        layers: tuple[int, ...] = (3,),
        node: str = "kind",
        stride: int | None = None,
        checkpoint: str | Path | None = None,
        device: str | None = None,
    ) -> None:
        from ..devices import choose_device

        self.stride = stride
        self.options: dict[str, Any] = {}
        self._n_levels, self._node = max(layers) + 1, node
        self._device = choose_device(device)
        self.weights = (str(checkpoint or weights_path()), self._device)
        self._network, self._kept = _loaded(*self.weights)

    def maps(self, plane: Image, *, keep: bool = True) -> PlaneMaps:
        """Boundaries, embeddings and features of a plane (h, w, c) in [0, 1].

        Those of the last few planes are kept: a cut and the clicks that follow need them both.
        Do not `keep` those that are needed once.
        """
        if not keep:
            return self._new_maps(plane)
        return self._kept.get(content_key(plane), lambda: self._new_maps(plane))

    def _new_maps(self, plane: Image) -> PlaneMaps:
        height, width = plane.shape[:2]
        plane = _as_color(plane)
        maps: list[Image] | None = None
        strides = (1, 2, 2, *PYRAMID_STRIDES)
        for inside, outside in _tiles(height, width):
            found = self._tile(plane, outside)
            if maps is None:
                shapes = [(-(-height // s), -(-width // s)) for s in strides]
                maps = [
                    np.empty((*shape, part.shape[-1]), np.float32)
                    for shape, part in zip(shapes, found, strict=True)
                ]
            for stride, whole, part in zip(strides, maps, found, strict=True):
                target = tuple(
                    slice(first // stride, -(-min(last, size) // stride))
                    for (first, last), size in zip(inside, (height, width), strict=True)
                )
                source = tuple(
                    slice(t.start - first // stride, t.stop - first // stride)
                    for t, (first, _) in zip(target, outside, strict=True)
                )
                whole[target] = part[source]
        assert maps is not None  # a plane has pixels
        offsets = self._network.offsets.detach().float().cpu().tolist()
        return PlaneMaps(
            maps[0][..., 0], maps[1], maps[2], tuple(maps[3:]), (offsets[0], offsets[1])
        )

    def _tile(self, plane: Image, outside: tuple[tuple[int, int], ...]) -> list[Image]:
        import torch

        rows, columns = (
            mirrored(first, last, size)
            for (first, last), size in zip(outside, plane.shape[:2], strict=True)
        )
        tensor = torch.from_numpy(plane[rows][:, columns].transpose(2, 0, 1)[np.newaxis].copy())
        tensor = tensor.to(self._device).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            found = self._network(tensor)
            tensors = [found.boundary.sigmoid(), found.segment, found.kind, *found.pyramid]
            return [part[0].permute(1, 2, 0).float().cpu().numpy() for part in tensors]

    def features(self, planes: list[Image], stride: int) -> list[Image]:
        """Feature maps (ceil(h / stride), ceil(w / stride), d), float32, of planes (h, w, c)."""
        return [self._plane_features(plane, stride) for plane in planes]

    def _plane_features(self, plane: Image, stride: int) -> Image:
        return self.grid_features(self.maps(plane), stride, plane.shape[:2])

    def grid_features(self, maps: PlaneMaps, stride: int, shape: tuple[int, ...]) -> Image:
        """`features` of a plane of that shape (h, w), of which the maps are known."""
        if self._node == "pyramid":
            chosen = list(zip(maps.pyramid, PYRAMID_STRIDES, strict=True))[: self._n_levels]
        else:
            chosen = [(maps.segment if self._node == "segment" else maps.kind, 2)]
        return np.concatenate(
            [_to_grid(found, factor, stride, shape) for found, factor in chosen], axis=-1
        )


@lru_cache(maxsize=2)
def _loaded(path: str, device: str) -> tuple[Any, ContentCache[PlaneMaps]]:
    """The network with its weights, and the maps that it made last."""
    import torch

    from .compact_network import CompactNetwork

    network = CompactNetwork().fold()
    weights = read_weights(path)
    shapes, given = (
        {name: value.shape for name, value in one.items()}
        for one in (network.state_dict(), weights)
    )
    if shapes != given:
        differ = sorted(name for name, _ in shapes.items() ^ given.items())
        raise InputError(
            f"{path} is not of this version's network: {len(differ)} of its arrays are missing or "
            f"of other shapes, {differ[0]} first. Give a file that this version's training wrote "
            "(python -m napari_ncut.training.compact), or none for the package's own."
        )
    network.load_state_dict(weights)
    network = network.to(device).to(memory_format=torch.channels_last).eval()
    return network, ContentCache(_KEPT_BYTES, lambda maps: maps.size)


def _as_color(plane: Image) -> Image:
    """Three channels: color as it is, one repeated, more of them mixed."""
    if plane.shape[-1] == 3:
        return plane
    return np.repeat(plane.mean(axis=-1, keepdims=True, dtype=np.float32), 3, axis=-1)


def _tiles(
    height: int, width: int
) -> list[tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]]:
    """Rows and columns to fill, and those to look at for it, which may lie beyond the plane."""
    axes = []
    for size in (height, width):
        step = _TILE - 2 * _MARGIN
        whole = -(-size // _COARSEST) * _COARSEST
        if whole <= _TILE:
            border = _border(size)
            axes.append([((0, size), (-border, whole + border))])
            continue
        count = -(-size // step)
        length = -(-size // (count * _COARSEST)) * _COARSEST
        axes.append(
            [
                (
                    (first, min(first + length, size)),
                    (first - _MARGIN, first + length + _MARGIN),
                )
                for first in range(0, size, length)
            ]
        )
    return [
        ((rows[0], columns[0]), (rows[1], columns[1])) for rows in axes[0] for columns in axes[1]
    ]


def _border(size: int) -> int:
    """Mirrored pixels before and after a side of so many."""
    border = int(np.clip(_BORDER_AREA / size, *_BORDER))
    return _COARSEST * min(round(border / _COARSEST), -(-size // _COARSEST))


def _to_grid(maps: Image, factor: int, stride: int, shape: tuple[int, ...]) -> Image:
    """Bring maps of cells of `factor` pixels to the grid of `stride` for a plane of `shape`."""
    if stride >= factor:
        return block_mean(maps, stride // factor)
    grid = (-(-shape[0] // stride), -(-shape[1] // stride))
    return enlarge(maps, factor // stride, grid)
