"""An embedding as one file: arrays and JSON in an uncompressed ``.npz``, no pickle."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..backbones.preparation import Preparation
from ..errors import InputError
from ..imaging import PlaneLayout, Planes, as_planes
from ..io.atomic import replace_when_written
from .affinity import Kernel
from .extension import Extension
from .ncut import NCut

if TYPE_CHECKING:
    from .embedding import Embedding

# Of this file's format, not of the package: raised when a reader of the old one would go wrong.
FORMAT_VERSION = 1


def save_embedding(embedding: Embedding, path: Path, *, images: bool) -> None:
    """Write an embedding; see `Embedding.save`."""
    extension = embedding.ncut.extension
    described = {
        "format": "napari-ncut embedding",
        "version": FORMAT_VERSION,
        "layout": embedding.layout.to_json(),
        "recipe": _plain(embedding.recipe),
        "ncut": _plain(embedding.ncut.get_params()),
        "preparation": embedding.preparation.kind,
        "kernel": {
            "normalized": extension.kernel.normalized,
            "bandwidth": extension.kernel.bandwidth,
        },
        "degree_floor": extension.degree_floor,
    }
    arrays: dict[str, NDArray] = {
        "description": np.frombuffer(json.dumps(described).encode(), dtype=np.uint8),
        "vectors": embedding.vectors,
        "eigenvalues": embedding.eigenvalues,
        "degrees": embedding.degrees,
        "mean": embedding.preparation.mean,
        "scale": embedding.preparation.scale,
        "center": extension.kernel.center,
        "reference": extension.reference,
        "projection": extension.projection,
        "degree_weights": extension.degree_weights,
    }
    if images and embedding.planes is not None:
        for i, plane in enumerate(embedding.planes):
            arrays[f"plane_{i}"] = (plane * 255 + 0.5).astype(np.uint8)
    with replace_when_written(path) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def read_embedding(path: Path) -> dict[str, Any]:
    """The attributes of the embedding in a file; see `Embedding.load`."""
    try:
        # Opened as what it must be: np.load also takes lone arrays and pickles.
        with zipfile.ZipFile(path) as archive:
            archive.getinfo("description.npy")
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        described = json.loads(arrays["description"].tobytes())
        if described["format"] != "napari-ncut embedding":
            raise KeyError("format")
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}. Check the path.") from error
    except (KeyError, TypeError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} is not an embedding that napari-ncut wrote, or it is damaged ({error}). "
            f"Make it again with embed(…).save(path)."
        ) from error
    if described["version"] > FORMAT_VERSION:
        raise InputError(
            f"{path} was written by a newer napari-ncut (format {described['version']}). "
            f"Update napari-ncut."
        )
    layout = PlaneLayout.from_json(described["layout"])
    kernel = Kernel(center=arrays["center"], **described["kernel"])
    ncut = NCut(**described["ncut"])
    ncut.restore(
        Extension(
            kernel,
            arrays["reference"],
            arrays["projection"],
            arrays["degree_weights"],
            described["degree_floor"],
        ),
        arrays["eigenvalues"],
        arrays["degrees"],
    )
    return {
        "vectors": arrays["vectors"],
        "eigenvalues": arrays["eigenvalues"],
        "degrees": arrays["degrees"],
        "layout": layout,
        "ncut": ncut,
        "preparation": Preparation(described["preparation"], arrays["mean"], arrays["scale"]),
        "recipe": described["recipe"],
        "planes": _stored_planes(arrays, layout),
    }


def _stored_planes(arrays: dict[str, NDArray], layout: PlaneLayout) -> Planes | None:
    names = [f"plane_{i}" for i in range(len(layout))]
    if not all(name in arrays for name in names):
        return None
    return as_planes([arrays[name] for name in names], axes="YXC", channels="all", scaling="dtype")


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Plain data for JSON out of what numpy and tuples brought in."""
    return json.loads(
        json.dumps(values, default=lambda v: v.tolist() if hasattr(v, "tolist") else str(v))
    )
