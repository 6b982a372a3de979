"""The section "Groups" of the features widget: an image in as many groups as the user likes."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import ComboBox
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from napari.utils.notifications import show_info
from numpy.typing import NDArray
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ..spectral.names import DISCRETIZATIONS
from .feature_layers import grid_block
from .group_count import GroupCount
from .grouping import (
    MOST_GROUPS,
    NESTED,
    Groups,
    group_steps,
    hierarchy_steps,
    nested_groups,
)
from .history import history_of
from .layers import free_name, unwrap
from .preview import add_below, set_spatial
from .workers import Job

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from ..spectral.hierarchy import GroupHierarchy
    from .session import Prepared, Session

_NOTHING_YET = "Compute eigenvectors first."
_TITLES = {"cluster_qr": "pivoted QR", "rotation": "rotation", "kmeans": "k-means"}
_BUTTON_WIDTH = 36  # pixels
# Milliseconds after which the slider acts: what is at hand follows it, what is computed waits
# until it rests.
_AT_HAND, _COMPUTED = 20, 200


@dataclass(eq=False)
class _Written:
    """A groups layer, and what was written to it last."""

    reference: weakref.ref[Labels]
    data: NDArray[np.int32]
    colors: NDArray[np.float32]


class GroupsPanel(QWidget):
    """Shows the embedding that was computed last in a chosen number of groups.

    Parameters
    ----------
    viewer
        Where the layers are shown.
    session
        Of the viewer: tells what was computed.
    colors_of
        The colors (n_nodes, 3) that an embedding is shown in, None if it is not.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        session: Session,
        colors_of: Callable[[Prepared], NDArray | None],
    ) -> None:
        super().__init__()
        self._viewer = viewer
        self._session = session
        self._colors_of = colors_of
        self._prepared: Prepared | None = None
        self._hierarchy: GroupHierarchy | None = None
        # Whether layers that do not exist are added, and whether those that do follow the slider.
        self._adding = self._showing = False
        self._chosen_by_user = False
        self._asked: Any = None
        self._written: weakref.WeakKeyDictionary[Image, _Written] = weakref.WeakKeyDictionary()
        self._build()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._update)
        self._job = Job(self)
        self._job.finished.connect(self._on_result)
        self._job.failed.connect(self._on_failed)
        self._job.busy_changed.connect(self._on_busy)
        session.prepared_changed.connect(self._on_prepared)
        self._use(session.prepared[-1] if session.prepared else None)

    def _build(self) -> None:
        self.count = GroupCount(
            "Number of groups, the same over all images.\n"
            "Once groups are shown, their layers follow the slider."
        )
        self.how = ComboBox(
            choices=[
                (NESTED, NESTED),
                *((_TITLES.get(name, name), name) for name in DISCRETIZATIONS),
            ],
            tooltip="\n".join(
                [
                    "nested: groups within groups; a group keeps its number and its color when",
                    "others split, and the slider acts at once",
                    *(f"{_TITLES.get(name, name)}: {t}" for name, t in DISCRETIZATIONS.items()),
                ]
            ),
        )
        self._suggestions = QHBoxLayout()
        self._suggestions.setContentsMargins(0, 0, 0, 0)
        self.suggested: list[QPushButton] = []
        self.show_button = QPushButton("Show groups")
        self.cancel_button = QPushButton("Cancel")
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setAlignment(Qt.AlignmentFlag.AlignTop)
        # A long name of a layer must not widen the dock.
        self.message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        rows = QGridLayout()
        rows.setColumnStretch(1, 1)
        suggestions = QWidget()
        suggestions.setLayout(self._suggestions)
        for row, (text, widget) in enumerate(
            [("Number", self.count), ("Suggested", suggestions), ("How", self.how.native)]
        ):
            rows.addWidget(QLabel(text), row, 0)
            rows.addWidget(widget, row, 1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.show_button, 2)
        buttons.addWidget(self.cancel_button, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(rows)
        layout.addLayout(buttons)
        layout.addWidget(self.message)
        self.count.changed.connect(self._on_count)
        self.how.changed.connect(lambda _: self._on_how())
        self.show_button.clicked.connect(lambda: self.show_groups())
        self.cancel_button.clicked.connect(lambda: self.cancel())

    def release(self) -> None:
        """The widget goes away; the layers stay."""
        self._session.prepared_changed.disconnect(self._on_prepared)
        self._timer.stop()
        self._job.close()
        self._prepared = self._hierarchy = None

    # ---------------------------------------------------------------------------------- settings

    @property
    def busy(self) -> bool:
        """Whether groups are being computed, or are about to be."""
        return self._job.busy or self._timer.isActive()

    def _on_prepared(self, prepared: Prepared | None) -> None:
        embedded = self._session.embedded
        if prepared not in embedded:
            prepared = embedded[-1] if embedded else None
        if prepared is not self._prepared:
            self._stop()
            self._use(prepared)

    def _use(self, prepared: Prepared | None) -> None:
        """Work on another embedding; its groups are shown when they are asked for."""
        self._prepared, self._hierarchy = prepared, None
        self._showing = False
        self._suggest()
        best = int(self.suggested[0].text()) if self.suggested else None
        self._limit(None if self._chosen_by_user else best)
        self.message.setText("" if prepared else _NOTHING_YET)
        self._on_busy(False)

    def _suggest(self) -> None:
        for button in self.suggested:
            self._suggestions.removeWidget(button)
            button.deleteLater()
        while self._suggestions.count():
            self._suggestions.takeAt(0)
        self.suggested = []
        if self._prepared is not None:
            for number in self._prepared.embedding.suggest_groups(3):
                self._add_suggestion(number)
        self._suggestions.addStretch()

    def _add_suggestion(self, number: int) -> None:
        button = QPushButton(str(number))
        button.setToolTip(
            f"Show {number} groups: there the eigenvalues fall most.\nThe most telling comes first."
        )
        button.setFixedWidth(_BUTTON_WIDTH)
        button.clicked.connect(lambda: self._show_suggested(number))
        self._suggestions.addWidget(button)
        self.suggested.append(button)

    def _show_suggested(self, number: int) -> None:
        self.count.value = number
        self.show_groups()

    def _limit(self, value: int | None = None) -> None:
        """Offer no more groups than there can be."""
        if self._prepared is None:
            return
        embedding = self._prepared.embedding
        most = min(MOST_GROUPS, embedding.layout.n_nodes)
        if self.how.value != NESTED:
            most = min(most, embedding.n_components)
        elif self._hierarchy is not None:
            most = self._hierarchy.n_groups
        self.count.offer(min(2, most), most, value)

    def _on_how(self) -> None:
        self._limit()
        self._schedule()

    def _on_count(self, _: int) -> None:
        self._chosen_by_user = True
        self._schedule()

    def _schedule(self) -> None:
        if not self._showing:
            return
        if self.how.value != NESTED:
            self._timer.start(_COMPUTED)
        elif not self._timer.isActive():
            self._timer.start(_AT_HAND)

    # -------------------------------------------------------------------------------------- work

    def show_groups(self) -> None:
        """Add a Labels layer of groups to each image, or bring up to date the ones there are."""
        if self._prepared is None:
            self.message.setText(_NOTHING_YET)
            return
        self._timer.stop()
        self._adding = self._showing = True
        self._update()

    def cancel(self) -> None:
        """Compute no more; what is shown stays."""
        if self.busy:
            self._stop()
            self.message.setText("Cancelled; nothing was changed.")

    def _stop(self) -> None:
        self._timer.stop()
        self._adding = False
        self._job.cancel()

    def _update(self) -> None:
        prepared = self._prepared
        if prepared is None:
            return
        if not self._adding and not any(self._layer(s.layer) for s in prepared.sources):
            # All were deleted: nothing follows the slider until the button is pressed.
            self._showing = False
            return
        n_groups, method = self.count.value, self.how.value
        if method == NESTED and self._hierarchy is not None:
            self._job.cancel()
            self._write(nested_groups(self._hierarchy, n_groups))
            return
        asked = NESTED if method == NESTED else (method, n_groups)
        if self._job.busy and asked == self._asked:
            return
        self._asked = asked
        embedding = prepared.embedding
        colors = self._colors_of(prepared)
        if method == NESTED:
            self._job.start(lambda: hierarchy_steps(embedding, colors))
        else:
            self._job.start(lambda: group_steps(embedding, n_groups, method, colors))
        self.message.setText("Finding groups…")

    def _on_busy(self, busy: bool) -> None:
        for widget in (self.count, self.how.native, *self.suggested):
            widget.setEnabled(self._prepared is not None)
        self.show_button.setEnabled(self._prepared is not None and not busy)
        self.show_button.setToolTip(
            "Show groups as a Labels layer on each image. A groups layer that you painted on\n"
            "is never written to again: groups then go to a new layer, and your paint stays."
            if self._prepared is not None
            else _NOTHING_YET
        )
        self.cancel_button.setEnabled(busy)

    def _on_failed(self, reason: str) -> None:
        self._adding = False
        self.message.setText(reason)

    def _on_result(self, result: Any) -> None:
        if isinstance(result, Groups):
            self._write(result)
            return
        self._hierarchy = result
        self._limit()
        self._update()

    # ------------------------------------------------------------------------------------ layers

    def _layer(self, image: Image | None) -> Labels | None:
        """The groups layer of an image, None if there is none in the viewer."""
        written = None if image is None else self._written.get(image)
        layer = None if written is None else written.reference()
        return layer if layer is not None and layer in self._viewer.layers else None

    def _write(self, groups: Groups) -> None:
        prepared = self._prepared
        assert prepared is not None
        adding, self._adding = self._adding, False
        shown, kept = 0, []
        for number, source in enumerate(prepared.sources):
            image = source.layer
            if image is None or image not in self._viewer.layers:
                continue
            layer = self._layer(image)
            if layer is None and not adding:
                continue
            shown += 1
            block = grid_block(prepared, number, groups.labels)
            spatial = source.spatial(stride=prepared.embedding.stride)
            if layer is not None and not np.array_equal(layer.data, self._written[image].data):
                kept.append(layer.name)
                layer = None
            if layer is None:
                layer = self._add(image, block, groups.colors, spatial)
            else:
                if not np.array_equal(self._written[image].colors, groups.colors):
                    layer.colormap = _colormap(groups.colors)
                if layer.data.shape != block.shape or not np.array_equal(layer.data, block):
                    layer.data = block.copy()
                set_spatial(layer, spatial)
            _note(layer, prepared, groups)
            self._written[image] = _Written(weakref.ref(layer), block, groups.colors)
        self._tell(prepared, groups, shown, kept)

    def _add(
        self, image: Image, block: NDArray, colors: NDArray, spatial: dict[str, Any]
    ) -> Labels:
        layer = Labels(
            block.copy(),
            name=free_name(self._viewer, f"{image.name} groups"),
            opacity=0.7,
            colormap=_colormap(colors),
            **spatial,
        )
        add_below(self._viewer, layer, self._lowest_prompts())
        layer = unwrap(layer)
        history_of(self._viewer).follow(layer)
        self._uncover(f"{image.name} eigenvectors")
        return layer

    def _uncover(self, name: str) -> None:
        """Take the eigenvectors' colors off the image: through both it would not be seen."""
        for layer in self._viewer.layers:
            ours = layer.metadata.get("napari_ncut", {})
            if layer.name == name and ours.get("role") == "colors":
                layer.visible = False

    def _lowest_prompts(self) -> Layer | None:
        """Below it goes what is looked at, so that clicks stay on top."""
        for layer in self._viewer.layers:
            if layer.metadata.get("napari_ncut", {}).get("role") == "prompts":
                return layer
        return None

    def _tell(self, prepared: Prepared, groups: Groups, shown: int, kept: list[str]) -> None:
        if not shown:
            self.message.setText("The images were deleted meanwhile; no groups are shown.")
            return
        found = len(np.unique(groups.labels))
        text = f"{found} groups" if found != 1 else "1 group: nothing differs"
        if 1 < found < groups.n_groups:
            text += f" ({groups.n_groups} were asked for)"
        if shown > 1:
            text += f" over {shown} images"
        self.message.setText(text)
        for name in kept:
            show_info(f"“{name}” was painted on and is kept; groups go to a new layer from now on.")


def _colormap(colors: NDArray[np.float32]) -> DirectLabelColormap:
    opaque = np.column_stack([colors, np.ones(len(colors), np.float32)])
    return DirectLabelColormap(
        color_dict={None: "transparent", 0: "transparent"} | dict(enumerate(opaque, start=1))
    )


def _note(layer: Labels, prepared: Prepared, groups: Groups) -> None:
    """Note in a layer how it was made."""
    layer.metadata["napari_ncut"] = {
        "role": "groups",
        "recipe": dict(prepared.embedding.recipe),
        "n_groups": groups.n_groups,
        "method": groups.method,
    }
