"""How things are found: the registry of methods, as data. Nothing heavy is imported here."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..declared import Parameter
from ..errors import check_choice


@dataclass(frozen=True)
class MethodEntry:
    """A method as data: the widget, the command line, docs and tests are made from this.

    Attributes
    ----------
    title, text, source : str
        Its name, what it does in a line, and where it is from.
    function : str
        "module:function" of this package; takes an `ObjectScene` and the parameters, and is a
        generator of `Progress` that returns `Candidate`s.
    parameters : dict of Parameter
    on_grid : bool
        Whether it compares all cells of the feature grid, which have to be few then.
    """

    title: str
    text: str
    source: str
    function: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    on_grid: bool = False

    def steps(self) -> Callable[..., Any]:
        """The function."""
        module, name = self.function.split(":")
        found: Callable[..., Any] = getattr(
            importlib.import_module(f".{module}", __package__), name
        )
        return found


def _regions(default: int) -> Parameter:
    return Parameter(
        int,
        default,
        low=2,
        high=600,
        step=10,
        label="Regions",
        tooltip="Regions that the plane is cut in first. More follow smaller things; time grows "
        "with their square.",
    )


_TAU = Parameter(
    float,
    None,
    low=0.0,
    high=1.0,
    step=0.05,
    label="Likeness",
    tooltip="Cosine from which on two cells are alike: 0.2 in the paper, for transformers. Higher "
    "gives smaller things. Automatic: chosen by the cosines of the plane.",
)

_CENTER = Parameter(
    str,
    "image",
    choices=("image", "none"),
    label="Relative to",
    tooltip="Whether the image's mean feature is taken away first. “none” is the papers' rule, for "
    "transformers; cells of other networks are all alike then.",
)

METHODS: dict[str, MethodEntry] = {
    "auto": MethodEntry(
        "All evidence",
        "contrast, closedness, place and the cut of regions at three levels of the merge tree, "
        "judged by a small model",
        "ours",
        "region_methods:auto_steps",
        {"n_regions": _regions(200)},
    ),
    "deep_spectral": MethodEntry(
        "Deep Spectral",
        "the sign of the second eigenvector over regions: one foreground, the smaller side",
        "Melas-Kyriazi et al., Deep spectral methods, 2022; on superpixels as in SuperCuts, 2024",
        "region_methods:deep_spectral_steps",
        {"n_regions": _regions(100), "center": _CENTER},
    ),
    "deepcut": MethodEntry(
        "DeepCut",
        "groups of regions by a graph network that is trained on the plane itself, on the loss of "
        "its normalized cut",
        "Aflalo et al., DeepCut, 2023",
        "deepcut:deepcut_steps",
        {
            "n_regions": _regions(200),
            "n_groups": Parameter(
                int,
                2,
                low=2,
                high=12,
                label="Groups",
                tooltip="Groups that regions are put in. All but the one around the plane are "
                "foreground.",
            ),
            "n_epochs": Parameter(
                int,
                200,
                low=1,
                high=2000,
                step=50,
                label="Epochs",
                tooltip="Steps of training. More settle the groups, and take longer.",
            ),
            "random_state": Parameter(
                int,
                0,
                low=0,
                high=2**31 - 1,
                label="Seed",
                tooltip="Where training begins: same seed, same result.",
            ),
            "center": _CENTER,
        },
    ),
    "tokencut": MethodEntry(
        "TokenCut",
        "one thing by one cut of the feature grid: what is connected around the largest entry of "
        "the second eigenvector",
        "Wang et al., TokenCut, 2022",
        "grid_methods:tokencut_steps",
        {"tau": _TAU, "center": _CENTER},
        on_grid=True,
    ),
    "maskcut": MethodEntry(
        "MaskCut",
        "several things, one cut after the other, each without what was found before",
        "Wang et al., Cut and learn (CutLER), 2023",
        "grid_methods:maskcut_steps",
        {
            "tau": _TAU,
            "n_cuts": Parameter(
                int,
                3,
                low=1,
                high=30,
                label="Cuts",
                tooltip="Most things that are looked for, one after the other.",
            ),
            "center": _CENTER,
        },
        on_grid=True,
    ),
    "lost": MethodEntry(
        "LOST",
        "one thing grown from the cell that is alike to the fewest",
        "Siméoni et al., LOST, 2021",
        "grid_methods:lost_steps",
        {
            "n_seeds": Parameter(
                int,
                100,
                low=1,
                high=2000,
                step=10,
                label="Seeds",
                tooltip="How many of the loneliest cells may join the first. More give larger "
                "things.",
            ),
            "center": _CENTER,
        },
        on_grid=True,
    ),
}
DEFAULT_METHOD = next(iter(METHODS))


def check_method(method: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a method, those that are not given by default.

    Raises
    ------
    InputError
        If there is no such method, or it cannot be used like this.
    """
    entry = METHODS[check_choice("method", method, METHODS)]
    for name in parameters:
        check_choice(f"parameter of {method}", name, entry.parameters)
    return {
        name: parameter.checked(name, parameters.get(name, parameter.default))
        for name, parameter in entry.parameters.items()
    }
