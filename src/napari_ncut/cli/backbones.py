"""The command `backbones`."""

from __future__ import annotations

from typing import Any

from .report import console, reported

COLUMNS = ("Name", "Good for", "Layers", "Nodes", "Weights", "License", "Available")


@reported
def backbones_command() -> None:
    """Show what can compute features.

    [bold]Examples[/bold]

        napari-ncut backbones

        napari-ncut embed image.tif -o image.npz --backbone filterbank --layer 2
    """
    from rich.box import SIMPLE
    from rich.table import Table
    from rich.text import Text

    from ..backbones import BACKBONES

    table = Table("Name", "", show_lines=True, box=SIMPLE)
    for entry in BACKBONES.values():
        name, summary, *details = describe(entry)
        lines = [f"{column}: {text}" for column, text in zip(COLUMNS[2:], details, strict=True)]
        table.add_row(Text(name, style="bold"), Text("\n".join([summary, *lines])))
    console().print(table)


def describe(entry: Any) -> tuple[str, ...]:
    """One row of the table about a `BackboneEntry`, in the order of `COLUMNS`."""
    return (
        entry.name,
        entry.summary,
        ", ".join(f"{i}: {label}" for i, label in enumerate(entry.layers)),
        ", ".join(entry.nodes),
        readable_size(entry.size) if entry.size else "none",
        entry.license,
        entry.unavailable_because or "yes",
    )


def markdown_table() -> str:
    """The registry as a table for the documentation."""
    from ..backbones import BACKBONES

    columns = COLUMNS[:-1]  # what is available differs from machine to machine
    rows = [columns, ("---",) * len(columns)]
    for entry in BACKBONES.values():
        rows.append(describe(entry)[: len(columns)])
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells) + "\n"


def readable_size(n_bytes: int) -> str:
    """Bytes as people read them: 980 kB, 4.2 MB, 1.3 GB."""
    size = float(n_bytes)
    for unit in ("B", "kB", "MB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if size >= 10 or unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
