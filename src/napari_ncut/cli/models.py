"""The commands `models …`: the weights that backbones download."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .report import failed, listing, progress_bar, reported, say

if TYPE_CHECKING:
    from ..weights import WeightsFile

models_app = typer.Typer(
    name="models",
    help="List, download, verify and remove the weights of backbones.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A name that napari-ncut models list shows.")
]


@models_app.command("list")
@reported
def list_command() -> None:
    """Show which weights there are, and which of them are here.

    [bold]Examples[/bold]

        napari-ncut models list
    """
    from ..weights import ModelStore, models_folder

    store = ModelStore()
    catalog = _catalog()
    for file, names in catalog.items():
        told = (_STATES[store.state(file)], file.readable_size, f"license: {file.license}")
        listing(names, [" · ".join(told), file.source])
    if not catalog:
        say("No backbone has weights to download.")
    others = sorted(set(store.names()) - {file.name for file in catalog})
    if others:
        say(f"Other files there: {', '.join(others)}")
    say(str(models_folder()))


@models_app.command("download")
@reported
def download_command(
    name: Name,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Download without asking for confirmation.")
    ] = False,
) -> None:
    """Download weights, after showing their size and license.

    They arrive whole and checked, or not at all.

    [bold]Examples[/bold]

        napari-ncut models download sam:vit_b

        napari-ncut models download sam:vit_b --yes
    """
    from ..errors import InputError
    from ..weights import ModelStore

    file = _weights_of(name)
    store = ModelStore()
    if store.path(file).is_file() and store.verify(file).ok:
        say(str(store.path(file)))
        return
    for line in (f"{file.name} for {name}", *_about(file), f"To: {store.folder}"):
        say(line, stderr=True)
    if not yes:
        if not _can_ask():
            raise InputError(
                "Nobody can be asked here whether to download this. Add --yes to agree."
            )
        if not typer.confirm("Download?", err=True):
            say("Nothing was downloaded.", stderr=True)
            raise typer.Exit(1)
    with progress_bar() as progress:
        path = store.download(file, progress, name=name)
    say(str(path))


@models_app.command("verify")
@reported
def verify_command(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Default: all that are here.", show_default=False),
    ] = None,
) -> None:
    """Read weights as a whole and compare their hashes; exit code 1 if something is wrong.

    [bold]Examples[/bold]

        napari-ncut models verify

        napari-ncut models verify sam:vit_b
    """
    from ..weights import ModelStore

    store = ModelStore()
    if name is None:
        wanted = {
            file: names[0] for file, names in _catalog().items() if store.state(file) != "missing"
        }
        if not wanted:
            say(f"No weights are in {store.folder}.")
    else:
        wanted = {_weights_of(name): name}
    wrong = False
    for file, model in wanted.items():
        found = store.verify(file, name=model)
        if found.ok:
            say(f"{model}: {found.state}. {found.message}")
        else:
            wrong = True
            failed(found.message)
    if wrong:
        raise typer.Exit(1)


@models_app.command("remove")
@reported
def remove_command(name: Name) -> None:
    """Delete downloaded weights.

    Other backbones that use the same file lose it too.

    [bold]Examples[/bold]

        napari-ncut models remove sam:vit_b
    """
    from ..errors import InputError
    from ..weights import ModelStore

    file = _weights_of(name)
    store = ModelStore()
    if not store.remove(file):
        raise InputError(f"{file.name} is not in {store.folder}, so there is nothing to remove.")
    say(f"Removed {store.path(file)}")


@models_app.command("where")
@reported
def where_command(
    folder: Annotated[
        Path | None,
        typer.Option("--set", metavar="FOLDER", help="Keep weights there from now on."),
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Go back to the default folder.")] = False,
) -> None:
    """Show in which folder weights are kept, and what chose it, or choose another.

    The environment variable NAPARI_NCUT_MODELS wins over what is set here. Nothing is moved.

    [bold]Examples[/bold]

        napari-ncut models where

        napari-ncut models where --set /data/models
    """
    from ..errors import InputError
    from ..weights import models_folder, set_models_folder

    if folder is not None and reset:
        raise InputError("--set and --reset were both given. Leave one of them out.")
    if folder is not None or reset:
        set_models_folder(folder)
    say(str(models_folder()))


_STATES = {
    "missing": "not here",
    "unverified": "here, unverified (no source states its hash, or it was not checked yet)",
    "verified": "here, verified",
}


def _about(file: WeightsFile) -> list[str]:
    return [
        f"Size: {file.readable_size}",
        f"License: {file.license}",
        f"Source: {file.source}",
    ]


def _catalog() -> dict[WeightsFile, list[str]]:
    """Every file that a backbone of the registry downloads, with the names of those that do."""
    from ..backbones import BACKBONES

    files: dict[WeightsFile, list[str]] = {}
    for entry in BACKBONES.values():
        file = entry.weights
        if file is not None:
            files.setdefault(file, []).append(entry.name)
    return files


def _weights_of(name: str) -> WeightsFile:
    """The file of a backbone, given by the backbone's name or by its own."""
    from ..backbones import backbone_entry
    from ..errors import InputError

    for file in _catalog():
        if file.name == name:
            return file
    weights: WeightsFile | None = getattr(backbone_entry(name), "weights", None)
    if weights is None:
        raise InputError(
            f"{name} needs no download. See what can be downloaded: napari-ncut models list"
        )
    return weights


def _can_ask() -> bool:
    return sys.stdin.isatty()
