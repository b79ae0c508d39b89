"""Lesson 1's explorer: one control, two scores that disagree on its best value."""

import math

import numpy as np
import torch
from torch import Tensor

from course_utils import data, gaussians
from course_utils.figures import style
from course_utils.figures.images import draw_images, tile
from course_utils.figures.lesson01 import shrinkage_panel

from .canvas import Canvas
from .controls import slider
from .explorer import Explorer

LOWEST = 1e-4  # below, the density on held-out digits only falls
GRID = torch.logspace(-4, 0, 13)
SPLITS = 5
SHOWN, COLUMNS = 25, 5


def score(
    images: Tensor, labels: Tensor, *, shrinkage: float, split: int = 0
) -> tuple[float, float]:
    """Gaussians of the classes, fitted to a part of images (n, d), scored on the rest.

    The share that Bayes' rule names right, and the mean of log p(x | its class), in
    nats an image. Points on two sides of 0 are told apart without an error:

    >>> points = torch.tensor([-3.0, -2.0, 2.0, 3.0]).repeat(90)[:, None]
    >>> score(points, (points[:, 0] > 0).long(), shrinkage=0.1)[0]
    1.0
    """
    (x, y), (x_test, y_test) = data.split(images, labels, seed=split)
    means, covariances = gaussians.fit_class_gaussians(x, y, shrinkage)
    log_likelihoods = gaussians.log_likelihoods(x_test, means, covariances)
    log_prior = (y.bincount() / len(y)).log()
    decision = gaussians.posterior(log_likelihoods, log_prior).argmax(1)
    own = log_likelihoods[torch.arange(len(y_test)), y_test]
    return (decision == y_test).double().mean().item(), own.mean().item()


def shrinkage_explorer(images: Tensor, labels: Tensor) -> Explorer:
    """Samples of a digit at a shrinkage; held-out accuracy and log density beside.

    images: (n, d) square ones, flattened.
    """
    side = math.isqrt(images.shape[1])
    scores = np.array([
        [score(images, labels, shrinkage=float(s), split=r) for s in GRID]
        for r in range(SPLITS)
    ])  # fmt: skip
    fig, (left, *panels) = style.new_figure(3, height=2.9, width_ratios=[1.45, 1, 1])
    picture = draw_images(left, torch.zeros(SHOWN, side, side), columns=COLUMNS)
    left.set_title("samples")
    curves = {
        ("classifier", "held-out accuracy (%)"): 100 * scores[..., 0],
        ("density", "held-out log density (nats)"): scores[..., 1],
    }
    dots = []
    for ax, ((what, unit), values) in zip(panels, curves.items(), strict=True):
        shrinkage_panel(ax, GRID, values, what=what, unit=unit)
        dots += ax.plot([0.1], values.mean(), "D", color=style.NOTICE, markersize=9)
    canvas = Canvas(fig, moving=[picture, *dots])

    def frame(shrinkage: float, digit: int) -> bytes:
        means, covariances = gaussians.fit_class_gaussians(images, labels, shrinkage)
        law = means[digit], covariances[digit]
        x = gaussians.sample_class(*law, SHOWN, data.rng(0))  # of the same latents
        picture.set_data(tile(x.reshape(-1, side, side), columns=COLUMNS))
        for dot, values in zip(dots, curves.values(), strict=True):
            y = np.interp(math.log(shrinkage), GRID.log(), values.mean(0))
            dot.set_data([shrinkage], [y])
        return canvas.png()

    def alt(shrinkage: float, digit: int) -> str:
        return (
            f"Twenty-five drawings of the digit {digit} at shrinkage {shrinkage:.2g}. "
            "Beside them held-out accuracy, best near 0.2, and held-out log density, "
            "best near 0.001."
        )

    controls = {
        "shrinkage": slider(LOWEST, 1.0, 0.1, log=True),
        "digit": slider(0, 9, 3),
    }
    return Explorer(frame, controls, alt=alt)
