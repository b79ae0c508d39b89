"""The machine: which device, which arithmetic, and how to time it honestly."""

import contextlib
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

PRECISIONS = ("float32", "bfloat16")


def pick(name: str = "auto") -> torch.device:
    """The device to train on: CUDA where there is one, else Apple's MPS, else the CPU.

    Args:
        name: "auto", or what `torch.device` takes, such as "cpu" or "cuda:1".

    Raises:
        ValueError: there is no such device on this machine.

    >>> pick("cpu")
    device(type='cpu')
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        mps = torch.backends.mps.is_available()
        return torch.device("mps" if mps else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # PyTorch knows names that compute nothing
    except (RuntimeError, AssertionError, ImportError):
        raise ValueError(
            f"no device {name!r} on this machine; `python -m course_utils doctor` says "
            "what there is, and 'auto' takes the best of it"
        ) from None
    return device


def fast_precision(device: torch.device) -> str:
    """The arithmetic that is quickest here without losing range.

    bfloat16 keeps float32's range with 8 of its 24 bits of precision. Where the
    hardware cannot multiply it, it is emulated, and slower than float32.

    Args:
        device: where the networks will be.

    Returns:
        "bfloat16" or "float32".
    """
    if device.type == "cuda":
        native = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        native = device.type == "cpu" and _cpu_multiplies_bfloat16()
    return "bfloat16" if native else "float32"


def _cpu_multiplies_bfloat16() -> bool:
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    # Private names: where a version of PyTorch lacks them, float32 is a safe answer.
    return any(getattr(torch.cpu, name, bool)() for name in names)


class InBfloat16(nn.Module):
    """A network whose convolutions multiply in bfloat16; its weights stay float32.

    Autocast is entered and left inside each call. Around a whole training step it would
    go on using D's old weights after D's update: it keeps the rounded copies that it
    made at the first call until it is left.

    Args:
        network: to wrap; training steps treat the result like the network itself.

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


def synchronize() -> None:
    """Wait until the GPU has finished what it was told; nothing where there is none.

    A GPU's clock must be read after this: calls return before their work is done.
    """
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    elif torch.backends.mps.is_available():
        torch.mps.synchronize()


def images_per_second(step: Callable[[], object], batch_size: int, n: int) -> float:
    """How many images a training step gets through in a second.

    One untimed call first: the first step allocates memory and picks kernels. Then n
    timed ones, the device synchronized before each reading of the clock.

    Args:
        step: without arguments, one training step.
        batch_size: images in a step.
        n: timed steps, at least 1.

    Returns:
        n * batch_size / seconds.

    Raises:
        ValueError: n is below 1.
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
def out_of_memory_explained(batch_size: int):
    """Turn PyTorch's page on memory into a sentence that says what to change."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        signs = (
            "out of memory", "can't allocate memory", "not enough memory",
            "ALLOC_FAILED",
        )  # fmt: skip
        if isinstance(error, MemoryError) or any(s in str(error) for s in signs):
            raise MemoryError(
                f"out of memory at batch size {batch_size}: try half of it, fewer "
                "base channels, or smaller images"
            ) from error
        raise
