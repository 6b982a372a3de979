"""Tests of widgets, in a viewer.

`make_napari_viewer_proxy` comes from napari's own pytest plugin, which is loaded wherever napari is
installed. Prefer it to `make_napari_viewer`: it lets only napari's public names through. It closes
its viewers itself, and fails a test that leaves Qt objects behind. `qtbot` comes from pytest-qt.

Every test in this folder carries the marker `gui` (tests/conftest.py gives it).
"""
