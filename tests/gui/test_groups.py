"""The section "Groups" and the choice "Colors" of the features widget."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ncut.widgets.features import FeaturesWidget

from .conftest import halves


def quarters(height: int = 64, width: int = 64) -> np.ndarray:
    """Four things of different brightness."""
    image = np.random.default_rng(0).integers(0, 6, (height, width))
    image[: height // 2] += 60
    image[:, : width // 2] += 120
    return image.astype(np.uint8)


def section(opened):
    return opened.features.groups


def settle(opened):
    opened.wait(lambda: not section(opened).busy)


def show(opened, n_groups=None, how=None):
    """Press the button, wait, and return the groups layers."""
    groups = section(opened)
    if how is not None:
        groups.how.value = how
    if n_groups is not None:
        groups.count.value = n_groups
    groups.show_button.click()
    settle(opened)
    return layers_of(opened)


def layers_of(opened):
    return [
        layer
        for layer in opened.viewer.layers
        if layer.metadata.get("napari_ncut", {}).get("role") == "groups"
    ]


def move(opened, n_groups):
    section(opened).count.value = n_groups
    settle(opened)


@pytest.fixture
def grouped(prepared):
    """Four quarters in four groups."""
    opened = prepared(quarters())
    show(opened, 4)
    return opened


def test_before_a_run_it_says_what_to_do(bench):
    opened = bench(quarters())
    groups = section(opened)
    assert not groups.show_button.isEnabled()
    assert "Compute eigenvectors first" in groups.show_button.toolTip()
    assert groups.suggested == []
    groups.show_groups()
    assert layers_of(opened) == []


@pytest.mark.parametrize("how", ["nested", "cluster_qr", "rotation", "kmeans"])
def test_groups_are_what_a_person_sees(prepared, how):
    opened = prepared(halves())
    (layer,) = show(opened, 4, how)
    assert layer.name == "image groups"
    # Left, right, and both sides of the edge between them.
    width = layer.data.shape[1]
    left, right = layer.data[:, : width // 2 - 8], layer.data[:, width // 2 + 8 :]
    dark, bright = np.bincount(left.ravel()).argmax(), np.bincount(right.ravel()).argmax()
    assert dark != bright
    assert (left == dark).mean() > 0.9 and (right == bright).mean() > 0.9
    assert layer.metadata["napari_ncut"]["method"] == how
    assert section(opened).message.text() == "4 groups"


def test_they_lie_on_the_image_as_its_colors_do(prepared):
    opened = prepared(
        quarters(40, 64), scale=(2, 0.5), translate=(7, -3), rotate=30, affine=np.diag([2, 3, 1])
    )
    (layer,) = show(opened, 4)
    colors = opened.viewer.layers["image eigenvectors"]
    assert layer.data.shape == colors.data.shape[:2]
    for corner in ((0, 0), (5, 3)):
        np.testing.assert_allclose(layer.data_to_world(corner), colors.data_to_world(corner))
    names = [one.name for one in opened.viewer.layers]
    assert names.index("image groups") == names.index("image prompts") - 1
    assert opened.viewer.layers.selection.active.name == "image prompts"
    assert not colors.visible


def test_finer_groups_keep_their_numbers_and_colors(grouped):
    (layer,) = layers_of(grouped)
    coarse = layer.data.copy()
    colors = {group: layer.get_color(group).copy() for group in (1, 2, 3, 4)}
    move(grouped, 9)
    assert layers_of(grouped) == [layer]
    fine = layer.data
    assert len(np.unique(fine)) == 9
    kept = fine <= 4
    np.testing.assert_array_equal(fine[kept], coarse[kept])
    for group, color in colors.items():
        assert (fine == group).any()
        np.testing.assert_array_equal(layer.get_color(group), color)
    everything = np.array([layer.get_color(group) for group in range(1, 10)])
    assert len(np.unique(everything, axis=0)) == 9 and (everything[:, 3] == 1).all()
    move(grouped, 4)
    np.testing.assert_array_equal(layer.data, coarse)


def test_the_slider_gives_few_groups_as_much_room_as_many(grouped):
    count = section(grouped).count
    assert count.value == 4
    high = count.number.maximum()
    assert 4 < high <= 250
    seen = set()
    for position in range(count.slider.maximum() + 1):
        count.slider.setValue(position)
        seen.add(count.value)
    assert {2, 3, 4, 5, 6, 7, 8, high} <= seen
    count.number.setValue(high - 1)
    assert count.value == high - 1
    settle(grouped)
    assert len(np.unique(layers_of(grouped)[0].data)) == high - 1


def test_other_methods_have_no_more_groups_than_eigenvectors(prepared):
    opened = prepared(quarters())
    groups = section(opened)
    groups.count.value = 30
    groups.how.value = "rotation"
    assert groups.count.number.maximum() == groups.count.value == 5
    groups.how.value = "nested"
    assert groups.count.number.maximum() == 250


def test_suggestions_are_buttons(prepared):
    opened = prepared(quarters())
    groups = section(opened)
    numbers = [int(button.text()) for button in groups.suggested]
    assert numbers == opened.segment._prepared.embedding.suggest_groups(3)
    assert groups.count.value == numbers[0]
    groups.suggested[-1].click()
    settle(opened)
    assert groups.count.value == numbers[-1]
    assert len(np.unique(layers_of(opened)[0].data)) == numbers[-1]


def test_colors_resemble_those_of_the_eigenvectors(prepared):
    opened = prepared(quarters())
    shown = opened.viewer.layers["image eigenvectors"].data / 255
    for how in ("nested", "kmeans"):
        (layer,) = show(opened, 4, how)
        for group in np.unique(layer.data):
            mean = shown[layer.data == group].mean(axis=0)
            assert np.abs(layer.get_color(group)[:3] - mean).max() < 0.3


def test_paint_is_never_overwritten(grouped):
    (painted,) = layers_of(grouped)
    painted.data_setitem((np.array([0, 1]), np.array([0, 0])), np.array([77, 77]))
    kept = painted.data.copy()
    move(grouped, 6)
    first, second = layers_of(grouped)
    assert first == painted and second.name == "image groups 2"
    np.testing.assert_array_equal(painted.data, kept)
    assert len(np.unique(second.data)) == 6
    assert any("was painted on and is kept" in text for text in grouped.messages("info"))
    move(grouped, 7)
    assert len(layers_of(grouped)) == 2 and len(np.unique(second.data)) == 7
    np.testing.assert_array_equal(painted.data, kept)
    painted.undo()
    assert painted.data.max() <= 4


def test_paint_that_was_undone_is_none(grouped):
    (layer,) = layers_of(grouped)
    layer.data_setitem((np.array([0]), np.array([0])), np.array([77]))
    grouped.history.undo()
    grouped.wait(grouped.settled)
    move(grouped, 6)
    assert layers_of(grouped) == [layer] and len(np.unique(layer.data)) == 6


def test_a_deleted_layer_comes_back_by_the_button_only(grouped):
    grouped.viewer.layers.remove(layers_of(grouped)[0])
    move(grouped, 6)
    assert layers_of(grouped) == []
    (layer,) = show(grouped)
    assert len(np.unique(layer.data)) == 6
    assert grouped.messages("error") == []


def test_a_deleted_image_is_no_error(grouped):
    del grouped.viewer.layers["image"]
    assert not section(grouped).show_button.isEnabled()
    section(grouped).count.value = 7
    section(grouped).show_groups()
    settle(grouped)
    assert grouped.messages("error") == []


def test_several_images_of_different_sizes(bench):
    opened = bench(halves(64, 64), name="first")
    stack = np.stack([halves(48, 60), halves(48, 60)[:, ::-1]])
    opened.viewer.add_image(stack, name="stack", translate=(0, 100, 0), scale=(3, 1, 1))
    opened.prepare(opened.viewer.layers["first"], opened.viewer.layers["stack"])
    layers = {layer.name: layer for layer in show(opened, 4)}
    first, stacked = layers["first groups"].data, layers["stack groups"].data
    stride = opened.segment._prepared.embedding.stride
    assert first.shape == (-(-64 // stride),) * 2
    assert stacked.shape == (2, -(-48 // stride), -(-60 // stride))
    assert layers["stack groups"].scale[0] == 3
    dark, bright = first[5, 2], first[5, -3]
    assert dark != bright
    assert (stacked[0, 5, 2], stacked[0, 5, -3]) == (dark, bright)
    assert (stacked[1, 5, 2], stacked[1, 5, -3]) == (bright, dark)
    assert "over 2 images" in section(opened).message.text()
    opened.viewer.layers.remove(opened.viewer.layers["first groups"])
    move(opened, 2)
    assert [layer.name for layer in layers_of(opened)] == ["stack groups"]


def test_a_finer_grid_replaces_the_groups(grouped):
    (layer,) = layers_of(grouped)
    stride = grouped.segment._prepared.embedding.stride
    finer = [s for s in grouped.features.backbone.entry.strides if s < stride]
    wanted = finer[-1] if finer else 2 * stride
    grouped.features.backbone.stride.value = wanted
    grouped.prepare()
    move(grouped, 5)
    assert len(np.unique(layer.data)) == 4  # of the cut before, until it is asked for
    assert show(grouped) == [layer]
    colors = grouped.viewer.layers["image eigenvectors"]
    assert layer.data.shape == colors.data.shape[:2]
    np.testing.assert_allclose(layer.scale, colors.scale)
    np.testing.assert_allclose(layer.translate, colors.translate)


def test_of_several_numbers_the_last_one_arrives(prepared):
    opened = prepared(quarters())
    groups = section(opened)
    show(opened, 2, "rotation")
    for number in (3, 5, 4):
        groups.count.value = number
        groups._timer.stop()
        groups._update()
    settle(opened)
    (layer,) = layers_of(opened)
    assert layer.metadata["napari_ncut"]["n_groups"] == 4
    assert groups.message.text() == "4 groups"


def test_cancel_leaves_everything_as_it_was(prepared):
    opened = prepared(quarters())
    groups = section(opened)
    groups.show_button.click()
    assert groups.cancel_button.isEnabled() and not groups.show_button.isEnabled()
    groups.cancel_button.click()
    assert groups.show_button.isEnabled() and not groups.cancel_button.isEnabled()
    opened.qtbot.wait(500)
    assert layers_of(opened) == []
    assert "Cancelled" in groups.message.text()
    assert len(show(opened, 4)) == 1


def test_closing_the_widget_while_it_works(prepared):
    from napari.qt.threading import WorkerBase

    opened = prepared(quarters())
    section(opened).show_button.click()
    opened.viewer.window.remove_dock_widget(opened.features)
    opened.wait(lambda: not WorkerBase._worker_set)
    opened.qtbot.wait(50)
    assert layers_of(opened) == []
    assert opened.messages("error") == []
    again = FeaturesWidget(opened.viewer)
    opened.viewer.window.add_dock_widget(again, name="again")
    again.groups.show_button.click()
    opened.wait(lambda: not again.groups.busy)
    assert len(layers_of(opened)) == 1


def test_two_viewers(bench):
    first, second = bench(quarters()), bench(halves())
    first.prepare()
    assert not section(second).show_button.isEnabled()
    show(first, 4)
    second.prepare()
    show(second, 2)
    assert len(np.unique(layers_of(first)[0].data)) == 4
    assert len(np.unique(layers_of(second)[0].data)) == 2


def test_a_constant_image_is_one_group(prepared):
    opened = prepared(np.full((64, 64), 7, np.uint8))
    (layer,) = show(opened)
    assert (layer.data >= 1).all()
    assert opened.messages("error") == []


# ------------------------------------------------------------------------------------------ colors


def shown_colors(opened, name="image"):
    return opened.viewer.layers[f"{name} eigenvectors"].data.copy()


def recolor(opened, method):
    opened.features.coloring.choice.value = method
    opened.wait(lambda: not opened.features._colors._job.busy)


def test_colors_by_another_method_in_the_same_layer(prepared):
    opened = prepared(quarters())
    layer = opened.viewer.layers["image eigenvectors"]
    before = shown_colors(opened)
    layer.visible = False
    recolor(opened, "tsne")
    assert opened.viewer.layers["image eigenvectors"] == layer and layer.visible
    after = shown_colors(opened)
    assert after.shape == before.shape and (after != before).any()
    recolor(opened, "pca")
    np.testing.assert_array_equal(shown_colors(opened), before)
    opened.viewer.layers.remove(layer)
    recolor(opened, "tsne")
    np.testing.assert_array_equal(shown_colors(opened), after)


def test_a_run_uses_the_chosen_method(bench):
    opened = bench(quarters())
    opened.features.coloring.choice.value = "tsne"
    opened.prepare()
    laid_out = shown_colors(opened)
    recolor(opened, "pca")
    assert (shown_colors(opened) != laid_out).any()


@pytest.fixture
def without_umap(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "umap", None)


def test_colors_that_need_a_missing_package_say_so(prepared, without_umap):
    opened = prepared(quarters())
    before = shown_colors(opened)
    recolor(opened, "tsne")
    recolor(opened, "pca")
    opened.features.coloring.choice.value = "umap"
    opened.wait(lambda: "umap-learn" in opened.features.message.text())
    assert any("umap-learn" in text for text in opened.messages("warning"))
    assert opened.features.coloring.method == "pca"
    np.testing.assert_array_equal(shown_colors(opened), before)


def test_a_run_is_not_lost_to_a_missing_package(bench, without_umap):
    opened = bench(quarters())
    opened.features.coloring.choice.value = "umap"
    opened.prepare()
    assert any("umap-learn" in text for text in opened.messages("warning"))
    assert opened.features.coloring.method == "pca"
    assert shown_colors(opened).std() > 10


@pytest.mark.parametrize("finer", [1, 2])
def test_images_keep_their_hues_when_others_join(bench, finer):
    opened = bench(quarters())
    image = opened.viewer.layers["image"]
    strides = opened.features.backbone.stride
    strides.value = 2 // finer
    opened.prepare(image)
    alone = shown_colors(opened).astype(float)[::finer, ::finer]
    strides.value = 2
    other = 255 - quarters(56, 48)
    opened.viewer.add_image(other, name="other", translate=(0, 80))
    opened.prepare(image, opened.viewer.layers["other"])
    joined = shown_colors(opened).astype(float)
    embedding = opened.segment._prepared.embedding
    from napari_ncut.spectral import eigenvector_colors

    anew = eigenvector_colors(embedding.vectors)[: joined.shape[0] * joined.shape[1]] * 255
    kept = np.abs(joined - alone).mean()
    assert kept < 30
    assert kept <= np.abs(anew.reshape(joined.shape) - alone).mean() + 1
    # The same images once more: nothing depends on what was shown before.
    opened.prepare(image, opened.viewer.layers["other"])
    np.testing.assert_allclose(shown_colors(opened), anew.reshape(joined.shape), atol=1)
