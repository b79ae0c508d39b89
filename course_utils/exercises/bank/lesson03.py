"""The slopes of the minimax loss, and what a trained D leaves of them."""

import math

import torch
import torch.nn.functional as F

from course_utils import losses, training

from .. import families, observers
from ..comparing import COST, as_number
from ..rounds import Stream, left_as_found, parameters_of, round_of
from ..text import entry
from ..wording import CHANGED, MOVED

NAMES = {"torch": torch, "F": F, "math": math, "losses": losses, "training": training}
ALMOST_1 = 1 - 2.0**-20  # exact in float32, and so is its distance from 1


def given(*values, shape=(-1,), dtype=torch.float32):
    """A probe: one tensor of these numbers."""
    return lambda: (torch.tensor(values, dtype=dtype).reshape(shape),)


entry(
    """
    minimax_generator_loss(fake_probability)
        return torch.log(1 - fake_probability).mean()

    because: V's second expectation, by a batch mean; the first has no G in it.
    praise: Next: how steep is it, and against what? The question of this lesson.
    hint: Which term of V(D, G) = E log D(x) + E log(1 - D(G(z))) can G move?
    hint: G minimizes that term as it stands. Estimate it by a mean over the batch.
    edge: Right, but not where D is nearly sure or nearly fooled. Is there an epsilon,
      or a clamp? The formula has none: D(G(z)) stays below 1 here, and a later lesson
      makes the log safe.
    right: return torch.log1p(-fake_probability).mean()
    right: return (1 - fake_probability).log().sum() / len(fake_probability)
    right: return -F.binary_cross_entropy(
        fake_probability, torch.zeros_like(fake_probability))

    * the flipped target
        torch.log(1 - fake_probability) -> -torch.log(fake_probability)
      This is -log D(G(z)), the non-saturating loss: G asks for the answer `real`. The
      minimax G's only goal is D's failure: it minimizes log(1 - D(G(z))).
    * D's side of the game
        return -> return -
      That is what D minimizes on fakes, -log(1 - D). In a zero-sum game G minimizes its
      opposite: no minus sign, and the value is negative.
    * no log
        return {(1 - fake_probability)|-fake_probability}.mean()
      There is no logarithm in it. The game is played in log-probabilities: log(1 - D).
    * targets of a fixed type
        return -F.binary_cross_entropy(fake_probability,
          torch.zeros(len(fake_probability)))
      The target is float32 whatever the input is, and this lesson's curves are drawn in
      float64. `torch.zeros_like(fake_probability)` fits always.
    """,
    names=NAMES,
    families=families.LOGS + families.MEANS,
    without=("sign turned",),  # D's side of the game
    lesson=3,
    reference=losses.minimax_generator_loss,
    observe=observers.value_and_slope,
    probes={
        "D undecided (1/2)": given(0.5),
        "D(G(z)) = 0.1, 0.5, 0.9": given(0.1, 0.5, 0.9),
        "the same three twice": given(0.1, 0.5, 0.9, 0.1, 0.5, 0.9),
    },
    later={
        "200 fakes": lambda: (torch.linspace(0.5, 0.9, 200),),
        "in float64": given(0.2, 0.7, dtype=torch.float64),
    },
    edge={
        "D sure of two fakes": given(1e-3, 1e-4),
        "D very sure once (5e-7)": given(5e-7, 0.5),
        "D fooled altogether once (0.999999)": given(0.5, ALMOST_1),
    },
)

# ------------------------------------------------------------------ the two slopes


def slope(function, x):
    """The slope, and whether the caller's tensor is as it was."""
    yield from observers.value(function, x)
    yield "the input's .grad", "none" if x.grad is None else "left behind"
    yield f"{COST}the input", "asks for gradients" if x.requires_grad else "as before"


entry(
    """
    slope_in_probability(probability)
        return -1 / (1 - probability)

    because: d log(u)/du = 1/u with u = 1 - D, and du/dD = -1.
    praise: At D = 0 it is -1, not 0: the log is not flat where D is sure.
    hint: What is the derivative of log u, and what does the 1 - D inside add?
    hint: Chain rule: 1 / (1 - D), times the derivative of 1 - D, which is -1.
    edge: Right, but not where D is nearly 1. Is there an epsilon, a clamp or a
      rounding? D stays below 1 here, so nothing is divided by 0: leave it out.
    right: return 1 / (probability - 1)
    right: return -((1 - probability) ** -1)
    right: return -torch.exp(-torch.log1p(-probability))
    right: | x = probability.clone().requires_grad_()
      | return torch.autograd.grad(torch.log(1 - x).sum(), x)[0]
    right: | x = probability.clone().requires_grad_()
      | torch.log(1 - x).sum().backward()
      | return x.grad

    + the input asks for gradients
        | x = probability.requires_grad_()
        | return torch.autograd.grad(torch.log(1 - x).sum(), x)[0]
      Right. One remark: requires_grad_() changes the caller's tensor, which asks for
      gradients from then on. `.clone().requires_grad_()` leaves it as it was.
    * a gradient left in the input
        | torch.log(1 - probability.requires_grad_()).sum().backward()
        | return probability.grad
      Right once. backward() leaves its result in the input's own `.grad`, and a second
      call on the same tensor would add to it. Work on `.clone().requires_grad_()`, or
      let torch.autograd.grad return the slope.
    * sign
        -1 -> 1
      The size is right, the sign is not: where D rises, 1 - D falls, so the inner
      derivative is -1.
    * the value
        -1 / (1 - probability) -> torch.log(1 - probability)
      This is the loss itself, its height. Its slope is asked for: d/dD log(1 - D).
    * the value with a minus
        -1 / (1 - probability) -> -torch.log(1 - probability)
      This is the value (with a minus), not the slope. Wanted is d/dD log(1 - D).
    * slope of log D
        -1 / (1 - probability) -> {1|-1} / probability
      1/D is the slope of log D. Here the log is of 1 - D.
    * not turned over
        -1 / (1 - probability) -> {|-}(1 - probability)
      The derivative of log u is 1/u: the 1 - D belongs below the line.
    * slope in the logit
        -1 / (1 - probability) -> -probability
      -D is the slope in the *logit*, which is the next exercise. Here D itself is the
      variable, and no sigmoid takes part.
    * a sigmoid's slope too many
        -1 / (1 - probability) -> {|-}probability * (1 - probability)
      D (1 - D) is the sigmoid's slope. Here D itself is the variable: only the log and
      the 1 - D take part.
    * a second sigmoid
        -1 / (1 - probability) -> -1 / (1 - torch.sigmoid(probability))
        -1 / (1 - probability) -> -torch.sigmoid(probability)
      The input is a probability already; it goes through one more sigmoid.
    * flat at zero
        -1 / (1 - probability) -> torch.zeros_like(probability)
        return torch.where(probability > 0, -1 / (1 - probability), 0.0)
      This says that the loss is flat at D = 0. Put D = 0 into the formula: the log of
      1 - D falls as fast as D rises.
    * only at zero
        -1 / (1 - probability) -> -torch.ones_like(probability)
      -1 is the slope at D = 0 alone. It grows steeper as D grows.
    * slope of the mean
        | x = probability.clone().requires_grad_()
        | return torch.autograd.grad(torch.log(1 - x).mean(), x)[0]

        | torch.log(1 - probability.requires_grad_()).mean().backward()
        | return probability.grad
      This is the slope of the batch mean: each number is divided by how many there are.
      Wanted is the slope at each D by itself.
    * brackets
        (1 - probability) -> 1 - probability
      A division binds tighter than a minus: `-1 / 1 - x` is `-1 - x`. Put brackets
      around all that stands below the line.
    * second derivative
        -1 / (1 - probability) -> {|-}1 / (1 - probability) ** 2
      The square belongs to the next derivative, the curvature.
    """,
    names=NAMES,
    lesson=3,
    observe=slope,
    elementwise=True,
    probes={
        "D = 0": given(0.0),
        "D = 1/2": given(0.5),
        "D = 0.001, 0.5, 0.9": given(0.001, 0.5, 0.9),
        "a table of D": given(0.7, 0.1, 0.3, 0.8, shape=(2, 2)),
    },
    edge={"almost 1 (0.999999)": given(ALMOST_1, 0.99)},
)


def slope_unless_fooled(function, logit):
    """Above logit 16 only whether the result is finite: a remark, no failure."""
    if logit.max() <= 16:
        yield from slope(function, logit)
    else:
        finite = bool(torch.as_tensor(function(logit)).isfinite().all())
        yield f"{COST}at logit 20", "finite" if finite else "NaN"


entry(
    """
    slope_in_logit(logit)
        return -torch.sigmoid(logit)

    because: -1/(1 - D) times D (1 - D) is -D, and D = sigmoid(logit).
    praise: -D: the surer D is of a fake, the smaller the gradient that G gets.
    hint: In the table above, compare the last column with the first. The logit moves D,
      D moves the loss: what do two slopes in a row make?
    hint: The sigmoid's slope is D (1 - D). Multiply it by -1 / (1 - D) and cancel.
    edge: Right, but not where D is very sure, or fooled: at logits of -20 and below the
      slope is tiny and not 0, at 10 and above it is all but -1. Are digits lost in a
      difference from 1, or does an epsilon or a clamp decide? Cancel 1 - D on paper, and
      write what is left directly.
    right: return -1 / (1 + torch.exp(-logit))
    right: return -torch.exp(logit) / (1 + torch.exp(logit))
    right: return -torch.exp(F.logsigmoid(logit))
    right: return -torch.softmax(torch.stack([logit, torch.zeros_like(logit)]), 0)[0]
    right: | x = logit.clone().requires_grad_()
      | return torch.autograd.grad(-F.softplus(x).sum(), x)[0]

    + chain rule, NaN when fooled
        | D = torch.sigmoid(logit)
        | return -1 / (1 - D) * (D * (1 - D))

        | x = logit.clone().requires_grad_()
        | return torch.autograd.grad(torch.log(1 - torch.sigmoid(x)).sum(), x)[0]
      Right. One remark: multiplied out in the machine it is NaN from logit 17 on, where
      1 - D rounds to 0 in float32 and infinity meets zero. Cancel 1 - D on paper first,
      and what is left is -D.
    + the input asks for gradients
        | x = logit.requires_grad_()
        | return torch.autograd.grad({-F.softplus(x)|F.logsigmoid(-x)}.sum(), x)[0]

        | x = logit.requires_grad_()
        | return torch.autograd.grad(torch.log(1 - torch.sigmoid(x)).sum(), x)[0]
      Right. One remark: requires_grad_() changes the caller's tensor, which asks for
      gradients from then on. `.clone().requires_grad_()` leaves it as it was.
    * a gradient left in the input
        | x = logit.requires_grad_()
        | {(-F.softplus(x))|torch.log(1 - torch.sigmoid(x))}.sum().backward()
        | return x.grad
      Right once. backward() leaves its result in the input's own `.grad`, and a second
      call on the same tensor would add to it. Work on `.clone().requires_grad_()`, or
      let torch.autograd.grad return the slope.
    * stopped at the probability
        -torch.sigmoid(logit) -> -1 / (1 - torch.sigmoid(logit))
      This is the slope in D. The logit moves D through the sigmoid: multiply by the
      sigmoid's own slope, D (1 - D).
    * the logit taken for D
        -torch.sigmoid(logit) -> {-1 / (1 - logit)|-logit}
      The input is a logit, and here it is used as if it were D. D = sigmoid(logit)
      comes first.
    * the sigmoid's slope alone
        -torch.sigmoid -> {|-}torch.sigmoid(logit) * torch.sigmoid(-logit) #
      D (1 - D) is one factor of the chain rule. The other is the slope of the log,
      -1 / (1 - D).
    * the factors added
        | D = torch.sigmoid(logit)
        | return -1 / (1 - D) + D * (1 - D)
      The two slopes are added. In a chain, one thing moves the next: the slopes
      multiply.
    * half of the sigmoid's slope
        -torch.sigmoid(logit) -> {-torch.exp(logit)|-torch.ones_like(logit)}
      The sigmoid's slope is D (1 - D), both factors. With one of them missing, 1 - D
      either stays below the line or cancels without D.
    * sign
        -torch -> torch
      The size is right, the sign is not: a higher logit lowers log(1 - D).
    * the flipped target
        -torch.sigmoid(logit) -> {-|}torch.sigmoid(-logit)
      1 - D (up to sign) is the slope of log D, the other loss of G. For log(1 - D) it
      is the other share of the 1: D.
    * the value
        -torch.sigmoid(logit) -> {-F.softplus(logit)|torch.log(torch.sigmoid(-logit))}
      This is the loss itself, its height. Its slope in the logit is asked for.
    * slope of the mean
        return -torch.sigmoid(logit) / logit.numel()

        | x = logit.clone().requires_grad_()
        | return torch.autograd.grad(torch.log(1 - torch.sigmoid(x)).mean(), x)[0]

        | torch.log(1 - torch.sigmoid(logit.requires_grad_())).mean().backward()
        | return logit.grad
      This is the slope of the batch mean: each number is divided by how many there are.
      Wanted is the slope at each logit by itself.
    * averaged
        return -torch.sigmoid(logit).mean()
      One slope for each logit is wanted, in the logits' shape: no mean.
    """,
    names=NAMES,
    lesson=3,
    observe=slope_unless_fooled,
    elementwise=True,
    atol=0.0,
    probes={
        "undecided (logit 0)": given(0.0),
        "sure of a fake (-5)": given(-5.0),
        "logits -3, 0, 4": given(-3.0, 0.0, 4.0),
        "a table of logits": given(1.0, -2.0, -1.0, 2.0, shape=(2, 2)),
    },
    later={"very much fooled (20)": given(20.0)},
    edge={
        "very sure (-20)": given(-20.0),
        "logits -80, -40, 10": given(-80.0, -40.0, 10.0),
        "fooled (15)": given(15.0),
    },
)
