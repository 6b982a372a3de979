"""Weights by command: what is shown first, what is asked, and what is left when it goes wrong."""

from __future__ import annotations

import hashlib
import http.server
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from napari_ncut.backbones import BACKBONES
from napari_ncut.cli import app, models, report
from napari_ncut.progress import Progress
from napari_ncut.weights import ModelStore, WeightsFile

CONTENT = b"weights" * 100_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address under which its files can be downloaded."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def file(served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> WeightsFile:
    """The weights that two backbones share; a third one has none."""
    folder, url = served
    (folder / "net.pth").write_bytes(CONTENT)
    weights = WeightsFile(
        "net.pth", f"{url}/net.pth", len(CONTENT), "Apache-2.0", "https://example.org/paper",
        f"sha256:{SHA256[:8]}", "its name",
    )  # fmt: skip
    for name, of in (("sam:tiny", weights), ("sam:tiny_fine", weights), ("plain", None)):
        monkeypatch.setitem(BACKBONES, name, SimpleNamespace(name=name, weights=of))
    return weights


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    monkeypatch.setenv("NAPARI_NCUT_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("NAPARI_NCUT_SETTINGS", str(tmp_path / "settings.json"))
    monkeypatch.setenv("COLUMNS", "200")
    return ModelStore()


def run(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, ["models", *arguments], input=answer)


def test_list_shows_a_shared_file_once(call, store, file):
    text = call("models", "list").stdout
    assert text.count("https://example.org/paper") == 1
    for part in ("sam:tiny\n", "sam:tiny_fine", "not here", "0.7 MB", "Apache-2.0"):
        assert part in "\n".join(line.strip() for line in text.replace("  ", "\n").splitlines())
    assert "plain" not in text
    assert f"models folder: {store.folder} (set by" in text
    store.download(file)
    assert "here, verified" in call("models", "list").stdout


def test_list_names_files_of_others(call, store, file):
    store.download(file)
    (store.folder / "mine.pth").write_bytes(b"mine")
    assert "Other files there: mine.pth\n" in call("models", "list").stdout


def test_list_is_narrow_and_whole(call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert "…" not in call("models", "list").stdout


def test_download_shows_what_it_is_first(call, store, file):
    result = call("models", "download", "sam:tiny", "--yes")
    assert result.stdout == f"{store.path(file)}\n"
    for part in ("net.pth for sam:tiny", "0.7 MB", "Apache-2.0", "https://example.org/paper"):
        assert part in result.stderr
    assert store.state(file) == "verified"
    again = call("models", "download", "sam:tiny_fine")  # nothing to agree to
    assert (again.stdout, again.stderr) == (result.stdout, "")


def test_download_by_the_name_of_the_file(call, store, file):
    call("models", "download", "net.pth", "--yes")
    assert store.state(file) == "verified"


def test_nobody_to_ask(store):
    result = run("download", "sam:tiny")
    assert result.exit_code == 2
    *facts, error = result.stderr.splitlines()
    assert any("Apache-2.0" in fact for fact in facts)
    assert error.startswith("Error: ")
    assert "--yes" in error
    assert not store.folder.exists()


@pytest.mark.parametrize("answer, exit_code", [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_confirmation(store, file, monkeypatch, answer, exit_code):
    monkeypatch.setattr(models, "_can_ask", lambda: True)
    result = run("download", "sam:tiny", answer=answer)
    assert result.exit_code == exit_code
    assert result.stderr.index("Apache-2.0") < result.stderr.index("Download?")
    assert store.path(file).exists() == (exit_code == 0)
    assert store.folder.exists() == (exit_code == 0)


def test_ctrl_c_leaves_nothing(store, monkeypatch):
    @contextmanager
    def interrupted():
        def advance(step: Progress) -> None:
            raise KeyboardInterrupt

        yield advance

    monkeypatch.setattr(models, "progress_bar", interrupted)
    result = run("download", "sam:tiny", "--yes")
    assert result.exit_code == 130
    assert "Nothing was written" in result.stderr
    assert not store.folder.exists()


def test_download_that_fails(served, store):
    (served[0] / "net.pth").unlink()
    result = run("download", "sam:tiny", "--yes")
    assert result.exit_code == 2
    assert "404" in result.stderr
    assert "napari-ncut models download sam:tiny" in result.stderr
    assert not store.folder.exists()


@pytest.mark.parametrize("command", ["download", "verify", "remove"])
def test_names_without_weights(refuse, command):
    assert "needs no download" in refuse("models", command, "plain")
    assert "no-such-network" in refuse("models", command, "no-such-network")


def test_verify(call, store, file):
    assert "No weights are in" in call("models", "verify").stdout
    store.download(file)
    for arguments in ([], ["sam:tiny_fine"]):
        assert ": verified. " in call("models", "verify", *arguments).stdout
    store.path(file).write_bytes(CONTENT[:-1])
    for arguments in ([], ["sam:tiny"]):
        result = run("verify", *arguments)
        assert result.exit_code == 1
        assert SHA256[:8] in result.stderr
        assert "napari-ncut models download sam:tiny" in result.stderr


def test_verify_what_is_missing():
    result = run("verify", "sam:tiny")
    assert result.exit_code == 1
    assert "models download sam:tiny" in result.stderr


def test_remove(call, refuse, store, file):
    store.download(file)
    assert str(store.path(file)) in call("models", "remove", "sam:tiny").stdout
    assert not list(store.folder.iterdir())
    assert "nothing to remove" in refuse("models", "remove", "sam:tiny")


def test_where(call, refuse, tmp_path, monkeypatch):
    assert "NAPARI_NCUT_MODELS" in call("models", "where").stdout
    monkeypatch.delenv("NAPARI_NCUT_MODELS")
    assert "(default)" in call("models", "where").stdout
    text = call("models", "where", "--set", tmp_path / "elsewhere").stdout
    assert text == (
        f"models folder: {tmp_path / 'elsewhere'} "
        f"(set by the setting in {tmp_path / 'settings.json'})\n"
    )
    assert call("models", "where").stdout == text
    assert "(default)" in call("models", "where", "--reset").stdout
    assert "both" in refuse("models", "where", "--reset", "--set", tmp_path)


def test_bar_counts_bytes(monkeypatch):
    out = io.StringIO()
    terminal = Console(file=out, force_terminal=True, width=120)
    monkeypatch.setattr(report, "console", lambda *, stderr=False: terminal)
    with report.progress_bar() as advance:
        assert advance is not None
        advance(Progress("download", 100_000_000, 375_000_000))
        advance(Progress("features", 7, 9))
    text = out.getvalue()
    assert "Download" in text
    assert "100.0/375.0 MB" in text
    assert "7/9" not in text


@pytest.mark.parametrize("command", ["list", "download", "verify", "remove", "where"])
def test_help_has_examples(call, command):
    assert "Examples" in call("models", command, "--help").stdout
