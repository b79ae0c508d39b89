"""Lesson 4: the flipped target, games of many games, modes, soft targets."""

from functools import partial

import pytest
import torch
from torch import nn

from course_utils import data, evaluation, losses
from course_utils import games as races
from course_utils.exercises import lesson04 as bank

FLOAT64 = torch.float64
SGD = partial(torch.optim.SGD, lr=0.05)
LINE = data.gaussian(3.0, 0.5)
MINIMAX, NONSATURATING = (
    losses.minimax_generator_loss, losses.nonsaturating_generator_loss
)  # fmt: skip


def slope(function, x):
    """By autograd, at each element by itself."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(function(x).sum(), x)[0]


# --- The loss and its slopes ----------------------------------------------------------


def test_nonsaturating_loss_on_probabilities_agrees_with_the_one_on_logits():
    logits = torch.tensor([-8.0, -1.0, 0.0, 3.0], dtype=FLOAT64)
    got = NONSATURATING(torch.sigmoid(logits))
    assert torch.allclose(got, losses.generator_loss(logits))


def test_flipped_target_is_the_nonsaturating_loss():
    p = torch.tensor([0.1, 0.6, 0.99])
    assert torch.allclose(bank.flipped_target_loss(p), NONSATURATING(p))


def test_nonsaturating_loss_refuses_a_column():
    with pytest.raises(ValueError, match=r"fake_probability .* \(3, 1\)"):
        NONSATURATING(torch.full((3, 1), 0.5))


def test_ratio_of_the_slopes_is_by_autograd_what_the_formula_says():
    logits = torch.tensor([-20.0, -3.0, 0.0, 5.0], dtype=FLOAT64)
    new = slope(lambda x: -torch.log(torch.sigmoid(x)), logits)
    old = slope(lambda x: torch.log(1 - torch.sigmoid(x)), logits)
    assert torch.allclose(new / old, bank.slope_ratio(logits), rtol=1e-6)


def test_slopes_that_the_lesson_quotes_for_a_fooled_d():
    new = -torch.sigmoid(-torch.tensor([5.0, 20.0]))
    assert new[0].item() == pytest.approx(-0.0067, abs=5e-5)
    assert -1 / new[1].item() == pytest.approx(500e6, rel=0.05)


# --- Divergences ----------------------------------------------------------------------

GRID = torch.linspace(-14, 14, 14001, dtype=FLOAT64)[:, None]
DX = 0.002


def kl(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum() * DX


def heights(theta):
    """KL - 2 JSD, 2 KL(m || p_data), and KL - JSD."""
    p, q = (LAW.density(GRID) for LAW in (data.gaussian(0, 1), data.gaussian(theta, 1)))
    jsd = losses.jensen_shannon(p, q, DX)
    return torch.stack([kl(q, p) - 2 * jsd, 2 * kl((p + q) / 2, p), kl(q, p) - jsd])


@pytest.mark.parametrize("theta", [-3.0, -1.0, 0.5, 2.0, 4.0])
def test_gradient_with_d_frozen_is_that_of_kl_minus_twice_jsd(theta):
    h = 1e-3
    slopes = (heights(theta + h) - heights(theta - h)) / (2 * h)
    got = bank.nonsaturating_gradient_1d(theta)
    assert got == pytest.approx(slopes[0].item(), abs=1e-5)
    assert got == pytest.approx(slopes[1].item(), abs=1e-5)


def test_gradient_with_d_moving_is_that_of_kl_minus_one_jsd():
    h, moving = 1e-3, bank._by_autograd(frozen=False)
    slopes = (heights(-1 + h) - heights(-1 - h)) / (2 * h)
    assert moving(-1.0) == pytest.approx(slopes[2].item(), abs=1e-5)
    assert moving(-1.0) == pytest.approx(-0.801, abs=1e-3)
    assert bank.nonsaturating_gradient_1d(-1.0) == pytest.approx(-0.602, abs=1e-3)


def test_both_pulls_together_are_that_of_kl():
    for theta in (0.5, 3.0):
        new = bank.nonsaturating_gradient_1d(theta)
        assert new + bank._twice_jsd_slope(theta) == pytest.approx(theta)


# --- Soft targets ---------------------------------------------------------------------


@pytest.mark.parametrize("targets", [(1.0, 0.0), (0.9, 0.0), (0.9, 0.1)])
def test_smoothed_d_is_the_cheapest_answer(targets):
    a, b = targets
    answers = torch.linspace(0.001, 0.999, 999, dtype=FLOAT64)
    for p, q in ((0.3, 0.1), (0.01, 1.0), (0.2, 0.2)):
        cost = -(a * p + b * q) * answers.log()
        cost = cost - ((1 - a) * p + (1 - b) * q) * (1 - answers).log()
        got = losses.smoothed_optimal_discriminator(*map(torch.tensor, (p, q)), a, b)
        assert answers[cost.argmin()].item() == pytest.approx(got.item(), abs=1e-3)


def test_smoothed_d_with_hard_targets_is_lesson_twos():
    p, q = torch.tensor([0.3, 0.1]), torch.tensor([0.2, 0.4])
    got = losses.smoothed_optimal_discriminator(p, q, 1.0, 0.0)
    assert torch.allclose(got, losses.optimal_discriminator(p, q))


# --- Modes ----------------------------------------------------------------------------


def test_modes_are_counted_not_samples():
    ring = data.ring()
    samples = torch.cat([ring.centers[:3], ring.centers[:3] + 0.01, torch.zeros(5, 2)])
    assert evaluation.modes_covered(samples, ring.centers, 0.25) == 3


def test_a_sample_at_the_radius_covers_its_mode():
    samples, centers = torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2)
    assert evaluation.modes_covered(samples, centers, 5.0) == 1
    assert evaluation.modes_covered(samples, centers, 4.99) == 0


def test_the_lessons_circles_on_the_ring_do_not_meet():
    assert torch.pdist(data.ring().centers).min() > 2 * 0.6


# --- Races ----------------------------------------------------------------------------


def network(stacked, i):
    """Game i's network, as ordinary layers."""
    layers = []
    for weight, bias in zip(stacked.weights, stacked.biases, strict=True):
        linear = nn.Linear(*weight.shape[1:])
        linear.weight.data, linear.bias.data = weight[i].T, bias[i, 0]
        layers += [linear, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def test_stacked_networks_are_ordinary_ones_side_by_side():
    stacked = races.StackedMLP([2, 8, 8, 3], n_games=4, generator=data.rng(0))
    x = torch.randn(4, 10, 2, generator=data.rng(1))
    for i in range(4):
        assert torch.allclose(stacked(x)[i], network(stacked, i)(x[i]), atol=1e-6)


def test_stacked_networks_start_as_the_courses_others_do():
    stacked = races.StackedMLP([50, 80], n_games=3, generator=data.rng(0))
    for parameter in (stacked.weights[0], stacked.biases[0]):
        assert 0.9 * 50**-0.5 < parameter.abs().max() < 50**-0.5


def test_each_game_steps_as_it_would_alone():
    games = races.pretrain(LINE, steps=0, n_games=3, hidden=4, batch_size=8)
    before = [w.detach().clone() for w in games.D.parameters()]
    alone = network(games.D, 1)
    generator = data.rng(5)
    x_real = LINE.sample(3 * 8, generator).view(3, 8, 1)[1]
    x_fake = games.G(games.latent(8, generator))[1].detach()
    losses.discriminator_loss(alone(x_real)[:, 0], alone(x_fake)[:, 0]).backward()
    games.discriminator_step(data.rng(5))
    step = (before[0] - next(games.D.parameters()))[1]  # learning rate times gradient
    assert torch.allclose(step, 0.3 * alone[0].weight.grad.T, atol=1e-6)


def test_no_gradient_crosses_between_games():
    stacked = races.StackedMLP([2, 4, 1], n_games=2, generator=data.rng(0))
    stacked(torch.ones(2, 3, 2))[0].sum().backward()
    assert stacked.weights[0].grad[0].abs().sum() > 0
    assert stacked.weights[0].grad[1].abs().sum() == 0


def test_a_race_leaves_its_start_alone_and_repeats():
    games = races.pretrain(LINE, steps=3, n_games=2, hidden=4, batch_size=8)
    before = [w.clone() for net in (games.G, games.D) for w in net.parameters()]
    run = partial(races.race, games, NONSATURATING, optimizer_g=SGD, steps=4, every=2)
    first, second = run(), run()
    after = [w for net in (games.G, games.D) for w in net.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert torch.equal(first, second) and first.shape == (3, 2, 500, 1)
    assert not torch.equal(first[0], first[2])


def test_d_learns_during_a_race():
    games = races.pretrain(LINE, steps=0, n_games=2, hidden=4, batch_size=8)
    heard = []

    def still(fake_probability):
        heard.append(fake_probability.mean().item())
        return 0 * fake_probability.sum()

    samples = races.race(games, still, optimizer_g=SGD, steps=200, every=200)
    assert torch.equal(samples[0], samples[1])  # a flat loss moves no G
    assert heard[-1] < heard[0] / 2  # and D gets surer all the same


def test_both_losses_of_a_race_see_the_same_draws():
    seen = {}

    def recorded(name):
        def loss(fake_probability):
            seen.setdefault(name, fake_probability.detach())
            return (MINIMAX if name == "old" else NONSATURATING)(fake_probability)

        return loss

    games = races.pretrain(LINE, steps=1, n_games=2, hidden=4, batch_size=8)
    for name in ("old", "new"):
        races.race(games, recorded(name), optimizer_g=SGD, steps=1, every=1)
    assert torch.equal(seen["old"], seen["new"])


def test_the_loss_is_given_probabilities_that_do_not_round_to_one_at_logit_20():
    games = races.pretrain(LINE, steps=0, n_games=1, hidden=4, batch_size=8)
    with torch.no_grad():
        games.D.biases[-1] += 20
    samples = races.race(games, MINIMAX, optimizer_g=SGD, steps=1, every=1)
    assert torch.isfinite(samples).all()


def test_generator_steps_are_counted():
    games = races.pretrain(LINE, steps=0, n_games=2, hidden=4, batch_size=8)
    calls = []

    def loss(fake_probability):
        calls.append(fake_probability.shape)
        return NONSATURATING(fake_probability)

    races.race(games, loss, optimizer_g=SGD, steps=3, every=3, n_generator_steps=2)
    assert calls == [(16,)] * 6


def test_races_give_the_threads_back():
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        races.pretrain(LINE, steps=1, n_games=1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_distance_to_data_is_wasserstein_for_every_game():
    samples = torch.randn(3, 2, 50, 1, generator=data.rng(0))
    x_real = LINE.sample(50, data.rng(1))
    got = races.distance_to_data(samples, x_real)
    for i in range(3):
        for j in range(2):
            want = evaluation.wasserstein_1d(samples[i, j, :, 0], x_real[:, 0])
            assert got[i, j].item() == pytest.approx(want.item(), rel=1e-5)


@pytest.mark.parametrize(("mass", "nonsense_is_dearer"), [(1e-6, True), (1e-2, False)])
def test_the_new_loss_charges_more_for_what_the_data_never_do(mass, nonsense_is_dearer):
    p = torch.tensor([0.5, 0.5, mass])
    gap, nonsense = (
        2 * torch.xlogy((p + q) / 2, (p + q) / 2 / p).sum()
        for q in (torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.45, 0.45, 0.1]))
    )
    assert bool(nonsense > gap) is nonsense_is_dearer
