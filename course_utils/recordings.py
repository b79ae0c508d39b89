"""Trainings that were recorded: their curves, and G's samples over time.

They ship under data/runs/, one file a run, written by
`python -m data.make.recordings`.
"""

import json
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .data import DATA_DIR, DataError

RUNS_DIR = DATA_DIR / "runs"
CURVES = ("loss_d", "loss_g", "d_real", "d_fake", "norm_d", "norm_g")


@dataclass(frozen=True)
class Recording:
    """One training, as it happened."""

    name: str
    steps: Tensor  # (t,) rounds at which the curves were read
    curves: dict[str, Tensor]  # name -> (t,) float32, the columns of `trainer.Record`
    sample_steps: Tensor  # (s,) rounds of the samples
    samples: Tensor  # (s, n, 1, side, side) in [-1, 1] or (s, n, 2), of fixed latents
    settings: dict  # what made it

    def last(self, curve: str, *, share: float = 0.25) -> float:
        """The mean of a curve over the last part of the run."""
        values = self.curves[curve]
        return values[-max(1, round(share * len(values))) :].mean().item()


def names() -> list[str]:
    """The recordings that ship, in the order of their names."""
    return sorted(path.stem for path in RUNS_DIR.glob("*.npz"))


def load(name: str) -> Recording:
    """A recording by name; ValueError if there is none, DataError if it is broken."""
    path = RUNS_DIR / f"{name}.npz"
    if not path.exists():
        raise ValueError(f"no recording is called {name!r}; there are {names()}")
    try:
        with np.load(path, allow_pickle=False) as file:
            settings = json.loads(str(file["settings"]))
            tensors = {
                key: torch.from_numpy(file[key])
                for key in (*CURVES, "steps", "sample_steps", "samples")
            }
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise DataError(
            f"{path} is broken. Restore it: git checkout data/runs/{path.name}"
        ) from error
    samples = tensors["samples"].float()
    if tensors["samples"].dtype == torch.uint8:  # images, stored in 256 levels
        samples = samples / 127.5 - 1
    return Recording(
        name=name,
        steps=tensors["steps"],
        curves={key: tensors[key] for key in CURVES},
        sample_steps=tensors["sample_steps"],
        samples=samples,
        settings=settings,
    )
