"""Weights into networks, alike for every family."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...weights import ModelStore, load_into, read_checkpoint
from ..entry import BackboneEntry


def weights_of(entry: BackboneEntry, checkpoint: str | Path | None) -> Path:
    """The file that a network's weights are read from: the user's own, or the one installed.

    Raises
    ------
    InputError
        If there is no such file, or the installed one is not what it must be; nothing is fetched.
    """
    if checkpoint is not None:
        path = Path(checkpoint).expanduser()
        if not path.is_file():
            read_checkpoint(path)  # says what is wrong with it
        return path
    if entry.weights is None:
        raise InputError(
            f"{entry.name} has no pretrained weights. Give a file of weights as checkpoint, or "
            f"choose another network."
        )
    return ModelStore().require(entry.weights, name=entry.name)


def load_weights(
    module: Any,
    entry: BackboneEntry,
    path: Path,
    *,
    optional: Callable[[str], bool],
    convert: Callable[[Any], Any] = lambda tensors: tensors,
) -> None:
    """Fill a network with the weights of a file.

    Parameters
    ----------
    optional
        Tells the parameters without which features are the same, such as those of a classifier.
    convert
        From the names of a file that others wrote to those of the network.

    Raises
    ------
    InputError
        If the file is unreadable or of another architecture; the module is unchanged then.
    """
    tensors = read_checkpoint(path)
    if isinstance(tensors, dict):
        tensors = convert(tensors)
    load_into(module, tensors, what=f"{entry.name} from {path}", optional=optional)
