"""The demo does the main job, and its numbers are those of the picture one can check by eye."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

import napari_ncut as ncut
from napari_ncut.cli import demo
from napari_ncut.samples import immunohistochemistry


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from typer.testing import CliRunner

    from napari_ncut.cli import app

    folder = tmp_path_factory.mktemp("demo") / "out"
    ran = CliRunner().invoke(app, ["demo", "--no-viewer", "-o", str(folder)])
    assert ran.exit_code == 0, ran.output
    assert [line.partition(": ")[0] for line in ran.stdout.splitlines()] == [
        str(folder / name) for name in demo.FILES
    ]
    return folder


def test_files_are_those_announced(result: Path):
    assert sorted(path.name for path in result.iterdir()) == sorted(demo.FILES)
    for path in result.glob("*.png"):
        assert np.ptp(np.asarray(Image.open(path))) > 100


def test_masks_are_where_the_stains_are(result: Path):
    labels = ncut.read_image(result / "classes.tif").data
    image = immunohistochemistry()[0][0].astype(float)
    red_over_blue = image[..., 0] - image[..., 2]
    assert red_over_blue[labels == 1].mean() > 30
    assert red_over_blue[labels == 2].mean() < -10
    assert 0.4 < (labels == 1).mean() < 0.65
    assert 0.03 < (labels == 2).mean() < 0.12


def test_points_are_read_back_by_segment(result: Path, call: Callable):
    table = ncut.read_points(result / "points.csv")
    assert table.classes.tolist() == [number for *_, number in demo.CLICKS]
    assert table.class_names == demo.CLASS_NAMES


def test_repeating_replaces(result: Path, call: Callable):
    before = (result / "classes.tif").read_bytes()
    call("demo", "--no-viewer", "-o", result)
    assert (result / "classes.tif").read_bytes() == before


def test_missing_qt_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(demo, "has_display", lambda: True)
    monkeypatch.setitem(sys.modules, "napari", ModuleType("napari"))
    monkeypatch.setitem(sys.modules, "qtpy.QtWidgets", None)
    with pytest.raises(ncut.InputError, match=r"pip install 'napari\[pyqt6\]'"):
        demo._show(*(np.zeros(1),) * 4)


def test_viewer_is_opened_with_the_clicks(monkeypatch: pytest.MonkeyPatch):
    opened = []
    module = ModuleType("napari_ncut.widgets.demo")
    module.open_demo = lambda *arguments, **settings: opened.append((*arguments, settings))
    monkeypatch.setattr(demo, "has_display", lambda: True)
    for name in ("napari", "qtpy", "qtpy.QtWidgets", "napari_ncut.widgets"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "napari_ncut.widgets.demo", module)
    given = tuple(np.zeros(i) for i in range(4))
    demo._show(*given)
    assert opened == [(*given, demo.CLASS_NAMES, {"embed": demo.EMBED, "predict": demo.PREDICT})]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there always is one")
def test_no_display_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    demo._show(*(np.zeros(1),) * 4)
    assert "no display" in capsys.readouterr().err
