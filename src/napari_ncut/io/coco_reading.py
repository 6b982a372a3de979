"""Masks in from COCO's JSON: polygons, and run lengths, plain and compressed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .annotations import Annotations, as_planes, paint_objects
from .colors import default_color
from .outlines import fill_outlines
from .run_lengths import pixels_of_runs


def read_coco(
    path: str | Path, shape: Sequence[int] | None = None, *, image: str | None = None
) -> Annotations:
    """Read the masks of one image, or the planes of one stack.

    Parameters
    ----------
    path
        The file.
    shape
        (h, w) or (n, h, w) of the image; default: as the file says.
    image
        File name of the image (its ending does not count); planes are called "name[0]", "name[1]".
        Not needed where the file has one image or one stack.

    Raises
    ------
    InputError
        If the file is no such JSON, has no such image, or sizes do not fit.
    """
    document = _document(Path(path))
    images = _chosen(document["images"], image, path, stack=shape is not None and len(shape) > 2)
    sizes = {(int(one["height"]), int(one["width"])) for one in images}
    if len(sizes) > 1:
        raise InputError(f"{path}: the planes of one stack have the sizes {sorted(sizes)}.")
    size = sizes.pop()
    wanted: tuple[int, ...] = (len(images), *size) if len(images) > 1 else size
    if shape is not None:
        planes = as_planes(shape, "COCO JSON")
        if planes != (len(images), *size):
            raise InputError(
                f"{path}: masks are of {len(images)} plane(s) of {size[0]} × {size[1]}, but the "
                f"image has the shape {tuple(shape)}. Choose the file of this image."
            )
        wanted = tuple(shape)
    plane_of = {one["id"]: i for i, one in enumerate(images)}
    names, numbers = _categories(document)
    annotations = [a for a in document["annotations"] if a.get("image_id") in plane_of]
    pixels, objects, classes = [], [], []
    for i, one in enumerate(annotations):
        own = _pixels(one.get("segmentation"), one, size)
        pixels.append(own + plane_of[one["image_id"]] * size[0] * size[1])
        objects.append(np.full(len(own), i))
        category = one.get("category_id", 0)
        classes.append(numbers.setdefault(category, _free(numbers, category)))
        names.setdefault(classes[-1], f"class {classes[-1]}")
    labels, things = paint_objects(
        np.concatenate([np.zeros(0, np.int64), *pixels]),
        np.concatenate([np.zeros(0, np.int64), *objects]),
        classes,
        wanted,
    )
    colors = {n: default_color(n) for n in names}
    return Annotations(labels, names, colors | _colors(document, numbers), things)


def coco_names(path: str | Path) -> list[str]:
    """File names of the images in a file, once for all planes of a stack."""
    names = [_plane_less(str(one.get("file_name", ""))) for one in _document(Path(path))["images"]]
    return list(dict.fromkeys(names))


def is_coco(path: str | Path) -> bool:
    """Whether a file is JSON with images and annotations."""
    try:
        _document(Path(path))
    except InputError:
        return False
    return True


def _document(path: Path) -> dict[str, Any]:
    document = read_json(path)
    parts = ("images", "annotations")
    if not isinstance(document, dict) or not all(isinstance(document.get(p), list) for p in parts):
        raise InputError(f"{path} is no COCO JSON: it has no lists “images” and “annotations”.")
    return document


def read_json(path: Path) -> Any:
    """What a JSON file says; an `InputError` if it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}). Check the path.") from error
    except ValueError as error:
        raise InputError(f"{path} is no JSON ({error}). Choose another file.") from error


def _chosen(
    images: list[dict[str, Any]], name: str | None, path: Any, *, stack: bool
) -> list[dict[str, Any]]:
    """The images of one name, planes in their order."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for one in images:
        by_name.setdefault(_plain(str(one.get("file_name", ""))), []).append(one)
    if name is not None and len(by_name) > 1:
        wanted = _plain(name)
        # As it is called, or but for its ending.
        exact = [own for own in by_name if own == wanted or Path(own).stem == wanted]
        alike = [own for own in by_name if Path(own).stem == Path(wanted).stem]
        found = [wanted] if wanted in by_name else exact or alike
        if len(found) != 1:
            listed = ", ".join(sorted(found or by_name)[:5])
            raise InputError(
                f"{path} has {'several images like' if found else 'no image'} {name!r}. It has: "
                f"{listed}."
            )
        return by_name[found[0]]
    if not images or (len(by_name) > 1 and not stack):
        raise InputError(
            f"{path} has masks of {len(images)} images. Say which one is meant by its name."
        )
    return images


def _plane_less(name: str) -> str:
    """Name of an image without folders, and without the number of a plane."""
    name = name.replace("\\", "/").rpartition("/")[2]
    plain, bracket, number = name.rpartition("[")
    return plain if bracket and number.endswith("]") and number[:-1].isdigit() else name


def _plain(name: str) -> str:
    return _plane_less(name).casefold()


def _categories(document: dict[str, Any]) -> tuple[dict[int, str], dict[Any, int]]:
    """Names of classes, and the class of every category; COCO's may be numbered from 0."""
    numbers: dict[Any, int] = {}
    names: dict[int, str] = {}
    categories = document.get("categories") or []
    for one in categories:
        number = one.get("id")
        known = isinstance(number, int) and number > 0
        numbers[number] = number if known else -1
    for one in categories:
        number = one.get("id")
        if numbers[number] < 0:
            numbers[number] = max(numbers.values()) + 1 if max(numbers.values()) > 0 else 1
        names[numbers[number]] = str(one.get("name", f"class {numbers[number]}"))
    return names, numbers


def _colors(document: dict[str, Any], numbers: dict[Any, int]) -> dict[int, str]:
    return {
        numbers[one["id"]]: str(one["color"])
        for one in document.get("categories") or []
        if isinstance(one.get("color"), str) and one.get("id") in numbers
    }


def _free(numbers: dict[Any, int], category: Any) -> int:
    taken = set(numbers.values())
    fits = isinstance(category, int) and category > 0 and category not in taken
    return category if fits else max(taken, default=0) + 1


def _pixels(given: Any, annotation: Any, size: tuple[int, int]) -> NDArray[np.int64]:
    """Pixels of one mask; none of one that is only a box."""
    try:
        if isinstance(given, dict):
            own = tuple(int(n) for n in given.get("size", size))
            if own != size:
                raise InputError(f"a mask has the size {own}, but its image {size}")
            return pixels_of_runs(given["counts"], size)
        rings = [np.asarray(ring, float).reshape(-1, 2) for ring in given or []]
    except (InputError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"The annotation {annotation.get('id')} cannot be read: {error}. Polygons are lists "
            f"[x, y, x, y, …], run lengths have “size” and “counts”."
        ) from error
    # Several polygons of one thing are its pieces, never holes.
    return np.unique(fill_outlines(rings, np.arange(len(rings)), size)[0])
