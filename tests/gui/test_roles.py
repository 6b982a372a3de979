"""Which layers are ours, and which image they belong to."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_ncut.widgets.roles import PAINTED, SEGMENTS, labels_on, lies_on, note, role_of


def image(**given: object) -> Image:
    return Image(np.zeros((20, 30)), **{"scale": (0.5, 0.5), "translate": (3, 4), **given})


def test_notes_add_up() -> None:
    layer = Labels(np.zeros((4, 5), int))
    assert role_of(layer) == ""
    note(layer, role=PAINTED)
    note(layer, classes={1: "grain"})
    assert layer.metadata["napari_ncut"] == {"role": PAINTED, "classes": {1: "grain"}}


@pytest.mark.parametrize(
    ("shape", "placed", "lies"),
    [
        ((20, 30), {"scale": (0.5, 0.5), "translate": (3, 4)}, True),
        ((20, 30), {"scale": (0.5, 0.5)}, False),
        ((20, 30), {"scale": (1, 1), "translate": (3, 4)}, False),
        ((20, 31), {"scale": (0.5, 0.5), "translate": (3, 4)}, False),
        ((3, 20, 30), {"scale": (1, 0.5, 0.5), "translate": (0, 3, 4)}, False),
    ],
)
def test_labels_lie_on_an_image_or_not(shape: tuple[int, ...], placed: dict, lies: bool) -> None:
    assert lies_on(Labels(np.zeros(shape, int), **placed), image()) is lies


def test_labels_of_a_coarser_level_lie_on_a_pyramid() -> None:
    pyramid = Image([np.zeros((20, 30)), np.zeros((10, 15))], multiscale=True, scale=(2, 2))
    coarse = Labels(np.zeros((10, 15), int), scale=(4, 4), translate=(1, 1))
    assert lies_on(coarse, pyramid)
    assert not lies_on(Labels(np.zeros((10, 15), int), scale=(4, 4)), pyramid)


def test_color_is_no_dimension_of_labels() -> None:
    assert lies_on(Labels(np.zeros((6, 7), int)), Image(np.zeros((6, 7, 3), np.uint8), rgb=True))


def test_the_topmost_comes_first() -> None:
    viewer = ViewerModel()
    under = viewer.add_image(np.zeros((6, 7)))
    layers = [viewer.add_labels(np.zeros((6, 7), int)) for _ in range(3)]
    for layer, role in zip(layers, (SEGMENTS, SEGMENTS, PAINTED), strict=True):
        note(layer, role=role)
    assert labels_on(viewer, under, SEGMENTS) == [layers[1], layers[0]]
