"""Gaussians per class are NumPy's and SciPy's."""

import numpy as np
import pytest
import torch

from course_utils import data, gaussians


def test_fit_is_numpys_covariance_and_shrinkage_keeps_the_total_variance():
    x, y = torch.randn(40, 3, generator=data.rng(0)).double(), torch.arange(40) % 2
    means, covariances = gaussians.fit_class_gaussians(x, y, 1e-9)
    for c in (0, 1):
        np.testing.assert_allclose(means[c], x[y == c].mean(0), rtol=1e-12)
        want = np.cov(x[y == c].numpy(), rowvar=False, bias=True)
        np.testing.assert_allclose(covariances[c], want, atol=1e-7)
    _, shrunk = gaussians.fit_class_gaussians(x, y, 1.0)
    assert torch.allclose(shrunk[0], covariances[0].trace() / 3 * torch.eye(3).double())


def test_log_likelihoods_are_scipys():
    normal = pytest.importorskip("scipy.stats").multivariate_normal
    x, means = torch.randn(2, 5, 3, generator=data.rng(0)).double()
    root = torch.randn(5, 3, 3, generator=data.rng(1)).double()
    covariances = root @ root.mT + 0.1 * torch.eye(3)
    got = gaussians.log_likelihoods(x, means, covariances)
    for k in range(5):
        want = normal(means[k], covariances[k]).logpdf(x)
        np.testing.assert_allclose(got[:, k], want, rtol=1e-9)


def test_samples_have_the_mean_and_covariance_asked_for():
    mean, root = torch.tensor([1.0, -2.0]), torch.tensor([[2.0, 0.0], [1.0, 0.5]])
    x = gaussians.sample_class(mean, root @ root.T, 40_000, data.rng(0))
    assert (x.mean(0) - mean).abs().max() < 5 * 2 / 200  # five standard errors
    assert (x.T.cov() - root @ root.T).abs().max() < 5 * 4 * (2 / 40_000) ** 0.5
    again = gaussians.sample_class(mean, root @ root.T, 40_000, data.rng(0))
    assert torch.equal(x, again)


def test_a_posterior_is_finite_far_out_and_excludes_a_class_without_prior():
    far = torch.tensor([[-1e4, -1e4 - 1, -1e4]])
    log_prior = torch.tensor([0.5, 0.5, 0.0]).log()
    want = torch.tensor([[0.7311, 0.2689, 0.0]])
    torch.testing.assert_close(
        gaussians.posterior(far, log_prior), want, atol=1e-4, rtol=0
    )


X = torch.zeros(3, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gaussians.posterior(X[0], X[0]), r"are wanted, not \(2,\) and \(2,\)"),
        (lambda: gaussians.fit_class_gaussians(X, torch.tensor([0, 0, 2]), 0.1),
         r"counts are \[2, 0, 1\]"),
        (lambda: gaussians.fit_class_gaussians(X, torch.zeros(3).long(), 0.0),
         r"in \(0, 1\], not 0.0"),
        (lambda: gaussians.fit_class_gaussians(X[None], torch.zeros(3).long(), 0.1),
         r"images \(n, d\)"),
        (lambda: gaussians.log_likelihoods(X[:1], X[:1], torch.zeros(1, 2, 2)),
         r"classes \[0\] are not positive definite"),
    ],
)  # fmt: skip
def test_a_wrong_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
