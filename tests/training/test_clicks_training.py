"""Training of the click network, on two tiny scenes."""

from __future__ import annotations

import json
from itertools import islice

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy.ndimage import label

from napari_ncut.backbones.compact import Compact
from napari_ncut.prompts.click_network import ClickNetwork
from napari_ncut.training import click_tasks, clicks
from napari_ncut.training.click_session import iou
from napari_ncut.training.click_tasks import (
    Scene,
    clicks_elsewhere,
    describe_plane,
    scattered_clicks,
    two_looks,
)
from napari_ncut.training.samples import Sample

from .scenes import crops
from .stopping import stop_once


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [
        Scene.of(describe_plane(crop.image, Compact()), crop.segmentations, crop.classes)
        for crop in crops()
    ]


def test_clicks_are_learned_from(scenes):
    # With these weights a network that knows nothing answers with what was clicked alone.
    torch.manual_seed(1)
    network = ClickNetwork()
    before = clicks.judge(network.eval(), scenes, clicks=3)
    run = clicks.Run(clicks.Settings(steps=200, tasks=2, clicks=3), network.train())
    for _ in range(200):
        run.learn(scenes)
    after = clicks.judge(run.averaged, scenes, clicks=3)
    assert before.keys() == after.keys()
    for mode, curve in after.items():
        assert np.mean(curve) > np.mean(before[mode]) + 0.2


def test_a_run_that_was_stopped_goes_on_as_if_it_was_not(scenes, tmp_path):
    def begun() -> clicks.Run:
        torch.manual_seed(2)
        return clicks.Run(clicks.Settings(steps=4, tasks=1, clicks=3))

    whole = begun()
    losses = [whole.learn(scenes) for _ in range(4)]
    stopped = begun()
    for _ in range(2):
        stopped.learn(scenes)
    stopped.save(tmp_path / "checkpoint.pt")
    again = clicks.Run(clicks.Settings(steps=4, tasks=1, clicks=3))
    again.load(tmp_path / "checkpoint.pt")
    assert [again.learn(scenes) for _ in range(2)] == losses[2:]
    for one, other in zip(whole.averaged.parameters(), again.averaged.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_a_run_begins_from_earlier_weights(scenes):
    torch.manual_seed(3)
    earlier = ClickNetwork()
    run = clicks.Run(clicks.Settings(steps=2))
    run.begin(earlier.state_dict())
    before, now = (clicks.judge(one, scenes, clicks=2) for one in (earlier.eval(), run.averaged))
    assert before == now


def test_scenes_keep_nothing_of_clicks_that_were_learned_from(scenes):
    run = clicks.Run(clicks.Settings(steps=10, tasks=2, clicks=4))
    for _ in range(10):
        run.learn(scenes)
    clicks.judge(run.averaged, scenes, clicks=2)
    for scene in scenes:
        assert not {"_columns", "_clicks", "_known_paths"} & vars(scene.evidence).keys()


def test_segments_of_a_scene_are_numbered_from_0_and_stay_the_same(scenes):
    for scene, crop in zip(scenes, crops(), strict=True):
        assert scene.segmentations.dtype == np.uint16 and scene.segmentations.min() == 0
        for small, given in zip(scene.segmentations, crop.segmentations, strict=True):
            pairs = np.unique(np.stack([small.ravel(), given.ravel()]), axis=1)
            assert pairs.shape[1] == len(np.unique(small)) == len(np.unique(given))


def test_the_command_goes_on_from_its_checkpoint_and_writes_weights(scenes, tmp_path, monkeypatch):
    monkeypatch.setattr(clicks, "read_samples", lambda *_, **__: {})
    monkeypatch.setattr(clicks, "scenes_of", lambda *_, **__: scenes)
    monkeypatch.setattr(clicks, "judge", lambda *_: {"similar": [0.5] * 10, "object": [0.25] * 10})
    steps_made = stop_once(monkeypatch, clicks.Run, 2)
    with pytest.raises(KeyboardInterrupt):
        clicks.main(tmp_path / "run", tmp_path, steps=3, every=1)
    clicks.main(tmp_path / "run", tmp_path, steps=3, every=1)
    assert steps_made == [0, 1, -1, 2]
    rows = (tmp_path / "run" / "log.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[0] for row in rows] == ["1", "2", "3"]
    assert all(row.split(",")[2:] == ["0.5000"] * 4 + ["0.2500"] * 4 for row in rows)
    settings = json.loads((tmp_path / "run" / "settings.json").read_text(encoding="utf-8"))
    assert settings["steps"] == 3
    weights = load_file(tmp_path / "run" / "clicks.safetensors")
    assert weights.keys() == ClickNetwork().state_dict().keys()
    # Further runs may begin from them.
    clicks.main(tmp_path / "next", tmp_path, steps=1, start=tmp_path / "run/clicks.safetensors")


@pytest.mark.parametrize(("height", "sides"), [(200, {320}), (420, {320, 512}), (900, {320, 512})])
def test_small_images_are_not_enlarged_to_large_crops(monkeypatch, height, sides):
    monkeypatch.setattr(clicks, "_SIDES", {320: 0.5, 512: 0.5})
    monkeypatch.setattr(clicks, "describe_plane", lambda image, network: image.shape[0])
    blank = np.zeros((1, height, height), np.int32)
    sample = Sample("a", "own", np.zeros((height, height, 3), np.uint8), blank, blank[0] > 0)
    found = {clicks._described(sample, None, (0, 0, seed))[0] for seed in range(12)}
    assert found == sides


def test_clicks_for_other_things_lie_outside_of_this_one():
    truth = np.zeros((8, 8), bool)
    truth[2:5, 2:5] = True
    for seed in range(20):
        places = clicks_elsewhere(np.random.default_rng(seed), truth)
        assert 1 <= len(places) <= 3 and not any(truth[place] for place in places)
    assert clicks_elsewhere(np.random.default_rng(0), np.ones((8, 8), bool)) == []


def test_scattered_clicks_lie_in_different_pieces():
    truth = np.zeros((20, 30), bool)
    truth[2:6, 3:7] = truth[10:12, 20:28] = truth[15:18, 2:5] = True
    pieces = label(truth)[0]
    numbers = set()
    for seed in range(20):
        places = scattered_clicks(np.random.default_rng(seed), truth)
        hit = [int(pieces[place]) for place in places]
        assert len(set(hit)) == len(hit) and 0 not in hit
        numbers.add(len(hit))
    assert numbers == {2, 3}
    truth[:, 8:] = truth[12:] = False
    assert len(scattered_clicks(np.random.default_rng(0), truth)) == 1
    assert scattered_clicks(np.random.default_rng(0), truth & False) == []


def test_a_thing_of_two_looks_is_parted_where_they_differ():
    random = np.random.default_rng(0)
    looks = np.concatenate([random.normal(0, 0.1, (12, 3)), random.normal(1, 0.1, (8, 3))])
    order = random.permutation(20)
    sides = two_looks(looks[order].astype(np.float32), np.full(20, 30))
    assert sides is not None
    assert len(set(sides[order < 12])) == len(set(sides[order >= 12])) == 1
    assert sides[order < 12][0] != sides[order >= 12][0]


@pytest.mark.parametrize(
    "looks",
    [
        np.random.default_rng(1).normal(size=(200, 3)),
        np.zeros((9, 3)),
        np.array([[0.0] * 3] * 30 + [[1.0] * 3]),
        np.arange(6.0).reshape(2, 3),
    ],
    ids=["one cloud", "all alike", "a speck", "too few"],
)
def test_a_thing_of_one_look_is_not_parted(looks):
    assert two_looks(looks.astype(np.float32), np.full(len(looks), 30)) is None


def test_the_part_of_a_thing_that_looks_other_is_asked_for(monkeypatch):
    monkeypatch.setattr(click_tasks, "_PARTED", 1.0)
    image = np.full((96, 96, 3), 0.9, np.float32)
    image[20:76, 20:48], image[20:76, 48:76] = 0.5, 0.1
    image += np.random.default_rng(0).normal(0, 0.02, image.shape).astype(np.float32)
    thing = np.zeros((1, 96, 96), np.int32)
    thing[:, 20:76, 20:76] = 1
    scene = Scene.of(describe_plane(image, Compact()), thing, np.zeros((96, 96), np.uint8))
    halves = [np.zeros((48, 48), bool) for _ in range(2)]
    halves[0][10:38, 10:24] = halves[1][10:38, 24:38] = True
    found = {
        int(np.argmax([iou(task.mask, half) for half in halves]))
        for task in islice(scene.tasks(np.random.default_rng(2)), 20)
        if max(iou(task.mask, half) for half in halves) > 0.85
    }
    assert found == {0, 1}
