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
    given = []

    def of_logits(x):
        given.append(target.clone())
        return function(x, given[-1])

    yield from loss_and_slope(of_logits, x)
    unchanged = all(torch.equal(t, target) for t in given)
    yield "its target", "unchanged" if unchanged else CHANGED


# ------------------------------------------------------------------ forms that break

# In each line: the cost where 1 was right ; where 0 was (by default the first at -l).
FORMS = """
* double sigmoid: The sigmoid is applied twice: this loss is fed logits and squashes
  them itself. A confident mistake, a logit of 40 on the wrong side, costs 0.7 or 1.3 in
  place of 40, and no slope is steeper than a quarter. Hand over the logits as they are.
    softplus(-sigmoid(l)) ; softplus(sigmoid(l))
* BCELoss fed logits: `binary_cross_entropy` wants probabilities, and a logit is any
  number. Its sister with `_with_logits` in the name takes logits; so does softplus.
    BCELoss(l, ones_like(l)) ; BCELoss(l, zeros_like(l))
* log of sigmoid: Right on paper. In float32 the sigmoid is exactly 1 from +17 on, so
  that 1 - s is 0, and exactly 0 below -88.7, where exp(-l) is infinite. Then the cost
  is infinite and its slope NaN. Never compute 1 - s(l): it is s(-l). And keep exp away
  from numbers above 0: pull exp(-l) out of the logarithm, where it becomes -l.
    -log(sigmoid(l)) ; -log(1 - sigmoid(l))
    -log(1 / (1 + exp(-l))) ; -log(1 - 1 / (1 + exp(-l)))
    log(1 + exp(-l)) ; -log1p(-sigmoid(l))
* exp inside log: s(-l) in place of 1 - s(l) is the right move, and saves the digits.
  From 88.8 on the exp is infinite, and the cost with it. Split the maximum with 0 off,
  so that exp never sees a number above 0.
    log(1 + exp(-l))
    -log(sigmoid(l))
* log1p alone: log1p keeps the digits of the small costs. The large ones still overflow:
  exp(95) is infinite, and the slope NaN. Split the maximum with 0 off: exp then sees
  none above 0.
    log1p(exp(-l))
* epsilon inside log: The infinity is gone, and the gradient with it: where the
  probability is smaller than your epsilon, the log sees the epsilon alone. With 1e-8
  the cost stays at 18.4, and the slope, which should be 1 in size, dies. Rewrite the
  formula; do not patch it.
    -log(sigmoid(l) + E) ; -log(1 - sigmoid(l) + E)
      with E = 1e-3 or 1e-5 or 1e-6 or 1e-7 or 1e-8 or 1e-10 or 1e-12 or 1e-20
    -log(sigmoid(l) + E) with E = 1e-7 or 1e-8 or 1e-12
* clamped probability: A clamp is flat beyond its limits: the cost stays at one number
  (16.1 for 1e-7) and its slope is 0, exactly where the answer is most wrong and the
  push is most needed. Rewrite the formula; do not patch it.
    -log(sigmoid(l).clamp(E, 1 - E)) ; -log((1 - sigmoid(l)).clamp(E, 1 - E))
      with E = 1e-3 or 1e-5 or 1e-6 or 1e-7
    -log(sigmoid(l).clamp(E)) ; -log((1 - sigmoid(l)).clamp(E))
      with E = 1e-3 or 1e-5 or 1e-6 or 1e-7 or 1e-8
    -log(sigmoid(l).clamp(E, 1 - E)) ; -log(1 - sigmoid(l).clamp(E, 1 - E))
      with E = 1e-3 or 1e-5 or 1e-6 or 1e-7
* BCELoss of sigmoid: The treacherous one: its value can be right where its slope is
  not. BCELoss says 40 at -40, with slope -0.000004 in place of -1; and where the
  sigmoid is rounded to 0 or 1 its cut-off, 100, with slope 0. Never pass through the
  probability: use the logit.
    BCELoss(sigmoid(l), ones_like(l)) ; BCELoss(sigmoid(l), zeros_like(l))
* clamped logits: Beyond your clamp the cost stays where it is and its slope is 0. The
  right formula survives any logit, so nothing needs a clamp.
    softplus(-l.clamp(-E, E)) with E = 10 or 20 or 30 or 50 or 60 or 80 or 88 or 100
    log1p(exp(-l.clamp(min=-E))) with E = 30 or 50 or 60 or 80 or 88
* plain where: Far out the values are right and the slopes NaN: `where` multiplies the
  gradient of the branch not taken by 0, and 0 times infinity is NaN. Give each branch
  an input that is safe for it (a second `where` inside), or use max and exp(-|l|).
    where(l > E, log1p(exp(-l)), -l + log1p(exp(l))) with E = 0 or -1
    where(l > E, log1p(exp(-l)), -l) with E = -20 or -50 or -80 or -88
    where(l > E, log(1 + exp(-l)), -l) with E = -20 or -50 or -80 or -88
* float64: float64 moves the walls, of exp from 88 to 709 and of 1 - s from 17 to 37,
  and you are asked to stand at 10,000. Rewrite the formula; then float32 is enough.
    log1p(exp(-l.double())).to(l.dtype)
    -log(sigmoid(l.double())).to(l.dtype)
    -log(sigmoid(l.double())).to(l.dtype) ; -log(1 - sigmoid(l.double())).to(l.dtype)
* repainted infinity: The infinity was made, and then painted over. The slope behind the
  paint is NaN or 0, and one NaN turns every weight it reaches into NaN. Rewrite the
  formula.
    -log(sigmoid(l)).nan_to_num(neginf=E) ; -log(1 - sigmoid(l)).nan_to_num(neginf=E)
      with E = None or 0.0 or -100.0 or -1e4
    -log(sigmoid(l)).clamp(min=-E) ; -log(1 - sigmoid(l)).clamp(min=-E)
      with E = 30 or 50 or 100
* no absolute value: Nearly: the exponential has to see -|l|, which is never above 0.
  Otherwise it overflows, and what max already holds is counted twice.
    C + log1p(exp(-l)) with C = F.relu(-l) or maximum(-l, zeros_like(l)) or
      (-l).clamp(min=0)
    C + log1p(exp(l.abs())) with C = F.relu(-l) or maximum(-l, zeros_like(l)) or
      (-l).clamp(min=0)
* half of the formula: The cost has two parts. The large one is the maximum with 0, of
  -l where 1 was right, of l where 0 was: nothing where the answer is right. The small
  one, log1p(exp(-|l|)), is worth 0.693 at logit 0 and is the same on both sides. Add
  them.
    C with C = F.relu(-l) or maximum(-l, zeros_like(l)) or (-l).clamp(min=0)
    log1p(exp(-l.abs()))
    C + log1p(exp(-l.abs())) with C = -l or l.abs()
* slope 0 at 0: At logit exactly 0 the slope is 0 in place of a half: autograd gives the
  corners of relu and of abs the slope 0. A network whose last layer starts at zero
  would never leave. `torch.maximum` shares a tie.
    F.relu(-l) + C with C = log1p(exp(-l.abs())) or log(1 + exp(-l.abs()))
* slope of clamp at 0: At logit exactly 0 the slope is twice the wanted half: autograd
  hands the whole slope through clamp at its limit. `torch.maximum` shares a tie, a half
  to each side.
    (-l).clamp(min=0) + C with C = log1p(exp(-l.abs())) or log(1 + exp(-l.abs()))
* log for log1p: No logit overflows any more. What is lost are the small costs: 1 +
  exp(-17) is rounded to 1 and its log to 0, where 4e-8 is right. `torch.log1p(t)` is
  log(1 + t) without that sum; torch's logsumexp does not do this for you.
    maximum(-l, zeros_like(l)) + log(1 + exp(-l.abs()))
    torch.stack([zeros_like(l), -l]).logsumexp(0)
* digits cancelled: True on paper: softplus(l) - l is softplus(-l). In float32 nearly
  equal numbers are subtracted, and of a cost of 2e-9 nothing is left. (PyTorch's BCE
  does so for target 0, harmless in a mean; here every element counts.) Turn the sign
  inside softplus.
    softplus(l) - l
* cut too early: Nearly: beyond your cut only the large part of the cost is left, too
  early. log1p(exp(-|l|)) still counts there; at |l| = 12.5 it is 4e-6. softplus cuts at
  20.
    softplus(-l, threshold=E) with E = 3 or 5 or 10
~ another base: Right up to the base of the logarithm. The course counts in nats, with
  the natural logarithm: 0.693 at logit 0, where base 2 gives 1 and base 10 gives 0.301.
    softplus(-l) / math.log(E) with E = 2 or 10
* one minus moved to the logit: `1 -` slipped inside the sigmoid: 1 - s(l) is s(-l),
  never s(1 - l). At logit 5 yours gives 4.018 for 5.007.
    softplus(-l) ; softplus(l - 1)
* one minus outside: The `1 -` stands outside the logarithm; it belongs inside: log(1 -
  D).
    softplus(-l) ; E with E = 1 - softplus(-l) or softplus(-l) - 1 or -1 - softplus(-l)
* no log: There is no logarithm in it: a confident mistake never costs more than 1, and
  the slope dies on both sides.
    1 - sigmoid(l) ; sigmoid(l)
    -sigmoid(l)
    -sigmoid(l) ; sigmoid(l)
    sigmoid(l)
"""
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
    praise: The first wall is 11.09 in float16 and 88.72 in float32 and bfloat16: an
      overpowered discriminator's logits go past the first, in this lesson's last game.
    hint: `torch.finfo(dtype)` tells what a type can hold. Which of its numbers must
      exp(x) not exceed?
    hint: If exp(x) = `torch.finfo(dtype).max`, what is x?
    right: return torch.tensor(torch.finfo(dtype).max, dtype=torch.float64).log()
    right: return math.log2(torch.finfo(dtype).max) * np.log(2)

    * measured in the type itself: The type you ask about also rounds the answer:
      bfloat16 has no number between 88.5 and 89, and float16 gives 11.09375, whose exp
      is infinite. Take the type's largest number to a Python float, and the log there.
        return torch.log(torch.tensor(torch.finfo(dtype).max, dtype=dtype)).item()
    * rounded: The right wall, in coarse steps. Wanted is 1e-3, which tells bfloat16's
      wall from float32's: compute it from `torch.finfo(dtype).max`, and do not round.
        return round(math.log(torch.finfo(dtype).max), {1|2})
        return int({10|100} * math.log(torch.finfo(dtype).max)) / {10|100}
        return float({math.floor|math.ceil|round}(math.log(torch.finfo(dtype).max)))
    * one type for all: The answer has to follow the argument: `torch.finfo(dtype)`
      knows each type. (`torch.tensor(...)` without a dtype makes float32, in which
      float64's largest number is infinite.)
        finfo(dtype) -> finfo(torch.{float32|float64|float16})
        return torch.tensor(torch.finfo(dtype).max).log().item()
        return {88.0|88.7|88.72|709.78}
    * another base: That is the exponent of 2 or of 10. exp is a power of e: `math.log`.
        math.log -> math.{log2|log10}
    * the largest number: That is what exp(x) may reach. Wanted is the x that reaches
      it.
        return torch.finfo(dtype).max
    * exp for log: exp of the largest number overflows at once. You know what exp(x) may
      reach and want x: which function undoes exp?
        math.log -> math.exp
        return torch.exp(torch.tensor(torch.finfo(dtype).max)).item()
    * another number of the type: `tiny` is where exp gets too small, `eps` the step
      from 1 to the next number, and most of the `bits` hold digits. Where exp overflows
      is decided by `max`.
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
* averaged: One cost for each logit is wanted, in the shape of the input; the mean comes
  later, when the losses are built from this.
    /return (.+)$/ -> return (\1).{mean|sum}()
"""

entry(
    """
    neg_log_sigmoid(logits)
        corner = torch.maximum(-logits, torch.zeros_like(logits))
        return corner + torch.log1p(torch.exp(-logits.abs()))

    because: exp sees nothing above 0, log1p keeps small costs, maximum shares the tie
      at 0. `F.softplus(-logits)` is the same in one call.
    praise: Finite, exact and with the right slope at every logit from -10,000 to
      10,000: this one line is half of every GAN loss on logits.
    hint: -log s(l) = log(1 + exp(-l)). For which sign of l is exp(-l) safe? For the
      other sign, what is exp(-l) (1 + exp(l))?
    hint: Both cases hold exp(-|l|), which is at most 1. What is left over is 0 for l >
      0 and -l for l < 0.
    hint: max(-l, 0) + log1p(exp(-|l|)): which of relu, clamp and `torch.maximum` has
      the slope 1/2 at a tie? (Or: torch has a function for all of this.)
    edge: Right, or nearly, for small logits; wrong for large ones. Does exp see a
      number above 0, is a sigmoid rounded to 0 or 1 before its log, is a small number
      lost beside 1, or is there an epsilon, a clamp or a cut, which hides the infinity
      and not the lost slope? max(-l, 0) belongs in front of the logarithm.
    right: return {F.softplus(-logits)|-F.logsigmoid(logits)}
    right: return F.binary_cross_entropy_with_logits(
        logits, torch.ones_like(logits), reduction="none")
    right: return torch.logaddexp(torch.zeros_like(logits), -logits)
    right:
        | right, left = logits.clamp(min=0), logits.clamp(max=0)
        | far = -left + torch.log1p(torch.exp(left))
        | return torch.where(logits >= 0, torch.log1p(torch.exp(-right)), far)

    * lost minus: A logarithm of a probability is negative; a cost is never below 0:
      softplus(-l) is already -log s(l).
        return -F.softplus({-|}logits)
    * the twin: That is -log(1 - s(l)), the twin: it grows with l. The cost of a logit
      where 1 was right has to fall as l grows.
        return F.softplus(logits)
        maximum(-logits -> maximum(logits
    * one minus outside: The slopes are right and every value is 1 too large: that is 1
      - log s(l).
        return 1 - F.logsigmoid(logits)
    * a number in maximum: `torch.maximum` wants two tensors: `torch.zeros_like(logits)`
      is the second. (`torch.max` takes a whole number for a dim, and returns values and
      places.)
        torch.zeros_like(logits) -> {0|0.0}
        torch.maximum(-logits, torch.zeros_like(logits)) -> torch.maximum(0, -logits)
        return torch.log1p(torch.exp(-logits.abs())) + torch.max(-logits, 0)
    """,
    names=NAMES,
    families=AVERAGED + forms("return ONE", "logits"),
    without=("exp inside log", "one minus moved to the logit"),  # of the other cost
    reference=losses.neg_log_sigmoid,
    **COST,
)

entry(
    """
    neg_log_one_minus_sigmoid(logits)
        return neg_log_sigmoid(-logits)

    because: 1 - s(l) = s(-l), so the twin is the same function at the mirrored logit:
      max(l, 0) + log1p(exp(-|l|)) = softplus(l).
    praise: With the two twins every loss of the game is one line.
    hint: 1 - s(l) = s(-l). So which function that you already have, at which logit?
    hint: `neg_log_sigmoid(-logits)`.
    edge: Right, or nearly, for small logits; wrong for large ones. Does exp see a
      number above 0, is 1 - s formed from a sigmoid that is rounded to 1, is a small
      number lost beside 1, or is there an epsilon, a clamp or a cut, which hides the
      infinity and not the lost slope? 1 - s(l) is s(-l).
    right: return {F.softplus(logits)|-F.logsigmoid(-logits)}
    right: return torch.logaddexp(torch.zeros_like(logits), logits)
    right: return torch.maximum(logits, torch.zeros_like(logits)) + torch.log1p(
        torch.exp(-logits.abs()))

    * the twin: That is -log s(l) again, which falls as l grows. Here 0 was right, so a
      high logit has to cost more.
        -logits -> logits
    * lost minus: That is log(1 - s(l)), which is negative; the cost is -log(1 - s(l)).
        return -> return -
    * log s: That is log s(l): sign and side are turned. It falls without end where the
      wanted cost goes to 0.
        return F.logsigmoid(logits)
    * 1 - s from the twin: exp(-neg_log_sigmoid(l)) is s(l) again, rounded to 1 from
      about +17 on: 1 - s is then 0 and its log -inf. Never form 1 - s(l): it is s(-l).
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

    because: A common shift cancels in l - logsumexp(l); with the maximum off, no
      exponential exceeds 1.
    praise: It is Bayes' posterior over k classes and the cross-entropy of every
      classifier; with two classes it is neg_log_sigmoid.
    hint: log softmax(l) = l - log(sum of exp(l)). Which logit makes the sum overflow,
      and what happens if you subtract the same number from all?
    hint: Subtract each row's largest logit (`amax(dim=-1, keepdim=True)`) first.
    edge: Right, or nearly, for small logits; wrong for large ones or where rows differ
      in size. Does exp see a number above 0, do all terms of a sum vanish, is a
      probability rounded to 0 before its log, or is there an epsilon or a clamp? Take
      each row's own maximum off first, and stay in logs.
    right: return torch.log_softmax(logits, dim=-1)
    right: return logits - torch.logsumexp(logits, dim=-1, keepdim=True)
    right: amax(dim=-1, keepdim=True) -> max(dim=1, keepdim=True).values
    right: return torch.log_softmax(logits.double(), dim=-1).float()

    * log of softmax: softmax shifts by the maximum for you, and then rounds: the second
      of (0, -120) is exactly 0 in it, and log(0) is -inf with NaN slopes. Stay in logs:
      l - logsumexp(l).
        return torch.log(torch.softmax(logits, dim=-1))
    * nothing shifted: Right on paper. exp overflows from 88.7 on, and below -104 every
      term of the sum is 0. Take each row's largest logit off first: exp then sees
      nothing above 0.
        logits - logits.amax(dim=-1, keepdim=True) -> logits
        return torch.log(torch.exp(logits) / torch.exp(logits).sum(-1, keepdim=True))
    * another shift: Any shift is right on paper; only each row's own *largest* logit,
      `amax(dim=-1, keepdim=True)`, guarantees that no exponential overflows and that
      one term of the sum is 1.
        logits.amax(dim=-1, keepdim=True) -> logits{.max()|[..., :1]}
        amax -> {amin|mean}
        logits.amax -> logits.abs().amax
        amax(dim=-1 -> amax(dim=0
    * max with its places: `max` with a dim returns values and places: take `.values`,
      or use `amax`.
        amax(dim=-1, keepdim=True) -> max(dim=1{|, keepdim=True})
    * shift not put back: The maximum m was taken off inside the sum and never put back:
      the log of the sum of exp(l) is m + the log of the sum of exp(l - m).
        return shifted -> return logits
        return shifted -> return logits && /(\.amax.+)/ -> \1.detach()
        return shifted -> return logits && logits.amax(dim=-1, keepdim=True) ->
          logits.max()
    * shift not undone: The maximum was taken off in one place and not in the other.
      Shift the logits once, and use the shifted ones in both.
        torch.exp(shifted) -> torch.exp(logits)
    * shifted only: The largest is now 0, but the exponentials do not sum to 1: the log
      of their sum is still to be taken off.
        /return .+/ -> return shifted
    * over the rows: The sum runs over the examples. Classes lie along the last axis,
      `dim=-1`: each row by itself must sum to 1.
        dim=-1 -> dim=0
        return logits - logits.logsumexp((0, 1))
    * keepdim left out: Without `keepdim=True` the row sums have shape (n,), and line up
      with the columns: an error if you are lucky, wrong numbers where n = k.
        , keepdim=True ->
        sum(dim=-1, keepdim=True) -> sum(dim=-1)
        amax(dim=-1, keepdim=True) -> amax(dim=-1)
        return logits - logits.logsumexp(-1)
    * not the log of the sum: The log of exp(l) / sum is l minus the log of the sum of
      exponentials. Yours adds it, or takes the sum without its log.
        return shifted - -> return shifted +
        return logits + logits.logsumexp(-1, keepdim=True)
        torch.log( -> (
        return logits - logits.exp().sum(-1, keepdim=True)
    * no log: Those are the probabilities; wanted are their logarithms.
        return torch.softmax(logits, dim=-1)
    * log of the mean: Every value is log k too large: the mean of the exponentials was
      taken, where their sum is wanted.
        .sum( -> .mean(
    * epsilon inside log: The epsilon (or clamp) removes the infinity and the number
      with it: for (0, -120) the second is -18.4 with 1e-8, and its slope is gone. Stay
      in logs.
        return torch.log(torch.softmax(logits, dim=-1) + {1e-7|1e-8|1e-12})
        return torch.log(torch.softmax(logits, dim=-1).clamp({1e-7|1e-8|1e-12}))
    * repainted infinity: The infinity was made, and then painted over. The slope behind
      the paint stays NaN. Stay in logs, so that it does not happen.
        return log(torch.softmax(logits, -1)).nan_to_num(neginf={None|0.0|-100.0|-1e4})
    * float64: float64 moves the walls, of exp from 88 to 709 and of its log from -104
      to -745, and you are asked to stand at 10,000. Take each row's maximum off and
      stay in logs; then float32 is enough.
        return torch.log(torch.softmax(logits.double(), -1)).to(logits.dtype)
        | x = logits.double()
        | return (x - x.exp().sum(-1, keepdim=True).log()).to(logits.dtype)
    * cut down to float32: The logits are turned into float32 on the way in, and a
      float64 logit of 10,000 loses its third decimal. Keep the type that comes in.
        = logits - logits -> = logits.float() - logits.float()
    ~ another base: Right up to the base of the logarithm: the course counts in nats,
      base e.
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
        "logits (0, -40)": rows((0.0, -40.0)),
        "logits (0, -120)": rows((0.0, -120.0)),
        "logits (-150, 0, 150)": rows((-150.0, 0.0, 150.0)),
        "all at -150": rows((-150.0, -151.0, -155.0)),
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
LOST_DIGITS = ("log1p alone", "log for log1p", "digits cancelled")  # none in a mean
OF_A_BATCH = families.MEANS + r"""
* log of the mean: The mean stands inside the logarithm. An expectation of logs is the
  mean of each logit's cost: on logits (-20, 20) one good sample cannot hide a bad one.
    /\((\w+)\)\.mean\(\)/ -> (\1.mean())
    /\bneg_log_sigmoid\((\w+)\)\.mean\(\)/ -> (-log(sigmoid(\1).mean()))
    /\bneg_log_one_minus_sigmoid\((\w+)\)\.mean\(\)/ -> (-log(1 - sigmoid(\1).mean()))
    /\bneg_log_sigmoid\((\w+)\)\.mean\(\)/ -> (-log(sigmoid(\1).mean())) &&
      /\bneg_log_one_minus_sigmoid\((\w+)\)\.mean\(\)/ -> (-log(1 - sigmoid(\1).mean()))
"""  # fmt: skip
UNMENDED = r"""
* one term unmended: One of the two terms is mended, the other still takes the log of a
  rounded sigmoid, or of an exp that overflows: it is infinite far out. Give both the
  same form.
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
    praise: You have rebuilt `F.binary_cross_entropy_with_logits`, and know why its name
      insists on the logits.
    hint: What does a logit cost if its target is 1, and what if it is 0? You have both
      functions.
    hint: Weigh them: `target * neg_log_sigmoid(logits) + (1 - target) * ...`.
    edge: Right, or nearly, for small logits; wrong for large ones or in half precision.
      Does exp see a number above 0, is a sigmoid rounded before its log, or is there an
      epsilon, a clamp or a cut, which hides the infinity and not the lost slope?
    right: return F.binary_cross_entropy_with_logits(logits, target)
    right: return -(target * F.logsigmoid(logits)
        + (1 - target) * F.logsigmoid(-logits)).mean()
    right: return (F.softplus(logits) - target * logits).mean()
    right: return (torch.maximum(logits, torch.zeros_like(logits)) - target * logits
        + torch.log1p(torch.exp(-logits.abs()))).mean()

    * targets turned round: Targets and costs are crossed: the target 1 pays -log s(l),
      the target 0 pays -log(1 - s(l)).
        target * cost_of_one + (1 - target) -> (1 - target) * cost_of_one + target
    * one term only: Only one of the two costs is there. The target 1 has to pay -log
      s(l) and the target 0 -log(1 - s(l)): weigh both, and add them.
        + (1 - target) * cost_of_zero ->
        target * cost_of_one + ->
        /return .+/ -> return cost_of_{one|zero}.mean()
        /return .+/ -> return (target * cost_of_one).sum() / target.sum().clamp(min=1)
    * a mean for each target: Ones and zeros are picked out and get a mean each: where
      one kind is missing that is NaN, and where it is rare its few weigh as much as the
      many. Cross-entropy is one mean over all logits, each with its target's weights.
        /return .+/ -> return (cost_of_one[target == 1].mean() +
          cost_of_zero[target == 0].mean()) / {1|2}
        /return .+/ -> return (cost_of_one[target > 0.5].mean() +
          cost_of_zero[target <= 0.5].mean()) / {1|2}
    * soft targets hardened: A target of 0.9 is treated as 1 or 0, or as a sign. Soft
      targets (label smoothing) weigh both costs: 0.9 of one, 0.1 of the other.
        (target * -> (target.{round|ceil}() * && 1 - target -> 1 - target.{round|ceil}()
        /return .+/ -> return where(target {> 0.5|== 1}, cost_of_one,
          cost_of_zero).mean()
        return F.softplus((1 - 2 * target) * logits).mean()
    * one sign lost: A sign is turned. Both terms are costs, and both are added; in
      short form that is softplus(l) - target l.
        cost_of_one + -> cost_of_one -
        (target * -> (-target *
        return (F.softplus(logits) + target * logits).mean()
        return (F.softplus(-logits) - target * logits).mean()
    * corner at 0: At logit exactly 0 the slope is off by a half: autograd gives relu
      the slope 0 there, and clamp the slope 1. `torch.maximum` shares a tie, a half to
      each side.
        return (C - target * logits + log1p(exp(-logits.abs()))).mean()
    * squared error: That is a squared error. Cross-entropy takes the logarithm of the
      probability given to what was right.
        return (({sigmoid(logits)|logits} - target) ** 2).mean()
    """.replace("(C -", "({F.relu(logits)|logits.clamp(min=0)} -"),
    names=NAMES,
    families=BOTH,
    without=LOST_DIGITS,
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

    because: Real should have been 1, fake 0, and each expectation is a batch mean of
      its own.
    praise: 2 log 2 = 1.386 when D cannot tell, finite at 10,000: training needs both.
    hint: Two expectations, two batch means: what does a real logit cost, and what a
      fake one? You have both functions.
    hint: `neg_log_sigmoid(real_logits).mean() + ...`
    edge: Right, or nearly, where D is unsure; wrong where it is sure, or in half
      precision. Does exp see a number above 0, is a sigmoid rounded before its log, or
      is there an epsilon, a clamp or a cut, which hides the infinity and not the slope?
    right: return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
    right:
        | bce = F.binary_cross_entropy_with_logits
        | of_real = bce(real_logits, torch.ones_like(real_logits))
        | return of_real + bce(fake_logits, torch.zeros_like(fake_logits))
    right: return -F.logsigmoid(real_logits).mean() - F.logsigmoid(-fake_logits).mean()
    right: return (neg_log_sigmoid(real_logits)[:, None]
        + neg_log_one_minus_sigmoid(fake_logits)).mean()

    * roles swapped: Real and generated have changed places: this D is paid for calling
      fakes real. High means real: real logits want softplus(-l), fakes softplus(l).
        (real_ -> (x_ && (fake_ -> (real_ && (x_ -> (fake_
    * one label for all: Both terms ask for the same label, so D learns to call
      everything real, or everything fake. Reals enter as log D: softplus(-l); fakes as
      log(1 - D): softplus(l).
        neg_log_one_minus_sigmoid -> neg_log_sigmoid
        neg_log_sigmoid -> neg_log_one_minus_sigmoid
    * one term only: One kind costs nothing here: D can give everything the other label
      for free. Two terms are wanted, one for reals and one for fakes.
        return of_real + of_fake -> return {of_real|of_fake}
    * one sign lost: One of the two terms has the wrong sign. Both are costs, and both
      are added.
        return of_real + of_fake -> return {of_real - of_fake|of_fake - of_real}
    * one mean over both: One mean over the mixed batch weighs real and fake by how many
      samples each happens to have. Two expectations: two means, added.
        return {1|2} * torch.cat([F.softplus(-real_logits),
          F.softplus(fake_logits)]).mean()
    * added before the mean: Something real meets something fake position by position,
      which asks for equally many: costs are added before each has its mean, or one
      batch's labels have the length of the other. Take each mean by itself, with labels
      of its own length.
        return (neg_log_sigmoid(real_logits) +
          neg_log_one_minus_sigmoid(fake_logits)).mean()
        .mean() ->
        neg_log_one_minus_sigmoid(fake_logits) ->
          F.binary_cross_entropy_with_logits(fake_logits, zeros_like(real_logits))
        neg_log_sigmoid(real_logits) ->
          F.binary_cross_entropy_with_logits(real_logits, ones_like(fake_logits))
    ~ smoothed reals: That is one-sided label smoothing: a choice, not the plain loss.
      Here real means 1.
        neg_log_sigmoid(real_logits) ->
          (F.softplus(real_logits) - {0.95|0.9|0.8|0.7} * real_logits)
    * other targets: The targets are not 1 and 0. Smoothed on both sides, they pull the
      best D towards G's own samples; outside [0, 1], they let the logits grow without
      end. Here real means 1 and fake means 0.
        of_real + of_fake -> of_real + of_fake + {0.1|0.2|-0.1} * (real_logits.mean() -
          fake_logits.mean())
        of_real + of_fake -> of_real + of_fake - {0.1|0.2} * real_logits.mean()
        of_real + of_fake -> of_real + of_fake + {0.1|0.2} * fake_logits.mean()
    * another game: That is a loss of another game: means of probabilities or of a
      critic's scores, the hinge, or least squares. Here: the cross-entropy of real
      against fake.
        return {1 -|-} sigmoid(real_logits).mean() + sigmoid(fake_logits).mean()
        return fake_logits.mean() - real_logits.mean()
        return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()
        return ((real_logits - 1) ** 2).mean() + (fake_logits ** 2).mean()
    """,
    names=NAMES,
    families=BOTH,
    without=(*LOST_DIGITS, "no mean", "no log"),  # added before the mean; another game
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
        "logit 3": logits(3.0),
        "logit -3": logits(-3.0),
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
    edge: Right, or nearly, where D is unsure; wrong where it is sure, or in half
      precision. Does exp see a number above 0, is a sigmoid rounded before its log, or
      is there an epsilon, a clamp or a cut, which hides the infinity and not the slope?
    right: return F.binary_cross_entropy_with_logits(
        fake_logits, torch.ones_like(fake_logits))
    right: return -F.logsigmoid(fake_logits).mean()
    right: return -torch.log_softmax(
        torch.stack([fake_logits, torch.zeros_like(fake_logits)], 1), 1)[:, 0].mean()

    * minimax: That is log(1 - D), the minimax loss: the same direction, with slope -D
      in place of -(1 - D), so nothing moves while G loses. Asked is -log D.
        return -F.softplus(fake_logits).mean()
    * fake label: G is paid here for being called fake: that is D's term. G wants the
      label 1: softplus(-l).
        neg_log_sigmoid -> neg_log_one_minus_sigmoid
    * one minus outside: The slopes are right and every value is 1 too large: 1 - log D
      is not -log D.
        return -> return 1 +
    * smoothed target: With the target 0.9 G is pulled *back* once D(G(z)) exceeds 0.9.
      Only D's real labels are smoothed.
        neg_log_sigmoid(fake_logits) ->
          (F.softplus(fake_logits) - {0.95|0.9|0.8|0.7} * fake_logits)
    * another game: That is a loss of another game: against a critic, which has no
      sigmoid, or least squares. Asked is -log D with D = sigmoid(l).
        return -fake_logits.mean()
        return (({fake_logits|sigmoid(fake_logits)} - 1) ** 2).mean()
    """,
    names=NAMES,
    families=forms(ONE) + OF_A_BATCH,
    without=(*LOST_DIGITS, "exp inside log", "one minus moved to the logit"),
    reference=losses.generator_loss,
    **GENERATOR,
    **LOSS,
)

entry(
    """
    minimax_generator_loss_from_logits(fake_logits)
        return -neg_log_one_minus_sigmoid(fake_logits).mean()

    because: log(1 - D(G(z))) with D = sigmoid(l) is -softplus(l), averaged.
    praise: Saturation is in the game, not in the arithmetic: at -40 the slope is 4e-18
      and no rewriting will raise it. What you fixed is the other end.
    hint: log(1 - D) is minus the cost of a logit where 0 was right.
    hint: Minus the batch mean of `neg_log_one_minus_sigmoid(fake_logits)`.
    edge: Right, or nearly, where D is unsure; wrong where it is sure, or in half
      precision. Does exp see a number above 0, is a sigmoid rounded before its log, or
      is there an epsilon, a clamp or a cut, which hides the infinity and not the slope?
    right: return -F.binary_cross_entropy_with_logits(
        fake_logits, torch.zeros_like(fake_logits))
    right: return F.logsigmoid(-fake_logits).mean()
    right: return (F.logsigmoid(fake_logits) - fake_logits).mean()

    * non-saturating: That is -log D, the non-saturating loss. The minimax game has G
      minimize log(1 - D), which is negative.
        -neg_log_one_minus_sigmoid -> neg_log_sigmoid
    * log D: That is log D(G(z)): minimizing it makes G worse. Asked is log(1 - D).
        neg_log_one_minus_sigmoid -> neg_log_sigmoid
    """,
    names=NAMES,
    families=forms(ZERO) + OF_A_BATCH,
    without=LOST_DIGITS,
    reference=losses.minimax_generator_loss_from_logits,
    **GENERATOR,
    **LOSS,
)
