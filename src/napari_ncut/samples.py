"""Sample images for napari's File › Open Sample, out of scikit-image: no download."""

from __future__ import annotations

from typing import Any

LayerData = tuple[Any, dict[str, Any], str]


def immunohistochemistry() -> list[LayerData]:
    """Colon tissue, epithelium stained brown, nuclei blue: RGB, 512 × 512 pixels."""
    from skimage.data import immunohistochemistry as image

    return [(image(), {"name": "Immunohistochemistry", "rgb": True}, "image")]


def coins() -> list[LayerData]:
    """Greek coins from Pompeii on an uneven ground: gray, 303 × 384 pixels."""
    from skimage.data import coins as image

    return [(image(), {"name": "Coins"}, "image")]
