"""The command `backbones`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from .report import listing, reported, say

if TYPE_CHECKING:
    from ..backbones import BackboneEntry

COLUMNS = ("Name", "Good for", "Layers", "Nodes", "Cell", "Weights", "License")


@reported
def backbones_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Tell about these, such as timm:resnet18. Default: those that are recommended.",
            show_default=False,
        ),
    ] = None,
    family: Annotated[
        str | None,
        typer.Option(
            metavar="timm|torchvision|sam",
            help="Name all networks of a family instead.",
            show_default=False,
        ),
    ] = None,
    contains: Annotated[
        str, typer.Option(metavar="TEXT", help="Only names with this text in them.")
    ] = "",
) -> None:
    """Show what can compute features. napari-ncut models downloads the weights.

    [bold]Examples[/bold]

        napari-ncut backbones

        napari-ncut backbones timm:resnet18 torchvision:vgg16

        napari-ncut backbones --family timm --contains dinov3
    """
    from ..backbones import BACKBONES, backbone_entry, list_networks

    if family is not None:
        for name in list_networks(family):
            if contains.lower() in name.lower():
                say(name)
        return
    chosen = [backbone_entry(name) for name in names] if names else list(BACKBONES.values())
    _show([e for e in chosen if contains.lower() in f"{e.name} {e.title}".lower()])


def _show(entries: Sequence[BackboneEntry]) -> None:
    from ..weights import ModelStore

    store = ModelStore()
    for entry in entries:
        name, summary, *details = describe(entry)
        lines = [f"{column}: {text}" for column, text in zip(COLUMNS[2:], details, strict=True)]
        if entry.unavailable_because:
            lines.append(f"Not available: {entry.unavailable_because}")
        elif entry.weights is not None:
            installed = store.state(entry.weights) != "missing"
            lines.append(f"Installed: {'yes' if installed else 'no'}")
        listing([name], [summary, *lines])


def describe(entry: BackboneEntry) -> tuple[str, ...]:
    """One row of the table about a backbone, in the order of `COLUMNS`."""
    labels = [f"{i}: {label}" for i, label in enumerate(entry.layers)]
    if len(labels) > 8:
        labels = [labels[0], "…", labels[-1]]
    of_nodes = f" (of {', '.join(entry.layered)})" if entry.layered else ""
    return (
        entry.name,
        f"{entry.title}. {entry.summary}",
        ", ".join(labels) + of_nodes,
        ", ".join(entry.nodes),
        _cell(entry),
        entry.weights.readable_size
        if entry.weights is not None
        else "inside"
        if entry.inside
        else "none",
        entry.license,
    )


def _cell(entry: BackboneEntry) -> str:
    if entry.fits_canvas:
        return f"1/{entry.canvas // entry.strides[0]} of the longer side"
    if not entry.strides:
        return "by the size of the images"
    sizes = sorted(set(entry.strides))
    return f"{', '.join(map(str, sizes))} px"


def markdown_table() -> str:
    """The registry as a table for the documentation."""
    from ..backbones import BACKBONES

    rows = [COLUMNS, ("---",) * len(COLUMNS)]
    rows += [describe(entry) for entry in BACKBONES.values()]
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells) + "\n"
