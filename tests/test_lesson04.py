"""Lesson 4: the flipped target, games of many games, modes, soft targets, figures."""

import doctest

import numpy as np
import pytest
import torch

from course_utils import evaluation, figures, losses
from course_utils import games as races
from course_utils.figures import style
from course_utils.widgets import lesson04 as widget
from course_utils.widgets import race_replay

# --- Divergences ----------------------------------------------------------------------

# --- Races ----------------------------------------------------------------------------


@pytest.mark.parametrize("module", [races, evaluation, losses, widget])
def test_examples_in_docstrings_are_true(module):
    result = doctest.testmod(module)
    assert result.attempted and not result.failed


# --- Figures --------------------------------------------------------------------------


def points(line):
    return np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)


def title(axes):
    return axes.get_title(loc="left")


def test_wishes_are_drawn_over_the_same_data():
    real, fake = [[0.0, 2.0]], torch.tensor([[1.0, 1.0], [0.0, 0.5]])
    fig = figures.two_wishes(real, {"one": fake, "two": fake})
    assert [title(axes) for axes in fig.axes] == ["one", "two"]
    for axes in fig.axes:
        below, above = axes.lines
        assert (below.get_color(), above.get_color()) == (style.DATA, style.GENERATED)
        assert points(above)[1].tolist() == [1.0, 0.5]


def test_slopes_are_drawn_by_their_size():
    x = torch.linspace(-2, 2, 5)
    values = {"old": -x, "new": 2 - x}
    slopes = {"old": torch.full((5,), -0.25), "new": torch.full((5,), -0.5)}
    left, right = figures.deaf_sides(x, values, slopes).axes
    drawn = [points(line)[1] for line in right.lines[:2]]
    assert [set(y) for y in drawn] == [{0.25}, {0.5}]
    assert [line.get_color() for line in left.lines[:2]] == [
        style.NOTICE, style.GENERATED
    ]  # fmt: skip


def test_games_are_thin_lines_and_their_median_is_thick():
    games = torch.tensor([[3.0, 3.0, 3.0], [2.0, 0.0, 1.0]])
    row = figures.Row([0, 10], "distance", {"a": {"old": games, "new": games + 1}})
    axes = figures.side_by_side([row], "step").axes[0]
    old, new = axes.lines[:4], axes.lines[4:8]
    assert [line.get_linewidth() > 2 for line in old] == [False, False, False, True]
    assert points(old[-1])[1].tolist() == [3, 1]
    assert points(new[-1])[1].tolist() == [4, 2]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "distance")


def test_rows_and_columns_have_their_labels_and_level():
    games = torch.ones(2, 3)
    kinds = {"old": games, "new": games}
    columns = {"SGD": kinds, "Adam": kinds}
    rows = [
        figures.Row([0, 1], "distance", columns, (0.5, "arrived")),
        figures.Row([0, 2], "modes", columns),
    ]
    axes = figures.side_by_side(rows, "step").axes
    assert [title(a) for a in axes] == ["SGD", "Adam"] * 2
    assert [a.get_xlabel() for a in axes] == ["", "", "step", "step"]
    texts = [[t.get_text() for t in a.texts if t.get_text()] for a in axes]
    assert texts == [["arrived"], ["arrived"], [], []]


def test_pulls_are_labeled_at_their_ends():
    axes = figures.pull_at_distance([0, 1, 2], [0, 0.5, 0.2], [0, 0.5, 1.8]).axes[0]
    assert [points(line)[1][-1] for line in axes.lines] == [0.2, 1.8]
    ends = {t.get_text().split(":")[0]: t.xy[1] for t in axes.texts}
    assert ends == {"minimax": 0.2, "non-saturating": 1.8}


def test_soft_answers_are_drawn_beside_their_pulls():
    x = torch.linspace(-1, 1, 3)
    answers = {"1, 0": x, "0.9, 0": 0.9 * x, "0.9, 0.1": 0.8 * x + 0.1}
    fig = figures.soft_answers(x, 1 + x, 2 - x, answers, answers)
    for axes in fig.axes:
        drawn = [points(line)[1] for line in axes.lines]
        np.testing.assert_allclose(drawn, [y.numpy() for y in answers.values()])


# --- The explorer ---------------------------------------------------------------------


def recorded(*, pictures=3, n_games=2):
    """Races that arrive step by step, by the non-saturating loss alone."""
    x_real = torch.full((10, 1), 3.0)
    still = torch.zeros(pictures, n_games, 10, 1)
    moving = still + 3 * torch.arange(pictures)[:, None, None, None] / (pictures - 1)
    runs = {}
    for pretraining in (100, 0):
        for optimizer in ("plain SGD", "Adam"):
            runs[pretraining, "minimax", optimizer] = still
            runs[pretraining, "non-saturating", optimizer] = moving
    return runs, x_real


@pytest.mark.parametrize(
    ("distance", "word"), [([2.0, 1.0], "none"), ([2.0, 0.4], "some"), ([0.1], "all")]
)
def test_arrivals_are_told_in_words_that_machines_agree_on(distance, word):
    assert widget.arrivals(torch.tensor(distance)) == word


def test_replay_starts_half_way_through_the_first_race():
    explorer = race_replay(*recorded(), every=10)
    assert explorer.values == {
        "pretraining": 100, "loss": "minimax", "optimizer": "plain SGD", "step": 10
    }  # fmt: skip
    assert "pre-trained for 100 steps, after step 10" in repr(explorer)
    assert "none of the games have arrived" in repr(explorer)


def test_replay_follows_its_controls():
    explorer = race_replay(*recorded(), every=10)
    pictures = [explorer.image.value]
    explorer.controls["step"].value = 20
    pictures.append(explorer.image.value)
    explorer.controls["loss"].value = "non-saturating"
    pictures.append(explorer.image.value)
    assert len(set(pictures)) == 3
    assert "all of the games have arrived" in explorer.message.value


def test_replay_has_a_step_for_every_picture():
    slider = race_replay(*recorded(pictures=5), every=10).controls["step"]
    assert (slider.min, slider.max, slider.step) == (0, 40, 10)


def test_replay_wants_every_combination_and_one_length():
    runs, x_real = recorded()
    short = runs | {(0, "minimax", "Adam"): runs[0, "minimax", "Adam"][:2]}
    with pytest.raises(ValueError, match="races of one length"):
        race_replay(short, x_real, every=10)
    del runs[0, "minimax", "Adam"]
    with pytest.raises(ValueError, match="every combination"):
        race_replay(runs, x_real, every=10)
