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
from .affinity import Affinity, affinity_name
from .embedding import Embedding
from .features import beside, preparation_kind
from .mixture import Mixture, check_weights
from .ncut import NCut
from .parting import Parting


def embed(
    images: Any,
    *,
    axes: str | Sequence[str | None] | None = None,
    backbone: str | Backbone = "compact",
    n_components: int = 30,
    layer: Layers = None,
    node: str | None = None,
    checkpoint: str | Path | None = None,
    channels: Channels = None,
    scaling: Scaling = "stack",
    affinity: Literal["rbf", "cosine", "neighbors"] | Affinity = "rbf",
    bandwidth: float | Literal["auto"] = "auto",
    affinity_gamma: float = 1.0,
    n_neighbors: int = 32,
    color_weight: float = 0.0,
    position_weight: float = 0.0,
    contours: Any = None,
    contour_strength: float = 3.0,
    contour_radius: float = 5,
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
    memory: float = 4.0,
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
    affinity, bandwidth, affinity_gamma, n_neighbors, accuracy, random_state, device
        See `NCut`.
    color_weight, position_weight
        How much a cell's mean color, and its place in the plane, count beside its features: 0 not
        at all, 1 as much. Place parts what is alike but far apart; planes lie upon each other.
    contours
        "auto" lets boundaries in the image part cells: the affinity of two cells of a plane falls
        with the strongest edge on the line between them. Or edge strengths of your own, 0 to 1:
        (h, w) for one plane, (n, h, w), or a list with one (h, w) per plane. The graph is sparse
        then: each cell with those within `contour_radius` cells and its `n_neighbors` nearest by
        features; `transform` goes by features alone.
    contour_strength
        How much an edge of strength 1 parts: to exp(−strength). Above 5 cells within dense edges
        come to stand alone.
    contour_radius
        In cells. Larger bridges gaps in contours, at a cost that grows with its square.
    preparation
        What happens to features before the cut: "l2" brings every cell's to unit length, so that
        their direction counts; "standardize" gives each feature zero mean and unit deviation;
        "none" takes them as they are. Default: what suits the backbone.
    batch_size
        Planes handed to the backbone at once. Default: as many as suit it.
    memory
        Gigabytes that features may take, half of it; more go to a temporary file, which the cut
        reads by blocks. See `NCut`, too.
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
        n_neighbors=n_neighbors,
        color_weight=color_weight,
        position_weight=position_weight,
        contours=contours,
        contour_strength=contour_strength,
        contour_radius=contour_radius,
        accuracy=accuracy,
        preparation=preparation,
        batch_size=batch_size,
        random_state=random_state,
        device=device,
        memory=memory,
        spare_core=False,
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
    backbone: str | Backbone = "compact",
    n_components: int = 30,
    channels: Channels = None,
    scaling: Scaling = "stack",
    preparation: Preparations | None = None,
    batch_size: int | None = None,
    color_weight: float = 0.0,
    position_weight: float = 0.0,
    contours: Any = None,
    contour_strength: float = 3.0,
    contour_radius: float = 5,
    spare_core: bool = True,
    **others: Any,
) -> Steps[Embedding]:
    """`embed` as a generator of progress: stop driving it and the work ends.

    `spare_core` leaves one core to others during the cut.
    """
    options = {name: others.pop(name, None) for name in backbone_options() if name != "device"}
    cut = others
    ncut = NCut(n_components, **cut)
    ncut.check()
    check_weights(color_weight, position_weight, ncut.affinity)
    parting = Parting(contours, contour_strength, contour_radius)
    parting.check(ncut.affinity)
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
    edges = parting.edge_maps(planes)
    budget = ncut.memory * 1e9 / 2
    features = yield from extract_steps(planes, backbone, batch_size, budget=budget)
    prepared = Preparation.fit(preparation or preparation_kind(backbone), features.values)
    prepared.apply(features.values)
    nodes, mixture = features.values, None
    if color_weight or position_weight:
        mixture, columns = Mixture.fit(nodes, planes, layout, color_weight, position_weight)
        nodes = beside(nodes, columns, budget)
    graph = None
    if edges is not None:
        graph = yield from parting.graph_steps(nodes, edges, layout, ncut)
    vectors = yield from ncut.fit_steps(nodes, graph=graph, spare_core=spare_core)
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
        **({"color_weight": color_weight} if color_weight else {}),
        **({"position_weight": position_weight} if position_weight else {}),
        **parting.recipe(),
    }
    if callable(ncut.affinity):
        recipe["affinity"] = affinity_name(ncut.affinity)
    return Embedding(
        vectors=vectors,
        eigenvalues=ncut.eigenvalues_,
        degrees=ncut.degrees_,
        layout=features.layout,
        ncut=ncut,
        preparation=prepared,
        mixture=mixture,
        recipe=recipe,
        planes=planes,
    )
