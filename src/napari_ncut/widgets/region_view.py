"""Regions of one image at the granularity of the moment, and the layer that shows them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..regions.cuts import Cut
from .granularity_slider import Extent
from .history import Change, History
from .preview import Preview
from .session import OnImages

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels
    from numpy.typing import NDArray

    from ..regions.hierarchy import PlaneHierarchy
    from .reading import Reading


@dataclass(frozen=True, eq=False)
class Chosen:
    """How fine regions are: what an edit changes, and never changed itself.

    Attributes
    ----------
    kind, value
        Of `GRANULARITIES`, for all planes.
    local : dict
        Plane → cut, where somebody made it finer or coarser in places.
    """

    kind: str
    value: float
    local: Mapping[int, Cut] = field(default_factory=dict)


class RegionView:
    """Cuts the regions of an image and shows them; edits are commands of the history.

    Parameters
    ----------
    viewer
        Where they are shown.
    history
        Of the viewer.
    reading
        What was read of one image.
    chosen
        How fine regions are at first.
    follow
        Called with the new layer, to bind keys.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        history: History,
        reading: Reading,
        chosen: Chosen,
        follow: Callable[[Labels], None],
    ) -> None:
        self._viewer = viewer
        self._history = history
        self.reading = reading
        self.images = OnImages(reading.sources)
        self.found: dict[int, PlaneHierarchy] = {}
        self.bound: dict[int, PlaneHierarchy] = {}
        self.chosen = chosen
        # Who shows them; called after every change.
        self.shown: list[Callable[[], None]] = []
        self.outlines = False
        self._cuts: dict[int, Cut] = {}
        self._preview = Preview(viewer, self.images, "preview", follow)

    # -------------------------------------------------------------------------------- what is known

    @property
    def layer(self) -> Labels | None:
        """The layer that shows them, None while there is none."""
        layer: Any = self._preview.layer(0)
        return layer

    @property
    def complete(self) -> bool:
        """Whether every plane has regions."""
        return len(self.found) == self.images.sources[0].n_planes

    @property
    def n_local(self) -> int:
        """Planes that were changed in places."""
        return sum(self._is_current(plane, cut) for plane, cut in self.chosen.local.items())

    def extent(self) -> Extent:
        """What there is to be cut, over all planes that were found."""
        planes = [self.hierarchy(plane) for plane in self.found]
        if not planes:
            return Extent()
        return Extent(
            max(len(plane.tree) for plane in planes),
            min(plane.tree.n_fewest for plane in planes),
            float(planes[0].graph.labels.size),
        )

    def hierarchy(self, plane: int) -> PlaneHierarchy:
        """The regions of a plane as painted labels allow."""
        return self.bound.get(plane, self.found[plane])

    def cut(self, plane: int) -> Cut:
        """The cut of a plane at this moment."""
        tree = self.hierarchy(plane).tree
        local = self.chosen.local.get(plane)
        if local is not None and local.tree is tree:
            return local
        if plane not in self._cuts or self._cuts[plane].tree is not tree:
            self._cuts[plane] = Cut.by(tree, self.chosen.kind, self.chosen.value)
        return self._cuts[plane]

    def pixels(self, plane: int) -> NDArray[np.int32]:
        """Numbers (h, w) of a plane at this moment."""
        return self.hierarchy(plane).pixels(self.cut(plane))

    def visible_plane(self) -> int | None:
        """The plane on screen, if its regions were found."""
        planes = self.images.visible_planes(self._viewer)
        return planes[0] if planes and planes[0] in self.found else None

    def region_at(self, world: Any) -> tuple[int, int] | None:
        """(plane, finest region) at a place in the window; None off the image."""
        if self._viewer.dims.ndisplay != 2:
            return None
        places, inside = self.images.locate_world(np.asarray(world)[np.newaxis], self._viewer)
        plane, row, column = np.floor(places[0] + 0.5).astype(int)
        if not inside[0] or int(plane) not in self.found:
            return None
        return int(plane), int(self.hierarchy(int(plane)).graph.labels[row, column])

    def describe(self, plane: int) -> str:
        """How many regions a plane has and how large they are, for the user."""
        cut = self.cut(plane)
        regions = "1 region" if len(cut) == 1 else f"{len(cut):,} regions"
        here = " in this plane" if len(self.found) > 1 else ""
        half = f", half of them below {np.median(cut.areas):,.0f} px" if len(cut) > 1 else ""
        places = "; changed in places" if self.n_local else ""
        return f"{regions}{here}{half}{places}"

    # --------------------------------------------------------------------------------- what changes

    def bind(self, bound: Mapping[int, PlaneHierarchy]) -> None:
        """Obey painted labels from now on; planes not in `bound` are as they were found."""
        self.bound = {plane: bound[plane] for plane in bound if plane in self.found}
        self._preview.forget()

    def choose(self, kind: str, value: float) -> None:
        """Another granularity everywhere. What was changed in places is undone; that is a step."""
        before, self.chosen = self.chosen, Chosen(kind, value)
        if any(self._is_current(plane, cut) for plane, cut in before.local.items()):
            self._remember("granularity", before)
        self._cuts.clear()
        self._preview.forget()

    def step(self, world: Any, *, finer: bool) -> bool | None:
        """Finer or coarser at a place in the window, as a step of the history.

        Returns
        -------
        bool or None
            Whether anything changed; None off the image.
        """
        where = self.region_at(world)
        if where is None:
            return None
        plane, region = where
        cut = self.cut(plane)
        changed = cut.refined(region) if finer else cut.coarsened(region)
        if changed is cut:
            return False
        before = self.chosen
        self.chosen = replace(before, local={**before.local, plane: changed})
        self._remember("finer here" if finer else "coarser here", before)
        self._preview.done.discard(plane)
        return True

    def show(self, plane: int) -> None:
        """Show one plane, if what is shown is out of date."""
        if plane not in self.found or plane in self._preview.done:
            return
        self._preview.show(plane, self.pixels(plane), None)
        layer = self.layer
        if layer is not None and bool(layer.contour) != self.outlines:
            show_outlines(layer, self.outlines)

    def stale(self) -> list[int]:
        """Planes that have regions and are not shown as they are."""
        return [plane for plane in self.found if plane not in self._preview.done]

    def show_as(self, *, outlines: bool) -> None:
        """Show outlines of regions, or fill them."""
        self.outlines = outlines
        if self.layer is not None:
            show_outlines(self.layer, outlines)

    def remove(self) -> None:
        """Take the layer away."""
        self.shown = []
        self._preview.remove()

    def _is_current(self, plane: int, cut: Cut) -> bool:
        return plane in self.found and cut.tree is self.hierarchy(plane).tree

    def _remember(self, name: str, before: Chosen) -> None:
        self._history.push(
            Change(name, partial(_take_back, weakref.ref(self)), before, self.chosen)
        )

    def take_back(self, chosen: Chosen) -> None:
        """Show an earlier or later choice, on behalf of the history."""
        self.chosen = chosen
        self._cuts.clear()
        self._preview.forget()
        for shown in list(self.shown):
            shown()


def show_outlines(layer: Labels, outlines: bool) -> None:
    """Outlines have to be seen, what fills has to be seen through."""
    layer.contour = int(outlines)
    layer.opacity = 0.9 if outlines else 0.5


def _take_back(reference: weakref.ref[RegionView], chosen: Chosen) -> None:
    # The widget may be closed, or other regions found, by the time of an undo.
    if (view := reference()) is not None:
        view.take_back(chosen)
