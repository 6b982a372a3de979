"""Gradients on a CUDA device without the time that it takes to ask for each small operation.

A step of a small network is some thousand kernels, and asking for them takes longer than computing
them. They are recorded once for each shape of batch, as a CUDA graph, and replayed from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .batches import Batch

Parts = dict[str, Tensor]

# Steps before a recording: libraries choose their algorithms in the first ones.
_WARM_UP = 3


@dataclass(frozen=True)
class _Recording:
    graph: torch.cuda.CUDAGraph
    batch: Batch
    parts: Parts


class Replay:
    """Adds gradients to those there are, as `gradients` does, and returns the parts of the loss."""

    def __init__(
        self, gradients: Callable[[Batch], Parts], parameters: Iterable[nn.Parameter]
    ) -> None:
        self._gradients = gradients
        self._recordings: dict[torch.Size, _Recording] = {}
        self._sums: list[Tensor] = []
        for parameter in parameters:
            # Recordings write where gradients lie now.
            parameter.grad = torch.zeros_like(parameter)
            self._sums.append(parameter.grad)

    def __call__(self, batch: Batch) -> Parts:
        """Add the gradients of a batch."""
        shape = batch.images.shape
        if shape not in self._recordings:
            self._recordings[shape] = self._recorded(batch)
        recording = self._recordings[shape]
        for here, there in zip(batch.tensors(), recording.batch.tensors(), strict=True):
            there.copy_(here, non_blocking=True)
        recording.graph.replay()
        return {name: part.clone() for name, part in recording.parts.items()}

    def _recorded(self, batch: Batch) -> _Recording:
        batch = batch.clone()
        before = [one.clone() for one in self._sums]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP):
                self._gradients(batch)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            parts = self._gradients(batch)
        torch._foreach_copy_(self._sums, before)
        return _Recording(graph, batch, parts)
