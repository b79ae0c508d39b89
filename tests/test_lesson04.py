"""Lesson 4: the flipped target, games of many games, modes, soft targets, figures."""

import doctest
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from course_utils import data, evaluation, figures, losses
from course_utils import games as races
from course_utils.exercises import lesson04 as bank
from course_utils.figures import style
from course_utils.widgets import lesson04 as widget
from course_utils.widgets import race_replay

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


@pytest.mark.parametrize("module", [races, evaluation, losses, widget])
def test_examples_in_docstrings_are_true(module):
    result = doctest.testmod(module)
    assert result.attempted and not result.failed


# --- Figures --------------------------------------------------------------------------


def points(line):
    return np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)


def title(axes):
    return axes.get_title(loc="left")


def test_wishes_are_drawn_over_the_same_data():
    real, fake = [[0.0, 2.0]], torch.tensor([[1.0, 1.0], [0.0, 0.5]])
    fig = figures.two_wishes(real, {"one": fake, "two": fake})
    assert [title(axes) for axes in fig.axes] == ["one", "two"]
    for axes in fig.axes:
        below, above = axes.lines
        assert (below.get_color(), above.get_color()) == (style.DATA, style.GENERATED)
        assert points(above)[1].tolist() == [1.0, 0.5]


def test_slopes_are_drawn_by_their_size():
    x = torch.linspace(-2, 2, 5)
    values = {"old": -x, "new": 2 - x}
    slopes = {"old": torch.full((5,), -0.25), "new": torch.full((5,), -0.5)}
    left, right = figures.deaf_sides(x, values, slopes).axes
    drawn = [points(line)[1] for line in right.lines[:2]]
    assert [set(y) for y in drawn] == [{0.25}, {0.5}]
    assert [line.get_color() for line in left.lines[:2]] == [
        style.NOTICE, style.GENERATED
    ]  # fmt: skip


def test_games_are_thin_lines_and_their_median_is_thick():
    games = torch.tensor([[3.0, 3.0, 3.0], [2.0, 0.0, 1.0]])
    row = figures.Row([0, 10], "distance", {"a": {"old": games, "new": games + 1}})
    axes = figures.side_by_side([row], "step").axes[0]
    old, new = axes.lines[:4], axes.lines[4:8]
    assert [line.get_linewidth() > 2 for line in old] == [False, False, False, True]
    assert points(old[-1])[1].tolist() == [3, 1]
    assert points(new[-1])[1].tolist() == [4, 2]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "distance")


def test_rows_and_columns_have_their_labels_and_level():
    games = torch.ones(2, 3)
    kinds = {"old": games, "new": games}
    columns = {"SGD": kinds, "Adam": kinds}
    rows = [
        figures.Row([0, 1], "distance", columns, (0.5, "arrived")),
        figures.Row([0, 2], "modes", columns),
    ]
    axes = figures.side_by_side(rows, "step").axes
    assert [title(a) for a in axes] == ["SGD", "Adam"] * 2
    assert [a.get_xlabel() for a in axes] == ["", "", "step", "step"]
    texts = [[t.get_text() for t in a.texts if t.get_text()] for a in axes]
    assert texts == [["arrived"], ["arrived"], [], []]


def test_pulls_are_labeled_at_their_ends():
    axes = figures.pull_at_distance([0, 1, 2], [0, 0.5, 0.2], [0, 0.5, 1.8]).axes[0]
    assert [points(line)[1][-1] for line in axes.lines] == [0.2, 1.8]
    ends = {t.get_text().split(":")[0]: t.xy[1] for t in axes.texts}
    assert ends == {"minimax": 0.2, "non-saturating": 1.8}


def test_soft_answers_are_drawn_beside_their_pulls():
    x = torch.linspace(-1, 1, 3)
    answers = {"1, 0": x, "0.9, 0": 0.9 * x, "0.9, 0.1": 0.8 * x + 0.1}
    fig = figures.soft_answers(x, 1 + x, 2 - x, answers, answers)
    for axes in fig.axes:
        drawn = [points(line)[1] for line in axes.lines]
        np.testing.assert_allclose(drawn, [y.numpy() for y in answers.values()])


# --- The explorer ---------------------------------------------------------------------


def recorded(*, pictures=3, n_games=2):
    """Races that arrive step by step, by the non-saturating loss alone."""
    x_real = torch.full((10, 1), 3.0)
    still = torch.zeros(pictures, n_games, 10, 1)
    moving = still + 3 * torch.arange(pictures)[:, None, None, None] / (pictures - 1)
    runs = {}
    for pretraining in (100, 0):
        for optimizer in ("plain SGD", "Adam"):
            runs[pretraining, "minimax", optimizer] = still
            runs[pretraining, "non-saturating", optimizer] = moving
    return runs, x_real


@pytest.mark.parametrize(
    ("distance", "word"), [([2.0, 1.0], "none"), ([2.0, 0.4], "some"), ([0.1], "all")]
)
def test_arrivals_are_told_in_words_that_machines_agree_on(distance, word):
    assert widget.arrivals(torch.tensor(distance)) == word


def test_replay_starts_half_way_through_the_first_race():
    explorer = race_replay(*recorded(), every=10)
    assert explorer.values == {
        "pretraining": 100, "loss": "minimax", "optimizer": "plain SGD", "step": 10
    }  # fmt: skip
    assert "pre-trained for 100 steps, after step 10" in repr(explorer)
    assert "none of the games have arrived" in repr(explorer)


def test_replay_follows_its_controls():
    explorer = race_replay(*recorded(), every=10)
    pictures = [explorer.image.value]
    explorer.controls["step"].value = 20
    pictures.append(explorer.image.value)
    explorer.controls["loss"].value = "non-saturating"
    pictures.append(explorer.image.value)
    assert len(set(pictures)) == 3
    assert "all of the games have arrived" in explorer.message.value


def test_replay_has_a_step_for_every_picture():
    slider = race_replay(*recorded(pictures=5), every=10).controls["step"]
    assert (slider.min, slider.max, slider.step) == (0, 40, 10)


def test_replay_wants_every_combination_and_one_length():
    runs, x_real = recorded()
    short = runs | {(0, "minimax", "Adam"): runs[0, "minimax", "Adam"][:2]}
    with pytest.raises(ValueError, match="races of one length"):
        race_replay(short, x_real, every=10)
    del runs[0, "minimax", "Adam"]
    with pytest.raises(ValueError, match="every combination"):
        race_replay(runs, x_real, every=10)


@pytest.mark.parametrize(("mass", "nonsense_is_dearer"), [(1e-6, True), (1e-2, False)])
def test_the_new_loss_charges_more_for_what_the_data_never_do(mass, nonsense_is_dearer):
    p = torch.tensor([0.5, 0.5, mass])
    gap, nonsense = (
        2 * torch.xlogy((p + q) / 2, (p + q) / 2 / p).sum()
        for q in (torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.45, 0.45, 0.1]))
    )
    assert bool(nonsense > gap) is nonsense_is_dearer
