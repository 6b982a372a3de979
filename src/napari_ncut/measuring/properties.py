"""What can be measured of a segment, as data.

Columns of tables, boxes to check in the window, choices of the command line and the table in the
docs are made from it; the functions behind it are imported when they are used.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, check_choice

_HERE = "napari_ncut.measuring"
_BOTH = (2, 3)


@dataclass(frozen=True)
class Property:
    """One number that every segment has.

    Attributes
    ----------
    name, title, text : str
        Its column, its name in a window, and what it tells.
    group : str
        Of `GROUPS`; what is computed together.
    power : int
        Which power of the unit it has: 0 of a plain number, 1 of a length, 2 an area, 3 a volume.
    dimensions : tuple of int
        Of what it can be measured: 2 for pieces of planes, 3 for pieces of volumes.
    """

    name: str
    title: str
    text: str
    group: str
    power: int = 0
    dimensions: tuple[int, ...] = _BOTH

    @property
    def needs_image(self) -> bool:
        """Whether it is measured in an image, once for every channel."""
        return GROUPS[self.group].needs_image


@dataclass(frozen=True)
class PropertyGroup:
    """Properties that are computed together.

    Attributes
    ----------
    name, title, text : str
        How users call it, its name in a window, and what it does in a line.
    run : str
        "module:function", which takes a `Scene` and the names that are wanted, and gives a dict of
        columns; one that takes long is a generator of progress that does.
    default : bool
        Whether it is measured where nothing is said.
    needs_image : bool
    """

    name: str
    title: str
    text: str
    run: str
    default: bool = True
    needs_image: bool = False

    def function(self) -> Callable[..., Any]:
        """What does it."""
        module, name = self.run.split(":")
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return function

    def properties(self, n_dims: int | None = None) -> list[Property]:
        """Its properties, those of planes (2) or volumes (3), or all."""
        return [
            one
            for one in PROPERTIES.values()
            if one.group == self.name and (n_dims is None or n_dims in one.dimensions)
        ]


GROUPS: dict[str, PropertyGroup] = {
    group.name: group
    for group in (
        PropertyGroup(
            "size",
            "Size",
            "pixels, area or volume, their share of the image, equivalent diameter",
            f"{_HERE}.sizes:sizes",
        ),
        PropertyGroup(
            "place",
            "Place",
            "middle, bounding box, whether the border of the image is touched",
            f"{_HERE}.sizes:places",
        ),
        PropertyGroup(
            "shape",
            "Shape",
            "axes of the ellipse of equal moments, aspect ratio, eccentricity, orientation",
            f"{_HERE}.moments:shapes",
        ),
        PropertyGroup(
            "outline",
            "Outline",
            "perimeter and circularity, of volumes surface and sphericity",
            f"{_HERE}.outlines:outlines",
        ),
        PropertyGroup(
            "hull",
            "Convex hull",
            "solidity and Feret diameter; about a millisecond for every segment",
            f"{_HERE}.hulls:hulls",
            default=False,
        ),
        PropertyGroup(
            "intensity",
            "Intensity",
            "mean, lowest, highest and deviation of every channel; NaN is left out",
            f"{_HERE}.intensities:intensities",
            needs_image=True,
        ),
    )
}

PROPERTIES: dict[str, Property] = {
    one.name: one
    for one in (
        Property("pixels", "Pixels", "number of pixels (voxels)", "size"),
        Property("area", "Area", "pixels times the area of one", "size", 2, (2,)),
        Property("volume", "Volume", "voxels times the volume of one", "size", 3, (3,)),
        Property("area_fraction", "Area fraction", "share of its plane, 0 to 1", "size", 0, (2,)),
        Property(
            "volume_fraction", "Volume fraction", "share of its volume, 0 to 1", "size", 0, (3,)
        ),
        Property(
            "equivalent_diameter",
            "Equivalent diameter",
            "diameter of the circle (ball) of the same area (volume)",
            "size",
            1,
        ),
        Property("centroid_depth", "Depth", "of the middle, from that of the first plane",
                 "place", 1, (3,)),
        Property("centroid_row", "Row", "of the middle, from that of the first pixel", "place", 1),
        Property("centroid_column", "Column", "of the middle, from that of the first pixel",
                 "place", 1),
        Property("front", "Front", "first plane of the bounding box", "place", 0, (3,)),
        Property("top", "Top", "first row of the bounding box, in pixels", "place"),
        Property("left", "Left", "first column of the bounding box, in pixels", "place"),
        Property("back", "Back", "plane behind the bounding box", "place", 0, (3,)),
        Property("bottom", "Bottom", "row behind the bounding box, in pixels", "place"),
        Property("right", "Right", "column behind the bounding box, in pixels", "place"),
        Property("touches_border", "Touches border", "1 if it reaches the border of the image, so "
                 "that part of it may be missing; else 0", "place"),
        Property("major_axis", "Major axis", "length of the ellipse with the same second moments",
                 "shape", 1),
        Property("minor_axis", "Minor axis", "its shortest axis", "shape", 1),
        Property("aspect_ratio", "Aspect ratio", "major over minor axis, from 1; none where the "
                 "minor one is 0", "shape"),
        Property("eccentricity", "Eccentricity", "of that ellipse: 0 of a circle, near 1 of a "
                 "line", "shape", 0, (2,)),
        Property("orientation", "Orientation (°)", "angle from the direction of the rows' numbers "
                 "(down) to the major axis, −90° to 90°, counterclockwise; none where all "
                 "directions are alike", "shape", 0, (2,)),
        Property("extent", "Extent", "share of its bounding box, 0 to 1", "shape"),
        Property("perimeter", "Perimeter", "length of its outline with those of its holes, by "
                 "Crofton's formula in 4 directions", "outline", 1, (2,)),
        Property("circularity", "Circularity", "4π area over perimeter squared: 1 of a circle",
                 "outline", 0, (2,)),
        Property("surface", "Surface", "area of its surface, by Crofton's formula in 13 "
                 "directions", "outline", 2, (3,)),
        Property("sphericity", "Sphericity", "surface of the ball of the same volume over its own: "
                 "1 of a ball", "outline", 0, (3,)),
        Property("solidity", "Solidity", "share of its convex hull, 0 to 1", "hull"),
        Property("feret_max", "Feret diameter", "longest distance between two points of its "
                 "outline", "hull", 1),
        Property("intensity_mean", "Mean", "mean intensity", "intensity"),
        Property("intensity_min", "Lowest", "lowest intensity", "intensity"),
        Property("intensity_max", "Highest", "highest intensity", "intensity"),
        Property("intensity_std", "Deviation", "standard deviation of intensities", "intensity"),
    )
}  # fmt: skip

# Between the name of a property and that of the channel that it was measured in.
OF_CHANNEL = "-"


def size_name(n_dims: int) -> str:
    """The property that says how large segments of planes (2) or volumes (3) are."""
    return "area" if n_dims == 2 else "volume"


def wanted_properties(
    wanted: Iterable[str] | str | None, n_dims: int, *, has_image: bool
) -> dict[str, list[str]]:
    """Which properties of each group are to be measured.

    Parameters
    ----------
    wanted
        Names of groups and of properties; None for all groups that are measured by default.
    n_dims
        2 for segments of planes, 3 for those of volumes.
    has_image
        Whether there is an image to measure in.

    Raises
    ------
    InputError
        If a name is unknown, or cannot be measured here.
    """
    names = [wanted] if isinstance(wanted, str) else wanted
    if names is None:
        names = [g.name for g in GROUPS.values() if g.default and (has_image or not g.needs_image)]
    chosen = {size_name(n_dims)}
    for name in names:
        check_choice("property", name, [*GROUPS, *PROPERTIES])
        some = GROUPS[name].properties(n_dims) if name in GROUPS else [PROPERTIES[name]]
        for one in some:
            if n_dims not in one.dimensions:
                kind = "planes" if n_dims == 2 else "volumes"
                raise InputError(f"{one.name} cannot be measured of segments of {kind}.")
            if one.needs_image and not has_image:
                raise InputError(
                    f"{one.name} is measured in an image, and none was given. Give one, or leave "
                    f"it out."
                )
        chosen |= {one.name for one in some}
    ordered = {
        group: [one.name for one in entry.properties() if one.name in chosen]
        for group, entry in GROUPS.items()
    }
    return {group: some for group, some in ordered.items() if some}
