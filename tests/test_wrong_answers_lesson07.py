"""Lesson 7's checks on answers that the bank does not know: wrong ones are refused, a
named mistake fits what was typed, and right ones written differently pass."""

import contextlib
import copy
import math
import time
import timeit

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from course_utils import data, devices, losses, training
from course_utils.exercises import judge

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
