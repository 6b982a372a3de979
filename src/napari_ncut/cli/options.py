"""Options that several commands share, declared once.

Choices are written out rather than asked of the registries, which would import what makes
``--help`` slow; a test holds them against the registries.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

_FEATURES = "Features"
_CUT = "Normalized cut"

Images = Annotated[
    list[Path],
    typer.Argument(
        metavar="IMAGES",
        help="TIFF, PNG, JPEG, npy, zarr, or folders of them (img2 before img10). Several are "
        "embedded jointly, of any sizes and kinds: alike things in different images get alike "
        "eigenvectors.",
        show_default=False,
    ),
]
# Of commands that cut nothing jointly.
ImagesApart = Annotated[
    list[Path],
    typer.Argument(
        metavar="IMAGES",
        help="TIFF, PNG, JPEG, npy, zarr, or folders of them (img2 before img10), of any sizes and "
        "kinds.",
        show_default=False,
    ),
]
ResultsFolder = Annotated[
    Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder for the results.")
]
Axes = Annotated[
    str | None,
    typer.Option(
        help="What the dimensions are, where the files do not say: letters T, Z, C, S, Y, X, for "
        "example ZYX or CYX. A last C or S of 3 or 4 is color. Commas give each image its own: "
        "YX,ZYX.",
        show_default=False,
    ),
]
Backbone = Annotated[
    str | None,
    typer.Option(
        help="What computes the features; see: napari-ncut backbones. Also any network of timm or "
        "torchvision: timm:NAME, torchvision:NAME.",
        rich_help_panel=_FEATURES,
        show_default=False,
    ),
]
Layer = Annotated[
    str | None,
    typer.Option(
        help="Layer of the backbone, by index or label; several, such as 3,7,11, are put side by "
        "side. Default: the last, of convolutional networks the last with fine cells. A later one "
        "sees a larger surrounding.",
        rich_help_panel=_FEATURES,
        show_default=False,
    ),
]
Node = Annotated[
    str | None,
    typer.Option(
        help="Kind of features of the backbone. Default: its first.",
        rich_help_panel=_FEATURES,
        show_default=False,
    ),
]
Stride = Annotated[
    int | None,
    typer.Option(
        help="Pixels per cell of the feature grid; smaller is finer and slower. For networks "
        "their own, a multiple or a fraction of it, else a power of two. Default: the network's "
        "own, or by the size of the images.",
        rich_help_panel=_FEATURES,
        show_default=False,
    ),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Weights of your own for the network: a state dict (.pth), .safetensors or .npz.",
        rich_help_panel=_FEATURES,
        show_default=False,
    ),
]
Refine = Annotated[
    str | None,
    typer.Option(
        metavar="shift|dense",
        help="How a grid finer than the network's own is reached: by shifted passes, or by patches "
        "that overlap. Default: shift.",
        rich_help_panel=_FEATURES,
        show_default=False,
    ),
]
Preparation = Annotated[
    str | None,
    typer.Option(
        metavar="l2|standardize|none",
        help="What happens to features before the cut: unit length at every cell, equal deviation "
        "of every feature, or nothing. Default: what suits the backbone.",
        rich_help_panel=_FEATURES,
        show_default=False,
    ),
]
InputNormalization = Annotated[
    str | None,
    typer.Option(
        metavar="imagenet|inception|clip|caffe|none",
        help="What the network expects of intensities. Default: as it was trained.",
        rich_help_panel=_FEATURES,
        show_default=False,
    ),
]
Architecture = Annotated[
    str | None,
    typer.Option(
        metavar="JSON",
        help="Arguments for building a variant of the network, for weights of your own, such as "
        "'{\"num_classes\": 10}'.",
        rich_help_panel=_FEATURES,
        show_default=False,
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        metavar="auto|float32|float16|bfloat16",
        help="Of the network's computation. Default: half precision on CUDA, else float32.",
        rich_help_panel=_FEATURES,
        show_default=False,
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        help="Planes that the network computes at once. Default: as many as suit it.",
        rich_help_panel=_FEATURES,
        show_default=False,
    ),
]
Channels = Annotated[
    str | None,
    typer.Option(
        help="Channels to use: an index from 0, several such as 0,2, all, or composite (mixed to "
        "RGB). Default: all, of color images the three colors.",
        rich_help_panel=_FEATURES,
        show_default=False,
    ),
]
Scaling = Annotated[
    str | None,
    typer.Option(
        metavar="stack|plane|dtype",
        help="How intensities become 0 to 1: by percentiles over all planes of an image, over each "
        "plane alone, or by the range of the data type. Default: stack.",
        rich_help_panel=_FEATURES,
        show_default=False,
    ),
]
Limits = Annotated[
    tuple[float, float] | None,
    typer.Option(
        metavar="LOW HIGH",
        help="Contrast limits, in place of --scaling.",
        rich_help_panel=_FEATURES,
        show_default=False,
    ),
]
Components = Annotated[
    int | None,
    typer.Option(
        help="Number of eigenvectors. More tell smaller groups apart. Default: 30.",
        rich_help_panel=_CUT,
        show_default=False,
    ),
]
Affinity = Annotated[
    str | None,
    typer.Option(
        metavar="rbf|cosine|neighbors",
        help="How alike two cells are: by distance or by direction of their features, or by "
        "distance among nearest neighbors alone. Default: rbf.",
        rich_help_panel=_CUT,
        show_default=False,
    ),
]
Neighbors = Annotated[
    int | None,
    typer.Option(
        help="Nearest neighbors of every cell, for --affinity neighbors and --contours. More join "
        "what is less alike. Default: 32.",
        rich_help_panel=_CUT,
        show_default=False,
    ),
]
Bandwidth = Annotated[
    str | None,
    typer.Option(
        metavar="NUMBER|auto",
        help="Width of the rbf affinity. Smaller cuts sharper. Default: auto.",
        rich_help_panel=_CUT,
        show_default=False,
    ),
]
Gamma = Annotated[
    float | None,
    typer.Option(
        help="Factor on the automatic width, or that of the cosine affinity. Smaller cuts "
        "sharper. Default: 1.",
        rich_help_panel=_CUT,
        show_default=False,
    ),
]
ColorWeight = Annotated[
    float | None,
    typer.Option(
        help="How much the color of a cell counts beside its features: 0 not at all, 1 as much. "
        "Default: 0.",
        rich_help_panel=_CUT,
        show_default=False,
    ),
]
PositionWeight = Annotated[
    float | None,
    typer.Option(
        help="How much the place of a cell in its plane counts beside its features: 0 not at all, "
        "1 as much. Default: 0.",
        rich_help_panel=_CUT,
        show_default=False,
    ),
]
Contours = Annotated[
    bool,
    typer.Option(
        help="Let boundaries found in the image part the cells on either side of them.",
        rich_help_panel=_CUT,
        show_default=False,
    ),
]
ContourStrength = Annotated[
    float | None,
    typer.Option(
        help="How much contours part: 0 not at all; from 5 single cells may be left alone. "
        "Default: 3.",
        rich_help_panel=_CUT,
        show_default=False,
    ),
]
ContourRadius = Annotated[
    float | None,
    typer.Option(
        help="How far apart, in cells, two cells are joined unless a contour parts them. Larger "
        "bridges gaps in contours; time and memory grow with its square. Default: 5.",
        rich_help_panel=_CUT,
        show_default=False,
    ),
]
Accuracy = Annotated[
    str | None,
    typer.Option(
        metavar="fast|balanced|exact",
        help="How near to the true eigenvectors. fast: an error below about .02; balanced: below "
        ".01, whatever the bandwidth; exact: residuals below .0001 of an eigenvalue, in time that "
        "grows with the square of the number of cells. Default: balanced.",
        rich_help_panel=_CUT,
        show_default=False,
    ),
]
Memory = Annotated[
    float | None,
    typer.Option(
        metavar="GIGABYTES",
        help="What features and the cut may take; features beyond that go to a temporary file. "
        "Default: 4.",
        rich_help_panel=_CUT,
        show_default=False,
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        metavar="cpu|cuda|mps",
        help="Where to compute. Default: a GPU if there is one.",
        rich_help_panel=_CUT,
        show_default=False,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        help="Chooses the sample of cells: same seed, same result. Default: 0.",
        rich_help_panel=_CUT,
        show_default=False,
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace files that are there already.")
]


def embed_parameters(
    *,
    limits: tuple[float, float] | None,
    layer: str | None,
    channels: str | None,
    bandwidth: str | None,
    input_normalization: str | None = None,
    architecture: str | None = None,
    contours: bool = False,
    **others: Any,
) -> dict[str, Any]:
    """What was given, as keyword arguments of `napari_ncut.embed`; all else keeps its default."""
    from ..errors import InputError, check_choice

    if limits is not None:
        if others.get("scaling") is not None:
            raise InputError("--scaling and --limits were both given. Leave one of them out.")
        others["scaling"] = limits
    if contours:
        others["contours"] = "auto"
    for name, accepted in CHOICES.items():
        value = others.get(name)
        if isinstance(value, str):
            check_choice(f"--{name.replace('_', '-')}", value, accepted)
    _check_of_use(others)
    others["layer"] = layer
    others["normalization"] = input_normalization
    others["architecture"] = None if architecture is None else _architecture(architecture)
    others["channels"] = None if channels is None else _channels(channels)
    others["bandwidth"] = None if bandwidth is None else _bandwidth(bandwidth)
    return {name: value for name, value in others.items() if value is not None}


CHOICES: Mapping[str, tuple[str, ...]] = {
    "scaling": ("stack", "plane", "dtype"),
    "refine": ("shift", "dense"),
    "preparation": ("l2", "standardize", "none"),
    "precision": ("auto", "float32", "float16", "bfloat16"),
    "affinity": ("rbf", "cosine", "neighbors"),
    "accuracy": ("fast", "balanced", "exact"),
    "normalization": ("stack", "plane", "absolute"),
    "mode": ("similar", "object"),
    "method": ("auto", "regions", "tutorial", "cut"),
    "coloring": ("pca", "tsne", "umap"),
    "grouping": ("nested", "cluster_qr", "rotation", "kmeans"),
}


def _check_of_use(given: Mapping[str, Any]) -> None:
    """Raise an `InputError` if an option is set that the others given make without effect."""
    from ..errors import InputError

    if given.get("contours") is None:
        for name in ("contour_strength", "contour_radius"):
            if given.get(name) is not None:
                raise InputError(
                    f"--{name.replace('_', '-')} is of contours. Add --contours, or leave it out."
                )
        if given.get("n_neighbors") is not None and given.get("affinity") != "neighbors":
            raise InputError(
                "--neighbors is of sparse graphs. Add --affinity neighbors or --contours, or leave "
                "it out."
            )


def _channels(text: str) -> int | list[int] | str:
    from ..errors import InputError

    if text in ("all", "composite"):
        return text
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            f"Channels {text!r} cannot be used. Give an index from 0, several such as 0,2, all, or "
            f"composite."
        ) from None
    return numbers[0] if len(numbers) == 1 else numbers


def _architecture(text: str) -> dict[str, Any]:
    import json

    from ..errors import InputError

    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise InputError(
            f"Architecture {text!r} cannot be used. Give a JSON object of names and values, such "
            f"as '{{\"num_classes\": 10}}'."
        )
    return given


def _bandwidth(text: str) -> float | str:
    from ..errors import InputError

    try:
        return "auto" if text == "auto" else float(text)
    except ValueError:
        raise InputError(
            f"Bandwidth {text!r} cannot be used. Give a number above 0, or auto."
        ) from None
