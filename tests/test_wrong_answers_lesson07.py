"""Lesson 7's checks on answers that the bank does not know: wrong ones are refused, a
named mistake fits what was typed, and right ones written differently pass."""

import contextlib
import copy
import datetime
import io
import math
import time
import timeit

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from course_utils import data, losses, training
from course_utils.exercises import judge, lesson07_use
from course_utils.runs import devices

softplus = F.softplus
BCE = F.binary_cross_entropy_with_logits
ones, zeros = torch.ones_like, torch.zeros_like


# ---------------------------------------------------------------- whole steps


def step(
    of_d=losses.discriminator_loss,
    of_g=losses.generator_loss,
    *,
    d_sees=lambda x: x.detach(),
    g_sees=lambda x: x,
    reals=lambda x: x,
    before=lambda G, D: None,
    between=lambda G, D: None,
    after=lambda G, D: None,
    scale=1.0,
    out=lambda d, g: (d.item(), g.item()),
):
    """A textbook step with one line changed."""

    def answer(G, D, optimizer_g, optimizer_d, x_real, z):
        before(G, D)
        x_fake = G(z)
        loss_d = of_d(D(reals(x_real)), D(d_sees(x_fake)))
        optimizer_d.zero_grad()
        (scale * loss_d).backward()
        optimizer_d.step()
        between(G, D)
        loss_g = of_g(D(g_sees(x_fake)))
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        after(G, D)
        return out(loss_d, loss_g)

    return answer


def not_cut_and_cleared_by_module(G, D, optimizer_g, optimizer_d, x_real, z):
    """Cleared at the top, and D's lesson stays in G."""
    G.zero_grad()
    D.zero_grad()
    x_fake = G(z)
    loss_d = losses.discriminator_loss(D(x_real), D(x_fake))
    loss_d.backward(retain_graph=True)
    optimizer_d.step()
    loss_g = losses.generator_loss(D(x_fake))
    loss_g.backward()
    optimizer_g.step()
    return loss_d.detach(), loss_g.detach()


def clipped(G, D, optimizer_g, optimizer_d, x_real, z):
    """Weights of D held within a box, as for a Wasserstein critic."""
    result = training.train_step(G, D, optimizer_g, optimizer_d, x_real, z)
    with torch.no_grad():
        for weight in D.parameters():
            weight.clamp_(-0.3, 0.3)
    return result


def gradients_clipped(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    loss_d = losses.discriminator_loss(D(x_real), D(x_fake.detach()))
    optimizer_d.zero_grad()
    loss_d.backward()
    torch.nn.utils.clip_grad_norm_(D.parameters(), 0.05)
    optimizer_d.step()
    return loss_d, training.generator_step_on_logits(D, optimizer_g, x_fake)


def g_cleared_too_late(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    loss_d = losses.discriminator_loss(D(x_real), D(x_fake.detach()))
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    loss_g = losses.generator_loss(D(x_fake))
    loss_g.backward()
    optimizer_g.zero_grad()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()


def half_of_the_batch(G, D, optimizer_g, optimizer_d, x_real, z):
    k = len(x_real) // 2
    return training.train_step(G, D, optimizer_g, optimizer_d, x_real[:k], z[:k])


def at_the_shorter_length(G, D, optimizer_g, optimizer_d, x_real, z):
    k = min(len(x_real), len(z))
    return training.train_step(G, D, optimizer_g, optimizer_d, x_real[:k], z[:k])


def second_d_update(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    training.discriminator_step_on_logits(D, optimizer_d, x_real, x_fake.detach())
    loss_d = training.discriminator_step_on_logits(
        D, optimizer_d, x_real, x_fake.detach()
    )
    return loss_d, training.generator_step_on_logits(D, optimizer_g, x_fake)


def stale_images(G, D, optimizer_g, optimizer_d, x_real, z):
    """G's step first on its own latents, then D's step."""
    fresh = torch.randn_like(z)
    training.generator_step_on_logits(D, optimizer_g, G(fresh))
    return training.train_step(G, D, optimizer_g, optimizer_d, x_real, z)


def in_place_on_the_data(G, D, optimizer_g, optimizer_d, x_real, z):
    x_real.mul_(1.0).add_(0.5)
    return training.train_step(G, D, optimizer_g, optimizer_d, x_real, z)


def fed(reals=lambda x: x, latents=lambda z: z):
    """A right step on other data or latents."""

    def answer(G, D, optimizer_g, optimizer_d, x_real, z):
        x_real, z = reals(x_real), latents(z)
        return training.train_step(G, D, optimizer_g, optimizer_d, x_real, z)

    return answer


def around(before=lambda *players: None, after=lambda *players: None):
    """A right step with something done to the players and optimizers around it."""

    def answer(G, D, optimizer_g, optimizer_d, x_real, z):
        before(G, D, optimizer_g, optimizer_d)
        result = training.train_step(G, D, optimizer_g, optimizer_d, x_real, z)
        after(G, D, optimizer_g, optimizer_d)
        return result

    return answer


def with_optimizers(of_g, of_d):
    def answer(G, D, optimizer_g, optimizer_d, x_real, z):
        return training.train_step(
            G, D, of_g(G, optimizer_g), of_d(D, optimizer_d), x_real, z
        )

    return answer


def given(network, optimizer):
    return optimizer


def anew(network, optimizer):
    rate = optimizer.param_groups[0]["lr"]
    return torch.optim.SGD(network.parameters(), lr=rate)


def by_hand(G, D, optimizer_g, optimizer_d, x_real, z):
    """The rates are the optimizers', the steps are not."""

    def descend(loss, network, optimizer):
        weights = list(network.parameters())
        slopes = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for weight, slope in zip(weights, slopes, strict=True):
                weight -= optimizer.param_groups[0]["lr"] * slope
        return loss.detach()

    x_fake = G(z)
    loss_d = losses.discriminator_loss(D(x_real), D(x_fake.detach()))
    loss_d = descend(loss_d, D, optimizer_d)
    return loss_d, descend(losses.generator_loss(D(x_fake)), G, optimizer_g)


def only_while_d_loses(G, D, optimizer_g, optimizer_d, x_real, z):
    with torch.no_grad():
        loss_d = losses.discriminator_loss(D(x_real), D(G(z)))
    if loss_d < 0.2:
        return loss_d, training.generator_step_on_logits(D, optimizer_g, G(z))
    return training.train_step(G, D, optimizer_g, optimizer_d, x_real, z)


def normalizations(*nets):
    return [m for net in nets for m in net if isinstance(m, torch.nn.BatchNorm1d)]


def statistics_put_back(G, D, optimizer_g, optimizer_d, x_real, z):
    kept = [(b, b.clone()) for net in (G, D) for b in net.buffers()]
    result = training.train_step(G, D, optimizer_g, optimizer_d, x_real, z)
    for buffer, value in kept:
        buffer.copy_(value)
    return result


def squeezed(G, D, optimizer_g, optimizer_d, x_real, z):
    """D's (n,) squeezed once more: for n = 1 it has no axis left."""
    return step(
        of_d=lambda r, f: (
            BCE(r.squeeze(), torch.ones(len(x_real)))
            + BCE(f.squeeze(), torch.zeros(len(z)))
        )
    )(G, D, optimizer_g, optimizer_d, x_real, z)


def d_cleared_too_late(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    loss_d = losses.discriminator_loss(D(x_real), D(x_fake.detach()))
    loss_d.backward()
    optimizer_d.zero_grad()
    optimizer_d.step()
    return loss_d, training.generator_step_on_logits(D, optimizer_g, x_fake)


def no_backward_for_g(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    loss_d = training.discriminator_step_on_logits(
        D, optimizer_d, x_real, x_fake.detach()
    )
    loss_g = losses.generator_loss(D(x_fake))
    optimizer_g.zero_grad()
    optimizer_g.step()
    return loss_d, loss_g.detach()


def fixed_targets(G, D, optimizer_g, optimizer_d, x_real, z):
    return step(of_d=lambda r, f: BCE(r, torch.ones(6)) + BCE(f, torch.zeros(6)))(
        G, D, optimizer_g, optimizer_d, x_real, z
    )


WRONG_STEPS = [
    (step(scale=2.0), ("two updates of one player",)),
    (step(of_d=lambda r, f: softplus(-r).mean() + 0.5 * softplus(f).mean()), ()),
    (step(of_d=lambda r, f: (r - 1).square().mean() + f.square().mean()), ()),
    (step(of_d=lambda r, f: f.mean() - r.mean(), of_g=lambda f: -f.mean()), ()),
    (step(of_d=lambda r, f: F.relu(1 - r).mean() + F.relu(1 + f).mean()), ()),
    (step(of_d=lambda r, f: BCE(r, 0.9 * ones(r)) + BCE(f, zeros(f))), ()),
    (step(of_g=lambda f: BCE(f, 0.9 * ones(f))), ()),
    (step(of_g=lambda f: -f.mean()), ()),
    (step(of_g=lambda f: softplus(-f.mean())), ()),
    (step(g_sees=lambda x: x.clone().detach()), ("G is cut off",)),
    (step(g_sees=lambda x: x.data), ("G is cut off",)),
    (step(of_g=lambda f: -torch.log(1 - f.sigmoid()).mean()), ("G is paid for fake",)),
    (
        step(of_g=lambda f: torch.log(1 - f.sigmoid()).mean()),
        ("minimax loss for G",),
    ),
    (step(reals=lambda x: x + 0.1 * torch.randn_like(x)), ()),
    (step(reals=lambda x: (x + 1) / 2), ()),
    (step(before=lambda G, D: G.eval()), ("left in eval mode",)),
    (step(between=lambda G, D: D.eval()), ("left in eval mode",)),
    (
        step(between=lambda G, D: D.eval(), after=lambda G, D: D.train()),
        ("eval mode",),
    ),
    (
        step(between=lambda G, D: [p.requires_grad_(False) for p in D.parameters()]),
        ("D stays frozen",),
    ),
    (step(out=lambda d, g: (g.item(), d.item())), ("G's loss first",)),
    (step(out=lambda d, g: d.item() + g.item()), ("one number",)),
    (step(out=lambda d, g: None), ("nothing returned",)),
    (step(out=lambda d, g: (d.item() / 2, g.item())), ()),
    (step(out=lambda d, g: (d.item(), g.item(), 0.0)), ()),
    (not_cut_and_cleared_by_module, ("D's lesson left in G",)),
    (
        step(
            before=lambda G, D: D.requires_grad_(True),
            between=lambda G, D: D.requires_grad_(False),
        ),
        ("D stays frozen",),
    ),
    (clipped, ()),
    (gradients_clipped, ()),
    (g_cleared_too_late, ("G never steps",)),
    (half_of_the_batch, ()),
    (at_the_shorter_length, ()),
    (second_d_update, ("two updates of one player",)),
    (stale_images, ()),
    (in_place_on_the_data, ()),
    (around(before=lambda *players: torch.manual_seed(0)), ()),
    (with_optimizers(anew, anew), ("own optimizer",)),
    (with_optimizers(anew, given), ("own optimizer",)),
    (with_optimizers(given, anew), ("own optimizer",)),
    (by_hand, ("own optimizer",)),
    (around(after=lambda G, D, og, od: og.state.clear()), ("own optimizer",)),
    (around(after=lambda G, D, og, od: od.param_groups[0].update(lr=0.01)), ()),
    (step(of_d=lambda r, f: losses.discriminator_loss(r.clamp(-5), f)), ()),
    (step(of_d=lambda r, f: losses.discriminator_loss(r, f.clamp(max=5))), ()),
    (step(of_d=lambda r, f: losses.discriminator_loss(r, f).clamp(max=10)), ()),
    (step(of_d=lambda r, f: losses.discriminator_loss(r, f).clamp(min=0.1)), ()),
    (step(of_g=lambda f: losses.generator_loss(f.clamp(-10, 10))), ()),
    (step(of_g=lambda f: -(f.sigmoid() + 1e-8).log().mean()), ()),
    (step(of_g=lambda f: -f.sigmoid().clamp(1e-3, 1 - 1e-3).log().mean()), ()),
    (step(out=lambda d, g: (min(d.item(), 5.0), min(g.item(), 5.0))), ()),
    (fed(latents=lambda z: z.clamp(-2, 2)), ()),
    (fed(reals=lambda x: x[:64], latents=lambda z: z[:64]), ()),
    (fed(latents=lambda z: z.requires_grad_()), ()),
    (only_while_d_loses, ()),
    (
        step(
            before=lambda G, D: (G.train(), D.train()),
            after=lambda G, D: [m.eval() for m in normalizations(D)],
        ),
        (),
    ),
    (
        around(lambda G, D, *_: [m.reset_running_stats() for m in normalizations(D)]),
        (),
    ),
    (statistics_put_back, ()),
    (squeezed, ()),
    (d_cleared_too_late, ("D never steps",)),
    (no_backward_for_g, ("G is cut off",)),
    (fixed_targets, ("targets of the other batch",)),
]


@pytest.mark.parametrize("i", range(len(WRONG_STEPS)))
def test_a_wrong_step_is_refused_and_not_misnamed(i):
    answer, names = WRONG_STEPS[i]
    verdict = judge(answer, "train_step")
    assert verdict.state != "passed"
    assert verdict.mistake is None or verdict.mistake in names, verdict.mistake


def with_vanilla_torch(G, D, optimizer_g, optimizer_d, x_real, z):
    """The form of the widely read tutorials, on logits."""
    D.zero_grad()
    real = D(x_real).view(-1)
    label = torch.full_like(real, 1.0)
    error_real = BCE(real, label)
    error_real.backward()
    fake = G(z)
    output = D(fake.detach()).view(-1)
    error_fake = BCE(output, torch.zeros_like(output))
    error_fake.backward()
    optimizer_d.step()
    G.zero_grad()
    output = D(fake).view(-1)
    error_g = BCE(output, torch.ones_like(output))
    error_g.backward()
    optimizer_g.step()
    return error_real.item() + error_fake.item(), error_g.item()


def only_the_gradients_wanted(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    loss_d = losses.discriminator_loss(D(x_real), D(x_fake.detach()))
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    optimizer_g.zero_grad(set_to_none=False)
    loss_g = losses.generator_loss(D(x_fake))
    loss_g.backward(inputs=list(G.parameters()))
    optimizer_g.step()
    return loss_d.detach(), loss_g.detach()


def without_touching_the_graph_of_g(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)
    copy_of_it = x_fake.detach().clone().requires_grad_()
    loss_d = losses.discriminator_loss(D(x_real), D(x_fake.data))
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    loss_g = losses.generator_loss(D(copy_of_it))
    (slope,) = torch.autograd.grad(loss_g, copy_of_it)
    optimizer_g.zero_grad()
    x_fake.backward(slope)
    optimizer_g.step()
    return loss_d.item(), loss_g.item()


def clears_at_both_ends(G, D, optimizer_g, optimizer_d, x_real, z):
    optimizer_d.zero_grad()
    optimizer_g.zero_grad()
    loss_d, loss_g = training.train_step(G, D, optimizer_g, optimizer_d, x_real, z)
    optimizer_d.zero_grad()
    optimizer_g.zero_grad()
    return [float(loss_d), float(loss_g)]


def clears_at_the_top(G, D, optimizer_g, optimizer_d, x_real, z):
    """Enough where D's half cannot reach G."""
    optimizer_d.zero_grad()
    optimizer_g.zero_grad()
    x_fake = G(z)
    loss_d = losses.discriminator_loss(D(x_real), D(x_fake.detach()))
    loss_d.backward()
    optimizer_d.step()
    loss_g = losses.generator_loss(D(x_fake))
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()


def in_float64_losses(G, D, optimizer_g, optimizer_d, x_real, z):
    return step(
        of_d=lambda r, f: losses.discriminator_loss(r.double(), f.double()),
        of_g=lambda f: losses.generator_loss(f.double()),
    )(G, D, optimizer_g, optimizer_d, x_real, z)


def closures(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = G(z)

    def descended(optimizer, loss):
        def evaluate():
            optimizer.zero_grad()
            value = loss()
            value.backward()
            return value

        return optimizer.step(evaluate).item()

    loss_d = descended(
        optimizer_d, lambda: losses.discriminator_loss(D(x_real), D(x_fake.detach()))
    )
    return loss_d, descended(optimizer_g, lambda: losses.generator_loss(D(x_fake)))


def a_copy_makes_the_fakes(G, D, optimizer_g, optimizer_d, x_real, z):
    x_fake = copy.deepcopy(G)(z).detach()
    loss_d = training.discriminator_step_on_logits(D, optimizer_d, x_real, x_fake)
    return loss_d, training.generator_step_on_logits(D, optimizer_g, G(z))


def weighed_in_one_sum(r, f):
    """Two means as one weighed sum."""
    targets = torch.cat([ones(r), zeros(f)])
    weights = torch.cat([ones(r) / len(r), ones(f) / len(f)])
    return BCE(torch.cat([r, f]), targets, weights, reduction="sum")


RIGHT_STEPS = [
    step(),
    step(out=lambda d, g: (d.detach(), g.detach())),
    step(out=lambda d, g: (np.float32(d.item()), np.float64(g.item()))),
    step(d_sees=lambda x: x.data),
    step(d_sees=lambda x: x.detach().clone()),
    step(of_d=lambda r, f: softplus(torch.cat([-r])).mean() + softplus(f).mean()),
    step(before=lambda G, D: (G.train(), D.train())),
    with_vanilla_torch,
    only_the_gradients_wanted,
    without_touching_the_graph_of_g,
    clears_at_both_ends,
    clears_at_the_top,
    in_float64_losses,
    closures,
    a_copy_makes_the_fakes,
    step(of_d=weighed_in_one_sum),
    step(
        of_d=lambda r, f: (
            F.binary_cross_entropy(r.sigmoid(), ones(r))
            + F.binary_cross_entropy(f.sigmoid(), zeros(f))
        ),
        of_g=lambda f: F.binary_cross_entropy(f.sigmoid(), ones(f)),
    ),
    step(of_d=lambda r, f: -losses.value_function(r.sigmoid(), f.sigmoid())),
    step(of_g=lambda f: F.soft_margin_loss(f, ones(f))),
    fed(latents=lambda z: z.clone().requires_grad_()),
]


@pytest.mark.parametrize("i", range(len(RIGHT_STEPS)))
def test_a_right_step_written_otherwise_passes(i):
    verdict = judge(RIGHT_STEPS[i], "train_step")
    assert verdict.state == "passed", verdict.message


def clock_of_timeit(step, batch_size, n):
    def run():
        for _ in range(n):
            step()
        devices.synchronize()

    step()
    devices.synchronize()
    return n * batch_size / timeit.timeit(run, number=1)


# ---------------------------------------------------------------- the other five


def sampler(**changes):
    def answer(G, z):
        modes = [m.training for m in G.modules()]
        G.eval()
        with changes.get("around", torch.no_grad)():
            images = G(changes.get("z", lambda z: z)(z))
        for module, mode in zip(G.modules(), modes, strict=True):
            module.training = mode
        return changes.get("out", lambda x: x)(images)

    return answer


def only_normalization(G, z):
    """Dropout goes on."""
    layers = [m for m in G.modules() if isinstance(m, torch.nn.BatchNorm1d)]
    modes = [m.training for m in layers]
    for layer in layers:
        layer.eval()
    with torch.no_grad():
        images = G(z)
    for layer, mode in zip(layers, modes, strict=True):
        layer.train(mode)
    return images


def modes_turned(G, z):
    images = training.sample(G, z)
    for module in G.modules():
        module.train(not module.training)
    return images


def clock(read=time.perf_counter, out=lambda s, b, n: n * b / s, warm=1, extra=0):
    def answer(step, batch_size, n):
        for _ in range(warm):
            step()
        devices.synchronize()
        start = getattr(time, read.__name__)()
        for _ in range(n):
            step()
        devices.synchronize()
        seconds = getattr(time, read.__name__)() - start
        for _ in range(extra):
            step()
        return out(seconds, batch_size, n)

    return answer


def each_alone(rate):
    return lesson07_use._each_alone(lambda seconds: 1 / rate(np.array(seconds), 1))


def by_the_date(step, batch_size, n):
    step()
    devices.synchronize()
    start = datetime.datetime.now()
    for _ in range(n):
        step()
    devices.synchronize()
    return n * batch_size / (datetime.datetime.now() - start).total_seconds()


def timer_of_timeit(step, batch_size, n):
    def run():
        step()
        devices.synchronize()

    run()
    return n * batch_size / timeit.Timer(run).timeit(n)


def repeated_by_timeit(step, batch_size, n):
    def run():
        step()
        devices.synchronize()

    run()
    return n * batch_size / sum(timeit.repeat(run, number=1, repeat=n))


def looked_at(before=lambda G: None, after=lambda G: None):
    """Right images, and something done to G."""

    def answer(G, z):
        before(G)
        images = training.sample(G, z)
        after(G)
        return images

    return answer


def eval_parts_only(G, z):
    """Right where the whole is in training mode."""
    was, still = G.training, [m for m in G.modules() if not m.training]
    G.eval()
    with torch.no_grad():
        images = G(z)
    G.train(was)
    for module in still:
        module.eval()
    return images


def pickled(G, z):
    stored = io.BytesIO()
    torch.save(G, stored)
    stored.seek(0)
    with torch.no_grad():
        return torch.load(stored, weights_only=False).eval()(z)


def walk(
    angle=lambda a, b: torch.acos((a @ b).clamp(-1, 1)),
    is_line=lambda a, b, w: torch.sin(w) < 1e-3,
    out=lambda walk: walk,
):
    def answer(z0, z1, n):
        t, a, b = torch.linspace(0, 1, n)[:, None], z0 / z0.norm(), z1 / z1.norm()
        w = angle(a, b)
        if is_line(a, b, w):
            return torch.lerp(z0, z1, t)
        turned = (torch.sin((1 - t) * w) * a + torch.sin(t * w) * b) / torch.sin(w)
        return out(turned * torch.lerp(z0.norm(), z1.norm(), t))

    return answer


def never(a, b, w):
    return False


def from_a_first_guess(guess):
    """A search whose first "smallest so far" may be too small."""

    def answer(samples, x):
        best = torch.full((len(samples),), guess)
        where = torch.zeros(len(samples), dtype=torch.int64)
        for i, one in enumerate(x):
            far = (samples - one).flatten(1).norm(dim=1)
            where[far < best] = i
            best = torch.minimum(best, far)
        return best, where

    return answer


def slerp(z0, z1, n, *, power=1.0):
    t = torch.linspace(0, 1, n)[:, None] ** power
    return _slerp_at(z0, z1, t)


def _slerp_at(z0, z1, t):
    a, b = z0 / z0.norm(), z1 / z1.norm()
    w = torch.acos((a @ b).clamp(-1, 1))
    length = (1 - t) * z0.norm() + t * z1.norm()
    if torch.sin(w) < 1e-4:
        return (1 - t) * z0 + t * z1
    turned = torch.sin((1 - t) * w) * a + torch.sin(t * w) * b
    return length * turned / torch.sin(w)


def geometric_length(z0, z1, n):
    t = torch.linspace(0, 1, n)[:, None]
    walk = slerp(z0, z1, n)
    length = z0.norm() ** (1 - t) * z1.norm() ** t
    return length * walk / walk.norm(dim=1, keepdim=True)


def distance_table(samples, x):
    return torch.cdist(samples.flatten(1), x.flatten(1))


def in_numpy(samples, x):
    a, b = samples.flatten(1).numpy(), x.flatten(1).numpy()
    table = np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))
    where = table.argmin(1)
    return torch.tensor(table[np.arange(len(a)), where]), torch.tensor(where)


def chunked(samples, x):
    parts = [distance_table(part, x).min(dim=1) for part in samples.split(3)]
    return torch.cat([p.values for p in parts]), torch.cat([p.indices for p in parts])


WRONG = [
    ("to_tanh_range", lambda p: p / 127 - 1, ()),
    ("to_tanh_range", lambda p: (p / 255) ** 2 * 2 - 1, ()),
    ("to_tanh_range", lambda p: torch.tanh(p / 127.5 - 1), ()),
    ("to_tanh_range", lambda p: (p / 127.5 - 1).clamp(-0.9, 0.9), ()),
    ("to_tanh_range", lambda p: (p / 127.5 - 1).squeeze(), ()),
    ("to_tanh_range", lambda p: (p / 127.5 - 1).tolist(), ()),
    ("to_tanh_range", lambda p: p / p.max() * 2 - 1, ()),
    ("to_tanh_range", lambda p: p.float().sub_(127.5).div_(p.float().std()), ()),
    ("sample", sampler(out=lambda x: x[:1]), ()),
    ("sample", sampler(out=lambda x: x.double()), ()),
    ("sample", sampler(out=lambda x: (x > 0).float()), ()),
    ("sample", sampler(z=lambda z: z / z.norm(dim=1, keepdim=True)), ()),
    ("sample", sampler(z=lambda z: z.mul_(0.9)), ()),
    ("sample", only_normalization, ()),
    ("sample", modes_turned, ()),
    ("sample", lambda G, z: G, ()),
    ("images_per_second", clock(out=lambda s, b, n: b * n * s), ()),
    ("images_per_second", clock(out=lambda s, b, n: 60 * b * n / s), ()),
    ("images_per_second", clock(out=lambda s, b, n: 500.0), ()),
    ("images_per_second", clock(out=lambda s, b, n: f"{n * b / s}"), ()),
    ("images_per_second", clock(extra=1), ()),
    ("images_per_second", clock(out=lambda s, b, n: (n * b / s, s)), ()),
    ("spherical_interpolation", lambda a, b, n: slerp(a, b, n, power=2.0), ()),
    ("spherical_interpolation", geometric_length, ()),
    ("spherical_interpolation", lambda a, b, n: slerp(a, -b, n), ()),
    ("spherical_interpolation", lambda a, b, n: slerp(a, b, n)[None], ()),
    ("spherical_interpolation", lambda a, b, n: slerp(a, b, n).half(), ()),
    ("spherical_interpolation", lambda a, b, n: slerp(a, b, 10), ()),
    (
        "nearest_neighbors",
        lambda s, x: distance_table(s, x).max(dim=1)[::1],
        ("the farthest",),
    ),
    (
        "nearest_neighbors",
        lambda s, x: (distance_table(s, x).mean(1), distance_table(s, x).argmin(1)),
        (),
    ),
    (
        "nearest_neighbors",
        lambda s, x: (
            distance_table(s, x).amin(1),
            distance_table(s, x).argmin(1) + 1,
        ),
        (),
    ),
    (
        "nearest_neighbors",
        lambda s, x: (
            distance_table(s, x).amin(1),
            x[distance_table(s, x).argmin(1)],
        ),
        (),
    ),
    (
        "nearest_neighbors",
        lambda s, x: tuple(distance_table(s.round(), x.round()).min(1)),
        (),
    ),
    (
        "nearest_neighbors",
        lambda s, x: (
            distance_table(s, x).amin(1)[:, None],
            distance_table(s, x).argmin(1),
        ),
        (),
    ),
    # hostile
    ("to_tanh_range", lambda p: p.copy_(p // 2) / 127.5 - 1, ()),
    ("to_tanh_range", lambda p: p.numpy() / np.float32(127.5) - 1, ()),
    ("to_tanh_range", lambda p: torch.full(p.shape, math.nan), ()),
    ("to_tanh_range", lambda p: print("here") or None, ()),
    ("sample", lambda G, z: torch.full((len(z), 4), math.nan), ()),
    ("sample", lambda G, z: 1 / 0, ()),
    ("images_per_second", lambda step, batch_size, n: math.nan, ("no warm-up",)),
    ("spherical_interpolation", lambda a, b, n: a.add_(b), ()),
    ("nearest_neighbors", lambda s, x: s.sub_(x[:1]), ()),
    # what no probe reached
    (
        "to_tanh_range",
        lambda p: (p / 255 if p.max() > 1 else p.float()) * 2 - 1,
        ("scale guessed from the image",),
    ),
    ("sample", sampler(out=lambda x: x.flatten(1)), ()),
    ("sample", sampler(out=lambda x: x.float()), ()),
    ("sample", sampler(out=lambda x: x.round(decimals=4)), ()),
    ("sample", sampler(z=lambda z: z.float()), ()),
    ("sample", sampler(z=lambda z: z.clamp(-3, 3)), ()),
    ("sample", sampler(z=lambda z: z[:64]), ()),
    ("sample", sampler(z=lambda z: z * 1.0001), ()),
    ("sample", sampler(z=lambda z: z.requires_grad_()), ()),
    ("sample", looked_at(after=lambda G: G.zero_grad()), ()),
    ("sample", looked_at(after=lambda G: G.requires_grad_()), ("all thawed",)),
    ("sample", looked_at(before=lambda G: torch.manual_seed(0)), ()),
    (
        "sample",
        looked_at(after=lambda G: [setattr(m, "p", 0.0) for m in G.modules()]),
        (),
    ),
    ("sample", eval_parts_only, ()),
    ("images_per_second", clock(out=lambda s, b, n: int(n * b / s)), ("rounded",)),
    ("images_per_second", clock(out=lambda s, b, n: round(n * b / s, 1)), ()),
    ("images_per_second", clock(out=lambda s, b, n: n * b / max(s, 0.1)), ()),
    ("images_per_second", clock(out=lambda s, b, n: n * b / (s + 1e-3)), ()),
    ("images_per_second", clock(out=lambda s, b, n: n * b / round(s, 2)), ()),
    ("images_per_second", clock(out=lambda s, b, n: torch.tensor([n * b / s])), ()),
    (
        "images_per_second",
        torch.no_grad()(clock()),
        ("no gradients in the steps",),
    ),
    (
        "images_per_second",
        each_alone(lambda s, b: b / np.median(s)),
        ("the best step",),
    ),
    (
        "images_per_second",
        each_alone(lambda s, b: (b / s).mean()),
        ("mean of the rates",),
    ),
    ("images_per_second", each_alone(lambda s, b: 2 * b / (s.min() + s.max())), ()),
    ("spherical_interpolation", walk(is_line=lambda a, b, w: w < 0.3), ()),
    ("spherical_interpolation", walk(is_line=lambda a, b, w: a @ b > 0.99), ()),
    ("spherical_interpolation", walk(out=lambda x: x.half().float()), ()),
    ("spherical_interpolation", walk(out=lambda x: x.round(decimals=3)), ()),
    (
        "spherical_interpolation",
        walk(lambda a, b: torch.acos((a @ b).clamp(0, 1))),
        (),
    ),
    (
        "spherical_interpolation",
        walk(lambda a, b: torch.acos(a @ b)),
        ("a cosine above 1",),
    ),
    (
        "spherical_interpolation",
        walk(lambda a, b: torch.acos(a @ b), never),
        ("no way out for parallel ones",),
    ),
    ("nearest_neighbors", lambda s, x: tuple((distance_table(s, x) + 1e-3).min(1)), ()),
    (
        "nearest_neighbors",
        lambda s, x: (
            distance_table(s, x).amin(1).half().float(),
            distance_table(s, x).argmin(1),
        ),
        (),
    ),
    (
        "nearest_neighbors",
        lambda s, x: tuple(distance_table(s.round(decimals=3), x).min(1)),
        (),
    ),
    ("nearest_neighbors", from_a_first_guess(10.0), ()),
    ("nearest_neighbors", from_a_first_guess(1e4), ()),
]


@pytest.mark.parametrize("i", range(len(WRONG)))
def test_a_wrong_answer_is_refused_and_not_misnamed(i):
    name, answer, names = WRONG[i]
    verdict = judge(answer, name)
    assert verdict.state != "passed"
    assert verdict.mistake is None or verdict.mistake in names, verdict.mistake


@pytest.mark.parametrize(
    "name",
    [
        "to_tanh_range", "train_step", "sample", "images_per_second",
        "spherical_interpolation", "nearest_neighbors",
    ],
)  # fmt: skip
def test_a_class_is_no_answer(name):
    verdict = judge(type(name, (), {"__call__": lambda self: None}), name)
    assert verdict.state == "not yet" and "function" in verdict.message


@contextlib.contextmanager
def gradients_off():
    with torch.no_grad():
        yield


def one_by_one(samples, x):
    found = [(s - x).flatten(1).norm(dim=1).min(dim=0) for s in samples]
    return (
        torch.stack([f.values for f in found]),
        torch.stack([f.indices for f in found]),
    )


RIGHT = [
    ("to_tanh_range", lambda p: p.to(torch.float32).mul(2).div(255).sub(1)),
    ("to_tanh_range", lambda p: (p.float() - 127.5) / 127.5),
    ("to_tanh_range", lambda p: torch.linspace(-1, 1, 256)[p.long()]),
    ("to_tanh_range", lambda p: (p / 127.5 - 1).clamp(-1, 1)),
    ("sample", sampler(around=gradients_off)),
    ("sample", lambda G, z: copy.deepcopy(G).eval()(z).detach()),
    ("sample", torch.no_grad()(sampler(around=contextlib.nullcontext))),
    ("images_per_second", clock(warm=5)),
    ("images_per_second", clock(time.monotonic)),
    ("images_per_second", clock_of_timeit),
    ("images_per_second", clock(out=lambda s, b, n: torch.tensor(n * b / s))),
    ("images_per_second", clock(out=lambda s, b, n: b / (s / n))),
    ("images_per_second", by_the_date),
    ("images_per_second", timer_of_timeit),
    ("images_per_second", repeated_by_timeit),
    ("images_per_second", each_alone(lambda s, b: b / s.mean())),
    ("sample", pickled),
    ("sample", sampler(around=torch.inference_mode)),
    ("spherical_interpolation", walk()),
    ("spherical_interpolation", walk(is_line=lambda a, b, w: a @ b > 0.9995)),
    (
        "spherical_interpolation",
        walk(lambda a, b: 2 * torch.atan2((a - b).norm(), (a + b).norm())),
    ),
    (
        "spherical_interpolation",
        walk(lambda a, b: torch.acos((a @ b).clamp(-1 + 1e-6, 1 - 1e-6)), never),
    ),
    ("nearest_neighbors", from_a_first_guess(math.inf)),
    ("spherical_interpolation", slerp),
    (
        "spherical_interpolation",
        lambda a, b, n: torch.cat(
            [
                _slerp_at(a, b, torch.tensor([[i / (n - 1)]])).view(1, -1)
                for i in range(n)
            ]
        ),
    ),
    (
        "spherical_interpolation",
        lambda a, b, n: slerp(a.double(), b.double(), n).float(),
    ),
    ("spherical_interpolation", lambda a, b, n: data.spherical_interpolation(a, b, n)),
    ("nearest_neighbors", in_numpy),
    ("nearest_neighbors", chunked),
    ("nearest_neighbors", one_by_one),
    (
        "nearest_neighbors",
        lambda s, x: distance_table(s, x).min(dim=1),
    ),
]


@pytest.mark.parametrize("i", range(len(RIGHT)))
def test_a_right_answer_written_otherwise_passes(i):
    name, answer = RIGHT[i]
    verdict = judge(answer, name)
    assert verdict.state == "passed", verdict.message


def test_a_clock_imported_by_name_is_stopped_too():
    scope = {"devices": devices}
    exec(
        "from time import perf_counter as now\n"
        "def images_per_second(step, batch_size, n):\n"
        "    step(); devices.synchronize(); start = now()\n"
        "    for _ in range(n): step()\n"
        "    devices.synchronize()\n"
        "    return n * batch_size / (now() - start)\n",
        scope,
    )
    assert judge(scope["images_per_second"]).state == "passed"
    assert scope["now"] is time.perf_counter


def test_after_a_check_the_clock_and_the_gpu_are_the_real_ones_again():
    before = time.perf_counter, time.time, torch.cuda.is_available
    judge(lambda step, batch_size, n: 1 / 0, "images_per_second")
    assert (time.perf_counter, time.time, torch.cuda.is_available) == before


def test_a_clock_s_message_shows_what_the_answer_was_given():
    verdict = judge(clock(out=lambda s, b, n: 500.0), "images_per_second")
    assert "batch_size = 64, n = 10" in verdict.message
    assert "step =" not in verdict.message
