"""What goes into a cut beside features: color, place, contours, memory; and what comes of it."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from napari_ncut import Embedding
from napari_ncut import embed as embed_by_default
from napari_ncut.errors import InputError
from napari_ncut.imaging import as_planes
from napari_ncut.scratch import empty_within
from napari_ncut.spectral.mixture import Mixture

# Features whose eigenvectors a person can foresee.
embed = partial(embed_by_default, backbone="filterbank")


def halves(edge: bool = True) -> np.ndarray:
    """Two equal gray halves, and a dark line between them."""
    image = np.random.default_rng(0).normal(120, 6, (40, 64))
    if edge:
        image[:, 31:33] = 10
    return image.clip(0, 255).astype(np.uint8)


def sides(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What most cells left and right of the line are."""
    return labels[:, :28], labels[:, 36:]


def parted(embedding: Embedding) -> float:
    """How well the second eigenvector's sign tells left from right, 0 to 1."""
    second = embedding.generalized()[0, ..., 1]
    cells = second.shape[1] // 2
    left, right = second[:, : cells - 2], second[:, cells + 2 :]
    threshold = np.median(second)
    agreement = np.mean(np.concatenate([(left > threshold).ravel(), (right < threshold).ravel()]))
    return abs(2 * agreement - 1)


def test_contours_part_what_features_do_not():
    options = {"n_components": 3, "stride": 2, "node": "color", "layer": 3}
    # Features blurred over the line, so that they tell both halves apart by nothing.
    assert parted(embed(halves(), contours="auto", contour_strength=6, **options)) > 0.9
    assert parted(embed(halves(), **options)) < 0.5


def test_contours_of_ones_own():
    edges = np.zeros((40, 64))
    edges[:, 32] = 1
    options = {"n_components": 3, "stride": 2, "node": "color", "layer": 3}
    plain = halves(edge=False)
    one = embed(plain, contours=edges, contour_strength=8, **options)
    assert parted(one) > 0.9
    assert one.recipe["contours"] == "given"
    stack = np.stack([plain, plain])
    both = embed(stack, axes="ZYX", contours=np.stack([edges, edges]), **options)
    assert both.eigenvectors.shape == (2, 20, 32, 3)
    several = embed([plain, plain[:30]], contours=[edges, edges[:30]], **options)
    assert [e.shape for e in several.eigenvectors] == [(20, 32, 3), (15, 32, 3)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"contours": "edges"}, "contours='edges'"),
        ({"contours": np.zeros((3, 3))}, r"\(3, 3\)|3 × 3"),
        ({"contours": np.zeros((2, 40, 64))}, "2 contour maps for 1 planes"),
        ({"contours": "auto", "contour_strength": -1}, "Contour strength -1"),
        ({"contours": "auto", "contour_radius": 0}, "0"),
        ({"contours": "auto", "affinity": lambda a, b: a @ b.T}, "is a function"),
        ({"color_weight": -1}, "color_weight -1"),
        ({"position_weight": "much"}, "position_weight 'much'"),
        ({"color_weight": 1, "affinity": "cosine"}, 'preparation="l2"'),
        ({"n_neighbors": 0, "affinity": "neighbors"}, "0"),
        ({"memory": 0}, "memory 0"),
    ],
)
def test_what_cannot_be_asked_of_a_cut_is_explained(options, message):
    with pytest.raises(InputError, match=message):
        embed(halves(), n_components=3, **options)


def test_place_parts_equal_things_far_apart():
    image = np.full((32, 96), 20, np.uint8)
    image[:, :24] = image[:, 72:] = 220  # two equal blocks, far from each other
    options = {"n_components": 6, "stride": 4, "node": "color"}
    plain = embed(image, **options).kway(3)[0]
    assert plain[4, 2] == plain[4, 21]
    placed = embed(image, position_weight=3.0, **options).kway(3)[0]
    assert placed[4, 2] != placed[4, 21]


def test_a_weight_of_one_counts_as_much_as_the_features():
    image = np.random.default_rng(0).integers(0, 255, (32, 48, 3), np.uint8)
    embedding = embed(image, axes="YXC", stride=4, n_components=3, color_weight=1.0)
    planes = as_planes(image, axes="YXC")
    columns = embedding.mixture.columns(planes, embedding.layout)
    assert columns.shape == (96, 3)
    # The filter bank's 32 features are standardized: a total variance of their number.
    n_features = len(embedding.preparation.mean)
    assert columns.var(axis=0).sum() == pytest.approx(n_features, rel=0.05)
    place = Mixture(0.0, 2.0).columns(planes, embedding.layout)
    np.testing.assert_array_equal(place[13], [1 * 4 * 2, 1 * 4 * 2])


@pytest.mark.parametrize(
    "options",
    [
        {"affinity": "neighbors", "n_neighbors": 60},
        {"color_weight": 1.0, "position_weight": 0.5},
        {"contours": "auto"},
        {},
    ],
    ids=["neighbors", "mixture", "contours", "plain"],
)
def test_every_kind_is_kept_in_a_file_and_extends(tmp_path, options):
    image = halves()
    embedding = embed(image, n_components=4, stride=2, **options)
    embedding.save(tmp_path / "cut.npz")
    loaded = Embedding.load(tmp_path / "cut.npz")
    new = image[:, ::-1]
    ours, theirs = embedding.transform(new), loaded.transform(new)
    np.testing.assert_array_equal(theirs.vectors, ours.vectors)
    np.testing.assert_array_equal(theirs.colors(), ours.colors())
    for name, value in options.items():
        assert loaded.recipe[name] == value
    ours.save(tmp_path / "new.npz")
    np.testing.assert_array_equal(Embedding.load(tmp_path / "new.npz").colors(), ours.colors())


def test_a_function_is_kept_by_name_only(tmp_path):
    def alike(a, b):
        return np.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / 40)

    embedding = embed(halves(), n_components=4, stride=4, affinity=alike)
    embedding.save(tmp_path / "cut.npz")
    loaded = Embedding.load(tmp_path / "cut.npz")
    np.testing.assert_array_equal(loaded.vectors, embedding.vectors)
    np.testing.assert_array_equal(loaded.colors(), embedding.colors())
    with pytest.raises(InputError, match="alike, a function, which no file keeps"):
        loaded.transform(halves())


def test_images_added_later_keep_the_colors_of_those_before():
    image = halves()
    embedding = embed(image, n_components=4, stride=2, scaling="dtype")
    again = embedding.transform(image)
    # By its own quantiles a part would be stretched to all colors.
    part = embedding.transform(image[:, :16])
    np.testing.assert_allclose(again.colors(), embedding.colors(), atol=0.02)
    np.testing.assert_allclose(
        part.colors()[0, 5:15, :6], embedding.colors()[0, 5:15, :6], atol=0.1
    )


def test_nested_groups_of_an_embedding():
    embedding = embed(halves(), n_components=6, stride=2)
    tree = embedding.hierarchy(largest=40)
    fine, coarse = tree.labels(30), tree.labels(5)
    assert len(set(zip(fine.tolist(), coarse.tolist(), strict=True))) == len(np.unique(fine))
    assert embedding.layout.grids_as_given(coarse).shape == (1, 20, 32)
    assert all(2 <= n <= 6 for n in embedding.suggest_groups())
    for method in ("cluster_qr", "rotation", "kmeans"):
        groups = embedding.kway(4, method=method)
        assert groups.shape == (1, 20, 32)
        assert np.unique(groups).tolist() == [1, 2, 3, 4]


# -------------------------------------------------------------------------------------- memory


def test_more_than_the_budget_goes_to_disk_and_gives_the_same():
    image = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    plain = embed(image, n_components=5, stride=2)
    small = embed(image, n_components=5, stride=2, memory=1e-4)
    np.testing.assert_array_equal(small.vectors, plain.vectors)
    mixed = embed(image, n_components=5, stride=2, memory=1e-4, color_weight=1)
    assert np.isfinite(mixed.vectors).all()


def test_arrays_within_a_budget():
    small, large = (empty_within((10, 10), np.float32, budget) for budget in (400, 399))
    assert not isinstance(small, np.memmap)
    assert isinstance(large, np.memmap)
    large[:] = 3
    assert large.sum() == 300


def test_a_full_disk_is_told(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("napari_ncut.scratch._reserve", full)
    with pytest.raises(InputError, match="No space left on device"):
        empty_within((1000, 1000), np.float64, 10)
