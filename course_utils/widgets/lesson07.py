"""Lesson 7: a dashboard that follows a run while its cell works, and a latent walk."""

import uuid
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from IPython.display import display
from matplotlib.axes import Axes
from torch import Tensor, nn

from course_utils import training
from course_utils.figures import style
from course_utils.figures.images import draw_images, tile
from course_utils.figures.lesson07 import Board

from .canvas import Canvas
from .controls import dropdown, slider
from .explorer import Explorer

COLUMNS, SAMPLES = 8, 48  # of the dashboard's mosaic
EVERY = 20  # a picture at each round that is divisible by this, and at the end


class Dashboard:
    """A run as it goes: samples from fixed latents, losses, D's outputs, gradients.

    Hand `update` to a trainer.Trainer: `run.train(watch=dashboard.update)`. `show` puts
    the picture under a cell; it is redrawn there while the cell runs, and the last one
    stays in the notebook. `replay` turns all pictures into an explorer.
    """

    ALT = (
        "A training run against the round: at the left samples from fixed latents, at "
        "the right the losses of D and G with dotted lines at 2 log 2 and log 2, the "
        "mean outputs D(x) and D(G(z)), and the lengths of both gradients."
    )

    def __init__(self, run: Any) -> None:
        self.run, self._id, self._shown = run, uuid.uuid4().hex, False
        last_step = run.settings.steps
        self._board = Board(run.samples(SAMPLES), columns=COLUMNS, last_step=last_step)
        self._canvas = Canvas(self._board.fig, moving=self._board.moving)
        self.rounds: list[int] = []
        self.pictures: list[bytes] = []
        self._draw()

    def update(self, record: Any) -> None:
        """A new record came: draw, every so often and at the end of the run."""
        if record.step % EVERY == 0 or record.step == self.run.settings.steps:
            self._draw()
            if self._shown:
                self._display(update=True)

    def show(self) -> None:
        """Put the picture under this cell, where `update` finds it."""
        self._shown = True
        self._display()
        text = {"text/plain": "", "text/html": style.screen_reader_text(self.ALT)}
        display(text, raw=True)

    def replay(self) -> Explorer:
        """The pictures so far, under a slider; a ValueError if nothing was trained."""
        pictures, rounds = list(self.pictures), list(self.rounds)
        if len(pictures) < 2:
            raise ValueError("train with `watch=dashboard.update` first")
        last = len(pictures) - 1
        return Explorer(
            lambda picture: pictures[picture],
            {"picture": slider(0, last, last)},
            alt=lambda picture: f"After round {rounds[picture]}. {self.ALT}",
            play="picture", fps=4,
        )  # fmt: skip

    def _draw(self) -> None:
        samples = self.run.samples(SAMPLES)
        self._board.show(self.run.history, samples)
        self.pictures.append(self._canvas.png())
        self.rounds.append(self.run.history[-1].step if self.run.history else 0)

    def _display(self, **kw: Any) -> None:
        style.display_image(self.pictures[-1], self.ALT, display_id=self._id, **kw)


def latent_walk(G: nn.Module, walks: Mapping[str, Tensor]) -> Explorer:
    """Walks through latents, name -> (n, latent_dim), with G's image at each place.

    Images are made once, before the first picture; all walks have one n, 2 or more.
    """
    lengths = {len(walk) for walk in walks.values()}
    if len(lengths) != 1 or min(lengths) < 2:
        raise ValueError(f"walks of one length are wanted, not {sorted(lengths)}")
    last = lengths.pop() - 1
    like, names = next(G.parameters()), list(walks)
    images = {name: training.sample(G, z.to(like)).cpu() for name, z in walks.items()}
    norms = {name: walk.norm(dim=1) for name, walk in walks.items()}
    shown = torch.linspace(0, last, 12).round().long()
    fig, panels = style.new_figure(3, height=2.6, width_ratios=[1, 1.5, 1.2])
    one, strip, course = panels
    big = draw_images(one, images[names[0]][:1], columns=1)
    small = draw_images(strip, images[names[0]][shown], columns=4)
    strip.set_title("On the way")
    _draw_norms(course, norms, last)
    (mark,) = course.plot([0], [0], "D", color=style.NOTICE, ms=7)
    canvas = Canvas(fig, moving=[big, small, mark])

    def frame(walk: str, place: int) -> bytes:
        big.set_data(tile(images[walk][place : place + 1], columns=1))
        small.set_data(tile(images[walk][shown], columns=4))
        mark.set_data([place], [norms[walk][place]])
        return canvas.png()

    def alt(walk: str, place: int) -> str:
        return (
            f"What G draws at place {place} of {last} along the {walk}; the latent "
            f"there has length {norms[walk][place]:.1f}."
        )

    controls = {
        "walk": dropdown(names, label="walk"),
        "place": slider(0, last, 0, label="place on the way"),
    }
    return Explorer(frame, controls, alt=alt, play="place", fps=10)


def _draw_norms(axes: Axes, norms: Mapping[str, Tensor], last: int) -> None:
    roles = (style.GENERATED, style.NOTICE)
    for (name, y), role in zip(norms.items(), roles, strict=False):
        style.line(axes, np.arange(last + 1), y, role, linewidth=1.5)
        axes.lines[-1].set_label(name)
    highest = max(float(y.max()) for y in norms.values())
    axes.set(ylim=(0, 1.5 * highest), xlim=(-0.5, last + 0.5))
    axes.set(xlabel="place", title="Length of z")
    axes.legend(loc="upper right", fontsize=8.5)
