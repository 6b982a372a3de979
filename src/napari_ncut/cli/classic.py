"""The command `classic`, and its methods as text."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options as o
from .report import listing, reported, say

if TYPE_CHECKING:
    from ..declared import Parameter
    from ..segmenters import SegmenterEntry

_ZERO = {
    "": "every pixel is in a segment",
    "background": "0 is background",
    "edge": "0 is edge",
}


def _list(wanted: bool) -> None:
    if wanted:
        _show_methods()
        raise typer.Exit


@reported
def _show_methods() -> None:
    from ..classic import classic_methods

    for group, entries in groupby(classic_methods().values(), lambda entry: entry.group):
        say(f"{group}\n")
        for entry in entries:
            listing([entry.name], _lines(entry))


def _lines(entry: SegmenterEntry) -> Iterator[str]:
    yield f"{entry.title}: {entry.text}; {_ZERO[entry.zero]}."
    for name, parameter in entry.parameters.items():
        yield f"{name} ({value_range(parameter)}): {parameter.tooltip}"
    for name, values in entry.presets.items():
        told = ", ".join(f"{key}={value}" for key, value in values.items())
        yield f"preset {name}: {told or 'the defaults'}"
    if entry.unavailable_because:
        yield f"Not available: {entry.unavailable_because}"


def value_range(parameter: Parameter) -> str:
    """What a parameter may be, and its default, in few words."""
    default = parameter.default
    if parameter.kind is bool:
        return f"true or false; {str(default).lower()}"
    chosen = "automatic" if default is None else f"{default:g}" if _is_number(default) else default
    if parameter.choices:
        return f"{', '.join(parameter.choices)}; {chosen}"
    if parameter.kind is str:
        return f"text; {chosen}"
    whole = "whole " if parameter.kind is int else ""
    return f"{whole}from {parameter.low:g}; {chosen}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


@reported
def classic_command(
    method: Annotated[
        str,
        typer.Argument(
            metavar="METHOD",
            help="What segments, such as otsu, canny, watershed, kmeans, felzenszwalb or grabcut; "
            "--list shows all. Some need OpenCV: pip install 'napari-ncut\\[classic]'.",
            show_default=False,
        ),
    ],
    images: o.ImagesApart,
    output: o.ResultsFolder,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            metavar="NAME=VALUE",
            help="A parameter of the method, such as smooth=2 of otsu; --list shows them. May be "
            "given several times.",
            show_default=False,
        ),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            help="Parameters that belong together, such as icas; those given by --param count "
            "before.",
            show_default=False,
        ),
    ] = "",
    listed: Annotated[
        bool,
        typer.Option(
            "--list",
            callback=_list,
            is_eager=True,
            help="Show all methods with their parameters, and leave.",
        ),
    ] = False,
    overwrite: o.Overwrite = False,
    axes: o.Axes = None,
    channels: o.Channels = None,
    scaling: o.Scaling = None,
    limits: o.Limits = None,
    device: o.Device = None,
) -> None:
    """Segment images by a classic method: thresholds, edges, watersheds, clusters and more.

    Writes a label map (TIFF) for each image. Every plane is numbered anew, from 1; 0 is background
    or edge where the method has such.

    [bold]Examples[/bold]

        napari-ncut classic otsu cells.tif -o results --param smooth=2

        napari-ncut classic kmeans folder -o results --preset icas --param k=8

        napari-ncut classic --list
    """
    from ..classic.segment import KIND, segment_classic_steps
    from ..segmenters import segmenter_entry
    from .label_maps import write_label_maps
    from .settings import declared_settings

    entry = segmenter_entry(method, KIND)
    parameters = declared_settings(
        entry.name, entry.parameters, settings or [], example="smooth=2", option="--param"
    )
    entry.checked({**entry.preset(preset), **parameters})
    shared = o.embed_parameters(
        limits=limits,
        layer=None,
        channels=channels,
        bandwidth=None,
        scaling=scaling,
        device=device,
    )
    told = write_label_maps(
        segment_classic_steps,
        images,
        output,
        entry.name,
        axes=axes,
        overwrite=overwrite,
        method=method,
        preset=preset,
        **shared,
        **parameters,
    )
    say(f"{told} segments; {_ZERO[entry.zero]}.", stderr=True)


def markdown_tables() -> str:
    """The registry for the documentation: a section for every group, a table for every method."""
    from ..classic import classic_methods

    parts = []
    for group, entries in groupby(classic_methods().values(), lambda entry: entry.group):
        parts.append(f"## {group}\n")
        parts += [_section(entry) for entry in entries]
    return "\n".join(parts)


def _section(entry: SegmenterEntry) -> str:
    text = entry.text[0].upper() + entry.text[1:]
    needs = " Needs `napari-ncut[classic]`." if entry.requires else ""
    zero = _ZERO[entry.zero][0].upper() + _ZERO[entry.zero][1:]
    lines = [f"### `{entry.name}`: {entry.title}\n", f"{text}. {zero}.{needs}\n"]
    if entry.parameters:
        lines += ["| parameter | values; default | what it does |", "|---|---|---|"]
        lines += [
            f"| `{name}` | {value_range(p)} | {_cell(p.tooltip)} |"
            for name, p in entry.parameters.items()
        ]
        lines.append("")
    for name, values in entry.presets.items():
        told = ", ".join(f"`{key}={value:g}`" for key, value in values.items())
        lines.append(f"Preset `{name}`: {told or 'the defaults'}.\n")
    lines.append(f"*{_cell(entry.source)}*\n")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
