"""Images to embedding: planes → features → cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ..backbones import Backbone, backbone_entry, list_backbones, load_backbone
from ..backbones.entry import Layers
from ..backbones.extract import extract_steps, plan_layout
from ..backbones.network import Refine
from ..backbones.preparation import Preparation, Preparations, check_preparation
from ..backbones.registry import backbone_options
from ..errors import InputError
from ..imaging import Channels, Scaling, as_planes
from ..progress import Progress, Steps, run_steps
from .embedding import Embedding
from .features import preparation_kind
from .ncut import NCut


def embed(
    images: Any,
    *,
    axes: str | Sequence[str | None] | None = None,
    backbone: str | Backbone = "filterbank",
    n_components: int = 30,
    layer: Layers = None,
    node: str | None = None,
    checkpoint: str | Path | None = None,
    channels: Channels = None,
    scaling: Scaling = "stack",
    affinity: Literal["rbf", "cosine"] = "rbf",
    bandwidth: float | Literal["auto"] = "auto",
    affinity_gamma: float = 1.0,
    accuracy: Literal["fast", "balanced", "exact"] = "balanced",
    stride: int | None = None,
    refine: Refine | None = None,
    precision: str | None = None,
    normalization: Any = None,
    architecture: Mapping[str, Any] | None = None,
    preparation: Preparations | None = None,
    batch_size: int | None = None,
    random_state: int = 0,
    device: str | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Embedding:
    """Compute features of images and the eigenvectors of their normalized cut.

    Parameters
    ----------
    images
        One array, or a list of arrays of any sizes; all planes are cut jointly, so that alike
        things in different planes and images have alike eigenvectors.
    axes
        Letters T, Z, C, S, Y, X, one per dimension: one text for all images, or a list with one
        item per image. Default: "YX" for 2-D arrays.
    backbone, layer, node, checkpoint, stride, refine, precision, normalization, architecture
        See `load_backbone`.
    n_components
        Number of eigenvectors. More tell smaller groups apart. Where an image has fewer feature
        cells, that number.
    channels, scaling
        See `napari_ncut.imaging.as_planes`; scaling, too, may be a list with one item per image.
    affinity, bandwidth, affinity_gamma, accuracy, random_state, device
        See `NCut`.
    preparation
        What happens to features before the cut: "l2" brings every cell's to unit length, so that
        their direction counts; "standardize" gives each feature zero mean and unit deviation;
        "none" takes them as they are. Default: what suits the backbone.
    batch_size
        Planes handed to the backbone at once. Default: as many as suit it.
    progress
        Called with a `Progress` before every batch and block.

    Returns
    -------
    Embedding

    Raises
    ------
    InputError
        If anything given cannot be used; nothing has been computed then.
    """
    steps = embed_steps(
        images,
        axes=axes,
        backbone=backbone,
        n_components=n_components,
        channels=channels,
        scaling=scaling,
        affinity=affinity,
        bandwidth=bandwidth,
        affinity_gamma=affinity_gamma,
        accuracy=accuracy,
        preparation=preparation,
        batch_size=batch_size,
        random_state=random_state,
        device=device,
        layer=layer,
        node=node,
        checkpoint=checkpoint,
        stride=stride,
        refine=refine,
        precision=precision,
        normalization=normalization,
        architecture=architecture,
    )
    return run_steps(steps, progress)


def embed_steps(
    images: Any,
    *,
    axes: str | Sequence[str | None] | None = None,
    backbone: str | Backbone = "filterbank",
    n_components: int = 30,
    channels: Channels = None,
    scaling: Scaling = "stack",
    preparation: Preparations | None = None,
    batch_size: int | None = None,
    **others: Any,
) -> Steps[Embedding]:
    """`embed` as a generator of progress: stop driving it and the work ends."""
    options = {name: others.pop(name, None) for name in backbone_options() if name != "device"}
    cut = others
    ncut = NCut(n_components, **cut)
    ncut.check()
    if preparation is not None:
        check_preparation(preparation)
    planes = as_planes(images, axes=axes, channels=channels, scaling=scaling)
    given = {name: value for name, value in options.items() if value is not None}
    if isinstance(backbone, str):
        if given.get("checkpoint") or backbone_entry(backbone).weights is not None:
            yield Progress("weights", 0, 1)
        backbone = load_backbone(backbone, device=cut.get("device"), **given)
    elif not hasattr(backbone, "features"):
        raise InputError(
            f"The backbone {backbone!r} cannot be used. Give what load_backbone made, or one of: "
            f"{', '.join(list_backbones())}."
        )
    elif given:
        raise InputError(
            f"{', '.join(given)} cannot be given beside a loaded backbone, which has its own. Give "
            f"them to load_backbone, or give embed the backbone's name."
        )
    layout = plan_layout(planes, backbone)
    ncut.set_params(n_components=min(n_components, layout.n_nodes))
    ncut.check_size(layout.n_nodes)
    features = yield from extract_steps(planes, backbone, batch_size)
    prepared = Preparation.fit(preparation or preparation_kind(backbone), features.values)
    prepared.apply(features.values)
    vectors = yield from ncut.fit_steps(features.values)
    recipe = {
        "axes": axes,
        "backbone": backbone.name,
        **backbone.options,
        "stride": layout.stride,
        "channels": channels,
        "scaling": scaling,
        "n_components": n_components,
        **({"preparation": preparation} if preparation is not None else {}),
        **cut,
    }
    return Embedding(
        vectors=vectors,
        eigenvalues=ncut.eigenvalues_,
        degrees=ncut.degrees_,
        layout=features.layout,
        ncut=ncut,
        preparation=prepared,
        recipe=recipe,
        planes=planes,
    )
