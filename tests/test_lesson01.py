"""Lesson 1: the class Gaussians, its figures and explorer, and the numbers it tells."""

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from course_utils import data, figures, gaussians
from course_utils.figures import style
from course_utils.figures.images import tile
from course_utils.figures.lesson01 import shrinkage_panel
from course_utils.widgets import lesson01 as widgets

SEEDS = range(5)


@pytest.fixture(scope="module")
def digits():
    images, labels = data.load("digits", size=8)
    return images.flatten(1), labels


def fitted(digits, *, split, shrinkage=0.1):
    """Means, covariances and log prior of one part, and the part held out."""
    (x, y), heldout = data.split(*digits, seed=split)
    means, covariances = gaussians.fit_class_gaussians(x, y, shrinkage)
    return means, covariances, (y.bincount() / len(y)).log(), heldout


def own(table, labels):
    """The entry of each row that belongs to its label."""
    return table[torch.arange(len(labels)), labels]


# ---------------------------------------------------------------- image grids


def test_images_keep_one_scale_and_are_never_stretched():
    gray = np.stack([np.full((8, 8), value) for value in (-1.0, 0.2, 1.0, 3.0)])
    mosaic = tile(gray, columns=4)
    middles = mosaic[24, [24, 76, 128, 180]]  # tiles of 48 pixels, gaps of 4
    np.testing.assert_allclose(middles[:, 0], [0, 0.6, 1, 1], rtol=1e-6)
    assert (mosaic[:, 48:52] == 1).all()  # paper between the tiles


def test_pixels_beyond_the_range_are_marked_on_demand():
    image = torch.tensor([[[[0.5, -1.2], [1.0, -1.0]]]])
    mosaic = tile(image, columns=1, mark_outside=True)
    np.testing.assert_allclose(mosaic[0, -1], to_rgb(style.NOTICE), rtol=1e-6)
    np.testing.assert_allclose(mosaic[-1, 0], 1)


def test_color_images_keep_their_channels():
    red = torch.tensor([1.0, -1.0, -1.0])[:, None, None].expand(1, 3, 4, 4)
    assert tile(red)[0, 0].tolist() == [1, 0, 0]


def test_a_short_last_row_leaves_paper():
    assert (tile(-np.ones((3, 8, 8)), columns=2)[52:, 52:] == 1).all()


def test_grid_has_its_labels():
    fig = figures.image_grid(
        np.zeros((4, 8, 8)), columns=2, row_labels="AB", column_labels=[3, 5], title="t"
    )
    (axes,) = fig.axes
    assert [t.get_text() for t in axes.get_yticklabels()] == ["A", "B"]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["3", "5"]


@pytest.mark.parametrize(
    ("images", "options", "words"),
    [
        (np.zeros((2, 64)), {}, r"not \(2, 64\)"),
        (np.zeros((2, 2, 8, 8)), {}, r"not \(2, 2, 8, 8\)"),
        (np.full((1, 8, 8), np.nan), {}, "NaN"),
        (np.zeros((4, 8, 8)), {"columns": 2, "row_labels": "A"}, "2 row labels"),
    ],
)
def test_a_wrong_grid_is_told(images, options, words):
    with pytest.raises(ValueError, match=words):
        figures.image_grid(images, **options)


# ---------------------------------------------------------------- figures


def test_two_readings_share_one_number():
    counts = np.zeros((2, 10), int)
    counts[0, [0, 9]], counts[1, [0, 1]] = (30, 20), (10, 40)
    (axes,) = figures.two_readings(counts).axes
    assert "75% of the 0s" in axes.get_title(loc="left")
    assert "60% of the empty ones" in axes.get_title(loc="left")
    ends = {
        round(b.get_y() + b.get_height() / 2): b.get_x() + b.get_width()
        for b in axes.patches
        if b.get_width()
    }
    assert ends == {1: 40, 0: 50}  # all zeros; all empty ones


def test_pixel_values_count_what_no_ink_can_be():
    drawn = np.array([-1.5, -1.0, 0.0, 1.0, 1.2])
    (axes,) = figures.pixel_values(np.linspace(-1, 1, 17), drawn).axes
    assert axes.get_title(loc="left").startswith("40%")
    written, made = (patch.get_data().values for patch in axes.patches[:2])
    assert np.allclose([written.sum(), made.sum()], 1)
    assert (written > 0).sum() == 17  # one bin for each ink level


def test_what_was_written_stays_out_of_the_tinted_ranges():
    levels = np.linspace(-1, 1, 17)
    (axes,) = figures.pixel_values(levels, np.zeros(3)).axes
    share, edges = axes.patches[0].get_data()[:2]
    inked = np.flatnonzero(share)
    assert edges[inked[0]] == -1 and edges[inked[-1] + 1] == pytest.approx(1)


@pytest.mark.parametrize("width", [4.0, 4.6, 7.6])
def test_row_labels_stay_inside_the_figure(width):
    fig = figures.image_grid(
        np.zeros((6, 8, 8)), columns=2, row_labels=["as written"] * 3, width=width
    )
    FigureCanvasAgg(fig).draw()
    for label in fig.axes[0].get_yticklabels():
        assert label.get_window_extent().x0 >= 0


def test_squared_error_marks_its_lowest_point():
    x = np.linspace(-1, 1, 21)
    fig = figures.squared_error(x, 1 + x**2, x, (x - 0.5) ** 2)
    for axes, height in zip(fig.axes, (1.25, 0.0), strict=True):
        (marked,) = [ln for ln in axes.lines if ln.get_color() == style.NOTICE]
        assert np.allclose(marked.get_xydata(), [[0.5, height]])
    assert "2 times rarer" in fig.axes[0].get_title(loc="left")


def test_push_forward_draws_the_map_in_order():
    u = np.array([0.81, 0.04, 0.25])
    fig = figures.push_forward(u, np.sqrt(u), np.array([0.0, 1.0, 2.0]))
    map_line = fig.axes[1].lines[0].get_xydata()
    assert np.allclose(map_line, [[0.04, 0.2], [0.25, 0.5], [0.81, 0.9]])
    assert np.allclose(fig.axes[2].lines[0].get_ydata(), [0, 1, 2])


def test_cloud_marks_the_same_points_on_both_sides():
    z = data.latent(100, 2, data.rng(0)).numpy()
    left, right = figures.cloud(z, 3 * z).axes
    for i in (0, 1):  # all points, then the marked ring
        before, after = (ax.collections[i].get_offsets() for ax in (left, right))
        assert np.allclose(3 * before, after)
    assert len(left.collections[0].get_offsets()) == 100


def test_walk_and_jump_draws_every_position_and_median():
    fig = figures.walk_and_jump([0.0, 1.0], [1.0, 0.0, 1.0], {2: 9, 3: 40})
    walk, jumps, cost = fig.axes
    assert walk.lines[0].get_ydata().tolist() == [0, 1]
    assert jumps.lines[0].get_ydata().tolist() == [1, 0, 1]
    assert cost.lines[0].get_xydata().tolist() == [[2, 9], [3, 40]]


def test_shrinkage_panel_names_the_best():
    _, axes = style.new_figure()
    values = [[1.0, 3.0, 2.0], [2.0, 4.0, 2.5]]
    best = shrinkage_panel(axes, [0.01, 0.1, 1.0], values, what="density", unit="nats")
    assert best == 0.1
    assert axes.get_title(loc="left") == "best density at 0.1"
    assert axes.lines[2].get_ydata().tolist() == [1.5, 3.5, 2.25]


# ---------------------------------------------------------------- explorer


def test_drawings_of_the_explorer_move_with_shrinkage_not_by_chance(digits):
    one, again = (widgets.draw(*digits, shrinkage=0.1, digit=3) for _ in range(2))
    near = widgets.draw(*digits, shrinkage=0.11, digit=3)
    assert torch.equal(one, again)
    assert 0 < (one - near).abs().max() < 0.1


def test_scores_are_those_of_the_lesson(digits):
    means, covariances, log_prior, (x, y) = fitted(digits, split=2)
    table = gaussians.log_likelihoods(x, means, covariances)
    right = gaussians.posterior(table, log_prior).argmax(1) == y
    score = widgets.score(*digits, shrinkage=0.1, split=2)
    assert score.accuracy == pytest.approx(right.double().mean().item())
    assert score.log_density == pytest.approx(own(table, y).mean().item(), rel=1e-5)


def test_explorer_redraws_for_each_control(digits):
    explorer = widgets.shrinkage_explorer(*digits)
    seen = {explorer.image.value}
    for name, value in (("digit", 7), ("shrinkage", 0.001), ("shrinkage", 1.0)):
        explorer.controls[name].value = value
        seen.add(explorer.image.value)
    assert len(seen) == 4
    assert "digit 7" in explorer.message.value
