"""Lesson 3: the minimax loss and its slopes, a D that is trained alone."""

import math

import pytest
import torch
from torch import nn

from course_utils import data, losses, models, training
from course_utils.exercises import lesson03 as bank

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
