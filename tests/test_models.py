"""The networks: shapes, ranges, and a start that the generator alone decides."""

import pytest
import torch
from torch import nn

from course_utils import data, models


def weights(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


@pytest.mark.parametrize("n", [1, 7])
def test_small_networks_map_latents_to_points_and_points_to_logits(n):
    G = models.mlp_generator(2, 3, generator=data.rng(0))
    D = models.mlp_discriminator(3, generator=data.rng(0))
    with torch.no_grad():
        D[-2].bias += 5.0
        points = G(torch.zeros(n, 2))
        assert points.shape == (n, 3) and D(points).shape == (n,)
        assert (D(points) > 1).all()  # logits, not probabilities


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: models.mlp_generator(2, 1, generator=rng),
        lambda rng: models.mlp_discriminator(2, generator=rng),
        lambda rng: models.initialize(models.Generator(8, 4, size=32), rng),
    ],
)
def test_weights_depend_on_the_generator_alone(make):
    torch.manual_seed(1)
    rng = data.rng(3)
    first, second = weights(make(rng)), weights(make(rng))
    torch.manual_seed(2)
    assert torch.equal(first, weights(make(data.rng(3))))
    assert not torch.equal(first, second)


def test_small_networks_have_the_layers_asked_for_and_start_as_linear_ones():
    D = models.mlp_discriminator(
        4, hidden=(400, 9, 10), activation=nn.ReLU, generator=data.rng(0)
    )
    linear = [layer for layer in D if isinstance(layer, nn.Linear)]
    assert [layer.out_features for layer in linear] == [400, 9, 10, 1]
    assert sum(isinstance(layer, nn.ReLU) for layer in D) == 3
    assert 0.49 < linear[0].weight.abs().max() <= 0.5  # 1 / sqrt(4)
    assert 0.045 < linear[1].weight.abs().max() <= 0.05  # 1 / sqrt(400)
    assert linear[0].weight.mean().abs() < 0.03


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize(("size", "channels"), [(28, 1), (32, 3), (64, 1)])
def test_a_dcgan_makes_images_in_range_and_one_logit_each(size, channels, batch_norm):
    options = {"size": size, "batch_norm": batch_norm}
    G, D = (
        models.Generator(8, 4, channels, **options),
        models.Discriminator(4, channels, **options),
    )
    images = G(torch.randn(3, 8, generator=data.rng(0)))
    assert images.shape == (3, channels, size, size) and images.abs().max() <= 1
    assert D(images).shape == (3,)
    assert D.eval()(images[:1]).shape == (1,)
    norms = [m for net in (G, D) for m in net.modules() if "BatchNorm" in repr(m)[:9]]
    assert bool(norms) == batch_norm
    first, last = D.layers[1], G.layers[-2]
    assert isinstance(first, nn.LeakyReLU) and isinstance(last, nn.ConvTranspose2d)


def test_the_start_is_dcgans():
    D = models.initialize(models.Discriminator(16), data.rng(0))
    convolution, norm = D.layers[2], D.layers[3]
    assert convolution.weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert norm.weight.mean().item() == pytest.approx(1, abs=0.02)
    assert norm.weight.std().item() == pytest.approx(0.02, rel=0.4)
    assert not norm.bias.any()
    linear = nn.Linear(2, 2)
    before = weights(linear)
    models.init_weights(linear)
    assert torch.equal(weights(linear), before)


def test_sizes_and_latents_that_do_not_fit_are_refused():
    for call, message in (
        (lambda: models.Generator(size=30), r"one of \[28, 32, 64\], not 30"),
        (lambda: models.Discriminator(0), "base_channels must be a whole number"),
        (lambda: models.Generator(8, 4)(torch.zeros(2, 9)), r"\(n, 8\) are wanted"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
