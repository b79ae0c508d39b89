"""Lesson 1's checks on answers that the bank does not know: wrong ones are refused, a
named mistake fits what was typed, and right ones written differently pass."""

import numpy as np
import pytest
import torch
from unlisted import listed

from course_utils.exercises import judge

cholesky = torch.linalg.cholesky


def normal(mean, n, generator):
    return torch.randn(n, len(mean), generator=generator, dtype=mean.dtype)


def drawn(mean, covariance, n, generator):
    return mean + normal(mean, n, generator) @ cholesky(covariance).T


def after(change):
    """The right draws, changed; no number is drawn anew."""
    return lambda *arguments: change(drawn(*arguments))


def with_latents(change):
    def sample(mean, covariance, n, generator):
        return mean + change(normal(mean, n, generator)) @ cholesky(covariance).T

    return sample


def shifted(shift):
    def posterior(ll, lp):
        joint = (ll + lp - shift(ll, ll + lp)).exp()
        return joint / joint.sum(1, keepdim=True)

    return posterior


def overwriting_the_covariance(mean, covariance, n, generator):
    return mean + normal(mean, n, generator) @ cholesky(covariance.tril_()).T


def overwriting_the_mean(mean, covariance, n, generator):
    return drawn(mean.clamp_(-0.5, 0.5), covariance, n, generator)


def overwriting_both(mean, covariance, n, generator):
    mean.zero_()
    covariance.copy_(torch.eye(len(mean)))
    return normal(mean, n, generator)


def set_back_after_drawing(mean, covariance, n, generator):
    x = drawn(mean, covariance, n, generator)
    generator.manual_seed(7)
    return x


def globally_seeded(mean, covariance, n, generator):
    torch.manual_seed(4)
    return mean + torch.randn(n, len(mean)) @ cholesky(covariance).T


def every_second_mirrored(z):
    signs = torch.ones(len(z), 1)
    z = z.repeat_interleave(2, 0)[: len(z)]
    signs[1::2] = -1
    return signs * z


def second_half_again(z):
    half = (len(z) + 1) // 2
    return torch.cat([z[:half], z[: len(z) - half]])


def by_uniforms(inverse):
    """Latents made from uniform numbers of the generator, in float64."""

    def sample(mean, covariance, n, generator):
        u = torch.rand(n, len(mean), generator=generator, dtype=torch.float64)
        return mean + inverse(u).float() @ cholesky(covariance).T

    return sample


def by_three_uniforms(mean, covariance, n, generator):
    u = torch.rand(n, len(mean), 3, generator=generator)
    return mean + (2 * u.sum(2) - 3) @ cholesky(covariance).T


def jittered(jitter):
    def sample(mean, covariance, n, generator):
        S = covariance + jitter * torch.eye(len(mean))
        return drawn(mean, S, n, generator)

    return sample


def by_numpy(seed):
    """NumPy's own draws; `seed` says where its generator begins."""

    def sample(mean, covariance, n, generator):
        rng = np.random.default_rng(seed(generator))
        x = rng.multivariate_normal(mean.numpy(), covariance.numpy(), n)
        return torch.from_numpy(x).float()

    return sample


def with_a_generator_of_its_own(mean, covariance, n, generator):
    return drawn(mean, covariance, n, torch.Generator())


def seeded_by_the_clock(mean, covariance, n, generator):
    generator.seed()
    return drawn(mean, covariance, n, generator)


def eigenvectors_for_rows(mean, covariance, n, generator):
    w, v = torch.linalg.eigh(covariance)
    z = normal(mean, n, generator)
    return mean + torch.einsum("nj,j,ji->ni", z, w.sqrt(), v)


def sorted_rows(x):
    return x[x[:, 0].argsort()]


def fitted(shrink, classes=lambda labels: range(int(labels.max()) + 1)):
    def fit(images, labels, s):
        means, covariances = [], []
        for c in classes(labels):
            x = images[labels == c]
            S = (x - x.mean(0)).T @ (x - x.mean(0)) / len(x)
            means.append(x.mean(0))
            covariances.append(shrink(S, s, S.trace() / len(S)))
        return torch.stack(means), torch.stack(covariances)

    return fit


def right(S, s, v):
    return (1 - s) * S + s * v * torch.eye(len(S), dtype=S.dtype)


OTHER_SHIFT = ("shifted by something other than the maximum",)
SHAPE = ("shape changed",)
NOT_NORMAL = ("latents not standard normal",)

# exercise, answer, and the names of the mistakes that would be fitting words for it.
WRONG = [
    ("posterior", shifted(lambda ll, a: ll.mean(1, keepdim=True)), OTHER_SHIFT),
    ("posterior", shifted(lambda ll, a: a.mean(1, keepdim=True)), OTHER_SHIFT),
    ("posterior", shifted(lambda ll, a: ll.amin(1, keepdim=True)), OTHER_SHIFT),
    ("posterior", shifted(lambda ll, a: a.amin(1, keepdim=True)), OTHER_SHIFT),
    ("posterior", shifted(lambda ll, a: ll[:, [0]]), OTHER_SHIFT),
    (
        "posterior",
        shifted(lambda ll, a: ll.max(1, keepdim=True)[0]),
        ("maximum before the prior",),
    ),
    (
        "posterior",
        lambda ll, lp: ll + lp - (ll + lp).max(dim=1, keepdim=True),
        ("the pair that max returns",),
    ),
    (
        "posterior",
        lambda ll, lp: (ll + lp).float().softmax(1),
        ("always float32",),
    ),
    (
        "posterior",
        lambda ll, lp: torch.softmax((ll + lp).half(), 1).float(),
        ("always float32",),
    ),
    ("posterior", lambda ll, lp: torch.softmax(2 * ll + lp, 1), ()),
    ("posterior", lambda ll, lp: torch.softmax((ll + lp).clamp(-200), 1), ()),
    ("posterior", lambda ll, lp: torch.softmax(ll + lp, 1).clamp(1e-8), ()),
    ("posterior", lambda ll, lp: torch.softmax(ll + lp, 1) + 1e-12, ()),
    ("posterior", lambda ll, lp: torch.softmax(ll + lp.clamp(-1e4), 1), ()),
    (
        "posterior",
        lambda ll, lp: torch.softmax(ll.exp() * lp.exp(), 1),
        ("exponentiated twice",),
    ),
    (
        "posterior",
        lambda ll, lp: torch.nn.functional.normalize((ll + lp).double().exp(), 1, 1)
        .nan_to_num()
        .to(ll.dtype),
        (),
    ),
    (
        "fit_class_gaussians",
        fitted(lambda S, s, v: (1 - s) * S + s * v * torch.ones_like(S)),
        ("added to every entry",),
    ),
    (
        "fit_class_gaussians",
        fitted(lambda S, s, v: (1 - s) * S + s * v),
        ("added to every entry",),
    ),
    (
        "fit_class_gaussians",
        fitted(lambda S, s, v: S + s * torch.eye(len(S), dtype=S.dtype)),
        ("s I added",),
    ),
    ("fit_class_gaussians", fitted(lambda S, s, v: (1 - s) * S + v / 2), ()),
    ("fit_class_gaussians", fitted(lambda S, s, v: right(S, s, v) + 1e-8), ()),
    ("fit_class_gaussians", fitted(lambda S, s, v: right(S, s, v.clamp(1e-4))), ()),
    (
        "fit_class_gaussians",
        fitted(lambda S, s, v: right(S + 1e-6 * torch.eye(len(S)), s, v + 1e-6)),
        ("a constant on the diagonal",),
    ),
    ("fit_class_gaussians", fitted(right, lambda y: dict.fromkeys(y.tolist())), ()),
    (
        "fit_class_gaussians",
        fitted(lambda S, s, v: right(S, s, S.trace() / 64)),
        ("sizes of the digits written in",),
    ),
    ("sample_class", overwriting_the_covariance, ()),
    ("sample_class", overwriting_the_mean, ()),
    ("sample_class", overwriting_both, ()),
    ("sample_class", set_back_after_drawing, ("seeded inside",)),
    ("sample_class", globally_seeded, ("global seed set",)),
    ("sample_class", with_latents(lambda z: 1.05 * z), ()),
    ("sample_class", with_latents(lambda z: z.clamp(-2, 2)), NOT_NORMAL),
    (
        "sample_class",
        by_uniforms(lambda u: (0.9973 * (2 * u - 1)).erfinv() * 2**0.5),
        NOT_NORMAL,
    ),
    ("sample_class", by_three_uniforms, NOT_NORMAL),
    ("sample_class", jittered(1e-3), ()),
    ("sample_class", jittered(1e-4), ()),
    ("sample_class", by_numpy(lambda g: None), ("global random state",)),
    ("sample_class", by_numpy(lambda g: g.initial_seed()), ("seeded inside",)),
    ("sample_class", with_a_generator_of_its_own, ("seeded inside",)),
    ("sample_class", seeded_by_the_clock, ("global random state",)),
    ("sample_class", eigenvectors_for_rows, ("eigenvectors taken for rows",)),
    ("sample_class", with_latents(every_second_mirrored), ()),
    (
        "sample_class",
        with_latents(second_half_again),
        ("half of the draws made from the others",),
    ),
    (
        "sample_class",
        with_latents(lambda z: (z - z.mean(0)) / z.std(0)),
        ("latents standardized over the batch",),
    ),
    ("sample_class", with_latents(lambda z: z.sort(0).values), ()),
    ("sample_class", after(sorted_rows), ()),
    ("sample_class", after(torch.squeeze), ("axis of length 1 removed",)),
    ("sample_class", after(lambda x: x.numpy()), ()),
    ("sample_class", after(list), ()),
    ("sample_class", after(lambda x: x[0]), ()),
    ("sample_class", after(lambda x: x.shape), ()),
    ("sample_class", after(lambda x: None), ()),
    ("sample_class", after(lambda x: x.T), ()),
    ("sample_class", after(lambda x: x.double()), ()),
    ("mse_minimizer", lambda x: x.mean(0).squeeze(), SHAPE),
    ("mse_minimizer", lambda x: x.mean(0).reshape(-1), SHAPE),
    ("mse_minimizer", lambda x: x[:4].mean(0), ()),
    ("mse_minimizer", lambda x: x.float().mean(0), ("always float32",)),
    ("mse_minimizer", lambda x: x.median(dim=0), ("median",)),
    ("mse_minimizer", lambda x: x.mean(0).round(decimals=2), ()),
    ("sample_by_inverse_cdf", lambda u: u.clamp(min=0.1).sqrt(), ()),
    ("sample_by_inverse_cdf", lambda u: u.float().sqrt(), ()),
]


def with_a_loop_and_its_own_root_each_time(mean, covariance, n, generator):
    rows = []
    for _ in range(n):
        z = torch.randn(len(mean), generator=generator)
        rows.append(mean + cholesky(covariance) @ z)
    return torch.stack(rows)


def through_the_singular_values(mean, covariance, n, generator):
    u, s, _ = torch.linalg.svd(covariance)
    return mean + (normal(mean, n, generator) * s.sqrt()) @ u.T


def in_double(mean, covariance, n, generator):
    z = torch.randn(n, len(mean), generator=generator, dtype=torch.float64)
    return (mean + z @ cholesky(covariance.double()).T).to(mean.dtype)


def by_box_and_muller(mean, covariance, n, generator):
    shape = (n, len(mean))
    u, v = (torch.rand(shape, generator=generator, dtype=torch.float64) for _ in "uv")
    z = (-2 * (1 - u).log()).sqrt() * (2 * torch.pi * v).cos()
    return mean + z.float() @ cholesky(covariance).T


def by_one_newton_step(x):
    guess = torch.zeros_like(x[0], requires_grad=True)
    (slope,) = torch.autograd.grad(((x - guess) ** 2).sum() / len(x), guess)
    return (guess - slope / 2).detach()


def by_bisection(u):
    low, high = torch.zeros_like(u), torch.ones_like(u)
    for _ in range(60):
        middle = (low + high) / 2
        below = middle**2 < u
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return high


RIGHT = [
    ("posterior", shifted(lambda ll, a: a.max(1, keepdim=True)[0])),
    ("posterior", lambda ll, lp: torch.stack([(row + lp).softmax(0) for row in ll])),
    ("posterior", lambda ll, lp: torch.softmax((ll + lp).double(), 1).to(ll.dtype)),
    ("posterior", lambda ll, lp: torch.nn.Softmax(dim=1)(lp + ll)),
    ("posterior", lambda ll, lp: torch.softmax(ll + lp.nan_to_num(), 1)),
    ("posterior", lambda ll, lp: torch.distributions.Categorical(logits=ll + lp).probs),
    (
        "fit_class_gaussians",
        fitted(lambda S, s, v: torch.lerp(S, v * torch.eye(len(S)).to(S), s)),
    ),
    (
        "fit_class_gaussians",
        fitted(lambda S, s, v: S - s * S + torch.diag(s * v.expand(len(S)))),
    ),
    ("fit_class_gaussians", fitted(right, lambda y: sorted(set(y.tolist())))),
    ("sample_class", with_a_loop_and_its_own_root_each_time),
    ("sample_class", by_uniforms(lambda u: (2 * u - 1).erfinv() * 2**0.5)),
    ("sample_class", by_numpy(lambda g: int(torch.randint(2**31, (), generator=g)))),
    ("sample_class", jittered(1e-6)),
    ("sample_class", through_the_singular_values),
    ("sample_class", in_double),
    ("sample_class", by_box_and_muller),
    ("mse_minimizer", lambda x: torch.mean(x, dim=0)),
    ("mse_minimizer", lambda x: x.reshape(len(x), -1).mean(0).view(x.shape[1:])),
    ("mse_minimizer", lambda x: torch.var_mean(x, dim=0)[1]),
    ("mse_minimizer", by_one_newton_step),
    ("sample_by_inverse_cdf", lambda u: torch.stack([v**0.5 for v in u])),
    ("sample_by_inverse_cdf", by_bisection),
]


each_wrong = pytest.mark.parametrize("case", WRONG, ids=lambda c: f"{c[0]}")
each_right = pytest.mark.parametrize("case", RIGHT, ids=lambda c: f"{c[0]}")


@each_wrong
def test_an_unlisted_wrong_answer_is_refused_without_a_false_name(case):
    name, answer, fitting = case
    assert id(answer) not in listed(name)
    verdict = judge(answer, name)
    assert verdict.state in ("not yet", "error")
    assert verdict.mistake in (None, *fitting), verdict.message
    assert verdict.message


def test_many_unlisted_wrong_answers_still_get_fitting_words():
    named = [judge(answer, name).mistake for name, answer, fitting in WRONG if fitting]
    assert sum(m is not None for m in named) >= 0.8 * len(named)


@each_right
def test_an_unlisted_right_answer_passes(case):
    name, answer = case
    assert id(answer) not in listed(name)
    verdict = judge(answer, name)
    assert (verdict.state, verdict.mistake) == ("passed", None), verdict.message


@pytest.mark.parametrize("seed", range(5))
def test_no_right_sampler_is_refused_by_chance(seed):
    def sample(mean, covariance, n, generator):
        torch.rand(seed, generator=generator)  # other numbers for every seed
        return drawn(mean, covariance, n, generator)

    assert judge(sample, "sample_class").state == "passed"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: x.numpy(), "no tensor: of type ndarray"),
        (list, "no tensor: of type list"),
        (lambda x: x[0], "a tensor of shape (2,)"),
        (lambda x: None, "Your function returned nothing."),
    ],
)
def test_a_sampler_that_returns_something_else_is_told_what(change, words):
    message = judge(after(change), "sample_class").message
    assert words in message
    assert "generator" not in message and len(message) < 400
