from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from napari_ncut import embed, get_mask
from napari_ncut.errors import InputError

SETTINGS = [
    (threshold, gamma, area, denoise)
    for threshold in (0.1, 0.5, 0.7, 0.99)
    for gamma in (0.5, 1.0, 2.0)
    for area, denoise in ((3, True), (20, True), (3, False))
]

PEER = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, torch
torch.set_num_threads(int(sys.argv[4]))
from ncut_pytorch.visualize_utils import get_mask
given = np.load(sys.argv[2])
vectors, prompts = torch.from_numpy(given["vectors"]), torch.from_numpy(given["prompts"])
masks = [
    get_mask(vectors, prompt, float(t), float(g), bool(d), int(a)) > 0
    for prompt in prompts
    for t, g, a, d in given["settings"]
]
np.save(sys.argv[3], np.stack(masks))
"""


def smooth(shape: tuple[int, ...], seed: int) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(seed).normal(size=shape)
    return gaussian_filter(noise, (0, 3, 3, 0)).astype(np.float32)


def pictures() -> np.ndarray:
    """Eigenvectors of two pictures jointly, not square, with more nodes than quantiles take."""
    images = [data.astronaut()[::3, ::2], data.coffee()[:342:2, :512:2]]
    embedding = embed([i[:170, :256] for i in images], axes="YXC", n_components=12, stride=2)
    return np.stack(embedding.eigenvectors)


CASES = {
    "random": lambda: np.random.default_rng(0).normal(size=(2, 20, 31, 7)).astype(np.float32),
    "smooth": lambda: smooth((3, 60, 75, 9), 1),
    "pictures": pictures,
}


@pytest.mark.parametrize("case", CASES)
def test_masks_are_those_of_the_original(case, peer_ncut, tmp_path):
    import torch

    vectors = CASES[case]()
    n, rows, columns, _ = vectors.shape
    places = [(0, rows // 2, columns // 2), (n - 1, 3, columns - 2), (n - 1, rows // 3, 5)]
    prompts = np.stack([vectors[place] for place in places])
    given, result = tmp_path / "given.npz", tmp_path / "masks.npy"
    np.savez(given, vectors=vectors, prompts=prompts, settings=np.array(SETTINGS, np.float64))
    folder = str(Path(peer_ncut.__file__).parents[1])
    # In a process of its own: the original reseeds numpy, and finds its own packages first.
    subprocess.run(
        [sys.executable, "-c", PEER, folder, given, result, str(torch.get_num_threads())],
        check=True,
    )
    theirs = np.load(result)
    ours = np.stack(
        [get_mask(vectors, prompt, t, g, d, a) > 0 for prompt in prompts for t, g, a, d in SETTINGS]
    )
    assert 0 < theirs.mean() < 1
    np.testing.assert_array_equal(ours, theirs)


def test_more_nodes_than_the_quantile_sample():
    assert pictures()[..., 0].size > 10_000


def test_values_shape_and_type():
    vectors = smooth((2, 20, 30, 5), 2)
    mask = get_mask(vectors, vectors[0, 5, 5])
    assert mask.shape == (2, 20, 30)
    assert mask.dtype == np.uint8
    assert np.unique(mask).tolist() == [0, 1]
    one = get_mask(vectors[0], vectors[0, 5, 5])
    np.testing.assert_array_equal(one, get_mask(vectors[:1], vectors[0, 5, 5])[0])


@pytest.mark.parametrize(("threshold", "expected"), [(0.5, 1), (1.5, 0)])
def test_a_constant_map_is_all_or_nothing(threshold, expected):
    vectors = np.ones((1, 6, 7, 4), np.float32)
    np.testing.assert_array_equal(get_mask(vectors, vectors[0, 0, 0], threshold), expected)


def test_an_opposite_prompt_of_a_constant_map_is_nothing():
    vectors = np.ones((1, 6, 7, 4), np.float32)
    assert not get_mask(vectors, -vectors[0, 0, 0]).any()


def test_the_global_generator_is_left_alone():
    vectors = smooth((1, 120, 120, 4), 3)
    np.random.seed(7)
    expected = np.random.random()
    np.random.seed(7)
    get_mask(vectors, vectors[0, 0, 0])
    assert np.random.random() == expected


def test_small_components_are_removed_plane_by_plane():
    # Three alike cells of unlike surroundings, two of them neighbors across the planes only.
    vectors = np.zeros((2, 9, 9, 2), np.float32)
    vectors[..., 0] = 1
    vectors[0, 1, 1] = vectors[1, 1, 1] = vectors[1, 2, 2] = (0, 1)
    prompt = np.array([0, 1], np.float32)
    assert get_mask(vectors, prompt, denoise_area_th=1).sum() == 3
    assert get_mask(vectors, prompt, denoise=False).sum() == 3
    two = get_mask(vectors, prompt, denoise_area_th=2)
    assert np.argwhere(two).tolist() == [[1, 1, 1], [1, 2, 2]]
    assert not get_mask(vectors, prompt, denoise_area_th=3).any()


@pytest.mark.parametrize(
    ("vectors", "prompt", "message"),
    [
        (np.ones((4, 3)), np.ones(3), "are needed"),
        (np.ones((4, 4, 3)), np.ones(2), "are needed"),
        (np.full((4, 4, 3), np.nan), np.ones(3), "NaN"),
        (np.ones((4, 4, 3)), np.full(3, np.inf), "NaN"),
    ],
)
def test_wrong_input_is_explained(vectors, prompt, message):
    with pytest.raises(InputError, match=message):
        get_mask(vectors, prompt)
