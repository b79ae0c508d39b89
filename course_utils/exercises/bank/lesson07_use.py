"""Lesson 7, second part: samples, an honest clock, a walk, and a look for copies."""

from __future__ import annotations

import copy
import math
import statistics
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_utils import data, evaluation, training
from course_utils.runs import devices

from .. import observers
from ..comparing import COST
from ..text import entry
from ..wording import CHANGED, MOVED
from .clock import Machine, watch_clock

NAMES = {"torch": torch, "copy": copy, "np": np, "math": math}


def some_generator(mode: str, n: int = 5, *, scale: float = 1.0):
    """A probe: a G with batch normalization and dropout, in a mode, and n latents."""

    def make() -> tuple[nn.Module, Tensor]:
        draws = torch.Generator().manual_seed(2)
        inner = nn.Sequential(nn.BatchNorm1d(6), nn.ReLU())
        G = nn.Sequential(nn.Linear(3, 6), inner, nn.Dropout(0.5), nn.Linear(6, 4))
        for weight in G.parameters():
            weight.data += 0.7 * torch.randn(weight.shape, generator=draws)
            weight.grad = torch.ones_like(weight)
        inner[0].running_mean.uniform_(-1, 1, generator=draws)
        inner[0].running_var.uniform_(0.5, 2, generator=draws)
        G.train(mode in ("train", "a part frozen"))
        if mode == "a part frozen":
            inner[0].eval().requires_grad_(False)
        if mode == "a part trains":
            inner[0].train()
        if mode == "images":
            G = nn.Sequential(G, nn.Unflatten(1, (1, 2, 2))).double()
            return G, scale * torch.randn(n, 3, generator=draws).double()
        return G, scale * torch.randn(n, 3, generator=draws)

    return make


def state_of(G: nn.Module) -> dict[str, Tensor]:
    """Weights, buffers and gradients by name, copied."""
    grads = {f"{n}.grad": p.grad for n, p in G.named_parameters() if p.grad is not None}
    return {name: value.clone() for name, value in (G.state_dict() | grads).items()}


def watch_sample(function: Any, G: nn.Module, z: Tensor) -> observers.Seen:
    """The images, and whether G and everything else is left as it was."""
    parts, kept, random = list(G.modules()), z.clone(), torch.get_rng_state()
    modes = [part.training for part in parts]
    learning = [weight.requires_grad for weight in G.parameters()]
    before, settings = state_of(G), repr(G)
    graphs: list[bool] = []
    G.register_forward_hook(lambda *seen: graphs.append(seen[-1].requires_grad))
    images = function(G, z)
    yield "the images", images
    yield "the images hold a graph", getattr(images, "requires_grad", False)
    now = [part.training for part in parts]
    pairs = list(zip(modes, now, strict=True))
    yield "G's mode is as before", all(a == b for a, b in pairs if a == modes[0])
    yield f"{COST}the modes of all its parts, too", modes == now
    after = state_of(G)
    moved = [n for n, v in before.items() if n not in after or v.ne(after[n]).any()]
    yield "changed inside G", ", ".join(moved + ["settings"] * (repr(G) != settings))
    learns = [weight.requires_grad for weight in G.parameters()]
    yield "G's weights learn as before", learns == learning
    yield "gradients are still computed elsewhere", torch.is_grad_enabled()
    same = torch.equal(z, kept) and not z.requires_grad
    yield "z", "unchanged" if same else CHANGED
    still = torch.equal(random, torch.get_rng_state())
    yield "global random state", "untouched" if still else MOVED
    yield f"{COST}a graph was built", any(graphs)


entry(
    r"""
    sample(G, z)
        modes = [(module, module.training) for module in G.modules()]
        G.eval()
        with torch.no_grad():
            images = G(z)
        for module, mode in modes:
            module.training = mode
        return images

    because: Eval mode makes an image depend on its z alone; the rest is tidying.
    praise: You can look at G at any moment now, and training will not notice.
    hint: Which two switches matter here: one of G, one of autograd?
    hint: `G.eval()` speaks to all modules, and each keeps a mode of its own. What do
      you have to know to undo it?
    right:
      | with torch.no_grad():
      |     return copy.deepcopy(G).eval()(z)

    + one mode for all modules: Right for a G that is in one mode throughout.
      `G.train(was)` sets *every* module: a part that was frozen in eval mode comes back
      in training mode. Note each module's own `training`.
        modes = -> was = G.training; modes =
          && module.training = mode -> module.train(was)
    * training mode: G ran in training mode: an image then depends on the others in its
      batch, and the running averages move. Call `G.eval()` first.
        G.eval() ->
        G.eval() -> G.train()
        | kept = copy.deepcopy(G.state_dict())
        | with torch.no_grad():
        |     images = G(z)
        | G.load_state_dict(kept)
        | return images

        G.eval() -> && with torch.no_grad(): -> if True:
        G.eval() -> && /^for .+\n.+/ -> G.eval()
    * left in eval mode: The images are right, and G stays in eval mode: training would
      go on with frozen statistics. Note the mode before, and put it back.
        /^for .+\n.+/ ->
        /^for .+\n.+/ -> G.training = modes[0][1]
        /^for .+\n.+/ -> && with torch.no_grad(): -> if True:
    * training mode whatever it was: `G.train()` at the end turns training mode on even
      where it was off. Put back what was there: note it before.
        /^for .+\n.+/ -> G.train()
        /^for .+\n.+/ -> G.train() && with torch.no_grad(): -> if True:
    * the graph kept: The images hold the graph of G: a grid of them keeps all
      activations in memory. Wrap the call in `with torch.no_grad():`.
        with torch.no_grad(): -> if True:
        with torch.no_grad(): -> if True: && /^for .+\n.+/ -> G.train(modes[0][1])
    * gradients off for good: `set_grad_enabled(False)` stays off after the function:
      nothing learns any more. `with torch.no_grad():` ends where its block ends.
        /with torch.no_grad\(\):\n +/ -> torch.set_grad_enabled(False)\n
    * weights frozen or thawed: `requires_grad_` changes which weights of G learn, and
      does so for good. `with torch.no_grad():` leaves the weights alone.
        G.eval() -> G.eval().requires_grad_(False)
        return images -> G.requires_grad_(True); return images
    * own latents: The images come from other latents. Use the `z` handed in: fixed
      latents make two moments of a run comparable.
        G(z) -> G(torch.{randn|zeros}_like(z))
    * rescaled for display: The images were mapped to another range. `sample` returns
      what G returns; the figure does the mapping.
        return images -> return {(images + 1) / 2|((images + 1) / 2).clamp(0, 1)}
        return images -> return images.{clamp(-1, 1)|tanh()|sigmoid()}
    + a graph built and dropped: Right. The graph was built and then let go: `with
      torch.no_grad():` does not build it.
        with torch.no_grad(): -> if True: && return images -> return images.detach()
    """,
    names=NAMES,
    lesson=7,
    reference=training.sample,
    observe=watch_sample,
    probes={
        "G in training mode": some_generator("train"),
        "G in eval mode": some_generator("eval"),
        "a single latent": some_generator("train", 1),
        "one part of G in eval mode": some_generator("a part frozen"),
    },
    later={
        "one part of G in training mode": some_generator("a part trains"),
        "70 latents, some far out": some_generator("train", 70, scale=3.0),
        "images, in float64": some_generator("images"),
    },
)

entry(
    r"""
    images_per_second(step, batch_size, n)
        step()
        devices.synchronize()
        start = time.perf_counter()
        for _ in range(n):
            step()
        devices.synchronize()
        return n * batch_size / (time.perf_counter() - start)

    because: Warm up, wait, read; n steps; wait, read.
    praise: Numbers of speed that do not flatter. Ask how others were taken.
    hint: What does the very first step do that no later one does?
    hint: A GPU's calls return before the work is done. So what has to happen before
      each of the two readings of the clock?
    right: /^step/ -> for _ in range(3): step && perf_counter -> {time|monotonic}
    right: devices.synchronize() -> (device.type == "cuda"
      and torch.cuda.current_stream().synchronize())
    right: perf_counter -> perf_counter_ns && return -> return 1e9 *

    * nobody waits for the GPU: A GPU's call returns before its work is done: the orders
      were timed. Call `devices.synchronize()` before *both* readings.
        devices.synchronize() ->
        devices.synchronize() -> && /^step\(\)/ ->
    * the end is not awaited: The last reading does not wait: on a GPU the work is still
      under way. `devices.synchronize()` also before the second reading.
        /devices.synchronize\(\)\nreturn/ -> return
    * the end is awaited too late: You wait after the second reading, when the clock has
      been read. `devices.synchronize()` belongs before it.
        /(?s)devices.synchronize\(\)\nreturn (.+) \/ \((.+)\)/ ->
          seconds = \2\ndevices.synchronize()\nreturn \1 / seconds
    * the start is not awaited: On a GPU the warm-up is still running when the clock
      starts. `devices.synchronize()` also before the first reading.
        /devices.synchronize\(\)\nstart/ -> start
        /dev.+\nstart/ -> start && /^step/ -> for _ in range({2|3}): step
    * a GPU taken for granted: `torch.cuda.synchronize()` fails where there is no GPU.
      Ask first, or call `devices.synchronize()`, which asks.
        devices.synchronize() -> torch.cuda.synchronize()
    * no warm-up: The first step allocates memory and picks kernels, and was timed with
      the rest. Call `step()` once before the clock starts.
        /^step\(\)/ ->
        /(?s)^(.+)(start = .+?\n)/ -> \2\1
    * steps per second: Those are *steps* a second. Each holds `batch_size` images.
        n * batch_size -> n
    * seconds per image: That is a time. Divide the images by the seconds instead.
        /return (.+) \/ (\(.+)/ -> return \2{ / (n * batch_size)| / n|}
    * other steps counted than timed: n steps belong between the readings, and n *
      batch_size images went through them.
        n * batch_size -> {batch_size|(n + 1) * batch_size}
        range(n) -> range(n {-|+} 1)
        range(n) -> range(n - 1) && - start) -> - start or 1)
    * each step by itself: One step stands for all, or the rates of the steps were
      averaged. A run pays for every step: all images, divided by the time of all.
        start = -> seconds, start = [], && /return .+/ ->
          return batch_size / {min|max|statistics.median|statistics.harmonic_mean}(
          seconds)
          && /^    step\(\)/ -> \g<0>; devices.synchronize();
          seconds.append(time.perf_counter() - sum(seconds) - start)
    * no gradients in the steps: The steps ran under `no_grad` or `inference_mode`. They
      train: without gradients you would time another thing.
        /^( *)step\(\)/ -> \1torch.{no_grad|inference_mode}()(step)()
    * CPU time: `process_time` stands still while the CPU waits for a GPU. What counts
      is the time on the wall: `time.perf_counter()`.
        perf_counter -> {process|thread}_time
    ~ milliseconds: Off by a power of 1000: images per *second* are asked for.
        n * batch_size / -> n * batch_size {/|*} 1000 /
        perf_counter -> perf_counter_ns
    + waits in every step: Right on the whole. Waiting inside the loop keeps the CPU
      from preparing the next step, which costs speed on a GPU.
        /^    step\(\)/ -> \g<0>; devices.synchronize()
    + a wait that the check cannot see: Right as far as this check sees. It plays a GPU
      and a clock to your function, but no tensors of that GPU. `devices.synchronize()`
      asks none.
        devices.synchronize() -> (torch.ones(1).is_cuda and torch.cuda.synchronize())
    """,
    names={
        **NAMES,
        "time": time,
        "devices": devices,
        "statistics": statistics,
        "device": torch.device("cpu"),
    },
    lesson=7,
    reference=devices.images_per_second,
    observe=watch_clock,
    probes={
        "a CPU, batches of 64, 10 steps": lambda: (Machine(), 64, 10),
        "a CPU, batches of 100, 1 step": lambda: (Machine(), 100, 1),
        "a GPU, batches of 64, 10 steps": lambda: (Machine(gpu=True), 64, 10),
        "a GPU, batches of 512, 4 steps": lambda: (Machine(gpu=True), 512, 4),
    },
    later={
        "a slow CPU, 3 steps of one image": lambda: (Machine(pace=3.0), 1, 3),
        "a fast CPU, batches of 64, 5 steps": lambda: (Machine(pace=1e-3), 64, 5),
    },
    rtol=3e-3,
    same=3e-3,
)


def ends(length0: float, length1: float, d: int = 6) -> tuple[Tensor, Tensor]:
    """Two vectors of these lengths, at the angle that chance makes."""
    draws = torch.randn(2, d, generator=torch.Generator().manual_seed(d))
    a, b = draws / draws.norm(dim=1, keepdim=True)
    return length0 * a, length1 * b


def plane(z0: tuple, z1: tuple, n: int):
    """A probe: two vectors in the plane, and the number of points."""
    return lambda: (torch.tensor(z0), torch.tensor(z1), n)


def at_angle(w: float, n: int):
    """A probe: two vectors of length 2 in the plane."""
    return plane((2.0, 0.0), (2 * math.cos(w), 2 * math.sin(w)), n)


def watch_walk(function: Any, z0: Tensor, z1: Tensor, n: int) -> observers.Seen:
    """The points, in float32 where they come in float64."""
    for what, seen in observers.value(function, z0.clone(), z1.clone(), n):
        if what == "value" and isinstance(seen, Tensor) and seen.is_floating_point():
            seen = seen.float() if seen.dtype == torch.float64 else seen
            yield what, seen
            seen = bool(seen.isfinite().all())  # NaN alone would name no mistake
            what = "every number is finite"
        yield what, seen


entry(
    r"""
    spherical_interpolation(z0, z1, n)
        t = torch.linspace(0, 1, n)[:, None]
        a, b = z0 / z0.norm(), z1 / z1.norm()
        w = torch.acos((a @ b).clamp(-1, 1))
        if torch.sin(w) < 1e-3:
            return (1 - t) * z0 + t * z1
        turned = (torch.sin((1 - t) * w) * a + torch.sin(t * w) * b) / torch.sin(w)
        return ((1 - t) * z0.norm() + t * z1.norm()) * turned

    because: The direction turns evenly, the length changes evenly.
    praise: Every stop of the walk is a latent that G could have met.
    hint: A point has a direction and a length. Which should change evenly, which turn?
    hint: For unit vectors a and b at the angle w: (sin((1 - t) w) a + sin(t w) b) /
      sin(w). What is sin(w) where both point the same way?
    right: /return .+turned/ -> return torch.lerp(z0.norm(), z1.norm(), t) * turned

    * a straight line: The walk cuts through the inside of the sphere, where latents are
      shorter than G ever met. Turn the direction, and change the length evenly.
        return torch.lerp(z0, z1, torch.linspace(0, 1, n)[:, None])
    * uneven angles: Lengths are right, and the angles uneven: a line pulled out to the
      sphere hurries in the middle. Weigh with the sines.
        /turned = .+/ -> turned = (1 - t) * {a + t * b|z0 + t * z1};
          turned = turned / turned.norm(dim=1, keepdim=True)
    * one length for all: All points have one length. The directions are right; multiply
      by a length that goes evenly from |z0| to |z1|.
        /return \(\(1.+/ -> return turned
        /return \(\(1.+/ -> return {z0.norm()|z1.norm()|(z0.norm() + z1.norm()) / 2}
          * turned
    ~ sines on the raw vectors: The form that many programs have, right for two of one
      length. Otherwise both are uneven: weigh unit vectors, then multiply by the
      length.
        * a + -> * z0 + && * b) -> * z1) && /return \(\(1.+/ -> return turned
        * a + -> * z0 + && * b) -> * z1) && /return \(\(1.+/ -> return turned
          && torch.sin(w) < 1e-3 -> False
    * lengths twice: The vectors carry their lengths already, and you multiply by a
      length again. Divide each by its own first.
        * a + -> * z0 + && * b) -> * z1)
    * no way out for parallel ones: For parallel vectors the sine of the angle is 0, and
      it divides. There the straight line *is* the walk: return it.
        torch.sin(w) < 1e-3 -> False
        torch.sin(w) < 1e-3 -> False && .clamp(-1, 1) ->
    * a cosine above 1: NaN for some parallel vectors: rounding made their cosine a
      little more than 1. `.clamp(-1, 1)` before the arccosine.
        .clamp(-1, 1) ->
        (a @ b).clamp(-1, 1) -> z0 @ z1 / (z0.norm() * z1.norm())
    * angle of long vectors: The arccosine was taken of z0 * z1, which is a cosine for
      *unit* vectors only. Divide by both lengths first.
        (a @ b) -> (z0 @ z1)
        (a @ b).clamp(-1, 1) -> z0 @ z1
    * weights turned: The walk runs backward: the first point should be z0, the last z1.
        t = -> z0, z1 = z1, z0; t =
        * a + -> * b + && * b) -> * a)
    * an end is missing: n points are wanted, the first z0 and the last z1:
      `torch.linspace(0, 1, n)` has both ends.
        torch.linspace(0, 1, n) -> (torch.arange({n) / n|1, n + 1) / n})
        torch.linspace(0, 1, n) -> torch.linspace(0, 1, n + {2)[1:-1]|1)|2)}
    * sines of the share: The weights ignore the angle between z0 and z1: they fit
      orthogonal ends only. Use w.
        /turned = .+/ -> turned = torch.cos(t * math.pi / 2) * a
          + torch.sin(t * math.pi / 2) * b
    """,
    names=NAMES,
    lesson=7,
    reference=data.spherical_interpolation,
    observe=watch_walk,
    probes={
        "a right angle, 3 points": plane((1.0, 0.0), (0.0, 3.0), 3),
        "two unit vectors, 5 points": lambda: (*ends(1, 1), 5),
        "lengths 2 and 5, 7 points": lambda: (*ends(2, 5), 7),
        "a wide angle, 9 points": at_angle(2.8, 9),
        "64 numbers, only the ends": lambda: (*ends(2, 5, 64), 2),
        "an acute angle, 5 points": at_angle(0.9, 5),
        "a narrow angle, 5 points": at_angle(0.13, 5),
        "parallel along an axis, 3 points": plane((2.0, 0.0), (5.0, 0.0), 3),
        # Divided by their lengths in float32, these two have a cosine above 1.
        "parallel, 4 points": plane((3.0, 5.0), (6.0, 10.0), 4),
        "one and the same, 4 points": lambda: (*[2 * ends(1, 1)[0]] * 2, 4),
    },
    rtol=3e-4,
    atol=3e-5,
    same=2e-3,
)

LOSSY = "value, up to the digits that cdist loses among more than 25"


def watch_neighbors(function: Any, samples: Tensor, x: Tensor) -> observers.Seen:
    """Distances and places."""
    many = max(len(samples), len(x)) > 25
    for what, seen in observers.value(function, samples, x):
        yield LOSSY if many and what == "value" else what, seen


def neighbors(n: int, m: int, *shape: int, copies: bool = False):
    """A probe: n samples and m data of a shape; half of the samples may be copies."""

    def make() -> tuple[Tensor, Tensor]:
        draws = torch.Generator().manual_seed(n + m)
        x = torch.rand(m, *shape, generator=draws) * 2 - 1
        samples = torch.rand(n, *shape, generator=draws) * 2 - 1
        if copies:
            samples[::2] = x[: len(samples[::2])].flip(0)
        return samples, x

    return make


entry(
    r"""
    nearest_neighbors(samples, data)
        distances = torch.cdist(samples.flatten(1), data.flatten(1))
        nearest = distances.min(dim=1)
        return nearest.values, nearest.indices

    because: One row of the table for each sample; its smallest entry and place.
    praise: Now you can ask whether a beautiful sample is one of the data.
    hint: A table of all distances has n rows, m columns. What is asked of a row?
    hint: `.flatten(1)` makes a row of an image, and `torch.cdist(a, b)` the table.
    right: /^dist.+/ -> distances = (samples.flatten(1)[:, None]
      - data.flatten(1)).norm(dim=2)
    right:
      | s, x = samples.flatten(1), data.flatten(1)
      | squares = s.square().sum(1)[:, None] + x.square().sum(1) - 2 * s @ x.T
      | smallest, where = squares.min(dim=1)
      | return smallest.clamp(min=0).sqrt(), where

    ~ squared: The distances are squared: the root is missing.
        return nearest.values -> return nearest.values.square()
    ~ averaged over the pixels: A mean over the pixels was taken. The Euclidean distance
      is the root of a *sum* of squares.
        nearest = -> distances = distances{| ** 2} / data[0].numel(); nearest =
        nearest = -> distances = distances / data[0].numel() ** 0.5; nearest =
    * absolute differences: Absolute differences were summed, or the largest one taken.
      Euclidean: squares, their sum, the root.
        data.flatten(1)) -> data.flatten(1), p={1|math.inf})
    * angles: The angle between the images was compared, which a dim copy passes for an
      exact one. Take the length of the difference.
        /^dist.+/ -> distances = torch.cosine_similarity(samples.flatten(1)[:, None],
          data.flatten(1), dim=2) && min(dim=1) -> max(dim=1)
    * the farthest: The farthest data were picked: `min` along the data.
        min(dim=1) -> max(dim=1)
    * for each of the data: The nearest *sample* of each of the data was sought. It is
      the other way round: n answers, places in the data.
        min(dim=1) -> min(dim=0)
    * order of the results: Both are right and change places: distances, then indices.
        return nearest.values, nearest.indices -> return nearest.indices, nearest.values
    * a column: Columns of shape (n, 1) came back. Rows of n numbers are wanted, (n,):
      leave out `keepdim`, or take `[:, 0]`.
        min(dim=1) -> {min(dim=1, keepdim=True)|topk(1, largest=False)}
    * along the last axis: Only one axis of an image was summed, or `cdist` took images
      for batches of tables. An image is one point: `.flatten(1)`.
        samples.flatten(1), data.flatten(1) -> samples, data
        samples.flatten(1), data.flatten(1) -> samples, data && dim=1 -> dim=-1
    """,
    names=NAMES,
    lesson=7,
    reference=evaluation.nearest_neighbors,
    observe=watch_neighbors,
    probes={
        "one sample, two data": lambda: (
            torch.tensor([[0.5, 0.0]]),
            torch.tensor([[-3.0, -4.0], [1.0, 1.0]]),
        ),
        "4 samples, 7 data of 3 numbers": neighbors(4, 7, 3),
        "5 images, 9 data of 1x4x4": neighbors(5, 9, 1, 4, 4),
        "more samples than data": neighbors(8, 3, 1, 3, 3),
        "copies among 40 and 40": neighbors(40, 40, 1, 4, 4, copies=True),
        "color images": neighbors(3, 6, 3, 4, 4),
    },
    later={
        "data far away": lambda: (
            torch.tensor([[0.0, 1.0], [2.0, 0.0], [0.0, -5.0]]),
            torch.tensor([[3e4, 0.0], [0.0, -2e4], [-1e4, 3e4], [0.0, 3e4]]),
        ),
        "a single one of the data": neighbors(3, 1, 1, 3, 3),
    },
    rtol=3e-5,
    atol=1e-6,
    tolerance={LOSSY: (1e-3, 3e-3)},
)
