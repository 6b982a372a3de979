"""Figures on tiny data sets, and images that cannot be used."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_ncut import InputError, evaluate
from napari_ncut.datasets import DATASETS, TASKS

PAIRS = [(task, name) for name, entry in DATASETS.items() for task in entry.tasks]
# What a bright disk on dark is found with, at least.
LEAST = {
    "localize": {"CorLoc": 1.0, "box IoU": 0.8},
    "saliency": {"IoU": 0.85, "max F": 0.9, "accuracy": 0.95},
    "objects": {"recall": 1.0, "precision": 0.5},
    "parts": {},
    "segmentation": {"covering ODS": 0.7, "PRI": 0.6},
    "superpixels": {"regions": 10},
}


@pytest.mark.parametrize(("task", "name"), PAIRS)
def test_every_task_on_every_data_set(task: str, name: str, roots: dict[str, Path]):
    options = {
        "parts": {"n_parts": 2, "in_truth": True}, "superpixels": {"n_segments": 20},
    }.get(task, {})  # fmt: skip
    outcome = evaluate(task, name, roots[name], limit=1, **options)
    assert len(outcome.rows) == 1
    assert not outcome.skipped
    assert set(outcome.figures) <= set(TASKS[task].figures)
    assert all(np.isfinite(value) for value in outcome.figures.values())
    for figure, least in LEAST[task].items():
        assert outcome.figures[figure] >= least, figure


@pytest.fixture
def spoiled(roots: dict[str, Path], tmp_path: Path) -> Path:
    """One good image, one that is no image, one whose mask has another size, one without mask."""
    root = tmp_path / "set"
    shutil.copytree(roots["folder"], root)
    (root / "images/two.jpg").write_bytes(b"no image")
    for name in ("small", "bare"):
        shutil.copy(root / "images/one.jpg", root / f"images/{name}.jpg")
    Image.fromarray(np.zeros((10, 12), np.uint8)).save(root / "masks/small.png")
    return root


def test_unusable_images_are_left_out_and_named(spoiled: Path):
    outcome = evaluate("saliency", "folder", spoiled)
    assert [row["image"] for row in outcome.rows] == ["one"]
    assert set(outcome.skipped) == {"bare", "small", "two"}
    assert "10 × 12" in outcome.skipped["small"]
    assert "3 of 4 images were left out" in outcome.summary
    assert "bare.png" in outcome.summary


def test_unusable_images_are_refused(spoiled: Path):
    with pytest.raises(InputError, match="bare"):
        evaluate("saliency", "folder", spoiled, on_error="refuse")


@pytest.mark.parametrize(
    ("task", "name", "options", "told"),
    [
        ("saliency", "bsds500", {}, "ecssd"),
        ("beauty", "ecssd", {}, "saliency"),
        ("saliency", "ecssd", {"on_error": "hope"}, "refuse"),
        ("saliency", "ecssd", {"limit": 0}, "from 1"),
    ],
)
def test_refused(task: str, name: str, options: dict, told: str, roots: dict[str, Path]):
    with pytest.raises(InputError, match=told):
        evaluate(task, name, roots[name], **options)
