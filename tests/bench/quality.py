"""How soon the DCGAN draws well, against the plain recipe that people copy.

    python -m tests.bench.quality --data mnist   # where MNIST is
    python -m tests.bench.quality --data digits

The target is set first: what the plain recipe draws after a fixed number of rounds, by
its Fréchet distance. The contestants take turns, and the clock counts the processor's
seconds of their training alone, so that a busy machine slows both and blurs little.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from course_utils import classifier, data, evaluation, training
from course_utils.runs import devices, trainer
from tests.bench.training_step import plain_step

# Radford et al. 2015's width, rates and betas, at 32 pixels.
PLAIN = trainer.Settings(
    latent_dim=100, base_channels=64, lr_g=2e-4, lr_d=2e-4, beta2=0.999,
    n_generator_steps=1, average=0.0, last_lr=1.0,
)  # fmt: skip
OURS = trainer.Settings(n_generator_steps=1)
# Rounds of the plain recipe that set the target, and of ours in all, by data.
PLAIN_ROUNDS = {"mnist": 937, "digits": 400}  # MNIST: one pass; digits: 14
OUR_ROUNDS = {"mnist": 900, "digits": 600}
SAMPLES, LOOKS = 2000, 30  # images behind a distance; distances of ours
Turn = Iterator[float]  # plays a slice at each `next`, and gives its seconds


def plain_turns(seed: int, images: Tensor, rounds: int, samples: list) -> Turn:
    """The plain recipe, a slice a turn; its last images go into `samples`."""
    settings = replace(PLAIN, seed=seed)
    G, D = trainer.networks(settings)
    adam = partial(torch.optim.Adam, lr=2e-4, betas=(0.5, 0.999))
    optimizers = adam(G.parameters()), adam(D.parameters())
    batches = trainer.Batches(len(images), settings.batch_size, seed)
    latents = data.rng(seed + 1)

    def play(number: int) -> None:
        x_real = images[batches(number)]
        z = data.latent(settings.batch_size, settings.latent_dim, latents)
        plain_step(G, D, *optimizers, x_real, z)

    for start in range(0, rounds, rounds // LOOKS):
        slice_ = range(start, min(start + rounds // LOOKS, rounds))
        yield _timed(lambda slice_=slice_: [play(number) for number in slice_])
    z = data.latent(SAMPLES, settings.latent_dim, data.rng(99))
    samples.append(torch.cat([training.sample(G, part) for part in z.split(250)]))


def our_turns(
    settings: trainer.Settings, images: Tensor, samples: list[Tensor]
) -> Turn:
    """Ours, a slice a turn; images after each go into `samples`."""
    run = trainer.Trainer(images, settings)
    for look in range(1, LOOKS + 1):
        yield _timed(partial(run.train, settings.steps * look // LOOKS))
        samples.append(run.samples(SAMPLES, seed=99))


def _timed(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def race(name: str, seed: int, images: Tensor, ours: trainer.Settings) -> float:
    """One race; prints a row, and gives how many times sooner ours is there."""
    judge = classifier.load(name)
    chosen = torch.randperm(len(images), generator=data.rng(0))[:10_000]
    features = judge.features(images[chosen])

    def distance(samples: Tensor) -> float:
        return evaluation.frechet_distance(features, judge.features(samples))

    plain_images, our_images = [], []
    plain = plain_turns(seed, images, PLAIN_ROUNDS[name], plain_images)
    mine = our_turns(replace(ours, seed=seed), images, our_images)
    plain_seconds, our_seconds = 0.0, []
    for seconds in plain:
        plain_seconds += seconds
        our_seconds += [t for t in [next(mine, None)] if t is not None]
    list(mine)
    target = distance(plain_images[0])
    found = [distance(samples) for samples in our_images]
    reached = next((i for i, value in enumerate(found) if value <= target), None)
    took = sum(our_seconds[: reached + 1]) if reached is not None else float("inf")
    print(
        f"{name:8}{seed:5}{target:10.2f}{plain_seconds:12.1f}{took:12.1f}"
        f"{plain_seconds / took:10.1f}{found[-1]:12.2f}{sum(our_seconds):12.1f}",
        flush=True,
    )
    return plain_seconds / took


def main() -> None:
    """Print a row a seed and the median."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=[*PLAIN_ROUNDS], default="digits")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    # The processor's seconds of two threads count waiting, too.
    os.environ["OMP_NUM_THREADS"] = "1"  # the trainer keeps to it
    torch.set_num_threads(1)
    try:
        images, _ = data.load(options.data)
    except data.DataError as error:
        parser.exit(1, f"{error}\n")
    precision = devices.fast_precision(torch.device("cpu"))
    ours = replace(OURS, steps=OUR_ROUNDS[options.data], precision=precision)
    print(
        f"one core, {precision}; seconds of the processor\n"
        f"{'data':8}{'seed':>5}{'target':>10}{'plain, s':>12}{'ours, s':>12}"
        f"{'sooner':>10}{'ours ends':>12}{'after, s':>12}"
    )
    ratios = [race(options.data, seed, images, ours) for seed in range(options.seeds)]
    print(
        f"median {statistics.median(ratios):.1f} times sooner "
        f"({min(ratios):.1f} to {max(ratios):.1f})"
    )


if __name__ == "__main__":
    main()
