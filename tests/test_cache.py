"""Results kept by content."""

from __future__ import annotations

import numpy as np

from napari_ncut.cache import ContentCache, content_key


def test_equal_arrays_share_a_key_and_others_do_not():
    one = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert content_key(one) == content_key(one.copy()) == content_key(np.asfortranarray(one))
    assert content_key(one) != content_key(one.T)
    assert content_key(one) != content_key(one.astype(np.float64))
    assert content_key(np.zeros((0, 3))) != content_key(np.zeros((3, 0)))


def test_what_was_made_is_made_once_and_the_oldest_goes_first():
    made = []

    def make(name: str) -> str:
        made.append(name)
        return name

    cache: ContentCache[str] = ContentCache(2, len)
    for name in "aba":
        assert cache.get(name, lambda name=name: make(name)) == name
    cache.get("c", lambda: make("c"))
    assert made == ["a", "b", "c"]
    cache.get("a", lambda: make("a"))
    cache.get("b", lambda: make("b"))
    assert made == ["a", "b", "c", "b"]


def test_what_is_larger_than_all_room_is_not_kept():
    cache: ContentCache[str] = ContentCache(2, len)
    assert cache.get("long", lambda: "long") == "long"
    assert cache.get("long", lambda: "new!") == "new!"


def test_what_two_made_at_once_takes_its_room_once():
    cache: ContentCache[str] = ContentCache(2, len)
    cache.get("a", lambda: cache.get("a", lambda: "a"))
    cache.get("b", lambda: "b")
    assert cache.known("a") == "a" and cache.known("b") == "b"
    # And what goes gives its room back.
    for name in "cdef":
        cache.get(name, lambda name=name: name)
    assert cache.known("e") == "e" and cache.known("f") == "f" and cache.known("d") is None
