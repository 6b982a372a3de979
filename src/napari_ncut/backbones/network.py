"""Features of a network: batches, resolutions, tiles, devices and memory, whatever its family."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..devices import autocast, check_precision, choose_device, is_out_of_memory, release_memory
from ..errors import InputError, check_choice
from .entry import BackboneEntry, Shapes
from .families import family_of
from .families.loading import weights_of
from .geometry import shifts, windows
from .normalization import Normalization
from .tensors import gather, match_channels, sample

if TYPE_CHECKING:
    from torch import Tensor, nn

Image = NDArray[np.float32]
Refine = Literal["shift", "dense"]
REFINEMENTS: Mapping[str, str] = {
    "shift": "passes over the image shifted by parts of a cell, whose cells interleave",
    "dense": "one pass with overlapping patches: all cells attend to each other",
}
# More passes than 8 × 8 gain nothing that enlarging the grid would not.
_FINEST = 8
# Megapixels that are handed to a network at once, if nobody says how many planes: enough to keep a
# processor busy, or a GPU. Memory that is smaller shows itself, and the batch is halved.
_BATCH = {"cpu": 0.5, "cuda": 8.0, "mps": 2.0}
_LARGEST_BATCH = 32
# An image of this side is large enough for any network.
_SMALLEST = 256
# Smaller tiles would show a network too little to tell what it sees; a processor is better then.
_SMALLEST_TILE = 256
# Tiles overlap by this share of their side, and fade into each other there.
_OVERLAP = 0.25


class Network(Protocol):
    """What a family's loader makes: a network whose layers can be read.

    Attributes
    ----------
    module : torch.nn.Module
        In evaluation mode, without gradients.
    normalization : Normalization
        Of intensities in [0, 1].
    n_channels : int
        Channels of its input.
    unit : int
        Its input's rows and columns must be multiples of this.
    padding : "mirror" or "zero"
        What fills its canvas around a smaller image; "zero" is after normalization.
    """

    module: nn.Module
    normalization: Normalization
    n_channels: int
    unit: int
    padding: str

    def maps(self, batch: Tensor, layers: Sequence[int], node: str) -> list[Tensor]:
        """Maps (n, d, rows, columns), one for each layer, of a normalized batch (n, c, h, w)."""
        ...

    def densify(self, stride: int) -> bool:
        """Let patches overlap so that cells are `stride` pixels apart; whether that can be had."""
        ...


class NetworkBackbone:
    """A network as a backbone.

    Parameters
    ----------
    entry
        The registry's entry.
    layers, node
        Indices of the layers, whose features are concatenated, and the node type.
    stride
        Pixels per cell; None for the network's own, or a coarser one for large images.
    refine
        How a stride finer than the network's own is reached, see `REFINEMENTS`.
    checkpoint
        File of weights; None for those that are installed.
    device, precision
        See `load_backbone`.
    normalization, architecture
        In place of the entry's own; see `load_backbone`.
    """

    def __init__(
        self,
        entry: BackboneEntry,
        *,
        layers: tuple[int, ...],
        node: str,
        stride: int | None = None,
        refine: str = "shift",
        checkpoint: str | None = None,
        device: str | None = None,
        precision: str = "auto",
        normalization: Normalization | None = None,
        architecture: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = entry.name
        self.stride = stride
        self.preparation = entry.preparation
        self.options: dict[str, Any] = {}
        self._entry = entry
        self._layers = layers
        self._node = node
        self._refine = check_choice("refinement", refine, REFINEMENTS)
        self._precision = check_precision(precision)
        self._device = choose_device(device, ("cuda", "mps"))
        # Cells per side of a tile; shrinks where memory does not suffice.
        self._tile: int | None = entry.canvas // self._native if entry.canvas else None
        self._batch_limit = _LARGEST_BATCH
        # Before the network is built, which takes seconds: without weights that is for nothing.
        weights = weights_of(entry, checkpoint)
        self.network: Network = family_of(entry.name).load(
            entry, weights, architecture=dict(architecture or {})
        )
        if normalization is not None:
            self.network.normalization = normalization
        self.network.module.eval().requires_grad_(False).to(self._device)
        if stride is not None:
            self._check_refinement(stride)

    # ----------------------------------------------------------------------------------- planning

    @property
    def device(self) -> str:
        """Where it computes now: it moves to the processor where a GPU's memory is too small."""
        return self._device

    @property
    def _native(self) -> int:
        """The stride of the finest layer, in pixels of the network's input."""
        return min(self._entry.strides[i] for i in self._layers)

    @cached_property
    def _smallest(self) -> int:
        """Side of the smallest square that the network takes: unpadded convolutions use some up."""
        import torch

        side = self.network.unit
        while True:
            image = torch.zeros(1, self.network.n_channels, side, side, device=self._device)
            try:
                with torch.inference_mode():
                    self.network.maps(image, self._layers, self._node)
                return side
            except RuntimeError as error:
                if is_out_of_memory(error) or side >= _SMALLEST:
                    raise
            side += self.network.unit

    def stride_for(self, shapes: Shapes) -> int:
        """Pixels per cell of the feature grids of planes (h, w)."""
        shapes = tuple(shapes)
        stride = self._entry.choose_stride(shapes, self._layers, self.stride)
        self._split(stride, max(map(max, shapes)))
        return stride

    def batch_size_for(self, shapes: Sequence[tuple[int, int]], stride: int) -> int:
        """How many planes (h, w) to hand over at once if nobody says it."""
        if self._entry.canvas:
            pixels = float(self._entry.canvas**2)
        else:
            scale = self._native / self._split(stride, max(map(max, shapes)))[0]
            pixels = max(h * w for h, w in shapes) * min(scale, 1.0) ** 2
        limit = _BATCH.get(self._device.partition(":")[0], _BATCH["cpu"])
        return int(np.clip(limit * 1e6 / max(pixels, 1), 1, _LARGEST_BATCH))

    def passes(self, stride: int, shapes: Shapes) -> int:
        """How often the network runs over a plane."""
        factor = self._split(stride, max(max(shape) for shape in shapes))[1]
        return 1 if self._refine == "dense" else factor**2

    def _split(self, stride: int, longest: int) -> tuple[int, int]:
        """Pixels of the plane per native cell, and into how many that cell is split per axis."""
        if self._entry.fits_canvas:
            least = -(-longest // (self._entry.canvas // self._native))
        else:
            least = self._native
        factor = max(1, -(-least // stride))
        if factor > _FINEST:
            raise InputError(
                f"Stride {stride} of {self.name} would take {factor**2} passes over every image. "
                f"Give {-(-least // _FINEST)} or more."
            )
        return stride * factor, factor

    def _check_refinement(self, stride: int) -> None:
        if self._entry.fits_canvas:
            if self._refine == "dense":
                raise InputError(
                    f'{self.name} has a fixed number of patches, so refine="dense" cannot be used. '
                    f'Give refine="shift".'
                )
            return
        factor = self._split(stride, 0)[1]
        if factor > 1 and self._refine == "dense" and not self.network.densify(stride):
            raise InputError(
                f'{self.name} has no patches that could overlap, so refine="dense" cannot be '
                f'used. Give refine="shift".'
            )

    # ----------------------------------------------------------------------------------- features

    def features(self, planes: list[Image], stride: int) -> list[Image]:
        """Feature maps (ceil(h / stride), ceil(w / stride), d), float32, of planes (h, w, c)."""
        steps = self.feature_steps(planes, stride)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                result: list[Image] = end.value
                return result

    def feature_steps(self, planes: list[Image], stride: int) -> Generator[int, None, list[Image]]:
        """`features` as a generator: yields, before each pass, the number of planes it is for."""
        result: list[Image] = []
        for _, alike in groupby(planes, key=lambda plane: plane.shape):
            group = list(alike)
            while group:
                batch = group[: self._batch_limit]
                group = group[len(batch) :]
                result += yield from self._within_memory(batch, stride)
        return result

    def _within_memory(self, planes: list[Image], stride: int) -> Generator[int, None, list[Image]]:
        """Features of alike planes; short of memory, of fewer, in tiles, or on the CPU."""
        while True:
            try:
                return (yield from self._grids(planes, stride))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                shortage = str(error).splitlines()[0] if str(error) else type(error).__name__
            # Out of the handler, so that the traceback no longer holds on to tensors.
            release_memory(self._device)
            if len(planes) > 1:
                half = len(planes) // 2
                self._batch_limit = half
                first = yield from self._within_memory(planes[:half], stride)
                return first + (yield from self._within_memory(planes[half:], stride))
            self._use_less(planes[0], stride, shortage)

    def _use_less(self, plane: Image, stride: int, shortage: str) -> None:
        """Smaller tiles, or else the processor; an `InputError` where neither is left."""
        pixels = self._split(stride, max(plane.shape[:2]))[0]
        cells = -(-max(plane.shape[:2]) // pixels)
        side = min(self._tile or cells, cells)
        least = max(self.network.unit, _SMALLEST_TILE) // self._native
        if not self._entry.canvas and side > least:
            self._tile = max(side // 2, least)
            warnings.warn(
                f"{self.name}: memory does not suffice for planes of {plane.shape[0]} × "
                f"{plane.shape[1]} pixels, so they are cut into tiles of {self._tile * pixels}.",
                stacklevel=2,
            )
        elif self._device != "cpu":
            warnings.warn(
                f"{self.name}: the memory of {self._device} does not suffice ({shortage}); "
                f"computing on the CPU, which takes longer.",
                stacklevel=2,
            )
            self._device = "cpu"
            self._batch_limit = _LARGEST_BATCH
            self._tile = self._entry.canvas // self._native if self._entry.canvas else None
            self.network.module.to("cpu")
        else:
            raise InputError(
                f"{self.name} needs more memory than there is, even for one plane of "
                f"{plane.shape[0]} × {plane.shape[1]} pixels in tiles ({shortage}). Choose a "
                f"region, a smaller network, or close other programs."
            )

    def _grids(self, planes: list[Image], stride: int) -> Generator[int, None, list[Image]]:
        """Feature maps of planes of one shape, on the grid of `stride`."""
        import torch

        height, width = planes[0].shape[:2]
        pixels, factor = self._split(stride, max(height, width))
        grid = (-(-height // stride), -(-width // stride))
        coarse = (-(-height // pixels), -(-width // pixels))
        result: Image | None = None
        # Never across a yield: whoever drives these steps must not find the mode switched.
        with torch.inference_mode():
            batch = self._input(planes, pixels)
        dense = self._refine == "dense" and factor > 1
        split = 1 if dense else factor
        begins = [0] if dense else shifts(self._native, factor)
        for down, top in enumerate(begins):
            for across, left in enumerate(begins):
                yield len(planes)
                with torch.inference_mode():
                    maps = self._pass(batch, coarse, (top, left), factor if dense else 1)
                    values = maps.permute(0, 2, 3, 1).cpu().numpy()
                if result is None:
                    shape = [n * factor for n in coarse]
                    result = np.empty((len(planes), *shape, values.shape[-1]), dtype=np.float32)
                result[:, down::split, across::split] = values
        assert result is not None  # there is always a pass
        return [one[: grid[0], : grid[1]] for one in result]

    def _input(self, planes: list[Image], pixels: int) -> Tensor:
        """Planes as a tensor (n, channels, h, w) in [0, 1], resized so that cells fit the network.

        `pixels` of a plane become one native cell. What a last, incomplete cell lacks is mirrored.
        """
        import torch
        import torch.nn.functional as F

        matched = np.stack([match_channels(plane, self.network.n_channels) for plane in planes])
        batch = torch.from_numpy(matched).to(self._device).permute(0, 3, 1, 2)
        if pixels == self._native:
            return batch
        rows, columns = (-(-n // pixels) for n in batch.shape[2:])
        batch = gather(batch, (0, rows * pixels), (0, columns * pixels))
        size = (rows * self._native, columns * self._native)
        return F.interpolate(batch, size, mode="bilinear", antialias=True, align_corners=False)

    def _pass(
        self, batch: Tensor, cells: tuple[int, int], begin: tuple[int, int], factor: int
    ) -> Tensor:
        """One run over all tiles: (n, d, rows · factor, columns · factor) of `cells`."""
        # The coarsest layer's cells must not fall differently in each tile.
        step = max(self._entry.strides[i] for i in self._layers) // self._native
        tiles = [self._tile or n for n in cells]
        down, across = (
            list(windows(n, tile, int(tile * _OVERLAP), step))
            for n, tile in zip(cells, tiles, strict=True)
        )
        if len(down) == len(across) == 1:
            return self._window(batch, (0, cells[0]), (0, cells[1]), begin, factor)
        import torch

        total: Any = None
        weight = torch.zeros([n * factor for n in cells], device=batch.device)
        for y in down:
            for x in across:
                maps = self._window(batch, (y.first, y.last), (x.first, x.last), begin, factor)
                fade = torch.from_numpy(
                    np.repeat(y.weights, factor)[:, None] * np.repeat(x.weights, factor)
                ).to(batch.device)
                if total is None:
                    total = maps.new_zeros(*maps.shape[:2], *weight.shape, dtype=torch.float32)
                place = (
                    slice(y.first * factor, y.last * factor),
                    slice(x.first * factor, x.last * factor),
                )
                total[(..., *place)] += maps * fade
                weight[place] += fade
        return total / weight

    def _window(
        self,
        batch: Tensor,
        down: tuple[int, int],
        across: tuple[int, int],
        begin: tuple[int, int],
        factor: int,
    ) -> Tensor:
        """Features of the cells `down` × `across`, layers concatenated, at the native stride."""
        import torch
        import torch.nn.functional as F

        native, unit = self._native, self.network.unit
        spans, valid = [], []
        for (first, last), offset in zip((down, across), begin, strict=True):
            start = first * native + offset
            length = (last - first) * native
            if factor > 1:  # overlapping patches: the first cell's patch reaches out
                start -= (native - native // factor) // 2
                length += native - native // factor
            valid.append(length)
            length = self._entry.canvas or max(-(-length // unit) * unit, self._smallest)
            spans.append((start, start + length))
        if self.network.padding == "zero":
            inside = [(a, a + n) for (a, _), n in zip(spans, valid, strict=True)]
            given = self.network.normalization(gather(batch, *inside))
            missing = [b - a - n for (a, b), n in zip(spans, valid, strict=True)]
            given = F.pad(given, (0, missing[1], 0, missing[0]))
        else:
            given = self.network.normalization(gather(batch, *spans))
        with autocast(self._device, self._precision):
            maps = self.network.maps(given, self._layers, self._node)
        wanted = ((down[1] - down[0]) * factor, (across[1] - across[0]) * factor)
        parts = []
        for layer, values in zip(self._layers, maps, strict=True):
            if factor == 1:
                for axis in (2, 3):
                    values = sample(
                        values, axis, self._entry.strides[layer], wanted[axis - 2], native,
                        given.shape[axis],
                    )  # fmt: skip
            parts.append(values[:, :, : wanted[0], : wanted[1]].float())
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]
