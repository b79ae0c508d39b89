"""Lesson 8's explorer: recorded runs, their curves and their samples over time."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from course_utils.figures import curves, style
from course_utils.figures.images import draw_images, tile
from course_utils.recordings import Recording

from .canvas import Canvas
from .controls import dropdown, slider
from .explorer import Explorer

COLUMNS = 4
WORDS = {"loss_d": "D's loss", "loss_g": "G's loss", "d_real": "D(x)",
         "d_fake": "D(G(z))", "norm_g": "G's gradient norm"}  # fmt: skip


def curve_reader(runs: Mapping[str, Recording]) -> Explorer:
    """Pick a run, scrub through its rounds; its samples follow.

    Args:
        runs: name -> recording of images, all sampled at the same rounds.

    Returns:
        A widget with a Play button.

    Raises:
        ValueError: there is no run, or they were sampled at different rounds.
    """
    if not runs:
        raise ValueError("at least one recording is wanted")
    times = {tuple(run.sample_steps.tolist()) for run in runs.values()}
    if len(times) != 1:
        raise ValueError("recordings sampled at the same rounds are wanted")
    rounds = times.pop()
    last, every = rounds[-1], rounds[-1] // (len(rounds) - 1)
    stages: dict[str, _Stage] = {}

    def frame(run: str, round: int) -> bytes:
        if run not in stages:
            stages[run] = _Stage(runs[run])
        return stages[run].frame(round // every)

    def alt(run: str, round: int) -> str:
        recording = runs[run]
        said = ", ".join(f"{WORDS[c]} {_at(recording, c, round):.3g}" for c in WORDS)
        return f"Run {run} at round {round}: {said}; {spread(recording, round)}."

    controls = {
        "run": dropdown(list(runs), label="run"),
        "round": slider(0, last, last, step=every, label="round"),
    }
    return Explorer(frame, controls, alt=alt, play="round", fps=5)


def spread(recording: Recording, step: int) -> str:
    """How much the samples at a round differ from each other, in a word or two."""
    place = int((recording.sample_steps - step).abs().argmin())
    between = recording.samples[place].std(dim=0).mean().item()
    return "samples all alike" if between < 0.1 else "samples that differ"


def _at(recording: Recording, curve: str, step: int) -> float:
    """A curve near a round: the mean of the nearest three records."""
    near = (recording.steps - step).abs().argsort()[:3]
    return recording.curves[curve][near].mean().item()


class _Stage:
    """The figure of one run: three panels of curves with a cursor, and samples."""

    def __init__(self, run: Recording) -> None:
        self.run, self.rounds = run, run.sample_steps.tolist()
        fig, axes = style.new_figure(
            4, width=10.4, height=2.9, width_ratios=[1, 1, 1, 1.05]
        )
        losses, answers, norms, images = axes
        c = run.curves
        curves.draw_losses(losses, run.steps, c["loss_d"], c["loss_g"])
        curves.draw_outputs(answers, run.steps, c["d_real"], c["d_fake"])
        curves.draw_norms(norms, run.steps, c["norm_d"], c["norm_g"])
        look = {"color": style.NOTICE, "lw": 1.4, "ls": style.DASHES[style.NOTICE]}
        self.cursors = [panel.axvline(0, **look) for panel in axes[:3]]
        self.picture = draw_images(images, self._samples(-1), columns=COLUMNS)
        self.caption = images.text(
            0, -0.03, "", transform=images.transAxes, va="top", color=style.CAPTION
        )
        moving = [*self.cursors, self.picture, self.caption]
        self.canvas = Canvas(fig, moving=moving)

    def _samples(self, place: int) -> Tensor:
        return torch.as_tensor(self.run.samples[place][: COLUMNS**2])

    def frame(self, place: int) -> bytes:
        for cursor in self.cursors:
            cursor.set_xdata([self.rounds[place]] * 2)
        self.picture.set_data(tile(self._samples(place), columns=COLUMNS))
        self.caption.set_text(f"16 latents, round {self.rounds[place]}")
        return self.canvas.png()
