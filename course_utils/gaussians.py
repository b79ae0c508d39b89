"""A Gaussian for each class: a classifier that can draw, and a baseline for GANs.

Bayes' rule turns the k densities into a classifier, and each density can be sampled.
Every later generator has to be better than this one to be worth its training.
"""

import math

import torch
from torch import Tensor


def posterior(log_likelihoods: Tensor, log_prior: Tensor) -> Tensor:
    """Probability of each class given the data, by Bayes' rule.

    p(y | x) = p(x | y) p(y) / sum_c p(x | c) p(c), computed from logarithms: a product
    of 64 pixel densities leaves the range of float32, its logarithm does not.

    Args: log_likelihoods (n, k), log p(x | y) in nats, -1e4 and below is fine;
        log_prior (k,), log p(y), -inf excludes a class.
    Returns: (n, k) probabilities; each row sums to 1.
    Raises: ValueError: the shapes are not (n, k) and (k,).

    A likelihood three times as large, under an even prior, makes 3/4:
    >>> log_prior = torch.tensor([0.5, 0.5]).log()
    >>> posterior(torch.tensor([[3.0, 1.0]]).log(), log_prior).round(decimals=4)
    tensor([[0.7500, 0.2500]])
    """
    if log_likelihoods.ndim != 2 or log_prior.shape != log_likelihoods.shape[1:]:
        raise ValueError(
            "log_likelihoods (n, k) and log_prior (k,) are wanted, not "
            f"{tuple(log_likelihoods.shape)} and {tuple(log_prior.shape)}"
        )
    return torch.softmax(log_likelihoods + log_prior, dim=1)


def fit_class_gaussians(
    images: Tensor, labels: Tensor, shrinkage: float
) -> tuple[Tensor, Tensor]:
    """Mean and shrunk covariance of each class.

    m_c = mean of the class's images, S_c = mean of (x - m_c)(x - m_c)^T (maximum
    likelihood: divided by n_c), and the covariance is (1 - s) S_c + s tr(S_c)/d I: the
    directions that the class never moved in get some variance, the total stays.

    Args:
        images: (n, d), one flattened image a row.
        labels: (n,) whole numbers from 0 to k - 1, none of them missing.
        shrinkage: s in (0, 1]; 1 makes every Gaussian round.
    Returns: (k, d) means and (k, d, d) covariances, definite where a class varies.
    Raises: ValueError: a shape or the shrinkage is not as above, or a class is empty.
    Source: Ledoit and Wolf 2004, doi:10.1016/S0047-259X(03)00096-4, s estimated.

    The points (-1, 0) and (1, 0) have covariance [[1, 0], [0, 0]], its trace over d is
    1/2, and halfway to 1/2 I lies [[0.75, 0], [0, 0.25]]:
    >>> points = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])
    >>> means, covariances = fit_class_gaussians(points, torch.zeros(2).long(), 0.5)
    >>> means.tolist(), covariances.tolist()
    ([[0.0, 0.0]], [[[0.75, 0.0], [0.0, 0.25]]])
    """
    if images.ndim != 2 or labels.shape != images.shape[:1]:
        raise ValueError(
            "images (n, d) and labels (n,) are wanted, not "
            f"{tuple(images.shape)} and {tuple(labels.shape)}"
        )
    if not 0 < shrinkage <= 1:
        raise ValueError(f"shrinkage must be in (0, 1], not {shrinkage}")
    counts = labels.bincount()
    if not len(counts) or (counts == 0).any():
        raise ValueError(f"every class needs an image; counts are {counts.tolist()}")
    d = images.shape[1]
    eye = torch.eye(d, dtype=images.dtype, device=images.device)
    means, covariances = [], []
    for c in range(len(counts)):
        x = images[labels == c]
        mean = x.mean(0)
        centered = x - mean
        covariance = centered.T @ centered / len(x)
        round_one = covariance.trace() / d * eye
        means.append(mean)
        covariances.append((1 - shrinkage) * covariance + shrinkage * round_one)
    return torch.stack(means), torch.stack(covariances)


def log_likelihoods(images: Tensor, means: Tensor, covariances: Tensor) -> Tensor:
    """Log density of every image under every class's Gaussian.

    log N(x; m, S) = -1/2 [(x - m)^T S^-1 (x - m) + log det S + d log 2 pi].

    Args: images (n, d); means (k, d), covariances (k, d, d), positive definite.
    Returns: (n, k) nats for each unit of volume, in the type of the images.
    Raises: ValueError: a covariance is not positive definite.

    A standard normal in the plane has density 1 / (2 pi) at 0; log of that is -1.838:
    >>> origin = torch.zeros(1, 2)
    >>> round(log_likelihoods(origin, origin, torch.eye(2)[None]).item(), 3)
    -1.838
    """
    # float64 inside: a small shrinkage leaves eigenvalues near float32's rounding.
    roots, failed = torch.linalg.cholesky_ex(covariances.double())  # (k, d, d)
    if failed.any():
        classes = failed.nonzero().flatten().tolist()
        raise ValueError(
            f"the covariances of classes {classes} are not positive definite: in some "
            "direction they have no variance at all; raise the shrinkage"
        )
    centered = images.double()[None] - means.double()[:, None]  # (k, n, d)
    white = torch.linalg.solve_triangular(roots, centered.mT, upper=False)  # (k, d, n)
    log_det = 2 * roots.diagonal(dim1=-2, dim2=-1).log().sum(-1)  # (k,)
    constant = images.shape[1] * math.log(2 * math.pi)
    log_density = -(white.square().sum(1) + log_det[:, None] + constant) / 2
    return log_density.T.to(images.dtype)


def sample_class(
    mean: Tensor, covariance: Tensor, n: int, generator: torch.Generator
) -> Tensor:
    """Draws from N(mean, covariance): normal latents, pushed through a linear map.

    x = m + L z with L L^T = S and z ~ N(0, I), so that E[(x - m)(x - m)^T] = S.

    Args: mean (d,), covariance (d, d), positive definite; n, how many draws.
    Returns: (n, d) in the type of the mean.
    Raises: RuntimeError: the covariance is not positive definite.

    With variance 0.0001 every draw lies close to the mean:
    >>> generator = torch.Generator().manual_seed(0)
    >>> draws = sample_class(torch.ones(2), 1e-4 * torch.eye(2), 3, generator)
    >>> draws.shape, bool((draws - 1).abs().max() < 0.1)
    (torch.Size([3, 2]), True)
    """
    root = torch.linalg.cholesky(covariance)
    z = torch.randn(n, len(mean), generator=generator, dtype=mean.dtype)
    return mean + z.to(mean.device) @ root.T
