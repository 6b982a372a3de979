"""Images to embedding: planes → features → cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from ..backbones import Backbone, list_backbones, load_backbone
from ..backbones.extract import extract_steps, plan_layout
from ..errors import InputError
from ..imaging import Channels, Scaling, as_planes
from ..progress import Progress, Steps, run_steps
from .embedding import Embedding
from .features import preparation_kind
from .ncut import NCut
from .preparation import Preparation


def embed(
    images: Any,
    *,
    axes: str | Sequence[str | None] | None = None,
    backbone: str | Backbone = "filterbank",
    n_components: int = 30,
    layer: int | str | None = None,
    node: str | None = None,
    channels: Channels = None,
    scaling: Scaling = "stack",
    affinity: Literal["rbf", "cosine"] = "rbf",
    bandwidth: float | Literal["auto"] = "auto",
    affinity_gamma: float = 1.0,
    accuracy: Literal["fast", "balanced", "exact"] = "balanced",
    stride: int | None = None,
    batch_size: int = 1,
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
    backbone, layer, node, stride
        See `load_backbone`.
    n_components
        Number of eigenvectors. More tell smaller groups apart. Where an image has fewer feature
        cells, that number.
    channels, scaling
        See `napari_ncut.imaging.as_planes`; scaling, too, may be a list with one item per image.
    affinity, bandwidth, affinity_gamma, accuracy, random_state, device
        See `NCut`.
    batch_size
        Planes handed to the backbone at once.
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
        layer=layer,
        node=node,
        channels=channels,
        scaling=scaling,
        affinity=affinity,
        bandwidth=bandwidth,
        affinity_gamma=affinity_gamma,
        accuracy=accuracy,
        stride=stride,
        batch_size=batch_size,
        random_state=random_state,
        device=device,
    )
    return run_steps(steps, progress)


def embed_steps(
    images: Any,
    *,
    axes: str | Sequence[str | None] | None = None,
    backbone: str | Backbone = "filterbank",
    n_components: int = 30,
    layer: int | str | None = None,
    node: str | None = None,
    channels: Channels = None,
    scaling: Scaling = "stack",
    stride: int | None = None,
    batch_size: int = 1,
    **cut: Any,
) -> Steps[Embedding]:
    """`embed` as a generator of progress: stop driving it and the work ends."""
    ncut = NCut(n_components, **cut)
    ncut.check()
    planes = as_planes(images, axes=axes, channels=channels, scaling=scaling)
    if isinstance(backbone, str):
        backbone = load_backbone(
            backbone, layer=layer, node=node, stride=stride, device=cut.get("device")
        )
    elif not hasattr(backbone, "features"):
        raise InputError(
            f"The backbone {backbone!r} cannot be used. Give what load_backbone made, or one of: "
            f"{', '.join(list_backbones())}."
        )
    elif layer is not None or node is not None or stride is not None:
        raise InputError(
            "layer, node and stride belong to a backbone's name; a loaded backbone has its own."
        )
    layout = plan_layout(planes, backbone)
    ncut.set_params(n_components=min(n_components, layout.n_nodes))
    ncut.check_size(layout.n_nodes)
    features = yield from extract_steps(planes, backbone, batch_size)
    preparation = Preparation.fit(preparation_kind(backbone), features.values)
    preparation.apply(features.values)
    vectors = yield from ncut.fit_steps(features.values)
    recipe = {
        "axes": axes,
        "backbone": backbone.name,
        **backbone.options,
        "stride": layout.stride,
        "channels": channels,
        "scaling": scaling,
        "n_components": n_components,
        **cut,
    }
    return Embedding(
        vectors=vectors,
        eigenvalues=ncut.eigenvalues_,
        degrees=ncut.degrees_,
        layout=features.layout,
        ncut=ncut,
        preparation=preparation,
        recipe=recipe,
        planes=planes,
    )
