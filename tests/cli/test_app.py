"""The command line as a program: help, exit codes, streams, and what it does not import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import napari_ncut
from napari_ncut import list_backbones
from napari_ncut.cli import app, embed, report
from napari_ncut.cli.inputs import image_names, output_stems
from napari_ncut.cli.options import CHOICES
from napari_ncut.errors import InputError
from napari_ncut.progress import Progress

from .conftest import EMBEDDING

COMMANDS = ["demo", "embed", "segment", "sam", "backbones", "models"]
HEAVY = {"PyQt5", "PyQt6", "PySide6", "napari", "qtpy", "sklearn", "timm", "torch", "skimage"}


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )


def program(*arguments: object) -> subprocess.CompletedProcess[str]:
    return run("from napari_ncut.cli import main; main()", *arguments)


def test_help_of_every_command_is_light():
    code = (
        "import json, sys\n"
        "from typer.testing import CliRunner\n"
        "from napari_ncut.cli import app\n"
        "for command in [[], *([c] for c in sys.argv[1:])]:\n"
        "    assert CliRunner().invoke(app, [*command, '--help']).exit_code == 0\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))\n"
    )
    result = run(code, *COMMANDS)
    assert result.returncode == 0, result.stderr
    assert not set(json.loads(result.stdout)) & HEAVY


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(command: str):
    command = {"models": "models list", "sam": "sam masks"}.get(command, command)
    result = CliRunner().invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert f"napari-ncut {command}" in result.output.partition("Examples")[2]


def test_version():
    assert program("--version").stdout == f"napari-ncut {napari_ncut.__version__}\n"


def test_errors_are_one_paragraph_on_stderr(tmp_path: Path, points: Path):
    result = program("segment", tmp_path / "none.tif", "-p", points, "-o", tmp_path / "out")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: There is no file")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()


def test_wrong_usage():
    assert program("segment").returncode == 2
    assert program("segment").returncode == 2


def test_segment_as_a_program(tmp_path: Path, image: Path, points: Path):
    result = program("segment", image, "-p", points, "-o", tmp_path / "out", *EMBEDDING)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    files = [Path(line) for line in result.stdout.splitlines()]
    assert sorted(files) == sorted((tmp_path / "out").iterdir())


def test_interrupted(tmp_path: Path, image: Path, points: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_ncut.cli.segmenting.embed", interrupt)
    arguments = ["segment", image, "-p", points, "-o", tmp_path / "out"]
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == 130
    assert "Nothing was written" in result.stderr
    assert not (tmp_path / "out").exists()


def test_backbones_are_those_of_the_registry(call: Callable):
    output = call("backbones").stdout
    for name in list_backbones():
        assert name in output


def test_choices_are_those_of_the_functions():
    from napari_ncut.cli.groups import NESTED
    from napari_ncut.prompts import MODES, NORMALIZATIONS
    from napari_ncut.prompts.methods import EMBEDDED_METHODS
    from napari_ncut.spectral.names import ACCURACIES, AFFINITIES, COLORINGS, DISCRETIZATIONS

    assert CHOICES["mode"] == tuple(MODES)
    assert CHOICES["method"] == ("auto", *EMBEDDED_METHODS)
    assert CHOICES["coloring"] == tuple(COLORINGS)
    assert CHOICES["grouping"] == (NESTED, *DISCRETIZATIONS)
    assert CHOICES["normalization"] == tuple(NORMALIZATIONS)
    assert CHOICES["affinity"] == tuple(AFFINITIES)
    assert CHOICES["accuracy"] == tuple(ACCURACIES)


def test_choices_are_those_that_help_shows():
    from typer.main import get_command

    # Commands may have an option of the same name with choices of its own.
    shown = {
        (option.name, tuple(str(option.metavar).split("|")))
        for command in get_command(app).commands.values()
        for option in command.params
    }
    assert set(CHOICES.items()) <= shown


def test_output_names_are_all_different():
    paths = [Path(p) for p in ("a/x.tif", "b/X.ome.tif", "x-2.png", "c/x.zarr", "y.tif")]
    assert output_stems(paths) == ["x", "X-3", "x-2", "x-4", "y"]
    assert image_names([Path("a/x.tif"), Path("b/x.tif"), Path("y.tif")]) == [
        str(Path("a/x.tif")),
        str(Path("b/x.tif")),
        "y.tif",
    ]


def test_no_progress_where_nobody_looks(capsys: pytest.CaptureFixture[str]):
    with report.progress_bar() as progress:
        assert progress is None
    assert capsys.readouterr() == ("", "")


def test_progress_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with report.progress_bar() as progress:
        assert progress is not None
        for done in range(3):
            progress(Progress("features", done, 2))
    shown = capsys.readouterr()
    assert "Features" in shown.err
    assert shown.out == ""


def test_messages_are_not_markup(capsys: pytest.CaptureFixture[str]):
    report.failed("no file [bold]x[/bold].tif\nin [/nowhere]")
    assert capsys.readouterr().err == "Error: no file [bold]x[/bold].tif in [/nowhere]\n"


def test_errors_of_ours_keep_their_traceback(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ZeroDivisionError):
        report.reported(lambda: 1 / 0)()
    assert embed.embed_command.__name__ == "embed_command"
    assert issubclass(InputError, ValueError)
