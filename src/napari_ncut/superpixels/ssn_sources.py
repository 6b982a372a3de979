"""Where the features of superpixel sampling networks come from."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import check_choice
from .ssn_network import DEEP, SsnSettings

if TYPE_CHECKING:
    from torch import nn

Image = NDArray[np.float32]

SOURCES = {
    "pixels": "color and place alone: nothing is learned but their weights",
    "deep": "a small convolutional network of its own",
    "compact": "boundaries, embedding and finest features of the embedded network",
    "backbone": "any backbone, such as the keys of DINO's last block",
}
# Features are learned beside color and place.
_DIMENSIONS = 20
# Of unit length a transformer's features are hardly apart; this brings them to the order of color.
_BACKBONE_SCALE = 4.0


class Source(Protocol):
    """Gives maps of planes.

    Attributes
    ----------
    settings : SsnSettings
        Of a network on it.
    gain : float
        How much its maps count when training begins, beside color and place; 0 for not at all.
    """

    settings: SsnSettings
    gain: float

    def maps(self, plane: Image) -> list[Image]:
        """Maps (rows, columns, d) of a plane (h, w, c), as `settings` says."""
        ...


class PixelSource:
    """Nothing beside the pixels themselves; the network may have layers of its own."""

    gain = 0.0

    def __init__(self, source: str = "pixels") -> None:
        deep = source == "deep"
        self.settings = SsnSettings(
            source=source, maps=DEEP if deep else (), dimensions=_DIMENSIONS if deep else 0
        )

    def maps(self, plane: Image) -> list[Image]:
        """None."""
        return []


class CompactSource:
    """The embedded network: boundaries at full resolution, the rest at half of it."""

    gain = 3.0

    def __init__(self, device: str | None = None) -> None:
        from ..backbones.compact import Compact
        from ..backbones.compact_network import PYRAMID, SEGMENT_DIMENSIONS
        from ..backbones.compact_weights import weights_path

        self._network = Compact(device=device)
        self.settings = SsnSettings(
            source="compact",
            maps=((1, 1), (2 * SEGMENT_DIMENSIONS, 2), (PYRAMID[0], 2)),
            dimensions=_DIMENSIONS,
            trained=digest_of(str(weights_path())),
        )

    def maps(self, plane: Image) -> list[Image]:
        """Boundaries, the embedding of segments, and the finest features."""
        found = self._network.maps(plane)
        return [found.boundary[..., np.newaxis], found.segment, found.pyramid[0]]


class BackboneSource:
    """Any backbone, one layer of it, at its own stride.

    Parameters
    ----------
    backbone
        A name, as `load_backbone` takes it.
    **options
        Of `load_backbone`; for SSN on DINO ``layer=-1, node="k"``.
    """

    gain = 1.0

    def __init__(self, backbone: str, *, device: str | None = None, **options: Any) -> None:
        from ..backbones import load_backbone
        from ..backbones.extract import extract_features

        self.backbone: Any = load_backbone(backbone, device=device, **options)
        # Asked once: the number of features is known by no entry, and a stride may be chosen.
        small = np.linspace(0, 1, 64 * 64 * 3, dtype=np.float32).reshape(64, 64, 3)
        found = extract_features(small, self.backbone, axes="YXC", scaling="dtype")
        self.stride = found.stride
        kept = self.backbone.options
        self.settings = SsnSettings(
            source="backbone",
            maps=((found.values.shape[1], found.stride),),
            dimensions=_DIMENSIONS,
            backbone=backbone,
            layer=kept.get("layer"),
            node=kept.get("node"),
            architecture=kept.get("architecture"),
            checkpoint=kept.get("checkpoint"),
        )

    def maps(self, plane: Image) -> list[Image]:
        """The backbone's features at its stride."""
        (found,) = self.backbone.features([plane], self.stride)
        return [scaled(found, axis=-1)]

    @property
    def module(self) -> nn.Module:
        """The network itself."""
        module: nn.Module = self.backbone.network.module
        return module


def scaled(maps: Any, axis: int) -> Any:
    """Every cell's features at one length: arrays and tensors alike."""
    squares = (maps * maps).sum(axis, keepdims=True)
    return maps * (_BACKBONE_SCALE / (squares + 1e-6) ** 0.5)


def source_of(settings: SsnSettings, device: str | None = None) -> Source:
    """The source that a network was trained on."""
    check_choice("source", settings.source, SOURCES)
    if settings.source == "compact":
        return CompactSource(device)
    if settings.source == "backbone":
        assert settings.backbone is not None  # who wrote the settings named it
        names = ("layer", "node", "architecture", "checkpoint")
        kept = {name: getattr(settings, name) for name in names}
        given = {name: value for name, value in kept.items() if value is not None}
        return BackboneSource(settings.backbone, device=device, **given)
    return PixelSource(settings.source)


@lru_cache(maxsize=4)
def digest_of(path: str) -> str:
    """What tells the content of a file of weights from another, in 16 letters."""
    return sha256(Path(path).read_bytes()).hexdigest()[:16]
