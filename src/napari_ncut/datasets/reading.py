"""Reading many images of which some may be unusable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..errors import InputError
from .records import Example, Record, read_record

ON_ERROR: dict[str, str] = {
    "skip": "leave out what cannot be used, and name it at the end",
    "refuse": "stop at the first that cannot be used",
}
# Names that a summary lists before it only counts.
_NAMED = 5


@dataclass
class Reading:
    """Examples of records, one by one, and what was wrong with those that were left out.

    Attributes
    ----------
    records : list of Record
    on_error : str
        One of `ON_ERROR`.
    hard : bool
        Whether boxes count that VOC marks as difficult or truncated.
    skipped : dict of str
        Name → what was wrong, filled while it is read.
    """

    records: Sequence[Record]
    on_error: str = "skip"
    hard: bool = True
    skipped: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Example]:
        for record in self.records:
            try:
                example = read_record(record, hard=self.hard)
            except InputError as error:
                if self.on_error == "refuse":
                    raise
                self.skip(record.name, str(error))
                continue
            yield example

    def skip(self, name: str, reason: str) -> None:
        """Leave an image out, for a reason; or refuse, if nothing is to be left out."""
        if self.on_error == "refuse":
            raise InputError(f"{name}: {reason}")
        self.skipped[name] = reason

    def summary(self) -> str:
        """What was left out and why, in a few lines; "" if nothing was."""
        if not self.skipped:
            return ""
        told = [f"{name}: {reason}" for name, reason in list(self.skipped.items())[:_NAMED]]
        more = len(self.skipped) - len(told)
        told += [f"and {more} more"] if more else []
        return "\n".join([f"{len(self.skipped)} of {len(self)} images were left out.", *told])
