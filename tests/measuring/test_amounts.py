"""Counts and areas of classes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ncut import measure_labels
from napari_ncut.errors import InputError


def drawn(text: str) -> np.ndarray:
    return np.array([[int(c) for c in line] for line in text.split()])


def test_classes_are_counted_and_measured():
    first, second = measure_labels(drawn("1100 1002 0000 0022"), pixel_size=(2, 0.5))
    assert (first.label, first.count, first.pixels, first.area) == (1, 1, 3, 3.0)
    assert (second.label, second.count, second.pixels) == (2, 2, 3)
    assert first.fraction == 3 / 16
    assert measure_labels(drawn("1100 1002"), pixel_size=(3, 4))[0].area == 36


def test_things_are_counted_plane_by_plane():
    stack = np.stack([drawn("100 010"), drawn("100 001")])
    (measure,) = measure_labels(stack.astype(bool))
    assert (measure.count, measure.pixels) == (3, 4)


def test_instances_count_one_each():
    measures = measure_labels(drawn("1001 0220"), instances=True)
    assert [(m.label, m.count) for m in measures] == [(1, 1), (2, 1)]


def test_nothing_to_measure():
    assert measure_labels(np.zeros((3, 3), int)) == []


@pytest.mark.parametrize("labels", [np.zeros((3, 3)), np.zeros(3, int), np.full((2, 2), -1)])
def test_what_cannot_be_measured_is_refused(labels):
    with pytest.raises(InputError, match="label map"):
        measure_labels(labels)
