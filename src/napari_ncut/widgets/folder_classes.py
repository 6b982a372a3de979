"""Classes of a folder, of the window and of the layer that is painted on, kept the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.utils.colormaps import DirectLabelColormap

from ..errors import InputError
from ..io.colors import as_hex, default_color
from .roles import note, notes_of
from .workers import tell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Labels

    from ..folders import ImageFolder
    from .classes import ClassList


class ClassSync:
    """Carries classes between a folder and the window.

    Attributes
    ----------
    taking : bool
        Whether the window's classes are being changed by a folder at this moment.
    """

    def __init__(self, classes: ClassList) -> None:
        self._classes = classes
        self.taking = False

    def take(self, folder: ImageFolder) -> None:
        """Let the window's classes be those of a folder."""
        self.taking = True
        names, colors = folder.names, folder.colors
        self._classes.ensure(sorted(names), names)
        for label, name in names.items():
            self._classes.rename(label, name)
            self._classes.recolor(label, colors[label])
        self.taking = False

    def give(self, folder: ImageFolder) -> None:
        """Let a folder know the classes that the user has named, so that no file takes theirs."""
        own = [one for one in self._classes.entries if one.name != f"class {one.label}"]
        names = {one.label: one.name for one in own} | folder.names
        colors = {one.label: one.color for one in own} | folder.colors
        if names != folder.names:
            _set(folder, names, colors)

    def keep(self, folder: ImageFolder, painted: Labels) -> None:
        """Let a folder's classes be those of the layer that is painted on."""
        names, colors = classes_on(painted)
        # Files may have brought classes that no layer knows.
        known = {n: name for n, name in folder.names.items() if n not in names}
        own = {n: folder.colors[n] for n in known}
        _set(folder, {**known, **names}, {**own, **colors})


def _set(folder: ImageFolder, names: Mapping[int, str], colors: Mapping[int, str]) -> None:
    try:
        folder.set_classes(names, colors)
    except InputError as error:
        tell(error)


def paint_classes(layer: Labels, classes: ClassList) -> None:
    """Give a layer the colors of classes, and note their names."""
    note(layer, classes=classes.names)
    layer.colormap = DirectLabelColormap(color_dict=classes.color_dict())


def classes_on(layer: Labels) -> tuple[Mapping[int, str], Mapping[int, str]]:
    """Names and colors ("#rrggbb") of the classes that a layer tells."""
    names = {int(n): str(name) for n, name in notes_of(layer).get("classes", {}).items()}
    told = getattr(layer.colormap, "color_dict", {})
    colors = {}
    for label in names:
        color = told.get(label)
        parts = None if color is None else np.round(np.asarray(color)[:3] * 255).astype(int)
        colors[label] = default_color(label) if parts is None else as_hex(*parts.tolist())
    return names, colors
