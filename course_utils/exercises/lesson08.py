"""Lesson 8: the levels where D cannot tell, and what it answers on average."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import observers
from .engine import Exercise, Mistake, register

LOG2 = math.log(2)
sigmoid = torch.sigmoid


# ------------------------------------------------------------------ observing numbers


def numbers(function: Any, *arguments: Any) -> observers.Seen:
    """As `observers.value`, with 0-dimensional tensors as the floats they hold.

    First whether the result is NaN, which a mistake can be known by.
    """
    seen = dict(observers.value(function, *arguments))
    result = seen["value"] = _plain(seen["value"])
    yield "NaN", isinstance(result, float) and math.isnan(result)
    yield from seen.items()


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(map(_plain, value))
    if isinstance(value, (Tensor, np.generic)) and not value.ndim:
        return value.item()
    return value


# ------------------------------------------------------------------ levels

register(
    Exercise(
        name="equilibrium_losses",
        lesson=8,
        reference=lambda: (2 * LOG2, LOG2),
        observe=numbers,
        probes={"D answers 1/2 everywhere": lambda: ()},
        accepts=[
            lambda: (math.log(4), -math.log(0.5)),
            lambda: (torch.tensor(4.0).log(), torch.tensor(2.0).log()),
            lambda: (1.386, 0.693),
            lambda: (1.3863, 0.6931),
            lambda: [2 * math.log1p(1), math.log1p(1)],
        ],
        mistakes=[
            Mistake(
                "rounded",
                (
                    lambda: (1.39, 0.69),
                    lambda: (1.4, 0.7),
                    lambda: (1.38, 0.69),
                ),
                "Close, and off by more than 1e-3, as rounded numbers are: write the "
                "logarithms themselves, with `math.log`.",
                kind="convention",
            ),
            Mistake(
                "D's halves averaged",
                lambda: (LOG2, LOG2),
                "D's loss here would be the mean of its two terms. In this course it "
                "is their sum: -log D(x) and -log(1 - D(G(z))), each log 2.",
                kind="convention",
            ),
            Mistake(
                "swapped",
                lambda: (LOG2, 2 * LOG2),
                "D's loss comes first: it has two terms, G's has one.",
            ),
            Mistake(
                "both with two terms",
                lambda: (2 * LOG2, 2 * LOG2),
                "G's loss has one term, -log D(G(z)): the data do not occur in it.",
            ),
            Mistake(
                "bits",
                lambda: (2.0, 1.0),
                "These are bits, logarithms to base 2. The losses are in nats: "
                "`math.log`.",
                kind="convention",
            ),
            Mistake(
                "the value, not the loss",
                (
                    lambda: (-2 * LOG2, -LOG2),
                    lambda: (-2 * LOG2, LOG2),
                    lambda: (-2 * LOG2, 2 * LOG2),
                ),
                "The value V(D, G) is -log 4 there; D *maximizes* it, and its loss is "
                "-V. A loss made of -log of a probability is not negative.",
            ),
            Mistake(
                "the minimax generator",
                (lambda: (2 * LOG2, -LOG2), lambda: (2 * LOG2, -2 * LOG2)),
                "The second is the minimax loss, log(1 - 1/2). G trains with the "
                "non-saturating -log D(G(z)) here.",
            ),
            Mistake(
                "the probabilities",
                (lambda: (0.5, 0.5), lambda: (1.0, 0.5)),
                "These are what D answers. What does an answer of 1/2 *cost*?",
            ),
            Mistake(
                "zero",
                (lambda: (0.0, 0.0), lambda: (0.0, LOG2), lambda: (2 * LOG2, 0.0)),
                "A loss of 0 means that somebody was sure and right. Here nobody is "
                "sure: each answer of 1/2 costs -log(1/2).",
            ),
        ],
        hints=[
            "What does one answer of 1/2 cost, as -log of a probability?",
            "How many such costs stand in D's loss, and how many in G's?",
        ],
        answer="return 2 * math.log(2), math.log(2)",
        because="every term is -log(1/2) = log 2; D's loss has two, G's has one.",
        praise="The dotted lines of every curve below.",
        rtol=1e-3,
        elementwise=True,
        same=1e-2,
    )
)


# ------------------------------------------------------------------ what D answers


def mean_outputs(real_logits: Tensor, fake_logits: Tensor) -> tuple[float, float]:
    """Mean D(x) and mean D(G(z)), as `trainer.Record` keeps them."""
    return sigmoid(real_logits).mean().item(), sigmoid(fake_logits).mean().item()


def _logits(real: list[float], fake: list[float]) -> Callable[[], tuple]:
    return lambda: (torch.tensor(real), torch.tensor(fake))


def _pair(answer: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Any]:
    return lambda r, f: (answer(r), answer(f))


def _median(x: Tensor) -> Tensor:
    return sigmoid(x).median()


register(
    Exercise(
        name="mean_outputs",
        lesson=8,
        reference=mean_outputs,
        observe=numbers,
        probes={
            "D cannot tell": _logits([0.0, 0.0], [0.0, 0.0]),
            "unequal logits": _logits([4.0, -1.0, 0.5], [-3.0, 2.0]),
            "D is sure": _logits([8.0, 9.0, 12.0, 7.0], [-9.0, -6.0, -6.0]),
            "D is sure and wrong": _logits([-40.0, -100.0], [100.0, 40.0, 3.0]),
        },
        accepts=[
            _pair(lambda x: sigmoid(x).mean()),
            lambda r, f: [x.sigmoid().double().mean().item() for x in (r, f)],
            _pair(lambda x: (1 / (1 + torch.exp(-x))).mean()),
            _pair(lambda x: (0.5 * (1 + torch.tanh(x / 2))).mean()),
            lambda r, f: (r.sigmoid().sum() / len(r), f.sigmoid().sum() / f.numel()),
            _pair(lambda x: float(sigmoid(x).numpy().mean())),
        ],
        mistakes=[
            Mistake(
                "the logits themselves",
                _pair(torch.mean),
                "These are mean logits. They have no bounds; D(x) is a probability. "
                "Put each logit through the sigmoid.",
            ),
            Mistake(
                "sigmoid of the mean",
                _pair(lambda x: sigmoid(x.mean())),
                "The mean was taken before the sigmoid. One logit of 100 then hides "
                "every other; take the probability of each image, and average those.",
            ),
            Mistake(
                "share that D calls real",
                (
                    _pair(lambda x: (x > 0).float().mean()),
                    _pair(lambda x: (x >= 0).float().mean()),
                    _pair(lambda x: (sigmoid(x) > 0.5).float().mean()),
                    _pair(lambda x: sigmoid(x).round().mean()),
                ),
                "You counted the images that D calls real: an accuracy, which does not "
                "say how sure D is. Average the probabilities as they are.",
            ),
            Mistake(
                "exp overflows",
                _pair(lambda x: (torch.exp(x) / (1 + torch.exp(x))).mean()),
                "Right, but exp(100) is infinite in float32, and infinity over "
                "infinity is NaN. `torch.sigmoid` takes care of large logits.",
            ),
            Mistake(
                "swapped",
                lambda r, f: (sigmoid(f).mean(), sigmoid(r).mean()),
                "The two change places: D(x), on data, comes first.",
            ),
            Mistake(
                "one mean of all",
                (
                    lambda r, f: sigmoid(torch.cat([r, f])).mean(),
                    lambda r, f: (sigmoid(torch.cat([r, f])).mean(),) * 2,
                    lambda r, f: (sigmoid(r).mean() + sigmoid(f).mean()) / 2,
                ),
                "Data and fakes went into one mean. How far the two are apart is what "
                "you want to read: return one mean for each.",
            ),
            Mistake(
                "1 - D on fakes",
                (
                    lambda r, f: (sigmoid(r).mean(), 1 - sigmoid(f).mean()),
                    lambda r, f: (sigmoid(r).mean(), sigmoid(-f).mean()),
                ),
                "The second number is how sure D is that fakes are fakes. D(G(z)) is "
                "the probability that they are *data*: leave out the `1 -`.",
            ),
            Mistake(
                "summed",
                _pair(lambda x: sigmoid(x).sum()),
                "The probabilities were added up; divide by how many there are.",
            ),
            Mistake(
                "sigmoid twice",
                _pair(lambda x: sigmoid(sigmoid(x)).mean()),
                "The sigmoid was applied twice: the result cannot leave [0.5, 0.73]. "
                "One of the runs in this lesson suffers from the same.",
            ),
            Mistake(
                "medians",
                _pair(_median),
                "This is the median, which no single image moves. Take the mean.",
            ),
            Mistake(
                "log-probabilities",
                (
                    _pair(lambda x: torch.nn.functional.logsigmoid(x).mean()),
                    _pair(lambda x: -torch.nn.functional.logsigmoid(x).mean()),
                    _pair(lambda x: torch.sigmoid(x).log().mean().exp()),
                ),
                "A logarithm came in, as in a loss. Average the probabilities.",
            ),
            Mistake(
                "one for each image",
                (
                    _pair(sigmoid),
                    lambda r, f: (sigmoid(r).tolist(), sigmoid(f).tolist()),
                ),
                "These are probabilities image by image. A curve needs one number for "
                "each batch: the mean.",
            ),
        ],
        hints=[
            "What turns a logit into a probability, and at which image by image step?",
            "Two batches, two means. Which comes first?",
        ],
        answer="real, fake = torch.sigmoid(real_logits), torch.sigmoid(fake_logits)\n"
        "return real.mean(), fake.mean()",
        because="D(x) is the sigmoid of a logit, and a mean over a batch of each kind.",
        praise="These are the two curves that the clinic below is read from.",
        rtol=1e-6,
        atol=2e-7,  # so that no logit clamped at 15 passes
    )
)
