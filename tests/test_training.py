"""The steps and loops of both games, and the game x * y."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils import data, evaluation, losses, models, training

P_DATA = data.two_gaussians()
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
        return P_DATA.sample(256, self.draws)

    def latents(self):
        return data.latent(256, 1, self.draws)

    def step_d(self, x_real, z):
        return training.discriminator_step(self.G, self.D, self.optimizer_d, x_real, z)

    def step_g(self, z):
        return training.generator_step(self.G, self.D, self.optimizer_g, z)

    def play(self, rounds, k=1):
        return training.play_game(
            self.G, self.D, self.optimizer_g, self.optimizer_d,
            self.real, self.latents, rounds, k,
        )  # fmt: skip

    @torch.no_grad()
    def distance(self):
        x_fake = self.G(data.latent(5000, 1, data.rng(99)))[:, 0]
        x_real = P_DATA.sample(5000, data.rng(98))[:, 0]
        return evaluation.wasserstein_1d(x_fake, x_real).item()


def flat(*networks):
    weights = [p.detach().flatten() for net in networks for p in net.parameters()]
    return torch.cat(weights)


# --- The minimax game -----------------------------------------------------------------


@pytest.mark.parametrize("player", ["D", "G"])
def test_a_step_is_the_one_by_hand_of_the_formula(player):
    """With plain descent: a weight minus lr times the slope of its player's loss."""
    game = Line(0)
    x_real, z = game.real(), game.latents()
    real, fake = (torch.sigmoid(game.D(x)) for x in (x_real, game.G(z)))
    loss = {"D": -(real.log().mean() + (1 - fake).log().mean()),
            "G": (1 - fake).log().mean()}[player]  # fmt: skip
    moved, still = (game.D, game.G) if player == "D" else (game.G, game.D)
    slopes = torch.autograd.grad(loss, list(moved.parameters()))
    want = flat(moved) - 0.2 * torch.cat([slope.flatten() for slope in slopes])
    before = flat(still)
    for parameter in moved.parameters():
        parameter.grad = torch.full_like(parameter, 7.0)  # what it holds is ignored
    got = game.step_d(x_real, z) if player == "D" else game.step_g(z)
    assert torch.isclose(got, loss) and not got.requires_grad
    assert torch.allclose(flat(moved), want, atol=1e-7)
    assert torch.equal(flat(still), before)
    if player == "D":
        assert all(p.grad is None for p in game.G.parameters())


def test_a_round_is_k_steps_of_d_and_one_of_g_each_on_a_new_batch():
    by_loop, by_hand = Line(0), Line(0)
    history = by_loop.play(3, 2)
    for _ in range(3):
        for _ in range(2):
            x_real, z = by_hand.real(), by_hand.latents()
            loss = by_hand.step_d(x_real, z)
        by_hand.step_g(by_hand.latents())
    assert torch.equal(flat(by_loop.G, by_loop.D), flat(by_hand.G, by_hand.D))
    assert len(history) == 3 and history[-1] == loss.item()
    with pytest.raises(ValueError, match="at least 1, not 0"):
        by_loop.play(1, 0)


def test_the_game_carries_p_g_to_the_data():
    # 20 seeds of 800 rounds: 0.075 to 0.130; two batches of data are 0.045 apart.
    game = Line(0)
    assert game.distance() > 1
    history = game.play(800)
    assert game.distance() < 0.2
    assert abs(sum(history[-100:]) / 100 - LOG4) < 0.02


# --- The DCGAN's game -----------------------------------------------------------------


def textbook_step(G, D, optimizer_g, optimizer_d, x_real, z):
    """Probabilities, labels, cross-entropy: nothing of the package's in it."""
    D.zero_grad()
    p_real = torch.sigmoid(D(x_real))
    cost_real = F.binary_cross_entropy(p_real, torch.ones_like(p_real))
    cost_real.backward()
    x_fake = G(z)
    p_fake = torch.sigmoid(D(x_fake.detach()))
    cost_fake = F.binary_cross_entropy(p_fake, torch.zeros_like(p_fake))
    cost_fake.backward()
    optimizer_d.step()
    G.zero_grad()
    p_fake = torch.sigmoid(D(x_fake))
    cost_g = F.binary_cross_entropy(p_fake, torch.ones_like(p_fake))
    cost_g.backward()
    optimizer_g.step()
    return (cost_real + cost_fake).detach(), cost_g.detach()


def played(step):
    """Both networks and all losses after ten rounds of a DCGAN in float64."""
    rng = data.rng(5)
    G = models.initialize(models.Generator(6, 4, 1, size=32), rng).double()
    D = models.initialize(models.Discriminator(4, 1, size=32), rng).double()
    optimizers = [torch.optim.Adam(n.parameters(), 2e-4, (0.5, 0.999)) for n in (G, D)]
    told = []
    for _ in range(10):
        x_real = torch.rand(8, 1, 32, 32, generator=rng).double() * 2 - 1
        z = data.latent(8, 6, rng).double()
        told.append(torch.stack([*step(G, D, *optimizers, x_real, z)]))
    return flat(G, D), torch.stack(told)


def test_the_step_is_the_textbooks_over_ten_rounds_in_float64():
    for ours, textbooks in zip(
        played(training.train_step), played(textbook_step), strict=True
    ):
        assert (ours - textbooks).abs().max() < 1e-10


def test_frozen_stops_gradients_and_gives_them_back_after_an_error():
    D = nn.Linear(2, 2)
    D.bias.requires_grad_(False)
    with pytest.raises(KeyError), training.frozen(D):
        assert not D.weight.requires_grad
        raise KeyError
    assert D.weight.requires_grad and not D.bias.requires_grad


def test_samples_are_drawn_in_eval_mode_and_leave_no_trace():
    G = models.Generator(8, 4, 1, size=32)
    G.layers[1].eval()  # a part that was frozen by itself stays so
    modes = [m.training for m in G.modules()]
    before, z = copy.deepcopy(G.state_dict()), data.latent(5, 8, data.rng(0))
    images = training.sample(G, z)
    assert [m.training for m in G.modules()] == modes and not images.requires_grad
    assert all(torch.equal(before[k], v) for k, v in G.state_dict().items())
    torch.testing.assert_close(training.sample(G, z[:1]), images[:1])


# --- A frozen G -----------------------------------------------------------------------


def test_pretraining_leaves_g_alone_and_ends_near_bayes():
    p_data, rng = data.gaussian(4.0, 0.5), data.rng(0)
    G = models.mlp_generator(2, 1, generator=rng)
    D = models.mlp_discriminator(1, generator=rng)
    optimizer = torch.optim.Adam(D.parameters(), lr=0.02, betas=(0.5, 0.99))
    before, calls = flat(G), []

    def batch(name, draw, *size):
        return lambda: calls.append(name) or draw(*size, rng)

    batches = batch("x", p_data.sample, 128), batch("z", data.latent, 128, 2)
    training.pretrain_discriminator(G, D, optimizer, *batches, steps=100)
    assert torch.equal(before, flat(G)) and calls == ["x", "z"] * 100
    assert all(p.grad is None for p in G.parameters())
    with torch.no_grad():
        assert torch.sigmoid(D(p_data.sample(500, data.rng(1)))).min() > 0.99
        assert torch.sigmoid(D(G(data.latent(500, 2, data.rng(1))))).max() < 0.01


def test_gradient_norm_by_hand_and_beyond_float32():
    """G(z) = w z + b and D's logit is x: slopes in b, w are the means of -D, -D z."""
    G, z = nn.Linear(1, 1).double(), torch.tensor([[-1.0], [2.0]]).double()
    p = torch.sigmoid(G(z).detach()).flatten()
    want = math.hypot(p.mean().item(), (p * z.flatten()).mean().item())
    G.weight.grad = torch.full_like(G.weight, 3.0)
    minimax, D = losses.minimax_generator_loss, nn.Flatten(0)
    got = training.generator_gradient_norm(G, D, z, minimax)
    assert got == pytest.approx(want, rel=1e-12)
    assert G.weight.grad.item() == 3 and G.bias.grad is None  # untouched
    tiny = lambda p: 1e-30 * p.mean()  # noqa: E731
    norm = training.generator_gradient_norm(G.float(), D, torch.ones(1, 1), tiny)
    assert 1e-31 < norm < 1e-30  # its square is 0 in float32


def test_signal_of_a_perfect_d_is_the_slope_of_twice_the_divergence():
    grid = torch.linspace(-10, 20, 6001, dtype=torch.float64)[:, None]
    p, step = data.gaussian(0.0, 1.0).density(grid), 1e-3
    for m in (0.5, 1.6, 8.0):
        low, high = (
            losses.jensen_shannon(p, data.gaussian(at, 1.0).density(grid), 0.005)
            for at in (m - step, m + step)
        )
        got = training.signal_of_perfect_discriminator(torch.tensor([m])).item()
        assert got == pytest.approx((high - low).item() / step, rel=1e-3)


# --- The game x * y -------------------------------------------------------------------


def walk(step, lr, n):
    path = [(1.0, 1.0)]
    for _ in range(n):
        path.append(step(*path[-1], lr))
    return torch.tensor(path, dtype=torch.float64)


def test_simultaneous_steps_grow_and_alternating_ones_run_on_an_ellipse_below_2():
    for lr in (0.01, 1.0, 1.9):
        radius = walk(training.simultaneous_step, lr, 50).norm(dim=1)
        factor = torch.full_like(radius[1:], math.sqrt(1 + lr**2))
        assert torch.allclose(radius[1:] / radius[:-1], factor)
        x, y = walk(training.alternating_step, lr, 1000).T
        kept = x**2 + y**2 - lr * x * y
        assert torch.allclose(kept, kept[0].expand(len(kept)))
        assert torch.hypot(x, y).max() < 10
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
