"""Take DCGAN's ingredients away one at a time, on the digits, and score what is left.

    python -m data.make.ablation                  # writes data/ablation.json

Each variant is trained from several seeds with one setting, the same for all, so that
the table says what an ingredient does *here*, and nothing about other sizes or data.
"""

import argparse
import json
import platform
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from course_utils import data, models
from course_utils.runs import trainer
from data.make.scoring import numbers

SEEDS, ROUNDS, SAMPLES = (0, 1, 2), 300, 1500
BASE = trainer.Settings(
    steps=ROUNDS, n_generator_steps=1, base_channels=16, average=0.0
)
TARGET = data.DATA_DIR / "ablation.json"
Networks = tuple[nn.Module, nn.Module]


class DenseGenerator(nn.Sequential):
    """No convolution: three linear layers, 64 -> 256 -> 512 -> 1,024 pixels."""

    def __init__(self, latent_dim: int) -> None:
        layers: list[nn.Module] = []
        for n_in, n_out in ((latent_dim, 256), (256, 512)):
            layers += [nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU()]
        last = [nn.Linear(512, 32 * 32), nn.Tanh(), nn.Unflatten(1, (1, 32, 32))]
        super().__init__(*layers, *last)


class DenseDiscriminator(nn.Sequential):
    """No convolution: 1,024 pixels -> 512 -> 256 -> one logit."""

    def __init__(self) -> None:
        hidden = [nn.Linear(1024, 512), nn.LeakyReLU(models.LEAK)]
        hidden += [nn.Linear(512, 256), nn.BatchNorm1d(256), nn.LeakyReLU(models.LEAK)]
        super().__init__(nn.Flatten(), *hidden, nn.Linear(256, 1), nn.Flatten(0))


@dataclass(frozen=True)
class Variant:
    """A DCGAN with one ingredient taken away.

    says: what was changed. settings: of the training. change: what is done to the
    networks before it; gives the pair to train.
    """

    says: str
    settings: trainer.Settings = BASE
    change: Callable[[nn.Module, nn.Module], Networks] = lambda G, D: (G, D)


def _rectified(G: nn.Module, D: nn.Module) -> Networks:
    for i, layer in enumerate(D.layers):
        if isinstance(layer, nn.LeakyReLU):
            D.layers[i] = nn.ReLU()
    return G, D


def _reinitialized(G: nn.Module, D: nn.Module) -> Networks:
    for network in (G, D):
        for module in network.modules():
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
    return G, D


VARIANTS = {
    "whole": Variant("nothing taken away"),
    "norm": Variant("no batch normalization", replace(BASE, batch_norm=False)),
    "dense_g": Variant(
        "dense G", change=lambda G, D: (DenseGenerator(BASE.latent_dim), D)
    ),
    "dense_d": Variant("dense D", change=lambda G, D: (G, DenseDiscriminator())),
    "leaky": Variant("ReLU in D in place of leaky ReLU", change=_rectified),
    "beta1": Variant("Adam's beta1 0.9 in place of 0.5", replace(BASE, beta1=0.9)),
    "init": Variant(
        "PyTorch's initialization in place of N(0, 0.02)", change=_reinitialized
    ),
}


def train(variant: Variant, seed: int, images: torch.Tensor) -> trainer.Trainer:
    """One training of a variant, ready to be sampled."""
    settings = replace(variant.settings, seed=seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)  # PyTorch's own initializations draw from here
        G, D = variant.change(*trainer.networks(settings))
    run = trainer.Trainer(images, settings, G=G, D=D)
    run.train()
    return run


def main() -> None:
    """Train what is asked for and write the table, row by row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=[*VARIANTS])
    parser.add_argument("--out", type=Path, default=TARGET)
    options = parser.parse_args()
    images, labels = data.load("digits")
    (train_images, _), _ = data.split(images, labels)
    table = {"rounds": ROUNDS, "samples": SAMPLES, "torch": torch.__version__}
    table["machine"] = f"{platform.machine()} CPU, one thread, float32"
    table["variants"] = {}
    for name in options.only or VARIANTS:
        variant = VARIANTS[name]
        rows = []
        for seed in SEEDS:
            run = train(variant, seed, train_images)
            rows.append(numbers(run, train_images, SAMPLES, digits=4))
            print(name, seed, rows[-1], flush=True)
        table["variants"][name] = {"says": variant.says, "seeds": rows}
        options.out.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
