"""What networks expect of intensities: mean, deviation and order of the channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, check_choice, is_number


@dataclass(frozen=True)
class Normalization:
    """Subtract `mean` and divide by `std`, per channel, of intensities in [0, 1].

    Attributes
    ----------
    mean, std
        One number for each channel, in the order in which the network takes them.
    reverse
        Whether the network takes blue first, as those trained with Caffe or OpenCV do.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    reverse: bool = False

    def __call__(self, batch: Any) -> Any:
        """Normalize a float tensor (n, channels, rows, columns)."""
        mean = batch.new_tensor(self.mean).view(1, -1, 1, 1)
        std = batch.new_tensor(self.std).view(1, -1, 1, 1)
        return ((batch.flip(1) if self.reverse else batch) - mean) / std

    def for_channels(self, n_channels: int) -> Normalization:
        """The same for a network of `n_channels`: where it has others, their average for each."""
        if len(self.mean) == n_channels:
            return self
        mean, std = (sum(numbers) / len(numbers) for numbers in (self.mean, self.std))
        return Normalization((mean,) * n_channels, (std,) * n_channels)


_CAFFE = (104.0, 117.0, 123.0)

NORMALIZATIONS: Mapping[str, Normalization] = {
    # the statistics of ImageNet's training images, torchvision's and most of timm's
    "imagenet": Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    # -1 … 1: TensorFlow's networks, SigLIP
    "inception": Normalization((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    # github.com/openai/CLIP, clip.py
    "clip": Normalization(
        (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    ),
    # BGR, 0 … 255, minus the mean pixel: networks trained with Caffe
    "caffe": Normalization(
        tuple(v / 255 for v in _CAFFE), (1 / 255, 1 / 255, 1 / 255), reverse=True
    ),
    "none": Normalization((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}


def parse_normalization(given: Any, n_channels: int = 3) -> Normalization:
    """A normalization by name, or from (mean, std) in units of the range [0, 1].

    Raises
    ------
    InputError
        If the name is unknown, or the numbers cannot be used.
    """
    if isinstance(given, Normalization):
        return given
    if isinstance(given, str):
        known = NORMALIZATIONS[check_choice("normalization", given, NORMALIZATIONS)]
        return known.for_channels(n_channels)
    try:
        mean, std = (tuple(part) for part in given)
    except (TypeError, ValueError):
        mean, std = (), ()
    numbers = all(is_number(v) for v in (*mean, *std)) and all(v > 0 for v in std)
    if len(mean) != n_channels or len(std) != n_channels or not numbers:
        raise InputError(
            f"Normalization {given!r} cannot be used. Give one of {', '.join(NORMALIZATIONS)}, or "
            f"(mean, std) with {n_channels} numbers each, deviations above 0."
        )
    return Normalization(tuple(map(float, mean)), tuple(map(float, std)))
