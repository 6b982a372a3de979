"""What is a file of weights, and what is not."""

from __future__ import annotations

import dataclasses

import pytest

from napari_ncut.errors import InputError
from napari_ncut.weights import WeightsFile
from napari_ncut.weights.record import file_digest

FILE = WeightsFile("net.pth", "https://example.org/net.pth", 10, "MIT", "a paper")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""}, {"name": ".."}, {"name": "../net.pth"}, {"name": "a/net.pth"},
        {"name": "a\\net.pth"}, {"name": "C:net.pth"}, {"name": ".net.pth"},
        {"url": "net.pth"}, {"url": "ftp://example.org/net.pth"}, {"url": "file:///net.pth"},
        {"hash": "01ec64"}, {"hash": "sha1:01ec64"}, {"hash": "sha256:"}, {"hash": "md5:XYZ"},
        {"hash": "sha256:01EC64"},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_none(wrong):
    with pytest.raises(InputError, match="Give"):
        dataclasses.replace(FILE, **wrong)


@pytest.mark.parametrize(
    "hash, algorithm, digest",
    [("", "", ""), ("sha256:01ec64", "sha256", "01ec64"), ("md5:0f", "md5", "0f")],
)
def test_parts_of_a_hash(hash, algorithm, digest):
    file = dataclasses.replace(FILE, hash=hash)
    assert (file.algorithm, file.digest) == (algorithm, digest)


@pytest.mark.parametrize(
    "size, text",
    [(0, "size unknown"), (10, "0.1 MB"), (4_240_000, "4.2 MB"), (375_042_383, "375 MB"),
     (999_600_000, "1.0 GB"), (2_564_550_879, "2.6 GB")],
)  # fmt: skip
def test_readable_size(size, text):
    assert dataclasses.replace(FILE, size=size).readable_size == text


def test_every_algorithm_gives_the_digest_that_is_known_of_it(tmp_path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    # FIPS 180-2, RFC 1321, and the reference implementation of XXH3
    assert file_digest(path, "sha256").startswith("ba7816bf8f01cfea414140de5dae2223b00361a3")
    assert file_digest(path, "md5") == "900150983cd24fb0d6963f7d28e17f72"
    assert file_digest(path, "xxh128") == "06b05ab6733a618578af5f94892f3950"
