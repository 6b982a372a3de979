"""What SAM adds to "Segment by points": images without features, looking at planes, scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image
from napari.utils.notifications import show_info
from qtpy.QtCore import QObject, Signal

from ..errors import InputError
from .choices import own_layers
from .layers import default_axes, unwrap
from .live import Request, looking_options
from .looking import Looking
from .prompts_layer import bring_prompts_layer
from .reading import read_settings
from .session import Prepared, Session
from .workers import tell

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ..prompts import ThingScores
    from .points_panel import PointsPanel

_SAM = "sam"
_FEATURES_FIRST = (
    "There are no features of this image, so only SAM can be asked. Choose the method SAM, or "
    "compute features: Plugins ▸ NCUT segmentation ▸ NCUT features."
)


class SamFlow(QObject):
    """Lets SAM be asked about images, embedded or not.

    Parameters
    ----------
    viewer, session
        Whose images.
    panel
        The widget's controls.

    Signals
    -------
    changed()
        Something else is asked, or can be asked now.
    ready()
        A plane was looked at; what waited for it can go on.
    told(str)
        What SAM is doing, "" if nothing.
    """

    changed = Signal()
    ready = Signal()
    told = Signal(str)

    def __init__(self, viewer: ViewerModel, session: Session, panel: PointsPanel) -> None:
        super().__init__(panel)
        self._viewer, self._session, self._panel = viewer, session, panel
        self._prepared: Prepared | None = None
        self._scores: dict[int, tuple[ThingScores, ...]] = {}
        # The method that was chosen before images without features left SAM alone.
        self._before = ""
        self._looking = Looking(self)
        self._looking.told.connect(self.told)
        self._looking.ready.connect(self.ready)
        self._looking.stepped.connect(self._on_step)
        self._looking.busy_changed.connect(self._on_busy)
        panel.controls.method.changed.connect(lambda _: self._on_method())
        panel.sam.changed.connect(self._on_changed)
        panel.image_button.clicked.connect(lambda: self.add_image())
        panel.cancel_button.clicked.connect(lambda: self._looking.cancel())
        self._show_controls()
        self._on_busy(False)

    def release(self) -> None:
        """Stop what runs, for good."""
        self._looking.release()
        self._prepared = None

    @property
    def chosen(self) -> bool:
        """Whether it is SAM that is asked."""
        return bool(self._panel.controls.method.value == _SAM)

    @property
    def busy(self) -> bool:
        """Whether a plane is being looked at."""
        return self._looking.busy

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `PromptSegmenter.predict` for all that is set in the panel."""
        options = self._panel.controls.options()
        return {**options, **self._panel.sam.options()} if self.chosen else options

    def why_not(self) -> str:
        """Why the chosen method cannot be asked, "" if it can be."""
        if self.chosen:
            return self._panel.sam.why_not()
        return _FEATURES_FIRST if self._prepared is not None and self._prepared.is_bare else ""

    # ---------------------------------------------------------------------------- what is asked of

    def use(self, prepared: Prepared | None) -> None:
        """Other images are clicked on."""
        self._looking.cancel()
        self.told.emit("")
        self._prepared = prepared
        method = self._panel.controls.method
        if prepared is not None and prepared.is_bare:
            if not self.chosen:
                self._before = method.value
                method.value = _SAM
        elif prepared is not None and self._before:
            self._before, wanted = "", self._before
            if self.chosen:
                method.value = wanted
        self._look_ahead()

    def add_image(self) -> None:
        """Let the selected image, or the one on top, be clicked on without features."""
        images = own_layers(self._viewer, Image)
        if not images:
            show_info("Open an image first.")
            return
        active = unwrap(self._viewer.layers.selection.active)
        layer = active if active in images else images[-1]
        for prepared in self._session.prepared:
            if any(source.layer is layer for source in prepared.sources):
                self._panel.run_choice.value = prepared
                return
        try:
            prepared = bare(self._viewer, self._session, layer)
        except InputError as error:
            tell(error)
            return
        bring_prompts_layer(self._viewer, prepared.sources, self._session.classes)
        self._session.add(prepared)

    # ------------------------------------------------------------------------------------- looking

    def _look_ahead(self) -> None:
        """Look at the plane on screen before it is clicked on."""
        prepared = self._prepared
        if prepared is None or not self.chosen or self.why_not():
            return
        options = looking_options(self.options())
        for plane in prepared.visible_planes(self._viewer)[:1]:
            if not prepared.segmenter.is_ready(plane, **options):
                self._looking.want(prepared, plane, options)

    def wait(self, prepared: Prepared, request: Request, planes: list[int]) -> list[int]:
        """Those of planes that can be answered now; the first of the others is looked at."""
        waiting = [p for p in planes if request.waits_for(prepared.segmenter, p)]
        if waiting:
            self._looking.want(prepared, waiting[0], request.options)
        return [plane for plane in planes if plane not in waiting]

    def stop(self) -> None:
        """Look no further: somebody else will."""
        self._looking.cancel()
        self.told.emit("")

    # -------------------------------------------------------------------------------------- scores

    def forget_scores(self) -> None:
        """Something else is asked."""
        self._scores.clear()
        self.show_scores()

    def keep_scores(self, plane: int, scores: tuple[ThingScores, ...]) -> None:
        """Scores of the things on a plane have come."""
        self._scores[plane] = scores
        self.show_scores()

    def show_scores(self) -> None:
        """Show the scores of the plane on screen."""
        visible = [] if self._prepared is None else self._prepared.visible_planes(self._viewer)
        shown = [self._scores[plane] for plane in visible if self._scores.get(plane)]
        self._panel.sam.show_scores(shown[0] if shown else ())

    # -------------------------------------------------------------------------------------- inside

    def _on_method(self) -> None:
        self._show_controls()
        if not self.chosen:
            self.stop()
        elif self._prepared is None and own_layers(self._viewer, Image):
            self.add_image()
        else:
            self._look_ahead()

    def _on_changed(self) -> None:
        self._look_ahead()
        if self.chosen:
            self.changed.emit()

    def _show_controls(self) -> None:
        self._panel.sam.setVisible(self.chosen)

    def _on_step(self, step: Any) -> None:
        self._panel.progress.setMaximum(max(step.total, 1) if step.total > 1 else 0)
        self._panel.progress.setValue(step.done)

    def _on_busy(self, busy: bool) -> None:
        self._panel.progress.setMaximum(0)
        for part in (self._panel.progress, self._panel.cancel_button):
            part.setVisible(busy)


def bare(viewer: ViewerModel, session: Session, layer: Image) -> Prepared:
    """An image as it is usually read, ready for SAM; nothing is computed."""
    from ..prompts import PromptSegmenter

    reading = read_settings(
        viewer,
        [layer],
        axes=default_axes(layer),
        combine="images",
        channels=None,
        level=-1,
        region="plane",
        shapes=None,
        current_plane=False,
        scaling="stack",
    )
    segmenter = PromptSegmenter.of_images(
        reading.images(),
        reading.axes,
        channels=reading.channels,
        scaling=reading.scaling,
        sam_models=session.sam_models,
    )
    return Prepared(reading.sources, segmenter)
