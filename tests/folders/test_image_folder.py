"""A folder of images: what is listed, saved, kept as a draft, and found again."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_ncut import InputError
from napari_ncut.folders import ImageFolder
from napari_ncut.folders.work import label_axes, label_shape, plane_first
from napari_ncut.io import export_annotations, import_annotations, replace_when_written

GRAY = np.arange(12 * 17, dtype=np.uint8).reshape(12, 17)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Six files: names out of order, one stem twice, RGB, 16 bit, a stack, one that is broken."""
    folder = tmp_path / "Bilder 图"
    folder.mkdir()
    Image.fromarray(GRAY).save(folder / "img10.png")
    Image.fromarray(np.dstack([GRAY] * 3)).save(folder / "img2.png")
    tifffile.imwrite(folder / "img10.tif", GRAY.astype(np.uint16) * 100)
    tifffile.imwrite(
        folder / "stack.tif", np.stack([GRAY] * 3), metadata={"axes": "ZYX"}, imagej=True
    )
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("not listed")
    (folder / ".hidden.png").write_bytes(b"")
    return folder


def names(folder: ImageFolder) -> list[str]:
    return [path.name for path in folder.files]


def test_images_are_listed_in_natural_order(images: Path):
    folder = ImageFolder(images)
    assert names(folder) == ["broken.png", "img2.png", "img10.png", "img10.tif", "stack.tif"]
    stems = [folder.stem(i) for i in range(5)]
    assert stems == ["broken", "img2", "img10.png", "img10.tif", "stack"]
    # Nothing is written before something is saved.
    assert not folder.results.exists()
    assert folder.results.name == "Bilder 图_segmented"


@pytest.mark.parametrize("i", [1, 2, 3, 4])
def test_what_is_saved_opens_as_it_was(images: Path, i: int):
    folder = ImageFolder(images)
    folder.set_classes({1: "Körner", 300: "пора"}, {1: "#112233"})
    image = folder.read(i)
    shape = label_shape(image)
    assert folder.load(i, image).painted is None
    painted, segments = np.zeros(shape, int), np.arange(np.prod(shape)).reshape(shape)
    painted[..., 2:5, 3:9] = 300
    folder.save(i, painted, segments, axes=label_axes(image))
    assert folder.state(i) == "done"

    again = ImageFolder(images)
    assert (again.state(i), again.n_done) == ("done", 1)
    assert again.names == {1: "Körner", 300: "пора"}
    assert again.colors[1] == "#112233"
    work = again.load(i, again.read(i))
    np.testing.assert_array_equal(work.painted, painted)
    np.testing.assert_array_equal(work.segments, segments)
    assert work.origin == "saved"
    again.mark(i, done=False)
    assert ImageFolder(images).state(i) == "saved"


def test_drafts_outlive_the_program_and_go_when_work_is_saved(images: Path):
    folder = ImageFolder(images)
    image = folder.read(1)
    folder.save(1, GRAY * 0, done=True)
    folder.save_draft(1, GRAY // 50, GRAY, axes="YX")
    again = ImageFolder(images)
    assert again.state(1) == "draft"
    assert again.is_done(1)
    work = again.load(1, image)
    np.testing.assert_array_equal(work.painted, GRAY // 50)
    assert work.origin == "draft"
    again.save(1, work.painted, work.segments, axes="YX")
    assert again.state(1) == "done"
    assert not (again.results / ".drafts").exists()
    assert again.load_draft(1, image) is None


def test_files_keep_their_names_when_a_stem_comes_twice(images: Path):
    folder = ImageFolder(images)
    i = folder.number_of("img2.png")
    assert i is not None
    folder.save(i, GRAY // 50)
    tifffile.imwrite(images / "img2.tif", GRAY)
    again = ImageFolder(images)
    old, new = again.number_of("img2.png"), again.number_of("img2.tif")
    assert old is not None and new is not None
    assert (again.stem(old), again.stem(new)) == ("img2", "img2.tif")
    assert (again.state(old), again.state(new)) == ("done", "")


@pytest.mark.parametrize("name", ["label-tiff", "masks", "coco", "imagej", "geojson", "icas"])
def test_masks_of_other_programs_open(images: Path, name: str):
    folder = ImageFolder(images)
    folder.set_classes({4: "cell"}, {4: "#ff0000"})
    labels = np.where(GRAY > 150, 1, 0)
    export_annotations(
        folder.results, labels, stem="img2", format=name, classes={1: "cell"}, colors={1: "#ff0000"}
    )
    again = ImageFolder(images)
    again.set_classes({4: "cell"}, {4: "#ff0000"})
    assert [again.state(i) for i in range(5)] == ["", "saved", "", "", ""]
    work = again.load(1, again.read(1))
    # What is called alike (or, by icas, has its color) is the same class.
    np.testing.assert_array_equal(work.painted, labels * 4)
    assert work.origin == name
    assert again.names == {4: "cell"}


def test_new_classes_of_files_become_classes_of_the_folder(images: Path):
    folder = ImageFolder(images)
    folder.set_classes({1: "cell"}, {})
    labels = np.where(GRAY > 150, 1, 0)
    export_annotations(folder.results, labels, stem="img2", format="masks", classes={1: "pore"})
    again = ImageFolder(images)
    again.set_classes({1: "cell"}, {})
    work = again.load(1, again.read(1))
    assert again.names == {1: "cell", 2: "pore"}
    np.testing.assert_array_equal(work.painted, labels * 2)


def test_an_image_that_cannot_be_read_says_why(images: Path):
    folder = ImageFolder(images)
    with pytest.raises(InputError):
        folder.read(0)
    assert folder.state(0) == "unreadable"
    assert "broken.png" in folder.unreadable[0]
    # Mended meanwhile it can be read.
    Image.fromarray(GRAY).save(images / "broken.png")
    folder.read(0)
    assert folder.state(0) == ""


def test_a_folder_that_is_gone(images: Path, tmp_path: Path):
    folder = ImageFolder(images)
    images.rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is gone"):
        folder.read(1)
    assert not folder.unreadable
    # Work is saved all the same: its folder is another.
    folder.save(1, GRAY)
    for given in (images, tmp_path / "none", tmp_path):
        with pytest.raises(InputError):
            ImageFolder(given)


def test_when_nothing_can_be_written_what_was_saved_stays(
    images: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = ImageFolder(images)
    folder.save(1, GRAY // 60, GRAY)
    before = {path.name: path.read_bytes() for path in folder.results.iterdir()}

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tifffile, "imwrite", full)
    for write in (folder.save, folder.save_draft):
        with pytest.raises(InputError, match="No space left"):
            write(1, GRAY)
    assert {path.name: path.read_bytes() for path in folder.results.iterdir()} == before
    assert folder.state(1) == "done"


def test_a_place_where_no_folder_can_be_made(images: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    folder = ImageFolder(images, results=tmp_path / "file" / "results")
    with pytest.raises(InputError, match="could not be written"):
        folder.save(1, GRAY)
    with pytest.raises(InputError):
        folder.mark(1, done=True)


def test_notes_that_cannot_be_understood_are_not_overwritten(images: Path):
    folder = ImageFolder(images)
    folder.save(1, GRAY)
    path = folder.results / "napari-ncut.json"
    for text in ("{", "[]", json.dumps({"classes": {}, "images": 3})):
        path.write_text(text)
        with pytest.raises(InputError, match=r"napari-ncut\.json"):
            ImageFolder(images)
        assert path.read_text() == text


def test_labels_of_a_replaced_image_are_not_lost(images: Path):
    folder = ImageFolder(images)
    folder.save(1, GRAY)
    Image.fromarray(np.zeros((5, 6), np.uint8)).save(images / "img2.png")
    with pytest.raises(InputError, match="replaced"):
        folder.load(1, folder.read(1))


def test_a_thousand_files_open_at_once(tmp_path: Path):
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(1000):
        (folder / f"a_{i}.png").write_bytes(b"")
    results = tmp_path / "many_segmented"
    results.mkdir()
    for i in range(1000):
        (results / f"a_{i}_painted.tif").write_bytes(b"")
    start = time.perf_counter()
    opened = ImageFolder(folder)
    states = {opened.state(i) for i in range(1000)}
    # 20 ms; the bound leaves room for busy machines.
    assert time.perf_counter() - start < 1
    assert states == {"saved"} and len(opened) == 1000


def test_what_is_saved_is_exported(images: Path, tmp_path: Path):
    folder = ImageFolder(images)
    folder.set_classes({1: "cell"}, {})
    folder.save(1, (GRAY > 100).astype(int))
    folder.save(2, (GRAY < 100).astype(int))
    folder.save(3, (GRAY < 50).astype(int))
    paths = folder.export(tmp_path / "out", format="masks")
    assert [path.name for path in paths] == [
        "img2_cell.png",
        "img10.png_cell.png",
        "img10.tif_cell.png",
    ]
    # COCO holds all images of a folder in one file.
    (path,) = folder.export(tmp_path / "out", format="coco")
    found = import_annotations(path, GRAY.shape, stem="img10.png")
    np.testing.assert_array_equal(found.labels, GRAY < 100)


@pytest.mark.parametrize(
    ("data", "axes", "shape", "shown", "color"),
    [
        (np.zeros((4, 5)), "YX", (4, 5), [(4, 5)], False),
        (np.zeros((4, 5, 3)), "YXC", (4, 5), [(4, 5, 3)], True),
        (np.zeros((2, 4, 5)), "CYX", (4, 5), [(4, 5)] * 2, False),
        (np.zeros((6, 2, 4, 5)), "ZCYX", (6, 4, 5), [(6, 4, 5)] * 2, False),
        (np.zeros((5, 4, 6)), "XYZ", (6, 4, 5), [(6, 4, 5)], False),
    ],
)
def test_how_images_are_shown(
    data: np.ndarray, axes: str, shape: tuple, shown: list, color: bool, tmp_path: Path
):
    from napari_ncut.io import ImageFile

    image = ImageFile(data, axes, tmp_path)
    arrays, is_color = plane_first(image)
    assert label_shape(image) == shape
    assert ([one.shape for one in arrays], is_color) == (shown, color)


def test_files_are_whole_or_not_there(tmp_path: Path):
    path = tmp_path / "a.txt"
    with pytest.raises(ZeroDivisionError), replace_when_written(path) as partial:
        partial.write_text("half")
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == []
