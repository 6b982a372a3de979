"""The registry of segmenters: whatever makes labels of an image by itself, and how one is run.

An entry is data. Windows, the command line, the table in the docs and one parametrised test are
made from it; the function behind it is imported when it is used.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .declared import Parameter, checked_parameters, missing_because
from .errors import InputError, check_choice, is_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .imaging import Planes
    from .progress import Steps

Counts = Literal["exact", "about", "never"]
Zero = Literal["", "background", "edge"]


@dataclass(frozen=True)
class SegmenterKind:
    """What kinds of segmenters there are, as data.

    Attributes
    ----------
    title : str
        For people.
    entries : str
        Module that declares its segmenters, as a sequence `ENTRIES`.
    steps : str
        "module:function", its public function as a generator of progress: takes an image, `axes`,
        `method` and parameters, and gives label maps shaped as the image.
    """

    title: str
    entries: str
    steps: str


KINDS = {
    "superpixels": SegmenterKind(
        "Superpixels",
        "napari_ncut.superpixels.entries",
        "napari_ncut.superpixels.segment:segment_superpixels_steps",
    ),
    "classic": SegmenterKind(
        "Classic",
        "napari_ncut.classic.entries",
        "napari_ncut.classic.segment:segment_classic_steps",
    ),
}


@dataclass(frozen=True)
class Task:
    """What a segmenter is asked.

    Attributes
    ----------
    image : float32 array (h, w, c), or (d, h, w, c) of a volume
        In [0, 1].
    n_segments : int or None
        How many; None for segmenters that find the number themselves.
    is_color : bool
        Whether the three channels are RGB.
    spacing : tuple of float
        Size of a pixel along each axis of a volume, in any unit; () of a plane.
    device : str or None
        Where networks compute; None for the best there is.
    """

    image: NDArray[np.float32]
    n_segments: int | None = None
    is_color: bool = False
    spacing: tuple[float, ...] = ()
    device: str | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Without channels."""
        return self.image.shape[:-1]

    @property
    def n_pixels(self) -> int:
        """Of the plane or volume."""
        return int(np.prod(self.shape))


@dataclass(frozen=True)
class SegmenterEntry:
    """A segmenter as data.

    Attributes
    ----------
    name, title, text : str
        How users call it, its name in a window, and what it does in a line.
    kind : str
        What its labels are: "superpixels", or "classic" for segments of any size. Names are unique
        within a kind.
    run : str
        "module:function", which takes a `Task` and the parameters and gives whole numbers, (h, w)
        or (d, h, w), of which every one is a segment, but 0 where `zero` says otherwise.
    parameters : dict of Parameter
    counts : "exact", "about" or "never"
        Whether it makes a given number of segments.
    default_count : int or None
        The number where none is given.
    is_connected : bool
        Whether every segment is one piece, by sides of pixels.
    volumes : bool
        Whether it takes whole volumes, not only their planes.
    finer : (str, int)
        The parameter that makes segments smaller where it does not count, and 1 or −1 for whether
        raising or lowering it does; () where it counts.
    requires : (str, str)
        Import name and extra of an optional dependency, () without one.
    source : str
        Of the method.
    group : str
        Heading under which it is offered, of kinds with many methods.
    zero : "", "background" or "edge"
        What the label 0 means; "" if there is none.
    keeps_order : bool
        Whether labels follow the order of its own numbers, rather than that of first pixels.
    presets : dict
        Name → values of parameters, all others by default.
    seconds : float
        That a quarter of a megapixel takes, roughly: previews show the quick ones first.
    reduced : int
        Previews of large planes show it with sides divided by this, where it is slow.
    by_torch : bool
        Whether torch computes it.
    ready : str
        "module:function", which takes the parameters and tells whether nothing slow has to be
        loaded or computed first, such as weights; "" if that is never so.
    """

    name: str
    title: str
    text: str
    run: str
    kind: str = "superpixels"
    parameters: Mapping[str, Parameter] = field(default_factory=dict, hash=False)
    counts: Counts = "about"
    default_count: int | None = 200
    is_connected: bool = True
    volumes: bool = False
    finer: tuple[str, int] | tuple[()] = ()
    requires: tuple[str, str] | tuple[()] = ()
    source: str = ""
    group: str = ""
    zero: Zero = ""
    keeps_order: bool = False
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    seconds: float = 0.0
    reduced: int = 1
    by_torch: bool = False
    ready: str = ""

    @property
    def unavailable_because(self) -> str:
        """Why it cannot be used here, with the remedy; "" if it can."""
        return missing_because(self.name, self.requires)

    @property
    def count_text(self) -> str:
        """What happens to a number that is asked for, for people."""
        return {
            "exact": "makes exactly as many as asked for",
            "about": "makes about as many as asked for",
            "never": "finds the number itself",
        }[self.counts]

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All its parameters, with defaults for those not given; an `InputError` for wrong ones."""
        return checked_parameters(self.name, self.parameters, given)

    def preset(self, name: str) -> dict[str, Any]:
        """Values of a preset, "" for none; an `InputError` if there is none of that name."""
        if not name:
            return {}
        if not self.presets:
            raise InputError(f"{self.name} has no presets, so {name!r} cannot be used.")
        return dict(self.presets[check_choice(f"preset of {self.name}", name, self.presets)])

    def is_ready(self, parameters: Mapping[str, Any]) -> bool:
        """Whether it can begin at once."""
        return not self.ready or bool(_named(self.ready)(**parameters))

    def function(self) -> Callable[..., NDArray]:
        """What does it; an `InputError` if a package for it is missing."""
        if self.unavailable_because:
            raise InputError(self.unavailable_because)
        function: Callable[..., NDArray] = _named(self.run)
        return function


def _named(place: str) -> Any:
    """What "module:function" names."""
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)


def segmenters(kind: str) -> dict[str, SegmenterEntry]:
    """All segmenters of a kind by name; the first is its default."""
    return {entry.name: entry for entry in importlib.import_module(KINDS[kind].entries).ENTRIES}


def segmenter_entry(name: str, kind: str) -> SegmenterEntry:
    """The entry of that name; an `InputError` if there is none."""
    known = segmenters(kind)
    return known[check_choice(f"method of {kind}", name, known)]


def segmenter_steps(kind: str) -> Callable[..., Steps[Any]]:
    """The public function of a kind, as a generator of progress."""
    module, name = KINDS[kind].steps.split(":")
    function: Callable[..., Steps[Any]] = getattr(importlib.import_module(module), name)
    return function


def checked_count(entry: SegmenterEntry, n_segments: int | None, n_pixels: int) -> int | None:
    """How many segments to ask for; an `InputError` if they cannot be had.

    Parameters
    ----------
    n_segments
        As given; None for the default, or fewer where there are fewer pixels.
    n_pixels
        Of the smallest plane or volume.
    """
    if entry.counts == "never":
        if n_segments is None:
            return None
        counting = [name for name, e in segmenters(entry.kind).items() if e.counts != "never"]
        raise InputError(
            f"{entry.name} finds the number of segments itself, but n_segments={n_segments} was "
            f"given. Leave it out and set {entry.finer[0] if entry.finer else 'a parameter'}, or "
            f"choose one of: {', '.join(counting)}."
        )
    if n_segments is None:
        return min(entry.default_count or 1, n_pixels)
    if not is_number(n_segments, whole=True) or not 1 <= n_segments <= n_pixels:
        raise InputError(
            f"{n_segments!r} segments cannot be made of {n_pixels} pixels. Give a whole number "
            f"from 1 to {n_pixels}."
        )
    return int(n_segments)


def segmentation_steps(
    planes: Planes,
    entry: SegmenterEntry,
    parameters: Mapping[str, Any],
    *,
    n_segments: int | None = None,
    volumes: bool = False,
    spacing: tuple[float, ...] = (),
    device: str | None = None,
) -> Steps[list[NDArray[np.int32]]]:
    """Labels (h, w) of every plane, in order, made plane by plane or volume by volume.

    Segments are numbered from 1 without gaps, in every plane or volume anew, in the order of their
    first pixels or, where the entry says so, of its own numbers.
    """
    from .progress import Progress

    groups = list(_volumes_of(planes)) if volumes else [[i] for i in range(len(planes))]
    if volumes and not entry.volumes:
        able = [name for name, e in segmenters(entry.kind).items() if e.volumes]
        raise InputError(
            f"{entry.name} segments planes alone, no volumes. Choose one of: {', '.join(able)}."
        )
    sizes = [len(group) * int(np.prod(planes.shapes[group[0]])) for group in groups]
    count = checked_count(entry, n_segments, min(sizes))
    entry.function()  # a missing package is told before anything is read
    found: list[NDArray[np.int32]] = [np.empty(0, np.int32)] * len(planes)
    for i, group in enumerate(groups):
        yield Progress("segments", i, len(groups))
        image = np.stack([planes[j] for j in group]) if volumes else planes[group[0]]
        task = Task(image, count, _is_color(planes, group[0]), spacing, device)
        labels = plane_labels(task, entry, parameters)
        for j, one in zip(group, labels if volumes else [labels], strict=True):
            found[j] = one
    yield Progress("segments", len(groups), len(groups))
    return found


def plane_task(planes: Planes, plane: int, device: str | None = None) -> Task:
    """What a segmenter that finds the number of segments itself is asked of one plane."""
    return Task(planes[plane], is_color=_is_color(planes, plane), device=device)


def plane_labels(
    task: Task, entry: SegmenterEntry, parameters: Mapping[str, Any]
) -> NDArray[np.int32]:
    """Labels (h, w), or (d, h, w) of a volume, with all parameters checked."""
    if task.n_segments == 1:
        return np.ones(task.shape, np.int32)
    return _numbered(np.asarray(entry.function()(task, **parameters)), entry)


def _numbered(labels: NDArray, entry: SegmenterEntry) -> NDArray[np.int32]:
    """Without gaps, and with 0 only where that means something."""
    from .superpixels.connectivity import in_order

    if not entry.keeps_order:
        return in_order(labels)
    found, inverse = np.unique(labels, return_inverse=True)
    first = 0 if entry.zero and found[0] == 0 else 1
    return (inverse.reshape(labels.shape) + first).astype(np.int32)


def _volumes_of(planes: Planes) -> Iterator[list[int]]:
    """Planes of every volume: along Z, for every time and image by itself."""
    first = 0
    for number, source in enumerate(planes.sources):
        names = [source.axes.names[axis] for axis in source.axes.stack]
        if "Z" not in names:
            which = f"image {number} (counted from 0)" if planes.is_list else "the image"
            raise InputError(
                f"Supervoxels need a volume, but {which} has the axes {source.axes.names}. Say "
                f'which axis is depth, as in axes="ZYX", or leave supervoxels out.'
            )
        shape = source.axes.stack_shape
        order = np.arange(first, first + source.axes.n_planes).reshape(shape)
        yield from (
            np.moveaxis(order, names.index("Z"), -1).reshape(-1, shape[names.index("Z")]).tolist()
        )
        first += source.axes.n_planes


def _is_color(planes: Planes, plane: int) -> bool:
    """Whether a plane's three channels are RGB."""
    ends = np.cumsum([source.axes.n_planes for source in planes.sources])
    source = planes.sources[int(np.searchsorted(ends, plane, side="right"))]
    # A gray image among color ones is repeated to three channels, which is gray as RGB, too.
    repeated = source.n_channels == 1 and planes.n_channels == 3
    return (source.is_color or source.is_composite or repeated) and planes.n_channels == 3
