"""Small pictures of images of every kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_ncut import InputError
from napari_ncut.folders import thumbnail, thumbnail_steps
from napari_ncut.folders import thumbnails as module

# Left dark, right bright, twice as wide as high.
HALVES = np.where(np.arange(240) < 120, 10, 200)[None].repeat(120, 0)


def halved(picture: np.ndarray) -> bool:
    assert picture.dtype == np.uint8 and picture.shape == (48, 96, 3)
    return bool(picture[:, :40].max() < picture[:, 56:].min())


@pytest.mark.parametrize(
    "data",
    [
        HALVES.astype(np.uint8),
        HALVES.astype(np.uint16) * 200,
        np.where(HALVES > 100, 1.5, np.nan),
        np.dstack([HALVES.astype(np.uint8)] * 3),
        np.stack([HALVES * 0, HALVES, HALVES * 0]).astype(np.uint16),
    ],
    ids=["gray", "16 bit", "NaN", "RGB", "stack"],
)
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiff(data: np.ndarray, large: bool, compression: str | None, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(module, "_SMALL", 0 if large else 2**30)
    path = tmp_path / "a.tif"
    photometric = "rgb" if data.shape[-1] == 3 else "minisblack"
    tifffile.imwrite(path, data, photometric=photometric, compression=compression)
    assert halved(thumbnail(path))


def test_a_pyramid_is_read_at_a_coarse_level(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(module, "_SMALL", 0)
    path = tmp_path / "a.tif"
    data = HALVES.astype(np.uint8)
    with tifffile.TiffWriter(path) as file:
        # The fine level shows something else: it must not be looked at.
        file.write(255 - data.repeat(4, 0).repeat(4, 1), subifds=1, tile=(64, 64))
        file.write(data, subfiletype=1, tile=(64, 64))
    assert halved(thumbnail(path))


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "npy"])
def test_other_files(suffix: str, tmp_path: Path):
    path = tmp_path / f"a.{suffix}"
    if suffix == "npy":
        np.save(path, HALVES)
    else:
        Image.fromarray(HALVES.astype(np.uint8)).save(path)
    assert halved(thumbnail(path))


def test_constant_and_tiny_images(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.full((2, 3), 7.0))
    np.save(tmp_path / "b.npy", np.full((1, 1), np.nan))
    assert thumbnail(tmp_path / "a.npy").shape == (2, 3, 3)
    assert thumbnail(tmp_path / "b.npy").shape == (1, 1, 3)


def test_what_cannot_be_read_is_passed_over(tmp_path: Path):
    good, bad = tmp_path / "a.png", tmp_path / "b.tif"
    Image.fromarray(HALVES.astype(np.uint8)).save(good)
    bad.write_bytes(b"II")
    found = dict(thumbnail_steps([good, bad, tmp_path / "none.jpg"], [1, 0, 2]))
    assert list(found) == [1, 0, 2]
    assert found[1] is None and found[2] is None
    assert found[0] is not None and halved(found[0])
    with pytest.raises(InputError):
        thumbnail(bad)
