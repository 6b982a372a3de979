"""The manifest is valid, what it names exists, and both copies of it are the same."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from npe2 import PluginManifest

ROOT = Path(__file__).resolve().parents[1]
MANIFEST = ROOT / "napari.yaml"
MANIFEST_IN_PACKAGE = ROOT / "src" / "napari_ncut" / "napari.yaml"


def python_names() -> list:
    commands = PluginManifest.from_file(MANIFEST).contributions.commands or []
    names = sorted({str(command.python_name) for command in commands})
    return [
        pytest.param(name, marks=pytest.mark.gui if ".widgets." in name else ()) for name in names
    ]


def test_both_copies_are_equal():
    assert MANIFEST.read_bytes() == MANIFEST_IN_PACKAGE.read_bytes(), "run: make manifest"


def test_npe2_accepts_the_file():
    manifest = PluginManifest.from_file(MANIFEST)
    assert manifest.name == "napari-ncut"
    assert manifest.contributions.widgets
    assert manifest.contributions.sample_data


def test_npe2_finds_and_accepts_the_installed_plugin():
    result = subprocess.run(
        [sys.executable, "-m", "npe2", "validate", "napari-ncut"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_widget_is_in_a_menu():
    contributions = PluginManifest.from_file(MANIFEST).contributions
    in_menus = {
        entry.command
        for entries in contributions.menus.values()
        for entry in entries
        if hasattr(entry, "command")
    }
    assert {widget.command for widget in contributions.widgets} <= in_menus


@pytest.mark.parametrize("python_name", python_names())
def test_what_the_manifest_names_exists(python_name: str):
    module, _, attribute = python_name.partition(":")
    assert callable(getattr(importlib.import_module(module), attribute))
