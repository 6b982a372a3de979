"""SAM's automatic masks and image encoder against segment-anything 1.0: same masks, time, memory.

    python -m benchmarks.sam [--points 32] [--height 768] [--width 1024] [--model vit_b]

Both run in this process, on the same random weights (they cost as much as trained ones) and the
same image, with thresholds that let about a quarter of all candidates survive. `decode + filter` is
everything but the image encoder. Memory is the peak above what the process held before. Masks are
compared one to one.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from segment_anything import SamAutomaticMaskGenerator, sam_model_registry

from napari_ncut.progress import run_steps
from napari_ncut.sam import SamSegmenter, automatic_masks
from napari_ncut.sam.network import SamNetwork

OFFSET = 0.2


def random_sam(kind: str) -> Any:
    """A SAM whose random weights make masks that differ from point to point."""
    torch.manual_seed(0)
    sam = sam_model_registry[kind]().eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(2)
    for name, parameter in sam.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if "rel_pos" in name or "pos_embed" in name:
            parameter.copy_(0.1 * noise)
        elif name.startswith("mask_decoder") and parameter.ndim > 1:
            parameter.copy_(1.5 * noise / parameter[0].numel() ** 0.5)
    for layer in sam.mask_decoder.transformer.layers:
        attention = layer.cross_attn_image_to_token
        attention.q_proj.weight.mul_(2)
        attention.k_proj.weight.copy_(attention.q_proj.weight)
    head = sam.mask_decoder.iou_prediction_head.layers[-1]
    head.weight.mul_(0.05)
    head.bias.fill_(0.85)
    return sam


def picture(height: int, width: int) -> np.ndarray:
    """Patches of color and noise."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 128, (height // 64 + 1, width // 64 + 1, 3))
    image = np.kron(coarse, np.ones((64, 64, 1)))[:height, :width]
    return (image + random.integers(0, 120, image.shape)).astype(np.uint8)


def thresholds(segmenter: SamSegmenter, image: np.ndarray, points: int) -> dict[str, Any]:
    """Options of both generators, by a look at a few points."""
    network, frame = segmenter.network, segmenter.network.frame(image.shape[:2])
    (embedding,) = run_steps(segmenter.embedding_steps(image))
    along = (np.arange(6) + 0.5) / 6
    grid = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
    places = grid[:, ::-1] * np.array(image.shape[:2])
    found = network.candidates((embedding,), frame.points(places), 0.0)
    least = float(found.scores.quantile(0.4))
    logits = found.logits[found.scores > least]
    strict, loose = ((logits > sign * OFFSET).sum((1, 2)) for sign in (1, -1))
    return {
        "points_per_side": points,
        "pred_iou_thresh": least,
        "stability_score_thresh": float((strict / loose).nanquantile(0.55)),
        "stability_score_offset": OFFSET,
        # Boxes of random masks are large and alike: more remain to be compared.
        "box_nms_thresh": 0.95,
    }


def measured(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What work gives, its seconds, and its peak of memory in bytes (NaN where none is told)."""
    gc.collect()
    status = Path("/proc/self/status")
    told = status.exists()
    if told:
        # The kernel forgets the peak so far.
        Path("/proc/self/clear_refs").write_text("5")
    before = _kilobytes(status, "VmRSS") if told else float("nan")
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    peak = _kilobytes(status, "VmHWM") if told else float("nan")
    return result, seconds, (peak - before) * 1024


def _kilobytes(status: Path, name: str) -> float:
    return float(status.read_text().partition(f"{name}:")[2].split()[0])


def equal_masks(ours: Any, theirs: list[dict[str, Any]]) -> tuple[int, float]:
    """How many of their masks have one of ours alike (IoU ≥ .999), and the least IoU of all."""
    free, ious = set(range(len(ours))), []
    boxes = ours.boxes
    for one in theirs:
        left, top, width, height = one["bbox"]
        box = np.array([top, left, top + height + 1, left + width + 1])
        near = sorted(free, key=lambda i: float(np.abs(boxes[i] - box).sum()))[:3]
        best, found = 0.0, None
        for i in near:
            mask = ours.mask(i)
            either = np.count_nonzero(mask | one["segmentation"])
            common = np.count_nonzero(mask & one["segmentation"])
            iou = common / either if either else 1.0
            if iou > best:
                best, found = iou, i
        free -= {found}
        ious.append(best)
    return sum(iou >= 0.999 for iou in ious), min(ious, default=1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=32, help="along each side")
    parser.add_argument("--height", type=int, default=768)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--model", default="vit_b", choices=("vit_b", "vit_l", "vit_h"))
    given = parser.parse_args()
    console = Console(width=100)
    sam = random_sam(given.model)
    network = SamNetwork(sam)
    image = picture(given.height, given.width)
    frame = network.frame(image.shape[:2])
    resized = torch.from_numpy(frame.resized(image).copy()).permute(2, 0, 1)[None].float()
    canvas = sam.preprocess(resized)

    segmenter = SamSegmenter(network, precision="float32")
    with torch.inference_mode():
        sam.image_encoder.patch_embed(canvas)  # threads are started once
    expected, slow, slow_memory = measured(lambda: _encoded(sam, canvas))
    table = Table(title=f"image encoder, {given.model}, {torch.get_num_threads()} threads")
    for title in ("", "s", "times faster", "peak GB", "relative difference"):
        table.add_column(title, justify="left" if not title else "right")
    table.add_row("segment-anything", f"{slow:.1f}", "", f"{slow_memory / 1e9:.2f}", "")
    for precision in ("float32", "bfloat16"):
        one = SamSegmenter(network, precision=precision)
        ((found,), seconds, memory) = measured(
            lambda one=one: run_steps(one.embedding_steps(image))
        )
        difference = float((found - expected).norm() / expected.norm())
        table.add_row(
            f"ours, {precision}",
            f"{seconds:.1f}",
            f"{slow / seconds:.1f}",
            f"{memory / 1e9:.2f}",
            f"{difference:.1e}",
        )
        if precision == "float32":
            segmenter = one
    console.print(table)

    options = thresholds(segmenter, image, given.points)
    ours, fast, fast_memory = measured(
        lambda: automatic_masks(image, segmenter, axes="YXC", **options)
    )
    generator = SamAutomaticMaskGenerator(sam, **options)
    # Its encoder has been measured above; here it finds the image seen already.
    generator.predictor.model = _Seen(sam, expected)
    theirs, slow, slow_memory = measured(lambda: generator.generate(image))
    alike, least = equal_masks(ours, theirs)
    table = Table(title=f"decode + filter, {given.points} × {given.points} points")
    for title in ("", "s", "times faster", "peak GB", "masks"):
        table.add_column(title, justify="left" if not title else "right")
    table.add_row(
        "segment-anything", f"{slow:.1f}", "", f"{slow_memory / 1e9:.2f}", str(len(theirs))
    )
    table.add_row(
        "ours", f"{fast:.1f}", f"{slow / fast:.1f}", f"{fast_memory / 1e9:.2f}", str(len(ours))
    )
    console.print(table)
    console.print(f"{alike} of {len(theirs)} masks alike, least IoU {least:.4f}")


def _encoded(sam: Any, canvas: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return sam.image_encoder(canvas)


class _Seen:
    """A SAM whose image encoder gives what it gave before."""

    def __init__(self, sam: Any, embedding: torch.Tensor) -> None:
        self._sam = sam
        self.image_encoder = _SeenEncoder(sam.image_encoder.img_size, embedding)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sam, name)


class _SeenEncoder:
    def __init__(self, side: int, embedding: torch.Tensor) -> None:
        self.img_size, self._embedding = side, embedding

    def __call__(self, _: torch.Tensor) -> torch.Tensor:
        return self._embedding


if __name__ == "__main__":
    main()
