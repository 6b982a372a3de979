from __future__ import annotations

import numpy as np
import pytest

from napari_ncut.backbones import BACKBONES, backbone_entry, list_backbones, load_backbone
from napari_ncut.errors import InputError


def test_the_default_needs_no_download():
    assert list_backbones() == list(BACKBONES)
    assert backbone_entry("filterbank").size == 0
    assert backbone_entry("filterbank").unavailable_because == ""


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("filterbnk", {}, "Did you mean 'filterbank'"),
        ("filterbank", {"layer": 4}, "Layer 4 of filterbank does not exist.*0 to 3"),
        ("filterbank", {"layer": -5}, "does not exist"),
        ("filterbank", {"layer": "deepest"}, "Unknown layer of filterbank 'deepest'"),
        ("filterbank", {"layer": 1.5}, "does not exist"),
        ("filterbank", {"node": "colour"}, "Did you mean 'color'"),
        ("filterbank", {"checkpoint": "w.pth"}, "has no such option"),
        ("filterbank", {"stride": 3}, "power of two"),
        ("filterbank", {"stride": 0}, "power of two"),
        ("filterbank", {"stride": 2.0}, "power of two"),
    ],
)
def test_what_does_not_fit_is_explained(name, options, message):
    with pytest.raises(InputError, match=message):
        load_backbone(name, **options)


@pytest.mark.parametrize("layer", [1, -3, "1", "-3", "σ ≤ 2 px", np.int64(1)])
def test_a_layer_may_be_an_index_or_a_label(layer):
    assert load_backbone("filterbank", layer=layer).options["layer"] == 1
