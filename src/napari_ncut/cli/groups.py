"""Groups of cells: how many, how they are found, and the label maps they are written to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, check_choice
from ..imaging import PlaneLayout, parse_axes
from ..io import ImageFile, write_labels
from ..spectral import Embedding
from .inputs import names_beside, planes_of
from .options import CHOICES
from .pictures import enlarged

if TYPE_CHECKING:
    from ..spectral.embedding import Discretizer

NESTED = "nested"
# Where the hierarchy ends unless more groups are asked for, so that its groups, and their numbers,
# are the same whatever the level.
_FINEST = 250
# Eigenvalues tell of one group less than there are, and of two at least.
_FEWEST_FOR_AUTO = 3


@dataclass(frozen=True)
class Grouping:
    """Which groups are wanted.

    Attributes
    ----------
    n_groups : int or None
        Number of groups; None leaves it to the eigenvalues.
    method : str
        "nested", or one of `DISCRETIZATIONS`.
    seed : int
        Of what is drawn by chance.
    """

    n_groups: int | None
    method: str = NESTED
    seed: int = 0

    @classmethod
    def of(cls, groups: str | None, grouping: str | None, seed: int | None) -> Grouping | None:
        """What the options of these names ask for; None for no groups."""
        if grouping is not None:
            check_choice("--grouping", grouping, CHOICES["grouping"])
            if groups is None:
                raise InputError("--grouping is of groups. Add --groups, or leave it out.")
        if groups is None:
            return None
        return cls(_number(groups), grouping or NESTED, seed or 0)

    def check(self, layout: PlaneLayout, n_components: int) -> None:
        """Raise an `InputError` unless a cut of so many eigenvectors can give these groups."""
        available = min(n_components, layout.n_nodes)
        if self.n_groups is None:
            if available < _FEWEST_FOR_AUTO:
                raise InputError(
                    f"{available} eigenvectors do not tell how many groups there are. Give "
                    f"--groups a number, or --components of {_FEWEST_FOR_AUTO} and more."
                )
            return
        if self.n_groups > layout.n_nodes:
            raise InputError(
                f"{self.n_groups} groups cannot be had from {layout.n_nodes} cells. Give --groups "
                f"1 to {layout.n_nodes}, or a smaller --stride."
            )
        if self.method != NESTED and self.n_groups > available:
            raise InputError(
                f"{self.n_groups} groups cannot be had from {available} eigenvectors by "
                f"{self.method}. Give --groups 1 to {available}, more --components, or --grouping "
                f"{NESTED}."
            )

    def find(self, embedding: Embedding) -> tuple[NDArray[np.integer], list[str]]:
        """Group of every node (n_nodes,), from 1, and what is to be told of their number."""
        told = []
        n_groups = self.n_groups
        if n_groups is None:
            n_groups, *others = self._suggested(embedding)
            told.append(f"{n_groups} groups, the number that the eigenvalues suggest first.")
            if others:
                told[0] += f" Then they suggest {' and '.join(map(str, others))}."
        labels = self._labels(embedding, n_groups)
        found = int(labels.max())
        if found < n_groups:
            told.append(f"Only {found} of {n_groups} groups: cells are too alike for more.")
        return labels, told

    def _suggested(self, embedding: Embedding) -> list[int]:
        suggested = embedding.suggest_groups()
        if not suggested:
            raise InputError(
                "The eigenvalues suggest no number of groups. Give --groups a number, or more "
                "--components."
            )
        return suggested

    def _labels(self, embedding: Embedding, n_groups: int) -> NDArray[np.integer]:
        if self.method == NESTED:
            tree = embedding.hierarchy(largest=max(n_groups, _FINEST), random_state=self.seed)
            return tree.labels(n_groups)
        method = cast("Discretizer", self.method)
        grids = embedding.kway(n_groups, method=method, random_state=self.seed)
        images = grids if isinstance(grids, list) else [grids]
        return np.concatenate([np.ravel(image) for image in images])


def group_paths(output: Path, images: Sequence[Path]) -> list[Path]:
    """One TIFF for every image, named after output and image."""
    return [output.with_name(f"{name}_groups.tif") for name in names_beside(output, images)]


def group_writers(
    paths: Sequence[Path],
    images: Sequence[ImageFile],
    layout: PlaneLayout,
    labels: NDArray[np.integer],
) -> dict[Path, Callable[[Path], object]]:
    """For every image a function that writes its groups at full size, with the image's axes."""
    return {
        path: _writer(image, layout, planes, labels)
        for path, image, planes in zip(paths, images, planes_of(layout), strict=True)
    }


def _writer(
    image: ImageFile, layout: PlaneLayout, planes: range, labels: NDArray[np.integer]
) -> Callable[[Path], object]:
    parsed = parse_axes(image.axes, image.data.shape)
    stack = "".join(parsed.names[axis] for axis in parsed.stack)
    shape = layout.shapes[planes.start]

    def write(path: Path) -> None:
        # Only now, since all images at full size at once may not fit in memory.
        full: NDArray[Any] = np.empty((prod(parsed.stack_shape), *shape), dtype=labels.dtype)
        for i, plane in enumerate(planes):
            full[i] = enlarged(layout.grid_of(labels, plane), layout.stride, shape)
        write_labels(path, full.reshape(*parsed.stack_shape, *shape), axes=f"{stack}YX")

    return write


def _number(text: str) -> int | None:
    if text == "auto":
        return None
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise InputError(
            f"Groups {text!r} cannot be used. Give a whole number from 1, or auto."
        ) from None
    return number
