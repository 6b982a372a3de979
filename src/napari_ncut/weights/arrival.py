"""Folders in which files arrive; what killed processes left there is swept away."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import fcntl

PREFIX = ".arriving-"
_LOCK = ".lock"  # no name of a file of weights begins so


@contextmanager
def arrival_folder(store: Path) -> Iterator[Path]:
    """Give a new folder inside `store`, which is removed in the end with all that is left in it.

    It is locked as long as this process lives, so that the next one knows what may be swept away.
    Folders that had to be made for it go as well if they end up empty.
    """
    made = [folder for folder in (store, *store.parents) if not folder.exists()]
    try:
        store.mkdir(parents=True, exist_ok=True)
        _sweep(store)
        folder, lock = _locked_folder(store)
        try:
            yield folder
        finally:
            lock.close()
            # On Windows, a file that a hanging thread still holds open stays until the next sweep.
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        for folder in made:
            with suppress(OSError):  # something arrived in it
                folder.rmdir()


def _locked_folder(store: Path) -> tuple[Path, IO[bytes]]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=store))
        # Until it is locked, another process may take the folder for a leftover.
        with suppress(FileNotFoundError, BlockingIOError):
            lock = (folder / _LOCK).open("wb")
            try:
                _lock(lock)
            except BlockingIOError:
                lock.close()
                raise
            except OSError:
                pass  # a file system without locks, on which nothing is swept away either
            if (folder / _LOCK).exists():
                return folder, lock
            lock.close()


def _sweep(store: Path) -> None:
    """Remove the folders that processes left which are no more."""
    for folder in store.glob(f"{PREFIX}*"):
        # in use, removed by another process meanwhile, or not ours to remove
        with suppress(OSError):
            _take(folder / _LOCK)
            shutil.rmtree(folder)


def _take(path: Path) -> None:
    """Raise an OSError if the folder of this lock is in use."""
    if sys.platform == "win32":
        path.unlink(missing_ok=True)
        return
    with suppress(FileNotFoundError), path.open("rb+") as lock:
        _lock(lock)


def _lock(file: IO[bytes]) -> None:
    """Lock a file until it is closed or the process dies; a BlockingIOError if another has it."""
    # On Windows an open file cannot be removed, which is lock enough.
    if sys.platform != "win32":
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
