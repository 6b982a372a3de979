"""SAM 3, as the package transformers has it: things are found by words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..devices import autocast
from ..errors import InputError
from ..progress import Progress, Steps
from .frame import Frame
from .network import RGB, Candidates, CanvasPrompts, MaskNetwork

if TYPE_CHECKING:
    from torch import Tensor

# Tokens of a text, which the model was trained with.
_TOKENS = 32
# What it was trained with, in place of ImageNet's.
MIDDLE = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


class WordsNetwork:
    """A `Sam3Model`, which finds all things that words name; see `MaskNetwork`.

    Parameters
    ----------
    model
        `transformers.Sam3Model` with its weights.
    tokenizer
        Its tokenizer.
    name
        How users call it.
    device
        Where it computes.
    pointing
        What answers points and boxes, of a model that has both; None: nothing does.
    """

    threshold = 0.0

    def __init__(
        self,
        model: Any,
        tokenizer: Callable[..., Any],
        name: str,
        device: str,
        pointing: MaskNetwork | None = None,
    ) -> None:
        self.model = model.eval().requires_grad_(False)
        self.name = name
        self.n_answers = 1 if pointing is None else pointing.n_answers
        self._tokenizer = tokenizer
        self._pointing = pointing
        self._side = int(np.max(model.config.vision_config.image_size))
        self._levels = len(model.config.vision_config.scale_factors) - 1
        self.move(device)

    @property
    def bytes_per_point(self) -> float:
        """See `MaskNetwork`."""
        return 2.0**24 if self._pointing is None else self._pointing.bytes_per_point

    def move(self, device: str) -> None:
        """See `MaskNetwork`."""
        self.device = device
        self.model.to(device)
        if self._pointing is not None:
            self._pointing.move(device)

    def frame(self, shape: tuple[int, int]) -> Frame:
        """See `MaskNetwork`."""
        return Frame.stretched(shape, self._side)

    def embed_steps(self, image: RGB, precision: str) -> Steps[tuple[Tensor, ...]]:
        """See `MaskNetwork`: maps that words are looked for in, where they lie, maps for points."""
        import torch

        from .transformers_network import on_canvas

        yield Progress("embedding", 0, 1)
        frame = self.frame((image.shape[0], image.shape[1]))
        with torch.inference_mode():
            canvas = on_canvas(image, frame, MIDDLE, self.device)
            with autocast(self.device, precision):
                found = self.model.get_vision_features(canvas)
        places = found.fpn_position_encoding[: self._levels]
        maps = tuple(one.float() for one in (*places, *found.fpn_hidden_states[: self._levels]))
        if self._pointing is None:
            return maps
        return maps + (yield from self._pointing.embed_steps(image, precision))

    def answer(
        self, embedding: tuple[Tensor, ...], prompts: CanvasPrompts, *, multimask: bool
    ) -> tuple[Tensor, Tensor]:
        """See `MaskNetwork`."""
        rest = embedding[2 * self._levels :]
        return self._pointer().answer(rest, prompts, multimask=multimask)

    def candidates(
        self, embedding: tuple[Tensor, ...], points: NDArray[np.float64], least: float
    ) -> Candidates:
        """See `MaskNetwork`."""
        return self._pointer().candidates(embedding[2 * self._levels :], points, least)

    def answer_words(
        self, embedding: tuple[Tensor, ...], words: str, least: float
    ) -> tuple[Tensor, Tensor]:
        """Logits (n, s, s) and scores (n,) of all things that words name, the surest first."""
        import torch

        tokens = self._tokenizer(
            [words],
            return_tensors="pt",
            padding="max_length",
            truncation=True,
            max_length=min(_TOKENS, int(self.model.config.text_config.max_position_embeddings)),
        )
        places, maps = embedding[: self._levels], embedding[self._levels : 2 * self._levels]
        with torch.inference_mode():
            found = self.model(
                vision_embeds=_Seen((*maps, maps[-1]), (*places, places[-1])),
                input_ids=tokens["input_ids"].to(self.device),
                attention_mask=tokens["attention_mask"].to(self.device),
            )
            scores = found.pred_logits[0].sigmoid()
            if found.presence_logits is not None:
                # Whether there is any such thing in the image at all.
                scores = scores * found.presence_logits[0].sigmoid()
            order = scores.argsort(descending=True, stable=True)
            kept = order[scores[order] > least]
            return found.pred_masks[0][kept], scores[kept]

    def _pointer(self) -> MaskNetwork:
        if self._pointing is None:
            raise InputError(
                f"{self.name} finds things by words alone, and answers neither points nor boxes. "
                f"Give words, or another model."
            )
        return self._pointing


class _Seen:
    """What `Sam3Model` reads of what it saw; of the last, coarsest level it reads nothing."""

    def __init__(self, maps: tuple[Tensor, ...], places: tuple[Tensor, ...]) -> None:
        self.fpn_hidden_states, self.fpn_position_encoding = maps, places
        self.hidden_states = self.attentions = None
