"""Lesson 1: the class Gaussians, and the numbers that it tells."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import kstest, multivariate_normal

from course_utils import data, gaussians
from course_utils.authoring import notebooks
from course_utils.exercises import judge
from course_utils.widgets import lesson01 as widgets

SEEDS = range(5)
LESSON = notebooks.ROOT / "solutions" / "01_bayes_and_generative_models.ipynb"


@pytest.fixture(scope="module")
def digits():
    images, labels = data.load("digits", size=8)
    return images.flatten(1), labels


def fitted(digits, *, split, shrinkage=0.1):
    """Means, covariances and log prior of one part, and the part held out."""
    (x, y), heldout = data.split(*digits, seed=split)
    means, covariances = gaussians.fit_class_gaussians(x, y, shrinkage)
    return means, covariances, (y.bincount() / len(y)).log(), heldout


def own(table, labels):
    """The entry of each row that belongs to its label."""
    return table[torch.arange(len(labels)), labels]


# ---------------------------------------------------------------- class Gaussians


def test_log_likelihoods_are_scipys():
    generator = data.rng(0)
    x, means = torch.randn(2, 5, 3, generator=generator).double()
    root = torch.randn(5, 3, 3, generator=generator).double()
    covariances = root @ root.mT + 0.1 * torch.eye(3)
    got = gaussians.log_likelihoods(x, means, covariances)
    for k in range(5):
        want = multivariate_normal(means[k], covariances[k]).logpdf(x)
        np.testing.assert_allclose(got[:, k], want, rtol=1e-9)


def test_fit_without_much_shrinkage_is_numpys_covariance():
    x = torch.randn(40, 3, generator=data.rng(0)).double()
    y = torch.arange(40) % 2
    means, covariances = gaussians.fit_class_gaussians(x, y, 1e-9)
    for c in (0, 1):
        np.testing.assert_allclose(means[c], x[y == c].mean(0), rtol=1e-12)
        want = np.cov(x[y == c].numpy(), rowvar=False, bias=True)
        np.testing.assert_allclose(covariances[c], want, atol=1e-7)


def test_shrinkage_keeps_the_total_variance():
    x, y = torch.randn(30, 4, generator=data.rng(0)), torch.zeros(30).long()
    traces = [
        gaussians.fit_class_gaussians(x, y, s)[1][0].trace() for s in (0.01, 0.5, 1.0)
    ]
    assert torch.allclose(torch.stack(traces), traces[0].expand(3))


def test_samples_pass_the_check_of_the_exercise():
    verdict = judge(lambda *a: gaussians.sample_class(*a), "sample_class")
    assert verdict.state == "passed"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: gaussians.posterior(torch.zeros(3), torch.zeros(3)),
            r"\(n, k\) and log_prior \(k,\) are wanted, not \(3,\) and \(3,\)",
        ),
        (
            lambda: gaussians.fit_class_gaussians(
                torch.zeros(3, 2), torch.tensor([0, 0, 2]), 0.1
            ),
            r"counts are \[2, 0, 1\]",
        ),
        (
            lambda: gaussians.fit_class_gaussians(
                torch.zeros(3, 2), torch.zeros(3).long(), 0.0
            ),
            r"in \(0, 1\], not 0.0",
        ),
        (
            lambda: gaussians.fit_class_gaussians(
                torch.zeros(3, 1, 2, 2), torch.zeros(3).long(), 0.1
            ),
            r"images \(n, d\)",
        ),
        (
            lambda: gaussians.log_likelihoods(
                torch.zeros(1, 2), torch.zeros(1, 2), torch.zeros(1, 2, 2)
            ),
            r"classes \[0\] are not positive definite",
        ),
    ],
)
def test_a_wrong_input_is_told(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# ---------------------------------------------------------------- what the lesson says


def test_an_empty_middle_is_a_zero_in_63_percent(digits):
    x, y = digits
    empty = x.reshape(-1, 8, 8)[:, 4, 4] == -1
    counts = y[empty].bincount(minlength=10)
    assert (counts[0], y.bincount()[0], counts.sum()) == (174, 178, 275)
    assert (counts[9], counts[5]) == (57, 25)
    others = counts[1:].sum() / (y != 0).sum()
    assert others.item() == pytest.approx(0.06, abs=0.005)


@pytest.mark.parametrize("split", SEEDS)
def test_class_gaussians_classify_and_draw_impossible_ink(digits, split):
    means, covariances, log_prior, (x, y) = fitted(digits, split=split)
    table = gaussians.log_likelihoods(x, means, covariances)
    wrong = gaussians.posterior(table, log_prior).argmax(1) != y
    assert 1 <= wrong.sum() <= 5  # 98.3 to 99.7 % of 297
    rng = data.rng(split)
    drawn = torch.cat(
        [gaussians.sample_class(means[d], covariances[d], 200, rng) for d in range(10)]
    )
    assert 0.27 < (drawn.abs() > 1).float().mean() < 0.31
    assert 0.22 < (drawn < -1).float().mean() < 0.26
    assert ((drawn.abs() > 1).any(1)).all()  # not one legal image


def test_the_best_classifier_is_not_the_best_density(digits):
    def mean(shrinkage):
        found = [widgets.score(*digits, shrinkage=shrinkage, split=s) for s in SEEDS]
        return np.mean(found, axis=0)  # accuracy, log density

    accuracy, density = mean(0.2)
    accuracy_below, density_below = mean(0.001)
    assert accuracy == pytest.approx(0.993, abs=0.002)
    assert accuracy_below == pytest.approx(0.966, abs=0.003)
    assert density_below - density == pytest.approx(26, abs=1)
    assert density_below > max(mean(0.0001)[1], mean(0.01)[1])


@pytest.mark.parametrize("split", SEEDS)
def test_at_32_pixels_the_gaussians_still_classify(split):
    images, labels = data.load("digits", size=32)
    means, covariances, log_prior, (x, y) = fitted(
        (images.flatten(1), labels), split=split, shrinkage=0.01
    )
    table = gaussians.log_likelihoods(x, means, covariances)
    right = gaussians.posterior(table, log_prior).argmax(1) == y
    assert 0.935 < right.float().mean() < 0.975
    rng = data.rng(split)
    drawn = torch.cat(
        [gaussians.sample_class(means[d], covariances[d], 50, rng) for d in range(10)]
    )
    assert 0.225 < (drawn.abs() > 1).float().mean() < 0.245


@pytest.mark.parametrize("split", SEEDS)
def test_logistic_regression_is_surest_of_no_digits(digits, split):
    (x, y), (x_test, y_test) = data.split(*digits, seed=split)
    weight = torch.zeros(64, 10, requires_grad=True)
    optimizer = torch.optim.Adam([weight], lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        F.cross_entropy(x @ weight, y).backward()
        optimizer.step()
    accuracy = ((x_test @ weight).argmax(1) == y_test).float().mean()
    assert 0.925 < accuracy < 0.985
    sheets = torch.zeros(10, 64)
    for _ in range(200):
        sheets.requires_grad_()
        log_p = torch.log_softmax(sheets @ weight, dim=1).diagonal()
        (slope,) = torch.autograd.grad(log_p.sum(), sheets)
        sheets = (sheets + slope).detach().clamp(-1, 1)
    sure = torch.softmax(sheets @ weight, dim=1).diagonal()
    real = torch.softmax(x_test @ weight, dim=1).amax(1)
    assert sure.min() > 0.9999
    assert (real < sure.min()).float().mean() > 0.98
    means, covariances, _, _ = fitted(digits, split=split)
    density = own(gaussians.log_likelihoods(x_test, means, covariances), y_test)
    of_sheets = gaussians.log_likelihoods(sheets, means, covariances).diagonal()
    assert of_sheets.max() < -400 < -150 < density.min()
    assert density.median() > 10


def test_an_honest_sample_costs_twice_the_blend(digits):
    x, y = digits
    pair = x[y < 2].double()
    blend = (pair - pair.mean(0)).square().sum(1).mean()
    costs = torch.cdist(pair, pair).square().mean(1)
    assert len(pair) == 360
    assert costs.mean() / blend == pytest.approx(2, rel=1e-6)
    found = blend.item(), costs.min().item(), costs.mean().item()
    assert found == pytest.approx((17.4, 26.5, 34.8), abs=0.05)


def test_the_mean_of_two_bumps_is_over_500_times_rarer():
    middle, bump = data.two_gaussians().density(torch.tensor([[0.0], [1.5]]))
    assert bump / middle > 500


@pytest.mark.parametrize("seed", SEEDS)
def test_roots_of_uniform_numbers_follow_2x(seed):
    u = torch.rand(10_000, generator=data.rng(seed))
    assert kstest(u.sqrt().numpy(), lambda x: x**2).statistic < 0.02


@pytest.fixture(scope="module")
def metropolis():
    """The function that the lesson defines."""
    cells = {cell.id: cell.source for cell in notebooks.read(LESSON).cells}
    names = {"torch": torch, "Tensor": torch.Tensor}
    exec(cells["metropolis"], names)
    return names["metropolis"]


def median_steps(metropolis, distance, limit, seed):
    law = data.two_gaussians(-distance / 2, distance / 2)
    path = metropolis(law, limit, 200, data.rng(seed))
    return ((path < 0).int().cumprod(0).sum(0) + 1).median().item()


@pytest.mark.parametrize("seed", SEEDS)
def test_steps_to_cross_grow_with_the_distance(metropolis, seed):
    near, far, farther = (
        median_steps(metropolis, distance, limit, seed)
        for distance, limit in ((2, 200), (3, 1000), (4, 4000))
    )
    assert 6 <= near <= 12 and 30 <= far <= 60 and 300 <= farther <= 550
    assert min(far / near, farther / far) > 3


@pytest.mark.parametrize("seed", SEEDS)
def test_steps_to_cross_a_distance_of_5_are_thousands(metropolis, seed):
    assert 6000 < median_steps(metropolis, 5, 10_000, seed) < 8500


def test_the_valley_deepens_with_the_distance_of_the_bumps():
    depth = {}
    for distance in (2, 5):
        law = data.two_gaussians(-distance / 2, distance / 2)
        valley, bump = law.density(torch.tensor([[0.0], [distance / 2]]))
        depth[distance] = (bump / valley).item()
    assert depth[2] == pytest.approx(11.4, abs=0.1)
    assert depth[5] == pytest.approx(1.5e8, rel=0.02)


def test_the_sum_over_all_images_takes_585_years():
    assert 2**64 / 1e9 / (365 * 24 * 3600) == pytest.approx(585, abs=0.5)


def test_the_chain_forgets_where_it_started(metropolis):
    law = data.two_gaussians(-1.0, 1.0)
    path = metropolis(law, 600, 400, data.rng(0))[200:]
    assert (path > 0).float().mean().item() == pytest.approx(0.5, abs=0.05)
    spread = math.sqrt(1 + 0.4**2)
    assert path.std().item() == pytest.approx(spread, rel=0.05)
