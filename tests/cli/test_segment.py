"""`napari-ncut segment` writes exactly what the Python functions give."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import napari_ncut as ncut
from napari_ncut.cli.results import number_instances

from .conftest import EMBEDDING, blobs


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_one_image(tmp_path: Path, image: Path, points: Path, call: Callable):
    result = call("segment", image, "-p", points, "-o", tmp_path / "out", *EMBEDDING)
    expected = ncut.PromptSegmenter(ncut.embed(blobs(), n_components=5, stride=2)).predict(
        [[12, 14], [2, 2]], [True, False], classes=[1, 1]
    )
    found = ncut.read_image(tmp_path / "out" / "blobs_classes.tif")
    assert found.axes == "YX"
    np.testing.assert_array_equal(found.data, expected)
    assert result.stdout.splitlines() == [
        str(tmp_path / "out" / "blobs_classes.tif"),
        str(tmp_path / "out" / "measurements.csv"),
    ]
    (row,) = rows_of(tmp_path / "out" / "measurements.csv")
    assert row["image"] == "blobs.png"
    assert int(row["pixels"]) == (expected == 1).sum()
    assert float(row["fraction"]) == (expected == 1).mean()
    assert not (tmp_path / "out" / "blobs_instances.tif").exists()


def test_all_prompt_and_embed_parameters(tmp_path: Path, image: Path, points: Path, call: Callable):
    call(
        *("segment", image, "-p", points, "-o", tmp_path / "out", *EMBEDDING),
        *("--threshold", 0.6, "--negative-threshold", 0.8, "--prompt-gamma", 0.4),
        *("--min-area", 3, "--normalization", "absolute", "--mode", "object"),
        *("--method", "tutorial", "--layer", 1, "--node", "color", "--stride", 2),
        *("--limits", 10, 150, "--affinity", "rbf", "--bandwidth", 1.5, "--accuracy", "fast"),
        *("--device", "cpu", "--seed", 3, "--channels", 0, "--backbone", "filterbank"),
    )
    embedding = ncut.embed(
        blobs(),
        backbone="filterbank",
        n_components=5,
        layer=1,
        node="color",
        stride=2,
        scaling=(10, 150),
        bandwidth=1.5,
        accuracy="fast",
        device="cpu",
        random_state=3,
        channels=0,
    )
    expected = ncut.PromptSegmenter(embedding).predict(
        [[12, 14], [2, 2]],
        [True, False],
        classes=[1, 1],
        threshold=0.6,
        negative_threshold=0.8,
        gamma=0.4,
        min_area=3,
        normalization="absolute",
        mode="object",
        method="tutorial",
    )
    found = ncut.read_image(tmp_path / "out" / "blobs_classes.tif").data
    np.testing.assert_array_equal(found, expected)


def test_a_cut_led_by_all_points_in_a_graph_of_contours(
    tmp_path: Path, image: Path, points: Path, call: Callable
):
    call(
        *("segment", image, "-p", points, "-o", tmp_path / "out", *EMBEDDING),
        *("--method", "cut", "--contours", "--contour-strength", 2, "--contour-radius", 3),
        *("--neighbors", 12, "--color-weight", 0.5, "--position-weight", 0.1, "--memory", 2),
    )
    embedding = ncut.embed(
        blobs(),
        n_components=5,
        stride=2,
        contours="auto",
        contour_strength=2,
        contour_radius=3,
        n_neighbors=12,
        color_weight=0.5,
        position_weight=0.1,
        memory=2,
    )
    expected = ncut.PromptSegmenter(embedding).predict(
        [[12, 14], [2, 2]], [True, False], classes=[1, 1], method="cut"
    )
    found = ncut.read_image(tmp_path / "out" / "blobs_classes.tif").data
    np.testing.assert_array_equal(found, expected)


def test_reusing_an_embedding_changes_nothing(
    tmp_path: Path, image: Path, points: Path, call: Callable
):
    call("embed", image, "-o", tmp_path / "e.npz", *EMBEDDING)
    call("segment", image, "-p", points, "-o", tmp_path / "a", "--embedding", tmp_path / "e.npz")
    call("segment", image, "-p", points, "-o", tmp_path / "b", *EMBEDDING)
    a, b = ((tmp_path / n / "blobs_classes.tif").read_bytes() for n in "ab")
    assert a == b


def test_a_mask_is_class_one(tmp_path: Path, image: Path, call: Callable):
    (tmp_path / "p.csv").write_text("axis-0,axis-1\n12,14\n")
    call(
        *("segment", image, "-p", tmp_path / "p.csv", "-o", tmp_path / "out", *EMBEDDING),
        *("--format", "png", "--pixel-size", "0.5,2"),
    )
    labels = np.asarray(Image.open(tmp_path / "out" / "blobs_classes.png"))
    assert labels.dtype == np.uint8
    assert np.unique(labels).tolist() == [0, 1]
    (row,) = rows_of(tmp_path / "out" / "measurements.csv")
    assert (row["class"], float(row["area"])) == ("1", float(labels.sum()))


def test_stack_with_named_classes_and_instances(tmp_path: Path, call: Callable):
    stack = np.stack([blobs(seed=i) for i in range(6)]).reshape(2, 3, 40, 50)
    tifffile.imwrite(
        tmp_path / "s.ome.tif", stack, photometric="minisblack", metadata={"axes": "TZYX"}
    )
    (tmp_path / "p.csv").write_text(
        "axis-0,axis-1,axis-2,axis-3,class\n1,2,12,14,disc\n0,1,2,2,ground\n"
    )
    call(
        *("segment", tmp_path / "s.ome.tif", "-p", tmp_path / "p.csv", "-o", tmp_path / "out"),
        *(*EMBEDDING, "--instances"),
    )
    expected = ncut.PromptSegmenter(
        ncut.embed(stack, axes="TZYX", n_components=5, stride=2)
    ).predict([[5, 12, 14], [1, 2, 2]], classes=[1, 2])
    classes = ncut.read_image(tmp_path / "out" / "s_classes.tif")
    assert (classes.axes, classes.data.shape) == ("TZYX", stack.shape)
    np.testing.assert_array_equal(classes.data.reshape(6, 40, 50), expected)
    instances = ncut.read_image(tmp_path / "out" / "s_instances.tif")
    assert instances.axes == "TZYX"
    np.testing.assert_array_equal(instances.data > 0, classes.data > 0)
    rows = rows_of(tmp_path / "out" / "measurements.csv")
    assert [(row["class"], row["name"]) for row in rows] == [("1", "disc"), ("2", "ground")]
    assert sum(int(row["count"]) for row in rows) == instances.data.max()


def test_channels_are_no_planes(tmp_path: Path, call: Callable):
    data = np.stack([blobs(), blobs(seed=1)])
    tifffile.imwrite(tmp_path / "c.tif", data, photometric="minisblack", metadata={"axes": "CYX"})
    (tmp_path / "p.csv").write_text("axis-0,axis-1,axis-2\n1,12,14\n")
    call(
        *("segment", tmp_path / "c.tif", "-p", tmp_path / "p.csv", "-o", tmp_path / "out"),
        *EMBEDDING,
    )
    expected = ncut.PromptSegmenter(ncut.embed(data, axes="CYX", n_components=5, stride=2)).predict(
        [[12, 14]]
    )
    found = ncut.read_image(tmp_path / "out" / "c_classes.tif")
    np.testing.assert_array_equal(found.data, expected)


@pytest.fixture
def pair(tmp_path: Path) -> list[Path]:
    """Two images of one name and different sizes."""
    paths = [tmp_path / "a" / "x.png", tmp_path / "b" / "X.png"]
    for number, path in enumerate(paths):
        path.parent.mkdir()
        Image.fromarray(blobs(40 + number, 50 + 2 * number, number)).save(path)
    return paths


def joint(pair: list[Path], points: list, **options: object) -> list[np.ndarray]:
    images = [ncut.read_image(path).data for path in pair]
    return ncut.PromptSegmenter(ncut.embed(images, n_components=5, stride=2)).predict(
        points, **options
    )


@pytest.mark.parametrize(
    ("tables", "expected_points"),
    [
        (["axis-0,axis-1,axis-2\n1,12,14\n0,28,36\n"], [[1, 12, 14], [0, 28, 36]]),
        (["axis-0,axis-1,image\n12,14,X.png\n28,36,0\n"], [[1, 12, 14], [0, 28, 36]]),
        (["axis-0,axis-1\n12,14\n", "axis-0,axis-1\n28,36\n"], [[0, 12, 14], [1, 28, 36]]),
        (["axis-0,axis-1\n12,14\n"], [[0, 12, 14]]),
    ],
)
def test_several_images(
    tmp_path: Path, pair: list[Path], call: Callable, tables: list[str], expected_points: list
):
    arguments: list[object] = []
    for number, text in enumerate(tables):
        (tmp_path / f"{number}.csv").write_text(text)
        arguments += ["-p", tmp_path / f"{number}.csv"]
    result = call("segment", *pair, *arguments, "-o", tmp_path / "out", *EMBEDDING)
    for name, expected in zip(("x", "X-2"), joint(pair, expected_points), strict=True):
        found = ncut.read_image(tmp_path / "out" / f"{name}_classes.tif").data
        np.testing.assert_array_equal(found, expected)
    assert ("taken for the first, x.png" in result.stderr) == (len(expected_points) == 1)
    names = [row["image"] for row in rows_of(tmp_path / "out" / "measurements.csv")]
    assert names == ["x.png", "X.png"]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder with a gray picture, one in color, and a deep stack, all of different sizes."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    Image.fromarray(blobs()).save(folder / "img10.png")
    Image.fromarray(np.dstack([blobs(44, 60, 1)] * 3)).save(folder / "img2.png")
    stack = np.stack([blobs(40, 56, seed) for seed in (2, 3)]).astype(np.uint16) * 257
    tifffile.imwrite(folder / "img1.tif", stack, photometric="minisblack", metadata={"axes": "ZYX"})
    return folder


@pytest.mark.filterwarnings("default:Skipped")
def test_a_folder_of_images_of_every_kind(tmp_path: Path, mixed: Path, call: Callable):
    (mixed / "notes.txt").write_text("no image")
    (tmp_path / "p.csv").write_text(
        "axis-0,axis-1,axis-2,positive,class,image\n"
        "0,12,14,1,1,img10\n1,28,36,1,1,img1\n0,2,2,1,2,img2\n"
    )
    result = call("segment", mixed, "-p", tmp_path / "p.csv", "-o", tmp_path / "out", *EMBEDDING)
    assert "Note: Skipped in the folder" in result.stderr and "notes.txt" in result.stderr
    # In natural order: the two planes of img1, then img2, then img10.
    images = ncut.read_images([mixed / name for name in ("img1.tif", "img2.png", "img10.png")])
    embedding = ncut.embed(
        [image.data for image in images],
        axes=["ZYX", "YXS", "YX"],
        n_components=5,
        stride=2,
    )
    expected = ncut.PromptSegmenter(embedding).predict(
        [[3, 12, 14], [1, 28, 36], [2, 2, 2]], classes=[1, 1, 2]
    )
    for name, axes, labels in zip(
        ("img1", "img2", "img10"), ("ZYX", "YX", "YX"), expected, strict=True
    ):
        found = ncut.read_image(tmp_path / "out" / f"{name}_classes.tif")
        assert found.axes == axes
        np.testing.assert_array_equal(found.data, labels)
        # Discs are found in every image, whatever its kind.
        planes = found.data.reshape(-1, *found.data.shape[-2:])
        assert (planes[:, 12, 14] == 1).all() and (planes[:, 2, 2] == 2).all()


def test_results_are_not_written_among_the_images_of_a_folder(
    tmp_path: Path, mixed: Path, points: Path, refuse: Callable
):
    said = refuse("segment", mixed, "-p", points, "-o", mixed)
    assert "among the images" in said and "results" in said
    assert "among the images" in refuse("embed", mixed, "-o", mixed / "e.npz", "--colors")


def test_names_of_results_do_not_depend_on_the_order(tmp_path: Path, mixed: Path, call: Callable):
    (tmp_path / "p.csv").write_text("axis-0,axis-1,image\n12,14,img10\n")
    files = [mixed / "img10.png", mixed / "img2.png"]
    written = [
        call("segment", *order, "-p", tmp_path / "p.csv", "-o", tmp_path / str(i), *EMBEDDING)
        for i, order in enumerate((files, files[::-1]))
    ]
    names = [sorted(Path(line).name for line in one.stdout.splitlines()) for one in written]
    assert names == [["img10_classes.tif", "img2_classes.tif", "measurements.csv"]] * 2
    for name, shape in (("img10", (40, 50)), ("img2", (44, 60))):
        for i in range(2):
            found = ncut.read_image(tmp_path / str(i) / f"{name}_classes.tif")
            assert found.data.shape == shape


@pytest.mark.parametrize("kind", ["text", "txt", "npy"])
def test_transform(tmp_path: Path, image: Path, call: Callable, kind: str):
    matrix = np.array([[2, 0, 4.0], [0, 2, 4], [0, 0, 1]])
    (tmp_path / "p.csv").write_text("axis-0,axis-1\n4,5\n")
    given: object = "2,0,4;0,2,4;0,0,1"
    if kind == "txt":
        given = tmp_path / "m.txt"
        np.savetxt(given, matrix)
    elif kind == "npy":
        given = tmp_path / "m.npy"
        np.save(given, matrix)
    call(
        *("segment", image, "-p", tmp_path / "p.csv", "-o", tmp_path / "out", *EMBEDDING),
        *("--transform", given),
    )
    expected = ncut.PromptSegmenter(ncut.embed(blobs(), n_components=5, stride=2)).predict(
        [[12, 14]]
    )
    found = ncut.read_image(tmp_path / "out" / "blobs_classes.tif").data
    np.testing.assert_array_equal(found, expected)


def test_overwrite(tmp_path: Path, image: Path, points: Path, call: Callable, refuse: Callable):
    arguments = ("segment", image, "-p", points, "-o", tmp_path / "out", *EMBEDDING)
    call(*arguments)
    said = refuse(*arguments)
    assert "exists already" in said
    assert "--overwrite" in said
    call(*arguments, "--overwrite")


WRONG_POINTS = {
    "no columns": ("y,x\n1,2\n", "axis-0 and axis-1"),
    "text": ("axis-0,axis-1\n1,two\n", "'two' in the column axis-1"),
    "outside": ("axis-0,axis-1\n1,99\n", "outside the image blobs.png of 40 × 50"),
    "dimensions": ("axis-0,axis-1,axis-2,axis-3\n1,1,1,1\n", "4 coordinates"),
    "only negative": ("axis-0,axis-1,positive\n1,2,0\n", "no positive point"),
    "positive of no class": ("axis-0,axis-1,class\n1,2,0\n", "1 or more"),
    "empty": ("", "axis-0 and axis-1"),
}


@pytest.mark.parametrize(("text", "said"), WRONG_POINTS.values(), ids=WRONG_POINTS.keys())
def test_wrong_points(tmp_path: Path, image: Path, refuse: Callable, text: str, said: str):
    (tmp_path / "p.csv").write_text(text)
    assert said in refuse("segment", image, "-p", tmp_path / "p.csv", "-o", tmp_path / "out")


WRONG_OPTIONS = {
    "backbone": (["--backbone", "filterbnk"], "Did you mean 'filterbank'"),
    "layer": (["--layer", "9"], "index from 0 to 3"),
    "node": (["--node", "kinds"], "'kind'"),
    "stride": (["--stride", "3"], "power of two"),
    "axes": (["--axes", "ZYX"], "name 3 dimensions, but the array has 2"),
    "unknown axes": (["--axes", "QX"], "Known are"),
    "components": (["--components", "0"], "whole number from 1"),
    "channels": (["--channels", "red"], "composite"),
    "missing channel": (["--channels", "1"], "the image has 1"),
    "scaling": (["--scaling", "stak"], "'stack'"),
    "limits": (["--limits", "9", "1"], "low < high"),
    "both": (["--limits", "1", "9", "--scaling", "dtype"], "Leave one"),
    "affinity": (["--affinity", "gauss"], "rbf, cosine, neighbors"),
    "neighbors": (["--affinity", "neighbors", "--neighbors", "0"], "whole number from 1"),
    "neighbors of none": (["--neighbors", "9"], "Add --affinity neighbors or --contours"),
    "color weight": (["--color-weight", "-1"], "number from 0"),
    "position weight": (["--position-weight", "nan"], "number from 0"),
    "contour strength": (["--contours", "--contour-strength", "-1"], "number from 0"),
    "contour radius": (["--contours", "--contour-radius", "0.5"], "number of cells from 1"),
    "strength of none": (["--contour-strength", "1"], "Add --contours"),
    "radius of none": (["--no-contours", "--contour-radius", "3"], "Add --contours"),
    "memory": (["--memory", "0"], "gigabytes above 0"),
    "bandwidth": (["--bandwidth", "wide"], "auto"),
    "negative bandwidth": (["--bandwidth", "-1"], "above 0"),
    "gamma": (["--gamma", "0"], "above 0"),
    "accuracy": (["--accuracy", "best"], "balanced"),
    "prompt gamma": (["--prompt-gamma", "0"], "above 0"),
    "threshold": (["--threshold", "nan"], "usually 0 to 1"),
    "normalization": (["--normalization", "all"], "absolute"),
    "mode": (["--mode", "objects"], "'object'"),
    "method": (["--method", "cuts"], "Did you mean 'cut'"),
    "transform": (["--transform", "none.txt"], "none.txt"),
    "transform text": (["--transform", "1,x;2"], "rows such as"),
    "transform shape": (["--transform", "1,0;0,1"], "(3, 3) is needed"),
    "pixel size": (["--pixel-size", "0"], "above 0"),
    "format": (["--format", "jpg"], "tiff, png"),
    "split": (["--split"], "Add --instances"),
    "embedding": (["--embedding", "none.npz"], "There is no file"),
}


@pytest.mark.parametrize(("options", "said"), WRONG_OPTIONS.values(), ids=WRONG_OPTIONS.keys())
def test_wrong_options(
    tmp_path: Path, image: Path, points: Path, refuse: Callable, options: list[str], said: str
):
    arguments = ("segment", image, "-p", points, "-o", tmp_path / "new" / "out")
    assert said in refuse(*arguments, *options)


def test_wrong_images(tmp_path: Path, image: Path, points: Path, refuse: Callable):
    rest = ("-p", points, "-o", tmp_path / "out")
    (tmp_path / "text.tif").write_text("no image")
    np.save(tmp_path / "stack.npy", np.zeros((3, 40, 50)))
    for name, n_channels in (("two", 2), ("five", 5)):
        np.save(tmp_path / f"{name}.npy", np.zeros((n_channels, 40, 50)))
    np.save(tmp_path / "nan.npy", np.full((40, 50), np.nan))
    assert "There is no file" in refuse("segment", tmp_path / "none.tif", *rest)
    (tmp_path / "empty").mkdir()
    assert "no image that can be read" in refuse("segment", tmp_path / "empty", *rest)
    assert "could not be read as an image" in refuse("segment", tmp_path / "text.tif", *rest)
    assert "Say what they are" in refuse("segment", tmp_path / "stack.npy", *rest)
    pair = [tmp_path / "two.npy", tmp_path / "five.npy"]
    said = refuse("segment", *pair, *rest, "--axes", "CYX")
    assert "different numbers of channels (image 0 has 2, image 1 has 5" in said
    assert "a list of 2, but the number of images is 1" in refuse(
        "segment", image, *rest, "--axes", "YX,ZYX"
    )
    assert "no finite value" in refuse("segment", tmp_path / "nan.npy", *rest)


def test_wrong_number_of_tables(
    tmp_path: Path, pair: list[Path], image: Path, points: Path, refuse: Callable
):
    said = refuse("segment", *pair, image, "-p", points, "-p", points, "-o", tmp_path / "out")
    assert "2 tables of points were given for 3 images" in said
    assert "one for each" in said


def test_png_holds_no_stack(tmp_path: Path, points: Path, refuse: Callable):
    tifffile.imwrite(tmp_path / "s.tif", np.zeros((2, 9, 9), np.uint8), photometric="minisblack")
    (tmp_path / "p.csv").write_text("axis-0,axis-1,axis-2\n1,2,3\n")
    arguments = ("-p", tmp_path / "p.csv", "-o", tmp_path / "out", "--format", "png")
    assert "Write TIFF instead" in refuse("segment", tmp_path / "s.tif", *arguments)


def test_embedding_of_other_images(
    tmp_path: Path, image: Path, points: Path, pair: list[Path], call: Callable, refuse: Callable
):
    call("embed", pair[1], "-o", tmp_path / "e.npz", *EMBEDDING)
    arguments = ("-p", points, "-o", tmp_path / "out", "--embedding", tmp_path / "e.npz")
    assert "the same images" in refuse("segment", image, *arguments)
    assert "leave --embedding out" in refuse("segment", pair[1], *arguments, "--layer", 1)


def test_output_that_is_a_file(tmp_path: Path, image: Path, points: Path, refuse: Callable):
    (tmp_path / "out").write_text("")
    assert "is a file" in refuse("segment", image, "-p", points, "-o", tmp_path / "out")


def test_failing_to_write_leaves_nothing(
    tmp_path: Path, image: Path, points: Path, refuse: Callable, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    arguments = ("-p", points, "-o", tmp_path / "deep" / "out", *EMBEDDING)
    assert "No space left" in refuse("segment", image, *arguments)


def test_instances_join_through_z_alone():
    labels = np.zeros((2, 3, 5, 5), np.uint8)
    labels[0, :, 1, 1] = 1
    labels[1, 0, 1, 1] = 1
    labels[1, 2, 1, 1] = 2
    through_depth, classes = number_instances(labels, "TZ", split=False)
    assert (through_depth.max(), classes.tolist()) == (3, [0, 1, 1, 2])
    assert len(np.unique(through_depth[0])) == 2
    turned, _ = number_instances(np.moveaxis(labels, 1, 0), "ZT", split=False)
    np.testing.assert_array_equal(np.moveaxis(turned, 0, 1), through_depth)
    each_plane, _ = number_instances(labels[0], "T", split=False)
    assert each_plane.max() == 3


def test_a_constant_image_is_noted_without_python(tmp_path):
    np.save(tmp_path / "even.npy", np.ones((20, 20)))
    (tmp_path / "points.csv").write_text("axis-0,axis-1\n5,5\n")
    run = "from napari_ncut.cli import main; main()"
    command = [sys.executable, "-c", run, "segment", "even.npy", "-p", "points.csv", "-o", "out"]
    command += ["--backbone", "filterbank"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr.startswith("Note: Only 1 of 30 eigenvectors") and ".py" not in done.stderr
