"""Clicks that are kept: what was meant in one image, found in the next ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..imaging import Channels, PlaneLayout, Scaling, as_planes
from ..io.atomic import replace_when_written
from ..progress import Progress, Steps, run_steps
from .click_history import FIRST, histories, history_features
from .clicks import check_clicks
from .evidence import ClickPlace, PlaneEvidence, Whitening

if TYPE_CHECKING:
    from .segmenter import PromptSegmenter

_FORMAT = "napari-ncut prototypes 2"
# Share of a plane that must look like what was meant for anything to be found in it.
_LEAST_SHARE = 5e-4
_DESCRIPTIONS = ("kind", "look", "deep", "thing", "lightness")


@dataclass(frozen=True)
class Found:
    """What was found in further images.

    Attributes
    ----------
    masks : arrays
        Class numbers (h, w), (n, h, w), or a list, 0 where there is none.
    confidence : float32 array (n planes, n classes)
        0 to 1, how sure it is that there is anything of a class in a plane: the mean probability of
        the most likely parts. Below .5 the class is left out of that plane.
    classes : list of int
        The classes, ascending.
    """

    masks: Any
    confidence: NDArray[np.float32]
    classes: list[int]


@dataclass(frozen=True)
class Prototypes:
    """What clicks meant, without the image that they were made in.

    Attributes
    ----------
    positive : bool array (n,)
    classes : int array (n,)
        Of every click, as in `PromptSegmenter.predict`.
    descriptions : dict of float32 arrays (n, d)
        What was under each click.
    look, deep : Whitening
        The units of the descriptions.
    """

    positive: NDArray[np.bool_]
    classes: NDArray[np.int64]
    descriptions: dict[str, NDArray[np.float32]]
    look: Whitening
    deep: Whitening

    @classmethod
    def of(
        cls,
        segmenter: PromptSegmenter,
        points: ArrayLike,
        positive: ArrayLike | None = None,
        *,
        classes: ArrayLike | None = None,
    ) -> Prototypes:
        """Keep what clicks mean.

        Parameters
        ----------
        segmenter
            Of the images that were clicked.
        points, positive, classes
            As for `PromptSegmenter.predict`.

        Raises
        ------
        InputError
            If there is no positive click, or the images are not at hand.
        """
        from .region_method import RegionMethod

        clicks = check_clicks(segmenter.embedding.layout, points, positive, classes)
        if not clicks.labels:
            raise InputError("No positive click was given. Give one of everything to be found.")
        method = segmenter.method("regions")
        assert isinstance(method, RegionMethod)
        found = [method.under(clicks, i) for i in range(len(clicks.pixels))]
        look, deep = method.whitenings()
        return cls(
            clicks.positive,
            clicks.classes,
            {name: np.stack([np.atleast_1d(one[name]) for one in found]) for name in _DESCRIPTIONS},
            look,
            deep,
        )

    @property
    def labels(self) -> list[int]:
        """The classes that can be found, ascending."""
        return [int(c) for c in np.unique(self.classes[self.positive])]

    def apply(
        self,
        images: Any,
        *,
        axes: str | Sequence[str | None] | None = None,
        channels: Channels = None,
        scaling: Scaling = "stack",
        progress: Callable[[Progress], object] | None = None,
    ) -> Found:
        """Find what was meant in further images.

        Parameters
        ----------
        images, axes, channels, scaling
            As for `embed`.
        progress
            Called before every plane.
        """
        return run_steps(
            self.apply_steps(images, axes=axes, channels=channels, scaling=scaling), progress
        )

    def apply_steps(
        self,
        images: Any,
        *,
        axes: str | Sequence[str | None] | None = None,
        channels: Channels = None,
        scaling: Scaling = "stack",
    ) -> Steps[Found]:
        """`apply` as a generator of progress."""
        planes = as_planes(images, axes=axes, channels=channels, scaling=scaling)
        layout = PlaneLayout(planes.shapes, 1, planes.stacks, planes.is_list)
        labels = self.labels
        dtype = np.min_scalar_type(max(labels))
        maps, confidence = [], []
        for plane in range(len(planes)):
            yield Progress("finding", plane, len(planes))
            evidence, heat = self._heat(planes[plane])
            areas = evidence.regions.graph.areas
            sure = np.array([_top_mean(of_class, areas) for of_class in heat], np.float32)
            heat[sure < 0.5] = 0
            numbers = np.where(heat.max(axis=0) > 0.5, np.array(labels)[heat.argmax(axis=0)], 0)
            maps.append(numbers.astype(dtype)[evidence.regions.graph.labels])
            confidence.append(sure)
        return Found(layout.pixels_as_given(maps), np.stack(confidence), labels)

    def _heat(self, plane: NDArray[np.float32]) -> tuple[PlaneEvidence, NDArray[np.float32]]:
        """Probability (n_classes, n regions) of every class."""
        from .click_model import MODE_NUMBERS, click_model
        from .region_method import describe, probability

        mode = MODE_NUMBERS["similar"]
        model = click_model(mode)
        evidence = describe(plane, self.look, self.deep)
        mixing = model.mixing(evidence)
        heats = []
        nowhere = np.zeros((len(self.positive), 3), np.int64)
        for label in self.labels:
            mine = self.classes == label
            sides = {
                True: self.positive & mine,
                False: (self.positive & ~mine) | (~self.positive & (mine | (self.classes == 0))),
            }
            # They were made in other images, where some came in answer to earlier ones.
            when = histories(nowhere, mine | (~self.positive & (self.classes == 0)))
            when[:, 1] = FIRST[1]
            history = history_features(when, evidence.regions.graph.labels.size)
            inside, outside = (
                [
                    model.hear(
                        evidence.of_click_elsewhere(self._description(int(i))),
                        history[i],
                        positive,
                        mode,
                    )
                    for i in np.flatnonzero(side)
                ]
                for positive, side in sides.items()
            )
            chosen = np.flatnonzero(sides[True] | sides[False])
            places = [ClickPlace.of_description(self._description(int(i))) for i in chosen]
            guesses = evidence.guesses(places, sides[True][chosen])
            logits = model.logits(inside, outside, mode, mixing, guesses)
            heats.append(probability(logits))
        return evidence, np.stack(heats)

    def _description(self, i: int) -> dict[str, NDArray[np.float32]]:
        described = {name: self.descriptions[name][i] for name in _DESCRIPTIONS}
        # Eigenvectors belong to the images that were cut together.
        return {**described, "lightness": described["lightness"][0], "eigenvectors": np.zeros(1)}

    def save(self, path: str | Path) -> None:
        """Write to one ``.npz`` file, whole or not at all."""
        arrays: dict[str, Any] = {
            "format": np.array(_FORMAT),
            "positive": self.positive,
            "classes": self.classes,
            **{f"described {name}": rows for name, rows in self.descriptions.items()},
        }
        for name, whitening in (("look", self.look), ("deep", self.deep)):
            arrays[f"{name} mean"], arrays[f"{name} matrix"] = whitening.mean, whitening.matrix
        with replace_when_written(Path(path)) as partial, partial.open("wb") as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> Prototypes:
        """Read what `save` wrote; an `InputError` if the file is something else."""
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            if str(arrays["format"]) != _FORMAT:
                raise KeyError("format")
            return cls(
                arrays["positive"],
                arrays["classes"],
                {name: arrays[f"described {name}"] for name in _DESCRIPTIONS},
                Whitening(arrays["look mean"], arrays["look matrix"]),
                Whitening(arrays["deep mean"], arrays["deep matrix"]),
            )
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise InputError(
                f"{path} holds no prototypes that can be read ({error}). Give a file that "
                f"Prototypes.save wrote."
            ) from error


def _top_mean(heat: NDArray[np.float32], areas: NDArray[np.float32]) -> float:
    """Mean of the largest values that cover the least share of a plane."""
    order = np.argsort(-heat)
    covered = np.cumsum(areas[order])
    n = int(np.searchsorted(covered, _LEAST_SHARE * areas.sum())) + 1
    top = order[:n]
    return float((heat[top] * areas[top]).sum() / areas[top].sum())
