"""Trainings that were recorded: their curves, and what G drew meanwhile.

They ship under data/runs/, one file a run, written by
`python -m data.make.recordings`.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .data import DATA_DIR, DataError

RUNS_DIR = DATA_DIR / "runs"
CURVES = ("loss_d", "loss_g", "d_real", "d_fake", "norm_d", "norm_g")


@dataclass(frozen=True)
class Recording:
    """One training, as it happened.

    steps: (t,) rounds at which the curves were read. curves: name -> (t,) float32, the
    columns of `trainer.Record`. sample_steps: (s,) rounds of the samples. samples:
    (s, n, 1, side, side) in [-1, 1] from the same latents each time, or (s, n, 2)
    points. settings: what made it, as written by the recorder.
    """

    name: str
    steps: Tensor
    curves: dict[str, Tensor]
    sample_steps: Tensor
    samples: Tensor
    settings: dict

    def last(self, curve: str, *, share: float = 0.25) -> float:
        """The mean of a curve over the last part of the run."""
        values = self.curves[curve]
        return values[-max(1, round(share * len(values))) :].mean().item()


def names() -> list[str]:
    """The recordings that ship, in the order of their names."""
    return sorted(path.stem for path in RUNS_DIR.glob("*.npz"))


def load(name: str) -> Recording:
    """A recording by name.

    Raises:
        ValueError: there is none of that name.
        DataError: its file is broken.
    """
    path = RUNS_DIR / f"{name}.npz"
    if not path.exists():
        raise ValueError(f"no recording is called {name!r}; there are {names()}")
    try:
        with np.load(path, allow_pickle=False) as file:
            content = {key: file[key] for key in file.files}
        return _unpack(name, content)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise DataError(
            f"{path} is broken. Restore it: git checkout data/runs/{path.name}"
        ) from error


def save(recording: Recording, folder: Path = RUNS_DIR) -> Path:
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
        **{name: recording.curves[name].float().numpy() for name in CURVES},
    )
    return path


def _unpack(name: str, content: dict[str, np.ndarray]) -> Recording:
    packed = torch.from_numpy(content["samples"])
    samples = packed.float() / 127.5 - 1 if packed.dtype == torch.uint8 else packed
    return Recording(
        name=name,
        steps=torch.from_numpy(content["steps"]),
        curves={key: torch.from_numpy(content[key]) for key in CURVES},
        sample_steps=torch.from_numpy(content["sample_steps"]),
        samples=samples.float(),
        settings=json.loads(str(content["settings"])),
    )
