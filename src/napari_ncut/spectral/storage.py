"""An embedding as one file: arrays and JSON in an uncompressed ``.npz``, no pickle."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..backbones.preparation import Preparation
from ..errors import InputError
from ..imaging import PlaneLayout, Planes, as_planes
from ..io.atomic import replace_when_written
from .affinity import AnyKernel, FunctionKernel, Kernel
from .extension import AnyExtension, Extension, NeighborExtension
from .mixture import Mixture
from .ncut import NCut
from .palette import Palette

if TYPE_CHECKING:
    from .embedding import Embedding

# Of this file's format, not of the package: raised when a reader of the old one would go wrong.
FORMAT_VERSION = 2


def save_embedding(embedding: Embedding, path: Path, *, images: bool) -> None:
    """Write an embedding; see `Embedding.save`."""
    extension = embedding.ncut.extension
    described: dict[str, Any] = {
        "format": "napari-ncut embedding",
        "version": FORMAT_VERSION,
        "layout": embedding.layout.to_json(),
        "recipe": _plain(embedding.recipe),
        "ncut": _plain({**embedding.ncut.get_params(), **_named_affinity(embedding.ncut)}),
        "preparation": embedding.preparation.kind,
        "kernel": _described_kernel(extension.kernel),
        "mixture": None if embedding.mixture is None else asdict(embedding.mixture),
    }
    arrays: dict[str, NDArray] = {
        "vectors": embedding.vectors,
        "eigenvalues": embedding.eigenvalues,
        "degrees": embedding.degrees,
        "mean": embedding.preparation.mean,
        "scale": embedding.preparation.scale,
        "reference": extension.reference,
        "projection": extension.projection,
    }
    if isinstance(extension.kernel, Kernel):
        arrays["center"] = extension.kernel.center
    if isinstance(extension, NeighborExtension):
        described["n_neighbors"] = extension.n_neighbors
    else:
        described["degree_floor"] = extension.degree_floor
        arrays["degree_weights"] = extension.degree_weights
    if embedding.palette is not None:
        arrays |= {f"palette_{k}": array for k, array in embedding.palette.to_arrays().items()}
    arrays["description"] = np.frombuffer(json.dumps(described).encode(), dtype=np.uint8)
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
    ncut = NCut(**described["ncut"])
    ncut.restore(_extension(described, arrays), arrays["eigenvalues"], arrays["degrees"])
    palette = {
        name.removeprefix("palette_"): array
        for name, array in arrays.items()
        if name.startswith("palette_")
    }
    mixture = described.get("mixture")
    return {
        "vectors": arrays["vectors"],
        "eigenvalues": arrays["eigenvalues"],
        "degrees": arrays["degrees"],
        "layout": layout,
        "ncut": ncut,
        "preparation": Preparation(described["preparation"], arrays["mean"], arrays["scale"]),
        "recipe": described["recipe"],
        "planes": _stored_planes(arrays, layout),
        "mixture": None if mixture is None else Mixture(**mixture),
        "palette": Palette.from_arrays(palette) if palette else None,
    }


def _named_affinity(ncut: NCut) -> dict[str, str]:
    """A function among the parameters by a name that reading takes for the default affinity."""
    return {"affinity": "rbf"} if callable(ncut.affinity) else {}


def _described_kernel(kernel: AnyKernel) -> dict[str, Any]:
    """A kernel as plain data; of a function, which no file keeps, its name."""
    if isinstance(kernel, Kernel):
        return {"normalized": kernel.normalized, "bandwidth": kernel.bandwidth}
    assert isinstance(kernel, FunctionKernel)
    return {"function": kernel.name}


def _extension(described: dict[str, Any], arrays: dict[str, NDArray]) -> AnyExtension:
    told = described["kernel"]
    kernel: AnyKernel
    if "function" in told:
        kernel = FunctionKernel(None, told["function"])
    else:
        kernel = Kernel(center=arrays["center"], **told)
    reference, projection = arrays["reference"], arrays["projection"]
    if "n_neighbors" in described:
        assert isinstance(kernel, Kernel)
        return NeighborExtension(kernel, reference, projection, described["n_neighbors"])
    return Extension(
        kernel, reference, projection, arrays["degree_weights"], described["degree_floor"]
    )


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
