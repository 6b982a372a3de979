"""Previews: every method as it finishes, the quick ones first."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest

from napari_ncut import InputError, classic_methods, preview_steps, segment_classic
from napari_ncut.classic.preview import preview_methods, reduced, task_previews
from napari_ncut.declared import Parameter, resized_parameters
from napari_ncut.segmenters import Task

ROWS, COLUMNS = np.indices((40, 50))
IMAGE = (np.hypot(ROWS - 20, COLUMNS - 22) < 11) * np.uint8(150) + np.uint8(40)


def test_every_method_that_can_be_used_is_shown():
    names = preview_methods()
    usable = [n for n, entry in classic_methods().items() if not entry.unavailable_because]
    assert sorted(names) == sorted(usable)
    seconds = [classic_methods()[name].seconds for name in names]
    assert seconds == sorted(seconds) and names[0] == "otsu"


def test_what_is_slow_to_prepare_is_left_out_unless_it_is_prepared():
    with_weights = {"sam": {"model": "sam:vit_b"}}
    assert "sam" in preview_methods()
    assert "sam" not in preview_methods(with_weights)
    assert "sam" in preview_methods(with_weights, prepared=["sam"])


def test_previews_are_what_the_methods_give():
    names = ["otsu", "canny", "watershed", "felzenszwalb"]
    settings = {"otsu": {"smooth": 2.0}}
    found = {p.method: p for p in preview_steps(IMAGE, names, settings=settings)}
    assert set(found) == set(names)
    for name, preview in found.items():
        expected = segment_classic(IMAGE, method=name, **settings.get(name, {}))
        np.testing.assert_array_equal(preview.labels, expected)
        assert preview.n_segments == expected.max() and preview.seconds > 0


def test_slow_methods_see_a_large_view_at_half_its_size():
    large = np.kron(IMAGE, np.ones((7, 7), np.uint8))
    assert large.size > 62_500
    assert classic_methods()["chan-vese"].reduced == 2
    (found,) = preview_steps(large, ["chan-vese"])
    assert found.labels is not None and found.labels.shape == large.shape
    assert np.mean((found.labels > 0) == (large > 100)) > 0.99


def test_one_that_fails_tells_why_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch):
    def refuses(*_: object, **__: object) -> None:
        raise InputError("not this image")

    def breaks(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr("napari_ncut.classic.thresholds.li", refuses)
    monkeypatch.setattr("napari_ncut.classic.thresholds.yen", breaks)
    found = {p.method: p for p in preview_steps(IMAGE, ["li", "yen", "otsu"])}
    assert found["li"].labels is None and found["li"].reason == "not this image"
    assert found["yen"].reason == "ZeroDivisionError: by nought"
    assert found["otsu"].n_segments == 1


def test_it_can_be_left_early():
    previews = preview_steps(IMAGE, ["otsu", "li", "yen", "canny", "sobel"])
    assert next(previews).method in ("otsu", "li")
    previews.close()
    with pytest.raises(StopIteration):
        next(previews)


@pytest.mark.parametrize(
    ("image", "given", "message"),
    [
        (np.stack([IMAGE, IMAGE]), {"axes": "ZYX"}, "one plane, but 2"),
        (IMAGE, {"methods": ["otzu"]}, "Did you mean 'otsu'"),
        (IMAGE, {"settings": {"otsu": {"smooth": -1}}}, "smooth -1"),
    ],
    ids=["stack", "method", "setting"],
)
def test_refusals_come_before_anything_is_computed(image: np.ndarray, given: dict, message: str):
    with pytest.raises(InputError, match=message):
        preview_steps(image, **given)


def test_lengths_and_areas_follow_the_size_of_an_image():
    parameters = MappingProxyType(
        {
            "width": Parameter(float, 2.0, pixels=1),
            "area": Parameter(int, 100, pixels=2),
            "least": Parameter(int, 3, low=3, pixels=1),
            "level": Parameter(float, 0.5),
            "automatic": Parameter(float, None, pixels=1),
        }
    )
    values = {"width": 3.0, "area": 90, "least": 4, "level": 0.25, "automatic": None}
    halved = resized_parameters(parameters, values, 1 / 2)
    assert halved == {"width": 1.5, "area": 22, "least": 3, "level": 0.25, "automatic": None}
    assert resized_parameters(parameters, {**values, "area": 0}, 1 / 2)["area"] == 0


def test_a_reduced_view_has_the_same_things():
    large = np.kron(IMAGE, np.ones((4, 4), np.uint8))
    image = (large / np.float32(255))[..., np.newaxis].astype(np.float32)
    task, factor = reduced(Task(image), IMAGE.size)
    assert factor == 4 and task.shape == IMAGE.shape
    (found,) = task_previews(task, ["otsu"], factor=factor, settings={"otsu": {"smallest": 160}})
    assert found.labels is not None
    assert np.mean((found.labels > 0) == (IMAGE > 100)) > 0.98
    # Of a view that is hardly too large hardly anything is lost.
    task, factor = reduced(Task(image), 31_000)
    assert 1 < factor < 1.02 and 30_000 < task.n_pixels <= 31_000
