"""Files that arrive whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError


@contextmanager
def replace_when_written(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; when the block ends well it takes `path`'s place.

    When the block raises, the temporary file is removed and an older file at `path` stays as it was.
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
