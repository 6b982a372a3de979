"""Magicgui panels of the "NCUT features" widget: values in, keyword arguments out."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Container, FloatSpinBox, LineEdit

from ..errors import InputError
from ..spectral.names import ACCURACIES, AFFINITIES


class InputControls(Container):
    """What of the images is read."""

    def __init__(self) -> None:
        self.combine = ComboBox(
            label="Several are",
            choices=[("images, cut jointly", "images"), ("channels of one image", "channels")],
            value="images",
            tooltip="Whether checked layers are images that share one cut, or channels of one.",
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


class CutControls(Container):
    """How the cut is made, for those who know it."""

    def __init__(self) -> None:
        self.affinity = ComboBox(
            label="Affinity",
            choices=list(AFFINITIES),
            tooltip="\n".join(f"{name}: {text}" for name, text in AFFINITIES.items()),
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
        self.accuracy = ComboBox(
            label="Accuracy", choices=list(ACCURACIES), value="balanced",
            tooltip="“exact” takes time that grows with the square of the number of grid cells.",
        )  # fmt: skip
        self.add_eigenvectors = CheckBox(
            text="add the eigenvectors as a layer, too", value=False,
            tooltip="One image per eigenvector, on a slider.",
        )  # fmt: skip
        super().__init__(
            widgets=[
                self.affinity,
                self.auto,
                self.bandwidth,
                self.gamma,
                self.accuracy,
                self.add_eigenvectors,
            ],
            labels=True,
        )
        self.bandwidth.enabled = False
        self.auto.changed.connect(lambda _: self._enable())
        self.affinity.changed.connect(lambda _: self._enable())

    def _enable(self) -> None:
        rbf = self.affinity.value == "rbf"
        self.auto.enabled = rbf
        self.bandwidth.enabled = rbf and not self.auto.value
        self.gamma.enabled = not rbf or bool(self.auto.value)

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `embed`."""
        manual = self.affinity.value == "rbf" and not self.auto.value
        return {
            "affinity": self.affinity.value,
            "bandwidth": self.bandwidth.value if manual else "auto",
            "affinity_gamma": self.gamma.value,
            "accuracy": self.accuracy.value,
        }
