"""What runs in the thread of the panel of templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, Steps
from .history import Command
from .label_edit import LabelEdit, PlaneKey, key_in_layer
from .outlines import outlines_of, thickness_on
from .template_controls import LOWEST_SCORE

if TYPE_CHECKING:
    from napari.layers import Labels

    from ..templates import Matches, Template
    from .layers import Source
    from .reading import Reading

# An outline takes at most this part of a copy's width.
_SHARE = 12


@dataclass(frozen=True, eq=False)
class FoundCopies:
    """Copies of a template in some planes, the best of all first.

    Attributes
    ----------
    template : Template
    matches : Matches
        Also those with low scores; `planes` counts those of the reading.
    outlines : dict of int32 arrays (h, w)
        For every plane the number of the copy, from 1, at the pixels of its outline; else 0.
    """

    template: Template
    matches: Matches
    outlines: dict[int, NDArray[np.int32]]

    def chosen(self, score: float, *, best_only: bool) -> NDArray[np.int64]:
        """Numbers of the copies that count, from 1: by score, or the best of every plane alone."""
        if best_only:
            _, first = np.unique(self.matches.planes, return_index=True)
            return np.sort(first) + 1
        return np.arange(np.count_nonzero(self.matches.scores >= score)) + 1


def take_steps(
    reading: Reading, plane: int, painted: NDArray, maker: str, what: dict[str, Any]
) -> Steps[Template]:
    """A template made of a plane and what is painted on it, by one of its makers."""
    yield Progress("reading", 0, 1)
    from ..templates import Template

    make = getattr(Template, maker)
    template: Template = make(
        raw_plane(reading, plane), painted, axes="YXC", channels="all", **what
    )
    return template


def load_steps(paths: Mapping[str, Path | None]) -> Steps[Template]:
    """A template of image files; `paths` by the names of what they are."""
    yield Progress("reading", 0, 1)
    from ..templates import Template

    return Template.from_files(**paths)


def raw_plane(reading: Reading, plane: int) -> NDArray:
    """A plane as it is read, (h, w, c), not scaled."""
    from ..imaging import as_planes

    planes = as_planes(reading.images(), axes=reading.axes, channels=reading.channels)
    return planes.sources[0].read(plane)


def find_steps(
    reading: Reading, planes: list[int], template: Template, options: dict[str, Any]
) -> Steps[FoundCopies]:
    """All copies in some planes; `options` as of `find_copies`."""
    yield Progress("loading", 0, 1)
    from ..templates import Matches, paint_copies
    from ..templates.finding import find_copies_steps

    found = []
    shapes: dict[int, tuple[int, int]] = {}
    for i, plane in enumerate(planes):
        image = raw_plane(reading, plane)
        shapes[plane] = image.shape[0], image.shape[1]
        steps = find_copies_steps(
            image, template, axes="YXC", channels="all", threshold=LOWEST_SCORE, **options
        )
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                matches = end.value
                break
            yield Progress(step.stage, i * step.total + step.done, len(planes) * step.total)
        matches.planes[:] = plane
        found.append(matches)
    joined = Matches.joined(found)
    matches = joined.where(np.argsort(-joined.scores, kind="stable"))
    outlines = {}
    # A wide line would fill a small copy.
    widest = max(min(template.shape) // _SHARE, 1)
    thickness = min(thickness_on(reading.sources[0]), widest)
    for plane, shape in shapes.items():
        own = np.flatnonzero(matches.planes == plane)
        here = matches.where(own)
        here.planes[:] = 0
        # Numbers of this plane's copies become those of all planes together.
        painted = paint_copies(template, here, shape, instances=True)
        numbers = np.concatenate([[0], own + 1]).astype(np.int32)[painted]
        outlines[plane] = outlines_of(numbers, thickness)
    return FoundCopies(template, matches, outlines)


@dataclass(frozen=True, eq=False)
class Painted:
    """What painting copies changes.

    Attributes
    ----------
    command : Command or None
        That writes it; None if nothing changes.
    n_changed : int
        Pixels.
    digests : list of (index, int)
        Of every plane as it was, by its place in the layer.
    """

    command: Command | None
    n_changed: int
    digests: list[tuple[PlaneKey, int]]

    def still_fits(self, layer: Labels) -> bool:
        """Whether the planes of the layer are as they were."""
        return all(_digest(layer.data[key]) == was for key, was in self.digests)


def paint_steps(
    template: Template, matches: Matches, source: Source, target: Labels, keep_painted: bool
) -> Steps[Painted]:
    """Copies painted on a layer, plane by plane; nothing is written yet."""
    from ..templates import paint_copies

    whole = tuple(target.data.shape) == source.whole_shape()
    origin = source.starts if whole else np.zeros_like(source.starts)
    upright = source.names.index("Y") < source.names.index("X")
    edit, digests = LabelEdit(target), []
    planes = np.unique(matches.planes).tolist()
    for i, plane in enumerate(planes):
        yield Progress("painting", i, len(planes))
        own = matches.on_plane(plane)
        own.planes[:] = 0
        key = key_in_layer(source, plane, origin)
        stored = np.array(target.data[key])
        digests.append((key, _digest(stored)))
        before = stored if upright else stored.T
        after = paint_copies(template, own, before)
        if keep_painted:
            after = np.where(before > 0, before, after)
        edit.add(key, stored, after if upright else after.T)
    return Painted(edit.command(), edit.n_changed, digests)


def _digest(plane: Any) -> int:
    import xxhash

    return xxhash.xxh3_64_intdigest(np.ascontiguousarray(plane))
