"""The public function: labels in, a table of what was measured out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, check_choice
from ..progress import Progress, Steps, run_steps
from .blocks import Blocks, as_labels, channels_of, checked_spacing
from .owners import Classes
from .pieces import pieces_steps
from .properties import GROUPS, wanted_properties
from .scene import Scene, renumbered
from .table import MeasureTable

Things = Literal["labels", "pieces"]
THINGS: dict[str, str] = {
    "labels": "every label is one thing",
    "pieces": "every connected piece is one thing, and its label is its class",
}


def measure_segments(
    labels: ArrayLike,
    image: Any = None,
    *,
    axes: str | None = None,
    things: Things = "labels",
    volumes: bool = False,
    spacing: float | Sequence[float] = 1.0,
    unit: str = "px",
    classes: Mapping[int, int] | ArrayLike | None = None,
    class_names: Mapping[int, str] | None = None,
    channel_names: Sequence[str] | None = None,
    properties: Iterable[str] | str | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> MeasureTable:
    """Measure every segment of a label map: size, place, shape, outline, intensity.

    The same numbers as those of scikit-image's regionprops where there are such (perimeters are
    its ``perimeter_crofton``), of all segments at once, and with pixels of any sides.

    Parameters
    ----------
    labels
        bool mask or whole numbers from 0, which is none: a plane, or a stack of any axes, also
        lazy ones.
    image
        What intensities are measured in: an array with the axes `axes`, or a mapping from names of
        channels to arrays shaped as the labels. NaN and infinities count nowhere.
    axes
        A letter for each dimension of the image ("YX", "YXC", "TCYX" …); the labels have the same
        without C or S. Without it a 2-D array is "YX" and anything else is an error.
    things
        What one segment is: "labels", every label, in every plane by itself; or "pieces", every
        connected piece (also by corners), where labels are classes.
    volumes
        Whether segments go on through the planes of a volume, along Z; else every plane is measured
        by itself.
    spacing
        Size of a pixel: one number, (height, width) or (depth, height, width).
    unit
        What the spacing is given in.
    classes
        What class each label is of: a mapping, an array (n + 1,) as `label_instances` gives it, or
        a label map of classes shaped as the labels, of which every segment gets the class that
        most of its pixels have. With pieces, labels are classes already.
    class_names
        Names of classes, for a column of them.
    channel_names
        Of the image's channels. Default: red, green, blue, or numbers from 0.
    properties
        What is measured: names of groups ("size", "place", "shape", "outline", "hull",
        "intensity") and of single properties; see `napari_ncut.measuring.PROPERTIES`. Default: all
        but "hull". Area or volume is always there.
    progress
        Called with every `Progress`; an exception raised in it ends the work.

    Returns
    -------
    MeasureTable
        A row for every segment, plane after plane and by label. Columns: "plane" (or "stack", both
        from 0), "label", "class" and "class_name" where they are known, then properties.

    Raises
    ------
    InputError
        If the input does not fit together, or something is asked for that cannot be measured.
    """
    steps = measure_segments_steps(
        labels,
        image,
        axes=axes,
        things=things,
        volumes=volumes,
        spacing=spacing,
        unit=unit,
        classes=classes,
        class_names=class_names,
        channel_names=channel_names,
        properties=properties,
    )
    return run_steps(steps, progress)


def measure_segments_steps(
    labels: ArrayLike,
    image: Any = None,
    *,
    axes: str | None = None,
    things: Things = "labels",
    volumes: bool = False,
    spacing: float | Sequence[float] = 1.0,
    unit: str = "px",
    classes: Mapping[int, int] | ArrayLike | None = None,
    class_names: Mapping[int, str] | None = None,
    channel_names: Sequence[str] | None = None,
    properties: Iterable[str] | str | None = None,
) -> Steps[MeasureTable]:
    """`measure_segments` as a generator of progress; input is checked before the first step."""
    given = as_labels(labels)
    check_choice("kind of things", things, THINGS)
    blocks = Blocks.of(tuple(given.shape), axes, volumes=volumes)
    sides = checked_spacing(spacing, blocks.n_dims)
    channels = channels_of(image, axes, tuple(given.shape), channel_names)
    wanted = wanted_properties(properties, blocks.n_dims, has_image=bool(channels))
    if things == "pieces" and classes is not None:
        raise InputError("Of connected pieces the labels are the classes. Leave classes out.")
    known = Classes.of(classes, blocks)
    return _measured(given, things, blocks, sides, str(unit), channels, wanted, known, class_names)


def _measured(
    labels: Any,
    things: str,
    blocks: Blocks,
    spacing: tuple[float, ...],
    unit: str,
    channels: Mapping[str, Any],
    wanted: Mapping[str, list[str]],
    classes: Classes | None,
    class_names: Mapping[int, str] | None,
) -> Steps[MeasureTable]:
    if things == "pieces":
        labels, before = yield from pieces_steps(labels, blocks)
        classes = Classes.of(before, blocks)
    parts: list[dict[str, NDArray]] = []
    extent = 0.0
    for i in range(len(blocks)):
        numbers, values = renumbered(blocks.labels(labels, i))
        readers = {name: partial(blocks.block, channel, i) for name, channel in channels.items()}
        scene = Scene(numbers, len(values), spacing, readers)
        columns: dict[str, NDArray] = {
            "stack" if blocks.volumes else "plane": np.full(scene.n, i),
            "label": values.astype(np.int64),
        }
        if classes is not None:
            columns["class"] = classes.of_segments(scene, values, i)
        for done, (group, names) in enumerate(wanted.items(), start=i * len(wanted)):
            yield Progress("measuring", done, len(blocks) * len(wanted))
            found = yield from _steps_of(GROUPS[group].function()(scene, names))
            columns |= {
                key: found[key]
                for name in names
                for key in found
                if key == name or key.startswith(f"{name}-")
            }
        parts.append(columns)
        extent += blocks.n_pixels * scene.unit_size
    table = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    known = {int(label): str(name) for label, name in (class_names or {}).items()}
    if "class" in table and known:
        table = _named(table, known)
    return MeasureTable(table, unit, blocks.n_dims, extent, known)


def _steps_of(found: Any) -> Steps[dict[str, NDArray]]:
    """What a group's function gives, driven to its end if it is a generator."""
    if isinstance(found, Generator):
        found = yield from found
    return found


def _named(table: Mapping[str, NDArray], names: Mapping[int, str]) -> dict[str, NDArray]:
    """The table with names of classes behind their numbers."""
    result: dict[str, NDArray] = {}
    for name, values in table.items():
        result[name] = values
        if name == "class":
            own, place = np.unique(values, return_inverse=True)
            texts = np.array([names.get(int(one), "") for one in own], dtype=object)
            result["class_name"] = texts[place] if len(own) else np.empty(0, object)
    return result
