"""Every method on one plane, the quick ones first, each as it finishes."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..declared import resized_parameters
from ..devices import torch_alone
from ..errors import InputError
from ..imaging import Channels, Scaling, block_mean
from ..segmenters import SegmenterEntry, Task, plane_labels, plane_task, segmenter_entry
from ..side_by_side import one_blas_thread
from .segment import KIND, classic_methods, classic_planes

# As many at once as there are cores in the least of machines; libraries have threads of their own.
_AT_ONCE = 2
# Larger planes are reduced for methods that are slow.
_REDUCED_BEYOND = 62_500


@dataclass(frozen=True, eq=False)
class Preview:
    """What one method makes of a plane.

    Attributes
    ----------
    method : str
        Its name.
    labels : int32 array (h, w) or None
        As `segment_classic` gives them, of slow methods at half the resolution; None where it has
        no answer.
    reason : str
        Why there is none.
    seconds : float
        That it took.
    """

    method: str
    labels: NDArray[np.int32] | None = field(repr=False)
    reason: str = ""
    seconds: float = 0.0

    @property
    def n_segments(self) -> int:
        """How many there are."""
        return 0 if self.labels is None else int(self.labels.max())


def preview_methods(
    settings: Mapping[str, Mapping[str, Any]] | None = None, prepared: Iterable[str] = ()
) -> list[str]:
    """Methods that a preview shows if nobody chooses: all that can begin at once, quick ones first.

    Parameters
    ----------
    settings
        Method → values of parameters that are not at their defaults.
    prepared
        Methods whose networks are loaded, so that they may begin, too.
    """
    given = settings or {}
    usable = [
        entry
        for name, entry in classic_methods().items()
        if not entry.unavailable_because
        and (name in set(prepared) or entry.is_ready(entry.checked(given.get(name, {}))))
    ]
    return [entry.name for entry in sorted(usable, key=lambda entry: entry.seconds)]


def preview_steps(
    image: Any,
    methods: Sequence[str] | None = None,
    *,
    axes: str | Sequence[str | None] | None = None,
    channels: Channels = None,
    scaling: Scaling | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    prepared: Iterable[str] = (),
    device: str | None = None,
) -> Generator[Preview, None, None]:
    """Segment one plane by many methods, and hand out each result as it is finished.

    Parameters
    ----------
    image
        One image of one plane. A quarter of a megapixel takes some seconds for all methods; crop or
        reduce larger ones.
    methods
        Names, to be begun in this order. Default: `preview_methods`.
    axes, channels, scaling, device
        As for `segment_classic`.
    settings
        Method → values of parameters that are not at their defaults.
    prepared
        Methods that may begin though they are slow to be prepared, see `preview_methods`.

    Yields
    ------
    Preview
        In the order in which they finish. A method that has no answer to this image says why.

    Raises
    ------
    InputError
        Before anything is computed, if the image or a setting cannot be used.
    """
    planes = classic_planes(image, axes=axes, channels=channels, scaling=scaling)
    if len(planes) != 1:
        raise InputError(
            f"A preview is of one plane, but {len(planes)} were given. Choose one of them."
        )
    task = plane_task(planes, 0, device)
    return task_previews(task, methods, settings=settings, prepared=prepared)


def task_previews(
    task: Task,
    methods: Sequence[str] | None = None,
    *,
    factor: float = 1,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    prepared: Iterable[str] = (),
) -> Generator[Preview, None, None]:
    """`preview_steps` of a plane that was read, perhaps `reduced` by a factor."""
    given = settings or {}
    names = preview_methods(given, prepared) if methods is None else methods
    entries = [segmenter_entry(name, KIND) for name in names]
    values = {
        entry.name: resized_parameters(
            entry.parameters, entry.checked(given.get(entry.name, {})), 1 / factor
        )
        for entry in entries
    }
    return _previews(task, entries, values)


def reduced(task: Task, most_pixels: int) -> tuple[Task, float]:
    """A plane of at most so many pixels, and how many times its sides were longer."""
    from skimage.transform import resize

    factor = max(1.0, math.sqrt(task.n_pixels / most_pixels))
    if factor == 1:
        return task, 1.0
    # Means of squares first, which are quick, and what is left by a filter.
    image = block_mean(task.image, int(factor))
    shape = [max(1, int(side / factor)) for side in task.shape]
    image = resize(image, shape, order=1, anti_aliasing=True).astype(np.float32)
    return replace(task, image=np.clip(image, 0, 1)), factor


def _previews(
    task: Task, entries: Sequence[SegmenterEntry], values: Mapping[str, Mapping[str, Any]]
) -> Generator[Preview, None, None]:
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="preview")
    waiting: set[Future[Preview]] = set()
    coming = iter(entries)
    try:
        # Two methods keep two cores busy; more threads would stand in each other's way.
        with ExitStack() as stack:
            stack.enter_context(one_blas_thread())
            is_torch_alone = False
            while True:
                # No more than are worked on: what was not begun need not be cancelled.
                while len(waiting) < _AT_ONCE and (entry := next(coming, None)) is not None:
                    if entry.by_torch and not is_torch_alone:
                        # Imports torch, which takes longer than the first methods.
                        stack.enter_context(torch_alone(spare_core=True))
                        is_torch_alone = True
                    waiting.add(pool.submit(_preview, task, entry, values[entry.name]))
                if not waiting:
                    return
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=lambda one: one.result().method):
                    yield future.result()
    finally:
        # Whoever leaves early does not wait for what is on its way.
        pool.shutdown(wait=False, cancel_futures=True)


def _preview(task: Task, entry: SegmenterEntry, values: Mapping[str, Any]) -> Preview:
    from threadpoolctl import threadpool_limits

    start = time.perf_counter()
    labels, reason = None, ""
    try:
        # Of OpenMP every thread has a number of threads of its own.
        with threadpool_limits(1, user_api="openmp"):
            labels = _labels(task, entry, values)
    except Exception as error:  # noqa: BLE001
        # Whatever one method cannot do is told in its place; the others are no worse for it.
        told = isinstance(error, InputError)
        reason = str(error) if told else f"{type(error).__name__}: {error}"
    return Preview(entry.name, labels, reason, time.perf_counter() - start)


def _labels(task: Task, entry: SegmenterEntry, values: Mapping[str, Any]) -> NDArray[np.int32]:
    factor = entry.reduced if task.n_pixels > _REDUCED_BEYOND else 1
    if factor == 1:
        return plane_labels(task, entry, values)
    small = replace(task, image=block_mean(task.image, factor))
    own = resized_parameters(entry.parameters, values, 1 / factor)
    labels = plane_labels(small, entry, own).repeat(factor, axis=0).repeat(factor, axis=1)
    return np.ascontiguousarray(labels[: task.shape[0], : task.shape[1]])
