"""The wheel, not only the checkout, is a plugin that napari finds."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LARGEST_FILE = 5 * 2**20

pytestmark = pytest.mark.slow


def run(*command: str, **options) -> str:
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # Without isolation the build needs no network: hatchling is in the group `test`.
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder))
    run(*build, str(ROOT), cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


def test_wheel_holds_what_napari_and_type_checkers_look_for(wheel):
    with zipfile.ZipFile(wheel) as archive:
        assert {"napari_ncut/napari.yaml", "napari_ncut/py.typed"} <= set(archive.namelist())


def test_wheel_holds_every_file_of_the_package(wheel):
    package = ROOT / "src" / "napari_ncut"
    files = {
        path.relative_to(package.parent).as_posix()
        for path in package.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    with zipfile.ZipFile(wheel) as archive:
        assert files <= set(archive.namelist())


def test_nothing_in_the_wheel_is_large(wheel):
    with zipfile.ZipFile(wheel) as archive:
        large = [entry.filename for entry in archive.infolist() if entry.file_size > LARGEST_FILE]
    assert not large


def test_npe2_validates_the_installed_wheel(wheel, tmp_path):
    # To install a pure wheel is to unpack it. Put before everything else on the path, it hides the
    # editable install, while the dependencies are those of the environment we run in.
    installed = tmp_path / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    environment = {**os.environ, "PYTHONPATH": str(installed)}

    show_package = "import napari_ncut; print(napari_ncut.__file__)"
    shown = run(sys.executable, "-c", show_package, cwd=tmp_path, env=environment)
    assert Path(shown.strip()).is_relative_to(installed)

    validate = (sys.executable, "-m", "npe2", "validate", "napari-ncut")
    run(*validate, cwd=tmp_path, env=environment)

    # And it is indeed this copy that was looked at: without it the plugin has no manifest.
    (installed / "napari_ncut" / "napari.yaml").unlink()
    result = subprocess.run(
        validate, cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert result.returncode != 0
