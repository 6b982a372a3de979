"""SAM's image encoder with less memory to walk through, block by block.

The same function as `segment_anything.modeling.ImageEncoderViT`, up to rounding. Attention with
relative positions is one fused product over few heads at a time, rather than several passes over
weights of all pairs of cells; and what pads the windows is not projected, since it is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..devices import autocast
from ..progress import Progress, Steps

if TYPE_CHECKING:
    from torch import Tensor

# Numbers of the relative positions that are held at once: those of one head of SAM's 64 × 64 cells.
_BIAS = 2**24


def encode_steps(encoder: Any, canvas: Tensor, device: str, precision: str) -> Steps[Tensor]:
    """The embedding (1, d, rows, columns) of a normalized canvas (1, 3, side, side).

    Parameters
    ----------
    encoder
        `segment_anything.modeling.ImageEncoderViT`.
    canvas
        On the device.
    device, precision
        See `devices.autocast`. The last convolutions are always computed in single precision.
    """
    import torch

    n_blocks = len(encoder.blocks)
    # Never across a yield: whoever drives these steps must not find the modes switched.
    with torch.inference_mode(), autocast(device, precision):
        stream = encoder.patch_embed(canvas)
        if encoder.pos_embed is not None:
            stream = stream + encoder.pos_embed
    for i, block in enumerate(encoder.blocks):
        yield Progress("embedding", i, n_blocks)
        with torch.inference_mode(), autocast(device, precision):
            stream = stream + _attended(block, block.norm1(stream))
            stream = stream + block.mlp(block.norm2(stream))
    with torch.inference_mode():
        return encoder.neck(stream.float().permute(0, 3, 1, 2))


def _attended(block: Any, stream: Tensor) -> Tensor:
    """What attention makes of cells (1, rows, columns, d), in windows or among all."""
    attention, window = block.attn, block.window_size
    _, rows, columns, width = stream.shape
    found = attention.qkv(stream)[0]
    if not window:
        values = _among(attention, found[None])[0]
        return attention.proj(values[None])
    down, across = (-(-n // window) for n in (rows, columns))
    full = (down * window, across * window)
    if full != (rows, columns):
        # Padded cells are zeros before they are projected, and their bias after.
        bias = attention.qkv.bias
        padded = found.new_zeros((*full, 3 * width))
        if bias is not None:
            padded[:] = bias
        padded[:rows, :columns] = found
        found = padded
    windows = found.reshape(down, window, across, window, -1).transpose(1, 2).flatten(0, 1)
    values = _among(attention, windows)
    whole = values.reshape(down, across, window, window, -1).transpose(1, 2)
    whole = whole.reshape(1, *full, -1)[:, :rows, :columns]
    return attention.proj(whole)


def _among(attention: Any, projected: Tensor) -> Tensor:
    """Attention within each of n windows (n, rows, columns, 3 · d): (n, rows, columns, d)."""
    import torch
    import torch.nn.functional as F

    n, rows, columns, _ = projected.shape
    heads = attention.num_heads
    q, k, v = (
        projected.reshape(n, rows * columns, 3, heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
    )  # each (n, heads, cells, e)
    if not attention.use_rel_pos:
        found = F.scaled_dot_product_attention(q, k, v, scale=attention.scale)
    else:
        down = _relative(attention.rel_pos_h, rows).to(q.dtype)
        across = _relative(attention.rel_pos_w, columns).to(q.dtype)
        at_once = max(1, _BIAS // (n * (rows * columns) ** 2))
        parts = []
        for first in range(0, heads, at_once):
            chosen = slice(first, first + at_once)
            bias = _bias(q[:, chosen], down, across)
            parts.append(
                F.scaled_dot_product_attention(
                    q[:, chosen], k[:, chosen], v[:, chosen], bias, scale=attention.scale
                )
            )
        found = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
    return found.transpose(1, 2).reshape(n, rows, columns, -1)


def _relative(table: Tensor, n: int) -> Tensor:
    """Rows (n, n, e) of a table of relative positions: from each place to each."""
    import torch

    places = torch.arange(n, device=table.device)
    return table[places[:, None] - places[None, :] + n - 1]


def _bias(q: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """What relative positions add to the weights of queries (n, heads, cells, e)."""
    import torch

    n, heads, cells, e = q.shape
    rows, columns = down.shape[0], across.shape[0]
    by_place = q.reshape(n * heads, rows, columns, e)
    of_rows = torch.einsum("nrce,rke->nrck", by_place, down)
    of_columns = torch.einsum("nrce,cke->nrck", by_place, across)
    bias = of_rows[..., :, None] + of_columns[..., None, :]
    return bias.reshape(n, heads, cells, cells)
