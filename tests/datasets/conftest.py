"""Folders of tiny data sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from .fakes import MAKERS


@pytest.fixture(scope="session")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each data set."""
    made = {}
    for name, make in MAKERS.items():
        made[name] = tmp_path_factory.mktemp(name)
        make(made[name])
    return made
