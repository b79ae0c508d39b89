"""Lesson 6: the course's layers against PyTorch's, its claims over several seeds,
and numbers of its prose that no cell prints."""

import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils import data, layers, models
from course_utils.exercises import bank, judge, lesson06_networks

SIZES = list(itertools.product((4, 7, 12), (1, 3, 4), (1, 2, 3), (0, 1, 2)))


def random(*shape, seed=0):
    return torch.randn(shape, generator=data.rng(seed))


# ---------------------------------------------------------------- sizes and matrices


@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), SIZES)
def test_the_size_of_a_convolution_is_torchs(size, kernel, stride, padding):
    made = F.conv1d(
        torch.zeros(1, 1, size), torch.zeros(1, 1, kernel), None, stride, padding
    )
    wanted = layers.conv_output_size(size, kernel, stride, padding)
    assert made.shape[-1] == wanted


@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), SIZES)
def test_the_size_of_a_transposed_convolution_is_torchs(size, kernel, stride, padding):
    for extra in range(stride):
        if (size - 1) * stride + kernel + extra <= 2 * padding:
            continue  # nothing is left
        made = F.conv_transpose1d(
            torch.zeros(1, 1, size), torch.zeros(1, 1, kernel), None, stride, padding,
            extra,
        )  # fmt: skip
        wanted = layers.transposed_conv_output_size(
            size, kernel, stride, padding, extra
        )
        assert made.shape[-1] == wanted


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("k", [1, 2, 4, 5])
def test_the_matrix_is_the_convolution_and_its_transpose_the_transposed_one(k, stride):
    kernel = torch.arange(1.0, k + 1) - 3  # whole numbers: sums are exact
    M = layers.conv_matrix(kernel, 9, stride)
    x = torch.arange(9.0) ** 2
    y = F.conv1d(x[None, None], kernel[None, None], stride=stride)[0, 0]
    assert torch.equal(M @ x, y)
    back = F.conv_transpose1d(y[None, None], kernel[None, None], stride=stride)[0, 0]
    assert torch.equal((M.T @ y)[: len(back)], back)
    assert not (M.T @ y)[len(back) :].any()  # numbers that no place of the kernel saw


@pytest.mark.parametrize(
    ("size", "kernel", "stride"), [(5, 3, 2), (4, 4, 2), (3, 2, 3)]
)
def test_overlaps_are_what_ones_through_ones_give(size, kernel, stride):
    ones = torch.ones(1, 1, size), torch.ones(1, 1, kernel)
    wanted = F.conv_transpose1d(*ones, stride=stride).flatten()
    assert torch.equal(layers.overlap_count(size, kernel, stride).float(), wanted)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", range(1, 10))
def test_inner_overlaps_are_equal_where_the_stride_divides_the_kernel(kernel, stride):
    counts = layers.overlap_count(30, kernel, stride)[kernel:-kernel]
    assert (len(counts.unique()) == 1) == (kernel % stride == 0)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: layers.conv_output_size(3, 5), "does not fit"),
        (lambda: layers.conv_output_size(3, 0), "kernel must be a whole number"),
        (lambda: layers.conv_output_size(3.0, 2), "size must be a whole number"),
        (lambda: layers.conv_output_size(3, 2, 1, -1), "padding must be"),
        (lambda: layers.transposed_conv_output_size(1, 2, 1, 1), "leaves 0 pixels"),
        (lambda: layers.overlap_count(0, 2, 1), "size must be"),
        (lambda: layers.conv_matrix(torch.ones(2, 2), 4, 1), "a kernel (k,) is wanted"),
        (lambda: layers.leaky_relu(torch.ones(1), 1.0), "a slope in [0, 1)"),
        (
            lambda: layers.batch_norm(
                torch.ones(2, 3), torch.ones(3), torch.ones(3), 0.0
            ),
            "x (n, c, h, w) is wanted",
        ),
        (
            lambda: layers.batch_norm(
                torch.ones(2, 3, 1, 1), torch.ones(2), torch.ones(3), 0.0
            ),
            "weight (3,) is wanted",
        ),
        (
            lambda: layers.adam_step(torch.ones(2), torch.ones(3), {}, 1, (0, 0), 0),
            "need one shape",
        ),
    ],
)
def test_what_cannot_be_is_said(call, said):
    with pytest.raises(ValueError) as error:
        call()
    assert said in str(error.value)


# ---------------------------------------------------------------- layers


@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_batch_norm_is_torchs_in_value_and_slopes(eps):
    given = [random(5, 3, 2, 4), random(3, seed=1), random(3, seed=2)]
    slopes = []
    for norm in (
        lambda x, w, b: layers.batch_norm(x, w, b, eps),
        lambda x, w, b: F.batch_norm(x, None, None, w, b, True, 0.1, eps),
    ):
        inputs = [t.double().requires_grad_() for t in given]
        y = norm(*inputs)
        weighed = (y * random(*y.shape, seed=3)).sum()
        slopes.append([y, *torch.autograd.grad(weighed, inputs)])
    for ours, torchs in zip(*slopes, strict=True):
        torch.testing.assert_close(ours, torchs)


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.2, 0.9])
def test_leaky_relu_is_torchs(slope):
    x = random(100)
    torch.testing.assert_close(layers.leaky_relu(x, slope), F.leaky_relu(x, slope))


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.999), (0.5, 0.99), (0.0, 0.9)])
@pytest.mark.parametrize("size", [1.0, 1e-3, 1e-7])
def test_adam_equals_torchs_to_a_millionth_over_20_steps(betas, size):
    ours, state = random(4, 3), {}
    weight = nn.Parameter(ours.clone())
    torchs = torch.optim.Adam([weight], lr=0.01, betas=betas, eps=1e-8)
    for t in range(20):
        gradient = size * random(4, 3, seed=t + 1)
        ours = layers.adam_step(ours, gradient, state, 0.01, betas, 1e-8)
        weight.grad = gradient
        torchs.step()
        torch.testing.assert_close(ours, weight.detach(), rtol=0, atol=1e-6)


# ---------------------------------------------------------------- claims on trial


def uncorrected(betas, steps):
    """Step length over lr for a gradient that stays the same, by running averages."""
    m = v = 0.0
    lengths = []
    for _ in range(steps):
        m, v = betas[0] * m + 1 - betas[0], betas[1] * v + 1 - betas[1]
        lengths.append(m / math.sqrt(v))
    return np.array(lengths)


@pytest.mark.parametrize(
    ("betas", "first", "most", "at"),
    [((0.9, 0.999), 3.16, 6.57, 12), ((0.5, 0.999), 15.81, 16.8, 2)],
)
def test_without_correction_adams_first_steps_are_too_long(betas, first, most, at):
    lengths = uncorrected(betas, 3000)
    assert lengths[0] == pytest.approx(first, abs=0.01)
    assert lengths.max() == pytest.approx(most, abs=0.05)
    assert lengths.argmax() + 1 == at
    assert (lengths[:1700] > 1.1).all()  # "over thousands of steps"


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("seed", range(5))
def test_a_steady_gradient_gives_adam_steps_of_lr_a_changing_one_shorter(size, seed):
    steady, changing, states = [], [], ({}, {})
    for sign in torch.randint(2, (400,), generator=data.rng(seed)) * 2 - 1:
        gradients = torch.tensor([size]), size * sign[None]
        for steps, g, state in zip((steady, changing), gradients, states, strict=True):
            new = layers.adam_step(torch.zeros(1), g, state, 1.0, (0.5, 0.999), 1e-8)
            steps.append(new.abs().item())
    assert min(steady) == pytest.approx(max(steady), abs=2e-3)
    assert max(steady) == pytest.approx(1, abs=2e-3)
    assert np.mean(changing) < 0.7


def test_epsilon_inside_the_root_counts_as_its_root():
    for g, wanted in ((1e-3, 0.995), (1e-4, 0.707), (1e-5, 0.100)):
        assert g / math.sqrt(g**2 + 1e-8) == pytest.approx(wanted, abs=1e-3)
        step = -layers.adam_step(
            torch.zeros(1), torch.tensor([g]), {}, 1.0, (0.5, 0.999), 1e-8
        )
        assert step.item() == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("seed", range(5))
def test_the_same_latent_in_other_company_is_another_image_but_in_eval_mode(seed):
    G = models.initialize(models.Generator(base_channels=16), data.rng(seed))
    z = data.latent(1, 100, data.rng(seed))
    pair = [data.latent(15, 100, data.rng(100 + 2 * seed + i)) for i in (0, 1)]
    with torch.no_grad():
        a, b = (G(torch.cat([z, others]))[0] for others in pair)
        assert (a - b).abs().max() > 0.05
        G.eval()
        a, b = (G(torch.cat([z, others]))[0] for others in pair)
    torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


@pytest.mark.parametrize("seed", range(5))
def test_without_batch_norm_the_signal_is_lost_on_its_way(seed):
    z = data.latent(8, 100, data.rng(50 + seed))[:, :, None, None]
    sizes = []
    for batch_norm in (True, False):
        G = models.Generator(batch_norm=batch_norm)
        models.initialize(G, data.rng(seed))
        with torch.no_grad():
            sizes.append(G.layers[:-1](z).std().item())
    assert sizes[0] > 20 * sizes[1]


@pytest.mark.parametrize("seed", range(5))
def test_random_kernels_of_3_spread_twice_as_far_at_some_pixels(seed):
    rng = data.rng(seed)
    for kernel, uneven in ((3, True), (4, False)):
        x = torch.randn(200, 1, 16, 16, generator=rng)
        weight = torch.randn(1, 200, kernel, kernel, generator=rng)
        y = F.conv_transpose2d(x, weight, stride=2)[:, :, 8:24, 8:24]
        stds = [y[:, :, i::2, j::2].std().item() for i in (0, 1) for j in (0, 1)]
        assert (max(stds) > 1.7 * min(stds)) == uneven


@pytest.mark.parametrize("seed", range(5))
def test_an_untrained_generators_contrast_tells_how_it_was_started(seed):
    torch.manual_seed(seed)
    z = data.latent(8, 100, data.rng(seed))

    def small(module):
        if hasattr(module, "weight"):
            nn.init.normal_(module.weight, 0.0, 0.02)

    started = models.Generator().apply(models.init_weights)
    with torch.no_grad():
        right = started(z).std().item()
        off = models.Generator().apply(small)(z).std().item()
        loud = models.Generator()(z).std().item()
    assert right == pytest.approx(0.21, abs=0.03)
    assert off < 0.005
    assert loud == pytest.approx(0.6, abs=0.05)


def test_more_than_half_of_the_generators_weights_are_in_one_layer():
    total = sum(p.numel() for p in models.Generator().parameters())
    assert total == 3_576_704 and 512 * 256 * 16 > total / 2


def test_a_running_average_takes_a_tenth_of_each_batch():
    assert nn.BatchNorm2d(1).momentum == 0.1


# ---------------------------------------------------------------- watching networks


def test_the_references_have_the_wanted_numbers_of_parameters():
    for name, wanted in (("Generator", 3_576_704), ("Discriminator", 2_765_568)):
        network = bank()[name].reference()
        assert sum(p.numel() for p in network.parameters()) == wanted


def test_filling_goes_by_shape_and_role_not_by_name():
    one, other = lesson06_networks.Generator(20, 8), lesson06_networks._Projected(20, 8)
    z = random(3, 20)
    for network in (one, other):
        lesson06_networks.fill(network)
    torch.testing.assert_close(one(z), other(z), rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------- every probe is quick


@pytest.mark.parametrize("name", [e.name for e in bank().values() if e.lesson == 6])
def test_a_mistake_knows_what_it_is_not(name):
    """No mistake of the exercise passes under another name's probes."""
    for mistake in bank()[name].mistakes:
        assert judge(mistake.faces[0], name).state == "not yet"
