from __future__ import annotations

import re

import pytest

from napari_ncut.errors import InputError
from napari_ncut.imaging import parse_axes


def test_a_flat_array_needs_no_axes():
    parsed = parse_axes(None, (4, 6))
    assert parsed.names == "YX"
    assert parsed.plane_shape == (4, 6)
    assert parsed.n_planes == 1


@pytest.mark.parametrize(
    ("axes", "shape", "n_planes", "plane_shape", "is_color"),
    [
        ("TYX", (3, 4, 6), 3, (4, 6), False),
        ("XYZ", (6, 4, 3), 3, (4, 6), False),
        ("TZCYX", (2, 5, 3, 4, 6), 10, (4, 6), False),
        ("YXC", (4, 6, 3), 1, (4, 6), True),
        ("YXC", (4, 6, 4), 1, (4, 6), True),
        ("YXC", (4, 6, 2), 1, (4, 6), False),
        ("CYX", (3, 4, 6), 1, (4, 6), False),
        ("SYX", (3, 4, 6), 1, (4, 6), True),
        ("yxc", (4, 6, 3), 1, (4, 6), True),
    ],
)
def test_axes_say_what_planes_and_color_are(axes, shape, n_planes, plane_shape, is_color):
    parsed = parse_axes(axes, shape)
    assert (parsed.n_planes, parsed.plane_shape, parsed.is_color) == (
        n_planes,
        plane_shape,
        is_color,
    )


@pytest.mark.parametrize(
    ("axes", "shape", "message"),
    [
        (None, (3, 4, 6), 'without its axes. Say what they are, for example axes="YXC"'),
        ("QYX", (3, 4, 6), "contain Q"),
        ("YX", (3, 4, 6), "name 2 dimensions, but the array has 3 (3 × 4 × 6)"),
        ("YYX", (3, 4, 6), "repeat an axis"),
        ("CSYX", (3, 3, 4, 6), "repeat an axis"),
        ("TZX", (3, 4, 6), "lack Y or X"),
        ("TYX", (0, 4, 6), "The image is empty"),
        ("YXS", (4, 6, 2), "Axis S means color and needs 3 (RGB) or 4 (RGBA) samples, not 2"),
    ],
)
def test_axes_that_do_not_fit_are_explained(axes, shape, message):
    with pytest.raises(InputError, match=re.escape(message)):
        parse_axes(axes, shape)
