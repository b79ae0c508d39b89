"""Answers to lesson 4 that no bank lists: wrong ones are refused, right ones pass.

Beside each wrong answer stand words that the message must hold where it is told what is
wrong, and None where the card can only show the numbers.
"""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils import evaluation, losses
from course_utils.exercises import bank, judge

WISH, LABEL = "nonsaturating_generator_loss", "flipped_target_loss"
RATIO, MODES = "slope_ratio", "modes_covered"
PULL = "nonsaturating_gradient_1d"
SOFT, SOFT_D = "smoothed_targets", "smoothed_optimal_discriminator"
log, sigmoid = torch.log, torch.sigmoid

EPS = torch.linspace(-8, 8, 4001, dtype=torch.float64)
WEIGHT = torch.softmax(-(EPS**2) / 2, dim=0)


# ---------------------------------------------------------------- wrong


def in_place(p):
    return -p.log_().mean()


def counts_while_looping(samples, centers, radius):
    found = 0
    for sample in samples:
        for center in centers:
            found += int((sample - center).norm() < radius)
    return found


def first_center_only(samples, centers, radius):
    for center in centers:
        if (samples - center).norm(dim=1).min() < radius:
            return 1
    return 0


def density_without_a_step(theta):
    x = theta + EPS
    density = torch.exp(-(EPS**2) / 2) / math.sqrt(2 * math.pi)
    return (theta * sigmoid(theta * x - theta**2 / 2) * density).sum().item()


def a_few_draws(theta):
    eps = torch.randn(100)
    return (theta * sigmoid(theta * (theta + eps) - theta**2 / 2)).mean().item()


def per_sample(theta):
    x = theta + EPS
    return theta * sigmoid(theta * x - theta**2 / 2)


def one_center_a_sample(samples, centers, radius):
    left, found = list(centers), 0
    for sample in samples:
        for i, center in enumerate(left):
            if (sample - center).norm() <= radius:
                del left[i]
                found += 1
                break
    return found


def writes_into_the_samples(samples, centers, radius):
    samples += 1e-3
    return evaluation.modes_covered(samples, centers, radius)


def soft(p, q, a, b):
    return (a * p + b * q) / (p + q)


WRONG = [
    (WISH, "NumPy", lambda p: -np.log(p.numpy()).mean(), "Stay in torch"),
    (WISH, "a Python float", lambda p: -log(p).mean().item(), "Stay in torch"),
    (WISH, "cut off", lambda p: -log(p.detach()).mean(), "cut off"),
    (WISH, "in place", in_place, "changed in place"),
    (WISH, "both terms", lambda p: -(log(p) + log(1 - p)).mean(), None),
    (WISH, "the odds", lambda p: -(log(p) - log(1 - p)).mean(), None),
    (WISH, "the worst sample", lambda p: -log(p).max(), None),
    (WISH, "one over", lambda p: (1 / p).mean(), None),
    (WISH, "nothing returned", lambda p: None, "Is there a `return`?"),
    (WISH, "float64", lambda p: -log(p.double()).mean(), "The type is float64"),
    (WISH, "a coarse clamp", lambda p: -log(p.clamp(min=0.05)).mean(), None),
    (WISH, "a generator expression", lambda p: (-log(q) for q in p), "yields"),
    (WISH, "clamped at the top", lambda p: -log(p.clamp(max=0.9999)).mean(), None),
    (WISH, "an epsilon of 1e-12", lambda p: -log(p + 1e-12).mean(), "An epsilon or a"),
    (WISH, "a clamp at 1e-4", lambda p: -log(p.clamp(1e-4)).mean(), "An epsilon or a"),
    (WISH, "a law that clamps", lambda p: -torch.distributions.Bernoulli(
        probs=p).log_prob(torch.ones_like(p)).mean(), "`Bernoulli` brings one along"),
    (WISH, "in half precision", lambda p: -log(p.half()).mean().to(p.dtype), None),
    (WISH, "a bit less than 1", lambda p: F.binary_cross_entropy(
        p, torch.full_like(p, 0.999)), None),
    (WISH, "of one plus D minus one", lambda p: -torch.log1p(p - 1).mean(),
     "Right on paper"),
    (LABEL, "a bit less than 1", lambda p: F.binary_cross_entropy(
        p, torch.full_like(p, 0.999)), "Soft targets are for D"),
    (LABEL, "the other answer, the other label", lambda p: F.binary_cross_entropy(
        1 - p, torch.zeros_like(p)), "Right on paper"),
    (LABEL, "in float32 always", lambda p: -log(p.float()).mean(), "is float32"),
    (LABEL, "NumPy target", lambda p: F.binary_cross_entropy(p, np.ones(len(p))),
     "line"),
    (LABEL, "a random label", lambda p: F.binary_cross_entropy(
        p, torch.randint(2, p.shape).to(p.dtype)), None),
    (LABEL, "one label", lambda p: F.binary_cross_entropy(p, torch.tensor([1.0])),
     "shapes do not fit"),
    (LABEL, "hinge", lambda p: F.relu(1 - p).mean(), None),
    (LABEL, "cut off", lambda p: F.binary_cross_entropy(p.detach(), torch.ones_like(p)),
     "cut off"),
    (LABEL, "the argument misspelled", lambda p: -log(probability).mean(),  # noqa: F821
     "has no value here"),
    (LABEL, "outward", lambda p: losses.binary_cross_entropy(
        p, torch.full_like(p, 1.1)), None),
    (RATIO, "squared", lambda x: torch.exp(-x) ** 2, None),
    (RATIO, "base 2", lambda x: 2.0**-x, None),
    (RATIO, "a Python number", lambda x: math.exp(-x.flatten()[0].item()),
     "Stay in torch"),
    (RATIO, "plus one", lambda x: torch.exp(-x) + 1e-3, None),
    (RATIO, "of the absolute", lambda x: torch.exp(x.abs()), None),
    (RATIO, "flattened", lambda x: torch.exp(-x).flatten(), "The shape is"),
    (RATIO, "in float32 always", lambda x: torch.tensor(
        [math.exp(-v) for v in x.flatten()]).view(x.shape), "The type is float32"),
    (RATIO, "NumPy, no detach", lambda x: torch.from_numpy(np.exp(-x.numpy())),
     "NumPy cannot follow the graph"),
    (MODES, "one center a sample", one_center_a_sample, "near two centers meets both"),
    (MODES, "into the samples", writes_into_the_samples, "changed in place"),
    (MODES, "a tenth too far", lambda s, c, r: evaluation.modes_covered(s, c, 1.1 * r),
     None),
    (MODES, "not the last", lambda s, c, r: evaluation.modes_covered(s, c[:-1], r),
     None),
    (MODES, "on average", lambda s, c, r: int(
        (torch.cdist(s, c).mean(0) <= r).sum()), None),
    (MODES, "the lesson's radius", lambda s, c, r: evaluation.modes_covered(s, c, 0.6),
     None),
    (MODES, "pairs, in a loop", counts_while_looping, "Ask each *center*"),
    (MODES, "stops at the first", first_center_only, None),
    (MODES, "taxicab", lambda s, c, r: int(
        ((s[:, None] - c).abs().sum(2) <= r).any(0).sum()), None),
    (MODES, "half the radius", lambda s, c, r: evaluation.modes_covered(s, c, r / 2),
     None),
    (MODES, "a fixed radius", lambda s, c, r: evaluation.modes_covered(s, c, 0.5),
     None),
    (MODES, "two samples wanted", lambda s, c, r: int(
        ((torch.cdist(s, c) <= r).sum(0) >= 2).sum()), None),
    (MODES, "how many there are", lambda s, c, r: len(c), None),
    (MODES, "a string", lambda s, c, r: "2", "A whole number is wanted"),
    (PULL, "no step of the grid", density_without_a_step, "times what is wanted"),
    (PULL, "a few draws", a_few_draws, None),
    (PULL, "for each eps", per_sample, None),
    (PULL, "no second power", lambda t: (
        t * sigmoid(t * (t + EPS) - t / 2) * WEIGHT).sum().item(), None),
    (PULL, "twice", lambda t: 2 * (
        t * sigmoid(t * EPS + t**2 / 2) * WEIGHT).sum().item(), "2 times"),
    (PULL, "at the mean only", lambda t: t / (1 + math.exp(-(t**2) / 2)), None),
    (PULL, "all eps alike", lambda t: (
        t * sigmoid(t * EPS + t**2 / 2)).mean().item(), "multiply by `weight`"),
    (PULL, "weighted, then averaged", lambda t: (
        t * sigmoid(t * EPS + t**2 / 2) * WEIGHT).mean().item(), "sums to 1 already"),
    (SOFT, "rounded", lambda n, s: torch.full((n,), round(1 - s, 1)), None),
    (SOFT, "never below a half", lambda n, s: torch.full((n,), max(0.5, 1 - s)), None),
    (SOFT, "in percent", lambda n, s: torch.full((n,), 1 - s / 100), None),
    (SOFT, "a list", lambda n, s: [1 - s] * n, "a tuple or list"),
    (SOFT, "NumPy", lambda n, s: np.full(n, 1 - s), "NumPy"),
    (SOFT, "whole numbers", lambda n, s: torch.ones(n).long(), "The type is int64"),
    (SOFT, "fixed at 0.9", lambda n, s: torch.full((n,), 0.9), None),
    (SOFT, "one too many", lambda n, s: torch.full((n + 1,), 1 - s), "The shape is"),
    (SOFT, "a ramp", lambda n, s: torch.linspace(1 - s, 1, n), None),
    (SOFT_D, "geometric", lambda p, q, a, b: a ** (p / (p + q)) * b ** (q / (p + q)),
     None),
    (SOFT_D, "the larger vote", lambda p, q, a, b: torch.where(
        p > q, torch.full_like(p, a), torch.full_like(p, b)), None),
    (SOFT_D, "the middle", lambda p, q, a, b: torch.full_like(p, (a + b) / 2), None),
    (SOFT_D, "an epsilon", lambda p, q, a, b: (a * p + b * q) / (p + q + 1e-2), None),
    (SOFT_D, "a small epsilon", lambda p, q, a, b: (a * p + b * q) / (p + q + 1e-8),
     None),
    (SOFT_D, "clamped", lambda p, q, a, b: soft(p, q, a, b).clamp(0.01, 0.99), None),
    (SOFT_D, "cut off", lambda p, q, a, b: soft(p, q, a, b).detach(), "cut off"),
    (SOFT_D, "cut off below", lambda p, q, a, b: (a * p + b * q) / (p + q).detach(),
     None),
    (SOFT_D, "in float32", lambda p, q, a, b: soft(p.float(), q.float(), a, b),
     "The type is float32"),
    (SOFT_D, "half outside the densities", lambda p, q, a, b: torch.where(
        p + q > 1e-6, soft(p, q, a, b), 0.5), None),
    (SOFT_D, "raised, not stretched", lambda p, q, a, b: b + a * p / (p + q),
     "only fakes come here"),
    (SOFT_D, "no parentheses", lambda p, q, a, b: a * p + b * q / (p + q),
     "in parentheses"),
    (SOFT_D, "a mean", lambda p, q, a, b: ((a * p + b * q) / (p + q)).mean(),
     "The shape is"),
    (SOFT_D, "targets of 0.9 and 0", lambda p, q, a, b: 0.9 * p / (p + q), None),
]  # fmt: skip


# ---------------------------------------------------------------- right


def nodes_of_hermite(theta):
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    slope = theta / (1 + np.exp(-(theta * (theta + nodes) - theta**2 / 2)))
    return float((slope * weights).sum() / weights.sum())


def by_vmap(p):
    return torch.vmap(lambda q: -log(q))(p).mean()


def written_out(samples, centers, radius):
    covered = set()
    for x, y in samples.tolist():
        for i, (a, b) in enumerate(centers.tolist()):
            if math.hypot(x - a, y - b) <= radius:
                covered.add(i)
    return len(covered)


def by_search(p, q, a, b):
    """The best of a million answers, refined by a parabola's vertex: no formula."""
    D = torch.linspace(1e-6, 1 - 1e-6, 200001, dtype=torch.float64)[:, None]
    up, down = a * p + b * q, (1 - a) * p + (1 - b) * q
    cost = -(up.double() * D.log() + down.double() * (1 - D).log())
    start = D[cost.argmin(dim=0), 0]
    for _ in range(3):  # Newton's method on the derivative
        slope = -up / start + down / (1 - start)
        start = start - slope / (up / start**2 + down / (1 - start) ** 2)
    return start.to(p.dtype)


def by_autograd(x):
    x = x.detach().clone().requires_grad_()
    (new,) = torch.autograd.grad(F.softplus(-x).sum(), x)
    (old,) = torch.autograd.grad(-F.softplus(x).sum(), x)
    return new / old


def frozen_difference(theta, h=1e-4):
    def height(moved):
        return (F.softplus(theta * (moved + EPS) - theta**2 / 2) * WEIGHT).sum()

    return ((height(theta + h) - height(theta - h)) / (2 * h)).item()


RIGHT = [
    (WISH, "vmap", by_vmap),
    (WISH, "a loop", lambda p: sum(-log(q) for q in p) / len(p)),
    (WISH, "log of the power", lambda p: log(p**-1).mean()),
    (WISH, "logsumexp", lambda p: -log(p[None]).logsumexp(0).mean()),
    (WISH, "in float64 and back", lambda p: -log(p.double()).mean().to(p.dtype)),
    (WISH, "softplus of the logit", lambda p: F.softplus(-torch.logit(p)).mean()),
    (WISH, "a dot product", lambda p: -(log(p) @ torch.full_like(p, 1 / len(p)))),
    (LABEL, "cross_entropy of two", lambda p: F.cross_entropy(
        torch.stack([1 - p, p], 1).log(), torch.ones(len(p), dtype=torch.long))),
    (LABEL, "kl_div", lambda p: F.kl_div(log(p), torch.ones_like(p))),
    (LABEL, "a full target", lambda p: F.binary_cross_entropy(
        p, torch.full_like(p, 1))),
    (LABEL, "through logits", lambda p: nn.BCEWithLogitsLoss()(
        torch.logit(p), torch.ones_like(p))),
    (LABEL, "the same formula", losses.nonsaturating_generator_loss),
    (RATIO, "through softmax", lambda x: torch.exp(
        torch.log_softmax(torch.stack([-x / 2, x / 2]), 0).diff(dim=0)[0] * -1)),
    (RATIO, "odds of a fake", lambda x: torch.exp(-x.double()).to(x.dtype)),
    (RATIO, "by autograd", by_autograd),
    (RATIO, "NumPy, detached", lambda x: torch.from_numpy(np.exp(-x.detach().numpy()))),
    (MODES, "the binomial", lambda s, c, r: (
        (s**2).sum(1)[:, None] + (c**2).sum(1) - 2 * s @ c.T <= r * r).any(0).sum()),
    (MODES, "a set", lambda s, c, r: len(
        {j for _, j in (torch.cdist(s, c) < r).nonzero().tolist()})),
    (MODES, "written out", written_out),
    (MODES, "NumPy inside", lambda s, c, r: int((np.linalg.norm(
        s.numpy()[:, None] - c.numpy(), axis=2) <= r).any(axis=0).sum())),
    (MODES, "a tensor", lambda s, c, r: (torch.cdist(c, s).amin(1) <= r).sum()),
    (PULL, "Gauss-Hermite", nodes_of_hermite),
    (PULL, "a tensor", lambda t: (
        t * sigmoid(t * (t + EPS) - t**2 / 2) * WEIGHT).sum()),
    (PULL, "Stein's lemma", lambda t: (
        F.softplus(t * EPS + t**2 / 2) * EPS * WEIGHT).sum().item()),
    (PULL, "a frozen difference", frozen_difference),
    (SOFT, "empty and filled", lambda n, s: torch.empty(n).fill_(1 - s)),
    (SOFT, "expanded", lambda n, s: torch.tensor(1 - s).expand(n)),
    (SOFT_D, "by search", by_search),
    (SOFT_D, "in one softmax", lambda p, q, a, b: b + (a - b) * torch.stack(
        [log(p), log(q)]).softmax(0)[0]),
    (SOFT_D, "on a temporary", lambda p, q, a, b: (p * a).add_(q * b).div_(p + q)),
    (SOFT_D, "weights first", lambda p, q, a, b: torch.lerp(
        torch.full_like(p, b), torch.full_like(p, a), p / (p + q))),
]  # fmt: skip


def name(case):
    return f"{case[0]}-{case[1]}"


@pytest.mark.parametrize("case", WRONG, ids=name)
def test_an_unlisted_wrong_answer_is_refused_and_not_misnamed(case):
    exercise, _, answer, words = case
    verdict = judge(answer, exercise)
    assert verdict.state in ("not yet", "error")
    assert words or verdict.mistake is None, verdict.message
    assert (words or "Probe:") in verdict.message, verdict.message


@pytest.mark.parametrize("case", RIGHT, ids=name)
def test_an_unlisted_right_answer_passes(case):
    exercise, _, answer = case
    verdict = judge(answer, exercise)
    assert (verdict.state, verdict.mistake) == ("passed", None), verdict.message


@pytest.mark.parametrize("exercise", [WISH, LABEL, RATIO, MODES, SOFT_D])
def test_an_answer_that_writes_into_its_input_spoils_no_later_check(exercise):
    def spoils(*inputs):
        for x in inputs:
            if isinstance(x, torch.Tensor):
                x.data.fill_(7.0)
        return inputs[0]

    assert judge(spoils, exercise).state == "not yet"
    right = bank()[exercise].reference
    verdict = judge(lambda *inputs: right(*inputs), exercise)
    assert verdict.state == "passed", verdict.message


def test_most_of_the_wrong_answers_show_a_probe_or_say_what_is_wrong():
    assert len(WRONG) >= 40 and len(RIGHT) >= 12
    assert sum(words is not None for *_, words in WRONG) >= 18
