"""What `semantic` reads and writes: masks, parameters of clusterers, classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, check_choice
from ..imaging import parse_axes
from ..io import ImageFile, check_outputs, write_coco, write_table, write_together
from ..progress import Steps
from ..sam.classes import SemanticClasses
from ..sam.clusterers import CLUSTERERS, DEFAULT_CLUSTERER, check_clusterer
from .inputs import image_names, label_writer, output_stems, plane_names
from .settings import declared_settings

# What the options of finding classes are where nobody gives them, and what those are called whose
# name is not their option's.
_USUAL: dict[str, Any] = {
    "clusterer": DEFAULT_CLUSTERER,
    "descriptor": "compact",
    "whiten": True,
    "size_weight": 0.0,
    "color_weight": 0.0,
}
_OPTIONS = {
    "clusterer": "--clusterer",
    "descriptor": "--descriptor",
    "whiten": "--no-whiten",
    "size_weight": "--size-weight",
    "color_weight": "--color-weight",
    "settings": "--set",
    "preset": "--preset",
    "n_classes": "--classes",
}


def clusterer_parameters(
    clusterer: str, preset: str | None, settings: Sequence[str], n_classes: int | None
) -> tuple[str, dict[str, Any]]:
    """The clusterer and its parameters, by a preset and by texts such as "eps=.4"."""
    given: dict[str, Any] = {}
    if preset is not None:
        homes = {name: c for c, entry in CLUSTERERS.items() for name in entry.presets}
        clusterer = homes[check_choice("--preset", preset, homes)]
        given |= CLUSTERERS[clusterer].presets[preset]
    entry = CLUSTERERS[check_choice("--clusterer", clusterer, CLUSTERERS)]
    given |= declared_settings(clusterer, entry.parameters, settings)
    check_clusterer(clusterer, n_classes, given)
    return clusterer, given


def class_source(load: Path | None, **given: Any) -> Callable[..., Steps[SemanticClasses]]:
    """What finds classes by these options, or applies those of a file; both checked.

    Parameters
    ----------
    load
        The file; None finds classes.
    **given
        Options of finding, each as the command has it.
    """
    if load is not None:
        usual = {**_USUAL, "settings": [], "preset": None, "n_classes": None}
        changed = [_OPTIONS.get(name, name) for name in given if given[name] != usual[name]]
        if changed:
            raise InputError(
                f"--load-classes brings its own way to compare masks, but more was given "
                f"({', '.join(changed)}). Leave these out, or leave --load-classes out."
            )
        from ..sam.applying import apply_steps

        return partial(apply_steps, SemanticClasses.load(load))
    from ..sam.semantic import semantic_classes_steps

    clusterer, parameters = clusterer_parameters(
        given["clusterer"], given["preset"], given["settings"], given["n_classes"]
    )
    others = {name: given[name] for name in _USUAL if name != "clusterer"}
    return partial(
        semantic_classes_steps,
        clusterer=clusterer,
        n_classes=given["n_classes"],
        **others,
        **parameters,
    )


def mask_arguments(masks: Sequence[Path] | None, files: Sequence[ImageFile], level: Any) -> Any:
    """Label maps of the masks, as `semantic_classes` takes them; None where none are given."""
    if not masks:
        return None
    if level is not None:
        raise InputError("--level is of regions, but --masks were given. Leave one of them out.")
    if len(masks) != len(files):
        raise InputError(
            f"{len(masks)} files of masks were given for {len(files)} images. Give --masks once "
            f"for every image, in the same order."
        )
    from ..io import read_image

    labels = []
    for path, file in zip(masks, files, strict=True):
        parsed = parse_axes(file.axes, file.data.shape)
        data = np.asarray(read_image(path, axes=_label_axes(parsed.stack_shape)).data)
        shape = (*parsed.stack_shape, *parsed.plane_shape)
        if data.dtype.kind not in "iub" or data.shape != shape:
            raise InputError(
                f"{path} has {' × '.join(map(str, data.shape))} numbers of dtype {data.dtype}, but "
                f"{file.path.name} has {' × '.join(map(str, shape))} pixels. Give a label image of "
                f"that size."
            )
        labels.append(data.astype(np.uint8) if data.dtype == bool else data)
    return labels if len(files) > 1 else labels[0]


def _label_axes(stack_shape: tuple[int, ...]) -> str:
    return "TZ"[2 - len(stack_shape) :] + "YX"


@dataclass(frozen=True)
class ClassFiles:
    """Which files are written, and of which images."""

    files: tuple[ImageFile, ...]
    classes: tuple[Path, ...]
    instances: tuple[Path, ...]
    table: Path
    document: Path
    stored: Path | None = None

    @classmethod
    def of(cls, folder: Path, files: Sequence[ImageFile], stored: Path | None = None) -> ClassFiles:
        """Files in a folder, named after the images, and one for classes of other images."""
        if stored is not None and stored.suffix.lower() != ".npz":
            raise InputError(f"{stored} does not end in .npz. Call it {stored.stem}.npz.")
        stems = output_stems([file.path for file in files])
        return cls(
            tuple(files),
            tuple(folder / f"{stem}_classes.tif" for stem in stems),
            tuple(folder / f"{stem}_instances.tif" for stem in stems),
            folder / "classes.csv",
            folder / "classes.json",
            stored,
        )

    def check(self, *, overwrite: bool) -> None:
        """Raise an `InputError` unless all can be written."""
        paths = [*self.classes, *self.instances, self.table, self.document]
        paths += [] if self.stored is None else [self.stored]
        check_outputs(paths, overwrite=overwrite)

    def write(self, found: SemanticClasses) -> list[Path]:
        """Write all files, or none."""
        names = image_names([file.path for file in self.files])
        several = len(self.files) > 1
        writers: dict[Path, Callable[[Path], object]] = {}
        for maps, paths in ((found.labels, self.classes), (found.instances, self.instances)):
            for file, path, labels in zip(
                self.files, paths, maps if several else [maps], strict=True
            ):
                writers[path] = label_writer(file, labels)
        table = found.features()
        rows = [
            [names[image], *row]
            for image, *row in zip(
                table["image"].tolist(),
                *(values.tolist() for name, values in table.items() if name != "image"),
                strict=True,
            )
        ]
        columns = ["image", *(name for name in table if name != "image")]
        writers[self.table] = partial(write_table, columns=columns, rows=rows)
        sets = dict(zip(plane_names(self.files), found.mask_sets(), strict=True))
        writers[self.document] = partial(write_coco, named_sets=sets, categories=found.names)
        if self.stored is not None:
            writers[self.stored] = found.save
        return write_together(writers)
