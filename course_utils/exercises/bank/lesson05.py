"""Lesson 5: where each float type breaks, and losses on logits that do not.

All but one of its answers are made of two costs, -log s(l) and -log(1 - s(l)). FORMS
holds the ways to write them that break; `forms` puts them into an exercise's answer.
"""

import math
import re

import numpy as np
import torch
import torch.nn.functional as F

from course_utils import losses

from .. import families, observers
from ..text import entry
from ..wording import CHANGED

NAMES = {
    "torch": torch, "F": F, "np": np, "math": math, "losses": losses,
    "log": torch.log, "log1p": torch.log1p, "exp": torch.exp, "where": torch.where,
    "maximum": torch.maximum, "zeros_like": torch.zeros_like,
    "ones_like": torch.ones_like, "sigmoid": torch.sigmoid, "softplus": F.softplus,
    "logsigmoid": F.logsigmoid, "BCELoss": torch.nn.BCELoss(reduction="none"),
    "neg_log_sigmoid": losses.neg_log_sigmoid,
    "neg_log_one_minus_sigmoid": losses.neg_log_one_minus_sigmoid,
}  # fmt: skip
HALF = " in half precision"
HALF_TOLERANCE = {f"value{HALF}": (5e-3, 1e-3), f"slope{HALF}": (5e-3, 1e-3)}


def logits(*values, dtype=torch.float32):
    """A probe: one batch of logits."""
    return lambda: (torch.tensor(values, dtype=dtype),)


def pair(a, b, dtype=torch.float32):
    """A probe: two batches."""
    return lambda: (torch.tensor(a, dtype=dtype), torch.tensor(b, dtype=dtype))


def loss_and_slope(function, *batches):
    """Value and slopes; in half precision under labels of their own, in any type."""
    half = batches[0].dtype is torch.float16
    for label, seen in observers.value_and_slope(function, *batches):
        yield (label + HALF, _as_float32(seen)) if half else (label, seen)


def _as_float32(seen):
    if isinstance(seen, tuple):
        return tuple(map(_as_float32, seen))
    return seen.float() if isinstance(seen, torch.Tensor) else seen


def loss_and_slope_in_logits(function, x, target):
    """As above; nobody asks for a slope in the target, which is left as it is."""
    kept = target.clone()
    yield from loss_and_slope(lambda x: function(x, target), x)
    yield "its target", "unchanged" if torch.equal(target, kept) else CHANGED


# ------------------------------------------------------------------ forms that break

# In each line: the cost where 1 was right ; where 0 was (by default the first at -l).
CORNERS = "F.relu(-l) or maximum(-l, zeros_like(l)) or (-l).clamp(min=0)"
FORMS = f"""
* double sigmoid: The sigmoid is applied twice: this loss is fed logits and squashes
  them itself. A logit of 40 on the wrong side then costs 0.7 or 1.3 in place of 40, and
  no slope is steeper than a quarter. Hand over the logits as they are.
    softplus(-sigmoid(l)) ; softplus(sigmoid(l))
* log of sigmoid: Right on paper. In float32 the sigmoid is exactly 1 from +17 on, so
  that 1 - s is 0, and exactly 0 below -88.7, where exp(-l) is infinite: an infinite
  cost, and a slope of NaN. Never compute 1 - s(l): it is s(-l). And pull exp(-l) out of
  the logarithm where it is above 1; there it becomes -l.
    -log(sigmoid(l)) ; -log(1 - sigmoid(l))
    -log(1 / (1 + exp(-l))) ; -log(1 - 1 / (1 + exp(-l)))
    log(1 + exp(-l)) ; -log1p(-sigmoid(l))
* exp inside log: s(-l) in place of 1 - s(l) is the right move. From 88.8 on the exp is
  infinite, and the cost with it. Split the maximum with 0 off, in front of the log.
    log(1 + exp(-l))
    -log(sigmoid(l))
* epsilon inside log: The infinity is gone, and the gradient with it: where the
  probability is smaller than your epsilon, the log sees the epsilon alone. With 1e-8
  the cost stays at 18.4, without a slope. Rewrite the formula; do not patch it.
    -log(sigmoid(l) + E) ; -log(1 - sigmoid(l) + E)
      with E = 1e-3 or 1e-5 or 1e-6 or 1e-7 or 1e-8 or 1e-10 or 1e-12
* clamped probability: A clamp is flat beyond its limits: the cost stays at one number
  (16.1 for 1e-7) and its slope is 0, exactly where the answer is most wrong. Rewrite
  the formula; do not patch it.
    -log(sigmoid(l).clamp(E, 1 - E)) ; -log(1 - sigmoid(l).clamp(E, 1 - E))
      with E = 1e-3 or 1e-5 or 1e-6 or 1e-7
    -log(sigmoid(l).clamp(E)) ; -log((1 - sigmoid(l)).clamp(E))
      with E = 1e-3 or 1e-5 or 1e-6 or 1e-7 or 1e-8
* BCELoss of sigmoid: Its value can be right where its slope is not. BCELoss says 40 at
  -40, with slope -0.000004 in place of -1; and where the sigmoid is rounded to 0 or 1
  it says 100, with slope 0. Never pass through the probability: use the logit.
    BCELoss(sigmoid(l), ones_like(l)) ; BCELoss(sigmoid(l), zeros_like(l))
* clamped logits: Beyond your clamp the cost stays where it is and its slope is 0. The
  right formula survives any logit, so nothing needs a clamp.
    softplus(-l.clamp(-E, E)) with E = 10 or 20 or 30 or 50 or 80 or 100
    log1p(exp(-l.clamp(min=-E))) with E = 30 or 50 or 80 or 88
* plain where: Far out the values are right and the slopes NaN: `where` multiplies the
  gradient of the branch not taken by 0, and 0 times infinity is NaN. Give each branch
  an input that is safe for it (a second `where` inside), or use max and exp(-|l|).
    where(l > E, log1p(exp(-l)), -l + log1p(exp(l))) with E = 0 or -1
    where(l > E, log1p(exp(-l)), -l) with E = -20 or -50 or -80 or -88
    where(l > E, log(1 + exp(-l)), -l) with E = -20 or -50 or -80 or -88
* repainted infinity: The infinity was made, and then painted over. The slope behind the
  paint is NaN, and one NaN turns every weight into NaN. Rewrite the formula.
    -log(sigmoid(l)).nan_to_num(neginf=E) ; -log(1 - sigmoid(l)).nan_to_num(neginf=E)
      with E = None or 0.0 or -100.0 or -1e4
* no absolute value: Nearly: the exponential has to see -|l|, which is never above 0.
  Otherwise it overflows, and what max already holds is counted twice.
    C + log1p(exp(-l)) with C = {CORNERS}
    C + log1p(exp(l.abs())) with C = {CORNERS}
* half of the formula: The cost has two parts to add: the maximum with 0 (of -l where 1
  was right, of l where 0 was), and log1p(exp(-|l|)), 0.693 at logit 0.
    C with C = {CORNERS}
    log1p(exp(-l.abs()))
    C + log1p(exp(-l.abs())) with C = -l or l.abs()
* slope 0 at 0: At logit exactly 0 the slope is 0 in place of a half: autograd gives the
  corners of relu and of abs the slope 0. `torch.maximum` shares a tie.
    F.relu(-l) + C with C = log1p(exp(-l.abs())) or log(1 + exp(-l.abs()))
* slope of clamp at 0: At logit exactly 0 the slope is twice the wanted half: clamp has
  slope 1 at its limit. `torch.maximum` shares a tie.
    (-l).clamp(min=0) + C with C = log1p(exp(-l.abs())) or log(1 + exp(-l.abs()))
* digits cancelled: No logit overflows, and the small costs are lost: 1 + exp(-17) is
  rounded to 1, and softplus(l) - l to 0, where 4e-8 is right. Use log1p for log(1 + t),
  and softplus(-l) for softplus(l) - l.
    maximum(-l, zeros_like(l)) + log(1 + exp(-l.abs()))
    torch.stack([zeros_like(l), -l]).logsumexp(0)
    softplus(l) - l
~ another base: Right up to the base of the logarithm. The course counts in nats, with
  the natural logarithm: 0.693 at logit 0.
    softplus(-l) / math.log(E) with E = 2 or 10
* one minus moved to the logit: 1 - s(l) is s(-l), never s(1 - l).
    softplus(-l) ; softplus(l - 1)
* one minus outside: The `1 -` belongs inside the logarithm: log(1 - D).
    softplus(-l) ; E with E = 1 - softplus(-l) or softplus(-l) - 1 or -1 - softplus(-l)
* no log: There is no logarithm in it: a confident mistake never costs more than 1.
    1 - sigmoid(l) ; sigmoid(l)
    -sigmoid(l)
    -sigmoid(l) ; sigmoid(l)
    sigmoid(l)
"""
OF_ZERO = ("exp inside log", "one minus moved to the logit", "one minus outside")
ONE = r"/\bneg_log_sigmoid\((\w+)\)/ -> (ONE)"
ZERO = r"/\bneg_log_one_minus_sigmoid\((\w+)\)/ -> (ZERO)"


def forms(way, logits=r"\1"):
    """FORMS as a family of mistakes: each form written into `way`.

    There ONE and ZERO stand for the two costs, of what `logits` says.
    """

    def ways(line):
        form, _, choice = line[1].partition(" with ")
        letter, _, values = choice.partition(" = ")
        for value in values.split(" or "):
            costs = re.sub(rf"\b{letter}\b", value, form) if letter else form
            one, _, zero = costs.partition(" ; ")
            zero = zero or re.sub(r"\bl\b", "(-l)", one)
            written = way.replace("ONE", one).replace("ZERO", zero)
            yield "    " + re.sub(r"\bl\b", lambda _: logits, written)

    text = re.sub(r"\n {6,}", " ", FORMS)  # a deeper line continues the one above
    return re.sub(r"^ {4}(.+)$", lambda x: "\n".join(ways(x)), text, flags=re.M)


# --------------------------------------------------------------- the largest exponent

entry(
    """
    largest_safe_exponent(dtype)
        return math.log(torch.finfo(dtype).max)

    because: exp(x) overflows when it exceeds the type's largest number.
    praise: The wall is 11.09 in float16 and 88.72 in float32 and bfloat16; the logits
      of this lesson's last game go past the first.
    hint: `torch.finfo(dtype)` tells what a type holds. Which number limits exp(x)?
    hint: If exp(x) = `torch.finfo(dtype).max`, what is x?
    right: return torch.tensor(torch.finfo(dtype).max, dtype=torch.float64).log()
    right: return math.log2(torch.finfo(dtype).max) * np.log(2)

    * measured in the type itself: The type you ask about also rounds the answer:
      bfloat16 has no number between 88.5 and 89. Take the type's largest number to a
      Python float, and the log there.
        return torch.log(torch.tensor(torch.finfo(dtype).max, dtype=dtype)).item()
    * rounded: The right wall, in coarse steps. Wanted is 1e-3, which tells bfloat16's
      wall from float32's: compute it from `torch.finfo(dtype).max`, and do not round.
        return round(math.log(torch.finfo(dtype).max), {1|2})
        return int({10|100} * math.log(torch.finfo(dtype).max)) / {10|100}
        return float({math.floor|math.ceil|round}(math.log(torch.finfo(dtype).max)))
    * one type for all: The answer has to follow the argument: `torch.finfo(dtype)`
      knows each type. (`torch.tensor(...)` without a dtype makes float32.)
        finfo(dtype) -> finfo(torch.{float32|float64|float16})
        return torch.tensor(torch.finfo(dtype).max).log().item()
        return {88.0|88.7|88.72|709.78}
    * another base: That is the exponent of 2 or of 10. exp is a power of e: `math.log`.
        math.log -> math.{log2|log10}
    * the largest number: That is what exp(x) may reach. Wanted is that x.
        return torch.finfo(dtype).max
    * exp for log: exp of the largest number overflows. Which function undoes exp?
        return torch.exp(torch.tensor(torch.finfo(dtype).max)).item()
    * another number of the type: Where exp overflows is decided by `max` of the type.
        math.log(torch.finfo(dtype).max) -> {|-}math.log(torch.finfo(dtype).{tiny|eps})
        return torch.finfo(dtype).bits * {1.0|math.log(2)}
    """,
    names=NAMES,
    lesson=5,
    observe=observers.value,
    probes={
        "float32": lambda: (torch.float32,),
        "float64": lambda: (torch.float64,),
        "bfloat16": lambda: (torch.bfloat16,),
        "float16": lambda: (torch.float16,),
    },
    rtol=0,
    atol=1e-3,
    same=1e-5,
)


# --------------------------------------------------------------- one logit, two costs

FAR = (12.5, 16.0, 20.0, 40.0, 95.0, 120.0, 1e4)
MIXED = (-120.0, -20.0, 0.0, 3.0, 20.0, 120.0)
COST = {
    "lesson": 5,
    "observe": observers.value_and_slope,
    "probes": {
        "logits (1, -1)": logits(1.0, -1.0),
        "logit 0": logits(0.0),
        "a table of 2 by 3": lambda: (
            torch.tensor([[-1.5, -1.0, -0.5], [0.5, 1.0, 1.5]]),
        ),
    },
    "edge": {f"logits ({v:g}, {-v:g})": logits(v, -v) for v in (5.0, *FAR, 80.0)}
    | {"small and large in one batch": logits(*MIXED)},
    "rtol": 1e-6,
    "atol": 1e-37,
    "elementwise": True,
    "same": 1e-5,
    "tolerance": {"slope": (0, 1e-6)},
}
AVERAGED = r"""
* averaged: One cost for each logit is wanted; the losses take the mean later.
    /return (.+)$/ -> return (\1).{mean|sum}()
"""

entry(
    """
    neg_log_sigmoid(logits)
        corner = torch.maximum(-logits, torch.zeros_like(logits))
        return corner + torch.log1p(torch.exp(-logits.abs()))

    because: exp sees nothing above 0, log1p keeps small costs, maximum shares the tie
      at 0. `F.softplus(-logits)` is the same in one call.
    praise: Finite and exact from -10,000 to 10,000: half of every GAN loss on logits.
    hint: -log s(l) = log(1 + exp(-l)). For which sign of l is exp(-l) safe? For the
      other sign, what is exp(-l) (1 + exp(l))?
    hint: max(-l, 0) + log1p(exp(-|l|)): which of relu, clamp and `torch.maximum` has
      the slope 1/2 at a tie? (Or: torch has a function for all of this.)
    edge: Right, or nearly, for small logits; wrong for large ones. Does exp see a
      number above 0, is a sigmoid rounded to 0 or 1 before its log, is a small number
      lost beside 1, or is there an epsilon, a clamp or a cut? max(-l, 0) belongs in
      front of the logarithm.
    right: return {F.softplus(-logits)|-F.logsigmoid(logits)}
    right: return torch.logaddexp(torch.zeros_like(logits), -logits)

    * lost minus: The log of a probability is negative; a cost is never below 0.
        return -F.softplus({-|}logits)
    * the twin: That is -log(1 - s(l)), which grows with l; -log s(l) falls.
        maximum(-logits -> maximum(logits
    * a number in maximum: `torch.maximum` wants two tensors: `torch.zeros_like(logits)`
      is the second. (`torch.max` takes a whole number for a dim.)
        torch.zeros_like(logits) -> {0|0.0}
        torch.maximum(-logits, torch.zeros_like(logits)) -> torch.max{imum(0, -logits)|(
          -logits, 0)}
    """,
    names=NAMES,
    families=AVERAGED + forms("return ONE", "logits"),
    without=OF_ZERO,
    reference=losses.neg_log_sigmoid,
    **COST,
)

entry(
    """
    neg_log_one_minus_sigmoid(logits)
        return neg_log_sigmoid(-logits)

    because: 1 - s(l) = s(-l): the twin is softplus(l).
    praise: With the two twins every loss of the game is one line.
    hint: 1 - s(l) = s(-l). So which function that you already have, at which logit?
    hint: `neg_log_sigmoid(-logits)`.
    edge: Right, or nearly, for small logits; wrong for large ones. Does exp see a
      number above 0, is 1 - s formed from a sigmoid that is rounded to 1, is a small
      number lost beside 1, or is there an epsilon, a clamp or a cut? 1 - s(l) is s(-l).
    right: return {F.softplus(logits)|-F.logsigmoid(-logits)}
    right: return torch.logaddexp(torch.zeros_like(logits), logits)
    right: return torch.maximum(logits, torch.zeros_like(logits)) + torch.log1p(
        torch.exp(-logits.abs()))

    * the twin: That is -log s(l) again, which falls as l grows; -log(1 - s(l)) grows.
        -logits -> logits
    * lost minus: That is log(1 - s(l)), which is negative; the cost is -log(1 - s(l)).
        return -> return -
    * 1 - s from the twin: exp(-neg_log_sigmoid(l)) is s(l), rounded to 1 from about +17
      on: 1 - s is then 0 and its log -inf. Never form 1 - s(l): it is s(-l).
        return -{log(1 - |log1p(-}exp(-neg_log_sigmoid(logits)))
    """,
    names=NAMES,
    families=AVERAGED + forms("return ZERO", "logits"),
    reference=losses.neg_log_one_minus_sigmoid,
    **COST,
)


# ------------------------------------------------------------------ log-sum-exp

LARGE, HUGE, EXACT = " of large logits", " of huge logits", " in float64"


def rows_and_slope(function, x):
    """Value and slope, under labels with a tolerance that fits the size of the logits.

    A float32 near 1e4 is rounded by 5e-4, and a right answer may carry that along. In
    float64 the numbers are asked for, in any type.
    """
    exact, largest = x.dtype == torch.float64, x.abs().max()
    size = EXACT if exact else HUGE if largest > 1000 else LARGE if largest > 10 else ""
    for label, seen in observers.value_and_slope(function, x):
        numbers = exact and isinstance(seen, torch.Tensor)
        yield label + size, seen.double() if numbers else seen


def rows(*values, dtype=torch.float32):
    """A probe: a table of logits."""
    return lambda: (torch.tensor(values, dtype=dtype),)


entry(
    r"""
    log_softmax(logits)
        shifted = logits - logits.amax(dim=-1, keepdim=True)
        return shifted - torch.log(torch.exp(shifted).sum(dim=-1, keepdim=True))

    because: A common shift cancels in l - logsumexp(l); this one keeps exp at most 1.
    praise: With two classes it is neg_log_sigmoid.
    hint: log softmax(l) = l - log(sum of exp(l)). Which logit makes the sum overflow,
      and what happens if you subtract the same number from all?
    hint: Subtract each row's largest logit (`amax(dim=-1, keepdim=True)`) first.
    edge: Right, or nearly, for small logits; wrong for large ones or where rows differ
      in size. Does exp see a number above 0, is a probability rounded to 0 before its
      log (which float64, an epsilon, a clamp or `nan_to_num` hides but does not cure)?
      Take each row's own maximum off first, and stay in logs.
    right: return torch.log_softmax(logits, dim=-1)
    right: return logits - torch.logsumexp(logits, dim=-1, keepdim=True)
    right: amax(dim=-1, keepdim=True) -> max(dim=1, keepdim=True).values

    * log of softmax: softmax shifts by the maximum for you, and then rounds: the second
      of (0, -120) is 0 in it, and log(0) is -inf with NaN slopes. Stay in logs.
        return torch.log(torch.softmax(logits, dim=-1))
    * nothing shifted: Right on paper. exp overflows from 88.7 on, and below -104 every
      term of the sum is 0. Take each row's largest logit off first.
        logits - logits.amax(dim=-1, keepdim=True) -> logits
    * another shift: Any shift is right on paper; only each row's own *largest* logit,
      `amax(dim=-1, keepdim=True)`, makes sure that no exponential overflows.
        logits.amax(dim=-1, keepdim=True) -> logits{.max()|[..., :1]}
        logits.amax -> logits.{amin|mean|abs().amax}
        amax(dim=-1 -> amax(dim=0
    * shift not put back: The maximum m was taken off inside the sum and never put back:
      the log of the sum of exp(l) is m + the log of the sum of exp(l - m).
        return shifted -> return logits
    * shift not undone: The maximum was taken off in one place and not in the other.
        torch.exp(shifted) -> torch.exp(logits)
    * over the rows: The sum runs over the examples. Each row must sum to 1: `dim=-1`.
        dim=-1 -> dim=0
        return logits - logits.logsumexp((0, 1))
    * keepdim left out: Without `keepdim=True` the row sums have shape (n,), and line up
      with the columns: an error, or wrong numbers where n = k.
        , keepdim=True ->
        {sum|amax}(dim=-1, keepdim=True) -> {sum|amax}(dim=-1)
        return logits - logits.logsumexp(-1)
    * not the log of the sum: The log of exp(l) / sum is l minus the log of the sum of
      exponentials. Yours adds it, or takes the sum without its log.
        return shifted - -> return shifted +
        return logits + logits.logsumexp(-1, keepdim=True)
        torch.log( -> (
        return logits - logits.exp().sum(-1, keepdim=True)
    * no log: Those are the probabilities; wanted are their logarithms.
        return torch.softmax(logits, dim=-1)
    * cut down to float32: The logits are turned into float32 on the way in, and a
      float64 logit of 10,000 loses its third decimal. Keep the type that comes in.
        = logits - logits -> = logits.float() - logits.float()
    ~ another base: Right up to the base of the logarithm: the course uses base e.
        return torch.log_softmax(logits, dim=-1) / math.log({2|10})
    """,
    names=NAMES,
    lesson=5,
    reference=losses.log_softmax,
    observe=rows_and_slope,
    probes={
        "one row": rows((0.0, 1.0, 2.0)),
        "2 rows, 3 classes": rows((1.0, 2.0, 3.0), (0.5, -1.0, 0.0)),
        "3 rows, 3 classes": rows((1.0, 2.0, 3.0), (0.5, -1.0, 0.0), (-2.0, 0.0, 4.0)),
    },
    edge={
        "logits (0, -120)": rows((0.0, -120.0)),
        "logits (-150, 0, 150)": rows((-150.0, 0.0, 150.0)),
        "rows of unlike size": rows((0.0, 1.0), (150.0, 151.0), (-150.0, -149.0)),
        "all at 10000": rows((1e4, 1e4 - 1, 0.0)),
        "all at -10000": rows((-1e4, -1e4 - 1, -1e4 - 5)),
        "float64 near 10000": rows((1e4, 1e4 - 0.3, 1e4 - 1.7), dtype=torch.float64),
    },
    tolerance={
        f"{what}{size}": (1e-6, largest)
        for what in ("value", "slope")
        for size, largest in {"": 1e-6, EXACT: 1e-6, LARGE: 1.5e-4, HUGE: 1e-2}.items()
    },
    same=1e-6,
)


# ------------------------------------------------------------------ the losses

LOSS = {
    "lesson": 5,
    "rtol": 1e-6,
    "atol": 1e-6,
    "same": 1e-5,
    "tolerance": HALF_TOLERANCE,
}
OF_A_BATCH = families.MEANS + r"""
* log of the mean: The mean stands inside the logarithm: first the cost of each logit.
    /\((\w+)\)\.mean\(\)/ -> (\1.mean())
    /\bneg_log_sigmoid\((\w+)\)\.mean\(\)/ -> (-log(sigmoid(\1).mean()))
    /\bneg_log_one_minus_sigmoid\((\w+)\)\.mean\(\)/ -> (-log(1 - sigmoid(\1).mean()))
    /\bneg_log_sigmoid\((\w+)\)\.mean\(\)/ -> (-log(sigmoid(\1).mean())) &&
      /\bneg_log_one_minus_sigmoid\((\w+)\)\.mean\(\)/ -> (-log(1 - sigmoid(\1).mean()))
"""  # fmt: skip
UNMENDED = r"""
* one term unmended: One of the two terms is mended, the other is still infinite far
  out, by a rounded sigmoid or an exp that overflows. Give both the same form.
    /\bneg_log_sigmoid\((\w+)\)/ -> (-log(sigmoid(\1)))
    /\bneg_log_one_minus_sigmoid\((\w+)\)/ -> (-log(1 - sigmoid(\1)))
    /\bneg_log_one_minus_sigmoid\((\w+)\)/ -> log(1 + exp(\1))
"""
BOTH = forms(f"{ONE} && {ZERO}") + UNMENDED + OF_A_BATCH

entry(
    r"""
    bce_with_logits(logits, target)
        cost_of_one = neg_log_sigmoid(logits)
        cost_of_zero = neg_log_one_minus_sigmoid(logits)
        return (target * cost_of_one + (1 - target) * cost_of_zero).mean()

    because: Cross-entropy is the target's average of the two costs.
    praise: You have rebuilt `F.binary_cross_entropy_with_logits`.
    hint: What does a logit cost if its target is 1, and what if it is 0?
    hint: Weigh them: `target * neg_log_sigmoid(logits) + (1 - target) * ...`.
    edge: Right, or nearly, for small logits; wrong for large ones or in half precision.
      Is there an exp of numbers above 0, the log of a sigmoid, an epsilon or a clamp?
    right: return F.binary_cross_entropy_with_logits(logits, target)
    right: return -(target * F.logsigmoid(logits)
        + (1 - target) * F.logsigmoid(-logits)).mean()
    right: return (F.softplus(logits) - target * logits).mean()

    * targets turned round: The target 1 pays -log s(l), the target 0 -log(1 - s(l)).
        target * cost_of_one + (1 - target) -> (1 - target) * cost_of_one + target
    * one term only: Only one of the two costs is there: weigh both, and add them.
        {+ (1 - target) * cost_of_zero|target * cost_of_one +} ->
        /return .+/ -> return cost_of_{one|zero}.mean()
    * a mean for each target: Ones and zeros are picked out and get a mean each: where
      one kind is missing that is NaN. Cross-entropy is one mean over all logits.
        /return .+/ -> return (cost_of_one[target == 1].mean() +
          cost_of_zero[target == 0].mean()) / {1|2}
    * soft targets hardened: A target of 0.9 is treated as 1 or 0, or as a sign. It
      weighs both costs: 0.9 of one, 0.1 of the other.
        (target * -> (target.{round|ceil}() * && 1 - target -> 1 - target.{round|ceil}()
        /return .+/ -> return where(target {> 0.5|== 1}, cost_of_one,
          cost_of_zero).mean()
        return F.softplus((1 - 2 * target) * logits).mean()
    * one sign lost: A sign is turned. Both terms are costs, and both are added.
        cost_of_one + -> cost_of_one -
        (target * -> (-target *
        return (F.softplus(logits) + target * logits).mean()
        return (F.softplus(-logits) - target * logits).mean()
    * corner at 0: At logit exactly 0 the slope is off by a half: autograd gives relu
      the slope 0 there, and clamp the slope 1. `torch.maximum` shares a tie.
        return ({F.relu(logits)|logits.clamp(min=0)} - target * logits
          + log1p(exp(-logits.abs()))).mean()
    * squared error: That is a squared error. Cross-entropy takes a logarithm.
        return (({sigmoid(logits)|logits} - target) ** 2).mean()
    """,
    names=NAMES,
    families=BOTH,
    without=("digits cancelled",),  # none are lost in a mean
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
    edge={
        f"logits ({-v:g}, {v:g}), targets (1, 0)": pair((-v, v), (1.0, 0.0))
        for v in (*FAR, -40.0)
    }
    | {
        "small and large in one batch": pair(MIXED, (1, 1, 1, 0, 0, 0)),
        "half precision": pair((-20.0, -13.0, 12.0, 0.5), (1, 0, 0, 1), torch.float16),
    },
    **LOSS,
)

entry(
    r"""
    discriminator_loss(real_logits, fake_logits)
        of_real = neg_log_sigmoid(real_logits).mean()
        of_fake = neg_log_one_minus_sigmoid(fake_logits).mean()
        return of_real + of_fake

    because: Real should have been 1, fake 0; each expectation is a mean of its own.
    praise: 2 log 2 = 1.386 when D cannot tell, finite at 10,000: training needs both.
    hint: Two expectations, two means: what does a real logit cost, and what a fake one?
    hint: `neg_log_sigmoid(real_logits).mean() + ...`
    edge: Right, or nearly, for small logits; wrong for large ones or in half precision.
      Is there an exp of numbers above 0, the log of a sigmoid, an epsilon or a clamp?
    right: return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
    right:
        | bce = F.binary_cross_entropy_with_logits
        | of_real = bce(real_logits, torch.ones_like(real_logits))
        | return of_real + bce(fake_logits, torch.zeros_like(fake_logits))
    right: return (neg_log_sigmoid(real_logits)[:, None]
        + neg_log_one_minus_sigmoid(fake_logits)).mean()

    * roles swapped: Real and fake are swapped: this D is paid for calling fakes real.
        (real_ -> (x_ && (fake_ -> (real_ && (x_ -> (fake_
    * one label for all: Both terms ask for the same label, real or fake.
        neg_log_one_minus_sigmoid -> neg_log_sigmoid
        neg_log_sigmoid -> neg_log_one_minus_sigmoid
    * one term only: Two terms are wanted, one for reals and one for fakes.
        return of_real + of_fake -> return {of_real|of_fake}
    * one sign lost: One of the two terms has the wrong sign: both costs are added.
        return of_real + of_fake -> return {of_real - of_fake|of_fake - of_real}
    * one mean over both: One mean over the mixed batch weighs real and fake by how many
      each has. Two expectations: two means, added.
        return {1|2} * torch.cat([F.softplus(-real_logits),
          F.softplus(fake_logits)]).mean()
    * added before the mean: Something real meets something fake position by position,
      which asks for equally many. Take each mean by itself.
        return (neg_log_sigmoid(real_logits) +
          neg_log_one_minus_sigmoid(fake_logits)).mean()
        .mean() ->
        neg_log_one_minus_sigmoid(fake_logits) ->
          F.binary_cross_entropy_with_logits(fake_logits, zeros_like(real_logits))
    * other targets: The targets are not 1 and 0. Label smoothing is a choice, not the
      plain loss: here real means 1 and fake means 0.
        return of_real + of_fake -> return (of_real + of_fake
          + {0.05|0.1|0.2|0.3|-0.1|-0.2} * real_logits.mean())
        return of_real + of_fake -> return (of_real + of_fake
          + {0.1|0.2|-0.1} * (real_logits.mean() - fake_logits.mean()))
        of_real + of_fake -> of_real + of_fake + {0.1|0.2} * fake_logits.mean()
    * another game: That is a loss of another game, such as a critic's, the hinge or
      least squares. Here: the cross-entropy of real against fake.
        return {1 -|-} sigmoid(real_logits).mean() + sigmoid(fake_logits).mean()
        return fake_logits.mean() - real_logits.mean()
        return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()
        return ((real_logits - 1) ** 2).mean() + (fake_logits ** 2).mean()
    """,
    names=NAMES,
    families=BOTH,
    without=("digits cancelled", "no mean", "no log"),  # the latter have other names
    reference=losses.discriminator_loss,
    observe=loss_and_slope,
    probes={
        "undecided: all logits 0": pair((0.0, 0.0, 0.0), (0.0, 0.0)),
        "right: real 3, fake -3": pair((3.0,), (-3.0,)),
        "wrong: real -3, fake 3": pair((-3.0,), (3.0,)),
        "3 real, 2 fake": pair((-3.0, 2.0, 3.0), (1.0, -2.0)),
        "both batches twice": pair((-3.0, 2.0, 3.0) * 2, (1.0, -2.0) * 2),
    },
    edge={
        f"real ({-v:g}, 1), fake ({v:g}, 1)": pair((-v, 1.0), (v, 1.0))
        for v in (5.0, *FAR, -40.0)
    }
    | {"half precision": pair((-20.0, -13.0, 3.0), (12.0, 20.0), torch.float16)},
    **LOSS,
)

GENERATOR = {
    "observe": loss_and_slope,
    "probes": {
        "logit 0": logits(0.0),
        "logits (-3, 2, 1)": logits(-3.0, 2.0, 1.0),
        "the same batch twice": logits(-3.0, 2.0, 1.0, -3.0, 2.0, 1.0),
    },
    "edge": {f"logits ({-v:g}, {v:g})": logits(-v, v) for v in (5.0, *FAR)}
    | {
        "small and large in one batch": logits(*MIXED),
        "half precision": logits(-20.0, -13.0, 12.0, 20.0, dtype=torch.float16),
    },
}

entry(
    """
    generator_loss(fake_logits)
        return neg_log_sigmoid(fake_logits).mean()

    because: -log D(G(z)) with D = sigmoid(l) is neg_log_sigmoid, averaged.
    praise: At logit -40 the slope is -1: the worse G does, the harder it is pushed.
    hint: G wants D to say 1. What does a logit cost where 1 was right?
    hint: The batch mean of `neg_log_sigmoid(fake_logits)`.
    edge: Right, or nearly, for small logits; wrong for large ones or in half precision.
      Is there an exp of numbers above 0, the log of a sigmoid, an epsilon or a clamp?
    right: return F.binary_cross_entropy_with_logits(
        fake_logits, torch.ones_like(fake_logits))
    right: return -F.logsigmoid(fake_logits).mean()

    * minimax: That is log(1 - D), whose slope vanishes while G loses. Asked is -log D.
        return -F.softplus(fake_logits).mean()
    * fake label: G is paid here for being called fake: that is D's term.
        neg_log_sigmoid -> neg_log_one_minus_sigmoid
    * smoothed target: With the target 0.9 G is pulled *back* once D(G(z)) exceeds 0.9.
        neg_log_sigmoid(fake_logits) ->
          (F.softplus(fake_logits) - {0.95|0.9|0.8|0.7} * fake_logits)
    * another game: That is a critic's loss, or least squares. Asked is -log D.
        return -fake_logits.mean()
        return (({fake_logits|sigmoid(fake_logits)} - 1) ** 2).mean()
    """,
    names=NAMES,
    families=forms(ONE) + OF_A_BATCH,
    without=("digits cancelled", *OF_ZERO),
    reference=losses.generator_loss,
    **GENERATOR,
    **LOSS,
)

entry(
    """
    minimax_generator_loss_from_logits(fake_logits)
        return -neg_log_one_minus_sigmoid(fake_logits).mean()

    because: log(1 - D(G(z))) with D = sigmoid(l) is -softplus(l), averaged.
    praise: At -40 the slope is 4e-18: that is in the game, not in the arithmetic.
    hint: log(1 - D) is minus the cost of a logit where 0 was right.
    hint: Minus the batch mean of `neg_log_one_minus_sigmoid(fake_logits)`.
    edge: Right, or nearly, for small logits; wrong for large ones or in half precision.
      Is there an exp of numbers above 0, the log of a sigmoid, an epsilon or a clamp?
    right: return -F.binary_cross_entropy_with_logits(
        fake_logits, torch.zeros_like(fake_logits))
    right: return F.logsigmoid(-fake_logits).mean()

    * non-saturating: That is -log D, the non-saturating loss. The minimax game has G
      minimize log(1 - D), which is negative.
        -neg_log_one_minus_sigmoid -> neg_log_sigmoid
    * log D: That is log D(G(z)): minimizing it makes G worse. Asked is log(1 - D).
        neg_log_one_minus_sigmoid -> neg_log_sigmoid
    """,
    names=NAMES,
    families=forms(ZERO) + OF_A_BATCH,
    without=("digits cancelled",),  # none are lost in a mean
    reference=losses.minimax_generator_loss_from_logits,
    **GENERATOR,
    **LOSS,
)
