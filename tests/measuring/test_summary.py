"""Tables in short: classes, histograms, several images."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ncut import InputError, measure_segments, size_histogram, summarize
from napari_ncut.measuring.table import joined

LABELS = np.repeat(np.arange(1, 6), [1, 2, 3, 4, 10])[np.newaxis]
CLASSES = {1: 1, 2: 1, 3: 1, 4: 2, 5: 2}


def test_classes_in_short():
    table = measure_segments(LABELS, classes=CLASSES, class_names={1: "a", 2: "b", 7: "c"})
    short = summarize(table)
    assert short["class"].tolist() == [1, 2, 7]
    assert short["class_name"].tolist() == ["a", "b", "c"]
    assert short["count"].tolist() == [3, 2, 0]
    assert short["area"].tolist() == [6, 14, 0]
    np.testing.assert_allclose(short["area_fraction"], [0.3, 0.7, 0])
    np.testing.assert_allclose(short["area_median"], [2, 7, np.nan])
    np.testing.assert_allclose(short["area_mean"], [2, 7, np.nan])
    np.testing.assert_allclose(short["area_std"], [np.std([1, 2, 3]), 3, np.nan])
    diameters = 2 * np.sqrt(np.array([1, 2, 3]) / np.pi)
    assert short["equivalent_diameter_median"][0] == pytest.approx(diameters[1])
    assert short.heading("area_mean") == "Area, mean (px²)"


def test_without_classes_and_without_segments():
    short = summarize(measure_segments(LABELS, spacing=2.0))
    assert short["count"].tolist() == [5] and short["area"].tolist() == [80]
    assert short["area_fraction"].tolist() == [1]
    none = summarize(measure_segments(np.zeros((3, 3), int)))
    assert none["count"].tolist() == [0] and np.isnan(none["area_mean"]).all()
    assert len(summarize(measure_segments(np.zeros((3, 3), int), things="pieces"))) == 0


def test_histogram():
    table = measure_segments(LABELS, spacing=1.0)
    found = size_histogram(table, bins=3)
    assert found.property == "area"
    np.testing.assert_allclose(found.edges, [1, 4, 7, 10])
    assert found.counts.tolist() == [3, 1, 1]
    logarithmic = size_histogram(table, bins=2, logarithmic=True)
    np.testing.assert_allclose(logarithmic.edges, [1, np.sqrt(10), 10])
    assert logarithmic.counts.tolist() == [3, 2]
    assert size_histogram(table, "aspect_ratio").counts.sum() == 0
    assert size_histogram(table, bins="auto").counts.sum() == 5


def test_histogram_of_nothing():
    found = size_histogram(measure_segments(np.zeros((3, 3), int)))
    assert found.counts.tolist() == [0] * 20
    assert found.edges[0] == 0 and found.edges[-1] == 1


@pytest.mark.parametrize(
    "arguments", [{"bins": 0}, {"bins": "many"}, {"property": "size"}], ids=str
)
def test_histograms_that_cannot_be_had(arguments):
    with pytest.raises(InputError):
        size_histogram(measure_segments(LABELS), **arguments)


def test_tables_of_several_images():
    first = measure_segments(LABELS, LABELS * 1.0, properties="intensity_mean")
    both = joined({"a.tif": first, "b.tif": measure_segments(LABELS, properties="pixels")})
    assert both["file"].tolist() == ["a.tif"] * 5 + ["b.tif"] * 5
    assert np.isnan(both["intensity_mean"]).tolist() == [False] * 5 + [True] * 5
    assert both.extent == 40
    assert summarize(both)["area_fraction"].tolist() == [1]
