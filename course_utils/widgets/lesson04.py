"""Lesson 4's explorer: races that were run in the lesson, replayed side by side."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from course_utils import games
from course_utils.figures import style

from .canvas import Canvas
from .controls import dropdown, slider
from .explorer import Explorer

ARRIVED = 0.5  # from the data, on average; the start is about 3 away
SHOWN = 40  # samples of a game, so that a row stays readable


def arrivals(distance: Tensor) -> str:
    """How many of the (games,) have arrived, in a word that two machines agree on."""
    n = int((distance < ARRIVED).sum())
    return "none" if n == 0 else "all" if n == len(distance) else "some"


def race_replay(
    runs: Mapping[tuple[int, str, str], Tensor], x_real: Tensor, *, every: int
) -> Explorer:
    """Races on a line, to be replayed: how long D was trained first, loss, optimizer.

    Args:
        runs: (pretraining steps, loss, optimizer) -> (pictures, games, n, 1), for every
            combination of the values that occur, all of one length.
        x_real: (n, 1) data.
        every: steps between two pictures.
    """
    options = [list(dict.fromkeys(column)) for column in zip(*runs, strict=True)]
    n_pictures, n_games = next(iter(runs.values())).shape[:2]
    distances = {k: games.distance_to_data(x, x_real) for k, x in runs.items()}
    last = (n_pictures - 1) * every
    half = last // every // 2 * every  # at the start no race is to be seen yet
    game = np.arange(1, n_games + 1)
    fig, (rows, course) = style.new_figure(2, height=3.3, width_ratios=[1.25, 1])
    _prepare_axes(rows, course, x_real.squeeze(-1).numpy(), game, last)
    (samples,) = rows.plot([], [], "^", color=style.GENERATED, ms=4, alpha=0.5)
    nothing = np.empty((0, n_games))
    lines = course.plot(nothing, nothing, color=style.GENERATED, lw=1.2, alpha=0.7)
    (dots,) = course.plot([], [], "D", color=style.NOTICE, ms=5)
    canvas = Canvas(fig, moving=[samples, *lines, dots])

    def frame(pretraining: int, loss: str, optimizer: str, step: int) -> bytes:
        at, i = (pretraining, loss, optimizer), step // every
        x = runs[at][i, :, :SHOWN, 0].numpy()
        samples.set_data(x.ravel(), game.repeat(x.shape[1]))
        past = distances[at][: i + 1].numpy()
        for line, y in zip(lines, past.T, strict=True):
            line.set_data(every * np.arange(i + 1), y)
        dots.set_data(np.full(n_games, step), past[-1])
        return canvas.png()

    def alt(pretraining: int, loss: str, optimizer: str, step: int) -> str:
        distance = distances[pretraining, loss, optimizer][step // every]
        return (
            f"{loss} with {optimizer}, D pre-trained for {pretraining} steps, after "
            f"step {step} of the race: {arrivals(distance)} of the games have arrived."
        )

    controls = {
        "pretraining": dropdown(options[0], label="steps that D is trained before"),
        "loss": dropdown(options[1], label="loss of G"),
        "optimizer": dropdown(options[2], label="optimizer of G"),
        "step": slider(0, last, half, step=every, label="step of the race"),
    }
    return Explorer(frame, controls, alt=alt, play="step", fps=10)


def _prepare_axes(
    rows: Axes, course: Axes, x_real: np.ndarray, game: np.ndarray, last: int
) -> None:
    """A row of samples for each game at the left, the distances so far at the right."""
    low, high = np.quantile(x_real, [0.025, 0.975])
    rows.axvspan(low, high, color=style.DATA, alpha=0.15, lw=0)
    style.label(rows, (low + high) / 2, 0.35, "data", style.DATA, ha="center")
    rows.set(xlim=(-1.5, 5.5), ylim=(0.2, len(game) + 0.8), yticks=game)
    rows.set(title="What G makes", xlabel="x", ylabel="game")
    style.reference_line(course, ARRIVED, "arrived")
    course.set(xlim=(0, last), ylim=(0, 4), xlabel="step", title="How far off it is")
    course.set_ylabel("distance to the data")
