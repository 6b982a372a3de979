"""Write the tables in docs/measuring.md from the registries: run after changing them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari_ncut.measuring import GROUPS
from napari_ncut.measuring.comparing import FIGURES

PAGE = Path(__file__).with_name("measuring.md")
_POWERS = {0: "", 1: "unit", 2: "unit²", 3: "unit³"}
_DIMENSIONS = {(2,): "planes", (3,): "volumes", (2, 3): "both"}


def properties_table() -> str:
    lines = ["| group | column | of | in | what it is |", "|---|---|---|---|---|"]
    for group in GROUPS.values():
        for one in group.properties():
            where = _DIMENSIONS[one.dimensions]
            lines.append(
                f"| {group.name} | `{one.name}` | {where} | {_POWERS[one.power]} | {one.text} |"
            )
    return "\n".join(lines) + "\n"


def figures_table() -> str:
    lines = ["| figure | what it is |", "|---|---|"]
    lines += [f"| `{name}` | {figure.text} |" for name, figure in FIGURES.items()]
    return "\n".join(lines) + "\n"


TABLES: dict[str, Callable[[], str]] = {"properties": properties_table, "figures": figures_table}


def with_tables(page: str) -> str:
    for name, table in TABLES.items():
        begin, end = (f"<!-- {name}: {part} -->\n" for part in ("begin", "end"))
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        page = f"{before}{begin}{table()}{end}{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
