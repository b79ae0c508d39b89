"""Lesson 5: numbers of its prose that no cell prints."""

import math

import pytest
import torch
import torch.nn.functional as F

from course_utils import data, losses, widgets
from course_utils.exercises import judge
from course_utils.games import StackedMLP

ONE = widgets.COSTS_OF_ONE


# ---------------------------------------------------------------- numbers of the prose


def test_twenty_is_485_million_to_one():
    assert round(math.exp(20) / 1e6) == 485


def test_no_float32_lies_between_one_and_six_ulps_of_1e_8_below_it():
    below = torch.nextafter(torch.tensor(1.0), torch.tensor(0.0))
    assert (1 - below).item() == pytest.approx(5.96e-8, rel=1e-3)


@pytest.mark.parametrize(
    ("dtype", "bits_of_one"), [(torch.bfloat16, 0x3F80), (torch.float16, 0x3C00)]
)
def test_nine_in_ten_of_fifteen_thousand_probabilities_lie_below_one_half(
    dtype, bits_of_one
):
    held = torch.arange(1, bits_of_one, dtype=torch.int16).view(dtype).double()
    assert 15_000 < len(held) < 16_500 and held.max() < 1
    assert (held < 0.5).double().mean() > 0.9


@pytest.mark.parametrize(
    ("dtype", "digits"), [(torch.bfloat16, 8), (torch.float16, 11)]
)
def test_a_sigmoid_is_rounded_to_one_past_the_middle_of_the_last_gap(dtype, digits):
    middle = math.log(2 ** (digits + 1) - 1)  # the logit of 1 - 2^-(digits + 1)
    x = torch.arange(0, 10, 1 / 16).to(dtype)
    first = x[torch.sigmoid(x) == 1][0].item()
    assert middle < first < middle + 1 / 16


def test_in_float32_a_sigmoid_is_one_from_24_log_2_on():
    x = torch.tensor([24 * math.log(2) - 0.01, 24 * math.log(2) + 0.01])
    assert (torch.sigmoid(x) == 1).tolist() == [False, True]


def test_in_float16_the_slope_of_the_plain_logarithm_goes_first():
    x = torch.tensor([-11.0, -11.125], dtype=torch.float16)
    value, slope = widgets.value_and_slope(ONE["log of sigmoid"], x)
    assert value.isfinite().all() and slope.isfinite().tolist() == [True, False]
    assert math.log(65504) == pytest.approx(11.09, abs=0.005)


def test_the_logistic_function_at_minus_1000_is_0_to_more_than_400_digits():
    assert 1000 / math.log(10) > 400


def test_bceloss_divides_by_1e_12_where_the_sigmoid_is_smaller():
    _, slope = widgets.value_and_slope(ONE["BCELoss"], torch.tensor([-40.0]))
    assert slope.item() == pytest.approx(-math.exp(-40) / 1e-12, rel=1e-3)


@pytest.mark.parametrize("epsilon", [1e-4, 1e-8, 1e-12])
def test_an_epsilon_leaves_half_of_the_slope_at_its_logarithm(epsilon):
    cost = lambda x: -torch.log(torch.sigmoid(x) + epsilon)  # noqa: E731
    logit = torch.tensor([math.log(epsilon)])
    assert widgets.value_and_slope(cost, logit)[1].item() == pytest.approx(
        -0.5, abs=1e-3
    )


def test_small_types_do_not_hold_the_usual_epsilons():
    assert torch.tensor(1e-8, dtype=torch.float16) == 0
    assert torch.tensor(1 - 1e-7, dtype=torch.bfloat16) == 1


def test_stuck_numbers_are_minus_the_logs_of_the_usual_epsilons():
    stuck = [round(-math.log(e), 3) for e in (1e-8, 1e-7, 1e-6)]
    assert stuck == [18.421, 16.118, 13.816]


def test_a_last_layer_of_zeros_never_learns_if_the_corner_is_typed_with_relu():
    def gradient(cost):
        last = torch.nn.Linear(3, 1)
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.zeros_(last.bias)
        x = torch.randn(8, 3, generator=data.rng(0))
        logits = last(x).flatten()
        (cost(logits[:4]).mean() + cost(-logits[4:]).mean()).backward()
        return torch.cat([p.grad.flatten() for p in last.parameters()]).abs().max()

    assert gradient(lambda x: F.relu(-x) + torch.log1p(torch.exp(-x.abs()))) == 0
    assert gradient(lambda x: F.softplus(-x)) > 0.01


def largest_logit(*, factor, head_start, n_steps=500):
    """The largest logit in size while the lesson's eight games are played."""
    rng, law, largest = data.rng(0), data.two_gaussians(), 0.0
    G = StackedMLP([2, 32, 32, 1], n_games=8, generator=rng)
    D = StackedMLP([1, 32, 32, 1], n_games=8, generator=rng)
    opt_g, opt_d = (torch.optim.SGD(net.parameters(), lr=0.05) for net in (G, D))
    for step in range(n_steps):
        x_real = law.sample(8 * 128, rng).view(8, 128, 1)
        x_fake = G(data.latent(8 * 128, 2, rng).view(8, 128, 2))
        real, fake = factor * D(x_real), factor * D(x_fake.detach())
        largest = max(largest, real.abs().max().item(), fake.abs().max().item())
        opt_d.zero_grad()
        (F.softplus(-real) + F.softplus(fake)).mean(dim=1).sum().backward()
        opt_d.step()
        if step >= head_start:
            opt_g.zero_grad()
            F.softplus(-factor * D(x_fake)).mean(dim=1).sum().backward()
            opt_g.step()
    return largest


def test_left_alone_the_networks_keep_their_logits_within_five():
    assert largest_logit(factor=1, head_start=0) < 5


def test_a_shouting_discriminator_reaches_some_forty():
    assert 30 < largest_logit(factor=8, head_start=200) < 50


def test_one_batch_of_two_that_is_cut_off_is_called_so():
    def fakes_detached(real_logits, fake_logits):
        return losses.discriminator_loss(real_logits, fake_logits.detach())

    verdict = judge(fakes_detached, "discriminator_loss")
    assert verdict.state == "not yet" and "cut off" in verdict.message
