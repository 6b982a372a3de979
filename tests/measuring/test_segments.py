"""What is measured of segments, against scikit-image, hand-worked cases and formulas."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import regionprops_table

from napari_ncut import InputError, MeasureTable, measure_segments
from napari_ncut.measuring import GROUPS, PROPERTIES

# Our name → scikit-image's, where both mean the same.
SAME = {
    "label": "label",
    "pixels": "num_pixels",
    "area": "area",
    "equivalent_diameter": "equivalent_diameter_area",
    "centroid_row": "centroid-0",
    "centroid_column": "centroid-1",
    "top": "bbox-0",
    "left": "bbox-1",
    "bottom": "bbox-2",
    "right": "bbox-3",
    "major_axis": "axis_major_length",
    "minor_axis": "axis_minor_length",
    "eccentricity": "eccentricity",
    "extent": "extent",
    "solidity": "solidity",
    "feret_max": "feret_diameter_max",
    "intensity_mean": "intensity_mean",
    "intensity_min": "intensity_min",
    "intensity_max": "intensity_max",
    "intensity_std": "intensity_std",
}
EVERYTHING = [*GROUPS]


def scattered(shape: tuple[int, ...] = (60, 70), n: int = 40, seed: int = 0) -> np.ndarray:
    """Overlapping blocks with holes and loose pixels, sparse labels, some in several pieces."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.int32)
    for number in range(1, n):
        start = [rng.integers(0, size - 3) for size in shape]
        key = tuple(slice(s, s + rng.integers(1, 16)) for s in start)
        labels[key] = number * 3
    labels[rng.random(shape) < 0.1] = 0
    return labels


def reference(labels: np.ndarray, image: np.ndarray | None = None, **kwargs) -> dict:
    names = [n.partition("-")[0] for n in SAME.values()]
    names = [n for n in names if image is not None or not n.startswith("intensity")]
    found = regionprops_table(labels, image, properties=[*dict.fromkeys(names)], **kwargs)
    return dict(found)


@pytest.mark.parametrize("spacing", [1.0, (0.5, 2.0)], ids=["squares", "oblongs"])
def test_equal_to_regionprops(spacing):
    labels = scattered()
    image = np.random.default_rng(1).normal(100, 20, labels.shape)
    table = measure_segments(labels, image, spacing=spacing, properties=EVERYTHING)
    sides = (spacing, spacing) if isinstance(spacing, float) else spacing
    wanted = reference(labels, image, spacing=sides)
    for ours, theirs in SAME.items():
        np.testing.assert_allclose(table[ours], wanted[theirs], atol=1e-6, err_msg=ours)
    angles = regionprops_table(labels, properties=["orientation"], spacing=sides)["orientation"]
    # Opposite angles are one direction; none is told where all are alike.
    apart = np.radians(table["orientation"]) - angles
    some = np.isfinite(apart)
    assert some.sum() > 20
    np.testing.assert_allclose(np.sin(apart[some]), 0, atol=1e-6)


def test_perimeter_is_croftons():
    labels = scattered()
    wanted = regionprops_table(labels, properties=["perimeter_crofton"])["perimeter_crofton"]
    np.testing.assert_allclose(measure_segments(labels)["perimeter"], wanted)
    wide = measure_segments(labels, spacing=3.0, unit="µm")
    np.testing.assert_allclose(wide["perimeter"], 3 * wanted)


def disk(spacing: tuple[float, float], radius: float = 20.0) -> np.ndarray:
    sizes = [int(2.6 * radius / side) for side in spacing]
    rows, columns = np.indices(sizes)
    away = [(i - s // 2) * side for i, s, side in zip((rows, columns), sizes, spacing, strict=True)]
    return np.hypot(*away) < radius


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.5, 1.0), (1.0, 0.4), (2.0, 0.5)])
def test_disk_of_any_pixels(spacing):
    table = measure_segments(
        disk(spacing), spacing=spacing, properties=["outline", "shape", "hull"]
    )
    (perimeter,), (area,), (feret,) = table["perimeter"], table["area"], table["feret_max"]
    assert perimeter == pytest.approx(2 * np.pi * 20, rel=0.06)
    assert area == pytest.approx(np.pi * 400, rel=0.03)
    assert feret == pytest.approx(40, abs=2 * max(spacing))
    assert table["circularity"][0] > 0.9
    assert table["major_axis"][0] == pytest.approx(40, rel=0.03)
    assert table["aspect_ratio"][0] == pytest.approx(1, abs=0.05)


def ball(depth: float) -> np.ndarray:
    layers, rows, columns = np.indices((int(50 / depth) | 1, 51, 51))
    away = [(layers - layers.max() // 2) * depth, rows - 25, columns - 25]
    return np.sqrt(sum(np.square(a) for a in away)) < 18


@pytest.mark.parametrize("depth", [1.0, 2.0])
def test_ball(depth):
    table = measure_segments(
        ball(depth), axes="ZYX", volumes=True, spacing=(depth, 1, 1), unit="nm",
        properties=["size", "outline", "shape"],
    )  # fmt: skip
    assert list(table.columns)[:2] == ["stack", "label"]
    assert table["volume"][0] == pytest.approx(4 / 3 * np.pi * 18**3, rel=0.02)
    assert table["equivalent_diameter"][0] == pytest.approx(36, rel=0.01)
    assert table["surface"][0] == pytest.approx(4 * np.pi * 18**2, rel=0.03)
    assert table["sphericity"][0] > 0.97
    assert table["major_axis"][0] == pytest.approx(36, rel=0.02)
    assert table.heading("volume") == "Volume (nm³)"
    assert table.heading("surface") == "Surface (nm²)"


def test_volumes_equal_regionprops():
    labels = np.zeros((12, 20, 24), int)
    labels[1:6, 2:9, 3:20] = 4
    labels[2:4, 5:9, 5:12] = 0
    labels[5:11, 12:19, 1:5] = 9
    labels[10, 15:19, 5:14] = 9
    image = np.random.default_rng(1).random(labels.shape)
    table = measure_segments(
        labels, image, axes="ZYX", volumes=True, spacing=(2, 0.5, 1), properties=EVERYTHING
    )
    pairs = {
        "volume": "area", "major_axis": "axis_major_length", "minor_axis": "axis_minor_length",
        "centroid_depth": "centroid-0", "back": "bbox-3", "solidity": "solidity",
        "feret_max": "feret_diameter_max", "equivalent_diameter": "equivalent_diameter_area",
        "intensity_mean": "intensity_mean",
    }  # fmt: skip
    names = [*dict.fromkeys(name.partition("-")[0] for name in pairs.values())]
    wanted = regionprops_table(labels, image, properties=names, spacing=(2, 0.5, 1))
    for ours, theirs in pairs.items():
        np.testing.assert_allclose(table[ours], wanted[theirs], atol=1e-9, err_msg=ours)


def test_by_hand():
    labels = np.array([[7, 7, 0, 2], [7, 0, 0, 2], [0, 0, 0, 2]])
    table = measure_segments(labels, spacing=(2, 3), unit="µm", properties=["size", "place"])
    assert table["label"].tolist() == [2, 7]
    assert table["pixels"].tolist() == [3, 3]
    assert table["area"].tolist() == [18, 18]
    assert table["area_fraction"].tolist() == [0.25, 0.25]
    np.testing.assert_allclose(table["centroid_row"], [2, 2 / 3])
    np.testing.assert_allclose(table["centroid_column"], [9, 1])
    box = [table[name].tolist() for name in ("top", "left", "bottom", "right")]
    assert box == [[0, 0], [3, 0], [3, 2], [4, 2]]
    assert table["touches_border"].tolist() == [1, 1]
    assert table.extent == 72


def test_planes_of_a_stack_and_axes_in_any_order():
    stack = np.stack([scattered(seed=s) for s in range(3)])
    image = np.random.default_rng(0).random((3, 2, *stack.shape[1:]))
    table = measure_segments(stack, image, axes="TCYX", channel_names=["actin", "dna"])
    for plane in range(3):
        alone = measure_segments(stack[plane], image[plane, 1])
        rows = table["plane"] == plane
        np.testing.assert_array_equal(table["label"][rows], alone["label"])
        np.testing.assert_array_equal(table["area"][rows], alone["area"])
        np.testing.assert_array_equal(table["intensity_mean-dna"][rows], alone["intensity_mean"])
    turned = measure_segments(
        np.moveaxis(stack, 0, -1).swapaxes(0, 1), np.moveaxis(image, 0, -1).swapaxes(1, 2),
        axes="CXYT", channel_names=["actin", "dna"],
    )  # fmt: skip
    for name, values in table.columns.items():
        np.testing.assert_array_equal(turned[name], values, err_msg=name)


def test_volumes_of_a_movie():
    movie = np.stack([scattered((6, 20, 24), 8, seed=s) for s in range(2)])
    table = measure_segments(movie, axes="TZYX", volumes=True)
    alone = measure_segments(movie[1], axes="ZYX", volumes=True)
    rows = table["stack"] == 1
    np.testing.assert_array_equal(table["volume"][rows], alone["volume"])
    planes = measure_segments(movie, axes="TZYX")
    assert planes["plane"].max() == 11


def test_color_and_several_channels():
    labels = scattered()
    color = np.random.default_rng(0).integers(0, 255, (*labels.shape, 4)).astype(np.uint8)
    table = measure_segments(labels, color, axes="YXC", properties="intensity_mean")
    ends = [n for n in table.columns if n.startswith("intensity")]
    assert ends == ["intensity_mean-red", "intensity_mean-green", "intensity_mean-blue"]
    assert table.heading("intensity_mean-red") == "Mean, red"
    channels = {"DAPI": color[..., 0], "GFP": color[..., 2]}
    named = measure_segments(labels, channels)
    np.testing.assert_array_equal(named["intensity_mean-GFP"], table["intensity_mean-blue"])


def test_pieces_of_classes():
    painted = np.zeros((20, 20), np.uint8)
    painted[2:4, 2:4] = painted[4, 4] = painted[10:13, 1:4] = 1  # joined by a corner
    painted[4:6, 5:9] = 2  # touches the first, of another class
    table = measure_segments(painted, things="pieces", class_names={1: "cell", 2: "debris"})
    assert table["class"].tolist() == [1, 2, 1]
    assert table["class_name"].tolist() == ["cell", "debris", "cell"]
    assert table["area"].tolist() == [5, 8, 9]
    stack = measure_segments(np.stack([painted] * 2), axes="TYX", things="pieces")
    assert stack["label"].tolist() == [1, 2, 3, 4, 5, 6]
    volume = measure_segments(np.stack([painted] * 2), axes="ZYX", things="pieces", volumes=True)
    assert volume["volume"].tolist() == [10, 16, 18]


def test_classes_by_label_and_by_map():
    labels = np.array([[1, 1, 1, 5], [9, 9, 0, 5]])
    by_map = {1: 2, 5: 1}
    assert measure_segments(labels, classes=by_map)["class"].tolist() == [2, 1, 0]
    array = np.array([0, 2, 0, 0, 0, 1])
    assert measure_segments(labels, classes=array)["class"].tolist() == [2, 1, 0]
    # Most of 1 is of class 4, 5 is half of 3 and half of 6, 9 mostly of none.
    painted = np.array([[4, 4, 0, 6], [0, 0, 8, 3]])
    assert measure_segments(labels, classes=painted)["class"].tolist() == [4, 3, 0]


def test_any_whole_numbers_and_lazy_arrays():
    dask = pytest.importorskip("dask.array")
    labels = scattered().astype(np.int64)
    large = np.where(labels > 0, labels + 2**40, 0)
    wanted = measure_segments(labels)
    for given in (large, labels.astype(np.uint16), dask.from_array(labels, chunks=17)):
        np.testing.assert_array_equal(measure_segments(given)["area"], wanted["area"])
    assert measure_segments(large)["label"][0] == 2**40 + wanted["label"][0]
    assert measure_segments(labels > 0)["label"].tolist() == [1]


@pytest.mark.parametrize(
    "labels",
    [
        np.zeros((5, 6), int), np.ones((5, 6), int), np.ones((1, 1), int),
        np.array([[1, 2, 3]]), np.array([[1], [1]]), np.eye(4, dtype=int),
    ],
    ids=["empty", "full", "pixel", "row", "column", "diagonal"],
)  # fmt: skip
def test_small_and_empty_ones_have_an_answer(labels, recwarn):
    table = measure_segments(labels, labels * 0.0, properties=EVERYTHING)
    n = len(np.unique(labels[labels > 0]))
    assert len(table) == n
    undefined = {"aspect_ratio", "orientation"}
    for name, values in table.columns.items():
        assert len(values) == n
        if name not in undefined:
            assert np.isfinite(values.astype(float)).all(), name
    assert not recwarn.list


def test_flat_pieces_of_volumes_have_no_hull(recwarn):
    labels = np.zeros((3, 6, 6), int)
    labels[1, 2:5, 1:4] = 1
    table = measure_segments(labels, axes="ZYX", volumes=True, properties=["hull", "shape"])
    assert np.isnan(table["solidity"]).all() and np.isnan(table["feret_max"]).all()
    assert table["minor_axis"].tolist() == [0] and table["major_axis"][0] > 3
    assert not recwarn.list


def test_one_flat_voxel():
    table = measure_segments(np.ones((1, 1, 1), int), axes="ZYX", volumes=True)
    assert table["volume"].tolist() == [1]
    assert table["touches_border"].tolist() == [0]


def test_nan_counts_nowhere():
    labels = np.array([[1, 1, 2, 3]])
    image = np.array([[4.0, np.nan, np.inf, 7.0]])
    table = measure_segments(labels, image)
    np.testing.assert_array_equal(table["intensity_mean"], [4, np.nan, 7])
    np.testing.assert_array_equal(table["intensity_max"], [4, np.nan, 7])
    np.testing.assert_array_equal(table["intensity_std"], [0, np.nan, 0])


def test_names_and_groups_choose_columns():
    labels = scattered()
    table = measure_segments(labels, properties=["circularity", "hull"])
    assert list(table.columns) == ["plane", "label", "area", "circularity", "solidity", "feret_max"]
    default = measure_segments(labels)
    assert "solidity" not in default and "perimeter" in default
    for name, entry in PROPERTIES.items():
        if 2 in entry.dimensions:
            image = labels.astype(float) if entry.needs_image else None
            assert name in measure_segments(labels, image, properties=name)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"properties": "areas"}, "Did you mean 'area'"),
        ({"properties": "intensity"}, "none was given"),
        ({"properties": "volume"}, "segments of planes"),
        ({"spacing": 0}, "above 0"),
        ({"spacing": (1, 2, 3, 4)}, "height and width"),
        ({"spacing": "a"}, "height and width"),
        ({"things": "parts"}, "labels, pieces"),
        ({"volumes": True}, 'axes="ZYX"'),
        ({"axes": "YXZ"}, "one letter per dimension"),
        ({"image": np.zeros((3, 3))}, "each pixel"),
        ({"image": np.zeros((60, 70), complex)}, "real numbers"),
        ({"image": np.zeros((60, 70, 2)), "axes": "YXC", "channel_names": ["a"]}, "all different"),
        ({"classes": {1: "a"}}, "whole numbers"),
        ({"classes": np.zeros((2, 2), int)}, "for each pixel"),
        ({"things": "pieces", "classes": {1: 1}}, "Leave classes out"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_refusals(arguments, told):
    with pytest.raises(InputError, match=told):
        measure_segments(scattered(), **arguments)


@pytest.mark.parametrize("labels", [np.full((3, 3), -1), np.zeros((3, 3)), np.zeros((0, 3), int)])
def test_no_labels(labels):
    with pytest.raises(InputError):
        measure_segments(labels)


def test_work_can_be_stopped():
    def stop(step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_segments(scattered(), properties="hull", progress=stop)


def test_csv(tmp_path):
    labels = np.array([[1, 1, 2]])
    table = measure_segments(labels, unit="µm", properties="aspect_ratio", classes={1: 3},
                             class_names={3: "cell, round"})  # fmt: skip
    table.to_csv(tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text(encoding="utf-8")
    assert text.splitlines() == [
        "plane,label,class,class_name,area,aspect_ratio,unit",
        '0,1,3,"cell, round",2.0,,µm',
        "0,2,0,,1.0,,µm",
    ]


def test_sorting_puts_missing_numbers_last():
    table = MeasureTable({"a": np.array([2.0, np.nan, 1.0, 2.0]), "b": np.array([3, 1, 2, 3])})
    assert table.sorted_by("a").tolist() == [2, 0, 3, 1]
    assert table.sorted_by("a", descending=True).tolist() == [0, 3, 2, 1]
    assert table.sorted_by("b", descending=True).tolist() == [0, 3, 2, 1]
