"""Two copies of LLVM in one process."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path


def keep_llvm_apart() -> None:
    """Import triton such that its LLVM does not mix with that of the graphics driver.

    torchvision, and so timm, imports triton where it is installed. Both triton and Mesa's software
    renderer (remote desktops, virtual machines) bring an LLVM, of different versions with the same
    symbols; where a window has loaded Mesa's first, importing triton ends the process. Bound to its
    own symbols first, it does no harm.
    """
    deep = getattr(os, "RTLD_DEEPBIND", None)
    if deep is None or "triton" in sys.modules or not _llvm_is_loaded():
        return
    if importlib.util.find_spec("triton") is None:
        return
    before = sys.getdlopenflags()
    sys.setdlopenflags(os.RTLD_NOW | deep)
    try:
        importlib.import_module("triton")
    except ImportError:
        pass  # torch does without it, and says so where it would need it
    finally:
        sys.setdlopenflags(before)


def _llvm_is_loaded() -> bool:
    try:
        return "libLLVM" in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
