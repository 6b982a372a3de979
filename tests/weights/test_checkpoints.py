"""Checkpoints of every kind are read, code in them never runs, and what is none is named."""

from __future__ import annotations

import io
import pickle
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from napari_ncut.errors import InputError
from napari_ncut.weights import LayerList, read_checkpoint

TENSORS = {"stem.weight": torch.arange(6.0).reshape(2, 3), "stem.bias": torch.tensor([1.0, 2.0])}


def same(found: object, expected: dict[str, torch.Tensor] = TENSORS) -> bool:
    assert isinstance(found, dict)
    assert list(found) == list(expected)
    return all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def saved(content: object, path: Path, **options: object) -> Path:
    torch.save(content, path, **options)
    return path


@pytest.mark.parametrize("name", ["net.pth", "net.pt", "net.bin", "net.ckpt", "net"])
@pytest.mark.parametrize("zipped", [True, False])
def test_state_dicts(tmp_path, name, zipped):
    path = saved(TENSORS, tmp_path / name, _use_new_zipfile_serialization=zipped)
    assert same(read_checkpoint(path))
    assert same(read_checkpoint(str(path)))


def test_safetensors(tmp_path):
    save_file(TENSORS, tmp_path / "net.safetensors")
    found = read_checkpoint(tmp_path / "net.safetensors")
    assert same({name: found[name] for name in TENSORS})


def test_npz(tmp_path):
    np.savez(tmp_path / "net.npz", **{name: t.numpy() for name, t in TENSORS.items()})
    assert same(read_checkpoint(tmp_path / "net.npz"))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_floating_point_becomes_float32_and_integers_stay(tmp_path, kind):
    content = {"weight": torch.ones(2, dtype=kind), "count": torch.tensor(3)}
    found = read_checkpoint(saved(content, tmp_path / "net.pth"))
    assert found["weight"].dtype == torch.float32
    assert found["count"].dtype == torch.int64
    if kind != torch.bfloat16:
        np.savez(tmp_path / "net.npz", **{name: t.numpy() for name, t in content.items()})
        assert read_checkpoint(tmp_path / "net.npz")["weight"].dtype == torch.float32


OTHER = {"stem.weight": torch.zeros(1)}


@pytest.mark.parametrize(
    "content",
    [
        {"state_dict": TENSORS}, {"model": TENSORS, "epoch": 3, "lr": 0.1, "args": {"a": [1]}},
        {"model_state": TENSORS}, {"model_state_dict": TENSORS, "optimizer": {"state": {}}},
        {"student": OTHER, "teacher": TENSORS}, {"model": OTHER, "model_ema": TENSORS},
        {"state_dict": {"model": TENSORS}}, {"my_network": TENSORS, "epoch": 3},
        {"ema": {"shadow": TENSORS}, "model": OTHER}, {"model": {}, "state_dict": TENSORS},
        {**TENSORS, "version": 1},
    ],
    ids=lambda content: "+".join(content),
)  # fmt: skip
def test_wrappers(tmp_path, content):
    assert same(read_checkpoint(saved(content, tmp_path / "net.pth")))


@pytest.mark.parametrize("prefix", ["module.", "backbone.", "module.backbone.", "_orig_mod.model."])
def test_prefixes_that_all_share(tmp_path, prefix):
    content = {"state_dict": {prefix + name: tensor for name, tensor in TENSORS.items()}}
    assert same(read_checkpoint(saved(content, tmp_path / "net.pth")))


def test_prefixes_that_only_some_have(tmp_path):
    content = {**{f"backbone.{n}": t for n, t in TENSORS.items()}, "head.weight": torch.ones(1)}
    assert same(read_checkpoint(saved(content, tmp_path / "net.pth")), content)


def test_parameters(tmp_path):
    found = read_checkpoint(saved(dict(nn.Linear(2, 3).named_parameters()), tmp_path / "net.pth"))
    assert [tensor.requires_grad for tensor in found.values()] == [False, False]


# ------------------------------------------------------------------------------------ layer form


def test_layers_in_the_order_of_the_file(tmp_path):
    quantized = np.array([[[[-128]], [[3]]], [[[0]], [[127]]]], np.int8)
    np.savez(
        tmp_path / "net.npz",
        **{
            "stem.w": np.ones((2, 3, 1, 1), np.float16), "stem.b": np.zeros(2, np.float16),
            "block.q": quantized, "block.s": np.float32([0.5, 2]), "block.b": np.float32([1, -1]),
        },
    )  # fmt: skip
    layers = read_checkpoint(tmp_path / "net.npz")
    assert isinstance(layers, LayerList)
    assert [layer.name for layer in layers] == ["stem", "block"]
    assert layers[1].weight.flatten().tolist() == [-64, 1.5, 0, 254]
    assert layers[1].bias.tolist() == [1, -1]
    assert all(t.dtype == torch.float32 for layer in layers for t in layer[1:])


@pytest.mark.parametrize(
    "arrays",
    [
        {"a.w": np.ones((2, 3))}, {"a.b": np.ones(2)}, {"a.q": np.ones((2, 3)), "a.b": np.ones(2)},
        {"a.w": np.ones((2, 3)), "a.b": np.ones(3)}, {"a.w": np.ones(2), "a.b": np.ones(2)},
        {"a.q": np.ones((2, 3)), "a.s": np.ones(3), "a.b": np.ones(2)},
        {"a.q": np.ones(()), "a.s": np.ones(()), "a.b": np.ones(())},
    ],
    ids="+".join,
)  # fmt: skip
def test_incomplete_layers(tmp_path, arrays):
    np.savez(tmp_path / "net.npz", **arrays)
    with pytest.raises(InputError, match="incomplete layer a"):
        read_checkpoint(tmp_path / "net.npz")


# ------------------------------------------------------------------------------- code is not run


class Malicious:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("form", ["zip", "legacy", "pickle", "npz"])
def test_code_in_a_file_never_runs(tmp_path, form):
    trap = tmp_path / "trap"
    content = {"weight": torch.ones(1), "extra": Malicious(trap)}
    path = tmp_path / "net.pth"
    if form == "npz":
        path = tmp_path / "net.npz"
        np.savez(path, weight=np.array([Malicious(trap)], object))
    elif form == "pickle":
        path.write_bytes(pickle.dumps(Malicious(trap)))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(InputError) as error:
        read_checkpoint(path)
    assert not trap.exists()
    assert str(path) in str(error.value)
    assert "weights_only" not in str(error.value), "no hint at how to run it all the same"


def test_trap_works(tmp_path):
    pickle.loads(pickle.dumps(Malicious(tmp_path / "trap")))
    assert (tmp_path / "trap").exists()


def test_whole_networks_are_named(tmp_path):
    path = saved(nn.Linear(1, 1), tmp_path / "net.pth")
    with pytest.raises(InputError, match=r"torch\.nn\.modules\.linear\.Linear.*state_dict\(\)"):
        read_checkpoint(path)


def test_torchscript(tmp_path):
    path = tmp_path / "net.pt"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("net/data.pkl", "net/code/__torch__.py", "net/constants.pkl"):
            archive.writestr(name, b"")
    path.write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match="TorchScript"):
        read_checkpoint(path)


# -------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("content", [{}, [], None, 3, torch.ones(2), {"epoch": 3}, {3: TENSORS}])
def test_no_state_dict(tmp_path, content):
    with pytest.raises(InputError, match="no state dict"):
        read_checkpoint(saved(content, tmp_path / "net.pth"))


def test_several_networks(tmp_path):
    path = saved({"left": TENSORS, "right": TENSORS}, tmp_path / "net.pth")
    with pytest.raises(InputError, match="left, right"):
        read_checkpoint(path)


def test_dictionary_that_holds_itself(tmp_path):
    content: dict[str, object] = {"a": torch.ones(1)}
    content["model"] = content
    with pytest.raises(InputError):
        read_checkpoint(saved(content, tmp_path / "net.pth"))


@pytest.mark.parametrize(
    "content, what",
    [
        (b"", "is empty"), (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS"),
        (b"\n<!DOCTYPE html><html>", "web page"), (b"\x20\0\0\0TFL3" + b"\0" * 50, "TensorFlow"),
        (b"\x89HDF\r\n", "HDF5"), (b"\x93NUMPY\x01\0", "single array"),
        (b"anything", "no checkpoint"),
    ],
)  # fmt: skip
def test_other_kinds_of_files(tmp_path, content, what):
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    with pytest.raises(InputError, match=what):
        read_checkpoint(path)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        read_checkpoint(tmp_path / "net.pth")
    with pytest.raises(InputError, match="is a folder"):
        read_checkpoint(tmp_path)


def test_archive_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "net.pth", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(InputError, match="without weights"):
        read_checkpoint(tmp_path / "net.pth")


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([1j]), np.array([0], "datetime64[s]")])
def test_arrays_of_no_numbers(tmp_path, array):
    np.savez(tmp_path / "net.npz", weight=array)
    with pytest.raises(InputError, match="'weight'"):
        read_checkpoint(tmp_path / "net.npz")


def write(kind: str, path: Path) -> None:
    if kind == "safetensors":
        save_file(TENSORS, path)
    elif kind == "npz":
        with path.open("wb") as file:
            np.savez_compressed(file, **{name: t.numpy() for name, t in TENSORS.items()})
    else:
        torch.save(TENSORS, path, _use_new_zipfile_serialization=kind == "zip")


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors", "npz"])
def test_half_written_and_damaged_files(tmp_path, kind):
    path = tmp_path / "net"
    write(kind, path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for length in {1, 3, 9, *rng.integers(1, len(whole), 30).tolist()}:
        path.write_bytes(whole[:length])
        with pytest.raises(InputError):
            read_checkpoint(path)
    for _ in range(60):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 4):
            damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        with suppress(InputError):  # a flipped bit in a number cannot be told
            read_checkpoint(path)
