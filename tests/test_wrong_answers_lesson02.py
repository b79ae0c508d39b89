"""Lesson 2's checks on answers that the bank does not know: wrong ones are refused, a
named mistake fits what was typed, and right ones written differently pass."""

import copy
import functools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from unlisted import listed

from course_utils import losses, training
from course_utils.exercises import bank, judge

log, sigmoid, softplus = torch.log, torch.sigmoid, F.softplus
BCE, BCE_LOGITS = F.binary_cross_entropy, F.binary_cross_entropy_with_logits
ones, zeros, xlogy = torch.ones_like, torch.zeros_like, torch.xlogy


def score(p, t):
    return t * log(p) + (1 - t) * log(1 - p)


def value(r, f):
    return log(r).mean() + log(1 - f).mean()


def kl(p, q, dx):
    return (xlogy(p, p) - xlogy(p, q)).sum() * dx


def jsd(p, q, dx):
    return (kl(p, (p + q) / 2, dx) + kl(q, (p + q) / 2, dx)) / 2


def nothing(*anything):
    return None


def d_loss(r, f):
    return softplus(-r).mean() + softplus(f).mean()


def g_loss(f):
    return -softplus(f).mean()


def step(default, batches):
    """A maker of steps; what is handed to it happens around the step."""

    def made(
        loss=default, before=nothing, mid=nothing, after=nothing, out=float, order=1
    ):
        def answer(*given):
            before(*given)
            total = loss(*batches(*given))
            given[2].zero_grad()
            for move in (total.backward, given[2].step)[::order]:
                move()
                mid(*given)
            after(*given)
            return out(total)

        return answer

    return made


d_step = step(d_loss, lambda G, D, o, x, z: (D(x), D(G(z).detach())))
g_step = step(g_loss, lambda G, D, o, z: (D(G(z)),))


def slower(G, D, optimizer, *batches):
    optimizer.param_groups[0]["lr"] = 0.01


def seeded(*given):
    torch.manual_seed(1)


def clip_at_5(G, D, optimizer, *batches):
    nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], 5.0)


def own_sgd(step, lr=None):
    """A new optimizer for each step, by default with the right step size."""

    def answer(G, D, optimizer, *batches):
        group = optimizer.param_groups[0]
        own = torch.optim.SGD(group["params"], lr=lr or group["lr"])
        return step(G, D, own, *batches)

    return answer


def four_digits(result):
    return round(float(result), 4)


def both_logs(safe):
    """D's loss with another logarithm."""
    return lambda r, f: -safe(sigmoid(r)).mean() - safe(1 - sigmoid(f)).mean()


def seeded_game(*given):
    torch.manual_seed(1)
    return training.play_game(*given)


def game_of_new_optimizers(G, D, og, od, *rest, rounds=None):
    og, od = (torch.optim.SGD(o.param_groups[0]["params"], lr=0.1) for o in (og, od))
    rest = rest if rounds is None else (*rest, rounds)
    return training.play_game(G, D, og, od, *rest)


def game(times=int, k_of=int, record=lambda losses: losses[-1], out=list):
    def answer(G, D, og, od, sample_real, sample_latent, rounds, k=1):
        history = []
        for _ in range(times(rounds)):
            of_d = []
            for _ in range(k_of(k)):
                z, x = sample_latent(), sample_real()
                of_d.append(training.discriminator_step(G, D, od, x, z).item())
            training.generator_step(G, D, og, sample_latent())
            history.append(record(of_d))
        return out(history)

    return answer


def k_is(default):
    def answer(G, D, og, od, real, latent, rounds, n_discriminator_steps=default):
        k = n_discriminator_steps
        return training.play_game(G, D, og, od, real, latent, rounds, k)

    return answer


def all_of_d_then_all_of_g(G, D, og, od, real, latent, rounds, k=1):
    step = training.discriminator_step
    history = [float(step(G, D, od, real(), latent())) for _ in range(rounds * k)]
    for _ in range(rounds):
        training.generator_step(G, D, og, latent())
    return history[k - 1 :: k]


def x_y(x, y, lr):
    return x - lr * y, y + lr * x


def x_then_y(x, y, lr):
    return x - lr * y, y + lr * (x - lr * y)


def both(step):
    """Answers that are wrong in one way in both games on x * y."""
    return [
        lambda x, y, lr: step(x, y, lr**2),
        lambda x, y, lr: step(*step(x, y, lr), lr),
        lambda x, y, lr: step(y, x, lr),
        lambda x, y, lr: (step(x, y, lr)[0], y),
        lambda x, y, lr: tuple(v / math.hypot(1, lr) for v in step(x, y, lr)),
        lambda x, y, lr: tuple(round(v, 2) for v in step(x, y, lr)),
        lambda x, y, lr: tuple(round(v, 6) for v in step(x, y, lr)),
        lambda x, y, lr: tuple(max(-10.0, min(10.0, v)) for v in step(x, y, lr)),
        lambda x, y, lr: tuple(v + 1e-8 for v in step(x, y, lr)),
        lambda x, y, eta: step(x, y, eta),
        lambda x, y, lr: np.array(step(x, y, lr)),
        lambda x, y, lr: (*step(x, y, lr), lr),
    ]


# Exercise: answers, each with the names of the mistakes that fit it.
WRONG = {
    "binary_cross_entropy": [
        (lambda p, t: -score(p, t).sum() / (len(p) + 1),),
        (lambda p, t: -score(p, t.round_()).mean(), "hard targets"),
        (lambda p, t: F.cross_entropy(p, t),),
        (lambda p, t: -(log(p[t == 1]).mean() + log(1 - p[t == 0]).mean()),),
        (lambda p, t: -score(p.clamp(2e-4, 1 - 2e-4), t).mean(), "epsilon"),
        (lambda p, t: -(t * log(p + 1e-9) + (1 - t) * log(1 - p)).mean(), "epsilon"),
        (lambda p, t: -score(p, t).mean().detach(),),
        (lambda p, t: -score(p, t).mean().double(),),
        (lambda p, t: -np.mean(score(p.detach(), t).numpy()),),
        (lambda p, t: -score(p.clamp(max=1 - 3e-6), t).mean(), "epsilon"),
        (lambda p, t: -score(p.clamp(min=3e-9), t).mean(), "epsilon"),
        (lambda p, t: -score(p, t).clamp(min=-30).mean(), "epsilon"),
        (lambda p, t: -score(p * (1 - 2e-7) + 1e-7, t).mean(), "epsilon"),
        (lambda p, t: BCE_LOGITS(p.logit(eps=1e-6), t), "epsilon"),
        (lambda p, t: BCE_LOGITS(p.logit(), t, pos_weight=torch.tensor(1.0001)),),
        (lambda p, t: -score(p, t * 0.9999 + 5e-5).mean(),),
        (lambda p, t: -score(p, t)[:6].mean(),),
        (lambda p, t: -score(p.float(), t.float()).mean(),),
    ],
    "value_function": [
        (lambda r, f: value(r, f[: len(r)]),),
        (lambda r, f: log(r).mean() + log(1 - f).sum() / len(r),),
        (lambda r, f: log(r).mean() + torch.log1p(f).mean(),),
        (lambda r, f: log(r).mean() - log(f).mean(),),
        (lambda r, f: value(r, f.detach()),),
        (lambda r, f: value(r.clamp(min=1e-5), f), "epsilon"),
        (lambda r, f: value(f, r), "swapped"),
        (lambda r, f: np.log(r.detach()).mean() + np.log(1 - f.detach()).mean(),),
        (lambda r, f: r.log_().mean() + (1 - f).log_().mean(),),
        (lambda r, f: log(r).mean() + log(1 - f + 3e-7).mean(), "epsilon"),
        (lambda r, f: value(r, f.clamp(max=1 - 1e-5)), "epsilon"),
        (lambda r, f: value(r.clamp(min=1e-9), f), "epsilon"),
        (lambda r, f: value(r, f).clamp(min=-30), "epsilon"),
        (lambda r, f: value(r, f).clamp(max=-0.5),),
        (lambda r, f: 0.999 * log(r).mean() + log(1 - f).mean(),),
        (lambda r, f: value(r, f) + 1e-4,),
        (lambda r, f: value(r[:5], f[:5]),),
    ],
    "optimal_discriminator": [
        (lambda p, q: p / p + q,),
        (lambda p, q: (p / (p + q)).round(decimals=2),),
        (lambda p, q: (p / (p + q)).flatten(),),
        (lambda p, q: p.float() / (p + q).float(),),
        (lambda p, q: p / (p + q).clamp(min=1e-8), "epsilon"),
        (lambda p, q: p / (p + q + torch.finfo(p.dtype).eps), "epsilon"),
        (lambda p, q: torch.stack([p, q]).softmax(0)[0], "sigmoid of the difference"),
        (lambda p, q: p.div_(p + q),),
        (lambda p, q: p.numpy() / (p + q).numpy(),),
        (lambda p, q: 0.5,),
        (lambda p, q: p / (p + q + 1e-25), "epsilon"),
        (lambda p, q: (p / (p + q)).clamp(1e-8, 1 - 1e-8), "epsilon"),
        (lambda p, q: torch.where(p + q < 3e-15, 0.5, p / (p + q)), "epsilon"),
        (lambda p, q: (p.float() / (p.float() + q.float())).to(p.dtype),),
        (lambda p, q: p.clamp(max=5) / (p.clamp(max=5) + q.clamp(max=5)),),
        (lambda p, q: (p / (p + q)).round(decimals=3),),
        (lambda p, q: (p / (p + q)).round(decimals=5),),
        (lambda p, q: (p / (p + q)).bfloat16().to(p.dtype),),
    ],
    "jensen_shannon": [
        (lambda p, q, dx: jsd(p, q, dx) * dx,),
        (lambda p, q, dx: (kl(p, p + q / 2, dx) + kl(q, p + q / 2, dx)) / 2,),
        (lambda p, q, dx: jsd(p[(p * q) > 0], q[(p * q) > 0], dx),),
        (lambda p, q, dx: (p * log(2 * p / (p + q))).nansum() * dx, "half of it"),
        (lambda p, q, dx: jsd(p + 3e-4, q + 3e-4, dx), "epsilon"),
        (lambda p, q, dx: jsd(p.clamp_(min=1e-12), q, dx),),
        (lambda p, q, dx: jsd(p.float(), q.float(), dx),),
        (lambda p, q, dx: p.sum() * math.nan,),
        (lambda p, q, dx: jsd(p + 3e-6, q + 3e-6, dx), "epsilon"),
        (lambda p, q, dx: jsd(p.clamp(min=3e-5), q.clamp(min=3e-5), dx), "epsilon"),
        (lambda p, q, dx: jsd(p.clamp(max=1), q.clamp(max=1), dx),),
        (lambda p, q, dx: jsd(p * (p > 1e-5), q * (q > 1e-5), dx), "epsilon"),
        (lambda p, q, dx: max(kl(v, (p + q) / 2, dx) for v in (p, q)),),
        (lambda p, q, dx: jsd(p, q, dx).round(decimals=3),),
        (lambda p, q, dx: jsd(p, q, dx).round(decimals=4),),
        (lambda p, q, dx: (F.kl_div((p + q) / 2, p) + F.kl_div((p + q) / 2, q)) / 2,),
    ],
    "discriminator_step": [
        (lambda G, D, o, x, z: d_loss(D(x), D(G(z))).item(), "nothing moved"),
        (lambda G, D, o, x, z: d_step()(G, copy.deepcopy(D), o, x, z), "nothing moved"),
        (d_step(order=-1), "nothing moved"),
        (d_step(after=lambda G, D, o, x, z: o.step()),),
        (d_step(before=slower), "own optimizer"),
        (d_step(lambda r, f: BCE_LOGITS(r, 0.9 * ones(r)) + softplus(f).mean()),),
        (d_step(lambda r, f: -log(sigmoid(r)).mean() + log(1 - sigmoid(f)).mean()),),
        (d_step(after=lambda G, D, *_: D.eval()),),
        (d_step(after=lambda G, D, o, x, z: x.add_(0.1)),),
        (lambda G, D, o, x, z: d_step()(G, D, o, x[: len(z)], z[: len(x)]),),
        (own_sgd(d_step()), "own optimizer"),
        (own_sgd(d_step(), lr=0.1), "own optimizer"),
        (d_step(before=lambda G, D, o, x, z: o.state.clear()), "own optimizer"),
        (d_step(before=seeded),),
        (d_step(before=lambda *_: torch.rand(3)),),
        (d_step(mid=clip_at_5),),
        (d_step(before=lambda G, D, o, x, z: z.add_(1e-6)),),
        (d_step(out=four_digits),),
        (d_step(out=lambda loss: loss.item() + 1e-4),),
        (d_step(both_logs(lambda p: log(p + 1e-8))), "epsilon"),
        (d_step(both_logs(lambda p: log(p.clamp(3e-6, 1)))), "epsilon"),
        (d_step(lambda r, f: d_loss(r.clamp(-10, 10), f.clamp(-10, 10))), "epsilon"),
        (d_step(lambda r, f: d_loss(r, f) + 1e-4 * r.mean()),),
    ],
    "generator_step": [
        (lambda G, D, o, z: g_loss(D(G(z))).item(), "cut off from D"),
        (lambda G, D, o, z: g_step()(copy.deepcopy(G), D, o, z), "nothing moved"),
        (g_step(order=-1), "nothing moved"),
        (g_step(lambda f: -softplus(f).median()),),
        (g_step(lambda f: softplus(-f).mean(), out=lambda loss: -loss.item()),),
        (g_step(lambda f: softplus(f).mean(), out=lambda loss: -loss.item()),),
        (g_step(before=lambda G, D, o, z: z.mul_(0.9)),),
        (g_step(after=lambda G, D, o, z: D[0].requires_grad_(False)), "D stays frozen"),
        (g_step(out=lambda loss: loss.detach().view(1)),),
        (lambda G, D, o, z: np.log(1 - sigmoid(D(G(z))).numpy()).mean(),),
        (own_sgd(g_step()), "own optimizer"),
        (own_sgd(g_step(), lr=0.1), "own optimizer"),
        (g_step(before=seeded),),
        (g_step(mid=clip_at_5),),
        (g_step(after=lambda G, D, o, z: z.normal_()),),
        (g_step(out=four_digits),),
        (g_step(lambda f: log(1 - sigmoid(f) + 3e-6).mean()), "epsilon"),
        (g_step(lambda f: log(1 - sigmoid(f).clamp(3e-4)).mean()), "epsilon"),
        (g_step(lambda f: g_loss(f.clamp(-5, 5))), "epsilon"),
        (g_step(lambda f: g_loss(f) + 1e-4 * f.mean()),),
    ],
    "play_game": [
        (k_is(2),),
        (lambda G, D, og, od, x, z, rounds, k: k_is(1)(G, D, og, od, x, z, rounds, k),),
        (game(times=lambda rounds: rounds - 1),),
        (game(k_of=lambda k: k + 1),),
        (game(record=lambda losses: losses[0]),),
        (game(record=lambda losses: sum(losses) / len(losses)),),
        (game(out=lambda history: history[-1]),),
        (game(out=np.array),),
        (all_of_d_then_all_of_g,),
        (seeded_game,),
        (game_of_new_optimizers,),
        (game(record=lambda losses: four_digits(losses[-1])),),
        (game(k_of=lambda k: min(k, 3)),),
        (game(times=lambda rounds: min(rounds, 3)),),
    ],
    "simultaneous_step": [
        *((answer,) for answer in both(x_y)),
        (lambda x, y, lr: (x + lr * y, y + lr * (x + lr * y)),),
        (lambda x, y, lr: (x - lr * y + 0.0, x_then_y(x, y, lr)[1]), "alternating"),
    ],
    "alternating_step": [
        *((answer,) for answer in both(x_then_y)),
        (lambda x, y, lr: (x - lr * y, y + lr * (x + lr * y)),),
        (lambda x, y, lr: tuple(v + 0.0 for v in x_y(x, y, lr)), "simultaneous"),
    ],
}
HOSTILE = [lambda *_: 1 / 0, nothing, lambda *_: math.nan, lambda *_: torch.tensor(0.5)]


def by_hand(p, q, dx):
    total = 0.0
    for a, b in zip(p.tolist(), q.tolist(), strict=True):
        total += sum(v * math.log(2 * v / (a + b)) for v in (a, b) if v > 0)
    return torch.tensor(total * dx / 2, dtype=p.dtype)


def in_numpy(p, q, dx):
    p, q = p.numpy(), q.numpy()
    with np.errstate(all="ignore"):
        terms = [np.nan_to_num(v * np.log(2 * v / (p + q))) for v in (p, q)]
    return torch.as_tensor(dx / 2 * (terms[0] + terms[1]).sum())


def g_by_two_walks(G, D, optimizer, z):
    x_fake = G(z)
    coins = x_fake.detach().requires_grad_()
    loss = g_loss(D(coins))
    (pull,) = torch.autograd.grad(loss, coins)
    optimizer.zero_grad()
    x_fake.backward(pull)
    optimizer.step()
    return loss.item()


def g_by_functional_gradients(G, D, optimizer, z):
    loss, weights = g_loss(D(G(z))), list(G.parameters())
    for weight, slope in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        weight.grad = slope
    optimizer.step()
    return loss.item()


def d_by_a_closure(G, D, optimizer, x_real, z):
    def closure():
        optimizer.zero_grad()
        loss = d_loss(D(x_real), D(G(z).detach()))
        loss.backward()
        return loss

    return optimizer.step(closure).item()


def game_of_one_loop(G, D, og, od, real, latent, rounds, k=1):
    history = []
    for turn in range(1, rounds * k + 1):
        loss_d = training.discriminator_step(G, D, od, real(), latent())
        if turn % k == 0:
            training.generator_step(G, D, og, latent())
            history.append(loss_d.item())
    return history


def by_autograd(x, y, lr):
    x, y = (torch.tensor(v, requires_grad=True) for v in (x, y))
    slope_x, slope_y = torch.autograd.grad(x * y, (x, y))
    return [x - lr * slope_x, y + lr * slope_y]


RIGHT = {
    "binary_cross_entropy": [
        nn.BCELoss(),
        lambda p, t: BCE_LOGITS(torch.logit(p), t),
        lambda p, t: -sum(score(a, b) for a, b in zip(p, t, strict=True)) / len(p),
        lambda p, t: -log(p**t * (1 - p) ** (1 - t)).mean(),
        lambda p, t: F.cross_entropy(
            torch.stack([log(1 - p), log(p)], 1), torch.stack([1 - t, t], 1)
        ),
    ],
    "value_function": [
        lambda r, f: (log(r)[:, None] + log(1 - f)).mean(),
        lambda r, f: log(r.prod()) / len(r) + log((1 - f).prod()) / len(f),
        lambda r, f: -nn.BCELoss()(r, torch.ones(len(r))) - BCE(f, 0 * f),
    ],
    "optimal_discriminator": [
        lambda p, q: torch.where(p + q > 0, p / (p + q), 0.5),
        lambda p, q: (log(p) - torch.logaddexp(log(p), log(q))).exp(),
        lambda p, q: torch.from_numpy(p.numpy() / (p + q).numpy()),
        lambda p, q: p / (p + q).clamp(min=torch.finfo(p.dtype).tiny),
    ],
    "jensen_shannon": [
        by_hand,
        in_numpy,
        lambda p, q, dx: sum(kl(v[v > 0], (p + q)[v > 0] / 2, dx) for v in (p, q)) / 2,
    ],
    "discriminator_step": [
        d_step(lambda r, f: -losses.value_function(sigmoid(r), sigmoid(f))),
        d_step(out=lambda loss: loss.detach().numpy()[()]),
        d_step(lambda r, f: BCE(sigmoid(r), ones(r)) + BCE(sigmoid(f), zeros(f))),
        d_by_a_closure,
    ],
    "generator_step": [
        g_by_two_walks,
        g_by_functional_gradients,
        g_step(lambda f: -BCE(sigmoid(f), torch.zeros(len(f)))),
        lambda G, D, o, z: g_step()(G, copy.deepcopy(D), o, z),
        g_step(lambda f: log(sigmoid(-f)).mean(), after=lambda G, D, *_: D.zero_grad()),
    ],
    "play_game": [
        game(),
        game(out=lambda history: np.array(history).tolist()),
        game(out=lambda history: list(np.float32(history))),
        game_of_one_loop,
    ],
    "simultaneous_step": [
        by_autograd,
        lambda x, y, lr: (np.array([[1, -lr], [lr, 1]]) @ [x, y]).tolist(),
    ],
    "alternating_step": [
        lambda x, y, lr: (by_autograd(x, y, lr)[0], x_then_y(x, y, lr)[1]),
        lambda x, y, lr: (np.array([[1, -lr], [lr, 1 - lr * lr]]) @ [x, y]).tolist(),
    ],
}
NAMES = [e.name for e in bank().values() if e.lesson == 2]


def each(table):
    cases = [(name, i) for name in table for i in range(len(table[name]))]
    return pytest.mark.parametrize(("name", "i"), cases)


@functools.cache
def verdict_on_wrong(name, i):
    return judge(WRONG[name][i][0], name)


def test_every_exercise_of_the_lesson_has_unlisted_answers():
    assert list(WRONG) == list(RIGHT) == NAMES


@each(WRONG)
def test_an_unlisted_wrong_answer_is_refused_without_a_false_name(name, i):
    answer, *fitting = WRONG[name][i]
    assert id(answer) not in listed(name)
    verdict = verdict_on_wrong(name, i)
    assert verdict.state in ("not yet", "error")
    assert verdict.mistake in (None, *fitting), verdict.message
    assert verdict.message and "returned nothing" not in verdict.message


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_answer_is_refused_and_given_no_name(name):
    for answer in (*HOSTILE, type(name, (), {"__call__": lambda self: None}), 0.5):
        verdict = judge(answer, name)
        assert verdict.state in ("not yet", "error")
        assert verdict.mistake is None and verdict.message


def test_many_unlisted_wrong_answers_still_get_fitting_words():
    cases = [(name, i) for name in WRONG for i, c in enumerate(WRONG[name]) if c[1:]]
    named = [verdict_on_wrong(*case).mistake for case in cases]
    assert sum(m is not None for m in named) >= 0.6 * len(named)


@each(RIGHT)
def test_an_unlisted_right_answer_passes(name, i):
    answer = RIGHT[name][i]
    assert id(answer) not in listed(name)
    verdict = judge(answer, name)
    assert (verdict.state, verdict.mistake) == ("passed", None), verdict.message
