"""Ten small trainings to be ranked by eye first and by numbers afterwards.

    python -m data.make.panel              # writes data/eye_panel.npz
    python -m data.make.panel --grid x.png # the unlabelled picture
    python -m data.make.panel --equal-cost # writes two_steps.json

Settings are spread on purpose, so that good and bad samples occur. The file holds the
runs in a shuffled order; samples for the eye, and apart from them the numbers.
"""

import argparse
import json
import platform
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from course_utils import data, figures
from course_utils.figures import style
from course_utils.runs import trainer
from data.make.scoring import numbers

TARGET = data.DATA_DIR / "eye_panel.npz"
TWO_STEPS = data.DATA_DIR / "two_steps.json"
SHOWN, SCORED = 24, 1000
BASE = trainer.Settings(
    steps=300, n_generator_steps=1, base_channels=16, average=0.0, last_lr=1.0
)
RUNS = {
    "one step of G": BASE,
    "one step of G, another seed": replace(BASE, seed=1),
    "two steps of G": replace(BASE, n_generator_steps=2),
    "two steps of G, averaged": replace(BASE, n_generator_steps=2, average=0.98),
    "a third of the rounds": replace(BASE, steps=100),
    "three steps of D": replace(BASE, n_discriminator_steps=3, steps=200),
    "beta1 0.9": replace(BASE, beta1=0.9),
    "no batch normalization": replace(BASE, batch_norm=False),
    "a tenth of the rates": replace(BASE, lr_g=2e-4, lr_d=1e-4),
    "ten times G's rate": replace(BASE, lr_g=2e-2),
}
# At equal cost: a round with two steps of G costs about one and a half.
EQUAL_COST = {
    "one step of G": replace(BASE, steps=450),
    "two steps of G": replace(BASE, steps=300, n_generator_steps=2),
}
SEEDS = (0, 1, 2)
ORDER_SEED = 8


def play(settings: trainer.Settings, images: torch.Tensor) -> trainer.Trainer:
    """One training of the table, from its first round to its last."""
    run = trainer.Trainer(images, settings)
    run.train()
    return run


def compare_at_equal_cost() -> None:
    """One step of G against two, with as many seconds each; three seeds."""
    images, _ = data.load("digits")
    table: dict = {"machine": f"{platform.machine()} CPU, one thread, float32"}
    for name, settings in EQUAL_COST.items():
        rows = []
        for seed in SEEDS:
            start = time.process_time()
            run = play(replace(settings, seed=seed), images)
            seconds = round(time.process_time() - start, 1)
            rows.append(
                {"cpu_seconds": seconds, **numbers(run, images, SCORED, digits=5)}
            )
            print(name, seed, rows[-1], flush=True)
        table[name] = {"rounds": settings.steps, "seeds": rows}
    TWO_STEPS.write_text(json.dumps(table, indent=1) + "\n")


def main() -> None:
    """Train the panel, or draw its picture without names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--grid", type=Path, help="draw the unlabelled grid there")
    parser.add_argument("--equal-cost", action="store_true", help="two steps of G")
    options = parser.parse_args()
    if options.equal_cost:
        return compare_at_equal_cost()
    if options.grid:
        with np.load(TARGET, allow_pickle=False) as file:
            samples = torch.from_numpy(file["samples"]).float() / 127.5 - 1
        picture = figures.image_grid(
            samples[:, :16].flatten(0, 1),
            columns=16,
            row_labels=[str(i + 1) for i in range(len(samples))],
            width=9.0,
        )
        options.grid.write_bytes(style.png(picture))
        return
    images, _ = data.load("digits")
    shuffled = torch.randperm(len(RUNS), generator=data.rng(ORDER_SEED)).tolist()
    names = [list(RUNS)[i] for i in shuffled]
    samples, rows = [], []
    for name in names:
        run = play(RUNS[name], images)
        samples.append(run.samples(SHOWN, seed=98).add(1).mul(127.5).round().byte())
        rows.append(numbers(run, images, SCORED, digits=5))
        print("one more run", flush=True)  # no name: the eye comes first
    np.savez_compressed(
        TARGET,
        samples=torch.stack(samples).numpy(),
        names=np.array(names),
        numbers=np.array(json.dumps(rows)),
    )


if __name__ == "__main__":
    main()
