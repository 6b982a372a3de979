"""Files of weights → named tensors, without ever running code from them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import InputError

if TYPE_CHECKING:
    import torch

# What trainers put a network's tensors under, the one to take first. A running average comes before
# the network that it is the average of, a teacher before its student: they are what is evaluated.
WRAPPERS = (
    "state_dict_ema",
    "ema_state_dict",
    "model_ema",
    "ema",
    "teacher",
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "module",
    "net",
    "network",
    "weights",
    "params",
    "student",
)
# What trainers put before every name.
PREFIXES = (
    "module.",
    "_orig_mod.",
    "backbone.",
    "model.",
    "encoder.",
    "image_encoder.",
    "net.",
    "network.",
)

ACCEPTED = "a state dict (.pth, .pt, .bin, .ckpt), .safetensors, or .npz"
_LAYER_ARRAY = re.compile(r"(.+)\.([wbqs])")
_START = 64
# Wrappers within wrappers; a dictionary that holds itself must not hold us.
_DEEPEST = 8


class Layer(NamedTuple):
    """One convolution or linear layer, its batch norm folded in: weight (out, in, …), bias."""

    name: str
    weight: torch.Tensor
    bias: torch.Tensor


class LayerList(tuple[Layer, ...]):
    """The layers of a file in layer form, in the order of the file.

    Such an .npz has for each layer L the arrays ``L.w`` (out, in, …) and ``L.b`` (out,), or in
    place of ``L.w`` the integers ``L.q`` and a scale ``L.s`` for each output channel, with
    ``w = q * s``.
    """

    __slots__ = ()


def read_checkpoint(path: str | Path) -> dict[str, torch.Tensor] | LayerList:
    """The tensors of a file, on the CPU, floating-point ones as float32.

    What trainers wrap around them ("state_dict", "model", "teacher" …) and put before all names
    ("module.", "backbone." …) is taken off. No code from the file is ever run.

    Parameters
    ----------
    path
        A state dict saved by torch (.pth, .pt, .bin, .ckpt), .safetensors, or .npz; what it is is
        told by its content.

    Returns
    -------
    dict of str to Tensor, or LayerList
        `LayerList` for an .npz in layer form.

    Raises
    ------
    InputError
        If the file is missing, broken, of another kind, or holds no tensors.
    """
    path = Path(path)
    reader = _READERS[_kind(path)]
    try:
        return reader(path)
    except InputError:
        raise
    # Whatever a reader of foreign bytes stumbles over, from BadZipFile to UnicodeDecodeError, means
    # the same to whoever chose the file.
    except Exception as error:
        raise InputError(
            f"{path} cannot be read as a checkpoint: it is damaged or incomplete "
            f"({_first_line(error)}). Get it again."
        ) from error


def _kind(path: Path) -> str:
    """Which reader a file is for, by its first bytes."""
    if path.is_dir():
        raise InputError(f"{path} is a folder. Give the file of weights in it: {ACCEPTED}.")
    try:
        with path.open("rb") as file:
            start = file.read(_START)
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}. Give {ACCEPTED}.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error}). Check its permissions.") from error
    if not start:
        raise InputError(f"{path} is empty. Get it again.")
    if start.startswith(b"PK"):
        return _kind_of_zip(path)
    if start.startswith(b"\x80"):
        return "torch"
    if start[8:9] == b"{":
        return "safetensors"
    for sign, what in _KNOWN:
        if sign in start:
            raise InputError(f"{path} is {what}, not a checkpoint. Give {ACCEPTED}.")
    raise InputError(f"{path} is no checkpoint that can be read here. Give {ACCEPTED}.")


_KNOWN = (
    (b"git-lfs", "a pointer to a file that Git LFS keeps elsewhere"),
    (b"<!DOCTYPE", "a web page"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"TFL3", "a TensorFlow Lite network"),
    (b"\x89HDF", "an HDF5 file, perhaps of Keras"),
    (b"\x93NUMPY", "a single array"),
)


def _kind_of_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise InputError(
            f"{path} is damaged or incomplete ({error}); perhaps a download broke off. Get it "
            f"again."
        ) from error
    if any(name.endswith("/constants.pkl") for name in names):
        raise InputError(
            f"{path} is a TorchScript program, which has code in it besides weights, and is not "
            f"run. Save the state dict of the network in place of it: "
            f"torch.save(network.state_dict(), path)."
        )
    if any(name.endswith("/data.pkl") for name in names):
        return "torch"
    if names and all(name.endswith(".npy") for name in names):
        return "npz"
    raise InputError(f"{path} is a zip archive without weights in it. Give {ACCEPTED}.")


def _read_torch(path: Path) -> dict[str, torch.Tensor]:
    import pickle

    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # torch's own message is not passed on: it tells how to run the code all the same
        named = re.search(r"GLOBAL (\S+)", str(error))
        raise InputError(
            f"{path} holds more than weights{f' ({named[1]})' if named else ''}, which only "
            f"running code from the file could read, and that is never done; or it is damaged. "
            f"Where you trust it, save its weights alone: torch.save(network.state_dict(), path)."
        ) from error
    return _tidied(_unwrapped(content, path))


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return _tidied(_unwrapped(load_file(path), path))


def _read_npz(path: Path) -> dict[str, torch.Tensor] | LayerList:
    import numpy as np
    import torch

    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    strange = [name for name, array in arrays.items() if array.dtype.kind not in "fiub"]
    if strange:
        raise InputError(f"{path} has {strange[0]!r} that is no array of numbers. Give {ACCEPTED}.")
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    parts = [_LAYER_ARRAY.fullmatch(name) for name in arrays]
    if parts and all(parts):
        return _layers(tensors, path)
    return _tidied(_unwrapped(tensors, path))


_READERS: Mapping[str, Callable[[Path], Any]] = {
    "torch": _read_torch,
    "safetensors": _read_safetensors,
    "npz": _read_npz,
}


def _layers(tensors: Mapping[str, torch.Tensor], path: Path) -> LayerList:
    layers = []
    for name in dict.fromkeys(name[:-2] for name in tensors):  # each once, in the file's order
        arrays = {kind: tensors.get(f"{name}.{kind}") for kind in "wqsb"}
        weight, scale, bias = arrays["w"], arrays["s"], arrays["b"]
        if weight is None and arrays["q"] is not None and scale is not None:
            n_channels = arrays["q"].shape[:1]
            if scale.shape == n_channels:
                weight = arrays["q"].float() * scale.float().reshape(
                    -1, *[1] * (arrays["q"].ndim - 1)
                )
        if weight is None or bias is None or weight.ndim < 2 or bias.shape != weight.shape[:1]:
            raise InputError(
                f"{path} has an incomplete layer {name}. A layer L has arrays L.w (out, in, …) and "
                f"L.b (out), or L.q, L.s (out) and L.b."
            )
        layers.append(Layer(name, weight.float(), bias.float()))
    return LayerList(layers)


def _unwrapped(content: object, path: Path) -> dict[str, torch.Tensor]:
    """The innermost dictionary of tensors."""
    import torch

    for _ in range(_DEEPEST):
        if not isinstance(content, Mapping):
            break
        inner = {
            name: value
            for name, value in content.items()
            if isinstance(name, str) and isinstance(value, Mapping) and _has_tensors(value)
        }
        wrapper = next((name for name in WRAPPERS if name in inner), None)
        if wrapper is not None:
            content = inner[wrapper]
            continue
        tensors = {
            name: value.detach()
            for name, value in content.items()
            if isinstance(name, str) and isinstance(value, torch.Tensor)
        }
        if tensors:
            return tensors
        if len(inner) > 1:
            raise InputError(
                f"{path} holds several networks ({', '.join(inner)}). Save the state dict of one "
                f"of them alone."
            )
        content = next(iter(inner.values()), None)
    raise InputError(
        f"{path} holds no state dict, that is, no tensors by name. Save one with "
        f"torch.save(network.state_dict(), path)."
    )


def _has_tensors(content: Mapping[Any, Any]) -> bool:
    import torch

    return any(
        isinstance(value, torch.Tensor) or (isinstance(value, Mapping) and _has_tensors(value))
        for value in content.values()
    )


def _tidied(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Names without what all of them begin with, floating-point numbers as float32."""
    while prefix := next((p for p in PREFIXES if all(n.startswith(p) for n in tensors)), None):
        tensors = {name[len(prefix) :]: tensor for name, tensor in tensors.items()}
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
