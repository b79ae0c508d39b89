"""Lesson 7, second part: samples, an honest clock, a walk, and a look for copies."""

from __future__ import annotations

import contextlib
import copy
import datetime
import functools
import math
import statistics
import threading
import time
import timeit
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_utils import data, evaluation, training
from course_utils.runs import devices

from . import observers
from .comparing import COST, as_number
from .engine import Exercise, Mistake, register
from .wording import CHANGED, MOVED

# ------------------------------------------------------------------ samples


def _generator(mode: str) -> nn.Sequential:
    weights = torch.Generator().manual_seed(2)
    inner = nn.Sequential(nn.BatchNorm1d(6), nn.ReLU())
    G = nn.Sequential(nn.Linear(3, 6), inner, nn.Dropout(0.5), nn.Linear(6, 4))
    with torch.no_grad():
        for parameter in G.parameters():
            parameter.add_(0.7 * torch.randn(parameter.shape, generator=weights))
        inner[0].running_mean.uniform_(-1, 1, generator=weights)
        inner[0].running_var.uniform_(0.5, 2, generator=weights)
    G.train(mode != "eval")
    if mode == "mixed":
        inner[0].eval().requires_grad_(False)
    if mode == "one trains":
        G.eval()
        inner[0].train()
    return G


def _sample_probe(
    mode: str, n: int = 5, *, scale: float = 1.0, images: bool = False
) -> Callable[[], tuple]:
    def make() -> tuple:
        z = scale * torch.randn(n, 3, generator=torch.Generator().manual_seed(7))
        G = _generator(mode)
        if images:
            G, z = nn.Sequential(G, nn.Unflatten(1, (1, 2, 2))).double(), z.double()
        for weight in G.parameters():
            weight.grad = torch.ones_like(weight)
        return G, z

    return make


def _modes(G: nn.Module) -> tuple[bool, ...]:
    return tuple(module.training for module in G.modules())


def _state(G: nn.Module) -> dict[str, Tensor]:
    """Weights, buffers and gradients by name, copied."""
    grads = {f"{n}.grad": p.grad for n, p in G.named_parameters() if p.grad is not None}
    return {name: value.clone() for name, value in (G.state_dict() | grads).items()}


def _learning(G: nn.Module) -> tuple[bool, ...]:
    return tuple(weight.requires_grad for weight in G.parameters())


def _note_graph(graphs: list, G: nn.Module, inputs: Any, images: Tensor) -> None:
    graphs.append(images.requires_grad)  # no lambda: a pickled copy of G has to work


def _watch_sample(function: Any, G: nn.Module, z: Tensor) -> Iterator[tuple[str, Any]]:
    modes, kept, learning = _modes(G), z.clone(), _learning(G)
    before, settings, state = _state(G), repr(G), torch.get_rng_state()
    graphs: list[bool] = []
    G.register_forward_hook(functools.partial(_note_graph, graphs))
    images = function(G, z)
    yield "the images", images
    has_graph = isinstance(images, Tensor) and images.requires_grad
    yield "the images hold a graph", has_graph
    yield "G's modules in training mode, before", modes
    yield "G's modules in training mode, after", _modes(G)
    after = _state(G)
    moved = [n for n, v in before.items() if n not in after or v.ne(after[n]).any()]
    moved += ["its settings"] * (repr(G) != settings)
    yield "changed inside G", ", ".join(moved)
    yield "G's weights learn as before", _learning(G) == learning
    yield "gradients are still computed elsewhere", torch.is_grad_enabled()
    unchanged = torch.equal(z, kept) and not z.requires_grad
    yield "z", "unchanged" if unchanged else CHANGED
    still = torch.equal(state, torch.get_rng_state())
    yield "global random state", "untouched" if still else MOVED
    yield f"{COST}a graph was built", any(graphs)


def _sampler(
    *,
    before: Callable[[nn.Module], Any] = lambda G: G.eval(),
    grad: bool = False,
    latent: Callable[[Tensor], Tensor] = lambda z: z,
    shown: Callable[[Tensor], Any] = lambda x: x,
    after: Callable[[nn.Module, list], Any] | None = None,
) -> Callable[..., Any]:
    """A sampler with one thing changed."""

    def answer(G: nn.Module, z: Tensor) -> Any:
        modes = [(module, module.training) for module in G.modules()]
        before(G)
        with torch.set_grad_enabled(grad):
            images = G(latent(z))
        (after or _restore)(G, modes)
        return shown(images)

    return answer


def _restore(G: nn.Module, modes: list) -> None:
    for module, mode in modes:
        module.training = mode


def _of_the_whole(G: nn.Module, modes: list) -> None:
    G.train(modes[0][1])


def _on_a_copy(G, z):
    with torch.no_grad():
        return copy.deepcopy(G).eval()(z)


def _by_names(G, z):
    training_now = {name for name, module in G.named_modules() if module.training}
    G.eval()
    with torch.inference_mode(False), torch.no_grad():
        images = G(z)
    for name, module in G.named_modules():
        module.training = name in training_now
    return images


def _gradients_off(G, z):
    torch.set_grad_enabled(False)
    return training.sample(G, z)


def _frozen_for_good(G, z):
    G.requires_grad_(False)
    return training.sample(G, z)


def _frozen_and_all_thawed(G, z):
    G.requires_grad_(False)
    images = training.sample(G, z)
    G.requires_grad_(True)
    return images


def _all_thawed(G, z):
    images = _sampler(grad=True, shown=Tensor.detach)(G, z)
    G.requires_grad_(True)
    return images


def _statistics_put_back(G, z):
    kept = copy.deepcopy(G.state_dict())
    with torch.no_grad():
        images = G(z)
    G.load_state_dict(kept)
    return images


register(
    Exercise(
        name="sample",
        lesson=7,
        reference=training.sample,
        observe=_watch_sample,
        probes={
            "G in training mode": _sample_probe("train"),
            "G in eval mode": _sample_probe("eval"),
            "a single latent": _sample_probe("train", 1),
            "one part of G in eval mode": _sample_probe("mixed"),
        },
        later={
            "one part of G in training mode": _sample_probe("one trains"),
            "70 latents, some far out": _sample_probe("train", 70, scale=3.0),
            "images, in float64": _sample_probe("train", images=True),
        },
        accepts=[_sampler(), _on_a_copy, _by_names],
        mistakes=[
            Mistake(
                "training mode",
                (
                    _sampler(before=lambda G: None),
                    _sampler(before=lambda G: G.train()),
                    _sampler(before=lambda G: None, grad=True),
                    _sampler(before=lambda G: None, after=lambda G, m: G.eval()),
                    _sampler(before=lambda G: G.train(), after=lambda G, m: G.eval()),
                    _sampler(before=lambda G: None, grad=True, shown=Tensor.detach),
                    _statistics_put_back,
                ),
                "G ran in training mode: an image then depends on the others in its "
                "batch (a single one fails), and `no_grad` does not keep the running "
                "averages from moving. Call `G.eval()` first.",
            ),
            Mistake(
                "left in eval mode",
                (
                    _sampler(after=lambda G, m: None),
                    _sampler(after=lambda G, m: None, grad=True),
                    _sampler(after=lambda G, m: None, grad=True, shown=Tensor.detach),
                ),
                "The images are right, and G stays in eval mode: training would go on "
                "with frozen statistics. Note the mode before, and put it back.",
            ),
            Mistake(
                "training mode whatever it was",
                (
                    _sampler(after=lambda G, m: G.train()),
                    _sampler(after=lambda G, m: G.train(), grad=True),
                    _sampler(
                        after=lambda G, m: G.train(), grad=True, shown=Tensor.detach
                    ),
                ),
                "`G.train()` at the end turns training mode on even where it was off. "
                "Put back what was there: note it before.",
            ),
            Mistake(
                "one mode for all modules",
                (
                    _sampler(after=_of_the_whole),
                    _sampler(after=_of_the_whole, grad=True),
                    _sampler(after=_of_the_whole, grad=True, shown=Tensor.detach),
                ),
                "Nearly: `G.train(was)` sets *every* module inside G. A part that was "
                "frozen in eval mode alone comes back in training mode. Note "
                "`module.training` of each module in `G.modules()`.",
            ),
            Mistake(
                "the graph kept",
                _sampler(grad=True),
                "The images hold the graph of G: a grid of them keeps all activations "
                "in memory. Wrap the call in `with torch.no_grad():`.",
            ),
            Mistake(
                "gradients off for good",
                _gradients_off,
                "`set_grad_enabled(False)` stays off after the function: nothing "
                "learns any more. `with torch.no_grad():` ends where its block ends.",
            ),
            Mistake(
                "frozen for good",
                _frozen_for_good,
                "`requires_grad_(False)` was never undone: G cannot learn any more. "
                "`with torch.no_grad():` leaves the weights alone.",
            ),
            Mistake(
                "all thawed",
                (_frozen_and_all_thawed, _all_thawed),
                "`requires_grad_(True)` at the end also thaws a part of G that was "
                "frozen when you came. `with torch.no_grad():` builds no graph and "
                "leaves the weights alone.",
            ),
            Mistake(
                "own latents",
                (
                    _sampler(latent=torch.randn_like),
                    _sampler(latent=lambda z: torch.randn(z.shape)),
                    _sampler(latent=torch.zeros_like),
                ),
                "The images come from other latents. Use the `z` handed in: fixed "
                "latents are what makes two moments of a run comparable.",
            ),
            Mistake(
                "rescaled for display",
                (
                    _sampler(shown=lambda x: (x + 1) / 2),
                    _sampler(shown=lambda x: ((x + 1) / 2).clamp(0, 1)),
                    _sampler(shown=lambda x: x.clamp(-1, 1)),
                    _sampler(shown=torch.tanh),
                    _sampler(shown=torch.sigmoid),
                ),
                "The images were mapped to another range. `sample` returns what G "
                "returns; the figure does the mapping.",
            ),
            Mistake(
                "as NumPy",
                (
                    _sampler(shown=lambda x: x.numpy()),
                    _sampler(shown=lambda x: x.tolist()),
                ),
                "The images come as an array or lists. A tensor is wanted: D, the "
                "classifier and the figures all take tensors.",
            ),
            Mistake(
                "a graph built and dropped",
                _sampler(grad=True, shown=Tensor.detach),
                "Right. The graph was built and then let go: `with torch.no_grad():` "
                "does not build it.",
                kind="waste",
            ),
        ],
        hints=[
            "Which two switches matter here: one of G, one of autograd?",
            "`G.eval()` speaks to all modules. What do you have to know to undo it?",
            "`[(m, m.training) for m in G.modules()]` is a list of who was in which "
            "mode.",
        ],
        answer=(
            "modes = [(module, module.training) for module in G.modules()]\n"
            "G.eval()\n"
            "with torch.no_grad():\n"
            "    images = G(z)\n"
            "for module, mode in modes:\n"
            "    module.training = mode\n"
            "return images"
        ),
        because="Eval mode makes an image depend on its z alone; the rest is tidying.",
        praise="You can look at G at any moment now, and training will not notice.",
        rtol=1e-5,
    )
)


# ------------------------------------------------------------------ an honest clock

LAUNCH = 0.001  # seconds that the CPU needs to tell a GPU what to do


class _Machine:
    """A clock that moves when a step runs, and a GPU that works behind its back.

    Step k costs 0.5 + k / 100 seconds, every third 0.4 seconds more and the first 4,
    so that neither the middle step nor the mean of the rates stands for all; `pace`
    multiplies that. On a GPU a call returns after LAUNCH, and `synchronize` waits for
    the rest.
    """

    def __init__(self, *, gpu: bool, pace: float = 1.0) -> None:
        self.gpu, self.now, self.cpu, self.done = gpu, 0.0, 0.0, 0.0
        self.pace, self.learns = pace, True
        self.costs: list[float] = []
        self.waits, self.awaited = 0, 0  # how often, and how many steps by then

    def step(self) -> None:
        k = len(self.costs)
        seconds = 0.5 + 0.01 * k + 0.4 * (k % 3 == 2) + 4.0 * (k == 0)
        self.costs.append(self.pace * seconds)
        self.learns &= torch.is_grad_enabled()
        busy = LAUNCH if self.gpu else self.costs[-1]
        self.now, self.cpu = self.now + busy, self.cpu + busy
        self.done = max(self.done, self.now) + self.costs[-1] * self.gpu

    def synchronize(self, *_: Any, **__: Any) -> None:
        if not self.gpu:
            raise AssertionError("Torch not compiled with CUDA enabled")
        self.waits, self.awaited = self.waits + 1, len(self.costs)
        self.now = max(self.now, self.done)

    def honest_rate(self, batch_size: int, n: int) -> float:
        """Images a second over the last n steps that were made."""
        return batch_size * n / sum(self.costs[-n:])

    def patches(self) -> list[tuple[Any, str, Any]]:
        """What stands in for a real clock and a real GPU while it is asked."""
        gpu, sync = self.gpu, self.synchronize
        found = [
            (torch.cuda, "is_available", lambda: gpu),
            (torch.cuda, "synchronize", sync),
            (torch.cuda, "device_count", lambda: int(gpu)),
            (torch.backends.mps, "is_available", lambda: False),
        ]
        if hasattr(torch, "accelerator"):
            accelerator = torch.accelerator
            found += [
                (accelerator, "is_available", lambda: gpu),
                (accelerator, "synchronize", sync),
            ]
        clocks = {name: self._clock(name) for name in _CLOCKS}
        found += [(time, name, clock) for name, clock in clocks.items()]
        # timeit took its clock when it was imported.
        timer = clocks["perf_counter"]
        return found + [
            (datetime, "datetime", _dated(clocks["time"])),
            (timeit, "default_timer", timer),
            (timeit, "Timer", _timers(timer)),
            *((timeit, f.__name__, functools.partial(f, timer=timer)) for f in _TIMED),
        ]

    def _clock(self, name: str) -> Callable[[], float]:
        real, here = getattr(time, name), threading.get_ident()
        scale = 1_000_000_000 if name.endswith("_ns") else 1

        def clock() -> float:
            if threading.get_ident() != here:  # a notebook's other threads
                return real()
            t = self.cpu if "process" in name or "thread" in name else self.now
            return round(t * scale) if scale > 1 else 1000.0 + t

        return clock


_TIMED = timeit.timeit, timeit.repeat


def _timers(clock: Callable[[], float]) -> Callable[..., timeit.Timer]:
    made, plain = timeit.Timer, "pass"
    return lambda stmt=plain, setup=plain, timer=clock, globals=None: made(
        stmt, setup, timer, globals
    )


def _dated(clock: Callable[[], float]) -> type:
    class Dated(datetime.datetime):
        """Dates by another clock."""

        @classmethod
        def now(cls, tz: Any = None) -> datetime.datetime:
            return cls.fromtimestamp(clock(), tz)

    return Dated


_CLOCKS = (
    "perf_counter", "time", "monotonic", "process_time", "thread_time",
    "perf_counter_ns", "time_ns", "monotonic_ns",
)  # fmt: skip


@contextlib.contextmanager
def _on(machine: _Machine, function: Any) -> Iterator[None]:
    """Patched modules, and names that the answer's cell imported from them."""
    swaps = [(vars(owner), name, new) for owner, name, new in machine.patches()]
    fakes = {id(scope[name]): new for scope, name, new in swaps}
    own = getattr(function, "__globals__", {})
    swaps += [(own, k, fakes[id(v)]) for k, v in list(own.items()) if id(v) in fakes]
    before = [(scope, name, scope[name]) for scope, name, _ in swaps]
    try:
        for scope, name, new in swaps:
            scope[name] = new
        yield
    finally:
        for scope, name, old in before:
            scope[name] = old


def _watch_clock(
    function: Any, machine: _Machine, batch_size: int, n: int
) -> Iterator[tuple[str, Any]]:
    gpu = machine.gpu
    state = torch.get_rng_state()
    with _on(machine, function):
        rate = function(machine.step, batch_size, n)
    made = len(machine.costs)
    yield "steps before the timed ones: at least one", made > n
    honest = machine.honest_rate(batch_size, n) if made >= n else math.nan
    number = as_number(rate, whole=False)
    told = rate if number is None else number / honest
    yield "images per second, told / true", told
    yield "the steps compute gradients", machine.learns
    yield "the GPU, if any, is waited for", machine.waits > 0 or not gpu
    yield "and after the last step, too", machine.awaited == made or not gpu
    still = torch.equal(state, torch.get_rng_state())
    yield "global random state", "untouched" if still else "moved"
    yield f"{COST}synchronizes more than twice or thrice", machine.waits > 3


def _clock_probe(
    gpu: bool, batch_size: int, n: int, pace: float = 1.0
) -> Callable[[], tuple]:
    return lambda: (_Machine(gpu=gpu, pace=pace), batch_size, n)


def _timer(
    *,
    warm_up: int = 1,
    wait_before: bool = True,
    wait_after: bool = True,
    wait_inside: bool = False,
    warm_up_timed: bool = False,
    timed: Callable[[int], int] = lambda n: n,
    clock: str = "perf_counter",
    rate: Callable[[float, int, int], Any] = lambda s, b, n: n * b / s,
    wait: Callable[[], None] = devices.synchronize,
) -> Callable[..., Any]:
    """An honest clock with one thing changed."""

    def answer(step: Any, batch_size: int, n: int) -> Any:
        now = getattr(time, clock)
        start = now()
        for _ in range(warm_up):
            step()
        if wait_before:
            wait()
        start = start if warm_up_timed else now()
        for _ in range(timed(n)):
            step()
            if wait_inside:
                wait()
        if wait_after:
            wait()
        return rate(now() - start, batch_size, n)

    return answer


def _each_alone(best: Callable[[list], float], warm_up: int = 1) -> Callable[..., Any]:
    def answer(step: Any, batch_size: int, n: int) -> float:
        for _ in range(warm_up):
            step()
        seconds = []
        for _ in range(n):
            devices.synchronize()
            start = time.perf_counter()
            step()
            devices.synchronize()
            seconds.append(time.perf_counter() - start)
        return batch_size / best(seconds)

    return answer


def _wait_if_cuda() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


_NOBODY_WAITS = {"wait_before": False, "wait_after": False}

register(
    Exercise(
        name="images_per_second",
        lesson=7,
        reference=devices.images_per_second,
        observe=_watch_clock,
        probes={
            "a CPU, batches of 64, 10 steps": _clock_probe(False, 64, 10),
            "a CPU, batches of 100, 1 step": _clock_probe(False, 100, 1),
            "a GPU, batches of 64, 10 steps": _clock_probe(True, 64, 10),
            "a GPU, batches of 512, 4 steps": _clock_probe(True, 512, 4),
        },
        later={
            "a slow CPU, 3 steps of one image": _clock_probe(False, 1, 3, 3.0),
            "a fast CPU, batches of 64, 5 steps": _clock_probe(False, 64, 5, 1e-3),
        },
        accepts=[
            _timer(wait=_wait_if_cuda),
            _timer(warm_up=3),
            _timer(clock="time"),
            _timer(clock="monotonic"),
            _timer(clock="perf_counter_ns", rate=lambda s, b, n: 1e9 * n * b / s),
            _each_alone(lambda seconds: sum(seconds) / len(seconds)),
        ],
        mistakes=[
            Mistake(
                "nobody waits for the GPU",
                (
                    _timer(**_NOBODY_WAITS),
                    _timer(**_NOBODY_WAITS, warm_up=0),
                    _timer(**_NOBODY_WAITS, warm_up=3),
                ),
                "On a GPU a call returns before its work is done: you timed how fast "
                "the CPU hands out orders. `devices.synchronize()` waits, and does "
                "nothing where there is no GPU. Call it before *both* readings.",
            ),
            Mistake(
                "the end is not awaited",
                (_timer(wait_after=False), _timer(wait_after=False, warm_up=3)),
                "The last reading does not wait: on a GPU the work is still under way. "
                "`devices.synchronize()` also before the second reading.",
            ),
            Mistake(
                "the start is not awaited",
                (
                    _timer(wait_before=False),
                    _timer(wait_before=False, warm_up=2),
                    _timer(wait_before=False, warm_up=3),
                ),
                "On a GPU the warm-up is still running when the clock starts, and is "
                "timed with the rest. `devices.synchronize()` also before the first "
                "reading.",
            ),
            Mistake(
                "a GPU taken for granted",
                _timer(wait=lambda: torch.cuda.synchronize()),
                "`torch.cuda.synchronize()` fails where there is no GPU. Ask first, or "
                "call `devices.synchronize()`, which asks.",
            ),
            Mistake(
                "no warm-up",
                _timer(warm_up=0),
                "The first step was timed with the rest. It allocates memory and picks "
                "kernels, and can take as long as many others. Call `step()` once "
                "before the clock starts.",
            ),
            Mistake(
                "the warm-up timed",
                (_timer(warm_up_timed=True), _timer(warm_up_timed=True, warm_up=3)),
                "The clock starts before the warm-up, so the first step is in the "
                "time. Read it after.",
            ),
            Mistake(
                "steps per second",
                _timer(rate=lambda s, b, n: n / s),
                "Those are *steps* a second. Each holds `batch_size` images.",
            ),
            Mistake(
                "seconds per image",
                (
                    _timer(rate=lambda s, b, n: s / (n * b)),
                    _timer(rate=lambda s, b, n: s / n),
                    _timer(rate=lambda s, b, n: s),
                ),
                "That is a time: it falls as the machine gets faster. Images are "
                "counted, and divided by the seconds.",
            ),
            Mistake(
                "one step counted",
                _timer(rate=lambda s, b, n: b / s),
                "The time of n steps, the images of one. n * batch_size went through.",
            ),
            Mistake(
                "warm-up counted",
                (
                    _timer(rate=lambda s, b, n: (n + 1) * b / s),
                    _timer(timed=lambda n: n + 1),
                ),
                "The images counted do not belong to the steps timed: one is out of "
                "step. n steps between the readings, n * batch_size images.",
            ),
            Mistake(
                "one step short",
                _timer(timed=lambda n: n - 1, rate=lambda s, b, n: n * b / (s or 1)),
                "Only n - 1 steps lie between the two readings, and n are counted.",
            ),
            Mistake(
                "the best step",
                (_each_alone(min), _each_alone(max), _each_alone(statistics.median)),
                "One of the n steps stands for all, the fastest, the slowest or the "
                "middle one. A run pays for every step: take the time of all n.",
            ),
            Mistake(
                "mean of the rates",
                _each_alone(statistics.harmonic_mean),
                "Every step's own rate, and their mean: a quick step counts as much "
                "as a slow one, which takes more of the time. All images, divided by "
                "the time of all.",
            ),
            Mistake(
                "no gradients in the steps",
                (
                    torch.no_grad()(_timer()),
                    torch.inference_mode()(_timer()),
                ),
                "The steps ran under `no_grad` or `inference_mode`. They train: "
                "without gradients you would time another thing, or an error.",
            ),
            Mistake(
                "rounded",
                (
                    _timer(rate=lambda s, b, n: int(n * b / s)),
                    _timer(rate=lambda s, b, n: n * b // s),
                    _timer(rate=lambda s, b, n: round(n * b / s)),
                ),
                "The rate was rounded to whole images. A slow machine makes less than "
                "one a second: return the quotient as it is.",
            ),
            Mistake(
                "CPU time",
                (_timer(clock="process_time"), _timer(clock="thread_time")),
                "`process_time` counts the CPU's own work and stands still while it "
                "waits for a GPU. A learner waits by the clock on the wall: "
                "`time.perf_counter()`.",
            ),
            Mistake(
                "milliseconds",
                (
                    _timer(rate=lambda s, b, n: n * b / (1000 * s)),
                    _timer(rate=lambda s, b, n: 1000 * n * b / s),
                    _timer(clock="perf_counter_ns"),
                ),
                "Off by a power of 1000: the clock's unit and the one asked for are "
                "not the same. Images per *second*.",
                kind="convention",
            ),
            Mistake(
                "waits in every step",
                _timer(wait_inside=True),
                "Right on the whole. Waiting inside the loop keeps the CPU from "
                "preparing the next step meanwhile: on a GPU that costs speed which "
                "training would have.",
                kind="waste",
            ),
        ],
        hints=[
            "What does the very first step do that no later one does?",
            "A GPU's calls return before the work is done. So what has to happen "
            "before each of the two readings of the clock?",
            "`step()`, then wait, read, n times `step()`, wait, read.",
        ],
        answer=(
            "step()\n"
            "devices.synchronize()\n"
            "start = time.perf_counter()\n"
            "for _ in range(n):\n"
            "    step()\n"
            "devices.synchronize()\n"
            "return n * batch_size / (time.perf_counter() - start)"
        ),
        because="Warm up, wait, read; n steps; wait, read.",
        praise="Numbers of speed that do not flatter. Ask how others were taken.",
        rtol=3e-3,
        same=3e-3,
    )
)


# ------------------------------------------------------------------ a walk


def _ends(kind: str, d: int = 6) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(d)
    a, b = torch.randn(d, generator=rng), torch.randn(d, generator=rng)
    a, b = a / a.norm(), b / b.norm()
    return {
        "unit": (a, b),
        "lengths": (2 * a, 5 * b),
        "wide": (3 * a, 2 * (0.3 * b - a)),
        "parallel": (1.5 * a, 4 * a),
        "equal": (2 * a, 2 * a),
    }[kind]


def _at_angle(angle: float, n: int) -> tuple[Tensor, Tensor, int]:
    """Two vectors of length 2 in the plane."""
    end = torch.tensor([math.cos(angle), math.sin(angle)])
    return torch.tensor([2.0, 0.0]), 2 * end, n


def _walk_probe(kind: str, n: int, d: int = 6) -> Callable[[], tuple]:
    return lambda: (*_ends(kind, d), n)


def _watch_walk(
    function: Any, z0: Tensor, z1: Tensor, n: int
) -> Iterator[tuple[str, Any]]:
    for what, seen in observers.value(function, z0.clone(), z1.clone(), n):
        if what == "value" and isinstance(seen, Tensor) and seen.is_floating_point():
            yield "every number is finite", bool(seen.isfinite().all())
            seen = seen.to(torch.float32) if seen.dtype == torch.float64 else seen
        yield what, seen


def _angle(a: Tensor, b: Tensor) -> Tensor:
    return torch.acos((a @ b / (a.norm() * b.norm())).clamp(-1, 1))


def _walk(
    *,
    steps: Callable[[int], Tensor] = lambda n: torch.linspace(0, 1, n),
    unit: bool = True,
    length: Callable[..., Any] = lambda a, b, t: (1 - t) * a.norm() + t * b.norm(),
    angle: Callable[[Tensor, Tensor], Tensor] = _angle,
    weights: Callable[[Tensor, Tensor], tuple] | None = None,
    fallback: Callable[..., Tensor] | None = lambda a, b, t: (1 - t) * a + t * b,
    shape: Callable[[Tensor], Any] = lambda walk: walk,
) -> Callable[..., Any]:
    """A walk with one thing changed."""

    def answer(z0: Tensor, z1: Tensor, n: int) -> Any:
        t, w = steps(n)[:, None], angle(z0, z1)
        if fallback and torch.sin(w) < 1e-3:
            return shape(fallback(z0, z1, t))
        a, b = (z0 / z0.norm(), z1 / z1.norm()) if unit else (z0, z1)
        if weights:
            first, second = weights(t, w)
        else:
            first, second = (
                torch.sin((1 - t) * w) / torch.sin(w),
                (torch.sin(t * w) / torch.sin(w)),
            )
        return shape(length(z0, z1, t) * (first * a + second * b))

    return answer


def _one(a: Tensor, b: Tensor, t: Tensor) -> float:
    return 1.0


def _line(z0: Tensor, z1: Tensor, n: int) -> Tensor:
    return z0 + torch.linspace(0, 1, n)[:, None] * (z1 - z0)


def _line_at_length(z0: Tensor, z1: Tensor, n: int) -> Tensor:
    """On the great circle, at uneven angles."""
    t = torch.linspace(0, 1, n)[:, None]
    walk = _line(z0 / z0.norm(), z1 / z1.norm(), n)
    length = (1 - t) * z0.norm() + t * z1.norm()
    return length * walk / walk.norm(dim=1, keepdim=True)


def _line_rescaled(z0: Tensor, z1: Tensor, n: int) -> Tensor:
    t = torch.linspace(0, 1, n)[:, None]
    walk = _line(z0, z1, n)
    length = (1 - t) * z0.norm() + t * z1.norm()
    return length * walk / walk.norm(dim=1, keepdim=True)


def _by_rotation(z0: Tensor, z1: Tensor, n: int) -> Tensor:
    """In the plane of both: along z0, and along what of z1 is orthogonal to it."""
    a, b = z0.double(), z1.double()
    e0 = a / a.norm()
    rest = b - (b @ e0) * e0
    if rest.norm() < 1e-6 * b.norm():
        return _line(z0, z1, n)
    e1 = rest / rest.norm()
    w = torch.atan2(b @ e1, b @ e0)
    t = torch.linspace(0, 1, n, dtype=torch.float64)
    length = torch.lerp(a.norm(), b.norm(), t)
    directions = torch.outer((t * w).cos(), e0) + torch.outer((t * w).sin(), e1)
    return (length[:, None] * directions).float()


def _in_numpy(z0: Tensor, z1: Tensor, n: int) -> Tensor:
    a, b = z0.numpy(), z1.numpy()
    la, lb = np.linalg.norm(a), np.linalg.norm(b)
    w = np.arccos(np.clip(a @ b / (la * lb), -1, 1))
    rows = []
    for t in np.linspace(0, 1, n):
        if w < 1e-3:
            rows.append((1 - t) * a + t * b)
            continue
        unit = (np.sin((1 - t) * w) * a / la + np.sin(t * w) * b / lb) / np.sin(w)
        rows.append(((1 - t) * la + t * lb) * unit)
    return torch.tensor(np.stack(rows), dtype=torch.float32)


register(
    Exercise(
        name="spherical_interpolation",
        lesson=7,
        reference=data.spherical_interpolation,
        observe=_watch_walk,
        probes={
            "a right angle, 3 points": lambda: (
                torch.tensor([1.0, 0.0]),
                torch.tensor([0.0, 3.0]),
                3,
            ),
            "two unit vectors, 5 points": _walk_probe("unit", 5),
            "lengths 2 and 5, 7 points": _walk_probe("lengths", 7),
            "a wide angle, 9 points": _walk_probe("wide", 9),
            "64 numbers, only the ends": _walk_probe("lengths", 2, 64),
            "an acute angle, 5 points": lambda: _at_angle(0.9, 5),
            "a narrow angle, 5 points": lambda: _at_angle(0.13, 5),
            "parallel along an axis, 3 points": lambda: (
                torch.tensor([2.0, 0.0]),
                torch.tensor([5.0, 0.0]),
                3,
            ),
            # Divided by their lengths in float32, these two have a cosine above 1.
            "parallel, 4 points": lambda: (
                torch.tensor([3.0, 5.0]),
                torch.tensor([6.0, 10.0]),
                4,
            ),
            "parallel, 5 points": _walk_probe("parallel", 5),
            "one and the same, 4 points": _walk_probe("equal", 4),
        },
        accepts=[_walk(), _by_rotation, _in_numpy],
        mistakes=[
            Mistake(
                "a straight line",
                (
                    _line,
                    lambda a, b, n: torch.lerp(a, b, torch.linspace(0, 1, n)[:, None]),
                ),
                "The walk cuts through the inside of the sphere: half way its latents "
                "are too short, of a length that G never met in training. Turn the "
                "direction, and change the length evenly.",
            ),
            Mistake(
                "uneven angles",
                (_line_at_length, _line_rescaled),
                "Lengths are right, and the angles uneven: a line pulled out to the "
                "sphere hurries in the middle. Weigh with the sines.",
            ),
            Mistake(
                "length 1",
                (_walk(length=_one), _walk(length=_one, fallback=None)),
                "All points have length 1. The directions are right; multiply by a "
                "length that goes evenly from |z0| to |z1|.",
            ),
            Mistake(
                "length of one end",
                (
                    _walk(length=lambda a, b, t: a.norm()),
                    _walk(length=lambda a, b, t: b.norm()),
                    _walk(length=lambda a, b, t: (a.norm() + b.norm()) / 2),
                ),
                "Every point has the same length, and the ends have two. It goes "
                "evenly from |z0| to |z1|.",
            ),
            Mistake(
                "sines on the raw vectors",
                (
                    _walk(unit=False, length=_one),
                    _walk(unit=False, length=_one, fallback=None),
                ),
                "The form that many programs have: the sines weigh z0 and z1 as they "
                "are. It is right for two of one length. Otherwise lengths and angles "
                "are uneven: weigh unit vectors, then multiply by the length.",
                kind="convention",
            ),
            Mistake(
                "lengths twice",
                _walk(unit=False),
                "The vectors carry their lengths already, and you multiply by a "
                "length again. Divide each by its own first.",
            ),
            Mistake(
                "no way out for parallel ones",
                (
                    _walk(fallback=None),
                    _walk(
                        fallback=None,
                        angle=lambda a, b: torch.acos(a @ b / (a.norm() * b.norm())),
                    ),
                    _walk(
                        fallback=None,
                        angle=lambda a, b: torch.acos((a / a.norm()) @ (b / b.norm())),
                    ),
                ),
                "For parallel vectors the angle is 0, and its sine divides: 0 / 0. "
                "Where the sine is tiny, the straight line *is* the walk: return it.",
            ),
            Mistake(
                "a cosine above 1",
                (
                    _walk(angle=lambda a, b: torch.acos(a @ b / (a.norm() * b.norm()))),
                    _walk(
                        angle=lambda a, b: torch.acos((a / a.norm()) @ (b / b.norm()))
                    ),
                ),
                "For some parallel vectors NaN comes out: rounding made their cosine a "
                "little more than 1, which has no arccosine, and a comparison with NaN "
                "is False. `.clamp(-1, 1)` before the arccosine.",
            ),
            Mistake(
                "angle of long vectors",
                (
                    _walk(angle=lambda a, b: torch.acos(a @ b)),
                    _walk(angle=lambda a, b: torch.acos((a @ b).clamp(-1, 1))),
                    _walk(
                        unit=False,
                        length=_one,
                        fallback=None,
                        angle=lambda a, b: torch.acos((a @ b).clamp(-1, 1)),
                    ),
                ),
                "The arccosine was taken of z0 * z1, which is a cosine for *unit* "
                "vectors only. Divide by both lengths first.",
            ),
            Mistake(
                "no sine below",
                _walk(weights=lambda t, w: (torch.sin((1 - t) * w), torch.sin(t * w))),
                "The division by sin(w) is missing, so not even the ends are right.",
            ),
            Mistake(
                "weights turned",
                (
                    _walk(
                        weights=lambda t, w: (
                            torch.sin(t * w) / torch.sin(w),
                            torch.sin((1 - t) * w) / torch.sin(w),
                        )
                    ),
                    lambda a, b, n: _walk()(a, b, n).flip(0),
                    lambda a, b, n: _walk()(b, a, n),
                ),
                "The walk runs backward: the first point should be z0, the last z1.",
            ),
            Mistake(
                "an end is missing",
                (
                    _walk(steps=lambda n: torch.arange(n) / n),
                    _walk(steps=lambda n: torch.arange(1, n + 1) / n),
                    _walk(steps=lambda n: torch.linspace(0, 1, n + 2)[1:-1]),
                    _walk(steps=lambda n: torch.linspace(0, 1, n + 1)),
                    _walk(steps=lambda n: torch.linspace(0, 1, n + 2)),
                ),
                "The points are not the wanted ones: n in all, the first is z0 and the "
                "last z1. `torch.linspace(0, 1, n)` has both ends.",
            ),
            Mistake(
                "sines of the share",
                (
                    _walk(
                        weights=lambda t, w: (
                            torch.cos(t * math.pi / 2),
                            torch.sin(t * math.pi / 2),
                        )
                    ),
                    _walk(weights=lambda t, w: ((1 - t).sqrt(), t.sqrt())),
                ),
                "The weights ignore the angle between z0 and z1: they fit orthogonal "
                "ends only, which random latents nearly are. Use w.",
            ),
            Mistake(
                "points in columns",
                _walk(shape=lambda walk: walk.T.contiguous()),
                "The result has shape (d, n). A latent is a *row*: (n, d).",
            ),
            Mistake(
                "a list",
                _walk(shape=list),
                "A list of points came back. `torch.stack(points)` makes a batch of "
                "it, (n, d).",
            ),
        ],
        hints=[
            "A point has a direction and a length. Which of the two should change "
            "evenly, and which turn?",
            "For unit vectors a and b at the angle w: (sin((1 - t) w) a + sin(t w) b) "
            "/ sin(w).",
            "What is sin(w) where both point the same way?",
        ],
        answer=(
            "t = torch.linspace(0, 1, n)[:, None]\n"
            "a, b = z0 / z0.norm(), z1 / z1.norm()\n"
            "w = torch.acos((a @ b).clamp(-1, 1))\n"
            "if torch.sin(w) < 1e-3:\n"
            "    return (1 - t) * z0 + t * z1\n"
            "turned = (torch.sin((1 - t) * w) * a + torch.sin(t * w) * b) / w.sin()\n"
            "return ((1 - t) * z0.norm() + t * z1.norm()) * turned"
        ),
        because="The direction turns evenly, the length changes evenly.",
        praise="Every stop of the walk is a latent that G could have met.",
        rtol=3e-4,
        atol=3e-5,
        same=2e-3,
    )
)


# ------------------------------------------------------------------ copies


LOSSY = "value, up to the digits that cdist loses among more than 25"


def _watch_neighbors(
    function: Any, samples: Tensor, x: Tensor
) -> Iterator[tuple[str, Any]]:
    many = max(len(samples), len(x)) > 25
    for what, seen in observers.value(function, samples, x):
        yield LOSSY if many and what == "value" else what, seen


def _neighbor_probe(
    n: int, m: int, *shape: int, copies: bool = False
) -> Callable[[], tuple]:
    def make() -> tuple:
        rng = torch.Generator().manual_seed(n + m)
        x = torch.rand(m, *shape, generator=rng) * 2 - 1
        samples = torch.rand(n, *shape, generator=rng) * 2 - 1
        if copies:
            samples[::2] = x[: len(samples[::2])].flip(0)
        return samples, x

    return make


def _flat(x: Tensor) -> Tensor:
    return x.flatten(1)


def _distances(samples: Tensor, x: Tensor, p: float = 2.0) -> Tensor:
    difference = _flat(samples)[:, None] - _flat(x)[None]
    return torch.linalg.vector_norm(difference, p, dim=2)


def _nearest(
    table: Callable[[Tensor, Tensor], Tensor] = _distances,
    of: Callable[[Tensor], Any] = lambda t: tuple(t.min(dim=1)),
) -> Callable[..., Any]:
    return lambda samples, data: of(table(samples, data))


def _one_by_one(samples, data):
    found = [
        min((float((s - x).square().sum().sqrt()), i) for i, x in enumerate(data))
        for s in samples
    ]
    distances, indices = zip(*found, strict=True)
    return torch.tensor(distances), torch.tensor(indices)


def _by_products(samples: Tensor, data: Tensor) -> tuple[Tensor, Tensor]:
    s, x = _flat(samples), _flat(data)
    squares = s.square().sum(1)[:, None] + x.square().sum(1)[None] - 2 * s @ x.T
    smallest, where = squares.min(dim=1)
    return smallest.clamp(min=0).sqrt(), where


def _cosines(samples: Tensor, data: Tensor) -> Tensor:
    s, x = _flat(samples), _flat(data)
    return 1 - (s / s.norm(dim=1, keepdim=True)) @ (x / x.norm(dim=1, keepdim=True)).T


register(
    Exercise(
        name="nearest_neighbors",
        lesson=7,
        reference=evaluation.nearest_neighbors,
        observe=_watch_neighbors,
        probes={
            "one sample, two data": lambda: (
                torch.tensor([[0.0, 0.0]]),
                torch.tensor([[-3.0, -4.0], [1.0, 1.0]]),
            ),
            "4 samples, 7 data of 3 numbers": _neighbor_probe(4, 7, 3),
            "5 images, 9 data of 1x4x4": _neighbor_probe(5, 9, 1, 4, 4),
            "more samples than data": _neighbor_probe(8, 3, 1, 3, 3),
            "copies among 40 and 40": _neighbor_probe(40, 40, 1, 4, 4, copies=True),
            "color images": _neighbor_probe(3, 6, 3, 4, 4),
        },
        later={
            "data far away": lambda: (
                torch.tensor([[0.0, 1.0], [2.0, 0.0], [0.0, -5.0]]),
                torch.tensor([[3e4, 0.0], [0.0, -2e4], [-1e4, 3e4], [0.0, 3e4]]),
            ),
            "a single one of the data": _neighbor_probe(3, 1, 1, 3, 3),
        },
        accepts=[
            _nearest(),
            _nearest(lambda s, x: torch.cdist(_flat(s), _flat(x))),
            _nearest(of=lambda t: [t.amin(dim=1), t.argmin(dim=1)]),
            _nearest(of=lambda t: (t.sort(dim=1)[0][:, 0], t.sort(dim=1)[1][:, 0])),
            _one_by_one,
            _by_products,
        ],
        mistakes=[
            Mistake(
                "squared",
                (
                    _nearest(of=lambda t: tuple(t.square().min(dim=1))),
                    _nearest(lambda s, x: torch.cdist(_flat(s), _flat(x)).square()),
                ),
                "The distances are squared: the root is missing. (The neighbors are "
                "the same.)",
                kind="convention",
            ),
            Mistake(
                "averaged over the pixels",
                (
                    _nearest(lambda s, x: _distances(s, x) / _flat(s).shape[1] ** 0.5),
                    _nearest(lambda s, x: _distances(s, x) ** 2 / _flat(s).shape[1]),
                    _nearest(lambda s, x: _distances(s, x, 1) / _flat(s).shape[1]),
                ),
                "A mean over the pixels was taken. The Euclidean distance is the root "
                "of a *sum* of squares.",
                kind="convention",
            ),
            Mistake(
                "absolute differences",
                (
                    _nearest(lambda s, x: _distances(s, x, 1)),
                    _nearest(lambda s, x: _distances(s, x, math.inf)),
                ),
                "Absolute differences were summed, or the largest one taken. "
                "Euclidean: squares, their sum, the root.",
            ),
            Mistake(
                "angles",
                (
                    _nearest(_cosines),
                    _nearest(_cosines, of=lambda t: tuple((1 - t).max(dim=1))),
                    _nearest(
                        _cosines, of=lambda t: (1 - t.amin(dim=1), t.argmin(dim=1))
                    ),
                ),
                "The angle between the images was compared, which a dim copy passes "
                "for an exact one. Take the length of the difference.",
            ),
            Mistake(
                "the farthest",
                _nearest(of=lambda t: tuple(t.max(dim=1))),
                "The farthest data were picked: `min` along the data.",
            ),
            Mistake(
                "for each of the data",
                (
                    _nearest(of=lambda t: tuple(t.min(dim=0))),
                    lambda samples, data: evaluation.nearest_neighbors(data, samples),
                ),
                "The nearest *sample* of each of the data was sought. It is the other "
                "way round: n answers, places in the data.",
            ),
            Mistake(
                "order of the results",
                _nearest(of=lambda t: tuple(t.min(dim=1))[::-1]),
                "Both are right and change places: distances first, then indices.",
            ),
            Mistake(
                "one of two",
                (
                    _nearest(of=lambda t: t.amin(dim=1)),
                    _nearest(of=lambda t: t.argmin(dim=1)),
                ),
                "Two results are wanted: how far the nearest is, and which one.",
            ),
            Mistake(
                "the nearest of all",
                (
                    _nearest(of=lambda t: (t.min(), t.argmin())),
                    _nearest(of=lambda t: (t.min().item(), t.argmin().item())),
                ),
                "One minimum over the whole table. Every sample has a nearest of its "
                "own: `min(dim=1)`.",
            ),
            Mistake(
                "itself left out",
                _nearest(
                    of=lambda t: (
                        t.topk(2, dim=1, largest=False).values[:, 1],
                        t.topk(2, dim=1, largest=False).indices[:, 1],
                    )
                ),
                "The second nearest was taken. Samples are not among the data: the "
                "nearest counts, and a copy has distance 0.",
            ),
            Mistake(
                "along the last axis",
                (
                    lambda samples, data: tuple(torch.cdist(samples, data).min(dim=-1)),
                    lambda samples, data: tuple(
                        (samples[:, None] - data[None]).norm(dim=-1).min(dim=1)
                    ),
                ),
                "Only one axis of an image was summed. An image is one point: "
                "`.flatten(1)` makes a row of its numbers.",
            ),
        ],
        hints=[
            "A table of all distances has n rows, m columns. What is asked of a row?",
            "`.flatten(1)` makes a row of an image, and `torch.cdist(a, b)` the table.",
        ],
        answer=(
            "distances = torch.cdist(samples.flatten(1), data.flatten(1))\n"
            "nearest = distances.min(dim=1)\n"
            "return nearest.values, nearest.indices"
        ),
        because="One row of the table for each sample; its smallest entry and place.",
        praise="Now you can ask whether a beautiful sample is one of the data.",
        rtol=3e-5,
        atol=1e-6,
        tolerance={LOSSY: (1e-3, 3e-3)},
    )
)
