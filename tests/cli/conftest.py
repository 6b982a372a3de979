"""Tiny images and points, and a way to run the command line on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from napari_ncut.cli import app

# A coarse grid keeps the graphs small enough to be solved at once.
EMBEDDING = ("--components", "5", "--stride", "2")


def blobs(height: int = 40, width: int = 50, seed: int = 0) -> np.ndarray:
    """Two bright discs on an even ground."""
    rows, columns = np.mgrid[:height, :width]
    image = np.random.default_rng(seed).normal(40, 4, (height, width))
    for row, column in ((12, 14), (28, 36)):
        image[(rows - row) ** 2 + (columns - column) ** 2 < 49] += 100
    return image.clip(0, 255).astype(np.uint8)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "blobs.png"
    Image.fromarray(blobs()).save(path)
    return path


@pytest.fixture
def points(tmp_path: Path) -> Path:
    path = tmp_path / "points.csv"
    path.write_text("index,axis-0,axis-1,positive,class\n0,12,14,1,1\n1,2,2,0,1\n")
    return path


@pytest.fixture
def call() -> Callable[..., Result]:
    """Run a command that must end well."""

    def run(*arguments: object) -> Result:
        result = CliRunner().invoke(app, [str(a) for a in arguments])
        if result.exit_code and result.exception is not None:
            # With the place where it happened.
            raise AssertionError(result.output) from result.exception
        assert result.exit_code == 0, result.output
        return result

    return run


@pytest.fixture
def refuse(tmp_path: Path) -> Callable[..., str]:
    """Run a command that must fail as unusable input does; gives what it said."""

    def run(*arguments: object) -> str:
        before = {p: p.stat().st_mtime_ns for p in sorted(tmp_path.rglob("*"))}
        result = CliRunner().invoke(app, [str(a) for a in arguments])
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        after = {p: p.stat().st_mtime_ns for p in sorted(tmp_path.rglob("*"))}
        assert after == before, "something was written"
        assert result.stderr.startswith("Error: ")
        assert result.stderr.count("\n") == 1, "one paragraph"
        return result.stderr

    return run


@pytest.fixture
def uncomputed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where anything is embedded."""

    def compute(*_: object, **__: object) -> None:
        raise AssertionError("computed before everything was checked")

    monkeypatch.setattr("napari_ncut.spectral.pipeline.embed_steps", compute)
