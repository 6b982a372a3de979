"""What the axes of an array mean: planes, channels, color. Sizes are never used to guess."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from ..errors import InputError

KNOWN_AXES = "TZCSYX"
_MEANING = (
    "T time, Z depth, C channels (or color, when it is the last axis), S color, Y rows, X columns"
)


@dataclass(frozen=True)
class Axes:
    """The meaning of each axis of one array.

    Attributes
    ----------
    names : str
        One letter per axis, for example ``"TZCYX"``.
    shape : tuple of int
        The array's shape.
    """

    names: str
    shape: tuple[int, ...]

    @property
    def channel(self) -> int | None:
        """Index of the channel or color axis, None if there is none."""
        return next((i for i, name in enumerate(self.names) if name in "CS"), None)

    @property
    def is_color(self) -> bool:
        """Whether the channel axis holds color samples (RGB or RGBA).

        Color is stored last by every library that stores it (napari's ``rgb``, TIFF's samples,
        PNG), so a *trailing* C of three or four samples is color; a C anywhere else is channels.
        """
        if self.channel is None:
            return False
        if self.names[self.channel] == "S":
            return True
        return self.channel == len(self.names) - 1 and self.shape[self.channel] in (3, 4)

    @property
    def stack(self) -> tuple[int, ...]:
        """Indices of the axes that count planes (all but Y, X and the channels)."""
        return tuple(i for i, name in enumerate(self.names) if name not in "CSYX")

    @property
    def stack_shape(self) -> tuple[int, ...]:
        """Sizes of the axes that count planes; () for a single plane."""
        return tuple(self.shape[i] for i in self.stack)

    @property
    def n_planes(self) -> int:
        """Number of planes."""
        return prod(self.stack_shape)

    @property
    def plane_shape(self) -> tuple[int, int]:
        """(height, width) of a plane in pixels."""
        return self.shape[self.names.index("Y")], self.shape[self.names.index("X")]


def parse_axes(axes: str | None, shape: tuple[int, ...]) -> Axes:
    """Check `axes` against an array's shape.

    Parameters
    ----------
    axes
        One letter per axis out of T, Z, C, S, Y, X in any order, each at most once, Y and X
        among them. None means ``"YX"`` and is accepted for two-dimensional arrays only.
    shape
        Shape of the array.

    Raises
    ------
    InputError
        If the axes do not describe such an array.
    """
    shape = tuple(int(size) for size in shape)
    sizes = " × ".join(map(str, shape)) or "none"
    if axes is None:
        if len(shape) != 2:
            raise InputError(
                f"An array of {len(shape)} dimensions ({sizes}) was given without its axes. "
                f'Say what they are, for example axes="YXC" for an RGB image or axes="ZYX" for a '
                f"stack ({_MEANING})."
            )
        axes = "YX"
    names = str(axes).upper()
    unknown = sorted(set(names) - set(KNOWN_AXES))
    if unknown:
        raise InputError(
            f"Axes {axes!r} contain {', '.join(unknown)}. Known are {_MEANING}; "
            f'a stack of another kind can be called T, for example "TYX".'
        )
    if len(names) != len(shape):
        raise InputError(
            f"Axes {axes!r} name {len(names)} dimensions, but the array has {len(shape)} "
            f"({sizes}). Give one letter per dimension ({_MEANING})."
        )
    if len(set(names)) != len(names) or ("C" in names and "S" in names):
        raise InputError(f"Axes {axes!r} repeat an axis. Each letter may stand once, and C or S.")
    if "Y" not in names or "X" not in names:
        raise InputError(f"Axes {axes!r} lack Y or X; an image needs both.")
    if 0 in shape:
        raise InputError(f"The image is empty: its shape is {sizes}. Give at least one pixel.")
    parsed = Axes(names, shape)
    if "S" in names and parsed.shape[names.index("S")] not in (3, 4):
        raise InputError(
            f"Axis S means color and needs 3 (RGB) or 4 (RGBA) samples, not "
            f"{parsed.shape[names.index('S')]}. Use C for channels."
        )
    return parsed
