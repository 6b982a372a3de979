"""Files of weights → a whole SAM: encoder of images, encoder of prompts, decoder of masks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, check_choice
from ..weights import load_into, read_checkpoint

if TYPE_CHECKING:
    from torch import Tensor

    from .network import MaskNetwork

_SAM, _TRANSFORMERS = "sam:", "transformers:"
# What others put before the names of a whole SAM, as micro-sam does while it trains.
_PREFIXES = ("", "sam.", "model.", "module.")
# Heads of the attention in SAM's decoder, which no tensor tells.
_DECODER_HEADS = 8


def list_sam_models() -> list[str]:
    """Names of the models that `SamSegmenter` and `automatic_masks` know, the smallest first."""
    from ..backbones.families.sam import names

    return list(names())


def load_network(
    model: str, *, checkpoint: str | Path | None = None, device: str | None = None
) -> MaskNetwork:
    """A network that answers prompts, ready for use. Nothing is downloaded.

    Parameters
    ----------
    model
        One of `list_sam_models()`; or "transformers:" and a folder, or the name of a model that
        was downloaded with Hugging Face's tools.
    checkpoint
        File of weights in place of those installed: any SAM in the format of its authors, whose
        architecture is read from the file.
    device
        "cpu", "cuda", "mps"; default: the best there is.

    Raises
    ------
    InputError
        If there is no such model, or its weights are missing, damaged or of another kind.
    """
    from ..backbones.families.llvm import keep_llvm_apart
    from ..devices import choose_device

    # segment-anything and transformers import torchvision.
    keep_llvm_apart()
    if isinstance(model, str) and model.startswith(_TRANSFORMERS):
        from .transformers_network import load_pretrained

        if checkpoint is not None:
            raise InputError(
                f"{model} brings its own weights, so checkpoint={str(checkpoint)!r} cannot be "
                f"used. Give the folder of the model in its place: {_TRANSFORMERS}FOLDER."
            )
        return load_pretrained(
            model.removeprefix(_TRANSFORMERS), choose_device(device, ("cuda", "mps"))
        )
    from ..backbones.families.loading import weights_of
    from ..backbones.registry import backbone_entry
    from .network import SamNetwork

    check_choice("SAM", model, list_sam_models())
    target = choose_device(device, ("cuda", "mps"))
    path = weights_of(backbone_entry(model), checkpoint)
    return SamNetwork(load_sam(path), model, target)


def load_sam(path: Path) -> Any:
    """The `segment_anything.modeling.Sam` of a file, on the CPU.

    Raises
    ------
    InputError
        If the file is damaged or holds no SAM.
    """
    found = read_checkpoint(path)
    tensors = found if isinstance(found, dict) else {}
    whole = _whole(tensors, path)
    sam = build_sam(whole, path)
    load_into(sam, whole, what=f"SAM from {path}", optional=lambda _: False)
    return sam.eval().requires_grad_(False)


def _whole(tensors: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """What of a file is SAM, by the names of its authors."""
    parts = ("image_encoder.", "prompt_encoder.", "mask_decoder.")
    for prefix in _PREFIXES:
        if any(name.startswith(f"{prefix}{parts[0]}") for name in tensors):
            break
    else:
        encoder_only = "pos_embed" in tensors and any("rel_pos_h" in name for name in tensors)
        what = "only the image encoder of a SAM" if encoder_only else "no SAM"
        raise InputError(
            f"{path} holds {what}, but prompts need a whole one: tensors named "
            f"{', '.join(f'{part}…' for part in parts)}. Give a checkpoint of segment-anything or "
            f"micro-sam, such as sam_vit_b_01ec64.pth."
        )
    own = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
    return {name: tensor for name, tensor in own.items() if name.startswith(parts)}


def build_sam(tensors: Mapping[str, Tensor], path: Path) -> Any:
    """A SAM with random weights, of the architecture that a state dict tells."""
    from segment_anything.modeling import MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    try:
        encoder = _image_encoder(tensors)
        width = tensors["mask_decoder.iou_token.weight"].shape[1]
        depth = _count(tensors, "mask_decoder.transformer.layers.")
        attention = "mask_decoder.transformer.layers.0.cross_attn_token_to_image.q_proj.weight"
        head = "mask_decoder.iou_prediction_head.layers."
        grid = encoder.img_size // encoder.patch_embed.proj.stride[0]
        return Sam(
            encoder,
            PromptEncoder(
                embed_dim=width,
                image_embedding_size=(grid, grid),
                input_image_size=(encoder.img_size, encoder.img_size),
                mask_in_chans=tensors["prompt_encoder.mask_downscaling.3.weight"].shape[0],
            ),
            MaskDecoder(
                transformer_dim=width,
                transformer=TwoWayTransformer(
                    depth=depth,
                    embedding_dim=width,
                    num_heads=_DECODER_HEADS,
                    mlp_dim=tensors["mask_decoder.transformer.layers.0.mlp.lin1.weight"].shape[0],
                    attention_downsample_rate=width // tensors[attention].shape[0],
                ),
                num_multimask_outputs=tensors["mask_decoder.mask_tokens.weight"].shape[0] - 1,
                iou_head_depth=_count(tensors, head),
                iou_head_hidden_dim=tensors[f"{head}0.weight"].shape[0],
            ),
        )
    # Names that are missing and shapes that do not go together, whichever comes first.
    except (KeyError, IndexError, ValueError, ZeroDivisionError, RuntimeError, AssertionError) as e:
        raise InputError(
            f"{path} holds a SAM of another kind than its authors' ({type(e).__name__}: {e}). Give "
            f"a checkpoint of segment-anything with a vision transformer (vit_b, vit_l, vit_h), or "
            f"of a model fine-tuned from one, such as micro-sam's."
        ) from e


def _image_encoder(tensors: Mapping[str, Tensor]) -> Any:
    import torch
    from segment_anything.modeling import ImageEncoderViT

    part = "image_encoder."
    own = {name.removeprefix(part): t for name, t in tensors.items() if name.startswith(part)}
    _, rows, columns, width = own["pos_embed"].shape
    if rows != columns:
        raise ValueError(f"a grid of {rows} × {columns} cells")
    patch = own["patch_embed.proj.weight"]
    depth = _count(own, "blocks.")
    relative = [own[f"blocks.{i}.attn.rel_pos_h"].shape for i in range(depth)]
    # A table of relative positions has an entry for every distance within what it is for: a window
    # or the whole grid.
    reaches = [(length + 1) // 2 for length, _ in relative]
    return ImageEncoderViT(
        img_size=rows * patch.shape[-1],
        patch_size=patch.shape[-1],
        in_chans=patch.shape[1],
        embed_dim=width,
        depth=depth,
        num_heads=width // relative[0][1],
        mlp_ratio=own["blocks.0.mlp.lin1.weight"].shape[0] / width,
        out_chans=own["neck.0.weight"].shape[0],
        qkv_bias="blocks.0.attn.qkv.bias" in own,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=next((reach for reach in reaches if reach != rows), 0),
        global_attn_indexes=tuple(i for i, reach in enumerate(reaches) if reach == rows),
    )


def _count(tensors: Mapping[str, Tensor], begin: str) -> int:
    """How many numbered parts there are."""
    numbers = {n[len(begin) :].partition(".")[0] for n in tensors if n.startswith(begin)}
    return len(numbers)
