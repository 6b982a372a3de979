"""Sample images come as layer data, without napari."""

from __future__ import annotations

from napari_ncut.samples import coins, immunohistochemistry


def test_samples_are_layer_data():
    ((image, options, kind),) = immunohistochemistry()
    assert (image.shape, options["rgb"], kind) == ((512, 512, 3), True, "image")
    ((image, options, kind),) = coins()
    assert (image.ndim, kind) == (2, "image")
    assert options["name"] == "Coins"
