"""Lesson 4: the flipped target, its slopes and its divergence, modes, soft targets."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils import evaluation, losses

from . import observers
from .engine import Exercise, Mistake, register

log, sigmoid, cos, sin = torch.log, torch.sigmoid, torch.cos, torch.sin
BCE, BCE_LOGITS = F.binary_cross_entropy, F.binary_cross_entropy_with_logits
ones, zeros = torch.ones_like, torch.zeros_like


def _given(*values: float, shape: tuple[int, ...] = (-1,), **kw: Any) -> Callable:
    return lambda: (torch.tensor(values, **kw).reshape(shape),)


# ------------------------------------------------- the same number, wished and labeled

_LOSS_PROBES = {
    "D undecided (1/2)": _given(0.5),
    "D(G(z)) = 0.1, 0.5, 0.9": _given(0.1, 0.5, 0.9),
    "the same three twice": _given(0.1, 0.5, 0.9, 0.1, 0.5, 0.9),
    "D sure of two fakes": _given(1e-3, 1e-4),
    "D fooled once": _given(0.01, 0.99),
}
_LOSS_LATER = {
    "in float64": _given(0.2, 0.7, dtype=torch.float64),
    "D very sure (1e-10)": _given(1e-10, 0.5),
    "D all but fooled, in float64": _given(0.5, 1 - 1e-9, dtype=torch.float64),
}
_SUM = Mistake(
    "sum in place of mean",
    (lambda p: -log(p).sum(), lambda p: BCE(p, ones(p), reduction="sum")),
    "A sum grows with the batch. An expectation is estimated by the mean.",
    kind="convention",
)
_NO_MEAN = Mistake(
    "no mean",
    (lambda p: -log(p), lambda p: BCE(p, ones(p), reduction="none")),
    "One number for each sample. A loss is one number: their mean.",
)
_LOST_MINUS = (lambda p: log(p).mean(), lambda p: -BCE(p, ones(p)))
_MINIMAX = (lambda p: log(1 - p).mean(), lambda p: -BCE(p, zeros(p)))
_FAKE_LABEL = (lambda p: -log(1 - p).mean(), lambda p: BCE(p, zeros(p)))
_SECOND_SIGMOID = (
    lambda p: -log(sigmoid(p)).mean(),
    lambda p: F.softplus(-p).mean(),
    lambda p: BCE_LOGITS(p, ones(p)),
)
_TINY = tuple(10.0**-k for k in range(3, 13))
_EPSILON = Mistake(
    "an epsilon inside the log",
    (
        *(lambda p, e=e: -log(p + e).mean() for e in _TINY),
        *(lambda p, e=e: -log(p.clamp(min=e)).mean() for e in _TINY[:-3]),
        *(lambda p, e=e: -log(p.clamp(e, 1 - e)).mean() for e in _TINY[:-3]),
        lambda p: -log(p + torch.finfo(p.dtype).eps).mean(),
        lambda p: -torch.distributions.Bernoulli(p).log_prob(ones(p)).mean(),
    ),
    "An epsilon or a clamp (`Bernoulli` brings one along): it caps the loss where "
    "D(G(z)) is as small, and takes away the slope exactly where G needs it. Leave the "
    "log as it is; lesson 5 makes it safe without one.",
)
_DIGITS_CANCEL = Mistake(
    "digits cancel",
    (
        lambda p: -log(1 - (1 - p)).mean(),
        lambda p: -torch.log1p(p - 1).mean(),
        lambda p: losses.binary_cross_entropy(1 - p, zeros(p)),
        lambda p: BCE(1 - p, zeros(p)),
    ),
    "Right on paper. In float32, though, 1 - p drops the last digits of a small p, and "
    "at 1e-10 all of them. Give the log fake_probability as it is.",
)

register(
    Exercise(
        name="nonsaturating_generator_loss",
        lesson=4,
        reference=losses.nonsaturating_generator_loss,
        observe=observers.value_and_slope,
        probes=_LOSS_PROBES,
        later=_LOSS_LATER,
        accepts=[
            lambda p: log(1 / p).mean(),
            lambda p: -log(p).sum() / len(p),
            lambda p: -torch.special.xlogy(ones(p), p).mean(),
            lambda p: BCE(p, ones(p)),
            lambda p: torch.mean(-p.log()),
        ],
        mistakes=[
            Mistake(
                "the minimax loss",
                _MINIMAX,
                "This is log(1 - D(G(z))), the loss of lesson 3: it makes D's wish "
                "fail. Now G has a wish of its own, the answer `real`: -log D(G(z)).",
            ),
            Mistake(
                "the fake label",
                _FAKE_LABEL,
                "That is what D minimizes on fakes. G would learn to be caught: "
                "D(G(z)) goes down with this loss. G wants the log of D(G(z)) itself, "
                "and large.",
            ),
            Mistake(
                "lost minus",
                _LOST_MINUS,
                "G wants log D(G(z)) large, and an optimizer makes a loss small. "
                "Without the minus it drives D(G(z)) to 0, and the loss to -infinity.",
            ),
            Mistake(
                "one minus outside the log",
                lambda p: 1 - log(p).mean(),
                "Every slope is right and every value is 1 too high, so it would train "
                "well and be misread: no 1 in front of the log.",
            ),
            Mistake(
                "log of the mean",
                (lambda p: -log(p.mean()),),
                "The log of an average is not the average of logs. Take the log of "
                "each sample, then the mean.",
            ),
            Mistake(
                "no log",
                (lambda p: -p.mean(), lambda p: (1 - p).mean()),
                "There is no log in it. Its slope in the logit would be D (1 - D), "
                "which dies on both sides; the log is what keeps it alive.",
            ),
            Mistake(
                "squared error",
                (lambda p: (p - 1).square().mean(), lambda p: F.mse_loss(p, ones(p))),
                "That is the squared distance to `real`. Wanted is minus the log of "
                "the probability.",
            ),
            Mistake(
                "a second sigmoid",
                _SECOND_SIGMOID,
                "The input is D's probability already, and here it goes through one "
                "more sigmoid. Take the log of fake_probability as it is.",
            ),
            Mistake(
                "divided twice",
                lambda p: -log(p).mean() / len(p),
                "The mean has divided by the batch size already; this divides again.",
            ),
            _SUM,
            _NO_MEAN,
            Mistake(
                "half",
                lambda p: -log(p).mean() / 2,
                "Right up to a factor 1/2, which this course leaves out.",
                kind="convention",
            ),
            Mistake(
                "another base",
                (lambda p: -torch.log2(p).mean(), lambda p: -torch.log10(p).mean()),
                "Right up to the base of the logarithm. Losses here are in nats: "
                "`torch.log`, base e.",
                kind="convention",
            ),
            _EPSILON,
            _DIGITS_CANCEL,
        ],
        same=1e-4,  # an epsilon differs from another inexact log by little
        hints=[
            "G wants D to say `real`. Which probability shall become large?",
            "Make log D(G(z)) large: minimize its opposite, averaged over the batch.",
        ],
        answer="return -torch.log(fake_probability).mean()",
        because="Maximizing E[log D(G(z))] is minimizing its negative.",
        praise="One line changed. The rest of this lesson is what that line does.",
    )
)


# ------------------------------------------------------------------ by cross-entropy


def flipped_target_loss(fake_probability: Tensor) -> Tensor:
    """Cross-entropy of D's answers on fakes against the target 1, the wrong label."""
    target = torch.ones_like(fake_probability)
    return losses.binary_cross_entropy(fake_probability, target)


def _soft(p: Tensor, target: float) -> Tensor:
    return losses.binary_cross_entropy(p, torch.full_like(p, target))


register(
    Exercise(
        name="flipped_target_loss",
        lesson=4,
        reference=flipped_target_loss,
        observe=observers.value_and_slope,
        probes=_LOSS_PROBES,
        later=_LOSS_LATER,
        accepts=[
            lambda p: BCE(p, ones(p)),
            lambda p: torch.nn.BCELoss()(p, torch.ones(len(p), dtype=p.dtype)),
            lambda p: -log(p).mean(),
            lambda p: losses.binary_cross_entropy(p, p.new_ones(p.shape)),
            lambda p: F.nll_loss(
                torch.stack([1 - p, p], 1).log(), torch.ones(len(p)).long()
            ),
        ],
        mistakes=[
            Mistake(
                "target 0",
                (*_FAKE_LABEL, lambda p: losses.binary_cross_entropy(p, zeros(p))),
                "Target 0 is the truth, and D's business: G would be paid for being "
                "caught. Flip it: G asks for the label 1.",
            ),
            Mistake(
                "a minus in front of target 0",
                _MINIMAX,
                "Minus the cross-entropy with target 0 is the minimax loss, with its "
                "flat side. Flip the target, not the sign.",
            ),
            Mistake(
                "sign and target flipped",
                _LOST_MINUS,
                "Cross-entropy is a cost: with target 1 it is low where D says `real`. "
                "G minimizes it as it is; no minus.",
            ),
            Mistake(
                "smoothed for G",
                tuple(
                    lambda p, target=target: _soft(p, target)
                    for target in (0.9, 0.95, 0.8, 0.7, 0.99, 0.999)
                ),
                "A target below 1 pulls G back as soon as it convinces D by more than "
                "that: with 0.9 the best logit is 2.197. Soft targets are for D, and "
                "come later in this lesson; G's is 1.",
            ),
            Mistake(
                "target 1/2",
                lambda p: _soft(p, 0.5),
                "Target 1/2 asks D to be undecided. G asks for `real`: target 1.",
            ),
            Mistake(
                "both targets",
                (
                    lambda p: BCE(p, ones(p)) + BCE(p, zeros(p)),
                    lambda p: BCE(p, ones(p)) - BCE(p, zeros(p)),
                ),
                "Two targets for one sample. G has one wish, and one term: target 1.",
            ),
            Mistake(
                "arguments swapped",
                (
                    lambda p: losses.binary_cross_entropy(ones(p), p),
                    lambda p: BCE(ones(p), p.detach()),
                ),
                "The answer comes first and the target second: swapped, every D(G(z)) "
                "is taken for the truth and 1 for D's answer.",
            ),
            Mistake(
                "cross-entropy on logits",
                _SECOND_SIGMOID,
                "`..._with_logits` applies a sigmoid, and fake_probability has been "
                "through one: use the cross-entropy on probabilities.",
            ),
            Mistake(
                "targets of a fixed type",
                (
                    lambda p: BCE(p, torch.ones(len(p))),
                    lambda p: BCE(p.float(), torch.ones(p.shape)),
                ),
                "Something here is float32 whatever the input is, as torch.ones(...) "
                "or .float() makes it, and the race will hand over float64. "
                "`torch.ones_like(fake_probability)` fits always.",
            ),
            _SUM,
            _NO_MEAN,
            Mistake(
                "squared error",
                (lambda p: (p - 1).square().mean(), lambda p: F.mse_loss(p, ones(p))),
                "That is the squared distance to the target. The cross-entropy is "
                "minus the log of the probability given to it.",
            ),
            _EPSILON,
            _DIGITS_CANCEL,
        ],
        same=1e-4,  # an epsilon differs from another inexact log by little
        hints=[
            "D's cost on a fake has target 0. Which label does G wish for?",
            "The target is a tensor of ones: `torch.ones_like(fake_probability)`.",
        ],
        answer=(
            "target = torch.ones_like(fake_probability)\n"
            "return losses.binary_cross_entropy(fake_probability, target)"
        ),
        because="With target 1 only -log p is left of the cross-entropy.",
        praise="When code labels fakes as real in G's step, it is no bug: it is this.",
    )
)


# ------------------------------------------------------------------ the ratio of slopes


def slope_ratio(logit: Tensor) -> Tensor:
    """Non-saturating over minimax slope, both in the logit: (1 - D) / D = exp(-l)."""
    return torch.exp(-logit)


register(
    Exercise(
        name="slope_ratio",
        lesson=4,
        reference=slope_ratio,
        observe=observers.value,
        elementwise=True,
        atol=0.0,
        probes={
            "undecided (logit 0)": _given(0.0),
            "sure of a fake (-5)": _given(-5.0),
            "half fooled (2)": _given(2.0),
            "logits -3, 0, 4": _given(-3.0, 0.0, 4.0),
            "a table of logits": _given(-2.0, -1.0, 1.0, 2.0, shape=(2, 2)),
        },
        later={
            "very sure (-20)": _given(-20.0),
            "fooled (12)": _given(12.0),
            "logits -80, 80": _given(-80.0, 80.0),
            "in float64": _given(-30.0, 0.5, 40.0, dtype=torch.float64),
            "with a graph, as D hands them out": _given(-8.0, 1.0, requires_grad=True),
        },
        accepts=[
            lambda x: sigmoid(-x) / sigmoid(x),
            lambda x: 1 / torch.exp(x),
            lambda x: torch.exp(F.logsigmoid(-x) - F.logsigmoid(x)),
            lambda x: math.e**-x,
        ],
        mistakes=[
            Mistake(
                "upside down",
                (torch.exp, lambda x: sigmoid(x) / sigmoid(-x)),
                "Upside down: this is minimax over non-saturating. Where D is sure of "
                "a fake, at negative logits, the new slope is the larger one.",
            ),
            Mistake(
                "sign",
                lambda x: -torch.exp(-x),
                "Both slopes are negative, so their ratio is positive: for every "
                "single sample the two losses pull the same way.",
            ),
            Mistake(
                "the logit taken for D",
                lambda x: (1 - x) / x,
                "(1 - D) / D is right, and D = sigmoid(logit): the input is a logit.",
            ),
            Mistake(
                "one slope alone",
                (
                    lambda x: sigmoid(-x),
                    lambda x: -sigmoid(-x),
                    lambda x: sigmoid(x),
                    lambda x: -sigmoid(x),
                ),
                "This is one of the two slopes. Divide: -(1 - D) by -D.",
            ),
            Mistake(
                "a difference",
                (
                    lambda x: sigmoid(-x) - sigmoid(x),
                    lambda x: sigmoid(x) - sigmoid(-x),
                ),
                "The slopes are subtracted. A ratio says how many times as strong.",
            ),
            Mistake(
                "ratio of the losses",
                (
                    lambda x: -F.softplus(-x) / F.softplus(x),
                    lambda x: F.softplus(-x) / F.softplus(x),
                ),
                "These are the values, log D over log(1 - D). What moves G are the "
                "slopes.",
            ),
            Mistake(
                "1 / D",
                (lambda x: 1 / sigmoid(x), lambda x: 1 + torch.exp(-x)),
                "1 / D is the slope of log D in D, or 1 + exp(-l). In the logit the "
                "new slope is -(1 - D); divide that by -D.",
            ),
            Mistake(
                "log of the ratio",
                torch.neg,
                "-l is the logarithm of the ratio. Undo the log.",
            ),
            Mistake(
                "averaged",
                lambda x: torch.exp(-x).mean(),
                "One ratio for each logit is wanted, in the logits' shape: no mean.",
            ),
            Mistake(
                "digits cancel",
                (
                    lambda x: (1 - sigmoid(x)) / sigmoid(x),
                    lambda x: 1 / sigmoid(x) - 1,
                ),
                "Right on paper. In float32 D rounds to 1 where G has won, and 1 - D "
                "loses its digits, then everything. Put D = 1 / (1 + exp(-l)) in and "
                "cancel by hand: one exp is left.",
            ),
        ],
        hints=[
            "In the logit: d(-log D) = -(1 - D) and d log(1 - D) = -D. Divide.",
            "D = 1 / (1 + exp(-l)). What is (1 - D) / D when it is written out?",
        ],
        answer="return torch.exp(-logit)",
        because="(1 - D) / D = exp(-l) / 1, once D = 1 / (1 + exp(-l)) is put in.",
        praise="At logit -8 that is 2,981 times as strong. The race will show it.",
    )
)


# ------------------------------------------------------------------ modes


_Rows = tuple[tuple[float, float], ...]
_SQUARE: _Rows = ((0.0, 0.0), (4.0, 0.0), (0.0, 4.0), (4.0, 4.0))
_CLOUD: _Rows = ((0.1, 0.0), (0.0, -0.2), (4.1, 0.1), (2.0, 2.0), (0.2, 0.2))


def _plane(samples: _Rows, centers: _Rows, radius: float) -> Callable[[], tuple]:
    """New tensors each time: an answer that writes into them spoils its own only."""
    return lambda: (torch.tensor(samples), torch.tensor(centers), radius)


def _sunflower() -> tuple[Tensor, Tensor, float]:
    """Samples like the seeds of a sunflower, over the left half of a ring of modes."""
    k, turn = torch.arange(40), 2 * math.pi * (torch.arange(8) - 3) / 8
    seeds = 0.24 * k.sqrt()[:, None] * torch.stack([cos(2.4 * k), sin(2.4 * k)], 1)
    ring = 2 * torch.stack([cos(turn), sin(turn)], 1)
    return seeds + torch.tensor([-1.0, 0.5]), ring, 0.5


def _met(samples: Tensor, centers: Tensor, radius: float) -> Tensor:
    return torch.cdist(samples, centers) <= radius


def _in_squares(samples: Tensor, centers: Tensor, radius: float) -> int:
    offset = (samples[:, None] - centers).abs()
    return int((offset <= radius).all(dim=2).any(dim=0).sum())


def _nearest_within(samples: Tensor, centers: Tensor, radius: float) -> int:
    nearest = torch.cdist(samples, centers).min(dim=1)
    return len(nearest.indices[nearest.values <= radius].unique())


def _first_within(samples: Tensor, centers: Tensor, radius: float) -> int:
    met = _met(samples, centers, radius)
    return len(met[met.any(dim=1)].byte().argmax(dim=1).unique())


def _one_loop(samples: Tensor, centers: Tensor, radius: float) -> int:
    found = 0
    for center in centers:
        if (samples - center).norm(dim=1).min() < radius:
            found += 1
    return found


register(
    Exercise(
        name="modes_covered",
        lesson=4,
        reference=evaluation.modes_covered,
        observe=observers.value,
        probes={
            "one sample on each of two modes, one mode left": _plane(
                ((0.1, 0.0), (4.0, 0.1)), _SQUARE[:3], 0.5
            ),
            "two of four modes, one sample between": _plane(_CLOUD, _SQUARE, 0.5),
            "a smaller radius": _plane(_CLOUD, _SQUARE, 0.12),
            "a radius above 1": _plane(((1.2, 0.0), (2.5, 4.0)), _SQUARE, 1.3),
            "nothing near": _plane(((2.0, 2.0), (2.1, 2.0)), _SQUARE, 0.5),
            "in the corner of a square, outside the circle": _plane(
                ((0.4, 0.4), (4.3, 0.3)), _SQUARE, 0.5
            ),
            "one sample near two modes": _plane(
                ((0.5, 0.0), (0.1, 0.0), (-0.9, 0.0)),
                ((0.0, 0.0), (1.0, 0.0), (2.0, 2.0)),
                0.7,
            ),
            "inside the rim of one mode, outside that of two": _plane(
                ((-3.0, -4.0), (3.0, -3.96), (-1.02, 4.0)),
                ((-3.0, -3.02), (3.0, -5.0), (-2.05, 4.0)),
                1.0,
            ),
            "forty samples over half a ring of modes": _sunflower,
        },
        accepts=[
            _one_loop,
            lambda s, c, r: torch.cdist(s, c).amin(dim=0).le(r).sum(),
            lambda s, c, r: int(
                ((s[:, None] - c).square().sum(2) <= r**2).any(dim=0).count_nonzero()
            ),
            lambda s, c, r: len(_met(s, c, r).nonzero()[:, 1].unique()),
        ],
        mistakes=[
            Mistake(
                "counts samples",
                (
                    lambda s, c, r: int(_met(s, c, r).any(dim=1).sum()),
                    lambda s, c, r: int(_met(s, c, r).sum()),
                ),
                "This counts samples that are near some center: ten on one mode make "
                "ten. Ask each *center* whether any sample is near it, and count the "
                "centers.",
            ),
            Mistake(
                "every sample near",
                lambda s, c, r: int(_met(s, c, r).all(dim=0).sum()),
                "`all` asks for a mode that every sample is near. One sample is "
                "enough: `any`.",
            ),
            Mistake(
                "no radius",
                lambda s, c, r: len(torch.cdist(s, c).argmin(dim=1).unique()),
                "Every sample is given to its nearest center, however far that is. "
                "A mode counts only if a sample lies within the radius.",
            ),
            Mistake(
                "each sample counts once",
                (_nearest_within, _first_within),
                "A sample that is near two centers meets both; here it is handed to "
                "one of them. Ask each center by itself whether any sample is near.",
            ),
            Mistake(
                "squared on one side",
                (
                    lambda s, c, r: int((torch.cdist(s, c) ** 2 <= r).any(0).sum()),
                    lambda s, c, r: int((torch.cdist(s, c) <= r**2).any(0).sum()),
                ),
                "One side of the comparison is squared and the other is not. Compare "
                "distance with radius, or both squared.",
            ),
            Mistake(
                "a square for a circle",
                _in_squares,
                "Each coordinate by itself is within the radius: that is a square. "
                "Use the distance in the plane.",
            ),
            Mistake(
                "a share",
                (
                    lambda s, c, r: _met(s, c, r).any(dim=0).float().mean().item(),
                    lambda s, c, r: _met(s, c, r).any(dim=0).float().mean(),
                ),
                "That is the share of modes, between 0 and 1. Their number is asked "
                "for.",
                kind="convention",
            ),
            Mistake(
                "modes that are missed",
                lambda s, c, r: int((~_met(s, c, r).any(dim=0)).sum()),
                "Those are the modes without a sample. Count the others.",
                kind="convention",
            ),
            Mistake(
                "which, not how many",
                (
                    lambda s, c, r: _met(s, c, r).any(dim=0),
                    lambda s, c, r: _met(s, c, r).any(dim=0).nonzero()[:, 0],
                ),
                "That says which modes are met. Their number is asked for: sum them.",
            ),
            Mistake(
                "counted in floats",
                lambda s, c, r: _met(s, c, r).float().amax(dim=0).sum(),
                "The number is right and its kind is not: a count is a whole number. "
                "Sum the True and False themselves, or wrap it in `int(...)`.",
                kind="convention",
            ),
        ],
        hints=[
            "`torch.cdist(samples, centers)` is a table (n, k). Which of the two axes "
            "must vanish first?",
            "For each center: is `any` sample (dim=0) within the radius? Sum those.",
        ],
        answer=(
            "near = torch.cdist(samples, centers) <= radius  # (n, k)\n"
            "return int(near.any(dim=0).sum())"
        ),
        because="Each center asks all samples; the centers that hear a yes are summed.",
        praise="Now you can see what a generator leaves out, not only what it makes.",
    )
)


# ------------------------------------------------------------------ which divergence


def _nodes() -> tuple[Tensor, Tensor]:
    """eps and the weights of N(0, 1) on a fine grid."""
    eps = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    weight = torch.exp(-eps.square() / 2)
    return eps, weight / weight.sum()


def nonsaturating_gradient_1d(theta: float) -> float:
    """d/dtheta E[-log D*(theta + eps)], D* held still, eps ~ N(0, 1).

    D* is the best D between N(0, 1) and N(theta, 1), with logit theta^2/2 - theta x.
    """
    eps, weight = _nodes()
    x = theta + eps
    slope = theta * sigmoid(theta * x - theta**2 / 2)
    return (slope * weight).sum().item()


def _expected(function: Callable[[float, Tensor], Tensor], shift: bool = True) -> Any:
    """E[function(theta, x)] for x ~ N(theta, 1), or N(0, 1) without the shift."""

    def answer(theta: float) -> float:
        eps, weight = _nodes()
        x = theta + eps if shift else eps
        return (function(theta, x) * weight).sum().item()

    return answer


def _against(theta: float, x: Tensor) -> Tensor:
    """Minus the logit of D*: high where D* says fake."""
    return theta * x - theta**2 / 2


def _by_autograd(*, frozen: bool) -> Callable[[float], float]:
    """The derivative of the expectation, D* held still or taken along."""

    def answer(theta: float) -> float:
        eps, weight = _nodes()
        t = torch.tensor(float(theta), dtype=torch.float64, requires_grad=True)
        of_d = t.detach() if frozen else t
        value = (F.softplus(_against(of_d, t + eps)) * weight).sum()
        return torch.autograd.grad(value, t)[0].item()

    return answer


def _twice_jsd_slope(theta: float) -> float:
    """d/dtheta 2 JSD: what the minimax loss follows."""
    return _expected(lambda t, x: t * sigmoid(-_against(t, x)))(theta)


def _by_quantiles(theta: float) -> float:
    """A right answer: evenly spaced quantiles of N(0, 1) in place of a grid."""
    u = (np.arange(20000) + 0.5) / 20000
    eps = math.sqrt(2) * torch.erfinv(torch.tensor(2 * u - 1))
    return float((theta * sigmoid(_against(theta, theta + eps))).mean())


def _theta(value: float) -> Callable[[], tuple]:
    return lambda: (value,)


register(
    Exercise(
        name="nonsaturating_gradient_1d",
        lesson=4,
        reference=nonsaturating_gradient_1d,
        observe=observers.value,
        rtol=1e-3,
        atol=1e-3,
        probes={
            "theta = 1": _theta(1.0),
            "theta = -1": _theta(-1.0),
            "theta = 0": _theta(0.0),
            "theta = 4": _theta(4.0),
            "theta = -2.5": _theta(-2.5),
        },
        accepts=[
            _by_autograd(frozen=True),
            _by_quantiles,
            lambda t: t - _twice_jsd_slope(t),
            _expected(lambda t, x: t * (1 - sigmoid(-_against(t, x)))),
        ],
        mistakes=[
            Mistake(
                "D moves along",
                (_by_autograd(frozen=False), lambda t: t - _twice_jsd_slope(t) / 2),
                "This is the slope of KL - JSD, with one JSD: D* was taken along, and "
                "its own dependence on theta differentiated, too. In a step of G the "
                "discriminator stands still, and only x = theta + eps moves.",
            ),
            Mistake(
                "the minimax gradient",
                (
                    _twice_jsd_slope,
                    _expected(lambda t, x: t * sigmoid(_against(t, x)), shift=False),
                ),
                "This is the minimax gradient, that of 2 JSD: theta E[D*(x)]. (A mean "
                "over eps in place of x = theta + eps gives the same number.) For "
                "-log D the slope has 1 - D* = sigmoid(theta x - theta^2 / 2).",
            ),
            Mistake(
                "sign",
                _expected(lambda t, x: -t * sigmoid(_against(t, x))),
                "The size is right, the sign is not. Raising theta above 0 moves G "
                "away from the data at 0, so the loss must rise.",
            ),
            Mistake(
                "theta forgotten",
                _expected(lambda t, x: sigmoid(_against(t, x))),
                "Chain rule: the logit of D* falls by theta for each unit of x, so the "
                "slope carries a factor theta.",
            ),
            Mistake(
                "the offset forgotten",
                _expected(lambda t, x: t * sigmoid(t * x)),
                "The border of D* lies halfway between the laws, at theta / 2. Keep "
                "the - theta^2 / 2.",
            ),
            Mistake(
                "the loss itself",
                _expected(lambda t, x: F.softplus(_against(t, x))),
                "This is E[-log D*(x)], the height. Its derivative in theta is asked "
                "for.",
            ),
            Mistake(
                "the weight forgotten",
                (
                    lambda t: (t * sigmoid(_against(t, t + _nodes()[0]))).mean().item(),
                    lambda t: (t * sigmoid(_against(t, t + _nodes()[0]))).sum().item(),
                ),
                "Every eps of the grid counts the same here. Under N(0, 1) those near "
                "0 are the likely ones: multiply by `weight`, then sum.",
            ),
            Mistake(
                "averaged twice",
                _expected(lambda t, x: t * sigmoid(_against(t, x)) / len(x)),
                "`weight` sums to 1 already, so the weighted *sum* is the mean. A mean "
                "on top divides by the 4001 grid points once more.",
            ),
            Mistake(
                "KL alone",
                lambda t: float(t),
                "theta is the gradient of KL(p_g || p_data) alone. The loss follows "
                "another divergence.",
            ),
            Mistake(
                "half",
                _expected(lambda t, x: t * sigmoid(_against(t, x)) / 2),
                "Right up to a factor 1/2. The weights must sum to 1, and nothing is "
                "halved.",
                kind="convention",
            ),
        ],
        hints=[
            "D* is frozen, so only x = theta + eps moves with theta, and dx/dtheta = "
            "1. What is the slope of -log D*(x) in x?",
            "-log D* = log(1 + exp(theta x - theta^2 / 2)). Its slope in x is theta "
            "times a sigmoid. Then take the mean with `weight`.",
        ],
        answer=(
            "x = theta + eps\n"
            "slope = theta * torch.sigmoid(theta * x - theta**2 / 2)\n"
            "return (slope * weight).sum().item()"
        ),
        because="Softplus has the sigmoid as its slope, and the logit has -theta.",
        praise="Now you hold one side of a theorem; the next cell computes the other.",
    )
)


# ------------------------------------------------------------------ soft targets


def smoothed_targets(n: int, smoothing: float) -> Tensor:
    """Targets of n real samples: (n,), all 1 - smoothing."""
    return torch.full((n,), 1 - smoothing)


register(
    Exercise(
        name="smoothed_targets",
        lesson=4,
        reference=smoothed_targets,
        observe=observers.value,
        probes={
            "3 targets, smoothing 0.1": lambda: (3, 0.1),
            "4 targets, smoothing 0.3": lambda: (4, 0.3),
            "no smoothing": lambda: (2, 0.0),
            "a single target": lambda: (1, 0.2),
            "5 targets, smoothing 0.65": lambda: (5, 0.65),
        },
        same=1e-4,
        accepts=[
            lambda n, s: torch.ones(n) - s,
            lambda n, s: torch.ones(n) * (1 - s),
            lambda n, s: torch.tensor([1 - s] * n),
            lambda n, s: torch.ones(n).mul_(1 - s),
            lambda n, s: torch.tensor(1 - s).repeat(n),
        ],
        mistakes=[
            Mistake(
                "the smoothing itself",
                lambda n, s: torch.full((n,), s),
                "These are near 0: the reals would be called fake. The target of a "
                "real is 1, lowered by the smoothing.",
            ),
            Mistake(
                "outward",
                lambda n, s: torch.full((n,), 1 + s),
                "A target above 1 can never be met: D's logit would grow without end. "
                "Smooth inward: 1 - smoothing.",
            ),
            Mistake(
                "half the smoothing",
                lambda n, s: torch.full((n,), 1 - s / 2),
                "Libraries for classifiers split the smoothing between the two "
                "classes, 1 - s/2. Here the whole of it comes off the reals' target.",
                kind="convention",
            ),
            Mistake(
                "random targets",
                (
                    lambda n, s: 1 - s * torch.rand(n),
                    lambda n, s: torch.empty(n).uniform_(1 - s, 1),
                    lambda n, s: 1 - s + (torch.rand(n) - 0.5) * s,
                ),
                "Noisy targets are another trick. Here all n targets are equal, and "
                "nothing is drawn.",
            ),
            Mistake(
                "both sides",
                (
                    lambda n, s: (torch.full((n,), 1 - s), torch.full((n,), s)),
                    lambda n, s: torch.cat([torch.full((n,), v) for v in (1 - s, s)]),
                ),
                "Only the targets of the reals are asked for; those of the fakes stay "
                "0. What happens if they do not is the next question.",
            ),
            Mistake(
                "not smoothed",
                lambda n, s: torch.ones(n),
                "The smoothing is not used: every target is 1.",
            ),
            Mistake(
                "a column",
                lambda n, s: torch.full((n, 1), 1 - s),
                "Shape (n, 1): beside logits of shape (n,) that becomes a table of all "
                "pairs. Make it (n,).",
            ),
            Mistake(
                "one number",
                (lambda n, s: 1 - s, lambda n, s: torch.tensor(1 - s)),
                "One number for the whole batch. Wanted is a target for each real: "
                "shape (n,).",
            ),
            Mistake(
                "float64",
                (
                    lambda n, s: torch.full((n,), 1 - s, dtype=torch.float64),
                    lambda n, s: torch.tensor(np.full(n, 1 - s)),
                ),
                "These are float64, as NumPy makes them; logits are float32.",
            ),
        ],
        hints=[
            "Which target has a real without smoothing, and which way must it go?",
            "`torch.full((n,), value)` makes n equal numbers.",
        ],
        answer="return torch.full((n,), 1 - smoothing)",
        because="1 is the hard target of a real; smoothing lowers it, for all alike.",
        praise="D is asked to be 90 % sure of a real, and never more.",
    )
)


def _densities(
    *pairs: tuple[float, float], a: float, b: float, **kw: Any
) -> Callable[[], tuple]:
    p, q = zip(*pairs, strict=True)
    return lambda: (torch.tensor(p, **kw), torch.tensor(q, **kw), a, b)


def _slope_in_float64(function: Any, p: Tensor, *more: Any) -> observers.Seen:
    """The value; in float64 the slopes, too: the next cell takes them there."""
    exact = p.dtype == torch.float64
    look = observers.value_and_slope if exact else observers.value
    yield from look(function, p, *more)


register(
    Exercise(
        name="smoothed_optimal_discriminator",
        lesson=4,
        reference=losses.smoothed_optimal_discriminator,
        observe=_slope_in_float64,
        elementwise=True,
        probes={
            "equal densities, targets 0.9 and 0": _densities((0.2, 0.2), a=0.9, b=0.0),
            "three places, targets 0.9 and 0": _densities(
                (0.3, 0.1), (0.1, 0.3), (0.4, 0.0), a=0.9, b=0.0
            ),
            "targets 1 and 0": _densities((0.3, 0.1), (0.05, 0.2), a=1.0, b=0.0),
            "targets 0.9 and 0.1": _densities((0.3, 0.1), (0.01, 1.0), a=0.9, b=0.1),
            "targets 0.8 and 0.3": _densities((0.3, 0.1), (0.0, 0.2), a=0.8, b=0.3),
            "densities above 1": _densities((3.0, 1.0), (0.5, 2.0), a=0.9, b=0.2),
        },
        later={
            "hardly any of one kind": _densities(
                (1.0, 1e-3), (1e-3, 1.0), a=1.0, b=0.0
            ),
            "far out, where hardly any are": _densities(
                (1e-12, 3e-12), (6e-13, 2e-13), a=0.9, b=0.1
            ),
            "in float64, and its slopes": _densities(
                (0.3, 0.1), (0.1, 0.3), a=0.9, b=0.1, dtype=torch.float64
            ),
        },
        accepts=[
            lambda p, q, a, b: b + (a - b) * p / (p + q),
            lambda p, q, a, b: a * p / (p + q) + b * q / (p + q),
            lambda p, q, a, b: b + (a - b) * losses.optimal_discriminator(p, q),
            lambda p, q, a, b: a - (a - b) * q / (p + q),
        ],
        mistakes=[
            Mistake(
                "fakes' target forgotten",
                lambda p, q, a, b: a * p / (p + q),
                "The fakes' target is missing. At each place both laws have a vote: "
                "p_data votes for real_target and p_g for fake_target.",
            ),
            Mistake(
                "not smoothed",
                lambda p, q, a, b: p / (p + q),
                "This is D* for the targets 1 and 0. Derive it again with the cost "
                "-a log D - (1 - a) log(1 - D) on data.",
            ),
            Mistake(
                "does not run from target to target",
                (
                    lambda p, q, a, b: a * p / (p + q) + b,
                    lambda p, q, a, b: (a - b) * p / (p + q),
                ),
                "Put p_data = 0: only fakes come here, and D* must be fake_target. "
                "Put p_g = 0: it must be real_target. Your answer misses one of them.",
            ),
            Mistake(
                "parentheses missing",
                (
                    lambda p, q, a, b: a * p + b * q / (p + q),
                    lambda p, q, a, b: (a * p + b * q) / p + q,
                    lambda p, q, a, b: a * p + b * q / p + q,
                ),
                "Division comes before addition: here a part of the sum is not "
                "divided, or not divided by. Put each sum in parentheses.",
            ),
            Mistake(
                "targets swapped",
                lambda p, q, a, b: (b * p + a * q) / (p + q),
                "Data carries real_target, and what G makes carries fake_target: here "
                "they are exchanged.",
            ),
            Mistake(
                "targets below the line",
                (
                    lambda p, q, a, b: a * p / (a * p + b * q),
                    lambda p, q, a, b: a * p / (a * p + (1 - b) * q),
                    lambda p, q, a, b: (a * p + b * q) / (a * p + b * q + p + q),
                ),
                "Soft targets do not change how often a sample comes, so they stay "
                "above the line: the weights p_data + p_g below are as before.",
            ),
            Mistake(
                "fakes' target turned over",
                lambda p, q, a, b: (a * p + (1 - b) * q) / (p + q),
                "fake_target is already D's wanted answer on a fake. With 1 - b the "
                "fakes would be called real.",
            ),
            Mistake(
                "subtracted",
                lambda p, q, a, b: (a * p - b * q) / (p + q),
                "The fakes' vote is subtracted. It is a vote for fake_target, which is "
                "0 or more: add it.",
            ),
            Mistake(
                "not divided",
                lambda p, q, a, b: a * p + b * q,
                "The votes are added but not divided by their number, p_data + p_g.",
            ),
            Mistake(
                "clamped",
                lambda p, q, a, b: (p / (p + q)).clamp(b, a),
                "D* is cut off at the targets. They bend the whole curve: D* is a "
                "weighted mean of the two targets everywhere.",
            ),
            Mistake(
                "two halves",
                lambda p, q, a, b: (a * p / (p + q) + b * q / (p + q)) / 2,
                "Half of it. The two weights p/(p + q) and q/(p + q) sum to 1 already.",
            ),
        ],
        hints=[
            "At one place x, D pays p_data times the cost of target a, and p_g times "
            "the cost of target b. Cross-entropy is lowest at the mean target.",
            "The mean of a and b, weighted by p_data and p_g.",
        ],
        answer=(
            "votes = real_target * p_data + fake_target * p_g\n"
            "return votes / (p_data + p_g)"
        ),
        because="Cross-entropy is lowest at the mean target, and this is that mean.",
        praise="Lesson 2's D* is the special case of the votes 1 and 0.",
    )
)
