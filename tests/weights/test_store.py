"""What is installed is used only if it is the file it should be; nothing is fetched for that."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from napari_ncut.errors import InputError
from napari_ncut.weights import ModelStore, WeightsFile

CONTENT = b"weights of a network"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()
URL = "https://example.org/net.pth"
UNSTATED = WeightsFile("net.pth", URL, 375_000_000, "Apache-2.0", "https://example.org/paper")
STATED = WeightsFile(
    "net.pth", URL, 375_000_000, "Apache-2.0", "https://example.org/paper", f"md5:{MD5[:8]}", "S1"
)


@pytest.fixture(autouse=True)
def _offline(no_network):
    yield
    assert not no_network


def test_missing(store, unchanged):
    with unchanged():
        assert store.state(UNSTATED) == "missing"
        found = store.verify(UNSTATED, name="sam:vit_b")
        assert (found.state, found.sha256, found.ok) == ("missing", "", False)
        with pytest.raises(InputError) as error:
            store.require(UNSTATED, name="sam:vit_b")
    message = str(error.value)
    assert message == found.message
    for part in ("375 MB", "Apache-2.0", "https://example.org/paper", URL, str(store.folder),
                 "net.pth", "napari-ncut models download sam:vit_b"):  # fmt: skip
        assert part in message


def test_without_a_name_the_file_is_named(store):
    with pytest.raises(InputError, match=r"models download net\.pth"):
        store.require(UNSTATED)


def test_put_there_by_hand_with_a_stated_hash(store):
    store.path(STATED).write_bytes(CONTENT)
    assert store.state(STATED) == "unverified"  # nobody has looked yet
    assert store.require(STATED) == store.path(STATED)
    assert store.state(STATED) == "verified"
    found = store.verify(STATED)
    assert (found.state, found.sha256) == ("verified", SHA256)


def test_put_there_by_hand_and_wrong(store, unchanged):
    store.path(STATED).write_bytes(b"something else")
    with unchanged(), pytest.raises(InputError) as error:
        store.require(STATED, name="sam:vit_b")
    message = str(error.value)
    other = hashlib.md5(b"something else").hexdigest()
    for part in (MD5[:8], other, "S1", "Delete it", "napari-ncut models download sam:vit_b"):
        assert part in message


def test_first_use_is_recorded_and_enforced(store):
    path = store.path(UNSTATED)
    path.write_bytes(CONTENT)
    assert store.require(UNSTATED) == path
    assert store.verify(UNSTATED).state == store.state(UNSTATED) == "unverified"
    path.write_bytes(b"WEIGHTS of a network")
    found = store.verify(UNSTATED)
    assert (found.state, found.ok) == ("damaged", False)
    assert SHA256 in found.message
    with pytest.raises(InputError, match=SHA256):
        store.require(UNSTATED)
    # The message offers to accept the file as it is now.
    (store.folder / "net.pth.json").unlink()
    assert store.require(UNSTATED) == path


def test_a_hash_that_is_stated_later_is_checked(store):
    store.path(UNSTATED).write_bytes(CONTENT)
    store.require(UNSTATED)
    assert store.state(STATED) == "unverified"
    store.require(STATED)
    assert store.state(STATED) == "verified"


def test_files_that_changed_their_length_are_not_shown_as_verified(store):
    store.path(STATED).write_bytes(CONTENT)
    store.require(STATED)
    store.path(STATED).write_bytes(CONTENT[:-1])
    assert store.state(STATED) == "unverified"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"sha256": 1}', b"\xff"])
def test_damaged_record(store, content):
    store.path(UNSTATED).write_bytes(CONTENT)
    note = store.folder / "net.pth.json"
    note.write_bytes(content)
    assert store.state(UNSTATED) == "unverified"
    with pytest.raises(InputError, match=r"net\.pth\.json .*Delete it"):
        store.require(UNSTATED)
    assert note.read_bytes() == content


def test_store_that_cannot_be_written_to_is_used_all_the_same(store, monkeypatch, caplog):
    store.path(UNSTATED).write_bytes(CONTENT)

    def forbid(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.replace", forbid)
    assert store.require(UNSTATED) == store.path(UNSTATED)
    assert "could not be recorded" in caplog.text
    assert sorted(p.name for p in store.folder.iterdir()) == ["net.pth", "other.pth"]


def test_names(store, tmp_path):
    store.path(UNSTATED).write_bytes(CONTENT)
    store.require(UNSTATED)
    (store.folder / ".hidden").touch()
    assert store.names() == ["net.pth", "other.pth"]
    assert ModelStore(tmp_path / "nowhere").names() == []


def test_remove(store):
    before = sorted(store.folder.iterdir())
    assert not store.remove(UNSTATED)
    store.path(UNSTATED).write_bytes(CONTENT)
    store.require(UNSTATED)
    assert store.remove(UNSTATED)
    assert store.state(UNSTATED) == "missing"
    assert sorted(store.folder.iterdir()) == before


def test_a_folder_in_its_place_is_no_file(store):
    store.path(UNSTATED).mkdir()
    assert store.state(UNSTATED) == "missing"
    with pytest.raises(InputError, match="cannot be deleted"):
        store.remove(UNSTATED)


def test_importing_is_light():
    code = (
        "import sys, napari_ncut.weights\n"
        "heavy = {'torch', 'timm', 'safetensors', 'pooch', 'requests', 'qtpy', 'napari'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
