"""What was done, as a Python script that does it again."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from .prompts import Stroke

# Written out even where they are the defaults: what a result depends on most should be seen, and
# should stay should a later version choose otherwise.
_ALWAYS = ("backbone", "n_components")
_ORDER = ("axes", "backbone", "n_components", "layer", "node", "channels", "scaling")


@dataclass(frozen=True)
class ImageSource:
    """Where an image comes from.

    Attributes
    ----------
    path : str or None
        File that `read_image` opens; None if the image never was a file, which leaves a line to
        fill in.
    axes : str
        Letters of the axes of the image as it is used, after `index`.
    index : str or None
        Python indexing of what the file holds, such as ``"[:, 100:400, 50:300]"``: a crop, or
        planes.
    shape : tuple of int or None
        Of the image as it is used, where it is known.
    file_axes : str or None
        What `read_image` must be told the file's axes are; None if the file says so itself.
    """

    path: str | None
    axes: str
    index: str | None = None
    shape: tuple[int, ...] | None = None
    file_axes: str | None = None


def embedding_script(
    source: ImageSource | Sequence[ImageSource],
    recipe: Mapping[str, Any],
    *,
    output: str | Path | None = None,
) -> str:
    """Write a script that computes an embedding.

    Parameters
    ----------
    source
        The image, or several that are embedded jointly.
    recipe
        `Embedding.recipe`.
    output
        File for `Embedding.save`, if it shall be kept.

    Returns
    -------
    str
        Python that uses the public API only. Parameters at their defaults are left out, except the
        backbone and the number of eigenvectors.
    """
    lines = _embedding_lines(source, recipe)
    if output is not None:
        lines += ["", f"embedding.save({_literal(str(output))})"]
    return _script(lines)


def segment_script(
    source: ImageSource | Sequence[ImageSource],
    recipe: Mapping[str, Any],
    points: ArrayLike,
    positive: ArrayLike | None = None,
    classes: ArrayLike | None = None,
    parameters: Mapping[str, Any] | None = None,
    output: str | Path | Sequence[str | Path] | None = None,
    *,
    strokes: Sequence[Stroke] = (),
) -> str:
    """Write a script that computes an embedding and, from clicks and strokes, masks.

    Of images without an embedding (the recipe's backbone is None) it computes none.

    Parameters
    ----------
    source, recipe
        See `embedding_script`.
    points, positive, classes
        As for `PromptSegmenter.predict`.
    parameters
        Its other parameters, such as threshold or mode.
    output
        File for the label map; one for each image where `source` is a sequence. None writes none.
    strokes
        As for `PromptSegmenter.predict`.

    Returns
    -------
    str
    """
    from .prompts import PromptSegmenter
    from .prompts.stroke_text import stroke_lines

    lines = _embedding_lines(source, recipe)
    rows = np.asarray(points)
    lines += [
        "",
        f"# one row per click: {'row, column' if _width(rows) == 2 else 'plane, row, column'}",
    ]
    lines += [*_rows("points", rows.tolist())]
    given = {"points": "points"}
    for name, values in (("positive", positive), ("classes", classes)):
        if values is None or (name == "positive" and np.asarray(values).all()):
            continue
        kind = bool if name == "positive" else int
        lines.append(f"{name} = {[kind(v) for v in np.asarray(values).tolist()]}")
        given[name] = name
    if strokes:
        lines += stroke_lines(strokes)
        given["strokes"] = "strokes"
    wanted = _not_default(PromptSegmenter.predict, dict(parameters or {}))
    arguments = ["points", *(f"{name}={name}" for name in given if name != "points")]
    arguments += [f"{name}={_literal(value)}" for name, value in wanted.items()]
    if not _is_bare(recipe):
        lines += ["", "segmenter = ncut.PromptSegmenter(embedding)"]
    lines += _call("labels", "segmenter.predict", arguments)
    if output is not None:
        lines += ["", *_write_lines(source, output)]
    return _script(lines, numpy=any("np." in line for line in lines))


def function_script(
    source: ImageSource,
    function: str,
    given: Mapping[str, Any],
    *,
    defaults: Mapping[str, Any] | None = None,
    target: str = "labels",
    further: Sequence[str] = (),
    labels: str | None = None,
    output: str | Path | None = None,
) -> str:
    """Write a script that calls a function of the public API with an image.

    Parameters
    ----------
    source
        The image.
    function
        Name of the function in `napari_ncut`, whose first argument is the image.
    given
        Its other arguments. Those at their defaults are left out, except `method`.
    defaults
        Those of arguments that its signature does not name: of the parameters of a method.
    target
        What the result is called.
    further
        Lines that follow the call.
    labels
        The expression that is written to `output`; default: `target`.
    output
        File for the label map. None writes none.

    Returns
    -------
    str
    """
    import napari_ncut

    comment, expression = _reading(source)
    called = getattr(napari_ncut, function)
    known = defaults or {}
    told = {name: v for name, v in given.items() if name not in known or v != known[name]}
    wanted = _not_default(called, {"axes": source.axes, **told}, (*_ALWAYS, "method"))
    if wanted.get("axes") == "YX":
        del wanted["axes"]
    arguments = ["image", *(f"{name}={_literal(value)}" for name, value in wanted.items())]
    lines = [*comment, f"image = {expression}", *_call(target, f"ncut.{function}", arguments)]
    lines += further
    if output is not None:
        written = labels or target
        place = _literal(str(output))
        lines += ["", f"ncut.write_labels({place}, {written}{_axes_argument(source)})"]
    return _script(lines)


def measure_script(
    labels: ImageSource,
    image: ImageSource | Mapping[str, ImageSource],
    parameters: Mapping[str, Any],
    *,
    classes: ImageSource | None = None,
    output: str | Path = "segments.csv",
) -> str:
    """Write a script that measures the segments of labels.

    Parameters
    ----------
    labels
        Where the labels come from.
    image
        Where the image that intensities are measured in does, or each channel of it by name; an
        empty mapping for none.
    parameters
        Further arguments of `measure_segments`.
    classes
        Where a map of classes comes from, if there is one.
    output
        File for the table.

    Returns
    -------
    str
    """
    from .measuring import measure_segments

    comment, expression = _reading(labels)
    lines = [*comment, f"labels = {expression}"]
    arguments = ["labels"]
    given = {"axes": labels.axes, **parameters}
    if isinstance(image, ImageSource):
        comment, expression = _reading(image)
        lines += [*comment, f"image = {expression}"]
        given["axes"] = image.axes
    elif image:
        lines.append("image = {")
        for name, source in image.items():
            comment, expression = _reading(source)
            lines += [*(f"    {line}" for line in comment), f"    {_literal(name)}: {expression},"]
        lines.append("}")
    if image:
        arguments.append("image")
    if classes is not None:
        comment, expression = _reading(classes)
        lines += [*comment, f"classes = {expression}"]
        arguments.append("classes=classes")
    wanted = _not_default(measure_segments, given)
    if wanted.get("axes") == "YX":
        del wanted["axes"]
    if not wanted.get("class_names"):
        wanted.pop("class_names", None)
    arguments += [f"{name}={_literal(value)}" for name, value in wanted.items()]
    lines += ["", *_call("table", "ncut.measure_segments", arguments)]
    lines += [f"table.to_csv({_literal(str(output))})", "classes = ncut.summarize(table)"]
    return _script(lines)


def _script(lines: list[str], *, numpy: bool = False) -> str:
    imports = ["import numpy as np", ""] if numpy else []
    return "\n".join([*imports, "import napari_ncut as ncut", "", *lines]) + "\n"


def _embedding_lines(
    source: ImageSource | Sequence[ImageSource], recipe: Mapping[str, Any]
) -> list[str]:
    from .imaging import once_if_alike
    from .spectral import embed

    several = not isinstance(source, ImageSource)
    sources: list[ImageSource] = [source] if isinstance(source, ImageSource) else list(source)
    name = "images" if several else "image"
    lines = []
    if several:
        lines.append("images = [")
        for one in sources:
            comment, expression = _reading(one)
            lines += [*(f"    {line}" for line in comment), f"    {expression},"]
        lines.append("]")
    else:
        comment, expression = _reading(sources[0])
        lines += [*comment, f"image = {expression}"]
    axes = once_if_alike([one.axes for one in sources])
    if _is_bare(recipe):
        return [*lines, *_bare_lines(name, {**recipe, "axes": axes})]
    given = {"axes": axes, **_of_the_user(recipe, sources)}
    wanted = _not_default(embed, given)
    if wanted.get("axes") == "YX":
        del wanted["axes"]
    missing = _not_in_recipe(wanted)
    for key, what in missing.items():
        lines += [f"# {what}", f"{key} = ..."]
    order = sorted(wanted, key=lambda key: _ORDER.index(key) if key in _ORDER else len(_ORDER))
    values = {key: key if key in missing else _literal(wanted[key]) for key in order}
    arguments = [name, *(f"{key}={value}" for key, value in values.items())]
    return [*lines, *_call("embedding", "ncut.embed", arguments)]


def _is_bare(recipe: Mapping[str, Any]) -> bool:
    """Whether a recipe is of images that nothing was computed of."""
    return "backbone" in recipe and recipe["backbone"] is None


def _bare_lines(name: str, recipe: Mapping[str, Any]) -> list[str]:
    from .prompts import PromptSegmenter

    wanted = _not_default(PromptSegmenter.of_images, recipe)
    if wanted.get("axes") == "YX":
        del wanted["axes"]
    arguments = [name, *(f"{key}={_literal(value)}" for key, value in wanted.items())]
    return _call("segmenter", "ncut.PromptSegmenter.of_images", arguments)


def _not_in_recipe(wanted: Mapping[str, Any]) -> dict[str, str]:
    """Arguments that a recipe only tells of, each with a comment on what to put there."""
    from .spectral.names import AFFINITIES

    missing = {}
    if wanted.get("contours", "auto") != "auto":
        missing["contours"] = "Put the edge strengths here, 0 to 1: an array (h, w) per plane."
    affinity = wanted.get("affinity", "rbf")
    if affinity not in AFFINITIES:
        missing["affinity"] = f"Put the function here that gave affinities: {affinity}"
    return missing


def _of_the_user(recipe: Mapping[str, Any], sources: list[ImageSource]) -> dict[str, Any]:
    """The recipe without what follows from the rest of it."""
    from .backbones import BACKBONES
    from .imaging import parse_axes

    given = {key: value for key, value in recipe.items() if key != "axes"}
    entry = BACKBONES.get(given.get("backbone", ""))
    if entry is None or given.get("architecture"):
        return given
    layer = given.get("layer")
    if layer == entry.default_layer:
        given.pop("layer")
    if given.get("node") == entry.default_node:
        given.pop("node")
    if "stride" in given and all(one.shape is not None for one in sources):
        sizes = [parse_axes(one.axes, one.shape or ()) for one in sources]
        shapes = tuple(axes.plane_shape for axes in sizes for _ in range(axes.n_planes))
        if given["stride"] == entry.choose_stride(shapes, layer):
            given.pop("stride")
    return given


def _not_default(
    function: Any, given: Mapping[str, Any], always: Sequence[str] = _ALWAYS
) -> dict[str, Any]:
    """Arguments that `function` takes and that are not its defaults already, some always."""
    known = inspect.signature(function).parameters
    takes_any = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in known.values())
    return {
        name: value
        for name, value in given.items()
        if (name in known or takes_any)
        and name != "progress"
        and (name in always or name not in known or _plain(value) != _plain(known[name].default))
    }


def _reading(source: ImageSource) -> tuple[list[str], str]:
    """Comment lines, and the expression that reads an image."""
    index = source.index or ""
    if source.path is not None:
        axes = f", axes={_literal(source.file_axes)}" if source.file_axes else ""
        return [], f"ncut.read_image({_literal(source.path)}{axes}).data{index}"
    size = f" of shape {source.shape}" if source.shape is not None else ""
    comment = [
        "# This image was not read from a file: put the name of one here, or any array",
        f"# {size.strip()} with the axes {source.axes}.".replace("#  ", "# "),
    ]
    return comment, f'ncut.read_image("your-image.tif").data{index}'


def _write_lines(
    source: ImageSource | Sequence[ImageSource], output: str | Path | Sequence[str | Path]
) -> list[str]:
    if isinstance(source, ImageSource):
        if not isinstance(output, str | Path):
            raise ValueError("One image has one output; a sequence was given.")
        return [f"ncut.write_labels({_literal(str(output))}, labels{_axes_argument(source)})"]
    outputs = [output] if isinstance(output, str | Path) else list(output)
    if len(outputs) != len(source):
        raise ValueError(f"{len(source)} images need as many outputs, not {len(outputs)}.")
    return [
        f"ncut.write_labels({_literal(str(path))}, labels[{i}]{_axes_argument(one)})"
        for i, (path, one) in enumerate(zip(outputs, source, strict=True))
    ]


def _axes_argument(source: ImageSource) -> str:
    """The axes of the label map, unless they are those that `write_labels` takes for granted."""
    stack = "".join(name for name in source.axes if name in "TZ")
    # All planes of a stack of several axes come on one axis.
    return ', axes="ZYX"' if stack == "Z" else ""


def _call(target: str, function: str, arguments: list[str]) -> list[str]:
    line = f"{target} = {function}({', '.join(arguments)})"
    if len(line) <= 88:
        return [line]
    return [f"{target} = {function}(", *(f"    {argument}," for argument in arguments), ")"]


def _rows(name: str, rows: list[list[float]]) -> list[str]:
    if not rows:
        return [f"{name} = []"]
    texts = [
        ", ".join(repr(int(v)) if float(v).is_integer() else repr(v) for v in row) for row in rows
    ]
    return [f"{name} = [", *(f"    [{text}]," for text in texts), "]"]


def _width(rows: np.ndarray) -> int:
    return rows.shape[1] if rows.ndim == 2 else 3


def _plain(value: Any) -> Any:
    """Numbers and arrays of numpy, and tuples, as plain Python."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _literal(value: Any) -> str:
    """Python source of a plain value, texts in double quotes where that needs no escape."""
    value = _plain(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, str) and value.isprintable() and not set(value) & set('"\\'):
        return f'"{value}"'
    return repr(value)
