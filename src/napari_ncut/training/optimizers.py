"""How the trainers make steps: optimizer and schedule, and what it takes to go on later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import OneCycleLR

from ..backbones.families.llvm import keep_llvm_apart
from ..io.atomic import replace_when_written


def adamw(
    parameters: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
    rate: float,
    decay: float = 0.0,
    *,
    fused: bool = False,
) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019), also in a process that has opened a window.

    The first optimizer that is made imports triton, whose LLVM is not that of Mesa's windows.
    """
    keep_llvm_apart()
    return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=fused)


def one_cycle(
    optimizer: Optimizer,
    rate: float | list[float],
    steps: int,
    *,
    rising: float = 0.3,
    momentum: bool = True,
) -> OneCycleLR:
    """Rates that rise to the given ones and fall to nothing (Smith & Topin 2018).

    They rise for that share of the steps; momentum falls and rises, too, unless told not to.
    """
    total = max(steps, 2)
    # Torch divides by nothing where they are to rise for a single step.
    total += rising * total == 1
    return OneCycleLR(optimizer, rate, total_steps=total, pct_start=rising, cycle_momentum=momentum)


class Stateful(Protocol):
    """A part of a run that can tell and take over its state: a network, an optimizer."""

    def state_dict(self) -> dict[str, Any]:
        """All there is to save."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any:
        """Take a saved state over."""
        ...


def save_checkpoint(path: Path, step: int, parts: Mapping[str, Stateful]) -> None:
    """Write the states of all parts of a run after that many steps."""
    state = {name: part.state_dict() for name, part in parts.items()}
    with replace_when_written(path) as file:
        torch.save({"step": step, **state}, file)


def load_checkpoint(path: Path, parts: Mapping[str, Stateful], device: str = "cpu") -> int:
    """Bring all parts to the state that was written; the number of steps made until then."""
    state = torch.load(path, weights_only=True, map_location=device)
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return int(state["step"])
