"""What answers prompts: SAM of its authors, and the face that others share with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..progress import Steps
from .frame import Frame

if TYPE_CHECKING:
    from torch import Tensor

    from .decoder import PointDecoder, Shared

RGB = NDArray[np.uint8]


@dataclass(frozen=True)
class CanvasPrompts:
    """Prompts on the canvas, of n questions that are asked at once.

    Attributes
    ----------
    points, signs : float (n, k, 2) as (x, y), int (n, k), or None
        1 for "this", 0 for "not this".
    boxes : float (n, 4) as (left, top, right, bottom), or None
    masks : float32 (n, 1, s, s), or None
        Logits of earlier answers.
    """

    points: NDArray[np.float64] | None = None
    signs: NDArray[np.int32] | None = None
    boxes: NDArray[np.float64] | None = None
    masks: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Candidates:
    """Answers to many points that promise enough.

    Attributes
    ----------
    logits : Tensor (k, s, s)
    scores : Tensor (k,)
        Predicted IoU.
    points, answers : int64 arrays (k,)
        Which point each is for, and which of its answers it is.
    """

    logits: Tensor
    scores: Tensor
    points: NDArray[np.int64]
    answers: NDArray[np.int64]


class MaskNetwork(Protocol):
    """A network that makes masks of prompts.

    Attributes
    ----------
    name : str
        How users call it.
    device : str
        Where it computes.
    threshold : float
        Logits above it are mask.
    n_answers : int
        How many answers it gives to one question.
    """

    name: str
    device: str
    threshold: float
    n_answers: int

    @property
    def bytes_per_point(self) -> float:
        """Memory that one point of many takes while it is decoded, about."""
        ...

    def frame(self, shape: tuple[int, int]) -> Frame:
        """How an image of a shape lies on its canvas."""
        ...

    def embed_steps(self, image: RGB, precision: str) -> Steps[tuple[Tensor, ...]]:
        """What it sees in an image (h, w, 3): one tensor or several; the last is (1, d, r, c)."""
        ...

    def answer(
        self, embedding: tuple[Tensor, ...], prompts: CanvasPrompts, *, multimask: bool
    ) -> tuple[Tensor, Tensor]:
        """Logits (n, m, s, s) and predicted IoU (n, m)."""
        ...

    def candidates(
        self, embedding: tuple[Tensor, ...], points: NDArray[np.float64], least: float
    ) -> Candidates:
        """Answers to each of many points (n, 2) of the canvas whose predicted IoU is above least.

        With `least` of 0 or less: all answers.
        """
        ...

    def move(self, device: str) -> None:
        """Compute elsewhere from now on."""
        ...


class SamNetwork:
    """SAM as its authors wrote it, with an encoder and a decoder that do less for the same answers.

    Parameters
    ----------
    sam
        `segment_anything.modeling.Sam` with its weights.
    name
        How users call it.
    device
        Where it computes.
    """

    def __init__(self, sam: Any, name: str = "sam", device: str = "cpu") -> None:
        self.name = name
        self.sam = sam.eval()
        self.threshold = float(sam.mask_threshold)
        self.n_answers = int(sam.mask_decoder.num_multimask_outputs)
        self._shared: tuple[Tensor, PointDecoder, Shared] | None = None
        self.move(device)

    @property
    def bytes_per_point(self) -> float:
        """See `MaskNetwork`."""
        decoder = self.sam.mask_decoder
        cells = int(np.prod(self.sam.prompt_encoder.image_embedding_size))
        # Keys before and after a layer, with positions added; then four maps of a quarter of the
        # channels at four times the cells, and of an eighth at sixteen times.
        return 4.0 * cells * decoder.transformer_dim * (4 + 3 * 1 + 3 * 2)

    def move(self, device: str) -> None:
        """See `MaskNetwork`."""
        self.device = device
        self.sam.to(device)
        self._shared = None

    def frame(self, shape: tuple[int, int]) -> Frame:
        """See `MaskNetwork`."""
        return Frame.padded(shape, int(self.sam.image_encoder.img_size))

    def embed_steps(self, image: RGB, precision: str) -> Steps[tuple[Tensor, ...]]:
        """See `MaskNetwork`."""
        import torch

        from .encoder import encode_steps

        frame = self.frame((image.shape[0], image.shape[1]))
        resized = torch.from_numpy(frame.resized(image).copy()).to(self.device)
        with torch.inference_mode():
            canvas = self.sam.preprocess(resized.permute(2, 0, 1)[None].contiguous())
        steps = encode_steps(self.sam.image_encoder, canvas, self.device, precision)
        embedding = yield from steps
        return (embedding,)

    def answer(
        self, embedding: tuple[Tensor, ...], prompts: CanvasPrompts, *, multimask: bool
    ) -> tuple[Tensor, Tensor]:
        """See `MaskNetwork`."""
        import torch

        points = None
        if prompts.points is not None and prompts.signs is not None:
            points = (
                torch.as_tensor(prompts.points, dtype=torch.float, device=self.device),
                torch.as_tensor(prompts.signs, dtype=torch.int, device=self.device),
            )
        boxes, masks = (
            None if given is None else torch.as_tensor(given, dtype=torch.float, device=self.device)
            for given in (prompts.boxes, prompts.masks)
        )
        with torch.inference_mode():
            sparse, dense = self.sam.prompt_encoder(points=points, boxes=boxes, masks=masks)
            logits, scores = self.sam.mask_decoder(
                image_embeddings=embedding[-1],
                image_pe=self.sam.prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=multimask,
            )
        return logits, scores

    def candidates(
        self, embedding: tuple[Tensor, ...], points: NDArray[np.float64], least: float
    ) -> Candidates:
        """See `MaskNetwork`."""
        import torch

        from .decoder import PointDecoder

        with torch.inference_mode():
            # What all points of an image share is computed once, as long as it is the same image.
            if self._shared is None or self._shared[0] is not embedding[-1]:
                decoder = PointDecoder(self.sam)
                self._shared = (embedding[-1], decoder, decoder.shared(embedding[-1]))
            _, decoder, shared = self._shared
            # The authors' generator keeps coordinates in double precision up to here.
            kind = torch.float if self.device.startswith("mps") else torch.double
            places = torch.as_tensor(points, dtype=kind, device=self.device)[:, None]
            signs = torch.ones(len(points), 1, dtype=torch.int, device=self.device)
            sparse, _ = self.sam.prompt_encoder(points=(places, signs), boxes=None, masks=None)
            tokens, keys = decoder.attend(shared, sparse)
            scores = decoder.scores(tokens)[:, 1:]
            promising = scores > least if least > 0 else torch.ones_like(scores, dtype=torch.bool)
            rows = promising.any(dim=1).nonzero()[:, 0]
            chosen = promising.nonzero()
            if not len(rows):
                side = 4 * self.sam.prompt_encoder.image_embedding_size[0]
                logits = scores.new_zeros((0, side, side))
            else:
                whole = decoder.masks(tokens[rows], keys[rows])
                logits = whole[promising[rows]]
        numbers = chosen.cpu().numpy()
        return Candidates(logits, scores[promising], numbers[:, 0], numbers[:, 1])
