"""Lesson 3: the slopes of the minimax loss, and what a trained D leaves of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import data, losses, models, training

from . import observers
from .comparing import as_number
from .engine import Exercise, Mistake, register
from .wording import CHANGED, MOVED

ALMOST_1 = 1 - 2.0**-20  # exact in float32, and so is its distance from 1
# What it tells; below these, next to nothing changes anywhere.
EPSILONS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 2.0**-23, 1e-8, 1e-9, 1e-10)
CLAMPS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


def _given(
    *values: float, shape: tuple[int, ...] = (-1,), dtype: Any = torch.float32
) -> Callable[[], tuple]:
    return lambda: (torch.tensor(values, dtype=dtype).reshape(shape),)


# ------------------------------------------------------------ minimax_generator_loss

register(
    Exercise(
        name="minimax_generator_loss",
        lesson=3,
        reference=losses.minimax_generator_loss,
        observe=observers.value_and_slope,
        probes={
            "D undecided (1/2)": _given(0.5),
            "D(G(z)) = 0.1, 0.5, 0.9": _given(0.1, 0.5, 0.9),
            "the same three twice": _given(0.1, 0.5, 0.9, 0.1, 0.5, 0.9),
            "D sure of two fakes": _given(1e-3, 1e-4),
            "D fooled once": _given(0.01, 0.99),
        },
        later={
            "D fooled altogether once (0.999999)": _given(0.5, ALMOST_1),
            "D very sure once (5e-7)": _given(5e-7, 0.5),
            "200 fakes": lambda: (torch.linspace(0.5, 0.9, 200),),
            "in float64": _given(0.2, 0.7, dtype=torch.float64),
        },
        same=2e-5,  # else two epsilons, or none and a rounding, look alike
        accepts=[
            lambda p: torch.log1p(-p).mean(),
            lambda p: (1 - p).log().sum() / len(p),
            lambda p: -F.binary_cross_entropy(p, torch.zeros_like(p)),
            lambda p: torch.mean(torch.log(torch.ones_like(p) - p)),
        ],
        mistakes=[
            Mistake(
                "the flipped target",
                (
                    lambda p: -torch.log(p).mean(),
                    lambda p: F.binary_cross_entropy(p, torch.ones_like(p)),
                ),
                "This is -log D(G(z)), the loss of lesson 4: G asks for the answer "
                "`real`. The minimax G's only goal is D's failure: it minimizes "
                "log(1 - D(G(z))).",
            ),
            Mistake(
                "D's side of the game",
                (
                    lambda p: -torch.log(1 - p).mean(),
                    lambda p: F.binary_cross_entropy(p, torch.zeros_like(p)),
                ),
                "That is what D minimizes on fakes, -log(1 - D). In a zero-sum game G "
                "minimizes its opposite: no minus sign, and the value is negative.",
            ),
            Mistake(
                "one minus is missing",
                lambda p: torch.log(p).mean(),
                "The log of D(G(z)) itself: minimizing it would pay G for being "
                "caught. D's term on fakes is log(1 - D).",
            ),
            Mistake(
                "one minus outside the log",
                (lambda p: 1 - torch.log(p).mean(), lambda p: 1 + torch.log(p).mean()),
                "The 1 stands outside the log. The probability of `generated` is "
                "1 - D, and its log is wanted: log(1 - D).",
            ),
            Mistake(
                "epsilon",
                (
                    *(lambda p, e=e: torch.log(1 - p + e).mean() for e in EPSILONS),
                    *(
                        lambda p, e=e: torch.log((1 - p).clamp(min=e)).mean()
                        for e in CLAMPS
                    ),
                    *(
                        lambda p, e=e: torch.log(1 - p.clamp(e, 1 - e)).mean()
                        for e in CLAMPS
                    ),
                    *(
                        lambda p, e=e: torch.log(1 - p.clamp(min=e)).mean()
                        for e in CLAMPS
                    ),
                ),
                "Your epsilon (or clamp) decides the loss, or its slope, where 1 - D "
                "or D is smaller. The formula has none: D(G(z)) stays below 1 here, "
                "and lesson 5 makes the log safe without one.",
            ),
            Mistake(
                "log of the product",
                lambda p: torch.log((1 - p).prod()) / len(p),
                "On paper the log of a product is the sum of logs. In float32 the "
                "product of 200 probabilities is 0, and its log minus infinity. Take "
                "each sample's log first, then the mean.",
            ),
            Mistake(
                "targets of a fixed type",
                lambda p: -F.binary_cross_entropy(p, torch.zeros(len(p))),
                "The target is float32 whatever the input is, and this lesson's curves "
                "are drawn in float64. `torch.zeros_like(fake_probability)` fits "
                "always.",
            ),
            Mistake(
                "log of the mean",
                (
                    lambda p: torch.log(1 - p.mean()),
                    lambda p: torch.log((1 - p).mean()),
                ),
                "The log of an average is not the average of logs. Take the log of "
                "each sample, then the mean.",
            ),
            Mistake(
                "no log",
                (lambda p: (1 - p).mean(), lambda p: -p.mean()),
                "There is no log in it. The game is played in log-probabilities: "
                "log(1 - D).",
            ),
            Mistake(
                "a second sigmoid",
                (
                    lambda p: torch.log(1 - torch.sigmoid(p)).mean(),
                    lambda p: -F.softplus(p).mean(),
                    lambda p: (
                        -F.binary_cross_entropy_with_logits(p, torch.zeros_like(p))
                    ),
                ),
                "The input is D's probability already, and here it goes through one "
                "more sigmoid. Take the log of 1 - fake_probability as it is.",
            ),
            Mistake(
                "sum in place of mean",
                lambda p: torch.log(1 - p).sum(),
                "A sum grows with the batch. An expectation is estimated by the mean.",
                kind="convention",
            ),
            Mistake(
                "divided twice",
                lambda p: torch.log(1 - p).mean() / len(p),
                "The mean has divided by the batch size already; this divides again.",
            ),
            Mistake(
                "no mean",
                lambda p: torch.log(1 - p),
                "One number for each sample. A loss is one number: their mean.",
            ),
            Mistake(
                "half",
                lambda p: torch.log(1 - p).mean() / 2,
                "Right up to a factor 1/2. This course leaves it out: V is a plain "
                "sum of two expectations, and this is one of them.",
                kind="convention",
            ),
            Mistake(
                "another base",
                (
                    lambda p: torch.log2(1 - p).mean(),
                    lambda p: torch.log10(1 - p).mean(),
                ),
                "Right up to the base of the logarithm. Losses here are in nats: "
                "`torch.log`, base e.",
                kind="convention",
            ),
        ],
        hints=[
            "Which term of V(D, G) = E log D(x) + E log(1 - D(G(z))) can G move?",
            "G minimizes that term as it stands. Estimate it by a mean over the batch.",
        ],
        answer="return torch.log(1 - fake_probability).mean()",
        because="V's second expectation, by a batch mean; the first has no G in it.",
        praise="Next: how steep is it, and against what? The question of this lesson.",
    )
)


# ------------------------------------------------------------------ the two slopes


def slope_in_probability(probability: Tensor) -> Tensor:
    """Slope of log(1 - D) in D: -1 / (1 - D), elementwise."""
    return -1 / (1 - probability)


def slope_in_logit(logit: Tensor) -> Tensor:
    """Slope of log(1 - sigmoid(l)) in l: -sigmoid(l), elementwise."""
    return -torch.sigmoid(logit)


def _autograd(
    function: Callable[[Tensor], Tensor], *, clone: bool = True
) -> Callable[[Tensor], Tensor]:
    """An answer that lets autograd do the work, on a copy or on the input itself."""

    def slope(x: Tensor) -> Tensor:
        x = (x.clone() if clone else x).requires_grad_()
        return torch.autograd.grad(function(x), x)[0]

    return slope


def _backward(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """An answer that reads what backward() leaves in the input's `.grad`."""

    def slope(x: Tensor) -> Tensor:
        function(x.requires_grad_()).backward()
        return x.grad

    return slope


def _slope(slope: Any, x: Tensor) -> observers.Seen:
    """The slope, and whether the caller's tensor is as it was."""
    yield from observers.value(slope, x)
    yield "the input's .grad", "none" if x.grad is None else "left behind"
    yield "cost: the input", "asks for gradients" if x.requires_grad else "as before"


def _log_of_rest(x: Tensor) -> Tensor:
    """The sum of log(1 - D) from logits, as the lesson writes it."""
    return torch.log(1 - torch.sigmoid(x)).sum()


_LEFT_BEHIND = (
    "Right once. backward() leaves its result in the input's own `.grad`, and a second "
    "call on the same tensor would add to it. Work on `.clone().requires_grad_()`, or "
    "let torch.autograd.grad return the slope."
)
_ASKS = (
    "Right. One remark: requires_grad_() changes the caller's tensor, which asks for "
    "gradients from then on. `.clone().requires_grad_()` leaves it as it was."
)
_SLOPE_OF_MEAN = (
    "This is the slope of the batch mean: each number is divided by how many there "
    "are. Wanted is the slope at each {} by itself."
)


register(
    Exercise(
        name="slope_in_probability",
        lesson=3,
        reference=slope_in_probability,
        observe=_slope,
        elementwise=True,
        probes={
            "D = 0": _given(0.0),
            "D = 1/2": _given(0.5),
            "D = 0.001, 0.5, 0.9": _given(0.001, 0.5, 0.9),
            "a table of D": _given(0.7, 0.1, 0.3, 0.8, shape=(2, 2)),
        },
        later={"almost 1 (0.999999)": _given(ALMOST_1, 0.99)},
        same=2e-5,  # else two epsilons, or none and a rounding, look alike
        accepts=[
            lambda p: 1 / (p - 1),
            lambda p: -((1 - p) ** -1),
            lambda p: -torch.exp(-torch.log1p(-p)),
            _autograd(lambda p: torch.log(1 - p).sum()),
        ],
        mistakes=[
            Mistake(
                "the input asks for gradients",
                _autograd(lambda p: torch.log(1 - p).sum(), clone=False),
                _ASKS,
                kind="waste",
            ),
            Mistake(
                "a gradient left in the input",
                _backward(lambda p: torch.log(1 - p).sum()),
                _LEFT_BEHIND,
            ),
            Mistake(
                "sign",
                lambda p: 1 / (1 - p),
                "The size is right, the sign is not: where D rises, 1 - D falls, so "
                "the inner derivative is -1.",
            ),
            Mistake(
                "the value",
                lambda p: torch.log(1 - p),
                "This is the loss itself, its height. Its slope is asked for: "
                "d/dD log(1 - D).",
            ),
            Mistake(
                "the value with a minus",
                lambda p: -torch.log(1 - p),
                "This is the value (with a minus), not the slope. Wanted is "
                "d/dD log(1 - D).",
            ),
            Mistake(
                "slope of log D",
                (lambda p: 1 / p, lambda p: -1 / p),
                "1/D is the slope of log D. Here the log is of 1 - D.",
            ),
            Mistake(
                "not turned over",
                (lambda p: -(1 - p), lambda p: 1 - p),
                "The derivative of log u is 1/u: the 1 - D belongs below the line.",
            ),
            Mistake(
                "slope in the logit",
                lambda p: -p,
                "-D is the slope in the *logit*, which is the next exercise. Here D "
                "itself is the variable, and no sigmoid takes part.",
            ),
            Mistake(
                "a sigmoid's slope too many",
                (lambda p: p * (1 - p), lambda p: -p * (1 - p)),
                "D (1 - D) is the sigmoid's slope. Here D itself is the variable: "
                "only the log and the 1 - D take part.",
            ),
            Mistake(
                "a second sigmoid",
                (
                    lambda p: -1 / (1 - torch.sigmoid(p)),
                    lambda p: -torch.sigmoid(p),
                ),
                "The input is a probability already; it goes through one more sigmoid.",
            ),
            Mistake(
                "flat at zero",
                (torch.zeros_like, lambda p: torch.where(p > 0, -1 / (1 - p), 0.0)),
                "This says that the loss is flat at D = 0. Put D = 0 into the formula: "
                "the log of 1 - D falls as fast as D rises.",
            ),
            Mistake(
                "only at zero",
                lambda p: -torch.ones_like(p),
                "-1 is the slope at D = 0 alone. It grows steeper as D grows.",
            ),
            Mistake(
                "slope of the mean",
                (
                    _autograd(lambda p: torch.log(1 - p).mean()),
                    _backward(lambda p: torch.log(1 - p).mean()),
                ),
                _SLOPE_OF_MEAN.format("D"),
            ),
            Mistake(
                "brackets",
                lambda p: -1 / 1 - p,
                "A division binds tighter than a minus: `-1 / 1 - x` is `-1 - x`. Put "
                "brackets around all that stands below the line.",
            ),
            Mistake(
                "epsilon",
                (
                    *(lambda p, e=e: -1 / (1 - p + e) for e in EPSILONS),
                    *(lambda p, e=e: -1 / (1 - p).clamp(min=e) for e in CLAMPS),
                    *(lambda p, e=e: -1 / (1 - p.clamp(e, 1 - e)) for e in CLAMPS),
                ),
                "Your epsilon (or clamp) decides the slope where D is close to an end. "
                "D stays below 1 here, so nothing is divided by 0: leave it out.",
            ),
            Mistake(
                "second derivative",
                (lambda p: -1 / (1 - p) ** 2, lambda p: 1 / (1 - p) ** 2),
                "The square belongs to the next derivative, the curvature.",
            ),
        ],
        hints=[
            "What is the derivative of log u, and what does the 1 - D inside add?",
            "Chain rule: 1 / (1 - D), times the derivative of 1 - D, which is -1.",
        ],
        answer="return -1 / (1 - probability)",
        because="d log(u)/du = 1/u with u = 1 - D, and du/dD = -1.",
        praise="At D = 0 it is -1, not 0: the log is not flat where D is sure.",
    )
)


def _finite_where_fooled(slope: Any, logit: Tensor) -> observers.Seen:
    """Above logit 16 only whether the result is finite: a remark, no failure."""
    if logit.max() <= 16:
        yield from _slope(slope, logit)
    else:
        result = slope(logit)
        finite = isinstance(result, Tensor) and bool(torch.isfinite(result).all())
        yield "cost: at logit 20", "finite" if finite else "NaN"


def _chain_rule(logit: Tensor, epsilon: float = 0.0) -> Tensor:
    p = torch.sigmoid(logit)
    return -1 / (1 - p + epsilon) * (p * (1 - p))


register(
    Exercise(
        name="slope_in_logit",
        lesson=3,
        reference=slope_in_logit,
        observe=_finite_where_fooled,
        elementwise=True,
        atol=0.0,
        same=2e-5,  # else two epsilons, or none and a rounding, look alike
        probes={
            "undecided (logit 0)": _given(0.0),
            "sure of a fake (-5)": _given(-5.0),
            "fooled (5)": _given(5.0),
            "logits -3, 0, 4": _given(-3.0, 0.0, 4.0),
            "a table of logits": _given(1.0, -2.0, -1.0, 2.0, shape=(2, 2)),
        },
        later={
            "very sure (-20)": _given(-20.0),
            "logits -80, -40, 10": _given(-80.0, -40.0, 10.0),
            "very much fooled (20)": _given(20.0),
        },
        accepts=[
            lambda x: -1 / (1 + torch.exp(-x)),
            lambda x: -torch.exp(x) / (1 + torch.exp(x)),
            lambda x: -torch.exp(F.logsigmoid(x)),
            lambda x: -torch.softmax(torch.stack([x, torch.zeros_like(x)]), 0)[0],
            _autograd(lambda x: -F.softplus(x).sum()),
        ],
        mistakes=[
            Mistake(
                "chain rule, NaN when fooled",
                (
                    _chain_rule,
                    _autograd(_log_of_rest),
                    lambda x: (
                        -torch.sigmoid(x)
                        * (1 - torch.sigmoid(x))
                        / (1 - torch.sigmoid(x))
                    ),
                ),
                "Right. One remark: multiplied out in the machine it is NaN from logit "
                "17 on, where 1 - D rounds to 0 in float32 and infinity meets zero. "
                "Cancel 1 - D on paper first, and what is left is -D.",
                kind="waste",
            ),
            Mistake(
                "the input asks for gradients",
                (
                    _autograd(lambda x: -F.softplus(x).sum(), clone=False),
                    _autograd(_log_of_rest, clone=False),
                ),
                _ASKS,
                kind="waste",
            ),
            Mistake(
                "a gradient left in the input",
                (_backward(lambda x: -F.softplus(x).sum()), _backward(_log_of_rest)),
                _LEFT_BEHIND,
            ),
            Mistake(
                "stopped at the probability",
                lambda x: -1 / (1 - torch.sigmoid(x)),
                "This is the slope in D. The logit moves D through the sigmoid: "
                "multiply by the sigmoid's own slope, D (1 - D).",
            ),
            Mistake(
                "the logit taken for D",
                (lambda x: -1 / (1 - x), lambda x: -x),
                "The input is a logit, and here it is used as if it were D. "
                "D = sigmoid(logit) comes first.",
            ),
            Mistake(
                "the sigmoid's slope alone",
                (
                    lambda x: torch.sigmoid(x) * (1 - torch.sigmoid(x)),
                    lambda x: -torch.sigmoid(x) * (1 - torch.sigmoid(x)),
                ),
                "D (1 - D) is one factor of the chain rule. The other is the slope of "
                "the log, -1 / (1 - D).",
            ),
            Mistake(
                "the factors added",
                lambda x: (
                    -1 / (1 - torch.sigmoid(x))
                    + torch.sigmoid(x) * (1 - torch.sigmoid(x))
                ),
                "The two slopes are added. In a chain, one thing moves the next: the "
                "slopes multiply.",
            ),
            Mistake(
                "half of the sigmoid's slope",
                (lambda x: -torch.exp(x), lambda x: -torch.ones_like(x)),
                "The sigmoid's slope is D (1 - D), both factors. With one of them "
                "missing, 1 - D either stays below the line or cancels without D.",
            ),
            Mistake(
                "sign",
                torch.sigmoid,
                "The size is right, the sign is not: a higher logit lowers log(1 - D).",
            ),
            Mistake(
                "the flipped target",
                (
                    lambda x: torch.sigmoid(x) - 1,
                    lambda x: -torch.sigmoid(-x),
                    lambda x: 1 - torch.sigmoid(x),
                ),
                "1 - D (up to sign) is the slope of log D, the loss of lesson 4. For "
                "log(1 - D) it is the other share of the 1: D.",
            ),
            Mistake(
                "the value",
                (
                    lambda x: -F.softplus(x),
                    lambda x: torch.log(1 - torch.sigmoid(x)),
                ),
                "This is the loss itself, its height. Its slope in the logit is asked "
                "for.",
            ),
            Mistake(
                "slope of the mean",
                (
                    lambda x: -torch.sigmoid(x) / x.numel(),
                    _autograd(lambda x: -F.softplus(x).mean()),
                    _autograd(lambda x: torch.log(1 - torch.sigmoid(x)).mean()),
                    _backward(lambda x: torch.log(1 - torch.sigmoid(x)).mean()),
                ),
                _SLOPE_OF_MEAN.format("logit"),
            ),
            Mistake(
                "averaged",
                lambda x: -torch.sigmoid(x).mean(),
                "One slope for each logit is wanted, in the logits' shape: no mean.",
            ),
            Mistake(
                "digits cancel",
                (
                    lambda x: torch.sigmoid(-x) - 1,
                    lambda x: -(torch.tanh(x / 2) + 1) / 2,
                    lambda x: 1 / (1 + torch.exp(x)) - 1,
                ),
                "Right on paper, and 0 in float32 where D is very sure: from about "
                "logit -17 the other term rounds to exactly 1, and 1 - 1 is 0. Write D "
                "directly, not as one minus something near one.",
            ),
            Mistake(
                "digits cancel in float64",
                (
                    lambda x: (torch.sigmoid(-x.double()) - 1).float(),
                    lambda x: (-(torch.tanh(x.double() / 2) + 1) / 2).float(),
                ),
                "float64 only moves the end: from about logit -37 the other term "
                "rounds to exactly 1 there too, and 1 - 1 is 0. Write D directly, not "
                "as one minus something near one.",
            ),
            Mistake(
                "epsilon",
                (
                    *(lambda x, e=e: _chain_rule(x, e) for e in EPSILONS[:-1]),
                    *(
                        lambda x, e=e: -torch.sigmoid(x).clamp(e, 1 - e)
                        for e in (*EPSILONS, 1e-12)
                    ),
                ),
                "Your epsilon (or clamp) decides the slope where D is sure of its "
                "answer. Cancel 1 - D on paper: no log and no division is left, and "
                "nothing has to be kept from 0.",
            ),
        ],
        hints=[
            "In the table above, compare the last column with the first. The logit "
            "moves D, D moves the loss: what do two slopes in a row make?",
            "The sigmoid's slope is D (1 - D). Multiply it by -1 / (1 - D) and cancel.",
        ],
        answer="return -torch.sigmoid(logit)",
        because="-1/(1 - D) times D (1 - D) is -D, and D = sigmoid(logit).",
        praise="-D: the surer D is of a fake, the less of the signal gets through.",
    )
)


# ------------------------------------------------------------ pretrain_discriminator


class _Sampler:
    """Batches fixed in advance, as a function without arguments; keeps a journal."""

    def __init__(self, name: str, batches: Tensor, journal: list[str]) -> None:
        self.name, self.batches, self.journal = name, batches, journal

    def __call__(self) -> Tensor:
        self.journal.append(self.name)
        count = self.journal.count(self.name) - 1
        return self.batches[count % len(self.batches)].clone()


def _players(
    generator: torch.Generator, hidden: tuple[int, ...] = (3,)
) -> tuple[nn.Module, nn.Module]:
    """A small G from (n, 2) to (n, 1) and a small D to (n,), with old gradients."""
    G = models.mlp_generator(2, 1, hidden=hidden, generator=generator)
    D = models.mlp_discriminator(1, hidden=[3], generator=generator)
    for parameter in [*G.parameters(), *D.parameters()]:
        parameter.grad = torch.full_like(parameter, 0.2)
    return G, D


def _lesson_for_d(
    steps: int, *, train: bool = True, sure: float = 0.0
) -> Callable[[], tuple]:
    """Fresh players and samplers; unequal batches tell two means from one.

    `sure` is added to D's logits at first: from -2, its gradients are longer than 1.
    """

    def make() -> tuple:
        generator = data.rng(0)
        G, D = _players(generator)
        G.train(train)
        with torch.no_grad():
            D[-2].bias += sure
        journal: list[str] = []
        x_real = torch.randn(7, 5, 1, generator=generator) + 1
        z = torch.randn(7, 3, 2, generator=generator)
        sample_real = _Sampler("real", x_real, journal)
        sample_latent = _Sampler("latent", z, journal)
        optimizer_d = torch.optim.SGD(D.parameters(), lr=0.5)
        return G, D, optimizer_d, sample_real, sample_latent, steps

    return make


MOVED_WEIGHTS, FROZEN = "its weights moved", "its weights stay frozen"
OTHER_MODE, OTHER_GRADIENTS = "its mode changed", "its gradients changed"


def _state_of(net: nn.Module) -> dict[str, Any]:
    """What can be left alone; the order is that of the complaint."""
    return {
        MOVED_WEIGHTS: [p.detach().clone() for p in net.parameters()],
        OTHER_GRADIENTS: [
            None if p.grad is None else p.grad.clone() for p in net.parameters()
        ],
        OTHER_MODE: [[m.training for m in net.modules()]],
        FROZEN: [[p.requires_grad for p in net.parameters()]],
    }


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return torch.equal(a, b)
    return type(a) is type(b) and a == b


def _changes(before: dict[str, Any], after: dict[str, Any], *of: str) -> str:
    """The first complaint, of those named or of all."""
    for complaint in of or before:
        if not all(map(_same, before[complaint], after[complaint])):
            return complaint
    return "unchanged"


def _flat(module: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def _training_of_d(
    pretrain: Any, G: Any, D: Any, optimizer_d: Any, real: Any, latent: Any, steps: int
) -> Iterator[tuple[str, Any]]:
    """What was done, in numbers that say more than weights; then D's weights, and G."""
    before, before_d, world = _state_of(G), _state_of(D), torch.get_rng_state()
    taken: list[int] = []
    optimizer_d.register_step_post_hook(lambda *_: taken.append(1))
    pretrain(G, D, optimizer_d, real, latent, steps)
    after_d, journal = _state_of(D), real.journal
    yield "D has moved", _changes(before_d, after_d, MOVED_WEIGHTS) == MOVED_WEIGHTS
    yield "steps of optimizer_d", len(taken)
    drawn = tuple(journal.count(name) for name in ("real", "latent"))
    yield "batches drawn (real, latent)", drawn
    yield "D's weights afterwards", _flat(D)
    yield "G afterwards", _changes(before, _state_of(G))
    yield "D afterwards", _changes(before_d, after_d, OTHER_MODE, FROZEN)
    still = torch.equal(world, torch.get_rng_state())
    yield "global random state", "untouched" if still else MOVED
    yield "cost: drawn in this order", ", ".join(journal)


def _both_terms(real: Tensor, fake: Tensor) -> Tensor:
    """-V from logits, as a learner writes it in this lesson."""
    return -torch.log(torch.sigmoid(real)).mean() - (
        torch.log(1 - torch.sigmoid(fake)).mean()
    )


def _targets(real_target: float, fake_target: float) -> Any:
    """Cross-entropy against constant targets, a mean for each batch."""
    bce = F.binary_cross_entropy_with_logits
    return lambda real, fake: (
        bce(real, torch.full_like(real, real_target))
        + bce(fake, torch.full_like(fake, fake_target))
    )


def _joint_mean(real: Tensor, fake: Tensor) -> Tensor:
    return torch.cat([F.softplus(-real), F.softplus(fake)]).mean()


def _drawn(batches: str, real: Any, latent: Any, steps: int) -> Iterator[tuple]:
    """(x_real, z) for one step after the other."""
    samplers = {"real": real, "latent": latent}
    kept = {n: s() for n, s in samplers.items() if batches in ("kept", f"{n} kept")}
    if batches == "all first":
        x_real = [real() for _ in range(steps)]
        yield from zip(x_real, [latent() for _ in range(steps)], strict=True)
    while True:
        if batches == "latent first":
            z = latent()
            yield real(), z
        else:
            yield tuple(kept[n] if n in kept else s() for n, s in samplers.items())


def _pretrain(
    loss: Any = _both_terms,
    *,
    fakes: str = "no_grad",
    order: str = "zero backward step",
    first: str = "",
    last: str = "",
    batches: str = "fresh",
    repeats: Callable[[int], int] = lambda steps: steps,
    optimizer: Any = lambda D, optimizer_d: optimizer_d,
) -> Any:
    """A pre-training whose faults are one word each; `order` is that of a step."""

    def pretrain(G, D, optimizer_d, sample_real, sample_latent, steps):
        optimizer_d = optimizer(D, optimizer_d)
        acts = {
            "zero": optimizer_d.zero_grad, "step": optimizer_d.step,
            "zero G": G.zero_grad, "eval G": G.eval, "train G": G.train,
            "eval D": D.eval, "": lambda: None,
            "freeze G": partial(G.requires_grad_, False),
            "freeze D": partial(D.requires_grad_, False),
        }  # fmt: skip
        acts[first]()
        drawn = _drawn(batches, sample_real, sample_latent, steps)
        for _ in range(repeats(steps)):
            x_real, z = next(drawn)
            with torch.set_grad_enabled(fakes != "no_grad"):
                x_fake = G(z)
            x_fake = x_fake.detach() if fakes == "detach" else x_fake
            acts["backward"] = loss(D(x_real), D(x_fake)).backward
            for act in order.split():
                acts[act]()
        acts[last]()

    return pretrain


def _one_term_after_the_other(G, D, optimizer_d, sample_real, sample_latent, steps):
    for _ in range(steps):
        x_real, z = sample_real(), sample_latent()
        x_fake = G(z).detach()
        for x, sign in ((x_real, -1), (x_fake, 1)):
            optimizer_d.zero_grad()
            F.softplus(sign * D(x)).mean().backward()
            optimizer_d.step()


def _sigmoid_inside(real: Tensor, fake: Tensor) -> Tensor:
    return _targets(1.0, 0.0)(torch.sigmoid(real), torch.sigmoid(fake))


register(
    Exercise(
        name="pretrain_discriminator",
        lesson=3,
        reference=training.pretrain_discriminator,
        observe=_training_of_d,
        rtol=1e-4,
        atol=1e-6,
        probes={
            "1 step": _lesson_for_d(1),
            "3 steps": _lesson_for_d(3),
            "2 steps, G in eval mode, D sure": _lesson_for_d(2, train=False, sure=-2.0),
        },
        accepts=[
            _pretrain(),
            _pretrain(fakes="detach"),
            _pretrain(_targets(1.0, 0.0)),
            _pretrain(lambda r, f: F.softplus(-r).mean() + F.softplus(f).mean()),
        ],
        mistakes=[
            Mistake(
                "latents first",
                (_pretrain(batches="latent first"), _pretrain(batches="all first")),
                "Right. The course draws the real batch first, then the latents, in "
                "each step. Where both samplers share one random generator, your "
                "numbers differ a little from the lesson's.",
                kind="waste",
            ),
            Mistake(
                "G gets gradients",
                (
                    _pretrain(fakes="graph"),
                    _pretrain(fakes="graph", first="zero G"),
                    _pretrain(fakes="graph", last="zero G"),
                ),
                "D learns well, and its loss also flows back through G and leaves "
                "gradients there, for nothing now and for trouble later. Make the "
                "fakes under torch.no_grad(), or detach() them.",
            ),
            Mistake(
                "no zero_grad",
                (
                    _pretrain(order="backward step"),
                    _pretrain(order="backward step zero"),
                    _pretrain(order="backward step", first="zero"),
                ),
                "Old gradients are added to the new ones: `.grad` may hold anything "
                "when your function is called. Call optimizer_d.zero_grad() before "
                "each backward().",
            ),
            Mistake(
                "no step",
                (_pretrain(order="zero backward"), lambda *_: None),
                "D has not moved. Is there a loop, and an optimizer_d.step() in it?",
            ),
            Mistake(
                "a step without gradients",
                (
                    _pretrain(order="zero step backward"),
                    _pretrain(order="backward zero step"),
                ),
                "D has not moved: optimizer_d.step() finds no gradients. The order is "
                "zero_grad(), backward(), step().",
            ),
            Mistake(
                "the step behind the loop",
                (
                    _pretrain(order="zero backward", last="step"),
                    _pretrain(order="backward", first="zero", last="step"),
                ),
                "D takes a single step, after the loop. Move optimizer_d.step() into "
                "it, as far to the right as backward().",
            ),
            Mistake(
                "an optimizer of its own",
                tuple(
                    _pretrain(optimizer=lambda D, _, new=new: new(D.parameters()))
                    for new in (
                        torch.optim.Adam,
                        partial(torch.optim.SGD, lr=0.1),
                        partial(torch.optim.SGD, lr=0.01),
                    )
                ),
                "D is moved by another optimizer than the one you are given. Whoever "
                "calls your function chooses it: step `optimizer_d`.",
            ),
            Mistake(
                "one term after the other",
                _one_term_after_the_other,
                "Two steps for one: D moves on the data first, and the fakes meet "
                "another D. Both terms belong to one step: add them (or call "
                "backward() on each), then step once.",
            ),
            Mistake(
                "labels swapped",
                _pretrain(_targets(0.0, 1.0)),
                "D learns to call data generated and fakes real. High means real: the "
                "data's target is 1, the fakes' is 0.",
            ),
            Mistake(
                "wrong direction",
                _pretrain(lambda r, f: -_both_terms(r, f)),
                "D walks downhill on V, which it should climb: an optimizer "
                "minimizes, so hand it -V.",
            ),
            Mistake(
                "everything is real",
                _pretrain(_targets(1.0, 1.0)),
                "Both batches are given the target 1: D is paid for calling fakes "
                "real. Fakes enter as log(1 - D).",
            ),
            Mistake(
                "reals only",
                _pretrain(lambda r, f: F.softplus(-r).mean()),
                "D learns from the data only, and the best it can do is to call "
                "everything real. The second term, on fakes, is missing or cut off: "
                "detach() belongs to G's samples, not to D's answers.",
            ),
            Mistake(
                "fakes only",
                _pretrain(lambda r, f: F.softplus(f).mean()),
                "D sees fakes only, and the best it can do is to call everything "
                "generated. The first term, on data, is missing.",
            ),
            Mistake(
                "one mean over both",
                _pretrain(_joint_mean),
                "One mean over both batches: the larger batch counts for more, and "
                "the posterior tilts toward it. Two expectations are two means, added.",
            ),
            Mistake(
                "half",
                _pretrain(lambda r, f: _both_terms(r, f) / 2),
                "Right up to a factor 1/2, which halves D's steps. This course adds "
                "the two means and leaves the sum as it is.",
                kind="convention",
            ),
            Mistake(
                "sum in place of mean",
                _pretrain(lambda r, f: F.softplus(-r).sum() + F.softplus(f).sum()),
                "Sums over the batch: the step grows with the batch. Take means.",
                kind="convention",
            ),
            Mistake(
                "two sigmoids",
                _pretrain(_sigmoid_inside),
                "The sigmoid is applied twice: a loss `with_logits` has one inside. "
                "Hand it the logits as D returns them.",
            ),
            Mistake(
                "one batch for ever",
                tuple(
                    _pretrain(batches=kept)
                    for kept in ("kept", "real kept", "latent kept")
                ),
                "What is drawn before the loop is drawn once, and D learns that batch "
                "by heart. Call both samplers in every step.",
            ),
            Mistake(
                "one step",
                _pretrain(repeats=lambda steps: 1),
                "One step, whatever `steps` says. Where is the loop?",
            ),
            Mistake(
                "one step off",
                (
                    _pretrain(repeats=lambda steps: steps + 1),
                    _pretrain(repeats=lambda steps: steps - 1),
                ),
                "One step too many or too few: `range(steps)` counts from 0 to "
                "steps - 1.",
            ),
            Mistake(
                "G left in another mode",
                (
                    _pretrain(first="eval G"),
                    _pretrain(first="eval G", last="train G"),
                    _pretrain(last="train G"),
                ),
                "G's mode changed. Neither eval() nor train() is needed: "
                "`training.discriminator_step` detaches G's samples itself.",
            ),
            Mistake(
                "G left frozen",
                _pretrain(first="freeze G"),
                "G's parameters stay frozen after you: it could never learn again. "
                "Making the fakes under torch.no_grad() is enough.",
            ),
            Mistake(
                "D left in eval mode",
                (_pretrain(first="eval D"), _pretrain(last="eval D")),
                "D comes back in eval mode. It learns here, and will again: leave its "
                "mode alone.",
            ),
            Mistake(
                "D left frozen",
                _pretrain(last="freeze D"),
                "D's parameters stay frozen after you: the next lesson for D would "
                "have nothing to move. Leave requires_grad alone.",
            ),
        ],
        hints=[
            "Lesson 2 gave you one step of D. What do you hand to it, `steps` times?",
            "`training.discriminator_step(G, D, optimizer_d, x_real, z)` in a loop, on "
            "new batches each time. (Written out: fakes under torch.no_grad(), the two "
            "means of -V, zero_grad, backward, step.)",
        ],
        answer="""for _ in range(steps):
    x_real, z = sample_real(), sample_latent()
    training.discriminator_step(G, D, optimizer_d, x_real, z)""",
        because="D's step of lesson 2, on new batches; it detaches G's samples itself.",
        praise="Now D can be made as good as you like before G takes a single step.",
    )
)


# ------------------------------------------------------------ generator_gradient_norm


def _case(
    loss: Callable[[Tensor], Tensor],
    n: int = 4,
    *,
    hidden: tuple[int, ...] = (3,),
    sure: float = 0.0,
) -> Callable[[], tuple]:
    """Players, latents and a loss; `sure` is added to D's logits."""

    def make() -> tuple:
        generator = data.rng(0)
        G, D = _players(generator, hidden)
        with torch.no_grad():
            D[-2].bias += sure
        return G, D, data.latent(n, 2, generator), loss

    return make


def _tiny(p: Tensor) -> Tensor:
    return 1e-25 * p.mean()


def _gradient_at_g(
    norm: Any, G: nn.Module, D: nn.Module, z: Tensor, loss: Any
) -> Iterator[tuple[str, Any]]:
    """The norm, and what is left behind in both networks."""
    before, before_d = _state_of(G), _state_of(D)
    kept, world = z.clone(), torch.get_rng_state()
    value = norm(G, D, z, loss)
    if loss is _tiny:
        lost = as_number(value, whole=False) == 0
        yield "cost: gradients of 1e-25", "lost" if lost else "seen"
        return
    yield "value", value
    cleared = all(p.grad is None for p in G.parameters())
    after = _state_of(G)
    if cleared:
        after[OTHER_GRADIENTS] = before[OTHER_GRADIENTS]
    yield "G afterwards", _changes(before, after)
    left = _changes(before_d, _state_of(D), MOVED_WEIGHTS, OTHER_MODE, FROZEN)
    yield "D afterwards", left
    yield "z", "unchanged" if torch.equal(z, kept) else CHANGED
    still = torch.equal(world, torch.get_rng_state())
    yield "global random state", "untouched" if still else MOVED


def _norm(
    of: Callable[[list[Tensor]], Any],
    *,
    output: Callable[[Tensor], Tensor] = torch.sigmoid,
    wrt: Callable[..., list[Tensor]] = lambda G, D: list(G.parameters()),
) -> Any:
    """A gradient norm by autograd.grad, faulty in one word."""

    def norm(G, D, z, loss):
        value = loss(output(D(G(z))))
        return float(of(list(torch.autograd.grad(value, wrt(G, D)))))

    return norm


def _by_backward(
    *,
    zero: bool,
    clear: bool,
    output: Callable[[Tensor], Tensor] = torch.sigmoid,
    of: Callable[[list[Tensor]], Any] = lambda gradients: _l2(gradients),
) -> Any:
    """A gradient norm by backward(), which adds to `.grad`."""

    def norm(G, D, z, loss):
        if zero:
            G.zero_grad()
        loss(output(D(G(z)))).backward()
        value = of([p.grad for p in G.parameters()])
        if clear:
            G.zero_grad()
        return float(value)

    return norm


def _each_way(of: Callable[[list[Tensor]], Any]) -> tuple:
    """One fault in the norm, with every way to take the gradients."""
    ways = ((True, False), (False, True), (False, False))
    return _norm(of), *(_by_backward(zero=z, clear=c, of=of) for z, c in ways)


def _l2(gradients: list[Tensor]) -> Tensor:
    return torch.cat([g.double().flatten() for g in gradients]).norm()


def _sum_of_norms(gradients: list[Tensor]) -> Tensor:
    return sum(g.double().norm() for g in gradients)


def _l2_in_float32(gradients: list[Tensor]) -> Tensor:
    return torch.cat([g.flatten() for g in gradients]).norm()


def _detached(G, D, z, loss):
    value = loss(torch.sigmoid(D(G(z).detach())))
    return float(_l2(list(torch.autograd.grad(value, list(G.parameters())))))


def _detached_backward(G, D, z, loss):
    loss(torch.sigmoid(D(G(z).detach()))).backward()
    return float(_l2([p.grad for p in G.parameters()]))


def _with_minimax_loss(norm: Any) -> Any:
    """`norm`, deaf to the loss that it is given."""
    return lambda G, D, z, loss: norm(G, D, z, lambda p: torch.log(1 - p).mean())


def _at_samples(G, D, z, loss):
    x = G(z)
    return float(torch.autograd.grad(loss(torch.sigmoid(D(x))), x)[0].norm())


def _at_latents(G, D, z, loss):
    z = z.clone().requires_grad_()
    return float(torch.autograd.grad(loss(torch.sigmoid(D(G(z)))), z)[0].norm())


def _by_clipping(G, D, z, loss):
    G.zero_grad()
    loss(torch.sigmoid(D(G(z)))).backward()
    value = nn.utils.clip_grad_norm_(G.parameters(), float("inf"))
    G.zero_grad()
    return value.item()


def _with_d(change: Any, *arguments: Any) -> Any:
    """A right norm, after something was done to D."""

    def norm(G, D, z, loss):
        change(D, *arguments)
        return _norm(_l2)(G, D, z, loss)

    return norm


def _of_weights(G, D, z, loss):
    return float(_flat(G).norm())


def _of_loss(G, D, z, loss):
    return float(loss(torch.sigmoid(D(G(z)))))


register(
    Exercise(
        name="generator_gradient_norm",
        lesson=3,
        reference=training.generator_gradient_norm,
        observe=_gradient_at_g,
        rtol=1e-4,
        atol=0.0,
        probes={
            # These losses, and len(p), refuse what is not (n,).
            "the minimax loss": _case(losses.minimax_generator_loss),
            "-log D": _case(losses.nonsaturating_generator_loss, 6),
            "the mean of D, one latent": _case(lambda p: p.sum() / len(p), 1),
            "a loss 1e-25 times as steep": _case(_tiny),
        },
        later={
            "one more layer in G": _case(losses.minimax_generator_loss, hidden=(4, 3)),
            "D sure, logits near -20": _case(losses.minimax_generator_loss, sure=-20.0),
            "a loss 1,000 times as steep": _case(lambda p: 1000 * p.mean()),
        },
        accepts=[
            _norm(_l2),
            _by_backward(zero=True, clear=True),
            lambda G, D, z, loss: _norm(
                lambda g: sum(x.double().pow(2).sum() for x in g) ** 0.5
            )(G, D, z, loss),
            _norm(lambda g: torch.stack([x.double().norm() for x in g]).norm()),
        ],
        mistakes=[
            Mistake(
                "squares underflow",
                (
                    _norm(_l2_in_float32),
                    _norm(lambda g: torch.stack([x.norm() for x in g]).norm()),
                    _norm(lambda g: sum((x**2).sum() for x in g) ** 0.5),
                    _by_clipping,
                ),
                "Right. One remark: gradients of 1e-25 give 0 here, because their "
                "squares leave float32. Where a norm has to be read that far down, sum "
                "the squares of gradient.double().",
                kind="waste",
            ),
            Mistake(
                "old gradients added",
                (
                    _by_backward(zero=False, clear=False),
                    _by_backward(zero=False, clear=True),
                ),
                "G's old `.grad` is added to the new one: backward() accumulates. Zero "
                "it first, or use torch.autograd.grad, which never touches `.grad`.",
            ),
            Mistake(
                "a gradient is left behind",
                _by_backward(zero=True, clear=False),
                "The norm is right, and the gradient stays in G's `.grad`, where the "
                "next step would find it. Clear it, or use torch.autograd.grad.",
            ),
            Mistake(
                "a sum of norms",
                _each_way(_sum_of_norms),
                "A norm for each tensor, added up. The length of one long vector is "
                "the root of the sum of all squares.",
            ),
            Mistake(
                "a mean of norms",
                _each_way(lambda g: sum(x.double().norm() for x in g) / len(g)),
                "The average of the tensors' norms. Wanted is one norm over all "
                "numbers together.",
            ),
            Mistake(
                "no root",
                _each_way(lambda g: _l2(g) ** 2),
                "The sum of the squares, without its root.",
            ),
            Mistake(
                "absolute values",
                _each_way(lambda g: sum(x.double().abs().sum() for x in g)),
                "The sum of absolute values. Wanted is the Euclidean length: the root "
                "of the sum of squares.",
            ),
            Mistake(
                "the largest only",
                (
                    *_each_way(lambda g: max(x.abs().max() for x in g)),
                    *_each_way(lambda g: max(x.norm() for x in g)),
                ),
                "Only the largest part is read, a single entry or one tensor's norm. "
                "Wanted is the Euclidean length over all numbers together.",
            ),
            Mistake(
                "root mean square",
                _each_way(lambda g: _l2(g) / sum(x.numel() for x in g) ** 0.5),
                "A root *mean* square: divided by the number of parameters. Wanted is "
                "the root of the sum.",
            ),
            Mistake(
                "one tensor only",
                (
                    *_each_way(lambda g: g[0].norm()),
                    *_each_way(lambda g: _l2(g[::2])),
                    *_each_way(lambda g: _l2(g[1::2])),
                    *_each_way(lambda g: _l2(g[:2])),
                    *_each_way(lambda g: _l2(g[-2:])),
                    _norm(lambda g: _l2(g[:4])),
                ),
                "Only some of G's parameters are counted. All of them are wanted, "
                "weights and biases of every layer.",
            ),
            Mistake(
                "D's parameters",
                (
                    _norm(_l2, wrt=lambda G, D: list(D.parameters())),
                    _norm(_l2, wrt=lambda G, D: [*G.parameters(), *D.parameters()]),
                ),
                "D's weights are counted here. The question is what reaches G's.",
            ),
            Mistake(
                "logits given to the loss",
                _norm(_l2, output=lambda x: x),
                "D returns logits, and the loss wants a probability: the sigmoid "
                "between them is missing. It is the very thing this lesson is about.",
            ),
            Mistake(
                "logits given to the loss, and backward()",
                (
                    _by_backward(zero=False, clear=False, output=lambda x: x),
                    _by_backward(zero=False, clear=True, output=lambda x: x),
                    _by_backward(zero=True, clear=False, output=lambda x: x),
                ),
                "Two things: D returns logits, so a sigmoid is missing before the "
                "loss; and backward() adds to the old `.grad` and leaves the sum "
                "there. torch.autograd.grad touches none.",
            ),
            Mistake(
                "a loss of its own",
                (
                    _with_minimax_loss(_norm(_l2)),
                    _with_minimax_loss(_by_backward(zero=True, clear=False)),
                ),
                "The minimax loss is written into the function. Use the `loss` you are "
                "given, so that any loss can be measured.",
            ),
            Mistake(
                "two sigmoids",
                _norm(_l2, output=lambda x: torch.sigmoid(torch.sigmoid(x))),
                "Two sigmoids between D and the loss. D returns logits: one is enough.",
            ),
            Mistake(
                "lost where D is sure",
                _norm(_l2, output=lambda x: torch.sigmoid(x).clamp(1e-7, 1 - 1e-7)),
                "Right until D is very sure of a fake: then this reads exactly 0, and "
                "the gradient is only small. What swallows it? A clamp of the "
                "probability, a rounding, a difference of larger numbers?",
            ),
            Mistake(
                "an epsilon in the norm",
                (
                    *(
                        _norm(lambda g, e=e: _l2(g) + e)
                        for e in (1e-6, 1e-7, 1e-8, 1e-10, 1e-12)
                    ),
                    *(
                        _norm(lambda g, e=e: (_l2(g) ** 2 + e).sqrt())
                        for e in (1e-8, 1e-10, 1e-12, 1e-16)
                    ),
                ),
                "An epsilon is added to the norm or under its root. This thermometer "
                "has to read far smaller norms than that: leave it out.",
            ),
            Mistake(
                "D left otherwise",
                (_with_d(nn.Module.eval), _with_d(nn.Module.requires_grad_, False)),
                "The norm is right, and D is not as it was: in eval mode, or frozen, "
                "it would learn differently from now on, or not at all. Leave D alone.",
            ),
            Mistake(
                "detached",
                (_detached, _detached_backward),
                "The graph is cut between D and G, so nothing can reach G's weights. "
                "detach() and no_grad() are for D's step; here the gradient has to "
                "pass through D.",
            ),
            Mistake(
                "stopped at the samples",
                (_at_samples, _at_latents),
                "The gradient at G's samples or latents. It has one more step to go: "
                "into G's weights.",
            ),
            Mistake(
                "not the gradient",
                (_of_weights, _of_loss),
                "No gradient is taken here: this is the size of the weights, or the "
                "loss itself.",
            ),
        ],
        hints=[
            "torch.autograd.grad(value, parameters) returns the gradients and leaves "
            "`.grad` alone. What are `value` and `parameters` here?",
            "value = loss(torch.sigmoid(D(G(z)))), parameters = list(G.parameters()). "
            "Then the root of the sum of all squares.",
        ],
        answer="""value = loss(torch.sigmoid(D(G(z))))
gradients = torch.autograd.grad(value, list(G.parameters()))
return sum(g.double().square().sum() for g in gradients).sqrt().item()""",
        because="One long vector's length; autograd.grad leaves no `.grad` behind.",
        praise="This is the thermometer of the lesson: what does D let through to G?",
    )
)


# ------------------------------------------------------------ js_of_shifted_uniforms


def js_of_shifted_uniforms(shift: float) -> float:
    """JSD of the uniform law on [0, 1] and the same law moved by `shift`, in nats.

    Where both densities are 1 the mixture is 1 and costs nothing; on the rest, |shift|
    of each law, the mixture is 1/2 and each point costs log 2.
    """
    return math.log(2) * min(abs(shift), 1.0)


def _on_a_grid(shift: float) -> Tensor:
    """Lesson 2's sum, on cells that end where the uniforms do."""
    n, low = 4000, min(0.0, shift)
    cell = (abs(shift) + 1) / n
    x = low + (torch.arange(n, dtype=torch.float64) + 0.5) * cell
    p, q = ((x >= a).double() * (x <= a + 1).double() for a in (0.0, shift))
    m = (p + q) / 2
    return 0.5 * (torch.xlogy(p, p / m) + torch.xlogy(q, q / m)).nansum() * cell


def _floats(*values: float) -> dict[str, Callable[[], tuple]]:
    return {f"shift {v:g}": lambda v=v: (v,) for v in values}


register(
    Exercise(
        name="js_of_shifted_uniforms",
        lesson=3,
        reference=js_of_shifted_uniforms,
        observe=observers.value,
        rtol=0.0,
        atol=2e-3,
        probes=_floats(0.0, 1.0, 0.5, 0.1, -0.25, 2.0, 10.0, -3.0),
        accepts=[
            _on_a_grid,
            lambda s: (1 - max(0.0, 1 - abs(s))) * math.log(2),
            lambda s: torch.tensor(abs(s)).clamp(max=1) * math.log(2),
            lambda s: math.log(2) if abs(s) >= 1 else abs(s) * math.log(2),
        ],
        mistakes=[
            Mistake(
                "negative shifts",
                (
                    lambda s: math.log(2) * min(s, 1),
                    lambda s: math.log(2) * min(max(s, 0.0), 1),
                    lambda s: math.log(2) * max(-1, min(s, 1)),
                    lambda s: math.log(2) * abs(min(s, 1)),
                ),
                "A shift to the left separates the laws as well as one to the right: "
                "|shift| counts. (And no divergence is negative.)",
            ),
            Mistake(
                "signed, and it keeps growing",
                lambda s: math.log(2) * s,
                "Two things: the sign of the shift, which must not matter, and what "
                "happens beyond 1, where the laws no longer overlap.",
            ),
            Mistake(
                "constant",
                lambda s: math.log(2),
                "Right from shift 1 on. At shift 0 the laws are one and the same.",
            ),
            Mistake(
                "all or nothing",
                (
                    lambda s: math.log(2) if abs(s) >= 1 else 0.0,
                    lambda s: math.log(2) if s >= 1 else 0.0,
                ),
                "Right from shift 1 on, and at 0. Between 0 and 1 they overlap in "
                "part: count the part where only one of them lives.",
            ),
            Mistake(
                "it keeps growing",
                lambda s: math.log(2) * abs(s),
                "It grows beyond log 2. Once the laws no longer overlap, at shift 1, "
                "there is nothing left to tell apart better: it stays at log 2.",
            ),
            Mistake(
                "the end at the wrong place",
                (
                    lambda s: min(math.log(2) * abs(s), 1.0),
                    lambda s: min(abs(s), math.log(2)),
                ),
                "`min` is taken of the wrong number. |shift| counts up to 1, where the "
                "laws no longer overlap; the divergence is log 2 times that.",
            ),
            Mistake(
                "bits",
                lambda s: float(min(abs(s), 1)),
                "Right in bits: log base 2. The course measures in nats, where two "
                "separated laws are log 2 = 0.693 apart.",
                kind="convention",
            ),
            Mistake(
                "twice",
                (
                    lambda s: 2 * math.log(2) * min(abs(s), 1),
                    lambda s: 2 * math.log(2) * min(abs(s), 1) - 2 * math.log(2),
                ),
                "Twice the divergence, with or without - log 4: that is V(D*, G) = "
                "2 JSD - log 4 and its first part. JSD itself has a factor 1/2 before "
                "each of its two KL terms.",
            ),
            Mistake(
                "its root",
                lambda s: math.sqrt(math.log(2) * min(abs(s), 1)),
                "The square root is a distance made from the divergence. Leave the "
                "root out.",
                kind="convention",
            ),
            Mistake(
                "separated at once",
                lambda s: math.log(2) if s else 0.0,
                "This calls the laws separated at the smallest shift. At shift 0.1 "
                "nine tenths of them still lie on top of each other, and cost nothing.",
            ),
            Mistake(
                "earth mover's distance",
                lambda s: abs(s),
                "|shift| without an end is how far the mass has to travel: the earth "
                "mover's distance of lesson 9. JSD does not measure how far.",
            ),
            Mistake(
                "the overlap",
                (
                    lambda s: math.log(2) * max(0.0, 1 - abs(s)),
                    lambda s: max(0.0, 1 - abs(s)),
                ),
                "This measures the overlap: largest where the laws agree. JSD is 0 "
                "there, and counts what does *not* overlap.",
            ),
            Mistake(
                "half",
                lambda s: math.log(2) * min(abs(s), 1) / 2,
                "Half of it. Both laws have a part of length |shift| where the other "
                "is absent: two parts, each with weight 1/2, each costing log 2.",
            ),
            Mistake(
                "KL, not JSD",
                (
                    lambda s: 0.0 if s == 0 else math.inf,
                    lambda s: -math.log(1 - abs(s)) if abs(s) < 1 else math.inf,
                ),
                "KL is infinite as soon as one law is absent where the other is not. "
                "JSD compares each with the mixture of both, which is absent nowhere.",
            ),
            Mistake(
                "squared",
                lambda s: math.log(2) * min(s * s, 1),
                "The part of each law that lies outside the other has length |shift|: "
                "it grows in a straight line, not with the square.",
            ),
            Mistake(
                "sign",
                lambda s: -math.log(2) * min(abs(s), 1),
                "The size is right, the sign is not: a divergence is never negative.",
            ),
        ],
        hints=[
            "Draw both uniforms, moved by 1/4. Where are they equal, and what does "
            "lesson 2's formula cost there? What does it cost where only one is?",
            "Where only one law lives, D* is sure, and each point costs log 2. How "
            "long is it, at most? (On a grid, 0 log 0 counts as 0: torch.xlogy.)",
        ],
        answer="return math.log(2) * min(abs(shift), 1.0)",
        because="Overlap costs 0; the rest, |shift| of each law, costs log 2 a point.",
        praise="From shift 1 on it is flat: separated by 1 or by 10, the same answer.",
    )
)
