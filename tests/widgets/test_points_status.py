"""What "Segment by points" says of itself."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from napari_ncut.widgets.points_status import Status

ASKED: Any = SimpleNamespace(points=[(0, 1, 2), (0, 3, 4)], strokes=["box"])
ANSWERED = Status(
    is_prepared=True,
    has_points=True,
    hindrance="",
    request=ASKED,
    latency=0.0304,
    done=2,
    total=5,
    told="click in the ring",
    looked="looking at 1/3",
    outside=0,
    has_strokes=False,
    unreadable="",
)


def test_what_is_asked_and_how_far_it_is() -> None:
    assert ANSWERED.text() == (
        "2 clicks, 1 stroke · 30 ms · 2 of 5 planes · click in the ring · looking at 1/3"
    )


def test_one_plane_needs_no_count() -> None:
    alone = replace(ANSWERED, total=1, latency=None, told="", looked="")
    assert alone.text() == "2 clicks, 1 stroke"


@pytest.mark.parametrize(
    ("changes", "begins"),
    [
        ({"is_prepared": False}, "Compute features first"),
        ({"hindrance": "SAM needs weights"}, "SAM needs weights"),
        ({"request": None}, "Click on something"),
        ({"request": None, "has_points": False}, "Add or choose a Points layer"),
    ],
)
def test_what_has_to_be_done_first_comes_first(changes: dict[str, Any], begins: str) -> None:
    assert replace(ANSWERED, **changes).text().startswith(begins)


def test_what_is_ignored_is_said() -> None:
    text = replace(ANSWERED, outside=3, unreadable="two shapes are lines").text()
    assert text.endswith(" · 3 point(s) lie on no image and are ignored · two shapes are lines")
    assert "or shape(s)" in replace(ANSWERED, outside=1, has_strokes=True).text()
