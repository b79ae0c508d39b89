"""Reading the curves of a training: numbers, what they look like, and likely faults.

Six curves are enough to tell eight recorded trainings, the clinic, apart. What is read
from them is the level at the end of each, in words: "at 2 log 2", "at 0", "alive".
"""

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from . import data, recordings

SHARE = 0.25  # of a run, at its end, over which a curve is averaged
NEAR = 0.05  # "at" a level: so near, in nats or in probability

# Which letter of the clinic is which recording. (Reading on spoils lesson 8.)
CLINIC = {
    "A": "weak", "B": "one_pass", "C": "healthy", "D": "overpowered",
    "E": "double_sigmoid", "F": "wide_init", "G": "detach", "H": "collapse",
}  # fmt: skip
# How a curve is called in a sentence.
CURVE = {
    "loss_d": "D's loss", "loss_g": "G's loss", "d_real": "D(x)", "d_fake": "D(G(z))",
    "norm_d": "D's gradient norm", "norm_g": "G's gradient norm",
}  # fmt: skip


def run(letter: str) -> recordings.Recording:
    """A run of the clinic, "A" to "H"; ValueError if there is no such run."""
    if letter not in CLINIC:
        raise ValueError(f"the runs of the clinic are A to H, not {letter!r}")
    return recordings.load(CLINIC[letter])


class Signs(NamedTuple):
    """The level of each curve at the end of a run, the mean of its last quarter."""

    loss_d: float  # nats
    loss_g: float
    d_real: float  # mean D(x)
    d_fake: float  # mean D(G(z))
    norm_d: float  # length of D's gradient
    norm_g: float


def signs(curves: Mapping[str, Any]) -> Signs:
    """The level of each curve at the end of a run.

    Args: curves, the names of `CURVE` -> (t,), as a `recordings.Recording` has them.
    Raises: ValueError: a curve is missing or empty.

    >>> found = signs({name: [9.0, 9.0, 9.0, 0.5] for name in CURVE})
    >>> found.loss_d, found.d_real
    (0.5, 0.5)
    """
    missing = [name for name in CURVE if not len(curves.get(name, ()))]
    if missing:
        raise ValueError(f"curves with at least one record are wanted: no {missing}")
    ends = {}
    for name in CURVE:
        values = torch.as_tensor(curves[name]).double()
        ends[name] = values[-max(1, round(SHARE * len(values))) :].mean().item()
    return Signs(**ends)


def words(found: Signs) -> dict[str, str]:
    """A curve's name -> its level in words.

    >>> words(Signs(1.386, 0.693, 0.5, 0.5, 1e-4, 1e-4))["loss_d"]
    'at 2 log 2'
    """
    return {
        "loss_d": _loss(found.loss_d, 2 * math.log(2), "2 log 2"),
        "loss_g": _loss(found.loss_g, math.log(2), "log 2"),
        "d_real": _probability(found.d_real),
        "d_fake": _probability(found.d_fake),
        "norm_d": _norm(found.norm_d),
        "norm_g": _norm(found.norm_g),
    }


def _loss(value: float, level: float, name: str) -> str:
    if value < NEAR:
        return "at 0"
    if abs(value - level) < NEAR:
        return f"at {name}"
    return f"between 0 and {name}" if value < level else f"above {name}"


def _norm(value: float) -> str:
    if value < 1e-7:
        return "0"
    return "nearly 0" if value < 1e-3 else "alive"


def _probability(value: float) -> str:
    for level, name in ((0, "at 0"), (0.5, "at 1/2"), (1, "at 1")):
        if abs(value - level) < NEAR:
            return name
    return "below 1/2" if value < 0.5 else "above 1/2"


# --- Faults ---------------------------------------------------------------------------

# What each training of the clinic shows; a test compares it with the recordings.
# label: D's loss, G's loss, D(x), D(G(z)), norm of D's gradient, norm of G's
_TABLE = """
healthy: between 0 and 2 log 2, above log 2, above 1/2, below 1/2, alive, alive
overpowered: at 0, above log 2, at 1, at 0, nearly 0, alive
detach: at 0, above log 2, at 1, at 0, nearly 0, 0
collapse: at 2 log 2, at log 2, at 1/2, at 1/2, alive, alive
weak: above 2 log 2, at 0, above 1/2, at 1, alive, alive
double_sigmoid: at 2 log 2, at log 2, at 0, at 0, nearly 0, nearly 0
one_pass: at 0, at 0, above 1/2, at 1, nearly 0, nearly 0
wide_init: between 0 and 2 log 2, above log 2, at 1, at 0, alive, alive
"""
SHOWS = {
    label: dict(zip(CURVE, row.split(", "), strict=True))
    for label, row in (line.split(": ") for line in _TABLE.strip().split("\n"))
}
LABELS = tuple(sorted(SHOWS))

SENTENCES = {
    "detach": "G's gradient is 0, and D wins outright (D(x) {d_real:.2f}, D(G(z)) "
    "{d_fake:.2f}): nothing of G's loss reaches G. Look for detach(), no_grad or "
    ".item() between D(G(z)) and the loss, and for an optimizer of other parameters.",
    "overpowered": "D wins outright (loss {loss_d:.2g}, D(x) {d_real:.2f}, D(G(z)) "
    "{d_fake:.2f}) although G has a gradient: D learns too fast. Lower D's rate or "
    "raise G's, and compare what G makes with the range of the data.",
    "one_pass": "Both players win (losses {loss_d:.2g} and {loss_g:.2g}), which cannot "
    "be true of one D. Do data and fakes pass batch normalization in one batch?",
    "double_sigmoid": "The losses stand at 2 log 2 and log 2, which an answer of 1/2 "
    "costs, but D answers {d_real:.2f} and {d_fake:.2f}. Is a sigmoid applied before a "
    "loss on logits?",
    "collapse": "The losses lie at 2 log 2 and log 2, and D answers 1/2 ({d_real:.2f}, "
    "{d_fake:.2f}): it cannot tell, or has stopped learning. If all latents give one "
    "image, G has collapsed.",
    "weak": "D loses (loss {loss_d:.2f}, above 2 log 2; D(G(z)) {d_fake:.2f}): it "
    "takes fakes for data. Raise D's rate or give it more steps.",
    "wide_init": "D is far ahead (D(x) {d_real:.2f}, D(G(z)) {d_fake:.2f}) without "
    "winning outright, and G's loss is {loss_g:.1f}. Look at the initial weights, at "
    "beta1, and at D's learning rate.",
}


def disagreements(found: Mapping[str, str], fault: str) -> list[str]:
    """The curves of `words` that look otherwise than under one of `LABELS`."""
    return [curve for curve, said in SHOWS[fault].items() if found[curve] != said]


def likely(curves: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The faults that the curves of a run (as for `signs`) speak of, with a sentence.

    The signs are those of the clinic: networks and images of another kind may show
    others, so these are hints on where to look first.
    """
    found = signs(curves)
    seen = words(found)
    return [
        (fault, sentence.format(**found._asdict()))
        for fault, sentence in SENTENCES.items()
        if not disagreements(seen, fault)
    ]


def told_apart(said: str, actual: str, *, here: str) -> str:
    """The first curve that looks otherwise under two labels, in a sentence.

    `actual` is not named; `here` says where it is seen. ValueError if all look alike.
    >>> told_apart("detach", "collapse", here="in run X")
    "Then D's loss would end at 0; in run X it ends at 2 log 2."
    """
    for curve in disagreements(SHOWS[actual], said):
        would, does = ("be", "is") if curve.startswith("norm") else ("end", "ends")
        wanted, seen = SHOWS[said][curve], SHOWS[actual][curve]
        return f"Then {CURVE[curve]} would {would} {wanted}; {here} it {does} {seen}."
    raise ValueError(f"{said!r} and {actual!r} look alike")


# --- Rankings -------------------------------------------------------------------------


class Panel(NamedTuple):
    """Ten small trainings in a shuffled order."""

    samples: Tensor  # (10, n, 1, 32, 32) in [-1, 1]
    names: list[str]  # of their settings
    numbers: list[dict[str, float]]  # of each, the ends of its curves and its scores
    places: list[float]  # 1 for the best, ranked by eye from the samples alone


def panel() -> Panel:
    """The trainings that were ranked by eye; DataError if a file is not whole."""
    path, ranking = (data.DATA_DIR / f"eye_{x}" for x in ("panel.npz", "ranking.json"))
    try:
        with np.load(path, allow_pickle=False) as file:
            samples = torch.from_numpy(file["samples"]).float() / 127.5 - 1
            names = [str(name) for name in file["names"]]
            numbers = json.loads(str(file["numbers"]))
        places = json.loads(ranking.read_text(encoding="utf-8"))["places"]
    except (OSError, ValueError, KeyError) as error:
        raise data.DataError(
            f"{path} or {ranking} is broken. Restore them: git checkout data"
        ) from error
    return Panel(samples, names, numbers, places)


def rank_correlation(a: Any, b: Any) -> float:
    """Whether two numbers of each thing, a and b (n,), put them into the same order.

    The correlation of ranks; equal values share the mean of their ranks.

    Returns: 1 for the same order, -1 for the reverse, about 0 for unrelated ones; NaN
        where all values of one are equal.
    Source: Spearman 1904, doi:10.2307/1412159.

    >>> rank_correlation([1, 2, 3, 4], [10, 20, 40, 30])
    0.8
    """
    return round(_rank_correlations(_ranks(a), _ranks(b)).item(), 12)


def chance_interval(
    a: Any, b: Any, generator: torch.Generator, *, draws: int = 4000
) -> tuple[float, float]:
    """How far a rank correlation depends on which things were compared.

    Args: a, b (n,) two numbers of each thing; draws, how many bootstrap samples.
    Returns: The 5 % and the 95 % point of the correlations of the draws.
    Source: Efron 1979, doi:10.1214/aos/1176344552.
    """
    a, b = (torch.as_tensor(x).double() for x in (a, b))
    picks = torch.randint(len(a), (draws, len(a)), generator=generator)
    found = _rank_correlations(_ranks(a[picks]), _ranks(b[picks]))
    found = found[found.isfinite()]
    low, high = torch.quantile(found, torch.tensor([0.05, 0.95]).double())
    return low.item(), high.item()


def _ranks(x: Any) -> Tensor:
    """(..., n) ranks from 0; equal values share the mean of theirs."""
    x = torch.as_tensor(x).double()
    above = x[..., :, None] > x[..., None, :]
    equal = x[..., :, None] == x[..., None, :]
    return (above.sum(-1) + (equal.sum(-1) - 1) / 2).double()


def _rank_correlations(a: Tensor, b: Tensor) -> Tensor:
    a, b = (x - x.mean(-1, keepdim=True) for x in (a, b))
    return (a * b).sum(-1) / (a.square().sum(-1) * b.square().sum(-1)).sqrt()
