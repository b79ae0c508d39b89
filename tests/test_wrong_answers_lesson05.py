"""Lesson 5's checks on answers that the bank does not know: wrong ones are refused, a
named mistake fits what was typed, and right ones written differently pass."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli
from unlisted import listed

from course_utils.exercises import judge

softplus, sigmoid, log_sigmoid = F.softplus, torch.sigmoid, F.logsigmoid
BCE, BCE_P = F.binary_cross_entropy_with_logits, F.binary_cross_entropy
ones, zeros = torch.ones_like, torch.zeros_like


def tail(x):
    return torch.log1p(torch.exp(-x.abs()))


def at_the_shorter_length(r, f):
    k = min(len(r), len(f))
    return (softplus(-r[:k]) + softplus(f[:k])).mean()


def by_hand_in_python(x):
    return torch.tensor([math.log1p(math.exp(-v)) for v in x.flatten()]).view(x.shape)


def targets_overwritten(x, t):
    u = t.neg_().add_(1)
    return (u * softplus(x) + (1 - u) * softplus(-x)).mean()


def epsilon_in_the_sum(x):
    y = x - x.amax(-1, keepdim=True)
    return y - torch.log(y.exp().sum(-1, keepdim=True) + 1e-5)


# exercise, answer, and the names of the mistakes that would be fitting words for it.
WRONG = [
    ("largest_safe_exponent", lambda t: math.log(torch.finfo(t).max) - 1, ()),
    ("largest_safe_exponent", lambda t: math.log(torch.finfo(t).max) / 2, ()),
    ("largest_safe_exponent", lambda t: math.sqrt(torch.finfo(t).max), ()),
    ("largest_safe_exponent", lambda t: torch.finfo(t).resolution, ()),
    (
        "largest_safe_exponent",
        lambda t: {16: 11.0, 32: 88.0, 64: 709.0}[torch.finfo(t).bits],
        ("in whole steps",),
    ),
    ("largest_safe_exponent", lambda t: 709.78, ("one type for all",)),
    (
        "largest_safe_exponent",
        lambda t: round(math.log(torch.finfo(t).max), 2),
        ("rounded",),
    ),
    (
        "largest_safe_exponent",
        lambda t: math.ceil(math.log(torch.finfo(t).max)),
        ("in whole steps",),
    ),
    ("neg_log_sigmoid", lambda x: softplus(-x, threshold=5), ("cut too early",)),
    ("neg_log_sigmoid", lambda x: softplus(-x, threshold=12), ("cut too early",)),
    ("neg_log_sigmoid", lambda x: torch.where(x > 50, zeros(x), softplus(-x)), ()),
    ("neg_log_sigmoid", lambda x: softplus(-x.clamp(max=70)), ()),
    ("neg_log_sigmoid", lambda x: softplus(-x) * 1.00001, ()),
    (
        "neg_log_sigmoid",
        lambda x: torch.maximum(-x, zeros(x)) + torch.log1p(torch.exp(-x)),
        ("no absolute value",),
    ),
    ("neg_log_sigmoid", lambda x: tail(x), ("tail only",)),
    ("neg_log_sigmoid", lambda x: tail(x) - x, ("no maximum",)),
    (
        "neg_log_one_minus_sigmoid",
        lambda x: torch.maximum(x, zeros(x)) + torch.log1p(torch.exp(-x)),
        ("no maximum",),
    ),
    (
        "neg_log_sigmoid",
        lambda x: -torch.log(sigmoid(x) + torch.finfo(x.dtype).tiny),
        ("epsilon inside log",),
    ),
    (
        "neg_log_one_minus_sigmoid",
        lambda x: softplus(x, threshold=11),
        ("cut too early",),
    ),
    (
        "neg_log_one_minus_sigmoid",
        lambda x: -torch.log(1 - sigmoid(x).clamp(1e-7, 1 - 1e-7)),
        ("clamped probability",),
    ),
    (
        "neg_log_one_minus_sigmoid",
        lambda x: -torch.log(1 - sigmoid(x.double())).float(),
        ("float64",),
    ),
    (
        "neg_log_sigmoid",
        lambda x: -torch.log(sigmoid(x) + 3e-7),
        ("epsilon inside log",),
    ),
    (
        "neg_log_sigmoid",
        lambda x: -torch.log(sigmoid(x) + torch.finfo(x.dtype).eps),
        ("epsilon inside log",),
    ),
    ("neg_log_sigmoid", lambda x: softplus(-x, beta=2), ()),
    (
        "neg_log_sigmoid",
        lambda x: torch.log1p(torch.exp(-x.clamp(-60, 60))),
        ("clamped logits",),
    ),
    (
        "neg_log_sigmoid",
        lambda x: torch.log(1 + torch.exp(-x.clamp(min=-88))),
        ("clamped logits",),
    ),
    (
        "neg_log_sigmoid",
        lambda x: torch.where(x > -88, torch.log1p(torch.exp(-x)), -x),
        ("plain where",),
    ),
    ("neg_log_sigmoid", lambda x: -x * sigmoid(-x), ()),
    ("neg_log_sigmoid", lambda x: F.relu(-x) + torch.exp(-x.abs()), ()),
    ("neg_log_sigmoid", lambda x: softplus(-x).detach(), ()),
    ("neg_log_sigmoid", by_hand_in_python, ()),
    ("neg_log_sigmoid", lambda x: BCE(x, ones(x)), ("averaged",)),
    ("neg_log_sigmoid", lambda x: (F.relu(-x) + tail(x)).mean(), ("averaged",)),
    ("neg_log_sigmoid", lambda x: F.silu(-x), ()),
    ("neg_log_sigmoid", lambda x: softplus(-x.half()).float(), ()),
    ("neg_log_sigmoid", lambda x: softplus(-x).double(), ()),
    ("neg_log_sigmoid", lambda x: F.leaky_relu(-x, 0.01) + tail(x), ()),
    (
        "neg_log_one_minus_sigmoid",
        lambda x: x + torch.log1p(torch.exp(-x)),
        ("log1p alone", "digits cancelled"),
    ),
    (
        "neg_log_one_minus_sigmoid",
        lambda x: -torch.log1p(-sigmoid(x) + 1e-7),
        ("epsilon inside log",),
    ),
    ("neg_log_one_minus_sigmoid", lambda x: softplus(1 - x), ()),
    (
        "neg_log_one_minus_sigmoid",
        lambda x: -torch.log(sigmoid(-x) + 1e-8),
        ("epsilon inside log",),
    ),
    ("neg_log_one_minus_sigmoid", lambda x: F.relu(x) + tail(x) / 2, ()),
    ("log_softmax", lambda x: torch.softmax(x, 0).log(), ("over the rows",)),
    ("log_softmax", lambda x: x - x.exp().sum().log(), ("over the whole table",)),
    ("log_softmax", lambda x: torch.log_softmax(2 * x, -1), ()),
    ("log_softmax", epsilon_in_the_sum, ()),
    ("log_softmax", lambda x: torch.log_softmax(x.half(), -1).float(), ()),
    (
        "log_softmax",
        lambda x: x.double().softmax(-1).log().float(),
        ("float64",),
    ),
    (
        "log_softmax",
        lambda x: x.clamp(max=80) - x.clamp(max=80).exp().sum(-1, True).log(),
        ("nothing shifted",),
    ),
    ("log_softmax", lambda x: x / x.sum(-1, keepdim=True), ()),
    (
        "bce_with_logits",
        lambda x, t: (2 * t * softplus(-x) + (1 - t) * softplus(x)).mean(),
        (),
    ),
    ("bce_with_logits", lambda x, t: BCE(x, t.clamp(0.1, 0.9)), ()),
    ("bce_with_logits", targets_overwritten, ()),
    ("bce_with_logits", lambda x, t: BCE(x.half(), t.half()).float(), ()),
    ("bce_with_logits", lambda x, t: BCE(x, t) * 1.001, ()),
    (
        "bce_with_logits",
        lambda x, t: (softplus(-x, threshold=7) + (1 - t) * x).mean(),
        ("cut too early",),
    ),
    (
        "bce_with_logits",
        lambda x, t: (x.clamp(min=0) - x * t + tail(x)).mean(),
        ("corner at 0",),
    ),
    (
        "bce_with_logits",
        lambda x, t: F.soft_margin_loss(x, 2 * t - 1),
        ("signs for targets",),
    ),
    ("bce_with_logits", lambda x, t: F.relu(1 - (2 * t - 1) * x).mean(), ()),
    (
        "bce_with_logits",
        lambda x, t: BCE_P(sigmoid(x).clamp(1e-5, 1 - 1e-5), t),
        ("clamped probability",),
    ),
    (
        "discriminator_loss",
        lambda r, f: softplus(-r).mean() + 2 * softplus(f).mean(),
        (),
    ),
    (
        "discriminator_loss",
        lambda r, f: torch.maximum(softplus(-r).mean(), softplus(f).mean()),
        (),
    ),
    (
        "discriminator_loss",
        lambda r, f: softplus(-r).mean() + softplus(f).sum(),
        ("sum",),
    ),
    ("discriminator_loss", at_the_shorter_length, ()),
    (
        "discriminator_loss",
        lambda r, f: softplus(-r).mean() + softplus(f, threshold=9).mean(),
        ("cut too early",),
    ),
    (
        "discriminator_loss",
        lambda r, f: -(log_sigmoid(r).mean() + (1 - log_sigmoid(f)).mean()),
        ("one minus outside",),
    ),
    (
        "discriminator_loss",
        lambda r, f: torch.log(sigmoid(r)).mean() + torch.log(1 - sigmoid(f)).mean(),
        ("sign turned",),
    ),
    (
        "discriminator_loss",
        lambda r, f: -torch.log(sigmoid(f)).mean() - torch.log(1 - sigmoid(r)).mean(),
        ("roles swapped",),
    ),
    (
        "discriminator_loss",
        lambda r, f: softplus(-r).mean() - torch.log(1 - sigmoid(f)).mean(),
        ("one term unmended",),
    ),
    ("discriminator_loss", lambda r, f: softplus(f.mean() - r.mean()), ()),
    (
        "discriminator_loss",
        lambda r, f: (softplus(-r).mean() + softplus(f).mean()) / 4,
        (),
    ),
    ("generator_loss", lambda s: softplus(-s).median(), ()),
    ("generator_loss", lambda s: softplus(-s[0]), ()),
    ("generator_loss", lambda s: softplus(-s, threshold=12).mean(), ("cut too early",)),
    ("generator_loss", lambda s: softplus(-s).mean() + 1e-5, ()),
    (
        "generator_loss",
        lambda s: (torch.maximum(-s, 0 * s) + torch.log1p(torch.exp(-s))).mean(),
        ("no absolute value",),
    ),
    ("generator_loss", lambda s: F.relu(1 - s).mean(), ()),
    ("generator_loss", lambda s: BCE(s, 0.7 * ones(s)), ("smoothed target",)),
    (
        "generator_loss",
        lambda s: -torch.log(sigmoid(s) + 1e-3).mean(),
        ("epsilon inside log",),
    ),
    (
        "generator_loss",
        lambda s: -torch.log(sigmoid(s).clamp(min=1e-3)).mean(),
        ("clamped probability",),
    ),
    (
        "generator_loss",
        lambda s: torch.log(torch.log1p(torch.exp(-s)).exp()).mean(),
        ("log of sigmoid",),
    ),
    ("generator_loss", lambda s: F.soft_margin_loss(s, ones(s)), ("log of sigmoid",)),
    ("generator_loss", lambda s: softplus(-s).mean().item(), ()),
    ("minimax_generator_loss_from_logits", lambda s: -softplus(s).sum() / 64, ()),
    (
        "minimax_generator_loss_from_logits",
        lambda s: torch.log1p(-sigmoid(s)).clamp(min=-30).mean(),
        ("repainted infinity",),
    ),
    (
        "minimax_generator_loss_from_logits",
        lambda s: -softplus(s, threshold=8).mean(),
        ("cut too early",),
    ),
    (
        "minimax_generator_loss_from_logits",
        lambda s: torch.log(1 - sigmoid(s.double())).mean().to(s.dtype),
        ("float64",),
    ),
    (
        "minimax_generator_loss_from_logits",
        lambda s: torch.log(2 - sigmoid(s)).mean(),
        (),
    ),
    (
        "minimax_generator_loss_from_logits",
        lambda s: torch.log(1 - sigmoid(s) * 0.9999).mean(),
        ("epsilon inside log",),
    ),
]


class Mirror(torch.autograd.Function):
    """-log s(l) with a backward pass written by hand."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.relu(-x) + tail(x)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return -upstream * sigmoid(-x)


def two_safe_cases(x):
    positive = x > 0
    right, left = torch.where(positive, x, zeros(x)), torch.where(positive, zeros(x), x)
    far = torch.log1p(torch.exp(left)) - left
    return torch.where(positive, torch.log1p(torch.exp(-right)), far)


def one_by_one(x):
    flat = [log_sigmoid(v) for v in x.flatten()]
    return -torch.stack(flat).view(x.shape)


def filled_in(x):
    out, right = torch.empty_like(x), x > 0
    out[right] = torch.log1p(torch.exp(-x[right]))
    out[~right] = torch.log1p(torch.exp(x[~right])) - x[~right]
    return out


def added_class_by_class(x):
    total = x[:, :1]
    for k in range(1, x.shape[1]):
        total = torch.logaddexp(total, x[:, k : k + 1])
    return x - total


def weighed_together(r, f):
    logits, target = torch.cat([r, f]), torch.cat([ones(r), zeros(f)])
    weight = torch.cat([ones(r) / len(r), ones(f) / len(f)])
    return BCE(logits, target, weight=weight, reduction="sum")


def two_classes(s):
    return torch.stack([zeros(s), s], dim=1)


RIGHT = [
    (
        "largest_safe_exponent",
        lambda t: (
            torch.tensor(torch.finfo(t).max).double().log()
            if t != torch.float64
            else torch.tensor(torch.finfo(t).max, dtype=t).log()
        ),
    ),
    ("largest_safe_exponent", lambda t: math.log1p(torch.finfo(t).max)),
    ("largest_safe_exponent", lambda t: math.log(-torch.finfo(t).min)),
    ("largest_safe_exponent", lambda t: -math.log(1 / torch.finfo(t).max)),
    ("largest_safe_exponent", lambda t: np.float32(math.log(torch.finfo(t).max))),
    ("neg_log_sigmoid", two_safe_cases),
    ("neg_log_sigmoid", filled_in),
    ("neg_log_sigmoid", lambda x: softplus(-x, threshold=14)),
    ("neg_log_sigmoid", lambda x: torch.maximum(-x, x * 0) + tail(x)),
    ("neg_log_sigmoid", lambda x: torch.func.vmap(lambda v: softplus(-v))(x)),
    ("neg_log_sigmoid", lambda x: -Bernoulli(logits=x).log_prob(ones(x))),
    ("neg_log_sigmoid", one_by_one),
    ("neg_log_sigmoid", Mirror.apply),
    ("neg_log_sigmoid", lambda x: torch.nn.Softplus(threshold=40)(-x)),
    ("neg_log_sigmoid", lambda x: -torch.nn.LogSigmoid()(x)),
    ("neg_log_sigmoid", lambda x: torch.max(-x, torch.zeros(())) + tail(x)),
    (
        "neg_log_sigmoid",
        lambda x: torch.logaddexp(zeros(x).double(), -x.double()).float(),
    ),
    ("neg_log_one_minus_sigmoid", lambda x: torch.logaddexp(x, zeros(x))),
    ("neg_log_one_minus_sigmoid", lambda x: two_safe_cases(x.neg())),
    ("neg_log_one_minus_sigmoid", lambda x: -log_sigmoid(-x.double()).to(x)),
    ("log_softmax", lambda x: torch.stack([torch.log_softmax(row, 0) for row in x])),
    ("log_softmax", lambda x: x.double().log_softmax(1).to(x.dtype)),
    ("log_softmax", added_class_by_class),
    ("log_softmax", lambda x: -torch.logsumexp(x[:, None] - x[:, :, None], -1)),
    ("log_softmax", lambda x: (x.T - x.logsumexp(1)).T),
    (
        "log_softmax",
        lambda x: (
            x.sub(m := x.max(1, keepdim=True)[0])
            - x.sub(m).exp().sum(1, keepdim=True).log()
        ),
    ),
    ("bce_with_logits", lambda x, t: BCE(x, t, reduction="sum") / len(x)),
    ("bce_with_logits", lambda x, t: torch.lerp(softplus(x), softplus(-x), t).mean()),
    ("bce_with_logits", lambda x, t: BCE(x[:, None], t[:, None])),
    ("bce_with_logits", lambda x, t: F.multilabel_soft_margin_loss(x[None], t[None])),
    (
        "bce_with_logits",
        lambda x, t: F.cross_entropy(two_classes(x), torch.stack([1 - t, t], 1)),
    ),
    ("bce_with_logits", lambda x, t: softplus(x).mean() - t @ x / len(x)),
    ("discriminator_loss", weighed_together),
    ("discriminator_loss", lambda r, f: BCE(r, r.new_ones(len(r))) + BCE(f, 0 * f)),
    (
        "discriminator_loss",
        lambda r, f: -torch.mean(log_sigmoid(r)) + torch.mean(softplus(f)),
    ),
    (
        "discriminator_loss",
        lambda r, f: two_safe_cases(r).mean() + two_safe_cases(-f).mean(),
    ),
    ("generator_loss", lambda s: F.cross_entropy(two_classes(s), ones(s).long())),
    ("generator_loss", lambda s: (softplus(s) - s).mean()),
    ("generator_loss", lambda s: softplus(-s.float()).mean().to(s.dtype)),
    ("generator_loss", lambda s: softplus(-s.float()).mean()),
    (
        "minimax_generator_loss_from_logits",
        lambda s: torch.mean(s.neg().sub(softplus(-s))),
    ),
    (
        "minimax_generator_loss_from_logits",
        lambda s: torch.log_softmax(two_classes(s), dim=1)[:, 0].mean(),
    ),
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
    assert sum(m is not None for m in named) >= 0.6 * len(named)


@each_right
def test_an_unlisted_right_answer_passes(case):
    name, answer = case
    assert id(answer) not in listed(name)
    verdict = judge(answer, name)
    assert (verdict.state, verdict.mistake) == ("passed", None), verdict.message
