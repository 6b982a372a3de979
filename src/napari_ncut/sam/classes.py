"""Masks in classes: the result, and what a person does with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, is_number
from ..imaging import PlaneLayout
from .clusterers import DEFAULT_CLUSTERER, cluster
from .descriptors import Descriptors
from .mask_set import MaskSet

# Columns of masks that tell how good they are, the best known first.
_SCORES = ("score", "predicted_iou", "stability_score")
_NOISE = "noise"


@dataclass(frozen=True)
class Remainder:
    """Connected pieces of what is in no mask, which get the nearest class."""

    masks: tuple[MaskSet, ...] = field(repr=False)
    descriptors: Descriptors = field(repr=False)


@dataclass(frozen=True, eq=False)
class SemanticClasses:
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
        Name of every class.
    noise : int or None
        The number of the noise group, if there is noise.
    clusterer, parameters
        How classes were found: as `recluster` takes them.
    remainder : Remainder or None
        What is in no mask, if it was asked for.
    """

    masks: tuple[MaskSet, ...] = field(repr=False)
    layout: PlaneLayout = field(repr=False)
    classes: NDArray[np.int32]
    descriptors: Descriptors = field(repr=False)
    names: dict[int, str]
    noise: int | None = None
    clusterer: str = DEFAULT_CLUSTERER
    parameters: dict[str, Any] = field(default_factory=dict)
    remainder: Remainder | None = field(default=None, repr=False)

    @classmethod
    def found(
        cls,
        masks: tuple[MaskSet, ...],
        layout: PlaneLayout,
        descriptors: Descriptors,
        *,
        remainder: Remainder | None = None,
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
            names[noise] = _NOISE
        given = {"n_classes": n_classes, "random_state": random_state, **parameters}
        return cls(masks, layout, classes, descriptors, names, noise, clusterer, given, remainder)

    def __len__(self) -> int:
        return len(self.classes)

    # ------------------------------------------------------------------------------------- results

    @property
    def numbers(self) -> list[int]:
        """Numbers of all classes that have masks, ascending, the noise group among them."""
        return [int(number) for number in np.unique(self.classes) if number]

    @cached_property
    def labels(self) -> Any:
        """Class label maps, int32: (h, w), (n, h, w) for a stack, or a list for a list of images.

        0 is no mask. Where masks overlap the smaller one counts, as in `MaskSet.labels`. With a
        remainder, what is in no mask has the class whose mean descriptor is nearest.
        """
        planes = [
            masks.labels(classes)
            for masks, classes in zip(self.masks, self._of_planes(self.classes), strict=True)
        ]
        if self.remainder is not None:
            pieces = _per_plane(self.remainder.masks, self._remainder_classes())
            for plane, masks, classes in zip(planes, self.remainder.masks, pieces, strict=True):
                filled = masks.labels(classes)
                np.copyto(plane, filled, where=plane == 0)
        return self.layout.pixels_as_given(planes)

    @cached_property
    def instances(self) -> Any:
        """Label maps in which every mask has a number of its own, shaped as `labels`.

        Mask i, plane after plane, has the number i + 1: the same is nowhere twice. A mask that
        smaller ones cover entirely does not show.
        """
        numbers = np.arange(1, len(self) + 1)
        return self.layout.pixels_as_given(
            [
                masks.labels(own)
                for masks, own in zip(self.masks, self._of_planes(numbers), strict=True)
            ]
        )

    @cached_property
    def planes(self) -> NDArray[np.int64]:
        """The plane that every mask lies in (n,)."""
        return np.repeat(np.arange(len(self.masks)), [len(one) for one in self.masks])

    @cached_property
    def areas(self) -> NDArray[np.int64]:
        """Pixels of every mask (n,)."""
        return np.concatenate([one.areas for one in self.masks])

    @cached_property
    def fit(self) -> NDArray[np.float32]:
        """How well every mask fits its class (n,): 1 well, 0 as well another, −1 badly.

        The silhouette by distances to the classes' means. 1 where there is one class; 0 of noise.
        """
        result = np.zeros(len(self), np.float32)
        numbers, means = self._means()
        if not len(numbers):
            return result
        inside = np.isin(self.classes, numbers)
        if len(numbers) < 2:
            result[inside] = 1
            return result
        distances = _distances(self.descriptors.values[inside], means)
        own = np.searchsorted(numbers, self.classes[inside])
        rows = np.arange(len(own))
        to_own = distances[rows, own].copy()
        distances[rows, own] = np.inf
        to_other = distances.min(axis=1)
        result[inside] = (to_other - to_own) / np.maximum(np.maximum(to_other, to_own), 1e-12)
        return result

    def features(self, image: int | None = None, *, n_components: int = 3) -> dict[str, NDArray]:
        """A table of all masks, for a Labels layer's ``features`` and for CSV.

        Parameters
        ----------
        image
            Only masks of that image of a list, counted from 0.
        n_components
            How many principal components of the descriptors it has.

        Returns
        -------
        dict of arrays (n,)
            "index" (the number in `instances`), "image", "plane" (within the image), "class",
            "name", "score" (of the mask; NaN where none is known), "fit", "area", "row", "column"
            (of the box's middle), "component 1" and so on.
        """
        images = np.repeat(
            np.arange(len(self.layout.stacks)),
            [int(np.prod(stack, dtype=int)) for stack in self.layout.stacks],
        )
        firsts = np.searchsorted(images, images)
        boxes = np.concatenate([one.boxes for one in self.masks]).reshape(-1, 4)
        names = np.array([self.names.get(int(c), "") for c in self.classes], dtype=object)
        table: dict[str, NDArray] = {
            "index": np.arange(1, len(self) + 1),
            "image": images[self.planes],
            "plane": self.planes - firsts[self.planes],
            "class": self.classes.astype(np.int64),
            "name": names,
            "score": np.concatenate([_scores(one) for one in self.masks]),
            "fit": self.fit,
            "area": self.areas,
            "row": (boxes[:, 0] + boxes[:, 2] - 1) / 2,
            "column": (boxes[:, 1] + boxes[:, 3] - 1) / 2,
        }
        components = self.descriptors.components(n_components)
        table |= {f"component {i + 1}": components[:, i] for i in range(n_components)}
        if image is None:
            return table
        chosen = table["image"] == image
        return {name: values[chosen] for name, values in table.items()}

    def mask_sets(self) -> tuple[MaskSet, ...]:
        """Masks of every plane with columns "class" and "index", for export."""
        columns = zip(
            self.masks,
            self._of_planes(self.classes),
            self._of_planes(np.arange(1, len(self) + 1)),
            strict=True,
        )
        return tuple(
            masks.with_columns(**{"class": classes, "index": index})
            for masks, classes, index in columns
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
        return self._with(np.where(np.isin(self.classes, given), target, self.classes))

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

    # -------------------------------------------------------------------------------------- inside

    def _with(
        self, classes: NDArray, names: dict[int, str] | None = None, *, noise_stays: bool = True
    ) -> SemanticClasses:
        """The same masks in other classes; of classes that have none left the names go."""
        left = set(np.unique(classes).tolist())
        kept = {i: name for i, name in {**self.names, **(names or {})}.items() if i in left}
        noise = self.noise if noise_stays and self.noise in left else None
        return replace(self, classes=classes.astype(np.int32), names=kept, noise=noise)

    def _check(self, number: Any) -> int:
        if not is_number(number, whole=True) or number not in self.names:
            told = ", ".join(f"{i} ({name})" for i, name in sorted(self.names.items()))
            raise InputError(f"There is no class {number!r}. Give one of: {told or 'none yet'}.")
        return int(number)

    def _of_planes(self, values: NDArray) -> list[NDArray]:
        return _per_plane(self.masks, values)

    def _means(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Numbers of the classes that are no noise, and their mean descriptors."""
        numbers = np.array([n for n in self.numbers if n != self.noise], dtype=np.int64)
        sums = np.zeros((len(numbers), self.descriptors.values.shape[1]))
        inside = np.isin(self.classes, numbers)
        own = np.searchsorted(numbers, self.classes[inside])
        np.add.at(sums, own, self.descriptors.values[inside])
        return numbers, sums / np.bincount(own, minlength=len(numbers))[:, np.newaxis]

    def _remainder_classes(self) -> NDArray[np.int64]:
        assert self.remainder is not None  # asked by the caller
        numbers, means = self._means()
        rows = self.remainder.descriptors.values
        if not len(numbers):
            return np.full(len(rows), self.noise or 0, np.int64)
        return numbers[_distances(rows, means).argmin(axis=1)]


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


def _per_plane(masks: tuple[MaskSet, ...], values: NDArray) -> list[NDArray]:
    return np.split(values, np.cumsum([len(one) for one in masks])[:-1])


def _scores(masks: MaskSet) -> NDArray[np.float64]:
    known = next((masks.columns[name] for name in _SCORES if name in masks.columns), None)
    return np.full(len(masks), np.nan) if known is None else np.asarray(known, dtype=np.float64)


def _distances(rows: NDArray, others: NDArray) -> NDArray[np.float64]:
    from scipy.spatial.distance import cdist

    found: NDArray[np.float64] = cdist(rows, others)
    return found
