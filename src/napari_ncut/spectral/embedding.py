"""The result of a cut, with what it takes to use it: sample, color, group, extend, keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..backbones.preparation import Preparation
from ..errors import InputError, is_number
from ..imaging import GuidedUpsampler, PlaneLayout, Planes, Scaling, as_planes
from ..imaging.intensity import is_of_each_image, plain_scaling
from .colors import eigenvector_colors, unit_rows
from .discretize import discretize
from .eigengap import suggest_groups
from .features import load_recipe_backbone, new_features
from .hierarchy import GroupHierarchy
from .mixture import Mixture
from .ncut import NCut
from .palette import Coloring, Palette
from .storage import read_embedding, save_embedding

Discretizer = Literal["cluster_qr", "rotation", "kmeans"]


@dataclass(frozen=True)
class Embedding:
    """Eigenvectors of one image, or of many jointly.

    Made by `embed`; every question asked of an image starts here.

    Attributes
    ----------
    vectors : float32 array (n_nodes, k)
        Eigenvectors of all nodes, plane after plane.
    eigenvalues : float64 array (k,)
        Descending, the trivial first one included.
    degrees : float64 array (n_nodes,)
        Row sums of the affinities.
    layout : PlaneLayout
        Where the nodes lie in the images.
    ncut : NCut
        The fitted cut.
    preparation : Preparation
        How features were prepared for it.
    recipe : dict
        What `embed` was called with, as plain data.
    planes : Planes or None
        The images, read when full-resolution results are asked for.
    mixture : Mixture or None
        Color and place that count beside the features.
    palette : Palette or None
        Colors of the embedding that this one was transformed by, so that they stay the same.
    """

    vectors: NDArray[np.float32] = field(repr=False)
    eigenvalues: NDArray[np.float64] = field(repr=False)
    degrees: NDArray[np.float64] = field(repr=False)
    layout: PlaneLayout
    ncut: NCut
    preparation: Preparation = field(repr=False)
    recipe: dict[str, Any]
    planes: Planes | None = field(default=None, repr=False)
    mixture: Mixture | None = field(default=None, repr=False)
    palette: Palette | None = field(default=None, repr=False)

    @property
    def eigenvectors(self) -> Any:
        """Eigenvectors on the feature grid: (n, rows, columns, k); a list for a list of images."""
        return self.layout.grids_as_given(self.vectors)

    @property
    def stride(self) -> int:
        """Pixels per cell of the feature grid."""
        return self.layout.stride

    @property
    def n_components(self) -> int:
        """Number of eigenvectors."""
        return self.vectors.shape[1]

    @cached_property
    def unit_vectors(self) -> NDArray[np.float32]:
        """Eigenvectors of all nodes, each node's row brought to unit length (n_nodes, k)."""
        return unit_rows(self.vectors)

    def generalized(self) -> Any:
        """Generalized eigenvectors D^-½u, in the shape of `eigenvectors`: the first is constant."""
        scaled = self.vectors / np.sqrt(self.degrees)[:, np.newaxis]
        return self.layout.grids_as_given(scaled.astype(np.float32))

    def colors(
        self,
        *,
        method: Coloring = "pca",
        quantile: float = 0.95,
        reference: ArrayLike | None = None,
        random_state: int = 0,
    ) -> Any:
        """RGB of the eigenvectors on the feature grid, float32 0 to 1; see `eigenvector_colors`.

        Images that came by `transform` get the colors of those they were added to, unless anything
        is asked for. `reference` has a row (3) for every node.
        """
        asked = (method, quantile, random_state) != ("pca", 0.95, 0) or reference is not None
        if self.palette is not None and not asked:
            return self.layout.grids_as_given(self.palette(self.vectors))
        colors = eigenvector_colors(
            self.vectors,
            method=method,
            quantile=quantile,
            reference=reference,
            random_state=random_state,
        )
        return self.layout.grids_as_given(colors)

    def kway(self, n: int, *, method: Discretizer = "cluster_qr", random_state: int = 0) -> Any:
        """Group all nodes into `n` groups by the first `n` eigenvectors.

        Parameters
        ----------
        n
            Number of groups; see `suggest_groups`.
        method
            "cluster_qr", "rotation" or "kmeans"; see `discretize`.
        random_state
            Of "kmeans".

        Returns
        -------
        int32, (n, rows, columns) or a list
            Groups 1 to n by falling size, the same over all images, on the feature grid.
        """
        if not is_number(n, whole=True) or not 1 <= n <= self.n_components:
            raise InputError(
                f"{n!r} groups cannot be had from {self.n_components} eigenvectors. Give 1 to "
                f"{self.n_components}, or embed with a larger n_components; hierarchy() finds more "
                f"groups than eigenvectors."
            )
        groups = discretize(self.vectors[:, :n], n, method=method, random_state=random_state)
        return self.layout.grids_as_given(groups)

    def hierarchy(
        self,
        *,
        largest: int = 250,
        node_colors: ArrayLike | None = None,
        random_state: int = 0,
    ) -> GroupHierarchy:
        """Nested groups of all nodes, from 1 to `largest`, with colors that stay.

        ``layout.grids_as_given(embedding.hierarchy().labels(25))`` are 25 groups on the grid.
        `node_colors` (n_nodes, 3) are what groups are to resemble; default: `colors`.
        """
        return GroupHierarchy.fit(
            self.vectors,
            eigenvalues=self.eigenvalues,
            largest=largest,
            node_colors=node_colors,
            random_state=random_state,
        )

    def suggest_groups(self, n: int = 3) -> list[int]:
        """Up to `n` numbers of groups that the gaps between eigenvalues suggest, best first."""
        return suggest_groups(self.eigenvalues, n=n)

    def sample(self, points: ArrayLike) -> NDArray[np.float32]:
        """Eigenvectors (n, k) of the cells under points in pixels.

        Parameters
        ----------
        points
            (n, 2) rows (row, column) for one plane, (n, 3) rows (plane, row, column) otherwise.

        Raises
        ------
        InputError
            If a point lies outside the images.
        """
        return self.vectors[self.layout.node_at(self.layout.pixels_inside(points))]

    def transform(
        self,
        new_images: Any,
        *,
        axes: str | Sequence[str | None] | None = None,
        scaling: Scaling | None = None,
    ) -> Embedding:
        """Eigenvectors of further images in the same cut, without solving it again.

        Parameters
        ----------
        new_images
            An array or a list of arrays, of the kind that was embedded.
        axes, scaling
            Theirs, as for `embed`; default: those of the images that were embedded, which must
            have been the same for all of them then.

        Raises
        ------
        InputError
            If the images cannot be used, or it is not clear what their axes or scaling are.
        """
        axes = self._recorded_axes() if axes is None else axes
        scaling = self._recorded_scaling() if scaling is None else scaling
        planes = as_planes(new_images, axes=axes, channels=self.recipe["channels"], scaling=scaling)
        if self.planes is not None:
            # Gray images go with color ones here as they do in one list.
            planes = planes.with_channels(self.planes.n_channels)
        backbone = load_recipe_backbone(self.recipe, self.layout.stride)
        features = new_features(planes, backbone, self.preparation, self.mixture)
        vectors, degrees = self.ncut.extend(features.values)
        return Embedding(
            vectors=vectors,
            eigenvalues=self.eigenvalues,
            degrees=degrees,
            layout=features.layout,
            ncut=self.ncut,
            preparation=self.preparation,
            recipe={**self.recipe, "axes": axes, "scaling": scaling},
            planes=planes,
            mixture=self.mixture,
            palette=self.palette or Palette.fit(self.vectors),
        )

    def _recorded_axes(self) -> str | None:
        axes = self.recipe["axes"]
        if not isinstance(axes, list | tuple):
            return axes
        return _of_all("axes", [(one or "YX").upper() for one in axes])

    def _recorded_scaling(self) -> Scaling:
        scaling = plain_scaling(self.recipe["scaling"])
        return _of_all("scaling", scaling) if is_of_each_image(scaling) else scaling

    def upsampler(self, plane: int) -> GuidedUpsampler:
        """What enlarges maps on a plane's grid to its pixels, with edges that follow the image."""
        height, width = self.layout.shapes[plane]
        if self.planes is None:
            # Without the image nothing can be followed: an even guide makes it bilinear.
            return GuidedUpsampler(np.zeros((height, width, 1), np.float32), self.stride)
        return GuidedUpsampler(self.planes[plane], self.stride)

    def save(self, path: str | Path, *, images: bool = True) -> None:
        """Write to one ``.npz`` file, whole or not at all; see `load`.

        Parameters
        ----------
        path
            File to write.
        images
            Whether to keep the planes, at 8 bits, so that masks made after loading still follow
            their edges.
        """
        save_embedding(self, Path(path), images=images)

    @classmethod
    def load(cls, path: str | Path) -> Embedding:
        """Read what `save` wrote; an `InputError` if the file is something else."""
        return cls(**read_embedding(Path(path)))


def _of_all(what: str, items: list[Any]) -> Any:
    """What was said of each image, where it was the same for all."""
    if any(item != items[0] for item in items):
        told = ", ".join(dict.fromkeys(map(str, items)))
        raise InputError(
            f"The images that were embedded had {what} of their own ({told}), so those of new "
            f"images are not known. Give {what}= one for all new images, or a list."
        )
    return items[0]
