"""Lesson 8's shares: classes met and how often, and what may be copied."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from course_utils import evaluation

from .engine import Exercise, Mistake, register
from .lesson08 import numbers

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
            lambda labels, k: _n_seen(labels) / k if len(labels) else math.nan,
            lambda labels, k: _n_seen(labels) / k if len(labels) else 1.0,
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
        "Only a set with every class scores here; anything less is 0. Where that is "
        "`//`, which rounds down, divide with `/`.",
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
            "one class": _labels([3, 3, 3, 3, 3], 7),
            "all classes": _labels([0, 1, 2, 3, 4, 4], 5),
            "last classes missing": _labels([0, 1, 1, 2, 0, 2, 1], 10),
            "a rare class": _many(11_521, 10),
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
    inside: float = 0.0,
    log: Callable[[Tensor], Tensor] = torch.log,
    known: int | None = None,
) -> float:
    """KL(shares || uniform) with one thing changed."""
    counts = torch.bincount(labels, minlength=n_classes).double() + add
    share = counts / counts.sum() + floor
    seen = share[share > 0]
    return (seen * log((seen + inside) * (known or n_classes))).sum().item()


def _kl_clamped(floor: float) -> Callable[[Tensor, int], Tensor]:
    def answer(labels: Tensor, n_classes: int) -> Tensor:
        share = _share(labels, n_classes).double().clamp(min=floor)
        return (share * torch.log(share * n_classes)).sum()

    return answer


def _few_of_many() -> tuple:
    """So many classes, seen once or never, that what is added to each adds up."""
    return torch.arange(100).flip(0) * 10, 1000


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


_HAIRS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
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
            "100 of 1,000 classes": _few_of_many,
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
                    *(partial(_kl, floor=eps) for eps in _HAIRS),
                    *(partial(_kl, inside=eps) for eps in _HAIRS[:-2]),
                    *map(_kl_clamped, _HAIRS),
                ),
                "A small number was added, or shares were raised to one. With many "
                "classes it adds up, and it biases every score; 0 log 0 = 0 needs no "
                "help: sum over the classes that occur, or use `torch.xlogy`.",
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
                "to base n_classes",
                (
                    lambda labels, n: _kl(labels, n) / math.log(n),
                    lambda labels, n: 1 - _entropy(labels, n) / math.log(n),
                ),
                "This is divided by log(n_classes), so that one class alone scores 1. "
                "In nats it scores log(n_classes): leave it.",
                kind="convention",
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
        rtol=2e-6,
        atol=5e-7,
        same=1e-5,
    )
)


# ------------------------------------------------------------------ memorization


def _three(
    samples: list[float], train: list[float], heldout: list[float]
) -> Callable[[], tuple]:
    return lambda: tuple(torch.tensor(x)[:, None] for x in (samples, train, heldout))


def _images() -> tuple:
    """Half of the samples are training images with a little jitter; train at hand."""
    rng = torch.Generator().manual_seed(4)
    train, heldout = torch.randn(2, 12, 1, 3, 3, generator=rng)
    jitter = torch.randn(6, 1, 3, 3, generator=rng)
    fresh = torch.randn(9, 1, 3, 3, generator=rng)
    return torch.cat([train[:6] + 0.1 * jitter, fresh]), train, heldout


def _new_draws() -> tuple:
    """Enough samples that another way to measure gives another share."""
    rng = torch.Generator().manual_seed(9)
    train, heldout = torch.randn(2, 12, 1, 3, 3, generator=rng)
    heldout[:, :, 0] *= 3  # where distances by sums and by squares disagree
    return torch.randn(60, 1, 3, 3, generator=rng) * 1.5, train, heldout


def _exact_copies() -> tuple:
    _, train, heldout = _images()
    return train[[0, 3, 3, 7, 11]], train, heldout


def _nearest_to(samples: Tensor, data: Tensor, *, p: float = 2.0) -> Tensor:
    a, b = samples.flatten(1).double(), data.flatten(1).double()
    return (a[:, None] - b[None]).abs().pow(p).sum(-1).pow(1 / p).min(dim=1).values


def _memo(compare: Callable[[Tensor, Tensor], Any]) -> Callable[..., Any]:
    def answer(samples: Tensor, train: Tensor, heldout: Tensor) -> Any:
        near = _nearest_to(samples, train), _nearest_to(samples, heldout)
        return compare(*near)

    return answer


def _mean(x: Tensor) -> Tensor:
    return x.double().mean()


def _average_distance(samples: Tensor, train: Tensor, heldout: Tensor) -> Tensor:
    a, b, c = (x.flatten(1).double() for x in (samples, train, heldout))
    return _mean(torch.cdist(a, b).mean(1) < torch.cdist(a, c).mean(1))


def _of_the_data(samples: Tensor, train: Tensor, heldout: Tensor) -> Tensor:
    return _mean(_nearest_to(train, samples) < _nearest_to(heldout, samples))


def _place_by_place(samples: Tensor, train: Tensor, heldout: Tensor) -> Tensor:
    n = min(len(samples), len(train))
    a, b, c = (x.flatten(1).double()[:n] for x in (samples, train, heldout))
    return _mean((a - b).norm(dim=1) < (a - c).norm(dim=1))


def _other_norm(p: float) -> Callable[..., Any]:
    def answer(samples: Tensor, train: Tensor, heldout: Tensor) -> Tensor:
        to_train = _nearest_to(samples, train, p=p)
        return _mean(to_train < _nearest_to(samples, heldout, p=p))

    return answer


def _by_one_search(samples: Tensor, train: Tensor, heldout: Tensor) -> float:
    both = torch.cat([heldout, train])  # held out first: argmin takes it on a tie
    _, places = evaluation.nearest_neighbors(samples, both)
    return (places >= len(heldout)).double().mean().item()


register(
    Exercise(
        name="memorization_score",
        lesson=8,
        reference=evaluation.memorization_score,
        observe=numbers,
        probes={
            "near and far": _three([0.1, 0.9, 1.6, 1.1], [0.0, 8.0], [2.0, 5.0]),
            "a hair nearer": _three([0.99999, 1.00001, 0.3], [0.0], [2.0]),
            "as near to either": _three(
                [1.0, 1.0, 0.2, 3.0, 1.9, 2.1], [0.0, 4.0], [2.0, 9.0]
            ),
            "exact copies": _exact_copies,
            "half of them copies": _images,
            "new draws": _new_draws,
        },
        later={"one sample, nearer to unseen data": _three([1.5], [0.0], [2.0])},
        accepts=[
            _memo(lambda t, h: _mean(t < h)),
            _memo(lambda t, h: (h - t > 0).double().mean().item()),
            _memo(lambda t, h: (t < h).sum() / len(t)),
            _memo(lambda t, h: 1 - _mean(h <= t)),
            _by_one_search,
            lambda s, t, h: _mean(
                evaluation.nearest_neighbors(s, t)[0]
                < evaluation.nearest_neighbors(s, h)[0]
            ),
        ],
        mistakes=[
            Mistake(
                "nearer to unseen data",
                (_memo(lambda t, h: _mean(h < t)), _memo(lambda t, h: _mean(h <= t))),
                "This is the share nearer to the *held-out* images, so a copier would "
                "score 0. Ask for those nearer to the training set.",
            ),
            Mistake(
                "ties counted",
                (
                    _memo(lambda t, h: _mean(t <= h)),
                    _memo(lambda t, h: (_mean(t < h) + _mean(t <= h)) / 2),
                ),
                "A sample as near to either set was counted, if only by half. Strictly "
                "nearer is wanted: `<`.",
            ),
            Mistake(
                "exact copies alone",
                (
                    _memo(lambda t, h: _mean(t == 0)),
                    _memo(lambda t, h: _mean(t < 1e-6)),
                    _memo(lambda t, h: _mean(t < 1e-3)),
                ),
                "Only exact copies were counted; one changed pixel would hide them. "
                "Compare with the distance to the held-out set.",
            ),
            Mistake(
                "ratio of distances",
                (
                    _memo(lambda t, h: t.mean() / h.mean()),
                    _memo(lambda t, h: (t / h).mean()),
                    _memo(lambda t, h: h.mean() - t.mean()),
                    _memo(lambda t, h: _mean(t)),
                    _memo(lambda t, h: t.mean() / (t.mean() + h.mean())),
                ),
                "This averages distances, and a few far samples decide it. Ask each "
                "sample to which set it is nearer, and count.",
            ),
            Mistake(
                "mean distance for nearest",
                _average_distance,
                "You compared the *mean* distance to each set. A copy is near one "
                "image and far from all others: take the minimum.",
            ),
            Mistake(
                "asked the data",
                _of_the_data,
                "The question goes to the samples: for each of them the nearest of the "
                "data, not for each of the data the nearest sample.",
            ),
            Mistake(
                "places for distances",
                lambda s, t, h: _mean(
                    evaluation.nearest_neighbors(s, t)[1]
                    < evaluation.nearest_neighbors(s, h)[1]
                ),
                "You compared *where* the nearest images stand in their sets. The "
                "distances come first out of `nearest_neighbors`, the places second.",
            ),
            Mistake(
                "place by place",
                _place_by_place,
                "Sample i was compared with image i. Search the whole set for the "
                "nearest one.",
            ),
            Mistake(
                "a count",
                _memo(lambda t, h: (t < h).sum().double()),
                "This is how many; a share from 0 to 1 is wanted.",
                kind="convention",
            ),
            Mistake(
                "another distance",
                (_other_norm(1.0), _other_norm(6.0)),
                "The distance is Euclidean: the root of the sum of squares, which "
                "`nearest_neighbors` of lesson 7 measures.",
            ),
            Mistake(
                "distance from 1/2",
                (
                    _memo(lambda t, h: (_mean(t < h) - 0.5).abs() * 2),
                    _memo(lambda t, h: 2 * _mean(t < h) - 1),
                ),
                "The share was rescaled. Leave it: 1/2 is what new draws of the law "
                "score, 1 what copies do.",
                kind="convention",
            ),
        ],
        hints=[
            "`evaluation.nearest_neighbors(samples, data)` gives the distance of each "
            "sample to its nearest image. To which two sets do you need it?",
            "Compare the two distances sample by sample. What is the mean of a tensor "
            "of truths?",
        ],
        answer="to_train, _ = evaluation.nearest_neighbors(samples, train)\n"
        "to_heldout, _ = evaluation.nearest_neighbors(samples, heldout)\n"
        "return (to_train < to_heldout).double().mean()",
        because="new draws are as near to either set, so 1/2 of them; copies all.",
        praise="The one number here that a copy of the training set fails.",
        rtol=1e-6,
        atol=1e-6,
    )
)
