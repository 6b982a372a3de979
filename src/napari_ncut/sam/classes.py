"""Masks in classes: the result, and what a person does with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, is_number
from ..imaging import Channels, PlaneLayout, Scaling
from ..progress import Progress, run_steps
from .class_results import ClassResults, Remainder
from .clusterers import DEFAULT_CLUSTERER, cluster
from .descriptors import Description, Descriptors
from .given_masks import LEVEL
from .mask_set import MaskSet

NOISE = "noise"
_COLOR = re.compile("#[0-9a-fA-F]{6}")


@dataclass(frozen=True, eq=False)
class SemanticClasses(ClassResults):
    """Masks of one plane, of stacks or of many images, in classes that mean the same in all.

    Made by `semantic_classes`. It never changes: what edits it returns another one, which shares
    all that stayed the same, so that a history of them costs little.

    Attributes
    ----------
    masks : tuple of MaskSet
        Of every plane.
    layout : PlaneLayout
        Of the images as they were given.
    classes : int32 array (n,)
        Class of every mask, plane after plane. Clusters are numbered from 1 by falling total area;
        noise, which no cluster took, is a group of its own with the last number (`noise`). 0 only
        of masks without pixels.
    descriptors : Descriptors
        Of every mask.
    names : dict
        Name of every class; of those of other images (`apply`) some may have no mask here.
    noise : int or None
        The number of the noise group, if there is noise.
    clusterer, parameters
        How classes were found: as `recluster` takes them.
    remainder : Remainder or None
        What is in no mask, if it was asked for.
    description : Description or None
        What masks were compared by: with it, masks of other images can get these classes.
    colors : dict
        "#rrggbb" of classes that somebody chose a color for.
    """

    @classmethod
    def found(
        cls,
        masks: tuple[MaskSet, ...],
        layout: PlaneLayout,
        descriptors: Descriptors,
        *,
        remainder: Remainder | None = None,
        description: Description | None = None,
        clusterer: str = DEFAULT_CLUSTERER,
        n_classes: int | None = None,
        random_state: int = 0,
        **parameters: Any,
    ) -> SemanticClasses:
        """Cluster described masks; parameters are those of `semantic_classes`."""
        areas = np.concatenate([one.areas for one in masks])
        there = areas > 0
        numbers = cluster(
            descriptors.values[there],
            clusterer,
            n_classes=n_classes,
            calibrated=descriptors.calibrated,
            random_state=random_state,
            **parameters,
        )
        classes = np.zeros(len(areas), np.int32)
        classes[there], n_found = _by_area(numbers, areas[there])
        names = {i: f"class {i}" for i in range(1, n_found + 1)}
        noise = n_found + 1 if (numbers < 0).any() else None
        if noise is not None:
            names[noise] = NOISE
        given = {"n_classes": n_classes, "random_state": random_state, **parameters}
        return cls(
            masks,
            layout,
            classes,
            descriptors,
            names,
            noise,
            clusterer,
            given,
            remainder,
            description,
        )

    # --------------------------------------------------------------------------------------- edits

    def recluster(
        self,
        clusterer: str = DEFAULT_CLUSTERER,
        *,
        n_classes: int | None = None,
        random_state: int = 0,
        **parameters: Any,
    ) -> SemanticClasses:
        """New classes of the same descriptors: what `semantic_classes` gives with these settings.

        Edits and names are not kept.
        """
        return SemanticClasses.found(
            self.masks,
            self.layout,
            self.descriptors,
            remainder=self.remainder,
            description=self.description,
            clusterer=clusterer,
            n_classes=n_classes,
            random_state=random_state,
            **parameters,
        )

    def merge(self, classes: Iterable[int]) -> SemanticClasses:
        """Make several classes one, with number and name of the lowest that is no noise.

        All others keep theirs.
        """
        given = sorted({self._check(number) for number in classes})
        if len(given) < 2:
            raise InputError(f"Merging takes two classes or more, {given} were given.")
        target = next(number for number in given if number != self.noise)
        classes = np.where(np.isin(self.classes, given), target, self.classes)
        return self._with(classes, gone=set(given) - {target})

    def split(self, number: int, n: int = 2) -> SemanticClasses:
        """Part a class in `n` by Ward's linkage.

        The part of the largest area keeps number and name; the others follow with new numbers. Of
        the noise group all parts become classes.
        """
        inside = np.flatnonzero(self.classes == self._check(number))
        if not is_number(n, whole=True) or not 2 <= n <= len(inside):
            raise InputError(
                f"{self.names[number]} has {len(inside)} masks and cannot be parted in {n!r}. "
                f"Give a whole number from 2 to {len(inside)}."
            )
        parts = cluster(self.descriptors.values[inside], n_classes=int(n), linkage="ward")
        order, _ = _by_area(parts, self.areas[inside])
        last = max(self.names)
        classes = self.classes.copy()
        classes[inside] = np.where(order == 1, number, last + order - 1)
        names = {last + i: f"class {last + i}" for i in range(1, int(n))}
        if number == self.noise:
            names[number] = f"class {number}"
        return self._with(classes, names, noise_stays=number != self.noise)

    def move(self, instances: ArrayLike, number: int | None = None) -> SemanticClasses:
        """Put masks into another class.

        Parameters
        ----------
        instances
            Their numbers in `instances`, from 1: one, or several.
        number
            The class; None for a new one.
        """
        given = np.atleast_1d(np.asarray(instances))
        usable = given.dtype.kind in "iu" and given.ndim == 1 and len(given) > 0
        if not usable or given.min() < 1 or given.max() > len(self):
            raise InputError(
                f"Masks {instances!r} cannot be moved. Give numbers of `instances`, from 1 to "
                f"{len(self)}."
            )
        names: dict[int, str] = {}
        if number is None:
            number = max(self.names, default=0) + 1
            names[number] = f"class {number}"
        else:
            self._check(number)
        classes = self.classes.copy()
        classes[given - 1] = number
        return self._with(classes, names)

    def rename(self, number: int, name: str) -> SemanticClasses:
        """Give a class another name. Several may have the same."""
        self._check(number)
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"A class cannot be called {name!r}. Give a text.")
        return replace(self, names={**self.names, number: name.strip()})

    def recolor(self, number: int, color: str) -> SemanticClasses:
        """Give a class a color of its own, "#rrggbb"."""
        self._check(number)
        if not isinstance(color, str) or not _COLOR.fullmatch(color):
            raise InputError(f"{color!r} is no color. Give a text such as '#e69f00'.")
        return replace(self, colors={**self.colors, number: color.lower()})

    # ------------------------------------------------------------------------------- other images

    def apply(
        self,
        images: Any,
        masks: Any = None,
        *,
        axes: str | Sequence[str | None] | None = None,
        descriptor: Any = None,
        remainder: bool = False,
        level: float = LEVEL,
        channels: Channels = None,
        scaling: Scaling = "stack",
        device: str | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> SemanticClasses:
        """Give masks of other images these classes, or none of them.

        Parameters
        ----------
        images, masks, axes, remainder, level, channels, scaling, device, progress
            As for `semantic_classes`; give channels and scaling as they were for these classes.
        descriptor
            Only where these classes were found by features or an embedding that were given: those
            of the other images, made in the same way.

        Returns
        -------
        SemanticClasses
            Of the other images, with the numbers, names and colors of these. A mask that is
            farther from every class than masks of that class are from each other (`NearestClass`)
            is noise: none of them.

        Raises
        ------
        InputError
            If anything given cannot be used, there is no class, or what these classes were compared
            by cannot be had of other images, as eigenvectors cannot.
        """
        from .applying import apply_steps

        steps = apply_steps(
            self,
            images,
            masks,
            axes=axes,
            descriptor=descriptor,
            remainder=remainder,
            level=level,
            channels=channels,
            scaling=scaling,
            device=device,
        )
        return run_steps(steps, progress)

    def save(self, path: str | Path) -> None:
        """Write to one ``.npz`` file, whole or not at all: masks, classes, and what they mean."""
        from .class_file import save_classes

        save_classes(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> SemanticClasses:
        """Read what `save` wrote; an `InputError` if the file is something else."""
        from .class_file import read_classes

        return read_classes(Path(path))

    # -------------------------------------------------------------------------------------- inside

    def _with(
        self,
        classes: NDArray,
        names: dict[int, str] | None = None,
        *,
        noise_stays: bool = True,
        gone: Set[int] = frozenset(),
    ) -> SemanticClasses:
        """The same masks in other classes; of classes that have lost all theirs the names go.

        Classes of other images, of which there never was any here, stay unless they are `gone`.
        """
        gone = (set(self.numbers) | gone) - set(np.unique(classes).tolist())
        kept = {i: name for i, name in {**self.names, **(names or {})}.items() if i not in gone}
        noise = self.noise if noise_stays and self.noise in kept else None
        colors = {i: color for i, color in self.colors.items() if i in kept}
        return replace(
            self, classes=classes.astype(np.int32), names=kept, noise=noise, colors=colors
        )

    def _check(self, number: Any) -> int:
        if not is_number(number, whole=True) or number not in self.names:
            told = ", ".join(f"{i} ({name})" for i, name in sorted(self.names.items()))
            raise InputError(f"There is no class {number!r}. Give one of: {told or 'none yet'}.")
        return int(number)


def _by_area(numbers: NDArray, areas: NDArray) -> tuple[NDArray[np.int32], int]:
    """Clusters numbered from 1 by falling total area, noise last; and how many clusters.

    Of clusters of one area the one with the first mask comes first.
    """
    found, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    totals = np.bincount(inverse, areas, minlength=len(found))
    order = np.lexsort((first, -totals, found < 0))
    places = np.empty(len(found), np.int32)
    places[order] = np.arange(1, len(found) + 1)
    return places[inverse].astype(np.int32), int((found >= 0).sum())
