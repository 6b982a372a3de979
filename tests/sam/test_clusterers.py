"""Clusterers: known groups, odd numbers of rows, and the curve against DBSCAN itself."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from napari_ncut import InputError, cluster_curve
from napari_ncut.sam import CLUSTERERS, cluster, merge_curve

RANDOM = np.random.default_rng(0)
BLOBS = np.concatenate([RANDOM.normal(m, 0.05, (12, 4)) for m in (0.0, 2.0, 4.0)])
TRUTH = np.repeat([0, 1, 2], 12)


def same_groups(one: np.ndarray, other: np.ndarray) -> bool:
    return len(np.unique(np.stack([one, other]), axis=1).T) == len(np.unique(one)) == 3


def on_a_line(*places: float, n: int = 8, spread: float = 0.02) -> np.ndarray:
    """n rows around each of some places along a line."""
    random = np.random.default_rng(1)
    return np.concatenate([random.normal((p, 0, 0), spread, (n, 3)) for p in places])


@pytest.mark.parametrize(
    ("places", "n_classes"),
    # Nearer than .85 is one kind, farther another, however the silhouette would part them.
    [((0, 0.7), 1), ((0, 1.0), 2), ((0, 1.0, 2.0), 3), ((0, 0.7, 4, 4.7), 2), ((0, 1, 9, 10), 4)],
)
def test_kinds_are_parted_by_calibrated_distances(places: tuple, n_classes: int):
    rows = on_a_line(*places)
    assert len(np.unique(cluster(rows, calibrated=True))) == n_classes
    assert len(np.unique(cluster(rows, calibrated=True, distance=99.0))) == 1


@pytest.mark.parametrize(("distance", "n_classes"), [(0.8, 1), (0.9, 2)])
def test_two_masks_are_of_two_kinds_where_they_are_that_far_apart(distance: float, n_classes: int):
    rows = np.array([[0.0, 0], [distance, 0]])
    assert len(np.unique(cluster(rows, calibrated=True))) == n_classes


def test_many_kinds_are_not_cut_down_to_ten():
    rows = on_a_line(*(1.5 * i for i in range(14)), n=4)
    assert len(np.unique(cluster(rows, calibrated=True))) == 14


@pytest.mark.parametrize("name", CLUSTERERS)
@pytest.mark.parametrize("calibrated", [True, False])
def test_groups_far_apart_are_found(name: str, calibrated: bool):
    found = cluster(BLOBS, name, calibrated=calibrated)
    inside = found >= 0
    assert inside.mean() > 0.8
    assert same_groups(found[inside], TRUTH[inside])
    assert_array_equal(found, cluster(BLOBS, name, calibrated=calibrated))


@pytest.mark.parametrize("name", CLUSTERERS)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 5])
def test_few_rows(name: str, n: int):
    assert cluster(BLOBS[:n], name).shape == (n,)


@pytest.mark.parametrize("name", CLUSTERERS)
def test_equal_rows_are_one_cluster(name: str):
    assert_array_equal(cluster(np.ones((9, 3)), name, calibrated=True), np.zeros(9))


@pytest.mark.parametrize("name", [n for n, entry in CLUSTERERS.items() if entry.counts])
@pytest.mark.parametrize("wanted", [1, 3, 5, 100])
def test_a_given_number(name: str, wanted: int):
    assert len(np.unique(cluster(BLOBS, name, n_classes=wanted))) == min(wanted, len(BLOBS))


@pytest.mark.parametrize("name", CLUSTERERS)
def test_declared_parameters_can_be_used(name: str):
    entry = CLUSTERERS[name]
    for preset in [{}, *entry.presets.values()]:
        cluster(BLOBS, name, **preset)
    for parameter, declared in entry.parameters.items():
        assert declared.label and declared.tooltip.endswith(".")
        for value in declared.choices or (max(declared.low, 1e-3 * (declared.kind is float)),):
            cluster(BLOBS, name, **{parameter: declared.kind(value)})


def test_the_notebooks_preset_is_plain_dbscan():
    from sklearn.cluster import DBSCAN

    rows = np.abs(RANDOM.normal(size=(40, 6)))
    preset = CLUSTERERS["dbscan"].presets["sam-notebook"]
    assert preset == {"eps": 0.06, "min_samples": 8, "metric": "cosine"}
    assert_array_equal(cluster(rows, "dbscan", **preset), DBSCAN(**preset).fit_predict(rows))


WRONG = [
    ({"clusterer": "dbscn"}, "Did you mean 'dbscan'"),
    ({"clusterer": "dbscan", "n_classes": 3}, "finds the number of classes itself"),
    ({"clusterer": "dbscan", "epsilon": 3}, "parameter of dbscan"),
    ({"clusterer": "dbscan", "eps": -1}, "from 0, or None"),
    ({"clusterer": "dbscan", "min_samples": 2.5}, "whole number from 1"),
    ({"clusterer": "dbscan", "metric": "manhattan"}, "euclidean, cosine"),
    ({"n_classes": 0}, "whole number from 1"),
    ({"random_state": -1}, "random_state"),
]


@pytest.mark.parametrize(("given", "said"), WRONG)
def test_what_is_refused(given: dict, said: str):
    with pytest.raises(InputError, match=said):
        cluster(BLOBS, **given)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("min_samples", [1, 3, 8])
def test_the_curve_is_what_dbscan_finds(metric: str, min_samples: int):
    from sklearn.cluster import DBSCAN

    rows = np.abs(RANDOM.normal(size=(60, 3)))
    curve = cluster_curve(rows, min_samples=min_samples, metric=metric)
    for eps, n_clusters, noise in zip(curve.eps, curve.n_clusters, curve.noise, strict=True):
        # Beside the distances, so that the last digit of none decides.
        labels = DBSCAN(eps=eps + 1e-9, min_samples=min_samples, metric=metric).fit_predict(rows)
        assert labels.max() + 1 == n_clusters
        assert_allclose((labels < 0).mean(), noise, atol=1e-12)
    assert (np.diff(curve.noise) <= 0).all()
    assert curve.knee in curve.distances
    assert curve.suggested >= 0


def test_the_suggestion_parts_groups_from_noise():
    far = np.array([[9.0, 9, 9, 9], [20.0, 0, 0, 0]])
    rows = np.concatenate([BLOBS, far])
    suggested = cluster_curve(rows).suggested
    assert 0 < suggested < 2
    found = cluster(rows, "dbscan")
    assert (found[-2:] == -1).all()
    assert len(np.unique(found)) == 4


@pytest.mark.parametrize("n", [0, 1, 2])
def test_curves_of_next_to_nothing(n: int):
    curve = cluster_curve(np.zeros((n, 3)), min_samples=5)
    assert curve.suggested >= 0


def test_curves_of_what_is_no_number():
    with pytest.raises(InputError, match="finite numbers"):
        cluster_curve(np.full((3, 2), np.nan))


@pytest.mark.parametrize("linkage", ["average", "complete", "single", "ward"])
def test_the_curve_of_merges_is_what_agglomerative_finds(linkage: str):
    curve = merge_curve(BLOBS, linkage=linkage)
    for distance, n_clusters in list(zip(curve.eps, curve.n_clusters, strict=True))[::20]:
        found = cluster(BLOBS, "agglomerative", distance=float(distance), linkage=linkage)
        assert found.max() + 1 == n_clusters
    found = cluster(BLOBS, "agglomerative", distance=curve.suggested, linkage=linkage)
    assert same_groups(found, TRUTH)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_the_curve_of_merges_of_next_to_nothing(n: int):
    curve = merge_curve(BLOBS[:n])
    assert np.isfinite(curve.suggested) and len(curve.eps) == len(curve.n_clusters)
    with pytest.raises(InputError, match="linkage"):
        merge_curve(BLOBS, linkage="nearest")
