"""What is said of several images: once for all of them, or once for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from ..errors import InputError

T = TypeVar("T")


def for_each_image(what: str, given: Any, n_images: int) -> list[Any]:
    """`given` for every image: its items where it is a list or tuple, else the same for all.

    Raises
    ------
    InputError
        If a list has another number of items than there are images.
    """
    if not isinstance(given, list | tuple):
        return [given] * n_images
    if len(given) != n_images:
        raise InputError(
            f"{what} was given as a list of {len(given)}, but the number of images is {n_images}. "
            f"Give one for all images, or a list with one item per image."
        )
    return list(given)


def once_if_alike(items: Sequence[T]) -> T | list[T]:
    """The item that all images share, or the list where they differ: undoes `for_each_image`."""
    return items[0] if all(item == items[0] for item in items) else list(items)
