"""Segments of neighbors, made ahead."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_ncut import InputError, segment_classic, segment_superpixels
from napari_ncut.folders import (
    ImageFolder,
    SegmentCache,
    Segmented,
    segment_ahead,
    segment_ahead_steps,
    segmenter,
)
from napari_ncut.folders.ahead import near


@pytest.fixture
def folder(tmp_path: Path) -> ImageFolder:
    path = tmp_path / "images"
    path.mkdir()
    for i in range(6):
        rows, columns = np.indices((20, 30))
        Image.fromarray(((rows * 5 + columns * (i + 1)) % 251).astype(np.uint8)).save(
            path / f"{i}.png"
        )
    (path / "3.png").write_bytes(b"broken")
    return ImageFolder(path)


def numbers(steps) -> list[tuple[int, bool]]:
    return [(s.number, s.segments is not None) for s in steps if isinstance(s, Segmented)]


def test_the_nearest_come_first():
    assert near(5, 2) == [5, 6, 4, 7, 3]


def test_segments_are_those_of_the_method(folder: ImageFolder):
    found = segment_ahead(folder, 0, segmenter("slic", {"compactness": 20}, n_segments=6), reach=1)
    assert list(found) == [0, 1]
    image = folder.read(1).data
    expected = segment_superpixels(image, method="slic", compactness=20, n_segments=6)
    np.testing.assert_array_equal(found[1], expected)


def test_classic_methods_segment_ahead_as_by_themselves(folder: ImageFolder):
    segment = segmenter("multi-otsu", {"smallest": 0}, kind="classic")
    found = segment_ahead(folder, 0, segment, reach=0)
    expected = segment_classic(folder.read(0).data, method="multi-otsu", smallest=0)
    np.testing.assert_array_equal(found[0], expected)


def test_what_is_broken_saved_or_known_is_left_out(folder: ImageFolder):
    segment = segmenter("slic", n_segments=6)
    folder.save(5, np.zeros((20, 30), int), np.ones((20, 30), int))
    cache = SegmentCache()
    steps = list(segment_ahead_steps(folder, 4, segment, reach=2, key="slic", cache=cache))
    assert numbers(steps) == [(4, True), (3, False), (2, True)]
    assert folder.state(3) == "unreadable"
    assert numbers(segment_ahead_steps(folder, 4, segment, key="slic", cache=cache)) == []
    assert [n for n, _ in numbers(segment_ahead_steps(folder, 4, segment, key="x", cache=cache))] \
        == [4, 2]  # fmt: skip


def test_closed_between_two_images_the_first_stays_known(folder: ImageFolder):
    cache = SegmentCache()
    steps = segment_ahead_steps(folder, 0, segmenter("slic", n_segments=4), key=1, cache=cache)
    for step in steps:
        if isinstance(step, Segmented):
            break
    steps.close()  # type: ignore[attr-defined]
    assert (1, 0) in cache and (1, 1) not in cache


def test_the_cache_gives_back_and_lets_go():
    cache = SegmentCache(max_bytes=400)
    maps = [np.random.default_rng(i).integers(0, 9, (10, 30)) for i in range(3)]
    cache.put(0, maps[0])
    np.testing.assert_array_equal(cache.get(0), maps[0])
    cache.get(0)[:] = 7  # a copy
    np.testing.assert_array_equal(cache.get(0), maps[0])
    cache.put(1, maps[1])
    cache.put(2, maps[2])
    assert 0 not in cache and 2 in cache and cache.get(0) is None


def test_wrong_methods_and_parameters_are_refused():
    with pytest.raises(InputError):
        segmenter("slick")
    with pytest.raises(InputError):
        segmenter("slic", kind="classic")
    with pytest.raises(InputError):
        segmenter("slic", {"scale": 3})
