"""What is remembered about a file of the store: the hash it had when it was first seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import InputError


@dataclass(frozen=True)
class Record:
    """The note beside a file of weights.

    Attributes
    ----------
    sha256
        Of the file, when it was first seen.
    size
        Bytes.
    url
        Where the registry said it is from.
    stated
        The stated hash that the file was found to match, "" if none was stated.
    """

    sha256: str
    size: int
    url: str
    stated: str = ""

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def read_record(path: Path) -> Record | None:
    """The record in a file; None if there is none, an `InputError` if it is damaged."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        names = [field.name for field in fields(Record)]
        record = Record(**{name: values[name] for name in names})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"The record {path} of a file of weights is damaged ({error!r}). Delete it to have the "
            f"file recorded anew."
        ) from error
    return record


def file_digest(path: Path, algorithm: str) -> str:
    """The hash of a file, "sha256", "md5" or "xxh128", in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, _DIGESTS[algorithm]).hexdigest()


def _md5() -> Any:
    # told to be no security, which some systems allow md5 for nothing else
    return hashlib.md5(usedforsecurity=False)


def _xxh128() -> Any:
    # what micro-sam states for its files
    import xxhash

    return xxhash.xxh128()


_DIGESTS: Mapping[str, Callable[[], Any]] = {
    "sha256": hashlib.sha256,
    "md5": _md5,
    "xxh128": _xxh128,
}
