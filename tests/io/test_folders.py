"""A folder gives its images in the order that people expect, and says what it left out."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

import napari_ncut as ncut
from napari_ncut.io import natural_key

GRAY = np.arange(42, dtype=np.uint8).reshape(6, 7)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A gray picture, one in color, a deep stack, and a zarr array."""
    path = tmp_path / "images"
    path.mkdir()
    Image.fromarray(GRAY).save(path / "img10.png")
    Image.fromarray(np.dstack([GRAY] * 3)).save(path / "Img2.JPG")
    stack = np.stack([GRAY, GRAY]).astype(np.uint16) * 100
    tifffile.imwrite(path / "img1.tif", stack, photometric="minisblack", metadata={"axes": "ZYX"})
    zarr.save_array(str(path / "img11.zarr"), GRAY)
    return path


def names(images: list) -> list[str]:
    return [image.path.name for image in images]


def test_images_of_every_kind_in_natural_order(folder: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        images = ncut.read_images(folder)
    assert names(images) == ["img1.tif", "Img2.JPG", "img10.png", "img11.zarr"]
    assert [image.axes for image in images] == ["ZYX", "YXS", "YX", "YX"]
    embedding = ncut.embed(
        [image.data for image in images],
        axes=[image.axes for image in images],
        n_components=3,
    )
    assert embedding.layout.stacks == ((2,), (), (), ())


def test_numbers_are_sorted_by_value_and_case_does_not_count():
    wanted = ["a", "B", "img2", "Img2b", "img10", "img10_2", "img10_10", "img010x", "z"]
    assert sorted(set(wanted), key=natural_key) == wanted
    assert sorted(["x01", "x1", "X1"], key=natural_key) == ["X1", "x01", "x1"]


def test_hidden_files_and_folders_are_no_images(folder: Path):
    (folder / "._img1.tif").write_bytes(b"what macOS leaves")
    (folder / ".hidden.png").write_bytes(b"")
    (folder / "masks").mkdir()
    Image.fromarray(GRAY).save(folder / "masks" / "img1.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert len(ncut.read_images(str(folder))) == 4


def test_other_files_are_named_in_one_warning(folder: Path):
    for name in [*(f"notes{i}.txt" for i in range(6)), "points.csv"]:
        (folder / name).write_text("text")
    with pytest.warns(UserWarning, match=r"images: notes0.txt, .*notes4.txt and 2 more\.") as told:
        assert len(ncut.read_images(folder)) == 4
    assert sum("Skipped" in str(warning.message) for warning in told) == 1


def test_a_bad_file_is_skipped_with_its_name_and_the_reason(folder: Path):
    (folder / "img3.tif").write_text("no image")
    with pytest.warns(UserWarning, match=r"Skipped.*img3\.tif could not be read as an image"):
        assert names(ncut.read_images(folder))[:2] == ["img1.tif", "Img2.JPG"]
    with pytest.raises(ncut.InputError, match=r"img3\.tif could not be read"):
        ncut.read_images([folder / "img3.tif"])


def test_an_image_whose_axes_are_not_known_is_not_left_out(folder: Path):
    np.save(folder / "img4.npy", np.zeros((2, 6, 7)))
    with pytest.raises(ncut.InputError, match=r"img4\.npy.*without its axes"):
        ncut.read_images(folder)
    images = ncut.read_images(folder, axes=[None, None, "TYX", None, None])
    assert [image.axes for image in images] == ["ZYX", "YXS", "TYX", "YX", "YX"]


def test_folders_and_files_together_keep_the_order_given(folder: Path, tmp_path: Path):
    Image.fromarray(GRAY).save(tmp_path / "z.png")
    images = ncut.read_images([tmp_path / "z.png", folder, str(folder / "img10.png")])
    assert names(images) == [
        "z.png",
        "img1.tif",
        "Img2.JPG",
        "img10.png",
        "img11.zarr",
        "img10.png",
    ]
    assert names(ncut.read_images(tmp_path / "z.png")) == ["z.png"]


def test_one_text_of_axes_is_for_all(tmp_path: Path):
    for name in "ab":
        np.save(tmp_path / f"{name}.npy", np.zeros((2, 6, 7)))
    assert [image.axes for image in ncut.read_images(tmp_path, axes="zyx")] == ["ZYX", "ZYX"]
    with pytest.raises(ncut.InputError, match="list of 1, but the number of images is 2"):
        ncut.read_images(tmp_path, axes=["ZYX"])


def test_a_folder_without_images_says_what_it_looked_for(tmp_path: Path):
    with pytest.raises(ncut.InputError, match=r"no image.*\.npy, .*\.png, .*\.tif.*folders in it"):
        ncut.read_images(tmp_path)
    (tmp_path / "a.png").write_text("no image")
    with pytest.warns(UserWarning, match="Skipped"), pytest.raises(ncut.InputError):
        ncut.read_images(tmp_path)
    with pytest.raises(ncut.InputError, match="There is no file"):
        ncut.read_images(tmp_path / "none")
    with pytest.raises(ncut.InputError, match="No image was given"):
        ncut.read_images([])
