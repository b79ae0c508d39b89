"""Lesson 8's explorer: recorded runs, their curves and their samples over time."""

from collections.abc import Callable, Mapping
from functools import cache

import torch

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
    drawn = cache(lambda name: _run_figure(runs[name]))

    def frame(run: str, round: int) -> bytes:
        return drawn(run)(round // every)

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
    i = int((recording.sample_steps - step).abs().argmin())
    between = recording.samples[i].std(dim=0).mean().item()
    return "samples all alike" if between < 0.1 else "samples that differ"


def _at(recording: Recording, curve: str, step: int) -> float:
    """A curve near a round: the mean of the nearest three records."""
    near = (recording.steps - step).abs().argsort()[:3]
    return recording.curves[curve][near].mean().item()


def _run_figure(run: Recording) -> Callable[[int], bytes]:
    """Three panels of curves with a cursor, and samples: a function of their number."""
    fig, axes = style.new_figure(
        4, width=10.4, height=2.9, width_ratios=[1, 1, 1, 1.05]
    )
    curves.draw_curves(axes[:3], run.steps, run.curves)
    look = {"color": style.NOTICE, "lw": 1.4, "ls": style.DASHES[style.NOTICE]}
    cursors = [panel.axvline(0, **look) for panel in axes[:3]]
    samples = torch.as_tensor(run.samples)[:, : COLUMNS**2]
    picture = draw_images(axes[3], samples[-1], columns=COLUMNS)
    place = {"transform": axes[3].transAxes, "va": "top", "color": style.CAPTION}
    caption = axes[3].text(0, -0.03, "", **place)
    canvas = Canvas(fig, moving=[*cursors, picture, caption])

    def frame(i: int) -> bytes:
        step = int(run.sample_steps[i])
        for cursor in cursors:
            cursor.set_xdata([step] * 2)
        picture.set_data(tile(samples[i], columns=COLUMNS))
        caption.set_text(f"16 latents, round {step}")
        return canvas.png()

    return frame
