"""Lesson 3: the minimax loss and its slopes, a D that is trained alone, the figures."""

import doctest
import math

import numpy as np
import pytest
import torch

from course_utils import figures, losses, training
from course_utils.figures import style
from course_utils.widgets import lesson03 as widget
from course_utils.widgets import saturation_explorer

# --- D alone, and what reaches G ------------------------------------------------------


@pytest.mark.parametrize("module", [training, losses, widget])
def test_examples_in_docstrings_are_true(module):
    result = doctest.testmod(module)
    assert result.attempted and not result.failed


# --- Figures --------------------------------------------------------------------------


def points(line):
    return np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)


def title(axes):
    return axes.get_title(loc="left")


def test_first_picture_marks_the_peak_and_the_end():
    fig = figures.heard_against_distance(torch.tensor([1.0, 2, 9]), [0.2, 0.5, 5e-7])
    axes = fig.axes[0]
    assert title(axes) == "Far off, G hears 1 million times less than near by"
    marks = [points(line) for line in axes.lines[1:]]
    assert [(x[0], y[0]) for x, y in marks] == [(2, 0.5), (9, 5e-7)]
    texts = [t.get_text() for t in axes.texts]
    assert texts == ["0.5", "0.0000005"]


def test_posterior_is_drawn_where_samples_are():
    x = [0.0, 1.0, 2.0]
    world = {
        "p_data": [0.5, 0.0, 0.0], "p_g": [0.0, 0.0, 0.5],
        "learned": [0.9, 0.5, 0.1], "bayes": [1.0, 0.5, 0.0],
    }  # fmt: skip
    fig = figures.learned_and_bayes(x, {"one": world, "two": world})
    bayes, learned = (points(line)[1] for line in fig.axes[2].lines)
    np.testing.assert_array_equal(bayes, [1, np.nan, 0])
    np.testing.assert_array_equal(learned, world["learned"])
    assert [title(a) for a in fig.axes[:2]] == ["one", "two"]


def test_starvation_says_how_far_it_fell_from_its_loudest():
    near, far = [[1.0, 2.0], [1.0, 4.0]], [[1.0, 0.001], [1.0, 0.001]]
    axes = figures.starvation([0, 1000], near, far).axes[0]
    assert title(axes) == "Separated: 1,000 times below its loudest. Overlap: more"
    assert [t.get_text() for t in axes.texts] == ["laws overlap", "separated"]
    assert len(axes.lines) == 6  # two seeds and their median, twice


def test_exact_zeros_lie_on_the_floor_and_in_the_title():
    logits, norms = [-80.0, -90.0, -100.0], [1e-35, 0.0, 0.0]
    theory = (logits, [1e-35, 1e-39, 1e-44])
    axes = figures.down_to_zero(([0.0], [0.1]), (logits, norms), theory).axes[0]
    zeros = next(line for line in axes.lines if line.get_label() == "exactly 0")
    assert list(points(zeros)[0]) == [-90, -100]
    assert points(zeros)[1].max() < 1e-45
    assert title(axes) == "At a mean logit of -90 nothing is left"


def test_divergence_is_drawn_beside_its_slope():
    shift = np.linspace(0, 12, 13)
    flat = np.minimum(shift, 1) * np.log(2)
    heard = np.exp(-shift)
    left, right = figures.flat_divergence(shift, flat, flat, heard, heard[1:]).axes
    level = left.lines[0].get_ydata()[0]
    assert level == pytest.approx(math.log(2))
    np.testing.assert_array_equal(points(left.lines[1])[1], flat)
    np.testing.assert_array_equal(points(right.lines[0])[1], heard[1:])


# --- The explorer ---------------------------------------------------------------------


@pytest.mark.parametrize("logit", [-12.0, -6.9, 0.0, 4.0])
def test_a_point_of_the_explorer_is_the_formula(logit):
    point = widget.saturation_point(losses.minimax_generator_loss, logit)
    p = 1 / (1 + math.exp(-logit))
    assert point.probability == pytest.approx(p)
    assert point.value == pytest.approx(math.log(1 - p))
    assert point.slope_in_probability == pytest.approx(-1 / (1 - p))
    assert point.slope_in_logit == pytest.approx(-p)


def test_explorer_shows_the_learners_own_loss():
    own = saturation_explorer(lambda p: -torch.log(p).mean())
    course = saturation_explorer()
    assert own.image.value != course.image.value
    assert "-0.998993 in the logit" in repr(own)  # -(1 - D)
    assert "-0.001007 in the logit" in repr(course)


def test_explorer_follows_its_slider():
    explorer = saturation_explorer()
    before = explorer.image.value
    explorer.controls["logit"].value = 2.0
    assert explorer.image.value != before
    assert "D is 0.880797" in explorer.message.value


def test_explorer_uses_the_palette_of_g_and_of_reference():
    fig, grid = style.new_figure(2, rows=2)
    widget._draw_curves(grid, losses.minimax_generator_loss)
    colors = [line.get_color() for line in grid[0, 0].lines]
    assert colors == [style.REFERENCE, style.GENERATED]
