"""Every method of the registry on tiny images whose parts are known."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage

from napari_ncut import InputError, segment_superpixels, superpixel_methods
from napari_ncut.metrics import achievable_accuracy
from napari_ncut.segmenters import SegmenterEntry, segmenters

ENTRIES = superpixel_methods()
COUNTING = [name for name, entry in ENTRIES.items() if entry.counts != "never"]
EXACT = [name for name, entry in ENTRIES.items() if entry.counts == "exact"]
VOLUMES = [name for name, entry in ENTRIES.items() if entry.volumes]
TRUTH = np.ones((48, 64), int)
TRUTH[10:30, 12:40] = 2
TRUTH[34:44, 44:58] = 3
NOISE = np.random.default_rng(0).normal(0, 3, TRUTH.shape)


def gray() -> np.ndarray:
    return (np.array([0, 50, 150, 220])[TRUTH] + NOISE).clip(0, 255).astype(np.uint8)


def color() -> np.ndarray:
    colors = np.array([[0, 0, 0], [40, 60, 160], [200, 90, 60], [90, 200, 90]])
    return (colors[TRUTH] + NOISE[..., None]).clip(0, 255).astype(np.uint8)


@pytest.fixture(params=ENTRIES)
def entry(request: pytest.FixtureRequest) -> SegmenterEntry:
    found = ENTRIES[request.param]
    if found.unavailable_because:
        pytest.skip(found.unavailable_because)
    return found


def segmented(entry: SegmenterEntry, image: np.ndarray, axes: str, n: int = 40, **others):
    if entry.counts != "never":
        others["n_segments"] = n
    elif entry.name == "felzenszwalb":
        others.setdefault("min_size", 10)
    return segment_superpixels(image, axes=axes, method=entry.name, **others)


def check(labels: np.ndarray, shape: tuple[int, ...]) -> None:
    assert labels.shape == shape and labels.dtype == np.int32
    np.testing.assert_array_equal(np.unique(labels), np.arange(1, labels.max() + 1))
    for n, box in enumerate(ndimage.find_objects(labels), start=1):
        assert ndimage.label(labels[box] == n)[1] == 1, f"{n} is in pieces"


def test_parts_are_kept_apart(entry: SegmenterEntry):
    for image, axes in ((gray(), "YX"), (color(), "YXC")):
        labels = segmented(entry, image, axes)
        check(labels, TRUTH.shape)
        assert achievable_accuracy(labels, TRUTH) > (
            0.9 if entry.name in ("compact", "ssn") else 0.96
        )
        np.testing.assert_array_equal(labels, segmented(entry, image, axes))
        if entry.counts == "exact":
            assert labels.max() == 40
        elif entry.counts == "about":
            assert 20 <= labels.max() <= 80


def test_other_channels(entry: SegmenterEntry):
    several = np.stack([gray(), gray()[::-1], 255 - gray(), NOISE, gray()]).astype(float)
    for image in (several[:2], several):
        check(segmented(entry, image, "CYX"), TRUTH.shape)


def test_stacks_plane_by_plane_and_lists(entry: SegmenterEntry):
    stack = np.stack([gray(), gray()[::-1]])
    found = segmented(entry, stack, "ZYX", scaling="dtype")
    assert found.shape == stack.shape
    for plane, labels in zip(stack, found, strict=True):
        np.testing.assert_array_equal(labels, segmented(entry, plane, "YX", scaling="dtype"))
    first, second = segmented(entry, [gray(), color()[:30]], ["YX", "YXC"])
    check(first, TRUTH.shape)
    check(second, (30, 64))


def test_odd_images(entry: SegmenterEntry):
    constant = np.full((32, 33), 7.0)
    broken = gray().astype(float)
    broken[5:9, 5:30] = np.nan
    broken[0, 0] = np.inf
    for image in (constant, broken):
        check(segmented(entry, image, "YX", n=9), image.shape)
    with pytest.raises(InputError, match="no finite value"):
        segmented(entry, np.full((20, 20), np.nan), "YX", n=4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (2, 2), (3, 5)])
def test_tiny_images_have_an_answer_or_a_reason(entry: SegmenterEntry, shape: tuple[int, int]):
    image = np.arange(np.prod(shape), dtype=float).reshape(shape)
    for n in (1, 2, 4):
        try:
            check(segmented(entry, image, "YX", n=n), shape)
        except InputError as error:
            assert "ewer" in str(error) or "whole number" in str(error), error


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("n", [1, 2, 17, 100, 700, 48 * 64])
def test_exact_numbers(name: str, n: int):
    labels = segment_superpixels(gray(), method=name, n_segments=n)
    check(labels, TRUTH.shape)
    assert labels.max() == n


@pytest.mark.parametrize("name", VOLUMES)
def test_supervoxels_go_on_through_planes(name: str):
    volume = np.stack([gray()[:32, :40]] * 6)
    labels = segment_superpixels(
        volume, axes="ZYX", method=name, n_segments=30, supervoxels=True, spacing=(2, 1, 1)
    )
    check(labels, volume.shape)
    through = [len(np.unique(np.nonzero(labels == n)[0])) for n in range(1, labels.max() + 1)]
    assert np.mean(through) > 1.5
    times = segment_superpixels(
        np.stack([volume, volume]), axes="TZYX", method=name, n_segments=30, supervoxels=True
    )
    np.testing.assert_array_equal(times[:6], times[6:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "slik"}, "Did you mean 'slic'"),
        ({"n_segments": 0}, "whole number from 1 to 3072"),
        ({"n_segments": 10**6}, "whole number from 1 to 3072"),
        ({"n_segments": 2.5}, "whole number"),
        ({"method": "felzenszwalb", "n_segments": 9}, "finds the number of segments itself"),
        ({"compactness": 3}, "Unknown parameter of compact"),
        ({"method": "slic", "compactness": 0}, "compactness 0 cannot be used"),
        ({"method": "slic", "rounds": 1.5}, "whole number from 1"),
        ({"spacing": (1, 1, 1)}, "spacing is of supervoxels"),
        ({"supervoxels": True}, "no volumes"),
        ({"supervoxels": True, "method": "slic"}, "axes YX"),
        ({"supervoxels": True, "method": "slic", "spacing": (1, 2)}, "three numbers above 0"),
        ({"method": "ssn", "checkpoint": "none.safetensors"}, "cannot be read"),
        ({"image": np.zeros((2, 2, 2))}, "without its axes"),
    ],
    ids=str,
)
def test_refusals(arguments: dict, message: str):
    arguments = {"image": gray(), **arguments}
    if arguments.get("supervoxels") and arguments.get("method") is None:
        arguments |= {"image": gray()[np.newaxis], "axes": "ZYX"}
    with pytest.raises(InputError, match=message):
        segment_superpixels(**arguments)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'napari-ncut\[classic\]'"):
        segment_superpixels(gray(), method="seeds")


def test_entries_have_what_a_window_needs():
    assert list(segmenters("superpixels")) == list(ENTRIES)
    for entry in ENTRIES.values():
        assert entry.title and entry.text and entry.source
        assert (entry.counts == "never") == (entry.default_count is None) == bool(entry.finer)
        for name, parameter in entry.parameters.items():
            assert parameter.label and parameter.tooltip, name
            assert parameter.checked(name, parameter.default) == parameter.default
            assert parameter.low <= (parameter.default or parameter.low) or parameter.kind is str
        assert not entry.finer or entry.finer[0] in entry.parameters


def test_looking_at_the_registry_imports_nothing_heavy():
    code = (
        "import json, sys, napari_ncut\n"
        "for entry in napari_ncut.superpixel_methods().values():\n"
        "    entry.unavailable_because\n"
        "print(json.dumps(sorted({n.partition('.')[0] for n in sys.modules})))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not set(json.loads(result.stdout)) & {"torch", "skimage", "cv2", "sklearn", "scipy"}
