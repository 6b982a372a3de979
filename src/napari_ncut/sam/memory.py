"""As many questions at a time as memory allows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

from ..devices import free_memory, is_out_of_memory, release_memory
from ..errors import InputError
from .network import MaskNetwork

# What one processor's caches hold is decoded fastest; a GPU wants more to do.
_MOST = {"cpu": 8, "mps": 32}
# Share of the free memory that is counted on.
_SHARE = 0.5


def at_once(network: MaskNetwork, most: int) -> int:
    """How many questions to ask at once: at most `most`, and what memory is likely to hold."""
    kind = network.device.partition(":")[0]
    most = min(most, _MOST.get(kind, most))
    free = free_memory(network.device)
    if free is not None:
        most = min(most, int(_SHARE * free / network.bytes_per_point))
    return max(1, most)


def within_memory(
    network: MaskNetwork, n: int, size: int, ask: Callable[[int, int], object]
) -> Iterator[int]:
    """Ask about n things, `size` at a time, fewer where memory does not suffice.

    Yields how many are done after each time. At last the processor is tried in place of a GPU.

    Parameters
    ----------
    ask
        Is given the first and the one after the last; must leave nothing behind when it fails.
    """
    done = 0
    while done < n:
        try:
            ask(done, min(done + size, n))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            shortage = str(error).splitlines()[0] if str(error) else type(error).__name__
        else:
            done = min(done + size, n)
            yield done
            continue
        # Out of the handler, so that the traceback no longer holds on to tensors.
        release_memory(network.device)
        if size > 1:
            size //= 2
        elif network.device != "cpu":
            warnings.warn(
                f"{network.name}: the memory of {network.device} does not suffice ({shortage}); "
                f"computing on the CPU, which takes longer.",
                stacklevel=2,
            )
            network.move("cpu")
        else:
            raise InputError(
                f"{network.name} needs more memory than there is, even for a single mask "
                f"({shortage}). Choose a smaller model, or close other programs."
            )
