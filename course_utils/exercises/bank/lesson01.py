"""Bayes' rule, a Gaussian for each class, and sampling without a density."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from course_utils import gaussians

from .. import observers
from ..running import frozen
from ..text import entry

NAMES = {"torch": torch, "F": F, "np": np}


def logs(likelihoods, prior, dtype=torch.float32):
    """A probe from plain numbers, so that it can be read."""
    return lambda: (
        torch.tensor(likelihoods, dtype=dtype).log(),
        torch.tensor(prior, dtype=dtype).log(),
    )


def far(*rows, prior=(0.5, 0.5)):
    """A probe: rows of log-likelihoods, in float64, where exp(-1000) is 0 as well."""
    return lambda: (torch.tensor(rows).double(), torch.tensor(prior).double().log())


entry(
    """
    posterior(log_likelihoods, log_prior)
        joint = log_likelihoods + log_prior
        return torch.softmax(joint, dim=1)

    because: softmax is Bayes' rule for logarithms: exp of each, over the row's sum.
    praise: With two densities, data and generated, this is a GAN's discriminator.
    hint: Bayes' rule multiplies likelihood and prior. What is a product in logarithms?
    hint: Which function of torch exponentiates and normalizes a row in one go, safely?
    edge: Right, but not where the prior excludes a class (its log is -inf): that class
      gets exactly 0. Is there an epsilon, a clamp, or a maximum without the prior?
    right: return torch.log_softmax(log_likelihoods + log_prior, dim=1).exp()
    right: | joint = log_likelihoods + log_prior
      | return (joint - torch.logsumexp(joint, dim=1, keepdim=True)).exp()
    right: | joint = log_likelihoods + log_prior
      | joint = (joint - joint.max(dim=1, keepdim=True).values).exp()
      | return joint / joint.sum(dim=1, keepdim=True)

    * prior forgotten: This takes every class as equally frequent. Add `log_prior`.
        + log_prior ->
    * prior without its logarithm: In logarithms a product is a sum. Add `log_prior` as
      it comes, without exp and without multiplying.
        + log_prior -> {+ log_prior.exp()|* log_prior.exp()|* log_prior}
    * prior divided out: Subtracting `log_prior` divides by the prior, so rare classes
      win. Bayes' rule multiplies by it: add its logarithm.
        + log_prior -> - log_prior
    * prior after normalizing: The rows no longer sum to 1. Multiply by the prior first
      (add the logarithms), and normalize last.
        return torch.softmax(log_likelihoods, dim=1) * log_prior.exp()
    * normalized down the columns: It is not the rows that sum to 1. The classes compete
      for each image: normalize every row, along dim=1.
        torch.softmax(joint, dim=1) -> joint.exp() / joint.exp().sum({|0})
    * sum without keepdim: The row sums have shape (n,) and line up with the columns:
      image j's sum divides class j. Use `.sum(1, keepdim=True)`.
        torch.softmax(joint, dim=1) -> joint.exp() / joint.exp().sum(1)
    * exponentiated twice: softmax takes exp itself. Give it the logarithms, added.
        softmax(joint -> softmax(joint.exp()
        joint = -> joint = log_likelihoods.exp() + {log_prior|log_prior.exp()} #
    * not normalized: That is the numerator of Bayes' rule, p(x|y) p(y), or its
      logarithm. Take exp of the sum of logarithms, and divide each row by its sum.
        torch.softmax(joint, dim=1) -> joint{|.exp()}
    ~ logarithms returned: Right, and still in logarithms. Take exp at the end.
        softmax -> log_softmax
    * a decision, not a probability: That is the winning class with all doubt removed.
      Keep the doubt: exponentiate and divide by the row's sum.
        /return .+/ -> return (joint == joint.amax(1, True)).{float()|to(joint)}
    ~ always float32: Keep the type of the input: leave out the cast to float32.
        softmax(joint -> softmax(joint.float()
    * exponentiated too early: Right on small numbers. At -10000 both likelihoods are 0,
      in float64 too, and 0/0 is NaN; an epsilon makes it a row of zeros. Only
      differences matter: subtract each row's maximum first, or use torch.softmax.
        | joint = (log_likelihoods + log_prior){|.double()}.exp()
        | joint = joint / (joint.sum(1, keepdim=True){| + 1e-6| + 1e-12})
        | return joint.{float()|to(log_prior.dtype)}
    * shifted by something other than the maximum: Each row is shifted, and not by its
      own largest entry. Far above the shift exp is infinite, far below it 0, and the
      row is NaN: subtract `.amax(1, keepdim=True)`.
        | joint = log_likelihoods + log_prior
        | shift = {joint|log_likelihoods}{.max()|.mean(1, True)|[:, [0]]|[:, [-1]]}
        | return (joint - shift).exp() / (joint - shift).exp().sum(1, keepdim=True)
    """,
    names=NAMES,
    lesson=1,
    reference=gaussians.posterior,
    observe=observers.value,
    elementwise=True,
    atol=0.0,
    probes={
        "likelihoods 3 and 1, even prior": logs([[3.0, 1.0]], [0.5, 0.5]),
        "the same, prior 0.1 and 0.9": logs([[3.0, 1.0]], [0.1, 0.9]),
        "three images, two classes": logs(
            [[3.0, 1.0], [0.2, 0.5], [1.0, 4.0]], [0.3, 0.7]
        ),
        "three images, three classes": logs(
            [[3.0, 1.0, 2.0], [0.2, 0.5, 0.1], [1.0, 4.0, 0.3]], [0.2, 0.5, 0.3]
        ),
        "float64": logs([[3.0, 1.0]], [0.1, 0.9], torch.float64),
    },
    later={
        "rows near -10000 and near 0": far([-10000.0, -10001.0], [-1.0, -3.0]),
        "rows near +10000": far([10000.0, 10002.0]),
        "rows from -12000 to -10000": far([-12000.0, -10000.0], [-10000.0, -12000.0]),
    },
    edge={
        "a class that the prior excludes": logs([[3.0, 1.0]], [0.0, 1.0]),
        "the likeliest class is excluded": far([0.0, -1000.0], prior=(0.0, 1.0)),
    },
)


def points(counts, d, shrinkage, dtype=torch.float32, scale=1.0):
    """A probe: shuffled classes of these sizes, with means and spreads of their own."""

    def make():
        generator = torch.Generator().manual_seed(len(counts) + d)
        labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
        labels = labels[torch.randperm(len(labels), generator=generator)]
        x = torch.randn(len(labels), d, generator=generator, dtype=dtype)
        stretch = 0.5 + torch.arange(d, dtype=dtype)
        x = (x * stretch).cumsum(1) * (1 + labels[:, None]) + 2 * labels[:, None] - 1
        return scale * x, labels, shrinkage

    return make


def two_pairs():
    """A probe that can be worked out by hand."""
    images = torch.tensor([[0.0, 0.0], [2.0, 0.0], [1.0, 1.0], [1.0, 5.0]])
    return images, torch.tensor([0, 0, 1, 1]), 0.5


entry(
    r"""
    fit_class_gaussians(images, labels, shrinkage)
        d = images.shape[1]
        means, covariances = [], []
        for c in range(int(labels.max()) + 1):
            x = images[labels == c]
            mean = x.mean(0)
            S = (x - mean).T @ (x - mean) / len(x)
            round_target = S.trace() / d * torch.eye(d, dtype=images.dtype)
            means.append(mean)
            covariances.append((1 - shrinkage) * S + shrinkage * round_target)
        return torch.stack(means), torch.stack(covariances)

    because: maximum likelihood is the mean, and the average of (x - m)(x - m)^T.
    praise: That is the whole generative model. Now it has to classify, and to draw.
    hint: `images[labels == c]` is one class. Which two statistics does a Gaussian need?
    hint: With x centered, S = x^T x / n_c. The round target has the same variance
      everywhere: which number keeps the trace of S?
    edge: Right, but not where a class hardly varies. Is a constant added to the
      variances, or a limit put on them? Leave it out: shrinkage is enough.
    right: (x - mean).T @ (x - mean) / len(x) -> x.T @ x / len(x) - mean.outer(mean)
    right: range(int(labels.max()) + 1) -> labels.unique()

    ~ divided by n - 1: This is the unbiased covariance, torch.cov's default. The course
      uses maximum likelihood, divided by n: `correction=0`.
        / len(x) -> / (len(x) - 1)
    * no shrinkage: Shrink: without ink a variance is 0, and the density divides by it.
        (1 - shrinkage) * S + shrinkage * round_target -> S
    * identity without the trace: You shrink toward variance 1. Wanted is the class's
      own average variance, tr(S)/d.
        S.trace() / d * ->
    * added to every entry: Only the diagonal gets tr(S)/d: multiply by `torch.eye(d)`.
        * torch.eye(d, dtype=images.dtype) ->
    * trace not divided by d: tr(S) is the sum of d variances; wanted is their average.
        S.trace() / d -> S.trace()
    * trace divided by the number of images: tr(S) is a sum over d pixels: divide by d.
        S.trace() / d -> S.trace() / {len(x)|len(images)}
    * added, not mixed: The total variance grows. Mix: (1 - s) of S, s of the round one.
        (1 - shrinkage) * S -> S
    * mixed the other way round: The weights are swapped: (1 - s) belongs to the
      covariance, s to the round target.
        (1 - shrinkage) * S + shrinkage * -> shrinkage * S + (1 - shrinkage) *
    * diagonal only: Neighbors on a stroke vary together; keep the whole matrix.
        (1 - shrinkage) * S -> (1 - shrinkage) * S * torch.eye(d)
    * not centered: Subtract the class's own mean first, or its distance from 0, or from
      the mean of all images, counts as spread.
        (x - mean) -> {x|(x - images.mean(0))}
    * covariance of images, not of pixels: This is an (n, n) table of images against
      images. For pixels write x^T x with x centered, or torch.cov(x.T).
        (x - mean).T @ (x - mean) -> (x - mean) @ (x - mean).T
        S = (x - mean).T @ (x - mean) / len(x) -> S = torch.cov(x{|, correction=0})
    * not divided by the class's count: The covariance is a mean over the class: divide
      the sum by the number of images in it.
        / len(x) ->{| / len(images)}
    ~ covariances first: Both are right; return the means first, then the covariances.
        /return (.+), (.+)/ -> return \2, \1
    """,
    names=NAMES,
    lesson=1,
    reference=gaussians.fit_class_gaussians,
    observe=observers.value,
    atol=1e-12,
    probes={
        "two classes of two points, shrinkage 0.5": two_pairs,
        "classes of 3 and 7 points, shrinkage 0.1": points([3, 7], 2, 0.1),
        "three classes in 4 dimensions": points([5, 4, 9], 4, 0.3),
        "shrinkage 1": points([4, 6], 3, 1.0),
        "float64": points([6, 5], 3, 0.2, torch.float64),
    },
    edge={"points close together": points([6, 5], 3, 0.2, torch.float64, scale=1e-3)},
)

MOMENTS = [
    f"{what}, in standard errors; chance makes 1 or 2"
    for what in (
        "mean of the draws", "covariance of the draws",
        "values beyond 3 standard deviations", "rows multiplied by other rows",
        "spread of 100 single images",
    )
]  # fmt: skip


def draws(function, mean, covariance, n, generator):
    """What the draws are like, and whether `generator` alone decides them.

    A right way to draw stays within 7 standard errors, with all its luck.
    """
    kept, seed = (mean.clone(), covariance.clone()), generator.initial_seed()
    seen = dict(observers.value(function, mean, covariance, n, generator))
    x = seen.pop("value")
    yield "returned", described(x)
    if not isinstance(x, torch.Tensor) or x.shape != (n, len(mean)):
        return
    yield from seen.items()

    def draw(n, generator):
        return frozen(function(*frozen(kept), n, generator))

    first, second = (torch.Generator().manual_seed(seed) for _ in range(2))
    small = [draw(50, first) for _ in range(3)]
    yield "same generator, same samples", torch.equal(small[0], draw(50, second))
    new = not any(map(torch.equal, small, small[1:]))
    yield "next call, new samples", new

    white = whitened(x, *kept)
    yield MOMENTS[0], white.mean(0) * n**0.5
    unit = torch.eye(len(mean)).double()
    yield MOMENTS[1], (white.T @ white / n - unit) * (n / (1 + unit)).sqrt()
    share, far = math.erfc(3.01 / 2**0.5), (white.abs() > 3.01).double().mean()
    yield MOMENTS[2], (far - share) * (white.numel() / share) ** 0.5
    yield "rows that differ", len(white.sum(1).unique())
    pairs = [white[lag:] * white[:-lag] for lag in (1, n // 2)]
    yield MOMENTS[3], torch.stack([p.mean(0) * len(p) ** 0.5 for p in pairs])
    if new:
        alone = [draw(1, generator) for _ in range(100)]
        yield "returned for n = 1", described(alone[0])
        if alone[0].shape == (1, len(mean)):
            variance = whitened(torch.cat(alone), *kept).square().mean(0)
            yield MOMENTS[4], (variance - 1) * (len(alone) / 2) ** 0.5


def described(x):
    """Type and shape, and whether the numbers are some."""
    if not isinstance(x, torch.Tensor):
        return None if x is None else f"no tensor: of type {type(x).__name__}"
    kind = f"a tensor of shape {tuple(x.shape)}, {str(x.dtype).removeprefix('torch.')}"
    return kind if x.isfinite().all() else f"{kind}, with NaN or infinity"


def whitened(x, mean, covariance):
    """Independent standard normal numbers, (n, d), if the distribution is right."""
    root = torch.linalg.cholesky(covariance.double())
    centered = (x.double() - mean.double()).T
    return torch.linalg.solve_triangular(root, centered, upper=False).T


def gaussian(mean, covariance, seed, n=20_000):
    """A probe: a class's Gaussian, and how much to draw from it."""
    return lambda: (
        torch.tensor(mean), torch.tensor(covariance), n,
        torch.Generator().manual_seed(seed),
    )  # fmt: skip


entry(
    r"""
    sample_class(mean, covariance, n, generator)
        root = torch.linalg.cholesky(covariance)
        z = torch.randn(n, len(mean), generator=generator, dtype=mean.dtype)
        return mean + z @ root.T

    because: E[(Lz)(Lz)^T] = L E[zz^T] L^T = L L^T = S, and Lz is normal as z is.
    praise: You have written a generator. A GAN replaces the matrix by a network.
    hint: For one number it is mean + std * z. What is the root of a matrix S?
    hint: torch.linalg.cholesky gives L with L L^T = S. For a column z it is L z; what
      is it for rows z of shape (n, d)?
    right: root = torch.linalg.cholesky(covariance) ->
      values, vectors = torch.linalg.eigh(covariance)
      \nroot = vectors * values.sqrt(){| @ vectors.T}
    right: | root = torch.linalg.cholesky(covariance)
      | z = torch.randn(len(mean), n, generator=generator, dtype=mean.dtype)
      | return (mean[:, None] + root @ z).T
    right: | root = torch.linalg.cholesky(covariance)
      | z = [torch.randn(len(mean), generator=generator) for _ in range(n)]
      | return torch.stack([mean + root @ one for one in z])

    * global random state: You draw from the global random state. Draw from `generator`:
      pass it to torch.randn, and set no global seed.
        generator=generator, ->
        generator=generator, ->
          && z = -> torch.manual_seed({0|generator.initial_seed()})\nz =
        | x = np.random.multivariate_normal(mean.numpy(), covariance.numpy(), n)
        | return torch.from_numpy(x).to(mean.dtype)
    * covariance in place of its root: z times S has covariance S S^T. Use a root L with
      L L^T = S, as a standard deviation is the root of a variance.
        root.T -> covariance
    * root on the wrong side: The root is transposed. For rows z it is `z @ L.T`, with L
      L^T = S: `z @ L` has covariance L^T L. (The eigenvectors are the columns of V.)
        root.T -> root
        root = torch.linalg.cholesky(covariance) ->
          values, vectors = torch.linalg.eigh(covariance)
          && root.T -> (vectors.T * values.sqrt()).T
    * covariance not used: Every pixel has variance 1 and ignores the others. Multiply z
      by a root of the covariance first.
        z @ root.T -> z
    * variances only: Each pixel has the right spread and ignores its neighbors. The
      off-diagonal covariances carry the strokes: use a root of the whole matrix.
        z @ root.T -> z * covariance.diagonal().sqrt()
    * root of each entry: A root of a matrix has L L^T = S: torch.linalg.cholesky.
        root.T -> covariance.sqrt()
    * mean forgotten: The draws lie around 0. Add the mean, the class's average image.
        mean + ->
    * seeded inside: The random numbers begin anew at each call. Draw from `generator`
      as it comes, and leave its state alone.
        z = -> generator.manual_seed({0|generator.initial_seed()})\nz =
    * latents not standard normal: Your latents are no standard normal numbers (uniform,
      or cut off?). Mean and variance alone make no Gaussian: use torch.randn.
        randn -> rand
        randn -> rand && return -> z = (z - 0.5) * 12**0.5\nreturn
        return -> z = z.clamp({-2, 2|-2.5, 2.5|-3, 3})\nreturn
    * clamped to the range: Clamping changes the distribution: many values are then
      exactly -1 or 1. Return what the Gaussian says; we want to see where it errs.
        return mean + z @ root.T -> return (mean + z @ root.T).clamp(-1, 1)
    """,
    names=NAMES,
    lesson=1,
    reference=gaussians.sample_class,
    observe=draws,
    seconds=10,  # 20,000 draws by a loop of Python take a second or two
    tolerance=dict.fromkeys(MOMENTS, (0.0, 7.0)),
    probes={
        "two pixels": gaussian([0.5, -0.5], [[1.0, 0.6], [0.6, 0.5]], seed=1),
        "three pixels": gaussian(
            [0.2, -0.6, 1.0], [[0.5, 0.3, 0], [0.3, 0.4, 0.1], [0, 0.1, 0.2]], seed=3
        ),
    },
    later={
        "two pixels that vary little": gaussian(
            [0.0, 0.0], [[0.01, 0.003], [0.003, 0.008]], seed=5
        ),
    },
)


def samples(*values, dtype=torch.float32):
    """A probe: these samples."""
    return lambda: (torch.tensor(values, dtype=dtype),)


entry(
    """
    mse_minimizer(samples)
        return samples.mean(0)

    because: the slope of E(x - a)^2 in a is 2(a - E x), which is 0 at a = E x.
    praise: A network trained with squared error draws the mean of all right answers.
    hint: Which a makes the mean of (x - a)^2 smallest? Set its slope in a to 0.
    hint: The slope is 2 (a - mean of x) for each pixel. A mean over which axis?
    right: return samples.sum(0) / len(samples)
    right: return torch.einsum("n...->...", samples) / samples.shape[0]

    * one number for all: Each pixel has a best guess of its own: average over dim 0.
        samples.mean(0) -> samples.mean()
    * mean of each sample: You average inside each sample. Average over them, dim 0.
        samples.mean(0) -> {samples.mean(-1)|samples.reshape(len(samples), -1).mean(1)}
    * median: The median is the best answer to the absolute error |x - a|. To the
      squared error it is the mean: set the slope of E(x - a)^2 to 0.
        samples.mean(0) -> samples.{median(0).values|quantile(0.5, dim=0)|median(0)}
    * best of the samples: That picks one of the samples. Squared error is smallest at a
      point where no sample has to lie: the minimum weighs all of them.
        samples.mean(0) -> {samples.mode(0).values|samples[0]|samples[-1]}
    * sum: The sum grows with the number of samples; divide by it.
        samples.mean(0) -> samples.sum(0)
    ~ shape changed: A guess is shaped like one sample: no keepdim, flatten or squeeze.
        samples.mean(0) -> samples.mean(0{).flatten()|).squeeze()|, keepdim=True)}
    ~ always float32: Keep the type of the samples: leave out the cast to float32.
        samples.mean(0) -> samples.float().mean(0)
    * the error, not the guess: That is how large the error is. Return the guess itself.
        samples.mean(0) -> samples.{var|std}(0{|, correction=0})
        samples.mean(0) -> (samples - samples.mean(0)).square().{mean|sum}()
    """,
    names=NAMES,
    lesson=1,
    observe=observers.value,
    probes={
        "numbers 0, 0, 1": samples(0.0, 0.0, 1.0),
        "numbers -1.5, -1.5, 1.5, 4.5": samples(-1.5, -1.5, 1.5, 4.5),
        "three points in the plane": samples([0.0, 2.0], [1.0, 0.0], [5.0, 1.0]),
        "two images of 1x2x2": samples([[[-1, 0], [1, 0.5]]], [[[1, -1], [0.5, 0]]]),
        "nine numbers": samples(0.0, 1.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 3.0),
        "float64": samples(0.1, 0.2, 0.6, dtype=torch.float64),
    },
)

entry(
    """
    sample_by_inverse_cdf(u)
        return u.sqrt()

    because: the share below x is the integral of 2t from 0 to x: x^2 = u, x = sqrt(u).
    praise: G in a GAN is such a function of random numbers, with learned weights.
    hint: Which share of the samples lies below x? Integrate the density 2t up to x.
    hint: Which share of uniform numbers lies below u? Choose x so that both are equal.
    right: return u**0.5
    right: return (u.log() / 2).exp()
    right: return torch.from_numpy(np.sqrt(u.numpy()))

    * the cdf itself: x^2 is the share of samples below x: from x to u. Solve x^2 = u.
        u.sqrt() -> u**2
    * the density itself: 2x says how dense samples are at x, and 2u is as dense
      everywhere in [0, 2]. Integrate first (x^2), then solve for x.
        u.sqrt() -> 2 * u
    * a factor 2 left over: The integral of 2x from 0 to x is x^2: the 2 is gone, and at
      u = 1 the sample must be exactly 1.
        u.sqrt() -> {(2 * u).sqrt()|(u / 2).sqrt()|u.sqrt() / 2|2 * u.sqrt()}
    ~ from the other end: The distribution is right: 1 - u is uniform too. The course
      asks for the increasing map, so that larger u means larger x.
        u.sqrt() -> (1 - u).sqrt()
    * mirrored: That samples 2(1 - x), dense near 0. Here samples crowd near 1.
        u.sqrt() -> 1 - {(1 - u)|u}.sqrt()
    * u unchanged: u is uniform, as dense at 0 as at 1. Solve x^2 = u for x.
        u.sqrt() -> u.clone()
    * sorted: The right values in another order: sample i belongs to u[i].
        u.sqrt() -> u.sqrt().{sort().values|sort(descending=True).values|flip(0)}
    * new random numbers: You draw anew; the randomness is already in u. The map itself
      is deterministic: the same u always gives the same x.
        u.sqrt() -> {torch.rand_like(u)|torch.rand(len(u))}.sqrt()
    """,
    names=NAMES,
    lesson=1,
    observe=observers.value,
    elementwise=True,
    probes={
        "u = 1/4": samples(0.25),
        "u = 0, 1/100, 1/2, 1": samples(0.0, 0.01, 0.5, 1.0),
        "u out of order": samples(0.81, 0.04, 0.36, 0.04),
        "float64": samples(0.3, 0.7, dtype=torch.float64),
    },
)
