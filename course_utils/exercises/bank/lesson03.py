"""Lesson 3: the slopes of the minimax loss, and what a trained D leaves of them."""

import torch
import torch.nn.functional as F

from course_utils import losses

from .. import families, observers
from ..text import entry

NAMES = {"torch": torch, "F": F}
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

    * the flipped target: This is -log D(G(z)), the non-saturating loss: G asks for the
      answer `real`. The minimax G's only goal is D's failure: it minimizes log(1 -
      D(G(z))).
        torch.log(1 - fake_probability) -> -torch.log(fake_probability)
    * D's side of the game: That is what D minimizes on fakes, -log(1 - D). In a
      zero-sum game G minimizes its opposite: no minus sign, and the value is negative.
        return -> return -
    * targets of a fixed type: The target is float32 whatever the input is, and this
      lesson's curves are drawn in float64. `torch.zeros_like(fake_probability)` fits
      always.
        return -F.binary_cross_entropy(fake_probability,
          torch.zeros(len(fake_probability)))
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
