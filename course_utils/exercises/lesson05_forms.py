"""The ways people write -log s(l) and -log(1 - s(l)), and what goes wrong with each.

A form is a pair of functions of the logits: the cost where 1 was right and the cost
where 0 was right. Lesson 5's exercises lift the same forms into their own signatures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .engine import Mistake

Cost = Callable[[Tensor], Tensor]


class Form(NamedTuple):
    """One way to write both costs, elementwise."""

    one: Cost
    zero: Cost


def mirrored(one: Cost) -> Form:
    """The same code on both sides, by -log(1 - s(l)) = -log s(-l)."""
    return Form(one, lambda x: one(-x))


def tail(x: Tensor) -> Tensor:
    return torch.log1p(torch.exp(-x.abs()))


def short_tail(x: Tensor) -> Tensor:
    return torch.log(1 + torch.exp(-x.abs()))


# ------------------------------------------------------------------ with parameters


def _epsilon(e: float) -> Form:
    s = torch.sigmoid
    return Form(lambda x: -torch.log(s(x) + e), lambda x: -torch.log(1 - s(x) + e))


def _epsilon_mirrored(e: float) -> Form:
    return mirrored(lambda x: -torch.log(torch.sigmoid(x) + e))


def _clamped(low: float, high: float = 1.0) -> Form:
    s = torch.sigmoid
    return Form(
        lambda x: -torch.log(s(x).clamp(low, high)),
        lambda x: -torch.log((1 - s(x)).clamp(low, high)),
    )


def _clamped_first(e: float) -> Form:
    """1 - p of a clamped p: at its end 1 - (1 - e), which is not quite e."""
    return Form(
        lambda x: -torch.log(_inside(x, e)), lambda x: -torch.log(1 - _inside(x, e))
    )


def _clamped_mirrored(e: float) -> Form:
    return mirrored(lambda x: -torch.log(torch.sigmoid(x).clamp(min=e)))


def _inside(x: Tensor, e: float) -> Tensor:
    return torch.sigmoid(x).clamp(e, 1 - e)


def _cut_log(lowest: float) -> Form:
    s = torch.sigmoid
    return Form(
        lambda x: -torch.log(s(x)).clamp(min=lowest),
        lambda x: -torch.log(1 - s(x)).clamp(min=lowest),
    )


def _bce(probability: Cost) -> Form:
    def cost(x: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(probability(x), target, reduction="none")

    return Form(
        lambda x: cost(x, torch.ones_like(x)), lambda x: cost(x, torch.zeros_like(x))
    )


def _clamped_logits(c: float) -> Form:
    return mirrored(lambda x: F.softplus(-x.clamp(-c, c)))


def _where(cut: float) -> Form:
    """Both branches see every logit, also those that overflow there."""
    return mirrored(
        lambda x: torch.where(
            x > cut, torch.log1p(torch.exp(-x)), -x + torch.log1p(torch.exp(x))
        )
    )


def _where_far_out(cut: float) -> Form:
    return mirrored(lambda x: torch.where(x > cut, torch.log1p(torch.exp(-x)), -x))


def _cut_too_late(cut: float) -> Form:
    """Right in float32; in half precision exp overflows before the cut."""

    def one(x: Tensor) -> Tensor:
        safe = torch.where(x > cut, x, torch.zeros_like(x))
        return torch.where(x > cut, torch.log1p(torch.exp(-safe)), -x)

    return mirrored(one)


def _cut_too_early(cut: float) -> Form:
    return mirrored(lambda x: F.softplus(-x, threshold=cut))


def _corners(tail_of: Cost) -> tuple[Form, ...]:
    """max(-l, 0) + a tail, with each of the ways to write the maximum."""
    return (
        mirrored(lambda x: F.relu(-x) + tail_of(x)),
        mirrored(lambda x: torch.maximum(-x, torch.zeros_like(x)) + tail_of(x)),
        mirrored(lambda x: (-x).clamp(min=0) + tail_of(x)),
    )


def _sigmoid64(x: Tensor) -> Tensor:
    return torch.sigmoid(x.double())


def _repainted(infinity: float | None) -> Form:
    s = torch.sigmoid
    return Form(
        lambda x: torch.nan_to_num(-torch.log(s(x)), posinf=infinity),
        lambda x: torch.nan_to_num(-torch.log(1 - s(x)), posinf=infinity),
    )


# ------------------------------------------------------------------ all of them

MACHINE = torch.finfo(torch.float32).eps
TINY = torch.finfo(torch.float32).tiny
EPSILONS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, MACHINE, 1e-8, 1e-9, 1e-10, 1e-12, 1e-16)
EPSILONS += (1e-20, 1e-30, TINY)

FORMS: dict[str, tuple[Form, ...]] = {
    "double sigmoid": (
        Form(
            lambda x: F.softplus(-torch.sigmoid(x)),
            lambda x: F.softplus(torch.sigmoid(x)),
        ),
    ),
    "BCELoss fed logits": (_bce(lambda x: x),),
    "log of sigmoid": (
        Form(
            lambda x: -torch.log(torch.sigmoid(x)),
            lambda x: -torch.log(1 - torch.sigmoid(x)),
        ),
        Form(
            lambda x: -torch.log(1 / (1 + torch.exp(-x))),
            lambda x: -torch.log(1 - 1 / (1 + torch.exp(-x))),
        ),
        Form(
            lambda x: torch.log(1 + torch.exp(-x)),
            lambda x: -torch.log1p(-torch.sigmoid(x)),
        ),
    ),
    "one term unmended": (
        Form(lambda x: F.softplus(-x), lambda x: -torch.log(1 - torch.sigmoid(x))),
        Form(lambda x: F.softplus(-x), lambda x: torch.log(1 + torch.exp(x))),
        Form(lambda x: -torch.log(torch.sigmoid(x)), lambda x: F.softplus(x)),
    ),
    "exp inside log": (
        mirrored(lambda x: torch.log(1 + torch.exp(-x))),
        mirrored(lambda x: -torch.log(torch.sigmoid(x))),
    ),
    "log1p alone": (mirrored(lambda x: torch.log1p(torch.exp(-x))),),
    "epsilon inside log": (
        *map(_epsilon, EPSILONS),
        *map(_epsilon_mirrored, (1e-7, 1e-8, 1e-12, 1e-20, 1e-30, TINY)),
    ),
    "clamped probability": (
        *(_clamped(e, 1 - e) for e in (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)),
        *map(_clamped, (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)),
        *map(_clamped_first, (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)),
        *map(_clamped_mirrored, (1e-6, 1e-7)),
        *(_bce(lambda x, e=e: _inside(x, e)) for e in (1e-5, 1e-6, 1e-7)),
    ),
    "clamped close to 0": tuple(map(_clamped, (1e-8, 1e-9, 1e-10, 1e-12))),
    "BCELoss of sigmoid": (
        _bce(torch.sigmoid),
        Form(
            _bce(torch.sigmoid).one,
            lambda x: _bce(lambda x: 1 - torch.sigmoid(x)).one(x),
        ),
    ),
    "clamped logits": tuple(
        map(_clamped_logits, (10.0, 20.0, 30.0, 50.0, 60.0, 80.0, 100.0))
    ),
    "plain where": (
        *map(_where, (0.0, -1.0)),
        *map(_where_far_out, (-20.0, -50.0)),
    ),
    "float64": (
        mirrored(lambda x: torch.log1p(torch.exp(-x.double())).to(x.dtype)),
        mirrored(lambda x: -torch.log(_sigmoid64(x)).to(x.dtype)),
        Form(
            lambda x: -torch.log(_sigmoid64(x)).to(x.dtype),
            lambda x: -torch.log(1 - _sigmoid64(x)).to(x.dtype),
        ),
    ),
    "repainted infinity": (
        *map(_repainted, (None, 0.0, 100.0, 1e4)),
        *map(_cut_log, (-50.0, -100.0)),
    ),
    "no absolute value": (
        *_corners(lambda x: torch.log1p(torch.exp(-x))),
        *_corners(lambda x: torch.log(1 + torch.exp(-x))),
    ),
    "exp of +|l|": (
        *_corners(lambda x: torch.log1p(torch.exp(x.abs()))),
        *_corners(lambda x: torch.log(1 + torch.exp(x.abs()))),
    ),
    "corner only": _corners(torch.zeros_like),
    "tail only": (mirrored(tail),),
    "no maximum": (
        mirrored(lambda x: -x + tail(x)),
        mirrored(lambda x: x.abs() + tail(x)),
    ),
    "slope 0 at 0": (mirrored(lambda x: F.relu(-x) + tail(x)),),
    "slope of clamp at 0": (mirrored(lambda x: (-x).clamp(min=0) + tail(x)),),
    "relu and log": (mirrored(lambda x: F.relu(-x) + short_tail(x)),),
    "clamp and log": (mirrored(lambda x: (-x).clamp(min=0) + short_tail(x)),),
    "log for log1p": (
        mirrored(lambda x: torch.maximum(-x, torch.zeros_like(x)) + short_tail(x)),
        mirrored(lambda x: torch.stack([torch.zeros_like(x), -x]).logsumexp(0)),
    ),
    "digits cancelled": (mirrored(lambda x: F.softplus(x) - x),),
    "cut too early": tuple(map(_cut_too_early, (3.0, 10.0))),
    "cut too late for half": tuple(map(_cut_too_late, (-20.0, -30.0, -50.0, -80.0))),
}  # fmt: skip

# What to say: the same for both sides, or a pair (1 was right, 0 was right).
SAYS: dict[str, str | tuple[str, str]] = {
    "double sigmoid": (
        "The sigmoid is applied twice: this loss is fed logits and squashes them "
        "itself. A logit of -40 then costs 0.693 in place of 40, and no slope is "
        "steeper than a quarter. Hand over the logits as they are.",
        "The sigmoid is applied twice: this loss is fed logits and squashes them "
        "itself. A logit of 40 then costs 1.313 in place of 40, and no slope is "
        "steeper than a quarter. Hand over the logits as they are.",
    ),
    "BCELoss fed logits": (
        "`binary_cross_entropy` wants probabilities, and a logit is any number. Its "
        "sister with `_with_logits` in the name takes logits; so does softplus."
    ),
    "log of sigmoid": (
        "Right on paper. In float32, below about -88.7, exp(-l) is infinite and the "
        "sigmoid exactly 0: log(0) makes the cost infinite and its slope NaN. Take "
        "the case l < 0 apart: pull exp(-l) out of the logarithm, where it becomes -l.",
        "Right on paper. In float32 the sigmoid of +17 is exactly 1, so 1 - s is 0 "
        "and the cost infinite; at +16 it is 15.942 already. (An epsilon below 6e-8 "
        "added to the 1 vanishes in it.) Never compute 1 - s(l): it is s(-l).",
    ),
    "one term unmended": (
        "One of the two terms is mended, the other still takes the log of a rounded "
        "sigmoid, or of an exp that overflows: it is infinite far out. Give both the "
        "same form."
    ),
    "exp inside log": (
        "s(-l) in place of 1 - s(l) is the right move, and saves the digits. From "
        "about +88.8 on exp(l) is infinite, and the cost with it. Split max(l, 0) "
        "off, so that exp never sees a number above 0."
    ),
    "log1p alone": (
        "log1p keeps the digits of the small costs. The large ones still overflow: at "
        "-95 exp(95) is infinite, and the slope NaN. Split max(-l, 0) off, so that "
        "exp never sees a number above 0.",
        "log1p keeps the digits of the small costs. The large ones still overflow: at "
        "+95 exp(95) is infinite, and the slope NaN. Split max(l, 0) off, so that exp "
        "never sees a number above 0.",
    ),
    "epsilon inside log": (
        "The infinity is gone, and the gradient with it: wherever the probability is "
        "smaller than your epsilon, the log hardly sees the logit. With 1e-8 the "
        "slope at -20 is -0.17 and at -40 nothing; it should be -1. Rewrite; do not "
        "patch.",
        "The infinity is gone, and the gradient with it: where 1 - s is smaller than "
        "your epsilon, or rounded to 0 (from +17 on), the log sees the epsilon alone "
        "and the slope dies, where it should be 1. Rewrite the formula; do not patch "
        "it.",
    ),
    "clamped probability": (
        "A clamp is flat beyond its limits: the cost stays at one number (about 16 "
        "for 1e-7) and its slope is 0, exactly where the answer is most wrong and the "
        "push is most needed. Rewrite the formula; do not patch it."
    ),
    "clamped close to 0": (
        "The clamp keeps the infinity away and the gradient too: below its limit the "
        "cost stays at one number (18.4 for 1e-8) with slope 0, exactly where the "
        "answer is most wrong. Rewrite the formula; do not patch it."
    ),
    "BCELoss of sigmoid": (
        "The treacherous one: at -40 the value, 40, is right and the slope is "
        "-0.000004 in place of -1; at -120 it reads 100 with slope 0, because BCELoss "
        "cuts its logs at -100. Never pass through the probability: use the logit.",
        "From +17 on the sigmoid is exactly 1; BCELoss then reports its cut-off, 100, "
        "with slope 0 in place of 1. Never pass through the probability: use the "
        "logit.",
    ),
    "clamped logits": (
        "Beyond your clamp the cost stays where it is and its slope is 0. The right "
        "formula survives any logit, so nothing needs a clamp."
    ),
    "plain where": (
        "Values right everywhere, slopes NaN far out: `where` multiplies the gradient "
        "of the branch not taken by 0, and 0 times infinity is NaN. Give each branch "
        "an input that is safe for it (a second `where` inside), or use max and "
        "exp(-|l|)."
    ),
    "float64": (
        "float64 moves the wall of exp from 88 to 709, and you are asked to stand at "
        "10,000. Rewrite the formula; then float32 is enough.",
        "float64 moves the walls, of exp from 88 to 709 and of 1 - s from 17 to 37, "
        "and you are asked to stand at 10,000. Rewrite the formula; then float32 is "
        "enough.",
    ),
    "repainted infinity": (
        "The infinity was made, and then painted over. The slope behind the paint "
        "stays NaN, and one NaN turns every weight it reaches into NaN. Rewrite the "
        "formula so that the infinity does not happen."
    ),
    "no absolute value": (
        "Nearly: the exponential has to see -|l|. Without the | | its argument is "
        "positive on one side, and what max already holds is counted twice there."
    ),
    "exp of +|l|": (
        "A minus is missing: exp(-|l|) is at most 1, while exp(|l|) overflows on both "
        "sides and counts |l| once more."
    ),
    "corner only": (
        "That is the large part of the cost. What is left, log1p(exp(-|l|)), is worth "
        "0.693 at logit 0 and rounds the corner off. Add it."
    ),
    "tail only": (
        "log1p(exp(-|l|)) is the small part, at most 0.693, and the same on both "
        "sides. The large part is missing: |l| on the side where the answer is wrong."
    ),
    "no maximum": (
        "On the side where the answer is right the cost is log1p(exp(-|l|)) and "
        "nothing else; yours is off by l there. Before the log1p belongs the maximum "
        "with 0 (of -l where 1 was right, of l where 0 was), and inside it exp(-|l|)."
    ),
    "slope 0 at 0": (
        "Right in value everywhere. At logit exactly 0 the slope is 0 in place of a "
        "half: autograd gives the corners of relu and of abs the slope 0. A network "
        "whose last layer starts at zero would never leave. `torch.maximum` shares a "
        "tie."
    ),
    "slope of clamp at 0": (
        "Right in value everywhere. At logit exactly 0 the slope is twice the wanted "
        "half: autograd hands the whole slope through clamp at its limit. "
        "`torch.maximum` shares a tie, a half to each side."
    ),
    "relu and log": (
        "The formula is right on paper; two things are left. 1 + exp(-17) is rounded "
        "to 1, so small costs become 0: use `torch.log1p`. And at logit 0 autograd "
        "gives relu and abs the slope 0: use `torch.maximum`, which shares a tie."
    ),
    "clamp and log": (
        "The formula is right on paper; two things are left. 1 + exp(-17) is rounded "
        "to 1, so small costs become 0: use `torch.log1p`. And at logit 0 the slope "
        "comes out twice too large: use `torch.maximum`, which shares a tie."
    ),
    "log for log1p": (
        "No logit overflows any more. What is lost are the small costs: 1 + exp(-17) "
        "is rounded to 1 and its log to 0, where 4e-8 is right. `torch.log1p(t)` is "
        "log(1 + t) without that sum; torch's logsumexp does not do this for you."
    ),
    "digits cancelled": (
        "True on paper: softplus(l) - l is softplus(-l). In float32 two large numbers "
        "that are nearly equal are subtracted, and of a cost of 2e-9 nothing is left "
        "at +20. Turn the sign inside: softplus(-l).",
        "Tiny costs are lost: l + softplus(-l), which is also what PyTorch's BCE does "
        "for target 0, subtracts two nearly equal numbers, and of 2e-9 at -20 nothing "
        "is left. Harmless in a batch mean; here every element counts: softplus(l).",
    ),
    "cut too early": (
        "Nearly: beyond your cut only the large part of the cost is left, too early. "
        "log1p(exp(-|l|)) still counts there; at |l| = 12.5 it is 4e-6. softplus cuts "
        "at 20 by itself, and max(...) + log1p(exp(-|l|)) needs no cut."
    ),
    "cut too late for half": (
        "Right in float32, infinite in half precision: there exp overflows from 11.1 "
        "on, long before your cut. With exp(-|l|) no type overflows, and no cut is "
        "needed."
    ),
}  # fmt: skip


def mistakes(
    lift: Callable[[Form], Any],
    *names: str,
    side: int,
    also: Mapping[str, tuple[str, ...]] | None = None,
) -> list[Mistake]:
    """The named forms as mistakes of one exercise.

    Args:
        lift: a form as an answer to the exercise.
        names: of the forms, in the order in which they are tried.
        side: 0 where the exercise is about the cost of 1, 1 where about that of 0.
        also: name -> further forms that behave the same here and get the same words.
    """
    found = []
    for name in names:
        forms = [f for n in (name, *(also or {}).get(name, ())) for f in FORMS[n]]
        says = SAYS[name] if isinstance(SAYS[name], str) else SAYS[name][side]
        found.append(Mistake(name, tuple(map(lift, forms)), says))
    return found
