"""Lesson 5: its explorer, its figures, and numbers of its prose that no cell prints."""

import math

import numpy as np
import pytest
import torch

from course_utils import figures, widgets
from course_utils.figures import lesson05 as drawn
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
