"""Parameters that several methods have, and what their entries have in common."""

from __future__ import annotations

from typing import Any

from ...declared import Parameter

HERE = "napari_ncut.classic"
FLOAT: dict[str, Any] = {"kind": float, "step": 0.1}
FINE: dict[str, Any] = {"kind": float, "step": 0.01}
WHOLE: dict[str, Any] = {"kind": int, "step": 1}
# Of every entry: it finds the number of segments itself, and its own numbers say something.
COMMON: dict[str, Any] = {
    "kind": "classic",
    "counts": "never",
    "default_count": None,
    "is_connected": False,
    "keeps_order": True,
}
OPENCV: tuple[str, str] = ("cv2.ximgproc", "classic")


def smooth(default: float) -> Parameter:
    """Gaussian smoothing before anything else."""
    return Parameter(
        **FLOAT,
        default=default,
        high=20.0,
        pixels=1,
        label="Smoothing",
        tooltip="Width of a Gaussian, in pixels, that takes noise out first; more follows fewer "
        "small things.",
    )


def smallest(default: int, becomes: str) -> Parameter:
    """Pixels of the smallest piece; `becomes` says what happens to smaller ones."""
    return Parameter(
        **WHOLE,
        default=default,
        high=1_000_000,
        pixels=2,
        label="Smallest",
        tooltip=f"Pixels: smaller pieces {becomes}. 0 keeps all.",
    )


POLARITY = Parameter(
    str,
    "bright",
    choices=("bright", "dark"),
    label="Things are",
    tooltip="Whether what is brighter or what is darker is the foreground.",
)
CONNECTED = Parameter(
    bool,
    True,
    label="Number connected pieces",
    tooltip="Give every piece a number of its own (connected by sides of pixels), so that each can "
    "be painted by itself. Without it a number is a class: all that is alike.",
)
TO_BACKGROUND = smallest(0, "become background")
TO_NEIGHBOR = smallest(20, "join the neighbor that they share most with")
THINGS = {"connected": CONNECTED, "smallest": TO_BACKGROUND}
PARTS = {"connected": CONNECTED, "smallest": TO_NEIGHBOR}
