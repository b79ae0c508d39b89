"""Lesson 4's explorer: races that were run in the lesson, replayed side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from torch import Tensor

from course_utils import games
from course_utils.figures import style

from .canvas import Canvas
from .controls import dropdown, slider
from .explorer import Explorer

ARRIVED = 0.5  # from the data, on average; the start is about 3 away
SHOWN = 40  # samples of a game, so that a row stays readable


class Setting(NamedTuple):
    """Which of the recorded races."""

    pretraining: int
    loss: str
    optimizer: str


Runs = Mapping[Setting | tuple[int, str, str], Tensor]


def arrivals(distance: Tensor) -> str:
    """How many games have arrived, in a word that two machines agree on.

    Args:
        distance: (games,) from the data.

    >>> import torch
    >>> arrivals(torch.tensor([0.1, 2.9]))
    'some'
    """
    n = int((distance < ARRIVED).sum())
    return "none" if n == 0 else "all" if n == len(distance) else "some"


def race_replay(runs: Runs, x_real: Tensor, *, every: int) -> Explorer:
    """Races on a line, to be replayed: how long D was trained first, loss, optimizer.

    Args:
        runs: (pretraining steps, loss, optimizer) -> (pictures, games, n, 1), for every
            combination of the values that occur.
        x_real: (n, 1) data.
        every: steps between two pictures.

    Returns:
        A widget with a Play button.

    Raises:
        ValueError: a combination is missing, or the races differ in length.
    """
    runs = {Setting(*key): samples for key, samples in runs.items()}
    options = [list(dict.fromkeys(column)) for column in zip(*runs, strict=True)]
    if len(runs) != np.prod([len(o) for o in options]):
        raise ValueError(f"every combination of {options} is wanted, not {len(runs)}")
    lengths = {len(samples) for samples in runs.values()}
    if len(lengths) != 1:
        raise ValueError(f"races of one length are wanted, not {sorted(lengths)}")
    distances = {
        key: games.distance_to_data(samples, x_real) for key, samples in runs.items()
    }
    last = (lengths.pop() - 1) * every
    half = last // every // 2 * every  # at the start no race is to be seen yet
    stage = _Stage(runs, distances, x_real, every, last)

    def alt(step: int, **setting: object) -> str:
        at = Setting(**setting)
        return (
            f"{at.loss} with {at.optimizer}, D pre-trained for {at.pretraining} "
            f"steps, after step {step} of the race: "
            f"{arrivals(distances[at][step // every])} of the games have arrived."
        )

    controls = {
        "pretraining": dropdown(options[0], label="steps that D is trained before"),
        "loss": dropdown(options[1], label="loss of G"),
        "optimizer": dropdown(options[2], label="optimizer of G"),
        "step": slider(0, last, half, step=every, label="step of the race"),
    }
    return Explorer(stage.frame, controls, alt=alt, play="step", fps=10)


class _Stage:
    """The figure: a row of samples for each game, and the distances so far."""

    def __init__(
        self, runs: Runs, distances: Runs, x_real: Tensor, every: int, last: int
    ) -> None:
        self.runs, self.distances, self.every = runs, distances, every
        some = next(iter(runs.values()))
        self.n_games = some.shape[1]
        fig, (rows, course) = style.new_figure(2, height=3.3, width_ratios=[1.25, 1])
        self._dress(rows, course, x_real.squeeze(-1).numpy(), last)
        (self.samples,) = rows.plot([], [], "^", color=style.GENERATED, ms=4, alpha=0.5)
        look = {"color": style.GENERATED, "lw": 1.2, "alpha": 0.7}
        self.lines = [course.plot([], [], **look)[0] for _ in range(self.n_games)]
        (self.dots,) = course.plot([], [], "D", color=style.NOTICE, ms=5)
        self.canvas = Canvas(fig, moving=[self.samples, *self.lines, self.dots])

    def _dress(self, rows, course, x_real: np.ndarray, last: int) -> None:
        low, high = np.quantile(x_real, [0.025, 0.975])
        rows.axvspan(low, high, color=style.DATA, alpha=0.15, lw=0)
        rows.annotate("data", ((low + high) / 2, 0.35), color=style.DATA, ha="center")
        rows.set_xlim(-1.5, 5.5)
        rows.set_ylim(0.2, self.n_games + 0.8)
        rows.set_yticks(range(1, self.n_games + 1))
        rows.set_ylabel("game")
        rows.set_xlabel("x")
        rows.set_title("What G makes")
        course.set_xlim(0, last)
        course.set_ylim(0, 4)
        style.reference_line(course, ARRIVED, "arrived")
        course.set_xlabel("step")
        course.set_ylabel("distance to the data")
        course.set_title("How far off it is")

    def frame(self, pretraining: int, loss: str, optimizer: str, step: int) -> bytes:
        at, i = Setting(pretraining, loss, optimizer), step // self.every
        x = self.runs[at][i, :, :SHOWN, 0].numpy()
        row = np.broadcast_to(np.arange(1, self.n_games + 1)[:, None], x.shape)
        self.samples.set_data(x.ravel(), row.ravel())
        past = self.distances[at][: i + 1].numpy()
        steps = self.every * np.arange(i + 1)
        for line, y in zip(self.lines, past.T, strict=True):
            line.set_data(steps, y)
        self.dots.set_data(np.full(self.n_games, step), past[-1])
        return self.canvas.png()
