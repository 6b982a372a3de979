"""Files that arrive whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..errors import InputError


@contextmanager
def replace_when_written(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; when the block ends well it takes `path`'s place.

    When the block raises, the temporary file is removed and an older file at `path` stays.
    """
    if not path.parent.is_dir():
        raise InputError(
            f"The folder {path.parent} does not exist. Make it first, or give another path."
        )
    # The suffix is kept, since writers choose the format by it.
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def check_outputs(paths: Iterable[Path], *, overwrite: bool = False) -> None:
    """Raise an `InputError` if files could not be written, before anything is computed.

    Parameters
    ----------
    paths
        Files that will be written.
    overwrite
        Whether files that are there already may be replaced.
    """
    paths = list(paths)
    twice = next((path for i, path in enumerate(paths) if path in paths[:i]), None)
    if twice is not None:
        raise InputError(f"Two results would be called {twice}. Rename one of the images.")
    for path in paths:
        if path.is_dir():
            raise InputError(f"{path} is a folder, so no file can be written there. Rename one.")
        for parent in path.parents:
            if parent.exists():
                if not parent.is_dir():
                    raise InputError(f"{parent} is a file, not a folder. Give another output.")
                if not os.access(parent, os.W_OK | os.X_OK):
                    raise InputError(f"The folder {parent} cannot be written to. Give another.")
                break
    there = [path for path in paths if path.exists()]
    if there and not overwrite:
        more = f" (and {len(there) - 1} more)" if len(there) > 1 else ""
        raise InputError(
            f"{there[0]} exists already{more}. Give another output, or --overwrite to replace it."
        )


def write_together(writers: Mapping[Path, Callable[[Path], object]]) -> list[Path]:
    """Write several files, all or none; folders are made where they are missing.

    Parameters
    ----------
    writers
        For every file a function that writes it to the path that it is given.

    Returns
    -------
    list of Path
        The files, in order.

    Raises
    ------
    InputError
        If the system does not let them be written. No file and no new folder is left then.
    """
    made: list[Path] = []
    try:
        for path in writers:
            _make_folder(path.parent, made)
        with ExitStack() as files:
            for path, write in writers.items():
                write(files.enter_context(replace_when_written(path)))
    except BaseException as error:
        for folder in reversed(made):
            folder.rmdir()
        if isinstance(error, OSError):
            raise InputError(
                f"The results could not be written ({error}). "
                f"Give another output, or make room there."
            ) from error
        raise
    return list(writers)


def _make_folder(folder: Path, made: list[Path]) -> None:
    """Make a folder and those above it, noting each in `made`."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir()
        made.append(path)
