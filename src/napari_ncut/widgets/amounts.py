"""How much there is of every class, as the table of classes shows it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..measuring import ClassMeasure
from .session import Prepared


def amounts(
    measures: Iterable[list[ClassMeasure]], prepared: Prepared | None
) -> dict[int, tuple[str, str]]:
    """Count and area of every class over planes, as texts, in the unit of the first image."""
    size, unit = pixel_area(prepared)
    totals: dict[int, tuple[int, int]] = {}
    for of_plane in measures:
        for measure in of_plane:
            count, pixels = totals.get(measure.label, (0, 0))
            totals[measure.label] = (count + measure.count, pixels + measure.pixels)
    return {
        label: (f"{count}", f"{pixels * size:,.6g} {unit}")
        for label, (count, pixels) in totals.items()
    }


def pixel_area(prepared: Prepared | None) -> tuple[float, str]:
    """Area of a pixel, and its unit, of the first image."""
    layer = prepared.sources[0].layer if prepared is not None else None
    if prepared is None or layer is None:
        return 1.0, "px"
    source = prepared.sources[0]
    dims = [source.names.index("Y"), source.names.index("X")]
    units = [f"{layer.units[dim]:~P}" for dim in dims] if hasattr(layer, "units") else ["px", "px"]
    if units[0] != units[1] or units[0] in ("px", "pixel"):
        return 1.0, "px"
    return float(np.prod(np.asarray(layer.scale)[dims] * source.factors[dims])), f"{units[0]}²"
