"""Every loss of the course, in two sections that mirror each other.

On probabilities: as the paper writes them, for reading and for lessons 2 to 4. On
logits: the same quantities as training needs them, finite for any logit. All are means
over a batch, in nats; a logit is what the module D returns, high means real.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

# --- On probabilities: as the paper writes them -------------------------------------
#
# A probability is a sigmoid of a logit. These hold while it is neither 0 nor 1.


def binary_cross_entropy(probability: Tensor, target: Tensor) -> Tensor:
    """Negative log-likelihood of a Bernoulli distribution, averaged over the batch.

    -E[target log p + (1 - target) log(1 - p)].

    Args: probability (n,) that the target is 1, in (0, 1); target (n,) in [0, 1], 1 for
        real, 0 for generated, soft targets between.
    Returns: () nats; log 2 = 0.693 where every answer is 1/2.
    Raises: ValueError: the two shapes differ, or are not one-dimensional.
    Source: Bishop 2006, Pattern Recognition and Machine Learning, eq. 4.90.

    0.8 costs -log 0.8 = 0.223 on a real sample and -log 0.2 = 1.609 on a fake one:
    >>> answers, truth = torch.tensor([0.8, 0.8]), torch.tensor([1.0, 0.0])
    >>> round(binary_cross_entropy(answers, truth).item(), 3)
    0.916
    """
    _require_pair(probability=probability, target=target)
    right = target * torch.log(probability) + (1 - target) * torch.log(1 - probability)
    return -right.mean()


def value_function(real_probability: Tensor, fake_probability: Tensor) -> Tensor:
    """V(D, G), what D maximizes and G minimizes: two expectations, two batch means.

    E[log D(x)] + E[log(1 - D(G(z)))].

    Args: real_probability (m,), D(x), and fake_probability (n,), D(G(z)), in (0, 1).
    Returns: () nats, never above 0; -log 4 = -1.386 where D answers 1/2 everywhere.
    Raises: ValueError: an input is not one-dimensional.
    Source: Goodfellow et al. 2014, eq. 1.

    >>> half = torch.full((4,), 0.5)
    >>> round(value_function(half, half).item(), 3)
    -1.386
    """
    _require_batch(real_probability=real_probability, fake_probability=fake_probability)
    return torch.log(real_probability).mean() + torch.log(1 - fake_probability).mean()


def minimax_generator_loss(fake_probability: Tensor) -> Tensor:
    """What G minimizes in the minimax game: its term of V(D, G).

    E[log(1 - D(G(z)))]; slope -1 / (1 - D) in D, and -D in D's logit.

    Args: fake_probability (n,), D(G(z)), below 1.
    Returns: () nats, never above 0; -log 2 = -0.693 where D answers 1/2.
    Raises: ValueError: the input is not one-dimensional.
    Source: Goodfellow et al. 2014, eq. 1.

    >>> round(minimax_generator_loss(torch.full((4,), 0.5)).item(), 3)
    -0.693
    """
    _require_batch(fake_probability=fake_probability)
    return torch.log(1 - fake_probability).mean()


def nonsaturating_generator_loss(fake_probability: Tensor) -> Tensor:
    """What G minimizes with the flipped target: the cost of not being called real.

    -E[log D(G(z))]; slope -1 / D in D, and -(1 - D) in D's logit.

    Args: fake_probability (n,), D(G(z)), above 0.
    Returns: () nats, never below 0; log 2 = 0.693 where D answers 1/2.
    Raises: ValueError: the input is not one-dimensional.
    Source: Goodfellow et al. 2014, section 3.

    >>> round(nonsaturating_generator_loss(torch.full((4,), 0.5)).item(), 3)
    0.693
    """
    _require_batch(fake_probability=fake_probability)
    return -torch.log(fake_probability).mean()


def optimal_discriminator(p_data: Tensor, p_g: Tensor) -> Tensor:
    """The D that maximizes V(D, G) for this G: Bayes' rule with a prior of 1/2.

    D*(x) = p_data(x) / (p_data(x) + p_g(x)), at each point by itself.

    Args: p_data, p_g, densities of data and of generated samples at some points.
    Returns: Same shape, in [0, 1]; 1/2 where both densities are 0 and any answer is
        best.
    Source: Goodfellow et al. 2014, Proposition 1.

    >>> optimal_discriminator(torch.tensor([0.3, 0.2]), torch.tensor([0.1, 0.2]))
    tensor([0.7500, 0.5000])
    """
    total = p_data + p_g
    return torch.where(total > 0, p_data / total, torch.full_like(total, 0.5))


def smoothed_optimal_discriminator(
    p_data: Tensor, p_g: Tensor, real_target: float, fake_target: float
) -> Tensor:
    """The best D where the targets are not 1 and 0: their mean, weighted by density.

    D*(x) = (a p_data(x) + b p_g(x)) / (p_data(x) + p_g(x)), at each point by itself.

    Args:
        p_data, p_g: as for `optimal_discriminator`.
        real_target: a in [0, 1], the target of data; 1 is unsmoothed.
        fake_target: b in [0, 1], the target of generated samples; 0 is unsmoothed.
    Returns: Same shape, between b and a; NaN where both densities are 0.
    Source: Salimans et al. 2016, section 3.4.

    Where samples are as likely as data, D* is halfway between the targets:
    >>> equal = torch.tensor([0.2])
    >>> smoothed_optimal_discriminator(equal, equal, 0.9, 0.0)
    tensor([0.4500])
    """
    return (real_target * p_data + fake_target * p_g) / (p_data + p_g)


def jensen_shannon(p: Tensor, q: Tensor, dx: float) -> Tensor:
    """Divergence of two distributions, from 0 (equal) to log 2 (no point in common).

    JSD = 1/2 KL(p || m) + 1/2 KL(q || m) with m = (p + q) / 2, as a sum over a grid.
    With it, V(D*, G) = 2 JSD - log 4.

    Args: p, q (n,) densities on one grid; dx, the distance of two neighbors on it.
    Returns: () nats; 0 log 0 counts as 0.
    Source: Goodfellow et al. 2014, Theorem 1 and eq. 6; Lin 1991.

    Nothing in common, on a grid of four cells:
    >>> p, q = torch.tensor([0.5, 0.5, 0, 0]), torch.tensor([0, 0, 0.5, 0.5])
    >>> round(jensen_shannon(p, q, dx=1.0).item(), 3)
    0.693
    """
    m = (p + q) / 2
    # xlogy(p, p) - xlogy(p, m), not xlogy(p, p / m): 0 / 0 is NaN.
    kl_p = (torch.xlogy(p, p) - torch.xlogy(p, m)).sum() * dx
    kl_q = (torch.xlogy(q, q) - torch.xlogy(q, m)).sum() * dx
    return (kl_p + kl_q) / 2


# --- On logits: the forms that training uses ----------------------------------------
#
# log sigmoid(l) = -softplus(-l) and log(1 - sigmoid(l)) = -softplus(l), and
# softplus(l) = log(1 + exp(l)) = max(l, 0) + log1p(exp(-|l|)) overflows for no l.


def neg_log_sigmoid(logits: Tensor) -> Tensor:
    """The cost of a logit where 1 was right: -log(sigmoid(l)) = softplus(-l).

    = max(-l, 0) + log1p(exp(-|l|)), slope -sigmoid(-l).

    Args: logits, any shape; high means real.
    Returns: Same shape, nats: |l| where l is very negative, exp(-l) where very
        positive.
    Source: the first term of Goodfellow et al. 2014, eq. 1, with D = sigmoid(l).

    An undecided logit costs log 2 = 0.693; a confident mistake costs its logit:
    >>> [round(x, 3) for x in neg_log_sigmoid(torch.tensor([0.0, -1e4])).tolist()]
    [0.693, 10000.0]
    """
    return F.softplus(-logits)


def neg_log_one_minus_sigmoid(logits: Tensor) -> Tensor:
    """The cost of a logit where 0 was right: -log(1 - sigmoid(l)) = softplus(l).

    `neg_log_sigmoid` mirrored, because 1 - sigmoid(l) = sigmoid(-l); slope sigmoid(l).

    Args: logits, any shape; high means real.
    Returns: Same shape, nats: l where l is very positive, exp(l) where very negative.
    Source: the second term of Goodfellow et al. 2014, eq. 1, with D = sigmoid(l).

    >>> costs = neg_log_one_minus_sigmoid(torch.tensor([0.0, 1e4]))
    >>> [round(x, 3) for x in costs.tolist()]
    [0.693, 10000.0]
    """
    return F.softplus(logits)


def bce_with_logits(logits: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy of logits, averaged over the batch.

    E[target * -log(sigmoid(l)) + (1 - target) * -log(1 - sigmoid(l))].

    Args: logits (n,), high means target 1; target (n,) in [0, 1], soft ones between.
    Returns: () loss in nats; log 2 = 0.693 where every logit is 0.
    Raises: ValueError: the two shapes differ, or are not one-dimensional.
    Source: Bishop 2006, Pattern Recognition and Machine Learning, eq. 4.90.

    The logit 2 is right for target 1 (cost 0.127) and wrong for target 0 (cost 2.127):
    >>> logits, target = torch.tensor([2.0, 2.0]), torch.tensor([1.0, 0.0])
    >>> round(bce_with_logits(logits, target).item(), 3)
    1.127
    """
    _require_pair(logits=logits, target=target)
    cost_of_one = neg_log_sigmoid(logits)
    cost_of_zero = neg_log_one_minus_sigmoid(logits)
    return (target * cost_of_one + (1 - target) * cost_of_zero).mean()


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Negative value function -V(D, G), each expectation a batch mean.

    -E[log D(x)] - E[log(1 - D(G(z)))] with D = sigmoid(logits).

    Args: real_logits (m,), fake_logits (n,), D's outputs on data and on G's samples.
    Returns: () loss in nats; 2 log 2 = 1.386 when D answers 1/2 everywhere.
    Raises: ValueError: an input is not one-dimensional.
    Source: Goodfellow et al. 2014, eq. 1 and Algorithm 1.

    >>> round(discriminator_loss(torch.zeros(8), torch.zeros(4)).item(), 3)
    1.386
    """
    _require_batch(real_logits=real_logits, fake_logits=fake_logits)
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def generator_loss(fake_logits: Tensor) -> Tensor:
    """The non-saturating loss of the generator: the cost of not being called real.

    -E[log D(G(z))] with D = sigmoid(logits); slope -(1 - D) in each logit.

    Args: fake_logits (n,), discriminator outputs on generated samples.
    Returns: () loss in nats; log 2 = 0.693 when D answers 1/2.
    Raises: ValueError: the input is not one-dimensional.
    Source: Goodfellow et al. 2014, section 3.

    >>> round(generator_loss(torch.zeros(8)).item(), 3)
    0.693
    """
    _require_batch(fake_logits=fake_logits)
    return F.softplus(-fake_logits).mean()


def minimax_generator_loss_from_logits(fake_logits: Tensor) -> Tensor:
    """The minimax (saturating) loss of the generator: its term of V(D, G).

    E[log(1 - D(G(z)))] with D = sigmoid(logits); slope -D in each logit, which is
    almost 0 where D is sure of a fake.

    Args: fake_logits (n,), discriminator outputs on generated samples.
    Returns: () loss in nats, negative; -log 2 = -0.693 when D answers 1/2.
    Raises: ValueError: the input is not one-dimensional.
    Source: Goodfellow et al. 2014, eq. 1.

    >>> round(minimax_generator_loss_from_logits(torch.zeros(8)).item(), 3)
    -0.693
    """
    _require_batch(fake_logits=fake_logits)
    return -F.softplus(fake_logits).mean()


def log_softmax(logits: Tensor) -> Tensor:
    """Log-probabilities of k classes: l - logsumexp(l), along the last axis.

    The largest logit is taken off first, so no exponential exceeds 1; for k = 2 and
    logits (l, 0) the first entry is -neg_log_sigmoid(l).

    Args: logits (..., k), scores, or log-likelihood plus log-prior of each class.
    Returns: Same shape, nats; exp of each row sums to 1.
    Source: Bishop 2006, Pattern Recognition and Machine Learning, eq. 4.62.

    Two equal scores, however large, share the probability: log(1/2) each.
    >>> [round(x, 3) for x in log_softmax(torch.tensor([1000.0, 1000.0])).tolist()]
    [-0.693, -0.693]
    """
    shifted = logits - logits.amax(dim=-1, keepdim=True).detach()
    return shifted - torch.log(torch.exp(shifted).sum(dim=-1, keepdim=True))


def _require_batch(**batches: Tensor) -> None:
    """(n, 1) beside (n,) would broadcast to an n by n table without an error."""
    for name, batch in batches.items():
        if batch.dim() != 1:
            raise ValueError(
                f"{name} must have shape (n,), not {tuple(batch.shape)}; "
                "a network's (n, 1) becomes (n,) with .squeeze(1)"
            )


def _require_pair(**batches: Tensor) -> None:
    _require_batch(**batches)
    (one, a), (other, b) = batches.items()
    if a.shape != b.shape:
        raise ValueError(
            f"{one} and {other} must have one shape, not "
            f"{tuple(a.shape)} and {tuple(b.shape)}"
        )
