"""Tensors of a checkpoint → a network: all that its features need, or nothing."""

from __future__ import annotations

import re
import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from ..errors import InputError
from .checkpoints import PREFIXES, Layer, LayerList

if TYPE_CHECKING:
    import torch

Shape: TypeAlias = tuple[int, ...]
Mismatch: TypeAlias = tuple[str, Shape, Shape]

# First parts of the names that classifiers go by.
HEADS = {
    "aux_classifier",
    "classifier",
    "fc",
    "head",
    "head_dist",
    "heads",
    "last_linear",
    "logits",
}
_BLOCK = re.compile(r"(?:^|\.)(?:blocks|resblocks|layers|layer)\.(\d+)\.")
_NAMED = 5


@dataclass(frozen=True)
class Account:
    """What of a checkpoint went into a network.

    Attributes
    ----------
    how
        "by name" or, for a `LayerList`, "by order".
    n_matched
        Tensors (by order: layers) of the network that the file has, in the same shape.
    missing
        Those of the network that the file lacks.
    unexpected
        Those of the file that the network lacks.
    mismatched
        Those of another shape: name in the network, shape in the file, shape in the network.
    """

    how: Literal["by name", "by order"]
    n_matched: int
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    mismatched: tuple[Mismatch, ...] = ()

    @property
    def text(self) -> str:
        """The account as one paragraph, with the first few names of each kind."""
        thing = "tensors" if self.how == "by name" else "layers"
        n_all = self.n_matched + len(self.missing) + len(self.mismatched)
        sentences = [f"{self.n_matched} of {n_all} {thing} of the network were found {self.how}."]
        if self.mismatched:
            pairs = [f"{n} ({_by(file)}, here {_by(ours)})" for n, file, ours in self.mismatched]
            sentences.append(f"Of another shape: {_some(pairs)}.")
        if self.missing:
            sentences.append(f"Not in the file: {_some(self.missing)}.")
        if self.unexpected:
            sentences.append(f"Only in the file: {_some(self.unexpected)}.")
        return " ".join(sentences)


def is_head(name: str) -> bool:
    """Whether a name is one of those that classifiers go by; features do without them."""
    return name.partition(".")[0] in HEADS


def load_into(
    module: torch.nn.Module,
    tensors: Mapping[str, torch.Tensor] | LayerList,
    *,
    what: str,
    optional: Callable[[str], bool] = is_head,
) -> Account:
    """Fill a network from a checkpoint, with all that it needs or not at all.

    A state dict is matched by name; what all names of the network's part begin with may differ
    ("backbone.", "model." …). A `LayerList` is matched by order: its layers are the convolutions
    and linear layers of the network in the order of registration. A batch norm that directly
    follows one is already folded into the file's weights and becomes the identity, with the
    layer's bias.

    Parameters
    ----------
    module
        The network; it is changed in place.
    tensors
        What `read_checkpoint` gives.
    what
        What is loaded, as messages call it, for example "dino.pth".
    optional
        Tells by their names which tensors (for a `LayerList`: which layers at the end, of either
        side) features do without. Those are filled where the file has them in the right shape.

    Returns
    -------
    Account
        What was matched and what was not.

    Raises
    ------
    InputError
        If the file lacks something that is not optional, or has it in another shape. The network
        is unchanged then.

    Warns
    -----
    UserWarning
        If the file has more than the network, apart from heads and from other parts of a larger
        network.
    """
    if isinstance(tensors, LayerList):
        plan = _by_order(module, tensors)
    else:
        plan = _by_name(module, tensors)
    account = plan.account
    wanting = [*account.missing, *(name for name, _, _ in account.mismatched)]
    if account.how == "by order":
        # A layer too many at the end may mean that all before it were taken for others.
        wanting += account.unexpected
    if not all(optional(name) for name in wanting):
        raise InputError(
            f"{what} does not fit the network. {account.text} It seems to be of another "
            f"architecture{_comparison(tensors, module.state_dict())}. Choose the backbone that "
            f"it was made for, or another file."
        )
    # The network's own versions go with the tensors: some modules refuse to be filled without.
    state = OrderedDict(plan.values)
    state._metadata = module.state_dict()._metadata  # type: ignore[attr-defined]
    # Not strict, since names and shapes were compared above.
    module.load_state_dict(state, strict=False)
    if not all(optional(name) for name in plan.surplus):
        warnings.warn(
            f"{what} has more in it than the network uses. {account.text}",
            UserWarning,
            stacklevel=2,
        )
    return account


class _Plan(NamedTuple):
    """The account, the tensors to load, and those of the file that should have had a place."""

    account: Account
    values: dict[str, torch.Tensor]
    surplus: list[str]


# ---------------------------------------------------------------------------------------- by name


def _by_name(module: torch.nn.Module, tensors: Mapping[str, torch.Tensor]) -> _Plan:
    ours = module.state_dict()
    part, rest = _part_for(ours, tensors)
    matched = {
        name: tensor
        for name, tensor in part.items()
        if name in ours and tensor.shape == ours[name].shape
    }
    needed = {name: tensor for name, tensor in ours.items() if _is_needed(name, tensor)}
    surplus = [name for name in part if name not in ours]
    account = Account(
        how="by name",
        n_matched=len(matched.keys() & needed.keys()),
        missing=tuple(name for name in needed if name not in part),
        unexpected=(*surplus, *rest),
        mismatched=tuple(
            (name, tuple(part[name].shape), tuple(tensor.shape))
            for name, tensor in needed.items()
            if name in part and name not in matched
        ),
    )
    return _Plan(account, matched, surplus)


def _is_needed(name: str, tensor: torch.Tensor) -> bool:
    """Counters and tables of indices are a network's own business."""
    return tensor.is_floating_point() and not name.endswith("num_batches_tracked")


def _part_for(
    ours: Mapping[str, torch.Tensor], tensors: Mapping[str, torch.Tensor]
) -> tuple[dict[str, torch.Tensor], list[str]]:
    """What of a file is this network's, under the network's names, and the names of the rest.

    In the file of a larger network, this one's part stands behind a prefix; or the network itself
    is part of something and has a prefix that the file lacks.
    """
    candidates = [dict(tensors)]
    for prefix in PREFIXES:
        candidates.append(
            {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        )
        candidates.append({prefix + name: tensor for name, tensor in tensors.items()})
    best = max(candidates, key=lambda names: len(names.keys() & ours.keys()))  # the first of equals
    taken = {id(tensor) for tensor in best.values()}
    return best, [name for name, tensor in tensors.items() if id(tensor) not in taken]


# --------------------------------------------------------------------------------------- by order


class _Unit(NamedTuple):
    """A convolution or linear layer and the batch norm that directly follows it, if one does.

    What their tensors' names in the network begin with, and the norm's epsilon.
    """

    layer: str
    norm: str = ""
    epsilon: float = 0.0


def _by_order(module: torch.nn.Module, layers: LayerList) -> _Plan:
    ours = module.state_dict()
    units = _units(module)
    values: dict[str, torch.Tensor] = {}
    mismatched: list[Mismatch] = []
    n_matched = 0
    for unit, layer in zip(units, layers, strict=False):
        found = _fitted(unit, layer, ours)
        if isinstance(found, dict):
            values |= found
            n_matched += 1
        else:
            mismatched.append(found)
    missing = [f"{unit.layer}weight" for unit in units[len(layers) :]]
    missing += [
        name
        for name, tensor in ours.items()
        if _is_needed(name, tensor) and not _is_of(units, name)
    ]
    surplus = [layer.name for layer in layers[len(units) :]]
    account = Account(
        how="by order",
        n_matched=n_matched,
        missing=tuple(missing),
        unexpected=tuple(surplus),
        mismatched=tuple(mismatched),
    )
    return _Plan(account, values, surplus)


def _units(module: torch.nn.Module) -> list[_Unit]:
    from torch import nn

    layer_types = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
    norm_types = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
    units: list[_Unit] = []
    follows_layer = False
    for name, part in module.named_modules():
        begin = f"{name}." if name else ""
        is_container = not any(True for _ in part.parameters(recurse=False)) and any(
            True for _ in part.children()
        )
        if is_container or isinstance(part, nn.Identity):
            continue  # does nothing of its own
        if isinstance(part, layer_types):
            units.append(_Unit(begin))
        elif (
            follows_layer
            and isinstance(part, norm_types)
            # only a norm with all its tensors can be made the identity
            and part.affine
            and part.track_running_stats
        ):
            units[-1] = _Unit(units[-1].layer, begin, part.eps)
        follows_layer = isinstance(part, layer_types)
    return units


def _is_of(units: list[_Unit], name: str) -> bool:
    begin, _, _ = name.rpartition(".")
    begin = f"{begin}." if begin else ""
    return any(begin in (unit.layer, unit.norm) for unit in units)


def _fitted(
    unit: _Unit, layer: Layer, ours: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor] | Mismatch:
    """What a layer of the file makes of a unit's tensors, or why it cannot."""
    import torch

    weight, bias = f"{unit.layer}weight", f"{unit.layer}bias"
    if _core(layer.weight.shape) != _core(ours[weight].shape):
        return weight, tuple(layer.weight.shape), tuple(ours[weight].shape)
    values = {weight: layer.weight.reshape(ours[weight].shape)}
    if unit.norm:
        values |= {
            f"{unit.norm}weight": torch.ones_like(layer.bias),
            f"{unit.norm}bias": layer.bias,
            f"{unit.norm}running_mean": torch.zeros_like(layer.bias),
            # so that the norm divides by the root of exactly 1
            f"{unit.norm}running_var": torch.full_like(layer.bias, 1 - unit.epsilon),
        }
        if bias in ours:
            values[bias] = torch.zeros_like(layer.bias)
    elif bias in ours:
        values[bias] = layer.bias
    elif layer.bias.any():
        return bias, tuple(layer.bias.shape), (0,)
    return values


def _core(shape: Sequence[int]) -> Shape:
    """A shape without ones at its end: a linear layer is a convolution of size one."""
    core = list(shape)
    while core and core[-1] == 1:
        core.pop()
    return tuple(core)


# -------------------------------------------------------------------------------------- in words


def _comparison(
    tensors: Mapping[str, torch.Tensor] | LayerList, ours: Mapping[str, torch.Tensor]
) -> str:
    """In which way two transformers differ, " (…)"; "" where that cannot be told."""
    if isinstance(tensors, LayerList):
        return ""
    file, network = _blocks(tensors), _blocks(ours)
    if not file or not network or file == network:
        return ""
    return f" (the file has {file}, the network {network})"


def _blocks(tensors: Mapping[str, torch.Tensor]) -> str:
    """For example "12 blocks of width 384", "" if there are no numbered blocks."""
    numbers = set()
    widths: Counter[int] = Counter()
    for name, tensor in tensors.items():
        if block := _BLOCK.search(name):
            numbers.add(int(block[1]))
            if tensor.ndim == 1:
                widths[len(tensor)] += 1
    if not widths:
        return ""
    # Most vectors of a block, its norms and its outputs, are as long as the block is wide.
    return f"{len(numbers)} blocks of width {widths.most_common(1)[0][0]}"


def _by(shape: Shape) -> str:
    return "×".join(map(str, shape)) or "a single number"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
