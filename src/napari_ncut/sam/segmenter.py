"""Set once, ask many: points and boxes on an image become SAM's masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..cache import ContentCache, content_key
from ..devices import check_precision
from ..errors import InputError, regular_array
from ..imaging import Channels, Scaling
from ..progress import Steps, run_steps
from .answer import SamAnswer
from .frame import Frame
from .loading import load_network
from .network import RGB, CanvasPrompts, MaskNetwork
from .rgb import planes_for_sam, rgb

if TYPE_CHECKING:
    from torch import Tensor

# Embeddings of SAM take 4 MB each, those of SAM 2 with its finer maps 17.
_KEPT_BYTES = 2**28


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
        self._image: tuple[Frame, tuple[Tensor, ...]] | None = None

    @property
    def shape(self) -> tuple[int, int] | None:
        """Rows and columns of the image that is set, None if there is none."""
        return None if self._image is None else self._image[0].shape

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
        embedding = yield from self.embedding_steps(image)
        with self._lock:
            shape = (image.shape[0], image.shape[1])
            self._image = (self.network.frame(shape), embedding)

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
        frame, embedding = self._set()
        maps = embedding[-1][0].float()
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
        frame, embedding = self._set()
        if points is None and boxes is None and mask is None:
            raise InputError("Nothing was asked. Give points, boxes, or the mask to refine.")
        places, signs = _check_points(points, positive, frame.shape)
        corners, several = _check_boxes(boxes, frame.shape)
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
            None if mask is None else _check_mask(mask, n, 4 * int(embedding[-1].shape[-1])),
        )
        with self._lock:
            logits, scores = self._answers(embedding, prompts, n, multimask)
        return SamAnswer(
            logits if several else logits[0],
            scores if several else scores[0],
            frame.shape,
            lambda some: self._masks(some, frame),
        )

    def _set(self) -> tuple[Frame, tuple[Tensor, ...]]:
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

    def _masks(self, logits: NDArray[np.float32], frame: Frame) -> NDArray[np.bool_]:
        import torch

        from .enlarging import enlarged

        masks = np.empty((len(logits), *frame.shape), dtype=bool)
        with self._lock, torch.inference_mode():
            for i, one in enumerate(logits):
                given = torch.from_numpy(one)[None].to(self.network.device)
                masks[i] = (enlarged(given, frame)[0] > self.network.threshold).cpu().numpy()
        return masks


def _check_points(
    points: ArrayLike | None, positive: ArrayLike | None, shape: tuple[int, int]
) -> tuple[NDArray[np.float64] | None, NDArray[np.int32] | None]:
    """Points (n, 2) and signs (n,) of 1 and 0."""
    if points is None or np.size(regular_array("Points", points)) == 0:
        if positive is not None and np.size(positive):
            raise InputError("Signs were given without points. Give a point for each.")
        return None, None
    places = regular_array("Points", points)
    if places.ndim != 2 or places.shape[1] != 2 or places.dtype.kind not in "biuf":
        raise InputError(
            f"Points of shape {places.shape} and dtype {places.dtype} cannot be used. Give rows "
            f"(row, column) in pixels."
        )
    places = places.astype(np.float64)
    outside = ~_inside(places, shape)
    if outside.any():
        raise InputError(
            f"The point {places[outside][0].tolist()} lies outside the image of {shape[0]} × "
            f"{shape[1]} pixels. Give (row, column), counted from 0."
        )
    if positive is None:
        return places, np.ones(len(places), np.int32)
    signs = regular_array("Signs", positive)
    if signs.shape != (len(places),) or signs.dtype.kind not in "biuf":
        raise InputError(
            f"Signs of shape {signs.shape} were given for {len(places)} points. Give True or False "
            f"for each."
        )
    if not np.isin(signs, (0, 1)).all():
        raise InputError(f"Signs {signs.tolist()} cannot be used. Give True or False for each.")
    return places, signs.astype(np.int32)


def _check_boxes(
    boxes: ArrayLike | None, shape: tuple[int, int]
) -> tuple[NDArray[np.float64], bool]:
    """Boxes (n, 4), and whether they are of several things."""
    if boxes is None:
        return np.zeros((0, 4)), False
    given = regular_array("Boxes", boxes)
    if given.ndim not in (1, 2) or given.shape[-1:] != (4,) or given.dtype.kind not in "biuf":
        raise InputError(
            f"Boxes of shape {given.shape} and dtype {given.dtype} cannot be used. Give "
            f"(top, left, bottom, right) in pixels, or rows of that."
        )
    corners = given.reshape(-1, 4).astype(np.float64)
    if not len(corners):
        raise InputError("There are no boxes. Give at least one, or leave them out.")
    height, width = shape
    wrong = ~(
        np.isfinite(corners).all(axis=1)
        & (corners[:, 0] < corners[:, 2])
        & (corners[:, 1] < corners[:, 3])
        & (corners[:, 0] < height)
        & (corners[:, 1] < width)
        & (corners[:, 2] > 0)
        & (corners[:, 3] > 0)
    )
    if wrong.any():
        raise InputError(
            f"The box {corners[wrong][0].tolist()} is empty or lies outside the image of "
            f"{height} × {width} pixels. Give (top, left, bottom, right) with top < bottom and "
            f"left < right."
        )
    return corners, given.ndim == 2


def _check_mask(mask: ArrayLike, n: int, side: int) -> NDArray[np.float32]:
    """Logits (n, 1, s, s)."""
    given = regular_array("The mask", mask)
    if given.shape not in {(side, side), (1, side, side), (n, side, side)} or (
        given.ndim == 2 and n > 1
    ):
        wanted = f"({side}, {side})" if n == 1 else f"({n}, {side}, {side}), one for each box"
        raise InputError(
            f"A mask of shape {given.shape} cannot be refined. Give the logits of an earlier "
            f"answer, {wanted}: answer.best_logits."
        )
    if given.dtype.kind != "f" or not np.isfinite(given).all():
        raise InputError(
            f"A mask of dtype {given.dtype} cannot be refined. Give the logits of an earlier "
            f"answer, which are finite floats: answer.best_logits."
        )
    return given.astype(np.float32).reshape(-1, 1, side, side)


def _inside(places: NDArray[np.float64], shape: Sequence[int]) -> NDArray[np.bool_]:
    """Which points lie on pixels, whose middles have whole coordinates."""
    with np.errstate(invalid="ignore"):
        inside = (places >= -0.5) & (places < np.array(shape, np.float64) - 0.5)
    return np.asarray(inside.all(axis=1))
