"""The section "Models": what it shows, what it asks before, and what is left when it goes wrong."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_ncut.backbones import BackboneEntry
from napari_ncut.progress import Progress
from napari_ncut.weights import ModelStore, WeightsFile, models_folder, transfer
from napari_ncut.widgets import models
from napari_ncut.widgets.downloading import DownloadBar
from napari_ncut.widgets.models import ModelsPanel

from .conftest import TIMEOUT

CONTENT = b"weights!" * 2**17
SHA256 = hashlib.sha256(CONTENT).hexdigest()
STATED = {"hash": f"sha256:{SHA256[:8]}", "hash_source": "its authors"}


class Server:
    """Sends `content`; waits in its middle while `may_go_on` is not set."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.url = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        half = len(self.content) // 2
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(self.content)))
        handler.end_headers()
        handler.wfile.write(self.content[:half])
        self.may_go_on.wait(20)
        handler.wfile.write(self.content[half:])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    behavior = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(ConnectionError):  # whoever asked went away
                behavior.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setattr(transfer, "RETRIES", 0)
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    behavior.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield behavior
    behavior.may_go_on.set()
    http.shutdown()
    http.server_close()
    thread.join()


def entry(name: str, weights: WeightsFile | None) -> BackboneEntry:
    return BackboneEntry(
        name=name,
        summary=f"What {name} is good for.",
        title=f"The {name}",
        builder="",
        layers=("0",),
        nodes={"block": ""},
        weights=weights,
    )


def weights_file(server: Server, name: str, **hash: str) -> WeightsFile:
    return WeightsFile(
        name, f"{server.url}/{name}", len(CONTENT), "CC-BY-4.0", "https://example.org/paper", **hash
    )


@pytest.fixture
def catalog(server: Server, monkeypatch: pytest.MonkeyPatch) -> dict[str, BackboneEntry]:
    """Two backbones share a file of known hash, one has a file of its own, one has none."""
    shared = weights_file(server, "shared.pth", **STATED)
    entries = [
        entry("plain", None),
        entry("small", shared),
        entry("fine", shared),
        entry("other", weights_file(server, "other.pth")),
    ]
    catalog = {one.name: one for one in entries}
    monkeypatch.setattr(models, "BACKBONES", catalog)
    return catalog


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    """The models folder of the settings; it does not exist yet."""
    monkeypatch.delenv("NAPARI_NCUT_MODELS", raising=False)
    monkeypatch.setenv("NAPARI_NCUT_SETTINGS", str(tmp_path / "settings.json"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "settings.json").write_text(f'{{"models_folder": "{tmp_path / "models"}"}}')
    return ModelStore()


@pytest.fixture
def panel(catalog: dict[str, BackboneEntry], server: Server, qtbot: Any) -> Iterator[ModelsPanel]:
    panel = ModelsPanel()
    qtbot.addWidget(panel)
    panel.show()
    yield panel
    server.may_go_on.set()
    panel.release()
    qtbot.waitUntil(lambda: panel._job._worker is None, timeout=TIMEOUT)


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Presses a button of every box, "" the default one; what boxes say is in the list."""

    def press(text: str) -> list[str]:
        said: list[str] = []

        def exec_(box: QMessageBox) -> int:
            said.append(f"{box.text()} {box.informativeText()}".replace("\u200b", ""))
            named = {button.text().replace("&", ""): button for button in box.buttons()}
            (named[text] if text else box.defaultButton()).click()
            return 0

        monkeypatch.setattr(QMessageBox, "exec", exec_)
        return said

    return press


@pytest.fixture
def told(notifications: list[Any]) -> Callable[[], str]:
    """All that the user was told by notifications."""
    return lambda: "\n".join(str(record.message) for record in notifications)


def states(panel: ModelsPanel) -> list[str]:
    return [item.text(2) for item in panel._items()]


def detail(panel: ModelsPanel) -> str:
    return panel.detail.text().replace("\u200b", "")


def idle(panel: ModelsPanel) -> Callable[[], bool]:
    return lambda: not panel._job.busy


def install(store: ModelStore, name: str, content: bytes = CONTENT) -> Path:
    store.folder.mkdir(exist_ok=True)
    (store.folder / name).write_bytes(content)
    return store.folder / name


# --------------------------------------------------------------------------------------- shown


def test_lists_what_has_weights(panel, store):
    assert [item.text(0) for item in panel._items()] == ["The small", "The fine", "The other"]
    assert {item.text(1) for item in panel._items()} == {"1.0 MB"}
    assert states(panel) == ["", "", ""]
    assert not store.folder.exists()


def test_describes_the_selected_model(panel, store):
    panel.select("other")
    for part in (
        "The other", "What other is good for.", "1.0 MB", "CC-BY-4.0", "Not installed",
        '<a href="https://example.org/paper"', str(store.folder / "other.pth"),
    ):  # fmt: skip
        assert part in detail(panel)
    tip = panel.table.currentItem().toolTip(0)
    for part in ("other", "What other is good for.", "CC-BY-4.0", "https://example.org/paper"):
        assert part in tip


def test_select_passes_over_what_needs_no_download(panel):
    panel.select("fine")
    panel.select("plain")
    assert "The fine" in detail(panel)


def test_an_entry_from_outside_of_the_catalog(panel, server, qtbot):
    more = entry("more", weights_file(server, "more.pth"))
    with qtbot.assertNotEmitted(panel.changed):
        for _ in range(2):
            panel.select("small")
            panel.add_entry(more)
            assert "The more" in detail(panel)
        panel.add_entry(entry("no weights", None))
    assert panel.table.topLevelItemCount() == 4


def test_files_put_there_by_hand_are_noticed(panel, store, qtbot):
    panel.hide()
    install(store, "shared.pth")
    with qtbot.waitSignal(panel.changed):
        panel.show()
    assert states(panel) == ["✓", "✓", ""]
    assert "Installed, unverified (not checked yet)" in detail(panel)
    with qtbot.assertNotEmitted(panel.changed):
        panel.refresh()


def test_the_selected_row_is_in_sight_when_shown_later(panel, server, qtbot):
    panel.hide()
    for number in range(30):
        panel.add_entry(entry(f"net {number}", weights_file(server, f"{number}.pth")))
    panel.select("net 20")
    panel.show()
    row = panel.table.visualItemRect(panel.table.currentItem())
    assert panel.table.viewport().rect().contains(row.center())


def test_neither_building_nor_showing_asks_the_network_or_reads_files(
    catalog, store, monkeypatch, qtbot
):
    install(store, "shared.pth")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked, or a file was read")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr("napari_ncut.weights.store.file_digest", refuse)
    panel = ModelsPanel()
    qtbot.addWidget(panel)
    panel.show()
    panel.select("other")
    panel.refresh()
    assert states(panel) == ["✓", "✓", ""]


def test_opening_loads_neither_torch_nor_timm():
    code = """
import sys
from qtpy.QtWidgets import QApplication
application = QApplication([])
from napari_ncut.widgets.models import ModelsPanel
panel = ModelsPanel()
panel.show()
assert panel.table.topLevelItemCount() > 20
assert not {"torch", "timm", "torchvision", "sklearn"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_narrow(panel):
    assert panel.minimumSizeHint().width() <= 280


def test_damaged_settings_are_told_of(panel, tmp_path):
    (tmp_path / "settings.json").write_text("{")
    panel.refresh()
    assert "settings.json" in detail(panel)
    assert not panel.download_button.isEnabled()
    (tmp_path / "settings.json").unlink()
    panel.refresh()
    assert panel.download_button.isEnabled()


# ------------------------------------------------------------------------------------ download


def test_download_asks_first(panel, store, answer, qtbot):
    said = answer("")  # the default
    panel.download_button.click()
    assert not panel._job.busy
    assert not store.folder.exists()
    for part in ("The small", "1.0 MB", "CC-BY-4.0", "https://example.org/paper"):
        assert part in said[0]
    assert str(store.folder / "shared.pth") in said[0]


def test_download(panel, store, answer, qtbot):
    answer("Download")
    with qtbot.waitSignal(panel.changed):
        panel.download_button.click()
        assert panel.progress.isVisible() and panel.cancel_button.isVisible()
        assert not panel.download_button.isEnabled() and not panel.folder_button.isEnabled()
    assert (store.folder / "shared.pth").read_bytes() == CONTENT
    assert states(panel) == ["✓✓", "✓✓", ""]
    assert "Installed, verified" in detail(panel)
    assert "The small is installed" in panel.message.text()
    assert not panel.progress.isVisible() and not panel.cancel_button.isVisible()
    assert not panel.download_button.isEnabled() and panel.remove_button.isEnabled()


def test_progress_counts_megabytes(panel, server, answer, qtbot):
    server.may_go_on.clear()
    answer("Download")
    panel.download_button.click()
    qtbot.waitUntil(lambda: panel.progress.text() == "0.5 of 1.0 MB")
    assert panel.progress.value() == panel.progress.maximum() // 2
    server.may_go_on.set()
    qtbot.waitUntil(idle(panel))


def test_progress_of_files_larger_than_32_bits(panel):
    panel._on_step(Progress("download", 1_300_000_000, 2_600_000_000))
    assert panel.progress.text() == "1300 of 2600 MB"
    assert panel.progress.value() == panel.progress.maximum() // 2


def test_cancel_half_way_leaves_nothing(panel, store, server, answer, qtbot):
    server.may_go_on.clear()
    answer("Download")
    panel.download_button.click()
    qtbot.waitUntil(lambda: panel.progress.value() > 0)
    assert list(store.folder.iterdir())
    with qtbot.assertNotEmitted(panel.changed):
        panel.cancel_button.click()
        assert not panel.progress.isVisible() and panel.download_button.isEnabled()
        server.may_go_on.set()
        qtbot.waitUntil(lambda: panel._job._worker is None, timeout=TIMEOUT)
        qtbot.waitUntil(lambda: not store.folder.exists())
    assert "Cancelled" in panel.message.text()
    assert states(panel) == ["", "", ""]


def test_closing_while_downloading_leaves_nothing(panel, store, server, answer, qtbot):
    server.may_go_on.clear()
    answer("Download")
    panel.download_button.click()
    qtbot.waitUntil(lambda: panel.progress.value() > 0)
    panel.release()
    server.may_go_on.set()
    qtbot.waitUntil(lambda: not store.folder.exists())


def test_a_wrong_file_is_refused(panel, store, server, answer, told, qtbot):
    server.content = CONTENT[:-1] + b"?"
    answer("Download")
    panel.download_button.click()
    qtbot.waitUntil(lambda: bool(told()))
    for part in ("shared.pth", str(store.folder), f"{server.url}/shared.pth", SHA256[:8]):
        assert part in told()
    assert not store.folder.exists()
    assert states(panel) == ["", "", ""]
    assert panel.download_button.isEnabled()


# --------------------------------------------------------------------------- verify and remove


def test_verify_of_a_file_put_there_by_hand(panel, store, qtbot):
    install(store, "shared.pth")
    panel.refresh()
    with qtbot.waitSignal(panel.changed):
        panel.verify_button.click()
    assert states(panel) == ["✓✓", "✓✓", ""]
    assert "its authors" in panel.message.text()


def test_verify_tells_of_a_changed_file_and_download_replaces_it(panel, store, answer, told, qtbot):
    path = install(store, "shared.pth")
    store.verify(panel._entries["small"].weights)
    path.write_bytes(CONTENT[:-1] + b"?")
    panel.refresh()
    assert states(panel) == ["✓✓", "✓✓", ""]  # of the same size: reading it tells
    panel.verify_button.click()
    qtbot.waitUntil(lambda: bool(told()))
    assert "is not the file it should be" in told()
    assert states(panel) == ["✗", "✗", ""]
    assert "Damaged" in detail(panel)
    answer("Download")
    panel.download_button.click()
    qtbot.waitUntil(idle(panel))
    assert states(panel) == ["✓✓", "✓✓", ""]


def test_remove_asks_first(panel, store, answer, qtbot):
    path = install(store, "shared.pth")
    panel.refresh()
    said = answer("")
    panel.remove_button.click()
    assert path.exists()
    assert str(path) in said[0] and "The fine" in said[0]
    answer("Remove")
    with qtbot.waitSignal(panel.changed):
        panel.remove_button.click()
    assert not path.exists()
    assert states(panel) == ["", "", ""]
    assert not panel.remove_button.isEnabled() and not panel.verify_button.isEnabled()


# -------------------------------------------------------------------------------------- folder


def test_another_folder(panel, server, tmp_path, monkeypatch, qtbot):
    chosen = tmp_path / "chosen"
    chosen.mkdir()
    (chosen / "other.pth").write_bytes(CONTENT)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(chosen))
    with qtbot.waitSignal(panel.changed):
        panel.folder_button.click()
    assert models_folder().path == chosen
    assert states(panel) == ["", "", "✓"]
    assert str(chosen) in detail(panel)
    with qtbot.waitSignal(panel.changed):
        panel.reset_button.click()
    assert models_folder().set_by == "default"
    assert states(panel) == ["", "", ""]
    assert not panel.reset_button.isEnabled()


def test_no_other_folder_chosen(panel, store, monkeypatch):
    asked = []
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *a: asked.append(a) or "")
    panel.folder_button.click()
    assert asked[0][2] == str(store.folder.parent)  # the folder itself does not exist yet
    assert models_folder().path == store.folder


def test_the_environment_variable_decides(panel, tmp_path, monkeypatch):
    assert not panel.folder_note.isVisible()
    monkeypatch.setenv("NAPARI_NCUT_MODELS", str(tmp_path / "elsewhere"))
    panel.refresh()
    assert "NAPARI_NCUT_MODELS" in panel.folder_note.text() and panel.folder_note.isVisible()
    assert not panel.folder_button.isEnabled() and not panel.reset_button.isEnabled()
    assert str(tmp_path / "elsewhere") in detail(panel)


def test_bar_of_a_file_of_unknown_size_only_moves(panel, server):
    panel.add_entry(entry("more", replace(weights_file(server, "more.pth"), size=0)))
    assert "size unknown" in detail(panel)
    panel.progress.setRange(0, 0)
    panel._on_step(Progress("download", 0, 1))
    assert panel.progress.maximum() == 0


# ----------------------------------------------------------------------------- the bar elsewhere


@pytest.fixture
def bar(catalog: dict[str, BackboneEntry], server: Server, qtbot: Any) -> Iterator[DownloadBar]:
    bar = DownloadBar("choose a file")
    qtbot.addWidget(bar)
    yield bar
    server.may_go_on.set()
    bar.release()
    qtbot.waitUntil(lambda: bar._job._worker is None, timeout=20_000)


def test_a_bar_gets_what_is_missing_after_asking(bar, catalog, store, answer, qtbot):
    assert bar.isHidden() and bar.why() == ""
    bar.offer(catalog["plain"])
    assert bar.isHidden() and bar.why() == ""
    bar.offer(catalog["small"])
    assert not bar.isHidden() and "The small (1.0 MB)" in bar.button.text()
    assert bar.why() == (
        "The small is not installed (1.0 MB, license: CC-BY-4.0). Download it, or choose a file."
    )
    said = answer("")
    bar.button.click()
    for part in ("Size: 1.0 MB", "License: CC-BY-4.0", str(store.folder / "shared.pth")):
        assert part in said[0]
    assert not store.folder.exists() and not bar.isHidden()
    answer("Download")
    with qtbot.waitSignal(bar.changed):
        bar.button.click()
    assert bar.isHidden() and bar.why() == ""
    assert (store.folder / "shared.pth").read_bytes() == CONTENT


def test_a_bar_can_be_cancelled(bar, catalog, server, store, answer, qtbot):
    server.may_go_on.clear()
    bar.offer(catalog["other"])
    answer("Download")
    bar.button.click()
    assert not bar.cancel_button.isHidden() and bar.button.isHidden()
    qtbot.waitUntil(lambda: bar.progress.value() > 0)
    bar.cancel_button.click()
    server.may_go_on.set()
    assert "Cancelled" in bar.text.text() and not bar.button.isHidden()
    qtbot.waitUntil(lambda: bar._job._worker is None, timeout=20_000)
    assert not (store.folder / "other.pth").exists()


def test_a_bar_without_network_says_where_to_put_the_file(bar, catalog, store, answer, qtbot):
    lost = replace(catalog["other"].weights, url="http://127.0.0.1:9/other.pth")
    bar.offer(replace(catalog["other"], weights=lost))
    answer("Download")
    with qtbot.waitSignal(bar._job.failed):
        bar.button.click()
    text = bar.text.text().replace("\u200b", "")
    assert str(store.folder) in text and "other.pth" in text and not bar.button.isHidden()
