"""Images alone, without an embedding: all that a method needs that looks at nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..imaging import Channels, GuidedUpsampler, PlaneLayout, Planes, Scaling, as_planes

# Of what strokes and clicks are told apart by, where nothing else says how fine that is.
_STRIDE = 8


@dataclass(frozen=True)
class BareImages:
    """What an embedding is made of, before anything was computed.

    Attributes
    ----------
    planes : Planes
        The images.
    layout : PlaneLayout
        Where they lie.
    recipe : dict
        How they are read, as plain data; "backbone" is None.
    """

    planes: Planes
    layout: PlaneLayout
    recipe: dict[str, Any]

    @classmethod
    def of(
        cls,
        images: Any,
        *,
        axes: str | Sequence[str | None] | None = None,
        channels: Channels = None,
        scaling: Scaling = "stack",
    ) -> BareImages:
        """Describe images; nothing is computed. See `as_planes`."""
        planes = as_planes(images, axes=axes, channels=channels, scaling=scaling)
        recipe = {"backbone": None, "axes": axes, "channels": channels, "scaling": scaling}
        layout = PlaneLayout(planes.shapes, _STRIDE, planes.stacks, planes.is_list)
        return cls(planes, layout, recipe)

    def upsampler(self, plane: int) -> GuidedUpsampler:
        """See `Embedding.upsampler`."""
        height, width = self.layout.shapes[plane]
        return GuidedUpsampler(np.zeros((height, width, 1), np.float32), self.layout.stride)
