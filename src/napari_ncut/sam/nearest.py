"""Which class a mask that nobody clustered belongs to, or none of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .descriptors import Descriptors

# How far beyond that share of its own masks a class reaches. Chosen on synthesized images and
# nuclei that networks may be trained on: classes of two images, given to two others.
_SHARE = 0.9
_BEYOND = 1.5
# Of few masks the spread is not known: that of all classes counts as much as so many.
_AS_IF = 4
# Where the unit of descriptors is known: nearer than the one kinds do not differ, farther than the
# other they do. The one is also the spread where no class has two masks, which would tell.
_ONE_KIND = 0.6
_ANOTHER_KIND = 1.0


@dataclass(frozen=True)
class NearestClass:
    """Classes as means of descriptors, and how far each of them reaches.

    Attributes
    ----------
    numbers : int64 array (k,)
        Of the classes that are no noise, ascending.
    means : float64 array (k, d)
    reach : float64 array (k,)
        Distance from the mean beyond which a mask is none of the class.
    """

    numbers: NDArray[np.int64]
    means: NDArray[np.float64] = field(repr=False)
    reach: NDArray[np.float64]

    @classmethod
    def of(cls, descriptors: Descriptors, classes: NDArray, noise: int | None) -> NearestClass:
        """Learn classes from their masks.

        Parameters
        ----------
        descriptors
            Of n masks.
        classes
            Class of each (n,), 0 for none.
        noise
            The class that is none.

        Notes
        -----
        A class reaches 1.5 times as far as nine tenths of its masks lie from the mean of the
        others. Of few masks that says little, so it is averaged with that of all classes, which
        counts like four masks. Where a distance of 1 means "as likely of one kind as not", a class
        reaches no farther than 1, or than its own masks lie.
        """
        inside = (classes != 0) & (classes != (noise or 0))
        rows = descriptors.values[inside].astype(np.float64)
        numbers, own, counts = np.unique(classes[inside], return_inverse=True, return_counts=True)
        means = np.zeros((len(numbers), descriptors.values.shape[1]))
        np.add.at(means, own, rows)
        means /= counts[:, np.newaxis]
        several = counts[own] > 1
        # The mean of the others: without the mask itself it lies that much farther away.
        away = (
            np.linalg.norm(rows - means[own], axis=1) * counts[own] / np.maximum(counts[own] - 1, 1)
        )
        usual = float(np.quantile(away[several], _SHARE)) if several.any() else _ONE_KIND
        spread = np.full(len(numbers), usual)
        for i in np.flatnonzero(counts > 1):
            spread[i] = np.quantile(away[own == i], _SHARE)
        own_reach = (counts * spread + _AS_IF * usual) / (counts + _AS_IF)
        reach = _BEYOND * own_reach
        if descriptors.calibrated:
            reach = np.minimum(reach, np.maximum(own_reach, _ANOTHER_KIND))
            reach = np.maximum(reach, _ONE_KIND)
        return cls(numbers.astype(np.int64), means, reach)

    def __call__(self, descriptors: Descriptors) -> NDArray[np.int64]:
        """Number of the nearest class of every mask (n,); −1 where none reaches as far."""
        from scipy.spatial.distance import cdist

        if not len(self.numbers):
            return np.full(len(descriptors), -1, np.int64)
        distances = cdist(descriptors.values, self.means)
        nearest = distances.argmin(axis=1)
        far = distances[np.arange(len(nearest)), nearest] > self.reach[nearest]
        return np.where(far, -1, self.numbers[nearest])
