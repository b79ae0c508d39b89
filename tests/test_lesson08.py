"""Lesson 8: recordings, its explorer, its figures, numbers its prose relies on."""

import math

import numpy as np
import pytest
import torch

from course_utils import (
    clinic,
    figures,
    recordings,
    widgets,
)
from course_utils.figures import lesson08 as drawn
from course_utils.widgets import lesson08 as reader

CLINIC = clinic.CLINIC


@pytest.fixture(scope="module")
def recorded():
    return {letter: clinic.run(letter) for letter in CLINIC}


def shown(runs):
    return {name: (run.steps, run.curves) for name, run in runs.items()}


# ---------------------------------------------------------------- the explorer


def test_the_curve_reader_shows_another_picture_for_another_run_and_round(recorded):
    explorer = widgets.curve_reader({"C": recorded["C"], "H": recorded["H"]})
    pictures = {bytes(explorer.image.value)}
    explorer.controls["round"].value = 0
    pictures.add(bytes(explorer.image.value))
    explorer.controls["run"].value = "H"
    pictures.add(bytes(explorer.image.value))
    assert len(pictures) == 3


def test_the_curve_reader_says_what_is_to_be_seen(recorded):
    explorer = widgets.curve_reader({"H": recorded["H"], "C": recorded["C"]})
    assert "Run H at round 1000: D's loss 1." in repr(explorer)
    assert "samples all alike" in explorer.message.value
    explorer.controls["run"].value = "C"
    assert "samples that differ" in explorer.message.value


def test_the_curve_reader_refuses_runs_of_different_rounds(recorded):
    with pytest.raises(ValueError, match="at least one"):
        widgets.curve_reader({})
    with pytest.raises(ValueError, match="same rounds"):
        widgets.curve_reader({"C": recorded["C"], "ring": recordings.load("ring")})


def test_spread_tells_a_collapse_from_digits(recorded):
    assert reader.spread(recorded["H"], 1000) == "samples all alike"
    assert reader.spread(recorded["C"], 1000) == "samples that differ"


# ---------------------------------------------------------------- the figures


@pytest.mark.parametrize("what", ["losses", "answers", "norms"])
def test_panels_give_every_run_a_panel_on_the_same_axes(recorded, what):
    fig = figures.panels(shown(recorded), what)
    titles = [axes.get_title() or axes.get_title(loc="left") for axes in fig.axes]
    assert titles == list(CLINIC)
    assert len({axes.get_ylim() for axes in fig.axes}) == 1
    low, high = fig.axes[0].get_ylim()
    for run in recorded.values():
        for curve in drawn._KINDS[what]:
            assert low <= run.curves[curve].min() and run.curves[curve].max() <= high


def test_the_losses_panel_draws_the_computed_levels(recorded):
    fig = figures.panels(shown({"C": recorded["C"]}), "losses")
    dotted = [x.get_ydata()[0] for x in fig.axes[0].lines if x.get_linestyle() == ":"]
    assert dotted == pytest.approx([2 * math.log(2), math.log(2)])


def test_a_gradient_of_zero_is_drawn_at_zero_not_left_out(recorded):
    fig = figures.panels(shown({"G": recorded["G"]}), "norms")
    lowest = min(np.min(x.get_ydata()) for x in fig.axes[0].lines)
    assert lowest <= 1e-5 and fig.axes[0].get_ylim()[0] < 0


def test_the_cost_of_one_answer_is_least_at_a_half():
    p = torch.linspace(0.01, 0.99, 99)
    fig = figures.cost_of_answers(p, -torch.log(p) - torch.log(1 - p), -torch.log(p))
    assert fig.axes[0].get_title(loc="left").endswith("D pays least at 0.50")
    texts = [t.get_text() for t in fig.axes[0].texts]
    assert "2 log 2 = 1.386" in texts and "log 2 = 0.693" in texts


def test_the_bias_figure_says_by_how_much():
    fig = figures.shrinking_bias([10, 100], [[8.0, 12.0], [1.0, 3.0]], other=2.0)
    assert fig.axes[0].get_title(loc="left").startswith("Same law, 5 times the score")


def test_the_rankings_figure_prints_each_correlation():
    fig = figures.against_the_eye(
        [1, 2, 3], {"D's loss": [1, 2, 3]}, {"D's loss": (1.0, 0.5, 1.0)}
    )
    assert fig.axes[0].get_title(loc="left") == "D's loss\n+1.00 [+0.50, +1.00]"


def test_the_ablation_marks_what_is_worse_with_every_seed():
    def entry(*values):
        return {"says": "x", "seeds": [{"frechet": v} for v in values]}

    table = {"variants": {"whole": entry(4, 5), "a": entry(6, 9), "b": entry(4, 9)}}
    fig = figures.ablation(table, "frechet", title="t")
    marks = [line.get_marker() for line in fig.axes[0].lines]
    assert marks == ["^", "D", "^"]  # from below: b, a, whole


def test_hops_draws_the_modes_and_the_samples_of_each_round():
    fig = figures.hops([1, 2], torch.zeros(2, 5, 2), torch.ones(3, 2))
    assert [len(x.get_xdata()) for x in fig.axes[1].lines] == [3, 5]
