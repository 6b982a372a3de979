"""Set once, ask many: points and boxes on an image become SAM's masks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..cache import ContentCache, content_key
from ..devices import check_precision
from ..errors import InputError, is_number
from ..imaging import Channels, Scaling
from ..progress import Steps, run_steps
from .answer import SamAnswer
from .frame import Frame
from .loading import load_network
from .network import RGB, CanvasPrompts, MaskNetwork
from .questions import check_boxes, check_mask, check_points
from .rgb import planes_for_sam, rgb

if TYPE_CHECKING:
    from torch import Tensor

# Embeddings of SAM take 4 MB each, those of SAM 2 with its finer maps 17.
_KEPT_BYTES = 2**28
# What a pixel of a mask that is given as a prompt is worth as a logit.
_SURE = 10.0


@dataclass(frozen=True, eq=False)
class Look:
    """What a network saw of an image, about which can then be asked.

    Attributes
    ----------
    frame : Frame
        How the image lies on the canvas.
    embedding : tuple of Tensor
        The last is (1, d, r, c).
    """

    frame: Frame
    embedding: tuple[Tensor, ...]

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return sum(one.numel() * one.element_size() for one in self.embedding)


class SamSegmenter:
    """Turns points and boxes on an image into masks, by the Segment Anything Model.

    Parameters
    ----------
    model
        One of `list_sam_models()`: SAM's three sizes and micro-sam's fine-tunes; or "transformers:"
        and a folder, for SAM 2 and others that the package transformers has. Or a network that is
        loaded already.
    checkpoint
        File of weights in place of those installed: any in the format of SAM's authors, of any
        size.
    device
        "cpu", "cuda", "mps"; default: the best there is.
    precision
        Of the image encoder: "float32", "float16", "bfloat16", or "auto", which is half precision
        on CUDA and else float32. "bfloat16" is faster on processors that multiply it; the embedding
        then differs by some thousandths.

    Raises
    ------
    InputError
        If there is no such model, or its weights are missing, damaged or of another kind. Nothing
        is downloaded.

    Notes
    -----
    Looking at an image takes seconds, each answer a fraction of one. What was seen of the last
    images is kept by their content, so that going back to one costs nothing. Safe to call from
    several threads; calls wait for each other.
    """

    def __init__(
        self,
        model: str | MaskNetwork = "sam:vit_b",
        *,
        checkpoint: str | Path | None = None,
        device: str | None = None,
        precision: str = "auto",
    ) -> None:
        self.precision = check_precision(precision)
        # Whatever else was given is for `load_network` to refuse.
        is_network = not isinstance(model, str) and hasattr(model, "embed_steps")
        self.network: MaskNetwork = (
            cast("MaskNetwork", model)
            if is_network
            else load_network(cast("str", model), checkpoint=checkpoint, device=device)
        )
        self._kept: ContentCache[tuple[Tensor, ...]] = ContentCache(
            _KEPT_BYTES, lambda maps: sum(m.numel() * m.element_size() for m in maps)
        )
        self._lock = RLock()
        self._image: Look | None = None

    @property
    def shape(self) -> tuple[int, int] | None:
        """Rows and columns of the image that is set, None if there is none."""
        return None if self._image is None else self._image.frame.shape

    def set_image(
        self,
        image: Any,
        axes: str | None = None,
        *,
        channels: Channels = None,
        scaling: Scaling | None = None,
    ) -> None:
        """Look at an image, about which is then asked.

        Parameters
        ----------
        image
            One plane. dtype bool, integer or float; gray, color or several channels, which are
            mixed to color.
        axes
            A letter for each dimension: "YX", "YXC", "CYX". Default: "YX" of two dimensions.
        channels
            Indices of the channels to use, "all" or "composite". Default: all.
        scaling
            How intensities become 0 to 255; see `as_planes`. Default: 8 bits as they are, all else
            by percentiles.

        Raises
        ------
        InputError
            If it is no image, has several planes, or the axes do not fit it.
        """
        run_steps(self.set_image_steps(image, axes, channels=channels, scaling=scaling))

    def set_image_steps(
        self,
        image: Any,
        axes: str | None = None,
        *,
        channels: Channels = None,
        scaling: Scaling | None = None,
    ) -> Steps[None]:
        """`set_image` as a generator of progress; closed before its end it changes nothing."""
        planes = planes_for_sam(image, axes=axes, channels=channels, scaling=scaling)
        if len(planes) != 1:
            raise InputError(
                f"{len(planes)} planes were given, but prompts are on one. Give a single plane, "
                f'such as stack[3] with axes="YX".'
            )
        yield from self.set_rgb_steps(rgb(planes[0]))

    def set_rgb_steps(self, image: RGB) -> Steps[None]:
        """`set_image_steps` of an image (h, w, 3) that is as SAM expects it, 0 to 255."""
        self._image = yield from self.look_steps(image)

    def look_steps(self, image: RGB) -> Steps[Look]:
        """Look at an image (h, w, 3), 0 to 255, without setting it; `ask` asks about it then."""
        embedding = yield from self.embedding_steps(image)
        return Look(self.network.frame((image.shape[0], image.shape[1])), embedding)

    def embedding_steps(self, image: RGB) -> Steps[tuple[Tensor, ...]]:
        """What the network sees in an image (h, w, 3), computed once for each content."""
        key = (content_key(image), self.network.device)
        known = self._kept.known(key)
        if known is not None:
            return known
        embedding = yield from self.network.embed_steps(image, self.precision)
        return self._kept.get(key, lambda: embedding)

    def image_features(self) -> NDArray[np.float32]:
        """What was seen of the image: a vector for each cell, float32 (rows, columns, d).

        Cells cover the image evenly; those of the canvas that are beyond it are left out.
        """
        look = self._set()
        frame, maps = look.frame, look.embedding[-1][0].float()
        cells = [
            max(1, -(-n * maps.shape[axis] // frame.side))
            for axis, n in zip((1, 2), frame.size, strict=True)
        ]
        return maps[:, : cells[0], : cells[1]].permute(1, 2, 0).cpu().numpy()

    def predict(
        self,
        points: ArrayLike | None = None,
        positive: ArrayLike | None = None,
        *,
        boxes: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        multimask: bool = True,
    ) -> SamAnswer:
        """Masks of what is pointed at.

        Parameters
        ----------
        points
            (n, 2) rows (row, column) in pixels, all on or beside one thing.
        positive
            bool (n,): True for "this", False for "not this". Default: all True.
        boxes
            (top, left, bottom, right) in pixels around the thing; or (n, 4) rows around n things,
            which are answered at once, each for itself. Points go with a single box only.
        mask
            Logits of an earlier answer to refine, such as ``answer.logits[i]`` or
            ``answer.best_logits``: (s, s), or (n, s, s) with n boxes.
        multimask
            Whether to ask for three answers: the whole, a part and a part of that. One answer is
            better where prompts leave no doubt, such as several points.

        Returns
        -------
        SamAnswer
            Its ``best`` is the mask that the network thinks best.

        Raises
        ------
        InputError
            If no image is set, nothing is asked, or points or boxes lie outside the image.
        """
        return self.ask(self._set(), points, positive, boxes=boxes, mask=mask, multimask=multimask)

    def ask(
        self,
        look: Look,
        points: ArrayLike | None = None,
        positive: ArrayLike | None = None,
        *,
        boxes: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        multimask: bool = True,
    ) -> SamAnswer:
        """`predict` about an image that need not be the one that is set."""
        frame, embedding = look.frame, look.embedding
        places, signs = check_points(points, positive, frame.shape)
        if places is None and boxes is None and mask is None:
            raise InputError("Nothing was asked. Give points, boxes, or the mask to refine.")
        corners, several = check_boxes(boxes, frame.shape)
        if several and places is not None:
            raise InputError(
                f"Points were given with {len(corners)} boxes. Give points with one box, "
                f"(top, left, bottom, right), or ask about the boxes alone."
            )
        n = len(corners) if several else 1
        prompts = CanvasPrompts(
            None if places is None else frame.points(places)[np.newaxis],
            None if signs is None else signs[np.newaxis],
            None if boxes is None else frame.boxes(corners),
            None if mask is None else check_mask(mask, n, 4 * int(embedding[-1].shape[-1])),
        )
        with self._lock:
            logits, scores = self._answers(embedding, prompts, n, multimask)
        return self._answer(
            look, logits if several else logits[0], scores if several else scores[0]
        )

    def _answer(
        self, look: Look, logits: NDArray[np.float32], scores: NDArray[np.float32]
    ) -> SamAnswer:
        frame = look.frame
        rows, columns = (-(-n * logits.shape[-1] // frame.side) for n in frame.size)
        return SamAnswer(
            logits,
            scores,
            frame.shape,
            (rows, columns),
            lambda some: self._enlarged(some, frame),
            self.network.threshold,
        )

    def find(self, words: str, *, least: float = 0.5) -> SamAnswer:
        """Masks of all things in the image that words name, where the model knows words.

        Parameters
        ----------
        words
            What to look for: "cell", "a striped cat".
        least
            Things that are less probable, 0 to 1, are left out. Lower finds more.

        Returns
        -------
        SamAnswer
            Of n things, the surest first, with one answer each: ``best`` is (n, h, w), ``scores``
            (n, 1) how probable each is.

        Raises
        ------
        InputError
            If the model knows no words, or no image is set.
        """
        look = self._set()
        answer_words = getattr(self.network, "answer_words", None)
        if answer_words is None:
            raise InputError(
                f"{self.network.name} knows no words. Give points or boxes, or a model that does, "
                f"such as a folder of facebook/sam3: SamSegmenter('transformers:FOLDER')."
            )
        if not isinstance(words, str) or not words.strip():
            raise InputError(f"The words {words!r} name nothing. Give a text, such as 'cell'.")
        if not is_number(least) or not 0 <= least <= 1:
            raise InputError(f"least {least!r} cannot be used. Give a number from 0 to 1.")
        with self._lock:
            maps = tuple(one.to(self.network.device) for one in look.embedding)
            logits, scores = answer_words(maps, words.strip(), float(least))
        return self._answer(
            look,
            logits.float().cpu().numpy()[:, np.newaxis],
            scores.float().cpu().numpy()[:, np.newaxis],
        )

    def as_prompt(self, look: Look, mask: ArrayLike) -> NDArray[np.float32]:
        """A mask, bool (h, w), as the logits (s, s) that ``mask`` of `predict` takes.

        Pixels are worth ±10, shrunk to the network's raster as SAM shrinks images.
        """
        import torch
        import torch.nn.functional as F

        frame = look.frame
        given = np.asarray(mask)
        if given.shape != frame.shape or given.dtype != bool:
            raise InputError(
                f"A mask of shape {given.shape} and dtype {given.dtype} was given for an image of "
                f"{frame.shape[0]} × {frame.shape[1]} pixels. Give a bool array of its size."
            )
        side = 4 * int(look.embedding[-1].shape[-1])
        rows, columns = (max(1, round(n * side / frame.side)) for n in frame.size)
        inside = torch.from_numpy(given).float()[None, None]
        small = F.interpolate(inside, (rows, columns), mode="bilinear", antialias=True)
        logits = np.full((side, side), -_SURE, dtype=np.float32)
        logits[:rows, :columns] = (2 * small[0, 0].numpy() - 1) * _SURE
        return logits

    def _set(self) -> Look:
        if self._image is None:
            raise InputError("There is no image to ask about. Give one with set_image first.")
        return self._image

    def _answers(
        self, embedding: tuple[Tensor, ...], prompts: CanvasPrompts, n: int, multimask: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits (n, m, s, s) and scores (n, m) of n questions, some at a time."""
        from .memory import at_once, within_memory

        logits, scores = [], []

        def ask(first: int, last: int) -> None:
            part = CanvasPrompts(
                prompts.points,
                prompts.signs,
                None if prompts.boxes is None else prompts.boxes[first:last],
                None if prompts.masks is None else prompts.masks[first:last],
            )
            maps = tuple(one.to(self.network.device) for one in embedding)
            found = self.network.answer(maps, part, multimask=multimask)
            logits.append(found[0].float().cpu().numpy())
            scores.append(found[1].float().cpu().numpy())

        for _ in within_memory(self.network, n, at_once(self.network, n), ask):
            pass
        return np.concatenate(logits), np.concatenate(scores)

    def _enlarged(self, logits: NDArray[np.float32], frame: Frame) -> NDArray[np.float32]:
        import torch

        from .enlarging import enlarged

        result = np.empty((len(logits), *frame.shape), dtype=np.float32)
        with self._lock, torch.inference_mode():
            for i, one in enumerate(logits):
                given = torch.from_numpy(one)[None].to(self.network.device)
                result[i] = enlarged(given, frame)[0].cpu().numpy()
        return result
