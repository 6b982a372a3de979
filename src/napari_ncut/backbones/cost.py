"""What a forward pass takes, counted without computing it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cost:
    """Work and memory of a network as functions of p megapixels of input.

    Attributes
    ----------
    linear, quadratic : float
        linear · p + quadratic · p² billions (10⁹) of floating-point operations; the second from
        attention among all tokens.
    memory : float
        Bytes of activations per megapixel, at the peak.
    """

    linear: float
    quadratic: float = 0.0
    memory: float = 0.0

    def operations(self, megapixels: float) -> float:
        """Billions of floating-point operations of one image."""
        return self.linear * megapixels + self.quadratic * megapixels**2


def count_cost(run: Callable[[Any], object], side: int, *, fixed: bool = False) -> Cost:
    """Count work and memory of `run`, whose network lies on the device "meta".

    Parameters
    ----------
    run
        Called with a batch of one image (1, 3, side, side).
    side
        Pixels of the smaller of the two images that are tried.
    fixed
        Whether the network takes images of this size only.
    """
    small, near, memory = _count(run, side)
    p = side * side / 1e6
    if fixed:
        return Cost(small / p, 0.0, memory / p)
    large, far, memory = _count(run, 2 * side)
    # Only attention among all tokens grows faster than the image; attention in windows and the
    # borders of convolutions would show as a little of it.
    quadratic = max(0.0, far - 4 * near) / (12 * p * p)
    return Cost(large / (4 * p) - quadratic * 4 * p, quadratic, memory / (4 * p))


def _count(run: Callable[[Any], object], side: int) -> tuple[float, float, float]:
    """Billions of operations, those of fused attention among them, and bytes at the peak."""
    import torch
    from torch.overrides import TorchFunctionMode
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves
    from torch.utils.flop_counter import FlopCounterMode

    class FusedAttention(TorchFunctionMode):
        """Lets attention take the memory of its result only, as fused kernels do."""

        operations = 0

        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if func is not torch.nn.functional.scaled_dot_product_attention:
                return func(*args, **(kwargs or {}))
            q, k, v = args[:3]
            self.operations += 2 * q[..., 0].numel() * k.shape[-2] * (q.shape[-1] + v.shape[-1])
            return q.new_empty(*q.shape[:-1], v.shape[-1])

    class Memory(TorchDispatchMode):
        """Adds up the storages that are alive."""

        def __init__(self) -> None:
            super().__init__()
            self.live = self.peak = 0
            self.sizes: dict[int, int] = {}

        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            result = func(*args, **(kwargs or {}))
            for tensor in tree_leaves(result):
                if isinstance(tensor, torch.Tensor):
                    self._add(tensor.untyped_storage())
            return result

        def _add(self, storage: Any) -> None:
            key = storage._cdata
            if key not in self.sizes:
                self.sizes[key] = storage.nbytes()
                self.live += storage.nbytes()
                self.peak = max(self.peak, self.live)
                weakref.finalize(storage, self._remove, key)

        def _remove(self, key: int) -> None:
            self.live -= self.sizes.pop(key, 0)

    image = torch.empty(1, 3, side, side, device="meta")
    attention, memory, counter = FusedAttention(), Memory(), FlopCounterMode(display=False)
    with torch.no_grad(), counter, memory, attention:
        run(image)
    fused = attention.operations / 1e9
    return counter.get_total_flops() / 1e9 + fused, fused, memory.peak
