"""Bayes' rule, a Gaussian for each class, and sampling without a density."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from course_utils import gaussians

from .. import families, observers
from ..running import frozen
from ..text import entry

NAMES = {"torch": torch, "F": F, "np": np}

# ------------------------------------------------------------------ posterior


def seen_of_posterior(function, log_likelihoods, log_prior):
    """As always; at -1e4 neighbors in float32 lie 0.001 apart, which has its label."""
    large = log_likelihoods.abs().max() > 1e3
    for observation, seen in observers.value(function, log_likelihoods, log_prior):
        value = "value at large logarithms" if large else "value"
        yield value if observation == "value" else observation, seen


def logs(likelihoods, prior, dtype=torch.float32):
    """A probe from plain numbers, so that it can be read."""
    return lambda: (
        torch.tensor(likelihoods, dtype=dtype).log(),
        torch.tensor(prior, dtype=dtype).log(),
    )


def far(*rows, prior=(0.5, 0.5)):
    """A probe: rows of log-likelihoods."""
    return lambda: (torch.tensor(rows), torch.tensor(prior).log())


entry(
    """
    posterior(log_likelihoods, log_prior)
        joint = log_likelihoods + log_prior
        return torch.softmax(joint, dim=1)

    because: softmax is Bayes' rule for logarithms: exp of each, divided by the row's
      sum, after a shift by the row's maximum that cancels.
    praise: The same line turns any k densities into a classifier. With two densities,
      data and generated, it is what a GAN calls the discriminator.
    hint: Bayes' rule multiplies likelihood and prior. What is a product in logarithms?
    hint: Then every row has to sum to 1 after exp, and exp(-10000) is 0. Which function
      of torch exponentiates and normalizes a row in one go, safely?
    edge: Right, but not where the prior excludes a class (its log is -inf): that class
      gets exactly 0, and the others share the 1. Is there an epsilon or a clamp?
    right: return torch.log_softmax(log_likelihoods + log_prior, dim=1).exp()
    right: | joint = log_likelihoods + log_prior
      | return (joint - torch.logsumexp(joint, dim=1, keepdim=True)).exp()
    right: | joint = log_likelihoods + log_prior
      | joint = (joint - joint.max(dim=1, keepdim=True).values).exp()
      | return joint / joint.sum(dim=1, keepdim=True)
    right: return torch.stack([torch.softmax(row + log_prior, 0) for row in
      log_likelihoods])

    * prior forgotten
        + log_prior ->
      The prior is missing: this is the posterior of a pile in which every class is
      equally frequent. Add `log_prior` before you normalize.
    * prior without its logarithm
        + log_prior -> {+ log_prior.exp()|* log_prior.exp()|* log_prior}
      In logarithms a product is a sum: log p(x|y) + log p(y). Add `log_prior` as it
      comes, without exp and without multiplying.
    * normalized down the columns
        dim=1 -> dim=0
      Each column sums to 1, so images compete for a class. The classes compete for an
      image: normalize along dim=1.
    * the pair that max returns
        torch.softmax(joint, dim=1) -> joint - joint.max(1)
      `.max(1)` returns a pair, the values and where they are, and a pair cannot be
      subtracted. `.amax(1, keepdim=True)` returns the values.
    * sum without keepdim
        torch.softmax(joint, dim=1) -> joint.exp() / joint.exp().sum(1)
      The row sums have shape (n,) and line up with the columns; where n equals k nothing
      complains and image j's sum divides class j. Use `.sum(1, keepdim=True)`.
    * one sum for the whole table
        torch.softmax(joint, dim=1) -> joint.exp() / joint.exp().sum()
      You divide by the sum of the whole table, so all rows together sum to 1. Each image
      has its own doubt: sum each row, `.sum(1, keepdim=True)`.
    * prior after normalizing
        return torch.softmax(log_likelihoods, dim=1) * log_prior.exp()
      The likelihoods are normalized first and the prior multiplied after, so the rows
      no longer sum to 1. Multiply first, normalize last.
    * exponentiated twice
        softmax(joint -> softmax(joint.exp()
        joint = -> joint = log_likelihoods.exp() + {log_prior|log_prior.exp()} #
      softmax takes exp itself, and you give it numbers that went through exp already.
      Give it the logarithms as they come, added.
    * logarithms divided by their sum
        torch.softmax(joint, dim=1) -> joint / joint.sum(1, keepdim=True)
        torch.softmax(joint, dim=1) -> joint / joint.sum(1, keepdim=True)
          && + log_prior -> * log_prior
      You divide logarithms by their sum, and some of your numbers are no probabilities.
      The rule divides p(x|y) p(y) by its sum: take exp of the added logarithms first.
    * prior divided out
        + log_prior -> - log_prior
      You subtract `log_prior`, which divides by the prior: rare classes win. Bayes' rule
      multiplies by it, so add its logarithm.
    * logarithm of the joint
        torch.softmax(joint, dim=1) -> joint
      That is log p(x|y) + log p(y), the numerator of Bayes' rule in logarithms. Now
      exponentiate, and divide each row by its sum.
    * not normalized
        torch.softmax(joint, dim=1) -> joint.exp()
      These are p(x|y) p(y), the joint numbers: the numerator of Bayes' rule. Divide each
      row by its sum.
    * divided by the maximum
        torch.softmax(joint, dim=1) -> (joint - joint.amax(1, keepdim=True)).exp()
      The best class gets exactly 1 and the row sums to more than 1. Shifting by the
      maximum is a good idea; then divide by the row's sum.
    ~ logarithms returned
        softmax -> log_softmax
      Right, and still in logarithms. The contract asks for probabilities: take exp at
      the end.
    * a decision, not a probability
        torch.softmax(joint, dim=1) -> F.one_hot(joint.argmax(1), len(log_prior))
          .{float()|to(joint.dtype)}
      That is the winning class with all doubt removed. Keep the doubt: exponentiate and
      divide by the row's sum.
    * epsilon in the denominator
        | joint = (log_likelihoods + log_prior).exp()
        | return joint / (joint.sum(1, keepdim=True) + {1e-6|1e-12})
      The epsilon removes the NaN and puts a row of zeros there: the image belongs to no
      class at all. Stay in logarithms: torch.softmax shifts each row by its maximum
      first.
    * exponentiated too early
        | joint = (log_likelihoods + log_prior).exp()
        | return joint / joint.sum(1, keepdim=True)

        | joint = (log_likelihoods + log_prior).double().exp()
        | joint = joint / joint.sum(1, keepdim=True)
        | return {joint|joint.float()|joint.to(log_prior.dtype)}
      Right on small numbers. At -10000 both likelihoods are 0, in float64 too, and 0/0
      is NaN (at +10000 both are infinite). Only differences matter, so subtract each
      row's maximum first, or use torch.softmax.
    * one maximum for all rows
        | joint = log_likelihoods + log_prior
        | joint = (joint - joint.max()).exp()
        | return joint / joint.sum(1, keepdim=True)
      You subtract the largest number of the whole table. A row that lies some hundreds
      below it still becomes 0/0: give each row its own maximum,
      `.amax(1, keepdim=True)`.
    * maximum before the prior
        | joint = log_likelihoods - log_likelihoods.amax(1, keepdim=True) + log_prior
        | return joint.exp() / joint.exp().sum(1, keepdim=True)
      You shift by the likeliest class before the prior is added. Where the prior
      excludes that class, all the others lie far below and become 0/0. Add the prior
      first, then take the row's maximum.
    * shifted by something other than the maximum
        | joint = log_likelihoods + log_prior
        | shift = {joint|log_likelihoods}.{mean|amin}(1, keepdim=True)
        | return (joint - shift).exp() / (joint - shift).exp().sum(1, keepdim=True)

        | joint = log_likelihoods + log_prior
        | joint = (joint - {joint|log_likelihoods}[:, {[0]|[-1]}]).exp()
        | return joint / joint.sum(1, keepdim=True)
      You shift each row, and not by its largest entry: a class 300 above your shift
      overflows to infinity, and infinity over infinity is NaN. Subtract the maximum:
      then the largest exponent is 0.
    ~ always float32
        softmax(joint -> softmax(joint.float()
      The result is always float32. Keep the type of the input: leave out the cast.
    """,
    names=NAMES,
    lesson=1,
    reference=gaussians.posterior,
    observe=seen_of_posterior,
    elementwise=True,
    atol=0.0,
    tolerance={"value at large logarithms": (0, 2e-3)},
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
        "rows from -10300 to -10000": far([-10300.0, -10000.0], [-10000.0, -10300.0]),
    },
    edge={
        "a class that the prior excludes": logs([[3.0, 1.0]], [0.0, 1.0]),
        "the likeliest class is excluded": far(
            [0.0, -200.0], [-1.0, -10000.0], [-1.0, -2.0], prior=(0.0, 1.0)
        ),
    },
)
