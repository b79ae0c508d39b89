"""Lesson 5: where each float type breaks, and losses on logits that do not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils import losses

from . import observers
from .engine import Exercise, Mistake, register
from .lesson05_forms import TINY, Form, mistakes, short_tail, tail
from .wording import CHANGED

softplus, sigmoid, log_sigmoid = F.softplus, torch.sigmoid, F.logsigmoid
BCE = F.binary_cross_entropy_with_logits
ones, zeros = torch.ones_like, torch.zeros_like
HALF = " in half precision"


def logits(*values: float, dtype: torch.dtype = torch.float32):
    """A probe with one batch of logits."""
    return lambda: (torch.tensor(values, dtype=dtype),)


def loss_and_slope(function: Any, *batches: Tensor) -> Iterator[tuple[str, Any]]:
    """Value and slopes; in half precision under labels of their own, in any type."""
    half = batches[0].dtype is torch.float16
    for label, seen in observers.value_and_slope(function, *batches):
        yield (label + HALF, _as_float32(seen)) if half else (label, seen)


def loss_and_slope_in_logits(
    function: Any, logits: Tensor, target: Tensor
) -> Iterator[tuple[str, Any]]:
    """As above; nobody asks for a slope in the target, which is left as it is."""
    given: list[Tensor] = []

    def of_logits(x: Tensor) -> Any:
        given.append(target.clone())
        return function(x, given[-1])

    yield from loss_and_slope(of_logits, logits)
    unchanged = all(torch.equal(t, target) for t in given)
    yield "its target", "unchanged" if unchanged else CHANGED


def _as_float32(seen: Any) -> Any:
    if isinstance(seen, tuple):
        return tuple(map(_as_float32, seen))
    return seen.float() if isinstance(seen, Tensor) else seen


# Half precision carries three digits: there an answer is right to two of them.
HALF_TOLERANCE = {f"value{HALF}": (5e-3, 1e-3), f"slope{HALF}": (5e-3, 1e-3)}


# ----------------------------------------------------------- the largest exponent


def largest_safe_exponent(dtype: torch.dtype) -> float:
    """The largest x for which exp(x) does not exceed a float type's largest number."""
    return math.log(torch.finfo(dtype).max)


def _bisected_in_the_type(dtype: torch.dtype) -> float:
    low, high = 0.0, 1000.0
    for _ in range(60):
        middle = (low + high) / 2
        finite = torch.isfinite(torch.exp(torch.tensor(middle, dtype=dtype)))
        low, high = (middle, high) if finite else (low, middle)
    return low


def _whole_steps(dtype: torch.dtype) -> float:
    x = 0.0
    while torch.isfinite(torch.exp(torch.tensor(x + 1, dtype=dtype))):
        x += 1
    return x


def _log_in_the_type(dtype: torch.dtype) -> float:
    return torch.log(torch.tensor(torch.finfo(dtype).max, dtype=dtype)).item()


register(
    Exercise(
        name="largest_safe_exponent",
        lesson=5,
        reference=largest_safe_exponent,
        observe=observers.value,
        probes={
            "float32": lambda: (torch.float32,),
            "float64": lambda: (torch.float64,),
            "bfloat16": lambda: (torch.bfloat16,),
            "float16": lambda: (torch.float16,),
        },
        accepts=[
            lambda t: float(np.log(torch.finfo(t).max)),
            lambda t: torch.tensor(torch.finfo(t).max, dtype=torch.float64).log(),
            lambda t: math.log2(torch.finfo(t).max) * math.log(2),
        ],
        mistakes=[
            Mistake(
                "measured in the type itself",
                (_log_in_the_type, _bisected_in_the_type),
                "The type you ask about also rounds the answer: bfloat16 has no "
                "number between 88.5 and 89, and float16 gives 11.09375, whose exp is "
                "infinite. Take the type's largest number to a Python float, and the "
                "log there.",
            ),
            Mistake(
                "in whole steps",
                (
                    _whole_steps,
                    lambda t: float(int(math.log(torch.finfo(t).max))),
                    lambda t: _whole_steps(t) + 1,
                    lambda t: round(math.log(torch.finfo(t).max)),
                ),
                "The right wall, found in whole steps. Wanted is where it stands, to "
                "1e-3: for which x is exp(x) equal to the type's largest number?",
            ),
            Mistake(
                "rounded",
                (
                    lambda t: round(math.log(torch.finfo(t).max), 1),
                    lambda t: round(math.log(torch.finfo(t).max), 2),
                    lambda t: int(10 * math.log(torch.finfo(t).max)) / 10,
                    lambda t: int(100 * math.log(torch.finfo(t).max)) / 100,
                ),
                "The right wall, to one or two decimals. Wanted is 1e-3, which tells "
                "bfloat16's wall from float32's: compute it from "
                "`torch.finfo(dtype).max`, and do not round.",
            ),
            Mistake(
                "one type for all",
                (
                    lambda t: math.log(torch.finfo(torch.float32).max),
                    lambda t: math.log(torch.finfo(torch.float64).max),
                    lambda t: math.log(torch.finfo(torch.float16).max),
                    lambda t: torch.tensor(torch.finfo(t).max).log().item(),
                    lambda t: 88.0,
                    lambda t: 88.7,
                    lambda t: 88.72,
                ),
                "The answer has to follow the argument: `torch.finfo(dtype)` knows "
                "each type. (`torch.tensor(...)` without a dtype makes float32, in "
                "which float64's largest number is infinite.)",
            ),
            Mistake(
                "a power of two",
                lambda t: math.log2(torch.finfo(t).max),
                "That is the exponent of 2. exp is a power of e: take the natural "
                "logarithm, `math.log`.",
            ),
            Mistake(
                "a power of ten",
                lambda t: math.log10(torch.finfo(t).max),
                "That is the exponent of 10. exp is a power of e: take the natural "
                "logarithm, `math.log`.",
            ),
            Mistake(
                "the largest number",
                lambda t: float(torch.finfo(t).max),
                "That is what exp(x) may reach. Wanted is the x that reaches it.",
            ),
            Mistake(
                "exp for log",
                (
                    lambda t: math.exp(torch.finfo(t).max),
                    lambda t: torch.exp(torch.tensor(torch.finfo(t).max)).item(),
                    lambda t: math.inf,
                ),
                "exp of the largest number overflows at once. You know what exp(x) "
                "may reach and want x: which function undoes exp?",
            ),
            Mistake(
                "the other end",
                (
                    lambda t: -math.log(torch.finfo(t).tiny),
                    lambda t: math.log(torch.finfo(t).tiny),
                    lambda t: math.log(torch.finfo(t).smallest_normal),
                ),
                "That is where exp gets too small. Overflow is at the other end: the "
                "type's `max`.",
            ),
            Mistake(
                "the spacing at 1",
                (
                    lambda t: -math.log(torch.finfo(t).eps),
                    lambda t: math.log(torch.finfo(t).eps),
                ),
                "`eps` is the step from 1 to the next number. It decides where a "
                "sigmoid is rounded to 1, not where exp overflows: that is the type's "
                "`max`.",
            ),
            Mistake(
                "number of bits",
                (
                    lambda t: float(torch.finfo(t).bits),
                    lambda t: torch.finfo(t).bits * math.log(2),
                ),
                "Most of the bits hold digits, not the exponent: float16 and bfloat16 "
                "have equally many and end at 65,504 and 3.4e38. Ask for `max`.",
            ),
        ],
        hints=[
            "`torch.finfo(dtype)` tells what a type can hold. Which of its numbers "
            "must exp(x) not exceed?",
            "If exp(x) = `torch.finfo(dtype).max`, what is x?",
        ],
        answer="return math.log(torch.finfo(dtype).max)",
        because="exp(x) overflows when it exceeds the type's largest number.",
        praise="The first wall is 11.09 in float16 and 88.72 in float32 and bfloat16: "
        "an overpowered discriminator's logits go past the first; the last game of "
        "this lesson shows one.",
        rtol=0,
        atol=1e-3,
        same=1e-5,
    )
)


# ----------------------------------------------------------- one logit, two costs

ELEMENTWISE: dict[str, Any] = {
    "lesson": 5,
    "observe": observers.value_and_slope,
    "probes": {
        "logits (1, -1)": logits(1.0, -1.0),
        "logit 0": logits(0.0),
        "a table of 2 by 3": lambda: (
            torch.tensor([[-1.5, -1.0, -0.5], [0.5, 1.0, 1.5]]),
        ),
    },
    "later": {
        "logits (5, -5)": logits(5.0, -5.0),
        "logits (12.5, -12.5)": logits(12.5, -12.5),
        "logits (16, -16)": logits(16.0, -16.0),
        "logits (20, -20)": logits(20.0, -20.0),
        "logits (40, -40)": logits(40.0, -40.0),
        "logits (80, -80)": logits(80.0, -80.0),
        "logits (95, -95)": logits(95.0, -95.0),
        "logits (120, -120)": logits(120.0, -120.0),
        "logits (10000, -10000)": logits(1e4, -1e4),
        "all in one batch": logits(-120.0, -20.0, 0.0, 3.0, 20.0, 120.0),
    },
    "rtol": 1e-6,
    "atol": 1e-37,
    "elementwise": True,
    "same": 1e-5,
    "tolerance": {"slope": (0, 1e-6)},
}
ANYWHERE = (
    "double sigmoid", "BCELoss fed logits", "log of sigmoid", "epsilon inside log",
    "clamped probability", "BCELoss of sigmoid", "clamped logits", "plain where",
    "float64", "repainted infinity", "no absolute value", "exp of +|l|", "corner only",
    "tail only", "no maximum", "cut too early", "slope 0 at 0", "slope of clamp at 0",
)  # fmt: skip
IN_SINGLE_COSTS = (
    "log1p alone", "relu and log", "clamp and log",
    "log for log1p", "digits cancelled",
)  # fmt: skip


def _reduced(cost: Callable[[Tensor], Tensor]) -> Mistake:
    return Mistake(
        "averaged",
        (lambda x: cost(x).mean(), lambda x: cost(x).sum()),
        "One cost for each logit is wanted, in the shape of the input; the mean comes "
        "later, when the losses are built from this.",
    )


def _other_bases(cost: Callable[..., Tensor]) -> list[Mistake]:
    return [
        Mistake(
            "log base 2",
            lambda *a: cost(*a) / math.log(2),
            "That is the logarithm to base 2: bits. The course counts in nats, with "
            "the natural logarithm: 0.693 where you have 1.",
        ),
        Mistake(
            "log base 10",
            lambda *a: cost(*a) / math.log(10),
            "That is the logarithm to base 10: 0.301 at logit 0, where the natural "
            "logarithm gives 0.693.",
        ),
    ]


def _double_where(x: Tensor) -> Tensor:
    right, left = x.clamp(min=0), x.clamp(max=0)
    far = -left + torch.log1p(torch.exp(left))
    return torch.where(x >= 0, torch.log1p(torch.exp(-right)), far)


def _maximum(x: Tensor) -> Tensor:
    return torch.maximum(-x, zeros(x)) + torch.log1p(torch.exp(-x.abs()))


RIGHT = [  # each is -log s(l)
    lambda x: -log_sigmoid(x),
    lambda x: BCE(x, ones(x), reduction="none"),
    lambda x: torch.nn.BCEWithLogitsLoss(reduction="none")(x, ones(x)),
    lambda x: torch.logaddexp(zeros(x), -x),
    _maximum,
    lambda x: torch.log1p(torch.exp(-x.abs())) - torch.minimum(x, zeros(x)),
    lambda x: (x.abs() - x) / 2 + torch.log1p(torch.exp(-x.abs())),
    _double_where,
    lambda x: softplus(-x.double()).to(x.dtype),
]

register(
    Exercise(
        name="neg_log_sigmoid",
        reference=losses.neg_log_sigmoid,
        accepts=RIGHT,
        mistakes=[
            Mistake(
                "lost minus",
                (log_sigmoid, lambda x: -softplus(-x)),
                "That is log s(l), which is negative: softplus(-l) is already -log "
                "s(l), the cost. A cost is never below 0.",
            ),
            Mistake(
                "the twin",
                (softplus, lambda x: -log_sigmoid(-x), lambda x: _maximum(-x)),
                "That is -log(1 - s(l)), the twin: it grows with l. The cost of a "
                "logit where 1 was right has to fall as l grows.",
            ),
            Mistake(
                "log(1 - s)",
                (lambda x: -softplus(x), lambda x: log_sigmoid(-x)),
                "That is log(1 - s(l)). Two signs are turned: softplus(-l) is -log "
                "s(l).",
            ),
            Mistake(
                "one minus outside",
                lambda x: 1 + softplus(-x),
                "The slopes are right and every value is 1 too large: that is 1 - log "
                "s(l).",
            ),
            Mistake(
                "no log",
                (lambda x: 1 - sigmoid(x), lambda x: -sigmoid(x), sigmoid),
                "There is no logarithm in it, so a confident mistake never costs more "
                "than 1 and its slope dies on both sides.",
            ),
            Mistake(
                "a number in maximum",
                (
                    lambda x: torch.maximum(-x, 0) + tail(x),
                    lambda x: torch.maximum(-x, 0.0) + tail(x),
                    lambda x: torch.maximum(0, -x) + tail(x),
                    lambda x: torch.max(-x, 0) + tail(x),
                    lambda x: tail(x) + torch.max(-x, 0),
                ),
                "`torch.maximum` wants two tensors: `torch.zeros_like(logits)` is the "
                "second. (`torch.max` takes a whole number for a dim, and returns "
                "values and places.)",
            ),
            *_other_bases(lambda x: softplus(-x)),
            *mistakes(
                lambda f: f.one,
                *ANYWHERE,
                "clamped close to 0",
                *IN_SINGLE_COSTS,
                side=0,
            ),
            _reduced(lambda x: softplus(-x)),
        ],
        hints=[
            "-log s(l) = log(1 + exp(-l)). For which sign of l is exp(-l) safe? For "
            "the other sign, what is exp(-l) (1 + exp(l))?",
            "Both cases hold exp(-|l|), which is at most 1. What is left over is 0 "
            "for l > 0 and -l for l < 0.",
            "max(-l, 0) + log1p(exp(-|l|)): which of relu, clamp and `torch.maximum` "
            "has the slope 1/2 at a tie? (Or: torch has a function for all of this.)",
        ],
        answer="""\
corner = torch.maximum(-logits, torch.zeros_like(logits))
return corner + torch.log1p(torch.exp(-logits.abs()))""",
        because="exp sees nothing above 0, log1p keeps small costs, maximum shares the "
        "tie at 0. `F.softplus(-logits)` is the same in one call.",
        praise="Finite, exact and with the right slope at every logit from -10,000 to "
        "10,000: this one line is half of every GAN loss on logits.",
        **ELEMENTWISE,
    )
)

register(
    Exercise(
        name="neg_log_one_minus_sigmoid",
        reference=losses.neg_log_one_minus_sigmoid,
        accepts=[lambda x, f=f: f(-x) for f in RIGHT if f is not RIGHT[6]]
        + [lambda x: (x.abs() + x) / 2 + torch.log1p(torch.exp(-x.abs()))],
        mistakes=[
            Mistake(
                "the twin",
                (lambda x: softplus(-x), lambda x: -log_sigmoid(x), _maximum),
                "That is -log s(l) again, which falls as l grows. Here 0 was right, "
                "so a high logit has to cost more.",
            ),
            Mistake(
                "lost minus",
                (lambda x: -softplus(x), lambda x: log_sigmoid(-x)),
                "That is log(1 - s(l)), which is negative; the cost is -log(1 - s(l)).",
            ),
            Mistake(
                "log s",
                log_sigmoid,
                "That is log s(l): sign and side are turned. It falls without end "
                "where the wanted cost goes to 0.",
            ),
            Mistake(
                "one minus moved to the logit",
                (lambda x: -log_sigmoid(1 - x), lambda x: softplus(x - 1)),
                "`1 -` slipped inside: 1 - s(l) is s(-l), never s(1 - l). At logit 5 "
                "yours gives 4.018, wanted is 5.007.",
            ),
            Mistake(
                "one minus outside",
                (lambda x: 1 - softplus(-x), lambda x: 1 + log_sigmoid(x)),
                "The `1 -` stands outside the logarithm: 1 - (-log s) is something "
                "else. It belongs inside: -log(1 - s(l)).",
            ),
            Mistake(
                "no log",
                (sigmoid, lambda x: 1 - sigmoid(x), lambda x: -sigmoid(x)),
                "There is no logarithm in it, so a confident mistake never costs more "
                "than 1 and its slope dies on both sides.",
            ),
            Mistake(
                "1 - s from the twin",
                (
                    lambda x: -torch.log(1 - torch.exp(-softplus(-x))),
                    lambda x: -torch.log(1 - torch.exp(-_maximum(x))),
                    lambda x: -torch.log1p(-torch.exp(-softplus(-x))),
                ),
                "exp(-neg_log_sigmoid(l)) is s(l) again, rounded to 1 from about +17 "
                "on: 1 - s is then 0 and its log -inf. Never form 1 - s(l): it is "
                "s(-l).",
            ),
            *_other_bases(softplus),
            *mistakes(
                lambda f: f.zero,
                *ANYWHERE,
                "exp inside log",
                *IN_SINGLE_COSTS,
                side=1,
                also={"epsilon inside log": ("clamped close to 0",)},
            ),
            _reduced(softplus),
        ],
        hints=[
            "1 - s(l) = s(-l). So which function that you already have, at which "
            "logit?",
            "`neg_log_sigmoid(-logits)`.",
        ],
        answer="return neg_log_sigmoid(-logits)",
        because="1 - s(l) = s(-l), so the twin is the same function at the mirrored "
        "logit: max(l, 0) + log1p(exp(-|l|)) = softplus(l).",
        praise="With the two twins every loss of the game is one line.",
        **ELEMENTWISE,
    )
)


# ----------------------------------------------------------- log-sum-exp


LARGE, HUGE = " of large logits", " of huge logits"


def rows_and_slope(function: Any, x: Tensor) -> Iterator[tuple[str, Any]]:
    """Value and slope, under labels with a tolerance that fits the size of the logits.

    A float32 near 1e4 is rounded by 5e-4, and a right answer may carry that along.
    """
    largest = x.abs().max()
    size = HUGE if largest > 1000 else LARGE if largest > 10 else ""
    for label, seen in observers.value_and_slope(function, x):
        yield label + size, seen


def rows(*values: tuple[float, ...]):
    return lambda: (torch.tensor(values),)


SOFTMAX_EPSILONS = (
    1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-16, 1e-20, 1e-30, TINY
)  # fmt: skip


def _shifted(shift: Callable[[Tensor], Any]) -> Callable[[Tensor], Tensor]:
    def f(x: Tensor) -> Tensor:
        y = x - shift(x)
        return y - y.exp().sum(-1, keepdim=True).log()

    return f


register(
    Exercise(
        name="log_softmax",
        lesson=5,
        reference=losses.log_softmax,
        observe=rows_and_slope,
        probes={
            "one row, three equal logits": rows((0.0, 0.0, 0.0)),
            "2 rows, 3 classes": rows((1.0, 2.0, 3.0), (0.5, -1.0, 0.0)),
            "3 rows, 3 classes": rows(
                (1.0, 2.0, 3.0), (0.5, -1.0, 0.0), (-2.0, 0.0, 4.0)
            ),
        },
        later={
            "logits (0, -40)": rows((0.0, -40.0)),
            "logits (0, -120)": rows((0.0, -120.0)),
            "all at -150": rows((-150.0, -151.0, -155.0)),
            "logits (-150, 0, 150)": rows((-150.0, 0.0, 150.0)),
            "all at 150": rows((150.0, 151.0, 155.0)),
            "rows of unlike size": rows((0.0, 1.0), (150.0, 151.0), (-150.0, -149.0)),
            "all at 10000": rows((1e4, 1e4 - 1, 0.0)),
            "all at -10000": rows((-1e4, -1e4 - 1, -1e4 - 5)),
        },
        accepts=[
            lambda x: torch.log_softmax(x, dim=-1),
            lambda x: torch.nn.LogSoftmax(dim=1)(x),
            lambda x: x - torch.logsumexp(x, dim=-1, keepdim=True),
            _shifted(lambda x: x.max(dim=1, keepdim=True).values),
            lambda x: torch.stack([r - r.logsumexp(0) for r in x]),
            lambda x: torch.log_softmax(x.double(), dim=-1).float(),
        ],
        mistakes=[
            Mistake(
                "log of softmax",
                (
                    lambda x: torch.log(torch.softmax(x, dim=-1)),
                    lambda x: torch.log(
                        _shifted(lambda y: y.amax(-1, keepdim=True))(x).exp()
                    ),
                ),
                "softmax shifts by the maximum for you, and then rounds: the second "
                "of (0, -120) is exactly 0 in it, and log(0) is -inf with NaN slopes. "
                "Stay in logs: l - logsumexp(l).",
            ),
            Mistake(
                "nothing shifted",
                (
                    lambda x: x - x.exp().sum(-1, keepdim=True).log(),
                    lambda x: torch.log(x.exp() / x.exp().sum(-1, keepdim=True)),
                ),
                "Right on paper. exp overflows from 88.7 on, and below -104 every "
                "term of the sum is 0. Take each row's largest logit off first: exp "
                "then sees nothing above 0, and the largest term is 1.",
            ),
            Mistake(
                "one shift for all rows",
                _shifted(lambda x: x.max()),
                "The whole batch is shifted by one maximum: a row far below it "
                "underflows, its sum is 0 and its log -inf. Each row needs its own "
                "maximum.",
            ),
            Mistake(
                "shifted by something else",
                (
                    _shifted(lambda x: x.amin(-1, keepdim=True)),
                    _shifted(lambda x: x.mean(-1, keepdim=True)),
                    _shifted(lambda x: x.abs().amax(-1, keepdim=True)),
                    _shifted(lambda x: x[..., :1]),
                ),
                "Any shift is right on paper; only the row's *largest* logit "
                "guarantees that no exponential overflows and that one term of the "
                "sum is 1.",
            ),
            Mistake(
                "maximum of each column",
                _shifted(lambda x: x.amax(0, keepdim=True)),
                "With `dim=0` that is the maximum of each column. Each row needs its "
                "own: `amax(dim=-1, keepdim=True)`.",
            ),
            Mistake(
                "max with its places",
                (
                    lambda x: x - x.max(dim=1, keepdim=True),
                    lambda x: x - x.max(dim=1),
                ),
                "`max` with a dim returns values and places: take `.values`, or use "
                "`amax`.",
            ),
            Mistake(
                "shift not put back",
                tuple(
                    lambda x, m=m: x - (x - m(x)).exp().sum(-1, keepdim=True).log()
                    for m in (lambda x: x.amax(-1, keepdim=True), torch.max)
                ),
                "m was taken off inside the sum and never put back: l - (m + log of "
                "the sum of exp(l - m)).",
            ),
            Mistake(
                "shift not undone",
                lambda x: (
                    x - x.amax(-1, keepdim=True) - x.exp().sum(-1, keepdim=True).log()
                ),
                "The maximum was taken off in one place and not in the other. Shift "
                "the logits once, and use the shifted ones in both.",
            ),
            Mistake(
                "shifted only",
                lambda x: x - x.amax(-1, keepdim=True),
                "The largest is now 0, but the exponentials do not sum to 1: the log "
                "of their sum is still to be taken off.",
            ),
            Mistake(
                "over the rows",
                (
                    lambda x: torch.log_softmax(x, dim=0),
                    lambda x: x - x.logsumexp(0),
                ),
                "The sum runs over the examples. Classes lie along the last axis, "
                "`dim=-1`: each row must sum to 1.",
            ),
            Mistake(
                "over the whole table",
                lambda x: x - x.logsumexp((0, 1)),
                "All entries together sum to 1. Each row is a law of its own: sum "
                "along `dim=-1`.",
            ),
            Mistake(
                "keepdim left out",
                (
                    lambda x: x - x.logsumexp(-1),
                    lambda x: x - x.amax(-1) - (x - x.amax(-1)).exp().sum(-1).log(),
                    lambda x: (y := x - x.amax(-1, True)) - y.exp().sum(-1).log(),
                    lambda x: (y := x - x.amax(-1)) - y.exp().sum(-1, True).log(),
                ),
                "Without `keepdim=True` the row sums have shape (n,), and line up "
                "with the columns: an error if you are lucky, wrong numbers where n = "
                "k.",
            ),
            Mistake(
                "log of the sum added",
                (
                    lambda x: (y := x - x.amax(-1, True)) + y.exp().sum(-1, True).log(),
                    lambda x: x + x.logsumexp(-1, keepdim=True),
                ),
                "The log of the sum is added. It stands under the fraction, exp(l) / "
                "sum, so its log is taken off.",
            ),
            Mistake(
                "sum without its log",
                (
                    lambda x: (y := x - x.amax(-1, True)) - y.exp().sum(-1, True),
                    lambda x: x - x.exp().sum(-1, keepdim=True),
                ),
                "What is taken off is the sum of the exponentials; wanted is the log "
                "of that sum.",
            ),
            Mistake(
                "no log",
                lambda x: torch.softmax(x, dim=-1),
                "Those are the probabilities; wanted are their logarithms.",
            ),
            Mistake(
                "lost sign",
                lambda x: -torch.log_softmax(x, dim=-1),
                "The sign is turned: a log-probability is never above 0.",
            ),
            Mistake(
                "class by class",
                log_sigmoid,
                "That asks k separate yes-or-no questions. Here one of k classes is "
                "right: the probabilities of a row sum to 1.",
            ),
            Mistake(
                "log of the mean",
                lambda x: x - x.logsumexp(-1, keepdim=True) + math.log(x.shape[-1]),
                "Every value is log k too large: the mean of the exponentials was "
                "taken, where their sum is wanted.",
            ),
            Mistake(
                "epsilon inside log",
                tuple(
                    lambda x, e=e: torch.log(torch.softmax(x, dim=-1) + e)
                    for e in SOFTMAX_EPSILONS
                )
                + tuple(
                    lambda x, e=e: torch.log(torch.softmax(x, dim=-1).clamp(min=e))
                    for e in SOFTMAX_EPSILONS
                ),
                "The epsilon (or clamp) removes the infinity and the number with it: "
                "for (0, -120) the second is -18.4 with 1e-8, and its slope is gone. "
                "Stay in logs.",
            ),
            Mistake(
                "repainted infinity",
                tuple(
                    lambda x, v=v: torch.log(torch.softmax(x, -1)).nan_to_num(neginf=v)
                    for v in (None, 0.0, -100.0, -1e4)
                ),
                "The infinity was made, and then painted over. The slope behind the "
                "paint stays NaN. Stay in logs, so that it does not happen.",
            ),
            Mistake(
                "float64",
                (
                    lambda x: torch.log(torch.softmax(x.double(), -1)).to(x.dtype),
                    lambda x: (
                        (y := x.double()) - y.exp().sum(-1, keepdim=True).log()
                    ).to(x.dtype),
                ),
                "float64 moves the walls, of exp from 88 to 709 and of its log from "
                "-104 to -745, and you are asked to stand at 10,000. Take each row's "
                "maximum off and stay in logs; then float32 is enough.",
            ),
            *_other_bases(lambda x: torch.log_softmax(x, dim=-1)),
        ],
        hints=[
            "log softmax(l) = l - log(sum of exp(l)). Which logit makes the sum "
            "overflow, and what happens if you subtract the same number from all?",
            "Subtract each row's largest logit (`amax(dim=-1, keepdim=True)`) first.",
        ],
        answer="""\
shifted = logits - logits.amax(dim=-1, keepdim=True)
return shifted - torch.log(torch.exp(shifted).sum(dim=-1, keepdim=True))""",
        because="A common shift cancels in l - logsumexp(l); with the maximum off, no "
        "exponential exceeds 1.",
        praise="It is the posterior of lesson 1 and the cross-entropy of every "
        "classifier; with two classes it is neg_log_sigmoid.",
        tolerance={
            "value": (1e-6, 1e-6),
            "slope": (0, 2e-6),
            f"value{LARGE}": (1e-6, 1.5e-4),
            f"slope{LARGE}": (0, 1.5e-4),
            f"value{HUGE}": (1e-6, 1e-2),
            f"slope{HUGE}": (0, 1e-2),
        },
        same=1e-6,
    )
)


# ----------------------------------------------------------- the losses

# A mean over a batch is asked for to 1e-6, where a lost tiny cost is no matter.
SAME_IN_A_MEAN = {
    "slope 0 at 0": ("relu and log",),
    "slope of clamp at 0": ("clamp and log",),
}
FAR_LOGITS = (12.5, -12.5, 16.0, 20.0, -20.0, 40.0, -40.0, 95.0, -95.0, 120.0, -120.0)


def _loss_mistakes(
    lift: Callable[[Form], Any],
    terms: Callable[..., tuple[Tensor, ...]],
    *more: str,
    side: int,
) -> list[Mistake]:
    """What goes wrong alike in every batch loss, a sum of means over `terms`."""
    if side == 0:
        names = (*ANYWHERE, "clamped close to 0")
        also = {"log of sigmoid": ("exp inside log", "log1p alone")}
    else:
        names = (*ANYWHERE, "exp inside log")
        also = {
            "exp inside log": ("log1p alone",),
            "epsilon inside log": ("clamped close to 0",),
        }
    names = (*names, *more, "cut too late for half")
    forms = mistakes(lift, *names, side=side, also=also | SAME_IN_A_MEAN)
    return [*forms, *_wrong_sizes(terms)]


def _wrong_sizes(terms: Callable[..., tuple[Tensor, ...]]) -> list[Mistake]:
    """The right loss, up to a factor or a sign."""

    def loss(*a: Tensor) -> Tensor:
        return sum(t.mean() for t in terms(*a))

    return [
        Mistake(
            "sum",
            lambda *a: sum(t.sum() for t in terms(*a)),
            "Summed over the batch: twice the batch gives twice the loss and twice the "
            "step. An expectation is estimated by the *mean*.",
        ),
        Mistake(
            "divided twice",
            lambda *a: sum(t.mean() / len(t) for t in terms(*a)),
            "The mean has already divided by the size of the batch; do not divide "
            "again.",
        ),
        Mistake(
            "half",
            lambda *a: loss(*a) / 2,
            "Right up to a factor 1/2. Some papers keep it, since it halves the step; "
            "the course leaves it out.",
            kind="convention",
        ),
        Mistake(
            "sign turned",
            lambda *a: -loss(*a),
            "Every number is right and the sign is turned: an optimizer would run away "
            "from what you want.",
        ),
        *_other_bases(loss),
    ]


def _bce_lift(form: Form):
    def f(x: Tensor, t: Tensor) -> Tensor:
        return (t * form.one(x) + (1 - t) * form.zero(x)).mean()

    return f


def _bce_terms(x: Tensor, t: Tensor) -> tuple[Tensor]:
    return (t * softplus(-x) + (1 - t) * softplus(x),)


def pair(
    a: tuple[float, ...], b: tuple[float, ...], dtype: torch.dtype = torch.float32
):
    """A probe with two batches."""
    return lambda: (torch.tensor(a, dtype=dtype), torch.tensor(b, dtype=dtype))


register(
    Exercise(
        name="bce_with_logits",
        lesson=5,
        reference=losses.bce_with_logits,
        observe=loss_and_slope_in_logits,
        probes={
            "logit 2, target 1": pair((2.0,), (1.0,)),
            "logit 2, target 0": pair((2.0,), (0.0,)),
            "logit 0, target 1": pair((0.0,), (1.0,)),
            "logit 0, target 0": pair((0.0,), (0.0,)),
            "four logits, hard targets": pair((-3.0, 2.0, 3.0, -1.0), (1, 0, 1, 0)),
            "the same batch twice": pair((-3.0, 2.0, 3.0, -1.0) * 2, (1, 0, 1, 0) * 2),
            "soft targets": pair((-3.0, 2.0, 3.0), (0.9, 0.25, 0.6)),
        },
        later={
            f"logits ({v:g}, 1), targets ({t:g}, 0)": pair((v, 1.0), (t, 0.0))
            for v in (5.0, *FAR_LOGITS, 1e4, -1e4)
            for t in ((0.0,) if v > 0 else (1.0,))
        }
        | {
            "sure and right: logits (40, -40)": pair((40.0, -40.0), (1.0, 0.0)),
            "half precision": pair(
                (-20.0, -13.0, 12.0, 0.5), (1, 0, 0, 1), torch.float16
            ),
        },
        accepts=[
            BCE,
            lambda x, t: torch.nn.BCEWithLogitsLoss()(x, t),
            lambda x, t: -(t * log_sigmoid(x) + (1 - t) * log_sigmoid(-x)).mean(),
            lambda x, t: (softplus(x) - t * x).mean(),
            lambda x, t: (
                (torch.maximum(x, zeros(x)) - t * x).mean()
                + torch.log1p(torch.exp(-x.abs())).mean()
            ),
            lambda x, t: (torch.logaddexp(zeros(x), x) - t * x).mean(),
            lambda x, t: (t * _double_where(x) + (1 - t) * _double_where(-x)).mean(),
        ],
        mistakes=[
            Mistake(
                "targets turned round",
                (
                    lambda x, t: BCE(x, 1 - t),
                    lambda x, t: BCE(-x, t),
                ),
                "Targets and costs are crossed: the target 1 pays -log s(l), the "
                "target 0 pays -log(1 - s(l)).",
            ),
            Mistake(
                "ones only",
                (
                    lambda x, t: (t * softplus(-x)).mean(),
                    lambda x, t: softplus(-x).mean(),
                    lambda x, t: (softplus(-x) * t).sum() / t.sum().clamp(min=1),
                ),
                "Only the term of the target 1 is there. The zeros have a cost as "
                "well: (1 - target) times -log(1 - s(l)).",
            ),
            Mistake(
                "zeros only",
                (
                    lambda x, t: ((1 - t) * softplus(x)).mean(),
                    lambda x, t: softplus(x).mean(),
                ),
                "Only the term of the target 0 is there; add target times -log s(l).",
            ),
            Mistake(
                "both for everyone",
                lambda x, t: (softplus(-x) + softplus(x)).mean(),
                "Every logit pays both costs, whatever its target. Weigh them: target "
                "times one, (1 - target) times the other.",
            ),
            Mistake(
                "soft targets hardened",
                (
                    lambda x, t: BCE(x, (t > 0.5).to(x.dtype)),
                    lambda x, t: BCE(x, t.round()),
                    lambda x, t: BCE(x, t.ceil()),
                    lambda x, t: torch.where(t > 0.5, softplus(-x), softplus(x)).mean(),
                    lambda x, t: torch.where(t == 1, softplus(-x), softplus(x)).mean(),
                ),
                "A target of 0.9 is treated as 1 or 0. Soft targets (lesson 4's label "
                "smoothing) weigh both costs: 0.9 of one, 0.1 of the other.",
            ),
            Mistake(
                "signs for targets",
                lambda x, t: softplus((1 - 2 * t) * x).mean(),
                "2 target - 1 turns 0 and 1 into signs, and for those two this is the "
                "cost. A soft target is no sign: it weighs both costs.",
            ),
            Mistake(
                "one sign lost",
                (
                    lambda x, t: (t * softplus(-x) - (1 - t) * softplus(x)).mean(),
                    lambda x, t: ((1 - t) * softplus(x) - t * softplus(-x)).mean(),
                ),
                "One of the two terms has the wrong sign. Both are costs, and both "
                "are added: target times one, (1 - target) times the other.",
            ),
            Mistake(
                "corner at 0",
                (
                    lambda x, t: (F.relu(x) - t * x + tail(x)).mean(),
                    lambda x, t: (F.relu(x) - t * x + short_tail(x)).mean(),
                    lambda x, t: (x.clamp(min=0) - t * x + tail(x)).mean(),
                    lambda x, t: (x.clamp(min=0) - t * x + short_tail(x)).mean(),
                ),
                "Right in value everywhere. At logit exactly 0 the slope is off by a "
                "half: autograd gives relu the slope 0 there, and clamp the slope 1. "
                "`torch.maximum` shares a tie, a half to each side.",
            ),
            Mistake(
                "plus l times target",
                (
                    lambda x, t: (softplus(x) + t * x).mean(),
                    lambda x, t: (softplus(-x) - t * x).mean(),
                ),
                "One sign is off: target 1 has to cost softplus(l) - l, which is "
                "softplus(-l).",
            ),
            Mistake(
                "no mean",
                lambda x, t: BCE(x, t, reduction="none"),
                "One cost for each logit; the loss is their mean, one number.",
            ),
            Mistake(
                "squared error",
                (
                    lambda x, t: ((sigmoid(x) - t) ** 2).mean(),
                    lambda x, t: ((x - t) ** 2).mean(),
                ),
                "That is a squared error. Cross-entropy takes the logarithm of the "
                "probability given to what was right.",
            ),
            Mistake(
                "a table of all pairs",
                lambda x, t: (softplus(x)[:, None] - t[None] * x[:, None]).mean(),
                "Every logit meets every target: shapes (n, 1) and (n,) broadcast to "
                "an n by n table. Both must be (n,).",
            ),
            *_loss_mistakes(_bce_lift, _bce_terms, "one term unmended", side=1),
        ],
        hints=[
            "What does a logit cost if its target is 1, and what if it is 0? You have "
            "both functions.",
            "Weigh them: `target * neg_log_sigmoid(logits) + (1 - target) * ...`.",
        ],
        answer="""\
cost_of_one = neg_log_sigmoid(logits)
cost_of_zero = neg_log_one_minus_sigmoid(logits)
return (target * cost_of_one + (1 - target) * cost_of_zero).mean()""",
        because="Cross-entropy is the target's average of the two costs.",
        praise="You have rebuilt `F.binary_cross_entropy_with_logits`, and know why "
        "its name insists on the logits.",
        rtol=1e-6,
        atol=1e-6,
        same=1e-5,
        tolerance=HALF_TOLERANCE,
    )
)


def _d_lift(form: Form):
    return lambda r, f: form.one(r).mean() + form.zero(f).mean()


def _d(real_target: float, fake_target: float):
    def f(r: Tensor, q: Tensor) -> Tensor:
        of_real = softplus(r) - real_target * r
        return of_real.mean() + (softplus(q) - fake_target * q).mean()

    return f


register(
    Exercise(
        name="discriminator_loss",
        lesson=5,
        reference=losses.discriminator_loss,
        observe=loss_and_slope,
        probes={
            "undecided: all logits 0": pair((0.0, 0.0, 0.0), (0.0, 0.0)),
            "right: real 3, fake -3": pair((3.0,), (-3.0,)),
            "wrong: real -3, fake 3": pair((-3.0,), (3.0,)),
            "3 real, 2 fake": pair((-3.0, 2.0, 3.0), (1.0, -2.0)),
            "2 real, 3 fake": pair((1.0, -2.0), (-3.0, 2.0, 3.0)),
            "both batches twice": pair((-3.0, 2.0, 3.0) * 2, (1.0, -2.0) * 2),
        },
        later={
            f"fake logits ({v:g}, 1)": pair((0.5,), (v, 1.0))
            for v in (5.0, 12.5, 16.0, 20.0, 40.0, 95.0, 120.0, 1e4)
        }
        | {
            f"real logits ({v:g}, 1)": pair((v, 1.0), (0.5,))
            for v in (-5.0, -12.5, -20.0, -40.0, -95.0, -120.0, -1e4)
        }
        | {
            "sure and right: real 40, fake -40": pair((40.0,), (-40.0, 1.0)),
            "half precision": pair((-20.0, -13.0, 3.0), (12.0, 20.0), torch.float16),
        },
        accepts=[
            lambda r, f: BCE(r, ones(r)) + BCE(f, zeros(f)),
            lambda r, f: -(log_sigmoid(r).mean() + log_sigmoid(-f).mean()),
            lambda r, f: _maximum(r).mean() + _maximum(-f).mean(),
            lambda r, f: (
                torch.logaddexp(zeros(r), -r).mean()
                + torch.logaddexp(zeros(f), f).mean()
            ),
            lambda r, f: (softplus(-r)[:, None] + softplus(f)[None, :]).mean(),
            lambda r, f: softplus(-r).sum() / len(r) + softplus(f).sum() / len(f),
        ],
        mistakes=[
            Mistake(
                "roles swapped",
                (
                    lambda r, f: softplus(r).mean() + softplus(-f).mean(),
                    lambda r, f: softplus(f.neg()).mean() + softplus(r).mean(),
                ),
                "Real and generated have changed places: this D is paid for calling "
                "fakes real. High means real: real logits want softplus(-l), fakes "
                "softplus(l).",
            ),
            Mistake(
                "all called real",
                (
                    _d(1.0, 1.0),
                    lambda r, f: -(log_sigmoid(r).mean() + log_sigmoid(f).mean()),
                ),
                "Both terms ask for a high logit, so D learns to call everything "
                "real. Fakes enter as log(1 - D): softplus(+l).",
            ),
            Mistake(
                "all called fake",
                _d(0.0, 0.0),
                "Both terms ask for a low logit, so D learns to call everything fake. "
                "Reals enter as log D: softplus(-l).",
            ),
            Mistake(
                "reals only",
                lambda r, f: softplus(-r).mean(),
                "Fakes cost nothing here: D can call everything real for free. Two "
                "terms are wanted.",
            ),
            Mistake(
                "fakes only",
                lambda r, f: softplus(f).mean(),
                "Reals cost nothing here: D can call everything fake for free. Two "
                "terms are wanted.",
            ),
            Mistake(
                "one sign lost",
                (
                    lambda r, f: softplus(f).mean() - softplus(-r).mean(),
                    lambda r, f: softplus(-r).mean() - softplus(f).mean(),
                ),
                "One of the two terms has the wrong sign. Both are costs, and both "
                "are added: softplus(-real) and softplus(fake).",
            ),
            Mistake(
                "one mean over both",
                (
                    lambda r, f: torch.cat([softplus(-r), softplus(f)]).mean(),
                    lambda r, f: 2 * torch.cat([softplus(-r), softplus(f)]).mean(),
                    lambda r, f: BCE(torch.cat([r, f]), torch.cat([ones(r), zeros(f)])),
                ),
                "One mean over the mixed batch weighs the two laws by how many "
                "samples each happens to have (and halves the loss). Two "
                "expectations: two means, added.",
            ),
            Mistake(
                "added before the mean",
                (
                    lambda r, f: (softplus(-r) + softplus(f)).mean(),
                    lambda r, f: -(log_sigmoid(r) + log_sigmoid(-f)).mean(),
                ),
                "Real and fake logits are added one by one, which asks for equally "
                "many. Take each mean first, then add.",
            ),
            Mistake(
                "labels of the wrong length",
                (
                    lambda r, f: BCE(r, ones(r)) + BCE(f, zeros(r)),
                    lambda r, f: BCE(r, ones(f)) + BCE(f, zeros(f)),
                ),
                "The labels of one batch are made in the shape of the other, and the "
                "batches differ: `torch.zeros_like(fake_logits)` for the fakes.",
            ),
            Mistake(
                "one minus moved to the logit",
                (
                    lambda r, f: -(log_sigmoid(r).mean() + log_sigmoid(1 - f).mean()),
                    lambda r, f: softplus(-r).mean() + softplus(f - 1).mean(),
                ),
                "`1 -` slipped inside the sigmoid: 1 - s(l) is s(-l), never s(1 - l). "
                "At a fake logit of 5 yours gives 4.018, wanted is 5.007.",
            ),
            Mistake(
                "one minus outside",
                (
                    lambda r, f: softplus(-r).mean() + 1 - softplus(-f).mean(),
                    lambda r, f: softplus(-r).mean() - 1 - softplus(-f).mean(),
                ),
                "The `1 -` stands outside the logarithm; it belongs inside: log(1 - "
                "D). A fake logit costs softplus(l).",
            ),
            Mistake(
                "smoothed reals",
                (_d(0.95, 0.0), _d(0.9, 0.0), _d(0.8, 0.0), _d(0.7, 0.0)),
                "That is one-sided label smoothing, from lesson 4: a choice, not the "
                "plain loss. Here real means 1.",
                kind="convention",
            ),
            Mistake(
                "smoothed on both sides",
                (_d(0.9, 0.1), _d(0.8, 0.2)),
                "Smoothing the fakes as well pulls the best D towards G's own samples "
                "(lesson 4). Here real means 1 and fake means 0.",
            ),
            Mistake(
                "targets beyond 1",
                (_d(1.1, -0.1), _d(1.1, 0.0), _d(1.2, 0.0), _d(1.0, -0.1)),
                "A target outside [0, 1] has its optimum at infinity: the logits grow "
                "without end.",
            ),
            Mistake(
                "log of the mean",
                (
                    lambda r, f: (
                        -torch.log(sigmoid(r).mean()) - torch.log(1 - sigmoid(f).mean())
                    ),
                    lambda r, f: softplus(-r.mean()) + softplus(f.mean()),
                ),
                "The mean stands inside the logarithm. E[log D] is the mean of logs: "
                "take the cost of each logit first.",
            ),
            Mistake(
                "no log",
                (
                    lambda r, f: (1 - sigmoid(r)).mean() + sigmoid(f).mean(),
                    lambda r, f: sigmoid(f).mean() - sigmoid(r).mean(),
                ),
                "There is no logarithm: another game, whose slope dies wherever D is "
                "sure, right or wrong.",
            ),
            Mistake(
                "another game",
                (
                    lambda r, f: f.mean() - r.mean(),
                    lambda r, f: F.relu(1 - r).mean() + F.relu(1 + f).mean(),
                    lambda r, f: ((r - 1) ** 2).mean() + (f**2).mean(),
                ),
                "That is a loss of another game: the critic's (means of scores), the "
                "hinge, or least squares. Here: the cross-entropy of real against "
                "fake.",
            ),
            Mistake(
                "the generator's loss",
                lambda r, f: softplus(-f).mean(),
                "That is what G minimizes. D wants reals high and fakes low.",
            ),
            *_loss_mistakes(
                _d_lift,
                lambda r, f: (softplus(-r), softplus(f)),
                "one term unmended",
                side=1,
            ),
        ],
        hints=[
            "Two expectations, two batch means: what does a real logit cost, and what "
            "a fake one? You have both functions.",
            "`neg_log_sigmoid(real_logits).mean() + ...`",
        ],
        answer="""\
of_real = neg_log_sigmoid(real_logits).mean()
of_fake = neg_log_one_minus_sigmoid(fake_logits).mean()
return of_real + of_fake""",
        because="Real should have been 1, fake 0, and each expectation is a batch mean "
        "of its own.",
        praise="2 log 2 = 1.386 when fooled, finite at 10,000: lesson 7 needs both.",
        rtol=1e-6,
        atol=1e-6,
        same=1e-5,
        tolerance=HALF_TOLERANCE,
    )
)


GENERATOR: dict[str, Any] = {
    "lesson": 5,
    "observe": loss_and_slope,
    "probes": {
        "logit 0": logits(0.0),
        "logit 3": logits(3.0),
        "logit -3": logits(-3.0),
        "logits (-3, 2, 1)": logits(-3.0, 2.0, 1.0),
        "the same batch twice": logits(-3.0, 2.0, 1.0, -3.0, 2.0, 1.0),
    },
    "later": {f"logits ({v:g}, 1)": logits(v, 1.0) for v in (5.0, -5.0, *FAR_LOGITS)}
    | {
        "logits (-20, 20)": logits(-20.0, 20.0),
        "logits (10000, -10000)": logits(1e4, -1e4),
        "half precision": logits(-20.0, -13.0, 12.0, 20.0, dtype=torch.float16),
    },
    "rtol": 1e-6,
    "atol": 1e-6,
    "same": 1e-5,
    "tolerance": HALF_TOLERANCE,
}
NO_MEAN = (
    "One cost for each logit; the loss is their mean, one number for the whole batch."
)

register(
    Exercise(
        name="generator_loss",
        reference=losses.generator_loss,
        accepts=[
            lambda s: BCE(s, ones(s)),
            lambda s: torch.nn.BCEWithLogitsLoss()(s, ones(s)),
            lambda s: -log_sigmoid(s).mean(),
            lambda s: _maximum(s).mean(),
            lambda s: torch.logaddexp(zeros(s), -s).mean(),
            lambda s: _double_where(s).mean(),
            lambda s: -torch.log_softmax(torch.stack([s, zeros(s)], 1), 1)[:, 0].mean(),
        ],
        mistakes=[
            Mistake(
                "minimax",
                (lambda s: -softplus(s).mean(), lambda s: log_sigmoid(-s).mean()),
                "That is log(1 - D), the minimax loss: the same direction, with slope "
                "-D in place of -(1 - D), so nothing moves while G loses. Asked is "
                "-log D.",
            ),
            Mistake(
                "fake label",
                (lambda s: softplus(s).mean(), lambda s: BCE(s, zeros(s))),
                "G is paid here for being called fake: that is D's term. G wants the "
                "label 1: softplus(-l).",
            ),
            Mistake(
                "one minus outside",
                lambda s: 1 + softplus(-s).mean(),
                "The slopes are right and every value is 1 too large: 1 - log D is "
                "not -log D.",
            ),
            Mistake(
                "no log",
                (
                    lambda s: (1 - sigmoid(s)).mean(),
                    lambda s: -sigmoid(s).mean(),
                    lambda s: 1 - sigmoid(s.mean()),
                ),
                "There is no logarithm: another game, with slope D(1 - D), which dies "
                "on both sides.",
            ),
            Mistake(
                "log of the mean",
                (
                    lambda s: -torch.log(sigmoid(s).mean()),
                    lambda s: softplus(-s.mean()),
                ),
                "The mean stands inside. E[-log D] is the mean of the costs: on "
                "logits (-20, 20) it is 10, and one good sample cannot hide a bad one.",
            ),
            Mistake(
                "smoothed target",
                (
                    lambda s: BCE(s, 0.9 * ones(s)),
                    lambda s: BCE(s, 0.8 * ones(s)),
                    lambda s: BCE(s, 0.7 * ones(s)),
                    lambda s: BCE(s, 0.95 * ones(s)),
                ),
                "With the target 0.9 G is pulled *back* once D(G(z)) exceeds 0.9. "
                "Only D's real labels are smoothed (lesson 4).",
            ),
            Mistake(
                "a critic's loss",
                lambda s: -s.mean(),
                "That is the loss against a critic, which has no sigmoid (lesson 9). "
                "Asked is -log D with D = sigmoid(l).",
            ),
            Mistake(
                "least squares",
                (
                    lambda s: ((s - 1) ** 2).mean(),
                    lambda s: ((sigmoid(s) - 1) ** 2).mean(),
                ),
                "That is a squared distance to 1; asked is -log D.",
            ),
            Mistake("no mean", lambda s: softplus(-s), NO_MEAN),
            *_loss_mistakes(
                lambda f: lambda s: f.one(s).mean(), lambda s: (softplus(-s),), side=0
            ),
        ],
        hints=[
            "G wants D to say 1. What does a logit cost where 1 was right?",
            "The batch mean of `neg_log_sigmoid(fake_logits)`.",
        ],
        answer="return neg_log_sigmoid(fake_logits).mean()",
        because="-log D(G(z)) with D = sigmoid(l) is neg_log_sigmoid, averaged.",
        praise="At logit -40 the slope is -1: the worse G does, the harder it is "
        "pushed, in every float type.",
        **GENERATOR,
    )
)

register(
    Exercise(
        name="minimax_generator_loss_from_logits",
        reference=losses.minimax_generator_loss_from_logits,
        accepts=[
            lambda s: -BCE(s, zeros(s)),
            lambda s: log_sigmoid(-s).mean(),
            lambda s: -_maximum(-s).mean(),
            lambda s: -torch.logaddexp(zeros(s), s).mean(),
            lambda s: -_double_where(-s).mean(),
            lambda s: (log_sigmoid(s) - s).mean(),
        ],
        mistakes=[
            Mistake(
                "non-saturating",
                (lambda s: softplus(-s).mean(), lambda s: BCE(s, ones(s))),
                "That is -log D, the non-saturating loss of lesson 4. The minimax "
                "game has G minimize log(1 - D), which is negative.",
            ),
            Mistake(
                "log D",
                (lambda s: log_sigmoid(s).mean(), lambda s: -softplus(-s).mean()),
                "That is log D(G(z)): minimizing it makes G worse. Asked is log(1 - "
                "D).",
            ),
            Mistake(
                "one minus moved to the logit",
                (
                    lambda s: log_sigmoid(1 - s).mean(),
                    lambda s: -softplus(s - 1).mean(),
                ),
                "`1 -` slipped inside the sigmoid: 1 - s(l) is s(-l), never s(1 - l). "
                "At logit 5 yours gives -4.018, wanted is -5.007.",
            ),
            Mistake(
                "one minus outside",
                (
                    lambda s: 1 - log_sigmoid(s).mean(),
                    lambda s: 1 + log_sigmoid(s).mean(),
                ),
                "The `1 -` stands outside the logarithm; it belongs inside: log(1 - "
                "D).",
            ),
            Mistake(
                "no log",
                (
                    lambda s: (1 - sigmoid(s)).mean(),
                    lambda s: -sigmoid(s).mean(),
                ),
                "There is no logarithm: at logit 0 the slope is -1/4 in place of "
                "-1/2, and the value stays between -1 and 1.",
            ),
            Mistake(
                "log of the mean",
                (
                    lambda s: torch.log(1 - sigmoid(s).mean()),
                    lambda s: -softplus(s.mean()),
                ),
                "The mean stands inside. E[log(1 - D)] is the mean of the logs: take "
                "it last.",
            ),
            Mistake("no mean", lambda s: -softplus(s), NO_MEAN),
            *_loss_mistakes(
                lambda f: lambda s: -f.zero(s).mean(), lambda s: (-softplus(s),), side=1
            ),
        ],
        hints=[
            "log(1 - D) is minus the cost of a logit where 0 was right.",
            "Minus the batch mean of `neg_log_one_minus_sigmoid(fake_logits)`.",
        ],
        answer="return -neg_log_one_minus_sigmoid(fake_logits).mean()",
        because="log(1 - D(G(z))) with D = sigmoid(l) is -softplus(l), averaged.",
        praise="Saturation is in the game, not in the arithmetic: at -40 the slope is "
        "4e-18 and no rewriting will raise it. What you fixed is the other end.",
        **GENERATOR,
    )
)
