"""The command line: a thin face on the public functions.

Nothing heavy is imported before a command runs, so that every ``--help`` answers at once.
"""

from __future__ import annotations

import io
import sys

import typer

from . import (
    backbones,
    classic,
    convert,
    demo,
    embed,
    evaluate,
    find,
    granularity,
    measure,
    models,
    objects,
    sam,
    segment,
    semantic,
    ssn,
    superpixels,
    templates,
)
from .report import failed

app = typer.Typer(
    name="napari-ncut",
    help="Click once, segment everything like it: normalized cuts of image features.",
    epilog="Every command has examples in its own help: napari-ncut segment --help",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    # InputErrors are reported by `reported`; anything else is a fault of ours, and its plain
    # traceback is what a bug report needs.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo_command)
app.command("embed")(embed.embed_command)
app.command("segment")(segment.segment_command)
app.command("keep")(find.keep_command)
app.command("find")(find.find_command)
app.command("semantic")(semantic.semantic_command)
app.command("classic")(classic.classic_command)
app.command("superpixels")(superpixels.superpixels_command)
app.command("templates")(templates.templates_command)
app.command("granularity")(granularity.granularity_command)
app.command("localize")(objects.localize_command)
app.command("objects")(objects.objects_command)
app.command("parts")(objects.parts_command)
app.command("measure")(measure.measure_command)
app.command("convert")(convert.convert_command)
app.command("evaluate")(evaluate.evaluate_command)
app.command("backbones")(backbones.backbones_command)
app.add_typer(sam.sam_app)
app.add_typer(ssn.ssn_app)
app.add_typer(models.models_app)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"napari-ncut {version('napari-ncut')}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and leave."
    ),
) -> None:
    pass


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # A console that lacks a letter such as σ shows ? in its place rather than a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except KeyboardInterrupt:
        failed("Stopped. Nothing was written.")
        sys.exit(130)
