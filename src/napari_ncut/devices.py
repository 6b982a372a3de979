"""Where to compute, how precisely, and what running out of memory looks like."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal

from .errors import InputError, check_choice
from .side_by_side import one_blas_thread

Precision = Literal["auto", "float32", "float16", "bfloat16"]
PRECISIONS = ("auto", "float32", "float16", "bfloat16")


def choose_device(device: str | None, automatic: Sequence[str] = ("cuda",)) -> str:
    """The torch device to use: as given, else the first of `automatic` that is there, else "cpu".

    Raises
    ------
    InputError
        If the device that was given cannot be used here.
    """
    import torch

    if device is None or device == "auto":
        there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        return next((name for name in automatic if there[name]), "cpu")
    try:
        usable = torch.device(device).type in ("cpu", "cuda", "mps", "xpu")
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError, ValueError):
        usable = False
    if not usable or not isinstance(device, str):
        raise InputError(
            f"Device {device!r} cannot be used here: there is no such device, or its driver or the "
            f'build of PyTorch for it is missing. Give "cpu", or leave it out.'
        )
    return device


def check_precision(precision: object) -> str:
    """Return `precision` if there is such a one, else raise an `InputError`."""
    return check_choice("precision", precision, PRECISIONS)


def autocast(device: str, precision: str) -> AbstractContextManager[Any]:
    """The context in which a network computes with `precision` on `device`.

    "auto" takes half precision on CUDA, where it doubles the speed: bfloat16, whose range no
    activation leaves, or float16 on cards that lack it. Processors gain nothing from it, and
    Apple's GPUs little.
    """
    import torch

    kind = torch.device(device).type
    if precision == "auto":
        if kind != "cuda":
            return nullcontext()
        precision = "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    if precision == "float32":
        return nullcontext()
    return torch.autocast(kind, dtype=getattr(torch, precision))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: Python's own error, and those of torch, which are no such class."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "not enough memory" in text or "out of memory" in text or "can't allocate memory" in text
    )


def free_memory(device: str) -> float | None:
    """Bytes that are free on a device, about; None where the system does not tell."""
    import os

    import torch

    if torch.device(device).type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    try:
        return float(os.sysconf("SC_AVPHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # not on Windows, not by all systems
        return None


def release_memory(device: str) -> None:
    """Give memory that torch keeps for later back to the device."""
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        torch.cuda.empty_cache()
    elif kind == "mps":
        torch.mps.empty_cache()


@contextmanager
def torch_alone(*, spare_core: bool = False) -> Iterator[None]:
    """Let only torch use several cores, and not NumPy's and SciPy's linear algebra beside it.

    Theirs and torch's threads wait for work by spinning, each in the other's way: a product of 32 ×
    32 numbers between two of torch's took 20 ms on two cores, and less than 0.1 with one thread.

    `spare_core` leaves one core to the window and all else. Threads that share a core with others
    make all wait at the end of every block: on two cores that others used, too, blocks of 1,024
    rows took several times as long with two threads as with one.
    """
    import torch

    n_threads = torch.get_num_threads()
    try:
        if spare_core:
            torch.set_num_threads(max(1, n_threads - 1))
        with one_blas_thread():
            yield
    finally:
        torch.set_num_threads(n_threads)
