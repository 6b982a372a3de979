"""Points files: napari's own, signs, classes, names; and what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_ncut import InputError, read_points
from napari_ncut.io import PointsTable, apply_affine, write_points


def csv_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "points.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_as_napari_saves_them(tmp_path: Path):
    table = read_points(csv_file(tmp_path, "index,axis-0,axis-1\n0.0,3.5,4.25\n1.0,1.0,2.0\n"))
    assert table.points.tolist() == [[3.5, 4.25], [1, 2]]
    assert table.positive.tolist() == [True, True]
    assert table.classes is None


def test_signs_in_every_spelling(tmp_path: Path):
    words = ["1", "1.0", "True", "positive", "0", "0.0", "false", "Negative"]
    rows = "".join(f"1,2,{word}\n" for word in words)
    table = read_points(csv_file(tmp_path, f"axis-0, axis-1, positive\n{rows}"))
    assert table.positive.tolist() == [True] * 4 + [False] * 4


def test_classes_by_name_are_numbered_in_order(tmp_path: Path):
    table = read_points(
        csv_file(
            tmp_path,
            "axis-0,axis-1,class,image\n1,2,nucleus,a.tif\n3,4,stroma,b.tif\n5,6,nucleus,a.tif\n",
        )
    )
    assert table.classes.tolist() == [1, 2, 1]
    assert table.class_names == {1: "nucleus", 2: "stroma"}
    assert table.images == ["a.tif", "b.tif", "a.tif"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "columns .none."),
        ("axis-0,axis-1\n", "no rows"),
        ("y,x\n1,2\n", "axis-0 and axis-1"),
        ("axis-0,axis-2\n1,2\n", "axis-0 and axis-1"),
        ("axis-0;axis-1\n1;2\n", "separated by commas"),
        ("axis-0,axis-1\n1,two\n", "'two' in the column axis-1 of point 0"),
        ("axis-0,axis-1\n1\n", "no coordinate"),
        ("axis-0,axis-1\n1,nan\n", "no coordinate"),
        ("axis-0,axis-1,positive\n1,2,maybe\n", "'maybe'.*true or false"),
        ("axis-0,axis-1,class\n1,2,1.5\n", "whole numbers"),
        ("axis-0,axis-1,class\n1,2,inf\n", "whole numbers"),
        ("axis-0,axis-1,class\n1,2,\n1,2,a\n", "empty entry"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str):
    with pytest.raises(InputError, match=said):
        read_points(csv_file(tmp_path, text))


def test_no_file_a_folder_and_an_image(tmp_path: Path):
    with pytest.raises(InputError, match="There is no file"):
        read_points(tmp_path / "none.csv")
    with pytest.raises(InputError, match="not a CSV"):
        read_points(tmp_path)
    (tmp_path / "x.csv").write_bytes(b"\x89PNG\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="not a CSV"):
        read_points(tmp_path / "x.csv")


def test_transform(tmp_path: Path):
    path = csv_file(tmp_path, "axis-0,axis-1\n1,2\n")
    assert read_points(path, transform=[[2, 0, 5], [0, 3, 7], [0, 0, 1]]).points.tolist() == [
        [7, 13]
    ]
    with pytest.raises(InputError, match=r"\(3, 3\) is needed"):
        read_points(path, transform=np.eye(4))
    with pytest.raises(InputError, match="not affine"):
        apply_affine(np.zeros((1, 2)), np.ones((3, 3)))


def test_written_points_are_read_back(tmp_path: Path):
    table = PointsTable(
        np.array([[0.1, 2, 3], [4, 5.5, 6], [7, 8, 9]]),
        np.array([True, False, False]),
        np.array([1, 2, 0]),
        {1: "cell", 2: "other, one"},
        ["a.tif", "b.tif", "b.tif"],
    )
    write_points(tmp_path / "points.csv", table)
    again = read_points(tmp_path / "points.csv")
    np.testing.assert_array_equal(again.points, table.points)
    np.testing.assert_array_equal(again.positive, table.positive)
    np.testing.assert_array_equal(again.classes, table.classes)
    assert (again.class_names, again.images) == (table.class_names, table.images)
