"""Masks and classes of several images at once: a class means the same in all of them."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import tifffile
from qtpy.QtWidgets import QFileDialog

from napari_ncut import SemanticClasses

from .desk import BRIGHT, DARK, blobs

NAMES = ("gray", "color", "stack")
SIDE = 100


def pictures() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """A gray image of 16 bits, one in color, and a stack, all of the same two kinds of disks."""
    image, labels = blobs()
    deep = image[:SIDE, :SIDE].astype(np.uint16) * 200
    turned, turned_labels = image.T[:, :SIDE].copy(), labels.T[:, :SIDE].copy()
    return {
        "gray": (deep, labels[:SIDE, :SIDE]),
        "color": (np.dstack([turned] * 3), turned_labels),
        "stack": (np.stack([image, image[::-1]]), np.stack([labels, labels[::-1]])),
    }


@pytest.fixture
def joint(desk):
    """All of them, side by side, with masks; Labels are added in another order than images."""
    opened = desk()
    places = {"gray": (0, 0), "color": (0, 150), "stack": (0, 0, 300)}
    for name, (image, _) in pictures().items():
        opened.viewer.add_image(image, name=name, translate=places[name])
    masks = []
    for name in reversed(NAMES):
        labels = pictures()[name][1]
        masks.append(opened.viewer.add_labels(labels, name=f"{name} masks", translate=places[name]))
    opened.widget.masks.images.value = [opened.viewer.layers[name] for name in NAMES]
    opened.find_masks(masks)
    opened.find_classes(n_classes=2)
    return opened


def by_kind(opened, name: str) -> tuple[set[int], set[int]]:
    """Classes of bright and of dark pixels of things."""
    image, labels = pictures()[name]
    light = image[..., 0] if name == "color" else image
    middle = (float(light.min()) + float(light.max())) / 2
    classes = np.asarray(opened.viewer.layers[f"{name} classes"].data)
    assert classes.shape == labels.shape
    inside = (labels > 0) & (light > middle), (labels > 0) & (light < middle)
    return tuple(set(np.unique(classes[one]).tolist()) for one in inside)


def test_a_class_means_the_same_in_all_images_and_planes(joint, monkeypatch, tmp_path):
    assert joint.consistent()
    found = [by_kind(joint, name) for name in NAMES]
    assert found[0] == found[1] == found[2]
    assert found[0][0] != found[0][1] and all(len(one) == 1 for one in found[0])
    echo = joint.widget.masks.echo.text()
    assert echo.splitlines() == [f"{name} ← {name} masks" for name in NAMES]
    layers = joint.viewer.layers
    colors = [layers[f"{name} classes"].colormap.color_dict for name in NAMES]
    for number in (1, 2):
        assert len({tuple(np.round(one[number], 4)) for one in colors}) == 1
    # No number is twice in all of them, and each layer's table is of its own masks.
    tables = [layers[f"{name} instances"].features for name in NAMES]
    numbers = np.concatenate([table["index"] for table in tables])
    assert numbers.tolist() == list(range(1, len(numbers) + 1))
    for name, table in zip(NAMES, tables, strict=True):
        shown = np.setdiff1d(layers[f"{name} instances"].data, [0])
        assert table["index"].tolist() == shown.tolist()
        np.testing.assert_array_equal(layers[f"{name} classes"].translate, layers[name].translate)
    assert "in 3 images" in joint.widget.message.text()
    check_export(joint, monkeypatch, tmp_path)


def check_export(joint, monkeypatch, tmp_path) -> None:
    """Label maps of every image, and a table and COCO's JSON of all."""
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    joint.widget.export_button.click()
    joint.wait()
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {f"{n}_{k}.tif" for n in NAMES for k in ("classes", "instances")} | {
        "all_masks.csv",
        "all_masks.json",
    }
    for name in NAMES:
        written = tifffile.imread(tmp_path / f"{name}_classes.tif")
        assert np.array_equal(written, joint.viewer.layers[f"{name} classes"].data)
    with (tmp_path / "all_masks.csv").open() as file:
        rows = list(csv.DictReader(file))
    found = joint.segments.state.found
    assert [int(row["class"]) for row in rows] == found.classes.tolist()
    assert list(dict.fromkeys(row["image"] for row in rows)) == list(NAMES)
    document = json.loads((tmp_path / "all_masks.json").read_text())
    names = [one["file_name"] for one in document["images"]]
    assert names == ["gray", "color", "stack[0]", "stack[1]"]


def test_edits_and_undo_go_over_all_images(joint):
    layers, widget = joint.viewer.layers, joint.widget
    before = {name: np.array(layers[f"{name} classes"].data) for name in NAMES}
    joint.select(1, 2)
    widget.merge_button.click()
    joint.wait()
    assert all(np.asarray(layers[f"{n} classes"].data).max() == 1 for n in NAMES)
    assert joint.consistent()
    joint.history.undo()
    joint.wait()
    assert all(np.array_equal(layers[f"{n} classes"].data, before[n]) for n in NAMES)
    widget.class_list.rename(1, "dark things")
    widget.class_list.recolor(1, "#123456")
    for name in NAMES:
        layer = layers[f"{name} classes"]
        assert layer.metadata["napari_ncut"]["classes"][1] == "dark things"
        color = layer.colormap.color_dict[1][:3]
        np.testing.assert_allclose(color, np.array([0x12, 0x34, 0x56]) / 255, atol=1e-3)
    # A click in any of them moves the segment there.
    stack = layers["stack instances"]
    place = (1, 120 - 1 - BRIGHT[0][0], BRIGHT[0][1])
    target = 3 - int(layers["stack classes"].data[place])
    widget.class_list.choose(target)
    widget.editor.move_at(stack, stack.data_to_world(place))
    joint.wait()
    assert layers["stack classes"].data[place] == target and joint.consistent()
    assert np.array_equal(layers["gray classes"].data, before["gray"])
    for _ in range(3):
        joint.history.undo()
        joint.wait()
    assert all(np.array_equal(layers[f"{n} classes"].data, before[n]) for n in NAMES)
    joint.find_classes(n_classes=3)
    assert joint.consistent() and joint.segments.state.found.numbers == [1, 2, 3]
    joint.history.undo()
    joint.wait()
    assert joint.consistent() and joint.segments.state.found.numbers == [1, 2]


def test_deleted_and_renamed_layers_of_one_image_are_no_error(joint, notifications):
    layers, widget = joint.viewer.layers, joint.widget
    layers["color"].name = "renamed"
    layers.remove("stack classes")
    layers.remove("gray classes")
    layers.remove("gray instances")
    dark = int(layers["color classes"].data[DARK[0][1], DARK[0][0]])
    widget.class_list.choose(3 - dark)
    color = layers["color instances"]
    widget.editor.move_at(color, color.data_to_world((DARK[0][1], DARK[0][0])))
    joint.wait()
    moved = np.array(layers["color classes"].data)
    assert moved[DARK[0][1], DARK[0][0]] == 3 - dark
    joint.find_classes(n_classes=3)
    _, color_image, stack_image = joint.segments.images
    # The layer that was deleted is there again; of the image that has none left, none is added.
    assert stack_image.classes is not None
    assert joint.image_is_consistent(stack_image) and joint.image_is_consistent(color_image)
    assert not any(layer.name.startswith("gray ") and "masks" not in layer.name for layer in layers)
    joint.history.undo()
    joint.wait()
    assert np.array_equal(layers["color classes"].data, moved)
    assert joint.image_is_consistent(stack_image)
    layers.remove("gray")
    widget.classes.color_weight.setValue(1)
    assert "“gray” is gone" in widget.cluster_button.toolTip()
    widget.masks.images.value = [layers["renamed"], layers["stack"]]
    widget.masks.labels.value = [layers["color masks"], layers["stack masks"]]
    widget.run_button.click()
    joint.wait()
    joint.find_classes(n_classes=2)
    assert len(joint.segments.images) == 2 and joint.consistent()
    assert [one for one in notifications if one.severity.value == "error"] == []


def test_labels_that_do_not_fit_and_an_image_that_is_deleted_meanwhile(joint, notifications):
    widget, layers = joint.widget, joint.viewer.layers
    widget.masks.labels.value = [layers["gray masks"], layers["stack masks"]]
    assert "2 Labels layers are checked for 3 images" in widget.run_button.toolTip()
    widget.masks.images.value = [layers["gray"], layers["color"]]
    assert "does not lie on “color”" in widget.run_button.toolTip()
    widget.masks.images.value = [layers[name] for name in NAMES]
    widget.masks.labels.value = [layers[f"{name} masks"] for name in NAMES]
    joint.widget.run_button.click()
    joint.viewer.layers.remove("color")
    joint.wait()
    assert [image.source.name for image in joint.segments.images] == ["gray", "stack"]
    assert any("deleted meanwhile" in str(one.message) for one in notifications)
    joint.find_classes(n_classes=2)
    assert joint.consistent()


def test_classes_are_saved_and_applied_to_other_images(
    joint, desk, monkeypatch, tmp_path, notifications
):
    path = tmp_path / "classes.npz"
    joint.widget.class_list.rename(1, "one kind")
    joint.widget.class_list.recolor(2, "#123456")
    chosen = str(tmp_path / "classes")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (chosen, ""))
    joint.widget.save_button.click()
    joint.wait()
    saved = SemanticClasses.load(path)
    assert saved.names == joint.segments.state.found.names and saved.colors[2] == "#123456"

    image, labels = blobs()
    other = desk(image, name="next")
    assert not other.widget.apply_button.isEnabled()
    other.find_masks(other.viewer.add_labels(labels))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    other.widget.apply_button.click()
    other.wait()
    assert other.consistent()
    kinds = by_kind(joint, "stack")
    assert {int(other.classes.data[place]) for place in BRIGHT} == kinds[0]
    assert {int(other.classes.data[place]) for place in DARK} == kinds[1]
    assert other.widget.class_list.names[1] == "one kind"
    assert other.widget.class_list[2].color == "#123456"
    # It is a step of undo where there were classes, and what is edited stays editable.
    applied = np.array(other.classes.data)
    other.find_classes(n_classes=1)
    other.widget.apply_button.click()
    other.wait()
    assert np.array_equal(other.classes.data, applied)
    other.history.undo()
    other.wait()
    assert other.segments.state.found.numbers == [1] and other.consistent()
    # A file that holds no classes changes nothing.
    (tmp_path / "other.npz").write_bytes(b"PK")
    before = other.segments.state
    monkeypatch.setattr(
        QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "other.npz"), "")
    )
    other.widget.apply_button.click()
    other.wait()
    assert other.segments.state is before
    assert any("holds no classes" in str(one.message) for one in notifications)
