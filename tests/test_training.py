"""The minimax steps and their loop, the game they play, and the game x * y."""

import copy
import math

import pytest
import torch
from torch import nn

from course_utils import data, evaluation, losses, models, training

LAW = data.two_gaussians()
LOG4 = math.log(4)


class Line:
    """A game between two small networks over two Gaussians on a line."""

    def __init__(self, seed, *, lr_g=0.2, lr_d=0.2):
        self.draws = data.rng(seed)
        self.G = models.mlp_generator(1, 1, generator=self.draws)
        self.D = models.mlp_discriminator(1, generator=self.draws)
        self.optimizer_g = torch.optim.SGD(self.G.parameters(), lr=lr_g)
        self.optimizer_d = torch.optim.SGD(self.D.parameters(), lr=lr_d)

    def real(self):
        return LAW.sample(256, self.draws)

    def latents(self):
        return data.latent(256, 1, self.draws)

    def play(self, rounds, k=1):
        return training.play_game(
            self.G, self.D, self.optimizer_g, self.optimizer_d,
            self.real, self.latents, rounds, k,
        )  # fmt: skip

    @torch.no_grad()
    def fakes(self, n=5000):
        return self.G(data.latent(n, 1, data.rng(99)))[:, 0]

    def distance(self):
        x_real = LAW.sample(5000, data.rng(98))[:, 0]
        return evaluation.wasserstein_1d(self.fakes(), x_real).item()

    def loss_of_best_d(self):
        grid = torch.linspace(-5, 5, 401)
        p_g = evaluation.smoothed_density(self.fakes(), grid, 0.08)
        p_data = LAW.density(grid[:, None])
        return LOG4 - 2 * losses.jensen_shannon(p_data, p_g, 0.025).item()


def flat(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


# --- One step -------------------------------------------------------------------------


def test_d_step_returns_its_loss_before_the_step_and_moves_d_alone():
    game = Line(0)
    x_real, z, G, D = game.real(), game.latents(), flat(game.G), flat(game.D)
    with torch.no_grad():
        want = losses.discriminator_loss(game.D(x_real), game.D(game.G(z)))
    got = training.discriminator_step(game.G, game.D, game.optimizer_d, x_real, z)
    assert torch.isclose(got, want) and not got.requires_grad
    assert torch.equal(flat(game.G), G) and not torch.equal(flat(game.D), D)


def test_g_step_returns_its_loss_before_the_step_and_moves_g_alone():
    game = Line(0)
    z, G, D = game.latents(), flat(game.G), flat(game.D)
    with torch.no_grad():
        want = losses.minimax_generator_loss_from_logits(game.D(game.G(z)))
    got = training.generator_step(game.G, game.D, game.optimizer_g, z)
    assert torch.isclose(got, want) and not got.requires_grad
    assert torch.equal(flat(game.D), D) and not torch.equal(flat(game.G), G)


def test_d_step_leaves_no_gradient_in_g():
    game = Line(0)
    training.discriminator_step(
        game.G, game.D, game.optimizer_d, game.real(), game.latents()
    )
    assert all(p.grad is None for p in game.G.parameters())


def test_d_step_raises_the_value_and_g_step_lowers_it():
    game = Line(3)
    x_real, z = game.real(), game.latents()

    @torch.no_grad()
    def value():
        real, fake = (torch.sigmoid(game.D(x)) for x in (x_real, game.G(z)))
        return losses.value_function(real, fake).item()

    start = value()
    training.discriminator_step(game.G, game.D, game.optimizer_d, x_real, z)
    after_d = value()
    training.generator_step(game.G, game.D, game.optimizer_g, z)
    assert start < after_d and value() < after_d


def test_what_stands_in_grad_does_not_matter():
    clean = Line(0)
    x_real, z = clean.real(), clean.latents()
    dirty = copy.deepcopy(clean)
    for parameter in [*dirty.G.parameters(), *dirty.D.parameters()]:
        parameter.grad = torch.full_like(parameter, 7.0)
    for game in (clean, dirty):
        training.discriminator_step(game.G, game.D, game.optimizer_d, x_real, z)
        training.generator_step(game.G, game.D, game.optimizer_g, z)
    assert torch.equal(flat(clean.D), flat(dirty.D))
    assert torch.equal(flat(clean.G), flat(dirty.G))


@pytest.mark.parametrize("player", ["D", "G"])
def test_a_step_is_the_one_by_hand_of_the_formula(player):
    """With plain descent: a weight minus lr times the slope of its player's cost."""
    game = Line(0)
    x_real, z = game.real(), game.latents()
    real, fake = (torch.sigmoid(game.D(x)) for x in (x_real, game.G(z)))
    cost = {"D": -(real.log().mean() + (1 - fake).log().mean()),
            "G": (1 - fake).log().mean()}[player]  # fmt: skip
    net = getattr(game, player)
    slopes = torch.autograd.grad(cost, list(net.parameters()))
    want = flat(net) - 0.2 * torch.cat([slope.flatten() for slope in slopes])
    if player == "D":
        training.discriminator_step(game.G, game.D, game.optimizer_d, x_real, z)
    else:
        training.generator_step(game.G, game.D, game.optimizer_g, z)
    assert torch.allclose(flat(net), want, atol=1e-7)


# --- The loop -------------------------------------------------------------------------


def test_a_round_is_k_steps_of_d_and_one_of_g_each_on_a_new_batch():
    calls = {"real": 0, "latent": 0}
    game = Line(0)

    def sample_real():
        calls["real"] += 1
        return game.real()

    def sample_latent():
        calls["latent"] += 1
        return game.latents()

    players = game.G, game.D, game.optimizer_g, game.optimizer_d
    history = training.play_game(*players, sample_real, sample_latent, 5, 3)
    assert calls == {"real": 15, "latent": 20}
    assert len(history) == 5 and all(isinstance(loss, float) for loss in history)


def test_the_loop_is_the_two_steps_in_turn():
    by_loop, by_hand = Line(0), Line(0)
    by_loop.play(3, 2)
    for _ in range(3):
        for _ in range(2):
            x_real, z = by_hand.real(), by_hand.latents()
            training.discriminator_step(
                by_hand.G, by_hand.D, by_hand.optimizer_d, x_real, z
            )
        training.generator_step(
            by_hand.G, by_hand.D, by_hand.optimizer_g, by_hand.latents()
        )
    assert torch.equal(flat(by_loop.G), flat(by_hand.G))
    assert torch.equal(flat(by_loop.D), flat(by_hand.D))


def test_a_game_without_a_learning_d_is_refused():
    with pytest.raises(ValueError, match="at least 1, not 0"):
        Line(0).play(1, 0)


# --- What the game does ---------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_the_game_carries_p_g_to_the_data(seed):
    # 20 seeds of 800 rounds: 0.075 to 0.130; two batches of data are 0.045 apart.
    game = Line(seed)
    assert game.distance() > 1
    history = game.play(800)
    assert game.distance() < 0.2
    assert abs(sum(history[-100:]) / 100 - LOG4) < 0.02


def test_a_slow_d_reads_log_4_while_the_best_d_is_not_fooled():
    # 12 seeds: loss 1.371 to 1.384, the best D's 1.02 to 1.18, distance 0.24 to 0.50.
    game = Line(0, lr_d=0.02)
    history = game.play(400)
    assert abs(sum(history[-50:]) / 50 - LOG4) < 0.02
    assert game.loss_of_best_d() < LOG4 - 0.15
    assert game.distance() > 0.2


def test_before_a_d_that_stands_still_g_leaves_the_data_and_pleases_it_more():
    # Ten seeds, D stopped at round 100: the distance grew in each, to 0.41 to 1.75.
    game = Line(1)
    game.play(100)
    near, z = game.distance(), game.latents()
    with torch.no_grad():
        believed = torch.sigmoid(game.D(game.G(z))).mean()
    for _ in range(600):
        training.generator_step(game.G, game.D, game.optimizer_g, game.latents())
    assert game.distance() > 2 * near
    assert torch.sigmoid(game.D(game.G(z))).mean() > believed


# --- The game x * y -------------------------------------------------------------------


def walk(step, lr, n, start=(1.0, 1.0)):
    path = [start]
    for _ in range(n):
        path.append(step(*path[-1], lr))
    return torch.tensor(path, dtype=torch.float64)


@pytest.mark.parametrize("lr", [0.01, 0.1, 1.0])
def test_simultaneous_steps_grow_the_radius_by_the_same_factor_each(lr):
    radius = walk(training.simultaneous_step, lr, 50).norm(dim=1)
    factor = torch.full_like(radius[1:], math.sqrt(1 + lr**2))
    assert torch.allclose(radius[1:] / radius[:-1], factor)


@pytest.mark.parametrize("lr", [0.1, 0.5, 1.9])
def test_alternating_steps_run_on_an_ellipse(lr):
    x, y = walk(training.alternating_step, lr, 1000).T
    kept = x**2 + y**2 - lr * x * y
    assert torch.allclose(kept, kept[0].expand(len(kept)))
    assert torch.hypot(x, y).max() < 10


def test_alternating_steps_above_2_fly_off():
    assert walk(training.alternating_step, 2.1, 100).norm(dim=1)[-1] > 1e6


@pytest.mark.parametrize("step", ["simultaneous", "alternating"])
def test_both_kinds_of_step_are_gradient_steps_of_x_times_y(step):
    x, y = (nn.Parameter(torch.tensor(v, dtype=torch.float64)) for v in (0.7, -0.4))
    down = torch.optim.SGD([x], lr=0.3)
    up = torch.optim.SGD([y], lr=0.3, maximize=True)
    (x * y).backward()
    down.step()
    if step == "alternating":
        up.zero_grad()
        (x * y).backward()
    up.step()
    got = getattr(training, f"{step}_step")(0.7, -0.4, 0.3)
    assert got == pytest.approx((x.item(), y.item()))
