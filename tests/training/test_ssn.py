"""Training of superpixel sampling networks: losses by hand, resuming, and which weights move."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_ncut import InputError
from napari_ncut.superpixels.soft import SoftAssignment, SoftGrid
from napari_ncut.superpixels.ssn import as_batch, load_ssn, read_ssn
from napari_ncut.superpixels.ssn_sources import BackboneSource, CompactSource, PixelSource
from napari_ncut.training.samples import Sample, read_partitions
from napari_ncut.training.ssn import Run, Settings, train
from napari_ncut.training.ssn_backbone import parts_of
from napari_ncut.training.ssn_losses import compactness_loss, reconstruction_loss
from napari_ncut.training.ssn_scenes import Scene

DINO = "timm:vit_small_patch16_224.dino"
SETTINGS = Settings(steps=8, crops=2, side=48, areas=(40, 120), rate=1e-2, iterations=3)


def sample(seed: int = 0) -> Sample:
    """Textures of one mean color, which color and place do not tell apart."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices((64, 80))
    center = random.integers(20, 44, 2)
    truth = 1 + (np.hypot(rows - center[0], columns - center[1]) < 16)
    stripes = np.where(truth == 1, (rows % 4 < 2), (columns % 4 < 2)) * 120 + 60
    image = np.repeat(stripes[..., None], 3, -1).astype(np.uint8)
    drawn = np.stack([truth, np.ones_like(truth)]).astype(np.int32)
    return Sample(str(seed), "test", image, drawn, np.zeros(truth.shape, np.uint8))


def scenes(source, n: int = 3, *, frozen: bool = True) -> list[Scene]:
    return [Scene.of(sample(i), source, frozen=frozen) for i in range(n)]


@pytest.fixture(scope="module")
def dino(tmp_path_factory: pytest.TempPathFactory) -> dict:
    from napari_ncut.backbones.families.timm import build

    architecture = {"embed_dim": 32, "depth": 3, "num_heads": 2, "img_size": 48}
    torch.manual_seed(0)
    module = build(DINO.partition(":")[2], architecture)
    path = tmp_path_factory.mktemp("dino") / "tiny.pth"
    torch.save(module.state_dict(), path)
    return {"backbone": DINO, "checkpoint": str(path), "architecture": architecture}


# ------------------------------------------------------------------------------------------ losses


def assignment(shares: list[list[float]]) -> SoftAssignment:
    """Two cells of two pixels in a row; shares of the first cell for each of the four pixels."""
    grid = SoftGrid.of((1, 4), 2)
    table = torch.zeros(1, 2, 9, 2)
    for cell, of_cell in enumerate(shares):
        for pixel, share in enumerate(of_cell):
            # Candidate 4 is the cell itself, 5 and 3 its neighbors to the right and left.
            table[0, cell, 4 if cell == 0 else 3, pixel] = share
            table[0, cell, 5 if cell == 0 else 4, pixel] = 1 - share
    return SoftAssignment(grid, table, torch.zeros(1, 2, 1))


def test_reconstruction_by_hand():
    found = assignment([[1.0, 1.0], [0.0, 0.0]])
    assert reconstruction_loss(found, np.array([[[7, 7, 9, 9]]])) == pytest.approx(0, abs=1e-5)
    # Both superpixels are half of each segment: every pixel is right with probability ½.
    loss = reconstruction_loss(found, np.array([[[1, 2, 1, 2]]]))
    assert loss == pytest.approx(np.log(2), abs=1e-5)
    # Of two annotators it is the mean.
    both = reconstruction_loss(found, np.array([[[7, 7, 9, 9]], [[1, 2, 1, 2]]]))
    assert both == pytest.approx(np.log(2) / 2, abs=1e-5)
    # Half of pixel 1 is in the second superpixel, where segment 1 is .5 of 2.5: it is right with
    # probability .5 · 1 + .5 · .2, and pixels 2 and 3 with .8.
    soft = assignment([[1.0, 0.5], [0.0, 0.0]])
    assert reconstruction_loss(soft, np.array([[[1, 1, 2, 2]]])) == pytest.approx(
        -np.log([1, 0.6, 0.8, 0.8]).mean(), abs=1e-5
    )


def test_compactness_by_hand():
    # Pixels 0, 1 and 2, 3: each half a pixel from the middle of its superpixel.
    assert compactness_loss(assignment([[1, 1], [0, 0]])) == pytest.approx(0.25)
    # Pixel 1 belongs to the second one, whose middle is 2.
    assert compactness_loss(assignment([[1, 0], [0, 0]])) == pytest.approx((0 + 1 + 0 + 1) / 4)


# ---------------------------------------------------------------------------------------- training


def test_crops_show_the_same_place_everywhere():
    source = PixelSource("deep")
    scene = scenes(source, 1)[0]
    rows, columns = np.indices(scene.color.shape[:2])
    marked = Scene(
        scene.plane,
        np.stack([rows, columns, rows], -1).astype(np.float16),
        [np.stack([rows[::4, ::4], columns[::4, ::4]], -1).astype(np.float16)],
        np.stack([rows, columns]).astype(np.int32),
    )
    for seed in range(5):
        crop = marked.crop(np.random.default_rng(seed), 30, [4])
        assert crop.color.shape == (28, 28, 3) and crop.maps[0].shape == (7, 7, 2)
        np.testing.assert_array_equal(crop.color[..., 0], crop.segmentations[0])
        np.testing.assert_array_equal(crop.color[..., 1], crop.segmentations[1])
        # A cell's place is that of its first pixel, which is its last where it is mirrored.
        assert (np.abs(crop.maps[0][..., 0] - crop.color[::4, ::4, 0]) <= 3).all()


def test_what_is_learned_lowers_the_loss():
    # Of larger rates it hangs on rounding, and so on the number of threads, where a run ends.
    run = Run(Settings(**{**vars(SETTINGS), "steps": 40, "rate": 3e-3}), PixelSource("deep"))
    known = scenes(run.source)
    grid = SoftGrid.of((64, 80), 60)

    def loss() -> float:
        with torch.no_grad():
            found = [run.network(as_batch(s.color, "cpu"), [], grid, 5) for s in known]
            pairs = zip(found, known, strict=True)
            return float(np.mean([reconstruction_loss(f, s.segmentations) for f, s in pairs]))

    before = loss()
    for _ in range(40):
        run.learn(known)
    assert loss() < 0.5 * before


def test_frozen_maps_are_where_learning_begins():
    """With principal components of the maps, distances are those of the maps themselves."""
    source = CompactSource("cpu")
    known = scenes(source, 1)
    run = Run(SETTINGS, source)
    run.begin(known)
    assert run.network.shortcut is not None
    embedded = torch.from_numpy(known[0].maps[1].astype(np.float32)).reshape(-1, 48)
    rest = torch.zeros(len(embedded), 32)
    inputs = torch.cat([embedded, rest], dim=1).T[None, :, :, None]
    with torch.no_grad():
        learned = run.network.shortcut(inputs)[0, :, :, 0].T
    apart, expected = (
        torch.cdist(x[:300], x[:300], compute_mode="donot_use_mm_for_euclid_dist")
        for x in (learned, embedded * source.gain)
    )
    # Twenty of 48 components tell nearly all of it.
    assert torch.corrcoef(torch.stack([apart.flatten(), expected.flatten()]))[0, 1] > 0.98
    assert (apart <= expected + 1e-3).all()


def test_a_run_that_was_stopped_goes_on_as_if_it_was_not(tmp_path: Path):
    source = PixelSource("deep")
    straight, first, second = (Run(SETTINGS, source) for _ in range(3))
    known = scenes(source)
    expected = [straight.learn(known) for _ in range(4)]
    for _ in range(2):
        first.learn(known)
    first.save(tmp_path / "checkpoint.safetensors")
    second.load(tmp_path / "checkpoint.safetensors")
    assert second.step == 2
    assert [second.learn(known) for _ in range(2)] == expected[2:]
    torch.testing.assert_close(second.average, straight.average, rtol=0, atol=0)


def test_files_of_a_run_and_going_on(tmp_path: Path):
    told: list[str] = []
    samples, aside = [sample(0), sample(1)], [sample(2)]
    given = {"every": 2, "told": told.append}
    settings = Settings(**{**vars(SETTINGS), "steps": 4})
    best = train(settings, PixelSource("deep"), samples, aside, tmp_path / "run", **given)
    lines = (tmp_path / "run" / "log.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "2", "4"] and len(told) == 2
    labels = load_ssn(str(best), "cpu").labels(np.zeros((30, 40, 3), np.float32), 12)
    assert labels.shape == (30, 40)
    # Nothing is left to do; a new run may begin from these weights, of the same source alone.
    train(settings, PixelSource("deep"), samples, aside, tmp_path / "run", **given)
    assert len(told) == 2
    begun = Run(settings, PixelSource("deep"), start=best)
    torch.testing.assert_close(begun.network.state_dict(), read_ssn(best)[0].state_dict())
    with pytest.raises(InputError, match="another source"):
        Run(settings, PixelSource(), start=best)


@pytest.mark.parametrize("trainable", ["head", "last-1", "last-2", "all"])
def test_which_weights_move(trainable: str, dino: dict, tmp_path: Path):
    source = BackboneSource(**dino, layer=-1, node="k", device="cpu")
    settings = Settings(**{**vars(SETTINGS), "steps": 2, "trainable": trainable})
    before = {name: value.clone() for name, value in source.module.state_dict().items()}
    run = Run(settings, source)
    head = {name: value.clone() for name, value in run.network.state_dict().items()}
    known = scenes(source, frozen=trainable == "head")
    for _ in range(2):
        run.learn(known)
    moved = {n for n, value in source.module.state_dict().items() if not value.equal(before[n])}
    assert all(not value.equal(head[n]) for n, value in run.network.state_dict().items())
    expected = {
        "head": set(),
        "last-1": {"blocks.2."},
        "last-2": {"blocks.1.", "blocks.2."},
        "all": {"blocks.0.", "blocks.1.", "blocks.2."},
    }[trainable]
    assert {n[:9] for n in moved if n.startswith("blocks.")} == expected
    assert ("patch_embed.proj.weight" in moved) == (trainable == "all")
    # What moved is in the file, and comes back with it.
    run.export(tmp_path / "ssn.safetensors")
    assert moved <= set(read_ssn(tmp_path / "ssn.safetensors")[1])
    loaded = load_ssn(str(tmp_path / "ssn.safetensors"), "cpu")
    for name in moved:
        torch.testing.assert_close(
            loaded.source.module.state_dict()[name],
            source.module.state_dict()[name],
            rtol=2e-3,
            atol=1e-4,
        )


def test_trained_maps_are_those_of_inference(dino: dict):
    source = BackboneSource(**dino, layer=-1, node="k", device="cpu")
    run = Run(Settings(**{**vars(SETTINGS), "trainable": "all"}), source)
    plane = np.random.default_rng(0).random((48, 80, 3)).astype(np.float32)
    batch = torch.from_numpy(plane).permute(2, 0, 1)[None]
    trained = run.backbone.maps(batch)[0].permute(1, 2, 0).detach()
    np.testing.assert_allclose(trained, source.maps(plane)[0], atol=1e-4)


def test_what_cannot_be_trained_is_told(dino: dict):
    source = BackboneSource(**dino, layer=-1, node="k", device="cpu")
    for trainable in ("last-0", "tail", "last-x"):
        with pytest.raises(InputError, match="head, last-1"):
            Run(Settings(trainable=trainable), source)
    with pytest.raises(InputError, match="is of a backbone"):
        Run(Settings(trainable="all"), PixelSource("deep"))
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 1), torch.nn.ReLU(), torch.nn.Conv2d(4, 4, 1)
    )
    assert parts_of(torch.nn.ModuleDict({"features": layers}), 2) == [layers[0], layers[2]]


# ------------------------------------------------------------------------------------------- data


def test_folders_to_learn_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import tifffile

    for kind in ("images", "labels"):
        (tmp_path / "own" / kind).mkdir(parents=True)
    for i in range(9):
        one = sample(i)
        tifffile.imwrite(tmp_path / "own" / "images" / f"a{i}.tif", one.image[..., 0])
        tifffile.imwrite(tmp_path / "own" / "labels" / f"a{i}.tif", one.segmentations[0])
    learned, aside = (read_partitions(tmp_path / "own", aside=a) for a in (False, True))
    assert [one.name for one in aside] == ["a7"] and len(learned) == 8
    np.testing.assert_array_equal(learned[0].segmentations, sample(0).segmentations[:1])
    assert learned[0].image.shape == (64, 80, 3)
    (tmp_path / "own" / "labels" / "a3.tif").unlink()
    with pytest.raises(InputError, match=r"no labels for a3\.tif"):
        read_partitions(tmp_path / "own")
    with pytest.raises(InputError, match="nothing to train on"):
        read_partitions(tmp_path)
    monkeypatch.delenv("NAPARI_NCUT_DATA", raising=False)
    with pytest.raises(InputError, match="Give --data"):
        read_partitions(None)
