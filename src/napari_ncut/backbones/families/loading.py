"""Weights into networks, alike for every family."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...weights import ModelStore, load_into, read_checkpoint
from ..entry import BackboneEntry

if TYPE_CHECKING:
    from torch import nn


def load_weights(
    module: nn.Module,
    entry: BackboneEntry,
    checkpoint: str | Path | None,
    *,
    optional: Callable[[str], bool],
    convert: Callable[[Any], Any] = lambda tensors: tensors,
) -> None:
    """Fill a network with a checkpoint of the user's, or with the weights that are installed.

    Parameters
    ----------
    optional
        Tells the parameters without which features are the same, such as those of a classifier.
    convert
        From the names of a file that others wrote to those of the network.

    Raises
    ------
    InputError
        If the file is missing, unreadable, or of another architecture; the module is unchanged.
    """
    if checkpoint is not None:
        path = Path(checkpoint).expanduser()
    else:
        assert entry.weights is not None  # every network of a family has weights
        path = ModelStore().require(entry.weights, name=entry.name)
    tensors = read_checkpoint(path)
    if isinstance(tensors, dict):
        tensors = convert(tensors)
    load_into(module, tensors, what=f"{entry.name} from {path}", optional=optional)
