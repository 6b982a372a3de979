"""Finding copies: scores against a window-by-window count, known copies, and odd images."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import rotate, zoom

from napari_ncut import InputError
from napari_ncut.progress import run_steps
from napari_ncut.templates import Matches, Template, find_copies, find_copies_steps, scoring
from napari_ncut.templates.scoring import MEASURES, score_steps
from napari_ncut.templates.turning import variants_of


def texture(shape: tuple[int, ...] = (60, 80), seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).rand(*shape)


def wedge(side: int = 15) -> np.ndarray:
    """A bright shape on dark that no turn brings onto itself."""
    rows, columns = np.indices((side, side))
    inside = (rows + columns > side * 0.7) & (rows < side - 3) & (columns < side - 3)
    return 0.2 + 0.6 * inside + 0.15 * (rows > side // 2) * inside


def scene(*places: tuple[int, int], thing: np.ndarray | None = None) -> np.ndarray:
    """Things, by their first pixels, on a dark and slightly noisy ground."""
    image = 0.2 + 0.02 * texture((90, 120))
    thing = wedge() if thing is None else thing
    for row, column in places:
        image[row : row + thing.shape[0], column : column + thing.shape[1]] = thing
    return image


def by_counting(image: np.ndarray, kernel: np.ndarray, attention: np.ndarray, measure: str):
    """Scores of all windows, one by one."""
    windows = sliding_window_view(image, kernel.shape[:2], axis=(0, 1))
    windows = np.moveaxis(windows, 2, -1)[:, :, attention]  # (rows, columns, pixels, channels)
    own = kernel[attention]
    if measure == "correlation":
        windows = windows - windows.mean(axis=2, keepdims=True)
        own = own - own.mean(axis=0)
        power = np.sqrt((own**2).sum() * (windows**2).sum(axis=(2, 3)))
        with np.errstate(invalid="ignore"):
            return np.where(power > 1e-9, (windows * own).sum(axis=(2, 3)) / power, 0)
    power = np.sqrt((own**2).sum() * (windows**2).sum(axis=(2, 3)))
    return 1 - ((windows - own) ** 2).sum(axis=(2, 3)) / power


@pytest.mark.parametrize("measure", list(MEASURES))
@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("tile", [30, 2048])
def test_scores_are_those_of_a_window_by_window_count(monkeypatch, measure, n_channels, tile):
    monkeypatch.setattr(scoring, "_TILE", tile)
    image = texture((50, 70, n_channels))
    image[10:30, 20:45] = 0.5  # even ground
    kernel = texture((7, 10, n_channels), seed=1)
    attention = np.hypot(*(np.indices((7, 10)) - np.array([3, 4.5])[:, None, None])) < 3.7
    attention[3] = True
    template = Template.from_arrays(kernel, attention, axes="YXC")
    (variant,) = variants_of([template], [0], [1])
    assert variant.shape == (7, 10)
    *_, found = score_steps(image, [variant], MEASURES[measure])
    expected = by_counting(image, kernel, attention, measure)
    inside = found.scores[3 : 3 + expected.shape[0], 5 : 5 + expected.shape[1]]
    np.testing.assert_allclose(inside, np.clip(expected, -1, 1), atol=1e-6)
    # Everywhere else it would hang over.
    assert np.isfinite(found.scores).sum() == expected.size


def test_differences_are_those_of_opencv():
    cv2 = pytest.importorskip("cv2")
    image = texture((40, 50, 3)).astype(np.float32)
    kernel = texture((7, 9, 3), seed=1).astype(np.float32)
    mask = (texture((7, 9), seed=2) > 0.3).astype(np.float32)
    theirs = cv2.matchTemplate(image, kernel, cv2.TM_SQDIFF_NORMED, mask=np.dstack([mask] * 3))
    found = find_copies(
        image, kernel, axes="YXC", attention=mask, threshold=-1, max_overlap=1, measure="difference"
    )
    places = (found.rows - 3).astype(int), (found.columns - 4).astype(int)
    assert len(found) > 50
    np.testing.assert_allclose(found.scores, 1 - theirs[places], atol=1e-5)


def test_without_a_threshold_the_best_place_alone():
    image = scene((10, 20), (50, 70))
    image[50:65, 70:85] += 0.05 * texture((15, 15))
    found = find_copies(image, wedge())
    assert len(found) == 1
    assert (found.rows[0], found.columns[0]) == (17, 27)
    assert found.scores[0] == pytest.approx(1)
    assert (found.angles[0], found.scales[0], found.planes[0]) == (0, 1, 0)


def test_all_copies_whatever_their_brightness():
    image = scene((10, 20), (50, 70), (60, 20))
    image[50:65, 70:85] = 0.1 + 0.5 * image[50:65, 70:85]
    found = find_copies(image, wedge(), threshold=0.9)
    assert set(zip(found.rows, found.columns, strict=True)) == {(17, 27), (57, 77), (67, 27)}
    assert (np.diff(found.scores) <= 0).all()
    # By brightness it is another thing.
    found = find_copies(image, wedge(), threshold=0.9, measure="difference")
    assert set(zip(found.rows, found.columns, strict=True)) == {(17, 27), (67, 27)}


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_right_angles_are_exact_and_counterclockwise(turns: int):
    image = scene((10, 20))
    image[50:65, 70:85] = np.rot90(wedge(), turns)
    found = find_copies(image, wedge(), rotations=(0, 90, 180, 270), threshold=0.95)
    assert sorted(found.angles) == [0, 90 * turns]
    np.testing.assert_allclose(found.scores, 1, atol=1e-6)
    turned = found.where(found.angles > 0)
    assert (turned.rows[0], turned.columns[0]) == (57, 77)


def test_copies_turned_and_scaled():
    attention = np.hypot(*(np.indices((15, 15)) - 7)) < 7.6
    turned = rotate(wedge(), 30, reshape=False, order=1, mode="nearest")
    larger = zoom(wedge(), 21 / 15, order=1)
    image = scene((10, 20), thing=turned)
    image[50:71, 70:91] = larger
    # scipy's positive angles turn the first axis to the second, clockwise or not: both are there.
    found = find_copies(
        image,
        wedge(),
        attention=attention,
        rotations=range(0, 360, 15),
        scales=(1, 1.4),
        threshold=0.9,
    )
    assert len(found) == 2
    by_scale = found.where(np.argsort(found.scales))
    assert by_scale.scales.tolist() == [1, 1.4]
    assert by_scale.angles[0] == 30 and by_scale.angles[1] == 0
    np.testing.assert_allclose(by_scale.rows, [17, 60], atol=1)
    np.testing.assert_allclose(by_scale.columns, [27, 80], atol=1)


def test_none_lies_on_a_better_one_by_more_than_allowed():
    stripes = np.tile(np.where(np.arange(8) < 4, 0.2, 0.8), 10)
    image = np.tile(stripes, (16, 1)) + 0.001 * texture((16, 80))
    kernel = image[:, :16]
    apart = find_copies(image, kernel, threshold=0.9, max_overlap=0)
    assert np.diff(np.sort(apart.columns)).min() >= 16 and len(apart) >= 4
    half = find_copies(image, kernel, threshold=0.9, max_overlap=0.5)
    assert len(half) > len(apart)
    assert len(find_copies(image, kernel, threshold=0.9, max_overlap=1)) == 9


def test_a_higher_threshold_keeps_the_first_of_a_lower_one():
    image = texture((60, 60), seed=3)
    low = find_copies(image, image[20:28, 20:28], threshold=0.2)
    high = find_copies(image, image[20:28, 20:28], threshold=0.4)
    assert 0 < len(high) < len(low)
    kept = low.above(0.4)
    for name in ("rows", "columns", "scores"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(high, name))


@pytest.mark.parametrize("kind", ["uint16", "rgba", "gray template", "channels", "bool", "offset"])
def test_images_of_all_kinds(kind: str):
    image, thing, axes = scene((10, 20), (50, 70)), wedge(), None
    whole: dict[str, tuple] = {
        "uint16": ((image * 3000 + 20_000).astype(np.uint16), (thing * 255).astype(np.uint8)),
        "rgba": (np.dstack([image, image / 2, 1 - image, image * 0 + 1]), None, "YXC"),
        "gray template": (np.dstack([image] * 3), thing, "YXC"),
        "channels": (np.stack([image, -image]), np.dstack([thing, -thing]), "CYX"),
        "bool": (image > 0.5, thing > 0.5),
        "offset": (1e6 + image * 1e-2, thing),
    }
    image, thing, *rest = whole[kind]
    axes = rest[0] if rest else None
    if thing is None:
        thing = image[10:25, 20:35, :3]
    attention = np.ones((15, 15)) if kind == "bool" else None
    found = find_copies(image, thing, axes=axes, attention=attention, threshold=0.95)
    assert set(zip(found.rows, found.columns, strict=True)) == {(17, 27), (57, 77)}


def test_nothing_is_found_where_it_is_not_a_number_or_even():
    image = scene((10, 20), (50, 70))
    image[12, 25] = np.nan
    found = find_copies(image, wedge(), threshold=0.9)
    assert (found.rows.tolist(), found.columns.tolist()) == ([57], [77])
    assert len(find_copies(np.full((40, 40), 3.0), wedge(), threshold=0.1)) == 0
    assert find_copies(np.full((40, 40), 3.0), wedge()).scores.tolist() == [0]
    assert len(find_copies(np.where(np.indices((40, 40))[0] > 3, np.nan, 1), wedge())) == 0


def test_the_best_of_every_plane_of_a_stack_and_progress():
    stack = np.stack([scene((10, 20)), scene((50, 70))])
    steps = []
    found = run_steps(find_copies_steps(stack, wedge(), axes="ZYX"), steps.append)
    assert found.planes.tolist() == [0, 1]
    assert found.rows.tolist() == [17, 57]
    assert [step.done for step in steps] == [0, 1, 1]
    assert len(found.on_plane(1)) == 1


def test_the_best_of_several_templates():
    other = wedge()[:, ::-1].copy()
    image = scene((10, 20))
    image[50:65, 70:85] = other
    both = [Template.from_arrays(wedge()), Template.from_arrays(other)]
    found = find_copies(image, both, threshold=0.95)
    assert sorted(zip(found.templates, found.rows, strict=True)) == [(0, 17), (1, 57)]


def test_table():
    found = find_copies(scene((10, 20)), wedge())
    assert list(found.rows_of_table()) == [(0, 17.0, 27.0, 0.0, 1.0, found.scores[0], 0)]
    assert len(Matches()) == 0 and len(Matches.joined([])) == 0


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"template": np.full((5, 5), 0.5)}, "even where it is compared"),
        ({"template": np.zeros((5, 5))}, "nothing to compare"),
        ({"template": texture((200, 5))}, "larger than the image"),
        ({"template": texture((5, 5, 4))[..., :2]}, "2 channels and the image 1"),
        ({"threshold": 2}, "from -1 to 1"),
        ({"max_overlap": -1}, "from 0 to 1"),
        ({"measure": "difrence"}, "Did you mean 'difference'"),
        ({"scales": (0, 1)}, "factors from 0.05"),
        ({"scales": (21,)}, "to 20"),
        (
            {"template": np.eye(3), "attention": np.eye(3) * 0 + [1, 0, 0], "scales": (0.1,)},
            "is left",
        ),
        ({"rotations": ()}, "degrees"),
        ({"rotations": "all"}, "degrees"),
        ({"attention": np.ones((3, 3))}, "same size"),
        ({"image": [texture(), texture()]}, "one image"),
    ],
)
def test_refusals(given: dict, told: str):
    arguments = {"image": texture(), "template": texture((5, 5), 1), **given}
    with pytest.raises(InputError, match=told):
        find_copies(**arguments)


def test_a_black_template_cannot_be_compared_by_difference():
    template = Template.from_arrays(np.zeros((5, 5)), np.ones((5, 5)))
    with pytest.raises(InputError, match="black where it is compared"):
        find_copies(texture(), template, measure="difference")
