"""What the command line says: files written on stdout, progress and errors on stderr."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from ..errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from ..progress import Progress

F = TypeVar("F", bound=Callable[..., Any])

_STAGES = {
    "download": "Download",
    "features": "Features",
    "affinities": "Affinities",
    "graph": "Graph",
    "eigenvectors": "Eigenvectors",
    "embedding": "Looking at the image",
}


def console(*, stderr: bool = False) -> Console:
    """A console on the stream as it is now."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def say(text: str, *, stderr: bool = False) -> None:
    """Print plain text: nothing in it is markup, and no path is broken to fit a line."""
    from rich.text import Text

    console(stderr=stderr).print(Text(text), soft_wrap=True)


def listing(names: Iterable[str], lines: Iterable[str]) -> None:
    """Print names, whole on lines of their own so that they can be copied, and what they are."""
    from rich.padding import Padding
    from rich.text import Text

    out = console()
    for name in names:
        out.print(Text(name, style="bold"), soft_wrap=True)
    out.print(Padding(Text("\n".join(lines)), (0, 0, 1, 4)))


def failed(message: str) -> None:
    """Print an error as one paragraph on stderr."""
    from rich.text import Text

    out = console(stderr=True)
    paragraph = " ".join(message.split())
    text = Text.assemble(("Error: ", "bold red"), paragraph)
    out.print(text, soft_wrap=not out.is_terminal)


def written(files: Iterable[Path]) -> None:
    """Name the files that were written, one per line, on stdout."""
    for file in files:
        say(str(file))


def _noted(message: Warning | str, *_: Any) -> None:
    """Show a warning without the line of code that it came from."""
    say(f"Note: {message}", stderr=True)


def reported(command: F) -> F:
    """Wrap a command: unusable input ends with one paragraph and exit code 2, Ctrl+C with 130."""

    @functools.wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _noted  # type: ignore[assignment]
                return command(*args, **kwargs)
        except InputError as error:
            failed(str(error))
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            failed("Stopped. Nothing was written.")
            raise typer.Exit(130) from None

    # The docstring is what --help shows: paragraphs flow there, whatever their lines are here.
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    wrapper.__doc__ = "\n\n".join(
        text if text.startswith(" ") else " ".join(text.split()) for text in paragraphs
    )
    return wrapper  # type: ignore[return-value]


@contextmanager
def progress_bar() -> Iterator[Callable[[Progress], object] | None]:
    """Give what `embed` takes as ``progress``: a bar per stage on stderr.

    Without a terminal there is none.
    """
    out = console(stderr=True)
    if not out.is_terminal:
        yield None
        return
    from rich.progress import DownloadColumn, ProgressColumn, Task
    from rich.progress import Progress as Bars
    from rich.text import Text

    class BytesColumn(ProgressColumn):
        """Bytes of a download; other stages count what nobody asks for."""

        of_download = DownloadColumn()

        def render(self, task: Task) -> Text:
            return self.of_download.render(task) if task.fields["in_bytes"] else Text()

    columns = (*Bars.get_default_columns(), BytesColumn())
    with Bars(*columns, console=out, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def advance(step: Progress) -> None:
            if step.stage not in tasks:
                name = _STAGES.get(step.stage, step.stage.capitalize())
                tasks[step.stage] = bars.add_task(
                    name, total=step.total, in_bytes=step.stage == "download"
                )
            bars.update(tasks[step.stage], completed=step.done, total=step.total)

        yield advance
