"""Lesson 8: numbers between two sets: Fréchet distance, precision and recall."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from course_utils import evaluation

from .engine import Exercise, Mistake, register
from .lesson08 import numbers

# ------------------------------------------------------------------ Fréchet distance


def _rows(seed: int, m: int, n: int, d: int, *, shift: float = 1.0, **kw: Any):
    """Two sets of correlated rows whose covariances do not commute."""

    def make() -> tuple:
        rng = torch.Generator().manual_seed(seed)
        mix_a, mix_b = torch.randn(2, d, d, generator=rng)
        a = torch.randn(m, d, generator=rng) @ mix_a + kw.get("offset", 0.0)
        b = torch.randn(n, d, generator=rng) @ mix_b + kw.get("offset", 0.0) + shift
        return a.to(kw.get("dtype", a.dtype)), b.to(kw.get("dtype", b.dtype))

    return make


def _squares() -> tuple:
    """By hand: covariances 4/3 and 16/3 times the identity, means 3 apart; 35/3."""
    corners = torch.tensor([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    return corners, 2 * corners + torch.tensor([3.0, 0.0])


def _constant_feature() -> tuple:
    a, b = _rows(5, 12, 14, 3)()
    a[:, 1], b[:, 1] = 2.0, 4.0
    return a, b


def _small() -> tuple:
    """A hair that is added, or a digit rounded away, is seen here."""
    a, b = _rows(10, 20, 30, 3, dtype=torch.float64)()
    return 0.02 * a, 0.02 * b


def _with_nan() -> tuple:
    a, b = _rows(6, 8, 9, 3)()
    b[2, 1] = math.nan
    return a, b


@contextlib.contextmanager
def _eigvals_kept_from_nan() -> Iterator[None]:
    """On NaN torch.linalg.eigvals can end the whole process, the kernel with it."""
    eigvals = torch.linalg.eigvals

    def safe(matrix: Tensor, **options: Any) -> Tensor:
        if matrix.isfinite().all():
            return eigvals(matrix, **options)
        return torch.full(matrix.shape[:-1], math.nan + 0j, dtype=torch.complex128)

    torch.linalg.eigvals = safe
    try:
        yield
    finally:
        torch.linalg.eigvals = eigvals


def _watch_distance(answer: Any, a: Tensor, b: Tensor) -> Iterator[tuple[str, Any]]:
    """A number, or for sets that have none whether the function says so."""

    def function(*sets: Tensor) -> Any:
        with _eigvals_kept_from_nan(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.cov about a single row
            return answer(*sets)

    if min(len(a), len(b)) >= 2 and a.isfinite().all() and b.isfinite().all():
        yield from numbers(function, a, b)
        return
    try:
        function(a, b)
    except NotImplementedError:
        raise
    except Exception:
        yield "what becomes of it", "an error"
    else:
        yield "what becomes of it", "a number, as if nothing were wrong"


def _checked(a: Tensor, b: Tensor) -> None:
    if min(len(a), len(b)) < 2 or not (a.isfinite().all() and b.isfinite().all()):
        raise ValueError("at least two rows each, all finite")


def _product_root(s_a: Tensor, s_b: Tensor) -> Tensor:
    return torch.linalg.eigvals(s_a @ s_b).real.clamp(min=0).sqrt().sum()


def _symmetric_root(s: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(s)
    return vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T


def _by_symmetric_root(s_a: Tensor, s_b: Tensor) -> Tensor:
    root = _symmetric_root(s_a)
    return torch.linalg.eigvalsh(root @ s_b @ root).clamp(min=0).sqrt().sum()


def _cov(x: Tensor, correction: int = 1) -> Tensor:
    centered = x - x.mean(0)
    return centered.T @ centered / (len(x) - correction)


def _fd(
    *,
    check: Callable[[Tensor, Tensor], Any] | None = _checked,
    cov: Callable[[Tensor], Tensor] = _cov,
    root: Callable[[Tensor, Tensor], Tensor] = _product_root,
    shift: Callable[[Tensor], Tensor] = lambda m: m.square().sum(),
    two: float = 2.0,
    after: Callable[[Tensor], Any] = lambda x: x,
    dtype: torch.dtype = torch.float64,
) -> Callable[[Tensor, Tensor], Any]:
    """A Fréchet distance with one thing changed."""

    def answer(a: Tensor, b: Tensor) -> Any:
        if check:
            check(a, b)
        a, b = a.to(dtype), b.to(dtype)
        s_a, s_b = cov(a), cov(b)
        spread = s_a.trace() + s_b.trace() - two * root(s_a, s_b)
        return after(shift(a.mean(0) - b.mean(0)) + spread)

    return answer


def _cholesky_root(s_a: Tensor, s_b: Tensor) -> Tensor:
    half = torch.linalg.cholesky(s_a)
    return torch.linalg.eigvalsh(half.T @ s_b @ half).clamp(min=0).sqrt().sum()


def _unclamped_root(s_a: Tensor, s_b: Tensor) -> Tensor:
    return torch.linalg.eigvals(s_a @ s_b).real.sqrt().sum()


def _diagonal_root(s_a: Tensor, s_b: Tensor) -> Tensor:
    return (s_a.diagonal() * s_b.diagonal()).sqrt().sum()


def _unclamped_symmetric_root(s_a: Tensor, s_b: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(s_a)
    root = vectors @ torch.diag(values.sqrt()) @ vectors.T
    return torch.linalg.eigvalsh(root @ s_b @ root).sqrt().sum()


def _symmetric_routine(s_a: Tensor, s_b: Tensor) -> Tensor:
    return torch.linalg.eigvalsh(s_a @ s_b).clamp(min=0).sqrt().sum()


def _upper_half(s_a: Tensor, s_b: Tensor) -> Tensor:
    return torch.linalg.eigvalsh((s_a @ s_b).T).clamp(min=0).sqrt().sum()


def _eigenvalues_paired(s_a: Tensor, s_b: Tensor) -> Tensor:
    values = torch.linalg.eigvalsh(s_a) * torch.linalg.eigvalsh(s_b)
    return values.clamp(min=0).sqrt().sum()


def _trace_of_entries(s_a: Tensor, s_b: Tensor) -> Tensor:
    return (s_a @ s_b).diagonal().clamp(min=0).sqrt().sum()


def _root_of_trace(s_a: Tensor, s_b: Tensor) -> Tensor:
    return (s_a @ s_b).trace().sqrt()


def _product_of_roots(s_a: Tensor, s_b: Tensor) -> Tensor:
    return (_symmetric_root(s_a) @ _symmetric_root(s_b)).trace()


def _across_rows(a: Tensor, b: Tensor) -> Any:
    _checked(a, b)
    k = min(len(a), len(b))
    return _fd()(a[:k].T, b[:k].T)


def _means_alone(a: Tensor, b: Tensor) -> Tensor:
    _checked(a, b)
    return (a.double().mean(0) - b.double().mean(0)).square().sum()


def _plus(eps: float) -> Callable[[Tensor], Tensor]:
    return lambda x: _cov(x) + eps * torch.eye(x.shape[1], dtype=x.dtype)


def _hair_in_the_roots(eps: float) -> Callable[[Tensor, Tensor], Tensor]:
    def root(s_a: Tensor, s_b: Tensor) -> Tensor:
        values = torch.linalg.eigvals(s_a @ s_b).real.clamp(min=0)
        return (values + eps).sqrt().sum()

    return root


def _floor_in_the_roots(eps: float) -> Callable[[Tensor, Tensor], Tensor]:
    def root(s_a: Tensor, s_b: Tensor) -> Tensor:
        return torch.linalg.eigvals(s_a @ s_b).real.clamp(min=eps).sqrt().sum()

    return root


_HAIRS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)


def _of_deviations(a: Tensor, b: Tensor) -> Tensor:
    _checked(a, b)
    a, b = a.double(), b.double()
    return (a.mean(0) - b.mean(0)).square().sum() + (a.std(0) - b.std(0)).square().sum()


_DISTANCE_MISTAKES = [
    Mistake(
        "not squared",
        (
            _fd(after=lambda x: x.clamp(min=0).sqrt()),
            _fd(after=lambda x: x.abs().sqrt(), check=None),
        ),
        "The root was taken at the end. What is reported under the names Fréchet "
        "distance and FID is the distance *squared*: leave it.",
        kind="convention",
    ),
    Mistake(
        "covariance over n",
        (
            _fd(cov=lambda x: _cov(x, 0)),
            _fd(cov=lambda x: torch.atleast_2d(torch.cov(x.T, correction=0))),
            _fd(cov=lambda x: _cov(x, 0), check=None),
        ),
        "The covariances are divided by n. The unbiased ones, divided by n - 1, are "
        "wanted; `torch.cov` makes them.",
        kind="convention",
    ),
    Mistake(
        "means alone",
        (_means_alone, _fd(cov=lambda x: 0 * _cov(x), check=None)),
        "Only the means are compared: one image over and over, the mean of the data, "
        "would score 0. Add what differs in the covariances.",
    ),
    Mistake(
        "means left out",
        (_fd(shift=lambda m: 0.0), _fd(shift=lambda m: 0.0, check=None)),
        "Only the covariances are compared; a shift of every feature changes nothing. "
        "Add the squared distance of the means.",
    ),
    Mistake(
        "distance of means not squared",
        (
            _fd(shift=lambda m: m.norm()),
            _fd(shift=lambda m: m.abs().sum()),
            _fd(shift=lambda m: m.square().mean()),
        ),
        "The means enter as |m_a - m_b|^2, the sum of squares: no root, no absolute "
        "values, no mean over the features.",
    ),
    Mistake(
        "without the 2",
        (
            _fd(two=1.0),
            _fd(two=1.0, root=_by_symmetric_root),
            _fd(two=-2.0),
            _fd(two=0.0),
        ),
        "The root's trace is subtracted twice: tr(S_a) + tr(S_b) - 2 tr(root). "
        "Otherwise a set is not at distance 0 from itself.",
    ),
    Mistake(
        "root entry by entry",
        (
            _fd(root=_trace_of_entries),
            _fd(root=_diagonal_root),
            _fd(root=_root_of_trace),
            _of_deviations,
        ),
        "The root of a matrix is the matrix that times itself gives it, not the root "
        "of its entries. Its trace is the sum of the roots of the *eigenvalues* of "
        "S_a S_b.",
    ),
    Mistake(
        "product of two roots",
        _fd(root=_product_of_roots),
        "tr(root(S_a) root(S_b)) is tr(root(S_a S_b)) only where the two commute. "
        "Multiply first, then take the root.",
    ),
    Mistake(
        "symmetric routine",
        (
            _fd(root=_symmetric_routine),
            _fd(root=_symmetric_routine, check=None),
            _fd(root=_upper_half),
        ),
        "`eigh` and `eigvalsh` read one half of a matrix and take it for symmetric. "
        "S_a S_b is not; R S_b R, with R the root of S_a, is, and has its eigenvalues.",
    ),
    Mistake(
        "eigenvalues paired",
        (
            _fd(root=_eigenvalues_paired),
            _fd(root=_eigenvalues_paired, check=None),
        ),
        "The eigenvalues of S_a S_b are not those of S_a times those of S_b: the two "
        "have different axes. Multiply the matrices first.",
    ),
    Mistake(
        "no root",
        (
            _fd(root=lambda s_a, s_b: (s_a @ s_b).trace()),
            _fd(root=lambda s_a, s_b: torch.linalg.eigvals(s_a @ s_b).real.sum()),
        ),
        "The product S_a S_b went in without its root: the units do not even agree.",
    ),
    Mistake(
        "across the rows",
        (
            _across_rows,
            _fd(cov=lambda x: torch.cov(x), root=lambda a, b: torch.zeros(())),
        ),
        "The covariance was taken between images, not between features. `torch.cov` "
        "wants a *row* for each feature: hand it the transpose.",
    ),
    Mistake(
        "singular breaks it",
        (
            _fd(root=_cholesky_root),
            _fd(root=_unclamped_root),
            _fd(root=_unclamped_symmetric_root),
            _fd(root=_unclamped_symmetric_root, check=None),
            _fd(root=_cholesky_root, check=None),
            _fd(root=_unclamped_root, check=None),
        ),
        "Right for many images, not for few, or for a feature that never changes: the "
        "covariance is singular, and rounding makes an eigenvalue a hair below 0. "
        "Clamp the eigenvalues at 0 before the root.",
    ),
    Mistake(
        "no complaint",
        (
            _fd(check=None),
            _fd(check=lambda a, b: _checked(a.nan_to_num(), b.nan_to_num())),
            _fd(check=lambda a, b: _checked(a, a)),
            _fd(check=lambda a, b: _checked(b, b)),
            _fd(check=lambda a, b: None if a.isnan().any() else _checked(a[:2], a)),
        ),
        "The numbers are right. But a set of fewer than two images, or with NaN among "
        "its features, has no such distance: raise a ValueError. Whatever is returned "
        "gets into a table.",
    ),
    Mistake(
        "a hair added",
        (
            *(_fd(cov=_plus(eps)) for eps in _HAIRS[:-1]),
            *(_fd(root=_hair_in_the_roots(eps)) for eps in _HAIRS),
            *(_fd(root=_floor_in_the_roots(eps)) for eps in _HAIRS),
        ),
        "A small number was added on the way to the roots, or eigenvalues were raised "
        "to one. Where features vary little it decides the score. Clamp at 0 alone.",
    ),
    Mistake(
        "in float32",
        (
            _fd(dtype=torch.float32),
            _fd(dtype=torch.float32, root=_by_symmetric_root),
        ),
        "The arithmetic is in float32: large numbers are subtracted here, and the "
        "difference is what is left. Make the features `.double()` first.",
    ),
]

register(
    Exercise(
        name="frechet_distance",
        lesson=8,
        reference=evaluation.frechet_distance,
        observe=_watch_distance,
        probes={
            "two squares": _squares,
            "shifted": _rows(1, 40, 40, 3, shift=2.0),
            "another shape of cloud": _rows(2, 30, 50, 4, shift=0.5),
        },
        later={
            "a set with itself": lambda: (_rows(3, 20, 20, 3)()[0],) * 2,
            "small features, in float64": _small,
            "fewer images than features": _rows(4, 4, 5, 8),
            "two images": _rows(9, 2, 9, 3),
            "a feature that never changes": _constant_feature,
            "features near 30,000": _rows(7, 30, 30, 3, offset=30_000.0),
            "one image": lambda: (torch.ones(1, 3), _rows(8, 9, 9, 3)()[1]),
            "one in the second set": lambda: (_rows(8, 9, 9, 3)()[0], torch.ones(1, 3)),
            "NaN among the features": _with_nan,
            "NaN in the first set": lambda: _with_nan()[::-1],
        },
        accepts=[
            _fd(),
            _fd(root=_by_symmetric_root),
            _fd(root=_by_symmetric_root, check=None),  # eigh complains by itself
            _fd(cov=lambda x: torch.atleast_2d(torch.cov(x.T))),
            _fd(cov=lambda x: torch.cov(x.T)),  # 0-dimensional for one feature
            _fd(after=lambda x: max(x.item(), 0.0)),
            _fd(root=lambda a, b: torch.linalg.eigvals(b @ a).sqrt().real.sum()),
            lambda a, b: evaluation.frechet_distance(b, a),
        ],
        mistakes=_DISTANCE_MISTAKES,
        hints=[
            "Four parts: two means, two covariances, |m_a - m_b|^2, and three traces. "
            "Which of them is a root of a matrix?",
            "The trace of the root of a matrix is the sum of the roots of its "
            "eigenvalues. R S_b R has those of S_a S_b, with R the root of S_a; it is "
            "symmetric, and `torch.linalg.eigvalsh` knows its eigenvalues.",
            "The root of S_a: `values, vectors = torch.linalg.eigh(s_a)`, roots of the "
            "values (clamped at 0), put together again. `torch.cov` wants features in "
            "rows. And which inputs deserve a ValueError?",
        ],
        answer="a, b = features_a.double(), features_b.double()\n"
        "if min(len(a), len(b)) < 2 or not torch.cat([a, b]).isfinite().all():\n"
        '    raise ValueError("wanted: two rows or more each, all finite")\n'
        "s_a, s_b = torch.cov(a.T), torch.cov(b.T)\n"
        "values, vectors = torch.linalg.eigh(s_a)\n"
        "root_a = vectors * values.clamp(min=0).sqrt() @ vectors.T\n"
        "values = torch.linalg.eigvalsh(root_a @ s_b @ root_a).clamp(min=0)\n"
        "shift = (a.mean(0) - b.mean(0)).square().sum()\n"
        "return shift + s_a.trace() + s_b.trace() - 2 * values.sqrt().sum()",
        because="both sets are taken for Gaussians; this is their distance squared.",
        praise="With an Inception network's features it is the FID of the papers.",
        rtol=5e-5,
        atol=1e-8,
        same=1e-4,
    )
)

# ------------------------------------------------------------------ precision, recall


def _line(real: list[float], fake: list[float], k: int) -> Callable[[], tuple]:
    return lambda: (
        torch.tensor(real).float()[:, None],
        torch.tensor(fake).float()[:, None],
        k,
    )


def _clouds(seed: int, m: int, n: int, k: int) -> Callable[[], tuple]:
    def make() -> tuple:
        rng = torch.Generator().manual_seed(seed)
        real = torch.randn(m, 3, generator=rng)
        fake = 0.7 * torch.randn(n, 3, generator=rng) + 0.6
        return real, fake, k

    return make


def _each_twice() -> tuple:
    """By hand: equal fakes have balls of radius 0, and the far one is no copy."""
    real = torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0], [0.0, 5.0], [9.0, 1.0]])
    far = torch.tensor([[30.0, 30.0]])
    return real, torch.cat([real[[0, 0, 2, 2]], far]), 1


def _copied() -> tuple:
    real = torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0], [0.0, 5.0], [9.0, 1.0]])
    return real, real[[0, 0, 1, 3]], 2


def _distances(a: Tensor, b: Tensor) -> Tensor:
    return (a[:, None] - b[None]).double().square().sum(-1).sqrt()


def _radius(x: Tensor, k: int) -> Tensor:
    return _distances(x, x).sort(dim=1).values[:, k]


def _radius_past_equals(x: Tensor, k: int) -> Tensor:
    d = _distances(x, x)
    return d.masked_fill(d == 0, math.inf).sort(dim=1).values[:, k - 1]


def _share_of(points: Tensor, centers: Tensor, radii: Tensor, **kw: Any) -> Tensor:
    inside = kw.get("compare", torch.le)(_distances(points, centers), radii)
    return inside.any(dim=1).double().mean()


def _pr(
    *,
    radius: Callable[[Tensor, int], Tensor] = _radius,
    share: Callable[..., Any] = _share_of,
    after: Callable[[Any, Any], Any] = lambda p, r: (p, r),
) -> Callable[..., Any]:
    """Precision and recall with one thing changed."""

    def answer(real: Tensor, fake: Tensor, k: int) -> Any:
        precision = share(fake, real, radius(real, k))
        return after(precision, share(real, fake, radius(fake, k)))

    return answer


def _balls_of_the_judged(real: Tensor, fake: Tensor, k: int) -> tuple:
    precision = (_distances(fake, real) <= _radius(fake, k)[:, None]).any(1)
    recall = (_distances(real, fake) <= _radius(real, k)[:, None]).any(1)
    return precision.double().mean(), recall.double().mean()


def _in_the_nearest_ball(points: Tensor, centers: Tensor, radii: Tensor) -> Tensor:
    distance, nearest = _distances(points, centers).min(1)
    return (distance <= radii[nearest]).double().mean()


def _in_all_balls(points: Tensor, centers: Tensor, radii: Tensor) -> Tensor:
    return (_distances(points, centers) <= radii).all(1).double().mean()


def _pairs(points: Tensor, centers: Tensor, radii: Tensor) -> Tensor:
    return (_distances(points, centers) <= radii).double().mean()


def _centers_reached(real: Tensor, fake: Tensor, k: int) -> tuple:
    of_reals = _distances(fake, real) <= _radius(real, k)
    of_fakes = _distances(real, fake) <= _radius(fake, k)
    return of_reals.any(0).double().mean(), of_fakes.any(0).double().mean()


def _balls_of_both(real: Tensor, fake: Tensor, k: int) -> tuple:
    radii = _radius(torch.cat([real, fake]), k)
    return (
        _share_of(fake, real, radii[: len(real)]),
        _share_of(real, fake, radii[len(real) :]),
    )


def _by_loops(real: Tensor, fake: Tensor, k: int) -> tuple[float, float]:
    def radius(set_: Tensor, i: int) -> float:
        return sorted((set_[i] - set_).norm(dim=1).tolist())[k]

    def share(points: Tensor, centers: Tensor) -> float:
        reach = [radius(centers, i) for i in range(len(centers))]
        hits = sum(
            any((p - c).norm().item() <= r for c, r in zip(centers, reach, strict=True))
            for p in points
        )
        return hits / len(points)

    return share(fake, real), share(real, fake)


register(
    Exercise(
        name="precision_recall",
        lesson=8,
        reference=lambda real_features, fake_features, k: evaluation.precision_recall(
            real_features, fake_features, k
        ),
        observe=numbers,
        probes={
            "six numbers on a line": _line([0, 1, 4], [2, 6, 9], 1),
            "a fake on the rim": _line([0, 2, 20, 22], [4, 8, 30, 34, 50], 1),
            "distances below 1": _line([0, 0.13, 0.47], [0.2, 0.61, 0.95], 1),
            "k = 2": _line([0, 1, 3, 7, 20], [5, 6, 13, 34], 2),
            "a hair from the rim": _line([0, 1, 4], [6.99998, 7.00002, 7.5, 30], 1),
            "fakes that are copies": _copied,
            "the same fake twice": _each_twice,
            "two clouds": _clouds(1, 30, 24, 3),
            "a small k": _clouds(2, 20, 34, 1),
        },
        accepts=[
            _pr(),
            _by_loops,
            _pr(
                radius=lambda x, k: (
                    torch.cdist(x.double(), x.double()).kthvalue(k + 1, dim=1).values
                )
            ),
            _pr(
                radius=lambda x, k: (
                    _distances(x, x).topk(k + 1, largest=False).values[:, -1]
                )
            ),
            _pr(radius=lambda x, k: _distances(x, x).sort(1)[0][:, 1:][:, k - 1]),
            _pr(after=lambda p, r: [p.item(), r.item()]),
        ],
        mistakes=[
            Mistake(
                "counts itself",
                (
                    _pr(radius=lambda x, k: _radius(x, k - 1)),
                    _pr(
                        radius=lambda x, k: (
                            torch.cdist(x, x).topk(k, largest=False).values[:, -1]
                        )
                    ),
                ),
                "Each point was counted as its own nearest neighbor, at distance 0, so "
                "the balls end one neighbor too early: look at place k, not k - 1, of "
                "the sorted distances.",
            ),
            Mistake(
                "one neighbor too far",
                _pr(radius=lambda x, k: _radius(x, min(k + 1, len(x) - 1))),
                "The balls reach to the (k + 1)-th neighbor. In a sorted row place 0 "
                "is the point itself, and place k its k-th neighbor.",
            ),
            Mistake(
                "swapped",
                _pr(after=lambda p, r: (r, p)),
                "The two change places. Precision asks of the *fakes* whether they "
                "look real; it comes first.",
            ),
            Mistake(
                "rim left out",
                _pr(share=lambda p, c, r: _share_of(p, c, r, compare=torch.lt)),
                "A point on the rim of a ball counts as inside: `<=`. With `<`, k "
                "copies of one point would have empty balls.",
            ),
            Mistake(
                "balls of the judged",
                _balls_of_the_judged,
                "The balls are drawn around the points you ask about. For precision "
                "they belong to the reals, for recall to the fakes.",
            ),
            Mistake(
                "equal points left out",
                _pr(radius=_radius_past_equals),
                "With a point itself its equals were left out. A fake that was drawn "
                "twice has its twin for a neighbor, at distance 0: leave out the point "
                "itself alone.",
            ),
            Mistake(
                "one radius for all",
                (
                    _pr(radius=lambda x, k: _radius(x, k).mean()),
                    _pr(radius=lambda x, k: _radius(x, k).median()),
                    _pr(radius=lambda x, k: _radius(x, k).max()),
                ),
                "Every ball got the same radius. Each has its own, so that balls are "
                "small where points are dense.",
            ),
            Mistake(
                "in the nearest ball",
                _pr(share=_in_the_nearest_ball),
                "You asked only the ball of the nearest point. The ball of a farther "
                "one may be large enough: *any* ball counts.",
            ),
            Mistake(
                "in all balls",
                (_pr(share=_in_all_balls), _pr(share=_pairs)),
                "A point need not lie in all balls, nor are pairs counted: it is in "
                "if it lies in *any* of them. Then take the share of the points.",
            ),
            Mistake(
                "along the other axis",
                _centers_reached,
                "You counted the *balls* that hold a point. Count the points that lie "
                "in a ball: `any` over the centers leaves one answer for each point.",
            ),
            Mistake(
                "farthest for nearest",
                (
                    _pr(radius=lambda x, k: _distances(x, x).topk(k + 1)[0][:, -1]),
                    _pr(radius=lambda x, k: _distances(x, x).topk(k)[0][:, -1]),
                ),
                "The radii are those of the *farthest* neighbors: `topk` takes the "
                "largest unless told `largest=False`.",
            ),
            Mistake(
                "neighbors among both",
                _balls_of_both,
                "The neighbors were looked for among reals and fakes together. A ball "
                "ends at a neighbor of its own set.",
            ),
            Mistake(
                "precision twice",
                (
                    _pr(after=lambda p, r: (p, p)),
                    _pr(after=lambda p, r: p),
                    _pr(after=lambda p, r: (p, 1 - p)),
                ),
                "Recall is missing. It asks the other way round: which reals lie in "
                "the balls of the fakes?",
            ),
            Mistake(
                "squared against plain",
                (
                    _pr(radius=lambda x, k: _radius(x, k).square()),
                    _pr(radius=lambda x, k: _radius(x, k).sqrt()),
                ),
                "Radii and distances are in different units: one of them is squared.",
            ),
            Mistake(
                "counts",
                _pr(
                    share=lambda p, c, r: (_distances(p, c) <= r).any(1).sum().double()
                ),
                "These are counts; shares are wanted, from 0 to 1.",
                kind="convention",
            ),
        ],
        hints=[
            "`torch.cdist(a, b)` has all distances. Sort the rows of a set's distances "
            "to itself: what stands at place 0, and what at place k?",
            "A ball belongs to a center: compare each column with its own radius. Does "
            "a point need one ball or all? `.any(dim=1)`.",
        ],
        answer="real, fake = real_features.double(), fake_features.double()\n"
        "\n"
        "def share_inside(points, centers):\n"
        "    radii = torch.cdist(centers, centers).sort(dim=1).values[:, k]\n"
        "    inside = torch.cdist(points, centers) <= radii\n"
        "    return inside.any(dim=1).double().mean()\n"
        "\n"
        "return share_inside(fake, real), share_inside(real, fake)",
        because="the balls of a set stand for its support; each asks of the other set.",
        praise="Two numbers, since blurry and incomplete are different ills.",
        rtol=1e-6,
        atol=1e-6,
        same=1e-4,
        seconds=10.0,  # loops in plain Python are right, too
    )
)
