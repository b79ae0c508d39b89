"""Reading the curves of a training: numbers, what they look like, and likely faults.

Six curves are enough to tell eight trainings of the clinic apart. What is read from
them is the level at the end of each, put into words: "at 2 log 2", "at 0", "alive".
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from . import data, recordings

SHARE = 0.25  # of a run, at its end, over which a curve is averaged
LEVELS = {"loss_d": 2 * math.log(2), "loss_g": math.log(2)}
NEAR = 0.05  # from a level, in nats or in probability: "at" it

# The clinic: which letter is which recording. (Reading on spoils lesson 8.)
CLINIC = dict(
    zip(
        "ABCDEFGH",
        (
            "weak", "one_pass", "healthy", "overpowered", "double_sigmoid", "wide_init",
            "detach", "collapse",
        ),
        strict=True,
    )
)  # fmt: skip


class Signs(NamedTuple):
    """The level of each curve at the end of a run, the mean of its last quarter.

    loss_d, loss_g: nats. d_real, d_fake: mean D(x) and D(G(z)). norm_d, norm_g: length
    of the gradient. rise: of G's loss over the last half, nats.
    """

    loss_d: float
    loss_g: float
    d_real: float
    d_fake: float
    norm_d: float
    norm_g: float
    rise: float


def run(letter: str) -> recordings.Recording:
    """A run of the clinic.

    Args:
        letter: "A" to "H".

    Raises:
        ValueError: there is no such run.
    """
    if letter not in CLINIC:
        raise ValueError(f"the runs of the clinic are A to H, not {letter!r}")
    return recordings.load(CLINIC[letter])


def signs(curves: Mapping[str, Any]) -> Signs:
    """What the curves of a run have come to.

    Args:
        curves: "loss_d", "loss_g", "d_real", "d_fake", "norm_d", "norm_g" -> (t,), as
            a `recordings.Recording` or the columns of a run's history hold them.

    Returns:
        Means over the last quarter of the records.

    Raises:
        ValueError: a curve is missing or empty.

    >>> found = signs({name: [9.0, 9.0, 9.0, 0.5] for name in recordings.CURVES})
    >>> found.loss_d, found.d_real
    (0.5, 0.5)
    """
    missing = [name for name in recordings.CURVES if not len(curves.get(name, ()))]
    if missing:
        raise ValueError(f"curves with at least one record are wanted: no {missing}")
    ends = {name: _end(curves[name]) for name in recordings.CURVES}
    loss_g = torch.as_tensor(curves["loss_g"]).double()
    half = loss_g[len(loss_g) // 2 :]
    early = half[: max(1, len(half) // 4)].mean().item()
    return Signs(**ends, rise=ends["loss_g"] - early)


def _end(curve: Any) -> float:
    values = torch.as_tensor(curve).double()
    return values[-max(1, round(SHARE * len(values))) :].mean().item()


# --- in words -------------------------------------------------------------------------

# What a curve shows -> (name of the curve, how it is said).
CURVE = {
    "loss_d": "D's loss",
    "loss_g": "G's loss",
    "d_real": "D(x)",
    "d_fake": "D(G(z))",
    "norm_d": "D's gradient norm",
    "norm_g": "G's gradient norm",
}


def words(found: Signs) -> dict[str, str]:
    """The levels, as one would say them.

    Args:
        found: of `signs`.

    Returns:
        A curve's name -> "at 0", "at 2 log 2", ...

    >>> words(Signs(1.386, 0.693, 0.5, 0.5, 1e-4, 1e-4, 0.0))["loss_d"]
    'at 2 log 2'
    """
    return {
        "loss_d": _loss(found.loss_d, LEVELS["loss_d"], "2 log 2"),
        "loss_g": _loss(found.loss_g, LEVELS["loss_g"], "log 2"),
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
    if value < NEAR:
        return "at 0"
    if value > 1 - NEAR:
        return "at 1"
    if abs(value - 0.5) < NEAR:
        return "at 1/2"
    return "below 1/2" if value < 0.5 else "above 1/2"


# --- faults ---------------------------------------------------------------------------

# What each training of the clinic shows where it differs from others: curve -> words.
# A test holds every entry against the recordings.
SHOWS: dict[str, dict[str, str]] = {
    "healthy": {
        "loss_d": "between 0 and 2 log 2", "loss_g": "above log 2",
        "d_real": "above 1/2", "d_fake": "below 1/2",
        "norm_d": "alive", "norm_g": "alive",
    },
    "overpowered": {
        "loss_d": "at 0", "loss_g": "above log 2",
        "d_real": "at 1", "d_fake": "at 0",
        "norm_d": "nearly 0", "norm_g": "alive",
    },
    "detach": {
        "loss_d": "at 0", "loss_g": "above log 2",
        "d_real": "at 1", "d_fake": "at 0",
        "norm_d": "nearly 0", "norm_g": "0",
    },
    "collapse": {
        "loss_d": "at 2 log 2", "loss_g": "at log 2",
        "d_real": "at 1/2", "d_fake": "at 1/2",
        "norm_d": "alive", "norm_g": "alive",
    },
    "weak": {
        "loss_d": "above 2 log 2", "loss_g": "at 0",
        "d_real": "above 1/2", "d_fake": "at 1",
        "norm_d": "alive", "norm_g": "alive",
    },
    "double_sigmoid": {
        "loss_d": "at 2 log 2", "loss_g": "at log 2",
        "d_real": "at 0", "d_fake": "at 0",
        "norm_d": "nearly 0", "norm_g": "nearly 0",
    },
    "one_pass": {
        "loss_d": "at 0", "loss_g": "at 0",
        "d_real": "above 1/2", "d_fake": "at 1",
        "norm_d": "nearly 0", "norm_g": "nearly 0",
    },
    "wide_init": {
        "loss_d": "between 0 and 2 log 2", "loss_g": "above log 2",
        "d_real": "at 1", "d_fake": "at 0",
        "norm_d": "alive", "norm_g": "alive",
    },
}  # fmt: skip
LABELS = tuple(sorted(SHOWS))


def disagreements(found: Mapping[str, str], fault: str) -> list[str]:
    """The curves that do not look as they do under a fault.

    Args:
        found: of `words`.
        fault: one of `LABELS`.

    Returns:
        Names of curves, in the order in which one reads them; none where all fit.
    """
    wanted = SHOWS[fault]
    return [curve for curve in wanted if found[curve] != wanted[curve]]


def told_apart(said: str, actual: str, *, here: str) -> str:
    """The first curve that looks otherwise under two faults, in a sentence.

    Args:
        said, actual: labels; `actual` is not named.
        here: where the actual one is seen, such as "in run C".

    Returns:
        What the one would show, and what is seen here.

    Raises:
        ValueError: the two look alike in every curve.

    >>> told_apart("detach", "collapse", here="in run X")
    "Then D's loss would end at 0; in run X it ends at 2 log 2."
    """
    for curve, wanted in SHOWS[said].items():
        seen = SHOWS[actual][curve]
        if seen != wanted:
            level = curve not in ("norm_d", "norm_g")
            verb, shows = ("end", "ends") if level else ("be", "is")
            return (
                f"Then {CURVE[curve]} would {verb} {wanted}; {here} it {shows} {seen}."
            )
    raise ValueError(f"{said!r} and {actual!r} look alike")


# --- any run --------------------------------------------------------------------------

STILL = 0.02  # a pixel's change over the last half of a run, of 2 at most
ALIKE = 0.08  # a pixel's spread over the latents; 0.3 for digits


def likely(
    curves: Mapping[str, Any], samples: Tensor | None = None
) -> list[tuple[str, str]]:
    """The faults that the curves of a run, and its samples, speak of.

    The signs are those of the clinic: networks and images of another kind may show
    others, so these are hints on where to look first.

    Args:
        curves: as for `signs`.
        samples: (s, n, ...) of the same n latents at s times, if there are any.

    Returns:
        (label, sentence), the likeliest first; empty where nothing speaks of a fault.
    """
    found = signs(curves)
    seen = words(found)
    hints = [
        (fault, sentence.format(**found._asdict()))
        for fault, sentence in SENTENCES.items()
        if not disagreements(seen, fault)
    ]
    return hints + _of_samples(samples, {fault for fault, _ in hints})


SENTENCES = {
    "detach": "G's gradient is 0, and D wins outright (D(x) {d_real:.2f}, D(G(z)) "
    "{d_fake:.2f}): nothing of G's loss reaches G. Look for detach(), no_grad or "
    ".item() between D(G(z)) and the loss, and for an optimizer of other parameters.",
    "overpowered": "D wins outright (loss {loss_d:.2g}, D(x) {d_real:.2f}, D(G(z)) "
    "{d_fake:.2f}) while G's gradient lives: D learns too fast. Lower D's rate or "
    "raise G's, and compare what G makes with the range of the data.",
    "one_pass": "Both players win: D's loss is {loss_d:.2g}, G's {loss_g:.2g}. That "
    "cannot be true of one D; in a pass of its own D(G(z)) is {d_fake:.2f}. Do data "
    "and fakes pass batch normalization in one batch in D's step?",
    "double_sigmoid": "The losses stand at 2 log 2 and log 2, which an answer of 1/2 "
    "costs, but D answers {d_real:.2f} and {d_fake:.2f}: the loss sees other numbers "
    "than the curves. Is a sigmoid applied before a loss on logits?",
    "collapse": "The losses lie at 2 log 2 and log 2 and D answers 1/2 ({d_real:.2f}, "
    "{d_fake:.2f}): it cannot tell, or has stopped trying. Look at the samples: if all "
    "latents give one image, G has collapsed.",
    "weak": "D loses (loss {loss_d:.2f}, above 2 log 2; D(G(z)) {d_fake:.2f}): it "
    "takes fakes for data, and G learns nothing from it. Raise D's rate or give it "
    "more steps.",
    "wide_init": "D is far ahead (D(x) {d_real:.2f}, D(G(z)) {d_fake:.2f}) without "
    "winning outright: both gradients live, and G's loss is {loss_g:.1f}. Look at the "
    "initial weights, at beta1, and at D's learning rate.",
}


def _of_samples(samples: Tensor | None, known: set[str]) -> list[tuple[str, str]]:
    """What samples of the same latents over time say."""
    if samples is None or len(samples) < 2 or samples.shape[1] < 2:
        return []
    hints, last = [], samples[-1]
    moved = (last - samples[len(samples) // 2]).abs().mean().item()
    if moved < STILL and "detach" not in known:
        hints.append(
            (
                "detach",
                "The samples have not moved over the last half of the run: does "
                "G's optimizer hold G's parameters, and does a gradient reach them?",
            )
        )
    if last.std(dim=0).mean() < ALIKE and "collapse" not in known:
        hints.append(
            (
                "collapse",
                "All latents give nearly the same image: G has collapsed, or has not "
                "yet learned to use z, whatever the losses say.",
            )
        )
    return hints


# --- rankings -------------------------------------------------------------------------


class Panel(NamedTuple):
    """Ten small trainings in a shuffled order.

    samples: (10, n, 1, 32, 32) in [-1, 1]. names: of their settings. numbers: of each,
    the ends of its curves and its scores. places: of each, 1 for the best, by an eye
    that saw only the samples; equal where the eye could not decide.
    """

    samples: Tensor
    names: list[str]
    numbers: list[dict[str, float]]
    places: list[float]


def panel() -> Panel:
    """The trainings that were ranked by eye, with names and numbers.

    Raises:
        DataError: a file is missing or broken.
    """
    path = data.DATA_DIR / "eye_panel.npz"
    ranking = data.DATA_DIR / "eye_ranking.json"
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
    """Whether two numbers put the same things into the same order.

    The correlation of ranks; equal values share the mean of their ranks.

    Args:
        a, b: (n,) two numbers of each thing; or (draws, n).

    Returns:
        1 for the same order, -1 for the reverse, about 0 for unrelated ones; NaN where
        all values of one are equal.

    Source: Spearman 1904, doi:10.2307/1412159.

    >>> rank_correlation([1, 2, 3, 4], [10, 20, 40, 30])
    0.8
    """
    return round(_rank_correlations(_ranks(a), _ranks(b)).item(), 12)


def chance_interval(
    a: Any, b: Any, generator: torch.Generator, *, draws: int = 4000
) -> tuple[float, float]:
    """How far a rank correlation depends on which things were compared.

    Args:
        a, b: (n,) two numbers of each thing.
        generator: of the draws.
        draws: bootstrap samples: n things drawn with replacement.

    Returns:
        The 5 % and the 95 % point of the correlations of the draws.

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
