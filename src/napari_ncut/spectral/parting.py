"""Contours that part cells: what was asked for, and the graph that follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..imaging import PlaneLayout, Planes
from ..progress import Steps
from .affinity import Kernel, check_neighborly, fit_kernel
from .contours import check_radius, check_strength, contour_graph_steps
from .edges import check_edges, edge_map

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from .ncut import NCut


@dataclass(frozen=True)
class Parting:
    """Contours as `embed` takes them: None, "auto" or edge strengths, how much, and how far."""

    contours: Any
    strength: float
    radius: float

    def check(self, affinity: object) -> None:
        """Raise an `InputError` unless they can be used, before any image is read."""
        check_strength(self.strength)
        check_radius(self.radius)
        if self.contours is None:
            return
        check_neighborly(affinity)
        if isinstance(self.contours, str) and self.contours != "auto":
            raise InputError(
                f'contours={self.contours!r} cannot be used. Give "auto", or edge strengths from '
                f"0 to 1 of the size of the planes, or leave it out."
            )

    def edge_maps(self, planes: Planes) -> list[NDArray[np.float32]] | None:
        """Edge strengths of every plane, or None."""
        if self.contours is None:
            return None
        if isinstance(self.contours, str):
            return [edge_map(planes[i]) for i in range(len(planes))]
        given: list[ArrayLike] = (
            list(self.contours)
            if isinstance(self.contours, list | tuple) or np.ndim(self.contours) == 3
            else [self.contours]
        )
        if len(given) != len(planes):
            raise InputError(
                f"There are {len(given)} contour maps for {len(planes)} planes. Give one (h, w) "
                f'for each plane of all images, or contours="auto".'
            )
        return [check_edges(f"Contour map {i}", edges) for i, edges in enumerate(given)]

    def graph_steps(
        self,
        nodes: NDArray,
        edges: list[NDArray[np.float32]],
        layout: PlaneLayout,
        ncut: NCut,
    ) -> Steps[csr_array]:
        """The graph of these nodes, parted by these edges."""
        kernel = fit_kernel(nodes, ncut.affinity, ncut.bandwidth, ncut.affinity_gamma)
        assert isinstance(kernel, Kernel)
        return (
            yield from contour_graph_steps(
                nodes,
                kernel,
                layout,
                edges,
                radius=self.radius,
                n_neighbors=ncut.n_neighbors,
                strength=self.strength,
            )
        )

    def recipe(self) -> dict[str, Any]:
        """What of it is not the default, as plain data."""
        if self.contours is None:
            return {}
        told = self.contours if isinstance(self.contours, str) else "given"
        return {
            "contours": told,
            "contour_strength": self.strength,
            "contour_radius": self.radius,
        }
