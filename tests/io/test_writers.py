"""Files arrive whole or not at all, and are read back as they were."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from napari_ncut import InputError, read_image
from napari_ncut.io import check_outputs, write_labels, write_table, write_together


@pytest.mark.parametrize(
    ("shape", "axes"), [((6, 7), None), ((3, 6, 7), "ZYX"), ((2, 3, 6, 7), "TZYX")]
)
def test_tiff_labels_keep_values_and_axes(tmp_path: Path, shape: tuple[int, ...], axes: str):
    labels = np.arange(np.prod(shape)).reshape(shape) * 9
    write_labels(tmp_path / "x.tif", labels, axes=axes)
    image = read_image(tmp_path / "x.tif")
    assert image.axes == (axes or "YX")
    assert image.data.dtype == np.min_scalar_type(labels.max())
    np.testing.assert_array_equal(image.data, labels)


@pytest.mark.parametrize("top", [1, 300])
def test_png_labels(tmp_path: Path, top: int):
    labels = np.arange(12).reshape(3, 4) % 2 * top
    write_labels(tmp_path / "x.png", labels)
    np.testing.assert_array_equal(read_image(tmp_path / "x.png").data, labels)


def test_a_mask_becomes_zero_and_one(tmp_path: Path):
    write_labels(tmp_path / "x.tif", np.array([[True, False]]))
    data = read_image(tmp_path / "x.tif").data
    assert (data.dtype, data.tolist()) == (np.uint8, [[1, 0]])


@pytest.mark.parametrize(
    ("name", "labels", "axes", "said"),
    [
        ("x.png", np.zeros((2, 3, 4), int), None, "one plane"),
        ("x.png", np.full((3, 4), 70000), None, "65,535"),
        ("x.jpg", np.zeros((3, 4), int), None, r"\.tif"),
        ("x.tif", np.zeros((3, 4)), None, "bool mask or whole numbers"),
        ("x.tif", np.full((3, 4), -1), None, "bool mask or whole numbers"),
        ("x.tif", np.zeros((2, 2, 3, 4), int), None, "one letter"),
        ("x.tif", np.zeros((2, 3, 4), int), "YXZ", "rows and columns last"),
    ],
)
def test_labels_that_do_not_fit_leave_no_file(
    tmp_path: Path, name: str, labels: np.ndarray, axes: str | None, said: str
):
    with pytest.raises(InputError, match=said):
        write_labels(tmp_path / name, labels, axes=axes)
    assert not list(tmp_path.iterdir())


def test_table(tmp_path: Path):
    write_table(tmp_path / "t.csv", ["a", "b"], [["x, y", 0.1], [2, 1 / 3]])
    assert (tmp_path / "t.csv").read_text() == f'a,b\n"x, y",0.1\n2,{1 / 3!r}\n'


def test_all_or_none(tmp_path: Path):
    folder = tmp_path / "new" / "deep"

    def fail(path: Path) -> None:
        path.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_together({folder / "a": lambda path: path.write_text("a"), folder / "b": fail})
    assert not list(tmp_path.iterdir())
    write_together({folder / "a": lambda path: path.write_text("a")})
    assert [path.name for path in folder.iterdir()] == ["a"]
    with pytest.raises(KeyboardInterrupt):
        write_together({folder / "a": lambda path: path.write_text("new"), folder / "b": fail})
    assert [path.read_text() for path in folder.iterdir()] == ["a"]


def test_what_the_system_refuses_is_an_input_error(tmp_path: Path):
    def refuse(path: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match=r"No space left.*another output"):
        write_together({tmp_path / "new" / "a": refuse})
    assert not list(tmp_path.iterdir())


def test_outputs_are_checked_before(tmp_path: Path):
    (tmp_path / "file").write_text("")
    check_outputs([tmp_path / "new" / "a"])
    check_outputs([tmp_path / "file"], overwrite=True)
    with pytest.raises(InputError, match="Two results"):
        check_outputs([tmp_path / "a", tmp_path / "a"])
    with pytest.raises(InputError, match=r"exists already.*--overwrite"):
        check_outputs([tmp_path / "file"])
    with pytest.raises(InputError, match="is a file, not a folder"):
        check_outputs([tmp_path / "file" / "a"])
    with pytest.raises(InputError, match="is a folder"):
        check_outputs([tmp_path], overwrite=True)
    if os.name == "posix" and os.geteuid() != 0:
        tmp_path.chmod(0o500)
        with pytest.raises(InputError, match="cannot be written to"):
            check_outputs([tmp_path / "a"])
        tmp_path.chmod(0o700)
