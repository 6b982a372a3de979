"""What flows through the branches of transformer blocks, read by hooks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

BLOCK, BRANCHES, PROJECTIONS = "block", ("attn", "mlp"), ("q", "k", "v")
NODE_TYPES = {
    "block": "the stream after a block: what things are",
    "attn": "what attention adds to it: parts and sharp borders",
    "mlp": "what the perceptron adds to it",
    "q": "queries of the attention",
    "k": "keys of the attention: objects against their surroundings",
    "v": "values of the attention",
}
# Where a branch ends, just before it is added: behind layer scale and stochastic depth, which are
# modules of their own in timm (an identity where they are not used).
_ENDS = {"attn": ("drop_path1", "attn"), "mlp": ("drop_path2", "mlp")}
# CaiT has one module of stochastic depth for both branches, and scales them by parameters.
_SCALES = {"attn": "gamma_1", "mlp": "gamma_2"}


def nodes_of(blocks: Sequence[nn.Module]) -> tuple[str, ...]:
    """The node types that all of these blocks have."""
    nodes = [BLOCK]
    nodes += [
        branch
        for branch in BRANCHES
        if all(hasattr(block, branch) and _end(block, branch) is not None for block in blocks)
    ]
    if "attn" in nodes and all(_projections(block.attn) for block in blocks):
        nodes += PROJECTIONS
    return tuple(nodes)


@contextmanager
def tapped(blocks: Sequence[nn.Module], layers: Sequence[int], node: str) -> Iterator[list[Any]]:
    """Record one node type of some blocks while the network runs.

    Yields
    ------
    list
        Filled with one tensor for each of `layers`, in that order, as it is in the network: tokens
        (n, tokens, d), a map (n, rows, columns, d), or windows of one.
    """
    recorded: list[Any] = [None] * len(layers)
    with ExitStack() as hooks:
        for place, layer in enumerate(layers):
            handle = _hook(blocks[layer], node, place, recorded)
            hooks.callback(handle.remove)
        yield recorded


def _hook(block: Any, node: str, place: int, recorded: list[Any]) -> Any:
    if node in PROJECTIONS:

        def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            recorded[place] = project(module, args[0] if args else kwargs["query"], node)

        return block.attn.register_forward_pre_hook(before, with_kwargs=True)

    target = block if node == BLOCK else _end(block, node)
    is_scaled = node != BLOCK and target is not getattr(block, node)
    scale = None if node == BLOCK or is_scaled else getattr(block, _SCALES[node], None)

    def after(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        output = output[0] if isinstance(output, tuple) else output
        recorded[place] = output if scale is None else scale * output

    return target.register_forward_hook(after)


def _end(block: Any, branch: str) -> Any:
    return next((getattr(block, name) for name in _ENDS[branch] if hasattr(block, name)), None)


def _projections(attention: Any) -> bool:
    if getattr(attention, "q_proj", None) is not None:
        return all(getattr(attention, f"{name}_proj", None) is not None for name in PROJECTIONS)
    weight = _joint_weight(attention)
    return weight is not None and weight.ndim == 2 and weight.shape[0] == 3 * weight.shape[1]


def _joint_weight(attention: Any) -> Any:
    joint = getattr(attention, "qkv", None)
    return joint.weight if joint is not None else getattr(attention, "in_proj_weight", None)


def _joint_bias(attention: Any) -> Any:
    import torch

    if getattr(attention, "q_bias", None) is not None:
        # EVA and BEiT: keys have no bias, or one that is constantly zero
        keys = getattr(attention, "k_bias", None)
        keys = torch.zeros_like(attention.q_bias) if keys is None else keys
        return torch.cat((attention.q_bias, keys, attention.v_bias))
    joint = getattr(attention, "qkv", None)
    return joint.bias if joint is not None else getattr(attention, "in_proj_bias", None)


def project(attention: Any, tokens: Tensor, node: str) -> Tensor:
    """Queries, keys or values of `tokens` (…, d), heads side by side, as the projection gives them.

    They are taken before rotary embeddings and norms of single heads, as in LOST, TokenCut and
    Deep Spectral Methods. Computed anew from the attention's input, since fused kernels never show
    them.
    """
    import torch.nn.functional as F

    own = getattr(attention, f"{node}_proj", None)
    if own is not None:
        projected: Tensor = own(tokens)
        return projected
    third = PROJECTIONS.index(node)
    weight = _joint_weight(attention).chunk(3)[third]
    bias = _joint_bias(attention)
    return F.linear(tokens, weight, None if bias is None else bias.chunk(3)[third])


def as_map(tokens: Tensor, rows: int, columns: int) -> Tensor:
    """What a hook recorded, as a map (n, d, rows, columns) without prefix tokens or windows.

    Parameters
    ----------
    tokens
        (n, prefix + rows · columns, d) with class and register tokens in front; a map (n, rows,
        columns, d); or windows (n · windows, side, side, d) of one, padded at the far ends.
    rows, columns
        Of the grid of patches.
    """
    if tokens.ndim == 3:
        count, _, width = tokens.shape
        tokens = tokens[:, tokens.shape[1] - rows * columns :]
        return tokens.reshape(count, rows, columns, width).permute(0, 3, 1, 2)
    if tokens.shape[1:3] == (rows, columns):
        return tokens.permute(0, 3, 1, 2)
    side, width = tokens.shape[1], tokens.shape[-1]
    down, across = -(-rows // side), -(-columns // side)
    grid = tokens.reshape(-1, down, across, side, side, width).permute(0, 5, 1, 3, 2, 4)
    return grid.reshape(len(grid), width, down * side, across * side)[..., :rows, :columns]
