"""A grid of points on an image, and all good masks that SAM answers: segment-anything's generator.

The same masks as `segment_anything.SamAutomaticMaskGenerator`, up to rounding, of which only those
that promise enough are drawn, one at a time, where they are, and kept cropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, Steps
from .crops import Crop, crops_of
from .enlarging import enlarged_part, spans_above
from .found import Found, as_mask_set, cleaned, without_duplicates
from .frame import Frame
from .mask_set import MaskSet
from .memory import at_once, within_memory
from .network import RGB, Candidates, MaskNetwork
from .options import MaskOptions
from .segmenter import SamSegmenter

if TYPE_CHECKING:
    from torch import Tensor


def plane_masks_steps(image: RGB, segmenter: SamSegmenter, options: MaskOptions) -> Steps[MaskSet]:
    """All masks of an image (h, w, 3), as a generator of progress in questions asked."""
    shape = (image.shape[0], image.shape[1])
    grids = options.grids()
    crops = crops_of(shape, options.crop_n_layers, options.crop_overlap_ratio)
    total = sum(len(grids[crop.layer]) for crop in crops)
    done, found = 0, []
    for crop in crops:
        embedding = yield from segmenter.embedding_steps(np.ascontiguousarray(crop.cut(image)))
        in_crop: list[Found] = []
        points = grids[crop.layer] * np.array(crop.shape[::-1])
        search = _Search(segmenter.network, options, crop, shape, embedding, points, in_crop)
        size = at_once(segmenter.network, options.points_per_batch)
        yield Progress("masks", done, total)
        for asked in within_memory(segmenter.network, len(points), size, search.ask):
            yield Progress("masks", done + asked, total)
        done += len(points)
        scores = [one.predicted_iou for one in in_crop]
        found += without_duplicates(in_crop, scores, options.box_nms_thresh)
    if len(crops) > 1:
        # Of what both show, the smaller crop's is finer.
        areas = np.array([np.diff(np.reshape(one.part, (2, 2)), axis=0).prod() for one in found])
        found = without_duplicates(found, 1 / areas, options.crop_nms_thresh)
    if options.min_mask_region_area > 0:
        most = max(options.box_nms_thresh, options.crop_nms_thresh)
        found = cleaned(found, shape, options.min_mask_region_area, most)
    return as_mask_set(found, shape)


class _Search:
    """Points on one crop of a plane, of this shape, and what they find."""

    def __init__(
        self,
        network: MaskNetwork,
        options: MaskOptions,
        crop: Crop,
        shape: tuple[int, int],
        embedding: tuple[Tensor, ...],
        points: NDArray[np.float64],
        found: list[Found],
    ) -> None:
        self._network, self._options, self._crop, self._shape = network, options, crop, shape
        self._embedding, self._points, self._found = embedding, points, found
        self._frame: Frame = network.frame(crop.shape)
        # (x, y) → (row, column) → (x, y) of the canvas.
        self._on_canvas = self._frame.points(points[:, ::-1])

    def ask(self, first: int, last: int) -> None:
        """Ask about some points, and keep what is good."""
        import torch

        # It may have moved from a GPU to the processor.
        if self._embedding[-1].device.type != torch.device(self._network.device).type:
            self._embedding = tuple(one.to(self._network.device) for one in self._embedding)
        candidates = self._network.candidates(
            self._embedding, self._on_canvas[first:last], self._options.pred_iou_thresh
        )
        with torch.inference_mode():
            found = self._evaluated(candidates, first)
        self._found += found

    def _evaluated(self, candidates: Candidates, first: int) -> list[Found]:
        low = self._network.threshold - max(self._options.stability_score_offset, 0.0)
        spans = spans_above(candidates.logits, low)
        scores = candidates.scores.cpu().numpy()
        found = []
        for i, span in enumerate(spans):
            part = None
            if span is not None:
                part = enlarged_part(candidates.logits[i], *span, self._frame)
            made = self._mask(part)
            if made is None:
                continue
            stability, crop, box = made
            top, left, bottom, right = box
            begin = np.array([self._crop.top, self._crop.left] * 2)
            ends = np.array([top, left, bottom - 1, right - 1] if crop.size else box) + begin
            if self._crop.cuts_off(ends, self._shape):
                continue
            whole = np.array(box) + begin if crop.size else np.zeros(4, np.int64)
            x, y = self._points[first + candidates.points[i]]
            found.append(
                Found(
                    crop=crop,
                    box=_four(whole),
                    ends=_four(ends),
                    predicted_iou=float(scores[i]),
                    stability_score=stability,
                    point=(float(y) + self._crop.top, float(x) + self._crop.left),
                    # SAM's answers come with the smallest part first, mostly.
                    level=max(0, self._network.n_answers - 1 - int(candidates.answers[i])),
                    part=self._crop.box,
                )
            )
        return found

    def _mask(
        self, part: tuple[tuple[int, int], Tensor] | None
    ) -> tuple[float, NDArray[np.bool_], tuple[int, int, int, int]] | None:
        """Stability, mask and box in the crop; None unless it is stable enough."""
        import torch

        threshold, offset = self._network.threshold, self._options.stability_score_offset
        least = self._options.stability_score_thresh
        empty = (np.zeros((0, 0), dtype=bool), (0, 0, 0, 0))
        if part is None:
            return None if least > 0 else (float("nan"), *empty)
        (top, left), logits = part
        strict, loose = (
            int(torch.count_nonzero(logits > threshold + sign * offset)) for sign in (1, -1)
        )
        # In single precision, in which the generator compares.
        stability = np.float32(strict) / np.float32(loose) if loose else np.float32(np.nan)
        if least > 0 and not stability >= np.float32(least):
            return None
        mask = (logits > threshold).cpu().numpy()
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return float(stability), *empty
        inner = (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
        box = (inner[0] + top, inner[1] + left, inner[2] + top, inner[3] + left)
        return float(stability), mask[inner[0] : inner[2], inner[1] : inner[3]].copy(), box


def _four(values: NDArray[np.int64]) -> tuple[int, int, int, int]:
    top, left, bottom, right = (int(value) for value in values)
    return top, left, bottom, right
