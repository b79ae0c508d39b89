"""Lesson 8's checks on answers that the bank does not know: wrong ones are refused, a
named mistake fits what was typed, and right ones written differently pass."""

import math

import numpy as np
import pytest
import torch
from unlisted import listed

from course_utils import clinic, evaluation
from course_utils.exercises import bank, judge

sigmoid, LOG2 = torch.sigmoid, math.log(2)
CLINIC = clinic.CLINIC


def clinic(**changed):
    return lambda run: (CLINIC | changed)[run]


def far(a, b):
    """Distances by broadcasting, in float64."""
    return (a[:, None].double() - b[None].double()).flatten(2).norm(dim=2)


def distance(a, b, *, cross=None, cov=None, check=True, sums=torch.sum):
    if check and (min(len(a), len(b)) < 2 or not torch.cat([a, b]).isfinite().all()):
        raise ValueError("two rows, finite")
    a, b = a.double(), b.double()
    s_a, s_b = (np.atleast_2d(np.cov(x.numpy().T)) for x in (a, b))
    if cov:
        s_a, s_b = cov(s_a, s_b)
    values = np.linalg.eigvals(s_a @ s_b).real.clip(min=0)
    root = np.sqrt(values).sum() if cross is None else cross(s_a, s_b)
    shift = sums((a.mean(0) - b.mean(0)) ** 2).item()
    return shift + float(np.trace(s_a) + np.trace(s_b) - 2 * root)


def balls(real, fake, k, *, radius=None, inside=None):
    radius = radius or (lambda d, k: d.sort(dim=1).values[:, k])
    inside = inside or (lambda d, r: (d <= r).any(1))
    shares = []
    for points, centers in ((fake, real), (real, fake)):
        r = radius(far(centers, centers), k)
        shares.append(inside(far(points, centers), r).double().mean().item())
    return tuple(shares)


def near(samples, images):
    return far(samples, images).min(dim=1).values


def both(summary):
    return lambda r, f: (summary(r), summary(f))


def mean(truths):
    return truths.double().mean().item()


def share(labels, n):
    return torch.bincount(labels, minlength=n).double() / len(labels)


def kl(p, inside, n):
    return (p * inside.mul(n).log()).sum()


def unless_empty(answer):
    return lambda labels, n: answer(labels, n) if len(labels) else 0.0


def needs(complaint):
    """A distance that complains of what is named alone."""
    safe = {"nan": 0.0, "posinf": 0.0}

    def answer(a, b):
        if complaint(a, b):
            raise ValueError("not these")
        a, b = (x.double().nan_to_num(**safe) for x in (a, b))
        a, b = (x if len(x) > 1 else x.repeat(2, 1) for x in (a, b))
        return distance(a, b, check=False)

    return answer


def centered_in_place(a, b):
    """`.double()` makes no copy of what is float64 already."""
    if min(len(a), len(b)) < 2 or torch.cat([a, b]).isnan().any():
        raise ValueError("two rows, no NaN")
    a, b = a.double(), b.double()
    shift = (a.mean(0) - b.mean(0)).square().sum().item()
    a -= a.mean(0)
    b -= b.mean(0)
    return distance(a, b, check=False) + shift


def means_in_float32(a, b):
    value = distance(a, b)
    exact = (a.double().mean(0) - b.double().mean(0)).square().sum().item()
    return value - exact + (a.mean(0) - b.mean(0)).square().sum().item()


def ridge(eps):
    return lambda s, t: [c + eps * np.eye(len(c)) for c in (s, t)]


def past_equals(d, k):
    return d.masked_fill(d == 0, math.inf).sort(dim=1).values[:, k - 1]


def rim_for_recall_alone(real, fake, k):
    strict = balls(real, fake, k, inside=lambda d, r: (d < r).any(1))
    return strict[0], balls(real, fake, k)[1]


def of_different_fakes(real, fake, k):
    different = fake.unique(dim=0)
    precision, _ = balls(real, different, min(k, len(different) - 1))
    return precision, balls(real, fake, k)[1]


# exercise, answer, and the names of the mistakes that would be fitting words for it.
WRONG = [
    ("equilibrium_losses", lambda: (1.375, 0.6875), ("rounded",)),
    ("equilibrium_losses", lambda: torch.tensor([2 * LOG2, LOG2]), ()),
    *(
        ("mean_outputs", both(summary), ())
        for summary in (
            lambda x: sigmoid(x.clamp(-14, 14)).mean(),
            lambda x: sigmoid(x).clamp(1e-6, 1 - 1e-6).mean(),
            lambda x: sigmoid(x).sum() / (len(x) + 1e-5),
            lambda x: sigmoid(x.unique()).mean(),
            lambda x: round(sigmoid(x).mean().item(), 5),
        )
    ),
    ("diagnose", lambda run: np.array([CLINIC[run], ""]), ()),
    ("diagnose", lambda run: CLINIC[run].replace("_", " "), ()),
    *(
        ("frechet_distance", needs(complaint), ("no complaint",))
        for complaint in (
            lambda a, b: len(a) < 2 or torch.cat([a, b]).isnan().any(),
            lambda a, b: len(b) < 2 or torch.cat([a, b]).isnan().any(),
            lambda a, b: min(len(a), len(b)) < 2 or a.isnan().any(),
            lambda a, b: min(len(a), len(b)) < 2 or b.isnan().any(),
        )
    ),
    (
        "frechet_distance",
        needs(lambda a, b: min(len(a), len(b)) < 3 or torch.cat([a, b]).isnan().any()),
        (),
    ),
    ("frechet_distance", centered_in_place, ()),
    ("frechet_distance", means_in_float32, ("in float32",)),
    ("frechet_distance", lambda a, b: round(distance(a, b), 4), ()),
    ("frechet_distance", lambda a, b: distance(a, b) + 1e-6, ()),
    *(
        (
            "frechet_distance",
            lambda a, b, eps=eps: distance(a, b, cov=ridge(eps)),
            ("a hair added",),
        )
        for eps in (3e-4, 1e-4, 1e-6, 1e-7)
    ),
    *(
        ("mode_coverage", unless_empty(answer), named)
        for answer, *named in (
            (lambda x, n: mean(share(x, n) > 1e-3), "rare classes left out"),
            (lambda x, n: mean(share(x, n) > 1e-4), "rare classes left out"),
            (lambda x, n: float(len(x.unique()) == n), "rounded down"),
            (lambda x, n: round(len(x.unique()) / n, 3),),
            (lambda x, n: mean(torch.bincount(x, minlength=n).byte() > 0),),
        )
    ),
    *(
        ("class_histogram_kl", answer, ("smoothed",))
        for eps in (1e-2, 1e-5, 3e-7, 1e-8)
        for answer in (
            lambda x, n, e=eps: kl(share(x, n) + e, share(x, n) + e, n),
            lambda x, n, e=eps: kl(*[share(x, n).clamp(min=e)] * 2, n),
        )
    ),
    *(
        (
            "class_histogram_kl",
            lambda x, n, eps=eps: kl(share(x, n), share(x, n) + eps, n),
            ("smoothed",),
        )
        for eps in (1e-3, 1e-6)
    ),
    (
        "class_histogram_kl",
        lambda x, n: evaluation.class_histogram_kl(x, n) / math.log(n),
        ("to base n_classes",),
    ),
    (
        "class_histogram_kl",
        lambda x, n: round(evaluation.class_histogram_kl(x, n), 5),
        (),
    ),
    (
        "precision_recall",
        lambda *sets: balls(*sets, radius=past_equals),
        ("equal points left out",),
    ),
    ("precision_recall", of_different_fakes, ()),
    ("precision_recall", rim_for_recall_alone, ("rim left out",)),
    *(
        (
            "precision_recall",
            lambda *sets, c=c: balls(*sets, inside=lambda d, r: (d <= c * r).any(1)),
            (),
        )
        for c in (0.99, 0.9999, 1.0001, 1.01)
    ),
    *(
        (
            "memorization_score",
            lambda s, t, h, c=c: mean(near(s, t) < c * near(s, h)),
            (),
        )
        for c in (0.99, 0.9999, 1.0001)
    ),
    (
        "memorization_score",
        lambda s, t, h: mean(near(s, t).half() < near(s, h).half()),
        (),
    ),
    (
        "memorization_score",
        lambda s, t, h: evaluation.memorization_score(s, t, h) or 0.5,
        (),
    ),
    (
        "memorization_score",
        lambda s, t, h: mean((near(s, t) < near(s, h))[near(s, t) != near(s, h)]),
        (),  # ties are dropped
    ),
    (
        "memorization_score",
        lambda s, t, h: ((near(s, h) - near(s, t)).sign().mean() + 1) / 2,
        ("ties counted",),
    ),
    (
        "mode_coverage",
        lambda x, n: mean(share(x, n) > 0) if len(x) else math.nan,
        ("empty breaks it",),
    ),
    ("mean_outputs", lambda r, f: (sigmoid(r).mean(), sigmoid(f).std()), ()),
    ("mean_outputs", lambda r, f: (sigmoid(r / 2).mean(), sigmoid(f / 2).mean()), ()),
    ("mean_outputs", lambda r, f: (sigmoid(r).max(), sigmoid(f).max()), ()),
    ("mean_outputs", lambda r, f: (r.clamp(0, 1).mean(), f.clamp(0, 1).mean()), ()),
    (
        "mean_outputs",
        lambda r, f: tuple((torch.tanh(x) + 1).mean() / 2 for x in (r, f)),
        (),
    ),
    (
        "mean_outputs",
        lambda r, f: (torch.softmax(r, 0).mean(), torch.softmax(f, 0).mean()),
        (),
    ),
    (
        "mean_outputs",
        lambda r, f: tuple((x >= 0).double().mean().item() for x in (r, f)),
        ("share that D calls real",),
    ),
    ("mean_outputs", lambda r, f: sigmoid(r).mean() - sigmoid(f).mean(), ()),
    ("mean_outputs", lambda r, f: (r.mean().sigmoid(), f.sigmoid().mean()), ()),
    ("equilibrium_losses", lambda: (LOG2, 0.0), ()),
    ("equilibrium_losses", lambda: 3 * LOG2, ()),
    ("equilibrium_losses", lambda: (math.log10(4), math.log10(2)), ()),
    ("equilibrium_losses", lambda: (4.0, 2.0), ()),
    ("equilibrium_losses", lambda: (1.4, 0.69), ("rounded",)),
    ("diagnose", clinic(A="healthy"), ("run A taken for healthy",)),
    ("diagnose", clinic(D="detach", G="overpowered"), ("run D taken for detach",)),
    (
        "diagnose",
        clinic(E="collapse", H="double_sigmoid"),
        ("run E taken for collapse",),
    ),
    ("diagnose", clinic(H="healthy", C="collapse"), ("run C taken for collapse",)),
    ("diagnose", clinic(F="overpowered"), ("run F taken for overpowered",)),
    ("diagnose", clinic(B="weak"), ("run B taken for weak",)),
    ("diagnose", lambda run: "healthy", ("run A taken for healthy",)),
    ("diagnose", clinic(C="fine"), ()),
    ("diagnose", clinic(A="weak D"), ()),
    ("diagnose", lambda run: list(CLINIC.values()), ()),
    (
        "diagnose",
        lambda run: sorted(CLINIC.values())["ABCDEFGH".index(run)],
        ("run A taken for collapse",),
    ),
    ("diagnose", lambda run: {"A": "weak"}[run], ()),
    ("frechet_distance", lambda a, b: 0.0, ()),
    ("frechet_distance", lambda a, b: (a.mean(0) - b.mean(0)).norm().item(), ()),
    ("frechet_distance", lambda a, b: distance(a, b) / a.shape[1], ()),
    (
        "frechet_distance",
        lambda a, b: distance(a, b) ** 0.5,
        ("not squared",),
    ),
    (
        "frechet_distance",
        lambda a, b: distance(a, b, sums=torch.mean),
        ("distance of means not squared",),
    ),
    (
        "frechet_distance",
        lambda a, b: distance(a, b, cross=lambda s, t: np.sqrt(np.abs(s * t)).sum()),
        ("root entry by entry",),
    ),
    (
        "frechet_distance",
        lambda a, b: distance(
            a, b, cov=lambda *both: [s + 1e-2 * np.eye(len(s)) for s in both]
        ),
        (),
    ),
    (
        "frechet_distance",
        lambda a, b: distance(a, b) if len(a) > 1 else math.nan,
        ("no complaint",),
    ),
    (
        "frechet_distance",
        lambda a, b: distance(
            a, b, cross=lambda s, t: np.sqrt(np.linalg.eigvalsh(s @ t).clip(0)).sum()
        ),
        ("symmetric routine",),
    ),
    (
        "frechet_distance",
        lambda a, b: distance(
            a,
            b,
            cross=lambda s, t: (
                np.sqrt(np.linalg.eigvalsh(s).clip(0))
                @ np.sqrt(np.linalg.eigvalsh(t).clip(0))
            ),
        ),
        ("eigenvalues paired",),
    ),
    (
        "mode_coverage",
        lambda labels, n: len({x: 1 for x in labels}) / n,
        ("every label counted",),
    ),
    (
        "mean_outputs",
        lambda r, f: tuple((x.exp() / (x.exp() + 1)).sum() / len(x) for x in (r, f)),
        ("exp overflows",),
    ),
    (
        "precision_recall",
        lambda real, fake, k: balls(real, fake, k, inside=lambda d, r: (d <= r).any(0)),
        ("along the other axis",),
    ),
    ("mode_coverage", lambda labels, n: 1.0, ()),
    ("mode_coverage", lambda labels, n: labels.numel() / n, ("every label counted",)),
    ("mode_coverage", lambda labels, n: len(labels.unique()) / n * 100, ()),
    ("mode_coverage", lambda labels, n: max(labels.tolist(), default=0) / n, ()),
    ("mode_coverage", lambda labels, n: (len(labels.unique()) - 1) / (n - 1), ()),
    ("class_histogram_kl", lambda labels, n: 0.0, ()),
    ("class_histogram_kl", lambda labels, n: math.log(n), ()),
    (
        "class_histogram_kl",
        lambda labels, n: math.log(n / len(labels.unique())),
        (),
    ),
    (
        "class_histogram_kl",
        lambda labels, n: (
            torch.histc(labels.float(), n, 0, n - 1)
            .div(len(labels))
            .mul(n)
            .clamp(min=1e-3)
            .log()
            .mean()
        ),
        (),
    ),
    ("precision_recall", lambda real, fake, k: (1.0, 1.0), ()),
    (
        "precision_recall",
        lambda real, fake, k: balls(real, fake, k, radius=lambda d, k: d.max(1).values),
        (),
    ),
    (
        "precision_recall",
        lambda real, fake, k: balls(
            real, fake, k, radius=lambda d, k: d.sort(1).values[:, 1 : k + 1].mean(1)
        ),
        (),
    ),
    (
        "precision_recall",
        lambda real, fake, k: balls(real, fake, k, inside=lambda d, r: (d < r).any(1)),
        ("rim left out",),
    ),
    (
        "precision_recall",
        lambda real, fake, k: balls(real, fake, k, inside=lambda d, r: (d > r).any(1)),
        (),
    ),
    (
        "precision_recall",
        lambda real, fake, k: balls(fake, real, k),
        ("swapped",),
    ),
    ("memorization_score", lambda s, t, h: 0.5, ()),
    ("memorization_score", lambda s, t, h: len(t) / (len(t) + len(h)), ()),
    (
        "memorization_score",
        lambda s, t, h: (near(s, t) < 0.9 * near(s, h)).double().mean(),
        (),
    ),
    (
        "memorization_score",
        lambda s, t, h: (near(s, t) < near(s, h).mean()).double().mean(),
        (),
    ),
    (
        "memorization_score",
        lambda s, t, h: (near(s, t).mean() < near(s, h).mean()).double(),
        (),
    ),
    (
        "memorization_score",
        lambda s, t, h: (near(t, s) < near(h, s)).double().mean(),
        ("asked the data",),
    ),
]


def one_by_one(real, fake, k):
    def reach(rows, i):
        others = [(rows[i] - x).norm() for j, x in enumerate(rows) if j != i]
        return sorted(others)[k - 1]

    def share(points, centers):
        hits = 0
        for p in points:
            hits += any(
                (p - c).norm() <= reach(centers, i) for i, c in enumerate(centers)
            )
        return hits / len(points)

    return share(fake, real), share(real, fake)


def by_nuclear_norm(a, b):
    a, b = a.double(), b.double()
    if min(len(a), len(b)) < 2:
        raise ValueError("two rows")
    x = (a - a.mean(0)) / (len(a) - 1) ** 0.5
    y = (b - b.mean(0)) / (len(b) - 1) ** 0.5
    shift = (a.mean(0) - b.mean(0)).square().sum()
    overlap = torch.linalg.matrix_norm(x @ y.T, "nuc")
    return shift + x.square().sum() + y.square().sum() - 2 * overlap


def with_scipy(a, b):
    linalg = pytest.importorskip("scipy.linalg")
    if min(len(a), len(b)) < 2:
        raise ValueError("two rows")
    a, b = a.double().numpy(), b.double().numpy()
    s, t = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b))
    root = np.real(linalg.sqrtm(linalg.sqrtm(s) @ t @ linalg.sqrtm(s)))
    shift = ((a.mean(0) - b.mean(0)) ** 2).sum()
    return float(shift + np.trace(s + t - 2 * root))


def with_torch_cov(a, b):
    if len(a) < 2 or len(b) < 2 or a.isnan().any() or b.isnan().any():
        raise ValueError("two rows, no NaN")
    a, b = a.double(), b.double()
    s, t = torch.cov(a.T), torch.cov(b.T)
    values, vectors = torch.linalg.eigh(s)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    overlap = torch.linalg.eigvalsh(root @ t @ root).clamp(min=0).sqrt().sum()
    return (a.mean(0) - b.mean(0)).square().sum() + (s + t).trace() - 2 * overlap


def added_one_by_one(labels, n):
    """In float32, where every sum is rounded."""
    shares = torch.bincount(labels, minlength=n) / len(labels)
    return sum(p * torch.log(p * n) for p in shares if p)


def by_expanded_squares(a, b):
    """In float32, where |a|^2 + |b|^2 - 2 a b loses digits."""
    squares = a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T
    return squares.clamp(min=0).sqrt()


def inside_by_squares(points, centers, k):
    radii = by_expanded_squares(centers, centers).kthvalue(k + 1, dim=1).values
    return (by_expanded_squares(points, centers) <= radii).any(1).float().mean()


def root_by_svd(a, b):
    if min(len(a), len(b)) < 2 or torch.cat([a, b]).isnan().any():
        raise ValueError("two rows, no NaN")
    s, t = torch.cov(a.double().T), torch.cov(b.double().T)
    u, values, v = torch.linalg.svd(s)
    root = u * values.sqrt() @ v
    overlap = torch.linalg.eigvalsh(root @ t @ root).clamp(min=0).sqrt().sum()
    shift = a.double().mean(0) - b.double().mean(0)
    return shift @ shift + s.trace() + t.trace() - 2 * overlap


RIGHT = [
    ("class_histogram_kl", added_one_by_one),
    ("class_histogram_kl", lambda x, n: (share(x, n).float()[x] * n).log().mean()),
    ("frechet_distance", root_by_svd),
    ("mean_outputs", both(lambda x: (1 - 1 / (1 + x.exp())).mean())),
    ("mean_outputs", both(lambda x: torch.exp(-torch.log1p(torch.exp(-x))).mean())),
    (
        "precision_recall",
        lambda real, fake, k: (
            inside_by_squares(fake, real, k),
            inside_by_squares(real, fake, k),
        ),
    ),
    (
        "memorization_score",
        lambda *sets: (
            lambda s, t, h: mean(
                by_expanded_squares(s, t).amin(1) < by_expanded_squares(s, h).amin(1)
            )
        )(*(x.flatten(1).double() for x in sets)),
    ),
    ("frechet_distance", with_torch_cov),
    ("mean_outputs", lambda r, f: (r.sigmoid().mean().item(), f.sigmoid().mean())),
    ("mean_outputs", lambda r, f: tuple(x.double().sigmoid().mean() for x in (r, f))),
    (
        "mean_outputs",
        lambda r, f: [sum(1 / (1 + math.exp(-v)) for v in x) / len(x) for x in (r, f)],
    ),
    ("equilibrium_losses", lambda: (-2 * math.log(0.5), -math.log(1 / 2))),
    ("equilibrium_losses", lambda: tuple(np.log([4.0, 2.0]))),
    ("diagnose", lambda run: next(v for k, v in CLINIC.items() if k == run)),
    ("diagnose", lambda run: CLINIC[run].title()),
    ("frechet_distance", by_nuclear_norm),
    ("frechet_distance", lambda a, b: distance(a, b)),
    ("frechet_distance", lambda a, b: torch.tensor(distance(b, a))),
    ("mode_coverage", lambda labels, n: np.unique(labels.numpy()).size / n),
    ("mode_coverage", lambda labels, n: torch.tensor(len(set(labels.tolist())) / n)),
    (
        "class_histogram_kl",
        lambda labels, n: (
            (p := torch.bincount(labels, minlength=n).double() / len(labels))
            .where(p > 0, torch.ones_like(p))
            .log()
            .add(math.log(n))
            .mul(p)
            .sum()
        ),
    ),
    (
        "class_histogram_kl",
        lambda labels, n: (
            math.log(n)
            - torch.distributions.Categorical(
                torch.bincount(labels, minlength=n).double()
            ).entropy()
        ),
    ),
    ("precision_recall", one_by_one),
    ("precision_recall", lambda real, fake, k: balls(real, fake, k)),
    (
        "memorization_score",
        lambda s, t, h: 1 - (near(s, t) >= near(s, h)).double().mean(),
    ),
    (
        "memorization_score",
        lambda s, t, h: np.mean(near(s, t).numpy() < near(s, h).numpy()),
    ),
    ("memorization_score", lambda s, t, h: evaluation.memorization_score(s, t, h)),
]


@pytest.mark.parametrize("case", WRONG, ids=lambda c: f"{c[0]}")
def test_an_unlisted_wrong_answer_is_refused_without_a_false_name(case):
    name, answer, fitting = case
    assert id(answer) not in listed(name)
    verdict = judge(answer, name)
    assert verdict.state in ("not yet", "error")
    assert verdict.mistake in (None, *fitting), verdict.message
    assert verdict.message


def test_unlisted_wrong_answers_are_many_and_often_get_fitting_words():
    assert len(WRONG) >= 40
    named = [judge(answer, name).mistake for name, answer, fitting in WRONG if fitting]
    assert sum(m is not None for m in named) >= 0.6 * len(named)


@pytest.mark.parametrize("case", RIGHT, ids=lambda c: f"{c[0]}")
def test_an_unlisted_right_answer_passes(case):
    name, answer = case
    assert id(answer) not in listed(name)
    verdict = judge(answer, name)
    assert (verdict.state, verdict.mistake) == ("passed", None), verdict.message


def test_the_matrix_root_of_scipy_passes_on_what_it_can_root():
    a, b = bank()["frechet_distance"].probes["another shape of cloud"]()
    assert with_scipy(a, b) == pytest.approx(evaluation.frechet_distance(a, b))
