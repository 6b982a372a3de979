from __future__ import annotations

import warnings
from functools import partial

import numpy as np
import pytest
from skimage import data
from sklearn.cluster._spectral import cluster_qr as sklearn_cluster_qr

from napari_ncut.errors import InputError
from napari_ncut.prompts import PromptSegmenter
from napari_ncut.spectral import Embedding, SpectrumWarning
from napari_ncut.spectral import embed as embed_by_default

# Features whose eigenvectors a person can foresee.
embed = partial(embed_by_default, backbone="filterbank")
# Three gray levels in bands of 24, 10 and 6 columns, with a little noise.
NOISE = np.random.default_rng(0).normal(0, 3, (32, 40))
BANDS = (np.repeat([30, 120, 220], [24, 10, 6]) + NOISE).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def bands() -> Embedding:
    return embed(BANDS, n_components=6)


def test_shapes_for_an_array_a_stack_and_lists():
    assert embed(BANDS, n_components=4).eigenvectors.shape == (1, 32, 40, 4)
    stack = np.stack([BANDS, BANDS[::-1]])
    assert embed(stack, axes="TYX", n_components=4, stride=2).eigenvectors.shape == (2, 16, 20, 4)
    several = embed([BANDS, BANDS[:11, :7]], n_components=4, stride=2).eigenvectors
    assert [e.shape for e in several] == [(16, 20, 4), (6, 4, 4)]
    stacks = embed([stack, stack[:1, :5]], axes="ZYX", n_components=4, stride=2)
    assert [e.shape for e in stacks.eigenvectors] == [(2, 16, 20, 4), (1, 3, 20, 4)]
    assert [c.shape for c in stacks.colors()] == [(2, 16, 20, 3), (1, 3, 20, 3)]


def test_the_first_generalized_eigenvector_is_constant(bands):
    first = bands.generalized()[..., 0]
    np.testing.assert_allclose(first, first.mean(), rtol=1e-4)
    new = bands.transform(255 - BANDS).generalized()[..., 0]
    np.testing.assert_allclose(new, first.mean(), rtol=1e-3)


def test_kway_finds_the_bands_and_numbers_them_by_size():
    groups = embed(BANDS, n_components=3, node="color", layer=0).kway(3)
    assert groups.shape == (1, 32, 40)
    # Away from the borders of the bands, over which the colors are smoothed.
    assert np.unique(groups[0, :, :22]).tolist() == [1]
    assert np.unique(groups[0, :, 26:32]).tolist() == [2]
    assert np.unique(groups[0, :, 36:]).tolist() == [3]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_kway_is_sklearns_cluster_qr(bands, n):
    ours = bands.kway(n).ravel()
    theirs = sklearn_cluster_qr(bands.vectors[:, :n].astype(np.float64))
    pairs = np.unique(np.column_stack([ours, theirs]), axis=0)
    assert len(pairs) == len(np.unique(ours)) == len(np.unique(theirs))
    assert (np.diff(np.bincount(ours)[1:]) <= 0).all()


@pytest.mark.parametrize("n", [0, 7, 2.0])
def test_kway_says_how_many_groups_there_can_be(bands, n):
    with pytest.raises(InputError, match="Give 1 to 6"):
        bands.kway(n)


def test_colors_are_stable_and_tell_the_bands_apart(bands):
    colors = bands.colors()
    assert colors.dtype == np.float32
    assert 0 <= colors.min() <= colors.max() <= 1
    np.testing.assert_array_equal(embed(BANDS, n_components=6).colors(), colors)
    left, right = colors[0, 16, 8], colors[0, 16, 38]
    assert np.abs(left - right).max() > 0.5


def test_a_constant_image_has_one_color_and_says_why():
    with pytest.warns(SpectrumWarning):
        constant = embed(np.full((8, 9), 7, np.uint16), n_components=3)
    np.testing.assert_array_equal(constant.colors(), np.full((1, 8, 9, 3), 0.5))
    np.testing.assert_array_equal(constant.kway(1), 1)


def test_an_image_smaller_than_n_components():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpectrumWarning)
        assert embed(np.array([[1, 2], [3, 5]]), n_components=30).eigenvectors.shape == (1, 2, 2, 4)
        assert embed(np.array([[1]])).eigenvectors.shape == (1, 1, 1, 1)


def test_sample_reads_the_cell_under_a_point():
    embedding = embed([BANDS, BANDS[:11, :7]], n_components=4, stride=2)
    first, second = embedding.eigenvectors
    sampled = embedding.sample([[0, 31, 38.4], [1, 10, 0]])
    np.testing.assert_array_equal(sampled, [first[15, 19], second[5, 0]])
    with pytest.raises(InputError, match="row 11, column 0 of a plane of 11 × 7 pixels"):
        embedding.sample([[1, 11, 0]])
    with pytest.raises(InputError, match="plane 2 of 2"):
        embedding.sample([[2, 0, 0]])


@pytest.mark.parametrize("accuracy", ["exact", "fast"])
def test_the_same_image_again_has_the_same_eigenvectors(accuracy):
    image = np.tile(BANDS, (2, 1))
    embedding = embed(image, n_components=5, accuracy=accuracy)
    again = embedding.transform(image)
    np.testing.assert_allclose(again.vectors, embedding.vectors, atol=5e-5)
    assert again.layout == embedding.layout


def test_an_image_with_other_channels_is_refused(bands):
    with pytest.raises(InputError, match="features per node"):
        bands.transform(data.astronaut()[:32, :32], axes="YXC")


def test_the_same_patch_in_two_images_has_the_same_eigenvector():
    left, right = np.zeros((24, 60), np.uint8), np.full((24, 70), 90, np.uint8)
    patch = data.camera()[200:224, 250:290]
    left[:, :40] = patch
    right[:, 30:] = patch
    joint = embed([left, right], n_components=8, layer=0, scaling="dtype")
    first, second = joint.eigenvectors
    # Gaussians of one pixel reach four: away from the patch's border nothing can differ.
    np.testing.assert_allclose(first[:, 6:34], second[:, 36:64], atol=1e-6)


def test_save_and_load_change_nothing(tmp_path):
    path = tmp_path / "bands.npz"
    stack = np.stack([BANDS, BANDS[::-1]])
    embedding = embed(stack, axes="ZYX", n_components=6, stride=2, scaling="dtype")
    embedding.save(path)
    loaded = Embedding.load(path)
    np.testing.assert_array_equal(loaded.vectors, embedding.vectors)
    np.testing.assert_array_equal(loaded.eigenvalues, embedding.eigenvalues)
    assert loaded.layout == embedding.layout
    assert loaded.recipe == embedding.recipe
    assert loaded.ncut.get_params() == embedding.ncut.get_params()
    points = [[0, 10, 5], [1, 20, 38]]
    for options in ({}, {"mode": "object"}, {"classes": [1, 2]}, {"gamma": 2.0}):
        np.testing.assert_array_equal(
            PromptSegmenter(loaded).predict(points, **options),
            PromptSegmenter(embedding).predict(points, **options),
        )
    new = embedding.transform(stack[:1] // 2).vectors
    np.testing.assert_array_equal(loaded.transform(stack[:1] // 2).vectors, new)
    assert [p.name for p in tmp_path.iterdir()] == ["bands.npz"]


def test_images_of_any_kind_are_cut_jointly_kept_and_extended(tmp_path):
    color = np.stack([BANDS, BANDS // 2, 255 - BANDS], axis=-1)
    deep = np.stack([BANDS, BANDS[::-1]]).astype(np.uint16) * 16
    images = [BANDS, color, deep]
    options = {
        "axes": ["YX", "YXC", "ZYX"],
        "scaling": ["stack", "dtype", [(0, 4095)]],
        "n_components": 6,
        "stride": 2,
    }
    embedding = embed(images, **options)
    assert [e.shape for e in embedding.eigenvectors] == [(16, 20, 6), (16, 20, 6), (2, 16, 20, 6)]
    embedding.save(tmp_path / "mixed.npz")
    loaded = Embedding.load(tmp_path / "mixed.npz")
    again = embed(images, **{name: loaded.recipe[name] for name in options})
    np.testing.assert_array_equal(again.vectors, embedding.vectors)
    points = [[0, 10, 38], [1, 10, 5], [3, 20, 30]]
    for mask, same in zip(
        PromptSegmenter(loaded).predict(points), PromptSegmenter(again).predict(points), strict=True
    ):
        np.testing.assert_array_equal(mask, same)

    with pytest.raises(InputError, match=r"axes of their own \(YX, YXC, ZYX\).*Give axes="):
        loaded.transform(BANDS)
    with pytest.raises(InputError, match="scaling of their own"):
        loaded.transform(BANDS, axes="YX")
    new = loaded.transform(BANDS, axes="YX", scaling="stack")
    np.testing.assert_allclose(new.vectors, embedding.vectors[: 16 * 20], atol=2e-3)
    assert (new.recipe["axes"], new.recipe["scaling"]) == ("YX", "stack")


def test_what_was_the_same_for_all_images_holds_for_new_ones():
    options = {"n_components": 4, "stride": 2}
    listed = embed([BANDS, BANDS.T], axes=["YX", None], scaling=["dtype", "dtype"], **options)
    once = embed([BANDS, BANDS.T], scaling="dtype", **options)
    np.testing.assert_array_equal(listed.vectors, once.vectors)
    np.testing.assert_array_equal(
        listed.transform(BANDS[::-1]).vectors, once.transform(BANDS[::-1]).vectors
    )


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_a_picture_at_another_depth_has_the_same_eigenvectors(dtype):
    other = BANDS.astype(dtype) * dtype(257)
    embedding = embed([BANDS, other], n_components=4, stride=2)
    first, second = embedding.eigenvectors
    np.testing.assert_allclose(first, second, atol=1e-4)


def test_saving_without_images_makes_a_smaller_file_that_still_answers(bands, tmp_path):
    bands.save(tmp_path / "with.npz")
    bands.save(tmp_path / "without.npz", images=False)
    assert (tmp_path / "without.npz").stat().st_size < (tmp_path / "with.npz").stat().st_size
    loaded = Embedding.load(tmp_path / "without.npz")
    assert loaded.planes is None
    np.testing.assert_array_equal(
        PromptSegmenter(loaded).predict([[5, 5]]),
        PromptSegmenter(bands).predict([[5, 5]], method="tutorial"),
    )


def write_damaged(bands, path, kind):
    if kind == "text":
        path.write_text("no embedding")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "array":
        np.save(path.open("wb"), np.zeros(3))
    elif kind == "other npz":
        np.savez(path.open("wb"), vectors=np.zeros(3))
    else:
        bands.save(path)
        whole = path.read_bytes()
        if kind == "cut":
            path.write_bytes(whole[: len(whole) // 2])
        else:
            middle = len(whole) // 2
            path.write_bytes(whole[:middle] + bytes(64) + whole[middle + 64 :])


@pytest.mark.parametrize("kind", ["text", "empty", "array", "other npz", "cut", "flipped"])
def test_what_is_no_embedding_is_refused(bands, tmp_path, kind):
    path = tmp_path / "file.npz"
    write_damaged(bands, path, kind)
    with pytest.raises(InputError, match="is not an embedding that napari-ncut wrote"):
        Embedding.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        Embedding.load(tmp_path / "nothing.npz")


def test_nothing_half_written_is_left(bands, tmp_path, monkeypatch):
    path = tmp_path / "bands.npz"
    bands.save(path)
    before = path.read_bytes()

    def fail(file, **arrays):
        file.write(b"half of it")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        bands.save(path)
    assert [p.name for p in tmp_path.iterdir()] == ["bands.npz"]
    assert path.read_bytes() == before


def test_a_file_of_a_newer_version_says_so(bands, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_ncut.spectral.storage.FORMAT_VERSION", 99)
    bands.save(tmp_path / "new.npz")
    monkeypatch.undo()
    with pytest.raises(InputError, match="newer napari-ncut"):
        Embedding.load(tmp_path / "new.npz")


def test_progress_is_told_and_may_cancel():
    stages = []
    embed(BANDS, n_components=4, progress=lambda step: stages.append(step.stage))
    assert list(dict.fromkeys(stages)) == ["features", "affinities", "eigenvectors"]

    def cancel(step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed(BANDS, progress=cancel)
