"""Lesson 1: Bayes' rule, a Gaussian for each class, and sampling without a density."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import torch
from torch import Tensor

from .. import gaussians
from . import observers
from .engine import Exercise, Mistake, register

# ------------------------------------------------------------------ posterior


def _observe_posterior(function, log_likelihoods, log_prior):
    # At -1e4 neighbors in float32 lie 0.001 apart: no right answer can do better.
    large = log_likelihoods.abs().max() > 1e3
    for observation, value in observers.value(function, log_likelihoods, log_prior):
        name = "value at large logarithms" if large and observation == "value" else None
        yield name or observation, value


def _logs(likelihoods, prior, dtype=torch.float32):
    """Fresh arguments from plain numbers, so that probes can be read."""
    return lambda: (
        torch.tensor(likelihoods, dtype=dtype).log(),
        torch.tensor(prior, dtype=dtype).log(),
    )


def _far(rows):
    return lambda: (torch.tensor(rows), torch.tensor([0.5, 0.5]).log())


def _naive(ll, lp):
    joint = ll.exp() * lp.exp()
    return joint / joint.sum(1, keepdim=True)


def _one_maximum_for_all(ll, lp):
    joint = (ll + lp - (ll + lp).max()).exp()
    return joint / joint.sum(1, keepdim=True)


def _epsilon(ll, lp, epsilon):
    joint = (ll + lp).exp()
    return joint / (joint.sum(1, keepdim=True) + epsilon)


def _divided_by_maximum(ll, lp):
    joint = ll + lp
    return (joint - joint.amax(1, keepdim=True)).exp()


def _shifted(shift):
    """Bayes' rule after the shift of each row by `shift(ll, ll + lp)`."""

    def answer(ll, lp):
        joint = (ll + lp - shift(ll, ll + lp)).exp()
        return joint / joint.sum(1, keepdim=True)

    return answer


def _sum_without_keepdim(ll, lp):
    joint = (ll + lp).exp()
    return joint / joint.sum(1)


def _row_maximum_by_hand(ll, lp):
    joint = ll + lp
    joint = (joint - joint.max(dim=1, keepdim=True).values).exp()
    return joint / joint.sum(dim=1, keepdim=True)


register(
    Exercise(
        name="posterior",
        lesson=1,
        reference=gaussians.posterior,
        observe=_observe_posterior,
        probes={
            "likelihoods 3 and 1, even prior": _logs([[3.0, 1.0]], [0.5, 0.5]),
            "the same, prior 0.1 and 0.9": _logs([[3.0, 1.0]], [0.1, 0.9]),
            "three images, two classes": _logs(
                [[3.0, 1.0], [0.2, 0.5], [1.0, 4.0]], [0.3, 0.7]
            ),
            "three images, three classes": _logs(
                [[3.0, 1.0, 2.0], [0.2, 0.5, 0.1], [1.0, 4.0, 0.3]], [0.2, 0.5, 0.3]
            ),
            "float64": _logs([[3.0, 1.0]], [0.1, 0.9], torch.float64),
        },
        later={
            "rows near -10000 and near 0": _far([[-10000.0, -10001.0], [-1.0, -3.0]]),
            "rows near -10000 and -10300": _far(
                [[-10000.0, -10001.0], [-10302.0, -10300.0]]
            ),
            "rows near +10000": _far([[10000.0, 10002.0]]),
            "a row from -10300 to -10000": _far([[-10300.0, -10000.0]]),
            "a row from -10000 to -10300": _far([[-10000.0, -10300.0]]),
            "a class that the prior excludes": _logs([[3.0, 1.0]], [0.0, 1.0]),
            "the likeliest class is excluded": lambda: (
                torch.tensor([[0.0, -200.0], [-1.0, -10000.0], [-1.0, -2.0]]),
                torch.tensor([0.0, 1.0]).log(),
            ),
        },
        elementwise=True,
        atol=0.0,  # an excluded class has exactly 0: no epsilon, no lower bound
        tolerance={"value at large logarithms": (0, 2e-3)},
        accepts=[
            lambda ll, lp: torch.softmax(ll + lp, dim=-1),
            lambda ll, lp: torch.log_softmax(ll + lp, dim=1).exp(),
            lambda ll, lp: (
                ll + lp - torch.logsumexp(ll + lp, dim=1, keepdim=True)
            ).exp(),
            _row_maximum_by_hand,
        ],
        mistakes=[
            Mistake(
                "prior forgotten",
                lambda ll, lp: torch.softmax(ll, dim=1),
                "The prior is missing: this is the posterior of a pile in which every "
                "class is equally frequent. Add `log_prior` before you normalize.",
            ),
            Mistake(
                "prior without its logarithm",
                (
                    lambda ll, lp: torch.softmax(ll + lp.exp(), dim=1),
                    lambda ll, lp: torch.softmax(ll * lp.exp(), dim=1),
                    lambda ll, lp: torch.softmax(ll * lp, dim=1),
                ),
                "In logarithms a product is a sum: log p(x|y) + log p(y). Add "
                "`log_prior` as it comes, without exp and without multiplying.",
            ),
            Mistake(
                "normalized down the columns",
                lambda ll, lp: torch.softmax(ll + lp, dim=0),
                "Each column sums to 1, so images compete for a class. The classes "
                "compete for an image: normalize along dim=1.",
            ),
            Mistake(
                "the pair that max returns",
                lambda ll, lp: ll + lp - (ll + lp).max(1),
                "`.max(1)` returns a pair, the values and where they are, and a pair "
                "cannot be subtracted. `.amax(1, keepdim=True)` returns the values.",
            ),
            Mistake(
                "sum without keepdim",
                (_sum_without_keepdim, lambda ll, lp: (ll + lp).exp() / ll.exp() @ lp),
                "The row sums have shape (n,) and line up with the columns; where n "
                "equals k nothing complains and image j's sum divides class j. Use "
                "`.sum(1, keepdim=True)`.",
            ),
            Mistake(
                "one sum for the whole table",
                lambda ll, lp: (ll + lp).exp() / (ll + lp).exp().sum(),
                "You divide by the sum of the whole table, so all rows together sum to "
                "1. Each image has its own doubt: sum each row, "
                "`.sum(1, keepdim=True)`.",
            ),
            Mistake(
                "prior after normalizing",
                lambda ll, lp: torch.softmax(ll, dim=1) * lp.exp(),
                "The likelihoods are normalized first and the prior multiplied after, "
                "so the rows no longer sum to 1. Multiply first, normalize last.",
            ),
            Mistake(
                "exponentiated twice",
                (
                    lambda ll, lp: torch.softmax((ll + lp).exp(), dim=1),
                    lambda ll, lp: torch.softmax(ll.exp() + lp, dim=1),
                    lambda ll, lp: torch.softmax(ll.exp() + lp.exp(), dim=1),
                ),
                "softmax takes exp itself, and you give it numbers that went through "
                "exp already. Give it the logarithms as they come, added.",
            ),
            Mistake(
                "logarithms divided by their sum",
                (
                    lambda ll, lp: (ll + lp) / (ll + lp).sum(1, keepdim=True),
                    lambda ll, lp: ll * lp / (ll * lp).sum(1, keepdim=True),
                ),
                "You divide logarithms by their sum, and some of your numbers are no "
                "probabilities. The rule divides p(x|y) p(y) by its sum: take exp of "
                "the added logarithms first.",
            ),
            Mistake(
                "prior divided out",
                lambda ll, lp: torch.softmax(ll - lp, dim=1),
                "You subtract `log_prior`, which divides by the prior: rare classes "
                "win. Bayes' rule multiplies by it, so add its logarithm.",
            ),
            Mistake(
                "logarithm of the joint",
                lambda ll, lp: ll + lp,
                "That is log p(x|y) + log p(y), the numerator of Bayes' rule in "
                "logarithms. Now exponentiate, and divide each row by its sum.",
            ),
            Mistake(
                "not normalized",
                lambda ll, lp: (ll + lp).exp(),
                "These are p(x|y) p(y), the joint numbers: the numerator of Bayes' "
                "rule. Divide each row by its sum.",
            ),
            Mistake(
                "divided by the maximum",
                _divided_by_maximum,
                "The best class gets exactly 1 and the row sums to more than 1. "
                "Shifting by the maximum is a good idea; then divide by the row's sum.",
            ),
            Mistake(
                "logarithms returned",
                lambda ll, lp: torch.log_softmax(ll + lp, dim=1),
                "Right, and still in logarithms. The contract asks for probabilities: "
                "take exp at the end.",
                kind="convention",
            ),
            Mistake(
                "a decision, not a probability",
                lambda ll, lp: torch.nn.functional.one_hot(
                    (ll + lp).argmax(1), ll.shape[1]
                ).to(ll.dtype),
                "That is the winning class with all doubt removed. Keep the doubt: "
                "exponentiate and divide by the row's sum.",
            ),
            Mistake(
                "epsilon in the denominator",
                tuple(
                    lambda ll, lp, e=e: _epsilon(ll, lp, e) for e in (1e-6, 1e-8, 1e-12)
                ),
                "The epsilon removes the NaN and puts a row of zeros there: the image "
                "belongs to no class at all. Stay in logarithms: torch.softmax shifts "
                "each row by its maximum first.",
            ),
            Mistake(
                "exponentiated too early",
                (
                    _naive,
                    lambda ll, lp: _epsilon(ll, lp, 0.0),
                    lambda ll, lp: _naive(ll.double(), lp.double()).to(ll.dtype),
                ),
                "Right on small numbers. At -10000 both likelihoods are 0, in float64 "
                "too, and 0/0 is NaN (at +10000 both are infinite). Only differences "
                "matter, so subtract each row's maximum first, or use torch.softmax.",
            ),
            Mistake(
                "one maximum for all rows",
                _one_maximum_for_all,
                "You subtract the largest number of the whole table. A row that lies "
                "100 below it still becomes 0/0: give each row its own maximum, "
                "`.amax(1, keepdim=True)`.",
            ),
            Mistake(
                "maximum before the prior",
                _shifted(lambda ll, joint: ll.amax(1, keepdim=True)),
                "You shift by the likeliest class before the prior has spoken. Where "
                "the prior excludes that class, all the others lie far below and "
                "become 0/0. Add the prior first, then take the row's maximum.",
            ),
            Mistake(
                "shifted by something other than the maximum",
                (
                    _shifted(lambda ll, joint: ll.mean(1, keepdim=True)),
                    _shifted(lambda ll, joint: ll.amin(1, keepdim=True)),
                    _shifted(lambda ll, joint: ll[:, :1]),
                    _shifted(lambda ll, joint: ll[:, -1:]),
                    _shifted(lambda ll, joint: joint[:, -1:]),
                    _shifted(lambda ll, joint: joint.mean(1, keepdim=True)),
                    _shifted(lambda ll, joint: joint.amin(1, keepdim=True)),
                    _shifted(lambda ll, joint: ll.median(1, keepdim=True).values),
                ),
                "You shift each row, and not by its largest entry: a class 300 above "
                "your shift overflows to infinity, and infinity over infinity is NaN. "
                "Subtract the maximum: then the largest exponent is 0.",
            ),
            Mistake(
                "always float32",
                lambda ll, lp: torch.softmax((ll + lp).float(), dim=1),
                "The result is always float32. Keep the type of the input: leave out "
                "the cast.",
                kind="convention",
            ),
        ],
        hints=[
            "Bayes' rule multiplies likelihood and prior. What is a product in "
            "logarithms?",
            "Then every row has to sum to 1 after exp, and exp(-10000) is 0. Which "
            "function of torch exponentiates and normalizes a row in one go, safely?",
        ],
        answer="return torch.softmax(log_likelihoods + log_prior, dim=1)",
        because="softmax is Bayes' rule for logarithms: exp of each, divided by the "
        "row's sum, after a shift by the row's maximum that cancels.",
        praise="The same line turns any k densities into a classifier. With two "
        "densities, data and generated, it is the judge, called discriminator, of "
        "lesson 2.",
    )
)

# ------------------------------------------------------------------ class Gaussians


def _moments(images, labels, classes=None):
    """(count, mean, S) of each class; S is divided by the count."""
    for c in labels.unique() if classes is None else classes:
        x = images[labels == c]
        centered = x - x.mean(0)
        yield len(x), x.mean(0), centered.T @ centered / len(x)


def _fitted(shrink, images, labels, s, classes=None):
    """Every variant below is one rule for (S, s, identity, n) -> covariance."""
    eye = torch.eye(images.shape[1], dtype=images.dtype)
    parts = list(_moments(images, labels, classes))
    covariances = [shrink(S, s, eye, n) for n, _, S in parts]
    return torch.stack([m for _, m, _ in parts]), torch.stack(covariances)


def _variant(shrink):
    return lambda images, labels, s: _fitted(shrink, images, labels, s)


def _right(S, s, eye, n=None):
    return (1 - s) * S + s * S.trace() / len(S) * eye


def _around(center):
    """Second moments around what `center(x, images)` returns, then shrunk as wanted."""

    def fit(images, labels, s):
        means, covariances = gaussians.fit_class_gaussians(images, labels, s)
        eye = torch.eye(images.shape[1], dtype=images.dtype)
        for c in labels.unique():
            x = images[labels == c]
            x = x - center(x, images)
            covariances[c] = _right(x.T @ x / len(x), s, eye)
        return means, covariances

    return fit


def _pooled(images, labels, s):
    means, _ = gaussians.fit_class_gaussians(images, labels, s)
    x = images - means[labels]
    eye = torch.eye(images.shape[1], dtype=images.dtype)
    one = _right(x.T @ x / len(x), s, eye)
    return means, one.expand(len(means), -1, -1).clone()


def _by_rows(images, labels, s, correction):
    means, _ = gaussians.fit_class_gaussians(images, labels, s)
    d = images.shape[1]
    covariances = []
    for c in range(len(means)):
        S = torch.cov(images[labels == c], correction=correction)
        eye = torch.eye(d, dtype=images.dtype)
        covariances.append((1 - s) * S + s * S.trace() / d * eye)
    return means, torch.stack(covariances)


def _with_cov(images, labels, shrinkage):
    means, covariances = [], []
    for c in range(int(labels.max()) + 1):
        x = images[labels == c]
        S = torch.cov(x.T, correction=0)
        eye = torch.eye(len(S), dtype=S.dtype)
        means.append(x.mean(0))
        covariances.append(torch.lerp(S, S.diagonal().mean() * eye, shrinkage))
    return torch.stack(means), torch.stack(covariances)


def _with_one_hot(images, labels, shrinkage):
    members = torch.nn.functional.one_hot(labels).to(images.dtype)  # (n, k)
    share = members / members.sum(0)
    means = share.T @ images
    centered = images[:, None] - means  # (n, k, d)
    S = torch.einsum("nk,nki,nkj->kij", share, centered, centered)
    mean_variance = S.diagonal(dim1=1, dim2=2).mean(1)[:, None, None]
    eye = torch.eye(images.shape[1], dtype=images.dtype)
    return means, (1 - shrinkage) * S + shrinkage * mean_variance * eye


def _by_second_moment(images, labels, shrinkage):
    def shrunk(x):
        S = x.T @ x / len(x) - torch.outer(x.mean(0), x.mean(0))
        return _right(S, shrinkage, torch.eye(len(S), dtype=S.dtype))

    classes = [images[labels == c] for c in range(len(labels.bincount()))]
    return torch.stack([x.mean(0) for x in classes]), torch.stack(
        [shrunk(x) for x in classes]
    )


def _points(counts, d, shrinkage, dtype=torch.float32, scale=1.0):
    """Shuffled classes of these sizes, with means and spreads of their own."""

    def make():
        generator = torch.Generator().manual_seed(len(counts) + d)
        labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
        labels = labels[torch.randperm(len(labels), generator=generator)]
        x = torch.randn(len(labels), d, generator=generator, dtype=dtype)
        stretch = 0.5 + torch.arange(d, dtype=dtype)
        x = (x * stretch).cumsum(1) * (1 + labels[:, None]) + 2 * labels[:, None] - 1
        return scale * x, labels, shrinkage

    return make


def _two_pairs():
    points = torch.tensor([[0.0, 0.0], [2.0, 0.0], [1.0, 1.0], [1.0, 5.0]])
    return points, torch.tensor([0, 0, 1, 1]), 0.5


register(
    Exercise(
        name="fit_class_gaussians",
        lesson=1,
        reference=gaussians.fit_class_gaussians,
        observe=observers.value,
        probes={
            "two classes of two points, shrinkage 0.5": _two_pairs,
            "classes of 3 and 7 points, shrinkage 0.1": _points([3, 7], 2, 0.1),
            "three classes in 4 dimensions": _points([5, 4, 9], 4, 0.3),
            "shrinkage 1": _points([4, 6], 3, 1.0),
            # Variances of a millionth: whatever is added to them is seen.
            "float64, points close together": _points(
                [6, 5], 3, 0.2, torch.float64, scale=1e-3
            ),
        },
        atol=1e-12,
        accepts=[_with_cov, _with_one_hot, _by_second_moment],
        mistakes=[
            Mistake(
                "divided by n - 1",
                _variant(lambda S, s, eye, n: _right(S * n / (n - 1), s, eye)),
                "The unbiased covariance, divided by n - 1 (torch.cov's default). The "
                "course uses maximum likelihood, divided by n: `correction=0`.",
                kind="convention",
            ),
            Mistake(
                "no shrinkage",
                _variant(lambda S, s, eye, n: S),
                "The shrinkage is not used. Pixels that a class never inked have "
                "variance 0 here, and the density divides by it.",
            ),
            Mistake(
                "identity without the trace",
                _variant(lambda S, s, eye, n: (1 - s) * S + s * eye),
                "You shrink toward variance 1. The target is the class's own average "
                "variance, tr(S)/d, so that the total ink variance stays.",
            ),
            Mistake(
                "s I added",
                _variant(lambda S, s, eye, n: S + s * eye),
                "You keep all of S and add s to every variance, so the total grows. "
                "Mix: (1 - s) of S, and s of the round one, tr(S)/d on the diagonal.",
            ),
            Mistake(
                "added to every entry",
                (
                    _variant(lambda S, s, eye, n: (1 - s) * S + s * S.trace() / len(S)),
                    _variant(lambda S, s, eye, n: S + s * S.trace() / len(S)),
                ),
                "The number tr(S)/d is added to every entry of the matrix, as if all "
                "pixels rose and fell together. Variances stand on the diagonal: "
                "multiply it by `torch.eye(d)`.",
            ),
            Mistake(
                "trace not divided by d",
                _variant(lambda S, s, eye, n: (1 - s) * S + s * S.trace() * eye),
                "tr(S) is the sum of d variances; as the variance of every pixel it is "
                "d times too large. Divide it by d.",
            ),
            Mistake(
                "added, not mixed",
                _variant(lambda S, s, eye, n: S + s * S.trace() / len(S) * eye),
                "The round part is added on top, and the total variance grows. Mix: "
                "(1 - s) of the one and s of the other.",
            ),
            Mistake(
                "mixed the other way round",
                _variant(lambda S, s, eye, n: _right(S, 1 - s, eye)),
                "The weights are swapped: at small shrinkage you get the round one. "
                "(1 - s) belongs to the covariance, s to the round target.",
            ),
            Mistake(
                "shrunk toward the diagonal",
                _variant(lambda S, s, eye, n: (1 - s) * S + s * S * eye),
                "You shrink toward S's own diagonal, where never-inked pixels keep "
                "variance 0. The target is round: the same variance everywhere.",
            ),
            Mistake(
                "diagonal only",
                _variant(lambda S, s, eye, n: _right(S * eye, s, eye)),
                "Only the variances are left: every pixel is drawn on its own. Strokes "
                "are neighbors that vary together; keep the whole matrix.",
            ),
            Mistake(
                "not centered",
                _around(lambda x, images: 0),
                "This is the second moment E[x x^T]. Subtract the class's mean from "
                "its images first.",
            ),
            Mistake(
                "centered on the mean of all classes",
                _around(lambda x, images: images.mean(0)),
                "You center on the mean of all images, so how far the class lies from "
                "the others counts as its spread. Center on the class's own mean.",
            ),
            Mistake(
                "one covariance for all classes",
                _pooled,
                "All classes share one covariance. Compute it inside the loop, from "
                "this class's images alone.",
            ),
            Mistake(
                "covariance of images, not of pixels",
                (
                    lambda images, labels, s: _by_rows(images, labels, s, 0),
                    lambda images, labels, s: _by_rows(images, labels, s, 1),
                ),
                "This is an (n, n) table of images against images: torch.cov takes one "
                "variable a row. Give it `x.T`, or write x^T x with x centered.",
            ),
            Mistake(
                "not divided by the count",
                _variant(lambda S, s, eye, n: _right(S * n, s, eye)),
                "This is the sum over the class's images; the covariance is their "
                "mean. Divide by the number of images in the class.",
            ),
            Mistake(
                "divided by the number of all images",
                lambda images, labels, s: _fitted(
                    lambda S, s, eye, n: _right(S * n / len(images), s, eye),
                    images, labels, s,
                ),
                "You divide by the number of all images. A class's covariance is a "
                "mean over that class: divide by its own count.",
            ),
            Mistake(
                "a constant on the diagonal",
                tuple(
                    _variant(lambda S, s, eye, n, e=e: _right(S, s, eye) + e * eye)
                    for e in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
                ),
                "A small constant is added to every variance. The shrinkage has made "
                "the covariance invertible already; where a class hardly varies, the "
                "constant outweighs its variance. Leave it out.",
            ),
            Mistake(
                "sizes of the digits written in",
                (
                    lambda images, labels, s: _fitted(
                        _right, images, labels, s, classes=range(10)
                    ),
                    _variant(
                        lambda S, s, eye, n: (1 - s) * S + s * S.trace() / 64 * eye
                    ),
                ),
                "The digits' sizes are written in: 10 classes, or 64 pixels. Take d "
                "from `images.shape[1]` and the number of classes from `labels`.",
            ),
            Mistake(
                "covariances first",
                lambda images, labels, s: _fitted(_right, images, labels, s)[::-1],
                "Both are right; return the means first, then the covariances.",
                kind="convention",
            ),
        ],
        hints=[
            "`images[labels == c]` are one class's images. Which two statistics does a "
            "Gaussian need?",
            "With x centered, S = x^T x / n_c. The round target has the same variance "
            "everywhere: which number keeps the trace of S?",
        ],
        answer="""\
d = images.shape[1]
means, covariances = [], []
for c in range(int(labels.max()) + 1):
    x = images[labels == c]
    mean = x.mean(0)
    S = (x - mean).T @ (x - mean) / len(x)
    round_target = S.trace() / d * torch.eye(d, dtype=images.dtype)
    means.append(mean)
    covariances.append((1 - shrinkage) * S + shrinkage * round_target)
return torch.stack(means), torch.stack(covariances)""",
        because="maximum likelihood for a Gaussian is the mean and the average of "
        "(x - m)(x - m)^T; the mixture with a round one makes it invertible.",
        praise="Ten means and ten covariances: that is the whole generative model, "
        "learned in milliseconds. Now it has to classify, and then to draw.",
    )
)

# ------------------------------------------------------------------ sample_class


def _linear(root, latent=torch.randn):
    """mean + z root(S)^T, every part of which can be got wrong."""

    def sample(mean, covariance, n, generator):
        z = latent(n, len(mean), generator=generator, dtype=mean.dtype)
        return mean + z @ root(covariance).T

    return sample


_cholesky = torch.linalg.cholesky


def _symmetric_root(S):
    values, vectors = torch.linalg.eigh(S)
    return vectors * values.sqrt() @ vectors.T


def _eigen_root(S):
    values, vectors = torch.linalg.eigh(S)
    return vectors * values.sqrt()


def _columns(mean, covariance, n, generator):
    z = torch.randn(len(mean), n, generator=generator, dtype=mean.dtype)
    return (mean[:, None] + _cholesky(covariance) @ z).T


def _one_at_a_time(mean, covariance, n, generator):
    root = _cholesky(covariance)
    draws = [
        mean + root @ torch.randn(len(mean), generator=generator, dtype=mean.dtype)
        for _ in range(n)
    ]
    return torch.stack(draws)


def _with_normal(mean, covariance, n, generator):
    z = torch.empty(n, len(mean), dtype=mean.dtype).normal_(generator=generator)
    return torch.einsum("ij,nj->ni", _cholesky(covariance), z) + mean


def _global(mean, covariance, n, generator):
    return mean + torch.randn(n, len(mean), dtype=mean.dtype) @ _cholesky(covariance).T


def _distribution(mean, covariance, n, generator):
    law = torch.distributions.MultivariateNormal(mean, covariance)
    return law.sample((n,))


def _by_numpy(mean, covariance, n, generator):
    x = np.random.multivariate_normal(mean.numpy(), covariance.numpy(), n)
    return torch.from_numpy(x).to(mean.dtype)


def _same_latent(mean, covariance, n, generator):
    z = torch.randn(len(mean), generator=generator, dtype=mean.dtype)
    return (mean + _cholesky(covariance) @ z).expand(n, -1)


def _one_number_each(mean, covariance, n, generator):
    z = torch.randn(n, 1, generator=generator, dtype=mean.dtype)
    return mean + z * covariance.diagonal().sqrt()


def _reseeded(mean, covariance, n, generator):
    return _linear(_cholesky)(mean, covariance, n, generator.manual_seed(0))


def _uniform(n, d, *, generator, dtype):
    return torch.rand(n, d, generator=generator, dtype=dtype)


def _unit_uniform(n, d, *, generator, dtype):
    return (_uniform(n, d, generator=generator, dtype=dtype) - 0.5) * math.sqrt(12)


def _sum_of_uniforms(n, d, *, generator, dtype, terms):
    u = torch.rand(n, d, terms, generator=generator, dtype=dtype)
    return (u.sum(2) - terms / 2) * math.sqrt(12 / terms)


def _cut_off(n, d, *, generator, dtype, at):
    return torch.randn(n, d, generator=generator, dtype=dtype).clamp(-at, at)


def _by_eigenvectors(decompose):
    """Eigenvectors are columns; here they are taken for rows."""

    def sample(mean, covariance, n, generator):
        values, vectors = decompose(covariance)
        z = torch.randn(n, len(mean), generator=generator, dtype=mean.dtype)
        return mean + z * values.sqrt() @ vectors

    return sample


def _clamped(mean, covariance, n, generator):
    return _linear(_cholesky)(mean, covariance, n, generator).clamp(-1, 1)


def _without_mean(mean, covariance, n, generator):
    return _linear(_cholesky)(torch.zeros_like(mean), covariance, n, generator)


def _globally_seeded(mean, covariance, n, generator):
    torch.manual_seed(0)
    return _global(mean, covariance, n, generator)


def _globally_seeded_alike(mean, covariance, n, generator):
    torch.manual_seed(generator.initial_seed())
    return _global(mean, covariance, n, generator)


def _reseeded_after(mean, covariance, n, generator):
    x = _linear(_cholesky)(mean, covariance, n, generator)
    generator.manual_seed(0)
    return x


def _reseeded_alike(mean, covariance, n, generator):
    generator.manual_seed(generator.initial_seed())
    return _linear(_cholesky)(mean, covariance, n, generator)


def _squeezed(mean, covariance, n, generator):
    return _linear(_cholesky)(mean, covariance, n, generator).squeeze()


def _standardized(n, d, *, generator, dtype):
    z = torch.randn(n, d, generator=generator, dtype=dtype)
    return (z - z.mean(0)) / z.std(0)


def _centered(n, d, *, generator, dtype):
    z = torch.randn(n, d, generator=generator, dtype=dtype)
    return z - z.mean(0)


def _with_mirror_images(n, d, *, generator, dtype):
    z = torch.randn((n + 1) // 2, d, generator=generator, dtype=dtype)
    return torch.cat([z, -z])[:n]


def _repeated(n, d, *, generator, dtype):
    z = torch.randn((n + 1) // 2, d, generator=generator, dtype=dtype)
    return z.repeat(2, 1)[:n]


def _law(mean, covariance, seed, n=20_000):
    return lambda: (
        torch.tensor(mean), torch.tensor(covariance), n,
        torch.Generator().manual_seed(seed),
    )  # fmt: skip


def _observe_draws(function, mean, covariance, n, generator):
    """The law; how many values lie far out; calls that repeat have no spread."""
    kept, first = (mean.clone(), covariance.clone()), []

    def watched(*arguments):
        x = function(*arguments)
        if not first:
            first.append(x)
        return x

    new = True
    law = observers.gaussian_law(watched, mean, covariance, n, generator)
    for observation, value in law:
        if observation == "next call, new samples":
            new = value
        if new or not observation.startswith(_SPREAD):  # else one image, 100 times
            yield observation, value
    if isinstance(first[0], Tensor) and first[0].shape == (n, len(mean)):
        yield f"{_FAR_OUT}, {observers.CHANCE}", _far_out(first[0], *kept)


def _far_out(x, mean, covariance, limit=3.01):
    """How many whitened values lie beyond `limit`, against the normal law's number."""
    centered = (x.detach().double() - mean.double()).T
    white = torch.linalg.solve_triangular(
        _cholesky(covariance.double()), centered, upper=False
    )
    share = math.erfc(limit / math.sqrt(2))
    excess = (white.abs() > limit).double().sum() - share * white.numel()
    return excess / math.sqrt(white.numel() * share)


_SPREAD, _FAR_OUT = "spread of 100 single images", "values beyond 3 deviations"
_MOMENTS = (
    "mean of the draws", "covariance of the draws", "fourth moment",
    "first half with second", "each row with the next", _SPREAD, _FAR_OUT,
)  # fmt: skip

register(
    Exercise(
        name="sample_class",
        lesson=1,
        reference=gaussians.sample_class,
        observe=_observe_draws,
        probes={
            "two pixels, both brighter together": _law(
                [0.5, -0.5], [[1.0, 0.6], [0.6, 0.5]], 1
            ),
            "two pixels, one against the other": _law(
                [-0.3, 1.0], [[9e-4, -1e-3], [-1e-3, 25e-4]], 2
            ),
            "three pixels": _law(
                [0.2, -0.6, 1.0],
                [[0.5, 0.3, 0.0], [0.3, 0.4, 0.1], [0.0, 0.1, 0.2]],
                seed=3,
            ),
        },
        seconds=10,  # 20,000 draws by a loop of Python take a second or two
        tolerance={f"{what}, {observers.CHANCE}": (0.0, 7.0) for what in _MOMENTS},
        accepts=[
            _linear(_symmetric_root), _linear(_eigen_root), _columns, _one_at_a_time,
            _with_normal,
        ],  # fmt: skip
        mistakes=[
            Mistake(
                "global random state",
                (_global, _distribution, _by_numpy),
                "The law is right, but the seed of `generator` does not decide the "
                "numbers: the same seed gives other images next time. Draw z with "
                "`torch.randn(..., generator=generator)`.",
            ),
            Mistake(
                "global seed set",
                (_globally_seeded, _globally_seeded_alike),
                "`torch.manual_seed` sets the global state, and the numbers come from "
                "there: every call draws the same images. Leave it out and pass "
                "`generator=generator` to torch.randn.",
            ),
            Mistake(
                "covariance in place of its root",
                _linear(lambda S: S),
                "z times S has covariance S S^T: S counted twice. Use a root L with "
                "L L^T = S, as a standard deviation is the root of a variance.",
            ),
            Mistake(
                "root on the wrong side",
                _linear(lambda S: _cholesky(S).T),
                "`z @ L` has covariance L^T L, which is not L L^T. In rows it is "
                "`z @ L.T`.",
            ),
            Mistake(
                "eigenvectors taken for rows",
                (
                    _by_eigenvectors(torch.linalg.eigh),
                    _by_eigenvectors(lambda S: torch.linalg.svd(S)[1::-1]),
                ),
                "The eigenvectors are the columns of V, and the root is V times the "
                "roots of the eigenvalues. For rows z multiply by its transpose, "
                "`V.T`.",
            ),
            Mistake(
                "covariance not used",
                _linear(lambda S: torch.eye(len(S))),
                "You add z as it is, so every pixel has variance 1 and ignores the "
                "others. Multiply z by a root of the covariance first.",
            ),
            Mistake(
                "inverse root",
                _linear(lambda S: torch.linalg.inv(_cholesky(S))),
                "The inverse root turns draws of this law back into plain normal "
                "numbers. You want the way out: z times L^T.",
            ),
            Mistake(
                "variances only",
                _linear(lambda S: S.diagonal().sqrt().diag()),
                "Each pixel has the right spread and ignores its neighbors. The "
                "off-diagonal covariances carry the strokes: use a root of the whole "
                "matrix.",
            ),
            Mistake(
                "variance in place of standard deviation",
                _linear(lambda S: S.diagonal().diag()),
                "You scale by variances, pixel by pixel. Spread is a root, and pixels "
                "vary together: take the Cholesky root of the whole matrix.",
            ),
            Mistake(
                "root of each entry",
                _linear(lambda S: S.sqrt()),
                "`.sqrt()` takes the root of every entry. A root of a matrix has "
                "L L^T = S: torch.linalg.cholesky.",
            ),
            Mistake(
                "mean forgotten",
                _without_mean,
                "The draws lie around 0. Add the mean: it is the class's average "
                "image.",
            ),
            Mistake(
                "one latent for all images",
                _same_latent,
                "One z is drawn and used n times, so all images are the same. Draw a "
                "z of shape (n, d).",
            ),
            Mistake(
                "one number for all pixels",
                _one_number_each,
                "Each image gets one random number, and all its pixels follow it. "
                "Give every pixel its own: z has shape (n, d).",
            ),
            Mistake(
                "seeded inside",
                (_reseeded, _reseeded_after, _reseeded_alike),
                "The random numbers begin anew at each call, so calls draw the same "
                "images again. Draw from `generator`, which the caller seeded, and "
                "leave its state alone.",
            ),
            Mistake(
                "half of the draws made from the others",
                (
                    _linear(_cholesky, _with_mirror_images),
                    _linear(_cholesky, _repeated),
                ),
                "Half of the rows are the other half again, copied or mirrored. n "
                "draws are independent: draw a z of shape (n, d).",
            ),
            Mistake(
                "latents standardized over the batch",
                (_linear(_cholesky, _standardized), _linear(_cholesky, _centered)),
                "You center or scale z by the batch's own mean and spread. That ties "
                "the draws to each other, and one image alone is always the mean, or "
                "NaN. torch.randn has mean 0 and variance 1 already.",
            ),
            Mistake(
                "axis of length 1 removed",
                _squeezed,
                "Right for many images. For one, `.squeeze()` removes the axis of "
                "length n = 1 too: leave it out, the contract says (n, d).",
                kind="convention",
            ),
            Mistake(
                "latents not standard normal",
                (
                    _linear(_cholesky, _uniform),
                    _linear(_cholesky, _unit_uniform),
                    *(
                        _linear(_cholesky, partial(_sum_of_uniforms, terms=terms))
                        for terms in (2, 3, 4)
                    ),
                    *(
                        _linear(_cholesky, partial(_cut_off, at=limit))
                        for limit in (2, 2.5, 3)
                    ),
                ),
                "Your latents are no standard normal numbers (uniform, or cut off?). "
                "Even with mean and variance put right, sums of a few uniforms are no "
                "Gaussian: use torch.randn.",
            ),
            Mistake(
                "clamped to the range",
                _clamped,
                "Clamping makes every pixel legal and the law another one: piles of "
                "probability at -1 and 1. Return what the Gaussian says; we want to "
                "see where it errs.",
            ),
        ],
        hints=[
            "In one dimension, mean + std * z. What takes the place of the standard "
            "deviation, the root of the variance, when S is a matrix?",
            "torch.linalg.cholesky gives L with L L^T = S. For a column z it is L z; "
            "what is it for rows z of shape (n, d)?",
        ],
        answer="""\
root = torch.linalg.cholesky(covariance)
z = torch.randn(n, len(mean), generator=generator, dtype=mean.dtype)
return mean + z @ root.T""",
        because="E[(Lz)(Lz)^T] = L E[zz^T] L^T = L L^T = S, and a linear map of normal "
        "numbers is normal.",
        praise="Random numbers in, images out: you have written a generator. A GAN "
        "replaces the matrix by a network and nothing else in that sentence.",
    )
)

# ------------------------------------------------------------------ mse_minimizer


def mse_minimizer(samples: Tensor) -> Tensor:
    """The one guess with the least mean squared error to (n, ...) samples: (...)."""
    return samples.mean(0)


def _most_central(x):
    """The sample with the least total squared error to the others."""
    flat = x.reshape(len(x), -1)
    return x[(flat[:, None] - flat).square().sum((1, 2)).argmin()]


def _nearest_to_mean_value(x):
    """The sample nearest to the mean: the same sample as above, by another road."""
    flat = (x - x.mean(0)).reshape(len(x), -1)
    return x[flat.square().sum(1).argmin()]


def _descended(x):
    guess = torch.zeros_like(x[0])
    for _ in range(60):  # the slope of the mean squared error is 2 (guess - mean)
        guess = guess - 0.25 * 2 * (guess - x).mean(0)
    return guess


def _samples(values, dtype=torch.float32):
    return lambda: (torch.tensor(values, dtype=dtype),)


register(
    Exercise(
        name="mse_minimizer",
        lesson=1,
        reference=mse_minimizer,
        observe=observers.value,
        probes={
            "numbers 0, 0, 1": _samples([0.0, 0.0, 1.0]),
            "numbers -1.5, -1.5, 1.5, 4.5": _samples([-1.5, -1.5, 1.5, 4.5]),
            "three points in the plane": _samples([[0.0, 2.0], [1.0, 0.0], [5.0, 1.0]]),
            "three images of 2x2": _samples(
                [
                    [[-1.0, -1.0], [1.0, 0.5]],
                    [[1.0, -1.0], [-1.0, 0.5]],
                    [[1.0, 0.0], [-1.0, -1.0]],
                ]
            ),
            "two images of 1x2x2": _samples(
                [[[[-1.0, 0.0], [1.0, 0.5]]], [[[1.0, -1.0], [0.5, 0.0]]]]
            ),
            "nine numbers": _samples([0.0, 1.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 3.0]),
            "float64": _samples([0.1, 0.2, 0.6], torch.float64),
        },
        accepts=[
            lambda x: x.sum(0) / len(x),
            lambda x: torch.einsum("n...->...", x) / x.shape[0],
            lambda x: torch.stack(list(x)).mean(dim=0),
            _descended,
        ],
        mistakes=[
            Mistake(
                "one number for all",
                lambda x: x.mean(),
                "`.mean()` averages over everything and leaves one number. Each pixel "
                "has a best guess of its own: average over the samples, dim 0.",
            ),
            Mistake(
                "mean of each sample",
                (
                    lambda x: x.mean(-1),
                    lambda x: x.reshape(len(x), -1).mean(1),
                ),
                "You average inside each sample, so n gray values come back. Average "
                "over the samples, dim 0, and an image comes back.",
            ),
            Mistake(
                "median",
                (
                    lambda x: x.median(0).values,
                    lambda x: x.quantile(0.5, dim=0),
                    lambda x: x.median(0),
                ),
                "The median is the best answer to the absolute error |x - a|. To the "
                "squared error it is the mean: set the slope of E(x - a)^2 to 0.",
            ),
            Mistake(
                "best of the samples",
                (_most_central, _nearest_to_mean_value),
                "That is the best answer among the samples. Squared error is free to "
                "pick a point where no sample lies, and does: that is the trouble.",
            ),
            Mistake(
                "middle of the range",
                lambda x: (x.amax(0) + x.amin(0)) / 2,
                "Halfway between the extremes minimizes the largest error. The squared "
                "error weighs every sample: take their mean.",
            ),
            Mistake(
                "most frequent value",
                (lambda x: x.mode(0).values, lambda x: x[0], lambda x: x[-1]),
                "That picks one sample's values. The mean of the squared errors weighs "
                "all samples, and its minimum lies between them.",
            ),
            Mistake(
                "sum",
                lambda x: x.sum(0),
                "The sum grows with the number of samples; divide by it.",
            ),
            Mistake(
                "divided by n - 1",
                lambda x: x.sum(0) / (len(x) - 1),
                "n - 1 belongs to the unbiased variance. The mean is divided by n.",
            ),
            Mistake(
                "sample axis kept",
                lambda x: x.mean(0, keepdim=True),
                "The right numbers, with an axis of length 1 in front. Leave out "
                "`keepdim`: a guess has the shape of one sample.",
                kind="convention",
            ),
            Mistake(
                "shape changed",
                (
                    lambda x: x.mean(0).flatten(),
                    lambda x: x.reshape(len(x), -1).mean(0),
                    lambda x: x.mean(0).squeeze(),
                ),
                "The right numbers in another shape. A guess has the shape of one "
                "sample, axes of length 1 included: leave out flatten and squeeze.",
                kind="convention",
            ),
            Mistake(
                "always float32",
                lambda x: x.float().mean(0),
                "The result is always float32. Keep the type of the samples: leave out "
                "the cast.",
                kind="convention",
            ),
            Mistake(
                "the error, not the guess",
                (
                    lambda x: (x - x.mean(0)).square().mean(0),
                    lambda x: (x - x.mean(0)).square().mean(),
                    lambda x: x.var(0),
                    lambda x: x.std(0),
                    lambda x: (x - x.mean(0)).square().sum(),
                ),
                "That is how large the error is at the best guess, not where it is. "
                "Return the guess itself.",
            ),
        ],
        hints=[
            "Which a makes the mean of (x - a)^2 smallest? Set its slope in a to 0.",
            "The slope is 2 (a - mean of x), and every pixel is a problem of its own. "
            "Over which axis do you average?",
        ],
        answer="return samples.mean(0)",
        because="the slope of E(x - a)^2 in a is 2(a - E x), which is 0 at a = E x, "
        "pixel by pixel.",
        praise="Now you know what every network trained with squared error draws when "
        "it has to guess: the mean of everything that would have been right.",
    )
)

# ------------------------------------------------------------------ inverse cdf


def sample_by_inverse_cdf(u: Tensor) -> Tensor:
    """Uniform numbers u to samples of the density 2x on [0, 1]: sqrt(u), as F = x^2."""
    return u.sqrt()


def _uniforms(*values, dtype=torch.float32):
    return lambda: (torch.tensor(values, dtype=dtype),)


def _rejection(u):
    """Keeps a draw with probability x: right law, other samples."""
    x, y = torch.rand(8 * len(u)), torch.rand(8 * len(u))
    return x[y < x][: len(u)]


register(
    Exercise(
        name="sample_by_inverse_cdf",
        lesson=1,
        reference=sample_by_inverse_cdf,
        observe=observers.value,
        probes={
            "u = 1/4": _uniforms(0.25),
            "u = 0, 1/100, 1/2, 1": _uniforms(0.0, 0.01, 0.5, 1.0),
            "u out of order": _uniforms(0.81, 0.04, 0.36, 0.04),
            "float64": _uniforms(0.3, 0.7, dtype=torch.float64),
        },
        elementwise=True,
        accepts=[
            lambda u: u**0.5,
            lambda u: u.pow(1 / 2),
            lambda u: (u.log() / 2).exp(),
        ],
        mistakes=[
            Mistake(
                "the cdf itself",
                lambda u: u**2,
                "x^2 is the share of samples below x: from x to u. You have u and want "
                "x, so solve x^2 = u.",
            ),
            Mistake(
                "the density itself",
                lambda u: 2 * u,
                "2x says how dense samples are at x, and 2u is as dense everywhere in "
                "[0, 2]. Integrate first: the share below x is x^2. Then solve for x.",
            ),
            Mistake(
                "the density inverted",
                lambda u: u / 2,
                "You inverted the density 2x. Invert its integral, the share x^2 of "
                "samples below x.",
            ),
            Mistake(
                "a factor 2 left over",
                (
                    lambda u: (2 * u).sqrt(),
                    lambda u: (u / 2).sqrt(),
                    lambda u: u.sqrt() / 2,
                    lambda u: 2 * u.sqrt(),
                ),
                "A factor of 2 is left. The integral of 2x from 0 to x is x^2: the "
                "2 is gone, and at u = 1 the sample must be exactly 1.",
            ),
            Mistake(
                "from the other end",
                lambda u: (1 - u).sqrt(),
                "The law is right: 1 - u is uniform too. The course asks for the "
                "increasing one, F(x) = u, so that larger u means larger x.",
                kind="convention",
            ),
            Mistake(
                "mirrored",
                (lambda u: 1 - (1 - u).sqrt(), lambda u: 1 - u.sqrt()),
                "That samples 2(1 - x), dense near 0. Here samples crowd near 1: the "
                "share below x is x^2.",
            ),
            Mistake(
                "u unchanged",
                lambda u: u.clone(),
                "u is uniform, as dense at 0 as at 1. Push it: solve x^2 = u for x.",
            ),
            Mistake(
                "sorted",
                (
                    lambda u: u.sqrt().sort().values,
                    lambda u: u.sqrt().sort(descending=True).values,
                    lambda u: u.sqrt().flip(0),
                ),
                "The right values in another order: sample i belongs to u[i]. Leave "
                "the order alone.",
            ),
            Mistake(
                "new random numbers",
                (
                    lambda u: torch.rand_like(u).sqrt(),
                    lambda u: torch.rand(len(u)).sqrt(),
                    lambda u: torch.maximum(torch.rand_like(u), torch.rand_like(u)),
                    _rejection,
                ),
                "You draw anew; the randomness is already in u. The map itself is "
                "deterministic: the same u always gives the same x.",
            ),
        ],
        hints=[
            "Which share of the samples lies below x, if the density is 2t? Integrate "
            "from 0 to x.",
            "A share is uniform on [0, 1], as u is. Set the share equal to u and solve "
            "for x.",
        ],
        answer="return u.sqrt()",
        because="the share below x is the integral of 2t from 0 to x, which is x^2; "
        "x^2 = u gives x = sqrt(u).",
        praise="A fixed function turned dull randomness into the law you wanted. G in "
        "a GAN is such a function, with weights that it learns.",
    )
)
