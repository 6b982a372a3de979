"""Annotations out and in, in every format of the registry."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_ncut import InputError
from napari_ncut.io import (
    Annotations,
    annotation_formats,
    export_annotations,
    import_annotations,
    read_coco,
    read_labels,
    write_coco,
    write_labels,
)
from napari_ncut.io.class_masks import find_class_masks
from napari_ncut.io.run_lengths import pixels_of_runs, unpack_runs
from napari_ncut.sam.mask_set import MaskSet

FORMATS = annotation_formats()
NAMES = {1: "Zellkern", 2: "граница зерна", 5: "空孔"}
COLORS = {1: "#e69f00", 2: "#0010ff", 5: "#7f00c3"}


def painted() -> tuple[np.ndarray, np.ndarray]:
    """Classes and instances: a hole, things that touch by sides and by corners, a thing in two."""
    labels = np.zeros((13, 21), np.int32)
    things = np.zeros_like(labels)
    labels[1:8, 1:8] = 1
    things[1:8, 1:5] = 1
    things[1:8, 5:8] = 2
    labels[3:6, 2:4] = things[3:6, 2:4] = 0
    labels[8:11, 8:12] = 2
    things[8:11, 8:12] = 3
    labels[2:4, 10:12] = labels[2:4, 14:16] = 5
    things[2:4, 10:12] = things[2:4, 14:16] = 4
    labels[12, 20] = 5
    things[12, 20] = 5
    return labels, things


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_comes_back(name: str, tmp_path: Path):
    entry = FORMATS[name]
    labels, things = painted()
    stem = "Präparat_7 (β)"
    paths = export_annotations(
        tmp_path, labels, stem=stem, format=name, classes=NAMES, colors=COLORS, instances=things
    )
    assert all(path.name.startswith(stem) for path in paths)
    several = not entry.suffix
    found = import_annotations(
        tmp_path if several else paths[0],
        labels.shape,
        format=name,
        classes=NAMES if several else None,
        colors=COLORS if several else None,
        stem=stem,
    )
    np.testing.assert_array_equal(found.labels, labels)
    assert found.names == NAMES
    if several:
        # Known classes are met by name, or by color.
        met = import_annotations(tmp_path, format=name, stem=stem)
        by_text = NAMES if "names" in entry.keeps else COLORS
        assert set(met.names.values()) == set(by_text.values())
    else:
        assert found.colors == COLORS
    if "instances" in entry.keeps:
        np.testing.assert_array_equal(found.instances, things)


@pytest.mark.parametrize("name", FORMATS)
def test_a_map_on_which_nothing_is_painted(name: str, tmp_path: Path):
    labels = np.zeros((4, 7), int)
    paths = export_annotations(tmp_path, labels, stem="a", format=name, classes={3: "pore"})
    place = paths[0] if FORMATS[name].suffix else tmp_path
    found = import_annotations(place, (4, 7), format=name, stem="a")
    assert found.labels.shape == (4, 7)
    assert not found.labels.any()
    # Without classes there is nothing to write a picture of.
    assert bool(FORMATS[name].suffix) == bool(
        export_annotations(tmp_path, labels, stem="b", format=name)
    )


@pytest.mark.parametrize("name", [n for n, entry in FORMATS.items() if entry.stacks])
def test_stacks(name: str, tmp_path: Path):
    plane, _ = painted()
    stack = np.stack([plane, plane * 0, plane[::-1]])
    (path,) = export_annotations(tmp_path, stack, stem="s", format=name, classes=NAMES)
    found = import_annotations(path, stack.shape)
    np.testing.assert_array_equal(found.labels, stack)


@pytest.mark.parametrize("name", [n for n, entry in FORMATS.items() if not entry.stacks])
def test_pictures_refuse_stacks(name: str, tmp_path: Path):
    with pytest.raises(InputError, match="label-tiff"):
        export_annotations(tmp_path, np.ones((2, 4, 5), int), stem="s", format=name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", FORMATS)
def test_files_of_another_image_are_refused(name: str, tmp_path: Path):
    labels, _ = painted()
    paths = export_annotations(tmp_path, labels, stem="a", format=name)
    if name in ("imagej", "geojson"):
        # Outlines have no size: what lies outside is left out.
        found = import_annotations(paths[0], (10, 10))
        np.testing.assert_array_equal(found.labels, labels[:10, :10])
        return
    with pytest.raises(InputError, match=r"this image"):
        import_annotations(
            paths[0] if FORMATS[name].suffix else tmp_path, (10, 10), format=name, stem="a"
        )


def test_nothing_is_overwritten_unless_asked_for(tmp_path: Path):
    labels, _ = painted()
    (path,) = export_annotations(tmp_path, labels, stem="a")
    before = path.read_bytes()
    with pytest.raises(InputError, match="exists already"):
        export_annotations(tmp_path, labels * 0, stem="a")
    assert path.read_bytes() == before
    export_annotations(tmp_path, labels * 0, stem="a", overwrite=True)
    assert path.read_bytes() != before


# ------------------------------------------------------------------------------------------ COCO


def test_compressed_run_lengths_as_pycocotools_packs_them():
    mask = np.zeros((9, 10), bool)
    mask[2:5, 3:6] = True
    expected = [29, 3, 6, 3, 6, 3, 40]
    assert unpack_runs(packed(expected)).tolist() == expected
    np.testing.assert_array_equal(pixels_sorted(packed(expected), mask.shape), np.flatnonzero(mask))


def packed(counts: list[int]) -> str:
    """Run lengths as the C code of pycocotools (rleToString) writes them."""
    text = ""
    for i, count in enumerate(counts):
        x = count - counts[i - 2] if i > 2 else count
        more = True
        while more:
            c = x & 0x1F
            x >>= 5
            more = x != -1 if c & 0x10 else x != 0
            text += chr((c | 0x20 if more else c) + 48)
    return text


def pixels_sorted(counts: str | list[int], shape: tuple[int, int]) -> np.ndarray:
    return np.sort(pixels_of_runs(counts, shape))


@pytest.mark.parametrize("seed", range(4))
def test_any_mask_comes_back_from_either_run_lengths(seed: int):
    rng = np.random.default_rng(seed)
    mask = rng.random((37, 91)) < rng.uniform(0.01, 0.6)
    counts = MaskSet.of([mask]).coco(0)["counts"]
    for form in (counts, packed(counts)):
        np.testing.assert_array_equal(pixels_sorted(form, mask.shape), np.flatnonzero(mask))


@pytest.mark.parametrize("counts", ["~~~", "o", [1, 2], [-1, 21], "ooooooooooooooo0"])
def test_broken_run_lengths_are_refused(counts: object):
    with pytest.raises(InputError):
        pixels_of_runs(counts, (4, 5))  # type: ignore[arg-type]


def coco_file(path: Path, *annotations: dict, **more: object) -> Path:
    document = {
        "images": [{"id": 9, "file_name": "x/a.png", "height": 6, "width": 8}],
        "categories": [{"id": 0, "name": "cell"}, {"id": 3, "name": "debris"}],
        "annotations": [
            {"id": i, "image_id": 9, "category_id": 0, **one} for i, one in enumerate(annotations)
        ],
        **more,
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_coco_of_other_programs(tmp_path: Path):
    path = coco_file(
        tmp_path / "a.json",
        # Two pieces of one thing, then a small one on it; a box alone has no mask.
        {"segmentation": [[1, 1, 4, 1, 4, 3, 1, 3], [6, 1, 8, 1, 8, 2, 6, 2]]},
        {"segmentation": [[2, 1, 3, 1, 3, 2, 2, 2]], "category_id": 3},
        {"bbox": [0, 0, 2, 2]},
    )
    found = import_annotations(path, (6, 8))
    expected = np.zeros((6, 8), int)
    expected[1:3, 1:4] = expected[1, 6:8] = 1
    expected[1, 2] = 2
    np.testing.assert_array_equal(found.instances, expected)
    # COCO's class 0 is no label, and gets a free number.
    assert found.names == {3: "debris", 4: "cell"}
    assert (found.labels[1, 2], found.labels[1, 1]) == (3, 4)


def test_coco_of_several_images(tmp_path: Path):
    first, second = painted()[0], np.ones((5, 4), int)
    sets = {"a.png": MaskSet.of_labels(first), "b.tif": MaskSet.of_labels(second)}
    write_coco(tmp_path / "all.json", sets)
    assert read_coco(tmp_path / "all.json", image="b").labels.shape == (5, 4)
    found = read_coco(tmp_path / "all.json", first.shape, image="A.JPG")
    np.testing.assert_array_equal(found.labels > 0, first > 0)
    for given in ({}, {"image": "c"}):
        with pytest.raises(InputError, match="image"):
            read_coco(tmp_path / "all.json", **given)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"images": 3}', '{"images": [], "annotations": []}', "\x00"]
)
def test_files_that_are_no_coco(text: str, tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(InputError):
        import_annotations(path)


# ------------------------------------------------------------------------------ QuPath and ImageJ


def test_geojson_is_what_qupath_reads(tmp_path: Path):
    labels = np.zeros((6, 8), int)
    labels[1:5, 2:7] = 2
    labels[2:4, 3:5] = 0
    (path,) = export_annotations(
        tmp_path, labels, stem="a", format="geojson", classes={2: "Tumor"}, colors={2: "#ff0080"}
    )
    (feature,) = json.loads(path.read_text())["features"]
    assert feature["properties"]["classification"] == {"name": "Tumor", "color": [255, 0, 128]}
    assert feature["properties"]["objectType"] == "annotation"
    outer, hole = feature["geometry"]["coordinates"]
    assert outer[0] == outer[-1] and hole[0] == hole[-1]
    assert {tuple(p) for p in outer} == {(2, 1), (7, 1), (7, 5), (2, 5)}
    assert {tuple(p) for p in hole} == {(3, 2), (5, 2), (5, 4), (3, 4)}


def test_geojson_of_qupath_itself(tmp_path: Path):
    corner = [[[0, 4], [2, 4], [2, 6], [0, 6]]]
    square = [[[1, 1], [4, 1], [4, 3], [1, 3], [1, 1]]]
    features = [
        {
            "type": "Feature",
            "id": "PathAnnotationObject",
            "geometry": {"type": "Polygon", "coordinates": square},
            "properties": {"classification": {"name": "Stroma", "colorRGB": -6895466}},
        },
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [2, 2]}},
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": corner}},
    ]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps(features))
    found = import_annotations(path, (6, 8), classes={4: "Stroma"})
    expected = np.zeros((6, 8), int)
    expected[1:3, 1:4] = 4
    expected[4:6, 0:2] = 2
    np.testing.assert_array_equal(found.labels > 0, expected > 0)
    assert found.labels[1, 1] == 4 and found.names[4] == "Stroma"
    assert found.colors[4] == "#96c896"
    # Without a size it goes as far as polygons do.
    assert import_annotations(path).labels.shape == (6, 4)


def test_rois_of_imagej_itself(tmp_path: Path):
    from roifile import ROI_TYPE, ImagejRoi

    rectangle = ImagejRoi(roitype=ROI_TYPE.RECT, left=1, top=2, right=4, bottom=5)
    rectangle.group = 3
    line = ImagejRoi(roitype=ROI_TYPE.LINE)
    path = tmp_path / "RoiSet.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.roi", rectangle.tobytes())
        archive.writestr("b.roi", line.tobytes())
    with pytest.warns(UserWarning, match="1 region"):
        found = import_annotations(path, (2, 6, 8))
    expected = np.zeros((2, 6, 8), int)
    # Without a position it lies on all planes.
    expected[:, 2:5, 1:4] = 3
    np.testing.assert_array_equal(found.labels, expected)
    assert found.names == {3: "group 3"}
    single = tmp_path / "one.roi"
    single.write_bytes(rectangle.tobytes())
    np.testing.assert_array_equal(import_annotations(single, (6, 8)).labels, expected[0])
    single.write_bytes(rectangle.tobytes()[:40])
    with pytest.raises(InputError, match="regions"):
        import_annotations(single)


def test_rois_are_what_imagej_reads(tmp_path: Path):
    from roifile import ROI_TYPE, roiread

    labels = np.zeros((6, 8), int)
    labels[1:3, 2:7] = 1
    labels[4, 0] = 2
    (path,) = export_annotations(tmp_path, labels, stem="a", format="imagej", classes={2: "pore"})
    first, second = roiread(path)
    assert first.roitype == ROI_TYPE.TRACED
    assert {tuple(p) for p in first.coordinates().tolist()} == {(2, 1), (7, 1), (7, 3), (2, 3)}
    assert second.name == "pore 2" and second.group == 2


# ------------------------------------------------------------------------------------------ masks


def test_masks_of_icas(tmp_path: Path):
    mask = np.zeros((4, 6), np.uint8)
    mask[1:3, 2:5] = 255
    for name in ("a_mask_(R:255,G:0,B:7)", "a_mask_(R-0,G-255,B-0)", "ab_mask_(R:1,G:1,B:1)"):
        Image.fromarray(mask).save(tmp_path / f"{name}.png")
    found = import_annotations(tmp_path, (4, 6), stem="a")
    assert sorted(found.colors.values()) == ["#00ff00", "#ff0007"]
    # One of them stands for all of its image.
    one = import_annotations(
        tmp_path / "a_mask_(R:255,G:0,B:7).png", classes={7: "cell"}, colors={7: "#ff0007"}
    )
    assert one.names[7] == "cell" and len(one.names) == 2


def test_a_mask_belongs_to_the_longest_name(tmp_path: Path):
    for name in ("a_cell.png", "a_b_cell.png", "a_labels.png", "a_mask_(R:1,G:2,B:3).png"):
        Image.fromarray(np.zeros((2, 3), np.uint8)).save(tmp_path / name)
    assert list(find_class_masks(tmp_path, "a", ["a", "a_b"])) == ["cell"]
    assert list(find_class_masks(tmp_path, "a_b", ["a", "a_b"])) == ["cell"]


def test_classes_that_make_the_same_file_are_refused(tmp_path: Path):
    labels = np.array([[1, 2]])
    with pytest.raises(InputError, match="called alike"):
        export_annotations(tmp_path, labels, stem="a", format="masks", classes={1: "a/b", 2: "A:B"})
    with pytest.raises(InputError, match="one color"):
        export_annotations(
            tmp_path, labels, stem="a", format="icas", colors={1: "#ffffff", 2: "#FFFFFF"}
        )
    assert not list(tmp_path.iterdir())


def test_smoothed_masks_are_what_is_nearer_to_white(tmp_path: Path):
    Image.fromarray(np.array([[0, 100, 200]], np.uint8)).save(tmp_path / "a_x.png")
    assert import_annotations(tmp_path, stem="a").labels.tolist() == [[0, 0, 1]]
    Image.fromarray(np.array([[0, 1, 1]], np.uint8)).save(tmp_path / "b_x.png")
    assert import_annotations(tmp_path, stem="b").labels.tolist() == [[0, 1, 1]]


# --------------------------------------------------------------------------------- single pieces


def test_without_instances_a_thing_is_what_hangs_together():
    labels = np.array([[1, 0, 1], [0, 2, 2]])
    ((objects, classes),) = Annotations.of(labels).objects()
    assert objects.tolist() == [[1, 0, 2], [0, 3, 3]] and classes.tolist() == [0, 1, 1, 2]


def test_labels_of_others_have_no_names(tmp_path: Path):
    write_labels(tmp_path / "a.tif", np.array([[0, 300]]))
    labels, names, colors = read_labels(tmp_path / "a.tif")
    assert labels.tolist() == [[0, 300]] and not names and not colors
    Image.fromarray(np.zeros((3, 4, 3), np.uint8)).save(tmp_path / "rgb.png")
    np.save(tmp_path / "x.npy", np.zeros((3, 4)))
    for path in (tmp_path / "x.npy", tmp_path / "none.tif", tmp_path / "a.xyz"):
        with pytest.raises(InputError):
            import_annotations(path, format=None if path.suffix != ".npy" else "label-tiff")


@pytest.mark.parametrize(
    "given",
    [
        {"labels": np.zeros((3, 4))},
        {"labels": np.full((3, 4), -1)},
        {"labels": np.zeros(4, int)},
        {"labels": np.ones((3, 4), int), "instances": np.ones((3, 5), int)},
        {"labels": np.ones((3, 4), int), "classes": {0: "none"}},
        {"labels": np.ones((3, 4), int), "format": "jpeg"},
        {"labels": np.ones((3, 4), int), "format": "geojson", "colors": {1: "red"}},
    ],
)
def test_refusals(given: dict, tmp_path: Path):
    with pytest.raises(InputError):
        export_annotations(tmp_path, **{"stem": "a", **given})
    assert not list(tmp_path.iterdir())


def test_the_docs_list_every_format():
    page = Path(__file__).resolve().parents[2] / "docs" / "folders.md"
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    table = {
        row.split("`")[1]: [part.strip() for part in row.split("|")[3:5]]
        for row in rows
        if row.split("`")[1] in FORMATS
    }
    assert table == {
        name: ["yes" if entry.stacks else "", ", ".join(entry.keeps)]
        for name, entry in FORMATS.items()
    }
