"""Lesson 1's explorer: one knob, two opinions on what is best."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from course_utils import data, gaussians
from course_utils.figures import images as pictures
from course_utils.figures import lesson01 as figures
from course_utils.figures import style
from course_utils.widgets.canvas import Canvas
from course_utils.widgets.controls import slider
from course_utils.widgets.explorer import Explorer

LEAST = 1e-4  # below, the density on held-out digits only falls
GRID = torch.logspace(-4, 0, 13)
SPLITS = 5
SHOWN, COLUMNS = 25, 5


@dataclass(frozen=True)
class Scores:
    """How ten Gaussians do on held-out digits.

    Args:
        accuracy: share of held-out digits that Bayes' rule names right.
        log_density: mean log p(x | its class), in nats an image.
    """

    accuracy: float
    log_density: float


def score(
    images: Tensor, labels: Tensor, *, shrinkage: float, split: int = 0
) -> Scores:
    """Fit on one part, score on the part held out.

    Args:
        images: (n, d).
        labels: (n,).
        shrinkage: in (0, 1].
        split: seed of the division.

    Points on two sides of 0 are told apart without an error:

    >>> points = torch.tensor([-3.0, -2.0, 2.0, 3.0]).repeat(90)[:, None]
    >>> labels = (points[:, 0] > 0).long()
    >>> score(points, labels, shrinkage=0.1).accuracy
    1.0
    """
    (x, y), (x_test, y_test) = data.split(images, labels, seed=split)
    means, covariances = gaussians.fit_class_gaussians(x, y, shrinkage)
    log_likelihoods = gaussians.log_likelihoods(x_test, means, covariances)
    log_prior = (y.bincount() / len(y)).log()
    decision = gaussians.posterior(log_likelihoods, log_prior).argmax(1)
    own = log_likelihoods[torch.arange(len(y_test)), y_test]
    return Scores((decision == y_test).double().mean().item(), own.mean().item())


def draw(
    images: Tensor, labels: Tensor, *, shrinkage: float, digit: int, n: int = SHOWN
) -> Tensor:
    """Samples of one digit, always from the same latents: (n, d)."""
    means, covariances = gaussians.fit_class_gaussians(images, labels, shrinkage)
    return gaussians.sample_class(means[digit], covariances[digit], n, data.rng(0))


def shrinkage_explorer(images: Tensor, labels: Tensor) -> Explorer:
    """Shrinkage and digit -> samples, held-out accuracy and held-out log density.

    Args:
        images: (n, d) square images, flattened.
        labels: (n,).
    """
    side = math.isqrt(images.shape[1])
    scores = [
        [score(images, labels, shrinkage=float(s), split=r) for s in GRID]
        for r in range(SPLITS)
    ]
    accuracy = np.array([[s.accuracy for s in row] for row in scores])
    density = np.array([[s.log_density for s in row] for row in scores])
    fig, (left, middle, right) = style.new_figure(
        3, height=2.9, width_ratios=[1.45, 1, 1]
    )
    start = torch.zeros(SHOWN, side, side)
    picture = pictures.draw_images(left, start, columns=COLUMNS, title="samples")
    dots = []
    for ax, values, what, unit in (
        (middle, 100 * accuracy, "classifier", "held-out accuracy (%)"),
        (right, density, "density", "held-out log density (nats)"),
    ):
        figures.shrinkage_panel(ax, GRID, values, what=what, unit=unit)
        dots += ax.plot([0.1], values.mean(), "D", color=style.NOTICE, markersize=9)
    means = [100 * accuracy.mean(0), density.mean(0)]
    canvas = Canvas(fig, moving=[picture, *dots])

    def frame(shrinkage: float, digit: int) -> bytes:
        x = draw(images, labels, shrinkage=shrinkage, digit=digit)
        picture.set_data(pictures.tile(x.reshape(-1, side, side), columns=COLUMNS))
        for dot, mean in zip(dots, means, strict=True):
            place = np.interp(math.log(shrinkage), GRID.log(), mean)
            dot.set_data([shrinkage], [place])
        return canvas.png()

    controls = {
        "shrinkage": slider(LEAST, 1.0, 0.1, log=True, step=0.05),
        "digit": slider(0, 9, 3),
    }
    return Explorer(frame, controls, alt=_describe)


def _describe(shrinkage: float, digit: int) -> str:
    return (
        f"Twenty-five drawings of the digit {digit} at shrinkage {shrinkage:.2g}. "
        "Beside them held-out accuracy, best near 0.2, and held-out log density, best "
        "near 0.001."
    )
