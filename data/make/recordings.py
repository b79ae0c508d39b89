"""Record the clinic: healthy and sick trainings, as they happened.

    python -m data.make.recordings            # all of them
    python -m data.make.recordings --only healthy detach

Each is a real training with the course's trainer, from seed 0; what is wrong with it is
one change to the settings, to the step or to the initial weights.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_utils import data, losses, models, recordings, training
from course_utils.runs import trainer

ROUNDS, EVERY, SHOWN = 1000, 50, 16
HEALTHY = trainer.Settings(steps=ROUNDS, n_generator_steps=1, average=0.0, last_lr=1.0)


# --- steps with a fault ---------------------------------------------------------------


def detached_step(G, D, optimizer_g, optimizer_d, x_real: Tensor, z: Tensor) -> tuple:
    """G's loss is cut off from G: `D(G(z).detach())` in G's step too."""
    x_fake = G(z).detach()
    loss_d = training.discriminator_step_on_logits(D, optimizer_d, x_real, x_fake)
    loss_g = losses.generator_loss(D(x_fake))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d, loss_g.detach()


def double_sigmoid_step(
    G, D, optimizer_g, optimizer_d, x_real: Tensor, z: Tensor
) -> tuple:
    """Probabilities where the loss wants logits, so that a sigmoid is applied twice."""
    x_fake = G(z)
    real, fake = torch.sigmoid(D(x_real)), torch.sigmoid(D(x_fake.detach()))
    loss_d = losses.discriminator_loss(real, fake)
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    loss_g = losses.generator_loss(torch.sigmoid(D(x_fake)))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.detach(), loss_g.detach()


def one_pass_step(G, D, optimizer_g, optimizer_d, x_real: Tensor, z: Tensor) -> tuple:
    """Data and G's images pass D's batch normalization in one batch."""
    x_fake = G(z)
    logits = D(torch.cat([x_real, x_fake.detach()]))
    real_logits, fake_logits = logits.split([len(x_real), len(x_fake)])
    loss_d = losses.discriminator_loss(real_logits, fake_logits)
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    loss_g = training.generator_step_on_logits(D, optimizer_g, x_fake)
    return loss_d.detach(), loss_g


class LateGenerator:
    """G waits for the first rounds: D is pre-trained, and the curves show it."""

    def __init__(self, rounds: int) -> None:
        self.left = rounds

    def __call__(
        self, G, D, optimizer_g, optimizer_d, x_real: Tensor, z: Tensor
    ) -> tuple:
        """`training.train_step` once G may move; before that D's part of it."""
        if self.left == 0:
            return training.train_step(G, D, optimizer_g, optimizer_d, x_real, z)
        self.left -= 1
        x_fake = G(z).detach()
        loss_d = training.discriminator_step_on_logits(D, optimizer_d, x_real, x_fake)
        with torch.no_grad():
            return loss_d, losses.generator_loss(D(x_fake))


# --- initial weights with a fault -----------------------------------------------------


def ten_times_too_wide(network: nn.Module) -> None:
    """Convolutions N(0, 0.2^2) in place of N(0, 0.02^2)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.weight.data.mul_(10)


def norms_near_zero(network: nn.Module) -> None:
    """Batch normalization's weights N(0, 0.02^2) in place of N(1, 0.02^2)."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.sub_(1)


def as_pytorch_makes_them(network: nn.Module) -> None:
    """PyTorch's own initial weights; `init_weights` was never called."""
    state = torch.get_rng_state()
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
            module.reset_parameters()
    torch.set_rng_state(state)


def _none(network: nn.Module) -> None:
    pass


# name: (settings, step, what is done to the initial weights)
RUNS: dict[str, tuple[trainer.Settings, Any, Callable[[nn.Module], None]]] = {
    "healthy": (HEALTHY, training.train_step, _none),
    "overpowered": (replace(HEALTHY, lr_g=2e-5, lr_d=4e-3), training.train_step, _none),
    "detach": (HEALTHY, detached_step, _none),
    "collapse": (
        replace(HEALTHY, batch_norm=False, n_generator_steps=5, lr_g=4e-3),
        training.train_step,
        _none,
    ),
    "weak": (replace(HEALTHY, lr_d=1e-5), training.train_step, _none),
    "double_sigmoid": (HEALTHY, double_sigmoid_step, _none),
    "one_pass": (HEALTHY, one_pass_step, _none),
    "wide_init": (HEALTHY, training.train_step, ten_times_too_wide),
    "high_rates": (replace(HEALTHY, lr_g=2e-2, lr_d=2e-2), training.train_step, _none),
    "flat_norms": (HEALTHY, training.train_step, norms_near_zero),
    "late_generator": (HEALTHY, LateGenerator(150), as_pytorch_makes_them),
}


def record(name: str, images: Tensor) -> recordings.Recording:
    """Play one training of the table and keep what happened."""
    settings, step, change = RUNS[name]
    G, D = trainer.networks(settings)
    change(G), change(D)
    run = trainer.Trainer(images, settings, G=G, D=D, step=step)
    steps, samples = [0], [_drawn(run)]
    for until in range(EVERY, ROUNDS + 1, EVERY):
        run.train(until)
        steps.append(run.round)
        samples.append(_drawn(run))
    curves = {
        curve: torch.tensor([getattr(record, curve) for record in run.history])
        for curve in recordings.CURVES
    }
    return recordings.Recording(
        name=name,
        steps=torch.tensor([record.step for record in run.history]),
        curves=curves,
        sample_steps=torch.tensor(steps),
        samples=torch.stack(samples),
        settings={**asdict(settings), "step": getattr(step, "__name__", "late")},
    )


def _drawn(run: trainer.Trainer) -> Tensor:
    """(SHOWN, 1, 32, 32) of the fixed latents, G in training mode as D sees it."""
    with torch.no_grad():
        return trainer.without_a_trace(run.G, run.fixed_z)[:SHOWN]


# --- the ring -------------------------------------------------------------------------


def record_ring() -> recordings.Recording:
    """Five steps of G for each of D on the ring: the samples hop from mode to mode."""
    draws, law = data.rng(0), data.ring()
    G = models.mlp_generator(2, 2, hidden=(64, 64), generator=draws)
    D = models.mlp_discriminator(2, hidden=(64, 64), generator=draws)
    adam = {"lr": 1e-3, "betas": (0.5, 0.99)}
    optimizer_g = torch.optim.Adam(G.parameters(), **adam)
    optimizer_d = torch.optim.Adam(D.parameters(), **adam)
    fixed_z = data.latent(256, 2, data.rng(1))
    rows, steps, samples, sample_steps = [], [], [], []
    for i in range(1, 1501):
        x_real, z = law.sample(256, draws), data.latent(256, 2, draws)
        measured = [_mean(D(x_real)), _mean(D(G(z)))]
        found = training.train_step(G, D, optimizer_g, optimizer_d, x_real, z)
        norms = [_norm(D), _norm(G)]
        for _ in range(4):
            z = data.latent(256, 2, draws)
            training.generator_step_on_logits(D, optimizer_g, G(z))
        if i == 1 or i % 10 == 0:
            steps.append(i)
            rows.append([*(x.item() for x in found), *measured, *norms])
        if i == 1 or i % 25 == 0:
            sample_steps.append(i)
            samples.append(G(fixed_z).detach())
    columns = torch.tensor(rows).T
    return recordings.Recording(
        name="ring",
        steps=torch.tensor(steps),
        curves=dict(zip(recordings.CURVES, columns, strict=True)),
        sample_steps=torch.tensor(sample_steps),
        samples=torch.stack(samples),
        settings={"n_generator_steps": 5, "lr": 1e-3, "hidden": [64, 64]},
    )


def _mean(logits: Tensor) -> float:
    return logits.detach().sigmoid().mean().item()


def _norm(network: nn.Module) -> float:
    return torch.nn.utils.get_total_norm([p.grad for p in network.parameters()]).item()


def save(recording: recordings.Recording, folder: Path = recordings.RUNS_DIR) -> Path:
    """Write a recording: curves in float32, images in 256 levels, points in float16."""
    samples = recording.samples
    is_images = samples.dim() == 5
    packed = (samples + 1).mul(127.5).round().byte() if is_images else samples.half()
    path = folder / f"{recording.name}.npz"
    np.savez_compressed(
        path,
        steps=recording.steps.numpy(),
        sample_steps=recording.sample_steps.numpy(),
        samples=packed.numpy(),
        settings=np.array(json.dumps(recording.settings)),
        **{name: curve.float().numpy() for name, curve in recording.curves.items()},
    )
    return path


def main() -> None:
    """Record what is asked for, and say how it ended."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=[*RUNS, "ring"])
    names = parser.parse_args().only or [*RUNS, "ring"]
    images, _ = data.load("digits")
    recordings.RUNS_DIR.mkdir(exist_ok=True)
    for name in names:
        made = record_ring() if name == "ring" else record(name, images)
        path = save(made)
        ends = "  ".join(f"{c} {made.last(c):.3g}" for c in recordings.CURVES)
        print(f"{path.name:20} {path.stat().st_size // 1024:4} KiB  {ends}", flush=True)


if __name__ == "__main__":
    main()
