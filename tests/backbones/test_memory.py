"""What does not fit in memory is computed by fewer, in tiles, or elsewhere; and what it is said."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from napari_ncut.backbones import backbone_entry
from napari_ncut.backbones.estimate import estimate_run
from napari_ncut.backbones.extract import extract_steps
from napari_ncut.errors import InputError
from napari_ncut.imaging import PlaneLayout, as_planes, block_mean

from .fake import Means, backbone_of

SHORTAGES = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate"),
    RuntimeError("MPS backend out of memory"),
    MemoryError(),
]


@pytest.fixture
def planes():
    return list(np.random.default_rng(0).random((5, 128, 160, 3), dtype=np.float32))


@pytest.mark.parametrize("shortage", SHORTAGES, ids=lambda error: str(error)[:12] or "MemoryError")
def test_a_batch_is_halved_until_it_fits(monkeypatch, planes, shortage):
    network = Means()
    network.most, network.error = {"cpu": 2 * 128 * 160}, shortage
    backbone = backbone_of(network, monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        maps = backbone.features(planes, 16)
    for found, plane in zip(maps, planes, strict=True):
        np.testing.assert_allclose(found, block_mean(plane, 16), atol=1e-6)
    # What did not fit once is not tried again.
    tried = [n for n, rows, _ in network.batches if rows == 128]
    network.batches.clear()
    backbone.features(planes, 16)
    assert tried[0] == 5
    assert max(n for n, rows, _ in network.batches if rows == 128) <= 2


@pytest.fixture
def large():
    return list(np.random.default_rng(0).random((2, 512, 640, 3), dtype=np.float32))


def test_one_plane_too_large_is_cut_into_tiles_and_that_is_told(monkeypatch, large):
    planes = large
    network = Means()
    network.most = {"cpu": 400 * 400}
    backbone = backbone_of(network, monkeypatch)
    with pytest.warns(UserWarning, match="512 × 640 pixels, so they are cut into tiles of"):
        maps = backbone.features(planes, 16)
    for found, plane in zip(maps, planes, strict=True):
        np.testing.assert_allclose(found, block_mean(plane, 16), atol=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # told once
        backbone.features(planes, 16)


def test_the_processor_takes_over_and_that_is_told(monkeypatch, planes):
    network = Means()
    network.most = {"meta": 0}
    network.device = "meta"
    backbone = backbone_of(network, monkeypatch)
    backbone._device = "meta"  # stands for a GPU, which is not at hand

    def to(device):
        network.device = device

    monkeypatch.setattr(network.module, "to", to)
    monkeypatch.setattr("napari_ncut.backbones.network.release_memory", lambda device: None)
    monkeypatch.setattr(backbone, "_input", lambda planes, pixels: _tensor(planes))
    with pytest.warns(UserWarning) as told:
        maps = backbone.features(planes[:1], 16)
    assert "computing on the CPU" in str(told[-1].message)
    assert backbone.device == "cpu"
    np.testing.assert_allclose(maps[0], block_mean(planes[0], 16), atol=1e-6)


def _tensor(planes):
    return torch.from_numpy(np.stack(planes)).permute(0, 3, 1, 2)


def test_when_nothing_is_left_the_remedy_is_told(monkeypatch, large):
    network = Means()
    network.most = {"cpu": 1}
    backbone = backbone_of(network, monkeypatch)
    monkeypatch.setattr(type(backbone), "_smallest", 16)
    with (
        pytest.warns(UserWarning, match="tiles"),
        pytest.raises(InputError, match="Choose a region, a smaller network"),
    ):
        backbone.features(large, 16)
    # Never down to tiles in which nothing could be recognized.
    assert min(rows for n, rows, _ in network.batches) >= 256


def test_other_errors_are_not_taken_for_a_lack_of_memory(monkeypatch, planes):
    network = Means()
    network.most = {"cpu": 1000}
    network.error = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        backbone_of(network, monkeypatch).features(planes, 16)


def test_progress_counts_passes_and_stopping_leaves_nothing_switched(monkeypatch):
    stack = np.random.default_rng(0).random((3, 64, 64))
    backbone = backbone_of(Means(), monkeypatch, stride=8)
    steps = list(extract_steps(as_planes(stack, axes="ZYX"), backbone))
    assert (steps[0].done, steps[0].total) == (0, 12)
    assert (steps[-1].done, steps[-1].total) == (12, 12)
    done = [step.done for step in steps]
    assert done == sorted(done)
    running = extract_steps(as_planes(stack, axes="ZYX"), backbone)
    for _ in range(3):
        next(running)
        assert not torch.is_inference_mode_enabled()
    running.close()
    assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize("batch_size", [1, 2, 7])
def test_batches_are_as_large_as_asked_for(monkeypatch, batch_size):
    network = Means()
    stack = np.random.default_rng(0).random((5, 32, 32))
    backbone = backbone_of(network, monkeypatch)
    list(extract_steps(as_planes(stack, axes="ZYX"), backbone, batch_size))
    assert max(n for n, *_ in network.batches) == min(batch_size, 5)


def test_large_planes_come_alone_and_small_ones_together(monkeypatch):
    backbone = backbone_of(Means(), monkeypatch)
    assert backbone.batch_size_for([(2000, 2000)], 16) == 1
    assert backbone.batch_size_for([(64, 64)], 16) == 32


# ------------------------------------------------------------------------------------- estimates


def layout(*shapes, stride):
    return PlaneLayout(tuple(shapes), stride, ((),) * len(shapes), is_list=True)


def test_estimates_grow_with_what_costs():
    entry = backbone_entry("timm:vit_small_patch16_224.dino")
    once = estimate_run(layout((512, 512), stride=16), entry, 10)
    twice = estimate_run(layout((512, 512), (512, 512), stride=16), entry, 10)
    large = estimate_run(layout((1024, 1024), stride=16), entry, 10)
    passes = estimate_run(layout((512, 512), stride=8), entry, 10)
    dense = estimate_run(layout((512, 512), stride=8), entry, 10, dense=True)
    reduced = estimate_run(layout((1024, 1024), stride=32), entry, 10)
    assert once.seconds < twice.seconds < large.seconds
    # attention grows with the square of the image
    assert large.seconds - once.seconds > 3 * (twice.seconds - once.seconds)
    assert once.memory < large.memory
    assert once.seconds < passes.seconds < dense.seconds
    assert reduced.seconds == pytest.approx(once.seconds, rel=0.05)
    assert estimate_run(layout((512, 512), stride=16), entry, 10, device="cuda:0").seconds < (
        once.seconds
    )


def test_a_canvas_costs_the_same_for_small_images():
    entry = backbone_entry("sam:vit_b")
    small = estimate_run(layout((100, 100), stride=2), entry, 10)
    large = estimate_run(layout((1024, 1024), stride=16), entry, 10)
    fine = estimate_run(layout((1024, 1024), stride=8), entry, 10)
    assert small.seconds == pytest.approx(large.seconds, rel=0.05)
    assert fine.seconds > 3 * large.seconds


def test_texts_are_rounded():
    entry = backbone_entry("timm:vit_large_patch14_dinov2.lvd142m")
    shape = (1024, 1024)
    assert estimate_run(layout(*[shape] * 500, stride=14), entry, 10).text.split()[2] == "h,"
