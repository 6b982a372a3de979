"""Magicgui panels of the "NCUT features" widget: values in, keyword arguments out."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Container, FloatSpinBox, LineEdit, SpinBox

from ..errors import InputError
from ..spectral.names import ACCURACIES, AFFINITIES
from .controls import ControlGrid


class InputControls(Container):
    """What of the images is read."""

    def __init__(self) -> None:
        self.combine = ComboBox(
            label="Several are",
            choices=[("images, taken together", "images"), ("channels of one image", "channels")],
            value="images",
            tooltip="Whether checked layers are images, whose results mean the same in all of\n"
            "them, or channels of one.",
        )
        self.axes = LineEdit(
            label="Axes",
            tooltip="What each dimension is:\n"
            "T time, Z depth, C channels, Y rows, X columns, S color.\n"
            "Planes (T, Z) are segmented together; channels describe one plane.\n"
            "Of several images those of the first, and of those like it;\n"
            "others, such as RGB among gray, have their own.",
        )
        self.channels = LineEdit(
            label="Channels",
            value="all",
            tooltip='Which: "all", "composite" (mixed to RGB), a number, or several: 0, 2',
        )
        self.levels: list[tuple[str, int]] = []
        self.level = ComboBox(
            label="Level",
            choices=lambda _: [("by size", -1), *self.levels],
            value=-1,
            tooltip="Level of the pyramid: 0 is the finest.\n"
            "“By size” takes the finest of at most 4 megapixels.",
        )
        self.region = ComboBox(
            label="Region",
            choices=[
                ("whole plane", "plane"),
                ("current view", "view"),
                ("rectangle of a Shapes layer", "shapes"),
            ],
            value="plane",
            tooltip="Which part of the planes is read. A smaller part gets a finer grid.",
        )
        self.planes = ComboBox(
            label="Planes",
            choices=[("all", "all"), ("only the current one", "current")],
            value="all",
            tooltip="Whether all planes of a stack are cut jointly, or only the one on screen.",
        )
        self.scaling = ComboBox(
            label="Intensities",
            choices=[
                ("by percentiles of the stack", "stack"),
                ("by percentiles of each plane", "plane"),
                ("by each layer's contrast limits", "limits"),
            ],
            value="stack",
            tooltip="What is taken for black and white.",
        )
        super().__init__(
            widgets=[
                self.combine, self.axes, self.channels, self.level, self.region, self.planes,
                self.scaling,
            ],
            labels=True,
        )  # fmt: skip
        self.margins = (0, 0, 0, 0)

    def offer_levels(self, shapes: list[tuple[int, ...]]) -> None:
        """Offer the levels of a pyramid, finest first; none for an image without one."""
        self.levels = [(f"{i}: {' × '.join(map(str, shape))}", i) for i, shape in enumerate(shapes)]
        self.level.reset_choices()

    def channel_choice(self) -> Any:
        """The channels as `as_planes` takes them."""
        text = str(self.channels.value).strip().lower()
        if text in ("", "all"):
            return None
        if text == "composite":
            return text
        try:
            numbers = [int(part) for part in text.replace(",", " ").split()]
        except ValueError as error:
            raise InputError(
                f'Channels “{text}” cannot be read. Write "all", "composite", or numbers: 0, 2'
            ) from error
        return numbers[0] if len(numbers) == 1 else numbers


# What affinities are called in the list; those that are not here go by their name.
_AFFINITY_TITLES = {
    "rbf": "similar values (rbf)",
    "cosine": "similar directions (cosine)",
    "neighbors": "nearest neighbors",
}
# What `embed` takes where nothing is given; so much less to write into scripts.
_DEFAULTS: dict[str, Any] = {
    "n_neighbors": 32,
    "color_weight": 0.0,
    "position_weight": 0.0,
    "contours": None,
    "contour_strength": 3.0,
}


class CutControls(ControlGrid):
    """How the cut is made, for those who know it."""

    def __init__(self) -> None:
        self.affinity = ComboBox(
            label="Affinity",
            choices=[(_AFFINITY_TITLES.get(name, name), name) for name in AFFINITIES],
            tooltip="How alike two cells of the grid are.\n"
            + "\n".join(f"{name}: {text}" for name, text in AFFINITIES.items()),
        )
        self.auto = CheckBox(
            text="automatic bandwidth", value=True, tooltip="√(γ · Σ variances) of the features."
        )
        self.bandwidth = FloatSpinBox(
            label="Bandwidth σ", value=5.0, min=0.001, max=1e6, step=0.5,
            tooltip="Smaller cuts sharper.",
        )  # fmt: skip
        self.gamma = FloatSpinBox(
            label="Sharpness γ", value=1.0, min=0.001, max=100, step=0.1,
            tooltip="Of the cosine affinity and of the automatic bandwidth. Smaller cuts sharper.",
        )  # fmt: skip
        self.n_neighbors = SpinBox(
            label="Neighbors", value=_DEFAULTS["n_neighbors"], min=1, max=512,
            tooltip="How many of its most alike cells each cell is joined to: with “nearest\n"
            "neighbors” and with “respect edges”. Fewer follow thin, winding things\n"
            "and may part what belongs together; more join what is less alike.",
        )  # fmt: skip
        self.color_weight = FloatSpinBox(
            label="Color weight", value=_DEFAULTS["color_weight"], min=0, max=10, step=0.1,
            tooltip="How much the color (or brightness) of a cell counts beside its features:\n"
            "0 not at all, 1 as much. More parts things by their color or stain.",
        )  # fmt: skip
        self.position_weight = FloatSpinBox(
            label="Place weight", value=_DEFAULTS["position_weight"], min=0, max=10, step=0.1,
            tooltip="How much the place of a cell in its plane counts beside its features:\n"
            "0 not at all, 1 as much. More makes compact groups, and parts alike\n"
            "things that lie far from each other.",
        )  # fmt: skip
        self.contours = CheckBox(
            text="respect edges", value=False,
            tooltip="Boundaries found in the image part the cells on either side of them,\n"
            "even where these look alike: things that touch come apart.",
        )  # fmt: skip
        self.contour_strength = FloatSpinBox(
            label="Edge strength", value=_DEFAULTS["contour_strength"], min=0, max=20, step=0.5,
            tooltip="How strongly edges part what lies on their sides. 0 not at all;\n"
            "from about 5 single cells may be left alone. Acts with “respect edges”.",
        )  # fmt: skip
        self.accuracy = ComboBox(
            label="Accuracy", choices=list(ACCURACIES), value="balanced",
            tooltip="\n".join(f"{name}: {entry.text}" for name, entry in ACCURACIES.items())
            + "\n“exact” takes time that grows with the square of the number of grid cells.\n"
            "With nearest neighbors or edges the cut is always solved to the end.",
        )  # fmt: skip
        self.add_eigenvectors = CheckBox(
            text="eigenvectors as a layer", value=False,
            tooltip="Add them to the viewer, too: one image per eigenvector, on a slider.",
        )  # fmt: skip
        super().__init__(
            [
                self.affinity, self.auto, self.bandwidth, self.gamma, self.n_neighbors,
                self.color_weight, self.position_weight, self.contours, self.contour_strength,
                self.accuracy, self.add_eigenvectors,
            ]
        )  # fmt: skip
        for control in (self.affinity, self.auto, self.contours):
            control.changed.connect(lambda _: self._enable())
        self._enable()

    def _enable(self) -> None:
        by_distance = self.affinity.value != "cosine"
        self.enable(self.auto, by_distance)
        self.enable(self.bandwidth, by_distance and not self.auto.value)
        self.enable(self.gamma, not by_distance or bool(self.auto.value))
        self.enable(self.n_neighbors, self._is_sparse)
        self.enable(self.contour_strength, bool(self.contours.value))
        self.enable(self.accuracy, not self._is_sparse)

    @property
    def _is_sparse(self) -> bool:
        """Whether cells are joined to some others only."""
        return self.affinity.value == "neighbors" or bool(self.contours.value)

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `embed`; of those that few people set, only what is not default."""
        manual = self.affinity.value != "cosine" and not self.auto.value
        rare: dict[str, Any] = {
            "color_weight": self.color_weight.value,
            "position_weight": self.position_weight.value,
        }
        if self._is_sparse:
            rare["n_neighbors"] = self.n_neighbors.value
        if self.contours.value:
            rare["contours"] = "auto"
            rare["contour_strength"] = self.contour_strength.value
        return {
            "affinity": self.affinity.value,
            "bandwidth": self.bandwidth.value if manual else "auto",
            "affinity_gamma": self.gamma.value,
            "accuracy": self.accuracy.value,
            **{name: value for name, value in rare.items() if value != _DEFAULTS[name]},
        }
