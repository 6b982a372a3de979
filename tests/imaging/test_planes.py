from __future__ import annotations

import itertools

import numpy as np
import pytest

from napari_ncut.errors import InputError
from napari_ncut.imaging import as_planes

RAMP = np.arange(20).reshape(4, 5)


def only_plane(images, **options) -> np.ndarray:
    (plane,) = as_planes(images, **options)
    return plane


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32", "float64"])
def test_a_ramp_of_any_dtype_becomes_the_same_plane(dtype):
    plane = only_plane((RAMP * 5).astype(dtype), percentiles=(0, 100))
    assert plane.dtype == np.float32
    assert plane.shape == (4, 5, 1)
    np.testing.assert_allclose(plane[..., 0], RAMP / 19, atol=1e-6)


def test_negative_integers_are_no_different():
    np.testing.assert_allclose(
        only_plane((RAMP - 10).astype(np.int16), percentiles=(0, 100))[..., 0], RAMP / 19, atol=1e-6
    )


def test_bool_becomes_0_and_1():
    mask = RAMP % 2 == 0
    np.testing.assert_array_equal(only_plane(mask)[..., 0], mask)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (RAMP.astype(complex), "complex128 cannot be used.*magnitude"),
        (RAMP.astype(object), "dtype object cannot be used"),
        (np.array([["a", "b"]]), "dtype <U1 cannot be used"),
        ("cells.tif", "path or text was given.*Read the file first"),
        ([], "list of images is empty"),
        ([[1, 2], [3]], "rows that all have the same length"),
    ],
)
def test_what_is_no_image_is_refused(images, message):
    with pytest.raises(InputError, match=message):
        as_planes(images)


def test_default_percentiles_clip_the_extremes():
    values = np.arange(1000, dtype=np.float64).reshape(20, 50)
    low, high = np.percentile(values, [1, 99.8])
    expected = np.clip((values - low) / (high - low), 0, 1)
    np.testing.assert_allclose(only_plane(values)[..., 0], expected, atol=1e-6)


def test_alpha_is_dropped():
    rgba = np.random.default_rng(0).integers(0, 255, (6, 7, 4), dtype=np.uint8)
    plane = only_plane(rgba, axes="YXC")
    np.testing.assert_array_equal(plane, only_plane(rgba[..., :3], axes="YXC"))
    np.testing.assert_array_equal(plane, only_plane(rgba, axes="YXS"))
    np.testing.assert_array_equal(plane, only_plane(rgba.transpose(2, 0, 1), axes="SYX"))


def test_color_is_scaled_jointly_and_channels_each_alone():
    image = np.zeros((2, 2, 3), np.uint8)
    image[0, 0] = (200, 100, 50)
    color = only_plane(image, axes="YXC", percentiles=(0, 100))
    np.testing.assert_allclose(color[0, 0], [1, 0.5, 0.25])
    channels = only_plane(image.transpose(2, 0, 1), axes="CYX", percentiles=(0, 100))
    np.testing.assert_allclose(channels[0, 0], [1, 1, 1])


def test_nan_is_dark_and_infinities_are_the_limits():
    image = RAMP.astype(np.float32)
    image[0, 0], image[0, 1], image[0, 2] = np.nan, np.inf, -np.inf
    plane = only_plane(image, percentiles=(0, 100))[..., 0]
    np.testing.assert_allclose(plane[0, :3], [0, 1, 0])
    np.testing.assert_allclose(plane[1:], (RAMP[1:] - 3) / 16, atol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_image_without_one_finite_value_is_refused(value):
    with pytest.raises(InputError, match="no finite value"):
        only_plane(np.full((3, 3), value))


def test_an_empty_frame_in_a_good_stack_is_dark():
    stack = np.stack([RAMP.astype(float), np.full(RAMP.shape, np.nan)])
    for scaling in ("stack", "plane"):
        planes = as_planes(stack, axes="TYX", scaling=scaling)
        assert planes[0].max() == 1
        np.testing.assert_array_equal(planes[1], 0)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float64])
def test_a_constant_image_is_dark(dtype):
    np.testing.assert_array_equal(only_plane(np.ones((3, 4), dtype)), np.zeros((3, 4, 1)))


def test_a_few_bright_spots_on_an_even_ground_are_seen():
    image = np.zeros((100, 100), np.uint16)
    image[50, 50] = 1000
    plane = only_plane(image)
    assert plane[50, 50] == 1
    assert plane.sum() == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1)])
def test_tiny_images_are_images(shape):
    plane = only_plane(np.arange(np.prod(shape)).reshape(shape), percentiles=(0, 100))
    assert plane.shape == (*shape, 1)
    assert np.isfinite(plane).all()


@pytest.mark.parametrize("axes", ["TYX", "ZYX", "TZYX", "TZCYX"])
def test_planes_run_in_order_over_the_stack(axes):
    sizes = {"T": 2, "Z": 3, "C": 2, "Y": 4, "X": 5}
    shape = [sizes[name] for name in axes]
    stack = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    planes = as_planes(stack, axes=axes, scaling=(0, stack.size))
    flat = stack.reshape(-1, *shape[-3:]) if "C" in axes else stack.reshape(-1, 1, 4, 5)
    assert len(planes) == len(flat)
    for plane, expected in zip(planes, flat, strict=True):
        np.testing.assert_allclose(plane, expected.transpose(1, 2, 0) / stack.size, rtol=1e-6)


@pytest.mark.parametrize("order", list(itertools.permutations("ZCYX"))[::5])
def test_the_order_of_axes_does_not_matter(order):
    volume = np.random.default_rng(1).random((3, 2, 4, 5))
    expected = list(as_planes(volume, axes="ZCYX"))
    permuted = volume.transpose(["ZCYX".index(name) for name in order])
    for plane, other in zip(as_planes(permuted, axes="".join(order)), expected, strict=True):
        np.testing.assert_array_equal(plane, other)


def test_t_and_z_in_either_order_give_the_planes_in_the_order_given():
    movie = np.random.default_rng(2).random((2, 3, 4, 5))
    assert as_planes(movie, axes="TZYX").stacks == ((2, 3),)
    swapped = as_planes(movie, axes="ZTYX")
    np.testing.assert_array_equal(swapped[4], as_planes(movie, axes="TZYX")[4])


def test_channels_can_be_chosen():
    image = np.stack([RAMP, RAMP * 0, RAMP[::-1]]).astype(float)

    def chosen(channels):
        return only_plane(image, axes="CYX", channels=channels, percentiles=(0, 100))

    up, down = RAMP / 19, RAMP[::-1] / 19
    np.testing.assert_allclose(chosen(0)[..., 0], up, atol=1e-6)
    np.testing.assert_allclose(chosen(-1)[..., 0], down, atol=1e-6)
    np.testing.assert_allclose(chosen([2, 0]), np.stack([down, up], axis=-1), atol=1e-6)
    assert chosen("all").shape == chosen(None).shape == (4, 5, 3)
    # magenta, green and cyan, added: red has the first channel, green the second and third, …
    mixed = np.stack([up, down, np.minimum(up + down, 1)], axis=-1)
    np.testing.assert_allclose(chosen("composite"), mixed, atol=1e-6)


def test_all_channels_of_rgba_include_alpha():
    rgba = np.random.default_rng(3).integers(0, 255, (4, 5, 4), dtype=np.uint8)
    assert only_plane(rgba, axes="YXC", channels="all").shape == (4, 5, 4)


@pytest.mark.parametrize(
    ("channels", "message"), [(2, "has 2"), ([], "has 2"), ("red", "Unknown channels 'red'")]
)
def test_wrong_channels_are_refused(channels, message):
    with pytest.raises(InputError, match=message):
        as_planes(np.zeros((2, 4, 5)), axes="CYX", channels=channels)


def test_limits_per_stack_plane_dtype_and_given():
    stack = np.stack([RAMP, RAMP * 10]).astype(np.uint8)
    options = {"axes": "TYX", "percentiles": (0, 100)}
    assert [p.max() for p in as_planes(stack, **options)] == pytest.approx([0.1, 1])
    assert [p.max() for p in as_planes(stack, scaling="plane", **options)] == [1, 1]
    by_dtype = as_planes(stack, scaling="dtype", **options)
    assert [p.max() for p in by_dtype] == pytest.approx([19 / 255, 190 / 255])
    given = as_planes(stack, scaling=(0, 38), **options)
    assert [p.max() for p in given] == [0.5, 1]
    assert as_planes(stack - 1.0, scaling="dtype", **options)[1].max() == 1


def test_limits_may_differ_between_channels():
    image = np.stack([RAMP, RAMP]).astype(float)
    plane = only_plane(image, axes="CYX", scaling=[(0, 19), (0, 38)])
    assert plane.max(axis=(0, 1)).tolist() == [1, 0.5]


@pytest.mark.parametrize("scaling", ["auto", (1, 0), (0, np.nan), (1, 2, 3), ("a", "b")])
def test_wrong_scaling_is_refused(scaling):
    with pytest.raises(InputError, match=r"scaling|limits"):
        as_planes(RAMP, scaling=scaling)


def test_wrong_percentiles_are_refused():
    with pytest.raises(InputError, match="Percentiles"):
        as_planes(RAMP, percentiles=(99, 1))


def test_lists_may_mix_sizes_and_gray_with_color():
    gray, color = np.zeros((3, 4, 1)), np.random.default_rng(4).random((5, 6, 3))
    planes = as_planes([gray, color], axes="YXC")
    assert planes.shapes == ((3, 4), (5, 6))
    assert planes.is_list
    assert [p.shape for p in planes] == [(3, 4, 3), (5, 6, 3)]


def test_one_channel_can_be_repeated_and_several_cannot():
    planes = as_planes(RAMP).with_channels(3)
    assert planes.n_channels == 3 and planes[0].shape == (4, 5, 3)
    assert as_planes(np.zeros((2, 4, 5)), axes="CYX").with_channels(3).n_channels == 2


def test_lists_of_other_channel_counts_are_refused():
    with pytest.raises(InputError, match="different numbers of channels"):
        as_planes([np.zeros((2, 4, 4)), np.zeros((5, 4, 4))], axes="CYX")


def test_nested_numbers_are_one_image():
    assert not as_planes(RAMP.tolist()).is_list
    np.testing.assert_array_equal(only_plane(RAMP.tolist()), only_plane(RAMP))


def test_views_with_odd_strides_are_read_as_they_look():
    big = np.random.default_rng(5).random((8, 10))
    for view in (big[::2, ::-1], big.T, np.broadcast_to(big[:1], (4, 10))):
        np.testing.assert_array_equal(only_plane(view), only_plane(view.copy()))


def test_dask_and_zarr_give_the_planes_of_numpy():
    dask = pytest.importorskip("dask.array")
    zarr = pytest.importorskip("zarr")
    stack = np.random.default_rng(6).integers(0, 4000, (3, 2, 8, 9), dtype=np.uint16)
    expected = list(as_planes(stack, axes="TCYX"))
    for lazy in (
        dask.from_array(stack, chunks=(1, 1, 4, 9)),
        zarr.array(stack, chunks=(1, 2, 8, 9)),
    ):
        for plane, other in zip(as_planes(lazy, axes="TCYX"), expected, strict=True):
            np.testing.assert_array_equal(plane, other)


def test_reading_a_lazy_plane_computes_only_that_plane():
    dask = pytest.importorskip("dask.array")
    read = []

    def load(block, block_info=None):
        read.append(block_info[0]["chunk-location"][0])
        return block

    stack = dask.from_array(np.ones((100, 4, 5)), chunks=(1, 4, 5)).map_blocks(load, dtype=float)
    read.clear()
    planes = as_planes(stack, axes="ZYX", scaling=(0, 1))
    assert read == []
    _ = planes[37]
    assert read == [37]
    _ = as_planes(stack, axes="ZYX")[0]
    # Limits per stack look at a few planes, not at all.
    assert len(read) < 20


def test_each_image_may_have_axes_of_its_own():
    random = np.random.default_rng(7)
    gray, color, stack = random.random((6, 7)), random.random((5, 8, 3)), random.random((2, 4, 9))
    planes = as_planes([gray, color, stack], axes=["YX", "YXC", "ZYX"])
    assert planes.shapes == ((6, 7), (5, 8), (4, 9), (4, 9))
    assert planes.stacks == ((), (), (2,))
    assert {plane.shape[-1] for plane in planes} == {3}
    for index, image, axes in ((0, gray, "YX"), (1, color, "YXC"), (3, stack, "ZYX")):
        alone = list(as_planes(image, axes=axes))[-1]
        np.testing.assert_array_equal(planes[index], np.broadcast_to(alone, planes[index].shape))


def test_one_text_and_none_mean_what_they_meant():
    pair = [RAMP, RAMP.T]
    for axes in (None, "YX", [None, "YX"], ("YX", None)):
        planes = as_planes(pair, axes=axes)
        np.testing.assert_array_equal(planes[1], only_plane(RAMP.T))
    np.testing.assert_array_equal(only_plane(RAMP, axes=["YX"]), only_plane(RAMP))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"axes": ["YX"]}, "axes was given as a list of 1, but the number of images is 2"),
        ({"axes": ["YX", "ZYX"]}, "Image 1 .*name 3 dimensions, but the array has 2"),
        ({"scaling": ["stack"] * 3}, "scaling was given as a list of 3.*one item per image"),
        ({"scaling": ["stack", "auto"]}, "Image 1 .*Unknown scaling 'auto'"),
        ({"scaling": ["stack", (3, 1)]}, "Image 1 .*low < high"),
        ({"scaling": [(0, 255), (0, 9)]}, r"nested: \[\[\(0, 255\)\]"),
        ({"channels": 1}, "Image 0 .*has 1"),
    ],
)
def test_what_does_not_fit_each_of_several_images_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        as_planes([RAMP, RAMP], **options)


def test_an_empty_one_of_several_images_is_named():
    planes = as_planes([RAMP.astype(float), np.full((3, 3), np.nan)])
    with pytest.raises(InputError, match=r"Image 1 .*no finite value"):
        _ = planes[1]


def test_the_same_picture_at_any_depth_is_the_same_plane():
    picture = np.random.default_rng(8).integers(0, 256, (30, 40))
    depths = [
        picture.astype(np.uint8),
        (picture * 257).astype(np.uint16),
        (picture / 255).astype(np.float32),
    ]
    for scaling in ("stack", "plane", "dtype"):
        first, *others = as_planes(depths, scaling=scaling)
        for other in others:
            np.testing.assert_allclose(other, first, atol=1e-6)


def test_each_image_may_have_a_scaling_of_its_own():
    image, channels = RAMP.astype(float), np.stack([RAMP, RAMP]).astype(float)
    given = as_planes(
        [image, image, channels, channels],
        axes=["YX", "YX", "CYX", "CYX"],
        scaling=[(0, 38), [(0, 76)], [(0, 38)], np.array([(0, 19), (0, 38)])],
    )
    highest = [plane.max(axis=(0, 1)).tolist() for plane in given]
    assert highest == [[0.5, 0.5], [0.25, 0.25], [0.5, 0.5], [1, 0.5]]
    mixed = as_planes([image.astype(np.uint8), image], scaling=["dtype", [(0, 38)]])
    assert [plane.max() for plane in mixed] == pytest.approx([19 / 255, 0.5])


def test_pairs_are_of_channels_however_many_images_there_are():
    image = np.stack([RAMP, RAMP]).astype(float)
    for plane in as_planes([image, image], axes="CYX", scaling=[(0, 19), (0, 38)]):
        assert plane.max(axis=(0, 1)).tolist() == [1, 0.5]
