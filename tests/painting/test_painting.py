"""Painting by segments: fill, brush, lasso, merge, cut, operations of a class; and all undone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import ndimage
from skimage.segmentation import relabel_sequential

from napari_ncut import InputError
from napari_ncut.painting import CLASS_OPERATIONS, Painting
from napari_ncut.painting.index import SegmentIndex

EIGHT = np.ones((3, 3))


def tiles(height: int = 24, width: int = 36, side: int = 6, *, edges: bool = False) -> np.ndarray:
    """Squares numbered from 1, with lines of 0 between them if `edges`."""
    rows, columns = np.arange(height), np.arange(width)
    labels = (rows[:, None] // side) * (width // side) + columns // side + 1
    if edges:
        labels[rows % side == 0] = 0
        labels[:, columns % side == 0] = 0
    return labels.astype(np.int32)


def painting(segments: np.ndarray | None = None, **options: Any) -> Painting:
    segments = tiles() if segments is None else segments.copy()
    return Painting(segments, np.zeros(segments.shape, np.uint8), **options)


def n_pieces(mask: np.ndarray) -> int:
    return int(ndimage.label(mask, np.ones((3,) * mask.ndim))[1])


# ------------------------------------------------------------------------------------------ filling


def test_fill_paints_the_segment_under_the_cursor_alone() -> None:
    opened = painting()
    assert opened.segment_at((8.4, 13.3)) == 9
    opened.apply(opened.fill((8.4, 13.3), 3))
    assert_array_equal(opened.painted, np.where(tiles() == 9, 3, 0))
    opened.apply(opened.fill((8, 13), 2))
    assert opened.class_at((8, 13)) == 2
    assert opened.fill((8, 13), 2) == []
    opened.apply(opened.unfill((8, 13)))
    assert not opened.painted.any()


def test_operations_change_nothing_by_themselves() -> None:
    opened = painting()
    opened.fill((1, 1), 3)
    opened.cut([(3, -2), (3, 40)])
    opened.merge([(1, 1), (1, 20)])
    assert not opened.painted.any()
    assert_array_equal(opened.segments, tiles())


def test_nothing_can_be_filled_on_an_edge_or_outside() -> None:
    opened = painting(tiles(edges=True))
    for place in ((0, 0), (-5, 3), (2, 400)):
        with pytest.raises(InputError, match="no segment here"):
            opened.fill(place, 1)
    with pytest.raises(InputError, match="0 to 255"):
        opened.fill((2, 2), 256)
    with pytest.raises(InputError, match="no segments"):
        Painting(None, np.zeros((4, 5), np.uint8)).fill((1, 1), 1)


def test_dragging_fills_what_is_under_the_line_and_passes_over_edges() -> None:
    segments = tiles(edges=True)
    opened = painting(segments)
    opened.apply(opened.fill_along([(2, 2), (2, 20), (8, 20)], 4))
    numbers = {segments[2, column] for column in range(2, 21)} - {0} | {segments[8, 20]}
    assert len(numbers) == 5
    assert_array_equal(opened.painted, np.where(np.isin(segments, list(numbers)), 4, 0))
    assert opened.fill_along([(0, 0), (0, 30)], 4) == []


@pytest.mark.parametrize("rule", ["touched", "inside"])
def test_a_brush_snaps_to_segments(rule: str) -> None:
    segments = tiles()
    opened = painting(segments)
    rows, columns = np.ogrid[:24, :36]
    disk = (rows - 9) ** 2 + (columns - 15) ** 2 <= 5**2
    share = ndimage.mean(disk, segments, np.arange(1, segments.max() + 1))
    expected = 1 + np.flatnonzero(share > 0 if rule == "touched" else share >= 0.5)
    assert 0 < len(expected) < 24
    opened.apply(opened.brush((9, 15), 5, 7, rule=rule))
    assert_array_equal(opened.painted, np.where(np.isin(segments, expected), 7, 0))
    opened.apply(opened.brush((9, 15), 5, 0, rule=rule))
    assert not opened.painted.any()


def test_a_lasso_takes_segments_that_mostly_lie_within_or_pixels() -> None:
    segments = tiles()
    outline = [(-1, -1), (-1, 16), (14, 16), (14, -1)]
    opened = painting(segments)
    # Of the third column of tiles most lies within, of the third row two lines of six.
    opened.apply(opened.lasso(outline, 1))
    assert_array_equal(np.unique(segments[opened.painted > 0]), [1, 2, 3, 7, 8, 9])
    opened = painting(segments)
    opened.apply(opened.lasso(outline, 1, by="pixels"))
    assert opened.painted[:14, :16].all()
    assert opened.painted.sum() <= 15 * 17
    assert opened.lasso([(1, 1), (1, 2)], 1) == []


def test_many_segments_are_painted_as_few_are() -> None:
    # Beyond some number they are looked up in one box rather than each in its own.
    segments = tiles(120, 120, 2)
    few, many = painting(segments), painting(segments)
    outline = [(-1, -1), (-1, 90.5), (80.5, 90.5), (80.5, -1)]
    many.apply(many.lasso(outline, 5))
    inside = ndimage.mean(
        (np.arange(120)[:, None] <= 80) & (np.arange(120) <= 90), segments, np.arange(1, 3601)
    )
    for number in 1 + np.flatnonzero(inside >= 0.5):
        few.apply(few.fill(np.argwhere(segments == number)[0], 5))
    assert_array_equal(many.painted, few.painted)


# ------------------------------------------------------------------------------------------ merging


def test_merged_segments_are_one_and_take_in_the_edge_between_them() -> None:
    segments = tiles(edges=True)
    opened = painting(segments)
    opened.apply(opened.merge([(3, 3), (3, 9)]))
    merged = opened.segments == opened.segments[3, 3]
    assert opened.segments[3, 9] == opened.segments[3, 3]
    assert n_pieces(merged) == 1
    # The column between them, but not where others touch it, nor any outer edge.
    expected = np.zeros_like(merged)
    expected[1:6, 1:12] = True
    expected[[1, 5], 6] = merged[[1, 5], 6]
    assert_array_equal(merged, expected)
    assert merged[2:5, 6].all()
    other = ~merged
    assert_array_equal(opened.segments[other], segments[other])


def test_a_wide_gap_is_not_taken_in_and_neither_is_background() -> None:
    segments = np.zeros((20, 40), np.int32)
    segments[5:15, 2:10], segments[5:15, 25:30] = 1, 2
    opened = painting(segments)
    opened.apply(opened.merge([(10, 5), (10, 27)]))
    assert_array_equal(opened.segments, np.where(segments > 0, 1, 0))
    segments[5:15, 13:20] = 3
    opened = painting(segments)
    opened.apply(opened.merge([(10, 5), (10, 15)]))
    merged = opened.segments == 1
    assert merged[5:15, 2:20].all()
    assert merged[:, :20].sum() == 10 * 18


def test_merging_needs_two_segments() -> None:
    opened = painting()
    with pytest.raises(InputError, match="one alone"):
        opened.merge([(1, 1), (2, 3)])
    with pytest.raises(InputError, match="none"):
        opened.merge([(-9, -9), (-9, -3)])


def test_the_largest_gives_the_number() -> None:
    segments = np.array([[1, 2, 2, 2, 3]] * 3, np.int32)
    opened = painting(segments)
    opened.apply(opened.merge([(1, 0), (1, 4)]))
    assert (opened.segments == 2).all()


# ------------------------------------------------------------------------------------------ cutting


def check_cut(before: np.ndarray, after: np.ndarray) -> None:
    """No pixel is lost, and every new number is a part of one old segment."""
    assert_array_equal(before > 0, after > 0)
    for number in np.setdiff1d(after, before):
        (origin,) = np.unique(before[after == number])
        sizes = np.unique(after[before == origin], return_counts=True)
        largest = sizes[1].max()
        assert (after == origin).sum() == largest


def test_a_cut_parts_segments_and_loses_no_pixel() -> None:
    opened = painting()
    opened.apply(opened.cut([(8.0, -3.0), (8.0, 40.0)]))
    before, after = tiles(), opened.segments
    check_cut(before, after)
    assert len(np.unique(after)) == len(np.unique(before)) + 6
    # The upper rows, with or without the line itself.
    assert len(np.unique(after[6])) == len(np.unique(after[11])) == 6
    assert not set(after[6]) & set(after[11])
    untouched = np.isin(before, before[8], invert=True)
    assert_array_equal(after[untouched], before[untouched])


@pytest.mark.parametrize("angle", [0, 20, 45, 70, 90, 135])
def test_diagonal_cuts_part_a_disk_in_two(angle: float) -> None:
    rows, columns = np.ogrid[:61, :61]
    disk = ((rows - 30) ** 2 + (columns - 30) ** 2 <= 25**2).astype(np.int32)
    opened = painting(disk)
    along = np.array([np.sin(np.radians(angle)), np.cos(np.radians(angle))])
    opened.apply(opened.cut([30 + along * 40, 30 - along * 40]))
    check_cut(disk, opened.segments)
    assert_array_equal(np.unique(opened.segments), [0, 1, 2])
    assert [n_pieces(opened.segments == n) for n in (1, 2)] == [1, 1]
    areas = np.bincount(opened.segments.ravel())[1:]
    assert areas.min() > 0.42 * areas.sum()


def test_a_line_that_ends_within_a_segment_does_not_part_it() -> None:
    opened = painting()
    assert opened.cut([(3, 1), (3, 4)]) == []
    # It parts the one in the middle, and not the two that it ends in.
    opened.apply(opened.cut([(3, 3), (3, 15)]))
    after = opened.segments
    changed = np.unique(tiles()[after != tiles()])
    assert_array_equal(changed, [2])


def test_pieces_that_the_line_misses_stay_together() -> None:
    segments = np.zeros((20, 30), np.int32)
    segments[2:18, 2:12] = segments[2:6, 20:28] = 5
    opened = painting(segments)
    opened.apply(opened.cut([(10, 0), (10, 14)]))
    assert_array_equal(np.unique(opened.segments), [0, 5, 6])
    assert (opened.segments[2:6, 20:28] == 5).all()


def test_what_is_painted_stays_and_parts_are_unfilled_one_by_one() -> None:
    opened = painting()
    opened.apply(opened.fill((8, 8), 2))
    opened.apply(opened.cut([(8, 5), (8, 12)]))
    assert_array_equal(opened.painted > 0, tiles() == 8)
    upper = opened.segments == opened.segments[6, 8]
    opened.apply(opened.unfill((6, 8)))
    assert_array_equal(opened.painted > 0, (tiles() == 8) & ~upper)


def test_a_polyline_that_crosses_itself() -> None:
    block = np.zeros((40, 40), np.int32)
    block[2:38, 2:38] = 1
    opened = painting(block)
    opened.apply(opened.cut([(0, 20), (39, 20), (20, 39), (20, 0)]))
    check_cut(block, opened.segments)
    assert len(np.unique(opened.segments)) >= 5


def test_numbers_run_out() -> None:
    segments = tiles().astype(np.uint8)
    segments[segments == 24] = 255
    opened = painting(segments)
    with pytest.raises(InputError, match="up to 255"):
        opened.cut([(8, -1), (8, 40)])
    assert_array_equal(opened.segments, segments)


# ------------------------------------------------------------------------------------------ classes


def blob() -> np.ndarray:
    """A square of class 1 with a hole, with a speck beside it, and class 2 near by."""
    painted = np.zeros((30, 40), np.uint8)
    painted[5:20, 5:20] = 1
    painted[10:13, 10:13] = 0
    painted[25:27, 5:7] = 1
    painted[5:20, 22:30] = 2
    return painted


def changed(operation: str, painted: np.ndarray, **parameters: Any) -> np.ndarray:
    opened = Painting(None, painted.copy())
    opened.apply(opened.change_class(operation, 1, **parameters))
    result = opened.painted.copy()
    opened.undo()
    assert_array_equal(opened.painted, painted)
    return result


def test_operations_of_a_class() -> None:
    painted = blob()
    mask = painted == 1
    filled = changed("fill_holes", painted)
    assert_array_equal(filled == 1, ndimage.binary_fill_holes(mask))
    assert (painted != 1)[10:13, 10:13].all()
    assert (filled == 1)[10:13, 10:13].all()
    assert Painting(None, painted).change_class("fill_holes", 1, largest=8) == []
    largest = changed("keep_largest", painted)
    assert_array_equal(largest == 1, mask & (np.arange(30)[:, None] < 22))
    assert_array_equal(changed("remove_small", painted, smallest=5), largest)
    assert Painting(None, painted).change_class("remove_small", 1, smallest=4) == []
    grown = changed("grow", painted, pixels=3)
    near = ndimage.distance_transform_edt(~mask) <= 3
    assert_array_equal(grown == 1, near & (painted != 2))
    assert_array_equal(grown == 2, painted == 2)
    over = changed("grow", painted, pixels=3, over=True)
    assert_array_equal(over == 1, near)
    shrunk = changed("shrink", painted, pixels=1)
    inside = ndimage.binary_erosion(mask, ndimage.generate_binary_structure(2, 1))
    assert_array_equal(shrunk == 1, inside)
    smoothed = changed("smooth", painted, pixels=2)
    assert n_pieces(smoothed == 1) == 1
    assert smoothed[11, 11] == 1
    for result in (filled, largest, grown, shrunk, smoothed):
        assert_array_equal(result == 2, painted == 2)


def test_the_border_of_the_image_is_no_edge() -> None:
    painted = np.ones((12, 12), np.uint8)
    for operation in ("shrink", "smooth"):
        assert Painting(None, painted).change_class(operation, 1) == []


def test_what_cannot_be_done_is_said() -> None:
    opened = Painting(None, blob())
    with pytest.raises(InputError, match="Nothing is painted with class 3"):
        opened.change_class("grow", 3)
    with pytest.raises(InputError, match="Did you mean 'shrink'"):
        opened.change_class("shrnk", 1)
    with pytest.raises(InputError, match="parameter of Grow"):
        opened.change_class("grow", 1, radius=3)
    with pytest.raises(InputError, match="shape"):
        Painting(tiles(), np.zeros((3, 4), int))
    with pytest.raises(InputError, match="whole numbers"):
        Painting(None, np.zeros((3, 4)))
    with pytest.raises(InputError, match="mask of shape"):
        opened.paint_mask(np.ones((3, 3), bool), 1)


def test_masks_are_painted_over_others_or_not() -> None:
    opened = Painting(None, blob())
    mask = np.zeros((30, 40), bool)
    mask[:, 25:] = True
    opened.apply(opened.paint_mask(mask, 4, over=False))
    assert_array_equal(opened.painted == 4, mask & (blob() == 0))
    opened.apply(opened.paint_mask(mask, 4))
    assert_array_equal(opened.painted == 4, mask)


def test_reset_erases_all_or_one_class() -> None:
    opened = Painting(None, blob())
    opened.apply(opened.reset(label=1))
    assert_array_equal(opened.painted, np.where(blob() == 2, 2, 0))
    opened.apply(opened.reset())
    assert not opened.painted.any()
    opened.undo()
    opened.undo()
    assert_array_equal(opened.painted, blob())


# ------------------------------------------------------------------------------------------- stacks


def stack() -> np.ndarray:
    """Tiles that go through five planes; tile 1 is there in the first three only."""
    segments = np.repeat(tiles()[np.newaxis], 5, axis=0)
    segments[3:, :6, :6] = 0
    return segments


def test_one_plane_or_all_planes_of_the_segment() -> None:
    opened = painting(stack())
    opened.apply(opened.fill((2, 3, 3), 6))
    assert_array_equal(np.flatnonzero(opened.painted.any(axis=(1, 2))), [2])
    opened.apply(opened.fill((1, 3, 3), 6, through=True))
    assert_array_equal(opened.painted == 6, stack() == 1)
    with pytest.raises(InputError, match="Plane 7"):
        opened.fill_along([(7, 3, 3)], 1)
    with pytest.raises(InputError, match="dimensions"):
        opened.fill_along([(3, 3)], 1)


def test_a_cut_through_all_planes_is_one_cut() -> None:
    opened = painting(stack())
    opened.apply(opened.cut([(0, 8, 5), (0, 8, 12)], through=True))
    parts = np.unique(opened.segments[stack() == 8])
    assert len(parts) == 2
    assert all(n_pieces(opened.segments == number) == 1 for number in parts)
    for plane in opened.segments[1:, 6:]:
        assert_array_equal(plane, opened.segments[0, 6:])


def test_a_cut_in_one_plane_takes_numbers_that_are_new_in_all() -> None:
    segments = stack()
    segments[4] += 1000
    opened = painting(segments)
    opened.apply(opened.cut([(0, 8, 5), (0, 8, 12)]))
    assert opened.segments[0].max() == segments.max() + 1
    assert_array_equal(opened.segments[1:], segments[1:])


def test_merging_goes_through_planes() -> None:
    segments = np.repeat(tiles(edges=True)[np.newaxis], 4, axis=0)
    opened = painting(segments)
    opened.apply(opened.merge([(1, 3, 3), (1, 3, 9)], through=True))
    assert n_pieces(opened.segments == opened.segments[0, 3, 3]) == 1
    assert opened.segments[0, 3, 3] == opened.segments[3, 3, 9]
    assert opened.segments[3, 3, 6] == opened.segments[3, 3, 9]


def test_planes_may_lie_along_any_axes() -> None:
    segments = stack()
    turned = np.ascontiguousarray(np.moveaxis(segments, 0, 2))
    one, other = painting(segments), painting(turned, plane_axes=(0, 1))
    for through in (False, True):
        for name, path in (
            ("fill_along", [(2, 3, 3), (2, 9, 9)]),
            ("cut", [(2, 8, 0), (2, 9, 30)]),
            ("merge", [(2, 14 if through else 20, 3), (2, 14 if through else 20, 30)]),
        ):
            label = (1,) if name == "fill_along" else ()
            one.apply(getattr(one, name)(path, *label, through=through))
            places = np.roll(path, -1, axis=1)
            other.apply(getattr(other, name)(places, *label, through=through))
    assert_array_equal(np.moveaxis(other.segments, 2, 0), one.segments)
    assert_array_equal(np.moveaxis(other.painted, 2, 0), one.painted)
    while one.undo() and other.undo():
        pass
    assert_array_equal(other.segments, turned)


def test_volumes_are_worked_on_as_such() -> None:
    painted = np.zeros((7, 16, 16), np.uint8)
    painted[1:6, 2:12, 2:12] = 1
    painted[3, 6, 6] = 0
    opened = Painting(None, painted.copy())
    assert opened.change_class("fill_holes", 1, (1, 0, 0)) == []
    opened.apply(opened.change_class("fill_holes", 1, through=True))
    assert opened.painted[3, 6, 6] == 1
    opened.apply(opened.change_class("grow", 1, through=True, pixels=1))
    assert opened.painted[0, 5, 5] == 1
    opened.apply(opened.reset((3, 0, 0)))
    assert not opened.painted[3].any()
    opened.apply(opened.reset(through=True))
    assert not opened.painted.any()


@pytest.mark.parametrize("kind", ["dask", "zarr"])
def test_lazy_arrays_are_read_and_written_by_boxes(kind: str) -> None:
    segments, zeros = stack(), np.zeros((5, 24, 36), np.uint8)
    if kind == "dask":
        array = pytest.importorskip("dask.array")
        lazy = array.from_array(segments, chunks=(1, 12, 12)), array.from_array(zeros.copy())
    else:
        zarr = pytest.importorskip("zarr")
        lazy = zarr.array(segments, chunks=(1, 12, 12)), zarr.array(zeros, chunks=(1, 12, 12))
    opened, plain = Painting(*lazy), painting(segments)
    for one in (opened, plain):
        one.apply(one.fill((2, 3, 9), 2, through=True))
        one.apply(one.cut([(1, 8, 5), (1, 8, 12)]))
        one.apply(one.change_class("grow", 2, (2, 0, 0), pixels=2))
        one.apply(one.fill_along([(1, 7, 8)], 3))
    assert_array_equal(np.asarray(opened.painted), plain.painted)
    assert_array_equal(np.asarray(opened.segments), plain.segments)
    while opened.undo():
        pass
    assert not np.asarray(opened.painted).any()
    assert_array_equal(np.asarray(opened.segments), segments)


# ---------------------------------------------------------------------------------- anything at all


def voronoi(random: np.random.Generator, shape: tuple[int, ...], edges: bool) -> np.ndarray:
    seeds = np.ones(shape, bool)
    places = tuple(random.integers(0, side, 40) for side in shape)
    seeds[places] = False
    nearest = ndimage.distance_transform_edt(seeds, return_distances=False, return_indices=True)
    labels = relabel_sequential(1 + np.ravel_multi_index(tuple(nearest), shape))[0].astype(np.int32)
    if edges:
        footprint = np.ones((3,) * len(shape))
        labels[
            ndimage.maximum_filter(labels, footprint=footprint)
            != ndimage.minimum_filter(labels, footprint=footprint)
        ] = 0
    return labels


def random_edits(opened: Painting, random: np.random.Generator) -> Any:
    """Any operation with any arguments; what is refused changes nothing."""
    shape = np.array(opened.shape)
    through = bool(random.integers(2)) and len(shape) > 2
    label = int(random.integers(0, 5))
    path = random.uniform(-3, shape + 3, (random.integers(2, 6), len(shape)))
    for axis in range(len(shape) - 2):
        path[:, axis] = random.integers(shape[axis])
    place, operations = path[0], list(CLASS_OPERATIONS)
    choices = (
        lambda: opened.fill(np.clip(place, 0, shape - 1), label, through=through),
        lambda: opened.unfill(np.clip(place, 0, shape - 1), through=through),
        lambda: opened.fill_along(path, label, through=through),
        lambda: opened.brush(path, random.uniform(1, 9), label, through=through),
        lambda: opened.brush(path, random.uniform(1, 9), label, rule="inside", through=through),
        lambda: opened.lasso(path, label, through=through),
        lambda: opened.lasso(path, label, by="pixels", through=through),
        lambda: opened.merge(path[:2], through=through),
        lambda: opened.cut(path, through=through),
        lambda: opened.cut(path[:2], through=through),
        lambda: opened.change_class(
            operations[random.integers(len(operations))],
            max(1, label),
            place,
            through=through,
            over=bool(random.integers(2)),
        ),
        lambda: opened.reset(place, label=label or None, through=through),
    )
    try:
        return choices[random.integers(len(choices))]()
    except InputError:
        return []


def check_index(opened: Painting) -> None:
    """What is known of segments without looking is what looking tells."""
    for block, index in opened._indices.items():
        fresh = SegmentIndex(block.read(opened.segments))
        assert index.boxes == fresh.boxes
        assert index.areas == fresh.areas


@pytest.mark.parametrize("seed", range(6))
def test_anything_is_undone_and_redone_exactly(seed: int) -> None:
    random = np.random.default_rng(seed)
    shape = ((48, 60), (4, 30, 40))[seed % 2]
    segments = voronoi(random, shape, edges=seed % 3 == 0)
    painted = random.integers(0, 3, shape).astype(np.uint8) * (random.random(shape) < 0.2)
    opened = Painting(segments.copy(), painted.astype(np.uint8))
    start = opened.painted.copy()
    n_steps = 0
    while n_steps < 100:
        edits = random_edits(opened, random)
        opened.apply(edits)
        n_steps += 1
        if n_steps % 10 == 0:
            check_index(opened)
        # Now and then somebody takes a few steps back and goes on from there.
        if random.random() < 0.05:
            back = int(random.integers(1, 4))
            undone = sum(opened.undo() for _ in range(back))
            assert sum(opened.redo() for _ in range(undone // 2)) == undone // 2
    end = opened.segments.copy(), opened.painted.copy()
    n_undone = 0
    while opened.undo():
        n_undone += 1
    assert n_undone > 30
    assert_array_equal(opened.segments, segments)
    assert_array_equal(opened.painted, start)
    check_index(opened)
    while opened.redo():
        pass
    assert_array_equal(opened.segments, end[0])
    assert_array_equal(opened.painted, end[1])
    check_index(opened)


@pytest.mark.parametrize("seed", range(4))
def test_any_cut_keeps_every_pixel_in_a_part_of_its_segment(seed: int) -> None:
    random = np.random.default_rng(100 + seed)
    segments = voronoi(random, (60, 80), edges=bool(seed % 2))
    opened = painting(segments)
    for _ in range(12):
        before = opened.segments.copy()
        path = random.uniform(-5, 85, (random.integers(2, 5), 2))
        opened.apply(opened.cut(path))
        check_cut(before, opened.segments)
        # What was one piece has fallen apart in pieces.
        for number in np.setdiff1d(opened.segments, before):
            assert n_pieces(opened.segments == number) == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int64, np.uint64])
def test_numbers_of_any_type(dtype: type) -> None:
    segments = tiles().astype(dtype)
    if np.iinfo(dtype).max > 2**40:
        # As other programs write them: few, and huge.
        segments[segments > 0] += 2**40
    opened = painting(segments)
    for edits in (
        lambda: opened.fill_along([(1, 1), (20, 30)], 1),
        lambda: opened.cut([(8, -1), (9, 40)]),
        lambda: opened.merge([(1, 1), (1, 12)]),
        lambda: opened.lasso([(-1, -1), (-1, 30), (20, 30), (20, -1)], 2),
    ):
        opened.apply(edits())
    assert opened.segments.dtype == dtype
    check_index(opened)
    while opened.undo():
        pass
    assert_array_equal(opened.segments, segments)
