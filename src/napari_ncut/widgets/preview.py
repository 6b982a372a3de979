"""Preview layers: the masks and heat of the moment, laid on their images, never painted on."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from .classes import ClassList
from .layers import Source, free_name, unwrap

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from .session import OnImages


_TRANSFORMS = ("scale", "translate", "rotate", "shear", "affine")


class Preview:
    """One kind of preview, such as masks or heat, of all images that are worked on.

    Parameters
    ----------
    viewer
        Where the layers are shown.
    prepared
        Whose images.
    kind
        "preview" for masks, "heat" for likeness; named after the images, and the role of the layer.
    follow
        Called with every new layer, to bind keys.
    """

    def __init__(self, viewer: ViewerModel, prepared: OnImages, kind: str, follow: Any) -> None:
        self._viewer = viewer
        self._prepared = prepared
        self._kind = kind
        self._follow = follow
        self._layers: dict[int, weakref.ref[Layer]] = {}
        self._empty = True
        self.done: set[int] = set()
        for source in prepared.sources:
            if (image := source.layer) is not None:
                for name in _TRANSFORMS:
                    # napari holds methods weakly: nothing to undo when the preview goes.
                    getattr(image.events, name).connect(self.realign)

    def layer(self, number: int) -> Layer | None:
        """The preview layer of a source, None if there is none in the viewer."""
        layer = self._layers[number]() if number in self._layers else None
        return layer if layer is not None and layer in self._viewer.layers else None

    @property
    def layers(self) -> list[Layer]:
        """All preview layers that exist."""
        return [layer for number in self._layers if (layer := self.layer(number)) is not None]

    def held(self, layer: Layer) -> bool:
        """Whether a layer, possibly deleted by now, is or was one of these previews."""
        return any(reference() is layer for reference in self._layers.values())

    def forget(self) -> None:
        """What is shown is out of date; it stays until it is computed anew."""
        self.done.clear()

    def known(self) -> dict[int, NDArray]:
        """The planes that are up to date."""
        result = {}
        for plane in self.done:
            number, place = self._place(plane)
            if (layer := self.layer(number)) is not None:
                result[plane] = self._prepared.sources[number].plane_in(layer.data, place)
        return result

    def show(
        self, plane: int, values: NDArray, above: Layer | None, classes: ClassList | None = None
    ) -> None:
        """Show values (h, w) on one plane; numbers without classes in napari's own colors."""
        number, place = self._place(plane)
        source = self._prepared.sources[number]
        if source.layer is None:
            return
        layer = self.layer(number)
        if layer is None or not np.can_cast(values.dtype, layer.data.dtype):
            layer = self._add(number, source, values.dtype, above, classes)
        source.plane_in(layer.data, place)[...] = values
        self.done.add(plane)
        self._empty = False
        if self._viewer.dims.ndisplay == 3 or source.visible_plane(self._viewer) in (place, None):
            layer.refresh(extent=False, thumbnail=False)

    def clear(self) -> None:
        """Empty all layers."""
        self.done.clear()
        if self._empty:
            return
        self._empty = True
        for layer in self.layers:
            layer.data = np.zeros(layer.data.shape, layer.data.dtype)

    def remove(self) -> None:
        """Take all layers out of the viewer."""
        self.done.clear()
        layers = self.layers
        self._layers.clear()
        for layer in layers:
            self._viewer.layers.remove(layer)

    def recolor(self, classes: ClassList) -> None:
        """Show masks in the colors of the classes."""
        for layer in self.layers:
            if isinstance(layer, Labels):
                layer.colormap = DirectLabelColormap(color_dict=classes.color_dict())

    def realign(self, event: Any = None) -> None:
        """Follow images that are moved."""
        for number, source in enumerate(self._prepared.sources):
            layer = self.layer(number)
            if layer is not None and source.layer is not None:
                set_spatial(layer, source.spatial())

    def _place(self, plane: int) -> tuple[int, int]:
        number = int(np.searchsorted(self._prepared.first_planes, plane, side="right")) - 1
        return number, plane - int(self._prepared.first_planes[number])

    def _add(
        self,
        number: int,
        source: Source,
        dtype: np.dtype,
        above: Layer | None,
        classes: ClassList | None,
    ) -> Layer:
        old = self.layer(number)
        image = source.layer
        name = free_name(self._viewer, f"{image.name} {self._kind}") if old is None else old.name
        data = np.zeros(source.shape, dtype=dtype)
        layer: Layer
        if dtype.kind == "f":
            layer = Image(
                data, name=name, colormap="inferno", opacity=0.6, contrast_limits=(0, 1),
                **source.spatial(),
            )  # fmt: skip
        else:
            layer = Labels(data, name=name, opacity=0.5, **source.spatial())
            if classes is not None:
                layer.colormap = DirectLabelColormap(color_dict=classes.color_dict())
            layer.editable = False
        layer.metadata["napari_ncut"] = {"role": self._kind}
        add_below(self._viewer, layer, above)
        self._layers[number] = weakref.ref(layer)
        if old is not None:
            self._viewer.layers.remove(old)
        self._follow(layer)
        return layer


def add_below(viewer: ViewerModel, layer: Layer, above: Layer | None) -> None:
    """Add a layer just under another; the selection stays where the user works."""
    selected = list(viewer.layers.selection)
    active = viewer.layers.selection.active
    place = (
        viewer.layers.index(above)
        if above is not None and above in viewer.layers
        else len(viewer.layers)
    )
    viewer.layers.insert(place, unwrap(layer))
    if selected:
        viewer.layers.selection = selected
        viewer.layers.selection.active = active


def set_spatial(layer: Layer, spatial: dict[str, Any]) -> None:
    """Give a layer the transform that `Source.spatial` returned, if it has another."""
    for name in _TRANSFORMS[:-1]:
        if not np.allclose(getattr(layer, name), spatial[name]):
            setattr(layer, name, spatial[name])
    if not np.allclose(np.asarray(layer.affine), np.asarray(spatial["affine"])):
        layer.affine = np.asarray(spatial["affine"])
