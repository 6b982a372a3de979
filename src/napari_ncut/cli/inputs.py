"""Images of a command: read, checked against each other, named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError

# Seconds of an estimate below which nobody wonders.
_WORTH_TELLING = 10

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..imaging import PlaneLayout
    from ..io import ImageFile


def read_inputs(paths: Sequence[Path], axes: str | None) -> list[ImageFile]:
    """Read files, and the images of folders; `axes` as the option gives them: ``"YX,ZYX"``."""
    from ..io import read_images

    several = axes is not None and "," in axes
    return read_images(paths, axes=axes.split(",") if axes and several else axes)


def as_given(images: Sequence[ImageFile]) -> dict[str, Any]:
    """The arguments `images` and `axes` of `embed`: an array for one image, or lists."""
    from ..imaging import once_if_alike

    if len(images) == 1:
        return {"images": images[0].data, "axes": images[0].axes}
    return {
        "images": [image.data for image in images],
        "axes": once_if_alike([image.axes for image in images]),
    }


def check_apart(paths: Sequence[Path], output: Path) -> None:
    """Raise an `InputError` if results would lie among images and be taken for some next time."""
    for path in paths:
        if path.is_dir() and output.exists() and output.samefile(path):
            raise InputError(
                f"The results would lie among the images in {path}, and be read as images next "
                f"time. Choose another folder for them, for example {path / 'results'}."
            )


def plan(
    images: Sequence[ImageFile], parameters: dict[str, Any]
) -> tuple[PlaneLayout, dict[str, Any]]:
    """Check `embed`'s parameters and load the backbone, without computing.

    Tells on stderr what the run will take, if that is long.

    Returns
    -------
    layout
        That the result will have.
    parameters
        For `embed`, with the backbone loaded.
    """
    from ..backbones import backbone_entry, load_backbone
    from ..backbones.estimate import estimate_run
    from ..backbones.extract import plan_layout
    from ..backbones.registry import backbone_options
    from ..imaging import as_planes
    from .report import say

    given = with_defaults(parameters)
    planes = as_planes(**as_given(images), channels=given["channels"], scaling=given["scaling"])
    if given["n_components"] < 1:
        raise InputError(
            f"{given['n_components']} components cannot be had. Give a whole number from 1."
        )
    backbone = load_backbone(
        given["backbone"], **{name: given[name] for name in backbone_options()}
    )
    layout = plan_layout(planes, backbone)
    estimate = estimate_run(
        layout,
        backbone_entry(given["backbone"]),
        given["n_components"],
        layer=given["layer"],
        dense=given["refine"] == "dense",
        device=getattr(backbone, "device", "cpu"),
        cut=given,
    )
    if estimate.seconds > _WORTH_TELLING:
        say(f"{backbone.name}: {estimate.text}, by estimate.", stderr=True)
    own = {*backbone_options(), "backbone"} - {"device"}
    rest = {name: value for name, value in parameters.items() if name not in own}
    return layout, {**rest, "backbone": backbone}


def with_defaults(parameters: dict[str, Any]) -> dict[str, Any]:
    """All parameters of `embed`: those given, the others by default."""
    import inspect

    from ..spectral import embed

    defaults = {name: p.default for name, p in inspect.signature(embed).parameters.items()}
    return {**defaults, **parameters}


def image_stem(path: Path) -> str:
    """Name of an image without what tells its format."""
    stem = path.stem
    return stem[:-4] if stem.lower().endswith(".ome") and len(stem) > 4 else stem


def output_stems(paths: Sequence[Path]) -> list[str]:
    """Names for outputs, one per image and all different, also where case does not count."""
    taken: set[str] = set()
    # Names that are single keep them, whatever the numbered ones would like to be called.
    stems = [image_stem(path) for path in paths]
    single = {stem.casefold() for stem in stems if _count(stem, stems) == 1}
    result = []
    for stem in stems:
        name, number = stem, 1
        while name.casefold() in taken or (number > 1 and name.casefold() in single):
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        result.append(name)
    return result


def names_beside(output: Path, images: Sequence[Path]) -> list[str]:
    """Names for what lies beside the file `output`, one per image: after the file and the image."""
    return [
        stem if output.stem == stem else f"{output.stem}_{stem}" for stem in output_stems(images)
    ]


def _count(stem: str, stems: Sequence[str]) -> int:
    return sum(other.casefold() == stem.casefold() for other in stems)


def image_names(paths: Sequence[Path]) -> list[str]:
    """What images are called in tables: their file names, or whole paths where those repeat."""
    names = [path.name for path in paths]
    return [str(path) if names.count(path.name) > 1 else path.name for path in paths]


def stack_axes(image: ImageFile) -> str:
    """Letters of the axes along which planes of an image lie, "" of a single plane."""
    from ..imaging import parse_axes

    parsed = parse_axes(image.axes, image.data.shape)
    return "".join(parsed.names[axis] for axis in parsed.stack)


def plane_names(images: Sequence[ImageFile]) -> list[str]:
    """What planes are called in tables: the image, and in stacks their number from 0."""
    from ..imaging import parse_axes

    names = []
    for name, image in zip(image_names([one.path for one in images]), images, strict=True):
        parsed = parse_axes(image.axes, image.data.shape)
        names += [f"{name}:{i}" for i in range(parsed.n_planes)] if parsed.stack else [name]
    return names


def label_writer(image: ImageFile, labels: NDArray) -> Callable[[Path], object]:
    """What writes label maps of all planes of an image, (…, h, w), with the image's axes."""
    from ..imaging import parse_axes
    from ..io import write_labels

    parsed = parse_axes(image.axes, image.data.shape)
    shaped = labels.reshape(*parsed.stack_shape, *parsed.plane_shape)
    return partial(write_labels, labels=shaped, axes=f"{stack_axes(image)}YX")


def planes_of(layout: PlaneLayout) -> Iterator[range]:
    """The planes of every image."""
    from math import prod

    first = 0
    for stack in layout.stacks:
        yield range(first, first + prod(stack))
        first += prod(stack)
