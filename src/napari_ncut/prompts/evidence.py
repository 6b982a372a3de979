"""What a click says of every region: how near, how alike, how much part of the same thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from operator import attrgetter

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from ..cache import ContentCache
from ..regions.plane import PlaneRegions

Matrix = NDArray[np.float32]

# What `PlaneEvidence.of_click` tells, in order. Those of place come last.
PAIR_FEATURES = (
    "kind distance",
    "look cosine",
    "look distance",
    "deep cosine",
    "deep distance",
    "eigenvector cosine",
    "lightness difference",
    "thing distance",
    "segment distance",
    "path",
    "level",
    "shared area",
    "distance",
    "share of the plane",
    "depth",
    "clicked area",
    "elsewhere",
)
N_ALIKE = 8
N_OWN = 8
# Pixels from the border of a region from which on a click lies well inside of it.
DEEPEST = 6
# What `guesses` tells: by likeness alone, of regions and of things, by likeness and place, and by
# the paths from clicks of both signs.
N_GUESS = 4
# A path as long as that, and longer ones, comes from far away.
_FAR = 10.0
# What a step to the next region costs where there is no boundary.
_STEP = 0.02

# Level of the merge tree whose groups are taken for things: what a region is part of tells more of
# it than a hundred pixels do.
_THINGS = 0.3

# Distances at which likeness counts for about half, of kind, look, features of the network, and
# segment; and of places, as a share of the plane's side, and in pixels beside it.
_UNITS = {"kind": 1.4, "look": 0.6, "deep": 0.7, "segment": 1.2}
_PLACE, _PLACE_PIXELS = 0.1, 16.0
# Variance of what a click says: one that contradicts its neighbors is not believed entirely.
_NOISE = 0.1

# What clicks say of the regions of a plane, kept while they come and go.
_KEPT_BYTES = 2**25

# Dimensions kept of the network's features, after whitening.
DEEP_DIMENSIONS = 24
# Share of the mean variance that is added to all, so that noise is not whitened up.
_RIDGE = 0.05


@dataclass(frozen=True)
class Whitening:
    """A linear map after which features of a set of images have like variance in all directions."""

    mean: Matrix
    matrix: Matrix

    @classmethod
    def fit(cls, features: Matrix, weights: Matrix, dimensions: int) -> Whitening:
        """From features (n, d) that count by weights (n,)."""
        shares = (weights / weights.sum()).astype(np.float64)
        mean = shares @ features
        centered = features - mean
        values, vectors = np.linalg.eigh((centered * shares[:, np.newaxis]).T @ centered)
        values, vectors = values[::-1][:dimensions], vectors[:, ::-1][:, :dimensions]
        ridge = _RIDGE * max(values.mean(), 1e-12)
        # Signs of eigenvectors are free; no product of two features depends on them.
        matrix = vectors / np.sqrt(np.clip(values, 0, None) + ridge)
        return cls(mean.astype(np.float32), matrix.astype(np.float32))

    def __call__(self, features: Matrix) -> Matrix:
        """Whitened features (n, dimensions) of (n, d)."""
        whitened: Matrix = ((features - self.mean) @ self.matrix).astype(np.float32, copy=False)
        return whitened


@dataclass
class PlaneEvidence:
    """Regions of a plane, described so that those of several planes can be compared.

    Attributes
    ----------
    regions : PlaneRegions
    look, deep : float32 arrays (n, d)
        Whitened over all planes.
    eigenvectors : float32 array (n, k)
        Means of unit rows, brought to unit length again.
    """

    regions: PlaneRegions
    look: Matrix
    deep: Matrix
    eigenvectors: Matrix
    lightness: Matrix

    @classmethod
    def of(
        cls, regions: PlaneRegions, look: Whitening, deep: Whitening, eigenvectors: Matrix
    ) -> PlaneEvidence:
        """Describe regions; `eigenvectors` are means of unit rows (n, k)."""
        lengths = np.linalg.norm(eigenvectors, axis=1, keepdims=True)
        spread = np.sqrt((look.matrix[0] ** 2).sum()) / np.sqrt(look.matrix.shape[1])
        return cls(
            regions,
            look(regions.look),
            deep(regions.deep),
            eigenvectors / np.maximum(lengths, 1e-6),
            (regions.look[:, 0] - look.mean[0]) * np.float32(spread),
        )

    def __len__(self) -> int:
        return len(self.regions.graph)

    @cached_property
    def likeness_rows(self) -> Matrix:
        """Rows (n, d) whose distances say how alike regions are."""
        return likeness_rows(self.regions.kind, self.look, self.deep)

    @cached_property
    def thing_rows(self) -> Matrix:
        """The mean, by area, of `likeness_rows` over the thing that each region is part of."""
        areas = self.regions.graph.areas
        things = self.regions.tree.cut(_THINGS)
        totals = np.bincount(things, areas)
        members = sparse.csr_array((areas / totals[things], (things, np.arange(len(things)))))
        means: Matrix = (members @ self.likeness_rows)[things].astype(np.float32)
        return means

    @cached_property
    def place_rows(self) -> Matrix:
        """Rows (n, d) whose distances say how far regions are from being one thing."""
        graph = self.regions.graph
        unit = _PLACE * np.sqrt(graph.labels.size) + _PLACE_PIXELS
        parts = [self.regions.segment / _UNITS["segment"], graph.centers / unit]
        return np.concatenate(parts, axis=1).astype(np.float32)

    def guesses(self, clicks: Sequence[ClickPlace], positive: ArrayLike) -> Matrix:
        """What clicks say together, see `N_GUESS`, (n, N_GUESS).

        The mean of a Gaussian process that is 1 at positive and −1 at negative clicks, as far as
        they agree, and 0 far from all of them (Rasmussen & Williams 2006, chapter 2).
        """
        signs = np.where(positive, 1.0, -1.0)
        columns = [self._columns.get(click.key, partial(self._like, click)) for click in clicks]
        things, likenesses = (
            np.stack([getattr(click, name) for click in clicks]) for name in ("thing", "likeness")
        )
        alike = _kernel(likenesses, likenesses)
        found = np.zeros((N_GUESS, len(self)), np.float32)
        _add_posterior(found[0], _kernel(things, things), [c.thing for c in columns], signs)
        _add_posterior(found[1], alike, [c.alike for c in columns], signs)
        # Clicks in other planes have no place in this one.
        placed = {i: click.place for i, click in enumerate(clicks) if click.place is not None}
        if placed:
            here, places = list(placed), np.stack(list(placed.values()))
            near = np.sqrt(alike[np.ix_(here, here)]) * _kernel(places, places)
            _add_posterior(found[2], near, [columns[i].near for i in here], signs[here])
        to_both = [
            np.minimum.reduce([c.path for c, s in zip(columns, signs, strict=True) if s == sign])
            if sign in signs
            else np.float32(_FAR)
            for sign in (1, -1)
        ]
        np.divide(to_both[1] - to_both[0], to_both[0] + to_both[1], out=found[3])
        return found.T

    def _like(self, click: ClickPlace) -> _Columns:
        """How far every region counts with a click."""
        thing, alike = (
            _kernel(row[np.newaxis], getattr(self, name), self._squares(name))[0]
            for row, name in ((click.thing, "thing_rows"), (click.likeness, "likeness_rows"))
        )
        if click.place is None:
            return _Columns(thing, alike, None, np.full(len(self), _FAR, np.float32))
        placed = _kernel(click.place[np.newaxis], self.place_rows, self._squares("place_rows"))
        near = np.sqrt(alike) * placed[0]
        path = np.clip(self._paths(click.region), _STEP, _FAR)
        return _Columns(thing, alike, near, path)

    @cached_property
    def _columns(self) -> ContentCache[_Columns]:
        """Of clicks that come and go."""
        return ContentCache(_KEPT_BYTES, lambda columns: 4 * columns.alike.nbytes)

    def forget_clicks(self) -> None:
        """Give back the memory of what is kept of clicks that may come again."""
        for kept in ("_columns", "_clicks", "_known_paths"):
            self.__dict__.pop(kept, None)

    def _squares(self, name: str) -> Matrix:
        """Squared lengths (n,) of the rows of that name, computed once."""
        if name not in self._known_squares:
            rows = attrgetter(name)(self)
            self._known_squares[name] = np.einsum("nd,nd->n", rows, rows)
        return self._known_squares[name]

    @cached_property
    def _known_squares(self) -> dict[str, Matrix]:
        return {}

    def click_place(self, region: int) -> ClickPlace:
        """A click into a region, as `guesses` of this plane takes it."""
        return ClickPlace(
            self.likeness_rows[region], self.thing_rows[region], self.place_rows[region], region
        )

    def own(self) -> Matrix:
        """What there is to say of every region without clicks (n, N_OWN)."""
        graph = self.regions.graph
        n, pixels = len(graph), graph.labels.size
        one, other = graph.edges.T
        around = np.zeros((2, n))
        for side in (one, other):
            around[0] += np.bincount(side, graph.boundary * graph.lengths, n)
            around[1] += np.bincount(side, graph.lengths, n)
        height, width = graph.labels.shape
        rows, columns = graph.centers.T
        to_border = np.minimum.reduce([rows, columns, height - 1 - rows, width - 1 - columns])
        return np.stack(
            [
                np.log(graph.areas) / 5,
                np.log(graph.areas / pixels) / 10,
                around[0] / np.maximum(around[1], 1),
                self.lightness,
                self.look[:, 0] / 3,
                self.look[:, 1] / 3,
                np.log1p(to_border) / 5,
                np.full(n, np.log(pixels) / 12),
            ],
            axis=1,
        ).astype(np.float32)

    def of_click(self, region: int, depth: float = DEEPEST) -> Matrix:
        """What a click into a region of this plane says of all its regions (n, features).

        `depth` is how many pixels it lies from the region's border, see `click_depth`.
        """

        def told() -> Matrix:
            alike = self.alike(self.description(region))
            return np.concatenate([alike.T, self._places(region, depth).T]).T

        return self._clicks.get((region, depth), told)

    @cached_property
    def _clicks(self) -> ContentCache[Matrix]:
        return ContentCache(_KEPT_BYTES, lambda told: told.nbytes)

    def of_click_elsewhere(self, description: dict[str, Matrix]) -> Matrix:
        """What a click into a region of another plane says of all regions of this one."""
        alike = self.alike(description)
        places = np.zeros((len(self), len(PAIR_FEATURES) - N_ALIKE), np.float32)
        return np.concatenate([alike, elsewhere(places)], axis=1)

    def description(self, region: int) -> dict[str, Matrix]:
        """What to compare regions of any plane with."""
        return {
            "kind": self.regions.kind[region],
            "look": self.look[region],
            "deep": self.deep[region],
            "thing": self.thing_rows[region],
            "eigenvectors": self.eigenvectors[region],
            "lightness": self.lightness[region],
        }

    def alike(self, description: dict[str, Matrix]) -> Matrix:
        """How alike all regions are to a description (n, N_ALIKE)."""
        features: list[NDArray] = [self._distances("regions.kind", description["kind"], 1.0) / 2]
        for name in ("look", "deep"):
            row = description[name]
            features.append(self._cosines(name, row))
            features.append(self._distances(name, row, len(row)))
        features.append(self.eigenvectors @ description["eigenvectors"])
        features.append(np.abs(self.lightness - description["lightness"]))
        features.append(self._distances("thing_rows", description["thing"], 1.0))
        return np.clip(np.stack(features), -4, 4).astype(np.float32, copy=False).T

    def _places(self, region: int, depth: float) -> Matrix:
        graph = self.regions.graph
        levels, areas = self.regions.tree.merging_with(region)
        distance = np.linalg.norm(graph.centers - graph.centers[region], axis=1)
        pixels = graph.labels.size
        features = [
            self._distances("regions.segment", self.regions.segment[region], 1.0) / 2,
            np.log1p(self._paths(region)),
            levels,
            np.log(areas / pixels) / 5,
            np.log1p(distance) / 5,
            distance / np.sqrt(pixels),
            np.full(len(self), depth / DEEPEST),
            np.full(len(self), np.log(graph.areas[region]) / 5),
            np.zeros(len(self)),
        ]
        return np.stack(features).astype(np.float32).T

    def _paths(self, region: int) -> Matrix:
        """Length of the cheapest path from a region to all: steps cost more across boundaries."""
        from scipy.sparse.csgraph import dijkstra

        def lengths() -> Matrix:
            found: Matrix = dijkstra(self._steps, indices=region).astype(np.float32)
            return found

        return self._known_paths.get(region, lengths)

    @cached_property
    def _known_paths(self) -> ContentCache[Matrix]:
        """From regions that were clicked: likeness and guesses both ask."""
        return ContentCache(_KEPT_BYTES, lambda path: path.nbytes)

    @cached_property
    def _steps(self) -> sparse.csr_array:
        """What a step from a region to one that it touches costs."""
        steps = self.regions.graph.adjacency.copy()
        steps.data = steps.data + np.float32(_STEP)
        return steps

    def _distances(self, name: str, row: Matrix, dimensions: float) -> Matrix:
        """Of all rows of that name to one, per dimension: (n,)."""
        squares, own = self._squares(name), np.float32(row @ row)
        squared = squares + own
        # What rounding leaves of equal rows is no distance.
        least = np.float32(1e-6) * squared
        squared -= 2 * (attrgetter(name)(self) @ row)
        squared[squared < least] = 0
        return np.sqrt(squared / np.float32(dimensions))

    def _cosines(self, name: str, row: Matrix) -> Matrix:
        """Of all rows of that name with one: (n,)."""
        lengths = np.sqrt(self._squares(name)) * np.linalg.norm(row)
        cosines: Matrix = attrgetter(name)(self) @ row / np.maximum(lengths, 1e-6)
        return cosines


@dataclass(frozen=True)
class _Columns:
    """How far each region (n,) counts with a click: its thing, itself, itself and its place.

    `path` is the length of the way between them.
    """

    thing: Matrix
    alike: Matrix
    near: Matrix | None
    path: Matrix


def click_depth(labels: NDArray[np.int32], row: int, column: int) -> float:
    """Pixels from a place to the next other region, at most `DEEPEST`.

    A click beside an edge often means what is on its other side, as far as it can be seen there:
    then little of its region is meant.
    """
    top, left = max(row - DEEPEST, 0), max(column - DEEPEST, 0)
    window = labels[top : row + DEEPEST + 1, left : column + DEEPEST + 1]
    rows, columns = np.nonzero(window != labels[row, column])
    squared = (rows + top - row) ** 2 + (columns + left - column) ** 2
    return float(min(np.sqrt(squared.min(initial=DEEPEST**2)), DEEPEST))


@dataclass(frozen=True)
class ClickPlace:
    """A click among likenesses, and in its plane.

    Seen from other planes it has no `place`, and its `region` means nothing.
    """

    likeness: Matrix
    thing: Matrix
    place: Matrix | None
    region: int = -1

    @cached_property
    def key(self) -> tuple[bytes | None, ...]:
        """What equal clicks share, and no others."""
        rows = (self.likeness, self.thing, self.place)
        return tuple(None if row is None else row.tobytes() for row in rows)

    @classmethod
    def of_description(cls, description: dict[str, Matrix]) -> ClickPlace:
        """A click in another plane."""
        rows = (description[name][np.newaxis] for name in ("kind", "look", "deep"))
        return cls(likeness_rows(*rows)[0], description["thing"], None)


def likeness_rows(kind: Matrix, look: Matrix, deep: Matrix) -> Matrix:
    """Rows (n, d) whose distances say how alike what is described is."""
    parts = [
        kind / _UNITS["kind"],
        look / (_UNITS["look"] * look.shape[1] ** 0.5),
        deep / (_UNITS["deep"] * deep.shape[1] ** 0.5),
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _kernel(rows: Matrix, others: Matrix, squares: Matrix | None = None) -> NDArray:
    """exp(−distance² / 2) between rows (c, d) and others (n, d), as (c, n).

    `squares` (n,) are the squared lengths of the others, where they are known.
    """
    exponents = rows @ others.T
    exponents -= 0.5 * np.square(rows).sum(axis=1)[:, np.newaxis]
    exponents -= 0.5 * (np.square(others).sum(axis=1) if squares is None else squares)
    return np.exp(np.minimum(exponents, 0, out=exponents), out=exponents)


def _add_posterior(
    to: Matrix, between: NDArray, of_regions: Sequence[Matrix | None], signs: NDArray
) -> None:
    """Add the mean of the process at regions, of kernels between clicks and to regions."""
    weights = np.linalg.solve(between + _NOISE * np.eye(len(signs)), signs)
    for weight, column in zip(weights.astype(np.float32), of_regions, strict=True):
        to += weight * column


def elsewhere(places: Matrix) -> Matrix:
    """Features of place of clicks that were made in another plane."""
    places = np.zeros_like(places)
    places[..., -1] = 1
    return places
