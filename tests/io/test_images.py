"""Image files of every common kind are read with the right axes, or refused with a remedy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from napari_ncut import InputError, read_image
from napari_ncut.io.images import ImageFile


def ramp(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return (np.arange(np.prod(shape)).reshape(shape) % 251).astype(dtype)


@pytest.mark.parametrize(
    ("shape", "options", "axes"),
    [
        ((6, 7), {}, "YX"),
        ((6, 7, 3), {"photometric": "rgb"}, "YXS"),
        ((6, 7, 4), {"photometric": "rgb"}, "YXS"),
        ((3, 6, 7), {"photometric": "rgb", "planarconfig": "separate"}, "SYX"),
        ((6, 7, 5), {"photometric": "minisblack", "planarconfig": "contig"}, "YXC"),
        ((6, 7, 3), {"photometric": "minisblack", "planarconfig": "contig"}, "YXC"),
        ((4, 6, 7), {"photometric": "minisblack"}, "TYX"),
        ((4, 6, 7), {"photometric": "minisblack", "metadata": {"axes": "ZYX"}}, "ZYX"),
        ((2, 6, 7), {"photometric": "minisblack", "metadata": {"axes": "CYX"}}, "CYX"),
        ((2, 3, 4, 6, 7), {"imagej": True, "metadata": {"axes": "TZCYX"}}, "TZCYX"),
        ((4, 6, 7, 3), {"imagej": True, "metadata": {"axes": "ZYXS"}}, "ZYXS"),
        (
            (2, 4, 6, 7),
            {"ome": True, "photometric": "minisblack", "metadata": {"axes": "CZYX"}},
            "CZYX",
        ),
    ],
)
def test_tiff_axes_are_those_of_the_file(
    tmp_path: Path, shape: tuple[int, ...], options: dict, axes: str
):
    data = ramp(*shape)
    path = tmp_path / ("x.ome.tif" if options.get("ome") else "x.tif")
    tifffile.imwrite(path, data, **options)
    image = read_image(path)
    assert image.axes == axes
    np.testing.assert_array_equal(image.data, data)


def test_tiff_drops_dimensions_of_one(tmp_path: Path):
    data = ramp(1, 4, 1, 6, 7)
    tifffile.imwrite(tmp_path / "x.tif", data, imagej=True, metadata={"axes": "TZCYX"})
    image = read_image(tmp_path / "x.tif")
    assert (image.axes, image.data.shape) == ("ZYX", (4, 6, 7))


def test_tiff_with_two_unnamed_dimensions_asks_for_axes(tmp_path: Path):
    tifffile.imwrite(tmp_path / "x.tif", ramp(2, 4, 6, 7), photometric="minisblack")
    with pytest.raises(InputError, match=r"x\.tif.*axes"):
        read_image(tmp_path / "x.tif")
    assert read_image(tmp_path / "x.tif", axes="tzyx").axes == "TZYX"


def test_tiff_of_gray_and_alpha_is_gray(tmp_path: Path):
    data = ramp(6, 7, 2)
    tifffile.imwrite(
        tmp_path / "x.tif",
        data,
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=["unassalpha"],
    )
    image = read_image(tmp_path / "x.tif")
    assert image.axes == "YX"
    np.testing.assert_array_equal(image.data, data[..., 0])


def test_lzw_tiff_needs_no_further_package(tmp_path: Path):
    data = ramp(3, 6, 7)
    pages = [Image.fromarray(page) for page in data]
    pages[0].save(
        tmp_path / "x.tif", save_all=True, append_images=pages[1:], compression="tiff_lzw"
    )
    image = read_image(tmp_path / "x.tif")
    assert image.axes == "TYX"
    np.testing.assert_array_equal(image.data, data)


def png(tmp_path: Path, image: Image.Image, name: str = "x.png", **options: object) -> ImageFile:
    image.save(tmp_path / name, **options)
    return read_image(tmp_path / name)


def test_png_of_16_bits_keeps_them(tmp_path: Path):
    data = ramp(6, 7, dtype=np.uint16) * 257
    image = png(tmp_path, Image.fromarray(data))
    assert (image.axes, image.data.dtype) == ("YX", np.uint16)
    np.testing.assert_array_equal(image.data, data)


def test_png_with_a_palette_becomes_rgb(tmp_path: Path):
    picture = Image.new("P", (7, 6), 1)
    picture.putpalette([0, 0, 0, 10, 200, 30])
    image = png(tmp_path, picture)
    assert (image.axes, image.data.shape) == ("YXS", (6, 7, 3))
    assert image.data[0, 0].tolist() == [10, 200, 30]


def test_png_with_alpha(tmp_path: Path):
    rgba = ramp(6, 7, 4)
    image = png(tmp_path, Image.fromarray(rgba))
    assert image.axes == "YXS"
    np.testing.assert_array_equal(image.data, rgba)
    gray = png(tmp_path, Image.fromarray(rgba[..., :2].copy(), mode="LA"))
    assert gray.axes == "YX"
    np.testing.assert_array_equal(gray.data, rgba[..., 0])


def test_png_of_one_bit_is_bool(tmp_path: Path):
    data = ramp(6, 7) % 2 == 0
    image = png(tmp_path, Image.fromarray(data))
    assert image.data.dtype == bool
    np.testing.assert_array_equal(image.data, data)


def test_jpeg_in_cmyk_is_no_rgba(tmp_path: Path):
    image = png(tmp_path, Image.new("CMYK", (7, 6), (0, 255, 255, 0)), "x.jpg")
    assert image.data.shape == (6, 7, 3)
    assert image.data[3, 3, 0] > 200 > 50 > image.data[3, 3, 1]


def test_animated_gif_is_a_time_series(tmp_path: Path):
    frames = [Image.new("RGB", (7, 6), color) for color in ("red", "lime", "blue")]
    image = png(tmp_path, frames[0], "x.gif", save_all=True, append_images=frames[1:])
    assert (image.axes, image.data.shape) == ("TYXS", (3, 6, 7, 3))
    assert image.data[:, 0, 0].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]


def test_npy_needs_axes_beyond_two_dimensions(tmp_path: Path):
    np.save(tmp_path / "a.npy", ramp(6, 7))
    np.save(tmp_path / "b.npy", ramp(3, 6, 7))
    assert read_image(tmp_path / "a.npy").axes == "YX"
    with pytest.raises(InputError, match="axes"):
        read_image(tmp_path / "b.npy")
    assert read_image(tmp_path / "b.npy", axes="ZYX").data.shape == (3, 6, 7)


def test_npy_of_objects_is_refused(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object))
    with pytest.raises(InputError, match="could not be read"):
        read_image(tmp_path / "a.npy")


def test_zarr_array_stays_lazy(tmp_path: Path):
    data = ramp(3, 6, 7)
    array = zarr.open(
        str(tmp_path / "x.zarr"), mode="w", shape=data.shape, dtype=data.dtype, chunks=(1, 6, 7)
    )
    array[:] = data
    image = read_image(tmp_path / "x.zarr", axes="TYX")
    assert not isinstance(image.data, np.ndarray)
    np.testing.assert_array_equal(image.data[1], data[1])


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_gives_its_finest_level(tmp_path: Path, version: str):
    axes = [{"name": name} for name in "czyx"]
    scales = [{"axes": axes, "datasets": [{"path": "0"}, {"path": "1"}]}]
    group = zarr.open_group(str(tmp_path / "x.zarr"), mode="w")
    group.attrs.update(
        {"multiscales": scales} if version == "0.4" else {"ome": {"multiscales": scales}}
    )
    for name, shape in (("0", (2, 3, 6, 8)), ("1", (2, 3, 3, 4))):
        group.create_array(name, shape=shape, dtype="u2")
    image = read_image(tmp_path / "x.zarr")
    assert (image.axes, image.data.shape) == ("CZYX", (2, 3, 6, 8))
    assert not isinstance(image.data, np.ndarray)


def test_zarr_group_of_several_arrays_is_refused(tmp_path: Path):
    group = zarr.open_group(str(tmp_path / "x.zarr"), mode="w")
    for name in "ab":
        group.create_array(name, shape=(6, 7), dtype="u1")
    with pytest.raises(InputError, match=r"arrays a, b.*folder of one array"):
        read_image(tmp_path / "x.zarr")


def test_what_is_no_image_is_refused(tmp_path: Path):
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "text.tif").write_text("not an image")
    (tmp_path / "empty.tif").write_bytes(b"")
    for name in ("text.png", "text.tif", "empty.tif"):
        with pytest.raises(InputError, match=f"{name} could not be read as an image"):
            read_image(tmp_path / name)
    with pytest.raises(InputError, match="There is no file"):
        read_image(tmp_path / "none.tif")
    with pytest.raises(InputError, match="is a folder"):
        read_image(tmp_path)


def test_truncated_tiff_is_refused(tmp_path: Path):
    tifffile.imwrite(tmp_path / "x.tif", ramp(60, 70), compression="zlib")
    whole = (tmp_path / "x.tif").read_bytes()
    (tmp_path / "x.tif").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="could not be read"):
        read_image(tmp_path / "x.tif")


def test_pages_written_one_by_one_are_a_stack(tmp_path):
    pages = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
    with tifffile.TiffWriter(tmp_path / "pages.tif") as file:
        for page in pages:
            file.write(page, contiguous=False)
    image = read_image(tmp_path / "pages.tif")
    assert image.axes == "TYX"
    np.testing.assert_array_equal(image.data, pages)
