"""Lesson 2: the claims of its text."""

import math

import numpy as np
import pytest
import torch

from course_utils import data, training
from course_utils.widgets import lesson02 as widget

LOG4 = math.log(4)


def test_a_sample_needs_no_weighting_by_its_law():
    """A plain mean over draws is the integral against the density."""
    law = data.two_gaussians(left=-1.5, right=1.5)
    x = law.sample(400_000, data.rng(0))
    grid = torch.linspace(-6, 6, 4001, dtype=torch.float64)[:, None]
    answer = lambda x: torch.log(torch.sigmoid(x.flatten() - 0.5))  # noqa: E731
    want = (law.density(grid) * answer(grid)).sum().item() * 12 / 4000
    assert answer(x).mean().item() == pytest.approx(want, abs=5e-3)
    weighted = (law.density(x) * answer(x)).mean().item()
    assert abs(weighted - want) > 0.1


@pytest.mark.parametrize("seed", range(5))
def test_ds_loss_near_log_4_is_no_proof_that_g_is_right(seed):
    game = widget.new_game(seed)
    view = widget.measure(game.G, game.D)
    assert abs(-view.value - LOG4) < 0.1  # untrained, and "as at the end"
    assert view.best_value > -0.1  # while a perfect D tells them apart


def test_at_the_default_both_peaks_are_found_and_v_comes_to_minus_log_4():
    game = widget.new_game(0)
    for _ in range(1000):
        widget.train_one(game, "D", 1, 0.1, training.discriminator_step)
        widget.train_one(game, "G", 1, 0.1, training.generator_step)
    now = widget.measure(game.G, game.D)
    assert abs(now.value + LOG4) < 0.05
    for center in (-1.5, 1.5):
        assert 0.3 < ((now.x_fake - center).abs() < 1.2).double().mean() < 0.7


@pytest.mark.parametrize("lr", [0.05, 1.9, 2.0])
def test_alternating_steps_stay_within_an_ellipse_exactly_below_step_size_2(lr):
    radius = np.hypot(*widget.path(training.alternating_step, lr, 200).T)
    if lr < 2:
        assert radius.max() <= math.sqrt(1 / (1 - lr / 2)) + 1e-9
    else:
        assert radius[-1] > 100
