"""Lesson 1: the class Gaussians, its figures and explorer, and the numbers it tells."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from scipy.stats import kstest, multivariate_normal

from course_utils import data, figures, gaussians
from course_utils.authoring import notebooks
from course_utils.exercises import judge
from course_utils.figures import style
from course_utils.figures.images import tile
from course_utils.figures.lesson01 import shrinkage_panel
from course_utils.widgets import lesson01 as widgets

SEEDS = range(5)
LESSON = notebooks.ROOT / "solutions" / "01_bayes_and_generative_models.ipynb"


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


# ---------------------------------------------------------------- class Gaussians


def test_log_likelihoods_are_scipys():
    generator = data.rng(0)
    x, means = torch.randn(2, 5, 3, generator=generator).double()
    root = torch.randn(5, 3, 3, generator=generator).double()
    covariances = root @ root.mT + 0.1 * torch.eye(3)
    got = gaussians.log_likelihoods(x, means, covariances)
    for k in range(5):
        want = multivariate_normal(means[k], covariances[k]).logpdf(x)
        np.testing.assert_allclose(got[:, k], want, rtol=1e-9)


def test_fit_without_much_shrinkage_is_numpys_covariance():
    x = torch.randn(40, 3, generator=data.rng(0)).double()
    y = torch.arange(40) % 2
    means, covariances = gaussians.fit_class_gaussians(x, y, 1e-9)
    for c in (0, 1):
        np.testing.assert_allclose(means[c], x[y == c].mean(0), rtol=1e-12)
        want = np.cov(x[y == c].numpy(), rowvar=False, bias=True)
        np.testing.assert_allclose(covariances[c], want, atol=1e-7)


def test_shrinkage_keeps_the_total_variance():
    x, y = torch.randn(30, 4, generator=data.rng(0)), torch.zeros(30).long()
    traces = [
        gaussians.fit_class_gaussians(x, y, s)[1][0].trace() for s in (0.01, 0.5, 1.0)
    ]
    assert torch.allclose(torch.stack(traces), traces[0].expand(3))


def test_samples_pass_the_check_of_the_exercise():
    verdict = judge(lambda *a: gaussians.sample_class(*a), "sample_class")
    assert verdict.state == "passed"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: gaussians.posterior(torch.zeros(3), torch.zeros(3)),
            r"\(n, k\) and log_prior \(k,\) are wanted, not \(3,\) and \(3,\)",
        ),
        (
            lambda: gaussians.fit_class_gaussians(
                torch.zeros(3, 2), torch.tensor([0, 0, 2]), 0.1
            ),
            r"counts are \[2, 0, 1\]",
        ),
        (
            lambda: gaussians.fit_class_gaussians(
                torch.zeros(3, 2), torch.zeros(3).long(), 0.0
            ),
            r"in \(0, 1\], not 0.0",
        ),
        (
            lambda: gaussians.fit_class_gaussians(
                torch.zeros(3, 1, 2, 2), torch.zeros(3).long(), 0.1
            ),
            r"images \(n, d\)",
        ),
        (
            lambda: gaussians.log_likelihoods(
                torch.zeros(1, 2), torch.zeros(1, 2), torch.zeros(1, 2, 2)
            ),
            r"classes \[0\] are not positive definite",
        ),
    ],
)
def test_a_wrong_input_is_told(call, words):
    with pytest.raises(ValueError, match=words):
        call()


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


# ---------------------------------------------------------------- what the lesson says


def test_an_empty_middle_is_a_zero_in_63_percent(digits):
    x, y = digits
    empty = x.reshape(-1, 8, 8)[:, 4, 4] == -1
    counts = y[empty].bincount(minlength=10)
    assert (counts[0], y.bincount()[0], counts.sum()) == (174, 178, 275)
    assert (counts[9], counts[5]) == (57, 25)
    others = counts[1:].sum() / (y != 0).sum()
    assert others.item() == pytest.approx(0.06, abs=0.005)


@pytest.mark.parametrize("split", SEEDS)
def test_class_gaussians_classify_and_draw_impossible_ink(digits, split):
    means, covariances, log_prior, (x, y) = fitted(digits, split=split)
    table = gaussians.log_likelihoods(x, means, covariances)
    wrong = gaussians.posterior(table, log_prior).argmax(1) != y
    assert 1 <= wrong.sum() <= 5  # 98.3 to 99.7 % of 297
    rng = data.rng(split)
    drawn = torch.cat(
        [gaussians.sample_class(means[d], covariances[d], 200, rng) for d in range(10)]
    )
    assert 0.27 < (drawn.abs() > 1).float().mean() < 0.31
    assert 0.22 < (drawn < -1).float().mean() < 0.26
    assert ((drawn.abs() > 1).any(1)).all()  # not one legal image


def test_the_best_classifier_is_not_the_best_density(digits):
    def mean(shrinkage):
        found = [widgets.score(*digits, shrinkage=shrinkage, split=s) for s in SEEDS]
        accuracy = np.mean([score.accuracy for score in found])
        return accuracy, np.mean([score.log_density for score in found])

    accuracy, density = mean(0.2)
    accuracy_below, density_below = mean(0.001)
    assert accuracy == pytest.approx(0.993, abs=0.002)
    assert accuracy_below == pytest.approx(0.966, abs=0.003)
    assert density_below - density == pytest.approx(26, abs=1)
    assert density_below > max(mean(0.0001)[1], mean(0.01)[1])


@pytest.mark.parametrize("split", SEEDS)
def test_at_32_pixels_the_gaussians_still_classify(split):
    images, labels = data.load("digits", size=32)
    means, covariances, log_prior, (x, y) = fitted(
        (images.flatten(1), labels), split=split, shrinkage=0.01
    )
    table = gaussians.log_likelihoods(x, means, covariances)
    right = gaussians.posterior(table, log_prior).argmax(1) == y
    assert 0.935 < right.float().mean() < 0.975
    rng = data.rng(split)
    drawn = torch.cat(
        [gaussians.sample_class(means[d], covariances[d], 50, rng) for d in range(10)]
    )
    assert 0.225 < (drawn.abs() > 1).float().mean() < 0.245


@pytest.mark.parametrize("split", SEEDS)
def test_logistic_regression_is_surest_of_no_digits(digits, split):
    (x, y), (x_test, y_test) = data.split(*digits, seed=split)
    weight = torch.zeros(64, 10, requires_grad=True)
    optimizer = torch.optim.Adam([weight], lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        F.cross_entropy(x @ weight, y).backward()
        optimizer.step()
    accuracy = ((x_test @ weight).argmax(1) == y_test).float().mean()
    assert 0.925 < accuracy < 0.985
    sheets = torch.zeros(10, 64)
    for _ in range(200):
        sheets.requires_grad_()
        log_p = torch.log_softmax(sheets @ weight, dim=1).diagonal()
        (slope,) = torch.autograd.grad(log_p.sum(), sheets)
        sheets = (sheets + slope).detach().clamp(-1, 1)
    sure = torch.softmax(sheets @ weight, dim=1).diagonal()
    real = torch.softmax(x_test @ weight, dim=1).amax(1)
    assert sure.min() > 0.9999
    assert (real < sure.min()).float().mean() > 0.98
    means, covariances, _, _ = fitted(digits, split=split)
    density = own(gaussians.log_likelihoods(x_test, means, covariances), y_test)
    of_sheets = gaussians.log_likelihoods(sheets, means, covariances).diagonal()
    assert of_sheets.max() < -400 < -150 < density.min()
    assert density.median() > 10


def test_an_honest_sample_costs_twice_the_blend(digits):
    x, y = digits
    pair = x[y < 2].double()
    blend = (pair - pair.mean(0)).square().sum(1).mean()
    costs = torch.cdist(pair, pair).square().mean(1)
    assert len(pair) == 360
    assert costs.mean() / blend == pytest.approx(2, rel=1e-6)
    found = blend.item(), costs.min().item(), costs.mean().item()
    assert found == pytest.approx((17.4, 26.5, 34.8), abs=0.05)


def test_the_mean_of_two_bumps_is_over_500_times_rarer():
    middle, bump = data.two_gaussians().density(torch.tensor([[0.0], [1.5]]))
    assert bump / middle > 500


@pytest.mark.parametrize("seed", SEEDS)
def test_roots_of_uniform_numbers_follow_2x(seed):
    u = torch.rand(10_000, generator=data.rng(seed))
    assert kstest(u.sqrt().numpy(), lambda x: x**2).statistic < 0.02


@pytest.fixture(scope="module")
def metropolis():
    """The function that the lesson defines."""
    cells = {cell.id: cell.source for cell in notebooks.read(LESSON).cells}
    names = {"torch": torch, "Tensor": torch.Tensor}
    exec(cells["metropolis"], names)
    return names["metropolis"]


def median_steps(metropolis, distance, limit, seed):
    law = data.two_gaussians(-distance / 2, distance / 2)
    path = metropolis(law, limit, 200, data.rng(seed))
    return ((path < 0).int().cumprod(0).sum(0) + 1).median().item()


@pytest.mark.parametrize("seed", SEEDS)
def test_steps_to_cross_grow_with_the_distance(metropolis, seed):
    near, far, farther = (
        median_steps(metropolis, distance, limit, seed)
        for distance, limit in ((2, 200), (3, 1000), (4, 4000))
    )
    assert 6 <= near <= 12 and 30 <= far <= 60 and 300 <= farther <= 550
    assert min(far / near, farther / far) > 3


@pytest.mark.parametrize("seed", SEEDS)
def test_steps_to_cross_a_distance_of_5_are_thousands(metropolis, seed):
    assert 6000 < median_steps(metropolis, 5, 10_000, seed) < 8500


def test_the_valley_deepens_with_the_distance_of_the_bumps():
    depth = {}
    for distance in (2, 5):
        law = data.two_gaussians(-distance / 2, distance / 2)
        valley, bump = law.density(torch.tensor([[0.0], [distance / 2]]))
        depth[distance] = (bump / valley).item()
    assert depth[2] == pytest.approx(11.4, abs=0.1)
    assert depth[5] == pytest.approx(1.5e8, rel=0.02)


def test_the_sum_over_all_images_takes_585_years():
    assert 2**64 / 1e9 / (365 * 24 * 3600) == pytest.approx(585, abs=0.5)


def test_the_chain_forgets_where_it_started(metropolis):
    law = data.two_gaussians(-1.0, 1.0)
    path = metropolis(law, 600, 400, data.rng(0))[200:]
    assert (path > 0).float().mean().item() == pytest.approx(0.5, abs=0.05)
    spread = math.sqrt(1 + 0.4**2)
    assert path.std().item() == pytest.approx(spread, rel=0.05)
