"""Run an answer on the probes: the same start for all, nothing left behind."""

from __future__ import annotations

import _thread
import contextlib
import io
import linecache
import random
import re
import signal
import sys
import threading
import time
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

# (probe, observation) -> what was seen there.
Run = dict[tuple[str, str], Any]
RAISED = "raises"
WAITING = 4  # an answer that waits, not works, has so many times as long
SEED = 27182  # one that no answer sets, or setting it would leave no trace


@dataclass(frozen=True)
class Raised:
    """An exception, as an observation: its type, its text, and the learner's line."""

    kind: str
    text: str
    where: str = ""

    @property
    def is_stub(self) -> bool:
        """The stub's own `raise`; torch's NotImplementedErrors say something."""
        return self.kind == "NotImplementedError" and not self.text

    @property
    def key(self) -> tuple[str, str]:
        """Type and first line without what varies: numbers, addresses, paths."""
        first = self.text.split("\n")[0]
        return self.kind, re.sub(r"0x\w+|[-\d.,]+|/\S+", "#", first)


class TooSlow(Exception):
    """The answer ran past its time."""


def run(
    name: str,
    answer: Any,
    observe: Callable[..., Iterator[tuple[str, Any]]],
    probes: Mapping[str, Callable[[], tuple]],
    *,
    seconds: float | None = None,
    is_learners: bool = False,
) -> tuple[Run, str]:
    """Observe an answer on every probe.

    Args:
        name: of the exercise.
        answer: a function or class.
        observe: generator of (observation, value); what it yields before an exception
            is kept.
        probes: label -> a function that makes fresh arguments.
        seconds: of work for all probes together; None: no limit.
        is_learners: then its own module knows the answer by that name meanwhile, so
            that recursion and super(Name, self) mean the object that is judged.

    Returns:
        What was seen, and what was printed.
    """
    seen: Run = {}
    printed = io.StringIO()
    with _unchanged_world(), _bound(name, answer, is_learners), _quiet(printed):
        try:
            with _time_limit(seconds) as check:
                for label, make in probes.items():
                    _seed()
                    if not _observe(label, answer, observe, make, seen, check):
                        break
        except TooSlow as error:
            seen[label, RAISED] = Raised("TooSlow", str(error))
    return seen, printed.getvalue()


def _observe(
    label: str, answer: Any, observe: Any, make: Any, seen: Run, check: Any
) -> bool:
    """One probe; False where going on tells nothing more."""
    arguments = make()
    try:
        for observation, value in observe(answer, *arguments):
            check()
            seen[label, observation] = frozen(value)
    except (TooSlow, KeyboardInterrupt):
        raise
    except BaseException as error:  # sys.exit() too: it would close the notebook
        if isinstance(error.__cause__, StopIteration):
            error = error.__cause__  # an observer is a generator, which hides it
        kind = type(error).__name__
        seen[label, RAISED] = Raised(kind, str(error), _learner_lines(error, answer))
        return not seen[label, RAISED].is_stub
    return True


def frozen(value: Any) -> Any:
    """A copy that later in-place changes cannot reach; lists become tuples."""
    if isinstance(value, Tensor):
        value = value.detach()
        dense = value if value.layout == torch.strided else value.to_dense()
        return dense.clone().cpu()
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, (tuple, list)):
        return tuple(frozen(v) for v in value)
    return value


def _learner_lines(error: BaseException, answer: Any) -> str:
    """The learner's own lines of the traceback, with their source, never a path."""
    parts = [answer, *vars(answer).values()] if isinstance(answer, type) else [answer]
    own = {p.__code__.co_filename for p in parts if hasattr(p, "__code__")}
    lines = []
    frame = error.__traceback__
    while frame:
        file = frame.tb_frame.f_code.co_filename
        source = linecache.getline(file, frame.tb_lineno).strip()
        if file in own:
            lines.append(f"line {frame.tb_lineno} of your cell: {source}")
        elif "ipykernel" in file or file.startswith("<ipython"):
            lines.append(f"line {frame.tb_lineno} of another cell: {source}")
        frame = frame.tb_next
    return lines[-1] if lines else ""


# ------------------------------------------------------------------ the same start


def _seed() -> None:
    torch.set_default_dtype(torch.float32)  # a cell may have changed it, and the device
    if torch.get_default_device().type != "cpu":
        torch.set_default_device(None)
    # Not torch.manual_seed: it queues a stack trace for each absent kind of device.
    torch.default_generator.manual_seed(SEED)
    np.random.seed(SEED)
    random.seed(SEED)
    torch.set_grad_enabled(True)


@contextlib.contextmanager
def _unchanged_world() -> Iterator[None]:
    """Random states, modes, default type and device, and threads are kept."""
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    grad, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
    device, threads = torch.get_default_device(), torch.get_num_threads()
    # On tensors of a few elements a second thread costs far more than it brings.
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])
        torch.set_grad_enabled(grad)
        torch.set_default_dtype(dtype)
        if torch.get_default_device() != device:
            torch.set_default_device(device)
        torch.set_num_threads(threads)


@contextlib.contextmanager
def _quiet(sink: io.StringIO) -> Iterator[None]:
    redirect = contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink)
    with redirect[0], redirect[1], warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _bound(name: str, answer: Any, bind: bool) -> Iterator[None]:
    """While it is judged, the answer's own module knows it by its name."""
    if not (bind and isinstance(answer, (type, types.FunctionType))):
        yield
        return
    scope = getattr(answer, "__globals__", None)
    if scope is None:
        module = sys.modules.get(answer.__module__)
        scope = {} if module is None else vars(module)
    missing = object()
    before = scope.get(name, missing)
    scope[name] = answer
    try:
        yield
    finally:
        if before is missing:
            scope.pop(name, None)
        else:
            scope[name] = before


# ------------------------------------------------------------------ the time limit


def _interrupt() -> None:
    """What the stop button sends; a real signal also wakes a sleeping call."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    else:
        _thread.interrupt_main()


class _Watch(threading.Thread):
    """Interrupts the main thread when time is over, again and again until released.

    Time is over after so many seconds of work, since a busy machine gives an answer
    only some of its own; one that waits has WAITING times as many.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(daemon=True)
        self.seconds, self.fired = seconds, False
        self._begun = time.process_time(), time.monotonic()
        self._lock, self._released = threading.Lock(), threading.Event()

    def run(self) -> None:
        wait = self.seconds
        while not self._released.wait(wait):
            with self._lock:
                if not self._released.is_set() and self._is_over():
                    self.fired = True
                    _interrupt()
            wait = 0.5

    def _is_over(self) -> bool:
        worked = time.process_time() - self._begun[0]
        waited = time.monotonic() - self._begun[1]
        return worked > 0.9 * self.seconds or waited > WAITING * self.seconds

    def release(self) -> None:
        with self._lock:
            self._released.set()
        if self.fired:
            time.sleep(0.01)  # a signal still on its way arrives here, not later

    def check(self) -> None:
        """Also where a bare except swallowed the interrupt."""
        if self.fired:
            raise TooSlow(f"still running after {self.seconds:g} seconds")


@contextlib.contextmanager
def _time_limit(seconds: float | None) -> Iterator[Callable[[], None]]:
    """Raise TooSlow after `seconds`; the learner's own stop button passes through.

    Yields a check to call between steps.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    if ignored:  # as in whatever a shell started in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    watch = _Watch(seconds)
    watch.start()
    try:
        yield watch.check
    except KeyboardInterrupt:
        if not watch.fired:
            raise
    finally:
        with contextlib.suppress(KeyboardInterrupt):
            watch.release()
        if ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch.check()
