"""The small networks: shapes, and a start that the generator alone decides."""

import pytest
import torch
from torch import nn

from course_utils import data, models


def weights(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def test_generator_maps_latents_to_points():
    G = models.mlp_generator(2, 3, generator=data.rng(0))
    assert G(torch.zeros(5, 2)).shape == (5, 3)


@pytest.mark.parametrize("n", [1, 7])
def test_discriminator_gives_one_logit_a_point_even_for_one(n):
    D = models.mlp_discriminator(3, generator=data.rng(0))
    assert D(torch.zeros(n, 3)).shape == (n,)


def test_discriminator_returns_logits_not_probabilities():
    D = models.mlp_discriminator(1, generator=data.rng(0))
    with torch.no_grad():
        D[-2].bias += 5.0
        assert (D(torch.zeros(4, 1)) > 1).all()


def test_the_same_seed_gives_the_same_weights_and_another_others():
    first, again, other = (
        weights(models.mlp_generator(1, 1, generator=data.rng(s))) for s in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_players_drawn_from_one_generator_differ():
    draws = data.rng(0)
    G = models.mlp_generator(1, 1, generator=draws)
    D = models.mlp_discriminator(1, generator=draws)
    assert not torch.equal(weights(G), weights(D))


def test_the_global_random_state_is_neither_read_nor_moved():
    state = torch.get_rng_state()
    first = weights(models.mlp_discriminator(2, generator=data.rng(0)))
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(123)
    assert torch.equal(
        first, weights(models.mlp_discriminator(2, generator=data.rng(0)))
    )


def test_weights_start_in_the_range_of_a_linear_layer():
    G = models.mlp_generator(4, 1, hidden=(400,), generator=data.rng(0))
    assert 0.49 < G[0].weight.abs().max() <= 0.5  # 1 / sqrt(4)
    assert 0.045 < G[2].weight.abs().max() <= 0.05  # 1 / sqrt(400)
    assert G[0].weight.mean().abs() < 0.03


def test_hidden_layers_and_activation_are_as_asked():
    D = models.mlp_discriminator(
        2, hidden=(8, 9, 10), activation=nn.ReLU, generator=data.rng(0)
    )
    linear = [layer for layer in D if isinstance(layer, nn.Linear)]
    assert [layer.out_features for layer in linear] == [8, 9, 10, 1]
    assert sum(isinstance(layer, nn.ReLU) for layer in D) == 3


def test_a_network_without_hidden_layers_is_linear():
    G = models.mlp_generator(1, 1, hidden=(), generator=data.rng(0))
    at_0, at_1, at_2 = G(torch.tensor([[0.0], [1.0], [2.0]])).flatten()
    assert torch.isclose(at_2 - at_1, at_1 - at_0, atol=1e-6)
