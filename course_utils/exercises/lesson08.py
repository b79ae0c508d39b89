"""Lesson 8: what D answers on average, where it cannot tell, and classes counted."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils import evaluation

from . import observers
from .engine import Exercise, Mistake, register

LOG2 = math.log(2)
sigmoid = torch.sigmoid

# ------------------------------------------------------------------ observing numbers


def numbers(function: Any, *arguments: Any) -> observers.Seen:
    """As `observers.value`, with 0-dimensional tensors as the floats they hold.

    First whether the result is NaN, which a mistake can be known by.
    """
    seen = dict(observers.value(function, *arguments))
    result = seen["value"] = _plain(seen["value"])
    yield "NaN", isinstance(result, float) and math.isnan(result)
    yield from seen.items()


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(map(_plain, value))
    if isinstance(value, (Tensor, np.generic)) and not value.ndim:
        return value.item()
    return value


# ------------------------------------------------------------------ what D answers


def mean_outputs(real_logits: Tensor, fake_logits: Tensor) -> tuple[float, float]:
    """Mean D(x) and mean D(G(z)), as `trainer.Record` keeps them."""
    return sigmoid(real_logits).mean().item(), sigmoid(fake_logits).mean().item()


def _logits(real: list[float], fake: list[float]) -> Callable[[], tuple]:
    return lambda: (torch.tensor(real), torch.tensor(fake))


def _pair(answer: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Any]:
    return lambda r, f: (answer(r), answer(f))


def _median(x: Tensor) -> Tensor:
    return sigmoid(x).median()


register(
    Exercise(
        name="mean_outputs",
        lesson=8,
        reference=mean_outputs,
        observe=numbers,
        probes={
            "D cannot tell": _logits([0.0, 0.0], [0.0, 0.0]),
            "unequal logits": _logits([4.0, -1.0, 0.5], [-3.0, 2.0]),
            "D is sure": _logits([8.0, 9.0, 12.0, 7.0], [-9.0, -6.0, -11.0]),
            "D is sure and wrong": _logits([-40.0, -100.0], [100.0, 40.0, 3.0]),
        },
        accepts=[
            _pair(lambda x: sigmoid(x).mean()),
            lambda r, f: [x.sigmoid().double().mean().item() for x in (r, f)],
            _pair(lambda x: (1 / (1 + torch.exp(-x))).mean()),
            _pair(lambda x: (0.5 * (1 + torch.tanh(x / 2))).mean()),
            lambda r, f: (r.sigmoid().sum() / len(r), f.sigmoid().sum() / f.numel()),
            _pair(lambda x: float(sigmoid(x).numpy().mean())),
        ],
        mistakes=[
            Mistake(
                "the logits themselves",
                _pair(torch.mean),
                "These are mean logits. They have no bounds; D(x) is a probability. "
                "Put each logit through the sigmoid.",
            ),
            Mistake(
                "sigmoid of the mean",
                _pair(lambda x: sigmoid(x.mean())),
                "The mean was taken before the sigmoid. One logit of 100 then hides "
                "every other; take the probability of each image, and average those.",
            ),
            Mistake(
                "share that D calls real",
                (
                    _pair(lambda x: (x > 0).float().mean()),
                    _pair(lambda x: (x >= 0).float().mean()),
                    _pair(lambda x: (sigmoid(x) > 0.5).float().mean()),
                    _pair(lambda x: sigmoid(x).round().mean()),
                ),
                "You counted the images that D calls real: an accuracy, which does not "
                "say how sure D is. Average the probabilities as they are.",
            ),
            Mistake(
                "exp overflows",
                _pair(lambda x: (torch.exp(x) / (1 + torch.exp(x))).mean()),
                "Right, but exp(100) is infinite in float32, and infinity over "
                "infinity is NaN. `torch.sigmoid` takes care of large logits.",
            ),
            Mistake(
                "swapped",
                lambda r, f: (sigmoid(f).mean(), sigmoid(r).mean()),
                "The two change places: D(x), on data, comes first.",
            ),
            Mistake(
                "one mean of all",
                (
                    lambda r, f: sigmoid(torch.cat([r, f])).mean(),
                    lambda r, f: (sigmoid(torch.cat([r, f])).mean(),) * 2,
                    lambda r, f: (sigmoid(r).mean() + sigmoid(f).mean()) / 2,
                ),
                "Data and fakes went into one mean. How far the two are apart is what "
                "you want to read: return one mean for each.",
            ),
            Mistake(
                "1 - D on fakes",
                (
                    lambda r, f: (sigmoid(r).mean(), 1 - sigmoid(f).mean()),
                    lambda r, f: (sigmoid(r).mean(), sigmoid(-f).mean()),
                ),
                "The second number is how sure D is that fakes are fakes. D(G(z)) is "
                "the probability that they are *data*: leave out the `1 -`.",
            ),
            Mistake(
                "summed",
                _pair(lambda x: sigmoid(x).sum()),
                "The probabilities were added up; divide by how many there are.",
            ),
            Mistake(
                "sigmoid twice",
                _pair(lambda x: sigmoid(sigmoid(x)).mean()),
                "The sigmoid was applied twice: the result cannot leave [0.5, 0.73]. "
                "One of the runs in this lesson suffers from the same.",
            ),
            Mistake(
                "medians",
                _pair(_median),
                "This is the median, which no single image moves. Take the mean.",
            ),
            Mistake(
                "log-probabilities",
                (
                    _pair(lambda x: torch.nn.functional.logsigmoid(x).mean()),
                    _pair(lambda x: -torch.nn.functional.logsigmoid(x).mean()),
                    _pair(lambda x: torch.sigmoid(x).log().mean().exp()),
                ),
                "A logarithm came in, as in a loss. Average the probabilities.",
            ),
            Mistake(
                "one for each image",
                (
                    _pair(sigmoid),
                    lambda r, f: (sigmoid(r).tolist(), sigmoid(f).tolist()),
                ),
                "These are probabilities image by image. A curve needs one number for "
                "each batch: the mean.",
            ),
        ],
        hints=[
            "What turns a logit into a probability, and at which image by image step?",
            "Two batches, two means. Which comes first?",
        ],
        answer="real, fake = torch.sigmoid(real_logits), torch.sigmoid(fake_logits)\n"
        "return real.mean(), fake.mean()",
        because="D(x) is the sigmoid of a logit, and a mean over a batch of each kind.",
        praise="These are the two curves that the clinic below is read from.",
        rtol=1e-5,
        atol=1e-6,
    )
)

# ------------------------------------------------------------------ levels

register(
    Exercise(
        name="equilibrium_losses",
        lesson=8,
        reference=lambda: (2 * LOG2, LOG2),
        observe=numbers,
        probes={"D answers 1/2 everywhere": lambda: ()},
        accepts=[
            lambda: (math.log(4), -math.log(0.5)),
            lambda: (torch.tensor(4.0).log(), torch.tensor(2.0).log()),
            lambda: (1.386, 0.693),
            lambda: (1.3863, 0.6931),
            lambda: [2 * math.log1p(1), math.log1p(1)],
        ],
        mistakes=[
            Mistake(
                "rounded",
                (
                    lambda: (1.39, 0.69),
                    lambda: (1.4, 0.7),
                    lambda: (1.38, 0.69),
                ),
                "Close, and rounded: write the logarithms themselves, with `math.log`.",
                kind="convention",
            ),
            Mistake(
                "D's halves averaged",
                lambda: (LOG2, LOG2),
                "D's loss here would be the mean of its two terms. In this course it "
                "is their sum: -log D(x) and -log(1 - D(G(z))), each log 2.",
                kind="convention",
            ),
            Mistake(
                "swapped",
                lambda: (LOG2, 2 * LOG2),
                "D's loss comes first: it has two terms, G's has one.",
            ),
            Mistake(
                "both with two terms",
                lambda: (2 * LOG2, 2 * LOG2),
                "G's loss has one term, -log D(G(z)): the data do not occur in it.",
            ),
            Mistake(
                "bits",
                lambda: (2.0, 1.0),
                "These are bits, logarithms to base 2. The losses are in nats: "
                "`math.log`.",
                kind="convention",
            ),
            Mistake(
                "the value, not the loss",
                (
                    lambda: (-2 * LOG2, -LOG2),
                    lambda: (-2 * LOG2, LOG2),
                    lambda: (-2 * LOG2, 2 * LOG2),
                ),
                "The value V(D, G) is -log 4 there; D *maximizes* it, and its loss is "
                "-V. A loss made of -log of a probability is not negative.",
            ),
            Mistake(
                "the minimax generator",
                (lambda: (2 * LOG2, -LOG2), lambda: (2 * LOG2, -2 * LOG2)),
                "The second is the minimax loss, log(1 - 1/2). G trains with the "
                "non-saturating -log D(G(z)) here.",
            ),
            Mistake(
                "the probabilities",
                (lambda: (0.5, 0.5), lambda: (1.0, 0.5)),
                "These are what D answers. What does an answer of 1/2 *cost*?",
            ),
            Mistake(
                "zero",
                (lambda: (0.0, 0.0), lambda: (0.0, LOG2), lambda: (2 * LOG2, 0.0)),
                "A loss of 0 means that somebody was sure and right. Here nobody is "
                "sure: each answer of 1/2 costs -log(1/2).",
            ),
        ],
        hints=[
            "What does one answer of 1/2 cost, as -log of a probability?",
            "How many such costs stand in D's loss, and how many in G's?",
        ],
        answer="return 2 * math.log(2), math.log(2)",
        because="every term is -log(1/2) = log 2; D's loss has two, G's has one.",
        praise="The dotted lines of every curve below.",
        rtol=1e-3,
        elementwise=True,
        same=1e-2,
    )
)

# ------------------------------------------------------------------ classes, counted


def _labels(labels: list[int], n_classes: int) -> Callable[[], tuple]:
    return lambda: (torch.tensor(labels, dtype=torch.int64), n_classes)


def _share(labels: Tensor, n_classes: int) -> Tensor:
    return torch.bincount(labels, minlength=n_classes) / len(labels)


def _of_two_percent(labels: Tensor, n_classes: int) -> float:
    if not len(labels):
        return 0.0
    return (_share(labels, n_classes) > 0.02).float().mean().item()


def _many(n: int, n_classes: int) -> Callable[[], tuple]:
    """All classes but the last, class 0 very often and class 1 once."""

    def make() -> tuple:
        rest = torch.arange(n - 1) % (n_classes - 1)
        rest[rest == 1] = 0
        return torch.cat([rest, torch.tensor([1])]), n_classes

    return make


def _unless_empty(answer: Callable[[Tensor, int], Any]) -> Callable[..., Any]:
    """The same, and 0 for no labels: the faces that think of that."""
    return lambda labels, k: answer(labels, k) if len(labels) else 0.0


def _n_seen(labels: Tensor) -> int:
    return len(labels.unique())


_COVERAGE_MISTAKES = [
    Mistake(
        "a count",
        (
            lambda labels, k: _n_seen(labels),
            lambda labels, k: float(_n_seen(labels)),
        ),
        "This is how many classes were seen. A fraction is wanted: of how many?",
        kind="convention",
    ),
    Mistake(
        "of the samples",
        (
            _unless_empty(lambda labels, k: _n_seen(labels) / len(labels)),
            lambda labels, k: _n_seen(labels) / max(1, len(labels)),
            lambda labels, k: _n_seen(labels) / len(labels),
        ),
        "You divided by the number of samples: more samples would lower the "
        "score. Divide by the number of classes.",
    ),
    Mistake(
        "highest label for the number",
        (
            _unless_empty(lambda labels, k: _n_seen(labels) / (1 + labels.max())),
            _unless_empty(
                lambda labels, k: (torch.bincount(labels) > 0).float().mean()
            ),
            lambda labels, k: (torch.bincount(labels) > 0).float().mean(),
            lambda labels, k: _n_seen(labels) / (1 + labels.max()),
        ),
        "The highest label that occurs was taken for the last class. If the last "
        "classes are missing, which is what you look for, they are not counted: "
        "use `n_classes`.",
    ),
    Mistake(
        "empty breaks it",
        (
            lambda labels, k: _n_seen(labels) / k if len(labels) else None,
            lambda labels, k: labels.unique().numel() / k / (len(labels) > 0),
        ),
        "Right, but for no labels at all. None seen is a coverage of 0.",
    ),
    Mistake(
        "rare classes left out",
        (
            _of_two_percent,
            _unless_empty(lambda labels, k: (_share(labels, k) > 0.01).float().mean()),
            _unless_empty(
                lambda labels, k: (
                    (torch.bincount(labels, minlength=k) > 1).float().mean()
                )
            ),
        ),
        "A class that occurs once or rarely was not counted. Seen is seen; how "
        "often is the next exercise's question.",
    ),
    Mistake(
        "missing classes",
        (
            lambda labels, k: 1 - _n_seen(labels) / k,
            lambda labels, k: (k - _n_seen(labels)) / k,
        ),
        "This is the share of classes that are *missing*.",
    ),
    Mistake(
        "share of the commonest",
        _unless_empty(lambda labels, k: _share(labels, k).max().item()),
        "This is how much of the samples the commonest class takes. Count the "
        "classes that occur.",
    ),
    Mistake(
        "every label counted",
        (
            lambda labels, k: len(set(labels)) / k,
            lambda labels, k: len(labels) / k,
        ),
        "Equal labels were counted more than once. (`set` takes every 0-dimensional "
        "tensor for another thing.) Use `labels.unique()`, or `labels.tolist()` first.",
    ),
    Mistake(
        "rounded down",
        (
            lambda labels, k: _n_seen(labels) // k,
            lambda labels, k: float(_n_seen(labels) // k),
        ),
        "`//` rounds down to a whole number: divide with `/`.",
    ),
]


register(
    Exercise(
        name="mode_coverage",
        lesson=8,
        reference=evaluation.mode_coverage,
        observe=numbers,
        probes={
            "two of four classes": _labels([2, 0, 2], 4),
            "one class": _labels([3, 3, 3, 3, 3], 10),
            "all classes": _labels([0, 1, 2, 3, 4, 4], 5),
            "last classes missing": _labels([0, 1, 1, 2, 0, 2, 1], 10),
            "a rare class": _many(600, 10),
            "no samples": _labels([], 10),
        },
        accepts=[
            lambda labels, n: len(labels.unique()) / n,
            lambda labels, n: len(set(labels.tolist())) / n,
            lambda labels, n: (torch.bincount(labels, minlength=n) > 0).double().mean(),
            lambda labels, n: sum((labels == c).any().item() for c in range(n)) / n,
            lambda labels, n: torch.unique(labels).numel() / float(n),
        ],
        mistakes=_COVERAGE_MISTAKES,
        hints=[
            "Which classes occur at all? `labels.unique()` lists them.",
            "A fraction of what: of the samples, or of the classes there are?",
        ],
        answer="return len(labels.unique()) / n_classes",
        because="it is the number of different labels over the number of classes.",
        praise="A collapse shows here at once; a lean toward few classes does not.",
        rtol=1e-6,
    )
)


def _kl(
    labels: Tensor,
    n_classes: int,
    *,
    add: float = 0.0,
    floor: float = 0.0,
    log: Callable[[Tensor], Tensor] = torch.log,
    known: int | None = None,
) -> float:
    """KL(shares || uniform) with one thing changed."""
    counts = torch.bincount(labels, minlength=n_classes).double() + add
    share = counts / counts.sum() + floor
    seen = share[share > 0]
    return (seen * log(seen * (known or n_classes))).sum().item()


def _kl_plain(labels: Tensor, n_classes: int) -> Tensor:
    share = _share(labels, n_classes).double()
    return (share * torch.log(share * n_classes)).sum()


def _kl_turned(labels: Tensor, n_classes: int) -> Tensor:
    share = _share(labels, n_classes).double()
    return -torch.log(share * n_classes).mean()


def _kl_turned_where_seen(labels: Tensor, n_classes: int) -> Tensor:
    share = _share(labels, n_classes).double()
    return -torch.log(share[share > 0] * n_classes).sum() / n_classes


def _kl_without_minlength(labels: Tensor, n_classes: int) -> Tensor:
    counts = torch.bincount(labels).double()
    share = counts / counts.sum()
    return torch.xlogy(share, share * len(counts)).sum()


def _entropy(labels: Tensor, n_classes: int) -> float:
    share = _share(labels, n_classes).double()
    return -torch.xlogy(share, share).sum().item()


def _kl_of_counts(labels: Tensor, n_classes: int) -> float:
    counts = torch.bincount(labels, minlength=n_classes).double()
    return torch.xlogy(counts, counts / len(labels) * n_classes).sum().item()


_KL = evaluation.class_histogram_kl

register(
    Exercise(
        name="class_histogram_kl",
        lesson=8,
        reference=_KL,
        observe=numbers,
        probes={
            "equal shares": _labels([0, 1, 2, 3, 3, 2, 1, 0], 4),
            "three to one": _labels([0, 0, 0, 1], 2),
            "one class of two": _labels([1, 1, 1], 2),
            "last classes missing": _labels([0, 1, 1, 2, 0, 1, 1], 10),
            "ten classes, one of them rare": _many(600, 10),
        },
        accepts=[
            lambda labels, n: math.log(n) - _entropy(labels, n),
            _kl,
            lambda labels, n: sum(
                p * math.log(p * n)
                for p in ((labels == c).double().mean().item() for c in range(n))
                if p
            ),
            lambda labels, n: torch.nn.functional.kl_div(
                torch.full((n,), 1 / n).double().log(),
                _share(labels, n).double(),
                reduction="sum",
            ),
            lambda labels, n: torch.nan_to_num(
                _share(labels, n) * torch.log(_share(labels, n) * n)
            ).sum(),
        ],
        mistakes=[
            Mistake(
                "0 log 0 is NaN",
                _kl_plain,
                "An empty class makes 0 times log 0, which is NaN in floats. Its term "
                "is 0: sum over the classes that occur, or use `torch.xlogy`.",
            ),
            Mistake(
                "the other way round",
                (
                    _kl_turned,
                    lambda labels, n: -torch.log(_share(labels, n) * n + 1e-8).mean(),
                    _kl_turned_where_seen,
                ),
                "This is KL(uniform || histogram): infinite as soon as a class is "
                "missing. Weigh the logarithms by the shares of the samples.",
            ),
            Mistake(
                "smoothed",
                (
                    lambda labels, n: _kl(labels, n, add=1),
                    lambda labels, n: _kl(labels, n, add=0.5),
                    lambda labels, n: _kl(labels, n, floor=1e-2),
                    lambda labels, n: _kl(labels, n, floor=1e-3),
                ),
                "Something was added to the counts or shares. It hides missing "
                "classes and biases every score; 0 log 0 = 0 needs no help.",
            ),
            Mistake(
                "bits",
                lambda labels, n: _kl(labels, n, log=torch.log2),
                "These are bits. In nats one class of ten scores log 10 = 2.30: use "
                "`torch.log`.",
                kind="convention",
            ),
            Mistake(
                "classes seen for classes there are",
                (
                    _kl_without_minlength,
                    lambda labels, n: _kl(labels, n, known=len(labels.unique())),
                ),
                "Only classes that occur were counted (`bincount` stops at the highest "
                "label): one class alone would score 0. Give it `minlength`.",
            ),
            Mistake(
                "entropy",
                (
                    _entropy,
                    lambda labels, n: -_entropy(labels, n),
                    lambda labels, n: _entropy(labels, n) / math.log(n),
                ),
                "This is the entropy of the histogram, high where classes are equal. "
                "The divergence is what it lacks to log n_classes.",
            ),
            Mistake(
                "sign turned",
                lambda labels, n: -_kl(labels, n),
                "The sign is turned: a divergence is never negative.",
            ),
            Mistake(
                "averaged over classes",
                (
                    lambda labels, n: _kl(labels, n) / n,
                    lambda labels, n: _kl(labels, n) / len(labels.unique()),
                ),
                "The terms were averaged. The shares are weights already: sum them. "
                "(`kl_div` averages unless told `reduction='sum'`.)",
                kind="convention",
            ),
            Mistake(
                "counts for shares",
                _kl_of_counts,
                "The logarithms are weighed by counts, so twice the samples score "
                "twice as much. Divide by the number of samples.",
            ),
            Mistake(
                "squared differences",
                (
                    lambda labels, n: (_share(labels, n) - 1 / n).square().sum(),
                    lambda labels, n: (_share(labels, n) - 1 / n).abs().sum(),
                    lambda labels, n: (_share(labels, n) - 1 / n).abs().sum() / 2,
                ),
                "This sums differences of shares, which is another distance. KL sums "
                "p log(p / q), here with q = 1 / n_classes.",
            ),
        ],
        hints=[
            "From labels to shares: `torch.bincount(labels, minlength=...)`, divided "
            "by what?",
            "KL(p || q) is the sum of p log(p / q). What is q, and what becomes of a "
            "class with p = 0?",
        ],
        answer="share = torch.bincount(labels, minlength=n_classes) / len(labels)\n"
        "return torch.xlogy(share, share * n_classes).sum()",
        because="p log(p / (1/n)) = p log(p n), summed; xlogy makes 0 log 0 a 0.",
        praise="0 for equal shares, log 10 = 2.30 for one digit alone.",
        rtol=1e-4,
        atol=1e-6,
    )
)
