"""A copied script does exactly what was done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

import napari_ncut as ncut
from napari_ncut.recipes import (
    ImageSource,
    embedding_script,
    function_script,
    segment_script,
)


def blobs(*shape: int) -> np.ndarray:
    random = np.random.default_rng(0)
    image = random.normal(40, 4, shape)
    image[..., 8:20, 10:22] += 60
    image[..., 25:32, 30:44] += 60
    return image.clip(0, 255).astype(np.uint8)


def run(script: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(script, "script", "exec"), names)  # it is what is tested
    return names


def source(path: Path, axes: str, **more: Any) -> ImageSource:
    return ImageSource(str(path), axes, **more)


def test_script_gives_the_same_labels(tmp_path: Path):
    image = blobs(40, 50)
    tifffile.imwrite(tmp_path / "x.tif", image)
    embedding = ncut.embed(
        image, n_components=6, node="pyramid", layer=1, scaling=[0, 200], random_state=3
    )
    points, positive, classes = [[12, 14], [28, 35.5], [2, 2]], [True, True, False], [1, 2, 0]
    parameters = {"gamma": 0.5, "mode": "object", "min_area": 0, "threshold": None}
    expected = ncut.PromptSegmenter(embedding).predict(
        points, positive, classes=classes, **parameters
    )
    script = segment_script(
        source(tmp_path / "x.tif", "YX", shape=(40, 50)),
        embedding.recipe,
        points,
        positive,
        classes,
        parameters,
        tmp_path / "out.tif",
    )
    names = run(script)
    np.testing.assert_array_equal(names["labels"], expected)
    np.testing.assert_array_equal(ncut.read_image(tmp_path / "out.tif").data, expected)
    assert names["embedding"].recipe == embedding.recipe
    for default in ("min_area", "threshold", "bandwidth", "affinity", "axes", "stride"):
        assert f"{default}=" not in script
    assert "layer=1" in script and 'node="pyramid"' in script
    assert script.count("import") == 1


def test_a_crop_of_a_stack(tmp_path: Path):
    stack = blobs(3, 40, 50)
    tifffile.imwrite(tmp_path / "x.tif", stack, photometric="minisblack", metadata={"axes": "ZYX"})
    crop = stack[1:, 4:, :48]
    embedding = ncut.embed(crop, axes="ZYX", n_components=5, stride=2)
    expected = ncut.PromptSegmenter(embedding).predict([[0, 8, 14], [1, 1, 1]], [True, False])
    script = segment_script(
        source(tmp_path / "x.tif", "ZYX", index="[1:, 4:, :48]", shape=crop.shape),
        embedding.recipe,
        [[0, 8, 14], [1, 1, 1]],
        np.array([True, False]),
        output=tmp_path / "out.tif",
    )
    np.testing.assert_array_equal(run(script)["labels"], expected)
    assert "stride=2" in script
    assert ncut.read_image(tmp_path / "out.tif").axes == "ZYX"


def test_several_images_jointly(tmp_path: Path):
    images = [blobs(40, 50), blobs(36, 60)]
    sources = []
    for number, image in enumerate(images):
        tifffile.imwrite(tmp_path / f"{number}.tif", image)
        sources.append(source(tmp_path / f"{number}.tif", "YX"))
    embedding = ncut.embed(images, n_components=5)
    expected = ncut.PromptSegmenter(embedding).predict([[0, 12, 14]])
    outputs = [tmp_path / "a.tif", tmp_path / "b.tif"]
    script = segment_script(sources, embedding.recipe, [[0, 12, 14]], output=outputs)
    labels = run(script)["labels"]
    for mine, theirs, output in zip(labels, expected, outputs, strict=True):
        np.testing.assert_array_equal(mine, theirs)
        np.testing.assert_array_equal(ncut.read_image(output).data, theirs)
    with pytest.raises(ValueError, match="2 images"):
        segment_script(sources, embedding.recipe, [[0, 12, 14]], output=tmp_path / "a.tif")


def test_several_images_of_different_kinds(tmp_path: Path):
    gray, stack = blobs(40, 50), blobs(2, 36, 60)
    tifffile.imwrite(tmp_path / "gray.tif", gray)
    tifffile.imwrite(
        tmp_path / "stack.tif", stack, photometric="minisblack", metadata={"axes": "ZYX"}
    )
    embedding = ncut.embed(
        [gray, stack], axes=["YX", "ZYX"], scaling=["stack", [(0, 200)]], n_components=5
    )
    points = [[0, 12, 14], [2, 28, 35]]
    sources = [
        source(tmp_path / "gray.tif", "YX", shape=gray.shape),
        source(tmp_path / "stack.tif", "ZYX", shape=stack.shape),
    ]
    outputs = [tmp_path / "a.tif", tmp_path / "b.tif"]
    script = segment_script(sources, embedding.recipe, points, output=outputs)
    names = run(script)
    expected = ncut.PromptSegmenter(embedding).predict(points)
    for mine, theirs in zip(names["labels"], expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert [ncut.read_image(path).axes for path in outputs] == ["YX", "ZYX"]
    assert 'axes=["YX", "ZYX"]' in script
    assert 'scaling=["stack", [[0, 200]]]' in script


def test_embedding_is_saved_where_asked(tmp_path: Path):
    image = blobs(40, 50)
    tifffile.imwrite(tmp_path / "x.tif", image)
    embedding = ncut.embed(image, n_components=5, affinity="cosine", affinity_gamma=0.5)
    script = embedding_script(
        source(tmp_path / "x.tif", "YX"), embedding.recipe, output=tmp_path / "e.npz"
    )
    run(script)
    again = ncut.Embedding.load(tmp_path / "e.npz")
    np.testing.assert_array_equal(again.vectors, embedding.vectors)
    assert 'affinity="cosine"' in script


@pytest.mark.parametrize(
    "options",
    [
        {"color_weight": 0.5, "position_weight": 1.5},
        {"affinity": "neighbors", "n_neighbors": 100},
        {"contours": "auto", "contour_strength": 2.0, "contour_radius": 3.5, "affinity": "cosine"},
    ],
)
def test_the_cut_is_made_again(tmp_path: Path, options: dict[str, Any]):
    image = blobs(40, 50)
    tifffile.imwrite(tmp_path / "x.tif", image)
    embedding = ncut.embed(image, n_components=5, **options)
    script = embedding_script(source(tmp_path / "x.tif", "YX"), embedding.recipe)
    names = run(script)
    np.testing.assert_array_equal(names["embedding"].vectors, embedding.vectors)
    assert names["embedding"].recipe == embedding.recipe
    for name in ("color_weight", "position_weight", "n_neighbors", "contours", "memory"):
        assert (f"{name}=" in script) == (name in options)


def test_the_prompt_method_is_named_where_it_is_not_the_default(tmp_path: Path):
    image = blobs(40, 50)
    tifffile.imwrite(tmp_path / "x.tif", image)
    embedding = ncut.embed(image, n_components=6)
    points, read = [[12, 14], [28, 35]], source(tmp_path / "x.tif", "YX")
    script = segment_script(read, embedding.recipe, points, parameters={"method": "auto"})
    assert "method=" not in script
    script = segment_script(read, embedding.recipe, points, parameters={"method": "cut"})
    assert 'method="cut"' in script
    expected = ncut.PromptSegmenter(embedding).predict(points, method="cut")
    np.testing.assert_array_equal(run(script)["labels"], expected)


def test_what_a_recipe_only_tells_of_is_left_to_fill_in():
    from sklearn.metrics.pairwise import laplacian_kernel

    image = blobs(40, 50)
    embedding = ncut.embed(image, n_components=5, contours=np.zeros((40, 50), np.float32))
    script = embedding_script(source(Path("x.tif"), "YX"), embedding.recipe)
    assert "contours = ...\n" in script and "contours=contours" in script
    embedding = ncut.embed(image, backbone="filterbank", n_components=5, affinity=laplacian_kernel)
    script = embedding_script(source(Path("x.tif"), "YX"), embedding.recipe)
    assert "affinity = ...\n" in script and "affinity=affinity" in script
    assert "laplacian_kernel" in script
    for value in ({"contours": ...}, {"affinity": ...}):
        with pytest.raises(ncut.InputError):
            ncut.embed(image, n_components=5, **value)


def test_an_image_that_was_no_file_leaves_a_line_to_fill_in():
    embedding = ncut.embed(blobs(40, 50), n_components=5)
    script = embedding_script(ImageSource(None, "YX", shape=(40, 50)), embedding.recipe)
    assert "not read from a file" in script
    assert "of shape (40, 50) with the axes YX" in script
    compile(script, "script", "exec")


def test_paths_of_every_kind_are_text_of_python():
    recipe = {"backbone": "filterbank", "n_components": 30}
    for path in (r"C:\data\new.tif", 'a "b" c.tif', "it's.tif", "ü.tif"):
        script = embedding_script(ImageSource(path, "YX"), recipe)
        line = next(line for line in script.splitlines() if line.startswith("image"))
        written = line.removeprefix("image = ncut.read_image(").removesuffix(").data")
        assert eval(written) == path


def test_weights_of_ones_own_are_named():
    recipe = {"backbone": "timm:vit_tiny_patch16_224", "n_components": 30, "layer": 1}
    script = embedding_script(ImageSource("x.tif", "YX"), {**recipe, "checkpoint": "w.pt"})
    assert 'checkpoint="w.pt",\n)' in script
    variant = {**recipe, "checkpoint": "w.pt", "architecture": {"depth": 6}}
    script = embedding_script(ImageSource("x.tif", "YX"), variant)
    assert 'checkpoint="w.pt"' in script
    assert "architecture={'depth': 6}" in script
    assert script.count("layer") == 1


@pytest.mark.parametrize(
    ("function", "given", "script_of", "labels_of"),
    [
        (
            "segment_superpixels",
            {"method": "slic", "n_segments": 30, "compactness": 4.0, "channels": None},
            {},
            lambda found: found,
        ),
        (
            "granularity",
            {"scaling": [0.0, 200.0]},
            {
                "target": "regions",
                "further": ["labels = regions.labels(n_regions=4)"],
                "labels": "labels",
            },
            lambda found: found.labels(n_regions=4),
        ),
        (
            "localize",
            {"method": "tokencut", "backbone": "filterbank", "min_confidence": 0.0},
            {"target": "found", "labels": "found.labels"},
            lambda found: found.labels,
        ),
    ],
)
def test_any_function_of_an_image(
    tmp_path: Path, function: str, given: dict[str, Any], script_of: dict[str, Any], labels_of: Any
):
    image = blobs(2, 40, 50)
    tifffile.imwrite(tmp_path / "x.tif", image, metadata={"axes": "ZYX"})
    expected = labels_of(getattr(ncut, function)(image, axes="ZYX", **given))
    one = source(tmp_path / "x.tif", "ZYX", shape=(2, 40, 50))
    script = function_script(one, function, given, output=tmp_path / "out.tif", **script_of)
    run(script)
    written = ncut.read_image(tmp_path / "out.tif")
    np.testing.assert_array_equal(written.data, expected)
    assert written.axes == "ZYX"
    for default in ("channels", "device", "supervoxels", "n_objects"):
        assert f"{default}=" not in script


def test_classic_segments_are_made_again(tmp_path: Path):
    stack = np.stack([blobs(40, 50), blobs(40, 50)[::-1]])
    tifffile.imwrite(tmp_path / "x.tif", stack)
    where = source(tmp_path / "x.tif", "ZYX", file_axes="ZYX", index="[1:2, 3:38]")
    given = {"method": "watershed", "depth": 2.0, "smooth": 1.0, "polarity": "bright"}
    shared = {"channels": "all", "scaling": [0, 200]}
    parameters = ncut.classic_methods()["watershed"].parameters
    script = function_script(
        where,
        "segment_classic",
        {**given, **shared},
        defaults={name: one.default for name, one in parameters.items()},
        output=tmp_path / "labels.tif",
    )
    # What is at its default is left out.
    assert "depth=2.0" in script and "smooth" not in script and "polarity" not in script
    expected = ncut.segment_classic(stack[1:2, 3:38], axes="ZYX", scaling=(0, 200), **given)
    np.testing.assert_array_equal(run(script)["labels"], expected)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "labels.tif"), expected)
