"""Write the table of backbones in docs/backbones.md from the registry: run after changing it."""

from __future__ import annotations

from pathlib import Path

from napari_ncut.cli.backbones import markdown_table

PAGE = Path(__file__).with_name("backbones.md")
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"


def with_table(page: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{markdown_table()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
