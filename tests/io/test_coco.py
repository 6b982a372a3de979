"""Masks as COCO's JSON and as tables, against a case worked by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from napari_ncut import InputError
from napari_ncut.io import coco_document, mask_table, write_coco
from napari_ncut.sam.mask_set import MaskSet, from_run_lengths

# Column by column, zeros first: 0 0 | 1 0 | 1 1
MASK = np.array([[0, 1, 1], [0, 0, 1]], bool)


def test_a_case_worked_by_hand():
    masks = MaskSet.of([MASK, ~MASK], columns={"predicted_iou": [0.5, np.nan]})
    document = coco_document({"a.png": masks, "none.png": MaskSet.of([], (4, 5))})
    assert document["images"] == [
        {"id": 1, "file_name": "a.png", "height": 2, "width": 3},
        {"id": 2, "file_name": "none.png", "height": 4, "width": 5},
    ]
    first, second = document["annotations"]
    assert first == {
        "id": 1,
        "image_id": 1,
        "category_id": 1,
        "segmentation": {"size": [2, 3], "counts": [2, 1, 1, 2]},
        "bbox": [1, 0, 2, 2],
        "area": 3,
        "iscrowd": 0,
        "score": 0.5,
    }
    assert second["segmentation"]["counts"] == [0, 2, 1, 1, 2]
    assert "score" not in second
    assert document["categories"] == [{"id": 1, "name": "mask"}]


def test_classes_become_categories():
    masks = MaskSet.of([MASK, ~MASK], columns={"class": [2, 0]})
    document = coco_document({"a": masks}, {1: "nucleus", 2: "cell"})
    assert [a["category_id"] for a in document["annotations"]] == [2, 0]
    assert document["categories"] == [
        {"id": 0, "name": "class 0"},
        {"id": 1, "name": "nucleus"},
        {"id": 2, "name": "cell"},
    ]
    with pytest.raises(InputError, match="whole number"):
        coco_document({"a": masks.with_columns(**{"class": [0.5, 1.5]})})


def test_what_was_written_reads_back(tmp_path: Path):
    stack = np.random.default_rng(0).random((3, 7, 9)) > 0.6
    write_coco(tmp_path / "out.json", {"a": MaskSet.of(stack)})
    read = json.loads((tmp_path / "out.json").read_text())
    back = [from_run_lengths(a["segmentation"]) for a in read["annotations"]]
    np.testing.assert_array_equal(back, stack)
    with pytest.raises(InputError, match="folder"):
        write_coco(tmp_path / "no" / "out.json", {})


def test_tables_tell_all_that_is_known():
    one = MaskSet.of([MASK], columns={"point": [[1.0, 2.0]], "level": [0]})
    other = MaskSet.of([~MASK], columns={"level": [2]})
    none = other.select([])
    columns, rows = mask_table({"a": one, "none": none, "b": other})
    assert columns[:7] == ["image", "label", "top", "left", "bottom", "right", "area"]
    assert columns[7:] == ["point_row", "point_column", "level"]
    assert rows == [["a", 1, 0, 1, 2, 3, 3, 1.0, 2.0, 0], ["b", 1, 0, 0, 2, 2, 3, "", "", 2]]
