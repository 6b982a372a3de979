"""Every method of the registry on tiny images whose parts are known, and against the libraries."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from napari_ncut import InputError, classic_methods, segment_classic
from napari_ncut.segmenters import SegmenterEntry

ENTRIES = classic_methods()
SHAPE = (48, 64)
TRUTH = np.zeros(SHAPE, int)
TRUTH[10:30, 12:40] = 1
TRUTH[34:44, 44:58] = 2
NOISE = np.random.default_rng(0).normal(0, 3, SHAPE)
# Methods that do not follow two rectangles pixel by pixel: superpixels, a network that needs more
# of a picture, and a rule for histograms with a tail.
UNSUITED = {"mslic", "slickmeans", "ncut", "triangle"}
# Settings with which a thing is one segment.
FEW = {
    "region-growing": {"tolerance": 0.15},
    "flood": {"tolerance": 0.15},
    "hysteresis": {"low": 0.4, "high": 0.5},
    "kmeans": {"k": 3, "color_importance": 50},
    "chan-vese-bins": {"bins": 2},
}
# Methods to which place tells pixels apart where nothing else does.
BY_PLACE = {"mslic", "kmeans", "slickmeans", "quickshift"}


def gray() -> np.ndarray:
    return (np.array([30, 150, 220])[TRUTH] + NOISE).clip(0, 255).astype(np.uint8)


def color() -> np.ndarray:
    colors = np.array([[20, 30, 40], [250, 130, 90], [120, 180, 120]])
    return (colors[TRUTH] + NOISE[..., None]).clip(0, 255).astype(np.uint8)


def broken() -> np.ndarray:
    image = gray().astype(float)
    image[5:9, 5:30] = np.nan
    image[0, 0], image[0, 1] = np.inf, -np.inf
    return image


IMAGES: dict[str, tuple[Callable[[], np.ndarray], str]] = {
    "gray": (gray, "YX"),
    "color": (color, "YXC"),
    "uint16": (lambda: gray().astype(np.uint16) * 17 + 300, "YX"),
    "float": (lambda: gray() / 7 - 11, "YX"),
    "bool": (lambda: TRUTH > 0, "YX"),
    "two channels": (lambda: np.stack([gray(), gray()[::-1]]), "CYX"),
    "five channels": (lambda: np.stack([gray()] * 5), "CYX"),
    "NaN": (broken, "YX"),
    "constant": (lambda: np.full((20, 21), 7.0), "YX"),
    "constant 8 bits": (lambda: np.full((20, 21), 200, np.uint8), "YX"),
    "constant color": (lambda: np.full((20, 21, 3), (9, 99, 199), np.uint8), "YXC"),
    "one pixel": (lambda: np.full((1, 1), 3, np.uint8), "YX"),
    "one pixel in color": (lambda: np.full((1, 1, 3), 3, np.uint8), "YXC"),
    "2 x 3": (lambda: np.arange(6.0).reshape(2, 3), "YX"),
    "2 x 3 in color": (lambda: np.arange(18, dtype=np.uint8).reshape(2, 3, 3) * 9, "YXC"),
    "row": (lambda: np.arange(9.0)[np.newaxis], "YX"),
    "column": (lambda: np.arange(7, dtype=np.uint16)[:, np.newaxis], "YX"),
    "3 x 5": (lambda: np.arange(15.0).reshape(3, 5) % 4, "YX"),
    "7 x 9": (lambda: gray()[8:15, 10:19], "YX"),
}


@pytest.fixture(params=ENTRIES)
def entry(request: pytest.FixtureRequest) -> SegmenterEntry:
    found = ENTRIES[request.param]
    if found.unavailable_because:
        pytest.skip(found.unavailable_because)
    return found


def check(labels: np.ndarray, shape: tuple[int, ...], entry: SegmenterEntry) -> None:
    assert labels.shape == shape and labels.dtype == np.int32
    found = np.unique(labels)
    first = 0 if entry.zero and found[0] == 0 else 1
    np.testing.assert_array_equal(found, np.arange(first, found[-1] + 1))


@pytest.mark.parametrize("kind", IMAGES)
def test_images_of_every_kind(entry: SegmenterEntry, kind: str):
    make, axes = IMAGES[kind]
    image = make()
    shape = image.shape[axes.index("Y") : axes.index("X") + 1]
    labels = segment_classic(image, axes=axes, method=entry.name)
    check(labels, shape, entry)
    np.testing.assert_array_equal(labels, segment_classic(image, axes=axes, method=entry.name))
    if kind.startswith("constant"):
        assert entry.name in BY_PLACE or labels.max() <= 1


def test_things_are_found(entry: SegmenterEntry):
    if entry.name in UNSUITED:
        pytest.skip("no method for two rectangles")
    given = FEW.get(entry.name, {})
    labels = segment_classic(color(), axes="YXC", method=entry.name, **given)
    # The middle of both things is of one number, and of another than what lies between them.
    inside = labels[20, 26], labels[39, 51]
    assert labels[15:25, 18:34].min() == labels[15:25, 18:34].max() == inside[0]
    assert inside[0] != labels[32, 30] and inside[0] != inside[1]


def test_stacks_and_lists(entry: SegmenterEntry):
    if entry.seconds > 1:
        pytest.skip("a slow method goes through the same code")
    stack = np.stack([gray(), gray()[::-1]])
    found = segment_classic(stack, axes="ZYX", method=entry.name)
    assert found.shape == stack.shape
    for plane, labels in zip(stack, found, strict=True):
        np.testing.assert_array_equal(labels, segment_classic(plane, method=entry.name))
    several = segment_classic([gray(), color()[:30]], axes=["YX", "YXC"], method=entry.name)
    assert [one.shape for one in several] == [SHAPE, (30, 64)]


def test_entries_have_what_a_window_needs():
    assert next(iter(ENTRIES)) == "otsu"
    for entry in ENTRIES.values():
        assert entry.title and entry.text and entry.source and entry.group
        assert entry.kind == "classic" and entry.counts == "never"
        assert entry.checked({}) == {n: p.default for n, p in entry.parameters.items()}
        for values in entry.presets.values():
            assert entry.checked(values)
        for name, parameter in entry.parameters.items():
            assert parameter.label and parameter.tooltip, name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "otzu"}, "Did you mean 'otsu'"),
        ({"level": 0.3}, "Unknown parameter of otsu"),
        ({"polarity": "black"}, "bright, dark"),
        ({"smooth": -1}, "smooth -1 cannot be used"),
        ({"method": "kmeans", "k": 1.5}, "whole number from 1"),
        ({"preset": "icas"}, "otsu has no presets"),
        ({"method": "kmeans", "preset": "icaz"}, "Did you mean 'icas'"),
        ({"method": "multi-otsu", "classes": 9}, "up to 5 classes"),
        ({"method": "hysteresis", "low": 0.8, "high": 0.2}, "low ≤ high"),
        ({"image": np.full((9, 9), np.nan)}, "no finite value"),
        ({"image": np.zeros((2, 2, 2))}, "without its axes"),
        ({"scaling": "max"}, "Unknown scaling"),
    ],
    ids=str,
)
def test_refusals(arguments: dict, message: str):
    with pytest.raises(InputError, match=message):
        segment_classic(**{"image": gray(), **arguments})


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'napari-ncut\[classic\]'"):
        segment_classic(gray(), method="graph")


@pytest.mark.parametrize("method", ["graph", "mslic"])
def test_an_opencv_without_its_contributions_is_told(method: str, monkeypatch: pytest.MonkeyPatch):
    cv2 = pytest.importorskip("cv2")
    monkeypatch.delattr(cv2, "ximgproc")
    with pytest.raises(InputError, match="lacks ximgproc"):
        segment_classic(gray(), method=method)


def test_looking_at_the_registry_imports_nothing_heavy():
    code = (
        "import json, sys, napari_ncut\n"
        "for entry in napari_ncut.classic_methods().values():\n"
        "    entry.unavailable_because\n"
        "print(json.dumps(sorted({n.partition('.')[0] for n in sys.modules})))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not set(json.loads(result.stdout)) & {"torch", "skimage", "cv2", "sklearn", "scipy"}


def test_connected_pieces_or_classes():
    pieces = segment_classic(gray(), method="multi-otsu")
    classes = segment_classic(gray(), method="multi-otsu", connected=False)
    assert classes.max() == 3
    # Class 1 is the darkest.
    means = ndimage.mean(gray(), classes, [1, 2, 3])
    assert list(means) == sorted(means)
    for number in range(1, pieces.max() + 1):
        assert ndimage.label(pieces == number)[1] == 1


def test_polarity_turns_things_over():
    image = np.array([30, 150, 220], np.uint8)[TRUTH]
    for method in ("otsu", "threshold", "local", "watershed", "random-walker"):
        bright = segment_classic(image, method=method, smooth=0)
        dark = segment_classic(255 - image, method=method, smooth=0, polarity="dark")
        assert bright.max() > 0
        np.testing.assert_array_equal(dark, bright, err_msg=method)
    given = {"method": "hysteresis", "connected": False}
    bright = segment_classic(image, low=0.5, high=0.7, **given)
    np.testing.assert_array_equal(bright, TRUTH == 2)
    dark = segment_classic(255 - image, low=0.3, high=0.5, polarity="dark", **given)
    np.testing.assert_array_equal(dark, TRUTH == 2)


def test_small_pieces_are_left_out():
    image = np.zeros((20, 20), np.uint8)
    image[2:8, 2:8] = image[15, 15] = 200
    assert segment_classic(image).max() == 2
    labels = segment_classic(image, smallest=5)
    assert labels.max() == 1 and labels[15, 15] == 0
    # Where everything is a segment, small ones join what is around.
    labels = segment_classic(image, method="multi-otsu", classes=2, smallest=5)
    assert labels.max() == 2 and labels[15, 15] == labels[0, 0]


def test_eight_bits_keep_their_values_unless_told():
    image = np.full((8, 8), 100, np.uint8)
    image[:4] = 140
    wide = segment_classic(image, method="threshold", level=0.5)
    np.testing.assert_array_equal(wide, np.where(image == 140, 1, 0))
    assert segment_classic(image, method="threshold", level=0.6).max() == 0
    assert segment_classic(image, method="threshold", level=0.6, scaling="stack").max() == 1
