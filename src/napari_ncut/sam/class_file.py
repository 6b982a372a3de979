"""Masks in classes as one file: arrays and JSON in a compressed ``.npz``, no pickle."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..imaging import PlaneLayout
from ..io.atomic import replace_when_written
from .class_results import Remainder
from .classes import SemanticClasses
from .descriptors import Description, Descriptors, DescriptorSpace
from .mask_set import MaskSet

# Of this file's format, not of the package: raised when a reader of the old one would go wrong.
FORMAT_VERSION = 1
_FORMAT = "napari-ncut classes"

Arrays = dict[str, NDArray]


def save_classes(found: SemanticClasses, path: Path) -> None:
    """Write masks and classes; see `SemanticClasses.save`."""
    arrays: Arrays = {"classes": found.classes, "descriptors": found.descriptors.values}
    described: dict[str, Any] = {
        "format": _FORMAT,
        "version": FORMAT_VERSION,
        "layout": found.layout.to_json(),
        "names": sorted(found.names.items()),
        "noise": found.noise,
        "colors": sorted(found.colors.items()),
        "clusterer": found.clusterer,
        "parameters": found.parameters,
        "columns": found.descriptors.names,
        "calibrated": found.descriptors.calibrated,
        "masks": _pack_masks(found.masks, "masks", arrays),
    }
    if found.remainder is not None:
        described["remainder"] = _pack_masks(found.remainder.masks, "remainder", arrays)
        arrays["remainder descriptors"] = found.remainder.descriptors.values
    if found.description is not None:
        described["description"] = _pack_description(found.description, arrays)
    text = json.dumps(described, default=lambda value: value.tolist())
    arrays["description"] = np.frombuffer(text.encode(), dtype=np.uint8)
    with replace_when_written(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_classes(path: Path) -> SemanticClasses:
    """The masks and classes in a file; see `SemanticClasses.load`."""
    try:
        # Opened as what it must be: np.load also takes lone arrays and pickles.
        with zipfile.ZipFile(path) as archive:
            archive.getinfo("description.npy")
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        described = json.loads(arrays["description"].tobytes())
        if described["format"] != _FORMAT:
            raise KeyError("format")
        if described["version"] <= FORMAT_VERSION:
            return _classes(described, arrays)
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}. Check the path.") from error
    except (
        KeyError, IndexError, TypeError, ValueError, OSError, EOFError, zipfile.BadZipFile,
    ) as error:  # fmt: skip
        raise InputError(
            f"{path} holds no classes that napari-ncut wrote, or it is damaged ({error}). Give a "
            f"file that SemanticClasses.save or `napari-ncut semantic --save-classes` wrote."
        ) from error
    raise InputError(
        f"{path} was written by a newer napari-ncut (format {described['version']}). "
        f"Update napari-ncut."
    )


def _classes(described: Mapping[str, Any], arrays: Arrays) -> SemanticClasses:
    layout = PlaneLayout.from_json(described["layout"])
    columns, calibrated = tuple(described["columns"]), bool(described["calibrated"])
    masks = _unpack_masks(described["masks"], "masks", layout, arrays)
    values = arrays["descriptors"]
    n = sum(len(one) for one in masks)
    if len(arrays["classes"]) != n or values.shape != (n, len(columns)):
        raise ValueError("masks and classes are not of one length")
    remainder = None
    if "remainder" in described:
        pieces = _unpack_masks(described["remainder"], "remainder", layout, arrays)
        remainder = Remainder(
            pieces, Descriptors(arrays["remainder descriptors"], columns, calibrated)
        )
    names = {int(number): str(name) for number, name in described["names"]}
    if not set(np.unique(arrays["classes"]).tolist()) <= {0, *names}:
        raise ValueError("classes without names")
    return SemanticClasses(
        masks,
        layout,
        arrays["classes"].astype(np.int32),
        Descriptors(values, columns, calibrated),
        names,
        None if described["noise"] is None else int(described["noise"]),
        str(described["clusterer"]),
        dict(described["parameters"]),
        remainder,
        _unpack_description(described["description"], arrays)
        if "description" in described
        else None,
        {int(number): str(color) for number, color in described["colors"]},
    )


# ------------------------------------------------------------------------------------------- parts


def _pack_masks(masks: tuple[MaskSet, ...], prefix: str, arrays: Arrays) -> dict[str, Any]:
    """Put masks of all planes among the arrays; what says how they lie there."""
    arrays[f"{prefix} boxes"] = np.concatenate([one.boxes for one in masks])
    crops = [crop.ravel() for one in masks for crop in one.crops]
    arrays[f"{prefix} bits"] = np.packbits(np.concatenate(crops) if crops else np.zeros(0, bool))
    planes: dict[str, list[int]] = {}
    for i, one in enumerate(masks):
        for name in one.columns:
            planes.setdefault(name, []).append(i)
    for number, (name, having) in enumerate(planes.items()):
        values = np.concatenate([masks[i].columns[name] for i in having])
        arrays[f"{prefix} column {number}"] = (
            values.astype(str) if values.dtype == object else values
        )
    return {"counts": [len(one) for one in masks], "columns": list(planes.items())}


def _unpack_masks(
    told: Mapping[str, Any], prefix: str, layout: PlaneLayout, arrays: Arrays
) -> tuple[MaskSet, ...]:
    counts = np.array(told["counts"], dtype=np.int64)
    boxes = arrays[f"{prefix} boxes"].reshape(-1, 4)
    sizes = (boxes[:, 2:] - boxes[:, :2]).astype(np.int64)
    ends = np.cumsum(sizes.prod(axis=1))
    bits = np.unpackbits(arrays[f"{prefix} bits"], count=int(ends[-1]) if len(ends) else 0)
    if len(counts) != len(layout) or counts.sum() != len(boxes):
        raise ValueError("masks of other planes")
    parts = np.split(bits.astype(bool), ends[:-1]) if len(ends) else []
    crops = [part.reshape(size) for part, size in zip(parts, sizes.tolist(), strict=True)]
    columns: list[dict[str, NDArray]] = [{} for _ in counts]
    for number, (name, having) in enumerate(told["columns"]):
        own = np.split(arrays[f"{prefix} column {number}"], np.cumsum(counts[having])[:-1])
        for plane, values in zip(having, own, strict=True):
            columns[plane][name] = values
    firsts = np.concatenate([[0], np.cumsum(counts)]).tolist()
    return tuple(
        MaskSet(shape, boxes[a:b], tuple(crops[a:b]), known)
        for shape, a, b, known in zip(layout.shapes, firsts[:-1], firsts[1:], columns, strict=True)
    )


def _pack_description(description: Description, arrays: Arrays) -> dict[str, Any]:
    space = description.space
    for i, (mean, matrix) in enumerate(space.maps):
        arrays[f"space mean {i}"], arrays[f"space matrix {i}"] = mean, matrix
    return {
        "descriptor": description.descriptor,
        "blocks": len(space.maps),
        "size": space.size,
        "color": space.color,
        "n_channels": description.n_channels,
    }


def _unpack_description(told: Mapping[str, Any], arrays: Arrays) -> Description:
    maps = tuple(
        (arrays[f"space mean {i}"], arrays[f"space matrix {i}"]) for i in range(told["blocks"])
    )
    space = DescriptorSpace(maps, float(told["size"]), float(told["color"]))
    return Description(told["descriptor"], space, int(told["n_channels"]))
