"""Lesson 2, formulas: cross-entropy, the value function, D*, and the divergence.

The steps of the players, their loop, and the game x * y are in lesson02_steps.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils import losses

from . import observers
from .engine import Exercise, Mistake, register

log = torch.log
BITS = "Right, in bits: you used log2. The course counts in nats: `torch.log`."
IN_LOGS = (*(10.0**-k for k in range(2, 13)), 2**-23)  # one below is unseen
FLOORS = (10, 20, 50)  # for the log itself; PyTorch's own stands at 100
NO_EPSILON = (
    "Where a probability is small, your epsilon (or clamp) decides its log: the "
    "formula has none. Probabilities stay strictly between 0 and 1 here; lesson 5 "
    "makes the log safe without one."
)


def _rows(*rows: tuple[float, ...], **kw: Any) -> Callable[[], tuple[Tensor, ...]]:
    """A probe: one tensor for each row."""
    return lambda: tuple(torch.tensor(row, **kw) for row in rows)


# ------------------------------------------------------------------ cross-entropy


def _cost_and_slope(
    function: Any, probability: Tensor, target: Tensor
) -> Iterator[tuple[str, Any]]:
    """Slopes in the probability alone: PyTorch's own has none in the target."""
    seen = observers.value_and_slope(lambda p: function(p, target), probability)
    yield from _slope_while_plain(seen, probability)


def _slope_while_plain(seen: observers.Seen, *given: Tensor) -> observers.Seen:
    """Without the slope below 1e-12, where PyTorch's own cross-entropy caps it."""
    plain = min(float(p.min()) for p in given) > 1e-12
    return (found for found in seen if plain or found[0] != "slope")


def _score(p: Tensor, t: Tensor) -> Tensor:
    """The log-likelihood of each answer."""
    return t * log(p) + (1 - t) * log(1 - p)


def _bernoulli(p: Tensor) -> torch.distributions.Bernoulli:
    """Soft targets allowed; it clamps p."""
    return torch.distributions.Bernoulli(p, validate_args=False)


register(
    Exercise(
        name="binary_cross_entropy",
        lesson=2,
        reference=losses.binary_cross_entropy,
        observe=_cost_and_slope,
        probes={
            "a real coin, called real with 0.8": _rows((0.8,), (1.0,)),
            "a fake coin, called real with 0.8": _rows((0.8,), (0.0,)),
            "three coins": _rows((0.9, 0.2, 0.6), (1.0, 0.0, 1.0)),
            "three coins, each twice": _rows(
                (0.9, 0.2, 0.6, 0.9, 0.2, 0.6), (1.0, 0.0, 1.0, 1.0, 0.0, 1.0)
            ),
            "soft targets 0.9 and 0.1": _rows((0.7, 0.4), (0.9, 0.1)),
            "sure, and wrong": _rows((0.999, 0.5), (0.0, 1.0)),
            "surer, and wrong": _rows((1e-6, 0.5), (1.0, 0.0)),
        },
        later={
            "in float64, and all but certain": _rows(
                (2**-36, 0.7, 0.2, 1 - 2**-36, 0.4, 0.9, 0.3, 0.6),
                (1.0, 1.0, 0.0, 0.0, 1.0, 0.9, 0.0, 0.1),
                dtype=torch.float64,
            ),
            "in float64, with 1e-40": _rows((1e-40,), (1.0,), dtype=torch.float64),
        },
        accepts=[
            F.binary_cross_entropy,
            lambda p, t: -(torch.xlogy(t, p) + torch.xlogy(1 - t, 1 - p)).mean(),
            lambda p, t: -torch.lerp(torch.log1p(-p), log(p), t).mean(),
            lambda p, t: -sum(_score(p, t)) / len(p),
        ],
        mistakes=[
            Mistake(
                "lost minus",
                lambda p, t: _score(p, t).mean(),
                "That is the log-likelihood: negative, and highest where answers are "
                "best. A cost has the minus sign in front.",
            ),
            Mistake(
                "minus on one term",
                (
                    lambda p, t: (-t * log(p) + (1 - t) * log(1 - p)).mean(),
                    lambda p, t: (t * log(p) - (1 - t) * log(1 - p)).mean(),
                ),
                "The minus stands before one of the two terms only, and the other is "
                "paid out as a reward. Put brackets around the sum: `-(... + ...)`.",
            ),
            Mistake(
                "arguments swapped",
                (
                    lambda p, t: F.binary_cross_entropy(t, p),
                    lambda p, t: -_score(t, p).mean(),
                ),
                "Probability and target changed places: the log belongs to the "
                "probability, the weights `t` and `1 - t` are the target's.",
            ),
            Mistake(
                "epsilon",
                tuple(
                    lambda p, t, e=e: (
                        -(t * log(p + e) + (1 - t) * log(1 - p + e)).mean()
                    )
                    for e in IN_LOGS
                )
                + tuple(
                    lambda p, t, e=e, top=top: -_score(p.clamp(e, top), t).mean()
                    for e in IN_LOGS
                    for top in (1 - e, 1.0)
                )
                + tuple(
                    lambda p, t, a=a: (
                        -(
                            t * log(p).clamp(min=-a)
                            + (1 - t) * log(1 - p).clamp(min=-a)
                        ).mean()
                    )
                    for a in FLOORS
                )
                + (lambda p, t: -_bernoulli(p).log_prob(t).mean(),),
                NO_EPSILON,
            ),
            Mistake(
                "targets swapped",
                lambda p, t: -_score(p, 1 - t).mean(),
                "A real coin is charged as if it were fake. Target 1 goes with "
                "`log p`, target 0 with `log(1 - p)`.",
            ),
            Mistake(
                "half of it missing",
                lambda p, t: -(t * log(p)).mean(),
                "Answers on fake coins cost nothing here, so calling everything real "
                "is free. Add `(1 - target) * log(1 - p)`.",
            ),
            Mistake(
                "the other probability forgotten",
                lambda p, t: -(t * log(p) + (1 - t) * log(p)).mean(),
                "Both targets are charged `-log p`. Where the coin is fake, the "
                "probability of the truth is `1 - p`.",
            ),
            Mistake(
                "one minus outside",
                lambda p, t: -(t * log(p) + (1 - t) * (1 - log(p))).mean(),
                "`1 - log(p)` is not `log(1 - p)`: the subtraction belongs inside, to "
                "the probability.",
            ),
            Mistake(
                "hard targets",
                lambda p, t: -torch.where(t > 0.5, log(p), log(1 - p)).mean(),
                "Right for targets 0 and 1, but 0.9 is taken for 1. Weigh both logs: "
                "`target` times one, `1 - target` times the other.",
            ),
            Mistake(
                "double sigmoid",
                lambda p, t: F.binary_cross_entropy_with_logits(p, t),
                "A sigmoid was put on a probability. `..._with_logits` wants the "
                "number before the sigmoid; here it is behind it already.",
            ),
            Mistake(
                "log of the mean",
                lambda p, t: -log((t * p + (1 - t) * (1 - p)).mean()),
                "The mean was taken before the log. Each answer pays by itself: log "
                "first, then the mean.",
            ),
            Mistake(
                "no log",
                (
                    lambda p, t: -(t * p + (1 - t) * (1 - p)).mean(),
                    lambda p, t: (t * (1 - p) + (1 - t) * p).mean(),
                ),
                "Without the log a sure and wrong answer costs no more than 1. The log "
                "is what makes it expensive.",
            ),
            Mistake(
                "squared error",
                lambda p, t: (p - t).square().mean(),
                "That is the squared distance to the target. Wanted is the negative "
                "log of the probability given to the truth.",
            ),
            Mistake(
                "sum",
                lambda p, t: -_score(p, t).sum(),
                "A sum grows with the batch. Take the mean, which estimates an "
                "expectation whatever the batch's size.",
            ),
            Mistake(
                "divided twice",
                lambda p, t: -_score(p, t).mean() / len(p),
                "The mean is divided by n already; you divided once more.",
            ),
            Mistake(
                "no reduction",
                lambda p, t: -_score(p, t),
                "These are the costs of the single answers, right each. Their mean is "
                "wanted: one number.",
            ),
            Mistake(
                "bits",
                lambda p, t: -_score(p, t).mean() / math.log(2),
                BITS,
                kind="convention",
            ),
            Mistake(
                "log10",
                lambda p, t: -_score(p, t).mean() / math.log(10),
                "Right, with the logarithm to base 10. The course counts in nats: "
                "`torch.log`.",
                kind="convention",
            ),
            Mistake(
                "half",
                lambda p, t: -_score(p, t).mean() / 2,
                "Right, up to a factor 1/2 that the course leaves out.",
                kind="convention",
            ),
        ],
        hints=[
            "Which probability did the answer give to what came true: p, or 1 - p?",
            "`target * log(p)` is the answer's score if the coin is real and 0 "
            "otherwise. What is the other half?",
        ],
        answer=(
            "right = target * torch.log(probability)\n"
            "wrong = (1 - target) * torch.log(1 - probability)\n"
            "return -(right + wrong).mean()"
        ),
        because="It is the negative log-likelihood of a Bernoulli law, averaged.",
        praise="This is the bill. Next: what is the cheapest thing to say?",
        same=1e-5,
    )
)


# ------------------------------------------------------------------ the value function


def _value(r: Tensor, f: Tensor) -> Tensor:
    return log(r).mean() + log(1 - f).mean()


def _value_and_slope(function: Any, r: Tensor, f: Tensor) -> observers.Seen:
    yield from _slope_while_plain(observers.value_and_slope(function, r, f), r)


def _joint(r: Tensor, f: Tensor) -> Tensor:
    return torch.cat([log(r), log(1 - f)]).mean()


register(
    Exercise(
        name="value_function",
        lesson=2,
        reference=losses.value_function,
        observe=_value_and_slope,
        probes={
            "one real with 0.8, one fake with 0.3": _rows((0.8,), (0.3,)),
            "D answers 1/2 to all": _rows((0.5, 0.5), (0.5, 0.5)),
            "two reals, two fakes": _rows((0.9, 0.6), (0.2, 0.4)),
            "the same, each twice": _rows((0.9, 0.6) * 2, (0.2, 0.4) * 2),
            "two reals, five fakes": _rows((0.9, 0.6), (0.1, 0.4, 0.2, 0.7, 0.3)),
            "sure of one real, and wrong": _rows((1e-6, 0.5), (0.5,)),
        },
        later={
            "right, nearly every time": _rows((1 - 2**-5,), (2**-5,)),
            "surer, and wrong": _rows((2**-36, 0.5), (0.5, 0.25)),
            "all but certain of one fake, and wrong": _rows((0.5,), (1 - 2**-24, 0.5)),
            "real with 1e-37": _rows((1e-37,), (0.5,)),
            "nine reals, seven fakes": _rows(
                (0.9, 0.6, 0.8, 0.3, 0.7, 0.5, 0.95, 0.4, 0.2),
                (0.1, 0.4, 0.2, 0.7, 0.3, 0.6, 0.05),
            ),
        },
        accepts=[
            lambda r, f: (
                -(
                    F.binary_cross_entropy(r, torch.ones_like(r))
                    + F.binary_cross_entropy(f, torch.zeros_like(f))
                )
            ),
            lambda r, f: log(r).mean() + torch.log1p(-f).mean(),
            lambda r, f: sum(log(r)) / len(r) + sum(log(1 - f)) / len(f),
        ],
        mistakes=[
            Mistake(
                "the loss",
                lambda r, f: -_value(r, f),
                "That is D's loss, -V. The value function itself has no minus: D "
                "climbs it, and -log 4 is its value when D is fooled.",
                kind="convention",
            ),
            Mistake(
                "epsilon",
                tuple(
                    lambda r, f, e=e: log(r + e).mean() + log(1 - f + e).mean()
                    for e in IN_LOGS
                )
                + tuple(
                    lambda r, f, e=e, top=top: _value(r.clamp(e, top), f.clamp(e, top))
                    for e in IN_LOGS
                    for top in (1 - e, 1.0)
                )
                + tuple(
                    lambda r, f, a=a: (
                        log(r).clamp(min=-a).mean() + log(1 - f).clamp(min=-a).mean()
                    )
                    for a in FLOORS
                ),
                NO_EPSILON,
            ),
            Mistake(
                "fakes counted as real",
                lambda r, f: log(r).mean() + log(f).mean(),
                "Both terms praise D for saying real. A fake is judged rightly with "
                "probability 1 - D(G(z)): `log(1 - fake_probability)`.",
            ),
            Mistake(
                "swapped",
                lambda r, f: log(1 - r).mean() + log(f).mean(),
                "Data is scored as fake, and fakes as data. log D goes with data, "
                "log(1 - D) with what G made.",
            ),
            Mistake(
                "one mean over both",
                (_joint, lambda r, f: 2 * _joint(r, f)),
                "One mean over both batches: whichever batch is larger counts more. V "
                "has two expectations, so take two means and add them.",
            ),
            Mistake(
                "added coin by coin",
                (
                    lambda r, f: (log(r) + log(1 - f)).mean(),
                    lambda r, f: torch.mean(log(r * (1 - f))),
                ),
                "It pairs the first real coin with the first fake one, the second with "
                "the second, and fails where the batches differ in size. Average each "
                "batch by itself, then add.",
            ),
            Mistake(
                "the table of all pairs",
                lambda r, f: (log(r)[:, None] + log(1 - f)[None, :]).sum() / len(r),
                "A column plus a row is a table of all pairs, and its sum counts each "
                "fake too often. Average each batch by itself, then add.",
            ),
            Mistake(
                "one minus outside",
                (
                    lambda r, f: log(r).mean() + (1 - log(f)).mean(),
                    lambda r, f: log(r).mean() + 1 - log(f).mean(),
                ),
                "`1 - log(D)` is not `log(1 - D)`: subtract the probability from 1, "
                "then take the log.",
            ),
            Mistake(
                "minus between the terms",
                lambda r, f: log(r).mean() - log(1 - f).mean(),
                "The two terms work against each other here. D wants both large: it "
                "is their sum.",
            ),
            Mistake(
                "log of the mean",
                lambda r, f: log(r.mean()) + log(1 - f.mean()),
                "The mean was taken before the log. E[log D] is not log E[D]: one sure "
                "mistake has to hurt, and in the mean it drowns.",
            ),
            Mistake(
                "reals only",
                lambda r, f: log(r).mean(),
                "Without the second term D may call everything real, for free.",
            ),
            Mistake(
                "fakes only",
                lambda r, f: log(1 - f).mean(),
                "That is the one term that G can move. V also holds E[log D(x)].",
            ),
            Mistake(
                "no log",
                lambda r, f: r.mean() + (1 - f).mean(),
                "Without the logs this counts how often D is right, and D* would no "
                "longer be a probability. Take log D and log(1 - D).",
            ),
            Mistake(
                "sum",
                lambda r, f: log(r).sum() + log(1 - f).sum(),
                "Sums grow with the batches. An expectation is estimated by a mean.",
            ),
            Mistake(
                "half",
                lambda r, f: _value(r, f) / 2,
                "Right, up to a factor 1/2: the average of the two terms. The course "
                "takes their sum, as the paper does.",
                kind="convention",
            ),
            Mistake(
                "bits",
                lambda r, f: _value(r, f) / math.log(2),
                BITS,
                kind="convention",
            ),
        ],
        hints=[
            "There are two expectations, over two crowds. How is each estimated from "
            "its own batch?",
            "`torch.log(real_probability).mean()` is the first. What does D want to "
            "hear about a fake?",
        ],
        answer=(
            "real_term = torch.log(real_probability).mean()\n"
            "fake_term = torch.log(1 - fake_probability).mean()\n"
            "return real_term + fake_term"
        ),
        because="Each expectation is estimated by the mean over its own batch.",
        praise="This one number is the whole game: D pushes it up, G pushes it down.",
        same=1e-5,
    )
)


# ------------------------------------------------------------------ the best D

EPSILONS = (*(10.0**-k for k in range(5, 21)), 2**-23, 2**-52, 1e-24, 1e-30)


def _below_epsilon(e: float) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda p, q: p / (p + q + e)


def _above_and_below_epsilon(e: float) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda p, q: (p + e) / (p + q + 2 * e)


def _sum_at_least(e: float) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda p, q: p / (p + q).clamp(min=e)


def _half_below(e: float) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda p, q: torch.where(p + q > e, p / (p + q), 0.5).to(p.dtype)


def _table() -> tuple[Tensor, Tensor]:
    p = torch.tensor([[0.3, 0.1, 0.7], [0.2, 1.0, 0.6]], dtype=torch.float64)
    return p, p.flip(0, 1) + 0.1


register(
    Exercise(
        name="optimal_discriminator",
        lesson=2,
        reference=losses.optimal_discriminator,
        observe=observers.value,
        probes={
            "three real coins to one fake": _rows((0.3,), (0.1,)),
            "equally many": _rows((0.2,), (0.2,)),
            "real ones only": _rows((0.5,), (0.0,)),
            "fake ones only": _rows((0.0,), (0.5,)),
            "a dense crowd": _rows((400.0, 1.0, 2.0), (100.0, 3.0, 2.0)),
            "far out, where hardly any are": _rows((1e-12, 6e-13), (3e-12, 2e-13)),
            "a table of points, in float64": _table,
        },
        later={
            "hardly any of one kind": _rows((0.003, 0.9), (0.9, 0.003)),
            "still farther out, in float64": _rows(
                (1e-200, 6e-201), (3e-200, 2e-201), dtype=torch.float64
            ),
        },
        accepts=[
            lambda p, q: p / (p + q),
            lambda p, q: 1 / (1 + q / p),
            lambda p, q: torch.sigmoid(log(p) - log(q)),
            lambda p, q: torch.stack([log(p), log(q)]).softmax(0)[0],
            lambda p, q: 1 - q / (p + q),
        ],
        mistakes=[
            Mistake(
                "the other share",
                lambda p, q: q / (p + q),
                "That is the share of fakes. D says how likely a coin is *real*: "
                "p_data goes on top.",
            ),
            Mistake(
                "the ratio",
                lambda p, q: p / q,
                "p_data / p_g says how many real coins come on one fake: the odds, "
                "from 0 to infinity. A probability is the share of all coins.",
            ),
            Mistake(
                "the logit",
                (lambda p, q: log(p / q), lambda p, q: log(p) - log(q)),
                "That is the logit of D*, which D as a network returns. Wanted is the "
                "probability: its sigmoid.",
            ),
            Mistake(
                "the difference",
                (
                    lambda p, q: p - q,
                    lambda p, q: (p - q).clamp(0, 1),
                    lambda p, q: (p - q) / (p + q),
                ),
                "A difference of densities is 0 where both are equal; D* is 1/2 there. "
                "Ask for the share of real ones.",
            ),
            Mistake(
                "sigmoid of the difference",
                lambda p, q: torch.sigmoid(p - q),
                "It is 1/2 where the densities are equal, which is right, but "
                "densities are no logits: where only real coins are, D* must be 1.",
            ),
            Mistake(
                "a hard decision",
                (
                    lambda p, q: (p > q).to(p.dtype),
                    lambda p, q: (p >= q).to(p.dtype),
                ),
                "Yes or no is what one would bet on; D* says how sure to be. Three to "
                "one is 3/4.",
            ),
            Mistake(
                "epsilon",
                tuple(
                    make(e)
                    for make in (
                        _below_epsilon,
                        _above_and_below_epsilon,
                        _sum_at_least,
                        _half_below,
                    )
                    for e in EPSILONS
                ),
                "Right where coins are common. Far out, where both densities are tiny, "
                "your epsilon is larger than they are and decides the answer. Leave it "
                "out.",
            ),
            Mistake(
                "normalized over the batch",
                (
                    lambda p, q: p / (p + q).sum(),
                    lambda p, q: p / p.sum(),
                    lambda p, q: (p / (p + q)) / (p / (p + q)).sum(),
                ),
                "The points share one sum here. D answers each point by itself: divide "
                "by the two densities at that point.",
            ),
            Mistake(
                "twice",
                lambda p, q: p / ((p + q) / 2),
                "Divided by the average of the two densities, so the result goes up to "
                "2. Divide by their sum.",
            ),
            Mistake(
                "the mean of both",
                lambda p, q: (p + q) / 2,
                "That is the law of a coin drawn from either crowd. D* is the part of "
                "it that is real.",
            ),
        ],
        hints=[
            "Of 100 coins at this point, 75 are real. What should an honest shopkeeper "
            "answer?",
            "Bayes' rule with both priors 1/2: the halves cancel.",
        ],
        answer="return p_data / (p_data + p_g)",
        because="It is the posterior of real under a prior of 1/2; the halves cancel.",
        praise="Lesson 1's classifier, back as a player: the best D is Bayes' rule.",
        rtol=1e-4,
        atol=1e-12,  # where only fakes are, D* is 0 however it is written
        same=1e-4,
        elementwise=True,
    )
)


# ------------------------------------------------------------------ Jensen-Shannon

EXACT = "value, to 1e-6"  # the next cell compares 2 JSD with V to that


def _divergence(
    function: Any, p: Tensor, q: Tensor, dx: float
) -> Iterator[tuple[str, Any]]:
    """The value; first whether it is a number, which names 0 log 0."""
    (_, result), *others = observers.value(function, p, q, dx)
    nan = isinstance(result, Tensor) and bool(result.isnan().any())
    yield "is it a number", "no: NaN" if nan else "yes"
    yield EXACT if p.dtype == torch.float64 else "value", result
    yield from others


def _bell(x: Tensor, mean: float) -> Tensor:
    return torch.exp(-(x - mean).square() / 2) / math.sqrt(2 * math.pi)


def _bells(
    left: float, right: float, dx: float, *, grid=(-9.0, 9.0), dtype=torch.float32
):  # fmt: skip
    def make() -> tuple[Tensor, Tensor, float]:
        x = torch.arange(*grid, dx, dtype=dtype)
        return _bell(x, left), _bell(x, right), dx

    return make


def _boxes(shift: float, dx: float = 0.01, *, height: float = 1.0):
    """Two uniform laws of area 1 on [0, 4]; JSD = shift height log 2."""

    def make() -> tuple[Tensor, Tensor, float]:
        x, width = torch.arange(0.0, 4.0, dx) + dx / 2, 1 / height
        first, second = (x < width), (x > shift) & (x < width + shift)
        return height * first.float(), height * second.float(), dx

    return make


def _kl_terms(p: Tensor, q: Tensor) -> Tensor:
    """0 log 0 = 0, as everywhere here; infinite where q is 0 and p is not."""
    return torch.where(p > 0, p * log(p / q), 0.0)


def _kl(p: Tensor, q: Tensor, dx: float) -> Tensor:
    return _kl_terms(p, q).sum() * dx


def _jsd(p: Tensor, q: Tensor, dx: float) -> Tensor:
    return (_kl(p, (p + q) / 2, dx) + _kl(q, (p + q) / 2, dx)) / 2


def _entropy(p: Tensor, dx: float) -> Tensor:
    return torch.special.entr(p).sum() * dx


def _jsd_naive(p: Tensor, q: Tensor, dx: float) -> Tensor:
    m = (p + q) / 2
    return (p * log(p / m) + q * log(q / m)).sum() * dx / 2


def _jsd_epsilon(p: Tensor, q: Tensor, dx: float, e: float = 1e-12) -> Tensor:
    m = (p + q) / 2
    return (p * log((p + e) / (m + e)) + q * log((q + e) / (m + e))).sum() * dx / 2


def _epsilon_in_logs(e: float) -> Callable[[Tensor, Tensor, float], Tensor]:
    return lambda p, q, dx: _jsd_epsilon(p, q, dx, e)


def _epsilon_added(e: float) -> Callable[[Tensor, Tensor, float], Tensor]:
    return lambda p, q, dx: _jsd(p + e, q + e, dx)


def _epsilon_least(e: float) -> Callable[[Tensor, Tensor, float], Tensor]:
    return lambda p, q, dx: _jsd(p.clamp(min=e), q.clamp(min=e), dx)


def _turned(p: Tensor, q: Tensor, dx: float) -> Tensor:
    m = (p + q) / 2
    return (_kl(m, p, dx) + _kl(m, q, dx)) / 2


def _renormalized(p: Tensor, q: Tensor, dx: float) -> Tensor:
    return _jsd(p / (p.sum() * dx), q / (q.sum() * dx), dx)


register(
    Exercise(
        name="jensen_shannon",
        lesson=2,
        reference=losses.jensen_shannon,
        observe=_divergence,
        probes={
            "two Gaussians, 2 apart": _bells(0.0, 2.0, 0.05),
            "the same on a finer grid": _bells(0.0, 2.0, 0.02),
            "a Gaussian and itself": _bells(1.0, 1.0, 0.05),
            "two boxes, shifted by 1/4": _boxes(0.25),
            "two boxes with no point in common": _boxes(2.0),
            "a grid that sees a part of both": _bells(0.0, 2.0, 0.05, grid=(-1.0, 2.5)),
            "that part, the other way round": _bells(2.0, 0.0, 0.05, grid=(-1.0, 2.5)),
            "two narrow boxes, of height 4": _boxes(0.1, height=4.0),
            "in float64": _bells(0.0, 2.0, 0.05, dtype=torch.float64),
        },
        accepts=[
            _jsd,
            _jsd_epsilon,
            lambda p, q, dx: (
                _entropy((p + q) / 2, dx) - (_entropy(p, dx) + _entropy(q, dx)) / 2
            ),
            lambda p, q, dx: (
                torch.nan_to_num(
                    p * log(2 * p / (p + q)) + q * log(2 * q / (p + q))
                    if (p * q).all()
                    else torch.nan_to_num(p * log(2 * p / (p + q)))
                    + torch.nan_to_num(q * log(2 * q / (p + q)))
                ).sum()
                * dx
                / 2
            ),
        ],
        mistakes=[
            Mistake(
                "0 log 0",
                (
                    _jsd_naive,
                    lambda p, q, dx: _jsd_naive(p, q, 1.0) * dx,
                ),
                "Right, until a density is 0: there `0 * log(0)` is 0 times minus "
                "infinity, or `p / m` is 0/0: NaN, and one NaN spoils the sum. "
                "`torch.xlogy(p, p)` and `torch.xlogy(p, m)` count it as 0.",
            ),
            Mistake(
                "epsilon",
                tuple(
                    make(e)
                    for make in (_epsilon_in_logs, _epsilon_added, _epsilon_least)
                    for e in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
                ),
                "Your epsilon is large enough to change the result. Leave it out: "
                "`torch.xlogy(p, p)` and `torch.xlogy(p, m)` count 0 log 0 as 0.",
            ),
            Mistake(
                "an end of the grid left out",
                (
                    lambda p, q, dx: _jsd(p[:-1], q[:-1], dx),
                    lambda p, q, dx: _jsd(p[1:], q[1:], dx),
                    lambda p, q, dx: _jsd(p[1:-1], q[1:-1], dx),
                ),
                "Points at an end of the grid are missing from your sum. Every point "
                "counts, each with the width dx.",
                kind="convention",
            ),
            Mistake(
                "trapezoid rule",
                lambda p, q, dx: (
                    torch.trapezoid(_kl_terms(p, (p + q) / 2), dx=dx)
                    + torch.trapezoid(_kl_terms(q, (p + q) / 2), dx=dx)
                )
                / 2,
                "The trapezoid rule halves both ends of the grid. The course takes the "
                "plain sum times dx.",
                kind="convention",
            ),
            Mistake(
                "m not halved",
                lambda p, q, dx: (_kl(p, p + q, dx) + _kl(q, p + q, dx)) / 2,
                "Equal laws give -log 2 here: m is the *average* of p and q, and the "
                "1/2 got lost.",
            ),
            Mistake(
                "dx forgotten",
                (
                    lambda p, q, dx: _jsd(p, q, 1.0),
                    lambda p, q, dx: _jsd(p, q, 1.0) / len(p),
                ),
                "An integral over the grid is a sum of heights times the width dx. "
                "Without dx the result depends on how fine the grid is.",
            ),
            Mistake(
                "KL of p to q",
                lambda p, q, dx: _kl(p, q, dx),
                "That compares p with q directly: infinite where q is 0, and not the "
                "same the other way round. Compare both with their average m.",
            ),
            Mistake(
                "KL of q to p",
                lambda p, q, dx: _kl(q, p, dx),
                "That compares q with p directly: infinite where p is 0, and not the "
                "same the other way round. Compare both with their average m.",
            ),
            Mistake(
                "both KLs, without m",
                (
                    lambda p, q, dx: (_kl(p, q, dx) + _kl(q, p, dx)) / 2,
                    lambda p, q, dx: _kl(p, q, dx) + _kl(q, p, dx),
                ),
                "Symmetric, but still infinite where one density is 0. Compare each "
                "law with the average m, not with the other law.",
            ),
            Mistake(
                "KL from m",
                _turned,
                "The arguments are the other way round: KL(m || p) where KL(p || m) is "
                "wanted. (`F.kl_div(a, b)` computes KL(b || exp a).)",
            ),
            Mistake(
                "half of it",
                (
                    lambda p, q, dx: _kl(p, (p + q) / 2, dx),
                    lambda p, q, dx: _kl(p, (p + q) / 2, dx) / 2,
                    lambda p, q, dx: _kl(q, (p + q) / 2, dx),
                    lambda p, q, dx: _kl(q, (p + q) / 2, dx) / 2,
                ),
                "Only one of the two laws is compared with m. The average takes the "
                "other one's turn too.",
            ),
            Mistake(
                "sign",
                lambda p, q, dx: -_jsd(p, q, dx),
                "It came out negative. Is the fraction in the log upside down (m / p, "
                "not p / m), or a minus astray?",
            ),
            Mistake(
                "total variation",
                lambda p, q, dx: (p - q).abs().sum() * dx / 2,
                "That is half of the area between the two curves: another distance "
                "(total variation), without a log.",
            ),
            Mistake(
                "both halves forgotten",
                lambda p, q, dx: 2 * _jsd(p, q, dx),
                "Right, up to a factor 2: the *average* of the two KLs is wanted, with "
                "log 2 as its largest value.",
                kind="convention",
            ),
            Mistake(
                "root",
                lambda p, q, dx: _jsd(p, q, dx).clamp(min=0).sqrt(),
                "That is the Jensen-Shannon *distance*, the square root (SciPy returns "
                "that). The formula of the game has no root.",
                kind="convention",
            ),
            Mistake(
                "bits",
                lambda p, q, dx: _jsd(p, q, dx) / math.log(2),
                BITS,
                kind="convention",
            ),
            Mistake(
                "renormalized",
                _renormalized,
                "Right on a grid that sees everything. You divided by the sum first; "
                "the course takes the densities as they come, so that a grid too short "
                "shows.",
                kind="convention",
            ),
        ],
        hints=[
            "What is the law of a coin drawn from either crowd with equal chance?",
            "KL(p || m) is the sum of p log(p / m), times dx. What is `p log p` to be "
            "where p is 0? `torch.xlogy` knows.",
        ],
        answer=(
            "m = (p + q) / 2\n"
            "kl_p = (torch.xlogy(p, p) - torch.xlogy(p, m)).sum() * dx\n"
            "kl_q = (torch.xlogy(q, q) - torch.xlogy(q, m)).sum() * dx\n"
            "return (kl_p + kl_q) / 2"
        ),
        because="Both laws are compared with their average; xlogy counts 0 log 0 as 0.",
        praise="Now you can say what the best D measures: V(D*, G) = 2 JSD - log 4.",
        rtol=1e-4,
        atol=1e-4,
        tolerance={EXACT: (0.0, 5e-7)},
        same=1e-6,  # an epsilon differs from rounding by little
    )
)
