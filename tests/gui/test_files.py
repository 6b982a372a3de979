"""napari's File menu: annotations of other programs become Labels layers, and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import npe2
import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_ncut.io import export_annotations, import_annotations
from napari_ncut.widgets.files import get_reader, write_coco, write_geojson
from napari_ncut.widgets.roles import PAINTED, note, role_of

LABELS = np.zeros((9, 14), int)
LABELS[1:5, 2:6] = 1
LABELS[5:8, 6:14] = 2
NAMES, COLORS = {1: "cell", 2: "Köder"}, {1: "#ff0010", 2: "#0020ff"}


@pytest.fixture(autouse=True)
def _plugins_are_known() -> None:
    # napari does so when a window opens.
    npe2.PluginManager.instance().discover()


@pytest.mark.parametrize("name", ["coco", "imagej", "geojson", "icas", "icas-windows"])
def test_files_open_as_labels(name: str, tmp_path: Path):
    path, *_ = export_annotations(
        tmp_path, LABELS, stem="a", format=name, classes=NAMES, colors=COLORS
    )
    assert get_reader(str(path)) is not None
    viewer = ViewerModel()
    (layer,) = viewer.open(path, plugin="napari-ncut")
    assert isinstance(layer, Labels) and role_of(layer) == PAINTED
    height, width = layer.data.shape
    if "icas" in name:
        # icas tells no names and no numbers.
        np.testing.assert_array_equal(layer.data > 0, LABELS > 0)
        return
    np.testing.assert_array_equal(layer.data, LABELS[:height, :width])
    assert layer.metadata["napari_ncut"]["classes"] == NAMES
    np.testing.assert_allclose(layer.colormap.color_dict[2], [0, 32 / 255, 1, 1], atol=1e-6)


def test_files_of_others_are_left_to_others(tmp_path: Path):
    for name in ("a.json", "a.zip", "a.png", "a.tif", "a_mask.png", "a.txt"):
        path = tmp_path / name
        path.write_text("{}")
        assert get_reader(str(path)) is None
    assert get_reader([str(tmp_path / "a.geojson")]) is None
    assert get_reader(str(tmp_path / "none.geojson")) is None


def test_pictures_and_tiff_stay_napari_s(tmp_path: Path):
    manager = npe2.PluginManager.instance()

    def readers(name: str) -> list[str]:
        found = manager.iter_compatible_readers(str(tmp_path / name))
        return [one.command for one in found if one.command.startswith("napari-ncut")]

    assert readers("a.geojson") and readers("a_mask_(R:1,G:2,B:3).png")
    assert not readers("a.png") and not readers("a.tif")
    manifest = npe2.PluginManifest.from_distribution("napari-ncut")
    endings = {e for w in manifest.contributions.writers for e in w.filename_extensions}
    assert endings == {".geojson", ".json", ".zip"}


@pytest.mark.parametrize("ending", ["geojson", "json", "zip"])
def test_painted_layers_are_saved_with_their_classes(ending: str, tmp_path: Path):
    viewer = ViewerModel()
    layer = viewer.add_labels(LABELS, name="mine", colormap=_colors())
    note(layer, role=PAINTED, classes=NAMES)
    path = tmp_path / f"saved.{ending}"
    layer.save(str(path), plugin="napari-ncut")
    found = import_annotations(path, LABELS.shape)
    np.testing.assert_array_equal(found.labels, LABELS)
    assert (found.names, found.colors) == (NAMES, COLORS)


def _colors() -> Any:
    from napari.utils.colormaps import DirectLabelColormap

    return DirectLabelColormap(color_dict={None: "transparent", 0: "transparent", **COLORS})


def test_labels_without_classes_are_things_of_one(tmp_path: Path):
    path = tmp_path / "a.geojson"
    write_geojson(str(path), LABELS, {"name": "nuclei"})
    features = json.loads(path.read_text())["features"]
    assert [f["properties"]["classification"]["name"] for f in features] == ["nuclei"] * 2


def test_instances_have_the_classes_of_their_table(tmp_path: Path):
    path = tmp_path / "a.json"
    table = pd.DataFrame({"index": [1, 2], "class": [5, 3]})
    attributes = {
        "name": "a",
        "features": table,
        "metadata": {"napari_ncut": {"classes": {3: "x", 5: "y"}}},
    }
    write_coco(str(path), LABELS, attributes)
    found = import_annotations(path, LABELS.shape)
    np.testing.assert_array_equal(found.instances, LABELS)
    np.testing.assert_array_equal(found.labels, np.array([0, 5, 3])[LABELS])
