"""The page on backbones shows the registry as it is."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_page_is_current():
    script = runpy.run_path(str(DOCS / "make_backbones.py"))
    page = (DOCS / "backbones.md").read_text(encoding="utf-8")
    assert page == script["with_table"](page), "run: python docs/make_backbones.py"
