"""Lesson 8: the levels where D cannot tell, what D answers on average, the clinic."""

import math

import torch
import torch.nn.functional as F

from course_utils import clinic

from .. import observers
from ..text import entry

NAMES = {"math": math, "torch": torch, "F": F}

entry(
    """
    equilibrium_losses()
        return 2 * math.log(2), math.log(2)

    because: Every term is -log(1/2) = log 2; D's loss has two, G's has one.
    praise: These are the dotted lines of every curve below.
    hint: What does one answer of 1/2 cost, as -log of a probability?
    hint: How many such costs stand in D's loss, and how many in G's?
    right: return math.log(4), -math.log(0.5)
    right: return torch.tensor(4.0).log(), torch.tensor(2.0).log()
    right: return 1.386, 0.693

    ~ rounded: Close, and off by more than 1e-3: write the logarithms, with `math.log`.
        return {1.39, 0.69|1.4, 0.7|1.38, 0.69}
    ~ D's halves averaged: That is the mean of D's two terms. In this course D's loss is
      their sum: -log D(x) and -log(1 - D(G(z))), each log 2.
        2 * ->
    * swapped: D's loss comes first: it has two terms, G's has one.
        return math.log(2), 2 * math.log(2)
    * both with two terms: G's loss has one term, -log D(G(z)), without the data.
        , math -> , 2 * math
    ~ bits: These are bits, logarithms to base 2. The losses are in nats: `math.log`.
        math.log(2) -> 1.0
    * the value, not the loss: The value V(D, G) is -log 4 there; D's loss is -V.
        2 * -> -2 *
        return -math.log(4), {-|2 *} math.log(2)
    * the minimax generator: The second is the minimax loss, log(1 - 1/2). G trains with
      the non-saturating -log D(G(z)) here.
        , math -> , {-|-2 * }math
    * the probabilities: These are D's outputs. What does an output of 1/2 *cost*?
        return {0.5|1.0}, 0.5
    * zero: A loss of 0 means that somebody was sure and right. Here nobody is sure.
        return {0.0|math.log(4)}, 0.0
        return 0.0, math.log(2)
    """,
    names=NAMES,
    lesson=8,
    observe=observers.numbers,
    probes={"D answers 1/2 everywhere": lambda: ()},
    rtol=1e-3,
    elementwise=True,
)


def logits(real, fake):
    """A probe: D's logits on data and on fakes."""
    return lambda: (torch.tensor(real), torch.tensor(fake))


entry(
    r"""
    mean_outputs(real_logits, fake_logits)
        real = torch.sigmoid(real_logits).mean()
        fake = torch.sigmoid(fake_logits).mean()
        return real, fake

    because: D(x) is the sigmoid of a logit, and a mean over a batch of each kind.
    praise: These are the two curves that the clinic below is read from.
    hint: What turns a logit into a probability, and is it before or after the mean?
    hint: Two batches, two means. Which comes first?
    edge: Right, but not where D is sure and wrong. exp(100) is infinite in float32, and
      infinity over infinity is NaN; a clamp bends large logits. Use `torch.sigmoid`.
    right: return [x.sigmoid().double().mean().item() for x in (real_logits,
      fake_logits)]
    right: return (1 / (1 + (-real_logits).exp())).mean(), (0.5 * (1 +
      torch.tanh(fake_logits / 2))).mean()

    * the logits themselves: D(x) is a probability: put each logit through the sigmoid.
        torch.sigmoid( -> (
    * sigmoid of the mean: The mean was taken before the sigmoid: one logit of 100 hides
      every other. Average the probabilities of the images.
        /torch.sigmoid\((\w+)\).mean\(\)/ -> torch.sigmoid(\1.mean())
    * share that D calls real: You counted the images that D calls real, which does not
      say how sure D is. Average the probabilities as they are.
        /torch.sigmoid\((\w+)\)/ -> (\1 {>|>=} 0).float()
    * swapped: The two change places: D(x), on data, comes first.
        return real, fake -> return fake, real
    * one mean of all: Data and fakes went into one mean: return one mean for each.
        return torch.sigmoid(torch.cat([real_logits, fake_logits])).mean()
        real, fake -> (real + fake) / 2
    * 1 - D on fakes: The second number is how sure D is that fakes are fakes. D(G(z))
      is the probability that they are *data*: no `1 -`.
        real, fake -> real, 1 - fake
    * summed: The probabilities were added up; divide by how many there are.
        .mean() -> .sum()
    * sigmoid twice: The sigmoid was applied twice: no result leaves [0.5, 0.73].
        /(torch.sigmoid\(\w+\)).mean/ -> torch.sigmoid(\1).mean
    * one for each image: These are one for each image. Take each batch's mean.
        .mean() -> {|.tolist()}
    """,
    names=NAMES,
    lesson=8,
    observe=observers.numbers,
    probes={
        "D cannot tell": logits([0.0, 0.0], [0.0, 0.0]),
        "unequal logits": logits([4.0, -1.0, 0.5], [-3.0, 2.0]),
        "D is sure": logits([8.0, 9.0, 12.0, 7.0], [-9.0, -6.0, -6.0]),
    },
    edge={"D is sure and wrong": logits([-40.0, -100.0], [100.0, 40.0, 3.0])},
    rtol=1e-6,
    atol=2e-7,  # so that no logit clamped at 15 passes
)


# ------------------------------------------------------------------ the clinic

FITS = "fits"


def watch_diagnoses(function):
    """Run by run, up to the first that is wrong; what is wrong, never what is right."""
    for letter, fault in clinic.CLINIC.items():
        said = function(letter)
        label = said.strip().lower() if isinstance(said, str) else None
        if label == fault:
            found = FITS
        elif label in clinic.LABELS:
            found = f"taken for {label!r}"
        else:
            found = f"{said!r:.40} is none of the eight labels"
        yield f"run {letter}", found
        if found != FITS:
            return


def confusions():
    """Every run taken for every other fault, and the sign that was missed."""
    for letter, fault in clinic.CLINIC.items():
        for label in clinic.LABELS:
            if label != fault:
                sign = clinic.told_apart(label, fault, here=f"in run {letter}")
                yield (
                    f"* run {letter} taken for {label}: It is not {label!r}. {sign}\n"
                    f'    "{letter}": "{fault}" -> "{letter}": "{label}"\n'
                )


TABLE = "\n".join(f'    "{a}": "{b}",' for a, b in clinic.CLINIC.items())

entry(
    f"""\
diagnose(run)
    return {{
    {TABLE}
    }}[run]

because: Each fault contradicts the healthy run, or itself, in another curve.
praise: You can read a run now that somebody else has broken.
hint: Sort by D first: in which runs does it win outright (D(x) at 1, D(G(z)) at 0), in
  which does it lose, in which does it answer 1/2?
hint: Where two curves contradict each other, the code does. Among runs that D wins: is
  G's loss high, as it must be, and is G's gradient 0? Does D's own go to 0, and what is
  its loss at round 1? Where losses lie on the dotted lines: is D at 1/2?
right: return clinic.CLINIC[run]
right: return clinic.CLINIC[run].upper() + " "

* returns nothing: Nothing was returned. Look the letter up and `return` its label.
    return -> print(run); return None and
* the letter itself: One of the eight labels of the table is wanted.
    return run
{"".join(confusions())}""",
    names={"clinic": clinic},
    lesson=8,
    observe=watch_diagnoses,
    probes={"the eight runs, A to H": lambda: ()},
)
