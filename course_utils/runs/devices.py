"""The machine: which device, which precision, how many threads, and an honest clock."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import torch
from torch import Tensor, nn

PRECISIONS = ("float32", "bfloat16")
NO_MEMORY = ("out of memory", "can't allocate", "not enough memory", "ALLOC_FAILED")


def pick(name: str = "auto") -> torch.device:
    """The device of this name, a ValueError if it is not here.

    "auto" is CUDA where there is one, else Apple's MPS, else the CPU.

    >>> pick("cpu")
    device(type='cpu')
    """
    if name == "auto":
        mps = "mps" if torch.backends.mps.is_available() else "cpu"
        name = "cuda" if torch.cuda.is_available() else mps
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # PyTorch knows names that compute nothing
    except (RuntimeError, AssertionError, ImportError):
        raise ValueError(
            f"no device {name!r} on this machine: 'auto' takes the best there is"
        ) from None
    return device


def fast_precision(device: torch.device) -> str:
    """The quickest of `PRECISIONS`: bfloat16 where the hardware multiplies it.

    bfloat16 keeps float32's range with 8 of its 24 bits of precision; where it has to
    be emulated, it is slower than float32.
    """
    native = False
    if device.type == "cuda":
        native = torch.cuda.get_device_capability(device) >= (8, 0)
    elif device.type == "cpu":  # private: where a version lacks it, float32 is safe
        native = getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()
    return "bfloat16" if native else "float32"


class InBfloat16(nn.Module):
    """A network whose convolutions multiply in bfloat16; its weights stay float32.

    Autocast is entered and left inside each call. Around a whole training step it would
    go on using D's old weights after D's update: it keeps the rounded copies that it
    made at the first call until it is left.

    Source: Micikevicius et al. 2017, arXiv:1710.03740, section 3.1: float32 weights.

    >>> network = InBfloat16(nn.Linear(3, 2))
    >>> network(torch.zeros(1, 3)).dtype
    torch.float32
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """What the network returns, in float32: losses are computed there."""
        with torch.autocast(x.device.type, torch.bfloat16):
            result = self.network(x)
        return result.float()


def cores() -> int:
    """Physical cores that this process may use, at least 1."""
    found = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        found = min(found, len(os.sched_getaffinity(0)))
    with contextlib.suppress(OSError, ValueError):  # the share of a container, if any
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        found = min(found, int(quota) // int(period))
    return max(1, found)


@contextlib.contextmanager
def threads_for_training() -> Iterator[None]:
    """PyTorch on every core inside, for convolutions; outside as it was before.

    Where the environment sets OMP_NUM_THREADS, that number holds.
    """
    before = torch.get_num_threads()
    if not os.environ.get("OMP_NUM_THREADS"):
        torch.set_num_threads(cores())
    try:
        yield
    finally:
        torch.set_num_threads(before)


def synchronize() -> None:
    """Wait until the GPU has finished what it was told; nothing where there is none."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    elif torch.backends.mps.is_available():
        torch.mps.synchronize()


def images_per_second(step: Callable[[], object], batch_size: int, n: int) -> float:
    """Speed of a training step, called without arguments: once untimed, then n times.

    The device is synchronized before each reading of the clock.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    step()
    synchronize()
    start = time.perf_counter()
    for _ in range(n):
        step()
    synchronize()
    return n * batch_size / (time.perf_counter() - start)


@contextlib.contextmanager
def out_of_memory_explained(batch_size: int) -> Iterator[None]:
    """Turn PyTorch's page on memory into a sentence that says what to change."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        said = any(words in str(error) for words in NO_MEMORY)
        if not said and not isinstance(error, MemoryError):
            raise
        raise MemoryError(
            f"out of memory at batch size {batch_size}: try half of it, fewer base "
            "channels, or smaller images"
        ) from error
