"""SAM's mask decoder for many points on one image, with what they share computed once.

The same function as `segment_anything.modeling.MaskDecoder`, up to rounding, in a third of the
operations:

- Projections are moved from the thousands of keys to the few tokens: q · (W k) = (Wᵀ q) · k, and
  Σ aᵢ (W kᵢ) = W Σ aᵢ kᵢ.
- In the first layer the keys of all points are the same: the image.
- Predicted IoU is known before masks are drawn; those that promise too little are never drawn.
- Transposed convolutions whose stride is their size are products of matrices; pixels are put in
  place once, in the finished masks.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Shared:
    """What all points of an image have in common.

    Attributes
    ----------
    keys, positions : Tensor (1, cells, d)
        The image, and where its cells are.
    to_image : (Tensor, Tensor)
        Keys (heads, e, cells) and values (heads, cells, e) of the first layer's attention to them.
    from_tokens : Tensor (heads, e, cells)
        Queries of the first layer's attention from them.
    """

    keys: Tensor
    positions: Tensor
    to_image: tuple[Tensor, Tensor]
    from_tokens: Tensor


class PointDecoder:
    """The decoder of a SAM; ask within `torch.inference_mode`.

    Parameters
    ----------
    sam
        `segment_anything.modeling.Sam`.
    """

    def __init__(self, sam: Any) -> None:
        self._decoder = sam.mask_decoder
        self._prompts = sam.prompt_encoder

    def shared(self, embedding: Tensor) -> Shared:
        """What all points on an image (1, d, rows, columns) have in common."""
        dense = self._prompts.no_mask_embed.weight.reshape(1, -1, 1, 1)
        keys = (embedding + dense).flatten(2).transpose(1, 2).contiguous()
        positions = self._prompts.get_dense_pe().flatten(2).transpose(1, 2).contiguous()
        first = self._decoder.transformer.layers[0]
        placed = keys + positions
        to_image, from_tokens = first.cross_attn_token_to_image, first.cross_attn_image_to_token
        return Shared(
            keys,
            positions,
            (
                _heads(to_image.k_proj(placed), to_image)[0].transpose(1, 2).contiguous(),
                _heads(to_image.v_proj(keys), to_image)[0].contiguous(),
            ),
            _heads(from_tokens.q_proj(placed), from_tokens)[0].transpose(1, 2).contiguous(),
        )

    def attend(self, shared: Shared, sparse: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (n, t, d) and keys (n, cells, d) after attention, of points (n, k, d)."""
        import torch

        decoder = self._decoder
        own = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
        asked = torch.cat([own.expand(len(sparse), -1, -1), sparse], dim=1)
        tokens, keys, placed = asked, shared.keys, shared.keys
        for i, layer in enumerate(decoder.transformer.layers):
            if layer.skip_first_layer_pe:
                tokens = layer.self_attn(q=tokens, k=tokens, v=tokens)
            else:
                with_asked = tokens + asked
                tokens = tokens + layer.self_attn(q=with_asked, k=with_asked, v=tokens)
            tokens = layer.norm1(tokens)
            to_image, from_tokens = layer.cross_attn_token_to_image, layer.cross_attn_image_to_token
            if i == 0:
                seen = _attend_shared(to_image, tokens + asked, *shared.to_image)
            else:
                placed = keys + shared.positions
                seen = _attend_image(to_image, tokens + asked, placed, keys)
            tokens = layer.norm2(tokens + seen)
            tokens = layer.norm3(tokens + layer.mlp(tokens))
            if i == 0:
                weights = _shared_weights(from_tokens, tokens + asked, shared.from_tokens)
            else:
                weights = _token_weights(from_tokens, tokens + asked, placed)
            keys = layer.norm4(_told(from_tokens, weights, tokens, keys))
        final = decoder.transformer.final_attn_token_to_image
        seen = _attend_image(final, tokens + asked, keys + shared.positions, keys)
        return decoder.transformer.norm_final_attn(tokens + seen), keys

    def scores(self, tokens: Tensor) -> Tensor:
        """Predicted IoU (n, 1 + answers): of the single answer, and of the several."""
        scores: Tensor = self._decoder.iou_prediction_head(tokens[:, 0])
        return scores

    def masks(self, tokens: Tensor, keys: Tensor) -> Tensor:
        """Logits (n, answers, 4 rows, 4 columns) of the several answers."""
        import torch
        import torch.nn.functional as F

        decoder = self._decoder
        first, norm, activation, second, activation_2 = decoder.output_upscaling
        n, n_cells, _ = keys.shape
        side = round(n_cells**0.5)
        fine = _enlarged(keys, first).reshape(n, n_cells * 4, -1)
        fine = activation(F.layer_norm(fine, fine.shape[-1:], norm.weight, norm.bias, norm.eps))
        fine = activation_2(_enlarged(fine, second).reshape(n, n_cells * 16, -1))
        networks = decoder.output_hypernetworks_mlps
        weights = torch.stack(
            [networks[i](tokens[:, 1 + i]) for i in range(1, decoder.num_mask_tokens)], dim=1
        )
        logits = weights @ fine.transpose(1, 2)
        # Cells, then the quarters of each, then the quarters of those, as rows and columns.
        split = logits.reshape(n, -1, side, side, 2, 2, 2, 2).permute(0, 1, 2, 4, 6, 3, 5, 7)
        return split.reshape(n, -1, side * 4, side * 4)


def _heads(values: Tensor, attention: Any) -> Tensor:
    """(n, t, heads · e) → (n, heads, t, e)."""
    n, t, _ = values.shape
    return values.reshape(n, t, attention.num_heads, -1).transpose(1, 2)


def _by_head(linear: Any, attention: Any) -> Tensor:
    """Weights (heads · e, d) of a projection into heads, as (heads, e, d)."""
    weight: Tensor = linear.weight
    return weight.reshape(attention.num_heads, -1, weight.shape[1])


def _attend_shared(attention: Any, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Attention of tokens (n, t, d) to keys (heads, e, cells) that are the same for all n."""
    n, t, _ = queries.shape
    q = _heads(attention.q_proj(queries), attention)
    heads, e = q.shape[1], q.shape[3]
    flat = q.transpose(0, 1).reshape(heads, n * t, e)
    weights = ((flat @ keys) / sqrt(e)).softmax(dim=-1)
    found = (weights @ values).reshape(heads, n, t, e).permute(1, 2, 0, 3)
    out: Tensor = attention.out_proj(found.reshape(n, t, heads * e))
    return out


def _attend_image(attention: Any, queries: Tensor, placed: Tensor, keys: Tensor) -> Tensor:
    """Attention of tokens (n, t, d) to keys (n, cells, d) of their own.

    The bias of the keys' projection adds the same to all weights of a token, and so nothing.
    """
    import torch

    n, t, d = queries.shape
    q = _heads(attention.q_proj(queries), attention)
    heads, e = q.shape[1], q.shape[3]
    asked = torch.einsum("nhte,hed->nhtd", q / sqrt(e), _by_head(attention.k_proj, attention))
    weights = torch.bmm(asked.reshape(n, heads * t, d), placed.transpose(1, 2)).softmax(dim=-1)
    seen = torch.bmm(weights, keys).reshape(n, heads, t, d)
    found = torch.einsum("nhtd,hed->nthe", seen, _by_head(attention.v_proj, attention))
    out: Tensor = attention.out_proj(found.reshape(n, t, heads * e) + attention.v_proj.bias)
    return out


def _shared_weights(attention: Any, told: Tensor, queries: Tensor) -> Tensor:
    """How much every cell heeds each token, (n, heads · t, cells), where cells are the same."""
    n, t, _ = told.shape
    k = _heads(attention.k_proj(told), attention)
    heads, e = k.shape[1], k.shape[3]
    flat = k.transpose(0, 1).reshape(heads, n * t, e)
    weights = ((flat @ queries) / sqrt(e)).reshape(heads, n, t, -1).softmax(dim=2)
    return weights.transpose(0, 1).reshape(n, heads * t, -1)


def _token_weights(attention: Any, told: Tensor, placed: Tensor) -> Tensor:
    """How much every cell of its own (n, cells, d) heeds each token, (n, heads · t, cells)."""
    import torch

    n, t, d = told.shape
    k = _heads(attention.k_proj(told), attention)
    heads, e = k.shape[1], k.shape[3]
    k = k / sqrt(e)
    heard = torch.einsum("nhte,hed->nhtd", k, _by_head(attention.q_proj, attention))
    bias = torch.einsum("nhte,he->nht", k, attention.q_proj.bias.reshape(heads, e))
    scores = torch.baddbmm(
        bias.reshape(n, heads * t, 1), heard.reshape(n, heads * t, d), placed.transpose(1, 2)
    )
    return scores.reshape(n, heads, t, -1).softmax(dim=2).reshape(n, heads * t, -1)


def _told(attention: Any, weights: Tensor, tokens: Tensor, keys: Tensor) -> Tensor:
    """Keys (n, cells, d) and what their heeding of tokens adds to them."""
    import torch

    v = _heads(attention.v_proj(tokens), attention)
    n, heads, t, e = v.shape
    out = attention.out_proj.weight.reshape(-1, heads, e)
    # Weights of a head add up to 1, and so the parts of the bias to the whole.
    added = torch.einsum("nhte,dhe->nhtd", v, out) + attention.out_proj.bias / heads
    flat = added.reshape(n, heads * t, -1)
    return torch.baddbmm(keys.expand(n, -1, -1), weights.transpose(1, 2), flat)


def _enlarged(values: Tensor, convolution: Any) -> Tensor:
    """A transposed convolution whose stride is its size, 2: (n, cells, d) → (n, cells, 4 · d')."""
    import torch.nn.functional as F

    weight = convolution.weight.permute(2, 3, 1, 0).flatten(0, 2)
    return F.linear(values, weight, convolution.bias.repeat(4))
