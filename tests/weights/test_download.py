"""A file arrives whole and right, or nothing does."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
import requests

from napari_ncut.errors import InputError
from napari_ncut.progress import Progress
from napari_ncut.weights import ModelStore, transfer

from .conftest import CONTENT, MD5, SHA256


def test_arrives_with_its_hash_recorded(server, store):
    file = server.file()
    steps: list[Progress] = []
    path = store.download(file, steps.append)
    assert path == store.path(file) == store.folder / "net.pth"
    assert path.read_bytes() == CONTENT
    assert json.loads((store.folder / "net.pth.json").read_text())["sha256"] == SHA256
    assert sorted(p.name for p in store.folder.iterdir()) == [
        "net.pth",
        "net.pth.json",
        "other.pth",
    ]
    assert {step.stage for step in steps} == {"download"}
    assert steps[0].done == 0
    assert steps[-1] == Progress("download", len(CONTENT), len(CONTENT))


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are other ones there")
def test_others_may_read_it_where_the_system_says_so(server, store):
    before = os.umask(0o022)
    try:
        path = store.download(server.file())
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644


def test_names_of_our_own_files_are_free(server, store):
    for name in ("lock", "record.json"):
        assert store.download(server.file(name)).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "hash, state",
    [
        ("", "unverified"), (f"sha256:{SHA256}", "verified"), (f"sha256:{SHA256[:8]}", "verified"),
        (f"md5:{MD5}", "verified"), (f"md5:{MD5[:6]}", "verified"),
    ],
)  # fmt: skip
def test_state_follows_the_stated_hash(server, store, hash, state):
    file = server.file(hash=hash, hash_source="the authors")
    assert store.state(file) == "missing"
    store.download(file)
    assert store.state(file) == state
    assert store.verify(file).state == state


def test_what_is_there_and_right_is_not_fetched(server, store, no_network):
    file = server.file(hash=f"md5:{MD5}", hash_source="the authors")
    store.path(file).write_bytes(CONTENT)
    assert store.download(file) == store.path(file)
    assert store.state(file) == "verified"
    assert not server.asked
    assert not no_network


def test_what_is_there_and_wrong_is_replaced(server, store):
    file = server.file(hash=f"md5:{MD5}", hash_source="the authors")
    store.path(file).write_bytes(b"damaged")
    store.download(file)
    assert store.path(file).read_bytes() == CONTENT


def test_folders_are_made_and_go_again_where_nothing_arrives(server, tmp_path):
    store = ModelStore(tmp_path / "a" / "b")
    server.status = 404
    with pytest.raises(InputError):
        store.download(server.file())
    assert not list(tmp_path.iterdir())
    server.status = 200
    assert store.download(server.file()).read_bytes() == CONTENT


def test_steps_show_what_arrives_slowly(server, store):
    server.pause = 0.06
    steps = list(store.download_steps(server.file()))
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert len(set(done)) > 3


def test_length_and_size_unknown(server, store):
    server.announced = None
    steps = list(store.download_steps(server.file(size=0)))
    assert store.path(server.file()).read_bytes() == CONTENT
    assert all(0 <= step.fraction <= 1 for step in steps)


# ------------------------------------------------------------------------------------ what fails


def remedy(error: pytest.ExceptionInfo[InputError], store: ModelStore, url: str) -> str:
    """The message, which names address, file, folder and command."""
    message = str(error.value)
    for part in (url, str(store.folder), "net.pth", "napari-ncut models download sam:vit_b"):
        assert part in message
    return message


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_answers_that_are_errors(server, store, unchanged, status):
    server.status = status
    with unchanged(), pytest.raises(InputError) as error:
        store.download(server.file(), name="sam:vit_b")
    assert f"the server answered {status}" in remedy(error, store, server.url)


@pytest.mark.parametrize("announced", [len(CONTENT) + 1, 2 * len(CONTENT)])
def test_fewer_bytes_than_announced(server, store, unchanged, announced):
    server.announced = announced
    with unchanged(), pytest.raises(InputError) as error:
        store.download(server.file(), name="sam:vit_b")
    assert "broke off" in remedy(error, store, server.url)


def test_truncated_where_the_http_library_says_nothing(server, store, unchanged, monkeypatch):
    import urllib3

    original = urllib3.response.HTTPResponse.__init__

    def lenient(self, *arguments, **options):
        original(self, *arguments, **options | {"enforce_content_length": False})

    monkeypatch.setattr(urllib3.response.HTTPResponse, "__init__", lenient)
    server.announced = len(CONTENT) + 1
    with unchanged(), pytest.raises(InputError, match="400000 of 400001 bytes arrived"):
        store.download(server.file())


def test_more_bytes_than_announced_are_not_the_file(server, store, unchanged):
    server.announced = len(CONTENT) - 1
    file = server.file(hash=f"sha256:{SHA256[:8]}", hash_source="the authors")
    with unchanged(), pytest.raises(InputError, match="must begin with"):
        store.download(file)


def test_login_page_in_place_of_the_file(server, store, unchanged):
    server.content = b"<html>Log in</html>"
    server.announced = len(server.content)
    with unchanged(), pytest.raises(InputError, match=r"sent 19 bytes.*login page"):
        store.download(server.file())


@pytest.mark.parametrize("algorithm, digest", [("sha256", SHA256), ("md5", MD5)])
@pytest.mark.parametrize("length", [8, None])
def test_other_content_than_stated(server, store, unchanged, algorithm, digest, length):
    server.content = CONTENT[:-1] + b"?"
    found = hashlib.new(algorithm, server.content).hexdigest()
    file = server.file(hash=f"{algorithm}:{digest[:length]}", hash_source="the authors")
    with unchanged(), pytest.raises(InputError) as error:
        store.download(file, name="sam:vit_b")
    message = remedy(error, store, server.url)
    assert digest[:length] in message
    assert found in message
    assert "the authors" in message


def test_other_content_than_at_the_first_download(server, store, unchanged):
    file = server.file()
    store.download(file)
    store.path(file).unlink()
    server.content = CONTENT[:-1] + b"?"
    with unchanged(), pytest.raises(InputError, match=SHA256):
        store.download(file)
    store.remove(file)
    assert store.download(file).read_bytes() == server.content


def test_new_release_of_a_file_under_the_same_name(server, store):
    store.download(server.file(hash=f"sha256:{SHA256}", hash_source="the authors"))
    server.content = CONTENT[:-1] + b"?"
    new = hashlib.sha256(server.content).hexdigest()
    file = server.file(hash=f"sha256:{new}", hash_source="the authors")
    assert store.state(file) == "unverified"
    store.download(file)
    assert store.state(file) == "verified"
    assert store.path(file).read_bytes() == server.content


def test_no_network(server, store, unchanged, no_network):
    with unchanged(), pytest.raises(InputError) as error:
        store.download(server.file(), name="sam:vit_b")
    assert "Network is unreachable" in remedy(error, store, server.url)


def test_server_that_hangs(server, store, unchanged, monkeypatch):
    monkeypatch.setattr(transfer, "TIMEOUT", 0.2)
    server.pause = 1
    with unchanged(), pytest.raises(InputError, match=r"no connection|did not answer"):
        store.download(server.file())


def test_disk_too_small(server, store, unchanged, monkeypatch):
    with unchanged(), pytest.raises(InputError, match=r"are free.*--set FOLDER"):
        store.download(server.file(size=10**18))
    assert not server.asked


def test_disk_that_fills_up(server, store, unchanged, monkeypatch):
    import pooch

    def fill(self, url, output_file, pooch):
        Path(output_file).write_bytes(b"half")
        raise OSError(28, "No space left on device", output_file)

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", fill)
    with unchanged(), pytest.raises(InputError, match="No space left on device"):
        store.download(server.file())


def test_folder_that_cannot_be(server, tmp_path, unchanged):
    (tmp_path / "file").touch()
    with unchanged(), pytest.raises(InputError, match="could not be written"):
        ModelStore(tmp_path / "file" / "models").download(server.file())
    assert not server.asked


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="nothing is forbidden to this user"
)
def test_folder_that_is_not_ours(server, store, unchanged):
    store.folder.chmod(0o500)
    try:
        with unchanged(), pytest.raises(InputError, match="Permission denied"):
            store.download(server.file())
    finally:
        store.folder.chmod(0o700)


# ---------------------------------------------------------------------- retries, cancel, company


def test_broken_transfers_are_tried_again(server, store, monkeypatch):
    monkeypatch.setattr(transfer, "RETRIES", 1)
    server.broken = 1
    assert store.download(server.file()).read_bytes() == CONTENT
    assert len(server.asked) == 2


def test_what_the_server_refuses_is_not_asked_again(server, store, monkeypatch):
    monkeypatch.setattr(transfer, "RETRIES", 2)
    server.status = 404
    with pytest.raises(InputError):
        store.download(server.file())
    assert len(server.asked) == 1


def test_closing_the_generator_cancels(server, store, unchanged):
    server.pause = 0.05
    server.chunk = 1 << 12
    with unchanged():
        steps = store.download_steps(server.file())
        while next(steps).done == 0:
            pass
        assert any(store.folder.glob(".arriving-*/*"))
        steps.close()


def test_cancel_does_not_wait_for_a_server_that_hangs(server, store, unchanged):
    server.chunk = 1
    server.pause = 60
    with unchanged():
        steps = store.download_steps(server.file())
        for _ in range(3):
            next(steps)
        begin = time.monotonic()
        steps.close()
        assert time.monotonic() - begin < 5


def test_what_progress_raises_ends_the_download(server, store, unchanged):
    class Stop(Exception):
        pass

    def stop(step: Progress) -> None:
        if step.done:
            raise Stop

    server.pause = 0.05
    with unchanged(), pytest.raises(Stop):
        store.download(server.file(), stop)


def test_leftovers_of_a_killed_process_are_swept_away(server, store):
    server.pause = 0.2
    server.chunk = 1 << 12
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from napari_ncut.weights import ModelStore, WeightsFile\n"
        "file = WeightsFile('slow.pth', sys.argv[2], 0, 'MIT', 'here')\n"
        "for step in ModelStore(Path(sys.argv[1])).download_steps(file):\n"
        "    print(step.done, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(store.folder), f"{server.url}/slow.pth"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        while process.stdout.readline().strip() == "0":
            pass
        (leftover,) = store.folder.glob(".arriving-*")
        server.pause = 0
        # Another download leaves it alone while its process lives …
        store.download(server.file())
        assert leftover.is_dir()
        process.kill()
        process.wait()
    # … and removes it once that is gone.
    assert leftover.is_dir()
    store.download(server.file("second.pth"))
    assert not list(store.folder.glob(".arriving-*"))


def test_two_at_once_do_not_harm_each_other(server, store):
    server.pause = 0.02
    file = server.file(hash=f"sha256:{SHA256}", hash_source="the authors")
    threads = [threading.Thread(target=store.download, args=(file,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.state(file) == "verified"
    assert store.verify(file).ok
    assert sorted(p.name for p in store.folder.iterdir()) == [
        "net.pth",
        "net.pth.json",
        "other.pth",
    ]


@pytest.mark.parametrize("fault", [{}, {"status": 404}, {"announced": len(CONTENT) + 7}])
def test_no_connection_stays_open(server, store, monkeypatch, fault):
    """Neither where all went well nor where something went wrong: sockets are few."""
    answers = []
    send = requests.Session.send

    def remembering(*arguments, **options):
        answers.append(send(*arguments, **options))
        return answers[-1]

    monkeypatch.setattr(requests.Session, "send", remembering)
    monkeypatch.setattr(transfer, "RETRIES", 0)
    for name, value in fault.items():
        setattr(server, name, value)
    with pytest.raises(InputError) if fault else nullcontext():
        store.download(server.file())
    assert answers
    assert all(answer.raw.closed for answer in answers)


def test_pooch_announces_nothing(server, store, capfd):
    store.download(server.file())
    assert capfd.readouterr() == ("", "")
