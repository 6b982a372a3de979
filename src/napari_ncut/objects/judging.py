"""Small models that were fitted once: of a region's evidence, and of whether a mask is a thing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Perceptron:
    """One hidden layer on standardized numbers.

    Attributes
    ----------
    mean, scale : float32 arrays (d,)
        Of the numbers.
    hidden, bias : float32 arrays (d, k), (k,)
    output : float32 array (k + 1,)
        Of the hidden layer, and the last bias.
    """

    mean: Array
    scale: Array
    hidden: Array
    bias: Array
    output: Array

    def probabilities(self, numbers: Array) -> Array:
        """0 to 1 for every row (n, d)."""
        standard = np.clip((numbers - self.mean) / self.scale, -4, 4)
        logits = np.tanh(standard @ self.hidden + self.bias) @ self.output[:-1] + self.output[-1]
        found: Array = (1 / (1 + np.exp(-logits))).astype(np.float32)
        return found

    @classmethod
    def from_json(cls, data: dict[str, list]) -> Perceptron:
        """What `to_json` gave."""
        return cls(**{name: np.array(values, np.float32) for name, values in data.items()})

    def to_json(self) -> dict[str, list]:
        """Numbers of four digits."""
        return {name: _rounded(getattr(self, name)) for name in self.__dataclass_fields__}


@lru_cache(maxsize=1)
def _models() -> dict[str, Perceptron]:
    text = (files("napari_ncut.objects") / "evidence.json").read_text(encoding="utf-8")
    return {name: Perceptron.from_json(data) for name, data in json.loads(text).items()}


def evidence_model() -> Perceptron:
    """How likely a region is part of a thing, by its `evidence`."""
    return _models()["regions"]


def confidence_model() -> Perceptron:
    """How likely a mask is a thing that people would point at, by its `mask_evidence`."""
    return _models()["masks"]


def _rounded(values: Array) -> list:
    rounded: list = [
        _rounded(value) if value.ndim else float(f"{value:.4g}") for value in np.asarray(values)
    ]
    return rounded
