"""Points find their image and plane."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_ncut import InputError
from napari_ncut.io import ImageFile, PointsTable, assign_points


def image(name: str, axes: str, *shape: int) -> ImageFile:
    return ImageFile(np.zeros(shape, np.uint8), axes, Path(name))


def table(points: list, **columns: object) -> PointsTable:
    return PointsTable(np.array(points, float), np.ones(len(points), bool), **columns)


A, B = image("a.tif", "YX", 10, 20), image("b.tif", "YX", 30, 40)


def places(tables: list[PointsTable], images: list[ImageFile]) -> list[list[float]]:
    return assign_points(tables, images).points.tolist()


def test_one_image_of_every_kind():
    assert places([table([[3.4, 4]])], [A]) == [[0, 3.4, 4]]
    rgb = image("c.png", "YXS", 10, 20, 3)
    assert places([table([[3, 4]])], [rgb]) == [[0, 3, 4]]
    stack = image("s.tif", "TZYX", 2, 3, 10, 20)
    assert places([table([[1, 2, 3, 4]])], [stack]) == [[5, 3, 4]]
    channels = image("m.tif", "ZCYX", 3, 2, 10, 20)
    assert places([table([[2, 3, 4]])], [channels]) == [[2, 3, 4]]
    assert places([table([[2, 1, 3, 4]])], [channels]) == [[2, 3, 4]]
    lone = image("o.zarr", "TCZYX", 1, 1, 1, 10, 20)
    assert places([table([[3, 4]])], [lone]) == [[0, 3, 4]]


def test_one_table_for_several_images():
    result = assign_points([table([[1, 3, 4], [0, 5, 6]])], [A, B])
    assert (result.points.tolist(), result.note) == ([[1, 3, 4], [0, 5, 6]], "")
    named = table([[3, 4], [5, 6], [7, 8]], images=["b.tif", "a", "1"])
    assert places([named], [A, B]) == [[1, 3, 4], [0, 5, 6], [1, 7, 8]]
    lonely = assign_points([table([[3, 4]])], [A, B])
    assert lonely.points.tolist() == [[0, 3, 4]]
    assert "first, a.tif" in lonely.note


def test_points_of_one_layer_over_images_of_several_kinds():
    stack = image("s.tif", "ZYX", 3, 10, 20)
    joint = table([[2, 3, 4], [2, 5, 6], [0, 7, 8]], images=["s", "b", "a"])
    assert places([joint], [A, stack, B]) == [[3, 3, 4], [4, 5, 6], [0, 7, 8]]
    with pytest.raises(InputError, match=r"3 coordinates, but s\.tif needs 2"):
        places([joint], [B, A, image("s.tif", "YX", 10, 20)])


def test_planes_count_over_all_images():
    stacks = [image("a.tif", "ZYX", 3, 10, 20), image("b.tif", "ZYX", 3, 10, 20)]
    assert places([table([[1, 2, 3, 4]])], stacks) == [[5, 3, 4]]
    assert places([table([[2, 3, 4]]), table([[0, 5, 6]])], stacks) == [[2, 3, 4], [3, 5, 6]]


def test_names_of_classes_are_joined():
    first = table([[1, 2], [1, 3]], classes=np.array([1, 2]), class_names={1: "x", 2: "y"})
    second = table([[1, 2]], classes=np.array([1]), class_names={1: "y"})
    result = assign_points([first, second], [A, B])
    assert result.classes.tolist() == [1, 2, 2]
    assert result.class_names == {1: "x", 2: "y"}


@pytest.mark.parametrize(
    ("tables", "images", "said"),
    [
        ([table([[1, 2]])] * 3, [A, B], "3 tables.*2 images.*one for each"),
        ([table([[10, 2]])], [A], "Point 0 .row 10, column 2. lies outside.*a.tif of 10 × 20"),
        ([table([[-1, 2]])], [A], "outside"),
        ([table([[2, 1, 2]])], [A, B], "image 2.*Give all images"),
        ([table([[1, 1, 2]])], [A], "image 1.*Give all images"),
        ([table([[1, 1, 1, 2]])], [A], "4 coordinates, but a.tif needs 2 .row, column."),
        ([table([[1, 2]], images=["c.tif"])], [A, B], "'c.tif'.*a.tif, b.tif"),
        ([table([[1, 2]], images=["c.tif"])], [A], "'c.tif'"),
        ([table([[1, 2]], images=["a.tif"])], [A, A], "2 images are called"),
        ([table([[1, 2]]), table([[1, 2]], classes=np.array([1]))], [A, B], "all or none"),
        (
            [
                table([[1, 2]], classes=np.array([1]), class_names={1: "x"}),
                table([[1, 2]], classes=np.array([1])),
            ],
            [A, B],
            "one of both",
        ),
    ],
)
def test_what_does_not_fit_is_named(tables: list[PointsTable], images: list[ImageFile], said: str):
    with pytest.raises(InputError, match=said):
        assign_points(tables, images)
