"""How fast the DCGAN trains, against the plain step that people copy: `make bench`.

Speeds are medians over rounds in which the contestants take turns, so that whatever
else the machine does slows all of them; numbers of one run can be compared, numbers of
two machines cannot.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from course_utils import models, training
from course_utils.runs import devices, trainer

SIZE, CHANNELS, LATENT_DIM = 64, 3, 100
ROUNDS, STEPS = 9, 3  # of each contestant, and steps in a round
CONTESTANTS = ("plain", "ours, float32", "ours, bfloat16")
GPU_CONTESTANTS = ("ours, bfloat16, CUDA graph", "ours, bfloat16, compiled")


def plain_step(G, D, optimizer_g, optimizer_d, x_real: Tensor, z: Tensor) -> tuple:
    """The textbook's round: BCE on a sigmoid, each loss read at once.

    One backward pass for each of D's two terms; D's gradients are computed in G's step
    too, and thrown away at the next.
    """
    ones, zeros = torch.ones(len(x_real)), torch.zeros(len(x_real))
    ones, zeros = ones.to(x_real.device), zeros.to(x_real.device)
    D.zero_grad()
    loss_real = F.binary_cross_entropy(torch.sigmoid(D(x_real)), ones)
    loss_real.backward()
    x_fake = G(z)
    loss_fake = F.binary_cross_entropy(torch.sigmoid(D(x_fake.detach())), zeros)
    loss_fake.backward()
    optimizer_d.step()
    G.zero_grad()
    loss_g = F.binary_cross_entropy(torch.sigmoid(D(x_fake)), ones)
    loss_g.backward()
    optimizer_g.step()
    return (loss_real + loss_fake).item(), loss_g.item()


def contestant(name: str, batch_size: int, device: torch.device) -> Callable[[], None]:
    """One training step on random images, without arguments, ready to be timed."""
    generator = torch.Generator().manual_seed(0)
    G = models.initialize(models.Generator(LATENT_DIM), generator).to(device)
    D = models.initialize(models.Discriminator(), generator).to(device)
    x_real = torch.rand(batch_size, CHANNELS, SIZE, SIZE, generator=generator) * 2 - 1
    x_real, z = x_real.to(device), torch.randn(batch_size, LATENT_DIM).to(device)
    if name == "plain":
        adam = partial(torch.optim.Adam, lr=2e-4, betas=(0.5, 0.999))
        optimizers = adam(G.parameters()), adam(D.parameters())
        return partial(plain_step, G, D, *optimizers, x_real, z)
    half, graph = "bfloat16" in name, "graph" in name
    settings = trainer.Settings(precision="bfloat16" if half else "float32")
    G, D = (network.to(memory_format=torch.channels_last) for network in (G, D))
    x_real = x_real.contiguous(memory_format=torch.channels_last)
    optimizers = [trainer.adam(network, 2e-4, settings) for network in (G, D)]
    G, D = (trainer.in_precision(network, settings) for network in (G, D))
    if "compiled" in name:
        G, D = torch.compile(G), torch.compile(D)
    step = partial(training.train_step, G, D, *optimizers, x_real, z)
    return _captured(step, optimizers) if graph else step


def _captured(step: Callable[[], object], optimizers: list) -> Callable[[], None]:
    """The step recorded once as a CUDA graph, and replayed: one launch for all."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["capturable"] = True
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def convolution_peak(dtype: torch.dtype, device: torch.device) -> float:
    """The most GFLOP/s that a convolution of these networks reaches here, forward."""
    best = 0.0
    for n, width, side in ((64, 128, 32), (64, 256, 16), (128, 128, 32)):
        x = torch.randn(n, width, side, side, dtype=dtype, device=device)
        weight = torch.randn(2 * width, width, 4, 4, dtype=dtype, device=device)
        x = x.contiguous(memory_format=torch.channels_last)
        weight = weight.contiguous(memory_format=torch.channels_last)
        run = partial(F.conv2d, x, weight, stride=2, padding=1)
        flops = 2 * n * (side // 2) ** 2 * 2 * width * width * 16
        best = max(best, flops / 1e9 / min(_seconds(run) for _ in range(8)))
    return best


def _seconds(run: Callable[[], object]) -> float:
    devices.synchronize()
    start = time.perf_counter()
    run()
    devices.synchronize()
    return time.perf_counter() - start


def contestants(device: torch.device) -> list[str]:
    """Who can run here: bfloat16 only where the hardware multiplies it."""
    names = list(CONTESTANTS[:2])
    if devices.fast_precision(device) == "bfloat16":
        names.append(CONTESTANTS[2])
    return names + list(GPU_CONTESTANTS if device.type == "cuda" else ())


def speed_table(batch_size: int, device: torch.device) -> None:
    """Images a second, side by side, and what share of the peak that is."""
    names = contestants(device)
    steps = {name: contestant(name, batch_size, device) for name in names}
    flops = _flops(contestant(names[1], batch_size, device)) / batch_size
    peak = {dtype: convolution_peak(dtype, device) for dtype in _types(names)}
    for step in steps.values():
        step()
    speeds = {name: [] for name in names}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            seconds = _seconds(lambda step=step: [step() for _ in range(STEPS)])
            speeds[name].append(batch_size * STEPS / seconds)
    for name, found in speeds.items():
        ratios = [a / b for a, b in zip(found, speeds["plain"], strict=True)]
        speed = statistics.median(found)
        dtype = torch.bfloat16 if "bfloat16" in name else torch.float32
        print(
            f"{batch_size:6}  {name:28}{speed:10.1f}{statistics.median(ratios):8.2f}"
            f"  ({min(ratios):.2f} to {max(ratios):.2f})"
            f"{speed * flops / 1e9 / peak[dtype]:8.0%}"
            f"{_peak_memory(name, batch_size, device):10.0f}"
        )
    print(
        f"        {flops / 1e9:.2f} GFLOP an image; convolution peak "
        + ", ".join(f"{value:.0f} GFLOP/s {dtype}" for dtype, value in peak.items())
    )


def _types(names: list[str]) -> list[torch.dtype]:
    half = any("bfloat16" in name for name in names)
    return [torch.float32, torch.bfloat16] if half else [torch.float32]


def _flops(step: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def _peak_memory(name: str, batch_size: int, device: torch.device) -> float:
    """MiB at most, of a process (CPU) or its share of the GPU, in three steps."""
    command = [sys.executable, "-m", __spec__.name, "--memory-of", name]
    command += ["--batch-size", str(batch_size), "--device", str(device)]
    return float(subprocess.run(command, capture_output=True, text=True).stdout)


def print_memory(name: str, batch_size: int, device: torch.device) -> None:
    """What `_peak_memory` asks a process of its own."""
    step = contestant(name, batch_size, device)
    for _ in range(3):
        step()
    if device.type == "cuda":
        print(torch.cuda.max_memory_allocated() / 2**20)
    else:
        print(_high_water_mark())


def _high_water_mark() -> float:
    """MiB that this process held at most; Linux carries getrusage's over from fork."""
    with contextlib.suppress(OSError):
        for row in Path("/proc/self/status").read_text().splitlines():
            if row.startswith("VmHWM"):
                return int(row.split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    parser.add_argument("--batch-size", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    device = devices.pick(options.device)
    if options.memory_of:
        print_memory(options.memory_of, options.batch_size[0], device)
        return
    print(
        f"{SIZE}x{SIZE}, {CHANNELS} channels, {device}, "
        f"{torch.get_num_threads()} threads"
    )
    print(
        f"{'batch':>6}  {'step':28}{'images/s':>10}  times plain (spread)"
        f"{'of peak':>8}{'MiB':>10}"
    )
    for batch_size in options.batch_size:
        speed_table(batch_size, device)


if __name__ == "__main__":
    main()
