"""What every test may use, and the reasons for which some are skipped."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GUI_TESTS = Path(__file__).resolve().parent / "gui"
MARKER_OF_FIXTURE = {"data_root": "data", "peer_ncut": "peer"}
PEER = ROOT / ".peers" / "ncut-pytorch-1.8.19"
if "PYTEST_XDIST_WORKER" in os.environ:
    # Processes that share the tests would wait for each other's threads.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    no_display = sys.platform == "linux" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    for item in items:
        if item.path.is_relative_to(GUI_TESTS):
            item.add_marker(pytest.mark.gui)
        if config.pluginmanager.hasplugin("xdist"):
            # Windows share one display and its focus; modules share what their fixtures made.
            together = "gui" if item.get_closest_marker("gui") else item.path.as_posix()
            item.add_marker(pytest.mark.xdist_group(together))
        for fixture, marker in MARKER_OF_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)
        if no_display and item.get_closest_marker("gui"):
            item.add_marker(
                pytest.mark.skip(reason="no display: run it through scripts/with-display.sh")
            )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests may import torchvision or timm after windows were open: as what loads networks does."""
    if "triton" not in sys.modules and not item.get_closest_marker("gui"):
        from napari_ncut.backbones.families.llvm import keep_llvm_apart

        keep_llvm_apart()


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder with `data/` and `models/`; a test that uses it gets the marker `data`."""
    folder = os.environ.get("NAPARI_NCUT_DATA")
    if not folder:
        pytest.skip("NAPARI_NCUT_DATA is not set: no data sets to test with")
    root = Path(folder).expanduser().resolve()
    # A wrong path is a mistake of whoever set it, not a reason to test less.
    assert root.is_dir(), f"NAPARI_NCUT_DATA={folder} is no folder"
    return root


@pytest.fixture(scope="session")
def peer_ncut():
    """The module ncut_pytorch 1.8.19; a test that uses it gets the marker `peer`."""
    if not PEER.is_dir():
        pytest.skip(f"the peer ncut-pytorch is not in {PEER.parent.name}: `make peer` installs it")
    # Last on the path, so that whatever it brings along never stands in for our own packages.
    sys.path.append(str(PEER))
    try:
        yield importlib.import_module("ncut_pytorch")
    finally:
        sys.path.remove(str(PEER))


@pytest.fixture(autouse=True)
def _few_torch_threads() -> None:
    # On tiny tensors many threads only wait for each other. Torch is not imported for this: most
    # tests do without it.
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() > 4:
        torch.set_num_threads(4)
