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
    """Pick one of the runs, all sampled at the same rounds; its samples follow."""
    rounds = next(iter(runs.values())).sample_steps.tolist()
    last, every = rounds[-1], rounds[-1] // (len(rounds) - 1)
    drawn = cache(lambda name: _run_figure(runs[name]))

    def frame(run: str, round: int) -> bytes:
        return drawn(run)(round // every)

    def alt(run: str, round: int) -> str:
        recording = runs[run]
        near = (recording.steps - round).abs().argsort()[:3]  # records, whose mean
        values = {name: recording.curves[name][near].mean().item() for name in WORDS}
        said = ", ".join(f"{WORDS[name]} {x:.3g}" for name, x in values.items())
        spread = recording.samples[round // every].std(dim=0).mean().item()
        samples = "samples all alike" if spread < 0.1 else "samples that differ"
        return f"Run {run} at round {round}: {said}; {samples}."

    controls = {
        "run": dropdown(list(runs), label="run"),
        "round": slider(0, last, last, step=every, label="round"),
    }
    return Explorer(frame, controls, alt=alt, play="round", fps=5)


def _run_figure(run: Recording) -> Callable[[int], bytes]:
    """Three panels of curves with a cursor, and samples: a function of their number."""
    ratios = {"width_ratios": [1, 1, 1, 1.05]}
    fig, axes = style.new_figure(4, width=10.4, height=2.9, **ratios)
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
