"""Lesson 2, formulas: cross-entropy, the value function, D*, and the divergence.

The steps of the players, their loop, and the game x * y are in lesson02_steps.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils import losses

from .. import families, observers
from ..text import entry

NAMES = {"torch": torch, "F": F}


def rows(*numbers: tuple[float, ...], dtype=torch.float32) -> Callable[[], tuple]:
    """A probe: one tensor for each row of numbers."""
    return lambda: tuple(torch.tensor(row, dtype=dtype) for row in numbers)


def cost_and_slope(function: Any, probability: Tensor, target: Tensor):
    """Slopes in the probability alone: PyTorch's own has none in the target."""
    return slope_while_plain(lambda p: function(p, target), probability)


def slope_while_plain(function: Any, *given: Tensor):
    """Without the slope below 1e-12, where PyTorch's own cross-entropy caps it."""
    plain = min(float(p.min()) for p in given) > 1e-12
    for what, seen in observers.value_and_slope(function, *given):
        if plain or what != "slope":
            yield what, seen


entry(
    r"""
    binary_cross_entropy(probability, target)
        right = target * torch.log(probability)
        wrong = (1 - target) * torch.log(1 - probability)
        return -(right + wrong).mean()

    because: It is the negative log-likelihood of a Bernoulli distribution, averaged.
    praise: This is what an answer costs. Next: which answer costs least?
    hint: Which probability did the answer give to what came true: p, or 1 - p?
    hint: `target * log(p)` is the score on a real sample. What is the other half?
    edge: Right, but not where a probability is small: there an epsilon or a clamp
      decides its log. The formula has none; a later lesson makes the log safe.
    right: return F.binary_cross_entropy(probability, target)
    right: return -(torch.xlogy(target, probability)
      + torch.xlogy(1 - target, 1 - probability)).mean()
    right: return -sum(target * torch.log(probability)
      + (1 - target) * torch.log(1 - probability)) / len(target)

    * lost minus: That is the log-likelihood: negative, and highest where answers are
      best. A cost has the minus sign in front.
        return - -> return
    * minus on one term: One of the two terms has no minus and is paid out as a reward.
      Put brackets around the sum: `-(... + ...)`.
        -(right + wrong) -> ({-right + |right - }wrong)
    * arguments swapped: Probability and target changed places: the log belongs to the
      probability, the weights `t` and `1 - t` are the target's.
        right = -> probability, target = target, probability; right =
        return F.binary_cross_entropy(target, probability)
    * targets swapped: A real sample is charged as if it were fake. Target 1 goes with
      `log p`, target 0 with `log(1 - p)`.
        right = -> target = 1 - target; right =
    * half of it missing: Answers on fakes cost nothing here, so calling everything real
      is free. Add `(1 - target) * log(1 - p)`.
        (right + wrong) -> right
    * the other probability forgotten: Both targets are charged `-log p`. Where the
      sample is fake, the probability of the truth is `1 - p`.
        log(1 - probability) -> log(probability)
    * double sigmoid: `..._with_logits` applies a sigmoid, and the input is a
      probability already: it has been through one.
        return F.binary_cross_entropy_with_logits(probability, target)
    """,
    names=NAMES,
    families=families.MEANS + families.LOGS,
    without=("one minus is missing", "sign turned", "a second sigmoid"),
    lesson=2,
    reference=losses.binary_cross_entropy,
    observe=cost_and_slope,
    probes={
        "real, called real with 0.8": rows((0.8,), (1.0,)),
        "fake, called real with 0.8": rows((0.8,), (0.0,)),
        "three samples": rows((0.9, 0.2, 0.6), (1.0, 0.0, 1.0)),
        "soft targets 0.9 and 0.1": rows((0.7, 0.4), (0.9, 0.1)),
    },
    edge={
        "sure, and wrong": rows((0.999, 0.5), (0.0, 1.0)),
        "surer, and wrong": rows((1e-6, 0.5), (1.0, 0.0)),
        "in float64, and all but certain": rows(
            (2**-36, 0.7, 0.2, 1 - 2**-36), (1.0, 1.0, 0.0, 0.0), dtype=torch.float64
        ),
        "in float64, with 1e-40": rows((1e-40,), (1.0,), dtype=torch.float64),
    },
)

entry(
    r"""
    value_function(real_probability, fake_probability)
        real_term = torch.log(real_probability).mean()
        fake_term = torch.log(1 - fake_probability).mean()
        return real_term + fake_term

    because: Each expectation is estimated by the mean over its own batch.
    praise: This one number is the whole game: D pushes it up, G pushes it down.
    hint: There are two expectations. How is each estimated from its own batch?
    hint: Which probability does D give to the truth about a real, and about a fake one?
    edge: Right, but not where a probability is small: there an epsilon or a clamp
      decides its log. The formula has none; a later lesson makes the log safe.
    right: return -(F.binary_cross_entropy(real_probability, real_probability * 0 + 1)
      + F.binary_cross_entropy(fake_probability, fake_probability * 0))
    right: return real_probability.log().mean() + (-fake_probability).log1p().mean()
    right: return (sum(torch.log(real_probability)) / len(real_probability)
      + sum(torch.log(1 - fake_probability)) / len(fake_probability))

    ~ the loss: That is D's loss, -V. The value function itself has no minus: D climbs
      it, and -log 4 is its value for a D that cannot tell.
        return real_term + fake_term -> return -(real_term + fake_term)
    * swapped: Data is scored as fake. log D goes with data, log(1 - D) with fakes.
        log(real_probability) -> log(1 - real_probability)
          && log(1 - fake_probability) -> log(fake_probability)
    * one mean over both: With one mean over both batches the larger one counts more. V
      has two expectations: take two means and add them.
        return {1|2} * torch.cat([real_probability.log(),
          (1 - fake_probability).log()]).mean()
    * added pair by pair: Real and fake samples are added in pairs, which fails where
      the batches differ in size. Average each batch by itself, then add.
        .mean() -> && return real_term + fake_term -> return (real_term
          + fake_term).mean()
        return torch.log(real_probability * (1 - fake_probability)).mean()
    * reals only: Without the second term D may call everything real, for free.
        return real_term + fake_term -> return real_term
    * fakes only: That is the one term that G can move. V also holds E[log D(x)].
        return real_term + fake_term -> return fake_term
    """,
    names=NAMES,
    families=families.MEANS + families.LOGS,
    without=("no mean", "sign turned"),
    lesson=2,
    reference=losses.value_function,
    observe=slope_while_plain,
    probes={
        "one real with 0.8, one fake with 0.3": rows((0.8,), (0.3,)),
        "D answers 1/2 to all": rows((0.5, 0.5), (0.5, 0.5)),
        "two reals, two fakes": rows((0.9, 0.6), (0.2, 0.4)),
        "two reals, five fakes": rows((0.9, 0.6), (0.1, 0.4, 0.2, 0.7, 0.3)),
        "300 reals, 150 fakes": rows((0.9, 0.3, 0.6) * 100, (0.1, 0.6, 0.4) * 50),
    },
    edge={
        "sure of one real, and wrong": rows((1e-6, 0.5), (0.5,)),
        "right, nearly every time": rows((1 - 2**-5,), (2**-5,)),
        "surer, and wrong": rows((2**-36, 0.5), (0.5, 0.25)),
        "all but certain of one fake, and wrong": rows((0.5,), (1 - 2**-24, 0.5)),
        "real with 1e-37": rows((1e-37,), (0.5,)),
    },
)


def table() -> tuple[Tensor, Tensor]:
    """Two rows of densities, in float64."""
    p = torch.tensor([[0.3, 0.1, 0.7], [0.2, 1.0, 0.6]], dtype=torch.float64)
    return p, p.flip(0, 1) + 0.1


entry(
    """
    optimal_discriminator(p_data, p_g)
        return p_data / (p_data + p_g)

    because: It is the posterior of real under a prior of 1/2; the halves cancel.
    praise: The classifier of an earlier lesson as a player: the best D is Bayes' rule.
    hint: Of 100 samples at this point, 75 are real. What should an honest D answer?
    hint: Bayes' rule with both priors 1/2: the halves cancel.
    edge: Right where samples are common. Where a density is tiny or 0, an epsilon, a
      threshold or a rounding decides the answer. The formula has none.
    right: return 1 / (1 + p_g / p_data)
    right: return torch.sigmoid(torch.log(p_data) - torch.log(p_g))
    right: return 1 - p_g / (p_data + p_g)

    * the other share: That is the share of fakes, and D tells that of *real* ones.
        return p_g / (p_data + p_g)
    * missing parentheses: A division goes before a sum: `p_data / p_data + p_g` is 1 +
      p_g. Put the sum in parentheses.
        (p_data + p_g) -> p_data + p_g
    * the ratio: p_data / p_g says how many real samples come on one fake: the odds. A
      probability is the share of all samples.
        return p_data / p_g
    * the difference: A difference of densities is 0 where both are equal; D* is 1/2
      there. Ask for the share of real ones.
        return {p_data - p_g|(p_data - p_g).clamp(0, 1)|(p_data - p_g) / (p_data + p_g)}
    * a hard decision: D* says how sure to be, not yes or no: three to one is 3/4.
        return (p_data {>|>=} p_g).to(p_data.dtype)
    * normalized over the batch: The points share one sum here. D answers each point by
      itself: divide by the two densities at that point.
        return p_data / {(p_data + p_g)|p_data}.sum()
    """,
    names=NAMES,
    lesson=2,
    reference=losses.optimal_discriminator,
    observe=observers.value,
    probes={
        "three real to one fake": rows((0.3,), (0.1,)),
        "equally many": rows((0.2,), (0.2,)),
        "high densities": rows((400.0, 1.0, 2.0), (100.0, 3.0, 2.0)),
        "a table of points, in float64": table,
    },
    edge={
        "real ones only": rows((0.5,), (0.0,)),
        "fake ones only": rows((0.0,), (0.5,)),
        "hardly any of one kind": rows((0.003, 0.9), (0.9, 0.003)),
        "far out, where hardly any are": rows((1e-12, 6e-13), (3e-12, 2e-13)),
        "still farther out, in float64": rows(
            (1e-200, 6e-201), (3e-200, 2e-201), dtype=torch.float64
        ),
    },
    rtol=1e-4,
    atol=1e-12,  # where only fakes are, D* is 0 however it is written
    same=1e-4,
    elementwise=True,
)

EXACT = "value, to 1e-6"  # the next cell compares 2 JSD with V to that


def divergence(function: Any, p: Tensor, q: Tensor, dx: float):
    """The value; first whether it is a number, which names 0 log 0."""
    (_, result), *others = observers.value(function, p, q, dx)
    finite = not isinstance(result, Tensor) or bool(result.isfinite().all())
    yield "is it a number", "yes" if finite else "no: NaN or infinite"
    yield EXACT if p.dtype == torch.float64 else "value", result
    yield from others


def gaussians(
    left: float, right: float, dx: float, *, grid=(-9.0, 9.0), dtype=torch.float32
) -> Callable[[], tuple]:
    """A probe: two densities of variance 1 on a grid."""

    def make() -> tuple[Tensor, Tensor, float]:
        x = torch.arange(*grid, dx, dtype=dtype)
        p, q = (torch.exp(-(x - m).square() / 2) for m in (left, right))
        return p / math.sqrt(2 * math.pi), q / math.sqrt(2 * math.pi), dx

    return make


def boxes(shift: float):
    """A probe: two uniform densities on [0, 4], each of width 1."""

    def make() -> tuple[Tensor, Tensor, float]:
        x = torch.arange(0.0, 4.0, 0.01) + 0.005
        return (x < 1).float(), ((x > shift) & (x < 1 + shift)).float(), 0.01

    return make


def kl(p: Tensor, q: Tensor) -> Tensor:
    """The terms of KL(p || q): 0 where p is 0, infinite where only q is."""
    return torch.where(p > 0, p * torch.log(p / q), 0.0)


entry(
    r"""
    jensen_shannon(p, q, dx)
        m = (p + q) / 2
        kl_p = (torch.xlogy(p, p) - torch.xlogy(p, m)).sum() * dx
        kl_q = (torch.xlogy(q, q) - torch.xlogy(q, m)).sum() * dx
        return (kl_p + kl_q) / 2

    because: Both distributions are compared with their average; 0 log 0 is 0.
    praise: Now you can say what the best D measures: V(D*, G) = 2 JSD - log 4.
    hint: What is the density of a sample drawn from either one with equal chance?
    hint: KL(p || m) is the sum of p log(p / m), times dx. What is `p log p` to be where
      p is 0? `torch.xlogy` knows.
    right: return (kl(p, (p + q) / 2) + kl(q, (p + q) / 2)).sum() * dx / 2
    right: return (p * torch.log((p + 1e-12) / ((p + q) / 2 + 1e-12))
      + q * torch.log((q + 1e-12) / ((p + q) / 2 + 1e-12))).sum() * dx / 2

    * 0 log 0: Right, until a density is 0: there `0 * log(0)` or 0/0 is NaN, and one
      NaN spoils the sum. `torch.xlogy(p, p)` and `torch.xlogy(p, m)` count it as 0.
        torch.xlogy(p, p) - torch.xlogy(p, m) -> p * torch.log(p / m)
          && torch.xlogy(q, q) - torch.xlogy(q, m) -> q * torch.log(q / m)
    * through 1 - D*: On paper V(D*, G) + log 4 is 2 JSD. In float32 1 - D* rounds to 0
      where q is far below p, and its log is infinite. Compare p and q with m.
        | d = p / (p + q)
        | value = (p * torch.log(d) + q * torch.log(1 - d)).sum() * dx
        | return (value + 2 * math.log(2)) / 2
    * p log p is missing: `torch.xlogy(p, m)` is p log m. KL(p || m) is the integral of
      p log(p / m), that is p log p - p log m.
        /torch.xlogy\((.), \1\) - torch.xlogy/ -> {-|}torch.xlogy
    * a large epsilon: Your epsilon is large enough to change the result. Leave it out:
      `torch.xlogy(p, p)` and `torch.xlogy(p, m)` count 0 log 0 as 0.
        /torch.xlogy\((.), (.)\)/ -> \1 * torch.log(\2 + {1e-2|1e-3|1e-4|1e-5|1e-6})
        m = -> e = {1e-2|1e-3|1e-4|1e-5}; p, q = p + e, q + e; m =
        m = -> e = {1e-2|1e-3|1e-4}; p, q = p.clamp(min=e), q.clamp(min=e); m =
    * m not halved: m is the *average* of p and q: divide their sum by 2.
        m = (p + q) / 2 -> m = p + q
    * dx forgotten: An integral over the grid is a sum of heights times the width dx.
      Without dx the result depends on how fine the grid is.
        * dx ->
        .sum() * dx -> .mean()
    * KL without m: That compares p and q with each other: infinite where one of them is
      0. Compare both with their average m.
        return {kl(p, q)|kl(q, p)|(kl(p, q) + kl(q, p))|0.5 * (kl(p, q) + kl(q, p))
          }.sum() * dx
    * half of it: Only one of the two distributions is compared with m. The average
      takes the other one's turn too.
        return (kl_p + kl_q) -> return {kl_p|kl_q}
        (kl_p + kl_q) / 2 -> {kl_p|kl_q}
    ~ both halves forgotten: Right, up to a factor 2: the *average* of the two KLs is
      wanted, with log 2 as its largest value.
        (kl_p + kl_q) / 2 -> (kl_p + kl_q)
    ~ root: That is the Jensen-Shannon *distance*, the square root, as SciPy returns it.
      The formula of the game has no root.
        return (kl_p + kl_q) / 2 -> return ((kl_p + kl_q) / 2).clamp(min=0).sqrt()
    ~ bits: Right, in bits: you used log2. The course counts in nats: `torch.log`.
        return (kl_p + kl_q) / 2 -> return (kl_p + kl_q) / 2 / math.log(2)
    """,
    names={**NAMES, "math": math, "kl": kl},
    families=families.MEANS,
    lesson=2,
    reference=losses.jensen_shannon,
    observe=divergence,
    probes={
        "two Gaussians, 2 apart": gaussians(0.0, 2.0, 0.05),
        "the same on a finer grid": gaussians(0.0, 2.0, 0.02),
        "a Gaussian and itself": gaussians(1.0, 1.0, 0.05),
        "two boxes, shifted by 1/4": boxes(0.25),
        "two boxes with no point in common": boxes(2.0),
        "a part of both": gaussians(0.0, 2.0, 0.05, grid=(-1.0, 2.5)),
        "the other way round": gaussians(2.0, 0.0, 0.05, grid=(-1.0, 2.5)),
        "in float64": gaussians(0.0, 2.0, 0.05, dtype=torch.float64),
    },
    rtol=1e-4,
    atol=1e-4,
    tolerance={EXACT: (0.0, 5e-7)},
    same=1e-6,  # an epsilon differs from rounding by little
)
