"""Lesson 3: the minimax loss and its slopes, a D that is trained alone, the figures."""

import doctest
import math

import numpy as np
import pytest
import torch
from torch import nn

from course_utils import data, figures, losses, models, training
from course_utils.exercises import lesson03 as bank
from course_utils.figures import style
from course_utils.widgets import lesson03 as widget
from course_utils.widgets import saturation_explorer

FLOAT64 = torch.float64


def slope(function, x):
    """By autograd, at each element by itself."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(function(x).sum(), x)[0]


# --- The loss and its slopes ----------------------------------------------------------


def test_minimax_loss_is_the_fake_term_of_the_value_function():
    real, fake = torch.tensor([0.2, 0.9]), torch.tensor([0.1, 0.5, 0.7])
    other = torch.tensor([0.3])
    difference = losses.value_function(real, fake) - losses.value_function(real, other)
    want = losses.minimax_generator_loss(fake) - losses.minimax_generator_loss(other)
    assert torch.allclose(difference, want)


def test_minimax_loss_on_probabilities_agrees_with_the_one_on_logits():
    logits = torch.tensor([-8.0, -1.0, 0.0, 3.0], dtype=FLOAT64)
    got = losses.minimax_generator_loss(torch.sigmoid(logits))
    assert torch.allclose(got, losses.minimax_generator_loss_from_logits(logits))


def test_minimax_loss_refuses_a_column():
    with pytest.raises(ValueError, match=r"fake_probability .* \(3, 1\)"):
        losses.minimax_generator_loss(torch.full((3, 1), 0.5))


def test_both_slopes_are_autograds():
    logits = torch.linspace(-30, 8, 77, dtype=FLOAT64)
    p = torch.sigmoid(logits)
    got = bank.slope_in_probability(p)
    assert torch.allclose(got, slope(lambda q: torch.log(1 - q), p))
    got = bank.slope_in_logit(logits)
    want = slope(lambda x: torch.log(1 - torch.sigmoid(x)), logits)
    assert torch.allclose(got, want, rtol=1e-9, atol=0)


def test_slope_is_minus_one_where_d_is_zero_and_none_is_left_in_the_logit():
    assert bank.slope_in_probability(torch.zeros(1)).item() == -1
    assert -1e-8 < bank.slope_in_logit(torch.tensor([-20.0])).item() < 0


def test_in_the_minimax_loss_slope_is_the_exponential_of_the_value_minus_one():
    logits = torch.tensor([-3.0, 0.0, 2.0], dtype=FLOAT64)
    values = torch.log(1 - torch.sigmoid(logits))
    assert torch.allclose(bank.slope_in_logit(logits), values.exp() - 1)


@pytest.mark.parametrize(
    ("loss", "last"),
    [
        (lambda x: torch.log(1 - torch.sigmoid(x)), -88.5),
        (lambda x: -nn.functional.softplus(x), -103.0),
    ],
)
def test_float32_ends_where_the_lesson_says(loss, last):
    """Where exp(-l) overflows, and, with softplus, where exp(l) underflows."""
    assert slope(loss, torch.tensor([last])).item() != 0
    assert slope(loss, torch.tensor([last - 1.5])).item() == 0


# --- D alone, and what reaches G ------------------------------------------------------


def game(law, seed=0):
    generator = data.rng(seed)
    G = models.mlp_generator(2, 1, generator=generator)
    D = models.mlp_discriminator(1, generator=generator)
    optimizer_d = torch.optim.Adam(D.parameters(), lr=0.02, betas=(0.5, 0.99))
    real = lambda: law.sample(128, generator)  # noqa: E731
    latent = lambda: data.latent(128, 2, generator)  # noqa: E731
    return G, D, optimizer_d, real, latent


def test_pretraining_leaves_g_alone_and_ends_near_bayes():
    law = data.gaussian(4.0, 0.5)
    G, D, *rest = game(law)
    before = [p.clone() for p in G.parameters()]
    training.pretrain_discriminator(G, D, *rest, steps=100)
    assert all(map(torch.equal, before, G.parameters()))
    assert all(p.grad is None for p in G.parameters())
    with torch.no_grad():
        assert torch.sigmoid(D(law.sample(500, data.rng(1)))).min() > 0.99
        assert torch.sigmoid(D(G(data.latent(500, 2, data.rng(1))))).max() < 0.01


def test_pretraining_starves_g_where_the_laws_are_separated_and_only_there():
    z, loss = data.latent(256, 2, data.rng(9)), losses.minimax_generator_loss
    norms = {}
    for mean in (0.0, 4.0):
        G, D, *rest = game(data.gaussian(mean, 0.5))
        norms[mean] = [training.generator_gradient_norm(G, D, z, loss)]
        for steps in (3, 297):
            training.pretrain_discriminator(G, D, *rest, steps=steps)
            norms[mean].append(training.generator_gradient_norm(G, D, z, loss))
    assert norms[4.0][-1] < 1e-3 * max(norms[4.0])
    assert norms[0.0][-1] > 3 * norms[0.0][0]


def test_gradient_norm_is_that_of_a_gradient_by_hand():
    """G(z) = w z + b and D's logit is x: slopes in b, w are the means of -D, -D z."""
    G, z = nn.Linear(1, 1).double(), torch.tensor([[-1.0], [2.0]], dtype=FLOAT64)
    p = torch.sigmoid(G(z).detach()).flatten()
    want = math.hypot(p.mean().item(), (p * z.flatten()).mean().item())
    got = training.generator_gradient_norm(
        G, nn.Flatten(0), z, losses.minimax_generator_loss
    )
    assert got == pytest.approx(want, rel=1e-12)


def test_gradient_at_g_is_minus_d_times_the_slope_of_the_logit():
    G, D, *_ = game(data.gaussian(4.0, 0.5))
    z, weights = data.latent(64, 2, data.rng(3)), list(G.parameters())
    logits = D(G(z))
    minus_d = -torch.sigmoid(logits.detach()) / len(z)
    slopes = torch.autograd.grad(logits, weights, grad_outputs=minus_d)
    want = torch.cat([s.flatten() for s in slopes]).norm().item()
    got = training.generator_gradient_norm(G, D, z, losses.minimax_generator_loss)
    assert got == pytest.approx(want, rel=1e-5)


def test_gradient_norm_reads_gradients_whose_squares_leave_float32():
    G, z = nn.Linear(1, 1), torch.ones(1, 1)
    norm = training.generator_gradient_norm(
        G, nn.Flatten(0), z, lambda p: 1e-30 * p.mean()
    )
    assert 1e-31 < norm < 1e-30


def test_gradient_norm_touches_no_grad():
    G, D = nn.Linear(1, 1), nn.Flatten(0)
    G.weight.grad = torch.full_like(G.weight, 3.0)
    training.generator_gradient_norm(G, D, torch.ones(2, 1), torch.mean)
    assert G.weight.grad.item() == 3 and G.bias.grad is None


def test_signal_of_a_perfect_d_is_the_slope_of_twice_the_divergence():
    grid = torch.linspace(-10, 20, 6001, dtype=FLOAT64)[:, None]
    p, step = data.gaussian(0.0, 1.0).density(grid), 1e-3
    for m in (0.5, 1.6, 4.0, 8.0):
        low, high = (
            losses.jensen_shannon(p, data.gaussian(at, 1.0).density(grid), 0.005)
            for at in (m - step, m + step)
        )
        got = training.signal_of_perfect_discriminator(torch.tensor([m])).item()
        assert got == pytest.approx((high - low).item() / step, rel=1e-3)


def test_divergence_of_shifted_uniforms_is_that_of_a_grid():
    grid = torch.arange(-40_000, 40_000, dtype=FLOAT64) / 10_000 + 5e-5

    def uniform(start):
        return ((grid > start) & (grid < start + 1)).to(FLOAT64)

    for shift in (-1.5, -0.3, 0.0, 0.25, 1.0, 2.5):
        want = losses.jensen_shannon(uniform(0.0), uniform(shift), 1e-4).item()
        assert bank.js_of_shifted_uniforms(shift) == pytest.approx(want, abs=2e-4)


@pytest.mark.parametrize("module", [training, losses, widget])
def test_examples_in_docstrings_are_true(module):
    result = doctest.testmod(module)
    assert result.attempted and not result.failed


# --- Figures --------------------------------------------------------------------------


def points(line):
    return np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)


def title(axes):
    return axes.get_title(loc="left")


def test_first_picture_marks_the_peak_and_the_end():
    fig = figures.heard_against_distance(torch.tensor([1.0, 2, 9]), [0.2, 0.5, 5e-7])
    axes = fig.axes[0]
    assert title(axes) == "Far off, G hears 1 million times less than near by"
    marks = [points(line) for line in axes.lines[1:]]
    assert [(x[0], y[0]) for x, y in marks] == [(2, 0.5), (9, 5e-7)]
    texts = [t.get_text() for t in axes.texts]
    assert texts == ["0.5", "0.0000005"]


def test_posterior_is_drawn_where_samples_are():
    x = [0.0, 1.0, 2.0]
    world = {
        "p_data": [0.5, 0.0, 0.0], "p_g": [0.0, 0.0, 0.5],
        "learned": [0.9, 0.5, 0.1], "bayes": [1.0, 0.5, 0.0],
    }  # fmt: skip
    fig = figures.learned_and_bayes(x, {"one": world, "two": world})
    bayes, learned = (points(line)[1] for line in fig.axes[2].lines)
    np.testing.assert_array_equal(bayes, [1, np.nan, 0])
    np.testing.assert_array_equal(learned, world["learned"])
    assert [title(a) for a in fig.axes[:2]] == ["one", "two"]


def test_starvation_says_how_far_it_fell_from_its_loudest():
    near, far = [[1.0, 2.0], [1.0, 4.0]], [[1.0, 0.001], [1.0, 0.001]]
    axes = figures.starvation([0, 1000], near, far).axes[0]
    assert title(axes) == "Separated: 1,000 times below its loudest. Overlap: more"
    assert [t.get_text() for t in axes.texts] == ["laws overlap", "separated"]
    assert len(axes.lines) == 6  # two seeds and their median, twice


def test_exact_zeros_lie_on_the_floor_and_in_the_title():
    logits, norms = [-80.0, -90.0, -100.0], [1e-35, 0.0, 0.0]
    theory = (logits, [1e-35, 1e-39, 1e-44])
    axes = figures.down_to_zero(([0.0], [0.1]), (logits, norms), theory).axes[0]
    zeros = next(line for line in axes.lines if line.get_label() == "exactly 0")
    assert list(points(zeros)[0]) == [-90, -100]
    assert points(zeros)[1].max() < 1e-45
    assert title(axes) == "At a mean logit of -90 nothing is left"


def test_divergence_is_drawn_beside_its_slope():
    shift = np.linspace(0, 12, 13)
    flat = np.minimum(shift, 1) * np.log(2)
    heard = np.exp(-shift)
    left, right = figures.flat_divergence(shift, flat, flat, heard, heard[1:]).axes
    level = left.lines[0].get_ydata()[0]
    assert level == pytest.approx(math.log(2))
    np.testing.assert_array_equal(points(left.lines[1])[1], flat)
    np.testing.assert_array_equal(points(right.lines[0])[1], heard[1:])


# --- The explorer ---------------------------------------------------------------------


@pytest.mark.parametrize("logit", [-12.0, -6.9, 0.0, 4.0])
def test_a_point_of_the_explorer_is_the_formula(logit):
    point = widget.saturation_point(losses.minimax_generator_loss, logit)
    p = 1 / (1 + math.exp(-logit))
    assert point.probability == pytest.approx(p)
    assert point.value == pytest.approx(math.log(1 - p))
    assert point.slope_in_probability == pytest.approx(-1 / (1 - p))
    assert point.slope_in_logit == pytest.approx(-p)


def test_explorer_shows_the_learners_own_loss():
    own = saturation_explorer(lambda p: -torch.log(p).mean())
    course = saturation_explorer()
    assert own.image.value != course.image.value
    assert "-0.998993 in the logit" in repr(own)  # -(1 - D)
    assert "-0.001007 in the logit" in repr(course)


def test_explorer_follows_its_slider():
    explorer = saturation_explorer()
    before = explorer.image.value
    explorer.controls["logit"].value = 2.0
    assert explorer.image.value != before
    assert "D is 0.880797" in explorer.message.value


def test_explorer_uses_the_palette_of_g_and_of_reference():
    fig, grid = style.new_figure(2, rows=2)
    widget._draw_curves(grid, losses.minimax_generator_loss)
    colors = [line.get_color() for line in grid[0, 0].lines]
    assert colors == [style.REFERENCE, style.GENERATED]
