"""Many games side by side are the same games alone."""

from functools import partial

import pytest
import torch
from torch import nn

from course_utils import data, evaluation, games, losses

LINE = data.gaussian(3.0, 0.5)
SGD = partial(torch.optim.SGD, lr=0.05)
small = partial(games.pretrain, LINE, n_games=2, hidden=4, batch_size=8)
race = partial(games.race, optimizer_g=SGD)


def network(stacked, i):
    """Game i's network, as ordinary layers."""
    layers = []
    for weight, bias in zip(stacked.weights, stacked.biases, strict=True):
        linear = nn.Linear(*weight.shape[1:])
        linear.weight.data, linear.bias.data = weight[i].T, bias[i, 0]
        layers += [linear, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def test_stacked_networks_are_ordinary_ones_side_by_side():
    stacked = games.StackedMLP([50, 8, 3], n_games=4, generator=data.rng(0))
    assert 0.9 * 50**-0.5 < stacked.weights[0].abs().max() < 50**-0.5
    x = torch.randn(4, 10, 50, generator=data.rng(1))
    for i in range(4):
        assert torch.allclose(stacked(x)[i], network(stacked, i)(x[i]), atol=1e-6)
    stacked(x)[0].sum().backward()
    sizes = stacked.weights[0].grad.abs().sum(dim=(1, 2))
    assert (sizes > 0).tolist() == [True, False, False, False]


def test_each_game_steps_as_it_would_alone():
    pair = small(steps=0)
    before, alone = pair.D.weights[0].detach().clone(), network(pair.D, 1)
    generator = data.rng(5)
    x_real = LINE.sample(2 * 8, generator).view(2, 8, 1)[1]
    x_fake = pair.G(pair.latent(8, generator))[1].detach()
    losses.discriminator_loss(alone(x_real)[:, 0], alone(x_fake)[:, 0]).backward()
    pair.discriminator_step(data.rng(5))
    step = (before - pair.D.weights[0])[1]  # learning rate times gradient
    assert torch.allclose(step, 0.3 * alone[0].weight.grad.T, atol=1e-6)


def test_a_race_leaves_its_start_alone_repeats_and_counts_its_steps():
    pair, seen = small(steps=3), []

    def loss(fake_probability):
        seen.append(fake_probability.detach())
        return losses.nonsaturating_generator_loss(fake_probability)

    before = [w.clone() for w in [*pair.G.parameters(), *pair.D.parameters()]]
    first, second = (
        race(pair, loss, steps=4, every=2, n_generator_steps=2) for _ in range(2)
    )
    after = [*pair.G.parameters(), *pair.D.parameters()]
    assert all(map(torch.equal, before, after))
    assert torch.equal(first, second) and first.shape == (3, 2, 500, 1)
    assert not torch.equal(first[0], first[2])
    assert [len(p) for p in seen] == [2 * 8] * 16
    assert torch.equal(seen[0], seen[8])  # the same draws


def test_d_learns_during_a_race():
    means = []

    def flat(fake_probability):
        means.append(fake_probability.mean().item())
        return 0 * fake_probability.sum()

    samples = race(small(steps=0), flat, steps=200, every=200)
    assert torch.equal(samples[0], samples[1])  # a flat loss moves no G
    assert means[-1] < means[0] / 2  # and D gets surer all the same


def test_probabilities_do_not_round_to_one_at_logit_20():
    pair = small(steps=0)
    with torch.no_grad():
        pair.D.biases[-1] += 20
    samples = race(pair, losses.minimax_generator_loss, steps=1, every=1)
    assert torch.isfinite(samples).all()


def test_races_give_the_threads_back():
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        small(steps=1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_distance_to_data_is_wasserstein_for_every_game():
    samples = torch.randn(3, 2, 50, 1, generator=data.rng(0))
    x_real = LINE.sample(50, data.rng(1))
    got = games.distance_to_data(samples, x_real)
    for i, j in [(0, 0), (2, 1)]:
        want = evaluation.wasserstein_1d(samples[i, j, :, 0], x_real[:, 0])
        assert got[i, j].item() == pytest.approx(want.item(), rel=1e-5)
