"""Training after windows in one process."""

from __future__ import annotations

import pytest

from napari_ncut.backbones.families.llvm import keep_llvm_apart


@pytest.fixture(autouse=True, scope="session")
def apart_from_the_graphics_driver() -> None:
    """Optimizers of torch import triton, whose LLVM is not that of a window before it."""
    keep_llvm_apart()
