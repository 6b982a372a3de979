"""Classes in a file, and the same classes in other images."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_ncut import FeatureMaps, InputError, MaskSet, extract_features, semantic_classes
from napari_ncut.sam import Descriptors, NearestClass, SemanticClasses

from .scenes import SHAPE, two_kinds

IMAGE, MASKS, KINDS = two_kinds()
OTHER, OTHER_MASKS, OTHER_KINDS = two_kinds(seed=1)


@pytest.fixture(scope="module")
def classes() -> SemanticClasses:
    masks = MASKS.with_columns(score=np.linspace(0, 1, 12), name=np.array(["a", "bc"] * 6))
    found = semantic_classes(IMAGE, masks, remainder=True)
    return found.rename(1, "discs").recolor(2, "#12AB34")


def same(one: SemanticClasses, other: SemanticClasses) -> None:
    assert_array_equal(one.classes, other.classes)
    assert_array_equal(one.descriptors.values, other.descriptors.values)
    for name in ("layout", "names", "noise", "colors", "clusterer", "parameters"):
        assert getattr(one, name) == getattr(other, name), name
    for mine, its in zip(one.masks, other.masks, strict=True):
        assert mine.columns.keys() == its.columns.keys()
        assert_array_equal(mine.boxes, its.boxes)
        assert_array_equal(mine.stack(), its.stack())
    for name, column in one.features().items():
        assert_array_equal(column, other.features()[name])


def test_a_file_brings_everything_back(tmp_path: Path, classes: SemanticClasses):
    classes.save(tmp_path / "classes.npz")
    again = SemanticClasses.load(tmp_path / "classes.npz")
    same(classes, again)
    assert again.names[1] == "discs" and again.colors == {2: "#12ab34"}
    assert_array_equal(again.labels, classes.labels)
    assert_array_equal(again.masks[0].columns["name"], ["a", "bc"] * 6)
    same(classes.recluster("kmeans", n_classes=3), again.recluster("kmeans", n_classes=3))
    assert_array_equal(again.split(1).classes, classes.split(1).classes)


@pytest.mark.parametrize("kind", ["list", "stack", "nothing"])
def test_files_of_many_images_and_of_nothing(tmp_path: Path, kind: str):
    if kind == "list":
        odd = MaskSet.of([*OTHER_MASKS.stack()[:3], np.zeros(SHAPE, bool)])
        scored = MASKS.with_columns(score=np.arange(12.0))
        found = semantic_classes([IMAGE, OTHER], [scored, odd], descriptor="kind")
    elif kind == "stack":
        stack = np.stack([IMAGE, OTHER])
        found = semantic_classes(stack, [MASKS, OTHER_MASKS], axes="ZYX", descriptor="kind")
    else:
        found = semantic_classes(IMAGE, MaskSet.of([], SHAPE), descriptor="kind")
    found.save(tmp_path / "classes.npz")
    same(found, SemanticClasses.load(tmp_path / "classes.npz"))


def test_a_file_arrives_whole_or_not_at_all(tmp_path: Path, classes: SemanticClasses, monkeypatch):
    path = tmp_path / "classes.npz"
    path.write_text("mine")

    def fails(file, **arrays):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez_compressed", fails)
    with pytest.raises(OSError, match="disk full"):
        classes.save(path)
    assert [one.name for one in tmp_path.iterdir()] == ["classes.npz"]
    assert path.read_text() == "mine"


def test_files_that_hold_no_classes(tmp_path: Path, classes: SemanticClasses):
    path = tmp_path / "classes.npz"
    with pytest.raises(InputError, match="There is no file"):
        SemanticClasses.load(path)
    classes.save(path)
    whole = path.read_bytes()
    for damaged in (b"", b"PK", whole[: len(whole) // 2], whole[:-30], b"x" * 99):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="holds no classes"):
            SemanticClasses.load(path)
    np.savez(path, format=np.array("napari-ncut prototypes 2"))
    with pytest.raises(InputError, match="holds no classes"):
        SemanticClasses.load(path)
    np.save(tmp_path / "lone.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="holds no classes"):
        SemanticClasses.load(tmp_path / "lone.npy")


@pytest.mark.parametrize(
    ("part", "said"), [("classes", "one length"), ("masks boxes", "other planes")]
)
def test_a_file_whose_parts_do_not_fit(
    tmp_path: Path, classes: SemanticClasses, part: str, said: str
):
    path = tmp_path / "classes.npz"
    classes.save(path)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **{**arrays, part: arrays[part][:-1]})
    with pytest.raises(InputError, match=said):
        SemanticClasses.load(path)


def test_a_file_of_a_newer_version(tmp_path: Path, classes: SemanticClasses, monkeypatch):
    monkeypatch.setattr("napari_ncut.sam.class_file.FORMAT_VERSION", 99)
    classes.save(tmp_path / "classes.npz")
    monkeypatch.undo()
    with pytest.raises(InputError, match="newer napari-ncut"):
        SemanticClasses.load(tmp_path / "classes.npz")


def test_nothing_in_a_file_is_executed(tmp_path: Path, classes: SemanticClasses):
    classes.save(tmp_path / "classes.npz")
    with zipfile.ZipFile(tmp_path / "classes.npz") as archive:
        for name in archive.namelist():
            np.lib.format.read_array(archive.open(name), allow_pickle=False)


# ----------------------------------------------------------------------------------- other images


def kinds_of(found: SemanticClasses, kinds: np.ndarray) -> list[set[int]]:
    return [set(found.classes[kinds == kind].tolist()) for kind in (0, 1)]


@pytest.mark.parametrize("descriptor", ["compact", "kind", "filterbank"])
def test_the_same_classes_in_another_image(tmp_path: Path, descriptor: str):
    known = semantic_classes(IMAGE, MASKS, descriptor=descriptor, n_classes=2).rename(2, "squares")
    known.save(tmp_path / "classes.npz")
    found = SemanticClasses.load(tmp_path / "classes.npz").apply(OTHER, OTHER_MASKS)
    assert kinds_of(found, OTHER_KINDS) == kinds_of(known, KINDS) == [{1}, {2}]
    assert found.names == known.names and found.noise is None
    # In its own image every mask has the class that it had.
    assert_array_equal(known.apply(IMAGE, MASKS).classes, known.classes)


def test_what_is_like_no_class_is_noise():
    known = semantic_classes(IMAGE, MASKS.select(KINDS == 0))
    found = known.apply(OTHER, OTHER_MASKS)
    assert set(found.classes[OTHER_KINDS == 0].tolist()) == {1}
    assert set(found.classes[OTHER_KINDS == 1].tolist()) == {found.noise} == {2}
    assert found.names == {1: "class 1", 2: "noise"}


def test_classes_that_are_not_there_keep_their_names():
    known = semantic_classes(IMAGE, MASKS).rename(1, "discs").recolor(1, "#ffffff")
    found = known.apply(OTHER, OTHER_MASKS.select(OTHER_KINDS == 1))
    assert found.numbers == [2] and found.names[1] == "discs"
    # Edits leave it where it is, and masks can be moved to it.
    assert found.rename(2, "squares").move(1, 1).numbers == [1, 2]
    assert found.split(2).names[1] == "discs"
    assert found.merge([1, 2]).names == {1: "discs"}
    nothing = known.apply(OTHER, MaskSet.of([], SHAPE))
    assert len(nothing) == 0 and nothing.names == known.names and not nothing.labels.any()


def test_many_images_of_any_kind_and_a_remainder():
    known = semantic_classes(IMAGE, MASKS)
    color = np.stack([OTHER] * 3, axis=-1).astype(np.uint16) * 200
    found = known.apply(
        [OTHER, color], [OTHER_MASKS, OTHER_MASKS], axes=["YX", "YXC"], remainder=True
    )
    assert kinds_of(found, np.tile(OTHER_KINDS, 2)) == kinds_of(known, KINDS)
    assert all((labels > 0).all() for labels in found.labels)
    stack = known.apply(np.stack([IMAGE, OTHER]), [MASKS, OTHER_MASKS], axes="TYX")
    assert stack.labels.shape == (2, *SHAPE)
    assert stack.numbers == [1, 2]


def test_gray_images_get_classes_of_color_images():
    color = np.stack([IMAGE] * 3, axis=-1)
    known = semantic_classes(
        color, MASKS, axes="YXC", descriptor="filterbank", color_weight=1.0, n_classes=2
    )
    assert kinds_of(known.apply(OTHER, OTHER_MASKS), OTHER_KINDS) == kinds_of(known, KINDS)
    gray = semantic_classes(IMAGE, MASKS, descriptor="filterbank", color_weight=1.0, n_classes=2)
    with pytest.raises(InputError, match="same channels"):
        gray.apply(color, MASKS, axes="YXC")


def test_features_that_were_given_are_given_again():
    def features(image: np.ndarray) -> FeatureMaps:
        return extract_features(image, "filterbank")

    known = semantic_classes(IMAGE, MASKS, descriptor=features(IMAGE), n_classes=2)
    found = known.apply(OTHER, OTHER_MASKS, descriptor=features(OTHER))
    assert kinds_of(found, OTHER_KINDS) == kinds_of(known, KINDS)
    with pytest.raises(InputError, match="features that were given"):
        known.apply(OTHER, OTHER_MASKS)
    with pytest.raises(InputError, match="same descriptor"):
        known.apply(OTHER, OTHER_MASKS, descriptor="kind")


def test_classes_that_cannot_be_applied():
    eigenvectors = semantic_classes(IMAGE, MASKS, descriptor="eigenvectors", n_classes=2)
    with pytest.raises(InputError, match="cut together"):
        eigenvectors.apply(OTHER, OTHER_MASKS)
    noise = semantic_classes(IMAGE, MASKS, clusterer="dbscan", eps=1e-6)
    with pytest.raises(InputError, match="no class but noise"):
        noise.apply(OTHER, OTHER_MASKS)
    with pytest.raises(InputError, match="96 × 120"):
        semantic_classes(IMAGE, MASKS, descriptor="kind").apply(OTHER[:50], OTHER_MASKS)


def test_reach_by_hand():
    rows = np.array([[0.0], [1], [2], [10], [10.5], [50], [99]], np.float32)
    classes = np.array([1, 1, 1, 2, 2, 3, 4])
    nearest = NearestClass.of(Descriptors(rows, ("x",)), classes, noise=4)
    assert nearest.numbers.tolist() == [1, 2, 3]
    assert nearest.means.ravel().tolist() == [1, 10.25, 50]
    # Each mask's distance to the mean of the others: 1.5, 0, 1.5 and .5, .5. Nine tenths lie
    # within 1.5 and .5, and 1.5 of all; with four masks of these: (3 · 1.5 + 4 · 1.5) / 7 …
    np.testing.assert_allclose(nearest.reach, [2.25, 1.5 * 7 / 6, 2.25])
    asked = np.array([[3.2], [3.3], [8.6], [52], [-99]], np.float32)
    assert nearest(Descriptors(asked, ("x",))).tolist() == [1, -1, 2, 3, -1]
