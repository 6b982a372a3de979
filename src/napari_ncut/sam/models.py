"""Models that are loaded already, for all that ask with them."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any, cast

from ..progress import Progress, Steps
from .segmenter import SamSegmenter


class SamModels:
    """Loads models, and keeps the one used last, with what it saw of images.

    Whatever shares one of these, such as prompts and `automatic_masks`, loads a model once and
    looks at an image once. Safe to use from several threads.

    Parameters
    ----------
    device
        "cpu", "cuda", "mps"; default: the best there is.
    """

    def __init__(self, device: str | None = None) -> None:
        self._device = device
        self._kept: tuple[Any, SamSegmenter] | None = None
        self._lock = Lock()

    def known(
        self, model: str | SamSegmenter, checkpoint: str | Path | None = None
    ) -> SamSegmenter | None:
        """A model, if it is loaded; None otherwise."""
        if isinstance(model, SamSegmenter):
            return model
        kept = self._kept
        return kept[1] if kept is not None and kept[0] == model_key(model, checkpoint) else None

    def load_steps(
        self, model: str | SamSegmenter, checkpoint: str | Path | None = None
    ) -> Steps[SamSegmenter]:
        """A model, loaded unless it is there; see `SamSegmenter` for names and errors."""
        known = self.known(model, checkpoint)
        if known is not None:
            return known
        yield Progress("loading", 0, 1)
        with self._lock:
            # Loaded by another thread while this one waited?
            found = self.known(model, checkpoint)
            if found is None:
                # Let go first: two large models may not fit beside each other.
                self._kept = None
                key = model_key(model, checkpoint)
                found = SamSegmenter(cast("str", model), checkpoint=checkpoint, device=self._device)
                self._kept = (key, found)
        return found


def model_key(model: Any, checkpoint: str | Path | None) -> tuple[Any, ...]:
    """What tells models apart: also a file that was replaced by another of the same name."""
    if checkpoint is None:
        return (model,)
    path = Path(checkpoint)
    facts = path.stat() if path.is_file() else None
    written = None if facts is None else (facts.st_mtime_ns, facts.st_size)
    return (model, str(path.absolute()), written)
