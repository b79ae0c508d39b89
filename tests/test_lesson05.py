"""Lesson 5: its explorer, its figures, and numbers of its prose that no cell prints."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from course_utils import data, figures, losses, widgets
from course_utils.exercises import judge
from course_utils.figures import lesson05 as drawn
from course_utils.games import StackedMLP
from course_utils.widgets import lesson05 as explorer

ONE, ZERO = widgets.COSTS_OF_ONE, widgets.COSTS_OF_ZERO
MENDED = {"softplus", "BCE with logits"}


def code(name, logit, dtype=torch.float32, *, zero=False):
    """RIGHT, WRONG or DEAD for one form at one logit."""
    costs, sign = (ZERO, 1.0) if zero else (ONE, -1.0)
    logits = torch.tensor([logit], dtype=dtype)
    return widgets.survey({name: costs[name]}, logits, sign)[name].item()


# ---------------------------------------------------------------- value and slope


def test_value_and_slope_of_a_cost_by_hand():
    value, slope = widgets.value_and_slope(ONE["softplus"], torch.tensor([0.0, -40.0]))
    assert value.tolist() == pytest.approx([math.log(2), 40])
    assert slope.tolist() == [-0.5, -1.0]


def test_value_and_slope_leaves_its_input_without_a_graph():
    logits = torch.zeros(2)
    widgets.value_and_slope(ONE["softplus"], logits)
    assert not logits.requires_grad and logits.grad is None


@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize("logit", [-1e4, -30.0, 0.0, 2.0, 1e4])
def test_the_exact_cost_is_right_without_overflow(sign, logit):
    value, slope = explorer.exact(torch.tensor([logit]), sign)
    x = sign * logit
    assert value.item() == pytest.approx(max(x, 0) + math.log1p(math.exp(-abs(x))))
    e = math.exp(-abs(x))
    wanted = (1 if x > 0 else e) / (1 + e)
    assert slope.item() == pytest.approx(sign * wanted)


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_only_the_mended_forms_are_right_everywhere(name, dtype):
    logits = torch.linspace(-120, 120, 241).to(dtype)
    codes = np.concatenate(
        [
            widgets.survey({name: costs[name]}, logits, sign)[name]
            for costs, sign in ((ONE, -1.0), (ZERO, 1.0))
        ]
    )
    assert (codes == drawn.RIGHT).all() == (name in MENDED)


@pytest.mark.parametrize(
    ("name", "logit", "dtype", "zero", "wanted"),
    [
        ("log of sigmoid", -40.0, torch.float32, False, drawn.RIGHT),
        ("log of sigmoid", -95.0, torch.float32, False, drawn.DEAD),
        ("log of sigmoid", 20.0, torch.float32, True, drawn.DEAD),
        ("log of sigmoid", 7.0, torch.bfloat16, True, drawn.DEAD),
        ("log of sigmoid", 40.0, torch.float64, True, drawn.DEAD),
        ("epsilon 1e-8", -10.0, torch.float32, False, drawn.RIGHT),
        ("epsilon 1e-8", -40.0, torch.float32, False, drawn.WRONG),
        ("epsilon 1e-8", 40.0, torch.float64, True, drawn.WRONG),
        ("epsilon 1e-8", 12.0, torch.float16, True, drawn.DEAD),
        ("clamp 1e-7", -20.0, torch.float32, False, drawn.WRONG),
        ("clamp 1e-7", -40.0, torch.float64, False, drawn.WRONG),
        ("clamp 1e-7", 12.0, torch.bfloat16, True, drawn.DEAD),
        ("BCELoss", -40.0, torch.float32, False, drawn.WRONG),
        ("BCELoss", -40.0, torch.float64, False, drawn.WRONG),
        ("BCELoss", 12.0, torch.float16, False, drawn.DEAD),  # where D is right
    ],
)
def test_survey_finds_what_the_lesson_says(name, logit, dtype, zero, wanted):
    assert code(name, logit, dtype, zero=zero) == wanted


@pytest.mark.parametrize("name", sorted(set(ONE) - MENDED))
def test_in_float16_every_patch_is_lost_within_a_dozen_logits(name):
    found = [code(name, x, torch.float16) for x in (-12.0, 12.0)]
    found += [code(name, x, torch.float16, zero=True) for x in (-12.0, 12.0)]
    assert any(c != drawn.RIGHT for c in found)


# ---------------------------------------------------------------- the explorer


def test_the_explorer_shows_another_picture_at_another_setting():
    float_explorer = widgets.float_explorer()
    logit, dtype = float_explorer.controls["logit"], float_explorer.controls["dtype"]
    pictures = {bytes(float_explorer.image.value)}
    logit.value = 20.0
    pictures.add(bytes(float_explorer.image.value))
    dtype.value = "float16"
    pictures.add(bytes(float_explorer.image.value))
    assert len(pictures) == 3


def test_the_explorer_says_what_each_form_reads():
    text = repr(widgets.float_explorer())
    assert "Logit -40 in float32, where 1 was right" in text
    assert "BCELoss 40, slope -4.248e-06" in text
    assert "softplus 40, slope -1" in text


@pytest.mark.parametrize("side", list(widgets.SIDES))
@pytest.mark.parametrize("dtype", list(explorer.TYPES))
def test_the_explorer_draws_the_ends_of_its_sliders(side, dtype):
    float_explorer = widgets.float_explorer()
    float_explorer.controls["side"].value = side
    float_explorer.controls["dtype"].value = dtype
    for logit in (-120.0, 120.0):
        float_explorer.controls["logit"].value = logit
        assert bytes(float_explorer.image.value[:4]) == b"\x89PNG"
        assert f"{logit:g} in {dtype}" in float_explorer.message.value


# ---------------------------------------------------------------- the figures


def titles(fig):
    return [axes.get_title(loc="left") for axes in fig.axes]


def test_the_survival_map_counts_the_forms_that_are_right_everywhere():
    codes = {"good": np.zeros(5, int), "bad": np.array([2, 2, 0, 1, 1])}
    fig = figures.survival(np.arange(5.0), {"one": codes, "zero": codes})
    assert fig.get_suptitle() == "1 of 2 ways are right (white) at every logit"
    assert titles(fig) == ["one", "zero"]
    bars = [p.get_width() for p in fig.axes[0].patches]
    assert bars == [5, 2, 1, 2]  # one run, then three


def test_the_rooms_end_where_the_last_number_before_one_is():
    p = torch.tensor([0.5, 0.75, 0.996], dtype=torch.float64)
    fig = figures.room({"toy": p.logit()}, near=(0.0, 9.0))
    last = math.log(0.996 / 0.004)
    assert f"last before 1: {last:.2f}" in [t.get_text() for t in fig.axes[1].texts]
    assert titles(fig)[1] == f"... and up to {last:.1f}: the next number is 1"


def test_the_cliffs_stand_at_the_logs_of_their_epsilons():
    x = np.linspace(-30, 5, 50)
    fig = figures.deaf_from(x, {1e-8: np.zeros(50)}, -np.ones(50))
    places = [line.get_xdata()[0] for line in fig.axes[0].lines]
    assert math.log(1e-8) in places


def test_the_tail_is_marked_at_its_top():
    x = np.linspace(-2, 2, 5)
    tail = np.log1p(np.exp(-np.abs(x)))
    fig = figures.corner_and_tail(x, np.maximum(-x, 0), tail)
    assert any("0.693" in t.get_text() for t in fig.axes[0].texts)


def test_the_staircase_leaves_the_axis_where_it_is_zero():
    x = np.array([10.0, 12.0, 14.0, 18.0])
    exact = np.exp(-x)
    fig = figures.staircase(x, exact, exact * [1, 1, 1, 0], exact)
    assert any("is 0 beyond 14.0" in t.get_text() for t in fig.axes[0].texts)


def test_the_games_count_their_dead_and_their_lost():
    x, alive, dead = np.linspace(-1, 1, 4), np.ones((2, 4)), np.full((2, 4), np.nan)
    made = {
        ("a", "t"): dead,
        ("b", "t"): np.concatenate([dead[:1], alive[:1]]),
        ("c", "t"): alive,
        ("d", "t"): alive,
    }
    far = {("a", "t"): 0, ("b", "t"): 0, ("c", "t"): 0, ("d", "t"): 1}
    fig = figures.games(x, np.ones(4), made, far=far)
    wanted = ["all 2 died", "1 of 2 died", "2 of 2 near the data", "1 of 2 far off"]
    assert titles(fig) == wanted


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
