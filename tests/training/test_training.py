"""Training of the networks that come with the package: a few steps, and going on after a stop."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from napari_ncut.backbones.compact_network import CompactNetwork
from napari_ncut.backbones.compact_weights import read_weights
from napari_ncut.errors import InputError
from napari_ncut.training import compact
from napari_ncut.training.augmentation import Crop, random_crop
from napari_ncut.training.batches import (
    Batches,
    Drawing,
    Pairs,
    boundary_share,
    drawn,
    kind_pairs,
    segment_pairs,
)
from napari_ncut.training.samples import Sample, read_samples
from napari_ncut.training.synthesis import synthesize

from .stopping import stop_once


def samples() -> dict[str, list[Sample]]:
    scene = synthesize("grains", seed=3, shape=(120, 140))
    image = (scene.image * 255).astype(np.uint8)
    if image.ndim == 2:
        image = np.repeat(image[..., np.newaxis], 3, axis=-1)
    return {
        "synthesized": [Sample("one", "synthesized", image, scene.segmentations, scene.classes)]
    }


SETTINGS = compact.Settings(steps=6, seed=1)
DRAWING = Drawing(((2, 64), (1, 96)), pairs=200, reach=100.0, seed=1)


def steps(run: compact.Run, n: int, workers: int = 0) -> list[dict[str, float]]:
    found = []
    for batch in drawn(Batches(samples(), DRAWING, 6), run.step, workers=workers):
        found.append({name: float(part) for name, part in run.learn(batch).items()})
        if len(found) == n:
            break
    return found


def test_a_run_that_was_stopped_goes_on_as_if_it_was_not(tmp_path):
    straight = compact.Run(SETTINGS)
    expected = steps(straight, 4)
    first = compact.Run(SETTINGS)
    steps(first, 2)
    first.save(tmp_path / "checkpoint.pt")
    second = compact.Run(SETTINGS)
    second.load(tmp_path / "checkpoint.pt")
    assert second.step == 2
    # Whoever draws the crops, a step's depend on its number alone.
    assert steps(second, 2, workers=2) == expected[2:]
    straight_weights = straight.network.state_dict()
    for name, value in second.network.state_dict().items():
        torch.testing.assert_close(value, straight_weights[name], rtol=0, atol=0)


def test_what_is_learned_lowers_the_loss():
    run = compact.Run(compact.Settings(steps=60, seed=1))
    drawing = Drawing(((2, 64),), pairs=500, reach=100.0, seed=1)
    parts = [run.learn(batch) for batch in drawn(Batches(samples(), drawing, 60), 0, workers=0)]
    first, last = (
        np.mean([p["boundary"] + p["segment"] for p in some]) for some in (parts[:10], parts[-10:])
    )
    assert last < 0.9 * first


def test_exported_weights_are_those_that_the_backbone_reads(tmp_path):
    from napari_ncut.backbones.compact import Compact

    run = compact.Run(SETTINGS)
    steps(run, 2)
    run.export(tmp_path / "weights.safetensors")
    plane = np.random.RandomState(0).rand(64, 96, 3).astype(np.float32)
    maps = Compact(checkpoint=tmp_path / "weights.safetensors").maps(plane)
    run.average.eval()
    around = np.pad(plane, ((96, 96), (96, 96), (0, 0)), mode="symmetric")
    with torch.inference_mode():
        expected = run.average(torch.from_numpy(around.transpose(2, 0, 1)[np.newaxis]))
    # How the weights are packed is all that differs.
    expected = expected.boundary[0, 0, 96:-96, 96:-96].sigmoid()
    np.testing.assert_allclose(maps.boundary, expected, atol=0.01)


def test_training_begins_from_what_an_earlier_run_wrote(tmp_path):
    from safetensors.torch import save_file

    first = compact.Run(SETTINGS)
    steps(first, 3)
    first.export(tmp_path / "weights.safetensors")
    start, images = compact._beginning(tmp_path / "weights.safetensors", samples(), SETTINGS)
    torch.testing.assert_close(start, read_weights(tmp_path / "weights.safetensors"))
    second = compact.Run(SETTINGS, start, images)
    first.average.eval()
    second.network.eval()
    with torch.inference_mode():
        before, after = first.average(images), second.network(images)
    torch.testing.assert_close(before.boundary, after.boundary, atol=0.02, rtol=0)
    assert compact._beginning(None, samples(), SETTINGS) == (None, None)
    for left_out, added, told in (("boundary.weight", "", "missing"), ("", "other", "unknown")):
        weights = {name: value for name, value in start.items() if name != left_out}
        save_file(weights | ({added: torch.zeros(1)} if added else {}), tmp_path / "foreign")
        with pytest.raises(InputError, match=told):
            compact._beginning(tmp_path / "foreign", samples(), SETTINGS)


def test_what_was_learned_is_mixed_with_where_it_began(tmp_path):
    run = compact.Run(SETTINGS)
    steps(run, 3)
    run.export(tmp_path / "end.safetensors")
    end = read_weights(tmp_path / "end.safetensors")
    start = {name: value + 1 for name, value in end.items() if "stages.3.blocks.3" not in name}
    run.export(tmp_path / "mixed.safetensors", start, 0.7)
    for name, value in read_weights(tmp_path / "mixed.safetensors").items():
        expected = end[name] + 0.3
        if "stages.3.blocks.3" in name:  # a block that the start lacks did nothing there
            expected = end[name] * (0.7 if ".second." in name else 1)
        torch.testing.assert_close(value, expected, atol=0.02, rtol=0.02)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_replayed_gradients_are_those_that_are_computed():
    run = compact.Run(SETTINGS, device="cuda")
    run.network.train()
    for batch in drawn(Batches(samples(), DRAWING, 6), 0, workers=0):
        found = []
        for gradients in (run._computed, run._gradients):
            run.optimizer.zero_grad(set_to_none=False)
            gradients(batch.to("cuda"))
            found.append(torch.cat([p.grad.flatten() for p in run.network.parameters()]))
        assert (found[0] - found[1]).norm() < 0.02 * found[0].norm()


def test_the_command_goes_on_from_its_checkpoint_and_writes_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(compact, "read_samples", lambda *_, **__: samples())
    monkeypatch.setattr(compact, "_HELD", 1)
    steps_made = stop_once(monkeypatch, compact.Run, 2)
    arguments = {"data": tmp_path, "steps": 3, "crops": 2, "every": 1, "workers": 0}
    with pytest.raises(KeyboardInterrupt):
        compact.main(tmp_path / "run", device="cpu", **arguments)
    compact.main(tmp_path / "run", device="cpu", **arguments)
    assert steps_made == [0, 1, -1, 2]
    rows = (tmp_path / "run" / "log.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[0] for row in rows] == ["1", "2", "3"]
    assert all(len(row.split(",")) == 7 for row in rows)
    settings = json.loads((tmp_path / "run" / "settings.json").read_text(encoding="utf-8"))
    assert settings["steps"] == 3 and settings["crops"] == 2
    weights = read_weights(tmp_path / "run" / "compact.safetensors")
    assert weights.keys() == CompactNetwork().fold().state_dict().keys()


def test_images_are_the_same_whoever_synthesizes_them(tmp_path):
    alone, together = (
        read_samples(tmp_path, synthesized=1, shape=(48, 56), folders=(), workers=workers)
        for workers in (1, 2)
    )
    assert [one.name for one in alone["synthesized"]] == [s.name for s in together["synthesized"]]
    for one, other in zip(alone["synthesized"], together["synthesized"], strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.segmentations, other.segmentations)


def test_boundaries_are_the_share_of_annotators_that_draw_them():
    one = np.ones((4, 6), np.int32)
    one[:, 3:] = 2
    share = boundary_share(np.stack([one, np.ones_like(one)]))
    np.testing.assert_array_equal(share[0], [0, 0, 0.5, 0.5, 0, 0])


def test_pairs_are_of_one_segment_as_people_say_and_of_kinds_that_are_known():
    side = 64
    half = np.ones((side, side), np.int32)
    half[:, 32:] = 2
    whole = np.ones_like(half)
    crop = Crop(np.zeros((side, side, 3), np.float32), np.stack([half, whole]), np.uint8(half))
    random = np.random.default_rng(0)
    pairs = segment_pairs(random, crop, DRAWING)
    apart = (pairs.start % 32 < 16) != (pairs.end % 32 < 16)
    torch.testing.assert_close(pairs.same, torch.where(apart, 0.5, 1.0))
    assert apart.any() and not apart.all()
    kinds = kind_pairs(random, crop, DRAWING)
    apart = (kinds.start % 32 < 16) != (kinds.end % 32 < 16)
    torch.testing.assert_close(kinds.same, (~apart).float())
    of_same, of_other = kinds.weights[~apart].sum(), kinds.weights[apart].sum()
    torch.testing.assert_close(of_same, of_other)
    for unknown in (np.zeros_like(half), np.ones_like(half)):
        crop = Crop(crop.image, crop.segmentations, np.uint8(unknown))
        assert not kind_pairs(random, crop, DRAWING).weights.any()


def test_crops_of_which_nothing_is_known_do_not_dilute_the_loss():
    embedded = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    cells = torch.arange(2 * 20).reshape(2, 20) % 64
    same = torch.tensor([0.0, 1.0]).repeat(2, 10)
    told = Pairs(cells, cells.flip(1), same, torch.tensor([[1.0], [0.0]]).expand(2, 20))
    first = Pairs(*(one[:1] for one in (told.start, told.end, told.same, told.weights)))
    offset = torch.tensor(2.0)
    loss = compact.pair_loss(embedded, offset, told)
    torch.testing.assert_close(loss, compact.pair_loss(embedded[:1], offset, first))
    # By hand: embeddings of cells, row by row.
    at = embedded[0].reshape(3, 64)
    logits = offset - (at[:, told.start[0]] - at[:, told.end[0]]).square().sum(0)
    by_hand = -(same[0] * logits.sigmoid().log() + (1 - same[0]) * (-logits).sigmoid().log())
    torch.testing.assert_close(loss, by_hand.mean())
    nothing = Pairs(cells, cells, same, torch.zeros(2, 20))
    assert compact.pair_loss(embedded, offset, nothing) == 0


@pytest.mark.parametrize("scale", [0.7, 1.6])
def test_crops_show_the_same_place_in_image_and_truth(scale):
    rows, columns = np.indices((90, 110))
    inside = np.hypot(rows - 45, columns - 55) < 25
    image = np.repeat((inside * 200 + 20).astype(np.uint8)[..., np.newaxis], 3, axis=-1)
    sample = Sample(
        "disc", "test", image, inside[np.newaxis].astype(np.int32) + 1, inside + np.uint8(1)
    )
    for seed in range(6):
        crop = random_crop(np.random.default_rng(seed), sample, 64, scales=(scale, scale))
        assert crop.image.shape == (64, 64, 3) and crop.image.dtype == np.float32
        lit = crop.segmentations[0] == 2
        if not lit.any() or lit.all():
            continue
        light = crop.image.mean(axis=-1)
        # Noise, gamma and inversion leave a difference that one threshold finds.
        middle = (light[lit].mean() + light[~lit].mean()) / 2
        right = ((light > middle) == lit).mean()
        assert max(right, 1 - right) > 0.85


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="bsds500"):
        read_samples(tmp_path)
