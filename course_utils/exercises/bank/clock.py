"""A machine to time steps on: a clock that steps move, and a GPU where one is asked."""

from __future__ import annotations

import contextlib
import functools
import inspect
import math
import threading
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

import torch

from .. import observers
from ..comparing import COST, as_number
from ..wording import MOVED

LAUNCH = 0.001  # seconds that the CPU needs to tell a GPU what to do
REAL = 0.005  # seconds of a machine that keeps real time, for each of its own
CLOCKS = (
    "perf_counter", "time", "monotonic", "process_time", "thread_time",
    "perf_counter_ns", "time_ns", "monotonic_ns",
)  # fmt: skip
real_time, real_sleep = time.perf_counter, time.sleep
# What an answer asks of real tensors, which are on no GPU of this machine's.
REAL_THINGS = {"is_cuda", "device", "type", "get_device"}


class Machine:
    """Step k costs 0.5 + k / 100 seconds, every third 0.4 more and the first 4.

    So neither the middle step nor the mean of the rates stands for all. On a GPU a
    call returns after LAUNCH, and `synchronize` waits for the rest.
    """

    def __init__(self, *, gpu: bool = False, pace: float = 1.0, real: bool = False):
        self.gpu, self.pace, self.real = gpu, REAL if real else pace, real
        self.passed = self.cpu = self.done = 0.0
        self.costs: list[float] = []
        self.learns = self.asks_first = self.on_the_wall = True
        self.reads, self.waits, self.awaited = 0, 0, 0

    @property
    def now(self) -> float:
        """Seconds on the wall."""
        return real_time() if self.real else self.passed

    def step(self) -> None:
        """One training step."""
        k, begin = len(self.costs), self.now
        cost = self.pace * (0.5 + 0.01 * k + 0.4 * (k % 3 == 2) + 4.0 * (k == 0))
        self.learns &= torch.is_grad_enabled()
        self.cpu += LAUNCH if self.gpu else cost
        self._pass_until(begin + (LAUNCH * self.pace if self.gpu else cost))
        self.done = max(self.done, self.now) + cost * self.gpu
        self.costs.append(cost if self.gpu else self.now - begin)

    def synchronize(self, *_: Any, **__: Any) -> None:
        """As torch.cuda's: wait for what the GPU was told."""
        self.require_gpu()
        self.wait(self.done, len(self.costs))

    def stream(self, *_: Any) -> Machine:
        """As torch.cuda's: the only one there is."""
        self.require_gpu()
        return self

    def require_gpu(self) -> None:
        """What torch says where there is none."""
        if not self.gpu and self.asks_first:
            raise AssertionError("Torch not compiled with CUDA enabled")

    def wait(self, until: float, steps: int) -> None:
        """Wait for a moment by which the GPU has made so many steps."""
        self.waits, self.awaited = self.waits + 1, max(self.awaited, steps)
        self._pass_until(until)

    def _pass_until(self, moment: float) -> None:
        if self.real:
            real_sleep(max(0.0, moment - self.now))
        self.passed = max(self.passed, moment)

    def patches(self) -> list[tuple[Any, str, Any]]:
        """What stands in for a real GPU and a real clock while it is asked."""
        gpu, Event = self.gpu, functools.partial(_Event, self)
        device = torch.device("cuda") if gpu else None
        found = [
            *((x, name, new) for x in (torch.cuda, torch.accelerator) for name, new in (
                ("is_available", lambda: gpu), ("device_count", lambda: int(gpu)),
                ("synchronize", self.synchronize), ("current_stream", self.stream),
            )),
            *((x, "Event", Event) for x in (torch.cuda, torch)),
            (torch.cuda, "default_stream", self.stream),
            (torch.accelerator, "current_accelerator", lambda *_, **__: device),
            (torch.backends.mps, "is_available", lambda: False),
        ]  # fmt: skip
        clocks = () if self.real else CLOCKS
        return [*found, *((time, name, self._clock(name)) for name in clocks)]

    def _clock(self, name: str) -> Callable[[], float]:
        real, here = getattr(time, name), threading.get_ident()

        def clock() -> float:
            if threading.get_ident() != here:  # a notebook's other threads
                return real()
            self.reads += 1
            wall = not name.startswith(("process", "thread"))
            self.on_the_wall &= wall
            t = self.now if wall else self.cpu
            return round(t * 1e9) if name.endswith("_ns") else 1000.0 + t

        return clock


class _Event:
    """As torch.cuda.Event: the moment when the GPU comes to it."""

    def __init__(self, machine: Machine, *_: Any, **__: Any) -> None:
        machine.require_gpu()
        self.machine = machine

    def record(self, *_: Any) -> None:
        self.at = max(self.machine.now, self.machine.done)
        self.steps = len(self.machine.costs)

    def synchronize(self) -> None:
        self.machine.wait(self.at, self.steps)

    def query(self) -> bool:
        self.synchronize()
        return True

    def elapsed_time(self, end: _Event) -> float:
        self.machine.reads += 1
        if self.machine.now < end.at:
            raise RuntimeError("Both events must be completed before elapsed_time")
        return 1000 * (end.at - self.at)


@contextlib.contextmanager
def playing(machine: Machine, function: Any) -> Iterator[None]:
    """Patched modules, and what the notebook imported from them; its `device`, too."""
    swaps = [(vars(owner), name, new) for owner, name, new in machine.patches()]
    fakes = {id(scope[name]): new for scope, name, new in swaps}
    device = torch.device("cuda" if machine.gpu else "cpu")
    scope = getattr(inspect.unwrap(function), "__globals__", {})
    for name, value in list(scope.items()):
        if id(value) in fakes:
            swaps.append((scope, name, fakes[id(value)]))
        elif isinstance(value, torch.device):
            swaps.append((scope, name, device))
        elif isinstance(value, str) and value in ("cpu", "cuda", "mps"):
            swaps.append((scope, name, device.type))
    before = [(scope, name, scope[name]) for scope, name, _ in swaps]
    try:
        for scope, name, new in swaps:
            scope[name] = new
        yield
    finally:
        for scope, name, old in before:
            scope[name] = old


def _names_read(function: Any) -> set[str]:
    """Names in the answer's code, and in its notebook's functions that it calls."""
    function = inspect.unwrap(function)
    scope = getattr(function, "__globals__", {})
    found: set[str] = set()
    codes = [getattr(function, "__code__", None)]
    while codes:
        code = codes.pop()
        new = set(code.co_names) - found if code else set()
        found |= new
        parts = [*code.co_consts, *map(scope.get, new)] if code else []
        parts = [getattr(part, "__code__", part) for part in parts]
        codes += [part for part in parts if isinstance(part, types.CodeType)]
    return found


def watch_clock(
    function: Any, machine: Machine, batch_size: int, n: int
) -> observers.Seen:
    """The rate that an answer tells, over the true one; its steps and waits."""
    names, random = _names_read(function), torch.get_rng_state()
    asks_tensors = bool(names & REAL_THINGS)
    machine.asks_first = not (asks_tensors and torch.cuda.is_available())
    with playing(machine, function):
        rate = function(machine.step, batch_size, n)
    told = _told(rate, machine, batch_size, n)
    for _ in range(0 if machine.reads else 5):  # it has a clock of its own
        machine = Machine(gpu=machine.gpu, real=True)
        with playing(machine, function):
            rate = function(machine.step, batch_size, n)
        told = _told(rate, machine, batch_size, n)
        if isinstance(told, float) and abs(told - 1) < 0.15:
            told = 1.0
            break
    unseen = machine.gpu and not machine.waits
    unseen = unseen and asks_tensors and bool(names & {"synchronize", "Event"})
    made = len(machine.costs)
    yield "steps before the timed ones: at least one", made > n
    yield "images per second, told / true", 1.0 if unseen else told
    yield "the clock counts time on the wall", machine.on_the_wall
    yield "the steps compute gradients", machine.learns
    waits = unseen or not machine.gpu
    yield "the GPU, if any, is waited for", waits or machine.waits > 0
    yield "and after the last step, too", waits or machine.awaited == made
    still = torch.equal(random, torch.get_rng_state())
    yield "global random state", "untouched" if still else MOVED
    yield f"{COST}synchronizes more than twice or thrice", machine.waits > 3
    yield f"{COST}waits only for a GPU of its own", unseen


def _told(rate: Any, machine: Machine, batch_size: int, n: int) -> Any:
    """The rate over that of the last n steps; as it is, if it is no number."""
    number, costs = as_number(rate, whole=False), machine.costs
    true = batch_size * n / sum(costs[-n:]) if len(costs) >= n else math.nan
    return rate if number is None else number / true
