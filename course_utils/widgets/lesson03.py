"""Lesson 3's explorer: one logit, the loss and its slope seen in two variables."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_utils import losses
from course_utils.figures import style

from .canvas import Canvas
from .controls import slider
from .explorer import Explorer

Loss = Callable[[Tensor], Tensor]
LOW, HIGH = -12.0, 4.0  # logits on show


def saturation_point(loss: Loss, logit: float) -> tuple[float, float, float, float]:
    """D(G(z)) at a logit, its loss in nats, and the slopes in D and in the logit.

    Where D is undecided, log(1 - D) has slope -2 in D and -1/2 in the logit:

    >>> saturation_point(losses.minimax_generator_loss, 0.0)[2:]
    (-2.0, -0.5)
    """
    x = torch.tensor([logit], dtype=torch.float64, requires_grad=True)
    probability = torch.sigmoid(x)
    value = loss(probability)
    slopes = torch.autograd.grad(value, (probability, x))
    return tuple(t.item() for t in (probability, value, *slopes))


def saturation_explorer(learner_loss: Loss = losses.minimax_generator_loss) -> Explorer:
    """A slider for D's logit; loss and slope against D and against the logit.

    Where the learner's loss is right, its dashes lie inside the course's grey band.
    """
    fig, grid = style.new_figure(2, rows=2, height=4.6, sharey="row")
    _draw_curves(grid, learner_loss)
    dots = [axes.plot([], [], "D", color=style.NOTICE, ms=8)[0] for axes in grid.flat]
    texts = [axes.text(0.04, 0.08, "", transform=axes.transAxes) for axes in grid.flat]
    canvas = Canvas(fig, moving=[*dots, *texts])

    def frame(logit: float) -> bytes:
        p, value, in_p, in_logit = saturation_point(learner_loss, logit)
        marks = [
            (p, value, f"D = {p:.6f}\nloss {value:.4f}"),
            (logit, value, f"logit {logit:.1f}\nloss {value:.4f}"),
            (p, in_p, f"slope {in_p:.3f}"),
            (logit, in_logit, f"slope {in_logit:.6f}"),
        ]
        for dot, text, (x, y, words) in zip(dots, texts, marks, strict=True):
            dot.set_data([x], [y])
            text.set_text(words)
        return canvas.png()

    def alt(logit: float) -> str:
        p, value, in_p, in_logit = saturation_point(learner_loss, logit)
        return (
            f"At logit {logit:.1f}, where D is {p:.6f}, the loss is {value:.4f}; its "
            f"slope is {in_p:.3f} in D and {in_logit:.6f} in the logit."
        )

    control = slider(LOW, HIGH, -6.9, step=0.1, label="logit of D(G(z))")
    return Explorer(frame, {"logit": control}, alt=alt)


def _draw_curves(grid: np.ndarray, learner_loss: Loss) -> None:
    (by_p, by_logit), (slope_by_p, slope_by_logit) = grid
    logits = np.linspace(LOW, HIGH, 161)
    for loss, look in (
        (losses.minimax_generator_loss, {"color": style.REFERENCE, "lw": 6}),
        (learner_loss, {"color": style.GENERATED, "lw": 1.8, "ls": "--"}),
    ):
        points = [saturation_point(loss, logit) for logit in logits]
        p, value, in_p, in_logit = np.array(points).T
        by_p.plot(p, value, **look)
        by_logit.plot(logits, value, **look)
        slope_by_p.plot(p, in_p, **look)
        slope_by_logit.plot(logits, in_logit, **look)
    by_p.set(ylim=(-4.2, 0.6), ylabel="G's loss (nats)")
    by_p.set_title("Against D: slope -1 at 0, not flat")
    by_logit.set_title("Against the logit: flat where D is sure")
    slope_by_p.set(ylim=(-4.2, 0.6), ylabel="slope of G's loss")
    slope_by_p.set_xlabel("D(G(z)), a probability")
    slope_by_logit.set_xlabel("D's logit at G(z)")
