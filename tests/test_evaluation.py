"""Distances and densities on a line, against values a person can work out."""

import math

import pytest
import torch

from course_utils import data, evaluation


def test_distance_pairs_the_sorted_samples():
    a, b = torch.tensor([4.0, 0.0, 1.0]), torch.tensor([2.0, 6.0, 1.0])
    assert evaluation.wasserstein_1d(a, b).item() == pytest.approx(4 / 3)


def test_distance_of_a_shifted_crowd_is_the_shift():
    x = data.gaussian(0.0, 1.0).sample(1000, data.rng(0))[:, 0]
    shuffled = x[torch.randperm(1000, generator=data.rng(1))]
    got = evaluation.wasserstein_1d(x, shuffled + 0.7).item()
    assert got == pytest.approx(0.7, abs=1e-5)


def test_distance_agrees_with_scipy():
    stats = pytest.importorskip("scipy.stats")
    law = data.two_gaussians()
    a, b = (law.sample(300, data.rng(seed))[:, 0] for seed in (0, 1))
    want = stats.wasserstein_distance(a.numpy(), b.numpy())
    assert evaluation.wasserstein_1d(a, b).item() == pytest.approx(want, rel=1e-5)


def test_unequal_crowds_are_refused():
    with pytest.raises(ValueError, match=r"not \(3,\) and \(2,\)"):
        evaluation.wasserstein_1d(torch.zeros(3), torch.zeros(2))


def test_smoothed_density_is_a_density():
    samples = data.two_gaussians().sample(500, data.rng(0))[:, 0]
    grid = torch.linspace(-6, 6, 1201)
    density = evaluation.smoothed_density(samples, grid, 0.1)
    assert density.min() >= 0
    assert density.sum().item() * 0.01 == pytest.approx(1, abs=1e-3)


def test_smoothing_adds_its_width_to_the_spread():
    samples = data.gaussian(1.0, 0.5).sample(100_000, data.rng(0))[:, 0]
    grid = torch.tensor([1.0])
    got = evaluation.smoothed_density(samples, grid, 0.5).item()
    want = 1 / math.sqrt(2 * math.pi * (0.5**2 + 0.5**2))
    assert got == pytest.approx(want, rel=0.01)
