"""Keys on the layers that are painted, for as long as they are."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .paint_tools import TOOLS

if TYPE_CHECKING:
    from napari.layers import Labels


class LayerKeys:
    """Keys that are bound on some layers, and let go of when others take their place.

    Parameters
    ----------
    actions
        Key → what it does. Held weakly through `owner`.
    hold
        Key → called with True when it is pressed, and with False when it is released.
    owner
        Whose actions they are: once it is gone, keys do nothing.
    """

    def __init__(
        self,
        actions: Mapping[str, Callable[[Any], None]],
        hold: Mapping[str, Callable[[Any, bool], None]],
        owner: Any,
    ) -> None:
        self._actions = dict(actions)
        self._hold = dict(hold)
        self._owner = weakref.ref(owner)
        self._bound: list[weakref.ref[Labels]] = []

    def bind(self, layers: list[Labels]) -> None:
        """Bind the keys on these layers, and on no others any more."""
        self.release()
        for layer in layers:
            for key, action in self._actions.items():
                layer.bind_key(key, self._pressing(action), overwrite=True)
            for key, held in self._hold.items():
                layer.bind_key(key, self._holding(held), overwrite=True)
            self._bound.append(weakref.ref(layer))

    def release(self) -> None:
        """Let the keys be napari's own again."""
        for reference in self._bound:
            if (layer := reference()) is not None:
                for key in (*self._actions, *self._hold):
                    layer.bind_key(key, None)
        self._bound = []

    def _pressing(self, action: Callable[[Any], None]) -> Callable[[Any], None]:
        reference = self._owner

        def press(_: Any) -> None:
            if (owner := reference()) is not None:
                action(owner)

        return press

    def _holding(self, held: Callable[[Any, bool], None]) -> Callable[[Any], Iterator[None]]:
        reference = self._owner

        def press(_: Any) -> Iterator[None]:
            if (owner := reference()) is not None:
                held(owner, True)
            yield
            if (owner := reference()) is not None:
                held(owner, False)

        return press


def paint_keys() -> dict[str, Callable[[Any], None]]:
    """Key → what it does with a widget "Paint segments"."""

    def chooses(name: str) -> Callable[[Any], None]:
        return lambda widget: widget.choose_tool(name)

    keys: dict[str, Callable[[Any], None]] = {
        tool.key: chooses(name) for name, tool in TOOLS.items() if name != "pick"
    }
    return keys | {
        "T": lambda widget: widget.copies.take_under_cursor(),
        TOOLS["pick"].key: lambda widget: widget.pick_here(),
        "Enter": lambda widget: widget.complete(),
        "Escape": lambda widget: widget.drop(),
        "Backspace": lambda widget: widget.drop_last(),
        "Z": lambda widget: widget.choose_tool(""),
        "[": lambda widget: widget.larger(-1),
        "]": lambda widget: widget.larger(1),
        "S": lambda widget: widget.boundaries.toggle(),
        "H": lambda widget: widget.shows_painted.toggle(),
    }
