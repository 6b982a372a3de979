"""Imports stay light, and Qt and napari stay in the widgets."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "napari_ncut"
HEAVY = {"PyQt5", "PyQt6", "PySide6", "napari", "qtpy", "sklearn", "timm", "torch"}
WINDOWED = {
    "PyQt5",
    "PyQt6",
    "PySide2",
    "PySide6",
    "magicgui",
    "napari",
    "qtpy",
    "superqt",
    "vispy",
    "napari_ncut.widgets",
}
HEADLESS_MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if PACKAGE / "widgets" not in path.parents
)


def packages_imported_by(code: str) -> set[str]:
    """Top-level packages that a fresh interpreter holds after `code`."""
    report = (
        "import json, sys\n"
        "packages = sorted({name.partition('.')[0] for name in sys.modules})\n"
        "print(json.dumps(packages), file=sys.stderr)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return set(json.loads(result.stderr.splitlines()[-1]))


def test_importing_the_package_is_light():
    imported = packages_imported_by("import napari_ncut")
    assert "napari_ncut" in imported
    assert not imported & HEAVY


def test_help_of_the_command_line_is_light():
    code = (
        "import sys\n"
        "from napari_ncut.cli import main\n"
        "sys.argv = ['napari-ncut', '--help']\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as leaving:\n"
        "    assert not leaving.code, leaving.code\n"
    )
    assert not packages_imported_by(code) & HEAVY


def imports_of(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield every dotted name a file imports, and whether it does so inside a function."""
    package = path.relative_to(PACKAGE.parent).parent.parts

    def visit(node: ast.AST, in_function: bool) -> Iterator[tuple[str, bool]]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, in_function
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            origin = ".".join((*base, *filter(None, [node.module])))
            for alias in node.names:
                yield f"{origin}.{alias.name}", in_function
        inside = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside)

    return visit(ast.parse(path.read_text(encoding="utf-8")), False)


def windowed(name: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in WINDOWED)


@pytest.mark.parametrize(
    "path", HEADLESS_MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix()
)
def test_headless_modules_know_no_window(path: Path):
    # The command line opens the viewer, hence may import it, but only then.
    opens_viewer = path.is_relative_to(PACKAGE / "cli")
    offending = {
        name
        for name, in_function in imports_of(path)
        if windowed(name) and not (opens_viewer and in_function)
    }
    assert not offending


def test_imports_are_read_at_every_depth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    package = tmp_path / "napari_ncut"
    package.mkdir()
    monkeypatch.setitem(globals(), "PACKAGE", package)
    path = package / "module.py"
    path.write_text(
        "import numpy.linalg\n"
        "from . import widgets\n"
        "def open_viewer():\n"
        "    from napari.layers import Image\n"
    )
    assert list(imports_of(path)) == [
        ("numpy.linalg", False),
        ("napari_ncut.widgets", False),
        ("napari.layers.Image", True),
    ]
    assert [windowed(name) for name, _ in imports_of(path)] == [False, True, True]
