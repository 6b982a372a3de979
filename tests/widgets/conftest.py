"""Tests of what the widgets are made of, with napari's model of a viewer and no window."""

from __future__ import annotations

import os

# Where there is no display, Qt's objects without a window still need a platform.
if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
