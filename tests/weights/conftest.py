"""A server on this machine that behaves as badly as it is told to, and a store to fill."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from napari_ncut.weights import ModelStore, WeightsFile, transfer

CONTENT = np.random.default_rng(0).bytes(400_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


@dataclass
class Server:
    """What it answers, and how often it was asked.

    Attributes
    ----------
    status
        Of the answers.
    content
        What is sent.
    announced
        Content-Length, None to say nothing.
    chunk, pause
        Bytes at a time, and seconds after each.
    broken
        How many answers break off before their end.
    """

    url: str = ""
    status: int = 200
    content: bytes = CONTENT
    announced: int | None = len(CONTENT)
    chunk: int = 1 << 16
    pause: float = 0
    broken: int = 0
    asked: list[str] = field(default_factory=list)

    def file(self, name: str = "net.pth", **about: object) -> WeightsFile:
        about = {"size": len(CONTENT), "license": "Apache-2.0", "source": "the paper"} | about
        return WeightsFile(name=name, url=f"{self.url}/{name}", **about)  # type: ignore[arg-type]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        breaks_off, self.broken = self.broken > 0, self.broken - 1
        handler.send_response(self.status)
        if self.announced is not None:
            handler.send_header("Content-Length", str(self.announced))
        handler.end_headers()
        content = self.content[: len(self.content) // 2] if breaks_off else self.content
        for start in range(0, len(content), self.chunk):
            handler.wfile.write(content[start : start + self.chunk])
            time.sleep(self.pause)


@pytest.fixture
def server() -> Iterator[Server]:
    behavior = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(ConnectionError):  # whoever asked went away
                behavior.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    behavior.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield behavior
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries, which wait seconds in between, have a test of their own."""
    monkeypatch.setattr(transfer, "RETRIES", 0)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """A store with a file of somebody else in it."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "other.pth").write_bytes(b"other")
    return ModelStore(folder)


@pytest.fixture
def unchanged(tmp_path: Path) -> Callable[[], object]:
    """A block after which every file and folder is as it was before."""

    def contents() -> dict[Path, bytes | None]:
        paths = sorted(tmp_path.rglob("*"))
        return {path: path.read_bytes() if path.is_file() else None for path in paths}

    @contextmanager
    def block() -> Iterator[None]:
        before = contents()
        yield
        assert contents() == before

    return block


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every attempt to reach a network fails, and is noted."""
    asked: list[object] = []

    def refuse(*arguments: object, **_: object) -> None:
        asked.append(arguments)
        raise OSError("Network is unreachable")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
    return asked
