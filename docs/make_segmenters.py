"""Write the methods in docs/segmenters.md from the registry: run after changing it."""

from __future__ import annotations

from pathlib import Path

from napari_ncut.cli.classic import markdown_tables

PAGE = Path(__file__).with_name("segmenters.md")
BEGIN, END = "<!-- methods: begin -->\n", "<!-- methods: end -->\n"


def with_methods(page: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{markdown_tables()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_methods(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
