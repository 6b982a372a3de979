"""Controls made from declared parameters, of every kind that registries have."""

from __future__ import annotations

from napari_ncut.declared import Parameter
from napari_ncut.widgets.declared import DeclaredControls

PARAMETERS = {
    "width": Parameter(float, 0.5, low=0.1, high=2.0, step=0.1, label="Width"),
    "number": Parameter(int, None, low=1, high=9, label="Number"),
    "kind": Parameter(str, "a", choices=("a", "b"), label="Kind"),
    "file": Parameter(str, None, label="File"),
    "whole": Parameter(bool, True, label="Whole"),
}


def test_controls_of_all_kinds(qtbot):
    controls = DeclaredControls(PARAMETERS)
    qtbot.addWidget(controls)
    assert controls.values() == {name: p.default for name, p in PARAMETERS.items()}
    for name, value in (("width", 1.2), ("number", 4), ("kind", "b"), ("whole", False)):
        with qtbot.waitSignal(controls.changed):
            controls.set_value(name, value)
        assert controls.values()[name] == value
    controls.set_value("file", "weights.pt")
    assert controls.values()["file"] == "weights.pt"
    for name in ("number", "file"):
        controls.set_value(name, None)
        assert controls.values()[name] is None
