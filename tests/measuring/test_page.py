"""The page on measuring shows the registries as they are."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_page_is_current():
    script = runpy.run_path(str(DOCS / "make_measuring.py"))
    page = (DOCS / "measuring.md").read_text(encoding="utf-8")
    assert page == script["with_tables"](page), "run: python docs/make_measuring.py"
